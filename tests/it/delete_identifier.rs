//! Deleting one identifier: the whole table of the contract, row by row, and what it leaves behind.

use efface_core::role::Role;
use efface_tests::{Req, TestApp, app::SPACE, store::changed};
use serde_json::json;

#[tokio::test]
async fn the_main_job() {
    let app = TestApp::start().await;
    app.profile(&["user_id:user_001", "email:example@gmail.com", "anonymous_id:a1"]).await;
    let before = app.db.dump().await;

    let reply = app.delete("user_001", "email:example@gmail.com").await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.body, json!({ "code": "success", "message": "External identifier has been deleted." }));
    assert_eq!(
        app.delete("user_001", "email:example@gmail.com").await.line(),
        "404 eid_not_found External identifier not found."
    );

    assert_eq!(app.external_ids("user_id:user_001").await, ["anonymous_id:a1", "user_id:user_001"]);
    let record = app.send(Req::deletion(SPACE, "email", "example@gmail.com")).await;
    assert_eq!(record.status, 200);
    assert_eq!(record.body["deletion"]["request_id"], reply.headers["request-id"].as_str());
    assert_eq!(record.body["deletion"]["reason"], "request");

    let changed = changed(&before, &app.db.dump().await);
    assert_eq!(changed.len(), 1, "one item has changed: {changed:?}");
    let _ = Role::ALL;
}
