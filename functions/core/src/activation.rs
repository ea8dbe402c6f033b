//! What an event that names an identifier may do with it: store it, find it, or leave it deleted.

use crate::{
    deletion::{Identifier, IdentifierState, REMEMBERED_REQUESTS, remembered_requests},
    id::ProfileId,
    identifier::{ExternalId, Normalisation},
    key::IdHash,
    log::{Commitment, LogKey},
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
    /// It was deleted by so many requests of late that it remembers no more of them: it stays deleted for now.
    Full,
}

/// Decides what becomes of an identifier at a time, by what is stored of it. An event without a time of its own never
/// brings anything back.
pub fn activate(stored: Option<&Identifier>, event_time: Option<Time>, now: Time) -> Activation {
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
        // To forget a request that may still be repeated would let an old key delete anew.
        IdentifierState::Deleted if remembered_requests(&stored.request_ids, now).len() >= REMEMBERED_REQUESTS => {
            Activation::Full
        }
        IdentifierState::Deleted => Activation::Again,
    }
}

/// A new life of an identifier: what its activation writes beside the value, for the log. What the life before it bore
/// is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewLife {
    /// The generation that the activation reaches.
    pub generation: u64,
    /// What the log calls this life.
    pub commitment: Commitment,
    /// The rule that the value was normalised by for it.
    pub normalisation: Normalisation,
}

/// The life that begins when an identifier becomes active. `rule` is that of its type, in its space.
pub fn new_life(
    stored: Option<&Identifier>,
    hash: &IdHash,
    external_id: &ExternalId,
    rule: Normalisation,
    key: &LogKey,
) -> NewLife {
    let generation = stored.map_or(0, |stored| stored.generation).saturating_add(1);
    let commitment = key.nonce(hash, generation).commit(&external_id.id_type, &rule.apply(external_id.value.expose()));
    NewLife { generation, commitment, normalisation: rule }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deletion::{
        REQUEST_MEMORY_SECONDS,
        tests::{at, profile, request, tombstone},
    };

    #[test]
    fn only_a_later_event_brings_an_identifier_back() {
        let stored = tombstone(100);
        for (event, expected) in [
            (None, Activation::Blocked),
            (Some(at(99)), Activation::Blocked),
            (Some(at(100)), Activation::Blocked),
            (Some(at(101)), Activation::Again),
        ] {
            assert_eq!(activate(Some(&stored), event, at(300)), expected);
        }
        let dated_ahead = Identifier { event_time: Some(at(200)), ..stored.clone() };
        for (event, expected) in [(150, Activation::Blocked), (200, Activation::Blocked), (201, Activation::Again)] {
            assert_eq!(activate(Some(&dated_ahead), Some(at(event)), at(300)), expected);
        }
        let back = Identifier { state: IdentifierState::Active, ..stored };
        let held = |event| activate(Some(&back), Some(at(event)), at(300));
        assert_eq!(held(99), Activation::Blocked, "the event is older than the deletion");
        assert_eq!(held(101), Activation::Held(profile(1)));
        assert_eq!(activate(None, None, at(300)), Activation::New);
    }

    #[test]
    fn an_identifier_with_a_full_memory_stays_deleted_until_a_request_is_forgotten() {
        let ids = |n: i64| (0..n).map(request).collect();
        let stored = |n| Identifier { request_ids: ids(n), ..tombstone(1_000) };
        let event = Some(at(2_000));
        let forgotten = REQUEST_MEMORY_SECONDS + 1;
        for (requests, now, expected) in [
            (999, 2_000, Activation::Again),
            (1_000, 2_000, Activation::Full),
            (1_001, 2_000, Activation::Full),
            (1_000, forgotten - 1, Activation::Full),
            (1_000, forgotten, Activation::Again),
        ] {
            assert_eq!(activate(Some(&stored(requests)), event, at(now)), expected, "{requests} {now}");
        }
        assert_eq!(activate(Some(&stored(1_000)), Some(at(1_000)), at(2_000)), Activation::Blocked);
    }

    #[test]
    fn each_life_has_a_generation_and_a_commitment_of_its_own() {
        let key = LogKey::from_base64("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=").unwrap();
        let hash = IdHash::from_bytes([2; 32]);
        let email =
            |value: &str| ExternalId { id_type: "email".parse().unwrap(), value: value.to_owned().try_into().unwrap() };
        let life = |generation: Option<u64>, value: &str, rule| {
            let stored = generation.map(|generation| Identifier { generation, ..tombstone(1) });
            new_life(stored.as_ref(), &hash, &email(value), rule, &key)
        };
        for (stored, expected) in [(None, 1), (Some(0), 1), (Some(2), 3), (Some(u64::MAX), u64::MAX)] {
            let life = life(stored, "Ada@example.com", Normalisation::Lowercase);
            assert_eq!((life.generation, life.normalisation), (expected, Normalisation::Lowercase), "{stored:?}");
            // Who has the value and the nonce can check it.
            let nonce = key.nonce(&hash, expected);
            assert_eq!(life.commitment, nonce.commit(&"email".parse().unwrap(), "ada@example.com"), "{stored:?}");
        }
        let exact = life(None, "Ada@example.com", Normalisation::None).commitment;
        assert_ne!(exact, life(None, "ada@example.com", Normalisation::None).commitment);
        assert_ne!(exact, life(Some(2), "Ada@example.com", Normalisation::None).commitment);
    }
}
