//! Carrying out the job of a segment, beside its chunks: it takes its turn, disables the segment, lists the members as
//! rows, and looks through the segment until nobody is left. What it does next is decided by
//! [`efface_core::job::segment`]; each step is one conditional write, so that two workers do it once.

use std::time::Duration;

use efface_aws::{
    StoreError,
    store::{
        job::{Move, PhaseMove},
        segment::Turn,
    },
};
use efface_core::{
    id::ProfileId,
    job::{
        Control, JobHead, JobId, JobState, JobStatus, Phase, SegmentJob,
        event::{Cause, EventKind, JobEvent, SweepResult},
        finding::Finding,
        row::Row,
        segment::{Listed, Step, Swept, adds_rows, after_listing, after_sweep, next_step},
        state::{ControlRequest, has_all_outcomes, has_lapsed},
    },
    profile::{Head, ProfileState},
    segment::{Author, MemberCursor, Segment},
    space::SpaceId,
    time::Time,
};

use crate::{Deadline, Engine, Error};

/// Members that become rows together: a page.
const PAGE_ROWS: usize = 10_000;

/// Members that are looked at together in a sweep.
const SWEPT_ROWS: usize = 1_000;

/// How long a job waits before it looks again whether it is its turn.
const TURN_PAUSE: Duration = Duration::from_secs(10);

/// What is to be done for a job after its own steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Its chunks can be sent.
    Chunks,
    /// The time was up: it goes on at once.
    Again,
    /// It goes on after so long; `None`: when somebody asks for it.
    Later(Option<Duration>),
}

impl Engine {
    /// Carries a job of a segment on, step by step, as far as the time goes. `None` where there is no such job.
    pub(super) async fn carry_on(
        &self,
        space: &SpaceId,
        job: JobId,
        deadline: Deadline,
    ) -> Result<Option<(JobStatus, Next)>, Error> {
        loop {
            let Some(status) = self.store.job(space, job).await? else { return Ok(None) };
            let Some(segment) = &status.head.segment else { return Ok(Some((status, Next::Chunks))) };
            // A step may delete memberships: none is taken while anything is stopped. The job is read again as it is then.
            if self.is_held(space, &status.head).await? {
                continue;
            }
            let now = self.clock.now();
            let step = next_step(&status.head, segment, &status.progress, now);
            match step {
                Step::Rest => return Ok(Some((status, Next::Later(None)))),
                Step::Delete => return Ok(Some((status, Next::Chunks))),
                Step::WaitUntil(at) => {
                    // A little more, so that the next worker's clock has come so far, too.
                    let pause = u64::try_from(at.second() - now.second() + 1).map(Duration::from_secs);
                    return Ok(Some((status, Next::Later(pause.ok()))));
                }
                _ if deadline.is_over() => return Ok(Some((status, Next::Again))),
                Step::TakeTurn => {
                    if !self.take_turn(space, &status, segment).await? {
                        return Ok(Some((status, Next::Later(Some(TURN_PAUSE)))));
                    }
                }
                Step::Prepare => self.prepare_segment(space, &status, segment, deadline).await?,
                Step::BeginSweep => {
                    let begun = segment.clone().at_the_beginning();
                    self.move_phase(space, &status.head, Phase::Sweeping, begun, None).await?;
                }
                Step::Sweep if segment.cursor.is_end() => self.end_sweep(space, &status, segment, now).await?,
                Step::Sweep => self.sweep(space, &status, segment).await?,
            }
        }
    }

    /// Whether a job of a segment goes on with a step of its own, where its last chunk was completed.
    pub(super) fn has_step(JobStatus { head, progress }: &JobStatus) -> bool {
        head.emptied_segment().is_some()
            && head.state.accepts_chunks()
            && head.phase == Some(Phase::Deleting)
            && has_all_outcomes(head, progress)
    }

    async fn move_phase(
        &self,
        space: &SpaceId,
        head: &JobHead,
        to: Phase,
        segment: SegmentJob,
        event: Option<JobEvent>,
    ) -> Result<bool, StoreError> {
        let to = PhaseMove { to, state: head.state, segment, event, now: self.clock.now() };
        self.store.move_phase(space, head, to).await
    }

