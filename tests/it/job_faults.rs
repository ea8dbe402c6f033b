//! Jobs whose workers die, whose messages are repeated and reordered, whose replies are lost and whose requests are
//! throttled: the counts must be those of a run without faults.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use efface_aws::queue::Message;
use efface_tests::{
    Req, TestApp,
    app::{SPACE, profile_line},
    fault_proxy::Passed,
    faults::Fault,
    jobs::summary,
    log,
    size::size,
    store::active_identifiers,
};
use serde_json::{Value, json};

/// Three profiles: a plain one, one into which another was merged, and one with segments and traits.
async fn app() -> TestApp {
    let app = TestApp::start().await;
    app.profile(&["user_id:a", "email:a@x"]).await;
    app.profile(&["user_id:b", "email:b@x"]).await;
    let mut merged = profile_line(SPACE, &["anonymous_id:b"]);
    merged["merged_into"] = json!({ "type": "user_id", "id": "b" });
    app.try_load(&merged).await.unwrap();
    let mut in_segments = profile_line(SPACE, &["user_id:c", "email:c@x"]);
    in_segments["segments"] = json!(["seg_1", "seg_2"]);
    in_segments["traits"] = json!({ "plan": "pro" });
    app.try_load(&in_segments).await.unwrap();
    app
}

/// Each profile by one or two rows, an unknown identifier and an invalid row.
fn profiles() -> Value {
    let rows = ["email:a@x", "anonymous_id:b", "user_id:b", "user_id:c", "email:c@x", "user_id:nobody", "junk"];
    json!({ "action": "delete_profile", "rows": rows })
}

const PROFILES: &str = "completed: 3 deleted, 2 duplicate, 1 not_found, 1 invalid";

/// A duplicate, a deletion through a merge, an identifier of another profile, the only `user_id` of a profile, and an
/// unknown lookup.
fn identifiers() -> Value {
    let row = |user_id: &str, target: &str| {
        let (id_type, id) = target.split_once(':').unwrap();
        json!({ "user_id": user_id, "type": id_type, "id": id })
    };
    let rows = [
        row("a", "email:a@x"),
        row("a", "email:a@x"),
        row("b", "anonymous_id:b"),
        row("b", "email:c@x"),
        row("c", "user_id:c"),
        row("nobody", "email:c@x"),
        row("c", "email:c@x"),
    ];
    json!({ "action": "delete_identifier", "rows": rows })
}

const IDENTIFIERS: &str = "completed: 3 deleted, 1 duplicate, 2 not_found, 1 protected";

/// Asserts the status of a completed job, that its outcomes agree with its counts and, for [`PROFILES`], that nothing of
/// the profiles is left.
async fn check(app: &TestApp, job: &str, expected: &str) {
    let status = app.job_status(job).await;
    assert_eq!(summary(&status), expected, "{status}");
    let outcomes = app.outcomes(job, "").await;
    assert_eq!(outcomes.len() as u64, status["rows"].as_u64().unwrap(), "each row has an outcome");
    for (name, count) in status["counts"].as_object().unwrap() {
        let listed = outcomes.iter().filter(|(_, _, outcome)| outcome == name).count() as u64;
        assert_eq!(listed, count.as_u64().unwrap(), "{name}");
    }
    let dump = app.db.dump().await;
    for (key, item) in dump.iter().filter(|((pk, _), _)| pk.starts_with("I#")) {
        let generation = if item["state"].contains("deleted") { "N(\"2\")" } else { "N(\"1\")" };
        assert_eq!(item["generation"], generation, "{key:?}: a deletion counts once, whatever is repeated");
    }
    if expected == PROFILES {
        let left = dump.iter().filter(|((pk, sk), _)| pk.starts_with("M#") || (pk.starts_with("P#") && sk != "H"));
        let left: Vec<_> = left.filter(|((_, sk), _)| !sk.starts_with("E#")).collect();
        assert!(left.is_empty(), "items of deleted profiles are left: {left:?}");
        assert_eq!(active_identifiers(&dump), 0, "identifiers are left");
    }
}

