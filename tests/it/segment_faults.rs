//! Jobs of segments whose workers and requests die anywhere, and which are controlled at any point.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use efface_core::{
    role::Role,
    segment::{Segment, SegmentState},
};
use efface_tests::{
    Req, TestApp,
    app::SPACE,
    fault_proxy::is_write,
    faults::Fault,
    jobs::summary,
    size::size,
    store::{TABLE, deleted_heads},
};
use serde_json::json;

use crate::{
    segment_jobs::{app, code, confirmed, delete_users, id},
    segments::{get, load_member, members, path, post},
};

/// After so many writes a process dies: of the gates that are closed one is enough, and in the usual run of the others
/// each of so many, beginning with this one.
fn points(all: usize, first: usize, usual_step: usize) -> Vec<usize> {
    let gates = 3..257;
    let others = (0..all).filter(|at| !gates.contains(at)).skip(first).step_by(size(usual_step, 1));
    others.chain([100]).collect()
}

/// So many writes a worker sends from the first message to the end.
async fn writes_of_a_job(members: usize) -> usize {
    let app = app(members).await;
    confirmed(&app, "seg").await;
    app.db.proxy.take();
    app.work().await;
    let writes = app.db.proxy.take().iter().filter(|passed| is_write(passed)).count();
    assert!((275..310).contains(&writes), "{writes}: the points must be chosen anew");
    writes
}

/// Runs the reconciler and workers until the job is over.
async fn finish(app: &TestApp, job: &str) -> String {
    for _ in 0..12 {
        app.work().await;
        let status = app.job_status(job).await;
        if ["completed", "cancelled", "paused"].contains(&status["state"].as_str().unwrap()) {
            return summary(&status);
        }
        app.clock.advance(400_000);
        app.reconcile().await;
    }
    panic!("the job does not end: {}", app.job_status(job).await)
}

async fn check_released(app: &TestApp, job: &str) {
    app.reconcile().await;
    let dump = app.db.dump().await;
    assert!(dump.keys().all(|(pk, _)| pk != &format!("G#{SPACE}#turn")), "the turn is over");
    let segment = &dump[&(format!("G#{SPACE}"), "seg".to_owned())];
    assert!(segment["active_job"].contains("Null"), "{job}: {segment:?}");
}

/// Wherever a worker dies, also before the reply to its last request, the job ends as it would have.
#[tokio::test]
async fn a_worker_may_die_anywhere() {
    let all = writes_of_a_job(3).await;
    for last_is_done in [false, true] {
        for at in points(all, if last_is_done { size(2, 0) } else { 0 }, 4) {
            let app = app(3).await;
            let job = confirmed(&app, "seg").await;
            let bodies = app.queue.take();
            let died = app.db.proxy.dies_after_writes(at, last_is_done, async {
                app.deliver(&app.worker(), &bodies).await;
                app.work().await;
            });
            let died = died.await;
            for body in bodies {
                app.queue.put(body);
            }
            assert_eq!(finish(&app, &job).await, "completed: 3 deleted", "{at} {last_is_done} {died}");
            assert_eq!(members(&app, "seg", 10).await.len(), 0);
            assert_eq!(deleted_heads(&app.db.dump().await), 3);
            check_released(&app, &job).await;
        }
    }
}

/// Wherever it is, a job can be paused, and goes on; its counts add up.
#[tokio::test]
async fn a_job_is_paused_in_every_phase() {
    let mut met = BTreeSet::new();
    for at in points(writes_of_a_job(3).await, 0, 2) {
        let Some((app, job)) = stopped(at, "pause", &mut met).await else { continue };
        let deleted = deleted_heads(&app.db.dump().await);
        app.work().await;
        app.reconcile().await;
        assert_eq!(app.job_status(&job).await["counts"]["deleted"], deleted, "nothing goes on: {at}");
        assert_eq!(app.control(&job, "resume").await.status, 202);
        assert_eq!(finish(&app, &job).await, "completed: 3 deleted", "{at}");
        check_released(&app, &job).await;
    }
    check_phases(&met);
}

/// Wherever it is, a job can be cancelled; its counts add up, and it lets its segment go.
#[tokio::test]
async fn a_job_is_cancelled_in_every_phase() {
    let mut met = BTreeSet::new();
    for at in points(writes_of_a_job(3).await, 0, 2) {
        let Some((app, job)) = stopped(at, "cancel", &mut met).await else { continue };
        let status = app.job_status(&job).await;
        let deleted = deleted_heads(&app.db.dump().await);
        assert_eq!((&status["counts"]["deleted"], &status["verdict"]), (&json!(deleted), &json!("stopped")), "{at}");
        assert_eq!(members(&app, "seg", 10).await.len(), 3 - deleted);
        check_released(&app, &job).await;
        assert_eq!(post(&app, "/seg/enable", &json!({})).await.status, 200);
    }
    check_phases(&met);
}

