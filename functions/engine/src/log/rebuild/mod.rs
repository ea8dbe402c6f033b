//! `efface admin log rebuild`: refills a journal that is shorter than its published log, as one that was restored from a
//! backup, from the log's bundles.
//!
//! A space is looked at first ([`look`]): nothing is written before the entries that the journal lacks have led, from its own
//! tree, to the root that was signed. Then the table is scanned for their private parts, and they are written in packs
//! ([`window`]). After that the space is looked at anew, and so on, until journal and log say the same. So a run may end
//! anywhere and be run again, and of what others write meanwhile nothing is taken on trust.

mod leaves;
mod look;
mod window;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use efface_aws::{Store, StoreError, journal::Journal, log_store::LogStore};
use efface_core::{
    journal::{Entry, EntryError, pack::MAX_ENTRIES, refill::is_nameless},
    log::{LogKey, TileError},
    space::SpaceId,
    time::Time,
};
use serde::Serialize;
use thiserror::Error;

use self::{look::Look, window::Window};
use super::{LogError, LogReader};
use crate::{
    Error as EngineError,
    journal::{JournalWriter, stops_its_space},
};

/// Entries whose private parts are looked for in one scan of the table, of all spaces together. They take about 600 MB: for
/// each its leaf hash, its link and its private part.
pub const WINDOW: u64 = 1_000_000;

/// How often a space is looked at in a row without an entry more in its journal.
const ATTEMPTS: u32 = 8;

/// Why a journal was not refilled.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RebuildError {
    /// The journal's entries are not those that were signed.
    #[error(
        "the journal has other entries than the log: restore its table to a time before they were written. See \"A log \
         contradicts its journal\" in docs/operations.md"
    )]
    OtherEntries,
    /// A pack that is not committed has other entries than the log. Holds its number.
    #[error(
        "pack {0} of the journal, which is not committed, has other entries than the log: something else writes to it. See \
         \"Deleting a pack by hand\" in docs/operations/journal.md"
    )]
    OtherPack(u64),
    /// The journal's entries are those that were signed, and what follows them in the bundles is not.
    #[error(
        "the entries in the log's bundles are not those that were signed: see the bundles' versions in the locked bucket"
    )]
    OtherBundles,
    /// A file of the log is missing or cannot be read.
    #[error("the log's files: {0}")]
    File(#[from] TileError),
    /// An entry of the log is of a later version.
    #[error("entry {0} of the log cannot be read: a later version of Efface has written it, use that one")]
    Entry(u64, EntryError),
    /// Others write to the journal all the time.
    #[error("the journal is written to all the time: switch the stream's mapping off, and run it again")]
    Contended,
    /// The log cannot be read, or does not hold.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The table or the journal failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<StoreError> for RebuildError {
    fn from(error: StoreError) -> Self {
        Self::Engine(error.into())
    }
}

impl RebuildError {
    /// Whether it passes by itself: the run can be repeated.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Log(error) => error.is_passing(),
            Self::Engine(error) => error.is_passing(),
            _ => false,
        }
    }

    /// Whether it is the fault of one space, and lasts: the other spaces go on.
    fn is_of_space(&self) -> bool {
        match self {
            Self::Log(error) => error.is_inconsistent(),
            Self::Engine(error) => stops_its_space(error),
            _ => true,
        }
    }
}

/// What became of a space.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rebuilt {
    /// Entries that the log has.
    pub log: u64,
    /// Entries that the journal had at first.
    pub journal: u64,
    /// Entries that were refilled.
    pub refilled: Refilled,
    /// Whether journal and log say the same now, or the journal has what the log has, and more.
    pub is_whole: bool,
    /// Why the space was left out.
    pub error: Option<RebuildError>,
}

impl Rebuilt {
    /// Entries that the journal lacked at first.
    pub fn lacking(&self) -> u64 {
        self.log.saturating_sub(self.journal)
    }
}

/// Entries that were refilled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Refilled {
    /// All of them.
    pub entries: u64,
    /// Those whose private part the table told.
    pub recovered: u64,
    /// Those of which only the noun is known; their details are lost.
    pub without_details: u64,
    /// Those of which nothing is known but the leaf.
    pub without_noun: u64,
}

impl Refilled {
    fn add(&mut self, entry: &Entry) {
        self.entries += 1;
        let count = match (entry.is_lost(), is_nameless(entry.id())) {
            (false, _) => &mut self.recovered,
            (true, false) => &mut self.without_details,
            (true, true) => &mut self.without_noun,
        };
        *count += 1;
    }
}

/// What is told while a run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress<'a> {
    /// So many of the entries that a journal lacks are verified, of so many.
    Verified(&'a SpaceId, u64, u64),
    /// So many items of the table were looked at for the private parts of so many entries.
    Scanned(u64, u64),
    /// So many entries of a space are written, of so many.
    Written(&'a SpaceId, u64, u64),
}

/// Who watches a run.
pub struct Watch<'a> {
    /// Whether it is to end.
    pub is_stopped: &'a dyn Fn() -> bool,
    /// Takes how far it is.
    pub progress: &'a dyn Fn(Progress<'_>),
}

