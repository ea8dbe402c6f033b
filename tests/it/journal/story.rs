//! What happens in a table, through the functions, and what a journal must tell of it.

use std::collections::BTreeMap;

use efface_core::{
    journal::{Entry, Noun},
    role::Role,
    space::SpaceId,
};
use efface_tests::{
    Req, TestApp,
    app::{SPACE, master, profile_line},
};
use serde_json::{Value, json};

/// A part of every value, name and trait.
pub(crate) const PLANTED: &str = "planted";

/// A second space.
pub(crate) const OTHER: &str = "spa_other";

/// How often something was told, by what it is about and the kind. Identifiers are named, of other things only the letter.
pub(crate) type Told = BTreeMap<(String, String), usize>;

/// What a journal tells.
pub(crate) fn told(entries: &[Entry]) -> Told {
    let mut told = Told::new();
    for entry in entries {
        let noun = match &entry.id().noun {
            noun @ Noun::Identifier(_) => noun.to_string(),
            noun => noun.to_string()[..1].to_owned(),
        };
        *told.entry((noun, entry.id().kind.to_string())).or_default() += 1;
    }
    told
}

/// The noun of an identifier of the demo space, by the same key as the functions have.
pub(crate) fn identifier(text: &str) -> Noun {
    let (id_type, value) = text.split_once(':').unwrap();
    let space: SpaceId = SPACE.parse().unwrap();
    let id_type = id_type.parse().unwrap();
    Noun::Identifier(master().space_key(&space).identifier(&id_type, value))
}

fn add(told: &mut Told, noun: &str, kind: &str, count: usize) {
    *told.entry((noun.to_owned(), kind.to_owned())).or_default() += count;
}

/// A line that is later than all deletions.
pub(crate) fn later(ids: &[&str]) -> Value {
    let mut line = profile_line(SPACE, ids);
    line["timestamp"] = json!("2030-01-01T00:00:00Z");
    line
}

/// Identifiers are made, deleted and come back, profiles merged and deleted, jobs run, stopped and cancelled; segments,
/// tokens and spaces change. What it tells, by space.
pub(crate) async fn story(app: &TestApp) -> BTreeMap<&'static str, Told> {
    let mut told = Told::new();
    profiles(app, &mut told).await;
    jobs(app, &mut told).await;
    segments(app, &mut told).await;
    let tokens = tokens(app, &mut told).await;
    [(SPACE, told), (OTHER, tokens)].into()
}

async fn profiles(app: &TestApp, told: &mut Told) {
    let mut created = |id: &str| add(told, &identifier(id).to_string(), "identifier.created", 1);
    for ids in [
        ["user_id:planted-a", "email:planted-a@x"],
        ["user_id:planted-b", "email:planted-b@x"],
        ["user_id:planted-c", "email:planted-c@x"],
    ] {
        app.profile(&ids).await;
        ids.into_iter().for_each(&mut created);
    }
    let mut merged = profile_line(SPACE, &["anonymous_id:planted-b"]);
    merged["merged_into"] = json!({ "type": "user_id", "id": "planted-b" });
    merged["traits"] = json!({ "planted": "planted" });
    app.try_load(&merged).await.unwrap();
    created("anonymous_id:planted-b");
    assert_eq!(app.delete("planted-a", "email:planted-a@x").await.status, 200);
    assert_eq!(app.try_load(&later(&["user_id:planted-a", "email:planted-a@x"])).await.unwrap().stored, 1);
    assert_eq!(app.delete("planted-a", "email:planted-a@x").await.status, 200);
    created("email:planted-a@x");
    add(told, &identifier("email:planted-a@x").to_string(), "identifier.removed", 2);
    add(told, "P", "profile.created", 4);
    add(told, "P", "profile.merged", 1);
}

async fn jobs(app: &TestApp, told: &mut Told) {
    let removed = |told: &mut Told, id: &str| add(told, &identifier(id).to_string(), "identifier.removed", 1);
    let row = json!({ "user_id": "planted-b", "type": "email", "id": "planted-b@x" });
    app.job(json!({ "action": "delete_identifier", "rows": [row] })).await;
    removed(told, "email:planted-b@x");
    let open = json!({ "action": "delete_profile", "rows": ["user_id:planted-c"], "open": true });
    let stopped = app.job(open.clone()).await;
    let cancelled = app.job(open).await;
    for (job, verb) in [(&stopped, "start"), (&stopped, "pause"), (&stopped, "resume"), (&cancelled, "cancel")] {
        let reply = app.control(job, verb).await;
        assert_eq!(reply.status, 202, "{}", reply.body);
    }
    app.work().await;
    for _ in 0..3 {
        app.clock.advance(600_000);
        app.reconcile().await;
        app.work().await;
    }
    removed(told, "user_id:planted-c");
    removed(told, "email:planted-c@x");
    add(told, "P", "profile.deleted", 1);
    add(told, "J", "job.created", 3);
    add(told, "J", "job.started", 2);
    add(told, "J", "job.paused", 1);
    add(told, "J", "job.resumed", 1);
    add(told, "J", "job.cancelled", 1);
    add(told, "J", "job.completed", 2);
    add(told, "J", "job.verified", 2);
    for job in [&stopped, &cancelled] {
        let status = app.job_status(job).await;
        assert!(["completed", "cancelled"].contains(&status["state"].as_str().unwrap()), "{status}");
    }
}

async fn segments(app: &TestApp, told: &mut Told) {
    let path = |rest: &str| format!("/v1/spaces/{SPACE}/segments{rest}");
    let body = json!({ "id": "seg_vip", "name": "planted", "kind": "user_segment" });
    assert_eq!(app.send(Req::post(path(""), &body)).await.status, 201);
    let rename = Req::post(path("/seg_vip"), &json!({ "name": "planted again" })).method("PATCH");
    assert_eq!(app.send(rename).await.status, 200);
    let versions = app.db.store.segment(&SPACE.parse().unwrap(), &"seg_vip".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(app.send(Req::get(path("/seg_vip")).method("DELETE")).await.status, 200);
    let end = app.db.store.segment(&SPACE.parse().unwrap(), &"seg_vip".parse().unwrap()).await.unwrap().unwrap();
    add(told, "G", "segment.created", 1);
    add(told, "G", "segment.removed", 1);
    // What a deletion changes before the end is told, too.
    add(told, "G", "segment.changed", usize::try_from(end.version).unwrap() - 2);
    assert_eq!(versions.version, 2);
}

/// What this tells of the other space.
async fn tokens(app: &TestApp, told: &mut Told) -> Told {
    let mut other = Told::new();
    app.space(OTHER, json!({ "reactor_instances": ["planted"] })).await;
    app.space(OTHER, json!({ "reactor_instances": ["planted", "too"] })).await;
    app.new_token(OTHER, Role::Auditor).await;
    let (space, now) = (OTHER.parse().unwrap(), app.clock.peek());
    let (_, token) = app.db.store.create_token(&space, Role::Auditor, now, None).await.unwrap();
    app.db.store.revoke_token(&space, &token.token_id.to_string(), now.plus_seconds(1)).await.unwrap();
    add(&mut other, "S", "space.created", 1);
    add(&mut other, "S", "space.changed", 1);
    add(&mut other, "T", "token.created", 2);
    add(&mut other, "T", "token.revoked", 1);
    app.new_token(SPACE, Role::Auditor).await;
    add(told, "T", "token.created", 1);
    other
}
