//! What a job with a limit may delete: chunks reserve deletions before they make them, and give back what is left.

use efface_core::{
    job::{
        JobId,
        chunk::{Chunk, ChunkId},
    },
    space::SpaceId,
    time::Time,
};
use serde::Deserialize;

use super::chunk::write_chunk;
use crate::store::{
    Key, Store, StoreError,
    value::ToValue,
    write::{MANY, Transacted, Write},
};

/// Deletions that a job with a limit has granted to chunks, and may grant.
#[derive(Deserialize)]
struct Allowance {
    granted: i64,
    limit: i64,
}

/// The allowance of a new job.
pub(super) fn new(space: &SpaceId, job: JobId, limit: i64) -> Write {
    let item = [("granted", 0), ("limit", limit)].map(|(name, number)| (name.to_owned(), number.to_value()));
    Write::put(Key::allowance(space, job), item.into())
}

impl Store {
    /// Grants up to so many deletions of a job's limit to a started chunk; the chunk with what it got, which may be
    /// nothing. `None` where somebody else wrote the chunk meanwhile.
    pub async fn grant(
        &self,
        space: &SpaceId,
        job: JobId,
        id: ChunkId,
        chunk: &Chunk,
        wanted: i64,
        now: Time,
    ) -> Result<Option<Chunk>, StoreError> {
        for _ in 0..MANY {
            let Allowance { granted, limit } = self.allowance(space, job).await?;
            let got = wanted.min(limit - granted).max(0);
            if got == 0 {
                return Ok(Some(Chunk { grant: Some(0), ..chunk.clone() }));
            }
            let version = chunk.version + 1;
            let next = Chunk { grant: Some(got), version, heartbeat_at: now, ..chunk.clone() };
            let add = Write::update(Key::allowance(space, job), "ADD granted :got")
                .when("granted <= :most")
                .value(":got", got)
                .value(":most", limit - got);
            match self.transact(vec![write_chunk(space, job, id, &next, chunk), add], MANY).await? {
                Transacted::Done => return Ok(Some(next)),
                Transacted::Unmet(there) if there.first().is_some_and(Option::is_some) => return Ok(None),
                Transacted::Unmet(_) => {}
            }
        }
        Err(StoreError::Unavailable("the allowance is contended".to_owned()))
    }

    /// Whether a job's limit is used up.
    pub async fn is_used_up(&self, space: &SpaceId, job: JobId) -> Result<bool, StoreError> {
        let Allowance { granted, limit } = self.allowance(space, job).await?;
        Ok(granted >= limit)
    }

    /// The write that allows a job whose limit is used up as many deletions again; `None` where it is not used up.
    pub(super) async fn renewed_allowance(
        &self,
        space: &SpaceId,
        job: JobId,
        most: i64,
    ) -> Result<Option<Write>, StoreError> {
        let Allowance { granted, limit } = self.allowance(space, job).await?;
        let write = Write::update(Key::allowance(space, job), "SET #limit = :next")
            .when("granted = :granted AND #limit = :limit")
            .value(":next", granted + most)
            .value(":granted", granted)
            .value(":limit", limit);
        Ok((granted >= limit).then_some(write))
    }

    async fn allowance(&self, space: &SpaceId, job: JobId) -> Result<Allowance, StoreError> {
        let kind = "job's allowance";
        self.get(Key::allowance(space, job), kind).await?.ok_or_else(|| StoreError::unreadable(kind))
    }
}
