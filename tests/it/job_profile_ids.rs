//! Rows that name a profile by its own id, or by an identifier that is no `user_id`; and the end of a profile's deletion.

use aws_sdk_dynamodb::types::AttributeValue;
use efface_tests::{
    Req, TestApp,
    app::{SPACE, profile_line},
    store::{changed, is_profile_item},
};
use serde_json::{Value, json};

/// The own id of the profile that an identifier finds.
async fn id_of(app: &TestApp, identifier: &str) -> String {
    let (id_type, value) = identifier.split_once(':').unwrap();
    let read = app.send(Req::read(SPACE, id_type, value, "metadata")).await;
    read.body["metadata"]["segment_id"].as_str().unwrap_or_else(|| panic!("{}", read.body)).to_owned()
}

async fn merged(app: &TestApp, ids: &[&str], root: &str) {
    let mut line = profile_line(SPACE, ids);
    line["merged_into"] = json!({ "type": "user_id", "id": root });
    app.try_load(&line).await.unwrap();
}

async fn run(app: &TestApp, body: Value) -> Vec<String> {
    let job = app.job(body).await;
    app.work().await;
    assert_eq!(app.job_status(&job).await["state"], "completed");
    app.outcomes(&job, "").await.into_iter().map(|(_, _, outcome)| outcome).collect()
}

/// The attribute of the heads of deleted profiles that says when they were gone, in the order of keys.
async fn gone(app: &TestApp) -> Vec<Option<String>> {
    let heads = app.db.items().await.into_iter().filter(|item| {
        item["sk"].as_s().unwrap() == "H"
            && item["pk"].as_s().unwrap().starts_with("P#")
            && item.contains_key("deleted_at")
    });
    heads.map(|head| head.get("gone_at").and_then(|at| at.as_s().ok()).cloned()).collect()
}

#[tokio::test]
async fn a_row_deletes_the_profile_with_an_id() {
    let app = TestApp::start().await;
    for ids in [&["user_id:a", "email:a@x"][..], &["user_id:b"], &["user_id:c"], &["user_id:d", "email:d@x"]] {
        app.profile(ids).await;
    }
    merged(&app, &["anonymous_id:b"], "b").await;
    let (a, b, d) = (id_of(&app, "user_id:a").await, id_of(&app, "user_id:b").await, id_of(&app, "user_id:d").await);
    // A member of a merged profile, whose only identifier is deleted.
    let items = app.db.items().await;
    let is_member = |key: &str| key.starts_with("P#") && !key.ends_with(&b);
    let member = items.iter().find(|item| {
        item["sk"].as_s().unwrap() == "H"
            && is_member(item["pk"].as_s().unwrap())
            && item.get("root").and_then(|root| root.as_s().ok()) == Some(&b)
    });
    let member = member.unwrap()["profile_id"].as_s().unwrap().clone();
    assert_eq!(app.delete("b", "anonymous_id:b").await.status, 200);
    // A profile without any active identifier.
    assert_eq!(app.delete("d", "email:d@x").await.status, 200);
    let before = app.db.dump().await;
    let none = "use_0123456789abcdef0123456789abcdef";
    let rows = json!([a, "email:a@x", member, b, none, "use_1", format!("segment_id:{d}")]);
    let dry = app.create_job(json!({ "action": "delete_profile", "rows": rows, "dry_run": true })).await;
    assert_eq!((&dry.body["plan"]["profiles"], &dry.body["plan"]["not_found"]), (&json!(3), &json!(1)), "{}", dry.body);
    assert_eq!(changed(&before, &app.db.dump().await).iter().filter(|(pk, _)| is_profile_item(pk)).count(), 0);
    let outcomes = run(&app, json!({ "action": "delete_profile", "rows": rows })).await;
    let mut sorted = outcomes.clone();
    sorted.sort_unstable();
    assert_eq!(sorted.join(" "), "deleted deleted deleted duplicate duplicate invalid not_found", "{outcomes:?}");
    assert_eq!((outcomes[4].as_str(), outcomes[5].as_str(), outcomes[6].as_str()), ("not_found", "invalid", "deleted"));
    for id in ["a", "b", "d"] {
        assert_eq!(app.send(Req::read(SPACE, "user_id", id, "external_ids")).await.status, 404, "{id}");
    }
    assert_eq!(app.external_ids("user_id:c").await, ["user_id:c"]);
    assert_eq!(gone(&app).await.iter().filter(|at| at.is_some()).count(), 3, "each root, and no member");
    let again = run(&app, json!({ "action": "delete_profile", "rows": [a, b] })).await;
    assert_eq!(again, ["not_found", "not_found"]);
}

/// Cut short anywhere, a row by id is completed by the next run, with the same outcome; `gone_at` is there at the end.
#[tokio::test]
async fn a_row_that_is_cut_short_anywhere_is_completed() {
    for by_id in [true, false] {
        for requests in 1..30 {
            let app = TestApp::start().await;
            app.profile(&["user_id:a", "email:a@x"]).await;
            merged(&app, &["anonymous_id:m"], "a").await;
            let row = if by_id { id_of(&app, "user_id:a").await } else { "email:a@x".to_owned() };
            let job = app.job(json!({ "action": "delete_profile", "rows": [row] })).await;
            let worker = app.worker();
            app.deliver(&worker, &app.queue.take()).await;
            let chunks = app.queue.take();
            let died = app.db.proxy.dies_after(requests, true, app.deliver(&worker, &chunks)).await;
            if died {
                app.clock.advance(100_000);
                for message in &chunks {
                    app.queue.put(message);
                }
            }
            app.work().await;
            assert_eq!(app.job_summary(&job).await, "completed: 1 deleted", "{by_id} {requests}");
            let gone = gone(&app).await;
            assert_eq!(gone.iter().filter(|at| at.is_some()).count(), 1, "{by_id} {requests}: {gone:?}");
            let active = app.db.items().await.into_iter().filter(|item| {
                item["pk"].as_s().unwrap().starts_with("I#") && item["state"] == AttributeValue::S("active".to_owned())
            });
            assert_eq!(active.count(), 0, "{by_id} {requests}");
            if !died {
                break;
            }
            assert!(requests < 29, "the row takes fewer requests");
        }
    }
}

