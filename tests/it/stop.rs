//! The emergency stop: whatever lets rows be deleted is refused or waits from the moment at which the stop is written, and
//! what it paused goes on when it has ended.

use std::time::Duration;

use efface_aws::store::job::LiveCursor;
use efface_core::{role::Role, space::SpaceId, time::Time};
use efface_engine::stop::LiveJobStatus;
use efface_tests::{
    Req, TestApp,
    app::{Reply, SPACE, profile_line},
    size::size,
    store::active_identifiers,
};
use futures::{StreamExt, stream};
use serde_json::{Value, json};

const STOPPED: &str = "403 stopped An operator has stopped deletions in space_id `spa_demo`: nothing that deletes is created \
                       or started until an operator lets it go on.";

/// Pauses the live jobs as the command does.
async fn pause_jobs(app: &TestApp, space: Option<&SpaceId>) -> Vec<LiveJobStatus> {
    let (engine, mut jobs, mut cursor) = (app.engine(), Vec::new(), Some(LiveCursor::default()));
    while let Some(at) = cursor {
        let found = engine.pause_live_jobs(space, at).await.unwrap();
        assert_eq!(found.unreadable, 0);
        jobs.extend(found.jobs);
        cursor = found.more;
    }
    jobs
}

/// Does what `efface admin stop` does; the stop's own item is written first.
pub(crate) async fn stop(app: &TestApp, space: Option<&str>) -> Vec<LiveJobStatus> {
    let space = space.map(|space| SpaceId::parse(space).unwrap());
    app.engine().begin_stop(space.as_ref()).await.unwrap();
    pause_jobs(app, space.as_ref()).await
}

/// Does what `efface admin start` does, and lets the reconciler look.
pub(crate) async fn start(app: &TestApp, space: Option<&str>, leave_paused: bool) {
    let space = space.map(|space| SpaceId::parse(space).unwrap());
    app.engine().end_stop(space.as_ref(), leave_paused).await.unwrap();
    app.reconcile().await;
}

fn path(rest: &str) -> String {
    format!("/v1/spaces/{SPACE}/deletion_jobs{rest}")
}

pub(crate) fn rows(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|i| format!("user_id:u{i}")).collect()
}

pub(crate) fn delete(rows: &[String]) -> Value {
    json!({ "action": "delete_profile", "rows": rows })
}

pub(crate) async fn profiles(app: &TestApp, count: usize) {
    let lines: Vec<Value> = (0..count).map(|i| profile_line(SPACE, &[&format!("user_id:u{i}")])).collect();
    stream::iter(&lines).for_each_concurrent(8, async |line| assert!(app.try_load(line).await.is_ok())).await;
}

pub(crate) async fn identifiers(app: &TestApp) -> usize {
    active_identifiers(&app.db.dump().await)
}

/// Every request that lets something be deleted, with a job in the state that it is about.
async fn requests_that_delete(app: &TestApp) -> Vec<(&'static str, Req)> {
    let open = app.job(json!({ "action": "delete_profile", "open": true, "rows": rows(0..1) })).await;
    let paused = app.job(delete(&rows(0..1))).await;
    assert_eq!(app.control(&paused, "pause").await.body["job"]["state"], "paused");
    let plan = app.create_job(json!({ "action": "delete_profile", "rows": rows(0..1), "dry_run": true })).await;
    let plan = plan.body["job"]["id"].as_str().unwrap().to_owned();
    let segment = json!({ "id": "seg", "name": "Some", "kind": "manual_segment" });
    assert_eq!(app.send(Req::post(format!("/v1/spaces/{SPACE}/segments"), &segment)).await.status, 201);
    let dry = json!({ "action": "delete_profile", "rows": rows(0..1), "dry_run": true });
    let page = json!({ "page": 7, "rows": rows(1..2) });
    let users = json!({ "confirm": true });
    vec![
        ("create", Req::post(path(""), &delete(&rows(0..1)))),
        ("dry run", Req::post(path(""), &dry)),
        ("rows", Req::post(path(&format!("/{open}/rows")), &page)),
        ("start", Req::post(path(&format!("/{open}/start")), &json!({}))),
        ("resume", Req::post(path(&format!("/{paused}/resume")), &json!({}))),
        ("redrive", Req::post(path(&format!("/{plan}/redrive")), &json!({}))),
        ("approve", Req::post(path(&format!("/{open}/approve")), &json!({}))),
        ("execute", Req::post(path(&format!("/{plan}/execute")), &json!({}))),
        ("profile", Req::delete_profile(SPACE, "user_id", "u0")),
        ("segment", Req::post(format!("/v1/spaces/{SPACE}/segments/seg/delete_users"), &users)),
    ]
}

