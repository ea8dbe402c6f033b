//! Deleting one identifier: its effect, and that nothing else changes.

use std::sync::atomic::{AtomicUsize, Ordering};

use efface_tests::{Req, TestApp, app::SPACE, store::changed};
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::json;

#[tokio::test]
async fn a_deletion_leaves_a_tombstone_and_changes_nothing_else() {
    let app = TestApp::start().await;
    app.profile(&["user_id:user_001", "email:example@gmail.com", "anonymous_id:a1"]).await;
    let before = app.db.dump().await;

    let reply = app.delete("user_001", "email:example@gmail.com").await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.body, json!({ "code": "success", "message": "External identifier has been deleted." }));
    let again = app.delete("user_001", "email:example@gmail.com").await;
    assert_eq!(again.line(), "404 eid_not_found External identifier not found.");

    assert_eq!(app.external_ids("user_id:user_001").await, ["anonymous_id:a1", "user_id:user_001"]);
    let record = app.send(Req::deletion(SPACE, "email", "example@gmail.com")).await;
    let deletion = &record.body["deletion"];
    assert_eq!(record.status, 200);
    assert_eq!(deletion["request_id"], reply.headers["request-id"].as_str());
    assert_eq!((&deletion["type"], &deletion["status"]), (&json!("email"), &json!("deleted")));
    assert_eq!((&deletion["reason"], &deletion["job_id"]), (&json!("request"), &json!(null)));

    let after = app.db.dump().await;
    let changed = changed(&before, &after);
    assert_eq!(changed.len(), 1, "exactly the tombstone has changed: {changed:?}");
    let tombstone = format!("{:?}", after[&changed[0]]);
    assert!(!tombstone.contains("example@gmail.com"), "the value is gone: {tombstone}");
}

#[tokio::test]
async fn a_user_id_is_deleted_only_while_another_stays_active() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u1", "user_id:u2", "user_id:u3"]).await;
    assert_eq!(app.delete("u1", "user_id:u2").await.status, 200);
    assert_eq!(app.delete("u2", "user_id:u3").await.line(), "404 not_found The resource was not found.");
    assert_eq!(app.delete("u1", "user_id:u2").await.line(), "404 eid_not_found External identifier not found.");
    assert_eq!(app.delete("u3", "user_id:u1").await.status, 200);
    assert_eq!(app.external_ids("user_id:u3").await, ["user_id:u3"]);
}

#[tokio::test]
async fn another_profiles_identifier_is_not_found() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u1", "email:one@x"]).await;
    app.profile(&["user_id:u2", "email:two@x"]).await;
    let before = app.db.dump().await;
    for target in ["email:two@x", "user_id:u2", "email:nobody@x"] {
        assert_eq!(app.delete("u1", target).await.line(), "404 eid_not_found External identifier not found.");
    }
    assert_eq!(changed(&before, &app.db.dump().await), []);
}

#[tokio::test]
async fn values_are_normalised_as_the_space_configures() {
    let app = TestApp::start().await;
    app.space(SPACE, json!({ "identifier_types": [{ "name": "phone", "normalisation": "lowercase" }] })).await;
    app.profile(&["user_id:U1", "phone:+1-800-Flowers", "email:Upper@x"]).await;
    assert_eq!(app.delete("u1", "email:Upper@x").await.status, 404, "user_id is compared byte for byte");
    assert_eq!(app.delete("U1", "email:upper@x").await.status, 404, "so is email");
    assert_eq!(app.delete("U1", "phone:+1-800-FLOWERS").await.status, 200, "phone is compared in lower case");
}

#[tokio::test]
async fn a_deletion_does_not_affect_other_spaces() {
    let app = TestApp::start().await;
    app.space("spa_other", json!({ "source": "attached" })).await;
    app.profile(&["user_id:u", "email:e@x"]).await;
    app.try_load(&efface_tests::app::profile_line("spa_other", &["user_id:u", "email:e@x"])).await.unwrap();
    let before = app.db.dump().await;
    assert_eq!(app.delete("u", "email:e@x").await.status, 200);
    let other: Vec<_> =
        changed(&before, &app.db.dump().await).into_iter().filter(|(pk, _)| pk.contains("spa_other")).collect();
    assert_eq!(other, []);
}

/// An identifier of any Unicode text can be deleted, and nothing else changes.
#[test]
fn any_value_is_deleted_and_nothing_else() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let app = runtime.block_on(TestApp::start());
    let counter = AtomicUsize::new(0);
    let value = prop_oneof![
        "\\PC{1,40}",
        "[:/?#%+ \"'\\\\{}<>&=;,.@\u{0}\n\r\t]{1,20}",
        proptest::collection::vec(any::<char>(), 1..30).prop_map(|chars| chars.into_iter().collect::<String>()),
        "(\u{5e9}|\u{202e}|\u{1f980}|\u{301}|e){1,12}",
        Just("x".repeat(2_048)),
        Just("é".repeat(1_024)),
        Just("..".to_owned()),
        Just("%2F%3F".to_owned()),
        Just("a/external_ids/delete".to_owned()),
    ];
    let mut runner = TestRunner::new(ProptestConfig { cases: 120, ..ProptestConfig::default() });
    runner
        .run(&(value.clone(), value), |(user, email)| {
            let number = counter.fetch_add(1, Ordering::SeqCst);
            // The number keeps the cases apart: no two profiles may have the same identifier.
            let user: String = format!("{number}{user}").chars().scan(0, cap).collect();
            let email: String = format!("{number}{email}").chars().scan(0, cap).collect();
            runtime.block_on(async {
                app.profile(&[&format!("user_id:{user}"), &format!("email:{email}"), &format!("ios.id:{number}")])
                    .await;
                let before = app.db.dump().await;
                let reply = app.send(Req::delete(SPACE, &user, "email", &email)).await;
                prop_assert_eq!(reply.line(), "200 success");
                prop_assert_eq!(changed(&before, &app.db.dump().await).len(), 1);
                let mut left = [format!("ios.id:{number}"), format!("user_id:{user}")];
                left.sort();
                prop_assert_eq!(app.external_ids(&format!("ios.id:{number}")).await, left);
                prop_assert_eq!(app.send(Req::deletion(SPACE, "email", &email)).await.status, 200);
                Ok(())
            })
        })
        .unwrap();
}

/// Ends a value at 2,048 bytes, the longest that is allowed, between characters.
fn cap(bytes: &mut usize, c: char) -> Option<char> {
    *bytes += c.len_utf8();
    (*bytes <= 2_048).then_some(c)
}
