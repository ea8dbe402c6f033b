//! Loads the seed files into the deployed table, and creates the tokens.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

use efface_aws::{
    Store, StoreError,
    client::dynamodb,
    clock::Clock,
    config::{Config, identifier_key},
    store::space::SpaceChangeError,
};
use efface_core::{
    key::{MasterKey, SpaceKey},
    load::{LoadLine, ProfileLine},
    role::Role,
    space::{Space, SpaceChange, SpaceId},
};
use efface_engine::load::{LoadError, load_profile};
use futures::{StreamExt, TryStreamExt, stream};
use tokio::time::sleep;

use crate::{
    environment::aws,
    error::LocalError,
    seeds::{DEMO_INSTANCE, DEMO_SPACE, SeedLine, Seeds},
};

/// The tokens of each space by role.
pub type Tokens = BTreeMap<String, BTreeMap<&'static str, String>>;

/// How many lines are written concurrently. More do not make the emulator faster.
const CONCURRENCY: usize = 8;

/// How often a line is tried while the emulator is not available, and the delay before each repetition.
const MAX_ATTEMPTS: u32 = 10;
const RETRY_DELAY: Duration = Duration::from_secs(2);

/// Writes to the deployed table.
#[derive(Debug)]
pub struct Loader {
    store: Store,
    key: MasterKey,
    clock: Clock,
}

impl Loader {
    /// Takes the table's name and the identifier key from the variables of a deployed function.
    pub fn new(variables: &[(String, String)], endpoint: &str) -> Result<Self, LocalError> {
        let emulator_settings = aws(endpoint);
        let deployed = variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let settings: HashMap<&str, &str> = deployed.chain(emulator_settings).collect();
        let lookup = |name: &str| settings.get(name).map(ToString::to_string);
        let config = Config::from_lookup(&lookup)?;
        let store = Store::new(dynamodb(&config), config.table.clone());
        Ok(Self { store, key: identifier_key(&lookup)?, clock: Clock::system() })
    }

    /// Stores all lines, and creates a token of each role for each space.
    pub async fn load(&self, seeds: &Seeds) -> Result<Tokens, LocalError> {
        self.store.set_or_verify_key(&self.key).await?;
        let mut spaces = HashMap::new();
        // Lines that can be written concurrently, and their identifiers.
        let mut batch = Vec::new();
        let mut batch_ids = HashSet::new();
        for line in seeds.lines() {
            match &line.content {
                LoadLine::Profile(profile) if profile.merged_into.is_none() => {
                    // Lines with a common identifier keep their order, because the traits of the later one win.
                    if identifiers(profile).any(|id| batch_ids.contains(&id)) {
                        self.profiles(&mut spaces, &std::mem::take(&mut batch)).await?;
                        batch_ids.clear();
                    }
                    batch_ids.extend(identifiers(profile));
                    batch.push((line, profile));
                }
                // A merge and a change of a space wait for all earlier lines.
                LoadLine::Profile(profile) => {
                    self.profiles(&mut spaces, &std::mem::take(&mut batch)).await?;
                    self.profiles(&mut spaces, &[(line, profile)]).await?;
                }
                LoadLine::Space(id, change) => {
                    self.profiles(&mut spaces, &std::mem::take(&mut batch)).await?;
                    spaces.insert(id.clone(), self.change(line, id, change).await?);
                }
            }
        }
        self.profiles(&mut spaces, &batch).await?;
        self.create_demo_space(seeds).await?;
        self.create_tokens(seeds).await
    }

    /// Makes sure that the demo space exists, even if no seed file contains it.
    async fn create_demo_space(&self, seeds: &Seeds) -> Result<(), LocalError> {
        let Ok(id) = SpaceId::parse(DEMO_SPACE) else { return Ok(()) };
        let instances = (!seeds.has_demo_instances()).then(|| vec![DEMO_INSTANCE.to_owned()]);
        let change = SpaceChange { reactor_instances: instances, ..SpaceChange::default() };
        match self.create_or_update(&id, &change).await {
            Err(SpaceChangeError::Store(error)) => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Loads profiles that do not depend on each other, several at a time.
    async fn profiles(
        &self,
        spaces: &mut HashMap<SpaceId, Space>,
        lines: &[(&SeedLine, &ProfileLine)],
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
        stream::iter(loads).buffer_unordered(CONCURRENCY).try_collect().await
    }

    async fn profile(
        &self,
        line: &SeedLine,
        space: &Space,
        key: SpaceKey,
        profile: &ProfileLine,
    ) -> Result<(), LocalError> {
        let mut attempts = 1;
        loop {
            match load_profile(&self.store, space, &key, profile, self.clock.now()).await {
                Ok(_) => return Ok(()),
                // On a small machine, a large file makes the emulator too slow to respond in time.
                Err(LoadError::Store(StoreError::Unavailable(_))) if attempts < MAX_ATTEMPTS => attempts += 1,
                Err(LoadError::Store(error)) => return Err(error.into()),
                Err(error) => return Err(line.error(&error)),
            }
            sleep(RETRY_DELAY).await;
        }
    }

    /// Creates a space, or changes it if it exists. An error names the line.
    async fn change(&self, line: &SeedLine, id: &SpaceId, change: &SpaceChange) -> Result<Space, LocalError> {
        self.create_or_update(id, change).await.map_err(|error| match error {
            SpaceChangeError::Store(error) => error.into(),
            error => line.error(&error),
        })
    }

    async fn create_or_update(&self, id: &SpaceId, change: &SpaceChange) -> Result<Space, SpaceChangeError> {
        match self.store.create_space(id, change, self.clock.now()).await {
            Err(SpaceChangeError::Exists(_)) => self.store.update_space(id, change).await,
            result => result,
        }
    }

    async fn create_tokens(&self, seeds: &Seeds) -> Result<Tokens, LocalError> {
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

/// Space, type and value of each identifier. Values are in lower case, because a type may ignore letter case.
fn identifiers(profile: &ProfileLine) -> impl Iterator<Item = (&str, &str, String)> {
    let space = profile.space_id.as_str();
    profile.external_ids.iter().map(move |id| (space, id.id_type.as_str(), id.value.expose().to_lowercase()))
}
