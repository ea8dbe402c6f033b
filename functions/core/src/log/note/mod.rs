//! Signed notes, as <https://c2sp.org/signed-note> defines them: a text, an empty line, and a line per signature. The
//! signatures are Ed25519 ones (type 1). They are made elsewhere, by a key that never leaves its service; here are the
//! bytes to sign and the verification.

mod key;
mod signature;

use std::{fmt, str::FromStr};

use thiserror::Error;

pub use key::{BadKeyName, KeyId, KeyName, VerifierKey, VerifierKeyError};
pub use signature::{BadSignatureLine, Signature};

/// The longest note, in bytes. It leaves room for signatures of witnesses, which may have 5 KB each.
pub const MAX_NOTE_BYTES: usize = 1_000_000;

/// The most signatures of a note. The format asks for at least 16.
pub const MAX_SIGNATURES: usize = 100;

/// Why a text is not a signed note, or is not signed.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum NoteError {
    /// Longer than [`MAX_NOTE_BYTES`]; holds its length.
    #[error("a note has at most {MAX_NOTE_BYTES} bytes, not {0}")]
    TooLong(usize),
    /// The text does not end with a newline, or has a control character.
    #[error("a note's text ends with a newline and has no other control characters")]
    BadText,
    /// There is no empty line between text and signatures, or nothing after it.
    #[error("a note's text and its signatures are separated by an empty line")]
    NoSignatures,
    /// The last signature does not end with a newline: the note may be cut off.
    #[error("a note ends with a newline")]
    NoLastNewline,
    /// A line after the empty line is not a signature; holds its number, from 1.
    #[error("signature line {0} of the note is malformed")]
    BadLine(usize),
    /// More than [`MAX_SIGNATURES`].
    #[error("a note has at most {MAX_SIGNATURES} signatures")]
    TooMany,
    /// None of the signatures is by the wanted key.
    #[error("the note is not signed by {name} with key {id}")]
    NotSigned {
        /// The key's name.
        name: KeyName,
        /// The key's id.
        id: KeyId,
    },
    /// A signature that says to be by the wanted key is not.
    #[error("the signature of {0} is not valid for the note's text")]
    BadSignature(KeyName),
}

/// The text of a note: lines that each end with a newline, without other control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteText(String);

impl NoteText {
    /// Accepts such a text.
    pub fn parse(text: impl Into<String>) -> Result<Self, NoteError> {
        let text = text.into();
        if text.ends_with('\n') && !has_controls(&text) { Ok(Self(text)) } else { Err(NoteError::BadText) }
    }

    /// The text of lines that are known to be well formed.
    pub(super) fn of_lines(lines: String) -> Self {
        Self(lines)
    }

    /// The text, with its last newline.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The exact bytes that are signed: the text with its last newline, without the empty line after it.
    pub fn signed_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The note of this text and a signature by the key, which was made elsewhere. [`NoteError::BadSignature`] if it is not
    /// valid: such a note must never be published.
    pub fn sign(self, key: &VerifierKey, signature: [u8; 64]) -> Result<Note, NoteError> {
        Note { text: self, signatures: Vec::new() }.with_signature(key, signature)
    }
}

/// A signed note. Nothing is known about its text until [`verify`](Self::verify) has said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: NoteText,
    signatures: Vec<Signature>,
}

impl Note {
    /// This note with one more signature, which was made elsewhere. [`NoteError::BadSignature`] if it is not valid; an error
    /// also if nobody could read the note any more.
    pub fn with_signature(mut self, key: &VerifierKey, signature: [u8; 64]) -> Result<Self, NoteError> {
        self.signatures.push(Signature::new(key, signature));
        self.verify(key)?;
        match self.to_string().len() {
            _ if self.signatures.len() > MAX_SIGNATURES => Err(NoteError::TooMany),
            length if length > MAX_NOTE_BYTES => Err(NoteError::TooLong(length)),
            _ => Ok(self),
        }
    }

    /// The text, if there are signatures by this key and all of them are valid. Signatures by other keys are ignored, as the
    /// format wants it, even if they have the same name or the same id.
    pub fn verify(&self, key: &VerifierKey) -> Result<&NoteText, NoteError> {
        let mut by_key = self.signatures.iter().filter(|signature| signature.is_by(key)).peekable();
        if by_key.peek().is_none() {
            return Err(NoteError::NotSigned { name: key.name().clone(), id: key.id() });
        }
        let is_valid = by_key.all(|signature| key.is_valid(self.text.signed_bytes(), signature.bytes()));
        if is_valid { Ok(&self.text) } else { Err(NoteError::BadSignature(key.name().clone())) }
    }

    /// The text as it stands there, of which nothing is known.
    pub fn unverified_text(&self) -> &NoteText {
        &self.text
    }

    /// The signatures, also those by unknown keys.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }
}

impl FromStr for Note {
    type Err = NoteError;

    fn from_str(note: &str) -> Result<Self, NoteError> {
        if note.len() > MAX_NOTE_BYTES {
            return Err(NoteError::TooLong(note.len()));
        }
        // The text may have empty lines; the last one ends it.
        let (text, lines) = note.rsplit_once("\n\n").ok_or(NoteError::NoSignatures)?;
        let text = NoteText::parse(format!("{text}\n"))?;
        if lines.is_empty() {
            return Err(NoteError::NoSignatures);
        }
        let lines = lines.strip_suffix('\n').ok_or(NoteError::NoLastNewline)?;
        if lines.split('\n').count() > MAX_SIGNATURES {
            return Err(NoteError::TooMany);
        }
        let signatures = lines.split('\n').zip(1..).map(|(line, n)| line.parse().map_err(|_| NoteError::BadLine(n)));
        Ok(Self { text, signatures: signatures.collect::<Result<_, _>>()? })
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text.0)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

/// Whether a text has characters that a note must not have: those below U+0020, but for the newline.
fn has_controls(text: &str) -> bool {
    text.bytes().any(|byte| byte < b' ' && byte != b'\n')
}

#[cfg(test)]
pub(crate) mod tests;
