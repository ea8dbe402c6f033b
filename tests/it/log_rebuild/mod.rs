//! A journal whose table was restored from a backup, and which is refilled from its log.

mod faults;
mod refused;
mod rights;
mod windows;

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use efface_core::{
    journal::{Details, Entry, Noun},
    space::SpaceId,
    time::Time,
};
use efface_engine::log::rebuild::{Asked, Rebuild, RebuildError, Rebuilt, Refilled, Watch};
use efface_tests::{
    Audited, Req,
    app::{SPACE, log_key},
    publisher::ORIGIN,
};
use serde_json::json;

use crate::journal::story::{OTHER, identifier, later, story};

type Items = Vec<HashMap<String, AttributeValue>>;

/// A site whose journal was restored to what it was before the story.
struct Restored {
    test: Audited,
    /// The journal's table as it is in the backup.
    backup: Items,
    /// The entries of each space before the restore, all of which are published.
    whole: BTreeMap<&'static str, Vec<Entry>>,
}

impl Restored {
    async fn start() -> Self {
        let (test, backup) = Self::before().await;
        story(&test.app).await;
        Self::after(test, backup).await
    }

    /// With less that has happened since: an identifier was deleted, and another space made.
    async fn small() -> Self {
        let (test, backup) = Self::before().await;
        test.app.profile(&["user_id:u", "email:e@x", "email:f@x"]).await;
        assert_eq!(test.app.delete("u", "email:e@x").await.status, 200);
        test.app.space(OTHER, json!({})).await;
        Self::after(test, backup).await
    }

    async fn before() -> (Audited, Items) {
        let mut test = Audited::start().await;
        test.app.profile(&["user_id:first", "email:first@x"]).await;
        test.log().await;
        let backup = test.journal.db.items().await;
        (test, backup)
    }

    async fn after(mut test: Audited, backup: Items) -> Self {
        test.log().await;
        test.publish_space(OTHER).await;
        let mut whole = BTreeMap::new();
        for space in [SPACE, OTHER] {
            whole.insert(space, test.journal.entries(space).await);
        }
        test.journal.db.reset(&backup).await;
        Self { test, backup, whole }
    }

    fn rebuild(&self, asked: Asked) -> Rebuild {
        Rebuild::new(self.test.app.db.store.clone(), self.test.journal.writer(), self.test.files(), asked)
    }

    /// A run over all spaces, to its end.
    async fn run_with(&self, asked: Asked) -> BTreeMap<SpaceId, Rebuilt> {
        let mut run = self.rebuild(asked);
        assert!(run.run(spaces(), &never()).await.unwrap());
        let spaces = run.spaces();
        spaces.iter().map(|(space, rebuilt)| (space.clone(), copy(rebuilt))).collect()
    }

    async fn run(&self) -> BTreeMap<SpaceId, Rebuilt> {
        self.run_with(asked()).await
    }

    /// Asserts that the journal has the leaves that it had, and the event ids, but for those whose noun is lost. Returns the
    /// entries of the demo space.
    async fn assert_whole(&self) -> Vec<Entry> {
        let mut found = Vec::new();
        for (space, whole) in &self.whole {
            let entries = self.test.journal.entries(space).await;
            let leaves = |entries: &[Entry]| entries.iter().map(|entry| entry.leaf_json().clone()).collect::<Vec<_>>();
            assert_eq!(leaves(&entries), leaves(whole), "{space}");
            for (entry, before) in entries.iter().zip(whole) {
                assert!(is_nameless(entry) || entry.id() == before.id(), "{entry:?} {before:?}");
            }
            if *space == SPACE {
                found = entries;
            }
        }
        found
    }
}

fn spaces() -> Vec<SpaceId> {
    [SPACE, OTHER].map(|space| space.parse().unwrap()).into()
}

fn asked() -> Asked {
    let (origin, signers) = (ORIGIN.to_owned(), Some(vec![public_key(SIGNER)]));
    Asked { origin, signers, log_key: Some(log_key()), is_dry_run: false, allow_unreadable: false, now: now() }
}

/// The seed of the key that signs.
const SIGNER: u8 = 7;

