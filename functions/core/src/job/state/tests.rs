use super::*;
use crate::job::{Approval, LIFE_SECONDS, Outcome, Phase, SegmentJob, status::tests::head};

const DAY: i64 = 24 * 3_600;

fn progress(chunks: i64, started: i64, completed: i64, failed: i64) -> Progress {
    let mut progress = Progress { chunks, started, completed, ..Progress::default() };
    progress.counts.failed = failed;
    progress
}

fn own(control: Control, now: Time) -> ControlRequest<'static> {
    ControlRequest::own(control, Cause::Operator, now)
}

fn token(name: &str) -> TokenId {
    name.parse().unwrap()
}

fn approved(days: i64) -> Vec<Approval> {
    vec![Approval { token_id: token("tok_2"), at: head().created_at.plus_seconds(days * DAY) }]
}

/// What a control does in each state, in the order of [`JobState::ALL`]. `by` is whose token asks; the maker's is
/// `tok_1`, and `tok_2` has approved the job.
fn check(control: Control, by: &str, change: impl Fn(&mut JobHead), failed: i64, expected: [&str; 10]) {
    let after = JobState::ALL.map(|state| {
        let mut head = JobHead { state, approvals: approved(0), ..head() };
        change(&mut head);
        let by = token(by);
        let own = own(control, head.created_at);
        let request = ControlRequest { token_id: Some(&by), cause: None, needs_approval: true, ..own };
        match transition(&head, &progress(1, 1, 1, failed), &request) {
            Transition::Rejected => "409".to_owned(),
            Transition::Own => "403".to_owned(),
            Transition::OtherMembers(number) | Transition::OtherRows(number) => number.to_string(),
            Transition::Unchanged => "-".to_owned(),
            Transition::To { state, redrives } => format!("{}{}", state.as_str(), if redrives { "+" } else { "" }),
        }
    });
    assert_eq!(after, expected, "{control:?} {by}");
}

#[test]
fn what_each_control_does_in_each_state() {
    // Columns: open, awaiting_approval, scheduled, queued, running, pausing, paused, cancelling, cancelled, completed.
    let new = |_: &mut JobHead| {};
    let started = |head: &mut JobHead| head.started_at = Some(head.created_at);
    let is_due_later = |head: &mut JobHead| head.start_at = Some(head.created_at.plus_seconds(1));
    let no = "409";
    check(Control::Start, "tok_1", new, 0, ["awaiting_approval", "-", "-", "-", "-", no, no, no, no, no]);
    check(Control::Approve, "tok_1", new, 0, [no, "403", no, no, no, no, no, no, no, no]);
    check(Control::Approve, "tok_2", new, 0, [no, "queued", "-", "-", "-", "-", "-", no, no, "-"]);
    check(Control::Approve, "tok_3", new, 0, [no, "queued", no, no, no, no, no, no, no, no]);
    check(Control::Approve, "tok_3", is_due_later, 0, [no, "scheduled", no, no, no, no, no, no, no, no]);
    check(Control::Reject, "tok_1", new, 0, [no, "cancelling", no, no, no, no, no, "-", "-", no]);
    check(Control::Pause, "tok_1", new, 0, [no, no, no, "pausing", "pausing", "-", "-", no, no, no]);
    check(Control::Resume, "tok_1", new, 0, [no, no, no, "-", "-", "queued", "queued", no, no, no]);
    check(Control::Resume, "tok_1", started, 0, [no, no, no, "-", "-", "running", "running", no, no, no]);
    let stop = "cancelling";
    check(Control::Cancel, "tok_1", new, 0, [stop, stop, stop, stop, stop, stop, stop, "-", "-", no]);
    check(Control::Redrive, "tok_1", started, 0, [no, no, no, "-", "-", no, no, no, no, "-"]);
    check(Control::Redrive, "tok_1", started, 1, [no, no, no, "-", "-", no, no, no, no, "running+"]);
}

#[test]
fn efface_resumes_only_what_a_stop_has_paused() {
    let mark = StopMark { scope: crate::stop::StopScope::All, number: 1 };
    for (stopped_by, state, expected) in [
        (Some(mark), JobState::Paused, Transition::To { state: JobState::Queued, redrives: false }),
        (Some(mark), JobState::Pausing, Transition::To { state: JobState::Queued, redrives: false }),
        (None, JobState::Paused, Transition::Unchanged),
        (None, JobState::Pausing, Transition::Unchanged),
    ] {
        let head = JobHead { state, stopped_by, ..head() };
        let resume = own(Control::Resume, head.created_at);
        assert_eq!(transition(&head, &progress(1, 0, 0, 0), &resume), expected, "{state:?} {stopped_by:?}");
    }
}

