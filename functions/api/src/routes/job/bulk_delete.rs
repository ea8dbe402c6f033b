//! Delete the profiles of a page of rows, as a workflow sends it. Each page is a job of its own; a label makes the
//! pages of one run a group.

use efface_core::{
    api_error::ApiError,
    job::{Action, Group, JobGroup, JobId, JobState, NewJob},
    limit::Limit,
    role::Permission,
    rows::{MAX_SENT, RawRow, read_page},
};
use efface_engine::{Error, job::AdmittedPage};
use serde::Serialize;
use utoipa::{PartialSchema, ToSchema};

use super::page::{PageResult, check_rows};
use crate::{
    body::{BodyLimits, BodyRule, essence, unreadable},
    context::RequestContext,
    endpoint::{Content, Docs, LONG, Location, Method, Parameter, SchemaOf, Spec, SuccessDoc},
    permission::PermissionRule,
    pipeline::Handler,
    response::{Response, Success},
    routes::parameters::group,
};

/// The header that names one of the space's instances, as the workflow is configured.
const INSTANCE: &str = "x-reactor-instance-name";

/// The header that labels the pages of one run.
const GROUP: &str = "x-deletion-group";

/// The media types that pages are declared as. The format itself is recognised by the content.
const TYPES: [&str; 15] = [
    "",
    "application/json",
    "application/x-ndjson",
    "application/ndjson",
    "application/x-jsonl",
    "application/csv",
    "text/x-csv",
    "application/jsonl",
    "application/x-jsonlines",
    "text/csv",
    "text/plain",
    "application/gzip",
    "application/x-gzip",
    "application/octet-stream",
    "application/x-www-form-urlencoded",
];

/// A page that was accepted.
#[derive(Debug, Serialize, ToSchema)]
struct BulkDeleted {
    /// The job that carries it out.
    job_id: String,
    #[serde(flatten)]
    page: PageResult,
    /// Where it stands: `awaiting_approval` where its space lets nobody delete so many rows alone.
    state: JobState,
    /// The path of the job.
    status_url: String,
}

/// A page of rows that could be read.
pub(in crate::routes) struct BulkPage {
    rows: Vec<RawRow>,
    group: Option<JobGroup>,
}

pub(in crate::routes) struct BulkDelete;

impl Handler for BulkDelete {
    const SPEC: Spec = Spec {
        id: "bulk_delete",
        method: Method::Post,
        path: "/internal/bulk-delete-internal",
        permission: PermissionRule::Fixed(Permission::DeleteProfiles),
        deletes: true,
        limit: Some(Limit::Jobs),
        time: LONG,
        body: BodyRule::Checked(BodyLimits {
            most: MAX_SENT,
            types: &TYPES,
            gzip: true,
            unsupported: || ApiError::UnsupportedPageType,
        }),
    };

    const DOCS: Docs = Docs {
        tag: "jobs",
        summary: "Delete the profiles of a page of rows",
        description: "Takes a page of `key:value` rows and deletes the profile of each. The token names the space. \
            JSON may be an array of texts or of objects, a table with `column_names` and `data`, or `{\"rows\":[…]}`.",
        parameters: &[
            Parameter {
                name: INSTANCE,
                location: Location::Header,
                required: true,
                description: "One of the space's instances.",
                schema: String::schema,
                example: Some("demo"),
            },
            Parameter {
                name: GROUP,
                location: Location::Header,
                required: false,
                description: "The label of one run. Its pages are followed as one, and a page that is sent again \
                    within 24 hours is the same job.",
                schema: group,
                example: None,
            },
        ],
        request: &[
            Content { media_type: "application/json", schema: SchemaOf::inline::<Vec<String>>(), is_optional: false },
            Content::text("application/x-ndjson"),
            Content::text("text/csv"),
        ],
        responses: &[SuccessDoc {
            success: Success::Accepted,
            description: "The page is stored and will be carried out.",
            content: &[Content::json::<BulkDeleted>()],
        }],
        errors: || vec![ApiError::InstanceNotFound],
    };

    type Request = BulkPage;

    fn parse(cx: &RequestContext<'_>) -> Result<BulkPage, ApiError> {
        let media_type = cx.request.header("content-type")?.map(essence).unwrap_or_default().to_ascii_lowercase();
        let rows = read_page(&cx.body, &media_type).map_err(unreadable)?;
        check_rows(&rows, &cx.access.space.identifier_types)?;
        let group = cx.request.header(GROUP)?.map(Group::parse).transpose();
        let group = group.map_err(|error| ApiError::bad_request("The header {}: {}.", &[&GROUP, &error]))?;
        cx.no_query()?;
        Ok(BulkPage { rows, group: group.map(|group| cx.access.key.group(group)) })
    }

    async fn run(cx: &RequestContext<'_>, BulkPage { rows, group }: BulkPage) -> Result<Response, Error> {
        let instance = cx.request.header(INSTANCE)?.unwrap_or_default();
        if !cx.access.space.reactor_instances.iter().any(|name| name == instance) {
            return Err(ApiError::InstanceNotFound.into());
        }
        let page = AdmittedPage::new(&cx.access, Action::DeleteProfile, false, &rows, &cx.body);
        let mut request = cx.first_request().await?;
        if let Some(group) = &group {
            request = cx.engine().resolve_page(&cx.caller(), request, group.hash, page.content()).await?;
        }
        let new = NewJob { group, ..NewJob::delete_profiles() };
        let status = cx.engine().create_job(&cx.caller(), &new, &page, request).await?;
        let job = JobId::of_request(request);
        Response::accepted(&BulkDeleted {
            job_id: job.to_string(),
            page: (&page).into(),
            state: status.head.state,
            status_url: format!("/v1/spaces/{}/deletion_jobs/{job}", cx.access.space_id),
        })
    }
}
