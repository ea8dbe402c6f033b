//! Access tokens: `eff_` and 48 characters of URL-safe base64 that hold 256 random bits and a 32-bit checksum.
//!
//! The checksum lets a function reject junk without a read of the table. The prefix lets secret scanners find leaked
//! tokens. The prefix and the layout must never change: every issued token would stop working.

use std::{fmt, str::FromStr};

use base64::{
    Engine,
    alphabet::STANDARD as STANDARD_ALPHABET,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::URL_SAFE_NO_PAD},
};
use sha2::{Digest, Sha256};

use crate::{id::BadId, key::debug_as_fingerprint, text::serde_as_text, time::Time};

const PREFIX: &str = "eff_";

/// How exactly the last use of a token is known, in seconds. Within this time of one use another one is not kept, so that
/// requests do not each cost a write.
pub const USE_KEPT_SECONDS: i64 = 3_600;

/// Standard base64 with or without padding: some clients omit it from Basic credentials.
const BASIC: GeneralPurpose = GeneralPurpose::new(
    &STANDARD_ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A token in plain text. It is shown once, when it is made; after that only clients have it. `Debug` never prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Makes a token from 32 random bytes.
    pub fn from_random(secret: [u8; 32]) -> Self {
        let mut bytes = secret.to_vec();
        bytes.extend(checksum(&secret));
        Self(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Parses a token. `None` if the prefix, the length or the checksum is wrong.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
        let (secret, sum) = bytes.split_at_checked(32)?;
        (sum == checksum(secret)).then(|| Self(text.to_owned()))
    }

    /// Parses the value of an `Authorization` header: `Basic base64("<token>:")`, `TD1 <token>`, `Bearer <token>` or the
    /// bare token (contract: `docs/api.md`). `None` for anything else.
    pub fn from_authorization(header: &str) -> Option<Self> {
        let header = header.trim();
        let Some((scheme, credentials)) = header.split_once(' ') else {
            return Self::parse(header);
        };
        let credentials = credentials.trim();
        if scheme.eq_ignore_ascii_case("basic") {
            Self::from_basic(&BASIC.decode(credentials).ok()?)
        } else if scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("td1") {
            Self::parse(credentials)
        } else {
            None
        }
    }

    /// The token of Basic credentials. Clients exist that must send a password: one beside the token is ignored, whatever
    /// its bytes are, and `<token id>:<token>` is read as the token. The id is not compared: it is no secret, and the
    /// token alone says which one it is.
    fn from_basic(credentials: &[u8]) -> Option<Self> {
        let colon = credentials.iter().position(|byte| *byte == b':')?;
        let user = str::from_utf8(&credentials[..colon]).ok()?;
        if user.parse::<TokenId>().is_ok() {
            return Self::parse(str::from_utf8(&credentials[colon + 1..]).ok()?);
        }
        Self::parse(user)
    }

    /// The hash under which the table keeps the token's record. The token itself is never stored.
    pub fn hash(&self) -> TokenHash {
        TokenHash(URL_SAFE_NO_PAD.encode(Sha256::digest(&self.0)))
    }

    /// The secret text. Use it only to show a new token to the person who made it, or to send it as a client.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// SHA-256 of a token as 43 characters of URL-safe base64. A slow password hash is not needed: 256 random bits can't be
/// guessed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TokenHash(String);

debug_as_fingerprint!(TokenHash);

impl FromStr for TokenHash {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let is_hash = URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == 32);
        if is_hash { Ok(Self(text.to_owned())) } else { Err(BadId("token hash")) }
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a token in records and commands: `tok_` and up to 60 of `a-z 0-9 _`. It is no secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId(String);

impl TokenId {
    /// Makes an id of 8 random bytes.
    pub fn from_random(bytes: [u8; 8]) -> Self {
        Self(format!("tok_{:016x}", u64::from_be_bytes(bytes)))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TokenId {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let rest = text.strip_prefix("tok_").ok_or(BadId("token id"))?;
        let fits =
            (1..=60).contains(&rest.len()) && rest.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'));
        if fits { Ok(Self(text.to_owned())) } else { Err(BadId("token id")) }
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

serde_as_text!(TokenHash, TokenId);

/// Whether a use is to be kept, where the one that was kept last was at this time.
pub fn is_use_due(last: Option<Time>, now: Time) -> bool {
    last.is_none_or(|last| last.plus_seconds(USE_KEPT_SECONDS) <= now)
}

/// CRC-32 of prefix and secret, big-endian. The prefix is included so that another product's token with the same layout
/// fails the check.
fn checksum(secret: &[u8]) -> [u8; 4] {
    let mut crc = crc32fast::Hasher::new();
    crc.update(PREFIX.as_bytes());
    crc.update(secret);
    crc.finalize().to_be_bytes()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_use_is_kept_once_an_hour() {
        let at = |second| Time::EPOCH.plus_seconds(second);
        for (last, now, due) in [
            (None, 0, true),
            (Some(0), 0, false),
            (Some(0), USE_KEPT_SECONDS - 1, false),
            (Some(0), USE_KEPT_SECONDS, true),
            // Clocks of instances differ.
            (Some(60), 0, false),
        ] {
            assert_eq!(is_use_due(last.map(at), at(now)), due, "{last:?} {now}");
        }
    }

    fn basic(credentials: impl AsRef<[u8]>) -> String {
        format!("Basic {}", STANDARD.encode(credentials))
    }

    #[test]
    fn the_ways_to_send_one_token() {
        let token = Token::from_random([9; 32]);
        let other = Token::from_random([8; 32]);
        let (text, other) = (token.expose(), other.expose());
        let plain = STANDARD.encode(format!("{text}:"));
        for header in [
            text.to_owned(),
            format!("Bearer {text}"),
            format!("TD1 {text}"),
            format!("Basic {plain}"),
            format!("basic  {plain} "),
            format!("BASIC {}", plain.trim_end_matches('=')),
            basic(format!("{text}:password")),
            basic(format!("{text}::")),
            basic(format!("{text}:{text}")),
            basic(format!("{text}:{other}")),
            basic(format!("{text}:tok_1:{other}")),
            basic(format!("{text}:pässwörd")),
            basic([text.as_bytes(), b":\xff\xfe"].concat()),
            basic(format!("tok_0123456789abcdef:{text}")),
            basic(format!("tok_of_another:{text}")),
        ] {
            assert_eq!(Token::from_authorization(&header).as_ref(), Some(&token), "{header}");
        }
    }

    #[test]
    fn everything_else_is_no_token() {
        let text = Token::from_random([9; 32]).expose().to_owned();
        for header in [
            String::new(),
            "Basic".into(),
            basic(&text),
            basic(format!(":{text}")),
            basic(format!("user:{text}")),
            basic(format!("tok_1:{text}:")),
            basic(format!("tok_1: {text}")),
            basic("tok_1:"),
            basic([b"\xff:", text.as_bytes()].concat()),
            format!("Digest {text}"),
            text[..text.len() - 1].to_owned(),
            format!("{text}A"),
            text.replacen("eff_", "eff-", 1),
            "Basic ////".into(),
            "x".repeat(10_000),
        ] {
            assert_eq!(Token::from_authorization(&header), None, "{header}");
        }
    }

    proptest! {
        #[test]
        fn made_tokens_are_read_back(secret: [u8; 32]) {
            let token = Token::from_random(secret);
            prop_assert_eq!(Token::parse(token.expose()), Some(token));
        }

        #[test]
        fn one_changed_character_is_noticed(secret: [u8; 32], at in 4usize..52, to in "[A-Za-z0-9_-]") {
            let token = Token::from_random(secret);
            let mut text = token.expose().to_owned();
            text.replace_range(at..=at, &to);
            prop_assert_eq!(Token::parse(&text).is_some(), text == token.expose());
        }

        #[test]
        fn a_password_never_matters(secret: [u8; 32], password: Vec<u8>) {
            let token = Token::from_random(secret);
            let credentials = [token.expose().as_bytes(), b":", &password].concat();
            prop_assert_eq!(Token::from_authorization(&basic(credentials)), Some(token));
        }

        #[test]
        fn a_token_id_never_matters(secret: [u8; 32], id in "tok_[a-z0-9_]{1,60}") {
            let token = Token::from_random(secret);
            let header = basic(format!("{id}:{}", token.expose()));
            prop_assert_eq!(Token::from_authorization(&header), Some(token));
        }

        #[test]
        fn no_header_panics(header: String) {
            let _ = Token::from_authorization(&header);
        }
    }
}
