//! Chunks: their rows, and their way from started to completed. Outcomes are written with what they add to the counters,
//! in one transaction that only the first writer of them wins: so counts are exact however often a chunk is delivered.

use std::collections::{BTreeMap, HashMap};

use efface_core::{
    job::{
        Counts, JobHead, JobId, Page, Progress, SHARDS,
        care::is_left,
        chunk::{Chunk, ChunkId, ChunkState, Outcomes},
        finding::Finding,
        plan::Extent,
        row::{Row, pack, unpack},
        status::by_outcome,
    },
    space::SpaceId,
    time::Time,
};
use futures::{StreamExt, TryFutureExt, TryStreamExt, stream};

use super::{aggregate_writes, allowance::give_back, plan::keep_findings, reservation::expiring};
use crate::store::{
    Key, Store, StoreError,
    keys::chunks_partition,
    read::{Query, end_of_partition, last_part, read, sort_key},
    value::ToValue,
    write::{MANY, Transacted, Write},
};

pub(super) const KIND: &str = "chunk";

/// Pages whose chunks are looked up at once.
const PAGES_AT_ONCE: usize = 16;

/// The chunks of a page with no more than so many are read one by one, together with those of other pages. Where there are
/// more, a query of the page costs fewer read units.
const FEW_CHUNKS: u32 = 4;

/// What a start of a chunk came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChunkStart {
    /// Run the chunk from here. Starting is not exclusive: a second delivery takes the chunk over, because the first worker
    /// may have died. Only the last of them can write outcomes.
    Run {
        /// The chunk as it is now.
        chunk: Chunk,
        /// Whether no worker ran it before.
        is_first: bool,
        /// Whether another worker started it, and has not given it back.
        is_found: bool,
        /// Whether no other worker may still be at its rows.
        is_alone: bool,
    },
    /// The chunk is completed, or the message is of an earlier attempt.
    Completed,
    /// The job accepts no chunks now.
    NotAccepted,
}

/// What a run of a chunk came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkRecord {
    /// All outcomes so far.
    pub outcomes: Outcomes,
    /// Where a chunk goes whose rows are not all decided: it stays started, or waits.
    pub next: ChunkState,
    /// What a dry run's rows, decided since the last write of outcomes, would remove.
    pub extent: Extent,
    /// The profiles that they found, by row of the page.
    pub findings: Vec<(u32, Finding)>,
    /// Whether no other worker may still be at the rows.
    pub is_alone: bool,
}

impl Store {
    /// Writes a chunk's rows, which are kept until a time. They count for nothing until their page is committed.
    pub async fn put_rows(
        &self,
        space: &SpaceId,
        job: JobId,
        page: (u32, &str),
        chunk: u32,
        rows: &[Row],
        until: Time,
    ) -> Result<(), StoreError> {
        let mut item = expiring(until);
        item.insert("rows".to_owned(), pack(rows).to_value());
        self.write(Write::put(Key::chunk_rows(space, job, page.0, page.1, chunk), item)).await?;
        Ok(())
    }

    /// A chunk's rows; `None` where they have expired. They never change, so only an absent item is read consistently.
    pub async fn rows(
        &self,
        space: &SpaceId,
        job: JobId,
        page: &Page,
        chunk: u32,
    ) -> Result<Option<Vec<Row>>, StoreError> {
        let key = Key::chunk_rows(space, job, page.page, &page.content, chunk);
        for consistent in [false, true] {
            let Some(item) = self.get_item(key.clone(), consistent).await? else { continue };
            let bytes = item.get("rows").and_then(|rows| rows.as_b().ok());
            let rows = bytes.and_then(|bytes| unpack(bytes.as_ref()));
            return rows.map(Some).ok_or_else(|| StoreError::unreadable("chunk's rows"));
        }
        Ok(None)
    }

    /// A chunk's state; `None` where it has not started yet.
    pub async fn chunk(&self, space: &SpaceId, job: JobId, id: ChunkId) -> Result<Option<Chunk>, StoreError> {
        self.get(Key::chunk(space, job, id), KIND).await
    }

    /// The states of a page's chunks that have started, by number.
    pub async fn chunks(&self, space: &SpaceId, job: JobId, page: u32) -> Result<BTreeMap<u32, Chunk>, StoreError> {
        let mut chunks = BTreeMap::new();
        let mut after = None;
        loop {
            let (items, more) = self.query(Query::all(chunks_partition(space, job, page)).after(after)).await?;
            for item in items {
                chunks.insert(last_part(sort_key(&item)?, KIND)?, read(item, KIND)?);
            }
            after = more;
            if after.is_none() {
                return Ok(chunks);
            }
        }
    }

