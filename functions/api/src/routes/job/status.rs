//! A job as responses show it.

use efface_core::{
    job::{Action, Approval, Counts, JobState, JobStatus, Phase, Verdict, plan::Plan, state::verdict},
    time::Time,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::context::RequestContext;

/// Where a job stands. Its counts and what remains add up to its rows at any time.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::routes) struct Job {
    /// Its id.
    id: String,
    action: Action,
    state: JobState,
    /// Rows that were posted, the invalid ones too.
    rows: i64,
    /// Rows by outcome.
    counts: Counts,
    /// Rows without an outcome.
    remaining: i64,
    /// Chunks that run. What their rows came to since they recorded it last is in no count yet.
    running_chunks: i64,
    /// Whether an operator has stopped it. It goes on when the operator lets it.
    stopped: bool,
    /// The label that it shares with other jobs.
    group: Option<String>,
    /// When it was created.
    created_at: Time,
    /// When it may start; null: as soon as it is created or, if it is open, started.
    start_at: Option<Time>,
    /// Who approved it.
    approvals: Vec<Approval>,
    /// When its first rows were started.
    started_at: Option<Time>,
    /// When it was completed or cancelled.
    finished_at: Option<Time>,
    /// How it ended; null while it has not. `complete`: everything that its rows name is deleted, or was not there.
    /// `partial`: some rows failed, are protected, invalid or changed, or members are left. `stopped`: it was cancelled.
    verdict: Option<Verdict>,
    /// When all its outcomes had been read again and had added up to its counts.
    verified_at: Option<Time>,
    /// The token that created it.
    created_by: String,
    /// Rows with an outcome per second, since it was started.
    rows_per_second: Option<f64>,
    /// When it will be completed at that rate.
    estimated_finish_at: Option<Time>,
    /// Whether it is a dry run: nothing is deleted, and its counts are what they would be.
    dry_run: bool,
    /// After how many deletions it pauses.
    max_deletions: Option<i64>,
    /// The dry run whose plan it executes.
    plan_job_id: Option<String>,
    /// Of a job that makes its rows itself: where it is with that.
    phase: Option<Phase>,
    /// The segment whose members it deletes.
    segment_id: Option<String>,
    /// Of such a job: the members that were expected, or approved.
    expected_members: Option<i64>,
    /// Of such a job: the members that it found and left when it looked through the segment last.
    members_left: Option<i64>,
    /// Of such a job: when it looks through the segment again.
    settles_at: Option<Time>,
    /// Of such a job: whether the segment is enabled when everybody is deleted.
    auto_enable: Option<bool>,
    /// The result of a dry run that is completed.
    plan: Option<Plan>,
}

/// A job.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::routes) struct JobBody {
    job: Job,
}

impl JobBody {
    /// A job as it is at the time of the request.
    pub(in crate::routes) fn new(cx: &RequestContext<'_>, status: JobStatus) -> Self {
        Self { job: Job::new(cx, status) }
    }
}

impl Job {
    /// A job as it is at the time of the request.
    pub(in crate::routes) fn new(cx: &RequestContext<'_>, status: JobStatus) -> Self {
        let (JobStatus { head, progress }, now) = (status, cx.now);
        let decided = progress.counts.total() - progress.counts.invalid;
        let remaining = progress.remaining();
        let rate = head.started_at.and_then(|started| rate(decided, started, head.finished_at.unwrap_or(now)));
        let left = rate.filter(|rate| head.state.accepts_chunks() && *rate > 0.0).map(|rate| seconds(remaining, rate));
        let is_planned = head.dry_run && head.state == JobState::Completed;
        let plan = is_planned.then(|| cx.engine().plan(&JobStatus { head: head.clone(), progress }));
        let rows = head.rows(&progress);
        let segment = head.segment.as_ref();
        let members_left = segment.and_then(|segment| segment.left);
        let remaining = rows - progress.counts.total();
        Self {
            id: head.job_id.to_string(),
            action: head.action,
            state: head.state,
            rows,
            counts: progress.counts,
            remaining: remaining.max(0),
            running_chunks: progress.running_chunks(),
            stopped: head.stopped_by.is_some(),
            group: head.job_group.map(|group| group.label.to_string()),
            created_at: head.created_at,
            start_at: head.start_at,
            approvals: head.approvals,
            verdict: verdict(head.state, &progress.counts, members_left.unwrap_or(0)),
            started_at: head.started_at,
            finished_at: head.finished_at,
            verified_at: head.verified_at,
            created_by: head.token_id.to_string(),
            rows_per_second: rate,
            estimated_finish_at: left.map(|left| now.plus_seconds(left)),
            dry_run: head.dry_run,
            max_deletions: head.max_deletions,
            plan_job_id: head.plan.map(|plan| plan.job_id.to_string()),
            phase: head.phase,
            segment_id: segment.map(|segment| segment.segment_id.to_string()),
            expected_members: segment.and_then(|segment| segment.expected),
            members_left,
            settles_at: segment.and_then(|segment| segment.settles_at).filter(|_| !head.state.is_final()),
            auto_enable: segment.map(|segment| segment.auto_enable),
            plan,
        }
    }

    /// Without the plan, where the response has it beside the job.
    pub(in crate::routes) fn without_plan(self) -> Self {
        Self { plan: None, ..self }
    }
}

/// Rows in a second, to a tenth.
#[expect(clippy::cast_precision_loss, reason = "a rate is an estimate")]
fn rate(rows: i64, from: Time, to: Time) -> Option<f64> {
    let millis = to.millis() - from.millis();
    (millis > 0).then(|| (rows as f64 * 10_000.0 / millis as f64).round() / 10.0)
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "an estimate")]
fn seconds(rows: i64, rate: f64) -> i64 {
    (rows as f64 / rate).ceil() as i64
}
