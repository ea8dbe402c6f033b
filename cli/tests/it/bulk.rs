//! `efface bulk` against an API that is busy, loses responses, rejects requests, or has jobs that never end.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use efface_cli::Interrupts;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::fake_api::{FakeApi, Fault};

/// Seven rows, of which row 3 and row 6 are bad.
const ROWS: &str = "profile\nemail:a\nemail:b\nnobody\n\nemail:c\nemail:d\n\"oops\nemail:e\n";

#[tokio::test]
async fn pages_are_sent_and_the_job_is_followed_to_its_end() {
    let api = FakeApi::start().await;
    let file = api.file("people.csv", ROWS);
    let line =
        ["bulk", &file, "--yes", "--page-size", "3", "--parallelism", "1", "--group", "g", "--max-deletions", "9"];
    let output = api.run(&line).await.unwrap();
    assert_eq!(output.exit, 0);
    assert_eq!(
        api.lines(),
        [
            "POST jobs",
            "POST jobs/job_1/rows",
            "POST jobs/job_1/rows",
            "POST jobs/job_1/rows",
            "POST jobs/job_1/start",
            "GET jobs/job_1",
            "GET jobs/job_1"
        ]
    );
    let received = api.state().received.clone();
    let new = json!({"action": "delete_profile", "rows": [], "group": "g", "max_deletions": 9, "open": true});
    assert_eq!(received[0].body, new);
    assert_eq!(Value::from(received[0].key.clone()), output.json["idempotency_key"]);
    assert_eq!(received[1].body, json!({"page": 1, "rows": ["email:a", "email:b", "nobody"]}));
    assert_eq!(received[2].body, json!({"page": 2, "rows": ["email:c", "email:d", null]}));
    assert_eq!(received[3].body, json!({"page": 3, "rows": ["email:e"]}));
    let job = &output.json["job"];
    assert_eq!((&job["rows"], &job["counts"]["deleted"], &job["counts"]["invalid"]), (&json!(7), &json!(5), &json!(2)));
    let rejected: Vec<&Value> = output.json["rejected"].as_array().unwrap().iter().map(|row| &row["row"]).collect();
    assert_eq!((rejected, &output.json["rejected_total"]), (vec![&json!(3), &json!(6)], &json!(2)));
    assert!(output.text.contains("line 8") && !output.text.contains("oops"), "{}", output.text);
    let lines: Vec<&Value> = output.json["rejected"].as_array().unwrap().iter().map(|row| &row["line"]).collect();
    assert_eq!(lines, [&json!(4), &json!(8)]);
}

/// Twenty rows with one fault are one line, not twenty.
#[tokio::test]
async fn equal_rejections_are_told_once() {
    let api = FakeApi::start().await;
    let bad = "nobody\n".repeat(20);
    let file = api.file("people.csv", format!("profile\nemail:a\n{bad}\n\"oops\nemail:b\n"));
    let output = api.run(&["bulk", &file, "--yes", "--page-size", "8"]).await.unwrap();
    let told: Vec<&str> = output.text.lines().skip_while(|line| !line.starts_with("Invalid rows")).skip(1).collect();
    assert_eq!(told.len(), 2, "{}", output.text);
    assert!(told[0].contains("20 rows  invalid_row  lines 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, …"), "{}", told[0]);
    assert!(told[1].contains("1 row    invalid_row  line 24") && told[1].contains("a quote"), "{}", told[1]);
    let groups = output.json["rejected_groups"].as_array().unwrap();
    let mut rows: Vec<&Value> = groups.iter().map(|group| &group["rows"]).collect();
    rows.sort_by_key(|rows| rows.as_u64());
    assert_eq!(rows, [&json!(1), &json!(20)]);
}