/// A worker dies at any of its requests (usually at each third one), before or after that request is carried out; its
/// messages are delivered again.
#[tokio::test]
async fn a_worker_may_die_at_any_request() {
    for (rows, expected) in [(profiles(), PROFILES), (identifiers(), IDENTIFIERS)] {
        for last_is_done in [false, true] {
            let mut passes = 0;
            loop {
                let app = app().await;
                let job = app.job(rows.clone()).await;
                let died = app.db.proxy.dies_after(passes, last_is_done, app.work()).await;
                if died {
                    // No message was acknowledged: deliver all of them again.
                    app.queue.take();
                    app.queue.sent().into_iter().for_each(|body| app.queue.put(body));
                }
                app.work().await;
                check(&app, &job, expected).await;
                passes += size(3, 1);
                if !died {
                    break;
                }
            }
            assert!(passes > 20, "it died at {passes} places");
        }
    }
}

/// The HTTP function dies at any of its requests while it creates a job: the client's repeat with the same key gets the
/// one job, and its counts are right.
#[tokio::test]
async fn the_api_may_die_at_any_request() {
    for last_is_done in [false, true] {
        let mut passes = 0;
        loop {
            let app = app().await;
            app.create_job(json!({ "action": "delete_profile", "open": true })).await;
            let request = Req::post(format!("/v1/spaces/{SPACE}/deletion_jobs"), &profiles()).key("k");
            let died = app.db.proxy.dies_after(passes, last_is_done, app.send(request.clone())).await;
            if died {
                app.queue.take();
            }
            let reply = app.send(request).await;
            assert_eq!(reply.status, 202, "{}", reply.body);
            let job = reply.body["job"]["id"].as_str().unwrap().to_owned();
            if app.queue.is_empty() {
                // It died after it had created the job and before it sent the message: the reconciler sends it, once the
                // job has not changed for a while.
                app.reconcile().await;
                app.clock.advance(200_000);
                app.reconcile().await;
            }
            app.work().await;
            check(&app, &job, PROFILES).await;
            let all = app.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs?state=completed"))).await;
            assert_eq!(all.body["jobs"], 1, "only one job was created: {}", all.body);
            passes += 1;
            if !died {
                break;
            }
        }
        assert!(passes > 3, "it died at {passes} places");
    }
}

/// Two workers run three chunks in reverse order, and each chunk more than once.
#[tokio::test]
async fn deliveries_may_be_repeated_and_reordered() {
    let app = app().await;
    let mut rows: Vec<String> = (0..2_296).map(|i| format!("user_id:nobody-{i}")).collect();
    rows.splice(0..0, ["user_id:a".to_owned(), "user_id:b".to_owned()]);
    rows.extend(["email:a@x".to_owned(), "anonymous_id:b".to_owned()]);
    let job = app.job(json!({ "action": "delete_profile", "rows": rows })).await;
    let worker = app.worker();
    app.deliver(&worker, &app.queue.take()).await;
    let mut chunks = app.queue.take();
    assert_eq!(chunks.len(), 3);
    chunks.reverse();
    let twice: Vec<String> = chunks.iter().chain(&chunks).cloned().collect();
    let (one, two) = (app.worker(), app.worker());
    let (a, b) = tokio::join!(app.deliver(&one, &twice), app.deliver(&two, &chunks));
    // A worker that loses a race for a chunk fails its message, which is then delivered again.
    for body in a.into_iter().chain(b) {
        app.queue.put(body);
    }
    app.work().await;
    assert_eq!(app.job_summary(&job).await, "completed: 2 deleted, 2 duplicate, 2296 not_found");
    assert_eq!(app.deliver(&worker, &chunks).await, Vec::<String>::new(), "late copies are acknowledged");
    assert_eq!(app.job_summary(&job).await, "completed: 2 deleted, 2 duplicate, 2296 not_found");
}

