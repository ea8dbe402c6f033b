//! What the table holds of a job, and what its counters add up to.

use serde::{Deserialize, Serialize};

use super::{
    Action, Counts, JobGroup, JobId, JobState, LIFE_SECONDS, Outcome, ROWS_KEPT_SECONDS, SegmentJob,
    UNFINISHED_SECONDS,
    finding::FindingsDigest,
    plan::Extent,
    state::{CancelledBy, released},
};
use crate::{
    id::{ProfileId, RequestId},
    key::GroupHash,
    stop::StopMark,
    time::Time,
    token::TokenId,
};

/// A job's head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobHead {
    /// The job's id.
    pub job_id: JobId,
    /// What it does with each row.
    pub action: Action,
    /// Where it stands.
    pub state: JobState,
    /// Counts changes of the state, so that a late step of an earlier change does nothing.
    pub version: i64,
    /// The group that it belongs to.
    pub job_group: Option<JobGroup>,
    /// When it was made.
    pub created_at: Time,
    /// The token that made it.
    pub token_id: TokenId,
    /// Whether it only finds out what it would do.
    pub dry_run: bool,
    /// After how many deletions it pauses.
    pub max_deletions: Option<i64>,
    /// When it may start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_at: Option<Time>,
    /// Who approved it. A job that needs no approval has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<Approval>,
    /// Of a job that executes a plan: which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<ExecutedPlan>,
    /// Of a job that deletes the members of a segment: which, and how far it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<SegmentJob>,
    /// Of a job that makes its rows itself: where it is with that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// Once it is verified: the digest of what it found, where it is a dry run, else of its rows' outcomes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<FindingsDigest>,
    /// Until when its rows are kept at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_until: Option<Time>,
    /// How many tenths of its rows have an outcome, as far as its events tell.
    #[serde(default)]
    pub tenths: u8,
    /// When its first chunk started; of a job that empties a segment, when it took its turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// When it reached its final state.
    pub finished_at: Option<Time>,
    /// When its chunks' outcomes were read again and found to add up to its counts.
    pub verified_at: Option<Time>,
    /// When its state changed last.
    pub changed_at: Time,
    /// The last requests with an idempotency key that changed its state.
    #[serde(default)]
    pub controls: Vec<RequestId>,
    /// Where the job is the deletion of one profile, asked for by itself: the member that its one row found when the job
    /// was made. What the deletion removes is counted for the receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_id: Option<ProfileId>,
    /// Whether failed rows are being taken back, to be tried again.
    #[serde(default)]
    pub redriving: bool,
    /// How often failed rows were taken back.
    #[serde(default)]
    pub redrives: u32,
    /// Its counts when it reached its final state.
    #[serde(default)]
    pub counts: Option<Counts>,
    /// Its rows when it last reached a final state, also those without an outcome. Between a redrive and the next end
    /// they are those of the end before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<i64>,
    /// What the reconciler saw last: chunks started and completed, and rows decided, added up.
    #[serde(default)]
    pub seen: i64,
    /// When it saw that for the first time.
    #[serde(default)]
    pub seen_at: Option<Time>,
    /// How often its chunks were sent again since.
    #[serde(default)]
    pub resends: u32,
    /// Of a job that a stop has paused: which one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_by: Option<StopMark>,
    /// Of a job that was told to end before its end: by whom. Heads from before this was kept have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled_by: Option<CancelledBy>,
}

/// The plan that a job executes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutedPlan {
    /// The dry run.
    pub job_id: JobId,
    /// The profiles that it found.
    pub rows: i64,
}

/// Where a job is that makes its rows itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It waits for its turn: a space empties one segment at a time.
    Waiting,
    /// Its rows are being made.
    Preparing,
    /// All its rows are there.
    Deleting,
    /// The segment is looked through for members that are left.
    Sweeping,
    /// Nobody is left to be deleted; it waits before it looks again.
    Settling,
}

impl Phase {
    /// The word in responses and in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Preparing => "preparing",
            Self::Deleting => "deleting",
            Self::Sweeping => "sweeping",
            Self::Settling => "settling",
        }
    }
}

/// Somebody other than its maker let a job go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Approval {
    /// Whose token.
    #[schema(value_type = String)]
    pub token_id: TokenId,
    /// When.
    pub at: Time,
}

