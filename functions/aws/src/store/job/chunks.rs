//! Chunks: their rows, and their way from begun to done. A result is written with what it adds to the counters, in one
//! transaction that only the first writer of it wins: so counts are exact however often a chunk is delivered.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::{
    primitives::Blob,
    types::{AttributeValue, ConditionCheck, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update},
};
use efface_core::{
    job::chunk::{Outcomes, Row, pack, unpack},
    job::plan::Extent,
    job::{Counts, JobId},
    space::SpaceId,
    time::Time,
};
use futures::{StreamExt, TryFutureExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};

use super::{JobHead, Page, Progress, ROWS_KEPT_SECONDS, SHARDS, adding, by_outcome, id_of, time_value, unreadable};
use crate::{
    queue::ChunkId,
    store::{Item, Key, Store, StoreError, keys::chunks_partition, number, read, sort_key, text},
};

/// Pages whose chunks are looked up at once.
const PAGES_AT_ONCE: usize = 64;

/// Whether a chunk runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChunkState {
    /// It may begin, again: some of its rows have their outcome already.
    Waiting,
    /// Somebody runs it, or did and died.
    Begun,
    /// Every row has its outcome.
    Done,
}

impl ChunkState {
    /// The word in the table.
    fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Begun => "begun",
            Self::Done => "done",
        }
    }
}

/// A chunk's state as the table holds it; there is none before it begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// Whether it runs.
    pub state: ChunkState,
    /// 0, and one more after each redrive.
    pub attempt: u32,
    /// Counts reports, so that each is counted once.
    pub version: i64,
    /// Its rows.
    pub rows: usize,
    /// The rows' outcomes, packed.
    #[serde(with = "serde_bytes")]
    pub outcomes: Vec<u8>,
    /// When it began, or was last reported on: the last sign of life of whoever runs it.
    pub begun_at: Time,
    /// Deletions that it may still make, where its job has a limit.
    #[serde(default)]
    pub grant: Option<i64>,
}

impl Chunk {
    /// The rows' outcomes.
    pub fn outcomes(&self) -> Outcomes {
        Outcomes::from_bytes(&self.outcomes, self.rows)
    }
}

/// What became of the claim to run a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// Run it from here.
    Run {
        /// As it is now.
        chunk: Chunk,
        /// Whether nobody ran it before.
        is_new: bool,
    },
    /// It is done, or this is a message of an earlier attempt.
    Done,
    /// The job begins no chunks now.
    Closed,
}

/// What a run of a chunk came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// All outcomes so far.
    pub outcomes: Outcomes,
    /// How a chunk goes on whose rows are not all decided: begun, or waiting.
    pub next: ChunkState,
    /// What a dry run's rows, decided since the last report, would take along.
    pub extent: Extent,
}

impl Store {
    /// Writes a chunk's rows. They count for nothing until their page is committed.
    pub async fn put_rows(
        &self,
        space: &SpaceId,
        job: &JobId,
        page: (u32, &str),
        chunk: u32,
        rows: &[Row],
        now: Time,
    ) -> Result<(), StoreError> {
        let mut item = Item::from(Key::chunk_rows(space, job, page.0, page.1, chunk));
        item.insert("rows".to_owned(), AttributeValue::B(Blob::new(pack(rows))));
        item.insert("ttl".to_owned(), number(now.plus_seconds(ROWS_KEPT_SECONDS).second()));
        self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await?;
        Ok(())
    }

    /// A chunk's rows; none where they have expired.
    pub async fn rows(
        &self,
        space: &SpaceId,
        job: &JobId,
        page: &Page,
        chunk: u32,
    ) -> Result<Option<Vec<Row>>, StoreError> {
        let key = Key::chunk_rows(space, job, page.page, &page.content, chunk);
        for consistent in [false, true] {
            let get = self.client.get_item().table_name(&self.table).set_key(Some(key.clone().into()));
            let Some(item) = get.consistent_read(consistent).send().await?.item else { continue };
            let bytes = item.get("rows").and_then(|rows| rows.as_b().ok()).ok_or_else(unreadable)?;
            return unpack(bytes.as_ref()).ok_or_else(unreadable).map(Some);
        }
        Ok(None)
    }

    /// A chunk's state.
    pub async fn chunk(&self, space: &SpaceId, job: &JobId, id: ChunkId) -> Result<Option<Chunk>, StoreError> {
        self.get(Key::chunk(space, job, id.page, id.chunk)).await
    }

