//! Admitting a page: each row becomes keyed hashes or a fault.

use std::collections::HashSet;

use efface_core::{
    identifier::{ExternalId, IdentifierValue},
    job::{
        Action, JobHead, Page, SHARDS,
        chunk::CHUNK_ROWS,
        near_miss::{NearMiss, other_forms},
        row::{Lookup, Row, pack},
    },
    key::IdHash,
    rows::{ProfileLookup, RawRow, RowFault},
    space::SpaceId,
    user_id_rule::needs_guard,
};
use futures::{StreamExt, TryStreamExt, stream};

use crate::{Engine, Error, access::Access};

/// Chunks that are written at once.
const AT_ONCE: usize = 2 * SHARDS as usize;

/// `user_id`s that are noted in one request after the other.
const TARGETS: usize = 500;

/// A page's rows by the rules of their space.
#[derive(Debug)]
pub struct AdmittedPage {
    rows: Vec<Row>,
    /// A keyed hash, by which another page is recognised.
    content: String,
}

impl AdmittedPage {
    /// Applies a space's rules to rows, which are from this body.
    pub fn new(access: &Access, action: Action, dry_run: bool, raw: &[RawRow], body: &[u8]) -> Self {
        let types = &access.space.identifier_types;
        let rows: Vec<Row> = raw
            .iter()
            .map(|row| match action {
                Action::DeleteProfile | Action::DeleteSegment => row.profile(types).map(|lookup| match lookup {
                    ProfileLookup::Identifier(id) => profile_row(access, &id, dry_run),
                    ProfileLookup::Id(profile) => Row::ProfileId(profile),
                }),
                Action::DeleteIdentifier => row.identifier(types).map(|row| Row::Identifier {
                    is_user_id: needs_guard(&row.target.id_type),
                    lookup: lookup(access, &row.lookup),
                    target: access.hash(&row.target.id_type, &row.target.value),
                }),
            })
            .map(|row| row.unwrap_or_else(Row::Invalid))
            .collect();
        let mut content = access.key.request_content("page", action.as_str(), &pack(&rows));
        // Rows that cannot be read are told apart by the body only.
        if rows.iter().any(|row| matches!(row, Row::Invalid(_))) {
            content = access.key.request_content("page", &content, body);
        }
        Self { rows, content }
    }

    /// A page of one row, for one profile.
    pub(crate) fn of_profile(access: &Access, own: IdHash) -> Self {
        Self::of_rows(access, vec![Row::Profile(own)])
    }

    /// A page of rows that delete profiles.
    pub(crate) fn of_rows(access: &Access, rows: Vec<Row>) -> Self {
        let content = access.key.request_content("page", Action::DeleteProfile.as_str(), &pack(&rows));
        Self { rows, content }
    }

    /// The rows.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// A keyed hash of the rows.
    pub fn content(&self) -> &str {
        &self.content
    }

    /// The rows that cannot be read, by their numbers from 0.
    pub fn faults(&self) -> impl Iterator<Item = (usize, RowFault)> {
        let fault = |(at, row): (usize, &Row)| match row {
            Row::Invalid(fault) => Some((at, *fault)),
            _ => None,
        };
        self.rows.iter().enumerate().filter_map(fault)
    }

    /// The page as it is committed under a number.
    pub fn stored(&self, page: u32) -> Page {
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        Page {
            page,
            content: self.content.clone(),
            rows: count(self.rows.len()),
            invalid: count(self.faults().count()),
            chunks: u32::try_from(self.rows.len().div_ceil(CHUNK_ROWS)).unwrap_or(u32::MAX),
        }
    }

    /// The `user_id`s that rows delete and that may guard others. In a job whose rows are all on this page, they matter
    /// only if some row looks up by one of them, or has to find its guard.
    fn targets(&self, is_all: bool) -> Vec<IdHash> {
        let lookups: HashSet<IdHash> = self.rows.iter().filter_map(Row::lookup).collect();
        let finds_guard = |row: &Row| match row {
            Row::Identifier { lookup, is_user_id, .. } => *is_user_id && lookup.user_id().is_none(),
            _ => false,
        };
        let may_matter = !is_all || self.rows.iter().any(finds_guard);
        let targets = self.rows.iter().filter_map(|row| match row {
            Row::Identifier { target, is_user_id: true, .. } => Some(*target),
            _ => None,
        });
        let targets: HashSet<IdHash> = targets.collect();
        if !may_matter && targets.is_disjoint(&lookups) { Vec::new() } else { targets.into_iter().collect() }
    }
}

fn lookup(access: &Access, lookup: &ProfileLookup) -> Lookup {
    match lookup {
        ProfileLookup::Id(profile) => Lookup::Profile(*profile),
        ProfileLookup::Identifier(id) if id.id_type.is_user_id() => Lookup::UserId(access.hash(&id.id_type, &id.value)),
        ProfileLookup::Identifier(id) => Lookup::Other(access.hash(&id.id_type, &id.value)),
    }
}

/// A row of a dry run also looks whether other forms of the value would be found.
fn profile_row(access: &Access, id: &ExternalId, dry_run: bool) -> Row {
    let own = access.hash(&id.id_type, &id.value);
    if !dry_run {
        return Row::Profile(own);
    }
    let mut others: Vec<(NearMiss, IdHash)> = Vec::new();
    for (near_miss, form) in other_forms(id.value.expose()) {
        // A value that could not be stored is not looked for, nor one that the space takes for the same.
        let hash = IdentifierValue::parse(form).ok().map(|form| access.hash(&id.id_type, &form));
        let is_new = |hash: &IdHash| *hash != own && others.iter().all(|(_, other)| other != hash);
        others.extend(hash.filter(is_new).map(|hash| (near_miss, hash)));
    }
    Row::Plan { own, others }
}

impl Engine {
    /// Writes a page's chunks, and notes its targets. Nothing of it counts before the page is committed.
    pub(crate) async fn put_page(
        &self,
        space: &SpaceId,
        head: &JobHead,
        number: u32,
        page: &AdmittedPage,
        is_all: bool,
    ) -> Result<(), Error> {
        let (store, job, until) = (&self.store, head.job_id, head.rows_until());
        let targets = page.targets(is_all);
        let content = (number, page.content.as_str());
        let note = |ids| store.note_targets(space, job, content, ids, until);
        let notes = targets.chunks(TARGETS).map(note).collect::<Vec<_>>();
        stream::iter(notes).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        let mut chunks = Vec::new();
        for (at, rows) in (0..).zip(page.rows.chunks(CHUNK_ROWS)) {
            chunks.push(store.put_rows(space, job, content, at, rows, until));
        }
        Ok(stream::iter(chunks).buffer_unordered(AT_ONCE).try_collect::<()>().await?)
    }
}
