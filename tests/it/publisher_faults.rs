//! The publisher, when it dies between any two side effects, when two run at the same time, when one is slow, and when
//! requests fail. What was signed is checked in each test: it cannot be taken back.

use std::time::Duration;

use efface_aws::{StoreError, log_store::LogStoreError, signing_key::SigningKeyError};
use efface_core::{log::Wake, space::SpaceId};
use efface_engine::log::{LogError, Published};
use efface_tests::{
    TestKms, TestPublisher,
    faults::Fault,
    published::PublishedLog,
    publisher::{LOCKED, PARTIAL, soon},
    size::size,
};

use crate::publisher::{space, verify};

/// The files without the checkpoint: signatures of one key are the same, so that whole states can be compared.
async fn published(test: &TestPublisher, space: &SpaceId) -> Published {
    test.publish(space).await.unwrap()
}

/// A log with 250 entries, and a journal with 30 more: publishing them completes a tile.
async fn begun() -> TestPublisher {
    let (test, space) = (TestPublisher::start().await, space());
    test.commit(&space, &[100, 100]).await;
    published(&test, &space).await;
    test.commit(&space, &[50]).await;
    published(&test, &space).await;
    test.commit(&space, &[30]).await;
    test
}

#[tokio::test]
async fn a_crash_between_any_two_side_effects_is_repaired_by_the_next_run() {
    let space = space();
    let whole = begun().await;
    published(&whole, &space).await;
    let expected = whole.objects.all();
    let mut effects = 0;
    loop {
        let test = begun().await;
        test.clock.advance(60_000);
        let signed = test.kms.signed().len();
        let cut = test.cut_after(effects);
        let publisher = test.publisher();
        let survived = tokio::select! {
            run = publisher.publish(&space, Wake::Pointer, soon()) => { run.unwrap(); true }
            () = cut.notified() => false,
        };
        test.heal();
        test.check_signed(&space);
        published(&test, &space).await;
        verify(&test, &space, 280);
        test.check_signed(&space);
        assert!(test.kms.signed().len() - signed <= 2, "at worst the same was signed twice");
        assert!(!test.journal.head(&space).await.unwrap().is_dirty());
        let mut found = test.objects.all();
        // Partial files that a crash has left go with the next tile that is completed.
        found.retain(|path, _| expected.contains_key(path) || !path.starts_with(PARTIAL));
        assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "after {effects} effects");
        assert!(found == expected, "after {effects} effects");
        if survived {
            break;
        }
        effects += 1;
    }
    // 5 files, signature, checkpoint, 6 removals, and to rest.
    assert_eq!(effects, 14);
}

#[tokio::test]
async fn what_a_crash_has_left_goes_with_the_next_tile() {
    let (test, space) = (begun().await, space());
    test.clock.advance(60_000);
    // All files, the signature and the checkpoint.
    let cut = test.cut_after(7);
    let publisher = test.publisher();
    tokio::select! {
        _ = publisher.publish(&space, Wake::Pointer, soon()) => panic!("it was cut"),
        () = cut.notified() => {}
    }
    test.heal();
    let left = |name: &str| test.objects.all().contains_key(&format!("{PARTIAL}/{space}/{name}"));
    published(&test, &space).await;
    assert!(left("tile/0/000.p/200") && left("tile/entries/000.p/250"));
    test.commit(&space, &[100, 100, 100]).await;
    published(&test, &space).await;
    assert!(!left("tile/0/000.p/200") && !left("tile/entries/000.p/250") && !left("tile/0/001.p/24"));
    verify(&test, &space, 580);
}

