//! Work on jobs is bounded: what waits costs next to nothing, what is sent again is sent with longer pauses each time, and
//! no job keeps the others waiting.

use std::time::Duration;

use aws_sdk_dynamodb::types::{PutRequest, WriteRequest};
use efface_aws::{
    queue::{Message, Pointer, Work},
    store::{Item, Key, keys::ALL_JOBS},
};
use efface_core::{job::care::MAX_HOPS, space::SpaceId};
use efface_engine::Deadline;
use efface_tests::{
    Req, TestApp,
    app::SPACE,
    faults::Fault,
    jobs::{batch, summary},
    size::size,
    store::TABLE,
};
use futures::future::join_all;
use serde_json::{Value, json};

/// Delivers messages one by one to this many workers at once, until none is waiting.
async fn work_at_once(app: &TestApp, workers: usize) {
    while !app.queue.is_empty() {
        join_all((0..workers).map(async |_| {
            let worker = app.worker();
            while let Some(body) = app.queue.pop() {
                for failed in app.deliver(&worker, &[body]).await {
                    app.queue.put(failed);
                }
            }
        }))
        .await;
    }
}

/// Runs a job of 20 chunks, of whose rows one in a hundred finds a profile, and returns its requests and its state.
async fn requests_with(max_deletions: Option<u32>) -> (usize, String) {
    let app = TestApp::start_patient().await;
    app.clock.step(0);
    let rows = 20_000;
    for i in (0..rows).step_by(100) {
        app.profile(&[&format!("user_id:u{i}")]).await;
    }
    let all: Vec<String> = (0..rows).map(|i| format!("user_id:u{i}")).collect();
    let job = app.job(json!({ "action": "delete_profile", "rows": all, "max_deletions": max_deletions })).await;
    app.db.proxy.take();
    work_at_once(&app, 20).await;
    let requests = app.db.proxy.take().into_iter().filter(|one| !one.is_repeated).count();
    (requests, app.job_summary(&job).await)
}

/// A limit that is used up only at the end costs few requests more, however many workers there are.
#[tokio::test]
async fn max_deletions_costs_little() {
    let (without, done) = requests_with(None).await;
    assert_eq!(done, "completed: 200 deleted, 19800 not_found");
    let (with, state) = requests_with(Some(200)).await;
    assert!(state.contains("200 deleted"), "{state}");
    assert!(with * 10 <= without * 13, "{with} requests with a limit, {without} without: {state}");
}

/// A chunk that finds the limit used up, while others may still give some back, costs one small read and comes back
/// later.
#[tokio::test]
async fn a_chunk_without_an_allowance_costs_one_read() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u0"]).await;
    let mut rows: Vec<String> = (0..2_000).map(|i| format!("email:nobody{i}")).collect();
    rows[0] = "user_id:u0".to_owned();
    let job = app.job(json!({ "action": "delete_profile", "rows": rows, "max_deletions": 1 })).await;
    let worker = app.worker();
    app.deliver(&worker, &app.queue.take()).await;
    let mut chunks = app.queue.take();
    chunks.sort();
    // The first chunk takes the only deletion, and its worker dies before it records it.
    let mut transactions = 0;
    app.db.proxy.plan(move |passed| {
        transactions += usize::from(passed.operation == "TransactWriteItems");
        if transactions > 2 { Fault::LoseRequest } else { Fault::None }
    });
    assert_eq!(app.deliver(&worker, &chunks[..1]).await.len(), 1);
    app.db.proxy.heal();
    app.db.proxy.take();
    assert!(app.deliver(&worker, &chunks[1..]).await.is_empty());
    let passed = app.db.proxy.take();
    assert_eq!(passed.len(), 2, "its page, once, and one read of three small items: {passed:?}");
    assert_eq!(app.queue.len(), 1, "it comes back later");
    app.queue.put(chunks[0].clone());
    app.work().await;
    assert_eq!(app.job_summary(&job).await, "paused: 1 deleted, 999 not_found, 1000 remaining");
}

/// A queued job behind a long backlog: its chunks are sent again with pauses that double, with and without a limit.
#[tokio::test]
async fn a_queued_job_is_dispatched_with_longer_pauses() {
    for limit in [Value::Null, json!(5)] {
        let app = TestApp::start().await;
        app.leave_messages();
        app.job(json!({ "action": "delete_profile", "rows": ["user_id:a", "user_id:b"], "max_deletions": limit }))
            .await;
        let before = app.queue.sent().len();
        for _ in 0..10 {
            app.clock.advance(60_000);
            app.reconcile().await;
        }
        assert_eq!(app.queue.sent().len() - before, 2, "after 4 and after 10 minutes; limit: {limit}");
    }
}

