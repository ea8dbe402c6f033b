//! Waiting for a job, or for the jobs of a group: a request that is answered with 408 until all of them are final. Clients
//! of workflows repeat a request that gets a 408 by themselves.

use efface_core::{
    api_error::ApiError,
    job::{JobId, JobState, JobStatus},
    key::GroupHash,
    list::DEFAULT_LIMIT,
    message::Message,
};
use efface_engine::Error;
use serde::Serialize;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, schema::Type};

use super::{
    JobBody,
    list::{JobList, Sums},
    status::Job,
};
use crate::{
    context::RequestContext,
    cursor::Cursor,
    endpoint::{Location, Parameter},
    response::Response,
};

/// What a client waits for.
#[derive(Debug, Clone, Copy)]
pub(in crate::routes) struct Wait {
    /// Whether failed rows and cancelled jobs are an error at the end.
    requires_none_failed: bool,
    /// How many rows a group must have.
    rows: i64,
}

/// Whether to wait.
pub(super) const UNTIL: Parameter = Parameter {
    name: "until",
    location: Location::Query,
    required: false,
    description: "`settled`: a 408 while the job, or one of the group, is not completed or cancelled.",
    schema: || word("settled"),
    example: None,
};

/// What the end must be.
pub(super) const REQUIRE: Parameter = Parameter {
    name: "require",
    location: Location::Query,
    required: false,
    description: "With `until`. `none_failed`: a 409 if rows failed or a job was cancelled.",
    schema: || word("none_failed"),
    example: None,
};

/// How much a group must have.
pub(super) const ROWS: Parameter = Parameter {
    name: "rows",
    location: Location::Query,
    required: false,
    description: "With `until`: a 408 while the jobs of the group have fewer rows than this, too.",
    schema: || ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).build().into(),
    example: None,
};

fn word(word: &'static str) -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some([word])).build().into()
}

/// Examples of the errors of a client that waits.
pub(super) fn errors() -> Vec<ApiError> {
    vec![
        ApiError::MissingUrlParameters,
        ApiError::NotSettled("The job is running: 120 of 1000 rows have an outcome.".into()),
        ApiError::RowsFailed("Failed rows: 1; cancelled jobs: 0. The outcomes of the jobs name failed rows.".into()),
    ]
}

impl Wait {
    /// Reads the parameters by name. `None` where there is none of them.
    pub(super) fn parse(value: impl Fn(&str) -> Option<String>, is_group: bool) -> Result<Option<Self>, ApiError> {
        let one_of = |name: &'static str, word: &'static str| match value(name) {
            Some(given) if given != word => {
                Err(ApiError::bad_request("The query parameter `{}` must be `{}`.", &[&name, &word]))
            }
            given => Ok(given.is_some()),
        };
        let (is_asked, requires_none_failed) = (one_of("until", "settled")?, one_of("require", "none_failed")?);
        let rows = value("rows").map(|rows| rows.parse::<u32>().map(i64::from));
        let rows = rows.transpose().map_err(|_| {
            ApiError::bad_request("The query parameter `rows` must be a whole number from 0 to {}.", &[&u32::MAX])
        })?;
        match is_asked {
            false if requires_none_failed || rows.is_some() => {
                Err(ApiError::bad_request("The query parameters `require` and `rows` need `until=settled`.", &[]))
            }
            false => Ok(None),
            true if rows.is_some() && !is_group => {
                Err(ApiError::bad_request("The query parameter `rows` is for groups.", &[]))
            }
            true => Ok(Some(Self { requires_none_failed, rows: rows.unwrap_or(0) })),
        }
    }

    /// The response of a job.
    pub(super) fn job(self, cx: &RequestContext<'_>, status: JobStatus) -> Result<Response, Error> {
        let JobStatus { head, progress } = &status;
        let state = head.state;
        let error = match state {
            JobState::AwaitingApproval => Some(awaiting(head.job_id)),
            _ if !state.is_final() => {
                let text = if head.dry_run {
                    "The dry run is {}: {} of {} rows have an outcome."
                } else {
                    "The job is {}: {} of {} rows have an outcome."
                };
                let words = [progress.counts.total(), head.rows(progress)].map(whole);
                Some(ApiError::NotSettled(Message::new(text, &[&state.as_str(), &words[0], &words[1]])))
            }
            _ => self.fault(progress.counts.failed, i64::from(state == JobState::Cancelled)),
        };
        respond(error, &JobBody::new(cx, status))
    }

    /// The response of a group.
    pub(super) async fn group(self, cx: &RequestContext<'_>, group: GroupHash) -> Result<Response, Error> {
        let (store, space) = (&cx.app.store, &cx.access.space_id);
        // The final jobs are added up first: a job that is made meanwhile is then one that is not final.
        let cancelled = store.totals(space, Some(group), Some(JobState::Cancelled)).await?;
        let completed = store.totals(space, Some(group), Some(JobState::Completed)).await?;
        let all = store.totals(space, Some(group), None).await?;
        let unfinished = store.unfinished_job(space, group).await?;
        let (jobs, next) = store.list_jobs(space, Some(group), None, None, DEFAULT_LIMIT).await?;
        if jobs.is_empty() {
            return Err(ApiError::JobNotFound.into());
        }
        let left = all.jobs - cancelled.jobs - completed.jobs;
        let error = match unfinished {
            Some((job, JobState::AwaitingApproval)) => Some(awaiting(job)),
            // A dry run is not among the sums.
            _ if left > 0 || unfinished.is_some() => {
                let text = "Not final: {} of {} jobs; {} of {} rows have an outcome.";
                let words = [left.max(1), all.jobs.max(1), all.counts.total(), all.rows].map(whole);
                let words: [&dyn efface_core::message::Words; 4] = [&words[0], &words[1], &words[2], &words[3]];
                Some(ApiError::NotSettled(Message::new(text, &words)))
            }
            _ if all.rows < self.rows => {
                let words = [all.rows, self.rows].map(whole);
                let text = "The jobs of the group have {} rows of {} so far.";
                Some(ApiError::NotSettled(Message::new(text, &[&words[0], &words[1]])))
            }
            _ => self.fault(all.counts.failed, cancelled.jobs),
        };
        let sums = Sums::new(all, true).with_cancelled(cancelled.jobs);
        if error.is_some() {
            return respond(error, &sums);
        }
        let data = jobs.into_iter().map(|job| Job::new(cx, job)).collect();
        Response::ok(&JobList { data, sums, cursor: Cursor::new(cx.request, next.as_ref()) })
    }

    fn fault(self, failed: i64, cancelled: i64) -> Option<ApiError> {
        let text = "Failed rows: {}; cancelled jobs: {}. The outcomes of the jobs name failed rows.";
        let is_fault = self.requires_none_failed && (failed > 0 || cancelled > 0);
        is_fault.then(|| ApiError::RowsFailed(Message::new(text, &[&whole(failed), &whole(cancelled)])))
    }
}

fn awaiting(job: JobId) -> ApiError {
    ApiError::NotSettled(Message::new("The job {} waits for its approval by another token.", &[&job]))
}

fn whole(count: i64) -> usize {
    usize::try_from(count).unwrap_or(0)
}

fn respond(error: Option<ApiError>, body: &impl Serialize) -> Result<Response, Error> {
    match error {
        Some(error) => Response::error_with(&error, body),
        None => Response::ok(body),
    }
}
