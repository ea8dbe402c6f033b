//! The entries of a log.

use std::borrow::Cow;

use thiserror::Error;

/// The longest entry in bytes: a bundle writes its length in two.
pub const MAX_ENTRY_BYTES: usize = 65_535;

/// Why bytes are no entry.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum BadEntry {
    /// Longer than [`MAX_ENTRY_BYTES`]; holds its length.
    #[error("a log's entry has at most 65,535 bytes, not {0}")]
    TooLong(usize),
    /// Not UTF-8. The format takes any bytes, but a receipt holds its entry as a text.
    #[error("a log's entry is UTF-8")]
    NotText,
}

/// An entry: a text of at most [`MAX_ENTRY_BYTES`]. Only what can be published can be appended, else it would stop its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    text: Cow<'a, str>,
    length: u16,
}

impl<'a> Entry<'a> {
    /// Accepts such a text.
    pub fn new(text: impl Into<Cow<'a, str>>) -> Result<Self, BadEntry> {
        let text = text.into();
        let length = u16::try_from(text.len()).map_err(|_| BadEntry::TooLong(text.len()))?;
        Ok(Self { text, length })
    }

    /// Accepts the bytes of such a text.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, BadEntry> {
        Self::new(str::from_utf8(bytes).map_err(|_| BadEntry::NotText)?)
    }

    /// The entry as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The bytes that the log hashes.
    pub fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// The same, on its own.
    pub fn into_owned(self) -> Entry<'static> {
        Entry { text: Cow::Owned(self.text.into_owned()), length: self.length }
    }

    /// How many bytes it has.
    pub(super) fn length(&self) -> u16 {
        self.length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_a_text_that_a_bundle_can_hold() {
        let longest = "x".repeat(MAX_ENTRY_BYTES);
        for text in ["", "a\nb", "\0", "ü", &longest] {
            let entry = Entry::from_bytes(text.as_bytes()).unwrap();
            assert_eq!((entry.as_str(), usize::from(entry.length())), (text, text.len()));
            assert_eq!(entry, Entry::new(text.to_owned()).unwrap());
        }
        assert_eq!(Entry::new(longest + "x"), Err(BadEntry::TooLong(65_536)));
        assert_eq!(Entry::from_bytes(b"a\xff"), Err(BadEntry::NotText));
    }
}
