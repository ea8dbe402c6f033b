//! The journal: whatever happens in the table is told in it once, however its stream hands the changes over.

mod costs;
mod faults;
pub(crate) mod operator_rights;
mod packs;
mod reads;
pub(crate) mod reconcile;
mod reconcile_faults;
mod rights;
pub(crate) mod story;
mod waking;

use std::collections::BTreeMap;

use efface_aws::{aside_queue::Aside, log_queue::LogPointer, store::stream::PutAside};
use efface_core::{
    journal::{Entry, index::waiting_shard},
    space::SpaceId,
};
use efface_tests::{
    TestApp, TestJournal,
    app::SPACE,
    journal::JOURNAL,
    log,
    publisher::soon,
    size::size,
    stream::{event, shards},
};
use serde_json::{Value, json};

use self::story::{OTHER, Told, story, told};

/// Asserts that both journals tell this and no more.
async fn assert_tells(journal: &TestJournal, expected: &BTreeMap<&'static str, Told>) {
    for (space, expected) in expected {
        assert_eq!(told(&journal.entries(space).await), *expected, "{space}");
    }
}

/// Takes records out of several shards in turns at random, the records of each in order, and repeats some batches: as
/// batches.
fn dealt(records: &[Value], random: &mut fastrand::Rng) -> Vec<Vec<Value>> {
    let (mut left, mut batches) = (shards(records, 4), Vec::new());
    while left.iter().any(|shard| !shard.is_empty()) {
        let at = random.usize(..left.len());
        let shard = &mut left[at];
        let batch: Vec<Value> = shard.drain(..random.usize(..=shard.len()).min(30)).collect();
        for _ in 0..=random.usize(..2) {
            batches.push(batch.clone());
        }
    }
    batches
}

#[tokio::test]
async fn every_change_is_told_once() {
    let app = TestApp::start().await;
    let mut journal = TestJournal::start(&app).await;
    let expected = story(&app).await;
    let records = journal.stream.take().await;
    journal.hand_over(&records).await;
    assert_tells(&journal, &expected).await;
    let before = journal.db.dump().await;
    journal.hand_over(&records).await;
    assert_eq!(journal.db.dump().await, before, "records that come again change nothing");
    assert!(journal.aside.is_empty());
}

#[tokio::test]
async fn shards_are_read_in_any_order_and_again() {
    let app = TestApp::start().await;
    let mut journal = TestJournal::start(&app).await;
    let expected = story(&app).await;
    let records = journal.stream.take().await;
    for seed in 0..size(6, 100) {
        let (journal, mut random) = (journal.anew().await, fastrand::Rng::with_seed(seed as u64));
        for batch in dealt(&records, &mut random) {
            journal.capture().handle(event(&batch), soon()).await.unwrap();
        }
        assert_tells(&journal, &expected).await;
    }
}

#[tokio::test]
async fn several_captures_at_once_are_harmless() {
    let app = TestApp::start().await;
    let mut journal = TestJournal::start(&app).await;
    let expected = story(&app).await;
    let records = journal.stream.take().await;
    for seed in 0..size(4, 60) {
        let (journal, mut random) = (journal.anew().await, fastrand::Rng::with_seed(seed as u64));
        let batches = dealt(&records, &mut random);
        let work = (0..4).map(|capture| {
            let (journal, batches) = (&journal, &batches);
            async move {
                let function = journal.capture();
                for batch in batches.iter().skip(capture).step_by(2) {
                    while function.handle(event(batch), soon()).await.is_err() {}
                }
            }
        });
        futures::future::join_all(work).await;
        assert_tells(&journal, &expected).await;
    }
}

