//! Ending what was begun: jobs whose messages got lost, chunks that ended in the dead-letter queue, jobs that nobody
//! finished. It runs on a schedule; each step can be repeated.

use std::sync::{Mutex, PoisonError};

use efface_core::{
    job::{Control, Counts, JobId, JobState},
    space::SpaceId,
    time::Time,
};
use futures::future::join_all;
use serde::Serialize;

use crate::{Deadline, Engine, job::chunk::Judge};
use efface_aws::{
    StoreError,
    queue::{BadMessage, Message, Pointer, Queue, Received, Work},
    store::job::{JobStatus, LIFE_SECONDS},
};

/// How long a running job may stand still before its chunks are sent again; doubled after each time.
const STILL_SECONDS: i64 = 180;

/// The longest that it may stand still.
const LONGEST_STILL_SECONDS: i64 = 3_600;

/// How long a job may stay open or paused.
const UNFINISHED_SECONDS: i64 = 30 * 24 * 3_600;

/// Jobs that are looked after at once.
const JOBS: i32 = 16;

/// Pages whose results are read again at once.
const PAGES: i32 = 100;

/// What a run of the reconciler did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Reconciled {
    /// Jobs that were looked at.
    pub jobs: u64,
    /// Jobs whose chunks were sent again.
    pub resent: u64,
    /// Chunks whose runners had died, and that were sent again.
    pub revived: u64,
    /// Jobs that were closed, because nobody finished them.
    pub closed: u64,
    /// Finished jobs whose results were found to add up.
    pub verified: u64,
    /// Chunks of the dead-letter queue that were decided.
    pub decided: u64,
    /// Messages of the dead-letter queue that are not ours to decide.
    pub left: u64,
    /// Jobs and messages that could not be dealt with now.
    pub failed: u64,
}

/// What was done for one job.
enum Looked {
    Nothing,
    Resent,
    Revived(usize),
    Closed,
    Verified,
}

/// How far the reconciler has come among the live jobs. In memory: a new process begins with the newest.
#[derive(Debug, Default)]
pub struct ScanCursor(Mutex<Option<String>>);

impl ScanCursor {
    fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn go_on(&self, after: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = after;
    }
}

impl Engine {
    /// Decides what is in the dead-letter queue, then looks after every job that is not finished; when the time is over,
    /// after some of them at least, and the next run of the same round goes on there, so that each job has its turn.
    pub async fn reconcile(
        &self,
        dead: &Queue,
        round: &ScanCursor,
        deadline: Deadline,
    ) -> Result<Reconciled, StoreError> {
        let mut done = Reconciled::default();
        // However much is dead, the living have half of the time.
        Box::pin(self.drain(dead, deadline.half(), &mut done)).await?;
        loop {
            let (jobs, more) = self.store.live_jobs(round.take(), JOBS).await?;
            let looks = jobs.iter().map(|(space, job)| Box::pin(self.look_after(space, job, deadline)));
            for ((_, job), looked) in jobs.iter().zip(join_all(looks).await) {
                done.jobs += 1;
                match looked {
                    Ok(Looked::Nothing) => {}
                    Ok(Looked::Resent) => done.resent += 1,
                    Ok(Looked::Revived(chunks)) => done.revived += u64::try_from(chunks).unwrap_or_default(),
                    Ok(Looked::Closed) => done.closed += 1,
                    Ok(Looked::Verified) => done.verified += 1,
                    Err(error) => {
                        tracing::warn!(%error, job_id = %job, "a job could not be looked after");
                        done.failed += 1;
                    }
                }
            }
            let is_whole = more.is_none();
            round.go_on(more);
            if is_whole || deadline.is_over() {
                return Ok(done);
            }
        }
    }

    async fn drain(&self, dead: &Queue, deadline: Deadline, done: &mut Reconciled) -> Result<(), StoreError> {
        while !deadline.is_over() {
            let messages = dead.receive().await?;
            if messages.is_empty() {
                return Ok(());
            }
            for message in messages {
                match self.decide_message(dead, &message, deadline).await {
                    Ok(Some(())) => done.decided += 1,
                    Ok(None) => done.left += 1,
                    Err(error) => {
                        tracing::warn!(%error, "a message of the dead-letter queue could not be decided");
                        done.failed += 1;
                    }
                }
            }
        }
        Ok(())
    }

    /// Decides a dead message's rows one by one. What is not ours stays there, for an operator to look at.
    async fn decide_message(
        &self,
        dead: &Queue,
        message: &Received,
        deadline: Deadline,
    ) -> Result<Option<()>, StoreError> {
        let pointer: Pointer = match Message::parse(&message.body) {
            Ok(pointer) => pointer,
            Err(error @ (BadMessage::Unreadable | BadMessage::Version(_))) => {
                tracing::error!(%error, "a message of the dead-letter queue is not ours to decide");
                return Ok(None);
            }
        };
        let Pointer { space, job, work } = &pointer;
        match work {
            Work::Chunk(id) => {
                Box::pin(self.judge_chunk(space, job, *id, deadline, Judge::Decide)).await?;
            }
            Work::Dispatch { from } => self.dispatch(space, job, *from, deadline).await?,
        }
        dead.delete(&message.handle).await?;
        Ok(Some(()))
    }