/// Every third request fails, for each kind of fault; the retries succeed.
#[tokio::test]
async fn transient_faults_do_not_change_the_counts() {
    for fault in [Fault::Throttle, Fault::ServerError, Fault::LoseReply, Fault::LoseRequest, Fault::Conflict] {
        for (rows, expected) in [(profiles(), PROFILES), (identifiers(), IDENTIFIERS)] {
            let app = app().await;
            let job = app.job(rows).await;
            let count = AtomicUsize::new(0);
            app.db.proxy.plan(move |passed| {
                let applies = fault != Fault::Conflict || passed.operation.contains("Update");
                if applies && count.fetch_add(1, Ordering::SeqCst) % 3 == 1 { fault } else { Fault::None }
            });
            app.work().await;
            app.db.proxy.heal();
            for dead in app.dead.take() {
                app.queue.put(dead);
            }
            app.work().await;
            assert_eq!(app.job_summary(&job).await, expected, "{fault:?}");
        }
    }
}

/// What a batch leaves unprocessed is sent again.
#[tokio::test]
async fn unprocessed_keys_and_items_are_sent_again() {
    let app = app().await;
    let job = app.job(profiles()).await;
    let left = Arc::new(AtomicUsize::new(6));
    app.db.proxy.plan(move |passed: &Passed| {
        let is_batch = passed.operation.starts_with("Batch");
        let hit = is_batch && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok();
        if hit { Fault::Unprocessed } else { Fault::None }
    });
    app.work().await;
    check(&app, &job, PROFILES).await;
}

/// An eventually consistent read may miss an identifier or find a deleted one: an outcome is decided by a consistent read
/// or a conditional write only.
#[tokio::test]
async fn stale_reads_decide_nothing() {
    for fault in [Fault::Empty, Fault::None] {
        for (rows, expected) in [(profiles(), PROFILES), (identifiers(), IDENTIFIERS)] {
            let app = app().await;
            let job = app.job(rows).await;
            app.db.proxy.plan(move |passed| {
                let is_stale = passed.request["RequestItems"]
                    .as_object()
                    .is_some_and(|tables| tables.values().any(|table| table["ConsistentRead"] == json!(false)));
                if is_stale { fault } else { Fault::None }
            });
            app.work().await;
            check(&app, &job, expected).await;
        }
    }
}

/// The queue rejects a part of a batch: only that part is sent again, so each chunk has one message.
#[tokio::test]
async fn rejected_entries_of_a_batch_are_sent_again() {
    let app = app().await;
    let rows: Vec<String> = (0..25_000).map(|i| format!("user_id:nobody-{i}")).collect();
    let job = app.job(json!({ "action": "delete_profile", "rows": rows })).await;
    app.queue.reject([3, 1, 10, 2]);
    let dispatch = app.queue.take();
    assert!(app.deliver(&app.worker(), &dispatch).await.is_empty());
    let mut chunks = app.queue.take();
    assert_eq!(chunks.len(), 25);
    chunks.sort();
    chunks.dedup();
    assert_eq!(chunks.len(), 25);
    assert!(chunks.iter().all(|body| Message::parse(body).is_ok() && !body.contains("nobody")));
    assert_eq!(app.job_summary(&job).await, "queued: 25000 remaining");
}

/// The queue is down while a job is created: the job is stored, and the reconciler sends its message later.
#[tokio::test]
async fn a_queue_that_is_down_loses_no_job() {
    let app = app().await;
    app.queue.down(true);
    let job = app.job(profiles()).await;
    app.queue.down(false);
    assert!(app.queue.is_empty());
    app.reconcile().await;
    assert!(app.queue.is_empty(), "it waits before it sends a message again");
    app.clock.advance(181_000);
    assert_eq!(app.reconcile().await.redispatched, 1);
    app.work().await;
    check(&app, &job, PROFILES).await;
    assert_eq!(app.reconcile().await.verified, 1);
    assert!(app.job_status(&job).await["verified_at"].is_string());
    assert_eq!(app.reconcile().await.jobs, 0, "a verified job is no longer looked at");
}

/// A reconciler that runs out of time continues at its cursor in the next run, so every job is looked at.
#[tokio::test]
async fn the_reconciler_continues_at_its_cursor() {
    let app = app().await;
    app.leave_messages();
    for _ in 0..20 {
        app.job(profiles()).await;
    }
    // Without time, a run looks at one shard of the list. Each run is a process of its own.
    for _ in 0..2 {
        let mut jobs = 0;
        for _ in 0..8 {
            jobs += app.reconcile_within(Duration::ZERO).await.jobs;
        }
        assert_eq!(jobs, 20);
    }
}

