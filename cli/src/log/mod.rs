//! `efface log`: verifies and copies the signed log of a space.

mod audit;
mod folder;
mod key;
mod keys;
mod mirror;
mod mirror_tiles;
mod source;
mod verify;

use clap::Subcommand;
use efface_core::log::{
    Checkpoint,
    note::{MAX_NOTE_BYTES, Note, NoteError},
};
use serde_json::{Value, json};

use crate::{CliError, Interrupts, Output, settings::Settings};
use key::PrintKeys;
pub(crate) use keys::Keys;
use mirror::MirrorLog;
use verify::VerifyLog;

/// The name of a log's head among its files.
const CHECKPOINT: &str = "checkpoint";

/// How many files are read at the same time.
const PARALLEL_FILES: usize = 8;

/// The subcommands of `efface log`.
#[derive(Subcommand)]
pub enum LogCommand {
    /// Verify every entry, tile, root and signature of a log
    Verify(VerifyLog),
    /// Copy the space's log to a folder that any web server can serve
    Mirror(MirrorLog),
    /// Print the keys that verify the log's signatures
    Key(PrintKeys),
}

impl LogCommand {
    /// Whether the command handles Ctrl-C and SIGTERM itself, to tell how far it is.
    pub(crate) fn handles_interrupts(&self) -> bool {
        matches!(self, Self::Mirror(_))
    }
}

pub(crate) async fn run(
    command: &LogCommand,
    settings: &Settings<'_>,
    interrupts: &Interrupts,
) -> Result<Output, CliError> {
    match command {
        LogCommand::Verify(options) => verify::run(options, settings).await,
        LogCommand::Mirror(options) => mirror::run(options, settings, interrupts).await,
        LogCommand::Key(options) => key::run(options, settings).await,
    }
}

/// Reads the bytes of a note. The error is a text.
fn note(bytes: &[u8]) -> Result<Note, String> {
    if bytes.len() > MAX_NOTE_BYTES {
        return Err(format!("it has more than {MAX_NOTE_BYTES} bytes"));
    }
    let text = str::from_utf8(bytes).map_err(|_| "it is not a text".to_owned())?;
    text.parse().map_err(|error: NoteError| {
        let hint =
            if text.contains('\r') { "; it has Windows line ends, so something has changed it on its way" } else { "" };
        format!("{error}{hint}")
    })
}

/// A checkpoint in the JSON output.
fn checkpoint_json(checkpoint: &Checkpoint) -> Value {
    json!({"origin": checkpoint.origin().as_str(), "size": checkpoint.size(), "root": checkpoint.root().to_string()})
}
