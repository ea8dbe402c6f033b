//! Which life of an identifier an entry is about, and the nonce that ties the entry to the identifier.

use thiserror::Error;

use super::{Entry, EntryError, EventId, EventKind, Noun, Ordinal, Subject};
use crate::{
    identifier::ExternalId,
    key::IdHash,
    log::{LogKey, Nonce},
};

/// Why an entry cannot be tied to an identifier.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum NotTied {
    /// The entry's subject is no commitment to this identifier under this log key: the life began under another one.
    #[error("the entry's subject was made with another log key")]
    OtherKey,
    /// The leaf is of a later version.
    #[error(transparent)]
    Entry(#[from] EntryError),
}

/// The nonce that ties an entry to an identifier: one with which the entry's subject is a commitment to it. `None` where
/// the subject is no commitment.
pub fn nonce(entry: &Entry, key: &LogKey, identifier: &ExternalId) -> Result<Option<Nonce>, NotTied> {
    let Some(Subject::Commitment(commitment, rule)) = entry.facts()?.subject else { return Ok(None) };
    let Noun::Identifier(hash) = entry.id().noun else { return Ok(None) };
    let value = rule.apply(identifier.value.expose());
    let nonces = begun(entry.id()).map(|generation| nonce_of(key, &hash, generation));
    let fits = |nonce: &Nonce| nonce.commit(&identifier.id_type, &value) == commitment;
    nonces.into_iter().find(fits).map(Some).ok_or(NotTied::OtherKey)
}

/// The nonce of the life that an entry is about, where its subject is a commitment. The identifier's value is not known, so
/// nothing tells whether it is the one with which the commitment was made: it is, if this is the log key of that time.
pub fn unchecked_nonce(entry: &Entry, key: &LogKey) -> Result<Option<Nonce>, EntryError> {
    let Some(Subject::Commitment(..)) = entry.facts()?.subject else { return Ok(None) };
    let Noun::Identifier(hash) = entry.id().noun else { return Ok(None) };
    let [generation, _] = begun(entry.id());
    Ok(Some(nonce_of(key, &hash, generation)))
}

/// The generations with which the life can have begun that an event is of, the likelier one first. A deletion counts one
/// more; a writer of an earlier version does not count.
fn begun(id: &EventId) -> [Ordinal; 2] {
    let (own, before) = (id.ordinal, id.ordinal.before());
    if id.kind == EventKind::IdentifierRemoved { [before, own] } else { [own, before] }
}

fn nonce_of(key: &LogKey, hash: &IdHash, generation: Ordinal) -> Nonce {
    key.nonce(hash, generation.number())
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};

    use super::*;
    use crate::{
        identifier::Normalisation,
        journal::{
            Event,
            samples::{id_hash, removed, space, token_entry},
        },
    };

    fn key(byte: u8) -> LogKey {
        LogKey::from_base64(&STANDARD.encode([byte; 32])).unwrap()
    }

    fn email(value: &str) -> ExternalId {
        ExternalId { id_type: "email".parse().unwrap(), value: value.to_owned().try_into().unwrap() }
    }

    /// An event of generation 2 about identifier 1, in a life that began with a generation.
    fn entry(kind: EventKind, begun: u64) -> Entry {
        let mut event: Event = removed(1);
        event.id.kind = kind;
        let commitment = key(1).nonce(&id_hash(1), begun).commit(&email("x").id_type, "ada@x");
        event.facts.subject = Some(Subject::Commitment(commitment, Normalisation::Lowercase));
        Entry::captured(&space(), &event).unwrap()
    }

    #[test]
    fn the_nonce_is_that_of_the_activation() {
        let (removed, created) = (EventKind::IdentifierRemoved, EventKind::IdentifierCreated);
        for (kind, begun, likely) in [
            (removed.clone(), 1, true),
            (created.clone(), 2, true),
            // Whoever deleted it did not count.
            (removed.clone(), 2, false),
        ] {
            let entry = entry(kind, begun);
            let expected = key(1).nonce(&id_hash(1), begun);
            assert_eq!(nonce(&entry, &key(1), &email("Ada@x")), Ok(Some(expected)), "{begun}");
            assert_eq!(unchecked_nonce(&entry, &key(1)) == Ok(Some(expected)), likely, "{begun}");
        }
        for (begun, log_key, value) in [(1, 2, "ada@x"), (1, 1, "bob@x"), (7, 1, "ada@x")] {
            let entry = entry(removed.clone(), begun);
            assert_eq!(
                nonce(&entry, &key(log_key), &email(value)),
                Err(NotTied::OtherKey),
                "{begun} {log_key} {value}"
            );
        }
    }

    #[test]
    fn what_bears_no_commitment_has_no_nonce() {
        let mut event = removed(1);
        event.facts.subject = Some(Subject::Keyed(id_hash(1)));
        for entry in [Entry::captured(&space(), &event).unwrap(), token_entry()] {
            assert_eq!(nonce(&entry, &key(1), &email("ada@x")), Ok(None));
            assert_eq!(unchecked_nonce(&entry, &key(1)), Ok(None));
        }
    }
}
