//! One chunk: claimed, run row by row, reported.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicI64, Ordering},
};

use efface_core::{
    deletion::Identifier,
    job::chunk::{CHUNK_ROWS, Outcomes, Row},
    job::plan::Extent,
    job::{Action, Control, JobId, JobState, Outcome},
    key::IdHash,
    space::SpaceId,
    time::Time,
};
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{Deadline, Engine, Run, concurrency::MOST, job::plan::Marks};
use efface_aws::{
    StoreError,
    queue::{ChunkId, Pointer, Work},
    store::job::{Chunk, ChunkState, Claimed, JobStatus, Report},
};

/// Rows whose identifiers are read ahead together: one request.
const AHEAD: usize = 100;

/// For so long a profile may go by an identifier that was read ahead.
const FRESH_MILLIS: i64 = 5_000;

/// What a message for a chunk came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChunkRun {
    /// Every row has its outcome.
    Completed,
    /// The job begins no chunks now, or its limit is used up: the chunk waits.
    Waiting,
    /// Time was up: a new message goes on with it.
    Requeued,
    /// There is no such chunk.
    Unknown,
}

/// Who decides rows that fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Judge {
    /// The queue: the message comes back.
    Retry,
    /// We: what can't be done has failed.
    Decide,
}

/// What became of a row: nothing yet where there was no time, or no allowance, for it.
pub(crate) type Decided = Option<(Outcome, Extent)>;

impl Engine {
    /// Runs a chunk until it is done or time is up. An error leaves all as it is, for the message to come back to.
    pub async fn run_chunk(
        &self,
        space: &SpaceId,
        job: &JobId,
        id: ChunkId,
        deadline: Deadline,
    ) -> Result<ChunkRun, StoreError> {
        Box::pin(self.judge_chunk(space, job, id, deadline, Judge::Retry)).await
    }

    pub(crate) async fn judge_chunk(
        &self,
        space: &SpaceId,
        job: &JobId,
        id: ChunkId,
        deadline: Deadline,
        judge: Judge,
    ) -> Result<ChunkRun, StoreError> {
        let Some(head) = self.job(space, job).await? else { return Ok(ChunkRun::Unknown) };
        let page = self.page(space, job, id.page).await?.filter(|page| id.chunk < page.chunks);
        let Some(page) = page else { return Ok(ChunkRun::Unknown) };
        let rows = self.store.rows(space, job, &page, id.chunk).await?;
        let rows = rows.ok_or_else(|| StoreError::Internal("a chunk's rows have expired".to_owned()))?;
        let claimed = self.store.claim_chunk(space, &head, id, &rows, self.clock.now()).await?;
        let first_row = usize::try_from(id.chunk).unwrap_or_default() * CHUNK_ROWS;
        let is_new = matches!(claimed, Claimed::Run { is_new: true, .. });
        let run = Run { space: space.clone(), job: job.clone(), head, id, first_row, is_new, deadline };
        match claimed {
            Claimed::Closed => Ok(ChunkRun::Waiting),
            Claimed::Done => {
                self.after_chunk(&run).await?;
                Ok(ChunkRun::Completed)
            }
            Claimed::Run { chunk, .. } => self.run_rows(&run, chunk, &rows, judge).await,
        }
    }

    async fn run_rows(&self, run: &Run, chunk: Chunk, rows: &[Row], judge: Judge) -> Result<ChunkRun, StoreError> {
        if run.head.state == JobState::Queued {
            self.store.mark_running(&run.space, &run.job, self.clock.now()).await?;
        }
        let Some(chunk) = self.granted(run, chunk).await? else { return Err(taken_over()) };
        let mut results = Results { outcomes: chunk.outcomes(), extent: Extent::default(), error: None };
        let allowance = chunk.grant.map(Allowance::new);
        self.run_undecided(run, rows, allowance.as_ref(), judge, &mut results).await;
        self.report(run, &chunk, results, allowance.is_some()).await
    }

