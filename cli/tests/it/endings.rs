//! What a scheduler sees of a file or a job that is not as it should be: the exit codes.

use serde_json::{Value, json};

use crate::fake_api::FakeApi;

/// Four rows. The first is rejected by the API only, the last by the command already.
const ROWS: &str = "nobody\nemail:a\nemail:b\n\"oops\"x\n";

async fn exit_code(api: &FakeApi, line: &[&str]) -> u8 {
    match api.run(line).await {
        Ok(output) => output.exit,
        Err(error) => error.exit_code(),
    }
}

fn was_started(api: &FakeApi) -> bool {
    api.lines().iter().any(|line| line.ends_with("/start"))
}

#[tokio::test]
async fn a_file_with_too_many_invalid_rows_starts_no_job() {
    for (limit, is_refused) in [("1", true), ("2", false), ("49%", true), ("50%", false)] {
        for page_size in ["9", "1"] {
            let api = FakeApi::start().await;
            let file = api.file("people.csv", ROWS);
            let line = ["bulk", &file, "--yes", "--page-size", page_size, "--max-invalid", limit];
            let expected = if is_refused { (5, false, json!("cancelled")) } else { (0, true, json!("completed")) };
            let exit = exit_code(&api, &line).await;
            let state = api.state().jobs["job_1"]["state"].clone();
            assert_eq!((exit, was_started(&api), state), expected, "{limit} {page_size}");
        }
    }
}

#[tokio::test]
async fn a_refusal_counts_the_rows_and_names_one() {
    let api = FakeApi::start().await;
    let file = api.file("people.csv", ROWS);
    let error = api.run(&["bulk", &file, "--yes", "--max-invalid", "1"]).await.unwrap_err();
    assert_eq!(error.code(), "too_many_invalid");
    let text = error.to_string();
    let expected =
        "2 of the 4 rows are invalid, more than --max-invalid 1, and nothing was deleted or changed; line 1: No good.";
    assert!(text.ends_with(expected), "{text}");
    for line in [["--dry-run", "--page-size", "9"], ["--dry-run", "--page-size", "1"]] {
        let line = [&["bulk", &file, "--max-invalid", "1"][..], &line].concat();
        assert_eq!(exit_code(&api, &line).await, 5, "{line:?}");
    }
}

