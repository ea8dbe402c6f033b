//! Receipts: for the deletion of an identifier, for the end of a job, and for all that a job deleted.
//!
//! What happened is decided by the table, which entry tells of it by the journal's index, and whether it is published by the
//! log. Where the table is ahead of the other two, the receipt is not there yet. Where only the publisher is behind, it is
//! told that a receipt waits.

use std::time::Duration;

use efface_aws::{Store, StoreError, log_queue::LogPointer};
use efface_core::{
    api_error::ApiError,
    deletion::Identifier,
    identifier::ExternalId,
    job::{JobHead, JobState},
    journal::{
        Entry, EntryError, EventId, EventKind, Noun, Pack,
        derive::identifier::of_item,
        life::{NotTied, nonce},
    },
    key::IdHash,
    log::{Nonce, receipt::Receipt},
    space::SpaceId,
    time::Time,
};

use super::Evidence;
use crate::Error;

/// How many of the last entries about an identifier or a job are looked at. A life of an identifier has two, and the end of
/// a job is among its last two.
const LAST: i32 = 25;

/// Whether and when something that happened reached the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Logged {
    /// The entry's number; `None` where the journal does not have it yet.
    pub index: Option<u64>,
    /// By when it was published at the latest; `None` where it is not.
    pub at: Option<Time>,
}

/// Which entry is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// That of the identifier's latest deletion.
    LatestDeletion,
    /// The one with this number, if it is about the identifier.
    Numbered(u64),
}

impl Evidence {
    /// The receipt for an entry about an identifier.
    ///
    /// # Errors
    /// [`ApiError::ReceiptNotFound`], [`ApiError::NotLoggedYet`], [`ApiError::OtherLogKey`], or a failure of table, journal or
    /// log.
    pub async fn receipt_of_identifier(
        &self,
        store: &Store,
        space: &SpaceId,
        hash: IdHash,
        identifier: &ExternalId,
        which: Which,
    ) -> Result<Receipt, Error> {
        let number = match which {
            Which::Numbered(number) => number,
            Which::LatestDeletion => self.latest_deletion(store, space, hash).await?,
        };
        let pack = self.journal.pack_with(space, number).await?.ok_or(ApiError::ReceiptNotFound)?;
        let entry = entry_of(&pack, number).filter(|entry| entry.id().noun == Noun::Identifier(hash));
        let entry = entry.ok_or(ApiError::ReceiptNotFound)?;
        let nonce = nonce(entry, &self.key, identifier).map_err(not_tied)?;
        self.receipt(space, number, entry, nonce).await
    }

    /// The number of the entry of an identifier's latest deletion.
    async fn latest_deletion(&self, store: &Store, space: &SpaceId, hash: IdHash) -> Result<u64, Error> {
        let noun = Noun::Identifier(hash);
        let (item, entries) =
            futures::join!(store.identifier(space, hash), self.journal.last_entries_of(space, &noun, LAST));
        let expected = item?.map(|item| deletion(hash, &item)).transpose()?.flatten();
        removal(&entries?, expected.as_ref())
    }

    /// Whether the latest deletion of an identifier, which is this item, reached the log. One read of the journal; where that
    /// has the entry and nobody has asked before, two of the log.
    pub async fn deletion_logged(&self, space: &SpaceId, hash: IdHash, item: &Identifier) -> Result<Logged, Error> {
        let entries = self.journal.last_entries_of(space, &Noun::Identifier(hash), LAST).await?;
        let index = match removal(&entries, deletion(hash, item)?.as_ref()) {
            Ok(number) => Some(number),
            Err(Error::Api(_)) => None,
            Err(error) => return Err(error),
        };
        let head = match index {
            Some(number) => self.head_with(space, number).await?,
            None => None,
        };
        Ok(Logged { index, at: head.map(|head| head.signed_at) })
    }

