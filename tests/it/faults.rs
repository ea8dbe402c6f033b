//! Lost replies and a failing store: the response is the right one or a 503, never a wrong one.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use efface_tests::{Req, TestApp, app::SPACE, fault_proxy::Passed, faults::Fault, matchers::is_tombstone_write};

/// An app with one profile and a warm cache.
async fn app() -> TestApp {
    let app = TestApp::start().await;
    app.profile(&["user_id:u", "email:e@x", "user_id:v", "email:f@x"]).await;
    // Fills the cache of tokens and spaces.
    assert_eq!(app.delete("u", "email:nobody").await.status, 404);
    app.db.proxy.take();
    app
}

/// Injects a fault into the first `times` requests that match.
fn break_first(app: &TestApp, times: usize, fault: Fault, matches: fn(&Passed) -> bool) {
    let left = Arc::new(AtomicUsize::new(times));
    app.db.proxy.plan(move |passed| {
        let hit =
            matches(passed) && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok();
        if hit { fault } else { Fault::None }
    });
}

/// The SDK repeats the write, finds the tombstone and must not take it for somebody else's: a 404 for a deletion that was
/// done would be wrong.
#[tokio::test]
async fn a_reply_lost_after_the_commit_is_still_a_success() {
    for (target, times) in [("email:e@x", 1), ("email:e@x", 2), ("user_id:v", 1), ("user_id:v", 2)] {
        let app = app().await;
        break_first(&app, times, Fault::LoseReply, is_tombstone_write);
        assert_eq!(app.delete("u", target).await.line(), "200 success", "{target}, {times} lost");
        let deletions = app.db.proxy.take().into_iter().filter(is_tombstone_write).count();
        assert_eq!(deletions, times + 1, "the SDK repeated it");
    }
}

/// All replies are lost: the client gets a 503, repeats the request with its key and gets the success.
#[tokio::test]
async fn a_repeat_with_the_key_finds_the_success_after_all_replies_were_lost() {
    for target in ["email:e@x", "user_id:v"] {
        let app = app().await;
        let (id_type, id) = target.split_once(':').unwrap();
        let request = Req::delete(SPACE, "u", id_type, id).key("k");
        break_first(&app, usize::MAX, Fault::LoseReply, is_tombstone_write);
        let reply = app.send(request.clone()).await;
        assert_eq!((reply.status, reply.headers["retry-after"].as_str()), (503, "1"), "{target}");
        app.db.proxy.heal();
        assert_eq!(app.send(request).await.line(), "200 success", "{target}");
    }
}

/// The lookup is deleted between the lost reply and the client's retry.
#[tokio::test]
async fn a_retry_with_the_key_succeeds_though_its_lookup_was_deleted() {
    let app = app().await;
    let request = Req::delete(SPACE, "u", "email", "e@x").key("k");
    break_first(&app, usize::MAX, Fault::LoseReply, is_tombstone_write);
    assert_eq!(app.send(request.clone()).await.status, 503);
    app.db.proxy.heal();
    assert_eq!(app.delete("v", "user_id:u").await.status, 200);
    assert_eq!(app.send(request).await.line(), "200 success");
    assert_eq!(
        app.send(Req::delete(SPACE, "u", "email", "e@x")).await.status,
        404,
        "without the key it is a new request"
    );
}

/// The reply to the write of the key is lost: the SDK's retry recognises its own key.
#[tokio::test]
async fn a_lost_reply_to_the_key_write_is_no_conflict() {
    let app = app().await;
    break_first(&app, 1, Fault::LoseReply, |passed| passed.operation == "PutItem");
    assert_eq!(app.send(Req::delete(SPACE, "u", "email", "e@x").key("k")).await.status, 200);
}

#[tokio::test]
async fn a_failing_store_never_gives_a_wrong_response() {
    for fault in [Fault::Throttle, Fault::ServerError, Fault::LoseRequest, Fault::Conflict] {
        for target in ["email:e@x", "user_id:v"] {
            for broken in 0..8 {
                let app = app().await;
                let count = AtomicUsize::new(0);
                // All requests after the first `broken` ones fail, until the proxy is healed.
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
                    assert_eq!(record.status, 200, "{fault:?} from {broken}: acknowledged, but not deleted");
                }
                assert_eq!(app.send(request).await.status, 200, "{fault:?} from {broken}, healed");
            }
        }
    }
}

/// The handler responds within 3 s; the test allows for a busy machine.
#[tokio::test]
async fn a_hanging_store_gives_a_503_within_the_deadline() {
    let app = app().await;
    app.db.proxy.slow(std::time::Duration::from_secs(5));
    let started = std::time::Instant::now();
    assert_eq!(app.delete("u", "email:e@x").await.status, 503);
    assert!(started.elapsed() < std::time::Duration::from_secs(4));
}

#[tokio::test]
async fn transient_faults_are_retried() {
    for fault in [Fault::Throttle, Fault::ServerError, Fault::LoseRequest] {
        let app = app().await;
        break_first(&app, 1, fault, |_| true);
        assert_eq!(app.delete("u", "email:e@x").await.status, 200, "{fault:?}");
        break_first(&app, 2, fault, is_tombstone_write);
        assert_eq!(app.delete("u", "user_id:v").await.status, 200, "{fault:?}");
    }
    let app = app().await;
    break_first(&app, 3, Fault::Conflict, |passed| passed.operation == "UpdateItem" && is_tombstone_write(passed));
    assert_eq!(app.delete("u", "email:f@x").await.status, 200, "a write that conflicts with transactions is retried");
}

#[tokio::test]
async fn a_throttled_read_gives_a_503() {
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
