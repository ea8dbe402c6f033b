//! The id of an event: the same whenever the same change is seen, in a stream record that comes again, and in the item that
//! is still there.
//!
//! The ordinal alone does not make it so. In a table that was restored from a backup, items go on from where they were then,
//! so that an ordinal comes again with another change; and a writer of an earlier version changes an identifier without
//! counting. So the time is part of the id: the one that the item itself bears.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{EventKind, Noun};
use crate::{id::BadId, text::serde_as_text, time::Time};

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

/// The id of an event. Its text is `{noun}#{sort key}`. Ids of one noun sort in the order in which its events happened: by
/// ordinal, then by time. The numbers of entries tell nothing of that: an entry may come late.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    /// What the event is about.
    pub noun: Noun,
    /// Which of the noun's changes it is.
    pub ordinal: Ordinal,
    /// When it happened, as the item says; where it does not say, when the stream recorded it.
    pub time: Time,
    /// What happened.
    pub kind: EventKind,
}

impl EventId {
    /// The sort key, `{ordinal:012}#{time}#{kind}`: the ids of one noun sort by it.
    pub fn sort_key(&self) -> String {
        let Self { ordinal, time, kind, .. } = self;
        format!("{:0DIGITS$}#{time}#{kind}", ordinal.0)
    }
}

impl FromStr for EventId {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let bad = || BadId("id of an event");
        let mut parts = text.rsplitn(4, '#');
        let mut next = || parts.next().ok_or(bad());
        let (kind, time, ordinal, noun) = (next()?, next()?, next()?, next()?);
        let ordinal = ordinal.parse().map(Ordinal).map_err(|_| bad())?;
        let time = Time::parse(time).map_err(|_| bad())?;
        let id = Self { noun: noun.parse()?, ordinal, time, kind: kind.parse()? };
        if id.to_string() == text { Ok(id) } else { Err(bad()) }
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
    use crate::{deletion::tests::at, key::IdHash};

    fn id(ordinal: u64, second: i64, kind: EventKind) -> EventId {
        let noun = Noun::Identifier(IdHash::from_bytes([7; 32]));
        EventId { noun, ordinal: ordinal.try_into().unwrap(), time: at(second), kind }
    }

    #[test]
    fn ids_are_read_back_and_sort_by_ordinal_and_time() {
        let ids = [
            id(0, 99, EventKind::IdentifierCreated),
            id(9, 3, EventKind::IdentifierRemoved),
            id(9, 4, EventKind::IdentifierCreated),
            id(10, 4, EventKind::IdentifierCreated),
            id(11, 4, "hold.placed".parse().unwrap()),
            id(999_999_999_999, 0, EventKind::JournalGap),
        ];
        assert_eq!(ids[1].sort_key(), "000000000009#1970-01-01T00:00:03.000Z#identifier.removed");
        assert!(ids.iter().all(|id| id.to_string().parse().as_ref() == Ok(id)));
        assert!(ids.iter().map(EventId::sort_key).is_sorted() && ids.is_sorted());
    }

    #[test]
    fn anything_else_is_an_error() {
        let time = "1970-01-01T00:00:03.000Z";
        for bad in [
            "",
            "#",
            "000000000001",
            &format!("000000000001#{time}"),
            &format!("000000000001#{time}#"),
            "000000000001#job.created",
            "000000000001#1970-01-01T00:00:03Z#job.created",
            "000000000001#now#job.created",
            &format!("1#{time}#job.created"),
            &format!("0000000000001#{time}#job.created"),
            &format!("00000000000x#{time}#job.created"),
            &format!("+00000000001#{time}#job.created"),
            &format!("000000000001#{time}#job.created#x"),
            &format!("000000000001#{time}#Job.created"),
        ] {
            assert!(format!("G#vip#{bad}").parse::<EventId>().is_err(), "{bad}");
        }
        let key = format!("000000000001#{time}#job.created");
        for (noun, is_good) in [("G#vip#", true), ("X#", false), ("", false), ("G#", false)] {
            assert_eq!(format!("{noun}{key}").parse::<EventId>().is_ok(), is_good, "{noun}");
        }
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
