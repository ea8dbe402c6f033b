//! Loading seeds into the deployed table, by the same code as the `efface` command.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

use efface_aws::{
    Store, StoreError,
    client::dynamodb,
    clock::Clock,
    config::{Config, identifier_key},
    store::{load::LoadError, space::SpaceChangeError},
};
use efface_core::{
    key::{MasterKey, SpaceKey},
    load::{LoadLine, ProfileLine},
    role::Role,
    space::{Space, SpaceChange, SpaceId},
};
use futures::{StreamExt, TryStreamExt, stream};
use tokio::time::sleep;

use crate::{
    environment::aws,
    error::LocalError,
    seeding::{DEMO_INSTANCE, DEMO_SPACE, SeededLine, Seeds},
};

/// Tokens by role, by space.
pub type Tokens = BTreeMap<String, BTreeMap<&'static str, String>>;

/// The emulator takes more at once, but gets no faster by it.
const AT_ONCE: usize = 8;

/// How often a line is loaded while the emulator does not answer in time, and the pause before each repetition.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_secs(2);

/// A way into the deployed table.
#[derive(Debug)]
pub struct Loader {
    store: Store,
    key: MasterKey,
    clock: Clock,
}

impl Loader {
    /// Uses the variables of a deployed function.
    pub fn new(variables: &[(String, String)], endpoint: &str) -> Result<Self, LocalError> {
        let own = aws(endpoint);
        let deployed = variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let settings: HashMap<&str, &str> = deployed.chain(own).collect();
        let lookup = |name: &str| settings.get(name).map(ToString::to_string);
        let config = Config::from_lookup(&lookup)?;
        let store = Store::new(dynamodb(&config), config.table.clone());
        Ok(Self { store, key: identifier_key(&lookup)?, clock: Clock::system() })
    }

    /// Stores all lines and makes a token of each role for each space.
    pub async fn load(&self, seeds: &Seeds) -> Result<Tokens, LocalError> {
        self.store.verify_key(&self.key).await?;
        let mut spaces = HashMap::new();
        let mut together = Vec::new();
        let mut shared = HashSet::new();
        for line in seeds.lines() {
            match &line.read {
                LoadLine::Profile(profile) if profile.merged_into.is_none() => {
                    // Lines of one profile keep their order: the later one decides.
                    if identifiers(profile).any(|id| shared.contains(&id)) {
                        self.profiles(&mut spaces, &std::mem::take(&mut together)).await?;
                        shared.clear();
                    }
                    shared.extend(identifiers(profile));
                    together.push((line, profile));
                }
                // A merge and a change of a space count on what came before them.
                LoadLine::Profile(profile) => {
                    self.profiles(&mut spaces, &std::mem::take(&mut together)).await?;
                    self.profiles(&mut spaces, &[(line, profile)]).await?;
                }
                LoadLine::Space(id, change) => {
                    self.profiles(&mut spaces, &std::mem::take(&mut together)).await?;
                    spaces.insert(id.clone(), self.change(line, id, change).await?);
                }
            }
        }
        self.profiles(&mut spaces, &together).await?;
        self.demo(seeds).await?;
        self.tokens(seeds).await
    }

    /// The demo space is there even when no seed speaks of it.
    async fn demo(&self, seeds: &Seeds) -> Result<(), LocalError> {
        let Ok(id) = SpaceId::parse(DEMO_SPACE) else { return Ok(()) };
        let instances = (!seeds.name_demo_instances()).then(|| vec![DEMO_INSTANCE.to_owned()]);
        let change = SpaceChange { reactor_instances: instances, ..SpaceChange::default() };
        match self.create_or_update(&id, &change).await {
            Err(SpaceChangeError::Store(error)) => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Loads profiles that don't count on each other, several at once.
    async fn profiles(
        &self,
        spaces: &mut HashMap<SpaceId, Space>,
        lines: &[(&SeededLine, &ProfileLine)],
    ) -> Result<(), LocalError> {
        for (line, profile) in lines {
            if !spaces.contains_key(&profile.space_id) {
                let space = self.change(line, &profile.space_id, &SpaceChange::default()).await?;
                spaces.insert(profile.space_id.clone(), space);
            }
        }
        let spaces = &*spaces;
        let loads = lines.iter().filter_map(|(line, profile)| {
            let key = self.key.space_key(&profile.space_id);
            Some(self.profile(line, spaces.get(&profile.space_id)?, key, profile))
        });
        stream::iter(loads).buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn profile(
        &self,
        line: &SeededLine,
        space: &Space,
        key: SpaceKey,
        profile: &ProfileLine,
    ) -> Result<(), LocalError> {
        let mut tries = 1;
        loop {
            match self.store.load_profile(space, &key, profile, self.clock.now()).await {
                Ok(_) => return Ok(()),
                // A large file keeps a small machine busy: the emulator is not gone, only slow.
                Err(LoadError::Store(StoreError::Unavailable(_))) if tries < TRIES => tries += 1,
                Err(LoadError::Store(error)) => return Err(error.into()),
                Err(error) => return Err(line.wrong(&error)),
            }
            sleep(PAUSE).await;
        }
    }

    /// Makes a space, or changes it.
    async fn change(&self, line: &SeededLine, id: &SpaceId, change: &SpaceChange) -> Result<Space, LocalError> {
        self.create_or_update(id, change).await.map_err(|error| match error {
            SpaceChangeError::Store(error) => error.into(),
            error => line.wrong(&error),
        })
    }

    async fn create_or_update(&self, id: &SpaceId, change: &SpaceChange) -> Result<Space, SpaceChangeError> {
        match self.store.create_space(id, change, self.clock.now()).await {
            Err(SpaceChangeError::Exists(_)) => self.store.update_space(id, change).await,
            made => made,
        }
    }

    async fn tokens(&self, seeds: &Seeds) -> Result<Tokens, LocalError> {
        let mut tokens = Tokens::new();
        for name in seeds.spaces() {
            let Ok(id) = SpaceId::parse(name) else { continue };
            let mut by_role = BTreeMap::new();
            for role in Role::ALL {
                let (token, _) = self.store.create_token(&id, role, self.clock.now(), None).await?;
                by_role.insert(role.as_str(), token.expose().to_owned());
            }
            tokens.insert(name.to_owned(), by_role);
        }
        Ok(tokens)
    }
}

/// In lower case, so that types whose values are compared so are covered too.
fn identifiers(profile: &ProfileLine) -> impl Iterator<Item = (&str, &str, String)> {
    let space = profile.space_id.as_str();
    profile.external_ids.iter().map(move |id| (space, id.id_type.as_str(), id.value.expose().to_lowercase()))
}
