//! The limits of a space per clock second: those of deletions, jobs and dry runs are exact over all instances, those of
//! reads hold for each instance. All are free of cost while they deny.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use efface_api::event::EventSource;
use efface_core::role::Role;
use efface_tests::{
    Req, TestApp, Via, app,
    app::{Reply, SPACE},
    matchers::DELETED_AT,
    store::TABLE,
};
use futures::StreamExt;
use serde_json::{Value, json};

const LIMITED: &str = "429 rate_limit_error Attempted to delete more than 100 IDs per second for a single profile.";

/// Four profiles of 60 identifiers each, and a clock that stands still.
async fn full() -> TestApp {
    let app = TestApp::start().await;
    for profile in 0..4 {
        let ids: Vec<String> = (0..60).map(|i| format!("anonymous_id:{profile}-{i}")).collect();
        let user = format!("user_id:u{profile}");
        let ids: Vec<&str> = std::iter::once(user.as_str()).chain(ids.iter().map(String::as_str)).collect();
        app.profile(&ids).await;
    }
    app.clock.step(0);
    app
}

/// The deletion of the `i`-th identifier. Consecutive ones belong to different profiles.
fn nth(i: usize) -> Req {
    let profile = i % 4;
    Req::delete(SPACE, &format!("u{profile}"), "anonymous_id", &format!("{profile}-{}", i / 4))
}

#[tokio::test]
async fn one_instance_admits_exactly_the_limit() {
    let app = full().await;
    let mut statuses = BTreeMap::new();
    for i in 0..130 {
        let reply = app.send(nth(i)).await;
        if reply.status == 429 {
            assert_eq!((reply.line().as_str(), reply.headers["retry-after"].as_str()), (LIMITED, "1"));
        }
        *statuses.entry(reply.status).or_insert(0) += 1;
    }
    assert_eq!(statuses, BTreeMap::from([(200, 100), (429, 30)]));
    app.db.proxy.take();
    assert_eq!(app.send(nth(200)).await.status, 429);
    assert_eq!(app.db.proxy.take().len(), 0, "a denied request costs nothing");
    app.clock.advance(1_000);
    assert_eq!(app.send(nth(200)).await.status, 200, "the next second has a count of its own");
}

#[tokio::test]
async fn many_instances_together_admit_the_limit() {
    let app = full().await;
    let instances: Vec<_> = (0..5).map(|_| app.another(EventSource::Rest)).collect();
    let token = app.token(Role::WorkspaceOwner).to_owned();
    let requests: Vec<Req> = (0..240).map(|i| nth(i).token(&token)).collect();
    let sends = requests.iter().enumerate().map(|(i, request)| app::send(&instances[i % 5], request, Via::Rest));
    let replies: Vec<_> = futures::stream::iter(sends).buffer_unordered(40).collect().await;
    let admitted = replies.iter().filter(|reply| reply.status == 200).count();
    assert_eq!(admitted, 100);
    assert!(replies.iter().all(|reply| matches!(reply.status, 200 | 429)), "no other responses");
}

/// The second of `deleted_at` is the one that was counted, also when clocks go back: no second has more deletions than
/// the limit.
#[tokio::test]
async fn deleted_at_is_in_the_second_that_was_counted() {
    let app = full().await;
    app.space(SPACE, json!({ "deletions_per_second": 7 })).await;
    app.clock.advance(60_000);
    app.clock.step(13);
    for i in 0..120 {
        let reply = app.send(nth(i)).await;
        assert!(matches!(reply.status, 200 | 429));
        if i % 10 == 0 {
            // The clock goes back, as it may between two instances.
            app.clock.advance(-700);
        }
    }
    let mut seconds: BTreeMap<String, usize> = BTreeMap::new();
    for item in app.db.dump().await.values() {
        if let Some(at) = item.get(DELETED_AT) {
            *seconds.entry(at.split('.').next().unwrap().to_owned()).or_default() += 1;
        }
    }
    assert!(seconds.len() > 2 && seconds.values().all(|count| *count <= 7), "{seconds:?}");
}

#[tokio::test]
async fn a_raised_limit_of_the_space_does_not_raise_the_profiles_limit() {
    let app = full().await;
    app.space(SPACE, json!({ "deletions_per_second": 150, "deletions_per_second_per_profile": 20 })).await;
    app.clock.advance(60_000);
    let mut admitted = [0; 4];
    for i in 0..120 {
        let reply = app.send(nth(i)).await;
        if reply.status == 200 {
            admitted[i % 4] += 1;
        } else {
            assert_eq!(reply.line(), LIMITED);
        }
    }
    assert_eq!(admitted, [20; 4]);
}

#[tokio::test]
async fn spaces_do_not_share_a_limit() {
    let app = full().await;
    app.space(SPACE, json!({ "deletions_per_second": 1 })).await;
    app.space("spa_other", json!({ "source": "attached" })).await;
    app.clock.advance(60_000);
    assert_eq!(app.send(nth(0)).await.status, 200);
    assert_eq!(app.send(nth(1)).await.status, 429);
    let token = app.new_token("spa_other", Role::WorkspaceOwner).await;
    assert_eq!(app.send_raw(&Req::delete("spa_other", "u", "email", "e").token(&token)).await.status, 404);
}

