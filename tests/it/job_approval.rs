//! Jobs that wait for the approval of a second person.

use std::collections::HashMap;

use efface_core::{role::Role, space::SpaceId};
use efface_tests::{Reply, Req, TestApp, app::SPACE, jobs::summary};
use serde_json::{Value, json};

pub(crate) const HOUR: i64 = 3_600_000;
pub(crate) const DAY: i64 = 24 * HOUR;

/// An app with the profiles `u0` to `u9`, whose space lets one person delete three rows.
pub(crate) async fn app() -> TestApp {
    let app = TestApp::start().await;
    for i in 0..10 {
        app.profile(&[&format!("user_id:u{i}"), &format!("email:e{i}@x")]).await;
    }
    set_approval_over(&app, json!(3)).await;
    app
}

/// Changes the setting. Instances remember a space for half a minute.
async fn set_approval_over(app: &TestApp, rows: Value) {
    app.space(SPACE, json!({ "approval_over": rows })).await;
    app.clock.advance(31_000);
}

pub(crate) fn delete(range: std::ops::Range<usize>) -> Value {
    json!({ "action": "delete_profile", "rows": range.map(|i| format!("user_id:u{i}")).collect::<Vec<_>>() })
}

async fn control_by(app: &TestApp, role: Role, job: &str, verb: &str) -> Reply {
    control_with(app, role, job, verb, &json!({})).await
}

pub(crate) async fn control_with(app: &TestApp, role: Role, job: &str, verb: &str, body: &Value) -> Reply {
    let token = app.token(role).to_owned();
    let request = Req::post(format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/{verb}"), body);
    app.send_raw(&request.token(&token)).await
}

pub(crate) async fn approve(app: &TestApp, job: &str) -> Reply {
    control_by(app, Role::PrivacyAdmin, job, "approve").await
}

/// How many of the ten profiles are there.
pub(crate) async fn profiles_left(app: &TestApp) -> usize {
    let mut left = 0;
    for i in 0..10 {
        let read = app.send(Req::read(SPACE, "user_id", &format!("u{i}"), "external_ids")).await;
        left += usize::from(read.status == 200);
    }
    left
}

/// The kinds of a job's events, with the role of the token behind each.
pub(crate) async fn events(app: &TestApp, job: &str) -> Vec<String> {
    let tokens = app.db.store.list_tokens(&SpaceId::parse(SPACE).unwrap()).await.unwrap();
    let names: HashMap<String, Role> =
        tokens.into_iter().map(|token| (token.token_id.to_string(), token.role)).collect();
    let (mut kinds, mut next) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/events?limit=2&next={next}");
        let reply = app.send(Req::get(path)).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        for event in reply.body["data"].as_array().unwrap() {
            let by = event["token_id"].as_str().map_or_else(String::new, |token| format!(" {}", names[token]));
            assert!(event["text"].as_str().unwrap().ends_with('.') && event["at"].is_string(), "{event}");
            kinds.push(format!("{}{by}", event["kind"].as_str().unwrap()));
        }
        reply.body["cursor"]["next"].as_str().unwrap().clone_into(&mut next);
        if reply.body["cursor"]["has_more"] == json!(false) {
            return kinds;
        }
    }
}

pub(crate) fn start_at(app: &TestApp, millis: i64) -> String {
    efface_core::time::Time::from_millis(app.clock.peek().millis() + millis).unwrap().to_string()
}

