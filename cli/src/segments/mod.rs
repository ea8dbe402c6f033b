//! `efface segments`: shows and changes segments, and deletes the users of one.

mod args;
mod delete_users;
mod manage;
mod member_counts;
mod members;
mod profiles;
mod refusal;
mod replace;
mod segment;

use std::path::Path;

use crate::{
    CliError, Interrupts, Output,
    api::{Api, ApiOptions, encoded},
    confirm,
    jobs::Jobs,
    rows::{Form, Source},
    settings::Settings,
};
pub(crate) use args::SegmentsCommand;
use args::{Change, Removal};
use member_counts::Direction;

/// The most rows of one request that adds or removes members.
const PART_ROWS: usize = 1_000;

/// The segments of a space.
struct Segments {
    jobs: Jobs,
    as_json: bool,
}

pub(crate) async fn run(
    command: &SegmentsCommand,
    settings: &Settings<'_>,
    interrupts: &Interrupts,
) -> Result<Output, CliError> {
    dispatch(command, settings, interrupts).await.map_err(refusal::explained)
}

async fn dispatch(
    command: &SegmentsCommand,
    settings: &Settings<'_>,
    interrupts: &Interrupts,
) -> Result<Output, CliError> {
    let open = |api: &ApiOptions| Segments::open(api, settings);
    match command {
        SegmentsCommand::List(list) => open(&list.api)?.list(list.show_disabled).await,
        SegmentsCommand::Show(show) => open(&show.one.api)?.show(&show.one.segment, show.count).await,
        SegmentsCommand::Create(create) => open(&create.api)?.create(create).await,
        SegmentsCommand::Rename(rename) => open(&rename.api)?.rename(&rename.segment, &rename.name).await,
        SegmentsCommand::Delete(delete) => open(&delete.one.api)?.delete(delete).await,
        SegmentsCommand::Enable(one) => open(&one.api)?.set_state(&one.segment, "enable").await,
        SegmentsCommand::Disable(one) => open(&one.api)?.set_state(&one.segment, "disable").await,
        SegmentsCommand::Members(one) => open(&one.api)?.members(&one.segment).await,
        SegmentsCommand::Add(change) => {
            let segments = open(&change.api)?;
            segments.change(&change.segment, &source(change).await?, change, Direction::Add).await
        }
        SegmentsCommand::Remove(removal) => {
            let (segments, source) = (open(&removal.change.api)?, removable(removal).await?);
            segments.remove(removal, &source).await
        }
        SegmentsCommand::Replace(removal) => {
            let (segments, source) = (open(&removal.change.api)?, removable(removal).await?);
            segments.replace(removal, &source).await
        }
        SegmentsCommand::DeleteUsers(options) => delete_users::run(options, &open(&options.one.api)?, interrupts).await,
    }
}

impl Segments {
    fn open(api: &ApiOptions, settings: &Settings<'_>) -> Result<Self, CliError> {
        Ok(Self { jobs: Jobs { api: Api::open(api, settings)? }, as_json: settings.global.json })
    }

    fn api(&self) -> &Api {
        &self.jobs.api
    }

    /// The path of a segment, or of something of it: `rest` begins with `/` or `?`, or is empty.
    fn path(&self, segment: &str, rest: &str) -> String {
        self.api().path(&format!("segments/{}{rest}", encoded(segment)))
    }
}

/// Reads the file of a command that removes members. Fails if it must ask and cannot.
async fn removable(removal: &Removal) -> Result<Source, CliError> {
    if !removal.yes {
        confirm::require_terminal(removal.change.file == Path::new("-"))?;
    }
    source(&removal.change).await
}

/// Reads the file of rows, which must have some.
async fn source(change: &Change) -> Result<Source, CliError> {
    let file = change.file.clone();
    let reading = tokio::task::spawn_blocking(move || Source::read(&file, PART_ROWS, Form::ProfileText));
    let source = reading.await.map_err(|_| CliError::Unexpected("the reading thread ended"))??;
    if source.rows == 0 { Err(CliError::NoRows(change.file.clone())) } else { Ok(source) }
}
