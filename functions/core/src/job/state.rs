//! A job's state machine. [`transition`] decides what a client asks for, [`advance`] what the job's counters and the time
//! say. Beside these, a queued job is running once its first chunk starts, and the engine asks for controls itself: it
//! pauses a job whose limit is used up and cancels one that is abandoned.
//!
//! Before a job is queued it may have to wait for two things, in this order: for an approval, then for its time
//! ([`released`]).

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Counts, JobHead, Progress, event::Cause};
use crate::{id::BadId, time::Time, token::TokenId};

/// How long an approval holds, in seconds. A job that starts later needs another one.
pub const APPROVAL_SECONDS: i64 = 7 * 24 * 3_600;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// The job takes pages; nothing runs.
    Open,
    /// The job has more rows than its space lets one person delete: somebody else must approve it.
    AwaitingApproval,
    /// The job waits for its time.
    Scheduled,
    /// The job was started, and no chunk has started yet.
    Queued,
    /// Chunks run.
    Running,
    /// No further chunk starts; some still run.
    Pausing,
    /// Nothing runs.
    Paused,
    /// As pausing, for good.
    Cancelling,
    /// Final: chunks that had not started never will.
    Cancelled,
    /// Final: every row has its outcome.
    Completed,
}

/// What a client may ask of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// Run the pages that were posted.
    Start,
    /// Let a job go on that somebody else made.
    Approve,
    /// Do not: it is cancelled.
    Reject,
    /// Start no further chunk for now.
    Pause,
    /// Go on.
    Resume,
    /// Start no further chunk, ever.
    Cancel,
    /// Try the failed rows again, and send the messages again that may have been lost.
    Redrive,
}

impl JobState {
    /// Every state, in the order of a job's life.
    pub const ALL: [Self; 10] = [
        Self::Open,
        Self::AwaitingApproval,
        Self::Scheduled,
        Self::Queued,
        Self::Running,
        Self::Pausing,
        Self::Paused,
        Self::Cancelling,
        Self::Cancelled,
        Self::Completed,
    ];

    /// The word in responses and in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::AwaitingApproval => "awaiting_approval",
            Self::Scheduled => "scheduled",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Pausing => "pausing",
            Self::Paused => "paused",
            Self::Cancelling => "cancelling",
            Self::Cancelled => "cancelled",
            Self::Completed => "completed",
        }
    }

    /// Whether the job changes no more by itself.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Cancelled | Self::Completed)
    }

    /// Whether the job accepts chunks: new ones may start.
    pub fn accepts_chunks(self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }
}

impl FromStr for JobState {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(BadId("job state"))
    }
}

/// A control, and what decides about it beside the job.
#[derive(Debug, Clone, Copy)]
pub struct ControlRequest<'a> {
    /// What is asked for.
    pub control: Control,
    /// Whose token asks; `None` where it is Efface itself.
    pub token_id: Option<&'a TokenId>,
    /// Why, where it is Efface itself.
    pub cause: Option<Cause>,
    /// Whether the job has more rows, with those of its group, than its space lets one person delete.
    pub needs_approval: bool,
    /// Of an approval: the members of the segment that it is for, where it names them.
    pub expected: Option<i64>,
    /// When.
    pub now: Time,
}

impl ControlRequest<'_> {
    /// A control that Efface asks for itself.
    pub fn own(control: Control, cause: Cause, now: Time) -> Self {
        Self { control, token_id: None, cause: Some(cause), needs_approval: false, expected: None, now }
    }
}

/// What a control does to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// The job's state does not allow it.
    Rejected,
    /// Who made a job must not approve it.
    Own,
    /// The approval is for another number of members than this one.
    OtherMembers(i64),
    /// The job already is, or is already on its way, where the control leads.
    Unchanged,
    /// The job moves.
    To {
        /// The next state.
        state: JobState,
        /// Whether failed rows are taken back, to be tried again.
        redrives: bool,
    },
}

