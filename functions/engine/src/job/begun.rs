//! A started chunk that may not run any more: its job is paused or cancelled, or an operator has stopped what deletes. Rows
//! that a worker had begun before it died, or before its time was up, are finished, so that no profile stays deleted in part
//! and every deletion is counted. No row begins, and the rest of the chunk is given back.

use efface_aws::StoreError;
use efface_core::{
    deletion::DeletedBy,
    job::{JobState, Outcome, Page, care::is_left, chunk::ChunkState, row::Row},
    stop::Halt,
};
use futures::{FutureExt, StreamExt, stream};

use super::{
    Run,
    chunk::{ChunkEnd, OnFailure, Results},
};
use crate::{ChunkRun, Engine, Error, concurrency::MAX};

/// What a row had begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begun {
    /// Nothing.
    Nothing,
    /// Its deletion, which is not finished yet: the time was up.
    Unfinished,
    /// Its deletion, which is finished.
    Finished(Outcome),
}

impl From<Option<Outcome>> for Begun {
    fn from(outcome: Option<Outcome>) -> Self {
        outcome.map_or(Self::Unfinished, Self::Finished)
    }
}

impl Engine {
    /// Leaves a chunk that may not run: where a worker has left it started, what its rows had begun is finished, and the rest
    /// is given back. `stop` is what holds while the job knows nothing of it.
    pub(super) async fn leave(
        &self,
        run: &Run,
        page: &Page,
        stop: Option<Halt>,
        on_failure: OnFailure,
    ) -> Result<ChunkRun, Error> {
        let job = run.head.job_id;
        if let Some(halt) = stop.filter(|_| run.head.state.accepts_chunks()) {
            self.pause_for(&run.space, job, halt).await?;
        }
        let chunk = self.store.chunk(&run.space, job, run.id).await?;
        let Some(chunk) = chunk.filter(|chunk| chunk.state != ChunkState::Waiting) else {
            if matches!(run.head.state, JobState::Pausing | JobState::Cancelling) {
                // Whoever gave it back may have died before the job came to its end.
                self.advance_job(&run.space, job, self.clock.now()).await?;
            }
            return Ok(ChunkRun::Waiting);
        };
        if chunk.state == ChunkState::Completed {
            self.after_chunk(run).await?;
            return Ok(ChunkRun::Completed);
        }
        if !is_left(&chunk, self.clock.now()) {
            // Another worker may run it, and gives it back itself. If it has died, the reconciler sends it again.
            return Ok(ChunkRun::Waiting);
        }
        let rows = self.store.rows(&run.space, job, page, run.id.chunk).await?;
        let rows = rows.ok_or_else(|| StoreError::Unreadable("chunk whose rows have expired".to_owned()))?;
        let mut results = Results::new(chunk.outcomes.clone());
        let is_cut = self.finish_begun(run, &rows, on_failure, &mut results).await;
        self.record(run, &chunk, results, ChunkEnd { is_halted: true, is_cut, ..ChunkEnd::default() }).await
    }

    /// Finishes what rows had begun. Whether some of it is not finished.
    async fn finish_begun(&self, run: &Run, rows: &[Row], on_failure: OnFailure, results: &mut Results) -> bool {
        let undecided = results.outcomes.undecided();
        let mut work = Vec::with_capacity(undecided.len());
        for (at, row) in undecided.into_iter().filter_map(|at| Some((at, rows.get(at)?))) {
            work.push(self.finish_within(run, at, row).map(move |begun| (at, begun)));
        }
        let (mut begun, mut is_cut) = (stream::iter(work).buffer_unordered(MAX), false);
        while let Some((at, begun)) = begun.next().await {
            let decided = match begun {
                Ok(Begun::Finished(outcome)) => Ok(Some(outcome.into())),
                Ok(Begun::Nothing) => Ok(None),
                Ok(Begun::Unfinished) => {
                    is_cut = true;
                    Ok(None)
                }
                Err(error) => Err(error),
            };
            results.add(run, at, decided, on_failure);
        }
        is_cut
    }

    async fn finish_within(&self, run: &Run, at: usize, row: &Row) -> Result<Begun, Error> {
        if run.deadline.is_over() {
            return Ok(Begun::Unfinished);
        }
        self.concurrency.run(run.deadline, || self.finish(run, at, row)).await
    }

    async fn finish(&self, run: &Run, at: usize, row: &Row) -> Result<Begun, Error> {
        match row {
            Row::Invalid(_) => Ok(Begun::Finished(Outcome::Invalid)),
            // It has changed nothing, and reserves again.
            _ if run.head.dry_run => Ok(Begun::Nothing),
            Row::Profile(own) | Row::Plan { own, .. } => self.finish_profile_row(run, at, *own).await,
            Row::ProfileId(profile) => self.finish_profile_id_row(run, at, *profile).await,
            Row::Planned(finding) => self.finish_profile_id_row(run, at, finding.root).await,
            Row::Identifier { target, .. } => {
                let found = self.store.identifier(&run.space, *target).await?;
                let is_own = found.is_some_and(|found| found.deleted_by(&run.actor(at)) == DeletedBy::ThisRow);
                Ok(if is_own { Begun::Finished(Outcome::Deleted) } else { Begun::Nothing })
            }
        }
    }
}
