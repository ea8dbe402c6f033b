//! Refilling a journal from its log: what a leaf tells of the private part that was lost with the journal.
//!
//! The event id of an entry is in no leaf. Of jobs, segments, tokens and the space, and of identifiers without a commitment,
//! it follows from the leaf. A commitment, or a profile's subject, is tied to its noun only by the table: the item bears the
//! one of its present life, and the log key makes those of earlier lives again, as long as the value is there. So an event
//! that the stream or a reconcile tells once more has the id that its refilled entry has. Where nothing tells the noun, the
//! leaf stands for it.

use super::{
    EventId, EventKind, LeafId, Noun, Ordinal, ProfileSubject, Subject,
    derive::{profile, token},
    entry::{Entry, EntryError},
    leaf,
};
use crate::{
    deletion::Identifier,
    id::ProfileId,
    key::IdHash,
    log::{self, Commitment, Hash, LogKey},
};

/// The most generations of an identifier whose commitments are made again, the latest ones.
const MAX_LIVES: usize = 1_000;

/// What the log calls an identifier or a profile, where only the table ties it to its noun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Link {
    /// A life of an identifier.
    Commitment(Commitment),
    /// A profile.
    Profile(ProfileSubject),
}

/// What a leaf tells of noun and ordinal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trace {
    /// Both.
    Noun(Noun, Ordinal),
    /// The ordinal, and by what the table knows the noun.
    Link(Link, Ordinal),
    /// Nothing: it is of a later version.
    None,
}

/// What a leaf of this kind tells of noun and ordinal.
pub fn trace(leaf: &log::Entry<'_>) -> Trace {
    try_trace(leaf.as_str()).unwrap_or(Trace::None)
}

fn try_trace(leaf: &str) -> Option<Trace> {
    let (kind, facts, ordinal) = (leaf::Known::read(leaf)?.event, leaf::facts(leaf)?, leaf::ordinal(leaf));
    Some(match kind {
        EventKind::IdentifierCreated | EventKind::IdentifierRemoved | EventKind::JournalGap => match facts.subject? {
            Subject::Commitment(commitment, _) => Trace::Link(Link::Commitment(commitment), ordinal?),
            Subject::Keyed(hash) => Trace::Noun(Noun::Identifier(hash), ordinal?),
            Subject::Profile(_) => return None,
        },
        EventKind::ProfileCreated | EventKind::ProfileMerged | EventKind::ProfileDeleted => match facts.subject? {
            Subject::Profile(subject) => Trace::Link(Link::Profile(subject), profile::ordinal(&kind)?),
            Subject::Commitment(..) | Subject::Keyed(_) => return None,
        },
        EventKind::SegmentCreated | EventKind::SegmentChanged | EventKind::SegmentRemoved => {
            Trace::Noun(Noun::Segment(facts.segment_id?), ordinal?)
        }
        EventKind::JobCreated
        | EventKind::JobApproved
        | EventKind::JobRejected
        | EventKind::JobScheduled
        | EventKind::JobStarted
        | EventKind::JobPaused
        | EventKind::JobResumed
        | EventKind::JobCancelled
        | EventKind::JobCompleted
        | EventKind::JobVerified
        | EventKind::JobRedriven => Trace::Noun(Noun::Job(facts.job_id?), ordinal?),
        EventKind::TokenCreated | EventKind::TokenRevoked => {
            Trace::Noun(Noun::Token(facts.token_id?), token::ordinal(&kind)?)
        }
        EventKind::SpaceCreated | EventKind::SpaceChanged => Trace::Noun(Noun::Space, ordinal?),
        EventKind::Other(_) => return None,
    })
}

/// What the log calls a profile.
pub fn link_of_profile(profile: ProfileId) -> Link {
    Link::Profile(ProfileSubject::of(profile))
}