    /// The states of the chunks of many pages that have started, by page and number.
    pub async fn chunks_of(
        &self,
        space: &SpaceId,
        job: JobId,
        pages: &[Page],
    ) -> Result<HashMap<u32, BTreeMap<u32, Chunk>>, StoreError> {
        let (small, large): (Vec<_>, Vec<_>) = pages.iter().partition(|page| page.chunks <= FEW_CHUNKS);
        let mut queries = Vec::with_capacity(large.len());
        for page in large {
            queries.push(self.chunks(space, job, page.page).map_ok(|chunks| (page.page, chunks)));
        }
        let mut found: HashMap<_, BTreeMap<_, _>> =
            stream::iter(queries).buffer_unordered(PAGES_AT_ONCE).try_collect().await?;
        let id = |page: &Page, chunk| Key::chunk(space, job, ChunkId { page: page.page, chunk, attempt: 0 });
        let keys = small.iter().flat_map(|page| (0..page.chunks).map(|chunk| id(page, chunk)));
        for item in self.get_many(keys).await? {
            let page = end_of_partition(&item, KIND)?;
            let chunk = last_part(sort_key(&item)?, KIND)?;
            found.entry(page).or_default().insert(chunk, read(item, KIND)?);
        }
        Ok(found)
    }

    /// Notes that a stalled chunk is sent again. It changes nothing else of it, so that a worker that runs it nevertheless
    /// can record its outcomes. Whether the chunk was still as it was read.
    pub async fn note_resend(
        &self,
        space: &SpaceId,
        job: JobId,
        id: ChunkId,
        chunk: &Chunk,
        now: Time,
    ) -> Result<bool, StoreError> {
        let note = Write::update(Key::chunk(space, job, id), "SET heartbeat_at = :now, resends = :resends")
            .when("#state = :state AND version = :read AND heartbeat_at = :heartbeat")
            .value(":now", now)
            .value(":resends", chunk.resends + 1)
            .value(":state", chunk.state.as_str())
            .value(":read", chunk.version)
            .value(":heartbeat", chunk.heartbeat_at);
        Ok(self.write(note).await?.is_done())
    }

    /// Starts a chunk, unless it is completed or its job accepts no chunks now.
    pub async fn start_chunk(
        &self,
        space: &SpaceId,
        job: JobId,
        id: ChunkId,
        rows: &[Row],
        now: Time,
    ) -> Result<ChunkStart, StoreError> {
        let key = Key::chunk(space, job, id);
        let mut before: Option<Chunk> = if id.attempt == 0 { None } else { self.get(key.clone(), KIND).await? };
        for _ in 0..MANY {
            let chunk = Chunk::start(before.as_ref(), id.attempt, rows, now);
            let put = Write::put_record(key.clone(), &chunk)?
                .when("attribute_not_exists(pk) OR (#state = :waiting AND attempt = :attempt AND version = :read)")
                .value(":waiting", ChunkState::Waiting.as_str())
                .value(":attempt", id.attempt)
                .value(":read", chunk.version - 1)
                .returning_old();
            let is_first = chunk.version == 1;
            let there = match self.transact(vec![put, count_start(space, job, id)], MANY).await? {
                Transacted::Done => return Ok(ChunkStart::Run { chunk, is_first, is_found: false, is_alone: true }),
                Transacted::Unmet(there) => there.into_iter().next().flatten().filter(|item| !item.is_empty()),
            };
            let Some(there) = there.map(|item| read::<Chunk>(item, KIND)).transpose()? else {
                return Ok(ChunkStart::NotAccepted);
            };
            match there.state {
                ChunkState::Started => {
                    if let Some(chunk) = self.take_over(space, job, id, &there, now).await? {
                        let is_alone = is_left(&there, now);
                        return Ok(ChunkStart::Run { chunk, is_first: false, is_found: true, is_alone });
                    }
                }
                ChunkState::Waiting if there.attempt == id.attempt => before = Some(there),
                ChunkState::Waiting | ChunkState::Completed => return Ok(ChunkStart::Completed),
            }
        }
        Err(StoreError::Unavailable("the chunk is contended".to_owned()))
    }

    /// Takes over a chunk that another worker started: that one can record nothing any more. So of two workers at one chunk,
    /// the one that may record is the last, and knows that it was not alone. `None` where the chunk has changed meanwhile.
    async fn take_over(
        &self,
        space: &SpaceId,
        job: JobId,
        id: ChunkId,
        there: &Chunk,
        now: Time,
    ) -> Result<Option<Chunk>, StoreError> {
        let next = Chunk { version: there.version + 1, heartbeat_at: now, resends: 0, ..there.clone() };
        let taken = self.write(write_chunk(space, job, id, &next, there)).await?;
        Ok(taken.is_done().then_some(next))
    }

