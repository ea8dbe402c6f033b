//! The rights that a reconcile needs, as `docs/operations/journal.md` states them. No role of the template has them.

use std::collections::BTreeSet;

use efface_engine::journal::reconcile::{Asked, Reconcile};
use efface_tests::{
    TestApp, TestJournal, app::SPACE, fault_proxy::Passed, publisher::soon, rights::needed, stream::event,
};

use super::story::story;

/// The rights as `dynamodb:GetItem on H#*`.
pub(crate) fn rights(of: &[(&str, &str)]) -> BTreeSet<String> {
    let right = |(action, kinds): &(&str, &str)| {
        let (action, kinds) = ((*action).to_owned(), (*kinds).to_owned());
        kinds.split(' ').map(|kind| format!("dynamodb:{action} on {kind}#*")).collect::<Vec<_>>()
    };
    of.iter().flat_map(right).collect()
}

/// What requests need, scans apart, of which IAM sees no keys.
pub(crate) fn without_scans(passed: Vec<Passed>) -> (BTreeSet<String>, bool) {
    let (scans, others): (Vec<_>, Vec<_>) = passed.into_iter().partition(|one| one.operation == "Scan");
    (needed(&others), !scans.is_empty())
}

#[tokio::test]
async fn a_reconcile_needs_these_rights() {
    let app = TestApp::start().await;
    let mut journal = TestJournal::start(&app).await;
    story(&app).await;
    let records = journal.stream.take().await;
    let (half, space) = (&records[..records.len() / 2], SPACE.parse().unwrap());
    // It finds entries that are not drained.
    for passes in 1.. {
        let capture = journal.capture();
        assert!(journal.proxy.dies_after_writes(passes, true, capture.handle(event(half), soon())).await);
        if !journal.journal.head(&space).await.unwrap().undrained().is_empty() {
            break;
        }
    }
    app.clock.advance(26 * 3_600_000);
    journal.proxy.take();
    app.db.proxy.take();
    let (store, clock) = (app.db.store.clone(), app.clock.clock());
    let mut run = Reconcile::open(store, journal.writer(), Asked::default(), clock).await.unwrap();
    while run.step(&mut |_| {}).await.unwrap() {}
    let (of_journal, scans) = without_scans(journal.proxy.take());
    let expected = rights(&[
        ("GetItem", "H P A"),
        ("BatchGetItem", "N"),
        ("Query", "N P"),
        ("PutItem", "P W A"),
        ("UpdateItem", "H D"),
        ("BatchWriteItem", "N J R"),
    ]);
    assert_eq!((of_journal, scans), (expected, true));
    let (of_table, scans) = without_scans(app.db.proxy.take());
    assert_eq!((of_table, scans), (rights(&[("Query", "E"), ("BatchGetItem", "I P J G S")]), true));
}
