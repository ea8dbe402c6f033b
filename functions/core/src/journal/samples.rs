//! Items, events and entries for the tests of the journal.

use sha2::{Digest, Sha256};

use super::{Details, Entry, Event, EventKind, Facts, Noun, Ordinal, Subject, Word, derive};
use crate::{
    deletion::{Identifier, IdentifierState, Reason, tests::at},
    id::{ProfileId, RequestId},
    identifier::Normalisation,
    job::{JobHead, JobId, RowRef, event::Cause, finding::FindingsDigest, status},
    key::{GroupHash, IdHash},
    log::Commitment,
    profile::Head,
    role::Role,
    segment::{Segment, SegmentKind, SegmentState},
    space::SpaceId,
    time::Time,
    token::Token,
};

/// What cannot be foreseen, nor compressed: a hash of its name and number.
fn noise(name: &str, number: usize) -> [u8; 32] {
    Sha256::digest(format!("{name} {number}")).into()
}

fn ten(bytes: [u8; 32]) -> [u8; 10] {
    *bytes.first_chunk().unwrap()
}

pub(super) fn space() -> SpaceId {
    SpaceId::parse("spa_demo").unwrap()
}

/// A day and a time of which all samples are.
fn start() -> Time {
    Time::parse("2026-01-01T12:00:00Z").unwrap()
}

/// A segment with this version, made at second 7, by a writer that does not say when it changed it.
pub(super) fn segment(version: i64) -> Segment {
    let (id, name) = ("vip".parse().unwrap(), "Very important".parse().unwrap());
    let made = Segment::new(id, name, SegmentKind::UserSegment, Time::EPOCH.plus_seconds(7));
    Segment { version, changed_at: None, ..made }
}

/// A job that was just made, and the head of profile 1, as a root.
pub(super) fn job() -> JobHead {
    JobHead { version: 1, ..status::tests::head() }
}

pub(super) fn root() -> Head {
    let json = r#"{"profile_id":"use_01010101010101010101010101010101","state":"active",
        "root":"use_01010101010101010101010101010101","loaded_as":null,"created_at":"1970-01-01T00:00:01Z",
        "updated_at":"1970-01-01T00:00:01Z","version":1}"#;
    serde_json::from_str(json).unwrap()
}

pub(super) fn id_hash(number: usize) -> IdHash {
    IdHash::from_bytes(noise("identifier", number))
}

/// The tombstone of an identifier that a request of its own deleted.
fn tombstone(number: usize) -> Identifier {
    let after = |millis: usize| Time::from_millis(start().millis() + i64::try_from(millis).unwrap()).unwrap();
    let request = RequestId::new(after(number * 137), ten(noise("request", number)));
    Identifier {
        state: IdentifierState::Deleted,
        profile_id: ProfileId::from_bytes(*noise("profile", number).first_chunk().unwrap()),
        r#type: "email".parse().unwrap(),
        value: None,
        event_time: Some(after(number * 11).plus_seconds(-86_400)),
        created_at: after(number * 13).plus_seconds(-80_000),
        deleted_at: Some(after(number * 137)),
        token_id: Some("tok_0123456789abcdef".parse().unwrap()),
        request_id: Some(request),
        reason: Some(Reason::Request),
        job_id: None,
        job_group: None,
        job_row: None,
        request_ids: [request].into(),
        generation: 2,
        commitment: Some(Commitment::from_bytes(noise("commitment", number))),
        normalisation: Some(Normalisation::None),
    }
}

/// The same where a row of one job did it.
fn tombstone_of_job(number: usize) -> Identifier {
    let job = JobId::of_request(RequestId::new(start(), ten(noise("job", 0))));
    Identifier {
        request_id: Some(job.request()),
        reason: Some(Reason::Job),
        job_id: Some(job),
        job_group: Some("A".repeat(43).parse().unwrap()),
        job_row: Some(RowRef { page: 3, row: u32::try_from(17_000 + number).unwrap() }),
        ..tombstone(number)
    }
}

fn event(number: usize, tombstone: &Identifier) -> Event {
    derive::identifier::derive(id_hash(number), None, Some(tombstone)).unwrap().remove(0)
}

/// The deletion of the identifier with this number, by a request.
pub(super) fn removed(number: usize) -> Event {
    event(number, &tombstone(number))
}

fn entry(event: &Event) -> Entry {
    Entry::captured(&space(), event).unwrap()
}

/// Deletions of identifiers by requests of their own, from number 500 on.
pub(super) fn request_entries(count: usize) -> Vec<Entry> {
    (500..500 + count).map(|number| entry(&removed(number))).collect()
}

/// Deletions of identifiers by one job, from number 0 on.
pub(super) fn job_entries(count: usize) -> Vec<Entry> {
    (0..count).map(|number| entry(&event(number, &tombstone_of_job(number)))).collect()
}

/// The making of a token.
pub(super) fn token_entry() -> Entry {
    let event = Event::new(Noun::Token("tok_1".parse().unwrap()), Ordinal::fixed(1), EventKind::TokenCreated, start());
    entry(&event)
}

/// An event that has every member, each as long as it can be, and its space.
pub(super) fn longest(number: usize) -> (SpaceId, Event) {
    let request = RequestId::new(start(), ten(noise("request", number)));
    let profile = ProfileId::from_bytes([number.to_be_bytes()[7]; 16]);
    let word = |letter: &str| letter.repeat(64).parse::<Word>().unwrap();
    let facts = Facts {
        id_type: Some("t".repeat(64).parse().unwrap()),
        subject: Some(Subject::Keyed(id_hash(number))),
        token_id: Some(format!("tok_{}", "t".repeat(60)).parse().unwrap()),
        request_id: Some(request),
        job_id: Some(JobId::of_request(request)),
        reason: Some(word("r")),
        segment_id: Some("s".repeat(64).parse().unwrap()),
        digest: Some(FindingsDigest::default()),
        counts: ["a", "b", "c", "d", "e", "f", "g", "h"].map(|letter| (word(letter), i64::MIN)).into(),
    };
    let details = Details {
        profile_id: Some(profile),
        root: Some(profile),
        created_at: Some(start()),
        event_time: Some(start()),
        deleted_at: Some(start()),
        job_group: Some("A".repeat(43).parse::<GroupHash>().unwrap()),
        job_row: Some(RowRef { page: u32::MAX, row: u32::MAX }),
        token_hash: Some(Token::from_random([1; 32]).hash()),
        role: Some(Role::UnifyEngageAdmin),
        expires_at: Some(start()),
        cause: Some(Cause::MembersChanged),
        start_at: Some(start()),
        segment_state: Some(SegmentState::Disabling),
        active_job: Some(JobId::of_request(request)),
    };
    let event = Event::new(
        Noun::Segment("s".repeat(64).parse().unwrap()),
        Ordinal::try_from(Ordinal::MAX.number() - number as u64).unwrap(),
        EventKind::IdentifierRemoved,
        start(),
    );
    (SpaceId::parse(&"s".repeat(64)).unwrap(), Event { facts, details, ..event })
}

/// Ordinal and kind, and time, of events.
pub(super) fn told(events: &[Event]) -> Vec<(String, Time)> {
    let of = |event: &Event| (format!("{}#{}", event.id.ordinal.number(), event.id.kind), event.id.time);
    events.iter().map(of).collect()
}

/// The same, with the time in seconds.
pub(super) fn told_as(expected: &[(&str, i64)]) -> Vec<(String, Time)> {
    expected.iter().map(|(key, second)| ((*key).to_owned(), at(*second))).collect()
}
