//! The items whose changes reach the journal, as a stream or a scan of the table has them. They are read by the readers of
//! the store, so that what the table holds has one form.

use efface_core::{
    deletion::Identifier,
    id::ProfileId,
    job::{JobHead, JobId, event::JobEvent},
    journal::Noun,
    key::IdHash,
    profile::Head,
    segment::{Segment, SegmentId},
    space::{Space, SpaceId},
    token::TokenHash,
    token_record::TokenRecord,
};
use serde::de::DeserializeOwned;

use super::{
    Item, Key, StoreError, identifier, job,
    keys::{JOB_HEAD, PROFILE_HEAD},
    profile,
    read::read,
    segment, space, token,
};
use crate::items::key::ALONE;

/// Which item it is, of those whose changes reach the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JournaledKey {
    /// An identifier.
    Identifier(SpaceId, IdHash),
    /// The head of a profile.
    Profile(SpaceId, ProfileId),
    /// The head of a job.
    Job(SpaceId, JobId),
    /// A stored event of a job, with the version of the head when it happened.
    JobEvent(SpaceId, JobId, i64),
    /// A segment.
    Segment(SpaceId, SegmentId),
    /// A token, by its hash.
    Token(TokenHash),
    /// The settings of a space.
    Space(SpaceId),
}

/// An item before and after a change; of a present item only the latter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Images<T> {
    /// Before; `None` where there was none.
    pub old: Option<Box<T>>,
    /// After; `None` where there is none any more.
    pub new: Option<Box<T>>,
}

/// A change of an item whose changes reach the journal, or such an item as it is.
#[derive(Debug, Clone, PartialEq)]
pub enum Journaled {
    /// An identifier.
    Identifier(SpaceId, IdHash, Images<Identifier>),
    /// The head of a profile.
    Profile(SpaceId, Images<Head>),
    /// The head of a job.
    Job(SpaceId, Images<JobHead>),
    /// A stored event of a job, with the version of the head when it happened.
    JobEvent(SpaceId, JobId, i64, Images<JobEvent>),
    /// A segment.
    Segment(SpaceId, Images<Segment>),
    /// A token. Its record says which space it is of.
    Token(Images<TokenRecord>),
    /// The settings of a space.
    Space(SpaceId, Images<Space>),
}

impl Journaled {
    /// Its space; `None` of a token that is not there any more.
    pub fn space(&self) -> Option<&SpaceId> {
        match self {
            Self::Identifier(space, ..)
            | Self::Profile(space, ..)
            | Self::Job(space, ..)
            | Self::JobEvent(space, ..)
            | Self::Segment(space, ..)
            | Self::Space(space, ..) => Some(space),
            Self::Token(images) => images.new.as_ref().map(|token| &token.space_id),
        }
    }
}

/// Which keys a stream's mapping hands over: those with one of the prefixes of the partition key and, where there is one, this
/// sort key. [`JournaledKey::of`] decides; what passes here and is no such item makes nothing.
#[derive(Debug, Clone, Copy)]
pub struct Filter {
    /// Prefixes of the partition key.
    pub prefixes: &'static [&'static str],
    /// The sort key.
    pub sort_key: Option<&'static str>,
}

/// The filters of the stream's mapping, one of which must match. Lambda takes five.
pub const FILTERS: [Filter; 3] = [
    Filter { prefixes: &["I#", "T#", "S#"], sort_key: Some(ALONE) },
    Filter { prefixes: &["P#", "J#"], sort_key: Some(PROFILE_HEAD) },
    Filter { prefixes: &["E#", "G#"], sort_key: None },
];

const _: () = assert!(matches!((PROFILE_HEAD.as_bytes(), JOB_HEAD.as_bytes()), (b"H", b"H")), "one filter has both");

impl Filter {
    /// Whether it hands an item with this key over.
    pub fn matches(&self, key: &Key) -> bool {
        let has_prefix = self.prefixes.iter().any(|prefix| key.pk.starts_with(prefix));
        has_prefix && self.sort_key.is_none_or(|sort_key| key.sk == sort_key)
    }

