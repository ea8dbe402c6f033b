//! Jobs that delete everyone in a segment: their life, approvals, plans, turns and ends.

use aws_sdk_dynamodb::types::AttributeValue;
use efface_core::role::Role;
use efface_tests::{
    Reply, Req, TestApp,
    app::{SPACE, profile_line},
    jobs::summary,
    store::TABLE,
};
use serde_json::{Value, json};

use crate::segments::{create, get, load_member, members, path, post};

/// An app whose segments settle at once, with a segment of so many members: `u0`, `u1` and so on.
pub(crate) async fn app(count: usize) -> TestApp {
    let app = TestApp::start().await;
    set(&app, json!({ "settling_seconds": 0 })).await;
    create(&app, "seg").await;
    for i in 0..count {
        load_member(&app, &format!("u{i}"), "seg").await;
    }
    app
}

/// Changes the space, and waits until every instance knows.
async fn set(app: &TestApp, change: Value) {
    app.space(SPACE, change).await;
    app.clock.advance(60_000);
}

pub(crate) async fn delete_users(app: &TestApp, segment: &str, body: &Value) -> Reply {
    post(app, &format!("/{segment}/delete_users"), body).await
}

/// The id of a job that was made.
pub(crate) fn id(reply: &Reply) -> String {
    assert_eq!(reply.status, 202, "{}", reply.body);
    reply.body["job"]["id"].as_str().unwrap().to_owned()
}

pub(crate) async fn confirmed(app: &TestApp, segment: &str) -> String {
    id(&delete_users(app, segment, &json!({ "confirm": true })).await)
}

pub(crate) fn code(reply: &Reply) -> (u16, &str) {
    (reply.status, reply.body["error"]["code"].as_str().unwrap_or("-"))
}

/// State and phase of a job.
async fn place(app: &TestApp, job: &str) -> String {
    let job = app.job_status(job).await;
    format!("{} {}", job["state"].as_str().unwrap(), job["phase"].as_str().unwrap_or("-"))
}

/// A job's events: kinds, and for a sweep what it came to.
async fn events(app: &TestApp, job: &str) -> Vec<String> {
    let reply = app.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/events?limit=100"))).await;
    let event = |event: &Value| match &event["sweep"] {
        Value::Null => event["kind"].as_str().unwrap().to_owned(),
        sweep => format!("sweep {} {} {}", sweep["added"], sweep["removed"], sweep["left"]),
    };
    reply.body["data"].as_array().unwrap().iter().map(event).filter(|kind| kind != "progress").collect()
}

async fn is_there(app: &TestApp, user: &str) -> bool {
    app.send(Req::read(SPACE, "user_id", user, "metadata")).await.status == 200
}

#[tokio::test]
async fn everyone_in_a_segment_is_deleted() {
    let app = app(5).await;
    // One is merged into somebody who is no member, one is in another segment, too, one has no active identifier.
    app.profile(&["user_id:root"]).await;
    let mut line = profile_line(SPACE, &["user_id:u0"]);
    line["merged_into"] = json!({ "type": "user_id", "id": "root" });
    app.try_load(&line).await.unwrap();
    load_member(&app, "u1", "other").await;
    load_member(&app, "stays", "other").await;

    let unconfirmed = delete_users(&app, "seg", &json!({})).await;
    assert_eq!(code(&unconfirmed), (409, "confirmation_required"));
    assert_eq!(unconfirmed.body["plan"]["members"], 5);
    assert!(unconfirmed.body["plan"]["consequences"][0].as_str().unwrap().contains("The 5 members of \"Name of seg\""));

    let accepted = delete_users(&app, "seg", &json!({ "confirm": true, "expected_members": 5 })).await;
    let job = id(&accepted);
    let made = &accepted.body["job"];
    assert_eq!(
        (&made["action"], &made["segment_id"], &made["phase"], &made["expected_members"], &made["rows"]),
        (&json!("delete_segment"), &json!("seg"), &json!("waiting"), &json!(5), &json!(0))
    );
    assert_eq!(get(&app, "seg").await["state"], "enabled", "creation writes only the job");
    app.work().await;
    let done = app.job_status(&job).await;
    assert_eq!(summary(&done), "completed: 5 deleted");
    assert_eq!((&done["verdict"], &done["members_left"]), (&json!("complete"), &json!(0)));
    let segment = get(&app, "seg").await;
    assert_eq!(
        (&segment["state"], &segment["members"], &segment["job"]["id"]),
        (&json!("disabled"), &json!(0), &json!(job))
    );
    assert_eq!(get(&app, "other").await["members"], 1, "members leave all other segments");
    assert!(!is_there(&app, "root").await, "who is merged goes, too");
    assert!(is_there(&app, "stays").await);
    let told = ["created", "started", "sweep 0 0 0", "sweep 0 0 0", "completed"];
    assert_eq!(events(&app, &job).await, told);
    assert_eq!(segment["notifications"][0]["kind"], "completed");
    app.reconcile().await;
    assert!(app.job_status(&job).await["verified_at"].is_string());
    assert_eq!(post(&app, "/seg/enable", &json!({})).await.body["segment"]["state"], "enabled");
    assert_eq!(members(&app, "seg", 10).await.len(), 0);
}

