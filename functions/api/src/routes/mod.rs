//! One file for each endpoint.

pub mod delete_identifier;
pub mod deletions;
pub mod external_ids;
pub mod health;
pub mod metadata;
mod profile;
pub mod traits;
