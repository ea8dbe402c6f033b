//! Rows that a dry run does not find: why, on which lines, and in which form those would be found that nearly are.

use std::collections::{BTreeMap, BTreeSet};

use efface_core::job::near_miss::{NearMiss, other_forms};
use serde_json::{Value, json};

use crate::{
    CliError,
    api::{ApiRequest, encoded},
    jobs::{Jobs, Plan, RowOutcome, command},
    output::{numbers, printable},
    rows::{Source, path_lookup},
};

/// How many rows that are not found are looked at.
const MOST: u64 = 2_000;

/// How many rows are listed in JSON.
const LISTED: usize = 100;

/// Of how many rows the lines are told, for each reason.
const LINES: usize = 10;

/// Of how many near misses it is looked up in which form they would be found: up to 3 requests each.
const LOOKED_UP: usize = 10;

/// Rows that are not found, and near misses among them.
#[derive(Debug, Default)]
pub(super) struct NotFoundRows {
    rows: Vec<MissingRow>,
    /// How many there are in all.
    total: u64,
    /// Whether there are more than those.
    has_more: bool,
    /// The dry run, where it is a job.
    job: Option<String>,
}

#[derive(Debug)]
struct MissingRow {
    row: u64,
    line: u64,
    code: String,
    message: String,
    /// Of a near miss: how its value would have to be written.
    form: Option<&'static str>,
}

impl NotFoundRows {
    /// Those of a dry run. The plan of a dry run of one page lists near misses itself; a plan of which nothing more is known
    /// is still a plan.
    pub(super) async fn of(jobs: &Jobs, job: Option<&str>, plan: &mut Plan, source: &Source) -> Self {
        let near_misses = std::mem::take(&mut plan.near_misses);
        if plan.not_found + plan.other_case + plan.other_form == 0 {
            return Self::default();
        }
        let (mut rows, has_more) = match job {
            Some(job) => Self::rows_of(jobs, job, source).await.unwrap_or_default(),
            None => (Vec::new(), false),
        };
        if rows.is_empty() {
            let row = |row: u64, code| MissingRow::new(source, row + 1, code, String::new());
            rows = near_misses.into_iter().map(|near_miss| row(near_miss.row, near_miss.code)).collect();
        }
        let mut found = Self { rows, total: plan.not_found, has_more, job: job.map(printable) };
        found.look_up_forms(jobs, source).await;
        found
    }

    async fn rows_of(jobs: &Jobs, job: &str, source: &Source) -> Result<(Vec<MissingRow>, bool), CliError> {
        let (outcomes, has_more) = jobs.not_found(job, MOST).await?;
        let is_page_0 = source.pages == 1 && outcomes.first().is_some_and(|outcome| outcome.page == 0);
        let row = |outcome: RowOutcome| {
            let row = source.row_at(outcome.page, outcome.row, is_page_0)?;
            Some(MissingRow::new(source, row, outcome.code?, outcome.message.unwrap_or_default()))
        };
        Ok((outcomes.into_iter().filter_map(row).collect(), has_more))
    }

    /// Finds out in which form the first near misses would be found, by reading the profiles.
    async fn look_up_forms(&mut self, jobs: &Jobs, source: &Source) {
        let mut near: Vec<&mut MissingRow> = self.rows.iter_mut().filter(|row| row.near_miss().is_some()).collect();
        near.truncate(LOOKED_UP);
        let texts = source.profiles_of(&near.iter().map(|row| row.row).collect::<BTreeSet<u64>>());
        for row in near {
            let (Some(text), Some(near_miss)) = (texts.get(&row.row), row.near_miss()) else { continue };
            // The token may not read profiles, or the API is busy: the plan must not fail for it.
            let Ok(form) = form(jobs, text, near_miss).await else { return };
            row.form = form;
        }
    }

    /// Why how many rows are not found, with their lines. Empty if there are none.
    pub(super) fn text(&self) -> String {
        let mut groups: BTreeMap<&'static str, Vec<u64>> = BTreeMap::new();
        for row in &self.rows {
            groups.entry(row.why()).or_default().push(row.line);
        }
        let mut text = String::new();
        for (why, lines) in &groups {
            let count = lines.len() as u64;
            let lines = numbers("line", &lines[..lines.len().min(LINES)], count);
            text = format!("{text}\n  {why}: {count} ({lines})");
        }
        let all = self.job.as_ref().filter(|_| self.has_more || self.rows.is_empty());
        if let Some(job) = all.filter(|_| self.total > 0) {
            let (list, first) = (command("outcomes", job), self.rows.len());
            text = format!(
                "{text}\n  these are the first {first} of {}; `{list} --outcome not_found --file FILE` lists all",
                self.total
            );
        }
        if text.is_empty() { text } else { format!("\n\nNot found (no value is changed to find it):{text}") }
    }

