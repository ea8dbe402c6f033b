//! A folder with the files of a log, under the names that the format has.

use std::{fs, path::PathBuf};

use efface_core::log::{Tile, bundle::MAX_BUNDLE_BYTES};

use super::CHECKPOINT;
use crate::{
    CliError,
    whole_file::{self, IfThere, Readers},
};

/// Such a folder.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    /// Reads a file of up to `longest` bytes; one byte more tells that it is longer. `None` if it is not there.
    pub(super) fn read(&self, name: &str, longest: usize) -> Result<Option<Vec<u8>>, CliError> {
        whole_file::read_up_to(&self.0.join(name), longest)
    }

    /// Reads a tile or a bundle.
    pub(super) fn tile(&self, tile: Tile) -> Result<Option<Vec<u8>>, CliError> {
        self.read(&tile.path(), MAX_BUNDLE_BYTES)
    }

    /// Writes a tile or a bundle. One that is there is replaced: it was found to be damaged.
    pub(super) fn write_tile(&self, tile: Tile, bytes: &[u8]) -> Result<(), CliError> {
        self.write(&tile.path(), bytes)
    }

    /// Writes the checkpoint, after everything that it names.
    pub(super) fn write_checkpoint(&self, note: &[u8]) -> Result<(), CliError> {
        self.write(CHECKPOINT, note)
    }

    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), CliError> {
        whole_file::write(&self.0.join(name), bytes, Readers::All, IfThere::Replace)
    }

    /// Removes the partial tiles that a full one has replaced: whoever still looks for them takes the full one. What cannot
    /// be removed is left, and so is what the format does not know.
    pub(super) fn remove_partial(&self, full: Tile) {
        let folder = self.0.join(format!("{}.p", full.path()));
        let files = fs::read_dir(&folder).into_iter().flatten().flatten();
        for file in files.filter(|file| file.file_name().to_string_lossy().parse::<u8>().is_ok()) {
            _ = fs::remove_file(file.path());
        }
        _ = fs::remove_dir(&folder);
    }
}
