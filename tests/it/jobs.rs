//! Jobs from the posted page to their outcomes and counts.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use efface_core::{
    job::{Outcome, chunk::Outcomes, finding::FindingsDigest},
    journal::derive,
    space::SpaceId,
};
use efface_tests::{
    Req, TestApp,
    app::{SPACE, profile_line},
    jobs::summary,
    store::{changed, is_profile_item},
};
use serde_json::{Value, json};

/// Loads `n` profiles, each with a `user_id`, an email, a segment and traits.
async fn profiles(app: &TestApp, n: usize) {
    for i in 0..n {
        let mut line = profile_line(SPACE, &[&format!("user_id:u{i}"), &format!("email:e{i}@x")]);
        line["segments"] = json!(["seg_vip"]);
        line["traits"] = json!({ "plan": "pro" });
        app.try_load(&line).await.unwrap();
    }
}

fn rows(rows: &[&str]) -> Value {
    json!({ "action": "delete_profile", "rows": rows })
}

#[tokio::test]
async fn each_row_has_its_outcome() {
    let app = TestApp::start().await;
    profiles(&app, 3).await;
    let before = app.db.dump().await;
    let job = app
        .job(rows(&["user_id:u0", "email:e1@x", "email:e0@x", "user_id:nobody", "user_id:nobody", "junk", "shoe:1"]))
        .await;
    assert_eq!(app.job_summary(&job).await, "queued: 2 invalid, 5 remaining");
    app.work().await;
    let status = app.job_status(&job).await;
    assert_eq!(summary(&status), "completed: 2 deleted, 1 duplicate, 2 not_found, 2 invalid");
    assert!(status["started_at"].is_string() && status["finished_at"].is_string());
    let outcomes: Vec<String> = app.outcomes(&job, "").await.into_iter().map(|(_, _, outcome)| outcome).collect();
    assert_eq!(
        outcomes[1..],
        ["deleted", "duplicate", "not_found", "not_found", "invalid", "invalid"].map(|o| {
            // Rows 0 and 2 name one profile: either of them may be the one that deletes it.
            if o == "duplicate" && outcomes[0] == "duplicate" { "deleted" } else { o }.to_owned()
        })
    );
    // Two profiles are deleted completely, and the third is unchanged.
    for gone in ["user_id:u0", "email:e0@x", "user_id:u1"] {
        let (id_type, value) = gone.split_once(':').unwrap();
        for what in ["external_ids", "traits", "metadata"] {
            assert_eq!(app.send(Req::read(SPACE, id_type, value, what)).await.status, 404, "{gone} {what}");
        }
        let record = app.send(Req::deletion(SPACE, id_type, value)).await;
        assert_eq!(record.body["deletion"]["reason"], "job", "{}", record.body);
        assert_eq!(record.body["deletion"]["job_id"], job.as_str());
    }
    assert_eq!(app.external_ids("user_id:u2").await, ["email:e2@x", "user_id:u2"]);
    let after = app.db.dump().await;
    let touched = changed(&before, &after);
    let profile_items = touched.iter().filter(|(pk, _)| is_profile_item(pk)).count();
    // For each profile: a head, two identifiers, the traits, a membership and its edge.
    assert_eq!(profile_items, 12, "{touched:?}");
    let text = format!("{after:?}");
    for raw in ["u0\"", "e0@x", "u1\"", "e1@x", "nobody", "junk"] {
        assert!(!text.contains(raw), "{raw} is still in the table");
    }
}

#[tokio::test]
async fn repeated_rows_delete_nothing() {
    let app = TestApp::start().await;
    profiles(&app, 2).await;
    app.job(rows(&["user_id:u0", "user_id:u1"])).await;
    app.work().await;
    let before = app.db.dump().await;
    let again = app.job(rows(&["user_id:u0", "user_id:u1"])).await;
    app.work().await;
    assert_eq!(app.job_summary(&again).await, "completed: 2 not_found");
    let touched = changed(&before, &app.db.dump().await);
    assert!(touched.iter().all(|(pk, _)| !is_profile_item(pk)), "{touched:?}");
}

