//! What a table that was restored from a backup takes over from the table that it replaces: everything that was deleted
//! or revoked since. Each rule compares an item of the old table with the restored table's item of the same key.
//!
//! No rule looks at the time of the backup. A deletion that the restored table does not know of is taken over, however
//! old it is, so a wrong time can't bring anything back. What the restored table has of a later time stays, so the rules
//! may be applied again while the table is in use.

use crate::{
    deletion::{Identifier, IdentifierState},
    id::ProfileId,
    profile::{Head, ProfileState},
    time::Time,
};

/// What becomes of an identifier in the restored table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentifierStep {
    /// The restored table knows of its last deletion, or it was never deleted.
    Keep,
    /// It gets the old table's tombstone, as it is.
    Copy,
    /// It came back after the deletion, and the restore undoes the coming back: it gets the tombstone that the deletion
    /// had left.
    DeleteAgain(LostTombstone),
}

/// What the tombstone of an identifier that came back had said, beside the record of the deletion, which the identifier
/// still bears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LostTombstone {
    /// The profile that it was deleted from.
    pub profile_id: ProfileId,
    /// When it had been stored.
    pub created_at: Time,
    /// The latest event that may have named it before the deletion. It is as late as it can be: just before the event
    /// that brought the identifier back, so that this event brings it back again and no earlier one does.
    pub event_time: Option<Time>,
}

/// Decides what becomes of an identifier. `None` for a tombstone without the time of its deletion, which no version
/// writes.
pub fn identifier_step(old: &Identifier, restored: Option<&Identifier>) -> Option<IdentifierStep> {
    let Some(deleted_at) = old.deleted_at else {
        return (old.state == IdentifierState::Active).then_some(IdentifierStep::Keep);
    };
    let is_known = restored.and_then(|restored| restored.deleted_at).is_some_and(|known| known >= deleted_at);
    Some(match old.state {
        _ if is_known => IdentifierStep::Keep,
        IdentifierState::Deleted => IdentifierStep::Copy,
        IdentifierState::Active => {
            let before = restored.unwrap_or(old);
            let event_time = old.event_time.map(Time::just_before);
            let (profile_id, created_at) = (before.profile_id, before.created_at);
            IdentifierStep::DeleteAgain(LostTombstone { profile_id, created_at, event_time })
        }
    })
}

/// What becomes of a profile in the restored table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeadStep {
    /// Nothing: the old table has not deleted it.
    Keep,
    /// It gets the old table's head, and what it holds is removed.
    Copy,
    /// Its head says what it has to say already. What it holds is removed: the deletion may have been under way when the
    /// backup was made, and its job does not go on.
    Remove,
}

/// Decides what becomes of a profile, by its heads. A deleted head never becomes active, so the old table's record of a
/// deletion that both have is the later one.
pub fn head_step(old: &Head, restored: Option<&Head>) -> HeadStep {
    match (old.state, restored) {
        (ProfileState::Active, _) => HeadStep::Keep,
        (ProfileState::Deleted, Some(restored)) if restored.state == ProfileState::Deleted => {
            let is_same_deletion = restored.deleted_at == old.deleted_at;
            if is_same_deletion && restored != old { HeadStep::Copy } else { HeadStep::Remove }
        }
        (ProfileState::Deleted, _) => HeadStep::Copy,
    }
}

/// What becomes of a token in the restored table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenStep {
    /// Nothing: it is there, and the old table has not revoked it, or the restored one has too.
    Keep,
    /// It is made: its owner has it and can't get it a second time. A revoked one is made as it is.
    Copy,
    /// It is revoked, as of this time.
    Revoke(Time),
}

/// Decides what becomes of a token by when it was revoked. `restored` is `None` where the restored table has no such
/// token.
pub fn token_step(old: Option<Time>, restored: Option<Option<Time>>) -> TokenStep {
    match (old, restored) {
        (_, None) => TokenStep::Copy,
        (Some(at), Some(None)) => TokenStep::Revoke(at),
        (_, Some(_)) => TokenStep::Keep,
    }
}

