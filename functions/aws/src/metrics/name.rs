//! The names of the metrics, and their units.

use std::borrow::Cow;

use efface_core::job::{Action, Outcome};
use metrique_writer::{Unit, unit::NegativeScale};

/// A metric of a function. `docs/operations.md` says what each tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// Requests to DynamoDB, repetitions included.
    StoreRequests,
    /// Requests that DynamoDB throttled, or a part of which it did.
    StoreThrottles,
    /// Responses 401.
    Unauthorized,
    /// Responses 403.
    Forbidden,
    /// Responses 429 of Efface's own limits.
    RateLimited,
    /// Rows of jobs that were decided, by action and outcome.
    Rows(Action, Outcome),
    /// Rows of dry runs.
    DryRunRows,
    /// Rows that failed, of every action.
    RowsFailed,
    /// How long the worker was busy with a chunk, in milliseconds.
    ChunkTime,
    /// Jobs that the reconciler looked at in a run.
    JobsLive,
    /// Rows without an outcome of the running jobs among them.
    RowsRemaining,
    /// How long the chunk that has been silent longest has given no sign of life, in seconds.
    OldestChunk,
    /// Runs of the reconciler that came to their end.
    ReconcilerRuns,
    /// Entries that were committed to journals.
    JournalEntries,
    /// How old the newest record of a batch of the stream was when it was in the journal, in seconds.
    JournalLag,
    /// Records of the stream that were put aside.
    RecordsPutAside,
    /// Spaces whose journal has stopped, once for each batch that has changes of one.
    SpacesStopped,
    /// Entries of journals that were published in logs.
    LogEntries,
    /// Entries that were still to be published after a run that had the time to publish.
    LogBehind,
    /// Signatures of checkpoints.
    LogSignatures,
    /// Logs that contradict their journal or their own files: nothing is signed there.
    LogInconsistent,
    /// Runs of the publisher's schedule that looked at all spaces which wait.
    LogSweeps,
}

impl Metric {
    /// Every metric.
    pub fn all() -> Vec<Self> {
        let simple = [
            Self::StoreRequests,
            Self::StoreThrottles,
            Self::Unauthorized,
            Self::Forbidden,
            Self::RateLimited,
            Self::DryRunRows,
            Self::RowsFailed,
            Self::ChunkTime,
            Self::JobsLive,
            Self::RowsRemaining,
            Self::OldestChunk,
            Self::ReconcilerRuns,
            Self::JournalEntries,
            Self::JournalLag,
            Self::RecordsPutAside,
            Self::SpacesStopped,
            Self::LogEntries,
            Self::LogBehind,
            Self::LogSignatures,
            Self::LogInconsistent,
            Self::LogSweeps,
        ];
        let of_action = |action| Outcome::ALL.map(|outcome| Self::Rows(action, outcome));
        simple.into_iter().chain(Action::ALL.into_iter().flat_map(of_action)).collect()
    }

    /// The name in CloudWatch. That of rows has the action and the outcome, such as `DeleteProfileNotFound`: as
    /// dimensions they would need a line for each pair.
    pub fn name(self) -> Cow<'static, str> {
        match self {
            Self::StoreRequests => "StoreRequests",
            Self::StoreThrottles => "StoreThrottles",
            Self::Unauthorized => "Unauthorized",
            Self::Forbidden => "Forbidden",
            Self::RateLimited => "RateLimited",
            Self::Rows(action, outcome) => return format!("{}{}", of_action(action), of_outcome(outcome)).into(),
            Self::DryRunRows => "DryRunRows",
            Self::RowsFailed => "RowsFailed",
            Self::ChunkTime => "ChunkTime",
            Self::JobsLive => "JobsLive",
            Self::RowsRemaining => "RowsRemaining",
            Self::OldestChunk => "OldestChunk",
            Self::ReconcilerRuns => "ReconcilerRuns",
            Self::JournalEntries => "JournalEntries",
            Self::JournalLag => "JournalLag",
            Self::RecordsPutAside => "RecordsPutAside",
            Self::SpacesStopped => "SpacesStopped",
            Self::LogEntries => "LogEntries",
            Self::LogBehind => "LogBehind",
            Self::LogSignatures => "LogSignatures",
            Self::LogInconsistent => "LogInconsistent",
            Self::LogSweeps => "LogSweeps",
        }
        .into()
    }

    pub(super) fn unit(self) -> Unit {
        match self {
            Self::ChunkTime => Unit::Second(NegativeScale::Milli),
            Self::OldestChunk | Self::JournalLag => Unit::Second(NegativeScale::One),
            _ => Unit::Count,
        }
    }
}

fn of_action(action: Action) -> &'static str {
    match action {
        Action::DeleteProfile => "DeleteProfile",
        Action::DeleteIdentifier => "DeleteIdentifier",
        Action::DeleteSegment => "DeleteSegment",
    }
}

fn of_outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Deleted => "Deleted",
        Outcome::Duplicate => "Duplicate",
        Outcome::NotFound => "NotFound",
        Outcome::Invalid => "Invalid",
        Outcome::Protected => "Protected",
        Outcome::Failed => "Failed",
        Outcome::Changed => "Changed",
    }
}
