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

use crate::{id::BadId, text::serde_as_text};

const PREFIX: &str = "eff_";

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
            let decoded = String::from_utf8(BASIC.decode(credentials).ok()?).ok()?;
            Self::parse(decoded.strip_suffix(':')?)
        } else if scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("td1") {
            Self::parse(credentials)
        } else {
            None
        }
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
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TokenHash(String);

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
    fn four_ways_to_send_one_token() {
        let token = Token::from_random([9; 32]);
        let text = token.expose();
        let basic = STANDARD.encode(format!("{text}:"));
        for header in [
            text.to_owned(),
            format!("Bearer {text}"),
            format!("TD1 {text}"),
            format!("Basic {basic}"),
            format!("basic  {basic} "),
            format!("BASIC {}", basic.trim_end_matches('=')),
        ] {
            assert_eq!(Token::from_authorization(&header).as_ref(), Some(&token), "{header}");
        }
    }

    #[test]
    fn everything_else_is_no_token() {
        let text = Token::from_random([9; 32]).expose().to_owned();
        let basic = |s: &str| format!("Basic {}", STANDARD.encode(s));
        for header in [
            String::new(),
            "Basic".into(),
            basic(&text),
            basic(&format!("{text}:password")),
            basic(&format!("{text}::")),
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
        fn no_header_panics(header: String) {
            let _ = Token::from_authorization(&header);
        }
    }
}