    /// The pattern of an event source mapping. An item that goes makes no event, so it is not handed over.
    pub fn pattern(&self) -> String {
        let prefixes = self.prefixes.iter().map(|prefix| format!(r#"{{"prefix":"{prefix}"}}"#));
        let prefixes = prefixes.collect::<Vec<_>>().join(",");
        let sort_key = self.sort_key.map(|sort_key| format!(r#","sk":{{"S":["{sort_key}"]}}"#)).unwrap_or_default();
        format!(r#"{{"eventName":["INSERT","MODIFY"],"dynamodb":{{"Keys":{{"pk":{{"S":[{prefixes}]}}{sort_key}}}}}}}"#)
    }
}

impl JournaledKey {
    /// Its space; `None` of a token, whose record alone says it.
    pub fn space(&self) -> Option<&SpaceId> {
        match self {
            Self::Identifier(space, _)
            | Self::Profile(space, _)
            | Self::Job(space, _)
            | Self::JobEvent(space, ..)
            | Self::Segment(space, _)
            | Self::Space(space) => Some(space),
            Self::Token(_) => None,
        }
    }

    /// What its item is about, as an entry names it; `None` of a token, which the key knows by its hash.
    pub fn noun(&self) -> Option<Noun> {
        Some(match self {
            Self::Identifier(_, hash) => Noun::Identifier(*hash),
            Self::Profile(_, profile) => Noun::Profile(*profile),
            Self::Job(_, job) | Self::JobEvent(_, job, _) => Noun::Job(*job),
            Self::Segment(_, segment) => Noun::Segment(segment.clone()),
            Self::Space(_) => Noun::Space,
            Self::Token(_) => return None,
        })
    }

    /// Reads a key; `None` where changes of its item do not reach the journal.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] for a key of such an item that no version writes.
    pub fn of(key: &Key) -> Result<Option<Self>, StoreError> {
        let unreadable = || StoreError::unreadable("key");
        let (kind, rest) = key.pk.split_once('#').ok_or_else(unreadable)?;
        let found = match (kind, key.sk.as_str()) {
            ("I", ALONE) => in_space(rest).map(|(space, hash)| Self::Identifier(space, hash)),
            ("P", PROFILE_HEAD) => in_space(rest).map(|(space, profile)| Self::Profile(space, profile)),
            ("J", JOB_HEAD) => in_space(rest).map(|(space, job)| Self::Job(space, job)),
            ("E", event) => in_space(rest).zip(version(event)).map(|((space, job), at)| Self::JobEvent(space, job, at)),
            // Beside the segments there is the turn of the space.
            ("G", _) if rest.contains('#') => return Ok(None),
            ("G", segment) => rest.parse().ok().zip(segment.parse().ok()).map(|(space, id)| Self::Segment(space, id)),
            ("T", ALONE) => rest.parse().ok().map(Self::Token),
            ("S", ALONE) => rest.parse().ok().map(Self::Space),
            _ => return Ok(None),
        };
        found.map(Some).ok_or_else(unreadable)
    }

    /// Reads the images of a change.
    pub fn read(self, old: Option<Item>, new: Option<Item>) -> Result<Journaled, StoreError> {
        Ok(match self {
            Self::Identifier(space, hash) => Journaled::Identifier(space, hash, images(old, new, identifier::KIND)?),
            Self::Profile(space, _) => Journaled::Profile(space, images(old, new, profile::KIND)?),
            Self::Job(space, _) => Journaled::Job(space, images(old, new, job::KIND)?),
            Self::JobEvent(space, job, version) => {
                Journaled::JobEvent(space, job, version, images(old, new, job::EVENT_KIND)?)
            }
            Self::Segment(space, _) => Journaled::Segment(space, images(old, new, segment::KIND)?),
            Self::Token(_) => Journaled::Token(images(old, new, token::KIND)?),
            Self::Space(space) => Journaled::Space(space, images(old, new, space::KIND)?),
        })
    }
}

fn images<T: DeserializeOwned>(old: Option<Item>, new: Option<Item>, kind: &str) -> Result<Images<T>, StoreError> {
    let image = |item: Option<Item>| item.map(|item| read(item, kind).map(Box::new)).transpose();
    Ok(Images { old: image(old)?, new: image(new)? })
}

/// A space, and what follows it in a key.
fn in_space<T: std::str::FromStr>(rest: &str) -> Option<(SpaceId, T)> {
    let (space, rest) = rest.split_once('#')?;
    Some((space.parse().ok()?, rest.parse().ok()?))
}

/// The version in the sort key of a stored event.
fn version(sort_key: &str) -> Option<i64> {
    sort_key.split_once('#').and_then(|(version, _)| version.parse().ok())
}

#[cfg(test)]
mod tests {
    use efface_core::{
        id::RequestId,
        job::chunk::ChunkId,
        key::GroupHash,
        limit::Limit,
        time::Time,
        token::{Token, TokenId},
    };

    use super::*;

    fn space() -> SpaceId {
        "spa_demo".parse().unwrap()
    }

    fn job() -> JobId {
        JobId::of_request(RequestId::new(Time::EPOCH, [7; 10]))
    }

    /// Every key of the table whose item makes events, with what it is.
    fn journaled() -> Vec<(Key, JournaledKey)> {
        let (hash, profile) = (IdHash::from_bytes([7; 32]), ProfileId::from_bytes([7; 16]));
        let (token, segment): (_, SegmentId) = (Token::from_random([1; 32]).hash(), "-".parse().unwrap());
        vec![
            (Key::identifier(&space(), hash), JournaledKey::Identifier(space(), hash)),
            (Key::head(&space(), profile), JournaledKey::Profile(space(), profile)),
            (Key::job(&space(), job()), JournaledKey::Job(space(), job())),
            (Key::job_event(&space(), job(), 12, 90), JournaledKey::JobEvent(space(), job(), 12)),
            (Key::segment(&space(), &segment), JournaledKey::Segment(space(), segment)),
            (Key::token(&token), JournaledKey::Token(token)),
            (Key::space(&space()), JournaledKey::Space(space())),
        ]
    }

    /// Keys of all other kinds.
    fn others() -> Vec<Key> {
        let (hash, profile) = (IdHash::from_bytes([7; 32]), ProfileId::from_bytes([7; 16]));
        let (group, segment): (GroupHash, SegmentId) = ("A".repeat(43).parse().unwrap(), "vip".parse().unwrap());
        let (chunk, token) = (ChunkId { page: 1, chunk: 2, attempt: 3 }, TokenId::from_random([1; 8]));
        let (space, job, id_type) = (&space(), job(), &"email".parse().unwrap());
        vec![
            Key::stop(),
            Key::listed_space(space),
            Key::space_search(),
            Key::listed_token(space, &token),
            Key::traits(space, profile),
            Key::edge(space, profile, id_type, hash),
            Key::segment_edge(space, profile, &segment),
            Key::membership(space, &segment, profile),
            Key::gate(space, &segment, 3),
            Key::idempotency(space, "A"),
            Key::count(space, Limit::Deletions, 5),
            Key::page(space, job, 3),
            Key::counter(space, job, 3),
            Key::allowance(space, job),
            Key::chunk_rows(space, job, 1, "A", 2),
            Key::chunk(space, job, chunk),
            Key::findings(space, job, chunk, 4),
            Key::listed_job(space, Some(group), "all", job),
            Key::live_job(space, job),
            Key::live_cursor(),
            Key::aggregate(space, None, "all", 3),
            Key::reservation(space, job, "A"),
            Key::target(space, job, hash, (1, "A")),
            Key::key_check(),
            Key::reapply("profiles", "run"),
        ]
    }

    fn passes(key: &Key) -> bool {
        FILTERS.iter().any(|filter| filter.matches(key))
    }

    #[test]
    fn items_that_make_events_pass_the_filters_and_others_do_not() {
        for (key, expected) in journaled() {
            assert_eq!(JournaledKey::of(&key), Ok(Some(expected)), "{key:?}");
            assert!(passes(&key), "{key:?}");
        }
        for key in others() {
            assert_eq!(JournaledKey::of(&key), Ok(None), "{key:?}");
            assert!(!passes(&key), "{key:?}");
        }
        // It is written once a job, so it needs no filter of its own.
        let turn = Key::segment_turn(&space());
        assert_eq!((JournaledKey::of(&turn), passes(&turn)), (Ok(None), true));
    }

    #[test]
    fn keys_that_no_version_writes_are_errors() {
        for (pk, sk) in [
            ("", "-"),
            ("I", "-"),
            ("I#spa_demo", "-"),
            ("I#spa_demo#x", "-"),
            ("P#spa_demo#x", "H"),
            ("J#spa_demo#x", "H"),
            ("E#spa_demo#x", "0000000001#00"),
            ("G#a b", "vip"),
            ("G#spa_demo", "a b"),
            ("T#x", "-"),
            ("S#a b", "-"),
        ] {
            assert!(JournaledKey::of(&Key::new(pk.to_owned(), sk)).is_err(), "{pk} {sk}");
        }
        let event = Key::new(Key::job_event(&space(), job(), 1, 1).pk, "x");
        assert!(JournaledKey::of(&event).is_err());
    }

    /// `infra/template.yaml` and the poller of `infra/local` have these.
    #[test]
    fn patterns_are_those_of_lambda() {
        let expected = [
            r#"{"eventName":["INSERT","MODIFY"],"dynamodb":{"Keys":{"pk":{"S":[{"prefix":"I#"},{"prefix":"T#"},{"prefix":"S#"}]},"sk":{"S":["-"]}}}}"#,
            r#"{"eventName":["INSERT","MODIFY"],"dynamodb":{"Keys":{"pk":{"S":[{"prefix":"P#"},{"prefix":"J#"}]},"sk":{"S":["H"]}}}}"#,
            r#"{"eventName":["INSERT","MODIFY"],"dynamodb":{"Keys":{"pk":{"S":[{"prefix":"E#"},{"prefix":"G#"}]}}}}"#,
        ];
        assert_eq!(FILTERS.map(|filter| filter.pattern()), expected);
    }
}
