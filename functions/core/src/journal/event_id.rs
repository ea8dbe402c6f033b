//! The id of an event: the same whenever the same change is seen, in a stream record that comes again, and in the item that
//! is still there.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{EventKind, Noun};
use crate::{id::BadId, text::serde_as_text};

/// Digits of an ordinal in a sort key.
const DIGITS: usize = 12;

/// Which of the changes of a noun an event is: a number of up to 12 digits. It is the generation of an identifier, or the
/// version of a segment, space or job. Where something happens once in the life of a noun, it is fixed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Ordinal(u64);

impl Ordinal {
    /// The largest ordinal.
    pub const MAX: Self = Self(999_999_999_999);

    /// An ordinal that the program itself names.
    pub(super) const fn fixed(number: u32) -> Self {
        Self(number as u64)
    }

    /// The number.
    pub fn number(self) -> u64 {
        self.0
    }

    /// The one before; of the first, itself.
    #[must_use]
    pub fn before(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

impl TryFrom<u64> for Ordinal {
    type Error = BadId;

    fn try_from(number: u64) -> Result<Self, BadId> {
        if number <= Self::MAX.0 { Ok(Self(number)) } else { Err(BadId("generation or version of up to 12 digits")) }
    }
}

impl TryFrom<i64> for Ordinal {
    type Error = BadId;

    fn try_from(number: i64) -> Result<Self, BadId> {
        Self::try_from(u64::try_from(number).unwrap_or(u64::MAX))
    }
}

impl From<Ordinal> for u64 {
    fn from(ordinal: Ordinal) -> Self {
        ordinal.0
    }
}

/// The id of an event. Its text is `{noun}#{sort key}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    /// What the event is about.
    pub noun: Noun,
    /// Which of the noun's changes it is.
    pub ordinal: Ordinal,
    /// What happened.
    pub kind: EventKind,
}

impl EventId {
    /// The part of a partition key that names the noun.
    pub fn partition(&self) -> String {
        self.noun.to_string()
    }

    /// The sort key, `{ordinal:012}#{kind}`: events of one noun sort by their ordinals.
    pub fn sort_key(&self) -> String {
        format!("{:0DIGITS$}#{}", self.ordinal.0, self.kind)
    }

    /// Reads an id from the two parts of its key.
    pub fn from_keys(partition: &str, sort_key: &str) -> Result<Self, BadId> {
        let bad = BadId("sort key of an event");
        let Some((ordinal, kind)) = sort_key.split_once('#') else { return Err(bad) };
        if ordinal.len() != DIGITS || !ordinal.bytes().all(|b| b.is_ascii_digit()) {
            return Err(bad);
        }
        let ordinal = ordinal.parse().map(Ordinal).map_err(|_| bad)?;
        Ok(Self { noun: partition.parse()?, ordinal, kind: kind.parse()? })
    }
}

impl FromStr for EventId {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        // Neither an ordinal nor a kind has a `#`.
        let end = text.rmatch_indices('#').nth(1).map(|(at, _)| at).ok_or(BadId("id of an event"))?;
        Self::from_keys(&text[..end], &text[end + 1..])
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.noun, self.sort_key())
    }
}

serde_as_text!(EventId);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::IdHash;

    fn id(ordinal: u64, kind: EventKind) -> EventId {
        let noun = Noun::Identifier(IdHash::from_bytes([7; 32]));
        EventId { noun, ordinal: ordinal.try_into().unwrap(), kind }
    }

    #[test]
    fn ids_are_read_back_and_sort_by_ordinal() {
        let other = "hold.placed".parse().unwrap();
        let ids = [
            id(0, EventKind::IdentifierCreated),
            id(9, EventKind::IdentifierRemoved),
            id(10, EventKind::IdentifierCreated),
            id(11, other),
            id(999_999_999_999, EventKind::JournalGap),
        ];
        assert_eq!(ids[1].sort_key(), "000000000009#identifier.removed");
        for id in &ids {
            assert_eq!(id.to_string().parse().as_ref(), Ok(id));
            assert_eq!(EventId::from_keys(&id.partition(), &id.sort_key()).as_ref(), Ok(id));
        }
        assert!(ids.iter().map(EventId::sort_key).is_sorted());
    }

    #[test]
    fn anything_else_is_an_error() {
        let noun = "G#vip";
        for bad in [
            "",
            "#",
            "000000000001",
            "000000000001#",
            "1#job.created",
            "0000000000001#job.created",
            "00000000000x#job.created",
            "+00000000001#job.created",
            "000000000001#job.created#x",
            "000000000001#Job.created",
        ] {
            assert!(EventId::from_keys(noun, bad).is_err(), "{bad}");
            assert!(format!("{noun}#{bad}").parse::<EventId>().is_err(), "{bad}");
        }
        assert!(EventId::from_keys("X", "000000000001#job.created").is_err());
        assert!("000000000001#job.created".parse::<EventId>().is_err());
    }

    #[test]
    fn ordinals_have_twelve_digits() {
        assert_eq!(Ordinal::try_from(999_999_999_999_i64), Ok(Ordinal::MAX));
        for bad in [-1, 1_000_000_000_000, i64::MAX] {
            assert!(Ordinal::try_from(bad).is_err(), "{bad}");
        }
        assert!(Ordinal::try_from(u64::MAX).is_err());
        assert!(serde_json::from_str::<Ordinal>("1000000000000").is_err());
        assert_eq!((Ordinal::fixed(0).before().number(), Ordinal::fixed(5).before().number()), (0, 4));
    }
}
