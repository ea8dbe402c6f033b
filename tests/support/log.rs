//! Everything that is logged while tests run, kept for searching.

use std::{
    io,
    sync::{Mutex, Once},
};

use tracing_subscriber::{fmt, fmt::MakeWriter, layer::SubscriberExt, util::SubscriberInitExt};

static START: Once = Once::new();
static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());

#[derive(Clone, Copy)]
struct Kept;

impl io::Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.lock().unwrap_or_else(std::sync::PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Kept {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        *self
    }
}

/// Keeps every log line from now on: at `info`, as the functions log, and with their panic hook.
pub fn keep() {
    START.call_once(|| {
        let lines = fmt::layer().json().flatten_event(true).with_writer(Kept);
        let level = tracing_subscriber::filter::LevelFilter::INFO;
        tracing_subscriber::registry().with(level).with(lines).init();
    });
}

/// All that was logged so far.
pub fn all() -> String {
    let lines = LINES.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    String::from_utf8_lossy(&lines).into_owned()
}
