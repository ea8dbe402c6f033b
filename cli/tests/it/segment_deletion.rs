//! `efface segments delete-users`, and jobs of segments in `efface jobs`.

use std::time::Duration;

use efface_cli::{Interrupts, Output};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::fake_api::{FakeApi, Fault};

const DELETE: [&str; 4] = ["segments", "delete-users", "seg_1", "--yes"];

async fn api_with_members() -> FakeApi {
    let api = FakeApi::start().await;
    api.state().segments.put("seg_1", "Spring 2026", &["use_a", "use_b", "use_c"]);
    api
}

#[tokio::test]
async fn the_plan_is_read_and_the_job_is_followed_to_its_end() {
    let api = api_with_members().await;
    api.fail("delete_users", Fault::Busy);
    let options = ["--max-deletions", "9", "--auto-enable"];
    let output = api.run(&[&DELETE[..], &options].concat()).await.unwrap();
    assert_eq!(output.exit, 0);
    let lines = ["POST segments/seg_1/delete_users"; 3];
    assert_eq!(api.lines(), [&lines[..], &["GET jobs/job_1", "GET jobs/job_1"]].concat());
    let received = api.state().received.clone();
    assert_eq!(received[1].body, json!({"max_deletions": 9, "auto_enable": true}));
    let confirmed = json!({"confirm": true, "expected_members": 3, "max_deletions": 9, "auto_enable": true});
    assert_eq!((&received[2].body, received[1].key.as_str()), (&confirmed, ""));
    assert_eq!(Value::from(received[2].key.clone()), output.json["idempotency_key"]);
    assert_eq!(output.json["plan"]["consequences"], json!(["They are gone for ever."]));
    assert_eq!((&output.json["job"]["counts"]["deleted"], &output.json["job"]["members_left"]), (&json!(3), &json!(0)));
    for line in ["verdict           complete", "members left      0", "segment           seg_1"] {
        assert!(output.text.contains(line), "{}", output.text);
    }
}

#[tokio::test]
async fn a_segment_that_was_not_counted_is_deleted_without_an_expected_number() {
    let api = api_with_members().await;
    api.state().segments.uncounted = true;
    assert_eq!(api.run(&DELETE).await.unwrap().exit, 0);
    assert_eq!(api.state().received[1].body, json!({"confirm": true}));
}

#[tokio::test]
async fn nothing_is_deleted_if_members_have_come_or_there_is_a_job() {
    let api = api_with_members().await;
    api.state().segments.joined_meanwhile = vec!["use_d"];
    let error = api.run(&DELETE).await.unwrap_err();
    assert_eq!((error.exit_code(), error.code()), (1, "members_changed"));
    assert!(error.to_string().contains("there are 4 members now"), "{error}");
    assert_eq!(api.run(&[&DELETE[..], &["--expected-members", "3"]].concat()).await.unwrap_err().exit_code(), 1);
    assert!(api.state().jobs.is_empty());
    api.state().segments.all.get_mut("seg_1").unwrap()["job"] = "job_9".into();
    let error = api.run(&DELETE).await.unwrap_err();
    assert_eq!(error.code(), "job_in_progress");
    assert!(error.to_string().contains("`efface jobs status job_9 --space spa_demo --watch`"), "{error}");
}

/// After a lost connection, the message names the options with which the command finds its job again.
#[tokio::test]
async fn a_run_with_the_same_key_continues_a_failed_one() {
    let api = api_with_members().await;
    for _ in 0..7 {
        api.fail("GET", Fault::Busy);
    }
    let error = api.run(&[&DELETE[..], &["--idempotency-key", "k"]].concat()).await.unwrap_err();
    assert_eq!(error.exit_code(), 3);
    let text = error.to_string();
    assert!(text.contains("--idempotency-key k --expected-members 3, ") && text.contains("status job_1"), "{text}");
    let repeated = ["--idempotency-key", "k", "--expected-members", "3"];
    let output = api.run(&[&DELETE[..], &repeated].concat()).await.unwrap();
    assert_eq!((output.exit, &output.json["job"]["counts"]["deleted"]), (0, &json!(3)));
    assert_eq!(api.state().jobs.len(), 1);
}

#[tokio::test]
async fn a_deletion_that_is_not_complete_is_a_failure() {
    let api = api_with_members().await;
    api.state().failing = 1;
    let output = api.run(&DELETE).await.unwrap();
    assert_eq!((output.exit, &output.json["job"]["verdict"]), (1, &json!("partial")));
    assert!(output.text.contains("efface jobs outcomes job_1 --space spa_demo --outcome failed"), "{}", output.text);
}