#[test]
fn a_job_waits_for_its_approval_and_then_for_its_time() {
    let (now, later) = (head().created_at, Some(head().created_at.plus_seconds(1)));
    for (start_at, needs_approval, expected) in [
        (None, false, JobState::Queued),
        (Some(now), false, JobState::Queued),
        (later, false, JobState::Scheduled),
        (None, true, JobState::AwaitingApproval),
        (later, true, JobState::AwaitingApproval),
    ] {
        assert_eq!(released(start_at, needs_approval, now), expected, "{start_at:?} {needs_approval}");
    }
    let open = JobHead { state: JobState::Open, ..head() };
    let held = JobHead { state: JobState::AwaitingApproval, ..head() };
    for (head, needs_approval, expected) in
        [(&open, false, "queued"), (&open, true, "awaiting_approval"), (&held, false, "queued"), (&held, true, "-")]
    {
        let start = ControlRequest { needs_approval, ..own(Control::Start, now) };
        let after = match transition(head, &progress(1, 0, 0, 0), &start) {
            Transition::To { state, .. } => state.as_str(),
            _ => "-",
        };
        assert_eq!(after, expected, "{:?} {needs_approval}", head.state);
    }
}

#[test]
fn a_start_and_an_approval_can_make_a_job_start_later_but_not_earlier() {
    let now = head().created_at;
    let after = |seconds: Option<i64>| seconds.map(|seconds| now.plus_seconds(seconds));
    for (own_time, asked, expected) in [
        (None, Some(60), "scheduled"),
        (Some(60), None, "scheduled"),
        (Some(60), Some(1), "scheduled"),
        (Some(1), Some(60), "scheduled"),
        (Some(-60), Some(0), "queued"),
        (None, Some(-60), "queued"),
        (None, None, "queued"),
    ] {
        for (control, state) in [
            (Control::Start, JobState::Open),
            (Control::Start, JobState::AwaitingApproval),
            (Control::Approve, JobState::AwaitingApproval),
        ] {
            let head = JobHead { state, start_at: after(own_time), ..head() };
            let request = ControlRequest { start_at: after(asked), ..own(control, now) };
            let Transition::To { state, .. } = transition(&head, &progress(1, 0, 0, 0), &request) else {
                panic!("{control:?} {own_time:?} {asked:?}")
            };
            assert_eq!(state.as_str(), expected, "{control:?} {own_time:?} {asked:?}");
            assert_eq!(request.start_at(&head), after(own_time.max(asked)));
        }
    }
}

#[test]
fn a_start_is_for_the_rows_that_were_seen() {
    let open = JobHead { state: JobState::Open, ..head() };
    let progress = Progress { rows: 12, ..progress(1, 0, 0, 0) };
    let go = Transition::To { state: JobState::Queued, redrives: false };
    for (expected, then) in
        [(None, go), (Some(12), go), (Some(11), Transition::OtherRows(12)), (Some(0), Transition::OtherRows(12))]
    {
        let request = ControlRequest { expected, ..own(Control::Start, open.created_at) };
        assert_eq!(transition(&open, &progress, &request), then, "{expected:?}");
    }
}

#[test]
fn an_approval_is_for_the_members_that_were_seen() {
    let segment =
        |is_recounted| SegmentJob { is_recounted, ..SegmentJob::new("seg".parse().unwrap(), Some(100), false, 0) };
    let go = Transition::To { state: JobState::Queued, redrives: false };
    for (by, is_recounted, expected, then) in [
        ("tok_2", true, None, Transition::OtherMembers(100)),
        ("tok_2", true, Some(99), Transition::OtherMembers(100)),
        ("tok_2", true, Some(100), go),
        ("tok_3", true, None, go),
        ("tok_3", true, Some(101), Transition::OtherMembers(100)),
        ("tok_2", false, None, go),
        ("tok_1", true, Some(100), Transition::Own),
    ] {
        let (state, approvals) = (JobState::AwaitingApproval, approved(0));
        let head = JobHead { state, approvals, segment: Some(segment(is_recounted)), ..head() };
        let by = token(by);
        let request = ControlRequest { token_id: Some(&by), expected, ..own(Control::Approve, head.created_at) };
        assert_eq!(transition(&head, &progress(0, 0, 0, 0), &request), then, "{by} {is_recounted} {expected:?}");
    }
}

