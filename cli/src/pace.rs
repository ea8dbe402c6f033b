//! How fast something goes on, and so what is to be said of the rest: nothing as long as no rate is known, how long it
//! takes, or for how long nothing has happened.

use std::{collections::VecDeque, time::Duration};

/// A rate is known once it was observed for so long.
const KNOWN_AFTER: Duration = Duration::from_secs(3);

/// Without progress for so long, that is told, and no time left.
const STALLED_AFTER: Duration = Duration::from_secs(20);

/// The rate is that of the last minute.
const WINDOW: Duration = Duration::from_mins(1);

/// What is known of the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    /// There is none, or no rate is known yet.
    Unknown,
    /// It takes about so long.
    Left(Duration),
    /// Nothing has happened for so long.
    Stalled(Duration),
}

/// What was observed. Times are those since its start.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// What was finished at which time, oldest first; the first one is what was finished before.
    seen: VecDeque<(Duration, u64)>,
    /// When something was finished last.
    moved_at: Duration,
}

impl Pace {
    /// Notes that so many units are finished.
    pub(crate) fn observe(&mut self, done: u64, now: Duration) {
        match self.seen.back() {
            Some((_, last)) if *last == done => return,
            // What takes failed rows back, or looks again, begins anew.
            Some((_, last)) if *last > done => self.seen.clear(),
            _ => {}
        }
        self.seen.push_back((now, done));
        self.moved_at = now;
        while self.seen.get(1).is_some_and(|(at, _)| now.saturating_sub(*at) > WINDOW) {
            self.seen.pop_front();
        }
    }

    /// Begins anew, after a time in which nothing was expected to happen.
    pub(crate) fn restart(&mut self, now: Duration) {
        let last = self.seen.pop_back();
        self.seen.clear();
        self.seen.extend(last.map(|(_, done)| (now, done)));
        self.moved_at = now;
    }

    /// What is known of the rest of so many units. A total of 0 is one that is not known.
    pub(crate) fn rest(&self, total: u64, now: Duration) -> Rest {
        let done = self.seen.back().map_or(0, |(_, done)| *done);
        let still = now.saturating_sub(self.moved_at);
        if total > 0 && done >= total {
            return Rest::Unknown;
        }
        if still >= STALLED_AFTER {
            return Rest::Stalled(Duration::from_secs(still.as_secs()));
        }
        self.left(total.saturating_sub(done), now).map_or(Rest::Unknown, Rest::Left)
    }

    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn left(&self, rest: u64, now: Duration) -> Option<Duration> {
        let ((from, before), (_, done)) = (self.seen.front()?, self.seen.back()?);
        let (took, units) = (now.saturating_sub(*from), done.saturating_sub(*before));
        if rest == 0 || units == 0 || took < KNOWN_AFTER {
            return None;
        }
        Some(Duration::from_secs_f64((rest as f64 * took.as_secs_f64() / units as f64).round().clamp(1.0, 1e9)))
    }
}

/// A duration in words, in whole units: `40 s`, `5 min`, `2 h 5 min`, `3 days`.
pub(crate) fn words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (minutes, hours) = (seconds / 60, seconds / 3_600);
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{minutes} min"),
        7_200..=172_799 => format!("{hours} h {} min", minutes % 60),
        _ => format!("{} days", hours / 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(seen: &[(u64, u64)], total: u64, now: u64, expected: Rest) {
        let mut pace = Pace::default();
        for (at, done) in seen {
            pace.observe(*done, Duration::from_secs(*at));
        }
        assert_eq!(pace.rest(total, Duration::from_secs(now)), expected, "{seen:?} {total} {now}");
    }

    #[test]
    fn no_time_left_is_told_before_a_rate_is_known() {
        let left = |seconds| Rest::Left(Duration::from_secs(seconds));
        let stalled = |seconds| Rest::Stalled(Duration::from_secs(seconds));
        check(&[], 100, 1, Rest::Unknown);
        check(&[(0, 0)], 100, 10, Rest::Unknown);
        check(&[(0, 0), (1, 50)], 100, 1, Rest::Unknown);
        check(&[(0, 0), (5, 50)], 100, 5, left(5));
        // What was finished before the first look tells of no rate.
        check(&[(0, 90)], 100, 10, Rest::Unknown);
        check(&[(0, 90), (5, 91)], 100, 5, left(45));
        // Less than a second is never none.
        check(&[(0, 0), (10, 99_999)], 100_000, 10, left(1));
        check(&[(0, 0), (5, 100)], 100, 5, Rest::Unknown);
        check(&[(0, 0), (5, 100)], 100, 90, Rest::Unknown);
        // A rate fades while nothing happens, and then that is told.
        check(&[(0, 0), (5, 50)], 100, 15, left(15));
        check(&[(0, 0), (5, 50)], 100, 45, stalled(40));
        check(&[(0, 0)], 0, 40, stalled(40));
        check(&[(0, 0), (1, 50)], 100, 21, stalled(20));
        // Only the last minute counts.
        check(&[(0, 0), (10, 1_000), (80, 1_001), (90, 1_011)], 1_031, 90, left(145));
        // A redrive takes rows back.
        check(&[(0, 0), (5, 100), (6, 90), (12, 93)], 100, 12, left(14));
    }

    #[test]
    fn what_waited_for_a_person_did_not_stall() {
        let mut pace = Pace::default();
        pace.observe(0, Duration::ZERO);
        pace.observe(50, Duration::from_secs(5));
        pace.restart(Duration::from_secs(100));
        assert_eq!(pace.rest(100, Duration::from_secs(105)), Rest::Unknown);
        pace.observe(60, Duration::from_secs(110));
        assert_eq!(pace.rest(100, Duration::from_secs(110)), Rest::Left(Duration::from_secs(40)));
    }

    #[test]
    fn durations_in_words() {
        let words = [0, 40, 119, 120, 7_199, 7_500, 172_800].map(|seconds| words(Duration::from_secs(seconds)));
        assert_eq!(words, ["0 s", "40 s", "119 s", "2 min", "119 min", "2 h 5 min", "2 days"]);
    }
}
