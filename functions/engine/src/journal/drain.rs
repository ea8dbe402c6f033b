//! Drains a journal: writes the index and the counts of committed packs, one pack after the other, and moves the cursor.

use efface_aws::backoff::DRAINING;
use efface_core::{
    journal::{Head, Pack, counts::counts},
    space::SpaceId,
};

use super::{JournalWriter, fault, in_time};
use crate::{Deadline, Error};

impl JournalWriter {
    /// Sees to it that a space is drained up to a number that its head has reached; its head then. Whoever has committed
    /// a pack drains it, so this one waits a moment and drains only where the cursor stays where it was. It may be repeated,
    /// and others may do it at the same time.
    pub(super) async fn drained(
        &self,
        space: &SpaceId,
        mut head: Head,
        to: u64,
        deadline: Deadline,
    ) -> Result<Head, Error> {
        while head.indexed() < to {
            in_time(deadline)?;
            DRAINING.start().wait().await;
            let now = self.journal.head(space).await?;
            head = if now.indexed() == head.indexed() { self.drain(space, now, deadline).await? } else { now };
        }
        Ok(head)
    }

    /// Drains what a head has committed; the head then.
    async fn drain(&self, space: &SpaceId, mut head: Head, deadline: Deadline) -> Result<Head, Error> {
        while !head.undrained().is_empty() {
            let undrained = head.undrained();
            for pack in self.journal.packs(space, undrained.start, undrained.end).await? {
                in_time(deadline)?;
                let Some(drained) = self.drain_pack(space, &head, &pack).await? else {
                    // Somebody else has moved the cursor.
                    head = self.journal.head(space).await?;
                    break;
                };
                head = drained;
            }
            if head.indexed() <= undrained.start {
                return Err(Error::Fault("a cursor of a journal that does not move"));
            }
        }
        Ok(head)
    }

    /// Drains a pack that was just committed. Where others are before it, they are left to who committed them, and so is the
    /// head's cursor.
    pub(super) async fn drain_next(&self, space: &SpaceId, head: Head, pack: &Pack) -> Result<Head, Error> {
        let drained = self.drain_pack(space, &head, pack).await?;
        Ok(drained.unwrap_or(head))
    }

    /// Drains one pack, the first that is left. The head afterwards; `None` where the cursor is elsewhere.
    async fn drain_pack(&self, space: &SpaceId, head: &Head, pack: &Pack) -> Result<Option<Head>, Error> {
        let Some(to) = head.drained(pack) else { return Ok(None) };
        self.journal.put_index(pack).await?;
        for (day, counts) in counts(pack) {
            self.journal.count(space, &day, &counts, pack.end()).await?;
        }
        if !self.journal.move_cursor(space, head, to).await? {
            return Ok(None);
        }
        Head::new(head.n(), head.frontier().clone(), to, head.is_dirty()).map(Some).map_err(fault)
    }
}
