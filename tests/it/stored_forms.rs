//! The forms of stored items and messages. A folder of `tests/fixtures` holds a table and a queue in the middle of jobs, as
//! a version left them. Every later version must finish them: a deployment meets the jobs of the version before it.
//!
//! Where a form changes, `EFFACE_UPDATE=1 cargo test -p efface-tests stored_forms` adds a folder. Fixtures are never
//! changed. `docs/operations.md` tells how forms are changed: readers are deployed before writers.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use efface_aws::store::token::NewToken;
use efface_core::{role::Role, space::SpaceId, time::Time};
use efface_tests::{
    Req, TestApp,
    app::{SPACE, log_key, master, profile_line},
    fixture::Fixture,
    jobs::summary,
};
use serde_json::{Value, json};

/// The folders, the oldest first.
fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut folders: Vec<PathBuf> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}

#[tokio::test]
async fn what_earlier_versions_left_is_finished() {
    for folder in folders() {
        let fixture = Fixture::read(&folder);
        let app = TestApp::with(&fixture.items).await;
        fixture.messages.iter().for_each(|message| app.queue.put(message));
        let mut finished = finish(&app).await;
        // What a version did not know it did not expect.
        finished.as_object_mut().unwrap().retain(|name, _| fixture.expected.get(name).is_some());
        assert_eq!(finished, fixture.expected, "{}", folder.display());
    }
}

#[tokio::test]
async fn the_newest_fixture_has_the_forms_of_this_version() {
    let app = in_the_middle_of_jobs().await;
    let mut now = Fixture { items: app.db.items().await, messages: app.queue.take(), expected: Value::Null };
    let folders = folders();
    let forms = folders.last().map(|newest| Fixture::read(newest).forms()).unwrap_or_default();
    if forms != now.forms() && std::env::var_os("EFFACE_UPDATE").is_some() {
        now.messages.iter().for_each(|message| app.queue.put(message));
        app.db.proxy.heal();
        now.expected = finish(&app).await;
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        return now.write(&root.join(format!("{:03}", folders.len() + 1)));
    }
    assert_eq!(forms, now.forms(), "a stored form has changed: see docs/operations.md, then CONTRIBUTING.md");
}

fn people(from: usize, to: usize) -> Vec<String> {
    (from..to).map(|i| format!("user_id:u{i}")).collect()
}

async fn load(app: &TestApp, ids: &[&str], change: impl FnOnce(&mut Value)) {
    let mut line = profile_line(SPACE, ids);
    change(&mut line);
    app.try_load(&line).await.unwrap();
}

/// Spaces, tokens, and profiles that were merged, deleted in part, deleted, and activated again.
async fn load_profiles(app: &TestApp) {
    app.db.store.set_or_verify_key(&master()).await.unwrap();
    app.db.store.set_or_verify_log_key(&log_key()).await.unwrap();
    let types = json!(["shoe_size", { "name": "nick", "normalisation": "lowercase" }]);
    app.space(SPACE, json!({ "identifier_types": types, "deletions_per_second": 500 })).await;
    for i in 0..30 {
        let ids = [format!("user_id:u{i}"), format!("email:e{i}@x"), format!("nick:N{i}")];
        load(app, &ids.each_ref().map(String::as_str), |line| {
            line["traits"] = json!({ "plan": "pro", "n": i });
            line["segments"] = json!(["seg_vip"]);
        })
        .await;
    }
    for root in ["u2", "u3"] {
        let ids = [format!("user_id:m-{root}"), format!("email:m-{root}@x")];
        let into = json!({ "type": "user_id", "id": root });
        load(app, &ids.each_ref().map(String::as_str), |line| line["merged_into"] = into).await;
    }
    load(app, &["user_id:two", "user_id:deux", "email:two@x"], |_| {}).await;
    let delete = Req::delete(SPACE, "u0", "email", "e0@x").key("k-1");
    assert_eq!(app.send(delete).await.status, 200);
    assert_eq!(app.delete("two", "user_id:deux").await.status, 200);
    assert_eq!(app.delete("two", "email:two@x").await.status, 200);
    load(app, &["user_id:two", "email:two@x"], |line| line["timestamp"] = json!("2027-01-01T00:00:00Z")).await;
    assert_eq!(app.send(Req::delete_profile(SPACE, "user_id", "u1")).await.status, 200);
    let space = SpaceId::parse(SPACE).unwrap();
    let tokens = app.db.store.list_tokens(&space).await.unwrap();
    let token = tokens.iter().find(|token| token.role == Role::Auditor).unwrap().token_id.to_string();
    app.db.store.revoke_token(&space, &token, app.clock.peek()).await.unwrap();
    // A space whose first deletion has made its source.
    app.space("spa_new", json!({})).await;
    let token = app.new_token("spa_new", Role::WorkspaceOwner).await;
    assert_eq!(app.send_raw(&Req::delete("spa_new", "u", "email", "e").token(&token)).await.status, 404);
    let new = NewToken { role: Role::ProfileReader, label: Some("a label".parse().unwrap()), expires_at: None };
    app.db.store.create_labelled_token(&space, new, app.clock.peek()).await.unwrap();
}

