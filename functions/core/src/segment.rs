//! Segments: groups of profiles that can be emptied, whose members are deleted then. While a segment is disabled nobody
//! joins it: each of its 256 shards has a gate that every join checks in its own transaction.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    id::{ProfileId, RequestId},
    job::JobId,
    message::Words,
    text::serde_as_text,
    time::Time,
    token::TokenId,
};

/// The shards that a segment's members are spread over, by the first byte of their profile ids.
pub const SHARDS: u16 = 256;

/// The longest name of a segment, in characters (contract: `docs/limits.md`).
pub const MAX_NAME: usize = 100;

/// The most rows of a request that adds or removes members (contract: `docs/limits.md`).
pub const MAX_MEMBER_ROWS: usize = 1_000;

/// How long after it was emptied a segment is looked at again, in seconds, unless its space says otherwise.
pub const SETTLING_SECONDS: u32 = 300;

/// The longest that this may be set to, in seconds.
pub const MAX_SETTLING_SECONDS: u32 = 86_400;

/// Why a text is no id or no name of a segment.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SegmentError {
    /// The id is not 1 to 64 of `a-z A-Z 0-9 _ . -`.
    #[error("a segment id is 1 to 64 of a-z, A-Z, 0-9, `_`, `.`, `-`")]
    BadId,
    /// The name is empty or too long, or has characters that it may not have.
    #[error("a name is 1 to 100 characters, without control characters and without spaces around them")]
    BadName,
}

impl Words for SegmentError {}

/// The id of a segment: 1 to 64 of `a-z A-Z 0-9 _ . -`. It is part of table keys and URL paths.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentId(String);

impl SegmentId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SegmentId {
    type Err = SegmentError;

    fn from_str(text: &str) -> Result<Self, SegmentError> {
        let is_plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
        let fits = (1..=64).contains(&text.len()) && is_plain;
        if fits { Ok(Self(text.to_owned())) } else { Err(SegmentError::BadId) }
    }
}

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Words for SegmentId {}

/// The name of a segment, for people: 1 to [`MAX_NAME`] characters, no control characters, no spaces around them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentName(String);

impl SegmentName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SegmentName {
    type Err = SegmentError;

    fn from_str(text: &str) -> Result<Self, SegmentError> {
        let fits = (1..=MAX_NAME).contains(&text.chars().count()) && text.trim() == text;
        if fits && !text.chars().any(char::is_control) {
            return Ok(Self(text.to_owned()));
        }
        Err(SegmentError::BadName)
    }
}

impl fmt::Display for SegmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&SegmentId> for SegmentName {
    fn from(id: &SegmentId) -> Self {
        Self(id.0.clone())
    }
}

serde_as_text!(SegmentId, SegmentName);

/// What a segment is for. It is a label: all kinds behave alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SegmentKind {
    /// Rules put profiles into it.
    UserSegment,
    /// Subscribers of something.
    SubscriberList,
    /// A list kept by hand, or by loads.
    ManualSegment,
}

/// Where a segment stands. Each change counts its head's version up, and gates bear the version that closed them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SegmentState {
    /// Profiles may join. A gate that is still there is one that a late step left.
    Enabled,
    /// Gates are being closed.
    Disabling,
    /// All gates are closed: nobody joins.
    Disabled,
    /// Gates are being opened.
    Enabling,
    /// It was deleted. Its gates stay closed, so that whoever still believes in it looks here and makes it anew.
    Deleted,
}

impl SegmentState {
    /// Whether a profile may join, as far as the head tells. A gate that stands in the way is opened then.
    pub fn takes_members(self) -> bool {
        matches!(self, Self::Enabled | Self::Enabling)
    }

    /// Whether gates are being closed or opened: a change of the state is begun and not finished.
    pub fn is_unfinished(self) -> bool {
        matches!(self, Self::Disabling | Self::Enabling)
    }
}

/// A segment as the table has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Its id.
    pub segment_id: SegmentId,
    /// Its name.
    pub name: SegmentName,
    /// Its kind.
    pub kind: SegmentKind,
    /// Where it stands.
    pub state: SegmentState,
    /// Counts changes of this record.
    pub version: i64,
    /// When it was made.
    pub created_at: Time,
    /// When it was disabled, while it is.
    #[serde(default)]
    pub disabled_at: Option<Time>,
    /// The job that deletes its members now, or will. Once that has started, nobody enables the segment until it is over.
    #[serde(default)]
    pub active_job: Option<JobId>,
    /// The job that deleted its members last, or does so now.
    #[serde(default)]
    pub last_job: Option<JobId>,
    /// The last requests with an idempotency key that changed it.
    #[serde(default)]
    pub requests: Vec<RequestId>,
    /// When this version was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<Time>,
    /// The token behind this version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_by: Option<TokenId>,
}

/// Who changes a segment's record, and when.
#[derive(Debug, Clone, Copy)]
pub struct Author<'a> {
    /// When.
    pub now: Time,
    /// The token that asked for it; `None` where Efface does it by itself.
    pub token_id: Option<&'a TokenId>,
    /// The first request with the same idempotency key, where the request has one.
    pub request: Option<RequestId>,
}

impl Author<'_> {
    /// Efface itself, for a job or a load.
    pub fn own(now: Time) -> Self {
        Self { now, token_id: None, request: None }
    }
}

/// Requests that a segment remembers.
const REQUESTS: usize = 16;

impl Segment {
    /// A new segment.
    pub fn new(segment_id: SegmentId, name: SegmentName, kind: SegmentKind, now: Time) -> Self {
        let state = SegmentState::Enabled;
        Self {
            segment_id,
            name,
            kind,
            state,
            version: 1,
            created_at: now,
            disabled_at: None,
            active_job: None,
            last_job: None,
            requests: Vec::new(),
            changed_at: Some(now),
            changed_by: None,
        }
    }

