//! The reconciler: requeues stalled chunks, dispatches jobs that stand still, decides the messages of the dead-letter
//! queue, cancels abandoned jobs, and verifies completed ones. It runs on a schedule; each step can be repeated.

use std::{panic::AssertUnwindSafe, time::Duration};

use efface_aws::{
    QueueError, StoreError,
    metrics::{self, Metric},
    queue::{Message, Pointer, Queue, Received, Work},
    store::job::{LiveCursor, LiveJob},
};
use efface_core::{
    job::{
        Control, JobStatus,
        care::{Care, Motion, Scan, care, motion},
        event::Cause,
        state::ControlRequest,
    },
    time::Time,
};
use futures::{FutureExt, future::join_all};
use serde::Serialize;
use tracing::{Instrument, error_span};

use super::{chunk::OnFailure, pages::Pages, segment::Next};
use crate::{Deadline, Engine, Error};

/// Jobs that are looked after at once.
const JOBS: i32 = 16;

/// How long a run of the reconciler stays with one job, so that the others get their turn. It goes on in the next run.
const TIME_PER_JOB: Duration = Duration::from_secs(5);

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
    /// Its chunks were sent again, where nothing had moved; and so many stalled ones.
    Sent {
        redispatched: bool,
        requeued: usize,
    },
    Cancelled,
    Verified,
}

impl Reconciled {
    fn add(&mut self, done: &Done) {
        match done {
            Done::Nothing => {}
            Done::Sent { redispatched, requeued } => {
                self.redispatched += u64::from(*redispatched);
                self.requeued += u64::try_from(*requeued).unwrap_or(u64::MAX);
            }
            Done::Cancelled => self.cancelled += 1,
            Done::Verified => self.verified += 1,
        }
    }
}

impl Engine {
    /// Decides the messages of the dead-letter queue, then looks after every job that is not finished. Where the time ends
    /// it has looked after some of them, and the next run goes on from there, so that each job gets its turn. A failure of
    /// the queue, of a shard of the list or of a job is counted and logged, and the run goes on.
    pub async fn reconcile(&self, dead_letters: &Queue, deadline: Deadline) -> Reconciled {
        let mut reconciled = Reconciled::default();
        // However many dead letters there are, the live jobs have half of the time.
        if let Err(error) = Box::pin(self.decide_dead_letters(dead_letters, deadline.half(), &mut reconciled)).await {
            tracing::warn!(%error, "the dead-letter queue cannot be read");
            reconciled.failed += 1;
        }
        if let Err(error) = self.look_after_all(deadline, &mut reconciled).await {
            tracing::warn!(%error, "the cursor of the list of live jobs cannot be read or kept");
            reconciled.failed += 1;
        }
        reconciled
    }

    async fn look_after_all(&self, deadline: Deadline, reconciled: &mut Reconciled) -> Result<(), StoreError> {
        let begun = self.store.live_cursor().await?;
        let mut cursor = Some(begun.clone());
        while let Some(at) = cursor {
            cursor = self.look_after_some(at, deadline, reconciled).await;
            if deadline.is_over() {
                break;
            }
        }
        let end = cursor.unwrap_or_default();
        if end == begun { Ok(()) } else { self.store.keep_live_cursor(&end).await }
    }

