//! Checkpoints, against those of an implementation that others wrote.

use ed25519_dalek::Signer;
use proptest::prelude::*;

use super::*;
use crate::log::{
    note::tests::{key_pair, signed},
    tests::leaf_hash_at,
};

const LOG: &str = "example.com/log";
const ROOT: &str = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";

fn parse(text: &str) -> Result<Checkpoint, CheckpointError> {
    Checkpoint::parse(&NoteText::parse(text).unwrap())
}

/// A checkpoint that a log may have signed, whatever its entries are.
pub(crate) fn checkpoint(origin: &str, size: u64, root: Hash) -> Checkpoint {
    parse(&format!("{origin}\n{size}\n{root}\n")).unwrap()
}

/// The tree over the first entries of the tests' log.
pub(crate) fn tree(size: u64) -> Frontier {
    let mut tree = Frontier::new();
    (0..size).for_each(|index| tree.push(leaf_hash_at(index)).unwrap());
    tree
}

#[test]
fn the_example_of_the_specification_is_read() {
    let text = format!("example.com/behind-the-sofa\n20852163\n{ROOT}\n");
    let checkpoint = parse(&text).unwrap();
    assert_eq!((checkpoint.origin().as_str(), checkpoint.size()), ("example.com/behind-the-sofa", 20_852_163));
    assert_eq!((checkpoint.root().to_string().as_str(), checkpoint.extensions().len()), (ROOT, 0));
    assert_eq!(checkpoint.to_text().as_str(), text);
    let empty = format!("a log\n0\n{}\nx\n y \n", Hash::EMPTY_ROOT);
    assert_eq!(parse(&empty).unwrap().extensions(), ["x", " y "]);
    assert_eq!(parse(&empty).unwrap().to_string(), empty);
}

#[test]
fn other_texts_are_no_checkpoints() {
    for (text, error) in [
        ("\n".to_owned(), CheckpointError::Lines),
        (format!("{LOG}\n7\n"), CheckpointError::Lines),
        (format!("\n7\n{ROOT}\n"), CheckpointError::Origin),
        (format!("{LOG}\n\n{ROOT}\n"), CheckpointError::Size),
        (format!("{LOG}\n07\n{ROOT}\n"), CheckpointError::Size),
        (format!("{LOG}\n+7\n{ROOT}\n"), CheckpointError::Size),
        (format!("{LOG}\n-7\n{ROOT}\n"), CheckpointError::Size),
        (format!("{LOG}\n7 \n{ROOT}\n"), CheckpointError::Size),
        (format!("{LOG}\n9223372036854775808\n{ROOT}\n"), CheckpointError::Size),
        (format!("{LOG}\n7\n{}\n", &ROOT[..43]), CheckpointError::Root),
        (format!("{LOG}\n7\n{ROOT} \n"), CheckpointError::Root),
        (format!("{LOG}\n7\n\n"), CheckpointError::Root),
        (format!("{LOG}\n0\n{ROOT}\n"), CheckpointError::Root),
        (format!("{LOG}\n7\n{ROOT}\n\n"), CheckpointError::Extension),
        (format!("{LOG}\n7\n{ROOT}\na\n\nb\n"), CheckpointError::Extension),
    ] {
        assert_eq!(parse(&text), Err(error), "{text}");
    }
}

#[test]
fn a_checkpoint_is_that_of_the_log_that_signed_it() {
    let (_, key) = key_pair(LOG, 1);
    let open =
        |origin: &str, name, seed| Checkpoint::open(&signed(&format!("{origin}\n7\n{ROOT}\n"), name, seed), &key);
    assert_eq!(open(LOG, LOG, 1).unwrap().size(), 7);
    let found = "example.com/other".parse().unwrap();
    let other = CheckpointError::OtherLog { expected: key.name().clone(), found };
    assert_eq!(open("example.com/other", LOG, 1), Err(other));
    for (name, seed) in [(LOG, 2), ("example.com/other", 1)] {
        assert!(matches!(open(LOG, name, seed), Err(CheckpointError::Note(NoteError::NotSigned { .. }))));
    }
    assert_eq!("a\tb".parse::<Origin>(), Err(CheckpointError::Origin));
}

