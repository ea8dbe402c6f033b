//! What an event is about. It names the partition of the event's index item, so that all events of one thing are together.

use std::{fmt, str::FromStr};

use crate::{
    id::{BadId, ProfileId},
    job::JobId,
    key::{IdHash, debug_as_fingerprint, hash_as_text},
    log::Hash,
    segment::SegmentId,
    text::serde_as_text,
    token::TokenId,
};

/// The longest text of a noun that this version does not know, after its letter, in characters.
const MAX_OTHER: usize = 128;

/// What an event is about, within its space. Its text is a letter, `#`, and an id of `A-Z a-z 0-9 _ . -`; the letters are
/// those of the table's keys, but for that of a leaf, which has no item. No text holds personal data.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Noun {
    /// An identifier, by its keyed hash.
    Identifier(IdHash),
    /// A profile.
    Profile(ProfileId),
    /// A job.
    Job(JobId),
    /// A segment.
    Segment(SegmentId),
    /// A token.
    Token(TokenId),
    /// The space itself.
    Space,
    /// What it is about is lost: only the leaf is known, and stands for it. See [`refill`](super::refill).
    Leaf(LeafId),
    /// Something that a later version added.
    Other(OtherNoun),
}

/// The hash of a leaf, as the noun of an entry of which only the leaf is known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeafId([u8; 32]);

impl LeafId {
    /// That of the leaf with this hash.
    pub fn of(leaf_hash: Hash) -> Self {
        Self(*leaf_hash.as_bytes())
    }
}

hash_as_text!(LeafId, "hash of a leaf");
debug_as_fingerprint!(LeafId);

/// The text of a noun that this version does not know. It is made only by [`Noun::from_str`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OtherNoun(String);

impl FromStr for Noun {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let bad = BadId("noun of an event");
        let Some((letter, id)) = text.split_once('#') else { return Err(bad) };
        let noun = match letter {
            "I" => id.parse().ok().map(Self::Identifier),
            "P" => id.parse().ok().map(Self::Profile),
            "J" => id.parse().ok().map(Self::Job),
            "G" => id.parse().ok().map(Self::Segment),
            "T" => id.parse().ok().map(Self::Token),
            "S" => (id == "-").then_some(Self::Space),
            "L" => id.parse().ok().map(Self::Leaf),
            _ => (is_letter(letter) && is_id(id)).then(|| Self::Other(OtherNoun(text.to_owned()))),
        };
        noun.ok_or(bad)
    }
}

fn is_letter(text: &str) -> bool {
    text.len() == 1 && text.bytes().all(|b| b.is_ascii_uppercase())
}

fn is_id(text: &str) -> bool {
    (1..=MAX_OTHER).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

impl fmt::Display for Noun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identifier(hash) => write!(f, "I#{hash}"),
            Self::Profile(profile) => write!(f, "P#{profile}"),
            Self::Job(job) => write!(f, "J#{job}"),
            Self::Segment(segment) => write!(f, "G#{segment}"),
            Self::Token(token) => write!(f, "T#{token}"),
            Self::Space => f.write_str("S#-"),
            Self::Leaf(leaf) => write!(f, "L#{leaf}"),
            Self::Other(other) => f.write_str(&other.0),
        }
    }
}

serde_as_text!(Noun);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deletion::tests::{profile, request};

    #[test]
    fn texts_are_read_back() {
        for noun in [
            Noun::Identifier(IdHash::from_bytes([7; 32])),
            Noun::Profile(profile(1)),
            Noun::Job(JobId::of_request(request(1))),
            Noun::Segment("seg_vip.1-A".parse().unwrap()),
            Noun::Token("tok_1".parse().unwrap()),
            Noun::Space,
            Noun::Leaf(LeafId::of(Hash::EMPTY_ROOT)),
        ] {
            assert_eq!(noun.to_string().parse().as_ref(), Ok(&noun));
            assert!(!matches!(noun, Noun::Other(_)));
        }
    }

    #[test]
    fn nouns_of_later_versions_are_kept_and_all_else_is_an_error() {
        for text in ["H#x", "H#hold_1.-A"] {
            let noun: Noun = text.parse().unwrap();
            assert!(matches!(noun, Noun::Other(_)), "{text}");
            assert_eq!(noun.to_string(), text);
        }
        let long = format!("H#{}", "x".repeat(MAX_OTHER + 1));
        for bad in [
            "", "I", "I#", "I#x", "P#use_1", "J#1", "G#", "T#1", "S#", "S#x", "L#x", "H#", "H#a#b", "h#a", "HH#a",
            &long,
        ] {
            assert!(bad.parse::<Noun>().is_err(), "{bad}");
        }
    }
}
