//! The heads of spaces, and the items of those that wait for the publisher.
//!
//! Nobody writes a head whole: each write here names the attributes that it changes, and what they must still be. `dirty` is
//! there and true, or it is not there; `indexed` is not there as long as it is 0.

use efface_core::{
    journal::{Head, commit::Commit},
    log::Frontier,
    space::SpaceId,
};
use serde::Deserialize;

use super::{Journal, WaitingSpaces, keys};
use crate::{
    StoreError,
    items::{
        read::{Query, sort_key},
        write::{FEW, Write},
    },
};

/// What an error calls the head of a space.
fn kind(space: &SpaceId) -> String {
    format!("head of the journal of {space}")
}

#[derive(Deserialize)]
struct Stored {
    n: u64,
    #[serde(with = "serde_bytes")]
    frontier: Vec<u8>,
    #[serde(default)]
    indexed: u64,
    dirty: Option<bool>,
}

impl Stored {
    fn head(self, space: &SpaceId) -> Result<Head, StoreError> {
        let unreadable = || StoreError::unreadable(&kind(space));
        if self.dirty == Some(false) {
            return Err(unreadable());
        }
        let frontier = Frontier::from_bytes(&self.frontier).map_err(|_| unreadable())?;
        Head::new(self.n, frontier, self.indexed, self.dirty.is_some()).map_err(|_| unreadable())
    }
}

impl Journal {
    /// The head of a space as the last acknowledged write left it; that of an empty journal where there is none. 1 read
    /// unit.
    pub async fn head(&self, space: &SpaceId) -> Result<Head, StoreError> {
        let stored: Option<Stored> = self.items.get(keys::head(space), &kind(space)).await?;
        stored.map(|stored| stored.head(space)).transpose().map(Option::unwrap_or_default)
    }

    /// Commits a pack that stands in the table, if `n` and `dirty` still are those of this head; whether it did. Where the
    /// commit wakes the publisher, the same transaction puts the item by which the publisher's schedule finds the space: so
    /// that item is there exactly where `dirty` is set.
    pub async fn commit(&self, space: &SpaceId, head: &Head, commit: &Commit) -> Result<bool, StoreError> {
        let write = Write::update(keys::head(space), "SET #n = :next, #frontier = :frontier, #dirty = :dirty")
            .value(":next", commit.n)
            .value(":frontier", commit.frontier.to_bytes())
            .value(":dirty", true);
        let write = unchanged(write, head);
        if commit.wakes {
            return self.items.try_transact(vec![write, Write::put_key(keys::waiting(space))]).await;
        }
        Ok(self.items.write(write).await?.is_done())
    }

    /// Moves the cursor of index and counts, if it still is where this head has it; whether it did. Index and counts of the
    /// pack between must be written.
    pub async fn move_cursor(&self, space: &SpaceId, head: &Head, to: u64) -> Result<bool, StoreError> {
        let write = Write::update(keys::head(space), "SET #indexed = :to").value(":to", to);
        let write = match head.indexed() {
            0 => write.when("attribute_exists(pk) AND attribute_not_exists(#indexed)"),
            from => write.when("#indexed = :from").value(":from", from),
        };
        Ok(self.items.write(write).await?.is_done())
    }

    /// Has a space rest that is published as far as this head: clears `dirty` and deletes the space's item for the
    /// schedule in one transaction, if `n` and `dirty` still are those of this head. Whether it did: where not, there is
    /// more to publish, or somebody else had it rest.
    pub async fn rest(&self, space: &SpaceId, head: &Head) -> Result<bool, StoreError> {
        if !head.is_dirty() {
            return Ok(false);
        }
        let clear = unchanged(Write::update(keys::head(space), "REMOVE #dirty").value(":dirty", true), head);
        let writes = vec![clear, Write::delete(keys::waiting(space))];
        Ok(self.items.transact(writes, FEW).await?.is_done())
    }

    /// Up to so many spaces of a shard (0 to [`SHARDS`](efface_core::journal::index::SHARDS) less 1) that have an item for
    /// the schedule, by id, after one.
    pub async fn dirty_spaces(
        &self,
        shard: u8,
        after: Option<&SpaceId>,
        limit: i32,
    ) -> Result<WaitingSpaces, StoreError> {
        let after = after.map(|space| space.as_str().to_owned());
        let query = Query::all(keys::waiting_spaces(shard)).after(after).limit(limit);
        let (items, more) = self.items.query(query).await?;
        let space = |text: &str| text.parse::<SpaceId>().map_err(|_| StoreError::unreadable("space that waits"));
        let spaces = items.iter().map(|item| space(sort_key(item)?)).collect::<Result<_, _>>()?;
        Ok((spaces, more.as_deref().map(space).transpose()?))
    }
}

/// Only if `n` and `dirty` are as they were read. The write has a value `:dirty`, which is true.
fn unchanged(write: Write, head: &Head) -> Write {
    let n = match head.n() {
        0 => "(attribute_not_exists(#n) OR #n = :n)",
        _ => "#n = :n",
    };
    let dirty = if head.is_dirty() { "#dirty = :dirty" } else { "attribute_not_exists(#dirty)" };
    write.when(format!("{n} AND {dirty}")).value(":n", head.n())
}
