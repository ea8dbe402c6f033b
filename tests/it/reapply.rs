//! `efface admin reapply`: what was deleted and revoked after a backup is deleted and revoked in the restored table too,
//! and nothing else changes in it.
//!
//! The file is long because its tests share the histories before and after a backup.

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
};

use aws_sdk_dynamodb::types::{
    AttributeValue, PointInTimeRecoverySpecification, StreamViewType, Tag, TimeToLiveSpecification,
};
use efface_aws::store::{reapply::Over, table::Backups, token::NewToken};
use efface_core::{
    deletion::IdentifierState,
    journal::{EventKind, derive},
    log::LogKey,
    role::Role,
    space::SpaceId,
};
use efface_engine::reapply::{Asked, Carried, ReapplyError, Setting, SettingChange, Watch};
use efface_tests::{
    Req, TestApp,
    app::{SPACE, log_key, profile_line},
    backup::{Backup, to_the_end},
    fixture::Fixture,
    identifiers::{assert_committed, hash},
    jobs::summary,
    size::size,
    store::{TABLE, changed, client},
};
use serde_json::{Value, json};

/// A profile with segments and traits.
fn rich(ids: &[&str]) -> Value {
    let mut line = profile_line(SPACE, ids);
    line["segments"] = json!(["seg_1", "seg_2"]);
    line["traits"] = json!({ "plan": "pro" });
    line
}

fn merge(ids: &[&str], into: &str) -> Value {
    let mut line = profile_line(SPACE, ids);
    line["merged_into"] = json!({ "type": "user_id", "id": into });
    line
}

/// A line with a time after every deletion, by which deleted identifiers come back.
fn later(ids: &[&str], day: u32) -> Value {
    let mut line = profile_line(SPACE, ids);
    line["timestamp"] = json!(format!("2027-01-{day:02}T00:00:00Z"));
    line
}

async fn load(app: &TestApp, lines: &[Value]) {
    for line in lines {
        app.try_load(line).await.unwrap();
    }
}

async fn delete_profile(app: &TestApp, user_id: &str) {
    let reply = app.send(Req::delete_profile(SPACE, "user_id", user_id)).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
}

/// Profiles `a` to `h` at the moment of the backup: `h` is deleted already.
async fn before() -> TestApp {
    let app = TestApp::start().await;
    let lines = [
        profile_line(SPACE, &["user_id:a", "email:a@x", "anonymous_id:a"]),
        rich(&["user_id:b", "email:b@x"]),
        merge(&["anonymous_id:b"], "b"),
        rich(&["user_id:c", "email:c@x"]),
        rich(&["user_id:d", "email:d@x", "anonymous_id:d"]),
        rich(&["user_id:e", "email:e@x"]),
        rich(&["user_id:f", "email:f@x"]),
        rich(&["user_id:g", "email:g@x"]),
        rich(&["user_id:h", "email:h@x"]),
    ];
    load(&app, &lines).await;
    assert_eq!(app.delete("d", "email:d@x").await.status, 200);
    delete_profile(&app, "h").await;
    app
}

/// What happens after the backup: `b` with its member, `c`, `e` with `f` as a member, and `new` are deleted; `a` loses an
/// identifier, and another that comes back; `d` gets one back; `g` stays as it is.
async fn after(app: &TestApp) {
    assert_eq!(app.delete("a", "email:a@x").await.status, 200);
    assert_eq!(app.delete("a", "anonymous_id:a").await.status, 200);
    load(app, &[later(&["user_id:a", "anonymous_id:a"], 1), later(&["user_id:d", "email:d@x"], 1)]).await;
    load(app, &[merge(&["user_id:f"], "e"), rich(&["user_id:new", "email:new@x"])]).await;
    for user_id in ["b", "c", "e", "new"] {
        delete_profile(app, user_id).await;
    }
}

#[tokio::test]
async fn what_was_deleted_since_the_backup_is_deleted_and_nothing_else() {
    let backup = Backup::of(before().await).await;
    after(&backup.app).await;
    let restored = backup.restore("restored").await;
    assert_eq!(restored.external_ids("user_id:c").await, ["email:c@x", "user_id:c"], "the backup has it");

    let done = backup.reapply(&restored).await.carried;
    backup.check(&restored).await;
    let expected = Carried { identifiers: 13, came_back: 1, profiles: 6, memberships: 8, traits: 4, ..done };
    assert_eq!(done, expected);
    for id in ["user_id:b", "anonymous_id:b", "email:c@x", "user_id:e", "user_id:f", "email:a@x", "anonymous_id:a"] {
        let (id_type, value) = id.split_once(':').unwrap();
        let read = restored.send(Req::read(SPACE, id_type, value, "external_ids")).await;
        assert_eq!(read.status, 404, "{id}");
        let record = Req::deletion(SPACE, id_type, value);
        let (there, here) = (backup.app.send(record.clone()).await, restored.send(record).await);
        assert_eq!((here.status, &here.body), (200, &here.body), "{id}");
        // The old table has no record of an identifier that came back.
        assert!(there.status == 404 || there.body == here.body, "{id}: {}", here.body);
    }
    assert_eq!(restored.external_ids("user_id:a").await, ["user_id:a"]);
    assert_eq!(restored.external_ids("user_id:d").await, ["anonymous_id:d", "user_id:d"]);
    assert_eq!(restored.external_ids("user_id:g").await, ["email:g@x", "user_id:g"]);
}