    /// The receipt for a job's end: that it was verified, else completed or cancelled.
    ///
    /// # Errors
    /// [`ApiError::JobNotOver`], [`ApiError::NotLoggedYet`], or a failure of journal or log.
    pub async fn receipt_of_job(&self, space: &SpaceId, job: &JobHead) -> Result<Receipt, Error> {
        let number = self.end_of_job(space, job).await?;
        let pack = self.journal.pack_with(space, number).await?.ok_or(ApiError::NotLoggedYet)?;
        let entry = entry_of(&pack, number).ok_or(ApiError::NotLoggedYet)?;
        self.receipt(space, number, entry, None).await
    }

    /// The number of the entry of a job's end.
    pub(super) async fn end_of_job(&self, space: &SpaceId, job: &JobHead) -> Result<u64, Error> {
        let (kind, at) = end(job).ok_or(ApiError::JobNotOver)?;
        let entries = self.journal.last_entries_of(space, &Noun::Job(job.job_id), LAST).await?;
        let found = entries.iter().find(|(id, _)| id.kind == kind && id.time == at);
        Ok(found.map(|(_, number)| *number).ok_or(ApiError::NotLoggedYet)?)
    }

    /// The receipt for an entry of the journal, if it is published; else the publisher is told that a receipt waits.
    async fn receipt(
        &self,
        space: &SpaceId,
        number: u64,
        entry: &Entry,
        nonce: Option<Nonce>,
    ) -> Result<Receipt, Error> {
        match self.reader.receipt(space, number, nonce).await? {
            Some(receipt) => checked(receipt, entry),
            None => Err(self.hasten(space, number + 1).await.into()),
        }
    }

    /// Tells the publisher that a receipt waits for a log of so many entries. Where that fails, the pointer that is under way
    /// publishes it a little later.
    pub(super) async fn hasten(&self, space: &SpaceId, size: u64) -> ApiError {
        let pointer = LogPointer::new(space.clone(), true).up_to(Some(size));
        if let Err(error) = self.queue.send_pointer(&pointer, Duration::ZERO).await {
            tracing::warn!(%error, "log publisher not hastened");
        }
        ApiError::NotLoggedYet
    }
}

/// The receipt, if it is for this entry of the journal.
pub(super) fn checked(receipt: Receipt, entry: &Entry) -> Result<Receipt, Error> {
    if receipt.leaf == *entry.leaf_json() {
        Ok(receipt)
    } else {
        Err(Error::Fault("a log with another entry than its journal"))
    }
}

/// The entry of a pack with this number.
pub(super) fn entry_of(pack: &Pack, number: u64) -> Option<&Entry> {
    pack.numbered().find(|(at, _)| *at == number).map(|(_, entry)| entry)
}

/// The event of the latest deletion that an identifier's item tells of.
fn deletion(hash: IdHash, item: &Identifier) -> Result<Option<EventId>, Error> {
    let events = of_item(hash, item, None).map_err(|error| StoreError::Unreadable(format!("identifier: {error}")))?;
    Ok(events.into_iter().map(|event| event.id).rfind(|id| id.kind == EventKind::IdentifierRemoved))
}

/// The number of the entry of the latest deletion, of the last entries about an identifier, the last one first. The table
/// tells which deletion is expected: where the journal has only earlier ones, the receipt is not there yet.
///
/// The time tells whether an entry is of the expected deletion, not the ordinal: a writer of an earlier version did not
/// count. In a table that was restored from a backup, the journal may know of a later deletion, and one that is later may
/// have a lower ordinal.
fn removal(entries: &[(EventId, u64)], expected: Option<&EventId>) -> Result<u64, Error> {
    let removals = || entries.iter().filter(|(id, _)| id.kind == EventKind::IdentifierRemoved);
    let latest = removals().next();
    match (latest, expected) {
        (None, None) => Err(ApiError::ReceiptNotFound.into()),
        (Some((_, number)), None) => Ok(*number),
        (latest, Some(expected)) => {
            let same = removals().find(|(id, _)| id.time == expected.time);
            let later = latest.filter(|(id, _)| id.ordinal > expected.ordinal && id.time > expected.time);
            let (_, number) = later.or(same).ok_or(ApiError::NotLoggedYet)?;
            Ok(*number)
        }
    }
}

