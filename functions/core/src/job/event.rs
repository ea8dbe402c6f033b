//! What happened to a job, for those who follow it. An event is written in the transaction that makes it true, or follows
//! from the job's head: so a job's events are complete, and each is there once.

use serde::{Deserialize, Serialize};

use super::{Control, Counts, JobHead, JobState, JobStatus, Progress};
use crate::{time::Time, token::TokenId};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// The job was made.
    Created,
    /// It waits for an approval.
    AwaitingApproval,
    /// Somebody else approved it.
    Approved,
    /// Somebody rejected it: it is cancelled.
    Rejected,
    /// It waits for its time.
    Scheduled,
    /// It may be carried out from now on.
    Started,
    /// Another tenth of its rows has an outcome.
    Progress,
    /// Its segment was looked through for members that are left.
    Sweep,
    /// It starts no further chunk for now.
    Paused,
    /// It goes on.
    Resumed,
    /// Its failed rows are tried again.
    Redriven,
    /// It starts no further chunk, ever.
    Cancelled,
    /// Every row has its outcome.
    Completed,
    /// Its outcomes were read again and add up to its counts.
    Verified,
}

/// Why Efface controlled a job itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Its `max_deletions` are used up.
    MaxDeletions,
    /// It waited, or went on, for longer than a job may.
    Abandoned,
    /// An operator did it: cancelled the job with the token that made it, or stopped what deletes, or let it go on.
    Operator,
    /// What the plan found is not all there.
    IncompletePlan,
    /// Its segment has other members than were expected or approved.
    MembersChanged,
    /// Its segment was deleted, or is another job's.
    SegmentGone,
}

/// What a look through a segment came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SweepResult {
    /// Members that are to be deleted, and became rows.
    pub added: i64,
    /// Memberships that were removed: their profiles are gone, or are being deleted.
    pub removed: i64,
    /// Members that were left.
    pub left: i64,
}

/// An event of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobEvent {
    /// When.
    pub at: Time,
    /// What happened.
    pub kind: EventKind,
    /// Whose token asked for it; `None` where it came about by itself.
    pub token_id: Option<TokenId>,
    /// Why, where Efface did it itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// The job's rows then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<i64>,
    /// Its rows by outcome then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<Counts>,
    /// When it may start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_at: Option<Time>,
    /// What a look through its segment came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep: Option<SweepResult>,
}

/// What a new job's events tell beside its creation.
pub fn of_creation(state: JobState) -> Option<EventKind> {
    match state {
        JobState::Scheduled => Some(EventKind::Scheduled),
        JobState::Queued => Some(EventKind::Started),
        _ => None,
    }
}

/// The end of a job, as its head tells it: it is stored only where a redrive makes the head forget it.
pub fn of_end(JobStatus { head, progress }: &JobStatus) -> Vec<JobEvent> {
    if head.state != JobState::Completed {
        return Vec::new();
    }
    let ends = [(EventKind::Completed, head.finished_at), (EventKind::Verified, head.verified_at)];
    let event = |(kind, at): (_, Option<Time>)| Some(JobEvent::new(kind, head, progress, None, at?));
    ends.into_iter().filter_map(event).collect()
}

/// The events of a move of a job: by a control, or by its counters and the time. A job that awaits its approval may be held
/// only until its rows are added up, so that this event follows by itself.
pub fn of_move(control: Option<Control>, to: JobState) -> Vec<EventKind> {
    let asked = match control {
        Some(Control::Approve) => Some(EventKind::Approved),
        Some(Control::Reject) => Some(EventKind::Rejected),
        Some(Control::Pause) => Some(EventKind::Paused),
        Some(Control::Resume) => Some(EventKind::Resumed),
        Some(Control::Redrive) => Some(EventKind::Redriven),
        Some(Control::Start | Control::Cancel) | None => None,
    };
    let then = match (control, to) {
        (None | Some(Control::Start | Control::Approve), JobState::Queued) => Some(EventKind::Started),
        (_, JobState::Scheduled) => Some(EventKind::Scheduled),
        (None, JobState::AwaitingApproval) => Some(EventKind::AwaitingApproval),
        (_, JobState::Cancelling) => Some(EventKind::Cancelled),
        _ => None,
    };
    asked.into_iter().chain(then).collect()
}

