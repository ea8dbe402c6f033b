//! Search the journal of a space.

use std::collections::BTreeMap;

use efface_core::{
    api_error::ApiError,
    identifier::IdentifierValue,
    journal::search::{Criteria, Told},
    key::IdHash,
    limit::Limit,
    list::{self, ListQuery},
    path,
    role::Permission,
    time::Time,
};
use efface_engine::{
    Error,
    journal::search::{FoundEntry, Search, SearchCursor},
    log::LogHead,
};
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

/// A page of entries, the newest first. It may be empty, though the list goes on.
#[derive(Debug, Serialize, ToSchema)]
struct AuditEvents {
    data: Vec<AuditEvent>,
    log: PublishedLog,
    cursor: Cursor,
}

/// An entry: something that happened. Whatever it does not tell is null.
#[derive(Debug, Serialize, ToSchema)]
struct AuditEvent {
    /// Its index in the log.
    index: u64,
    /// When it happened.
    time: Time,
    /// What happened, such as `identifier.removed`. Later versions add names.
    event: String,
    /// The type of the identifier.
    id_type: Option<String>,
    /// What the log calls the identifier or the profile. Nobody can tell of it who that is.
    subject: Option<String>,
    /// The token that did it.
    token_id: Option<String>,
    /// The request that did it, or that made the job.
    request_id: Option<String>,
    /// The job that did it, or that it is about.
    job_id: Option<String>,
    /// The segment, or that of the job.
    segment_id: Option<String>,
    /// Why: `request` or `job` of a deletion, `dry_run` of a job that deletes nothing.
    reason: Option<String>,
    /// Rows of a job by outcome and in all, or what the deletion of a profile removed.
    counts: Option<BTreeMap<String, i64>>,
}

/// How far the log is published.
#[derive(Debug, Serialize, ToSchema)]
struct PublishedLog {
    /// Its entries: those below this index have receipts.
    size: u64,
    /// The root of its tree, in base64; null where nothing is published.
    root: Option<String>,
}

impl AuditEvent {
    fn new(FoundEntry { index, entry, told }: FoundEntry) -> Self {
        let Told { id_type, subject, token_id, reason, segment_id, counts } = told;
        Self {
            index,
            time: entry.id().time,
            event: entry.id().kind.to_string(),
            id_type,
            subject,
            token_id,
            request_id: entry.request().map(|request| request.to_string()),
            job_id: entry.job().map(|job| job.to_string()),
            segment_id,
            reason,
            counts,
        }
    }
}

/// A valid request.
pub(in crate::routes) struct EventQuery {
    /// `None` where nothing can fit: an identifier of a type that the space does not know.
    criteria: Option<Criteria>,
    query: ListQuery,
    start: Option<SearchCursor>,
    is_lines: bool,
}

/// The parameters that say what is looked for, in the order in which they are checked.
const FILTERS: [&str; 8] = ["from", "to", "event", "token_id", "job_id", "request_id", "segment_id", "identifier"];

const fn filter(name: &'static str, description: &'static str, example: Option<&'static str>) -> Parameter {
    Parameter { name, location: Location::Query, required: false, description, schema: String::schema, example }
}

pub(in crate::routes) struct SearchEvents;

impl Handler for SearchEvents {
    const SPEC: Spec = Spec {
        id: "list_audit_events",
        method: Method::Get,
        path: "/v1/spaces/{space_id}/audit_events",
        permission: PermissionRule::Fixed(Permission::ReadAuditLog),
        deletes: false,
        limit: Some(Limit::Reads),
        time: MEDIUM,
        body: BodyRule::Ignored,
    };

    const DOCS: Docs = Docs {
        tag: "audit log",
        summary: "Search the audit log",
        description: "Lists the entries of the space's log that fit all parameters, the newest first: as JSON or, with \
            `Accept: application/x-ndjson`, one a line, with the next page in the header `Link`. Entries that are not \
            published yet are listed, too. A search by `identifier`, `job_id` or `request_id` is quick. Any other one looks \
            through the entries, some thousand a page: a page may be empty though the list goes on.",
        parameters: &[
            filter("from", "Only what happened at this time or later.", Some("2026-01-01T00:00:00Z")),
            filter("to", "Only what happened before this time.", None),
            filter("event", "Only what is called so.", Some("identifier.removed")),
            filter("token_id", "Only what this token did, or what was done to it.", None),
            filter("job_id", "Only what this job did, or what was done to it.", None),
            filter("request_id", "Only what this request did.", None),
            filter("segment_id", "Only what happened to this segment, and jobs of it.", None),
            filter(
                "identifier",
                "`type:value`: only what happened to this identifier, in the order of its lives.",
                None,
            ),
            LIMIT,
            NEXT,
        ],
        request: &[],
        responses: &[SuccessDoc {
            success: Success::Done,
            description: "A page of entries.",
            content: &[Content::json::<AuditEvents>(), Content::text("application/x-ndjson")],
        }],
        errors: || vec![ApiError::MissingUrlParameters, ApiError::JournalOff],
    };

