//! What a search of a journal looks for, and what it tells of the entries that it finds.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{Entry, EventKind, Noun, counts::Day};
use crate::{id::RequestId, job::JobId, key::IdHash, segment::SegmentId, time::Time, token::TokenId};

/// The bytes of a digest that a cursor holds: enough to notice that it is another search's.
const DIGEST_BYTES: usize = 12;

/// What entries must have to be found. Whatever is given must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Criteria {
    /// It happened at this time or later.
    pub from: Option<Time>,
    /// It happened before this time.
    pub to: Option<Time>,
    /// What happened.
    pub kind: Option<EventKind>,
    /// The token that did it.
    pub token: Option<TokenId>,
    /// The job that did it, or that it is about.
    pub job: Option<JobId>,
    /// The request that did it.
    pub request: Option<RequestId>,
    /// The segment, or that of the job.
    pub segment: Option<SegmentId>,
    /// The identifier that it is about.
    pub identifier: Option<IdHash>,
}

/// What a leaf tells to people and programs, whichever version wrote it: its members as they stand there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Told {
    /// The identifier's type.
    pub id_type: Option<String>,
    /// What the log calls the identifier or the profile.
    pub subject: Option<String>,
    /// The token that did it.
    pub token_id: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// The segment, or that of the job.
    pub segment_id: Option<String>,
    /// Rows of a job, or what the deletion of a profile removed.
    pub counts: Option<BTreeMap<String, i64>>,
}

impl Criteria {
    /// Whether an entry, which tells this, is one of those that are looked for.
    pub fn fit(&self, entry: &Entry, told: &Told) -> bool {
        let is = |wanted: Option<&str>, found: Option<&String>| {
            wanted.is_none_or(|wanted| found.is_some_and(|it| it == wanted))
        };
        let id = entry.id();
        self.from.is_none_or(|from| id.time >= from)
            && self.to.is_none_or(|to| id.time < to)
            && self.kind.as_ref().is_none_or(|kind| id.kind == *kind)
            && self.job.is_none_or(|job| entry.job() == Some(job))
            && self.request.is_none_or(|request| entry.request() == Some(request))
            && self.identifier.is_none_or(|hash| id.noun == Noun::Identifier(hash))
            && is(self.token.as_ref().map(TokenId::as_str), told.token_id.as_ref())
            && is(self.segment.as_ref().map(SegmentId::as_str), told.segment_id.as_ref())
    }

    /// The days on which everything happened that is looked for, the first and the last; `None` where they have no first.
    pub fn days(&self) -> Option<(Day, Day)> {
        let last = self.to.map_or(Day::LAST, |to| Day::of(to.just_before()));
        self.from.map(|from| (Day::of(from), last))
    }

    /// Whether the counts of [`days`](Self::days) count an entry among those that may fit.
    pub fn is_counted(&self, entry: &Entry) -> bool {
        let day = Day::of(entry.id().time);
        let is_on = self.days().is_some_and(|(first, last)| (first..=last).contains(&day));
        is_on && self.kind.as_ref().is_none_or(|kind| entry.id().kind == *kind)
    }

    /// How many entries of a day may fit.
    pub fn count(&self, entries: &BTreeMap<EventKind, u64>) -> u64 {
        let of = |kind: &EventKind| self.kind.as_ref().is_none_or(|wanted| wanted == kind);
        entries.iter().filter(|(kind, _)| of(kind)).map(|(_, count)| count).sum()
    }

