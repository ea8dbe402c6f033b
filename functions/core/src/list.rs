//! The query parameters of lists, and the cursors in `next`.

use std::{collections::BTreeMap, str::FromStr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Serialize, de::DeserializeOwned};

use crate::{api_error::ApiError, message::Quote};

/// The entries of a page if the client sends no `limit` (contract: `docs/limits.md`).
pub const DEFAULT_LIMIT: usize = 25;

/// The most entries of a page (contract: `docs/limits.md`).
pub const MAX_LIMIT: usize = 100;

/// The parsed query of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListQuery {
    /// The most entries of the page: 1 to [`MAX_LIMIT`].
    pub limit: usize,
    /// The `next` of the previous page, not yet decoded; `None` for the first page.
    pub next: Option<String>,
    /// The names to list; `None` means all.
    pub include: Option<Vec<String>>,
    /// Whether entries have their additional fields.
    pub verbose: bool,
    /// The list's own parameters by name, such as `state`. Values are not checked, see [`filter`](Self::filter).
    pub filters: BTreeMap<String, String>,
}

impl ListQuery {
    /// Parses `limit`, `next`, `include` and `verbose`.
    ///
    /// # Errors
    /// A parameter is unknown, repeated or malformed.
    pub fn parse(query: &[(String, String)]) -> Result<Self, ApiError> {
        Self::read(query, &["include", "verbose"])
    }

    /// Parses `limit`, `next` and the parameters in `allowed`.
    ///
    /// # Errors
    /// A parameter is unknown, repeated or malformed. Values of [`filters`](Self::filters) are not checked.
    pub fn read(query: &[(String, String)], allowed: &[&str]) -> Result<Self, ApiError> {
        let mut list =
            Self { limit: DEFAULT_LIMIT, next: None, include: None, verbose: false, filters: BTreeMap::new() };
        check_once(query)?;
        for (name, value) in query {
            match name.as_str() {
                "limit" => list.limit = limit(value)?,
                "next" => list.next = (!value.is_empty()).then(|| value.clone()),
                other if !allowed.contains(&other) => return Err(unknown(name)),
                "include" => list.include = Some(value.split(',').map(str::to_owned).collect()),
                "verbose" => list.verbose = flag(value)?,
                _ => _ = list.filters.insert(name.clone(), value.clone()),
            }
        }
        Ok(list)
    }

    /// The parsed value of one of [`filters`](Self::filters), if the client sent it.
    ///
    /// # Errors
    /// The value can't be parsed; `words` completes the message "The query parameter `…` must be …".
    pub fn filter<T: FromStr>(&self, name: &'static str, words: &'static str) -> Result<Option<T>, ApiError> {
        let value = self.filters.get(name).map(|value| value.parse());
        value.transpose().map_err(|_| ApiError::bad_request("The query parameter `{}` must be {}.", &[&name, &words]))
    }
}

/// Checks that the query has no parameters but those in `allowed`, and each at most once.
///
/// # Errors
/// The message names the first other, or repeated, parameter.
pub fn no_query_but(query: &[(String, String)], allowed: &[&str]) -> Result<(), ApiError> {
    let other = query.iter().find(|(name, _)| !allowed.contains(&name.as_str()));
    other.map_or_else(|| check_once(query), |(name, _)| Err(unknown(name)))
}

/// The same without any parameter, for a path that ends with a value: a parameter may be the rest of a value that was not
/// percent-encoded.
///
/// # Errors
/// The message names the first parameter.
pub fn no_query_after_value(query: &[(String, String)]) -> Result<(), ApiError> {
    let error = |(name, _): &(String, String)| {
        ApiError::bad_request(
            "The query parameter `{}` is not known here. Percent-encode the value in the path: a `?` in it that is not \
             encoded ends it.",
            &[&Quote(name)],
        )
    };
    query.first().map_or(Ok(()), |first| Err(error(first)))
}

fn check_once(query: &[(String, String)]) -> Result<(), ApiError> {
    let is_repeated = |at: usize| query[..at].iter().any(|(name, _)| *name == query[at].0);
    let error =
        |at: usize| ApiError::bad_request("The query parameter `{}` was sent more than once.", &[&Quote(&query[at].0)]);
    (0..query.len()).find(|at| is_repeated(*at)).map_or(Ok(()), |at| Err(error(at)))
}

/// Encodes a cursor for `next`: URL-safe base64 of its JSON. It is neither encrypted nor signed.
pub fn encode_cursor<T: Serialize>(cursor: &T) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(cursor).unwrap_or_default())
}

/// Decodes a `next`. Clients can forge one, so the caller must not trust its contents.
///
/// # Errors
/// [`bad_cursor`] if it is not base64 of the JSON of a `T`.
pub fn decode_cursor<T: DeserializeOwned>(next: &str) -> Result<T, ApiError> {
    let bytes = URL_SAFE_NO_PAD.decode(next).map_err(|_| bad_cursor())?;
    serde_json::from_slice(&bytes).map_err(|_| bad_cursor())
}

/// The error for a `next` that this list did not return.
pub fn bad_cursor() -> ApiError {
    ApiError::bad_request(
        "The query parameter `next` is not one that this list gave; leave it out to start again.",
        &[],
    )
}

fn limit(value: &str) -> Result<usize, ApiError> {
    let plain = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    let number = value.parse().ok().filter(|n| plain && (1..=MAX_LIMIT).contains(n));
    number.ok_or_else(|| {
        ApiError::bad_request("The query parameter `limit` must be a whole number from 1 to {}.", &[&MAX_LIMIT])
    })
}

fn flag(value: &str) -> Result<bool, ApiError> {
    value.parse().map_err(|_| ApiError::bad_request("The query parameter `verbose` must be `true` or `false`.", &[]))
}

fn unknown(name: &str) -> ApiError {
    ApiError::bad_request("The query parameter `{}` is not known here.", &[&Quote(name)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pairs: &[(&str, &str)]) -> Result<ListQuery, ApiError> {
        ListQuery::parse(&pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect::<Vec<_>>())
    }

    #[test]
    fn a_query_is_parsed_completely_or_rejected() {
        assert_eq!(parse(&[]).unwrap().limit, 25);
        let list = parse(&[("limit", "100"), ("include", "email,user_id"), ("verbose", "true")]).unwrap();
        assert_eq!((list.limit, list.verbose), (100, true));
        for bad in [
            &[("limit", "0")][..],
            &[("limit", "101")],
            &[("limit", "+5")],
            &[("limit", "")],
            &[("verbose", "yes")],
            &[("x", "")],
            &[("limit", "1"), ("limit", "2")],
        ] {
            assert!(matches!(parse(bad), Err(ApiError::BadRequest(_))), "{bad:?}");
        }
    }

    #[test]
    fn a_cursor_is_decoded_and_junk_is_rejected() {
        assert_eq!(decode_cursor::<(String, u8)>(&encode_cursor(&("a", 7))).unwrap(), ("a".to_owned(), 7));
        assert!(decode_cursor::<(String, u8)>("junk").is_err());
    }
}