/// Decides what a control does to a job in its present state.
pub fn transition(head: &JobHead, progress: &Progress, request: &ControlRequest<'_>) -> Transition {
    use JobState::{
        AwaitingApproval, Cancelled, Cancelling, Completed, Open, Paused, Pausing, Queued, Running, Scheduled,
    };
    let &ControlRequest { control, token_id, needs_approval, now, .. } = request;
    if control == Control::Redrive && now > head.life_until() {
        return Transition::Rejected;
    }
    let has_approved = head.approvals.iter().any(|approval| token_id == Some(&approval.token_id));
    let to = |state| Transition::To { state, redrives: false };
    // A job that has started before does not go back to `queued`.
    let go = to(if head.started_at.is_some() { Running } else { Queued });
    match (control, head.state) {
        (Control::Start, Open) => to(released(head.start_at, needs_approval, now)),
        (Control::Approve, AwaitingApproval) if token_id == Some(&head.token_id) => Transition::Own,
        (Control::Approve, AwaitingApproval) => match unapproved_members(head, request) {
            Some(members) => Transition::OtherMembers(members),
            None => to(released(head.start_at, false, now)),
        },
        // It was held until its rows were added up, and needs no approval.
        (Control::Start, AwaitingApproval) if !needs_approval && !head.is_recounted() => {
            to(released(head.start_at, false, now))
        }
        (Control::Approve, Scheduled | Queued | Running | Pausing | Paused | Completed) if has_approved => {
            Transition::Unchanged
        }
        (Control::Resume, Pausing | Paused) => go,
        (Control::Pause, Queued | Running) => to(Pausing),
        // A page may be committed until the job has left `open`: what an open job adds up to is known only then.
        (Control::Cancel, Open | AwaitingApproval | Scheduled | Queued | Running | Pausing | Paused)
        | (Control::Reject, AwaitingApproval) => to(Cancelling),
        (Control::Redrive, Completed) if progress.counts.failed > 0 => {
            Transition::To { state: Running, redrives: true }
        }
        (Control::Start, AwaitingApproval | Scheduled)
        | (Control::Start | Control::Resume | Control::Redrive, Queued | Running)
        | (Control::Pause, Pausing | Paused)
        | (Control::Cancel | Control::Reject, Cancelling | Cancelled)
        | (Control::Redrive, Completed) => Transition::Unchanged,
        _ => Transition::Rejected,
    }
}

/// The members of a segment that an approval is not for: it names another number, or it may be the repetition of one that
/// was given before they were counted anew.
fn unapproved_members(head: &JobHead, request: &ControlRequest<'_>) -> Option<i64> {
    let segment = head.segment.as_ref()?;
    let members = segment.expected?;
    let may_be_repeated = head.approvals.iter().any(|approval| request.token_id == Some(&approval.token_id));
    match request.expected {
        Some(expected) => (expected != members).then_some(members),
        None => (segment.is_recounted && may_be_repeated).then_some(members),
    }
}

/// Where a job goes that has all its rows: to be approved, to wait for its time, or to be carried out.
pub fn released(start_at: Option<Time>, needs_approval: bool, now: Time) -> JobState {
    match start_at {
        _ if needs_approval => JobState::AwaitingApproval,
        Some(at) if at > now => JobState::Scheduled,
        _ => JobState::Queued,
    }
}

/// Where a job's counters, and the time, move it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advance {
    /// The job stays where it is.
    Stay,
    /// The job moves.
    To(JobState),
    /// The job has stopped, if no chunk runs once its counters accept no chunks: read it again after that.
    StopTo(JobState),
}

/// Decides where a job's counters, and the time, move it.
pub fn advance(head: &JobHead, progress: &Progress, now: Time) -> Advance {
    match head.state {
        JobState::Scheduled if head.start_at.is_none_or(|at| at <= now) => {
            let last = head.approvals.last();
            let is_old = last.is_some_and(|approval| now.second() - approval.at.second() > APPROVAL_SECONDS);
            Advance::To(released(None, is_old, now))
        }
        JobState::Pausing if progress.is_idle() => Advance::StopTo(JobState::Paused),
        JobState::Cancelling if progress.is_idle() => Advance::StopTo(JobState::Cancelled),
        JobState::Queued | JobState::Running
            if has_all_outcomes(head, progress) && !head.is_preparing() && head.emptied_segment().is_none() =>
        {
            Advance::To(JobState::Completed)
        }
        _ => Advance::Stay,
    }
}

