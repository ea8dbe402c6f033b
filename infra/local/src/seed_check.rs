//! Checks the lines of the seed files against each other before anything is started, with the rules and the messages of
//! loading them into an empty table: identifier types, identifiers of two profiles, merges, and the size of traits.

use std::collections::HashMap;

use efface_aws::store::{
    load::traits_size,
    profile::{Trait, Traits, merge_traits},
};
use efface_core::{
    identifier::{ExternalId, IdentifierType},
    load::{LoadLine, MAX_LINE_BYTES, ProfileLine},
    space::{Space, SpaceId},
    time::Time,
};
use efface_engine::load::LoadError;

/// The spaces, profiles and identifiers of all valid lines so far.
#[derive(Debug, Default)]
pub(crate) struct SeedCheck {
    spaces: HashMap<SpaceId, Space>,
    /// Profiles by their names.
    profiles: HashMap<Identifier, Profile>,
    /// The name of each identifier's profile.
    owners: HashMap<Identifier, Identifier>,
}

/// Space, type and normalised value of an identifier. The first identifier of a line names its profile.
type Identifier = (SpaceId, IdentifierType, String);

#[derive(Debug, Clone)]
struct Profile {
    /// The name of the profile that it was merged into, or its own.
    root: Identifier,
    has_members: bool,
    traits: Traits,
}

impl SeedCheck {
    /// Checks the next line. The error says what is wrong.
    pub(crate) fn add(&mut self, line: &LoadLine) -> Result<(), String> {
        match line {
            LoadLine::Space(id, change) => {
                let old = self.spaces.get(id);
                let space = old.cloned().unwrap_or_else(|| Space::new(Time::EPOCH));
                let space = change.apply(space, old.is_none(), "").map_err(|error| error.to_string())?;
                self.spaces.insert(id.clone(), space);
                Ok(())
            }
            LoadLine::Profile(profile) => self.profile(profile).map_err(|error| error.to_string()),
        }
    }

    fn profile(&mut self, line: &ProfileLine) -> Result<(), LoadError> {
        let ids = line.external_ids.iter().map(|id| self.identifier(line, id)).collect::<Result<Vec<_>, _>>()?;
        let target = line.merged_into.as_ref().map(|id| self.identifier(line, id)).transpose()?;
        let Some(name) = ids.first() else { return Ok(()) };
        if let Some(i) = ids.iter().position(|id| self.owners.get(id).is_some_and(|owner| owner != name)) {
            return Err(LoadError::Claimed(i));
        }
        let new = || Profile { root: name.clone(), has_members: false, traits: Traits::new() };
        let mut profile = self.profiles.get(name).cloned().unwrap_or_else(new);
        if let Some(target) = target {
            let holder = self.owners.get(&target).and_then(|holder| self.profiles.get(holder));
            let root = holder.ok_or(LoadError::UnknownTarget)?.root.clone();
            if profile.root != root {
                if profile.root != *name || profile.has_members {
                    return Err(LoadError::MergedElsewhere);
                }
                self.profiles.entry(root.clone()).and_modify(|root| root.has_members = true);
                profile.root = root;
            }
        }
        merge_traits(&mut profile.traits, traits(line));
        if traits_size(&profile.traits)? > MAX_LINE_BYTES {
            return Err(LoadError::LargeTraits);
        }
        self.profiles.insert(name.clone(), profile);
        self.owners.extend(ids.iter().map(|id| (id.clone(), name.clone())));
        Ok(())
    }

    fn identifier(&mut self, line: &ProfileLine, id: &ExternalId) -> Result<Identifier, LoadError> {
        let space = self.spaces.entry(line.space_id.clone()).or_insert_with(|| Space::new(Time::EPOCH));
        if !space.identifier_types.knows(&id.id_type) {
            return Err(LoadError::UnknownType(id.id_type.to_string()));
        }
        let value = space.identifier_types.normalise(&id.id_type, &id.value).into_owned();
        Ok((line.space_id.clone(), id.id_type.clone(), value))
    }
}

/// A line's traits. Which of two values stays is decided when they are loaded; here only their sizes count.
fn traits(line: &ProfileLine) -> Traits {
    let time = line.timestamp.unwrap_or(Time::EPOCH);
    line.traits.iter().map(|(name, value)| (name.clone(), Trait { value: value.clone(), updated_at: time })).collect()
}

#[cfg(test)]
mod tests {
    use efface_core::load::parse_line;
    use serde_json::json;

    use super::*;

    /// The errors of lines, with their numbers from 1.
    fn check(lines: &[&str], expected: &[&str]) {
        let mut check = SeedCheck::default();
        let errors = lines.iter().zip(1..).filter_map(|(line, number)| {
            let error = check.add(&parse_line(line).unwrap().unwrap()).err()?;
            Some(format!("{number}: {error}"))
        });
        assert_eq!(errors.collect::<Vec<_>>(), expected);
    }

    const A: &str = r#"{"space_id":"s","external_ids":[{"type":"user_id","id":"a"},{"type":"email","id":"E"}]}"#;
    const B: &str = r#"{"space_id":"s","external_ids":[{"type":"user_id","id":"b"},{"type":"email","id":"e"}]}"#;
    const LOWER: &str = r#"{"space":{"id":"s","identifier_types":[{"name":"email","normalisation":"lowercase"}]}}"#;

    #[test]
    fn identifiers_belong_to_one_profile() {
        check(&[A, B, A], &[]);
        check(&[LOWER, A, B], &["3: external_ids[1]: another profile has this identifier"]);
        check(&[A, LOWER], &["2: identifier_types: the normalisation of `email` was fixed when the type was made"]);
        let shoe = r#"{"space_id":"s","external_ids":[{"type":"shoe_size","id":"7"}]}"#;
        let unknown = "the space does not know the identifier type `shoe_size`; add it with identifier_types";
        check(&[shoe, A, shoe], &[&format!("1: {unknown}"), &format!("3: {unknown}")]);
    }

    #[test]
    fn a_profile_is_merged_once_and_into_an_earlier_one() {
        let merge = |from: &str, into: &str| {
            let id = |id: &str| json!({ "type": "user_id", "id": id });
            json!({ "space_id": "s", "external_ids": [id(from)], "merged_into": id(into) }).to_string()
        };
        let (m_a, m_b, n_m, b_a) = (merge("m", "a"), merge("m", "b"), merge("n", "m"), merge("b", "a"));
        check(&[A, &m_a, &n_m, &m_a], &[]);
        let nowhere = "merged_into: no active profile has this identifier; it must come on an earlier line";
        check(&[&m_a, A], &[&format!("1: {nowhere}")]);
        check(&[&merge("m", "m")], &[&format!("1: {nowhere}")]);
        let elsewhere = "merged_into: the profile is merged already, or others were merged into it";
        check(&[A, B, &m_a, &m_b], &[&format!("4: {elsewhere}")]);
        check(&[A, B, &m_b, &b_a], &[&format!("4: {elsewhere}")]);
    }

    #[test]
    fn traits_of_all_lines_fit_together() {
        let half = |name: &str| {
            let ids = json!([{ "type": "user_id", "id": "a" }]);
            json!({ "space_id": "s", "external_ids": ids, "traits": { name: "x".repeat(MAX_LINE_BYTES / 2) } })
                .to_string()
        };
        let large = "traits: they must be at most 300 KiB together";
        check(&[&half("a"), &half("a"), &half("b"), A], &[&format!("3: {large}")]);
    }
}
