//! One chunk: started, run row by row, its outcomes recorded.

use std::{collections::HashMap, sync::Arc, time::Duration};

use efface_aws::{
    StoreError, metrics,
    queue::{Pointer, Work},
    store::job::{ChunkRecord, ChunkStart},
};
use efface_core::{
    deletion::Identifier,
    job::{
        Control, JobId, JobState, JobStatus, Outcome, Page,
        care::allowance_delay,
        chunk::{Chunk, ChunkState, Outcomes},
        event::{Cause, tenths},
        finding::Finding,
        plan::Extent,
        row::Row,
        state::{ControlRequest, has_all_outcomes},
    },
    key::IdHash,
    profile_deletion::{ProfileStep, decide_profile},
    space::SpaceId,
    stop::Halt,
    time::Time,
};
use futures::{FutureExt, StreamExt, TryStreamExt, stream};

use super::{
    Decided, DecidedRow, Run,
    allowance::Allowance,
    identifier_row::IdentifierRow,
    plan::Reservations,
    watch::{self, Watch},
};
use crate::{Deadline, Engine, Error, concurrency::MAX};

/// Rows whose identifiers are read ahead together: one request.
const AHEAD: usize = 100;

/// Batches of identifiers that are read at once.
const BATCHES: usize = 4;

/// For so long, in milliseconds, a profile may be deleted by an identifier that was read ahead.
const FRESH_MILLIS: i64 = 5_000;

