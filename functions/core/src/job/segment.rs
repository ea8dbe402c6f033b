//! What a job keeps that deletes the members of a segment, and what it does next.
//!
//! When it is its turn it disables the segment, lists the members as its rows, deletes them, and looks through the segment
//! until nobody is left; once more after a settling time.

use serde::{Deserialize, Serialize};

use super::{JobHead, Phase, Progress, state::has_all_outcomes};
use crate::{
    segment::{MemberCursor, SegmentId, is_off},
    time::Time,
};

/// How often a job deletes members that it finds when it looks through its segment: nobody joins it, so that there should
/// be none.
pub const MAX_SWEEPS: u32 = 3;

/// What a job keeps of its segment, and how far it is with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentJob {
    /// The segment.
    pub segment_id: SegmentId,
    /// The members that were expected, or approved. `None` where the job takes whoever is there, as a dry run does.
    #[serde(default)]
    pub expected: Option<i64>,
    /// The most members that need no approval of a second person, as its space had it.
    #[serde(default)]
    pub approval_over: Option<u32>,
    /// Whether its members were counted anew, and needed an approval because there were others than expected.
    #[serde(default)]
    pub is_recounted: bool,
    /// Whether the segment is enabled again when everybody is deleted.
    #[serde(default)]
    pub auto_enable: bool,
    /// How long it waits before it looks again, in seconds.
    #[serde(default)]
    pub settling_seconds: u32,
    /// Counts what was kept of the members, so that each is listed once.
    #[serde(default)]
    pub step: u32,
    /// The page that the next rows are for.
    #[serde(default)]
    pub next_page: u32,
    /// The members that are listed as rows so far, those that sweeps have added left out. The job's counters tell it, too,
    /// but a read may find them as they were before its head.
    #[serde(default)]
    pub listed: i64,
    /// Whether all members are listed as rows.
    #[serde(default)]
    pub is_listed: bool,
    /// Where the list of members, or the look through the segment, goes on.
    #[serde(default)]
    pub cursor: MemberCursor,
    /// When it looks again.
    #[serde(default)]
    pub settles_at: Option<Time>,
    /// How often it deleted members that it found when it looked.
    #[serde(default)]
    pub sweeps: u32,
    /// The rows that were added when it looked last.
    #[serde(default)]
    pub added: i64,
    /// The memberships that it removed because their profiles were gone, when it looked last.
    #[serde(default)]
    pub removed: i64,
    /// The members that it found and left when it looked last; `None` before it has.
    #[serde(default)]
    pub left: Option<i64>,
}

impl SegmentJob {
    /// The job of a segment, at its beginning.
    pub fn new(segment_id: SegmentId, expected: Option<i64>, auto_enable: bool, settling_seconds: u32) -> Self {
        Self {
            segment_id,
            expected,
            approval_over: None,
            is_recounted: false,
            auto_enable,
            settling_seconds,
            step: 0,
            next_page: 0,
            listed: 0,
            is_listed: false,
            cursor: MemberCursor::default(),
            settles_at: None,
            sweeps: 0,
            added: 0,
            removed: 0,
            left: None,
        }
    }

    /// Before the segment is looked through.
    #[must_use]
    pub fn at_the_beginning(self) -> Self {
        Self { cursor: MemberCursor::default(), added: 0, removed: 0, left: None, ..self }
    }
}

/// What a job of a segment does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing: it was not started, is paused, or has ended.
    Rest,
    /// Takes its turn, if it is.
    TakeTurn,
    /// Disables the segment and makes its rows.
    Prepare,
    /// Has its chunks sent.
    Delete,
    /// Looks through the segment from its beginning.
    BeginSweep,
    /// Goes on with that.
    Sweep,
    /// Waits until then.
    WaitUntil(Time),
}

/// Decides what a job of a segment does next.
pub fn next_step(head: &JobHead, segment: &SegmentJob, progress: &Progress, now: Time) -> Step {
    if !head.state.accepts_chunks() {
        return Step::Rest;
    }
    match head.phase {
        Some(Phase::Waiting) => Step::TakeTurn,
        Some(Phase::Preparing) => Step::Prepare,
        Some(Phase::Deleting) | None if head.dry_run || !has_all_outcomes(head, progress) => Step::Delete,
        Some(Phase::Deleting) | None => Step::BeginSweep,
        Some(Phase::Sweeping) => Step::Sweep,
        Some(Phase::Settling) => match segment.settles_at {
            Some(at) if at > now => Step::WaitUntil(at),
            _ => Step::BeginSweep,
        },
    }
}

/// What follows when all members are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// They are deleted.
    Delete,
    /// They are more or fewer than was expected or approved, or more than one person may delete: somebody must approve it.
    AwaitApproval,
}

/// Decides what follows when all members are listed.
pub fn after_listing(head: &JobHead, segment: &SegmentJob) -> Listed {
    let members = segment.listed;
    // Its rows are what they were.
    if head.redrives > 0 {
        return Listed::Delete;
    }
    let is_other = segment.expected.is_some_and(|expected| is_off(expected, members));
    let needs_approval = head.approvals.is_empty() && segment.approval_over.is_some_and(|most| members > most.into());
    if !head.dry_run && head.plan.is_none() && (is_other || needs_approval) {
        Listed::AwaitApproval
    } else {
        Listed::Delete
    }
}

