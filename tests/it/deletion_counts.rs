//! Deletions by day.

use efface_core::role::Role;
use efface_tests::{Audited, Reply, Req, TestApp, app::SPACE};
use serde_json::{Value, json};

async fn counts(app: &TestApp, query: &str) -> Reply {
    app.send(Req::get(format!("/v1/spaces/{SPACE}/deletions/counts{query}"))).await
}

fn day(day: &str, identifiers: u64, profiles: u64) -> Value {
    json!({ "day": day, "identifiers": identifiers, "profiles": profiles })
}

#[tokio::test]
async fn each_day_has_its_deletions() {
    let mut test = Audited::start().await;
    let app = &test.app;
    app.profile(&["user_id:a", "email:a@x", "anonymous_id:1"]).await;
    app.profile(&["user_id:b", "email:b@x"]).await;
    assert_eq!(app.delete("a", "email:a@x").await.status, 200);
    app.clock.advance(86_400_000);
    assert_eq!(app.delete("a", "anonymous_id:1").await.status, 200);
    assert_eq!(app.send(Req::delete_profile(SPACE, "user_id", "b")).await.status, 200);
    test.log().await;
    let app = &test.app;
    let two = counts(app, "?from=2026-06-01&to=2026-06-03&by=day").await;
    let expected = json!([day("2026-06-01", 1, 0), day("2026-06-02", 3, 1), day("2026-06-03", 0, 0)]);
    assert_eq!((two.status, &two.body["data"]), (200, &expected));
    let default = counts(app, "").await.body["data"].as_array().unwrap().clone();
    assert_eq!((default.len(), &default[29], &default[28]), (30, &expected[1], &expected[0]), "until today");
    assert_eq!(counts(app, "?from=2026-06-02").await.body["data"], json!([expected[1]]));
    app.space("spa_other", json!({})).await;
    let other = app.new_token("spa_other", Role::WorkspaceOwner).await;
    let of_other = app.send_raw(&Req::get("/v1/spaces/spa_other/deletions/counts?from=2026-06-02").token(&other)).await;
    assert_eq!(of_other.body["data"], json!([day("2026-06-02", 0, 0)]), "of its own space alone");
}

#[tokio::test]
async fn what_cannot_be_counted_is_said() {
    let test = Audited::start().await;
    for (query, expected) in [
        ("?from=yesterday", "The query parameter `from` must be a day such as 2026-01-31."),
        ("?to=2026-02-30", "The query parameter `to` must be a day such as 2026-01-31."),
        ("?by=hour", "The query parameter `by` must be `day`."),
        (
            "?from=2026-02-02&to=2026-02-01",
            "The query parameters `from` and `to` must be 1 to 366 days, in this order.",
        ),
        (
            "?from=2025-01-01&to=2026-01-02",
            "The query parameters `from` and `to` must be 1 to 366 days, in this order.",
        ),
    ] {
        assert_eq!(counts(&test.app, query).await.line(), format!("400 bad_request {expected}"), "{query}");
    }
    assert_eq!(counts(&test.app, "?limit=3").await.status, 400, "there are no pages");
    assert_eq!(counts(&test.app, "?from=2025-01-01&to=2026-01-01").await.body["data"].as_array().unwrap().len(), 366);
    assert_eq!(counts(&test.app, "?from=0001-01-01&to=0001-01-02").await.status, 200);
    for (role, status) in [(Role::ProfileReader, 200), (Role::Auditor, 200), (Role::Administrator, 403)] {
        let token = test.app.token(role).to_owned();
        let request = Req::get(format!("/v1/spaces/{SPACE}/deletions/counts")).token(&token);
        assert_eq!(test.app.send_raw(&request).await.status, status, "{role:?}");
    }
    let without = TestApp::start().await;
    assert!(counts(&without, "").await.line().starts_with("409 journal_off"));
}
