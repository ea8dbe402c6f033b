//! Waiting for a job, or for the jobs of a group.

use aws_sdk_dynamodb::types::AttributeValue;
use efface_core::role::Role;
use efface_tests::{Reply, Req, TestApp, app::SPACE, store::TABLE};
use serde_json::{Value, json};

async fn app() -> TestApp {
    let app = TestApp::start().await;
    for i in 0..6 {
        app.profile(&[&format!("user_id:u{i}")]).await;
    }
    app
}

async fn wait_for(app: &TestApp, job: &str, more: &str) -> Reply {
    app.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs/{job}?until=settled{more}"))).await
}

async fn wait_for_group(app: &TestApp, more: &str) -> Reply {
    app.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs?group=run&until=settled{more}"))).await
}

fn delete(rows: &[&str]) -> Value {
    json!({ "action": "delete_profile", "rows": rows, "group": "run" })
}

#[tokio::test]
async fn a_client_waits_for_a_job() {
    let app = app().await;
    let job = app.job(delete(&["user_id:u0", "user_id:none", "junk"])).await;
    let reply = wait_for(&app, &job, "").await;
    assert_eq!(reply.line(), "408 not_settled The job is queued: 1 of 3 rows have an outcome.");
    assert_eq!((reply.headers["retry-after"].as_str(), reply.headers["cache-control"].as_str()), ("5", "no-store"));
    assert_eq!((&reply.body["job"]["id"], &reply.body["job"]["remaining"]), (&json!(job), &json!(2)));
    app.work().await;
    let reply = wait_for(&app, &job, "&require=none_failed").await;
    assert_eq!((reply.status, &reply.body["job"]["counts"]["deleted"]), (200, &json!(1)));
    assert_eq!(reply.body["job"]["verdict"], "partial", "a row cannot be read");
    let cancelled = app.job(json!({ "action": "delete_profile", "open": true })).await;
    app.control(&cancelled, "cancel").await;
    assert_eq!(wait_for(&app, &cancelled, "").await.status, 200);
    let reply = wait_for(&app, &cancelled, "&require=none_failed").await;
    assert_eq!((reply.status, &reply.body["error"]["code"]), (409, &json!("rows_failed")));
    assert_eq!(reply.body["job"]["state"], "cancelled");
    assert_eq!(wait_for(&app, "job_019b76da1e7b7000a1b2c3d4e5f60718", "").await.status, 404);
}

#[tokio::test]
async fn a_client_waits_for_a_group() {
    let app = app().await;
    let reply = wait_for_group(&app, "").await;
    assert_eq!(reply.line(), "404 not_found Job was not found.");
    app.job(delete(&["user_id:u0"])).await;
    app.work().await;
    let second = app.job(delete(&["user_id:u1", "user_id:u2"])).await;
    let reply = wait_for_group(&app, "").await;
    assert_eq!(reply.line(), "408 not_settled Not final: 1 of 2 jobs; 1 of 3 rows have an outcome.");
    assert_eq!((&reply.body["counts"]["deleted"], &reply.body["rows"]), (&json!(1), &json!(3)));
    assert_eq!((&reply.body["jobs"], &reply.body["remaining"]), (&json!(2), &json!(2)));
    app.work().await;
    let reply = wait_for_group(&app, "&require=none_failed").await;
    assert_eq!((reply.status, &reply.body["counts"]["deleted"]), (200, &json!(3)), "{}", reply.body);
    let reply = wait_for_group(&app, "&rows=4").await;
    assert_eq!(reply.line(), "408 not_settled The jobs of the group have 3 rows of 4 so far.");
    assert_eq!(wait_for_group(&app, "&rows=3").await.status, 200);
    // Every state that is not final is waited for, and each final one counts.
    app.job(json!({ "action": "delete_profile", "open": true, "group": "run" })).await;
    let open = app.job(json!({ "action": "delete_profile", "open": true, "group": "run" })).await;
    assert_eq!(wait_for_group(&app, "").await.status, 408);
    app.control(&open, "cancel").await;
    let reply = wait_for_group(&app, "").await;
    assert_eq!(reply.line(), "408 not_settled Not final: 1 of 4 jobs; 3 of 3 rows have an outcome.");
    let list = app.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs?group=run&state=open"))).await;
    app.control(list.body["data"][0]["id"].as_str().unwrap(), "start").await;
    assert_eq!(wait_for_group(&app, "").await.status, 200);
    let reply = wait_for_group(&app, "&require=none_failed").await;
    assert_eq!(
        reply.line(),
        "409 rows_failed Failed rows: 0; cancelled jobs: 1. The outcomes of the jobs name failed rows."
    );
    assert_eq!(app.job_status(&second).await["state"], "completed");
}

