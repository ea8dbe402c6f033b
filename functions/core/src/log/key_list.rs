//! The keys that a log signs with, each with the sizes that it signed or may sign.
//!
//! Its text is JSON: `{"v":1,"keys":[{"key":"<verifier key>","from":1,"to":512},{"key":"<verifier key>","from":513}]}`.
//! First come the keys with an end: their sizes begin with 1 and have no gap, and they sign nothing more. Then come those
//! without an end, which may sign. Usually that is one. While a key is replaced there are several, and the first one goes on
//! until another one has signed.
//!
//! A key is in the list before it signs, and stays in it until it cannot sign any more. That is what makes it safe that old
//! and new functions run at the same time:
//! - a key that has not signed the last checkpoint is listed from the size after that on before it signs. So a key whose
//!   sizes begin at or before the last checkpoint's, and which has not signed it, is one that nobody signs with: it can be
//!   left out, or gets its end;
//! - a key whose sizes begin after the last checkpoint's may be about to sign, and is never left out.
//!
//! A key may come again.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    checkpoint::{Checkpoint, CheckpointError},
    note::{Note, NoteError, VerifierKey},
};
use crate::json::Object;

/// The version of the form.
const VERSION: u64 = 1;

/// The text is not a list of keys.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("not a list of keys: JSON with each verifier key and the sizes that it signed, without a gap")]
pub struct BadKeyList;

/// Why no list can follow this one. Either the checkpoint is not the last one any more, or checkpoint and list contradict
/// each other.
#[derive(Debug, Clone, Copy, Error, PartialEq, Eq)]
pub enum KeyListError {
    /// The key of the last checkpoint may not sign.
    #[error("the list of keys lets another key sign the checkpoint of {0} entries")]
    NotListed(u64),
    /// A key was listed after a checkpoint that is larger than the last one.
    #[error("the list of keys is of a later checkpoint than that of {0} entries")]
    Later(u64),
    /// The list would not be one.
    #[error("the list of keys that follows the checkpoint of {0} entries would have a gap")]
    Gap(u64),
}

/// A key and the sizes that it signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyUse {
    /// The key.
    pub key: VerifierKey,
    /// The first size that it may have signed.
    pub from: u64,
    /// The last one; none of a key that may sign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<u64>,
}

impl KeyUse {
    /// Whether the key may have signed this size.
    fn has(&self, size: u64) -> bool {
        self.from <= size && self.to.is_none_or(|to| size <= to)
    }
}

/// The keys that a log has signed with, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyList(Vec<KeyUse>);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    v: u64,
    keys: Vec<KeyUse>,
}

impl KeyList {
    /// The keys with their sizes, the first one first. Empty for a log that has signed nothing.
    pub fn uses(&self) -> &[KeyUse] {
        &self.0
    }

    /// The checkpoint of a note, and the key of this list that has signed it. The size must be one that the key may have
    /// signed: a key that was replaced opens nothing that is larger.
    pub fn open(&self, note: &Note) -> Result<(Checkpoint, &VerifierKey), CheckpointError> {
        let mut refused = CheckpointError::Note(NoteError::NoSignatures);
        // The last keys are the likeliest.
        for used in self.0.iter().rev() {
            match Checkpoint::open(note, &used.key) {
                Ok(checkpoint) if used.has(checkpoint.size()) => return Ok((checkpoint, &used.key)),
                Ok(checkpoint) => refused = CheckpointError::KeyOfOtherSizes(checkpoint.size()),
                Err(error) if refused == CheckpointError::Note(NoteError::NoSignatures) => refused = error,
                Err(_) => {}
            }
        }
        Err(refused)
    }

    /// The list to store before a key signs the size that follows the last checkpoint, given that checkpoint's size and
    /// key. `None` where this list says so already.
    ///
    /// # Errors
    /// Nothing may be signed: see [`KeyListError`].
    pub fn before_signing(
        &self,
        last: Option<(u64, &VerifierKey)>,
        key: &VerifierKey,
    ) -> Result<Option<Self>, KeyListError> {
        let size = last.map_or(0, |(size, _)| size);
        let Self(mut uses) = self.settle(last)?;
        if !uses.iter().any(|used| used.to.is_none() && used.key == *key) {
            uses.push(KeyUse { key: key.clone(), from: size + 1, to: None });
        }
        self.changed_to(uses, size)
    }

    /// The list to store where the last checkpoint, by its size and key, shows that another key signs no more. `None` where
    /// this list says so already. Until then a key that was replaced could still sign.
    ///
    /// # Errors
    /// See [`KeyListError`].
    pub fn after_signing(&self, size: u64, signer: &VerifierKey) -> Result<Option<Self>, KeyListError> {
        let Self(uses) = self.settle(Some((size, signer)))?;
        self.changed_to(uses, size)
    }

    /// Ends the key that has signed before the last checkpoint's, and leaves out those that have signed nothing and can sign
    /// nothing.
    fn settle(&self, last: Option<(u64, &VerifierKey)>) -> Result<Self, KeyListError> {
        let size = last.map_or(0, |(size, _)| size);
        if self.0.iter().any(|used| used.from > size + 1 || used.to.is_some_and(|to| to >= size)) {
            return Err(KeyListError::Later(size));
        }
        let Some((_, signer)) = last else { return Ok(self.clone()) };
        let (mut uses, open): (Vec<_>, Vec<_>) = self.0.iter().cloned().partition(|used| used.to.is_some());
        let signs = open.iter().find(|used| used.key == *signer && used.has(size));
        let signs = signs.ok_or(KeyListError::NotListed(size))?.clone();
        // Only the first one can have signed before. Any other would have been listed anew.
        if let Some(before) = open.first().filter(|before| before.key != *signer && before.from < signs.from) {
            uses.push(KeyUse { to: Some(signs.from - 1), ..before.clone() });
        }
        uses.push(signs);
        uses.extend(open.into_iter().filter(|used| used.from > size));
        Ok(Self(uses))
    }

    fn changed_to(&self, uses: Vec<KeyUse>, size: u64) -> Result<Option<Self>, KeyListError> {
        let next = Self(uses);
        if !next.is_whole() {
            return Err(KeyListError::Gap(size));
        }
        Ok((next != *self).then_some(next))
    }

    /// Whether it is a list: see the module.
    fn is_whole(&self) -> bool {
        let ended = self.0.iter().take_while(|used| used.to.is_some()).count();
        let (ended, open) = self.0.split_at(ended);
        let mut next = 1;
        for used in ended {
            let Some(to) = used.to.filter(|to| used.from == next && *to >= used.from && *to < u64::MAX) else {
                return false;
            };
            next = to + 1;
        }
        let keys: BTreeSet<String> = open.iter().map(|used| used.key.to_string()).collect();
        let is_anew = self.0.windows(2).all(|pair| pair[0].key != pair[1].key);
        let begins = open.first().map_or(ended.is_empty(), |first| first.from == next);
        let rises = open.is_sorted_by_key(|used| used.from) && open.iter().all(|used| used.to.is_none());
        is_anew && begins && rises && keys.len() == open.len()
    }
}

impl FromStr for KeyList {
    type Err = BadKeyList;

    fn from_str(text: &str) -> Result<Self, BadKeyList> {
        let Object(Written { v, keys }) = serde_json::from_str(text).map_err(|_| BadKeyList)?;
        Some(Self(keys)).filter(|list| v == VERSION && list.is_whole()).ok_or(BadKeyList)
    }
}

impl fmt::Display for KeyList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written = Written { v: VERSION, keys: self.0.clone() };
        f.write_str(&serde_json::to_string(&written).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests {
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
}
