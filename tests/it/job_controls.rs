//! Controls of jobs: open, start, pause, resume and cancel at any point, and `max_deletions`.

use efface_tests::{Req, TestApp, app::SPACE, jobs::summary};
use serde_json::{Value, json};

/// An app with this many profiles: `u0`, `u1` and so on, each with an email.
async fn app(profiles: usize) -> TestApp {
    let app = TestApp::start().await;
    for i in 0..profiles {
        app.profile(&[&format!("user_id:u{i}"), &format!("email:e{i}@x")]).await;
    }
    app
}

fn rows(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|i| format!("user_id:u{i}")).collect()
}

async fn post_rows(app: &TestApp, job: &str, body: Value) -> efface_tests::Reply {
    app.send(Req::post(format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/rows"), &body)).await
}

#[tokio::test]
async fn an_open_job_takes_pages_until_it_is_started() {
    let app = app(4).await;
    let job = app.job(json!({ "action": "delete_profile", "open": true, "rows": rows(0..1) })).await;
    let page = json!({ "page": 7, "rows": ["user_id:u1", "junk"] });
    let first = post_rows(&app, &job, page.clone()).await;
    assert_eq!((first.status, &first.body["accepted"], &first.body["rejected_total"]), (202, &json!(1), &json!(1)));
    let again = post_rows(&app, &job, page.clone()).await;
    assert_eq!(again.body, first.body, "the same page again gets the same response");
    let other = post_rows(&app, &job, json!({ "page": 7, "rows": ["user_id:u2"] })).await;
    assert_eq!((other.status, &other.body["error"]["code"]), (409, &json!("page_conflict")));
    let junk = post_rows(&app, &job, json!({ "page": 7, "rows": ["user_id:u1", "other junk"] })).await;
    assert_eq!(junk.status, 409, "another invalid row makes it another page, too");
    let zero = post_rows(&app, &job, json!({ "page": 0, "rows": ["user_id:u2"] })).await;
    assert_eq!(zero.status, 409, "rows given at creation are page 0");
    app.work().await;
    assert_eq!(app.job_summary(&job).await, "open: 1 invalid, 2 remaining", "nothing runs before start");
    assert_eq!(app.control(&job, "pause").await.body["error"]["message"], "A job that is open can't be paused.");
    assert_eq!(app.control(&job, "start").await.status, 202);
    assert_eq!(app.control(&job, "start").await.status, 202, "starting a started job succeeds");
    let late = post_rows(&app, &job, json!({ "page": 8, "rows": ["user_id:u2"] })).await;
    assert_eq!((late.status, &late.body["error"]["code"]), (409, &json!("invalid_state")));
    assert_eq!(post_rows(&app, &job, page.clone()).await.status, 202, "repeating a posted page succeeds");
    app.work().await;
    assert_eq!(app.job_summary(&job).await, "completed: 2 deleted, 1 invalid");
    assert_eq!(app.control(&job, "cancel").await.body["error"]["code"], "invalid_state");
    assert_eq!(
        app.outcomes(&job, "").await.iter().map(|(page, row, _)| (*page, *row)).collect::<Vec<_>>(),
        [(0, 0), (7, 0), (7, 1)]
    );
}

/// Pages posted at the same time, each twice: each counts once.
#[tokio::test]
async fn pages_may_be_posted_in_parallel() {
    let app = app(12).await;
    let job = app.job(json!({ "action": "delete_profile", "open": true })).await;
    let posts = (0..12).map(|i| (i % 6, rows(2 * (i % 6)..2 * (i % 6) + 2)));
    let posts = posts.map(|(page, rows)| post_rows(&app, &job, json!({ "page": page, "rows": rows })));
    for reply in futures::future::join_all(posts).await {
        assert_eq!(reply.status, 202, "{}", reply.body);
    }
    // Two different pages with one number: one of them is rejected.
    let (a, b) = tokio::join!(
        post_rows(&app, &job, json!({ "page": 9, "rows": ["user_id:x"] })),
        post_rows(&app, &job, json!({ "page": 9, "rows": ["user_id:y"] })),
    );
    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [202, 409]);
    app.control(&job, "start").await;
    app.work().await;
    assert_eq!(app.job_summary(&job).await, "completed: 12 deleted, 1 not_found");
}

#[tokio::test]
async fn a_job_can_pause_and_resume_at_any_point() {
    // The job has 3 chunks. It is paused before the dispatch, before each chunk, and after the last one.
    for at in 0..5 {
        let app = app(2).await;
        let mut all: Vec<String> = (0..2_500).map(|i| format!("email:nobody{i}")).collect();
        (all[0], all[2_400]) = ("user_id:u0".to_owned(), "user_id:u1".to_owned());
        let job = app.job(json!({ "action": "delete_profile", "rows": all })).await;
        let worker = app.worker();
        for _ in 0..at {
            let mut waiting = app.queue.take();
            let rest = waiting.split_off(waiting.len().min(1));
            for body in rest {
                app.queue.put(body);
            }
            app.deliver(&worker, &waiting).await;
        }
        let paused = app.control(&job, "pause").await;
        if at == 4 {
            assert_eq!(paused.body["error"]["message"], "A job that is completed can't be paused.");
            continue;
        }
        assert_eq!(paused.body["job"]["state"], "paused", "no chunk is running: {}", paused.body);
        let before = app.job_summary(&job).await;
        app.work().await;
        assert_eq!(app.job_summary(&job).await, before, "messages of a paused job do nothing");
        assert!(app.queue.is_empty() && app.dead.is_empty());
        assert_eq!(app.control(&job, "pause").await.status, 202);
        let state = if at < 2 { "queued" } else { "running" };
        assert_eq!(app.control(&job, "resume").await.body["job"]["state"], state);
        app.work().await;
        assert_eq!(app.job_summary(&job).await, "completed: 2 deleted, 2498 not_found");
    }
}

/// A job is stopped after a worker died during a chunk: it stops only when that chunk was completed by another worker.
#[tokio::test]
async fn a_stop_waits_for_started_chunks() {
    for (verb, during, at_last) in [("pause", "pausing", "paused"), ("cancel", "cancelling", "cancelled")] {
        let app = app(2).await;
        let mut all: Vec<String> = (0..1_500).map(|i| format!("email:nobody{i}")).collect();
        (all[0], all[1_400]) = ("user_id:u0".to_owned(), "user_id:u1".to_owned());
        let job = app.job(json!({ "action": "delete_profile", "rows": all })).await;
        let worker = app.worker();
        app.deliver(&worker, &app.queue.take()).await;
        let chunks = app.queue.take();
        assert!(app.db.proxy.dies_after(6, true, app.deliver(&worker, &chunks[..1])).await);
        assert_eq!(app.control(&job, verb).await.body["job"]["state"], during);
        // The other chunk does not start; the started one is delivered again and completed.
        assert!(app.deliver(&worker, &chunks[1..]).await.is_empty());
        assert_eq!(app.job_status(&job).await["state"], during);
        app.clock.advance(200_000);
        app.reconcile().await;
        app.work().await;
        assert_eq!(app.job_summary(&job).await, format!("{at_last}: 1 deleted, 999 not_found, 500 remaining"));
        assert_eq!(app.external_ids("user_id:u1").await.len(), 2, "the chunk that had not started deleted nothing");
        if verb == "pause" {
            app.control(&job, "resume").await;
            app.work().await;
            assert_eq!(app.job_summary(&job).await, "completed: 2 deleted, 1498 not_found");
        } else {
            for verb in ["start", "pause", "resume", "redrive"] {
                assert_eq!(app.control(&job, verb).await.status, 409, "{verb}");
            }
            assert_eq!(app.control(&job, "cancel").await.status, 202);
        }
    }
}

#[tokio::test]
async fn an_open_job_can_be_cancelled() {
    let app = app(1).await;
    let job = app.job(json!({ "action": "delete_profile", "open": true, "rows": ["user_id:u0", "junk"] })).await;
    assert_eq!(app.control(&job, "cancel").await.body["job"]["state"], "cancelled");
    assert_eq!(app.control(&job, "start").await.status, 409);
    app.work().await;
    assert_eq!(app.job_summary(&job).await, "cancelled: 1 invalid, 1 remaining");
    assert_eq!(app.outcomes(&job, "").await, [(0, 1, "invalid".to_owned())]);
    assert_eq!(app.control("job_019b76da1e7b7000a1b2c3d4e5f60718", "start").await.status, 404);
    assert_eq!(app.control("nonsense", "start").await.status, 404);
}

/// `max_deletions` is never exceeded, with any number of workers; each resume allows as many again.
#[tokio::test]
async fn a_job_pauses_at_max_deletions() {
    let app = app(25).await;
    let mut all: Vec<String> = (0..2_100).map(|i| format!("email:nobody{i}")).collect();
    for i in 0..25 {
        all[i * 84] = format!("user_id:u{i}");
    }
    let job = app.job(json!({ "action": "delete_profile", "rows": all, "max_deletions": 10 })).await;
    for (pass, deleted) in [(0, 10), (1, 20), (2, 25)] {
        let mut previous = usize::MAX;
        while !app.queue.is_empty() && previous > 0 {
            let (mut one, two) = (app.queue.take(), app.worker());
            let half = one.split_off(one.len() / 2);
            tokio::join!(app.deliver(&two, &one), app.deliver(&two, &half));
            previous = app.queue.len();
        }
        app.work().await;
        let status = app.job_status(&job).await;
        assert_eq!(status["counts"]["deleted"], deleted, "pass {pass}: {status}");
        if pass < 2 {
            assert_eq!(status["state"], "paused", "{status}");
            assert_eq!(app.control(&job, "resume").await.status, 202);
        } else {
            assert_eq!(summary(&status), "completed: 25 deleted, 2075 not_found");
        }
    }
    let zero = app.create_job(json!({ "action": "delete_profile", "max_deletions": 0 })).await;
    assert_eq!(zero.line(), "400 bad_request The request body at `max_deletions`: it must be at least 1.");
}

/// The reconciler cancels a job that stays open for more than 30 days.
#[tokio::test]
async fn a_job_left_open_is_cancelled() {
    let app = app(1).await;
    let job = app.job(json!({ "action": "delete_profile", "open": true, "rows": ["user_id:u0"] })).await;
    app.clock.advance(31 * 24 * 3_600 * 1_000);
    assert_eq!(app.reconcile().await.cancelled, 1);
    assert_eq!(app.job_status(&job).await["state"], "cancelled");
}

#[tokio::test]
async fn a_job_without_rows_is_completed() {
    let app = app(0).await;
    let job = app.job(json!({ "action": "delete_profile", "rows": [] })).await;
    assert_eq!(app.job_summary(&job).await, "completed: no rows");
    let open = app.job(json!({ "action": "delete_profile", "open": true })).await;
    assert_eq!(app.control(&open, "start").await.body["job"]["state"], "completed");
}
