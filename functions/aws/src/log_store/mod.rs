//! Where logs are published: two buckets of S3, in which each space has the files of its log under its id.
//!
//! The first bucket is locked and versioned: nothing in it is ever deleted. It has the full tiles and bundles, the
//! checkpoint, and the list of keys. The second one has the partial tiles and bundles, which are removed once the full ones
//! are there. Which bucket a file is in follows from its name.
//!
//! | key | bucket | written |
//! |---|---|---|
//! | `{space}/tile/0/000`, `{space}/tile/entries/000` | locked | once |
//! | `{space}/tile/0/000.p/7`, `{space}/tile/entries/000.p/7` | partial | once |
//! | `{space}/checkpoint` | locked | each time, if it still is what was read |
//! | `{space}/keys` | locked | when another key is to sign, if it still is what was read |
//!
//! Each write carries the SHA-256 of its bytes: S3 refuses what was damaged on the way, and takes nothing into a locked
//! bucket without a checksum.

mod error;
mod object;

use std::fmt;

use aws_sdk_s3::Client;
use efface_core::{
    log::{
        Hash, KeyList, Row, Tile, WIDTH,
        bundle::MAX_BUNDLE_BYTES,
        note::{MAX_NOTE_BYTES, Note},
    },
    space::SpaceId,
    time::Time,
};

pub use error::LogStoreError;
use object::{Bucket, Object, Put};

/// The length of a full tile in bytes.
const FULL_TILE_BYTES: usize = 256 * Hash::BYTES;

/// The longest list of keys, in bytes: some thousand keys.
const MAX_KEY_LIST_BYTES: usize = 1 << 20;

/// The version of an object that was read, by which only that one is replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version(String);

/// The checkpoint of a space as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCheckpoint {
    /// The note. Nothing is known about it until it is verified.
    pub note: Note,
    /// When S3 stored it: when the log was signed last. It comes with the checkpoint, without a request of its own.
    pub signed_at: Time,
    /// By which it is replaced.
    pub version: Version,
}

/// That a text is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// By what it is replaced next.
    pub version: Version,
    /// Whether the same was there already: another run has stored it, or this one, and the reply was lost.
    pub was_there: bool,
}

/// The list of keys of a space as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKeys {
    /// The keys.
    pub keys: KeyList,
    /// By which it is replaced.
    pub version: Version,
}

/// What a conditional write came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Replaced {
    /// It is stored.
    Done,
    /// Another writer has been there since it was read. Nothing was written.
    Lost,
}

/// The files of logs. Cheap to clone.
#[derive(Clone)]
pub struct LogStore {
    locked: Bucket,
    partial: Bucket,
}

impl LogStore {
    /// The files in a locked bucket, and in one for partial tiles.
    pub fn new(client: &Client, locked: impl Into<String>, partial: impl Into<String>) -> Self {
        let bucket = |name, keeps_all| Bucket { client: client.clone(), name, keeps_all };
        Self { locked: bucket(locked.into(), true), partial: bucket(partial.into(), false) }
    }

    fn bucket(&self, tile: Tile) -> &Bucket {
        if tile.is_partial() { &self.partial } else { &self.locked }
    }

    /// A tile or bundle, exactly the one that is named. `None` where it is not there.
    pub async fn file(&self, space: &SpaceId, tile: Tile) -> Result<Option<Vec<u8>>, LogStoreError> {
        let object = self.bucket(tile).get(&key(space, &tile.path()), most_bytes(tile)).await?;
        Ok(object.map(|object| object.bytes))
    }

    /// A tile or bundle, or the full one that holds all it holds, whose name is returned with it. The full one is looked
    /// for where the partial one is not there any more.
    pub async fn file_or_full(&self, space: &SpaceId, tile: Tile) -> Result<Option<(Tile, Vec<u8>)>, LogStoreError> {
        if let Some(bytes) = self.file(space, tile).await? {
            return Ok(Some((tile, bytes)));
        }
        if !tile.is_partial() {
            return Ok(None);
        }
        let full = tile.full();
        Ok(self.file(space, full).await?.map(|bytes| (full, bytes)))
    }

    /// Puts a tile or bundle. It is done, too, where the same bytes are there already; it is lost where another run has just
    /// put or removed it.
    ///
    /// # Errors
    /// [`LogStoreError::Inconsistent`] where other bytes are there: they stay.
    pub async fn put_new(&self, space: &SpaceId, tile: Tile, bytes: &[u8]) -> Result<Replaced, LogStoreError> {
        let (bucket, key) = (self.bucket(tile), key(space, &tile.path()));
        match bucket.put(&key, bytes, None, "application/octet-stream").await? {
            Put::Done(_) => Ok(Replaced::Done),
            Put::Unmet => match bucket.get(&key, most_bytes(tile)).await? {
                Some(there) if there.bytes == bytes => Ok(Replaced::Done),
                Some(_) => Err(LogStoreError::Inconsistent(tile.path())),
                // It was removed between the two requests, or is not there yet.
                None => Ok(Replaced::Lost),
            },
        }
    }

