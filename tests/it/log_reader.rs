//! Reading logs: what is served to those who verify them, and receipts.

use efface_core::{
    log::{
        AuditError, Tile, Tiles,
        receipt::Receipt,
        verify::{Expected, verify as verify_receipt},
    },
    space::SpaceId,
};
use efface_engine::log::{LogError, LogReader};
use efface_tests::{
    TestPublisher,
    published::audit,
    publisher::{LOCKED, PARTIAL, entry},
};
use proptest::prelude::*;

use crate::publisher::space;

fn tile(name: &str) -> Tile {
    Tile::parse(name).unwrap()
}

/// A log of 600 entries that grew in steps: some partial files were removed.
async fn grown() -> TestPublisher {
    let (test, space) = (TestPublisher::start().await, space());
    for packs in [&[100][..], &[100, 100], &[100, 100, 100]] {
        test.commit(&space, packs).await;
        test.publish(&space).await.unwrap();
    }
    test
}

#[tokio::test]
async fn files_are_served_up_to_the_checkpoint() {
    let (test, space) = (grown().await, space());
    let objects = test.objects.all();
    let reader = test.reader();
    let served = async |name: &str| reader.file(&space, tile(name)).await.unwrap();
    for (bucket, name) in [
        (LOCKED, "entries/000"),
        (LOCKED, "0/001"),
        (PARTIAL, "entries/002.p/88"),
        (PARTIAL, "0/002.p/88"),
        (PARTIAL, "1/000.p/1"),
        (PARTIAL, "1/000.p/2"),
    ] {
        let stored = &objects[&format!("{bucket}/{space}/tile/{name}")];
        assert_eq!(served(name).await.as_deref(), Some(&stored[..]), "{name}");
    }
    // Removed ones are cut from the full ones, also those of sizes that were never signed.
    for (removed, full) in [("0/000.p/100", "0/000"), ("0/001.p/44", "0/001"), ("0/001.p/7", "0/001")] {
        assert!(!objects.contains_key(&format!("{PARTIAL}/{space}/tile/{removed}")), "{removed}");
        let full = &objects[&format!("{LOCKED}/{space}/tile/{full}")];
        assert_eq!(served(removed).await.as_deref(), Some(&full[..32 * tile(removed).width()]), "{removed}");
    }
    let cut = served("entries/001.p/44").await.unwrap();
    assert_eq!(efface_core::log::bundle::decode(&cut, 44).unwrap()[43], *entry(&space, 299, "").leaf_json());
    for beyond in ["entries/002", "0/002.p/89", "0/003.p/1", "1/000.p/3", "2/000.p/1", "1/000"] {
        assert_eq!(served(beyond).await, None, "{beyond}");
    }
    let other: SpaceId = "spa_other".parse().unwrap();
    assert_eq!(reader.file(&other, tile("0/000")).await.unwrap(), None);
    assert_eq!(reader.checkpoint(&other).await.unwrap(), None);
    assert!(reader.keys(&other).await.unwrap().uses().is_empty());
    // A full file is read once.
    test.objects.take();
    served("0/000").await;
    assert!(test.objects.take().is_empty());
}

/// A receipt of an entry, by all means of a verifier.
async fn receipt(reader: &LogReader, number: u64) -> Option<Receipt> {
    let space = space();
    let receipt = reader.receipt(&space, number, None).await.unwrap()?;
    let keys = reader.keys(&space).await.unwrap();
    let read: Receipt = receipt.to_string().parse().unwrap();
    let proved = verify_receipt(&read, &keys.uses()[0].key, Expected::Event("token.created"), None).unwrap();
    assert_eq!((proved.index, proved.leaf), (number, entry(&space, number, "").leaf_json()));
    Some(receipt)
}