    /// A short digest of what is looked for, by which a cursor is known to be of the same search. The identifier is in it by
    /// its keyed hash.
    pub fn digest(&self) -> String {
        let Self { from, to, kind, token, job, request, segment, identifier } = self;
        let text = |part: Option<String>| part.map_or_else(String::new, |part| format!("={part}"));
        let parts = [
            text(from.map(|it| it.to_string())),
            text(to.map(|it| it.to_string())),
            text(kind.as_ref().map(ToString::to_string)),
            text(token.as_ref().map(ToString::to_string)),
            text(job.map(|it| it.to_string())),
            text(request.map(|it| it.to_string())),
            text(segment.as_ref().map(ToString::to_string)),
            text(identifier.map(|it| it.to_string())),
        ];
        let digest = Sha256::digest(parts.join("\0"));
        URL_SAFE_NO_PAD.encode(&digest[..DIGEST_BYTES])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{
        Event,
        samples::{removed, space},
    };

    fn entry(event: &Event) -> Entry {
        Entry::captured(&space(), event).unwrap()
    }

    /// What fits the entry of [`removed`], one criterion at a time, and the same with another value.
    fn criteria(event: &Event) -> Vec<(Criteria, Criteria)> {
        let other = removed(2);
        let Noun::Identifier(hash) = event.id.noun else { panic!("{event:?}") };
        let Noun::Identifier(other_hash) = other.id.noun else { panic!("{other:?}") };
        let (time, none) = (event.id.time, Criteria::default());
        let request = |event: &Event| event.facts.request_id;
        let job = |event: &Event| request(event).map(JobId::of_request);
        vec![
            (
                Criteria { from: Some(time), ..none.clone() },
                Criteria { from: Some(time.plus_seconds(1)), ..none.clone() },
            ),
            (Criteria { to: Some(time.plus_seconds(1)), ..none.clone() }, Criteria { to: Some(time), ..none.clone() }),
            (
                Criteria { kind: Some(EventKind::IdentifierRemoved), ..none.clone() },
                Criteria { kind: Some(EventKind::IdentifierCreated), ..none.clone() },
            ),
            (
                Criteria { token: event.facts.token_id.clone(), ..none.clone() },
                Criteria { token: Some("tok_x".parse().unwrap()), ..none.clone() },
            ),
            (
                Criteria { request: request(event), ..none.clone() },
                Criteria { request: request(&other), ..none.clone() },
            ),
            (Criteria { job: job(event), ..none.clone() }, Criteria { job: job(&other), ..none.clone() }),
            (
                Criteria { segment: Some("vip".parse().unwrap()), ..none.clone() },
                Criteria { segment: Some("other".parse().unwrap()), ..none.clone() },
            ),
            (Criteria { identifier: Some(hash), ..none.clone() }, Criteria { identifier: Some(other_hash), ..none }),
        ]
    }

    /// The event of [`removed`] with all that can be looked for.
    fn event() -> Event {
        let mut event = removed(1);
        event.facts.job_id = event.facts.request_id.map(JobId::of_request);
        event.facts.segment_id = Some("vip".parse().unwrap());
        event
    }

    #[test]
    fn every_criterion_must_fit() {
        let event = event();
        let entry = entry(&event);
        let told = entry.told().unwrap();
        assert!(Criteria::default().fit(&entry, &told));
        for (fits, other) in criteria(&event) {
            assert!(fits.fit(&entry, &told), "{fits:?}");
            assert!(!other.fit(&entry, &told), "{other:?}");
        }
        let (all, _) = &criteria(&event)[3];
        let both = Criteria { segment: Some("other".parse().unwrap()), ..all.clone() };
        assert!(!both.fit(&entry, &told));
    }

    #[test]
    fn a_search_is_known_by_its_digest() {
        let mut digests: Vec<String> = criteria(&event()).iter().flat_map(|(a, b)| [a.digest(), b.digest()]).collect();
        digests.push(Criteria::default().digest());
        let count = digests.len();
        digests.sort();
        digests.dedup();
        assert_eq!(digests.len(), count);
        assert_eq!(Criteria::default().digest().len(), 16);
    }

    #[test]
    fn what_the_counts_of_days_count_may_fit() {
        let time = |text: &str| Some(Time::parse(text).unwrap());
        let midnight = "2026-01-02T00:00:00Z";
        let entry = entry(&removed(1));
        for (from, to, expected) in [
            (None, time(midnight), None),
            (time("2026-01-01T23:00:00Z"), time(midnight), Some(("2026-01-01", "2026-01-01"))),
            (time("2025-12-31T23:00:00Z"), None, Some(("2025-12-31", "9999-12-31"))),
            (time(midnight), time("2026-01-02T00:00:00.001Z"), Some(("2026-01-02", "2026-01-02"))),
        ] {
            let criteria = Criteria { from, to, ..Criteria::default() };
            let days = criteria.days().map(|(first, last)| (first.to_string(), last.to_string()));
            assert_eq!(days, expected.map(|(first, last)| (first.to_owned(), last.to_owned())));
            let is_counted = expected.is_some_and(|(first, last)| first <= "2026-01-01" && last >= "2026-01-01");
            assert_eq!(criteria.is_counted(&entry), is_counted, "{criteria:?}");
        }
        let counts = [(EventKind::IdentifierRemoved, 3), (EventKind::TokenCreated, 4)].into();
        let of = |kind| Criteria { kind, ..Criteria::default() }.count(&counts);
        assert_eq!([of(None), of(Some(EventKind::TokenCreated)), of(Some(EventKind::JobCreated))], [7, 4, 0]);
    }

    #[test]
    fn what_a_later_version_wrote_is_told_as_it_stands_there() {
        let leaf = entry(&removed(1)).leaf_json().as_str().replace("identifier.removed", "hold.placed");
        let leaf = leaf
            .replacen('{', r#"{"subject_kind":"later","reason":"A later reason","#, 1)
            .replace(r#","reason":"request""#, "");
        let private = entry(&removed(1)).private_json().as_str().to_owned();
        let read = Entry::read(leaf.as_bytes(), private.as_bytes()).unwrap();
        assert!(read.facts().is_err());
        let told = read.told().unwrap();
        assert_eq!((read.id().kind.as_str(), told.reason.as_deref()), ("hold.placed", Some("A later reason")));
        assert!(told.subject.is_some() && told.counts.is_none());
    }
}
