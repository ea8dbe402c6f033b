//! The rights that a rebuild needs, as `docs/operations/journal.md` states them. No role of the template has them.

use std::collections::BTreeSet;

use efface_tests::app::{SPACE, log_key};

use super::{Restored, asked, never, space, spaces};
use crate::journal::operator_rights::{rights, without_scans};

#[tokio::test]
async fn a_rebuild_needs_these_rights() {
    let mut restored = Restored::start().await;
    for proxy in [&restored.test.journal.proxy, &restored.test.app.db.proxy] {
        proxy.take();
    }
    restored.test.objects.take();
    let store = restored.test.app.db.store.clone();
    store.list_spaces(None, 100).await.unwrap();
    _ = store.verify_log_key(&log_key()).await;
    let mut run = restored.rebuild(asked());
    assert!(run.run(spaces(), &never()).await.unwrap());
    // A journal that is longer than its log is read.
    restored.test.app.profile(&["user_id:new"]).await;
    let records = restored.test.journal.stream.take().await;
    let of_rebuild = restored.test.journal.proxy.take();
    restored.test.journal.hand_over(&records).await;
    restored.test.journal.proxy.take();
    let of_app = restored.test.app.db.proxy.take();
    let mut run = restored.rebuild(asked());
    assert!(run.run(vec![space(SPACE)], &never()).await.unwrap());
    let passed = [of_rebuild, restored.test.journal.proxy.take()].concat();
    let (of_journal, scans) = without_scans(passed);
    let expected = rights(&[
        ("GetItem", "H P"),
        ("BatchGetItem", "N"),
        ("Query", "P"),
        ("PutItem", "P W"),
        ("UpdateItem", "H D"),
        ("BatchWriteItem", "N J R"),
    ]);
    assert_eq!((of_journal, scans), (expected, false));
    // The app itself was used in between: what it needs to load a profile is not of the rebuild.
    let of_rebuild =
        of_app.into_iter().filter(|one| ["Scan", "Query", "BatchGetItem", "GetItem"].contains(&one.operation.as_str()));
    let (of_table, scans) = without_scans(of_rebuild.collect());
    assert!(
        scans && rights(&[("Query", "E Z"), ("BatchGetItem", "S"), ("GetItem", "C")]).is_subset(&of_table),
        "{of_table:?}"
    );
    let methods: BTreeSet<String> = restored.test.objects.take().into_iter().map(|request| request.method).collect();
    assert_eq!(methods, ["GET".to_owned()].into());
}

/// The events of a job are read only where an entry is missing that is about the job.
#[tokio::test]
async fn of_other_jobs_no_events_are_read() {
    let mut restored = Restored::start().await;
    let queries = async |restored: &Restored| {
        restored.test.app.db.proxy.take();
        restored.run().await;
        let passed = restored.test.app.db.proxy.take();
        passed.iter().filter(|one| one.operation == "Query").count()
    };
    assert!(queries(&restored).await > 0);
    // Now the journal lacks only what is about a profile.
    let backup = restored.test.journal.db.items().await;
    restored.test.app.profile(&["user_id:late"]).await;
    restored.test.log().await;
    restored.test.journal.db.reset(&backup).await;
    assert_eq!(queries(&restored).await, 0);
}