/// Whether every row that is there has its outcome.
pub fn has_all_outcomes(head: &JobHead, progress: &Progress) -> bool {
    progress.completed >= progress.chunks && !head.redriving
}

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything that its rows name is deleted, or was not there.
    Complete,
    /// Some rows were not carried out: they failed, are protected, cannot be read, or changed since they were planned; or
    /// members are left in the segment.
    Partial,
    /// No row matched anything.
    NothingMatched,
    /// It was cancelled.
    Stopped,
}

/// How a job ended; `None` while it has not. `left` are the members that it left in its segment.
pub fn verdict(state: JobState, counts: &Counts, left: i64) -> Option<Verdict> {
    let undone = counts.failed + counts.protected + counts.changed + left;
    let matched = counts.deleted + counts.duplicate;
    match state {
        JobState::Cancelled => Some(Verdict::Stopped),
        JobState::Completed if undone > 0 => Some(Verdict::Partial),
        JobState::Completed if matched == 0 => Some(Verdict::NothingMatched),
        JobState::Completed if counts.invalid > 0 => Some(Verdict::Partial),
        JobState::Completed => Some(Verdict::Complete),
        _ => None,
    }
}

/// What a move does to the aggregate counters of a job's space and group: a job's counts are added under its final
/// state when it gets there, and subtracted again when a redrive takes it out of it.
pub fn aggregate_change(from: JobState, to: JobState, redrives: bool) -> Option<(JobState, i64)> {
    match (to.is_final(), redrives) {
        (true, _) => Some((to, 1)),
        (false, true) => Some((from, -1)),
        (false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{Approval, LIFE_SECONDS, Outcome, Phase, SegmentJob, status::tests::head};

    const DAY: i64 = 24 * 3_600;

    fn progress(chunks: i64, started: i64, completed: i64, failed: i64) -> Progress {
        let mut progress = Progress { chunks, started, completed, ..Progress::default() };
        progress.counts.failed = failed;
        progress
    }

    fn own(control: Control, now: Time) -> ControlRequest<'static> {
        ControlRequest::own(control, Cause::Operator, now)
    }

    fn token(name: &str) -> TokenId {
        name.parse().unwrap()
    }

    fn approved(days: i64) -> Vec<Approval> {
        vec![Approval { token_id: token("tok_2"), at: head().created_at.plus_seconds(days * DAY) }]
    }

    /// What a control does in each state, in the order of [`JobState::ALL`]. `by` is whose token asks; the maker's is
    /// `tok_1`, and `tok_2` has approved the job.
    fn check(control: Control, by: &str, change: impl Fn(&mut JobHead), failed: i64, expected: [&str; 10]) {
        let after = JobState::ALL.map(|state| {
            let mut head = JobHead { state, approvals: approved(0), ..head() };
            change(&mut head);
            let by = token(by);
            let request = ControlRequest { token_id: Some(&by), needs_approval: true, ..own(control, head.created_at) };
            match transition(&head, &progress(1, 1, 1, failed), &request) {
                Transition::Rejected => "409".to_owned(),
                Transition::Own => "403".to_owned(),
                Transition::OtherMembers(members) => members.to_string(),
                Transition::Unchanged => "-".to_owned(),
                Transition::To { state, redrives } => format!("{}{}", state.as_str(), if redrives { "+" } else { "" }),
            }
        });
        assert_eq!(after, expected, "{control:?} {by}");
    }

    #[test]
    fn what_each_control_does_in_each_state() {
        // Columns: open, awaiting_approval, scheduled, queued, running, pausing, paused, cancelling, cancelled, completed.
        let new = |_: &mut JobHead| {};
        let started = |head: &mut JobHead| head.started_at = Some(head.created_at);
        let is_due_later = |head: &mut JobHead| head.start_at = Some(head.created_at.plus_seconds(1));
        let no = "409";
        check(Control::Start, "tok_1", new, 0, ["awaiting_approval", "-", "-", "-", "-", no, no, no, no, no]);
        check(Control::Approve, "tok_1", new, 0, [no, "403", no, no, no, no, no, no, no, no]);
        check(Control::Approve, "tok_2", new, 0, [no, "queued", "-", "-", "-", "-", "-", no, no, "-"]);
        check(Control::Approve, "tok_3", new, 0, [no, "queued", no, no, no, no, no, no, no, no]);
        check(Control::Approve, "tok_3", is_due_later, 0, [no, "scheduled", no, no, no, no, no, no, no, no]);
        check(Control::Reject, "tok_1", new, 0, [no, "cancelling", no, no, no, no, no, "-", "-", no]);
        check(Control::Pause, "tok_1", new, 0, [no, no, no, "pausing", "pausing", "-", "-", no, no, no]);
        check(Control::Resume, "tok_1", new, 0, [no, no, no, "-", "-", "queued", "queued", no, no, no]);
        check(Control::Resume, "tok_1", started, 0, [no, no, no, "-", "-", "running", "running", no, no, no]);
        let stop = "cancelling";
        check(Control::Cancel, "tok_1", new, 0, [stop, stop, stop, stop, stop, stop, stop, "-", "-", no]);
        check(Control::Redrive, "tok_1", started, 0, [no, no, no, "-", "-", no, no, no, no, "-"]);
        check(Control::Redrive, "tok_1", started, 1, [no, no, no, "-", "-", no, no, no, no, "running+"]);
    }

    #[test]
    fn a_job_waits_for_its_approval_and_then_for_its_time() {
        let (now, later) = (head().created_at, Some(head().created_at.plus_seconds(1)));
        for (start_at, needs_approval, expected) in [
            (None, false, JobState::Queued),
            (Some(now), false, JobState::Queued),
            (later, false, JobState::Scheduled),
            (None, true, JobState::AwaitingApproval),
            (later, true, JobState::AwaitingApproval),
        ] {
            assert_eq!(released(start_at, needs_approval, now), expected, "{start_at:?} {needs_approval}");
        }
        let open = JobHead { state: JobState::Open, ..head() };
        let held = JobHead { state: JobState::AwaitingApproval, ..head() };
        for (head, needs_approval, expected) in
            [(&open, false, "queued"), (&open, true, "awaiting_approval"), (&held, false, "queued"), (&held, true, "-")]
        {
            let start = ControlRequest { needs_approval, ..own(Control::Start, now) };
            let after = match transition(head, &progress(1, 0, 0, 0), &start) {
                Transition::To { state, .. } => state.as_str(),
                _ => "-",
            };
            assert_eq!(after, expected, "{:?} {needs_approval}", head.state);
        }
    }

    #[test]
    fn an_approval_is_for_the_members_that_were_seen() {
        let segment =
            |is_recounted| SegmentJob { is_recounted, ..SegmentJob::new("seg".parse().unwrap(), Some(100), false, 0) };
        let go = Transition::To { state: JobState::Queued, redrives: false };
        for (by, is_recounted, expected, then) in [
            ("tok_2", true, None, Transition::OtherMembers(100)),
            ("tok_2", true, Some(99), Transition::OtherMembers(100)),
            ("tok_2", true, Some(100), go),
            ("tok_3", true, None, go),
            ("tok_3", true, Some(101), Transition::OtherMembers(100)),
            ("tok_2", false, None, go),
            ("tok_1", true, Some(100), Transition::Own),
        ] {
            let (state, approvals) = (JobState::AwaitingApproval, approved(0));
            let head = JobHead { state, approvals, segment: Some(segment(is_recounted)), ..head() };
            let by = token(by);
            let request = ControlRequest { token_id: Some(&by), expected, ..own(Control::Approve, head.created_at) };
            assert_eq!(transition(&head, &progress(0, 0, 0, 0), &request), then, "{by} {is_recounted} {expected:?}");
        }
    }

    #[test]
    fn a_job_is_redriven_while_its_rows_are_kept() {
        let head = JobHead { state: JobState::Completed, started_at: Some(head().created_at), ..head() };
        let at = |seconds| {
            let request = own(Control::Redrive, head.created_at.plus_seconds(seconds));
            transition(&head, &progress(1, 1, 1, 1), &request)
        };
        assert_eq!(at(LIFE_SECONDS), Transition::To { state: JobState::Running, redrives: true });
        assert_eq!(at(LIFE_SECONDS + 1), Transition::Rejected);
    }

    #[test]
    fn counters_move_a_job_on() {
        use JobState::{Cancelled, Cancelling, Completed, Open, Paused, Pausing, Queued, Running};
        for (state, redriving, counters, expected) in [
            (Running, false, progress(2, 2, 1, 0), Advance::Stay),
            (Running, false, progress(2, 2, 2, 0), Advance::To(Completed)),
            (Running, true, progress(2, 2, 2, 0), Advance::Stay),
            (Queued, false, progress(0, 0, 0, 0), Advance::To(Completed)),
            (Pausing, false, progress(2, 2, 1, 0), Advance::Stay),
            (Pausing, false, progress(2, 1, 1, 0), Advance::StopTo(Paused)),
            (Cancelling, false, progress(2, 1, 1, 0), Advance::StopTo(Cancelled)),
            (Open, false, progress(0, 0, 0, 0), Advance::Stay),
            (JobState::AwaitingApproval, false, progress(0, 0, 0, 0), Advance::Stay),
            (Paused, false, progress(1, 1, 1, 0), Advance::Stay),
        ] {
            let head = JobHead { state, redriving, ..head() };
            assert_eq!(advance(&head, &counters, head.created_at), expected, "{state:?} {counters:?}");
        }
        let preparing = JobHead { state: Running, phase: Some(Phase::Preparing), ..head() };
        assert_eq!(advance(&preparing, &progress(2, 2, 2, 0), preparing.created_at), Advance::Stay);
    }

    #[test]
    fn the_time_moves_a_job_on_that_is_scheduled() {
        let at = |days: i64, millis: i64, approvals: Vec<Approval>| {
            let start = head().created_at.plus_seconds(days * DAY);
            let head = JobHead { state: JobState::Scheduled, start_at: Some(start), approvals, ..head() };
            advance(&head, &progress(1, 0, 0, 0), Time::from_millis(start.millis() + millis).unwrap())
        };
        assert_eq!(at(30, -1, vec![]), Advance::Stay);
        assert_eq!(at(30, 0, vec![]), Advance::To(JobState::Queued), "it never needed an approval");
        assert_eq!(at(7, 0, approved(0)), Advance::To(JobState::Queued));
        assert_eq!(at(7, 1_000, approved(0)), Advance::To(JobState::AwaitingApproval), "the approval has lapsed");
        assert_eq!(at(8, 0, [approved(0), approved(1)].concat()), Advance::To(JobState::Queued));
    }

    #[test]
    fn what_a_job_came_to() {
        use Outcome::{Deleted, Duplicate, Failed, Invalid, NotFound, Protected};
        let counts = |outcomes: &[Outcome]| outcomes.iter().copied().collect::<Counts>();
        for (outcomes, expected) in [
            (&[][..], Verdict::NothingMatched),
            (&[NotFound, Invalid], Verdict::NothingMatched),
            (&[Deleted, NotFound], Verdict::Complete),
            (&[Duplicate], Verdict::Complete),
            (&[Deleted, Invalid], Verdict::Partial),
            (&[Deleted, Failed], Verdict::Partial),
            (&[NotFound, Failed], Verdict::Partial),
            (&[Protected], Verdict::Partial),
            (&[Outcome::Changed], Verdict::Partial),
        ] {
            assert_eq!(verdict(JobState::Completed, &counts(outcomes), 0), Some(expected), "{outcomes:?}");
            assert_eq!(verdict(JobState::Completed, &counts(outcomes), 1), Some(Verdict::Partial), "a member is left");
            assert_eq!(verdict(JobState::Cancelled, &counts(outcomes), 0), Some(Verdict::Stopped));
            assert_eq!(verdict(JobState::Running, &counts(outcomes), 0), None);
        }
    }

    #[test]
    fn final_states_are_counted_once() {
        use JobState::{Completed, Pausing, Running};
        assert_eq!(aggregate_change(Running, Completed, false), Some((Completed, 1)));
        assert_eq!(aggregate_change(Completed, Running, true), Some((Completed, -1)));
        assert_eq!(aggregate_change(Running, Pausing, false), None);
    }

    #[test]
    fn words_round_trip() {
        for state in JobState::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
    }
}
