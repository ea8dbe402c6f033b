//! One chunk: started, run row by row, its outcomes recorded.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicI64, Ordering},
};

use efface_aws::{
    StoreError,
    queue::Work,
    store::job::{ChunkRecord, ChunkStart},
};
use efface_core::{
    deletion::Identifier,
    job::{
        Action, Control, JobId, JobState, JobStatus, Outcome,
        chunk::{Chunk, ChunkId, ChunkState, Outcomes, Row},
        plan::Extent,
    },
    key::IdHash,
    space::SpaceId,
    time::Time,
};
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{Decided, Run, dispatch::pointer, identifier_row::IdentifierHashes, plan::Reservations};
use crate::{Deadline, Engine, Error, concurrency::MAX};

/// Rows whose identifiers are read ahead together: one request.
const AHEAD: usize = 100;

/// Batches of identifiers that are read at once.
const BATCHES: usize = 4;

/// For so long, in milliseconds, a profile may be deleted by an identifier that was read ahead.
const FRESH_MILLIS: i64 = 5_000;

/// What a message for a chunk came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChunkRun {
    /// Every row has its outcome.
    Completed,
    /// The job accepts no chunks now, or its limit is used up: the chunk waits.
    Waiting,
    /// The time was up: a new message goes on with the chunk.
    Requeued,
    /// There is no such chunk.
    Unknown,
}

/// What becomes of a row that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnFailure {
    /// The message comes back, and the row is tried again.
    Retry,
    /// The row's outcome is `failed`.
    Fail,
}

impl Engine {
    /// Runs a chunk until it is completed or the time is up. An error leaves everything as it is, for the message to come
    /// back to.
    pub async fn run_chunk(
        &self,
        space: &SpaceId,
        job: JobId,
        id: ChunkId,
        deadline: Deadline,
    ) -> Result<ChunkRun, Error> {
        Box::pin(self.run_chunk_or(space, job, id, deadline, OnFailure::Retry)).await
    }

    pub(super) async fn run_chunk_or(
        &self,
        space: &SpaceId,
        job: JobId,
        id: ChunkId,
        deadline: Deadline,
        on_failure: OnFailure,
    ) -> Result<ChunkRun, Error> {
        let Some(head) = self.job_head(space, job).await? else { return Ok(ChunkRun::Unknown) };
        let page = self.committed_page(space, job, id.page).await?.filter(|page| id.chunk < page.chunks);
        let Some(page) = page else { return Ok(ChunkRun::Unknown) };
        let rows = self.store.rows(space, job, &page, id.chunk).await?;
        let rows = rows.ok_or_else(|| StoreError::Unreadable("chunk whose rows have expired".to_owned()))?;
        let start = self.store.start_chunk(space, job, id, &rows, self.clock.now()).await?;
        let is_first = matches!(start, ChunkStart::Run { is_first: true, .. });
        let run = Run { space: space.clone(), head, id, is_first, deadline };
        match start {
            ChunkStart::NotAccepted => Ok(ChunkRun::Waiting),
            ChunkStart::Completed => {
                self.after_chunk(&run).await?;
                Ok(ChunkRun::Completed)
            }
            ChunkStart::Run { chunk, .. } => self.run_rows(&run, chunk, &rows, on_failure).await,
        }
    }

    async fn run_rows(&self, run: &Run, chunk: Chunk, rows: &[Row], on_failure: OnFailure) -> Result<ChunkRun, Error> {
        if run.head.state == JobState::Queued {
            self.store.set_running(&run.space, run.head.job_id, self.clock.now()).await?;
        }
        let Some(chunk) = self.granted(run, chunk).await? else { return Err(taken_over()) };
        let mut results = Results { outcomes: chunk.outcomes.clone(), extent: Extent::default(), error: None };
        let allowance = chunk.grant.map(Allowance::new);
        self.run_undecided(run, rows, allowance.as_ref(), on_failure, &mut results).await;
        self.record(run, &chunk, results, allowance.is_some()).await
    }

    /// Reserves the deletions that the chunk may make, where its job has a limit.
    async fn granted(&self, run: &Run, chunk: Chunk) -> Result<Option<Chunk>, StoreError> {
        if run.head.deletion_limit().is_none() || chunk.grant.is_some() {
            return Ok(Some(chunk));
        }
        let wanted = i64::try_from(chunk.outcomes.undecided().len()).unwrap_or(i64::MAX);
        self.store.grant(&run.space, run.head.job_id, run.id, &chunk, wanted, self.clock.now()).await
    }

