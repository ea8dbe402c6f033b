//! The events of a job. Its creation and its end are not stored: its head tells them.

use std::collections::BTreeMap;

use efface_core::{
    job::{
        JobHead, JobId, JobStatus, Progress,
        event::{EventKind, JobEvent, of_end},
    },
    space::SpaceId,
    time::Time,
    token::TokenId,
};
use serde::{Deserialize, Serialize};

use crate::store::{
    Key, Store, StoreError,
    keys::events_partition,
    read::{Query, read, sort_key},
    write::{FEW, Write},
};

pub(in crate::store) const KIND: &str = "event of a job";

/// The place of the event that tells of a job's creation, in its first version.
const CREATED: u8 = 0;

/// The first place of the events of a change of the job's state.
const CHANGE: u8 = 1;

/// The place of the event that a job awaits its approval, where it was held for that.
const AWAITING_APPROVAL: u8 = 9;

/// The first place of the events that tell a job's tenths.
const TENTHS: u8 = 10;

/// The first place of the events of a job's end.
const END: u8 = 90;

/// Where a page of events ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventCursor {
    /// The version of the job's head when the last event of the page happened.
    version: i64,
    /// The event's place among those of that version.
    place: u8,
}

impl Store {
    /// A page of a job's events, oldest first, with where to go on.
    pub async fn job_events(
        &self,
        space: &SpaceId,
        status: &JobStatus,
        start: Option<&EventCursor>,
        limit: usize,
    ) -> Result<(Vec<JobEvent>, Option<EventCursor>), StoreError> {
        let job = status.head.job_id;
        let key = |version, place| Key::job_event(space, job, version, place).sk;
        let after = start.map(|EventCursor { version, place }| key(*version, *place));
        // One further, so that no page that has a cursor is the last one.
        let most = i32::try_from(limit + 1).unwrap_or(i32::MAX);
        let query = Query::all(events_partition(space, job)).after(after.clone()).limit(most);
        let (items, more) = self.query(query).await?;
        let stored = items.into_iter().map(|item| Ok((sort_key(&item)?.to_owned(), read(item, KIND)?)));
        let stored = stored.collect::<Result<Vec<_>, StoreError>>()?;
        let ends = (END..).zip(if more.is_none() { of_end(status) } else { Vec::new() });
        let ends = ends.map(|(place, event)| (key(status.head.version, place), event));
        // A redrive may have stored the end meanwhile: it is there once.
        let all: BTreeMap<_, _> =
            std::iter::once((key(1, CREATED), created(status))).chain(ends).chain(stored).collect();
        let mut events: Vec<(String, JobEvent)> =
            all.into_iter().filter(|(key, _)| after.as_ref().is_none_or(|after| key > after)).collect();
        let has_more = events.len() > limit;
        events.truncate(limit);
        let next = events.last().filter(|_| has_more).and_then(|(key, _)| cursor(key));
        Ok((events.into_iter().map(|(_, event)| event).collect(), next))
    }

    /// The last of a job's events, newest first.
    pub async fn last_job_events(
        &self,
        space: &SpaceId,
        status: &JobStatus,
        limit: usize,
    ) -> Result<Vec<JobEvent>, StoreError> {
        let query = Query::all(events_partition(space, status.head.job_id)).newest_first();
        let (items, _) = self.query(query.limit(i32::try_from(limit).unwrap_or(i32::MAX))).await?;
        let stored = items.into_iter().map(|item| read(item, KIND)).collect::<Result<Vec<JobEvent>, _>>()?;
        let ends = of_end(status).into_iter().rev();
        Ok(ends.chain(stored).chain([created(status)]).take(limit).collect())
    }

    /// Tells that a job that was held awaits its approval. It is told once, however often this is repeated.
    pub async fn tell_awaiting_approval(
        &self,
        space: &SpaceId,
        JobStatus { head, progress }: &JobStatus,
        token_id: &TokenId,
        now: Time,
    ) -> Result<(), StoreError> {
        let event = JobEvent::new(EventKind::AwaitingApproval, head, progress, Some(token_id), now);
        let key = Key::job_event(space, head.job_id, head.version, AWAITING_APPROVAL);
        self.write(Write::put_new(key, &event)?).await.map(drop)
    }

    /// Tells that so many tenths of a job's rows have an outcome, unless its state or that has changed since.
    pub async fn tell_tenths(
        &self,
        space: &SpaceId,
        JobStatus { head, progress }: &JobStatus,
        tenths: u8,
        now: Time,
    ) -> Result<(), StoreError> {
        let job = head.job_id;
        let note = Write::update(Key::job(space, job), "SET tenths = :tenths")
            .when("version = :version AND (attribute_not_exists(tenths) OR tenths < :tenths)")
            .value(":tenths", i64::from(tenths))
            .value(":version", head.version);
        let event = JobEvent::new(EventKind::Progress, head, progress, None, now);
        let event = Write::put_record(Key::job_event(space, job, head.version, TENTHS + tenths), &event)?;
        self.transact(vec![note, event], FEW).await.map(drop)
    }
}

/// The creation of a job, as its head tells it.
fn created(JobStatus { head, progress }: &JobStatus) -> JobEvent {
    JobEvent::new(EventKind::Created, head, progress, Some(&head.token_id), head.created_at)
}

fn cursor(key: &str) -> Option<EventCursor> {
    let (version, place) = key.split_once('#')?;
    Some(EventCursor { version: version.parse().ok()?, place: place.parse().ok()? })
}

/// Stores the events of a change that gives a job's head this version.
pub(super) fn of_change(
    space: &SpaceId,
    job: JobId,
    version: i64,
    events: &[JobEvent],
) -> Result<Vec<Write>, StoreError> {
    let write = |(place, event)| Write::put_record(Key::job_event(space, job, version, place), event);
    (CHANGE..).zip(events).map(write).collect()
}

/// Stores the end of a job, before a redrive makes its head forget it.
pub(super) fn of_last_end(space: &SpaceId, status: &JobStatus) -> Result<Vec<Write>, StoreError> {
    let head = &status.head;
    let write = |(place, event)| Write::put_record(Key::job_event(space, head.job_id, head.version, place), &event);
    (END..).zip(of_end(status)).map(write).collect()
}

/// Stores what a new job's events tell beside its creation.
pub(super) fn of_new(
    space: &SpaceId,
    head: &JobHead,
    kind: Option<EventKind>,
    rows: i64,
) -> Result<Vec<Write>, StoreError> {
    let new = |kind| JobEvent::new(kind, head, &Progress::default(), Some(&head.token_id), head.created_at);
    let event = kind.map(|kind| JobEvent { rows: Some(rows), ..new(kind) });
    of_change(space, head.job_id, head.version, event.as_slice())
}
