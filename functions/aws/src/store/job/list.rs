//! Lists of jobs: of a space, of a group, and of those that the reconciler looks after.

use std::collections::HashMap;

use efface_core::{
    job::{Counts, Group, JobHead, JobId, JobState, JobStatus, SHARDS},
    space::SpaceId,
};
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};

use super::KIND;
use crate::store::{
    Key, Store, StoreError,
    keys::{LIVE, aggregate_partition, list_partition},
    read::{Query, last_part, read, sort_key},
};

/// Jobs that are read at once.
const AT_ONCE: usize = 16;

/// Entries of a list that are read at once.
const LISTED_AT_ONCE: i32 = 100;

/// Where a page of a list of jobs ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobCursor {
    /// The last job that was returned.
    pub job: JobId,
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
    /// A page of a space's, or a group's, jobs, newest first, with where to go on. It is looked for one job further, so
    /// that no page but the first can be empty.
    pub async fn list_jobs(
        &self,
        space: &SpaceId,
        group: Option<&Group>,
        state: Option<JobState>,
        start: Option<JobCursor>,
        limit: usize,
    ) -> Result<(Vec<JobStatus>, Option<JobCursor>), StoreError> {
        let mut found: Vec<JobHead> = Vec::new();
        let mut after = start.map(|start| start.job.to_string());
        loop {
            let query = Query::all(list_partition(space, group)).after(after);
            let (jobs, more) = self.listed(query.limit(LISTED_AT_ONCE)).await?;
            let heads = self.heads(space, &jobs_of(&jobs)?).await?;
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
        group: Option<&Group>,
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

    /// What the unfinished jobs in a state add up to: each of them is read.
    pub async fn live_totals(
        &self,
        space: &SpaceId,
        group: Option<&Group>,
        state: JobState,
    ) -> Result<Totals, StoreError> {
        let mut totals = Totals::default();
        let mut after = None;
        loop {
            let query = Query::prefix(LIVE.to_owned(), format!("{space}#")).after(after).newest_first();
            let (jobs, more) = self.listed(query.limit(LISTED_AT_ONCE)).await?;
            let mut heads = self.heads(space, &jobs_of(&jobs)?).await?;
            heads.retain(|head| head.state == state && !head.dry_run);
            heads.retain(|head| group.is_none_or(|group| head.job_group.as_ref() == Some(group)));
            for JobStatus { progress, .. } in self.statuses(space, &heads).await? {
                totals.add(Totals { jobs: 1, rows: progress.rows, counts: progress.counts });
            }
            after = more;
            if after.is_none() {
                return Ok(totals);
            }
        }
    }

    /// Up to so many jobs that the reconciler looks after, of all spaces, and where to go on. An entry that cannot be read
    /// is an error of its own, so that the others are looked after.
    pub async fn live_jobs(
        &self,
        after: Option<String>,
        limit: i32,
    ) -> Result<(Vec<Result<(SpaceId, JobId), StoreError>>, Option<String>), StoreError> {
        let (keys, more) = self.listed(Query::all(LIVE.to_owned()).after(after).limit(limit)).await?;
        let parse = |key: &String| {
            let (space, job) = key.rsplit_once('#')?;
            Some((space.parse().ok()?, job.parse().ok()?))
        };
        let jobs = keys.iter().map(|key| parse(key).ok_or_else(|| StoreError::unreadable("listed job")));
        Ok((jobs.collect(), more))
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

fn jobs_of(keys: &[String]) -> Result<Vec<JobId>, StoreError> {
    keys.iter().map(|key| last_part(key, "listed job")).collect()
}
