//! Admitting a page: each row becomes keyed hashes or a fault, and the page is committed as a whole.

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
use serde::Serialize;
use utoipa::ToSchema;

use crate::{RequestContext, response::store_failed, routes::profile};

/// Rejected rows that an answer lists at most (contract).
const LISTED: usize = 1_000;

/// Chunks that are written at once.
const AT_ONCE: usize = 2 * SHARDS as usize;

/// A row that was not accepted.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct Rejected {
    /// Its number within the page, from 0.
    row: usize,
    /// The word for programs.
    code: &'static str,
    /// The text for people.
    message: &'static str,
}

/// A page's rows, admitted.
pub(crate) struct Page {
    rows: Vec<Row>,
    /// Tells another page.
    content: String,
}

impl Page {
    /// Applies a space's rules to rows, and to the body that they are from.
    pub(super) fn admit(access: &Access, action: Action, dry_run: bool, raw: &[RawRow], body: &[u8]) -> Self {
        let types = &access.space.identifier_types;
        let rows: Vec<Row> = raw
            .iter()
            .map(|row| match action {
                Action::DeleteProfile => row.profile(types).map(|id| profile_row(access, &id, dry_run)),
                Action::DeleteIdentifier => row.identifier(types).map(|row| Row::Identifier {
                    is_user_id: row.target.id_type.is_user_id(),
                    lookup: profile::hash(access, &row.lookup.id_type, &row.lookup.value),
                    target: profile::hash(access, &row.target.id_type, &row.target.value),
                }),
            })
            .map(|row| row.unwrap_or_else(Row::Invalid))
            .collect();
        let mut content = access.key.request_content("page", action.as_str(), &pack(&rows));
        // What can't be read is told apart by the body only.
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

    pub(super) fn rows(&self) -> &[Row] {
        &self.rows
    }

    pub(super) fn content(&self) -> &str {
        &self.content
    }

    /// As the table holds it.
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

    fn faults(&self) -> impl Iterator<Item = (usize, RowFault)> {
        let fault = |(at, row): (usize, &Row)| match row {
            Row::Invalid(fault) => Some((at, *fault)),
            _ => None,
        };
        self.rows.iter().enumerate().filter_map(fault)
    }

    /// What the answer says of the rows.
    pub(super) fn answer(&self) -> PageAnswer {
        let rejected = |(row, fault): (usize, RowFault)| Rejected { row, code: fault.code(), message: fault.message() };
        let total = self.faults().count();
        PageAnswer {
            accepted: self.rows.len() - total,
            rejected: self.faults().take(LISTED).map(rejected).collect(),
            rejected_total: total,
        }
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

/// What an answer says of a page.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct PageAnswer {
    /// Rows that will have an outcome.
    accepted: usize,
    /// The first 1,000 rows that were not accepted.
    rejected: Vec<Rejected>,
    /// How many were not accepted in all.
    rejected_total: usize,
}

/// Writes a page's chunks. Nothing of it counts before the page is committed.
pub(crate) async fn post_page(
    call: &RequestContext<'_>,
    access: &Access,
    job: &JobId,
    number: u32,
    page: &Page,
    is_all: bool,
) -> Result<(), ApiError> {
    let (store, space) = (&call.app.store, &access.space_id);
    let user_ids = page.user_ids(is_all);
    let marks = user_ids.chunks(500).map(|ids| store.mark_targets(space, job, ids, call.now)).collect::<Vec<_>>();
    stream::iter(marks).buffer_unordered(AT_ONCE).try_collect::<()>().await.map_err(store_failed)?;
    let mut chunks = Vec::new();
    for (at, rows) in (0..).zip(page.rows.chunks(CHUNK_ROWS)) {
        chunks.push(store.put_rows(space, job, (number, &page.content), at, rows, call.now));
    }
    stream::iter(chunks).buffer_unordered(AT_ONCE).try_collect::<()>().await.map_err(store_failed)
}

fn lookup(row: &Row) -> Option<&IdHash> {
    if let Row::Identifier { lookup, .. } = row { Some(lookup) } else { None }
}

/// A dry run also looks whether the value in lower or in upper case would be found.
fn profile_row(access: &Access, id: &ExternalId, dry_run: bool) -> Row {
    let own = profile::hash(access, &id.id_type, &id.value);
    if !dry_run {
        return Row::Profile(own);
    }
    let value = id.value.expose();
    let mut others: Vec<IdHash> = [value.to_lowercase(), value.to_uppercase()]
        .into_iter()
        .filter_map(|other| IdentifierValue::parse(other).ok())
        .map(|other| profile::hash(access, &id.id_type, &other))
        .filter(|other| *other != own)
        .collect();
    others.dedup();
    Row::Plan { own, others }
}
