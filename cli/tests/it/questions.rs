//! The questions before something is deleted: each says what, how much and where, and only `yes` deletes.

use serde_json::{Value, json};

use crate::{
    efface,
    fake_api::FakeApi,
    terminal::{Run, on_terminal},
};

/// Runs a command that asks, first with another answer than `yes`, and checks that the question names everything and that
/// nothing was deleted. Then it runs it with the right answer.
async fn check(api: &FakeApi, line: &[&str], question: &[&str], answer: &'static str, deletes: &str) -> Run {
    let count = || api.lines().iter().filter(|line| line.starts_with(deletes)).count();
    let declined = on_terminal(line, api.settings(), "no\n").await;
    assert_eq!((declined.exit, count()), (Some(1), 0), "{declined:?}");
    assert!(declined.screen.contains("not confirmed: nothing was done"), "{declined:?}");
    let address = api.settings()[0].1.clone();
    for text in question.iter().chain(&["space     spa_demo\n", &format!("address   {address}\n")]) {
        assert!(declined.screen.contains(text), "{text}: {}", declined.screen);
    }
    let run = on_terminal(line, api.settings(), answer).await;
    assert_eq!((run.exit, count()), (Some(0), 1), "{run:?}");
    run
}

fn plan(api: &FakeApi) {
    api.state().plan = json!({"merges": 1, "identifiers": 4, "memberships": 2});
}

#[tokio::test]
async fn a_profile() {
    let api = FakeApi::start().await;
    plan(&api);
    let question = [
        "This deletes for good:\n",
        "what      the profile that has email:a b#?/é, and what was merged with it\n",
        "how much  7 profiles, 1 merge, 4 identifiers, 2 memberships\n",
    ];
    check(&api, &["profile", "delete", "email:a b#?/é"], &question, "yes\n", "DELETE").await;
    let received = api.state().received.clone();
    assert_eq!(received[0].body, json!({"action": "delete_profile", "rows": ["email:a b#?/é"], "dry_run": true}));
    let path = "collections/users/profiles/email:a%20b%23%3F%2F%C3%A9";
    assert_eq!(api.lines().last().unwrap(), &format!("DELETE {path}"));
}

/// Nothing is asked, or deleted, where there is nothing.
#[tokio::test]
async fn a_profile_that_is_not_there() {
    let api = FakeApi::start().await;
    api.state().plan = json!({"profiles": 0});
    let run = on_terminal(&["profile", "delete", "email:a"], api.settings(), "yes\n").await;
    assert_eq!(run.exit, Some(1));
    assert!(run.screen.contains("no profile has this email: nothing was done"), "{run:?}");
    assert_eq!(api.lines(), ["POST jobs"]);
}

#[tokio::test]
async fn an_identifier() {
    for command in [&["identifier", "delete"][..], &["delete"]] {
        let api = FakeApi::start().await;
        let ids: Vec<Value> = (0..3).map(|i| json!({"type": "email", "id": i.to_string()})).collect();
        let list = json!({"data": ids, "cursor": {"has_more": false, "next": ""}});
        let path = "collections/users/profiles/user_id:u%2F1/external_ids";
        api.state().lists.insert(format!("GET {path}?limit=100"), list);
        let deleted = json!({"code": "success", "message": "External identifier has been deleted."});
        api.state().lists.insert(format!("POST {path}/delete"), deleted);
        let line = [command, &["--user-id", "u/1", "--type", "email", "--id", "2"]].concat();
        let question = [
            "what      the identifier email:2 of the profile that has user_id:u/1\n",
            "how much  1 of 3 identifiers of the profile\n",
        ];
        let run = check(&api, &line, &question, "yes\n", "POST").await;
        assert!(run.output.starts_with("External identifier has been deleted."), "{run:?}");
    }
}

#[tokio::test]
async fn a_file() {
    let api = FakeApi::start().await;
    plan(&api);
    let file = api.file("people.csv", "email:a\nemail:b\n");
    let what = format!("what      everything that {file} names (2 rows)\n");
    let question = [what.as_str(), "how much  7 profiles, 1 merge, 4 identifiers, 2 memberships\n"];
    check(&api, &["bulk", &file], &question, "yes\n", "POST jobs/job_3/start").await;
    let question = [what.as_str(), "how much  7 identifiers\n"];
    let line = ["bulk", &file, "--action", "delete_identifier"];
    check(&api, &line, &question, "yes\n", "POST jobs/job_6/start").await;
}

fn job(more: &Value) -> Value {
    let mut job = json!({"id": "job_1", "action": "delete_profile", "state": "completed", "rows": 9, "remaining": 0,
        "counts": {"deleted": 4, "failed": 5}, "group": null, "created_at": null});
    job.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    job
}

async fn api_with(job: Value) -> FakeApi {
    let api = FakeApi::start().await;
    api.state().endless = true;
    api.state().jobs.insert("job_1".to_owned(), job);
    api
}

#[tokio::test]
async fn an_executed_plan() {
    let plan = json!({"rows": 9, "profiles": 3, "identifiers": 5});
    let api = api_with(job(&json!({"dry_run": true, "plan": plan}))).await;
    let question = ["what      the profiles that the dry run job_1 found\n", "how much  3 profiles, 5 identifiers\n"];
    check(&api, &["jobs", "execute", "job_1"], &question, "yes\n", "POST").await;
}