#[tokio::test]
async fn two_runs_at_once_sign_one_history() {
    let space = space();
    for _ in 0..size(12, 150) {
        let test = TestPublisher::start().await;
        let mut total = 0;
        for _ in 0..3 {
            let packs: Vec<usize> = (0..fastrand::usize(1..4)).map(|_| fastrand::usize(1..=100)).collect();
            test.commit(&space, &packs).await;
            total += packs.iter().sum::<usize>() as u64;
            test.clock.advance(60_000);
            test.objects.slow(Duration::from_millis(6));
            let (a, b) = (test.publisher(), test.publisher().with_step(90));
            let write = async {
                let more = fastrand::usize(1..=60);
                tokio::time::sleep(Duration::from_millis(fastrand::u64(0..20))).await;
                test.commit(&space, &[more]).await;
                more as u64
            };
            let (a, b, more) =
                tokio::join!(a.publish(&space, Wake::Urgent, soon()), b.publish(&space, Wake::Pointer, soon()), write);
            total += more;
            for run in [a, b] {
                assert!(run.is_ok(), "{run:?}");
            }
            test.objects.slow(Duration::ZERO);
        }
        published(&test, &space).await;
        verify(&test, &space, total);
        test.check_signed(&space);
        // The sizes of the checkpoints, as they were stored one after the other.
        let versions = test.objects.versions(&format!("{LOCKED}/{space}/checkpoint"));
        let sizes: Vec<u64> = versions
            .iter()
            .map(|version| str::from_utf8(version.as_ref().unwrap()).unwrap().lines().nth(1).unwrap().parse().unwrap())
            .collect();
        assert!(sizes.is_sorted_by(|a, b| a < b), "{sizes:?}");
    }
}

/// Runs one publisher until it is held back at a request, lets another one publish more, and lets the first one go on.
async fn slow(method: &'static str, name: &'static str) -> (TestPublisher, Result<Published, LogError>) {
    let (test, space) = (begun().await, space());
    test.clock.advance(60_000);
    let held = test.objects.hold(move |request| request.method == method && request.path.ends_with(name));
    let publisher = test.publisher();
    let others = async {
        held.arrived().await;
        test.commit(&space, &[100, 100, 100]).await;
        published(&test, &space).await;
        verify(&test, &space, 580);
        held.release();
    };
    let (run, ()) = tokio::join!(publisher.publish(&space, Wake::Pointer, soon()), others);
    verify(&test, &space, 580);
    test.check_signed(&space);
    (test, run)
}

#[tokio::test]
async fn a_slow_run_changes_nothing_that_was_published_meanwhile() {
    for (method, name, expected) in [
        ("GET", "/checkpoint", (0, 0)),
        // It knows the old checkpoint and the new head: it makes the same note as the other run, which has counted it.
        ("GET", "/keys", (0, 0)),
        ("GET", "/tile/0/000.p/250", (0, 0)),
        ("PUT", "/tile/0/000", (0, 0)),
        ("PUT", "/tile/entries/001.p/24", (0, 0)),
        ("PUT", "/checkpoint", (0, 0)),
    ] {
        let (test, run) = slow(method, name).await;
        let run = run.unwrap();
        assert_eq!(((run.checkpoints, test.queue.len()), run.behind), (expected, 0), "{method} {name}");
        let versions = test.objects.versions(&format!("{LOCKED}/spa_demo/checkpoint"));
        assert_eq!(versions.len(), 4, "{method} {name}");
    }
}

#[tokio::test]
async fn a_slow_run_with_the_old_key_changes_nothing() {
    let (test, space) = (begun().await, space());
    test.clock.advance(60_000);
    let held = test.objects.hold(|request| request.method == "PUT" && request.path.ends_with("/checkpoint"));
    let (old, new) = (test.publisher(), TestKms::start(8).await);
    let others = async {
        held.arrived().await;
        test.commit(&space, &[10]).await;
        test.publisher_with(&new).publish(&space, Wake::Urgent, soon()).await.unwrap();
        held.release();
    };
    let (run, ()) = tokio::join!(old.publish(&space, Wake::Urgent, soon()), others);
    assert_eq!(run.unwrap().checkpoints, 0);
    verify(&test, &space, 290);
    test.check_signed(&space);
    // And the other way round: the new key is listed, and the old one signs once more.
    test.commit(&space, &[10]).await;
    test.clock.advance(60_000);
    let newer = TestKms::start(9).await;
    let held = test.objects.hold(|request| request.method == "PUT" && request.path.ends_with("/checkpoint"));
    let newest = test.publisher_with(&newer);
    let others = async {
        held.arrived().await;
        test.publisher_with(&new).publish(&space, Wake::Urgent, soon()).await.unwrap();
        test.commit(&space, &[1]).await;
        held.release();
    };
    let (run, ()) = tokio::join!(newest.publish(&space, Wake::Urgent, soon()), others);
    assert_eq!(run.unwrap().checkpoints, 0, "it waits for a second, as the other has just signed");
    test.clock.advance(60_000);
    newest.publish(&space, Wake::Pointer, soon()).await.unwrap();
    verify(&test, &space, 301);
    let keys = test.reader().keys(&space).await.unwrap();
    let uses: Vec<_> = keys.uses().iter().map(|used| (used.from, used.to)).collect();
    assert_eq!(uses, [(1, Some(250)), (251, None), (301, None)]);
}