/// The runbook that the command replaces copied tombstones only. The profile stayed readable by its own id, and no request
/// could delete it again.
#[tokio::test]
async fn a_profile_that_tombstones_alone_would_revive_is_deleted() {
    let backup = Backup::of(before().await).await;
    let found =
        backup.app.db.dump().await.into_iter().find(|(_, item)| item.get("value").is_some_and(|v| v.contains("c@x")));
    let profile = found.unwrap().1["profile_id"].split('"').nth(1).unwrap().to_owned();
    delete_profile(&backup.app, "c").await;
    let restored = backup.restore("restored").await;
    let is_tombstone = |item: &HashMap<String, AttributeValue>| {
        item["pk"].as_s().unwrap().starts_with("I#") && item["state"].as_s().unwrap() == "deleted"
    };
    for tombstone in backup.app.db.items().await.into_iter().filter(is_tombstone) {
        restored.db.client.put_item().table_name("restored").set_item(Some(tombstone)).send().await.unwrap();
    }
    let traits = || restored.send(Req::read(SPACE, "segment_id", &profile, "traits"));
    assert_eq!(traits().await.body["traits"], json!({ "plan": "pro" }), "it is alive");
    assert_eq!(restored.send(Req::delete_profile(SPACE, "user_id", "c")).await.status, 404);

    backup.reapply(&restored).await;
    assert_eq!(traits().await.status, 404);
    backup.check(&restored).await;
}

/// It stays as the deletion left it, because what it came back with is not in the backup. The event that brought it back
/// does so again, and no earlier one.
#[tokio::test]
async fn an_identifier_that_came_back_comes_back_by_the_same_event() {
    let backup = Backup::of(before().await).await;
    assert_eq!(backup.app.delete("a", "anonymous_id:a").await.status, 200);
    load(&backup.app, &[later(&["user_id:a", "anonymous_id:a"], 7)]).await;
    let restored = backup.restore("restored").await;
    backup.reapply(&restored).await;
    for (day, expected) in [(6, vec!["email:a@x", "user_id:a"]), (7, vec!["anonymous_id:a", "email:a@x", "user_id:a"])]
    {
        load(&restored, &[later(&["user_id:a", "anonymous_id:a"], day)]).await;
        assert_eq!(restored.external_ids("user_id:a").await, expected, "by an event of day {day}");
    }
    // Once it is back, a later run leaves it.
    backup.reapply(&restored).await;
    assert_eq!(restored.external_ids("user_id:a").await.len(), 3);
}

/// Two identifiers came back after the backup: one that was deleted since, and one whose tombstone the backup has. The
/// journal knows that they came back, so their deletions must be later, and name the lives that ended. It is told of
/// each deletion, and of nothing else.
#[tokio::test]
async fn a_deletion_is_told_as_later_than_the_coming_back_that_it_undoes() {
    let backup = Backup::of(before().await).await;
    assert_eq!(backup.app.delete("a", "anonymous_id:a").await.status, 200);
    load(&backup.app, &[later(&["user_id:a", "anonymous_id:a"], 1), later(&["user_id:d", "email:d@x"], 1)]).await;
    let restored = backup.restore("restored").await;
    let came_back = ["anonymous_id:a", "email:d@x"];
    let mut known = BTreeSet::new();
    for (id, generation) in came_back.iter().zip([1, 2]) {
        let (there, here) = (backup.app.identifier(id).await, restored.identifier(id).await);
        assert_eq!((there.generation, here.generation), (3, generation), "{id}");
        for item in [there, here] {
            let events = derive::identifier::of_item(hash(id), &item, None).unwrap();
            known.extend(events.into_iter().map(|event| event.id));
        }
    }
    let deleted_at = restored.identifier("email:d@x").await.deleted_at;
    backup.reapply(&restored).await;
    for id in came_back {
        let tombstone = restored.identifier(id).await;
        assert_eq!((tombstone.state, tombstone.generation), (IdentifierState::Deleted, 4), "{id}");
        assert_committed(&tombstone, id, 3);
        let events = derive::identifier::of_item(hash(id), &tombstone, None).unwrap();
        let missing = derive::missing(events, &known);
        let missing: Vec<_> = missing.iter().map(|event| (event.id.ordinal.number(), &event.id.kind)).collect();
        assert_eq!(missing, [(4, &EventKind::IdentifierRemoved)], "{id}");
    }
    assert_eq!(restored.identifier("email:d@x").await.deleted_at, deleted_at, "the record of the deletion stays");
    let before = restored.db.dump().await;
    backup.reapply(&restored).await;
    let changes = changed(&before, &restored.db.dump().await);
    assert!(changes.iter().all(|(pk, _)| pk.starts_with("A#reapply#")), "{changes:?}");
    // In use the restored table goes on counting from there, and a later run leaves that alone.
    load(&restored, &[later(&["user_id:d", "email:d@x"], 9)]).await;
    backup.reapply(&restored).await;
    let back = restored.identifier("email:d@x").await;
    assert_eq!((back.state, back.generation), (IdentifierState::Active, 5));
}

