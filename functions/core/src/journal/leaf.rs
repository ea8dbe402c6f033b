//! The public part of an entry: what the log has of an event, as canonical JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Event, EventKind, Facts, Noun, Ordinal, Subject, Word};
use crate::{
    id::{BadId, RequestId},
    identifier::{IdentifierType, Normalisation},
    job::{JobId, finding::FindingsDigest},
    json::Object,
    log::verify::SubjectKind,
    segment::SegmentId,
    space::SpaceId,
    time::Time,
    token::TokenId,
};

/// The form of the leaves that this version writes.
const VERSION: u64 = 1;

/// The bytes of the leaf of an event: compact JSON with the members in this order, absent ones left out:
/// `v`, `time`, `space`, `event`, `id_type`, `subject`, `normalisation`, `subject_kind`, `generation`, `version`,
/// `token_id`, `request_id`, `job_id`, `reason`, `segment_id`, `counts`, `digest`. They are a function of the space and the
/// event alone: an entry has no number in it.
///
/// The members of `counts` are sorted. The event's ordinal is `generation` where the event is about an identifier, and
/// `version` where it is about a segment, a job or the space. Where the subject is a commitment, there is a `normalisation`
/// and no `subject_kind`.
///
/// Members that a later version adds are ignored when a leaf is read. Its bytes are kept as they are, because the log has
/// their hash.
pub(super) fn write(space: &SpaceId, event: &Event) -> Result<String, serde_json::Error> {
    serde_json::to_string(&Written::new(space.clone(), event.clone()))
}

/// What of a leaf every version must be able to read.
#[derive(Deserialize)]
pub(super) struct Known {
    v: u64,
    pub(super) time: Time,
    pub(super) space: SpaceId,
    pub(super) event: EventKind,
    pub(super) job_id: Option<JobId>,
    pub(super) request_id: Option<RequestId>,
}

impl Known {
    /// Reads it, if the leaf has a form that this version knows.
    pub(super) fn read(leaf: &str) -> Option<Self> {
        serde_json::from_str(leaf).ok().map(|Object(known)| known).filter(|known: &Self| known.v == VERSION)
    }
}

/// What a leaf tells, if this version knows all of it that it has a member for.
pub(super) fn facts(leaf: &str) -> Option<Facts> {
    let Object(written) = serde_json::from_str::<Object<Written>>(leaf).ok()?;
    written.facts().ok()
}

/// The ordinal of a leaf, where it has one: a generation or a version.
pub(super) fn ordinal(leaf: &str) -> Option<Ordinal> {
    let Object(Written { generation, version, .. }) = serde_json::from_str::<Object<Written>>(leaf).ok()?;
    generation.or(version)
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
    version: Option<Ordinal>,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<FindingsDigest>,
}

impl Written {
    fn new(space: SpaceId, Event { id, facts, .. }: Event) -> Self {
        let Facts { id_type, subject, token_id, request_id, job_id, reason, segment_id, counts, digest } = facts;
        let (normalisation, subject_kind) = match subject {
            Some(Subject::Commitment(_, rule)) => (Some(rule), None),
            Some(Subject::Keyed(_)) => (None, Some(SubjectKind::Keyed)),
            Some(Subject::Profile(_)) => (None, Some(SubjectKind::Profile)),
            None => (None, None),
        };
        Self {
            v: VERSION,
            time: id.time,
            space,
            event: id.kind,
            id_type,
            subject: subject.map(|subject| subject.to_string()),
            normalisation,
            subject_kind,
            generation: matches!(id.noun, Noun::Identifier(_)).then_some(id.ordinal),
            version: matches!(id.noun, Noun::Segment(_) | Noun::Space | Noun::Job(_)).then_some(id.ordinal),
            token_id,
            request_id,
            job_id,
            reason,
            segment_id,
            counts,
            digest,
        }
    }

