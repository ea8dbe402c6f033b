//! Reconciles the journal with the table: for items that were changed while no stream told of it, and for tables that are older
//! than the journal.
//!
//! First the table is scanned. An item that was not changed for 25 hours gets the entries that it tells of and the journal
//! lacks, marked as rebuilt; a stream keeps its records for 24 hours, so that none is on its way any more. Then the journal is
//! scanned for entries whose item is gone: they are only reported.
//!
//! A part is done before the cursor moves past it, and doing it again changes nothing: so a run may end anywhere, and the next
//! one goes on. One run at a time: who opens a run takes it over, and the process that had it fails where it would keep how far
//! it has come.
//!
//! What cannot be read, and the spaces whose journal has stopped, are counted and told, and the run goes on.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use efface_aws::{
    Store, StoreError,
    clock::Clock,
    journal::{ReconcilePhase, ReconcileRun},
    store::{
        Key,
        journaled::{Journaled, JournaledKey},
        journaled_scan::UnreadableItem,
    },
};
use efface_core::{
    journal::{EventId, Noun},
    log::LogKey,
    space::SpaceId,
    time::Time,
};
use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    JournalWriter,
    present::{Lacking, Present, SENSELESS},
    stops_its_space,
};
use crate::{Deadline, Error as EngineError};

/// Items that are looked at in one part.
pub const PART: i32 = 500;

/// Items whose entries are looked up at once.
const AT_ONCE: usize = 16;

/// Entries of a noun that are read in one request.
const ENTRIES_AT_ONCE: i32 = 1_000;

/// For so long an item must not have been changed, in seconds. No record of a stream is older than 24 hours.
const SETTLED_SECONDS: i64 = 25 * 3_600;

/// A run that was begun so many seconds ago or longer goes on only if that is asked for: what it has looked at may have changed
/// and settled since.
const RESUMED_SECONDS: i64 = 24 * 3_600;

/// For so long a part may go on.
const PART_TIME: Duration = Duration::from_mins(10);

/// Why a run did not begin, or does not go on.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ReconcileError {
    /// One that was not finished is too old to go on by itself. Holds when it was begun.
    #[error(
        "a run that was begun at {0} was not finished: give --continue to go on with it, or --restart to begin anew"
    )]
    Old(Time),
    /// Another process has taken the run over.
    #[error("another reconcile has been started and goes on with this run")]
    TakenOver,
    /// The table or the journal failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<StoreError> for ReconcileError {
    fn from(error: StoreError) -> Self {
        Self::Engine(error.into())
    }
}

/// What a run found and did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciled {
    /// Items of the table that were looked at.
    pub scanned: u64,
    /// Those of them that make events.
    pub items: u64,
    /// Those of them that were changed less than 25 hours ago: the stream may still tell of it.
    pub recent: u64,
    /// Entries that were missing, gaps not among them.
    pub rebuilt: u64,
    /// Generations of which nothing is known.
    pub gaps: u64,
    /// Changes that are not in the journal, and whose item does not say when they were made.
    pub undated: u64,
    /// Items and stored events that cannot be read, or make no sense, and keys of the journal that cannot be read.
    pub unreadable: u64,
    /// Spaces that were not reconciled, because their journal has stopped.
    pub stopped: u64,
    /// Items of the journal that were looked at.
    pub journal_scanned: u64,
    /// What the journal has entries of.
    pub nouns: u64,
    /// Those of them whose item is gone.
    pub without_item: u64,
}

/// What is told while a run goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// An item cannot be read, or makes no sense.
    Unreadable(String),
    /// A change is not in the journal, and nobody knows when it was made.
    Undated(SpaceId, Noun),
    /// The journal of a space has stopped, so that it was left out; holds why.
    Stopped(SpaceId, String),
    /// The journal has entries of something whose item is gone.
    WithoutItem(SpaceId, Noun),
}

/// A run.
#[derive(Debug)]
pub struct Reconcile {
    store: Store,
    writer: JournalWriter,
    log_key: Option<LogKey>,
    clock: Clock,
    space: Option<SpaceId>,
    is_dry_run: bool,
    run: ReconcileRun<Reconciled>,
    /// The spaces whose journal this process has settled.
    settled: BTreeSet<SpaceId>,
    part: i32,
}

