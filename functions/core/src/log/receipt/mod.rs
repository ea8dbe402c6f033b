//! Receipts: what an outsider needs to check an entry of the log without us.
//!
//! A receipt is a proof in the format of <https://c2sp.org/tlog-proof>. That format does not say where the entry itself
//! is: "based on application-specific data provided out-of-band, and the `extra` line". Ours is in the `extra` line, which
//! is base64 of compact JSON with these members, in this order and without blanks:
//!
//! - `leaf`: the entry, as a JSON string. The bytes that the log has hashed are this string in UTF-8. It has one form:
//!   `"` and `\` after a `\`; `\b`, `\f`, `\n`, `\r` and `\t` for those five; `\u00` and two lower-case hexadecimal digits for
//!   the other characters below U+0020; every other character as it is.
//! - `nonce`, only in a receipt for an identifier: the 32 bytes that hide it in the entry's `subject`, in base64url without
//!   padding.
//!
//! The `extra` line is not authenticated, and need not be: another leaf does not lead to the checkpoint's root, and another
//! nonce does not lead to the leaf's subject. The rule by which a value is normalised would not be safe here, as a value
//! and its lower-case form could share a receipt: it is in the leaf. Without the identifier's value nothing vouches for the
//! nonce.
//!
//! Whoever makes a receipt verifies it before handing it out: the tiles and the nonce that it was made from may be wrong.

mod tlog_proof;

use std::{
    fmt::{self, Write},
    str::FromStr,
};

use serde::Deserialize;
use thiserror::Error;

use super::{
    commitment::Nonce,
    entry::{Entry, MAX_ENTRY_BYTES},
    hash::Hash,
    note::{MAX_NOTE_BYTES, Note, NoteError},
};
use tlog_proof::TlogProof;

/// The longest receipt in bytes. An entry that is all control characters, which take 6 bytes each in JSON, has room, and so
/// has the longest checkpoint.
pub const MAX_RECEIPT_BYTES: usize = MAX_NOTE_BYTES + MAX_ENTRY_BYTES * 6 / 3 * 4 + 3_000;

/// Why a text is not a receipt. Whether a receipt holds is for [`verify`](super::verify) to say.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ReceiptError {
    /// Longer than [`MAX_RECEIPT_BYTES`]; holds its length.
    #[error("a receipt has at most {MAX_RECEIPT_BYTES} bytes, not {0}")]
    TooLong(usize),
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

/// A receipt. Its text is the contract above.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The entry's index in the log.
    pub index: u64,
    /// The entry, whose bytes are what the log has hashed.
    pub leaf: Entry<'static>,
    /// What ties it to an identifier; none in a receipt for something else, or for an identifier from before commitments.
    pub nonce: Option<Nonce>,
    /// The inclusion proof, the entry's sibling first.
    pub proof: Vec<Hash>,
    /// The checkpoint that the proof leads to, as it was published.
    pub checkpoint: Note,
}

/// The content of the extra line.
struct Extra {
    leaf: Entry<'static>,
    nonce: Option<Nonce>,
}

/// Its JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExtraJson {
    leaf: String,
    nonce: Option<Nonce>,
}

impl Extra {
    fn encode(leaf: &Entry, nonce: Option<Nonce>) -> String {
        let nonce = nonce.map_or_else(String::new, |nonce| format!(r#","nonce":"{nonce}""#));
        format!(r#"{{"leaf":{}{nonce}}}"#, JsonString(leaf.as_str()))
    }

    /// Reads the one form that [`encode`](Self::encode) writes.
    fn decode(bytes: &[u8]) -> Option<Self> {
        let ExtraJson { leaf, nonce } = serde_json::from_slice(bytes).ok()?;
        let leaf = Entry::new(leaf).ok()?;
        (Self::encode(&leaf, nonce).as_bytes() == bytes).then_some(Self { leaf, nonce })
    }
}

/// A text as a JSON string, in the form that the module's description has.
struct JsonString<'a>(&'a str);

impl fmt::Display for JsonString<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for character in self.0.chars() {
            match character {
                '"' | '\\' => write!(f, "\\{character}"),
                '\u{8}' => f.write_str("\\b"),
                '\u{c}' => f.write_str("\\f"),
                '\n' => f.write_str("\\n"),
                '\r' => f.write_str("\\r"),
                '\t' => f.write_str("\\t"),
                '\0'..' ' => write!(f, "\\u{:04x}", u32::from(character)),
                _ => f.write_char(character),
            }?;
        }
        f.write_char('"')
    }
}

impl FromStr for Receipt {
    type Err = ReceiptError;

    fn from_str(text: &str) -> Result<Self, ReceiptError> {
        if text.len() > MAX_RECEIPT_BYTES {
            return Err(ReceiptError::TooLong(text.len()));
        }
        let TlogProof { extra, index, hashes: proof, checkpoint } = text.parse()?;
        let Extra { leaf, nonce } = extra.as_deref().and_then(Extra::decode).ok_or(ReceiptError::NotOurs)?;
        Ok(Self { index, leaf, nonce, proof, checkpoint })
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let extra = Extra::encode(&self.leaf, self.nonce).into_bytes();
        let (hashes, checkpoint) = (self.proof.clone(), self.checkpoint.clone());
        TlogProof { extra: Some(extra), index: self.index, hashes, checkpoint }.fmt(f)
    }
}

#[cfg(test)]
pub(crate) mod tests;
