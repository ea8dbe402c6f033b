//! What a verifier reads of an entry: its leaf, which is JSON.

use std::{collections::BTreeSet, fmt};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, MapAccess, SeqAccess, Visitor},
};

use super::Fault;
use crate::{
    identifier::{IdentifierType, Normalisation},
    json::Object,
    log::{Entry, commitment::Commitment},
    time::Time,
};

/// The form of leaves that is read.
const VERSION: u64 = 1;

/// A leaf, as far as a verifier needs it. Other members are ignored.
pub(super) struct Leaf {
    pub(super) event: String,
    pub(super) time: Time,
    pub(super) subject: Subject,
}

/// What an entry is about.
pub(super) enum Subject {
    /// An identifier that a commitment hides.
    Commitment { id_type: IdentifierType, normalisation: Normalisation, commitment: Commitment },
    /// An identifier of this type, as a hash under a key that only Efface's operator has.
    Keyed(IdentifierType),
    /// No identifier.
    Other,
}

/// The member that every form of leaves has.
#[derive(Deserialize)]
struct Versioned {
    v: u64,
}

/// The members of a leaf in their written form.
#[derive(Deserialize)]
struct Written {
    event: String,
    time: String,
    id_type: Option<IdentifierType>,
    subject: Option<String>,
    normalisation: Option<Normalisation>,
    #[serde(default)]
    subject_kind: SubjectKind,
}

/// How a subject was made, as the leaf says it.
#[derive(Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SubjectKind {
    /// A [`Commitment`].
    #[default]
    Commitment,
    /// The identifier's keyed hash: identifiers from before commitments have none.
    Keyed,
    /// A hash of a profile's id: the entry is about no identifier.
    Profile,
}

impl Leaf {
    /// Reads an entry. It must be one JSON object without repeated members: else two readers could see two things in it.
    pub(super) fn read(entry: &Entry) -> Result<Self, Fault> {
        let entry = entry.as_str();
        let Unrepeated = json(entry)?;
        let Object(Versioned { v }) = json(entry)?;
        if v != VERSION {
            return Err(Fault::Version(v));
        }
        let Object(written) = json::<Object<Written>>(entry)?;
        let time = Time::parse(&written.time).ok().filter(|time| time.to_string() == written.time);
        let time = time.ok_or(Fault::Unreadable)?;
        Ok(Self { time, subject: written.subject()?, event: written.event })
    }
}

fn json<'a, T: Deserialize<'a>>(entry: &'a str) -> Result<T, Fault> {
    serde_json::from_str(entry).map_err(|_| Fault::Unreadable)
}

impl Written {
    fn subject(&self) -> Result<Subject, Fault> {
        let Some(subject) = &self.subject else { return Ok(Subject::Other) };
        let id_type = || self.id_type.clone().ok_or(Fault::Unreadable);
        match self.subject_kind {
            SubjectKind::Profile => Ok(Subject::Other),
            SubjectKind::Keyed => id_type().map(Subject::Keyed),
            SubjectKind::Commitment => Ok(Subject::Commitment {
                id_type: id_type()?,
                normalisation: self.normalisation.ok_or(Fault::Unreadable)?,
                commitment: subject.parse().map_err(|_| Fault::Unreadable)?,
            }),
        }
    }
}

/// Any JSON in which no object has a member twice.
struct Unrepeated;

impl<'de> Deserialize<'de> for Unrepeated {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UnrepeatedVisitor).map(|()| Self)
    }
}

struct UnrepeatedVisitor;

impl<'de> Visitor<'de> for UnrepeatedVisitor {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without repeated members")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element::<Unrepeated>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut names = BTreeSet::new();
        while let Some((name, Unrepeated)) = members.next_entry::<String, Unrepeated>()? {
            if !names.insert(name) {
                return Err(A::Error::custom("a repeated member"));
            }
        }
        Ok(())
    }
}
