//! The settings of spaces: changed by administrators, and by the first deletion.

use aws_sdk_dynamodb::types::AttributeValue;
use efface_aws::store::space::SpaceChangeError;
use efface_core::space::{SourceState, SpaceChange, SpaceId};
use efface_tests::{TestApp, app::SPACE, store::TABLE};
use futures::future::join_all;
use serde_json::json;

fn change(change: serde_json::Value) -> SpaceChange {
    serde_json::from_value(change).unwrap()
}

/// A field that a later version adds has a default, and items that lack it can be changed as any other.
#[tokio::test]
async fn a_space_that_was_stored_without_a_field_can_be_changed() {
    let app = TestApp::start().await;
    let space = SpaceId::parse(SPACE).unwrap();
    let with_default = ["version", "reactor_instances", "jobs_per_second", "identifier_types", "version"];
    for (number, field) in with_default.into_iter().enumerate() {
        let update = app.db.client.update_item().table_name(TABLE);
        let update = update.key("pk", AttributeValue::S(format!("S#{SPACE}"))).key("sk", AttributeValue::S("-".into()));
        update.update_expression(format!("REMOVE {field}")).send().await.unwrap();
        let limit = u32::try_from(number).unwrap() + 1;
        let change = change(json!({ "deletions_per_second": limit }));
        let changed = app.db.store.update_space(&space, &change, app.clock.peek()).await;
        assert_eq!(changed.unwrap().deletions_per_second, limit, "{field}");
        let stored = app.db.store.space(&space).await.unwrap().unwrap();
        assert_eq!((stored.deletions_per_second, stored.activated), (limit, true), "{field}");
    }
}

/// A change is made to what was read, or not at all.
#[tokio::test]
async fn simultaneous_changes_of_a_space_lose_nothing() {
    let app = TestApp::start().await;
    app.space("spa_new", json!({})).await;
    let (space, store) = (SpaceId::parse("spa_new").unwrap(), &app.db.store);
    let names: Vec<_> = (0..8).map(|i| change(json!({ "identifier_types": [format!("type_{i}")] }))).collect();
    let (before, token, now) =
        (store.space(&space).await.unwrap().unwrap(), "tok_1".parse().unwrap(), app.clock.peek());
    let (changed, source) = futures::join!(
        join_all(names.iter().map(|change| store.update_space(&space, change, now))),
        store.attach_source(&space, &before, &token, now),
    );
    let stored = store.space(&space).await.unwrap().unwrap();
    assert_eq!(stored.source.map(|source| source.id), Some(source.unwrap().id));
    let mut done = 2;
    for (i, changed) in changed.into_iter().enumerate() {
        match changed {
            Ok(_) => {
                done += 1;
                assert!(stored.identifier_types.find(&format!("type_{i}")).is_some(), "change {i} was lost");
            }
            Err(error) => assert!(matches!(error, SpaceChangeError::Raced(_)), "{error}"),
        }
    }
    assert_eq!(stored.version, done, "its creation, its source and each change are counted once");
}

/// The first request that may delete makes the source, also where it is about a job.
#[tokio::test]
async fn the_first_job_of_a_space_attaches_its_source() {
    let app = TestApp::start().await;
    app.space("spa_new", json!({})).await;
    let token = app.new_token("spa_new", efface_core::role::Role::PrivacyAdmin).await;
    let path = "/v1/spaces/spa_new/deletion_jobs";
    let body = json!({ "action": "delete_profile", "open": true });
    let create = efface_tests::Req::post(path, &body).token(&token);
    assert_eq!(app.send_raw(&create).await.status, 202);
    let stored = app.db.store.space(&SpaceId::parse("spa_new").unwrap()).await.unwrap().unwrap();
    assert_eq!(stored.source.map(|source| source.state), Some(SourceState::Attached));
}

/// The journal tells each change of a space, when it was and by which token. An operator has none.
#[tokio::test]
async fn each_version_of_a_space_bears_its_time_and_its_token() {
    let app = TestApp::start().await;
    let id = SpaceId::parse("spa_new").unwrap();
    app.space("spa_new", json!({})).await;
    let stored = async || app.db.store.space(&id).await.unwrap().unwrap();
    let made = stored().await;
    assert_eq!((made.changed_at, &made.changed_by), (Some(made.created_at), &None));
    let token = app.new_token("spa_new", efface_core::role::Role::WorkspaceOwner).await;
    // The clock stands still: each version bears a later time even so.
    app.clock.step(0);
    let delete = efface_tests::Req::delete("spa_new", "u", "email", "e").token(&token);
    assert_eq!(app.send_raw(&delete).await.status, 404);
    let attached = stored().await;
    assert!(attached.version == 2 && attached.changed_at > made.changed_at, "{attached:?}");
    assert!(attached.changed_by.is_some(), "the token of the first deletion");
    app.space("spa_new", json!({ "jobs_per_second": 7 })).await;
    let changed = stored().await;
    assert!(changed.version == 3 && changed.changed_at > attached.changed_at, "{changed:?}");
    assert_eq!(changed.changed_by, None, "the token of another change does not stay");
    app.space("spa_new", json!({ "jobs_per_second": 7 })).await;
    assert_eq!(stored().await, changed, "what changes nothing is no version");
}

/// The function keeps a space's settings for a while: what it knows may be older than the space's last change, which
/// another machine made, with a clock that is ahead.
#[tokio::test]
async fn a_source_is_attached_in_a_version_later_than_the_last_one() {
    let app = TestApp::start().await;
    app.space("spa_new", json!({})).await;
    let (space, store) = (SpaceId::parse("spa_new").unwrap(), &app.db.store);
    let known = store.space(&space).await.unwrap().unwrap();
    let (now, token) = (app.clock.peek(), "tok_1".parse().unwrap());
    let limit = change(json!({ "jobs_per_second": 7 }));
    let changed = store.update_space(&space, &limit, now.plus_seconds(9)).await.unwrap();
    let source = store.attach_source(&space, &known, &token, now).await.unwrap();
    let attached = store.space(&space).await.unwrap().unwrap();
    assert!(attached.changed_at > changed.changed_at, "{attached:?}");
    assert_eq!((attached.source, attached.version), (Some(source), 3));
    assert_eq!((attached.changed_by, attached.jobs_per_second), (Some(token), 7));
}