    /// Writes what a run came to, and counts what was decided since the last write of outcomes. The chunk as it is now;
    /// `None` where somebody else wrote outcomes meanwhile: then nothing is counted.
    pub async fn record_outcomes(
        &self,
        space: &SpaceId,
        head: &JobHead,
        id: ChunkId,
        chunk: &Chunk,
        record: &ChunkRecord,
        now: Time,
    ) -> Result<Option<Chunk>, StoreError> {
        let job = head.job_id;
        let state = if record.outcomes.is_complete() { ChunkState::Completed } else { record.next };
        let news = record.outcomes.counts() - chunk.outcomes.counts();
        let left = chunk.grant.map(|grant| grant - news.deleted);
        let goes_on = state == ChunkState::Started;
        let next = Chunk {
            state,
            attempt: chunk.attempt,
            version: chunk.version + 1,
            outcomes: record.outcomes.clone(),
            grant: left.filter(|_| goes_on),
            heartbeat_at: now,
            // The run has ended, and its message comes again.
            resends: u32::from(goes_on && record.is_alone),
        };
        let moved = match state {
            ChunkState::Started => Progress::default(),
            ChunkState::Waiting => Progress { started: -1, ..Progress::default() },
            ChunkState::Completed => Progress { completed: 1, ..Progress::default() },
        };
        let progress = Progress { counts: news, extent: record.extent, ..moved };
        let mut writes = vec![write_chunk(space, job, id, &next, chunk)];
        writes.extend(Write::add(Key::counter(space, job, shard(id)), &progress.amounts()));
        writes.extend(aggregate_writes(space, head, "all", &by_outcome(&news).collect::<Vec<_>>()));
        writes.extend(keep_findings(space, head, id, next.version, &record.findings));
        if let Some(left) = left.filter(|_| !goes_on) {
            writes.extend(give_back(space, job, left));
        }
        Ok(self.transact(writes, MANY).await?.is_done().then_some(next))
    }

    /// Takes the failed rows of a completed chunk back, for the next attempt. Whether there was anything to take back.
    pub async fn redrive_chunk(
        &self,
        space: &SpaceId,
        head: &JobHead,
        id: ChunkId,
        chunk: &Chunk,
    ) -> Result<bool, StoreError> {
        let Some((next, failed)) = chunk.redriven() else { return Ok(false) };
        let job = head.job_id;
        let counts = Counts { failed: -failed, ..Counts::default() };
        let progress = Progress { started: -1, completed: -1, counts, ..Progress::default() };
        // A late step of a redrive that has ended must not take anything back.
        let still_redrives = Write::check(Key::job(space, job), "redriving = :yes AND version = :version")
            .value(":yes", true)
            .value(":version", head.version);
        let mut writes = vec![write_chunk(space, job, id, &next, chunk), still_redrives];
        writes.extend(Write::add(Key::counter(space, job, shard(id)), &progress.amounts()));
        writes.extend(aggregate_writes(space, head, "all", &[("failed", -failed)]));
        Ok(self.transact(writes, MANY).await?.is_done())
    }
}

/// Counts a start, on a counter that accepts chunks. A job that stops has its counters accept none first, so that none starts
/// unnoticed.
fn count_start(space: &SpaceId, job: JobId, id: ChunkId) -> Write {
    Write::update(Key::counter(space, job, shard(id)), "ADD started :one")
        .when("attribute_not_exists(accepting) OR accepting = :yes")
        .value(":one", 1_i64)
        .value(":yes", true)
}

/// Writes a chunk's state over the one that was read.
pub(super) fn write_chunk(space: &SpaceId, job: JobId, id: ChunkId, next: &Chunk, read: &Chunk) -> Write {
    Write::update(
        Key::chunk(space, job, id),
        "SET #state = :next, attempt = :attempt, version = :version, outcomes = :outcomes, #grant = :grant, \
         heartbeat_at = :at, resends = :resends",
    )
    .when("#state = :state AND version = :read")
    .value(":next", next.state.as_str())
    .value(":state", read.state.as_str())
    .value(":attempt", next.attempt)
    .value(":version", next.version)
    .value(":read", read.version)
    .value(":outcomes", next.outcomes.to_bytes())
    .value(":grant", next.grant)
    .value(":at", next.heartbeat_at)
    .value(":resends", next.resends)
}

/// The counter that a chunk adds to.
fn shard(id: ChunkId) -> u32 {
    (id.page % SHARDS + id.chunk % SHARDS) % SHARDS
}
