//! The receipts for all deletions of a job, each in a file of its own.
//!
//! A file says in its name which row it is for, and which entry of the log. Where the list goes on is kept in the folder
//! after each page, so that the same command goes on after a stop.

use std::{cell::Cell, fs, path::Path, time::Duration};

use efface_core::log::receipt::{MAX_RECEIPT_BYTES, Receipt};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::logged;
use crate::{
    CliError, Interrupts, Output,
    api::{Api, ApiRequest, Response, encoded},
    exit,
    output::printable,
    progress_bar::Bar,
    whole_file::{self, IfThere, Readers},
};

/// Where the list goes on.
const PLACE: &str = ".efface-receipts.json";

/// The receipts of a page, which is the API's maximum.
const PAGE_SIZE: u64 = 100;

/// A line of the response.
#[derive(Deserialize)]
struct Line {
    index: u64,
    /// Not known where the journal was refilled from the log.
    page: Option<u64>,
    row: Option<u64>,
    receipt: String,
}

/// The content of [`PLACE`].
#[derive(Serialize, Deserialize)]
struct Place {
    job: String,
    next: String,
    receipts: u64,
}

pub(super) async fn run(
    api: &Api,
    job: &str,
    folder: &Path,
    timeout: Duration,
    as_json: bool,
    interrupts: &Interrupts,
) -> Result<Output, CliError> {
    let written = Cell::new(0);
    let stopped = tokio::select! {
        result = write_all(api, job, folder, timeout, as_json, &written) => result.map(|()| false)?,
        () = interrupts.reached(1) => true,
    };
    let shown = printable(&folder.to_string_lossy());
    let json = json!({"folder": folder, "job_id": job, "receipts": written.get(), "interrupted": stopped});
    let text = match (stopped, written.get()) {
        (true, receipts) => format!("stopped after {receipts} receipts; the same command goes on"),
        (false, receipts) => {
            format!("{shown} has the receipts for {receipts} deletions of the job {}.", printable(job))
        }
    };
    Ok(Output { text, json, exit: if stopped { exit::INTERRUPTED } else { 0 } })
}

async fn write_all(
    api: &Api,
    job: &str,
    folder: &Path,
    timeout: Duration,
    as_json: bool,
    written: &Cell<u64>,
) -> Result<(), CliError> {
    let mut place = place(folder, job)?;
    let bar = Bar::of_job(job, "receipts", as_json);
    loop {
        written.set(place.receipts);
        bar.set(place.receipts, 0, "");
        let next = if place.next.is_empty() { String::new() } else { format!("&next={}", encoded(&place.next)) };
        let path = format!("deletion_jobs/{}/receipts?limit={PAGE_SIZE}{next}", encoded(job));
        let request = ApiRequest::get(api.path(&path)).accepting("application/x-ndjson");
        let request = request.up_to(usize::try_from(PAGE_SIZE).unwrap_or_default() * MAX_RECEIPT_BYTES);
        let response = logged::send(api, &request, timeout).await?;
        for line in lines(&response.body)? {
            write_one(folder, &line)?;
            place.receipts += 1;
        }
        let path = folder.join(PLACE);
        let Some(next) = next_of(&response) else {
            written.set(place.receipts);
            return match fs::remove_file(&path) {
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(CliError::File { path, source }),
                _ => Ok(()),
            };
        };
        place.next = next;
        let bytes = serde_json::to_vec(&place).map_err(|_| CliError::Unexpected("the place cannot be written"))?;
        whole_file::write(&path, &bytes, Readers::User, IfThere::Replace)?;
    }
}

/// Where to go on: at the beginning, unless the folder has a part of the job's receipts.
fn place(folder: &Path, job: &str) -> Result<Place, CliError> {
    let path = folder.join(PLACE);
    let Some(bytes) = whole_file::read_up_to(&path, 1_000_000)? else {
        return Ok(Place { job: job.to_owned(), next: String::new(), receipts: 0 });
    };
    let fail = |reason: String| CliError::File { path: path.clone(), source: std::io::Error::other(reason) };
    let place: Place =
        serde_json::from_slice(&bytes).map_err(|_| fail("it cannot be read; remove it to begin anew".to_owned()))?;
    if place.job == job {
        return Ok(place);
    }
    let other = printable(&place.job);
    Err(fail(format!(
        "the folder has a part of the receipts of the job {other}: go on with that one, or take another folder"
    )))
}

fn lines(body: &[u8]) -> Result<Vec<Line>, CliError> {
    let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let lines = lines.map(serde_json::from_slice).collect::<Result<Vec<_>, _>>();
    lines.map_err(|_| CliError::Unexpected("a line of the list of receipts cannot be read"))
}

/// Writes a receipt. One that is there stays: it differs only in the checkpoint.
fn write_one(folder: &Path, Line { index, page, row, receipt }: &Line) -> Result<(), CliError> {
    let parsed: Receipt = receipt.parse().map_err(|_| CliError::Unexpected("it is not a receipt"))?;
    if parsed.index != *index {
        return Err(CliError::Unexpected("a receipt is for another entry than its line says"));
    }
    let of_row = page.zip(*row).map(|(page, row)| format!("page-{page}-row-{row}-")).unwrap_or_default();
    let path = folder.join(format!("{of_row}entry-{index}.txt"));
    whole_file::write(&path, receipt.as_bytes(), Readers::User, IfThere::Keep)
}

/// The cursor of the next page. Only the cursor is taken from the header: the token is sent to the API's own URL and
/// nowhere else.
fn next_of(response: &Response) -> Option<String> {
    let link = response.link.as_deref()?;
    let (url, _) = link.strip_prefix('<')?.split_once(">; rel=\"next\"")?;
    let (_, query) = url.split_once('?')?;
    let next = query.split('&').find_map(|pair| pair.strip_prefix("next="))?;
    percent_decode_str(next).decode_utf8().ok().map(String::from).filter(|next| !next.is_empty())
}
