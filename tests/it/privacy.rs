//! No log line and no queue message holds a raw identifier or a token, whatever the request and whatever fails.

use base64::{Engine, engine::general_purpose::STANDARD};
use efface_core::role::Role;
use efface_tests::{Req, TestApp, app::SPACE, faults::Fault, log};
use serde_json::json;

/// A value that is sent in every part of a request and must not be logged.
const CANARY: &str = "c4n4ry-person@example.org";

/// One long test, because the log is searched once, after everything that could write to it.
#[tokio::test]
async fn nothing_personal_is_logged() {
    let app = TestApp::start().await;
    app.profile(&[&format!("user_id:{CANARY}"), &format!("email:{CANARY}"), "user_id:u2"]).await;
    let path = format!("/v1/spaces/{SPACE}/collections/{CANARY}/profiles/{CANARY}:{CANARY}/external_ids/delete");
    let requests = [
        Req::delete(SPACE, CANARY, "email", CANARY).key(CANARY),
        Req::delete(SPACE, CANARY, "email", CANARY).key(CANARY),
        Req::delete(SPACE, CANARY, "email", "other").key(CANARY),
        Req::delete(SPACE, CANARY, "user_id", "u2"),
        Req::delete(CANARY, CANARY, "email", CANARY),
        Req::post(path, &json!({ CANARY: CANARY })),
        Req::post(format!("/{CANARY}?{CANARY}={CANARY}"), &json!(CANARY)),
        Req::read(SPACE, "email", CANARY, &format!("external_ids?next={CANARY}&{CANARY}=1")),
        Req::read(SPACE, "user_id", CANARY, "external_ids"),
        Req::read(SPACE, "user_id", CANARY, "traits"),
        Req::deletion(SPACE, "email", CANARY),
        Req::get("/health").method(CANARY),
        Req::delete(SPACE, CANARY, "email", CANARY).header("Content-Type", CANARY),
        Req::delete(SPACE, CANARY, "email", CANARY).header("Content-Encoding", CANARY),
    ];
    for fault in [Fault::None, Fault::Throttle, Fault::ServerError, Fault::LoseReply] {
        app.clock.advance(60_000);
        app.db.proxy.plan(move |_| fault);
        for request in &requests {
            app.send(request.clone()).await;
            app.send_raw(&request.clone().header("Authorization", CANARY)).await;
            app.clock.advance(500);
        }
    }
    app.db.proxy.heal();
    jobs(&app).await;
    let panicked = std::panic::catch_unwind(|| {
        std::panic::panic_any(CANARY.to_owned());
    });
    assert!(panicked.is_err());
    let logged = log::all();
    assert!(
        logged.contains("\"status\":200") && logged.contains("\"status\":503"),
        "successes and failures were logged"
    );
    assert!(logged.contains("panic") && logged.contains("privacy.rs"), "a panic is logged with its source file");
    assert!(!logged.contains("c4n4ry"), "personal data in the log");
    for role in Role::ALL {
        assert!(!logged.contains(app.token(role)), "a token in the log");
    }
    let encoded = percent_encoding::utf8_percent_encode(CANARY, percent_encoding::NON_ALPHANUMERIC).to_string();
    assert!(!logged.contains(&encoded));
    let basic = STANDARD.encode(format!("{}:", app.token(Role::WorkspaceOwner)));
    assert!(!logged.contains(&basic), "an encoded token in the log");
}

/// A group's label is a client's text. Only the heads of its jobs hold it: not the keys of lists and counters, nor what
/// stays of what its jobs deleted.
#[tokio::test]
async fn only_the_head_of_a_job_holds_its_label() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u", "email:e@x"]).await;
    let row = json!({ "user_id": "u", "type": "email", "id": "e@x" });
    app.job(json!({ "action": "delete_identifier", "rows": [row], "group": CANARY })).await;
    let job = app.job(json!({ "action": "delete_profile", "rows": ["user_id:u"], "group": CANARY })).await;
    app.work().await;
    assert_eq!(app.job_status(&job).await["group"], CANARY);
    let list = app.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs?group={CANARY}"))).await;
    assert_eq!(list.body["jobs"], 2, "{}", list.body);
    for ((pk, sk), item) in app.db.dump().await {
        let is_head = pk.starts_with("J#") && sk == "H";
        let text = format!("{pk} {sk} {item:?}");
        assert!(is_head || !text.contains("c4n4ry"), "{text}");
    }
}

/// The same for jobs: rows, keys, headers and queries, processed by the worker and the reconciler. Queue messages hold no
/// row either.
async fn jobs(app: &TestApp) {
    let rows = [format!("email:{CANARY}"), format!("{CANARY}:x"), CANARY.to_owned(), format!("user_id:{CANARY}")];
    let page = |body: &serde_json::Value| {
        Req::post("/internal/bulk-delete-internal", body).header("x-reactor-instance-name", "demo")
    };
    app.send(page(&json!(rows))).await;
    app.send(page(&json!(rows)).header("x-deletion-group", CANARY)).await;
    app.send(page(&json!(rows)).header("x-reactor-instance-name", CANARY)).await;
    app.send(page(&json!({ CANARY: CANARY })).key(CANARY)).await;
    app.create_job(json!({ "action": "delete_profile", "rows": rows, "dry_run": true })).await;
    app.create_job(json!({ "action": "delete_profile", "rows": rows, CANARY: CANARY })).await;
    app.create_job(json!({ "action": CANARY, "rows": rows })).await;
    let row = json!({ "user_id": CANARY, "type": "email", "id": CANARY });
    app.create_job(json!({ "action": "delete_identifier", "rows": [row, CANARY] })).await;
    app.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs?group={CANARY}&state={CANARY}"))).await;
    app.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs/{CANARY}"))).await;
    app.send(Req::delete_profile(SPACE, "email", CANARY)).await;
    app.queue.put(CANARY);
    app.db.proxy.plan(|passed| if passed.operation == "UpdateItem" { Fault::ServerError } else { Fault::None });
    app.work().await;
    app.db.proxy.heal();
    app.reconcile().await;
    app.work().await;
    assert!(app.queue.sent().len() > 3 && !app.queue.sent().concat().contains("c4n4ry"), "a row in a message");
}
