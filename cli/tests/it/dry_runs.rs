//! A dry run counts and lists what would be deleted: nowhere may it be taken for a deletion.

use serde_json::{Value, json};

use crate::fake_api::FakeApi;

/// An API with a completed dry run of 9 rows, of which 7 would be deleted.
async fn api_with_dry_run() -> FakeApi {
    let api = FakeApi::start().await;
    let job = json!({"id": "job_1", "action": "delete_profile", "state": "completed", "rows": 9, "remaining": 0,
        "counts": {"deleted": 7, "not_found": 2}, "group": "g", "created_at": "2026-01-01T00:00:00.000Z",
        "dry_run": true, "verdict": "complete", "plan": {"rows": 9, "profiles": 7, "not_found": 2}});
    api.state().jobs.insert("job_1".to_owned(), job);
    api
}

fn answer(api: &FakeApi, request: &str, response: Value) {
    api.state().lists.insert(format!("GET deletion_jobs{request}"), response);
}

/// Every line with a count or a list of what a dry run found says that it is one.
fn check(text: &str) {
    let is_unmarked =
        |line: &&str| line.contains("deleted") && !line.contains("would be") && !line.contains("nothing was");
    assert_eq!(text.lines().filter(is_unmarked).collect::<Vec<_>>(), Vec::<&str>::new(), "{text}");
    let is_marked = ["dry run", "Dry run"].iter().any(|words| text.contains(words));
    assert!(is_marked && text.contains("would be"), "{text}");
}

#[tokio::test]
async fn a_status_says_what_would_be_deleted() {
    let api = api_with_dry_run().await;
    for line in [&["jobs", "status", "job_1"][..], &["jobs", "status", "job_1", "--watch"]] {
        let output = api.run(line).await.unwrap();
        check(&output.text);
        assert!(output.text.contains("would be deleted           7"), "{}", output.text);
        assert!(output.text.contains("complete (dry run)"), "{}", output.text);
        assert!(output.text.contains("nothing was deleted; the numbers say what would be"), "{}", output.text);
        assert_eq!(
            (&output.json["job"]["dry_run"], &output.json["job"]["counts"]["deleted"]),
            (&json!(true), &json!(7))
        );
    }
}

#[tokio::test]
async fn outcomes_and_events_say_so_beside_their_list() {
    let api = api_with_dry_run().await;
    let cursor = json!({"has_more": false, "next": ""});
    let row = json!({"page": 0, "row": 0, "outcome": "deleted", "code": "deleted",
        "message": "It would be deleted; this is a dry run."});
    answer(&api, "/job_1/outcomes?limit=100", json!({"dry_run": true, "data": [row], "cursor": cursor}));
    let event = json!({"at": "T", "kind": "completed", "token_id": null, "text": "Dry run: it would be 9 rows."});
    answer(&api, "/job_1/events?limit=100", json!({"dry_run": true, "data": [event], "cursor": cursor}));
    let outcomes = api.run(&["jobs", "outcomes", "job_1"]).await.unwrap();
    let events = api.run(&["jobs", "events", "job_1"]).await.unwrap();
    for output in [&outcomes, &events] {
        check(&output.text);
        assert!(output.text.starts_with("Dry run: nothing was deleted."), "{}", output.text);
        assert_eq!(output.json["dry_run"], true);
    }
    assert_eq!(outcomes.json["data"][0]["outcome"], "deleted", "a program reads the contract's words");
    let csv = api.run(&["jobs", "outcomes", "job_1", "--csv"]).await.unwrap().text;
    let expected = "page,row,outcome,code,message,dry_run\n\
                    0,0,deleted,deleted,It would be deleted; this is a dry run.,true";
    assert_eq!(csv, expected);
}

/// The API's sums are without dry runs, and a list says so.
#[tokio::test]
async fn a_list_and_its_sums_keep_dry_runs_apart() {
    let api = api_with_dry_run().await;
    let dry = api.state().jobs["job_1"].clone();
    let cursor = json!({ "has_more": false, "next": "" });
    let counts = json!({"deleted": 4});
    answer(&api, "?limit=25", json!({"data": [dry], "counts": counts, "cursor": cursor}));
    let text = api.run(&["jobs", "list"]).await.unwrap().text;
    assert!(text.contains("completed (dry run)  9     0 (7 would be)"), "{text}");
    assert!(text.contains("Rows of all matching jobs, without dry runs:\ndeleted             4"), "{text}");
    answer(&api, "?group=g&until=settled&require=none_failed", json!({"data": [], "counts": counts, "cursor": cursor}));
    let text = api.run(&["jobs", "wait", "--group", "g"]).await.unwrap().text;
    assert!(text.contains("Rows of all jobs of the group, without dry runs:\ndeleted             4"), "{text}");
}

#[tokio::test]
async fn waiting_for_a_dry_run_ends_with_what_would_be_deleted() {
    let api = api_with_dry_run().await;
    let job = api.state().jobs["job_1"].clone();
    answer(&api, "/job_1?until=settled&require=none_failed", json!({"job": job}));
    check(&api.run(&["jobs", "wait", "job_1"]).await.unwrap().text);
}

#[tokio::test]
async fn a_plan_says_that_nothing_was_deleted() {
    let api = FakeApi::start().await;
    let file = api.file("people.csv", "email:a\nemail:b\n");
    api.state().segments.put("seg_1", "Spring", &["use_a"]);
    for line in [
        &["bulk", &*file, "--dry-run"][..],
        &["bulk", &file, "--dry-run", "--page-size", "1"],
        &["segments", "delete-users", "seg_1", "--plan-only"],
    ] {
        let output = api.run(line).await.unwrap();
        check(&output.text);
        assert_eq!(output.json["dry_run"], true, "{line:?}");
    }
}