/// The public key of a seed, as somebody would have noted it elsewhere.
fn public_key(seed: u8) -> [u8; 32] {
    ed25519_dalek::SigningKey::from_bytes(&[seed; 32]).verifying_key().to_bytes()
}

fn now() -> Time {
    Time::parse("2026-07-01T00:00:00Z").unwrap()
}

fn never() -> Watch<'static> {
    Watch { is_stopped: &|| false, progress: &|_| {} }
}

fn copy(rebuilt: &Rebuilt) -> Rebuilt {
    let Rebuilt { log, journal, refilled, is_whole, .. } = *rebuilt;
    assert_eq!(rebuilt.error, None);
    let (is_without_log, signer) = (rebuilt.is_without_log, rebuilt.signer.clone());
    Rebuilt { log, journal, refilled, is_whole, is_without_log, signer, error: None }
}

fn is_nameless(entry: &Entry) -> bool {
    matches!(entry.id().noun, Noun::Leaf(_))
}

fn space(id: &str) -> SpaceId {
    id.parse().unwrap()
}

#[tokio::test]
async fn a_journal_gets_the_entries_of_its_log_again() {
    let mut restored = Restored::start().await;
    let sizes = restored.whole.clone();
    let rebuilt = restored.run().await;
    let entries = restored.assert_whole().await;
    for (id, journal) in [(SPACE, 2 + 1), (OTHER, 0)] {
        let Rebuilt { log, journal: had, refilled, is_whole, .. } = &rebuilt[&space(id)];
        assert_eq!((*log, *had, *is_whole), (sizes[id].len() as u64, journal, true), "{id}");
        assert_eq!(refilled.entries, log - journal);
        let Refilled { entries, recovered, without_details, without_noun } = refilled;
        assert_eq!(*entries, recovered + without_details + without_noun);
        assert!(recovered > without_details, "{refilled:?}");
    }
    // The value of an identifier that was deleted twice is gone: nothing ties its first life to it.
    let nameless: Vec<&Entry> = entries.iter().filter(|entry| is_nameless(entry)).collect();
    assert_eq!(nameless.len() as u64, rebuilt[&space(SPACE)].refilled.without_noun);
    let mut kinds: Vec<String> = nameless.iter().map(|entry| entry.id().kind.to_string()).collect();
    kinds.sort();
    assert_eq!(kinds, ["identifier.created", "identifier.removed"]);
    let twice = identifier("email:planted-a@x");
    assert_eq!(entries.iter().filter(|entry| entry.id().noun == twice).count(), 2);
    // It goes on as ever.
    let test = &mut restored.test;
    test.app.profile(&["user_id:new", "email:new@x"]).await;
    assert_eq!(test.app.delete("new", "email:new@x").await.status, 200);
    test.log().await;
    let reply = test.get_receipt("email:new@x", "").await;
    assert_eq!(reply.status, 200, "{}", reply.line());
    test.verify(reply.body.as_str().unwrap(), Some("email:new@x")).await.unwrap();
    assert_eq!(test.journal.entries(SPACE).await.len(), entries.len() + 4);
}

/// What the table tells of an entry is what a reconcile would have written.
#[tokio::test]
async fn private_parts_are_those_of_the_table() {
    let restored = Restored::start().await;
    restored.run().await;
    let entries = restored.assert_whole().await;
    let removed = |entry: &&Entry| entry.id().noun == identifier("email:planted-b@x") && entry.job().is_some();
    let [before, after] = [&restored.whole[SPACE], &entries].map(|all| all.iter().find(removed).unwrap().clone());
    assert_eq!(before.details(), after.details());
    assert!(before.details().unwrap().job_row.is_some());
    assert!(after.is_rebuilt() && !after.is_lost() && !before.is_rebuilt());
}

async fn receipt(test: &Audited, id: &str) -> (u16, serde_json::Value) {
    let reply = test.get_receipt(id, "").await;
    (reply.status, reply.body)
}

