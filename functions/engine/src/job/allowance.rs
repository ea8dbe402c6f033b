//! The deletions that one run of a chunk may make, where its job has a limit (`max_deletions`).
//!
//! Rows that may delete are admitted one after the other, in their order, and give their deletion back if they made none.
//! So a run that goes on after another one died admits every row that the other one admitted, and the limit holds.

use std::sync::{Mutex, MutexGuard, PoisonError};

use efface_core::job::chunk::Chunk;
use tokio::sync::{Mutex as Turns, Notify};

use super::{Run, chunk::taken_over};
use crate::{Engine, Error};

/// The allowance of one run. It takes slices of what the job may still delete, as its rows need them.
pub(super) struct Allowance<'a> {
    engine: &'a Engine,
    run: &'a Run,
    /// Rows take turns to be admitted: first come, first served.
    turns: Turns<()>,
    state: Mutex<State>,
    /// A row that was admitted has ended. Only the row whose turn it is waits for that.
    ended: Notify,
}

struct State {
    /// The chunk with the slices that were taken for it.
    chunk: Chunk,
    /// Deletions of these slices that were not made.
    left: i64,
    /// Rows that were admitted and have not ended.
    running: i64,
    /// What the job might still delete when the chunk started.
    hint: Option<i64>,
    is_used_up: bool,
}

/// What the next row does.
enum Next {
    Run,
    WaitForOthers,
    TakeSlice,
    Stop,
}

impl<'a> Allowance<'a> {
    /// The allowance of a chunk that has started; `left` is what its job may still delete.
    pub(super) fn new(engine: &'a Engine, run: &'a Run, chunk: Chunk, left: i64) -> Self {
        let own = chunk.grant.unwrap_or(0);
        let state = State { chunk, left: own, running: 0, hint: Some(left), is_used_up: false };
        Self { engine, run, turns: Turns::default(), state: Mutex::new(state), ended: Notify::new() }
    }

    /// Admits the next row that may delete something. `false`: the job's limit is used up, and the row waits.
    pub(super) async fn admit(&self) -> Result<bool, Error> {
        let _turn = self.turns.lock().await;
        loop {
            match self.next() {
                Next::Run => return Ok(true),
                Next::Stop => return Ok(false),
                Next::WaitForOthers => self.ended.notified().await,
                Next::TakeSlice => self.take_slice().await?,
            }
        }
    }

    fn next(&self) -> Next {
        let mut state = self.lock();
        if state.left > state.running {
            state.running += 1;
            return Next::Run;
        }
        match state {
            _ if state.running > 0 => Next::WaitForOthers,
            _ if state.is_used_up => Next::Stop,
            _ => Next::TakeSlice,
        }
    }

    async fn take_slice(&self) -> Result<(), Error> {
        let (chunk, hint) = {
            let mut state = self.lock();
            (state.chunk.clone(), state.hint.take())
        };
        let (Engine { store, clock, .. }, Run { space, head, id, .. }) = (self.engine, self.run);
        let left = match hint {
            Some(left) => left,
            None => store.deletions_left(space, head.job_id).await?,
        };
        let next =
            store.take_slice(space, head.job_id, *id, &chunk, left, clock.now()).await?.ok_or_else(taken_over)?;
        let taken = next.grant.unwrap_or(0) - chunk.grant.unwrap_or(0);
        let mut state = self.lock();
        (state.chunk, state.left, state.is_used_up) = (next, state.left + taken, taken == 0);
        Ok(())
    }

    /// Notes that a row that was admitted has ended. A row that failed may have deleted something.
    pub(super) fn end(&self, may_have_deleted: bool) {
        let mut state = self.lock();
        state.running -= 1;
        state.left -= i64::from(may_have_deleted);
        drop(state);
        self.ended.notify_one();
    }

    /// The chunk as it is now, and whether rows wait because the job's limit is used up.
    pub(super) fn into_chunk(self) -> (Chunk, bool) {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        (state.chunk, state.is_used_up)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
