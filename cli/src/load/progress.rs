//! The progress of loading: a bar on a terminal, and nothing otherwise.

use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::output;

/// A progress bar over the bytes of the file, or a counter of lines if the size is not known.
pub(crate) struct Progress {
    bar: ProgressBar,
    counts_bytes: bool,
    as_json: bool,
}

impl Progress {
    /// Shows the bar on a terminal. With `as_json` it stays hidden, and notes are not printed.
    pub(crate) fn start(bytes: Option<u64>, as_json: bool) -> Self {
        let counts_bytes = bytes.is_some();
        if as_json || !io::stderr().is_terminal() {
            return Self { bar: ProgressBar::hidden(), counts_bytes, as_json };
        }
        let (bar, template) = match bytes {
            Some(bytes) => {
                let template = "{wide_bar} {bytes}/{total_bytes}  {msg} lines  {eta} left";
                (ProgressBar::new(bytes), template)
            }
            None => (ProgressBar::new_spinner(), "{spinner} {pos} lines  {per_sec}"),
        };
        bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar, counts_bytes, as_json }
    }

    /// Shows the number of loaded lines, and the position in the file in bytes.
    pub(crate) fn set(&self, lines: u64, bytes: u64) {
        if self.counts_bytes {
            self.bar.set_position(bytes);
            self.bar.set_message(lines.to_string());
        } else {
            self.bar.set_position(lines);
        }
    }

    /// Prints a line above the bar. With JSON output it is left out, because the final document contains it.
    pub(crate) fn note(&self, text: &str) {
        if !self.as_json {
            self.bar.suspend(|| output::note(text));
        }
    }

    /// Clears the bar. The command's output has the final numbers.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