#[test]
fn a_checkpoint_of_a_tree_is_signed_by_the_key_of_its_log_only() {
    for size in [0, 1, 7] {
        let made = Checkpoint::of(LOG.parse().unwrap(), &tree(size));
        assert_eq!((made.size(), made.root(), made.extensions().len()), (size, tree(size).root(), 0));
        let sign = |name, seed| {
            let (signing, key) = key_pair(name, seed);
            (key, signing.sign(made.to_text().signed_bytes()).to_bytes())
        };
        let (key, signature) = sign(LOG, 1);
        let note = made.sign(&key, signature).unwrap();
        assert_eq!(Checkpoint::open(&note, &key).as_ref(), Ok(&made));
        let (other, of_other) = sign("example.com/other", 1);
        let other_log = CheckpointError::OtherLog { expected: other.name().clone(), found: made.origin().clone() };
        assert_eq!(made.sign(&other, of_other), Err(other_log));
        let bad = CheckpointError::Note(NoteError::BadSignature(key.name().clone()));
        assert_eq!(made.sign(&key, [7; 64]), Err(bad));
    }
}

#[test]
fn while_a_key_is_replaced_both_open_a_checkpoint() {
    let made = Checkpoint::of(LOG.parse().unwrap(), &tree(7));
    let text = made.to_text();
    let [(old, by_old), (new, by_new)] = [1, 2].map(|seed| {
        let (signing, key) = key_pair(LOG, seed);
        (key, signing.sign(text.signed_bytes()).to_bytes())
    });
    let note = made.sign(&old, by_old).unwrap();
    let both = Checkpoint::sign_also(note.clone(), &new, by_new).unwrap();
    for key in [&old, &new] {
        assert_eq!(Checkpoint::open(&both.to_string().parse().unwrap(), key).as_ref(), Ok(&made));
    }
    let bad = CheckpointError::Note(NoteError::BadSignature(new.name().clone()));
    assert_eq!(Checkpoint::sign_also(note.clone(), &new, by_old), Err(bad));
    let (signing, other) = key_pair("example.com/other", 3);
    let of_other = signing.sign(text.signed_bytes()).to_bytes();
    let other_log = Checkpoint::sign_also(note, &other, of_other);
    assert!(matches!(other_log, Err(CheckpointError::OtherLog { .. })));
}

proptest! {
    #[test]
    fn others_read_our_checkpoints(origin in "[^\\x00-\\x1f]{1,30}", size in 1..=crate::log::MAX_SIZE, root: [u8; 32]) {
        let checkpoint = checkpoint(&origin, size, Hash::from_bytes(root));
        let text = checkpoint.to_string();
        prop_assert_eq!(parse(&text), Ok(checkpoint));
        let theirs = tlog_tiles::Checkpoint::from_bytes(text.as_bytes()).unwrap();
        prop_assert_eq!((theirs.origin(), theirs.size(), theirs.hash().0), (&*origin, size, root));
    }

    #[test]
    fn a_changed_byte_is_found(at: prop::sample::Index, bit in 0..8u8) {
        let (_, key) = key_pair(LOG, 1);
        let mut bytes = signed(&format!("{LOG}\n7\n{ROOT}\n"), LOG, 1).to_string().into_bytes();
        let place = at.index(bytes.len());
        bytes[place] ^= 1 << bit;
        if let Ok(text) = String::from_utf8(bytes) {
            let note = text.parse::<Note>().map_err(CheckpointError::from);
            prop_assert!(note.and_then(|note| Checkpoint::open(&note, &key)).is_err());
        }
    }
}
