//! The request that deletes one identifier.

use efface_core::{
    identifier::{ExternalId, IdentifierType, IdentifierValue, USER_ID},
    space::SpaceId,
};
use serde::Deserialize;
use serde_json::json;

use crate::{
    CliError,
    api::{ApiRequest, encoded},
    output::printable,
    selector,
};

/// The identifier to delete, and a `user_id` of its profile.
pub(crate) struct Target {
    user_id: IdentifierValue,
    id: ExternalId,
}

/// The same on standard input, as a row of `efface bulk --action delete_identifier`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    user_id: String,
    #[serde(rename = "type")]
    id_type: String,
    id: String,
}

impl Target {
    /// Parses the options. The command line's parser does not do it, because it prints values that are not valid.
    pub(crate) fn from_options(user_id: &str, id_type: &IdentifierType, id: &str) -> Result<Self, CliError> {
        let id = ExternalId { id_type: id_type.clone(), value: value("--id", id)? };
        Ok(Self { user_id: value("--user-id", user_id)?, id })
    }

    /// Parses a row as JSON. The JSON parser's own message is not shown, because it quotes values.
    pub(crate) fn from_row(text: &str) -> Result<Self, CliError> {
        let row: Row = serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|_| {
            bad("standard input", "give one JSON object with the texts `user_id`, `type` and `id`, and nothing else")
        })?;
        let id_type = IdentifierType::parse(&row.id_type).map_err(|error| bad("type", error))?;
        let id = ExternalId { id_type, value: value("id", &row.id)? };
        Ok(Self { user_id: value("user_id", &row.user_id)?, id })
    }

    /// What is deleted, for a question on the user's own terminal.
    pub(crate) fn shown(&self) -> String {
        let user_id = printable(self.user_id.expose());
        format!("the identifier {} of the profile that has {USER_ID}:{user_id}", selector::shown(&self.id))
    }

    /// The path of the list of the profile's identifiers, below that of the space.
    pub(crate) fn identifiers(&self) -> String {
        format!("collections/users/profiles/{USER_ID}:{}/external_ids", encoded(self.user_id.expose()))
    }

    /// Makes the request. It can be sent several times, because it has an idempotency key.
    pub(crate) fn deletion(&self, space: &SpaceId, key: String) -> ApiRequest {
        let body = json!({"delete_external_ids": [
            {"id": self.id.value.expose(), "type": self.id.id_type.as_str()},
        ]});
        let lookup = encoded(self.user_id.expose());
        let path = format!("/v1/spaces/{space}/collections/users/profiles/{USER_ID}:{lookup}/external_ids/delete");
        ApiRequest::post(path, body.to_string()).with_key(key)
    }
}

fn value(name: &str, text: &str) -> Result<IdentifierValue, CliError> {
    IdentifierValue::parse(text).map_err(|error| bad(name, error))
}

fn bad(name: &str, reason: impl std::fmt::Display) -> CliError {
    CliError::BadIdentifier(format!("{name}: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_but_unreserved_characters_is_encoded() {
        let (space, email) = (SpaceId::parse("spa_demo").unwrap(), IdentifierType::parse("email").unwrap());
        let target = Target::from_options("a:b/c?d#e%f+g h\"é~._-", &email, "\"\\").unwrap();
        let request = target.deletion(&space, "k".to_owned());
        let lookup = "user_id:a%3Ab%2Fc%3Fd%23e%25f%2Bg%20h%22%C3%A9~._-";
        assert_eq!(
            request.path,
            format!("/v1/spaces/spa_demo/collections/users/profiles/{lookup}/external_ids/delete")
        );
        assert_eq!(request.body, r#"{"delete_external_ids":[{"id":"\"\\","type":"email"}]}"#);
    }

    #[test]
    fn an_error_names_the_option_but_not_the_value() {
        let email = IdentifierType::parse("email").unwrap();
        let Err(error) = Target::from_options("u", &email, &"x".repeat(2_049)) else { panic!("too long") };
        assert!(error.to_string().starts_with("--id: ") && !error.to_string().contains("xx"));
        let rows = [
            (r#"{"user_id":"u","type":"Secret","id":"a"}"#, "type: "),
            (r#"{"user_id":"","type":"email","id":"secret"}"#, "user_id: "),
            (r#"{"user_id":"u","type":"email","id":["secret"]}"#, "standard input: "),
            (r#"{"user_id":"u","type":"email","id":"a","secret":1}"#, "standard input: "),
            ("secret", "standard input: "),
        ];
        for (row, name) in rows {
            let Err(error) = Target::from_row(row) else { panic!("{row}") };
            let message = error.to_string();
            assert!(message.starts_with(name) && !message.to_lowercase().contains("secret"), "{message}");
        }
    }
}
