//! Prints to the terminal. Errors are ignored, because a closed terminal must not stop the program.

use std::{
    fmt::Display,
    io::{self, Write},
};

/// Prints a line for users to stderr.
pub fn say(text: impl Display) {
    _ = writeln!(io::stderr(), "{text}");
}

/// Prints a line for programs to stdout.
pub fn print(text: impl Display) {
    _ = writeln!(io::stdout(), "{text}");
}
