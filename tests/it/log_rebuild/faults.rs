//! Runs that die, run twice, or are stopped.

use std::cell::Cell;

use efface_engine::log::rebuild::{Progress, RebuildError, Watch};
use efface_tests::{app::SPACE, faults::Fault, size::size};
use tokio::{runtime::Handle, task::block_in_place};

use super::{Restored, asked, never, space, spaces};

/// A run that dies after each of its requests to the journal is run again.
#[tokio::test]
async fn a_run_may_die_anywhere_and_be_run_again() {
    let restored = Restored::small().await;
    let journal = &restored.test.journal;
    let (mut deaths, mut passes) = (0, 0);
    loop {
        journal.db.reset(&restored.backup).await;
        let mut run = restored.rebuild(asked());
        let watch = never();
        let has_died = Box::pin(journal.proxy.dies_after(passes, passes % 2 == 0, run.run(spaces(), &watch))).await;
        restored.run().await;
        restored.assert_whole().await;
        if !has_died {
            break;
        }
        (deaths, passes) = (deaths + 1, passes + size(2, 1));
    }
    assert!(deaths > 5, "{deaths}");
}

#[tokio::test]
async fn two_runs_at_once_are_harmless() {
    let restored = Restored::small().await;
    let (mut first, mut second) = (restored.rebuild(asked()), restored.rebuild(asked()));
    let watch = never();
    let (one, two) = futures::join!(first.run(spaces(), &watch), second.run(spaces(), &watch));
    assert!(one.unwrap() && two.unwrap());
    restored.assert_whole().await;
    let runs = [first, second];
    assert!(runs.iter().all(|run| run.spaces().values().all(|rebuilt| rebuilt.is_whole && rebuilt.error.is_none())));
}

/// Somebody captures other entries between the look at the space and the first pack: the run stops at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_is_written_to_meanwhile_is_refused() {
    let mut restored = Restored::small().await;
    restored.test.app.profile(&["user_id:other"]).await;
    let records = restored.test.journal.stream.take().await;
    let (journal, runtime, is_first) = (&restored.test.journal, Handle::current(), Cell::new(true));
    let mut run = restored.rebuild(asked());
    let write = |progress: Progress<'_>| {
        if matches!(progress, Progress::Scanned(..)) && is_first.take() {
            block_in_place(|| runtime.block_on(journal.hand_over(&records)));
        }
    };
    let watch = Watch { is_stopped: &|| false, progress: &write };
    assert!(run.run(vec![space(SPACE)], &watch).await.unwrap());
    let rebuilt = &run.spaces()[&space(SPACE)];
    assert_eq!((&rebuilt.error, rebuilt.refilled.entries), (&Some(RebuildError::OtherEntries), 0));
    assert_eq!(journal.entries(SPACE).await.len(), 3 + 2);
}

#[tokio::test]
async fn a_run_that_is_stopped_goes_on_with_the_next_one() {
    let restored = Restored::small().await;
    let stops: [fn(&Progress<'_>) -> bool; 2] =
        [|progress| matches!(progress, Progress::Verified(..)), |progress| matches!(progress, Progress::Written(..))];
    for stops in stops {
        let is_stopped = Cell::new(false);
        let watch = Watch {
            is_stopped: &|| is_stopped.get(),
            progress: &|progress| is_stopped.set(is_stopped.get() || stops(&progress)),
        };
        let mut run = restored.rebuild(asked());
        assert!(!run.run(spaces(), &watch).await.unwrap());
    }
    restored.run().await;
    restored.assert_whole().await;
}

/// What passes by itself ends the run, and is not noted as a fault of the space.
#[tokio::test]
async fn a_bucket_that_is_unavailable_ends_the_run() {
    let restored = Restored::small().await;
    restored
        .test
        .objects
        .plan(|request| if request.path.contains("entries") { Fault::ServerError } else { Fault::None });
    let mut run = restored.rebuild(asked());
    let error = run.run(spaces(), &never()).await.unwrap_err();
    assert!(error.is_passing(), "{error}");
    restored.test.objects.heal();
    restored.test.objects.plan(|_| Fault::Refuse);
    let error = restored.rebuild(asked()).run(spaces(), &never()).await.unwrap_err();
    assert!(!error.is_passing(), "{error}");
    assert_eq!(restored.test.journal.db.items().await.len(), restored.backup.len());
}
