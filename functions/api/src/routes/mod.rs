//! One file for each endpoint.

mod body;
pub mod delete_identifier;
pub mod delete_profile;
pub mod deletions;
pub mod external_ids;
pub mod health;
mod idempotency;
pub mod jobs;
pub mod metadata;
mod profile;
pub mod traits;
