//! What becomes of an identifier: its record in the table, and the rules by which it is deleted and comes back.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    job::{Taker, Took},
    profile::{ProfileId, RequestId},
    time::Time,
};

/// How long a deletion remembers the request that asked for it: an Idempotency-Key's 24 hours, and one more for
/// clocks that differ.
pub const REQUEST_MEMORY_SECONDS: i64 = 25 * 3_600;

/// Whether an identifier points at its profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentifierState {
    /// It does.
    Active,
    /// It was deleted: the record is a tombstone and holds no value.
    Deleted,
}

/// Why an identifier was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// By a request for it alone.
    Request,
    /// By a row of a job.
    Job,
}

impl Reason {
    /// The word in the table and in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Job => "job",
        }
    }
}

/// An identifier as the table holds it. The fields of a deletion stay when the identifier comes back: they say what
/// may not come back, and which requests have had their effect already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identifier {
    /// Whether it points at its profile.
    pub state: IdentifierState,
    /// The profile that it points, or pointed, at. Merges do not change it.
    pub profile_id: String,
    /// Its type.
    pub r#type: String,
    /// Its value; absent from a tombstone.
    pub value: Option<String>,
    /// When the latest event that named it happened; unknown where the event did not say.
    pub event_time: Option<Time>,
    /// When it was stored first, or again.
    pub created_at: Time,
    /// When it was deleted last.
    pub deleted_at: Option<Time>,
    /// The token of its last deletion.
    pub token_id: Option<String>,
    /// The request of its last deletion.
    pub request_id: Option<String>,
    /// Why it was deleted last.
    pub reason: Option<Reason>,
    /// The job of its last deletion.
    pub job_id: Option<String>,
    /// That job's group.
    #[serde(default)]
    pub job_group: Option<String>,
    /// The job's row that took it, `page:row`.
    #[serde(default)]
    pub job_row: Option<String>,
    /// The requests that deleted it within [`REQUEST_MEMORY_SECONDS`].
    #[serde(default)]
    pub request_ids: BTreeSet<String>,
}

impl Identifier {
    /// Whether a row of a job, or one that belongs with it, deleted it last.
    pub fn taken_by(&self, taker: &Taker) -> Took {
        taker.compare(self.job_id.as_deref(), self.job_group.as_deref(), self.job_row.as_deref())
    }

    /// The profile that it points at; none where it is deleted.
    pub fn active_profile(&self) -> Option<ProfileId> {
        let profile = ProfileId::parse(&self.profile_id).ok();
        profile.filter(|_| self.state == IdentifierState::Active)
    }
}

/// What a refused conditional deletion found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// This very request has deleted it before: an answer got lost, or a key was sent again. It is a success.
    DoneByThisRequest,
    /// It is active under another profile id: perhaps one that was merged with ours.
    UnderProfile(ProfileId),
    /// There is no such active identifier.
    Nothing,
}

/// Reads what stood in the way of a deletion. The request id is looked for before all else: what was acknowledged
/// once stays acknowledged, even if the identifier has come back since.
pub fn judge(found: Option<&Identifier>, request: &RequestId) -> Found {
    let Some(found) = found else { return Found::Nothing };
    if found.request_ids.contains(&request.to_string()) {
        return Found::DoneByThisRequest;
    }
    match (found.state, ProfileId::parse(&found.profile_id)) {
        (IdentifierState::Active, Ok(profile)) => Found::UnderProfile(profile),
        _ => Found::Nothing,
    }
}

/// What may become of an event's claim to an identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// Nobody has it: store it.
    New,
    /// It was deleted, and the event is later than that: store it again.
    Again,
    /// It is active already.
    Held(ProfileId),
    /// It was deleted after the event: it stays deleted.
    Blocked,
}

