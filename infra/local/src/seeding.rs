//! Seed files: read whole before anything starts, loaded when the table is there.

use std::{collections::BTreeSet, fs, path::PathBuf};

use efface_core::load::{LoadLine, parse_line};

use crate::{
    claims::Claims,
    error::{LocalError, Tried},
};

/// The space that is always there.
pub const DEMO_SPACE: &str = "spa_demo";
/// Its name as the workflow's endpoint knows it, unless a seed gives it others.
pub(crate) const DEMO_INSTANCE: &str = "demo";
const DEMO: &str = include_str!("../demo.jsonl");

/// Lines that were found to be good.
#[derive(Debug, Default)]
pub struct Seeds(Vec<SeededLine>);

/// One line, and where it came from.
#[derive(Debug)]
pub(crate) struct SeededLine {
    file: String,
    number: usize,
    pub(crate) read: LoadLine,
}

impl Seeds {
    /// Reads files, or the demo where there are none.
    pub fn read(files: &[PathBuf]) -> Result<Self, LocalError> {
        let mut seeds = Self::default();
        if files.is_empty() {
            seeds.add("demo.jsonl", DEMO)?;
        }
        for file in files {
            let name = file.display().to_string();
            seeds.add(&name, &fs::read_to_string(file).tried(format!("reading {name}"))?)?;
        }
        let mut claims = Claims::default();
        seeds.lines().try_for_each(|line| claims.add(line))?;
        Ok(seeds)
    }

    fn add(&mut self, file: &str, text: &str) -> Result<(), LocalError> {
        for (line, number) in text.split('\n').zip(1..) {
            match parse_line(line) {
                Ok(Some(read)) => self.0.push(SeededLine { file: file.to_owned(), number, read }),
                Ok(None) => {}
                Err(error) => {
                    return Err(LocalError::Seed { file: file.to_owned(), line: number, text: error.to_string() });
                }
            }
        }
        Ok(())
    }

    /// The lines in their order, each with its file and number.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &SeededLine> {
        self.0.iter()
    }

    /// Whether a line says what the workflow's endpoint knows the demo space by.
    pub(crate) fn name_demo_instances(&self) -> bool {
        self.lines().any(|line| match &line.read {
            LoadLine::Space(id, change) => id.as_str() == DEMO_SPACE && change.reactor_instances.is_some(),
            LoadLine::Profile(_) => false,
        })
    }

    /// Every space that is named, and the demo space.
    pub(crate) fn spaces(&self) -> BTreeSet<&str> {
        let named = self.lines().map(|line| match &line.read {
            LoadLine::Space(id, _) => id.as_str(),
            LoadLine::Profile(profile) => profile.space_id.as_str(),
        });
        named.chain([DEMO_SPACE]).collect()
    }
}

impl SeededLine {
    /// An error that says where.
    pub(crate) fn wrong(&self, text: &impl ToString) -> LocalError {
        LocalError::Seed { file: self.file.clone(), line: self.number, text: text.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lines: &[&str], expected: &str) {
        let mut seeds = Seeds::default();
        let read = seeds.add("f", &lines.join("\n")).and_then(|()| {
            let mut claims = Claims::default();
            seeds.lines().try_for_each(|line| claims.add(line))
        });
        assert_eq!(read.err().map(|error| error.to_string()).unwrap_or_default(), expected);
    }

    #[test]
    fn what_is_wrong_is_found_before_anything_starts() {
        let a = r#"{"space_id":"s","external_ids":[{"type":"user_id","id":"a"},{"type":"email","id":"E"}]}"#;
        let b = r#"{"space_id":"s","external_ids":[{"type":"user_id","id":"b"},{"type":"email","id":"e"}]}"#;
        let lower = r#"{"space":{"id":"s","identifier_types":[{"name":"email","normalisation":"lowercase"}]}}"#;
        check(&[a, "", b, a], "");
        check(&[lower, a, b], "f:3: external_ids[1]: an earlier profile has this identifier");
        check(&[a, lower], "f:2: identifier_types: the normalisation of `email` was fixed when the type was made");
        check(&["{"], "f:1: not valid JSON at column 1");
        let shoe = r#"{"space_id":"s","external_ids":[{"type":"shoe_size","id":"7"}]}"#;
        check(&[shoe], "f:1: the space does not know the identifier type `shoe_size`");
        let merged =
            r#"{"space_id":"s","external_ids":[{"type":"email","id":"m"}],"merged_into":{"type":"user_id","id":"a"}}"#;
        check(&[a, merged], "");
        check(&[merged, a], "f:1: merged_into: no earlier line has this identifier");
    }
}
