//! What the reconciler does for a job, decided by the job's head, its counters and the time.

use super::{
    JobHead, JobState, LIFE_SECONDS, Progress,
    chunk::{Chunk, ChunkState},
};
use crate::time::Time;

/// How long a job may stay open or paused, in seconds.
const UNFINISHED_SECONDS: i64 = 30 * 24 * 3_600;

/// How long a running job may stand still before its chunks are sent again, in seconds; doubled each time.
const STILL_SECONDS: i64 = 180;

/// The longest that a running job may stand still, in seconds.
const LONGEST_STILL_SECONDS: i64 = 3_600;

/// A worker without a sign of life for so long, in seconds, is dead: its function ends after 30 s
/// (`infra/template.yaml`).
const DEAD_SECONDS: i64 = 75;

/// What a job needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Care {
    /// Nothing: it waits for a client.
    Nothing,
    /// To be cancelled: it stayed open or paused, or went on, for longer than a job may.
    Cancel,
    /// To be stopped to the end: a step of the stop may have been cut short, or a worker may have died.
    FinishStop,
    /// To be kept running.
    KeepRunning,
    /// To be taken off the list of live jobs.
    Retire,
    /// To have its outcomes read again and compared with its counts.
    Verify,
}

/// Decides what a job needs.
pub fn care(head: &JobHead, now: Time) -> Care {
    let age = |since: Time| now.second() - since.second();
    let waits = matches!(head.state, JobState::Open | JobState::Paused);
    let is_old = age(head.created_at) > LIFE_SECONDS && (waits || head.state.accepts_chunks());
    match head.state {
        _ if is_old || (waits && age(head.changed_at) > UNFINISHED_SECONDS) => Care::Cancel,
        JobState::Open | JobState::Paused => Care::Nothing,
        JobState::Pausing | JobState::Cancelling => Care::FinishStop,
        JobState::Queued | JobState::Running => Care::KeepRunning,
        JobState::Cancelled => Care::Retire,
        JobState::Completed => Care::Verify,
    }
}

/// Whether anything has moved in a running job since the reconciler looked last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    /// Something has, or the job's state has changed.
    Moved,
    /// Nothing has, and it is too early to send its chunks again.
    Waits,
    /// Nothing has for long: its chunks are sent again.
    Still,
}

/// Decides it by what the reconciler saw last, with more patience each time that the chunks were sent.
pub fn motion(head: &JobHead, progress: &Progress, now: Time) -> Motion {
    let since = head.seen_at.filter(|at| *at >= head.changed_at && head.seen == progress.motion());
    let Some(since) = since else { return Motion::Moved };
    let patience = STILL_SECONDS.saturating_mul(1 << head.resends.clamp(0, 16)).min(LONGEST_STILL_SECONDS);
    if now.second() - since.second() < patience { Motion::Waits } else { Motion::Still }
}

/// Whether a chunk is stalled: it was started, is not completed, and its worker gives no sign of life.
pub fn is_stalled(chunk: &Chunk, now: Time) -> bool {
    chunk.state == ChunkState::Started && now.second() - chunk.heartbeat_at.second() >= DEAD_SECONDS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::status::tests::head;

    const DAY: i64 = 24 * 3_600;

    #[test]
    fn what_a_job_needs() {
        use JobState::{Cancelled, Cancelling, Completed, Open, Paused, Pausing, Queued, Running};
        for (state, days, expected) in [
            (Open, 30, Care::Nothing),
            (Open, 31, Care::Cancel),
            (Paused, 31, Care::Cancel),
            (Pausing, 60, Care::FinishStop),
            (Cancelling, 60, Care::FinishStop),
            (Queued, 50, Care::KeepRunning),
            (Running, 50, Care::KeepRunning),
            (Running, 51, Care::Cancel),
            (Cancelled, 60, Care::Retire),
            (Completed, 60, Care::Verify),
        ] {
            let head = JobHead { state, ..head() };
            assert_eq!(care(&head, head.created_at.plus_seconds(days * DAY)), expected, "{state:?} {days}");
        }
        let paused = JobHead { state: Paused, changed_at: head().created_at.plus_seconds(40 * DAY), ..head() };
        assert_eq!(care(&paused, paused.created_at.plus_seconds(50 * DAY)), Care::Nothing, "paused 10 days ago");
        assert_eq!(care(&paused, paused.created_at.plus_seconds(51 * DAY)), Care::Cancel, "too old");
    }

    #[test]
    fn patience_doubles_up_to_an_hour() {
        let progress = Progress { started: 2, completed: 1, ..Progress::default() };
        let seen_at = Some(head().created_at);
        for (resends, seconds, expected) in [
            (0, 179, Motion::Waits),
            (0, 180, Motion::Still),
            (1, 359, Motion::Waits),
            (1, 360, Motion::Still),
            (5, 3_599, Motion::Waits),
            (60, 3_600, Motion::Still),
        ] {
            let head = JobHead { seen: 3, seen_at, resends, ..head() };
            assert_eq!(
                motion(&head, &progress, head.created_at.plus_seconds(seconds)),
                expected,
                "{resends} {seconds}"
            );
        }
        for moved in [
            JobHead { seen: 2, seen_at, ..head() },
            JobHead { seen: 3, seen_at: None, ..head() },
            JobHead { seen: 3, seen_at, changed_at: head().created_at.plus_seconds(1), ..head() },
        ] {
            assert_eq!(motion(&moved, &progress, moved.created_at.plus_seconds(9_999)), Motion::Moved);
        }
    }

    #[test]
    fn a_silent_worker_is_dead_after_75_seconds() {
        let mut chunk = Chunk::start(None, 0, &[], Time::EPOCH);
        assert!(!is_stalled(&chunk, Time::EPOCH.plus_seconds(74)));
        assert!(is_stalled(&chunk, Time::EPOCH.plus_seconds(75)));
        chunk.state = ChunkState::Waiting;
        assert!(!is_stalled(&chunk, Time::EPOCH.plus_seconds(75)));
    }
}
