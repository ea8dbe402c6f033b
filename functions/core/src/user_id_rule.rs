//! The rule: **a profile that has a `user_id` keeps one**, until the whole profile is deleted.
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

/// Whether a row's lookup guards its target. `deletes_lookup`: some row of the job deletes the lookup.
pub fn lookup_guards(lookup: IdHash, target: IdHash, deletes_lookup: bool) -> bool {
    lookup != target && !deletes_lookup
}

/// The guard that a listed `user_id` of a member makes; `None` where it is the target, where the job deletes it, or
/// where it is not active under that member.
pub fn guard(
    listed: IdHash,
    member: ProfileId,
    target: IdHash,
    job_deletes_it: bool,
    found: Option<&Identifier>,
) -> Option<GuardIdentifier> {
    let is_active = found.and_then(Identifier::active_profile) == Some(member);
    (listed != target && !job_deletes_it && is_active).then_some(GuardIdentifier { hash: listed, profile: member })
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
    fn a_lookup_guards_unless_the_job_deletes_it() {
        assert!(lookup_guards(hash(1), hash(2), false));
        assert!(!lookup_guards(hash(1), hash(2), true));
        assert!(!lookup_guards(hash(1), hash(1), false));
    }

    #[test]
    fn a_guard_is_another_active_user_id_that_stays() {
        let active = Identifier { state: IdentifierState::Active, ..tombstone(1) };
        let one = Some(GuardIdentifier { hash: hash(1), profile: profile(1) });
        assert_eq!(guard(hash(1), profile(1), hash(2), false, Some(&active)), one);
        for (listed, member, is_target, found) in [
            (hash(2), profile(1), false, Some(&active)),
            (hash(1), profile(2), false, Some(&active)),
            (hash(1), profile(1), true, Some(&active)),
            (hash(1), profile(1), false, Some(&tombstone(1))),
            (hash(1), profile(1), false, None),
        ] {
            assert_eq!(guard(listed, member, hash(2), is_target, found), None);
        }
    }
}
