//! Items that no version writes: each is an error that names its kind. None is skipped or read as something else, because
//! what is skipped stays undeleted.

use aws_sdk_dynamodb::types::AttributeValue;
use efface_tests::{
    Req, TestApp,
    app::{SPACE, profile_line},
    log,
    store::{TABLE, active_identifiers},
};
use serde_json::json;

/// Sets an attribute of the one item whose partition key begins with `pk` and whose sort key begins with `sk`.
async fn damage(app: &TestApp, pk: &str, sk: &str, name: &str, value: AttributeValue) {
    let dump = app.db.dump().await;
    let mut keys = dump.keys().filter(|(own_pk, own_sk)| own_pk.starts_with(pk) && own_sk.starts_with(sk));
    let (pk, sk) = keys.next().unwrap();
    assert!(keys.next().is_none(), "one item is to be damaged");
    let update = app.db.client.update_item().table_name(TABLE);
    let update = update.key("pk", AttributeValue::S(pk.clone())).key("sk", AttributeValue::S(sk.clone()));
    let update = update.update_expression("SET #name = :value").expression_attribute_names("#name", name);
    update.expression_attribute_values(":value", value).send().await.unwrap();
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

async fn app() -> TestApp {
    let app = TestApp::start().await;
    app.profile(&["user_id:u", "email:e@x"]).await;
    app
}

const INTERNAL: &str = "500 internal_error Something went wrong on our side. The Request-Id names it in the log.";

#[tokio::test]
async fn an_identifier_is_never_read_with_a_default() {
    for (name, value) in [
        ("profile_id", text("use_damaged")),
        ("state", text("gone")),
        ("created_at", text("yesterday")),
        ("request_ids", AttributeValue::Ss(vec!["damaged".to_owned()])),
    ] {
        let app = TestApp::start().await;
        app.profile(&["user_id:u"]).await;
        damage(&app, "I#", "-", name, value).await;
        assert_eq!(app.delete("u", "email:e@x").await.line(), INTERNAL, "{name}");
        assert_eq!(app.send(Req::read(SPACE, "user_id", "u", "external_ids")).await.line(), INTERNAL, "{name}");
    }
    assert!(log::all().contains("an item cannot be read: identifier"));
}

/// A member that is left out would keep its identifiers.
#[tokio::test]
async fn a_profile_with_an_unreadable_member_is_not_said_to_be_deleted() {
    let app = app().await;
    let mut member = profile_line(SPACE, &["anonymous_id:m"]);
    member["merged_into"] = json!({ "type": "user_id", "id": "u" });
    app.try_load(&member).await.unwrap();
    let dump = app.db.dump().await;
    let (pk, _) = dump.iter().find(|(_, item)| item.contains_key("merged")).unwrap().0.clone();
    damage(&app, &pk, "H", "merged", AttributeValue::Ss(vec!["use_damaged".to_owned()])).await;
    let job = app.job(json!({ "action": "delete_profile", "rows": ["user_id:u"] })).await;
    app.work().await;
    app.reconcile().await;
    app.work().await;
    assert_eq!(app.job_summary(&job).await, "completed: 1 failed");
    assert_eq!(active_identifiers(&app.db.dump().await), 3, "nothing was deleted behind the error");
}

/// One damaged identifier fails its own row, and no other.
#[tokio::test]
async fn one_row_fails_alone() {
    let app = app().await;
    app.profile(&["user_id:v"]).await;
    let space_key = efface_tests::app::master().space_key(&SPACE.parse().unwrap());
    let hash = space_key.identifier(&"email".parse().unwrap(), "e@x");
    damage(&app, &format!("I#{SPACE}#{hash}"), "-", "profile_id", text("use_damaged")).await;
    let job = app.job(json!({ "action": "delete_profile", "rows": ["email:e@x", "user_id:v"] })).await;
    app.work().await;
    app.reconcile().await;
    app.work().await;
    assert_eq!(app.job_summary(&job).await, "completed: 1 deleted, 1 failed");
}

/// A damaged entry in the list of live jobs keeps no other job from being looked after.
#[tokio::test]
async fn a_damaged_list_entry_stops_no_job() {
    let app = app().await;
    let put = app.db.client.put_item().table_name(TABLE);
    put.item("pk", text("N#live#0")).item("sk", text("spa_demo#damaged")).send().await.unwrap();
    let job = app.job(json!({ "action": "delete_profile", "rows": ["user_id:u"] })).await;
    app.work().await;
    let reconciled = app.reconcile().await;
    assert_eq!((reconciled.failed, reconciled.verified), (1, 1));
    assert!(app.job_status(&job).await["verified_at"].is_string());
}
