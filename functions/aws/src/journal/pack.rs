//! Packs. One that begins with the head's `n` or a higher number is not committed.

use efface_core::{
    journal::{Pack, index::number_key, pack::MAX_ENTRIES},
    space::SpaceId,
};
use serde::Deserialize;

use super::{Journal, keys};
use crate::{
    StoreError,
    items::{
        Item,
        read::{Query, read, sort_key},
        value::ToValue,
        write::{Write, Written},
    },
};

/// What an error calls a pack: an operator finds it by space and number.
fn kind(space: &SpaceId, first: u64) -> String {
    format!("pack {first} of the journal of {space}")
}

fn lacks_entries(space: &SpaceId, from: u64) -> StoreError {
    StoreError::unreadable(&format!("journal of {space}, which lacks entries from {from} on"))
}

#[derive(Deserialize)]
struct Stored {
    #[serde(with = "serde_bytes")]
    entries: Vec<u8>,
}

/// What the put of a pack came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PackPut {
    /// It stands in the table now.
    Put,
    /// Another one stood there, or this very one, of an earlier attempt. It is as it was.
    There(Box<Pack>),
}

impl Journal {
    /// Puts a pack under the number of its first entry, if none stands there.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] where one stands there that this version cannot read.
    pub async fn put_pack(&self, pack: &Pack) -> Result<PackPut, StoreError> {
        let bytes = pack.to_bytes().map_err(|error| StoreError::Internal(error.to_string()))?;
        let item = Item::from([("entries".to_owned(), bytes.to_value())]);
        let key = keys::pack(pack.space(), pack.first());
        let write = Write::put(key, item).when("attribute_not_exists(pk)").returning_old();
        match self.items.write(write).await? {
            Written::Done(_) => Ok(PackPut::Put),
            Written::Unmet(Some(there)) => Ok(PackPut::There(Box::new(pack_of(pack.space(), there)?))),
            Written::Unmet(None) => Err(StoreError::unreadable(&kind(pack.space(), pack.first()))),
        }
    }

    /// The pack whose first entry has this number, as the last acknowledged write left it: committed or not.
    pub async fn pack(&self, space: &SpaceId, first: u64) -> Result<Option<Pack>, StoreError> {
        let item = self.items.get_item(keys::pack(space, first), true).await?;
        item.map(|item| pack_of(space, item)).transpose()
    }

    /// The pack that holds the entry with this number: committed or not.
    pub async fn pack_with(&self, space: &SpaceId, number: u64) -> Result<Option<Pack>, StoreError> {
        let (from, to) = (number_key(earliest_first(number)), number_key(number));
        let query = Query::between(keys::packs(space), from, to).newest_first().limit(1);
        let (items, _) = self.items.query(query).await?;
        let pack = items.into_iter().next().map(|item| pack_of(space, item)).transpose()?;
        Ok(pack.filter(|pack| pack.end() > number))
    }

    /// The packs that hold the entries from `from` up to, not including, `to`, in their order: as many of them as one
    /// request returns, at least one. Go on from the [`end`](Pack::end) of the last one. The first may begin before `from`
    /// and the last may end after `to`. All entries must be committed.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] also where an entry is in no pack.
    pub async fn packs(&self, space: &SpaceId, from: u64, to: u64) -> Result<Vec<Pack>, StoreError> {
        if from >= to {
            return Ok(Vec::new());
        }
        let (first, last) = (number_key(earliest_first(from)), number_key(to - 1));
        let (items, more) = self.items.query(Query::between(keys::packs(space), first, last)).await?;
        let packs = items.into_iter().map(|item| pack_of(space, item)).collect::<Result<Vec<_>, _>>()?;
        let (mut found, mut next) = (Vec::new(), from);
        for pack in packs.into_iter().filter(|pack| pack.end() > from) {
            if pack.first() > next || (pack.first() < next && !found.is_empty()) {
                return Err(lacks_entries(space, next));
            }
            next = pack.end();
            found.push(pack);
        }
        let is_complete = next >= to || (more.is_some() && !found.is_empty());
        if is_complete { Ok(found) } else { Err(lacks_entries(space, next)) }
    }
}

/// The smallest first number of a pack that can hold this entry.
fn earliest_first(number: u64) -> u64 {
    number.saturating_sub(MAX_ENTRIES as u64 - 1)
}

pub(super) fn pack_of(space: &SpaceId, item: Item) -> Result<Pack, StoreError> {
    let number = sort_key(&item)?.parse();
    let first: u64 = number.map_err(|_| StoreError::unreadable(&format!("key of a pack of the journal of {space}")))?;
    let kind = kind(space, first);
    let Stored { entries } = read(item, &kind)?;
    Pack::read(space, first, &entries).map_err(|error| StoreError::unreadable(&format!("{kind}: {error}")))
}
