//! What the table tells of entries whose private part was lost with the journal.
//!
//! An entry that an item still tells has the same leaf, so the leaf's hash finds it. Where an item tells it no more, it may
//! still tell the noun: see `efface_core::journal::refill`.

use std::collections::{BTreeMap, HashMap, HashSet};

use efface_aws::{
    Store, StoreError,
    store::{
        Key,
        journaled::Journaled,
        journaled_scan::{JournaledPart, UnreadableItem},
    },
};
use efface_core::{
    job::JobId,
    journal::{
        Entry, EntryError, Noun,
        refill::{Link, Trace, link_of_profile, links_of_identifier, nameless, trace},
    },
    log::{self, Hash, LogKey},
    space::SpaceId,
    time::Time,
};

use super::present::{Present, SENSELESS};
use crate::Error;

/// Leaves of a space whose private part is looked for, and what was found of them: so it is not `Debug`.
#[derive(Default)]
pub(crate) struct Wanted {
    /// By leaf hash: the private part.
    parts: HashMap<Hash, Option<Box<str>>>,
    nouns: HashMap<Link, Option<Noun>>,
    /// The jobs that leaves are about.
    jobs: HashSet<JobId>,
}

impl Wanted {
    /// Looks for the private part of a leaf, too.
    pub(crate) fn add(&mut self, leaf: &log::Entry<'_>, leaf_hash: Hash) {
        self.parts.entry(leaf_hash).or_default();
        match trace(leaf) {
            Trace::Link(link, _) => _ = self.nouns.entry(link).or_default(),
            Trace::Noun(Noun::Job(job), _) => _ = self.jobs.insert(job),
            Trace::Noun(..) | Trace::None => {}
        }
    }

    /// Whether a leaf may be told by this item. Of jobs only it is known: and to look at one needs a query of its events.
    fn may_be_told_by(&self, item: &Journaled) -> bool {
        let Journaled::Job(_, images) = item else { return true };
        images.new.as_ref().is_none_or(|head| self.jobs.contains(&head.job_id))
    }

    fn tie(&mut self, links: impl IntoIterator<Item = Link>, noun: &Noun) {
        for link in links {
            if let Some(found) = self.nouns.get_mut(&link) {
                found.get_or_insert_with(|| noun.clone());
            }
        }
    }

    fn tell(&mut self, entry: &Entry) {
        if let Some(found) = self.parts.get_mut(&entry.leaf_hash()) {
            found.get_or_insert_with(|| entry.private_json().as_str().into());
        }
    }

    /// The entry of a leaf, as far as the table has told it. Its number is needed where the noun is not known.
    pub(crate) fn entry(&self, leaf: &log::Entry<'_>, number: u64) -> Result<Entry, EntryError> {
        if let Some(Some(private)) = self.parts.get(&Hash::leaf(leaf)) {
            return Entry::read(leaf.as_bytes(), private.as_bytes());
        }
        match trace(leaf) {
            Trace::Noun(noun, ordinal) => Entry::refilled(leaf, &noun, ordinal),
            Trace::Link(link, ordinal) => match self.nouns.get(&link) {
                Some(Some(noun)) => Entry::refilled(leaf, noun, ordinal),
                _ => nameless(leaf, number),
            },
            Trace::None => nameless(leaf, number),
        }
    }
}

/// A look through the table.
#[derive(Debug)]
pub(crate) struct Recovery<'a> {
    pub(crate) store: &'a Store,
    /// With it, the commitments of lives that are over can be made again.
    pub(crate) log_key: Option<&'a LogKey>,
    /// The time of what an item does not date: such an event is none that the journal had.
    pub(crate) now: Time,
}

/// A part of the table that was looked at.
#[derive(Debug)]
pub(crate) struct Looked {
    pub(crate) scanned: u64,
    /// Items of the wanted spaces that cannot be read, or make no sense.
    pub(crate) unreadable: u64,
    /// Where to go on; `None` at the end.
    pub(crate) more: Option<Key>,
}

impl Recovery<'_> {
    /// Looks at a part of the table, at most so many items, also at those that were changed a moment ago: what an item tells
    /// is the entry that has its leaf, or none.
    pub(crate) async fn part(
        &self,
        after: Option<Key>,
        limit: i32,
        wanted: &mut BTreeMap<SpaceId, Wanted>,
    ) -> Result<Looked, Error> {
        let JournaledPart { items, unreadable, scanned, more } = self.store.scan_journaled(after, limit).await?;
        let is_wanted = |item: &&UnreadableItem| match item {
            UnreadableItem::Key(_) => false,
            UnreadableItem::Item(key) => key.space().is_some_and(|space| wanted.contains_key(space)),
        };
        let mut looked = Looked { scanned, unreadable: unreadable.iter().filter(is_wanted).count() as u64, more };
        for item in items {
            let wanted = item.space().and_then(|space| wanted.get_mut(space));
            let Some(wanted) = wanted.filter(|wanted| wanted.may_be_told_by(&item)) else { continue };
            looked.unreadable += self.look_at(item, wanted).await?;
        }
        Ok(looked)
    }

    /// Looks at an item. How many things of it cannot be read.
    async fn look_at(&self, item: Journaled, wanted: &mut Wanted) -> Result<u64, Error> {
        self.tie(&item, wanted);
        let mut unreadable = 0;
        // The deletion that an active identifier still bears ended a life with a commitment, or one from before them.
        let others = matches!(item, Journaled::Identifier(..)) && self.log_key.is_some();
        let without = others.then(|| (item.clone(), None));
        for (item, key) in [(item, self.log_key)].into_iter().chain(without) {
            let told = match Present::of(self.store, item, key, self.now).await {
                Ok(None) => continue,
                Ok(Some(present)) => {
                    unreadable += present.unreadable;
                    present.entries()
                }
                Err(error) => Err(error),
            };
            match told {
                Ok(entries) => entries.iter().for_each(|entry| wanted.tell(entry)),
                Err(Error::Fault(SENSELESS) | Error::Store(StoreError::Unreadable(_))) => return Ok(unreadable + 1),
                Err(error) => return Err(error),
            }
        }
        Ok(unreadable)
    }

    /// Ties what the log calls an identifier or a profile to it.
    fn tie(&self, item: &Journaled, wanted: &mut Wanted) {
        match item {
            Journaled::Identifier(_, hash, images) => {
                let links = images.new.iter().flat_map(|item| links_of_identifier(*hash, item, self.log_key));
                wanted.tie(links, &Noun::Identifier(*hash));
            }
            Journaled::Profile(_, images) => {
                let Some(id) = images.new.as_ref().map(|head| head.profile_id) else { return };
                wanted.tie([link_of_profile(id)], &Noun::Profile(id));
            }
            _ => {}
        }
    }
}
