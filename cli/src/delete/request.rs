//! The request that deletes one identifier.

use efface_core::{
    identifier::{ExternalId, IdentifierError, IdentifierType, IdentifierValue, USER_ID},
    space::SpaceId,
};
use serde_json::json;

use crate::{
    CliError,
    api::{ApiRequest, encoded},
};

/// Makes the request. It can be sent several times, because it has an idempotency key.
pub(crate) fn deletion(
    space: &SpaceId,
    user_id: &str,
    id_type: &IdentifierType,
    id: &str,
    key: String,
) -> Result<ApiRequest, CliError> {
    let lookup = value("--user-id", user_id)?;
    let target = ExternalId { id_type: id_type.clone(), value: value("--id", id)? };
    let body = json!({"delete_external_ids": [
        {"id": target.value.expose(), "type": target.id_type.as_str()},
    ]});
    let lookup = encoded(lookup.expose());
    let path = format!("/v1/spaces/{space}/collections/users/profiles/{USER_ID}:{lookup}/external_ids/delete");
    Ok(ApiRequest::post(path, body.to_string()).with_key(key))
}

/// Parses a value. The command line's parser does not do it, because it prints values that are not valid.
fn value(option: &str, text: &str) -> Result<IdentifierValue, CliError> {
    IdentifierValue::parse(text).map_err(|error: IdentifierError| CliError::BadIdentifier(format!("{option}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_but_unreserved_characters_is_encoded() {
        let (space, email) = (SpaceId::parse("spa_demo").unwrap(), IdentifierType::parse("email").unwrap());
        let request = deletion(&space, "a:b/c?d#e%f+g h\"é~._-", &email, "\"\\", "k".to_owned()).unwrap();
        let lookup = "user_id:a%3Ab%2Fc%3Fd%23e%25f%2Bg%20h%22%C3%A9~._-";
        assert_eq!(
            request.path,
            format!("/v1/spaces/spa_demo/collections/users/profiles/{lookup}/external_ids/delete")
        );
        assert_eq!(request.body, r#"{"delete_external_ids":[{"id":"\"\\","type":"email"}]}"#);
    }

    #[test]
    fn an_error_names_the_option_but_not_the_value() {
        let (space, email) = (SpaceId::parse("spa_demo").unwrap(), IdentifierType::parse("email").unwrap());
        let long = "x".repeat(2_049);
        let Err(error) = deletion(&space, "u", &email, &long, "k".to_owned()) else { panic!("too long") };
        assert!(error.to_string().starts_with("--id: ") && !error.to_string().contains("xx"));
    }
}