/// What a message came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChunkRun {
    /// Every row of the chunk has its outcome; or all chunks were dispatched.
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
    /// Does the work that a message points at, until it is done or the time is up. An error leaves everything as it is, for
    /// the message to come back to.
    pub async fn work(&self, pointer: &Pointer, deadline: Deadline) -> Result<ChunkRun, Error> {
        let Pointer { space, job, work, hops } = pointer;
        if deadline.is_over() {
            // A failed message would count as received once more, and be nearer to the dead-letter queue.
            self.send(space, *job, hops + 1, [*work]).await?;
            return Ok(ChunkRun::Requeued);
        }
        Box::pin(self.work_or(pointer, hops + 1, deadline, OnFailure::Retry)).await
    }

    pub(super) async fn work_or(
        &self,
        Pointer { space, job, work, .. }: &Pointer,
        hops: u32,
        deadline: Deadline,
        on_failure: OnFailure,
    ) -> Result<ChunkRun, Error> {
        match *work {
            Work::Dispatch { from, redrive } => {
                self.dispatch(space, *job, (from, redrive), hops, deadline).await?;
                Ok(ChunkRun::Completed)
            }
            Work::Chunk(id) => {
                // Whether it may run is read as the last write left it, each time.
                let seen = self.store.job_and_stops(space, *job, true).await?;
                let (is_halted, stop) = (watch::is_halted(&seen), seen.stops.halt());
                let Some(head) = seen.head.map(Arc::new) else { return Ok(ChunkRun::Unknown) };
                let of = space.clone();
                let run = Run { space: of, head, id, is_first: false, is_found: false, is_alone: true, hops, deadline };
                let page = self.committed_page(space, *job, id.page).await?.filter(|page| id.chunk < page.chunks);
                let Some(page) = page else { return Ok(ChunkRun::Unknown) };
                if is_halted {
                    return Box::pin(self.leave(&run, &page, stop, on_failure)).await;
                }
                Box::pin(self.run_chunk(run, &page, on_failure)).await
            }
        }
    }

    async fn run_chunk(&self, mut run: Run, page: &Page, on_failure: OnFailure) -> Result<ChunkRun, Error> {
        let (job, id) = (run.head.job_id, run.id);
        let mut left = None;
        if run.head.deletion_limit().is_some() {
            let standing = self.store.standing(&run.space, job, id).await?;
            run.head = Arc::new(standing.head);
            if standing.left <= 0 && standing.chunk.is_none_or(|chunk| chunk.state == ChunkState::Waiting) {
                return self.wait_for_allowance(&run, run.head.state.accepts_chunks()).await;
            }
            left = Some(standing.left);
        }
        let rows = self.store.rows(&run.space, job, page, id.chunk).await?;
        let rows = rows.ok_or_else(|| StoreError::Unreadable("chunk whose rows have expired".to_owned()))?;
        match self.store.start_chunk(&run.space, job, id, &rows, self.clock.now()).await? {
            ChunkStart::NotAccepted => Ok(ChunkRun::Waiting),
            ChunkStart::Completed => {
                self.after_chunk(&run).await?;
                Ok(ChunkRun::Completed)
            }
            ChunkStart::Run { chunk, is_first, is_found, is_alone } => {
                (run.is_first, run.is_found, run.is_alone) = (is_first, is_found, is_alone);
                self.run_rows(&run, chunk, left, &rows, on_failure).await
            }
        }
    }

    /// Has the chunk come back later: others may give back what they do not need of the job's limit.
    async fn wait_for_allowance(&self, run: &Run, job_accepts: bool) -> Result<ChunkRun, Error> {
        if job_accepts {
            let delay = Duration::from_secs(allowance_delay(run.hops));
            self.send_after(delay, &run.space, run.head.job_id, run.hops, [Work::Chunk(run.id)]).await?;
        }
        Ok(ChunkRun::Waiting)
    }

    async fn run_rows(
        &self,
        run: &Run,
        chunk: Chunk,
        left: Option<i64>,
        rows: &[Row],
        on_failure: OnFailure,
    ) -> Result<ChunkRun, Error> {
        if run.head.state == JobState::Queued {
            self.store.set_running(&run.space, run.head.job_id, self.clock.now()).await?;
        }
        let (watch, mut results) = (Watch::opened(self, run), Results::new(chunk.outcomes.clone()));
        let Some(left) = left else {
            self.run_undecided(run, rows, Guards { watch: &watch, allowance: None }, on_failure, &mut results).await;
            return self.record(run, &chunk, results, ChunkEnd::of(&watch, run)).await;
        };
        let allowance = Allowance::new(self, run, chunk, left);
        let guards = Guards { watch: &watch, allowance: Some(&allowance) };
        self.run_undecided(run, rows, guards, on_failure, &mut results).await;
        let (chunk, is_used_up) = allowance.into_chunk();
        self.record(run, &chunk, results, ChunkEnd { is_used_up, ..ChunkEnd::of(&watch, run) }).await
    }

    async fn run_undecided(
        &self,
        run: &Run,
        rows: &[Row],
        guards: Guards<'_>,
        on_failure: OnFailure,
        results: &mut Results,
    ) {
        for (number, undecided) in results.outcomes.undecided().chunks(AHEAD).enumerate() {
            if run.deadline.is_over() || results.error.is_some() {
                return;
            }
            match if number == 0 { Ok(true) } else { guards.watch.look().await } {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => return results.error = Some(error),
            }
            let ahead = match self.read_ahead(run, rows, undecided).await {
                Ok(ahead) => ahead,
                Err(error) => return results.error = Some(error),
            };
            let mut work = Vec::with_capacity(undecided.len());
            for (at, row) in undecided.iter().filter_map(|at| Some((*at, rows.get(*at)?))) {
                let allowance = guards.allowance.filter(|_| self.may_delete(run, at, row, &ahead));
                let decided = self.decide_within(run, at, row, &ahead, Guards { allowance, ..guards });
                work.push(decided.map(move |decided| (at, decided)));
            }
            let mut decided = stream::iter(work).buffer_unordered(MAX);
            while let Some((at, decided)) = decided.next().await {
                results.add(run, at, decided, on_failure);
            }
        }
    }

    /// Reads the identifiers that rows look up. Where a profile is deleted by them, or planned to be, they are read
    /// consistently.
    async fn read_ahead(&self, run: &Run, rows: &[Row], undecided: &[usize]) -> Result<Ahead, Error> {
        let mut hashes: Vec<IdHash> = undecided.iter().filter_map(|at| rows.get(*at)?.lookup()).collect();
        hashes.sort_unstable();
        hashes.dedup();
        let is_consistent = run.head.action.deletes_profiles();
        let at = self.clock.now();
        let mut batches = Vec::new();
        for batch in hashes.chunks(AHEAD) {
            let read = move || async move { Ok(self.store.identifiers(&run.space, batch, is_consistent).await?) };
            batches.push(self.concurrency.run(run.deadline, read));
        }
        let found: Vec<Vec<_>> = stream::iter(batches).buffer_unordered(BATCHES).try_collect().await?;
        Ok(Ahead { found: found.into_iter().flatten().collect(), at, is_consistent })
    }

    /// Whether a row may delete something, as far as that is known before it reads anything itself.
    fn may_delete(&self, run: &Run, at: usize, row: &Row, ahead: &Ahead) -> bool {
        match row {
            Row::Invalid(_) | Row::Plan { .. } => false,
            Row::Identifier { .. } | Row::ProfileId(_) | Row::Planned(_) => true,
            Row::Profile(hash) => match ahead.fresh(*hash, self.clock.now()) {
                ReadAhead::Unread => true,
                ReadAhead::Fresh(found) => match decide_profile(found, &run.actor(at), run.is_first) {
                    ProfileStep::Decided(outcome) => outcome == Outcome::Deleted,
                    ProfileStep::Finish(_) | ProfileStep::Start(_) | ProfileStep::Resume(_) => true,
                },
            },
        }
    }

    /// Decides a row, if there is time, the job goes on and, where the row needs it, there is an allowance.
    async fn decide_within(
        &self,
        run: &Run,
        at: usize,
        row: &Row,
        ahead: &Ahead,
        Guards { watch, allowance }: Guards<'_>,
    ) -> Result<Decided, Error> {
        if !watch.look_again().await {
            return Ok(None);
        }
        if let Some(allowance) = allowance
            && !allowance.admit().await?
        {
            return Ok(None);
        }
        if run.deadline.is_over() {
            allowance.inspect(|allowance| allowance.end(false));
            return Ok(None);
        }
        let decided = self.concurrency.run(run.deadline, || self.decide(run, at, row, ahead)).await;
        let may_have_deleted = !matches!(decided, Ok(Some(row)) if row.outcome != Outcome::Deleted);
        allowance.inspect(|allowance| allowance.end(may_have_deleted));
        if matches!(decided, Ok(None)) {
            watch.note_cut();
        }
        decided
    }

    async fn decide(&self, run: &Run, at: usize, row: &Row, ahead: &Ahead) -> Result<Decided, Error> {
        match row {
            Row::Invalid(_) => Ok(Some(Outcome::Invalid.into())),
            _ if run.head.dry_run => {
                let reservations = Reservations { job: run.head.job_id, until: run.head.rows_until() };
                let found = row.lookup().and_then(|hash| ahead.there(hash));
                self.plan_row(&run.space, row, run.id.row(at), found, &reservations).await.map(Some)
            }
            Row::Profile(hash) | Row::Plan { own: hash, .. } => {
                let ahead = ahead.fresh(*hash, self.clock.now());
                Ok(self.delete_profile_row(run, at, *hash, ahead).await?.map(Into::into))
            }
            Row::ProfileId(profile) => Ok(self.delete_profile_id_row(run, at, *profile).await?.map(Into::into)),
            Row::Planned(finding) => Ok(self.delete_planned_row(run, at, *finding).await?.map(Into::into)),
            Row::Identifier { lookup, target, is_user_id } => {
                let found = lookup.identifier().and_then(|lookup| ahead.there(lookup));
                let row = IdentifierRow { lookup: *lookup, target: *target, is_user_id: *is_user_id };
                Ok(Some(self.delete_identifier_row(run, at, row, found).await?.into()))
            }
        }
    }

    /// Records what a run came to. Where the job's limit is used up, or the job may not go on, the rest of the chunk is given
    /// back with the same write: it waits.
    pub(super) async fn record(
        &self,
        run: &Run,
        chunk: &Chunk,
        results: Results,
        end: ChunkEnd,
    ) -> Result<ChunkRun, Error> {
        let Results { outcomes, extent, findings, error } = results;
        let is_complete = outcomes.is_complete();
        let decided = outcomes.counts() - chunk.outcomes.counts();
        let waits = (end.is_used_up || end.is_halted) && !end.is_cut && !is_complete && error.is_none();
        let next = if waits { ChunkState::Waiting } else { ChunkState::Started };
        let record = ChunkRecord { outcomes, next, extent, findings, is_alone: run.is_alone };
        let recorded =
            self.store.record_outcomes(&run.space, &run.head, run.id, chunk, &record, self.clock.now()).await?;
        if recorded.is_some() {
            metrics::rows(run.head.action, run.head.dry_run, &decided);
        }
        if let Some(error) = error {
            return Err(error);
        }
        if recorded.is_none() {
            return Err(taken_over());
        }
        if let Some(halt) = end.stop {
            self.pause_for(&run.space, run.head.job_id, halt).await?;
        }
        if is_complete {
            self.after_chunk(run).await?;
            return Ok(ChunkRun::Completed);
        }
        if waits {
            let job_accepts = self.after_chunk(run).await?;
            if !end.is_halted {
                return self.wait_for_allowance(run, job_accepts).await;
            }
            if !job_accepts {
                return Ok(ChunkRun::Waiting);
            }
            // It was resumed meanwhile, when the chunk still counted as started.
        }
        self.send(&run.space, run.head.job_id, run.hops, [Work::Chunk(run.id)]).await?;
        Ok(ChunkRun::Requeued)
    }

    /// After a chunk, the job may have come to its end, or to its limit. Whether it accepts chunks now.
    pub(super) async fn after_chunk(&self, run: &Run) -> Result<bool, Error> {
        let job = run.head.job_id;
        let now = self.clock.now();
        let Some(status) = self.advance_job(&run.space, job, now).await? else { return Ok(false) };
        if let Some(tenths) = tenths(&status.head, &status.progress) {
            self.store.tell_tenths(&run.space, &status, tenths, now).await?;
        }
        if Self::has_step(&status) {
            self.ask_for_dispatch(&run.space, &status.head).await;
        }
        let is_paused = self.enforce_limit(&run.space, job, &status).await?;
        Ok(status.head.state.accepts_chunks() && !is_paused)
    }

    /// Pauses an idle job whose limit is used up. Whether it did.
    pub(super) async fn enforce_limit(&self, space: &SpaceId, job: JobId, status: &JobStatus) -> Result<bool, Error> {
        let JobStatus { head, progress } = status;
        if head.deletion_limit().is_none()
            || !head.state.accepts_chunks()
            || !progress.is_idle()
            // A job of a segment has steps of its own after its last row.
            || has_all_outcomes(head, progress)
            || self.store.deletions_left(space, job).await? > 0
        {
            return Ok(false);
        }
        let pause = ControlRequest::own(Control::Pause, Cause::MaxDeletions, self.clock.now());
        self.control_job(space, job, &pause, None).await?;
        Ok(true)
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

pub(super) fn taken_over() -> Error {
    StoreError::Unavailable("another worker wrote this chunk's outcomes".to_owned()).into()
}

/// What lets the rows of a run begin.
#[derive(Clone, Copy)]
struct Guards<'a> {
    watch: &'a Watch<'a>,
    allowance: Option<&'a Allowance<'a>>,
}

