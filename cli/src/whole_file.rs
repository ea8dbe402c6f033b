//! Files that are there as a whole or not at all, whenever the program is stopped.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
};

use tempfile::{Builder, NamedTempFile};

use crate::CliError;

/// What begins the name of a file that is not whole yet.
const PREFIX: &str = ".efface-part-";

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readers {
    /// The user alone: it holds personal data.
    User,
    /// Everybody whom the user's umask allows: it is to be served.
    All,
}

/// Whether a file that is there already is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IfThere {
    /// It is an error.
    Fail,
    /// It stays as it is.
    Keep,
    /// It is replaced.
    Replace,
}

/// Writes a file. Its folder is made if it is not there.
pub(crate) fn write(path: &Path, bytes: &[u8], readers: Readers, if_there: IfThere) -> Result<(), CliError> {
    let fail = |source| CliError::File { path: path.to_owned(), source };
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(fail)?;
    let mut file = part(folder, readers).map_err(fail)?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(fail)?;
    let kept = if if_there == IfThere::Replace { file.persist(path) } else { file.persist_noclobber(path) };
    match kept.map_err(|error| error.error) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && if_there == IfThere::Keep => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(fail(exists())),
        Err(error) => Err(fail(error)),
    }
}

/// The error for a file that must not be replaced.
pub(crate) fn exists() -> io::Error {
    io::Error::other("the file is there already; give --overwrite to replace it")
}

/// Reads up to `longest` bytes and one more, which tells that there are more. `None` if there is no such file.
pub(crate) fn read_up_to(path: &Path, longest: usize) -> Result<Option<Vec<u8>>, CliError> {
    let fail = |source| CliError::File { path: path.to_owned(), source };
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => return Err(fail(io::ErrorKind::IsADirectory.into())),
        Ok(_) => {}
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(fail(error)),
    }
    let mut bytes = Vec::new();
    let mut file = File::open(path).map_err(fail)?.take(longest as u64 + 1);
    file.read_to_end(&mut bytes).map_err(fail)?;
    Ok(Some(bytes))
}

#[cfg(unix)]
fn part(folder: &Path, readers: Readers) -> io::Result<NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;
    let mode = if readers == Readers::All { 0o666 } else { 0o600 };
    Builder::new().prefix(PREFIX).permissions(fs::Permissions::from_mode(mode)).tempfile_in(folder)
}

#[cfg(not(unix))]
fn part(folder: &Path, _: Readers) -> io::Result<NamedTempFile> {
    Builder::new().prefix(PREFIX).tempfile_in(folder)
}
