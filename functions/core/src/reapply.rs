//! What a table that was restored from a backup takes over from the table that it replaces: everything that was deleted
//! or revoked since. Each rule compares an item of the old table with the restored table's item of the same key.
//!
//! No rule looks at the time of the backup. A deletion that the restored table does not know of is taken over, however
//! old it is, so a wrong time can't bring anything back. What the restored table has of a later time stays, so the rules
//! may be applied again while the table is in use.

use crate::{
    deletion::{Identifier, IdentifierState},
    id::ProfileId,
    identifier::Normalisation,
    log::Commitment,
    profile::{Head, ProfileState},
    time::Time,
};

/// What becomes of an identifier in the restored table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentifierStep {
    /// The restored table knows of its last deletion, or it was never deleted.
    Keep,
    /// It gets the old table's tombstone: as it is, or as that of another life, which counts more.
    Copy(Option<EndedLife>),
    /// The restored table has the tombstone of that deletion, or of a later one, and the identifier lived once more in
    /// the old table: the tombstone is to tell the end of that life.
    Recount(EndedLife),
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
    /// The latest event that may have named it before the deletion. It is as late as it can be: just before the event
    /// that brought the identifier back, so that this event brings it back again and no earlier one does.
    pub event_time: Option<Time>,
    /// The life that it ends: the deletion is told as later than the coming back that it undoes.
    pub life: EndedLife,
}

/// The life of an identifier that a tombstone ends, as the journal is going to be told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndedLife {
    /// The generation of the tombstone: one more than that of the activation, unless an earlier version deleted it,
    /// which did not count.
    pub generation: u64,
    /// When the life began.
    pub created_at: Time,
    /// What the log calls it; `None` where an earlier version began it.
    pub commitment: Option<Commitment>,
    /// The rule that its value was normalised by for the commitment.
    pub normalisation: Option<Normalisation>,
}

impl EndedLife {
    /// The last life of an identifier, as its tombstone tells it, or would.
    fn of(item: &Identifier) -> Self {
        let is_active = item.state == IdentifierState::Active;
        let generation = item.generation.saturating_add(is_active.into());
        let Identifier { created_at, commitment, normalisation, .. } = *item;
        Self { generation, created_at, commitment, normalisation }
    }

    /// Whether this one is another life than `other`, and begins and ends after it. By a version that did not count,
    /// one life can have two generations: that of one table is not later than that of the other.
    fn is_later_than(&self, other: &Self) -> bool {
        self.created_at != other.created_at && self.generation > other.generation
    }
}

/// The later one of the last lives of an identifier in both tables. A tombstone that takes the place of another item
/// tells the end of that one. Else the deletion would look older than a coming back of which the journal knows, and the
/// next life would have a generation that was told already.
fn last_life(old: &Identifier, restored: Option<&Identifier>) -> EndedLife {
    let here = EndedLife::of(old);
    restored.map(EndedLife::of).filter(|there| there.is_later_than(&here)).unwrap_or(here)
}

