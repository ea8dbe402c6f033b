//! Logs: JSON lines on standard output, one event a request. Never an identifier, a token, a path or a body.

use std::panic;

use tracing_subscriber::{filter::LevelFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::from_env;

/// Starts logging at `AWS_LAMBDA_LOG_LEVEL` (`info` by default) and makes panics tell their place only: a panic's
/// message can hold what was being handled.
pub fn init() {
    let level = from_env("AWS_LAMBDA_LOG_LEVEL").and_then(|level| level.to_lowercase().parse().ok());
    // The SDK logs request bodies below `info`, and they are personal: no setting goes there.
    let level = level.unwrap_or(LevelFilter::INFO).min(LevelFilter::INFO);
    let lines =
        fmt::layer().json().flatten_event(true).with_target(false).with_current_span(false).with_span_list(false);
    // A second start in one process (a test) keeps the first.
    let _ = tracing_subscriber::registry().with(level).with(lines).try_init();
    quiet_panics();
}

/// Replaces the panic message, which may quote personal data, by its place.
pub fn quiet_panics() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(|| "unknown".to_owned(), ToString::to_string);
        tracing::error!(place, "panic");
    }));
}
