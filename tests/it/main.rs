//! The integration tests, in one binary: they send HTTP events and check responses and the table.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must fail")]

mod auth;
mod contract;
mod costs;
mod delete_identifier;
mod event_sources;
mod faults;
mod files;
mod hardening;
mod iam;
mod idempotency;
mod job_bounds;
mod job_controls;
mod job_costs;
mod job_faults;
mod job_races;
mod job_rows;
mod jobs;
mod limits;
mod load;
mod logs;
mod merges;
mod openapi;
mod privacy;
mod races;
mod reads;
mod reapply;
mod revocation;
mod rights;
mod seeds;
mod spaces;
mod stored_forms;
mod template;
mod unreadable;
