//! Identifiers: deleted one at a time, listed by profile, and the records and the number of their deletions.

pub(super) mod delete;
pub(super) mod deletion;
pub(super) mod deletion_counts;
pub(super) mod list;
