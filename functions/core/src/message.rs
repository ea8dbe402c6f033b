//! Messages for clients: the program's own words, and quotes of the client's text, each cut at 64 characters.
//!
//! Without the cut a small request could ask for a huge response: in a page that is sent compressed, the name of an
//! unknown field may have 32 MB.

use std::fmt;

/// The most characters of a client's text that a message has (contract: `docs/limits.md`).
const MAX_QUOTED: usize = 64;

/// A client's text: the first 64 characters are displayed.
#[derive(Debug, Clone, Copy)]
pub struct Quote<'a>(pub &'a str);

impl fmt::Display for Quote<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.char_indices().nth(MAX_QUOTED).map_or(self.0, |(at, _)| &self.0[..at]))
    }
}

/// What a message may be made of: words and numbers of the program itself, and [`Quote`]s. Implement it for an error whose
/// text has nothing else. There is none for `String`: it may be a client's.
pub trait Words: fmt::Display {}

impl Words for &'static str {}
impl Words for usize {}
impl Words for u32 {}
impl Words for Quote<'_> {}

/// A message for a client. It can only be made of [`Words`], so its length is bounded whatever the client sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message(String);

impl Words for Message {}

impl Message {
    /// A text with words in place of each `{}`, in their order.
    pub fn new(text: &'static str, words: &[&dyn Words]) -> Self {
        let mut parts = text.split("{}");
        let mut message = parts.next().unwrap_or_default().to_owned();
        for (part, words) in parts.zip(words) {
            message += &words.to_string();
            message += part;
        }
        Self(message)
    }
}

impl From<&'static str> for Message {
    fn from(text: &'static str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_cut_at_64_characters() {
        let long = "é".repeat(65);
        let message = Message::new("`{}` has {} of {}.", &[&Quote(&long), &65_usize, &"é"]);
        assert_eq!(message.to_string(), format!("`{}` has 65 of é.", "é".repeat(64)));
        assert_eq!(Message::new("{}", &[&Quote("{}")]).to_string(), "{}", "a quote is no place for words");
    }
}
