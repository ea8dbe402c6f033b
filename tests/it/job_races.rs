//! What others do while a job runs, and where it may be cut short meanwhile.

use std::time::Duration;

use efface_aws::queue::ChunkId;
use efface_core::{job::JobId, space::SpaceId};
use efface_engine::{ChunkRun, Deadline};
use efface_tests::{
    Req, TestApp,
    app::{SPACE, profile_line},
    faults::Fault,
    jobs::line,
};
use serde_json::{Value, json};

/// Identifiers that are in the table with their values.
async fn values(app: &TestApp) -> usize {
    app.db.dump().await.into_iter().filter(|((pk, _), item)| pk.starts_with("I#") && item.contains_key("value")).count()
}

/// Heads of profiles that were deleted whole.
async fn fenced(app: &TestApp) -> usize {
    let is_fenced = |item: &std::collections::BTreeMap<String, String>| item["state"].contains("deleted");
    app.db
        .dump()
        .await
        .into_iter()
        .filter(|((pk, sk), item)| pk.starts_with("P#") && sk == "H" && is_fenced(item))
        .count()
}

/// Has the job's chunk run by a worker that dies after so many requests: its message, and whether it came to that.
async fn cut_short(app: &TestApp, passes: usize) -> (Vec<String>, bool) {
    let worker = app.worker();
    app.deliver(&worker, &app.queue.take()).await;
    let chunk = app.queue.take();
    let cut = app.db.proxy.cut_after(passes, true);
    let died = tokio::select! {
        _ = app.deliver(&worker, &chunk) => false,
        () = cut.notified() => true,
    };
    app.db.proxy.heal();
    (chunk, died)
}

fn later(ids: &[&str]) -> Value {
    let mut line = profile_line(SPACE, ids);
    line["timestamp"] = json!("2030-01-01T00:00:00Z");
    line
}

/// Whoever stops a job dies before its gates are closed: it has not stopped before they are.
#[tokio::test]
async fn a_job_has_stopped_only_behind_closed_gates() {
    for (verb, at_last) in [("pause", "paused"), ("cancel", "cancelled")] {
        let app = TestApp::start().await;
        app.profile(&["user_id:u"]).await;
        let mut rows: Vec<String> = (0..1_500).map(|i| format!("email:nobody{i}")).collect();
        rows[1_200] = "user_id:u".to_owned();
        let job = app.job(json!({ "action": "delete_profile", "rows": rows })).await;
        let worker = app.worker();
        app.deliver(&worker, &app.queue.take()).await;
        let chunks = app.queue.take();
        app.db.proxy.plan(|passed| {
            let is_gate = passed.request["UpdateExpression"].as_str().is_some_and(|text| text.contains("gate"));
            if is_gate { Fault::LoseRequest } else { Fault::None }
        });
        assert_eq!(app.control(&job, verb).await.status, 503);
        app.db.proxy.heal();
        // A chunk that came through an open gate is done to its end; then the gates are closed.
        assert!(app.deliver(&worker, &chunks[..1]).await.is_empty());
        assert!(app.deliver(&worker, &chunks[1..]).await.is_empty());
        assert_eq!(line(&app.job_status(&job).await), format!("{at_last} 0 0 1000 0 0 0 500"), "{verb}");
        assert_eq!(values(&app).await, 1);
    }
}

/// A row is cut short anywhere, then its identifier is deleted by itself: a profile that was fenced goes whole, one that
/// was not stays.
#[tokio::test]
async fn the_identifier_of_a_row_that_was_cut_short_goes_by_itself() {
    let (mut gone, mut stayed) = (0, 0);
    for passes in 0.. {
        let app = TestApp::start().await;
        app.profile(&["user_id:u", "email:e@x", "anonymous_id:a"]).await;
        let job = app.job(json!({ "action": "delete_profile", "rows": ["email:e@x"] })).await;
        let (chunk, died) = cut_short(&app, passes).await;
        app.delete("u", "email:e@x").await;
        app.deliver(&app.worker(), &chunk).await;
        app.work().await;
        let counts = line(&app.job_status(&job).await);
        match (fenced(&app).await, values(&app).await) {
            (1, 0) => gone += i32::from(counts == "completed 1 0 0 0 0 0 0"),
            (0, 2) => stayed += i32::from(counts == "completed 0 0 1 0 0 0 0"),
            (heads, values) => panic!("cut after {passes}: {heads} heads fenced, {values} values left, {counts}"),
        }
        assert_eq!(gone + stayed, i32::try_from(passes).unwrap() + 1, "cut after {passes}: {counts}");
        if !died {
            break;
        }
    }
    assert!(gone > 3 && stayed > 3, "{gone} {stayed}");
}

