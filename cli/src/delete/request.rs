//! What a deletion says to the API: where to, and what.

use efface_core::{
    identifier::{ExternalId, IdentifierError, IdentifierType, IdentifierValue, USER_ID},
    space::SpaceId,
};
use serde_json::json;

use crate::{
    CliError,
    api::{Call, encoded},
};

/// One deletion, ready to be sent any number of times under its key.
pub(crate) fn deletion(
    space: &SpaceId,
    user_id: &str,
    id_type: &IdentifierType,
    id: &str,
    key: String,
) -> Result<Call, CliError> {
    let lookup = value("--user-id", user_id)?;
    let target = ExternalId { id_type: id_type.clone(), value: value("--id", id)? };
    let body = json!({"delete_external_ids": [
        {"id": target.value.expose(), "type": target.id_type.as_str()},
    ]});
    let lookup = encoded(lookup.expose());
    let path = format!("/v1/spaces/{space}/collections/users/profiles/{USER_ID}:{lookup}/external_ids/delete");
    Ok(Call::post(path, body.to_string()).with_key(key))
}

/// Checked here and not by the parser of the command line, which would print a bad value.
fn value(option: &str, text: &str) -> Result<IdentifierValue, CliError> {
    IdentifierValue::parse(text).map_err(|error: IdentifierError| CliError::BadIdentifier(format!("{option}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_but_the_unreserved_is_encoded() {
        let (space, email) = (SpaceId::parse("spa_demo").unwrap(), IdentifierType::parse("email").unwrap());
        let call = deletion(&space, "a:b/c?d#e%f+g h\"é~._-", &email, "\"\\", "k".to_owned()).unwrap();
        let lookup = "user_id:a%3Ab%2Fc%3Fd%23e%25f%2Bg%20h%22%C3%A9~._-";
        assert_eq!(call.path, format!("/v1/spaces/spa_demo/collections/users/profiles/{lookup}/external_ids/delete"));
        assert_eq!(call.body, r#"{"delete_external_ids":[{"id":"\"\\","type":"email"}]}"#);
    }

    #[test]
    fn a_bad_value_is_named_by_its_option_only() {
        let (space, email) = (SpaceId::parse("spa_demo").unwrap(), IdentifierType::parse("email").unwrap());
        let long = "x".repeat(2_049);
        let Err(error) = deletion(&space, "u", &email, &long, "k".to_owned()) else { panic!("too long") };
        assert!(error.to_string().starts_with("--id: ") && !error.to_string().contains("xx"));
    }
}