/// How many tenths of a running job's rows have an outcome, where that is more than its events tell: 1 to 9.
pub fn tenths(head: &JobHead, progress: &Progress) -> Option<u8> {
    let tenths = (progress.counts.total() * 10).checked_div(progress.rows)?;
    let tenths = u8::try_from(tenths).ok()?;
    (head.state == JobState::Running && (1..=9).contains(&tenths) && tenths > head.tenths).then_some(tenths)
}

impl JobEvent {
    /// An event of a job as it is now, or is about to be.
    pub fn new(kind: EventKind, head: &JobHead, progress: &Progress, token_id: Option<&TokenId>, at: Time) -> Self {
        let has_counts = matches!(kind, EventKind::Progress | EventKind::Completed | EventKind::Verified);
        let start_at = head.start_at.filter(|_| kind == EventKind::Scheduled);
        let rows = (kind != EventKind::Created).then(|| head.expected_rows(progress));
        Self {
            at,
            kind,
            token_id: token_id.cloned(),
            cause: None,
            rows,
            counts: has_counts.then_some(progress.counts),
            start_at,
            sweep: None,
        }
    }

    /// The event of a look through a segment.
    pub fn of_sweep(head: &JobHead, progress: &Progress, sweep: SweepResult, at: Time) -> Self {
        Self { sweep: Some(sweep), ..Self::new(EventKind::Sweep, head, progress, None, at) }
    }

    /// What happened to a job, for people. A dry run must not be taken for a deletion.
    pub fn text_of(&self, dry_run: bool) -> String {
        let text = self.text();
        match text.strip_prefix("The job ") {
            _ if !dry_run => text,
            Some(rest) => format!("The dry run {rest}"),
            None => format!("Dry run: {text}"),
        }
    }

