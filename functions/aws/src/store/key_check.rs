//! The check values of the secrets that a table is written with: a function with the wrong identifier key would find
//! nothing, and call it deleted; a load with another log key would write commitments that no receipt can be tied to.

use efface_core::{key::MasterKey, log::LogKey};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    Key, Store, StoreError,
    read::read,
    write::{Write, Written},
};

/// Why a key cannot be used.
#[derive(Debug, Error)]
pub enum KeyCheckError {
    /// Nobody has set the table up yet.
    #[error(
        "the table has no check value of the identifier key yet: create a space with `efface admin space create`, \
         which writes it"
    )]
    NoCheck,
    /// The table was written under another identifier key.
    #[error(
        "EFFACE_IDENTIFIER_KEY is not the key that this table was written with: every identifier would look \
         deleted. Set the key that the table was set up with"
    )]
    WrongKey,
    /// Identifiers were loaded with another log key.
    #[error(
        "EFFACE_LOG_KEY is not the log key that this table was written with: with two of them, no receipt of what one of \
         them loaded could be tied to its identifier. Set the log key that the table has. If that one was destroyed on \
         purpose, docs/operations.md (\"The log key\") says how to begin with a new one"
    )]
    WrongLogKey,
    /// Nothing was loaded with a log key yet, or the key was destroyed.
    #[error(
        "the table has no check value of a log key, so nobody knows whether EFFACE_LOG_KEY is its key: nothing was loaded into it, \
         or its log key was destroyed"
    )]
    NoLogKeyCheck,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(Serialize, Deserialize)]
struct CheckItem {
    check: String,
}

/// A secret of which a table has a check value.
trait Secret {
    /// What the item is, for errors.
    const KIND: &str;

    fn item() -> Key;

    fn check_value(&self) -> String;

    /// The error where the table was written with another one.
    fn wrong() -> KeyCheckError;
}

impl Secret for MasterKey {
    const KIND: &str = "check value of the identifier key";

    fn item() -> Key {
        Key::key_check()
    }

    fn check_value(&self) -> String {
        self.check_value()
    }

    fn wrong() -> KeyCheckError {
        KeyCheckError::WrongKey
    }
}

impl Secret for LogKey {
    const KIND: &str = "check value of the log key";

    fn item() -> Key {
        Key::log_key_check()
    }

    fn check_value(&self) -> String {
        self.check_value()
    }

    fn wrong() -> KeyCheckError {
        KeyCheckError::WrongLogKey
    }
}

impl Store {
    /// Compares the identifier key with the table's check value. One read; as the first request of a process it opens
    /// the connection that later ones use. Functions do no more than this: their roles allow no write of the value.
    pub async fn verify_key(&self, key: &MasterKey) -> Result<(), KeyCheckError> {
        match self.stored_check::<MasterKey>().await? {
            Some(stored) => stored.verify(key),
            None => Err(KeyCheckError::NoCheck),
        }
    }

    /// The check value of the identifier key, where the table has one: two tables that were written with the same key
    /// have the same.
    pub async fn key_check(&self) -> Result<Option<String>, StoreError> {
        Ok(self.stored_check::<MasterKey>().await?.map(|stored| stored.check))
    }

    /// The same as [`verify_key`](Self::verify_key) for those who set tables up: where there is no check value, writes
    /// this key's. One is written, however many try at once.
    pub async fn set_or_verify_key(&self, key: &MasterKey) -> Result<(), KeyCheckError> {
        self.set_or_verify(key).await
    }

    /// The same for the log key, for those who load identifiers: the first one writes its check value.
    pub async fn set_or_verify_log_key(&self, key: &LogKey) -> Result<(), KeyCheckError> {
        self.set_or_verify(key).await
    }

    /// Compares the log key with the table's check value, for those who write nothing to the table.
    pub async fn verify_log_key(&self, key: &LogKey) -> Result<(), KeyCheckError> {
        self.stored_check::<LogKey>().await?.ok_or(KeyCheckError::NoLogKeyCheck)?.verify(key)
    }

    async fn stored_check<S: Secret>(&self) -> Result<Option<CheckItem>, StoreError> {
        self.get(S::item(), S::KIND).await
    }

    async fn set_or_verify<S: Secret>(&self, secret: &S) -> Result<(), KeyCheckError> {
        if let Some(stored) = self.stored_check::<S>().await? {
            return stored.verify(secret);
        }
        let own = CheckItem { check: secret.check_value() };
        match self.write(Write::put_new(S::item(), &own)?.returning_old()).await? {
            Written::Done(_) => Ok(()),
            Written::Unmet(there) => read::<CheckItem>(there.unwrap_or_default(), S::KIND)?.verify(secret),
        }
    }
}

impl CheckItem {
    fn verify<S: Secret>(&self, secret: &S) -> Result<(), KeyCheckError> {
        if self.check == secret.check_value() { Ok(()) } else { Err(S::wrong()) }
    }
}
