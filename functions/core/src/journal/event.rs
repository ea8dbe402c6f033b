//! An event: one change of one noun, with what the log tells of it, and what only the journal keeps.

use std::{borrow::Cow, collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{EventId, EventKind, Noun, Ordinal};
use crate::{
    id::{BadId, ProfileId, RequestId},
    identifier::{IdentifierType, Normalisation},
    job::{JobId, RowRef, event::Cause, finding::FindingsDigest},
    key::{GroupHash, IdHash, debug_as_fingerprint, hash_as_text},
    log::Commitment,
    role::Role,
    segment::{SegmentId, SegmentState},
    text::serde_as_text,
    time::Time,
    token::{TokenHash, TokenId},
};

/// Why an item makes no events: no version writes such an item, so it is put aside for a person to look at.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum EventError {
    /// The generation or version is negative, or has more than 12 digits.
    #[error(transparent)]
    Ordinal(#[from] BadId),
    /// A tombstone does not say when the identifier was deleted.
    #[error("a deleted identifier without the time of its deletion")]
    NoDeletionTime,
    /// An identifier has a commitment, but not the rule by which its value was normalised for it.
    #[error("an identifier with a commitment and no rule for its value")]
    NoNormalisation,
}

/// A change of a noun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Which change it is, and when it happened.
    pub id: EventId,
    /// What the log tells of it.
    pub facts: Facts,
    /// What only the journal keeps of it.
    pub details: Details,
}

impl Event {
    /// An event of which nothing is told but that it happened.
    pub(super) fn new(noun: Noun, ordinal: Ordinal, kind: EventKind, time: Time) -> Self {
        let id = EventId { noun, ordinal, time, kind };
        Self { id, facts: Facts::default(), details: Details::default() }
    }
}

/// What the log tells of an event, beside its kind, its time, its ordinal and its space. No member holds an identifier's value, a name
/// or a trait.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The identifier's type.
    pub id_type: Option<IdentifierType>,
    /// What the log calls the identifier or the profile.
    pub subject: Option<Subject>,
    /// The token that did it; of a token's own events, that token.
    pub token_id: Option<TokenId>,
    /// The request that did it, where the item bears it: of what a job deleted, the one that made the job. So a search by
    /// request finds what the request deleted or made, and the changes of segments under an idempotency key; it does not
    /// find controls and ends of jobs, loads and merges, nor changes of tokens and spaces.
    pub request_id: Option<RequestId>,
    /// The job that did it, or that it is about; of a segment's change, the one whose segment it is then.
    pub job_id: Option<JobId>,
    /// Why: `request` or `job` of a deletion. `dry_run` where a job was made or ended that only finds out what it would do.
    pub reason: Option<Word>,
    /// The segment, or that of the job.
    pub segment_id: Option<SegmentId>,
    /// Rows of a job, by outcome and in all, or what the deletion of a profile removed.
    pub counts: BTreeMap<Word, i64>,
    /// The digest of what a job found, or of the outcomes of its rows, once it is verified.
    pub digest: Option<FindingsDigest>,
}

/// What only the journal keeps of an event: what a restore and the sinks need beside [`Facts`]. It holds no raw value
/// either.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// The profile that the identifier points, or pointed, at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_id: Option<ProfileId>,
    /// The profile that this one was merged into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<ProfileId>,
    /// Of a deleted identifier: when it had been stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Time>,
    /// When the latest event that named the identifier happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_time: Option<Time>,
    /// When it was deleted; of a profile, when that began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Time>,
    /// The group of the job that deleted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_group: Option<GroupHash>,
    /// That job's row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_row: Option<RowRef>,
    /// Where the token's record is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_hash: Option<TokenHash>,
    /// What the token may do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// When the token stops by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,
    /// Why Efface controlled a job itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// When the job may start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_at: Option<Time>,
    /// Where the segment stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment_state: Option<SegmentState>,
    /// The job that deletes its members, or will.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_job: Option<JobId>,
}

/// What the log calls an identifier or a profile. Its text is 43 characters of base64url.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The commitment of this life of an identifier: who has the value and the nonce can check it, by the rule by which the
    /// value was normalised.
    Commitment(Commitment, Normalisation),
    /// The keyed hash of an identifier whose item has no commitment: only the operator can tie it to a value.
    Keyed(IdHash),
    /// The hash of a profile's id.
    Profile(ProfileSubject),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Commitment(commitment, _) => commitment.fmt(f),
            Self::Keyed(hash) => hash.fmt(f),
            Self::Profile(profile) => profile.fmt(f),
        }
    }
}

/// `SHA-256("profile" ‖ 0 ‖ profile id)`, the id as clients see it: `use_…`. An id is 128 random bits: who has it can find
/// the profile's entries, and nobody can try ids.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProfileSubject([u8; 32]);

impl ProfileSubject {
    /// What the log calls this profile.
    pub fn of(profile: ProfileId) -> Self {
        Self(Sha256::new().chain_update(b"profile\0").chain_update(profile.to_string()).finalize().into())
    }
}

hash_as_text!(ProfileSubject, "profile's subject");
debug_as_fingerprint!(ProfileSubject);

/// A word of the log: 1 to 64 of `a-z 0-9 _`. This version writes only words of the program; what is read may be one that a
/// later version added.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Word(Cow<'static, str>);

impl Word {
    /// A word of the program.
    pub(super) const fn of(word: &'static str) -> Self {
        Self(Cow::Borrowed(word))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Word {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let is_plain = text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'));
        let fits = (1..=64).contains(&text.len()) && is_plain;
        if fits { Ok(Self(text.to_owned().into())) } else { Err(BadId("word of the log")) }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

serde_as_text!(ProfileSubject, Word);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deletion::tests::profile;

    #[test]
    fn a_profiles_subject_is_what_it_says() {
        // Computed with Python's hashlib.
        let subject = ProfileSubject::of(profile(1));
        assert_eq!(subject.to_string(), "tYMQAG4GsPNkupW3HlbjHWknUgV1CqwWEJ00t8SfgEw");
        assert_eq!(subject.to_string().parse(), Ok(subject));
        assert_ne!(subject, ProfileSubject::of(profile(2)));
    }

    #[test]
    fn words_are_plain() {
        for good in ["request", "dry_run", "other_2"] {
            assert_eq!(good.parse::<Word>().unwrap().as_str(), good);
        }
        for bad in ["", "A", "a b", "é", "a@b.c", &"a".repeat(65)] {
            assert!(bad.parse::<Word>().is_err(), "{bad}");
        }
    }
}
