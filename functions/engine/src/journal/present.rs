//! What a present item tells, and what of that a journal lacks.

use std::collections::BTreeSet;

use efface_aws::{Store, store::journaled::Journaled};
use efface_core::{
    deletion::Identifier,
    journal::{
        Entry, Event, EventError, EventId, Noun, Ordinal,
        derive::{gaps, identifier, is_undated, job, missing, profile, segment, space, token},
    },
    key::IdHash,
    log::{Commitment, LogKey},
    space::SpaceId,
    time::Time,
};

use crate::Error;

/// The most gaps that are told of one identifier in one run.
const MAX_GAPS: usize = 1_000;

/// What an item tells.
#[derive(Debug)]
pub(super) struct Present {
    pub(super) space: SpaceId,
    /// What it is.
    pub(super) noun: Noun,
    /// All that must have happened to it, as far as it still shows.
    events: Vec<Event>,
    /// When it was last changed, as far as it says.
    changed_at: Option<Time>,
    /// Whether it bears a time for its last change.
    is_dated: bool,
    /// Stored events of a job that cannot be read.
    pub(super) unreadable: u64,
    /// Of an identifier: itself, of which the missing generations are told.
    identifier: Option<(IdHash, Box<Identifier>)>,
}

/// What the journal lacks of an item.
#[derive(Debug, Default)]
pub(super) struct Lacking {
    /// The entries, marked as rebuilt.
    pub(super) entries: Vec<Entry>,
    /// How many of them say only that something is missing.
    pub(super) gaps: u64,
    /// Changes that are not told, because nobody knows when they were made.
    pub(super) undated: u64,
}

impl Present {
    /// What an item tells; `None` where it tells nothing. `now` is the time of what the item does not date.
    pub(super) async fn of(
        store: &Store,
        item: Journaled,
        key: Option<&LogKey>,
        now: Time,
    ) -> Result<Option<Self>, Error> {
        let present = match item {
            Journaled::Identifier(space, hash, images) => {
                let Some(item) = images.new else { return Ok(None) };
                let events = identifier::of_item(hash, &item, ended(hash, &item, key)).map_err(senseless)?;
                let changed_at = newest(&events);
                let identifier = Some((hash, item));
                Self { changed_at, identifier, ..Self::new(space, Noun::Identifier(hash), events) }
            }
            Journaled::Profile(space, images) => {
                let Some(head) = images.new else { return Ok(None) };
                let events = profile::of_item(&head);
                Self::new(space, Noun::Profile(head.profile_id), events)
            }
            Journaled::Job(space, images) => {
                let Some(head) = images.new else { return Ok(None) };
                let mut events = job::of_head(&head).map_err(senseless)?;
                let stored = store.stored_job_events(&space, head.job_id).await?;
                let mut unreadable = stored.unreadable;
                for (version, stored) in stored.events {
                    match job::of_stored(&head, version, &stored) {
                        Ok(told) => events.extend(told),
                        Err(_) => unreadable += 1,
                    }
                }
                Self { unreadable, ..Self::new(space, Noun::Job(head.job_id), events) }
            }
            Journaled::Segment(space, images) => {
                let Some(segment) = images.new else { return Ok(None) };
                let events = segment::of_item(&segment, now).map_err(senseless)?;
                let changed_at = Some(segment.changed_at.unwrap_or(segment.created_at));
                let is_dated = segment.changed_at.is_some();
                Self { changed_at, is_dated, ..Self::new(space, Noun::Segment(segment.segment_id.clone()), events) }
            }
            Journaled::Token(images) => {
                let Some(token) = images.new else { return Ok(None) };
                Self::new(token.space_id.clone(), Noun::Token(token.token_id.clone()), token::of_item(&token))
            }
            Journaled::Space(space, images) => {
                let Some(settings) = images.new else { return Ok(None) };
                let events = space::of_item(&settings, now).map_err(senseless)?;
                let changed_at = Some(settings.changed_at.unwrap_or(settings.created_at));
                let is_dated = settings.changed_at.is_some();
                Self { changed_at, is_dated, ..Self::new(space, Noun::Space, events) }
            }
            // It is told with its job.
            Journaled::JobEvent(..) => return Ok(None),
        };
        Ok(Some(present).filter(|present| !present.events.is_empty()))
    }

    fn new(space: SpaceId, noun: Noun, events: Vec<Event>) -> Self {
        let changed_at = newest(&events);
        Self { space, noun, events, changed_at, is_dated: true, unreadable: 0, identifier: None }
    }

    /// What it tells, as entries that are marked as rebuilt.
    pub(super) fn entries(&self) -> Result<Vec<Entry>, Error> {
        let entries = self.events.iter().map(|event| Entry::rebuilt(&self.space, event));
        entries.collect::<Result<_, _>>().map_err(|_| Error::Fault(SENSELESS))
    }

    /// Whether it was changed after this time, so that a change of it may be on its way.
    pub(super) fn changed_after(&self, time: Time) -> bool {
        self.changed_at.is_some_and(|changed_at| changed_at > time)
    }

    /// What the journal lacks. `known` are the ids that it has of the noun.
    pub(super) fn lacking(self, known: &BTreeSet<EventId>) -> Result<Lacking, Error> {
        let present: Vec<EventId> = self.events.iter().map(|event| event.id.clone()).collect();
        let mut events = missing(self.events, known);
        let before = events.len();
        events.retain(|event| !is_undated(&event.id, self.is_dated, known.iter().chain(&present)));
        let (undated, mut gap_count) = ((before - events.len()) as u64, 0);
        if let Some((hash, item)) = self.identifier {
            let told = known.iter().chain(events.iter().map(|event| &event.id));
            let told: BTreeSet<Ordinal> = told.map(|id| id.ordinal).collect();
            let present = Ordinal::try_from(item.generation).map_err(|error| senseless(error.into()))?;
            for generation in gaps(&told, present).take(MAX_GAPS) {
                events.push(identifier::gap(hash, &item, generation).map_err(senseless)?);
                gap_count += 1;
            }
        }
        let entry = |event: &Event| Entry::rebuilt(&self.space, event);
        let entries = events.iter().map(entry).collect::<Result<_, _>>();
        Ok(Lacking { entries: entries.map_err(|_| Error::Fault(SENSELESS))?, gaps: gap_count, undated })
    }
}

/// The commitment of the life of an identifier that its last deletion ended, where the identifier is back since.
fn ended(hash: IdHash, item: &Identifier, key: Option<&LogKey>) -> Option<Commitment> {
    let (key, rule, value) = (key?, item.normalisation?, item.value.as_ref()?);
    let activated_as = item.generation.checked_sub(2).filter(|generation| *generation > 0)?;
    Some(key.nonce(&hash, activated_as).commit(&item.r#type, &rule.apply(value.expose())))
}

fn newest(events: &[Event]) -> Option<Time> {
    events.iter().map(|event| event.id.time).max()
}

/// What is said of an item that no version writes.
pub(super) const SENSELESS: &str = "an item that makes no sense";

fn senseless(_: EventError) -> Error {
    Error::Fault(SENSELESS)
}
