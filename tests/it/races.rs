//! Concurrent requests: exactly one of those that exclude each other succeeds.

use efface_api::event::EventSource;
use efface_core::role::Role;
use efface_tests::{Reply, Req, TestApp, Via, app, app::SPACE, matchers::is_source_attach, size::size};
use serde_json::json;

/// Sends requests at the same time through four instances, as the workspace owner.
async fn all_at_once(app: &TestApp, requests: &[Req]) -> Vec<Reply> {
    let instances: Vec<_> = (0..4).map(|_| app.another(EventSource::Rest)).collect();
    let token = app.token(Role::WorkspaceOwner);
    let requests: Vec<Req> = requests.iter().map(|request| request.clone().token(token)).collect();
    let sends = requests.iter().enumerate().map(|(i, request)| app::send(&instances[i % 4], request, Via::Rest));
    futures::future::join_all(sends).await
}

/// Two concurrent requests delete a profile's last two `user_id`s: exactly one succeeds, in each of 1,000 rounds at full size.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_the_last_two_user_ids_is_kept() {
    let app = TestApp::start().await;
    app.clock.step(50);
    for round in 0..size(100, 1_000) {
        let (a, b) = (format!("a{round}"), format!("b{round}"));
        app.profile(&[&format!("user_id:{a}"), &format!("user_id:{b}")]).await;
        let token = app.token(Role::WorkspaceOwner);
        let first = Req::delete(SPACE, &a, "user_id", &b).token(token);
        let second = Req::delete(SPACE, &b, "user_id", &a).token(token);
        let (first, second) = tokio::join!(app.send_raw(&first), app.send_raw(&second));
        let mut statuses = [first.status, second.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 404], "round {round}: {} / {}", first.line(), second.line());
        if round % 50 == 0 {
            let survivor = format!("user_id:{}", if first.status == 200 { a } else { b });
            assert_eq!(app.external_ids(&survivor).await, [survivor]);
        }
    }
}

#[tokio::test]
async fn the_same_deletion_fifty_times_at_once() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u", "email:e@x", "email:f@x"]).await;
    let replies = all_at_once(&app, &vec![Req::delete(SPACE, "u", "email", "e@x"); 50]).await;
    let count = |line: &str| replies.iter().filter(|reply| reply.line() == line).count();
    assert_eq!(count("200 success"), 1);
    assert_eq!(count("404 eid_not_found External identifier not found."), 49);

    let replies = all_at_once(&app, &vec![Req::delete(SPACE, "u", "email", "f@x").key("k"); 50]).await;
    assert!(replies.iter().all(|reply| reply.status == 200), "requests with one key are one request");
}

/// Concurrent first uses of a space attach one source.
#[tokio::test]
async fn concurrent_first_uses_attach_one_source() {
    let app = TestApp::start().await;
    app.space("spa_new", json!({})).await;
    let token = app.new_token("spa_new", Role::WorkspaceOwner).await;
    let instances: Vec<_> = (0..10).map(|_| app.another(EventSource::Rest)).collect();
    let request = Req::delete("spa_new", "u", "email", "e@x").token(&token);
    app.db.proxy.take();
    let sends = instances.iter().map(|instance| app::send(instance, &request, Via::Rest));
    let replies = futures::future::join_all(sends).await;
    assert!(replies.iter().all(|reply| reply.line() == "404 not_found The resource was not found."));
    let attached =
        app.db.proxy.take().into_iter().filter(|passed| is_source_attach(passed) && passed.reply["__type"].is_null());
    assert_eq!(attached.count(), 1);
    let space = app.db.store.space(&efface_core::space::SpaceId::parse("spa_new").unwrap()).await.unwrap().unwrap();
    assert_eq!(space.source.unwrap().name, "profile-api-source");
}

/// A load and a deletion of the same profile at the same time both take effect.
#[tokio::test]
async fn a_concurrent_load_and_deletion_both_take_effect() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u", "email:e@x"]).await;
    let line = app::profile_line(SPACE, &["user_id:u", "email:e@x", "email:new@x"]);
    let (loaded, deleted) = tokio::join!(app.try_load(&line), app.delete("u", "email:e@x"));
    assert_eq!((loaded.unwrap().stored, deleted.status), (1, 200));
    assert_eq!(app.external_ids("user_id:u").await, ["email:new@x", "user_id:u"]);
}
