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
    /// The table was written under another key.
    #[error(
        "EFFACE_IDENTIFIER_KEY is not the key that this table was written with: every identifier would look \
         deleted. Set the key that the first start used"
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
    /// Compares the key with the table's check value, which the first start writes. One read; as the first request of a
    /// process it opens the connection that later ones use.
    pub async fn verify_key(&self, key: &MasterKey) -> Result<(), KeyCheckError> {
        let own = CheckItem { check: key.check_value() };
        let stored: CheckItem = match self.get(Key::key_check(), KIND).await? {
            Some(stored) => stored,
            None => match self.write(Write::put_new(Key::key_check(), &own)?.returning_old()).await? {
                Written::Done(_) => return Ok(()),
                Written::Unmet(there) => read(there.unwrap_or_default(), KIND)?,
            },
        };
        if stored.check == own.check { Ok(()) } else { Err(KeyCheckError::WrongKey) }
    }
}
