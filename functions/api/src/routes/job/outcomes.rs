//! The outcomes of a job's rows.

use std::{borrow::Cow, collections::HashMap, fmt::Write};

use efface_aws::store::job::{OutcomeCursor, RowOutcome as StoredOutcome};
use efface_core::{
    api_error::ApiError,
    job::{JobHead, JobStatus, Outcome, RowRef, near_miss::NearMiss, not_found::NotFound},
    limit::Limit,
    list::{self, ListQuery},
    role::Permission,
    time::Time,
};
use efface_engine::Error;
use serde::Serialize;
use utoipa::{PartialSchema, ToSchema};

use crate::{
    body::BodyRule,
    context::RequestContext,
    cursor::Cursor,
    endpoint::{Content, Docs, Location, MEDIUM, Method, Parameter, Spec, SuccessDoc},
    permission::PermissionRule,
    pipeline::Handler,
    response::{Response, Success},
    routes::parameters::{LIMIT, NEXT, accepts},
};

/// A page of outcomes, by page and row.
#[derive(Debug, Serialize, ToSchema)]
struct Outcomes {
    /// Whether the job is a dry run: nothing was deleted, and `deleted` is what would be.
    dry_run: bool,
    data: Vec<RowOutcome>,
    cursor: Cursor,
}

/// The outcome of a row.
#[derive(Debug, Serialize, ToSchema)]
struct RowOutcome {
    /// The number of its page.
    page: u32,
    /// Its number within the page, from 0.
    row: usize,
    outcome: Outcome,
    /// The code for programs: the outcome; for an invalid row, what is wrong with it; for a row that a dry run did not
    /// find, `other_case` or `other_form` if it would be found so; for another one that finds nothing, `not_found`,
    /// `deleted_before`, `profile_not_found`, `profile_deleted_before` or `eid_not_found`.
    code: &'static str,
    /// The message for people.
    message: Cow<'static, str>,
    /// Of a row that finds nothing: the record of the deletion that was there before.
    #[serde(skip_serializing_if = "Option::is_none")]
    earlier_deletion: Option<EarlierDeletion>,
}

/// The record of the deletion of what a row names, where it was deleted before the row had its outcome.
#[derive(Debug, Serialize, ToSchema)]
struct EarlierDeletion {
    /// When it was deleted.
    deleted_at: Time,
    /// The request that deleted it, or that made the job.
    request_id: Option<String>,
    /// The job that deleted it, where one did.
    job_id: Option<String>,
}

impl RowOutcome {
    fn new(stored: &StoredOutcome, dry_run: bool, why: Option<NotFound>) -> Self {
        let StoredOutcome { page, row, outcome, fault, near_miss, .. } = *stored;
        if let Some(why) = why.filter(|_| near_miss.is_none()) {
            let earlier_deletion = why.earlier().map(|earlier| EarlierDeletion {
                deleted_at: earlier.deleted_at,
                request_id: earlier.request_id.map(|id| id.to_string()),
                job_id: earlier.job_id.map(|id| id.to_string()),
            });
            return Self { page, row, outcome, code: why.code(), message: why.message().into(), earlier_deletion };
        }
        let (code, message) = match (outcome, fault) {
            (_, Some(fault)) => (fault.code(), fault.message()),
            (Outcome::NotFound, _) if near_miss == Some(NearMiss::OtherCase) => {
                ("other_case", "It is not found as it is written, but would be in lower or in upper case.")
            }
            (Outcome::NotFound, _) if near_miss == Some(NearMiss::OtherForm) => (
                "other_form",
                "It is not found as it is written, but would be without surrounding blanks or invisible characters or in NFC.",
            ),
            (Outcome::Deleted, _) if dry_run => ("deleted", "It would be deleted; this is a dry run."),
            (Outcome::Duplicate, _) if dry_run => ("duplicate", "Another row of this dry run names the same."),
            (Outcome::Failed, _) if dry_run => {
                ("failed", "It could not be looked up; redrive the dry run to try again.")
            }
            (Outcome::Deleted, _) => ("deleted", "It has been deleted."),
            (Outcome::Duplicate, _) => ("duplicate", "Another row of this job or group deleted it."),
            (Outcome::NotFound, _) => ("not_found", "There is no such profile or identifier."),
            (Outcome::Invalid, _) => ("invalid_row", "The row can't be read."),
            (Outcome::Protected, _) => {
                ("protected", "It finds its own profile, or the profile would be left without a user_id.")
            }
            (Outcome::Changed, _) => {
                ("changed", "The profile was added to or merged since it was planned; nothing was deleted.")
            }
            (Outcome::Failed, _) => ("failed", "It could not be done; redrive the job to try again."),
        };
        Self { page, row, outcome, code, message: message.into(), earlier_deletion: None }
    }
}

/// A valid request.
pub(in crate::routes) struct OutcomeQuery {
    query: ListQuery,
    outcome: Option<Outcome>,
    start: Option<OutcomeCursor>,
    is_csv: bool,
}

