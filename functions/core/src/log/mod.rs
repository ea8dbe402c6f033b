//! The transparency log: entries that are only ever appended, and proofs about them that an outsider can check.
//!
//! A log is a Merkle tree over its entries ([`struct@Hash`], [`Frontier`]), published as files that never change ([`Tile`],
//! [`bundle`], [`Writer`]). Its head is a [`Checkpoint`], a signed [`note`]. Of it follow [`proof`]s, and a [`receipt`] for
//! an entry, which anyone can [`verify`](mod@verify) offline; who has the whole log can [`Audit`] it, and who copies it
//! verifies each file by the one above it ([`KnownTile`]). An [`Entry`] is any
//! text to most of this. To receipts it is a leaf, the public part of an entry of the journal, which names an identifier by
//! a [`Commitment`].
//!
//! The formats are not ours: they are those of <https://c2sp.org/tlog-tiles> and of the pages that it names, so that
//! programs that others wrote can read a log and verify it. What a format leaves open is decided in its module.

mod audit;
pub mod bundle;
mod checkpoint;
mod commitment;
mod decimal;
mod descent;
mod entry;
mod extension;
mod frontier;
mod hash;
mod key_list;
pub mod note;
pub mod proof;
mod rate;
pub mod receipt;
mod row;
mod succession;
mod tile;
mod tile_name;
pub mod verify;
mod writer;

pub use audit::{Audit, AuditError};
pub use checkpoint::{Checkpoint, CheckpointError, Origin};
pub use commitment::{BadLogKey, Commitment, LogKey, Nonce};
pub use decimal::MAX_SIZE;
pub use descent::{KnownTile, TileBelow};
pub use entry::{BadEntry, Entry, MAX_ENTRY_BYTES};
pub use extension::{Extension, ExtensionError};
pub use frontier::{Frontier, FrontierError, LogFull};
pub use hash::{BadHash, Hash};
pub use key_list::{BadKeyList, KeyList, KeyListError, KeyUse};
pub use rate::{Rate, Wake};
pub use row::Row;
pub use succession::{Conflict, NotCommitted, Succession};
pub use tile::{Tile, TileError, Tiles, WIDTH};
pub use tile_name::BadTileName;
pub use writer::{File, ResumeError, Writer};

#[cfg(test)]
mod tests;
