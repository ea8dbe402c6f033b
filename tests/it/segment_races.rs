//! Joins while a job empties the segment, and what a member costs.

use efface_core::role::Role;
use efface_tests::{Req, TestApp, app::SPACE, fault_proxy::Passed, faults::Fault, jobs::summary, size::size};
use futures::{StreamExt, stream};
use serde_json::json;

use crate::{
    segment_jobs::confirmed,
    segments::{create, load_member, members, post},
};

/// Members of the segment before its job, and joins by each way meanwhile, in a round.
const MEMBERS: usize = 8;
const JOINS: usize = 25;

/// Whether somebody joined, by the words of who let them.
async fn joins(app: &TestApp, way: &str, user: &str, segment: &str) -> bool {
    if way == "load" {
        return load_member(app, user, segment).await.not_joined == 0;
    }
    let rows = json!({ "rows": [format!("user_id:{user}")] });
    let reply = post(app, &format!("/{segment}/members"), &rows).await;
    match reply.status {
        200 => reply.body["added"] == 1,
        409 => false,
        status => panic!("{status} {}", reply.body),
    }
}

/// In each round a segment is emptied while others join it, by loads and by requests. Who was told to have joined is
/// deleted; who was not is alive; nobody is a member. Every tenth transaction meets another one.
#[tokio::test]
async fn nobody_is_in_an_emptied_segment_by_whatever_way() {
    let app = TestApp::start_patient().await;
    app.space(SPACE, json!({ "settling_seconds": 0 })).await;
    let mut told = [0, 0];
    for round in 0..size(4, 40) {
        let segment = format!("seg{round}");
        create(&app, &segment).await;
        for i in 0..MEMBERS {
            load_member(&app, &format!("m{round}_{i}"), &segment).await;
        }
        let users: Vec<(&str, String)> =
            (0..2 * JOINS).map(|i| (["load", "request"][i % 2], format!("j{round}_{i}"))).collect();
        for (_, user) in users.iter().filter(|(way, _)| *way == "request") {
            app.profile(&[&format!("user_id:{user}")]).await;
        }
        let mut seen = 0;
        app.db.proxy.plan(move |passed| {
            seen += 1;
            let meets = passed.operation == "TransactWriteItems" && seen % 10 == 0;
            if meets { Fault::Conflict } else { Fault::None }
        });
        let job = confirmed(&app, &segment).await;
        let joined = async {
            stream::iter(&users)
                .map(async |(way, user)| (*way, user.clone(), joins(&app, way, user, &segment).await))
                .buffered(4)
                .collect::<Vec<_>>()
                .await
        };
        let (joined, ()) = futures::join!(joined, app.work());
        app.db.proxy.heal();
        over(&app, &job).await;
        for (way, user, has_joined) in joined {
            let status = app.send(Req::read(SPACE, "user_id", &user, "metadata")).await.status;
            assert_eq!(status, if has_joined { 404 } else { 200 }, "{way} {user}");
            told[usize::from(has_joined)] += 1;
        }
        assert_eq!(members(&app, &segment, 10).await, Vec::<String>::new());
    }
    assert!(told[0] > 0, "some came too late: {told:?}");
}

/// Carries a job on to its end. As more have joined than were seen, somebody has to approve it.
async fn over(app: &TestApp, job: &str) {
    for _ in 0..6 {
        let status = app.job_status(job).await;
        match status["state"].as_str().unwrap() {
            "completed" => {
                assert_eq!(status["verdict"], "complete", "{status}");
                return assert_nobody_came_late(app, job).await;
            }
            "awaiting_approval" => {
                let approve = Req::post(format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/approve"), &json!({}));
                let reply = app.send_raw(&approve.token(app.token(Role::Administrator))).await;
                assert_eq!(reply.status, 202, "{}", reply.body);
            }
            _ => {
                app.clock.advance(400_000);
                app.reconcile().await;
            }
        }
        app.work().await;
    }
    panic!("the job does not end: {}", summary(&app.job_status(job).await));
}

/// Whoever joined did so before the gates were closed: no look through the segment has found anybody who was not listed.
async fn assert_nobody_came_late(app: &TestApp, job: &str) {
    let path = format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/events?limit=100");
    let events = app.send(Req::get(path)).await.body["data"].clone();
    let sweeps: Vec<_> = events.as_array().unwrap().iter().filter(|event| event["kind"] == "sweep").collect();
    assert!(sweeps.len() >= 2 && sweeps.iter().all(|event| event["sweep"]["added"] == 0), "{events}");
}

/// A member with one identifier: the head, the identifier, its membership and its edge, and the head again when it is gone
/// are five writes. Beside them the gates, the pages and two looks through the segment are shared.
#[tokio::test]
async fn what_a_member_costs() {
    const COUNT: u32 = 1_000;
    let app = TestApp::start_patient().await;
    app.space(SPACE, json!({ "settling_seconds": 0 })).await;
    app.clock.step(0);
    create(&app, "seg").await;
    stream::iter(0..COUNT)
        .for_each_concurrent(8, async |i| assert_eq!(load_member(&app, &format!("u{i}"), "seg").await.stored, 1))
        .await;
    let job = confirmed(&app, "seg").await;
    app.db.proxy.take();
    app.work().await;
    let passed: Vec<Passed> = app.db.proxy.take().into_iter().filter(|one| !one.is_repeated).collect();
    assert_eq!(app.job_summary(&job).await, "completed: 1000 deleted");
    let (reads, writes) = passed.iter().map(Passed::units).fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
    let requests: f64 = u32::try_from(passed.len()).unwrap().into();
    let share = |n: f64| n / f64::from(COUNT);
    let shares = (share(requests), share(writes), share(reads));
    assert!(shares.0 <= 7.1 && shares.1 <= 5.35 && shares.2 <= 1.9, "{shares:?}");
}
