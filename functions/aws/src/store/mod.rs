//! The store: one DynamoDB table. Each file holds the operations on one noun; [`keys`] says where items live,
//! [`items`](crate::items) how they are read and written.

mod error;
pub mod idempotency;
pub mod identifier;
pub mod job;
pub mod journaled;
pub mod journaled_scan;
pub mod key_check;
pub mod keys;
pub mod limit;
pub mod load;
pub mod profile;
pub mod profile_deletion;
pub mod reapply;
pub mod segment;
pub mod space;
pub mod stop;
pub mod stream;
pub mod table;
pub mod token;

use std::ops::Deref;

use aws_sdk_dynamodb::Client;

pub use crate::items::{Item, Key, write::Write};
use crate::items::{Items, read, value, write};
pub use error::StoreError;

/// The table and a client for it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    items: Items,
}

impl Store {
    /// A store on a table.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { items: Items::new(client, table) }
    }

    /// Carries a transaction out once. Whether it was: `false` where a condition failed or it met another one, so that
    /// what it was decided on has to be read again.
    pub async fn try_transact(&self, writes: Vec<Write>) -> Result<bool, StoreError> {
        self.items.try_transact(writes).await
    }
}

/// A store is the items of its table, and what they mean.
impl Deref for Store {
    type Target = Items;

    fn deref(&self) -> &Items {
        &self.items
    }
}
