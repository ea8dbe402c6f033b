//! Captures of more than one pack: more entries than a pack takes, and records that tell two things.

use efface_core::{
    journal::{Entry, EventKind},
    space::SpaceId,
    token::Token,
};
use efface_tests::{
    TestApp, TestJournal,
    app::SPACE,
    publisher::{entry, soon},
    size::size,
    stream::event,
};
use serde_json::{Value, json};

/// A capture of many entries dies after each of its writes, and the next one goes on: each entry is there once.
#[tokio::test]
async fn more_entries_than_a_pack_takes_are_several_packs() {
    let app = TestApp::start().await;
    let first = TestJournal::start(&app).await;
    let space: SpaceId = SPACE.parse().unwrap();
    for (count, packs) in [(100_u64, 1), (101, 2), (250, 3)] {
        let entries: Vec<Entry> = (0..count).map(|number| entry(&space, number, "")).collect();
        for (passes, last_is_done) in (0..30).step_by(size(4, 1)).flat_map(|passes| [(passes, false), (passes, true)]) {
            let journal = first.anew().await;
            let writer = journal.writer();
            let died =
                journal.proxy.dies_after_writes(passes, last_is_done, writer.capture(entries.clone(), soon())).await;
            assert!(journal.writer().capture(entries.clone(), soon()).await.unwrap().is_empty());
            assert_eq!(journal.entries(SPACE).await, entries, "{count}, {passes}");
            assert_eq!(journal.packs(&space).await.len(), packs);
            if !died {
                break;
            }
        }
    }
}

/// A hundred records of tokens that were revoked before their first record was written: each tells two things.
#[tokio::test]
async fn a_batch_whose_records_tell_two_things_each_is_two_packs() {
    let app = TestApp::start().await;
    let mut journal = TestJournal::start(&app).await;
    let space: SpaceId = SPACE.parse().unwrap();
    let now = app.clock.peek();
    let (_, token) = app.db.store.create_token(&space, efface_core::role::Role::Auditor, now, None).await.unwrap();
    app.db.store.revoke_token(&space, &token.token_id.to_string(), now.plus_seconds(1)).await.unwrap();
    let records = journal.stream.take().await;
    let revoked = records.iter().find(|it| it["dynamodb"]["NewImage"]["revoked_at"]["S"].is_string()).unwrap().clone();
    let batch: Vec<Value> = (0..100_u8)
        .map(|number| {
            let (mut record, hash) = (revoked.clone(), Token::from_random([number; 32]).hash());
            record["eventName"] = json!("INSERT");
            let change = record["dynamodb"].as_object_mut().unwrap();
            change.remove("OldImage");
            change["Keys"]["pk"] = json!({ "S": format!("T#{hash}") });
            change["NewImage"]["pk"] = change["Keys"]["pk"].clone();
            change["NewImage"]["token_id"] = json!({ "S": format!("tok_{number:016x}") });
            record
        })
        .collect();
    journal.capture().handle(event(&batch), soon()).await.unwrap();
    assert!(journal.aside.is_empty());
    let entries = journal.entries(SPACE).await;
    let of = |kind: &EventKind| entries.iter().filter(|entry| entry.id().kind == *kind).count();
    assert_eq!((of(&EventKind::TokenCreated), of(&EventKind::TokenRevoked)), (100, 100));
    assert_eq!(journal.packs(&space).await.len(), 2);
}
