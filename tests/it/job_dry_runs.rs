//! A dry run must not be taken for a deletion by whoever reads about it.

use efface_tests::{Req, TestApp, app::SPACE};
use serde_json::{Value, json};

async fn read(app: &TestApp, rest: &str) -> Value {
    let reply = app.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs{rest}"))).await;
    assert!(reply.status == 200 || reply.status == 408, "{}", reply.body);
    reply.body
}

/// A job of rows that delete, name the same, find nothing and cannot be read; it is run to its end.
async fn finished(app: &TestApp, dry_run: bool) -> String {
    let rows = ["user_id:u", "email:e@x", "user_id:none", "junk"];
    // It is open, so that a worker carries it out and its events are there.
    let body = json!({ "action": "delete_profile", "rows": rows, "dry_run": dry_run, "open": true, "group": "g" });
    let job = app.job(body).await;
    app.control(&job, "start").await;
    app.work().await;
    job
}

#[tokio::test]
async fn outcomes_of_a_dry_run_say_so() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u", "email:e@x"]).await;
    let (dry, real) = (finished(&app, true).await, finished(&app, false).await);
    let (dry_list, real_list) =
        (read(&app, &format!("/{dry}/outcomes")).await, read(&app, &format!("/{real}/outcomes")).await);
    assert_eq!((&dry_list["dry_run"], &real_list["dry_run"]), (&json!(true), &json!(false)));
    // Either of the first two rows may be the one that deletes the profile.
    let words = |list: &Value| {
        let rows = list["data"].as_array().unwrap().iter();
        let mut words: Vec<String> = rows.map(|row| format!("{} {}", row["outcome"], row["code"])).collect();
        words.sort();
        words
    };
    assert_eq!(words(&dry_list), words(&real_list), "the words of the contract");
    let messages: Vec<&str> =
        dry_list["data"].as_array().unwrap().iter().map(|row| row["message"].as_str().unwrap()).collect();
    assert!(messages.contains(&"It would be deleted; this is a dry run."), "{messages:?}");
    assert!(messages.contains(&"Another row of this dry run names the same."), "{messages:?}");
    assert!(messages.iter().all(|message| !message.contains("has been deleted")), "{messages:?}");
    for (job, is_dry) in [(dry, "true"), (real, "false")] {
        let path = format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/outcomes");
        let reply = app.send(Req::get(path).header("Accept", "text/csv")).await;
        let lines: Vec<&str> = reply.body.as_str().unwrap().trim_end().split("\r\n").collect();
        assert_eq!((lines[0], lines.len()), ("page,row,outcome,code,message,dry_run", 5));
        assert!(lines[1..].iter().all(|line| line.ends_with(&format!(",{is_dry}"))), "{lines:?}");
    }
}

#[tokio::test]
async fn events_of_a_dry_run_say_so() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u", "email:e@x"]).await;
    for dry_run in [true, false] {
        let job = finished(&app, dry_run).await;
        let events = read(&app, &format!("/{job}/events")).await;
        assert_eq!(events["dry_run"], dry_run);
        let texts: Vec<&str> =
            events["data"].as_array().unwrap().iter().map(|event| event["text"].as_str().unwrap()).collect();
        assert!(texts.len() >= 3, "{texts:?}");
        let is_marked = |text: &&&str| text.starts_with("The dry run ") || text.starts_with("Dry run: ");
        assert_eq!(texts.iter().filter(is_marked).count(), if dry_run { texts.len() } else { 0 }, "{texts:?}");
    }
}

#[tokio::test]
async fn sums_and_waits_keep_dry_runs_apart() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u", "email:e@x"]).await;
    finished(&app, true).await;
    for query in ["", "?group=g", "?state=completed", "?created_by=me", "?group=g&until=settled"] {
        let sums = read(&app, query).await;
        assert_eq!(
            (&sums["counts"]["deleted"], &sums["jobs"], &sums["rows"]),
            (&json!(0), &json!(0), &json!(0)),
            "{query}"
        );
    }
    finished(&app, false).await;
    for query in ["", "?group=g", "?state=completed", "?created_by=me", "?group=g&until=settled"] {
        let sums = read(&app, query).await;
        assert_eq!(
            (&sums["counts"]["deleted"], &sums["jobs"], &sums["rows"]),
            (&json!(1), &json!(1), &json!(4)),
            "{query}"
        );
    }
    let open = app.job(json!({ "action": "delete_profile", "dry_run": true, "open": true })).await;
    let waits = read(&app, &format!("/{open}?until=settled")).await;
    assert_eq!(waits["error"]["message"], "The dry run is open: 0 of 0 rows have an outcome.");
}

/// Who waits for a group learns whether a job was cancelled, beside what its rows came to.
#[tokio::test]
async fn a_group_tells_its_cancelled_jobs() {
    let app = TestApp::start().await;
    let job = app.job(json!({ "action": "delete_profile", "open": true, "group": "g" })).await;
    assert_eq!(read(&app, "?group=g&until=settled").await["cancelled_jobs"], 0);
    app.control(&job, "cancel").await;
    let group = read(&app, "?group=g&until=settled").await;
    assert_eq!((&group["cancelled_jobs"], &group["jobs"]), (&json!(1), &json!(1)));
    assert!(read(&app, "?group=g").await.get("cancelled_jobs").is_none());
}
