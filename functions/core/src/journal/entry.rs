//! An entry of the journal: an event as bytes, the leaf that the log gets and the private part beside it.
//!
//! Two versions write to one journal during a deployment, and the older one must be able to adopt, commit, index and count
//! what the newer one put: else the space stands still. So an entry is read strictly only as far as that needs it. The rest
//! is read when it is asked for, and may then be what only a later version knows. Where that does not suffice, as where the
//! leaf's `v` or the version of a [`Pack`](super::Pack) changes, the readers of the new form must be deployed one release
//! before its writers.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Details, Event, EventId, Facts, Noun, Ordinal, leaf, search::Told};
use crate::{
    id::RequestId,
    job::JobId,
    json::Object,
    log::{self, Hash},
    space::SpaceId,
};

/// Why bytes are no entry. No message quotes them.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum EntryError {
    /// The leaf is not one that this version can read.
    #[error("the leaf is not JSON of the form that this version reads")]
    Leaf,
    /// The private part is not one that this version can read.
    #[error("the private part is not JSON of the form that this version reads")]
    Private,
    /// A part is no entry that the log could take.
    #[error(transparent)]
    Part(#[from] log::BadEntry),
}

/// The private part as it is written.
#[derive(Serialize)]
struct Written<'a> {
    noun: &'a Noun,
    ordinal: Ordinal,
    #[serde(flatten)]
    details: &'a Details,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    rebuilt: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    lost: bool,
}

/// What of the private part every version must be able to read.
#[derive(Deserialize)]
struct Known {
    noun: Noun,
    ordinal: Ordinal,
    #[serde(default)]
    rebuilt: bool,
    #[serde(default)]
    lost: bool,
}

/// An entry: its two parts as they are written, and what is read of them. What a later version wrote is kept byte for byte.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    leaf_json: log::Entry<'static>,
    private_json: log::Entry<'static>,
    id: EventId,
    space: SpaceId,
    job: Option<JobId>,
    request: Option<RequestId>,
    rebuilt: bool,
    lost: bool,
}

impl Entry {
    /// The entry of an event that was captured.
    pub fn captured(space: &SpaceId, event: &Event) -> Result<Self, EntryError> {
        Self::of(space, event, false)
    }

    /// The entry of an event that was made of the present item, because the change itself was never captured.
    pub fn rebuilt(space: &SpaceId, event: &Event) -> Result<Self, EntryError> {
        Self::of(space, event, true)
    }

    fn of(space: &SpaceId, event: &Event, rebuilt: bool) -> Result<Self, EntryError> {
        let Event { id, facts, details, .. } = event;
        let private = Written { noun: &id.noun, ordinal: id.ordinal, details, rebuilt, lost: false };
        Ok(Self {
            leaf_json: log::Entry::new(leaf::write(space, event).map_err(|_| EntryError::Leaf)?)?,
            private_json: log::Entry::new(serde_json::to_string(&private).map_err(|_| EntryError::Private)?)?,
            id: id.clone(),
            space: space.clone(),
            job: facts.job_id,
            request: facts.request_id,
            rebuilt,
            lost: false,
        })
    }

    /// The entry of a leaf that only the log has any more, about this noun. Its details are lost.
    pub fn refilled(leaf: &log::Entry<'_>, noun: &Noun, ordinal: Ordinal) -> Result<Self, EntryError> {
        let private = Written { noun, ordinal, details: &Details::default(), rebuilt: false, lost: true };
        let private = serde_json::to_string(&private).map_err(|_| EntryError::Private)?;
        Self::read(leaf.as_bytes(), private.as_bytes())
    }

