//! Packs: up to 100 entries in one item. Everything that committing them needs, and their index and counts, follows from a
//! pack.
//!
//! Its bytes are a version byte, 1, and after it, deflated (RFC 1951), each entry: its leaf and its private part, each after
//! its length in two bytes, big endian. The number of the first entry is the pack's key.

use std::collections::BTreeSet;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use thiserror::Error;

use super::{Entry, EntryError, EventId};
use crate::{log::bundle, space::SpaceId};

/// The most entries of a pack.
pub const MAX_ENTRIES: usize = 100;

/// The most bytes of a pack before it is deflated: enough for the longest entries that this version writes.
pub const MAX_INFLATED: usize = 256 << 10;

/// The form of the packs that this version writes, and reads.
const VERSION: u8 = 1;

/// Why entries or bytes are no pack. No message quotes them.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PackError {
    /// There are no entries.
    #[error("a pack without entries")]
    Empty,
    /// More than [`MAX_ENTRIES`].
    #[error("a pack has at most 100 entries")]
    TooMany,
    /// More than [`MAX_INFLATED`] bytes of entries.
    #[error("a pack has at most 262,144 bytes before it is deflated")]
    TooLarge,
    /// Its last number would be over [`u64::MAX`].
    #[error("the number of the first entry is too large")]
    Number,
    /// Two entries of one event.
    #[error("a pack has two entries of one event")]
    Repeated,
    /// Entries of different spaces.
    #[error("a pack has entries of two spaces")]
    Spaces,
    /// Entries of another space than the one in whose journal the pack stands.
    #[error("a pack with the entries of another space")]
    Elsewhere,
    /// Another form: this version is too old for it. Holds the version byte.
    #[error("a pack of version {0}, which this version of Efface cannot read")]
    Version(u8),
    /// The bytes end before the entries do.
    #[error("a pack that is cut off")]
    Truncated,
    /// Bytes follow the entries.
    #[error("a pack with bytes after its end")]
    Trailing,
    /// What is deflated is damaged.
    #[error("a pack that cannot be inflated")]
    Damaged,
    /// An entry cannot be read; holds its place in the pack.
    #[error("entry {0} of the pack: {1}")]
    Entry(usize, EntryError),
}

/// How many of these entries, from the first on, make one pack: as many as the limits of a pack allow.
pub fn fitting(entries: &[Entry]) -> usize {
    let sizes = entries.iter().take(MAX_ENTRIES).scan(0, |sum, entry| {
        *sum += inflated_len(entry);
        Some(*sum)
    });
    sizes.take_while(|sum| *sum <= MAX_INFLATED).count()
}

fn inflated_len(entry: &Entry) -> usize {
    4 + entry.leaf_json().as_bytes().len() + entry.private_json().as_bytes().len()
}

/// From 1 to [`MAX_ENTRIES`] entries of one space, each of another event, with consecutive numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pack {
    space: SpaceId,
    first: u64,
    entries: Vec<Entry>,
}

impl Pack {
    /// A pack of these entries, whose first one has this number.
    pub fn new(first: u64, entries: Vec<Entry>) -> Result<Self, PackError> {
        first.checked_add(entries.len() as u64).ok_or(PackError::Number)?;
        if entries.len() > MAX_ENTRIES {
            return Err(PackError::TooMany);
        }
        let space = entries.first().ok_or(PackError::Empty)?.space().clone();
        if entries.iter().any(|entry| *entry.space() != space) {
            return Err(PackError::Spaces);
        }
        let ids: BTreeSet<&EventId> = entries.iter().map(Entry::id).collect();
        if ids.len() < entries.len() {
            return Err(PackError::Repeated);
        }
        let pack = Self { space, first, entries };
        if pack.inflated_len() > MAX_INFLATED { Err(PackError::TooLarge) } else { Ok(pack) }
    }

    /// The number of its first entry.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// The number after that of its last entry: the first of the next pack.
    pub fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    /// The space of its entries.
    pub fn space(&self) -> &SpaceId {
        &self.space
    }

    /// Its entries.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Its entries with their numbers.
    pub fn numbered(&self) -> impl Iterator<Item = (u64, &Entry)> {
        (self.first..).zip(&self.entries)
    }

    fn inflated_len(&self) -> usize {
        self.entries.iter().map(inflated_len).sum()
    }

    /// Its bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>, PackError> {
        let mut inflated = Vec::with_capacity(self.inflated_len());
        for entry in &self.entries {
            bundle::append(&mut inflated, entry.leaf_json());
            bundle::append(&mut inflated, entry.private_json());
        }
        Ok([vec![VERSION], deflate(&inflated)?].concat())
    }

    /// Reads the bytes of the pack that stands in the journal of this space, under the number of its first entry. Anything but
    /// exactly a pack of that space is an error.
    pub fn read(space: &SpaceId, first: u64, bytes: &[u8]) -> Result<Self, PackError> {
        let (version, deflated) = bytes.split_first().ok_or(PackError::Truncated)?;
        if *version != VERSION {
            return Err(PackError::Version(*version));
        }
        let inflated = inflate(deflated)?;
        let (mut rest, mut entries) = (inflated.as_slice(), Vec::new());
        while !rest.is_empty() {
            if entries.len() == MAX_ENTRIES {
                return Err(PackError::TooMany);
            }
            let (leaf, after) = bundle::split(rest).ok_or(PackError::Truncated)?;
            let (private, after) = bundle::split(after).ok_or(PackError::Truncated)?;
            entries.push(Entry::read(leaf, private).map_err(|error| PackError::Entry(entries.len(), error))?);
            rest = after;
        }
        let pack = Self::new(first, entries)?;
        if pack.space == *space { Ok(pack) } else { Err(PackError::Elsewhere) }
    }
}

fn deflate(inflated: &[u8]) -> Result<Vec<u8>, PackError> {
    // What cannot be compressed grows by 5 bytes in 64 KiB at most, and by less than 64.
    let mut deflated = Vec::with_capacity(inflated.len() + inflated.len() / 1_024 + 64);
    let mut stream = Compress::new(Compression::best(), false);
    match stream.compress_vec(inflated, &mut deflated, FlushCompress::Finish) {
        Ok(Status::StreamEnd) => Ok(deflated),
        _ => Err(PackError::TooLarge),
    }
}

/// Inflates at most [`MAX_INFLATED`] bytes. A reader of flate2 would take a stream that is cut off for one that ends.
fn inflate(deflated: &[u8]) -> Result<Vec<u8>, PackError> {
    let mut inflated = Vec::with_capacity(MAX_INFLATED + 1);
    let mut stream = Decompress::new(false);
    let status = stream.decompress_vec(deflated, &mut inflated, FlushDecompress::Finish);
    match status.map_err(|_| PackError::Damaged)? {
        _ if inflated.len() > MAX_INFLATED => Err(PackError::TooLarge),
        Status::StreamEnd if stream.total_in() < deflated.len() as u64 => Err(PackError::Trailing),
        Status::StreamEnd => Ok(inflated),
        Status::Ok | Status::BufError => Err(PackError::Truncated),
    }
}

#[cfg(test)]
mod tests;
