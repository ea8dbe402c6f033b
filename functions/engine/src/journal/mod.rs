//! The journal: entries are captured from the changes of the table, committed and drained; a reconcile makes up for what no
//! change told, and what is lost is refilled from the log. `docs/adr/0015-journal.md` says why it is done in this order, and `efface_core::journal` has the rules.
//!
//! Any number of writers may write to one journal, and each may die anywhere.

mod capture;
mod drain;
pub mod events;
mod present;
pub mod reconcile;
mod recover;
mod refill;
pub mod search;

use std::time::Duration;

use efface_aws::{Journal, log_queue::LogQueue};
use efface_core::{
    journal::{Head, Pack, commit::HeadError},
    space::SpaceId,
};

use crate::{Deadline, Error};

pub use capture::stops_its_space;
pub(crate) use recover::{Recovery, Wanted};

/// How long a pointer to the publisher waits: what follows soon is published with it.
const WAKING_DELAY: Duration = Duration::from_secs(5);

/// What writes to the journals of all spaces. Cheap to clone.
#[derive(Debug, Clone)]
pub struct JournalWriter {
    journal: Journal,
    publisher: Option<LogQueue>,
}

impl JournalWriter {
    /// A writer on the journal's table. It wakes the log's publisher, where there is one.
    pub fn new(journal: Journal, publisher: Option<LogQueue>) -> Self {
        Self { journal, publisher }
    }

    /// The journal that it writes to.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Commits a pack that stands in the table at the head's number, whoever put it there. The head afterwards; `None` where
    /// somebody else has changed it meanwhile.
    async fn commit(&self, space: &SpaceId, head: &Head, pack: &Pack) -> Result<Option<Head>, Error> {
        let commit = head.commit(pack).map_err(fault)?;
        if !self.journal.commit(space, head, &commit).await? {
            return Ok(None);
        }
        if commit.wakes {
            self.wake(space).await;
        }
        Head::new(commit.n, commit.frontier, head.indexed(), true).map(Some).map_err(fault)
    }

    /// Wakes the publisher. Where that fails, its schedule finds the space: the item that the commit has put stays until the
    /// entries are published.
    async fn wake(&self, space: &SpaceId) {
        let Some(publisher) = &self.publisher else { return };
        if let Err(error) = publisher.send(space, WAKING_DELAY, false).await {
            tracing::warn!(space_id = %space, %error, "log publisher not woken");
        }
    }
}

/// Fails where the time is up. The batch comes again.
fn in_time(deadline: Deadline) -> Result<(), Error> {
    if deadline.is_over() { Err(Error::time_is_up()) } else { Ok(()) }
}

#[expect(clippy::needless_pass_by_value, reason = "the form that `map_err` takes")]
fn fault(error: HeadError) -> Error {
    match error {
        HeadError::Contradiction => Error::Fault("a head of a journal that contradicts itself"),
        HeadError::NotNext { .. } => Error::Fault("a pack that is not the next one"),
        HeadError::Full(_) => Error::Fault("a journal that is full"),
    }
}
