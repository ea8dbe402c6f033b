//! A profile's traits, page by page.

use std::{collections::BTreeMap, ops::Bound};

use efface_aws::store::profile::Trait;
use efface_core::{api_error::ApiError, list, time::Time};
use efface_engine::access::Access;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::profile;
use crate::{
    RequestContext,
    openapi::Cursor,
    response::{Response, store_failed},
    route::Route,
};

/// A page ends early after so many bytes, so that it fits the answer of a function.
const MAX_PAGE: usize = 1_024 * 1_024;

/// A page of a profile's traits, by name.
#[derive(Debug, Serialize, ToSchema)]
pub struct TraitsPage {
    /// Each trait's value; with `verbose=true`, an object of its value, source and time.
    #[schema(value_type = std::collections::HashMap<String, serde_json::Value>)]
    traits: BTreeMap<String, TraitEntry>,
    /// Where to go on.
    cursor: Cursor,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum TraitEntry {
    Plain(Box<RawValue>),
    Verbose { value: Box<RawValue>, source_id: Option<String>, updated_at: Time },
}

/// Lists a profile's traits in the order of their names. Where merged profiles differ, the newest value is listed.
#[utoipa::path(get, path = "/v1/spaces/{space_id}/collections/{collection}/profiles/{profile}/traits",
    tag = "profiles",
    params(crate::openapi::ProfileParams, crate::openapi::ListParams),
    responses((status = 200, description = "A page of traits.", body = TraitsPage), crate::openapi::ReadErrors))]
pub(crate) async fn get(call: &RequestContext<'_>, access: &Access, route: &Route<'_>) -> Result<Response, ApiError> {
    let (whole, query) = profile::find(call, access, route).await?;
    let after = query.next.as_deref().map(list::decode_cursor::<String>).transpose()?;
    let mut all = call.app.store.list_traits(&access.space_id, &whole).await.map_err(store_failed)?;
    if let Some(names) = &query.include {
        all.retain(|name, _| names.contains(name));
    }
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    let mut rest = all.range((from, Bound::Unbounded)).peekable();
    let mut traits = BTreeMap::new();
    let mut bytes = 0;
    while let Some((name, value)) = rest.next_if(|_| traits.len() < query.limit && bytes < MAX_PAGE) {
        bytes += name.len() + value.value.get().len();
        traits.insert(name.clone(), entry(value, query.verbose));
    }
    let last = traits.keys().next_back().filter(|_| rest.peek().is_some());
    let cursor = Cursor::new(call.request, last.map(list::encode_cursor));
    Response::ok(&TraitsPage { traits, cursor })
}

fn entry(value: &Trait, verbose: bool) -> TraitEntry {
    let raw = value.value.clone();
    if verbose {
        TraitEntry::Verbose { value: raw, source_id: None, updated_at: value.updated_at }
    } else {
        TraitEntry::Plain(raw)
    }
}
