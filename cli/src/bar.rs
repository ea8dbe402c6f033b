//! A bar on a terminal; nothing where a program listens or stderr goes elsewhere.

use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

/// How far something is that is counted.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// Shows itself, unless a program listens.
    pub(crate) fn start(unit: &str, is_for_programs: bool) -> Self {
        if is_for_programs || !io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let template = format!("{{wide_bar}} {{human_pos}}/{{human_len}} {unit}  {{msg}}  {{eta}} left");
        let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(0).with_style(style);
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// So many of so many are done.
    pub(crate) fn at(&self, done: u64, of: u64, message: &str) {
        self.0.set_length(of);
        self.0.set_position(done);
        self.0.set_message(message.to_owned());
    }
}

impl Drop for Bar {
    /// The closing table says the rest.
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
