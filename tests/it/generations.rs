//! Lives of identifiers: each activation and each deletion counts once, whatever is repeated, and each life has a
//! commitment of its own, which stays on the tombstone.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use aws_sdk_dynamodb::types::AttributeValue;
use efface_aws::store::load::LoadedProfile;
use efface_core::{
    activation::new_life,
    deletion::{Identifier, IdentifierState},
    identifier::{ExternalId, IdentifierType, IdentifierValue, Normalisation},
    journal::{Subject, derive},
    space::SpaceId,
};
use efface_tests::{
    Req, TestApp,
    app::{SPACE, log_key, profile_line},
    faults::Fault,
    identifiers::{assert_committed, hash, nonce_of_tombstone},
    matchers::is_tombstone_write,
    size::size,
};
use futures::future::join_all;
use serde_json::{Value, json};

/// A line by which deleted identifiers come back, later for a later day.
fn later(ids: &[&str], day: u32) -> Value {
    let mut line = profile_line(SPACE, ids);
    line["timestamp"] = json!(format!("2027-{:02}-{:02}T00:00:00Z", 1 + day / 28, 1 + day % 28));
    line
}

#[tokio::test]
async fn each_life_counts_twice_and_has_a_commitment_that_stays_on_its_tombstone() {
    let app = TestApp::start().await;
    app.space(SPACE, json!({ "identifier_types": [{ "name": "nick", "normalisation": "lowercase" }] })).await;
    let mut commitments = Vec::new();
    for life in 0..3 {
        let line = later(&["user_id:u", "nick:C4n4ry"], life);
        app.try_load(&line).await.unwrap();
        let activated_as = 2 * u64::from(life) + 1;
        let item = app.identifier("nick:c4n4ry").await;
        assert_eq!((item.generation, item.normalisation), (activated_as, Some(Normalisation::Lowercase)));
        assert_committed(&item, "nick:c4n4ry", activated_as);
        // A line again, and an event that only confirms the identifier, begin no life.
        app.try_load(&line).await.unwrap();
        assert_eq!(app.delete("u", "nick:C4n4ry").await.status, 200);
        assert_eq!(app.delete("u", "nick:C4n4ry").await.status, 404);
        let tombstone = app.identifier("nick:c4n4ry").await;
        assert_eq!((tombstone.state, tombstone.generation), (IdentifierState::Deleted, activated_as + 1));
        assert_eq!(tombstone.commitment, item.commitment);
        assert_eq!(tombstone.normalisation, Some(Normalisation::Lowercase));
        let dump = format!("{:?}", app.db.dump().await).to_lowercase();
        assert!(!dump.contains("c4n4ry"), "the value is gone");
        commitments.push(tombstone.commitment.unwrap());
        // What the journal will tell.
        let events = derive::identifier::of_item(hash("nick:c4n4ry"), &tombstone, None).unwrap();
        let ordinals: Vec<u64> = events.iter().map(|event| event.id.ordinal.number()).collect();
        assert_eq!(ordinals, [activated_as, activated_as + 1]);
        let subject = Some(Subject::Commitment(commitments[usize::try_from(life).unwrap()], Normalisation::Lowercase));
        assert!(events.iter().all(|event| event.facts.subject == subject), "{events:?}");
    }
    commitments.dedup();
    assert_eq!(commitments.len(), 3, "no two lives have the same");
    assert_eq!(app.identifier("user_id:u").await.generation, 1, "a life that goes on");
}

/// A version that did not count has written the item. Its deletion begins to count, and has nothing to name it by.
#[tokio::test]
async fn an_item_of_before_is_counted_from_its_next_change_on() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u", "email:e@x", "email:f@x"]).await;
    app.forget_life("email:e@x").await;
    assert_eq!(app.delete("u", "email:e@x").await.status, 200);
    let tombstone = app.identifier("email:e@x").await;
    assert_eq!((tombstone.generation, tombstone.commitment, tombstone.normalisation), (1, None, None));
    app.try_load(&later(&["user_id:u", "email:e@x"], 1)).await.unwrap();
    let back = app.identifier("email:e@x").await;
    assert_eq!((back.generation, back.normalisation), (2, Some(Normalisation::None)));
    assert_committed(&back, "email:e@x", 2);
    // A tombstone of before, too.
    assert_eq!(app.delete("u", "email:f@x").await.status, 200);
    app.forget_life("email:f@x").await;
    app.try_load(&later(&["user_id:u", "email:f@x"], 1)).await.unwrap();
    let back = app.identifier("email:f@x").await;
    assert_eq!(back.generation, 1);
    assert_committed(&back, "email:f@x", 1);
}