#[tokio::test]
async fn a_lost_reply_is_not_a_lost_race() {
    for name in ["/checkpoint", "/tile/0/000", "/tile/entries/001.p/24", "/tile/0/000.p/200"] {
        let (test, space) = (begun().await, space());
        let mut lost = false;
        test.objects.plan(move |request| {
            let is_first = request.is_write() && request.path.ends_with(name) && !lost;
            lost |= is_first;
            if is_first { Fault::LoseReply } else { Fault::None }
        });
        test.objects.take();
        let signed = test.kms.signed().len();
        let run = published(&test, &space).await;
        // Of a checkpoint that is there already nobody knows who has put it: it is not counted.
        assert_eq!((run.checkpoints, run.again), (u64::from(name != "/checkpoint"), None), "{name}");
        assert_eq!(test.kms.signed().len(), signed + 1, "{name}");
        let requests = test.objects.take();
        let writes = requests.iter().filter(|request| request.is_write() && request.path.ends_with(name));
        assert_eq!(writes.count(), 2, "the request was repeated: {name}");
        verify(&test, &space, 280);
    }
}

#[tokio::test]
async fn failures_are_told_apart() {
    let (test, space) = (begun().await, space());
    let unavailable = |detail: &str| LogError::Files(LogStoreError::Unavailable(detail.to_owned()));
    for (fault, expected) in [
        (Fault::Throttle, unavailable("SlowDown")),
        (Fault::ServerError, unavailable("InternalError")),
        (Fault::Refuse, LogError::Files(LogStoreError::Internal("AccessDenied".to_owned()))),
    ] {
        test.objects.plan(move |request| if request.is_write() { fault } else { Fault::None });
        let error = test.publish(&space).await.unwrap_err();
        assert_eq!((error.is_passing(), error.is_inconsistent()), (fault != Fault::Refuse, false));
        assert_eq!(error, expected);
    }
    // Another run writes the same: each time, so that it is left to a pointer.
    test.objects.plan(|request| if request.is_write() { Fault::Conflict } else { Fault::None });
    let contended = test.publish(&space).await.unwrap();
    assert_eq!(contended, Published { again: Some(Duration::from_secs(2)), ..Published::default() });
    assert_eq!(test.queue.take(), [r#"{"v":1,"space":"spa_demo"}"#]);
    test.heal();
    for (fault, expected) in [
        (Fault::Throttle, LogError::Key(SigningKeyError::Unavailable("ThrottlingException".to_owned()))),
        (Fault::Refuse, LogError::Key(SigningKeyError::Internal("AccessDeniedException".to_owned()))),
    ] {
        test.kms.plan(move |_| fault);
        assert_eq!(test.publish(&space).await, Err(expected));
    }
    test.heal();
    test.db.proxy.plan(|_| Fault::Refuse);
    let refused = LogError::Journal(StoreError::Internal("ValidationException".to_owned()));
    assert_eq!(test.publish(&space).await, Err(refused));
    test.heal();
    published(&test, &space).await;
    verify(&test, &space, 280);
}

#[tokio::test]
async fn a_signature_that_does_not_verify_is_not_published() {
    let (test, space) = (begun().await, space());
    let before = PublishedLog::of(&test.objects, &space).note;
    test.kms.forge();
    let refused = test.publish(&space).await.unwrap_err();
    assert_eq!(refused, LogError::Key(SigningKeyError::OtherKey));
    assert_eq!(PublishedLog::of(&test.objects, &space).note, before);
}

/// An alias that leads to another key by now: the public key is read again.
#[tokio::test]
async fn a_public_key_that_is_out_of_date_is_read_again() {
    let (test, space) = (begun().await, space());
    let publisher = test.publisher();
    test.clock.advance(60_000);
    publisher.verifier_key(&space).await.unwrap();
    test.kms.replace(8);
    let publish = || publisher.publish(&space, Wake::Pointer, soon());
    assert_eq!(publish().await, Err(LogError::Key(SigningKeyError::OtherKey)));
    assert_eq!(publish().await.unwrap().checkpoints, 1);
    verify(&test, &space, 280);
}

/// The old function has read what was before the new key was listed, and signs once more; then the new one signs. In both
/// orders of their writes, also of the first publication, the key that signed is listed.
#[tokio::test]
async fn an_old_and_a_new_function_at_the_same_time_leave_no_key_out() {
    let space = space();
    for is_first in [true, false] {
        for (method, name) in [("PUT", "/keys"), ("PUT", "/checkpoint"), ("GET", "/keys")] {
            let test = TestPublisher::start().await;
            test.commit(&space, &[100]).await;
            if !is_first {
                published(&test, &space).await;
                test.commit(&space, &[10]).await;
                test.clock.advance(60_000);
            }
            let kms = TestKms::start(8).await;
            let (old, new) = (test.publisher(), test.publisher_with(&kms));
            let held = test.objects.hold(move |request| request.method == method && request.path.ends_with(name));
            let others = async {
                held.arrived().await;
                old.publish(&space, Wake::Urgent, soon()).await.unwrap();
                test.commit(&space, &[5]).await;
                held.release();
            };
            let (run, ()) = tokio::join!(new.publish(&space, Wake::Urgent, soon()), others);
            run.unwrap();
            for publisher in [&new, &old, &new] {
                test.clock.advance(60_000);
                test.commit(&space, &[1]).await;
                publisher.publish(&space, Wake::Pointer, soon()).await.unwrap();
                verify(&test, &space, test.journal.head(&space).await.unwrap().n());
            }
            test.check_signed(&space);
            test.check_signed_by(&kms, &space);
        }
    }
}

/// The same as with one key, over the first publication, and where another key is to sign: whatever a run has left, the
/// functions with either key go on.
#[tokio::test]
async fn a_crash_at_the_first_publication_or_at_a_rotation_is_repaired() {
    let space = space();
    for is_first in [true, false] {
        let mut effects = 0;
        loop {
            let test = TestPublisher::start().await;
            test.commit(&space, &[100]).await;
            if !is_first {
                published(&test, &space).await;
            }
            test.commit(&space, &[100, 100]).await;
            test.clock.advance(60_000);
            let kms = TestKms::start(8).await;
            let cut = test.cut_after_with(&kms, effects);
            let publisher = test.publisher_with(&kms);
            let survived = tokio::select! {
                run = publisher.publish(&space, Wake::Pointer, soon()) => { run.unwrap(); true }
                () = cut.notified() => false,
            };
            test.heal();
            kms.heal();
            // The old function, and then the new one.
            for publisher in [test.publisher(), test.publisher_with(&kms)] {
                test.clock.advance(60_000);
                publisher.publish(&space, Wake::Pointer, soon()).await.unwrap();
                verify(&test, &space, test.journal.head(&space).await.unwrap().n());
                test.commit(&space, &[1]).await;
            }
            test.check_signed(&space);
            test.check_signed_by(&kms, &space);
            if survived {
                break;
            }
            effects += 1;
        }
        assert!(effects >= 8, "{effects}");
    }
}
