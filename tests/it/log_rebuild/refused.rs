//! Journals and logs that contradict each other: nothing is written.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use efface_core::log::Wake;
use efface_engine::{
    journal::JournalWriter,
    log::{
        LogError,
        rebuild::{Asked, Rebuild, RebuildError},
    },
};
use efface_tests::{TestPublisher, TestStore, app::SPACE, kms::TestKms, publisher::soon, store::TABLE, stream::event};

use super::{OTHER, Restored, SIGNER, asked, error, identifier, never, public_key, space, spaces};

/// Asserts that a run leaves the demo space out and writes nothing to it, dry or not. Returns why.
async fn refused(restored: &Restored) -> String {
    let dump = || async {
        let mut dump = restored.test.journal.db.dump().await;
        dump.retain(|(pk, _), _| pk.split('#').nth(1) == Some(SPACE));
        dump
    };
    let before = dump().await;
    let mut why = Vec::new();
    for is_dry_run in [true, false] {
        let mut run = restored.rebuild(Asked { is_dry_run, ..asked() });
        assert!(run.run(spaces(), &never()).await.unwrap());
        why.push(error(&run, SPACE).to_string());
        assert!(run.spaces()[&space(OTHER)].error.is_none(), "the other space goes on");
        assert!(!run.spaces()[&space(SPACE)].is_whole);
        assert_eq!(dump().await, before);
    }
    assert_eq!(why[0], why[1]);
    why.remove(0)
}

/// After the restore, so many entries more are captured.
async fn written_to(restored: &mut Restored, profiles: usize) {
    for number in 0..profiles {
        restored.test.app.profile(&[&format!("user_id:other-{number}")]).await;
    }
    restored.test.follow().await;
}

#[tokio::test]
async fn a_journal_with_other_entries_is_refused_however_long_it_is() {
    for profiles in [1, 6] {
        let mut restored = Restored::small().await;
        written_to(&mut restored, profiles).await;
        let journal = restored.test.journal.entries(SPACE).await.len();
        assert_eq!(journal > restored.whole[SPACE].len(), profiles == 6);
        assert_eq!(refused(&restored).await, RebuildError::OtherEntries.to_string());
    }
    // As many entries as the log has, and others.
    let mut restored = Restored::small().await;
    restored.test.app.profile(&["user_id:other", "email:other@x"]).await;
    written_to(&mut restored, 1).await;
    assert_eq!(restored.test.journal.entries(SPACE).await.len(), restored.whole[SPACE].len());
    assert_eq!(refused(&restored).await, RebuildError::OtherEntries.to_string());
}

#[tokio::test]
async fn a_pack_that_is_not_committed_must_have_the_entries_of_the_log() {
    let mut restored = Restored::small().await;
    restored.test.app.profile(&["user_id:other"]).await;
    let records = restored.test.journal.stream.take().await;
    let capture = restored.test.journal.capture();
    let journal = &restored.test.journal;
    assert!(journal.proxy.dies_after_writes(1, false, capture.handle(event(&records), soon())).await);
    assert!(journal.journal.pack(&space(SPACE), 3).await.unwrap().is_some(), "its pack was left");
    assert_eq!(refused(&restored).await, RebuildError::OtherPack(3).to_string());
}

