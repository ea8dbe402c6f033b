//! The events of profiles: made, merged, gone.
//!
//! Only the head of a root gets `gone_at`. A merged profile is gone with its root, and no event of its own says so: who keeps
//! something by profile id must apply the deletion of a root to all that were merged into it.

use super::{
    super::{Details, Event, EventKind, Facts, Noun, Ordinal, Subject, Word, event::ProfileSubject},
    fresh,
};
use crate::{
    deletion::Reason,
    job::JobId,
    profile::{DeletionCounts, DeletionCursor, Head, ProfileState},
    time::Time,
};

/// Each happens once, in this order.
const CREATED: Ordinal = Ordinal::fixed(1);
const MERGED: Ordinal = Ordinal::fixed(2);
const DELETED: Ordinal = Ordinal::fixed(3);

/// The ordinal of an event of a profile: what its leaf does not tell. `None` for the kinds of other nouns.
pub fn ordinal(kind: &EventKind) -> Option<Ordinal> {
    match kind {
        EventKind::ProfileCreated => Some(CREATED),
        EventKind::ProfileMerged => Some(MERGED),
        EventKind::ProfileDeleted => Some(DELETED),
        _ => None,
    }
}

/// What a change of a profile's head tells: that the profile was made, merged into another one, or that all of it is gone.
/// The begin of a deletion tells nothing, nor does what a root learns of its members.
pub fn derive(old: Option<&Head>, new: Option<&Head>) -> Vec<Event> {
    let before = old.map(of_item).unwrap_or_default();
    let mut events = fresh(&before, new.map(of_item).unwrap_or_default());
    // Of a head without `merged_at` each addition changes when it seems to have been merged.
    events.retain(|event| event.id.kind != EventKind::ProfileMerged || old.is_none_or(Head::is_root));
    events
}

/// What a profile's head tells. A deleted one has forgotten when it was made and merged, so it tells only that it is gone,
/// once it is. Where an active one does not say when it was merged, that is known from the change; later the item only says
/// that it was no later than what was added last.
pub fn of_item(head: &Head) -> Vec<Event> {
    let created = head.created_at.filter(|_| head.state == ProfileState::Active);
    let merged = created.filter(|_| !head.is_root()).map(|at| head.merged_at.or(head.updated_at).unwrap_or(at));
    let created = created.map(|at| event(head, CREATED, EventKind::ProfileCreated, at));
    let merged = merged.map(|at| {
        let details = Details { root: Some(head.root), ..Details::default() };
        Event { details, ..event(head, MERGED, EventKind::ProfileMerged, at) }
    });
    let gone = head.gone_at.filter(|_| head.state == ProfileState::Deleted);
    created.into_iter().chain(merged).chain(gone.map(|at| deleted(head, at))).collect()
}

fn event(head: &Head, ordinal: Ordinal, kind: EventKind, at: Time) -> Event {
    let subject = Some(Subject::Profile(ProfileSubject::of(head.profile_id)));
    let event = Event::new(Noun::Profile(head.profile_id), ordinal, kind, at);
    Event { facts: Facts { subject, ..Facts::default() }, ..event }
}

fn deleted(head: &Head, gone_at: Time) -> Event {
    let event = event(head, DELETED, EventKind::ProfileDeleted, gone_at);
    let is_counted = head.deletion_cursor == Some(DeletionCursor::Counted);
    let facts = Facts {
        token_id: head.token_id.clone(),
        request_id: head.job_id.map(JobId::request),
        job_id: head.job_id,
        reason: head.job_id.map(|_| Word::of(Reason::Job.as_str())),
        counts: head.deletion_counts.filter(|_| is_counted).into_iter().flat_map(counts).collect(),
        ..event.facts
    };
    let (deleted_at, job_group, job_row) = (head.deleted_at, head.job_group, head.job_row);
    let details = Details { deleted_at, job_group, job_row, ..Details::default() };
    Event { facts, details, ..event }
}

