//! How many rows run at once, by additive increase and multiplicative decrease (AIMD): one more while the store keeps
//! up, half as many each time that it does not, so that single deletions have room.

use std::sync::atomic::{AtomicUsize, Ordering};

use efface_aws::{StoreError, backoff};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{Deadline, Error};

const MIN: usize = 4;
const INITIAL: usize = 16;
/// Beyond this, one worker gets no faster.
pub(crate) const MAX: usize = 64;
/// So many successes in a row raise the limit by one.
const SUCCESSES_PER_STEP: usize = 32;

/// The adaptive concurrency limit of one process.
#[derive(Debug)]
pub struct ConcurrencyLimit {
    permits: Semaphore,
    limit: AtomicUsize,
    /// Permits to take away as they become free.
    surplus: AtomicUsize,
    successes: AtomicUsize,
}

impl Default for ConcurrencyLimit {
    fn default() -> Self {
        Self { permits: Semaphore::new(INITIAL), limit: INITIAL.into(), surplus: 0.into(), successes: 0.into() }
    }
}

impl ConcurrencyLimit {
    /// How many may run at once.
    pub fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }

    /// Runs something that can be repeated within the limit, and again while the store is unavailable.
    pub async fn run<T, F: Future<Output = Result<T, Error>>>(
        &self,
        deadline: Deadline,
        work: impl Fn() -> F,
    ) -> Result<T, Error> {
        let mut pauses = backoff::ROW.start();
        loop {
            let closed = |_| Error::Store(StoreError::Internal("the concurrency limit is closed".to_owned()));
            let permit = self.permits.acquire().await.map_err(closed)?;
            match work().await {
                Err(error) if error.is_passing() => {
                    self.decrease(permit);
                    if deadline.is_over() || !pauses.wait().await {
                        return Err(error);
                    }
                }
                result => {
                    self.increase(permit);
                    return result;
                }
            }
        }
    }

    fn increase(&self, permit: SemaphorePermit<'_>) {
        let surplus = self.surplus.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |surplus| surplus.checked_sub(1));
        if surplus.is_ok() {
            permit.forget();
            return;
        }
        let successes = self.successes.fetch_add(1, Ordering::Relaxed) + 1;
        let grows = successes.is_multiple_of(SUCCESSES_PER_STEP)
            && self
                .limit
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |limit| (limit < MAX).then_some(limit + 1))
                .is_ok();
        if grows {
            self.permits.add_permits(1);
        }
    }

    fn decrease(&self, permit: SemaphorePermit<'_>) {
        drop(permit);
        self.successes.store(0, Ordering::Relaxed);
        let limit = self.limit();
        let half = (limit / 2).max(MIN);
        if half < limit && self.limit.compare_exchange(limit, half, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            // Free permits go at once, the others as they become free.
            let gone = self.permits.forget_permits(limit - half);
            self.surplus.fetch_add(limit - half - gone, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, time::Duration};

    use super::*;

    fn unavailable() -> Error {
        StoreError::Unavailable("throttled".to_owned()).into()
    }

    #[tokio::test]
    async fn it_slows_down_and_recovers() {
        let limit = ConcurrencyLimit::default();
        let failures = Cell::new(3);
        let deadline = Deadline::after(Duration::from_mins(10));
        let work = || async {
            if failures.get() > 0 {
                failures.set(failures.get() - 1);
                return Err(unavailable());
            }
            Ok(7)
        };
        assert_eq!(limit.run(deadline, work).await, Ok(7));
        assert_eq!(limit.limit(), MIN);
        for _ in 0..SUCCESSES_PER_STEP * 100 {
            limit.run(deadline, work).await.unwrap();
        }
        assert_eq!(limit.limit(), MAX);
        assert_eq!(limit.permits.available_permits(), MAX);
    }

    #[tokio::test]
    async fn it_gives_up_on_what_does_not_pass() {
        let limit = ConcurrencyLimit::default();
        let deadline = Deadline::after(Duration::from_mins(10));
        let internal = || Error::from(StoreError::Internal("shape".to_owned()));
        assert_eq!(limit.run(deadline, || async { Err::<(), _>(internal()) }).await, Err(internal()));
        assert_eq!(limit.run(deadline, || async { Err::<(), _>(unavailable()) }).await, Err(unavailable()));
    }
}
