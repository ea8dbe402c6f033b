//! The query of a list: which page, how large, of what.

use std::{collections::BTreeMap, str::FromStr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Serialize, de::DeserializeOwned};

use crate::api_error::ApiError;

/// The size of a page where the client names none.
pub const DEFAULT_LIMIT: usize = 25;

/// The largest page.
pub const MAX_LIMIT: usize = 100;

/// A list's query, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListQuery {
    /// 1 to [`MAX_LIMIT`].
    pub limit: usize,
    /// Where the page starts: the `next` of the page before, still sealed.
    pub next: Option<String>,
    /// Only these names, where the client named any.
    pub include: Option<Vec<String>>,
    /// Whether to tell more of each entry.
    pub verbose: bool,
    /// What else the list allows, by name.
    pub filters: BTreeMap<String, String>,
}

impl ListQuery {
    /// Reads `limit`, `next`, `include` and `verbose`; each at most once, and nothing else.
    pub fn parse(query: &[(String, String)]) -> Result<Self, ApiError> {
        Self::read(query, &["include", "verbose"])
    }

    /// Reads `limit`, `next` and what else is allowed; each at most once.
    pub fn read(query: &[(String, String)], allowed: &[&str]) -> Result<Self, ApiError> {
        let mut list =
            Self { limit: DEFAULT_LIMIT, next: None, include: None, verbose: false, filters: BTreeMap::new() };
        let mut seen = Vec::new();
        for (name, value) in query {
            if seen.contains(&name) {
                return Err(bad(format!("The query parameter `{name}` was sent more than once.")));
            }
            seen.push(name);
            match name.as_str() {
                "limit" => list.limit = limit(value)?,
                "next" => list.next = (!value.is_empty()).then(|| value.clone()),
                other if !allowed.contains(&other) => return Err(unknown(name)),
                "include" => list.include = Some(value.split(',').map(str::to_owned).collect()),
                "verbose" => list.verbose = flag(name, value)?,
                _ => _ = list.filters.insert(name.clone(), value.clone()),
            }
        }
        Ok(list)
    }

    /// A filter that is one of some words; `words` is how the refusal lists them.
    pub fn filter<T: FromStr>(&self, name: &str, words: &str) -> Result<Option<T>, ApiError> {
        let value = self.filters.get(name).map(|value| value.parse());
        value.transpose().map_err(|_| bad(format!("The query parameter `{name}` must be {words}.")))
    }
}

/// Refuses any query at all, but for the parameters named.
pub fn no_query_but(query: &[(String, String)], allowed: &[&str]) -> Result<(), ApiError> {
    query.iter().find(|(name, _)| !allowed.contains(&name.as_str())).map_or(Ok(()), |(name, _)| Err(unknown(name)))
}

/// Seals a position in a list into a `next`.
pub fn encode_cursor<T: Serialize>(position: &T) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(position).unwrap_or_default())
}

/// Opens a `next`; anything that [`encode_cursor`] did not make is refused.
pub fn decode_cursor<T: DeserializeOwned>(next: &str) -> Result<T, ApiError> {
    let bytes = URL_SAFE_NO_PAD.decode(next).map_err(|_| bad_cursor())?;
    serde_json::from_slice(&bytes).map_err(|_| bad_cursor())
}

/// The refusal of a `next` that is not of this list.
pub fn bad_cursor() -> ApiError {
    bad("The query parameter `next` is not one that this list gave; leave it out to start again.".to_owned())
}

fn limit(value: &str) -> Result<usize, ApiError> {
    let plain = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    let number = value.parse().ok().filter(|n| plain && (1..=MAX_LIMIT).contains(n));
    number.ok_or_else(|| bad(format!("The query parameter `limit` must be a whole number from 1 to {MAX_LIMIT}.")))
}

fn flag(name: &str, value: &str) -> Result<bool, ApiError> {
    value.parse().map_err(|_| bad(format!("The query parameter `{name}` must be `true` or `false`.")))
}

fn unknown(name: &str) -> ApiError {
    let name: String = name.chars().take(64).collect();
    bad(format!("The query parameter `{name}` is not known here."))
}

fn bad(text: String) -> ApiError {
    ApiError::BadRequest(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pairs: &[(&str, &str)]) -> Result<ListQuery, ApiError> {
        ListQuery::parse(&pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect::<Vec<_>>())
    }

    #[test]
    fn a_query_is_read_whole_or_refused() {
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
    fn a_position_comes_back_and_junk_does_not() {
        assert_eq!(decode_cursor::<(String, u8)>(&encode_cursor(&("a", 7))).unwrap(), ("a".to_owned(), 7));
        assert!(decode_cursor::<(String, u8)>("junk").is_err());
    }
}