#[tokio::test]
async fn an_empty_segment_ends_at_once() {
    let app = app(0).await;
    let plan = delete_users(&app, "seg", &json!({})).await.body["plan"].clone();
    assert_eq!(plan["members"], 0);
    let job = confirmed(&app, "seg").await;
    app.work().await;
    let done = app.job_status(&job).await;
    assert_eq!((summary(&done).as_str(), &done["verdict"]), ("completed: no rows", &json!("nothing_matched")));
    app.reconcile().await;
    assert!(app.job_status(&job).await["verified_at"].is_string());
}

#[tokio::test]
async fn what_was_seen_is_what_is_deleted() {
    let app = app(3).await;
    let changed = delete_users(&app, "seg", &json!({ "confirm": true, "expected_members": 2 })).await;
    assert_eq!((code(&changed), &changed.body["members"]), ((409, "members_changed"), &json!(3)));
    for (bad, field) in [
        (json!({ "expected_members": -1 }), "expected_members"),
        (json!({ "confirm": "yes" }), "confirm"),
        (json!({ "max_deletions": 0 }), "max_deletions"),
        (json!({ "start_at": "soon" }), "start_at"),
        (json!({ "force": true }), "force"),
    ] {
        let reply = delete_users(&app, "seg", &bad).await;
        assert!(reply.status == 400 && reply.line().contains(field), "{}", reply.line());
    }
    assert_eq!(delete_users(&app, "other", &json!({ "confirm": true })).await.status, 404);
    assert!(app.queue.is_empty());
    // Somebody joins after it was confirmed: another person has to approve that.
    let job = confirmed(&app, "seg").await;
    load_member(&app, "late", "seg").await;
    app.work().await;
    let held = app.job_status(&job).await;
    assert_eq!(
        (&held["state"], &held["rows"], &held["expected_members"]),
        (&json!("awaiting_approval"), &json!(4), &json!(4))
    );
    let reply = app.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/events"))).await;
    let event = reply.body["data"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&event["kind"], &event["cause"]), (&json!("awaiting_approval"), &json!("members_changed")));
    assert_eq!(get(&app, "seg").await["state"], "disabled", "nobody else joins while it waits");
    app.control(&job, "start").await;
    app.work().await;
    assert_eq!(place(&app, &job).await, "awaiting_approval waiting", "its maker can't start it");
    assert_eq!(code(&app.control(&job, "approve").await), (403, "own_job"));
    let approve = Req::post(format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/approve"), &json!({}));
    assert_eq!(app.send_raw(&approve.clone().token(app.token(Role::PrivacyAdmin))).await.status, 403);
    assert_eq!(app.send_raw(&approve.token(app.token(Role::Administrator))).await.status, 202);
    app.work().await;
    assert_eq!(app.job_summary(&job).await, "completed: 4 deleted");
    let sums = app.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs"))).await.body;
    assert_eq!((&sums["jobs"], &sums["rows"], &sums["counts"]["deleted"]), (&json!(1), &json!(4), &json!(4)));
}