    /// Reads the two parts of an entry.
    pub fn read(leaf: &[u8], private: &[u8]) -> Result<Self, EntryError> {
        let leaf_json = log::Entry::from_bytes(leaf)?.into_owned();
        let private_json = log::Entry::from_bytes(private)?.into_owned();
        let leaf = leaf::Known::read(leaf_json.as_str()).ok_or(EntryError::Leaf)?;
        let Object(private) = serde_json::from_str(private_json.as_str()).map_err(|_| EntryError::Private)?;
        let Known { noun, ordinal, rebuilt, lost } = private;
        let id = EventId { noun, ordinal, time: leaf.time, kind: leaf.event };
        let (job, request) = (leaf.job_id, leaf.request_id);
        Ok(Self { leaf_json, private_json, id, space: leaf.space, job, request, rebuilt, lost })
    }

    /// The id of its event.
    pub fn id(&self) -> &EventId {
        &self.id
    }

    /// Its space.
    pub fn space(&self) -> &SpaceId {
        &self.space
    }

    /// The job that it is of.
    pub fn job(&self) -> Option<JobId> {
        self.job
    }

    /// The request that it is of.
    pub fn request(&self) -> Option<RequestId> {
        self.request
    }

    /// Whether it was made of the present item, because the change itself was never captured.
    pub fn is_rebuilt(&self) -> bool {
        self.rebuilt
    }

    /// Whether its details are lost, and perhaps its noun: only the log had it any more.
    pub fn is_lost(&self) -> bool {
        self.lost
    }

    /// What the log tells of its event.
    pub fn facts(&self) -> Result<Facts, EntryError> {
        leaf::facts(self.leaf_json.as_str()).ok_or(EntryError::Leaf)
    }

    /// What the log tells of its event, whichever version wrote it.
    pub fn told(&self) -> Result<Told, EntryError> {
        serde_json::from_str(self.leaf_json.as_str()).map(|Object(told)| told).map_err(|_| EntryError::Leaf)
    }

    /// What only the journal keeps of it.
    pub fn details(&self) -> Result<Details, EntryError> {
        serde_json::from_str(self.private_json.as_str()).map(|Object(details)| details).map_err(|_| EntryError::Private)
    }

    /// The leaf as it is written: the log's entry.
    pub fn leaf_json(&self) -> &log::Entry<'static> {
        &self.leaf_json
    }

    /// The private part as it is written.
    pub fn private_json(&self) -> &log::Entry<'static> {
        &self.private_json
    }

    /// The log's hash of the leaf.
    pub fn leaf_hash(&self) -> Hash {
        Hash::leaf(&self.leaf_json)
    }
}