    /// Deletions that the chunk may make, where its job has a limit.
    async fn granted(&self, run: &Run, chunk: Chunk) -> Result<Option<Chunk>, StoreError> {
        let limit = run.head.max_deletions.filter(|_| !run.head.dry_run);
        if limit.is_none() || chunk.grant.is_some() {
            return Ok(Some(chunk));
        }
        let wanted = i64::try_from(chunk.outcomes().undecided().len()).unwrap_or(i64::MAX);
        self.store.grant(&run.space, &run.job, run.id, &chunk, wanted, self.clock.now()).await
    }

    async fn run_undecided(
        &self,
        run: &Run,
        rows: &[Row],
        allowance: Option<&Allowance>,
        judge: Judge,
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
            let mut decided = stream::iter(work).buffer_unordered(MOST);
            while let Some((at, decided)) = decided.next().await {
                results.take(at, decided, judge);
            }
        }
    }

    /// The identifiers that rows begin with. Where a profile goes by them they are read consistently.
    async fn read_ahead(&self, run: &Run, rows: &[Row], undecided: &[usize]) -> Result<Ahead, StoreError> {
        let mut hashes: Vec<&IdHash> = undecided.iter().filter_map(|at| rows.get(*at).and_then(first_hash)).collect();
        hashes.sort_unstable();
        hashes.dedup();
        let stale = run.head.dry_run || run.head.action == Action::DeleteIdentifier;
        let at = self.clock.now();
        let mut batches = Vec::new();
        for batch in hashes.chunks(100) {
            batches.push(self.concurrency.run(run.deadline, move || self.store.identifiers(&run.space, batch, stale)));
        }
        let found: Vec<Vec<_>> = stream::iter(batches).buffer_unordered(4).try_collect().await?;
        Ok(Ahead { found: found.into_iter().flatten().collect(), at, stale })
    }

    /// Decides a row, if there is time and the job's limit allows for it.
    async fn decide_within(
        &self,
        run: &Run,
        at: usize,
        row: &Row,
        ahead: &Ahead,
        allowance: Option<&Allowance>,
    ) -> Result<Decided, StoreError> {
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

    async fn decide(&self, run: &Run, at: usize, row: &Row, ahead: &Ahead) -> Result<Decided, StoreError> {
        let outcome = |outcome: Option<Outcome>| outcome.map(|outcome| (outcome, Extent::default()));
        match row {
            Row::Invalid(_) => Ok(outcome(Some(Outcome::Invalid))),
            _ if run.head.dry_run => {
                let marks = Marks::Table { job: &run.job, now: self.clock.now() };
                let found = first_hash(row).and_then(|hash| ahead.there(hash));
                self.plan_row(&run.space, row, &run.taker(at).row, found, &marks).await.map(Some)
            }
            Row::Profile(hash) | Row::Plan { own: hash, .. } => {
                self.erase_row(run, at, hash, ahead.look(hash, self.clock.now())).await.map(outcome)
            }
            Row::Identifier { lookup, target, is_user_id } => {
                let decided = self.identifier_row(run, at, (lookup, target, *is_user_id), ahead.there(lookup)).await;
                decided.map(|decided| outcome(Some(decided)))
            }
        }
    }

    async fn report(
        &self,
        run: &Run,
        chunk: &Chunk,
        results: Results,
        has_limit: bool,
    ) -> Result<ChunkRun, StoreError> {
        let Results { outcomes, extent, error } = results;
        let is_complete = outcomes.is_complete();
        // A limit that is used up is the only reason to stop without an error and with time left.
        let waits = has_limit && error.is_none() && !run.deadline.is_over();
        let next = if waits { ChunkState::Waiting } else { ChunkState::Begun };
        let report = Report { outcomes, next, extent };
        let reported = self.store.report_chunk(&run.space, &run.head, run.id, chunk, &report, self.clock.now()).await?;
        if let Some(error) = error {
            return Err(error);
        }
        if reported.is_none() {
            return Err(taken_over());
        }
        if !is_complete && !waits {
            let pointer = Pointer { space: run.space.clone(), job: run.job.clone(), work: Work::Chunk(run.id) };
            self.queue.send(&[pointer]).await?;
            return Ok(ChunkRun::Requeued);
        }
        self.after_chunk(run).await?;
        Ok(if is_complete { ChunkRun::Completed } else { ChunkRun::Waiting })
    }

    /// After a chunk, the job may have come to its end, or to its limit.
    async fn after_chunk(&self, run: &Run) -> Result<(), StoreError> {
        let now = self.clock.now();
        let Some(status) = self.store.settle_job(&run.space, &run.job, now).await? else { return Ok(()) };
        self.mind_limit(&run.space, &run.job, &status).await
    }

    /// A job with a limit: what waits goes on where others left something of it, else the job pauses.
    pub(crate) async fn mind_limit(&self, space: &SpaceId, job: &JobId, status: &JobStatus) -> Result<(), StoreError> {
        let has_limit = status.head.max_deletions.is_some() && !status.head.dry_run;
        if !has_limit || !status.head.state.runs() || !status.progress.is_still() {
            return Ok(());
        }
        if self.store.is_used_up(space, job).await? {
            self.store.control_job(space, job, Control::Pause, None, self.clock.now()).await?;
            return Ok(());
        }
        self.send_dispatch(space, job).await
    }
}