/// Why a run of a chunk ended before its last row. All false: its time was up.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct ChunkEnd {
    /// The job's limit is used up.
    pub(super) is_used_up: bool,
    /// The job may not go on.
    pub(super) is_halted: bool,
    /// Some rows have begun and are not finished: the chunk is not given back before they are.
    pub(super) is_cut: bool,
    /// The stop that halted it, where the job knows nothing of it yet.
    pub(super) stop: Option<Halt>,
}

impl ChunkEnd {
    /// The end of a run. A chunk that another worker had started is left as it is: what its rows had begun is finished first.
    fn of(watch: &Watch<'_>, run: &Run) -> Self {
        let is_cut = watch.is_cut() || (watch.is_halted() && run.is_found);
        Self { is_used_up: false, is_halted: watch.is_halted(), is_cut, stop: watch.stop() }
    }
}

/// What a run has come to so far.
pub(super) struct Results {
    pub(super) outcomes: Outcomes,
    extent: Extent,
    findings: Vec<(u32, Finding)>,
    error: Option<Error>,
}

impl Results {
    pub(super) fn new(outcomes: Outcomes) -> Self {
        Self { outcomes, extent: Extent::default(), findings: Vec::new(), error: None }
    }

    pub(super) fn add(&mut self, run: &Run, at: usize, decided: Result<Decided, Error>, on_failure: OnFailure) {
        match decided {
            Ok(Some(DecidedRow { outcome, extent, found })) => {
                self.outcomes.set(at, outcome);
                extent.near_miss().inspect(|near_miss| self.outcomes.set_near_miss(at, *near_miss));
                self.extent += extent;
                self.findings.extend(found.map(|found| (run.id.row(at).row, found)));
            }
            Ok(None) => {}
            Err(error) if on_failure == OnFailure::Fail && !error.is_passing() => {
                tracing::error!(row = %run.id.row(at), %error, "a row has failed");
                self.outcomes.set(at, Outcome::Failed);
            }
            Err(error) => self.error = Some(error),
        }
    }
}
