//! `efface admin log rebuild`: refills a journal that is shorter than its published log, as one that was restored from a
//! backup, from the log's bundles.
//!
//! A space is looked at first ([`look`]): nothing is written before the entries that the journal lacks have led, from its own
//! tree, to the root that was signed. Then the table is scanned for their private parts, and they are written in packs
//! ([`window`]). After that the space is looked at anew, and so on, until journal and log say the same. So a run may end
//! anywhere and be run again, and of what others write meanwhile nothing is taken on trust.

mod error;
mod leaves;
mod look;
mod window;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use efface_aws::{Store, journal::Journal, log_store::LogStore};
use efface_core::{
    journal::{Entry, pack::MAX_ENTRIES, refill::is_nameless},
    log::{LogKey, note::VerifierKey},
    space::SpaceId,
    time::Time,
};
use serde::Serialize;

pub use self::error::RebuildError;
use self::{
    look::{Compared, Look},
    window::Window,
};
use super::LogReader;
use crate::journal::JournalWriter;

/// Entries whose private parts are looked for in one scan of the table, of all spaces together. They take about 600 MB: for
/// each its leaf hash, its link and its private part.
pub const WINDOW: u64 = 1_000_000;

/// How often a space is looked at in a row without an entry more in its journal, whoever commits it. As a journal is refilled
/// only up to the size that was signed, that bounds the looks.
const ATTEMPTS: u32 = 8;

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
    /// Whether the journal has entries and nothing at all is published of them.
    pub is_without_log: bool,
    /// The key that has signed the log's last checkpoint.
    pub signer: Option<VerifierKey>,
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
    /// The public keys that may have signed, as somebody vouches for them who has not taken them from the log's bucket. One key
    /// signs for all spaces under different names, so names do not count. `None` lets any key of the bucket have signed: only
    /// where nothing is written.
    pub signers: Option<Vec<[u8; 32]>>,
    /// With it, the commitments of lives that are over can be made again.
    pub log_key: Option<LogKey>,
    /// Whether nothing is written.
    pub is_dry_run: bool,
    /// Whether entries are refilled also where items of the table cannot be read that may tell their private parts.
    pub allow_unreadable: bool,
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
    /// The largest size that the journal of each had, and how often it was looked at since.
    looks: BTreeMap<SpaceId, (u64, u32)>,
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
        let Look { log, journal, signer, compared } = match self.look(&space, room, watch).await {
            Ok(Some(look)) => look,
            // It was stopped.
            Ok(None) => return Ok(()),
            Err(error) => return self.leave_out(space, error),
        };
        let is_new = !self.spaces.contains_key(&space);
        let rebuilt = self.spaces.entry(space.clone()).or_default();
        (rebuilt.log, rebuilt.signer) = (log, signer);
        if is_new {
            rebuilt.journal = journal;
        }
        match compared {
            Compared::Whole => rebuilt.is_whole = true,
            Compared::WithoutLog => rebuilt.is_without_log = true,
            Compared::Lacking(_) if self.asked.is_dry_run => {}
            Compared::Lacking(_) if self.has_looked(&space, journal) > ATTEMPTS => {
                return self.leave_out(space, RebuildError::Contended);
            }
            Compared::Lacking(part) => window.add(space, *part),
        }
        Ok(())
    }

    /// Notes a look at a journal of this size. How many there were since it has grown, with this one.
    fn has_looked(&mut self, space: &SpaceId, journal: u64) -> u32 {
        let (largest, looks) = self.looks.entry(space.clone()).or_default();
        if journal > *largest {
            (*largest, *looks) = (journal, 0);
        }
        *looks = looks.saturating_add(1);
        *looks
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
        let (mut again, before) = (BTreeSet::new(), self.unreadable);
        if !self.scan(&mut window, watch).await? {
            return Ok(again);
        }
        let unreadable = self.unreadable - before;
        if unreadable > 0 && !self.asked.allow_unreadable {
            for (space, _) in window.parts() {
                self.leave_out(space, RebuildError::Unreadable(unreadable))?;
            }
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
