//! The table itself: what it is, and the settings that a restore from a backup does not bring back.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_dynamodb::{
    error::ProvideErrorMetadata,
    types::{
        KeyType, PointInTimeRecoverySpecification, PointInTimeRecoveryStatus, StreamSpecification, StreamViewType,
        TableDescription, TableStatus, Tag, TimeToLiveSpecification, TimeToLiveStatus,
    },
};
use efface_core::time::Time;

use super::{Store, StoreError};

/// How often a table that is being updated is looked at, a second apart.
const LOOKS: usize = 300;

/// The code with which an emulator answers a request that it does not know.
const UNKNOWN_OPERATION: &str = "UnknownOperationException";

/// What a table is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its own id: a later table of the same name has another one.
    pub id: String,
    /// Its Amazon Resource Name.
    pub arn: String,
    /// Its status, such as `ACTIVE`.
    pub status: String,
    /// Whether it has the keys of Efface's table.
    pub has_own_keys: bool,
    /// How many items it holds, as DynamoDB counts them every six hours.
    pub items: i64,
    /// Where it was restored from a backup: of which table, and to the state of which moment.
    pub restored_from: Option<(Option<String>, Time)>,
    /// What its stream holds of each write; `None` without a stream.
    pub stream: Option<StreamViewType>,
    /// Whether DynamoDB refuses to delete it.
    pub is_protected: bool,
}

/// Whether a table can be restored to a point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backups {
    /// The endpoint, an emulator, has no backups.
    Unsupported,
    /// It can't.
    Off,
    /// It can, for so many days where that is known.
    On(Option<i32>),
}

impl Table {
    /// Whether it can be used now.
    pub fn is_active(&self) -> bool {
        self.status == TableStatus::Active.as_str()
    }
}

impl Store {
    /// Describes the table.
    pub async fn table(&self) -> Result<Table, StoreError> {
        let reply = self.client.describe_table().table_name(&self.table).send().await?;
        reply.table.and_then(table).ok_or_else(|| StoreError::unreadable("description of the table"))
    }

    /// Waits until a table that is being updated is active, for five minutes.
    pub async fn wait_until_active(&self) -> Result<(), StoreError> {
        for _ in 0..LOOKS {
            if self.table().await?.is_active() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Err(StoreError::Unavailable("the table is still being updated".to_owned()))
    }

    /// The attribute by which items expire; `None` where none does.
    pub async fn time_to_live(&self) -> Result<Option<String>, StoreError> {
        let reply = self.client.describe_time_to_live().table_name(&self.table).send().await?;
        let ttl = reply.time_to_live_description;
        let is_on =
            |status: &TimeToLiveStatus| matches!(status, TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling);
        Ok(ttl.filter(|ttl| ttl.time_to_live_status.as_ref().is_some_and(is_on)).and_then(|ttl| ttl.attribute_name))
    }

    /// Has items expire by an attribute.
    pub async fn enable_time_to_live(&self, attribute: &str) -> Result<(), StoreError> {
        let ttl = TimeToLiveSpecification::builder().enabled(true).attribute_name(attribute).build()?;
        let update = self.client.update_time_to_live().table_name(&self.table).time_to_live_specification(ttl);
        Ok(update.send().await.map(drop)?)
    }

    /// Starts the table's stream.
    pub async fn enable_stream(&self, view: StreamViewType) -> Result<(), StoreError> {
        let stream = StreamSpecification::builder().stream_enabled(true).stream_view_type(view).build()?;
        self.client.update_table().table_name(&self.table).stream_specification(stream).send().await?;
        self.wait_until_active().await
    }

    /// Has DynamoDB refuse to delete the table.
    pub async fn protect(&self) -> Result<(), StoreError> {
        self.client.update_table().table_name(&self.table).deletion_protection_enabled(true).send().await?;
        self.wait_until_active().await
    }

    /// Whether the table can be restored to a point in time.
    pub async fn backups(&self) -> Result<Backups, StoreError> {
        let reply = match self.client.describe_continuous_backups().table_name(&self.table).send().await {
            Err(error) if error.code() == Some(UNKNOWN_OPERATION) => return Ok(Backups::Unsupported),
            reply => reply?,
        };
        let backups = reply.continuous_backups_description.and_then(|all| all.point_in_time_recovery_description);
        let is_on = |status: &PointInTimeRecoveryStatus| *status == PointInTimeRecoveryStatus::Enabled;
        Ok(match backups {
            Some(backups) if backups.point_in_time_recovery_status.as_ref().is_some_and(is_on) => {
                Backups::On(backups.recovery_period_in_days)
            }
            _ => Backups::Off,
        })
    }

    /// Has DynamoDB keep backups, for so many days.
    pub async fn enable_backups(&self, days: Option<i32>) -> Result<(), StoreError> {
        let backups = PointInTimeRecoverySpecification::builder()
            .point_in_time_recovery_enabled(true)
            .set_recovery_period_in_days(days)
            .build()?;
        let update = self.client.update_continuous_backups().table_name(&self.table);
        Ok(update.point_in_time_recovery_specification(backups).send().await.map(drop)?)
    }

    /// The tags of a table, by its ARN, less those that AWS sets itself.
    pub async fn tags(&self, arn: &str) -> Result<BTreeMap<String, String>, StoreError> {
        let mut tags = BTreeMap::new();
        let mut next = None;
        loop {
            let list = self.client.list_tags_of_resource().resource_arn(arn).set_next_token(next);
            let reply = list.send().await?;
            let own = reply.tags().iter().filter(|tag| !tag.key.starts_with("aws:"));
            tags.extend(own.map(|tag| (tag.key.clone(), tag.value.clone())));
            next = reply.next_token;
            if next.is_none() {
                return Ok(tags);
            }
        }
    }

    /// Adds tags to a table, by its ARN.
    pub async fn add_tags(&self, arn: &str, tags: &BTreeMap<String, String>) -> Result<(), StoreError> {
        let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
        let tags = tags.iter().map(tag).collect::<Result<Vec<_>, _>>()?;
        let request = self.client.tag_resource().resource_arn(arn).set_tags(Some(tags));
        Ok(request.send().await.map(drop)?)
    }
}

fn table(description: TableDescription) -> Option<Table> {
    let keys: Vec<_> = description.key_schema().iter().map(|key| (key.attribute_name(), key.key_type())).collect();
    let has_own_keys = keys == [("pk", &KeyType::Hash), ("sk", &KeyType::Range)];
    let stream = description.stream_specification.filter(|stream| stream.stream_enabled);
    let restored_from = match description.restore_summary {
        Some(restore) => {
            let at = Time::from_millis(restore.restore_date_time.to_millis().ok()?)?;
            Some((restore.source_table_arn, at))
        }
        None => None,
    };
    Some(Table {
        name: description.table_name?,
        id: description.table_id.or_else(|| description.table_arn.clone())?,
        arn: description.table_arn?,
        status: description.table_status?.as_str().to_owned(),
        has_own_keys,
        items: description.item_count.unwrap_or_default(),
        restored_from,
        stream: stream.and_then(|stream| stream.stream_view_type),
        is_protected: description.deletion_protection_enabled.unwrap_or_default(),
    })
}
