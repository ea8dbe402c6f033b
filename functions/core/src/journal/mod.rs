//! The journal: every change of the table, exactly once, in the order of its numbers. Whatever follows (the log, the lake,
//! the warehouse, webhooks, a restore) reads it, and nothing but it.
//!
//! [`derive`](mod@derive) tells which [`Event`]s a change of an item makes. An event has an [`EventId`], which is the same
//! whenever the same change is seen; the journal has each once. An [`Entry`] is an event as bytes: a public leaf for the
//! log, and a private part. Entries are stored in [`Pack`]s. [`Head`] says how many entries a space has, and how a pack
//! is committed; the [`index`](mod@index) and the [`counts`](mod@counts) follow from a pack alone, so that whoever finds a
//! pack can finish it.
//!
//! Entries of one noun are read in the order of their ids: by their ordinals and, where these are equal, by their times; never
//! by their numbers: an entry may come late.
//!
//! No raw value of an identifier, no name and no trait is in an entry.

pub mod brake;
pub mod commit;
pub mod counts;
pub mod derive;
mod entry;
mod event;
mod event_id;
pub mod index;
mod kind;
mod leaf;
pub mod life;
mod noun;
pub mod pack;
pub mod refill;
pub mod search;

pub use commit::Head;
pub use entry::{Entry, EntryError};
pub use event::{Details, Event, EventError, Facts, ProfileSubject, Subject, Word};
pub use event_id::{EventId, Ordinal};
pub use kind::{EventKind, OtherKind};
pub use noun::{LeafId, Noun, OtherNoun};
pub use pack::Pack;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
