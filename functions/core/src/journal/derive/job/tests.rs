use super::*;
use crate::{
    job::{
        JobStatus, Progress, SegmentJob,
        event::{Cause, of_end},
        finding::FindingsDigest,
        state::CancelledBy,
        status::tests::head,
    },
    journal::samples::told,
};

fn at(second: i64) -> Time {
    head().created_at.plus_seconds(second)
}

fn as_of(version: i64, state: JobState) -> JobHead {
    JobHead { state, version, ..head() }
}

fn counts() -> Counts {
    Counts { deleted: 5, failed: 2, ..Counts::default() }
}

fn completed(version: i64) -> JobHead {
    JobHead { finished_at: Some(at(60)), counts: Some(counts()), ..as_of(version, JobState::Completed) }
}

fn verified(version: i64) -> JobHead {
    JobHead { verified_at: Some(at(70)), ..completed(version) }
}

fn keys(events: &[Event]) -> Vec<String> {
    told(events).into_iter().map(|(key, _)| key).collect()
}

#[test]
fn what_a_change_of_the_head_tells() {
    for (old, new, expected) in vec![
        (None, None, &[][..]),
        (Some(head()), None, &[]),
        (None, Some(head()), &["1#job.created"]),
        (None, Some(as_of(1, JobState::Open)), &["1#job.created"]),
        (Some(head()), Some(as_of(2, JobState::Running)), &[]),
        (Some(as_of(2, JobState::Running)), Some(as_of(3, JobState::Pausing)), &[]),
        (Some(as_of(2, JobState::Running)), Some(as_of(3, JobState::Cancelling)), &[]),
        (Some(as_of(3, JobState::Cancelling)), Some(cancelled()), &["4#job.cancelled"]),
        (Some(cancelled()), Some(cancelled()), &[]),
        (Some(as_of(2, JobState::Running)), Some(completed(3)), &["3#job.completed"]),
        (Some(completed(3)), Some(completed(3)), &[]),
        (Some(completed(3)), Some(verified(3)), &["3#job.verified"]),
        // Redriven, and completed anew.
        (Some(verified(3)), Some(as_of(4, JobState::Running)), &[]),
        (Some(as_of(4, JobState::Running)), Some(completed(5)), &["5#job.completed"]),
        (None, Some(verified(3)), &["1#job.created", "3#job.completed", "3#job.verified"]),
    ] {
        let events = derive_head(old.as_ref(), new.as_ref()).unwrap();
        assert_eq!(keys(&events), expected, "{old:?} {new:?}");
    }
    assert!(of_head(&as_of(-1, JobState::Open)).is_err());
}

fn cancelled() -> JobHead {
    JobHead { finished_at: Some(at(60)), counts: Some(counts()), rows: Some(20), ..as_of(4, JobState::Cancelled) }
}

#[test]
fn a_cancellation_tells_who_wanted_it() {
    let token_id = head().token_id;
    for by in [
        None,
        Some(CancelledBy { token_id: Some(token_id), cause: None }),
        Some(CancelledBy { token_id: None, cause: Some(Cause::SegmentGone) }),
    ] {
        let events = of_head(&JobHead { cancelled_by: by.clone(), ..cancelled() }).unwrap();
        let (token_id, cause) = by.map(|by| (by.token_id, by.cause)).unwrap_or_default();
        assert_eq!((&events[1].facts.token_id, events[1].details.cause), (&token_id, cause));
    }
}

#[test]
fn the_end_of_a_job_has_its_counts_and_rows_and_once_it_is_verified_its_digest() {
    let digest = FindingsDigest::default();
    let unknown_rows = JobHead { rows: None, ..cancelled() };
    let verified = JobHead { digest: Some(digest), ..verified(3) };
    for (head, rows, digests) in [
        (cancelled(), Some(20), &[None][..]),
        (unknown_rows, None, &[None]),
        (verified, Some(7), &[None, Some(digest)]),
    ] {
        let events = of_head(&head).unwrap().split_off(1);
        assert_eq!(events.iter().map(|event| event.facts.digest).collect::<Vec<_>>(), digests, "{head:?}");
        for Event { facts, .. } in events {
            let counts =
                ["deleted", "failed", "changed", "rows"].map(|word| facts.counts.get(&Word::of(word)).copied());
            assert_eq!(counts, [Some(5), Some(2), Some(0), rows]);
        }
    }
}

#[test]
fn what_a_stored_event_tells() {
    use Stored::{
        Approved, AwaitingApproval, Cancelled, Completed, Created, Paused, Progress as Tenth, Redriven, Rejected,
        Resumed, Scheduled, Started, Sweep, Verified,
    };
    for (kind, expected) in [
        (Created, None),
        (AwaitingApproval, None),
        (Approved, Some("approved")),
        (Rejected, Some("rejected")),
        (Scheduled, Some("scheduled")),
        (Started, Some("started")),
        (Tenth, None),
        (Sweep, None),
        (Paused, Some("paused")),
        (Resumed, Some("resumed")),
        (Redriven, Some("redriven")),
        (Cancelled, None),
        (Completed, None),
        (Verified, None),
    ] {
        let token = "tok_2".parse().unwrap();
        let stored = JobEvent::new(kind, &head(), &Progress::default(), Some(&token), at(5));
        let stored = JobEvent { cause: Some(Cause::Operator), ..stored };
        let events = derive_stored(head().job_id, 7, None, Some(&stored)).unwrap();
        let expected = expected.map(|name| format!("7#job.{name}"));
        assert_eq!(keys(&events), Vec::from_iter(expected), "{kind:?}");
        for event in events {
            assert_eq!((event.id.time, &event.facts.token_id), (at(5), &Some(token.clone())));
            assert_eq!((event.details.cause, event.facts.job_id), (Some(Cause::Operator), Some(head().job_id)));
        }
        assert_eq!(derive_stored(head().job_id, 7, Some(&stored), Some(&stored)).unwrap(), []);
        assert_eq!(derive_stored(head().job_id, 7, Some(&stored), None).unwrap(), []);
    }
}

#[test]
fn the_stored_end_of_a_job_is_the_one_that_its_head_told() {
    let before = verified(3);
    let progress = Progress { counts: counts(), ..Progress::default() };
    let stored = of_end(&JobStatus { head: before.clone(), progress });
    let redriven = as_of(4, JobState::Running);
    let told: Vec<Event> = stored.iter().flat_map(|event| of_stored(&redriven, 3, event).unwrap()).collect();
    assert_eq!(told, of_head(&before).unwrap()[1..]);
}

#[test]
fn a_dry_run_says_so() {
    for (dry_run, expected) in [(true, Some(DRY_RUN)), (false, None)] {
        for event in of_head(&JobHead { dry_run, ..verified(3) }).unwrap() {
            assert_eq!(event.facts.reason, expected);
        }
    }
}

#[test]
fn the_creation_says_by_whom_and_of_which_segment() {
    let segment = SegmentJob::new("vip".parse().unwrap(), None, false, 0);
    let head = JobHead { segment: Some(segment), start_at: Some(at(9)), ..head() };
    let events = of_head(&head).unwrap();
    let Event { facts, details, .. } = &events[0];
    assert_eq!((facts.token_id.as_ref(), facts.request_id), (Some(&head.token_id), Some(head.job_id.request())));
    assert_eq!((facts.segment_id.as_ref().unwrap().as_str(), details.start_at), ("vip", Some(at(9))));
}