/// What the end of a job is, and when it came; `None` where it is not over.
fn end(job: &JobHead) -> Option<(EventKind, Time)> {
    let end = match (job.state, job.verified_at) {
        (JobState::Completed, Some(at)) => (EventKind::JobVerified, Some(at)),
        (JobState::Completed, None) => (EventKind::JobCompleted, job.finished_at),
        (JobState::Cancelled, _) => (EventKind::JobCancelled, job.finished_at),
        _ => return None,
    };
    Some((end.0, end.1?))
}

fn not_tied(error: NotTied) -> Error {
    match error {
        NotTied::OtherKey => ApiError::OtherLogKey.into(),
        NotTied::Entry(error) => unreadable(&error),
    }
}

pub(super) fn unreadable(error: &EntryError) -> Error {
    StoreError::Unreadable(format!("entry of a journal: {error}")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(ordinal: u64, second: i64, kind: EventKind) -> EventId {
        let noun = Noun::Identifier(IdHash::from_bytes([7; 32]));
        EventId { noun, ordinal: ordinal.try_into().unwrap(), time: Time::EPOCH.plus_seconds(second), kind }
    }

    /// The kind, the generation and the second of an event.
    type Told = (bool, u64, i64);

    fn event((is_removal, ordinal, second): Told) -> EventId {
        id(ordinal, second, if is_removal { EventKind::IdentifierRemoved } else { EventKind::IdentifierCreated })
    }

    #[test]
    fn the_latest_deletion_is_that_of_the_table() {
        let (created, removed) = (false, true);
        let missing = Err("Receipt was not found.");
        let late = Err("It is not in the log yet; ask again after as many seconds as Retry-After says.");
        // The journal's entries, the last one first, and the generation and second of the table's deletion.
        for (entries, expected, found) in [
            (&[][..], None, missing),
            (&[(created, 1, 1)], None, missing),
            (&[], Some((2, 20)), late),
            (&[(created, 1, 1)], Some((2, 20)), late),
            (&[(removed, 2, 20), (created, 1, 1)], Some((2, 20)), Ok(0)),
            // Back again: with and without the entry of that.
            (&[(created, 3, 30), (removed, 2, 20), (created, 1, 1)], Some((2, 20)), Ok(1)),
            (&[(removed, 2, 20)], Some((2, 20)), Ok(0)),
            // Deleted again, and the journal does not know it yet.
            (&[(created, 3, 30), (removed, 2, 20)], Some((4, 40)), late),
            (&[(removed, 4, 40), (created, 3, 30), (removed, 2, 20)], Some((4, 40)), Ok(0)),
            // Two clocks differ: the later deletion has the earlier time.
            (&[(created, 3, 30), (removed, 2, 50)], Some((4, 40)), late),
            // Nobody counted, or only one of the writers.
            (&[(removed, 0, 40), (created, 0, 30), (removed, 0, 20)], Some((0, 40)), Ok(0)),
            (&[(created, 0, 30), (removed, 0, 20)], Some((0, 40)), late),
            (&[(removed, 3, 40), (created, 3, 30)], Some((2, 40)), Ok(0)),
            // The table was restored to what it was before; or the item is gone.
            (&[(removed, 4, 40), (created, 3, 30), (removed, 2, 20)], Some((2, 20)), Ok(0)),
            (&[(removed, 4, 40), (created, 3, 30), (removed, 2, 200)], Some((2, 200)), Ok(2)),
            (&[(removed, 4, 40), (created, 3, 30)], Some((2, 200)), late),
            (&[(removed, 2, 20)], None, Ok(0)),
        ] {
            let numbered: Vec<_> = entries.iter().map(|told| event(*told)).zip(0..).collect();
            let expected = expected.map(|(ordinal, second)| event((removed, ordinal, second)));
            let result = removal(&numbered, expected.as_ref()).map_err(|error| error.to_string());
            assert_eq!(result, found.map_err(str::to_owned), "{entries:?} {expected:?}");
        }
    }
}
