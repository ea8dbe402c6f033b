//! The public part of an entry: what the log has of an event, as canonical JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de};

use super::{Event, EventKind, Facts, Ordinal, Subject, Word};
use crate::{
    id::{BadId, RequestId},
    identifier::{IdentifierType, Normalisation},
    job::JobId,
    log::verify::SubjectKind,
    segment::SegmentId,
    space::SpaceId,
    time::Time,
    token::TokenId,
};

/// The form of the leaves that this version writes.
const VERSION: u64 = 1;

/// What the log has of an event. Its bytes are compact JSON with the members in this order, absent ones left out:
/// `v`, `time`, `space`, `event`, `id_type`, `subject`, `normalisation`, `subject_kind`, `generation`, `token_id`, `request_id`, `job_id`,
/// `reason`, `segment_id`, `counts`; the members of `counts` are sorted. `subject_kind` is absent where the subject is a
/// commitment; only then there is a `normalisation`. They are a function of the space and the event alone: an entry has no number in it.
///
/// Members that a later version adds are ignored when a leaf is read. Its bytes are kept as they are, because the log has
/// their hash.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Leaf {
    /// When it happened.
    pub time: Time,
    /// Where.
    pub space: SpaceId,
    /// What happened.
    pub kind: EventKind,
    /// The rest.
    pub facts: Facts,
}

impl Leaf {
    /// The leaf of an event.
    pub fn of(space: &SpaceId, event: &Event) -> Self {
        let Event { id, time, facts, .. } = event;
        Self { time: *time, space: space.clone(), kind: id.kind.clone(), facts: facts.clone() }
    }

    /// Its bytes in the log.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(&Written::from(self.clone()))
    }
}

/// The leaf as it is written: its members in their order.
#[derive(Serialize, Deserialize)]
struct Written {
    v: u64,
    time: Time,
    space: SpaceId,
    event: EventKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id_type: Option<IdentifierType>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    normalisation: Option<Normalisation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject_kind: Option<SubjectKind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    generation: Option<Ordinal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token_id: Option<TokenId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request_id: Option<RequestId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    job_id: Option<JobId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<Word>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    segment_id: Option<SegmentId>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    counts: BTreeMap<Word, i64>,
}

impl From<Leaf> for Written {
    fn from(Leaf { time, space, kind, facts }: Leaf) -> Self {
        let Facts { id_type, subject, generation, token_id, request_id, job_id, reason, segment_id, counts } = facts;
        let (normalisation, subject_kind) = match subject {
            Some(Subject::Commitment(_, rule)) => (Some(rule), None),
            Some(Subject::Keyed(_)) => (None, Some(SubjectKind::Keyed)),
            Some(Subject::Profile(_)) => (None, Some(SubjectKind::Profile)),
            None => (None, None),
        };
        Self {
            v: VERSION,
            time,
            space,
            event: kind,
            id_type,
            subject: subject.map(|subject| subject.to_string()),
            normalisation,
            subject_kind,
            generation,
            token_id,
            request_id,
            job_id,
            reason,
            segment_id,
            counts,
        }
    }
}

