//! Jobs and other requests at the same time, and jobs that are interrupted in between.

use std::time::Duration;

use efface_aws::queue::{Pointer, Work};
use efface_core::{job::chunk::ChunkId, space::SpaceId};
use efface_engine::{ChunkRun, Deadline};
use efface_tests::{
    Req, TestApp,
    app::{SPACE, profile_line},
    faults::Fault,
    matchers::is_accepting_write,
    size::size,
    store,
};
use serde_json::{Value, json};

async fn active_identifiers(app: &TestApp) -> usize {
    store::active_identifiers(&app.db.dump().await)
}

async fn deleted_heads(app: &TestApp) -> usize {
    store::deleted_heads(&app.db.dump().await)
}

/// Runs the job's only chunk in a worker that dies after this many requests. Returns the chunk's message, and whether the
/// worker died before it had completed the chunk.
async fn run_interrupted(app: &TestApp, passes: usize) -> (Vec<String>, bool) {
    let worker = app.worker();
    app.deliver(&worker, &app.queue.take()).await;
    let chunk = app.queue.take();
    let died = app.db.proxy.dies_after(passes, true, app.deliver(&worker, &chunk)).await;
    (chunk, died)
}

/// A profile line with a timestamp after all deletions of these tests.
fn later(ids: &[&str]) -> Value {
    let mut line = profile_line(SPACE, ids);
    line["timestamp"] = json!("2030-01-01T00:00:00Z");
    line
}

/// The request that stops a job fails before the job's counters say that it accepts no chunks. The job must not count as
/// stopped while chunks may still start.
#[tokio::test]
async fn a_job_stops_only_when_it_accepts_no_chunks() {
    for (verb, at_last) in [("pause", "paused"), ("cancel", "cancelled")] {
        let app = TestApp::start().await;
        app.profile(&["user_id:u"]).await;
        let mut rows: Vec<String> = (0..1_500).map(|i| format!("email:nobody{i}")).collect();
        rows[1_200] = "user_id:u".to_owned();
        let job = app.job(json!({ "action": "delete_profile", "rows": rows })).await;
        let worker = app.worker();
        app.deliver(&worker, &app.queue.take()).await;
        let chunks = app.queue.take();
        app.db.proxy.plan(|passed| if is_accepting_write(passed) { Fault::LoseRequest } else { Fault::None });
        assert_eq!(app.control(&job, verb).await.status, 503);
        app.db.proxy.heal();
        // No chunk starts, although the counters accept them: its worker looks at the job first.
        assert!(app.deliver(&worker, &chunks[..1]).await.is_empty());
        assert!(app.deliver(&worker, &chunks[1..]).await.is_empty());
        assert_eq!(app.job_summary(&job).await, format!("{at_last}: 1500 remaining"), "{verb}");
        assert_eq!(active_identifiers(&app).await, 1);
    }
}

/// A row that deletes a profile is interrupted at any request, then its identifier is deleted by a request. If the profile
/// was deleting by then, all of it is deleted; if not, it stays.
#[tokio::test]
async fn a_request_deletes_the_identifier_of_an_interrupted_row() {
    let (mut gone, mut stayed) = (0, 0);
    for passes in 0.. {
        let app = TestApp::start().await;
        app.profile(&["user_id:u", "email:e@x", "anonymous_id:a"]).await;
        let job = app.job(json!({ "action": "delete_profile", "rows": ["email:e@x"] })).await;
        let (chunk, died) = run_interrupted(&app, passes).await;
        app.delete("u", "email:e@x").await;
        app.deliver(&app.worker(), &chunk).await;
        app.work().await;
        let counts = app.job_summary(&job).await;
        match (deleted_heads(&app).await, active_identifiers(&app).await) {
            (1, 0) => gone += i32::from(counts == "completed: 1 deleted"),
            (0, 2) => stayed += i32::from(counts == "completed: 1 not_found"),
            (heads, identifiers) => {
                panic!("cut after {passes}: {heads} deleted heads, {identifiers} active identifiers, {counts}")
            }
        }
        assert_eq!(gone + stayed, i32::try_from(passes).unwrap() + 1, "cut after {passes}: {counts}");
        if !died {
            break;
        }
    }
    assert!(gone > 3 && stayed > 3, "{gone} {stayed}");
}

/// A profile is deleted only if the identifier that names it was read consistently.
#[tokio::test]
async fn lookups_of_profile_deletions_are_consistent_reads() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u", "email:e@x"]).await;
    app.job(json!({ "action": "delete_profile", "rows": ["email:e@x", "user_id:nobody"] })).await;
    app.db.proxy.take();
    app.work().await;
    let passed = app.db.proxy.take();
    let reads_identifiers = |request: &Value| request.to_string().contains(&format!("I#{SPACE}#"));
    let batches = passed.iter().filter(|one| one.operation == "BatchGetItem" && reads_identifiers(&one.request));
    let batches: Vec<_> = batches.collect();
    assert_eq!(batches.len(), 1);
    let tables = batches[0].request["RequestItems"].as_object().unwrap();
    assert!(tables.values().all(|table| table["ConsistentRead"] == json!(true)), "{tables:?}");
}

