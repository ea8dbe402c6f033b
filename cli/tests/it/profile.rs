//! `efface profile delete`: at once, or by a job.

use serde_json::json;

use crate::fake_api::{FakeApi, Fault};

#[tokio::test]
async fn a_receipt_is_shown_and_a_lost_response_is_requested_again() {
    let api = FakeApi::start().await;
    api.fail("DELETE", Fault::Lost);
    let output = api.run(&["profile", "delete", "email:a/b:c", "--yes"]).await.unwrap();
    assert_eq!((output.exit, &output.json["receipt"]["counts"]["external_ids"]), (0, &json!(3)));
    let received = api.state().received.clone();
    assert_eq!(received[0], received[1], "both have the same key");
    assert_eq!(received[0].line, "DELETE /v1/spaces/spa_demo/collections/users/profiles/email:a%2Fb%3Ac");
}

#[tokio::test]
async fn a_large_profile_is_waited_for() {
    let api = FakeApi::start().await;
    api.state().failing = 1;
    let output = api.run(&["profile", "delete", "email:a", "--yes"]).await.unwrap();
    assert_eq!((output.exit, &output.json["job"]["counts"]["failed"]), (1, &json!(1)));
}