    /// The states of a page's chunks that have begun, by number.
    pub async fn chunks(&self, space: &SpaceId, job: &JobId, page: u32) -> Result<BTreeMap<u32, Chunk>, StoreError> {
        let mut chunks = BTreeMap::new();
        let mut start: Option<Item> = None;
        loop {
            let reply = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :pk")
                .expression_attribute_values(":pk", text(chunks_partition(space, job, page)))
                .set_exclusive_start_key(start)
                .consistent_read(true)
                .send()
                .await?;
            for item in reply.items.unwrap_or_default() {
                let number = sort_key(&item).parse().map_err(|_| unreadable())?;
                chunks.insert(number, read(item)?);
            }
            start = reply.last_evaluated_key;
            if start.is_none() {
                return Ok(chunks);
            }
        }
    }

    /// The states of the chunks of many pages, page by page in no order.
    pub async fn chunks_of(
        &self,
        space: &SpaceId,
        job: &JobId,
        pages: &[Page],
    ) -> Result<Vec<(u32, BTreeMap<u32, Chunk>)>, StoreError> {
        let mut queries = Vec::with_capacity(pages.len());
        for page in pages {
            queries.push(self.chunks(space, job, page.page).map_ok(|chunks| (page.page, chunks)));
        }
        stream::iter(queries).buffer_unordered(PAGES_AT_ONCE).try_collect().await
    }

    /// Begins a chunk, unless it is done or its job begins none now. Whoever finds it begun runs it, too: its last
    /// runner may be dead.
    pub async fn claim_chunk(
        &self,
        space: &SpaceId,
        head: &JobHead,
        id: ChunkId,
        rows: &[Row],
        now: Time,
    ) -> Result<Claimed, StoreError> {
        let job = id_of(head)?;
        let mut before = if id.attempt == 0 { None } else { self.chunk(space, &job, id).await? };
        for _ in 0..super::CONFLICT_ATTEMPTS {
            let chunk = Chunk {
                state: ChunkState::Begun,
                attempt: id.attempt,
                version: before.as_ref().map_or(0, |chunk| chunk.version) + 1,
                rows: rows.len(),
                outcomes: before.as_ref().map_or_else(|| Outcomes::of(rows), Chunk::outcomes).to_bytes(),
                begun_at: now,
                grant: None,
            };
            let writes = vec![self.begin_chunk(space, &job, id, &chunk)?, self.count_begun(space, &job, id)?];
            let is_new = chunk.version == 1;
            let Some(refused) = self.transact_or_reasons(writes).await? else {
                return Ok(Claimed::Run { chunk, is_new });
            };
            let there = refused.into_iter().next().flatten().filter(|item| !item.is_empty());
            let Some(there) = there.map(read::<Chunk>).transpose()? else { return Ok(Claimed::Closed) };
            match there.state {
                ChunkState::Begun => return Ok(Claimed::Run { chunk: there, is_new: false }),
                ChunkState::Waiting if there.attempt == id.attempt => before = Some(there),
                ChunkState::Waiting | ChunkState::Done => return Ok(Claimed::Done),
            }
        }
        Err(StoreError::Unavailable("the chunk is contended".to_owned()))
    }