/// A version that did not count has brought an identifier back: the life that ends has no commitment, and the tombstone
/// does not bear that of another one, nor an empty one.
#[tokio::test]
async fn a_life_of_before_ends_without_a_commitment() {
    let app = before().await;
    app.forget_life("email:d@x").await;
    let backup = Backup::of(app).await;
    load(&backup.app, &[later(&["user_id:d", "email:d@x"], 1)]).await;
    backup.app.forget_life("email:d@x").await;
    let restored = backup.restore("restored").await;
    backup.reapply(&restored).await;
    let item = restored.db.items().await.into_iter().find(|item| is_item_of(item, "email:d@x")).unwrap();
    assert_eq!(item.get("generation"), Some(&AttributeValue::N("1".to_owned())));
    assert!(!item.contains_key("commitment") && !item.contains_key("normalisation"), "{item:?}");
    assert_eq!(restored.identifier("email:d@x").await.created_at, backup.app.identifier("email:d@x").await.created_at);
}

fn is_item_of(item: &HashMap<String, AttributeValue>, id: &str) -> bool {
    item["pk"].as_s().unwrap() == &format!("I#{SPACE}#{}", hash(id))
}

/// What is written over an identifier was decided by the generation that was read. Where that is another one by now,
/// nothing is written, and it is decided anew.
#[tokio::test]
async fn a_tombstone_is_written_over_the_generation_that_it_was_made_for() {
    let backup = Backup::of(before().await).await;
    assert_eq!(backup.app.delete("a", "email:a@x").await.status, 200);
    let tombstone = backup.app.db.items().await.into_iter().find(|item| is_item_of(item, "email:a@x")).unwrap();
    let deleted_at = backup.app.identifier("email:a@x").await.deleted_at.unwrap();
    let restored = backup.restore("restored").await;
    for (read, is_done) in [(0, false), (2, false), (1, true), (1, false)] {
        let over = Over::DeletedBefore(deleted_at, read);
        assert_eq!(restored.db.store.copy(tombstone.clone(), over).await.unwrap(), is_done, "{read} was read");
    }
}

/// A deletion that the old table had begun is gone where the restored table has ended it: of a merged profile once all
/// of it is. What was told stays, also where the old table ends it as well, later.
#[tokio::test]
async fn a_deletion_that_is_ended_here_says_when() {
    let backup = Backup::of(before().await).await;
    let app = &backup.app;
    let job = app.job(json!({ "action": "delete_profile", "rows": ["email:b@x"] })).await;
    let worker = app.worker();
    app.deliver(&worker, &app.queue.take()).await;
    let chunk = app.queue.take();
    // Root and member are set to deleted; no identifier is.
    assert!(app.db.proxy.dies_after_writes(3, true, app.deliver(&worker, &chunk)).await);
    let space = SpaceId::parse(SPACE).unwrap();
    let root = app.identifier("user_id:b").await.profile_id;
    let member = app.identifier("anonymous_id:b").await.profile_id;
    let gone_at = async |app: &TestApp, id| app.db.store.head(&space, id).await.unwrap().unwrap().gone_at;
    assert_eq!(gone_at(app, root).await, None);
    let restored = backup.restore("restored").await;
    backup.reapply(&restored).await;
    backup.check(&restored).await;
    let told = gone_at(&restored, root).await;
    assert!(told.is_some());
    assert_eq!(gone_at(&restored, member).await, None, "a member is gone with its root");
    for message in &chunk {
        app.queue.put(message);
    }
    app.clock.advance(60_000);
    app.work().await;
    assert_eq!(app.job_summary(&job).await, "completed: 1 deleted");
    assert!(gone_at(app, root).await > told);
    backup.reapply(&restored).await;
    assert_eq!(gone_at(&restored, root).await, told);
}

