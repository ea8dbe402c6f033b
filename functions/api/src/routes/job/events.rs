//! What happened to a job.

use efface_aws::store::job::EventCursor;
use efface_core::{
    api_error::ApiError,
    job::{
        Counts,
        event::{Cause, EventKind, JobEvent, SweepResult},
    },
    limit::Limit,
    list::{self, ListQuery},
    time::Time,
};
use efface_engine::Error;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    body::BodyRule,
    context::RequestContext,
    cursor::Cursor,
    endpoint::{Content, Docs, Method, SHORT, Spec, SuccessDoc},
    permission::PermissionRule,
    pipeline::Handler,
    response::{Response, Success},
    routes::parameters::{LIMIT, NEXT},
};

/// A page of events, oldest first.
#[derive(Debug, Serialize, ToSchema)]
struct Events {
    /// Whether the job is a dry run, which deletes nothing.
    dry_run: bool,
    data: Vec<Event>,
    cursor: Cursor,
}

/// Something that happened to a job.
#[derive(Debug, Serialize, ToSchema)]
struct Event {
    /// When.
    at: Time,
    kind: EventKind,
    /// Whose token asked for it; null where it came about by itself.
    token_id: Option<String>,
    /// What happened, for people.
    text: String,
    /// Why, where Efface did it itself.
    cause: Option<Cause>,
    /// The job's rows then.
    rows: Option<i64>,
    /// Its rows by outcome then, where the event tells of them.
    counts: Option<Counts>,
    /// What a look through the segment came to.
    sweep: Option<SweepResult>,
}

impl Event {
    fn new(event: JobEvent, dry_run: bool) -> Self {
        let text = event.text_of(dry_run);
        let JobEvent { at, kind, token_id, cause, rows, counts, sweep, start_at: _ } = event;
        Self { at, kind, token_id: token_id.map(|token_id| token_id.to_string()), text, cause, rows, counts, sweep }
    }
}

pub(in crate::routes) struct ListEvents;

impl Handler for ListEvents {
    const SPEC: Spec = Spec {
        id: "list_job_events",
        method: Method::Get,
        path: "/v1/spaces/{space_id}/deletion_jobs/{job_id}/events",
        permission: PermissionRule::OfJob { control: false },
        deletes: false,
        limit: Some(Limit::Reads),
        time: SHORT,
        body: BodyRule::Ignored,
    };

    const DOCS: Docs = Docs {
        tag: "jobs",
        summary: "List the events of a job",
        description: "Lists what happened to a job and by whose token, oldest first.",
        parameters: &[LIMIT, NEXT],
        request: &[],
        responses: &[SuccessDoc {
            success: Success::Done,
            description: "A page of events.",
            content: &[Content::json::<Events>()],
        }],
        errors: || vec![ApiError::MissingUrlParameters],
    };

    type Request = (usize, Option<EventCursor>);

    fn parse(cx: &RequestContext<'_>) -> Result<Self::Request, ApiError> {
        let query = ListQuery::read(&cx.request.query, &[])?;
        let start: Option<EventCursor> = query.next.as_deref().map(list::decode_cursor).transpose()?;
        Ok((query.limit, start))
    }

    async fn run(cx: &RequestContext<'_>, (limit, start): Self::Request) -> Result<Response, Error> {
        let job = cx.job()?;
        let dry_run = job.head.dry_run;
        let (events, next) = cx.app.store.job_events(&cx.access.space_id, job, start.as_ref(), limit).await?;
        let data = events.into_iter().map(|event| Event::new(event, dry_run)).collect();
        Response::ok(&Events { dry_run, data, cursor: Cursor::new(cx.request, next.as_ref()) })
    }
}
