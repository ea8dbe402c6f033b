//! Replies that get lost, stores that fail: success or 503, never a wrong answer.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use efface_tests::{Req, TestApp, app::SPACE, fault_proxy::Passed, faults::Fault};

async fn app() -> TestApp {
    let app = TestApp::start().await;
    app.profile(&["user_id:u", "email:e@x", "user_id:v", "email:f@x"]).await;
    // The token and the space are remembered from here on.
    assert_eq!(app.delete("u", "email:nobody").await.status, 404);
    app.db.proxy.take();
    app
}

fn is_deletion(passed: &Passed) -> bool {
    passed.operation == "TransactWriteItems"
        || passed.request["UpdateExpression"].as_str().is_some_and(|text| text.contains("deleted_at"))
}

/// Breaks the first `times` requests that match.
fn break_first(app: &TestApp, times: usize, fault: Fault, matches: fn(&Passed) -> bool) {
    let left = Arc::new(AtomicUsize::new(times));
    app.db.proxy.plan(move |passed| {
        let hit =
            matches(passed) && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok();
        if hit { fault } else { Fault::None }
    });
}

/// The worst lie would be a 404 for a deletion that was done.
#[tokio::test]
async fn a_reply_lost_after_the_commit_is_still_a_success() {
    for (target, times) in [("email:e@x", 1), ("email:e@x", 2), ("user_id:v", 1), ("user_id:v", 2)] {
        let app = app().await;
        break_first(&app, times, Fault::LoseReply, is_deletion);
        assert_eq!(app.delete("u", target).await.line(), "200 success", "{target}, {times} lost");
        let deletions = app.db.proxy.take().into_iter().filter(is_deletion).count();
        assert_eq!(deletions, times + 1, "the SDK repeated it");
    }
}

/// All replies are lost: the client is told to ask again, and then learns of its success.
#[tokio::test]
async fn when_all_replies_are_lost_the_key_finds_the_success() {
    for target in ["email:e@x", "user_id:v"] {
        let app = app().await;
        let (id_type, id) = target.split_once(':').unwrap();
        let request = Req::delete(SPACE, "u", id_type, id).key("k");
        break_first(&app, usize::MAX, Fault::LoseReply, is_deletion);
        let reply = app.send(request.clone()).await;
        assert_eq!((reply.status, reply.headers["retry-after"].as_str()), (503, "1"), "{target}");
        app.db.proxy.heal();
        assert_eq!(app.send(request).await.line(), "200 success", "{target}");
    }
}

/// The lookup disappears between the lost reply and the retry.
#[tokio::test]
async fn a_lookup_that_disappears_between_a_lost_reply_and_its_retry() {
    let app = app().await;
    let request = Req::delete(SPACE, "u", "email", "e@x").key("k");
    break_first(&app, usize::MAX, Fault::LoseReply, is_deletion);
    assert_eq!(app.send(request.clone()).await.status, 503);
    app.db.proxy.heal();
    assert_eq!(app.delete("v", "user_id:u").await.status, 200);
    assert_eq!(app.send(request).await.line(), "200 success");
    assert_eq!(app.send(Req::delete(SPACE, "u", "email", "e@x")).await.status, 404, "without the key it is a new one");
}

/// A key whose claim got lost is still claimed by the same request.
#[tokio::test]
async fn a_lost_claim_is_ones_own() {
    let app = app().await;
    break_first(&app, 1, Fault::LoseReply, |passed| passed.operation == "PutItem");
    assert_eq!(app.send(Req::delete(SPACE, "u", "email", "e@x").key("k")).await.status, 200);
}

#[tokio::test]
async fn a_failing_store_is_never_a_wrong_answer() {
    for fault in [Fault::Throttle, Fault::ServerError, Fault::LoseRequest, Fault::Conflict] {
        for target in ["email:e@x", "user_id:v"] {
            for broken in 0..8 {
                let app = app().await;
                let count = AtomicUsize::new(0);
                // From one point on everything fails; then it heals.
                app.db.proxy.plan(
                    move |_| {
                        if count.fetch_add(1, Ordering::SeqCst) >= broken { fault } else { Fault::None }
                    },
                );
                let (id_type, id) = target.split_once(':').unwrap();
                let request = Req::delete(SPACE, "u", id_type, id).key("k");
                let reply = app.send(request.clone()).await;
                assert!(matches!(reply.status, 200 | 503), "{fault:?} from {broken}: {}", reply.line());
                app.db.proxy.heal();
                if reply.status == 200 {
                    let record = app.send(Req::deletion(SPACE, id_type, id)).await;
                    assert_eq!(record.status, 200, "{fault:?} from {broken}: acknowledged and not done");
                }
                assert_eq!(app.send(request).await.status, 200, "{fault:?} from {broken}, healed");
            }
        }
    }
}

/// However slow the store is, the answer comes in under 3 s. The time is the limit's own, not a benchmark's.
#[tokio::test]
async fn a_store_that_hangs_is_a_503_in_time() {
    let app = app().await;
    app.db.proxy.slow(std::time::Duration::from_secs(5));
    let started = std::time::Instant::now();
    assert_eq!(app.delete("u", "email:e@x").await.status, 503);
    assert!(started.elapsed() < std::time::Duration::from_secs(4));
}

#[tokio::test]
async fn passing_faults_are_not_noticed() {
    for fault in [Fault::Throttle, Fault::ServerError, Fault::LoseRequest] {
        let app = app().await;
        break_first(&app, 1, fault, |_| true);
        assert_eq!(app.delete("u", "email:e@x").await.status, 200, "{fault:?}");
        break_first(&app, 2, fault, is_deletion);
        assert_eq!(app.delete("u", "user_id:v").await.status, 200, "{fault:?}");
    }
    let app = app().await;
    break_first(&app, 3, Fault::Conflict, |passed| passed.operation == "UpdateItem" && is_deletion(passed));
    assert_eq!(app.delete("u", "email:f@x").await.status, 200, "a write that meets transactions goes on trying");
}

#[tokio::test]
async fn reads_and_tokens_fail_as_503() {
    let app = app().await;
    app.clock.advance(60_000);
    app.db.proxy.plan(|_| Fault::Throttle);
    for request in [
        Req::read(SPACE, "user_id", "u", "external_ids"),
        Req::deletion(SPACE, "email", "e@x"),
        Req::delete(SPACE, "u", "email", "e@x"),
    ] {
        let reply = app.send(request).await;
        assert_eq!((reply.status, reply.headers["retry-after"].as_str()), (503, "1"));
    }
}
