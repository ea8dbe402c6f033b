//! Notes, against those of an implementation that others wrote.

use ed25519_dalek::{Signer, SigningKey};
use proptest::prelude::*;
use signed_note::{StandardSigner, StandardVerifier, VerifierList};

use super::*;

/// The example of the specification.
const KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const NOTE: &str = "This is an example message.\n\n— example.com/foo \
                    Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

/// A key pair whose public half has this name.
pub(crate) fn key_pair(name: &str, seed: u8) -> (SigningKey, VerifierKey) {
    let signing = SigningKey::from_bytes(&[seed; 32]);
    let key = VerifierKey::new(name.parse().unwrap(), signing.verifying_key().as_bytes()).unwrap();
    (signing, key)
}

/// A note by the key with this name and seed.
pub(crate) fn signed(text: &str, name: &str, seed: u8) -> Note {
    let (signing, key) = key_pair(name, seed);
    let text = NoteText::parse(text).unwrap();
    let signature = signing.sign(text.signed_bytes()).to_bytes();
    text.sign(&key, signature).unwrap()
}

fn parse(note: &str) -> Result<Note, NoteError> {
    note.parse()
}

#[test]
fn the_example_of_the_specification_verifies() {
    let key: VerifierKey = KEY.parse().unwrap();
    assert_eq!(key.to_string(), KEY);
    assert_eq!(key.id().to_string(), "530d903a");
    let note = parse(NOTE).unwrap();
    assert_eq!(note.to_string(), NOTE);
    assert_eq!(note.verify(&key).unwrap().as_str(), "This is an example message.\n");
}

#[test]
fn other_texts_are_no_notes() {
    let (text, line) = NOTE.split_once("\n\n").unwrap();
    let line = line.trim_end();
    let many = |n| format!("{text}\n\n{}", format!("{line}\n").repeat(n));
    assert!(parse(&many(100)).is_ok());
    for (note, error) in [
        (String::new(), NoteError::NoSignatures),
        (format!("{text}\n"), NoteError::NoSignatures),
        (format!("{text}\n{line}\n"), NoteError::NoSignatures),
        (format!("{text}\n\n{line}"), NoteError::NoLastNewline),
        (format!("{text}\n\n"), NoteError::NoSignatures),
        (format!("{text}\n\n{line}\n\n"), NoteError::NoSignatures),
        (format!("{text}\n\n\n"), NoteError::NoSignatures),
        (format!("{text}\r\n\r\n{line}\r\n"), NoteError::NoSignatures),
        (format!("{text}\r\n\n{line}\n"), NoteError::BadText),
        (format!("a\tb\n\n{line}\n"), NoteError::BadText),
        (format!("{text}\n\n{line}\r\n"), NoteError::BadLine(1)),
        (format!("{text}\n\n{line}\n{line} \n"), NoteError::BadLine(2)),
        (format!("{text}\n\n{line}\ntrailing\n"), NoteError::BadLine(2)),
        (format!("{text}\n\n{}\n", line.replace('—', "-")), NoteError::BadLine(1)),
        (format!("{text}\n\n{}\n", line.replace("foo ", "foo  ")), NoteError::BadLine(1)),
        (format!("{text}\n\n{}\n", line.replace("/foo", "+foo")), NoteError::BadLine(1)),
        (format!("{text}\n\n{}\n", line.replace("/foo", "\u{a0}foo")), NoteError::BadLine(1)),
        (format!("{text}\n\n{}\n", line.replace("aQM=", "aQN=")), NoteError::BadLine(1)),
        (format!("{text}\n\n{}\n", line.replace("aQM=", "aQM")), NoteError::BadLine(1)),
        (format!("{text}\n\n— name UwaQOg==\n"), NoteError::BadLine(1)),
        (many(101), NoteError::TooMany),
        ("x".repeat(1_000_001), NoteError::TooLong(1_000_001)),
    ] {
        assert_eq!(parse(&note).err(), Some(error), "{note:.200}");
    }
}

#[test]
fn only_the_wanted_key_counts() {
    let (_, key) = key_pair("example.com/log", 1);
    let good = signed("text\n", "example.com/log", 1).to_string();
    let line = |note: &Note| note.to_string().split_once("\n\n").unwrap().1.to_owned();
    let by_other = line(&signed("text\n", "witness.example/a", 2));
    let same_name = line(&signed("text\n", "example.com/log", 3));
    let of_other_text = line(&signed("other\n", "example.com/log", 1));
    let bad = || NoteError::BadSignature(key.name().clone());
    let not_signed = NoteError::NotSigned { name: key.name().clone(), id: key.id() };
    for (note, error) in [
        (good.clone(), None),
        (format!("{good}{by_other}{same_name}— else AAAAAAA=\n"), None),
        (format!("text\n\n{by_other}{same_name}"), Some(not_signed)),
        (format!("text\n\n{of_other_text}"), Some(bad())),
        (format!("{good}{of_other_text}"), Some(bad())),
    ] {
        assert_eq!(parse(&note).unwrap().verify(&key).err(), error, "{note}");
    }
    let unsigned = NoteText::parse("text\n").unwrap();
    assert_eq!(unsigned.sign(&key, [7; 64]), Err(bad()));
    for bad in ["", "no newline", "a\r\n", "\0\n"] {
        assert_eq!(NoteText::parse(bad), Err(NoteError::BadText), "{bad:?}");
    }
}