    /// One job.
    async fn look_after(&self, space: &SpaceId, job: &JobId, deadline: Deadline) -> Result<Looked, StoreError> {
        let now = self.clock.now();
        let Some(status) = self.store.settle_job(space, job, now).await? else { return Ok(Looked::Nothing) };
        let age = |since: Time| now.second() - since.second();
        let is_left = matches!(status.head.state, JobState::Open | JobState::Paused)
            && age(status.head.changed_at) > UNFINISHED_SECONDS;
        let is_old = age(status.head.created_at) > LIFE_SECONDS;
        match status.head.state {
            JobState::Open | JobState::Paused | JobState::Queued | JobState::Running if is_left || is_old => {
                self.store.control_job(space, job, Control::Cancel, None, now).await?;
                Ok(Looked::Closed)
            }
            JobState::Open | JobState::Paused => Ok(Looked::Nothing),
            // A step of a stop may have been cut short, and whoever runs a chunk may have died.
            JobState::Pausing | JobState::Cancelling => {
                self.store.set_gates(space, job).await?;
                let settled = self.store.settle_job(space, job, now).await?;
                // It can't stop before what has begun is done.
                match settled {
                    Some(status) if !status.progress.is_still() => {
                        self.revive(space, job, now).await.map(Looked::Revived)
                    }
                    _ => Ok(Looked::Nothing),
                }
            }
            JobState::Queued | JobState::Running => {
                self.store.set_gates(space, job).await?;
                self.mind_limit(space, job, &status).await?;
                if self.resend_if_still(space, job, &status, now, deadline).await? {
                    Ok(Looked::Resent)
                } else if status.progress.is_still() {
                    Ok(Looked::Nothing)
                } else {
                    self.revive(space, job, now).await.map(Looked::Revived)
                }
            }
            JobState::Cancelled => {
                self.store.retire_job(space, &status.head, None).await?;
                Ok(Looked::Nothing)
            }
            JobState::Completed => {
                let adds_up = self.verify(space, job, &status, now).await?;
                Ok(if adds_up { Looked::Verified } else { Looked::Nothing })
            }
        }
    }

    /// Sends the chunks of a running job again where nothing has moved for long.
    async fn resend_if_still(
        &self,
        space: &SpaceId,
        job: &JobId,
        status: &JobStatus,
        now: Time,
        deadline: Deadline,
    ) -> Result<bool, StoreError> {
        let head = &status.head;
        let seen = status.progress.begun + status.progress.done + status.progress.counts.total();
        let moved = head.seen != seen || head.seen_at.is_none_or(|at| at < head.changed_at);
        if moved {
            self.store.mark_seen(space, job, seen, 0, now).await?;
            return Ok(false);
        }
        let patience = STILL_SECONDS.saturating_mul(1 << head.resends.clamp(0, 16)).min(LONGEST_STILL_SECONDS);
        let still = head.seen_at.map_or(0, |at| now.second() - at.second());
        if still < patience {
            return Ok(false);
        }
        self.dispatch(space, job, 0, deadline).await?;
        self.store.mark_seen(space, job, seen, head.resends + 1, now).await?;
        Ok(true)
    }

    /// Reads all results of a finished job again. Where they don't add up to its counts, that is a fault of ours: it is
    /// logged as an error, and the job stays unverified.
    async fn verify(&self, space: &SpaceId, job: &JobId, status: &JobStatus, now: Time) -> Result<bool, StoreError> {
        let (mut counts, mut rows) = (Counts::default(), 0);
        let mut from = Some(0);
        while let Some(page) = from {
            let pages = self.store.pages(space, job, page, PAGES).await?;
            from = pages.last().map(|page| page.page + 1);
            rows += pages.iter().map(|page| page.rows).sum::<i64>();
            counts.invalid += pages.iter().map(|page| page.invalid).sum::<i64>();
            for (_, chunks) in self.store.chunks_of(space, job, &pages).await? {
                for chunk in chunks.into_values() {
                    counts += chunk.outcomes().counts();
                }
            }
        }
        let adds_up = counts == status.progress.counts && rows == status.progress.rows && counts.total() == rows;
        if !adds_up {
            tracing::error!(job_id = %job, "the results of a job do not add up to its counts");
        }
        self.store.retire_job(space, &status.head, adds_up.then_some(now)).await?;
        Ok(adds_up)
    }
}
