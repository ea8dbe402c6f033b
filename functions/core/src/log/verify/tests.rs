//! What receipts prove, and what is found when they were changed.

use base64::{Engine, engine::general_purpose::STANDARD};
use proptest::prelude::*;

use super::*;
use crate::{
    deletion::{
        Identifier,
        tests::{at, tombstone},
    },
    identifier::{IdentifierValue, Normalisation},
    journal::{self, derive},
    key::IdHash,
    log::{
        note::{NoteError, tests::key_pair},
        receipt::tests::{ORIGIN, SEED, TIME, receipt, removed},
    },
    space::SpaceId,
};

fn id(id_type: &str, value: &str) -> ExternalId {
    let id_type = IdentifierType::parse(id_type).unwrap();
    ExternalId { id_type, value: IdentifierValue::parse(value).unwrap() }
}

fn key() -> VerifierKey {
    key_pair(ORIGIN, SEED).1
}

/// What does not hold of a receipt for this entry, which is to be that of the deletion of `email:Ada@example.com`.
fn fault(leaf: &str, nonce: Option<Nonce>) -> Option<Fault> {
    verify(&receipt(leaf, nonce), &key(), REMOVED, Some(&id("email", "Ada@example.com"))).err()
}

const REMOVED: Expected = Expected::Event("identifier.removed");

#[test]
fn a_receipt_proves_an_entry_and_its_identifier() {
    let (leaf, nonce) = removed();
    let (receipt, email) = (receipt(&leaf, Some(nonce)), id("email", "Ada@example.com"));
    for (expected, identifier) in [(Expected::AnyEvent, None), (REMOVED, None), (REMOVED, Some(&email))] {
        let proved = verify(&receipt, &key(), expected, identifier).unwrap();
        assert_eq!((proved.checkpoint.size(), proved.index, proved.leaf.as_str()), (5, 2, &*leaf));
        assert_eq!((&*proved.event, &*proved.time.to_string()), ("identifier.removed", TIME));
        assert_eq!(proved.identifier, identifier);
    }
}

#[test]
fn the_leaf_of_a_deletion_in_the_journal_verifies() {
    let nonce = removed().1;
    for (rule, value, as_written) in
        [(Normalisation::Lowercase, "ada@example.com", "Ada@example.com"), (Normalisation::None, "Ada", "Ada")]
    {
        let item = Identifier {
            commitment: Some(nonce.commit(&"email".parse().unwrap(), value)),
            normalisation: Some(rule),
            generation: 2,
            ..tombstone(9)
        };
        let events = derive::identifier::derive(IdHash::from_bytes([2; 32]), None, Some(&item)).unwrap();
        let entry = journal::Entry::captured(&SpaceId::parse("spa_demo").unwrap(), &events[0]).unwrap();
        let receipt = receipt(entry.leaf_json().as_str(), Some(nonce));
        let of = |value| verify(&receipt, &key(), REMOVED, Some(&id("email", value))).map(|proved| proved.time);
        assert_eq!(of(as_written), Ok(at(9)));
        assert_eq!(of("bob@example.com"), Err(Fault::OtherIdentifier));
    }
}

