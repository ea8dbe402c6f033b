//! What receipts prove and do not prove, in words.

use efface_core::identifier::ExternalId;
use serde_json::Value;

use crate::fields;

/// Whom an entry is about, as far as it was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum About {
    /// The identifier that was given; holds its type.
    Verified(String),
    /// An identifier of this type, but no value was given.
    Unchecked(String),
    /// An identifier of this type, under a hash that only the operator can make.
    Keyed(String),
    /// A profile, by a hash of its id.
    Profile,
    /// Neither.
    Nobody,
}

impl About {
    /// Reads it from a leaf that was verified.
    pub(super) fn of(leaf: &Value, verified: Option<&ExternalId>) -> Self {
        let id_type = || fields::text(&leaf["id_type"]);
        match (verified, leaf["subject_kind"].as_str()) {
            (Some(id), _) => Self::Verified(id.id_type.to_string()),
            (None, _) if leaf["subject"].is_null() => Self::Nobody,
            (None, Some("keyed")) => Self::Keyed(id_type()),
            (None, Some("profile")) => Self::Profile,
            (None, _) => Self::Unchecked(id_type()),
        }
    }

    /// The word for programs.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Verified(_) => "verified",
            Self::Unchecked(_) => "not_checked",
            Self::Keyed(_) => "keyed",
            Self::Profile => "profile",
            Self::Nobody => "none",
        }
    }

    pub(super) fn proved(&self) -> Option<String> {
        let Self::Verified(id_type) = self else { return None };
        Some(format!("The entry is about the {id_type} that you gave, and about no other value."))
    }

    pub(super) fn not_proved(&self) -> Option<String> {
        match self {
            Self::Verified(_) => None,
            Self::Unchecked(id_type) => Some(format!(
                "Whom it is about: no value was checked. Give --identifier {id_type}:VALUE. Until then nothing vouches for \
                 the nonce in the receipt."
            )),
            Self::Keyed(id_type) => Some(format!(
                "Whom it is about: the entry names its {id_type} by a keyed hash, as entries for identifiers from before \
                 commitments do. Only the operator can tie it to a value."
            )),
            Self::Profile => Some(
                "Which person it is about: the entry names a profile by a hash of its id. The entries of its identifiers \
                 can be tied to values."
                    .to_owned(),
            ),
            Self::Nobody => Some("Anything about a single person: the entry names nobody.".to_owned()),
        }
    }
}

/// What must be said first of an entry that is not about a deletion.
pub(super) fn warning(event: &str) -> Option<String> {
    let is_deletion = matches!(event, "identifier.removed" | "profile.deleted");
    let is_job = event.starts_with("job.");
    let event = fields::text(&event.into());
    match (is_deletion, is_job) {
        (true, _) => None,
        (false, true) => Some(format!("This is a receipt for an event of a job ({event}), not for a single deletion.")),
        (false, false) => Some(format!("This is NO receipt for a deletion: the entry is about {event}.")),
    }
}

/// What no receipt for this event proves.
pub(super) fn not_proved(event: &str) -> Vec<String> {
    let mut lines = Vec::new();
    if event == "identifier.removed" {
        lines.push(
            "That the identifier did not come back later. A later entry would say so; this receipt cannot.".to_owned(),
        );
    }
    lines.push(
        "That the operator did what the entry says: a log keeps what was written, and nobody can take it back."
            .to_owned(),
    );
    lines
}

/// What is to be said once, however many receipts there are.
pub(super) fn of_all() -> String {
    "\
All of this holds if the key is the log's. Take the key from somewhere that the operator cannot change for you alone, such
as a contract, a public page that others keep copies of, or a mirror's owner: not from who gave you the receipt, and not
from the API alone. That others are shown the same log is known only by comparing checkpoints: `efface log verify --from`
takes receipts."
        .to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_is_said_whom_an_entry_is_about() {
        let commitment = json!({"id_type": "email", "subject": "A"});
        let with = |kind: &str| {
            let mut leaf = commitment.clone();
            leaf["subject_kind"] = kind.into();
            leaf
        };
        let email = ExternalId { id_type: "email".parse().unwrap(), value: "a".to_owned().try_into().unwrap() };
        for (leaf, given, word, told) in [
            (commitment.clone(), Some(&email), "verified", ""),
            (commitment.clone(), None, "not_checked", "--identifier email:VALUE"),
            (with("commitment"), None, "not_checked", "no value was checked"),
            (with("keyed"), None, "keyed", "Only the operator can tie it to a value"),
            (with("profile"), None, "profile", "a hash of its id"),
            (json!({"event": "job.completed"}), None, "none", "names nobody"),
        ] {
            let about = About::of(&leaf, given);
            assert_eq!(about.word(), word, "{leaf}");
            assert_eq!(about.proved().is_some(), given.is_some(), "{leaf}");
            assert!(about.not_proved().unwrap_or_default().contains(told), "{leaf}");
        }
    }

    #[test]
    fn what_is_no_deletion_is_said_first() {
        for event in ["identifier.removed", "profile.deleted"] {
            assert_eq!(warning(event), None);
        }
        assert!(warning("identifier.created").unwrap().contains("NO receipt for a deletion"));
        assert!(warning("job.completed").unwrap().contains("an event of a job"));
        assert!(!warning("a\u{1b}[2J").unwrap().contains('\u{1b}'));
    }
}
