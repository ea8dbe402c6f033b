//! Following and controlling jobs.

use std::time::Duration;

use efface_cli::Interrupts;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::fake_api::FakeApi;

fn job(id: &str, state: &str) -> Value {
    json!({"id": id, "action": "delete_profile", "state": state, "rows": 2, "remaining": 2, "counts": {},
        "group": "g", "created_at": "2026-01-01T00:00:00.000Z"})
}

async fn api_with(state: &str) -> FakeApi {
    let api = FakeApi::start().await;
    api.state().jobs.insert("job_1".to_owned(), job("job_1", state));
    api
}

#[tokio::test]
async fn each_control_command_sends_a_request_and_shows_the_job() {
    let api = api_with("running").await;
    for (verb, state) in [
        ("pause", "paused"),
        ("resume", "running"),
        ("cancel", "cancelled"),
        ("reject", "cancelled"),
        ("redrive", "running"),
        ("start", "running"),
    ] {
        let output = api.run(&["jobs", verb, "job_1"]).await.unwrap();
        assert_eq!((output.exit, &output.json["job"]["state"]), (0, &json!(state)));
    }
    assert_eq!(api.lines()[..2], ["POST jobs/job_1/pause", "POST jobs/job_1/resume"]);
    let error = api.run(&["jobs", "pause", "a/b"]).await.unwrap_err();
    assert_eq!(error.code(), "not_found");
    assert_eq!(api.lines().last().unwrap(), "POST jobs/a%2Fb/pause");
}

#[tokio::test]
async fn status_shows_a_job_and_watch_waits_for_it() {
    let api = api_with("running").await;
    let output = api.run(&["jobs", "status", "job_1"]).await.unwrap();
    assert_eq!(output.json["job"]["state"], "running");
    let output = api.run(&["jobs", "status", "job_1", "--watch"]).await.unwrap();
    assert_eq!((output.exit, &output.json["job"]["counts"]["deleted"]), (0, &json!(2)));
}

#[tokio::test]
async fn an_approval_is_asked_for_or_given_with_yes() {
    let api = api_with("awaiting_approval").await;
    let error = api.run(&["jobs", "approve", "job_1"]).await.unwrap_err();
    assert_eq!((error.exit_code(), api.lines().len()), (2, 0), "there is no terminal to ask on");
    let output = api.run(&["jobs", "approve", "job_1", "--yes"]).await.unwrap();
    assert_eq!(output.json["job"]["state"], "running");
    assert_eq!(api.lines(), ["POST jobs/job_1/approve"]);
}

#[tokio::test]
async fn a_start_and_an_approval_can_name_a_time() {
    for (line, state) in [(&["start"][..], "open"), (&["approve", "--yes"], "awaiting_approval")] {
        let api = api_with(state).await;
        let line = [&["jobs"], line, &["job_1"]].concat();
        let output = api.run(&line).await.unwrap();
        assert_eq!((&api.state().received[0].body, &output.json["job"]["state"]), (&json!({}), &json!("running")));
        let output = api.run(&[&line[..], &["--start-at", "2026-12-24T12:00:00+01:00"]].concat()).await.unwrap();
        assert_eq!(api.state().received[1].body, json!({"start_at": "2026-12-24T11:00:00.000Z"}));
        assert_eq!((output.exit, &output.json["job"]["state"]), (0, &json!("scheduled")));
    }
}

#[tokio::test]
async fn a_plan_is_executed_with_yes() {
    let api = api_with("completed").await;
    assert_eq!(api.run(&["jobs", "execute", "job_1"]).await.unwrap_err().exit_code(), 2, "there is no terminal");
    let line = ["jobs", "execute", "job_1", "--yes", "--start-at", "2026-12-24T11:00:00Z", "--max-deletions", "7"];
    api.run(&line).await.unwrap();
    let received = api.state().received.clone();
    assert_eq!(received[0].line, "POST /v1/spaces/spa_demo/deletion_jobs/job_1/execute");
    assert_eq!(received[0].body, json!({"start_at": "2026-12-24T11:00:00.000Z", "max_deletions": 7}));
    assert!(!received[0].key.is_empty());
}