/// Decides a claim. An event that does not say when it happened never brings anything back.
pub fn claim(stored: Option<&Identifier>, event_time: Option<Time>) -> Claim {
    let Some(stored) = stored else { return Claim::New };
    // An event dated ahead of the deletion that removed it must not undo that deletion when it is told again.
    let told_before = stored.event_time.filter(|_| stored.state == IdentifierState::Deleted);
    let is_later = match stored.deleted_at {
        Some(deleted_at) => event_time.is_some_and(|event| event > deleted_at && Some(event) > told_before),
        None => true,
    };
    match (stored.state, ProfileId::parse(&stored.profile_id)) {
        _ if !is_later => Claim::Blocked,
        (IdentifierState::Active, Ok(profile)) => Claim::Held(profile),
        _ => Claim::Again,
    }
}

/// The requests that a returning identifier must still remember.
pub fn remembered(request_ids: &BTreeSet<String>, now: Time) -> Vec<String> {
    let horizon = now.plus_seconds(-REQUEST_MEMORY_SECONDS);
    let is_recent = |id: &&String| RequestId::parse(id).ok().and_then(|id| id.time()).is_none_or(|at| at >= horizon);
    request_ids.iter().filter(is_recent).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Time {
        Time::from_millis(second * 1_000).unwrap()
    }

    fn request(second: i64) -> RequestId {
        RequestId::new(at(second), [1; 10])
    }

    fn tombstone(deleted_at: i64) -> Identifier {
        Identifier {
            state: IdentifierState::Deleted,
            profile_id: ProfileId::from_random([1; 16]).as_str().to_owned(),
            r#type: "email".to_owned(),
            value: None,
            event_time: None,
            created_at: at(0),
            deleted_at: Some(at(deleted_at)),
            token_id: None,
            request_id: Some(request(deleted_at).to_string()),
            reason: Some(Reason::Request),
            job_id: None,
            job_group: None,
            job_row: None,
            request_ids: [request(deleted_at).to_string()].into(),
        }
    }

    #[test]
    fn a_lost_answer_is_recognised_and_a_strangers_is_not() {
        let found = tombstone(100);
        assert_eq!(judge(Some(&found), &request(100)), Found::DoneByThisRequest);
        assert_eq!(judge(Some(&found), &request(101)), Found::Nothing);
        assert_eq!(judge(None, &request(100)), Found::Nothing);
    }

    #[test]
    fn an_old_request_is_recognised_after_the_identifier_came_back() {
        let back = Identifier { state: IdentifierState::Active, ..tombstone(100) };
        assert_eq!(judge(Some(&back), &request(100)), Found::DoneByThisRequest);
        assert!(matches!(judge(Some(&back), &request(101)), Found::UnderProfile(_)));
    }

    #[test]
    fn only_a_later_event_brings_an_identifier_back() {
        let stored = tombstone(100);
        for (event, expected) in [
            (None, Claim::Blocked),
            (Some(at(99)), Claim::Blocked),
            (Some(at(100)), Claim::Blocked),
            (Some(at(101)), Claim::Again),
        ] {
            assert_eq!(claim(Some(&stored), event), expected);
        }
        let dated_ahead = Identifier { event_time: Some(at(200)), ..stored.clone() };
        for (event, expected) in [(150, Claim::Blocked), (200, Claim::Blocked), (201, Claim::Again)] {
            assert_eq!(claim(Some(&dated_ahead), Some(at(event))), expected);
        }
        let back = Identifier { state: IdentifierState::Active, ..stored };
        assert_eq!(claim(Some(&back), Some(at(99))), Claim::Blocked, "its claim is older than the deletion");
        assert!(matches!(claim(Some(&back), Some(at(101))), Claim::Held(_)));
        assert_eq!(claim(None, None), Claim::New);
    }

    #[test]
    fn requests_are_remembered_for_25_hours() {
        let ids: BTreeSet<_> = [request(0).to_string(), request(50_000).to_string()].into();
        assert_eq!(remembered(&ids, at(90_001)), [request(50_000).to_string()]);
        assert_eq!(remembered(&ids, at(90_000)).len(), 2);
    }
}