/// What the log calls the lives of an identifier: the one that its item bears, and with the log key, as long as the value is
/// there, those before.
pub fn links_of_identifier(hash: IdHash, item: &Identifier, key: Option<&LogKey>) -> Vec<Link> {
    let mut links: Vec<Link> = item.commitment.into_iter().map(Link::Commitment).collect();
    if let (Some(key), Some(rule), Some(value)) = (key, item.normalisation, &item.value) {
        let (value, lives) = (rule.apply(value.expose()), (1..=item.generation).rev().take(MAX_LIVES));
        links.extend(lives.map(|life| Link::Commitment(key.nonce(&hash, life).commit(&item.r#type, &value))));
    }
    links
}

/// The entry of a leaf whose noun nobody knows any more. Its number keeps it apart from another entry with the same leaf.
pub fn nameless(leaf: &log::Entry<'_>, number: u64) -> Result<Entry, EntryError> {
    Entry::refilled(leaf, &Noun::Leaf(LeafId::of(Hash::leaf(leaf))), Ordinal::try_from(number).unwrap_or(Ordinal::MAX))
}

/// Whether an entry's noun is not known.
pub fn is_nameless(id: &EventId) -> bool {
    matches!(id.noun, Noun::Leaf(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        deletion::tests::{at, profile},
        identifier::Normalisation,
        journal::{
            Event, Facts, derive,
            samples::{id_hash, job, job_entries, removed, request_entries, root, segment, space, token_entry},
        },
        space::Space,
    };

    fn entry(event: &Event) -> Entry {
        Entry::captured(&space(), event).unwrap()
    }

    /// One entry of each noun, and whether the leaf alone tells the noun.
    fn entries() -> Vec<(Entry, bool)> {
        let mut keyed = removed(1);
        keyed.facts.subject = Some(Subject::Keyed(id_hash(1)));
        let mut gap = keyed.clone();
        gap.id.kind = EventKind::JournalGap;
        let token = Event {
            facts: Facts { token_id: Some("tok_1".parse().unwrap()), ..Facts::default() },
            ..Event::new(token_entry().id().noun.clone(), Ordinal::fixed(1), EventKind::TokenCreated, at(1))
        };
        let of_profile = profile::of_item(&root()).remove(0);
        let of_segment = derive::segment::of_item(&segment(5), at(500)).unwrap().remove(0);
        let of_job = derive::job::of_head(&job()).unwrap().remove(0);
        let of_space = derive::space::of_item(&Space { version: 3, ..Space::new(at(1)) }, at(9)).unwrap();
        let told = [keyed, gap, token, of_segment, of_job].into_iter().chain(of_space).map(|event| (event, true));
        told.chain([(removed(2), false), (of_profile, false)]).map(|(event, told)| (entry(&event), told)).collect()
    }

    #[test]
    fn a_leaf_tells_its_noun_or_by_what_the_table_knows_it() {
        for (entry, is_told) in entries() {
            let EventId { noun, ordinal, .. } = entry.id();
            match trace(entry.leaf_json()) {
                Trace::Noun(found, at) => assert_eq!((&found, at, is_told), (noun, *ordinal, true)),
                Trace::Link(link, at) => {
                    let expected = match noun {
                        Noun::Profile(profile) => link_of_profile(*profile),
                        _ => match entry.facts().unwrap().subject {
                            Some(Subject::Commitment(commitment, _)) => Link::Commitment(commitment),
                            other => panic!("{other:?}"),
                        },
                    };
                    assert_eq!((link, at, is_told), (expected, *ordinal, false));
                }
                Trace::None => panic!("{entry:?}"),
            }
        }
        let others = [job_entries(2), request_entries(2)].concat();
        assert!(others.iter().all(|entry| matches!(trace(entry.leaf_json()), Trace::Link(..))));
        assert_eq!(link_of_profile(profile(1)), Link::Profile(ProfileSubject::of(profile(1))));
    }

    #[test]
    fn the_leaf_of_a_later_version_tells_nothing_and_is_kept() {
        let entry = entry(&removed(1));
        for (from, to) in [("identifier.removed", "hold.placed"), (r#","generation":2"#, ""), (r#""v":1"#, r#""v":2"#)]
        {
            let text = entry.leaf_json().as_str().replace(from, to);
            assert_ne!(text, entry.leaf_json().as_str());
            let leaf = log::Entry::new(text).unwrap();
            assert_eq!(trace(&leaf), Trace::None, "{to}");
            let is_readable = !to.contains("\"v\"");
            assert_eq!(nameless(&leaf, 7).is_ok(), is_readable);
        }
    }

    #[test]
    fn nameless_entries_with_one_leaf_differ_by_their_number() {
        let leaf = entry(&removed(1)).leaf_json().clone();
        let [first, second] = [7, 8].map(|number| nameless(&leaf, number).unwrap());
        assert!(is_nameless(first.id()) && first.id().noun == second.id().noun && first.id() != second.id());
        assert_eq!((first.leaf_json(), first.is_lost()), (&leaf, true));
        assert!(nameless(&leaf, u64::MAX).is_ok());
    }

    #[test]
    fn the_log_key_makes_the_commitments_of_earlier_lives_again() {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let key = LogKey::from_base64(&STANDARD.encode([3; 32])).unwrap();
        let made = |life| key.nonce(&id_hash(1), life).commit(&"email".parse().unwrap(), "ada@x");
        let json = serde_json::json!({
            "state": "active", "profile_id": "use_01010101010101010101010101010101", "type": "email", "value": "Ada@x",
            "created_at": at(1), "generation": 3,
        });
        let item: Identifier = serde_json::from_value(json).unwrap();
        let item = Identifier { commitment: Some(made(3)), normalisation: Some(Normalisation::Lowercase), ..item };
        let lives = |item: &Identifier, key| links_of_identifier(id_hash(1), item, key);
        assert_eq!(lives(&item, None), [Link::Commitment(made(3))]);
        let all = lives(&item, Some(&key));
        assert!([1, 2, 3].iter().all(|life| all.contains(&Link::Commitment(made(*life)))));
        let gone = Identifier { value: None, ..item.clone() };
        assert_eq!(lives(&gone, Some(&key)), [Link::Commitment(made(3))]);
        let many = Identifier { generation: 5_000, ..item };
        assert_eq!(lives(&many, Some(&key)).len(), 1_001);
    }
}