#[tokio::test]
async fn the_bulk_endpoint_takes_a_page() {
    let app = TestApp::start().await;
    profiles(&app, 3).await;
    let page = |body: &str| {
        let mut request = Req::post("/internal/bulk-delete-internal", &Value::Null);
        request.body = body.as_bytes().to_vec();
        request.header("x-reactor-instance-name", "demo").header("x-deletion-group", "run-1")
    };
    let body = r#"{"column_names":["_col0"],"column_types":["varchar"],"data":[["user_id:u0"],["email:e1@x"],["x"]]}"#;
    let reply = app.send(page(body)).await;
    assert_eq!(reply.status, 202, "{}", reply.body);
    assert_eq!((&reply.body["accepted"], &reply.body["rejected_total"]), (&json!(2), &json!(1)));
    assert_eq!(reply.body["rejected"][0]["row"], 2);
    // The client's retry is the same job. So is a page of the same rows in another format, if all rows are valid.
    let again = app.send(page(body)).await;
    assert_eq!(again.body, reply.body);
    let other = app.send(page("user_id:u2\nuser_id:u0\n")).await;
    assert_ne!(other.body["job_id"], reply.body["job_id"]);
    let same = app.send(page(r#"{"rows":["user_id:u2","user_id:u0"]}"#)).await;
    assert_eq!(same.body["job_id"], other.body["job_id"]);
    app.work().await;
    let list = app.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs?group=run-1"))).await;
    assert_eq!(list.body["data"].as_array().unwrap().len(), 2);
    let expected = json!({ "deleted": 3, "duplicate": 1, "not_found": 0, "invalid": 1, "protected": 0, "failed": 0,
        "changed": 0 });
    assert_eq!(list.body["counts"], expected, "within a group a profile is deleted once");
    let mut wrong = page("user_id:u2");
    wrong.headers.retain(|(name, _)| name != "x-reactor-instance-name");
    assert_eq!(app.send(wrong.clone()).await.status, 404);
    let reply = app.send(wrong.header("x-reactor-instance-name", "other")).await;
    assert_eq!(reply.body["error"]["code"], "instance_not_found");
}

#[tokio::test]
async fn a_single_request_deletes_a_profile() {
    let app = TestApp::start().await;
    profiles(&app, 2).await;
    let mut merged = profile_line(SPACE, &["anonymous_id:a"]);
    merged["merged_into"] = json!({ "type": "user_id", "id": "u0" });
    app.try_load(&merged).await.unwrap();
    let request = Req::delete_profile(SPACE, "anonymous_id", "a").key("k");
    let reply = app.send(request.clone()).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let receipt = &reply.body["receipt"];
    assert_eq!(receipt["counts"], json!({ "external_ids": 3, "memberships": 1, "merges": 1, "traits": 1 }));
    assert_eq!(app.send(Req::read(SPACE, "user_id", "u0", "external_ids")).await.status, 404);
    let again = app.send(request).await;
    assert_eq!(again.body, reply.body, "the same key gets the same receipt");
    let new = app.send(Req::delete_profile(SPACE, "anonymous_id", "a")).await;
    assert_eq!(new.line(), "404 not_found Profile was not found.");
    assert_eq!(app.external_ids("user_id:u1").await.len(), 2);
}

/// The digest of a job's outcomes, made from the list that a client gets.
async fn digest_of_outcomes(app: &TestApp, job: &str) -> FindingsDigest {
    let outcomes = app.outcomes(job, "").await;
    let mut pages: Vec<u64> = outcomes.iter().map(|(page, _, _)| *page).collect();
    pages.dedup();
    pages.into_iter().fold(FindingsDigest::default(), |digest, page| {
        let of_page = outcomes.iter().filter(|(of, _, _)| *of == page);
        let numbers: Vec<u8> = of_page.map(|(_, _, outcome)| outcome.parse::<Outcome>().unwrap() as u8).collect();
        let packed: Vec<u8> = numbers.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).unwrap_or(&0)).collect();
        digest.with_outcomes(u32::try_from(page).unwrap(), [&Outcomes::from_bytes(&packed, numbers.len()).unwrap()])
    })
}

