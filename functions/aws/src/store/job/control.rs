//! A job's way through its states. A job that stops closes its gates, one in each counter, before it looks whether
//! anything runs: whoever begins a chunk does so through a gate, so nothing begins behind its back.

use aws_sdk_dynamodb::{
    operation::update_item::UpdateItemError,
    types::{AttributeValue, Delete, TransactWriteItem, Update},
};
use efface_core::{
    job::{Control, JobId, JobState},
    profile::RequestId,
    space::SpaceId,
    time::Time,
};

use super::{JobHead, JobStatus, LIFE_SECONDS, SHARDS, by_outcome, id_of, time_value, unreadable};
use crate::store::{Key, Store, StoreError, number, text};

/// What became of a control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Controlled {
    /// The job is, or already was, on its way there.
    Yes(Box<JobStatus>),
    /// It can't be done in the job's state.
    No(JobState),
    /// There is no such job.
    Unknown,
}

/// Requests that a job's head remembers, so that they can be sent again.
const CONTROLS: usize = 16;

/// How often a change that met another is decided anew.
const ATTEMPTS: usize = 8;

impl Store {
    /// Starts, pauses, resumes, cancels or redrives a job. A request that may be sent again does so once.
    pub async fn control_job(
        &self,
        space: &SpaceId,
        job: &JobId,
        control: Control,
        request: Option<&RequestId>,
        now: Time,
    ) -> Result<Controlled, StoreError> {
        let request = request.map(RequestId::to_string);
        for _ in 0..ATTEMPTS {
            let Some(status) = self.job(space, job).await? else { return Ok(Controlled::Unknown) };
            let redrives = control == Control::Redrive && status.progress.counts.failed > 0;
            let state = status.head.state;
            if request.as_ref().is_some_and(|request| status.head.controls.contains(request)) {
                return Ok(Controlled::Yes(Box::new(status)));
            }
            if control == Control::Redrive && now.second() - status.head.created_at.second() > LIFE_SECONDS {
                return Ok(Controlled::No(state));
            }
            let next = match state.after(control) {
                None => return Ok(Controlled::No(state)),
                // A page may be committed until the job is open no more: what it adds up to is known only then.
                Some(JobState::Cancelled) if state == JobState::Open => JobState::Cancelling,
                Some(JobState::Completed) if redrives => JobState::Running,
                Some(next) if next == state => return Ok(Controlled::Yes(Box::new(status))),
                Some(next) => next,
            };
            // Chunks had begun before: it is not as new as one that waits for its first.
            let goes_on = next == JobState::Queued && status.head.started_at.is_some();
            let next = if goes_on { JobState::Running } else { next };
            let renewal = match status.head.max_deletions {
                Some(most) if control == Control::Resume => self.renewed_allowance(space, job, most).await?,
                _ => None,
            };
            let mut controls = status.head.controls.clone();
            controls.extend(request.clone());
            controls.drain(..controls.len().saturating_sub(CONTROLS));
            let status = JobStatus { head: JobHead { controls, ..status.head }, ..status };
            if self.move_job(space, &status, next, redrives, renewal, now).await? {
                self.set_gates(space, job).await?;
                let status = self.settle_job(space, job, now).await?;
                return Ok(status.map_or(Controlled::Unknown, |status| Controlled::Yes(Box::new(status))));
            }
        }
        Err(StoreError::Unavailable("the job is contended".to_owned()))
    }

    /// Moves a job on where its counters say that it has come so far: to paused, cancelled or completed.
    pub async fn settle_job(&self, space: &SpaceId, job: &JobId, now: Time) -> Result<Option<JobStatus>, StoreError> {
        for _ in 0..ATTEMPTS {
            let Some(status) = self.job(space, job).await? else { return Ok(None) };
            let progress = &status.progress;
            let next = match status.head.state {
                JobState::Pausing if self.has_stopped(space, &status).await? => JobState::Paused,
                JobState::Cancelling if self.has_stopped(space, &status).await? => JobState::Cancelled,
                JobState::Queued | JobState::Running if progress.done >= progress.chunks && !status.head.redriving => {
                    JobState::Completed
                }
                _ => return Ok(Some(status)),
            };
            self.move_job(space, &status, next, false, None, now).await?;
        }
        Err(StoreError::Unavailable("the job is contended".to_owned()))
    }

    /// Whether nothing of a stopping job is in flight, nor will be: closed gates come first, for whoever stopped it may
    /// have died before it closed them.
    async fn has_stopped(&self, space: &SpaceId, status: &JobStatus) -> Result<bool, StoreError> {
        if !status.progress.is_still() {
            return Ok(false);
        }
        let job = id_of(&status.head)?;
        self.set_gates(space, &job).await?;
        let now = self.job(space, &job).await?;
        Ok(now.is_some_and(|now| now.head.version == status.head.version && now.progress.is_still()))
    }