    /// Whether a space has a full bundle: then it has had a checkpoint.
    pub async fn has_full_bundle(&self, space: &SpaceId) -> Result<bool, LogStoreError> {
        let Some(first) = Tile::of(Row::Entries, 0, WIDTH) else { return Ok(false) };
        Ok(self.file(space, first).await?.is_some())
    }

    /// The checkpoint of a space; `None` where its log has none yet.
    pub async fn checkpoint(&self, space: &SpaceId) -> Result<Option<StoredCheckpoint>, LogStoreError> {
        let Some(object) = self.locked.get(&key(space, CHECKPOINT), MAX_NOTE_BYTES).await? else { return Ok(None) };
        let note = text(&object).and_then(|text| text.parse().ok()).ok_or_else(|| unreadable(CHECKPOINT))?;
        Ok(Some(StoredCheckpoint { note, signed_at: object.modified, version: object.version }))
    }

    /// Puts a checkpoint in the place of the one that was read, or as the first one. `None` where another writer has been there
    /// since with another one: then nothing was written.
    pub async fn put_checkpoint(
        &self,
        space: &SpaceId,
        note: &Note,
        last: Option<&Version>,
    ) -> Result<Option<Stored>, LogStoreError> {
        self.replace(space, CHECKPOINT, note.to_string().as_bytes(), last, MAX_NOTE_BYTES).await
    }

    /// The keys that a space's log has signed with; `None` where it has signed nothing yet.
    pub async fn keys(&self, space: &SpaceId) -> Result<Option<StoredKeys>, LogStoreError> {
        let Some(object) = self.locked.get(&key(space, KEYS), MAX_KEY_LIST_BYTES).await? else { return Ok(None) };
        let keys = text(&object).and_then(|text| text.parse().ok()).ok_or_else(|| unreadable(KEYS))?;
        Ok(Some(StoredKeys { keys, version: object.version }))
    }

    /// Puts a list of keys in the place of the one that was read, or as the first one.
    pub async fn put_keys(
        &self,
        space: &SpaceId,
        keys: &KeyList,
        last: Option<&Version>,
    ) -> Result<Replaced, LogStoreError> {
        let replaced = self.replace(space, KEYS, keys.to_string().as_bytes(), last, MAX_KEY_LIST_BYTES).await?;
        Ok(if replaced.is_some() { Replaced::Done } else { Replaced::Lost })
    }

    async fn replace(
        &self,
        space: &SpaceId,
        name: &str,
        bytes: &[u8],
        last: Option<&Version>,
        most: usize,
    ) -> Result<Option<Stored>, LogStoreError> {
        let key = key(space, name);
        match self.locked.put(&key, bytes, last, "text/plain; charset=utf-8").await? {
            Put::Done(version) => Ok(Some(Stored { version, was_there: false })),
            // The SDK repeats a write whose reply was lost: then what is there is what was written.
            Put::Unmet => {
                let there = self.locked.get(&key, most).await?.filter(|there| there.bytes == bytes);
                Ok(there.map(|there| Stored { version: there.version, was_there: true }))
            }
        }
    }

    /// The partial tiles and bundles of a space: up to 10,000 of them. Objects with other names are not ours, and are left
    /// out.
    pub async fn partial_files(&self, space: &SpaceId) -> Result<Vec<Tile>, LogStoreError> {
        let prefix = key(space, "tile/");
        let keys = self.partial.list(&prefix).await?;
        let names = keys.iter().filter_map(|key| Tile::parse(key.strip_prefix(&prefix)?).ok());
        Ok(names.filter(Tile::is_partial).collect())
    }

    /// Removes a partial tile or bundle. The full one must be readable. A full file is never removed.
    pub async fn remove_partial(&self, space: &SpaceId, tile: Tile) -> Result<(), LogStoreError> {
        if !tile.is_partial() {
            return Err(LogStoreError::Internal("a full file is not removed".to_owned()));
        }
        self.partial.delete(&key(space, &tile.path())).await
    }
}

impl fmt::Debug for LogStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogStore").field("locked", &self.locked.name).field("partial", &self.partial.name).finish()
    }
}

const CHECKPOINT: &str = "checkpoint";
const KEYS: &str = "keys";

fn key(space: &SpaceId, path: &str) -> String {
    format!("{space}/{path}")
}

/// The most bytes that a file can have.
fn most_bytes(tile: Tile) -> usize {
    match tile.row() {
        Row::Entries => MAX_BUNDLE_BYTES,
        Row::Level(_) => FULL_TILE_BYTES,
    }
}

fn text(object: &Object) -> Option<&str> {
    str::from_utf8(&object.bytes).ok()
}

fn unreadable(name: &str) -> LogStoreError {
    LogStoreError::Unreadable(name.to_owned())
}