#[tokio::test]
async fn wait_waits_for_a_job_or_a_group() {
    let api = api_with("completed").await;
    let settled = json!({"data": [], "counts": {"deleted": 7}, "jobs": 2, "rows": 7, "remaining": 0,
        "cursor": {"has_more": false, "next": ""}});
    let failed = json!({"error": {"code": "rows_failed", "message": "1 rows failed."}, "status": 409});
    let waits = json!({"error": {"code": "not_settled", "message": "1 of 2 jobs are not final."}, "status": 408});
    let group = "GET deletion_jobs?group=a%20b&until=settled&rows=7";
    api.state().lists.insert(format!("{group}&require=none_failed"), failed);
    api.state().lists.insert(group.to_owned(), settled);
    let line = ["jobs", "wait", "--group", "a b", "--rows", "7"];
    let error = api.run(&line).await.unwrap_err();
    assert_eq!((error.exit_code(), error.code()), (1, "rows_failed"));
    let output = api.run(&[&line[..], &["--allow-failed"]].concat()).await.unwrap();
    assert_eq!((output.exit, &output.json["counts"]["deleted"]), (0, &json!(7)));
    assert!(output.text.contains("deleted             7"), "{}", output.text);
    // A job that has not ended is asked for again, until Ctrl-C.
    let request = "GET deletion_jobs/job_1?until=settled&require=none_failed";
    api.state().lists.insert(request.to_owned(), waits);
    let (sender, receiver) = watch::channel(0);
    let stop = async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        sender.send(1).unwrap();
    };
    let interrupts = Interrupts::from_channel(receiver);
    let (output, ()) = tokio::join!(api.run_until(&["jobs", "wait", "job_1"], &interrupts), stop);
    assert_eq!(output.unwrap().exit, 130);
    assert_eq!(api.lines().len(), 3, "a 408 that says so is no failed request");
}

#[tokio::test]
async fn events_are_listed() {
    let api = api_with("completed").await;
    let event = json!({"at": "2026-01-01T00:00:00.000Z", "kind": "paused", "token_id": "tok_1", "text": "It\u{1b}.", "cause": null});
    let list = json!({"data": [event], "cursor": {"has_more": false, "next": ""}});
    api.state().lists.insert("GET deletion_jobs/job_1/events?limit=100".to_owned(), list.clone());
    let output = api.run(&["jobs", "events", "job_1"]).await.unwrap();
    assert_eq!(output.json["data"], list["data"]);
    assert!(output.text.contains("paused  tok_1  It\u{fffd}."), "{}", output.text);
}

#[tokio::test]
async fn ctrl_c_stops_waiting_but_not_the_job() {
    let api = api_with("running").await;
    api.state().endless = true;
    let (sender, receiver) = watch::channel(0);
    let stop = async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        sender.send(1).unwrap();
    };
    let interrupts = Interrupts::from_channel(receiver);
    let (output, ()) = tokio::join!(api.run_until(&["jobs", "status", "job_1", "--watch"], &interrupts), stop);
    let output = output.unwrap();
    assert_eq!((output.exit, &output.json["job"]["state"]), (130, &json!("running")));
    assert!(api.lines().iter().all(|line| line.starts_with("GET")));
}

#[tokio::test]
async fn all_pages_of_a_list_are_read() {
    let api = api_with("running").await;
    let row =
        |page: u64, outcome: &str| json!({"page": page, "row": 0, "outcome": outcome, "code": null, "message": null});
    let cursor = |next: &str| json!({"url": "", "has_more": !next.is_empty(), "next": next});
    {
        let mut state = api.state();
        let bad = json!({"page": 2, "row": 1, "outcome": "invalid", "code": "invalid_row", "message": "a \"b\", c"});
        let outcomes = "GET deletion_jobs/job_1/outcomes?limit=100";
        state.lists.insert(outcomes.to_owned(), json!({"data": [row(1, "deleted")], "cursor": cursor("n/1")}));
        state.lists.insert(format!("{outcomes}&next=n%2F1"), json!({"data": [bad], "cursor": cursor("")}));
        let jobs = json!({"data": [job("job_1", "paused")], "counts": {"deleted": 5}, "cursor": cursor("")});
        state.lists.insert("GET deletion_jobs?limit=25&group=a%20b&state=paused".to_owned(), jobs);
        let failed = json!({"data": [row(1, "failed")], "cursor": cursor("")});
        state.lists.insert(format!("{outcomes}&outcome=failed"), failed);
    }
    let output = api.run(&["jobs", "outcomes", "job_1", "--csv"]).await.unwrap();
    let expected =
        "page,row,outcome,code,message,dry_run\n1,0,deleted,,,false\n2,1,invalid,invalid_row,\"a \"\"b\"\", c\",false";
    assert_eq!(output.text, expected);
    assert_eq!(output.json["data"].as_array().unwrap().len(), 2);
    let output = api.run(&["jobs", "outcomes", "job_1", "--outcome", "failed"]).await.unwrap();
    assert_eq!(output.json["data"][0]["outcome"], "failed");
    let output = api.run(&["jobs", "list", "--group", "a b", "--state", "paused"]).await.unwrap();
    assert_eq!((&output.json["counts"]["deleted"], &output.json["data"][0]["id"]), (&json!(5), &json!("job_1")));
    assert!(output.text.contains("job_1  delete_profile  paused"));
}
