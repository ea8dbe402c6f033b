//! A segment as responses show it.

use efface_core::{
    job::{
        JobId, JobStatus,
        event::{EventKind, JobEvent},
    },
    segment::{Segment, SegmentKind},
    time::Time,
};
use efface_engine::Error;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{context::RequestContext, routes::job::Job};

/// Notifications that are shown.
const NOTIFICATIONS: usize = 10;

/// A segment.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SegmentStatus {
    /// Its id.
    id: String,
    /// Its name.
    name: String,
    /// What it is for. It is a label.
    kind: SegmentKind,
    state: State,
    /// Its members; null where they were not counted.
    members: Option<i64>,
    /// When they were counted.
    counted_at: Option<Time>,
    /// The job that deletes its members, or did so last.
    job: Option<Job>,
    /// The last events of that job. Lists have none.
    notifications: Vec<Notification>,
    /// When it was made.
    created_at: Time,
    /// When it was disabled; null while it is not.
    disabled_at: Option<Time>,
}

/// Whether profiles may join.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SegmentState)]
enum State {
    /// They may.
    Enabled,
    /// Nobody may.
    Disabled,
}

/// Something that happened to the job of a segment.
#[derive(Debug, Serialize, ToSchema)]
struct Notification {
    /// When.
    at: Time,
    kind: EventKind,
    /// What happened, for people.
    text: String,
    /// The job.
    #[schema(value_type = String)]
    job_id: JobId,
}

/// A segment.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SegmentBody {
    pub(super) segment: SegmentStatus,
}

impl SegmentStatus {
    fn new(segment: &Segment, job: Option<Job>) -> Self {
        let state = if segment.is_disabled() { State::Disabled } else { State::Enabled };
        Self {
            id: segment.segment_id.to_string(),
            name: segment.name.to_string(),
            kind: segment.kind,
            state,
            members: None,
            counted_at: None,
            job,
            notifications: Vec::new(),
            created_at: segment.created_at,
            disabled_at: segment.disabled_at,
        }
    }

    /// A segment with its job.
    pub(super) async fn with_job(cx: &RequestContext<'_>, segment: Segment) -> Result<Self, Error> {
        let job = last_job(cx, &segment).await?.map(|status| Job::new(cx, status));
        Ok(Self::new(&segment, job))
    }

    /// A segment with its job and what that tells.
    pub(super) async fn with_notifications(cx: &RequestContext<'_>, segment: Segment) -> Result<Self, Error> {
        let Some(status) = last_job(cx, &segment).await? else { return Ok(Self::new(&segment, None)) };
        let told = cx.app.store.last_job_events(&cx.access.space_id, &status, NOTIFICATIONS).await?;
        let job_id = status.head.job_id;
        let notifications = told.into_iter().map(|event: JobEvent| {
            let text = event.text();
            Notification { at: event.at, kind: event.kind, text, job_id }
        });
        let notifications = notifications.collect();
        Ok(Self { notifications, ..Self::new(&segment, Some(Job::new(cx, status))) })
    }

    /// With the number of its members, if they were counted.
    pub(super) fn counted(self, members: Option<i64>, now: Time) -> Self {
        Self { members, counted_at: members.map(|_| now), ..self }
    }
}

async fn last_job(cx: &RequestContext<'_>, segment: &Segment) -> Result<Option<JobStatus>, Error> {
    let Some(job) = segment.active_job.or(segment.last_job) else { return Ok(None) };
    Ok(cx.app.store.job(&cx.access.space_id, job).await?)
}
