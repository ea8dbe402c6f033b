//! Journals that lack more entries than are held in memory at once.

use std::cell::Cell;

use efface_core::journal::Head;
use efface_engine::{
    journal::JournalWriter,
    log::rebuild::{Progress, Rebuild, Refilled, Watch},
};
use efface_tests::{TestPublisher, TestStore};

use tokio::{runtime::Handle, task::block_in_place};

use super::{asked, never, space};

/// A journal of 700 entries, all published, and the same as it was with 130.
#[tokio::test]
async fn a_large_journal_is_refilled_window_by_window() {
    let test = TestPublisher::start().await;
    let (demo, table) = (space("spa_demo"), TestStore::start().await);
    test.commit(&demo, &[100, 30]).await;
    test.publish(&demo).await.unwrap();
    let backup = test.db.items().await;
    test.commit(&demo, &[100, 100, 70, 100, 100, 100]).await;
    test.publish(&demo).await.unwrap();
    for window in [1, 100, 333, 1_000_000] {
        test.db.reset(&backup).await;
        let writer = JournalWriter::new(test.journal.clone(), None);
        let mut run = Rebuild::new(table.store.clone(), writer, test.files(), asked()).with_window(window);
        assert!(run.run(vec![demo.clone()], &never()).await.unwrap());
        let rebuilt = &run.spaces()[&demo];
        let expected = Refilled { entries: 570, without_details: 570, ..Refilled::default() };
        assert_eq!((rebuilt.refilled, rebuilt.is_whole, rebuilt.journal), (expected, true, 130), "{window}");
        let head = test.journal.head(&demo).await.unwrap();
        assert_eq!(head, Head::new(700, TestPublisher::tree(&demo, 700), 700, true).unwrap());
    }
    // The publisher finds that all is published, and goes on.
    assert_eq!(test.publish(&demo).await.unwrap().entries, 0);
    assert!(!test.journal.head(&demo).await.unwrap().is_dirty());
    test.commit(&demo, &[3]).await;
    assert_eq!(test.publish(&demo).await.unwrap().entries, 3);
    test.check_signed(&demo);
}

/// Several spaces share a scan of the table, and a window that is full does not lose those that follow.
#[tokio::test]
async fn several_journals_share_the_windows() {
    let test = TestPublisher::start().await;
    let (spaces, table) = ([0, 1, 2, 3, 4].map(|number| space(&format!("spa_{number}"))), TestStore::start().await);
    let backup = test.db.items().await;
    for space in &spaces {
        test.commit(space, &[70]).await;
        test.publish(space).await.unwrap();
    }
    for (window, scans) in [(100, 3), (1_000, 1)] {
        test.db.reset(&backup).await;
        let writer = JournalWriter::new(test.journal.clone(), None);
        let mut run = Rebuild::new(table.store.clone(), writer, test.files(), asked()).with_window(window);
        table.proxy.take();
        assert!(run.run(spaces.to_vec(), &never()).await.unwrap());
        assert_eq!(run.spaces().len(), spaces.len());
        assert!(run.spaces().values().all(|rebuilt| rebuilt.is_whole && rebuilt.refilled.entries == 70));
        assert_eq!(table.proxy.take().iter().filter(|one| one.operation == "Scan").count(), scans, "{window}");
    }
}

/// A journal that gets longer is not contended, whoever commits its entries.
#[tokio::test(flavor = "multi_thread")]
async fn others_may_refill_it_as_often_as_they_like() {
    let (test, demo, table) = (TestPublisher::start().await, space("spa_demo"), TestStore::start().await);
    test.commit(&demo, &[10]).await;
    test.publish(&demo).await.unwrap();
    let backup = test.db.items().await;
    test.commit(&demo, &[100; 12]).await;
    test.publish(&demo).await.unwrap();
    test.db.reset(&backup).await;
    let new = || {
        let writer = JournalWriter::new(test.journal.clone(), None);
        Rebuild::new(table.store.clone(), writer, test.files(), asked()).with_window(100)
    };
    let (runtime, others) = (Handle::current(), Cell::new(0));
    // Another run writes one pack, and is stopped.
    let other = async || {
        let is_stopped = Cell::new(false);
        let watch = Watch {
            is_stopped: &|| is_stopped.get(),
            progress: &|progress| is_stopped.set(matches!(progress, Progress::Written(..))),
        };
        _ = new().run(vec![demo.clone()], &watch).await.unwrap();
    };
    let write = |progress: Progress<'_>| {
        if matches!(progress, Progress::Scanned(..)) {
            others.set(others.get() + 1);
            block_in_place(|| runtime.block_on(other()));
        }
    };
    let mut run = new();
    assert!(run.run(vec![demo.clone()], &Watch { is_stopped: &|| false, progress: &write }).await.unwrap());
    let rebuilt = &run.spaces()[&demo];
    assert_eq!((&rebuilt.error, rebuilt.is_whole, rebuilt.refilled.entries), (&None, true, 0));
    assert_eq!((others.get(), test.journal.head(&demo).await.unwrap().n()), (12, 1_210));
}