/// What makes a job, beside its rows.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// What it does with each row.
    pub action: Action,
    /// Whether it only finds out what it would do.
    pub dry_run: bool,
    /// The group that it belongs to.
    pub group: Option<JobGroup>,
    /// Whether it takes more pages and waits for `start`.
    pub open: bool,
    /// After how many deletions it pauses.
    pub max_deletions: Option<i64>,
    /// When it may start.
    pub start_at: Option<Time>,
    /// The plan that it executes.
    pub plan: Option<ExecutedPlan>,
    /// The segment whose members it deletes.
    pub segment: Option<SegmentJob>,
    /// The profile, where the job is the deletion of that one, asked for by itself.
    pub profile_id: Option<ProfileId>,
}

impl NewJob {
    /// A job that deletes the profiles that its rows find, with no more to it.
    pub fn delete_profiles() -> Self {
        let action = Action::DeleteProfile;
        Self {
            action,
            dry_run: false,
            group: None,
            open: false,
            max_deletions: None,
            start_at: None,
            plan: None,
            segment: None,
            profile_id: None,
        }
    }

    /// A job that deletes the members of a segment.
    pub fn delete_segment(segment: SegmentJob) -> Self {
        Self { action: Action::DeleteSegment, segment: Some(segment), ..Self::delete_profiles() }
    }

    /// Where a job begins that makes its rows itself. A dry run needs no turn: it changes nothing.
    fn phase(&self) -> Option<Phase> {
        match &self.segment {
            Some(_) if !self.dry_run => Some(Phase::Waiting),
            Some(_) => Some(Phase::Preparing),
            None => self.plan.map(|_| Phase::Preparing),
        }
    }
}

impl JobHead {
    /// The head of a new job. An open job's approval is decided when it is started.
    pub fn new(new: &NewJob, job: JobId, token_id: TokenId, needs_approval: bool, now: Time) -> Self {
        let state = if new.open { JobState::Open } else { released(new.start_at, needs_approval, now) };
        let is_approved = new.dry_run || !(new.open || needs_approval);
        Self {
            job_id: job,
            action: new.action,
            state,
            version: 1,
            job_group: new.group.clone(),
            created_at: now,
            token_id,
            dry_run: new.dry_run,
            max_deletions: new.max_deletions,
            start_at: new.start_at,
            approvals: Vec::new(),
            plan: new.plan,
            segment: new.segment.clone(),
            phase: new.phase(),
            digest: None,
            rows_until: Some(rows_until(state, new.start_at, is_approved, now)),
            tenths: 0,
            started_at: None,
            finished_at: None,
            verified_at: None,
            changed_at: now,
            redriving: false,
            redrives: 0,
            controls: Vec::new(),
            profile_id: new.profile_id,
            counts: None,
            rows: None,
            seen: 0,
            seen_at: None,
            resends: 0,
            stopped_by: None,
            cancelled_by: None,
        }
    }

    /// The hash of its group.
    pub fn group_hash(&self) -> Option<GroupHash> {
        self.job_group.as_ref().map(|group| group.hash)
    }

    /// Whether its rows are not all there yet, because they are still being made.
    pub fn is_preparing(&self) -> bool {
        self.phase == Some(Phase::Preparing)
    }

    /// Whether the rest of the rows of its plan is to be made: the job was not cancelled meanwhile. Those of a segment are a
    /// step of its own.
    pub fn makes_rows(&self) -> bool {
        self.is_preparing() && self.segment.is_none() && !self.state.is_final() && self.state != JobState::Cancelling
    }

    /// Whether its rows are all there, where it makes them itself.
    fn has_rows(&self) -> bool {
        !matches!(self.phase, Some(Phase::Waiting | Phase::Preparing))
    }

    /// Its rows. Before they are made, those of its plan: what adds up jobs has counted these.
    pub fn rows(&self, progress: &Progress) -> i64 {
        self.plan.filter(|_| !self.has_rows()).map_or(progress.rows, |plan| plan.rows)
    }

    /// Its rows, or before they are made, as many as are expected.
    pub fn expected_rows(&self, progress: &Progress) -> i64 {
        let expected = self.segment.as_ref().and_then(|segment| segment.expected);
        expected.filter(|_| !self.has_rows()).unwrap_or_else(|| self.rows(progress))
    }

    /// Of a job that empties a segment, itself and not only on paper: that.
    pub fn emptied_segment(&self) -> Option<&SegmentJob> {
        self.segment.as_ref().filter(|_| !self.dry_run)
    }

    /// Whether it waits for a second approval, because its segment has another number of members than was expected.
    pub fn is_recounted(&self) -> bool {
        self.segment.as_ref().is_some_and(|segment| segment.is_recounted)
    }

    /// Until when its rows are kept.
    pub fn rows_until(&self) -> Time {
        self.rows_until.unwrap_or_else(|| self.created_at.plus_seconds(ROWS_KEPT_SECONDS))
    }