/// Jobs in every state: see the comments.
async fn in_the_middle_of_jobs() -> TestApp {
    let app = TestApp::start().await;
    load_profiles(&app).await;
    let delete = |rows: Vec<String>| json!({ "action": "delete_profile", "rows": rows });
    // The job of a deleted profile, verified.
    app.reconcile().await;
    // Completed, verified in part.
    let many = app.job(json!({ "action": "delete_profile", "open": true })).await;
    for page in 0..120 {
        let path = format!("/v1/spaces/{SPACE}/deletion_jobs/{many}/rows");
        app.send(Req::post(path, &json!({ "page": page, "rows": [format!("email:none{page}")] }))).await;
    }
    app.control(&many, "start").await;
    app.work().await;
    while !app.db.items().await.iter().any(|item| item.contains_key("scan")) {
        app.reconcile_within(Duration::ZERO).await;
    }
    // Completed, cancelled, paused, open.
    app.job(delete(people(4, 6))).await;
    app.work().await;
    for verb in ["cancel", "pause"] {
        let job = app.job(delete(people(6, 8))).await;
        app.control(&job, verb).await;
        app.queue.take();
    }
    app.job(json!({ "action": "delete_profile", "open": true, "rows": people(8, 10) })).await;
    jobs_that_wait(&app).await;
    let executing = jobs_of_plans(&app).await;
    let emptying = jobs_of_segments(&app).await;
    start_jobs(&app).await;
    for message in executing.iter().chain(&emptying) {
        app.queue.put(message);
    }
    app
}

/// A dry run that was executed twice: the rows of one job are made, and those of the other are not; their messages.
async fn jobs_of_plans(app: &TestApp) -> Vec<String> {
    for user in ["planned", "changed"] {
        load(app, &[&format!("user_id:{user}"), &format!("email:{user}@x")], |_| {}).await;
    }
    let rows = ["user_id:planned", "email:changed@x", "email:nobody"];
    let plan = app.create_job(json!({ "action": "delete_profile", "rows": rows, "dry_run": true })).await;
    let path = format!("/v1/spaces/{SPACE}/deletion_jobs/{}/execute", plan.body["job"]["id"].as_str().unwrap());
    app.send(Req::post(&path, &json!({}))).await;
    app.deliver(&app.worker(), &app.queue.take()).await;
    let chunk = app.queue.take();
    app.send(Req::post(&path, &json!({}))).await;
    load(app, &["user_id:changed", "email:new@x"], |line| line["timestamp"] = json!("2027-01-01T00:00:00Z")).await;
    chunk.into_iter().chain(app.queue.take()).collect()
}

