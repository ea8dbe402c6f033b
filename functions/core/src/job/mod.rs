//! Jobs: many rows to delete, as one thing that can be followed, stopped and proved.
//!
//! A job has pages of rows; a page is cut into [`chunk`]s, the unit of work. [`state`] is its state machine, [`care`] what
//! keeps it going until its end, [`status`] what the table holds of it and what its counters add up to, [`outcome`] what
//! becomes of each row. A job that deletes the members of a [`segment`] makes its rows itself.

pub mod care;
pub mod chunk;
pub mod event;
pub mod finding;
pub mod near_miss;
pub mod not_found;
pub mod outcome;
pub mod plan;
pub mod row;
pub mod segment;
pub mod state;
pub mod status;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

use crate::{
    id::{BadId, RequestId, parse_uuid},
    key::GroupHash,
    message::Words,
    text::serde_as_text,
};

pub use outcome::{Counts, Outcome};
pub use segment::SegmentJob;
pub use state::{Control, JobState, Verdict};
pub use status::{Approval, ExecutedPlan, JobHead, JobStatus, NewJob, Page, Phase, Progress};

/// The longest label of a group, in characters. Contract.
pub const MAX_GROUP: usize = 128;

/// The largest number of a page (contract: `docs/limits.md`).
pub const MAX_PAGE: u32 = 9_999_999;

/// Counters of a job, and shards of each aggregate counter: chunks that end at the same time seldom meet in one item.
pub const SHARDS: u32 = 8;

/// How long a job may go on from its start, and be redriven, in seconds: its rows are kept longer.
pub const LIFE_SECONDS: i64 = 50 * 24 * 3_600;

/// How long a job may stay open, paused or without its approval, in seconds.
pub const UNFINISHED_SECONDS: i64 = 30 * 24 * 3_600;

/// How far ahead a job's start may be, in seconds (contract: `docs/limits.md`).
pub const MAX_START_SECONDS: i64 = 30 * 24 * 3_600;

/// How far back a job's start may be, in seconds: clocks differ, and requests are repeated.
pub const PAST_START_SECONDS: i64 = 24 * 3_600;

/// How long after it was completed a dry run may be executed, in seconds.
pub const PLAN_SECONDS: i64 = 7 * 24 * 3_600;

/// How long a job's rows are kept from its latest start, in seconds.
pub const ROWS_KEPT_SECONDS: i64 = 60 * 24 * 3_600;

/// A job's id, written `job_` and the 32 digits of the version 7 UUID of the request that made it: ids sort by time,
/// and a request that is sent again finds its own job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(RequestId);

impl JobId {
    /// The job that a request makes.
    pub fn of_request(request: RequestId) -> Self {
        Self(request)
    }

    /// The request that made the job.
    pub fn request(self) -> RequestId {
        self.0
    }

    /// Which of so many shards of a list the job is in, by a random part of its id.
    pub fn shard(self, shards: u8) -> u8 {
        let [.., last] = *self.0.uuid().as_bytes();
        last % shards
    }
}

impl Words for JobId {}

impl FromStr for JobId {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        parse_uuid(text, "job_").and_then(RequestId::from_uuid).map(Self).ok_or(BadId("job id"))
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uuid: Uuid = self.0.uuid();
        write!(f, "job_{}", uuid.simple())
    }
}

/// The label of jobs that belong together, such as the pages of one run of a workflow: 1 to [`MAX_GROUP`] printable
/// ASCII characters, without spaces around them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group(String);

/// The text is no label.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("a group is 1 to 128 printable ASCII characters, without spaces around them")]
pub struct BadGroup;

impl Words for BadGroup {}

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

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The group of a job: its label, and the hash by which other records name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobGroup {
    /// The label. Only the job's head holds it.
    pub label: Group,
    /// The hash of the label.
    pub hash: GroupHash,
}

/// A row of a job, written `page:row`. Both count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowRef {
    /// The page's number.
    pub page: u32,
    /// The row's number within its page.
    pub row: u32,
}

impl FromStr for RowRef {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let parts = text.split_once(':').and_then(|(page, row)| Some((page.parse().ok()?, row.parse().ok()?)));
        parts.map(|(page, row)| Self { page, row }).ok_or(BadId("row of a job"))
    }
}

impl fmt::Display for RowRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.page, self.row)
    }
}

serde_as_text!(JobId, Group, RowRef);

/// What a job does with each of its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Deletes the profile that the row's identifier belongs to.
    DeleteProfile,
    /// Deletes one identifier of the profile that the row's `user_id` finds.
    DeleteIdentifier,
    /// Deletes the members of a segment: its rows are made of these.
    DeleteSegment,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 3] = [Self::DeleteProfile, Self::DeleteIdentifier, Self::DeleteSegment];

    /// Whether each row deletes a profile.
    pub fn deletes_profiles(self) -> bool {
        matches!(self, Self::DeleteProfile | Self::DeleteSegment)
    }

    /// The word in requests, responses and the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DeleteProfile => "delete_profile",
            Self::DeleteIdentifier => "delete_identifier",
            Self::DeleteSegment => "delete_segment",
        }
    }
}

impl FromStr for Action {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        Self::ALL.into_iter().find(|action| action.as_str() == text).ok_or(BadId("job action"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Time;

    #[test]
    fn a_request_sent_again_finds_its_own_job() {
        let request = RequestId::new(Time::parse("2026-01-01T00:00:00Z").unwrap(), [9; 10]);
        let job = JobId::of_request(request);
        assert_eq!(job.to_string().parse::<JobId>().unwrap().request(), request);
        for bad in ["", "job_", "use_0", "job_XYZ", "job_00000000000040008000000000000000"] {
            assert!(bad.parse::<JobId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn rows_round_trip() {
        let row = RowRef { page: 7, row: 99_999 };
        assert_eq!((row.to_string().as_str(), row.to_string().parse()), ("7:99999", Ok(row)));
        for bad in ["", "7", "7:", ":7", "7:-1", "a:b"] {
            assert!(bad.parse::<RowRef>().is_err(), "{bad}");
        }
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
