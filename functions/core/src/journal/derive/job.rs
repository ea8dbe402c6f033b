//! The events of jobs. The head tells that a job was made, and how it ended; its controls are stored events, in the items of
//! [`JobEvent`].
//!
//! A cancelled job goes on until the chunks that run have ended. So it is told where its head reaches the final state, with
//! what was deleted until then, and not where somebody asked for it; by whose token, and why, the head keeps. Neither a control
//! nor an end has a request: a stored event does not name it. Nor does it say whether its job is a dry run; the events that the
//! head tells do.

use super::{
    super::{Details, Event, EventError, EventKind, Facts, Noun, Ordinal, Word},
    fresh,
};
use crate::{
    job::{
        Counts, JobHead, JobId, JobState,
        event::{EventKind as Stored, JobEvent},
        status::by_outcome,
    },
    time::Time,
};

/// A head's first version.
const CREATED: Ordinal = Ordinal::fixed(1);

/// What the leaf of a job's event says where the job only finds out what it would do: its counts are no deletions.
const DRY_RUN: Word = Word::of("dry_run");

/// What a change of a job's head tells: that the job was made, completed, verified or cancelled. All else is told by stored
/// events, or by nothing.
pub fn derive_head(old: Option<&JobHead>, new: Option<&JobHead>) -> Result<Vec<Event>, EventError> {
    let before = old.map(of_head).transpose()?.unwrap_or_default();
    Ok(fresh(&before, new.map(of_head).transpose()?.unwrap_or_default()))
}

/// What a job's head tells: that it was made; once it is cancelled, also that; while it is completed, that, and whether it is
/// verified. A redrive makes it forget these: then [`of_stored`] tells them, without the digest.
pub fn of_head(head: &JobHead) -> Result<Vec<Event>, EventError> {
    let version = Ordinal::try_from(head.version)?;
    let ends = match head.state {
        JobState::Completed => {
            vec![(EventKind::JobCompleted, head.finished_at), (EventKind::JobVerified, head.verified_at)]
        }
        JobState::Cancelled => vec![(EventKind::JobCancelled, head.finished_at)],
        _ => Vec::new(),
    };
    let end = |(kind, at): (_, Option<Time>)| {
        let digest = head.digest.filter(|_| kind == EventKind::JobVerified);
        let by = head.cancelled_by.as_ref().filter(|_| kind == EventKind::JobCancelled);
        let event = ended(head, version, kind, head.counts, at?);
        let facts = Facts { digest, token_id: by.and_then(|by| by.token_id.clone()), ..event.facts };
        Some(Event { facts, details: Details { cause: by.and_then(|by| by.cause), ..event.details }, ..event })
    };
    Ok([created(head)].into_iter().chain(ends.into_iter().filter_map(end)).collect())
}

/// What the item of a stored event tells, by the version of the head that is in its key. A job's end is stored only before
/// a redrive: its head has told it, so that the item tells it no more.
pub fn derive_stored(
    job: JobId,
    version: i64,
    old: Option<&JobEvent>,
    new: Option<&JobEvent>,
) -> Result<Vec<Event>, EventError> {
    let version = Ordinal::try_from(version)?;
    let new = new.filter(|_| old.is_none());
    Ok(new.and_then(|new| controlled(job, version, new)).into_iter().collect())
}

/// What a stored event tells for good, also the end of a job that was redriven since. The head says whether it is a dry run.
pub fn of_stored(head: &JobHead, version: i64, event: &JobEvent) -> Result<Vec<Event>, EventError> {
    let version = Ordinal::try_from(version)?;
    let end = |kind| Some(ended(head, version, kind, event.counts, event.at));
    let event = match event.kind {
        Stored::Completed => end(EventKind::JobCompleted),
        Stored::Verified => end(EventKind::JobVerified),
        _ => controlled(head.job_id, version, event),
    };
    Ok(event.into_iter().collect())
}

fn created(head: &JobHead) -> Event {
    let event = of_job(head.job_id, CREATED, EventKind::JobCreated, head.created_at);
    let (token_id, request_id) = (Some(head.token_id.clone()), Some(head.job_id.request()));
    let facts = Facts { token_id, request_id, ..facts(head) };
    // A start or an approval may have made the time a later one since.
    let start_at = head.start_at.filter(|_| head.version == 1);
    Event { facts, details: Details { start_at, ..Details::default() }, ..event }
}

fn ended(head: &JobHead, version: Ordinal, kind: EventKind, counts: Option<Counts>, at: Time) -> Event {
    // Every row of a completed job has an outcome.
    let rows = if kind == EventKind::JobCancelled { head.rows } else { counts.map(|counts| counts.total()) };
    let by_outcome = |counts: Counts| by_outcome(&counts).collect::<Vec<_>>();
    let counts = counts.into_iter().flat_map(by_outcome).chain(rows.map(|rows| ("rows", rows)));
    let counts = counts.map(|(name, rows)| (Word::of(name), rows)).collect();
    Event { facts: Facts { counts, ..facts(head) }, ..of_job(head.job_id, version, kind, at) }
}

/// The event of a control, where the stored event is one.
fn controlled(job: JobId, version: Ordinal, stored: &JobEvent) -> Option<Event> {
    let kind = match stored.kind {
        Stored::Approved => EventKind::JobApproved,
        Stored::Rejected => EventKind::JobRejected,
        Stored::Scheduled => EventKind::JobScheduled,
        Stored::Started => EventKind::JobStarted,
        Stored::Paused => EventKind::JobPaused,
        Stored::Resumed => EventKind::JobResumed,
        Stored::Redriven => EventKind::JobRedriven,
        Stored::Created
        | Stored::AwaitingApproval
        | Stored::Progress
        | Stored::Sweep
        | Stored::Cancelled
        | Stored::Completed
        | Stored::Verified => return None,
    };
    let event = of_job(job, version, kind, stored.at);
    let facts = Facts { token_id: stored.token_id.clone(), ..event.facts };
    let details = Details { cause: stored.cause, start_at: stored.start_at, ..Details::default() };
    Some(Event { facts, details, ..event })
}

fn of_job(job: JobId, version: Ordinal, kind: EventKind, at: Time) -> Event {
    let facts = Facts { job_id: Some(job), ..Facts::default() };
    Event { facts, ..Event::new(Noun::Job(job), version, kind, at) }
}

fn facts(head: &JobHead) -> Facts {
    Facts {
        job_id: Some(head.job_id),
        reason: head.dry_run.then_some(DRY_RUN),
        segment_id: head.segment.as_ref().map(|segment| segment.segment_id.clone()),
        ..Facts::default()
    }
}

#[cfg(test)]
mod tests;
