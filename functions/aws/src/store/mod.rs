//! The store: one DynamoDB table. Each file holds the operations on one noun; [`keys`] says where items live, `read`,
//! `write` and `batch` how they are read and written.

mod batch;
mod error;
pub mod idempotency;
pub mod identifier;
pub mod job;
pub mod key_check;
pub mod keys;
pub mod limit;
pub mod load;
pub mod profile;
pub mod profile_deletion;
mod read;
pub mod reapply;
pub mod segment;
pub mod space;
pub mod stop;
pub mod table;
pub mod token;
mod value;
mod write;

use std::collections::HashMap;

use aws_sdk_dynamodb::{Client, types::AttributeValue};

pub use error::StoreError;
pub use keys::Key;
pub use write::Write;

/// An item as the SDK hands it over.
pub type Item = HashMap<String, AttributeValue>;

/// The table and a client for it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    client: Client,
    table: String,
}

impl Store {
    /// A store on a table.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }
}
