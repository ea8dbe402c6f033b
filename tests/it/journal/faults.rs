//! Captures that die anywhere, whose replies are lost and whose requests are throttled: the journal must be that of a run
//! without faults.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use efface_engine::{
    Deadline,
    journal::reconcile::{Asked, Reconcile},
};
use efface_tests::{TestApp, TestJournal, app::SPACE, faults::Fault, log, publisher::soon, size::size, stream::event};
use serde_json::Value;

use super::{
    assert_tells,
    story::{Told, story, told},
};

/// A batch of changes of two spaces, and what they tell.
async fn batch(app: &TestApp) -> (TestJournal, Vec<Value>, BTreeMap<&'static str, Told>) {
    let mut journal = TestJournal::start(app).await;
    let expected = story(app).await;
    let records = journal.stream.take().await;
    assert!((20..=100).contains(&records.len()), "one batch: {}", records.len());
    (journal, records, expected)
}

/// A capture that dies after each of its requests, the last of which is carried out or not; then the batch is handed over
/// again. Each time it is another journal.
#[tokio::test]
async fn a_capture_may_die_after_each_request() {
    let app = TestApp::start().await;
    let (first, records, expected) = batch(&app).await;
    for last_is_done in [false, true] {
        let mut passes = 0;
        loop {
            let journal = first.anew().await;
            let capture = journal.capture();
            let died = journal.proxy.dies_after(passes, last_is_done, capture.handle(event(&records), soon())).await;
            journal.capture().handle(event(&records), soon()).await.unwrap();
            assert_tells(&journal, &expected).await;
            passes += size(3, 1);
            if !died {
                break;
            }
        }
        assert!(passes >= 18, "{passes} requests");
    }
}

/// What one leaves behind, another finds that has other changes of the same space.
#[tokio::test]
async fn another_capture_goes_on_where_one_died() {
    let app = TestApp::start().await;
    let (first, records, expected) = batch(&app).await;
    let middle = records.len() / 2;
    for last_is_done in [false, true] {
        let mut passes = 0;
        loop {
            let journal = first.anew().await;
            let capture = journal.capture();
            let died =
                journal.proxy.dies_after(passes, last_is_done, capture.handle(event(&records[..middle]), soon())).await;
            journal.capture().handle(event(&records[middle..]), soon()).await.unwrap();
            journal.entries(SPACE).await;
            journal.capture().handle(event(&records[..middle]), soon()).await.unwrap();
            assert_tells(&journal, &expected).await;
            passes += size(5, 1);
            if !died {
                break;
            }
        }
    }
}

/// Two captures die alternately, each a little later, and begin anew.
#[tokio::test]
async fn captures_that_die_all_the_time_come_to_an_end() {
    let app = TestApp::start().await;
    let (first, records, expected) = batch(&app).await;
    let journal = first.anew().await;
    let (middle, mut kills) = (records.len() / 2, 0);
    for passes in 0.. {
        let (one, other) = (journal.capture(), journal.capture());
        let both = async {
            let (one, other) = futures::join!(
                one.handle(event(&records[..middle + 5]), soon()),
                other.handle(event(&records[middle - 5..]), soon())
            );
            assert!(one.is_ok() && other.is_ok());
        };
        if !journal.proxy.dies_after(passes, passes % 2 == 0, both).await {
            break;
        }
        kills += 1;
    }
    assert!(kills > 10, "{kills}");
    assert_tells(&journal, &expected).await;
}

#[tokio::test]
async fn whatever_fails_is_done_again() {
    let app = TestApp::start().await;
    let (first, records, expected) = batch(&app).await;
    let faults = [Fault::LoseReply, Fault::Throttle, Fault::ServerError, Fault::Unprocessed, Fault::Conflict];
    for seed in 0..size(5, 50) {
        let journal = first.anew().await;
        let mut random = fastrand::Rng::with_seed(seed as u64);
        journal.proxy.plan(move |_| if random.usize(..4) == 0 { faults[random.usize(..5)] } else { Fault::None });
        let mut failures = 0;
        while journal.capture().handle(event(&records), soon()).await.is_err() {
            failures += 1;
            assert!(failures < 200, "it comes to no end");
        }
        journal.proxy.heal();
        assert_tells(&journal, &expected).await;
    }
}

/// Puts a pack of a later version at the number 0 of a space. Returns its key.
async fn stop(journal: &TestJournal, space: &str) -> std::collections::HashMap<String, AttributeValue> {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let key = [("pk".to_owned(), text(&format!("P#{space}"))), ("sk".to_owned(), text("00000000000000000000"))];
    let bytes = AttributeValue::B(vec![9, 9].into());
    journal.db.put(&[key.clone().into_iter().chain([("entries".to_owned(), bytes)]).collect()]).await;
    key.into()
}