/// A chunk whose workers die again and again is sent again with pauses that double.
#[tokio::test]
async fn a_stalled_chunk_is_requeued_with_longer_pauses() {
    let app = TestApp::start().await;
    app.leave_messages();
    app.profile(&["user_id:u"]).await;
    app.job(json!({ "action": "delete_profile", "rows": ["user_id:u", "user_id:nobody"] })).await;
    let worker = app.worker();
    app.deliver(&worker, &app.queue.take()).await;
    let chunk = app.queue.take();
    assert!(app.db.proxy.dies_after(8, true, app.deliver(&worker, &chunk)).await);
    let mut requeued = Vec::new();
    for minute in 1..=16 {
        app.clock.advance(60_000);
        if app.reconcile().await.requeued > 0 {
            requeued.push(minute);
        }
    }
    assert_eq!(requeued, [2, 5, 10], "75 s, 150 s, 300 s and 600 s without a sign of life");
}

/// A job of many small pages is verified over several runs of the reconciler, each of which starts anew in memory; a small
/// job beside it does not wait for that.
#[tokio::test]
async fn a_job_of_many_pages_is_verified_over_several_runs() {
    let app = TestApp::start().await;
    let (big, small) = (
        app.job(json!({ "action": "delete_profile", "open": true })).await,
        app.job(json!({ "action": "delete_profile", "rows": ["user_id:x"] })).await,
    );
    for page in 0..210 {
        let path = format!("/v1/spaces/{SPACE}/deletion_jobs/{big}/rows");
        let rows = json!({ "page": page, "rows": [format!("user_id:u{page}"), "junk"] });
        assert_eq!(app.send(Req::post(path, &rows)).await.status, 202);
    }
    app.control(&big, "start").await;
    app.work().await;
    assert_eq!(app.job_summary(&big).await, "completed: 210 not_found, 210 invalid");
    let mut runs = 0;
    while app.job_status(&big).await["verified_at"].is_null() {
        app.db.proxy.take();
        app.reconcile_within(Duration::ZERO).await;
        runs += 1;
        let requests = app.db.proxy.take().len();
        assert!(requests < 20, "a run without time makes {requests} requests");
        assert!(runs < 80, "it is never verified");
        if runs == 8 {
            assert!(app.job_status(&small).await["verified_at"].is_string(), "the small job waits for the big one");
        }
    }
    assert!(runs > 8, "100 pages in each of three rounds");
}

/// Puts so many jobs that have ended long ago into the list of the space's jobs.
async fn list_old_jobs(app: &TestApp, jobs: usize) {
    let space = SpaceId::parse(SPACE).unwrap();
    let entries: Vec<WriteRequest> = (0..jobs)
        .map(|i| {
            let job = format!("job_019b76da1e7b7000a{i:015x}").parse().unwrap();
            let item = Item::from(Key::listed_job(&space, None, ALL_JOBS, job));
            WriteRequest::builder().put_request(PutRequest::builder().set_item(Some(item)).build().unwrap()).build()
        })
        .collect();
    for batch in entries.chunks(25) {
        app.db.client.batch_write_item().request_items(TABLE, batch.to_vec()).send().await.unwrap();
    }
}

/// Jobs in a rare state are found in the list of that state, however many others there are, and after every change.
#[tokio::test]
async fn a_list_by_state_reads_that_state_only() {
    let app = TestApp::start_patient().await;
    app.leave_messages();
    let job = app.job(json!({ "action": "delete_profile", "rows": ["user_id:x"], "group": "g" })).await;
    let other = app.job(json!({ "action": "delete_profile", "open": true })).await;
    list_old_jobs(&app, size(5_000, 50_000)).await;
    let listed = async |query: &str| {
        app.db.proxy.take();
        let reply = app.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs?{query}"))).await;
        let requests = app.db.proxy.take().len();
        assert!(requests < 10, "{query} takes {requests} requests");
        let ids = reply.body["data"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().to_owned());
        (ids.collect::<Vec<_>>(), reply.body["jobs"].clone())
    };
    app.job_status(&job).await;
    assert_eq!(listed("state=queued").await, (vec![job.clone()], json!(1)));
    assert_eq!(listed("state=open").await, (vec![other], json!(1)));
    app.control(&job, "pause").await;
    for query in ["state=paused", "state=paused&group=g"] {
        assert_eq!(listed(query).await, (vec![job.clone()], json!(1)), "{query}");
    }
    app.control(&job, "resume").await;
    app.work().await;
    for query in ["state=completed", "state=completed&group=g"] {
        assert_eq!(listed(query).await, (vec![job.clone()], json!(1)), "{query}");
    }
    for state in ["queued", "running", "pausing", "paused", "cancelling", "cancelled"] {
        assert_eq!(listed(&format!("state={state}")).await, (vec![], json!(0)), "{state}");
    }
}

