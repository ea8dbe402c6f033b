//! Idempotency keys: a repeat with the same key gets the same success, and an old key never deletes again.

use aws_sdk_dynamodb::types::AttributeValue;
use efface_aws::clock::request_id;
use efface_core::role::Role;
use efface_tests::{Req, TestApp, app::SPACE, matchers::DELETED_AT, store::TABLE};
use serde_json::json;

fn delete(key: &str) -> Req {
    Req::delete(SPACE, "u", "email", "e@x").key(key)
}

async fn app() -> TestApp {
    let app = TestApp::start().await;
    app.profile(&["user_id:u", "email:e@x", "user_id:v"]).await;
    app
}

/// The deleted identifier becomes active again by a later event.
async fn reactivate(app: &TestApp, timestamp: &str) {
    let mut line = efface_tests::app::profile_line(SPACE, &["user_id:u", "email:e@x"]);
    line["timestamp"] = json!(timestamp);
    assert_eq!(app.try_load(&line).await.unwrap().stored, 1);
}

#[tokio::test]
async fn the_same_key_has_the_same_success() {
    let app = app().await;
    let first = app.send(delete("k1")).await;
    let second = app.send(delete("k1")).await;
    assert_eq!((first.status, &first.body), (200, &second.body));
    assert_eq!(app.send(delete("k2")).await.status, 404, "another key is another request");
    let record = app.send(Req::deletion(SPACE, "email", "e@x")).await;
    assert_eq!(record.body["deletion"]["request_id"], first.headers["request-id"].as_str());
}

#[tokio::test]
async fn other_content_under_a_key_is_a_conflict() {
    let app = app().await;
    assert_eq!(app.send(delete("k")).await.status, 200);
    let conflict = "409 idempotency_conflict This Idempotency-Key was used for another request within the last 24 \
                    hours; use a new key.";
    for other in [
        Req::delete(SPACE, "u", "email", "other@x"),
        Req::delete(SPACE, "v", "email", "e@x"),
        Req::delete(SPACE, "nobody", "email", "e@x"),
    ] {
        assert_eq!(app.send(other.key("k")).await.line(), conflict);
    }
    app.clock.advance(24 * 3_600_000);
    assert_eq!(
        app.send(Req::delete(SPACE, "u", "email", "other@x").key("k")).await.status,
        404,
        "after 24 hours the key can be used again"
    );
}

#[tokio::test]
async fn keys_are_visible_ascii() {
    let app = app().await;
    for bad in ["", " ", "a b", "é", &"k".repeat(256)] {
        let reply = app.send(Req::delete(SPACE, "u", "email", "e@x").key(bad)).await;
        assert_eq!(reply.line(), "400 bad_request The Idempotency-Key must be 1 to 255 visible ASCII characters.");
    }
    assert_eq!(app.send(Req::delete(SPACE, "u", "email", "e@x").key(&"~".repeat(255))).await.status, 200);
}

/// Only successes are stored under a key: a 404 is decided again at each repeat.
#[tokio::test]
async fn an_error_is_not_stored_under_the_key() {
    let app = TestApp::start().await;
    assert_eq!(app.send(delete("k")).await.line(), "404 not_found The resource was not found.");
    app.profile(&["user_id:u", "email:e@x"]).await;
    assert_eq!(app.send(delete("k")).await.status, 200);
    assert_eq!(app.send(delete("k")).await.status, 200);
}

#[tokio::test]
async fn an_old_key_does_not_delete_a_reactivated_identifier() {
    let app = app().await;
    assert_eq!(app.send(delete("k1")).await.status, 200);
    reactivate(&app, "2026-06-01T12:30:00Z").await;
    assert_eq!(app.send(delete("k1")).await.status, 200, "the stored success");
    assert_eq!(app.external_ids("user_id:u").await, ["email:e@x", "user_id:u", "user_id:v"]);

    // Deleted with another key and active again: the first key still deletes nothing.
    app.clock.advance(3_600_000);
    assert_eq!(app.send(delete("k2")).await.status, 200);
    reactivate(&app, "2026-06-01T14:00:00Z").await;
    for key in ["k1", "k2"] {
        assert_eq!(app.send(delete(key)).await.status, 200);
        assert_eq!(app.external_ids("user_id:u").await.len(), 3, "{key}");
    }
}

