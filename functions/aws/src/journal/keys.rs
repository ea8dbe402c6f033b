//! Where items live: the keys of the journal's table. The keys of the index follow from a pack alone, so they are in
//! `efface_core::journal::index`. The first letter of a partition key is the kind of item, and a function's role is limited
//! by it.

use efface_core::{
    journal::{
        EventId,
        counts::Day,
        index::{IndexItem, noun_partition, number_key, waiting_shard},
    },
    space::SpaceId,
};

use crate::items::{Key, key::ALONE};

/// The head of a space.
pub fn head(space: &SpaceId) -> Key {
    Key::new(format!("H#{space}"), ALONE)
}

/// A pack, by the number of its first entry.
pub fn pack(space: &SpaceId, first: u64) -> Key {
    Key::new(packs(space), number_key(first))
}

/// The item of an event in the index.
pub fn event(space: &SpaceId, id: &EventId) -> Key {
    Key::new(noun_partition(space, &id.noun), id.sort_key())
}

/// An item of the index.
pub fn index_item(space: &SpaceId, item: &IndexItem) -> Key {
    Key::new(item.partition(space), item.sort_key())
}

/// The counts of a day.
pub fn day(space: &SpaceId, day: &Day) -> Key {
    Key::new(days(space), day.to_string())
}

/// A space that has entries which are not published.
pub fn waiting(space: &SpaceId) -> Key {
    Key::new(waiting_spaces(waiting_shard(space)), space.as_str())
}

/// How far `efface admin journal reconcile` has come with a space, or with all.
pub fn reconcile(space: Option<&SpaceId>) -> Key {
    Key::new("A#reconcile".to_owned(), space.map_or("*", SpaceId::as_str))
}

/// The partition of a space's packs.
pub(super) fn packs(space: &SpaceId) -> String {
    format!("P#{space}")
}

/// The partition of a space's counts.
pub(super) fn days(space: &SpaceId) -> String {
    format!("D#{space}")
}

/// The partition of a shard of the spaces that wait.
pub(super) fn waiting_spaces(shard: u8) -> String {
    format!("W#{shard:02}")
}
