//! Why rows find nothing: never there, or deleted before; and which of the two things that a row names is missing.

use efface_tests::{Req, TestApp, app::SPACE};
use serde_json::{Value, json};

/// The outcomes of a job, as the API lists them.
async fn listed(app: &TestApp, job: &str) -> Vec<Value> {
    let reply = app.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/outcomes"))).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.body["data"].as_array().unwrap().clone()
}

/// Runs a job; its outcomes.
async fn run(app: &TestApp, body: Value) -> (String, Vec<Value>) {
    let job = app.job(body).await;
    app.work().await;
    let outcomes = listed(app, &job).await;
    (job, outcomes)
}

fn codes(outcomes: &[Value]) -> Vec<&str> {
    assert!(outcomes.iter().all(|row| row["outcome"] == "not_found"), "{outcomes:?}");
    outcomes.iter().map(|row| row["code"].as_str().unwrap()).collect()
}

fn profiles(rows: &[&str]) -> Value {
    json!({ "action": "delete_profile", "rows": rows })
}

#[tokio::test]
async fn a_row_that_finds_nothing_says_who_deleted_it_before() {
    let app = TestApp::start().await;
    app.profile(&["user_id:a", "email:a@x"]).await;
    app.profile(&["user_id:b", "email:b@x"]).await;
    let own_id = app.send(Req::read(SPACE, "user_id", "a", "metadata")).await.body["metadata"]["segment_id"].clone();
    let (first, _) = run(&app, profiles(&["user_id:a"])).await;
    assert_eq!(app.delete("b", "email:b@x").await.status, 200);
    let record = app.send(Req::deletion(SPACE, "email", "b@x")).await.body["deletion"].clone();
    app.clock.advance(60_000);
    let (job, outcomes) =
        run(&app, profiles(&["email:a@x", "email:b@x", "email:never@x", own_id.as_str().unwrap()])).await;
    assert_eq!(codes(&outcomes), ["deleted_before", "deleted_before", "not_found", "deleted_before"]);
    for at in [0, 3] {
        assert_eq!(outcomes[at]["earlier_deletion"]["job_id"], first.as_str(), "{}", outcomes[at]);
        assert!(outcomes[at]["message"].as_str().unwrap().contains(&first), "{}", outcomes[at]);
    }
    let earlier = json!({ "deleted_at": record["deleted_at"], "request_id": record["request_id"], "job_id": null });
    assert_eq!(outcomes[1]["earlier_deletion"], earlier);
    assert!(outcomes[2].get("earlier_deletion").is_none());
    // The same in CSV, where a message stays one cell.
    let path = format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/outcomes");
    let reply = app.send(Req::get(path).header("accept", "text/csv")).await;
    let text = reply.body.as_str().unwrap().to_owned();
    assert!(text.contains("0,1,not_found,deleted_before,\"It was deleted before, at "), "{text}");
    // A dry run says the same.
    let dry =
        app.create_job(json!({ "action": "delete_profile", "rows": ["email:a@x", "email:never@x"], "dry_run": true }));
    let dry = dry.await.body["job"]["id"].as_str().unwrap().to_owned();
    assert_eq!(codes(&listed(&app, &dry).await), ["deleted_before", "not_found"]);
}

#[tokio::test]
async fn a_row_of_an_identifier_says_which_is_missing() {
    let app = TestApp::start().await;
    for ids in [&["user_id:a", "email:a@x"][..], &["user_id:b", "email:b@x"], &["user_id:gone"]] {
        app.profile(ids).await;
    }
    assert_eq!(app.delete("a", "email:a@x").await.status, 200);
    run(&app, profiles(&["user_id:gone"])).await;
    app.clock.advance(60_000);
    let row = |user_id: &str, id: &str| json!({ "user_id": user_id, "type": "email", "id": id });
    let rows = [row("never", "b@x"), row("gone", "b@x"), row("a", "a@x"), row("a", "never@x"), row("a", "b@x")];
    let (_, outcomes) = run(&app, json!({ "action": "delete_identifier", "rows": rows })).await;
    let expected = ["profile_not_found", "profile_deleted_before", "deleted_before", "eid_not_found", "eid_not_found"];
    assert_eq!(codes(&outcomes), expected);
    assert_eq!(app.external_ids("user_id:b").await, ["email:b@x", "user_id:b"]);
}

/// What happens after the row is no reason for its outcome.
#[tokio::test]
async fn what_was_deleted_since_was_not_deleted_before() {
    let app = TestApp::start().await;
    let (job, outcomes) = run(&app, profiles(&["user_id:later"])).await;
    assert_eq!(codes(&outcomes), ["not_found"]);
    app.clock.advance(60_000);
    app.profile(&["user_id:later"]).await;
    run(&app, profiles(&["user_id:later"])).await;
    assert_eq!(codes(&listed(&app, &job).await), ["not_found"]);
}

/// A page of the list takes the rows of its chunk and one batch of identifiers more, however many rows there are.
#[tokio::test]
async fn the_reasons_of_a_page_are_two_requests() {
    let app = TestApp::start_patient().await;
    app.clock.step(0);
    app.profile(&["user_id:there"]).await;
    let rows: Vec<String> = (0..100).map(|i| format!("user_id:u{i}")).collect();
    let job = app.job(json!({ "action": "delete_profile", "rows": rows })).await;
    app.work().await;
    let path = format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/outcomes?limit=100");
    assert_eq!(app.send(Req::get(&path)).await.body["data"].as_array().unwrap().len(), 100);
    let (_, with) = app.db.proxy.cost(app.send(Req::get(&path))).await;
    let (one, _) = run(&app, profiles(&["user_id:there"])).await;
    let path = format!("/v1/spaces/{SPACE}/deletion_jobs/{one}/outcomes?limit=100");
    let (_, without) = app.db.proxy.cost(app.send(Req::get(path))).await;
    assert_eq!(with.requests, without.requests + 2);
}
