//! Writes a report, as CSV or as JSON lines.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
};

use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    columns::OWN,
    decided::Decided,
    rows::{Input, InputRow, Layout},
};

/// Writes the lines of a report.
pub(super) struct ReportWriter<'a> {
    names: &'a [String],
    to: To<'a>,
}

enum To<'a> {
    Csv(Box<csv::Writer<&'a mut File>>),
    Json(BufWriter<&'a mut File>),
}

/// A line of a report in JSON.
#[derive(Serialize)]
struct JsonLine<'a> {
    line: u64,
    page: u64,
    row: u64,
    outcome: &'a str,
    code: &'a str,
    message: &'a str,
    input: &'a RawValue,
}

impl<'a> ReportWriter<'a> {
    /// Writes what is before the rows. The name of the report decides the format, else that of the file.
    pub(super) fn start(file: &'a mut File, path: &Path, layout: &'a Layout) -> io::Result<Self> {
        let names = &layout.names[..];
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
        let is_json = match extension.as_deref() {
            Some("jsonl" | "ndjson" | "json") => true,
            Some("csv") => false,
            _ => layout.is_json,
        };
        if is_json {
            return Ok(Self { names, to: To::Json(BufWriter::new(file)) });
        }
        let mut writer = csv::Writer::from_writer(file);
        writer.write_record(OWN.into_iter().chain(names.iter().map(String::as_str)))?;
        Ok(Self { names, to: To::Csv(Box::new(writer)) })
    }

    pub(super) fn row(&mut self, row: &InputRow, decided: &Decided) -> io::Result<()> {
        let Decided { page, row: number, outcome, code, message } = decided;
        match &mut self.to {
            To::Csv(writer) => {
                for cell in [&row.line.to_string(), &page.to_string(), &number.to_string(), outcome, code, message] {
                    writer.write_field(cell)?;
                }
                let cells = match &row.input {
                    Input::Cells(cells) => &cells[..],
                    Input::Json(json) => &[json.clone().into_bytes()],
                    Input::Text(text) => std::slice::from_ref(text),
                };
                let missing = self.names.len().saturating_sub(cells.len());
                cells.iter().try_for_each(|cell| writer.write_field(cell))?;
                (0..missing).try_for_each(|_| writer.write_field(""))?;
                Ok(writer.write_record(None::<&[u8]>)?)
            }
            To::Json(writer) => {
                let input = RawValue::from_string(json(self.names, &row.input)?)?;
                let (line, page, row) = (row.line, *page, *number);
                serde_json::to_writer(
                    &mut *writer,
                    &JsonLine { line, page, row, outcome, code, message, input: &input },
                )?;
                writer.write_all(b"\n")
            }
        }
    }

    pub(super) fn finish(self) -> io::Result<()> {
        match self.to {
            To::Csv(mut writer) => writer.flush(),
            To::Json(mut writer) => writer.flush(),
        }
    }
}

/// A row as JSON: a JSON value as it is, cells by the names of their columns, anything else as a text.
fn json(names: &[String], input: &Input) -> io::Result<String> {
    let text = |bytes: &[u8]| serde_json::to_string(&String::from_utf8_lossy(bytes));
    match input {
        Input::Json(json) => Ok(json.clone()),
        Input::Text(bytes) => Ok(text(bytes)?),
        Input::Cells(cells) => {
            let mut fields = Vec::with_capacity(cells.len());
            for (name, cell) in names.iter().zip(cells) {
                fields.push(format!("{}:{}", serde_json::to_string(name)?, text(cell)?));
            }
            Ok(format!("{{{}}}", fields.join(",")))
        }
    }
}