pub(in crate::routes) struct ListOutcomes;

impl Handler for ListOutcomes {
    const SPEC: Spec = Spec {
        id: "list_outcomes",
        method: Method::Get,
        path: "/v1/spaces/{space_id}/deletion_jobs/{job_id}/outcomes",
        permission: PermissionRule::OfJob { control: false },
        deletes: false,
        limit: Some(Limit::Reads),
        time: MEDIUM,
        body: BodyRule::Ignored,
    };

    const DOCS: Docs = Docs {
        tag: "jobs",
        summary: "List the outcomes of a job",
        description: "Lists the rows that have an outcome, as JSON or, with `Accept: text/csv`, as CSV. The next page \
            of CSV is in the header `Link`. For rows that find nothing, code and message say what is missing and whether \
            there is a record of an earlier deletion, as long as the job's rows are kept.",
        parameters: &[
            Parameter {
                name: "outcome",
                location: Location::Query,
                required: false,
                description: "Only rows with this outcome.",
                schema: Outcome::schema,
                example: None,
            },
            LIMIT,
            NEXT,
        ],
        request: &[],
        responses: &[SuccessDoc {
            success: Success::Done,
            description: "A page of outcomes.",
            content: &[Content::json::<Outcomes>(), Content::text("text/csv")],
        }],
        errors: || vec![ApiError::MissingUrlParameters],
    };

    type Request = OutcomeQuery;

    fn parse(cx: &RequestContext<'_>) -> Result<OutcomeQuery, ApiError> {
        let query = ListQuery::read(&cx.request.query, &["outcome"])?;
        let outcome =
            query.filter("outcome", "deleted, duplicate, not_found, invalid, protected, failed or changed")?;
        let start: Option<OutcomeCursor> = query.next.as_deref().map(list::decode_cursor).transpose()?;
        if start.is_some_and(|start| !start.is_row()) {
            return Err(list::bad_cursor());
        }
        let is_csv = accepts(cx, "text/csv");
        Ok(OutcomeQuery { query, outcome, start, is_csv })
    }

    async fn run(cx: &RequestContext<'_>, request: OutcomeQuery) -> Result<Response, Error> {
        let OutcomeQuery { query, outcome, start, is_csv } = request;
        let JobStatus { head, progress } = cx.job()?;
        let (store, space) = (&cx.app.store, &cx.access.space_id);
        let (outcomes, next) = match outcome.map_or(progress.counts.total(), |outcome| progress.counts.of(outcome)) {
            // Nothing is looked for in a job that has none, however many pages it has.
            0 => (Vec::new(), None),
            _ => store.list_outcomes(space, head.job_id, outcome, start, query.limit, cx.list_until).await?,
        };
        let dry_run = head.dry_run;
        let why = why_not_found(cx, head, &outcomes).await?;
        let why_of = |stored: &StoredOutcome| why.get(&stored.missing.as_ref()?.at).copied();
        let data = outcomes.into_iter().map(|stored| (why_of(&stored), stored));
        let data: Vec<RowOutcome> = data.map(|(why, stored)| RowOutcome::new(&stored, dry_run, why)).collect();
        if is_csv {
            let next = next.as_ref().map(|next| link(cx, &query, &list::encode_cursor(next)));
            return Ok(Response::csv(table(&data, dry_run), next));
        }
        Response::ok(&Outcomes { dry_run, data, cursor: Cursor::new(cx.request, next.as_ref()) })
    }
}

/// Why rows find nothing. Who may not read deletions is not told of earlier ones.
async fn why_not_found(
    cx: &RequestContext<'_>,
    head: &JobHead,
    outcomes: &[StoredOutcome],
) -> Result<HashMap<RowRef, NotFound>, Error> {
    let is_told = cx.access.role.may(Permission::ReadDeletions);
    let missing: Vec<_> = outcomes.iter().filter_map(|stored| stored.missing.clone()).filter(|_| is_told).collect();
    if missing.is_empty() {
        return Ok(HashMap::new());
    }
    cx.engine().why_not_found(&cx.access.space_id, head, &missing).await
}

/// The outcomes as CSV, each with whether it is that of a dry run. Only messages may hold a comma, so only they are quoted;
/// none holds a quote or a line break.
fn table(data: &[RowOutcome], dry_run: bool) -> String {
    let mut table = "page,row,outcome,code,message,dry_run\r\n".to_owned();
    for RowOutcome { page, row, outcome, code, message, .. } in data {
        let outcome = outcome.as_str();
        // Writing to a String does not fail.
        let _ = write!(table, "{page},{row},{outcome},{code},\"{message}\",{dry_run}\r\n");
    }
    table
}

fn link(cx: &RequestContext<'_>, query: &ListQuery, next: &str) -> String {
    let outcome = query.filters.get("outcome").map(|outcome| format!("&outcome={outcome}")).unwrap_or_default();
    format!("{}?limit={}{outcome}&next={next}", cx.request.path, query.limit)
}