    fn facts(self) -> Result<Facts, BadId> {
        let (kind, rule) = (self.subject_kind.unwrap_or_default(), self.normalisation);
        let subject = self.subject.map(|text| match kind {
            SubjectKind::Commitment => {
                let rule = rule.ok_or(BadId("rule of a commitment"))?;
                text.parse().map(|commitment| Subject::Commitment(commitment, rule))
            }
            SubjectKind::Keyed => text.parse().map(Subject::Keyed),
            SubjectKind::Profile => text.parse().map(Subject::Profile),
        });
        Ok(Facts {
            id_type: self.id_type,
            subject: subject.transpose()?,
            token_id: self.token_id,
            request_id: self.request_id,
            job_id: self.job_id,
            reason: self.reason,
            segment_id: self.segment_id,
            counts: self.counts,
            digest: self.digest,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        deletion::tests::{at, profile, request},
        journal::{ProfileSubject, samples::space},
        key::IdHash,
        log::Commitment,
    };

    fn full() -> Event {
        let facts = Facts {
            id_type: Some("email".parse().unwrap()),
            subject: Some(Subject::Keyed(IdHash::from_bytes([7; 32]))),
            token_id: Some("tok_1".parse().unwrap()),
            request_id: Some(request(9)),
            job_id: Some(JobId::of_request(request(9))),
            reason: Some(Word::of("job")),
            segment_id: Some("vip".parse().unwrap()),
            counts: [(Word::of("failed"), 0), (Word::of("deleted"), 3)].into(),
            digest: Some(FindingsDigest::default()),
        };
        let noun = Noun::Identifier(IdHash::from_bytes([7; 32]));
        Event { facts, ..Event::new(noun, Ordinal::fixed(2), EventKind::IdentifierRemoved, at(9)) }
    }

    fn written(event: &Event) -> String {
        write(&space(), event).unwrap()
    }

    #[test]
    fn members_have_an_order() {
        let expected = concat!(
            r#"{"v":1,"time":"1970-01-01T00:00:09.000Z","space":"spa_demo","event":"identifier.removed","id_type":"email","#,
            r#""subject":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc","subject_kind":"keyed","generation":2,"#,
            r#""token_id":"tok_1","request_id":"00000000-2328-7101-8101-010101010101","#,
            r#""job_id":"job_00000000232871018101010101010101","reason":"job","segment_id":"vip","#,
            r#""counts":{"deleted":3,"failed":0},"digest":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#
        );
        assert_eq!(written(&full()), expected);
        assert_eq!(facts(expected), Some(full().facts));
    }

    #[test]
    fn absent_members_are_left_out() {
        for (subject, members) in [
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
            let event = Event::new(Noun::Space, Ordinal::fixed(1), EventKind::SpaceChanged, at(9));
            let event = Event { facts: Facts { subject, ..Facts::default() }, ..event };
            let expected = format!(
                r#"{{"v":1,"time":"1970-01-01T00:00:09.000Z","space":"spa_demo","event":"space.changed"{members},"version":1}}"#
            );
            assert_eq!(written(&event), expected);
            assert_eq!(facts(&expected), Some(event.facts));
        }
    }

    #[test]
    fn the_ordinal_is_a_generation_or_a_version_where_it_counts() {
        let noun = |text: &str| text.parse::<Noun>().unwrap();
        for (noun, name) in [
            (Noun::Job(JobId::of_request(request(9))), r#","version":7"#),
            (noun("G#vip"), r#","version":7"#),
            (noun("T#tok_1"), ""),
            (Noun::Profile(profile(1)), ""),
            (Noun::Identifier(IdHash::from_bytes([7; 32])), r#","generation":7"#),
        ] {
            let json = written(&Event::new(noun, Ordinal::fixed(7), EventKind::JournalGap, at(9)));
            assert!(json.ends_with(&format!(r#""event":"journal.gap"{name}}}"#)), "{json}");
        }
    }

    #[test]
    fn what_a_later_version_adds_is_ignored_and_what_is_wrong_is_an_error() {
        let json = written(&full());
        let later = json.replace(r#""v":1"#, r#""v":1,"later":{"x":1}"#).replace("identifier.removed", "hold.placed");
        assert_eq!(Known::read(&later).unwrap().event, "hold.placed".parse().unwrap());
        assert_eq!(facts(&later), Some(full().facts));
        for (from, to, is_known) in [
            (r#""v":1"#, r#""v":2"#, false),
            (r#""v":1,"#, "", false),
            (r#""event":"identifier.removed""#, r#""event":"removed""#, false),
            (r#""space":"spa_demo""#, r#""space":"a b""#, false),
            (r#""job_id":"job"#, r#""job_id":"bob"#, false),
            (r#""subject_kind":"keyed""#, r#""subject_kind":"name""#, true),
            (r#","subject_kind":"keyed""#, "", true),
            (r#""subject":"Bw"#, r#""subject":"bw=="#, true),
            (r#""reason":"job""#, r#""reason":"A name""#, true),
            (r#""generation":2"#, r#""generation":-2"#, true),
        ] {
            assert!(json.contains(from), "{from}");
            let wrong = json.replace(from, to);
            assert_eq!(Known::read(&wrong).is_some(), is_known, "{to}");
            assert!(!is_known || facts(&wrong).is_none(), "{to}");
        }
    }
}