/// During a deployment, or after one that was taken back, versions that do not count write between this one's writes.
/// They keep what they do not know. See `docs/operations/upgrade.md`.
#[tokio::test]
async fn a_version_that_does_not_count_writes_in_between() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u", "email:e@x", "email:f@x"]).await;
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let at = [(":at", text("2026-06-02T00:00:00.000Z"))];
    // It deletes. The tombstone has the generation of the activation; the receipt is found all the same.
    let deleted = [&at[..], &[(":state", text("deleted"))]].concat();
    app.update_identifier("email:e@x", "SET #state = :state, deleted_at = :at REMOVE #value", &deleted).await;
    let tombstone = app.identifier("email:e@x").await;
    assert_eq!((tombstone.state, tombstone.generation), (IdentifierState::Deleted, 1));
    let nonce = log_key().nonce(&hash("email:e@x"), 1);
    assert_eq!(nonce_of_tombstone(&log_key(), &tombstone, "email:e@x"), Some(nonce));
    assert!(derive::identifier::of_item(hash("email:e@x"), &tombstone, None).is_ok());
    // The next life has a commitment of its own.
    app.try_load(&later(&["user_id:u", "email:e@x"], 1)).await.unwrap();
    assert_committed(&app.identifier("email:e@x").await, "email:e@x", 2);
    // It loads. The life that it begins has the commitment of the one before, and no receipt.
    assert_eq!(app.delete("u", "email:f@x").await.status, 200);
    let active = [&at[..], &[(":state", text("active")), (":value", text("f@x"))]].concat();
    app.update_identifier("email:f@x", "SET #state = :state, created_at = :at, #value = :value", &active).await;
    assert_eq!(app.identifier("email:f@x").await.generation, 2);
    assert_eq!(app.delete("u", "email:f@x").await.status, 200);
    let tombstone = app.identifier("email:f@x").await;
    assert_eq!(tombstone.generation, 3);
    assert_committed(&tombstone, "email:f@x", 1);
    assert_eq!(nonce_of_tombstone(&log_key(), &tombstone, "email:f@x"), None);
    // The life after that is as it should be.
    app.try_load(&later(&["user_id:u", "email:f@x"], 300)).await.unwrap();
    assert_committed(&app.identifier("email:f@x").await, "email:f@x", 4);
    assert_eq!(app.delete("u", "email:f@x").await.status, 200);
    let nonce = log_key().nonce(&hash("email:f@x"), 4);
    assert_eq!(nonce_of_tombstone(&log_key(), &app.identifier("email:f@x").await, "email:f@x"), Some(nonce));
}

/// The SDK repeats a write whose reply was lost, and a client a request: the deletion counts once. A `user_id` is
/// deleted in a transaction.
#[tokio::test]
async fn a_deletion_counts_once_whatever_is_repeated() {
    for (target, lost) in [("email:e@x", 1), ("email:e@x", usize::MAX), ("user_id:v", 2), ("user_id:v", usize::MAX)] {
        let app = TestApp::start().await;
        app.profile(&["user_id:u", "email:e@x", "user_id:v"]).await;
        let left = Arc::new(AtomicUsize::new(lost));
        app.db.proxy.plan(move |passed| {
            let is_left = || left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok();
            if is_tombstone_write(passed) && is_left() { Fault::LoseReply } else { Fault::None }
        });
        let (id_type, id) = target.split_once(':').unwrap();
        let request = Req::delete(SPACE, "u", id_type, id).key("k");
        let status = app.send(request.clone()).await.status;
        assert_eq!(status, if lost == usize::MAX { 503 } else { 200 }, "{target}");
        app.db.proxy.heal();
        for _ in 0..2 {
            assert_eq!(app.send(request.clone()).await.status, 200, "{target}");
        }
        assert_eq!(app.identifier(target).await.generation, 2, "{target}, {lost} replies lost");
    }
}

