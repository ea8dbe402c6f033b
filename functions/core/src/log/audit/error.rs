//! What can be wrong with a whole log.

use thiserror::Error;

use crate::log::{Hash, LogFull, Tile, TileError};

/// The first thing about a log that does not hold.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum AuditError {
    /// A tile or bundle is missing or cannot be read.
    #[error(transparent)]
    Tile(#[from] TileError),
    /// An entry is not the one that was signed: the tiles lead to the signed root, but this entry does not have the hash
    /// that they have.
    #[error("entry {index} in {} is not the one that was signed", .bundle.path())]
    Entry {
        /// The entry's index in the log.
        index: u64,
        /// The bundle that holds it.
        bundle: Tile,
    },
    /// A tile is not that of the log's entries, which lead to the signed root.
    #[error("{} is not that of the log's entries", .0.path())]
    OtherTile(Tile),
    /// Neither the entries nor the tiles lead to the root that was signed.
    #[error("the first {size} entries have the root {found}, not {signed}")]
    Root {
        /// The size of the checkpoint.
        size: u64,
        /// Its root.
        signed: Hash,
        /// The root that the entries have.
        found: Hash,
    },
    /// More entries than a log can have.
    #[error(transparent)]
    Full(#[from] LogFull),
    /// Not all entries were read; holds how many were.
    #[error("only {0} entries were read")]
    Unfinished(u64),
    /// A tile that the entries make was not compared with the log's.
    #[error("{} was not compared", .0.path())]
    Uncompared(Tile),
}
