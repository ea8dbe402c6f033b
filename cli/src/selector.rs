//! `TYPE:VALUE`: an identifier on the command line or on standard input.

use efface_core::identifier::{ExternalId, IdentifierType, IdentifierValue};

use crate::{
    CliError,
    api::encoded,
    output::printable,
    stdin::{self, STDIN},
};

/// Reads an identifier from the argument or, if that is `-`, from standard input.
pub(crate) async fn read(argument: &str) -> Result<ExternalId, CliError> {
    if argument == STDIN { parse_line(&stdin::read().await?) } else { parse(argument) }
}

/// The identifier as a segment of a path. Everything that a server could take for a part of the URL is encoded.
pub(crate) fn path(id: &ExternalId) -> String {
    format!("{}:{}", id.id_type.as_str(), encoded(id.value.expose()))
}

/// The identifier as its user wrote it, for a question on their own terminal.
pub(crate) fn shown(id: &ExternalId) -> String {
    format!("{}:{}", id.id_type.as_str(), printable(id.value.expose()))
}

/// Parses what was on standard input.
fn parse_line(text: &str) -> Result<ExternalId, CliError> {
    if text.contains(['\n', '\r']) {
        let reason = "standard input: give one line; `efface bulk` deletes many profiles";
        return Err(CliError::BadIdentifier(reason.to_owned()));
    }
    parse(text)
}

/// Parses an identifier. The command line's parser does not do it, because it prints values that are not valid.
fn parse(text: &str) -> Result<ExternalId, CliError> {
    let bad = |reason: String| CliError::BadIdentifier(format!("TYPE:VALUE: {reason}"));
    let (id_type, value) = text.split_once(':').ok_or_else(|| bad("there is no colon".to_owned()))?;
    let id_type = IdentifierType::parse(id_type).map_err(|error| bad(error.to_string()))?;
    Ok(ExternalId { id_type, value: IdentifierValue::parse(value).map_err(|error| bad(error.to_string()))? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_colon_separates_and_a_bad_value_is_not_shown() {
        assert_eq!(parse("user_id:a:b").unwrap().value.expose(), "a:b");
        for bad in ["secret", "Secret:secret", "email:", &format!("email:{}", "secret".repeat(1_000))] {
            let message = parse(bad).unwrap_err().to_string();
            assert!(message.starts_with("TYPE:VALUE: ") && !message.to_lowercase().contains("secret"), "{message}");
        }
        let message = parse_line("email:secret\nemail:b").unwrap_err().to_string();
        assert!(message.contains("efface bulk") && !message.contains("secret"), "{message}");
    }

    #[test]
    fn any_value_is_one_segment_of_a_path() {
        let path = path(&parse("email:a b#c?d/e%f&g=é\"").unwrap());
        assert_eq!(path, "email:a%20b%23c%3Fd%2Fe%25f%26g%3D%C3%A9%22");
    }
}