/// Identifiers that were read ahead.
struct Ahead {
    /// Those that are there; `None` is one that can't be read.
    found: HashMap<IdHash, Option<Identifier>>,
    at: Time,
    stale: bool,
}

/// What a row knows of its identifier.
pub(crate) enum Look<'a> {
    /// It must be read.
    Unread,
    /// It was read consistently a moment ago: what is there.
    Read(Option<&'a Identifier>),
}

impl Ahead {
    /// What is there, perhaps as it was a moment ago.
    fn there(&self, hash: &IdHash) -> Option<&Identifier> {
        self.found.get(hash).and_then(Option::as_ref)
    }

    fn look(&self, hash: &IdHash, now: Time) -> Look<'_> {
        match self.found.get(hash) {
            _ if self.stale || now.millis() - self.at.millis() > FRESH_MILLIS => Look::Unread,
            Some(None) => Look::Unread,
            Some(Some(found)) => Look::Read(Some(found)),
            None => Look::Read(None),
        }
    }
}

/// Deletions that a chunk may make. Rows get them in their order, and wait for those that others may give back: so
/// whoever runs the chunk again with the same allowance comes to the same rows.
struct Allowance {
    permits: Semaphore,
    left: AtomicI64,
}

impl Allowance {
    fn new(grant: i64) -> Self {
        let permits = Semaphore::new(usize::try_from(grant).unwrap_or_default());
        if grant <= 0 {
            permits.close();
        }
        Self { permits, left: grant.into() }
    }

    /// Where none is left, nobody need wait any more.
    fn spend(&self, permit: SemaphorePermit<'_>) {
        permit.forget();
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.permits.close();
        }
    }
}

/// The identifier that a row begins with.
fn first_hash(row: &Row) -> Option<&IdHash> {
    match row {
        Row::Invalid(_) => None,
        Row::Profile(hash) | Row::Plan { own: hash, .. } | Row::Identifier { lookup: hash, .. } => Some(hash),
    }
}

fn taken_over() -> StoreError {
    StoreError::Unavailable("somebody else reported on this chunk".to_owned())
}

/// What a run has come to so far.
struct Results {
    outcomes: Outcomes,
    extent: Extent,
    error: Option<StoreError>,
}

impl Results {
    fn take(&mut self, at: usize, decided: Result<Decided, StoreError>, judge: Judge) {
        match decided {
            Ok(Some((outcome, extent))) => {
                self.outcomes.set(at, outcome);
                self.extent += extent;
            }
            Ok(None) => {}
            Err(StoreError::Internal(why)) if judge == Judge::Decide => {
                tracing::error!(row = at, why, "a row has failed");
                self.outcomes.set(at, Outcome::Failed);
            }
            Err(error) => self.error = Some(error),
        }
    }
}
