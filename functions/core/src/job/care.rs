//! What keeps a job going, decided by the job's head, its counters and the time: what the reconciler does for it, and when
//! something is sent again.

use serde::{Deserialize, Serialize};

use super::{
    Counts, JobHead, JobState, Progress, UNFINISHED_SECONDS,
    chunk::{Chunk, ChunkState},
    finding::FindingsDigest,
};
use crate::time::Time;

/// How long a running job may stand still before its chunks are sent again, in seconds.
const STILL_SECONDS: i64 = 180;

/// A worker without a sign of life for so long, in seconds, is dead: its function ends after 30 s
/// (`infra/template.yaml`).
const DEAD_SECONDS: i64 = 75;

/// How long a chunk waits whose job has no deletions left to give, in seconds: other chunks may give some back.
const ALLOWANCE_SECONDS: i64 = 5;

/// The longest pause before something is sent again, in seconds.
const LONGEST_PAUSE_SECONDS: i64 = 3_600;

/// The longest that a message may be delayed, in seconds. SQS allows 900.
const LONGEST_DELAY_SECONDS: i64 = 300;

/// How many messages workers send one because of another. Beyond that the reconciler goes on, with its longer pauses, so
/// that no fault can keep messages in circulation. A chunk or a dispatch of the largest size needs far fewer.
pub const MAX_HOPS: u32 = 100;

/// The pause before something is sent again, in seconds. It doubles with each time that it was sent again already: the
/// one policy for all that a job sends again.
fn pause(first: i64, times: u32) -> i64 {
    first.saturating_mul(1 << times.min(16)).min(LONGEST_PAUSE_SECONDS)
}

/// The delay of the message of a chunk that waits for deletions, in seconds, after so many messages.
pub fn allowance_delay(hops: u32) -> u64 {
    u64::try_from(pause(ALLOWANCE_SECONDS, hops).min(LONGEST_DELAY_SECONDS)).unwrap_or_default()
}

/// What a job needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Care {
    /// Nothing: it waits for a client.
    Nothing,
    /// To be cancelled: it stayed open, paused or without its approval, or went on, for longer than a job may.
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
    let waits = matches!(head.state, JobState::Open | JobState::AwaitingApproval | JobState::Paused);
    let is_old = now > head.life_until() && (waits || head.state.accepts_chunks());
    match head.state {
        _ if is_old || (waits && age(head.changed_at) > UNFINISHED_SECONDS) => Care::Cancel,
        JobState::Open | JobState::AwaitingApproval | JobState::Scheduled | JobState::Paused => Care::Nothing,
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
    let is_early = now.second() - since.second() < pause(STILL_SECONDS, head.resends);
    if is_early { Motion::Waits } else { Motion::Still }
}

/// For how long a started chunk has given no sign of life, in seconds; 0 for any other.
pub fn silent_seconds(chunk: &Chunk, now: Time) -> u64 {
    let silent = now.second() - chunk.heartbeat_at.second();
    u64::try_from(silent).ok().filter(|_| chunk.state == ChunkState::Started).unwrap_or_default()
}

/// Whether a chunk is stalled: it was started, is not completed, and its worker gives no sign of life. A chunk that was
/// sent again counts as stalled later.
pub fn is_stalled(chunk: &Chunk, now: Time) -> bool {
    let silent = now.second() - chunk.heartbeat_at.second();
    chunk.state == ChunkState::Started && silent >= pause(DEAD_SECONDS, chunk.resends)
}

/// Whether nobody runs a started chunk: its worker has ended and sent a message for the rest of it, or is dead. Whoever takes
/// the chunk over resets both signs.
pub fn is_left(chunk: &Chunk, now: Time) -> bool {
    chunk.resends > 0 || now.second() - chunk.heartbeat_at.second() >= DEAD_SECONDS
}

