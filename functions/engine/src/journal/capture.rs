//! Captures entries: commits those that a journal has not.

use std::collections::{BTreeMap, BTreeSet};

use efface_aws::{
    StoreError,
    backoff::CONTENDED_JOURNAL,
    journal::PackPut,
    metrics::{self, Metric},
};
use efface_core::{
    journal::{Entry, EventId, Head, Pack, commit::unknown, pack::fitting},
    space::SpaceId,
};
use futures::{StreamExt, stream};

use super::{JournalWriter, in_time};
use crate::{Deadline, Error};

/// Spaces whose entries are written at once.
const SPACES_AT_ONCE: usize = 8;

/// The entries of a space that are left to commit, and how far the journal is known: of what is before `seen`, nothing is
/// left.
struct Left {
    entries: Vec<Entry>,
    seen: u64,
}

impl Left {
    /// Forgets what a committed pack has.
    fn forget(&mut self, pack: &Pack) {
        let there: BTreeSet<&EventId> = pack.entries().iter().map(Entry::id).collect();
        self.entries.retain(|entry| !there.contains(entry.id()));
        self.seen = self.seen.max(pack.end());
    }
}

impl JournalWriter {
    /// Commits those of some entries that the journals of their spaces have not. Returns the spaces whose journal has stopped:
    /// no repetition helps until somebody mends them, and the entries of the others are committed. To repeat it is harmless.
    ///
    /// # Errors
    /// What passes by itself, and what is not the fault of one space: all entries are to be captured again. A failure of one
    /// space does not keep the others from being written; the first one is returned.
    pub async fn capture(
        &self,
        entries: impl IntoIterator<Item = Entry>,
        deadline: Deadline,
    ) -> Result<BTreeSet<SpaceId>, Error> {
        let mut by_space: BTreeMap<SpaceId, Vec<Entry>> = BTreeMap::new();
        for entry in entries {
            by_space.entry(entry.space().clone()).or_default().push(entry);
        }
        let work = by_space.into_iter().map(|(space, entries)| async move {
            let result = self.capture_in(&space, entries, deadline).await;
            (space, result)
        });
        let work = work.collect::<Vec<_>>();
        let results: Vec<_> = stream::iter(work).buffer_unordered(SPACES_AT_ONCE).collect().await;
        let (mut stopped, mut failed) = (BTreeSet::new(), None);
        for (space, result) in results {
            match result {
                Ok(()) => {}
                Err(error) if stops_its_space(&error) => {
                    tracing::error!(space_id = %space, %error, "the journal of a space has stopped");
                    metrics::add(Metric::SpacesStopped, 1);
                    stopped.insert(space);
                }
                Err(error) => {
                    tracing::warn!(space_id = %space, %error, "changes of a space not captured");
                    failed.get_or_insert(error);
                }
            }
        }
        failed.map_or(Ok(stopped), Err)
    }

    /// Looks up what is there already, puts a pack of the rest, commits it and drains it, and so on. Where another pack stands
    /// in its place, its writer has died or is slow: that one is committed. What others have committed after the look-up is
    /// compared with their packs.
    async fn capture_in(&self, space: &SpaceId, entries: Vec<Entry>, deadline: Deadline) -> Result<(), Error> {
        let mut pauses = CONTENDED_JOURNAL.start();
        let head = self.journal.head(space).await?;
        let seen = head.n();
        let mut head = self.drained(space, head, seen, deadline).await?;
        let ids: Vec<EventId> = entries.iter().map(|entry| entry.id().clone()).collect();
        let known = self.journal.known(space, &ids).await?;
        let mut left = Left { entries: unknown(entries, Entry::id, &known), seen };
        loop {
            self.forget_since(space, &mut left, &head).await?;
            if left.entries.is_empty() {
                return self.drained(space, head, left.seen, deadline).await.map(drop);
            }
            in_time(deadline)?;
            let (own, there) = self.put(&head, &left.entries).await?;
            let wakes = !head.is_dirty();
            let (next, is_lost) = match self.commit(space, &head, &there).await {
                Ok(Some(committed)) => (self.drain_next(space, committed, &there).await?, false),
                Err(error) if !error.is_passing() => return Err(error),
                // Somebody else was faster, or the reply was lost.
                lost => {
                    if !pauses.wait().await {
                        return Err(lost.err().unwrap_or_else(|| Error::contended("a journal")));
                    }
                    (self.journal.head(space).await?, true)
                }
            };
            head = next;
            if head.n() < there.end() {
                continue;
            }
            if is_lost && wakes && head.is_dirty() {
                // The commit may have been this one: then nobody else sends the pointer.
                self.wake(space).await;
            }
            if there == own {
                committed(space, &there);
                pauses = CONTENDED_JOURNAL.start();
            }
            left.forget(&there);
        }
    }

    /// Puts a pack of the first of these entries at the head's number, as many as fit. Returns it, and the pack that stands
    /// there now.
    pub(super) async fn put(&self, head: &Head, entries: &[Entry]) -> Result<(Pack, Pack), Error> {
        let next = entries.iter().take(fitting(entries)).cloned().collect();
        let own = Pack::new(head.n(), next).map_err(|_| Error::Fault("entries that make no pack"))?;
        let there = match self.journal.put_pack(&own).await? {
            PackPut::Put => own.clone(),
            PackPut::There(there) => *there,
        };
        Ok((own, there))
    }

    /// Forgets the entries that others have committed since.
    async fn forget_since(&self, space: &SpaceId, left: &mut Left, head: &Head) -> Result<(), Error> {
        while !left.entries.is_empty() && left.seen < head.n() {
            for pack in self.journal.packs(space, left.seen, head.n()).await? {
                left.forget(&pack);
            }
        }
        Ok(())
    }

    /// Commits what writers that died have left at the end of a space's journal, and drains it, until there is no such pack
    /// and nothing to drain.
    pub async fn settle(&self, space: &SpaceId, deadline: Deadline) -> Result<(), Error> {
        let mut pauses = CONTENDED_JOURNAL.start();
        loop {
            in_time(deadline)?;
            let head = self.journal.head(space).await?;
            let to = head.n();
            let head = self.drained(space, head, to, deadline).await?;
            match self.journal.pack(space, head.n()).await? {
                None if head.undrained().is_empty() => return Ok(()),
                None => {}
                Some(left) => match self.commit(space, &head, &left).await? {
                    Some(committed) => drop(self.drain_next(space, committed, &left).await?),
                    None if pauses.wait().await => {}
                    None => return Err(Error::contended("a journal")),
                },
            }
        }
    }
}

/// Whether an error is the fault of the one space whose journal was written, and lasts: its head or a pack cannot be read, or
/// entries are missing. A right or a table that is missing is not.
pub fn stops_its_space(error: &Error) -> bool {
    matches!(error, Error::Store(StoreError::Unreadable(_)) | Error::Fault(_))
}

/// Counts a pack of one's own that is committed, whoever has done it: so each is counted at most once.
fn committed(space: &SpaceId, pack: &Pack) {
    metrics::add(Metric::JournalEntries, pack.end() - pack.first());
    tracing::info!(space_id = %space, pack = pack.first(), entries = pack.entries().len(), "entries committed");
}