#[tokio::test]
async fn nothing_that_deletes_is_created_or_started() {
    for space in [None, Some(SPACE)] {
        let app = TestApp::start().await;
        profiles(&app, 3).await;
        let requests = requests_that_delete(&app).await;
        app.queue.take();
        stop(&app, space).await;
        let before = app.db.dump().await;
        for (name, request) in &requests {
            assert_eq!(app.send(request.clone()).await.line(), STOPPED, "{name}");
        }
        let bulk = Req::post("/internal/bulk-delete-internal", &json!(["user_id:u0"]));
        let reply = app.send(bulk.header("x-reactor-instance-name", "demo")).await;
        assert_eq!(reply.status, 403, "{}", reply.line());
        let mut after = app.db.dump().await;
        after.retain(|(pk, _), _| !pk.starts_with("R#") && !pk.starts_with("K#"));
        let mut before = before;
        before.retain(|(pk, _), _| !pk.starts_with("R#") && !pk.starts_with("K#"));
        assert_eq!(after, before, "a request that is refused changes nothing");
        // Other instances, whose caches know nothing yet, refuse as well.
        let another = app.another(efface_api::event::EventSource::Rest);
        let token = app.token(Role::WorkspaceOwner).to_owned();
        let create = Req::post(path(""), &delete(&rows(0..1))).token(&token);
        assert_eq!(efface_tests::app::send(&another, &create, efface_tests::events::Via::Rest).await.line(), STOPPED);
        start(&app, space, false).await;
        for (name, request) in requests.into_iter().filter(|(name, _)| !["redrive", "approve"].contains(name)) {
            let reply = app.send(request).await;
            assert!((200..300).contains(&reply.status), "{name} {}", reply.line());
        }
        app.leave_messages();
    }
}

/// A single deletion is refused with the contract's text, as soon as what is remembered has lapsed. What reads and what
/// stops is not refused.
#[tokio::test]
async fn single_deletions_stop_within_half_a_minute() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u0", "email:a@x", "email:b@x", "email:c@x"]).await;
    assert_eq!(app.delete("u0", "email:a@x").await.status, 200);
    let job = app.job(delete(&rows(0..1))).await;
    stop(&app, Some(SPACE)).await;
    app.clock.advance(31_000);
    let refused = "403 forbidden Deleted identifier not activated for space_id `spa_demo`.";
    assert_eq!(app.delete("u0", "email:b@x").await.line(), refused);
    assert_eq!(app.external_ids("user_id:u0").await.len(), 3);
    assert_eq!(app.job_status(&job).await["stopped"], true);
    assert_eq!(app.control(&job, "cancel").await.body["job"]["state"], "cancelled");
    start(&app, Some(SPACE), false).await;
    app.clock.advance(31_000);
    assert_eq!(app.delete("u0", "email:b@x").await.status, 200);
    app.work().await;
    assert_eq!(app.job_summary(&job).await, "cancelled: 1 remaining");
}

/// Another space goes on.
#[tokio::test]
async fn the_stop_of_a_space_is_its_own() {
    let app = TestApp::start().await;
    profiles(&app, 1).await;
    let job = app.job(delete(&rows(0..1))).await;
    app.space("spa_other", json!({})).await;
    assert!(stop(&app, Some("spa_other")).await.is_empty());
    app.work().await;
    assert_eq!(app.job_summary(&job).await, "completed: 1 deleted");
}

