//! Checkpoints, as <https://c2sp.org/tlog-checkpoint> defines them: the size and the root of a log at one time, as a note
//! that the log has signed.

use std::{fmt, str::FromStr};

use thiserror::Error;

use super::{
    decimal,
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

/// The head of a log's tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log.
    pub origin: Origin,
    /// Its entries.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
    extensions: Vec<String>,
}

impl Checkpoint {
    /// A checkpoint without extension lines: ours have none, as witnesses may not sign them.
    pub fn new(origin: Origin, size: u64, root: Hash) -> Self {
        Self { origin, size, root, extensions: Vec::new() }
    }

    /// Further lines, whose meaning is the log's own.
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }

    /// Reads the text of a note.
    pub fn parse(text: &NoteText) -> Result<Self, CheckpointError> {
        let mut lines = text.as_str().strip_suffix('\n').unwrap_or_default().split('\n');
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
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}\n{}\n", self.origin, self.size, self.root)?;
        self.extensions.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::log::note::tests::{key_pair, signed};

    const LOG: &str = "example.com/log";
    const ROOT: &str = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";

    fn parse(text: &str) -> Result<Checkpoint, CheckpointError> {
        Checkpoint::parse(&NoteText::parse(text).unwrap())
    }

    #[test]
    fn the_example_of_the_specification_is_read() {
        let text = format!("example.com/behind-the-sofa\n20852163\n{ROOT}\n");
        let checkpoint = parse(&text).unwrap();
        assert_eq!((checkpoint.origin.as_str(), checkpoint.size), ("example.com/behind-the-sofa", 20_852_163));
        assert_eq!((checkpoint.root.to_string().as_str(), checkpoint.extensions().len()), (ROOT, 0));
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
        assert_eq!(open(LOG, LOG, 1).unwrap().size, 7);
        let found = "example.com/other".parse().unwrap();
        let other = CheckpointError::OtherLog { expected: key.name().clone(), found };
        assert_eq!(open("example.com/other", LOG, 1), Err(other));
        for (name, seed) in [(LOG, 2), ("example.com/other", 1)] {
            assert!(matches!(open(LOG, name, seed), Err(CheckpointError::Note(NoteError::NotSigned { .. }))));
        }
        assert_eq!("a\tb".parse::<Origin>(), Err(CheckpointError::Origin));
    }

    proptest! {
        #[test]
        fn others_read_our_checkpoints(origin in "[^\\x00-\\x1f]{1,30}", size in 1..=super::super::MAX_SIZE, root: [u8; 32]) {
            let checkpoint = Checkpoint::new(origin.parse().unwrap(), size, Hash::from_bytes(root));
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
}
