//! The start of jobs: at their time, with the rows that were seen, and with a time that a start or an approval names.

use efface_core::role::Role;
use efface_tests::{Req, app::SPACE, jobs::summary};
use serde_json::{Value, json};

use crate::job_approval::{DAY, HOUR, app, approve, control_with, delete, events, profiles_left, start_at};

#[tokio::test]
async fn a_job_waits_for_its_time() {
    let app = app().await;
    let at = start_at(&app, 10 * DAY);
    let mut body = delete(0..2);
    body["start_at"] = json!(at);
    let job = app.job(body.clone()).await;
    app.work().await;
    app.clock.advance(10 * DAY - HOUR);
    app.reconcile().await;
    app.work().await;
    let status = app.job_status(&job).await;
    assert_eq!((summary(&status).as_str(), &status["start_at"]), ("scheduled: 2 remaining", &json!(at)));
    for (verb, expected) in [("start", 202), ("pause", 409), ("resume", 409), ("redrive", 409), ("approve", 409)] {
        assert_eq!(app.control(&job, verb).await.status, expected, "{verb}");
    }
    app.clock.advance(HOUR);
    app.reconcile().await;
    app.work().await;
    assert_eq!(app.job_summary(&job).await, "completed: 2 deleted");
    let told = events(&app, &job).await;
    assert_eq!(told, ["created workspace_owner", "scheduled workspace_owner", "started", "completed"]);

    // Another can be cancelled before, and then has deleted nothing.
    body["rows"] = json!(["user_id:u5"]);
    body["start_at"] = json!(start_at(&app, DAY));
    let job = app.job(body.clone()).await;
    assert_eq!(app.control(&job, "cancel").await.body["job"]["state"], "cancelled");
    app.clock.advance(2 * DAY);
    app.reconcile().await;
    app.work().await;
    assert_eq!(app.job_summary(&job).await, "cancelled: 1 remaining");
    assert_eq!(profiles_left(&app).await, 8);
}

/// Who starts an open job, or approves one, can give the time until which it can be undone.
#[tokio::test]
async fn a_start_and_an_approval_can_name_a_time() {
    let app = app().await;
    let open = |range| {
        let mut body = delete(range);
        body["open"] = json!(true);
        body
    };
    let at = |millis| json!({ "start_at": start_at(&app, millis) });
    let start = async |job: &str, body: &Value| control_with(&app, Role::WorkspaceOwner, job, "start", body).await;

    // Its rows are few enough for one person: it is held only while they are added up, and keeps the time.
    let job = app.job(open(0..2)).await;
    let soon = at(60_000);
    for _ in 0..2 {
        let reply = start(&job, &soon).await;
        assert_eq!((reply.status, &reply.body["job"]["state"]), (202, &json!("scheduled")), "{}", reply.body);
        assert_eq!(reply.body["job"]["start_at"], soon["start_at"]);
    }
    // What is sent again with another time, or with none, changes nothing.
    for other in [at(0), at(HOUR), json!({})] {
        assert_eq!(start(&job, &other).await.body["job"]["start_at"], soon["start_at"]);
    }
    // By the worker's clock it is not due. The queue delivers such a message when it is.
    let message = app.queue.take();
    app.deliver(&app.worker(), &message).await;
    assert_eq!(app.job_summary(&job).await, "scheduled: 2 remaining");
    assert_eq!(profiles_left(&app).await, 10);
    app.clock.advance(63_000);
    app.deliver(&app.worker(), &message).await;
    app.work().await;
    assert_eq!(app.job_summary(&job).await, "completed: 2 deleted");
    let told = events(&app, &job).await;
    let expected = ["created workspace_owner", "scheduled workspace_owner", "started", "completed"];
    assert_eq!(told.iter().filter(|kind| *kind != "verified").collect::<Vec<_>>(), expected);
    let path = format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/events");
    let text = app.send(Req::get(path)).await.body["data"][1]["text"].as_str().unwrap().to_owned();
    assert!(text.contains(soon["start_at"].as_str().unwrap()), "{text}");

    // It is undone before.
    let job = app.job(open(2..4)).await;
    assert_eq!(start(&job, &at(60_000)).await.status, 202);
    assert_eq!(app.control(&job, "cancel").await.body["job"]["state"], "cancelled");
    app.clock.advance(DAY);
    app.reconcile().await;
    app.work().await;
    assert_eq!(app.job_summary(&job).await, "cancelled: 2 remaining");

    // A job of more rows has the time while it awaits its approval. The approval can only make that later.
    let job = app.job(open(4..8)).await;
    let (soon, later) = (at(60_000), at(120_000));
    let reply = start(&job, &soon).await;
    assert_eq!(reply.body["job"]["state"], "awaiting_approval");
    assert_eq!(reply.body["job"]["start_at"], soon["start_at"]);
    let approve = async |body: &Value| control_with(&app, Role::PrivacyAdmin, &job, "approve", body).await;
    for (body, field) in [
        (at(31 * DAY), "start_at"),
        (at(-2 * DAY), "start_at"),
        (json!({ "start_at": "soon" }), "start_at"),
        (json!({ "start_at": 7 }), "start_at"),
        (json!({ "startAt": "2026-06-02T00:00:00Z" }), "startAt"),
    ] {
        for reply in [start(&job, &body).await, approve(&body).await] {
            assert_eq!((reply.status, &reply.body["error"]["code"]), (400, &json!("bad_request")), "{body}");
            assert!(reply.body["error"]["message"].as_str().unwrap().contains(field), "{}", reply.body);
        }
    }
    let reply = approve(&later).await;
    assert_eq!((reply.status, &reply.body["job"]["state"]), (202, &json!("scheduled")), "{}", reply.body);
    assert_eq!(reply.body["job"]["start_at"], later["start_at"]);
    app.clock.advance(63_000);
    app.reconcile().await;
    app.work().await;
    assert_eq!(app.job_summary(&job).await, "scheduled: 4 remaining");
    app.clock.advance(60_000);
    app.reconcile().await;
    app.work().await;
    assert_eq!(app.job_summary(&job).await, "completed: 4 deleted");
    assert_eq!(profiles_left(&app).await, 4);
}

