//! What receipts prove, and what is found when they were changed.

use proptest::prelude::*;

use super::*;
use crate::{
    identifier::{IdentifierValue, Normalisation},
    log::{
        note::{NoteError, tests::key_pair},
        receipt::{
            Opening,
            tests::{ORIGIN, SEED, receipt, removed},
        },
    },
};

fn id(id_type: &str, value: &str) -> ExternalId {
    let id_type = IdentifierType::parse(id_type).unwrap();
    ExternalId { id_type, value: IdentifierValue::parse(value).unwrap() }
}

fn key() -> VerifierKey {
    key_pair(ORIGIN, SEED).1
}

/// What does not hold of a receipt for this entry about `email:Ada@example.com`.
fn fault(leaf: &str, opening: Option<Opening>) -> Option<Fault> {
    verify(&receipt(leaf, opening), &key(), Some(&id("email", "Ada@example.com"))).err()
}

#[test]
fn a_receipt_proves_an_entry_and_its_identifier() {
    let (leaf, opening) = removed();
    let receipt = receipt(&leaf, Some(opening));
    for (identifier, is_about_identifier) in [(None, false), (Some(id("email", "Ada@example.com")), true)] {
        let proved = verify(&receipt, &key(), identifier.as_ref()).unwrap();
        assert_eq!((proved.checkpoint.size, proved.index, proved.leaf), (5, 2, &*leaf));
        assert_eq!(proved.is_about_identifier, is_about_identifier);
    }
}

#[test]
fn what_does_not_hold_is_named() {
    let (leaf, opening) = removed();
    let good = receipt(&leaf, Some(opening));
    let error = |receipt: &Receipt| verify(receipt, &key(), None).err();
    let (_, other_key) = key_pair(ORIGIN, 7);
    let not_signed = NoteError::NotSigned { name: other_key.name().clone(), id: other_key.id() };
    assert_eq!(verify(&good, &other_key, None).err(), Some(Fault::Checkpoint(not_signed.into())));
    let beyond = Receipt { index: 5, ..good.clone() };
    assert_eq!(error(&beyond), Some(Fault::Entry(ProofError::Index { index: 5, size: 5 })));
    let other_index = Receipt { index: 3, ..good.clone() };
    assert_eq!(error(&other_index), Some(Fault::Entry(ProofError::Root)));
    let other_leaf = Receipt { leaf: leaf.replace("removed", "created"), ..good.clone() };
    assert_eq!(error(&other_leaf), Some(Fault::Entry(ProofError::Root)));
    let shorter = Receipt { proof: good.proof[1..].to_vec(), ..good };
    assert_eq!(error(&shorter), Some(Fault::Entry(ProofError::Length { expected: 3, found: 2 })));
}

#[test]
fn an_identifier_is_tied_to_its_entry_or_it_is_said_why_not() {
    let (leaf, opening) = removed();
    let other_rule = Opening { normalisation: Normalisation::None, ..opening };
    let found = IdentifierType::parse("phone").unwrap();
    let other_type = Fault::Type { expected: IdentifierType::parse("email").unwrap(), found };
    for (leaf, opening, expected) in [
        (leaf.clone(), Some(opening), None),
        (leaf.clone(), Some(other_rule), Some(Fault::OtherIdentifier)),
        (leaf.clone(), None, Some(Fault::NoNonce)),
        (leaf.replace("email", "phone"), Some(opening), Some(other_type)),
        (leaf.replace(r#""v":1"#, r#""subject_kind":"keyed""#), None, Some(Fault::Keyed)),
        (leaf.replace(r#""v":1"#, r#""subject_kind":"commitment""#), Some(opening), None),
        (leaf.replace(r#""v":1"#, r#""subject_kind":"other""#), Some(opening), Some(Fault::Unreadable)),
        (leaf.replace(r#""v":1"#, r#""id_type":"email""#), Some(opening), Some(Fault::Unreadable)),
        (leaf.replace(r#""subject":""#, r#""subject":"A"#), Some(opening), Some(Fault::Unreadable)),
        (r#"{"event":"job.completed"}"#.to_owned(), None, Some(Fault::NoSubject)),
        (r#"{"id_type":"email"}"#.to_owned(), None, Some(Fault::NoSubject)),
        ("not JSON".to_owned(), Some(opening), Some(Fault::Unreadable)),
    ] {
        assert_eq!(fault(&leaf, opening), expected, "{leaf}");
    }
    let good = receipt(&leaf, Some(opening));
    let of_other = |identifier| verify(&good, &key(), Some(&identifier)).err();
    assert_eq!(of_other(id("email", "eve@example.com")), Some(Fault::OtherIdentifier));
    assert_eq!(of_other(id("email", " ada@example.com")), Some(Fault::OtherIdentifier));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_changed_byte_is_found(at: prop::sample::Index, bit in 0..8u8) {
        let (leaf, opening) = removed();
        let mut bytes = receipt(&leaf, Some(opening)).to_string().into_bytes();
        let place = at.index(bytes.len());
        bytes[place] ^= 1 << bit;
        if let Ok(changed) = String::from_utf8(bytes).unwrap_or_default().parse::<Receipt>() {
            prop_assert!(verify(&changed, &key(), Some(&id("email", "Ada@example.com"))).is_err(), "{}", changed);
        }
    }

    #[test]
    fn without_an_identifier_a_changed_byte_is_found_but_in_the_nonce(at: prop::sample::Index, bit in 0..8u8) {
        let (leaf, opening) = removed();
        let good = receipt(&leaf, Some(opening));
        let mut bytes = good.to_string().into_bytes();
        let place = at.index(bytes.len());
        bytes[place] ^= 1 << bit;
        if let Ok(changed) = String::from_utf8(bytes).unwrap_or_default().parse::<Receipt>() {
            let differs_in_nonce_only = Receipt { opening: good.opening, ..changed.clone() } == good;
            prop_assert_eq!(verify(&changed, &key(), None).is_ok(), differs_in_nonce_only);
        }
    }
}
