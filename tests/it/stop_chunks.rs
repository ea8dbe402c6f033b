//! Chunks of a job that is stopped, paused or cancelled: workers end in the middle of them, and each deletion is counted.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use efface_tests::{
    TestApp,
    app::{SPACE, profile_line},
    faults::Fault,
    size::size,
    store::deleted_heads,
};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::stop::{delete, identifiers, profiles, rows, start, stop};

/// What a job has deleted when a worker has deleted so many of its rows, then something stops it, and its messages were
/// delivered: the deletions at the moment at which that had returned, and in the end.
async fn stopped_in_the_middle(app: &TestApp, after: usize, stops: impl AsyncFnOnce()) -> (usize, usize) {
    let (begun, deleted) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
    let (notify, count) = (Arc::clone(&begun), Arc::clone(&deleted));
    app.db.proxy.plan(move |passed| {
        // Each row's profile is gone with the last of its writes.
        let is_last =
            passed.operation == "UpdateItem" && passed.request["UpdateExpression"].to_string().contains("gone_at");
        if is_last && count.fetch_add(1, Ordering::SeqCst) + 1 == after {
            notify.notify_one();
        }
        Fault::None
    });
    let stops = async {
        begun.notified().await;
        stops().await;
        deleted.load(Ordering::SeqCst)
    };
    let ((), at_return) = tokio::join!(app.work(), stops);
    app.db.proxy.heal();
    (at_return, deleted.load(Ordering::SeqCst))
}

/// Lets the reconciler look so often, 200 s apart, and what it sends be worked off. The job's status then, and how many heads
/// are deleted.
async fn settled(app: &TestApp, job: &str, looks: usize) -> (Value, usize) {
    for _ in 0..looks {
        app.clock.advance(200_000);
        app.reconcile().await;
        app.work().await;
    }
    (app.job_status(job).await, deleted_heads(&app.db.dump().await))
}

/// Chunks that a worker runs side by side, rows that it looks up together, and rows that are under way: what may be deleted
/// after a stop.
const AT_MOST: usize = 2 * (100 + 64);

/// The size that the runbook names is that of `EFFACE_TEST_SIZE=full`: it prints how many were deleted after the command.
#[tokio::test]
#[expect(clippy::print_stdout, reason = "the runbook has this number")]
async fn a_stop_ends_chunks_that_run() {
    let app = TestApp::start_patient().await;
    let count = size(2_000, 100_000);
    // The rows that come long after the stop find nobody.
    let people = count.min(count / 8 + 2_500);
    profiles(&app, people).await;
    let job = app.job(delete(&rows(0..count))).await;
    let (at_return, deleted) = stopped_in_the_middle(&app, count / 8, async || {
        stop(&app, None).await;
    })
    .await;
    println!("{count} rows: {at_return} deleted when the command returned, {} more after that", deleted - at_return);
    assert!(deleted - count / 8 <= AT_MOST, "{deleted} were deleted of {count}");
    let status = app.job_status(&job).await;
    assert_eq!(
        (&status["state"], &status["running_chunks"], &status["stopped"]),
        (&json!("paused"), &json!(0), &json!(true))
    );
    assert_eq!(status["counts"]["deleted"], deleted, "what was deleted is counted: {status}");
    assert_eq!(identifiers(&app).await, people - deleted);
    start(&app, None, false).await;
    app.work().await;
    let nobody = if people < count { format!(", {} not_found", count - people) } else { String::new() };
    assert_eq!(app.job_summary(&job).await, format!("completed: {people} deleted{nobody}"));
}

/// A client's pause or cancel ends chunks that run as well, and the counts stay exact.
#[tokio::test]
async fn a_paused_or_cancelled_job_stops_within_a_chunk() {
    for (verb, at_last) in [("pause", "paused"), ("cancel", "cancelled")] {
        let app = TestApp::start_patient().await;
        profiles(&app, 1_000).await;
        let job = app.job(delete(&rows(0..1_000))).await;
        let (_, deleted) = stopped_in_the_middle(&app, 100, async || {
            let reply = app.control(&job, verb).await;
            assert_eq!((reply.status, &reply.body["job"]["running_chunks"]), (202, &json!(1)), "{}", reply.body);
        })
        .await;
        assert!(deleted <= 100 + AT_MOST, "{verb}: {deleted} were deleted");
        let remaining = 1_000 - deleted;
        assert_eq!(app.job_summary(&job).await, format!("{at_last}: {deleted} deleted, {remaining} remaining"));
        assert_eq!(identifiers(&app).await, remaining);
        if verb == "pause" {
            app.control(&job, "resume").await;
            app.work().await;
            assert_eq!(app.job_summary(&job).await, "completed: 1000 deleted");
        }
        assert_eq!(app.reconcile().await.failed, 0);
    }
}

/// A worker dies in the middle of a chunk; the job is stopped; and the worker that gives the chunk back may die at any
/// request. No profile stays deleted in part, and each one is counted, also where the job never goes on.
#[tokio::test]
async fn a_worker_may_die_while_it_gives_a_chunk_back() {
    for verb in ["pause", "cancel"] {
        for first in (4..40).step_by(size(9, 1)) {
            for second in (0..).step_by(size(4, 1)) {
                if !gives_back(verb, first, second).await {
                    break;
                }
            }
        }
    }
}

