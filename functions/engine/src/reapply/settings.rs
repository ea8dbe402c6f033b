//! The settings of a table that a restore from a backup does not bring back: it gets those that the old table has now.
//! They come last, so that what the command itself deletes is not in the stream: the old table's stream has had it.

use std::fmt;

use efface_aws::store::table::Backups;
use serde::Serialize;

use super::{Reapply, ReapplyError};

/// A setting of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// Items expire.
    TimeToLive,
    /// There is a stream.
    Stream,
    /// The table can be restored to a point in time.
    Backups,
    /// DynamoDB refuses to delete the table.
    DeletionProtection,
    /// The tags, less those that AWS sets.
    Tags,
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TimeToLive => "time to live",
            Self::Stream => "stream",
            Self::Backups => "backups",
            Self::DeletionProtection => "deletion protection",
            Self::Tags => "tags",
        })
    }
}

/// What became of a setting of the restored table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SettingChange {
    /// It was, or would be, set as the old table has it.
    Set,
    /// It is as the old table has it, or the old table does not have it.
    Unchanged,
    /// The endpoint, an emulator, does not have it.
    Unsupported,
}

impl SettingChange {
    fn set_if(is_set: bool) -> Self {
        if is_set { Self::Set } else { Self::Unchanged }
    }
}

impl Reapply {
    /// Sets what the old table has and the restored one lacks. What the restored table has already is left alone.
    pub(super) async fn restore_settings(&self) -> Result<Vec<(Setting, SettingChange)>, ReapplyError> {
        Ok(vec![
            (Setting::TimeToLive, self.restore_time_to_live().await?),
            (Setting::Stream, self.restore_stream().await?),
            (Setting::Backups, self.restore_backups().await?),
            (Setting::DeletionProtection, self.restore_protection().await?),
            (Setting::Tags, self.restore_tags().await?),
        ])
    }

    async fn restore_time_to_live(&self) -> Result<SettingChange, ReapplyError> {
        let there = self.to.time_to_live().await?;
        match self.from.time_to_live().await? {
            Some(attribute) if there.is_none() => {
                if !self.asked.is_dry_run {
                    self.to.enable_time_to_live(&attribute).await?;
                }
                Ok(SettingChange::Set)
            }
            Some(attribute) if there.as_ref() != Some(&attribute) => Err(ReapplyError::Setting(Setting::TimeToLive)),
            _ => Ok(SettingChange::Unchanged),
        }
    }

    async fn restore_stream(&self) -> Result<SettingChange, ReapplyError> {
        match (&self.old.stream, self.to.table().await?.stream) {
            (Some(view), None) => {
                if !self.asked.is_dry_run {
                    self.to.enable_stream(view.clone()).await?;
                }
                Ok(SettingChange::Set)
            }
            (Some(view), Some(there)) if *view != there => Err(ReapplyError::Setting(Setting::Stream)),
            _ => Ok(SettingChange::Unchanged),
        }
    }

    async fn restore_backups(&self) -> Result<SettingChange, ReapplyError> {
        Ok(match (self.from.backups().await?, self.to.backups().await?) {
            (Backups::Unsupported, _) | (_, Backups::Unsupported) => SettingChange::Unsupported,
            (Backups::On(days), Backups::Off) => {
                if !self.asked.is_dry_run {
                    self.to.enable_backups(days).await?;
                }
                SettingChange::Set
            }
            (Backups::Off, _) | (_, Backups::On(_)) => SettingChange::Unchanged,
        })
    }

    async fn restore_protection(&self) -> Result<SettingChange, ReapplyError> {
        let is_wanted = self.old.is_protected && !self.to.table().await?.is_protected;
        if is_wanted && !self.asked.is_dry_run {
            self.to.protect().await?;
        }
        Ok(SettingChange::set_if(is_wanted))
    }

    async fn restore_tags(&self) -> Result<SettingChange, ReapplyError> {
        let there = self.to.tags(&self.restored.arn).await?;
        let mut missing = self.from.tags(&self.old.arn).await?;
        missing.retain(|key, _| !there.contains_key(key));
        if !missing.is_empty() && !self.asked.is_dry_run {
            self.to.add_tags(&self.restored.arn, &missing).await?;
        }
        Ok(SettingChange::set_if(!missing.is_empty()))
    }
}
