//! Publishing logs: what is written and signed, when, and that others can verify it. Crashes and races are in
//! `publisher_faults.rs`.

use std::{collections::BTreeMap, time::Duration};

use efface_core::{
    log::{Conflict, ExtensionError, NotCommitted, Wake},
    space::SpaceId,
};
use efface_engine::{
    Deadline,
    log::{LogError, Published},
};
use efface_tests::{
    TestKms, TestPublisher,
    published::PublishedLog,
    publisher::{LOCKED, PARTIAL, entry, soon},
};

pub(crate) fn space() -> SpaceId {
    "spa_demo".parse().unwrap()
}

/// Verifies the stored log of a space, which must have so many entries of the journal.
pub(crate) fn verify(test: &TestPublisher, space: &SpaceId, size: u64) {
    let leaves: Vec<_> = (0..size).map(|number| entry(space, number, "").leaf_json().clone()).collect();
    let head = PublishedLog::of(&test.objects, space).verify(&leaves);
    assert_eq!((head.size(), head.root()), (size, TestPublisher::tree(space, size).root()));
}

#[tokio::test]
async fn a_log_grows_as_its_journal_does_and_others_can_verify_it() {
    let (test, space) = (TestPublisher::start().await, space());
    let mut size = 0;
    for packs in [&[3][..], &[1], &[100, 100, 51], &[1], &[1], &[100; 10], &[30]] {
        test.commit(&space, packs).await;
        let added: usize = packs.iter().sum();
        let published = test.publish(&space).await.unwrap();
        let entries = added as u64;
        assert_eq!(published, Published { entries, checkpoints: 1, behind: 0, again: None });
        size += entries;
        verify(&test, &space, size);
    }
    test.check_signed(&space);
    assert_eq!(test.kms.signed().len(), 7, "one signature for each publication");
    assert_eq!(test.objects.versions(&format!("{LOCKED}/{space}/checkpoint")).len(), 7);
    assert_eq!(test.objects.versions(&format!("{LOCKED}/{space}/keys")).len(), 1);
    // 1,287 entries have 5 full bundles. Partial files are removed where the full one is there.
    let names: Vec<String> =
        PublishedLog::of(&test.objects, &space).files.into_keys().map(|tile| tile.path()).collect();
    let full: Vec<&String> = names.iter().filter(|name| !name.contains(".p/")).collect();
    assert_eq!(full.len(), 10, "{full:?}");
    let mut partial: Vec<&String> = names.iter().filter(|name| name.contains(".p/")).collect();
    partial.sort_unstable();
    let left = ["tile/0/005.p/7", "tile/1/000.p/1", "tile/1/000.p/4", "tile/1/000.p/5", "tile/entries/005.p/7"];
    assert_eq!(partial, left);
    assert!(!test.journal.head(&space).await.unwrap().is_dirty(), "the space rests");
    assert_eq!(test.queue.len(), 0);
}

#[tokio::test]
async fn spaces_have_logs_and_names_of_their_own() {
    let (test, a) = (TestPublisher::start().await, space());
    let b: SpaceId = "spa_other".parse().unwrap();
    for space in [&a, &b] {
        test.commit(space, &[5]).await;
        test.publish(space).await.unwrap();
        verify(&test, space, 5);
    }
    let [a, b] = [&a, &b].map(|space| PublishedLog::of(&test.objects, space));
    assert_ne!(a.keys.uses()[0].key.id(), b.keys.uses()[0].key.id());
    assert!(a.keys.open(&b.note).is_err(), "a signature for one log is none for another");
}

