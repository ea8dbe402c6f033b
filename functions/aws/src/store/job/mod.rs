//! Jobs: heads, pages and counters. One request, of a few units, tells where a job of any size stands: each of its
//! counters adds up what one in [`SHARDS`] of its chunks came to.

mod allowance;
mod chunks;
mod control;
mod lists;
mod marks;
mod outcomes;
mod writes;

use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, TransactWriteItem};
use efface_core::{
    job::plan::Extent,
    job::{Action, Counts, Group, JobId, JobState},
    space::SpaceId,
    time::Time,
};
use serde::{Deserialize, Serialize};

pub use chunks::{Chunk, ChunkState, Claimed, Report};
pub use control::Controlled;
pub use lists::{JobPosition, Totals};
pub use marks::Marked;
pub use outcomes::{Outcome, OutcomePosition};
use writes::adding;

use super::{
    Item, Key, Store, StoreError,
    keys::{COUNTERS, JOB_HEAD, PAGES, job_partition},
    read, sort_key, text,
};

/// Counters of a job, and of each tally: chunks that end at the same time seldom meet in one.
pub const SHARDS: u32 = 8;

/// How long a job's rows are kept: longer than a job may stay unfinished.
pub const ROWS_KEPT_SECONDS: i64 = 60 * 24 * 3_600;

/// How long a job may go on, and be redriven: its rows are still there then.
pub const LIFE_SECONDS: i64 = 50 * 24 * 3_600;

/// How often a transaction that met another is sent again.
const CONFLICT_ATTEMPTS: u32 = 10;

/// A job's head as the table holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobHead {
    /// The job's id.
    pub job_id: String,
    /// What it does with each row.
    pub action: Action,
    /// Where it stands.
    pub state: JobState,
    /// Counts changes of the state, so that a late step of an earlier change does nothing.
    pub version: i64,
    /// The label that it shares with others.
    pub job_group: Option<String>,
    /// When it was made.
    pub created_at: Time,
    /// The token that made it.
    pub token_id: String,
    /// Whether it only finds out what it would do.
    pub dry_run: bool,
    /// After how many deletions it pauses.
    pub max_deletions: Option<i64>,
    /// Whether it is the deletion of one profile, asked for by itself: its counts are kept for the receipt.
    pub single: bool,
    /// When its first chunk began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// When it came to its final state.
    pub finished_at: Option<Time>,
    /// When its chunks' results were read again and found to add up.
    pub verified_at: Option<Time>,
    /// When its state changed last.
    pub changed_at: Time,
    /// The last requests with a key that changed its state.
    #[serde(default)]
    pub controls: Vec<String>,
    /// The member of the profile to delete that its one row found; where it is [`single`](Self::single).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_id: Option<String>,
    /// Whether failed rows are being taken back, to be tried again.
    #[serde(default)]
    pub redriving: bool,
    /// Its counts when it came to its final state.
    #[serde(default)]
    pub counts: Option<Counts>,
    /// Chunks begun and done when the reconciler looked last.
    #[serde(default)]
    pub seen: i64,
    /// When that was.
    #[serde(default)]
    pub seen_at: Option<Time>,
    /// How often its chunks were sent again.
    #[serde(default)]
    pub resends: i64,
}

impl JobHead {
    /// The group's label.
    pub fn group(&self) -> Option<Group> {
        self.job_group.as_deref().and_then(|label| Group::parse(label).ok())
    }
}

/// What a job's counters add up to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct Progress {
    /// Rows of committed pages, the invalid ones too.
    #[serde(default)]
    pub rows: i64,
    /// Chunks of committed pages.
    #[serde(default)]
    pub chunks: i64,
    /// Chunks that have begun.
    #[serde(default)]
    pub begun: i64,
    /// Chunks that are done.
    #[serde(default)]
    pub done: i64,
    /// Rows by outcome.
    #[serde(flatten)]
    pub counts: Counts,
    /// What a dry run's rows would take along.
    #[serde(flatten)]
    pub extent: Extent,
}

impl Progress {
    /// Rows without an outcome.
    pub fn remaining(&self) -> i64 {
        (self.rows - self.counts.total()).max(0)
    }

    /// Whether no chunk has begun and is not done.
    pub fn is_still(&self) -> bool {
        self.begun <= self.done
    }

    fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        self.chunks += other.chunks;
        self.begun += other.begun;
        self.done += other.done;
        self.counts += other.counts;
        self.extent += other.extent;
    }

    /// What there is to add, by attribute.
    fn amounts(&self) -> Vec<(&'static str, i64)> {
        let mut amounts = vec![
            ("rows", self.rows),
            ("chunks", self.chunks),
            ("begun", self.begun),
            ("done", self.done),
            ("merges", self.extent.merges),
            ("identifiers", self.extent.identifiers),
            ("memberships", self.extent.memberships),
            ("other_case", self.extent.other_case),
        ];
        amounts.extend(by_outcome(&self.counts));
        amounts.retain(|(_, amount)| *amount != 0);
        amounts
    }
}

fn by_outcome(counts: &Counts) -> impl Iterator<Item = (&'static str, i64)> {
    efface_core::job::Outcome::ALL.map(|outcome| (outcome.as_str(), counts.of(outcome))).into_iter()
}

/// Where a job stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobStatus {
    /// Its head.
    pub head: JobHead,
    /// What its counters add up to.
    pub progress: Progress,
}

/// A page as the table holds it, once it is committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Its number, from 0, as the client gave it.
    pub page: u32,
    /// A keyed hash of its body, which tells another body under its number.
    pub content: String,
    /// Its rows, the invalid ones too.
    pub rows: i64,
    /// Its rows that can't be read.
    pub invalid: i64,
    /// Its chunks.
    pub chunks: u32,
}

