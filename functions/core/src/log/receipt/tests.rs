//! The text of receipts.

use base64::{Engine, engine::general_purpose::STANDARD};
use proptest::prelude::*;

use super::*;
use crate::log::{LogKey, note::tests::signed, proof::Inclusion, tests::leaf_hash};
use crate::{identifier::IdentifierType, key::IdHash};

/// The log of the receipts.
pub(crate) const ORIGIN: &str = "example.com/log/spa_demo";

/// The seed of its key.
pub(crate) const SEED: u8 = 1;

/// When the identifier was deleted.
pub(crate) const TIME: &str = "2026-01-01T00:00:00.123Z";

/// The entry of a deleted identifier, and what ties it to `email:ada@example.com`.
pub(crate) fn removed() -> (String, Nonce) {
    let key = LogKey::from_base64(&STANDARD.encode([1; 32])).unwrap();
    let nonce = key.nonce(&IdHash::from_bytes([2; 32]), 3);
    let subject = nonce.commit(&IdentifierType::parse("email").unwrap(), "ada@example.com");
    let leaf = format!(
        r#"{{"v":1,"time":"{TIME}","event":"identifier.removed","id_type":"email","subject":"{subject}","normalisation":"lowercase","reason":"ü"}}"#
    );
    (leaf, nonce)
}

/// A receipt for this entry at index 2 of a log of 5.
pub(crate) fn receipt(leaf: &str, nonce: Option<Nonce>) -> Receipt {
    let entries = ["a", "b", leaf, "d", "e"].map(leaf_hash);
    let left = Hash::node(entries[0], entries[1]);
    let root = Hash::node(Hash::node(left, Hash::node(entries[2], entries[3])), entries[4]);
    let proof = vec![entries[3], left, entries[4]];
    assert_eq!(Inclusion::new(2, 5).unwrap().verify(entries[2], root, &proof), Ok(()));
    let checkpoint = signed(&format!("{ORIGIN}\n5\n{root}\n"), ORIGIN, SEED);
    Receipt { index: 2, leaf: Entry::new(leaf.to_owned()).unwrap(), nonce, proof, checkpoint }
}

fn example() -> Receipt {
    let (leaf, nonce) = removed();
    receipt(&leaf, Some(nonce))
}

fn with_extra(extra: &str) -> String {
    let text = example().to_string();
    let line = text.lines().nth(1).unwrap();
    text.replace(line, &format!("extra {}", STANDARD.encode(extra)))
}