#[tokio::test]
async fn an_approved_job() {
    for (more, what, how_much) in [
        (json!({}), "everything that job_1 names (9 rows)", "up to 9 profiles"),
        (json!({"action": "delete_identifier"}), "everything that job_1 names (9 rows)", "up to 9 identifiers"),
        (
            json!({"action": "delete_segment", "segment_id": "seg_1", "rows": 0, "expected_members": 1_200}),
            "all users of the segment seg_1",
            "1200 profiles",
        ),
    ] {
        let mut job = job(&more);
        job["state"] = "awaiting_approval".into();
        let api = api_with(job).await;
        let question = [
            "With your approval, a job deletes for good:\n".to_owned(),
            format!("what      {what}\n"),
            format!("how much  {how_much}\n"),
        ];
        check(&api, &["jobs", "approve", "job_1"], &question.each_ref().map(String::as_str), "yes\n", "POST").await;
    }
}

/// Failed rows that are run again delete. A dry run, and a job that runs, do not: nobody is asked.
#[tokio::test]
async fn a_redriven_job() {
    let api = api_with(job(&json!({}))).await;
    let question = ["what      what the failed rows of job_1 name\n", "how much  up to 5 profiles\n"];
    check(&api, &["jobs", "redrive", "job_1"], &question, "yes\n", "POST").await;
    let api = api_with(job(&json!({}))).await;
    let error = api.run(&["jobs", "redrive", "job_1"]).await.unwrap_err();
    assert_eq!((error.exit_code(), api.lines()), (2, vec!["GET jobs/job_1".to_owned()]), "there is no terminal");
    api.run(&["jobs", "redrive", "job_1", "--yes"]).await.unwrap();
    for more in [json!({"dry_run": true}), json!({"state": "running"}), json!({"counts": {}})] {
        let api = api_with(job(&more)).await;
        api.run(&["jobs", "redrive", "job_1"]).await.unwrap();
    }
}

#[tokio::test]
async fn segments() {
    let api = FakeApi::start().await;
    api.state().segments.put("seg_1", "VIPs", &["use_a", "use_b"]);
    let file = api.file("people.txt", "email:a\n");
    let question = [
        "This removes memberships, and deletes no profile:\n",
        &format!("what      from seg_1, everything that {file} names (1 row)\n"),
        "how much  up to 1 membership\n",
    ];
    check(&api, &["segments", "remove", "seg_1", &file], &question, "yes\n", "POST segments/seg_1/members/remove")
        .await;
    api.state().segments.put("seg_2", "VIPs", &["use_a", "use_b"]);
    let question = [
        &format!("what      from seg_2, everything but what {file} names (1 row)\n"),
        "how much  1 of 2 memberships\n",
    ];
    check(&api, &["segments", "replace", "seg_2", &file], &question, "yes\n", "POST segments/seg_2/members/remove")
        .await;
    let question = [
        "what      all users of the segment seg_2, with what was merged with them\n",
        "how much  1 profile\n",
        "Type its name, VIPs, to continue: ",
    ];
    let api = FakeApi::start().await;
    api.state().segments.put("seg_2", "VIPs", &["use_a"]);
    let line = ["segments", "delete-users", "seg_2", "--no-wait"];
    let count = |api: &FakeApi| api.state().received.iter().filter(|one| one.body["confirm"] == true).count();
    let declined = on_terminal(&line, api.settings(), "yes\n").await;
    assert_eq!((declined.exit, count(&api)), (Some(1), 0), "the name is asked for: {declined:?}");
    assert!(question.iter().all(|text| declined.screen.contains(text)), "{}", declined.screen);
    assert_eq!(on_terminal(&line, api.settings(), "VIPs\n").await.exit, Some(0));
    assert_eq!(count(&api), 1);
}

#[tokio::test]
async fn a_segment_itself() {
    let api = FakeApi::start().await;
    api.state().segments.put("seg_1", "VIPs", &[]);
    let error = api.run(&["segments", "delete", "seg_1"]).await.unwrap_err();
    assert_eq!((error.exit_code(), api.lines().len()), (2, 0), "there is no terminal to ask on");
    let question =
        ["what      the segment seg_1, \"VIPs\"\n", "how much  1 segment, which must be empty; no profile\n"];
    check(&api, &["segments", "delete", "seg_1"], &question, "yes\n", "DELETE").await;
}

/// Every command that asks needs `--yes` without a terminal, and deletes nothing without it.
#[tokio::test]
async fn without_a_terminal_yes_is_needed() {
    let api = api_with(job(&json!({}))).await;
    let file = api.file("people.csv", "email:a\n");
    let identifier = ["--user-id", "u", "--type", "email", "--id", "e"];
    for line in [
        &[&["identifier", "delete"][..], &identifier].concat()[..],
        &[&["delete"][..], &identifier].concat(),
        &["identifier", "delete", "-"],
        &["profile", "delete", "email:a"],
        &["bulk", &file],
        &["jobs", "execute", "job_1"],
        &["jobs", "approve", "job_1"],
        &["jobs", "redrive", "job_1"],
        &["segments", "delete", "seg_1"],
        &["segments", "delete-users", "seg_1"],
        &["segments", "remove", "seg_1", &file],
        &["segments", "replace", "seg_1", &file],
    ] {
        let run = efface(line, api.settings(), "yes\n").await;
        assert_eq!(run.status.code(), Some(2), "{line:?}: {run:?}");
        assert!(String::from_utf8_lossy(&run.stderr).contains("--yes") || run.stderr.is_empty(), "{line:?}: {run:?}");
    }
    assert!(api.lines().iter().all(|line| line.starts_with("GET")), "{:?}", api.lines());
}