/// A worker dies at any request (usually at each sixth one): the next one deletes the same rows within `max_deletions`,
/// not others.
#[tokio::test]
async fn max_deletions_holds_when_workers_die() {
    for passes in (0..).step_by(size(6, 1)) {
        let app = TestApp::start().await;
        for i in 0..6 {
            app.profile(&[&format!("user_id:u{i}")]).await;
        }
        let row =
            |i: usize| if i.is_multiple_of(2) { format!("user_id:u{}", i / 2) } else { format!("email:nobody{i}") };
        let rows: Vec<String> = (0..12).map(row).collect();
        let job = app.job(json!({ "action": "delete_profile", "rows": rows, "max_deletions": 2 })).await;
        let (chunk, died) = run_interrupted(&app, passes).await;
        let (one, two) = (app.worker(), app.worker());
        tokio::join!(app.deliver(&one, &chunk), app.deliver(&two, &chunk));
        app.work().await;
        // If a worker died while it paused the job, the reconciler finishes the pause.
        app.reconcile().await;
        let status = app.job_status(&job).await;
        assert_eq!(
            (&status["state"], &status["counts"]["deleted"]),
            (&json!("paused"), &json!(2)),
            "{passes}: {status}"
        );
        assert_eq!(deleted_heads(&app).await, 2, "cut after {passes}");
        if !died {
            break;
        }
    }
}

/// A job deletes an identifier, a load adds it to another profile, and a later row of the same job deletes that profile.
#[tokio::test]
async fn a_reactivated_identifier_is_deleted_with_its_new_profile() {
    let app = TestApp::start().await;
    app.profile(&["user_id:old", "email:e@x"]).await;
    let mut rows: Vec<String> = (0..1_001).map(|i| format!("email:nobody{i}")).collect();
    (rows[0], rows[1_000]) = ("user_id:old".to_owned(), "user_id:new".to_owned());
    let job = app.job(json!({ "action": "delete_profile", "rows": rows })).await;
    app.deliver(&app.worker(), &app.queue.take()).await;
    let mut chunks = app.queue.take();
    chunks.sort();
    app.deliver(&app.worker(), &chunks[..1]).await;
    app.try_load(&later(&["user_id:new", "email:e@x"])).await.unwrap();
    assert_eq!(active_identifiers(&app).await, 2);
    app.deliver(&app.worker(), &chunks[1..]).await;
    assert_eq!(app.job_summary(&job).await, "completed: 2 deleted, 999 not_found");
    assert_eq!(active_identifiers(&app).await, 0, "all of the new profile is deleted");
}

/// A load is interrupted between two transactions: every identifier that it stored has an edge, so a deletion of the
/// profile finds it.
#[tokio::test]
async fn a_deletion_finds_all_identifiers_of_an_interrupted_load() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u"]).await;
    let emails: Vec<String> = (0..60).map(|i| format!("email:e{i}@x")).collect();
    let ids: Vec<&str> = std::iter::once("user_id:u").chain(emails.iter().map(String::as_str)).collect();
    let mut transactions = 0;
    app.db.proxy.plan(move |passed| {
        transactions += usize::from(passed.operation == "TransactWriteItems");
        if transactions > 1 { Fault::LoseRequest } else { Fault::None }
    });
    assert!(app.try_load(&later(&ids)).await.is_err());
    app.db.proxy.heal();
    assert!(active_identifiers(&app).await > 10, "some of it was stored");
    let reply = app.send(Req::delete_profile(SPACE, "user_id", "u")).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(active_identifiers(&app).await, 0);
}

/// A merged profile of 71 members, and deadlines too short for all of them: each run continues at the cursor of the last
/// one.
#[tokio::test]
async fn a_large_merged_profile_is_deleted_over_several_runs() {
    let app = TestApp::start().await;
    app.leave_messages();
    app.profile(&["user_id:root"]).await;
    for i in 0..70 {
        let mut line = profile_line(SPACE, &[&format!("anonymous_id:a{i}")]);
        line["merged_into"] = json!({ "type": "user_id", "id": "root" });
        line["segments"] = json!(["seg_1"]);
        app.try_load(&line).await.unwrap();
    }
    let job = app.job(json!({ "action": "delete_profile", "rows": ["anonymous_id:a7", "user_id:nobody"] })).await;
    let work = Work::Chunk(ChunkId { page: 0, chunk: 0, attempt: 0 });
    let pointer = Pointer { space: SpaceId::parse(SPACE).unwrap(), job: job.parse().unwrap(), work, hops: 0 };
    let mut runs = 0;
    for millis in (20..).step_by(20) {
        runs += 1;
        let deadline = Deadline::after(Duration::from_millis(millis));
        if app.engine().work(&pointer, deadline).await.unwrap() == ChunkRun::Completed {
            break;
        }
    }
    assert!(runs > 2, "{runs}");
    assert_eq!(app.job_summary(&job).await, "completed: 1 deleted, 1 not_found");
    assert_eq!((active_identifiers(&app).await, deleted_heads(&app).await), (0, 71));
    let left = app.db.dump().await.into_keys().filter(|(pk, sk)| pk.starts_with("M#") || sk.starts_with("M#"));
    assert_eq!(left.count(), 0, "memberships are left");
}

