//! No emulator checks permissions, so a right that is missing would show on AWS first. Here what a function was seen to
//! do is compared with what its role allows.

use std::collections::BTreeSet;

use efface_tests::{Req, TestApp, app::SPACE, rights::needed, wire::Passed};
use serde_json::json;

use crate::template;

/// Fails where a role of the template would refuse one of the requests.
pub(crate) fn assert_allows(role: &str, passed: &[Passed]) {
    let refused: Vec<String> = needed(passed).difference(&granted(role)).cloned().collect();
    assert!(refused.is_empty(), "{role} would refuse {}", refused.join(", "));
}

/// Each action of a role with each kind of items that it is for.
fn granted(role: &str) -> BTreeSet<String> {
    let statements = template::rights(&template::template(), role, "store");
    let pairs = statements.iter().flat_map(|statement| {
        let (actions, kinds) = statement.split_once(" on ").unwrap();
        actions.split(' ').flat_map(move |action| kinds.split(' ').map(move |kind| format!("{action} on {kind}")))
    });
    pairs.collect()
}

#[tokio::test]
async fn the_api_does_what_its_role_allows() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u", "user_id:v", "email:e", "email:f"]).await;
    let mut leaf = efface_tests::app::profile_line(SPACE, &["user_id:leaf", "email:leaf"]);
    leaf["merged_into"] = json!({ "type": "user_id", "id": "u" });
    app.try_load(&leaf).await.unwrap();
    // A space that has never deleted has no source yet.
    app.space("spa_new", json!({})).await;
    let mut line = efface_tests::app::profile_line("spa_new", &["user_id:n", "email:n"]);
    line["traits"] = json!({ "plan": "pro" });
    app.try_load(&line).await.unwrap();
    let token = app.new_token("spa_new", efface_core::role::Role::WorkspaceOwner).await;
    app.db.wire.take();
    app.db.store.verify_key(&efface_tests::app::master()).await.unwrap();
    for target in ["email:e", "user_id:v", "email:leaf", "email:nobody"] {
        app.delete("u", target).await;
    }
    app.send(Req::delete(SPACE, "u", "email", "f").key("k")).await;
    app.send_raw(&Req::delete("spa_new", "n", "email", "n").token(&token)).await;
    for list in ["external_ids", "traits", "metadata"] {
        app.send(Req::read(SPACE, "user_id", "u", list)).await;
    }
    app.send(Req::get(format!("/v1/spaces/{SPACE}/deletions/email:e"))).await;
    let passed = app.db.wire.take();
    let seen = needed(&passed);
    for right in ["dynamodb:UpdateItem on S#*", "dynamodb:ConditionCheckItem on I#*", "dynamodb:PutItem on K#*"] {
        assert!(seen.contains(right), "{right} was not tried: {seen:?}");
    }
    assert_allows("ApiRole", &passed);
}