#[tokio::test]
async fn a_repeated_page_keeps_its_number() {
    let api = FakeApi::start().await;
    let file = api.file("people.csv", "email:a\nemail:b\nemail:c\nemail:d\n");
    for (at, fault) in [("/rows", Fault::Busy), ("/rows", Fault::Lost), ("/start", Fault::Lost), ("GET", Fault::Busy)] {
        api.fail(at, fault);
    }
    api.fail("jobs", Fault::Lost);
    let output = api.run(&["bulk", &file, "--yes", "--page-size", "1", "--parallelism", "3"]).await.unwrap();
    assert_eq!((output.exit, &output.json["job"]["counts"]["deleted"]), (0, &json!(4)));
    let state = api.state();
    assert_eq!((state.jobs.len(), state.pages.len()), (1, 4), "nothing is counted twice");
    let rows = state.received.iter().filter(|received| received.line.ends_with("/rows"));
    let mut sent: Vec<(u64, Value)> =
        rows.map(|received| (received.body["page"].as_u64().unwrap(), received.body["rows"][0].clone())).collect();
    assert_eq!(sent.len(), 6, "four pages, two of them twice");
    sent.sort_by_key(|(page, _)| *page);
    sent.dedup();
    let names = ["email:a", "email:b", "email:c", "email:d"];
    assert_eq!(sent, (1..).zip(names.map(Value::from)).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_dry_run_is_one_request_or_a_job_of_several_pages() {
    let api = FakeApi::start().await;
    let file = api.file("people.json", r#"[{"key":"email","value":"a"},"email:b",7]"#);
    let output = api.run(&["bulk", &file, "--dry-run"]).await.unwrap();
    assert_eq!((output.exit, &output.json["plan"]["profiles"]), (0, &json!(7)));
    assert_eq!((&output.json["job_id"], output.text.contains("efface jobs execute job_1")), (&json!("job_1"), true));
    assert_eq!(output.json["rejected"][0]["row"], 3);
    assert_eq!(api.lines(), ["POST jobs"]);
    let rows = json!([{"key": "email", "value": "a"}, "email:b", "7"]);
    assert_eq!(api.state().received[0].body, json!({"action": "delete_profile", "rows": rows, "dry_run": true}));

    let output = api.run(&["bulk", &file, "--dry-run", "--page-size", "2"]).await.unwrap();
    assert_eq!(
        output.json["plan"],
        json!({"rows": 3, "profiles": 9, "invalid": 0, "not_found": 0, "duplicates": 0,
        "protected": 0, "merges": 0, "identifiers": 0, "memberships": 0, "other_case": 0, "other_form": 0, "estimated_seconds": null,
        "estimated_cost_usd": null, "digest": null, "consequences": []})
    );
    let state = api.state();
    assert_eq!(state.received[1].body, json!({"action": "delete_profile", "rows": [], "dry_run": true, "open": true}));
}

#[tokio::test]
async fn identifiers_are_sent_as_objects() {
    let api = FakeApi::start().await;
    let file = api.file("ids.csv", "type,id,user_id\nemail,a,u\n");
    let line = ["bulk", &file, "--action", "delete_identifier", "--yes", "--no-wait", "--idempotency-key", "k"];
    let output = api.run(&line).await.unwrap();
    assert_eq!((output.exit, &output.json["job"]["state"]), (0, &json!("running")));
    let received = api.state().received.clone();
    assert_eq!((&*received[0].key, &received[0].body["action"]), ("k", &json!("delete_identifier")));
    assert_eq!(received[1].body["rows"], json!([{"user_id": "u", "type": "email", "id": "a"}]));
}

#[tokio::test]
async fn failed_rows_are_a_failure() {
    let api = FakeApi::start().await;
    api.state().failing = 1;
    let file = api.file("people.csv", "email:a\nemail:b\n");
    let output = api.run(&["bulk", &file, "--yes"]).await.unwrap();
    assert_eq!(output.exit, 1);
    assert!(output.text.contains("efface jobs outcomes job_1 --space spa_demo --outcome failed"));
}

/// A job that waits is not followed: for an approval that may take days, or for its time.
#[tokio::test]
async fn a_job_that_waits_is_told() {
    let api = FakeApi::start().await;
    let file = api.file("people.csv", "email:a\nemail:b\n");
    let line = ["bulk", &file, "--yes", "--start-at", "2026-12-24T12:00:00+01:00"];
    let output = api.run(&line).await.unwrap();
    assert_eq!((output.exit, &output.json["job"]["state"]), (0, &json!("scheduled")));
    assert_eq!(api.state().received[0].body["start_at"], "2026-12-24T11:00:00.000Z");
    assert!(
        output.text.contains("`efface jobs cancel job_1 --space spa_demo` cancels it before it starts"),
        "{}",
        output.text
    );
    api.state().approval_over = Some(1);
    let output = api.run(&["bulk", &file, "--yes"]).await.unwrap();
    assert_eq!((output.exit, &output.json["job"]["state"]), (6, &json!("awaiting_approval")));
    assert!(output.text.contains("efface jobs approve"), "{}", output.text);
    assert_eq!(api.run(&["bulk", &file, "--yes", "--no-wait"]).await.unwrap().exit, 6);
}

#[tokio::test]
async fn a_rejected_page_cancels_the_job() {
    let api = FakeApi::start().await;
    api.fail("/rows", Fault::Rejected);
    let file = api.file("people.csv", "email:a\n");
    let error = api.run(&["bulk", &file, "--yes"]).await.unwrap_err();
    assert_eq!((error.exit_code(), error.code()), (1, "payload_too_large"));
    assert_eq!(api.state().jobs["job_1"]["state"], "cancelled");
}

#[tokio::test]
async fn a_bad_file_is_reported_before_anything_is_sent() {
    let api = FakeApi::start().await;
    for text in [
        "",
        "key,value\n",
        "<html>email:secret</html>",
        "email:a\0",
        "PK\x03\x04",
        "[\"email:secret\",",
        "{\"rows\":[\"email:secret\"]",
    ] {
        let file = api.file("bad", text);
        let error = api.run(&["bulk", &file, "--yes"]).await.unwrap_err();
        assert_eq!(error.exit_code(), 2, "{text}");
        assert!(!error.to_string().contains("secret"));
    }
    assert_eq!(api.lines().len(), 0);
}

#[tokio::test]
async fn a_file_without_a_readable_row_is_an_error() {
    let api = FakeApi::start().await;
    let file = api.file("people.csv", "bob,\"\"oops\nada,\"x\"y\n");
    for (line, is_job) in [
        (&["bulk", &file, "--yes"][..], true),
        (&["bulk", &file, "--yes", "--idempotency-key", "k"], true),
        (&["bulk", &file, "--dry-run"], false),
        (&["bulk", &file, "--dry-run", "--page-size", "1"], true),
    ] {
        let error = api.run(line).await.unwrap_err();
        let text = error.to_string();
        assert_eq!(error.exit_code(), 5, "{text}");
        assert!(
            text.contains("none of the 2 rows can be read") && text.contains("line 1: The line has a quote"),
            "{text}"
        );
        let states: Vec<Value> =
            std::mem::take(&mut api.state().jobs).into_values().map(|job| job["state"].clone()).collect();
        api.state().pages.clear();
        assert_eq!(states, [if is_job { "cancelled" } else { "completed" }], "{line:?}");
    }
    assert!(!api.lines().iter().any(|line| line.ends_with("/start")));
}

/// Why rows are not found, by their lines, and in which form near misses would be found.
#[tokio::test]
async fn rows_that_are_not_found_are_shown_by_their_lines() {
    let api = FakeApi::start().await;
    let file = api.file("people.csv", "key,value\nemail,a\n\nemail,B\nemail, C\nemail,d\n");
    api.state().plan = json!({"rows": 4, "not_found": 4, "other_case": 1, "other_form": 1,
        "near_misses": [{"row": 1, "code": "other_case"}, {"row": 2, "code": "other_form"}]});
    let outcome =
        |page, row, code| json!({"page": page, "row": row, "outcome": "not_found", "code": code, "message": "M."});
    let cursor = json!({"has_more": false, "next": ""});
    for (job, places) in [("job_1", [(0, 0), (0, 1), (0, 2), (0, 3)]), ("job_2", [(1, 0), (1, 1), (2, 0), (2, 1)])] {
        let codes = ["not_found", "other_case", "other_form", "deleted_before"];
        let rows: Vec<Value> =
            places.into_iter().zip(codes).map(|((page, row), code)| outcome(page, row, code)).collect();
        let path = format!("GET deletion_jobs/{job}/outcomes?limit=100&outcome=not_found");
        api.state().lists.insert(path, json!({"data": rows, "cursor": cursor}));
    }
    for form in ["b", "C"] {
        let path = format!("GET collections/users/profiles/email:{form}/metadata");
        api.state().lists.insert(path, json!({"metadata": {}}));
    }
    for page_size in ["9", "2"] {
        let output = api.run(&["bulk", &file, "--dry-run", "--page-size", page_size]).await.unwrap();
        let near_misses = output.json["near_misses"].as_array().unwrap();
        let near_misses: Vec<_> = near_misses.iter().map(|row| (&row["line"], &row["code"])).collect();
        assert_eq!(near_misses, [(&json!(4), &json!("other_case")), (&json!(5), &json!("other_form"))]);
        assert_eq!(
            output.json["not_found"],
            json!([{"row": 1, "line": 2, "code": "not_found", "message": "M."},
            {"row": 4, "line": 6, "code": "deleted_before", "message": "M."}])
        );
        for text in [
            "nothing of that name, and no record of its deletion: 1 (line 2)",
            "deleted before: 1 (line 6)",
            "would be found in lower case: 1 (line 4)",
            "would be found without blanks around it or invisible characters, in NFC: 1 (line 5)",
        ] {
            assert!(output.text.contains(text), "{}", output.text);
        }
        assert!(!output.text.contains(" C"), "no value is shown: {}", output.text);
    }
}

/// Without the outcomes, the plan of one page still names its near misses.
#[tokio::test]
async fn near_misses_of_a_plan_are_shown_where_its_outcomes_cannot_be_read() {
    let api = FakeApi::start().await;
    let file = api.file("people.csv", "key,value\nemail,a\nemail,B\n");
    api.state().plan =
        json!({"rows": 2, "not_found": 1, "other_case": 1, "near_misses": [{"row": 1, "code": "other_case"}]});
    let path = "GET deletion_jobs/job_1/outcomes?limit=100&outcome=not_found".to_owned();
    api.state().lists.insert(path, json!({"status": 403, "error": {"code": "forbidden", "message": "No."}}));
    let output = api.run(&["bulk", &file, "--dry-run"]).await.unwrap();
    assert!(output.text.contains("would be found in another letter case: 1 (line 3)"), "{}", output.text);
}

async fn interrupted(api: &FakeApi, how: &str, when: &str) -> efface_cli::Output {
    let file = api.file("people.csv", "email:a\nemail:b\n");
    interrupted_line(api, &["bulk", &file, how, "--page-size", "1"], when).await
}

/// Ctrl-C at the first request that contains a text.
pub(crate) async fn interrupted_line(api: &FakeApi, line: &[&str], when: &str) -> efface_cli::Output {
    let (sender, receiver) = watch::channel(0);
    let interrupts = Interrupts::from_channel(receiver);
    let stop = async {
        while !api.lines().iter().any(|line| line.contains(when)) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        sender.send(1).unwrap();
    };
    let (output, ()) = tokio::join!(api.run_until(line, &interrupts), stop);
    output.unwrap()
}

#[tokio::test]
async fn ctrl_c_cancels_a_job_that_was_not_started() {
    let api = FakeApi::start().await;
    for _ in 0..14 {
        api.fail("/rows", Fault::Lost);
    }
    let output = interrupted(&api, "--yes", "/rows").await;
    assert_eq!((output.exit, &output.json["job_id"]), (130, &json!("job_1")));
    assert!(output.text.contains("nothing was deleted"));
    assert_eq!(api.state().jobs["job_1"]["state"], "cancelled");
}

#[tokio::test]
async fn ctrl_c_cancels_a_running_dry_run() {
    let api = FakeApi::start().await;
    api.state().endless = true;
    let output = interrupted(&api, "--dry-run", "GET").await;
    assert_eq!(output.exit, 130);
    assert_eq!(api.state().jobs["job_1"]["state"], "cancelled");
}

#[tokio::test]
async fn a_rejected_page_does_not_cancel_the_job_of_another_run() {
    let api = FakeApi::start().await;
    let (file, other) = (api.file("people.csv", "email:a\n"), api.file("others.csv", "email:b\n"));
    let line = |file| ["bulk", file, "--yes", "--no-wait", "--idempotency-key", "k"];
    api.run(&line(&file)).await.unwrap();
    let error = api.run(&line(&other)).await.unwrap_err();
    assert_eq!((error.exit_code(), error.code()), (1, "page_conflict"));
    assert_eq!(api.state().jobs["job_1"]["state"], "running");
}

#[tokio::test]
async fn ctrl_c_leaves_a_started_job_running_and_says_how_to_follow_it() {
    let api = FakeApi::start().await;
    api.state().endless = true;
    let output = interrupted(&api, "--yes", "GET").await;
    assert_eq!(output.exit, 130);
    for verb in ["status job_1 --space spa_demo --watch", "pause job_1 --space spa_demo", "cancel job_1"] {
        assert!(output.text.contains(&format!("efface jobs {verb}")), "{}", output.text);
    }
    assert_eq!(api.state().jobs["job_1"]["state"], "running");
}

#[tokio::test]
async fn a_run_with_the_same_key_continues_a_failed_one() {
    let api = FakeApi::start().await;
    for _ in 0..14 {
        api.fail("/rows", Fault::Busy);
    }
    let file = api.file("people.csv", "email:a\nemail:b\n");
    let line = ["bulk", &file, "--yes", "--page-size", "1", "--idempotency-key", "k", "--parallelism", "1"];
    let error = api.run(&line).await.unwrap_err();
    assert_eq!(error.exit_code(), 3);
    assert!(error.to_string().contains("--idempotency-key k") && error.to_string().contains("jobs status job_1"));
    api.state().faults.clear();
    assert_eq!(api.run(&line).await.unwrap().json["job"]["counts"]["deleted"], 2);
    assert_eq!(api.state().jobs.len(), 1);
}

/// Runs the binary, because only a separate process certainly has no terminal.
#[tokio::test]
async fn without_a_terminal_nothing_is_deleted_without_yes() {
    let api = FakeApi::start().await;
    let file = api.file("people.csv", "email:a\n");
    for line in [&["bulk", &file][..], &["bulk", "-"], &["profile", "delete", "email:a"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_efface"));
        let run = command.args(line).envs(api.settings()).stdin(Stdio::null()).output().unwrap();
        assert_eq!(run.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&run.stderr).contains("--yes"));
    }
    assert_eq!(api.lines().len(), 0);
}
