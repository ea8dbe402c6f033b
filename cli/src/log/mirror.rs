//! `efface log mirror`: copies the log of a space to a folder.
//!
//! The checkpoint is written last. So the folder always holds a whole log, and a run that was stopped is continued by the
//! next one. What the folder has is never replaced by another log: the former checkpoint must be one of the same log.

use std::path::PathBuf;

use clap::Args;
use efface_core::log::{Checkpoint, Conflict, Succession, note::MAX_NOTE_BYTES};
use serde_json::json;

use super::{
    CHECKPOINT, Keys, checkpoint_json,
    folder::Folder,
    key,
    mirror_tiles::{Copied, Mirror},
    note,
    source::{Head, Source},
};
use crate::{
    CliError, Interrupts, Output,
    api::{Api, ApiOptions},
    exit,
    output::{printable, progress},
    progress_bar::Bar,
    settings::Settings,
};

const AFTER_HELP: &str = "\
FOLDER gets the files of the log under the names that the format c2sp.org/tlog-tiles has. Any web server can serve it, and
any program that reads the format can read it. Every file is verified before it is written, and what is there is not copied
again, so run the command as often as you like. It refuses a log that does not begin with what FOLDER has; the refused
checkpoint is then kept in FOLDER as checkpoint.refused.
Without --key the keys are those that the API tells of. That FOLDER is a copy of one growing log is verified all the same,
but not whose log it is.

Example:
  efface log mirror /srv/log --space spa_demo --key log.key
  efface log verify --dir /srv/log --key log.key

Exit codes:
  0    FOLDER is a copy of the log
  1    something does not hold, and is named; or the API rejected a request
  2    the command line, a setting or a file is wrong
  3    no response, or the service is busy; the command can safely be repeated
  130  stopped by Ctrl-C; 143: by SIGTERM. The same command goes on";

/// The options of `efface log mirror`.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub struct MirrorLog {
    /// The folder to copy to. It is made if it does not exist
    folder: PathBuf,
    /// A verifier key, or a file with one a line. It may be given several times [default: what the API tells]
    #[arg(long, value_name = "KEY")]
    key: Vec<String>,
    /// Also look at the files that FOLDER has, and copy again what is missing or damaged
    #[arg(long)]
    repair: bool,
    /// The options for the API.
    #[command(flatten)]
    api: ApiOptions,
}

pub(super) async fn run(
    options: &MirrorLog,
    settings: &Settings<'_>,
    interrupts: &Interrupts,
) -> Result<Output, CliError> {
    let copied = Copied::default();
    let bar = Bar::start("entries", settings.global.json);
    tokio::select! {
        output = copy(options, settings, &copied, &bar) => output,
        () = interrupts.reached(1) => {
            let text = format!("stopped after {} files; the same command goes on", copied.files());
            let json = json!({"interrupted": true, "files": copied.files()});
            Ok(Output { text, json, exit: exit::INTERRUPTED })
        }
    }
}

async fn copy(options: &MirrorLog, settings: &Settings<'_>, copied: &Copied, bar: &Bar) -> Result<Output, CliError> {
    let api = Api::open(&options.api, settings)?;
    let keys = keys(options, &api).await?;
    let (source, folder) = (Source::Api(api), Folder(options.folder.clone()));
    let head = source.head(&keys).await?;
    let former = former(&folder, &keys)?;
    let before = former.as_ref().map_or(0, |(_, checkpoint)| checkpoint.size());
    let is_same = match &former {
        Some((_, former)) => follow(&folder, former, &head)?,
        None => false,
    };
    if !is_same || options.repair {
        let mirror = Mirror::open(&source, &folder, &head.checkpoint, copied).await?;
        if let Some((_, former)) = &former {
            mirror.check_former(former).await.map_err(|error| refuse(&folder, &head, error))?;
        }
        mirror.copy(if options.repair { 0 } else { before }, bar).await?;
        check_unchanged(&folder, former.as_ref().map(|(note, _)| note))?;
        folder.write_checkpoint(&head.note)?;
        mirror.remove_partial(before);
    }
    Ok(output(options, &head.checkpoint, before, copied))
}

