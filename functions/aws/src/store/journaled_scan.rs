//! The scan of the items whose changes reach the journal, as `efface admin journal reconcile` does it.

use aws_sdk_dynamodb::types::AttributeValue;
use efface_core::{
    job::{JobId, event::JobEvent},
    space::SpaceId,
};

use super::{
    Item, Key, Store, StoreError,
    job::EVENT_KIND,
    journaled::{FILTERS, Journaled, JournaledKey},
    keys::events_partition,
    read::{Query, Scan, key_of, read, sort_key},
};

/// The prefix of stored events: they are read with their job.
const EVENTS: &str = "E#";

/// A part of the scan.
#[derive(Debug)]
pub struct JournaledPart {
    /// The items of the part, without the stored events of jobs.
    pub items: Vec<Journaled>,
    /// The items that cannot be read.
    pub unreadable: Vec<UnreadableItem>,
    /// How many items were looked at.
    pub scanned: u64,
    /// Where to go on; `None` at the end of the table.
    pub more: Option<Key>,
}

/// An item that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnreadableItem {
    /// No version writes its key, which could be any text. Holds the first letter, where it is one of a kind of item.
    Key(Option<char>),
    /// What is of no version is its content.
    Item(JournaledKey),
}

/// The stored events of a job.
#[derive(Debug, Default)]
pub struct StoredEvents {
    /// Those that can be read, each with the version of the head when it happened.
    pub events: Vec<(i64, JobEvent)>,
    /// How many cannot.
    pub unreadable: u64,
}

impl Store {
    /// Scans a part of the table, at most so many items, as of the last acknowledged writes.
    pub async fn scan_journaled(&self, after: Option<Key>, limit: i32) -> Result<JournaledPart, StoreError> {
        let (filter, values) = filter();
        let (items, scanned, more) = self.scan(Scan { filter, values, after, limit }).await?;
        let mut part = JournaledPart { items: Vec::new(), unreadable: Vec::new(), scanned, more };
        for item in items {
            let key = key_of(&item)?;
            match JournaledKey::of(&key) {
                Ok(None) => {}
                Ok(Some(of)) => match of.clone().read(None, Some(item)) {
                    Ok(found) => part.items.push(found),
                    Err(_) => part.unreadable.push(UnreadableItem::Item(of)),
                },
                Err(_) => {
                    part.unreadable.push(UnreadableItem::Key(key.pk.chars().next().filter(char::is_ascii_uppercase)));
                }
            }
        }
        Ok(part)
    }

    /// All stored events of a job.
    pub async fn stored_job_events(&self, space: &SpaceId, job: JobId) -> Result<StoredEvents, StoreError> {
        let (mut found, mut after) = (StoredEvents::default(), None);
        loop {
            let (items, more) = self.query(Query::all(events_partition(space, job)).after(after)).await?;
            for item in items {
                let version = sort_key(&item)?.split_once('#').and_then(|(version, _)| version.parse().ok());
                match (version, read(item, EVENT_KIND)) {
                    (Some(version), Ok(event)) => found.events.push((version, event)),
                    _ => found.unreadable += 1,
                }
            }
            after = more;
            if after.is_none() {
                return Ok(found);
            }
        }
    }
}

/// The filters of the stream's mapping as one of a scan, without the stored events. A filter of which nothing is left is left
/// out: a condition without a part is none.
fn filter() -> (String, Item) {
    let (mut any, mut values) = (Vec::new(), Item::new());
    for (place, filter) in FILTERS.iter().enumerate() {
        let mut prefixes = Vec::new();
        for (number, prefix) in filter.prefixes.iter().enumerate().filter(|(_, prefix)| **prefix != EVENTS) {
            let name = format!(":p{place}_{number}");
            prefixes.push(format!("begins_with(pk, {name})"));
            values.insert(name, AttributeValue::S((*prefix).to_owned()));
        }
        if prefixes.is_empty() {
            continue;
        }
        let mut all = format!("({})", prefixes.join(" OR "));
        if let Some(sort_key) = filter.sort_key {
            let name = format!(":s{place}");
            all = format!("({all} AND sk = {name})");
            values.insert(name, AttributeValue::S(sort_key.to_owned()));
        }
        any.push(all);
    }
    (any.join(" OR "), values)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each kind of the mapping's filters but the stored events, with its sort key, in the order of the filters.
    #[test]
    fn a_scan_has_the_filters_of_the_mapping_without_stored_events() {
        let (text, values) = filter();
        assert_eq!(
            text,
            "((begins_with(pk, :p0_0) OR begins_with(pk, :p0_1) OR begins_with(pk, :p0_2)) AND sk = :s0) OR \
             ((begins_with(pk, :p1_0) OR begins_with(pk, :p1_1)) AND sk = :s1) OR (begins_with(pk, :p2_1))"
        );
        let mut texts: Vec<_> =
            values.iter().map(|(name, value)| (name.as_str(), value.as_s().unwrap().as_str())).collect();
        texts.sort_unstable();
        let expected = [
            (":p0_0", "I#"),
            (":p0_1", "T#"),
            (":p0_2", "S#"),
            (":p1_0", "P#"),
            (":p1_1", "J#"),
            (":p2_1", "G#"),
            (":s0", "-"),
            (":s1", "H"),
        ];
        assert_eq!(texts, expected);
    }
}