#[tokio::test]
async fn receipts_are_the_same_bytes_as_before() {
    let mut test = Audited::start().await;
    test.app.profile(&["user_id:u", "email:e@x", "email:back@x"]).await;
    let backup = test.journal.db.items().await;
    for id in ["email:e@x", "email:back@x"] {
        assert_eq!(test.app.delete("u", id).await.status, 200);
    }
    assert_eq!(test.app.try_load(&later(&["user_id:u", "email:back@x"])).await.unwrap().stored, 1);
    test.log().await;
    let mut before = Vec::new();
    for id in ["email:e@x", "email:back@x"] {
        before.push(receipt(&test, id).await);
    }
    assert!(before.iter().all(|(status, _)| *status == 200), "{before:?}");
    for (key, is_same) in [(Some(log_key()), true), (None, false)] {
        test.journal.db.reset(&backup).await;
        assert_eq!(test.get_receipt("email:e@x", "").await.status, 409, "the journal does not have it");
        let store = test.app.db.store.clone();
        let asked = Asked { log_key: key, ..asked() };
        let mut run = Rebuild::new(store, test.journal.writer(), test.files(), asked);
        assert!(run.run(vec![space(SPACE)], &never()).await.unwrap());
        assert_eq!(receipt(&test, "email:e@x").await, before[0]);
        // Without the log key nothing ties the life that was ended to an identifier that came back.
        assert_eq!(receipt(&test, "email:back@x").await == before[1], is_same);
    }
}

#[tokio::test]
async fn a_journal_that_has_its_log_needs_nothing() {
    let restored = Restored::small().await;
    restored.run().await;
    let before = restored.test.journal.db.dump().await;
    for rebuilt in restored.run().await.values() {
        assert_eq!((rebuilt.is_whole, rebuilt.lacking(), rebuilt.refilled), (true, 0, Refilled::default()));
    }
    assert_eq!(restored.test.journal.db.dump().await, before);
}

/// It has committed entries that are not published yet, or nothing is published of the space at all.
#[tokio::test]
async fn a_journal_that_is_ahead_of_its_log_needs_nothing() {
    let mut restored = Restored::small().await;
    restored.run().await;
    restored.test.app.profile(&["user_id:new"]).await;
    restored.test.follow().await;
    let before = restored.test.journal.db.dump().await;
    let rebuilt = &restored.run().await[&space(SPACE)];
    assert_eq!((rebuilt.is_whole, rebuilt.journal), (true, rebuilt.log + 2));
    assert_eq!(restored.test.journal.db.dump().await, before);
}

/// Entries without a log are those of other buckets, or not published yet. A space with neither is in order.
#[tokio::test]
async fn a_journal_without_a_log_is_not_whole() {
    let restored = Restored::small().await;
    restored.test.objects.set(&BTreeMap::new());
    let before = restored.test.journal.db.dump().await;
    for is_dry_run in [true, false] {
        let found = restored.run_with(Asked { is_dry_run, ..asked() }).await;
        let state = |id| {
            let Rebuilt { is_whole, is_without_log, log, journal, .. } = found[&space(id)];
            (is_whole, is_without_log, log, journal)
        };
        assert_eq!((state(SPACE), state(OTHER)), ((false, true, 0, 3), (true, false, 0, 0)));
    }
    assert_eq!(restored.test.journal.db.dump().await, before);
}

#[tokio::test]
async fn a_dry_run_finds_journals_that_are_too_short_and_writes_nothing() {
    let restored = Restored::small().await;
    let dry = || Asked { is_dry_run: true, ..asked() };
    let found = restored.run_with(dry()).await;
    for (id, whole) in &restored.whole {
        let rebuilt = &found[&space(id)];
        assert_eq!((rebuilt.log, rebuilt.is_whole), (whole.len() as u64, false));
        assert!(rebuilt.lacking() > 0 && rebuilt.refilled == Refilled::default());
    }
    let backup = restored.test.journal.db.items().await;
    assert_eq!(backup.len(), restored.backup.len());
    restored.run().await;
    assert!(restored.run_with(dry()).await.values().all(|rebuilt| rebuilt.is_whole && rebuilt.lacking() == 0));
}