#[tokio::test]
async fn a_file_that_was_changed_is_refused() {
    let restored = Restored::small().await;
    let objects = restored.test.objects.all();
    let size = restored.whole[SPACE].len();
    let bundle = format!("partial/{SPACE}/tile/entries/000.p/{size}");
    let checkpoint = format!("log/{SPACE}/checkpoint");
    let flip = |path: &str, from: &str, to: &str| {
        let (from, to) = (from.as_bytes().to_vec(), to.as_bytes().to_vec());
        restored.test.objects.change(path, |bytes| {
            let at = bytes.windows(from.len()).rposition(|found| found == from).unwrap();
            bytes[at..at + from.len()].copy_from_slice(&to);
        });
    };
    flip(&bundle, r#""event""#, r#""Event""#);
    assert_eq!(refused(&restored).await, RebuildError::OtherBundles.to_string());
    restored.test.objects.set(&objects);
    restored.test.objects.change(&bundle, |bytes| bytes.truncate(bytes.len() - 1));
    assert!(refused(&restored).await.starts_with("the log's files: tile/entries/000.p/"), "cut off");
    restored.test.objects.set(&objects);
    restored.test.objects.delete(&bundle);
    assert!(refused(&restored).await.ends_with("is missing"));
    restored.test.objects.set(&objects);
    flip(&checkpoint, &format!("\n{size}\n"), &format!("\n{}\n", size - 1));
    assert!(refused(&restored).await.starts_with("the checkpoint does not hold"));
    restored.test.objects.set(&objects);
    restored.test.objects.delete(&format!("log/{SPACE}/keys"));
    assert!(refused(&restored).await.contains("was deleted"));
    restored.test.objects.set(&objects);
    restored.run().await;
    restored.assert_whole().await;
}

#[tokio::test]
async fn a_log_of_another_name_is_refused() {
    let restored = Restored::small().await;
    let mut run = restored.rebuild(Asked { origin: "logs.example.com/other".to_owned(), ..asked() });
    assert!(run.run(spaces(), &never()).await.unwrap());
    assert!(error(&run, SPACE).to_string().contains("a checkpoint of logs.example.com/other/spa_demo cannot follow"));
    let mut run = restored.rebuild(Asked { origin: "a b".to_owned(), ..asked() });
    let refused = run.run(spaces(), &never()).await.unwrap_err();
    assert!(matches!(refused, RebuildError::Log(LogError::Origin(_))), "{refused:?}");
    assert_eq!(restored.test.journal.db.items().await.len(), restored.backup.len());
}

/// Whoever can write to the bucket puts another log there, with a list of keys that has his own.
#[tokio::test]
async fn a_log_that_somebody_else_has_signed_is_refused() {
    let (test, table) = (TestPublisher::start().await, TestStore::start().await);
    let demo = space(SPACE);
    test.commit(&demo, &[10]).await;
    test.publish(&demo).await.unwrap();
    let backup = test.db.items().await;
    test.objects.set(&BTreeMap::new());
    test.commit_others(&demo, 10, "invented").await;
    let other = TestKms::start(9).await;
    test.clock.advance(60_000);
    test.publisher_with(&other).publish(&demo, Wake::Pointer, soon()).await.unwrap();
    test.db.reset(&backup).await;
    let (own, others) = (public_key(SIGNER), public_key(9));
    for (signers, is_dry_run, is_taken) in [
        (Some(vec![own]), false, false),
        (Some(vec![own]), true, false),
        (Some(Vec::new()), false, false),
        (None, false, false),
        (None, true, true),
        (Some(vec![own, others]), false, true),
    ] {
        let writer = JournalWriter::new(test.journal.clone(), None);
        let what = format!("{signers:?} {is_dry_run}");
        let asked = Asked { signers, is_dry_run, ..asked() };
        let mut run = Rebuild::new(table.store.clone(), writer, test.files(), asked);
        assert!(run.run(vec![demo.clone()], &never()).await.unwrap());
        let rebuilt = &run.spaces()[&demo];
        if is_taken {
            assert_eq!((&rebuilt.error, rebuilt.lacking()), (&None, 10), "{what}");
            assert_eq!(rebuilt.signer.as_ref().unwrap().public_key(), &others);
        } else {
            assert!(
                matches!(&rebuilt.error, Some(RebuildError::OtherSigner(key)) if *key.public_key() == others),
                "{what}"
            );
        }
        let entries = test.journal.head(&demo).await.unwrap().n();
        assert_eq!(entries, if is_taken && !is_dry_run { 20 } else { 10 }, "{what}");
    }
}

/// One key signs for all spaces, under other names; and a journal that lacks nothing must have the right signer, too.
#[tokio::test]
async fn every_log_must_be_signed_by_a_key_that_was_given() {
    let restored = Restored::small().await;
    let run = restored.run().await;
    assert!(run.values().all(|rebuilt| rebuilt.signer.as_ref().unwrap().public_key() == &public_key(SIGNER)));
    let mut run = restored.rebuild(Asked { signers: Some(vec![public_key(9)]), ..asked() });
    assert!(run.run(spaces(), &never()).await.unwrap());
    for id in [SPACE, OTHER] {
        let why = error(&run, id).to_string();
        assert!(
            why.starts_with(&format!("the log's last checkpoint is signed by logs.example.com/0f1e2d3c/{id}+")),
            "{why}"
        );
    }
}

/// A later version may have written the item, and it may tell private parts.
#[tokio::test]
async fn nothing_is_written_where_items_of_the_table_cannot_be_read() {
    let restored = Restored::small().await;
    let id = identifier("user_id:u").to_string();
    let pk = AttributeValue::S(format!("I#{SPACE}#{}", id.strip_prefix("I#").unwrap()));
    let update = restored.test.app.db.client.update_item().table_name(TABLE);
    let update = update.key("pk", pk).key("sk", AttributeValue::S("-".to_owned())).update_expression("SET #s = :s");
    let update = update.expression_attribute_names("#s", "state");
    update.expression_attribute_values(":s", AttributeValue::S("later".to_owned())).send().await.unwrap();
    let mut run = restored.rebuild(asked());
    assert!(run.run(spaces(), &never()).await.unwrap());
    assert_eq!(run.looked_at().1, 1);
    for id in [SPACE, OTHER] {
        assert_eq!(*error(&run, id), RebuildError::Unreadable(1));
    }
    assert_eq!(restored.test.journal.db.items().await.len(), restored.backup.len());
    let found = restored.run_with(Asked { allow_unreadable: true, ..asked() }).await;
    assert!(found[&space(SPACE)].is_whole && found[&space(SPACE)].refilled.without_noun > 0);
    restored.assert_whole().await;
}