/// Once a job is verified, its head tells its rows, their outcomes and a digest of these, which whoever has the list of
/// outcomes can make again. A scan over several runs makes the same; so does one that a version without the digest
/// began.
#[tokio::test]
async fn a_verified_job_tells_its_rows_and_the_digest_of_its_outcomes() {
    let app = TestApp::start().await;
    profiles(&app, 3).await;
    let space = SpaceId::parse(SPACE).unwrap();
    let job = app.job(json!({ "action": "delete_profile", "open": true })).await;
    let add = async |page: u32, rows: Value| {
        let path = format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/rows");
        assert_eq!(app.send(Req::post(path, &json!({ "page": page, "rows": rows }))).await.status, 202);
    };
    add(0, json!(["user_id:u0", "email:e0@x", "junk"])).await;
    for page in 1..=110 {
        add(page, json!([format!("email:none{page}")])).await;
    }
    add(500, json!(["user_id:u1"])).await;
    app.control(&job, "start").await;
    app.work().await;
    let head = async || app.db.store.job(&space, job.parse().unwrap()).await.unwrap().unwrap().head;
    let completed = head().await;
    assert_eq!((completed.rows, completed.digest, completed.verified_at), (Some(114), None, None));
    // The scan stops with the time of its run.
    let scanned = loop {
        app.reconcile_within(Duration::ZERO).await;
        if let Some(item) = app.db.items().await.into_iter().find(|item| item.contains_key("scan")) {
            break item;
        }
    };
    assert_eq!(head().await.verified_at, None);
    // As a version left it that made no digest.
    let mut older = scanned.clone();
    let scan = older.get_mut("scan").unwrap();
    let AttributeValue::M(scan) = scan else { panic!("no map") };
    assert!(scan.remove("outcomes").is_some());
    app.db.put(&[older]).await;
    for _ in 0..9 {
        app.reconcile().await;
    }
    let verified = head().await;
    assert!(verified.verified_at.is_some());
    let expected = digest_of_outcomes(&app, &job).await;
    assert_eq!((verified.rows, verified.digest), (Some(114), Some(expected)));
    // The journal's final entry of the job.
    let events = derive::job::of_head(&verified).unwrap();
    let last = events.last().unwrap();
    assert_eq!((last.id.kind.as_str(), last.facts.digest), ("job.verified", Some(expected)));
    let count = |name: &str| last.facts.counts.iter().find(|(word, _)| word.as_str() == name).map(|(_, rows)| *rows);
    assert_eq!((count("rows"), count("deleted"), count("not_found")), (Some(114), Some(2), Some(110)));
    // A digest is no plan.
    assert_eq!(app.job_status(&job).await["plan"], Value::Null);
}

#[tokio::test]
async fn a_cancelled_job_tells_its_rows() {
    let app = TestApp::start().await;
    app.leave_messages();
    let job = app.job(rows(&["user_id:u0", "junk"])).await;
    app.control(&job, "cancel").await;
    app.reconcile().await;
    let space = SpaceId::parse(SPACE).unwrap();
    let head = app.db.store.job(&space, job.parse().unwrap()).await.unwrap().unwrap().head;
    assert_eq!((head.rows, head.digest), (Some(2), None));
    let last = derive::job::of_head(&head).unwrap().pop().unwrap();
    let counts: Vec<_> = last.facts.counts.iter().map(|(word, rows)| (word.as_str(), *rows)).collect();
    assert!(counts.contains(&("rows", 2)) && counts.contains(&("invalid", 1)), "{counts:?}");
}