    /// What happened, for people.
    pub fn text(&self) -> String {
        let rows = self.rows.unwrap_or(0);
        let decided = self.counts.map_or(0, |counts| counts.total());
        match self.kind {
            EventKind::Created => "The job was created.".to_owned(),
            EventKind::AwaitingApproval if self.cause == Some(Cause::MembersChanged) => {
                format!(
                    "The segment has {rows} members, which is not what was expected or approved: the job waits until somebody \
                     other than its maker approves it."
                )
            }
            EventKind::AwaitingApproval => {
                format!(
                    "The job has {rows} rows, with those of its group too many for one person: it waits until somebody other \
                     than its maker approves it."
                )
            }
            EventKind::Approved => "The job was approved.".to_owned(),
            EventKind::Rejected => "The job was rejected.".to_owned(),
            EventKind::Scheduled => {
                let at = self.start_at.map(|at| at.to_string()).unwrap_or_default();
                format!("The job waits until {at}, and can be cancelled before.")
            }
            EventKind::Started => format!("The job was started, with {rows} rows."),
            EventKind::Progress => format!("{decided} of {rows} rows have an outcome."),
            EventKind::Sweep => {
                let SweepResult { added, removed, left } =
                    self.sweep.unwrap_or(SweepResult { added: 0, removed: 0, left: 0 });
                format!(
                    "The segment was looked through: {added} members are to be deleted, {removed} memberships of deleted \
                     profiles were removed, {left} members stay."
                )
            }
            EventKind::Paused if self.cause == Some(Cause::MaxDeletions) => {
                "The job was paused, because it has reached its max_deletions.".to_owned()
            }
            EventKind::Paused if self.cause == Some(Cause::Operator) => {
                "The job was paused, because an operator stopped deletions.".to_owned()
            }
            EventKind::Paused => "The job was paused.".to_owned(),
            EventKind::Resumed if self.cause == Some(Cause::Operator) => {
                "The job was resumed, because an operator let deletions go on.".to_owned()
            }
            EventKind::Resumed => "The job was resumed.".to_owned(),
            EventKind::Redriven => "The failed rows are tried again.".to_owned(),
            EventKind::Cancelled if self.cause == Some(Cause::Abandoned) => {
                "The job was cancelled, because it waited or went on for too long.".to_owned()
            }
            EventKind::Cancelled if self.cause == Some(Cause::Operator) => "An operator cancelled the job.".to_owned(),
            EventKind::Cancelled if self.cause == Some(Cause::IncompletePlan) => {
                "The job was cancelled, because not all of what the plan found is there; make a new dry run.".to_owned()
            }
            EventKind::Cancelled if self.cause == Some(Cause::SegmentGone) => {
                "The job was cancelled, because its segment was deleted, or has another job.".to_owned()
            }
            EventKind::Cancelled => "The job was cancelled.".to_owned(),
            EventKind::Completed => format!("Every row of {rows} has its outcome."),
            EventKind::Verified => "The outcomes were read again and add up to the counts.".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::status::tests::head;

    #[test]
    fn what_a_move_tells() {
        use EventKind::{Approved, AwaitingApproval, Cancelled, Paused, Redriven, Rejected, Scheduled, Started};
        for (control, to, expected) in [
            (None, JobState::Queued, &[Started][..]),
            (None, JobState::AwaitingApproval, &[AwaitingApproval]),
            (None, JobState::Completed, &[]),
            (None, JobState::Paused, &[]),
            (None, JobState::Cancelled, &[]),
            (Some(Control::Start), JobState::AwaitingApproval, &[]),
            (Some(Control::Start), JobState::Scheduled, &[Scheduled]),
            (Some(Control::Start), JobState::Queued, &[Started]),
            (Some(Control::Approve), JobState::Scheduled, &[Approved, Scheduled]),
            (Some(Control::Approve), JobState::Queued, &[Approved, Started]),
            (Some(Control::Reject), JobState::Cancelling, &[Rejected, Cancelled]),
            (Some(Control::Cancel), JobState::Cancelling, &[Cancelled]),
            (Some(Control::Pause), JobState::Pausing, &[Paused]),
            (Some(Control::Resume), JobState::Queued, &[EventKind::Resumed]),
            (Some(Control::Redrive), JobState::Running, &[Redriven]),
        ] {
            assert_eq!(of_move(control, to), expected, "{control:?} {to:?}");
        }
    }

    #[test]
    fn no_event_of_a_dry_run_reads_as_one_of_a_deletion() {
        let kinds =
            [EventKind::Created, EventKind::Started, EventKind::Paused, EventKind::Completed, EventKind::Redriven];
        for kind in kinds {
            let event = JobEvent::new(kind, &head(), &Progress::default(), None, head().created_at);
            assert_eq!(event.text_of(false), event.text());
            let text = event.text_of(true);
            assert!(text.starts_with("The dry run was ") || text.starts_with("Dry run: "), "{text}");
        }
    }

    #[test]
    fn each_tenth_is_told_once() {
        for (state, told, rows, decided, expected) in [
            (JobState::Running, 0, 1_000, 99, None),
            (JobState::Running, 0, 1_000, 100, Some(1)),
            (JobState::Running, 1, 1_000, 199, None),
            (JobState::Running, 1, 1_000, 999, Some(9)),
            (JobState::Running, 9, 1_000, 1_000, None),
            (JobState::Completed, 0, 1_000, 500, None),
            (JobState::Running, 0, 0, 0, None),
        ] {
            let head = JobHead { state, tenths: told, ..head() };
            let progress =
                Progress { rows, counts: Counts { deleted: decided, ..Counts::default() }, ..Progress::default() };
            assert_eq!(tenths(&head, &progress), expected, "{state:?} {told} {rows} {decided}");
        }
    }
}
