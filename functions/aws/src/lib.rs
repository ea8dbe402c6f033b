//! The adapters to AWS: the [`store`] on DynamoDB, the [`queue`] on SQS, clients, configuration, telemetry, the clock.
//!
//! Rules are in `efface-core`, use cases in `efface-engine`. The requests that each operation costs are counted in
//! `docs/architecture.md` and asserted in `tests/`.

pub mod backoff;
pub mod client;
pub mod clock;
pub mod config;
mod failure;
mod http_client;
pub mod metrics;
pub mod pricing;
pub mod queue;
pub mod store;
pub mod telemetry;
pub mod version;

pub use queue::QueueError;
pub use store::{Store, StoreError};
