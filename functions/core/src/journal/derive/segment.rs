//! The events of segments: each version of a segment's record is one.

use super::super::{Details, Event, EventError, EventKind, Facts, Noun, Ordinal};
use crate::{segment::Segment, time::Time};

/// What a change of a segment's record tells: that the segment was made, for the first time or again, changed, or deleted.
/// `at` is when the stream recorded it, for a record that does not say when it was changed.
pub fn derive(old: Option<&Segment>, new: Option<&Segment>, at: Time) -> Result<Vec<Event>, EventError> {
    let Some(new) = new else { return Ok(Vec::new()) };
    if old.is_some_and(|old| (old.version, old.changed_at) == (new.version, new.changed_at)) {
        return Ok(Vec::new());
    }
    let last = old.and_then(|old| old.requests.last());
    let request_id = new.requests.last().filter(|request| last != Some(request)).copied();
    let kind = match (old.is_some_and(Segment::exists), new.exists()) {
        (false, true) => EventKind::SegmentCreated,
        (true, false) => EventKind::SegmentRemoved,
        (false, false) if old.is_none() => EventKind::SegmentRemoved,
        _ => EventKind::SegmentChanged,
    };
    // A writer of an earlier version leaves what the version before bore.
    let is_left = old.is_some_and(|old| old.changed_at == new.changed_at);
    let left = || Segment { changed_at: None, changed_by: None, ..new.clone() };
    let event = if is_left { event(&left(), kind, at)? } else { event(new, kind, at)? };
    Ok(vec![Event { facts: Facts { request_id, ..event.facts }, ..event }])
}

/// What a segment's record tells: its last change. Whether a version above the first changed the segment or made it anew
/// cannot be seen: it counts as a change. See [`missing`](super::missing).
pub fn of_item(segment: &Segment, at: Time) -> Result<Vec<Event>, EventError> {
    let kind = match (segment.exists(), segment.version) {
        (false, _) => EventKind::SegmentRemoved,
        (true, ..=1) => EventKind::SegmentCreated,
        (true, _) => EventKind::SegmentChanged,
    };
    Ok(vec![event(segment, kind, at)?])
}

fn event(segment: &Segment, kind: EventKind, at: Time) -> Result<Event, EventError> {
    let time = if kind == EventKind::SegmentCreated { segment.created_at } else { segment.changed_at.unwrap_or(at) };
    let version = Ordinal::try_from(segment.version)?;
    let facts = Facts {
        segment_id: Some(segment.segment_id.clone()),
        token_id: segment.changed_by.clone(),
        job_id: segment.active_job.filter(|_| kind == EventKind::SegmentChanged),
        ..Facts::default()
    };
    let (segment_state, active_job) = (Some(segment.state), segment.active_job);
    let details = Details { segment_state, active_job, ..Details::default() };
    Ok(Event { facts, details, ..Event::new(Noun::Segment(segment.segment_id.clone()), version, kind, time) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        deletion::tests::{at, request},
        job::JobId,
        journal::samples::{segment, told, told_as},
        segment::SegmentState,
    };

    fn deleted(version: i64) -> Segment {
        Segment { state: SegmentState::Deleted, ..segment(version) }
    }

    #[test]
    fn what_a_change_tells() {
        let recorded = at(500);
        let changed_at = |second, version| Segment { changed_at: Some(at(second)), ..segment(version) };
        for (old, new, expected) in [
            (None, None, &[][..]),
            (Some(segment(1)), None, &[]),
            (None, Some(segment(1)), &[("1#segment.created", 7)]),
            (Some(segment(1)), Some(segment(1)), &[]),
            (Some(segment(1)), Some(changed_at(90, 2)), &[("2#segment.changed", 90)]),
            (Some(changed_at(90, 2)), Some(changed_at(95, 2)), &[("2#segment.changed", 95)]),
            (Some(changed_at(90, 2)), Some(changed_at(90, 3)), &[("3#segment.changed", 500)]),
            (Some(segment(1)), Some(segment(2)), &[("2#segment.changed", 500)]),
            (Some(segment(2)), Some(deleted(3)), &[("3#segment.removed", 500)]),
            (Some(deleted(3)), Some(segment(4)), &[("4#segment.created", 7)]),
            // A job lets go of a segment that was deleted meanwhile.
            (Some(deleted(3)), Some(deleted(4)), &[("4#segment.changed", 500)]),
            // What was there before is not known.
            (None, Some(deleted(3)), &[("3#segment.removed", 500)]),
        ] {
            let events = derive(old.as_ref(), new.as_ref(), recorded).unwrap();
            assert_eq!(told(&events), told_as(expected), "{old:?} {new:?}");
        }
        assert!(derive(None, Some(&segment(-1)), recorded).is_err());
    }

    #[test]
    fn what_a_record_tells() {
        let dated = |record| Segment { changed_at: Some(at(90)), ..record };
        for (record, key, second) in [
            (segment(1), "1#segment.created", 7),
            (segment(2), "2#segment.changed", 500),
            (dated(segment(2)), "2#segment.changed", 90),
            (deleted(3), "3#segment.removed", 500),
            (dated(deleted(3)), "3#segment.removed", 90),
        ] {
            assert_eq!(told(&of_item(&record, at(500)).unwrap()), told_as(&[(key, second)]), "{record:?}");
        }
    }

    #[test]
    fn a_change_says_by_whom_and_for_which_job() {
        let (job, token) = (JobId::of_request(request(3)), "tok_1".parse().unwrap());
        let claimed = Segment {
            state: SegmentState::Disabling,
            active_job: Some(job),
            changed_at: Some(at(90)),
            changed_by: Some(token),
            ..segment(2)
        };
        let events = derive(Some(&segment(1)), Some(&claimed), at(500)).unwrap();
        assert_eq!(events, of_item(&claimed, at(500)).unwrap());
        let Event { facts, details, .. } = &events[0];
        assert_eq!((facts.job_id, &facts.token_id), (Some(job), &claimed.changed_by));
        assert_eq!((details.segment_state, details.active_job), (Some(SegmentState::Disabling), Some(job)));
        let renamed = Segment { version: 3, ..claimed.clone() };
        assert_eq!(derive(Some(&claimed), Some(&renamed), at(500)).unwrap()[0].facts.token_id, None);
    }

    #[test]
    fn the_request_of_this_change_is_told() {
        let by = |version, requests: &[i64]| {
            let requests = requests.iter().map(|second| request(*second)).collect();
            Segment { requests, ..segment(version) }
        };
        for (old, new, expected) in [
            (None, by(1, &[1]), Some(request(1))),
            (Some(by(1, &[1])), by(2, &[1, 2]), Some(request(2))),
            (Some(by(1, &[1])), by(2, &[1]), None),
            (Some(by(1, &[])), by(2, &[]), None),
        ] {
            let events = derive(old.as_ref(), Some(&new), at(500)).unwrap();
            assert_eq!(events[0].facts.request_id, expected, "{old:?} {new:?}");
        }
    }
}
