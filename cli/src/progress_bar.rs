//! A progress bar, shown only if stderr is a terminal and the output is not JSON.

use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

/// A progress bar over a number of units. It disappears when it is dropped.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// Shows the bar on a terminal. With `as_json` it stays hidden.
    pub(crate) fn start(unit: &str, as_json: bool) -> Self {
        if as_json || !io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let template = format!("{{wide_bar}} {{human_pos}}/{{human_len}} {unit}  {{msg}}  {{eta}} left");
        let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(0).with_style(style);
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// Shows that `done` of `total` units are finished.
    pub(crate) fn set(&self, done: u64, total: u64, message: &str) {
        self.0.set_length(total);
        self.0.set_position(done);
        self.0.set_message(message.to_owned());
    }
}

impl Drop for Bar {
    /// Clears the bar. The command's output has the final numbers.
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
