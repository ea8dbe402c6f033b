//! An entry of the journal: an event as bytes, the leaf that the log gets and the private part beside it.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Details, Event, EventId, Leaf, Noun, Ordinal};
use crate::{
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

/// The part of an entry that is never in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Private {
    /// What the entry is about.
    pub noun: Noun,
    /// Which of the noun's changes it is.
    pub ordinal: Ordinal,
    /// What a restore and the sinks need.
    #[serde(flatten)]
    pub details: Details,
    /// Whether the entry was made of the present item, because the change itself was never captured.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rebuilt: bool,
}

/// An entry: its two parts as they are stored, and as they are read. What a later version wrote is kept byte for byte, also
/// where this version does not know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    leaf_json: log::Entry<'static>,
    private_json: log::Entry<'static>,
    leaf: Leaf,
    private: Private,
}

impl Entry {
    /// The entry of an event that was captured.
    pub fn captured(space: &SpaceId, event: &Event) -> Result<Self, EntryError> {
        Self::of(space, event, false)
    }

    /// The entry of an event that was made of the present item.
    pub fn rebuilt(space: &SpaceId, event: &Event) -> Result<Self, EntryError> {
        Self::of(space, event, true)
    }

    fn of(space: &SpaceId, event: &Event, rebuilt: bool) -> Result<Self, EntryError> {
        let EventId { noun, ordinal, .. } = event.id.clone();
        let private = Private { noun, ordinal, details: event.details.clone(), rebuilt };
        let leaf = Leaf::of(space, event);
        let leaf_json = log::Entry::new(leaf.to_json().map_err(|_| EntryError::Leaf)?)?;
        let private_json = log::Entry::new(serde_json::to_string(&private).map_err(|_| EntryError::Private)?)?;
        Ok(Self { leaf_json, private_json, leaf, private })
    }

    /// Reads the two parts of an entry.
    pub fn read(leaf: &[u8], private: &[u8]) -> Result<Self, EntryError> {
        let leaf_json = log::Entry::from_bytes(leaf)?.into_owned();
        let private_json = log::Entry::from_bytes(private)?.into_owned();
        let leaf = serde_json::from_str(leaf_json.as_str()).map_err(|_| EntryError::Leaf)?;
        let private = serde_json::from_str(private_json.as_str()).map_err(|_| EntryError::Private)?;
        Ok(Self { leaf_json, private_json, leaf, private })
    }

    /// The id of its event.
    pub fn id(&self) -> EventId {
        let Private { noun, ordinal, .. } = &self.private;
        EventId { noun: noun.clone(), ordinal: *ordinal, kind: self.leaf.kind.clone() }
    }

    /// What the log has of it.
    pub fn leaf(&self) -> &Leaf {
        &self.leaf
    }

    /// What the log does not have.
    pub fn private(&self) -> &Private {
        &self.private
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::samples::{removed, space};

    #[test]
    fn an_entry_is_read_back() {
        for (entry, rebuilt) in [
            (Entry::captured(&space(), &removed(1)).unwrap(), false),
            (Entry::rebuilt(&space(), &removed(1)).unwrap(), true),
        ] {
            assert_eq!((entry.id(), entry.private().rebuilt), (removed(1).id, rebuilt));
            assert_eq!(Entry::read(entry.leaf_json().as_bytes(), entry.private_json().as_bytes()).as_ref(), Ok(&entry));
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
    fn what_this_version_does_not_know_is_kept() {
        let entry = Entry::captured(&space(), &removed(1)).unwrap();
        let later = |part: &log::Entry<'_>| part.as_str().replacen('{', r#"{"later":[1],"#, 1);
        let (leaf, private) = (later(entry.leaf_json()), later(entry.private_json()));
        let leaf = leaf.replace("identifier.removed", "identifier.frozen");
        let read = Entry::read(leaf.as_bytes(), private.as_bytes()).unwrap();
        assert_eq!((read.leaf_json().as_str(), read.private_json().as_str()), (&*leaf, &*private));
        assert_eq!(read.id(), EventId { kind: "identifier.frozen".parse().unwrap(), ..entry.id() });
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
            (leaf, br#"{"noun":"S#-","ordinal":1,"role":"x"}"#, EntryError::Private),
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
