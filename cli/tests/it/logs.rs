//! `efface log verify` and `efface log key`: logs in folders, on web sites and of the API, and every change of one.

use std::{fs, path::Path};

use efface_core::log::Row;
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::json;
use signed_note::{StandardVerifier, VerifierList};
use tlog_tiles::{HashReader, TileHashReader, TileReader};

use crate::{
    efface,
    fake_api::FakeApi,
    fake_log::{FakeLog, key, key_pair},
    mirror::{files, mirror, with_log},
};

#[tokio::test]
async fn a_log_is_verified_wherever_it_is() {
    for size in [0, 1, 256, 700] {
        let api = with_log(size).await;
        mirror(&api).await.unwrap();
        let (folder, site) = (api.path("mirror"), api.site());
        for place in [&["--dir", &folder][..], &["--url", &site], &["--url", &format!("{site}/")], &[]] {
            let output = api.run(&[&["log", "verify", "--key", &key()], place].concat()).await.unwrap();
            assert_eq!((output.exit, &output.json["log"]["size"]), (0, &json!(size)), "{place:?}");
            assert!(output.text.contains("compare it with their checkpoints"), "{}", output.text);
        }
    }
}

#[tokio::test]
async fn what_is_not_signed_or_not_there_is_named() {
    let api = with_log(300).await;
    let other = key_pair(2).1.to_string();
    let error = api.run(&["log", "verify", "--key", &other]).await.unwrap_err();
    assert_eq!((error.exit_code(), error.code()), (1, "does_not_hold"));
    assert!(
        error.to_string().contains("checkpoint: the checkpoint is not signed by the key log.example.com"),
        "{error}"
    );
    let error = api.run(&["log", "verify", "--key", &key(), "--dir", &api.path("nowhere")]).await.unwrap_err();
    assert_eq!((error.exit_code(), error.code()), (1, "not_found"));
    api.state().log.as_mut().unwrap().files.retain(|tile, _| tile.path() != "tile/0/001.p/44");
    let error = api.run(&["log", "verify", "--key", &key(), "--url", &api.site()]).await.unwrap_err();
    assert!(error.to_string().contains("tile/0/001.p/44 is missing"), "{error}");
    let key = key();
    for bad in [
        &["--key", &key, "--url", "ftp://x"][..],
        &["--key", &key, "--dir", "a", "--url", "http://x"],
        &["--key", "no key"],
        &["--dir", "a"],
    ] {
        let run = efface(&[&["log", "verify"], bad].concat(), api.settings(), "").await;
        assert_eq!(run.status.code(), Some(2), "{bad:?}: {run:?}");
    }
}

#[tokio::test]
async fn a_log_begins_with_older_checkpoints_or_the_difference_is_named() {
    let api = with_log(300).await;
    let old = api.file("old", &api.state().log.clone().unwrap().note);
    let receipt = api.file("receipt.txt", api.state().log.clone().unwrap().receipt(7, None).to_string());
    let empty = api.file("empty", FakeLog::of_size(0).note);
    let mut log = api.state().log.clone().unwrap();
    log.append(FakeLog::numbered(300, 900));
    let new = api.file("new", &log.note);
    api.state().log = Some(log);
    let verify = async |from: &[&str]| {
        let from: Vec<&str> = from.iter().flat_map(|file| ["--from", file]).collect();
        api.run(&[&["log", "verify", "--key", &key()], &from[..]].concat()).await
    };
    let output = verify(&[&old, &receipt, &new, &empty]).await.unwrap();
    assert_eq!((output.exit, output.json["from"].as_array().unwrap().len()), (0, 4));
    assert!(
        output.text.contains("It begins with the 300 entries of ") && !output.text.contains("compare"),
        "{}",
        output.text
    );
    let other_of_same_size = api.file("other", FakeLog::of(FakeLog::numbered(1, 901)).note);
    let other_of_300 = api.file("other-300", FakeLog::of(FakeLog::numbered(1, 301)).note);
    let larger = api.file("larger", FakeLog::of_size(901).note);
    let windows = api.file("windows", fs::read_to_string(&old).unwrap().replace('\n', "\r\n"));
    let cut = api.file("cut", &fs::read_to_string(&receipt).unwrap()[..100]);
    for (files, named) in [
        (&[&*old, &other_of_same_size][..], "two signed roots of one size prove"),
        (&[&other_of_300], "it does not begin with the older checkpoint of 300 entries"),
        (&[&old, &other_of_300], "the older checkpoints are not of one log: two checkpoints of 300 entries"),
        (&[&old, &larger], "the log has 900 entries, and this checkpoint 901"),
        (&[&old, &windows], "Windows line ends"),
        (&[&old, &cut], "cut: "),
    ] {
        let error = verify(files).await.unwrap_err();
        assert_eq!((error.exit_code(), error.code()), (1, "does_not_hold"), "{error}");
        assert!(error.to_string().contains(named), "{error}");
    }
    assert_eq!(verify(&["no/such/file"]).await.unwrap_err().exit_code(), 2);
}