#[test]
fn the_text_is_that_of_the_specification() {
    let receipt = example();
    let text = receipt.to_string();
    let lines: Vec<_> = text.split('\n').collect();
    assert_eq!((lines[0], lines[2]), ("c2sp.org/tlog-proof@v1", "index 2"));
    assert_eq!(lines[3..6], receipt.proof.iter().map(Hash::to_string).collect::<Vec<_>>());
    assert_eq!(lines[6], "");
    assert_eq!(lines[7..].join("\n"), receipt.checkpoint.to_string());
    let extra = STANDARD.decode(lines[1].strip_prefix("extra ").unwrap()).unwrap();
    let leaf = serde_json::to_string(receipt.leaf.as_str()).unwrap();
    let expected = format!(r#"{{"leaf":{leaf},"nonce":"{}"}}"#, receipt.nonce.unwrap());
    assert_eq!(String::from_utf8(extra).unwrap(), expected);
    assert_eq!(text.parse(), Ok(receipt));
}

#[test]
fn a_receipt_need_not_be_for_an_identifier() {
    let receipt = receipt(r#"{"event":"job.completed"}"#, None);
    assert_eq!(receipt.to_string().parse(), Ok(receipt));
}

#[test]
fn other_texts_are_no_receipts() {
    let text = example().to_string();
    let hash = example().proof[0].to_string();
    let extra = text.lines().nth(1).unwrap();
    let many = format!("{hash}\n").repeat(64);
    for (text, error) in [
        (String::new(), ReceiptError::Header),
        (format!(" {text}"), ReceiptError::Header),
        (text.replace('\n', "\r\n"), ReceiptError::Header),
        (text.replace("@v1", "@v2"), ReceiptError::Header),
        (text.replace("\n\n", "\n"), ReceiptError::NoCheckpoint),
        (text.replace(&format!("{extra}\n"), ""), ReceiptError::NotOurs),
        (text.replace(extra, "extra "), ReceiptError::Extra),
        (text.replace(extra, "extra"), ReceiptError::Index),
        (text.replace(extra, &format!("{extra}\r")), ReceiptError::Extra),
        (text.replace(extra, &format!("{extra}=")), ReceiptError::Extra),
        (text.replace(extra, &extra.replace("extra ", "extra extra ")), ReceiptError::Extra),
        (text.replace("index 2\n", ""), ReceiptError::Index),
        (text.replace("index 2", "index 02"), ReceiptError::Index),
        (text.replace("index 2", "index  2"), ReceiptError::Index),
        (text.replace("index 2", "index -2"), ReceiptError::Index),
        (text.replace("index 2", "index 2\r"), ReceiptError::Index),
        (text.replace("index 2", "index 18446744073709551616"), ReceiptError::Index),
        (text.replace("index 2", "index 2\nindex 2"), ReceiptError::Hash),
        (text.replace(&hash, &hash[1..]), ReceiptError::Hash),
        (text.replace(&hash, &format!("{hash} ")), ReceiptError::Hash),
        (text.replace(&format!("{hash}\n"), &many), ReceiptError::TooManyHashes),
        (format!("{text}\n"), ReceiptError::Checkpoint(NoteError::NoSignatures)),
        (text.trim_end().to_owned(), ReceiptError::Checkpoint(NoteError::NoLastNewline)),
        (format!("{text}trailing\n"), ReceiptError::Checkpoint(NoteError::BadLine(2))),
    ] {
        assert_eq!(text.parse::<Receipt>().err(), Some(error), "{text}");
    }
}

#[test]
fn the_extra_line_has_one_form() {
    let nonce = removed().1.to_string();
    let good = format!(r#"{{"leaf":"x","nonce":"{nonce}"}}"#);
    assert!(with_extra(&good).parse::<Receipt>().is_ok());
    assert!(with_extra(r#"{"leaf":"\u001f"}"#).parse::<Receipt>().is_ok());
    for bad in [
        "",
        "{}",
        "null",
        r#"{"leaf":7}"#,
        r#"{"leaf":null}"#,
        r#"{"leaf": "x"}"#,
        r#"{"leaf":"x"} "#,
        r#"{"leaf":"x","leaf":"x"}"#,
        r#"{"leaf":"x","more":1}"#,
        r#"{"leaf":"\u001F"}"#,
        r#"{"leaf":"\u0078"}"#,
        r#"{"leaf":"x","nonce":null}"#,
        r#"{"leaf":"x","normalisation":"none"}"#,
        r#"["x"]"#,
        &good.replace('}', r#","normalisation":"none"}"#),
        &good.replace(&nonce, &nonce[1..]),
        &good.replace(&nonce, &format!("{nonce}=")),
    ] {
        let error = if bad.is_empty() { ReceiptError::Extra } else { ReceiptError::NotOurs };
        assert_eq!(with_extra(bad).parse::<Receipt>(), Err(error), "{bad}");
    }
}

#[test]
fn a_receipt_has_a_longest_entry_and_a_largest_size() {
    let mut longest = receipt(&"\0".repeat(MAX_ENTRY_BYTES), Some(removed().1));
    longest.index = crate::log::MAX_SIZE;
    longest.proof = vec![Hash::EMPTY_ROOT; 63];
    let text = longest.to_string();
    let room = MAX_RECEIPT_BYTES - (text.len() - longest.checkpoint.to_string().len());
    assert!((MAX_NOTE_BYTES..MAX_NOTE_BYTES + 1_000).contains(&room), "{room}");
    assert_eq!(text.parse(), Ok(longest));
    let too_long = with_extra(&format!(r#"{{"leaf":"{}"}}"#, "x".repeat(MAX_ENTRY_BYTES + 1)));
    assert_eq!(too_long.parse::<Receipt>(), Err(ReceiptError::NotOurs));
    let length = MAX_RECEIPT_BYTES + 1;
    assert_eq!("x".repeat(length).parse::<Receipt>(), Err(ReceiptError::TooLong(length)));
}

#[test]
fn a_nonce_is_not_printed() {
    let text = example().to_string();
    let proof: TlogProof = text.parse().unwrap();
    let bytes = format!("{:?}", proof.extra.as_ref().unwrap());
    for printed in [format!("{proof:?}"), format!("{:?}", example())] {
        assert!(!printed.contains(&bytes) && !printed.contains(&example().nonce.unwrap().to_string()), "{printed}");
    }
}

proptest! {
    #[test]
    fn receipts_come_back(leaf: String, index in 0..=crate::log::MAX_SIZE, hashes in 0usize..=63, has_nonce: bool) {
        let (example, (_, nonce)) = (example(), removed());
        let proof = (0..hashes as u64).map(crate::log::tests::leaf_hash_at).collect();
        let leaf = Entry::new(leaf).unwrap();
        let receipt = Receipt { index, leaf, proof, nonce: has_nonce.then_some(nonce), ..example };
        prop_assert_eq!(receipt.to_string().parse(), Ok(receipt));
    }

    #[test]
    fn texts_are_json_strings_as_others_write_them(text in "[\\x00-\\x20\"\\\\/a-c\\x7fé\u{2028}🦀]{0,40}") {
        prop_assert_eq!(JsonString(&text).to_string(), serde_json::to_string(&text).unwrap());
    }

    #[test]
    fn a_piece_of_a_receipt_is_none(at: prop::sample::Index) {
        let text = example().to_string();
        let cut = at.index(text.len());
        if let Some(piece) = text.get(..cut) {
            prop_assert!(piece.parse::<Receipt>().is_err());
        }
    }
}
