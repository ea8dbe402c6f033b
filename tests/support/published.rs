//! A published log as it is stored, and its verification: with what others wrote, then with our own audit.

use std::collections::BTreeSet;

use efface_core::{
    log::{self, Audit, AuditError, Checkpoint, KeyList, Tile, Tiles, note::Note},
    space::SpaceId,
};
use signed_note::{StandardVerifier, VerifierList};
use tlog_tiles::HashReader;

use crate::{
    objects::TestObjects,
    publisher::{LOCKED, ORIGIN, PARTIAL},
};

/// The log of a space as it is stored.
pub struct PublishedLog {
    origin: String,
    /// The checkpoint.
    pub note: Note,
    /// The list of keys.
    pub keys: KeyList,
    /// All tiles and bundles.
    pub files: Tiles,
}

impl PublishedLog {
    /// The log of a space. Full files must be in the locked bucket, partial ones in the other.
    pub fn of(objects: &TestObjects, space: &SpaceId) -> Self {
        let objects = objects.all();
        let text = |name: &str| str::from_utf8(&objects[&format!("{LOCKED}/{space}/{name}")]).unwrap();
        let (note, keys) = (text("checkpoint").parse().unwrap(), text("keys").parse().unwrap());
        let named = objects.iter().filter_map(|(path, bytes)| {
            let (bucket, name) = path.split_once(&format!("/{space}/tile/"))?;
            let tile = Tile::parse(name).unwrap();
            assert_eq!(bucket, if tile.is_partial() { PARTIAL } else { LOCKED }, "{name}");
            Some((tile, bytes.clone()))
        });
        Self { origin: format!("{ORIGIN}/{space}"), note, keys, files: named.collect() }
    }

    /// Verifies that it is the log of these leaves, and returns its checkpoint.
    pub fn verify(&self, leaves: &[log::Entry<'_>]) -> Checkpoint {
        self.verify_with_others(leaves);
        let (head, _) = self.keys.open(&self.note).unwrap();
        assert_eq!(audit(&head, &self.files), Ok(()));
        assert_eq!(head.size(), leaves.len() as u64);
        head
    }

    fn verify_with_others(&self, leaves: &[log::Entry<'_>]) {
        let signed_text = self.note.to_string();
        let keys: BTreeSet<String> = self.keys.uses().iter().map(|used| used.key.to_string()).collect();
        let verifiers = keys.iter().map(|key| {
            let verifier: Box<dyn signed_note::Verifier> = Box::new(StandardVerifier::new(key).unwrap());
            verifier
        });
        let theirs = signed_note::Note::from_bytes(signed_text.as_bytes()).unwrap();
        let (signed, _) = theirs.verify(&VerifierList::new(verifiers.collect())).unwrap();
        assert_eq!(signed.len(), 1);

        let (mut hashes, size) = (Theirs(Vec::new()), leaves.len() as u64);
        for (number, leaf) in (0..).zip(leaves) {
            hashes.0.extend(tlog_tiles::stored_hashes(number, leaf.as_bytes(), &hashes).unwrap());
        }
        let root = tlog_tiles::tree_hash(size, &hashes).unwrap();
        let lines: Vec<&str> = signed_text.lines().collect();
        assert_eq!(lines[..2], [self.origin.clone(), size.to_string()]);
        assert_eq!(lines[2], log::Hash::from_bytes(root.0).to_string());
        for tile in tlog_tiles::Tile::new_tiles(8, 0, size) {
            let name = tile.path().replacen("tile/8/", "", 1);
            assert_eq!(self.files[&Tile::parse(&name).unwrap()], tile.read_data(&hashes).unwrap(), "{name}");
        }
    }
}

/// The hashes of a log, in the order in which `tlog_tiles` numbers them.
struct Theirs(Vec<tlog_tiles::Hash>);

impl HashReader for Theirs {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
        Ok(indexes.iter().map(|index| self.0[usize::try_from(*index).unwrap()]).collect())
    }
}

/// Verifies a whole log with its files, by our own audit.
pub fn audit(head: &Checkpoint, files: &Tiles) -> Result<(), AuditError> {
    let mut audit = Audit::new(head, &[]).unwrap();
    let read = |names: Vec<Tile>| -> Tiles {
        let found = names.iter().flat_map(|tile| [*tile, tile.full()]);
        found.filter_map(|tile| Some((tile, files.get(&tile)?.clone()))).collect()
    };
    while let Some((bundle, tile)) = audit.needs() {
        audit.add(&read(vec![bundle, tile]))?;
        let names = audit.uncompared().collect();
        audit.compare(&read(names))?;
    }
    audit.finish()
}
