//! Which events a change of an item makes, and which ones a present item tells of. One file per noun.
//!
//! `derive` takes the item before and after a change, as the table's stream has them, and tells what the change was. Each
//! pair of images stands for itself: records may come again, in any order, and events of others may be missing. An item
//! that goes, by its TTL or by hand, makes no event.
//!
//! `of_item` takes a present item and tells all that must have happened to it, as far as it still shows. Both name the same
//! event by the same id, but for what [`missing`] says. An item that does not bear the time of a change gets it from the
//! caller: the time at which the stream recorded it, or, where nobody knows, the present.

pub mod identifier;
pub mod job;
pub mod profile;
pub mod segment;
pub mod space;
pub mod token;

use std::collections::BTreeSet;

use super::{Event, EventId, EventKind, Noun, Ordinal};

/// Those of the events after a change that were not there before it.
fn fresh(before: &[Event], after: Vec<Event>) -> Vec<Event> {
    after.into_iter().filter(|event| before.iter().all(|known| known.id != event.id)).collect()
}

/// Those of the events of one present item that the journal lacks. `known` are the ids that it has of that noun.
///
/// A present item does not always tell the exact id:
/// - A version of Efface that did not count may have written an identifier: then an earlier change has the present
///   generation.
/// - It may not tell when a segment or a space was changed, or a profile merged, nor whether a segment's version made it
///   anew: so any entry of that version will do. In a table that was restored it may be one of before.
pub fn missing(present: Vec<Event>, known: &BTreeSet<EventId>) -> Vec<Event> {
    let last = present.iter().map(|event| event.id.ordinal).max().unwrap_or_default();
    let is_told = |id: &EventId| match (&id.noun, &id.kind) {
        (Noun::Identifier(_), _) => known.contains(id) || known.contains(&EventId { ordinal: last, ..id.clone() }),
        (Noun::Segment(_), _) | (_, EventKind::SpaceChanged | EventKind::ProfileMerged) => {
            known.iter().any(|known| known.ordinal == id.ordinal)
        }
        _ => known.contains(id),
    };
    present.into_iter().filter(|event| !is_told(&event.id)).collect()
}

/// Whether it is not known when an event of a present item happened, so that the stream may still tell it with another time.
/// `dated` is whether the item bears a time for its last change; of the other events it bears it in any case. A writer of an
/// earlier version may have left there the time of a version before. Times grow from version to version: so where an entry, or
/// an event of the item, of an earlier version has the same time, it is that one's. `earlier` are their ids.
pub fn is_undated<'a>(id: &EventId, dated: bool, mut earlier: impl Iterator<Item = &'a EventId>) -> bool {
    let is_change = matches!(id.kind, EventKind::SegmentChanged | EventKind::SegmentRemoved | EventKind::SpaceChanged);
    is_change && (!dated || earlier.any(|one| one.ordinal < id.ordinal && one.time == id.time))
}

/// The ordinals from 1 to the present one of which nothing is known: each becomes a `journal.gap`. Only an item of an
/// earlier version has an ordinal 0, and the present item does not tell whether it was one: so 0 is never missing.
pub fn gaps(known: &BTreeSet<Ordinal>, present: Ordinal) -> impl Iterator<Item = Ordinal> {
    (1..=present.number()).filter_map(|number| Ordinal::try_from(number).ok()).filter(|it| !known.contains(it))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        deletion::tests::at,
        job::{JobHead, JobState, status::tests::head},
        journal::samples::segment,
    };

    fn ordinals(numbers: impl IntoIterator<Item = u64>) -> BTreeSet<Ordinal> {
        numbers.into_iter().map(|number| Ordinal::try_from(number).unwrap()).collect()
    }

    #[test]
    fn what_is_not_known_between_the_first_and_the_present_is_a_gap() {
        for (known, present, expected) in [
            (&[][..], 0, &[][..]),
            (&[], 2, &[1, 2]),
            (&[1, 2, 3], 3, &[]),
            (&[0], 1, &[1]),
            (&[1, 4, 5], 5, &[2, 3]),
            (&[7], 2, &[1, 2]),
        ] {
            let found: Vec<_> = gaps(&ordinals(known.iter().copied()), Ordinal::fixed(present)).collect();
            assert_eq!(
                found,
                ordinals(expected.iter().copied()).into_iter().collect::<Vec<_>>(),
                "{known:?} {present}"
            );
        }
        let huge: Vec<_> = gaps(&BTreeSet::new(), Ordinal::MAX).take(2).collect();
        assert_eq!(huge, [Ordinal::fixed(1), Ordinal::fixed(2)], "they are counted as they are asked for");
    }

    #[test]
    fn a_change_is_undated_where_its_time_is_missing_or_that_of_a_version_before() {
        let id = |ordinal, second, kind| EventId {
            noun: Noun::Space,
            ordinal: Ordinal::fixed(ordinal),
            time: at(second),
            kind,
        };
        let earlier = [id(0, 1, EventKind::SpaceCreated), id(2, 50, EventKind::SpaceChanged)];
        for (event, dated, expected) in [
            (id(3, 60, EventKind::SpaceChanged), true, false),
            (id(3, 60, EventKind::SpaceChanged), false, true),
            (id(3, 50, EventKind::SpaceChanged), true, true),
            (id(3, 1, EventKind::SpaceChanged), true, true),
            (id(2, 50, EventKind::SpaceChanged), true, false),
            (id(3, 50, EventKind::SegmentChanged), true, true),
            (id(3, 50, EventKind::SegmentRemoved), true, true),
            (id(3, 50, EventKind::SegmentCreated), false, false),
            (id(0, 1, EventKind::SpaceCreated), false, false),
        ] {
            assert_eq!(is_undated(&event, dated, earlier.iter()), expected, "{event:?} {dated}");
        }
    }

    #[test]
    fn any_entry_of_a_segments_version_will_do() {
        let present = segment::of_item(&segment(5), at(500)).unwrap();
        let id = |ordinal, second, kind| EventId {
            ordinal: Ordinal::fixed(ordinal),
            time: at(second),
            kind,
            ..present[0].id.clone()
        };
        for (known, is_missing) in [
            (None, true),
            (Some(id(5, 500, EventKind::SegmentChanged)), false),
            (Some(id(5, 7, EventKind::SegmentCreated)), false),
            (Some(id(4, 500, EventKind::SegmentChanged)), true),
        ] {
            let found = missing(present.clone(), &known.clone().into_iter().collect());
            assert_eq!(!found.is_empty(), is_missing, "{known:?}");
        }
    }

    #[test]
    fn another_end_of_a_job_is_missing() {
        let end = |version, second| JobHead {
            state: JobState::Completed,
            version,
            finished_at: Some(at(second)),
            verified_at: Some(at(second + 1)),
            ..head()
        };
        let known = |head| job::of_head(&head).unwrap().into_iter().map(|event| event.id).collect();
        let lacks = |known: &BTreeSet<EventId>| missing(job::of_head(&end(3, 60)).unwrap(), known).len();
        assert_eq!([end(3, 60), end(2, 60), end(3, 50)].map(|head| lacks(&known(head))), [0, 2, 2]);
    }
}