/// A job whose worker died after so many writes, and that was controlled then; `None` where it was over already.
async fn stopped(at: usize, verb: &str, met: &mut BTreeSet<String>) -> Option<(TestApp, String)> {
    let app = app(3).await;
    let job = confirmed(&app, "seg").await;
    app.db.proxy.dies_after_writes(at, false, app.work()).await;
    let before = app.job_status(&job).await;
    let reply = app.control(&job, verb).await;
    if before["state"] == "completed" {
        assert_eq!(reply.status, 409);
        return None;
    }
    met.insert(before["phase"].as_str().unwrap().to_owned());
    assert_eq!(reply.status, 202, "{}", reply.body);
    app.clock.advance(400_000);
    app.reconcile().await;
    finish(&app, &job).await;
    Some((app, job))
}

fn check_phases(met: &BTreeSet<String>) {
    let all = ["waiting", "preparing", "deleting", "sweeping"];
    assert!(all.iter().all(|phase| met.contains(*phase)), "some phase was not met: {met:?}");
}

/// Wherever a request dies, its repetition makes one job.
#[tokio::test]
async fn a_request_may_die_anywhere() {
    for body in [json!({ "confirm": true }), json!({ "dry_run": true })] {
        for at in 0..40 {
            let app = app(2).await;
            let request = Req::post(path("/seg/delete_users"), &body).key("k");
            let died = app.db.proxy.dies_after_writes(at, at % 2 == 0, app.send(request.clone())).await;
            app.clock.advance(60_000);
            let reply = app.send(request).await;
            let job = reply.body["job"]["id"].as_str().unwrap().to_owned();
            assert_eq!(finish(&app, &job).await, "completed: 2 deleted", "{at} {}", reply.body);
            let list = app.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs"))).await.body;
            assert_eq!(list["data"].as_array().unwrap().len(), 1, "{at}");
            let left = if body["dry_run"] == true { 2 } else { 0 };
            assert_eq!(members(&app, "seg", 10).await.len(), left);
            if !died {
                break;
            }
        }
    }
}

/// Wherever a change of a segment dies, its repetition completes it, and the opposite undoes it.
#[tokio::test]
async fn a_switch_may_die_anywhere() {
    for at in [0, 1, 2, 100, 257, 258] {
        for verb in ["disable", "enable"] {
            let app = app(1).await;
            if verb == "enable" {
                post(&app, "/seg/disable", &json!({})).await;
            }
            let request = Req::post(path(&format!("/seg/{verb}")), &json!({}));
            app.db.proxy.dies_after_writes(at, at % 2 == 0, app.send(request.clone())).await;
            assert_eq!(app.send(request).await.body["segment"]["state"], format!("{verb}d"), "{at}");
            let joins = async |user: &str| {
                app.profile(&[&format!("user_id:{user}")]).await;
                let rows = json!({ "rows": [format!("user_id:{user}")] });
                post(&app, "/seg/members", &rows).await.status
            };
            assert_eq!(joins("n1").await, if verb == "enable" { 200 } else { 409 }, "{verb} {at}");
            let other = if verb == "enable" { "disable" } else { "enable" };
            post(&app, &format!("/seg/{other}"), &json!({})).await;
            assert_eq!(joins("n2").await, if verb == "enable" { 409 } else { 200 }, "{verb} {at}");
        }
    }
}

