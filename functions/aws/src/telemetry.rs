//! Logs: JSON lines on standard output. They never contain an identifier, a token, a path or a body.

use std::panic;

use tracing_subscriber::{filter::LevelFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::from_env;

/// Starts logging at the level of `AWS_LAMBDA_LOG_LEVEL`, `info` by default and at most, and calls [`quiet_panics`].
pub fn init() {
    let level = from_env("AWS_LAMBDA_LOG_LEVEL").and_then(|level| level.to_lowercase().parse().ok());
    // At `debug` and `trace` the SDK logs request bodies, which are personal. So no setting can enable these levels.
    let level = level.unwrap_or(LevelFilter::INFO).min(LevelFilter::INFO);
    let lines =
        fmt::layer().json().flatten_event(true).with_target(false).with_current_span(false).with_span_list(false);
    // A second call in one process, as tests make, keeps the first logger.
    let _ = tracing_subscriber::registry().with(level).with(lines).try_init();
    quiet_panics();
}

/// Logs panics by their source location only. A panic's message may quote the data that was being handled.
pub fn quiet_panics() {
    panic::set_hook(Box::new(|info| {
        let location = info.location().map_or_else(|| "unknown".to_owned(), ToString::to_string);
        tracing::error!(location, "panic");
    }));
}
