//! Values as DynamoDB holds them.

use std::fmt::Display;

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use efface_core::{
    id::{ProfileId, RequestId},
    job::{JobId, RowRef, finding::FindingsDigest},
    key::GroupHash,
    log::Commitment,
    profile::DeletionCursor,
    time::Time,
    token::TokenId,
};
use serde::Serialize;

use super::Item;
use crate::StoreError;

/// A record as an item.
pub(crate) fn to_item(record: &impl Serialize) -> Result<Item, StoreError> {
    serde_dynamo::to_item(record).map_err(|_| StoreError::Internal("a record that cannot be stored".to_owned()))
}

/// A part of a record as a value.
pub(crate) fn to_attribute(part: impl Serialize) -> Result<AttributeValue, StoreError> {
    serde_dynamo::to_attribute_value(part).map_err(|_| StoreError::Internal("a value that cannot be stored".to_owned()))
}

/// A value of an expression.
pub(crate) trait ToValue {
    fn to_value(self) -> AttributeValue;
}

impl ToValue for AttributeValue {
    fn to_value(self) -> AttributeValue {
        self
    }
}

impl<T: ToValue> ToValue for Option<T> {
    /// DynamoDB's null, which a record reads as none.
    fn to_value(self) -> AttributeValue {
        self.map_or(AttributeValue::Null(true), ToValue::to_value)
    }
}

impl ToValue for &str {
    fn to_value(self) -> AttributeValue {
        AttributeValue::S(self.to_owned())
    }
}

impl ToValue for String {
    fn to_value(self) -> AttributeValue {
        AttributeValue::S(self)
    }
}

impl ToValue for bool {
    fn to_value(self) -> AttributeValue {
        AttributeValue::Bool(self)
    }
}

impl ToValue for Vec<u8> {
    fn to_value(self) -> AttributeValue {
        AttributeValue::B(Blob::new(self))
    }
}

macro_rules! to_value {
    ($($type:ty)+ => $variant:ident) => {
        $(
            impl ToValue for $type {
                fn to_value(self) -> AttributeValue {
                    AttributeValue::$variant(self.to_string())
                }
            }
        )+
    };
}

to_value!(i64 u32 u64 => N);
to_value!(
    Time RequestId ProfileId JobId RowRef FindingsDigest DeletionCursor &TokenId GroupHash Commitment => S
);

/// A set of texts. DynamoDB knows no empty set.
pub(crate) fn text_set<T: Display>(texts: impl IntoIterator<Item = T>) -> AttributeValue {
    AttributeValue::Ss(texts.into_iter().map(|text| text.to_string()).collect())
}
