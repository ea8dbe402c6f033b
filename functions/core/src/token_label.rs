//! The label of a token, by which people tell tokens apart.

use std::{fmt, str::FromStr};

use thiserror::Error;

use crate::text::serde_as_text;

/// The longest label, in characters (contract: `docs/limits.md`).
pub const MAX_LABEL: usize = 64;

/// A label for people: 1 to [`MAX_LABEL`] characters, no control characters, no spaces around them. Everybody who may
/// list a space's tokens sees it, so that it should name a program or a team and no person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenLabel(String);

/// The text is no label.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("a label is 1 to 64 characters, without control characters and without spaces around them")]
pub struct BadLabel;

impl TokenLabel {
    /// The label as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TokenLabel {
    type Err = BadLabel;

    fn from_str(text: &str) -> Result<Self, BadLabel> {
        let fits = (1..=MAX_LABEL).contains(&text.chars().count()) && text.trim() == text;
        if fits && !text.chars().any(char::is_control) { Ok(Self(text.to_owned())) } else { Err(BadLabel) }
    }
}

impl fmt::Display for TokenLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

serde_as_text!(TokenLabel);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_short_lines() {
        for good in ["nightly cleanup", "Käse #7", &"é".repeat(64)] {
            assert_eq!(good.parse::<TokenLabel>().unwrap().as_str(), good);
        }
        for bad in ["", " a", "a\n", "a\tb", "\u{1b}[2J", &"é".repeat(65)] {
            assert_eq!(bad.parse::<TokenLabel>(), Err(BadLabel), "{bad:?}");
        }
    }
}
