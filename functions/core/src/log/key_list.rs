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
mod tests;
