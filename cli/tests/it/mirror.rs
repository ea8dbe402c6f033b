//! `efface log mirror`: copies that grow, and logs that are refused.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use efface_cli::{CliError, Interrupts, Output};
use efface_core::log::Tile;
use serde_json::json;
use tokio::sync::watch;

use crate::{
    fake_api::{FakeApi, Fault},
    fake_log::{FakeLog, key},
};

/// A fake whose log has so many entries.
pub(crate) async fn with_log(size: u64) -> FakeApi {
    let api = FakeApi::start().await;
    api.state().log = Some(FakeLog::of_size(size));
    api
}

pub(crate) async fn mirror(api: &FakeApi) -> Result<Output, CliError> {
    api.run(&["log", "mirror", &api.path("mirror"), "--key", &key()]).await
}

/// All files below a folder, by their paths in it.
pub(crate) fn files(folder: &str) -> BTreeMap<String, Vec<u8>> {
    fn walk(root: &Path, folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for file in fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()) {
            if file.is_dir() {
                walk(root, &file, found);
            } else {
                let name = file.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                found.insert(name, fs::read(file).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(Path::new(folder), Path::new(folder), &mut found);
    found
}

/// The files of a log of so many entries: those that a mirror has.
fn expected(log: &FakeLog, size: u64) -> BTreeMap<String, Vec<u8>> {
    let tiles = Tile::added(0, size).map(|tile| (tile.path(), log.files[&tile].clone()));
    tiles.chain([("checkpoint".to_owned(), log.note.clone().into_bytes())]).collect()
}

/// How often each full tile and bundle was asked for.
fn fetched(api: &FakeApi) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in api.lines() {
        if let Some(path) = line.strip_prefix("GET log/tile/").filter(|path| !path.contains(".p/")) {
            *counts.entry(path.to_owned()).or_default() += 1;
        }
    }
    counts
}

#[tokio::test]
async fn a_mirror_grows_with_its_log_and_no_full_tile_is_read_twice() {
    let api = with_log(0).await;
    let folder = api.path("mirror");
    let mut size = 0;
    for next in [0, 5, 255, 256, 257, 300, 768, 1_000] {
        let mut log = api.state().log.clone().unwrap();
        log.append(FakeLog::numbered(size, next));
        api.state().log = Some(log.clone());
        let output = mirror(&api).await.unwrap();
        assert_eq!((&output.json["log"]["size"], &output.json["former_size"]), (&json!(next), &json!(size)));
        // Partial tiles of the former sizes are there until the full one is.
        let found = files(&folder);
        for (name, bytes) in expected(&log, next) {
            assert_eq!(found.get(&name), Some(&bytes), "{name} of {next}");
        }
        for name in found.keys().filter(|name| name.contains(".p/")) {
            let (full, _) = name.split_once(".p/").unwrap();
            assert!(!found.contains_key(full), "{name} of {next}");
        }
        size = next;
    }
    assert!(fetched(&api).len() >= 6, "{:?}", fetched(&api));
    assert!(fetched(&api).values().all(|count| *count == 1), "{:?}", fetched(&api));
    let sent = api.lines().len();
    let output = mirror(&api).await.unwrap();
    assert_eq!((&output.json["files"], api.lines().len() - sent), (&json!(0), 1), "only the checkpoint is read");
}

#[tokio::test]
async fn a_tile_of_level_2_is_copied_too() {
    let api = with_log(65_793).await;
    let output = mirror(&api).await.unwrap();
    let log = api.state().log.clone().unwrap();
    assert_eq!(files(&api.path("mirror")), expected(&log, 65_793));
    assert_eq!(output.json["files"], files(&api.path("mirror")).len() - 1);
    assert!(fetched(&api).values().all(|count| *count == 1));
}

#[tokio::test]
async fn a_copy_that_failed_goes_on_where_it_was() {
    let api = with_log(20_000).await;
    // In the order in which they are read: some files are read at the same time, but not so many.
    for at in ["log/checkpoint", "tile/1/000.p/78", "entries/003", "tile/0/030", "entries/060", "entries/078.p"] {
        api.fail(at, Fault::Rejected);
        let (there, sent) = (there(&api), api.lines().len());
        let error = mirror(&api).await.unwrap_err();
        for line in &api.lines()[sent..] {
            let name = line.strip_prefix("GET log/").unwrap();
            assert!(name.contains(".p/") || !there.contains(name), "{name} is read again");
        }
        assert_eq!(error.exit_code(), 1, "{at}: {error}");
        assert!(!Path::new(&api.path("mirror/checkpoint")).exists(), "{at}");
    }
    mirror(&api).await.unwrap();
    let log = api.state().log.clone().unwrap();
    assert_eq!(files(&api.path("mirror")), expected(&log, 20_000));
}

/// The names of the files that a mirror has, if it is there.
fn there(api: &FakeApi) -> BTreeSet<String> {
    let folder = api.path("mirror");
    if Path::new(&folder).exists() { files(&folder).into_keys().collect() } else { BTreeSet::new() }
}

#[tokio::test]
async fn a_stopped_copy_goes_on() {
    let api = with_log(3_000).await;
    let (sender, receiver) = watch::channel(0_u8);
    let stop = async {
        while api.lines().len() < 12 {
            tokio::task::yield_now().await;
        }
        sender.send(1).unwrap();
    };
    let (folder, key) = (api.path("mirror"), key());
    let line = ["log", "mirror", &folder, "--key", &key];
    let interrupts = Interrupts::from_channel(receiver);
    let (output, ()) = tokio::join!(api.run_until(&line, &interrupts), stop);
    let output = output.unwrap();
    assert_eq!((output.exit, &output.json["interrupted"]), (130, &json!(true)), "{}", output.text);
    let copied = files(&folder).len();
    assert!(output.json["files"] == copied && (1..24).contains(&copied), "{copied}: {}", output.json);
    assert!(!Path::new(&api.path("mirror/checkpoint")).exists());
    mirror(&api).await.unwrap();
    assert_eq!(files(&api.path("mirror")), expected(&api.state().log.clone().unwrap(), 3_000));
}

#[tokio::test]
async fn a_log_that_was_rewritten_is_refused_and_the_evidence_is_kept() {
    for (rewritten, named) in [
        (FakeLog::of(FakeLog::numbered(1, 701)), "the log was rewritten: the first 600 entries have the root"),
        (FakeLog::of(FakeLog::numbered(1, 601)), "two checkpoints of 600 entries have different roots"),
        (FakeLog::of_size(599), "an old state is shown, or entries were removed"),
        (FakeLog::of_size(0), "an old state is shown, or entries were removed"),
    ] {
        let api = with_log(600).await;
        mirror(&api).await.unwrap();
        let (folder, before) = (api.path("mirror"), files(&api.path("mirror")));
        api.state().log = Some(rewritten.clone());
        let error = mirror(&api).await.unwrap_err();
        assert_eq!((error.exit_code(), error.code()), (1, "does_not_hold"));
        assert!(error.to_string().contains(named), "{error}");
        let mut after = files(&folder);
        let refused = after.remove("checkpoint.refused");
        assert_eq!(after, before, "{named}");
        let is_evidence = ["\n600\n", "\n700\n"].iter().any(|size| rewritten.note.contains(size));
        assert_eq!(refused, is_evidence.then(|| rewritten.note.into_bytes()), "{named}");
    }
}

#[tokio::test]
async fn what_is_not_of_the_log_is_not_written() {
    for name in ["0/001", "entries/001", "entries/002.p/88", "0/002.p/88", "1/000.p/2"] {
        let (api, tile) = (with_log(600).await, Tile::parse(name).unwrap());
        api.state().log.as_mut().unwrap().files.get_mut(&tile).unwrap()[5] ^= 1;
        let error = mirror(&api).await.unwrap_err();
        assert_eq!((error.exit_code(), error.code()), (1, "does_not_hold"), "{name}: {error}");
        let folder = PathBuf::from(api.path("mirror"));
        assert!(!folder.join("checkpoint").exists() && !folder.join(tile.path()).exists(), "{name}");
        // The edge is verified as a whole.
        let is_named = error.to_string().contains(&tile.path());
        assert_eq!(is_named, !matches!(name, "0/002.p/88" | "1/000.p/2"), "{name}: {error}");
    }
    let api = with_log(600).await;
    api.state().log.as_mut().unwrap().files.remove(&Tile::parse("entries/001").unwrap());
    let error = mirror(&api).await.unwrap_err();
    assert!(error.to_string().contains("tile/entries/001 is missing"), "{error}");
}

#[tokio::test]
async fn damaged_files_are_copied_again_where_that_is_asked_for() {
    let api = with_log(600).await;
    mirror(&api).await.unwrap();
    let folder = api.path("mirror");
    let good = files(&folder);
    for name in ["tile/0/000", "tile/entries/001", "tile/entries/002.p/88", "tile/1/000.p/2"] {
        fs::write(Path::new(&folder).join(name), b"damaged").unwrap();
    }
    fs::remove_file(Path::new(&folder).join("tile/0/001")).unwrap();
    assert_eq!(mirror(&api).await.unwrap().json["files"], 0);
    assert_ne!(files(&folder), good);
    let line = ["log", "mirror", &folder, "--key", &key(), "--repair"];
    assert_eq!(api.run(&line).await.unwrap().json["files"], 5);
    assert_eq!(files(&folder), good);
}

#[tokio::test]
async fn a_full_tile_serves_in_the_place_of_a_partial_one_that_was_removed() {
    let api = with_log(600).await;
    let mut larger = FakeLog::of_size(600);
    larger.append(FakeLog::numbered(600, 768));
    let partial = |tile: &Tile| tile.index() == 2;
    let log = api.state().log.clone().unwrap();
    let mut files_of_larger = larger.files.clone();
    files_of_larger.retain(|tile, _| !(tile.is_partial() && partial(tile)));
    api.state().log.as_mut().unwrap().files = files_of_larger;
    mirror(&api).await.unwrap();
    assert_eq!(files(&api.path("mirror")), expected(&log, 600));
}

#[tokio::test]
async fn without_a_key_those_of_the_api_are_taken() {
    let api = with_log(300).await;
    let output = api.run(&["log", "mirror", &api.path("mirror")]).await.unwrap();
    assert_eq!(output.json["log"]["size"], 300);
    assert_eq!(api.lines()[0], "GET log/key");
    // What the folder has is not overwritten, if it is no checkpoint of this log.
    api.file("mirror/checkpoint", "something else");
    let error = api.run(&["log", "mirror", &api.path("mirror")]).await.unwrap_err();
    assert!(error.to_string().contains("mirror/checkpoint: "), "{error}");
    assert_eq!(fs::read_to_string(api.path("mirror/checkpoint")).unwrap(), "something else");
}

#[tokio::test]
async fn the_log_of_another_space_is_refused() {
    let api = with_log(3).await;
    let settings = ["--space", "spa_other"];
    let error = api.run(&[&["log", "mirror", &api.path("mirror"), "--key", &key()], &settings[..]].concat()).await;
    let error = error.unwrap_err();
    assert!(error.code() == "does_not_hold" && error.to_string().contains("the log of another space"), "{error}");
    assert!(!Path::new(&api.path("mirror")).exists());
}
