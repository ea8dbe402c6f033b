//! The check value: a function with the wrong identifier key would find nothing, and call it deleted.

use aws_sdk_dynamodb::error::SdkError;
use efface_core::key::MasterKey;
use serde::Deserialize;
use thiserror::Error;

use super::{Item, Key, Store, StoreError, read, text};

/// Why the key can't be used.
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

#[derive(Deserialize)]
struct CheckItem {
    check: String,
}

impl Store {
    /// Compares the key with the table's check value; the first start writes it. One read, and by being the first
    /// request it opens the connection that later ones use.
    pub async fn verify_key(&self, key: &MasterKey) -> Result<(), KeyCheckError> {
        let expected = key.check_value();
        let stored: CheckItem = match self.get(Key::key_check()).await? {
            Some(stored) => stored,
            None => match self.write_check(&expected).await? {
                Some(stored) => stored,
                None => return Ok(()),
            },
        };
        if stored.check == expected { Ok(()) } else { Err(KeyCheckError::WrongKey) }
    }

    /// Writes the check value if there is none; else returns what is there.
    async fn write_check(&self, check: &str) -> Result<Option<CheckItem>, StoreError> {
        let mut item = Item::from(Key::key_check());
        item.insert("check".to_owned(), text(check));
        let written = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure("ALL_OLD".into())
            .send()
            .await;
        match written {
            Ok(_) => Ok(None),
            Err(SdkError::ServiceError(error)) if error.err().is_conditional_check_failed_exception() => {
                let old = match error.into_err() {
                    aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException(e) => e.item,
                    _ => None,
                };
                old.map(read).transpose()
            }
            Err(error) => Err(error.into()),
        }
    }
}