#[tokio::test]
async fn a_job_over_the_limit_does_nothing_until_a_second_token_approves_it() {
    let app = app().await;
    let job = app.job(delete(0..4)).await;
    for _ in 0..3 {
        app.clock.advance(200_000);
        app.reconcile().await;
        app.work().await;
    }
    assert_eq!(app.job_summary(&job).await, "awaiting_approval: 4 remaining");
    assert_eq!(profiles_left(&app).await, 10);
    // Neither its maker, nor roles that may not make such a job, nor another space's token.
    let own = app.control(&job, "approve").await;
    assert_eq!((own.status, &own.body["error"]["code"]), (403, &json!("own_job")));
    for role in [Role::IdentityAdmin, Role::Auditor, Role::ProfileReader, Role::Administrator] {
        let reply = control_by(&app, role, &job, "approve").await;
        assert_eq!((reply.status, &reply.body["error"]["code"]), (403, &json!("forbidden")), "{role}");
    }
    app.space("spa_other", json!({})).await;
    let other = app.new_token("spa_other", Role::WorkspaceOwner).await;
    for (space, status) in [(SPACE, 401), ("spa_other", 404)] {
        let request = Req::post(format!("/v1/spaces/{space}/deletion_jobs/{job}/approve"), &json!({}));
        assert_eq!(app.send_raw(&request.token(&other)).await.status, status);
    }
    assert_eq!(control_by(&app, Role::PrivacyAdmin, &job, "pause").await.status, 409);
    let status = control_by(&app, Role::PrivacyAdmin, &job, "start").await;
    assert_eq!(status.body["job"]["state"], "awaiting_approval", "to start it is no approval");
    assert_eq!(profiles_left(&app).await, 10);

    let approved = approve(&app, &job).await;
    assert_eq!((approved.status, &approved.body["job"]["state"]), (202, &json!("queued")));
    assert_eq!(approved.body["job"]["approvals"].as_array().unwrap().len(), 1);
    assert_eq!(approve(&app, &job).await.status, 202, "to approve twice is to approve once");
    app.work().await;
    let status = app.job_status(&job).await;
    assert_eq!((summary(&status).as_str(), &status["verdict"]), ("completed: 4 deleted", &json!("complete")));
    assert_eq!(profiles_left(&app).await, 6);
    assert_eq!(
        events(&app, &job).await,
        [
            "created workspace_owner",
            "awaiting_approval workspace_owner",
            "approved privacy_admin",
            "started privacy_admin",
            "completed"
        ]
    );
    app.reconcile().await;
    assert_eq!(events(&app, &job).await.last().unwrap(), "verified");
}

#[tokio::test]
async fn a_job_up_to_the_limit_needs_no_approval() {
    let app = app().await;
    let job = app.job(delete(0..3)).await;
    app.work().await;
    assert_eq!(app.job_summary(&job).await, "completed: 3 deleted");
    assert_eq!(events(&app, &job).await, ["created workspace_owner", "started workspace_owner", "completed"]);
    let plan =
        app.create_job(json!({ "action": "delete_profile", "rows": vec!["user_id:u3"; 9], "dry_run": true })).await;
    assert_eq!(plan.status, 200, "a dry run deletes nothing");
    set_approval_over(&app, json!(0)).await;
    assert_eq!(app.create_job(delete(3..4)).await.body["job"]["state"], "awaiting_approval");
    let one = app.send(Req::delete_profile(SPACE, "user_id", "u4")).await;
    assert_eq!(one.status, 200, "whoever asks for one profile has looked at it");
    set_approval_over(&app, Value::Null).await;
    assert_eq!(app.create_job(delete(5..10)).await.body["job"]["state"], "queued");
    app.work().await;
}

#[tokio::test]
async fn a_job_is_rejected_or_cancelled_while_it_waits() {
    let app = app().await;
    for (role, verb) in [
        (Role::PrivacyAdmin, "reject"),
        (Role::WorkspaceOwner, "reject"),
        (Role::WorkspaceOwner, "cancel"),
        (Role::PrivacyAdmin, "cancel"),
    ] {
        let job = app.job(delete(0..4)).await;
        let reply = control_by(&app, role, &job, verb).await;
        assert_eq!((reply.status, &reply.body["job"]["state"]), (202, &json!("cancelled")), "{role} {verb}");
        assert_eq!(reply.body["job"]["verdict"], "stopped");
        assert_eq!(control_by(&app, role, &job, verb).await.status, 202, "again");
        let late = approve(&app, &job).await;
        assert_eq!(late.line(), "409 invalid_state A job that is cancelled can't be approved.");
        app.work().await;
        assert_eq!(app.job_summary(&job).await, "cancelled: 4 remaining");
        let last = if verb == "reject" { vec!["rejected", "cancelled"] } else { vec!["cancelled"] };
        let last: Vec<String> = last.into_iter().map(|kind| format!("{kind} {role}")).collect();
        assert!(events(&app, &job).await.ends_with(&last), "{verb}");
    }
    let running = app.job(delete(0..1)).await;
    assert_eq!(control_by(&app, Role::PrivacyAdmin, &running, "reject").await.status, 409);
    assert_eq!(approve(&app, &running).await.status, 409, "it needs none");
    app.work().await;
    assert_eq!(profiles_left(&app).await, 9);
}

