//! Identifier types on the command line: `shoe_size`, or `loyalty_id:lowercase`.

use efface_core::{
    identifier::{IdentifierError, IdentifierType, Normalisation},
    space::TypeSpec,
};
use thiserror::Error;

/// Why a text does not name an identifier type.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum InvalidTypeSpec {
    /// The name is not valid.
    #[error(transparent)]
    Name(#[from] IdentifierError),
    /// The part after the colon is not a normalisation.
    #[error("`{0}` is not a normalisation; use `none` or `lowercase`")]
    Normalisation(String),
}

/// Parses `NAME` or `NAME:NORMALISATION`.
pub(crate) fn parse(text: &str) -> Result<TypeSpec, InvalidTypeSpec> {
    let (name, normalisation) = text.split_once(':').unwrap_or((text, "none"));
    let normalisation = match normalisation {
        "none" => Normalisation::None,
        "lowercase" => Normalisation::Lowercase,
        other => return Err(InvalidTypeSpec::Normalisation(other.to_owned())),
    };
    IdentifierType::parse(name)?;
    Ok(TypeSpec::WithNormalisation { name: name.to_owned(), normalisation })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_normalisation_is_optional() {
        for (text, name, normalisation) in [
            ("shoe_size", "shoe_size", Normalisation::None),
            ("shoe_size:none", "shoe_size", Normalisation::None),
            ("email:lowercase", "email", Normalisation::Lowercase),
        ] {
            let expected = TypeSpec::WithNormalisation { name: name.to_owned(), normalisation };
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
        for bad in ["", ":lowercase", "Email", "email:", "email:Lowercase", "email:lowercase:none"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
