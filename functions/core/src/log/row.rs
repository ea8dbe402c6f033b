//! The rows of a log's files: its entries, and each level of its tree that has tiles.

/// Levels of the tree from one row of tiles to the next.
pub(super) const HEIGHT: u8 = 8;

/// The levels that a tree of up to [`MAX_SIZE`](super::MAX_SIZE) entries can have.
pub(super) const LEVELS: u8 = 8;

/// What the files of one row hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Row {
    /// Entries: see [`bundle`](super::bundle).
    Entries,
    /// Hashes of one level: of entries at level 0, else of the full tiles of the level below.
    Level(u8),
}

impl Row {
    /// How many hashes, or entries, this row has in a log of so many entries.
    pub(super) fn len(self, size: u64) -> u64 {
        match self {
            Self::Entries => size,
            Self::Level(level) => size.checked_shr(u32::from(HEIGHT) * u32::from(level)).unwrap_or(0),
        }
    }

    /// The rows of a log, each after what it is made of.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        [Self::Entries].into_iter().chain((0..LEVELS).map(Self::Level))
    }
}
