//! The receipts for all identifiers that a job deleted, a page at a time, in the order of the log.

use efface_core::{
    api_error::ApiError,
    identifier::IdentifierType,
    job::{JobHead, JobId, RowRef},
    journal::{Entry, EventKind, index::Numbers, life::unchecked_nonce},
    log::{Nonce, receipt::Receipt},
    space::SpaceId,
};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{
    Evidence,
    receipts::{checked, entry_of, unreadable},
};
use crate::Error;

/// Packs whose numbers one request lists.
const PACKS: i32 = 20;

/// A receipt of a job.
#[derive(Debug)]
pub struct JobReceipt {
    /// The row that deleted the identifier; `None` where the entry does not say.
    pub row: Option<RowRef>,
    /// The identifier's type.
    pub id_type: Option<IdentifierType>,
    /// The receipt.
    pub receipt: Receipt,
}

/// Where a page ended. Clients get it, and can make one up: it leads to nothing but entries of the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobReceiptsCursor {
    /// The job, so that a cursor of another one is noticed.
    pub job: JobId,
    /// The first number of the pack to go on with.
    pack: u64,
    /// The first number that was not looked at.
    number: u64,
}

/// An entry whose receipt is wanted.
struct Wanted {
    number: u64,
    entry: Entry,
    nonce: Option<Nonce>,
    row: Option<RowRef>,
    id_type: Option<IdentifierType>,
}

impl Evidence {
    /// A page of the receipts for what a job deleted, and where to go on; `None` at the end. The list of a job that is over
    /// does not end before its end is in the journal; that of one that is not over ends with what is there so far.
    ///
    /// Nothing tells whether the nonces are right, as the identifiers' values are gone: they are, if the log key is the one
    /// with which the identifiers were loaded.
    ///
    /// # Errors
    /// [`ApiError::NotLoggedYet`] where the next one is not published yet: the publisher is told that a receipt waits.
    pub async fn receipts_of_job(
        &self,
        space: &SpaceId,
        job: &JobHead,
        start: Option<JobReceiptsCursor>,
        limit: usize,
        until: Instant,
    ) -> Result<(Vec<JobReceipt>, Option<JobReceiptsCursor>), Error> {
        let id = job.job_id;
        let mut at = start.unwrap_or(JobReceiptsCursor { job: id, pack: 0, number: 0 });
        let mut wanted = Vec::new();
        let is_all = self.collect(space, &mut at, limit, until, &mut wanted).await?;
        if wanted.is_empty() && !is_all {
            return Ok((Vec::new(), Some(at)));
        }
        if wanted.is_empty() {
            // The last page: either there is nothing more, or it is not in the journal yet.
            return match self.end_of_job(space, job).await {
                Ok(_) | Err(Error::Api(ApiError::JobNotOver)) => Ok((Vec::new(), None)),
                Err(error) => Err(error),
            };
        }
        let asked: Vec<_> = wanted.iter().map(|wanted| (wanted.number, wanted.nonce)).collect();
        let receipts = self.reader.receipts(space, &asked).await?;
        let Some(last) = receipts.last().map(|receipt| receipt.index) else {
            let size = asked.last().map_or(0, |(number, _)| number + 1);
            return Err(self.hasten(space, size).await.into());
        };
        if receipts.len() < asked.len() {
            // Of the rest nothing is published. It begins in the pack of the last one, or after it.
            at = JobReceiptsCursor { number: last + 1, pack: self.pack_of(space, last).await?, ..at };
        }
        let mut page = Vec::with_capacity(receipts.len());
        for (wanted, receipt) in wanted.into_iter().zip(receipts) {
            let receipt = checked(receipt, &wanted.entry)?;
            page.push(JobReceipt { row: wanted.row, id_type: wanted.id_type, receipt });
        }
        Ok((page, Some(at)))
    }

    /// Looks for entries that delete identifiers, from `at` on, and moves it behind those that were looked at. Whether no
    /// entry of the job is left.
    async fn collect(
        &self,
        space: &SpaceId,
        at: &mut JobReceiptsCursor,
        limit: usize,
        until: Instant,
        wanted: &mut Vec<Wanted>,
    ) -> Result<bool, Error> {
        loop {
            let packs = self.journal.job_packs(space, at.job, at.pack, PACKS).await?;
            let is_last = i32::try_from(packs.len()).is_ok_and(|count| count < PACKS);
            for of in packs {
                self.collect_of(space, at, &of, limit, wanted).await?;
                if wanted.len() >= limit || Instant::now() >= until {
                    return Ok(false);
                }
                at.pack = of.first + 1;
            }
            if is_last {
                return Ok(true);
            }
        }
    }

    /// The same in one pack.
    async fn collect_of(
        &self,
        space: &SpaceId,
        at: &mut JobReceiptsCursor,
        of: &Numbers,
        limit: usize,
        wanted: &mut Vec<Wanted>,
    ) -> Result<(), Error> {
        at.pack = of.first;
        let from = at.number;
        let mut numbers = of.numbers.iter().copied().filter(|number| *number >= from).peekable();
        if numbers.peek().is_none() {
            return Ok(());
        }
        let pack = self.journal.pack(space, of.first).await?.ok_or(Error::Fault("an index without its pack"))?;
        for number in numbers {
            if wanted.len() >= limit {
                return Ok(());
            }
            let entry = entry_of(&pack, number).ok_or(Error::Fault("an index of another pack"))?;
            if entry.id().kind == EventKind::IdentifierRemoved {
                wanted.push(self.wanted(number, entry)?);
            }
            at.number = number + 1;
        }
        Ok(())
    }

    fn wanted(&self, number: u64, entry: &Entry) -> Result<Wanted, Error> {
        let nonce = unchecked_nonce(entry, &self.key).map_err(|error| unreadable(&error))?;
        let row = entry.details().map_err(|error| unreadable(&error))?.job_row;
        let id_type = entry.facts().map_err(|error| unreadable(&error))?.id_type;
        Ok(Wanted { number, entry: entry.clone(), nonce, row, id_type })
    }

    /// The first number of the pack with this entry.
    async fn pack_of(&self, space: &SpaceId, number: u64) -> Result<u64, Error> {
        let pack = self.journal.pack_with(space, number).await?;
        Ok(pack.ok_or(Error::Fault("an entry without its pack"))?.first())
    }
}
