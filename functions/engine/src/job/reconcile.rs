//! The reconciler: requeues stalled chunks, dispatches jobs that stand still, decides the messages of the dead-letter
//! queue, cancels abandoned jobs, and verifies completed ones. It runs on a schedule; each step can be repeated.

use std::sync::{Mutex, PoisonError};

use efface_aws::{
    StoreError,
    queue::{Message, Pointer, Queue, Received, Work},
};
use efface_core::{
    job::{
        Control, Counts, JobId, JobStatus,
        care::{Care, Motion, care, motion},
    },
    space::SpaceId,
    time::Time,
};
use futures::future::join_all;
use serde::Serialize;

use super::{PAGES, chunk::OnFailure, next_page};
use crate::{Deadline, Engine, Error};

/// Jobs that are looked after at once.
const JOBS: i32 = 16;

/// What a run of the reconciler did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Reconciled {
    /// Jobs that were looked at.
    pub jobs: u64,
    /// Jobs whose chunks were sent again.
    pub redispatched: u64,
    /// Stalled chunks that were sent again.
    pub requeued: u64,
    /// Abandoned jobs that were cancelled.
    pub cancelled: u64,
    /// Completed jobs whose outcomes were found to add up.
    pub verified: u64,
    /// Messages of the dead-letter queue whose work was decided.
    pub decided: u64,
    /// Messages of the dead-letter queue that cannot be read.
    pub left: u64,
    /// Jobs and messages that could not be dealt with now.
    pub failed: u64,
}

/// What was done for one job.
enum Done {
    Nothing,
    Redispatched,
    Requeued(usize),
    Cancelled,
    Verified,
}

impl Reconciled {
    fn add(&mut self, done: &Done) {
        match done {
            Done::Nothing => {}
            Done::Redispatched => self.redispatched += 1,
            Done::Requeued(chunks) => self.requeued += u64::try_from(*chunks).unwrap_or(u64::MAX),
            Done::Cancelled => self.cancelled += 1,
            Done::Verified => self.verified += 1,
        }
    }
}

/// How far the reconciler has come among the live jobs. It is kept in memory: a new process begins with the newest job.
#[derive(Debug, Default)]
pub struct ScanCursor(Mutex<Option<String>>);

impl ScanCursor {
    fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn set(&self, after: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = after;
    }
}

impl Engine {
    /// Decides the messages of the dead-letter queue, then looks after every job that is not finished. Where the time ends
    /// it has looked after some of them, and the next run goes on at the cursor, so that each job gets its turn.
    pub async fn reconcile(
        &self,
        dead_letters: &Queue,
        cursor: &ScanCursor,
        deadline: Deadline,
    ) -> Result<Reconciled, Error> {
        let mut reconciled = Reconciled::default();
        // However many dead letters there are, the live jobs have half of the time.
        Box::pin(self.decide_dead_letters(dead_letters, deadline.half(), &mut reconciled)).await?;
        loop {
            let (jobs, more) = self.store.live_jobs(cursor.take(), JOBS).await?;
            let looks = jobs.into_iter().map(|job| Box::pin(self.look_after_listed(job, deadline)));
            for done in join_all(looks).await {
                reconciled.jobs += 1;
                match done {
                    Some(done) => reconciled.add(&done),
                    None => reconciled.failed += 1,
                }
            }
            let is_last = more.is_none();
            cursor.set(more);
            if is_last || deadline.is_over() {
                return Ok(reconciled);
            }
        }
    }

    async fn decide_dead_letters(
        &self,
        dead_letters: &Queue,
        deadline: Deadline,
        reconciled: &mut Reconciled,
    ) -> Result<(), Error> {
        // A message that cannot be read stays, for an operator to look at.
        while !deadline.is_over() {
            let messages = dead_letters.receive().await?;
            if messages.is_empty() {
                return Ok(());
            }
            for message in messages {
                let Ok(pointer) = Message::parse(&message.body).inspect_err(|error| {
                    tracing::error!(%error, "a message of the dead-letter queue cannot be read");
                }) else {
                    reconciled.left += 1;
                    continue;
                };
                match self.decide_dead_letter(dead_letters, &message, &pointer, deadline).await {
                    Ok(()) => reconciled.decided += 1,
                    Err(error) => {
                        let (job_id, work) = (pointer.job, pointer.work);
                        tracing::warn!(%error, %job_id, ?work, "a message of the dead-letter queue was not decided");
                        reconciled.failed += 1;
                    }
                }
            }
        }
        Ok(())
    }