    /// Tells that a chunk has begun, where none had before.
    pub async fn mark_running(&self, space: &SpaceId, job: &JobId, now: Time) -> Result<(), StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::job(space, job).into()))
            .update_expression(
                "SET #state = :running, changed_at = :now, version = version + :one, \
                 started_at = if_not_exists(started_at, :now)",
            )
            .condition_expression("#state = :queued")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":running", text(JobState::Running.as_str()))
            .expression_attribute_values(":queued", text(JobState::Queued.as_str()))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":now", time_value(now));
        match update.send().await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(()),
                _ => Err(error.into()),
            },
        }
    }

    /// Ends a redrive, unless the job's state has changed meanwhile: the rows that had failed wait to be tried again.
    pub async fn end_redrive(&self, space: &SpaceId, head: &JobHead) -> Result<(), StoreError> {
        let job = id_of(head)?;
        let update = self.client.update_item().table_name(&self.table).set_key(Some(Key::job(space, &job).into()));
        let update = update
            .update_expression("SET redriving = :no")
            .condition_expression("version = :version")
            .expression_attribute_values(":no", AttributeValue::Bool(false))
            .expression_attribute_values(":version", number(head.version));
        match update.send().await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(()),
                _ => Err(error.into()),
            },
        }
    }

    /// Opens or closes the gates, as the job's state says. A step of an earlier change of the state does nothing.
    pub async fn set_gates(&self, space: &SpaceId, job: &JobId) -> Result<(), StoreError> {
        let Some(head) = self.get::<JobHead>(Key::job(space, job)).await? else { return Ok(()) };
        let set = |shard| {
            let update = self.client.update_item().table_name(&self.table);
            update
                .set_key(Some(Key::counter(space, job, shard).into()))
                .update_expression("SET closed = :closed, gate = :version")
                .condition_expression("attribute_not_exists(gate) OR gate < :version")
                .expression_attribute_values(":closed", AttributeValue::Bool(!head.state.runs()))
                .expression_attribute_values(":version", number(head.version))
                .send()
        };
        for result in futures::future::join_all((0..SHARDS).map(set)).await {
            match result {
                Ok(_) => {}
                Err(error) => match error.as_service_error() {
                    Some(UpdateItemError::ConditionalCheckFailedException(_)) => {}
                    _ => return Err(error.into()),
                },
            }
        }
        Ok(())
    }

    /// Moves a job to another state, if it is still as it was read. Its final counts are tallied with that, or taken
    /// back where a redrive reopens it.
    async fn move_job(
        &self,
        space: &SpaceId,
        status: &JobStatus,
        next: JobState,
        redrives: bool,
        renewal: Option<TransactWriteItem>,
        now: Time,
    ) -> Result<bool, StoreError> {
        let head = &status.head;
        let job = id_of(head)?;
        let counts = serde_dynamo::to_attribute_value(status.progress.counts).map_err(|_| unreadable())?;
        let controls = AttributeValue::L(head.controls.iter().map(text).collect());
        let is_end = next.is_final();
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::job(space, &job).into()))
            .update_expression(
                "SET #state = :next, version = version + :one, changed_at = :now, redriving = :redriving, \
                 finished_at = :finished, verified_at = :none, #counts = :counts, controls = :controls",
            )
            .condition_expression("#state = :state AND version = :version")
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#counts", "counts")
            .expression_attribute_values(":next", text(next.as_str()))
            .expression_attribute_values(":state", text(head.state.as_str()))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":version", number(head.version))
            .expression_attribute_values(":redriving", AttributeValue::Bool(redrives || (head.redriving && !is_end)))
            .expression_attribute_values(":none", AttributeValue::Null(true))
            .expression_attribute_values(":finished", if is_end { time_value(now) } else { AttributeValue::Null(true) })
            .expression_attribute_values(":counts", if is_end { counts } else { AttributeValue::Null(true) })
            .expression_attribute_values(":controls", controls)
            .expression_attribute_values(":now", time_value(now));
        let mut writes = vec![TransactWriteItem::builder().set_update(update.build().ok()).build()];
        writes.extend(renewal);
        if redrives {
            writes.push(self.put_item(Key::live_job(space, &job).into()));
        }
        if is_end || redrives {
            let sign = if is_end { 1 } else { -1 };
            let progress = &status.progress;
            let mut amounts: Vec<_> = by_outcome(&progress.counts).map(|(name, rows)| (name, sign * rows)).collect();
            amounts.extend([("jobs", sign), ("rows", sign * progress.rows)]);
            let of = if is_end { next } else { head.state };
            writes.extend(self.tally_writes(space, head, &amounts, of.as_str()));
        }
        Ok(self.transact_or_reasons(writes).await?.is_none())
    }

    /// Tells that a finished job needs no looking after any more. `verified` is when its results were found to add up.
    pub async fn retire_job(
        &self,
        space: &SpaceId,
        head: &JobHead,
        verified: Option<Time>,
    ) -> Result<bool, StoreError> {
        let job = id_of(head)?;
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::job(space, &job).into()))
            .update_expression("SET verified_at = :verified")
            .condition_expression("version = :version")
            .expression_attribute_values(":verified", verified.map_or(AttributeValue::Null(true), time_value))
            .expression_attribute_values(":version", number(head.version));
        let live = Delete::builder().table_name(&self.table).set_key(Some(Key::live_job(space, &job).into()));
        let writes = vec![
            TransactWriteItem::builder().set_update(update.build().ok()).build(),
            TransactWriteItem::builder().set_delete(live.build().ok()).build(),
        ];
        Ok(self.transact_or_reasons(writes).await?.is_none())
    }

    /// Remembers how far a job had come when somebody looked, and whether its chunks were sent again then.
    pub async fn mark_seen(
        &self,
        space: &SpaceId,
        job: &JobId,
        seen: i64,
        resends: i64,
        now: Time,
    ) -> Result<(), StoreError> {
        let update = self.client.update_item().table_name(&self.table).set_key(Some(Key::job(space, job).into()));
        let update = update
            .update_expression("SET seen = :seen, seen_at = :now, resends = :resends")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":seen", number(seen))
            .expression_attribute_values(":resends", number(resends))
            .expression_attribute_values(":now", time_value(now));
        update.send().await?;
        Ok(())
    }
}
