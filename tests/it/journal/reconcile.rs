//! Reconciling the journal with the table: after an outage that is longer than the life of the stream, and for tables from
//! before.

use std::collections::BTreeMap;

use efface_core::{
    journal::{Entry, EventKind, Noun},
    space::SpaceId,
};
use efface_engine::journal::reconcile::{Asked, Found, Reconcile, ReconcileError, Reconciled, Unfinished};
use efface_tests::{TestApp, TestJournal, app::SPACE, size::size};
use serde_json::json;

use super::story::{OTHER, identifier, later, story, told};

/// A run to its end, in parts of this size, and what it found.
pub(crate) async fn run_in(app: &TestApp, journal: &TestJournal, asked: Asked, part: i32) -> (Reconciled, Vec<Found>) {
    let (store, clock) = (app.db.store.clone(), app.clock.clock());
    let run = Reconcile::open(store, journal.writer(), asked, clock).await.unwrap();
    let (mut run, mut found) = (run.in_parts_of(part), Vec::new());
    while run.step(&mut |one| found.push(one)).await.unwrap() {}
    (run.counts(), found)
}

async fn run(app: &TestApp, journal: &TestJournal) -> (Reconciled, Vec<Found>) {
    run_in(app, journal, Asked::default(), 100).await
}

/// More than 25 hours go by.
pub(crate) fn settle(app: &TestApp) {
    app.clock.advance(26 * 3_600_000);
}

/// The records of what the app wrote before are lost.
async fn outage(journal: &mut TestJournal) {
    journal.stream.take().await;
}

fn kinds(entries: &[Entry], noun: &Noun) -> Vec<(String, bool)> {
    let mut of: Vec<&Entry> = entries.iter().filter(|entry| entry.id().noun == *noun).collect();
    of.sort_by_key(|entry| entry.id().clone());
    of.iter().map(|entry| (entry.id().kind.to_string(), entry.is_rebuilt())).collect()
}

#[tokio::test]
async fn a_table_that_is_told_needs_nothing() {
    let app = TestApp::start().await;
    let mut journal = TestJournal::start(&app).await;
    // What the app itself wrote before its journal began.
    settle(&app);
    run(&app, &journal).await;
    let before = [journal.entries(SPACE).await.len(), journal.entries(OTHER).await.len()];
    let expected = story(&app).await;
    journal.follow().await;
    settle(&app);
    for _ in 0..2 {
        let (counts, found) = run(&app, &journal).await;
        assert_eq!((counts.rebuilt, counts.gaps, counts.unreadable, counts.without_item), (0, 0, 0, 0), "{found:?}");
        assert!(counts.items > 15 && counts.nouns >= counts.items && found.is_empty());
    }
    for ((space, expected), before) in expected.iter().zip(before) {
        let entries = journal.entries(space).await;
        assert_eq!(told(&entries[before..]), *expected);
    }
}

/// What the present items still show is told, each once, however often it is run, in parts of any size, and dying anywhere.
#[tokio::test]
async fn a_table_from_before_is_told() {
    let app = TestApp::start().await;
    let mut journal = TestJournal::start(&app).await;
    story(&app).await;
    outage(&mut journal).await;
    let (counts, _) = run(&app, &journal).await;
    assert_eq!((counts.rebuilt, counts.recent > 10), (0, true), "the stream may still tell of it: {counts:?}");
    settle(&app);
    let dry = Asked { is_dry_run: true, ..Asked::default() };
    let before = journal.db.dump().await;
    let (planned, _) = run_in(&app, &journal, dry, 7).await;
    assert_eq!(journal.db.dump().await, before, "a dry run writes nothing");
    let (counts, found) = run_in(&app, &journal, Asked::default(), 7).await;
    assert_eq!((counts.rebuilt, counts.gaps, counts.recent), (planned.rebuilt, planned.gaps, 0));
    assert!(counts.rebuilt > 20 && found.is_empty(), "{counts:?} {found:?}");
    let (demo, other) = (journal.entries(SPACE).await, journal.entries(OTHER).await);
    assert_eq!(counts.rebuilt + counts.gaps, (demo.len() + other.len()) as u64);
    assert!(demo.iter().chain(&other).all(Entry::is_rebuilt));
    let removed = ("identifier.removed".to_owned(), true);
    assert!(kinds(&demo, &identifier("email:planted-b@x")).contains(&removed));
    let count = |kind: &EventKind| demo.iter().filter(|entry| entry.id().kind == *kind).count();
    assert_eq!(count(&EventKind::JobCompleted), 2);
    assert_eq!(
        (count(&EventKind::JobPaused), count(&EventKind::JobCancelled), count(&EventKind::ProfileDeleted)),
        (1, 1, 1)
    );
    let (again, _) = run(&app, &journal).await;
    assert_eq!((again.rebuilt, again.gaps), (0, 0));
}

