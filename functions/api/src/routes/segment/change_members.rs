//! Add members to a segment, or remove them.

use efface_core::{
    api_error::ApiError,
    id::ProfileId,
    job::Action,
    limit::Limit,
    list,
    message::Message,
    role::Permission,
    rows::{MAX_SENT, RawRow, read_page},
    segment::MAX_MEMBER_ROWS,
};
use efface_engine::{Changed, Error, job::AdmittedPage, segment::Change};
use serde::{Deserialize, Serialize};
use utoipa::{
    ToSchema,
    openapi::{ObjectBuilder, schema::Type},
};

use super::segment_id;
use crate::{
    body::{BodyLimits, BodyRule, essence, unreadable},
    context::RequestContext,
    endpoint::{Content, Docs, LONG, Location, Method, Parameter, Spec, SuccessDoc},
    permission::PermissionRule,
    pipeline::Handler,
    response::{Response, Success},
    routes::job::{Rejected, check_rows, rejected_rows},
};

/// The media types that rows are sent as. A web page of another site cannot send one of these unasked.
const TYPES: [&str; 3] = ["", "application/json", "text/csv"];

/// Rows that find profiles.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "it describes a body that is read as a page of rows")]
struct MemberRows {
    /// `key:value` texts or profiles' own ids. At most 1,000.
    #[schema(max_items = 1_000)]
    rows: Vec<String>,
}

/// The query parameter that makes a request look at its rows only.
const CHECK: Parameter = Parameter {
    name: "check",
    location: Location::Query,
    required: false,
    description: "`true`: only check whether the rows can be read. Nobody is looked up, joins or leaves, and all counts but \
        `rejected_total` are 0.",
    schema: || ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["true"])).build().into(),
    example: None,
};

/// What became of the rows that add members.
#[derive(Debug, Serialize, ToSchema)]
struct AddedMembers {
    /// Profiles that joined.
    added: usize,
    /// Rows whose profile was a member already.
    already: usize,
    #[serde(flatten)]
    rest: OtherRows,
}

/// What became of the rows that remove members.
#[derive(Debug, Serialize, ToSchema)]
struct RemovedMembers {
    /// Members that left.
    removed: usize,
    /// Rows whose profile was no member.
    absent: usize,
    #[serde(flatten)]
    rest: OtherRows,
}

#[derive(Debug, Serialize, ToSchema)]
struct OtherRows {
    /// Rows that find no active profile.
    not_found: usize,
    /// Rows that cannot be read.
    rejected: Vec<Rejected>,
    /// How many of them there are.
    rejected_total: usize,
    /// The profile of each row; null where there is none.
    #[schema(value_type = Vec<Option<String>>)]
    profiles: Vec<Option<ProfileId>>,
}

/// Adds members where `ADDS`, else removes them.
pub(in crate::routes) struct ChangeMembers<const ADDS: bool>;

impl<const ADDS: bool> Handler for ChangeMembers<ADDS> {
    const SPEC: Spec = Spec {
        id: if ADDS { "add_members" } else { "remove_members" },
        method: Method::Post,
        path: if ADDS {
            "/v1/spaces/{space_id}/segments/{segment_id}/members"
        } else {
            "/v1/spaces/{space_id}/segments/{segment_id}/members/remove"
        },
        permission: PermissionRule::Fixed(Permission::ManageSegments),
        deletes: false,
        limit: Some(Limit::Jobs),
        time: LONG,
        body: BodyRule::Checked(BodyLimits {
            most: MAX_SENT,
            types: &TYPES,
            gzip: true,
            unsupported: || ApiError::UnsupportedRowsType,
        }),
    };

    const DOCS: Docs = Docs {
        tag: "segments",
        summary: if ADDS { "Add members to a segment" } else { "Remove members from a segment" },
        description: if ADDS {
            "Adds the profiles that rows find, at most 1,000 a request. A request that was cut short can be sent again."
        } else {
            "Removes the members that rows find, at most 1,000 a request. No profile is deleted. A request that was cut \
             short can be sent again."
        },
        parameters: &[CHECK],
        request: &[Content::json::<MemberRows>(), Content::text("text/csv")],
        responses: &[SuccessDoc {
            success: Success::Done,
            description: "What became of the rows.",
            content: if ADDS { &[Content::json::<AddedMembers>()] } else { &[Content::json::<RemovedMembers>()] },
        }],
        errors: || vec![ApiError::MissingUrlParameters, ApiError::SegmentNotFound, ApiError::SegmentDisabled],
    };

    /// The rows, and whether they are only checked.
    type Request = (Vec<RawRow>, bool);

    fn parse(cx: &RequestContext<'_>) -> Result<Self::Request, ApiError> {
        let media_type = cx.request.header("content-type")?.map(essence).unwrap_or_default().to_ascii_lowercase();
        let rows = read_page(&cx.body, &media_type).map_err(unreadable)?;
        check_rows(&rows, &cx.access.space.identifier_types)?;
        if rows.len() > MAX_MEMBER_ROWS {
            let text = "A request must have at most {} rows; send more in parts.";
            return Err(ApiError::PageTooLarge(Message::new(text, &[&MAX_MEMBER_ROWS])));
        }
        Ok((rows, is_check(&cx.request.query)?))
    }

    async fn run(cx: &RequestContext<'_>, (rows, is_check): Self::Request) -> Result<Response, Error> {
        cx.first_request().await?;
        let id = segment_id(cx)?;
        let page = AdmittedPage::new(&cx.access, Action::DeleteProfile, false, &rows, &cx.body);
        let change = if ADDS { Change::Add } else { Change::Remove };
        let changed = if is_check {
            cx.engine().segment(&cx.access.space_id, &id).await?;
            Changed::default()
        } else {
            cx.engine().change_members(&cx.caller(), &id, change, &page).await?
        };
        let Changed { changed, unchanged, not_found, profiles } = changed;
        let (rejected, rejected_total) = rejected_rows(&page);
        let rest = OtherRows { not_found, rejected, rejected_total, profiles };
        if ADDS {
            Response::ok(&AddedMembers { added: changed, already: unchanged, rest })
        } else {
            Response::ok(&RemovedMembers { removed: changed, absent: unchanged, rest })
        }
    }
}

/// Whether the rows are only to be checked.
fn is_check(query: &[(String, String)]) -> Result<bool, ApiError> {
    list::no_query_but(query, &["check"])?;
    match query.iter().find(|(name, _)| name == "check") {
        Some((_, value)) if value != "true" => {
            Err(ApiError::bad_request("The query parameter `check` must be `true`.", &[]))
        }
        given => Ok(given.is_some()),
    }
}