#[tokio::test]
async fn every_row_may_be_invalid_only_where_that_is_said() {
    let api = FakeApi::start().await;
    let file = api.file("people.json", r#"["nobody","nobody"]"#);
    assert_eq!(exit_code(&api, &["bulk", &file, "--yes"]).await, 5);
    assert_eq!(exit_code(&api, &["bulk", &file, "--yes", "--max-invalid", "9"]).await, 5);
    assert!(!was_started(&api));
    assert_eq!(exit_code(&api, &["bulk", &file, "--yes", "--max-invalid", "100%"]).await, 0);
}

/// Another run has started the job under the same key: it is not stopped, and nobody is told that nothing was deleted.
#[tokio::test]
async fn a_job_that_an_earlier_run_has_started_goes_on() {
    let api = FakeApi::start().await;
    api.state().endless = true;
    let file = api.file("people.csv", ROWS);
    let line = ["bulk", &file, "--yes", "--idempotency-key", "k", "--no-wait"];
    assert_eq!(exit_code(&api, &line).await, 0);
    let error = api.run(&[&line[..], &["--max-invalid", "0"]].concat()).await.unwrap_err();
    assert!(error.to_string().contains("an earlier run has started the job job_1 already"), "{error}");
    assert_eq!((error.exit_code(), &api.state().jobs["job_1"]["state"]), (1, &json!("running")));
}

/// Of members each part is carried out as it arrives, so the rows are checked before the first one.
#[tokio::test]
async fn members_are_changed_only_by_a_file_that_is_good_enough() {
    for verb in ["add", "remove", "replace"] {
        let api = FakeApi::start().await;
        api.state().segments.put("seg_1", "Spring", &["use_z"]);
        let rows: Vec<String> =
            (0..1_200).map(|row| format!("{}:{row}", if row < 1_199 { "email" } else { "emial" })).collect();
        let file = api.file("people.txt", rows.join("\n"));
        let error = json!({"error": {"code": "unsupported_eid_type", "message": "Unsupported."}, "status": 400});
        let lookup = "GET collections/users/profiles/emial:1199/metadata".to_owned();
        api.state().lists.insert(lookup, error);
        api.state().segments.profile("use_0", "use_0");
        let yes: &[&str] = if verb == "add" { &[] } else { &["--yes"] };
        let line = |limit| [&["segments", verb, "seg_1", &*file, "--max-invalid", limit][..], yes].concat();
        assert_eq!(exit_code(&api, &line("0")).await, 5, "{verb}");
        let changes = |api: &FakeApi| {
            api.lines().iter().filter(|line| line.starts_with("POST") && !line.ends_with("check=true")).count()
        };
        assert_eq!((changes(&api), api.state().segments.members["seg_1"].len()), (0, 1), "{verb}");
        assert_eq!(exit_code(&api, &line("0.1%")).await, 0, "{verb}");
        assert!(changes(&api) > 0, "{verb}");
    }
}

#[tokio::test]
async fn rows_with_a_named_outcome_are_a_failure() {
    let api = FakeApi::start().await;
    (api.state().failing, api.state().missing) = (1, 1);
    let file = api.file("people.csv", "email:a\nemail:b\nemail:c\nnobody\n");
    for (fail_on, expected) in [("failed", 4), ("duplicate,not_found", 4), ("invalid", 4), ("duplicate,changed", 1)] {
        let output = api.run(&["bulk", &file, "--yes", "--fail-on", fail_on]).await.unwrap();
        assert_eq!((output.exit, &output.json["job"]["counts"]["deleted"]), (expected, &json!(1)), "{fail_on}");
        assert_eq!(output.text.contains(&format!("because of --fail-on {fail_on}")), expected == 4, "{}", output.text);
    }
    api.state().failing = 0;
    for (fail_on, expected) in [("not_found", 4), ("failed", 0)] {
        let lines = [
            &["bulk", &*file, "--dry-run", "--page-size", "1", "--fail-on", fail_on][..],
            &["jobs", "status", "job_5", "--watch", "--fail-on", fail_on],
            &["jobs", "execute", "job_5", "--yes", "--watch", "--fail-on", fail_on],
        ];
        for line in lines {
            assert_eq!(exit_code(&api, line).await, expected, "{line:?}");
        }
    }
}

#[tokio::test]
async fn users_with_a_named_outcome_are_a_failure() {
    for (fail_on, expected) in [("not_found", 4), ("invalid", 0)] {
        let api = FakeApi::start().await;
        api.state().missing = 1;
        api.state().segments.put("seg_1", "Spring", &["use_a", "use_b"]);
        let line = ["segments", "delete-users", "seg_1", "--yes", "--fail-on", fail_on];
        assert_eq!(exit_code(&api, &line).await, expected, "{fail_on}");
    }
}

#[tokio::test]
async fn a_wait_tells_failed_rows_from_named_outcomes_and_cancelled_jobs() {
    let api = FakeApi::start().await;
    let request = "GET deletion_jobs?group=g&until=settled&require=none_failed";
    let rows_failed = |counts: Value, cancelled: u64| {
        json!({"error": {"code": "rows_failed", "message": "Failed rows."}, "status": 409, "counts": counts,
            "cancelled_jobs": cancelled})
    };
    let settled = |counts: Value| json!({"data": [], "counts": counts, "cursor": {"has_more": false, "next": ""}});
    for (response, fail_on, expected) in [
        (settled(json!({"deleted": 1, "invalid": 1})), "invalid", 4),
        (settled(json!({"deleted": 1, "invalid": 1})), "not_found", 0),
        (rows_failed(json!({"failed": 1}), 0), "failed", 4),
        (rows_failed(json!({"failed": 1}), 0), "invalid", 1),
        (rows_failed(json!({"failed": 1}), 1), "failed", 6),
    ] {
        api.state().lists.insert(request.to_owned(), response.clone());
        let line = ["jobs", "wait", "--group", "g", "--fail-on", fail_on];
        assert_eq!(exit_code(&api, &line).await, expected, "{response} {fail_on}");
    }
    let cancelled = json!({"error": {"code": "rows_failed", "message": "Cancelled."}, "status": 409,
        "job": {"state": "cancelled", "counts": {}}});
    api.state().lists.insert("GET deletion_jobs/job_1?until=settled&require=none_failed".to_owned(), cancelled);
    assert_eq!(exit_code(&api, &["jobs", "wait", "job_1"]).await, 6);
}

/// Whichever command makes or starts a job, it ends in the same way where the job awaits its approval.
#[tokio::test]
async fn a_job_that_awaits_its_approval_has_one_exit_code() {
    let api = FakeApi::start().await;
    api.state().approval_over = Some(1);
    let file = api.file("people.csv", "email:a\nemail:b\n");
    api.state().segments.put("seg_1", "Spring", &["use_a", "use_b"]);
    assert_eq!(exit_code(&api, &["bulk", &file, "--dry-run"]).await, 0);
    assert_eq!(exit_code(&api, &["bulk", &file, "--yes"]).await, 6);
    assert_eq!(exit_code(&api, &["bulk", &file, "--yes", "--no-wait"]).await, 6);
    assert_eq!(exit_code(&api, &["jobs", "start", "job_2"]).await, 6);
    assert_eq!(exit_code(&api, &["jobs", "execute", "job_1", "--yes"]).await, 6);
    assert_eq!(exit_code(&api, &["jobs", "execute", "job_1", "--yes", "--watch"]).await, 6);
    assert_eq!(exit_code(&api, &["segments", "delete-users", "seg_1", "--yes"]).await, 6);
    assert_eq!(exit_code(&api, &["jobs", "status", "job_2"]).await, 0, "it is shown, as was asked");
}

#[tokio::test]
async fn an_option_that_would_have_no_effect_is_an_error() {
    for line in [
        &["jobs", "status", "job_1", "--fail-on", "failed"][..],
        &["jobs", "execute", "job_1", "--fail-on", "failed"],
        &["bulk", "f", "--fail-on", "deleted"],
        &["bulk", "f", "--max-invalid", "101%"],
    ] {
        let parsed = <efface_cli::Cli as clap::Parser>::try_parse_from([&["efface"][..], line].concat());
        assert!(parsed.is_err(), "{line:?}");
    }
}
