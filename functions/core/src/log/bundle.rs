//! Entry bundles, as <https://c2sp.org/tlog-tiles> defines them: up to 256 entries, each after its length in two bytes,
//! big endian.

use thiserror::Error;

use super::{
    entry::{BadEntry, Entry, MAX_ENTRY_BYTES},
    tile::{Tile, TileError, Tiles},
};

/// The longest bundle in bytes: 256 entries, each after its length. Whoever reads a bundle from elsewhere reads no more.
pub const MAX_BUNDLE_BYTES: usize = 256 * (2 + MAX_ENTRY_BYTES);

/// Why bytes are not a bundle.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum BundleError {
    /// The bytes end within an entry; holds the entry's number in the bundle.
    #[error("the bundle ends within entry {0}")]
    Truncated(usize),
    /// What stands there is not an entry.
    #[error("entry {number} of the bundle: {error}")]
    Entry {
        /// Its number in the bundle.
        number: usize,
        /// What is wrong with it.
        error: BadEntry,
    },
    /// Fewer entries than the bundle's name says.
    #[error("the bundle has {found} entries, not {expected}")]
    TooFew {
        /// Entries by its name.
        expected: usize,
        /// Entries that it has.
        found: usize,
    },
    /// The bytes go on after as many entries as the bundle's name says; holds how many.
    #[error("the bundle has more than {0} entries")]
    TooMany(usize),
}

/// Appends an entry to a bundle.
pub fn append(bundle: &mut Vec<u8>, entry: &Entry) {
    bundle.extend_from_slice(&entry.length().to_be_bytes());
    bundle.extend_from_slice(entry.as_bytes());
}

/// The bundle of these entries.
pub fn encode<'a>(entries: impl IntoIterator<Item = &'a Entry<'a>>) -> Vec<u8> {
    let mut bundle = Vec::new();
    entries.into_iter().for_each(|entry| append(&mut bundle, entry));
    bundle
}

/// The entries of a bundle, which must be as many as its name says: [`Tile::width`].
pub fn decode(bundle: &[u8], width: usize) -> Result<Vec<Entry<'_>>, BundleError> {
    let (mut entries, mut rest) = (Vec::new(), bundle);
    while !rest.is_empty() {
        let number = entries.len();
        if number == width {
            return Err(BundleError::TooMany(width));
        }
        let (entry, after) = split(rest).ok_or(BundleError::Truncated(number))?;
        entries.push(Entry::from_bytes(entry).map_err(|error| BundleError::Entry { number, error })?);
        rest = after;
    }
    if entries.len() == width {
        Ok(entries)
    } else {
        Err(BundleError::TooFew { expected: width, found: entries.len() })
    }
}

/// The entries of this bundle among the files that were read: from itself, or from the full bundle that it became.
pub fn entries(bundle: Tile, read: &Tiles) -> Result<Vec<Entry<'_>>, TileError> {
    let (found, bytes) = bundle.find(read)?;
    let mut entries = decode(bytes, found.width()).map_err(|error| TileError::Bundle { bundle: found, error })?;
    entries.truncate(bundle.width());
    Ok(entries)
}

/// The entry with this index in the log, which this bundle holds, among the files that were read.
pub fn entry(bundle: Tile, index: u64, read: &Tiles) -> Result<Entry<'static>, TileError> {
    let mut numbered = bundle.entries().zip(entries(bundle, read)?);
    let found = numbered.find(|(number, _)| *number == index);
    found.map(|(_, entry)| entry.into_owned()).ok_or(TileError::Missing(bundle))
}

/// The first entry of what is left of a bundle, and what follows it; `None` where it is cut off.
pub(crate) fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(u16::from_be_bytes(*length).into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(text: &str) -> Entry<'_> {
        Entry::new(text).unwrap()
    }

    #[test]
    fn lengths_are_two_bytes() {
        let longest = "7".repeat(MAX_ENTRY_BYTES);
        let entries = ["", "ab", &longest].map(entry);
        let bundle = encode(&entries);
        assert_eq!(bundle[..8], [0, 0, 0, 2, b'a', b'b', 0xff, 0xff]);
        assert_eq!(decode(&bundle, 3).unwrap(), entries);
        let full = encode(&vec![entry(&longest); 256]);
        assert_eq!((full.len(), decode(&full, 256).unwrap().len()), (MAX_BUNDLE_BYTES, 256));
    }

    #[test]
    fn a_bundle_has_all_its_entries_and_no_more() {
        let not_text = BundleError::Entry { number: 1, error: BadEntry::NotText };
        for (bytes, width, error) in [
            (&b""[..], 1, BundleError::TooFew { expected: 1, found: 0 }),
            (&[0][..], 1, BundleError::Truncated(0)),
            (&[0, 1][..], 1, BundleError::Truncated(0)),
            (&[0, 0, 0, 2, 1][..], 2, BundleError::Truncated(1)),
            (&[0, 1, 5, 0][..], 2, BundleError::Truncated(1)),
            (&[0, 1, 5, 0][..], 1, BundleError::TooMany(1)),
            (&[0, 1, 5, 0, 0][..], 1, BundleError::TooMany(1)),
            (&[0, 0][..], 0, BundleError::TooMany(0)),
            (&[0, 0, 0, 1, 0xff, 0, 0][..], 3, not_text),
        ] {
            assert_eq!(decode(bytes, width), Err(error), "{bytes:?}");
        }
        assert_eq!(decode(b"", 0), Ok(Vec::new()));
    }

    #[test]
    fn no_more_entries_are_kept_than_the_name_says() {
        // What comes after them is not even looked at.
        let zeros = vec![0; 1 << 20];
        assert_eq!(decode(&zeros, 256), Err(BundleError::TooMany(256)));
        let bad_end = [&zeros[..2], &[0, 1, 0xff]].concat();
        assert_eq!(decode(&bad_end, 1), Err(BundleError::TooMany(1)));
    }

    #[test]
    fn a_full_bundle_serves_in_the_place_of_a_partial_one() {
        let all: Vec<_> = (0..256).map(crate::log::tests::entry).collect();
        let (partial, full) = (Tile::parse("entries/000.p/3").unwrap(), Tile::parse("entries/000").unwrap());
        let read = |tile, content: &[Entry]| Tiles::from([(tile, encode(content))]);
        for read in [read(partial, &all[..3]), read(full, &all)] {
            assert_eq!(entries(partial, &read).unwrap(), all[..3]);
            assert_eq!(super::entry(partial, 2, &read).as_ref(), Ok(&all[2]));
            assert_eq!(super::entry(partial, 3, &read), Err(TileError::Missing(partial)));
        }
        let error = BundleError::TooFew { expected: 256, found: 255 };
        assert_eq!(entries(partial, &read(full, &all[..255])), Err(TileError::Bundle { bundle: full, error }));
        assert_eq!(entries(partial, &Tiles::new()), Err(TileError::Missing(partial)));
    }

    proptest! {
        #[test]
        fn entries_come_back(texts: Vec<String>) {
            let entries: Vec<_> = texts.iter().map(|text| entry(text)).collect();
            let bundle = encode(&entries);
            prop_assert_eq!(decode(&bundle, entries.len()).unwrap(), entries);
        }

        #[test]
        fn any_bytes_are_a_bundle_or_an_error(bytes: Vec<u8>, width in 0usize..10) {
            if let Ok(entries) = decode(&bytes, width) {
                prop_assert_eq!(encode(&entries), bytes);
            }
        }
    }
}
