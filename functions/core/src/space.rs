//! Spaces. A space holds one customer's profiles and has its own tokens, identifier types, limits and activation.

use std::{borrow::Cow, collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

use crate::{
    id::ProfileId,
    identifier::{DEFAULT_TYPES, IdentifierType, IdentifierValue, Normalisation, SEGMENT_ID},
    limit::{self, Limit},
    segment::{MAX_SETTLING_SECONDS, SETTLING_SECONDS},
    text::serde_as_text,
    time::Time,
    token::TokenId,
};

/// The name of the source that a space gets at its first deletion.
pub const SOURCE_NAME: &str = "profile-api-source";

/// Why a space id or a change of a space's settings is invalid.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SpaceError {
    /// The id is not 1 to 64 of `a-z A-Z 0-9 _ -`. Ids are parts of table keys and URL paths.
    #[error("a space id is 1 to 64 of a-z, A-Z, 0-9, `_`, `-`")]
    BadId,
    /// The name of a custom type is not 1 to 64 of `a-z 0-9 _ . -`.
    #[error("identifier_types: `{0}`: an identifier type is 1 to 64 of a-z, 0-9, `_`, `.`, `-`")]
    BadType(String),
    /// `segment_id` can't be a type: in the paths of reads it stands for a profile's own id.
    #[error("identifier_types: `segment_id` stands for a profile's own id and can't be a type")]
    Reserved,
    /// The type exists with another normalisation, and values may be stored under it.
    #[error("identifier_types: the normalisation of `{0}` was fixed when the type was made")]
    FixedNormalisation(String),
    /// A limit is not 1 to 1,000,000. To allow no deletions at all, set `activated` to `false`.
    #[error("{0} must be 1 to 1000000")]
    BadLimit(&'static str),
    /// The settling time is more than a day.
    #[error("settling_seconds must be 0 to 86400")]
    BadSettling,
}

/// The id of a space, such as `spa_demo`: 1 to 64 of `a-z A-Z 0-9 _ -`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpaceId(String);

impl SpaceId {
    /// Accepts 1 to 64 of `a-z A-Z 0-9 _ -`.
    ///
    /// # Errors
    /// [`SpaceError::BadId`] for any other text.
    pub fn parse(text: &str) -> Result<Self, SpaceError> {
        let fits = (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        if fits { Ok(Self(text.to_owned())) } else { Err(SpaceError::BadId) }
    }

    /// The id as text.
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

/// The identifier types that a space knows: [`DEFAULT_TYPES`] and its custom types.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IdentifierTypes(BTreeMap<String, Normalisation>);

impl IdentifierTypes {
    /// Whether the space knows this type.
    pub fn knows(&self, id_type: &IdentifierType) -> bool {
        DEFAULT_TYPES.contains(&id_type.as_str()) || self.0.contains_key(id_type.as_str())
    }

    /// The type with this name, if the space knows it.
    pub fn find(&self, name: &str) -> Option<IdentifierType> {
        IdentifierType::parse(name).ok().filter(|id_type| self.knows(id_type))
    }

    /// How values of this type are compared.
    pub fn rule(&self, id_type: &IdentifierType) -> Normalisation {
        self.0.get(id_type.as_str()).copied().unwrap_or_default()
    }

    /// The form in which this value is compared and hashed.
    pub fn normalise<'a>(&self, id_type: &IdentifierType, value: &'a IdentifierValue) -> Cow<'a, str> {
        self.rule(id_type).apply(value.expose())
    }

    /// The names of all known types, each with its normalisation.
    pub fn all(&self) -> impl Iterator<Item = (&str, Normalisation)> {
        let defaults = DEFAULT_TYPES.iter().filter(|name| !self.0.contains_key(**name));
        defaults
            .map(|name| (*name, Normalisation::None))
            .chain(self.0.iter().map(|(name, normalisation)| (name.as_str(), *normalisation)))
    }

    /// Adds types. `is_new` is true while the space is being made: only then can a default type get another
    /// normalisation.
    fn add(&mut self, types: &[TypeSpec], is_new: bool) -> Result<(), SpaceError> {
        for spec in types {
            let (name, normalisation) = spec.parts();
            let id_type = IdentifierType::parse(name).map_err(|_| SpaceError::BadType(name.to_owned()))?;
            if name == SEGMENT_ID {
                return Err(SpaceError::Reserved);
            }
            let existing = self.knows(&id_type).then(|| self.rule(&id_type));
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

/// The source that a space's deletions are attributed to. While it is detached, nothing new is deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The source's id, `src_…`. It never changes.
    pub id: String,
    /// The source's name, always [`SOURCE_NAME`].
    pub name: String,
    /// Whether the source is attached.
    pub state: SourceState,
}

/// Whether a source may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceState {
    /// Deletions are accepted.
    Attached,
    /// An operator detached the source: whatever deletes gets 404 `source_id_not_found`.
    Detached,
}

/// A space's settings, as the table stores them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Space {
    /// Whether the deletion API is switched on; if not, deletions get a 403.
    pub activated: bool,
    /// Custom types, and default types with a normalisation.
    #[serde(default)]
    pub identifier_types: IdentifierTypes,
    /// The setting of [`Limit::Deletions`].
    pub deletions_per_second: u32,
    /// The setting of [`Limit::DeletionsOn`].
    pub deletions_per_second_per_profile: u32,
    /// The setting of [`Limit::Jobs`].
    #[serde(default = "default_jobs")]
    pub jobs_per_second: u32,
    /// The setting of [`Limit::DryRuns`].
    #[serde(default = "default_dry_runs")]
    pub dry_runs_per_second: u32,
    /// The setting of [`Limit::Reads`].
    #[serde(default = "default_reads")]
    pub reads_per_second: u32,
    /// The source. It is made at the first deletion.
    #[serde(default)]
    pub source: Option<Source>,
    /// The values of the header `x-reactor-instance-name` that name this space.
    #[serde(default)]
    pub reactor_instances: Vec<String>,
    /// The most rows of a job, with those of its group, that need no approval of a second person; `None`: none needs one.
    /// It is a guard against mistakes, not a security boundary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_over: Option<u32>,
    /// How long after it was emptied a segment is looked at again, in seconds, before its job is completed.
    #[serde(default = "default_settling")]
    pub settling_seconds: u32,
    /// When the space was made.
    pub created_at: Time,
    /// The store counts the changes, so that a change of what was read before another one is noticed.
    #[serde(default)]
    pub version: i64,
    /// When this version was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<Time>,
    /// The token behind this version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_by: Option<TokenId>,
}

fn default_jobs() -> u32 {
    Limit::Jobs.default_setting()
}

fn default_dry_runs() -> u32 {
    Limit::DryRuns.default_setting()
}

fn default_settling() -> u32 {
    SETTLING_SECONDS
}

fn default_reads() -> u32 {
    Limit::Reads.default_setting()
}

impl Space {
    /// A space with the default settings: activated, the default limits, no custom types, no source.
    pub fn new(created_at: Time) -> Self {
        Self {
            activated: true,
            identifier_types: IdentifierTypes::default(),
            deletions_per_second: Limit::Deletions.default_setting(),
            deletions_per_second_per_profile: Limit::Deletions.default_setting(),
            jobs_per_second: default_jobs(),
            dry_runs_per_second: default_dry_runs(),
            reads_per_second: default_reads(),
            source: None,
            reactor_instances: Vec::new(),
            approval_over: None,
            settling_seconds: SETTLING_SECONDS,
            created_at,
            version: 1,
            changed_at: Some(created_at),
            changed_by: None,
        }
    }

    /// The most of something in one clock second: what its setting acts as.
    pub fn limit(&self, limit: Limit) -> u32 {
        limit.acting(match limit {
            Limit::Deletions => self.deletions_per_second,
            Limit::DeletionsOn(_) => self.deletions_per_second_per_profile,
            Limit::Jobs => self.jobs_per_second,
            Limit::DryRuns => self.dry_runs_per_second,
            Limit::Reads => self.reads_per_second,
        })
    }

    /// Whether single deletions must be counted on a profile, too. If the space's limit is not above the profile's, the
    /// space's count already keeps every profile within its limit.
    pub fn counts_on(&self, profile: ProfileId) -> bool {
        self.limit(Limit::Deletions) > self.limit(Limit::DeletionsOn(profile))
    }
}

/// An identifier type in a load line or a change of settings: `"name"`, or `{"name":…,"normalisation":…}`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum TypeSpec {
    /// A name; its values are compared byte for byte.
    Name(String),
    /// A name with a normalisation.
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

/// The settings of a new space, or changes to a space's settings. An absent field keeps its value (contract:
/// `docs/load-format.md`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SpaceChange {
    /// See [`Space::activated`].
    pub activated: Option<bool>,
    /// Types to add. Types are never removed.
    pub identifier_types: Vec<TypeSpec>,
    /// See [`Space::deletions_per_second`].
    pub deletions_per_second: Option<u32>,
    /// See [`Space::deletions_per_second_per_profile`].
    pub deletions_per_second_per_profile: Option<u32>,
    /// See [`Space::jobs_per_second`].
    pub jobs_per_second: Option<u32>,
    /// See [`Space::dry_runs_per_second`].
    pub dry_runs_per_second: Option<u32>,
    /// See [`Space::reads_per_second`].
    pub reads_per_second: Option<u32>,
    /// Attach or detach the source.
    pub source: Option<SourceState>,
    /// Replaces [`Space::reactor_instances`].
    pub reactor_instances: Option<Vec<String>>,
    /// Replaces [`Space::approval_over`].
    pub approval_over: ApprovalChange,
    /// See [`Space::settling_seconds`].
    pub settling_seconds: Option<u32>,
}

