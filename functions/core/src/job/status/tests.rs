use super::*;

/// A job that was made in 2026.
pub(crate) fn head() -> JobHead {
    let now = Time::parse("2026-01-01T00:00:00Z").unwrap();
    let job = JobId::of_request(RequestId::new(now, [9; 10]));
    JobHead::new(&NewJob::delete_profiles(), job, "tok_1".parse().unwrap(), false, now)
}

#[test]
fn a_jobs_life_counts_from_its_start_while_its_rows_are_kept() {
    const DAY: i64 = 24 * 3_600;
    let now = head().created_at;
    let days = |head: &JobHead, at: Time| (at.second() - head.created_at.second()) / DAY;
    let new = |open, start_days: i64| NewJob {
        open,
        start_at: (start_days > 0).then(|| now.plus_seconds(start_days * DAY)),
        ..NewJob::delete_profiles()
    };
    // Columns: open, days to the start, needs an approval; the latest start in days, rows kept in days.
    for (open, start, needs_approval, latest, rows) in [
        (false, 0, false, 0, 60),
        (false, 30, false, 30, 90),
        (false, 0, true, 30, 90),
        (false, 30, true, 60, 120),
        (true, 0, false, 60, 120),
    ] {
        let head = JobHead::new(&new(open, start), head().job_id, head().token_id, needs_approval, now);
        assert_eq!(days(&head, head.rows_until()), rows, "{open} {start} {needs_approval}");
        let started = JobHead { started_at: Some(now.plus_seconds(latest * DAY)), ..head };
        assert_eq!(days(&started, started.life_until()), latest + 50, "{open} {start} {needs_approval}");
    }
    let early =
        JobHead { started_at: Some(now), ..JobHead::new(&new(true, 0), head().job_id, head().token_id, false, now) };
    assert_eq!(days(&early, early.life_until()), 50);
    // A head of the version before this one.
    let old = JobHead { rows_until: None, started_at: Some(now.plus_seconds(20 * DAY)), ..head() };
    assert_eq!(days(&old, old.life_until()), 50, "its rows expire 60 days after it was made");
}

#[test]
fn counts_and_what_remains_add_up() {
    let mut progress = Progress { rows: 10, started: 2, completed: 1, ..Progress::default() };
    progress.add(&Progress { counts: [Outcome::Deleted, Outcome::Invalid].into_iter().collect(), ..progress });
    assert_eq!((progress.rows, progress.remaining(), progress.is_idle()), (20, 18, false));
    assert_eq!(progress.amounts(), [("rows", 20), ("started", 4), ("completed", 2), ("deleted", 1), ("invalid", 1)]);
}
