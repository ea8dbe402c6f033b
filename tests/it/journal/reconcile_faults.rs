//! What a reconcile must leave to the stream, and what must not end it: changes that nobody dates, items that nobody can read,
//! and spaces whose journal has stopped.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use efface_core::space::SpaceId;
use efface_engine::journal::reconcile::{Asked, Found, Reconcile, Reconciled};
use efface_tests::{TestApp, TestJournal, app::SPACE, publisher::soon, stream::event};
use serde_json::json;

use super::story::{OTHER, story};

async fn run(app: &TestApp, journal: &TestJournal) -> (Reconciled, Vec<Found>) {
    let (store, clock) = (app.db.store.clone(), app.clock.clock());
    let mut run = Reconcile::open(store, journal.writer(), Asked::default(), clock).await.unwrap().in_parts_of(50);
    let mut found = Vec::new();
    while run.step(&mut |one| found.push(one)).await.unwrap() {}
    (run.counts(), found)
}

fn settle(app: &TestApp) {
    app.clock.advance(26 * 3_600_000);
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

/// A writer of an earlier version changes a space: it counts the version, and removes the time or leaves that of the version
/// before.
async fn changed_by_an_earlier_version(app: &TestApp, expression: &str) {
    let update = app.db.client.update_item().table_name(app.db.table());
    let update = update.key("pk", text(&format!("S#{OTHER}"))).key("sk", text("-")).update_expression(expression);
    update.expression_attribute_values(":one", AttributeValue::N("1".to_owned())).send().await.unwrap();
}

/// Nobody knows when it was made, and its record is late: it is told by its record alone.
#[tokio::test]
async fn a_change_without_a_time_is_left_to_its_record() {
    for expression in ["ADD version :one REMOVE changed_at", "ADD version :one"] {
        let app = TestApp::start().await;
        let mut journal = TestJournal::start(&app).await;
        app.space(OTHER, json!({})).await;
        app.space(OTHER, json!({ "reactor_instances": ["a"] })).await;
        journal.follow().await;
        let before = journal.entries(OTHER).await.len();
        changed_by_an_earlier_version(&app, expression).await;
        let late = journal.stream.take().await;
        settle(&app);
        let (counts, found) = run(&app, &journal).await;
        assert_eq!(counts.undated, 1, "{expression}: {counts:?}");
        assert!(
            matches!(&found[..], [Found::Undated(space, noun)] if space.as_str() == OTHER && noun.to_string() == "S#-")
        );
        assert_eq!(journal.entries(OTHER).await.len(), before);
        journal.capture().handle(event(&late), soon()).await.unwrap();
        assert_eq!(journal.entries(OTHER).await.len(), before + 1, "{expression}");
        assert_eq!(run(&app, &journal).await.0.undated, 0, "it is told");
    }
}

/// Each of these is counted and told, and the run goes on to the end.
#[tokio::test]
async fn what_cannot_be_read_does_not_end_a_run() {
    let app = TestApp::start().await;
    let mut journal = TestJournal::start(&app).await;
    story(&app).await;
    let (records, whole) = (journal.stream.take().await, journal.anew().await);
    whole.hand_over(&records).await;
    let items = app.db.items().await;
    let stored = items.iter().find(|item| item["pk"].as_s().unwrap().starts_with("E#")).unwrap().clone();
    let job = stored["pk"].as_s().unwrap().clone();
    let bad = |pk: &str, sk: &str| HashMap::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))]);
    app.db.put(&[bad(&job, "9999999999#99"), bad("I#planted@x", "-"), bad("S#spa_bad", "-")]).await;
    journal.db.put(&[bad("N#planted", "planted")]).await;
    settle(&app);
    let (counts, found) = run(&app, &journal).await;
    assert_eq!(counts.unreadable, 4, "{found:?}");
    let lines: Vec<String> = found.iter().map(|one| format!("{one:?}")).collect();
    assert!(lines.iter().any(|line| line.contains("an event of spa_demo J#")), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("of the kind I")), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("spa_bad S#-")), "{lines:?}");
    assert!(!lines.concat().contains("planted"), "{lines:?}");
    assert_eq!(journal.entries(OTHER).await.len(), whole.entries(OTHER).await.len());
    assert!(counts.rebuilt > 20);
}

#[tokio::test]
async fn a_space_that_has_stopped_is_left_out() {
    let app = TestApp::start().await;
    let mut journal = TestJournal::start(&app).await;
    story(&app).await;
    journal.stream.take().await;
    let key = [("pk".to_owned(), text("P#spa_demo")), ("sk".to_owned(), text("00000000000000000000"))];
    let pack = ("entries".to_owned(), AttributeValue::B(vec![9].into()));
    journal.db.put(&[key.into_iter().chain([pack]).collect()]).await;
    settle(&app);
    let (counts, found) = run(&app, &journal).await;
    assert_eq!((counts.stopped, counts.rebuilt), (1, journal.entries(OTHER).await.len() as u64), "{found:?}");
    assert!(matches!(&found[..], [Found::Stopped(space, why)] if space.as_str() == SPACE && why.contains("pack 0")));
}

/// A writer died after its put, and nobody writes to the space any more.
#[tokio::test]
async fn a_pack_that_was_left_in_a_quiet_space_is_committed() {
    let app = TestApp::start().await;
    let mut journal = TestJournal::start(&app).await;
    let other: SpaceId = OTHER.parse().unwrap();
    app.space(OTHER, json!({})).await;
    let records = journal.stream.take().await;
    let capture = journal.capture();
    assert!(journal.proxy.dies_after_writes(1, false, capture.handle(event(&records), soon())).await);
    assert_eq!(journal.journal.head(&other).await.unwrap().n(), 0);
    assert!(journal.journal.pack(&other, 0).await.unwrap().is_some(), "its pack was left");
    // The item is recent: it is left to the stream, but the pack is not.
    let (counts, _) = run(&app, &journal).await;
    assert!(counts.recent > 0);
    assert_eq!(journal.entries(OTHER).await.len(), 1);
}
