//! All of Efface that talks to AWS: the [`store`] on DynamoDB, [`config`]uration and [`telemetry`].
//!
//! Rules are in `efface-core`; this crate carries them out with as few requests as they allow. The counted requests
//! of each operation are in `docs/architecture.md` and asserted in `tests/`.

pub mod client;
pub mod clock;
pub mod config;
pub mod queue;
pub mod store;
pub mod telemetry;

pub use store::{Store, StoreError};
