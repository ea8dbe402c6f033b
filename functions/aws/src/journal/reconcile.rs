//! What `efface admin journal reconcile` reads of the journal, and how far it has come.

use std::collections::BTreeSet;

use efface_core::{journal::Noun, space::SpaceId, time::Time};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Journal, keys};
use crate::{
    StoreError,
    items::{
        Item, Key,
        read::{Scan, key_of},
        value::ToValue,
        write::Write,
    },
};

/// How far a run has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReconcileRun<Counts> {
    /// The process that has it: only that one may keep how far it has come.
    pub process: String,
    /// When it was begun.
    pub started_at: Time,
    /// When it came to its end.
    pub finished_at: Option<Time>,
    /// What it is at.
    pub phase: ReconcilePhase,
    /// The key that the scan of this phase goes on after, partition and sort key.
    pub after: Option<(String, String)>,
    /// The spaces that could not be reconciled, because their journal has stopped.
    #[serde(default)]
    pub stopped: BTreeSet<SpaceId>,
    /// What was found and done so far.
    pub counts: Counts,
}

/// The phases of a run, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReconcilePhase {
    /// It scans the table for items that the journal lacks entries of.
    Items,
    /// It scans the journal for entries whose item is gone.
    Entries,
}

/// A part of the scan of the journal.
#[derive(Debug)]
pub struct NounsPart {
    /// What the entries of the part are about. Each is there once, also where the part before ended with it.
    pub nouns: Vec<(SpaceId, Noun)>,
    /// How many keys cannot be read.
    pub unreadable: u64,
    /// How many items were looked at.
    pub scanned: u64,
    /// Where to go on; `None` at the end of the journal.
    pub more: Option<Key>,
}

impl Journal {
    /// Scans a part of the journal, at most so many items, for what its entries are about. A scan has all items of a
    /// partition one after the other.
    pub async fn scan_nouns(&self, after: Option<Key>, limit: i32) -> Result<NounsPart, StoreError> {
        let (filter, values) =
            ("begins_with(pk, :nouns)".to_owned(), Item::from([(":nouns".to_owned(), "N#".to_value())]));
        let mut last = after.as_ref().map(|key| key.pk.clone());
        let (items, scanned, more) = self.items.scan(Scan { filter, values, after, limit }).await?;
        let (mut nouns, mut unreadable) = (Vec::new(), 0);
        for item in items {
            let key = key_of(&item)?;
            if last.as_ref() != Some(&key.pk) {
                match noun(&key.pk) {
                    Some(noun) => nouns.push(noun),
                    None => unreadable += 1,
                }
            }
            last = Some(key.pk);
        }
        Ok(NounsPart { nouns, unreadable, scanned, more })
    }

    /// How far the last run came that was about this space, or about all.
    pub async fn reconcile_run<C: DeserializeOwned>(
        &self,
        space: Option<&SpaceId>,
    ) -> Result<Option<ReconcileRun<C>>, StoreError> {
        self.items.get(keys::reconcile(space), "run of a reconcile").await
    }

    /// Keeps how far a run has come, if it still is that of this process, or if there is none where `process` is `None`;
    /// whether it was.
    pub async fn keep_reconcile_run<C: Serialize>(
        &self,
        space: Option<&SpaceId>,
        run: &ReconcileRun<C>,
        process: Option<&str>,
    ) -> Result<bool, StoreError> {
        let write = Write::put_record(keys::reconcile(space), run)?;
        let write = match process {
            Some(process) => write.when("#process = :process").value(":process", process),
            None => write.when("attribute_not_exists(pk)"),
        };
        Ok(self.items.write(write).await?.is_done())
    }
}

fn noun(pk: &str) -> Option<(SpaceId, Noun)> {
    let (space, noun) = pk.strip_prefix("N#")?.split_once('#')?;
    Some((space.parse().ok()?, noun.parse().ok()?))
}
