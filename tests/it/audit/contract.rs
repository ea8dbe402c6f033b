//! The order of errors, other spaces, and deployments without a journal.

use efface_core::role::Role;
use efface_tests::{Audited, Req, TestApp, app::SPACE, audited::receipt_path};
use serde_json::json;

const JOB: &str = "job_00000000232871018101010101010101";
const OFF: &str = "409 journal_off This deployment keeps no audit log: its parameter `Journal` is off.";

/// The path of each endpoint in a space, with a query that it does not know.
fn paths(space: &str) -> Vec<(String, String)> {
    let path = |rest: &str| (format!("/v1/spaces/{space}/{rest}"), format!("/v1/spaces/{space}/{rest}?x=1"));
    vec![
        path("log/checkpoint"),
        path("log/key"),
        path("log/tile/0/000"),
        path("log/tile/entries/x001/000.p/7"),
        path("receipts/email:e"),
        path(&format!("deletion_jobs/{JOB}/receipt")),
        path(&format!("deletion_jobs/{JOB}/receipts")),
        path("audit_events"),
    ]
}

#[tokio::test]
async fn errors_come_in_the_contracts_order() {
    let app = TestApp::start().await;
    let reader = app.token(Role::ProfileReader).to_owned();
    for (path, unknown) in paths(SPACE) {
        let get = |path: &str| Req::get(path);
        let post = app.send_raw(&Req::post(&path, &json!({}))).await;
        assert_eq!((post.status, post.headers["allow"].as_str()), (405, "GET"), "{path}");
        assert_eq!(app.send_raw(&get(&unknown)).await.status, 401, "{path}");
        assert_eq!(app.send_raw(&get(&unknown).token(&reader)).await.status, 400, "{path}");
        let forbidden = app.send_raw(&get(&path).token(&reader)).await;
        assert_eq!(forbidden.line(), "403 forbidden The token's role may not read the audit log.", "{path}");
        for role in Role::ALL {
            let reply = app.send_raw(&get(&path).token(app.token(role))).await;
            let may = [Role::WorkspaceOwner, Role::PrivacyAdmin, Role::Auditor].contains(&role);
            assert_eq!(reply.line(), if may { OFF.to_owned() } else { forbidden.line() }, "{role} {path}");
        }
    }
    let empty = app.send(Req::get("/v1/spaces//log/checkpoint")).await;
    assert_eq!(empty.line(), "400 bad_request Missing required parameters in URL.");
    app.db.proxy.take();
    for (path, _) in paths(SPACE) {
        app.send(Req::get(path)).await;
    }
    assert!(app.db.proxy.take().is_empty(), "nothing is read where there is no journal");
}

#[tokio::test]
async fn values_are_checked() {
    let test = Audited::start().await;
    let long = "x".repeat(2_049);
    for (path, text) in [
        ("receipts/email", "Missing required parameters in URL."),
        ("receipts/:e", "Missing required parameters in URL."),
        ("receipts/email:%ff", "not valid UTF-8"),
        (&format!("receipts/email:{long}"), "at most 2048 bytes"),
        ("receipts/email:e?index=-1", "`index` must be the number of an entry"),
        ("receipts/email:e?index=", "`index` must be the number of an entry"),
        ("receipts/email:e?index=1&index=2", "sent more than once"),
        ("receipts/email:e?f", "Percent-encode the value"),
        ("audit_events?from=yesterday", "`from`: a time must be RFC 3339"),
        ("audit_events?from=2026-01-02T00:00:00Z&to=2026-01-02T00:00:00Z", "`to` must be a later time"),
        ("audit_events?event=removed", "`event` must be the name of an event"),
        ("audit_events?token_id=x", "`token_id` must be the id of a token"),
        ("audit_events?job_id=x", "`job_id` must be the id of a job"),
        ("audit_events?request_id=x", "`request_id` must be the id of a request"),
        ("audit_events?segment_id=a%20b", "`segment_id` must be the id of a segment"),
        ("audit_events?identifier=email", "must not be empty"),
        ("audit_events?limit=101", "`limit` must be"),
        ("audit_events?next=x", "`next` is not one"),
        ("deletion_jobs/x/receipts?next=x", "`next` is not one"),
    ] {
        let reply = test.app.send(Req::get(format!("/v1/spaces/{SPACE}/{path}"))).await;
        assert!(reply.status == 400 && reply.line().contains(text), "{path}: {}", reply.line());
    }
    for path in [JOB, "x", "%ff"] {
        for list in ["receipt", "receipts"] {
            let reply = test.app.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs/{path}/{list}"))).await;
            assert_eq!(reply.line(), "404 not_found Job was not found.", "{path}");
        }
    }
}

/// What one space knows changes no response of another one.
#[tokio::test]
async fn no_space_tells_of_another_one() {
    let mut test = Audited::start().await;
    test.app.space("spa_other", json!({ "source": "attached" })).await;
    let other = test.app.new_token("spa_other", Role::WorkspaceOwner).await;
    test.app.profile(&["user_id:u", "email:mine"]).await;
    let job = json!({ "action": "delete_identifier", "rows": [{ "user_id": "u", "type": "email", "id": "mine" }] });
    let job = test.app.job(job).await;
    test.app.work().await;
    test.follow().await;
    test.publish_space(SPACE).await;
    let mine = test.get_receipt("email:mine", "").await;
    assert_eq!(mine.status, 200, "{}", mine.line());
    let get = async |path: String| test.app.send_raw(&Req::get(path).token(&other)).await;
    for (path, _) in paths(SPACE) {
        assert_eq!(get(path).await.status, 401);
    }
    assert_eq!(get(receipt_path("spa_other", "email:mine")).await.line(), "404 not_found Receipt was not found.");
    let nobody = get(receipt_path("spa_other", "email:nobody")).await;
    assert_eq!(get(receipt_path("spa_other", "email:mine")).await.body, nobody.body);
    assert_eq!(get(receipt_path("spa_other", "email:mine") + "?index=0").await.body, nobody.body);
    assert_eq!(get(receipt_path("spa_other", "nothing:mine")).await.body, nobody.body);
    for file in ["log/checkpoint", "log/key", "log/tile/0/000.p/1"] {
        let reply = get(format!("/v1/spaces/spa_other/{file}")).await;
        assert_eq!(reply.line(), "404 not_found The log of this space has nothing under this name.", "{file}");
    }
    for query in [format!("?job_id={job}"), "?identifier=email:mine".to_owned()] {
        let reply = get(format!("/v1/spaces/spa_other/audit_events{query}")).await;
        assert_eq!(reply.body["data"], json!([]), "{}", reply.line());
        assert_eq!(reply.body["log"], json!({ "size": 0, "root": null }));
    }
    for list in ["receipt", "receipts"] {
        let reply = get(format!("/v1/spaces/spa_other/deletion_jobs/{job}/{list}")).await;
        assert_eq!(reply.line(), "404 not_found Job was not found.");
    }
}
