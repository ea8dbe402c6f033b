//! Support for the integration tests: an in-process DynamoDB for each test, a fault proxy that records and breaks
//! requests, and the HTTP function called with the events of real event sources.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test that cannot go on must fail"
)]

pub mod app;
pub mod audited;
pub mod backup;
pub mod calls;
pub mod events;
pub mod fault_proxy;
pub mod faults;
pub mod fixture;
pub mod identifiers;
pub mod jobs;
pub mod journal;
pub mod kms;
pub mod log;
pub mod matchers;
pub mod objects;
pub mod published;
pub mod publisher;
pub mod queue;
pub mod rights;
pub mod size;
pub mod store;
pub mod stream;

pub use app::{Reply, TestApp, TestClock};
pub use audited::Audited;
pub use events::{Req, Via};
pub use journal::TestJournal;
pub use kms::TestKms;
pub use objects::TestObjects;
pub use publisher::TestPublisher;
pub use queue::TestQueue;
pub use store::TestStore;
