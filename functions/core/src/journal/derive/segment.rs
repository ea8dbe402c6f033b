//! The events of segments: each version of a segment's record is one.

use super::super::{Event, EventError, EventKind, Facts, Noun, Ordinal};
use crate::{segment::Segment, time::Time};

/// What a change of a segment's record tells: that the segment was made, for the first time or again, changed, or deleted.
/// `at` is when the stream recorded it: the record does not say.
pub fn derive(old: Option<&Segment>, new: Option<&Segment>, at: Time) -> Result<Vec<Event>, EventError> {
    let Some(new) = new else { return Ok(Vec::new()) };
    if old.is_some_and(|old| old.version == new.version) {
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
    let event = event(new, kind, at)?;
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
    let time = if kind == EventKind::SegmentCreated { segment.created_at } else { at };
    let version = Ordinal::try_from(segment.version)?;
    let facts = Facts { segment_id: Some(segment.segment_id.clone()), ..Facts::default() };
    Ok(Event { facts, ..Event::new(Noun::Segment(segment.segment_id.clone()), version, kind, time) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        deletion::tests::{at, request},
        journal::samples::segment,
        segment::SegmentState,
    };

    fn deleted(version: i64) -> Segment {
        Segment { state: SegmentState::Deleted, ..segment(version) }
    }

    fn told(events: &[Event]) -> Vec<(String, Time)> {
        events.iter().map(|event| (event.id.sort_key(), event.time)).collect()
    }

    #[test]
    fn what_a_change_tells() {
        let (recorded, made) = (at(500), segment(1).created_at);
        for (old, new, expected) in [
            (None, None, None),
            (Some(segment(1)), None, None),
            (None, Some(segment(1)), Some(("1#segment.created", made))),
            (Some(segment(1)), Some(segment(1)), None),
            (Some(segment(1)), Some(segment(2)), Some(("2#segment.changed", recorded))),
            (Some(segment(2)), Some(deleted(3)), Some(("3#segment.removed", recorded))),
            (Some(deleted(3)), Some(segment(4)), Some(("4#segment.created", made))),
            // A job lets go of a segment that was deleted meanwhile.
            (Some(deleted(3)), Some(deleted(4)), Some(("4#segment.changed", recorded))),
            // A table that was restored takes a record over.
            (None, Some(deleted(3)), Some(("3#segment.removed", recorded))),
        ] {
            let expected = expected.map(|(key, time)| (format!("00000000000{key}"), time));
            let events = derive(old.as_ref(), new.as_ref(), recorded).unwrap();
            assert_eq!(told(&events), Vec::from_iter(expected), "{old:?} {new:?}");
        }
        assert!(derive(None, Some(&segment(-1)), recorded).is_err());
    }

    #[test]
    fn what_a_record_tells() {
        let made = segment(1).created_at;
        for (record, key, time) in [
            (segment(1), "1#segment.created", made),
            (segment(2), "2#segment.changed", at(500)),
            (deleted(3), "3#segment.removed", at(500)),
        ] {
            assert_eq!(told(&of_item(&record, at(500)).unwrap()), [(format!("00000000000{key}"), time)], "{record:?}");
        }
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
