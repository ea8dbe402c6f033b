//! Entry bundles, as <https://c2sp.org/tlog-tiles> defines them: up to 256 entries, each after its length in two bytes,
//! big endian.

use thiserror::Error;

/// An entry is longer than 65,535 bytes; holds its length.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("a log's entry has at most 65,535 bytes, not {0}")]
pub struct EntryTooLong(pub usize);

/// Why bytes are not a bundle.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum BundleError {
    /// The bytes end within an entry; holds the entry's number in the bundle.
    #[error("the bundle ends within entry {0}")]
    Truncated(usize),
    /// More or fewer entries than the bundle's name says.
    #[error("the bundle has {found} entries, not {expected}")]
    Count {
        /// Entries by its name.
        expected: usize,
        /// Entries that it has.
        found: usize,
    },
}

/// Appends an entry to a bundle.
pub fn append(bundle: &mut Vec<u8>, entry: &[u8]) -> Result<(), EntryTooLong> {
    let length = u16::try_from(entry.len()).map_err(|_| EntryTooLong(entry.len()))?;
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    Ok(())
}

/// The bundle of these entries.
pub fn encode<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, EntryTooLong> {
    let mut bundle = Vec::new();
    entries.into_iter().try_for_each(|entry| append(&mut bundle, entry))?;
    Ok(bundle)
}

/// The entries of a bundle, which must be as many as its name says: [`Tile::width`](super::Tile::width).
pub fn decode(bundle: &[u8], width: usize) -> Result<Vec<&[u8]>, BundleError> {
    let (mut entries, mut rest) = (Vec::new(), bundle);
    while !rest.is_empty() {
        let (entry, after) = split(rest).ok_or(BundleError::Truncated(entries.len()))?;
        entries.push(entry);
        rest = after;
    }
    if entries.len() == width { Ok(entries) } else { Err(BundleError::Count { expected: width, found: entries.len() }) }
}

fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(u16::from_be_bytes(*length).into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths_are_two_bytes() {
        let longest = vec![7; 65_535];
        let bundle = encode([&b""[..], b"ab", &longest]).unwrap();
        assert_eq!(bundle[..8], [0, 0, 0, 2, b'a', b'b', 0xff, 0xff]);
        assert_eq!(decode(&bundle, 3).unwrap(), [&b""[..], b"ab", &longest]);
        assert_eq!(encode([&*vec![7; 65_536]]), Err(EntryTooLong(65_536)));
    }

    #[test]
    fn a_bundle_has_all_its_entries_and_no_more() {
        for (bytes, width, error) in [
            (&b""[..], 1, BundleError::Count { expected: 1, found: 0 }),
            (&[0][..], 1, BundleError::Truncated(0)),
            (&[0, 1][..], 1, BundleError::Truncated(0)),
            (&[0, 0, 0, 2, 1][..], 2, BundleError::Truncated(1)),
            (&[0, 1, 5, 0][..], 1, BundleError::Truncated(1)),
            (&[0, 1, 5, 0, 0][..], 1, BundleError::Count { expected: 1, found: 2 }),
        ] {
            assert_eq!(decode(bytes, width), Err(error), "{bytes:?}");
        }
        assert_eq!(decode(b"", 0), Ok(Vec::new()));
    }

    proptest! {
        #[test]
        fn entries_come_back(entries: Vec<Vec<u8>>) {
            let bundle = encode(entries.iter().map(Vec::as_slice)).unwrap();
            prop_assert_eq!(decode(&bundle, entries.len()).unwrap(), entries);
        }

        #[test]
        fn any_bytes_are_a_bundle_or_an_error(bytes: Vec<u8>, width in 0usize..10) {
            if let Ok(entries) = decode(&bytes, width) {
                prop_assert_eq!(encode(entries).unwrap(), bytes);
            }
        }
    }
}