/// A segment whose job deletes its members, one whose job waits for its turn, one whose members were planned; a disabled
/// one and a deleted one. Their messages.
async fn jobs_of_segments(app: &TestApp) -> Vec<String> {
    let post =
        |rest: &str, body: Value| app.send(Req::post(format!("/v1/spaces/{SPACE}/segments{rest}"), &body).key(rest));
    for segment in ["seg_1", "seg_2", "seg_3", "seg_off", "seg_gone"] {
        let body = json!({ "id": segment, "name": "A segment", "kind": "subscriber_list" });
        post("", body.clone()).await;
        assert_eq!(app.send(Req::post(format!("/v1/spaces/{SPACE}/segments"), &body)).await.status / 100, 2);
    }
    for (user, segment) in [("s1", "seg_1"), ("s2", "seg_1"), ("s3", "seg_2"), ("s4", "seg_3")] {
        load(app, &[&format!("user_id:{user}")], |line| line["segments"] = json!([segment])).await;
    }
    assert_eq!(post("/seg_off/disable", json!({})).await.status, 200);
    let gone = Req::get(format!("/v1/spaces/{SPACE}/segments/seg_gone")).method("DELETE").key("gone");
    assert_eq!(app.send(gone).await.status, 200);
    assert_eq!(post("/seg_3/delete_users", json!({ "dry_run": true })).await.status, 200);
    assert_eq!(post("/seg_1/delete_users", json!({ "confirm": true, "expected_members": 2 })).await.status, 202);
    app.deliver(&app.worker(), &app.queue.take()).await;
    let chunk = app.queue.take();
    assert_eq!(post("/seg_2/delete_users", json!({ "confirm": true, "auto_enable": true })).await.status, 202);
    app.deliver(&app.worker(), &app.queue.take()).await;
    chunk.into_iter().chain(app.queue.take()).collect()
}

/// Jobs that wait for an approval, or for their time: one with an approval, and one without. Their rows name profiles in
/// every way.
async fn jobs_that_wait(app: &TestApp) {
    app.space("spa_guarded", json!({ "approval_over": 7 })).await;
    let mut ids = Vec::new();
    for user in ["u26", "u27", "u28", "two"] {
        let metadata = app.send(Req::read(SPACE, "user_id", user, "metadata")).await;
        ids.push(metadata.body["metadata"]["segment_id"].as_str().unwrap().to_owned());
    }
    let row = |profile: &str, id_type: &str, id: &str| json!({ "profile": profile, "type": id_type, "id": id });
    let rows = [
        row(&ids[0], "email", "e26@x"),
        row("email:e27@x", "nick", "n27"),
        row(&ids[3], "user_id", "two"),
        row("email:two@x", "user_id", "deux"),
    ];
    app.space(SPACE, json!({ "approval_over": 3 })).await;
    app.clock.advance(31_000);
    app.job(json!({ "action": "delete_identifier", "rows": rows })).await;
    let start_at = Time::from_millis(app.clock.peek().millis() + 1_000_000).unwrap();
    let rows = [&ids[1], &ids[2], "user_id:u29", "email:nobody"];
    let job = app.job(json!({ "action": "delete_profile", "rows": rows, "start_at": start_at })).await;
    approve(app, &job).await;
    app.space(SPACE, json!({ "approval_over": null })).await;
    app.clock.advance(31_000);
    app.job(json!({ "action": "delete_profile", "rows": ["email:nobody"], "start_at": start_at })).await;
}

/// Approves a job that the owner made.
async fn approve(app: &TestApp, job: &str) {
    let token = app.token(Role::UnifyEngageAdmin).to_owned();
    let other = app.token(Role::PrivacyAdmin).to_owned();
    for token in [token, other] {
        let path = format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/approve");
        app.send_raw(&Req::post(path, &json!({})).token(&token)).await;
    }
}