    /// Takes the turn of the space, and the segment, where no other job has them. Whether there is something to do now; if
    /// not, others have to end first.
    async fn take_turn(&self, space: &SpaceId, status: &JobStatus, segment: &SegmentJob) -> Result<bool, Error> {
        let (store, head, now) = (&self.store, &status.head, self.clock.now());
        let before = store.turn(space).await?;
        if let Some(turn) = before.filter(|turn| turn.job_id != head.job_id)
            && self.needs_turn(space, turn).await?
        {
            return Ok(false);
        }
        if head.started_at.is_none() && has_lapsed(head, now) {
            let event = JobEvent::new(EventKind::AwaitingApproval, head, &status.progress, None, now);
            let (state, segment) = (JobState::AwaitingApproval, segment.clone());
            let to = PhaseMove { to: Phase::Waiting, state, segment, event: Some(event), now };
            self.hold(space, head, to).await?;
            return Ok(true);
        }
        let there = store.segment(space, &segment.segment_id).await?.filter(Segment::exists);
        if let Some(there) = there.as_ref().filter(|there| there.active_job != Some(head.job_id))
            && self.job_of_segment(space, there).await?.is_some()
        {
            // The job is redriven, and the segment has another one by now.
            return Ok(false);
        }
        // The version of the segment tells who wanted to enable it that the job has started.
        let changed = there.map(|there| Segment {
            active_job: Some(head.job_id),
            last_job: Some(head.job_id),
            ..there.next(&Author::own(now))
        });
        let (state, segment) = (JobState::Running, SegmentJob { settles_at: None, ..segment.clone() });
        let to = PhaseMove { to: Phase::Preparing, state, segment, event: None, now };
        // Where something changed meanwhile, it is read again.
        store.take_turn(space, head, to, before, changed.as_ref()).await?;
        Ok(true)
    }

    /// Has a job wait for an approval. It lets the turn go.
    async fn hold(&self, space: &SpaceId, head: &JobHead, to: PhaseMove) -> Result<(), Error> {
        if self.store.move_phase(space, head, to).await? {
            self.store.set_accepting(space, head.job_id).await?;
            if let Some(status) = self.store.job(space, head.job_id).await?
                && status.head.state == JobState::AwaitingApproval
            {
                self.store.let_go(space, &status.head, None).await?;
            }
        }
        Ok(())
    }

    /// Whether a job still needs its turn: not where it is over, or waits for another turn since. That its head has changed
    /// is asked for, too, because a read may find it as it was before it took this one.
    async fn needs_turn(&self, space: &SpaceId, turn: Turn) -> Result<bool, StoreError> {
        let status = self.store.job(space, turn.job_id).await?;
        let waits = |head: &JobHead| head.phase == Some(Phase::Waiting) && head.version > turn.version;
        Ok(status.is_some_and(|JobStatus { head, .. }| !head.state.is_final() && !waits(&head)))
    }

    /// Makes the next page of rows; or, where all are there, goes on to what follows.
    async fn prepare_segment(
        &self,
        space: &SpaceId,
        status: &JobStatus,
        segment: &SegmentJob,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let head = &status.head;
        let is_closed = head.dry_run || self.disable_for_job(space, &segment.segment_id, head.job_id).await?;
        // After a redrive nobody is added, whoever is in the segment by now.
        if !is_closed && head.redrives == 0 {
            let cancel = ControlRequest::own(Control::Cancel, Cause::SegmentGone, self.clock.now());
            self.control_job(space, head.job_id, &cancel, None).await?;
            return Ok(());
        }
        if head.plan.is_some() {
            return self.prepare(space, head, deadline).await.map(drop);
        }
        if segment.is_listed {
            return self.after_listing(space, status, segment).await;
        }
        let (members, cursor) = self.store.members(space, &segment.segment_id, segment.cursor, PAGE_ROWS).await?;
        let listed = segment.listed + count(&members);
        let listed = SegmentJob { cursor, listed, is_listed: cursor.is_end(), ..segment.clone() };
        self.keep_listed(space, status, listed, &members).await?;
        Ok(())
    }

    async fn after_listing(&self, space: &SpaceId, status: &JobStatus, segment: &SegmentJob) -> Result<(), Error> {
        let JobStatus { head, progress } = status;
        let members = segment.listed;
        if after_listing(head, segment) == Listed::Delete {
            self.move_phase(space, head, Phase::Deleting, segment.clone(), None).await?;
            return Ok(());
        }
        let (now, state) = (self.clock.now(), JobState::AwaitingApproval);
        let segment = SegmentJob { expected: Some(members), is_recounted: true, ..segment.clone() };
        let event = JobEvent {
            cause: Some(Cause::MembersChanged),
            rows: Some(members),
            ..JobEvent::new(EventKind::AwaitingApproval, head, progress, None, now)
        };
        let to = PhaseMove { to: Phase::Waiting, state, segment, event: Some(event), now };
        self.hold(space, head, to).await
    }

