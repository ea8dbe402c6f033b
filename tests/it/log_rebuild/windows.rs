//! Journals that lack more entries than are held in memory at once.

use efface_core::journal::Head;
use efface_engine::{
    journal::JournalWriter,
    log::rebuild::{Rebuild, Refilled},
};
use efface_tests::{TestPublisher, TestStore};

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
