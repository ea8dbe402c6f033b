//! Jobs: made, controlled, dispatched, run chunk by chunk, planned, and looked after until they end.

mod allowance;
mod begun;
mod chunk;
mod control;
mod create;
mod dispatch;
mod execute;
mod identifier_row;
mod names;
mod not_found;
mod page;
mod pages;
mod plan;
mod reconcile;
mod segment;
mod watch;

use std::sync::Arc;

use efface_core::{
    deletion::RowActor,
    job::{JobHead, Outcome, chunk::ChunkId, finding::Finding, plan::Extent},
    space::SpaceId,
};

use crate::Deadline;

pub(crate) use begun::Begun;
pub use chunk::ChunkRun;
pub(crate) use chunk::ReadAhead;
pub use control::{ControlDetails, Controlled};
pub use create::MORE_ROWS;
pub(crate) use create::is_held;
pub use names::Named;
pub use page::AdmittedPage;
pub(crate) use pages::Pages;
pub use reconcile::Reconciled;

/// What became of a row; `None` where there was no time, or no allowance, for it.
type Decided = Option<DecidedRow>;

/// What became of a row.
#[derive(Debug, Clone, Copy)]
struct DecidedRow {
    outcome: Outcome,
    /// What it would remove, in a dry run.
    extent: Extent,
    /// The profile that it found, in a dry run.
    found: Option<Finding>,
}

impl From<Outcome> for DecidedRow {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, extent: Extent::default(), found: None }
    }
}

/// One run of a chunk: what each of its rows needs to know.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) space: SpaceId,
    pub(crate) head: Arc<JobHead>,
    pub(crate) id: ChunkId,
    /// Whether no worker ran the chunk before.
    pub(crate) is_first: bool,
    /// Whether another worker started the chunk and has not given it back.
    pub(crate) is_found: bool,
    /// Whether no other worker may still be at its rows.
    pub(crate) is_alone: bool,
    /// The hops of messages that follow from it.
    pub(crate) hops: u32,
    pub(crate) deadline: Deadline,
}

impl Run {
    /// A row of the chunk as an actor.
    pub(crate) fn actor(&self, row: usize) -> RowActor {
        RowActor { job: self.head.job_id, group: self.head.group_hash(), row: self.id.row(row) }
    }
}
