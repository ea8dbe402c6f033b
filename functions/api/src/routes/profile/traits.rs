//! The traits of a profile, page by page.

use std::{collections::BTreeMap, ops::Bound};

use efface_aws::store::profile::Trait;
use efface_core::{api_error::ApiError, limit::Limit, role::Permission, time::Time};
use efface_engine::Error;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::find::{self, ProfileList, find};
use crate::{
    body::BodyRule,
    context::RequestContext,
    cursor::Cursor,
    endpoint::{Content, Docs, Method, SHORT, Spec, SuccessDoc},
    permission::PermissionRule,
    pipeline::Handler,
    response::{Response, Success},
    routes::parameters::{INCLUDE, LIMIT, NEXT, VERBOSE},
};

/// A page ends after so many bytes, so that it fits the response of a Lambda function (6 MB).
const MAX_PAGE: usize = 1_024 * 1_024;

/// A page of a profile's traits, by name.
#[derive(Debug, Serialize, ToSchema)]
struct TraitsPage {
    /// The value of each trait; with `verbose=true`, an object of its value, source and time.
    #[schema(value_type = std::collections::HashMap<String, serde_json::Value>)]
    traits: BTreeMap<String, TraitEntry>,
    cursor: Cursor,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum TraitEntry {
    Plain(Box<RawValue>),
    Verbose { value: Box<RawValue>, source_id: Option<String>, updated_at: Time },
}

pub(in crate::routes) struct ListTraits;

impl Handler for ListTraits {
    const SPEC: Spec = Spec {
        id: "list_traits",
        method: Method::Get,
        path: "/v1/spaces/{space_id}/collections/{collection}/profiles/{profile}/traits",
        permission: PermissionRule::Fixed(Permission::ReadProfiles),
        deletes: false,
        limit: Some(Limit::Reads),
        time: SHORT,
        body: BodyRule::Ignored,
    };

    const DOCS: Docs = Docs {
        tag: "profiles",
        summary: "List the traits of a profile",
        description: "Lists the traits of a profile in the order of their names. Where the members of a merged profile \
            differ, the newest value is listed.",
        parameters: &[LIMIT, NEXT, INCLUDE, VERBOSE],
        request: &[],
        responses: &[SuccessDoc {
            success: Success::Done,
            description: "A page of traits.",
            content: &[Content::json::<TraitsPage>()],
        }],
        errors: find::errors,
    };

    type Request = ProfileList<String>;

    fn parse(cx: &RequestContext<'_>) -> Result<Self::Request, ApiError> {
        ProfileList::parse(cx)
    }

    async fn run(cx: &RequestContext<'_>, request: Self::Request) -> Result<Response, Error> {
        let ProfileList { selector, query, start } = request;
        let head = find(cx, &selector).await?;
        let mut all = cx.app.store.list_traits(&cx.access.space_id, &head).await?;
        if let Some(names) = &query.include {
            all.retain(|name, _| names.contains(name));
        }
        let from = start.map_or(Bound::Unbounded, Bound::Excluded);
        let mut rest = all.range((from, Bound::Unbounded)).peekable();
        let mut traits = BTreeMap::new();
        let mut bytes = 0;
        while let Some((name, value)) = rest.next_if(|_| traits.len() < query.limit && bytes < MAX_PAGE) {
            bytes += name.len() + value.value.get().len();
            traits.insert(name.clone(), entry(value, query.verbose));
        }
        let last = traits.keys().next_back().filter(|_| rest.peek().is_some());
        let cursor = Cursor::new(cx.request, last);
        Response::ok(&TraitsPage { traits, cursor })
    }
}

fn entry(value: &Trait, verbose: bool) -> TraitEntry {
    let raw = value.value.clone();
    if verbose {
        TraitEntry::Verbose { value: raw, source_id: None, updated_at: value.updated_at }
    } else {
        TraitEntry::Plain(raw)
    }
}
