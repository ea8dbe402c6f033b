//! What the records of a batch tell.

use std::collections::BTreeSet;

use efface_aws::{
    aside_queue::Aside,
    store::stream::{Provenance, PutAside, lacks_images, recorded_at},
};
use efface_core::{journal::Entry, space::SpaceId, time::Time};
use efface_engine::{Error, journal::events};
use serde_json::Value;

/// The records of a batch, read.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// What they tell.
    pub(crate) entries: Vec<Entry>,
    /// The space of each record that tells something, by its place in the batch.
    pub(crate) spaces: Vec<(usize, SpaceId)>,
    /// Those that cannot be read.
    pub(crate) aside: Vec<Aside>,
    /// When the records were made whose items cannot be read, as far as they say.
    pub(crate) unreadable: Vec<Option<Time>>,
    /// When the newest record was made that can be read.
    pub(crate) newest: Option<Time>,
}

impl Batch {
    /// Reads records, each by itself.
    ///
    /// # Errors
    /// The stream has not both images.
    pub(crate) fn read(records: &[Value]) -> Result<Self, Error> {
        if records.iter().any(lacks_images) {
            return Err(Error::Fault("a stream whose view type is not NEW_AND_OLD_IMAGES"));
        }
        let mut batch = Self::default();
        for (place, record) in records.iter().enumerate() {
            match events::entries(record) {
                Ok((told, at)) => {
                    batch.spaces.extend(told.first().map(|entry| (place, entry.space().clone())));
                    batch.entries.extend(told);
                    batch.newest = batch.newest.max(Some(at));
                }
                Err(reason) => {
                    if reason == PutAside::UnreadableItem {
                        batch.unreadable.push(recorded_at(record));
                    }
                    batch.aside.push(Aside::new(Provenance::of(record), reason));
                }
            }
        }
        Ok(batch)
    }
}

/// The records of the spaces whose journal has stopped.
pub(crate) fn of_stopped(records: &[Value], spaces: &[(usize, SpaceId)], stopped: &BTreeSet<SpaceId>) -> Vec<Aside> {
    let of = spaces.iter().filter(|(_, space)| stopped.contains(space));
    of.filter_map(|(place, _)| records.get(*place))
        .map(|record| Aside::new(Provenance::of(record), PutAside::SpaceStopped))
        .collect()
}
