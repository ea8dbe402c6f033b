//! The items of a table: how they are read and written. Every table is reached through these requests, with their retries,
//! batches and conditions. What the items of a table mean is said by who owns the table: the [`store`](crate::store) or the
//! [`journal`](crate::journal).

mod batch;
pub(crate) mod key;
pub(crate) mod read;
pub(crate) mod value;
pub(crate) mod write;

use std::collections::HashMap;

use aws_sdk_dynamodb::{Client, types::AttributeValue};

pub use key::Key;

/// An item as the SDK hands it over.
pub type Item = HashMap<String, AttributeValue>;

/// A table and a client for it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Items {
    pub(crate) client: Client,
    pub(crate) table: String,
}

impl Items {
    pub(crate) fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }
}
