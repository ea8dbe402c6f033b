//! Lists of jobs: of a space, of a group, and of those that the reconciler looks after.

use std::collections::HashMap;

use efface_core::{
    job::{Counts, JobHead, JobId, JobState, JobStatus, SHARDS, care::Scan},
    key::GroupHash,
    space::SpaceId,
    token::TokenId,
    token_record::TokenRecord,
};
use futures::{StreamExt, TryStreamExt, future::try_join_all, stream};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::KIND;
use crate::store::{
    Item, Key, Store, StoreError,
    keys::{ALL_JOBS, LIVE_SHARDS, aggregate_partition, jobs_since, list_of, list_partition, live_partition},
    read::{Query, last_part, read, sort_key},
    value::to_attribute,
    write::Write,
};

/// Jobs that are read at once.
const AT_ONCE: usize = 16;

/// Entries of a list that are read at once.
const LISTED_AT_ONCE: i32 = 100;

/// Heads that are read at once, of entries that do not say who made the job.
const HEADS_AT_ONCE: usize = 100;

/// Entries of the list of all jobs that are looked through at once for those of one token: about 100 KB.
const LOOKED_THROUGH_AT_ONCE: i32 = 1_000;

/// How far the clocks may differ of who made a token and who made its first job, in seconds.
const CLOCKS_DIFFER_SECONDS: i64 = 600;

/// Unfinished jobs in one state that are added up one by one.
pub const TOTALLED: usize = 500;

/// Where a page of a list of jobs ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobCursor {
    /// The last job that was returned.
    pub job: JobId,
}

/// Where the reconciler goes on in the list of the jobs that it looks after.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveCursor {
    shard: u8,
    after: Option<String>,
}

impl LiveCursor {
    /// The beginning of the next shard; `None` after the last.
    pub fn next_shard(self) -> Option<Self> {
        let shard = self.shard + 1;
        (shard < LIVE_SHARDS).then_some(Self { shard, after: None })
    }
}

/// A job that the reconciler looks after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveJob {
    /// Its space.
    pub space: SpaceId,
    /// The job.
    pub job: JobId,
    /// How far the last run came with the job's pages, where it stopped before their end.
    pub scan: Option<Scan>,
}

/// An entry of the list of all jobs of a space.
#[derive(Deserialize)]
struct ListedJob {
    sk: String,
    /// Who made it. Earlier versions did not write it.
    #[serde(default)]
    token_id: Option<TokenId>,
}

#[derive(Deserialize)]
struct LiveEntry {
    sk: String,
    #[serde(default)]
    scan: Option<Scan>,
}

/// What the jobs of a space or a group add up to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct Totals {
    /// Jobs, less dry runs.
    #[serde(default)]
    pub jobs: i64,
    /// Their rows.
    #[serde(default)]
    pub rows: i64,
    /// Their rows by outcome.
    #[serde(flatten)]
    pub counts: Counts,
}

impl Totals {
    fn add(&mut self, other: Self) {
        self.jobs += other.jobs;
        self.rows += other.rows;
        self.counts += other.counts;
    }
}

