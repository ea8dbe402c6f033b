//! The output of a command, and the texts that it is made of.

use std::{
    fmt::{Display, Write as _},
    io::{self, IsTerminal, Write},
    sync::atomic::{AtomicBool, Ordering},
};

use clap::builder::styling::{AnsiColor, Style};

use serde_json::Value;

use crate::global::{Color, Global};

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

/// How the process prints. A library that runs commands prints without colour, and shows progress as `Bar` decides.
static QUIET: AtomicBool = AtomicBool::new(false);
static VERBOSE: AtomicBool = AtomicBool::new(false);
static COLOUR: AtomicBool = AtomicBool::new(false);

/// Sets how this process prints to stderr.
pub(crate) fn set_style(global: &Global) {
    let on_terminal = || io::stderr().is_terminal() && !is_colour_unwanted();
    let has_colour = global.color == Color::Always || global.color == Color::Auto && on_terminal();
    for (setting, value) in [(&QUIET, global.quiet), (&VERBOSE, global.verbose), (&COLOUR, has_colour)] {
        setting.store(value, Ordering::Relaxed);
    }
}

/// Whether the environment asks for output without colour (<https://no-color.org>), or the terminal has none.
pub(crate) fn is_colour_unwanted() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    is_set("NO_COLOR") || std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb")
}

/// Whether progress is not to be shown.
pub(crate) fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Prints a note about progress, which `--quiet` leaves out.
pub(crate) fn progress(text: impl Display) {
    if !is_quiet() {
        note(text);
    }
}

/// Prints what only `--verbose` shows. It must not hold the value of an identifier or a token.
pub(crate) fn detail(text: impl FnOnce() -> String) {
    if VERBOSE.load(Ordering::Relaxed) {
        note(text());
    }
}

/// Prints an error to stderr, with the program's name in front.
pub(crate) fn error(text: impl Display) {
    let style = if COLOUR.load(Ordering::Relaxed) { AnsiColor::Red.on_default().bold() } else { Style::new() };
    note(format_args!("{style}efface:{style:#} {text}"));
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

/// Numbers as text, such as `lines 3, 5, …`, where there may be more than those given.
pub(crate) fn numbers(of: &str, first: &[u64], total: u64) -> String {
    let plural = if total == 1 { "" } else { "s" };
    let more = if total > first.len() as u64 { ", …" } else { "" };
    let first: Vec<String> = first.iter().map(u64::to_string).collect();
    format!("{of}{plural} {}{more}", first.join(", "))
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
    fn numbers_are_a_list() {
        assert_eq!(numbers("line", &[3], 1), "line 3");
        assert_eq!(numbers("line", &[3, 5], 2), "lines 3, 5");
        assert_eq!(numbers("line", &[3, 5], 9), "lines 3, 5, …");
    }

    #[test]
    fn control_characters_are_replaced() {
        assert_eq!(printable("a\u{1b}[2Jb\n"), "a\u{fffd}[2Jb\u{fffd}");
    }
}
