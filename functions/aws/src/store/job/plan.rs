//! Plans: what dry runs find is kept with their chunks, and the jobs that execute them get their rows from it.

use efface_core::{
    job::{
        JobHead, JobId, JobState, Page, Phase,
        chunk::ChunkId,
        finding::{Finding, pack, unpack},
    },
    space::SpaceId,
};

use super::reservation::expiring;
use crate::store::{
    Key, Store, StoreError,
    keys::{PAGES, findings_partition, job_partition},
    read::{Query, read},
    value::ToValue,
    write::Write,
};

impl Store {
    /// What a dry run found by the rows of a page, in the order of the rows.
    pub async fn findings(&self, space: &SpaceId, job: JobId, page: u32) -> Result<Vec<(u32, Finding)>, StoreError> {
        let (mut findings, mut after) = (Vec::new(), None);
        loop {
            let (items, more) = self.query(Query::all(findings_partition(space, job, page)).after(after)).await?;
            for item in items {
                let bytes = item.get("findings").and_then(|findings| findings.as_b().ok());
                let unpacked = bytes.and_then(|bytes| unpack(bytes.as_ref()));
                findings.extend(unpacked.ok_or_else(|| StoreError::unreadable("findings of a dry run"))?);
            }
            after = more;
            if after.is_none() {
                // A chunk that was run more than once found its rows out of their order.
                findings.sort_unstable_by_key(|(row, _)| *row);
                return Ok(findings);
            }
        }
    }

    /// The last committed page of a job, by number.
    pub async fn last_page(&self, space: &SpaceId, job: JobId) -> Result<Option<Page>, StoreError> {
        let query = Query::between(job_partition(space, job), PAGES, format!("{PAGES}~")).newest_first().limit(1);
        let (items, _) = self.query(query).await?;
        items.into_iter().next().map(|item| read(item, "job's page")).transpose()
    }

    /// Notes that all rows of a job that executes a plan are there. Whether they were not before.
    pub async fn end_preparing(&self, space: &SpaceId, job: JobId) -> Result<bool, StoreError> {
        let write = Write::update(Key::job(space, job), "SET phase = :deleting")
            .when("phase = :preparing")
            .value(":deleting", Phase::Deleting.as_str())
            .value(":preparing", Phase::Preparing.as_str());
        Ok(self.write(write).await?.is_done())
    }
}

/// Checks that a page may be added to a job: by a client while it is open; by Efface while its rows are being made, unless
/// it was cancelled.
pub(super) fn may_be_added_to(space: &SpaceId, head: &JobHead) -> Write {
    let key = Key::job(space, head.job_id);
    if !head.is_preparing() {
        return Write::check(key, "#state = :open").value(":open", JobState::Open.as_str());
    }
    Write::check(key, "phase = :preparing AND NOT #state IN (:cancelling, :cancelled, :completed)")
        .value(":preparing", Phase::Preparing.as_str())
        .value(":completed", JobState::Completed.as_str())
        .value(":cancelling", JobState::Cancelling.as_str())
        .value(":cancelled", JobState::Cancelled.as_str())
}

/// Keeps what a write of a chunk's outcomes found, as part of that; `None` where it found nothing.
pub(super) fn keep_findings(
    space: &SpaceId,
    head: &JobHead,
    id: ChunkId,
    version: i64,
    findings: &[(u32, Finding)],
) -> Option<Write> {
    let mut item = expiring(head.rows_until());
    item.insert("findings".to_owned(), pack(findings).to_value());
    (!findings.is_empty()).then(|| Write::put(Key::findings(space, head.job_id, id, version), item))
}
