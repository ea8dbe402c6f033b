//! Parsing of requests on a profile: the path, and the body of a single deletion. The order of the checks is part of the
//! contract (`docs/api.md`).

use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    api_error::ApiError,
    identifier::{ExternalId, GROUP_ID, IdentifierType, IdentifierValue, MAX_VALUE_BYTES},
    json::{self, JsonError, Object},
    message::Quote,
    path::{self, PathEncoding},
    rows::without_bom,
    space::IdentifierTypes,
};

/// The only collection that the API accepts (contract: `docs/api.md`).
pub const USERS: &str = "users";

/// The parts of the path that name a profile: collection and `type:value`, encoded as the event source hands them over.
#[derive(Debug, Clone, Copy)]
pub struct ProfilePath<'a> {
    /// The text between `/collections/` and `/profiles/`.
    pub collection: &'a str,
    /// The text after `/profiles/`, up to the rest of the route, such as `/external_ids/delete`.
    pub selector: &'a str,
}

/// A decoded `type:value`. The type is not checked: it may be one that no space knows.
#[derive(Debug, Clone)]
pub struct Selector {
    /// The text before the first colon; not empty.
    pub id_type: String,
    /// The text after the first colon.
    pub value: IdentifierValue,
}

impl ProfilePath<'_> {
    /// Decodes and checks both parts. Of several faults the first in the contract's order is reported.
    ///
    /// # Errors
    /// In this order: a part is missing, can't be decoded, is too long; the collection is not [`USERS`].
    pub fn parse(self, encoding: PathEncoding) -> Result<Selector, ApiError> {
        let collection = path::decode(self.collection, encoding);
        let selector = path::decode(self.selector, encoding);
        let (id_type, value) = path::split_selector(selector.as_deref().unwrap_or(self.selector));
        if self.collection.is_empty() || id_type.is_empty() || value.is_empty() {
            return Err(ApiError::MissingUrlParameters);
        }
        if let Err(error) = &selector {
            return Err(ApiError::bad_request("{}", &[error]));
        }
        let collection = collection.map_err(|error| ApiError::bad_request("{}", &[&error]))?;
        let value = IdentifierValue::parse(value).map_err(|_| {
            ApiError::bad_request("The id value in the URL must be at most {} bytes of UTF-8.", &[&MAX_VALUE_BYTES])
        })?;
        if collection != USERS {
            return Err(ApiError::InvalidCollection(collection));
        }
        Ok(Selector { id_type: id_type.to_owned(), value })
    }
}

/// A request to delete one identifier. Its types are known to the space, and lookup and target differ.
#[derive(Debug, Clone)]
pub struct DeleteIdentifier {
    /// The `user_id` that finds the profile.
    pub lookup: ExternalId,
    /// The identifier to delete.
    pub target: ExternalId,
}

/// The body of a deletion.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteBody {
    /// Exactly one identifier.
    #[schema(value_type = Vec<DeleteBodyId>, min_items = 1, max_items = 1)]
    delete_external_ids: Vec<Object<DeleteBodyId>>,
}

/// The identifier to delete.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteBodyId {
    /// Its value: 1 to 2,048 bytes of UTF-8.
    #[schema(min_length = 1, max_length = 2048, example = "example@gmail.com")]
    id: String,
    /// Its type: one that the space knows, other than `group_id`.
    #[schema(example = "email")]
    r#type: String,
}

impl DeleteIdentifier {
    /// Checks the path, then the body, in the order of the contract. `types` are the space's.
    ///
    /// # Errors
    /// The first fault in the order of the table in `docs/api.md`.
    pub fn parse(
        path: ProfilePath<'_>,
        encoding: PathEncoding,
        body: &[u8],
        types: &IdentifierTypes,
    ) -> Result<Self, ApiError> {
        let lookup = Self::lookup(path.parse(encoding)?)?;
        let target = Self::target(body, types)?;
        let same = lookup.id_type == target.id_type
            && types.normalise(&lookup.id_type, &lookup.value) == types.normalise(&target.id_type, &target.value);
        if same {
            return Err(ApiError::TargetIsLookup);
        }
        Ok(Self { lookup, target })
    }

    fn lookup(selector: Selector) -> Result<ExternalId, ApiError> {
        match IdentifierType::parse(&selector.id_type) {
            Ok(id_type) if id_type.is_user_id() => Ok(ExternalId { id_type, value: selector.value }),
            _ => Err(ApiError::UnsupportedLookupType(selector.id_type)),
        }
    }

