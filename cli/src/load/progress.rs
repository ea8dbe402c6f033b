//! The progress of loading: a bar on a terminal, otherwise a line every 30 seconds.

use crate::progress_bar::{Bar, Unit};

/// A progress bar over the bytes of the file, or a counter of lines if the size is not known.
pub(crate) struct Progress {
    bar: Option<Bar>,
    bytes: Option<u64>,
}

impl Progress {
    /// Shows the bar. With `as_json` it stays hidden, and notes are not printed.
    pub(crate) fn start(bytes: Option<u64>, as_json: bool) -> Self {
        let unit = bytes.map_or_else(|| Unit::Things("lines".to_owned()), |_| Unit::Bytes);
        Self { bar: (!as_json).then(|| Bar::of(unit, None, as_json)), bytes }
    }

    /// Shows the number of loaded lines, and the position in the file in bytes.
    pub(crate) fn set(&self, lines: u64, bytes: u64) {
        let Some(bar) = &self.bar else { return };
        match self.bytes {
            Some(total) => bar.set(bytes, total, &format!("{lines} lines")),
            None => bar.set(lines, 0, ""),
        }
    }

    /// Prints a line above the bar. With JSON output it is left out, because the final document contains it.
    pub(crate) fn note(&self, text: &str) {
        self.bar.iter().for_each(|bar| bar.note(text));
    }

    /// Clears the bar. The command's output has the final numbers.
    pub(crate) fn end(&mut self) {
        self.bar = None;
    }
}