/// DynamoDB takes 1,000 write units a second of one item.
#[tokio::test]
async fn a_limit_above_1_000_acts_as_1_000() {
    let app = full().await;
    app.space(SPACE, json!({ "deletions_per_second": 5_000, "deletions_per_second_per_profile": 5_000 })).await;
    app.clock.advance(60_000);
    let second = app.clock.peek().second();
    let counter = app.db.client.put_item().table_name(TABLE).item("pk", text(&format!("R#{SPACE}#-#{second}")));
    let counter = counter.item("sk", text("-")).item("requests", AttributeValue::N("999".to_owned()));
    counter.send().await.unwrap();
    assert_eq!(app.send(nth(0)).await.status, 200, "the 1,000th of its second");
    assert_eq!(app.send(nth(1)).await.line(), LIMITED);
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

/// An app whose clock stands still, and whose space has these limits.
async fn limited(limits: Value) -> TestApp {
    let app = TestApp::start().await;
    app.leave_messages();
    app.profile(&["user_id:u", "email:e"]).await;
    app.space(SPACE, limits).await;
    app.clock.advance(60_000);
    app.clock.step(0);
    app
}

fn jobs() -> String {
    format!("/v1/spaces/{SPACE}/deletion_jobs")
}

fn page(rows: &[&str], dry_run: bool) -> Req {
    Req::post(jobs(), &json!({ "action": "delete_profile", "rows": rows, "dry_run": dry_run }))
}

#[tokio::test]
async fn each_instance_limits_the_reads_of_a_space() {
    let app = limited(json!({ "reads_per_second": 5 })).await;
    let reads = [
        Req::read(SPACE, "user_id", "u", "external_ids"),
        Req::read(SPACE, "user_id", "u", "traits"),
        Req::read(SPACE, "user_id", "u", "metadata"),
        Req::deletion(SPACE, "email", "e"),
        Req::get(jobs()),
    ];
    for read in &reads {
        assert_ne!(app.send(read.clone()).await.status, 429);
    }
    app.db.proxy.take();
    let job = Req::get(format!("{}/job_019b76da1e7b7000a1b2c3d4e5f60718", jobs()));
    for read in reads.iter().chain([&job]) {
        let reply = app.send(read.clone()).await;
        assert_eq!(reply.line(), "429 rate_limit_error Attempted more than 5 reads per second in this space.");
        assert_eq!(reply.headers["retry-after"], "1");
    }
    assert_eq!(app.db.proxy.take().len(), 0, "a denied read costs nothing");
    assert_eq!(app.delete("u", "email:nobody").await.status, 404, "deletions have limits of their own");
    let owner = app.token(Role::WorkspaceOwner).to_owned();
    let another = app.another(EventSource::Rest);
    assert_eq!(app::send(&another, &reads[1].clone().token(&owner), Via::Rest).await.status, 200);
    app.space("spa_other", json!({})).await;
    let token = app.new_token("spa_other", Role::WorkspaceOwner).await;
    let other = Req::read("spa_other", "user_id", "u", "traits").token(&token);
    assert_eq!(app.send_raw(&other).await.status, 404, "another space is not affected");
    app.clock.advance(1_000);
    assert_eq!(app.send(reads[1].clone()).await.status, 200);
}

#[tokio::test]
async fn all_instances_together_limit_jobs_and_pages() {
    let app = limited(json!({ "jobs_per_second": 4, "dry_runs_per_second": 1 })).await;
    let open = json!({ "action": "delete_profile", "open": true });
    let open = app.send(Req::post(jobs(), &open)).await;
    let job = open.body["job"]["id"].as_str().unwrap().to_owned();
    let add = Req::post(format!("{}/{job}/rows", jobs()), &json!({ "page": 0, "rows": ["user_id:nobody"] }));
    let bulk = Req::post("/internal/bulk-delete-internal", &json!(["user_id:nobody"]));
    let bulk = bulk.header("x-reactor-instance-name", "demo");
    for request in [&add, &bulk, &page(&["user_id:nobody"], false)] {
        assert_eq!(app.send(request.clone()).await.status, 202);
    }
    let denied = "429 rate_limit_error Attempted more than 4 jobs and pages per second in this space.";
    let another = app.another(EventSource::Rest);
    let owner = app.token(Role::WorkspaceOwner).to_owned();
    for request in [&add, &bulk, &page(&[], false), &Req::delete_profile(SPACE, "user_id", "u")] {
        let reply = app::send(&another, &request.clone().token(&owner), Via::Rest).await;
        assert_eq!((reply.line().as_str(), reply.headers["retry-after"].as_str()), (denied, "1"));
    }
    app.db.proxy.take();
    assert_eq!(app::send(&another, &add.token(&owner), Via::Rest).await.status, 429);
    assert_eq!(app.db.proxy.take().len(), 0, "a denied request costs nothing");
    for verb in ["start", "pause", "resume", "cancel"] {
        assert_eq!(app.control(&job, verb).await.status, 202, "a job is controlled whatever the limits are");
    }
    assert_eq!(app.send(page(&["user_id:u"], true)).await.status, 200, "a dry run has a limit of its own");
    let reply = app.send(page(&["user_id:u"], true)).await;
    assert_eq!(reply.line(), "429 rate_limit_error Attempted more than 1 dry runs per second in this space.");
    app.clock.advance(1_000);
    assert_eq!(app.send(Req::delete_profile(SPACE, "user_id", "u")).await.status, 200);
}

/// The limit is decided after the source, and before idempotency keys and whatever may not be there.
#[tokio::test]
async fn the_limit_of_jobs_has_its_place_in_the_order() {
    let app = limited(json!({ "jobs_per_second": 1 })).await;
    assert_eq!(app.send(page(&["user_id:nobody"], false).key("k")).await.status, 202);
    let bulk = Req::post("/internal/bulk-delete-internal", &json!(["user_id:nobody"]));
    let rows = json!({ "page": 0, "rows": [] });
    let requests = [
        page(&["user_id:other"], false).key("k"),
        bulk.header("x-reactor-instance-name", "unknown"),
        Req::delete_profile(SPACE, "user_id", "nobody"),
        Req::post(format!("{}/job_019b76da1e7b7000a1b2c3d4e5f60718/rows", jobs()), &rows),
    ];
    for request in &requests {
        assert_eq!(app.send(request.clone()).await.status, 429, "{}", request.target);
    }
    app.space(SPACE, json!({ "source": "detached" })).await;
    app.clock.advance(60_000);
    for request in &requests {
        assert_eq!(
            app.send(request.clone()).await.line(),
            "404 source_id_not_found No source attached to space_id `spa_demo`."
        );
    }
}

/// The headers that tell of limits.
fn rate_limit(reply: &Reply) -> (&str, &str) {
    let header = |name: &str| reply.headers.get(name).map_or("", String::as_str);
    (header("ratelimit-policy"), header("ratelimit"))
}

/// The message is the contract's whatever limit is meant; the headers say which.
#[tokio::test]
async fn the_headers_of_a_429_name_the_limit_of_deletions() {
    let app = full().await;
    app.space(SPACE, json!({ "deletions_per_second": 3, "deletions_per_second_per_profile": 2 })).await;
    app.clock.advance(60_000);
    let policies = "\"deletions-per-space\";q=3;w=1, \"deletions-per-profile\";q=2;w=1";
    let of_space = |left: u32| format!("\"deletions-per-space\";r={left};t=1");
    let first = app.send(nth(0)).await;
    assert_eq!(rate_limit(&first), (policies, format!("{}, \"deletions-per-profile\";r=1;t=1", of_space(2)).as_str()));
    let second = app.send(nth(4)).await;
    assert_eq!(rate_limit(&second).1, format!("{}, \"deletions-per-profile\";r=0;t=1", of_space(1)));
    let of_profile = app.send(nth(8)).await;
    assert_eq!((of_profile.line().as_str(), of_profile.headers["retry-after"].as_str()), (LIMITED, "1"));
    let profile = ("\"deletions-per-profile\";q=2;w=1", "\"deletions-per-profile\";r=0;t=1");
    assert_eq!(rate_limit(&of_profile), profile);
    for _ in 0..2 {
        // The second time, the instance remembers it.
        let reply = app.send(nth(1)).await;
        assert_eq!(
            (reply.status, rate_limit(&reply)),
            (429, ("\"deletions-per-space\";q=3;w=1", of_space(0).as_str()))
        );
    }
    app.clock.advance(1_000);
    assert_eq!(app.send(nth(1)).await.status, 200, "and `t` is true");
}

#[tokio::test]
async fn the_headers_tell_of_every_other_limit() {
    let app = limited(json!({ "reads_per_second": 1, "jobs_per_second": 1, "dry_runs_per_second": 1 })).await;
    let read = Req::read(SPACE, "user_id", "u", "traits");
    let requests = [
        (read, "reads-per-instance", 200),
        (page(&["user_id:nobody"], false), "jobs-per-space", 202),
        (page(&["user_id:nobody"], true), "dry-runs-per-space", 200),
    ];
    for (request, name, status) in requests {
        let (policy, left) = (format!("\"{name}\";q=1;w=1"), format!("\"{name}\";r=0;t=1"));
        for status in [status, 429] {
            let reply = app.send(request.clone()).await;
            assert_eq!((reply.status, rate_limit(&reply)), (status, (policy.as_str(), left.as_str())), "{name}");
        }
    }
    let job = app.send(Req::get("/health")).await;
    assert_eq!(rate_limit(&job), ("", ""), "what no limit counts has no such headers");
}