/// A control that is repeated with its key succeeds and is not carried out again, whatever the job's state is by then.
#[tokio::test]
async fn a_repeated_control_is_carried_out_once() {
    let app = TestApp::start().await;
    for i in 0..6 {
        app.profile(&[&format!("user_id:u{i}")]).await;
    }
    let rows: Vec<String> = (0..6).map(|i| format!("user_id:u{i}")).collect();
    let new = json!({ "action": "delete_profile", "rows": rows, "open": true, "max_deletions": 2 });
    let job = app.job(new).await;
    let control = async |verb: &str, key: &str| {
        let path = format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/{verb}");
        let reply = app.send(Req::post(path, &json!({})).key(key)).await;
        app.work().await;
        (reply.status, app.job_summary(&job).await)
    };
    let paused = |deleted: u32| (202, format!("paused: {deleted} deleted, {} remaining", 6 - deleted));
    assert_eq!(control("start", "s").await, paused(2));
    assert_eq!(control("start", "s").await, paused(2), "a repeat with the same key succeeds");
    assert_eq!(control("start", "t").await.0, 409);
    assert_eq!(control("resume", "r").await, paused(4));
    assert_eq!(control("resume", "r").await, paused(4), "a repeat allows no more deletions");
    let done = (202, "completed: 6 deleted".to_owned());
    assert_eq!(control("resume", "q").await, done);
    assert_eq!(control("start", "s").await, done);
}

/// A repeat with its key gets the first receipt, also after the identifier became active again, and deletes nothing.
#[tokio::test]
async fn a_receipt_is_unchanged_after_reactivation() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u", "email:e@x"]).await;
    let request = Req::delete_profile(SPACE, "user_id", "u").key("k");
    let first = app.send(request.clone()).await;
    assert_eq!(first.status, 200, "{}", first.body);
    app.try_load(&later(&["user_id:u"])).await.unwrap();
    let again = app.send(request).await;
    assert_eq!((again.status, again.body), (200, first.body));
    assert_eq!(app.external_ids("user_id:u").await.len(), 1, "the new profile is not deleted");
}

/// In a space that is not activated no request and no job deletes anything.
#[tokio::test]
async fn a_space_that_is_not_activated_deletes_nothing() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u"]).await;
    let open = app.job(json!({ "action": "delete_profile", "rows": ["user_id:u"], "open": true })).await;
    app.space(SPACE, json!({ "activated": false })).await;
    app.clock.advance(120_000);
    let not_activated = "403 forbidden Deleted identifier not activated for space_id";
    let jobs = format!("/v1/spaces/{SPACE}/deletion_jobs");
    let body = json!({ "action": "delete_profile", "rows": ["user_id:u"] });
    for request in [
        Req::delete_profile(SPACE, "user_id", "u"),
        Req::post(jobs.clone(), &body),
        Req::post(format!("{jobs}/{open}/rows"), &json!({ "page": 1, "rows": ["user_id:u"] })),
        Req::post(format!("{jobs}/{open}/start"), &json!({})),
        Req::post("/internal/bulk-delete-internal", &json!(["user_id:u"])).header("x-reactor-instance-name", "demo"),
    ] {
        let reply = app.send(request.clone()).await;
        assert!(reply.line().starts_with(not_activated), "{request:?}: {}", reply.line());
    }
    app.work().await;
    assert_eq!(active_identifiers(&app).await, 1);
    assert_eq!(app.control(&open, "cancel").await.status, 202, "a cancel deletes nothing and is allowed");
}

/// Three rows delete all `user_id`s of one profile: none of them may be the guard identifier of another.
#[tokio::test]
async fn no_target_is_a_guard_identifier() {
    for open in [false, true] {
        let app = TestApp::start().await;
        app.profile(&["user_id:a", "user_id:b", "user_id:c"]).await;
        let row = |lookup: &str, target: &str| json!({ "user_id": lookup, "type": "user_id", "id": target });
        let rows = [row("a", "b"), row("b", "a"), row("a", "c")];
        let job = app.job(json!({ "action": "delete_identifier", "rows": rows, "open": open })).await;
        app.control(&job, "start").await;
        app.work().await;
        assert_eq!(app.job_summary(&job).await, "completed: 3 protected", "open: {open}");
    }
}