    /// The identifier that a body names, without the path.
    ///
    /// # Errors
    /// The faults of the body, in the order of the contract.
    pub fn target(body: &[u8], types: &IdentifierTypes) -> Result<ExternalId, ApiError> {
        let Object(body): Object<DeleteBody> = read_json(body)?;
        let mut ids = body.delete_external_ids.into_iter().enumerate().map(|(i, Object(id))| {
            let value = IdentifierValue::parse(id.id)
                .map_err(|error| ApiError::bad_request("`delete_external_ids[{}].id`: {}.", &[&i, &error]))?;
            Ok((id.r#type, value))
        });
        let first = ids.next().transpose()?;
        let mut more = false;
        for other in ids {
            other?;
            more = true;
        }
        let (Some((id_type, value)), false) = (first, more) else {
            return Err(ApiError::OnlyOneExternalId);
        };
        let known = IdentifierType::parse(&id_type).ok().filter(|t| types.knows(t) && t.as_str() != GROUP_ID);
        known.map(|id_type| ExternalId { id_type, value }).ok_or(ApiError::UnsupportedType)
    }
}

/// Parses a JSON body strictly, see [`json::read`]. A byte order mark is ignored (RFC 8259, section 8.1).
///
/// # Errors
/// [`ApiError::BadRequest`]. Its message names the field, or the line and column of a syntax error.
pub fn read_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    json::read(without_bom(body)).map_err(|error| match error {
        JsonError::Syntax(line, column) => {
            ApiError::bad_request("The request body is not valid JSON (line {}, column {}).", &[&line, &column])
        }
        JsonError::Field(field, text) if field == "." => ApiError::bad_request("The request body: {}.", &[&text]),
        JsonError::Field(field, text) => {
            ApiError::bad_request("The request body at `{}`: {}.", &[&Quote(&field), &text])
        }
    })
}

/// Parses a JSON object as [`read_json`] does. A body that is absent, or only white space, is the default.
///
/// # Errors
/// Those of [`read_json`].
pub fn read_optional_json<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T, ApiError> {
    if body.trim_ascii().is_empty() {
        return Ok(T::default());
    }
    read_json(body).map(|Object(value)| value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(path: (&str, &str), body: &str, expected: &str) {
        let path = ProfilePath { collection: path.0, selector: path.1 };
        let result = DeleteIdentifier::parse(path, PathEncoding::Percent, body.as_bytes(), &IdentifierTypes::default());
        let text = match result {
            Ok(request) => format!("{}:{}", request.target.id_type.as_str(), request.target.value.expose()),
            Err(error) => error.to_string(),
        };
        assert_eq!(text, expected);
    }

    const GOOD: &str = r#"{"delete_external_ids":[{"id":"e","type":"email"}]}"#;

    #[test]
    fn the_path_comes_before_the_body() {
        check(("users", "user_id:u"), GOOD, "email:e");
        check(("users", "user_id%3Au"), GOOD, "email:e");
        for missing in [("", "user_id:u"), ("users", "user_id"), ("users", "user_id:"), ("users", ":u"), ("users", "")]
        {
            check(missing, "", "Missing required parameters in URL.");
        }
        check(("accounts", "user_id:u"), "", "Invalid collection: `accounts`.");
        check(("users", "email:u"), "", "Invalid URL: valid `user_id` is required. Unsupported `email`.");
        check(
            ("users", &format!("user_id:{}", "x".repeat(2_049))),
            "",
            "The id value in the URL must be at most 2048 bytes of UTF-8.",
        );
    }

    #[test]
    fn the_body_is_read_strictly() {
        let check = |body: &str, expected: &str| check(("users", "user_id:u"), body, expected);
        check("", "The request body is not valid JSON (line 1, column 0).");
        check(&format!("\u{feff}{GOOD}"), "email:e");
        check("{}", "The request body: missing field `delete_external_ids`.");
        check("[]", "The request body: expected an object.");
        check(
            r#"{"delete_external_ids":[["e","email"]]}"#,
            "The request body at `delete_external_ids[0]`: expected an object.",
        );
        check(r#"{"delete_external_ids":"secret"}"#, "The request body at `delete_external_ids`: expected a sequence.");
        check(
            r#"{"delete_external_ids":[{"id":7,"type":"email"}]}"#,
            "The request body at `delete_external_ids[0].id`: expected a string.",
        );
        check(
            r#"{"delete_external_ids":[{"id":"a","type":"email"}],"delete_external_ids":[]}"#,
            "The request body: duplicate field `delete_external_ids`.",
        );
        check(
            r#"{"delete_external_ids":[{"id":"","type":"email"}]}"#,
            "`delete_external_ids[0].id`: an identifier value must not be empty.",
        );
        check(&format!("{GOOD} x"), "The request body is not valid JSON (line 1, column 53).");
        check(r#"{"delete_external_ids":[]}"#, "Only one external_id can be deleted at a time.");
        check(r#"{"delete_external_ids":[{"id":"g","type":"group_id"}]}"#, "Unsupported external id type.");
        check(r#"{"delete_external_ids":[{"id":"g","type":""}]}"#, "Unsupported external id type.");
        check(
            r#"{"delete_external_ids":[{"id":"u","type":"user_id"}]}"#,
            "External id specification must differ from lookup id.",
        );
    }

    proptest! {
        #[test]
        fn no_request_panics(collection: String, selector: String, body: Vec<u8>) {
            let path = ProfilePath { collection: &collection, selector: &selector };
            for encoding in [PathEncoding::Percent, PathEncoding::Decoded] {
                let _ = DeleteIdentifier::parse(path, encoding, &body, &IdentifierTypes::default());
            }
        }
    }
}