/// A worker of the old table died before it had set the first of two members to deleted, and the next one anywhere.
/// Each head is that of its own run, and everything is counted once, as a dry run says.
#[tokio::test]
async fn a_deletion_in_two_runs_is_ended() {
    let (mut passes, mut met) = (0, 0);
    loop {
        let backup = Backup::of(before().await).await;
        let app = &backup.app;
        load(app, &[merge(&["user_id:f"], "b")]).await;
        app.job(json!({ "action": "delete_profile", "rows": ["email:b@x"] })).await;
        app.deliver(&app.worker(), &app.queue.take()).await;
        let chunk = app.queue.take();
        assert!(app.db.proxy.dies_after_writes(2, true, app.deliver(&app.worker(), &chunk)).await);
        assert_eq!(deletion_times(app).await.len(), 1, "the root alone");
        app.clock.advance(80_000);
        let died = app.db.proxy.dies_after_writes(passes, true, app.deliver(&app.worker(), &chunk)).await;
        let times = deletion_times(app).await;
        assert!(times.len() <= 2, "{times:?}");
        met += usize::from(times.len() == 2);
        let restored = backup.restore("restored").await;
        let mut dry = backup.open(&restored, Asked { is_dry_run: true, ..backup.asked() }).await.unwrap();
        let dry = dry.run(&to_the_end()).await.unwrap().unwrap();
        let real = backup.reapply(&restored).await;
        assert_eq!(real.carried, dry.carried, "cut after {passes}");
        backup.check(&restored).await;
        passes += 1;
        if !died {
            break;
        }
    }
    assert!(passes > 6 && met > 3, "it died at {passes} places, {met} times with members that were deleted");
}

/// The different times at which the heads of `b` and its members were set to deleted.
async fn deletion_times(app: &TestApp) -> BTreeSet<String> {
    let mut times = BTreeSet::new();
    for id in ["user_id:b", "anonymous_id:b", "user_id:f"] {
        let profile = app.identifier(id).await.profile_id;
        let head = app.db.store.head(&SpaceId::parse(SPACE).unwrap(), profile).await.unwrap().unwrap();
        times.extend(head.deleted_at.map(|at| at.to_string()));
    }
    times
}

/// The table of a version that did not note when all of a deleted profile was gone, and a deletion whose worker has died.
/// What was over then gets no end now; what this run ends gets one.
#[tokio::test]
async fn a_deletion_of_before_ends_here_or_has_no_end() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/001");
    let app = TestApp::with(&Fixture::read(&folder).items).await;
    load(&app, &[rich(&["user_id:late", "email:late@x"])]).await;
    app.job(json!({ "action": "delete_profile", "rows": ["email:late@x"] })).await;
    app.deliver(&app.worker(), &app.queue.take()).await;
    let chunk = app.queue.take();
    assert!(app.db.proxy.dies_after_writes(2, true, app.deliver(&app.worker(), &chunk)).await);
    let backup = Backup::of(app).await;
    let restored = backup.restore("restored").await;
    let before = restored.db.dump().await;
    backup.reapply(&restored).await;
    let after = restored.db.dump().await;
    let mut ends = BTreeSet::new();
    for ((pk, _), head) in before.iter().filter(|((pk, sk), _)| pk.starts_with("P#") && sk == "H") {
        if !head["state"].contains("deleted") {
            continue;
        }
        let profile = pk.rsplit('#').next().unwrap();
        let has = before.iter().any(|((item_pk, sk), item)| match item_pk.split('#').next().unwrap() {
            "I" => item["state"].contains("active") && item["profile_id"].contains(profile),
            "M" => sk == profile,
            "P" => item_pk == pk && sk == "T",
            _ => false,
        });
        assert_eq!(after[&(pk.clone(), "H".to_owned())].contains_key("gone_at"), has, "{pk}");
        ends.insert(has);
    }
    assert_eq!(ends.len(), 2, "there are both");
    // Nor does a second run end what this one has found over.
    backup.reapply(&restored).await;
    let changes = changed(&after, &restored.db.dump().await);
    assert!(changes.iter().all(|(pk, _)| pk.starts_with("A#reapply#")), "{changes:?}");
}

/// The commitments that are taken over were made with the old table's log key.
#[tokio::test]
async fn the_check_value_of_the_log_key_is_taken_over() {
    let backup = Backup::of(before().await).await;
    backup.app.db.store.set_or_verify_log_key(&log_key()).await.unwrap();
    let restored = backup.restore("restored").await;
    backup.reapply(&restored).await;
    restored.db.store.set_or_verify_log_key(&log_key()).await.unwrap();
    let other = LogKey::from_base64("CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=").unwrap();
    assert!(restored.db.store.set_or_verify_log_key(&other).await.is_err());
}

