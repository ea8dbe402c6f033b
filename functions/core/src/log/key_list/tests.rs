use proptest::prelude::*;

use super::*;
use crate::log::note::tests::{key_pair, signed};

const LOG: &str = "example.com/log";

fn key(seed: u8) -> VerifierKey {
    key_pair(LOG, seed).1
}

/// A list of keys, by seed, first size, and last one; 0 for none.
fn list(uses: &[(u8, u64, u64)]) -> KeyList {
    let of = |(seed, from, to): &(u8, u64, u64)| {
        let to = (*to > 0).then_some(*to);
        KeyUse { key: key(*seed), from: *from, to }
    };
    KeyList(uses.iter().map(of).collect())
}

type Uses = &'static [(u8, u64, u64)];

/// A list, the last checkpoint's size and key, the key that is to sign, and what is stored before.
type Case = (Uses, Option<(u64, u8)>, u8, Result<Option<Uses>, KeyListError>);

/// What `before_signing` makes of a list.
fn next(listed: &KeyList, last: Option<(u64, u8)>, signs: u8) -> Result<Option<KeyList>, KeyListError> {
    let signer = last.map(|(size, seed)| (size, key(seed)));
    listed.before_signing(signer.as_ref().map(|(size, key)| (*size, key)), &key(signs))
}

#[test]
fn a_key_is_listed_before_it_signs() {
    const A: u8 = 1;
    const B: u8 = 2;
    const C: u8 = 3;
    let cases: &[Case] = &[
        // The first key, and the same again after a crash.
        (&[], None, A, Ok(Some(&[(A, 1, 0)]))),
        (&[(A, 1, 0)], None, A, Ok(None)),
        (&[(A, 1, 0)], Some((7, A)), A, Ok(None)),
        // Two keys before anything was signed: both stay until one of them has signed.
        (&[(A, 1, 0)], None, B, Ok(Some(&[(A, 1, 0), (B, 1, 0)]))),
        (&[(A, 1, 0), (B, 1, 0)], None, A, Ok(None)),
        (&[(A, 1, 0), (B, 1, 0)], Some((7, B)), B, Ok(Some(&[(B, 1, 0)]))),
        (&[(A, 1, 0), (B, 1, 0)], Some((7, B)), A, Ok(Some(&[(B, 1, 0), (A, 8, 0)]))),
        // A rotation, and the same after a crash and after the first signature.
        (&[(A, 1, 0)], Some((7, A)), B, Ok(Some(&[(A, 1, 0), (B, 8, 0)]))),
        (&[(A, 1, 0), (B, 8, 0)], Some((7, A)), B, Ok(None)),
        (&[(A, 1, 0), (B, 8, 0)], Some((9, B)), B, Ok(Some(&[(A, 1, 7), (B, 8, 0)]))),
        (&[(A, 1, 7), (B, 8, 0)], Some((9, B)), B, Ok(None)),
        // The old key goes on: the new one stays for as long as it may be about to sign.
        (&[(A, 1, 0), (B, 8, 0)], Some((7, A)), A, Ok(None)),
        (&[(A, 1, 0), (B, 8, 0)], Some((9, A)), A, Ok(Some(&[(A, 1, 0)]))),
        (&[(A, 1, 0), (B, 8, 0)], Some((9, A)), B, Ok(Some(&[(A, 1, 0), (B, 10, 0)]))),
        // Three at once.
        (&[(A, 1, 0), (B, 8, 0)], Some((7, A)), C, Ok(Some(&[(A, 1, 0), (B, 8, 0), (C, 8, 0)]))),
        (&[(A, 1, 0), (B, 8, 0), (C, 8, 0)], Some((9, C)), A, Ok(Some(&[(A, 1, 7), (C, 8, 0), (A, 10, 0)]))),
        // The rotation is taken back.
        (&[(A, 1, 7), (B, 8, 0)], Some((9, B)), A, Ok(Some(&[(A, 1, 7), (B, 8, 0), (A, 10, 0)]))),
        (&[(A, 1, 7), (B, 8, 0), (A, 10, 0)], Some((12, A)), A, Ok(Some(&[(A, 1, 7), (B, 8, 9), (A, 10, 0)]))),
        // The checkpoint is not the last one any more, or list and checkpoint contradict each other.
        (&[], Some((7, A)), A, Err(KeyListError::NotListed(7))),
        (&[(A, 1, 0)], Some((7, B)), B, Err(KeyListError::NotListed(7))),
        (&[(A, 1, 0), (B, 8, 0)], Some((7, B)), B, Err(KeyListError::NotListed(7))),
        (&[(A, 1, 0), (B, 8, 0)], None, B, Err(KeyListError::Later(0))),
        (&[(A, 1, 7), (B, 8, 0)], Some((7, A)), A, Err(KeyListError::Later(7))),
        (&[(A, 1, 0), (B, 10, 0)], Some((7, A)), A, Err(KeyListError::Later(7))),
    ];
    for (listed, last, signs, expected) in cases {
        let found = next(&list(listed), *last, *signs);
        assert_eq!(found, expected.map(|uses| uses.map(list)), "{listed:?} {last:?} {signs}");
    }
}

