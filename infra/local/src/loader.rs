//! Loads the seed files into the deployed table, and creates the tokens.

use std::{
    collections::{BTreeMap, HashMap},
    io::Cursor,
};

use efface_aws::{
    Store,
    client::dynamodb,
    clock::Clock,
    config::{Config, identifier_key, log_key},
};
use efface_cli::load::load_lines;
use efface_core::{key::MasterKey, log::LogKey, role::Role};

use crate::{
    environment::aws,
    error::{BadLine, LocalError},
    seeds::Seeds,
};

/// The tokens of each space by role.
pub type Tokens = BTreeMap<String, BTreeMap<&'static str, String>>;

/// How many lines are written concurrently. More do not make the emulator faster.
const CONCURRENCY: u16 = 8;

/// Writes to the deployed table.
#[derive(Debug)]
pub struct Loader {
    store: Store,
    key: MasterKey,
    log_key: LogKey,
}

impl Loader {
    /// Takes the table's name, the identifier key and the log key from the variables of a deployed function.
    pub fn new(variables: &[(String, String)], endpoint: &str) -> Result<Self, LocalError> {
        let emulator_settings = aws(endpoint);
        let deployed = variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let settings: HashMap<&str, &str> = deployed.chain(emulator_settings).collect();
        let lookup = |name: &str| settings.get(name).map(ToString::to_string);
        let config = Config::from_lookup(&lookup)?;
        let store = Store::new(dynamodb(&config), config.table.clone());
        Ok(Self { store, key: identifier_key(&lookup)?, log_key: log_key(&lookup)? })
    }

    /// Stores all lines, and creates a token of each role for each space.
    pub async fn load(&self, seeds: &Seeds) -> Result<Tokens, LocalError> {
        self.store.set_or_verify_key(&self.key).await?;
        self.store.set_or_verify_log_key(&self.log_key).await?;
        for file in seeds.files() {
            let (store, source) = (self.store.clone(), Cursor::new(file.content));
            let (key, log_key) = (self.key.clone(), self.log_key.clone());
            let loaded = load_lines(store, key, log_key, source, CONCURRENCY).await;
            loaded.map_err(|failed| {
                LocalError::Load(BadLine { file: file.name, line: failed.line, text: failed.message })
            })?;
        }
        self.create_tokens(seeds).await
    }

    async fn create_tokens(&self, seeds: &Seeds) -> Result<Tokens, LocalError> {
        let mut tokens = Tokens::new();
        for space in seeds.spaces() {
            let mut by_role = BTreeMap::new();
            for role in Role::ALL {
                let (token, _) = self.store.create_token(&space, role, Clock::system().now(), None).await?;
                by_role.insert(role.as_str(), token.expose().to_owned());
            }
            tokens.insert(space.to_string(), by_role);
        }
        Ok(tokens)
    }
}
