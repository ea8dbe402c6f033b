//! Identifiers: deleted one at a time, listed by profile, and the records of their deletions.

pub(super) mod delete;
pub(super) mod deletion;
pub(super) mod list;