/// Whether the text of a list is read as that list.
fn is_read(list: &KeyList) -> bool {
    list.to_string().parse::<KeyList>().as_ref() == Ok(list)
}

/// A run: what it has read, and how far it is.
#[derive(Debug, Clone)]
struct Run {
    key: u8,
    last: Option<(u64, u8)>,
    listed: Option<KeyList>,
    may_sign: bool,
}

proptest! {
    /// Runs with three keys do their steps in any order: read the checkpoint, read the list, replace the list if it is as
    /// it was read, replace the checkpoint if it is as it was read. Whatever is stored can be read and opened.
    #[test]
    fn whatever_runs_at_the_same_time_the_list_opens_the_checkpoint(
        steps in prop::collection::vec((0..5_usize, 1..4_u64), 1..120)
    ) {
        let new = |key| Run { key, last: None, listed: None, may_sign: false };
        let mut runs = [new(1), new(2), new(3), new(1), new(2)];
        let mut stored: (KeyList, Option<(u64, u8)>) = Default::default();
        let mut begun = [false; 5];
        let mut signed = Vec::new();
        for (at, grows) in steps {
            let run = &mut runs[at];
            if !begun[at] {
                (run.last, begun[at]) = (stored.1, true);
                continue;
            }
            let Some(read) = run.listed.clone() else {
                run.listed = Some(stored.0.clone());
                continue;
            };
            if !run.may_sign {
                let is_last = run.last == stored.1;
                match next(&read, run.last, run.key) {
                    Ok(None) => run.may_sign = true,
                    Ok(Some(list)) if read == stored.0 => {
                        prop_assert!(is_read(&list), "{list}");
                        stored.0 = list;
                        run.may_sign = true;
                    }
                    Ok(Some(_)) => (run.listed, begun[at]) = (None, false),
                    Err(error) => {
                        prop_assert!(!is_last || read != stored.0, "{error} of {read:?} {:?}", run.last);
                        (run.listed, begun[at]) = (None, false);
                    }
                }
                continue;
            }
            if run.last == stored.1 {
                stored.1 = Some((run.last.map_or(0, |(size, _)| size) + grows, run.key));
                signed.extend(stored.1);
            }
            (run.listed, run.may_sign, begun[at]) = (None, false, false);
            for (size, seed) in &signed {
                let used = stored.0.uses().iter().find(|used| used.key == key(*seed) && used.has(*size));
                prop_assert!(used.is_some(), "{size} of {seed} by {:?}", stored.0);
            }
            if let Some((size, seed)) = stored.1 {
                let after = stored.0.after_signing(size, &key(seed));
                prop_assert!(after.is_ok(), "{after:?}");
                if let Ok(Some(after)) = after {
                    prop_assert!(is_read(&after), "{after}");
                }
            }
        }
    }

    /// Of lists that can be read, and checkpoints of any size and key: what comes out can be read.
    #[test]
    fn what_is_stored_can_be_read(
        ends in prop::collection::vec((1..4_u8, 1..5_u64), 0..4),
        open in prop::collection::vec((1..4_u8, 0..5_u64), 0..4),
        last in prop::option::of((1..20_u64, 1..4_u8)),
        signs in 1..4_u8,
    ) {
        let mut at = 0;
        let ended = ends.iter().map(|(seed, count)| { at += count; (*seed, at - count + 1, at) });
        let mut uses: Vec<_> = ended.collect();
        let mut from = at + 1;
        for (number, (seed, more)) in open.iter().enumerate() {
            from += if number == 0 { 0 } else { *more };
            uses.push((*seed, from, 0));
        }
        let listed = list(&uses);
        if !listed.is_whole() {
            return Ok(());
        }
        if let Ok(Some(next)) = next(&listed, last, signs) {
            prop_assert!(is_read(&next), "{next}");
        }
    }
}