/// Of an identifier whose item is gone nothing is known but the leaf: everything that reads the journal goes on.
#[tokio::test]
async fn an_entry_of_which_only_the_leaf_is_known_is_an_entry() {
    let restored = Restored::start().await;
    let test = &restored.test;
    let id = "email:planted-b@x";
    let key = format!("I#{SPACE}#{}", identifier(id).to_string().strip_prefix("I#").unwrap());
    let delete = test.app.db.client.delete_item().table_name(test.app.db.table());
    let delete = delete.key("pk", AttributeValue::S(key)).key("sk", AttributeValue::S("-".to_owned()));
    delete.send().await.unwrap();
    restored.run().await;
    let entries = restored.assert_whole().await;
    let lost: Vec<&Entry> = entries.iter().filter(|entry| is_nameless(entry) && entry.is_lost()).collect();
    assert_eq!(lost.len(), 4, "two of the item that is gone, and those of the first life of another one");
    let (entry, job) = lost.iter().find_map(|entry| Some((entry, entry.job()?))).unwrap();
    assert_eq!(entry.details(), Ok(Details::default()));
    let path = |query: &str| format!("/v1/spaces/{SPACE}/audit_events?limit=100&{query}");
    let all = test.app.send(Req::get(path(""))).await;
    assert_eq!(all.body["data"].as_array().unwrap().len(), entries.len(), "{}", all.line());
    let of_job = test.app.send(Req::get(path(&format!("job_id={job}")))).await;
    let index = entries.iter().position(|one| one.id() == entry.id()).unwrap();
    let indexes: Vec<u64> =
        of_job.body["data"].as_array().unwrap().iter().map(|one| one["index"].as_u64().unwrap()).collect();
    assert!(indexes.contains(&(index as u64)), "{indexes:?}");
    // By the identifier it is not found, and the receipts of the job have it without nonce.
    assert_eq!(test.get_receipt(id, "").await.status, 404);
    let receipts = test.app.send(Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/receipts"))).await;
    assert_eq!(receipts.status, 200, "{}", receipts.line());
}

/// A reconcile that comes afterwards tells no event again.
#[tokio::test]
async fn a_reconcile_tells_nothing_twice() {
    use efface_engine::journal::reconcile::{Asked, Reconcile};
    let restored = Restored::start().await;
    restored.run().await;
    let entries = restored.assert_whole().await;
    let test = &restored.test;
    test.app.clock.advance(26 * 3_600_000);
    let asked = Asked { log_key: Some(log_key()), ..Asked::default() };
    let (store, clock) = (test.app.db.store.clone(), test.app.clock.clock());
    let mut run = Reconcile::open(store, test.journal.writer(), asked, clock).await.unwrap();
    while run.step(&mut |_| {}).await.unwrap() {}
    // What was told before the journal began: the space and its tokens. Two generations have lost their noun.
    let counts = run.counts();
    assert_eq!((counts.gaps, counts.unreadable), (2, 0), "{counts:?}");
    let after = test.journal.entries(SPACE).await;
    let leaves: std::collections::BTreeSet<_> = after.iter().map(|entry| entry.leaf_json().as_str()).collect();
    assert_eq!(leaves.len(), after.len(), "a leaf is there twice");
    assert!(after[entries.len()..].iter().all(Entry::is_rebuilt));
}

/// The stream hands over again what it has handed over before the restore.
#[tokio::test]
async fn records_that_come_again_are_told_once_where_the_noun_is_known() {
    let mut test = Audited::start().await;
    let backup = test.journal.db.items().await;
    test.app.profile(&["user_id:u", "email:e@x"]).await;
    assert_eq!(test.app.delete("u", "email:e@x").await.status, 200);
    let records = test.journal.stream.take().await;
    test.journal.hand_over(&records).await;
    test.publish_space(SPACE).await;
    let entries = test.journal.entries(SPACE).await.len();
    test.journal.db.reset(&backup).await;
    let store = test.app.db.store.clone();
    let mut run = Rebuild::new(store, test.journal.writer(), test.files(), asked());
    assert!(run.run(vec![space(SPACE)], &never()).await.unwrap());
    test.journal.hand_over(&records).await;
    assert_eq!(test.journal.entries(SPACE).await.len(), entries);
}

fn error<'a>(run: &'a Rebuild, id: &str) -> &'a RebuildError {
    run.spaces()[&space(id)].error.as_ref().unwrap()
}
