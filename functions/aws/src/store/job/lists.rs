//! Lists of jobs: of a space, of a group, and of those that somebody has to look after.

use std::collections::HashMap;

use efface_core::{
    job::{Counts, Group, JobId, JobState},
    space::SpaceId,
};
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};

use super::{JobHead, JobStatus, SHARDS};
use crate::store::{
    Item, Key, Store, StoreError,
    keys::{LIVE, list_partition, tally_partition},
    read, sort_key, text,
};

/// Jobs that are read at once.
const AT_ONCE: usize = 16;

/// Where a page of a list of jobs ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobPosition {
    /// The last job that was returned.
    pub job: String,
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

impl Store {
    /// A page of a space's, or a group's, jobs, newest first, with where to go on. It is looked for one job further, so
    /// that no page but the first can be empty.
    pub async fn list_jobs(
        &self,
        space: &SpaceId,
        group: Option<&Group>,
        state: Option<JobState>,
        start: Option<JobPosition>,
        limit: usize,
    ) -> Result<(Vec<JobStatus>, Option<JobPosition>), StoreError> {
        let partition = list_partition(space, group);
        let mut found: Vec<JobHead> = Vec::new();
        let mut after = start.map(|start| start.job);
        loop {
            let (jobs, more) = self.listed(&partition, None, after, 100).await?;
            let heads = self.heads(space, &jobs).await?;
            found.extend(heads.into_iter().filter(|head| state.is_none_or(|state| head.state == state)));
            after = more;
            if found.len() > limit || after.is_none() {
                break;
            }
        }
        let has_more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| has_more).map(|head| JobPosition { job: head.job_id.clone() });
        Ok((self.statuses(space, &found).await?, next))
    }

    /// Where jobs stand, in their order.
    async fn statuses(&self, space: &SpaceId, heads: &[JobHead]) -> Result<Vec<JobStatus>, StoreError> {
        let ids: Vec<JobId> = heads.iter().filter_map(|head| JobId::parse(&head.job_id).ok()).collect();
        let mut reads = Vec::with_capacity(ids.len());
        for id in &ids {
            reads.push(self.job(space, id));
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
        let reply = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND begins_with(sk, :of)")
            .expression_attribute_values(":pk", text(tally_partition(space, group)))
            .expression_attribute_values(":of", text(format!("{of}#")))
            .consistent_read(true)
            .limit(i32::try_from(SHARDS).unwrap_or_default())
            .send()
            .await?;
        let mut totals = Totals::default();
        for item in reply.items.unwrap_or_default() {
            let one: Totals = read(item)?;
            totals.jobs += one.jobs;
            totals.rows += one.rows;
            totals.counts += one.counts;
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
            let (jobs, more) = self.listed(LIVE, Some(&format!("{space}#")), after, 100).await?;
            let jobs: Vec<String> = jobs.iter().filter_map(|job| job.rsplit('#').next()).map(str::to_owned).collect();
            let mut heads = self.heads(space, &jobs).await?;
            heads.retain(|head| head.state == state && !head.dry_run);
            heads.retain(|head| group.is_none_or(|group| head.group().as_ref() == Some(group)));
            for status in self.statuses(space, &heads).await? {
                totals.jobs += 1;
                totals.rows += status.progress.rows;
                totals.counts += status.progress.counts;
            }
            after = more;
            if after.is_none() {
                return Ok(totals);
            }
        }
    }

    /// Up to so many jobs that somebody has to look after, of all spaces, and where to go on.
    pub async fn live_jobs(
        &self,
        after: Option<String>,
        limit: i32,
    ) -> Result<(Vec<(SpaceId, JobId)>, Option<String>), StoreError> {
        let (keys, more) = self.listed(LIVE, None, after, limit).await?;
        let parse = |key: &String| {
            let (space, job) = key.rsplit_once('#')?;
            Some((SpaceId::parse(space).ok()?, JobId::parse(job).ok()?))
        };
        Ok((keys.iter().filter_map(parse).collect(), more))
    }

    /// Sort keys of a partition, newest first.
    async fn listed(
        &self,
        partition: &str,
        prefix: Option<&str>,
        after: Option<String>,
        limit: i32,
    ) -> Result<(Vec<String>, Option<String>), StoreError> {
        let start = after.map(|sk| Item::from(Key { pk: partition.to_owned(), sk }));
        let condition = if prefix.is_some() { "pk = :pk AND begins_with(sk, :prefix)" } else { "pk = :pk" };
        let reply = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression(condition)
            .expression_attribute_values(":pk", text(partition))
            .set_exclusive_start_key(start)
            .scan_index_forward(false)
            .consistent_read(true)
            .limit(limit);
        let reply = match prefix {
            Some(prefix) => reply.expression_attribute_values(":prefix", text(prefix)),
            None => reply,
        };
        let reply = reply.send().await?;
        let keys = reply.items.unwrap_or_default().iter().map(|item| sort_key(item).to_owned()).collect();
        Ok((keys, reply.last_evaluated_key.map(|key| sort_key(&key).to_owned())))
    }

    /// The heads of up to 100 jobs, in their order.
    async fn heads(&self, space: &SpaceId, jobs: &[String]) -> Result<Vec<JobHead>, StoreError> {
        let ids: Vec<JobId> = jobs.iter().filter_map(|job| JobId::parse(job).ok()).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let items = self.get_many(ids.iter().map(|job| Key::job(space, job))).await?;
        let heads = items.into_iter().map(read::<JobHead>).collect::<Result<Vec<_>, _>>()?;
        let mut by_id: HashMap<String, JobHead> = heads.into_iter().map(|head| (head.job_id.clone(), head)).collect();
        Ok(ids.iter().filter_map(|id| by_id.remove(id.as_str())).collect())
    }
}
