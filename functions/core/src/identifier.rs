//! External ids: a type and a value that point at a profile.

use std::{fmt, str::FromStr};

use thiserror::Error;

use crate::text::serde_as_text;

/// The longest identifier value, in bytes of UTF-8. Contract: longer ones are answered with a 400.
pub const MAX_VALUE_BYTES: usize = 2_048;

/// The type whose value finds a profile for the deletion API.
pub const USER_ID: &str = "user_id";

/// A type that belongs to accounts, not to people: known, listed, never deletable.
pub const GROUP_ID: &str = "group_id";

/// What stands in a path in place of a type where the value is a profile's own id.
pub const SEGMENT_ID: &str = "segment_id";

/// The types that every space knows.
pub const DEFAULT_TYPES: [&str; 11] = [
    "user_id",
    "email",
    "android.id",
    "android.idfa",
    "android.push_token",
    "anonymous_id",
    "ga_client_id",
    "group_id",
    "ios.id",
    "ios.idfa",
    "ios.push_token",
];

/// Why a text is not a part of an identifier.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum IdentifierError {
    /// Types are lower-case names.
    #[error("an identifier type is 1 to 64 of a-z, 0-9, `_`, `.`, `-`")]
    BadType,
    /// The value has no bytes.
    #[error("an identifier value must not be empty")]
    EmptyValue,
    /// The value is over [`MAX_VALUE_BYTES`].
    #[error("an identifier value must be at most 2,048 bytes of UTF-8, this one has {0}")]
    LongValue(usize),
}

/// The name of a kind of identifier, such as `email`: 1 to 64 of `a-z 0-9 _ . -`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentifierType(String);

impl IdentifierType {
    /// Accepts a name by the rule above.
    pub fn parse(name: &str) -> Result<Self, IdentifierError> {
        let fits = (1..=64).contains(&name.len())
            && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-'));
        if fits { Ok(Self(name.to_owned())) } else { Err(IdentifierError::BadType) }
    }

    /// The type [`USER_ID`].
    pub fn user_id() -> Self {
        Self(USER_ID.to_owned())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this type finds profiles for the deletion API and is guarded by the rule of the last `user_id`.
    pub fn is_user_id(&self) -> bool {
        self.0 == USER_ID
    }
}

impl FromStr for IdentifierType {
    type Err = IdentifierError;

    fn from_str(name: &str) -> Result<Self, IdentifierError> {
        Self::parse(name)
    }
}

impl fmt::Display for IdentifierType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

serde_as_text!(IdentifierType);

/// A person's identifier: 1 to 2,048 bytes of any Unicode text, kept byte for byte.
///
/// It is personal data. `Debug` shows its length only; [`expose`](Self::expose) is the one way to the text.
#[derive(Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IdentifierValue(String);

impl TryFrom<String> for IdentifierValue {
    type Error = IdentifierError;

    fn try_from(value: String) -> Result<Self, IdentifierError> {
        Self::parse(value)
    }
}

impl From<IdentifierValue> for String {
    fn from(value: IdentifierValue) -> Self {
        value.0
    }
}

impl IdentifierValue {
    /// Accepts any text of 1 to [`MAX_VALUE_BYTES`] bytes.
    pub fn parse(value: impl Into<String>) -> Result<Self, IdentifierError> {
        let value = value.into();
        match value.len() {
            0 => Err(IdentifierError::EmptyValue),
            n if n > MAX_VALUE_BYTES => Err(IdentifierError::LongValue(n)),
            _ => Ok(Self(value)),
        }
    }

    /// The personal text itself: for the store and the answer to its owner, never for a log.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for IdentifierValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdentifierValue(<{} bytes>)", self.0.len())
    }
}

/// An identifier as clients write it: `type:value`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ExternalId {
    /// The kind of identifier.
    pub id_type: IdentifierType,
    /// The personal value.
    pub value: IdentifierValue,
}

/// How the values of one type are compared. Fixed when the type is made: changing it would hide what is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normalisation {
    /// Byte for byte.
    #[default]
    None,
    /// By the Unicode lower-case form.
    Lowercase,
}

impl Normalisation {
    /// The form in which values of the type are compared and hashed.
    pub fn apply(self, value: &str) -> std::borrow::Cow<'_, str> {
        match self {
            Self::None => value.into(),
            Self::Lowercase => value.to_lowercase().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_holds_any_text_up_to_its_limit() {
        for text in ["\0", "a:b/c?d#e%f+g h\"i", "🦀", "שלום", &"é".repeat(1_024)] {
            assert_eq!(IdentifierValue::parse(text).unwrap().expose(), text);
        }
        assert_eq!(IdentifierValue::parse("x".repeat(2_049)), Err(IdentifierError::LongValue(2_049)));
        assert_eq!(IdentifierValue::parse(""), Err(IdentifierError::EmptyValue));
    }

    #[test]
    fn debug_never_shows_a_value() {
        let id = ExternalId {
            id_type: IdentifierType::parse("email").unwrap(),
            value: IdentifierValue::parse("example@gmail.com").unwrap(),
        };
        assert!(!format!("{id:?}").contains("example"));
    }

    #[test]
    fn types_are_lower_case_names() {
        for good in DEFAULT_TYPES.iter().chain(&["shoe_size", "x-1"]) {
            assert!(IdentifierType::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "Email", "a b", "a#b", "é", &"a".repeat(65)] {
            assert_eq!(IdentifierType::parse(bad), Err(IdentifierError::BadType), "{bad}");
        }
    }
}
