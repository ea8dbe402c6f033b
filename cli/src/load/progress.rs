//! How far loading is: a bar on a terminal, nothing anywhere else.

use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::output;

/// A bar of bytes, or a count of lines where nobody knows how many bytes will come.
pub(crate) struct Progress {
    bar: ProgressBar,
    counts_bytes: bool,
    is_for_programs: bool,
}

impl Progress {
    /// Shows itself, unless a program listens.
    pub(crate) fn start(bytes: Option<u64>, is_for_programs: bool) -> Self {
        let counts_bytes = bytes.is_some();
        if is_for_programs || !io::stderr().is_terminal() {
            return Self { bar: ProgressBar::hidden(), counts_bytes, is_for_programs };
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
        Self { bar, counts_bytes, is_for_programs }
    }

    /// So many lines are done, and the file is being read here.
    pub(crate) fn at(&self, lines: u64, bytes: u64) {
        if self.counts_bytes {
            self.bar.set_position(bytes);
            self.bar.set_message(lines.to_string());
        } else {
            self.bar.set_position(lines);
        }
    }

    /// Says something above the bar; programs find it in the closing document.
    pub(crate) fn note(&self, text: &str) {
        if !self.is_for_programs {
            self.bar.suspend(|| output::note(text));
        }
    }

    /// Goes away: the closing table says the rest.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