/// A worker of the old table dies anywhere in the deletion of a merged profile: the restored table ends it.
#[tokio::test]
async fn a_deletion_that_is_under_way_is_ended() {
    let mut passes = 0;
    loop {
        let backup = Backup::of(before().await).await;
        let app = &backup.app;
        load(app, &[merge(&["user_id:f"], "b")]).await;
        app.job(json!({ "action": "delete_profile", "rows": ["email:b@x", "user_id:c"] })).await;
        let worker = app.worker();
        app.deliver(&worker, &app.queue.take()).await;
        let chunk = app.queue.take();
        let died = app.db.proxy.dies_after(passes, true, app.deliver(&worker, &chunk)).await;
        let restored = backup.restore("restored").await;
        backup.reapply(&restored).await;
        backup.check(&restored).await;
        passes += 1;
        if !died {
            break;
        }
    }
    assert!(passes > 8, "it died at {passes} places");
}

#[tokio::test]
async fn a_deletion_that_the_backup_cut_short_is_ended() {
    let app = before().await;
    app.job(json!({ "action": "delete_profile", "rows": ["email:b@x"] })).await;
    let worker = app.worker();
    app.deliver(&worker, &app.queue.take()).await;
    let chunk = app.queue.take();
    assert!(app.db.proxy.dies_after(9, true, app.deliver(&worker, &chunk)).await);
    let backup = Backup::of(app).await;
    backup.app.queue.put(&chunk[0]);
    backup.app.work().await;
    let restored = backup.restore("restored").await;
    backup.reapply(&restored).await;
    backup.check(&restored).await;
}

/// Jobs in every state that is not final, one with a started chunk: all are cancelled, their counts add up, and no worker
/// goes on with them. Long, because it makes a job in each state.
#[tokio::test]
async fn jobs_of_the_backup_are_cancelled_and_add_up() {
    let app = before().await;
    let job = |rows: &[&str]| json!({ "action": "delete_profile", "rows": rows, "group": "g" });
    let done = app.job(job(&["user_id:b"])).await;
    app.work().await;
    let open = app.job(json!({ "action": "delete_profile", "open": true, "rows": ["user_id:d", "junk"] })).await;
    let paused = app.job(job(&["user_id:a"])).await;
    app.control(&paused, "pause").await;
    let queued = app.job(job(&["user_id:g"])).await;
    let limited = json!({ "action": "delete_profile", "rows": ["user_id:c", "user_id:d"], "max_deletions": 2 });
    let started = app.job(limited).await;
    let pausing = app.job(job(&["user_id:e"])).await;
    for stopped in [&started, &pausing] {
        let worker = app.worker();
        let messages = app.queue.take();
        let (own, others): (Vec<_>, Vec<_>) = messages.into_iter().partition(|body| body.contains(&stopped[4..]));
        for body in others {
            app.queue.put(body);
        }
        app.deliver(&worker, &own).await;
        let (own, others): (Vec<_>, Vec<_>) =
            app.queue.take().into_iter().partition(|body| body.contains(&stopped[4..]) && body.contains("chunk"));
        assert!(app.db.proxy.dies_after(6, true, app.deliver(&worker, &own)).await);
        others.into_iter().chain(own).for_each(|body| app.queue.put(body));
    }
    app.control(&pausing, "pause").await;
    assert!(app.job_summary(&pausing).await.starts_with("pausing"));
    let messages = app.queue.take();

    let backup = Backup::of(app).await;
    let restored = backup.restore("restored").await;
    assert_eq!(backup.reapply(&restored).await.carried.jobs, 5);
    for (job, rows) in [(&open, 2), (&paused, 1), (&queued, 1), (&started, 2), (&pausing, 1)] {
        let status = restored.job_status(job).await;
        assert_eq!((&status["state"], &status["rows"]), (&json!("cancelled"), &json!(rows)), "{status}");
    }
    assert_eq!(restored.job_summary(&done).await, "completed: 1 deleted");
    let state = |state: &str| Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs?state={state}"));
    let cancelled = restored.send(state("cancelled")).await.body;
    assert_eq!((&cancelled["jobs"], &cancelled["counts"]["invalid"]), (&json!(5), &json!(1)), "{cancelled}");
    for live in ["open", "queued", "running", "pausing", "paused", "cancelling"] {
        assert_eq!(restored.send(state(live)).await.body["data"], json!([]), "{live}");
    }

    // The queue still holds the messages of these jobs.
    let before = restored.db.dump().await;
    let worker = restored.worker();
    assert!(restored.deliver(&worker, &messages).await.is_empty());
    assert_eq!(changed(&before, &restored.db.dump().await), []);
    let reconciled = restored.reconcile().await;
    assert_eq!((reconciled.verified, reconciled.failed), (2, 0), "also the deletion of `h`: {reconciled:?}");
    assert_eq!(restored.reconcile().await.jobs, 0);
    assert!(restored.queue.is_empty());
}