/// What a page's commit came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Committed {
    /// It counts from now on.
    Yes,
    /// This page is committed already, perhaps by this very request.
    Again(Page),
    /// The job, or the state in which it takes pages, is not there.
    NotOpen,
}

impl Store {
    /// Where a job stands: one consistent read of a few small items.
    pub async fn job(&self, space: &SpaceId, job: &JobId) -> Result<Option<JobStatus>, StoreError> {
        let reply = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND sk BETWEEN :counters AND :head")
            .expression_attribute_values(":pk", text(job_partition(space, job)))
            .expression_attribute_values(":counters", text(COUNTERS))
            .expression_attribute_values(":head", text(JOB_HEAD))
            .consistent_read(true)
            .send()
            .await?;
        let (mut head, mut progress) = (None, Progress::default());
        for item in reply.items.unwrap_or_default() {
            if sort_key(&item) == JOB_HEAD {
                head = Some(read::<JobHead>(item)?);
            } else {
                progress.add(&read(item)?);
            }
        }
        Ok(head.map(|head| JobStatus { head, progress }))
    }

    /// Makes a job, with its first page where it has one, as a whole. `false` where it is there already.
    pub async fn create_job(&self, space: &SpaceId, head: &JobHead, page: Option<&Page>) -> Result<bool, StoreError> {
        let job = id_of(head)?;
        let group = head.group();
        let mut item: Item = serde_dynamo::to_item(head).map_err(|_| unreadable())?;
        item.extend(Item::from(Key::job(space, &job)));
        let mut writes = vec![
            self.put_new(item),
            self.put_item(Item::from(Key::listed_job(space, None, &job))),
            self.put_item(Item::from(Key::live_job(space, &job))),
        ];
        if group.is_some() {
            writes.push(self.put_item(Item::from(Key::listed_job(space, group.as_ref(), &job))));
        }
        if let Some(most) = head.max_deletions {
            writes.push(self.first_allowance(space, &job, most));
        }
        let first = page.map(|page| (page.rows, page.invalid)).unwrap_or_default();
        writes.extend(self.tally_writes(space, head, &[("jobs", 1), ("rows", first.0), ("invalid", first.1)], "all"));
        if let Some(page) = page {
            writes.extend(self.page_writes(space, &job, page)?);
        }
        Ok(self.transact_or_reasons(writes).await?.is_none())
    }

    /// Adds a page to a job that is open, as a whole.
    pub async fn commit_page(&self, space: &SpaceId, head: &JobHead, page: &Page) -> Result<Committed, StoreError> {
        let job = id_of(head)?;
        let mut writes = self.page_writes(space, &job, page)?;
        let open = ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(Key::job(space, &job).into()))
            .condition_expression("#state = :open")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":open", text(JobState::Open.as_str()));
        writes.push(TransactWriteItem::builder().set_condition_check(open.build().ok()).build());
        writes.extend(self.tally_writes(space, head, &[("rows", page.rows), ("invalid", page.invalid)], "all"));
        if self.transact_or_reasons(writes).await?.is_none() {
            return Ok(Committed::Yes);
        }
        Ok(self.page(space, &job, page.page).await?.map_or(Committed::NotOpen, Committed::Again))
    }

    /// A page that is committed.
    pub async fn page(&self, space: &SpaceId, job: &JobId, page: u32) -> Result<Option<Page>, StoreError> {
        self.get(Key::page(space, job, page)).await
    }

    /// Up to so many committed pages of a job, by number, from this one on.
    pub async fn pages(&self, space: &SpaceId, job: &JobId, from: u32, limit: i32) -> Result<Vec<Page>, StoreError> {
        let reply = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :last")
            .expression_attribute_values(":pk", text(job_partition(space, job)))
            .expression_attribute_values(":from", text(Key::page(space, job, from).sk))
            .expression_attribute_values(":last", text(format!("{PAGES}~")))
            .consistent_read(true)
            .limit(limit)
            .send()
            .await?;
        reply.items.unwrap_or_default().into_iter().map(read).collect()
    }

    fn page_writes(&self, space: &SpaceId, job: &JobId, page: &Page) -> Result<Vec<TransactWriteItem>, StoreError> {
        let mut item: Item = serde_dynamo::to_item(page).map_err(|_| unreadable())?;
        item.extend(Item::from(Key::page(space, job, page.page)));
        let counts = Counts { invalid: page.invalid, ..Counts::default() };
        let progress = Progress { rows: page.rows, chunks: page.chunks.into(), counts, ..Progress::default() };
        let mut writes = vec![self.put_new(item)];
        writes.extend(self.add(Key::counter(space, job, page.page % SHARDS), &progress.amounts()));
        Ok(writes)
    }

    /// Adds to the tallies of a job's space and group. Dry runs are not counted: they delete nothing.
    fn tally_writes(
        &self,
        space: &SpaceId,
        head: &JobHead,
        amounts: &[(&'static str, i64)],
        of: &str,
    ) -> Vec<TransactWriteItem> {
        if head.dry_run {
            return Vec::new();
        }
        let shard = fastrand::u32(..SHARDS);
        let group = head.group();
        let scopes = std::iter::once(None).chain(group.as_ref().map(Some));
        scopes.filter_map(|scope| self.add(Key::tally(space, scope, of, shard), amounts)).collect()
    }
}

/// The id in a head.
pub(super) fn id_of(head: &JobHead) -> Result<JobId, StoreError> {
    JobId::parse(&head.job_id).map_err(|_| unreadable())
}

fn unreadable() -> StoreError {
    StoreError::Internal("a job of an unknown shape".to_owned())
}

fn time_value(at: Time) -> AttributeValue {
    text(at.to_string())
}
