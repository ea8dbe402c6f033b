//! The requests for a log's files and signatures, as their adapters make them: against the doubles, and, where
//! `EFFACE_TEST_AWS_ENDPOINT` names one, against an emulator of AWS that has a locked bucket `log`, a bucket `partial` and
//! an Ed25519 key `alias/test`. So the doubles answer as the emulator does.

use efface_aws::{
    log_store::{LogStore, LogStoreError, Replaced, Stored},
    signing_key::SigningKey,
};
use efface_core::{
    log::{Checkpoint, Frontier, KeyList, Tile, note::VerifierKey},
    space::SpaceId,
};
use efface_tests::{TestPublisher, publisher};

/// All requests, in a space that has no files yet.
async fn contract(files: &LogStore, key: &SigningKey, space: &SpaceId) {
    let (full, partial) = (Tile::parse("0/000").unwrap(), Tile::parse("0/000.p/7").unwrap());
    // Files are put once.
    assert_eq!(files.file(space, full).await.unwrap(), None);
    for tile in [full, partial] {
        assert_eq!(files.put_new(space, tile, b"one").await.unwrap(), Replaced::Done);
        assert_eq!(files.put_new(space, tile, b"one").await.unwrap(), Replaced::Done);
        let other = files.put_new(space, tile, b"two").await;
        assert_eq!(other, Err(LogStoreError::Inconsistent(tile.path())));
        assert_eq!(files.file(space, tile).await.unwrap().as_deref(), Some(&b"one"[..]));
    }
    // Partial ones are listed and removed; the full one then serves in their place.
    assert_eq!(files.partial_files(space).await.unwrap(), [partial]);
    assert!(files.remove_partial(space, full).await.is_err());
    files.remove_partial(space, partial).await.unwrap();
    files.remove_partial(space, partial).await.unwrap();
    assert!(files.partial_files(space).await.unwrap().is_empty());
    assert_eq!(files.file(space, partial).await.unwrap(), None);
    assert_eq!(files.file_or_full(space, partial).await.unwrap(), Some((full, b"one".to_vec())));
    // What was removed can be put again.
    assert_eq!(files.put_new(space, partial, b"one").await.unwrap(), Replaced::Done);

    // Checkpoint and keys are replaced only by who has read them.
    assert_eq!(files.checkpoint(space).await.unwrap(), None);
    assert_eq!(files.keys(space).await.unwrap(), None);
    let public_key = key.public_key().await.unwrap();
    let own = VerifierKey::new(format!("log/{space}").parse().unwrap(), &public_key).unwrap();
    let keys = KeyList::default().before_signing(None, &own).unwrap().unwrap();
    assert_eq!(files.put_keys(space, &keys, None).await.unwrap(), Replaced::Done);
    let mut tree = Frontier::new();
    let mut notes = Vec::new();
    for number in 0..3 {
        tree.push(publisher::entry(space, number, "").leaf_hash()).unwrap();
        let checkpoint = Checkpoint::of(own.name().clone().into(), &tree);
        let signature = key.sign(checkpoint.to_text().signed_bytes()).await.unwrap();
        notes.push(checkpoint.sign(&own, signature).unwrap());
    }
    let first = files.put_checkpoint(space, &notes[0], None).await.unwrap().unwrap().version;
    assert_eq!(files.put_checkpoint(space, &notes[1], None).await.unwrap(), None, "there is one");
    let read = files.checkpoint(space).await.unwrap().unwrap();
    assert_eq!((&read.note, &read.version), (&notes[0], &first));
    let second = files.put_checkpoint(space, &notes[1], Some(&first)).await.unwrap().unwrap();
    assert!(!second.was_there);
    assert_eq!(files.put_checkpoint(space, &notes[2], Some(&first)).await.unwrap(), None, "it was replaced");
    let again = files.put_checkpoint(space, &notes[1], Some(&first)).await.unwrap();
    let there = Stored { was_there: true, ..second };
    assert_eq!(again, Some(there), "this very one is there: a reply was lost");
    assert_eq!(files.checkpoint(space).await.unwrap().unwrap().note, notes[1]);
    let elsewhere: SpaceId = format!("{space}_b").parse().unwrap();
    assert_eq!(files.put_checkpoint(&elsewhere, &notes[2], Some(&first)).await.unwrap(), None, "there is none");
    let stored = files.keys(space).await.unwrap().unwrap();
    assert_eq!(stored.keys, keys);
    assert_eq!(files.put_keys(space, &keys, Some(&stored.version)).await.unwrap(), Replaced::Done);
}

/// In the locked bucket nothing is ever deleted; what was deleted in the other one is not there.
#[tokio::test]
async fn a_file_that_was_deleted_is_not_one_that_never_was() {
    let (test, space) = (TestPublisher::start().await, "spa_deleted".parse().unwrap());
    let (files, full) = (test.files(), Tile::parse("0/000").unwrap());
    assert_eq!(files.file(&space, full).await.unwrap(), None);
    assert_eq!(files.put_new(&space, full, b"one").await.unwrap(), Replaced::Done);
    for name in ["tile/0/000", "checkpoint", "keys"] {
        test.objects.delete(&format!("{}/{space}/{name}", publisher::LOCKED));
    }
    let deleted = |name: &str| LogStoreError::Deleted(format!("{space}/{name}"));
    assert_eq!(files.file(&space, full).await, Err(deleted("tile/0/000")));
    assert_eq!(files.checkpoint(&space).await, Err(deleted("checkpoint")));
    assert_eq!(files.keys(&space).await, Err(deleted("keys")));
    let partial = Tile::parse("0/000.p/7").unwrap();
    test.objects.delete(&format!("{}/{space}/tile/0/000.p/7", publisher::PARTIAL));
    assert_eq!(files.file(&space, partial).await, Ok(None));
}

#[tokio::test]
async fn a_list_of_several_pages_is_read_to_its_end() {
    let (test, space) = (TestPublisher::start().await, "spa_paged".parse().unwrap());
    let files = test.files();
    let names = ["0/000.p/1", "0/000.p/2", "0/000.p/3", "1/000.p/1", "entries/000.p/1"];
    let tiles: Vec<Tile> = names.iter().map(|name| Tile::parse(name).unwrap()).collect();
    for tile in &tiles {
        assert_eq!(files.put_new(&space, *tile, b"one").await.unwrap(), Replaced::Done);
    }
    test.objects.page(2);
    assert_eq!(files.partial_files(&space).await.unwrap(), tiles);
}

#[tokio::test]
async fn the_doubles_keep_the_contract() {
    let test = TestPublisher::start().await;
    let space = "spa_contract".parse().unwrap();
    contract(&test.files(), &publisher::signing_key(&test.kms.url), &space).await;
    contract(&test.files(), &SigningKey::in_process([3; 32]), &"spa_in_process".parse().unwrap()).await;
}

#[tokio::test]
#[ignore = "needs an emulator of AWS at EFFACE_TEST_AWS_ENDPOINT"]
async fn an_emulator_keeps_the_contract() {
    let endpoint = std::env::var("EFFACE_TEST_AWS_ENDPOINT").unwrap();
    let space = format!("spa_{:08x}", fastrand::u32(..)).parse().unwrap();
    contract(&publisher::files(&endpoint), &publisher::signing_key(&endpoint), &space).await;
}
