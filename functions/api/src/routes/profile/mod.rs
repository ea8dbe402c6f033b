//! Profiles: deleted as a whole, and read in parts.

pub(super) mod delete;
pub(super) mod find;
pub(super) mod metadata;
pub(super) mod traits;