/// How far the reconciler has come with a job's pages. A run that has no more time leaves it for the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scan {
    /// The version of the job's head when the scan began. After a change of the job's state the scan begins anew.
    pub version: i64,
    /// The first page that is still to be looked at.
    pub page: u32,
    /// The rows of the pages before it.
    pub rows: i64,
    /// Their outcomes.
    pub counts: Counts,
    /// Of a dry run: the digest of what they found.
    #[serde(default)]
    pub digest: FindingsDigest,
    /// Of a dry run: how many profiles they found.
    #[serde(default)]
    pub found: i64,
    /// Of any other job: the digest of these outcomes. A scan that a version without it has begun, or went on with,
    /// lacks it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcomes: Option<FindingsDigest>,
}

impl Scan {
    /// Where to begin with a job: where the last run stopped, if the job's state is the same and the digest is that of
    /// all pages before.
    pub fn resume(left: Option<Self>, head: &JobHead) -> Self {
        let new = Self {
            version: head.version,
            page: 0,
            rows: 0,
            counts: Counts::default(),
            digest: FindingsDigest::default(),
            found: 0,
            outcomes: (!head.dry_run).then(FindingsDigest::default),
        };
        let has_digest = |left: &Self| head.dry_run || left.outcomes.is_some();
        left.filter(|left| left.version == head.version && has_digest(left)).unwrap_or(new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::status::tests::head;

    const DAY: i64 = 24 * 3_600;

    #[test]
    fn what_a_job_needs() {
        use JobState::{
            AwaitingApproval, Cancelled, Cancelling, Completed, Open, Paused, Pausing, Queued, Running, Scheduled,
        };
        for (state, days, expected) in [
            (Open, 30, Care::Nothing),
            (Open, 31, Care::Cancel),
            (AwaitingApproval, 30, Care::Nothing),
            (AwaitingApproval, 31, Care::Cancel),
            (Scheduled, 30, Care::Nothing),
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
    fn a_message_is_delayed_longer_each_time() {
        for (hops, seconds) in [(0, 5), (1, 10), (5, 160), (6, 300), (MAX_HOPS, 300)] {
            assert_eq!(allowance_delay(hops), seconds, "{hops}");
        }
    }

    #[test]
    fn a_scan_goes_on_until_the_state_changes() {
        let left = Scan { page: 7, ..Scan::resume(None, &head()) };
        assert_eq!(Scan::resume(Some(left), &head()).page, 7);
        let changed = JobHead { version: head().version + 1, ..head() };
        assert_eq!(Scan::resume(Some(left), &changed).page, 0);
    }

    #[test]
    fn a_chunk_that_somebody_may_run_is_not_given_back() {
        let chunk = Chunk::start(None, 0, &[], Time::EPOCH);
        let (resent, recorded) = (Chunk { resends: 1, ..chunk.clone() }, Chunk { version: 2, ..chunk.clone() });
        for (chunk, seconds, expected) in
            [(&chunk, 74, false), (&chunk, 75, true), (&recorded, 74, false), (&recorded, 75, true), (&resent, 0, true)]
        {
            let now = Time::EPOCH.plus_seconds(seconds);
            assert_eq!(is_left(chunk, now), expected, "{chunk:?} {seconds}");
        }
    }

    #[test]
    fn a_silent_worker_is_dead_after_75_seconds() {
        let mut chunk = Chunk::start(None, 0, &[], Time::EPOCH);
        assert!(!is_stalled(&chunk, Time::EPOCH.plus_seconds(74)));
        assert!(is_stalled(&chunk, Time::EPOCH.plus_seconds(75)));
        chunk.resends = 1;
        assert!(!is_stalled(&chunk, Time::EPOCH.plus_seconds(149)), "it was sent again");
        assert!(is_stalled(&chunk, Time::EPOCH.plus_seconds(150)));
        chunk.state = ChunkState::Waiting;
        assert!(!is_stalled(&chunk, Time::EPOCH.plus_seconds(75)));
    }
}
