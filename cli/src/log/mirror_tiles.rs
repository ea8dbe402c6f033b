//! Copies the tiles and bundles of a log. Each is verified by the tile above it, from the checkpoint down, before it is
//! written; so a file that is there is known to hold, and only what is missing is read from the log.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    pin::pin,
};

use efface_core::log::{AuditError, Checkpoint, KnownTile, Row, Tile, TileBelow, TileError, Tiles, WIDTH};
use futures::{StreamExt, stream};

use super::{PARALLEL_FILES, folder::Folder, source::Source};
use crate::{CliError, progress_bar::Bar};

/// How many files were copied so far.
#[derive(Default)]
pub(super) struct Copied(Cell<u64>);

impl Copied {
    pub(super) fn files(&self) -> u64 {
        self.0.get()
    }
}

/// A copy of a log of one size.
pub(super) struct Mirror<'a> {
    source: &'a Source,
    folder: &'a Folder,
    size: u64,
    /// The partial tiles, from level 0.
    edge: Vec<KnownTile>,
    /// Full tiles that were read from the log before the copying began.
    read: RefCell<BTreeMap<Tile, KnownTile>>,
    copied: &'a Copied,
}

impl<'a> Mirror<'a> {
    /// Reads the partial tiles of the log that a checkpoint is of. They must lead to its root.
    pub(super) async fn open(
        source: &'a Source,
        folder: &'a Folder,
        head: &Checkpoint,
        copied: &'a Copied,
    ) -> Result<Self, CliError> {
        let read = source.tiles(Tile::edge(head.size())).await?;
        let edge = KnownTile::edge(head, &read).map_err(|error| source.fault(error))?;
        Ok(Self { source, folder, size: head.size(), edge, read: RefCell::default(), copied })
    }

    /// Verifies that the log begins as the folder's former checkpoint says. Writes nothing.
    pub(super) async fn check_former(&self, former: &Checkpoint) -> Result<(), CliError> {
        let size = former.size();
        let mut known = Vec::new();
        for tile in Tile::edge(size) {
            let tile = Tile::of(tile.row(), tile.index(), self.size);
            known.push(self.known(tile.ok_or(CliError::Unexpected("the log has become smaller"))?).await?);
        }
        let found = KnownTile::root_at(size, &known).map_err(|error| self.source.fault(error))?;
        let signed = former.root();
        if found == signed {
            return Ok(());
        }
        Err(CliError::DoesNotHold(AuditError::Root { size, signed, found }.to_string()))
    }

    /// A tile of the log, by way of the tiles above it.
    async fn known(&self, tile: Tile) -> Result<KnownTile, CliError> {
        let mut way = vec![tile];
        way.extend(std::iter::successors(tile.above(self.size), |tile| tile.above(self.size)));
        let mut way = way.into_iter().rev();
        let missing = |tile| self.source.fault(TileError::Missing(tile));
        let top = way.next().unwrap_or(tile);
        let mut known = self.edge.iter().find(|edge| edge.tile() == top).cloned().ok_or_else(|| missing(top))?;
        for tile in way {
            let below = known.below().find(|below| below.tile() == tile).ok_or_else(|| missing(tile))?;
            known = match self.in_folder(below)? {
                Some(known) => known,
                None => self.read_log_below(below).await?,
            };
            self.read.borrow_mut().insert(tile, known.clone());
        }
        Ok(known)
    }

    /// Copies all tiles and bundles with entries from `before` on that the folder does not have.
    pub(super) async fn copy(&self, before: u64, bar: &Bar) -> Result<(), CliError> {
        let mut done = before;
        // The tiles of the highest level are those of the first entries.
        let mut left = self.edge.clone();
        while let Some(known) = left.pop() {
            let wanted: Vec<TileBelow> = known.below().filter(|below| below.tile().entries().end > before).collect();
            if known.tile().row() == Row::Level(1) {
                let pairs = stream::iter(wanted).map(|below| self.copy_with_bundle(below));
                let mut pairs = pin!(pairs.buffer_unordered(PARALLEL_FILES));
                while let Some(copied) = pairs.next().await {
                    copied?;
                    done += WIDTH;
                    bar.set(done.min(self.size), self.size, "");
                }
                continue;
            }
            for below in wanted.into_iter().rev() {
                left.push(self.copy_tile(below).await?);
            }
        }
        // Last of all, because the next run that is of another size does not take them.
        for known in &self.edge {
            self.copy_edge(known).await?;
        }
        Ok(())
    }

    /// Copies a tile of level 0 and its bundle.
    async fn copy_with_bundle(&self, below: TileBelow) -> Result<(), CliError> {
        let known = self.copy_tile(below).await?;
        self.copy_bundle(&known).await
    }

    /// Copies a full tile, unless the folder has it.
    async fn copy_tile(&self, below: TileBelow) -> Result<KnownTile, CliError> {
        if let Some(known) = self.in_folder(below)? {
            return Ok(known);
        }
        let read = self.read.borrow_mut().remove(&below.tile());
        let known = match read {
            Some(known) => known,
            None => self.read_log_below(below).await?,
        };
        self.write(known.tile(), &known.to_bytes())?;
        Ok(known)
    }

    /// Copies a partial tile, and the bundle of the one of level 0.
    async fn copy_edge(&self, known: &KnownTile) -> Result<(), CliError> {
        let bytes = known.to_bytes();
        if self.folder.tile(known.tile())?.as_ref() != Some(&bytes) {
            self.write(known.tile(), &bytes)?;
        }
        self.copy_bundle(known).await
    }

    /// Copies the bundle of a tile of level 0, unless the folder has it.
    async fn copy_bundle(&self, known: &KnownTile) -> Result<(), CliError> {
        let Some(bundle) = known.bundle() else { return Ok(()) };
        let there = self.folder.tile(bundle)?.map(|bytes| Tiles::from([(bundle, bytes)]));
        if there.is_some_and(|there| known.check_bundle(&there).is_ok()) {
            return Ok(());
        }
        let read = self.source.tiles([bundle]).await?;
        let bytes = known.check_bundle(&read).map_err(|error| self.source.fault(error))?;
        self.write(bundle, &bytes)
    }

    /// A tile that the folder has and that holds.
    fn in_folder(&self, below: TileBelow) -> Result<Option<KnownTile>, CliError> {
        Ok(self.folder.tile(below.tile())?.and_then(|bytes| below.check(&bytes).ok()))
    }

    async fn read_log_below(&self, below: TileBelow) -> Result<KnownTile, CliError> {
        let (_, bytes) =
            self.source.tile(below.tile()).await?.ok_or_else(|| self.source.fault(TileError::Missing(below.tile())))?;
        below.check(&bytes).map_err(|error| self.source.fault(error))
    }

    fn write(&self, tile: Tile, bytes: &[u8]) -> Result<(), CliError> {
        self.folder.write_tile(tile, bytes)?;
        self.copied.0.set(self.copied.0.get() + 1);
        Ok(())
    }

    /// Removes the partial tiles of the former size that have become full.
    pub(super) fn remove_partial(&self, before: u64) {
        for tile in Tile::added(before, self.size).filter(|tile| !tile.is_partial()) {
            self.folder.remove_partial(tile);
        }
    }
}
