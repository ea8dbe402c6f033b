//! Seed files: test and demo data for `cargo local`. They are read and checked before anything is started, and loaded
//! when the table exists.

use std::{collections::BTreeSet, fs, path::PathBuf};

use efface_cli::load::Lines;
use efface_core::{load::LoadLine, space::SpaceId};

use serde_json::json;

use crate::{
    error::{BadLine, Context, LocalError},
    seed_check::SeedCheck,
};

/// The id of the demo space, which always exists.
pub const DEMO_SPACE: &str = "spa_demo";
/// The instance name of the demo space, unless a seed file sets others.
const DEMO_INSTANCE: &str = "demo";
const DEMO: &str = include_str!("../demo.jsonl");

/// The seed files. All their lines are valid.
#[derive(Debug, Default)]
pub struct Seeds {
    files: Vec<SeedFile>,
    /// The spaces of all lines.
    spaces: BTreeSet<SpaceId>,
    /// Those that a profile names before a line makes them. They are made with the default settings.
    implied_spaces: BTreeSet<SpaceId>,
    has_demo_instances: bool,
}

/// A file that was read.
#[derive(Debug, Clone)]
pub(crate) struct SeedFile {
    /// Its name in messages.
    pub(crate) name: String,
    pub(crate) content: Vec<u8>,
}

impl Seeds {
    /// Reads and checks the files, or the demo data if there are none.
    ///
    /// # Errors
    /// A file cannot be read, or has bad lines. All bad lines of all files are named.
    pub fn read(paths: &[PathBuf]) -> Result<Self, LocalError> {
        let read = |path: &PathBuf| {
            let name = path.display().to_string();
            let content = fs::read(path).context(format!("reading {name}"))?;
            Ok(SeedFile { name, content })
        };
        let files = paths.iter().map(read).collect::<Result<Vec<_>, LocalError>>()?;
        Self::check(if files.is_empty() { vec![SeedFile::new("demo.jsonl", DEMO)] } else { files })
    }

    fn check(files: Vec<SeedFile>) -> Result<Self, LocalError> {
        let (mut seeds, mut check, mut bad) = (Self::default(), SeedCheck::default(), Vec::new());
        for file in &files {
            for line in Lines::new(file.content.as_slice(), 1) {
                let line = line.context(format!("reading {}", file.name))?;
                let checked = line.content.map_err(|error| error.to_string()).and_then(|content| {
                    seeds.note(&content);
                    check.add(&content)
                });
                bad.extend(checked.err().map(|text| BadLine { file: file.name.clone(), line: line.number, text }));
            }
        }
        if bad.is_empty() { Ok(Self { files, ..seeds }) } else { Err(LocalError::Seeds(bad)) }
    }

    fn note(&mut self, line: &LoadLine) {
        let space = match line {
            LoadLine::Space(id, change) => {
                self.has_demo_instances |= id.as_str() == DEMO_SPACE && change.reactor_instances.is_some();
                id
            }
            LoadLine::Profile(profile) => {
                if !self.spaces.contains(&profile.space_id) {
                    self.implied_spaces.insert(profile.space_id.clone());
                }
                &profile.space_id
            }
        };
        self.spaces.insert(space.clone());
    }

    /// What to load, in this order: the spaces that no line makes before they are used, the files, and the demo space.
    pub(crate) fn files(&self) -> Vec<SeedFile> {
        let space = |id: &SpaceId| json!({ "space": { "id": id } }).to_string() + "\n";
        let implied =
            SeedFile::new("the spaces of the seed files", self.implied_spaces.iter().map(space).collect::<String>());
        let mut demo = json!({ "space": { "id": DEMO_SPACE } });
        if !self.has_demo_instances {
            demo["space"]["reactor_instances"] = json!([DEMO_INSTANCE]);
        }
        let demo = SeedFile::new("the demo space", demo.to_string());
        [vec![implied], self.files.clone(), vec![demo]].concat()
    }

    /// The ids of all spaces in the lines, and the demo space.
    pub(crate) fn spaces(&self) -> BTreeSet<SpaceId> {
        self.spaces.iter().cloned().chain(SpaceId::parse(DEMO_SPACE)).collect()
    }
}

impl SeedFile {
    fn new(name: &str, content: impl Into<Vec<u8>>) -> Self {
        Self { name: name.to_owned(), content: content.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The errors of two files, `f` and `g`.
    fn check(f: &[u8], g: &[u8], expected: &str) {
        let files = vec![SeedFile::new("f", f), SeedFile::new("g", g)];
        assert_eq!(Seeds::check(files).err().map(|error| error.to_string()).unwrap_or_default(), expected);
    }

    #[test]
    fn all_bad_lines_of_all_files_are_found() {
        let a = r#"{"space_id":"s","external_ids":[{"type":"user_id","id":"a"}]}"#;
        let b = r#"{"space_id":"s","external_ids":[{"type":"user_id","id":"b"},{"type":"user_id","id":"a"}]}"#;
        check(format!("\u{feff}{a}\r\n\n").as_bytes(), a.as_bytes(), "");
        let expected = "3 lines of the seed files are bad, so nothing was started:\n\
            f:2: not valid JSON at column 1\n\
            f:4: not valid UTF-8\n\
            g:1: external_ids[1]: another profile has this identifier";
        check(&[a.as_bytes(), b"\n{\n\n\xff\n"].concat(), b.as_bytes(), expected);
        let expected = "1 line of the seed files is bad, so nothing was started:\nf:1: not valid JSON at column 1";
        check(b"{", b"", expected);
    }

    #[test]
    fn spaces_are_made_before_they_are_used() {
        let profile = |space: &str| {
            format!("{{\"space_id\":\"{space}\",\"external_ids\":[{{\"type\":\"user_id\",\"id\":\"a\"}}]}}\n")
        };
        let text = [profile("first"), "{\"space\":{\"id\":\"made\"}}\n".to_owned(), profile("made")].concat();
        let seeds = Seeds::check(vec![SeedFile::new("f", text)]).unwrap();
        let texts = seeds.files().into_iter().map(|file| String::from_utf8(file.content).unwrap()).collect::<Vec<_>>();
        assert_eq!(texts[0], "{\"space\":{\"id\":\"first\"}}\n");
        assert_eq!(texts[2], "{\"space\":{\"id\":\"spa_demo\",\"reactor_instances\":[\"demo\"]}}");
        assert_eq!(seeds.spaces().iter().map(SpaceId::as_str).collect::<Vec<_>>(), ["first", "made", "spa_demo"]);
    }
}
