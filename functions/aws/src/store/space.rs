//! Spaces: their settings, and the source that the first deletion makes.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use efface_core::{
    space::{SOURCE_NAME, Source, SourceState, Space, SpaceChange, SpaceError, SpaceId},
    time::Time,
};
use thiserror::Error;

use super::{Item, Key, Store, StoreError, identifier::names, read};
use crate::clock;

/// Why a space was not made or changed.
#[derive(Debug, Error)]
pub enum SpaceChangeError {
    /// It exists.
    #[error("the space `{0}` exists already")]
    Exists(SpaceId),
    /// It does not.
    #[error("there is no space `{0}`")]
    Unknown(SpaceId),
    /// The change breaks a rule.
    #[error(transparent)]
    Rule(#[from] SpaceError),
    /// Somebody else changed the space at the same time.
    #[error("the space `{0}` was changed by somebody else meanwhile; look at it and try again")]
    Raced(SpaceId),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Reads a space's settings.
    pub async fn space(&self, space: &SpaceId) -> Result<Option<Space>, StoreError> {
        self.get(Key::space(space)).await
    }

    /// Makes a space.
    pub async fn create_space(&self, id: &SpaceId, change: &SpaceChange, now: Time) -> Result<Space, SpaceChangeError> {
        let space = change.apply(Space::new(now), true, &clock::short_id("src_"))?;
        let written = self.put_space(id, &space, None).await?;
        if written { Ok(space) } else { Err(SpaceChangeError::Exists(id.clone())) }
    }

    /// Changes a space's settings.
    pub async fn update_space(&self, id: &SpaceId, change: &SpaceChange) -> Result<Space, SpaceChangeError> {
        let old = self.get::<Space>(Key::space(id)).await?.ok_or_else(|| SpaceChangeError::Unknown(id.clone()))?;
        let space = change.apply(old.clone(), false, &clock::short_id("src_"))?;
        let written = self.put_space(id, &space, Some(&old)).await?;
        if written { Ok(space) } else { Err(SpaceChangeError::Raced(id.clone())) }
    }

    /// Writes settings over those that were read, or over none. Whether it was so.
    async fn put_space(&self, id: &SpaceId, space: &Space, old: Option<&Space>) -> Result<bool, StoreError> {
        let mut item = settings(space)?;
        item.extend(Item::from(Key::space(id)));
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        let put = match old {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(old) => only_if_unchanged(put, settings(old)?),
        };
        match put.send().await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(e) if e.is_conditional_check_failed_exception() => Ok(false),
                _ => Err(error.into()),
            },
        }
    }

    /// Makes the space's source at the first use of the deletion API. However many first uses there are at once, one
    /// source is made, and all return it.
    pub async fn attach_source(&self, id: &SpaceId) -> Result<Source, StoreError> {
        let source = Source { id: clock::short_id("src_"), name: SOURCE_NAME.to_owned(), state: SourceState::Attached };
        let value = serde_dynamo::to_attribute_value(&source).map_err(|_| unreadable())?;
        let written = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::space(id).into()))
            .update_expression("SET #source = :source")
            .condition_expression("attribute_exists(pk) AND (attribute_not_exists(#source) OR #source = :none)")
            .set_expression_attribute_names(Some(names(&["source"])))
            .expression_attribute_values(":source", value)
            .expression_attribute_values(":none", aws_sdk_dynamodb::types::AttributeValue::Null(true))
            .return_values_on_condition_check_failure("ALL_OLD".into())
            .send()
            .await;
        let Err(error) = written else { return Ok(source) };
        match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                let space: Space = read(failed.item.clone().unwrap_or_default())?;
                space.source.ok_or_else(unreadable)
            }
            _ => Err(error.into()),
        }
    }
}

fn settings(space: &Space) -> Result<Item, StoreError> {
    serde_dynamo::to_item(space).map_err(|_| unreadable())
}

fn unreadable() -> StoreError {
    StoreError::Internal("a space of an unknown shape".to_owned())
}

/// The settings are few: comparing them all is simpler than keeping a version beside them.
fn only_if_unchanged(
    mut put: aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder,
    old: Item,
) -> aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder {
    let mut conditions = Vec::with_capacity(old.len());
    for (i, (name, value)) in old.into_iter().enumerate() {
        conditions.push(format!("#f{i} = :f{i}"));
        put =
            put.expression_attribute_names(format!("#f{i}"), name).expression_attribute_values(format!(":f{i}"), value);
    }
    put.condition_expression(conditions.join(" AND "))
}
