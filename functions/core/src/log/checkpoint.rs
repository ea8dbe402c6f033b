//! Checkpoints, as <https://c2sp.org/tlog-checkpoint> defines them: the size and the root of a log at one time, as a note
//! that the log has signed.

use std::{fmt, str::FromStr};

use thiserror::Error;

use super::{
    decimal,
    frontier::Frontier,
    hash::Hash,
    note::{KeyName, Note, NoteError, NoteText, VerifierKey},
};

/// Why a text is not a checkpoint, or is not the wanted log's.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum CheckpointError {
    /// It is not a note, or is not signed by the wanted key.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// Fewer than three lines.
    #[error("a checkpoint has at least three lines: origin, size and root")]
    Lines,
    /// The origin is empty, or has a control character.
    #[error("the checkpoint has no origin")]
    Origin,
    /// The size is no decimal number, or not in its one form, or over [`MAX_SIZE`](super::MAX_SIZE).
    #[error("the checkpoint's size is not a number")]
    Size,
    /// The root is not a hash in base64, or not that of an empty log though the size is 0.
    #[error("the checkpoint's root is not a hash, or not that of a log of its size")]
    Root,
    /// An extension line is empty.
    #[error("the checkpoint has an empty line")]
    Extension,
    /// It is the checkpoint of another log.
    #[error("the checkpoint is of the log {found}, not of {expected}")]
    OtherLog {
        /// The log whose key it must be signed with.
        expected: KeyName,
        /// The origin that it has.
        found: Origin,
    },
    /// Its key may not have signed this size: it was replaced before, or was not there yet.
    #[error("the checkpoint of {0} entries is signed by a key of other sizes")]
    KeyOfOtherSizes(u64),
}

/// What a log is called: one line. A log of ours signs under the same name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin(String);

impl Origin {
    /// The origin as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<KeyName> for Origin {
    fn from(name: KeyName) -> Self {
        Self(name.as_str().to_owned())
    }
}

impl FromStr for Origin {
    type Err = CheckpointError;

    fn from_str(line: &str) -> Result<Self, CheckpointError> {
        let is_bad = line.is_empty() || line.bytes().any(|byte| byte < b' ');
        if is_bad { Err(CheckpointError::Origin) } else { Ok(Self(line.to_owned())) }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The head of a log's tree, as the log has signed it or is about to. It is read from a note whose signature holds, or made
/// of a tree: never of a size and a root that may not belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    origin: Origin,
    size: u64,
    root: Hash,
    extensions: Vec<String>,
}

impl Checkpoint {
    /// The checkpoint to be signed of a log with this tree. It has no extension lines: a witness may refuse to sign a
    /// checkpoint that has some.
    pub fn of(origin: Origin, tree: &Frontier) -> Self {
        Self { origin, size: tree.size(), root: tree.root(), extensions: Vec::new() }
    }

    /// The log.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// How many entries it had.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree over them.
    pub fn root(&self) -> Hash {
        self.root
    }

    /// Further lines, whose meaning is the log's own.
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }

    /// Reads the text of a note, of which nothing is known.
    fn parse(text: &NoteText) -> Result<Self, CheckpointError> {
        // The text ends with a newline, after which there is no further line.
        let mut lines = text.as_str().split_terminator('\n');
        let mut line = || lines.next().ok_or(CheckpointError::Lines);
        let (origin, size, root) = (line()?, line()?, line()?);
        let (origin, size) = (origin.parse()?, decimal::parse(size).ok_or(CheckpointError::Size)?);
        let root = root.parse().map_err(|_| CheckpointError::Root)?;
        if size == 0 && root != Hash::EMPTY_ROOT {
            return Err(CheckpointError::Root);
        }
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        if extensions.iter().any(String::is_empty) {
            return Err(CheckpointError::Extension);
        }
        Ok(Self { origin, size, root, extensions })
    }

    /// The checkpoint of a note that this key has signed. The key's name must be the origin: a key that signs for several
    /// logs would let one of them pass for another.
    pub fn open(note: &Note, key: &VerifierKey) -> Result<Self, CheckpointError> {
        let checkpoint = Self::parse(note.verify(key)?)?;
        if checkpoint.origin.as_str() != key.name().as_str() {
            return Err(CheckpointError::OtherLog { expected: key.name().clone(), found: checkpoint.origin });
        }
        Ok(checkpoint)
    }

    /// The text to sign.
    pub fn to_text(&self) -> NoteText {
        NoteText::of_lines(self.to_string())
    }

    /// The note to publish, with a signature of [`to_text`](Self::to_text) by the key, which was made elsewhere. An error
    /// unless the note can be [opened](Self::open) with the key.
    pub fn sign(&self, key: &VerifierKey, signature: [u8; 64]) -> Result<Note, CheckpointError> {
        opened(self.to_text().sign(key, signature)?, key)
    }

    /// The same note, signed by another key of the log as well: while a key is replaced, readers have the old one or the
    /// new one. An error unless the note can be [opened](Self::open) with that key.
    pub fn sign_also(note: Note, key: &VerifierKey, signature: [u8; 64]) -> Result<Note, CheckpointError> {
        opened(note.with_signature(key, signature)?, key)
    }
}

/// The note, if it is a checkpoint of this key's log.
fn opened(note: Note, key: &VerifierKey) -> Result<Note, CheckpointError> {
    Checkpoint::open(&note, key).map(|_| note)
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}\n{}\n", self.origin, self.size, self.root)?;
        self.extensions.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

#[cfg(test)]
pub(crate) mod tests;
