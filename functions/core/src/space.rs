//! Spaces: one customer's profiles, with their own tokens, types, limits and switch.

use std::{borrow::Cow, collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    identifier::{DEFAULT_TYPES, IdentifierType, IdentifierValue, Normalisation, SEGMENT_ID},
    text::serde_as_text,
    time::Time,
};

/// The limit of single deletions a second, per space and per profile, unless the space sets its own.
pub const DEFAULT_DELETIONS_PER_SECOND: u32 = 100;

/// The name of the source that the first use of the deletion API makes.
pub const SOURCE_NAME: &str = "profile-api-source";

/// Why a text or a change does not make a space.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SpaceError {
    /// Ids are parts of keys and paths.
    #[error("a space id is 1 to 64 of a-z, A-Z, 0-9, `_`, `-`")]
    BadId,
    /// A custom type has an impossible name.
    #[error("identifier_types: `{0}`: an identifier type is 1 to 64 of a-z, 0-9, `_`, `.`, `-`")]
    BadType(String),
    /// Paths of reads use the name for a profile's own id.
    #[error("identifier_types: `segment_id` stands for a profile's own id and can't be a type")]
    Reserved,
    /// Values are stored under the old rule already.
    #[error("identifier_types: the normalisation of `{0}` was fixed when the type was made")]
    FixedNormalisation(String),
    /// A limit of nothing is a switch, and there is one.
    #[error("{0} must be 1 to 1000000")]
    BadLimit(&'static str),
}

/// The id of a space, such as `spa_demo`: 1 to 64 of `a-z A-Z 0-9 _ -`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpaceId(String);

impl SpaceId {
    /// Accepts an id by the rule above.
    pub fn parse(text: &str) -> Result<Self, SpaceError> {
        let fits = (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        if fits { Ok(Self(text.to_owned())) } else { Err(SpaceError::BadId) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SpaceId {
    type Err = SpaceError;

    fn from_str(text: &str) -> Result<Self, SpaceError> {
        Self::parse(text)
    }
}

serde_as_text!(SpaceId);

impl fmt::Display for SpaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The identifier types that a space knows: the defaults, and its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IdentifierTypes(BTreeMap<String, Normalisation>);

impl IdentifierTypes {
    /// Whether identifiers of this type can exist in the space.
    pub fn knows(&self, id_type: &IdentifierType) -> bool {
        DEFAULT_TYPES.contains(&id_type.as_str()) || self.0.contains_key(id_type.as_str())
    }

    /// A known type by its name.
    pub fn find(&self, name: &str) -> Option<IdentifierType> {
        IdentifierType::parse(name).ok().filter(|id_type| self.knows(id_type))
    }

    /// The form in which values of a type are compared and hashed.
    pub fn normalise<'a>(&self, id_type: &IdentifierType, value: &'a IdentifierValue) -> Cow<'a, str> {
        self.0.get(id_type.as_str()).copied().unwrap_or_default().apply(value.expose())
    }

    /// The names of all known types and their normalisation.
    pub fn all(&self) -> impl Iterator<Item = (&str, Normalisation)> {
        let defaults = DEFAULT_TYPES.iter().filter(|name| !self.0.contains_key(**name));
        defaults
            .map(|name| (*name, Normalisation::None))
            .chain(self.0.iter().map(|(name, normalisation)| (name.as_str(), *normalisation)))
    }

    /// Adds types. `is_new` tells that the space is being made: only then may a default type be given a
    /// normalisation.
    fn add(&mut self, types: &[TypeSpec], is_new: bool) -> Result<(), SpaceError> {
        for spec in types {
            let (name, normalisation) = spec.parts();
            let id_type = IdentifierType::parse(name).map_err(|_| SpaceError::BadType(name.to_owned()))?;
            if name == SEGMENT_ID {
                return Err(SpaceError::Reserved);
            }
            let existing = self.knows(&id_type).then(|| self.0.get(name).copied().unwrap_or_default());
            match existing {
                Some(old) if old != normalisation && !is_new => {
                    return Err(SpaceError::FixedNormalisation(name.to_owned()));
                }
                _ => self.0.insert(name.to_owned(), normalisation),
            };
        }
        Ok(())
    }
}

/// Where the space's deletions come from, in the field's terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The source's own id.
    pub id: String,
    /// [`SOURCE_NAME`].
    pub name: String,
    /// Whether the space may use it.
    pub state: SourceState,
}

/// Whether a source may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceState {
    /// In use.
    Attached,
    /// Taken off by an operator: deletions are refused.
    Detached,
}

/// A space's settings as the table holds them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Space {
    /// Whether the deletion API is switched on.
    pub activated: bool,
    /// Types beyond the defaults, and normalisations.
    #[serde(default)]
    pub identifier_types: IdentifierTypes,
    /// Most single deletions in one clock second.
    pub deletions_per_second: u32,
    /// Most single deletions on one profile in one clock second.
    pub deletions_per_second_per_profile: u32,
    /// Made at first use.
    #[serde(default)]
    pub source: Option<Source>,
    /// The names under which workflows address this space.
    #[serde(default)]
    pub reactor_instances: Vec<String>,
    /// When the space was made.
    pub created_at: Time,
}

