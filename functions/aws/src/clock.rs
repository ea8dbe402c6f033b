//! The clock and randomness that rules are given as arguments.

use std::{fmt, sync::Arc};

use efface_core::{
    profile::{ProfileId, RequestId},
    time::Time,
    token::{Token, TokenId},
};
use jiff::Timestamp;

/// Tells the time; tests move it by hand.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Time + Send + Sync>);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self::new(|| Time::from_millis(Timestamp::now().as_millisecond()).unwrap_or(Time::EPOCH))
    }

    /// Any other clock.
    pub fn new(now: impl Fn() -> Time + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// What it shows.
    pub fn now(&self) -> Time {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// Bytes of the operating system's random source.
///
/// # Panics
/// If the system has no random source: nothing safe can be done without one.
#[expect(clippy::expect_used, reason = "a machine without randomness can't make a secret or an id")]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system's random source");
    bytes
}

/// A new request id.
pub fn request_id(now: Time) -> RequestId {
    RequestId::new(now, random())
}

/// A new token.
pub fn token() -> Token {
    Token::from_random(random())
}

/// A new token id.
pub fn token_id() -> TokenId {
    TokenId::from_random(random())
}

/// A new profile id.
pub fn profile_id() -> ProfileId {
    ProfileId::from_random(random())
}

/// A new short id with a prefix, such as `tok_` or `src_`: 16 hexadecimal digits.
pub fn short_id(prefix: &str) -> String {
    format!("{prefix}{:016x}", u64::from_be_bytes(random()))
}