/// The keys that were given, else those that the API tells of.
async fn keys(options: &MirrorLog, api: &Api) -> Result<Keys, CliError> {
    if !options.key.is_empty() {
        return Keys::read(&options.key);
    }
    progress("no --key: the keys are those that the API tells of");
    let keys = key::of_space(api).await?.into_iter().map(|(_, key)| key).collect();
    Keys::of(keys).ok_or(CliError::Unexpected("the log has no key"))
}

/// The checkpoint that the folder has, with the bytes of its note.
fn former(folder: &Folder, keys: &Keys) -> Result<Option<(Vec<u8>, Checkpoint)>, CliError> {
    let Some(bytes) = folder.read(CHECKPOINT, MAX_NOTE_BYTES)? else { return Ok(None) };
    let opened = note(&bytes).and_then(|note| Ok(keys.open(&note).map_err(|error| error.to_string())?.0));
    let path = folder.0.join(CHECKPOINT);
    let fault = |error: String| CliError::DoesNotHold(format!("{}: {}", path.display(), printable(&error)));
    opened.map(|checkpoint| Some((bytes, checkpoint))).map_err(fault)
}

/// Whether the log's checkpoint is the one that the folder has. An error if it cannot follow that one.
fn follow(folder: &Folder, former: &Checkpoint, head: &Head) -> Result<bool, CliError> {
    let what = match former.followed_by(&head.checkpoint) {
        Ok(succession) => return Ok(succession == Succession::Same),
        Err(Conflict::Smaller { last, next }) => {
            return Err(CliError::DoesNotHold(format!(
                "the API shows a log of {next} entries, and {} has {last}: an old state is shown, or entries were removed. \
                 Nothing was written",
                folder.0.display()
            )));
        }
        Err(error @ Conflict::OtherLog { .. }) => {
            let folder = folder.0.display();
            return Err(CliError::DoesNotHold(printable(&format!("{folder} is the mirror of another log: {error}"))));
        }
        Err(error) => error.to_string(),
    };
    Err(refuse(folder, head, CliError::DoesNotHold(what)))
}

/// Keeps the evidence that a log was rewritten, and says so.
fn refuse(folder: &Folder, head: &Head, error: CliError) -> CliError {
    let CliError::DoesNotHold(what) = error else { return error };
    let kept = "checkpoint.refused";
    if let Err(error) = folder.write(kept, &head.note) {
        return error;
    }
    CliError::DoesNotHold(format!(
        "the log was rewritten: {}. Nothing of it was copied to {}. Keep `{CHECKPOINT}` and `{kept}` there: both are signed, \
         and prove it",
        printable(&what),
        folder.0.display()
    ))
}

/// Another run may have written the folder's checkpoint meanwhile.
fn check_unchanged(folder: &Folder, former: Option<&Vec<u8>>) -> Result<(), CliError> {
    if folder.read(CHECKPOINT, MAX_NOTE_BYTES)?.as_ref() == former {
        return Ok(());
    }
    let error = std::io::Error::other("another program has written it meanwhile; run the command again");
    Err(CliError::File { path: folder.0.join(CHECKPOINT), source: error })
}

fn output(options: &MirrorLog, head: &Checkpoint, before: u64, copied: &Copied) -> Output {
    let folder = printable(&options.folder.to_string_lossy());
    let (files, size, origin) = (copied.files(), head.size(), printable(head.origin().as_str()));
    let text = format!(
        "{folder} has the {size} entries of {origin}: {} are new, and {files} files were copied.",
        size - before.min(size)
    );
    let json = json!({"folder": options.folder, "log": checkpoint_json(head), "former_size": before, "files": files});
    Output::success(text, json)
}
