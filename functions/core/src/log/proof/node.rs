//! Where the hashes of a proof are in the tiles.

use std::{collections::BTreeSet, ops::Range};

use crate::log::{Hash, Row, Tile, TileError, Tiles, row::HEIGHT, tile::place};

/// A node of the tree with a complete subtree below it, of `2^height` entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Node {
    height: u8,
    index: u64,
}

impl Node {
    /// The tile from which the node's hash follows, in a log of so many entries, and where in it the hashes begin from
    /// which it does.
    fn tile(self, size: u64) -> (Tile, usize) {
        let first = self.index << (self.height % HEIGHT);
        (Tile::with_hash(Row::Level(self.height / HEIGHT), first, size), place(first).into())
    }

    fn read(self, size: u64, tiles: &Tiles) -> Result<Hash, TileError> {
        let (tile, first) = self.tile(size);
        let hashes = tile.hashes(tiles)?;
        let below = hashes.get(first..first + (1 << (self.height % HEIGHT)));
        below.map(Hash::root).ok_or(TileError::Length(tile))
    }
}

/// Entries whose common hash a proof holds. The first of them is a multiple of a power of 2 that is not below their number,
/// which is what makes them a subtree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Subtree(pub(super) Range<u64>);

impl Subtree {
    /// The complete subtrees that it is made of, the largest first.
    fn nodes(&self) -> impl Iterator<Item = Node> {
        let Range { mut start, end } = self.0;
        let len = end - start;
        (0..64).rev().filter(move |height| (len >> height) & 1 == 1).map(move |height| {
            let node = Node { height, index: start >> height };
            start += 1 << height;
            node
        })
    }

    fn read(&self, size: u64, tiles: &Tiles) -> Result<Hash, TileError> {
        let nodes: Vec<_> = self.nodes().map(|node| node.read(size, tiles)).collect::<Result<_, _>>()?;
        Ok(Hash::root_of_subtrees(nodes.into_iter()))
    }
}

/// The way from the root of a log down to some of its entries. A part of the log is split at the largest power of 2 below
/// its size; `goes_left` says which half to go on with, given the part and the first entry of its right half, and ends the
/// way with `None`. Returns where the way ends, and the halves that it left aside, the last one first.
pub(super) fn way(size: u64, goes_left: impl Fn(&Range<u64>, u64) -> Option<bool>) -> (Range<u64>, Vec<Subtree>) {
    let (mut here, mut aside) = (0..size, Vec::new());
    while let Some(last @ 1..) = (here.end - here.start).checked_sub(1) {
        let split = here.start + (1 << last.ilog2());
        let (left, right) = (here.start..split, split..here.end);
        let Some(goes_left) = goes_left(&here, split) else { break };
        let (inner, outer) = if goes_left { (left, right) } else { (right, left) };
        aside.push(Subtree(outer));
        here = inner;
    }
    aside.reverse();
    (here, aside)
}

/// The tiles that hold these subtrees of a log of so many entries: at most two a level.
pub(super) fn tiles(subtrees: &[Subtree], size: u64) -> BTreeSet<Tile> {
    subtrees.iter().flat_map(Subtree::nodes).map(|node| node.tile(size).0).collect()
}

/// The hashes of these subtrees of a log of so many entries.
pub(super) fn read(subtrees: &[Subtree], size: u64, tiles: &Tiles) -> Result<Vec<Hash>, TileError> {
    subtrees.iter().map(|subtree| subtree.read(size, tiles)).collect()
}
