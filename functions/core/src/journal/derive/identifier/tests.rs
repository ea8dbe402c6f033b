use super::{super::missing, *};
use crate::{
    deletion::tests::{active, at, deleted_by, profile, row, tombstone},
    identifier::Normalisation,
    journal::EventId,
    log::Commitment,
};

const ID: IdHash = IdHash::from_bytes([7; 32]);

/// An identifier that is active for the first time.
fn first() -> Identifier {
    Identifier { deleted_at: None, request_id: None, reason: None, ..counted(1, active(tombstone(0))) }
}

fn counted(generation: u64, item: Identifier) -> Identifier {
    let (commitment, normalisation) =
        (generation > 0).then(|| (Commitment::from_bytes([9; 32]), Normalisation::Lowercase)).unzip();
    Identifier { generation, commitment, normalisation, ..item }
}

fn uncounted(item: Identifier) -> Identifier {
    counted(0, item)
}

/// Ordinals, times and kinds: an identifier is created at second 0, and removed at second 100 or, by a job, 9.
fn ids(events: &[Event]) -> Vec<EventId> {
    events.iter().map(|event| event.id.clone()).collect()
}

fn id_of(generation: u64, second: i64, kind: EventKind) -> EventId {
    EventId { noun: Noun::Identifier(ID), ordinal: generation.try_into().unwrap(), time: at(second), kind }
}

fn created_at(generation: u64) -> EventId {
    id_of(generation, 0, EventKind::IdentifierCreated)
}

fn removed_at(generation: u64) -> EventId {
    id_of(generation, 100, EventKind::IdentifierRemoved)
}

#[test]
fn what_a_change_tells() {
    let gone = |generation| counted(generation, tombstone(100));
    let gone_again = |generation| counted(generation, tombstone(200));
    let back = |generation| counted(generation, active(tombstone(100)));
    let named_again = Identifier { event_time: Some(at(50)), ..first() };
    let of_job = counted(2, deleted_by(&row(7, "g", 1)));
    for (old, new, expected) in [
        (None, None, None),
        // Somebody removed the item by hand.
        (Some(first()), None, None),
        (None, Some(first()), Some(created_at(1))),
        (Some(first()), Some(named_again), None),
        (Some(first()), Some(gone(2)), Some(removed_at(2))),
        (Some(first()), Some(of_job), Some(id_of(2, 9, EventKind::IdentifierRemoved))),
        (Some(gone(2)), Some(back(3)), Some(created_at(3))),
        (Some(back(3)), Some(gone(4)), Some(removed_at(4))),
        (Some(gone(4)), Some(gone(4)), None),
        // A table that was restored takes tombstones over.
        (None, Some(gone(2)), Some(removed_at(2))),
        (Some(gone(2)), Some(gone(4)), Some(removed_at(4))),
        (Some(first()), Some(gone(5)), Some(removed_at(5))),
        // Items of earlier versions.
        (None, Some(uncounted(first())), Some(created_at(0))),
        (Some(uncounted(first())), Some(uncounted(tombstone(100))), Some(removed_at(0))),
        (Some(uncounted(first())), Some(gone(1)), Some(removed_at(1))),
        (Some(uncounted(tombstone(100))), Some(back(1)), Some(created_at(1))),
        // A writer of an earlier version leaves the generation as it is.
        (Some(first()), Some(gone(1)), Some(removed_at(1))),
        (Some(gone(2)), Some(back(2)), Some(created_at(2))),
        (Some(back(2)), Some(gone_again(2)), Some(id_of(2, 200, EventKind::IdentifierRemoved))),
    ] {
        let events = derive(ID, old.as_ref(), new.as_ref()).unwrap();
        assert_eq!(ids(&events), Vec::from_iter(expected), "{old:?} {new:?}");
    }
}

#[test]
fn what_an_item_tells() {
    for (item, expected) in [
        (first(), vec![created_at(1)]),
        (counted(2, tombstone(100)), vec![created_at(1), removed_at(2)]),
        (counted(3, active(tombstone(100))), vec![removed_at(2), created_at(3)]),
        (uncounted(first()), vec![created_at(0)]),
        (uncounted(tombstone(100)), vec![created_at(0), removed_at(0)]),
        (uncounted(active(tombstone(100))), vec![removed_at(0), created_at(0)]),
        (counted(1, tombstone(100)), vec![created_at(0), removed_at(1)]),
        (counted(1, active(tombstone(100))), vec![removed_at(0), created_at(1)]),
    ] {
        let events = of_item(ID, &item, None).unwrap();
        assert_eq!(ids(&events), expected, "{item:?}");
        // The last of them is what the change to this item told.
        assert_eq!(derive(ID, None, Some(&item)).unwrap(), events[events.len() - 1..], "{item:?}");
    }
}

