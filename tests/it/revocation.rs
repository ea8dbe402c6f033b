//! A revoked token: when it stops, and what becomes of its jobs.

use std::time::Duration;

use efface_api::ENDPOINTS;
use efface_aws::store::job::LiveCursor;
use efface_core::{role::Role, space::SpaceId, token::TokenId};
use efface_engine::access::REMEMBERED_SECONDS;
use efface_tests::{Req, TestApp, app::SPACE};
use serde_json::{Value, json};

/// The longest that a request to the table takes, which may be under way when the time of a request is up.
const ONE_REQUEST: Duration = Duration::from_millis(2_500);

fn space() -> SpaceId {
    SpaceId::parse(SPACE).unwrap()
}

/// A token, and its id.
async fn token(app: &TestApp) -> (String, TokenId) {
    let (token, record) =
        app.db.store.create_token(&space(), Role::WorkspaceOwner, app.clock.peek(), None).await.unwrap();
    (token.expose().to_owned(), record.token_id)
}

async fn revoke(app: &TestApp, token_id: &TokenId) {
    app.db.store.revoke_token(&space(), token_id.as_str(), app.clock.peek()).await.unwrap().unwrap();
}

fn job(rows: &[&str], open: bool) -> Req {
    let body = json!({ "action": "delete_profile", "rows": rows, "open": open });
    Req::post(format!("/v1/spaces/{SPACE}/deletion_jobs"), &body)
}

fn id(reply: &Value) -> String {
    reply["job"]["id"].as_str().unwrap().to_owned()
}

/// A request that came while the token was remembered may take as long as its time limit allows.
#[tokio::test]
async fn nothing_is_accepted_a_minute_after_a_revocation() {
    let remembered = Duration::from_secs(REMEMBERED_SECONDS.try_into().unwrap());
    for endpoint in &ENDPOINTS {
        let latest = remembered + endpoint.spec.time + ONE_REQUEST;
        assert!(latest <= Duration::from_mins(1), "{}: {latest:?}", endpoint.spec.id);
    }
    let app = TestApp::start().await;
    let (token, token_id) = token(&app).await;
    let open = app.send_raw(&job(&[], true).token(&token)).await;
    assert_eq!(open.status, 202, "the token is remembered");
    revoke(&app, &token_id).await;
    app.clock.advance(60_000 - i64::try_from((Duration::from_secs(25) + ONE_REQUEST).as_millis()).unwrap());
    let page = Req::post(
        format!("/v1/spaces/{SPACE}/deletion_jobs/{}/rows", id(&open.body)),
        &json!({ "page": 0, "rows": ["user_id:u"] }),
    );
    for request in [page, job(&["user_id:u"], false)] {
        assert_eq!(app.send_raw(&request.token(&token)).await.status, 401);
    }
}

#[tokio::test]
async fn jobs_of_a_revoked_token_go_on_unless_they_are_cancelled() {
    let app = TestApp::start().await;
    for user in ["user_id:a", "user_id:b", "user_id:c", "user_id:d"] {
        app.profile(&[user]).await;
    }
    let (token, token_id) = token(&app).await;
    let done = id(&app.send_raw(&job(&["user_id:a"], false).token(&token)).await.body);
    app.work().await;
    let goes_on = id(&app.send_raw(&job(&["user_id:b"], false).token(&token)).await.body);
    revoke(&app, &token_id).await;
    app.clock.advance(60_000);
    app.work().await;
    assert_eq!(app.job_summary(&goes_on).await, "completed: 1 deleted");

    // Jobs of the same token that a revocation leaves in other states, and one of another token.
    let (token, token_id) = self::token(&app).await;
    let queued = id(&app.send_raw(&job(&["user_id:c"], false).token(&token)).await.body);
    let open = id(&app.send_raw(&job(&["user_id:c"], true).token(&token)).await.body);
    let others = id(&app.send(job(&["user_id:d"], false)).await.body);
    revoke(&app, &token_id).await;
    let engine = app.engine();
    let cancel_all = async || {
        let (mut cancelled, mut cursor) = (0, Some(LiveCursor::default()));
        while let Some(at) = cursor {
            let (jobs, next) = engine.cancel_jobs_of(&space(), &token_id, at).await.unwrap();
            (cancelled, cursor) = (cancelled + jobs, next);
        }
        cancelled
    };
    assert_eq!(cancel_all().await, 2);
    assert_eq!(cancel_all().await, 0, "it can be repeated");
    app.work().await;
    for (job, expected) in [
        (&done, "completed: 1 deleted"),
        (&queued, "cancelled: 1 remaining"),
        (&open, "cancelled: 1 remaining"),
        (&others, "completed: 1 deleted"),
    ] {
        assert_eq!(app.job_summary(job).await, expected);
    }
    let cancelled = app.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs?state=cancelled"))).await.body;
    assert_eq!((&cancelled["jobs"], &cancelled["remaining"]), (&json!(2), &json!(2)), "they are counted");
}