impl Space {
    /// A space with the defaults: switched on, 100 deletions a second.
    pub fn new(created_at: Time) -> Self {
        Self {
            activated: true,
            identifier_types: IdentifierTypes::default(),
            deletions_per_second: DEFAULT_DELETIONS_PER_SECOND,
            deletions_per_second_per_profile: DEFAULT_DELETIONS_PER_SECOND,
            source: None,
            reactor_instances: Vec::new(),
            created_at,
        }
    }

    /// Whether one profile's limit can be reached before the space's: else the space's counter implies it.
    pub fn counts_profiles(&self) -> bool {
        self.deletions_per_second > self.deletions_per_second_per_profile
    }
}

/// A custom type as configuration writes it: a name, or a name with its normalisation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum TypeSpec {
    /// Compared byte for byte.
    Name(String),
    /// With a normalisation.
    WithNormalisation {
        /// The type's name.
        name: String,
        /// How its values are compared.
        normalisation: Normalisation,
    },
}

impl TypeSpec {
    fn parts(&self) -> (&str, Normalisation) {
        match self {
            Self::Name(name) => (name, Normalisation::None),
            Self::WithNormalisation { name, normalisation } => (name, *normalisation),
        }
    }
}

/// What to make of a space, or to change in it; what is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SpaceChange {
    /// See [`Space::activated`].
    pub activated: Option<bool>,
    /// Types to add.
    pub identifier_types: Vec<TypeSpec>,
    /// See [`Space::deletions_per_second`].
    pub deletions_per_second: Option<u32>,
    /// See [`Space::deletions_per_second_per_profile`].
    pub deletions_per_second_per_profile: Option<u32>,
    /// Attach or detach the source.
    pub source: Option<SourceState>,
    /// Replaces the names.
    pub reactor_instances: Option<Vec<String>>,
}

impl SpaceChange {
    /// The settings after this change. `new_source_id` is used where the change needs a source that is not there.
    pub fn apply(&self, mut space: Space, is_new: bool, new_source_id: &str) -> Result<Space, SpaceError> {
        space.identifier_types.add(&self.identifier_types, is_new)?;
        space.activated = self.activated.unwrap_or(space.activated);
        let limit = |given: Option<u32>, old: u32, name| match given {
            Some(limit) if !(1..=1_000_000).contains(&limit) => Err(SpaceError::BadLimit(name)),
            given => Ok(given.unwrap_or(old)),
        };
        space.deletions_per_second =
            limit(self.deletions_per_second, space.deletions_per_second, "deletions_per_second")?;
        space.deletions_per_second_per_profile = limit(
            self.deletions_per_second_per_profile,
            space.deletions_per_second_per_profile,
            "deletions_per_second_per_profile",
        )?;
        if let Some(state) = self.source {
            let source = space.source.take();
            let id = source.map_or_else(|| new_source_id.to_owned(), |source| source.id);
            space.source = Some(Source { id, name: SOURCE_NAME.to_owned(), state });
        }
        if let Some(names) = &self.reactor_instances {
            space.reactor_instances.clone_from(names);
        }
        Ok(space)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(json: &str) -> SpaceChange {
        serde_json::from_str(json).unwrap()
    }

    fn space() -> Space {
        Space::new(Time::from_millis(0).unwrap())
    }

    #[test]
    fn a_change_touches_only_what_it_names() {
        let changed = change(r#"{"activated":false,"identifier_types":["shoe_size"],"source":"detached"}"#)
            .apply(space(), false, "src_1")
            .unwrap();
        assert!(!changed.activated);
        assert_eq!(changed.deletions_per_second, 100);
        assert!(changed.identifier_types.find("shoe_size").is_some());
        assert_eq!(changed.source.as_ref().unwrap().state, SourceState::Detached);
        let back = change(r#"{"source":"attached"}"#).apply(changed, false, "src_2").unwrap();
        assert_eq!(back.source.unwrap().id, "src_1", "a source keeps its id");
    }

    #[test]
    fn a_normalisation_is_fixed_when_the_type_is_made() {
        let lower = change(r#"{"identifier_types":[{"name":"email","normalisation":"lowercase"}]}"#);
        let made = lower.apply(space(), true, "").unwrap();
        assert_eq!(lower.apply(made.clone(), false, "").unwrap(), made);
        assert_eq!(lower.apply(space(), false, "").unwrap_err(), SpaceError::FixedNormalisation("email".to_owned()));
    }

    #[test]
    fn ids_are_parts_of_keys() {
        assert!(SpaceId::parse("spa_abc-123").is_ok());
        for bad in ["", "a#b", "a/b", "é", &"a".repeat(65)] {
            assert_eq!(SpaceId::parse(bad), Err(SpaceError::BadId), "{bad}");
        }
    }
}
