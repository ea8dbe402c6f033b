//! The clock and the source of randomness. The rules of `efface-core` take times, ids and random bytes as arguments; they
//! are made here.

use std::{fmt, sync::Arc};

use efface_core::{
    id::{ProfileId, RequestId},
    time::Time,
    token::{Token, TokenId},
};
use jiff::Timestamp;

/// A source of the current time. Tests replace the system's clock by one that they set.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Time + Send + Sync>);

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self::new(|| Time::from_millis(Timestamp::now().as_millisecond()).unwrap_or(Time::EPOCH))
    }

    /// A clock that shows what the function returns.
    pub fn new(now: impl Fn() -> Time + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The current time, to the millisecond.
    pub fn now(&self) -> Time {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// Random bytes of the operating system, fit for secrets.
///
/// # Panics
/// If the system has no random source: without one, no token or id would be safe.
#[expect(clippy::expect_used, reason = "a machine without randomness can't make a secret or an id")]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system's random source");
    bytes
}

/// A new request id, which contains the time that is given.
pub fn request_id(now: Time) -> RequestId {
    RequestId::new(now, random())
}

/// A new random token.
pub fn token() -> Token {
    Token::from_random(random())
}

/// A new token id.
pub fn token_id() -> TokenId {
    TokenId::from_random(random())
}

/// A new random profile id.
pub fn profile_id() -> ProfileId {
    ProfileId::from_bytes(random())
}

/// A new random id of 16 hexadecimal digits after a prefix, such as `tok_` or `src_`.
pub fn short_id(prefix: &str) -> String {
    format!("{prefix}{:016x}", u64::from_be_bytes(random()))
}
