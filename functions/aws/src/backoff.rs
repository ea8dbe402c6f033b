//! How what failed is tried again: the one policy for all repetitions, and its values by name.
//!
//! The pauses double up to a limit and are random, between once and twice the pause that the policy names, so that
//! those who failed together do not come back together. The SDK repeats single requests by itself, with the limits of
//! [`client`](crate::client); these policies are for what it cannot repeat.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// A write that met a transaction, or a transaction that met another one. The caller says [how often](Backoff::attempts)
/// it is sent.
pub const CONFLICT: Backoff = Backoff::new(4, 15, 90);

/// A line of a load that is decided anew, because another one wrote to its profile meanwhile.
pub const CONTENDED_LINE: Backoff = CONFLICT.attempts(8);

/// Entries of a journal that others write to at the same time. An attempt fails where somebody else has committed a pack, or
/// where the publisher has had the space rest meanwhile. It is counted anew for each pack that was committed.
pub const CONTENDED_JOURNAL: Backoff = CONFLICT.attempts(16);

/// Before the packs of somebody else are drained: enough for one pack, so that two do not write the same index.
pub const DRAINING: Backoff = Backoff::new(2, 60, 60);

/// What DynamoDB left undone of a batch; counted anew for each batch.
pub const PARTIAL_BATCH: Backoff = Backoff::new(7, 16, 512);

/// Messages of a batch that SQS did not take.
pub const PARTIAL_SEND: Backoff = Backoff::new(6, 35, 560);

/// A row of a job while the store is unavailable, as long as the chunk's deadline allows.
pub const ROW: Backoff = Backoff::new(8, 30, 1_300);

/// A line of a load while the table is unavailable: 20 to 41 seconds in all, so that a long load survives a short
/// interruption.
pub const LOAD: Backoff = Backoff::new(7, 320, 10_240);

/// A request of the command line to the HTTP API, unless the response says when to come back: 11 to 22 seconds in all.
pub const API_REQUEST: Backoff = Backoff::new(7, 170, 5_440);

/// A policy: how often something is tried, and the pauses in between.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    attempts: u32,
    first: Duration,
    longest: Duration,
}

/// The pauses of one use of a policy, one fewer than its attempts.
#[derive(Debug)]
pub struct Pauses(ExponentialBackoff);

impl Backoff {
    /// `attempts` in all; the first and the longest pause in milliseconds, before they are lengthened at random.
    const fn new(attempts: u32, first: u64, longest: u64) -> Self {
        Self { attempts, first: Duration::from_millis(first), longest: Duration::from_millis(longest) }
    }

    /// The same policy with another number of attempts.
    #[must_use]
    pub const fn attempts(self, attempts: u32) -> Self {
        Self { attempts, ..self }
    }

    /// Starts with the first attempt, for which there is no pause.
    pub fn start(self) -> Pauses {
        let pauses = ExponentialBuilder::new().with_jitter().with_max_times(self.attempts.saturating_sub(1) as usize);
        Pauses(pauses.with_min_delay(self.first).with_max_delay(self.longest).build())
    }
}

impl Pauses {
    /// Waits before the next attempt. `false`, at once, where the attempts are used up.
    pub async fn wait(&mut self) -> bool {
        let Some(pause) = self.next() else { return false };
        tokio::time::sleep(pause).await;
        true
    }
}

impl Iterator for Pauses {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.0.next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The attempts, and the shortest and the longest time that all pauses of a policy take together.
    fn check(policy: Backoff, attempts: usize, shortest: u64, longest: u64) {
        let (shortest, longest) = (Duration::from_millis(shortest), Duration::from_millis(longest));
        let runs: Vec<Vec<Duration>> = (0..100).map(|_| policy.start().collect()).collect();
        for pauses in &runs {
            assert_eq!(pauses.len() + 1, attempts);
            let total = pauses.iter().sum::<Duration>();
            assert!((shortest..=longest).contains(&total), "{policy:?}: {total:?}");
            let mut named = policy.first;
            for pause in pauses {
                assert!((named..=named * 2).contains(pause), "{policy:?}: {pause:?}");
                named = (named * 2).min(policy.longest);
            }
        }
        assert!(runs.iter().any(|pauses| *pauses != runs[0]), "{policy:?} is random");
    }

    /// `docs/limits.md` states these bounds.
    #[test]
    fn every_policy_is_bounded_and_random() {
        check(CONFLICT, 4, 105, 210);
        check(CONFLICT.attempts(10), 10, 645, 1_290);
        check(CONTENDED_LINE, 8, 465, 930);
        check(CONTENDED_JOURNAL, 16, 1_185, 2_370);
        check(DRAINING, 2, 60, 120);
        check(PARTIAL_BATCH, 7, 1_008, 2_016);
        check(PARTIAL_SEND, 6, 1_085, 2_170);
        check(ROW, 8, 3_190, 6_380);
        check(LOAD, 7, 20_160, 40_320);
        check(API_REQUEST, 7, 10_710, 21_420);
    }
}