/// Requests of S3, KMS and signatures of one publication. `docs/adr/0016-publisher.md` and `docs/operations/costs.md` have
/// these numbers.
#[tokio::test]
async fn a_publication_costs_these_requests() {
    let (test, space) = (TestPublisher::start().await, space());
    let count = || {
        let mut counts = BTreeMap::<String, i32>::new();
        for request in test.objects.take() {
            *counts.entry(request.method).or_insert(0) += 1;
        }
        counts
    };
    let expect = |pairs: &[(&str, i32)]| -> BTreeMap<String, i32> {
        pairs.iter().map(|(name, number)| ((*name).to_owned(), *number)).collect()
    };
    let publisher = test.publisher();
    for (packs, expected, what) in [
        (
            3,
            expect(&[("GET", 3), ("PUT", 4)]),
            "the first: no checkpoint, no keys, no full bundle; bundle, tile, keys and checkpoint",
        ),
        (1, expect(&[("GET", 4), ("PUT", 3)]), "checkpoint, keys and edge; bundle, tile and checkpoint"),
        (100, expect(&[("GET", 4), ("PUT", 3)]), "the same for 100 entries"),
    ] {
        test.commit(&space, &[packs]).await;
        test.clock.advance(60_000);
        test.db.proxy.take();
        publisher.publish(&space, Wake::Pointer, soon()).await.unwrap();
        assert_eq!(count(), expected, "{what}");
        let operations: Vec<String> = test.db.proxy.take().into_iter().map(|passed| passed.operation).collect();
        assert_eq!(operations, ["GetItem", "Query", "TransactWriteItems"], "head, packs, and to rest");
    }
    // A tile that is completed costs, once in 256 entries, two files more, a list, and the removal of each partial file.
    test.commit(&space, &[100, 56]).await;
    test.clock.advance(60_000);
    publisher.publish(&space, Wake::Pointer, soon()).await.unwrap();
    assert_eq!(count(), expect(&[("DELETE", 6), ("GET", 4), ("LIST", 1), ("PUT", 6)]));
    assert_eq!(test.kms.signed().len(), 4);
    // A pointer without anything to publish, and one that comes too early.
    test.clock.advance(60_000);
    publisher.publish(&space, Wake::Pointer, soon()).await.unwrap();
    assert_eq!(count(), expect(&[("GET", 2)]));
    assert_eq!(test.kms.signed().len(), 4);
}