/// What a run is asked for.
#[derive(Debug)]
pub struct Asked {
    /// What comes before the space's id in the names of logs.
    pub origin: String,
    /// With it, the commitments of lives that are over can be made again.
    pub log_key: Option<LogKey>,
    /// Whether nothing is written.
    pub is_dry_run: bool,
    /// The present.
    pub now: Time,
}

/// A run.
#[derive(Debug)]
pub struct Rebuild {
    store: Store,
    writer: JournalWriter,
    reader: LogReader,
    asked: Asked,
    window: u64,
    spaces: BTreeMap<SpaceId, Rebuilt>,
    /// How often each was looked at since its journal has grown.
    looks: BTreeMap<SpaceId, u32>,
    /// Items of the table that were looked at, in all scans.
    scanned: u64,
    unreadable: u64,
}

impl Rebuild {
    /// A run on a table, the journal that a writer writes, and the files of the log.
    pub fn new(store: Store, writer: JournalWriter, files: LogStore, asked: Asked) -> Self {
        let (spaces, looks) = (BTreeMap::new(), BTreeMap::new());
        let reader = LogReader::new(files);
        Self { store, writer, reader, asked, window: WINDOW, spaces, looks, scanned: 0, unreadable: 0 }
    }

    /// The same with another number of entries for one scan, at least those of a pack.
    #[must_use]
    pub fn with_window(self, window: u64) -> Self {
        Self { window: window.max(MAX_ENTRIES as u64), ..self }
    }

    /// What became of the spaces that were looked at so far.
    pub fn spaces(&self) -> &BTreeMap<SpaceId, Rebuilt> {
        &self.spaces
    }

    /// Items of the table that were looked at, in all scans, and things that cannot be read of those of the spaces.
    pub fn looked_at(&self) -> (u64, u64) {
        (self.scanned, self.unreadable)
    }

    fn journal(&self) -> &Journal {
        self.writer.journal()
    }

    /// Looks at these spaces and refills the journals that are shorter than their logs. Whether it came to the end, and was
    /// not stopped. What is the fault of one space is noted there, and the others go on.
    ///
    /// # Errors
    /// What passes by itself, and rights that are missing: the run can be repeated.
    pub async fn run(&mut self, spaces: Vec<SpaceId>, watch: &Watch<'_>) -> Result<bool, RebuildError> {
        let (mut queue, mut window) = (VecDeque::from(spaces), Window::default());
        while !(watch.is_stopped)() {
            let next = if window.len() < self.window { queue.pop_front() } else { None };
            match next {
                Some(space) => self.look_at(space, &mut window, watch).await?,
                None if window.len() == 0 => return Ok(true),
                None => queue.extend(self.refill(std::mem::take(&mut window), watch).await?),
            }
        }
        Ok(false)
    }

    /// Looks at a space, and puts what its journal lacks into the window, as much as fits.
    async fn look_at(&mut self, space: SpaceId, window: &mut Window, watch: &Watch<'_>) -> Result<(), RebuildError> {
        let room = self.window.saturating_sub(window.len());
        let look = match self.look(&space, room, watch).await {
            Ok(Some(look)) => look,
            // It was stopped.
            Ok(None) => return Ok(()),
            Err(error) => return self.leave_out(space, error),
        };
        let (log, journal) = look.sizes();
        let is_new = !self.spaces.contains_key(&space);
        let rebuilt = self.spaces.entry(space.clone()).or_default();
        rebuilt.log = log;
        if is_new {
            rebuilt.journal = journal;
        }
        match look {
            Look::Whole { .. } => rebuilt.is_whole = true,
            Look::Lacking(_) if self.asked.is_dry_run => {}
            Look::Lacking(part) => {
                let looks = self.looks.entry(space.clone()).or_default();
                *looks += 1;
                if *looks > ATTEMPTS {
                    return self.leave_out(space, RebuildError::Contended);
                }
                window.add(space, *part);
            }
        }
        Ok(())
    }

    fn leave_out(&mut self, space: SpaceId, error: RebuildError) -> Result<(), RebuildError> {
        if !error.is_of_space() {
            return Err(error);
        }
        let rebuilt = self.spaces.entry(space).or_default();
        rebuilt.error = Some(error);
        Ok(())
    }

    /// Refills what a window has. The spaces to look at anew: all that it has.
    async fn refill(&mut self, mut window: Window, watch: &Watch<'_>) -> Result<BTreeSet<SpaceId>, RebuildError> {
        let mut again = BTreeSet::new();
        if !self.scan(&mut window, watch).await? {
            return Ok(again);
        }
        for (space, part) in window.parts() {
            match self.write(&space, part, watch).await {
                Ok(()) => _ = again.insert(space),
                Err(error) => self.leave_out(space, error)?,
            }
        }
        Ok(again)
    }
}