/// Jobs that are in progress.
async fn start_jobs(app: &TestApp) {
    let worker = app.worker();
    // A chunk whose worker died while it deleted profiles, in a group and with a limit; the second chunk waits in the queue.
    let mut rows = people(10, 20);
    rows.extend((0..1_200).map(|i| format!("email:nobody{i}")));
    rows.push("no colon".to_owned());
    app.job(json!({ "action": "delete_profile", "rows": rows, "group": "run", "max_deletions": 20 })).await;
    app.deliver(&worker, &app.queue.take()).await;
    let chunks = app.queue.take();
    assert!(app.db.proxy.dies_after(30, true, app.deliver(&worker, &chunks[..1])).await);
    let page = Req::post("/internal/bulk-delete-internal", &json!(["email:e15@x", "email:e20@x"]));
    let page = page.header("x-reactor-instance-name", "demo").header("x-deletion-group", "run");
    assert_eq!(app.send(page).await.status, 202);
    // Identifiers, with user_ids that the job deletes; a chunk that is not started.
    let row = |user: &str, id_type: &str, id: &str| json!({ "user_id": user, "type": id_type, "id": id });
    let rows = [row("u21", "email", "e21@x"), row("two", "user_id", "two"), row("u22", "user_id", "u22")];
    app.job(json!({ "action": "delete_identifier", "rows": rows })).await;
    // A dry run, of which one chunk is done.
    let mut rows = people(23, 25);
    rows.extend(["email:E26@X".to_owned(), "email: e27@x".to_owned(), "user_id:m-u2".to_owned()]);
    app.job(json!({ "action": "delete_profile", "rows": rows, "dry_run": true, "open": true })).await;
    let list = app.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs?state=open"))).await;
    let plan = list.body["data"][0]["id"].as_str().unwrap().to_owned();
    app.control(&plan, "start").await;
    let messages = app.queue.take();
    chunks.into_iter().chain(messages).for_each(|message| app.queue.put(message));
}

/// Runs everything to its end, and tells what it came to: each job's summary, whether it is verified, what is left of the
/// profiles, and that an idempotency key still counts.
async fn finish(app: &TestApp) -> Value {
    let mut jobs = json!({});
    for round in 0..60 {
        app.work().await;
        app.clock.advance(40_000);
        app.reconcile().await;
        jobs = jobs_of(app).await;
        let shown = jobs.as_object().unwrap().iter().map(|(job, shown)| (job, shown.as_str().unwrap()));
        let unfinished: Vec<_> =
            shown.filter(|(_, shown)| !shown.starts_with("cancelled") && !shown.ends_with("verified")).collect();
        if unfinished.is_empty() {
            break;
        }
        for (job, shown) in unfinished.into_iter().filter(|_| round % 8 == 7) {
            let verb =
                [("open", "start"), ("paused", "resume")].into_iter().find(|(state, _)| shown.starts_with(state));
            if let Some((_, verb)) = verb {
                app.control(job, verb).await;
            }
            approve(app, job).await;
        }
    }
    let again = app.send(Req::delete(SPACE, "u0", "email", "e0@x").key("k-1")).await;
    let mut left = Vec::new();
    for i in 0..30 {
        let read = app.send(Req::read(SPACE, "user_id", &format!("u{i}"), "external_ids")).await;
        let ids = read.body["data"].as_array().cloned().unwrap_or_default();
        left.extend(ids.iter().map(|id| format!("{}:{}", id["type"].as_str().unwrap(), id["id"].as_str().unwrap())));
    }
    let mut segments = Vec::new();
    let list = app.send(Req::get(format!("/v1/spaces/{SPACE}/segments?show_disabled=true"))).await;
    for segment in list.body["data"].as_array().unwrap() {
        let id = segment["id"].as_str().unwrap();
        let counted = app.send(Req::get(format!("/v1/spaces/{SPACE}/segments/{id}?count=true"))).await.body;
        segments.push(format!("{id}: {}, {}", segment["state"].as_str().unwrap(), counted["segment"]["members"]));
    }
    json!({ "jobs": jobs, "identifiers": left, "repeated_request": again.line(), "segments": segments })
}

async fn jobs_of(app: &TestApp) -> Value {
    let list = app.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs?limit=100"))).await;
    let mut jobs = json!({});
    for job in list.body["data"].as_array().unwrap() {
        let verified = if job["verified_at"].is_string() { ", verified" } else { "" };
        jobs[job["id"].as_str().unwrap()] = format!("{}{verified}", summary(job)).into();
    }
    jobs
}
