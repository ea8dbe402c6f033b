//! The adapters to AWS: the [`store`] and the [`journal`] on DynamoDB, the [`queue`] on SQS, clients, configuration, telemetry, the clock.
//!
//! Rules are in `efface-core`, use cases in `efface-engine`. The requests that each operation costs are counted in
//! `docs/architecture.md` and asserted in `tests/`.

pub mod aside_queue;
pub mod backoff;
pub mod client;
pub mod clock;
pub mod config;
mod failure;
mod http_client;
pub mod items;
pub mod journal;
pub mod log_queue;
pub mod log_store;
pub mod metrics;
pub mod pricing;
pub mod queue;
pub mod signing_key;
pub mod store;
pub mod telemetry;
pub mod version;

pub use journal::Journal;
pub use queue::QueueError;
pub use store::{Store, StoreError};
