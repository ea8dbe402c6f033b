//! The deletion of a profile by a row of a job: what the row does, by what it finds.

use crate::{
    deletion::{DeletedBy, Identifier, IdentifierState, RowActor},
    id::ProfileId,
    job::Outcome,
    profile::{Head, ProfileState},
};

/// What a row that deletes a profile does, by the identifier that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProfileStep {
    /// Nothing: the row has its outcome.
    Decided(Outcome),
    /// Nothing but to note that the profile that this one belongs to is gone, where an earlier run of this row was cut short
    /// just before: its outcome is `deleted`.
    Finish(ProfileId),
    /// Starts the deletion of the profile that this one belongs to.
    Start(ProfileId),
    /// Goes on, if an earlier run of this row has started the deletion of the profile that this one belongs to. Somebody
    /// else has deleted the row's identifier since.
    Resume(ProfileId),
}

/// Decides what a row that deletes a profile does. The row's own identifier is deleted last, so a row that finds it
/// deleted by itself is done.
pub fn decide_profile(found: Option<&Identifier>, row: &RowActor, is_first: bool) -> ProfileStep {
    let Some(found) = found else { return ProfileStep::Decided(Outcome::NotFound) };
    match (found.deleted_by(row), found.state) {
        (DeletedBy::ThisRow, IdentifierState::Deleted) => ProfileStep::Finish(found.profile_id),
        // It has come back since, under another profile: which one it was deleted with is no longer known.
        (DeletedBy::ThisRow, IdentifierState::Active) => ProfileStep::Decided(Outcome::Deleted),
        (DeletedBy::SameJob, _) | (DeletedBy::SameGroup, IdentifierState::Deleted) => {
            ProfileStep::Decided(Outcome::Duplicate)
        }
        (_, IdentifierState::Active) => ProfileStep::Start(found.profile_id),
        (_, IdentifierState::Deleted) if !is_first => ProfileStep::Resume(found.profile_id),
        (_, IdentifierState::Deleted) => ProfileStep::Decided(Outcome::NotFound),
    }
}

/// What follows from a start of a profile's deletion that changed nothing, because its head is not an active root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeadStep {
    /// The profile was merged: start at its root.
    StartAt(ProfileId),
    /// The head has changed meanwhile: start again.
    Again,
    /// This row has started the deletion before: go on with it.
    Resume,
    /// The row has its outcome.
    Decided(Outcome),
}

/// Decides what follows, by the head that was found.
pub fn decide_head(head: &Head, row: &RowActor) -> HeadStep {
    if !head.is_root() {
        return HeadStep::StartAt(head.root);
    }
    match (head.state, head.deleted_by(row)) {
        (ProfileState::Active, _) => HeadStep::Again,
        (ProfileState::Deleted, DeletedBy::ThisRow) if head.gone_at.is_some() => HeadStep::Decided(Outcome::Deleted),
        (ProfileState::Deleted, DeletedBy::ThisRow) => HeadStep::Resume,
        (ProfileState::Deleted, DeletedBy::SameJob | DeletedBy::SameGroup) => HeadStep::Decided(Outcome::Duplicate),
        (ProfileState::Deleted, DeletedBy::Other) => HeadStep::Decided(Outcome::NotFound),
    }
}

/// What follows from a start of the deletion of a planned profile that changed nothing, because its root's head is not as
/// the plan found it.
pub fn decide_planned(head: Option<&Head>, row: &RowActor) -> HeadStep {
    match head {
        None => HeadStep::Decided(Outcome::NotFound),
        Some(head) if head.state == ProfileState::Active => HeadStep::Decided(Outcome::Changed),
        Some(head) if !head.is_root() => HeadStep::Decided(Outcome::NotFound),
        Some(head) => decide_head(head, row),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::deletion::tests::{active, deleted_by, profile, row, tombstone};

    #[test]
    fn what_a_row_does_with_a_profile() {
        let own = row(7, "g", 1);
        let decided = ProfileStep::Decided;
        for (found, is_first, expected) in [
            (None, true, decided(Outcome::NotFound)),
            (Some(deleted_by(&own)), false, ProfileStep::Finish(profile(1))),
            (Some(active(deleted_by(&own))), false, decided(Outcome::Deleted)),
            (Some(deleted_by(&row(7, "g", 2))), true, decided(Outcome::Duplicate)),
            (Some(active(deleted_by(&row(7, "g", 2)))), true, decided(Outcome::Duplicate)),
            (Some(deleted_by(&row(8, "g", 1))), true, decided(Outcome::Duplicate)),
            (Some(active(deleted_by(&row(8, "g", 1)))), true, ProfileStep::Start(profile(1))),
            (Some(active(tombstone(1))), true, ProfileStep::Start(profile(1))),
            (Some(tombstone(1)), true, decided(Outcome::NotFound)),
            (Some(tombstone(1)), false, ProfileStep::Resume(profile(1))),
        ] {
            assert_eq!(decide_profile(found.as_ref(), &own, is_first), expected, "{found:?}");
        }
    }

    #[test]
    fn what_a_head_that_is_no_active_root_means() {
        let own = row(7, "g", 1);
        let head = |state, root, by: &RowActor| Head {
            version: 0,
            profile_id: profile(1),
            state,
            root: profile(root),
            merged: BTreeSet::new(),
            loaded_as: None,
            created_at: None,
            updated_at: None,
            merged_at: None,
            deleted_at: None,
            gone_at: None,
            token_id: None,
            job_id: Some(by.job),
            job_group: by.group,
            job_row: Some(by.row),
            deletion_cursor: None,
            deletion_counts: None,
        };
        let gone = Head { gone_at: Some(crate::time::Time::EPOCH), ..head(ProfileState::Deleted, 1, &own) };
        for (head, expected) in [
            (gone, HeadStep::Decided(Outcome::Deleted)),
            (head(ProfileState::Active, 2, &own), HeadStep::StartAt(profile(2))),
            (head(ProfileState::Deleted, 2, &own), HeadStep::StartAt(profile(2))),
            (head(ProfileState::Active, 1, &own), HeadStep::Again),
            (head(ProfileState::Deleted, 1, &own), HeadStep::Resume),
            (head(ProfileState::Deleted, 1, &row(7, "g", 2)), HeadStep::Decided(Outcome::Duplicate)),
            (head(ProfileState::Deleted, 1, &row(8, "g", 1)), HeadStep::Decided(Outcome::Duplicate)),
            (head(ProfileState::Deleted, 1, &row(8, "h", 1)), HeadStep::Decided(Outcome::NotFound)),
        ] {
            assert_eq!(decide_head(&head, &own), expected, "{head:?}");
            // A planned profile that is merged or added to is changed, whoever deletes it then.
            let planned = match (head.state, head.is_root()) {
                (ProfileState::Active, _) => HeadStep::Decided(Outcome::Changed),
                (ProfileState::Deleted, false) => HeadStep::Decided(Outcome::NotFound),
                (ProfileState::Deleted, true) => expected,
            };
            assert_eq!(decide_planned(Some(&head), &own), planned, "{head:?}");
        }
        assert_eq!(decide_planned(None, &own), HeadStep::Decided(Outcome::NotFound));
    }
}
