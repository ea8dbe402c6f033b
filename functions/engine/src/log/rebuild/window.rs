//! A window: entries that journals lack, as many as are held in memory at once. One scan of the table finds their private
//! parts, then they are written.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

use efface_core::{
    journal::{Entry, EventId, Head, pack::MAX_ENTRIES, refill::nameless},
    log::{self, Hash},
    space::SpaceId,
};
use futures::StreamExt;

use super::{Progress, Rebuild, RebuildError, Watch, leaves::leaves};
use crate::journal::{Recovery, Wanted};

/// Items of the table that are looked at in one request.
const SCANNED_AT_ONCE: i32 = 500;

/// Entries that the journal of a space lacks, verified. It has private parts, so it is not `Debug`.
pub(super) struct Part {
    /// The head that they follow.
    head: Head,
    /// The number after that of the last one.
    to: u64,
    /// How many entries the log has.
    size: u64,
    /// Their leaf hashes, in order.
    hashes: Vec<Hash>,
    wanted: Wanted,
}

impl Part {
    /// The entries that follow a head, up to this number.
    pub(super) fn new(head: Head, to: u64, size: u64) -> Self {
        Self { head, to, size, hashes: Vec::new(), wanted: Wanted::default() }
    }

    /// Notes the leaf with this number, if it is one of the part. They must come in order.
    pub(super) fn note(&mut self, number: u64, leaf: &log::Entry<'_>, leaf_hash: Hash) {
        if number < self.to {
            self.hashes.push(leaf_hash);
            self.wanted.add(leaf, leaf_hash);
        }
    }

    pub(super) fn head(&self) -> &Head {
        &self.head
    }

    /// The number of the first one.
    pub(super) fn from(&self) -> u64 {
        self.head.n()
    }

    pub(super) fn hashes(&self) -> &[Hash] {
        &self.hashes
    }
}

/// What several journals lack.
#[derive(Default)]
pub(super) struct Window(BTreeMap<SpaceId, Part>);

impl Window {
    /// How many entries it has.
    pub(super) fn len(&self) -> u64 {
        self.0.values().map(|part| part.hashes.len() as u64).sum()
    }

    pub(super) fn add(&mut self, space: SpaceId, part: Part) {
        self.0.insert(space, part);
    }

    pub(super) fn parts(self) -> impl Iterator<Item = (SpaceId, Part)> {
        self.0.into_iter()
    }
}

impl Rebuild {
    /// Scans the table for the private parts of a window. Whether it came to the end, and was not stopped.
    pub(super) async fn scan(&mut self, window: &mut Window, watch: &Watch<'_>) -> Result<bool, RebuildError> {
        let entries = window.len();
        let mut wanted: BTreeMap<SpaceId, Wanted> =
            window.0.iter_mut().map(|(space, part)| (space.clone(), std::mem::take(&mut part.wanted))).collect();
        let recovery = Recovery { store: &self.store, log_key: self.asked.log_key.as_ref(), now: self.asked.now };
        let mut after = None;
        loop {
            let looked = recovery.part(after, SCANNED_AT_ONCE, &mut wanted).await?;
            self.scanned += looked.scanned;
            self.unreadable += looked.unreadable;
            (watch.progress)(Progress::Scanned(self.scanned, entries));
            after = looked.more;
            if after.is_none() {
                break;
            }
            if (watch.is_stopped)() {
                return Ok(false);
            }
        }
        for (space, part) in &mut window.0 {
            part.wanted = wanted.remove(space).unwrap_or_default();
        }
        Ok(true)
    }

    /// Writes a part of a space, pack by pack, until its end, until the journal is not as it was read, or until it is stopped.
    pub(super) async fn write(&mut self, space: &SpaceId, part: Part, watch: &Watch<'_>) -> Result<(), RebuildError> {
        let from = part.from();
        let mut head = self.writer.drained_head(space).await?;
        if head.frontier() != part.head.frontier() {
            return Ok(());
        }
        let files = self.reader.files.clone();
        let mut bundles = leaves(&files, space, from..part.to, part.size);
        let mut next: VecDeque<log::Entry<'static>> = VecDeque::new();
        while head.n() < part.to && !(watch.is_stopped)() {
            while next.len() < MAX_ENTRIES
                && let Some(bundle) = bundles.next().await
            {
                next.extend(bundle?);
            }
            let entries = self.entries(space, &head, &mut next, &part).await?;
            let Some((committed, pack)) = self.writer.refill(space, &head, &entries).await? else { return Ok(()) };
            next.drain(..pack.entries().len());
            head = committed;
            let rebuilt = self.spaces.entry(space.clone()).or_default();
            pack.entries().iter().for_each(|entry| rebuilt.refilled.add(entry));
            (watch.progress)(Progress::Written(space, head.n().saturating_sub(from), part.to - from));
            if head.n() != pack.end() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The entries of the next leaves, up to those of a pack. Their bytes must be those that were verified. An event that the
    /// journal has already, as an entry with the same leaf stands before, is told under the leaf's own noun.
    async fn entries(
        &self,
        space: &SpaceId,
        head: &Head,
        next: &mut VecDeque<log::Entry<'static>>,
        part: &Part,
    ) -> Result<Vec<Entry>, RebuildError> {
        let mut entries = Vec::with_capacity(MAX_ENTRIES);
        for (number, leaf) in (head.n()..).zip(next.iter().take(MAX_ENTRIES)) {
            let place = usize::try_from(number - part.from()).unwrap_or(usize::MAX);
            if part.hashes.get(place) != Some(&Hash::leaf(leaf)) {
                return Err(RebuildError::OtherBundles);
            }
            let entry = part.wanted.entry(leaf, number).map_err(|error| RebuildError::Entry(number, error))?;
            entries.push(entry);
        }
        let ids: Vec<EventId> = entries.iter().map(|entry| entry.id().clone()).collect();
        let known = self.journal().known(space, &ids).await?;
        let (mut seen, mut distinct): (BTreeSet<EventId>, Vec<Entry>) = (BTreeSet::new(), Vec::new());
        for (number, entry) in (head.n()..).zip(entries) {
            distinct.push(own(number, entry, &known, &mut seen)?);
        }
        Ok(distinct)
    }
}

/// The entry, under a noun of its own where its event is there already.
fn own(
    number: u64,
    entry: Entry,
    known: &HashSet<EventId>,
    seen: &mut BTreeSet<EventId>,
) -> Result<Entry, RebuildError> {
    if !known.contains(entry.id()) && seen.insert(entry.id().clone()) {
        return Ok(entry);
    }
    nameless(entry.leaf_json(), number).map_err(|error| RebuildError::Entry(number, error))
}
