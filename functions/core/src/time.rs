//! Points in time as the API and the table write them: RFC 3339, UTC, milliseconds.

use jiff::{SignedDuration, Timestamp};
use thiserror::Error;

use crate::message::Words;

/// The text is not an RFC 3339 time with an offset.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("a time must be RFC 3339 with an offset, such as 2026-01-01T00:00:00Z")]
pub struct BadTime;

impl Words for BadTime {}

/// A point in time, to the millisecond. Its text sorts as the time does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, utoipa::ToSchema)]
#[schema(value_type = String, format = DateTime)]
pub struct Time(Timestamp);

impl Time {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(Timestamp::UNIX_EPOCH);

    /// The time that many milliseconds after 1970-01-01T00:00:00Z. `None` if [`Timestamp`] can't hold it.
    pub fn from_millis(millis: i64) -> Option<Self> {
        Timestamp::from_millisecond(millis).ok().map(Self)
    }

    /// Parses RFC 3339 text with any offset. Fractions finer than a millisecond are cut off.
    ///
    /// # Errors
    /// [`BadTime`] if the text is malformed or has no offset.
    pub fn parse(text: &str) -> Result<Self, BadTime> {
        let time: Timestamp = text.parse().map_err(|_| BadTime)?;
        Self::from_millis(time.as_millisecond()).ok_or(BadTime)
    }

    /// Whole seconds since 1970-01-01T00:00:00Z. Rate limits count deletions by this UTC clock second.
    pub fn second(self) -> i64 {
        self.0.as_second()
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub fn millis(self) -> i64 {
        self.0.as_millisecond()
    }

    /// This time plus a number of seconds (minus, if negative). The result stops at the earliest and the latest time
    /// that [`Timestamp`] can hold.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(self.0))
    }

    /// This time, if it is later than `before`; else the first time after that. So two versions of a record never bear
    /// the same time, whatever the clocks say.
    #[must_use]
    pub fn after(self, before: Option<Self>) -> Self {
        let next = |before: Self| Self(before.0.saturating_add(SignedDuration::from_millis(1)).unwrap_or(before.0));
        before.map_or(self, |before| self.max(next(before)))
    }

    /// The latest time before this one: a millisecond earlier.
    #[must_use]
    pub fn just_before(self) -> Self {
        Self(self.0.saturating_sub(SignedDuration::from_millis(1)).unwrap_or(self.0))
    }
}

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.3}", self.0)
    }
}

impl serde::Serialize for Time {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Time {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_in_milliseconds_and_utc() {
        for (given, written) in [
            ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000Z"),
            ("2026-01-01T01:00:00.1239+01:00", "2026-01-01T00:00:00.123Z"),
        ] {
            assert_eq!(Time::parse(given).unwrap().to_string(), written);
        }
        for bad in ["", "yesterday", "2026-01-01", "2026-01-01T00:00:00"] {
            assert_eq!(Time::parse(bad), Err(BadTime), "{bad}");
        }
    }
}