/// Decides what becomes of an identifier. `None` for a tombstone without the time of its deletion, which no version
/// writes.
pub fn identifier_step(old: &Identifier, restored: Option<&Identifier>) -> Option<IdentifierStep> {
    let Some(deleted_at) = old.deleted_at else {
        return (old.state == IdentifierState::Active).then_some(IdentifierStep::Keep);
    };
    let life = last_life(old, restored);
    let known = restored.filter(|restored| restored.deleted_at.is_some_and(|known| known >= deleted_at));
    Some(match (old.state, known) {
        (_, Some(known)) => {
            let counts_less = known.state == IdentifierState::Deleted && life.is_later_than(&EndedLife::of(known));
            if counts_less { IdentifierStep::Recount(life) } else { IdentifierStep::Keep }
        }
        (IdentifierState::Deleted, None) => IdentifierStep::Copy(Some(life).filter(|life| *life != EndedLife::of(old))),
        (IdentifierState::Active, None) => {
            let event_time = old.event_time.map(Time::just_before);
            let profile_id = restored.unwrap_or(old).profile_id;
            IdentifierStep::DeleteAgain(LostTombstone { profile_id, event_time, life })
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
            // What is gone stays gone as it was told, whenever the old table's deletion comes to its end.
            let is_told = restored.gone_at.is_some();
            if is_same_deletion && restored != old && !is_told { HeadStep::Copy } else { HeadStep::Remove }
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
        journal::{EventKind, derive},
        key::IdHash,
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
        let life = EndedLife { generation: 1, created_at: at(30), commitment: None, normalisation: None };
        let again = |profile_id| {
            let event_time = Some(at(30).just_before());
            IdentifierStep::DeleteAgain(LostTombstone { profile_id, event_time, life })
        };
        let copy = IdentifierStep::Copy(None);
        // The restored table has deleted it again in a life of its own, which a version that did not count began.
        let elsewhere = Identifier { created_at: at(15), ..tombstone(25) };
        for (old, restored, expected) in [
            (never_deleted(), None, IdentifierStep::Keep),
            (never_deleted(), Some(never_deleted()), IdentifierStep::Keep),
            (tombstone(20), None, copy),
            (tombstone(20), Some(never_deleted()), copy),
            (tombstone(20), Some(tombstone(10)), copy),
            (tombstone(20), Some(tombstone(20)), IdentifierStep::Keep),
            // What happens in the restored table once it is in use.
            (tombstone(20), Some(back(20, 25)), IdentifierStep::Keep),
            (tombstone(20), Some(tombstone(25)), IdentifierStep::Keep),
            (tombstone(20), Some(elsewhere), IdentifierStep::Keep),
            // Came back in the old table.
            (back(20, 30), Some(back(20, 30)), IdentifierStep::Keep),
            (back(20, 30), Some(tombstone(20)), IdentifierStep::Recount(life)),
            (back(20, 30), Some(tombstone(25)), IdentifierStep::Recount(life)),
            (back(20, 30), Some(never_deleted()), again(profile(1))),
            (back(20, 30), Some(back(10, 15)), again(profile(2))),
            (back(20, 30), None, again(profile(2))),
        ] {
            assert_eq!(identifier_step(&old, restored.as_ref()), Some(expected), "{old:?} {restored:?}");
        }
        let unreadable = Identifier { deleted_at: None, ..tombstone(0) };
        assert_eq!(identifier_step(&unreadable, None), None);
    }

    /// The item that the restored table has after a step.
    fn done(step: IdentifierStep, old: &Identifier, restored: Option<&Identifier>) -> Option<Identifier> {
        let told = |life: EndedLife, item: &Identifier| {
            let EndedLife { generation, created_at, commitment, normalisation } = life;
            Identifier { created_at, generation, commitment, normalisation, ..item.clone() }
        };
        match step {
            IdentifierStep::Keep => restored.cloned(),
            IdentifierStep::Copy(life) => Some(life.map_or_else(|| old.clone(), |life| told(life, old))),
            IdentifierStep::Recount(life) => restored.map(|restored| told(life, restored)),
            IdentifierStep::DeleteAgain(LostTombstone { profile_id, event_time, life }) => {
                let item = told(life, old);
                Some(Identifier { state: IdentifierState::Deleted, profile_id, event_time, value: None, ..item })
            }
        }
    }

    /// Lives that begin at these seconds have commitments of their own.
    fn life(generation: u64, began: i64, item: Identifier) -> Identifier {
        let commitment = Some(Commitment::from_bytes([u8::try_from(began).unwrap(); 32]));
        let normalisation = Some(Normalisation::None);
        Identifier { generation, created_at: at(began), commitment, normalisation, ..item }
    }

    /// Whatever the tables have come to, also where the restored one was in use between two runs: what is written
    /// counts no less than what was there in either, and a second run leaves it. Its commitment is that of the life
    /// that it tells the end of.
    #[test]
    fn generations_never_go_back() {
        let came_back = life(3, 30, back(20, 30));
        for (old, restored, expected) in [
            (&came_back, Some(life(1, 0, never_deleted())), Some((4, 30))),
            (&came_back, None, Some((4, 30))),
            (&came_back, Some(life(2, 0, tombstone(20))), Some((4, 30))),
            // The restored table deleted it later, in a life that counts less.
            (&came_back, Some(life(2, 0, tombstone(40))), Some((4, 30))),
            (&life(4, 30, tombstone(40)), Some(life(2, 0, tombstone(50))), Some((4, 30))),
            // It counts more in the restored table, which does not know of the deletion.
            (&came_back, Some(life(5, 15, back(10, 15))), Some((6, 15))),
            (&came_back, Some(life(4, 15, tombstone(18))), Some((4, 30))),
            (&came_back, Some(life(6, 15, tombstone(18))), Some((6, 15))),
            (&life(2, 0, tombstone(20)), Some(life(3, 15, back(10, 15))), Some((4, 15))),
            // It is told so already, or was told more in the restored table since.
            (&came_back, Some(life(4, 30, tombstone(20))), None),
            (&came_back, Some(life(5, 40, back(20, 40))), None),
            (&came_back, Some(life(6, 40, tombstone(50))), None),
            (&came_back, Some(life(3, 30, back(20, 30))), None),
            // Nothing came back.
            (&life(2, 0, tombstone(20)), Some(life(2, 0, tombstone(20))), None),
            (&life(2, 0, tombstone(20)), Some(life(1, 0, never_deleted())), Some((2, 0))),
            // A version that did not count has deleted this life.
            (&life(1, 0, tombstone(20)), Some(life(1, 0, never_deleted())), Some((1, 0))),
            (&life(2, 0, tombstone(20)), Some(life(1, 0, tombstone(25))), None),
            // No version has counted it.
            (&tombstone(20), Some(never_deleted()), Some((0, 0))),
        ] {
            let step = identifier_step(old, restored.as_ref()).unwrap();
            let item = done(step, old, restored.as_ref()).unwrap();
            let written = (step != IdentifierStep::Keep).then_some((item.generation, item.created_at));
            let expected = expected.map(|(generation, began)| (generation, at(began)));
            assert_eq!(written, expected, "{old:?} {restored:?}");
            let lives = [Some(old), restored.as_ref()].into_iter().flatten();
            let mut same_life = lives.filter(|told| told.created_at == item.created_at);
            assert!(same_life.all(|told| told.commitment == item.commitment), "{item:?}");
            let counts_less = restored.as_ref().is_some_and(|restored| restored.generation > item.generation);
            assert!(!counts_less, "{old:?} {restored:?}");
            assert_eq!(identifier_step(old, Some(&item)), Some(IdentifierStep::Keep), "a second run: {item:?}");
        }
    }

    /// The journal knows the old table's changes. The tombstone tells one more: the deletion.
    #[test]
    fn a_coming_back_is_undone_by_one_event() {
        let id = IdHash::from_bytes([1; 32]);
        let [first, deleted] = [life(1, 0, never_deleted()), life(2, 0, tombstone(20))];
        let came_back = life(3, 30, back(20, 30));
        let history = [(None, &first), (Some(&first), &deleted), (Some(&deleted), &came_back)];
        let told = history.map(|(old, new)| derive::identifier::derive(id, old, Some(new)).unwrap());
        let known: BTreeSet<_> = told.into_iter().flatten().map(|event| event.id).collect();
        assert_eq!(known.len(), 3);
        for restored in [None, Some(&first), Some(&deleted)] {
            let step = identifier_step(&came_back, restored).unwrap();
            let tombstone = done(step, &came_back, restored).unwrap();
            let missing = derive::missing(derive::identifier::of_item(id, &tombstone, None).unwrap(), &known);
            let missing: Vec<_> = missing.iter().map(|event| (event.id.ordinal.number(), &event.id.kind)).collect();
            assert_eq!(missing, [(4, &EventKind::IdentifierRemoved)], "{restored:?}");
        }
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
        let gone = |second| Head { gone_at: Some(at(second)), ..deleted(20) };
        for (old, restored, expected) in [
            (active.clone(), None, HeadStep::Keep),
            (active.clone(), Some(deleted(20)), HeadStep::Keep),
            (deleted(20), None, HeadStep::Copy),
            (deleted(20), Some(active), HeadStep::Copy),
            (deleted(20), Some(deleted(20)), HeadStep::Remove),
            (deleted(20), Some(deleted(25)), HeadStep::Remove),
            (counted.clone(), Some(deleted(20)), HeadStep::Copy),
            (gone(30), Some(deleted(20)), HeadStep::Copy),
            // This command has ended the deletion in the restored table.
            (deleted(20), Some(gone(40)), HeadStep::Remove),
            (counted, Some(gone(40)), HeadStep::Remove),
            (gone(30), Some(gone(40)), HeadStep::Remove),
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
