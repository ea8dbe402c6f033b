//! The ids that Efface gives out itself. They are no personal data.

use std::{fmt, str::FromStr};

use thiserror::Error;
use uuid::Uuid;

use crate::{text::serde_as_text, time::Time};

/// The text is not an id of this kind.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("not a {0}")]
pub struct BadId(pub(crate) &'static str);

/// A profile's own id, written `use_` and 32 hexadecimal digits: no personal data, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProfileId(Uuid);

impl ProfileId {
    /// The id of 16 bytes: random ones, where it is a new one.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// Its 16 bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The first byte, by which a segment's members are spread over 256 shards.
    pub fn shard(self) -> u8 {
        self.0.as_bytes()[0]
    }
}

impl FromStr for ProfileId {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        parse_uuid(text, "use_").map(Self).ok_or(BadId("profile id"))
    }
}

impl fmt::Display for ProfileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "use_{}", self.0.simple())
    }
}

/// A UUID after a prefix, in its one form: 32 lower-case hexadecimal digits.
pub(crate) fn parse_uuid(text: &str, prefix: &str) -> Option<Uuid> {
    let digits = text.strip_prefix(prefix)?;
    let is_simple = digits.len() == 32 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if is_simple { Uuid::try_parse(digits).ok() } else { None }
}

/// The id of one HTTP request: a version 7 UUID of 36 characters, so that it carries the request's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(Uuid);

impl RequestId {
    /// Makes an id of a time and 10 random bytes. A time before 1970 counts as 1970.
    pub fn new(now: Time, random: [u8; 10]) -> Self {
        let millis = u64::try_from(now.millis()).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    /// Takes a version 7 UUID; `None` for any other.
    pub(crate) fn from_uuid(uuid: Uuid) -> Option<Self> {
        (uuid.get_version_num() == 7).then_some(Self(uuid))
    }

    pub(crate) fn uuid(self) -> Uuid {
        self.0
    }

    /// When the request came; `None` for a time that [`Time`] cannot hold.
    pub fn time(self) -> Option<Time> {
        let (seconds, nanos) = self.0.get_timestamp()?.to_unix();
        Time::from_millis(i64::try_from(seconds).ok()? * 1_000 + i64::from(nanos / 1_000_000))
    }
}

impl FromStr for RequestId {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        Uuid::try_parse(text).ok().and_then(Self::from_uuid).ok_or(BadId("request id"))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

serde_as_text!(ProfileId, RequestId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_tells_its_time() {
        let now = Time::parse("2026-01-01T00:00:00.123Z").unwrap();
        let id = RequestId::new(now, [3; 10]);
        assert_eq!(id.to_string().len(), 36);
        assert_eq!(id.to_string().parse::<RequestId>().unwrap().time(), Some(now));
        assert!("00000000-0000-4000-8000-000000000000".parse::<RequestId>().is_err());
    }

    #[test]
    fn profile_ids_round_trip() {
        let id = ProfileId::from_bytes([0xab; 16]);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(serde_json::from_value::<ProfileId>(serde_json::to_value(id).unwrap()).unwrap(), id);
        for bad in ["", "use_", "use_XYZ", "user_id", "use_ABABABABABABABABABABABABABABABAB"] {
            assert!(bad.parse::<ProfileId>().is_err(), "{bad}");
        }
    }
}
