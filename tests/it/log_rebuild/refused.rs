//! Journals and logs that contradict each other: nothing is written.

use efface_engine::log::{
    LogError,
    rebuild::{Asked, RebuildError},
};
use efface_tests::{app::SPACE, publisher::soon, stream::event};

use super::{OTHER, Restored, asked, error, never, space, spaces};

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