/// A pack at the head's number that nobody can read stops its space and no other one: its records are put aside, those of
/// others and the batches after it get through, and a reconcile makes up for it.
#[tokio::test]
async fn a_pack_that_cannot_be_read_stops_its_space_alone() {
    let app = TestApp::start().await;
    let (mut journal, records, expected) = batch(&app).await;
    let key = stop(&journal, SPACE).await;
    journal.capture().handle(event(&records), soon()).await.unwrap();
    assert_eq!(told(&journal.entries("spa_other").await), expected["spa_other"]);
    let aside = journal.aside.take();
    assert!(aside.len() > 10, "{}", aside.len());
    for body in &aside {
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["reason"], "space_stopped", "{body}");
        assert!(body["pk"].as_str().is_some_and(|pk| pk.contains(SPACE) || pk.starts_with("T#")), "{body}");
    }
    let line = "pack 0 of the journal of spa_demo: a pack of version 9";
    assert!(log::all().contains("the journal of a space has stopped") && log::all().contains(line));
    // The shard goes on.
    app.space("spa_other", serde_json::json!({ "reactor_instances": ["third"] })).await;
    let before = journal.entries("spa_other").await.len();
    journal.follow().await;
    assert_eq!((journal.entries("spa_other").await.len(), journal.aside.len()), (before + 1, 0));
    // The space is mended.
    let delete = journal.db.client.delete_item().table_name(journal.db.table()).set_key(Some(key));
    delete.send().await.unwrap();
    app.clock.advance(26 * 3_600_000);
    let asked = Asked { space: Some(SPACE.parse().unwrap()), ..Asked::default() };
    let (store, clock) = (app.db.store.clone(), app.clock.clock());
    let mut run = Reconcile::open(store, journal.writer(), asked, clock).await.unwrap();
    while run.step(&mut |_| {}).await.unwrap() {}
    assert!(run.counts().rebuilt > 10 && run.counts().stopped == 0, "{:?}", run.counts());
    assert!(journal.entries(SPACE).await.len() > 10);
}

/// A head that cannot be read, and entries that are missing, stop a space, too; what passes by itself fails the batch.
#[tokio::test]
async fn what_lasts_stops_a_space_and_what_passes_fails_the_batch() {
    let app = TestApp::start().await;
    let (first, records, expected) = batch(&app).await;
    for (attribute, value) in [("n", AttributeValue::S("x".into())), ("indexed", AttributeValue::N("3".into()))] {
        let journal = first.anew().await;
        let number = |n: &str| AttributeValue::N(n.to_owned());
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let head = [("pk", text("H#spa_demo")), ("sk", text("-")), ("n", number("0")), (attribute, value)];
        let head = head.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        journal.db.put(&[head]).await;
        journal.capture().handle(event(&records), soon()).await.unwrap();
        assert_eq!(told(&journal.entries("spa_other").await), expected["spa_other"]);
        assert!(journal.aside.take().iter().all(|body| body.contains("space_stopped")));
    }
    for fault in [Fault::Throttle, Fault::ServerError] {
        let journal = first.anew().await;
        journal.proxy.plan(move |_| fault);
        assert!(journal.capture().handle(event(&records), soon()).await.is_err());
        assert!(journal.aside.is_empty());
    }
}

/// A record that is put aside together with a batch that fails is put aside once, when the batch succeeds.
#[tokio::test]
async fn nothing_is_put_aside_before_the_batch_succeeds() {
    let app = TestApp::start().await;
    let (journal, mut records, expected) = batch(&app).await;
    records.push(serde_json::json!({}));
    let mut requests = 0;
    journal.proxy.plan(move |_| {
        requests += 1;
        if requests > 4 { Fault::Throttle } else { Fault::None }
    });
    assert!(journal.capture().handle(event(&records), soon()).await.is_err());
    assert!(journal.aside.is_empty());
    journal.proxy.heal();
    journal.capture().handle(event(&records), soon()).await.unwrap();
    assert_eq!(journal.aside.len(), 1);
    assert_tells(&journal, &expected).await;
}

/// The reply to the commit that wakes the publisher is lost, and the SDK's repetition of it fails by its condition.
#[tokio::test]
async fn a_commit_whose_reply_is_lost_wakes_the_publisher() {
    let app = TestApp::start().await;
    let (first, records, expected) = batch(&app).await;
    for operation in ["TransactWriteItems", "UpdateItem"] {
        let (journal, mut is_lost) = (first.anew().await, false);
        journal.proxy.plan(move |passed| {
            let is_it = !is_lost && passed.operation == operation;
            is_lost |= is_it;
            if is_it { Fault::LoseReply } else { Fault::None }
        });
        journal.capture().handle(event(&records), soon()).await.unwrap();
        journal.proxy.heal();
        assert!(journal.publisher.len() >= 2, "a pointer for each space: {}", journal.publisher.len());
        assert_tells(&journal, &expected).await;
    }
}

/// A capture stops where its time is up, and goes on when the batch comes again.
#[tokio::test]
async fn a_capture_ends_in_time() {
    let app = TestApp::start().await;
    let (journal, records, expected) = batch(&app).await;
    let over = Deadline::after(std::time::Duration::ZERO);
    let error = journal.capture().handle(event(&records), over).await.unwrap_err();
    assert!(error.is_passing() && error.to_string().contains("the time is up"), "{error}");
    journal.capture().handle(event(&records), soon()).await.unwrap();
    assert_tells(&journal, &expected).await;
}