#[test]
fn a_job_is_redriven_while_its_rows_are_kept() {
    let head = JobHead { state: JobState::Completed, started_at: Some(head().created_at), ..head() };
    let at = |seconds| {
        let request = own(Control::Redrive, head.created_at.plus_seconds(seconds));
        transition(&head, &progress(1, 1, 1, 1), &request)
    };
    assert_eq!(at(LIFE_SECONDS), Transition::To { state: JobState::Running, redrives: true });
    assert_eq!(at(LIFE_SECONDS + 1), Transition::Rejected);
}

#[test]
fn counters_move_a_job_on() {
    use JobState::{Cancelled, Cancelling, Completed, Open, Paused, Pausing, Queued, Running};
    for (state, redriving, counters, expected) in [
        (Running, false, progress(2, 2, 1, 0), Advance::Stay),
        (Running, false, progress(2, 2, 2, 0), Advance::To(Completed)),
        (Running, true, progress(2, 2, 2, 0), Advance::Stay),
        (Queued, false, progress(0, 0, 0, 0), Advance::To(Completed)),
        (Pausing, false, progress(2, 2, 1, 0), Advance::Stay),
        (Pausing, false, progress(2, 1, 1, 0), Advance::StopTo(Paused)),
        (Cancelling, false, progress(2, 1, 1, 0), Advance::StopTo(Cancelled)),
        (Open, false, progress(0, 0, 0, 0), Advance::Stay),
        (JobState::AwaitingApproval, false, progress(0, 0, 0, 0), Advance::Stay),
        (Paused, false, progress(1, 1, 1, 0), Advance::Stay),
    ] {
        let head = JobHead { state, redriving, ..head() };
        assert_eq!(advance(&head, &counters, head.created_at), expected, "{state:?} {counters:?}");
    }
    let preparing = JobHead { state: Running, phase: Some(Phase::Preparing), ..head() };
    assert_eq!(advance(&preparing, &progress(2, 2, 2, 0), preparing.created_at), Advance::Stay);
}

#[test]
fn the_time_moves_a_job_on_that_is_scheduled() {
    let at = |days: i64, millis: i64, approvals: Vec<Approval>| {
        let start = head().created_at.plus_seconds(days * DAY);
        let head = JobHead { state: JobState::Scheduled, start_at: Some(start), approvals, ..head() };
        advance(&head, &progress(1, 0, 0, 0), Time::from_millis(start.millis() + millis).unwrap())
    };
    assert_eq!(at(30, -1, vec![]), Advance::Stay);
    assert_eq!(at(30, 0, vec![]), Advance::To(JobState::Queued), "it never needed an approval");
    assert_eq!(at(7, 0, approved(0)), Advance::To(JobState::Queued));
    assert_eq!(at(7, 1_000, approved(0)), Advance::To(JobState::AwaitingApproval), "the approval has lapsed");
    assert_eq!(at(8, 0, [approved(0), approved(1)].concat()), Advance::To(JobState::Queued));
}

#[test]
fn what_a_job_came_to() {
    use Outcome::{Deleted, Duplicate, Failed, Invalid, NotFound, Protected};
    let counts = |outcomes: &[Outcome]| outcomes.iter().copied().collect::<Counts>();
    for (outcomes, expected) in [
        (&[][..], Verdict::NothingMatched),
        (&[NotFound, Invalid], Verdict::NothingMatched),
        (&[Deleted, NotFound], Verdict::Complete),
        (&[Duplicate], Verdict::Complete),
        (&[Deleted, Invalid], Verdict::Partial),
        (&[Deleted, Failed], Verdict::Partial),
        (&[NotFound, Failed], Verdict::Partial),
        (&[Protected], Verdict::Partial),
        (&[Outcome::Changed], Verdict::Partial),
    ] {
        assert_eq!(verdict(JobState::Completed, &counts(outcomes), 0), Some(expected), "{outcomes:?}");
        assert_eq!(verdict(JobState::Completed, &counts(outcomes), 1), Some(Verdict::Partial), "a member is left");
        assert_eq!(verdict(JobState::Cancelled, &counts(outcomes), 0), Some(Verdict::Stopped));
        assert_eq!(verdict(JobState::Running, &counts(outcomes), 0), None);
    }
}

#[test]
fn final_states_are_counted_once() {
    use JobState::{Completed, Pausing, Running};
    assert_eq!(aggregate_change(Running, Completed, false), Some((Completed, 1)));
    assert_eq!(aggregate_change(Completed, Running, true), Some((Completed, -1)));
    assert_eq!(aggregate_change(Running, Pausing, false), None);
}

#[test]
fn words_round_trip() {
    for state in JobState::ALL {
        assert_eq!(state.as_str().parse(), Ok(state));
        assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
    }
}