#[tokio::test]
async fn identifiers_that_were_deleted_and_came_back_meanwhile_are_told() {
    let app = TestApp::start().await;
    let mut journal = TestJournal::start(&app).await;
    let (back, gone, new) = (identifier("email:back@x"), identifier("email:gone@x"), identifier("email:new@x"));
    app.profile(&["user_id:u", "email:back@x", "email:gone@x"]).await;
    journal.follow().await;
    app.clock.advance(1_000);
    for id in ["email:back@x", "email:gone@x"] {
        assert_eq!(app.delete("u", id).await.status, 200);
    }
    app.clock.advance(1_000);
    app.try_load(&later(&["user_id:u", "email:back@x"])).await.unwrap();
    app.profile(&["user_id:v", "email:new@x"]).await;
    outage(&mut journal).await;
    settle(&app);
    let (counts, _) = run(&app, &journal).await;
    let entries = journal.entries(SPACE).await;
    let captured = |kind: &str| (format!("identifier.{kind}"), false);
    let rebuilt = |kind: &str| (format!("identifier.{kind}"), true);
    assert_eq!(kinds(&entries, &back), [captured("created"), rebuilt("removed"), rebuilt("created")]);
    assert_eq!(kinds(&entries, &gone), [captured("created"), rebuilt("removed")]);
    assert_eq!(kinds(&entries, &new), [rebuilt("created")]);
    assert_eq!(counts.gaps, 0);
    // What happens afterwards is captured as ever.
    assert_eq!(app.delete("u", "email:back@x").await.status, 200);
    journal.follow().await;
    assert_eq!(kinds(&journal.entries(SPACE).await, &back).last(), Some(&captured("removed")));
}

/// An item of a version that counts, whose generations were not all told.
#[tokio::test]
async fn generations_of_which_nothing_is_known_are_gaps() {
    let app = TestApp::start().await;
    let journal = TestJournal::start(&app).await;
    let space: SpaceId = SPACE.parse().unwrap();
    app.profile(&["user_id:u", "email:e@x"]).await;
    let noun = identifier("email:e@x");
    let pk = format!("I#{space}#{}", noun.to_string().strip_prefix("I#").unwrap());
    let text = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
    let number = |number: u64| aws_sdk_dynamodb::types::AttributeValue::N(number.to_string());
    let update = app.db.client.update_item().table_name(app.db.table()).key("pk", text(&pk)).key("sk", text("-"));
    let update = update.update_expression("SET generation = :g").expression_attribute_values(":g", number(5));
    update.send().await.unwrap();
    settle(&app);
    let (counts, _) = run(&app, &journal).await;
    let entries = journal.entries(SPACE).await;
    let of: BTreeMap<u64, String> = entries
        .iter()
        .filter(|entry| entry.id().noun == noun)
        .map(|entry| (entry.id().ordinal.number(), entry.id().kind.to_string()))
        .collect();
    let gap = |ordinal| (ordinal, "journal.gap".to_owned());
    assert_eq!(of, [gap(1), gap(2), gap(3), gap(4), (5, "identifier.created".to_owned())].into());
    assert_eq!((counts.gaps, run(&app, &journal).await.0.gaps), (4, 0));
}

/// Sets the generation of an identifier of the demo space.
async fn set_generation(app: &TestApp, noun: &Noun, generation: Option<u64>) {
    let text = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
    let pk = format!("I#{SPACE}#{}", noun.to_string().strip_prefix("I#").unwrap());
    let update = app.db.client.update_item().table_name(app.db.table()).key("pk", text(&pk)).key("sk", text("-"));
    let update = match generation {
        None => update.update_expression("REMOVE generation"),
        Some(number) => update
            .update_expression("SET generation = :g")
            .expression_attribute_values(":g", aws_sdk_dynamodb::types::AttributeValue::N(number.to_string())),
    };
    update.send().await.unwrap();
}