#[tokio::test]
async fn a_large_segment_needs_a_second_person() {
    let app = app(3).await;
    set(&app, json!({ "approval_over": 2 })).await;
    let job = confirmed(&app, "seg").await;
    app.work().await;
    assert_eq!(place(&app, &job).await, "awaiting_approval waiting");
    assert_eq!(get(&app, "seg").await["state"], "enabled");
    let again = delete_users(&app, "seg", &json!({ "confirm": true })).await;
    assert_eq!((code(&again), &again.body["job_id"]), ((409, "job_in_progress"), &json!(job)));
    let reject = Req::post(format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/reject"), &json!({}));
    assert_eq!(app.send_raw(&reject.token(app.token(Role::Administrator))).await.status, 202);
    assert_eq!((app.job_summary(&job).await.as_str(), members(&app, "seg", 10).await.len()), ("cancelled: no rows", 3));
    let later = efface_core::time::Time::from_millis(app.clock.peek().millis() + 3_600_000).unwrap();
    set(&app, json!({ "approval_over": null })).await;
    let job = id(&delete_users(&app, "seg", &json!({ "confirm": true, "start_at": later })).await);
    app.work().await;
    assert_eq!(place(&app, &job).await, "scheduled waiting");
    app.control(&job, "cancel").await;
    assert_eq!(get(&app, "seg").await["state"], "enabled");
    let job = id(&delete_users(&app, "seg", &json!({ "confirm": true, "start_at": later })).await);
    app.clock.advance(3_600_000);
    app.reconcile().await;
    app.work().await;
    assert_eq!(app.job_summary(&job).await, "completed: 3 deleted");
}

/// A dry run changes nothing; what it found is what an execution deletes, and no more.
#[tokio::test]
async fn a_plan_of_a_segment_is_executed() {
    let app = app(4).await;
    let before = get(&app, "seg").await;
    let planned = delete_users(&app, "seg", &json!({ "dry_run": true })).await;
    assert_eq!((planned.status, &planned.body["plan"]["profiles"]), (200, &json!(4)), "{}", planned.body);
    assert!(planned.body["plan"]["digest"].is_string());
    assert_eq!((&planned.body["job"]["dry_run"], &planned.body["job"]["segment_id"]), (&json!(true), &json!("seg")));
    assert_eq!(get(&app, "seg").await["state"], before["state"]);
    load_member(&app, "late", "seg").await;
    let mut line = profile_line(SPACE, &["user_id:u0", "email:new"]);
    line["timestamp"] = json!("2027-01-01T00:00:00Z");
    app.try_load(&line).await.unwrap();
    app.send(Req::delete_profile(SPACE, "user_id", "u1")).await;
    let plan = planned.body["job"]["id"].as_str().unwrap();
    let execute = Req::post(format!("/v1/spaces/{SPACE}/deletion_jobs/{plan}/execute"), &json!({}));
    assert_eq!(app.send_raw(&execute.clone().token(app.token(Role::PrivacyAdmin))).await.status, 403);
    let reply = app.send_raw(&execute.clone().token(app.token(Role::Administrator))).await;
    let job = id(&reply);
    assert_eq!((&reply.body["job"]["rows"], &reply.body["job"]["plan_job_id"]), (&json!(4), &json!(plan)));
    assert_eq!(code(&app.send(execute).await), (409, "job_in_progress"));
    app.work().await;
    let done = app.job_status(&job).await;
    assert_eq!(summary(&done), "completed: 2 deleted, 1 not_found, 1 changed");
    assert_eq!((&done["members_left"], &done["verdict"]), (&json!(2), &json!("partial")));
    assert!(is_there(&app, "late").await && is_there(&app, "u0").await);
    let sums = app.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs"))).await.body;
    assert_eq!(sums["rows"], 5, "with the one that was deleted by itself");
}

/// A space empties one segment at a time.
#[tokio::test]
async fn jobs_take_their_turn() {
    let app = app(3).await;
    for i in 0..3 {
        load_member(&app, &format!("v{i}"), "second").await;
    }
    let first = confirmed(&app, "seg").await;
    app.work_once().await;
    assert_eq!(place(&app, &first).await, "running deleting");
    assert_eq!(app.control(&first, "pause").await.status, 202);
    let second = confirmed(&app, "second").await;
    app.work().await;
    assert_eq!(place(&app, &second).await, "queued waiting");
    assert_eq!(get(&app, "second").await["state"], "enabled");
    let ordinary = app.job(json!({ "action": "delete_profile", "rows": ["user_id:v0"] })).await;
    app.work().await;
    assert_eq!(app.job_summary(&ordinary).await, "completed: 1 deleted", "ordinary jobs run beside it");
    app.control(&first, "resume").await;
    app.work().await;
    assert_eq!(app.job_summary(&first).await, "completed: 3 deleted");
    app.reconcile().await;
    app.work().await;
    assert_eq!(place(&app, &second).await, "awaiting_approval waiting", "one of three was deleted meanwhile");
    let approve = Req::post(format!("/v1/spaces/{SPACE}/deletion_jobs/{second}/approve"), &json!({}));
    app.send_raw(&approve.token(app.token(Role::Administrator))).await;
    app.work().await;
    assert_eq!(app.job_summary(&second).await, "completed: 2 deleted");
}

/// Two administrators press the button at once.
#[tokio::test]
async fn a_segment_has_one_job_at_a_time() {
    let app = app(3).await;
    // Their number is given, as six that count at once may be too slow.
    let counted = json!({ "confirm": true, "expected_members": 3 });
    let replies = futures::future::join_all((0..6).map(|_| delete_users(&app, "seg", &counted))).await;
    let accepted: Vec<_> = replies.iter().filter(|reply| reply.status == 202).collect();
    assert_eq!(accepted.len(), 1, "{replies:?}");
    let job = id(accepted[0]);
    for reply in replies.iter().filter(|reply| reply.status != 202) {
        assert_eq!((code(reply), &reply.body["job_id"]), ((409, "job_in_progress"), &json!(job)));
    }
    assert_eq!(code(&post(&app, "/seg/enable", &json!({})).await), (200, "-"), "it is enabled still");
    let delete = Req::get(path("/seg")).method("DELETE");
    assert_eq!(code(&app.send(delete.clone()).await), (409, "job_in_progress"));
    app.work_once().await;
    assert_eq!(code(&post(&app, "/seg/enable", &json!({})).await), (409, "job_in_progress"));
    app.work().await;
    assert_eq!(app.job_summary(&job).await, "completed: 3 deleted");
    assert_eq!(app.send(delete).await.status, 200, "it is empty now");
    // The same request again is the same job, also when the segment is gone.
    let keyed = Req::post(path("/seg/delete_users"), &json!({ "confirm": true })).key("k");
    create(&app, "seg").await;
    let (one, two) = (app.send(keyed.clone()).await, app.send(keyed).await);
    assert_eq!((one.status, id(&one)), (202, id(&two)));
    app.work().await;
}

#[tokio::test]
async fn a_segment_is_enabled_by_itself_where_that_was_asked_for() {
    let app = app(2).await;
    let job = id(&delete_users(&app, "seg", &json!({ "confirm": true, "auto_enable": true })).await);
    app.work().await;
    assert_eq!(app.job_summary(&job).await, "completed: 2 deleted");
    assert_eq!(get(&app, "seg").await["state"], "enabled");
    for i in 0..20 {
        assert_eq!(load_member(&app, &format!("n{i}"), "seg").await.not_joined, 0);
    }
    let job = id(&delete_users(&app, "seg", &json!({ "confirm": true, "auto_enable": true })).await);
    app.control(&job, "cancel").await;
    app.work().await;
    post(&app, "/seg/disable", &json!({})).await;
    app.reconcile().await;
    assert_eq!(get(&app, "seg").await["state"], "disabled", "a job that is over enables nothing");
}

/// A membership that an earlier version, or a lost write, left, and somebody who came in by a way without gates.
#[tokio::test]
async fn a_sweep_leaves_nobody() {
    let app = app(2).await;
    app.profile(&["user_id:intruder"]).await;
    set(&app, json!({ "settling_seconds": 300 })).await;
    let intruder =
        app.send(Req::read(SPACE, "user_id", "intruder", "metadata")).await.body["metadata"]["segment_id"].clone();
    let gone = "use_ab000000000000000000000000000000";
    let job = confirmed(&app, "seg").await;
    app.work_once().await;
    for member in [gone, intruder.as_str().unwrap()] {
        let pk = format!("M#{SPACE}#seg#{}", &member[4..6]);
        let item = [("pk", pk), ("sk", member.to_owned())].map(|(k, v)| (k.to_owned(), AttributeValue::S(v)));
        app.db.client.put_item().table_name(TABLE).set_item(Some(item.into())).send().await.unwrap();
    }
    app.work().await;
    assert_eq!(place(&app, &job).await, "running settling");
    let status = app.job_status(&job).await;
    assert!(status["settles_at"].is_string(), "{status}");
    assert_eq!(events(&app, &job).await[2..], ["sweep 1 1 0", "sweep 0 1 0"]);
    assert!(!is_there(&app, "intruder").await);
    app.clock.advance(301_000);
    app.reconcile().await;
    assert_eq!(app.job_summary(&job).await, "completed: 3 deleted");
    assert_eq!(members(&app, "seg", 10).await.len(), 0);
}

/// Other jobs delete members before, while and after the segment's own job does.
#[tokio::test]
async fn members_that_others_delete_are_swept() {
    let app = app(4).await;
    let job = confirmed(&app, "seg").await;
    app.work_once().await;
    app.send(Req::delete_profile(SPACE, "user_id", "u0")).await;
    app.work().await;
    assert_eq!(app.job_summary(&job).await, "completed: 3 deleted, 1 not_found");
    assert_eq!(
        (members(&app, "seg", 10).await.len(), app.job_status(&job).await["verdict"].clone()),
        (0, json!("complete"))
    );
}