/// Whether the second worker died, too.
async fn gives_back(verb: &str, first: usize, second: usize) -> bool {
    let app = TestApp::start().await;
    for i in 0..4 {
        let mut line = profile_line(SPACE, &[&format!("user_id:u{i}"), &format!("email:e{i}@x")]);
        line["segments"] = json!(["seg_1"]);
        app.try_load(&line).await.unwrap();
    }
    let job = app.job(delete(&rows(0..4))).await;
    let worker = app.worker();
    app.deliver(&worker, &app.queue.take()).await;
    let chunk = app.queue.take();
    app.db.proxy.dies_after(first, true, app.deliver(&worker, &chunk)).await;
    let reply = app.control(&job, verb).await;
    if reply.status == 409 {
        return false; // It was completed before.
    }
    app.clock.advance(76_000);
    let died = app.db.proxy.dies_after(second, true, app.deliver(&app.worker(), &chunk)).await;
    app.queue.take();
    let (status, heads) = settled(&app, &job, 3).await;
    assert_eq!(status["counts"]["deleted"], heads, "{verb} {first} {second}: {status}");
    assert_eq!(identifiers(&app).await, 8 - 2 * heads, "{verb} {first} {second}: a profile is deleted in part");
    if verb == "cancel" {
        assert_eq!(status["state"], "cancelled", "{first} {second}");
        return died;
    }
    assert_eq!(status["state"], "paused", "{first} {second}");
    app.control(&job, "resume").await;
    app.work().await;
    assert_eq!(app.job_summary(&job).await, "completed: 4 deleted", "{first} {second}");
    died
}

/// Two workers are at one chunk, because its message came twice, when the job is stopped. None of them gives the chunk back
/// while the other may still delete, so that each deletion is counted, also where the job never goes on.
#[tokio::test]
async fn two_workers_may_be_at_a_chunk_that_is_stopped() {
    const COUNT: usize = 600;
    for (verb, second_at) in [("cancel", 1), ("cancel", 90), ("pause", 40), ("cancel", 150)] {
        let app = TestApp::start_patient().await;
        profiles(&app, COUNT).await;
        let job = app.job(delete(&rows(0..COUNT))).await;
        let (first, second) = (app.worker(), app.worker());
        app.deliver(&first, &app.queue.take()).await;
        let chunk = app.queue.take();
        let (deleted, notes) = (AtomicUsize::new(0), [(); 2].map(|()| Arc::new(Notify::new())));
        let [comes, stops] = notes.clone();
        app.db.proxy.plan(move |passed| {
            if passed.operation == "UpdateItem" && passed.request["UpdateExpression"].to_string().contains("gone_at") {
                let deleted = deleted.fetch_add(1, Ordering::SeqCst) + 1;
                [(second_at, &comes), (second_at + 110, &stops)]
                    .into_iter()
                    .filter(|(at, _)| *at == deleted)
                    .for_each(|(_, note)| note.notify_one());
            }
            Fault::None
        });
        let another = async {
            notes[0].notified().await;
            app.deliver(&second, &chunk).await;
        };
        let stop = async {
            notes[1].notified().await;
            assert_eq!(app.control(&job, verb).await.status, 202);
        };
        tokio::join!(app.deliver(&first, &chunk), another, stop);
        app.db.proxy.heal();
        let (status, heads) = settled(&app, &job, 4).await;
        assert!((1..COUNT).contains(&heads), "{heads}");
        assert_eq!((&status["counts"]["deleted"], &status["running_chunks"]), (&json!(heads), &json!(0)), "{status}");
        assert_eq!(identifiers(&app).await, COUNT - heads, "a profile is deleted in part");
    }
}

/// The first of two workers at a chunk stands still in the middle of its rows, while the second one takes the chunk over and
/// the job is cancelled. Then it goes on with what was under way: these deletions are counted, too.
#[tokio::test]
async fn a_worker_that_stands_still_is_counted() {
    const COUNT: usize = 400;
    let app = TestApp::start_patient().await;
    profiles(&app, COUNT).await;
    let job = app.job(delete(&rows(0..COUNT))).await;
    let (first, second) = (app.worker(), app.worker());
    app.deliver(&first, &app.queue.take()).await;
    let chunk = app.queue.take();
    let notes = [(); 2].map(|()| Arc::new(Notify::new()));
    let ([stands, looks], mut deleted, mut reads) = (notes.clone(), 0, 0);
    app.db.proxy.plan(move |passed| {
        let update = passed.request["UpdateExpression"].to_string();
        deleted += usize::from(passed.operation == "UpdateItem" && update.contains("gone_at"));
        if deleted == 150 {
            stands.notify_one();
        }
        // The second worker reads the first rows ahead: the read of its job and stops comes before that.
        reads += usize::from(deleted >= 150 && passed.operation == "BatchGetItem");
        if reads == 2 {
            looks.notify_one();
        }
        Fault::None
    });
    let mut still = Box::pin(app.deliver(&first, &chunk));
    tokio::select! {
        _ = &mut still => panic!("the first worker has ended"),
        () = notes[0].notified() => {}
    }
    let mut other = Box::pin(app.deliver(&second, &chunk));
    tokio::select! {
        _ = &mut other => panic!("the second worker has ended"),
        () = notes[1].notified() => {}
    }
    assert_eq!(app.control(&job, "cancel").await.status, 202);
    other.await;
    app.db.proxy.heal();
    app.work().await;
    let before = deleted_heads(&app.db.dump().await);
    still.await;
    let heads = deleted_heads(&app.db.dump().await);
    assert!(heads > before, "nothing was under way: {heads}");
    let (status, _) = settled(&app, &job, 4).await;
    assert_eq!((&status["counts"]["deleted"], &status["state"]), (&json!(heads), &json!("cancelled")), "{status}");
    assert_eq!(identifiers(&app).await, COUNT - heads, "a profile is deleted in part");
}
