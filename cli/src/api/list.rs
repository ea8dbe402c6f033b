//! Lists that the API returns in pages.

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{Api, ApiRequest, encoded};
use crate::CliError;

/// The number of entries to request per page, which is the API's maximum.
const PAGE_SIZE: u64 = 100;

/// Entries of a list.
pub(crate) struct List<T> {
    pub(crate) entries: Vec<T>,
    /// The counts that the last page has beside its entries.
    pub(crate) counts: Option<Value>,
    /// Whether it is a list of a dry run.
    pub(crate) dry_run: bool,
    /// Whether the list goes on.
    pub(crate) has_more: bool,
}

/// A page of a list.
#[derive(Deserialize)]
struct Page<T> {
    data: Vec<T>,
    #[serde(default)]
    counts: Option<Value>,
    #[serde(default)]
    dry_run: bool,
    cursor: Cursor,
}

#[derive(Deserialize)]
struct Cursor {
    has_more: bool,
    next: Option<String>,
}

impl Api {
    /// Reads one page of a list, from a cursor on; an empty cursor is the beginning. The entries, and where the list goes on.
    pub(crate) async fn list_page<T: DeserializeOwned>(
        &self,
        path: &str,
        cursor: &str,
    ) -> Result<(Vec<T>, Option<String>), CliError> {
        let next = if cursor.is_empty() { String::new() } else { format!("&next={}", encoded(cursor)) };
        let request = ApiRequest::get(self.path(&format!("{path}?limit={PAGE_SIZE}{next}")));
        let page: Page<T> = self.request(&request).await?;
        Ok((page.data, page.cursor.next.filter(|next| page.cursor.has_more && !next.is_empty())))
    }

    /// Reads up to `limit` entries of a list. `query` begins with `&`, or is empty. `read` is told how many entries were
    /// read so far.
    pub(crate) async fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &str,
        limit: u64,
        read: impl Fn(u64),
    ) -> Result<List<T>, CliError> {
        self.list_where(path, query, limit, read, None).await
    }

    /// The same of those entries that are wanted.
    pub(crate) async fn list_where<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &str,
        limit: u64,
        read: impl Fn(u64),
        is_wanted: Option<&(dyn Fn(&T) -> bool + Sync)>,
    ) -> Result<List<T>, CliError> {
        let (mut entries, mut next) = (Vec::<T>::new(), String::new());
        loop {
            let page_size = if is_wanted.is_some() { PAGE_SIZE } else { PAGE_SIZE.min(limit - entries.len() as u64) };
            let request = ApiRequest::get(self.path(&format!("{path}?limit={page_size}{query}{next}")));
            let page: Page<T> = self.request(&request).await?;
            entries.extend(page.data.into_iter().filter(|entry| is_wanted.is_none_or(|is_wanted| is_wanted(entry))));
            read(entries.len() as u64);
            let next_page = page.cursor.next.filter(|next| page.cursor.has_more && !next.is_empty());
            if entries.len() as u64 > limit {
                entries.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
                return Ok(List { entries, counts: page.counts, dry_run: page.dry_run, has_more: true });
            }
            match next_page {
                Some(cursor) if (entries.len() as u64) < limit => next = format!("&next={}", encoded(&cursor)),
                more => {
                    let Page { counts, dry_run, .. } = page;
                    return Ok(List { entries, counts, dry_run, has_more: more.is_some() });
                }
            }
        }
    }
}
