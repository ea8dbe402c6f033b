//! The base URL of the API, and the encoding of values in its paths.

use std::{fmt::Display, net::IpAddr};

use hyper::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::settings::SettingError;

/// Everything but the unreserved characters of RFC 3986, because gateways interpret other characters differently.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Percent-encodes a value for a path or a query.
pub(crate) fn encoded(value: &str) -> impl Display {
    utf8_percent_encode(value, RESERVED)
}

/// The base URL of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiUrl {
    /// The value of the `Host` header.
    pub(crate) host: String,
    /// The scheme, the address to connect to, and the stage's path without a trailing slash.
    pub(crate) base: String,
}

impl ApiUrl {
    /// The URL as its user knows it: the base with the host's own name.
    pub(crate) fn shown(&self) -> String {
        let (scheme, rest) = self.base.split_once("://").unwrap_or_default();
        let path = rest.find('/').map_or("", |at| &rest[at..]);
        format!("{scheme}://{}{path}", self.host)
    }

    /// The URL of the API, to which the token is sent.
    pub(crate) fn parse(text: &str) -> Result<Self, SettingError> {
        Self::read(text, false).map_err(SettingError::ApiUrl)
    }

    /// The URL of a public site, to which no secret is sent.
    pub(crate) fn parse_public(text: &str) -> Result<Self, SettingError> {
        Self::read(text, true).map_err(SettingError::LogUrl)
    }

    fn read(text: &str, is_public: bool) -> Result<Self, &'static str> {
        let uri: Uri = text.trim().parse().map_err(|_| "it is not a URL, such as https://host/stage")?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err("it must begin with https://, or for this machine with http://");
        };
        if authority.as_str().contains('@') || uri.query().is_some() {
            return Err("it must not contain a user, a password or a query");
        }
        let host = uri.host().unwrap_or_default();
        match scheme {
            "https" => {}
            "http" if is_public || is_loopback(host) => {}
            "http" => return Err("http:// would send the token unencrypted; use https://"),
            _ => return Err("it must begin with https://, or for this machine with http://"),
        }
        // Names below localhost mean this machine (RFC 6761), but many resolvers do not resolve them.
        let address = match uri.port() {
            _ if !host.ends_with(".localhost") || scheme == "https" => authority.to_string(),
            Some(port) => format!("127.0.0.1:{port}"),
            None => "127.0.0.1".to_owned(),
        };
        let base = format!("{scheme}://{address}{}", uri.path().trim_end_matches('/'));
        Ok(Self { host: authority.to_string(), base })
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || host.ends_with(".localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, host: &str, base: &str) {
        let expected = ApiUrl { host: host.to_owned(), base: base.to_owned() };
        let parsed = ApiUrl::parse(url).unwrap();
        assert_eq!(parsed, expected, "{url}");
        assert_eq!(parsed.shown(), url.trim_end_matches('/'));
    }

    #[test]
    fn urls_of_every_gateway_are_read() {
        let gateway = "abc.execute-api.us-west-2.amazonaws.com";
        check(&format!("https://{gateway}/prod/"), gateway, &format!("https://{gateway}/prod"));
        check("http://127.0.0.1:9000", "127.0.0.1:9000", "http://127.0.0.1:9000");
        check("http://[::1]:9000/", "[::1]:9000", "http://[::1]:9000");
        let local = "abc.execute-api.localhost:4566";
        check(&format!("http://{local}/prod"), local, "http://127.0.0.1:4566/prod");
    }

    #[test]
    fn a_url_that_would_leak_the_token_is_rejected() {
        for bad in ["http://example.com", "http://localhost.example.com", "ftp://127.0.0.1", "example.com", "", "/v1"] {
            assert!(ApiUrl::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(ApiUrl::parse_public("http://example.com/log/").unwrap().base, "http://example.com/log");
        for bad in ["https://user@example.com", "https://example.com/?a=b"] {
            assert!(ApiUrl::parse(bad).is_err(), "{bad}");
        }
    }
}