/// Rows that fail leave their members; a redrive takes its turn again and deletes them.
#[tokio::test]
async fn failed_members_are_redriven() {
    let app = app(3).await;
    let job = confirmed(&app, "seg").await;
    app.work_once().await;
    let mut failing = None;
    app.db.proxy.plan(move |passed| {
        let is_start = passed.operation == "UpdateItem" && passed.request.to_string().contains("job_row = :row");
        let key = passed.request["Key"]["pk"]["S"].as_str().unwrap_or_default().to_owned();
        if !is_start || failing.get_or_insert(key.clone()) != &key {
            return Fault::None;
        }
        Fault::Refuse
    });
    app.work().await;
    for body in app.queue.take() {
        app.dead.put(body);
    }
    app.clock.advance(400_000);
    app.reconcile().await;
    app.db.proxy.heal();
    assert_eq!(finish(&app, &job).await, "completed: 2 deleted, 1 failed");
    let status = app.job_status(&job).await;
    assert_eq!((&status["members_left"], &status["verdict"]), (&json!(1), &json!("partial")));
    check_released(&app, &job).await;
    post(&app, "/seg/enable", &json!({})).await;
    load_member(&app, "newcomer", "seg").await;
    assert_eq!(app.control(&job, "redrive").await.status, 202);
    assert_eq!(finish(&app, &job).await, "completed: 3 deleted");
    let status = app.job_status(&job).await;
    assert_eq!((&status["members_left"], &status["verdict"]), (&json!(1), &json!("partial")));
    assert_eq!((get(&app, "seg").await["state"].clone(), members(&app, "seg", 10).await.len()), (json!("disabled"), 1));
    let newcomer = app.send(Req::read(SPACE, "user_id", "newcomer", "metadata")).await;
    assert_eq!(newcomer.status, 200, "who joined after the job was over is not its own");
    check_released(&app, &job).await;
}

/// A head that cannot be read fails its row, and holds nobody else up.
#[tokio::test]
async fn an_unreadable_member_is_left() {
    let app = app(3).await;
    let member = members(&app, "seg", 1).await[0].clone();
    let key = [("pk", format!("P#{SPACE}#{member}")), ("sk", "H".to_owned())];
    let key = key.map(|(name, value)| (name.to_owned(), AttributeValue::S(value)));
    let update = app.db.client.update_item().table_name(TABLE).set_key(Some(key.into()));
    let update =
        update.update_expression("SET merged = :bad").expression_attribute_values(":bad", AttributeValue::Bool(true));
    update.send().await.unwrap();
    let job = confirmed(&app, "seg").await;
    app.work().await;
    for body in app.queue.take() {
        app.dead.put(body);
    }
    app.clock.advance(400_000);
    app.reconcile().await;
    let summary = finish(&app, &job).await;
    let status = app.job_status(&job).await;
    assert_eq!((summary.as_str(), &status["verdict"]), ("completed: 2 deleted, 1 failed", &json!("partial")));
    assert_eq!((&status["members_left"], members(&app, "seg", 10).await), (&json!(1), vec![member]));
    check_released(&app, &job).await;
}