/// The receipt of a profile tells when it was gone, after reads stopped finding it.
#[tokio::test]
async fn a_receipt_tells_when_the_profile_was_gone() {
    let app = TestApp::start().await;
    app.profile(&["user_id:a", "email:a@x"]).await;
    let reply = app.send(Req::delete_profile(SPACE, "user_id", "a")).await;
    let receipt = &reply.body["receipt"];
    assert!(receipt["gone_at"].as_str() >= receipt["deleted_at"].as_str(), "{receipt}");
    assert_eq!(gone(&app).await, [receipt["gone_at"].as_str().map(str::to_owned)]);
}

fn identifier(profile: &str, target: &str) -> Value {
    let (id_type, id) = target.split_once(':').unwrap();
    json!({ "profile": profile, "type": id_type, "id": id })
}

#[tokio::test]
async fn identifiers_are_deleted_of_a_profile_that_any_identifier_names() {
    let app = TestApp::start().await;
    app.profile(&["user_id:a", "email:a@x", "email:a2@x", "anonymous_id:a"]).await;
    app.profile(&["user_id:b", "email:b@x"]).await;
    merged(&app, &["email:m@x", "user_id:m"], "a").await;
    let (a, b) = (id_of(&app, "user_id:a").await, id_of(&app, "user_id:b").await);
    let none = "use_0123456789abcdef0123456789abcdef";
    let rows = [
        identifier(&a, "email:a@x"),
        identifier("anonymous_id:a", "email:a2@x"),
        identifier(&a, "email:m@x"),
        identifier(&b, "anonymous_id:a"),
        identifier(none, "email:b@x"),
        identifier("email:nobody", "email:b@x"),
        // A lookup that goes itself: it is no user_id, so nothing depends on it.
        identifier("anonymous_id:a", "anonymous_id:a"),
        identifier(&b, "user_id:nobody"),
    ];
    let dry = app.create_job(json!({ "action": "delete_identifier", "rows": rows, "dry_run": true })).await;
    assert_eq!((&dry.body["plan"]["profiles"], &dry.body["plan"]["not_found"]), (&json!(4), &json!(4)), "{}", dry.body);
    let outcomes = run(&app, json!({ "action": "delete_identifier", "rows": rows })).await;
    let not_found = "not_found";
    let expected = ["deleted", "deleted", "deleted", not_found, not_found, not_found, "deleted", not_found];
    assert_eq!(outcomes, expected);
    assert_eq!(app.external_ids("user_id:a").await, ["user_id:a", "user_id:m"]);
    assert_eq!(app.external_ids("user_id:b").await, ["email:b@x", "user_id:b"]);
}

/// The last `user_id` never goes: the guard is found by the edges of the profile, and is checked with the deletion.
#[tokio::test]
async fn a_profile_keeps_its_last_user_id() {
    let app = TestApp::start().await;
    app.profile(&["user_id:a", "user_id:b", "email:a@x"]).await;
    merged(&app, &["user_id:m"], "a").await;
    let id = id_of(&app, "user_id:a").await;
    let rows = ["a", "b", "m"].map(|user| identifier("email:a@x", &format!("user_id:{user}")));
    let outcomes = run(&app, json!({ "action": "delete_identifier", "rows": rows })).await;
    assert_eq!(outcomes, ["protected"; 3], "a job that deletes all of them deletes none");
    let outcomes = run(&app, json!({ "action": "delete_identifier", "rows": [rows[0], rows[1]] })).await;
    assert_eq!(outcomes, ["deleted", "deleted"], "the third guards them");
    for lookup in [id.as_str(), "email:a@x", "user_id:m"] {
        let outcomes =
            run(&app, json!({ "action": "delete_identifier", "rows": [identifier(lookup, "user_id:m")] })).await;
        assert_eq!(outcomes, ["protected"], "{lookup}");
    }
    assert_eq!(app.external_ids("email:a@x").await, ["email:a@x", "user_id:m"]);
}

/// Jobs that race for the last two `user_id`s of a profile: one stays.
#[tokio::test]
async fn of_the_last_two_user_ids_one_stays() {
    for _ in 0..10 {
        let app = TestApp::start().await;
        app.profile(&["user_id:a", "user_id:b", "email:a@x"]).await;
        for user in ["a", "b"] {
            let row = identifier("email:a@x", &format!("user_id:{user}"));
            app.job(json!({ "action": "delete_identifier", "rows": [row] })).await;
        }
        let (one, other) = (app.worker(), app.worker());
        app.deliver(&one, &app.queue.take()).await;
        let chunks = app.queue.take();
        assert_eq!(chunks.len(), 2);
        tokio::join!(app.deliver(&one, &chunks[..1]), app.deliver(&other, &chunks[1..]));
        app.work().await;
        assert_eq!(app.external_ids("email:a@x").await.len(), 2);
    }
}
