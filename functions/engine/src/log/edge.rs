//! The right edge of a log: the files that it is continued from.

use efface_core::{
    log::{Frontier, Hash, LogFull, Row, Tile, Tiles, WIDTH, Writer, bundle},
    space::SpaceId,
};

use super::{LogError, Publisher, backlog::entries};

/// The right edge of a log.
pub(super) struct Edge {
    /// Its files.
    pub(super) files: Tiles,
    /// Those that were missing.
    made: Vec<Tile>,
}

impl Publisher {
    /// The files that a log of so many entries is continued from. Partial ones lie in a bucket that does not keep them: what
    /// is missing there is made anew, the bundle and the lowest tile of the journal's entries, the others of the full tiles
    /// below them. Whether that is right, the root tells that was signed. A full file that is missing is missing in the result.
    pub(super) async fn edge(&self, space: &SpaceId, size: u64) -> Result<Edge, LogError> {
        let (mut edge, mut made) = (self.read_files(space, Writer::needs(size)).await?, Vec::new());
        for tile in Writer::needs(size).filter(Tile::is_partial) {
            if edge.contains_key(&tile) || edge.contains_key(&tile.full()) {
                continue;
            }
            if let Some(bytes) = self.make(space, tile, size).await? {
                tracing::warn!(space_id = %space, file = tile.path(), "a partial file of the log is missing");
                edge.insert(tile, bytes);
                made.push(tile);
            }
        }
        Ok(Edge { files: edge, made })
    }

    /// Stores what was made anew, once the signed root has shown that it is right: readers need it, too.
    pub(super) async fn put_back(&self, space: &SpaceId, edge: &Edge) -> Result<(), LogError> {
        for (tile, bytes) in edge.made.iter().filter_map(|tile| edge.files.get_key_value(tile)) {
            // Where it is lost, another run was faster and deals with the file.
            _ = self.files.put_new(space, *tile, bytes).await?;
        }
        Ok(())
    }

    /// The bytes of a partial file; `None` where a file below it is missing.
    async fn make(&self, space: &SpaceId, tile: Tile, size: u64) -> Result<Option<Vec<u8>>, LogError> {
        let level = match tile.row() {
            Row::Level(level) if level > 0 => level - 1,
            row => {
                let numbers = tile.entries();
                let entries = entries(&self.journal, space, numbers.start, numbers.end).await?;
                let hashes = entries.iter().flat_map(|entry| *Hash::leaf(entry).as_bytes());
                return Ok(Some(if row == Row::Entries { bundle::encode(&entries) } else { hashes.collect() }));
            }
        };
        let mut bytes = Vec::new();
        for place in (0..).take(tile.width()) {
            let below = Tile::of(Row::Level(level), tile.index() * WIDTH + place, size);
            let Some(below) = below.filter(|below| !below.is_partial()) else { return Ok(None) };
            let Some(hashes) = self.files.file(space, below).await? else { return Ok(None) };
            bytes.extend(root(&hashes).map_err(efface_core::log::ExtensionError::from)?.as_bytes());
        }
        Ok(Some(bytes))
    }
}

/// The hash of a full tile in the row above: that of the tree over its hashes.
fn root(tile: &[u8]) -> Result<Hash, LogFull> {
    let mut tree = Frontier::new();
    let (hashes, _) = tile.as_chunks();
    hashes.iter().try_for_each(|hash| tree.push(Hash::from_bytes(*hash)))?;
    Ok(tree.root())
}