/// The load dies at any of its requests, or loses a reply, and the line is loaded again.
#[tokio::test]
async fn an_activation_counts_once_whatever_is_repeated() {
    for last_is_done in [false, true] {
        let mut passes = 0;
        loop {
            let app = TestApp::start().await;
            app.profile(&["user_id:u", "email:e@x"]).await;
            assert_eq!(app.delete("u", "email:e@x").await.status, 200);
            let line = later(&["user_id:u", "email:e@x", "email:new@x"], 1);
            let died = app.db.proxy.dies_after(passes, last_is_done, Box::pin(app.try_load(&line))).await;
            app.try_load(&line).await.unwrap();
            for (id, generation) in [("email:e@x", 3), ("email:new@x", 1), ("user_id:u", 1)] {
                let item = app.identifier(id).await;
                assert_eq!(item.generation, generation, "{id}, cut at {passes}");
                assert_committed(&item, id, generation);
            }
            passes += 1;
            if !died {
                break;
            }
        }
        assert!(passes > 3, "it was cut at {passes} places");
    }
}

#[tokio::test]
async fn simultaneous_loads_begin_one_life() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u", "email:e@x"]).await;
    assert_eq!(app.delete("u", "email:e@x").await.status, 200);
    let line = later(&["user_id:u", "email:e@x"], 1);
    for loaded in join_all((0..8).map(|_| app.try_load(&line))).await {
        loaded.unwrap();
    }
    let item = app.identifier("email:e@x").await;
    assert_eq!(item.generation, 3);
    assert_committed(&item, "email:e@x", 3);
}

/// A tombstone that was read, and is another one by the time of the write, with the same time of its deletion: the
/// nonce that was made for the first one does not fit.
#[tokio::test]
async fn a_life_is_written_under_the_generation_that_it_was_made_for() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u", "email:e@x"]).await;
    assert_eq!(app.delete("u", "email:e@x").await.status, 200);
    let (space, hash) = (SpaceId::parse(SPACE).unwrap(), hash("email:e@x"));
    let id_type = IdentifierType::parse("email").unwrap();
    let tombstone = app.identifier("email:e@x").await;
    let external_id = ExternalId { id_type, value: IdentifierValue::parse("e@x").unwrap() };
    let profile = LoadedProfile { space: &space, id: tombstone.profile_id, now: app.clock.peek() };
    let activated = async |read: u64| {
        let old = Identifier { generation: read, ..tombstone.clone() };
        let life = new_life(Some(&old), &hash, &external_id, Normalisation::None, &log_key());
        let writes = profile.activate(hash, &external_id, None, life, Some(&old)).unwrap();
        app.db.store.try_transact(writes.to_vec()).await.unwrap()
    };
    for (read, is_done) in [(4, false), (0, false), (1, false), (2, true), (2, false)] {
        assert_eq!(activated(read).await, is_done, "generation {read} was read");
    }
    assert_committed(&app.identifier("email:e@x").await, "email:e@x", 3);
    // The tombstone of a version that did not count.
    let deleted = [(":state", AttributeValue::S("deleted".to_owned()))];
    app.update_identifier("email:e@x", "SET #state = :state REMOVE #value", &deleted).await;
    app.forget_life("email:e@x").await;
    for (read, is_done) in [(2, false), (1, false), (0, true), (0, false)] {
        assert_eq!(activated(read).await, is_done, "generation {read} was read, and there is none");
    }
    assert_committed(&app.identifier("email:e@x").await, "email:e@x", 1);
}

/// What is known of an identifier in a random sequence.
#[derive(Debug, Default)]
struct Model {
    generation: u64,
    is_active: bool,
    /// The generation with which its last life began.
    activated_as: u64,
}