impl TryFrom<Written> for Leaf {
    type Error = de::value::Error;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let bad = |what: &str| de::Error::custom(what);
        if written.v != VERSION {
            return Err(bad("a leaf of a form that this version does not know"));
        }
        let (kind, rule) = (written.subject_kind.unwrap_or_default(), written.normalisation);
        let subject = written.subject.map(|text| match kind {
            SubjectKind::Commitment => {
                let rule = rule.ok_or(BadId("rule of a commitment"))?;
                text.parse().map(|commitment| Subject::Commitment(commitment, rule))
            }
            SubjectKind::Keyed => text.parse().map(Subject::Keyed),
            SubjectKind::Profile => text.parse().map(Subject::Profile),
        });
        let facts = Facts {
            id_type: written.id_type,
            subject: subject.transpose().map_err(|_| bad("a subject that is not of its kind"))?,
            generation: written.generation,
            token_id: written.token_id,
            request_id: written.request_id,
            job_id: written.job_id,
            reason: written.reason,
            segment_id: written.segment_id,
            counts: written.counts,
        };
        Ok(Self { time: written.time, space: written.space, kind: written.event, facts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        deletion::tests::{at, profile, request},
        journal::{Noun, ProfileSubject},
        key::IdHash,
        log::Commitment,
    };

    fn full() -> Leaf {
        let facts = Facts {
            id_type: Some("email".parse().unwrap()),
            subject: Some(Subject::Keyed(IdHash::from_bytes([7; 32]))),
            generation: Some(Ordinal::fixed(2)),
            token_id: Some("tok_1".parse().unwrap()),
            request_id: Some(request(9)),
            job_id: Some(JobId::of_request(request(9))),
            reason: Some(Word::of("job")),
            segment_id: Some("vip".parse().unwrap()),
            counts: [(Word::of("failed"), 0), (Word::of("deleted"), 3)].into(),
        };
        let event = Event::new(Noun::Space, Ordinal::fixed(1), EventKind::IdentifierRemoved, at(9));
        Leaf::of(&SpaceId::parse("spa_demo").unwrap(), &Event { facts, ..event })
    }

    #[test]
    fn members_have_an_order() {
        let expected = concat!(
            r#"{"v":1,"time":"1970-01-01T00:00:09.000Z","space":"spa_demo","event":"identifier.removed","id_type":"email","#,
            r#""subject":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc","subject_kind":"keyed","generation":2,"#,
            r#""token_id":"tok_1","request_id":"00000000-2328-7101-8101-010101010101","#,
            r#""job_id":"job_00000000232871018101010101010101","reason":"job","segment_id":"vip","#,
            r#""counts":{"deleted":3,"failed":0}}"#
        );
        assert_eq!(full().to_json().unwrap(), expected);
        assert_eq!(serde_json::from_str::<Leaf>(expected).unwrap(), full());
    }

    #[test]
    fn absent_members_are_left_out() {
        for (subject, written) in [
            (None, String::new()),
            (
                Some(Subject::Commitment(Commitment::from_bytes([0; 32]), Normalisation::Lowercase)),
                format!(r#","subject":"{}","normalisation":"lowercase""#, "A".repeat(43)),
            ),
            (
                Some(Subject::Profile(ProfileSubject::of(profile(1)))),
                format!(r#","subject":"{}","subject_kind":"profile""#, ProfileSubject::of(profile(1))),
            ),
        ] {
            let leaf = Leaf { facts: Facts { subject, ..Facts::default() }, kind: EventKind::SpaceChanged, ..full() };
            let expected = format!(
                r#"{{"v":1,"time":"1970-01-01T00:00:09.000Z","space":"spa_demo","event":"space.changed"{written}}}"#
            );
            assert_eq!(leaf.to_json().unwrap(), expected);
            assert_eq!(serde_json::from_str::<Leaf>(&expected).unwrap(), leaf);
        }
    }

    #[test]
    fn what_a_later_version_adds_is_ignored_and_what_is_wrong_is_an_error() {
        let json = full().to_json().unwrap();
        let later = json.replace(r#""v":1"#, r#""v":1,"later":{"x":1}"#).replace("identifier.removed", "hold.placed");
        assert_eq!(serde_json::from_str::<Leaf>(&later).unwrap().kind, "hold.placed".parse().unwrap());
        for (from, to) in [
            (r#""v":1"#, r#""v":2"#),
            (r#""v":1,"#, ""),
            (r#""subject_kind":"keyed""#, r#""subject_kind":"name""#),
            (r#","subject_kind":"keyed""#, ""),
            (r#""subject":"Bw"#, r#""subject":"bw=="#),
            (r#""reason":"job""#, r#""reason":"A name""#),
            (r#""generation":2"#, r#""generation":-2"#),
            (r#""event":"identifier.removed""#, r#""event":"removed""#),
            (r#""space":"spa_demo""#, r#""space":"a b""#),
        ] {
            assert!(json.contains(from), "{from}");
            assert!(serde_json::from_str::<Leaf>(&json.replace(from, to)).is_err(), "{to}");
        }
    }
}
