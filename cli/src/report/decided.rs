//! What became of a row of a file.

use std::collections::VecDeque;

use efface_core::{job::JobState, rows::RowFault};

use super::{outcomes::Outcomes, rows::InputRow};
use crate::{
    CliError,
    jobs::{Job, Jobs, RowOutcome},
    rows::Source,
};

/// What a dry run says of a row that would delete something.
pub(crate) const WOULD_BE_DELETED: &str = "would_be_deleted";

/// What a row is that has no outcome.
pub(super) const PENDING: &str = "pending";

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decided {
    pub(super) page: u64,
    pub(super) row: u64,
    pub(super) outcome: String,
    pub(super) code: String,
    pub(super) message: String,
}

/// The outcomes of a job by the rows of its file, in their order.
pub(super) struct Decisions<'a> {
    outcomes: Outcomes<'a>,
    /// Whether the only page is page 0: its rows came with the request that made the job.
    is_page_0: bool,
    /// Whether the outcomes are those of a dry run that the job does not execute.
    is_dry_run: bool,
    /// Of a job that executes a plan: the outcomes of its own rows, which are those that the plan would delete.
    executed: Option<Outcomes<'a>>,
    /// The page at which the executed rows are, and how many of its rows came before.
    executed_at: (u64, u64),
    pending: &'static str,
    /// The numbers of the first rows of the pages that follow.
    pages: VecDeque<u64>,
    place: (u64, u64),
}

impl<'a> Decisions<'a> {
    /// Reads the beginning.
    ///
    /// # Errors
    /// The job has not the rows of this file.
    pub(super) async fn of(jobs: &'a Jobs, job: &Job, source: &Source) -> Result<Self, CliError> {
        if job.segment_id().is_some() {
            let text = "the rows of the job are the members of a segment, not the lines of a file".to_owned();
            return Err(CliError::WrongJob(text));
        }
        let plan = match &job.plan_job_id {
            Some(plan) => Some(jobs.job(plan).await?),
            None => None,
        };
        let planned = plan.as_ref().unwrap_or(job);
        // A job that was stopped before its start has only the pages that had been sent.
        let may_lack = matches!(planned.state, JobState::Open | JobState::Cancelling | JobState::Cancelled);
        if planned.rows > source.rows || planned.rows < source.rows && !may_lack {
            return Err(CliError::OtherFile { rows: source.rows, of_job: planned.rows });
        }
        let mut outcomes = Outcomes::of(jobs, &planned.id);
        let is_page_0 = source.pages == 1 && outcomes.first_page().await?.map_or(planned.dry_run, |page| page == 0);
        Ok(Self {
            outcomes,
            is_page_0,
            is_dry_run: job.dry_run,
            executed: plan.is_some().then(|| Outcomes::of(jobs, &job.id)),
            executed_at: (0, 0),
            pending: pending(job.state),
            pages: source.first_rows.iter().copied().collect(),
            place: (0, 0),
        })
    }

    /// What became of the next row of the file.
    pub(super) async fn of_row(&mut self, row: &InputRow) -> Result<Decided, CliError> {
        self.next_place(row.row);
        let place = self.place;
        let decided = self.outcomes.take(place).await?;
        let decided = match (decided, self.executed.is_some()) {
            (Some(planned), true) if planned.outcome == "deleted" => self.executed_row(place.0).await?,
            (decided, _) => decided,
        };
        Ok(self.decided(place, decided, row.fault))
    }

    /// Fails if there are outcomes of rows that the file has not.
    pub(super) async fn end(&mut self) -> Result<(), CliError> {
        let is_over = self.outcomes.first_page().await?.is_none();
        let is_executed = match &mut self.executed {
            Some(executed) => executed.first_page().await?.is_none(),
            None => true,
        };
        if is_over && is_executed { Ok(()) } else { Err(CliError::OtherPages) }
    }

    fn next_place(&mut self, row: u64) {
        if self.pages.front() == Some(&row) {
            self.pages.pop_front();
            let is_first = row == 1 && self.is_page_0;
            self.place = (if is_first { 0 } else { self.place.0 + 1 }, 0);
        } else {
            self.place.1 += 1;
        }
    }

    /// The outcome of the next row of the job that executes the plan, which has the rows of each page that would delete.
    async fn executed_row(&mut self, page: u64) -> Result<Option<RowOutcome>, CliError> {
        let Some(executed) = &mut self.executed else { return Ok(None) };
        let at = if self.executed_at.0 == page { self.executed_at.1 } else { 0 };
        self.executed_at = (page, at + 1);
        executed.take((page, at)).await
    }

    fn decided(&self, (page, row): (u64, u64), decided: Option<RowOutcome>, fault: Option<RowFault>) -> Decided {
        let Some(RowOutcome { outcome, code, message, .. }) = decided else {
            let (outcome, code) = (PENDING.to_owned(), PENDING.to_owned());
            return Decided { page, row, outcome, code, message: self.pending.to_owned() };
        };
        let (code, message) = match fault.filter(|_| outcome == "invalid") {
            // The row was sent as `null`, so the API cannot tell.
            Some(fault) => (fault.code().to_owned(), fault.message().to_owned()),
            None => (code.unwrap_or_default(), message.unwrap_or_default()),
        };
        let word = |word: String| if self.is_dry_run && word == "deleted" { WOULD_BE_DELETED.to_owned() } else { word };
        let (outcome, code) = (word(outcome), word(code));
        Decided { page, row, outcome, code, message }
    }
}

/// Why a row has no outcome, by the state of its job.
fn pending(state: JobState) -> &'static str {
    match state {
        JobState::Open => "The job was not started.",
        JobState::Cancelling | JobState::Cancelled => "The job was cancelled before this row.",
        JobState::Pausing | JobState::Paused => "The job is paused.",
        _ => "The job has not come to this row.",
    }
}
