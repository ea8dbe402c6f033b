//! Profiles and the ids that Efface gives out itself.

use std::fmt;

use thiserror::Error;
use uuid::Uuid;

use crate::time::Time;

/// The text is not an id of this kind.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("not a {0}")]
pub struct BadId(pub(crate) &'static str);

/// A profile's own id, `use_…`: no personal data, never reused.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProfileId(String);

impl ProfileId {
    /// Makes an id of 16 random bytes.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(format!("use_{}", Uuid::from_bytes(bytes).simple()))
    }

    /// Reads `use_` and 32 hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, BadId> {
        let digits = text.strip_prefix("use_").unwrap_or_default();
        let fits = digits.len() == 32 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if fits { Ok(Self(text.to_owned())) } else { Err(BadId("profile id")) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The id of one HTTP request: a version 7 UUID, so that it carries its time. 36 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestId(Uuid);

impl RequestId {
    /// Makes an id of a time and 10 random bytes.
    pub fn new(now: Time, random: [u8; 10]) -> Self {
        let millis = u64::try_from(now.millis()).unwrap_or_default();
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    /// Reads an id that the table holds.
    pub fn parse(text: &str) -> Result<Self, BadId> {
        let uuid = Uuid::try_parse(text).map_err(|_| BadId("request id"))?;
        if uuid.get_version_num() == 7 { Ok(Self(uuid)) } else { Err(BadId("request id")) }
    }

    /// When the request came.
    pub fn time(&self) -> Option<Time> {
        let (seconds, nanos) = self.0.get_timestamp()?.to_unix();
        Time::from_millis(i64::try_from(seconds).ok()? * 1_000 + i64::from(nanos / 1_000_000))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_tells_its_time() {
        let now = Time::parse("2026-01-01T00:00:00.123Z").unwrap();
        let id = RequestId::new(now, [3; 10]);
        assert_eq!(id.to_string().len(), 36);
        assert_eq!(RequestId::parse(&id.to_string()).unwrap().time(), Some(now));
        assert!(RequestId::parse("00000000-0000-4000-8000-000000000000").is_err());
    }

    #[test]
    fn profile_ids_round_trip() {
        let id = ProfileId::from_random([0xab; 16]);
        assert_eq!(ProfileId::parse(id.as_str()), Ok(id));
        for bad in ["", "use_", "use_XYZ", "user_id"] {
            assert!(ProfileId::parse(bad).is_err(), "{bad}");
        }
    }
}