/// Profiles go by identifiers that were read consistently.
#[tokio::test]
async fn no_profile_goes_by_a_stale_read() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u", "email:e@x"]).await;
    app.job(json!({ "action": "delete_profile", "rows": ["email:e@x", "user_id:nobody"] })).await;
    app.db.proxy.take();
    app.work().await;
    let passed = app.db.proxy.take();
    let batches: Vec<_> = passed.iter().filter(|passed| passed.operation == "BatchGetItem").collect();
    assert_eq!(batches.len(), 1);
    let tables = batches[0].request["RequestItems"].as_object().unwrap();
    assert!(tables.values().all(|table| table["ConsistentRead"] == json!(true)), "{tables:?}");
}

/// However a worker dies, the rows that it had an allowance for are the same the next time.
#[tokio::test]
async fn a_limit_holds_when_workers_die() {
    for passes in (0..).step_by(2) {
        let app = TestApp::start().await;
        for i in 0..6 {
            app.profile(&[&format!("user_id:u{i}")]).await;
        }
        let row =
            |i: usize| if i.is_multiple_of(2) { format!("user_id:u{}", i / 2) } else { format!("email:nobody{i}") };
        let rows: Vec<String> = (0..12).map(row).collect();
        let job = app.job(json!({ "action": "delete_profile", "rows": rows, "max_deletions": 2 })).await;
        let (chunk, died) = cut_short(&app, passes).await;
        let (one, two) = (app.worker(), app.worker());
        tokio::join!(app.deliver(&one, &chunk), app.deliver(&two, &chunk));
        app.work().await;
        // Whoever died while it paused the job leaves the rest to the reconciler.
        app.reconcile().await;
        let status = app.job_status(&job).await;
        assert_eq!(
            (&status["state"], &status["counts"]["deleted"]),
            (&json!("paused"), &json!(2)),
            "{passes}: {status}"
        );
        assert_eq!(fenced(&app).await, 2, "cut after {passes}");
        if !died {
            break;
        }
    }
}

/// A job deletes an identifier; it comes back on another profile, and a later row of the job deletes that one.
#[tokio::test]
async fn what_came_back_goes_with_its_new_profile() {
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
    assert_eq!(values(&app).await, 2);
    app.deliver(&app.worker(), &chunks[1..]).await;
    assert_eq!(line(&app.job_status(&job).await), "completed 2 0 999 0 0 0 0");
    assert_eq!(values(&app).await, 0, "all of the new profile is gone");
}

/// A load that is cut short between two transactions leaves no identifier that the profile does not list.
#[tokio::test]
async fn a_load_that_was_cut_short_hides_nothing_from_a_deletion() {
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
    assert!(values(&app).await > 10, "some of it was stored");
    let reply = app.send(Req::erase(SPACE, "user_id", "u")).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(values(&app).await, 0);
}

/// A whole of many profiles, and a worker that never has time for all of it: each run goes on where the last one ended.
#[tokio::test]
async fn a_large_whole_is_deleted_in_parts() {
    let app = TestApp::start().await;
    app.profile(&["user_id:root"]).await;
    for i in 0..70 {
        let mut line = profile_line(SPACE, &[&format!("anonymous_id:a{i}")]);
        line["merged_into"] = json!({ "type": "user_id", "id": "root" });
        line["segments"] = json!(["seg_1"]);
        app.try_load(&line).await.unwrap();
    }
    let job = app.job(json!({ "action": "delete_profile", "rows": ["anonymous_id:a7", "user_id:nobody"] })).await;
    let (space, id) = (SpaceId::parse(SPACE).unwrap(), JobId::parse(&job).unwrap());
    let chunk = ChunkId { page: 0, chunk: 0, attempt: 0 };
    let mut runs = 0;
    for millis in (20..).step_by(20) {
        runs += 1;
        let deadline = Deadline::after(Duration::from_millis(millis));
        if app.engine().run_chunk(&space, &id, chunk, deadline).await.unwrap() == ChunkRun::Completed {
            break;
        }
    }
    assert!(runs > 2, "{runs}");
    assert_eq!(line(&app.job_status(&job).await), "completed 1 0 1 0 0 0 0");
    assert_eq!((values(&app).await, fenced(&app).await), (0, 71));
    let left = app.db.dump().await.into_keys().filter(|(pk, sk)| pk.starts_with("M#") || sk.starts_with("M#"));
    assert_eq!(left.count(), 0, "memberships");
}

