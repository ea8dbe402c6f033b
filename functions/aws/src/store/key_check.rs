//! The check value of the identifier key: a function with the wrong key would find nothing, and call it deleted.

use efface_core::key::MasterKey;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    Key, Store, StoreError,
    read::read,
    write::{Write, Written},
};

/// Why the key cannot be used.
#[derive(Debug, Error)]
pub enum KeyCheckError {
    /// Nobody has set the table up yet.
    #[error(
        "the table has no check value of the identifier key yet: create a space with `efface admin space create`, \
         which writes it"
    )]
    NoCheck,
    /// The table was written under another key.
    #[error(
        "EFFACE_IDENTIFIER_KEY is not the key that this table was written with: every identifier would look \
         deleted. Set the key that the table was set up with"
    )]
    WrongKey,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(Serialize, Deserialize)]
struct CheckItem {
    check: String,
}

const KIND: &str = "check value of the identifier key";

impl Store {
    /// Compares the key with the table's check value. One read; as the first request of a process it opens the connection
    /// that later ones use. Functions do no more than this: their roles allow no write of the value.
    pub async fn verify_key(&self, key: &MasterKey) -> Result<(), KeyCheckError> {
        let stored: CheckItem = self.get(Key::key_check(), KIND).await?.ok_or(KeyCheckError::NoCheck)?;
        stored.verify(&CheckItem::of(key))
    }

    /// The check value, where the table has one: two tables that were written with the same key have the same.
    pub async fn key_check(&self) -> Result<Option<String>, StoreError> {
        Ok(self.get::<CheckItem>(Key::key_check(), KIND).await?.map(|stored| stored.check))
    }

    /// The same as [`verify_key`](Self::verify_key) for those who set tables up: where there is no check value, writes this key's. One is written, however
    /// many try at once.
    pub async fn set_or_verify_key(&self, key: &MasterKey) -> Result<(), KeyCheckError> {
        match self.verify_key(key).await {
            Err(KeyCheckError::NoCheck) => {}
            verified => return verified,
        }
        let own = CheckItem::of(key);
        match self.write(Write::put_new(Key::key_check(), &own)?.returning_old()).await? {
            Written::Done(_) => Ok(()),
            Written::Unmet(there) => read::<CheckItem>(there.unwrap_or_default(), KIND)?.verify(&own),
        }
    }
}

impl CheckItem {
    fn of(key: &MasterKey) -> Self {
        Self { check: key.check_value() }
    }

    fn verify(&self, own: &Self) -> Result<(), KeyCheckError> {
        if self.check == own.check { Ok(()) } else { Err(KeyCheckError::WrongKey) }
    }
}