/// The files of a mirror: each is changed in one bit, and the change is found and its file named.
#[test]
fn a_change_of_any_byte_is_found_and_its_file_named() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let api = runtime.block_on(with_log(600));
    runtime.block_on(mirror(&api)).unwrap();
    let folder = api.path("mirror");
    let good = files(&folder);
    let names: Vec<String> = good.keys().cloned().collect();
    assert_eq!(names.len(), 8, "{names:?}");
    let key = key();
    let line = ["log", "verify", "--dir", &folder, "--key", &key];
    let check = |(file, at, bit): (prop::sample::Index, prop::sample::Index, u8)| {
        let name = file.get(&names);
        let path = Path::new(&folder).join(name);
        let mut bytes = good[name].clone();
        let place = at.index(bytes.len());
        bytes[place] ^= 1 << bit;
        fs::write(&path, bytes).unwrap();
        let result = runtime.block_on(api.run(&line));
        fs::write(&path, &good[name]).unwrap();
        let error = result.unwrap_err();
        prop_assert_eq!((error.exit_code(), error.code()), (1, "does_not_hold"));
        prop_assert!(
            error.to_string().contains(&format!("does not hold: {name}"))
                || error.to_string().contains(&format!("{name} ")),
            "{} {}",
            name,
            error
        );
        Ok(())
    };
    let changes = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..8u8);
    TestRunner::new(ProptestConfig::with_cases(400)).run(&changes, check).unwrap();
    assert_eq!(runtime.block_on(api.run(&line)).unwrap().exit, 0);
}

#[tokio::test]
async fn the_keys_are_a_file_for_other_commands() {
    let api = with_log(3).await;
    let output = api.run(&["log", "key"]).await.unwrap();
    assert_eq!(output.json, json!({"keys": [{"key": key(), "from": 1, "to": null}]}));
    assert_eq!(output.text, format!("# from 1 entries to now\n{}", key()));
    let file = api.file("log.key", output.text);
    assert_eq!(api.run(&["log", "verify", "--key", &file]).await.unwrap().exit, 0);
}

/// A folder as the crate of others reads it.
struct Folder(String);

impl TileReader for Folder {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[tlog_tiles::Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        // Its paths have the height of the tiles in them, as those of an older format.
        let path = |tile: &tlog_tiles::Tile| Path::new(&self.0).join(tile.path().replacen("tile/8/", "tile/", 1));
        Ok(tiles.iter().map(|tile| fs::read(path(tile)).unwrap()).collect())
    }

    fn save_tiles(&self, _: &[tlog_tiles::Tile], _: &[Vec<u8>]) {}
}

#[tokio::test]
async fn crates_of_others_read_a_mirror() {
    // At this size each of the two subtrees of the log is in a tile of its own. At others the crate leaves tiles unverified.
    let api: FakeApi = with_log(513).await;
    mirror(&api).await.unwrap();
    let folder = api.path("mirror");
    let note = signed_note::Note::from_bytes(&fs::read(format!("{folder}/checkpoint")).unwrap()).unwrap();
    let verifier = StandardVerifier::new(&key()).unwrap();
    assert!(note.verify(&VerifierList::new(vec![Box::new(verifier)])).is_ok());
    let checkpoint = tlog_tiles::Checkpoint::from_bytes(note.text()).unwrap();
    let log = api.state().log.clone().unwrap();
    let reader = Folder(folder.clone());
    let hashes = TileHashReader::new(checkpoint.size(), *checkpoint.hash(), &reader);
    for index in [0, 255, 256, 511, 512] {
        // It verifies the tiles by the root before it returns a hash.
        let stored = tlog_tiles::stored_hash_index(0, index);
        assert_eq!(&hashes.read_hashes(&[stored]).unwrap()[0].0, log.leaf_hash(index).as_bytes());
    }
    let bundles = log.files.keys().filter(|tile| tile.row() == Row::Entries).count();
    let copied = files(&folder).keys().filter(|name| name.starts_with("tile/entries/")).count();
    assert_eq!(copied, bundles);
    let path = format!("{folder}/tile/0/001");
    let mut bytes = fs::read(&path).unwrap();
    bytes[0] ^= 1;
    fs::write(path, bytes).unwrap();
    assert!(hashes.read_hashes(&[tlog_tiles::stored_hash_index(0, 256)]).is_err());
}