    /// Looks after some jobs at once; where to go on.
    async fn look_after_some(
        &self,
        at: LiveCursor,
        deadline: Deadline,
        reconciled: &mut Reconciled,
    ) -> Option<LiveCursor> {
        let (jobs, next) = match self.store.live_jobs(at.clone(), JOBS).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, "a part of the list of live jobs cannot be read");
                reconciled.failed += 1;
                return at.next_shard();
            }
        };
        let looks = jobs.into_iter().map(|job| self.look_after_listed(job, deadline.within(TIME_PER_JOB)));
        for done in join_all(looks).await {
            reconciled.jobs += 1;
            match done {
                Some(done) => reconciled.add(&done),
                None => reconciled.failed += 1,
            }
        }
        next
    }

    async fn decide_dead_letters(
        &self,
        dead_letters: &Queue,
        deadline: Deadline,
        reconciled: &mut Reconciled,
    ) -> Result<(), QueueError> {
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
                let decide = Box::pin(self.decide_dead_letter(dead_letters, &message, &pointer, deadline));
                match AssertUnwindSafe(decide).catch_unwind().instrument(pointer.span()).await {
                    Ok(true) => reconciled.decided += 1,
                    Ok(false) | Err(_) => reconciled.failed += 1,
                }
            }
        }
        Ok(())
    }

    /// Decides the rows of a dead letter one by one; whether that is done and the message is deleted.
    async fn decide_dead_letter(
        &self,
        dead_letters: &Queue,
        message: &Received,
        pointer: &Pointer,
        deadline: Deadline,
    ) -> bool {
        let decided = match Box::pin(self.work_or(pointer, 0, deadline, OnFailure::Fail)).await {
            Ok(_) => dead_letters.delete(&message.handle).await.map_err(Error::from),
            Err(error) => Err(error),
        };
        let work = pointer.work;
        let unsure = |error: Error| tracing::warn!(%error, ?work, "a message of the dead-letter queue was not decided");
        decided.map_err(unsure).is_ok()
    }

    /// Looks after an entry of the list of live jobs; `None` where that failed, which keeps no other job waiting.
    async fn look_after_listed(&self, listed: Result<LiveJob, StoreError>, deadline: Deadline) -> Option<Done> {
        let live = listed.inspect_err(|error| tracing::error!(%error, "a live job cannot be read")).ok()?;
        let look = async {
            // A panic in one job, which the log has with its location, keeps no other job waiting.
            let done = AssertUnwindSafe(Box::pin(self.look_after(&live, deadline))).catch_unwind().await.ok()?;
            done.inspect_err(|error| tracing::warn!(%error, "a job could not be looked after")).ok()
        };
        look.instrument(error_span!("job", space_id = %live.space, job_id = %live.job)).await
    }

    async fn look_after(&self, live: &LiveJob, deadline: Deadline) -> Result<Done, Error> {
        let (space, job, now) = (&live.space, live.job, self.clock.now());
        let Some(status) = self.advance_job(space, job, now).await? else { return Ok(Done::Nothing) };
        // A job that runs although something is stopped is paused; one that a stop has paused goes on when that has ended.
        if self.is_held(space, &status.head).await? || self.resume_after_stop(space, &status.head).await? {
            return Ok(Done::Nothing);
        }
        if status.head.state.accepts_chunks() {
            metrics::add(Metric::RowsRemaining, u64::try_from(status.progress.remaining()).unwrap_or_default());
        }
        if status.head.segment.is_some()
            && let Some(done) = self.look_after_segment(live, &status, deadline).await?
        {
            return Ok(done);
        }
        if status.head.makes_rows() && !self.prepare(space, &status.head, deadline).await? {
            return Ok(Done::Nothing);
        }
        match care(&status.head, now) {
            Care::Nothing => Ok(Done::Nothing),
            Care::Cancel => {
                let cancel = ControlRequest::own(Control::Cancel, Cause::Abandoned, now);
                self.control_job(space, job, &cancel, None).await?;
                Ok(Done::Cancelled)
            }
            Care::FinishStop => self.finish_stop(live, now, deadline).await,
            Care::KeepRunning => self.keep_running(live, &status, now, deadline).await,
            Care::Retire => {
                self.store.retire_job(space, &status.head, None).await?;
                Ok(Done::Nothing)
            }
            Care::Verify => {
                let adds_up = self.verify(live, &status, now, deadline).await?;
                Ok(if adds_up { Done::Verified } else { Done::Nothing })
            }
        }
    }

    /// Carries a job of a segment on; `None` where it needs what other jobs need.
    async fn look_after_segment(
        &self,
        live: &LiveJob,
        status: &JobStatus,
        deadline: Deadline,
    ) -> Result<Option<Done>, Error> {
        let (space, job) = (&live.space, live.job);
        if status.head.state.is_final() {
            self.end_segment_job(space, status).await?;
        }
        if !status.head.state.accepts_chunks() || care(&status.head, self.clock.now()) == Care::Cancel {
            return Ok(None);
        }
        self.store.set_accepting(space, job).await?;
        let before = status.head.version;
        let Some((status, next)) = self.carry_on(space, job, deadline).await? else { return Ok(Some(Done::Nothing)) };
        match next {
            // Its rows are there now: their messages were never sent.
            Next::Chunks if status.head.version != before => {
                self.send(space, job, 0, [Work::Dispatch { from: 0, redrive: status.head.redrives }]).await?;
                Ok(Some(Done::Nothing))
            }
            Next::Chunks => Ok(None),
            Next::Again => {
                self.send(space, job, 0, [Work::Dispatch { from: 0, redrive: status.head.redrives }]).await?;
                Ok(Some(Done::Nothing))
            }
            Next::Later(_) => Ok(Some(Done::Nothing)),
        }
    }

    /// Ends a stop. The job cannot stop before its started chunks are completed.
    async fn finish_stop(&self, live: &LiveJob, now: Time, deadline: Deadline) -> Result<Done, Error> {
        self.store.set_accepting(&live.space, live.job).await?;
        match self.advance_job(&live.space, live.job, now).await? {
            Some(status) if !status.progress.is_idle() => {
                let requeued = self.requeue_stalled(live, &status.head, now, deadline).await?;
                Ok(Done::Sent { redispatched: false, requeued })
            }
            _ => Ok(Done::Nothing),
        }
    }

    async fn keep_running(
        &self,
        live: &LiveJob,
        status: &JobStatus,
        now: Time,
        deadline: Deadline,
    ) -> Result<Done, Error> {
        let (LiveJob { space, job, .. }, JobStatus { head, progress }) = (live, status);
        self.store.set_accepting(space, *job).await?;
        if self.enforce_limit(space, *job, status).await? {
            return Ok(Done::Nothing);
        }
        let (seen, motion) = (progress.motion(), motion(head, progress, now));
        match motion {
            Motion::Still => {
                // It is noted first: a dispatch that fails is not repeated without a pause either.
                self.store.keep_seen(space, *job, seen, head.resends + 1, now).await?;
                self.dispatch(space, *job, (0, head.redrives), 0, deadline).await?;
            }
            Motion::Moved => self.store.keep_seen(space, *job, seen, 0, now).await?,
            Motion::Waits => {}
        }
        let is_idle = progress.is_idle();
        let requeued = if is_idle { 0 } else { self.requeue_stalled(live, head, now, deadline).await? };
        Ok(Done::Sent { redispatched: motion == Motion::Still, requeued })
    }

    /// Reads all outcomes of a completed job again, over several runs where they are many. Where they do not add up to its
    /// counts, that is a fault of Efface: it is logged as an error, and the job stays unverified.
    pub(super) async fn verify(
        &self,
        LiveJob { space, job, scan }: &LiveJob,
        JobStatus { head, progress }: &JobStatus,
        now: Time,
        deadline: Deadline,
    ) -> Result<bool, StoreError> {
        let mut scan = Scan::resume(*scan, head);
        let mut pages = Pages::new(self, space, *job, scan.page);
        while let Some(group) = pages.next().await? {
            for (page, chunks) in group {
                scan.rows += page.rows;
                scan.counts.invalid += page.invalid;
                for chunk in chunks.values() {
                    scan.counts += chunk.outcomes.counts();
                }
                let outcomes = chunks.values().map(|chunk| &chunk.outcomes);
                scan.outcomes = scan.outcomes.map(|digest| digest.with_outcomes(page.page, outcomes));
                if head.dry_run {
                    let findings = self.store.findings(space, *job, page.page).await?;
                    scan.digest = scan.digest.with(page.page, &findings);
                    scan.found += i64::try_from(findings.len()).unwrap_or(i64::MAX);
                }
            }
            if deadline.is_over()
                && let Some(page) = pages.position()
            {
                self.store.keep_scan(space, *job, Some(Scan { page, ..scan })).await?;
                return Ok(false);
            }
        }
        let Scan { rows, counts, digest, found, outcomes, .. } = scan;
        let adds_up = counts == progress.counts && rows == progress.rows && counts.total() == rows;
        // A chunk of a dry run that a worker of an earlier version ran has no findings.
        let has_digest = head.dry_run && head.action.deletes_profiles() && found == counts.deleted;
        let digest = if head.dry_run { has_digest.then_some(digest) } else { outcomes };
        if !adds_up {
            tracing::error!("the outcomes of a job do not add up to its counts");
        }
        self.store.retire_job(space, head, adds_up.then_some((now, digest))).await?;
        Ok(adds_up)
    }
}