impl Reconcile {
    /// Begins a run over all spaces or over one, or goes on with one that was not finished. A dry run begins anew each time,
    /// and writes nothing.
    ///
    /// # Errors
    /// [`ReconcileError::Old`] where one was not finished that was begun 24 hours ago or longer, and it is not said what is to
    /// become of it; [`ReconcileError::TakenOver`] where another process opens it at the same time.
    pub async fn open(store: Store, writer: JournalWriter, asked: Asked, clock: Clock) -> Result<Self, ReconcileError> {
        let Asked { space, is_dry_run, unfinished, log_key, process } = asked;
        let kept: Option<ReconcileRun<Reconciled>> = writer.journal().reconcile_run(space.as_ref()).await?;
        let had = kept.as_ref().map(|run| run.process.clone());
        let goes_on = kept.filter(|run| !is_dry_run && run.finished_at.is_none() && unfinished != Unfinished::Restarts);
        let oldest = clock.now().plus_seconds(-RESUMED_SECONDS);
        if let Some(run) = goes_on.as_ref().filter(|run| unfinished == Unfinished::Asks && run.started_at <= oldest) {
            return Err(ReconcileError::Old(run.started_at));
        }
        let begun = || ReconcileRun {
            process: String::new(),
            started_at: clock.now(),
            finished_at: None,
            phase: ReconcilePhase::Items,
            after: None,
            stopped: BTreeSet::new(),
            counts: Reconciled::default(),
        };
        let run = ReconcileRun { process, ..goes_on.unwrap_or_else(begun) };
        let opened =
            Self { store, writer, log_key, clock, space, is_dry_run, run, settled: BTreeSet::new(), part: PART };
        opened.keep(had.as_deref()).await?;
        Ok(opened)
    }

    /// Keeps how far the run has come, if it still is that of the process that had it.
    async fn keep(&self, had: Option<&str>) -> Result<(), ReconcileError> {
        if self.is_dry_run {
            return Ok(());
        }
        let is_kept = self.writer.journal().keep_reconcile_run(self.space.as_ref(), &self.run, had).await?;
        if is_kept { Ok(()) } else { Err(ReconcileError::TakenOver) }
    }

    /// The same with parts of another size, in items.
    #[must_use]
    pub fn in_parts_of(self, part: i32) -> Self {
        Self { part, ..self }
    }

    /// What was found and done so far.
    pub fn counts(&self) -> Reconciled {
        self.run.counts
    }

    /// When the run was begun, perhaps by an earlier process.
    pub fn started_at(&self) -> Time {
        self.run.started_at
    }

    /// Whether it looks at the journal by now, and no more at the table.
    pub fn is_at_entries(&self) -> bool {
        self.run.phase == ReconcilePhase::Entries
    }

    /// Does the next part, and keeps that it is done. Whether there is another one.
    pub async fn step(&mut self, found: &mut impl FnMut(Found)) -> Result<bool, ReconcileError> {
        let after = self.run.after.take().map(|(pk, sk)| Key { pk, sk });
        let kept = after.as_ref().map(|Key { pk, sk }| (pk.clone(), sk.clone()));
        let part = match self.run.phase {
            ReconcilePhase::Items => self.items(after, found).await,
            ReconcilePhase::Entries => self.entries(after, found).await,
        };
        let more = match part {
            Ok(more) => more,
            Err(error) => {
                self.run.after = kept;
                return Err(error.into());
            }
        };
        let is_end = more.is_none();
        self.run.after = more.map(|Key { pk, sk }| (pk, sk));
        match self.run.phase {
            ReconcilePhase::Items if is_end => self.run.phase = ReconcilePhase::Entries,
            ReconcilePhase::Entries if is_end => self.run.finished_at = Some(self.clock.now()),
            _ => {}
        }
        self.keep(Some(&self.run.process)).await?;
        Ok(self.run.finished_at.is_none())
    }

    /// A part of the table. Where to go on.
    async fn items(&mut self, after: Option<Key>, found: &mut impl FnMut(Found)) -> Result<Option<Key>, EngineError> {
        let part = self.store.scan_journaled(after, self.part).await?;
        let mut looked = Looked { counts: self.run.counts, ..Looked::default() };
        looked.counts.scanned += part.scanned;
        for item in part.unreadable.iter().filter(|item| self.is_of_space(item)) {
            looked.counts.unreadable += 1;
            found(Found::Unreadable(item_of(item)));
        }
        for item in part.items {
            self.look_at(item, &mut looked, found).await?;
        }
        let Looked { mut counts, settled, spaces } = looked;
        // What is looked up must be drained, and of a quiet space nobody else finds a pack that was left behind.
        let again: BTreeSet<SpaceId> = settled.iter().map(|present| present.space.clone()).collect();
        for space in spaces {
            self.settle(space.clone(), again.contains(&space), &mut counts, found).await?;
        }
        self.rebuild(settled, &mut counts, found).await?;
        self.run.counts = counts;
        Ok(part.more)
    }

    fn is_of_space(&self, item: &UnreadableItem) -> bool {
        let Some(own) = &self.space else { return true };
        match item {
            UnreadableItem::Key(_) | UnreadableItem::Item(JournaledKey::Token(_)) => true,
            UnreadableItem::Item(key) => key.space() == Some(own),
        }
    }