/// One run tells a thousand gaps of an identifier, and the next one the others.
#[tokio::test]
async fn many_gaps_are_told_in_several_runs() {
    let app = TestApp::start().await;
    let journal = TestJournal::start(&app).await;
    app.profile(&["user_id:u", "email:e@x"]).await;
    set_generation(&app, &identifier("email:e@x"), Some(1_003)).await;
    settle(&app);
    let gaps = [run(&app, &journal).await.0.gaps, run(&app, &journal).await.0.gaps, run(&app, &journal).await.0.gaps];
    assert_eq!(gaps, [1_000, 2, 0]);
    let entries = journal.entries(SPACE).await;
    assert_eq!(entries.iter().filter(|entry| entry.id().kind == EventKind::JournalGap).count(), 1_002);
}

/// An item of a version that did not count, from before the journal: it has no gaps, and goes on to be counted.
#[tokio::test]
async fn an_item_from_before_generations_is_told_once_and_counted_from_then_on() {
    let app = TestApp::start().await;
    let mut journal = TestJournal::start(&app).await;
    let noun = identifier("email:e@x");
    app.profile(&["user_id:u", "email:e@x"]).await;
    set_generation(&app, &noun, None).await;
    outage(&mut journal).await;
    settle(&app);
    for rebuilt in [true, false] {
        let (counts, _) = run(&app, &journal).await;
        assert_eq!((counts.rebuilt > 0, counts.gaps), (rebuilt, 0));
    }
    assert_eq!(app.delete("u", "email:e@x").await.status, 200);
    journal.follow().await;
    settle(&app);
    let (counts, _) = run(&app, &journal).await;
    assert_eq!((counts.rebuilt, counts.gaps), (0, 0), "{counts:?}");
    let entries = journal.entries(SPACE).await;
    let of = entries.iter().filter(|entry| entry.id().noun == noun);
    let told: Vec<(u64, String)> = of.map(|entry| (entry.id().ordinal.number(), entry.id().kind.to_string())).collect();
    assert_eq!(told, [(0, "identifier.created".to_owned()), (1, "identifier.removed".to_owned())]);
}

#[tokio::test]
async fn entries_without_an_item_and_items_that_make_no_sense_are_reported() {
    let app = TestApp::start().await;
    let mut journal = TestJournal::start(&app).await;
    app.profile(&["user_id:u", "email:e@x", "email:bad@x"]).await;
    journal.follow().await;
    let (lost, bad) = (identifier("email:e@x"), identifier("email:bad@x"));
    let key = |noun: &Noun| format!("I#spa_demo#{}", noun.to_string().strip_prefix("I#").unwrap());
    let text = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
    let (client, table) = (&app.db.client, app.db.table());
    client.delete_item().table_name(table).key("pk", text(&key(&lost))).key("sk", text("-")).send().await.unwrap();
    let update = client.update_item().table_name(table).key("pk", text(&key(&bad))).key("sk", text("-"));
    let update = update.update_expression("SET created_at = :x").expression_attribute_values(":x", text("then"));
    update.send().await.unwrap();
    settle(&app);
    let (counts, mut found) = run(&app, &journal).await;
    found.sort_by_key(|one| matches!(one, Found::WithoutItem(..)));
    let unreadable = Found::Unreadable(format!("spa_demo {bad}"));
    assert_eq!(found, [unreadable, Found::WithoutItem(SPACE.parse().unwrap(), lost)]);
    assert_eq!((counts.unreadable, counts.without_item), (1, 1));
    assert!(counts.rebuilt > 0, "what can be read is told");
}

#[tokio::test]
async fn one_space_can_be_reconciled_alone() {
    let app = TestApp::start().await;
    let mut journal = TestJournal::start(&app).await;
    story(&app).await;
    outage(&mut journal).await;
    settle(&app);
    let asked = Asked { space: Some(OTHER.parse().unwrap()), ..Asked::default() };
    let (counts, _) = run_in(&app, &journal, asked, 50).await;
    let other = journal.entries(OTHER).await;
    assert_eq!((counts.rebuilt, journal.entries(SPACE).await.len()), (other.len() as u64, 0));
    assert!(other.len() >= 4, "{counts:?}");
}

