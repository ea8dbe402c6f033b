//! Where a job stands.

use efface_core::{api_error::ApiError, limit::Limit, list};
use efface_engine::Error;
use utoipa::PartialSchema;

use super::{
    JobBody,
    wait::{self, REQUIRE, UNTIL, Wait},
};
use crate::{
    body::BodyRule,
    context::RequestContext,
    endpoint::{Content, Docs, Location, Method, Parameter, SHORT, Spec, SuccessDoc},
    permission::PermissionRule,
    pipeline::Handler,
    response::{Response, Success},
};

/// What the client has.
const IF_NONE_MATCH: Parameter = Parameter {
    name: "If-None-Match",
    location: Location::Header,
    required: false,
    description: "The `ETag` of an earlier response.",
    schema: String::schema,
    example: None,
};

pub(in crate::routes) struct GetJob;

impl Handler for GetJob {
    const SPEC: Spec = Spec {
        id: "get_job",
        method: Method::Get,
        path: "/v1/spaces/{space_id}/deletion_jobs/{job_id}",
        permission: PermissionRule::OfJob { control: false },
        deletes: false,
        limit: Some(Limit::Reads),
        time: SHORT,
        body: BodyRule::Ignored,
    };

    const DOCS: Docs = Docs {
        tag: "jobs",
        summary: "Get a job",
        description: "Gets where a job stands. Its counts and what remains add up to its rows at any time. With \
            `until=settled` it waits: a 408, with the job as it is, is to be repeated. Without it a client that sends the last \
            `ETag` as `If-None-Match` gets a 304 while the job is as it was.",
        parameters: &[UNTIL, REQUIRE, IF_NONE_MATCH],
        request: &[],
        responses: &[
            SuccessDoc {
                success: Success::Done,
                description: "The job. Without `until` it has an `ETag`.",
                content: &[Content::json::<JobBody>()],
            },
            SuccessDoc {
                success: Success::NotModified,
                description: "The job is as it was when it had this `ETag`.",
                content: &[],
            },
        ],
        errors: wait::errors,
    };

    type Request = Option<Wait>;

    fn parse(cx: &RequestContext<'_>) -> Result<Option<Wait>, ApiError> {
        let query = &cx.request.query;
        list::no_query_but(query, &["until", "require"])?;
        let value = |name: &str| query.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        Wait::parse(value, false)
    }

    async fn run(cx: &RequestContext<'_>, wait: Option<Wait>) -> Result<Response, Error> {
        let status = cx.job()?.clone();
        match wait {
            Some(wait) => wait.job(cx, status),
            None => Ok(Response::ok(&JobBody::new(cx, status))?.unless_known(cx.request)),
        }
    }
}
