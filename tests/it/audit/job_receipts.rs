//! The receipts of jobs: for their end, and for all that they deleted.

use std::collections::BTreeMap;

use efface_core::log::receipt::Receipt;
use efface_tests::{Audited, Reply, Req, app::SPACE};
use serde_json::{Value, json};

const LATE: &str = "409 not_logged_yet It is not in the log yet; ask again after as many seconds as Retry-After says.";

fn path(job: &str, rest: &str) -> String {
    format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/{rest}")
}

/// An app with so many people, all of which is captured and published.
async fn people(count: usize) -> Audited {
    let mut test = Audited::start().await;
    for at in 0..count {
        test.app.profile(&[&format!("user_id:u{at}"), &format!("email:e{at}"), &format!("anonymous_id:a{at}")]).await;
    }
    test.log().await;
    test
}

fn row(user: &str, id: &str) -> Value {
    json!({ "user_id": user, "type": "email", "id": id })
}

/// The lines of a page, and the path of the next one.
fn page(reply: &Reply) -> (Vec<Value>, Option<String>) {
    assert_eq!(reply.status, 200, "{}", reply.line());
    assert_eq!(reply.headers["content-type"], "application/x-ndjson");
    // A single line is JSON of its own.
    let text = reply.body.as_str().map_or_else(|| reply.body.to_string(), str::to_owned);
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let next = reply
        .headers
        .get("link")
        .map(|link| link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned());
    (lines, next)
}

/// All receipts of a job, read in pages of so many.
async fn receipts(test: &Audited, job: &str, limit: usize) -> Vec<Value> {
    let (mut all, mut next) = (Vec::new(), Some(path(job, &format!("receipts?limit={limit}"))));
    while let Some(path) = next {
        let (lines, more) = page(&test.app.send(Req::get(path)).await);
        assert!(lines.len() <= limit, "{}", lines.len());
        assert!(!lines.is_empty() || more.is_none(), "only the last page may be empty");
        all.extend(lines);
        next = more;
    }
    all
}

#[tokio::test]
async fn the_receipts_of_a_job_add_up_with_its_outcomes() {
    let mut test = people(130).await;
    let rows: Vec<Value> = (0..130).map(|at| row(&format!("u{at}"), &format!("e{at}"))).collect();
    let rows = [rows, vec![row("u0", "e0"), row("u1", "nobody"), json!({ "user_id": "x" })]].concat();
    let job = test.app.job(json!({ "action": "delete_identifier", "rows": rows })).await;
    assert_eq!(
        test.app.send(Req::get(path(&job, "receipt"))).await.line(),
        "404 not_found The job is not over: there is a receipt once it is."
    );
    assert_eq!(receipts(&test, &job, 100).await, [] as [Value; 0], "it is not over, and nothing is there so far");
    test.app.work().await;
    test.app.clock.advance(600_000);
    test.app.reconcile().await;
    assert_eq!(test.app.job_summary(&job).await, "completed: 130 deleted, 1 duplicate, 1 not_found, 1 invalid");
    for list in ["receipt", "receipts"] {
        assert_eq!(test.app.send(Req::get(path(&job, list))).await.line(), LATE, "{list}");
    }
    test.log().await;
    let end = test.app.send(Req::get(path(&job, "receipt"))).await;
    let (_, event) = test.verify(end.body.as_str().unwrap(), None).await.unwrap();
    let leaf: Receipt = end.body.as_str().unwrap().parse().unwrap();
    let leaf: Value = serde_json::from_str(leaf.leaf.as_str()).unwrap();
    let status = test.app.job_status(&job).await;
    assert_eq!(event, if status["verified_at"].is_null() { "job.completed" } else { "job.verified" });
    for count in ["deleted", "duplicate", "not_found", "invalid"] {
        assert_eq!(leaf["counts"][count], status["counts"][count], "{count}");
    }
    assert_eq!((&leaf["counts"]["rows"], &leaf["job_id"]), (&json!(133), &json!(job)));
    let outcomes: BTreeMap<(u64, u64), String> =
        test.app.outcomes(&job, "").await.into_iter().map(|(page, row, outcome)| ((page, row), outcome)).collect();
    for limit in [7, 100] {
        let listed = receipts(&test, &job, limit).await;
        let number = |line: &Value, name: &str| line[name].as_u64().unwrap();
        assert!(listed.is_sorted_by_key(|line| number(line, "index")));
        let rows: BTreeMap<(u64, u64), &Value> =
            listed.iter().map(|line| ((number(line, "page"), number(line, "row")), line)).collect();
        assert_eq!((rows.len(), listed.len()), (130, 130));
        for ((page, row), line) in rows {
            assert_eq!(outcomes[&(page, row)], "deleted");
            assert_eq!(line["id_type"], "email");
            let identifier = format!("email:e{row}");
            let proved = test.verify(line["receipt"].as_str().unwrap(), Some(&identifier)).await.unwrap();
            assert_eq!(proved, (number(line, "index"), "identifier.removed".to_owned()));
        }
    }
}