/// What an operator says of the stop that holds is about all jobs that it holds, also where another one paused them; and
/// what a person pauses meanwhile stays paused.
#[tokio::test]
async fn the_last_word_on_a_job_counts() {
    let app = TestApp::start().await;
    profiles(&app, 4).await;
    let jobs = [app.job(delete(&rows(0..1))).await, app.job(delete(&rows(1..2))).await];
    app.queue.take();
    let states =
        async || [app.job_status(&jobs[0]).await["state"].clone(), app.job_status(&jobs[1]).await["state"].clone()];
    // The stack is stopped, then the space: with `--leave-paused` for the space, nothing goes on.
    stop(&app, None).await;
    assert_eq!(app.control(&jobs[1], "pause").await.body["job"]["state"], "paused");
    stop(&app, Some(SPACE)).await;
    start(&app, None, false).await;
    assert_eq!(states().await, ["paused", "paused"]);
    start(&app, Some(SPACE), true).await;
    app.reconcile().await;
    assert_eq!(states().await, ["paused", "paused"], "the operator wanted them to stay");
    // A person's pause during a stop outlives it, as the other job shows.
    app.control(&jobs[0], "resume").await;
    app.control(&jobs[1], "resume").await;
    app.queue.take();
    stop(&app, None).await;
    assert_eq!(app.control(&jobs[1], "pause").await.status, 202);
    start(&app, None, false).await;
    app.reconcile().await;
    assert_eq!(states().await[1], "paused");
    assert_ne!(states().await[0], "paused");
    // A space that is deactivated during a stop: its jobs wait for persons.
    app.queue.take();
    stop(&app, None).await;
    app.space(SPACE, json!({ "activated": false })).await;
    start(&app, None, false).await;
    app.space(SPACE, json!({ "activated": true })).await;
    app.reconcile().await;
    assert_eq!(states().await, ["paused", "paused"]);
    app.leave_messages();
}

/// The command dies when it has written the stop: workers and the reconciler stop the jobs, and the command again finds
/// nothing left to do.
#[tokio::test]
async fn the_stop_holds_before_the_jobs_are_paused() {
    for looks_first in ["worker", "reconciler"] {
        let app = TestApp::start().await;
        profiles(&app, 2).await;
        let job = app.job(delete(&rows(0..2))).await;
        app.engine().begin_stop(None).await.unwrap();
        if looks_first == "reconciler" {
            app.queue.take();
            app.reconcile().await;
        }
        app.work().await;
        let status = app.job_status(&job).await;
        assert_eq!((&status["state"], &status["stopped"]), (&json!("paused"), &json!(true)), "{looks_first}");
        let jobs = stop(&app, None).await;
        assert_eq!((jobs.len(), jobs[0].was_paused), (1, false));
        assert_eq!(identifiers(&app).await, 2);
        start(&app, None, false).await;
        app.work().await;
        assert_eq!(app.job_summary(&job).await, "completed: 2 deleted");
    }
}

/// A stop at the same moment as each request that lets rows be deleted: the request is refused, or its job is paused.
#[tokio::test]
async fn a_stop_at_the_same_moment_leaves_nothing_running() {
    for at in 0..size(8, 24) {
        for which in ["create", "start", "resume", "execute"] {
            let app = TestApp::start().await;
            profiles(&app, 3).await;
            let requests = requests_that_delete(&app).await;
            app.queue.take();
            let request = requests.into_iter().find(|(name, _)| *name == which).unwrap().1;
            app.db.proxy.slow(Duration::from_millis(8));
            let stops = async {
                tokio::time::sleep(Duration::from_millis(10 * u64::try_from(at).unwrap())).await;
                stop(&app, None).await;
            };
            let (reply, ()): (Reply, ()) = tokio::join!(app.send(request), stops);
            app.db.proxy.slow(Duration::ZERO);
            app.work().await;
            app.reconcile().await;
            app.work().await;
            assert_eq!(identifiers(&app).await, 3, "{which} {at}: something was deleted");
            if reply.status == 403 {
                assert_eq!(reply.line(), STOPPED);
                continue;
            }
            let job = reply.body["job"]["id"].as_str().unwrap().to_owned();
            assert_eq!(app.job_status(&job).await["state"], "paused", "{which} {at}");
            start(&app, None, false).await;
            app.work().await;
            app.reconcile().await;
            app.work().await;
            assert_eq!(app.job_status(&job).await["state"], "completed", "{which} {at}");
        }
    }
}

