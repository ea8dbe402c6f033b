//! `efface profile delete`: at once, or by a job.

use serde_json::json;

use crate::{
    efface,
    fake_api::{FakeApi, Fault},
};

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

#[tokio::test]
async fn the_identifier_can_come_from_standard_input() {
    let api = FakeApi::start().await;
    let run = efface(&["profile", "delete", "-", "--yes"], api.settings(), "email:a/b:c\r\n").await;
    assert_eq!(run.status.code(), Some(0), "{run:?}");
    let line = "DELETE /v1/spaces/spa_demo/collections/users/profiles/email:a%2Fb%3Ac";
    assert_eq!(api.state().received.iter().map(|received| received.line.as_str()).collect::<Vec<_>>(), [line]);
    // The question could not be answered, and of two lines none is deleted.
    for (line, stdin) in
        [(&["profile", "delete", "-"][..], "email:a\n"), (&["profile", "delete", "-", "--yes"], "email:a\nemail:b\n")]
    {
        let run = efface(line, api.settings(), stdin).await;
        assert_eq!(run.status.code(), Some(2), "{run:?}");
        assert!(!String::from_utf8_lossy(&run.stdout).contains("email:"), "{run:?}");
    }
    assert_eq!(api.state().received.len(), 1);
}