fn counts(counts: DeletionCounts) -> [(Word, i64); 4] {
    let DeletionCounts { external_ids, memberships, merges, traits } = counts;
    [("external_ids", external_ids), ("memberships", memberships), ("merges", merges), ("traits", traits)]
        .map(|(name, count)| (Word::of(name), count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        deletion::tests::{at, profile, row},
        journal::samples::{root, told, told_as},
    };

    /// A profile that was made at second 1.
    fn made() -> Head {
        root()
    }

    fn merged(second: i64) -> Head {
        Head { root: profile(2), updated_at: Some(at(second)), ..made() }
    }

    fn merged_at(second: i64, added_to: i64) -> Head {
        Head { merged_at: Some(at(second)), ..merged(added_to) }
    }

    fn deleting(head: Head) -> Head {
        let by = row(7, "g", 1);
        let (created_at, updated_at) = (None, None);
        let (job_id, job_group, job_row) = (Some(by.job), by.group, Some(by.row));
        let (state, deleted_at) = (ProfileState::Deleted, Some(at(50)));
        Head { state, created_at, updated_at, deleted_at, job_id, job_group, job_row, ..head }
    }

    fn gone(head: Head) -> Head {
        Head { gone_at: Some(at(60)), ..deleting(head) }
    }

    #[test]
    fn what_a_change_tells() {
        let [created, merged_at_5, deleted] =
            [("1#profile.created", 1), ("2#profile.merged", 5), ("3#profile.deleted", 60)];
        let touched = Head { updated_at: Some(at(9)), version: 2, ..made() };
        let with_member = Head { merged: [profile(3)].into(), ..touched.clone() };
        let counted = Head { deletion_counts: Some(DeletionCounts::default()), ..deleting(made()) };
        let of_earlier_version = Head { version: 0, ..made() };
        for (old, new, expected) in [
            (None, None, &[][..]),
            (Some(made()), None, &[]),
            (None, Some(made()), &[created]),
            (None, Some(of_earlier_version), &[created]),
            (Some(made()), Some(touched.clone()), &[]),
            (Some(touched), Some(with_member), &[]),
            (Some(made()), Some(merged(5)), &[merged_at_5]),
            (None, Some(merged(5)), &[created, merged_at_5]),
            (Some(merged(5)), Some(merged(8)), &[]),
            (Some(made()), Some(merged_at(5, 8)), &[merged_at_5]),
            (Some(merged_at(5, 8)), Some(merged_at(5, 9)), &[]),
            (Some(made()), Some(deleting(made())), &[]),
            (Some(merged(5)), Some(deleting(merged(5))), &[]),
            (Some(deleting(made())), Some(counted.clone()), &[]),
            (Some(counted), Some(gone(made())), &[deleted]),
            (Some(gone(made())), Some(gone(made())), &[]),
            // A table that was restored takes deleted heads over.
            (Some(made()), Some(gone(made())), &[deleted]),
            (None, Some(gone(made())), &[deleted]),
            (None, Some(deleting(made())), &[]),
        ] {
            assert_eq!(told(&derive(old.as_ref(), new.as_ref())), told_as(expected), "{old:?} {new:?}");
        }
    }

    #[test]
    fn what_a_head_tells() {
        for (head, expected) in [
            (made(), &[("1#profile.created", 1)][..]),
            (merged(8), &[("1#profile.created", 1), ("2#profile.merged", 8)]),
            (merged_at(5, 8), &[("1#profile.created", 1), ("2#profile.merged", 5)]),
            (deleting(merged(8)), &[]),
            (gone(made()), &[("3#profile.deleted", 60)]),
        ] {
            assert_eq!(told(&of_item(&head)), told_as(expected), "{head:?}");
        }
    }

    #[test]
    fn who_deleted_a_profile_is_told_and_where_it_was_merged_into_only_to_the_journal() {
        let counts = DeletionCounts { external_ids: 3, memberships: 2, merges: 1, traits: 4 };
        let partial = Head { deletion_counts: Some(counts), ..gone(made()) };
        assert_eq!(of_item(&partial)[0].facts.counts, [].into(), "what was counted so far is not what was removed");
        let head = Head { deletion_cursor: Some(DeletionCursor::Counted), ..partial };
        let events = of_item(&head);
        let Event { facts, details, .. } = &events[0];
        assert_eq!((facts.job_id, details.job_row, details.deleted_at), (head.job_id, head.job_row, head.deleted_at));
        assert_eq!(facts.counts.values().sum::<i64>(), 10);
        assert_eq!(facts.subject, Some(Subject::Profile(ProfileSubject::of(profile(1)))));
        let events = derive(Some(&made()), Some(&merged(5)));
        assert_eq!((events[0].details.root, &events[0].facts.counts), (Some(profile(2)), &Facts::default().counts));
    }

    #[test]
    fn a_head_without_times_tells_nothing_that_it_does_not_know() {
        assert_eq!(of_item(&Head { created_at: None, ..made() }), []);
    }
}
