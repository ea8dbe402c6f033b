//! Captures the log of all tests of the process, so that tests can search it.

use std::{
    io,
    sync::{Mutex, Once},
};

use tracing_subscriber::{fmt, fmt::MakeWriter, layer::SubscriberExt, util::SubscriberInitExt};

static START: Once = Once::new();
static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());

#[derive(Clone, Copy)]
struct Capture;

impl io::Write for Capture {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.lock().unwrap_or_else(std::sync::PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Capture {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        *self
    }
}

/// Captures every log line of level `info` and above from now on, in the functions' format. Later calls do nothing.
pub fn capture() {
    START.call_once(|| {
        let lines = fmt::layer().json().flatten_event(true).with_writer(Capture);
        let level = tracing_subscriber::filter::LevelFilter::INFO;
        tracing_subscriber::registry().with(level).with(lines).init();
    });
}

/// Everything that the process has logged since the capture began, by all of its tests.
pub fn all() -> String {
    let lines = LINES.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    String::from_utf8_lossy(&lines).into_owned()
}
