//! A log that the core's writer makes, signed by a key in this process, and served as the API and as a web site do.

use std::collections::VecDeque;

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signer, SigningKey};
use efface_core::{
    identifier::IdentifierType,
    key::IdHash,
    log::{
        Checkpoint, Entry, File, Hash, LogKey, Nonce, Tile, Tiles, Writer,
        note::{Note, VerifierKey},
        proof::Inclusion,
        receipt::Receipt,
    },
};
use serde_json::{Value, json};

use crate::fake_api::State;

/// The log of the space of the tests.
pub(crate) const ORIGIN: &str = "log.example.com/0b7c/spa_demo";

/// A response with a body of any kind.
#[derive(Debug, Clone, Default)]
pub(crate) struct Raw {
    pub(crate) status: u16,
    /// Lines with their ends.
    pub(crate) headers: String,
    pub(crate) body: Vec<u8>,
}

impl Raw {
    pub(crate) fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, body: body.into(), ..Self::default() }
    }

    pub(crate) fn error(status: u16, code: &str) -> Self {
        let body = json!({"error": {"code": code, "message": "It is not so."}}).to_string().into_bytes();
        Self { status, body, ..Self::default() }
    }

    pub(crate) fn with(self, header: &str) -> Self {
        Self { headers: format!("{}{header}\r\n", self.headers), ..self }
    }
}

/// The key with this seed.
pub(crate) fn key_pair(seed: u8) -> (SigningKey, VerifierKey) {
    let signing = SigningKey::from_bytes(&[seed; 32]);
    let key = VerifierKey::new(ORIGIN.parse().unwrap(), signing.verifying_key().as_bytes()).unwrap();
    (signing, key)
}

/// The verifier key of the log, as text.
pub(crate) fn key() -> String {
    key_pair(1).1.to_string()
}

/// The leaf of the deletion of an e-mail address, and its nonce.
pub(crate) fn removed(number: u8, address: &str) -> (String, Nonce) {
    let log_key = LogKey::from_base64(&STANDARD.encode([7; 32])).unwrap();
    let nonce = log_key.nonce(&IdHash::from_bytes([number; 32]), 1);
    let subject = nonce.commit(&IdentifierType::parse("email").unwrap(), &address.to_lowercase());
    let leaf = format!(
        r#"{{"v":1,"time":"2026-01-01T00:00:00.{number:03}Z","space":"spa_demo","event":"identifier.removed","id_type":"email","subject":"{subject}","normalisation":"lowercase","generation":2,"token_id":"tok_1","reason":"request"}}"#
    );
    (leaf, nonce)
}

/// A log with all files that it ever had.
#[derive(Debug, Clone)]
pub(crate) struct FakeLog {
    entries: Vec<String>,
    pub(crate) files: Tiles,
    pub(crate) note: String,
}

impl FakeLog {
    /// A log of these entries.
    pub(crate) fn of(entries: Vec<String>) -> Self {
        let mut log = Self { entries: Vec::new(), files: Tiles::new(), note: String::new() };
        log.append(entries);
        log
    }

    /// A log of so many entries without a meaning.
    pub(crate) fn of_size(size: u64) -> Self {
        Self::of(Self::numbered(0, size))
    }

    /// Entries without a meaning.
    pub(crate) fn numbered(from: u64, to: u64) -> Vec<String> {
        (from..to).map(|number| format!("entry {number}")).collect()
    }

    /// Appends entries and signs. Partial files of former sizes stay.
    pub(crate) fn append(&mut self, entries: Vec<String>) {
        self.entries.extend(entries);
        let mut writer = Writer::new();
        let mut files: Vec<File> = Vec::new();
        for entry in &self.entries {
            files.extend(writer.append(&Entry::new(entry.as_str()).unwrap()).unwrap());
        }
        files.extend(writer.partial_files());
        self.files.extend(files);
        self.note = sign(&writer, 1).to_string();
    }

    /// The receipt for an entry.
    pub(crate) fn receipt(&self, index: u64, nonce: Option<Nonce>) -> Receipt {
        let question = Inclusion::new(index, self.entries.len() as u64).unwrap();
        let proof = question.build(&self.files).unwrap();
        let leaf = Entry::new(self.entries[usize::try_from(index).unwrap()].clone()).unwrap();
        Receipt { index, leaf, nonce, proof, checkpoint: self.note.parse().unwrap() }
    }

    /// The leaf hash of an entry.
    pub(crate) fn leaf_hash(&self, index: u64) -> Hash {
        Hash::leaf(&Entry::new(self.entries[usize::try_from(index).unwrap()].as_str()).unwrap())
    }

    /// A file below the log's prefix.
    fn file(&self, path: &str) -> Option<Vec<u8>> {
        match path.strip_prefix("tile/") {
            Some(name) => self.files.get(&Tile::parse(name).ok()?).cloned(),
            None => (path == "checkpoint" && !self.note.is_empty()).then(|| self.note.clone().into_bytes()),
        }
    }
}

fn sign(writer: &Writer, seed: u8) -> Note {
    let (signing, key) = key_pair(seed);
    let checkpoint = Checkpoint::of(key.name().clone().into(), &writer.frontier());
    let signature = signing.sign(checkpoint.to_text().signed_bytes()).to_bytes();
    checkpoint.sign(&key, signature).unwrap()
}

impl State {
    /// The response of the log, or one that a test has set.
    pub(crate) fn raw_response(&mut self, line: &str) -> Option<Raw> {
        // Whatever the space is called: a client must see that it is the log of another one.
        let in_space = line.strip_prefix("GET /v1/spaces/").and_then(|rest| rest.split_once('/'));
        let short = in_space.map(|(_, short)| short);
        if let Some(set) = short.and_then(|short| self.raw.get_mut(short)) {
            // The last one stays.
            return if set.len() > 1 { set.pop_front() } else { set.front().cloned() };
        }
        let of_api = short.and_then(|short| short.strip_prefix("log/"));
        let path = of_api.or_else(|| line.strip_prefix("GET /static/"))?;
        if path == "key" {
            return Some(Raw::ok(Self::keys_of_log().to_string()));
        }
        let found = self.log.as_ref().and_then(|log| log.file(path));
        Some(found.map_or_else(|| Raw::error(404, "not_found"), Raw::ok))
    }

    fn keys_of_log() -> Value {
        json!({"keys": [{"key": key(), "from": 1, "to": null}]})
    }

    /// Sets the responses to a request, one after the other.
    pub(crate) fn set(&mut self, line: &str, responses: impl IntoIterator<Item = Raw>) {
        self.raw.insert(line.to_owned(), VecDeque::from_iter(responses));
    }
}
