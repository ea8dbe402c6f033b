//! The emergency stop: an operator stops all that deletes, in one space or in the whole stack.
//!
//! A stop is one small item that everything reads which lets rows be deleted. So it holds from the moment at which it is
//! written, whatever the states of the jobs are. Jobs are paused as well, for people to see it; those that a stop has
//! paused bear its mark, and go on when it has ended, unless the operator wanted them to stay as they are.

use serde::{Deserialize, Serialize};

use crate::time::Time;

/// The last stop of a space, or of the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// How many there were, with this one.
    pub number: i64,
    /// When it began.
    pub stopped_at: Time,
    /// When it ended; `None` while it holds.
    pub ended_at: Option<Time>,
    /// Jobs that were paused by the stops up to this number stay paused. 0: none.
    pub keeps_paused: i64,
}

impl Stop {
    /// Whether it holds.
    pub fn holds(&self) -> bool {
        self.ended_at.is_none()
    }

    /// The next stop; `None` where the last one still holds.
    pub fn begin(last: Option<&Self>, now: Time) -> Option<Self> {
        let (number, keeps_paused) = last.map_or((0, 0), |last| (last.number, last.keeps_paused));
        let next = Self { number: number + 1, stopped_at: now, ended_at: None, keeps_paused };
        last.is_none_or(|last| !last.holds()).then_some(next)
    }

    /// The stop as it is when it ends; `None` where it does not hold. Jobs that are to stay paused do so for good.
    pub fn end(last: Option<&Self>, keeps_paused: bool, now: Time) -> Option<Self> {
        let last = last.filter(|last| last.holds())?;
        let kept = if keeps_paused { last.number } else { last.keeps_paused };
        Some(Self { ended_at: Some(now), keeps_paused: kept, ..*last })
    }
}

/// What a stop is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopScope {
    /// The whole stack.
    All,
    /// One space.
    Space,
}

/// The mark of a job that a stop has paused: which one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopMark {
    /// What the stop is about.
    pub scope: StopScope,
    /// Its number.
    pub number: i64,
}

/// Why nothing may start in a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Halt {
    /// An operator has stopped it.
    Stopped(StopMark),
    /// Its deletions are switched off.
    Deactivated,
}

impl Halt {
    /// The mark of jobs that are paused because of it. Those of a space that is switched off have none: persons resume them.
    pub fn mark(self) -> Option<StopMark> {
        match self {
            Self::Stopped(mark) => Some(mark),
            Self::Deactivated => None,
        }
    }
}

/// What is known of a space's stops.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stops {
    /// The last stop of the stack.
    pub all: Option<Stop>,
    /// The last stop of the space.
    pub space: Option<Stop>,
    /// Whether the space's deletions are switched off.
    pub is_deactivated: bool,
}

impl Stops {
    /// Why nothing may start; `None` where it may.
    pub fn halt(&self) -> Option<Halt> {
        let held =
            [(StopScope::All, self.all), (StopScope::Space, self.space)].into_iter().find_map(|(scope, stop)| {
                let number = stop.filter(Stop::holds)?.number;
                Some(Halt::Stopped(StopMark { scope, number }))
            });
        held.or(self.is_deactivated.then_some(Halt::Deactivated))
    }

    /// The mark that a paused job is to bear in place of its own, whose stop has ended: that of what holds now. What is said
    /// when that ends is about the job, too. `None` where its own mark stands.
    pub fn mark_instead(&self, mark: StopMark) -> Option<Option<StopMark>> {
        let own = match mark.scope {
            StopScope::All => self.all,
            StopScope::Space => self.space,
        };
        let halt = self.halt().filter(|_| !own.is_some_and(|own| own.holds()))?;
        Some(halt.mark())
    }

