//! The `ETag` of a job: who looks often reads it once, until it changes.

use efface_tests::{Reply, Req, TestApp, app::SPACE};
use serde_json::json;

async fn get(app: &TestApp, job: &str, known: Option<&str>) -> Reply {
    let request = Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs/{job}"));
    app.send(known.into_iter().fold(request, |request, known| request.header("If-None-Match", known))).await
}

#[tokio::test]
async fn a_job_that_is_as_it_was_is_not_sent_again() {
    let app = TestApp::start().await;
    app.profile(&["user_id:a"]).await;
    let job = app.job(json!({ "action": "delete_profile", "rows": ["user_id:a"] })).await;
    let first = get(&app, &job, None).await;
    let etag = first.headers["etag"].clone();
    assert!(etag.starts_with('"') && etag.ends_with('"'), "{etag}");
    for known in [etag.clone(), format!("W/{etag}"), format!("\"x\", {etag}"), "*".to_owned()] {
        let again = get(&app, &job, Some(&known)).await;
        assert_eq!((again.status, &again.body, &again.headers["etag"]), (304, &json!(""), &etag), "{known}");
        assert_eq!(again.headers["cache-control"], "no-store");
    }
    app.work().await;
    let changed = get(&app, &job, Some(&etag)).await;
    assert_eq!((changed.status, &changed.body["job"]["state"]), (200, &json!("completed")));
    assert_ne!(changed.headers["etag"], etag);
    let waiting = Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs/{job}?until=settled"));
    assert_eq!(app.send(waiting).await.headers.get("etag"), None);
    assert_eq!(
        get(&app, "job_019b76da1e7b7000a1b2c3d4e5f60718", Some(&etag)).await.status,
        404,
        "it is looked for first"
    );
}
