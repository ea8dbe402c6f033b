//! What the endpoints cost in requests and units, as `docs/architecture.md` states it, and what they add to others.

use efface_core::role::Role;
use efface_tests::{
    Audited, Req,
    app::SPACE,
    audited::receipt_path,
    fault_proxy::Cost,
    rights::{accesses, needed},
};
use serde_json::json;

use crate::iam::Policy;

/// Requests to the table, requests to the journal with their read units, and requests to the log's buckets.
type Spent = (usize, usize, f64, usize);

async fn measure(test: &Audited, path: String) -> Spent {
    let token = test.app.token(Role::Auditor).to_owned();
    test.app.db.proxy.take();
    test.objects.take();
    let (reply, Cost { requests, reads, writes, .. }) =
        test.journal.proxy.cost(test.app.send_raw(&Req::get(&path).token(&token))).await;
    assert_eq!((reply.status, writes), (200, 0.0), "{path}: {}", reply.line());
    (test.app.db.proxy.take().len(), requests, reads, test.objects.take().len())
}

/// An app with a deletion and a job, published, whose caches hold the token and the space.
async fn warm() -> (Audited, String) {
    let mut test = Audited::start().await;
    test.app.profile(&["user_id:u", "email:e", "email:f"]).await;
    test.app.delete("u", "email:e").await;
    let rows = json!([{ "user_id": "u", "type": "email", "id": "f" }]);
    let job = test.app.job(json!({ "action": "delete_identifier", "rows": rows })).await;
    test.app.work().await;
    test.log().await;
    measure(&test, format!("/v1/spaces/{SPACE}/token")).await;
    (test, job)
}

#[tokio::test]
async fn reads_of_the_log() {
    let (test, job) = warm().await;
    let path = |rest: &str| format!("/v1/spaces/{SPACE}/{rest}");
    // The first read of the record looks at the log, the next ones remember how far that was.
    let record = path("deletions/email:e");
    assert_eq!(measure(&test, record.clone()).await, (1, 1, 1.0, 2), "the record of a deletion, in the log");
    assert_eq!(measure(&test, record).await, (1, 1, 1.0, 0), "the same again");
    // Checkpoint, keys, bundle and the tile of level 0.
    assert_eq!(measure(&test, receipt_path(SPACE, "email:e")).await, (1, 2, 2.0, 4), "a receipt");
    assert_eq!(measure(&test, receipt_path(SPACE, "email:e") + "?index=4").await, (0, 1, 1.0, 4), "by its index");
    assert_eq!(measure(&test, path(&format!("deletion_jobs/{job}/receipt"))).await, (1, 2, 2.0, 4), "of a job");
    assert_eq!(measure(&test, path(&format!("deletion_jobs/{job}/receipts"))).await, (1, 2, 2.0, 4), "of its rows");
    for (query, expected) in [
        ("", (0, 2, 2.0, 0)),
        ("?event=identifier.removed", (0, 2, 2.0, 0)),
        ("?from=2026-01-01T00:00:00Z", (0, 3, 3.0, 0)),
        ("?identifier=email:e", (0, 3, 3.0, 0)),
        (&*format!("?job_id={job}"), (0, 2, 2.0, 0)),
    ] {
        assert_eq!(measure(&test, path(&format!("audit_events{query}"))).await, expected, "{query}");
    }
    assert_eq!(measure(&test, path("log/checkpoint")).await, (0, 0, 0.0, 2), "the checkpoint and the keys");
    assert_eq!(measure(&test, path("log/key")).await, (0, 0, 0.0, 1), "the keys");
    assert_eq!(measure(&test, path("log/tile/entries/000.p/9")).await.1, 0);
}

/// Deletions are what they were: neither journal nor log is asked.
#[tokio::test]
async fn deletions_do_not_wait_for_the_log() {
    let (test, _) = warm().await;
    test.app.profile(&["user_id:v", "user_id:w", "email:v"]).await;
    let token = test.app.token(Role::WorkspaceOwner).to_owned();
    test.app.send(Req::get(format!("/v1/spaces/{SPACE}/token"))).await;
    test.journal.proxy.take();
    test.objects.take();
    let delete = Req::delete(SPACE, "v", "email", "v").token(&token);
    let (reply, spent) = test.app.db.proxy.cost(test.app.send_raw(&delete)).await;
    assert_eq!((reply.status, spent.round_trips, spent.writes, spent.reads), (200, 2, 2.0, 1.0));
    assert_eq!(test.app.send(Req::delete_profile(SPACE, "user_id", "w")).await.status, 200);
    assert!(test.journal.proxy.take().is_empty() && test.objects.take().is_empty());
}

/// What the function's role must allow: reads of these kinds of the journal's items, and of the log's files.
#[tokio::test]
async fn the_endpoints_only_read() {
    let (test, job) = warm().await;
    let entries = test.app.send(Req::get(format!("/v1/spaces/{SPACE}/audit_events"))).await;
    let request = entries.body["data"].as_array().unwrap().iter().find_map(|entry| entry["request_id"].as_str());
    test.journal.proxy.take();
    test.objects.take();
    for path in [
        "deletions/email:e".to_owned(),
        "receipts/email:e".to_owned(),
        "receipts/email:e?index=4".to_owned(),
        format!("deletion_jobs/{job}/receipt"),
        format!("deletion_jobs/{job}/receipts"),
        "audit_events".to_owned(),
        "audit_events?from=2026-01-01T00:00:00Z".to_owned(),
        "audit_events?identifier=email:e".to_owned(),
        format!("audit_events?job_id={job}"),
        format!("audit_events?request_id={}", request.unwrap()),
        "log/checkpoint".to_owned(),
        "log/key".to_owned(),
        "log/tile/0/000.p/9".to_owned(),
    ] {
        let reply = test.app.send(Req::get(format!("/v1/spaces/{SPACE}/{path}"))).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.line());
    }
    let (passed, policy) = (test.journal.proxy.take(), Policy::of("ApiRole", "journal"));
    let denied: Vec<String> =
        accesses(&passed).iter().filter(|access| !policy.allows(access)).map(ToString::to_string).collect();
    assert!(denied.is_empty(), "{denied:#?}");
    assert_eq!(needed(&passed), policy.rights());
    assert!(test.objects.take().iter().all(|request| request.method == "GET"));
}