    /// Whether a job that a stop has paused goes on: nothing is stopped, and the operator did not want it to stay paused.
    pub fn lets_go_on(&self, mark: StopMark) -> bool {
        let stop = match mark.scope {
            StopScope::All => self.all,
            StopScope::Space => self.space,
        };
        self.halt().is_none() && stop.is_some_and(|stop| mark.number > stop.keeps_paused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Time {
        Time::EPOCH.plus_seconds(second)
    }

    fn ended(number: i64, keeps_paused: i64) -> Stop {
        Stop { number, stopped_at: at(1), ended_at: Some(at(2)), keeps_paused }
    }

    fn holding(number: i64) -> Stop {
        Stop { number, stopped_at: at(1), ended_at: None, keeps_paused: 0 }
    }

    #[test]
    fn a_stop_begins_once_and_ends_once() {
        let first = Stop::begin(None, at(1)).unwrap();
        assert_eq!(first, holding(1));
        assert_eq!(Stop::begin(Some(&first), at(9)), None, "it holds");
        assert_eq!(Stop::end(None, false, at(2)), None);
        let over = Stop::end(Some(&first), false, at(2)).unwrap();
        assert_eq!(over, ended(1, 0));
        assert_eq!(Stop::end(Some(&over), true, at(3)), None, "it has ended");
        let kept = Stop::end(Some(&holding(2)), true, at(2)).unwrap();
        assert_eq!(kept, ended(2, 2));
        let next = Stop::begin(Some(&kept), at(4)).unwrap();
        assert_eq!((next.number, next.keeps_paused, next.holds()), (3, 2, true));
    }

    #[test]
    fn a_job_bears_the_mark_of_what_holds() {
        let (all, space) = (StopScope::All, StopScope::Space);
        let mark = |scope, number| StopMark { scope, number };
        for (stops, of, instead) in [
            ((Some(holding(1)), Some(holding(4)), true), mark(all, 1), None),
            ((Some(ended(1, 0)), Some(holding(4)), true), mark(all, 1), Some(Some(mark(space, 4)))),
            ((Some(ended(1, 0)), None, true), mark(all, 1), Some(None)),
            ((Some(holding(2)), Some(ended(4, 0)), false), mark(space, 4), Some(Some(mark(all, 2)))),
            ((Some(ended(1, 0)), None, false), mark(all, 1), None),
            ((Some(holding(2)), None, false), mark(all, 1), None),
        ] {
            let stops = Stops { all: stops.0, space: stops.1, is_deactivated: stops.2 };
            assert_eq!(stops.mark_instead(of), instead, "{stops:?} {of:?}");
        }
    }

    #[test]
    fn what_is_halted_and_who_goes_on() {
        let mark = |scope, number| StopMark { scope, number };
        let (all, space) = (StopScope::All, StopScope::Space);
        for (stops, halt, of, goes_on) in [
            ((None, None, false), None, mark(all, 1), false),
            ((Some(holding(1)), None, false), Some(Halt::Stopped(mark(all, 1))), mark(all, 1), false),
            ((None, Some(holding(4)), false), Some(Halt::Stopped(mark(space, 4))), mark(space, 3), false),
            ((Some(holding(1)), Some(holding(4)), true), Some(Halt::Stopped(mark(all, 1))), mark(all, 1), false),
            ((Some(ended(1, 0)), Some(holding(4)), false), Some(Halt::Stopped(mark(space, 4))), mark(all, 1), false),
            ((Some(ended(1, 0)), None, true), Some(Halt::Deactivated), mark(all, 1), false),
            ((Some(ended(1, 0)), Some(ended(4, 4)), false), None, mark(all, 1), true),
            ((Some(ended(1, 0)), Some(ended(4, 4)), false), None, mark(space, 4), false),
            ((Some(ended(5, 2)), None, false), None, mark(all, 2), false),
            // An earlier stop ended before the reconciler came to the job.
            ((Some(ended(5, 2)), None, false), None, mark(all, 3), true),
        ] {
            let stops = Stops { all: stops.0, space: stops.1, is_deactivated: stops.2 };
            assert_eq!((stops.halt(), stops.lets_go_on(of)), (halt, goes_on), "{stops:?} {of:?}");
        }
    }
}