/// Rows that fail are told where none may.
#[tokio::test]
async fn failed_rows_are_told() {
    let app = app().await;
    let job = app.job(delete(&["user_id:u0", "user_id:u1"])).await;
    // An item that cannot be read: its row fails.
    let items = app.db.items().await;
    let item = items.iter().find(|item| item.get("value") == Some(&AttributeValue::S("u0".to_owned()))).unwrap();
    let update =
        app.db.client.update_item().table_name(TABLE).key("pk", item["pk"].clone()).key("sk", item["sk"].clone());
    let update = update.update_expression("SET created_at = :bad");
    update.expression_attribute_values(":bad", AttributeValue::S("x".to_owned())).send().await.unwrap();
    app.work().await;
    for _ in 0..3 {
        app.clock.advance(200_000);
        app.reconcile().await;
        app.work().await;
    }
    assert_eq!(app.job_summary(&job).await, "completed: 1 deleted, 1 failed");
    assert_eq!(wait_for_group(&app, "").await.status, 200);
    for reply in
        [wait_for_group(&app, "&require=none_failed").await, wait_for(&app, &job, "&require=none_failed").await]
    {
        assert_eq!((reply.status, &reply.body["error"]["code"]), (409, &json!("rows_failed")), "{}", reply.body);
    }
}

#[tokio::test]
async fn a_job_that_waits_for_an_approval_is_named() {
    let app = app().await;
    app.space(SPACE, json!({ "approval_over": 1 })).await;
    app.clock.advance(31_000);
    app.job(delete(&["user_id:u0"])).await;
    let job = app.job(delete(&["user_id:u1"])).await;
    let expected = format!("408 not_settled The job {job} waits for its approval by another token.");
    assert_eq!(wait_for(&app, &job, "").await.line(), expected);
    assert_eq!(wait_for_group(&app, "").await.line(), expected);
    app.work().await;
    assert_eq!(wait_for_group(&app, "").await.line(), expected);
    app.control(&job, "cancel").await;
    assert_eq!(wait_for_group(&app, "").await.status, 200);
}

/// A dry run deletes nothing and is in no sums, but it is waited for.
#[tokio::test]
async fn dry_runs_are_waited_for() {
    let app = app().await;
    let dry =
        json!({ "action": "delete_profile", "dry_run": true, "open": true, "group": "run", "rows": ["user_id:u0"] });
    let job = app.create_job(dry).await.body["job"]["id"].as_str().unwrap().to_owned();
    assert_eq!(wait_for_group(&app, "").await.status, 408);
    app.control(&job, "start").await;
    app.work().await;
    let reply = wait_for_group(&app, "").await;
    assert_eq!((reply.status, &reply.body["jobs"]), (200, &json!(0)));
}

#[tokio::test]
async fn parameters_of_waiting_are_checked() {
    let app = app().await;
    let job = app.job(json!({ "action": "delete_profile", "open": true, "group": "run" })).await;
    app.control(&job, "cancel").await;
    for (query, field) in [
        ("until=done", "`until`"),
        ("until=settled&require=all", "`require`"),
        ("require=none_failed", "`require`"),
        ("until=settled&until=settled", "`until`"),
    ] {
        for path in [format!("deletion_jobs/{job}?{query}"), format!("deletion_jobs?group=run&{query}")] {
            let reply = app.send(Req::get(format!("/v1/spaces/{SPACE}/{path}"))).await;
            assert_eq!(reply.status, 400, "{path}");
            assert!(reply.line().contains(field), "{path}: {}", reply.line());
        }
    }
    for query in [
        "until=settled",
        "group=run&until=settled&limit=5",
        "group=run&until=settled&state=open",
        "group=run&until=settled&rows=-1",
        "group=run&rows=1",
    ] {
        let reply = app.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs?{query}"))).await;
        assert_eq!(reply.status, 400, "{query}");
    }
    let reply = app.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs/{job}?until=settled&rows=1"))).await;
    assert_eq!(reply.status, 400);
    // Whoever made a job may wait for it; a group is a list.
    let token = app.token(Role::IdentityAdmin).to_owned();
    let list = Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs?group=run&until=settled")).token(&token);
    assert_eq!(app.send_raw(&list).await.status, 403);
}