#[test]
fn the_text_has_no_gap() {
    let text = list(&[(1, 1, 7), (2, 8, 0)]).to_string();
    let expected =
        format!(r#"{{"v":1,"keys":[{{"key":"{}","from":1,"to":7}},{{"key":"{}","from":8}}]}}"#, key(1), key(2));
    assert_eq!(text, expected);
    assert!(text.parse::<KeyList>().is_ok());
    for (from, to) in [
        ("\"v\":1", "\"v\":2"),
        ("\"to\":7", "\"to\":6"),
        ("\"to\":7", "\"to\":0"),
        ("\"from\":1", "\"from\":2"),
        ("\"from\":8", "\"from\":9"),
        ("\"from\":8", "\"from\":1"),
        ("\"v\":1", "\"v\":1,\"more\":1"),
        ("+", "-"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text);
        assert_eq!(changed.parse::<KeyList>(), Err(BadKeyList), "{changed}");
    }
    let refused: &[Uses] = &[
        &[(1, 1, 7)],
        &[(1, 1, 7), (1, 8, 0)],
        &[(1, 1, 0), (2, 8, 9)],
        &[(1, 1, 0), (2, 8, 0), (1, 8, 0)],
        &[(1, 1, 0), (2, 8, 0), (3, 7, 0)],
        &[(1, 2, 0)],
    ];
    for uses in refused {
        assert_eq!(list(uses).to_string().parse::<KeyList>(), Err(BadKeyList), "{uses:?}");
    }
    assert!(list(&[(1, 1, 0), (2, 8, 0), (3, 8, 0)]).to_string().parse::<KeyList>().is_ok());
}

#[test]
fn a_checkpoint_is_opened_by_the_key_that_signed_it() {
    let root = crate::log::Hash::EMPTY_ROOT;
    let note = |size: u64, seed| signed(&format!("{LOG}\n{size}\n{root}\n"), LOG, seed);
    let rotated = list(&[(1, 1, 7), (2, 8, 0)]);
    assert_eq!(rotated.open(&note(7, 1)).unwrap().1, &key(1));
    assert_eq!(rotated.open(&note(8, 2)).unwrap().1, &key(2));
    for (size, seed) in [(8, 1), (7, 2), (0, 1)] {
        assert_eq!(rotated.open(&note(size, seed)), Err(CheckpointError::KeyOfOtherSizes(size)), "{size} {seed}");
    }
    // Before the new key has signed, the old one may.
    assert_eq!(list(&[(1, 1, 0), (2, 8, 0)]).open(&note(9, 1)).unwrap().1, &key(1));
    assert!(rotated.open(&note(8, 3)).is_err());
    assert!(KeyList::default().open(&note(1, 1)).is_err());
}