#[tokio::test]
async fn a_list_goes_on_where_it_ended_once_the_rest_is_published() {
    let mut test = people(6).await;
    let rows = |range: std::ops::Range<usize>| -> Vec<Value> {
        range.map(|at| row(&format!("u{at}"), &format!("e{at}"))).collect()
    };
    let job = test.app.job(json!({ "action": "delete_identifier", "rows": rows(0..6) })).await;
    test.app.work().await;
    let records = test.journal.stream.take().await;
    let (first, second) = records.split_at(records.len() / 2);
    test.journal.hand_over(first).await;
    test.publish_space(SPACE).await;
    test.journal.hand_over(second).await;
    let start = path(&job, "receipts?limit=100");
    let (published, next) = page(&test.app.send(Req::get(&start)).await);
    let next = next.unwrap();
    assert!(published.len() < 6, "{}", published.len());
    assert_eq!(test.app.send(Req::get(&next)).await.line(), LATE);
    test.publish_space(SPACE).await;
    let (rest, _) = page(&test.app.send(Req::get(&next)).await);
    let indexes: Vec<u64> = published.iter().chain(&rest).map(|line| line["index"].as_u64().unwrap()).collect();
    assert!(indexes.len() == 6 && indexes.is_sorted(), "{indexes:?}");
    assert_eq!(
        indexes,
        receipts(&test, &job, 100).await.iter().map(|line| line["index"].as_u64().unwrap()).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_cursor_is_of_its_job() {
    let mut test = people(2).await;
    let mut jobs = Vec::new();
    for at in 0..2 {
        let rows = [row(&format!("u{at}"), &format!("e{at}"))];
        jobs.push(test.app.job(json!({ "action": "delete_identifier", "rows": rows })).await);
    }
    test.app.work().await;
    test.log().await;
    let (_, next) = page(&test.app.send(Req::get(path(&jobs[0], "receipts"))).await);
    let next = next.unwrap().replace(&jobs[0], &jobs[1]);
    let reply = test.app.send(Req::get(next)).await;
    assert!(reply.status == 400 && reply.line().contains("`next`"), "{}", reply.line());
}

/// The deletion of profiles has a receipt for each of their identifiers; a dry run has none, and an end.
#[tokio::test]
async fn profiles_and_dry_runs() {
    let mut test = people(3).await;
    let rows = ["user_id:u0", "email:e1", "user_id:nobody"];
    let dry = test.app.create_job(json!({ "action": "delete_profile", "rows": rows, "dry_run": true })).await;
    let dry = dry.body["job"]["id"].as_str().unwrap().to_owned();
    test.app.work().await;
    let job = test.app.job(json!({ "action": "delete_profile", "rows": rows })).await;
    test.app.work().await;
    test.log().await;
    assert_eq!(receipts(&test, &dry, 100).await, [] as [Value; 0]);
    let end = test.app.send(Req::get(path(&dry, "receipt"))).await;
    assert_eq!(test.verify(end.body.as_str().unwrap(), None).await.unwrap().1, "job.verified");
    let listed = receipts(&test, &job, 4).await;
    let of = |row: u64| listed.iter().filter(|line| line["row"] == row).count();
    assert_eq!((listed.len(), of(0), of(1)), (6, 3, 3));
    for line in listed {
        let at = line["row"].as_u64().unwrap();
        let id_type = line["id_type"].as_str().unwrap();
        let letter = match id_type {
            "user_id" => "u",
            "email" => "e",
            _ => "a",
        };
        let identifier = format!("{id_type}:{letter}{at}");
        test.verify(line["receipt"].as_str().unwrap(), Some(&identifier)).await.unwrap();
    }
}
