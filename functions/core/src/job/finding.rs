//! What a dry run finds: the profiles, each with the version that it had. An executed plan deletes these and no others, and
//! none that has changed since.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use super::{Outcome, chunk::Outcomes};
use crate::id::{BadId, ProfileId};

/// A profile that a row of a dry run found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// Its root.
    pub root: ProfileId,
    /// The version of the root's head.
    pub version: i64,
}

/// The length of a packed finding.
const LENGTH: usize = 28;

/// Packs findings with their rows' numbers within the page: 4, 16 and 8 bytes each.
pub fn pack(findings: &[(u32, Finding)]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(findings.len() * LENGTH);
    for (row, Finding { root, version }) in findings {
        bytes.extend(row.to_be_bytes());
        bytes.extend(root.as_bytes());
        bytes.extend(version.to_be_bytes());
    }
    bytes
}

/// Unpacks findings; `None` where the bytes are not what [`pack`] makes.
pub fn unpack(bytes: &[u8]) -> Option<Vec<(u32, Finding)>> {
    let (all, rest) = bytes.as_chunks::<LENGTH>();
    let finding = |bytes: &[u8; LENGTH]| {
        let (row, rest) = bytes.split_first_chunk()?;
        let (root, rest) = rest.split_first_chunk()?;
        let (version, _) = rest.split_first_chunk()?;
        let finding = Finding { root: ProfileId::from_bytes(*root), version: i64::from_be_bytes(*version) };
        Some((u32::from_be_bytes(*row), finding))
    };
    if rest.is_empty() { all.iter().map(finding).collect() } else { None }
}

/// The digest of what a job found or did, page by page: SHA-256 over the digest so far, the page's number in 4 bytes,
/// and
/// - of a dry run its findings in the order of their rows: two plans with one digest would delete the same profiles, in
///   the same versions;
/// - of any other job the outcomes of its rows in their order, a byte for each: the number of the [`Outcome`]. Whoever
///   has the list of outcomes can make it again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FindingsDigest([u8; 32]);

impl FindingsDigest {
    /// The digest with one page more. Pages come in the order of their numbers.
    #[must_use]
    pub fn with(self, page: u32, findings: &[(u32, Finding)]) -> Self {
        let hash = Sha256::new().chain_update(self.0).chain_update(page.to_be_bytes());
        Self(hash.chain_update(pack(findings)).finalize().into())
    }

    /// The digest with the outcomes of one page more, by its chunks in their order.
    #[must_use]
    pub fn with_outcomes<'a>(self, page: u32, chunks: impl IntoIterator<Item = &'a Outcomes>) -> Self {
        let hash = Sha256::new().chain_update(self.0).chain_update(page.to_be_bytes());
        let number = |(_, outcome): (_, Option<Outcome>)| outcome.map_or(0, |outcome| outcome as u8);
        let numbers = |outcomes: &Outcomes| outcomes.iter().map(number).collect::<Vec<_>>();
        let hash = chunks.into_iter().fold(hash, |hash, outcomes| hash.chain_update(numbers(outcomes)));
        Self(hash.finalize().into())
    }
}

impl std::str::FromStr for FindingsDigest {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or(BadId("digest"))
    }
}

impl std::fmt::Display for FindingsDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

crate::text::serde_as_text!(FindingsDigest);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn finding(byte: u8, version: i64) -> Finding {
        Finding { root: ProfileId::from_bytes([byte; 16]), version }
    }

    proptest! {
        #[test]
        fn findings_come_back(all in proptest::collection::vec(any::<(u32, u8, i64)>(), 0..50)) {
            let findings: Vec<_> = all.into_iter().map(|(row, byte, version)| (row, finding(byte, version))).collect();
            prop_assert_eq!(unpack(&pack(&findings)), Some(findings));
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = unpack(&bytes);
        }
    }

    #[test]
    fn a_digest_changes_with_whatever_was_found() {
        let page = [(0, finding(1, 1)), (2, finding(2, 1))];
        let digest = FindingsDigest::default().with(0, &page);
        assert_eq!(digest, FindingsDigest::default().with(0, &page));
        assert_eq!(digest.to_string().parse(), Ok(digest));
        for other in [
            FindingsDigest::default(),
            FindingsDigest::default().with(1, &page),
            FindingsDigest::default().with(0, &page[..1]),
            FindingsDigest::default().with(0, &[(0, finding(1, 2)), page[1]]),
            FindingsDigest::default().with(0, &[(1, finding(1, 1)), page[1]]),
            digest.with(1, &[]),
        ] {
            assert_ne!(digest, other);
        }
    }

    #[test]
    fn a_digest_of_outcomes_is_what_it_says() {
        let of = |numbers: &[u8]| {
            let packed: Vec<u8> = numbers.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).unwrap_or(&0)).collect();
            Outcomes::from_bytes(&packed, numbers.len()).unwrap()
        };
        let first = FindingsDigest::default().with_outcomes(0, [&of(&[1, 2, 3]), &of(&[6])]);
        // Computed with Python's hashlib: over 32 zero bytes, 00000000 and 01020306; then over that, 00000007 and 0503.
        assert_eq!(first.to_string(), "TdLMd6Tfh1mrCgtJg8mOzARVz9B2JkJkve8CmY2WhSk");
        // A near miss is `not_found`.
        assert_eq!(first.with_outcomes(7, [&of(&[5, 8])]).to_string(), "aBJKJ1lNFgh-fmuvTLWUa2Gmif2xirILW7k97K7-4t8");
        assert_eq!(first, FindingsDigest::default().with_outcomes(0, [&of(&[1, 2, 3, 6])]), "chunks leave no trace");
    }
}