/// An approval of a number of members is not one of another number: a repetition that comes late approves nothing.
#[tokio::test]
async fn a_repeated_approval_is_not_one_of_other_members() {
    let app = app(3).await;
    app.space(SPACE, json!({ "approval_over": 2 })).await;
    app.clock.advance(60_000);
    let job = confirmed(&app, "seg").await;
    let approve = async |body: &serde_json::Value| {
        let request = Req::post(format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/approve"), body);
        app.send_raw(&request.token(app.token(Role::Administrator))).await
    };
    let other = approve(&json!({ "expected_members": 4 })).await;
    assert_eq!((code(&other), &other.body["members"]), ((409, "members_changed"), &json!(3)));
    assert_eq!(approve(&json!({})).await.status, 202);
    load_member(&app, "late", "seg").await;
    app.work().await;
    assert_eq!(app.job_status(&job).await["state"], "awaiting_approval");
    let repeated = approve(&json!({})).await;
    assert_eq!(code(&repeated), (409, "members_changed"), "it may be the same approval again");
    assert_eq!(approve(&json!({ "expected_members": 4 })).await.status, 202);
    assert_eq!(finish(&app, &job).await, "completed: 4 deleted");
}

/// An approval lapses after seven days, also while the job waits for its turn.
#[tokio::test]
async fn an_approval_lapses_while_a_job_waits_for_its_turn() {
    let app = app(3).await;
    load_member(&app, "other", "other").await;
    let first = confirmed(&app, "other").await;
    app.work_once().await;
    app.control(&first, "pause").await;
    app.space(SPACE, json!({ "approval_over": 2 })).await;
    app.clock.advance(60_000);
    let job = confirmed(&app, "seg").await;
    let approve = Req::post(format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/approve"), &json!({}));
    let approve = approve.token(app.token(Role::Administrator));
    assert_eq!(app.send_raw(&approve).await.status, 202);
    app.work().await;
    app.clock.advance(8 * 24 * 3_600_000);
    app.control(&first, "resume").await;
    app.work().await;
    app.reconcile().await;
    app.work().await;
    assert_eq!(app.job_status(&job).await["state"], "awaiting_approval");
    assert_eq!(members(&app, "seg", 10).await.len(), 3);
    assert_eq!(app.send_raw(&approve).await.status, 202);
    assert_eq!(finish(&app, &job).await, "completed: 3 deleted");
}

/// A repeated request with a key changes nothing that was changed since.
#[tokio::test]
async fn a_key_switches_once() {
    let app = app(0).await;
    let keyed = |rest: &str, key: &str| Req::post(path(rest), &json!({})).key(key);
    let state = |reply: &efface_tests::Reply| reply.body["segment"]["state"].as_str().unwrap().to_owned();
    assert_eq!(state(&app.send(keyed("/seg/disable", "1")).await), "disabled");
    assert_eq!(state(&app.send(keyed("/seg/enable", "2")).await), "enabled");
    assert_eq!(state(&app.send(keyed("/seg/disable", "1")).await), "enabled", "as it is now");
    assert_eq!(state(&app.send(keyed("/seg/disable", "3")).await), "disabled");
    assert_eq!(state(&app.send(keyed("/seg/enable", "2")).await), "disabled");
    let delete = Req::get(path("/seg")).method("DELETE").key("4");
    assert_eq!(app.send(delete.clone()).await.status, 200);
    assert_eq!(app.send(delete.clone()).await.status, 200, "the same success");
    load_member(&app, "u", "seg").await;
    post(&app, "/seg/members/remove", &json!({ "rows": ["user_id:u"] })).await;
    assert_eq!(app.send(delete).await.status, 200);
    assert_eq!(get(&app, "seg").await["state"], "enabled", "an old key never deletes anew");
    let dry = Req::post(path("/seg/delete_users"), &json!({ "dry_run": true })).key("5");
    let (first, again) = (app.send(dry.clone()).await, app.send(dry).await);
    assert_eq!((first.status, &first.body["plan"]), (again.status, &again.body["plan"]));
}

/// A job whose segment is not its own any more deletes nobody.
#[tokio::test]
async fn a_job_without_its_segment_is_cancelled() {
    let app = app(2).await;
    let job = confirmed(&app, "seg").await;
    let space = efface_core::space::SpaceId::parse(SPACE).unwrap();
    let segment = app.db.store.segment(&space, &"seg".parse().unwrap()).await.unwrap().unwrap();
    let (state, version) = (SegmentState::Deleted, segment.version + 1);
    let gone = Segment { state, version, active_job: None, ..segment };
    assert!(app.db.store.change_segment(&space, &gone).await.unwrap());
    app.work().await;
    app.reconcile().await;
    assert_eq!(finish(&app, &job).await, "cancelled: no rows");
    let events = app.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/events"))).await.body;
    let last = events["data"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["kind"], &last["cause"]), (&json!("cancelled"), &json!("segment_gone")));
    assert_eq!(deleted_heads(&app.db.dump().await), 0);
}

/// A limit of deletions pauses the job; it goes on where somebody resumes it.
#[tokio::test]
async fn a_limit_pauses_the_job() {
    let app = app(5).await;
    let job = id(&delete_users(&app, "seg", &json!({ "confirm": true, "max_deletions": 2 })).await);
    for expected in ["paused: 2 deleted, 3 remaining", "paused: 4 deleted, 1 remaining", "completed: 5 deleted"] {
        assert_eq!(finish(&app, &job).await, expected);
        app.control(&job, "resume").await;
    }
    load_member(&app, "one", "other").await;
    let job = id(&delete_users(&app, "other", &json!({ "confirm": true, "max_deletions": 1 })).await);
    assert_eq!(finish(&app, &job).await, "completed: 1 deleted", "a limit that is just enough pauses nothing");
}

/// While no worker runs, the reconciler carries the job on: its messages may all get lost.
#[tokio::test]
async fn the_reconciler_carries_a_job_on() {
    let app = app(3).await;
    let job = confirmed(&app, "seg").await;
    for _ in 0..20 {
        let lost = app.queue.take();
        for body in lost.into_iter().filter(|body| !body.contains("\"chunk\":null")) {
            app.queue.put(body);
        }
        let bodies = app.queue.take();
        app.deliver(&app.worker(), &bodies).await;
        app.clock.advance(400_000);
        app.reconcile().await;
        if app.job_status(&job).await["state"] == "completed" {
            break;
        }
    }
    app.queue.take();
    assert_eq!(app.job_summary(&job).await, "completed: 3 deleted");
}