/// A job whose time comes while everything is stopped starts when that has ended.
#[tokio::test]
async fn a_scheduled_job_does_not_start_meanwhile() {
    let app = TestApp::start().await;
    profiles(&app, 1).await;
    let at = Time::from_millis(app.clock.peek().millis() + 60_000).unwrap();
    let job = app.job(json!({ "action": "delete_profile", "rows": rows(0..1), "start_at": at })).await;
    stop(&app, None).await;
    app.clock.advance(120_000);
    app.work().await;
    app.reconcile().await;
    app.work().await;
    assert_eq!(app.job_summary(&job).await, "scheduled: 1 remaining");
    start(&app, None, false).await;
    app.work().await;
    assert_eq!(app.job_summary(&job).await, "completed: 1 deleted");
}

/// Only jobs that the stop paused go on, and none where the operator wants them to stay paused.
#[tokio::test]
async fn what_goes_on_is_what_the_stop_paused() {
    for leave_paused in [false, true] {
        let app = TestApp::start().await;
        profiles(&app, 2).await;
        let by_client = app.job(delete(&rows(0..1))).await;
        app.control(&by_client, "pause").await;
        let by_stop = app.job(delete(&rows(1..2))).await;
        stop(&app, None).await;
        app.work().await;
        start(&app, None, leave_paused).await;
        app.work().await;
        let ends = if leave_paused { "paused: 1 remaining" } else { "completed: 1 deleted" };
        assert_eq!(app.job_summary(&by_stop).await, ends);
        assert_eq!(app.job_summary(&by_client).await, "paused: 1 remaining");
        if leave_paused {
            // Also after another stop, which lets its own jobs go on.
            stop(&app, None).await;
            start(&app, None, false).await;
            assert_eq!(app.job_summary(&by_stop).await, "paused: 1 remaining");
            assert_eq!(app.control(&by_stop, "resume").await.status, 202);
            app.work().await;
            assert_eq!(app.job_summary(&by_stop).await, "completed: 1 deleted");
        }
        let events = app.send(Req::get(path(&format!("/{by_stop}/events")))).await;
        let text = events.body.to_string();
        assert!(text.contains("because an operator stopped deletions"), "{text}");
        assert_eq!(text.contains("because an operator let deletions go on"), !leave_paused, "{text}");
    }
}

/// Spaces that are switched off stop their jobs as well. They are resumed by people, and an end of a stop changes nothing.
#[tokio::test]
async fn a_space_that_is_deactivated_stops_its_jobs() {
    let app = TestApp::start().await;
    profiles(&app, 1).await;
    let job = app.job(delete(&rows(0..1))).await;
    app.space(SPACE, json!({ "activated": false })).await;
    let id = SpaceId::parse(SPACE).unwrap();
    assert!(pause_jobs(&app, Some(&id)).await[0].was_paused);
    app.work().await;
    let refused = "403 forbidden Deleted identifier not activated for space_id `spa_demo`.";
    assert_eq!(app.create_job(delete(&rows(0..1))).await.line(), refused, "the cache knows nothing of it yet");
    stop(&app, None).await;
    start(&app, None, false).await;
    app.work().await;
    assert_eq!(app.job_summary(&job).await, "paused: 1 remaining");
    assert_eq!(app.control(&job, "resume").await.line(), refused);
    app.space(SPACE, json!({ "activated": true })).await;
    app.clock.advance(31_000);
    app.reconcile().await;
    app.work().await;
    assert_eq!(app.job_summary(&job).await, "paused: 1 remaining");
    assert_eq!(app.control(&job, "resume").await.status, 202);
    app.work().await;
    assert_eq!(app.job_summary(&job).await, "completed: 1 deleted");
}

