//! Plans: a dry run is kept, and can be executed over the very profiles that it found.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use efface_core::role::Role;
use efface_tests::{
    Reply, Req, TestApp,
    app::{SPACE, profile_line},
    jobs::summary,
    store::{TABLE, changed, is_profile_item},
};
use futures::{StreamExt, stream};
use serde_json::{Value, json};

/// An app with this many profiles: `u0`, `u1` and so on, each with an email.
async fn app(profiles: usize) -> TestApp {
    let app = TestApp::start().await;
    app.clock.step(0);
    let app_ref = &app;
    stream::iter(0..profiles)
        .for_each_concurrent(8, async |i| app_ref.profile(&[&format!("user_id:u{i}"), &format!("email:e{i}@x")]).await)
        .await;
    app.clock.step(20);
    app
}

fn rows(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|i| format!("user_id:u{i}")).collect()
}

/// Makes a dry run of one page, which is planned at once; its job.
async fn plan(app: &TestApp, rows: &[String]) -> Value {
    let reply = app.create_job(json!({ "action": "delete_profile", "rows": rows, "dry_run": true })).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert!(app.queue.is_empty(), "nothing is left to the worker");
    reply.body
}

async fn execute(app: &TestApp, job: &str, body: &Value) -> Reply {
    app.send(Req::post(format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/execute"), body)).await
}

/// Executes a plan to its end; the summary of the job.
async fn executed(app: &TestApp, plan: &Value) -> String {
    let reply = execute(app, plan["job"]["id"].as_str().unwrap(), &json!({})).await;
    assert_eq!(reply.status, 202, "{}", reply.body);
    app.work().await;
    app.job_summary(reply.body["job"]["id"].as_str().unwrap()).await
}

async fn load(app: &TestApp, ids: &[&str], change: impl FnOnce(&mut Value)) {
    let mut line = profile_line(SPACE, ids);
    line["timestamp"] = json!("2027-01-01T00:00:00Z");
    change(&mut line);
    app.try_load(&line).await.unwrap();
}

#[tokio::test]
async fn a_dry_run_is_kept() {
    let app = app(3).await;
    let before = app.db.dump().await;
    let mut of = rows(0..2);
    of.extend(["email:e1@x".to_owned(), "email:E2@X".to_owned(), "junk".to_owned()]);
    let body = json!({ "action": "delete_profile", "rows": of, "dry_run": true });
    let request = Req::post(format!("/v1/spaces/{SPACE}/deletion_jobs"), &body).key("k");
    let reply = app.send(request.clone()).await;
    let plan = reply.body["plan"].clone();
    assert_eq!((reply.status, &plan["profiles"], &plan["duplicates"]), (200, &json!(2), &json!(1)), "{}", reply.body);
    assert_eq!(plan["near_misses"], json!([{ "row": 3, "code": "other_case" }]));
    assert_eq!(
        plan["consequences"],
        json!([
            "2 profiles are deleted for good.",
            "4 identifiers go with that.",
            "1 row finds nothing: nothing happens.",
            "1 row names what another row deletes: nothing happens.",
            "1 row cannot be read: nothing happens."
        ])
    );
    assert!(plan["digest"].as_str().unwrap().len() == 43);
    let id = reply.body["job"]["id"].as_str().unwrap();
    let job = app.job_status(id).await;
    assert_eq!((&job["dry_run"], &job["plan"]["digest"]), (&json!(true), &plan["digest"]));
    assert!(job["verified_at"].is_string());
    assert_eq!(summary(&job), "completed: 2 deleted, 1 duplicate, 1 not_found, 1 invalid");
    let outcomes: Vec<String> = app.outcomes(id, "").await.into_iter().map(|(_, _, outcome)| outcome).collect();
    assert_eq!((outcomes[0].as_str(), outcomes[3].as_str()), ("deleted", "not_found"));
    let listed = app.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs/{id}/outcomes"))).await.body;
    assert_eq!(listed["data"][0]["message"], "It would be deleted; this is a dry run.");
    let again = app.send(request).await;
    assert_eq!(again.body, reply.body, "the same key gets the same plan");
    let touched = changed(&before, &app.db.dump().await);
    assert!(touched.iter().all(|(pk, _)| !is_profile_item(pk)), "nothing was deleted: {touched:?}");
    let list = app.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs"))).await;
    assert_eq!((&list.body["data"][0]["id"], &list.body["jobs"]), (&json!(id), &json!(0)), "it is in no sums");
    let same = self::plan(&app, &rows(0..2)).await;
    let other = self::plan(&app, &rows(0..3)).await;
    assert_ne!(same["plan"]["digest"], other["plan"]["digest"]);
    assert_eq!(self::plan(&app, &rows(0..2)).await["plan"]["digest"], same["plan"]["digest"]);
    let identifiers = json!({ "action": "delete_identifier", "dry_run": true,
        "rows": [{ "user_id": "u0", "type": "email", "id": "e0@x" }] });
    assert_eq!(app.create_job(identifiers).await.body["plan"]["digest"], Value::Null);
}

/// Each way in which a profile can change since it was planned.
#[tokio::test]
async fn what_changed_since_the_plan_is_left_alone() {
    let app = app(12).await;
    let into = |user: &str| json!({ "type": "user_id", "id": user });
    load(&app, &["user_id:m2"], |line| line["merged_into"] = into("u2")).await;
    load(&app, &["user_id:m9"], |line| line["merged_into"] = into("u9")).await;
    app.profile(&["user_id:other"]).await;
    let plan = plan(&app, &rows(0..12)).await;
    assert_eq!(plan["plan"]["merges"], 2);
    // 0: an identifier; 1: a trait; 2: an identifier of a member; 3: a membership; 4: another is merged into it; 5: it is
    // merged into another.
    load(&app, &["user_id:u0", "email:new0@x"], |_| {}).await;
    load(&app, &["user_id:u1"], |line| line["traits"] = json!({ "plan": "pro" })).await;
    load(&app, &["user_id:m2", "email:new2@x"], |_| {}).await;
    load(&app, &["user_id:u3"], |line| line["segments"] = json!(["seg_vip"])).await;
    load(&app, &["user_id:m4"], |line| line["merged_into"] = into("u4")).await;
    load(&app, &["user_id:u5", "email:e5@x"], |line| line["merged_into"] = into("other")).await;
    // 6: deleted; 7: deleted, and somebody with the same identifiers came; 8: one identifier of it is deleted, which is no
    // change; 10: the same line again, which changes nothing.
    for user in ["u6", "u7"] {
        assert_eq!(app.send(Req::delete_profile(SPACE, "user_id", user)).await.status, 200);
    }
    load(&app, &["user_id:u7", "email:e7@x"], |_| {}).await;
    assert_eq!(app.delete("u8", "email:e8@x").await.status, 200);
    app.try_load(&profile_line(SPACE, &["user_id:u10", "email:e10@x"])).await.unwrap();
    let reply = execute(&app, plan["job"]["id"].as_str().unwrap(), &json!({})).await;
    let job = reply.body["job"].clone();
    assert_eq!((&job["phase"], &job["rows"], &job["remaining"]), (&json!("preparing"), &json!(12), &json!(12)));
    assert_eq!(job["plan_job_id"], plan["job"]["id"]);
    app.work().await;
    let id = job["id"].as_str().unwrap();
    let status = app.job_status(id).await;
    assert_eq!(summary(&status), "completed: 4 deleted, 2 not_found, 6 changed");
    assert_eq!((&status["verdict"], &status["phase"]), (&json!("partial"), &json!("deleting")));
    let outcomes: Vec<String> = app.outcomes(id, "").await.into_iter().map(|(_, _, outcome)| outcome).collect();
    let changed = "changed";
    let expected = [
        changed,
        changed,
        changed,
        changed,
        changed,
        changed,
        "not_found",
        "not_found",
        "deleted",
        "deleted",
        "deleted",
        "deleted",
    ];
    assert_eq!(outcomes, expected);
    for (user, left) in [("u0", 3), ("u2", 4), ("other", 3), ("u7", 2), ("u4", 3)] {
        assert_eq!(app.external_ids(&format!("user_id:{user}")).await.len(), left, "{user}");
    }
    for user in ["u8", "u9", "m9", "u10", "u11"] {
        assert_eq!(app.send(Req::read(SPACE, "user_id", user, "external_ids")).await.status, 404, "{user}");
    }
    app.reconcile().await;
    assert!(app.job_status(id).await["verified_at"].is_string());
    let page = app.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs/{id}/outcomes?outcome=changed"))).await;
    assert_eq!((page.body["data"].as_array().unwrap().len(), &page.body["data"][0]["code"]), (6, &json!("changed")));
}

/// A line that needs more than one transaction counts in each of them: a plan that is made between two does not hold.
#[tokio::test]
async fn a_plan_in_the_middle_of_a_load_does_not_hold() {
    let app = app(1).await;
    let ids: Vec<String> =
        std::iter::once("user_id:u0".to_owned()).chain((0..120).map(|i| format!("anonymous_id:{i}"))).collect();
    let mut line = profile_line(SPACE, &ids.iter().map(String::as_str).collect::<Vec<_>>());
    line["timestamp"] = json!("2027-01-01T00:00:00Z");
    // It dies after its first transaction.
    let mut requests = 1;
    loop {
        Box::pin(app.db.proxy.dies_after(requests, true, app.try_load(&line))).await;
        let phones = app.external_ids("user_id:u0").await.len() - 2;
        if phones > 0 {
            assert!(phones < 120);
            break;
        }
        requests += 1;
        assert!(requests < 30, "the load has a first transaction");
    }
    let plan = plan(&app, &rows(0..1)).await;
    app.try_load(&line).await.unwrap();
    assert_eq!(executed(&app, &plan).await, "completed: 1 changed");
    assert_eq!(app.external_ids("user_id:u0").await.len(), 122);
}

#[tokio::test]
async fn only_a_recent_completed_dry_run_of_profiles_is_executed() {
    let app = app(4).await;
    let done = app.job(json!({ "action": "delete_profile", "rows": rows(0..1) })).await;
    app.work().await;
    let open = app.job(json!({ "action": "delete_profile", "rows": rows(1..2), "dry_run": true, "open": true })).await;
    let identifiers = json!({ "action": "delete_identifier", "dry_run": true,
        "rows": [{ "user_id": "u1", "type": "email", "id": "e1@x" }] });
    let identifiers = app.create_job(identifiers).await.body["job"]["id"].as_str().unwrap().to_owned();
    for (job, text) in [
        (&done, "The job is no dry run: it has been carried out itself."),
        (&open, "A job that is open can't be executed."),
        (&identifiers, "A dry run of delete_identifier can't be executed; create a job of its rows."),
    ] {
        assert_eq!(execute(&app, job, &json!({})).await.line(), format!("409 invalid_state {text}"));
    }
    let plan = plan(&app, &rows(1..3)).await;
    let id = plan["job"]["id"].as_str().unwrap();
    for bad in [json!({ "rows": [] }), json!({ "start_at": "soon" }), json!({ "max_deletions": 0 }), json!([])] {
        assert_eq!(execute(&app, id, &bad).await.status, 400, "{bad}");
    }
    for (role, status) in [(Role::Auditor, 403), (Role::IdentityAdmin, 403), (Role::PrivacyAdmin, 202)] {
        let token = app.token(role).to_owned();
        let request = Req::post(format!("/v1/spaces/{SPACE}/deletion_jobs/{id}/execute"), &Value::Null);
        let reply = app.send_raw(&Req { body: Vec::new(), ..request }.token(&token)).await;
        assert_eq!(reply.status, status, "{role}: {}", reply.body);
    }
    app.work().await;
    assert_eq!(executed(&app, &plan).await, "completed: 2 not_found", "a second execution finds nothing");
    app.clock.advance(7 * 24 * 3_600_000 + 1_000);
    let late = execute(&app, id, &json!({})).await;
    assert_eq!(late.line(), "409 invalid_state The dry run was completed more than 7 days ago; make a new one.");
    assert_eq!(execute(&app, "job_019b76da1e7b7000a1b2c3d4e5f60718", &json!({})).await.status, 404);
}

/// A plan with many pages, whose numbers have gaps, and one that finds nothing.
#[tokio::test]
async fn a_plan_of_many_pages_is_executed() {
    let app = app(30).await;
    let dry = app.job(json!({ "action": "delete_profile", "dry_run": true, "open": true })).await;
    for (page, rows) in
        [(7, rows(0..10)), (3, rows(10..20)), (900, rows(20..30)), (12, vec!["email:nobody".to_owned()])]
    {
        let path = format!("/v1/spaces/{SPACE}/deletion_jobs/{dry}/rows");
        assert_eq!(app.send(Req::post(path, &json!({ "page": page, "rows": rows }))).await.status, 202);
    }
    app.control(&dry, "start").await;
    app.work().await;
    assert_eq!(app.job_status(&dry).await["plan"]["digest"], Value::Null, "it is not verified yet");
    app.reconcile().await;
    assert!(app.job_status(&dry).await["plan"]["digest"].is_string());
    let reply = execute(&app, &dry, &json!({ "max_deletions": 29 })).await;
    let job = reply.body["job"]["id"].as_str().unwrap();
    app.work().await;
    assert_eq!(app.job_summary(job).await, "paused: 29 deleted, 1 remaining");
    app.control(job, "resume").await;
    app.work().await;
    assert_eq!(app.job_summary(job).await, "completed: 30 deleted");
    let nothing = plan(&app, &["email:nobody".to_owned()]).await;
    let reply = execute(&app, nothing["job"]["id"].as_str().unwrap(), &json!({})).await;
    app.work().await;
    let status = app.job_status(reply.body["job"]["id"].as_str().unwrap()).await;
    assert_eq!((&status["state"], &status["verdict"]), (&json!("completed"), &json!("nothing_matched")));
}

/// Cut short anywhere, by workers that die and by runs without time, and with two workers at once: each row is there once.
#[tokio::test]
async fn the_preparation_goes_on_where_it_was_cut_short() {
    for requests in 1..16 {
        let app = app(6).await;
        let dry = app.job(json!({ "action": "delete_profile", "dry_run": true, "open": true })).await;
        for page in 0..3 {
            let path = format!("/v1/spaces/{SPACE}/deletion_jobs/{dry}/rows");
            app.send(Req::post(path, &json!({ "page": page, "rows": rows(2 * page..2 * page + 2) }))).await;
        }
        app.control(&dry, "start").await;
        app.work().await;
        let reply = execute(&app, &dry, &json!({})).await;
        let job = reply.body["job"]["id"].as_str().unwrap();
        let messages = app.queue.take();
        let worker = app.worker();
        app.db.proxy.dies_after(requests, requests % 2 == 0, app.deliver(&worker, &messages)).await;
        let status = app.job_status(job).await;
        assert_eq!(status["rows"], 6, "{requests}: what is still to be made is counted: {status}");
        if requests % 3 == 0 {
            app.reconcile_within(Duration::ZERO).await;
        }
        let (one, other) = (app.worker(), app.worker());
        tokio::join!(app.deliver(&one, &messages), app.deliver(&other, &messages));
        app.work().await;
        for _ in 0..2 {
            app.reconcile().await;
            app.work().await;
            app.clock.advance(400_000);
        }
        assert_eq!(app.job_summary(job).await, "completed: 6 deleted", "{requests}");
    }
}

/// What the dry run found is not all there, as after a worker of an earlier version: nothing is deleted, and it is told.
#[tokio::test]
async fn a_plan_whose_findings_are_incomplete_is_not_executed() {
    let app = app(2).await;
    let plan = plan(&app, &rows(0..2)).await;
    let (pk, sk) = app.db.dump().await.into_keys().find(|(pk, _)| pk.starts_with("F#")).unwrap();
    let delete = app.db.client.delete_item().table_name(TABLE).key("pk", AttributeValue::S(pk));
    delete.key("sk", AttributeValue::S(sk)).send().await.unwrap();
    let reply = execute(&app, plan["job"]["id"].as_str().unwrap(), &json!({})).await;
    let job = reply.body["job"]["id"].as_str().unwrap();
    app.work().await;
    app.reconcile().await;
    let status = app.job_status(job).await;
    assert_eq!((&status["state"], &status["verdict"]), (&json!("cancelled"), &json!("stopped")), "{status}");
    let events = app.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/events"))).await;
    let last = events.body["data"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["kind"], &last["cause"]), (&json!("cancelled"), &json!("incomplete_plan")));
    assert_eq!(app.external_ids("user_id:u0").await.len(), 2);
}

/// Plans of one group are added up when they are executed, and waited for, as other jobs are.
#[tokio::test]
async fn executed_plans_belong_to_the_group_of_their_dry_runs() {
    let app = app(4).await;
    app.space(SPACE, json!({ "approval_over": 3 })).await;
    app.clock.advance(31_000);
    let mut jobs = Vec::new();
    for range in [0..2, 2..4] {
        let body = json!({ "action": "delete_profile", "rows": rows(range), "dry_run": true, "group": "run" });
        let plan = app.create_job(body).await;
        jobs.push(execute(&app, plan.body["job"]["id"].as_str().unwrap(), &json!({})).await.body["job"].clone());
    }
    assert_eq!((&jobs[0]["state"], &jobs[1]["state"]), (&json!("queued"), &json!("awaiting_approval")));
    let waiting = Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs?group=run&state=awaiting_approval"));
    let waiting = app.send(waiting).await.body;
    assert_eq!((&waiting["jobs"], &waiting["rows"]), (&json!(1), &json!(2)), "also rows that are still to be made");
    let path = format!("/v1/spaces/{SPACE}/deletion_jobs?group=run&until=settled");
    let waits = app.send(Req::get(&path)).await;
    assert_eq!((waits.status, &waits.body["rows"], &waits.body["jobs"]), (408, &json!(4), &json!(2)));
    app.work().await;
    app.control(jobs[1]["id"].as_str().unwrap(), "cancel").await;
    let settled = app.send(Req::get(&path)).await;
    assert_eq!(
        (settled.status, &settled.body["rows"], &settled.body["counts"]["deleted"]),
        (200, &json!(4), &json!(2))
    );
    assert_eq!(settled.body["data"].as_array().unwrap().len(), 4, "two dry runs, too");
}

/// A request that dies before its group is added up leaves a job that waits; the same request again settles it.
#[tokio::test]
async fn an_executed_plan_that_is_held_when_its_request_dies_is_settled_by_a_repeat() {
    for requests in 0..16 {
        let app = app(1).await;
        app.space(SPACE, json!({ "approval_over": 3 })).await;
        app.clock.advance(31_000);
        let body = json!({ "action": "delete_profile", "rows": rows(0..1), "dry_run": true, "group": "run" });
        let plan = app.create_job(body).await;
        let id = plan.body["job"]["id"].as_str().unwrap();
        let request = Req::post(format!("/v1/spaces/{SPACE}/deletion_jobs/{id}/execute"), &json!({})).key("k");
        app.db.proxy.dies_after(requests, true, app.send(request.clone())).await;
        app.work().await;
        let reply = app.send(request).await;
        assert_eq!(reply.status, 202, "{requests}: {}", reply.body);
        app.work().await;
        let job = reply.body["job"]["id"].as_str().unwrap();
        assert_eq!(app.job_summary(job).await, "completed: 1 deleted", "{requests}");
    }
}

/// The message got lost: the reconciler makes the rows.
#[tokio::test]
async fn the_reconciler_makes_the_rows_of_a_plan() {
    let app = app(2).await;
    let plan = plan(&app, &rows(0..2)).await;
    let reply = execute(&app, plan["job"]["id"].as_str().unwrap(), &json!({})).await;
    let job = reply.body["job"]["id"].as_str().unwrap();
    app.queue.take();
    for _ in 0..3 {
        app.reconcile().await;
        app.work().await;
        app.clock.advance(200_000);
    }
    assert_eq!(app.job_summary(job).await, "completed: 2 deleted");
}

#[tokio::test]
async fn an_executed_plan_waits_for_its_approval_and_its_time_and_is_cancelled() {
    let app = app(8).await;
    app.space(SPACE, json!({ "approval_over": 3 })).await;
    app.clock.advance(31_000);
    let plan = plan(&app, &rows(0..4)).await;
    let id = plan["job"]["id"].as_str().unwrap();
    let request = Req::post(format!("/v1/spaces/{SPACE}/deletion_jobs/{id}/execute"), &json!({})).key("k");
    let reply = app.send(request.clone()).await;
    let job = reply.body["job"]["id"].as_str().unwrap();
    assert_eq!(reply.body["job"]["state"], "awaiting_approval");
    app.work().await;
    assert_eq!(app.send(request.clone()).await.body["job"]["id"], json!(job), "the same key is the same job");
    assert_eq!(
        app.job_summary(job).await,
        "awaiting_approval: 4 remaining",
        "its rows are there, and nothing is deleted"
    );
    assert_eq!(app.control(job, "start").await.body["job"]["state"], "awaiting_approval");
    let token = app.token(Role::PrivacyAdmin).to_owned();
    let approve = Req::post(format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/approve"), &json!({})).token(&token);
    assert_eq!(app.send_raw(&approve).await.body["job"]["state"], "queued");
    app.work().await;
    assert_eq!(app.job_summary(job).await, "completed: 4 deleted");

    let plan = self::plan(&app, &rows(4..6)).await;
    let at = efface_core::time::Time::from_millis(app.clock.peek().millis() + 3_600_000).unwrap();
    let reply = execute(&app, plan["job"]["id"].as_str().unwrap(), &json!({ "start_at": at })).await;
    let job = reply.body["job"]["id"].as_str().unwrap();
    app.work().await;
    assert_eq!(app.job_summary(job).await, "scheduled: 2 remaining");
    app.clock.advance(3_600_000);
    app.reconcile().await;
    app.work().await;
    assert_eq!(app.job_summary(job).await, "completed: 2 deleted");

    // Cancelled before its rows are made: nothing is deleted, and the sums of the space agree.
    let plan = self::plan(&app, &rows(6..8)).await;
    let reply = execute(&app, plan["job"]["id"].as_str().unwrap(), &json!({})).await;
    let job = reply.body["job"]["id"].as_str().unwrap();
    assert_eq!(app.control(job, "cancel").await.body["job"]["state"], "cancelled");
    app.work().await;
    app.reconcile().await;
    assert!(app.job_status(job).await["state"] == "cancelled" && app.external_ids("user_id:u6").await.len() == 2);
    let live = app.db.dump().await.into_keys().filter(|(pk, sk)| pk.starts_with("N#live") && sk.ends_with(job));
    assert_eq!((live.count(), app.queue.len()), (0, 0), "nobody looks after it any more");
    // Paused while its rows are made, and resumed.
    let reply = execute(&app, plan["job"]["id"].as_str().unwrap(), &json!({})).await;
    let job = reply.body["job"]["id"].as_str().unwrap();
    assert_eq!(app.control(job, "pause").await.body["job"]["state"], "paused");
    app.work().await;
    assert_eq!(app.job_summary(job).await, "paused: 2 remaining");
    app.control(job, "resume").await;
    app.work().await;
    assert_eq!(app.job_summary(job).await, "completed: 2 deleted");
}