    type Request = EventQuery;

    fn parse(cx: &RequestContext<'_>) -> Result<EventQuery, ApiError> {
        let query = ListQuery::read(&cx.request.query, &FILTERS)?;
        let criteria = criteria(cx, &query)?;
        let start: Option<SearchCursor> = query.next.as_deref().map(list::decode_cursor).transpose()?;
        let is_of = |start: &SearchCursor| criteria.as_ref().is_some_and(|criteria| start.is_of(criteria));
        if start.as_ref().is_some_and(|start| !is_of(start)) {
            return Err(list::bad_cursor());
        }
        Ok(EventQuery { criteria, query, start, is_lines: accepts(cx, "application/x-ndjson") })
    }

    async fn run(cx: &RequestContext<'_>, request: EventQuery) -> Result<Response, Error> {
        let EventQuery { criteria, query, start, is_lines } = request;
        let (evidence, space) = (cx.evidence()?, &cx.access.space_id);
        let (found, next) = match &criteria {
            Some(criteria) => {
                let (limit, until, now) = (query.limit, cx.list_until, cx.now);
                evidence.search().page(Search { space, criteria, start, limit, until, now }).await?
            }
            None => (Vec::new(), None),
        };
        let data: Vec<AuditEvent> = found.into_iter().map(AuditEvent::new).collect();
        if is_lines {
            let next = next.as_ref().map(|next| link(cx, &query, &list::encode_cursor(next)));
            return Ok(Response::ndjson(lines(&data)?, next));
        }
        let head = evidence.head(space).await?;
        let log = PublishedLog {
            size: head.map_or(0, |head| head.size),
            root: head.map(|LogHead { root, .. }| root.to_string()),
        };
        Response::ok(&AuditEvents { data, log, cursor: Cursor::new(cx.request, next.as_ref()) })
    }
}

/// What is looked for; `None` where nothing can fit.
fn criteria(cx: &RequestContext<'_>, query: &ListQuery) -> Result<Option<Criteria>, ApiError> {
    let time = |name: &'static str| -> Result<Option<Time>, ApiError> {
        let time = query.filters.get(name).map(|text| Time::parse(text)).transpose();
        time.map_err(|error| ApiError::bad_request("The query parameter `{}`: {}.", &[&name, &error]))
    };
    let criteria = Criteria {
        from: time("from")?,
        to: time("to")?,
        kind: query.filter("event", "the name of an event, such as identifier.removed")?,
        token: query.filter("token_id", "the id of a token")?,
        job: query.filter("job_id", "the id of a job")?,
        request: query.filter("request_id", "the id of a request")?,
        segment: query.filter("segment_id", "the id of a segment")?,
        identifier: None,
    };
    if criteria.from.zip(criteria.to).is_some_and(|(from, to)| from >= to) {
        return Err(ApiError::bad_request("The query parameter `to` must be a later time than `from`.", &[]));
    }
    let Some(text) = query.filters.get("identifier") else { return Ok(Some(criteria)) };
    let hash = identifier(cx, text)?;
    Ok(hash.map(|hash| Criteria { identifier: Some(hash), ..criteria }))
}

/// The hash of the identifier that is asked about; `None` where the space does not know its type.
fn identifier(cx: &RequestContext<'_>, text: &str) -> Result<Option<IdHash>, ApiError> {
    let (id_type, value) = path::split_selector(text);
    let value = IdentifierValue::parse(value).map_err(|error| {
        ApiError::bad_request("The query parameter `identifier` must be `type:value`: {}.", &[&error])
    })?;
    let known = cx.access.space.identifier_types.find(id_type);
    Ok(known.map(|id_type| cx.access.hash(&id_type, &value)))
}

fn lines(data: &[AuditEvent]) -> Result<String, Error> {
    let mut lines = String::new();
    for event in data {
        lines += &serde_json::to_string(event).map_err(|_| Error::Fault("a line that is no JSON"))?;
        lines.push('\n');
    }
    Ok(lines)
}

/// The path of the next page, with the same parameters.
fn link(cx: &RequestContext<'_>, query: &ListQuery, next: &str) -> String {
    let mut parameters = form_urlencoded::Serializer::new(String::new());
    parameters.append_pair("limit", &query.limit.to_string());
    parameters.extend_pairs(&query.filters).append_pair("next", next);
    format!("{}?{}", cx.request.path, parameters.finish())
}