    async fn run_undecided(
        &self,
        run: &Run,
        rows: &[Row],
        allowance: Option<&Allowance>,
        on_failure: OnFailure,
        results: &mut Results,
    ) {
        for undecided in results.outcomes.undecided().chunks(AHEAD) {
            if run.deadline.is_over() || results.error.is_some() {
                return;
            }
            let ahead = match self.read_ahead(run, rows, undecided).await {
                Ok(ahead) => ahead,
                Err(error) => return results.error = Some(error),
            };
            let mut work = Vec::with_capacity(undecided.len());
            for (at, row) in undecided.iter().filter_map(|at| Some((*at, rows.get(*at)?))) {
                let decided = self.decide_within(run, at, row, &ahead, allowance);
                work.push(decided.map(move |decided| (at, decided)));
            }
            let mut decided = stream::iter(work).buffer_unordered(MAX);
            while let Some((at, decided)) = decided.next().await {
                results.add(run, at, decided, on_failure);
            }
        }
    }

    /// Reads the identifiers that rows look up. Where a profile is deleted by them they are read consistently.
    async fn read_ahead(&self, run: &Run, rows: &[Row], undecided: &[usize]) -> Result<Ahead, Error> {
        let mut hashes: Vec<IdHash> = undecided.iter().filter_map(|at| rows.get(*at)?.lookup()).collect();
        hashes.sort_unstable();
        hashes.dedup();
        let is_consistent = !run.head.dry_run && run.head.action == Action::DeleteProfile;
        let at = self.clock.now();
        let mut batches = Vec::new();
        for batch in hashes.chunks(AHEAD) {
            let read = move || async move { Ok(self.store.identifiers(&run.space, batch, is_consistent).await?) };
            batches.push(self.concurrency.run(run.deadline, read));
        }
        let found: Vec<Vec<_>> = stream::iter(batches).buffer_unordered(BATCHES).try_collect().await?;
        Ok(Ahead { found: found.into_iter().flatten().collect(), at, is_consistent })
    }

    /// Decides a row, if there is time and the job's limit allows for it.
    async fn decide_within(
        &self,
        run: &Run,
        at: usize,
        row: &Row,
        ahead: &Ahead,
        allowance: Option<&Allowance>,
    ) -> Result<Decided, Error> {
        let permit = match allowance {
            None => None,
            Some(allowance) => match allowance.permits.acquire().await {
                Ok(permit) => Some(permit),
                Err(_) => return Ok(None),
            },
        };
        if run.deadline.is_over() {
            return Ok(None);
        }
        let decided = self.concurrency.run(run.deadline, || self.decide(run, at, row, ahead)).await;
        let may_have_deleted = !matches!(decided, Ok(Some((outcome, _))) if outcome != Outcome::Deleted);
        if let (Some(allowance), Some(permit)) = (allowance, permit)
            && may_have_deleted
        {
            allowance.spend(permit);
        }
        decided
    }

    async fn decide(&self, run: &Run, at: usize, row: &Row, ahead: &Ahead) -> Result<Decided, Error> {
        let alone = |outcome| (outcome, Extent::default());
        match row {
            Row::Invalid(_) => Ok(Some(alone(Outcome::Invalid))),
            _ if run.head.dry_run => {
                let reservations = Reservations::Table { job: run.head.job_id, now: self.clock.now() };
                let found = row.lookup().and_then(|hash| ahead.there(hash));
                self.plan_row(&run.space, row, run.id.row(at), found, &reservations).await.map(Some)
            }
            Row::Profile(hash) | Row::Plan { own: hash, .. } => {
                let ahead = ahead.fresh(*hash, self.clock.now());
                Ok(self.delete_profile_row(run, at, *hash, ahead).await?.map(alone))
            }
            Row::Identifier { lookup, target, is_user_id } => {
                let hashes = IdentifierHashes { lookup: *lookup, target: *target, is_user_id: *is_user_id };
                Ok(Some(alone(self.delete_identifier_row(run, at, hashes, ahead.there(*lookup)).await?)))
            }
        }
    }