    /// Until when it may go on, and be redriven: [`LIFE_SECONDS`] from its start, while its rows are kept.
    pub fn life_until(&self) -> Time {
        let queued_at = (self.state == JobState::Queued).then_some(self.changed_at);
        let kept = self.rows_until().plus_seconds(LIFE_SECONDS - ROWS_KEPT_SECONDS);
        self.started_at.or(queued_at).map_or(kept, |start| kept.min(start.plus_seconds(LIFE_SECONDS)))
    }

    /// The most deletions that the job may make before it pauses. A dry run deletes nothing.
    pub fn deletion_limit(&self) -> Option<i64> {
        self.max_deletions.filter(|_| !self.dry_run)
    }
}

/// Until when a job's rows are kept: longer than a job may go on, from its latest start. A job that may have to be approved
/// before it starts waits for that at most [`UNFINISHED_SECONDS`], as it may be open for so long. A start or an approval that
/// names a later time leaves the job less time to go on ([`JobHead::life_until`]), but never rows that are gone.
fn rows_until(state: JobState, start_at: Option<Time>, is_approved: bool, now: Time) -> Time {
    let open = if state == JobState::Open { UNFINISHED_SECONDS } else { 0 };
    let approval = if is_approved { 0 } else { UNFINISHED_SECONDS };
    let latest = now.plus_seconds(open).max(start_at.unwrap_or(now)).plus_seconds(approval);
    latest.plus_seconds(ROWS_KEPT_SECONDS)
}

/// What a job's counters add up to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct Progress {
    /// Rows of committed pages, the invalid ones too.
    #[serde(default)]
    pub rows: i64,
    /// Chunks of committed pages.
    #[serde(default)]
    pub chunks: i64,
    /// Chunks that have started.
    #[serde(default)]
    pub started: i64,
    /// Chunks that are completed.
    #[serde(default)]
    pub completed: i64,
    /// Rows by outcome.
    #[serde(flatten)]
    pub counts: Counts,
    /// What a dry run's rows would remove.
    #[serde(flatten)]
    pub extent: Extent,
}

impl Progress {
    /// Rows without an outcome.
    pub fn remaining(&self) -> i64 {
        (self.rows - self.counts.total()).max(0)
    }

    /// Whether every chunk that has started is completed.
    pub fn is_idle(&self) -> bool {
        self.started <= self.completed
    }

    /// Chunks that run, or whose worker died: what their rows came to since their outcomes were recorded last is in no count.
    pub fn running_chunks(&self) -> i64 {
        (self.started - self.completed).max(0)
    }

    /// A number that changes when chunks start, wait or are completed, and when rows are decided.
    pub fn motion(&self) -> i64 {
        self.started + self.completed + self.counts.total()
    }

    /// Adds another counter.
    pub fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        self.chunks += other.chunks;
        self.started += other.started;
        self.completed += other.completed;
        self.counts += other.counts;
        self.extent += other.extent;
    }

    /// What is not zero, by attribute.
    pub fn amounts(&self) -> Vec<(&'static str, i64)> {
        let mut amounts = vec![
            ("rows", self.rows),
            ("chunks", self.chunks),
            ("started", self.started),
            ("completed", self.completed),
            ("merges", self.extent.merges),
            ("identifiers", self.extent.identifiers),
            ("memberships", self.extent.memberships),
            ("other_case", self.extent.other_case),
            ("other_form", self.extent.other_form),
        ];
        amounts.extend(by_outcome(&self.counts));
        amounts.retain(|(_, amount)| *amount != 0);
        amounts
    }
}

/// Counts by the word of their outcome.
pub fn by_outcome(counts: &Counts) -> impl Iterator<Item = (&'static str, i64)> {
    Outcome::ALL.map(|outcome| (outcome.as_str(), counts.of(outcome))).into_iter()
}

/// Where a job stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobStatus {
    /// Its head.
    pub head: JobHead,
    /// What its counters add up to.
    pub progress: Progress,
}

/// A committed page of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Its number, from 0, as the client gave it.
    pub page: u32,
    /// A keyed hash of its rows, by which other rows under the same number are recognised.
    pub content: String,
    /// Its rows, the invalid ones too.
    pub rows: i64,
    /// Its rows that cannot be read.
    pub invalid: i64,
    /// Its chunks.
    pub chunks: u32,
}

impl Page {
    /// What the page adds to its job's counters when it is committed.
    pub fn progress(&self) -> Progress {
        let counts = Counts { invalid: self.invalid, ..Counts::default() };
        Progress { rows: self.rows, chunks: self.chunks.into(), counts, ..Progress::default() }
    }
}

#[cfg(test)]
pub(crate) mod tests;
