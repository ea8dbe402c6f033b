//! How many rows run at once: more while the store keeps up, half as many each time that it does not, so that single
//! deletions have room.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::Deadline;
use efface_aws::StoreError;

/// At the start, and at least.
const FEWEST: usize = 4;
const FIRST: usize = 16;
/// Beyond this, one worker gets no faster.
pub(crate) const MOST: usize = 64;
/// So many successes in a row earn a place more.
const PER_PLACE: usize = 32;
/// How often a row is tried.
const ATTEMPTS: u32 = 8;

/// The pace of one process.
#[derive(Debug)]
pub struct ConcurrencyLimit {
    places: Semaphore,
    limit: AtomicUsize,
    /// Places to take away as they become free.
    surplus: AtomicUsize,
    successes: AtomicUsize,
}

impl Default for ConcurrencyLimit {
    fn default() -> Self {
        Self { places: Semaphore::new(FIRST), limit: FIRST.into(), surplus: 0.into(), successes: 0.into() }
    }
}

impl ConcurrencyLimit {
    /// How many may run at once.
    pub fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }

    /// Runs something that can be repeated, when there is a place, and again while the store is unavailable.
    pub async fn run<T, F: Future<Output = Result<T, StoreError>>>(
        &self,
        deadline: Deadline,
        work: impl Fn() -> F,
    ) -> Result<T, StoreError> {
        let mut attempt = 0;
        loop {
            let place = self.places.acquire().await.map_err(|_| StoreError::Internal("pace".to_owned()))?;
            let result = work().await;
            match result {
                Err(StoreError::Unavailable(why)) => {
                    self.slower(place);
                    attempt += 1;
                    if attempt == ATTEMPTS || deadline.is_over() {
                        return Err(StoreError::Unavailable(why));
                    }
                    let pause = Duration::from_millis(20 << attempt).min(Duration::from_secs(2));
                    tokio::time::sleep(pause.mul_f64(0.5 + fastrand::f64())).await;
                }
                result => {
                    self.faster(place);
                    return result;
                }
            }
        }
    }

    fn faster(&self, place: SemaphorePermit<'_>) {
        let owed = self.surplus.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |owed| owed.checked_sub(1));
        if owed.is_ok() {
            place.forget();
            return;
        }
        let successes = self.successes.fetch_add(1, Ordering::Relaxed) + 1;
        let grows = successes.is_multiple_of(PER_PLACE)
            && self
                .limit
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |limit| (limit < MOST).then_some(limit + 1))
                .is_ok();
        if grows {
            self.places.add_permits(1);
        }
    }

    fn slower(&self, place: SemaphorePermit<'_>) {
        drop(place);
        self.successes.store(0, Ordering::Relaxed);
        let limit = self.limit();
        let half = (limit / 2).max(FEWEST);
        if half < limit && self.limit.compare_exchange(limit, half, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            // Places that are free go at once, the others as they become free.
            let gone = self.places.forget_permits(limit - half);
            self.surplus.fetch_add(limit - half - gone, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_slows_down_and_recovers() {
        let pace = ConcurrencyLimit::default();
        let failures = Cell::new(3);
        let deadline = Deadline::after(Duration::from_mins(10));
        let work = || async {
            if failures.get() > 0 {
                failures.set(failures.get() - 1);
                return Err(StoreError::Unavailable("throttled".to_owned()));
            }
            Ok(7)
        };
        assert_eq!(pace.run(deadline, work).await, Ok(7));
        assert_eq!(pace.limit(), FEWEST);
        for _ in 0..PER_PLACE * 100 {
            pace.run(deadline, work).await.unwrap();
        }
        assert_eq!(pace.limit(), MOST);
        assert_eq!(pace.places.available_permits(), MOST);
    }

    #[tokio::test(start_paused = true)]
    async fn it_gives_up_on_what_does_not_pass() {
        let pace = ConcurrencyLimit::default();
        let deadline = Deadline::after(Duration::from_mins(10));
        let internal = || async { Err::<(), _>(StoreError::Internal("shape".to_owned())) };
        assert_eq!(pace.run(deadline, internal).await, Err(StoreError::Internal("shape".to_owned())));
        let unavailable = || async { Err::<(), _>(StoreError::Unavailable("down".to_owned())) };
        assert_eq!(pace.run(deadline, unavailable).await, Err(StoreError::Unavailable("down".to_owned())));
    }
}
