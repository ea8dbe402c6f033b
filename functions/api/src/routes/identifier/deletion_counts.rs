//! How many identifiers and profiles were deleted on each day.

use efface_core::{
    api_error::ApiError,
    journal::{EventKind, counts::Day},
    limit::Limit,
    list,
    role::Permission,
    time::Time,
};
use efface_engine::Error;
use serde::Serialize;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, schema::Type},
};

use crate::{
    body::BodyRule,
    context::RequestContext,
    endpoint::{Content, Docs, Location, Method, Parameter, SHORT, Spec, SuccessDoc},
    permission::PermissionRule,
    pipeline::Handler,
    response::{Response, Success},
};

/// The days of one response.
const MOST_DAYS: u32 = 366;

/// The days that are told where the request names none.
const DEFAULT_DAYS: i64 = 30;

const DAY_MILLIS: i64 = 24 * 60 * 60 * 1_000;

/// Deletions by day.
#[derive(Debug, Serialize, ToSchema)]
struct DeletionCountsByDay {
    /// Each day of the range, also where nothing was deleted.
    data: Vec<DayOfDeletions>,
}

/// What was deleted on a day in UTC.
#[derive(Debug, Serialize, ToSchema)]
struct DayOfDeletions {
    #[schema(example = "2026-11-22")]
    day: String,
    /// Identifiers, with those of deleted profiles.
    identifiers: u64,
    /// Profiles, each merged profile once.
    profiles: u64,
}

/// The days that are asked for, by the time at which each begins.
pub(in crate::routes) struct Days(Vec<Time>);

const FROM: Parameter = day("from", "The first day, in UTC. 29 days before `to` by default.", Some("2026-11-01"));
const TO: Parameter =
    day("to", "The last day, at most 365 days after the first. Today by default.", Some("2026-11-30"));

const BY: Parameter = Parameter {
    name: "by",
    location: Location::Query,
    required: false,
    description: "Always `day`.",
    schema: || ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["day"])).build().into(),
    example: None,
};

const fn day(name: &'static str, description: &'static str, example: Option<&'static str>) -> Parameter {
    Parameter { name, location: Location::Query, required: false, description, schema: String::schema, example }
}

pub(in crate::routes) struct ListDeletionCounts;

impl Handler for ListDeletionCounts {
    const SPEC: Spec = Spec {
        id: "list_deletion_counts",
        method: Method::Get,
        path: "/v1/spaces/{space_id}/deletions/counts",
        permission: PermissionRule::Fixed(Permission::ReadDeletions),
        deletes: false,
        limit: Some(Limit::Reads),
        time: SHORT,
        body: BodyRule::Ignored,
    };

    const DOCS: Docs = Docs {
        tag: "deletions",
        summary: "Count deletions by day",
        description: "Tells how many identifiers and profiles were deleted on each day, as the journal has counted them: what \
            was deleted in the last seconds may be missing.",
        parameters: &[FROM, TO, BY],
        request: &[],
        responses: &[SuccessDoc {
            success: Success::Done,
            description: "The days, in order.",
            content: &[Content::json::<DeletionCountsByDay>()],
        }],
        errors: || vec![ApiError::MissingUrlParameters, ApiError::JournalOff],
    };

    type Request = Days;

    fn parse(cx: &RequestContext<'_>) -> Result<Days, ApiError> {
        let query = &cx.request.query;
        list::no_query_but(query, &["from", "to", "by"])?;
        let value = |name: &str| query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        if value("by").is_some_and(|by| by != "day") {
            return Err(ApiError::bad_request("The query parameter `by` must be `day`.", &[]));
        }
        let begin = |name: &'static str| value(name).map(|text| begin_of(name, text)).transpose();
        let to = begin("to")?.unwrap_or(cx.now.millis() / DAY_MILLIS * DAY_MILLIS);
        let from = begin("from")?.unwrap_or(to - (DEFAULT_DAYS - 1) * DAY_MILLIS);
        let count = (to - from) / DAY_MILLIS + 1;
        if !(1..=i64::from(MOST_DAYS)).contains(&count) {
            let text = "The query parameters `from` and `to` must be 1 to {} days, in this order.";
            return Err(ApiError::bad_request(text, &[&MOST_DAYS]));
        }
        Ok(Days((0..count).filter_map(|number| Time::from_millis(from + number * DAY_MILLIS)).collect()))
    }

    async fn run(cx: &RequestContext<'_>, Days(days): Days) -> Result<Response, Error> {
        let days: Vec<Day> = days.into_iter().map(Day::of).collect();
        let (Some(first), Some(last)) = (days.first(), days.last()) else {
            return Err(Error::Fault("a range of no days"));
        };
        let counted = cx.evidence()?.search().counts_of_days(&cx.access.space_id, first, last).await?;
        let count = |day: &Day, kind: &EventKind| {
            counted.get(day).and_then(|counts| counts.entries.get(kind)).copied().unwrap_or_default()
        };
        let of_day = |day: &Day| DayOfDeletions {
            day: day.to_string(),
            identifiers: count(day, &EventKind::IdentifierRemoved),
            profiles: count(day, &EventKind::ProfileDeleted),
        };
        Response::ok(&DeletionCountsByDay { data: days.iter().map(of_day).collect() })
    }
}

/// The begin of a day, in milliseconds.
fn begin_of(name: &'static str, text: &str) -> Result<i64, ApiError> {
    let day: Result<Day, _> = text.parse();
    let begin = day.ok().and_then(|day| Time::parse(&format!("{day}T00:00:00Z")).ok());
    begin
        .map(Time::millis)
        .ok_or_else(|| ApiError::bad_request("The query parameter `{}` must be a day such as 2026-01-31.", &[&name]))
}
