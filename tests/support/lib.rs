//! Support for the integration tests: an in-process DynamoDB for each test, a fault proxy that records and breaks
//! requests, and the HTTP function called with the events of real event sources.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test that cannot go on must fail"
)]

pub mod app;
pub mod backup;
pub mod calls;
pub mod events;
pub mod fault_proxy;
pub mod faults;
pub mod fixture;
pub mod jobs;
pub mod log;
pub mod matchers;
pub mod queue;
pub mod rights;
pub mod size;
pub mod store;

pub use app::{Reply, TestApp, TestClock};
pub use events::{Req, Via};
pub use queue::TestQueue;
pub use store::TestStore;