/// An identifier remembers 1,000 requests. It could only forget one that is still repeated, so it stays deleted instead: a
/// deletion is never rejected for it.
#[tokio::test]
async fn an_identifier_with_a_full_memory_stays_deleted() {
    let app = app().await;
    assert_eq!(app.send(delete("k1")).await.status, 200);
    let tombstones = app.db.dump().await;
    let (pk, sk) = tombstones.iter().find(|(_, item)| item.contains_key(DELETED_AT)).unwrap().0;
    let remember = async |requests: Vec<String>| {
        let update = app.db.client.update_item().table_name(TABLE).update_expression("ADD request_ids :requests");
        let update = update.key("pk", AttributeValue::S(pk.clone())).key("sk", AttributeValue::S(sk.clone()));
        update.expression_attribute_values(":requests", AttributeValue::Ss(requests)).send().await.unwrap();
    };
    let now = app.clock.peek();
    remember((0..998).map(|_| request_id(now).to_string()).collect()).await;
    reactivate(&app, "2026-06-01T12:30:00Z").await;
    assert_eq!(app.send(delete("k2")).await.status, 200, "the 1,000th");

    let mut line = efface_tests::app::profile_line(SPACE, &["user_id:u", "email:e@x"]);
    line["timestamp"] = json!("2026-06-01T13:00:00Z");
    let rejected = app.try_load(&line).await.unwrap_err().to_string();
    assert!(rejected.starts_with("external_ids[1]: it was deleted 1000 times within 25 hours"), "{rejected}");
    for key in ["k1", "k2"] {
        assert_eq!(app.send(delete(key)).await.status, 200, "{key}: the same success");
    }
    assert_eq!(app.external_ids("user_id:u").await, ["user_id:u", "user_id:v"]);

    // The first ones are forgotten when no key can repeat them.
    app.clock.advance(25 * 3_600_000);
    assert_eq!(app.try_load(&line).await.unwrap().stored, 1);
    assert_eq!(app.send(delete("k3")).await.status, 200);
}

#[tokio::test]
async fn a_repeat_succeeds_though_its_lookup_was_deleted() {
    let app = app().await;
    assert_eq!(app.send(delete("k")).await.status, 200);
    assert_eq!(app.delete("v", "user_id:u").await.status, 200);
    assert_eq!(app.send(delete("k")).await.status, 200, "the tombstone records the request");
    assert_eq!(app.send(delete("k2")).await.line(), "404 not_found The resource was not found.");
    let user = Req::delete(SPACE, "v", "user_id", "u").key("k3");
    assert_eq!(app.send(user).await.line(), "404 eid_not_found External identifier not found.");
}

#[tokio::test]
async fn a_repeated_deletion_of_a_user_id_succeeds() {
    let app = app().await;
    let request = Req::delete(SPACE, "u", "user_id", "v").key("k");
    assert_eq!(app.send(request.clone()).await.status, 200);
    assert_eq!(app.send(request).await.status, 200);
}

#[tokio::test]
async fn a_key_belongs_to_one_space() {
    let app = app().await;
    app.space("spa_other", json!({ "source": "attached" })).await;
    let token = app.new_token("spa_other", Role::WorkspaceOwner).await;
    assert_eq!(app.send(delete("k")).await.status, 200);
    let other = Req::delete("spa_other", "u", "email", "e@x").key("k").token(&token);
    assert_eq!(app.send_raw(&other).await.line(), "404 not_found The resource was not found.");
}