/// A run cannot be split into jobs of a group that are too small each: they are added up, also where they come at once.
#[tokio::test]
async fn the_jobs_of_a_group_are_added_up() {
    let app = app().await;
    let page = |i: usize| {
        let rows = [format!("user_id:u{}", 2 * i), format!("user_id:u{}", 2 * i + 1)];
        let request = Req::post("/internal/bulk-delete-internal", &json!(rows));
        request.header("x-reactor-instance-name", "demo").header("x-deletion-group", "run")
    };
    let first = app.send(page(0)).await;
    assert_eq!(first.body["state"], "queued");
    let second = app.send(page(1)).await;
    assert_eq!(second.body["state"], "awaiting_approval", "{}", second.body);
    assert_eq!(app.send(page(1)).await.body["job_id"], second.body["job_id"]);
    // Four pages at once, each of which alone would be small enough.
    set_approval_over(&app, json!(5)).await;
    let pages = (0..4).map(|i| {
        let body = json!({ "action": "delete_profile", "group": "at once", "rows":
            (0..2).map(|row| format!("user_id:u{}", 2 * i + row)).collect::<Vec<_>>() });
        app.create_job(body)
    });
    let replies = futures::future::join_all(pages).await;
    let started: usize = replies.iter().filter(|reply| reply.body["job"]["state"] == "queued").count();
    assert!(started <= 2, "at most 5 rows start: {started} jobs of 2");
    app.work().await;
    assert!(profiles_left(&app).await >= 10 - 2 - 4);
    let job = second.body["job_id"].as_str().unwrap();
    assert_eq!(approve(&app, job).await.status, 202);
    app.work().await;
    assert_eq!(app.job_status(job).await["state"], "completed");
}

/// What an open job comes to is known when it is started.
#[tokio::test]
async fn an_open_job_is_judged_at_its_start() {
    let app = app().await;
    let mut jobs = Vec::new();
    for pages in [1, 2] {
        let job = app.job(json!({ "action": "delete_profile", "open": true })).await;
        for page in 0..pages {
            let rows = [format!("user_id:u{page}"), format!("user_id:u{}", page + 5)];
            let path = format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/rows");
            assert_eq!(app.send(Req::post(path, &json!({ "page": page, "rows": rows }))).await.status, 202);
        }
        assert_eq!(app.job_status(&job).await["state"], "open");
        jobs.push(job);
    }
    assert_eq!(app.control(&jobs[0], "start").await.body["job"]["state"], "queued");
    assert_eq!(app.control(&jobs[1], "start").await.body["job"]["state"], "awaiting_approval");
    assert_eq!(app.control(&jobs[1], "start").await.body["job"]["state"], "awaiting_approval");
    let told = events(&app, &jobs[1]).await;
    assert_eq!(told, ["created workspace_owner", "awaiting_approval workspace_owner"]);
    app.work().await;
    assert_eq!(approve(&app, &jobs[1]).await.status, 202);
    app.work().await;
    assert_eq!(app.job_summary(&jobs[1]).await, "completed: 2 deleted, 2 not_found");
}

/// A request that dies between the job and the sum of its group's rows leaves a job that waits; the same request again
/// settles it.
#[tokio::test]
async fn a_job_that_is_held_when_its_request_dies_deletes_nothing() {
    for writes in 0..8 {
        let app = app().await;
        let body = json!({ "action": "delete_profile", "rows": ["user_id:u0"], "group": "run" });
        let request = Req::post(format!("/v1/spaces/{SPACE}/deletion_jobs"), &body).key("k");
        app.db.proxy.dies_after(writes, true, app.send(request.clone())).await;
        app.clock.advance(400_000);
        app.reconcile().await;
        app.work().await;
        let reply = app.send(request).await;
        assert_eq!(reply.status, 202, "{writes}: {}", reply.body);
        app.work().await;
        let job = reply.body["job"]["id"].as_str().unwrap();
        assert_ne!(app.job_status(job).await["state"], "awaiting_approval", "{writes}");
        // Where the message got lost, the reconciler sends it.
        for _ in 0..2 {
            app.reconcile().await;
            app.work().await;
            app.clock.advance(400_000);
        }
        assert_eq!(app.job_summary(job).await, "completed: 1 deleted", "{writes}");
        let told = events(&app, job).await;
        assert_eq!(told[..3], ["created workspace_owner", "started workspace_owner", "completed"], "{writes}");
    }
}