/// What follows when the segment was looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swept {
    /// Members were found that are to be deleted: they are rows now.
    Delete,
    /// Nobody is left that the job would delete: it looks again then.
    SettleUntil(Time),
    /// That is so after the settling time, too.
    Complete,
}

/// Decides what follows when the segment was looked through.
pub fn after_sweep(segment: &SegmentJob, now: Time) -> Swept {
    if segment.added > 0 {
        return Swept::Delete;
    }
    match segment.settles_at {
        Some(at) if at <= now => Swept::Complete,
        Some(at) => Swept::SettleUntil(at),
        None => Swept::SettleUntil(now.plus_seconds(segment.settling_seconds.into())),
    }
}

/// Whether members that are found in a sweep become rows. Those of a plan are only those that it lists. Where rows have
/// failed, a redrive tries these again; after it, whoever joined since the job was over is not its own.
pub fn adds_rows(head: &JobHead, segment: &SegmentJob, progress: &Progress) -> bool {
    head.plan.is_none()
        && head.redrives == 0
        && progress.counts.failed == 0
        && (segment.sweeps < MAX_SWEEPS || segment.added > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{Approval, ExecutedPlan, JobState, NewJob, status::tests::head as any};

    fn segment() -> SegmentJob {
        SegmentJob::new("seg".parse().unwrap(), Some(100), false, 300)
    }

    fn head(state: JobState, phase: Phase) -> JobHead {
        let new = NewJob::delete_segment(segment());
        JobHead {
            state,
            phase: Some(phase),
            ..JobHead::new(&new, any().job_id, any().token_id, false, any().created_at)
        }
    }

    #[test]
    fn what_a_job_does_in_each_phase() {
        let now = any().created_at;
        let (running, all, some) = (
            JobState::Running,
            Progress { chunks: 2, completed: 2, ..Progress::default() },
            Progress { chunks: 2, completed: 1, ..Progress::default() },
        );
        let later = Some(now.plus_seconds(1));
        for (state, phase, progress, settles_at, expected) in [
            (JobState::Queued, Phase::Waiting, all, None, Step::TakeTurn),
            (running, Phase::Preparing, all, None, Step::Prepare),
            (running, Phase::Deleting, some, None, Step::Delete),
            (running, Phase::Deleting, all, None, Step::BeginSweep),
            (running, Phase::Sweeping, all, None, Step::Sweep),
            (running, Phase::Settling, all, later, Step::WaitUntil(now.plus_seconds(1))),
            (running, Phase::Settling, all, Some(now), Step::BeginSweep),
            (JobState::Paused, Phase::Sweeping, all, None, Step::Rest),
            (JobState::AwaitingApproval, Phase::Waiting, all, None, Step::Rest),
            (JobState::Cancelling, Phase::Deleting, all, None, Step::Rest),
        ] {
            let segment = SegmentJob { settles_at, ..segment() };
            assert_eq!(next_step(&head(state, phase), &segment, &progress, now), expected, "{state:?} {phase:?}");
        }
        let redriving = JobHead { redriving: true, ..head(running, Phase::Deleting) };
        assert_eq!(next_step(&redriving, &segment(), &all, now), Step::Delete);
    }

    #[test]
    fn other_members_than_expected_need_an_approval() {
        let now = any().created_at;
        let approved = vec![Approval { token_id: any().token_id, at: now }];
        let plan = Some(ExecutedPlan { job_id: any().job_id, rows: 100 });
        for (members, over, approvals, plan, expected) in [
            (100, None, vec![], None, Listed::Delete),
            (101, None, vec![], None, Listed::Delete),
            (102, None, vec![], None, Listed::AwaitApproval),
            (98, None, approved.clone(), None, Listed::AwaitApproval),
            (101, Some(100), vec![], None, Listed::AwaitApproval),
            (101, Some(100), approved, None, Listed::Delete),
            (200, None, vec![], plan, Listed::Delete),
        ] {
            let head = JobHead { approvals, plan, ..head(JobState::Running, Phase::Preparing) };
            let segment = SegmentJob { approval_over: over, listed: members, ..segment() };
            assert_eq!(after_listing(&head, &segment), expected, "{members} {over:?} {plan:?}");
        }
    }

    #[test]
    fn a_segment_is_looked_through_until_nobody_is_left_and_once_more() {
        let now = any().created_at;
        for (added, settles_at, expected) in [
            (1, None, Swept::Delete),
            (1, Some(now), Swept::Delete),
            (0, None, Swept::SettleUntil(now.plus_seconds(300))),
            (0, Some(now), Swept::Complete),
            (0, Some(now.plus_seconds(9)), Swept::SettleUntil(now.plus_seconds(9))),
        ] {
            assert_eq!(
                after_sweep(&SegmentJob { settles_at, added, ..segment() }, now),
                expected,
                "{added} {settles_at:?}"
            );
        }
    }
}