/// A record as it is where its item makes no sense, or is no record.
fn poisoned(records: &[Value], change: impl Fn(&mut Value)) -> Value {
    let is_identifier = |record: &&Value| record["dynamodb"]["NewImage"]["value"]["S"].is_string();
    let mut record = records.iter().find(is_identifier).unwrap().clone();
    change(&mut record);
    record
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_put_aside_and_does_not_stop_the_others() {
    let app = TestApp::start().await;
    let mut journal = TestJournal::start(&app).await;
    let expected = story(&app).await;
    let mut records = journal.stream.take().await;
    let poison = [
        (poisoned(&records, |it| it["dynamodb"]["NewImage"]["created_at"] = json!({ "S": "then" })), "unreadable_item"),
        (poisoned(&records, |it| it["dynamodb"]["NewImage"]["state"] = json!({ "S": "deleted" })), "senseless_item"),
        (
            poisoned(&records, |it| it["dynamodb"]["Keys"]["pk"] = json!({ "S": "I#planted@example.com" })),
            "unreadable_key",
        ),
        (poisoned(&records, |it| it["dynamodb"]["NewImage"] = json!("planted")), "unreadable_record"),
        (json!({ "planted": "planted@example.com" }), "unreadable_record"),
    ];
    let reasons: Vec<&str> = poison.iter().map(|(_, reason)| *reason).collect();
    for (place, (record, _)) in poison.into_iter().enumerate() {
        records.insert(place * 3, record);
    }
    journal.hand_over(&records).await;
    assert_tells(&journal, &expected).await;
    let aside: Vec<Aside> = journal.aside.take().iter().map(|body| serde_json::from_str(body).unwrap()).collect();
    assert_eq!(aside.len(), reasons.len());
    for (aside, reason) in aside.iter().zip(reasons) {
        let text = serde_json::to_value(aside).unwrap();
        assert_eq!(text["reason"], reason);
        let is_known = aside.reason != PutAside::UnreadableRecord || aside.provenance.sequence_number.is_some();
        assert!(!is_known || aside.provenance.sequence_number.is_some(), "{text}");
        assert!(!text.to_string().contains('@') && !text.to_string().contains("planted"), "{text}");
        let is_own = !["unreadable_key", "unreadable_record"].contains(&reason);
        assert_eq!(is_own, aside.provenance.pk.as_ref().is_some_and(|pk| pk.len() > 1), "{text}");
    }
    assert!(aside[0].provenance.pk.as_ref().unwrap().starts_with("I#spa_demo#"));
    assert!(log::all().contains("record put aside"));
}

#[tokio::test]
async fn a_batch_fails_as_long_as_records_cannot_be_put_aside() {
    let app = TestApp::start().await;
    let journal = TestJournal::start(&app).await;
    journal.aside.down(true);
    let capture = journal.capture();
    assert!(capture.handle(event(&[json!({})]), soon()).await.is_err());
    journal.aside.down(false);
    capture.handle(event(&[json!({})]), soon()).await.unwrap();
    assert_eq!(journal.aside.len(), 1);
}

#[tokio::test]
async fn the_publisher_is_woken_once_until_it_rests() {
    let app = TestApp::start().await;
    let mut journal = TestJournal::start(&app).await;
    let space: SpaceId = SPACE.parse().unwrap();
    let pointers = |journal: &TestJournal| -> Vec<LogPointer> {
        journal.publisher.take().iter().map(|body| LogPointer::parse(body).unwrap()).collect()
    };
    app.profile(&["user_id:a"]).await;
    journal.follow().await;
    app.profile(&["user_id:b"]).await;
    journal.follow().await;
    assert_eq!(pointers(&journal), [LogPointer::new(space.clone(), false)]);
    let waiting = |journal: &TestJournal| {
        let journal = journal.journal.clone();
        async move { journal.dirty_spaces(waiting_shard(&SPACE.parse().unwrap()), None, 9).await.unwrap().0 }
    };
    assert_eq!(waiting(&journal).await, std::slice::from_ref(&space));
    let head = journal.journal.head(&space).await.unwrap();
    app.profile(&["user_id:c"]).await;
    journal.follow().await;
    assert!(!journal.journal.rest(&space, &head).await.unwrap(), "there is more to publish");
    assert!(pointers(&journal).is_empty());
    let head = journal.journal.head(&space).await.unwrap();
    assert!(journal.journal.rest(&space, &head).await.unwrap());
    assert!(!journal.journal.rest(&space, &head).await.unwrap());
    assert!(waiting(&journal).await.is_empty());
    app.profile(&["user_id:d"]).await;
    journal.follow().await;
    assert_eq!((pointers(&journal).len(), waiting(&journal).await.len()), (1, 1));
    // What is lost on the way stays in the list.
    let head = journal.journal.head(&space).await.unwrap();
    journal.journal.rest(&space, &head).await.unwrap();
    journal.publisher.down(true);
    app.profile(&["user_id:e"]).await;
    journal.follow().await;
    assert_eq!(waiting(&journal).await, std::slice::from_ref(&space));
    assert!(journal.journal.head(&space).await.unwrap().is_dirty());
    journal.entries(SPACE).await;
}

/// The newest of several records whose items cannot be read is young: a later version writes.
#[tokio::test]
async fn many_young_records_that_cannot_be_read_hold_the_batch() {
    let app = TestApp::start().await;
    let mut journal = TestJournal::start(&app).await;
    let expected = story(&app).await;
    let mut records = journal.stream.take().await;
    let seconds = app.clock.peek().millis() / 1_000;
    let wrong = |seconds: i64| {
        poisoned(&records, |it| {
            it["dynamodb"]["NewImage"]["created_at"] = json!({ "S": "then" });
            it["dynamodb"]["ApproximateCreationDateTime"] = json!(seconds);
        })
    };
    let (young, old) = (wrong(seconds), wrong(seconds - 13 * 3_600));
    let capture = journal.capture();
    let of_three: Vec<Value> = std::iter::repeat_n(young.clone(), 3).collect();
    capture.handle(event(&of_three), soon()).await.unwrap();
    assert_eq!(journal.aside.take().len(), 3);
    records.extend(std::iter::repeat_n(young, 4));
    assert!(capture.handle(event(&records), soon()).await.is_err());
    assert!(journal.aside.is_empty());
    assert_tells(&journal, &expected).await;
    let of_old: Vec<Value> = std::iter::repeat_n(old, 4).collect();
    capture.handle(event(&of_old), soon()).await.unwrap();
    assert_eq!(journal.aside.take().len(), 4);
}

#[tokio::test]
async fn a_stream_without_both_images_fails_its_batches() {
    let app = TestApp::start().await;
    let mut journal = TestJournal::start(&app).await;
    app.profile(&["user_id:a"]).await;
    let mut records = journal.stream.take().await;
    for record in &mut records {
        record["dynamodb"]["StreamViewType"] = json!("NEW_IMAGE");
    }
    let error = journal.capture().handle(event(&records), soon()).await.unwrap_err();
    assert!(error.to_string().contains("NEW_AND_OLD_IMAGES"), "{error}");
    assert!(journal.aside.is_empty() && journal.entries(SPACE).await.is_empty());
}

#[tokio::test]
async fn no_value_gets_into_the_journal() {
    let app = TestApp::start().await;
    let mut journal = TestJournal::start(&app).await;
    story(&app).await;
    let mut records = journal.stream.take().await;
    assert!(serde_json::to_string(&records).unwrap().contains(story::PLANTED), "the test plants a value");
    let wrong = poisoned(&records, |it| it["dynamodb"]["NewImage"]["created_at"] = json!({ "S": "then" }));
    records.push(wrong);
    journal.hand_over(&records).await;
    let mut texts = vec![log::all(), journal.publisher.sent().concat(), journal.aside.sent().concat()];
    for space in [SPACE, OTHER] {
        let entries: Vec<Entry> = journal.entries(space).await;
        texts.extend(
            entries.iter().map(|entry| format!("{}{}", entry.leaf_json().as_str(), entry.private_json().as_str())),
        );
        texts.extend(entries.iter().map(|entry| format!("{entry:?}")));
    }
    texts.push(format!("{:?}", journal.db.items().await));
    assert!(texts.len() > 20);
    assert!(!texts.iter().any(|text| text.contains(story::PLANTED)), "a planted value");
}

/// What AWS documents of an event, so that the tests do not only agree with the emulator.
#[tokio::test]
async fn an_event_as_aws_documents_it_is_captured() {
    let app = TestApp::start().await;
    let journal = TestJournal::start(&app).await;
    let recorded = include_str!("../../events/dynamodb_stream.json");
    journal.capture().handle(serde_json::from_str(recorded).unwrap(), soon()).await.unwrap();
    let expected = ["identifier.created", "identifier.removed", "space.created"].map(|kind| (kind, 1));
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for entry in journal.entries(SPACE).await {
        *kinds.entry(entry.id().kind.to_string()).or_default() += 1;
    }
    assert_eq!(kinds, expected.map(|(kind, count)| (kind.to_owned(), count)).into());
    assert!(journal.aside.is_empty());
    assert_eq!(journal.db.table(), JOURNAL);
}
