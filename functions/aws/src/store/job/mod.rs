//! Jobs: heads, pages and counters. One request of a few read units tells where a job of any size stands: each of its
//! counters adds up what its share of the chunks came to.

mod allowance;
mod chunk;
mod event;
mod list;
mod outcome;
mod plan;
mod reservation;
mod segment;
mod state;

use efface_core::{
    job::{Counts, JobHead, JobId, JobState, JobStatus, Page, Progress, SHARDS, event::of_creation},
    key::GroupHash,
    space::SpaceId,
};

pub use chunk::{ChunkRecord, ChunkStart};
pub use event::EventCursor;
pub(super) use event::KIND as EVENT_KIND;
pub use list::{JobCursor, LiveCursor, LiveJob, TOTALLED, Totals};
pub use outcome::{MissingRow, OutcomeCursor, RowOutcome};
pub use reservation::Reserved;
pub use segment::PhaseMove;
pub use state::Move;

use super::{
    Item, Key, Store, StoreError,
    keys::{ALL_JOBS, COUNTERS, JOB_HEAD, PAGES, job_partition, list_of},
    read::{Query, read, sort_key},
    value::ToValue,
    write::{MANY, Write},
};
use crate::metrics;

pub(super) const KIND: &str = "job";

/// What a page's commit came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Committed {
    /// The page is committed now.
    Yes,
    /// A page is committed under this number already, perhaps by this very request.
    Again(Page),
    /// The job takes no pages, or is not there.
    NotOpen,
}

impl Store {
    /// Where a job stands: one consistent read of a few small items.
    pub async fn job(&self, space: &SpaceId, job: JobId) -> Result<Option<JobStatus>, StoreError> {
        let (items, _) = self.query(Query::between(job_partition(space, job), COUNTERS, JOB_HEAD)).await?;
        let (mut head, mut progress) = (None, Progress::default());
        for item in items {
            if sort_key(&item)? == JOB_HEAD {
                head = Some(read::<JobHead>(item, KIND)?);
            } else {
                progress.add(&read(item, "job's counter")?);
            }
        }
        Ok(head.map(|head| JobStatus { head, progress }))
    }

    /// Makes a job, with its first page where it has one, in one transaction. `false` where it is there already.
    pub async fn create_job(&self, space: &SpaceId, head: &JobHead, page: Option<&Page>) -> Result<bool, StoreError> {
        let is_new = self.transact(new_job(space, head, page)?, MANY).await?.is_done();
        page.filter(|_| is_new).inspect(|page| count_invalid(head, page));
        Ok(is_new)
    }

    /// Adds a page to a job that is open, or whose rows are being made, in one transaction.
    pub async fn commit_page(&self, space: &SpaceId, head: &JobHead, page: &Page) -> Result<Committed, StoreError> {
        let job = head.job_id;
        let mut writes = page_writes(space, job, page)?;
        writes.push(plan::may_be_added_to(space, head));
        if !head.is_preparing() {
            writes.extend(aggregate_writes(space, head, "all", &[("rows", page.rows), ("invalid", page.invalid)]));
        }
        if self.transact(writes, MANY).await?.is_done() {
            count_invalid(head, page);
            return Ok(Committed::Yes);
        }
        Ok(self.page(space, job, page.page).await?.map_or(Committed::NotOpen, Committed::Again))
    }

    /// A page that is committed.
    pub async fn page(&self, space: &SpaceId, job: JobId, page: u32) -> Result<Option<Page>, StoreError> {
        self.get(Key::page(space, job, page), "job's page").await
    }

    /// Up to so many committed pages of a job, by number, from this one on.
    pub async fn pages(&self, space: &SpaceId, job: JobId, from: u32, limit: i32) -> Result<Vec<Page>, StoreError> {
        let from = Key::page(space, job, from).sk;
        let query = Query::between(job_partition(space, job), from, format!("{PAGES}~")).limit(limit);
        let (items, _) = self.query(query).await?;
        items.into_iter().map(|item| read(item, "job's page")).collect()
    }
}

/// Rows that cannot be read have their outcome with their page.
fn count_invalid(head: &JobHead, page: &Page) {
    metrics::rows(head.action, head.dry_run, &Counts { invalid: page.invalid, ..Counts::default() });
}

/// What makes a job, with its first page where it has one.
fn new_job(space: &SpaceId, head: &JobHead, page: Option<&Page>) -> Result<Vec<Write>, StoreError> {
    let job = head.job_id;
    let mut writes = vec![Write::put_new(Key::job(space, job), head)?, Write::put_key(Key::live_job(space, job))];
    writes.push(listed_by(space, head));
    writes.extend(head.group_hash().map(|group| listed(space, Some(group), ALL_JOBS, job)));
    writes.extend(scopes(head).map(|group| listed(space, group, list_of(head.state), job)));
    let (rows, invalid) = page.map(|page| (page.rows, page.invalid)).unwrap_or_default();
    let progress = Progress { rows, ..Progress::default() };
    // Rows of a plan that are still to be made count from the beginning.
    let rows = head.rows(&progress);
    writes.extend(event::of_new(space, head, of_creation(head.state), head.expected_rows(&progress))?);
    writes.extend(head.max_deletions.map(|most| allowance::new(space, job, most)));
    writes.extend(aggregate_writes(space, head, "all", &[("jobs", 1), ("rows", rows), ("invalid", invalid)]));
    if let Some(page) = page {
        writes.extend(page_writes(space, job, page)?);
    }
    Ok(writes)
}

fn page_writes(space: &SpaceId, job: JobId, page: &Page) -> Result<Vec<Write>, StoreError> {
    let mut writes = vec![Write::put_new(Key::page(space, job, page.page), page)?];
    writes.extend(Write::add(Key::counter(space, job, page.page % SHARDS), &page.progress().amounts()));
    Ok(writes)
}

/// Adds to the aggregate counters of a job's space and group. Dry runs are not counted: they delete nothing.
fn aggregate_writes(space: &SpaceId, head: &JobHead, of: &str, amounts: &[(&'static str, i64)]) -> Vec<Write> {
    if head.dry_run {
        return Vec::new();
    }
    let shard = fastrand::u32(..SHARDS);
    scopes(head).filter_map(|group| Write::add(Key::aggregate(space, group, of, shard), amounts)).collect()
}

/// The lists that a job is in: its space's, and that of its group.
fn scopes(head: &JobHead) -> impl Iterator<Item = Option<GroupHash>> + use<> {
    std::iter::once(None).chain(head.group_hash().map(Some))
}

fn listed(space: &SpaceId, group: Option<GroupHash>, list: &str, job: JobId) -> Write {
    Write::put_key(Key::listed_job(space, group, list, job))
}

/// A job in the list of all jobs of its space, with who made it: so that a token finds its own jobs there.
fn listed_by(space: &SpaceId, head: &JobHead) -> Write {
    let token_id = ("token_id".to_owned(), head.token_id.to_value());
    Write::put(Key::listed_job(space, None, ALL_JOBS, head.job_id), Item::from([token_id]))
}

/// Moves a job from the list of one state to that of another. It belongs to the transaction that changes the state.
fn relist(space: &SpaceId, head: &JobHead, to: JobState) -> Vec<Write> {
    let (from, to) = (list_of(head.state), list_of(to));
    let moves = scopes(head).flat_map(|group| {
        let left = Write::delete(Key::listed_job(space, group, from, head.job_id));
        [left, listed(space, group, to, head.job_id)]
    });
    if from == to { Vec::new() } else { moves.collect() }
}
