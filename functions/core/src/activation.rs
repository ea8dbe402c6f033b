//! What an event that names an identifier may do with it: store it, find it, or leave it deleted.

use crate::{
    deletion::{Identifier, IdentifierState},
    id::ProfileId,
    time::Time,
};

/// What becomes of an identifier that an event names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// It is not in the table: store it.
    New,
    /// It was deleted, and the event is later than that: store it again.
    Again,
    /// It is active, and belongs to this profile.
    Held(ProfileId),
    /// It was deleted after the event: it stays deleted.
    Blocked,
}

/// Decides what becomes of an identifier, by what is stored of it. An event without a time of its own never brings anything back.
pub fn activate(stored: Option<&Identifier>, event_time: Option<Time>) -> Activation {
    let Some(stored) = stored else { return Activation::New };
    // An event that is dated ahead of the deletion must not undo that deletion when it is sent again.
    let seen_before = stored.event_time.filter(|_| stored.state == IdentifierState::Deleted);
    let is_later = match stored.deleted_at {
        Some(deleted_at) => event_time.is_some_and(|event| event > deleted_at && Some(event) > seen_before),
        None => true,
    };
    match stored.state {
        _ if !is_later => Activation::Blocked,
        IdentifierState::Active => Activation::Held(stored.profile_id),
        IdentifierState::Deleted => Activation::Again,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deletion::tests::{at, profile, tombstone};

    #[test]
    fn only_a_later_event_brings_an_identifier_back() {
        let stored = tombstone(100);
        for (event, expected) in [
            (None, Activation::Blocked),
            (Some(at(99)), Activation::Blocked),
            (Some(at(100)), Activation::Blocked),
            (Some(at(101)), Activation::Again),
        ] {
            assert_eq!(activate(Some(&stored), event), expected);
        }
        let dated_ahead = Identifier { event_time: Some(at(200)), ..stored.clone() };
        for (event, expected) in [(150, Activation::Blocked), (200, Activation::Blocked), (201, Activation::Again)] {
            assert_eq!(activate(Some(&dated_ahead), Some(at(event))), expected);
        }
        let back = Identifier { state: IdentifierState::Active, ..stored };
        assert_eq!(activate(Some(&back), Some(at(99))), Activation::Blocked, "the event is older than the deletion");
        assert_eq!(activate(Some(&back), Some(at(101))), Activation::Held(profile(1)));
        assert_eq!(activate(None, None), Activation::New);
    }
}
