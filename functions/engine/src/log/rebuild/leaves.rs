//! The leaves of a published log, read from its bundles.

use std::ops::Range;

use efface_aws::log_store::LogStore;
use efface_core::{
    log::{Entry, Row, Tile, Tiles, WIDTH, bundle},
    space::SpaceId,
};
use futures::{Stream, StreamExt, stream};

use super::{super::LogError, RebuildError};

/// Bundles that are read at once. One has about 100 KB, and up to 16 MB.
const AT_ONCE: usize = 8;

/// The leaves with these numbers of a log of so many entries, in order, by bundle. Nothing is known about them until the tree
/// over them has the root that was signed.
pub(super) fn leaves<'a>(
    files: &'a LogStore,
    space: &'a SpaceId,
    numbers: Range<u64>,
    size: u64,
) -> impl Stream<Item = Result<Vec<Entry<'static>>, RebuildError>> + Unpin + 'a {
    let indexes = numbers.start / WIDTH..numbers.end.div_ceil(WIDTH);
    let tiles = indexes.filter_map(move |index| Tile::of(Row::Entries, index, size));
    let reads = tiles.map(move |tile| read(files, space, tile, numbers.clone()));
    Box::pin(stream::iter(reads).buffered(AT_ONCE))
}

/// The leaves with these numbers that a bundle has.
async fn read(
    files: &LogStore,
    space: &SpaceId,
    tile: Tile,
    numbers: Range<u64>,
) -> Result<Vec<Entry<'static>>, RebuildError> {
    let read = files.file_or_full(space, tile).await.map_err(LogError::from)?;
    let read: Tiles = read.into_iter().collect();
    let numbered = tile.entries().zip(bundle::entries(tile, &read)?);
    Ok(numbered.filter(|(number, _)| numbers.contains(number)).map(|(_, leaf)| leaf.into_owned()).collect())
}