/// Over random sequences of loads, single deletions, jobs, deletions of profiles and of segments' members, and executed
/// plans, with messages that are delivered twice, the generation is exactly the number of activations and deletions: an
/// identifier that has changed its state with a step has counted one, any other none.
#[tokio::test]
async fn the_generation_is_the_number_of_activations_and_deletions() {
    let mut done = BTreeMap::new();
    for seed in 0..size(2, 20) as u64 {
        let mut random = fastrand::Rng::with_seed(seed);
        let app = TestApp::start().await;
        app.leave_messages();
        app.space(SPACE, json!({ "settling_seconds": 0 })).await;
        let mut model: BTreeMap<String, Model> = BTreeMap::new();
        for step in 0..80 {
            let (user, does) = (random.u32(..3), random.u32(..12));
            act(&app, &mut random, step, user, does).await;
            let deleted = check_step(&app, &mut model, &format!("seed {seed}, step {step}: {does} of {user}")).await;
            *done.entry(does).or_insert(0) += deleted;
        }
        assert!(model.values().any(|model| model.generation > 3), "{model:?}");
    }
    assert!((5..12).all(|does| done[&does] > 0), "each way to delete has deleted something: {done:?}");
}

/// Does something at random to one of three users.
async fn act(app: &TestApp, random: &mut fastrand::Rng, step: u32, user: u32, does: u32) {
    let ids = [format!("user_id:{user}"), format!("email:{user}@x"), format!("email:{user}@y")];
    let ids = ids.each_ref().map(String::as_str);
    let (target, sent) = (ids[random.usize(1..3)], app.queue.sent().len());
    match does {
        0..5 => {
            let mut line = later(&ids[..random.usize(1..4)], step);
            match random.u32(..4) {
                0 => line["merged_into"] = json!({ "type": "user_id", "id": ((user + 1) % 3).to_string() }),
                1 | 2 => line["segments"] = json!(["seg"]),
                _ => {}
            }
            _ = app.try_load(&line).await;
        }
        5 | 6 => {
            app.delete(&user.to_string(), target).await;
        }
        7 => {
            app.send(Req::delete_profile(SPACE, "user_id", &user.to_string())).await;
        }
        8 => {
            app.job(json!({ "action": "delete_profile", "rows": [target, target] })).await;
            work_twice(app, sent).await;
        }
        9 => {
            let row = json!({ "user_id": user.to_string(), "type": "email", "id": &target[6..] });
            app.job(json!({ "action": "delete_identifier", "rows": [row, row] })).await;
            work_twice(app, sent).await;
        }
        10 => {
            let body = json!({ "confirm": true, "auto_enable": true });
            app.send(Req::post(format!("/v1/spaces/{SPACE}/segments/seg/delete_users"), &body)).await;
            work_twice(app, sent).await;
        }
        _ => {
            let plan = json!({ "action": "delete_profile", "rows": [target], "dry_run": true });
            let plan = app.create_job(plan).await.body["job"]["id"].as_str().unwrap().to_owned();
            for _ in 0..2 {
                let path = format!("/v1/spaces/{SPACE}/deletion_jobs/{plan}/execute");
                app.send(Req::post(path, &json!({}))).await;
            }
            work_twice(app, sent).await;
        }
    }
}

/// Runs all jobs to their ends, and delivers every message after the first `sent` ones once more.
async fn work_twice(app: &TestApp, sent: usize) {
    app.work().await;
    app.queue.sent().into_iter().skip(sent).for_each(|body| app.queue.put(body));
    app.work().await;
}

/// Compares each identifier with what is known of it. How many were deleted.
async fn check_step(app: &TestApp, model: &mut BTreeMap<String, Model>, step: &str) -> usize {
    let mut deleted = 0;
    for user in 0..3 {
        for id in [format!("user_id:{user}"), format!("email:{user}@x"), format!("email:{user}@y")] {
            let space = SpaceId::parse(SPACE).unwrap();
            let Some(item) = app.db.store.identifier(&space, hash(&id)).await.unwrap() else { continue };
            let known = model.entry(id.clone()).or_default();
            let is_active = item.state == IdentifierState::Active;
            if is_active != known.is_active {
                known.generation += 1;
                deleted += usize::from(!is_active);
                known.is_active = is_active;
                known.activated_as = if is_active { known.generation } else { known.activated_as };
            }
            assert_eq!(item.generation, known.generation, "{step}: {id}");
            assert_committed(&item, &id, known.activated_as);
        }
    }
    deleted
}
