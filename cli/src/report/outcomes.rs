//! The outcomes of a job's rows, read page by page as they are needed.

use std::collections::VecDeque;

use crate::{
    CliError,
    api::encoded,
    jobs::{Jobs, RowOutcome},
};

/// The outcomes that were not taken yet, in the order of the rows.
pub(super) struct Outcomes<'a> {
    jobs: &'a Jobs,
    path: String,
    read: VecDeque<RowOutcome>,
    /// Where the list goes on; `None` at its end.
    next: Option<String>,
}

impl<'a> Outcomes<'a> {
    pub(super) fn of(jobs: &'a Jobs, job: &str) -> Self {
        let path = format!("deletion_jobs/{}/outcomes", encoded(job));
        Self { jobs, path, read: VecDeque::new(), next: Some(String::new()) }
    }

    /// The page of the first outcome that was not taken.
    pub(super) async fn first_page(&mut self) -> Result<Option<u64>, CliError> {
        while self.read.is_empty() {
            let Some(next) = self.next.take() else { return Ok(None) };
            let (outcomes, more) = self.jobs.api.list_page(&self.path, &next).await?;
            (self.read, self.next) = (outcomes.into(), more);
        }
        Ok(self.read.front().map(|outcome| outcome.page))
    }

    /// The outcome of a row, by its page and its number within the page. Rows come in their order.
    ///
    /// # Errors
    /// [`CliError::OtherPages`] if there is an outcome of a row before this one that was not asked for.
    pub(super) async fn take(&mut self, place: (u64, u64)) -> Result<Option<RowOutcome>, CliError> {
        self.first_page().await?;
        match self.read.front().map(|outcome| (outcome.page, outcome.row)) {
            Some(first) if first == place => Ok(self.read.pop_front()),
            Some(first) if first < place => Err(CliError::OtherPages),
            _ => Ok(None),
        }
    }
}
