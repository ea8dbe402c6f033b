//! How often a log is signed: each signature costs money and leaves a checkpoint for good.

use std::time::Duration;

use crate::time::Time;

/// Even an urgent wake waits so long after a signature: whoever asks for receipts again and again causes no more signatures
/// than one a second.
const URGENT: Duration = Duration::from_secs(1);

/// Why a log may be published now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// By the pointer that is sent with the first entry that is not published.
    Pointer,
    /// A receipt waits.
    Urgent,
    /// By the schedule, which looks after spaces whose pointer may be lost.
    Schedule,
}

/// How often a log is signed.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// The least time from one signature to the next.
    pub interval: Duration,
    /// So many entries are published at once, whenever the last signature was: a backlog is not to wait.
    pub at_once: u64,
}

impl Rate {
    /// How long to wait before publishing, rounded up to whole seconds; zero to publish now. `signed_at` is when the log was
    /// signed last, `behind` the number of entries that are not published. Clocks that differ do not make it wait longer
    /// than is usual.
    pub fn wait(&self, wake: Wake, signed_at: Option<Time>, now: Time, behind: u64) -> Duration {
        let Some(signed_at) = signed_at else { return Duration::ZERO };
        let least = match wake {
            Wake::Pointer if behind >= self.at_once => Duration::ZERO,
            Wake::Pointer => self.interval,
            Wake::Urgent => self.interval.min(URGENT),
            // By then the pointer should have come.
            Wake::Schedule => self.interval.saturating_mul(2),
        };
        let age = u64::try_from(now.millis().saturating_sub(signed_at.millis())).unwrap_or_default();
        let left = least.saturating_sub(Duration::from_millis(age));
        Duration::from_secs(left.as_secs() + u64::from(left.subsec_nanos() > 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_signed_once_in_an_interval_unless_it_is_urgent() {
        let rate = Rate { interval: Duration::from_mins(1), at_once: 1_000 };
        let at = |millis: i64| Time::from_millis(1_700_000_000_000 + millis).unwrap();
        for (wake, millis, behind, seconds) in [
            (Wake::Pointer, 0, 1, 60),
            (Wake::Pointer, 5_001, 999, 55),
            (Wake::Pointer, 59_999, 1, 1),
            (Wake::Pointer, 60_000, 1, 0),
            (Wake::Pointer, 0, 1_000, 0),
            (Wake::Pointer, -3_600_000, 1, 60),
            (Wake::Urgent, 0, 1, 1),
            (Wake::Urgent, 1_000, 1, 0),
            (Wake::Schedule, 60_000, 1, 60),
            (Wake::Schedule, 60_000, 1_000, 60),
            (Wake::Schedule, 120_000, 1, 0),
        ] {
            let wait = rate.wait(wake, Some(at(0)), at(millis), behind);
            assert_eq!(wait, Duration::from_secs(seconds), "{wake:?} {millis} {behind}");
            assert_eq!(rate.wait(wake, None, at(millis), behind), Duration::ZERO);
        }
    }
}