    /// The first rows as JSON, near misses left out.
    pub(super) fn json(&self) -> Value {
        let rows = self.rows.iter().filter(|row| row.near_miss().is_none()).take(LISTED);
        let json =
            |row: &MissingRow| json!({"row": row.row, "line": row.line, "code": row.code, "message": row.message});
        rows.map(json).collect()
    }

    /// The near misses as JSON.
    pub(super) fn near_misses_json(&self) -> Value {
        let rows = self.rows.iter().filter(|row| row.near_miss().is_some()).take(LISTED);
        rows.map(|row| json!({"row": row.row, "line": row.line, "code": row.code, "form": row.form})).collect()
    }
}

impl MissingRow {
    fn new(source: &Source, row: u64, code: String, message: String) -> Self {
        Self { row, line: source.lines.of(row), code, message, form: None }
    }

    fn near_miss(&self) -> Option<NearMiss> {
        NearMiss::ALL.into_iter().find(|near_miss| near_miss.as_str() == self.code)
    }

    fn why(&self) -> &'static str {
        match (self.form, self.code.as_str()) {
            (Some(form), _) => form,
            (None, "other_case") => "would be found in another letter case",
            (None, "other_form") => "would be found without blanks around it or invisible characters, or in NFC",
            (None, "deleted_before") => "deleted before",
            (None, "profile_not_found") => "what names the profile finds none",
            (None, "profile_deleted_before") => "what names the profile was deleted before",
            (None, "eid_not_found") => "the profile has no such identifier",
            (None, _) => "nothing of that name, and no record of its deletion",
        }
    }
}

/// The forms in which a value may be found, in the order in which they are looked for.
fn forms(near_miss: NearMiss, value: &str) -> impl Iterator<Item = (&'static str, String)> {
    let (lower, upper) = (value.to_lowercase(), value.to_uppercase());
    let (is_lower, is_upper) = (lower == value, upper == value);
    let forms = other_forms(value).into_iter().filter(move |(of, _)| *of == near_miss);
    forms.map(move |(_, form)| {
        let words = match near_miss {
            NearMiss::OtherCase if form == lower => "would be found in lower case",
            NearMiss::OtherCase if form == upper => "would be found in upper case",
            NearMiss::OtherCase => "would be found in another letter case",
            NearMiss::OtherForm if form == form.to_lowercase() && !is_lower => {
                "would be found in lower case, without blanks around it or invisible characters, in NFC"
            }
            NearMiss::OtherForm if form == form.to_uppercase() && !is_upper => {
                "would be found in upper case, without blanks around it or invisible characters, in NFC"
            }
            NearMiss::OtherForm => "would be found without blanks around it or invisible characters, in NFC",
        };
        (words, form)
    })
}

/// In which form the profile that a text names would be found.
async fn form(jobs: &Jobs, text: &str, near_miss: NearMiss) -> Result<Option<&'static str>, CliError> {
    let Some((key, value)) = path_lookup(text) else { return Ok(None) };
    for (words, form) in forms(near_miss, value) {
        let path = format!("collections/users/profiles/{}:{}/metadata", encoded(key), encoded(&form));
        match jobs.api.send(&ApiRequest::get(jobs.api.path(&path))).await {
            Ok(_) => return Ok(Some(words)),
            Err(CliError::Api(error)) if error.code == "not_found" => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(near_miss: NearMiss, value: &str, expected: &[(&str, &str)]) {
        let found: Vec<_> = forms(near_miss, value).collect();
        let found: Vec<_> = found.iter().map(|(words, form)| (*words, form.as_str())).collect();
        assert_eq!(found, expected, "{value:?}");
    }

    #[test]
    fn a_form_is_told_in_words() {
        check(
            NearMiss::OtherCase,
            "Ada",
            &[("would be found in lower case", "ada"), ("would be found in upper case", "ADA")],
        );
        let rest = "without blanks around it or invisible characters, in NFC";
        let (lower, upper) =
            (format!("would be found in lower case, {rest}"), format!("would be found in upper case, {rest}"));
        let plain = format!("would be found {rest}");
        check(NearMiss::OtherForm, " Ada ", &[(&lower, "ada"), (&upper, "ADA"), (&plain, "Ada")]);
        check(NearMiss::OtherForm, "ada ", &[(&plain, "ada"), (&upper, "ADA")]);
        check(NearMiss::OtherForm, "\u{a0}7", &[(&plain, "7")]);
    }
}
