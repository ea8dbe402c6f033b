//! The load format: newline-delimited JSON, one profile or one space per line (contract: `docs/load-format.md`).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use thiserror::Error;

use crate::{
    identifier::{ExternalId, IdentifierType, IdentifierValue},
    json::{self, JsonError, Object},
    segment::{SegmentError, SegmentId},
    space::{ApprovalChange, SourceState, SpaceChange, SpaceId, TypeSpec},
    time::Time,
};

/// The most bytes of a line (contract: `docs/load-format.md`). It keeps a profile's traits within DynamoDB's item limit
/// of 400 KB.
pub const MAX_LINE_BYTES: usize = 300 * 1_024;

/// Why a line can't be loaded. The text names the field and never shows an identifier or a trait.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct LineError(pub String);

/// A parsed load line.
#[derive(Debug, Clone)]
pub enum LoadLine {
    /// Makes a space, or changes the settings of an existing one.
    Space(SpaceId, SpaceChange),
    /// Makes a profile, or adds to an existing one.
    Profile(ProfileLine),
}

/// A load line that describes a profile.
#[derive(Debug, Clone)]
pub struct ProfileLine {
    /// The profile's space.
    pub space_id: SpaceId,
    /// At least one identifier. The first one names the profile: lines with the same first identifier add to one profile.
    pub external_ids: Vec<ExternalId>,
    /// Traits by name; each value is kept as the JSON text that was written.
    pub traits: BTreeMap<String, Box<RawValue>>,
    /// The ids of the segments that the profile is a member of.
    pub segments: Vec<SegmentId>,
    /// When the event that the line describes happened. An identifier that was deleted earlier is stored again; without
    /// a timestamp a deleted identifier is never stored again.
    pub timestamp: Option<Time>,
    /// An identifier of the profile that this one was merged into, if any.
    pub merged_into: Option<ExternalId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLine {
    space: Option<RawSpace>,
    space_id: Option<String>,
    external_ids: Option<Vec<RawId>>,
    #[serde(default)]
    traits: BTreeMap<String, Box<RawValue>>,
    #[serde(default)]
    segments: Vec<String>,
    timestamp: Option<String>,
    merged_into: Option<RawId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSpace {
    id: String,
    activated: Option<bool>,
    #[serde(default)]
    identifier_types: Vec<TypeSpec>,
    deletions_per_second: Option<u32>,
    deletions_per_second_per_profile: Option<u32>,
    jobs_per_second: Option<u32>,
    dry_runs_per_second: Option<u32>,
    reads_per_second: Option<u32>,
    source: Option<SourceState>,
    reactor_instances: Option<Vec<String>>,
    #[serde(default)]
    approval_over: ApprovalChange,
    settling_seconds: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawId {
    r#type: String,
    id: String,
}

/// Parses one line; `None` for a blank one.
///
/// # Errors
/// The line is too long, is not JSON, or a field is missing, unknown, repeated or invalid.
pub fn parse_line(line: &str) -> Result<Option<LoadLine>, LineError> {
    if line.trim().is_empty() {
        return Ok(None);
    }
    if line.len() > MAX_LINE_BYTES {
        return Err(LineError(format!("a line must be at most {MAX_LINE_BYTES} bytes")));
    }
    let Object(raw): Object<RawLine> = json::read(line.as_bytes()).map_err(|error| {
        LineError(match error {
            JsonError::Syntax(_, column) => format!("not valid JSON at column {column}"),
            JsonError::Field(field, text) if field == "." => text.to_string(),
            JsonError::Field(field, text) => format!("{field}: {text}"),
        })
    })?;
    raw.check().map(Some)
}

impl RawLine {
    fn check(self) -> Result<LoadLine, LineError> {
        if let Some(space) = self.space {
            if self.space_id.is_some() || self.external_ids.is_some() {
                return Err(LineError("a line is a space or a profile, not both".to_owned()));
            }
            return space.check();
        }
        let space_id = self.space_id.ok_or_else(|| LineError("missing field `space_id`".to_owned()))?;
        let ids = self.external_ids.ok_or_else(|| LineError("missing field `external_ids`".to_owned()))?;
        if ids.is_empty() {
            return Err(LineError("external_ids: a profile needs at least one".to_owned()));
        }
        let segment = |name: &String| {
            name.parse().map_err(|error: SegmentError| LineError(format!("segments: `{name}`: {error}")))
        };
        let segments = self.segments.iter().map(segment).collect::<Result<Vec<SegmentId>, _>>()?;
        Ok(LoadLine::Profile(ProfileLine {
            space_id: SpaceId::parse(&space_id).map_err(|error| at("space_id", &error))?,
            external_ids: ids
                .into_iter()
                .enumerate()
                .map(|(i, id)| id.check(&format!("external_ids[{i}]")))
                .collect::<Result<_, _>>()?,
            traits: self.traits,
            segments,
            timestamp: self
                .timestamp
                .map(|text| Time::parse(&text).map_err(|error| at("timestamp", &error)))
                .transpose()?,
            merged_into: self.merged_into.map(|id| id.check("merged_into")).transpose()?,
        }))
    }
}

impl RawSpace {
    fn check(self) -> Result<LoadLine, LineError> {
        let id = SpaceId::parse(&self.id).map_err(|error| at("space.id", &error))?;
        Ok(LoadLine::Space(
            id,
            SpaceChange {
                activated: self.activated,
                identifier_types: self.identifier_types,
                deletions_per_second: self.deletions_per_second,
                deletions_per_second_per_profile: self.deletions_per_second_per_profile,
                jobs_per_second: self.jobs_per_second,
                dry_runs_per_second: self.dry_runs_per_second,
                reads_per_second: self.reads_per_second,
                source: self.source,
                reactor_instances: self.reactor_instances,
                approval_over: self.approval_over,
                settling_seconds: self.settling_seconds,
            },
        ))
    }
}

impl RawId {
    fn check(self, field: &str) -> Result<ExternalId, LineError> {
        Ok(ExternalId {
            id_type: IdentifierType::parse(&self.r#type).map_err(|error| at(&format!("{field}.type"), &error))?,
            value: IdentifierValue::parse(self.id).map_err(|error| at(&format!("{field}.id"), &error))?,
        })
    }
}

fn at(field: &str, error: &dyn std::error::Error) -> LineError {
    LineError(format!("{field}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_two_kinds_of_line() {
        let line = r#"{"space_id":"spa_demo","external_ids":[{"type":"user_id","id":"user_001"}],"traits":{"n":1e400},
            "segments":["seg_vip"],"timestamp":"2026-01-01T00:00:00Z","merged_into":{"type":"email","id":"e"}}"#;
        let Some(LoadLine::Profile(profile)) = parse_line(line).unwrap() else { panic!("a profile") };
        assert_eq!(profile.traits["n"].get(), "1e400");
        assert!(profile.merged_into.is_some());
        let line = r#"{"space":{"id":"spa_other","identifier_types":["shoe_size"],"activated":false,
            "source":"detached","deletions_per_second":100,"reactor_instances":["x"]}}"#;
        assert!(matches!(parse_line(line).unwrap(), Some(LoadLine::Space(..))));
        assert!(parse_line("  \r").unwrap().is_none());
    }

    #[test]
    fn says_what_is_wrong_without_the_value() {
        for (line, expected) in [
            ("{", "not valid JSON at column 1"),
            (r#"{"space_id":"spa_demo"}"#, "missing field `external_ids`"),
            (r#"{"space_id":"s","external_ids":[]}"#, "external_ids: a profile needs at least one"),
            (r#"{"space_id":"s","external_ids":[{"type":"email","id":7}]}"#, "external_ids[0].id: expected a string"),
            (
                r#"{"space_id":"s","external_ids":[{"type":"E","id":"x"}]}"#,
                "external_ids[0].type: an identifier type is 1 to 64 of a-z, 0-9, `_`, `.`, `-`",
            ),
            (
                r#"{"space_id":"s","external_ids":[{"type":"email","id":"x"}],"timestamp":"now"}"#,
                "timestamp: a time must be RFC 3339 with an offset, such as 2026-01-01T00:00:00Z",
            ),
        ] {
            assert_eq!(parse_line(line).unwrap_err().0, expected, "{line}");
        }
    }
}
