//! Jobs: created, followed and controlled. The bulk worker carries them out.

pub(super) mod bulk_delete;
pub(super) mod control;
pub(super) mod create;
pub(super) mod events;
pub(super) mod execute;
pub(super) mod get;
pub(super) mod list;
pub(super) mod outcomes;
mod page;
pub(super) mod rows;
mod status;
mod wait;

pub(super) use create::{max_deletions_of, start_at_of};
pub(super) use page::{Rejected, check_rows, rejected_rows};
pub(super) use status::{Job, JobBody};