/// A run that dies after each of its requests goes on with the next one, and tells everything once.
#[tokio::test]
async fn a_run_may_die_anywhere_and_goes_on() {
    let app = TestApp::start().await;
    let mut journal = TestJournal::start(&app).await;
    story(&app).await;
    outage(&mut journal).await;
    settle(&app);
    let whole = journal.anew().await;
    let (counts, _) = run(&app, &whole).await;
    let expected = (told(&whole.entries(SPACE).await), told(&whole.entries(OTHER).await));
    let (mut deaths, mut passes) = (0, 1);
    loop {
        let work = run_in(&app, &journal, Asked::default(), 5);
        if !Box::pin(journal.proxy.dies_after(passes, passes % 2 == 0, work)).await {
            break;
        }
        (deaths, passes) = (deaths + 1, passes + size(7, 1));
    }
    assert!(deaths > 5, "{deaths}");
    assert_eq!((told(&journal.entries(SPACE).await), told(&journal.entries(OTHER).await)), expected);
    let finished = run(&app, &journal).await.0;
    assert_eq!((finished.rebuilt, counts.rebuilt > 20), (0, true));
}

#[tokio::test]
async fn a_run_that_was_not_finished_goes_on_unless_it_is_to_begin_anew() {
    let app = TestApp::start().await;
    let journal = TestJournal::start(&app).await;
    app.profile(&["user_id:u", "email:e@x"]).await;
    app.try_load(&json!({ "space_id": SPACE, "external_ids": [{ "type": "email", "id": "f@x" }] })).await.unwrap();
    settle(&app);
    let open = |unfinished, process: &str| {
        let (store, clock, writer) = (app.db.store.clone(), app.clock.clock(), journal.writer());
        let asked = Asked { unfinished, process: process.to_owned(), ..Asked::default() };
        async move { Reconcile::open(store, writer, asked, clock).await.map(|run| run.in_parts_of(3)) }
    };
    let mut first = open(Unfinished::Asks, "one").await.unwrap();
    assert!(first.step(&mut |_| {}).await.unwrap());
    let mut next = open(Unfinished::Asks, "two").await.unwrap();
    assert_eq!((next.counts(), next.started_at()), (first.counts(), first.started_at()));
    assert_eq!(next.counts().scanned, 3);
    // The one that had it ends.
    assert_eq!(first.step(&mut |_| {}).await, Err(ReconcileError::TakenOver));
    assert!(next.step(&mut |_| {}).await.is_ok());
    assert_eq!(open(Unfinished::Restarts, "three").await.unwrap().counts(), Reconciled::default());
    assert_eq!(next.step(&mut |_| {}).await, Err(ReconcileError::TakenOver));
    let mut third = open(Unfinished::Asks, "four").await.unwrap();
    assert!(third.step(&mut |_| {}).await.unwrap());
    let begun = third.started_at();
    app.clock.advance(24 * 3_600_000);
    assert_eq!(open(Unfinished::Asks, "five").await.unwrap_err(), ReconcileError::Old(begun));
    assert!(third.step(&mut |_| {}).await.is_ok(), "nothing was taken over");
    let on = open(Unfinished::GoesOn, "six").await.unwrap();
    assert_eq!((on.started_at(), on.counts()), (begun, third.counts()));
}

/// The stream keeps its records for 24 hours; what was changed less than 25 hours ago is left to it.
#[tokio::test]
async fn an_item_is_looked_at_from_25_hours_on() {
    let app = TestApp::start().await;
    let mut journal = TestJournal::start(&app).await;
    settle(&app);
    run(&app, &journal).await;
    outage(&mut journal).await;
    app.clock.step(0);
    app.space("spa_new", json!({})).await;
    let made = app.db.store.space(&"spa_new".parse().unwrap()).await.unwrap().unwrap().created_at;
    let left = |hours: i64| made.plus_seconds(hours * 3_600).millis() - app.clock.peek().millis();
    app.clock.advance(left(25) - 1);
    assert_eq!(run(&app, &journal).await.0.rebuilt, 0);
    app.clock.advance(1);
    assert_eq!(run(&app, &journal).await.0.rebuilt, 1);
}
