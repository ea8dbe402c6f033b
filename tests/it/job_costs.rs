//! The cost of jobs in requests and capacity units per row, as the tables in `docs/architecture.md` and
//! `docs/performance.md` state it.

use efface_tests::{
    Req, TestApp,
    app::{SPACE, profile_line},
    fault_proxy::Passed,
};
use futures::{StreamExt, stream};
use serde_json::{Value, json};

/// Rows of each job: one full chunk.
const ROWS: u32 = 1_000;

/// Runs a job and returns requests, write units and read units per row, from creating the job to its completion.
async fn per_row(app: &TestApp, body: Value) -> (f64, f64, f64) {
    app.create_job(json!({ "action": "delete_profile", "open": true })).await;
    app.db.proxy.take();
    let job = app.job(body).await;
    app.work().await;
    let passed: Vec<Passed> = app.db.proxy.take().into_iter().filter(|one| !one.is_repeated).collect();
    assert_eq!(app.job_status(&job).await["counts"]["deleted"], ROWS);
    let (reads, writes) = passed.iter().map(Passed::units).fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
    let share = |n: f64| n / f64::from(ROWS);
    (share(u32::try_from(passed.len()).unwrap().into()), share(writes), share(reads))
}

/// Loads [`ROWS`] profiles.
async fn profiles(app: &TestApp, line: impl Fn(u32) -> Value) {
    let lines: Vec<Value> = (0..ROWS).map(line).collect();
    stream::iter(&lines).for_each_concurrent(8, async |line| assert!(app.try_load(line).await.is_ok())).await;
}

/// One write deletes the identifier. Storing 1,000 rows of 64 bytes in units of 1 KB adds 0.0625, so 1.0625 is the least.
#[tokio::test]
async fn a_row_that_deletes_an_identifier() {
    let app = TestApp::start_patient().await;
    app.clock.step(0);
    profiles(&app, |i| profile_line(SPACE, &[&format!("user_id:u{i}"), &format!("email:e{i}@x")])).await;
    let row = |i: u32| json!({ "user_id": format!("u{i}"), "type": "email", "id": format!("e{i}@x") });
    let rows: Vec<Value> = (0..ROWS).map(row).collect();
    let (requests, writes, reads) = per_row(&app, json!({ "action": "delete_identifier", "rows": rows })).await;
    assert!(requests <= 1.1 && writes <= 1.1 && reads <= 0.55, "{requests} {writes} {reads}");
}

/// A profile of one identifier takes at least three writes: its head, the identifier, and the head again when it is gone.
#[tokio::test]
async fn a_row_that_deletes_a_small_profile() {
    let app = TestApp::start_patient().await;
    app.clock.step(0);
    profiles(&app, |i| profile_line(SPACE, &[&format!("user_id:u{i}")])).await;
    let rows: Vec<String> = (0..ROWS).map(|i| format!("user_id:u{i}")).collect();
    let (requests, writes, reads) = per_row(&app, json!({ "action": "delete_profile", "rows": rows })).await;
    assert!(requests <= 4.1 && writes <= 3.1 && reads <= 2.1, "{requests} {writes} {reads}");
}

/// Six items take seven writes: a head, two identifiers, the traits, a membership and its edge, and the head again.
#[tokio::test]
async fn a_row_that_deletes_a_profile() {
    let app = TestApp::start_patient().await;
    app.clock.step(0);
    profiles(&app, |i| {
        let mut line = profile_line(SPACE, &[&format!("user_id:u{i}"), &format!("email:e{i}@x")]);
        line["segments"] = json!(["seg_vip"]);
        line["traits"] = json!({ "plan": "pro" });
        line
    })
    .await;
    let rows: Vec<String> = (0..ROWS).map(|i| format!("user_id:u{i}")).collect();
    let (requests, writes, reads) = per_row(&app, json!({ "action": "delete_profile", "rows": rows })).await;
    assert!(requests <= 7.1 && writes <= 7.1 && reads <= 2.1, "{requests} {writes} {reads}");
}

/// Rows whose identifiers do not exist cost one read each and next to no writes.
#[tokio::test]
async fn a_row_that_is_not_found() {
    let app = TestApp::start_patient().await;
    app.clock.step(0);
    let rows: Vec<String> = (0..ROWS).map(|i| format!("user_id:u{i}")).collect();
    app.create_job(json!({ "action": "delete_profile", "open": true })).await;
    app.db.proxy.take();
    app.job(json!({ "action": "delete_profile", "rows": rows })).await;
    app.work().await;
    let passed = app.db.proxy.take();
    let (reads, writes) = passed.iter().map(Passed::units).fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
    assert!(writes < 0.08 * f64::from(ROWS) && reads < 1.05 * f64::from(ROWS), "{writes} {reads}");
}

/// Reading the status of a job with many chunks, and the counts of a group with many jobs, takes one small query.
#[tokio::test]
async fn reading_the_status_is_cheap() {
    let app = TestApp::start_patient().await;
    app.clock.step(0);
    let rows: Vec<String> = (0..30_000).map(|i| format!("user_id:u{i}")).collect();
    let big = app.job(json!({ "action": "delete_profile", "rows": rows, "group": "g" })).await;
    app.work().await;
    let path = format!("/v1/spaces/{SPACE}/deletion_jobs");
    app.job_status(&big).await;
    let (_, cost) = app.db.proxy.cost(app.job_status(&big)).await;
    assert_eq!((cost.requests, cost.reads), (1, 1.0), "the status of 30 chunks is one small read");
    for i in 0..150 {
        // All in one second would be more than the limit.
        app.clock.advance(20);
        app.create_job(json!({ "action": "delete_profile", "rows": [format!("user_id:x{i}")], "group": "g" })).await;
    }
    app.work().await;
    app.db.proxy.take();
    let reply = app.send(Req::get(format!("{path}?group=g&limit=1"))).await;
    let passed = app.db.proxy.take();
    assert_eq!((&reply.body["jobs"], &reply.body["counts"]["not_found"]), (&json!(151), &json!(30_150)));
    let of_counts: Vec<_> = passed.iter().filter(|one| one.request.to_string().contains("Y#")).collect();
    assert_eq!(of_counts.len(), 1, "the counts of the group are one query");
    assert!(of_counts[0].units().0 <= 1.0);
}
