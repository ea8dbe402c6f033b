//! Checks the lines of the seed files against each other before anything is started: identifier types, merges, and
//! identifiers that belong to two profiles.

use std::collections::HashMap;

use efface_core::{
    identifier::ExternalId,
    load::{LoadLine, ProfileLine},
    space::{Space, SpaceId},
    time::Time,
};

use crate::{error::LocalError, seeds::SeedLine};

/// The spaces and identifiers of all lines so far.
#[derive(Debug, Default)]
pub(crate) struct SeedCheck {
    spaces: HashMap<SpaceId, Space>,
    /// For each identifier, the first identifier of its profile, which stands for the profile.
    owners: HashMap<Identifier, Identifier>,
}

/// Space, type and normalised value of an identifier.
type Identifier = (String, String, String);

impl SeedCheck {
    /// Checks the next line.
    pub(crate) fn add(&mut self, line: &SeedLine) -> Result<(), LocalError> {
        match &line.content {
            LoadLine::Space(id, change) => {
                let is_new = !self.spaces.contains_key(id);
                let old = self.spaces.remove(id).unwrap_or_else(|| Space::new(Time::EPOCH));
                let space = change.apply(old, is_new, "").map_err(|error| line.error(&error))?;
                self.spaces.insert(id.clone(), space);
                Ok(())
            }
            LoadLine::Profile(profile) => self.profile(line, profile),
        }
    }

    fn profile(&mut self, line: &SeedLine, profile: &ProfileLine) -> Result<(), LocalError> {
        let identifiers: Vec<Identifier> =
            profile.external_ids.iter().map(|id| self.identifier(line, profile, id)).collect::<Result<_, _>>()?;
        if let Some(target) = &profile.merged_into {
            let target = self.identifier(line, profile, target)?;
            if !self.owners.contains_key(&target) {
                return Err(line.error(&"merged_into: no earlier line has this identifier"));
            }
        }
        for (i, identifier) in identifiers.iter().enumerate() {
            let owner = self.owners.entry(identifier.clone()).or_insert_with(|| identifiers[0].clone());
            if *owner != identifiers[0] {
                return Err(line.error(&format!("external_ids[{i}]: an earlier profile has this identifier")));
            }
        }
        Ok(())
    }

    fn identifier(
        &mut self,
        line: &SeedLine,
        profile: &ProfileLine,
        id: &ExternalId,
    ) -> Result<Identifier, LocalError> {
        let space = self.spaces.entry(profile.space_id.clone()).or_insert_with(|| Space::new(Time::EPOCH));
        let types = &space.identifier_types;
        let id_type = id.id_type.as_str();
        if !types.knows(&id.id_type) {
            return Err(line.error(&format!("the space does not know the identifier type `{id_type}`")));
        }
        let value = types.normalise(&id.id_type, &id.value).into_owned();
        Ok((profile.space_id.to_string(), id_type.to_owned(), value))
    }
}