    /// A chunk that is new, or waits as it was read.
    fn begin_chunk(
        &self,
        space: &SpaceId,
        job: &JobId,
        id: ChunkId,
        chunk: &Chunk,
    ) -> Result<TransactWriteItem, StoreError> {
        let mut item: Item = serde_dynamo::to_item(chunk).map_err(|_| unreadable())?;
        item.extend(Item::from(Key::chunk(space, job, id.page, id.chunk)));
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression(
                "attribute_not_exists(pk) OR (#state = :waiting AND attempt = :attempt AND version = :read)",
            )
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":waiting", text("waiting"))
            .expression_attribute_values(":attempt", number(id.attempt))
            .expression_attribute_values(":read", number(chunk.version - 1))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        Ok(TransactWriteItem::builder().set_put(put.build().ok()).build())
    }

    /// The gate: a counter that is closed lets no chunk begin.
    fn count_begun(&self, space: &SpaceId, job: &JobId, id: ChunkId) -> Result<TransactWriteItem, StoreError> {
        let begin = adding(Update::builder(), &[("begun", 1)]).ok_or_else(unreadable)?;
        let begin = begin
            .table_name(&self.table)
            .set_key(Some(Key::counter(space, job, shard(id)).into()))
            .condition_expression("attribute_not_exists(closed) OR closed = :open")
            .expression_attribute_values(":open", AttributeValue::Bool(false));
        Ok(TransactWriteItem::builder().set_update(begin.build().ok()).build())
    }

    /// Writes what a run came to, and counts what it decided since the last report. The chunk as it is now; `None` where
    /// somebody else reported meanwhile.
    pub async fn report_chunk(
        &self,
        space: &SpaceId,
        head: &JobHead,
        id: ChunkId,
        chunk: &Chunk,
        report: &Report,
        now: Time,
    ) -> Result<Option<Chunk>, StoreError> {
        let job = id_of(head)?;
        let state = if report.outcomes.is_complete() { ChunkState::Done } else { report.next };
        let news = report.outcomes.counts() - chunk.outcomes().counts();
        let left = chunk.grant.map(|grant| grant - news.deleted);
        let keeps = state == ChunkState::Begun;
        let next = Chunk {
            state,
            version: chunk.version + 1,
            outcomes: report.outcomes.to_bytes(),
            grant: left.filter(|_| keeps),
            begun_at: now,
            ..chunk.clone()
        };
        let moved = match state {
            ChunkState::Begun => Progress::default(),
            ChunkState::Waiting => Progress { begun: -1, ..Progress::default() },
            ChunkState::Done => Progress { done: 1, ..Progress::default() },
        };
        let progress = Progress { counts: news, extent: report.extent, ..moved };
        let mut writes = vec![self.write_chunk(space, &job, id, &next, chunk)];
        writes.extend(self.add(Key::counter(space, &job, shard(id)), &progress.amounts()));
        writes.extend(self.tally_writes(space, head, &by_outcome(&news).collect::<Vec<_>>(), "all"));
        if let Some(left) = left.filter(|_| !keeps) {
            writes.extend(self.add(Key::allowance(space, &job), &[("granted", -left)]));
        }
        Ok(self.transact_or_reasons(writes).await?.is_none().then_some(next))
    }

    /// Writes a chunk's state over the one that was read.
    pub(super) fn write_chunk(
        &self,
        space: &SpaceId,
        job: &JobId,
        id: ChunkId,
        next: &Chunk,
        read: &Chunk,
    ) -> TransactWriteItem {
        let grant = next.grant.map_or(AttributeValue::Null(true), number);
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::chunk(space, job, id.page, id.chunk).into()))
            .update_expression(
                "SET #state = :next, attempt = :attempt, version = :version, outcomes = :outcomes, #grant = :grant, \
                 begun_at = :at",
            )
            .condition_expression("#state = :state AND version = :read")
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#grant", "grant")
            .expression_attribute_values(":next", text(next.state.as_str()))
            .expression_attribute_values(":state", text(read.state.as_str()))
            .expression_attribute_values(":attempt", number(next.attempt))
            .expression_attribute_values(":version", number(next.version))
            .expression_attribute_values(":read", number(read.version))
            .expression_attribute_values(":outcomes", AttributeValue::B(Blob::new(next.outcomes.clone())))
            .expression_attribute_values(":grant", grant)
            .expression_attribute_values(":at", time_value(next.begun_at));
        TransactWriteItem::builder().set_update(update.build().ok()).build()
    }

    /// Takes the failed rows of a chunk that is done back, for the next attempt; how many there were.
    pub async fn retry_chunk(
        &self,
        space: &SpaceId,
        head: &JobHead,
        id: ChunkId,
        chunk: &Chunk,
    ) -> Result<i64, StoreError> {
        let job = id_of(head)?;
        let mut outcomes = chunk.outcomes();
        let failed = outcomes.retry_failed();
        if failed == 0 || chunk.state != ChunkState::Done {
            return Ok(0);
        }
        let next = Chunk {
            state: ChunkState::Waiting,
            attempt: chunk.attempt + 1,
            version: chunk.version + 1,
            outcomes: outcomes.to_bytes(),
            grant: None,
            ..chunk.clone()
        };
        let counts = Counts { failed: -failed, ..Counts::default() };
        let progress = Progress { begun: -1, done: -1, counts, ..Progress::default() };
        let mut writes = vec![self.write_chunk(space, &job, id, &next, chunk), self.still_redrives(space, head, &job)];
        writes.extend(self.add(Key::counter(space, &job, shard(id)), &progress.amounts()));
        writes.extend(self.tally_writes(space, head, &[("failed", -failed)], "all"));
        let taken_back = self.transact_or_reasons(writes).await?.is_none();
        Ok(if taken_back { failed } else { 0 })
    }
}

impl Store {
    /// A late step of a redrive that has ended must not take anything back.
    fn still_redrives(&self, space: &SpaceId, head: &JobHead, job: &JobId) -> TransactWriteItem {
        let check = ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(Key::job(space, job).into()))
            .condition_expression("redriving = :yes AND version = :version")
            .expression_attribute_values(":yes", AttributeValue::Bool(true))
            .expression_attribute_values(":version", number(head.version));
        TransactWriteItem::builder().set_condition_check(check.build().ok()).build()
    }
}

/// The counter that a chunk adds to.
fn shard(id: ChunkId) -> u32 {
    (id.page % SHARDS + id.chunk % SHARDS) % SHARDS
}
