//! Refills a journal that is shorter than its log: commits entries that the log has, in their order.

use std::time::Duration;

use efface_aws::backoff::CONTENDED_JOURNAL;
use efface_core::{
    journal::{Entry, Head, Pack},
    log::Frontier,
    space::SpaceId,
};

use super::{JournalWriter, fault};
use crate::{Deadline, Error};

/// How long a drain may take.
const DRAIN_TIME: Duration = Duration::from_mins(10);

impl JournalWriter {
    /// The head of a space once all is drained that it has committed.
    pub(crate) async fn drained_head(&self, space: &SpaceId) -> Result<Head, Error> {
        let head = self.journal.head(space).await?;
        let to = head.n();
        self.drained(space, head, to, Deadline::after(DRAIN_TIME)).await
    }

    /// Commits the first of these entries, as many as make a pack, at a head that is drained, and drains them. Where a pack
    /// stands there that has the same leaves, it is committed instead: whoever put it knew no less of their private parts.
    /// The head afterwards, and the pack; `None` where the journal is not as it was read, or another pack stands there: then
    /// nothing was committed.
    pub(crate) async fn refill(
        &self,
        space: &SpaceId,
        head: &Head,
        entries: &[Entry],
    ) -> Result<Option<(Head, Pack)>, Error> {
        let (_, there) = self.put(head, entries).await?;
        if !begins_with(entries, &there) {
            return Ok(None);
        }
        let expected = head.commit(&there).map_err(fault)?.frontier;
        let Some(head) = self.committed_as(space, head.clone(), &there, &expected).await? else { return Ok(None) };
        let head = self.drain_next(space, head, &there).await?;
        let to = there.end();
        let head = self.drained(space, head, to, Deadline::after(DRAIN_TIME)).await?;
        Ok(Some((head, there)))
    }

    /// Commits a pack with which the journal has this tree, or finds that somebody has. `None` where it has another one.
    async fn committed_as(
        &self,
        space: &SpaceId,
        mut head: Head,
        pack: &Pack,
        expected: &Frontier,
    ) -> Result<Option<Head>, Error> {
        let mut pauses = CONTENDED_JOURNAL.start();
        loop {
            let lost = match self.commit(space, &head, pack).await {
                Ok(Some(head)) => return Ok(Some(head)),
                Err(error) if !error.is_passing() => return Err(error),
                // Somebody else was faster, the publisher has had the space rest, or the reply was lost.
                lost => lost.err(),
            };
            if !pauses.wait().await {
                return Err(lost.unwrap_or_else(|| Error::contended("a journal")));
            }
            let now = self.journal.head(space).await?;
            if now.frontier() == expected {
                return Ok(Some(now));
            }
            if now.frontier() != head.frontier() {
                return Ok(None);
            }
            head = now;
        }
    }
}

/// Whether a pack has the leaves of the first of these entries.
fn begins_with(entries: &[Entry], pack: &Pack) -> bool {
    let leaves = entries.iter().map(Entry::leaf_json);
    pack.entries().len() <= entries.len()
        && pack.entries().iter().map(Entry::leaf_json).eq(leaves.take(pack.entries().len()))
}
