//! The counts of days.

use std::collections::BTreeMap;

use efface_core::{
    journal::{EventKind, counts::Day},
    space::SpaceId,
};
use serde::Deserialize;

use super::{Journal, keys};
use crate::{
    StoreError,
    items::{
        Item,
        read::{Query, read, sort_key},
        write::Write,
    },
};

const KIND: &str = "counts of a day";

/// How many entries of each kind a day has, and the number up to which entries are counted there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DayCounts {
    /// Every entry before this one is counted.
    pub until: u64,
    /// The entries, by kind.
    #[serde(flatten)]
    pub entries: BTreeMap<EventKind, u64>,
}

impl Journal {
    /// Adds what a pack that ends before `end` has of a day, unless that is counted already. Packs must be counted in their
    /// order. 1 write unit.
    pub async fn count(
        &self,
        space: &SpaceId,
        day: &Day,
        counts: &BTreeMap<EventKind, u64>,
        end: u64,
    ) -> Result<(), StoreError> {
        let parts: Vec<String> = (0..counts.len()).map(|place| format!("#k{place} :k{place}")).collect();
        let write = Write::update(keys::day(space, day), format!("SET #until = :end ADD {}", parts.join(", ")));
        let write = write.when("attribute_not_exists(#until) OR #until < :end").value(":end", end);
        let kinds = counts.iter().enumerate();
        let write = kinds.fold(write, |write, (place, (kind, count))| {
            write.name(&format!("#k{place}"), kind.as_str()).value(&format!(":k{place}"), *count)
        });
        self.items.write(write).await.map(drop)
    }

    /// The counts of the days from one to another, both included, that have any: as many as one request returns, about
    /// 2,000, in order.
    pub async fn days(&self, space: &SpaceId, from: &Day, to: &Day) -> Result<BTreeMap<Day, DayCounts>, StoreError> {
        let query = Query::between(keys::days(space), from.to_string(), to.to_string());
        let (items, _) = self.items.query(query).await?;
        let day = |mut item: Item| {
            let day = sort_key(&item)?.parse().map_err(|_| StoreError::unreadable(KIND))?;
            item.remove("pk");
            item.remove("sk");
            Ok((day, read(item, KIND)?))
        };
        items.into_iter().map(day).collect()
    }
}
