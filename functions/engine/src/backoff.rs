//! Pauses before something that met another writer is tried again.

use std::time::Duration;

/// Waits 10 to 30 ms, longer with each attempt, and at random, so that writers that met do not meet again.
pub(crate) async fn pause(attempt: u32) {
    tokio::time::sleep(Duration::from_millis(20).mul_f64(f64::from(attempt) * (0.5 + fastrand::f64()))).await;
}