/// A job waits for its approval first, then for its time. An approval of more than 7 days ago has lapsed.
#[tokio::test]
async fn an_approval_lapses_after_7_days() {
    let app = app().await;
    for (days, expected) in [(7, "completed: 4 deleted"), (8, "awaiting_approval: 4 remaining")] {
        let range = if days == 7 { 0..4 } else { 4..8 };
        let mut body = delete(range);
        body["start_at"] = json!(start_at(&app, days * DAY));
        let job = app.job(body).await;
        assert_eq!(app.job_status(&job).await["state"], "awaiting_approval");
        assert_eq!(approve(&app, &job).await.body["job"]["state"], "scheduled");
        app.clock.advance(days * DAY);
        app.reconcile().await;
        app.work().await;
        assert_eq!(app.job_summary(&job).await, expected, "{days}");
        if days == 8 {
            assert_eq!(app.control(&job, "start").await.body["job"]["state"], "awaiting_approval");
            assert_eq!(app.control(&job, "approve").await.status, 403);
            assert_eq!(approve(&app, &job).await.body["job"]["state"], "queued");
            app.work().await;
            assert_eq!(app.job_summary(&job).await, "completed: 4 deleted");
            let kinds = events(&app, &job).await;
            let told = "awaiting_approval workspace_owner,approved privacy_admin,scheduled privacy_admin,\
                        awaiting_approval,approved privacy_admin,started privacy_admin,completed";
            assert_eq!(kinds[1..].join(","), told);
        }
    }
}

/// An approval, a rejection and a cancellation at once: one of them wins, and the job's end fits.
#[tokio::test]
async fn an_approval_races_with_a_cancellation() {
    for _ in 0..10 {
        let app = app().await;
        let job = app.job(delete(0..4)).await;
        let (approved, cancelled, rejected) = tokio::join!(
            approve(&app, &job),
            app.control(&job, "cancel"),
            control_by(&app, Role::PrivacyAdmin, &job, "reject")
        );
        assert!(cancelled.status == 202, "{}", cancelled.body);
        app.work().await;
        app.reconcile().await;
        app.work().await;
        let end = app.job_summary(&job).await;
        assert_eq!(end, "cancelled: 4 remaining", "{} {}", approved.status, rejected.status);
        assert_eq!(profiles_left(&app).await, 10);
    }
}

/// Who may make a job may read one that waits for them.
#[tokio::test]
async fn who_may_approve_a_job_may_read_it() {
    let app = app().await;
    let rows: Vec<Value> =
        (0..4).map(|i| json!({ "user_id": format!("u{i}"), "type": "email", "id": format!("e{i}@x") })).collect();
    let job = app.job(json!({ "action": "delete_identifier", "rows": rows })).await;
    for what in ["", "/events"] {
        let token = app.token(Role::IdentityAdmin).to_owned();
        let request = Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs/{job}{what}")).token(&token);
        assert_eq!(app.send_raw(&request).await.status, 200, "{what}");
    }
    assert_eq!(control_by(&app, Role::PrivacyAdmin, &job, "approve").await.status, 403);
    assert_eq!(control_by(&app, Role::IdentityAdmin, &job, "approve").await.status, 202);
    app.work().await;
    assert_eq!(app.job_summary(&job).await, "completed: 4 deleted");
}

/// A job whose owner is patient: one that nobody approves is cancelled after 30 days, and its life counts from its start.
#[tokio::test]
async fn a_job_that_waited_long_still_has_its_rows() {
    let app = app().await;
    let mut body = delete(0..4);
    body["start_at"] = json!(start_at(&app, 30 * DAY - HOUR));
    let job = app.job(body.clone()).await;
    app.clock.advance(29 * DAY);
    app.reconcile().await;
    assert_eq!(approve(&app, &job).await.body["job"]["state"], "scheduled");
    app.clock.advance(DAY);
    app.reconcile().await;
    app.queue.take();
    // The message got lost, and nobody looked for 49 days.
    app.clock.advance(49 * DAY);
    app.reconcile().await;
    app.clock.advance(200_000);
    app.reconcile().await;
    app.work().await;
    assert_eq!(app.job_summary(&job).await, "completed: 4 deleted");
    let items = app.db.items().await;
    let now = app.clock.peek().second();
    let kept = |item: &HashMap<String, _>| match item.get("ttl") {
        Some(aws_sdk_dynamodb::types::AttributeValue::N(ttl)) => ttl.parse::<i64>().unwrap() > now,
        _ => true,
    };
    let is_row =
        |item: &HashMap<String, aws_sdk_dynamodb::types::AttributeValue>| item["pk"].as_s().unwrap().starts_with("Q#");
    assert!(items.iter().filter(|item| is_row(item)).all(kept), "its rows have not expired");

    body["rows"] = json!(["user_id:u4", "user_id:u5", "user_id:u6", "user_id:u7"]);
    body["start_at"] = Value::Null;
    let job = app.job(body).await;
    app.clock.advance(31 * DAY);
    app.reconcile().await;
    let told = events(&app, &job).await;
    assert_eq!(
        (app.job_summary(&job).await.as_str(), told.last().unwrap().as_str()),
        ("cancelled: 4 remaining", "cancelled")
    );
}