impl Store {
    /// A page of a space's, or a group's, jobs, newest first, with where to go on: of all of them, or of those in a state. It
    /// is looked for one job further, so that no page but the first can be empty.
    pub async fn list_jobs(
        &self,
        space: &SpaceId,
        group: Option<GroupHash>,
        state: Option<JobState>,
        start: Option<JobCursor>,
        limit: usize,
    ) -> Result<(Vec<JobStatus>, Option<JobCursor>), StoreError> {
        let mut found: Vec<JobHead> = Vec::new();
        let mut after = start.map(|start| start.job.to_string());
        let list = state.map_or(ALL_JOBS, list_of);
        loop {
            let query = Query::all(list_partition(space, group, list)).after(after);
            let (jobs, more) = self.listed(query.limit(LISTED_AT_ONCE)).await?;
            let heads = self.heads(space, &jobs_of(&jobs)?).await?;
            // Two states share a list, and a job may have changed its state since the list was read.
            found.extend(heads.into_iter().filter(|head| state.is_none_or(|state| head.state == state)));
            after = more;
            if found.len() > limit || after.is_none() {
                break;
            }
        }
        let has_more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| has_more).map(|head| JobCursor { job: head.job_id });
        Ok((self.statuses(space, &found).await?, next))
    }

    /// A page of the jobs that a token made, newest first, with where to go on. The list of all jobs is looked through, from
    /// the newest to those of the time at which the token was made. A page ends at `until` if it has an entry by then, so
    /// that no page is empty where the list goes on.
    pub async fn jobs_of_token(
        &self,
        space: &SpaceId,
        token: &TokenRecord,
        start: Option<JobCursor>,
        limit: usize,
        until: Instant,
    ) -> Result<(Vec<JobStatus>, Option<JobCursor>), StoreError> {
        let from = jobs_since(token.created_at.plus_seconds(-CLOCKS_DIFFER_SECONDS));
        let (mut found, mut after) = (Vec::new(), start.map(|start| start.job.to_string()));
        // No cursor of this list is older than the token.
        if after.as_ref().is_some_and(|after| *after < from) {
            return Ok((Vec::new(), None));
        }
        loop {
            let query = Query::between(list_partition(space, None, ALL_JOBS), from.clone(), "job_~").after(after);
            let (items, more) = self.query(query.limit(LOOKED_THROUGH_AT_ONCE).newest_first()).await?;
            let entries = items.into_iter().map(|item| read::<ListedJob>(item, "listed job"));
            let entries = entries.collect::<Result<Vec<_>, _>>()?;
            // Entries of earlier versions do not say who made the job: its head does.
            let may_be = entries.iter().filter(|entry| entry.token_id.as_ref().is_none_or(|by| *by == token.token_id));
            let may_be: Vec<String> = may_be.map(|entry| entry.sk.clone()).collect();
            let at_once = if entries.iter().all(|entry| entry.token_id.is_some()) { limit + 1 } else { HEADS_AT_ONCE };
            after = more.clone();
            let (mut batches, mut is_late) = (may_be.chunks(at_once), false);
            while let Some(batch) = batches.next().filter(|_| found.len() <= limit && !is_late) {
                let heads = self.heads(space, &jobs_of(batch)?).await?;
                found.extend(heads.into_iter().filter(|head| head.token_id == token.token_id));
                is_late = !found.is_empty() && Instant::now() >= until;
                after = if batches.len() > 0 { batch.last().cloned() } else { more.clone() };
            }
            if found.len() > limit || after.is_none() || is_late {
                break;
            }
        }
        let is_over = found.len() > limit;
        found.truncate(limit);
        let last = found.last().map(|head| head.job_id);
        let next = if is_over { last } else { after.map(|after| last_part(&after, "listed job")).transpose()? };
        Ok((self.statuses(space, &found).await?, next.map(|job| JobCursor { job })))
    }

    /// Where jobs stand, in their order.
    async fn statuses(&self, space: &SpaceId, heads: &[JobHead]) -> Result<Vec<JobStatus>, StoreError> {
        let mut reads = Vec::with_capacity(heads.len());
        for head in heads {
            reads.push(self.job(space, head.job_id));
        }
        let jobs: Vec<Option<JobStatus>> = stream::iter(reads).buffered(AT_ONCE).try_collect().await?;
        Ok(jobs.into_iter().flatten().collect())
    }

    /// What all jobs of a space, or a group, add up to; or those of them in a final state. One read of a few small
    /// items, however many jobs there are.
    pub async fn totals(
        &self,
        space: &SpaceId,
        group: Option<GroupHash>,
        state: Option<JobState>,
    ) -> Result<Totals, StoreError> {
        let of = state.map_or("all", JobState::as_str);
        let query = Query::prefix(aggregate_partition(space, group), format!("{of}#"));
        let (items, _) = self.query(query.limit(i32::try_from(SHARDS).unwrap_or(i32::MAX))).await?;
        let mut totals = Totals::default();
        for item in items {
            totals.add(read(item, "aggregate counter")?);
        }
        Ok(totals)
    }

    /// A job of a group that is not final, with its state: one that awaits its approval first.
    pub async fn unfinished_job(
        &self,
        space: &SpaceId,
        group: GroupHash,
    ) -> Result<Option<(JobId, JobState)>, StoreError> {
        let first = async |state: JobState| {
            let query = Query::all(list_partition(space, Some(group), list_of(state))).limit(1);
            let (jobs, _) = self.listed(query).await?;
            Ok::<_, StoreError>(jobs_of(&jobs)?.first().map(|job| (*job, state)))
        };
        let states = [JobState::AwaitingApproval].into_iter().chain(JobState::ALL);
        // Queued and running jobs share a list.
        let states = states.filter(|state| !state.is_final() && *state != JobState::Queued);
        let found: Vec<_> = try_join_all(states.map(first)).await?;
        Ok(found.into_iter().flatten().next())
    }

    /// What the newest [`TOTALLED`] unfinished jobs in a state add up to, and whether these are all: each of them is read.
    pub async fn live_totals(
        &self,
        space: &SpaceId,
        group: Option<GroupHash>,
        state: JobState,
    ) -> Result<(Totals, bool), StoreError> {
        let (mut totals, mut after, mut read) = (Totals::default(), None, 0);
        loop {
            let query = Query::all(list_partition(space, group, list_of(state))).after(after);
            let (jobs, more) = self.listed(query.limit(LISTED_AT_ONCE)).await?;
            read += jobs.len();
            let mut heads = self.heads(space, &jobs_of(&jobs)?).await?;
            heads.retain(|head| head.state == state && !head.dry_run);
            for JobStatus { head, progress } in self.statuses(space, &heads).await? {
                totals.add(Totals { jobs: 1, rows: head.rows(&progress), counts: progress.counts });
            }
            after = more;
            if after.is_none() || read >= TOTALLED {
                return Ok((totals, after.is_none()));
            }
        }
    }

    /// Up to so many jobs that the reconciler looks after, of all spaces, and where to go on. An entry that cannot be read
    /// is an error of its own, so that the others are looked after.
    pub async fn live_jobs(
        &self,
        cursor: LiveCursor,
        limit: i32,
    ) -> Result<(Vec<Result<LiveJob, StoreError>>, Option<LiveCursor>), StoreError> {
        let query = Query::all(live_partition(cursor.shard)).after(cursor.after.clone());
        let (items, more) = self.query(query.limit(limit).newest_first()).await?;
        let next = if more.is_some() { Some(LiveCursor { after: more, ..cursor }) } else { cursor.next_shard() };
        Ok((items.into_iter().map(live_job).collect(), next))
    }

    /// Where the last run of the reconciler stopped; at the beginning where it came to the end.
    pub async fn live_cursor(&self) -> Result<LiveCursor, StoreError> {
        Ok(self.get(Key::live_cursor(), "cursor of the reconciler").await?.unwrap_or_default())
    }

    /// Keeps where a run of the reconciler stopped. Of two runs at the same time, the later write counts: some jobs are
    /// looked at twice then.
    pub async fn keep_live_cursor(&self, cursor: &LiveCursor) -> Result<(), StoreError> {
        self.write(Write::put_record(Key::live_cursor(), cursor)?).await.map(drop)
    }

    /// Keeps how far a run of the reconciler came with a job's pages, while the job is one of those that it looks after.
    pub async fn keep_scan(&self, space: &SpaceId, job: JobId, scan: Option<Scan>) -> Result<(), StoreError> {
        let keep = Write::update(Key::live_job(space, job), "SET #scan = :scan").when("attribute_exists(pk)");
        self.write(keep.value(":scan", to_attribute(scan)?)).await.map(drop)
    }

    /// Sort keys of a partition, newest first, and the last one where there are more.
    async fn listed(&self, query: Query) -> Result<(Vec<String>, Option<String>), StoreError> {
        let (items, more) = self.query(query.newest_first()).await?;
        let keys = items.iter().map(|item| sort_key(item).map(str::to_owned)).collect::<Result<_, _>>()?;
        Ok((keys, more))
    }

    /// The heads of jobs, in their order.
    async fn heads(&self, space: &SpaceId, jobs: &[JobId]) -> Result<Vec<JobHead>, StoreError> {
        let items = self.get_many(jobs.iter().map(|job| Key::job(space, *job))).await?;
        let heads = items.into_iter().map(|item| read::<JobHead>(item, KIND)).collect::<Result<Vec<_>, _>>()?;
        let mut by_id: HashMap<JobId, JobHead> = heads.into_iter().map(|head| (head.job_id, head)).collect();
        Ok(jobs.iter().filter_map(|job| by_id.remove(job)).collect())
    }
}

fn live_job(item: Item) -> Result<LiveJob, StoreError> {
    let kind = "listed job";
    let LiveEntry { sk, scan } = read(item, kind)?;
    let parts = sk.rsplit_once('#').and_then(|(space, job)| Some((space.parse().ok()?, job.parse().ok()?)));
    let (space, job) = parts.ok_or_else(|| StoreError::unreadable(kind))?;
    Ok(LiveJob { space, job, scan })
}

fn jobs_of(keys: &[String]) -> Result<Vec<JobId>, StoreError> {
    keys.iter().map(|key| last_part(key, "listed job")).collect()
}
