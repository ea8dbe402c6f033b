//! Captures the log of all tests of the process, so that tests can search it.

use std::{
    io, panic,
    sync::{Mutex, Once},
};

use efface_aws::telemetry;
use serde_json::Value;
use tracing_subscriber::{fmt::MakeWriter, layer::SubscriberExt};

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
        let level = tracing_subscriber::filter::LevelFilter::INFO;
        let subscriber = tracing_subscriber::registry().with(level).with(telemetry::lines(Capture));
        tracing::subscriber::set_global_default(subscriber).unwrap();
        // Panics are logged as in the functions, and printed, so that a failed assertion can be read.
        let print = panic::take_hook();
        telemetry::quiet_panics();
        let log = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            log(info);
            print(info);
        }));
    });
}

/// Everything that the process has logged since the capture began, by all of its tests.
pub fn all() -> String {
    let lines = LINES.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    String::from_utf8_lossy(&lines).into_owned()
}

/// The lines of [`all`], parsed.
pub fn lines() -> Vec<Value> {
    all().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