    async fn record(&self, run: &Run, chunk: &Chunk, results: Results, has_limit: bool) -> Result<ChunkRun, Error> {
        let Results { outcomes, extent, error } = results;
        let is_complete = outcomes.is_complete();
        // A limit that is used up is the only reason to stop without an error and with time left.
        let waits = has_limit && error.is_none() && !run.deadline.is_over();
        let next = if waits { ChunkState::Waiting } else { ChunkState::Started };
        let record = ChunkRecord { outcomes, next, extent };
        let recorded =
            self.store.record_outcomes(&run.space, &run.head, run.id, chunk, &record, self.clock.now()).await?;
        if let Some(error) = error {
            return Err(error);
        }
        if recorded.is_none() {
            return Err(taken_over());
        }
        if !is_complete && !waits {
            self.queue.send(&[pointer(&run.space, run.head.job_id, Work::Chunk(run.id))]).await?;
            return Ok(ChunkRun::Requeued);
        }
        self.after_chunk(run).await?;
        Ok(if is_complete { ChunkRun::Completed } else { ChunkRun::Waiting })
    }

    /// After a chunk, the job may have come to its end, or to its limit.
    async fn after_chunk(&self, run: &Run) -> Result<(), Error> {
        let job = run.head.job_id;
        let Some(status) = self.advance_job(&run.space, job, self.clock.now()).await? else { return Ok(()) };
        self.enforce_limit(&run.space, job, &status).await
    }

    /// Pauses an idle job whose limit is used up. Where other chunks left something of it, the waiting ones go on.
    pub(super) async fn enforce_limit(&self, space: &SpaceId, job: JobId, status: &JobStatus) -> Result<(), Error> {
        let JobStatus { head, progress } = status;
        if head.deletion_limit().is_none() || !head.state.accepts_chunks() || !progress.is_idle() {
            return Ok(());
        }
        if self.store.is_used_up(space, job).await? {
            self.control_job(space, job, Control::Pause, None, self.clock.now()).await?;
            return Ok(());
        }
        self.send_dispatch(space, job).await
    }
}

/// Identifiers that were read ahead.
struct Ahead {
    found: HashMap<IdHash, Result<Identifier, StoreError>>,
    at: Time,
    is_consistent: bool,
}

/// What a row knows of its identifier before it reads anything itself.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ReadAhead<'a> {
    /// Nothing: the row must read it.
    Unread,
    /// What is there, by a consistent read a moment ago.
    Fresh(Option<&'a Identifier>),
}

impl Ahead {
    /// What is there, perhaps as it was a moment ago.
    fn there(&self, hash: IdHash) -> Option<&Identifier> {
        self.found.get(&hash).and_then(|found| found.as_ref().ok())
    }

    /// What is there, if it may be relied on. The error of one that cannot be read is for the row that reads it again.
    fn fresh(&self, hash: IdHash, now: Time) -> ReadAhead<'_> {
        match self.found.get(&hash) {
            _ if !self.is_consistent || now.millis() - self.at.millis() > FRESH_MILLIS => ReadAhead::Unread,
            Some(Err(_)) => ReadAhead::Unread,
            Some(Ok(found)) => ReadAhead::Fresh(Some(found)),
            None => ReadAhead::Fresh(None),
        }
    }
}

/// Deletions that a chunk may make. Rows get them in their order, and wait for those that others may give back: so a
/// run of the chunk with the same allowance comes to the same rows.
struct Allowance {
    permits: Semaphore,
    left: AtomicI64,
}

impl Allowance {
    fn new(grant: i64) -> Self {
        let permits = Semaphore::new(usize::try_from(grant).unwrap_or(0));
        if grant <= 0 {
            permits.close();
        }
        Self { permits, left: grant.into() }
    }

    /// Uses a deletion up. With the last one the rows that wait are released without one.
    fn spend(&self, permit: SemaphorePermit<'_>) {
        permit.forget();
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.permits.close();
        }
    }
}

fn taken_over() -> Error {
    StoreError::Unavailable("another worker wrote this chunk's outcomes".to_owned()).into()
}

/// What a run has come to so far.
struct Results {
    outcomes: Outcomes,
    extent: Extent,
    error: Option<Error>,
}

impl Results {
    fn add(&mut self, run: &Run, at: usize, decided: Result<Decided, Error>, on_failure: OnFailure) {
        match decided {
            Ok(Some((outcome, extent))) => {
                self.outcomes.set(at, outcome);
                self.extent += extent;
            }
            Ok(None) => {}
            Err(error) if on_failure == OnFailure::Fail && !error.is_passing() => {
                let (job_id, row) = (run.head.job_id, run.id.row(at));
                tracing::error!(%job_id, %row, %error, "a row has failed");
                self.outcomes.set(at, Outcome::Failed);
            }
            Err(error) => self.error = Some(error),
        }
    }
}