/// When a token that both tables have was used last, where the restored table does not know it.
pub fn later_use(old: Option<Time>, restored: Option<Time>) -> Option<Time> {
    old.filter(|used| restored.is_none_or(|known| known < *used))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{
        deletion::tests::{active, at, profile, tombstone},
        profile::DeletionCounts,
    };

    /// An identifier of profile 2 that came back by an event of that second.
    fn back(deleted_at: i64, event: i64) -> Identifier {
        Identifier {
            profile_id: profile(2),
            event_time: Some(at(event)),
            created_at: at(event),
            ..active(tombstone(deleted_at))
        }
    }

    fn never_deleted() -> Identifier {
        Identifier { deleted_at: None, ..active(tombstone(0)) }
    }

    #[test]
    fn a_deletion_that_the_restored_table_does_not_know_is_taken_over() {
        let again = |profile_id, created_at| {
            let event_time = Some(at(30).just_before());
            IdentifierStep::DeleteAgain(LostTombstone { profile_id, created_at: at(created_at), event_time })
        };
        for (old, restored, expected) in [
            (never_deleted(), None, IdentifierStep::Keep),
            (never_deleted(), Some(never_deleted()), IdentifierStep::Keep),
            (tombstone(20), None, IdentifierStep::Copy),
            (tombstone(20), Some(never_deleted()), IdentifierStep::Copy),
            (tombstone(20), Some(tombstone(10)), IdentifierStep::Copy),
            (tombstone(20), Some(back(10, 15)), IdentifierStep::Copy),
            (tombstone(20), Some(tombstone(20)), IdentifierStep::Keep),
            // What happens in the restored table once it is in use.
            (tombstone(20), Some(back(20, 25)), IdentifierStep::Keep),
            (tombstone(20), Some(tombstone(25)), IdentifierStep::Keep),
            // Came back in the old table.
            (back(20, 30), Some(back(20, 30)), IdentifierStep::Keep),
            (back(20, 30), Some(tombstone(20)), IdentifierStep::Keep),
            (back(20, 30), Some(tombstone(25)), IdentifierStep::Keep),
            (back(20, 30), Some(never_deleted()), again(profile(1), 0)),
            (back(20, 30), Some(back(10, 15)), again(profile(2), 15)),
            (back(20, 30), None, again(profile(2), 30)),
        ] {
            assert_eq!(identifier_step(&old, restored.as_ref()), Some(expected), "{old:?} {restored:?}");
        }
        let unreadable = Identifier { deleted_at: None, ..tombstone(0) };
        assert_eq!(identifier_step(&unreadable, None), None);
    }

    #[test]
    fn a_deleted_profile_is_deleted_to_the_end() {
        let head = |state, deleted_at: Option<i64>| Head {
            profile_id: profile(1),
            state,
            root: profile(1),
            merged: BTreeSet::new(),
            loaded_as: None,
            created_at: None,
            updated_at: None,
            merged_at: None,
            deleted_at: deleted_at.map(at),
            gone_at: None,
            version: 0,
            token_id: None,
            job_id: None,
            job_group: None,
            job_row: None,
            deletion_cursor: None,
            deletion_counts: None,
        };
        let (active, deleted) = (head(ProfileState::Active, None), |second| head(ProfileState::Deleted, Some(second)));
        let counted = Head { deletion_counts: Some(DeletionCounts::default()), ..deleted(20) };
        for (old, restored, expected) in [
            (active.clone(), None, HeadStep::Keep),
            (active.clone(), Some(deleted(20)), HeadStep::Keep),
            (deleted(20), None, HeadStep::Copy),
            (deleted(20), Some(active), HeadStep::Copy),
            (deleted(20), Some(deleted(20)), HeadStep::Remove),
            (deleted(20), Some(deleted(25)), HeadStep::Remove),
            (counted, Some(deleted(20)), HeadStep::Copy),
        ] {
            assert_eq!(head_step(&old, restored.as_ref()), expected, "{old:?} {restored:?}");
        }
    }

    #[test]
    fn the_later_use_of_a_token_stays() {
        for (old, restored, expected) in [
            (None, None, None),
            (None, Some(at(1)), None),
            (Some(at(1)), None, Some(at(1))),
            (Some(at(2)), Some(at(1)), Some(at(2))),
            (Some(at(1)), Some(at(1)), None),
            (Some(at(1)), Some(at(2)), None),
        ] {
            assert_eq!(later_use(old, restored), expected, "{old:?} {restored:?}");
        }
    }

    #[test]
    fn a_revocation_wins() {
        for (old, restored, expected) in [
            (None, None, TokenStep::Copy),
            (Some(at(1)), None, TokenStep::Copy),
            (None, Some(None), TokenStep::Keep),
            (None, Some(Some(at(2))), TokenStep::Keep),
            (Some(at(1)), Some(None), TokenStep::Revoke(at(1))),
            (Some(at(1)), Some(Some(at(2))), TokenStep::Keep),
        ] {
            assert_eq!(token_step(old, restored), expected, "{old:?} {restored:?}");
        }
    }
}