#[tokio::test]
async fn a_job_that_waits_is_told() {
    let api = api_with_members().await;
    let output = api.run(&[&DELETE[..], &["--start-at", "2026-12-24T11:00:00Z"]].concat()).await.unwrap();
    assert_eq!((output.exit, &output.json["job"]["state"]), (0, &json!("scheduled")));
    let api = api_with_members().await;
    api.state().approval_over = Some(2);
    let output = api.run(&DELETE).await.unwrap();
    assert_eq!((output.exit, &output.json["job"]["state"]), (6, &json!("awaiting_approval")));
    assert!(output.text.ends_with("another token: efface jobs approve job_1 --space spa_demo"), "{}", output.text);
    let api = api_with_members().await;
    let output = api.run(&[&DELETE[..], &["--no-wait"]].concat()).await.unwrap();
    assert_eq!((output.exit, &output.json["job"]["state"]), (0, &json!("running")));
}

#[tokio::test]
async fn a_plan_is_made_at_once_or_by_a_job() {
    for slow in [false, true] {
        let api = api_with_members().await;
        api.state().segments.slow_plans = slow;
        let output = api.run(&["segments", "delete-users", "seg_1", "--plan-only"]).await.unwrap();
        let profiles = if slow { 9 } else { 3 };
        assert_eq!((output.exit, &output.json["plan"]["profiles"]), (0, &json!(profiles)));
        assert!(output.text.ends_with("efface jobs execute job_1 --space spa_demo"), "{}", output.text);
        assert_eq!(api.state().received[0].body, json!({"confirm": true, "dry_run": true}));
    }
}

#[tokio::test]
async fn without_a_terminal_nothing_is_deleted_without_yes() {
    let api = api_with_members().await;
    let error = api.run(&["segments", "delete-users", "seg_1"]).await.unwrap_err();
    assert_eq!((error.exit_code(), api.lines().len()), (2, 0));
    assert!(error.to_string().contains("--yes"), "{error}");
}

async fn interrupted(api: &FakeApi, option: &str, when: &str) -> Output {
    let (sender, receiver) = watch::channel(0);
    let interrupts = Interrupts::from_channel(receiver);
    let stop = async {
        while !api.lines().iter().any(|line| line.contains(when)) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        sender.send(1).unwrap();
    };
    let line = ["segments", "delete-users", "seg_1", option];
    let (output, ()) = tokio::join!(api.run_until(&line, &interrupts), stop);
    output.unwrap()
}

#[tokio::test]
async fn ctrl_c_leaves_the_job_running_and_says_how_to_control_it() {
    let api = api_with_members().await;
    api.state().endless = true;
    let output = interrupted(&api, "--yes", "GET").await;
    assert_eq!((output.exit, &output.json["job_id"]), (130, &json!("job_1")));
    for verb in ["status job_1 --space spa_demo --watch", "pause job_1 --space spa_demo", "cancel job_1"] {
        assert!(output.text.contains(&format!("efface jobs {verb}")), "{}", output.text);
    }
    assert_eq!(api.state().jobs["job_1"]["state"], "running");
}

#[tokio::test]
async fn ctrl_c_cancels_a_dry_run() {
    let api = api_with_members().await;
    (api.state().endless, api.state().segments.slow_plans) = (true, true);
    let output = interrupted(&api, "--plan-only", "GET").await;
    assert_eq!((output.exit, &api.state().jobs["job_1"]["state"]), (130, &json!("cancelled")));
}

#[tokio::test]
async fn ctrl_c_before_the_confirmed_request_deletes_nothing() {
    let api = api_with_members().await;
    for _ in 0..7 {
        api.fail("delete_users", Fault::Busy);
    }
    let output = interrupted(&api, "--yes", "delete_users").await;
    assert_eq!((output.exit, output.text.as_str()), (130, "stopped: nothing was deleted"));
}

#[tokio::test]
async fn status_and_list_show_a_job_of_a_segment() {
    let api = api_with_members().await;
    api.run(&[&DELETE[..], &["--no-wait"]].concat()).await.unwrap();
    let job = api.state().jobs["job_1"].clone();
    let output = api.run(&["jobs", "status", "job_1"]).await.unwrap();
    for line in ["job_1 (delete_segment)", "segment           seg_1", "phase             deleting"] {
        assert!(output.text.contains(line), "{}", output.text);
    }
    let mut other = job.clone();
    (other["segment_id"], other["id"]) = (Value::Null, "job_2".into());
    let list = json!({"data": [job, other], "counts": {}, "cursor": {"has_more": false, "next": ""}});
    api.state().lists.insert("GET deletion_jobs?limit=25".to_owned(), list);
    let text = api.run(&["jobs", "list"]).await.unwrap().text;
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    assert!(lines[0].ends_with("group  segment") && lines[1].ends_with("-      seg_1"), "{text}");
    assert!(lines[1].contains("delete_segment  running (deleting)") && lines[2].ends_with("-      -"), "{text}");
}
