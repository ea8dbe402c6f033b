//! The right edge of a log: the files that it is continued from.

use efface_aws::{journal::Journal, log_store::LogStore};
use efface_core::{
    log::{Checkpoint, Frontier, Hash, LogFull, ResumeError, Row, Tile, Tiles, WIDTH, Writer, bundle},
    space::SpaceId,
};
use futures::{StreamExt, TryStreamExt, stream};

use super::{LogError, Publisher, backlog::entries};

/// Requests for files that are under way at once.
const AT_ONCE: usize = 16;

/// The right edge of a log.
pub(super) struct Edge {
    /// Its files.
    pub(super) files: Tiles,
    /// Those that were missing.
    made: Vec<Tile>,
}

impl Edge {
    /// The files that a log of so many entries is continued from. Partial ones lie in a bucket that does not keep them: what
    /// is missing there is made anew, the bundle and the lowest tile of the journal's entries, the others of the full tiles
    /// below them. Whether that is right, the root tells that was signed. A full file that is missing is missing in the result.
    pub(super) async fn read(
        journal: &Journal,
        files: &LogStore,
        space: &SpaceId,
        size: u64,
    ) -> Result<Self, LogError> {
        let (mut edge, mut made) = (read_files(files, space, Writer::needs(size)).await?, Vec::new());
        for tile in Writer::needs(size).filter(Tile::is_partial) {
            if edge.contains_key(&tile) || edge.contains_key(&tile.full()) {
                continue;
            }
            if let Some(bytes) = make(journal, files, space, tile, size).await? {
                tracing::warn!(space_id = %space, file = tile.path(), "a partial file of the log is missing");
                edge.insert(tile, bytes);
                made.push(tile);
            }
        }
        Ok(Self { files: edge, made })
    }

    /// The tree of the log whose last checkpoint this is; without one, of the log without entries.
    pub(super) fn tree(&self, last: Option<&Checkpoint>) -> Result<Frontier, ResumeError> {
        last.map_or_else(|| Ok(Writer::new()), |last| Writer::resume(last, &self.files)).map(|writer| writer.frontier())
    }
}

impl Publisher {
    /// Stores what was made anew, once the signed root has shown that it is right: readers need it, too.
    pub(super) async fn put_back(&self, space: &SpaceId, edge: &Edge) -> Result<(), LogError> {
        for (tile, bytes) in edge.made.iter().filter_map(|tile| edge.files.get_key_value(tile)) {
            // Where it is lost, another run was faster and deals with the file.
            _ = self.files.put_new(space, *tile, bytes).await?;
        }
        Ok(())
    }
}

/// The bytes of a partial file; `None` where a file below it is missing.
async fn make(
    journal: &Journal,
    files: &LogStore,
    space: &SpaceId,
    tile: Tile,
    size: u64,
) -> Result<Option<Vec<u8>>, LogError> {
    let level = match tile.row() {
        Row::Level(level) if level > 0 => level - 1,
        row => {
            let numbers = tile.entries();
            let entries = entries(journal, space, numbers.start, numbers.end).await?;
            let hashes = entries.iter().flat_map(|entry| *Hash::leaf(entry).as_bytes());
            return Ok(Some(if row == Row::Entries { bundle::encode(&entries) } else { hashes.collect() }));
        }
    };
    let mut bytes = Vec::new();
    for place in (0..).take(tile.width()) {
        let below = Tile::of(Row::Level(level), tile.index() * WIDTH + place, size);
        let Some(below) = below.filter(|below| !below.is_partial()) else { return Ok(None) };
        let Some(hashes) = files.file(space, below).await? else { return Ok(None) };
        bytes.extend(root(&hashes).map_err(efface_core::log::ExtensionError::from)?.as_bytes());
    }
    Ok(Some(bytes))
}

/// The hash of a full tile in the row above: that of the tree over its hashes.
fn root(tile: &[u8]) -> Result<Hash, LogFull> {
    let mut tree = Frontier::new();
    let (hashes, _) = tile.as_chunks();
    hashes.iter().try_for_each(|hash| tree.push(Hash::from_bytes(*hash)))?;
    Ok(tree.root())
}

/// The files of a log, or the full ones in the place of those that are not there any more. What is missing is missing in the
/// result.
pub(super) async fn read_files(
    files: &LogStore,
    space: &SpaceId,
    tiles: impl Iterator<Item = Tile>,
) -> Result<Tiles, LogError> {
    let reads: Vec<_> = tiles.map(|tile| files.file_or_full(space, tile)).collect();
    let read: Vec<_> = stream::iter(reads).buffer_unordered(AT_ONCE).try_collect().await?;
    Ok(read.into_iter().flatten().collect())
}