/// A start may end before it has let the job go: whoever starts it again has a time of their own.
#[tokio::test]
async fn a_start_that_is_sent_again_later_keeps_its_own_time() {
    let mut held = 0;
    for passes in 0..16 {
        let app = app().await;
        let mut body = delete(0..2);
        body["open"] = json!(true);
        let job = app.job(body).await;
        let at = |millis| json!({ "start_at": start_at(&app, millis) });
        let start = async |body: &Value| control_with(&app, Role::WorkspaceOwner, &job, "start", body).await;
        app.db.proxy.dies_after(passes, true, start(&at(60_000))).await;
        // It is held until its rows are added up, and the request has died before.
        if app.job_status(&job).await["state"] != "awaiting_approval" {
            app.leave_messages();
            continue;
        }
        held += 1;
        app.clock.advance(10 * 60_000);
        let soon = at(60_000);
        let reply = start(&soon).await;
        assert_eq!((reply.status, &reply.body["job"]["state"]), (202, &json!("scheduled")), "{passes}: {}", reply.body);
        assert_eq!(reply.body["job"]["start_at"], soon["start_at"]);
        app.leave_messages();
    }
    assert!(held > 0);
}

/// An open job takes pages from everybody who may make it: who starts it says how many rows they have seen.
#[tokio::test]
async fn a_start_names_the_rows_that_were_seen() {
    let app = app().await;
    let mut body = delete(0..2);
    body["open"] = json!(true);
    let job = app.job(body).await;
    let start = async |rows: Value| {
        control_with(&app, Role::WorkspaceOwner, &job, "start", &json!({ "expected_rows": rows })).await
    };
    for rows in [0, 1, 3] {
        let reply = start(json!(rows)).await;
        let (code, number) = (&reply.body["error"]["code"], &reply.body["rows"]);
        assert_eq!((reply.status, code, number), (409, &json!("rows_changed"), &json!(2)), "{}", reply.body);
    }
    assert_eq!(start(json!("2")).await.status, 400);
    assert_eq!(app.job_status(&job).await["state"], "open");
    assert_eq!(start(json!(2)).await.body["job"]["state"], "queued");
    assert_eq!(start(json!(7)).await.status, 202, "it is started already");
    app.work().await;
    assert_eq!(app.job_summary(&job).await, "completed: 2 deleted");
}

/// The worker's clock may be behind or ahead of that of the API.
#[tokio::test]
async fn a_job_starts_in_time_although_clocks_differ() {
    let app = app().await;
    let mut body = delete(0..1);
    body["start_at"] = json!(start_at(&app, 5_000));
    let job = app.job(body).await;
    let message = app.queue.take();
    assert_eq!(message.len(), 1, "a message comes when it is due");
    app.deliver(&app.worker(), &message).await;
    assert_eq!(app.job_summary(&job).await, "scheduled: 1 remaining", "by the worker's clock it is not due");
    app.clock.advance(5_000);
    app.deliver(&app.worker(), &message).await;
    app.work().await;
    assert_eq!(app.job_summary(&job).await, "completed: 1 deleted");

    for (ahead, expected) in [(-25 * HOUR, 400), (-HOUR, 202), (30 * DAY - HOUR, 202), (31 * DAY, 400)] {
        let mut body = delete(1..2);
        body["start_at"] = json!(start_at(&app, ahead));
        let reply = app.create_job(body).await;
        assert_eq!(reply.status, expected, "{ahead} {}", reply.body);
        assert!(expected == 202 || reply.body["error"]["message"].as_str().unwrap().contains("`start_at`"));
    }
    for bad in [json!("tomorrow"), json!(7), json!("2026-06-02")] {
        let mut body = delete(1..2);
        body["start_at"] = bad;
        assert_eq!(app.create_job(body).await.status, 400);
    }
    app.work().await;
}

/// A job that was held starts in time, too: by the message that comes when it is due.
#[tokio::test]
async fn a_job_that_was_approved_starts_in_time() {
    let app = app().await;
    let mut body = delete(0..4);
    body["start_at"] = json!(start_at(&app, 60_000));
    let job = app.job(body).await;
    assert_eq!(approve(&app, &job).await.body["job"]["state"], "scheduled");
    app.clock.advance(60_000);
    app.work().await;
    assert_eq!(app.job_summary(&job).await, "completed: 4 deleted", "no reconciler was needed");
}