#[tokio::test]
async fn a_log_is_signed_once_a_minute_unless_a_receipt_waits() {
    let (test, space) = (TestPublisher::start().await, space());
    let publisher = test.publisher();
    let publish = |wake| publisher.publish(&space, wake, soon());
    let sent = || test.queue.take();
    test.commit(&space, &[1]).await;
    assert_eq!(publish(Wake::Pointer).await.unwrap().checkpoints, 1, "the first one at once");
    test.commit(&space, &[1]).await;
    test.clock.advance(20_000);
    let early = publish(Wake::Pointer).await.unwrap();
    assert_eq!(early, Published { behind: 1, again: Some(Duration::from_secs(40)), ..Published::default() });
    assert_eq!(sent(), [r#"{"v":1,"space":"spa_demo"}"#]);
    let urgent = publish(Wake::Urgent).await.unwrap();
    assert_eq!((urgent.checkpoints, urgent.again), (1, None));
    // The pointer that was sent again has nothing to do, and ends.
    test.clock.advance(40_000);
    assert_eq!(publish(Wake::Pointer).await.unwrap(), Published::default());
    // Urgent ones wait for a second at least.
    test.commit(&space, &[1]).await;
    assert_eq!(publish(Wake::Urgent).await.unwrap().checkpoints, 1);
    test.commit(&space, &[1]).await;
    let early = publish(Wake::Urgent).await.unwrap();
    assert_eq!((early.checkpoints, early.again), (0, Some(Duration::from_secs(1))));
    assert_eq!(sent(), [r#"{"v":1,"space":"spa_demo","urgent":true}"#]);
    // One that waits for what is published has nothing to do; one that waits for more says so again.
    let up_to = |size| publisher.publish_up_to(&space, Wake::Urgent, Some(size), soon());
    assert_eq!((up_to(3).await.unwrap(), sent().len()), (Published::default(), 0));
    assert_eq!(up_to(4).await.unwrap().again, Some(Duration::from_secs(1)));
    assert_eq!(sent(), [r#"{"v":1,"space":"spa_demo","urgent":true,"size":4}"#]);
    // Also with an interval of a second.
    let each_second = test.publisher_each(Duration::from_secs(1));
    assert_eq!(each_second.publish(&space, Wake::Urgent, soon()).await.unwrap().again, Some(Duration::from_secs(1)));
    assert_eq!(sent(), [r#"{"v":1,"space":"spa_demo","urgent":true}"#]);
    // A quiet space costs no signature, however often it is looked at.
    test.clock.advance(60_000);
    publish(Wake::Pointer).await.unwrap();
    let signed = test.kms.signed().len();
    for wake in [Wake::Pointer, Wake::Urgent, Wake::Schedule] {
        test.clock.advance(3_600_000);
        assert_eq!(publish(wake).await.unwrap(), Published::default());
    }
    assert_eq!((test.kms.signed().len(), sent()), (signed, Vec::new()));
    test.check_signed(&space);
}

#[tokio::test]
async fn a_space_that_was_written_to_meanwhile_gets_another_pointer() {
    for wake in [Wake::Pointer, Wake::Schedule] {
        let (test, space) = (TestPublisher::start().await, space());
        test.commit(&space, &[3]).await;
        let held = test.objects.hold(|request| request.path.ends_with("/checkpoint") && request.method == "PUT");
        let publisher = test.publisher();
        let write = async {
            held.arrived().await;
            test.commit(&space, &[4]).await;
            held.release();
        };
        let (run, ()) = tokio::join!(publisher.publish(&space, wake, soon()), write);
        let again = Some(Duration::from_mins(1));
        assert_eq!(run.unwrap(), Published { entries: 3, checkpoints: 1, behind: 0, again }, "{wake:?}");
        assert_eq!(test.queue.take(), [r#"{"v":1,"space":"spa_demo"}"#], "{wake:?}");
        assert!(test.journal.head(&space).await.unwrap().is_dirty());
        assert_eq!(test.publish(&space).await.unwrap().entries, 4);
        verify(&test, &space, 7);
    }
}

#[tokio::test]
async fn a_backlog_is_published_in_steps() {
    let (test, space) = (TestPublisher::start().await, space());
    test.commit(&space, &[100, 70, 100, 100, 100, 100, 100, 100, 30]).await;
    let publisher = test.publisher().with_step(250);
    let run = publisher.publish(&space, Wake::Pointer, soon()).await.unwrap();
    assert_eq!(run, Published { entries: 800, checkpoints: 4, behind: 0, again: None });
    verify(&test, &space, 800);
    test.check_signed(&space);
    let sizes: Vec<String> = test.kms.signed().iter().map(|text| text.lines().nth(1).unwrap().to_owned()).collect();
    assert_eq!(
        sizes,
        ["100", "370", "670", "800"],
        "a step ends with a pack, the first one of all with the first pack"
    );
    // So many entries do not wait for the minute.
    test.commit(&space, &[100, 100, 49]).await;
    assert_eq!(publisher.publish(&space, Wake::Pointer, soon()).await.unwrap().checkpoints, 0);
    test.commit(&space, &[1]).await;
    assert_eq!(publisher.publish(&space, Wake::Pointer, soon()).await.unwrap().checkpoints, 1);
    verify(&test, &space, 1_050);
    // Without time nothing is begun.
    test.clock.advance(60_000);
    test.commit(&space, &[1]).await;
    let late = publisher.publish(&space, Wake::Pointer, Deadline::after(Duration::ZERO)).await;
    assert_eq!(late, Err(LogError::TooFarBehind));
}

#[tokio::test]
async fn a_key_is_replaced_and_each_key_says_what_it_signed() {
    let (test, space) = (TestPublisher::start().await, space());
    test.commit(&space, &[5]).await;
    test.publish(&space).await.unwrap();
    let new = TestKms::start(8).await;
    let publish = async |kms: &TestKms| {
        test.clock.advance(60_000);
        test.publisher_with(kms).publish(&space, Wake::Pointer, soon()).await.unwrap()
    };
    assert_eq!(publish(&new).await.checkpoints, 0, "without entries the new key signs nothing");
    test.commit(&space, &[3]).await;
    assert_eq!(publish(&new).await.checkpoints, 1);
    test.commit(&space, &[2]).await;
    assert_eq!(publish(&new).await.checkpoints, 1);
    verify(&test, &space, 10);
    // The deployment is taken back.
    test.commit(&space, &[1]).await;
    assert_eq!(publish(&test.kms).await.checkpoints, 1);
    verify(&test, &space, 11);
    let uses = || -> Vec<_> {
        let keys = PublishedLog::of(&test.objects, &space).keys;
        keys.uses().iter().map(|used| (used.from, used.to)).collect()
    };
    assert_eq!(uses(), [(1, Some(5)), (6, None), (11, None)], "nobody has seen yet that the key signed");
    // Whoever finds nothing to publish corrects the list. From then on the key that was replaced opens nothing larger.
    assert_eq!(publish(&test.kms).await, Published::default());
    assert_eq!(uses(), [(1, Some(5)), (6, Some(10)), (11, None)]);
    let sizes = |kms: &TestKms| -> Vec<String> {
        kms.signed().iter().map(|text| text.lines().nth(1).unwrap().to_owned()).collect()
    };
    assert_eq!((sizes(&test.kms), sizes(&new)), (vec!["5".into(), "11".into()], vec!["8".into(), "10".into()]));
    // A key that was never listed signs nothing that is taken over.
    let stranger = TestKms::start(9).await;
    let other = TestPublisher::start().await;
    other.commit(&space, &[12]).await;
    other.publisher_with(&stranger).publish(&space, Wake::Pointer, soon()).await.unwrap();
    let path = format!("{LOCKED}/{space}/checkpoint");
    test.objects.change(&path, |bytes| *bytes = other.objects.all()[&path].clone());
    let refused = test.publish(&space).await.unwrap_err();
    assert!(matches!(refused, LogError::Checkpoint(_)) && refused.is_inconsistent(), "{refused}");
}

#[tokio::test]
async fn a_log_whose_checkpoint_is_gone_signs_nothing() {
    let (test, space) = (TestPublisher::start().await, space());
    test.commit(&space, &[100, 100, 100]).await;
    test.publish(&space).await.unwrap();
    test.commit(&space, &[1]).await;
    let (whole, signed) = (test.objects.all(), test.kms.signed());
    let path = |name: &str| format!("{LOCKED}/{space}/{name}");
    let refuse = async |expected: &str| {
        let refused = test.publish(&space).await.unwrap_err();
        assert!(refused.is_inconsistent(), "{refused:?}");
        assert!(refused.to_string().contains(expected), "{refused}");
        assert_eq!(test.kms.signed(), signed, "nothing is signed");
    };
    for name in ["checkpoint", "keys"] {
        test.objects.set(&whole);
        test.objects.delete(&path(name));
        refuse(&format!("{space}/{name} was deleted")).await;
    }
    // Without a trace, as in a bucket that was made anew of a copy.
    let without = |names: &[&str]| {
        let mut objects = whole.clone();
        for name in names {
            assert!(objects.remove(&path(name)).is_some());
        }
        test.objects.set(&objects);
    };
    without(&["keys"]);
    refuse("no list of keys").await;
    assert!(test.reader().checkpoint(&space).await.unwrap_err().is_inconsistent());
    without(&["checkpoint"]);
    refuse("entries and no checkpoint").await;
    // A key was listed later than for the first size.
    let new = TestKms::start(8).await;
    test.objects.set(&whole);
    test.clock.advance(60_000);
    test.publisher_with(&new).publish(&space, Wake::Pointer, soon()).await.unwrap();
    test.commit(&space, &[1]).await;
    let mut objects = test.objects.all();
    objects.retain(|path, _| path.ends_with("/keys"));
    test.objects.set(&objects);
    refuse("of a later checkpoint than that of 0 entries").await;
}

/// Prints how many entries a second are read and hashed of a backlog, against the database of the tests.
#[tokio::test]
#[ignore = "measures"]
#[expect(clippy::print_stdout, reason = "what it measures")]
async fn how_fast_a_backlog_is_read() {
    let (test, space) = (TestPublisher::start().await, space());
    test.commit(&space, &[100; 300]).await;
    let from = std::time::Instant::now();
    let publisher = test.publisher().with_step(100_000);
    let run = publisher.publish(&space, Wake::Pointer, soon()).await.unwrap();
    let (entries, seconds) = (run.entries, from.elapsed().as_secs_f64());
    println!("{entries} entries read, and published in {} steps, in {seconds:.1} s", run.checkpoints);
}

#[tokio::test]
async fn another_journal_than_the_signed_one_stops_the_log() {
    let (test, space) = (TestPublisher::start().await, space());
    test.commit(&space, &[100, 100, 100]).await;
    test.publish(&space).await.unwrap();
    let before = (test.objects.all(), test.kms.signed());
    // The journal of a backup, and what it becomes when others write to it: it is shorter, as long, and longer.
    let restored =
        TestPublisher { objects: test.objects.clone(), kms: test.kms.clone(), ..TestPublisher::start().await };
    restored.commit(&space, &[100, 100]).await;
    test.clock.advance(60_000);
    let refused = |refused: Result<Published, LogError>| {
        let refused = refused.unwrap_err();
        assert!(refused.is_inconsistent() && !refused.is_passing(), "{refused}");
        assert_eq!((test.objects.all(), test.kms.signed()), before, "nothing is written or signed");
        refused
    };
    let shorter = LogError::Conflict(Conflict::Smaller { last: 300, next: 200 });
    assert_eq!(refused(restored.publish(&space).await), shorter);
    restored.commit_others(&space, 100, "x").await;
    assert!(matches!(
        refused(restored.publish(&space).await),
        LogError::Conflict(Conflict::OtherRoot { size: 300, .. })
    ));
    restored.commit(&space, &[100, 100, 100, 100]).await;
    let other = |refused: LogError| {
        matches!(refused, LogError::Extension(ExtensionError::NotCommitted(NotCommitted::Other { .. })))
    };
    assert!(other(refused(restored.publish(&space).await)));
    let in_steps = restored.publisher().with_step(100);
    assert!(other(refused(in_steps.publish(&space, Wake::Pointer, soon()).await)), "also not the first step");
}

#[tokio::test]
async fn a_file_that_was_changed_stops_the_log_and_is_named() {
    let (test, space) = (TestPublisher::start().await, space());
    test.commit(&space, &[100, 100, 100]).await;
    test.publish(&space).await.unwrap();
    let whole = test.objects.all();
    test.commit(&space, &[100, 100, 100]).await;
    let signed = test.kms.signed();
    let refuse = async |path: String, change: fn(&mut Vec<u8>), expected: &str| {
        test.objects.set(&whole);
        if !whole.contains_key(&path) {
            test.objects
                .set(&whole.iter().map(|(a, b)| (a.clone(), b.clone())).chain([(path.clone(), vec![0])]).collect());
        }
        test.objects.change(&path, change);
        let refused = test.publish(&space).await.unwrap_err();
        assert!(refused.is_inconsistent(), "{path}: {refused:?}");
        assert!(refused.to_string().contains(expected), "{path}: {refused}");
        assert_eq!(test.kms.signed(), signed, "nothing is signed: {path}");
    };
    let flip: fn(&mut Vec<u8>) = |bytes| bytes[40] ^= 1;
    // What is there with other bytes is not replaced, and what the log is continued from must be what was signed.
    refuse(format!("{LOCKED}/{space}/tile/entries/001"), flip_first, "tile/entries/001 is there with other bytes")
        .await;
    refuse(format!("{LOCKED}/{space}/tile/0/001"), flip_first, "tile/0/001 is there with other bytes").await;
    refuse(format!("{PARTIAL}/{space}/tile/0/002.p/88"), flip_first, "tile/0/002.p/88 is there with other bytes").await;
    refuse(format!("{PARTIAL}/{space}/tile/0/001.p/44"), flip, "the tiles have the root").await;
    refuse(format!("{PARTIAL}/{space}/tile/entries/001.p/44"), flip, "is not the one whose hash the log has").await;
    refuse(format!("{PARTIAL}/{space}/tile/1/000.p/1"), |bytes| bytes[3] ^= 4, "the tiles have the root").await;
    refuse(format!("{PARTIAL}/{space}/tile/1/000.p/1"), cut_off, "has a wrong length").await;
    refuse(
        format!("{PARTIAL}/{space}/tile/1/000.p/1"),
        |bytes| bytes.resize(9_000, 0),
        "tile/1/000.p/1 cannot be read",
    )
    .await;
    refuse(format!("{LOCKED}/{space}/checkpoint"), |bytes| bytes[0] ^= 1, "the checkpoint does not hold").await;
    refuse(format!("{LOCKED}/{space}/checkpoint"), cut_off, "checkpoint cannot be read").await;
    refuse(format!("{LOCKED}/{space}/keys"), |bytes| bytes[40] ^= 1, "keys cannot be read").await;
    test.objects.set(&whole);
    test.publish(&space).await.unwrap();
    verify(&test, &space, 600);
}

#[tokio::test]
async fn partial_files_that_are_missing_are_made_anew() {
    let (test, space) = (TestPublisher::start().await, space());
    test.commit(&space, &[100, 100, 100]).await;
    test.publish(&space).await.unwrap();
    let partial = ["tile/entries/001.p/44", "tile/0/001.p/44", "tile/1/000.p/1"];
    for name in partial {
        test.objects.delete(&format!("{PARTIAL}/{space}/{name}"));
    }
    test.commit(&space, &[20]).await;
    assert_eq!(test.publish(&space).await.unwrap().entries, 20);
    verify(&test, &space, 320);
    // What is made of another journal has not the root that was signed.
    let other = TestPublisher { objects: test.objects.clone(), kms: test.kms.clone(), ..TestPublisher::start().await };
    other.commit(&space, &[100, 100, 100]).await;
    other.commit_others(&space, 50, "x").await;
    test.objects.delete(&format!("{PARTIAL}/{space}/tile/0/001.p/64"));
    test.clock.advance(60_000);
    other.clock.advance(120_000);
    let signed = test.kms.signed().len();
    assert!(other.publish(&space).await.unwrap_err().is_inconsistent());
    assert_eq!(test.kms.signed().len(), signed);
}

fn cut_off(bytes: &mut Vec<u8>) {
    bytes.pop();
}

#[expect(clippy::ptr_arg, reason = "one of the changes, of which others make it shorter")]
fn flip_first(bytes: &mut Vec<u8>) {
    bytes[0] ^= 1;
}
