//! What a request's own token is, and when tokens were used.

use std::collections::BTreeSet;

use efface_aws::store::token::NewToken;
use efface_core::{
    role::{Permission, Role},
    space::SpaceId,
    time::Time,
    token_record::TokenRecord,
};
use efface_tests::{
    Req, TestApp, Via, app,
    app::SPACE,
    fault_proxy::{Passed, is_write},
    faults::Fault,
};
use serde_json::{Value, json};

fn space() -> SpaceId {
    SpaceId::parse(SPACE).unwrap()
}

fn whoami() -> Req {
    Req::get(format!("/v1/spaces/{SPACE}/token"))
}

/// A token with a label and an end, and its record.
async fn labelled(app: &TestApp, role: Role) -> (String, TokenRecord) {
    let expires_at = Some(app.clock.peek().plus_seconds(90 * 86_400));
    let new = NewToken { role, label: Some("nightly cleanup".parse().unwrap()), expires_at };
    let (token, record) = app.db.store.create_labelled_token(&space(), new, app.clock.peek()).await.unwrap();
    (token.expose().to_owned(), record)
}

/// When a token was used last, as administrators see it.
async fn last_use(app: &TestApp, record: &TokenRecord) -> Option<Time> {
    let tokens = app.db.store.list_tokens(&space()).await.unwrap();
    tokens.into_iter().find(|token| token.token_id == record.token_id).unwrap().last_used_at
}

#[tokio::test]
async fn a_token_tells_what_it_is_and_may_do() {
    let app = TestApp::start().await;
    app.space(
        SPACE,
        json!({ "identifier_types": [{ "name": "nick", "normalisation": "lowercase" }],
        "deletions_per_second": 5_000, "approval_over": 7 }),
    )
    .await;
    let (token, record) = labelled(&app, Role::IdentityAdmin).await;
    let reply = app.send_raw(&whoami().token(&token)).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let expected = json!({ "id": record.token_id, "label": "nightly cleanup", "role": "identity_admin",
        "permissions": ["delete_identifiers", "read_profiles", "read_deletions"],
        "created_at": record.created_at, "expires_at": record.expires_at });
    assert_eq!(reply.body["token"], expected);
    let types = reply.body["space"]["identifier_types"].as_array().unwrap();
    assert!(types.contains(&json!({ "name": "nick", "normalisation": "lowercase" })), "{types:?}");
    assert!(types.contains(&json!({ "name": "email", "normalisation": "none" })), "{types:?}");
    let mut space = reply.body["space"].clone();
    space["identifier_types"].take();
    let limits = json!({ "deletions_per_second": 1_000, "deletions_per_second_per_profile": 100, "jobs_per_second": 100,
        "dry_runs_per_second": 50, "reads_per_second": 500 });
    let expected =
        json!({ "id": SPACE, "activated": true, "identifier_types": null, "limits": limits, "approval_over": 7 });
    assert_eq!(space, expected, "limits as they act");
    assert!(!reply.body.to_string().contains("eff_"), "the token itself is not in it");
    assert_eq!(app.send_raw(&Req::get(format!("/v1/spaces/{SPACE}/token?x=1")).token(&token)).await.status, 400);
}

/// The permissions are those by which endpoints decide.
#[tokio::test]
async fn every_role_sees_its_permissions() {
    let app = TestApp::start().await;
    for role in Role::ALL {
        let reply = app.send_raw(&whoami().token(app.token(role))).await;
        let shown: BTreeSet<String> =
            reply.body["token"]["permissions"].as_array().unwrap().iter().map(Value::to_string).collect();
        let may: BTreeSet<String> = Permission::ALL
            .into_iter()
            .filter(|permission| role.may(*permission))
            .map(|permission| json!(permission).to_string())
            .collect();
        assert_eq!((shown, &reply.body["token"]["label"]), (may, &Value::Null), "{role}");
    }
}

