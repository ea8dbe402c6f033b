//! What a job with a limit may still delete: chunks take deletions before they make them, and give back what is left.

use efface_core::{
    job::{
        JobHead, JobId,
        chunk::{Chunk, ChunkId, slice},
    },
    space::SpaceId,
    time::Time,
};
use serde::Deserialize;

use super::{
    KIND as JOB,
    chunk::{KIND as CHUNK, write_chunk},
};
use crate::store::{
    Item, Key, Store, StoreError,
    read::{partition_key, read, sort_key},
    value::ToValue,
    write::{MANY, Transacted, Write},
};

const KIND: &str = "job's allowance";

/// Deletions that a job with a limit may still give to chunks.
#[derive(Deserialize)]
struct Allowance {
    left: i64,
}

/// What a chunk of a job with a limit finds before it starts.
#[derive(Debug)]
pub struct Standing {
    /// The job's head.
    pub head: JobHead,
    /// The deletions that the job may still give to chunks.
    pub left: i64,
    /// The chunk's state, where it has started before.
    pub chunk: Option<Chunk>,
}

/// The allowance of a new job.
pub(super) fn new(space: &SpaceId, job: JobId, limit: i64) -> Write {
    Write::put(Key::allowance(space, job), Item::from([("left".to_owned(), limit.to_value())]))
}

/// Gives deletions back that a chunk has not made; `None` where there are none.
pub(super) fn give_back(space: &SpaceId, job: JobId, deletions: i64) -> Option<Write> {
    Write::add(Key::allowance(space, job), &[("left", deletions)])
}

impl Store {
    /// What a chunk of a job with a limit finds before it starts. One request for three small items.
    pub async fn standing(&self, space: &SpaceId, job: JobId, id: ChunkId) -> Result<Standing, StoreError> {
        let (head, allowance) = (Key::job(space, job), Key::allowance(space, job));
        let (mut found, mut left, mut state) = (None, None, None);
        for item in self.get_many([head.clone(), allowance.clone(), Key::chunk(space, job, id)]).await? {
            match (partition_key(&item)?, sort_key(&item)?) {
                (pk, sk) if pk == head.pk && sk == head.sk => found = Some(read(item, JOB)?),
                (pk, _) if pk == allowance.pk => left = Some(read::<Allowance>(item, KIND)?.left),
                _ => state = Some(read(item, CHUNK)?),
            }
        }
        let (head, left) = found.zip(left).ok_or_else(|| StoreError::unreadable(KIND))?;
        Ok(Standing { head, left, chunk: state })
    }

    /// Takes a slice of so many deletions that a job may still make for a started chunk; the chunk with what it has now,
    /// which is no more than before where none are left. `None` where somebody else wrote the chunk meanwhile.
    pub async fn take_slice(
        &self,
        space: &SpaceId,
        job: JobId,
        id: ChunkId,
        chunk: &Chunk,
        mut left: i64,
        now: Time,
    ) -> Result<Option<Chunk>, StoreError> {
        for _ in 0..MANY {
            let (slice, before) = (slice(left), chunk.grant.unwrap_or(0));
            if slice == 0 {
                return Ok(Some(Chunk { grant: Some(before), ..chunk.clone() }));
            }
            let (version, grant) = (chunk.version + 1, Some(before + slice));
            let next = Chunk { grant, version, heartbeat_at: now, resends: 0, ..chunk.clone() };
            let take = Write::update(Key::allowance(space, job), "ADD #left :taken")
                .when("#left >= :slice")
                .value(":taken", -slice)
                .value(":slice", slice)
                .returning_old();
            match self.transact(vec![write_chunk(space, job, id, &next, chunk), take], MANY).await? {
                Transacted::Done => return Ok(Some(next)),
                Transacted::Unmet(there) => match there.as_slice() {
                    [None, Some(there)] => left = read::<Allowance>(there.clone(), KIND)?.left,
                    _ => return Ok(None),
                },
            }
        }
        Err(StoreError::Unavailable("the allowance is contended".to_owned()))
    }

    /// The deletions that a job with a limit may still give to chunks.
    pub async fn deletions_left(&self, space: &SpaceId, job: JobId) -> Result<i64, StoreError> {
        let allowance: Option<Allowance> = self.get(Key::allowance(space, job), KIND).await?;
        Ok(allowance.ok_or_else(|| StoreError::unreadable(KIND))?.left)
    }

    /// The write that allows a job whose limit is used up as many deletions again; `None` where it is not used up.
    pub(super) async fn renewed_allowance(
        &self,
        space: &SpaceId,
        job: JobId,
        most: i64,
    ) -> Result<Option<Write>, StoreError> {
        let left = self.deletions_left(space, job).await?;
        let renew = Write::update(Key::allowance(space, job), "ADD #left :most").when("#left = :left");
        Ok((left <= 0).then(|| renew.value(":most", most).value(":left", left)))
    }
}