#[tokio::test]
async fn each_entry_that_is_published_has_a_receipt() {
    let (test, space) = (grown().await, space());
    let reader = test.reader();
    for number in [0, 1, 99, 255, 256, 299, 300, 511, 512, 599] {
        assert!(receipt(&reader, number).await.is_some(), "{number}");
    }
    assert_eq!(receipt(&reader, 600).await, None, "not logged yet");
    test.commit(&space, &[1]).await;
    assert_eq!(receipt(&reader, 600).await, None, "not logged yet");
    test.publish(&space).await.unwrap();
    assert!(receipt(&reader, 600).await.is_some());
    test.objects.take();
    receipt(&reader, 3).await;
    let read: Vec<String> = test.objects.take().into_iter().map(|request| request.path).collect();
    let at_least = [format!("{LOCKED}/{space}/checkpoint"), format!("{LOCKED}/{space}/keys")];
    assert!(at_least.iter().all(|path| read.contains(path)) && read.len() <= 7, "{read:?}");
}

#[tokio::test]
async fn a_receipt_of_damaged_files_is_not_handed_out() {
    let (test, space) = (grown().await, space());
    for (path, at) in [
        (format!("{LOCKED}/{space}/tile/entries/000"), 30),
        (format!("{LOCKED}/{space}/tile/0/000"), 64),
        (format!("{PARTIAL}/{space}/tile/1/000.p/2"), 40),
        (format!("{LOCKED}/{space}/checkpoint"), 20),
        (format!("{LOCKED}/{space}/keys"), 30),
    ] {
        let whole = test.objects.all();
        test.objects.change(&path, |bytes| bytes[at] ^= 1);
        let error = test.reader().receipt(&space, 0, None).await.unwrap_err();
        assert!(error.is_inconsistent(), "{path}: {error}");
        test.objects.set(&whole);
    }
    assert!(receipt(&test.reader(), 0).await.is_some());
}

/// Reads a whole log as a mirror does, and verifies it.
async fn verify_served(reader: &LogReader, size: u64) -> Result<(), Found> {
    let space = space();
    let keys = reader.keys(&space).await?;
    let note = reader.checkpoint(&space).await?.ok_or(Found::Other("no checkpoint".to_owned()))?;
    let (head, _) = keys.open(&note).map_err(LogError::from)?;
    let mut files = Tiles::new();
    for tile in Tile::added(0, size) {
        let bytes = reader.file(&space, tile).await?.ok_or(Found::Other(format!("{} is missing", tile.path())))?;
        files.insert(tile, bytes.to_vec());
    }
    audit(&head, &files).map_err(Found::Audit)
}

/// What a reader of the whole log finds wrong.
#[derive(Debug)]
enum Found {
    Read(LogError),
    Audit(AuditError),
    Other(String),
}

impl From<LogError> for Found {
    fn from(error: LogError) -> Self {
        Self::Read(error)
    }
}

#[test]
fn a_flipped_bit_anywhere_is_found_and_its_file_named() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let test = runtime.block_on(grown());
    let whole = test.objects.all();
    // Files of sizes that nobody asks for any more are left out.
    let old = ["1/000.p/1"].map(|name| format!("{PARTIAL}/spa_demo/tile/{name}"));
    let paths: Vec<&String> = whole.keys().filter(|path| !old.contains(path)).collect();
    assert_eq!(paths.len(), 9, "{paths:?}");
    runtime.block_on(verify_served(&test.reader(), 600)).unwrap();
    let config = ProptestConfig {
        cases: u32::try_from(efface_tests::size::size(120, 3_000)).unwrap(),
        ..ProptestConfig::default()
    };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let changes = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..8u8);
    runner
        .run(&changes, |(file, at, bit)| {
            let path = *file.get(&paths);
            test.objects.set(&whole);
            test.objects.change(path, |bytes| {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
            });
            let found = runtime.block_on(verify_served(&test.reader(), 600));
            let (_, name) = path.split_once("spa_demo/").unwrap();
            let message = match found {
                Ok(()) => panic!("{path} was changed, and nobody has found it"),
                Err(Found::Audit(error)) => error.to_string(),
                Err(Found::Read(error)) => error.to_string(),
                Err(Found::Other(error)) => error,
            };
            // A note that was changed can also seem to be signed by nobody.
            let named = if name == "checkpoint" { "checkpoint" } else { name };
            prop_assert!(message.contains(named), "{path}: {message}");
            Ok(())
        })
        .unwrap();
}
