//! Profiles: planning a deletion, deleting one, and reading its traits and metadata.

pub(super) mod delete;
pub(super) mod find;
pub(super) mod metadata;
pub(super) mod plan;
pub(super) mod traits;
