//! Seed files: test and demo data for `cargo local`. They are read and checked before anything is started, and loaded
//! when the table exists.

use std::{collections::BTreeSet, fs, path::PathBuf};

use efface_core::load::{LoadLine, parse_line};

use crate::{
    error::{Context, LocalError},
    seed_check::SeedCheck,
};

/// The id of the demo space, which always exists.
pub const DEMO_SPACE: &str = "spa_demo";
/// The instance name of the demo space, unless a seed file sets others.
pub(crate) const DEMO_INSTANCE: &str = "demo";
const DEMO: &str = include_str!("../demo.jsonl");

/// The lines of all seed files. All are valid.
#[derive(Debug, Default)]
pub struct Seeds(Vec<SeedLine>);

/// A line with its file and number.
#[derive(Debug)]
pub(crate) struct SeedLine {
    file: String,
    number: usize,
    pub(crate) content: LoadLine,
}

impl Seeds {
    /// Reads and checks the files, or the demo data if there are none.
    pub fn read(files: &[PathBuf]) -> Result<Self, LocalError> {
        let mut seeds = Self::default();
        if files.is_empty() {
            seeds.add("demo.jsonl", DEMO)?;
        }
        for file in files {
            let name = file.display().to_string();
            seeds.add(&name, &fs::read_to_string(file).context(format!("reading {name}"))?)?;
        }
        let mut check = SeedCheck::default();
        seeds.lines().try_for_each(|line| check.add(line))?;
        Ok(seeds)
    }

    fn add(&mut self, file: &str, text: &str) -> Result<(), LocalError> {
        for (line, number) in text.split('\n').zip(1..) {
            match parse_line(line) {
                Ok(Some(content)) => self.0.push(SeedLine { file: file.to_owned(), number, content }),
                Ok(None) => {}
                Err(error) => {
                    return Err(LocalError::Seed { file: file.to_owned(), line: number, text: error.to_string() });
                }
            }
        }
        Ok(())
    }

    /// The lines in their order.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &SeedLine> {
        self.0.iter()
    }

    /// Whether a line sets the instance names of the demo space.
    pub(crate) fn has_demo_instances(&self) -> bool {
        self.lines().any(|line| match &line.content {
            LoadLine::Space(id, change) => id.as_str() == DEMO_SPACE && change.reactor_instances.is_some(),
            LoadLine::Profile(_) => false,
        })
    }

    /// The ids of all spaces in the lines, and the demo space.
    pub(crate) fn spaces(&self) -> BTreeSet<&str> {
        let mentioned = self.lines().map(|line| match &line.content {
            LoadLine::Space(id, _) => id.as_str(),
            LoadLine::Profile(profile) => profile.space_id.as_str(),
        });
        mentioned.chain([DEMO_SPACE]).collect()
    }
}

impl SeedLine {
    /// An error that names the file and the line.
    pub(crate) fn error(&self, text: &impl ToString) -> LocalError {
        LocalError::Seed { file: self.file.clone(), line: self.number, text: text.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lines: &[&str], expected: &str) {
        let mut seeds = Seeds::default();
        let read = seeds.add("f", &lines.join("\n")).and_then(|()| {
            let mut check = SeedCheck::default();
            seeds.lines().try_for_each(|line| check.add(line))
        });
        assert_eq!(read.err().map(|error| error.to_string()).unwrap_or_default(), expected);
    }

    #[test]
    fn bad_lines_are_found() {
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
