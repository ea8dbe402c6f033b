//! Looking after the spaces whose pointer may be lost.

use std::{panic::AssertUnwindSafe, time::Duration};

use efface_aws::StoreError;
use efface_core::{journal::index::SHARDS, log::Wake, space::SpaceId};
use futures::{FutureExt, StreamExt, stream};
use thiserror::Error;

use super::{LogError, Published, Publisher};
use crate::Deadline;

/// Spaces that are read at once, and that are published at once.
const PAGE: i32 = 100;
const AT_ONCE: usize = 4;

/// How long a run takes at most, and how long one of its spaces does. Runs begin each minute.
const WHOLE: Duration = Duration::from_mins(4);
const EACH: Duration = Duration::from_mins(1);

/// What a run of the schedule has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sweep {
    /// Spaces that wait for a publisher, or have a pointer under way.
    pub waiting: u64,
    /// Those that were published by this run.
    pub published: u64,
    /// Those that failed. Each has a line of its own.
    pub failed: u64,
    /// Lists of spaces that cannot be read.
    pub lists_failed: u64,
    /// Whether the time was over before all of them were looked at.
    pub is_cut: bool,
}

impl Sweep {
    /// Whether all spaces that wait were looked at.
    pub fn is_complete(&self) -> bool {
        !self.is_cut && self.lists_failed == 0
    }
}

impl Publisher {
    /// Publishes the spaces that wait and whose log was not signed for two intervals: their pointer must be lost. Nothing
    /// but the lists of the spaces that wait is read for the others. A space or a list that fails does not stop the rest.
    ///
    /// Each minute it begins with another list, so that runs which do not come to their end reach all spaces together.
    pub async fn sweep(&self, deadline: Deadline) -> Sweep {
        let (mut sweep, deadline) = (Sweep::default(), deadline.within(WHOLE));
        let first = self.clock.now().millis().div_euclid(60_000).rem_euclid(i64::from(SHARDS));
        for shard in 0..SHARDS {
            let shard = u8::try_from((first + i64::from(shard)) % i64::from(SHARDS)).unwrap_or_default();
            self.sweep_shard(shard, deadline, &mut sweep).await;
            if sweep.is_cut {
                break;
            }
        }
        sweep
    }

    async fn sweep_shard(&self, shard: u8, deadline: Deadline, sweep: &mut Sweep) {
        let mut after = None;
        loop {
            if deadline.is_over() {
                sweep.is_cut = true;
                return;
            }
            match self.journal.dirty_spaces(shard, after.as_ref(), PAGE).await {
                Ok((spaces, more)) => {
                    self.sweep_page(&spaces, deadline, sweep).await;
                    after = more;
                }
                Err(error) => {
                    log_list(&error);
                    sweep.lists_failed += 1;
                    return;
                }
            }
            if after.is_none() {
                return;
            }
        }
    }

    async fn sweep_page(&self, spaces: &[SpaceId], deadline: Deadline, sweep: &mut Sweep) {
        let runs: Vec<_> =
            spaces.iter().map(|space| async move { (space, self.sweep_space(space, deadline).await) }).collect();
        let mut runs = stream::iter(runs).buffer_unordered(AT_ONCE);
        while let Some((space, result)) = runs.next().await {
            let Some(result) = result else {
                sweep.is_cut = true;
                continue;
            };
            sweep.waiting += 1;
            match result {
                Ok(Published { checkpoints, .. }) => sweep.published += u64::from(checkpoints > 0),
                Err(error) => {
                    sweep.failed += 1;
                    log(space, &error);
                }
            }
        }
    }

    /// One space, in a time of its own; `None` where the time of the run is over. A panic fails this space only. Where the
    /// time is too short for its backlog, a pointer has it published in a run of its own.
    async fn sweep_space(&self, space: &SpaceId, deadline: Deadline) -> Option<Result<Published, SweepError>> {
        if deadline.is_over() {
            return None;
        }
        let run = AssertUnwindSafe(self.publish(space, Wake::Schedule, deadline.within(EACH))).catch_unwind().await;
        Some(match run {
            Ok(Err(LogError::TooFarBehind)) => match self.queue.send(space, Duration::ZERO, false).await {
                Ok(()) => Err(SweepError::Log(LogError::TooFarBehind)),
                Err(error) => Err(SweepError::Log(error.into())),
            },
            Ok(result) => result.map_err(SweepError::Log),
            Err(_) => Err(SweepError::Panic),
        })
    }
}

/// Why a space was not published.
#[derive(Debug, Error)]
enum SweepError {
    #[error(transparent)]
    Log(LogError),
    /// Its location is logged separately.
    #[error("panic")]
    Panic,
}

fn log_list(error: &StoreError) {
    if matches!(error, StoreError::Unavailable(_)) {
        tracing::warn!(%error, "the list of spaces that wait for the log cannot be read");
    } else {
        tracing::error!(%error, "the list of spaces that wait for the log cannot be read");
    }
}

fn log(space: &SpaceId, error: &SweepError) {
    if matches!(error, SweepError::Log(error) if error.is_passing()) {
        tracing::warn!(space_id = %space, %error, "the log of a space was not published");
    } else {
        tracing::error!(space_id = %space, %error, "the log of a space was not published");
    }
}