#[test]
fn a_tombstone_tells_of_its_creation_as_the_creation_did() {
    let (then, now) =
        (derive(ID, None, Some(&first())).unwrap(), of_item(ID, &counted(2, tombstone(100)), None).unwrap());
    assert_eq!(then[0], now[0]);
}

#[test]
fn the_record_of_a_deletion_is_told() {
    let own = row(7, "g", 1);
    let events = derive(ID, Some(&first()), Some(&counted(2, deleted_by(&own)))).unwrap();
    let [Event { id, facts, details }] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((id.time, details.deleted_at, details.created_at), (at(9), Some(at(9)), Some(at(0))));
    assert_eq!((facts.job_id, details.job_row, details.job_group), (Some(own.job), Some(own.row), own.group));
    assert_eq!(facts.subject, Some(Subject::Commitment(Commitment::from_bytes([9; 32]), Normalisation::Lowercase)));
    assert_eq!((id.ordinal, details.profile_id), (Ordinal::fixed(2), Some(profile(1))));
    let uncounted = derive(ID, None, Some(&uncounted(tombstone(100)))).unwrap();
    assert_eq!(uncounted[0].facts.subject, Some(Subject::Keyed(ID)));
    // The life that ended has a commitment that the present item does not bear, but that can be made again.
    let (item, ended) = (counted(3, active(tombstone(100))), Commitment::from_bytes([8; 32]));
    let told = of_item(ID, &item, Some(ended)).unwrap();
    assert_eq!(told[0].facts.subject, Some(Subject::Commitment(ended, Normalisation::Lowercase)));
    let of_earlier_version = Identifier { normalisation: None, commitment: None, ..item };
    assert_eq!(of_item(ID, &of_earlier_version, Some(ended)), Err(EventError::NoNormalisation));
    let back = of_item(ID, &counted(3, active(tombstone(100))), None).unwrap();
    assert_eq!((back[0].facts.subject, back[0].details.profile_id), (Some(Subject::Keyed(ID)), None));
    assert_eq!(back[0].facts.request_id, tombstone(100).request_id);
}

#[test]
fn the_journal_lacks_what_it_does_not_have_under_either_count() {
    let back = |generation| counted(generation, active(tombstone(100)));
    for (item, has, lacks) in [
        (back(3), vec![], vec![removed_at(2), created_at(3)]),
        (back(3), vec![created_at(1), removed_at(2)], vec![created_at(3)]),
        (back(3), vec![created_at(1), created_at(3)], vec![removed_at(2)]),
        // An earlier version brought it back without counting.
        (back(2), vec![created_at(1), removed_at(2), created_at(2)], vec![]),
        // An earlier version deleted it without counting.
        (counted(1, tombstone(100)), vec![created_at(1), removed_at(1)], vec![]),
        // Twice without counting: what is known under the same ordinal is another deletion.
        (
            counted(1, tombstone(200)),
            vec![created_at(1), removed_at(1)],
            vec![id_of(1, 200, EventKind::IdentifierRemoved)],
        ),
        // It was loaded anew into a table that was restored.
        (first(), vec![id_of(1, 50, EventKind::IdentifierCreated)], vec![created_at(1)]),
    ] {
        let found = missing(of_item(ID, &item, None).unwrap(), &has.iter().cloned().collect());
        assert_eq!(ids(&found), lacks, "{item:?} {has:?}");
    }
}

#[test]
fn a_gap_has_the_place_of_what_is_missing() {
    let item = counted(4, tombstone(100));
    let gap = gap(ID, &item, Ordinal::fixed(2)).unwrap();
    assert_eq!(gap.id, id_of(2, 100, EventKind::JournalGap));
    assert_eq!((gap.facts.id_type, gap.facts.subject), (Some(item.r#type), None));
}

#[test]
fn an_item_that_no_version_writes_is_an_error() {
    let timeless = Identifier { deleted_at: None, ..tombstone(100) };
    let endless = Identifier { generation: u64::MAX, ..first() };
    let ruleless = Identifier { normalisation: None, ..first() };
    for item in [timeless, endless, ruleless] {
        assert!(derive(ID, None, Some(&item)).is_err(), "{item:?}");
        assert!(of_item(ID, &item, None).is_err(), "{item:?}");
    }
}

#[test]
fn items_of_earlier_versions_can_be_read() {
    let item = r#"{"state":"active","profile_id":"use_01010101010101010101010101010101","type":"email","value":"a@b.c",
        "created_at":"2026-01-01T00:00:00Z"}"#;
    let item: Identifier = serde_json::from_str(item).unwrap();
    assert_eq!((item.generation, item.commitment, item.normalisation), (0, None, None));
}