    /// Keeps how far the job has come, with members as a page of rows, where there are any. Where the job is not as it was
    /// read, another worker has done so, or somebody controlled it.
    async fn keep_listed(
        &self,
        space: &SpaceId,
        status: &JobStatus,
        mut segment: SegmentJob,
        members: &[ProfileId],
    ) -> Result<bool, Error> {
        let head = &status.head;
        let before = status.head.segment.as_ref().ok_or(Error::Fault("a job of no segment"))?;
        segment.step = before.step + 1;
        if members.is_empty() {
            return Ok(self.store.keep_listed(space, head, (before, &segment), None).await?);
        }
        let rows: Vec<Row> = members.iter().map(|member| Row::ProfileId(*member)).collect();
        let found = |(row, member): (u32, &ProfileId)| (row, Finding { root: *member, version: 0 });
        let found: Vec<_> = (0..).zip(members).map(found).collect();
        let page = self.put_made_page(space, head, segment.next_page, &rows, &found).await?;
        segment.next_page += 1;
        Ok(self.store.keep_listed(space, head, (before, &segment), Some(&page)).await?)
    }

    /// Looks at some members that are left: removes those that are gone or are being deleted, and makes rows of the others.
    async fn sweep(&self, space: &SpaceId, status: &JobStatus, segment: &SegmentJob) -> Result<(), Error> {
        let (members, cursor) = self.store.members(space, &segment.segment_id, segment.cursor, SWEPT_ROWS).await?;
        let (gone, there) = self.part_members(space, members).await?;
        self.store.remove_members(space, &segment.segment_id, &gone).await?;
        let adds = adds_rows(&status.head, segment, &status.progress);
        let (rows, left) = if adds { (there, Vec::new()) } else { (Vec::new(), there) };
        let swept = SegmentJob {
            cursor,
            removed: segment.removed + count(&gone),
            added: segment.added + count(&rows),
            left: Some(segment.left.unwrap_or(0) + count(&left)),
            ..segment.clone()
        };
        self.keep_listed(space, status, swept, &rows).await?;
        Ok(())
    }

    /// Parts members into those whose profile is gone, or is being deleted, and the others.
    async fn part_members(
        &self,
        space: &SpaceId,
        members: Vec<ProfileId>,
    ) -> Result<(Vec<ProfileId>, Vec<ProfileId>), StoreError> {
        let heads = self.store.heads_by_id(space, &members).await?;
        let roots = heads.values().flatten().filter(|head| !head.is_root()).map(|head| head.root);
        let roots = self.store.heads_by_id(space, &roots.collect::<Vec<_>>()).await?;
        // One that cannot be read stays: an operator has to look at it.
        let is_active = |found: Option<&Result<Head, StoreError>>| match found {
            Some(Ok(head)) => head.state == ProfileState::Active,
            Some(Err(_)) => true,
            None => false,
        };
        let root = |member: &ProfileId| heads.get(member).and_then(|head| head.as_ref().ok()).map(|head| head.root);
        let is_there = |member: &ProfileId| {
            let root = root(member).filter(|root| root != member);
            is_active(heads.get(member)) && root.is_none_or(|root| is_active(roots.get(&root)))
        };
        Ok(members.into_iter().partition(|member| !is_there(member)))
    }

    async fn end_sweep(
        &self,
        space: &SpaceId,
        JobStatus { head, progress }: &JobStatus,
        segment: &SegmentJob,
        now: Time,
    ) -> Result<(), Error> {
        let SegmentJob { added, removed, left, .. } = *segment;
        let result = SweepResult { added, removed, left: left.unwrap_or(0) };
        let event = Some(JobEvent::of_sweep(head, progress, result, now));
        let segment = SegmentJob { cursor: MemberCursor::default(), ..segment.clone() };
        match after_sweep(&segment, now) {
            Swept::Delete => {
                let segment = SegmentJob { sweeps: segment.sweeps + 1, settles_at: None, ..segment };
                self.move_phase(space, head, Phase::Deleting, segment, event).await?;
            }
            Swept::SettleUntil(at) => {
                let segment = SegmentJob { settles_at: Some(at), ..segment };
                self.move_phase(space, head, Phase::Settling, segment, event).await?;
            }
            Swept::Complete => {
                let status = JobStatus { head: head.clone(), progress: *progress };
                let to = Move { event, ..Move::to(JobState::Completed, now) };
                if self.store.move_job(space, &status, to).await? {
                    self.after_end(space, head.job_id).await?;
                }
            }
        }
        Ok(())
    }

    /// What follows when a job has ended.
    pub(super) async fn after_end(&self, space: &SpaceId, job: JobId) -> Result<(), Error> {
        let Some(status) = self.store.job(space, job).await? else { return Ok(()) };
        if status.head.state.is_final() { self.end_segment_job(space, &status).await } else { Ok(()) }
    }
}

fn count(members: &[ProfileId]) -> i64 {
    i64::try_from(members.len()).unwrap_or(i64::MAX)
}