#[test]
fn other_texts_are_no_verifier_keys() {
    let of = |name: &str, key: &[u8]| {
        let id = signed_note::key_id(name, key);
        format!("{name}+{id:08x}+{}", base64::Engine::encode(&base64::prelude::BASE64_STANDARD, key))
    };
    // The neutral element of the curve: every signature of a kind is valid for it.
    let weak = [&[1, 1][..], &[0; 31]].concat();
    let (expected, found) = ("530d903a".parse().unwrap(), "530d903b".parse().unwrap());
    for (text, error) in [
        (String::new(), VerifierKeyError::Name(BadKeyName)),
        ("name".to_owned(), VerifierKeyError::Form),
        ("name+530d903a".to_owned(), VerifierKeyError::Form),
        (KEY.replace("530d903a", "530D903A"), VerifierKeyError::Form),
        (KEY.replace("530d903a", "+30d903a"), VerifierKeyError::Form),
        (KEY.replace("530d903a", "0530d903a"), VerifierKeyError::Form),
        (KEY.replace("530d903a", "530d903b"), VerifierKeyError::Id { expected, found }),
        (KEY.replace("example", "exam ple"), VerifierKeyError::Name(BadKeyName)),
        (format!("{KEY}\n"), VerifierKeyError::Form),
        (format!("{KEY}="), VerifierKeyError::Form),
        (of("name", &[]), VerifierKeyError::Form),
        (of("name", &[2; 33]), VerifierKeyError::Type),
        (of("name", &[1; 32]), VerifierKeyError::Key),
        (of("name", &[1; 34]), VerifierKeyError::Key),
        (of("name", &weak), VerifierKeyError::Key),
    ] {
        assert_eq!(text.parse::<VerifierKey>(), Err(error), "{text}");
    }
}

#[test]
fn a_note_takes_further_signatures_that_are_valid() {
    let note = signed("text\n", "example.com/log", 1);
    let (signing, key) = key_pair("example.com/log", 2);
    let signature = signing.sign(b"text\n").to_bytes();
    let both = note.clone().with_signature(&key, signature).unwrap();
    for seed in [1, 2] {
        assert!(both.verify(&key_pair("example.com/log", seed).1).is_ok());
    }
    assert_eq!(parse(&both.to_string()), Ok(both));
    let bad = NoteError::BadSignature(key.name().clone());
    assert_eq!(note.clone().with_signature(&key, [7; 64]), Err(bad));
    let full = (1..100).try_fold(note, |note, _| note.with_signature(&key, signature)).unwrap();
    assert_eq!(parse(&full.to_string()).as_ref(), Ok(&full));
    assert_eq!(full.with_signature(&key, signature), Err(NoteError::TooMany));
    let long = NoteText::parse("x".repeat(MAX_NOTE_BYTES) + "\n").unwrap();
    let signature = signing.sign(long.signed_bytes()).to_bytes();
    assert!(matches!(long.sign(&key, signature), Err(NoteError::TooLong(_))));
}

proptest! {
    #[test]
    fn our_notes_verify_with_others(text in "([^\\x00-\\x1f]{0,20}\n){1,4}", name in "[^\\s\\x00-\\x1f+]{1,20}", seed: u8) {
        let (_, key) = key_pair(&name, seed);
        let note = signed(&text, &name, seed);
        let verifier = StandardVerifier::new(&key.to_string()).unwrap();
        let theirs = signed_note::Note::from_bytes(note.to_string().as_bytes()).unwrap();
        prop_assert_eq!(theirs.text(), text.as_bytes());
        prop_assert!(theirs.verify(&VerifierList::new(vec![Box::new(verifier)])).is_ok());
        prop_assert_eq!(parse(&note.to_string()).unwrap(), note);
    }

    #[test]
    fn notes_of_others_verify_with_ours(text in "([^\\x00-\\x1f]{0,20}\n){1,4}", seed: [u8; 32]) {
        let public = SigningKey::from_bytes(&seed).verifying_key();
        let key = VerifierKey::new("example.com/log".parse().unwrap(), public.as_bytes()).unwrap();
        let private = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, [&[1], &seed[..]].concat());
        let signer = StandardSigner::new(&format!("PRIVATE+KEY+example.com/log+{}+{private}", key.id())).unwrap();
        let mut theirs = signed_note::Note::new(text.as_bytes(), &[]).unwrap();
        theirs.add_sigs(&[&signer]).unwrap();
        let note = parse(&String::from_utf8(theirs.to_bytes()).unwrap()).unwrap();
        prop_assert_eq!(note.verify(&key).unwrap().as_str(), text);
    }

    #[test]
    fn a_changed_byte_is_found(at: prop::sample::Index, bit in 0..8u8) {
        let key: VerifierKey = KEY.parse().unwrap();
        let mut bytes = NOTE.as_bytes().to_vec();
        let place = at.index(bytes.len());
        bytes[place] ^= 1 << bit;
        if let Ok(text) = String::from_utf8(bytes) {
            prop_assert!(parse(&text).and_then(|note| note.verify(&key).cloned()).is_err());
        }
    }

    #[test]
    fn any_text_is_a_note_or_an_error(text in "(([a— \n\t]|\n\n){0,10}|[a\n]{0,5}\n\n(— a [A-Za-z0-9+/=]{0,12}\n){0,3})") {
        if let Ok(note) = parse(&text) {
            prop_assert_eq!(note.to_string(), text);
        }
    }
}
