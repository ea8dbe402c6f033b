//! Proofs that stand alone, as <https://c2sp.org/tlog-proof> defines them: the index of an entry, its inclusion proof, and
//! the checkpoint that it leads to.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::ReceiptError;
use crate::log::{Hash, decimal, note::Note};

/// The first line.
const HEADER: &str = "c2sp.org/tlog-proof@v1\n";

/// The most hashes of a proof: a log has fewer than 2⁶³ entries.
const MAX_HASHES: usize = 63;

/// A proof as text, and nothing more: whether it holds is for [`verify`](crate::log::verify) to say.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct TlogProof {
    /// What the application adds. It is not authenticated. Never empty. A receipt's has a nonce: it is not printed.
    pub(super) extra: Option<Vec<u8>>,
    /// The entry's index.
    pub(super) index: u64,
    /// The inclusion proof, the entry's sibling first.
    pub(super) hashes: Vec<Hash>,
    /// The log's checkpoint, as it was published.
    pub(super) checkpoint: Note,
}

impl fmt::Debug for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let extra = self.extra.as_ref().map(Vec::len);
        let mut proof = f.debug_struct("TlogProof");
        proof.field("extra_bytes", &extra).field("index", &self.index).field("hashes", &self.hashes);
        proof.field("checkpoint", &self.checkpoint).finish()
    }
}

impl FromStr for TlogProof {
    type Err = ReceiptError;

    fn from_str(text: &str) -> Result<Self, ReceiptError> {
        let text = text.strip_prefix(HEADER).ok_or(ReceiptError::Header)?;
        let (proof, checkpoint) = text.split_once("\n\n").ok_or(ReceiptError::NoCheckpoint)?;
        let mut lines = proof.split('\n').peekable();
        let extra = lines.next_if(|line| line.starts_with("extra ")).map(read_extra).transpose()?;
        let index = lines.next().and_then(|line| line.strip_prefix("index ")).and_then(decimal::parse);
        let index = index.ok_or(ReceiptError::Index)?;
        let hashes: Vec<Hash> = lines.map(str::parse).collect::<Result<_, _>>().map_err(|_| ReceiptError::Hash)?;
        if hashes.len() > MAX_HASHES {
            return Err(ReceiptError::TooManyHashes);
        }
        Ok(Self { extra, index, hashes, checkpoint: checkpoint.parse()? })
    }
}

fn read_extra(line: &str) -> Result<Vec<u8>, ReceiptError> {
    let extra = STANDARD.decode(&line["extra ".len()..]).map_err(|_| ReceiptError::Extra)?;
    if extra.is_empty() { Err(ReceiptError::Extra) } else { Ok(extra) }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEADER)?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.hashes.iter().try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.checkpoint)
    }
}
