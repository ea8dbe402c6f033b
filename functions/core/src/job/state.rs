//! A job's state machine. [`transition`] decides what a client asks for, [`advance`] what the job's counters and the time
//! say. Beside these, a queued job is running once its first chunk starts, and the engine asks for controls itself: it
//! pauses a job whose limit is used up and cancels one that is abandoned.
//!
//! Before a job is queued it may have to wait for two things, in this order: for an approval, then for its time
//! ([`released`]).

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Counts, JobHead, Progress, event::Cause};
use crate::{id::BadId, stop::StopMark, time::Time, token::TokenId};

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
    /// What the job must have, where it is named: of an approval, so many members of its segment; of a start, so many rows.
    pub expected: Option<i64>,
    /// Of a start or an approval: when the job may start, where that is later than its own time.
    pub start_at: Option<Time>,
    /// Of a pause: the stop that asks for it.
    pub stop: Option<StopMark>,
    /// When.
    pub now: Time,
}

impl ControlRequest<'_> {
    /// A control that Efface asks for itself.
    pub fn own(control: Control, cause: Cause, now: Time) -> Self {
        let (token_id, cause) = (None, Some(cause));
        Self { control, token_id, cause, needs_approval: false, expected: None, start_at: None, stop: None, now }
    }

    /// When the job may start once it is as the control asks: a control can only make that later.
    pub fn start_at(&self, head: &JobHead) -> Option<Time> {
        head.start_at.max(self.start_at)
    }

    /// What the job's head keeps of who has it end before its end.
    pub fn cancelled_by(&self) -> CancelledBy {
        CancelledBy { token_id: self.token_id.cloned(), cause: self.cause }
    }

    /// Whether a person asks for a pause.
    pub fn is_persons_pause(&self) -> bool {
        self.control == Control::Pause && self.cause.is_none()
    }
}

/// Who had a job cancelled, for the audit log, which tells it once its last chunk has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelledBy {
    /// The token that asked for it; none where Efface did it itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_id: Option<TokenId>,
    /// Why, where Efface or an operator did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
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
    /// The start is for another number of rows than this one.
    OtherRows(i64),
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
    let release = |needs_approval| to(released(request.start_at(head), needs_approval, now));
    // A job that has started before does not go back to `queued`.
    let go = to(if head.started_at.is_some() { Running } else { Queued });
    match (control, head.state) {
        (Control::Start, Open) => match request.expected {
            Some(expected) if expected != head.rows(progress) => Transition::OtherRows(head.rows(progress)),
            _ => release(needs_approval),
        },
        (Control::Approve, AwaitingApproval) if token_id == Some(&head.token_id) => Transition::Own,
        (Control::Approve, AwaitingApproval) => match unapproved_members(head, request) {
            Some(members) => Transition::OtherMembers(members),
            None => release(false),
        },
        // It was held until its rows were added up, and needs no approval.
        (Control::Start, AwaitingApproval) if !needs_approval && !head.is_recounted() => release(false),
        (Control::Approve, Scheduled | Queued | Running | Pausing | Paused | Completed) if has_approved => {
            Transition::Unchanged
        }
        // Somebody resumed it, or paused it to stay so, since the stop that had paused it.
        (Control::Resume, Pausing | Paused) if request.cause.is_some() && head.stopped_by.is_none() => {
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
            Advance::To(released(None, has_lapsed(head, now), now))
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

/// Whether the last approval of a job is too old for it to start.
pub fn has_lapsed(head: &JobHead, now: Time) -> bool {
    head.approvals.last().is_some_and(|approval| now.second() - approval.at.second() > APPROVAL_SECONDS)
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
mod tests;