/// Once the table is in use, a run leaves its jobs alone, and what has been set in it.
#[tokio::test]
async fn a_table_in_use_keeps_its_jobs_and_settings() {
    let backup = Backup::of(before().await).await;
    let restored = backup.restore("restored").await;
    backup.reapply(&restored).await;
    restored.space(SPACE, json!({ "deletions_per_second": 7 })).await;
    let job = restored.job(json!({ "action": "delete_profile", "rows": ["user_id:c"] })).await;
    // What the old table deletes meanwhile is deleted, and its deletion is the older one of two.
    delete_profile(&backup.app, "e").await;
    assert_eq!(backup.app.delete("a", "email:a@x").await.status, 200);
    restored.clock.advance(60_000);
    assert_eq!(restored.delete("a", "email:a@x").await.status, 200);
    let record = restored.send(Req::deletion(SPACE, "email", "a@x")).await;
    let done = backup.reapply(&restored).await.carried;
    assert_eq!((done.jobs, done.spaces, done.profiles, done.identifiers), (0, 0, 1, 2));
    assert_eq!(restored.send(Req::deletion(SPACE, "email", "a@x")).await.body, record.body);
    restored.work().await;
    assert_eq!(restored.job_summary(&job).await, "completed: 1 deleted");
    let space = restored.db.store.space(&SpaceId::parse(SPACE).unwrap()).await.unwrap().unwrap();
    assert_eq!(space.deletions_per_second, 7);
}

#[tokio::test]
async fn tokens_settings_and_idempotency_keys_are_taken_over() {
    let backup = Backup::of(before().await).await;
    let app = &backup.app;
    let space = SpaceId::parse(SPACE).unwrap();
    let revoke = async |role: Role| {
        let tokens = app.db.store.list_tokens(&space).await.unwrap();
        let token = tokens.into_iter().find(|token| token.role == role).unwrap();
        app.db.store.revoke_token(&space, token.token_id.as_str(), app.clock.peek()).await.unwrap();
    };
    revoke(Role::Auditor).await;
    let new = app.new_token(SPACE, Role::IdentityAdmin).await;
    let label = Some("nightly".parse().unwrap());
    let labelled = NewToken { role: Role::IdentityAdmin, label, expires_at: None };
    let (labelled, _) = app.db.store.create_labelled_token(&space, labelled, app.clock.peek()).await.unwrap();
    // Tokens that the backup has were used before it, and are used again.
    app.clock.advance(3_600_000);
    for token in [app.token(Role::PrivacyAdmin), labelled.expose()] {
        assert_eq!(app.send_raw(&Req::get(format!("/v1/spaces/{SPACE}/token")).token(token)).await.status, 200);
    }
    app.space("spa_new", json!({})).await;
    app.space(SPACE, json!({ "identifier_types": ["shoe_size"], "deletions_per_second": 9 })).await;
    let keyed = Req::delete(SPACE, "a", "email", "a@x").key("k");
    assert_eq!(app.send(keyed.clone()).await.status, 200);
    let restored = backup.restore("restored").await;

    let done = backup.reapply(&restored).await.carried;
    assert_eq!((done.revocations, done.tokens, done.spaces, done.idempotency_keys), (2, 4, 2, 1));
    let read = Req::read(SPACE, "user_id", "a", "external_ids");
    assert_eq!(restored.send_raw(&read.clone().token(restored.token(Role::Auditor))).await.status, 401);
    assert_eq!(restored.send_raw(&read.token(&new)).await.status, 200);
    let mut listed = restored.db.store.list_tokens(&space).await.unwrap();
    let mut old = app.db.store.list_tokens(&space).await.unwrap();
    let used = old.iter().filter(|token| token.last_used_at.is_some());
    assert!(used.filter(|token| token.role == Role::PrivacyAdmin || token.label.is_some()).count() == 2, "{old:?}");
    // The requests above have used two of them in the restored table.
    for token in listed.iter_mut().chain(&mut old).filter(|token| token.label.is_none()) {
        token.last_used_at = token.last_used_at.filter(|_| token.role == Role::PrivacyAdmin);
    }
    assert_eq!(listed, old, "with their labels and last uses");
    for id in [SPACE, "spa_new"] {
        let id = SpaceId::parse(id).unwrap();
        assert_eq!(restored.db.store.space(&id).await.unwrap(), app.db.store.space(&id).await.unwrap());
    }
    assert_eq!(restored.send(keyed).await.status, 200, "the same key has the same success");
    let other = Req::delete(SPACE, "a", "anonymous_id", "a").key("k");
    assert_eq!(
        restored.send(other).await.line(),
        backup.app.send(Req::delete(SPACE, "a", "anonymous_id", "a").key("k")).await.line()
    );
    // A revocation wins, also in a table in use.
    revoke(Role::ProfileReader).await;
    assert_eq!(backup.reapply(&restored).await.carried.revocations, 2);
}