/// A control that is sent again under its key is not carried out again, whatever became of the job since.
#[tokio::test]
async fn controls_can_be_sent_again() {
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
        (reply.status, line(&app.job_status(&job).await))
    };
    let paused = |deleted: u32| (202, format!("paused {deleted} 0 0 0 0 0 {}", 6 - deleted));
    assert_eq!(control("start", "s").await, paused(2));
    assert_eq!(control("start", "s").await, paused(2), "it is a success still");
    assert_eq!(control("start", "t").await.0, 409);
    assert_eq!(control("resume", "r").await, paused(4));
    assert_eq!(control("resume", "r").await, paused(4), "nothing more was allowed");
    let done = (202, "completed 6 0 0 0 0 0 0".to_owned());
    assert_eq!(control("resume", "q").await, done);
    assert_eq!(control("start", "s").await, done);
}

/// The receipt of a deletion stays what it was, also when the person has come back.
#[tokio::test]
async fn a_receipt_outlives_a_return() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u", "email:e@x"]).await;
    let request = Req::erase(SPACE, "user_id", "u").key("k");
    let first = app.send(request.clone()).await;
    assert_eq!(first.status, 200, "{}", first.body);
    app.try_load(&later(&["user_id:u"])).await.unwrap();
    let again = app.send(request).await;
    assert_eq!((again.status, again.body), (200, first.body));
    assert_eq!(app.external_ids("user_id:u").await.len(), 1, "and nobody is deleted");
}

/// A space that has not switched deletions on deletes nothing, in whatever way it is asked to.
#[tokio::test]
async fn a_space_that_is_off_deletes_nothing() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u"]).await;
    let open = app.job(json!({ "action": "delete_profile", "rows": ["user_id:u"], "open": true })).await;
    app.space(SPACE, json!({ "activated": false })).await;
    app.clock.advance(120_000);
    let off = "403 forbidden Deleted identifier not activated for space_id";
    let jobs = format!("/v1/spaces/{SPACE}/deletion_jobs");
    let body = json!({ "action": "delete_profile", "rows": ["user_id:u"] });
    for request in [
        Req::erase(SPACE, "user_id", "u"),
        Req::post(jobs.clone(), &body),
        Req::post(format!("{jobs}/{open}/rows"), &json!({ "page": 1, "rows": ["user_id:u"] })),
        Req::post(format!("{jobs}/{open}/start"), &json!({})),
        Req::post("/internal/bulk-delete-internal", &json!(["user_id:u"])).header("x-reactor-instance-name", "demo"),
    ] {
        let reply = app.send(request.clone()).await;
        assert!(reply.line().starts_with(off), "{request:?}: {}", reply.line());
    }
    app.work().await;
    assert_eq!(values(&app).await, 1);
    assert_eq!(app.control(&open, "cancel").await.status, 202, "what only stops is allowed");
}

/// Three rows of one profile, of which two delete what the others look up by.
#[tokio::test]
async fn no_target_vouches_for_another() {
    for open in [false, true] {
        let app = TestApp::start().await;
        app.profile(&["user_id:a", "user_id:b", "user_id:c"]).await;
        let row = |lookup: &str, target: &str| json!({ "user_id": lookup, "type": "user_id", "id": target });
        let rows = [row("a", "b"), row("b", "a"), row("a", "c")];
        let job = app.job(json!({ "action": "delete_identifier", "rows": rows, "open": open })).await;
        app.control(&job, "start").await;
        app.work().await;
        assert_eq!(line(&app.job_status(&job).await), "completed 0 0 0 0 3 0 0", "open: {open}");
    }
}
