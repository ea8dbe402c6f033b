//! How many entries there are of each kind and day: what reports and charts ask for.
//!
//! A day's counts are one item. Once a pack is committed, one update for each of its days adds its counts and sets `until` to
//! the pack's end, on the condition that there is no `until` yet, or that it is less. Packs are counted in their order, and
//! the head's cursor moves when all days of a pack are done. So a pack that is counted again, or by two at the same time, adds
//! nothing, and a pack may have any number of days: these are too many for one transaction.

use std::{borrow::Cow, collections::BTreeMap, fmt, str::FromStr};

use super::{EventId, EventKind, Pack};
use crate::{id::BadId, time::Time};

/// A day in UTC, written `2026-01-31`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(Cow<'static, str>);

impl Day {
    /// The last day that a time can have: all others are before it.
    pub const LAST: Self = Self(Cow::Borrowed("9999-12-31"));

    /// The day of a time.
    pub fn of(time: Time) -> Self {
        let text = time.to_string();
        Self(text.split_once('T').map_or_else(|| text.clone(), |(day, _)| day.to_owned()).into())
    }
}

impl FromStr for Day {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let day = Time::parse(&format!("{text}T00:00:00Z")).map(Self::of).map_err(|_| BadId("day"))?;
        if day.0 == text { Ok(day) } else { Err(BadId("day")) }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How many entries a pack has of each kind, by the day on which the event happened: an update for each day.
pub fn counts(pack: &Pack) -> BTreeMap<Day, BTreeMap<EventKind, u64>> {
    let mut counts: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    for entry in pack.entries() {
        let EventId { time, kind, .. } = entry.id();
        *counts.entry(Day::of(*time)).or_default().entry(kind.clone()).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{
        Entry,
        samples::{job_entries, removed, space, token_entry},
    };

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    #[test]
    fn days_are_in_utc() {
        for (time, expected) in [
            ("2026-01-31T23:59:59.999Z", "2026-01-31"),
            ("2026-02-01T00:00:00Z", "2026-02-01"),
            ("2026-02-01T00:30:00+01:00", "2026-01-31"),
        ] {
            assert_eq!(Day::of(Time::parse(time).unwrap()), day(expected), "{time}");
        }
        for bad in ["", "2026-1-1", "2026-02-30", "20260101", "2026-01-01T00:00:00Z"] {
            assert!(bad.parse::<Day>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_pack_is_counted_by_day_and_kind() {
        let mut late = removed(900);
        late.id.time = Time::parse("2026-03-01T00:00:00Z").unwrap();
        let entries = [job_entries(3), vec![token_entry(), Entry::captured(&space(), &late).unwrap()]].concat();
        let first = [(EventKind::IdentifierRemoved, 3), (EventKind::TokenCreated, 1)].into();
        let expected = [(day("2026-01-01"), first), (day("2026-03-01"), [(EventKind::IdentifierRemoved, 1)].into())];
        assert_eq!(counts(&Pack::new(0, entries).unwrap()), expected.into());
    }
}
