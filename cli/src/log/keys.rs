//! The keys that checkpoints are verified with, as `--key` gives them.

use std::path::Path;

use efface_core::log::{
    Checkpoint, CheckpointError,
    note::{Note, VerifierKey},
};
use thiserror::Error;

use crate::{CliError, output::printable, whole_file};

/// The longest file of keys, in bytes: some thousand keys.
const MAX_FILE_BYTES: usize = 1_000_000;

/// Why a note is not a checkpoint that one of the keys has signed.
#[derive(Debug, Error)]
pub(crate) enum Unsigned {
    /// It is signed by one of the keys, and the signature or the checkpoint is not valid.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// It is signed by others. Holds the keys that were given, and those that have signed.
    #[error("the checkpoint is not signed by the key {given}; its signatures say to be by {found}")]
    Others {
        /// Name and id of each key that was given.
        given: String,
        /// Name and id of each key that has signed.
        found: String,
    },
}

/// Keys, at least one.
#[derive(Debug)]
pub(crate) struct Keys(Vec<VerifierKey>);

impl Keys {
    /// Reads what `--key` gives: each is a verifier key, or a file with one a line.
    pub(crate) fn read(given: &[String]) -> Result<Self, CliError> {
        let mut keys = Vec::new();
        for argument in given {
            keys.extend(read(argument)?);
        }
        Ok(Self(keys))
    }

    /// Takes keys that were read elsewhere. `None` if there are none.
    pub(crate) fn of(keys: Vec<VerifierKey>) -> Option<Self> {
        if keys.is_empty() { None } else { Some(Self(keys)) }
    }

    /// Their public keys, for logs of other names that the same keys sign.
    pub(crate) fn public_keys(&self) -> Vec<[u8; 32]> {
        self.0.iter().map(|key| *key.public_key()).collect()
    }

    /// The checkpoint of a note that is signed by one of the keys, and that key. Where several have signed, all of these
    /// signatures must be valid.
    pub(crate) fn open(&self, note: &Note) -> Result<(Checkpoint, &VerifierKey), Unsigned> {
        let has_signed = |key: &&VerifierKey| {
            note.signatures().iter().any(|signature| (signature.name(), signature.key()) == (key.name(), key.id()))
        };
        let mut opened = None;
        for key in self.0.iter().filter(has_signed) {
            let checkpoint = Checkpoint::open(note, key)?;
            opened.get_or_insert((checkpoint, key));
        }
        opened.ok_or_else(|| Unsigned::Others {
            given: list(self.0.iter().map(|key| format!("{} {}", key.name(), key.id()))),
            found: list(note.signatures().iter().map(|one| format!("{} {}", one.name(), one.key()))),
        })
    }
}

fn list(names: impl Iterator<Item = String>) -> String {
    printable(&names.collect::<Vec<_>>().join(", "))
}

fn read(argument: &str) -> Result<Vec<VerifierKey>, CliError> {
    let reason = match argument.trim().parse::<VerifierKey>() {
        Ok(key) => return Ok(vec![key]),
        Err(reason) => reason,
    };
    let Some(bytes) = whole_file::read_up_to(Path::new(argument), MAX_FILE_BYTES)? else {
        return Err(CliError::BadKey(format!("it is neither a file nor a verifier key ({reason})")));
    };
    parse_file(argument, &bytes).map_err(CliError::BadKey)
}

/// Reads a file of keys, one a line. Empty lines, and those that begin with `#`, are left out.
fn parse_file(name: &str, bytes: &[u8]) -> Result<Vec<VerifierKey>, String> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(format!("{name} has more than {MAX_FILE_BYTES} bytes"));
    }
    let text = str::from_utf8(bytes).map_err(|_| format!("{name} is not a text"))?;
    let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim).zip(1..);
    let lines = lines.filter(|(line, _)| !line.is_empty() && !line.starts_with('#'));
    let read = |(line, number): (&str, u64)| {
        line.parse::<VerifierKey>().map_err(|error| format!("{name}, line {number}: {error}"))
    };
    let keys = lines.map(read).collect::<Result<Vec<VerifierKey>, _>>()?;
    if keys.is_empty() { Err(format!("{name} has no key")) } else { Ok(keys) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the format's specification.
    const KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";

    #[test]
    fn a_file_has_a_key_a_line() {
        for text in [KEY, &format!("\u{feff}# sizes 1 to 7\r\n\r\n {KEY} \r\n"), &format!("{KEY}\n\n#\n")] {
            assert_eq!(parse_file("f", text.as_bytes()).unwrap()[0].to_string(), KEY, "{text}");
        }
        assert_eq!(parse_file("f", format!("{KEY}\n{KEY}").as_bytes()).unwrap().len(), 2);
        for (bad, error) in [
            (&b""[..], "f has no key"),
            (b"# only words\n", "f has no key"),
            (b"\xff", "f is not a text"),
            (b"\n\nname", "f, line 3: a verifier key is"),
            (&vec![b'x'; MAX_FILE_BYTES + 1], "f has more than"),
        ] {
            let found = parse_file("f", bad).unwrap_err();
            assert!(found.starts_with(error), "{found}");
        }
    }

    #[test]
    fn an_argument_is_a_key_or_a_file() {
        assert_eq!(Keys::read(&[KEY.to_owned()]).unwrap().0.len(), 1);
        for bad in ["", "no/such/file", &KEY.replace("530d", "530e")] {
            let error = Keys::read(&[bad.to_owned()]).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{bad}");
            assert!(error.to_string().contains("neither a file nor a verifier key ("), "{error}");
        }
    }
}
