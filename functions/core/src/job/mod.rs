//! Jobs: many rows to delete, as one thing that can be followed, stopped and proved.

pub mod chunk;
mod outcome;
pub mod plan;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

use crate::profile::{BadId, RequestId};

pub use outcome::{Counts, Outcome};

/// The longest label of a group.
pub const MAX_GROUP: usize = 128;

/// A job's id, `job_` and the 32 digits of the version 7 UUID of the request that made it: ids sort by time, and a
/// request that is sent again finds its own job.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(String);

impl JobId {
    /// The job that a request makes.
    pub fn of_request(request: &RequestId) -> Self {
        Self(format!("job_{}", request.to_string().replace('-', "")))
    }

    /// Reads `job_` and 32 hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, BadId> {
        let digits = text.strip_prefix("job_").unwrap_or_default();
        let fits = digits.len() == 32 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if fits { Ok(Self(text.to_owned())) } else { Err(BadId("job id")) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The request that made it.
    pub fn request(&self) -> Option<RequestId> {
        let uuid = Uuid::try_parse(&self.0["job_".len()..]).ok()?;
        RequestId::parse(&uuid.hyphenated().to_string()).ok()
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The label of the jobs that belong together, such as the pages of one run of a workflow: 1 to [`MAX_GROUP`]
/// printable characters of ASCII, without spaces around them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Group(String);

/// The text is no label.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("a group is 1 to 128 printable ASCII characters, without spaces around them")]
pub struct BadGroup;

impl Group {
    /// Accepts a label by the rule above.
    pub fn parse(text: &str) -> Result<Self, BadGroup> {
        let is_printable = text.bytes().all(|b| (b' '..=b'~').contains(&b));
        let fits = (1..=MAX_GROUP).contains(&text.len()) && text.trim() == text && is_printable;
        if fits { Ok(Self(text.to_owned())) } else { Err(BadGroup) }
    }

    /// The label.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Group {
    type Err = BadGroup;

    fn from_str(text: &str) -> Result<Self, BadGroup> {
        Self::parse(text)
    }
}

/// What a job does with each of its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Deletes the whole profile that the row's identifier belongs to.
    DeleteProfile,
    /// Deletes one identifier of the profile that the row's `user_id` finds.
    DeleteIdentifier,
}

impl Action {
    /// The word in requests, answers and the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DeleteProfile => "delete_profile",
            Self::DeleteIdentifier => "delete_identifier",
        }
    }
}

impl FromStr for Action {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        [Self::DeleteProfile, Self::DeleteIdentifier]
            .into_iter()
            .find(|action| action.as_str() == text)
            .ok_or(BadId("job action"))
    }
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Takes pages; nothing runs.
    Open,
    /// Started; no chunk has begun.
    Queued,
    /// Chunks run.
    Running,
    /// No chunk begins any more; some still run.
    Pausing,
    /// Nothing runs.
    Paused,
    /// As pausing, for good.
    Cancelling,
    /// Final: what had not begun never will.
    Cancelled,
    /// Final: every row has its outcome.
    Completed,
}

/// What a client may ask of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// Run what was posted.
    Start,
    /// Begin nothing more for now.
    Pause,
    /// Go on.
    Resume,
    /// Begin nothing more, ever.
    Cancel,
    /// Try the failed rows again, and send again what may have got lost.
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

    /// The word in answers and in the table.
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

    /// Whether nothing changes any more by itself.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Cancelled | Self::Completed)
    }

    /// Whether chunks may begin.
    pub fn runs(self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }

    /// The state that a control leads to: the same one where it already is so, none where it can't be.
    pub fn after(self, control: Control) -> Option<Self> {
        match (control, self) {
            (Control::Start, Self::Open) | (Control::Resume, Self::Pausing | Self::Paused) => Some(Self::Queued),
            (Control::Pause, Self::Queued | Self::Running) => Some(Self::Pausing),
            (Control::Cancel, Self::Open) => Some(Self::Cancelled),
            (Control::Cancel, Self::Queued | Self::Running | Self::Pausing | Self::Paused) => Some(Self::Cancelling),
            (Control::Start | Control::Resume | Control::Redrive, Self::Queued | Self::Running)
            | (Control::Pause, Self::Pausing | Self::Paused)
            | (Control::Cancel, Self::Cancelling | Self::Cancelled)
            | (Control::Redrive, Self::Completed) => Some(self),
            _ => None,
        }
    }
}

impl FromStr for JobState {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(BadId("job state"))
    }
}

/// Which row of which job took something: what tombstones remember, so that each row's outcome follows from them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taker {
    /// The job.
    pub job: JobId,
    /// Its group.
    pub group: Option<Group>,
    /// `page:row`, both from 0.
    pub row: String,
}

/// How a stored taker compares with a row's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Took {
    /// It is this row: done before, by a delivery that was cut short or repeated.
    ThisRow,
    /// Another row of the same job.
    SameJob,
    /// A row of another job of the group.
    SameGroup,
    /// Nobody of ours.
    Other,
}

impl Taker {
    /// Compares with what a tombstone remembers.
    pub fn compare(&self, job: Option<&str>, group: Option<&str>, row: Option<&str>) -> Took {
        if job == Some(self.job.as_str()) {
            return if row == Some(self.row.as_str()) { Took::ThisRow } else { Took::SameJob };
        }
        let is_group = self.group.as_ref().is_some_and(|own| Some(own.as_str()) == group);
        if is_group { Took::SameGroup } else { Took::Other }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Time;

    #[test]
    fn a_request_sent_again_finds_its_own_job() {
        let request = RequestId::new(Time::parse("2026-01-01T00:00:00Z").unwrap(), [9; 10]);
        let job = JobId::of_request(&request);
        assert_eq!(JobId::parse(job.as_str()).unwrap().request(), Some(request));
        for bad in ["", "job_", "use_0", "job_XYZ"] {
            assert!(JobId::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn words_round_trip() {
        for state in JobState::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
        for outcome in Outcome::ALL {
            assert_eq!(outcome.as_str().parse(), Ok(outcome));
            assert_eq!(Outcome::from_number(outcome as u8), Some(outcome));
        }
        assert_eq!(Outcome::from_number(0), None);
    }

    /// Rows: open, queued, running, pausing, paused, cancelling, cancelled, completed.
    fn check(control: Control, expected: [&str; 8]) {
        let after = JobState::ALL.map(|state| state.after(control).map_or("409", JobState::as_str));
        assert_eq!(after, expected, "{control:?}");
    }

    #[test]
    fn controls_lead_somewhere_or_are_refused() {
        check(Control::Start, ["queued", "queued", "running", "409", "409", "409", "409", "409"]);
        check(Control::Pause, ["409", "pausing", "pausing", "pausing", "paused", "409", "409", "409"]);
        check(Control::Resume, ["409", "queued", "running", "queued", "queued", "409", "409", "409"]);
        let cancelling = "cancelling";
        check(
            Control::Cancel,
            ["cancelled", cancelling, cancelling, cancelling, cancelling, cancelling, "cancelled", "409"],
        );
        check(Control::Redrive, ["409", "queued", "running", "409", "409", "409", "409", "completed"]);
    }

    #[test]
    fn labels_of_groups() {
        for good in ["run:2026-01-01.1", "2026-11-22T00:00:00+00:00", "nightly run/ #7", "*"] {
            assert!(Group::parse(good).is_ok(), "{good}");
        }
        for bad in ["", " a", "a\n", "a\u{7f}b", "é", &"a".repeat(129)] {
            assert_eq!(Group::parse(bad), Err(BadGroup), "{bad}");
        }
    }
}
