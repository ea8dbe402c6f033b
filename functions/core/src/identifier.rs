//! External ids. An external id (identifier) is a type and a value, such as `email:ada@example.com`, and belongs to one
//! profile.

use std::{fmt, str::FromStr};

use thiserror::Error;

use crate::{message::Words, text::serde_as_text};

/// The longest identifier value, in bytes of UTF-8. A longer value gets a 400 (contract: `docs/limits.md`).
pub const MAX_VALUE_BYTES: usize = 2_048;

/// The only type by which the deletion API looks a profile up (contract: `docs/api.md`).
pub const USER_ID: &str = "user_id";

/// The type of account ids. An account is not a person: such identifiers can be loaded and listed, never deleted.
pub const GROUP_ID: &str = "group_id";

/// The word that a path has in place of a type when the value is the profile's own id, `use_…`.
pub const SEGMENT_ID: &str = "segment_id";

/// The types that every space knows (contract: `docs/load-format.md`).
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

/// Why a text is not a valid identifier type or value.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum IdentifierError {
    /// The type's name is not 1 to 64 of `a-z 0-9 _ . -`.
    #[error("an identifier type is 1 to 64 of a-z, 0-9, `_`, `.`, `-`")]
    BadType,
    /// The value is empty.
    #[error("an identifier value must not be empty")]
    EmptyValue,
    /// The value is longer than [`MAX_VALUE_BYTES`]; holds its length in bytes.
    #[error("an identifier value must be at most 2,048 bytes of UTF-8, this one has {0}")]
    LongValue(usize),
}

impl Words for IdentifierError {}

/// The name of a kind of identifier, such as `email`: 1 to 64 of `a-z 0-9 _ . -`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentifierType(String);

impl IdentifierType {
    /// Accepts 1 to 64 of `a-z 0-9 _ . -`.
    ///
    /// # Errors
    /// [`IdentifierError::BadType`] for any other text.
    pub fn parse(name: &str) -> Result<Self, IdentifierError> {
        let fits = (1..=64).contains(&name.len())
            && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-'));
        if fits { Ok(Self(name.to_owned())) } else { Err(IdentifierError::BadType) }
    }

    /// The type [`USER_ID`].
    pub fn user_id() -> Self {
        Self(USER_ID.to_owned())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this type is [`USER_ID`]. The deletion API looks profiles up by it, and a profile that has one keeps at
    /// least one.
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
/// It is personal data: `Debug` prints only its length, and [`expose`](Self::expose) is the only access to the text.
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
    ///
    /// # Errors
    /// [`IdentifierError::EmptyValue`] or [`IdentifierError::LongValue`].
    pub fn parse(value: impl Into<String>) -> Result<Self, IdentifierError> {
        let value = value.into();
        match value.len() {
            0 => Err(IdentifierError::EmptyValue),
            n if n > MAX_VALUE_BYTES => Err(IdentifierError::LongValue(n)),
            _ => Ok(Self(value)),
        }
    }

    /// The personal text itself. Use it for the store and for responses to authorised clients, never for logs.
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

/// How the values of one type are compared. It is fixed when the type is made: identifiers are stored under a hash of
/// the normalised value, so after a change the stored ones would no longer be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normalisation {
    /// Byte for byte.
    #[default]
    None,
    /// By their Unicode lower-case form.
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