#[tokio::test]
async fn a_repeated_run_changes_nothing() {
    let backup = Backup::of(before().await).await;
    after(&backup.app).await;
    let restored = backup.restore("restored").await;
    backup.reapply(&restored).await;
    let first = restored.db.dump().await;
    let again = backup.reapply(&restored).await;
    assert_eq!(again.carried, Carried { scanned: again.carried.scanned, ..Carried::default() });
    let changes = changed(&first, &restored.db.dump().await);
    assert!(changes.iter().all(|(pk, _)| pk.starts_with("A#reapply#")), "{changes:?}");
}

/// It dies at any of its writes (usually at each fifth one): the run after that comes to the same table. A death at a read
/// leaves the same table as one at the write after it.
#[tokio::test]
async fn a_run_may_die_at_any_write() {
    let app = before().await;
    app.job(json!({ "action": "delete_profile", "rows": ["user_id:g"] })).await;
    app.queue.take();
    let backup = Backup::of(app).await;
    after(&backup.app).await;
    let mut writes = 0;
    loop {
        let restored = backup.restore(&format!("restored-{writes}")).await;
        let died = backup.reapply_cut_after(&restored, writes, 500).await;
        backup.reapply(&restored).await;
        backup.check(&restored).await;
        let job = restored.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs"))).await;
        assert_eq!(summary(&job.body["data"][0]), "cancelled: 1 remaining", "cut after {writes}");
        writes += size(5, 1);
        if !died {
            break;
        }
    }
    assert!(writes > 40, "it died at {writes} places");
}

#[tokio::test]
async fn a_run_that_is_stopped_goes_on() {
    let backup = Backup::of(before().await).await;
    after(&backup.app).await;
    let restored = backup.restore("restored").await;
    let parts = std::cell::Cell::new(0);
    let mut scanned = 0;
    for most in [0, 3, 7] {
        parts.set(0);
        let watch = Watch { is_stopped: &|| parts.get() >= most, progress: &|_, _| parts.set(parts.get() + 1) };
        let mut reapply = backup.open(&restored, backup.asked()).await.unwrap().with_parts_of(2);
        assert_eq!(reapply.run(&watch).await.unwrap(), None);
        scanned += restored.db.proxy.take().iter().filter(|passed| passed.operation == "Scan").count();
    }
    let mut reapply = backup.open(&restored, backup.asked()).await.unwrap().with_parts_of(2);
    let done = reapply.run(&to_the_end()).await.unwrap().unwrap();
    scanned += restored.db.proxy.take().iter().filter(|passed| passed.operation == "Scan").count();
    backup.check(&restored).await;
    assert_eq!((done.carried.identifiers, done.carried.profiles), (13, 6), "all runs are counted together");
    let items = i64::try_from(backup.app.db.items().await.len()).unwrap();
    assert_eq!(done.carried.scanned, items, "no part was scanned twice");
    assert!(scanned > 10);
}

#[tokio::test]
async fn a_dry_run_writes_nothing_and_counts_the_same() {
    let app = before().await;
    app.job(json!({ "action": "delete_profile", "rows": ["user_id:g"] })).await;
    app.queue.take();
    let backup = Backup::of(app).await;
    after(&backup.app).await;
    // A deletion that is under way.
    load(&backup.app, &[merge(&["user_id:m"], "d")]).await;
    backup.app.job(json!({ "action": "delete_profile", "rows": ["user_id:d"] })).await;
    let worker = backup.app.worker();
    backup.app.deliver(&worker, &backup.app.queue.take()).await;
    let chunk = backup.app.queue.take();
    assert!(backup.app.db.proxy.dies_after_writes(3, true, backup.app.deliver(&worker, &chunk)).await);
    let restored = backup.restore("restored").await;
    let before = restored.db.dump().await;
    let mut reapply = backup.open(&restored, Asked { is_dry_run: true, ..backup.asked() }).await.unwrap();
    let dry = reapply.run(&to_the_end()).await.unwrap().unwrap();
    assert_eq!(changed(&before, &restored.db.dump().await), []);
    let real = backup.reapply(&restored).await;
    assert_eq!((real.carried, real.settings), (dry.carried, dry.settings));
}

