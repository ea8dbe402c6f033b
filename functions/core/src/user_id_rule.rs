//! The rule: **a profile that has a `user_id` keeps one**, until the profile itself is deleted.
//!
//! A `user_id` is deleted only while another `user_id` of the same profile, its guard, is active. Both are checked in
//! one transaction, so of two deletions that race for a profile's last two `user_id`s one finds its guard gone. A
//! request's guard is the `user_id` in its URL. A row's guard is its lookup too, unless the job is to delete that one as
//! well: then it is any other `user_id` of the merged profile that the job does not delete. So the outcome of a row does
//! not depend on the order of the job's rows. A row without a guard is `protected`.

use crate::{deletion::Identifier, id::ProfileId, identifier::IdentifierType, key::IdHash};

/// A `user_id` that must stay active while another one of its profile is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuardIdentifier {
    /// The `user_id`.
    pub hash: IdHash,
    /// The profile that it is active under.
    pub profile: ProfileId,
}

/// Whether the deletion of an identifier of this type needs a guard identifier.
pub fn needs_guard(id_type: &IdentifierType) -> bool {
    id_type.is_user_id()
}

/// Whether another `user_id` may guard the deletion of this one: not itself, and none that the same job deletes.
pub fn may_guard(candidate: IdHash, target: IdHash, job_deletes_candidate: bool) -> bool {
    candidate != target && !job_deletes_candidate
}

impl GuardIdentifier {
    /// The guard that a `user_id` makes which a profile lists; `None` where it is not active under that profile.
    pub fn of(hash: IdHash, profile: ProfileId, found: Option<&Identifier>) -> Option<Self> {
        let is_active = found.and_then(Identifier::active_profile) == Some(profile);
        is_active.then_some(Self { hash, profile })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deletion::{
        IdentifierState,
        tests::{profile, tombstone},
    };

    fn hash(byte: u8) -> IdHash {
        IdHash::from_bytes([byte; 32])
    }

    #[test]
    fn only_user_ids_need_a_guard() {
        assert!(needs_guard(&"user_id".parse().unwrap()));
        assert!(!needs_guard(&"email".parse().unwrap()));
    }

    #[test]
    fn a_user_id_may_guard_another_that_its_job_keeps() {
        assert!(may_guard(hash(1), hash(2), false));
        assert!(!may_guard(hash(1), hash(2), true));
        assert!(!may_guard(hash(1), hash(1), false));
    }

    #[test]
    fn a_guard_is_active() {
        let active = Identifier { state: IdentifierState::Active, ..tombstone(1) };
        let guard = Some(GuardIdentifier { hash: hash(1), profile: profile(1) });
        assert_eq!(GuardIdentifier::of(hash(1), profile(1), Some(&active)), guard);
        assert_eq!(GuardIdentifier::of(hash(1), profile(2), Some(&active)), None);
        assert_eq!(GuardIdentifier::of(hash(1), profile(1), Some(&tombstone(1))), None);
        assert_eq!(GuardIdentifier::of(hash(1), profile(1), None), None);
    }
}