    /// Settles the journal of a space that this process has not settled, or where it is to be done again. A space that has
    /// stopped is left out from then on.
    async fn settle(
        &mut self,
        space: SpaceId,
        again: bool,
        counts: &mut Reconciled,
        found: &mut impl FnMut(Found),
    ) -> Result<(), EngineError> {
        let is_done = self.settled.contains(&space) && !again;
        if self.is_dry_run || is_done || self.run.stopped.contains(&space) {
            return Ok(());
        }
        match self.writer.settle(&space, Deadline::after(PART_TIME)).await {
            Ok(()) => _ = self.settled.insert(space),
            Err(error) if stops_its_space(&error) => self.stop(space, &error, counts, found),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn stop(&mut self, space: SpaceId, error: &EngineError, counts: &mut Reconciled, found: &mut impl FnMut(Found)) {
        if self.run.stopped.insert(space.clone()) {
            counts.stopped += 1;
            found(Found::Stopped(space, error.to_string()));
        }
    }

    /// Commits what the journal lacks of some items.
    async fn rebuild(
        &mut self,
        settled: Vec<Present>,
        counts: &mut Reconciled,
        found: &mut impl FnMut(Found),
    ) -> Result<(), EngineError> {
        let going = settled.into_iter().filter(|present| !self.run.stopped.contains(&present.space));
        let work = going.map(|present| self.lacking(present)).collect::<Vec<_>>();
        let lacking: Vec<_> = stream::iter(work).buffer_unordered(AT_ONCE).collect().await;
        let mut entries = Vec::new();
        for (space, noun, lacking) in lacking {
            match lacking {
                Ok(lacking) => {
                    counts.gaps += lacking.gaps;
                    counts.rebuilt += lacking.entries.len() as u64 - lacking.gaps;
                    counts.undated += lacking.undated;
                    entries.extend(lacking.entries);
                    (0..lacking.undated).for_each(|_| found(Found::Undated(space.clone(), noun.clone())));
                }
                Err(EngineError::Fault(SENSELESS)) => {
                    counts.unreadable += 1;
                    found(Found::Unreadable(format!("{space} {noun}")));
                }
                Err(error) if stops_its_space(&error) => self.stop(space, &error, counts, found),
                Err(error) => return Err(error),
            }
        }
        if self.is_dry_run {
            return Ok(());
        }
        let stopped = self.writer.capture(entries, Deadline::after(PART_TIME)).await?;
        let error = EngineError::Fault("its journal cannot be written; the line before says why");
        for space in stopped {
            self.stop(space, &error, counts, found);
        }
        Ok(())
    }

    /// Sorts an item: whether it is of the space, can be read, and was not changed lately.
    async fn look_at(
        &self,
        item: Journaled,
        looked: &mut Looked,
        found: &mut impl FnMut(Found),
    ) -> Result<(), EngineError> {
        if self.space.is_some() && self.space.as_ref() != item.space() {
            return Ok(());
        }
        let (now, of) = (self.clock.now(), described(&item));
        looked.spaces.extend(item.space().cloned());
        let present = match Present::of(&self.store, item, self.log_key.as_ref(), now).await {
            Ok(Some(present)) => present,
            Ok(None) => return Ok(()),
            Err(EngineError::Fault(SENSELESS) | EngineError::Store(StoreError::Unreadable(_))) => {
                looked.counts.unreadable += 1;
                found(Found::Unreadable(of));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        looked.counts.items += 1;
        looked.counts.unreadable += present.unreadable;
        (0..present.unreadable).for_each(|_| found(Found::Unreadable(format!("an event of {of}"))));
        if present.changed_after(now.plus_seconds(-SETTLED_SECONDS)) {
            looked.counts.recent += 1;
        } else {
            looked.settled.push(present);
        }
        Ok(())
    }

    async fn lacking(&self, present: Present) -> (SpaceId, Noun, Result<Lacking, EngineError>) {
        let (space, noun) = (present.space.clone(), present.noun.clone());
        let lacking = match self.known(&space, &noun).await {
            Ok(known) => present.lacking(&known),
            Err(error) => Err(error.into()),
        };
        (space, noun, lacking)
    }

    /// The ids of all entries about a noun.
    async fn known(&self, space: &SpaceId, noun: &Noun) -> Result<BTreeSet<EventId>, StoreError> {
        let (mut known, mut after) = (BTreeSet::new(), None);
        loop {
            let (entries, more) =
                self.writer.journal().entries_of(space, noun, after.as_ref(), ENTRIES_AT_ONCE).await?;
            known.extend(entries.into_iter().map(|(id, _)| id));
            after = more;
            if after.is_none() {
                return Ok(known);
            }
        }
    }

    /// A part of the journal. Where to go on.
    async fn entries(&mut self, after: Option<Key>, found: &mut impl FnMut(Found)) -> Result<Option<Key>, EngineError> {
        let part = self.writer.journal().scan_nouns(after, self.part).await?;
        let mut counts = self.run.counts;
        counts.journal_scanned += part.scanned;
        counts.unreadable += part.unreadable;
        (0..part.unreadable).for_each(|_| found(Found::Unreadable("a key of the journal".to_owned())));
        let own = |space: &SpaceId| self.space.as_ref().is_none_or(|own| own == space);
        let nouns: Vec<(SpaceId, Noun)> = part.nouns.into_iter().filter(|(space, _)| own(space)).collect();
        let keys: Vec<Option<Key>> = nouns.iter().map(|(space, noun)| key_of(space, noun)).collect();
        let there: HashMap<Key, _> = self.store.items(keys.iter().flatten().cloned()).await?;
        counts.nouns += nouns.len() as u64;
        let spaces: BTreeSet<SpaceId> = nouns.iter().map(|(space, _)| space.clone()).collect();
        for space in spaces {
            self.settle(space, false, &mut counts, found).await?;
        }
        for ((space, noun), key) in nouns.into_iter().zip(keys) {
            if key.is_some_and(|key| !there.contains_key(&key)) {
                counts.without_item += 1;
                found(Found::WithoutItem(space, noun));
            }
        }
        self.run.counts = counts;
        Ok(part.more)
    }
}

/// What a run is asked for.
#[derive(Debug, Default)]
pub struct Asked {
    /// Only this space.
    pub space: Option<SpaceId>,
    /// Whether nothing is written.
    pub is_dry_run: bool,
    /// What becomes of a run that was not finished.
    pub unfinished: Unfinished,
    /// The id of this process, random: by it, it knows whether the run still is its own.
    pub process: String,
    /// With it, the commitment of a life that is over can be made again.
    pub log_key: Option<LogKey>,
}

/// What becomes of a run that was not finished.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Unfinished {
    /// It goes on if it was begun less than 24 hours ago; else nothing is done.
    #[default]
    Asks,
    /// It goes on, however old it is.
    GoesOn,
    /// It is begun anew.
    Restarts,
}

/// What was seen of a part of the table.
#[derive(Debug, Default)]
struct Looked {
    counts: Reconciled,
    /// The items that were not changed lately.
    settled: Vec<Present>,
    /// The spaces of all items.
    spaces: BTreeSet<SpaceId>,
}

/// The item that entries about a noun come from; `None` where nobody knows the noun, or only a later version.
fn key_of(space: &SpaceId, noun: &Noun) -> Option<Key> {
    Some(match noun {
        Noun::Identifier(hash) => Key::identifier(space, *hash),
        Noun::Profile(profile) => Key::head(space, *profile),
        Noun::Job(job) => Key::job(space, *job),
        Noun::Segment(segment) => Key::segment(space, segment),
        Noun::Token(token) => Key::listed_token(space, token),
        Noun::Space => Key::space(space),
        Noun::Leaf(_) | Noun::Other(_) => return None,
    })
}

/// What an item is that cannot be read. A key that no version writes could be any text.
fn item_of(item: &UnreadableItem) -> String {
    match item {
        UnreadableItem::Key(Some(letter)) => format!("an item with a key of the kind {letter} that no version writes"),
        UnreadableItem::Key(None) => "an item with a key that no version writes".to_owned(),
        UnreadableItem::Item(key) => match (key.space(), key.noun()) {
            (Some(space), Some(noun)) => format!("{space} {noun}"),
            _ => "a token".to_owned(),
        },
    }
}

/// What an item is, without any of its attributes.
fn described(item: &Journaled) -> String {
    let (space, noun) = match item {
        Journaled::Identifier(space, hash, _) => (space, Some(Noun::Identifier(*hash))),
        Journaled::Profile(space, images) => (space, images.new.as_ref().map(|head| Noun::Profile(head.profile_id))),
        Journaled::Job(space, images) => (space, images.new.as_ref().map(|head| Noun::Job(head.job_id))),
        Journaled::JobEvent(space, job, ..) => (space, Some(Noun::Job(*job))),
        Journaled::Segment(space, images) => {
            (space, images.new.as_ref().map(|segment| Noun::Segment(segment.segment_id.clone())))
        }
        Journaled::Space(space, _) => (space, Some(Noun::Space)),
        Journaled::Token(_) => return "a token".to_owned(),
    };
    noun.map_or_else(|| space.to_string(), |noun| format!("{space} {noun}"))
}