#[tokio::test]
async fn the_table_gets_its_settings_back() {
    let backup = Backup::of(before().await).await;
    let restored = backup.restore("restored").await;
    let admin = client(&restored.db.proxy.url);
    let ttl = TimeToLiveSpecification::builder().enabled(true).attribute_name("ttl").build().unwrap();
    admin.update_time_to_live().table_name(TABLE).time_to_live_specification(ttl).send().await.unwrap();
    let backups = PointInTimeRecoverySpecification::builder()
        .point_in_time_recovery_enabled(true)
        .recovery_period_in_days(9)
        .build()
        .unwrap();
    let update = admin.update_continuous_backups().table_name(TABLE);
    update.point_in_time_recovery_specification(backups).send().await.unwrap();
    admin.update_table().table_name(TABLE).deletion_protection_enabled(true).send().await.unwrap();
    restored.db.beside(TABLE).enable_stream(StreamViewType::NewAndOldImages).await.unwrap();
    let arn = restored.db.beside(TABLE).table().await.unwrap().arn;
    let tag = Tag::builder().key("efface:environment").value("na").build().unwrap();
    admin.tag_resource().resource_arn(arn).tags(tag).send().await.unwrap();

    let all = [Setting::TimeToLive, Setting::Stream, Setting::Backups, Setting::DeletionProtection, Setting::Tags];
    let (old, store) = (restored.db.beside(TABLE), &restored.db.store);
    assert_eq!(backup.reapply(&restored).await.settings, all.map(|setting| (setting, SettingChange::Set)));
    assert_eq!(store.time_to_live().await.unwrap().as_deref(), Some("ttl"));
    assert_eq!(store.backups().await.unwrap(), Backups::On(Some(9)));
    let (old, there) = (old.table().await.unwrap(), store.table().await.unwrap());
    assert_eq!((there.stream, there.is_protected), (old.stream, true));
    assert_eq!(store.tags(&there.arn).await.unwrap()["efface:environment"], "na");
    assert_eq!(backup.reapply(&restored).await.settings, all.map(|setting| (setting, SettingChange::Unchanged)));
}

#[tokio::test]
async fn tables_that_do_not_belong_together_are_rejected() {
    let backup = Backup::of(before().await).await;
    let restored = backup.restore("restored").await;
    let before = restored.db.dump().await;
    let asked = backup.asked();
    let error = async |from: &str, to: &str, asked: Asked| {
        let (from, to) = (restored.db.beside(from), restored.db.beside(to));
        let opened = efface_engine::reapply::Reapply::open(from, to, asked, backup.app.clock.clock()).await;
        opened.err().unwrap()
    };
    assert!(matches!(error(TABLE, TABLE, asked).await, ReapplyError::SameTable));
    let future = Asked { since: asked.now.plus_seconds(1), ..asked };
    assert!(matches!(error(TABLE, "restored", future).await, ReapplyError::Future));
    let _empty = backup.app.restore("empty", &[]).await;
    assert!(matches!(error(TABLE, "empty", asked).await, ReapplyError::Foreign(table) if table == "empty"));
    let mut items = backup.items.clone();
    let check = items.iter_mut().find(|item| item["pk"].as_s().unwrap().starts_with("C#")).unwrap();
    check.insert("check".to_owned(), AttributeValue::S("other".to_owned()));
    let _other = backup.app.restore("other", &items).await;
    assert!(matches!(error(TABLE, "other", asked).await, ReapplyError::OtherKey));
    assert_eq!(
        error(TABLE, "nowhere", asked).await.to_string(),
        "the store refused a request: ResourceNotFoundException"
    );
    assert_eq!(changed(&before, &restored.db.dump().await), []);
}

/// Random histories before and after the backup, with identifiers that come back, merges and jobs.
#[tokio::test]
async fn random_histories() {
    for seed in 0..size(1, 8) as u64 {
        let mut random = fastrand::Rng::with_seed(seed);
        let app = TestApp::start().await;
        app.leave_messages();
        history(&app, &mut random, 30, 1).await;
        let backup = Backup::of(app).await;
        history(&backup.app, &mut random, 30, 15).await;
        let restored = backup.restore("restored").await;
        let cut = random.usize(..80);
        backup.reapply_cut_after(&restored, cut, 2).await;
        backup.reapply(&restored).await;
        backup.check(&restored).await;
    }
}

/// Does something at random to one of eight profiles, so many times. Requests may fail: what they do is not asserted here.
async fn history(app: &TestApp, random: &mut fastrand::Rng, steps: u32, day: u32) {
    for step in 0..steps {
        let (a, b) = (random.u32(..8), random.u32(..8));
        let (user_id, email) = (format!("user_id:{a}"), format!("email:{a}@x"));
        let line = match random.u32(..10) {
            0..4 => {
                let mut line = later(&[&user_id, &email], day + step / 10);
                line["segments"] = json!([format!("seg_{b}")]);
                line["traits"] = json!({ "step": step });
                line
            }
            4 => {
                let mut line = later(&[&user_id], day + step / 10);
                line["merged_into"] = json!({ "type": "user_id", "id": b.to_string() });
                line
            }
            5 | 6 => {
                app.delete(&a.to_string(), &format!("email:{b}@x")).await;
                continue;
            }
            7 => {
                app.send(Req::delete_profile(SPACE, "user_id", &a.to_string())).await;
                app.work().await;
                continue;
            }
            _ => {
                app.job(json!({ "action": "delete_profile", "rows": [user_id, format!("email:{b}@x")] })).await;
                if random.bool() {
                    app.work().await;
                } else {
                    let messages = app.queue.take();
                    app.deliver(&app.worker(), &messages).await;
                }
                continue;
            }
        };
        // A line may be rejected, because an identifier is another profile's by now.
        _ = app.try_load(&line).await;
    }
}
