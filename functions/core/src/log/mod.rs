//! The transparency log: entries that are only ever appended, and proofs about them that an outsider can check.
//!
//! A log is a Merkle tree over its entries ([`Hash`], [`Frontier`]), published as files that never change ([`Tile`],
//! [`bundle`], [`Writer`]). Its formats are not ours: they are those of <https://c2sp.org/tlog-tiles> and of the pages that
//! it names, so that programs that others wrote can read a log and verify it.

pub mod bundle;
mod checkpoint;
mod commitment;
mod decimal;
mod frontier;
mod hash;
pub mod note;
pub mod proof;
pub mod receipt;
mod row;
mod tile;
mod tile_name;
pub mod verify;
mod writer;

pub use checkpoint::{Checkpoint, CheckpointError, Origin};
pub use commitment::{BadLogKey, Commitment, LogKey, Nonce};
pub use decimal::MAX_SIZE;
pub use frontier::{Frontier, FrontierError};
pub use hash::{BadHash, Hash};
pub use row::Row;
pub use tile::{Tile, TileError, Tiles, WIDTH};
pub use tile_name::BadTileName;
pub use writer::{File, ResumeError, Writer};

#[cfg(test)]
mod tests;
