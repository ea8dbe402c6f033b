//! Receipts: what an outsider needs to check an entry of the log without us.
//!
//! A receipt is a proof in the format of <https://c2sp.org/tlog-proof>. That format does not say where the entry itself
//! is: "based on application-specific data provided out-of-band, and the `extra` line". Ours is in the `extra` line, which
//! is base64 of compact JSON with these members, in this order and without blanks:
//!
//! - `leaf`: the entry, as a JSON string. The bytes that the log has hashed are this string in UTF-8.
//! - `nonce` and `normalisation`, only in a receipt for an identifier: the 32 bytes that hide it in the entry's `subject`,
//!   in base64url without padding, and the rule by which its value is brought into the form that the subject was made of
//!   (`none`: as it is; `lowercase`: its Unicode lower-case form).
//!
//! The `extra` line is not authenticated, and need not be: another leaf does not lead to the checkpoint's root, and another
//! nonce or rule does not lead to the leaf's subject. Without the identifier's value nothing vouches for the nonce.

mod tlog_proof;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    commitment::Nonce,
    hash::Hash,
    note::{Note, NoteError},
};
use crate::identifier::Normalisation;
use tlog_proof::TlogProof;

/// Why a text is not a receipt. Whether a receipt holds is for [`verify`](super::verify) to say.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ReceiptError {
    /// The first line is another one.
    #[error("the first line is not c2sp.org/tlog-proof@v1")]
    Header,
    /// The extra line is not base64, or is empty.
    #[error("the extra line is not base64")]
    Extra,
    /// The index line is missing, or its number is not in its one form.
    #[error("the index line is missing or malformed")]
    Index,
    /// A line of the proof is not a hash.
    #[error("the proof has a line that is not a hash")]
    Hash,
    /// The proof is longer than that of any log.
    #[error("the proof has too many hashes")]
    TooManyHashes,
    /// The empty line before the checkpoint is missing.
    #[error("the checkpoint is missing")]
    NoCheckpoint,
    /// The checkpoint is not a signed note.
    #[error("the checkpoint cannot be read: {0}")]
    Checkpoint(#[from] NoteError),
    /// It is a proof, but its extra line does not hold what a receipt of ours does, in its one form.
    #[error("the extra line does not hold an entry of Efface's log")]
    NotOurs,
}

/// What ties an entry's subject to an identifier's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// What hides the identifier in the subject.
    pub nonce: Nonce,
    /// How the value is brought into the form that the subject was made of.
    pub normalisation: Normalisation,
}

/// A receipt. Its text is the contract above.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The entry's index in the log.
    pub index: u64,
    /// The entry: the bytes of this text are what the log has hashed.
    pub leaf: String,
    /// What ties it to an identifier; none in a receipt for something else, or for an identifier from before commitments.
    pub opening: Option<Opening>,
    /// The inclusion proof, the entry's sibling first.
    pub proof: Vec<Hash>,
    /// The checkpoint that the proof leads to, as it was published.
    pub checkpoint: Note,
}

/// The content of the extra line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Extra {
    leaf: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nonce: Option<Nonce>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    normalisation: Option<Normalisation>,
}

impl Extra {
    fn encode(&self) -> Vec<u8> {
        // Texts always have a JSON form.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads the one form that [`encode`](Self::encode) writes.
    fn decode(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok().filter(|extra: &Self| extra.encode() == bytes)
    }

    fn opening(&self) -> Result<Option<Opening>, ReceiptError> {
        match (self.nonce, self.normalisation) {
            (Some(nonce), Some(normalisation)) => Ok(Some(Opening { nonce, normalisation })),
            (None, None) => Ok(None),
            _ => Err(ReceiptError::NotOurs),
        }
    }
}

impl FromStr for Receipt {
    type Err = ReceiptError;

    fn from_str(text: &str) -> Result<Self, ReceiptError> {
        let TlogProof { extra, index, hashes: proof, checkpoint } = text.parse()?;
        let extra = extra.as_deref().and_then(Extra::decode).ok_or(ReceiptError::NotOurs)?;
        Ok(Self { index, opening: extra.opening()?, leaf: extra.leaf, proof, checkpoint })
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (nonce, normalisation) = self.opening.map(|opening| (opening.nonce, opening.normalisation)).unzip();
        let extra = Extra { leaf: self.leaf.clone(), nonce, normalisation }.encode();
        let (hashes, checkpoint) = (self.proof.clone(), self.checkpoint.clone());
        TlogProof { extra: Some(extra), index: self.index, hashes, checkpoint }.fmt(f)
    }
}

#[cfg(test)]
pub(crate) mod tests;
