//! `efface log verify`: every entry, tile, root and signature of a log, and its consistency with older checkpoints.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use clap::Args;
use efface_core::log::{
    Checkpoint, Conflict,
    note::Note,
    receipt::{MAX_RECEIPT_BYTES, Receipt},
};
use serde_json::{Value, json};

use super::{
    Keys, audit, checkpoint_json, note,
    source::{Head, Source},
};
use crate::{
    CliError, Output,
    api::{Api, ApiOptions, Site},
    output::{columns, printable},
    progress_bar::Bar,
    settings::Settings,
    whole_file,
};

const AFTER_HELP: &str = "\
Reads the whole log: from a folder (--dir), from a web site (--url), or else from the API. It needs no token with --dir or
--url. The first thing that does not hold is named: a tile, a bundle, an entry or a checkpoint.
A log that holds can still be another one than what was shown before, or to others. Give checkpoints that you have kept, or
that others have, as --from: the log must begin as each of them says. The checkpoint of a mirror is the file `checkpoint`
in its folder, and each receipt has one in it.

Example:
  efface log verify --space spa_demo --key log.key
  efface log verify --dir /srv/log --key log.key --from receipt.txt
  efface log verify --url https://log.example.com/spa_demo --key log.key --from old/checkpoint

Exit codes:
  0    the log holds
  1    something does not hold, and is named; or the API rejected a request
  2    the command line, a setting or a file is wrong; nothing was verified
  3    no response, or the service is busy; the command can safely be repeated
  130  stopped by Ctrl-C; 143: by SIGTERM";

/// The options of `efface log verify`.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub struct VerifyLog {
    /// A verifier key, or a file with one a line. It may be given several times
    #[arg(long, value_name = "KEY", required = true)]
    key: Vec<String>,
    /// An older checkpoint, or a receipt, with which the log must begin. It may be given several times
    #[arg(long, value_name = "OLD_CHECKPOINT")]
    from: Vec<PathBuf>,
    /// Read the log from this folder
    #[arg(long, value_name = "FOLDER", conflicts_with = "url")]
    dir: Option<PathBuf>,
    /// Read the log from the web site at this URL, below which `checkpoint` and `tile` are
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The options for the API.
    #[command(flatten)]
    api: ApiOptions,
}

pub(super) async fn run(options: &VerifyLog, settings: &Settings<'_>) -> Result<Output, CliError> {
    let source = match (&options.dir, &options.url) {
        (Some(folder), _) => Source::folder(folder.clone()),
        (None, Some(url)) => Source::Site(Site::open(url)?),
        (None, None) => Source::Api(Api::open(&options.api, settings)?),
    };
    let keys = Keys::read(&options.key)?;
    let older = options.from.iter().map(|path| older(path, &keys)).collect::<Result<Vec<_>, _>>()?;
    let head = source.head(&keys).await?;
    for (path, checkpoint) in &older {
        checkpoint.followed_by(&head.checkpoint).map_err(|error| conflict(path, &error))?;
    }
    let bar = Bar::start("entries", settings.global.json);
    let checkpoints: Vec<Checkpoint> = older.iter().map(|(_, checkpoint)| checkpoint.clone()).collect();
    audit::verify(&source, &head.checkpoint, &checkpoints, &bar).await?;
    Ok(output(&source, &head, &older))
}

/// Reads an older checkpoint, or that of a receipt.
fn older<'a>(path: &'a Path, keys: &Keys) -> Result<(&'a Path, Checkpoint), CliError> {
    let not_there = || CliError::File { path: path.to_owned(), source: std::io::ErrorKind::NotFound.into() };
    let bytes = whole_file::read_up_to(path, MAX_RECEIPT_BYTES)?.ok_or_else(not_there)?;
    let fault = |error: &str| CliError::DoesNotHold(format!("{}: {}", path.display(), printable(error)));
    let note = checkpoint_of(&bytes).map_err(|error| fault(&error))?;
    let (checkpoint, _) = keys.open(&note).map_err(|error| fault(&error.to_string()))?;
    Ok((path, checkpoint))
}

fn checkpoint_of(bytes: &[u8]) -> Result<Note, String> {
    match str::from_utf8(bytes) {
        Ok(text) if text.starts_with("c2sp.org/tlog-proof@") => {
            text.parse().map(|receipt: Receipt| receipt.checkpoint).map_err(|error| error.to_string())
        }
        _ => note(bytes),
    }
}

/// What is wrong with a log that cannot follow an older checkpoint.
fn conflict(path: &Path, error: &Conflict) -> CliError {
    let what = match error {
        Conflict::OtherLog { .. } => "it is the checkpoint of another log".to_owned(),
        Conflict::Smaller { last, next } => format!(
            "the log has {next} entries, and this checkpoint {last}: an old state of the log is shown, or entries were \
             removed"
        ),
        Conflict::OtherRoot { size, .. } => format!(
            "the log of {size} entries has another root. Keep both checkpoints: two signed roots of one size prove that \
             different logs are shown"
        ),
    };
    CliError::DoesNotHold(printable(&format!("{}: {what} ({error})", path.display())))
}

fn output(source: &Source, head: &Head, older: &[(&Path, Checkpoint)]) -> Output {
    let Head { checkpoint, key, .. } = head;
    let (origin, size, root) =
        (checkpoint.origin().as_str(), checkpoint.size().to_string(), checkpoint.root().to_string());
    let shown = source.shown();
    let rows = [["log", origin], ["read from", &shown], ["entries", &size], ["root", &root], ["signed by", key]];
    let rows = columns(&rows.map(|row| row.map(printable)));
    let mut text = format!("The log holds: every entry, tile and root, and the signature.\n{rows}");
    for (path, checkpoint) in older {
        _ = write!(
            text,
            "\nIt begins with the {} entries of {}.",
            checkpoint.size(),
            printable(&path.to_string_lossy())
        );
    }
    if older.is_empty() {
        text.push_str(
            "\nWhether others are shown the same log is not known: compare it with their checkpoints (--from).",
        );
    }
    let from = |(path, checkpoint): &(&Path, Checkpoint)| {
        let mut json = checkpoint_json(checkpoint);
        json["file"] = path.to_string_lossy().into();
        json
    };
    let from: Vec<Value> = older.iter().map(from).collect();
    Output::success(text, json!({"holds": true, "log": checkpoint_json(checkpoint), "key": key, "from": from}))
}
