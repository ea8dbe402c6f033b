//! What a seed's lines say of each other, found before anything is started: types, merges, claims.

use std::collections::HashMap;

use efface_core::{
    identifier::ExternalId,
    load::{LoadLine, ProfileLine},
    space::{Space, SpaceId},
    time::Time,
};

use crate::{error::LocalError, seeding::SeededLine};

/// The spaces and identifiers of the lines so far.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    spaces: HashMap<SpaceId, Space>,
    /// Each identifier, normalised, and the first identifier of the profile that has it: that one names the profile.
    owners: HashMap<Name, Name>,
}

/// Space, type and normalised value.
type Name = (String, String, String);

impl Claims {
    /// Takes one line more.
    pub(crate) fn add(&mut self, line: &SeededLine) -> Result<(), LocalError> {
        match &line.read {
            LoadLine::Space(id, change) => {
                let is_new = !self.spaces.contains_key(id);
                let old = self.spaces.remove(id).unwrap_or_else(|| Space::new(Time::EPOCH));
                let space = change.apply(old, is_new, "").map_err(|error| line.wrong(&error))?;
                self.spaces.insert(id.clone(), space);
                Ok(())
            }
            LoadLine::Profile(profile) => self.profile(line, profile),
        }
    }

    fn profile(&mut self, line: &SeededLine, profile: &ProfileLine) -> Result<(), LocalError> {
        let names: Vec<Name> =
            profile.external_ids.iter().map(|id| self.name(line, profile, id)).collect::<Result<_, _>>()?;
        if let Some(target) = &profile.merged_into {
            let target = self.name(line, profile, target)?;
            if !self.owners.contains_key(&target) {
                return Err(line.wrong(&"merged_into: no earlier line has this identifier"));
            }
        }
        for (i, name) in names.iter().enumerate() {
            let owner = self.owners.entry(name.clone()).or_insert_with(|| names[0].clone());
            if *owner != names[0] {
                return Err(line.wrong(&format!("external_ids[{i}]: an earlier profile has this identifier")));
            }
        }
        Ok(())
    }

    fn name(&mut self, line: &SeededLine, profile: &ProfileLine, id: &ExternalId) -> Result<Name, LocalError> {
        let space = self.spaces.entry(profile.space_id.clone()).or_insert_with(|| Space::new(Time::EPOCH));
        let types = &space.identifier_types;
        let id_type = id.id_type.as_str();
        if !types.knows(&id.id_type) {
            return Err(line.wrong(&format!("the space does not know the identifier type `{id_type}`")));
        }
        let value = types.normalise(&id.id_type, &id.value).into_owned();
        Ok((profile.space_id.to_string(), id_type.to_owned(), value))
    }
}