/// The writes of a token's item.
fn writes_of_tokens(passed: &[Passed]) -> usize {
    let of_token = |one: &&Passed| one.request["Key"]["pk"]["S"].as_str().is_some_and(|key| key.starts_with("T#"));
    passed.iter().filter(|one| is_write(one) && !one.is_repeated).filter(of_token).count()
}

/// However many requests there are, and however many instances: one write an hour.
#[tokio::test]
async fn the_last_use_costs_one_write_an_hour() {
    let app = TestApp::start_patient().await;
    app.clock.step(0);
    let (token, record) = labelled(&app, Role::ProfileReader).await;
    assert_eq!(last_use(&app, &record).await, None);
    let first = app.clock.peek();
    let instances =
        [app.another(efface_api::event::EventSource::Rest), app.another(efface_api::event::EventSource::Rest)];
    app.db.proxy.take();
    // 58 minutes, each of which finds the caches cold.
    for _ in 0..58 {
        for instance in &instances {
            assert_eq!(app::send(instance, &whoami().token(&token), Via::Rest).await.status, 200);
            assert_eq!(app::send(instance, &whoami().token(&token), Via::Rest).await.status, 200);
        }
        app.clock.advance(60_000);
    }
    assert_eq!(writes_of_tokens(&app.db.proxy.take()), 1);
    assert_eq!(last_use(&app, &record).await, Some(first));
    app.clock.advance(120_000);
    app.db.proxy.take();
    for instance in &instances {
        assert_eq!(app::send(instance, &whoami().token(&token), Via::Rest).await.status, 200);
    }
    assert_eq!(writes_of_tokens(&app.db.proxy.take()), 1, "the next hour");
    assert_eq!(last_use(&app, &record).await, Some(app.clock.peek()));
}

/// A warm cache reads and writes nothing for a token.
#[tokio::test]
async fn a_warm_cache_costs_nothing() {
    let app = TestApp::start_patient().await;
    let (token, _) = labelled(&app, Role::ProfileReader).await;
    app.send_raw(&whoami().token(&token)).await;
    app.db.proxy.take();
    assert_eq!(app.send_raw(&whoami().token(&token)).await.status, 200);
    assert_eq!(app.db.proxy.take().len(), 0);
}

/// A table that takes no writes, or takes its time for them, fails and delays no read.
#[tokio::test]
async fn a_use_that_cannot_be_kept_fails_no_request() {
    let app = TestApp::start().await;
    for fault in [Fault::Throttle, Fault::Refuse, Fault::LoseRequest] {
        let (token, record) = labelled(&app, Role::ProfileReader).await;
        app.db.proxy.plan(move |passed| if passed.operation == "UpdateItem" { fault } else { Fault::None });
        let started = std::time::Instant::now();
        assert_eq!(app.send_raw(&whoami().token(&token)).await.status, 200, "{fault:?}");
        assert!(started.elapsed() < std::time::Duration::from_secs(2), "{fault:?}: {:?}", started.elapsed());
        assert_eq!(last_use(&app, &record).await, None, "{fault:?}");
        app.db.proxy.heal();
        app.clock.advance(31_000);
        assert_eq!(app.send_raw(&whoami().token(&token)).await.status, 200);
        assert!(last_use(&app, &record).await.is_some(), "{fault:?}: it is tried again");
    }
}

/// What opens nothing is not used: a revoked or expired token, and one of another space.
#[tokio::test]
async fn a_token_that_opens_nothing_is_not_used() {
    let app = TestApp::start().await;
    let (token, record) = labelled(&app, Role::ProfileReader).await;
    app.space("spa_other", json!({})).await;
    assert_eq!(app.send_raw(&Req::get("/v1/spaces/spa_other/token").token(&token)).await.status, 401);
    app.db.store.revoke_token(&space(), record.token_id.as_str(), app.clock.peek()).await.unwrap();
    assert_eq!(app.send_raw(&whoami().token(&token)).await.status, 401);
    assert_eq!(last_use(&app, &record).await, None);
}
