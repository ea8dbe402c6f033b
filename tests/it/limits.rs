//! The limit of single deletions per clock second: exact over all instances, and free of cost while it denies.

use std::collections::BTreeMap;

use efface_api::event::EventSource;
use efface_core::role::Role;
use efface_tests::{Req, TestApp, Via, app, app::SPACE, matchers::DELETED_AT};
use futures::StreamExt;
use serde_json::json;

const LIMITED: &str = "429 rate_limit_error Attempted to delete more than 100 IDs per second for a single profile.";

/// Four profiles of 60 identifiers each, and a clock that stands still.
async fn full() -> TestApp {
    let app = TestApp::start().await;
    for profile in 0..4 {
        let ids: Vec<String> = (0..60).map(|i| format!("anonymous_id:{profile}-{i}")).collect();
        let user = format!("user_id:u{profile}");
        let ids: Vec<&str> = std::iter::once(user.as_str()).chain(ids.iter().map(String::as_str)).collect();
        app.profile(&ids).await;
    }
    app.clock.step(0);
    app
}

/// The deletion of the `i`-th identifier. Consecutive ones belong to different profiles.
fn nth(i: usize) -> Req {
    let profile = i % 4;
    Req::delete(SPACE, &format!("u{profile}"), "anonymous_id", &format!("{profile}-{}", i / 4))
}

#[tokio::test]
async fn one_instance_admits_exactly_the_limit() {
    let app = full().await;
    let mut statuses = BTreeMap::new();
    for i in 0..130 {
        let reply = app.send(nth(i)).await;
        if reply.status == 429 {
            assert_eq!((reply.line().as_str(), reply.headers["retry-after"].as_str()), (LIMITED, "1"));
        }
        *statuses.entry(reply.status).or_insert(0) += 1;
    }
    assert_eq!(statuses, BTreeMap::from([(200, 100), (429, 30)]));
    app.db.proxy.take();
    assert_eq!(app.send(nth(200)).await.status, 429);
    assert_eq!(app.db.proxy.take().len(), 0, "a denied request costs nothing");
    app.clock.advance(1_000);
    assert_eq!(app.send(nth(200)).await.status, 200, "the next second has a count of its own");
}

#[tokio::test]
async fn many_instances_together_admit_the_limit() {
    let app = full().await;
    let instances: Vec<_> = (0..5).map(|_| app.another(EventSource::Rest)).collect();
    let token = app.token(Role::WorkspaceOwner).to_owned();
    let requests: Vec<Req> = (0..240).map(|i| nth(i).token(&token)).collect();
    let sends = requests.iter().enumerate().map(|(i, request)| app::send(&instances[i % 5], request, Via::Rest));
    let replies: Vec<_> = futures::stream::iter(sends).buffer_unordered(40).collect().await;
    let admitted = replies.iter().filter(|reply| reply.status == 200).count();
    assert_eq!(admitted, 100);
    assert!(replies.iter().all(|reply| matches!(reply.status, 200 | 429)), "no other responses");
}

/// The second of `deleted_at` is the one that was counted, also when clocks go back: no second has more deletions than
/// the limit.
#[tokio::test]
async fn deleted_at_is_in_the_second_that_was_counted() {
    let app = full().await;
    app.space(SPACE, json!({ "deletions_per_second": 7 })).await;
    app.clock.advance(60_000);
    app.clock.step(13);
    for i in 0..120 {
        let reply = app.send(nth(i)).await;
        assert!(matches!(reply.status, 200 | 429));
        if i % 10 == 0 {
            // The clock goes back, as it may between two instances.
            app.clock.advance(-700);
        }
    }
    let mut seconds: BTreeMap<String, usize> = BTreeMap::new();
    for item in app.db.dump().await.values() {
        if let Some(at) = item.get(DELETED_AT) {
            *seconds.entry(at.split('.').next().unwrap().to_owned()).or_default() += 1;
        }
    }
    assert!(seconds.len() > 2 && seconds.values().all(|count| *count <= 7), "{seconds:?}");
}

#[tokio::test]
async fn a_raised_limit_of_the_space_does_not_raise_the_profiles_limit() {
    let app = full().await;
    app.space(SPACE, json!({ "deletions_per_second": 150, "deletions_per_second_per_profile": 20 })).await;
    app.clock.advance(60_000);
    let mut admitted = [0; 4];
    for i in 0..120 {
        let reply = app.send(nth(i)).await;
        if reply.status == 200 {
            admitted[i % 4] += 1;
        } else {
            assert_eq!(reply.line(), LIMITED);
        }
    }
    assert_eq!(admitted, [20; 4]);
}

#[tokio::test]
async fn spaces_do_not_share_a_limit() {
    let app = full().await;
    app.space(SPACE, json!({ "deletions_per_second": 1 })).await;
    app.space("spa_other", json!({ "source": "attached" })).await;
    app.clock.advance(60_000);
    assert_eq!(app.send(nth(0)).await.status, 200);
    assert_eq!(app.send(nth(1)).await.status, 429);
    let token = app.new_token("spa_other", Role::WorkspaceOwner).await;
    assert_eq!(app.send_raw(&Req::delete("spa_other", "u", "email", "e").token(&token)).await.status, 404);
}
