//! What a deletion says to the API: where to, and what.

use std::net::IpAddr;

use efface_core::{
    identifier::{ExternalId, IdentifierError, IdentifierType, IdentifierValue, USER_ID},
    space::SpaceId,
};
use hyper::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use crate::{CliError, settings::SettingError};

/// Everything but RFC 3986's unreserved characters: what else a front door would read its own way.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Where the API answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiUrl {
    /// The name that the server is asked for.
    pub(crate) host: String,
    /// Scheme and address to connect to, and the stage's path, without a slash at the end.
    pub(crate) base: String,
}

impl ApiUrl {
    pub(crate) fn parse(text: &str) -> Result<Self, SettingError> {
        let bad = SettingError::ApiUrl;
        let uri: Uri = text.trim().parse().map_err(|_| bad("not a URL, such as https://host/stage"))?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(bad("it must begin with https://, or on this machine with http://"));
        };
        if authority.as_str().contains('@') || uri.query().is_some() {
            return Err(bad("it must hold neither user, password nor query"));
        }
        let host = uri.host().unwrap_or_default();
        match scheme {
            "https" => {}
            "http" if is_here(host) => {}
            "http" => return Err(bad("http:// would send the token in the clear; use https://")),
            _ => return Err(bad("it must begin with https://, or on this machine with http://")),
        }
        // Names below localhost are this machine (RFC 6761), but few resolvers know.
        let address = match uri.port() {
            _ if !host.ends_with(".localhost") || scheme == "https" => authority.to_string(),
            Some(port) => format!("127.0.0.1:{port}"),
            None => "127.0.0.1".to_owned(),
        };
        let base = format!("{scheme}://{address}{}", uri.path().trim_end_matches('/'));
        Ok(Self { host: authority.to_string(), base })
    }
}

fn is_here(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || host.ends_with(".localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// One deletion, ready to be sent any number of times.
pub(crate) struct Deletion {
    /// The path below the API's URL.
    pub(crate) path: String,
    /// The JSON body.
    pub(crate) body: String,
    /// The idempotency key.
    pub(crate) key: String,
}

impl Deletion {
    pub(crate) fn new(
        space: &SpaceId,
        user_id: &str,
        id_type: &IdentifierType,
        id: &str,
        key: String,
    ) -> Result<Self, CliError> {
        let lookup = value("--user-id", user_id)?;
        let target = ExternalId { id_type: id_type.clone(), value: value("--id", id)? };
        let body = json!({"delete_external_ids": [
            {"id": target.value.expose(), "type": target.id_type.as_str()},
        ]});
        let lookup = utf8_percent_encode(lookup.expose(), RESERVED);
        let path = format!("/v1/spaces/{space}/collections/users/profiles/{USER_ID}:{lookup}/external_ids/delete");
        Ok(Self { path, body: body.to_string(), key })
    }
}

/// Checked here and not by the parser of the command line, which would print a bad value.
fn value(option: &str, text: &str) -> Result<IdentifierValue, CliError> {
    IdentifierValue::parse(text).map_err(|error: IdentifierError| CliError::BadIdentifier(format!("{option}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, host: &str, base: &str) {
        let expected = ApiUrl { host: host.to_owned(), base: base.to_owned() };
        assert_eq!(ApiUrl::parse(url).unwrap(), expected, "{url}");
    }

    #[test]
    fn urls_of_every_front_door() {
        let gateway = "abc.execute-api.us-west-2.amazonaws.com";
        check(&format!("https://{gateway}/prod/"), gateway, &format!("https://{gateway}/prod"));
        check("http://127.0.0.1:9000", "127.0.0.1:9000", "http://127.0.0.1:9000");
        check("http://[::1]:9000/", "[::1]:9000", "http://[::1]:9000");
        let local = "abc.execute-api.localhost:4566";
        check(&format!("http://{local}/prod"), local, "http://127.0.0.1:4566/prod");
    }

    #[test]
    fn a_token_never_goes_out_in_the_clear() {
        for bad in ["http://example.com", "http://localhost.example.com", "ftp://127.0.0.1", "example.com", "", "/v1"] {
            assert!(ApiUrl::parse(bad).is_err(), "{bad}");
        }
        for bad in ["https://user@example.com", "https://example.com/?a=b"] {
            assert!(ApiUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn everything_but_the_unreserved_is_encoded() {
        let (space, email) = (SpaceId::parse("spa_demo").unwrap(), IdentifierType::parse("email").unwrap());
        let deletion = Deletion::new(&space, "a:b/c?d#e%f+g h\"é~._-", &email, "\"\\", "k".to_owned()).unwrap();
        let lookup = "user_id:a%3Ab%2Fc%3Fd%23e%25f%2Bg%20h%22%C3%A9~._-";
        assert_eq!(
            deletion.path,
            format!("/v1/spaces/spa_demo/collections/users/profiles/{lookup}/external_ids/delete")
        );
        assert_eq!(deletion.body, r#"{"delete_external_ids":[{"id":"\"\\","type":"email"}]}"#);
    }

    #[test]
    fn a_bad_value_is_named_by_its_option_only() {
        let (space, email) = (SpaceId::parse("spa_demo").unwrap(), IdentifierType::parse("email").unwrap());
        let long = "x".repeat(2_049);
        let Err(error) = Deletion::new(&space, "u", &email, &long, "k".to_owned()) else { panic!("too long") };
        assert!(error.to_string().starts_with("--id: ") && !error.to_string().contains("xx"));
    }
}