/// A dead-letter queue that is down keeps no job waiting.
#[tokio::test]
async fn a_failing_queue_does_not_end_the_run() {
    let app = TestApp::start().await;
    let job = app.job(json!({ "action": "delete_profile", "rows": ["user_id:x"] })).await;
    app.work().await;
    app.dead.down(true);
    let reconciled = app.reconcile().await;
    assert_eq!((reconciled.failed, reconciled.verified), (1, 1));
    assert!(app.job_status(&job).await["verified_at"].is_string());
}

/// A message is sent on by workers so often and no more. Then the reconciler goes on.
#[tokio::test]
async fn workers_send_a_message_on_a_hundred_times_at_most() {
    let app = TestApp::start().await;
    let job = app.job(json!({ "action": "delete_profile", "rows": ["user_id:x"] })).await;
    let worker = app.worker();
    let mut times = 0;
    while let Some(body) = app.queue.pop() {
        assert_eq!(Message::parse(&body).unwrap().hops, times);
        let response = worker.handle(batch(&[body]), Deadline::after(Duration::ZERO)).await.unwrap();
        assert!(response.batch_item_failures.is_empty());
        times += 1;
    }
    assert_eq!(times, MAX_HOPS + 1);
    app.reconcile().await;
    app.clock.advance(181_000);
    assert_eq!(app.reconcile().await.redispatched, 1);
    app.work().await;
    assert_eq!(app.job_summary(&job).await, "completed: 1 not_found");
}

/// A redrive that is cut short is not ended by a message of an earlier dispatch: every failed row is tried again.
#[tokio::test]
async fn an_older_dispatch_does_not_end_a_redrive() {
    let app = TestApp::start().await;
    app.profile(&["user_id:a"]).await;
    app.profile(&["user_id:b"]).await;
    let job = app.job(json!({ "action": "delete_profile", "open": true })).await;
    for (page, id) in [(0, "user_id:a"), (1, "user_id:b")] {
        let path = format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/rows");
        let reply = app.send(Req::post(path, &json!({ "page": page, "rows": [id] }))).await;
        assert_eq!(reply.status, 202, "{}", reply.body);
    }
    app.control(&job, "start").await;
    app.db.proxy.plan(|passed| {
        let starts = passed.request["UpdateExpression"].as_str().is_some_and(|update| update.contains("deleted_at"));
        if starts { Fault::Refuse } else { Fault::None }
    });
    app.work().await;
    app.reconcile().await;
    app.db.proxy.heal();
    assert_eq!(app.job_summary(&job).await, "completed: 2 failed");
    assert_eq!(app.control(&job, "redrive").await.status, 202);
    let dispatch = app.queue.take();
    let older = Pointer {
        space: SpaceId::parse(SPACE).unwrap(),
        job: job.parse().unwrap(),
        work: Work::Dispatch { from: 1, redrive: 0 },
        hops: 0,
    };
    app.queue.put(Message::new(&older).body().unwrap());
    app.work().await;
    for body in dispatch {
        app.queue.put(body);
    }
    app.work().await;
    assert_eq!(app.job_summary(&job).await, "completed: 2 deleted");
}

/// A page that was never committed protects no row: the client has sent other rows under its number.
#[tokio::test]
async fn a_page_that_was_not_committed_protects_nothing() {
    let app = TestApp::start().await;
    app.profile(&["user_id:a", "user_id:b"]).await;
    let job = app.job(json!({ "action": "delete_identifier", "open": true })).await;
    let path = format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/rows");
    let row = |lookup: &str, target: &str| json!({ "user_id": lookup, "type": "user_id", "id": target });
    let page = |rows: Value| Req::post(path.clone(), &json!({ "page": 1, "rows": rows }));
    app.db.proxy.plan(|passed| match passed.operation.as_str() {
        "TransactWriteItems" => Fault::LoseRequest,
        _ => Fault::None,
    });
    assert_eq!(app.send(page(json!([row("a", "b"), row("b", "a")]))).await.status, 503);
    app.db.proxy.heal();
    assert_eq!(app.send(page(json!([row("a", "b")]))).await.status, 202);
    app.control(&job, "start").await;
    app.work().await;
    assert_eq!(summary(&app.job_status(&job).await), "completed: 1 deleted");
}
