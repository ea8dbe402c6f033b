//! What the integration tests stand on: an in-process DynamoDB for each test, a wire that counts and breaks requests,
//! and an app that is called with the events of real front doors.
#![expect(clippy::unwrap_used, clippy::panic, clippy::missing_panics_doc, reason = "a test that can't go on says so")]

pub mod app;
pub mod calls;
pub mod events;
pub mod fault_proxy;
pub mod faults;
pub mod jobs;
pub mod log;
pub mod queue;
pub mod rights;
pub mod store;

pub use app::{Reply, TestApp, TestClock};
pub use events::{Req, Via};
pub use queue::TestQueue;
pub use store::TestStore;