/// A change of [`Space::approval_over`]: a number, or `null` to switch it off. Absent, it stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ApprovalChange {
    /// It stays as it is.
    #[default]
    Keep,
    /// No job needs an approval.
    Off,
    /// A job with more rows needs one.
    Over(u32),
}

impl<'de> Deserialize<'de> for ApprovalChange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Off, Self::Over))
    }
}

impl SpaceChange {
    /// The settings after this change. `is_new` is true for a space that is being made. `new_source_id` becomes the id
    /// of the source if the change sets its state and the space has none.
    ///
    /// # Errors
    /// [`SpaceError`] for an invalid type, a changed normalisation or a limit out of range.
    pub fn apply(&self, mut space: Space, is_new: bool, new_source_id: &str) -> Result<Space, SpaceError> {
        space.identifier_types.add(&self.identifier_types, is_new)?;
        space.activated = self.activated.unwrap_or(space.activated);
        for (given, setting, name) in [
            (self.deletions_per_second, &mut space.deletions_per_second, "deletions_per_second"),
            (
                self.deletions_per_second_per_profile,
                &mut space.deletions_per_second_per_profile,
                "deletions_per_second_per_profile",
            ),
            (self.jobs_per_second, &mut space.jobs_per_second, "jobs_per_second"),
            (self.dry_runs_per_second, &mut space.dry_runs_per_second, "dry_runs_per_second"),
            (self.reads_per_second, &mut space.reads_per_second, "reads_per_second"),
        ] {
            if given.is_some_and(|given| !limit::SETTINGS.contains(&given)) {
                return Err(SpaceError::BadLimit(name));
            }
            *setting = given.unwrap_or(*setting);
        }
        if self.settling_seconds.is_some_and(|seconds| seconds > MAX_SETTLING_SECONDS) {
            return Err(SpaceError::BadSettling);
        }
        space.settling_seconds = self.settling_seconds.unwrap_or(space.settling_seconds);
        if let Some(state) = self.source {
            let source = space.source.take();
            let id = source.map_or_else(|| new_source_id.to_owned(), |source| source.id);
            space.source = Some(Source { id, name: SOURCE_NAME.to_owned(), state });
        }
        if let Some(names) = &self.reactor_instances {
            space.reactor_instances.clone_from(names);
        }
        space.approval_over = match self.approval_over {
            ApprovalChange::Keep => space.approval_over,
            ApprovalChange::Off => None,
            ApprovalChange::Over(rows) => Some(rows),
        };
        Ok(space)
    }
}

#[cfg(test)]
mod tests;
