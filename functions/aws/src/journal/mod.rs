//! The journal: a DynamoDB table of its own, without a stream. What its items are and how they are committed is said in
//! `docs/adr/0015-journal.md`; the rules are in `efface_core::journal`. Here is each read and each write, one request or
//! batch each: in which order they follow is decided by who captures, drains, publishes or reconciles.
//!
//! [`keys`] says where items live. Each file holds the operations on one kind of item.

mod counts;
mod head;
mod index;
pub mod keys;
mod newest;
mod pack;
mod reconcile;

use aws_sdk_dynamodb::Client;
use efface_core::space::SpaceId;

use crate::items::Items;

pub use counts::DayCounts;
pub use pack::PackPut;
pub use reconcile::{NounsPart, ReconcilePhase, ReconcileRun};

/// The journal's table and a client for it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Journal {
    items: Items,
}

impl Journal {
    /// A journal on a table.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { items: Items::new(client, table) }
    }
}

/// A page of what is read, and where to go on: `None` at the end.
pub type Paged<T, After> = (Vec<T>, Option<After>);

/// Spaces that wait, as [`Journal::dirty_spaces`] lists them.
pub type WaitingSpaces = Paged<SpaceId, SpaceId>;
