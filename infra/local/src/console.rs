//! All that is printed. A closed terminal is no reason to stop, so that failures to print are ignored.

use std::{
    fmt::Display,
    io::{self, Write},
};

/// Tells a person something, on stderr.
pub fn say(text: impl Display) {
    _ = writeln!(io::stderr(), "{text}");
}

/// Answers a program, on stdout.
pub fn answer(text: impl Display) {
    _ = writeln!(io::stdout(), "{text}");
}