/// A job that empties a segment takes no step: it closes nothing, lists nobody and removes nobody.
#[tokio::test]
async fn a_job_of_a_segment_takes_no_step() {
    let of_segment = async |app: &TestApp| {
        let mut dump = app.db.dump().await;
        dump.retain(|(pk, _), _| pk.starts_with("M#") || pk.starts_with("G#"));
        dump
    };
    for steps in 0..5 {
        let app = TestApp::start().await;
        app.space(SPACE, json!({ "settling_seconds": 0 })).await;
        for user in ["u0", "u1", "u2"] {
            let mut line = profile_line(SPACE, &[&format!("user_id:{user}")]);
            line["segments"] = json!(["seg"]);
            app.try_load(&line).await.unwrap();
        }
        let users = Req::post(format!("/v1/spaces/{SPACE}/segments/seg/delete_users"), &json!({ "confirm": true }));
        let job = app.send(users).await.body["job"]["id"].as_str().unwrap().to_owned();
        for _ in 0..steps {
            app.work_once().await;
        }
        if app.job_status(&job).await["state"] == "completed" {
            break;
        }
        stop(&app, None).await;
        let before = of_segment(&app).await;
        app.work().await;
        app.reconcile().await;
        app.work().await;
        assert_eq!(of_segment(&app).await, before, "after {steps} messages");
        assert_eq!(app.job_status(&job).await["state"], "paused");
        start(&app, None, false).await;
        for _ in 0..3 {
            app.work().await;
            app.clock.advance(61_000);
            app.reconcile().await;
        }
        app.work().await;
        assert_eq!(app.job_summary(&job).await, "completed: 3 deleted", "after {steps} messages");
    }
}

/// A stop does not give a job with a limit more deletions.
#[tokio::test]
async fn the_limit_of_a_job_is_not_renewed() {
    let app = TestApp::start().await;
    profiles(&app, 3).await;
    let job = app.job(json!({ "action": "delete_profile", "rows": rows(0..3), "max_deletions": 1 })).await;
    stop(&app, None).await;
    start(&app, None, false).await;
    app.work().await;
    for _ in 0..3 {
        stop(&app, None).await;
        start(&app, None, false).await;
        app.work().await;
        assert_eq!(app.job_summary(&job).await, "paused: 1 deleted, 2 remaining");
    }
    assert_eq!(app.control(&job, "resume").await.status, 202);
    app.work().await;
    assert_eq!(app.job_summary(&job).await, "paused: 2 deleted, 1 remaining");
}

/// A table that is restored takes the stops over from the one that it replaces, so that nothing starts when it is used.
#[tokio::test]
async fn a_restored_table_takes_the_stops_over() {
    let app = TestApp::start().await;
    app.space("spa_other", json!({})).await;
    let backup = efface_tests::backup::Backup::of(app).await;
    stop(&backup.app, None).await;
    stop(&backup.app, Some("spa_other")).await;
    let restored = backup.restore("restored").await;
    let other = SpaceId::parse("spa_other").unwrap();
    assert!(restored.db.store.stops(&other).await.unwrap().halt().is_none(), "the backup has none");
    backup.reapply(&restored).await;
    let stops = restored.db.store.stops(&other).await.unwrap();
    assert!(stops.all.unwrap().holds() && stops.space.unwrap().holds());
    start(&restored, None, false).await;
    backup.reapply(&restored).await;
    assert!(
        restored.db.store.stop(None).await.unwrap().unwrap().ended_at.is_some(),
        "the table is in use: nothing is carried"
    );
}