    /// Decides the rows of a dead letter one by one.
    async fn decide_dead_letter(
        &self,
        dead_letters: &Queue,
        message: &Received,
        Pointer { space, job, work }: &Pointer,
        deadline: Deadline,
    ) -> Result<(), Error> {
        match work {
            Work::Chunk(id) => {
                Box::pin(self.run_chunk_or(space, *job, *id, deadline, OnFailure::Fail)).await?;
            }
            Work::Dispatch { from } => self.dispatch(space, *job, *from, deadline).await?,
        }
        Ok(dead_letters.delete(&message.handle).await?)
    }

    /// Looks after an entry of the list of live jobs; `None` where that failed, which keeps no other job waiting.
    async fn look_after_listed(
        &self,
        listed: Result<(SpaceId, JobId), StoreError>,
        deadline: Deadline,
    ) -> Option<Done> {
        let (space, job) = listed.inspect_err(|error| tracing::error!(%error, "a live job cannot be read")).ok()?;
        let done = self.look_after(&space, job, deadline).await;
        done.inspect_err(|error| tracing::warn!(%error, job_id = %job, "a job could not be looked after")).ok()
    }

    async fn look_after(&self, space: &SpaceId, job: JobId, deadline: Deadline) -> Result<Done, Error> {
        let now = self.clock.now();
        let Some(status) = self.advance_job(space, job, now).await? else { return Ok(Done::Nothing) };
        match care(&status.head, now) {
            Care::Nothing => Ok(Done::Nothing),
            Care::Cancel => {
                self.control_job(space, job, Control::Cancel, None, now).await?;
                Ok(Done::Cancelled)
            }
            Care::FinishStop => self.finish_stop(space, job, now).await,
            Care::KeepRunning => self.keep_running(space, job, &status, now, deadline).await,
            Care::Retire => {
                self.store.retire_job(space, &status.head, None).await?;
                Ok(Done::Nothing)
            }
            Care::Verify => {
                let adds_up = self.verify(space, &status, now).await?;
                Ok(if adds_up { Done::Verified } else { Done::Nothing })
            }
        }
    }

    /// Ends a stop. The job cannot stop before its started chunks are completed.
    async fn finish_stop(&self, space: &SpaceId, job: JobId, now: Time) -> Result<Done, Error> {
        self.store.set_accepting(space, job).await?;
        match self.advance_job(space, job, now).await? {
            Some(status) if !status.progress.is_idle() => {
                self.requeue_stalled(space, job, now).await.map(Done::Requeued)
            }
            _ => Ok(Done::Nothing),
        }
    }

    async fn keep_running(
        &self,
        space: &SpaceId,
        job: JobId,
        status: &JobStatus,
        now: Time,
        deadline: Deadline,
    ) -> Result<Done, Error> {
        self.store.set_accepting(space, job).await?;
        self.enforce_limit(space, job, status).await?;
        let (seen, resends) = (status.progress.motion(), status.head.resends);
        match motion(&status.head, &status.progress, now) {
            Motion::Still => {
                self.dispatch(space, job, 0, deadline).await?;
                self.store.keep_seen(space, job, seen, resends + 1, now).await?;
                return Ok(Done::Redispatched);
            }
            Motion::Moved => self.store.keep_seen(space, job, seen, 0, now).await?,
            Motion::Waits => {}
        }
        if status.progress.is_idle() {
            return Ok(Done::Nothing);
        }
        self.requeue_stalled(space, job, now).await.map(Done::Requeued)
    }

    /// Reads all outcomes of a completed job again. Where they do not add up to its counts, that is a fault of Efface: it
    /// is logged as an error, and the job stays unverified.
    async fn verify(&self, space: &SpaceId, status: &JobStatus, now: Time) -> Result<bool, StoreError> {
        let JobStatus { head, progress } = status;
        let (mut counts, mut rows) = (Counts::default(), 0);
        let mut from = Some(0);
        while let Some(page) = from {
            let pages = self.store.pages(space, head.job_id, page, PAGES.into()).await?;
            from = next_page(&pages);
            rows += pages.iter().map(|page| page.rows).sum::<i64>();
            counts.invalid += pages.iter().map(|page| page.invalid).sum::<i64>();
            for (_, chunks) in self.store.chunks_of(space, head.job_id, &pages).await? {
                for chunk in chunks.into_values() {
                    counts += chunk.outcomes.counts();
                }
            }
        }
        let adds_up = counts == progress.counts && rows == progress.rows && counts.total() == rows;
        if !adds_up {
            tracing::error!(job_id = %head.job_id, "the outcomes of a job do not add up to its counts");
        }
        self.store.retire_job(space, head, adds_up.then_some(now)).await?;
        Ok(adds_up)
    }
}
