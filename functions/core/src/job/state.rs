//! A job's state machine. [`transition`] decides what a client asks for, [`advance`] what the job's counters say. Beside
//! these, a queued job is running once its first chunk starts, and the engine asks for controls itself: it pauses a job
//! whose limit is used up and cancels one that is abandoned.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{JobHead, LIFE_SECONDS, Progress};
use crate::{id::BadId, time::Time};

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// The job takes pages; nothing runs.
    Open,
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
    pub const ALL: [Self; 8] = [
        Self::Open,
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

/// What a control does to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// The job's state does not allow it.
    Rejected,
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
pub fn transition(head: &JobHead, progress: &Progress, control: Control, now: Time) -> Transition {
    use JobState::{Cancelled, Cancelling, Completed, Open, Paused, Pausing, Queued, Running};
    let is_too_old = now.second() - head.created_at.second() > LIFE_SECONDS;
    if control == Control::Redrive && is_too_old {
        return Transition::Rejected;
    }
    let to = |state| Transition::To { state, redrives: false };
    // A job that has started before does not go back to `queued`.
    let go = to(if head.started_at.is_some() { Running } else { Queued });
    match (control, head.state) {
        (Control::Start, Open) | (Control::Resume, Pausing | Paused) => go,
        (Control::Pause, Queued | Running) => to(Pausing),
        // A page may be committed until the job has left `open`: what an open job adds up to is known only then.
        (Control::Cancel, Open | Queued | Running | Pausing | Paused) => to(Cancelling),
        (Control::Redrive, Completed) if progress.counts.failed > 0 => {
            Transition::To { state: Running, redrives: true }
        }
        (Control::Start | Control::Resume | Control::Redrive, Queued | Running)
        | (Control::Pause, Pausing | Paused)
        | (Control::Cancel, Cancelling | Cancelled)
        | (Control::Redrive, Completed) => Transition::Unchanged,
        _ => Transition::Rejected,
    }
}

/// Where a job's counters move it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advance {
    /// The job stays where it is.
    Stay,
    /// The job moves.
    To(JobState),
    /// The job has stopped, if no chunk runs once its counters accept no chunks: read it again after that.
    StopTo(JobState),
}

/// Decides where a job's counters move it.
pub fn advance(head: &JobHead, progress: &Progress) -> Advance {
    match head.state {
        JobState::Pausing if progress.is_idle() => Advance::StopTo(JobState::Paused),
        JobState::Cancelling if progress.is_idle() => Advance::StopTo(JobState::Cancelled),
        JobState::Queued | JobState::Running if progress.completed >= progress.chunks && !head.redriving => {
            Advance::To(JobState::Completed)
        }
        _ => Advance::Stay,
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
    use crate::job::status::tests::head;

    fn progress(chunks: i64, started: i64, completed: i64, failed: i64) -> Progress {
        let mut progress = Progress { chunks, started, completed, ..Progress::default() };
        progress.counts.failed = failed;
        progress
    }

    /// Columns: open, queued, running, pausing, paused, cancelling, cancelled, completed.
    fn check(control: Control, has_started: bool, failed: i64, expected: [&str; 8]) {
        let after = JobState::ALL.map(|state| {
            let mut head = JobHead { state, ..head() };
            head.started_at = has_started.then_some(head.created_at);
            match transition(&head, &progress(1, 1, 1, failed), control, head.created_at) {
                Transition::Rejected => "409".to_owned(),
                Transition::Unchanged => "-".to_owned(),
                Transition::To { state, redrives } => format!("{}{}", state.as_str(), if redrives { "+" } else { "" }),
            }
        });
        assert_eq!(after, expected, "{control:?}");
    }

    #[test]
    fn what_each_control_does_in_each_state() {
        check(Control::Start, false, 0, ["queued", "-", "-", "409", "409", "409", "409", "409"]);
        check(Control::Pause, false, 0, ["409", "pausing", "pausing", "-", "-", "409", "409", "409"]);
        check(Control::Resume, false, 0, ["409", "-", "-", "queued", "queued", "409", "409", "409"]);
        check(Control::Resume, true, 0, ["409", "-", "-", "running", "running", "409", "409", "409"]);
        let stop = "cancelling";
        check(Control::Cancel, false, 0, [stop, stop, stop, stop, stop, "-", "-", "409"]);
        check(Control::Redrive, true, 0, ["409", "-", "-", "409", "409", "409", "409", "-"]);
        check(Control::Redrive, true, 1, ["409", "-", "-", "409", "409", "409", "409", "running+"]);
    }

    #[test]
    fn a_job_is_redriven_while_its_rows_are_kept() {
        let head = JobHead { state: JobState::Completed, ..head() };
        let at =
            |seconds| transition(&head, &progress(1, 1, 1, 1), Control::Redrive, head.created_at.plus_seconds(seconds));
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
            (Paused, false, progress(1, 1, 1, 0), Advance::Stay),
        ] {
            assert_eq!(advance(&JobHead { state, redriving, ..head() }, &counters), expected, "{state:?} {counters:?}");
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
