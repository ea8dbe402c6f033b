//! Reading a log: what is served to those who verify it, and receipts.

use std::{collections::BTreeSet, sync::Arc};

use efface_aws::log_store::LogStore;
use efface_core::{
    log::{
        Checkpoint, ExtensionError, KeyList, Nonce, Tile, Tiles,
        note::{Note, VerifierKey},
        receipt::Receipt,
    },
    space::SpaceId,
    time::Time,
};
use futures::{StreamExt, TryStreamExt, stream};
use quick_cache::{Weighter, sync::Cache};

use super::LogError;

/// The bytes of full files that one instance remembers at most: they never change. A full tile has 8 KB, a full bundle
/// about 100 KB, and up to 16 MB.
const FILE_BYTES: u64 = 32 << 20;

/// About so many files.
const FILES: usize = 1_024;

/// Spaces of which one instance remembers how far their log is published at least.
const SPACES: usize = 4_096;

/// Requests for files that are under way at once.
const AT_ONCE: usize = 16;

/// What reads the logs of all spaces. One for the life of a process.
#[derive(Debug)]
pub struct LogReader {
    pub(super) files: LogStore,
    full: Cache<(SpaceId, Tile), Arc<[u8]>, Bytes>,
    /// Sizes that were signed. They only grow, so what is below one of them is published.
    sizes: Cache<SpaceId, u64>,
}

/// Weighs files by their length.
#[derive(Debug, Clone)]
struct Bytes;

impl Weighter<(SpaceId, Tile), Arc<[u8]>> for Bytes {
    fn weight(&self, _: &(SpaceId, Tile), bytes: &Arc<[u8]>) -> u64 {
        bytes.len() as u64
    }
}

/// The present head of a log, verified with the keys that the log has listed.
#[derive(Debug, Clone)]
pub(super) struct Signed {
    pub(super) checkpoint: Checkpoint,
    pub(super) note: Note,
    pub(super) keys: KeyList,
    /// The key of the list that has signed it. That the list is the log's own is not known by this.
    pub(super) signer: VerifierKey,
    pub(super) at: Time,
}

impl LogReader {
    /// A reader of these files.
    pub fn new(files: LogStore) -> Self {
        Self { files, full: Cache::with_weighter(FILES, FILE_BYTES, Bytes), sizes: Cache::new(SPACES) }
    }

    /// The checkpoint of a space, as it was published; `None` where nothing was.
    pub async fn checkpoint(&self, space: &SpaceId) -> Result<Option<Note>, LogError> {
        Ok(self.signed(space).await?.map(|signed| signed.note))
    }

    /// The keys that a space's log has signed with, each with the sizes that it signed. Empty where nothing was published.
    pub async fn keys(&self, space: &SpaceId) -> Result<KeyList, LogError> {
        Ok(self.files.keys(space).await?.map(|stored| stored.keys).unwrap_or_default())
    }

    pub(super) async fn signed(&self, space: &SpaceId) -> Result<Option<Signed>, LogError> {
        let Some(stored) = self.files.checkpoint(space).await? else { return Ok(None) };
        let keys = self.files.keys(space).await?.ok_or(LogError::NoKeys)?.keys;
        let (checkpoint, signer) = keys.open(&stored.note)?;
        let signer = signer.clone();
        self.sizes.insert(space.clone(), checkpoint.size());
        Ok(Some(Signed { checkpoint, note: stored.note, keys, signer, at: stored.signed_at }))
    }

    /// A tile or bundle, by its name. `None` where the published log has none of that name: neither of the present size nor
    /// of an earlier one. A partial one that was removed is cut from the full one.
    pub async fn file(&self, space: &SpaceId, tile: Tile) -> Result<Option<Arc<[u8]>>, LogError> {
        let end = tile.entries().end;
        let is_known = self.sizes.get(space).is_some_and(|size| end <= size);
        if !is_known && self.signed(space).await?.is_none_or(|signed| end > signed.checkpoint.size()) {
            return Ok(None);
        }
        let Some((found, bytes)) = self.read(space, tile).await? else { return Ok(None) };
        if found == tile { Ok(Some(bytes)) } else { Ok(Some(tile.cut(&bytes).map_err(ExtensionError::from)?.into())) }
    }

    /// A tile or bundle, or the full one that holds all it holds.
    async fn read(&self, space: &SpaceId, tile: Tile) -> Result<Option<(Tile, Arc<[u8]>)>, LogError> {
        let key = (space.clone(), tile.full());
        if let Some(bytes) = self.full.get(&key) {
            return Ok(Some((tile.full(), bytes)));
        }
        let Some((found, bytes)) = self.files.file_or_full(space, tile).await? else { return Ok(None) };
        let bytes: Arc<[u8]> = bytes.into();
        if !found.is_partial() {
            self.full.insert(key, Arc::clone(&bytes));
        }
        Ok(Some((found, bytes)))
    }

    /// The receipt for the entry with this number, with the nonce that ties it to an identifier. `None` where the published
    /// log does not have the entry yet.
    ///
    /// It is verified before it is handed out: a file that was changed makes none.
    pub async fn receipt(
        &self,
        space: &SpaceId,
        number: u64,
        nonce: Option<Nonce>,
    ) -> Result<Option<Receipt>, LogError> {
        Ok(self.receipts(space, &[(number, nonce)]).await?.pop())
    }

    /// Forgets the files of a space, where one of them was changed: the next reader gets them anew.
    pub(super) fn forget(&self, space: &SpaceId) {
        self.full.retain(|(of, _), _| of != space);
    }

    pub(super) async fn read_all(&self, space: &SpaceId, tiles: BTreeSet<Tile>) -> Result<Tiles, LogError> {
        let reads: Vec<_> = tiles.into_iter().map(|tile| self.read(space, tile)).collect();
        let read: Vec<_> = stream::iter(reads).buffer_unordered(AT_ONCE).try_collect().await?;
        Ok(read.into_iter().flatten().map(|(tile, bytes)| (tile, bytes.to_vec())).collect())
    }
}