/// Messages that cannot be read, are of another version or name an unknown job: each fails by itself.
#[tokio::test]
async fn invalid_messages_end_in_the_dead_letter_queue() {
    let app = app().await;
    let job = app.job(profiles()).await;
    let unknown = r#"{"version":1,"space":"s","job":"job_019b76da1e7b7000a1b2c3d4e5f60718","page":0,"chunk":0,"attempt":0,"hops":0}"#;
    let poison = ["", "null", "c4n4ry-poison", r#"{"version":2}"#, unknown, &"x".repeat(1 << 20)];
    for body in poison {
        app.queue.put(body);
    }
    app.work().await;
    assert_eq!(app.dead.len(), poison.len());
    check(&app, &job, PROFILES).await;
    let reconciled = app.reconcile().await;
    assert_eq!(
        (reconciled.decided, reconciled.left),
        (1, 5),
        "messages that cannot be read are left for an operator: {reconciled:?}"
    );
    assert!(!log::all().contains("c4n4ry-poison"));
}

/// A row that always fails makes its chunk's message dead; the reconciler then decides the chunk row by row, so that only
/// this row fails.
#[tokio::test]
async fn dead_chunks_are_decided_row_by_row() {
    let app = app().await;
    let job = app.job(profiles()).await;
    // Makes the item of one identifier unreadable.
    let found = app.db.dump().await.into_iter().find(|(_, item)| item.get("value").is_some_and(|v| v.contains("a@x")));
    let ((pk, sk), _) = found.unwrap();
    let text = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
    let set_created_at = |value: aws_sdk_dynamodb::types::AttributeValue| {
        app.db
            .client
            .update_item()
            .table_name(efface_tests::store::TABLE)
            .key("pk", text(&pk))
            .key("sk", text(&sk))
            .update_expression("SET created_at = :value")
            .expression_attribute_values(":value", value)
            .send()
    };
    set_created_at(aws_sdk_dynamodb::types::AttributeValue::Bool(true)).await.unwrap();
    app.work().await;
    assert_eq!(app.dead.len(), 1, "the chunk's message is dead");
    assert_eq!(app.reconcile().await.decided, 1);
    assert_eq!(app.job_summary(&job).await, "completed: 2 deleted, 2 duplicate, 1 not_found, 1 invalid, 1 failed");
    assert_eq!(app.outcomes(&job, "&outcome=failed").await, [(0, 0, "failed".to_owned())]);
    // After the item is repaired, a redrive decides the failed row and no other.
    set_created_at(text("2026-01-01T00:00:00.000Z")).await.unwrap();
    let reply = app.control(&job, "redrive").await;
    assert_eq!(reply.body["job"]["state"], "running", "{}", reply.body);
    let dispatch = app.queue.take();
    for body in &dispatch {
        app.queue.put(body.clone());
    }
    app.work().await;
    check(&app, &job, PROFILES).await;
    assert!(app.deliver(&app.worker(), &dispatch).await.is_empty());
    check(&app, &job, PROFILES).await;
    let totals = app.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs?state=completed"))).await;
    assert_eq!((&totals.body["counts"]["deleted"], &totals.body["counts"]["failed"]), (&json!(3), &json!(0)));
    assert_eq!(
        app.control(&job, "redrive").await.body["job"]["state"],
        "completed",
        "a job without failed rows stays completed"
    );
}

/// A chunk whose worker died counts as stalled after a while, and the reconciler requeues it.
#[tokio::test]
async fn a_stalled_chunk_is_requeued() {
    let app = app().await;
    let job = app.job(profiles()).await;
    let worker = app.worker();
    app.deliver(&worker, &app.queue.take()).await;
    let chunk = app.queue.take();
    assert!(app.db.proxy.dies_after(8, true, app.deliver(&worker, &chunk)).await);
    assert_eq!(app.reconcile().await.requeued, 0, "the worker may still be running");
    app.clock.advance(76_000);
    assert_eq!(app.reconcile().await.requeued, 1);
    app.work().await;
    check(&app, &job, PROFILES).await;
}
