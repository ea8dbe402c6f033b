//! The output of a command, and the texts that it is made of.

use std::{
    fmt::{Display, Write as _},
    io::{self, Write},
};

use serde_json::Value;

/// The output of a command.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// The text for users.
    pub text: String,
    /// The JSON document for programs.
    pub json: Value,
    /// The exit code.
    pub exit: u8,
}

impl Output {
    /// An output with exit code 0.
    pub(crate) fn success(text: String, json: Value) -> Self {
        Self { text, json, exit: 0 }
    }
}

/// Prints a note for users to stderr. Errors are ignored, because a closed terminal must not stop the command.
pub(crate) fn note(text: impl Display) {
    _ = writeln!(io::stderr(), "{text}");
}

/// Aligns rows in columns that are two spaces apart.
pub(crate) fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: [usize; N] = std::array::from_fn(width);
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            _ = write!(line, "{cell:width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text
}

/// Replaces control characters in text from the API or a file: they could move the terminal's cursor or change its
/// title.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [["a".to_owned(), "1".to_owned()], ["long".to_owned(), String::new()]];
        assert_eq!(columns(&rows), "a     1\nlong");
    }

    #[test]
    fn control_characters_are_replaced() {
        assert_eq!(printable("a\u{1b}[2Jb\n"), "a\u{fffd}[2Jb\u{fffd}");
    }
}