#[test]
fn a_receipt_does_not_prove_another_case_of_its_value() {
    let nonce = removed().1;
    let subject = nonce.commit(&IdentifierType::parse("code").unwrap(), "abc");
    let leaf = format!(
        r#"{{"v":1,"time":"{TIME}","event":"identifier.removed","id_type":"code","subject":"{subject}","normalisation":"none"}}"#
    );
    let good = receipt(&leaf, Some(nonce)).to_string();
    let of = |receipt: &str, value| {
        let receipt: Receipt = receipt.parse().map_err(|_| "not a receipt")?;
        verify(&receipt, &key(), REMOVED, Some(&id("code", value))).map(|_| ()).map_err(|_| "refused")
    };
    assert_eq!((of(&good, "abc"), of(&good, "ABC")), (Ok(()), Err("refused")));
    // The rule in the line that nobody signs.
    let line = good.lines().nth(1).unwrap();
    let extra = String::from_utf8(STANDARD.decode(&line["extra ".len()..]).unwrap()).unwrap();
    let with_extra = |extra: &str| good.replace(line, &format!("extra {}", STANDARD.encode(extra)));
    let own_rule = extra.replacen(&format!(r#""{nonce}""#), &format!(r#""{nonce}","normalisation":"lowercase""#), 1);
    assert_eq!(of(&with_extra(&own_rule), "ABC"), Err("not a receipt"));
    // The rule in the leaf.
    let other_leaf = extra.replace(r#"\"none\""#, r#"\"lowercase\""#);
    assert_ne!(other_leaf, extra);
    assert_eq!(of(&with_extra(&other_leaf), "ABC"), Err("refused"));
}

#[test]
fn a_creation_is_not_taken_for_a_deletion() {
    let (leaf, nonce) = removed();
    let created = leaf.replace("removed", "created");
    let found = "identifier.created".to_owned();
    let other = Fault::Event { expected: "identifier.removed".to_owned(), found: found.clone() };
    assert_eq!(fault(&created, Some(nonce)), Some(other));
    let receipt = receipt(&created, Some(nonce));
    let email = id("email", "ada@example.com");
    assert_eq!(verify(&receipt, &key(), Expected::AnyEvent, Some(&email)).unwrap().event, found);
}

#[test]
fn a_leaf_has_one_reading() {
    let (leaf, nonce) = removed();
    let values = format!(r#"[1,"{TIME}","identifier.removed","email"]"#);
    for (leaf, expected) in [
        (leaf.replace(r#""v":1"#, r#""v":1,"later":{"a":[null,true,-1,1.5,{"v":2}]}"#), None),
        (leaf.replace(r#""v":1"#, r#""v":2"#), Some(Fault::Version(2))),
        (r#"{"v":7,"event":1}"#.to_owned(), Some(Fault::Version(7))),
        (leaf.replace(r#""v":1"#, r#""v":"1""#), Some(Fault::Unreadable)),
        (leaf.replace(r#""v":1,"#, ""), Some(Fault::Unreadable)),
        (leaf.replace(r#""v":1"#, r#""v":1,"v":1"#), Some(Fault::Unreadable)),
        (leaf.replace(r#""v":1"#, r#""v":1,"event":"identifier.removed""#), Some(Fault::Unreadable)),
        (leaf.replace(r#""v":1"#, r#""v":1,"reason":"x""#), Some(Fault::Unreadable)),
        (leaf.replace(r#""v":1"#, r#""v":1,"counts":{"a":1,"a":2}"#), Some(Fault::Unreadable)),
        (leaf.replace(r#""v":1"#, r#""v":1,"counts":[{"a":1,"\u0061":2}]"#), Some(Fault::Unreadable)),
        (leaf.replace(".123Z", "Z"), Some(Fault::Unreadable)),
        (leaf.replace("2026", "now"), Some(Fault::Unreadable)),
        (leaf.replace("\"time\"", "\"at\""), Some(Fault::Unreadable)),
        (leaf.replace("\"event\"", "\"kind\""), Some(Fault::Unreadable)),
        (format!("{leaf} x"), Some(Fault::Unreadable)),
        (values, Some(Fault::Unreadable)),
        ("7".to_owned(), Some(Fault::Unreadable)),
    ] {
        assert_eq!(fault(&leaf, Some(nonce)), expected, "{leaf}");
    }
}

#[test]
fn what_does_not_hold_is_named() {
    let (leaf, nonce) = removed();
    let good = receipt(&leaf, Some(nonce));
    let error = |receipt: &Receipt| verify(receipt, &key(), REMOVED, None).err();
    let (_, other_key) = key_pair(ORIGIN, 7);
    let not_signed = NoteError::NotSigned { name: other_key.name().clone(), id: other_key.id() };
    assert_eq!(verify(&good, &other_key, REMOVED, None).err(), Some(Fault::Checkpoint(not_signed.into())));
    let beyond = Receipt { index: 5, ..good.clone() };
    assert_eq!(error(&beyond), Some(Fault::Entry(ProofError::Index { index: 5, size: 5 })));
    let other_index = Receipt { index: 3, ..good.clone() };
    assert_eq!(error(&other_index), Some(Fault::Entry(ProofError::Root)));
    let other_leaf = Receipt { leaf: Entry::new(leaf.replace("removed", "created")).unwrap(), ..good.clone() };
    assert_eq!(error(&other_leaf), Some(Fault::Entry(ProofError::Root)));
    let shorter = Receipt { proof: good.proof[1..].to_vec(), ..good };
    assert_eq!(error(&shorter), Some(Fault::Entry(ProofError::Length { expected: 3, found: 2 })));
}

#[test]
fn an_identifier_is_tied_to_its_entry_or_it_is_said_why_not() {
    let (leaf, nonce) = removed();
    let found = IdentifierType::parse("phone").unwrap();
    let other_type = || Fault::Type { expected: IdentifierType::parse("email").unwrap(), found: found.clone() };
    let with_kind = |kind| leaf.replace(r#""v":1"#, &format!(r#""v":1,"subject_kind":"{kind}""#));
    let without = |member: &str| leaf.replace(member, "");
    let job = format!(r#"{{"v":1,"time":"{TIME}","event":"identifier.removed"}}"#);
    for (leaf, nonce, expected) in [
        (leaf.clone(), Some(nonce), None),
        (leaf.replace("lowercase", "none"), Some(nonce), Some(Fault::OtherIdentifier)),
        (leaf.clone(), None, Some(Fault::NoNonce)),
        (leaf.replace("email", "phone"), Some(nonce), Some(other_type())),
        (with_kind("keyed"), None, Some(Fault::Keyed)),
        (with_kind("keyed").replace("email", "phone"), None, Some(other_type())),
        (with_kind("keyed").replace(r#","normalisation":"lowercase""#, ""), None, Some(Fault::Keyed)),
        (with_kind("profile"), Some(nonce), Some(Fault::NoSubject)),
        (with_kind("commitment"), Some(nonce), None),
        (with_kind("other"), Some(nonce), Some(Fault::Unreadable)),
        (leaf.replace(r#""subject":""#, r#""subject":"A"#), Some(nonce), Some(Fault::Unreadable)),
        (without(r#","normalisation":"lowercase""#), Some(nonce), Some(Fault::Unreadable)),
        (leaf.replace("lowercase", "uppercase"), Some(nonce), Some(Fault::Unreadable)),
        (without(r#""id_type":"email","#), Some(nonce), Some(Fault::Unreadable)),
        (job.clone(), None, Some(Fault::NoSubject)),
        (job.replace('}', r#","id_type":"email"}"#), None, Some(Fault::NoSubject)),
        ("not JSON".to_owned(), Some(nonce), Some(Fault::Unreadable)),
    ] {
        assert_eq!(fault(&leaf, nonce), expected, "{leaf}");
    }
    let good = receipt(&leaf, Some(nonce));
    let of_other = |identifier| verify(&good, &key(), REMOVED, Some(&identifier)).err();
    assert_eq!(of_other(id("email", "eve@example.com")), Some(Fault::OtherIdentifier));
    assert_eq!(of_other(id("email", " ada@example.com")), Some(Fault::OtherIdentifier));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_changed_byte_is_found(at: prop::sample::Index, bit in 0..8u8) {
        let (leaf, nonce) = removed();
        let mut bytes = receipt(&leaf, Some(nonce)).to_string().into_bytes();
        let place = at.index(bytes.len());
        bytes[place] ^= 1 << bit;
        if let Ok(changed) = String::from_utf8(bytes).unwrap_or_default().parse::<Receipt>() {
            prop_assert!(verify(&changed, &key(), REMOVED, Some(&id("email", "Ada@example.com"))).is_err(), "{}", changed);
        }
    }

    #[test]
    fn without_an_identifier_a_changed_byte_is_found_but_in_the_nonce(at: prop::sample::Index, bit in 0..8u8) {
        let (leaf, nonce) = removed();
        let good = receipt(&leaf, Some(nonce));
        let mut bytes = good.to_string().into_bytes();
        let place = at.index(bytes.len());
        bytes[place] ^= 1 << bit;
        if let Ok(changed) = String::from_utf8(bytes).unwrap_or_default().parse::<Receipt>() {
            let differs_in_nonce_only = Receipt { nonce: good.nonce, ..changed.clone() } == good;
            prop_assert_eq!(verify(&changed, &key(), REMOVED, None).is_ok(), differs_in_nonce_only);
        }
    }
}
