//! `efface jobs list --mine`: the jobs that the token created.

use serde_json::json;

use super::{Job, Jobs, args::ListJobs, job::Counts, list::table};
use crate::{CliError, Output, api::List};

impl Jobs {
    /// The latest jobs of the token that match, and the counts of these. The API lists all jobs of the token; which match
    /// is decided here.
    pub(super) async fn list_mine(&self, options: &ListJobs) -> Result<Output, CliError> {
        let is_wanted = |job: &Job| {
            let is_in_group = options.group.is_none() || job.group == options.group;
            is_in_group && options.state.is_none_or(|state| job.state == state)
        };
        let filters = options.group.is_some() || options.state.is_some();
        let is_wanted: Option<&(dyn Fn(&Job) -> bool + Sync)> = if filters { Some(&is_wanted) } else { None };
        let List { entries: jobs, has_more, .. } =
            self.api.list_where::<Job>("deletion_jobs", "&created_by=me", options.limit, |_| {}, is_wanted).await?;
        let mut counts = Counts::default();
        jobs.iter().filter(|job| !job.dry_run).for_each(|job| counts.add(&job.counts));
        let json = json!({"data": jobs, "counts": counts, "has_more": has_more});
        Ok(Output::success(table(&jobs, &counts, has_more, "these jobs"), json))
    }
}

impl Counts {
    fn add(&mut self, other: &Self) {
        for (sum, count) in [
            (&mut self.deleted, other.deleted),
            (&mut self.duplicate, other.duplicate),
            (&mut self.not_found, other.not_found),
            (&mut self.invalid, other.invalid),
            (&mut self.protected, other.protected),
            (&mut self.failed, other.failed),
            (&mut self.changed, other.changed),
        ] {
            *sum += count;
        }
    }
}