    /// The segment that a load names and nobody made.
    pub fn of_load(segment_id: SegmentId, now: Time) -> Self {
        let name = SegmentName::from(&segment_id);
        Self::new(segment_id, name, SegmentKind::ManualSegment, now)
    }

    /// Whether nobody can join it.
    pub fn is_disabled(&self) -> bool {
        matches!(self.state, SegmentState::Disabled | SegmentState::Deleted)
    }

    /// The same record as its next version. Every change begins with it, so that none goes without its time and token.
    #[must_use]
    pub fn next(&self, author: &Author<'_>) -> Self {
        let mut requests = self.requests.clone();
        requests.extend(author.request);
        requests.drain(..requests.len().saturating_sub(REQUESTS));
        Self {
            version: self.version + 1,
            requests,
            changed_at: Some(author.now.after(self.changed_at)),
            changed_by: author.token_id.cloned(),
            ..self.clone()
        }
    }

    /// Who finishes a change of the state that this version has begun: the token that began it, whoever carries it out.
    pub fn finisher(&self, now: Time) -> Author<'_> {
        Author { now, token_id: self.changed_by.as_ref(), request: None }
    }

    /// Whether it is there, for clients.
    pub fn exists(&self) -> bool {
        self.state != SegmentState::Deleted
    }
}

/// Where a list of a segment's members goes on: they are listed by shard, and by profile id within a shard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberCursor {
    /// The shard; [`SHARDS`] at the end.
    pub shard: u16,
    /// The last member of it that was listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<ProfileId>,
}

impl MemberCursor {
    /// The beginning of a shard, or the end.
    pub fn at(shard: u16) -> Self {
        Self { shard, after: None }
    }

    /// After this member.
    pub fn after(member: ProfileId) -> Self {
        Self { shard: member.shard().into(), after: Some(member) }
    }

    /// Whether all is listed.
    pub fn is_end(&self) -> bool {
        self.shard >= SHARDS
    }
}

/// Whether a number of members differs from the one that was expected by more than a hundredth of it.
pub fn is_off(expected: i64, found: i64) -> bool {
    (expected - found).abs() > expected.max(0) / 100
}

/// What follows from the deletion of all members of a segment, in words, for who is asked to confirm it.
pub fn consequences(name: &SegmentName, members: Option<i64>, settling_seconds: u32) -> Vec<String> {
    let who = match members {
        None => {
            return vec![
                format!("\"{name}\" is too large to be counted in a moment."),
                "Make a dry run first (\"dry_run\": true), or send expected_members with confirm.".to_owned(),
            ];
        }
        Some(0) => format!("\"{name}\" has no members now; nobody is deleted."),
        Some(1) => format!("The 1 member of \"{name}\" is deleted for good: identifiers, traits and all memberships."),
        Some(members) => {
            format!(
                "The {members} members of \"{name}\" are deleted for good: identifiers, traits and all memberships."
            )
        }
    };
    vec![
        who,
        "Profiles that were merged with a member are deleted with it, and members leave all other segments, too."
            .to_owned(),
        "The segment is disabled when the job starts: nobody joins it until it is enabled again.".to_owned(),
        format!(
            "The job looks again {settling_seconds} seconds after the segment is empty. It can be paused and cancelled; \
             what is deleted stays deleted."
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deletion::tests::{at, request};

    #[test]
    fn each_version_bears_its_time_its_token_and_its_request() {
        let token: TokenId = "tok_1".parse().unwrap();
        let made = Segment::of_load("vip".parse().unwrap(), at(7));
        assert_eq!((made.version, made.changed_at, &made.changed_by), (1, Some(at(7)), &None));
        let author = |second, request| Author { now: at(second), token_id: Some(&token), request };
        let next = made.next(&author(9, Some(request(9))));
        assert_eq!((next.version, next.changed_at), (2, Some(at(9))));
        assert_eq!((next.changed_by.as_ref(), &next.requests[..]), (Some(&token), &[request(9)][..]));
        let by_itself = next.next(&Author::own(at(9)));
        assert_eq!(
            by_itself.changed_at.unwrap().millis(),
            9_001,
            "a time of its own, also where the clock stands still"
        );
        assert_eq!((by_itself.changed_by, by_itself.requests), (None, next.requests.clone()));
        let many = (0..40).fold(made, |segment, second| segment.next(&author(second, Some(request(second)))));
        assert_eq!((many.requests.len(), many.requests.last()), (REQUESTS, Some(&request(39))));
    }

    #[test]
    fn ids_and_names() {
        for good in ["a", "seg_vip", "A.b-9", &"x".repeat(64)] {
            assert_eq!(good.parse::<SegmentId>().unwrap().as_str(), good);
        }
        for bad in ["", "a b", "a#b", "a/b", "é", &"x".repeat(65)] {
            assert!(bad.parse::<SegmentId>().is_err(), "{bad}");
        }
        for good in ["VIP", "Über 50 – Köln", &"é".repeat(100)] {
            assert_eq!(good.parse::<SegmentName>().unwrap().as_str(), good);
        }
        for bad in ["", " a", "a\nb", "a\u{7f}", &"é".repeat(101)] {
            assert!(bad.parse::<SegmentName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_hundredth_may_differ() {
        for (expected, found, off) in [
            (100, 100, false),
            (100, 101, false),
            (100, 99, false),
            (100, 102, true),
            (100, 98, true),
            (10, 11, true),
            (0, 0, false),
            (0, 1, true),
            (100_000, 101_000, false),
            (100_000, 101_001, true),
            (i64::MAX, 0, true),
        ] {
            assert_eq!(is_off(expected, found), off, "{expected} {found}");
        }
    }
}
