//! Reports: the lines of a file of rows, each with what became of it.
//!
//! A report has every row of the file, in the order of the file, with the values that it has there. Rows that are not
//! decided are `pending`, so that a report adds up with its job whenever it is made. The API does not have the values:
//! it keeps hashes. So a report is made of the file and of the job's outcomes, which both come in the order of the rows.

mod columns;
mod command;
mod decided;
mod outcomes;
mod rows;
mod summary;
mod writer;

use std::{
    io,
    path::{Path, PathBuf},
};

use clap::Args;
use tempfile::NamedTempFile;

use crate::{CliError, Interrupts, Output, jobs::Jobs, output::note, rows::Source};
pub(crate) use command::{FileOfRows, MakeReport};
use decided::Decisions;
use rows::Layout;
use summary::Summary;
use writer::ReportWriter;

/// The options of a command that makes a report.
#[derive(Args)]
pub(crate) struct ReportOptions {
    /// Write each line of the file with what became of it to this file: as JSON lines if its name ends in .jsonl,
    /// .ndjson or .json, as CSV if in .csv, else in the format of the file of rows
    #[arg(long, value_name = "OUT")]
    report: Option<PathBuf>,
    /// Replace the report if the file is there already
    #[arg(long, requires = "report")]
    overwrite: bool,
}

/// A report that is to be written. Until it is whole, it is a file without a name beside its place; only the user may read
/// it, because it holds personal data.
pub(crate) struct Report {
    path: PathBuf,
    file: NamedTempFile,
    overwrite: bool,
}

impl ReportOptions {
    /// Makes sure that the report can be written. `None` if none is asked for.
    pub(crate) fn open(&self, input: &Path) -> Result<Option<Report>, CliError> {
        self.report.as_deref().map(|path| Report::open(path, self.overwrite, input)).transpose()
    }
}

impl Report {
    fn open(path: &Path, overwrite: bool, input: &Path) -> Result<Self, CliError> {
        let fail = |source| CliError::File { path: path.to_owned(), source };
        if let Ok(there) = path.canonicalize() {
            if input.canonicalize().is_ok_and(|input| input == there) {
                return Err(fail(io::Error::other("it is the file of rows itself; give the report another name")));
            }
            if !overwrite {
                return Err(fail(exists()));
            }
            if !there.is_file() {
                return Err(fail(io::Error::other("it is there and no file")));
            }
        }
        let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        let file = tempfile::Builder::new().prefix(".efface-report-").tempfile_in(folder).map_err(fail)?;
        Ok(Self { path: path.to_owned(), file, overwrite })
    }

    /// Writes the report of a job.
    async fn write(mut self, jobs: &Jobs, id: &str, source: &Source) -> Result<Summary, CliError> {
        let job = jobs.job(id).await?;
        let mut decisions = Decisions::of(jobs, &job, source).await?;
        let mut summary = Summary::new(&self.path, &job);
        let fail = |source| CliError::File { path: self.path.clone(), source };
        let layout = Layout::of(source);
        let mut writer = ReportWriter::start(self.file.as_file_mut(), &self.path, &layout).map_err(fail)?;
        let mut rows = rows::read(source);
        while let Some(rows) = rows.recv().await {
            for row in rows {
                let decided = decisions.of_row(&row).await?;
                summary.count(&decided);
                writer.row(&row, &decided).map_err(fail)?;
            }
        }
        decisions.end().await?;
        writer.finish().map_err(fail)?;
        self.keep()?;
        Ok(summary)
    }

    /// Gives the report its name.
    fn keep(self) -> Result<(), CliError> {
        let Self { path, file, overwrite } = self;
        let fail = |source| CliError::File { path: path.clone(), source };
        file.as_file().sync_all().map_err(fail)?;
        let kept = if overwrite { file.persist(&path) } else { file.persist_noclobber(&path) };
        match kept {
            Ok(_) => Ok(()),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Err(fail(exists())),
            Err(error) => Err(fail(error.error)),
        }
    }

    /// Writes the report of a job that a command made, and tells of it in the command's output. Ctrl-C stops it; what the
    /// command has done is not affected. Without a job there is nothing to report.
    pub(crate) async fn finish(
        self,
        result: Result<Output, CliError>,
        jobs: &Jobs,
        job: Option<String>,
        source: &Source,
        interrupts: &Interrupts,
    ) -> Result<Output, CliError> {
        let Some(job) = job.filter(|_| !matches!(result, Err(CliError::NoResponse(_)))) else { return result };
        let again = command::again(&job, &self.path, source.page_size());
        let next = if interrupts.requested() { 2 } else { 1 };
        let written = tokio::select! {
            written = self.write(jobs, &job, source) => written.map_err(|error| error.to_string()),
            () = interrupts.reached(next) => Err("stopped".to_owned()),
        };
        let (text, json, exit) = match written {
            Ok(summary) => (summary.text(&again), summary.json(), 0),
            Err(error) => {
                let text = format!("the report was not written: {error}\nTo make it: {again}");
                (text, serde_json::json!({"error": error}), 1)
            }
        };
        match result {
            Ok(mut output) => {
                output.text = format!("{}\n\n{text}", output.text);
                output.json["report"] = json;
                output.exit = output.exit.max(exit);
                Ok(output)
            }
            Err(error) => {
                note(text);
                Err(error)
            }
        }
    }
}

fn exists() -> io::Error {
    io::Error::other("the file is there already; give --overwrite to replace it")
}
