//! Pages of rows: each row becomes keyed hashes or a fault, and the page is committed as a whole.

use std::collections::HashSet;

use efface_aws::store::job::{Page as StoredPage, SHARDS};
use efface_core::{
    api_error::ApiError,
    identifier::{ExternalId, IdentifierValue},
    job::chunk::{CHUNK_ROWS, Row, pack},
    job::{Action, JobId},
    key::IdHash,
    rows::{RawRow, RowFault},
};
use efface_engine::access::Access;
use futures::{StreamExt, TryStreamExt, stream};

use super::hash;
use crate::{context::RequestContext, response::store_failed};

/// Chunks that are written at once.
const AT_ONCE: usize = 2 * SHARDS as usize;

/// The rows of a page, by the rules of the space.
pub(crate) struct Page {
    rows: Vec<Row>,
    /// A keyed hash: the same for the same page only.
    content: String,
}

impl Page {
    /// Applies the rules of a space to rows, and to the body that they are from.
    pub(crate) fn admit(access: &Access, action: Action, dry_run: bool, raw: &[RawRow], body: &[u8]) -> Self {
        let types = &access.space.identifier_types;
        let rows: Vec<Row> = raw
            .iter()
            .map(|row| match action {
                Action::DeleteProfile => row.profile(types).map(|id| profile_row(access, &id, dry_run)),
                Action::DeleteIdentifier => row.identifier(types).map(|row| Row::Identifier {
                    is_user_id: row.target.id_type.is_user_id(),
                    lookup: hash(access, &row.lookup.id_type, &row.lookup.value),
                    target: hash(access, &row.target.id_type, &row.target.value),
                }),
            })
            .map(|row| row.unwrap_or_else(Row::Invalid))
            .collect();
        let mut content = access.key.request_content("page", action.as_str(), &pack(&rows));
        // Rows that cannot be read have no hashes: only the body tells two such pages apart.
        if rows.iter().any(|row| matches!(row, Row::Invalid(_))) {
            content = access.key.request_content("page", &content, body);
        }
        Self { rows, content }
    }

    /// A page of one row: one profile.
    pub(crate) fn of_profile(access: &Access, own: IdHash) -> Self {
        let rows = vec![Row::Profile(own)];
        let content = access.key.request_content("page", Action::DeleteProfile.as_str(), &pack(&rows));
        Self { rows, content }
    }

    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }

    pub(crate) fn content(&self) -> &str {
        &self.content
    }

    /// The page as the table holds it.
    pub(crate) fn stored(&self, page: u32) -> StoredPage {
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        StoredPage {
            page,
            content: self.content.clone(),
            rows: count(self.rows.len()),
            invalid: count(self.faults().count()),
            chunks: u32::try_from(self.rows.len().div_ceil(CHUNK_ROWS)).unwrap_or(u32::MAX),
        }
    }

    /// The rows that cannot be read, by their number in the page.
    pub(crate) fn faults(&self) -> impl Iterator<Item = (usize, RowFault)> {
        let fault = |(at, row): (usize, &Row)| match row {
            Row::Invalid(fault) => Some((at, *fault)),
            _ => None,
        };
        self.rows.iter().enumerate().filter_map(fault)
    }

    /// The `user_id`s that rows delete. Where all rows are known, they matter only if others look up by one of them.
    fn user_ids(&self, is_all: bool) -> Vec<&IdHash> {
        let lookups: HashSet<&IdHash> = self.rows.iter().filter_map(lookup).collect();
        let targets = self.rows.iter().filter_map(|row| match row {
            Row::Identifier { target, is_user_id: true, .. } => Some(target),
            _ => None,
        });
        let targets: HashSet<&IdHash> = targets.collect();
        if is_all && targets.is_disjoint(&lookups) { Vec::new() } else { targets.into_iter().collect() }
    }
}

/// Writes a page's chunks. Nothing of it counts before the page is committed.
pub(crate) async fn post_page(
    cx: &RequestContext<'_>,
    job: &JobId,
    number: u32,
    page: &Page,
    is_all: bool,
) -> Result<(), ApiError> {
    let (store, space) = (&cx.app.store, &cx.access.space_id);
    let user_ids = page.user_ids(is_all);
    let marks = user_ids.chunks(500).map(|ids| store.mark_targets(space, job, ids, cx.now)).collect::<Vec<_>>();
    stream::iter(marks).buffer_unordered(AT_ONCE).try_collect::<()>().await.map_err(store_failed)?;
    let mut chunks = Vec::new();
    for (at, rows) in (0..).zip(page.rows.chunks(CHUNK_ROWS)) {
        chunks.push(store.put_rows(space, job, (number, &page.content), at, rows, cx.now));
    }
    stream::iter(chunks).buffer_unordered(AT_ONCE).try_collect::<()>().await.map_err(store_failed)
}

fn lookup(row: &Row) -> Option<&IdHash> {
    if let Row::Identifier { lookup, .. } = row { Some(lookup) } else { None }
}

/// A dry run also looks whether the value in lower or in upper case would be found.
fn profile_row(access: &Access, id: &ExternalId, dry_run: bool) -> Row {
    let own = hash(access, &id.id_type, &id.value);
    if !dry_run {
        return Row::Profile(own);
    }
    let value = id.value.expose();
    let mut others: Vec<IdHash> = [value.to_lowercase(), value.to_uppercase()]
        .into_iter()
        .filter_map(|other| IdentifierValue::parse(other).ok())
        .map(|other| hash(access, &id.id_type, &other))
        .filter(|other| *other != own)
        .collect();
    others.dedup();
    Row::Plan { own, others }
}