/// What was read, with fingerprints in the place of hashes; not the texts.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, space, rebuilt, lost, .. } = self;
        let mut parts = f.debug_struct("Entry");
        parts.field("id", id).field("space", space).field("rebuilt", rebuilt).field("lost", lost);
        parts.field("facts", &self.facts()).field("details", &self.details()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        journal::{
            Pack,
            samples::{removed, space},
        },
        token::Token,
    };

    #[test]
    fn an_entry_is_read_back() {
        let event = removed(1);
        for (entry, rebuilt) in
            [(Entry::captured(&space(), &event).unwrap(), false), (Entry::rebuilt(&space(), &event).unwrap(), true)]
        {
            let read = Entry::read(entry.leaf_json().as_bytes(), entry.private_json().as_bytes());
            assert_eq!(read.as_ref(), Ok(&entry));
            assert_eq!((entry.id(), entry.space(), entry.is_rebuilt()), (&event.id, &space(), rebuilt));
            assert_eq!((entry.job(), entry.request()), (event.facts.job_id, event.facts.request_id));
            assert_eq!((entry.facts(), entry.details()), (Ok(event.facts.clone()), Ok(event.details.clone())));
        }
    }

    #[test]
    fn whether_it_was_rebuilt_is_not_in_the_log() {
        let [captured, rebuilt] =
            [Entry::captured(&space(), &removed(1)), Entry::rebuilt(&space(), &removed(1))].map(Result::unwrap);
        assert_eq!(captured.leaf_json(), rebuilt.leaf_json());
        assert_eq!(captured.leaf_hash(), Hash::leaf(rebuilt.leaf_json()));
        assert_ne!(captured.private_json(), rebuilt.private_json());
    }

    #[test]
    fn of_an_entry_that_only_the_log_has_the_details_are_lost() {
        let captured = Entry::captured(&space(), &removed(1)).unwrap();
        let EventId { noun, ordinal, .. } = captured.id();
        let refilled = Entry::refilled(captured.leaf_json(), noun, *ordinal).unwrap();
        assert_eq!((refilled.id(), refilled.leaf_json()), (captured.id(), captured.leaf_json()));
        assert_eq!((refilled.is_lost(), refilled.details()), (true, Ok(Details::default())));
        assert_eq!(
            (refilled.job(), refilled.request(), captured.is_lost()),
            (captured.job(), captured.request(), false)
        );
        let read = Entry::read(refilled.leaf_json().as_bytes(), refilled.private_json().as_bytes());
        assert_eq!(read, Ok(refilled));
    }

    #[test]
    fn what_this_version_does_not_know_is_kept() {
        let entry = Entry::captured(&space(), &removed(1)).unwrap();
        let later = |part: &log::Entry<'_>, more: &str| part.as_str().replacen('{', &format!("{{{more},"), 1);
        for (leaf, private, facts, details) in [
            (r#""later":[1]"#, r#""later":[1]"#, Ok(removed(1).facts), Ok(removed(1).details)),
            (r#""subject_kind":"later""#, r#""role":"later""#, Err(EntryError::Leaf), Err(EntryError::Private)),
            (r#""normalisations":1"#, r#""cause":"later""#, Ok(removed(1).facts), Err(EntryError::Private)),
        ] {
            let (leaf, private) = (later(entry.leaf_json(), leaf), later(entry.private_json(), private));
            let leaf = leaf.replace("identifier.removed", "identifier.frozen");
            let read = Entry::read(leaf.as_bytes(), private.as_bytes()).unwrap();
            assert_eq!((read.leaf_json().as_str(), read.private_json().as_str()), (&*leaf, &*private));
            let kind = "identifier.frozen".parse().unwrap();
            assert_eq!(read.id(), &EventId { kind, ..entry.id().clone() });
            assert_eq!((read.request(), read.facts(), read.details()), (entry.request(), facts, details));
        }
    }

    #[test]
    fn no_hash_is_printed_whole() {
        let token_hash = Token::from_random([1; 32]).hash();
        let mut event = removed(1);
        event.details.token_hash = Some(token_hash.clone());
        let entry = Entry::captured(&space(), &event).unwrap();
        let printed = format!("{:?}", Pack::new(0, vec![entry.clone()]).unwrap());
        let Noun::Identifier(hash) = entry.id().noun else { panic!("{entry:?}") };
        let subject = entry.facts().unwrap().subject.unwrap().to_string();
        for hash in [hash.to_string(), subject, token_hash.to_string()] {
            assert!(printed.contains(&hash[..8]) && !printed.contains(&hash), "{printed}");
        }
    }

    #[test]
    fn anything_else_is_an_error() {
        let entry = Entry::captured(&space(), &removed(1)).unwrap();
        let (leaf, private) = (entry.leaf_json().as_bytes(), entry.private_json().as_bytes());
        for (leaf, private, expected) in [
            (&b"{}"[..], private, EntryError::Leaf),
            (&leaf[..leaf.len() - 1], private, EntryError::Leaf),
            (&[leaf, b"x"].concat(), private, EntryError::Leaf),
            (&[0xff], private, EntryError::Part(log::BadEntry::NotText)),
            (leaf, b"{}", EntryError::Private),
            (leaf, br#"{"noun":"I#x","ordinal":1}"#, EntryError::Private),
            (leaf, br#"["S#-",1]"#, EntryError::Private),
            (
                leaf,
                &vec![b' '; log::MAX_ENTRY_BYTES + 1],
                EntryError::Part(log::BadEntry::TooLong(log::MAX_ENTRY_BYTES + 1)),
            ),
        ] {
            assert_eq!(Entry::read(leaf, private), Err(expected));
        }
    }
}
