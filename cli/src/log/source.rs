//! Where the files of a log are read: from the API, from a web site, or from a folder.

use std::path::PathBuf;

use efface_core::log::{Checkpoint, Row, Tile, Tiles, WIDTH, bundle::MAX_BUNDLE_BYTES, note::MAX_NOTE_BYTES};

use super::{CHECKPOINT, Keys, folder::Folder, note};
use crate::{
    CliError,
    api::{Api, ApiRequest, Site},
    output::printable,
};

/// A file may be so many bytes longer than any that holds, so that it is told that it is too long.
const MARGIN: usize = 65_536;

/// The bytes of a full tile.
const TILE_BYTES: usize = 256 * 32;

/// The files of a log.
pub(super) enum Source {
    Api(Api),
    Site(Site),
    Folder(Folder),
}

/// The head of a log, as it was read.
pub(super) struct Head {
    pub(super) checkpoint: Checkpoint,
    /// The bytes of its note.
    pub(super) note: Vec<u8>,
    /// The id of the key that has signed it.
    pub(super) key: String,
}

impl Source {
    pub(super) fn folder(path: PathBuf) -> Self {
        Self::Folder(Folder(path))
    }

    /// The log, for messages.
    pub(super) fn shown(&self) -> String {
        let place = match self {
            Self::Api(api) => format!("the space {} at {}", api.space(), api.address()),
            Self::Site(site) => site.address(),
            Self::Folder(folder) => folder.0.display().to_string(),
        };
        printable(&place)
    }

    /// What does not hold of a file or of the whole log.
    pub(super) fn fault(&self, error: impl std::fmt::Display) -> CliError {
        CliError::DoesNotHold(format!("the log of {} does not hold: {}", self.shown(), printable(&error.to_string())))
    }

    /// The log's checkpoint, which one of the keys must have signed.
    pub(super) async fn head(&self, keys: &Keys) -> Result<Head, CliError> {
        let bytes = self.file(CHECKPOINT, MAX_NOTE_BYTES).await?.ok_or_else(|| {
            CliError::NotFound(format!(
                "{} has no {CHECKPOINT}: there is no log, or nothing is in it yet",
                self.shown()
            ))
        })?;
        let fault = |error: String| self.fault(format!("{CHECKPOINT}: {error}"));
        let (checkpoint, key) = {
            let (checkpoint, key) =
                keys.open(&note(&bytes).map_err(fault)?).map_err(|error| fault(error.to_string()))?;
            (checkpoint, key.id().to_string())
        };
        self.check_space(&checkpoint)?;
        Ok(Head { checkpoint, note: bytes, key })
    }

    /// The log of a space has its id at the end of its origin.
    fn check_space(&self, checkpoint: &Checkpoint) -> Result<(), CliError> {
        let Self::Api(api) = self else { return Ok(()) };
        let origin = checkpoint.origin().as_str();
        if origin.rsplit('/').next() == Some(api.space().to_string().as_str()) {
            return Ok(());
        }
        Err(self.fault(format!("{CHECKPOINT}: it is that of {origin}, which is the log of another space")))
    }

    /// The bundle with this number and its tile of level 0, of a log of so many entries. What is not there is left out.
    pub(super) async fn bundle_and_tile(&self, number: u64, size: u64) -> Result<Tiles, CliError> {
        let of = |row| Tile::of(row, number, size);
        self.tiles([of(Row::Entries), of(Row::Level(0))].into_iter().flatten()).await
    }

    /// Those of these tiles and bundles that are there; for a partial one that is not, the full one.
    pub(super) async fn tiles(&self, names: impl IntoIterator<Item = Tile>) -> Result<Tiles, CliError> {
        let mut read = Tiles::new();
        for name in names {
            read.extend(self.tile(name).await?);
        }
        Ok(read)
    }

    /// A tile or a bundle. For a partial one that is not there any more, the full one that it became.
    pub(super) async fn tile(&self, tile: Tile) -> Result<Option<(Tile, Vec<u8>)>, CliError> {
        let longest = if tile.row() == Row::Entries { MAX_BUNDLE_BYTES } else { TILE_BYTES };
        let found = self.file(&tile.path(), longest).await?;
        if found.is_some() || !tile.is_partial() {
            return Ok(found.map(|bytes| (tile, bytes)));
        }
        Ok(self.file(&tile.full().path(), longest).await?.map(|bytes| (tile.full(), bytes)))
    }

    async fn file(&self, name: &str, longest: usize) -> Result<Option<Vec<u8>>, CliError> {
        match self {
            Self::Folder(folder) => folder.read(name, longest),
            Self::Site(site) => site.file(name, longest + MARGIN).await,
            Self::Api(api) => {
                let request = ApiRequest::get(api.path(&format!("log/{name}"))).up_to(longest + MARGIN);
                match api.send(&request).await {
                    Ok(response) => Ok(Some(response.body.into())),
                    Err(CliError::Api(error)) if error.status == 404 => Ok(None),
                    Err(error) => Err(error),
                }
            }
        }
    }
}

/// How many bundles a log of so many entries has.
pub(super) fn bundles(size: u64) -> u64 {
    size.div_ceil(WIDTH)
}
