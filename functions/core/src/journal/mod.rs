//! The journal: every change of the table, exactly once, in the order of its numbers. Whatever follows (the log, the lake,
//! the warehouse, webhooks, a restore) reads it, and nothing but it.
//!
//! [`derive`] tells which [`Event`]s a change of an item makes. An event has an [`EventId`], which is the same whenever the
//! same change is seen; the journal has each once.

pub mod derive;
mod event;
mod event_id;
mod kind;
mod noun;

pub use event::{Details, Event, EventError, Facts, ProfileSubject, Subject, Word};
pub use event_id::{EventId, Ordinal};
pub use kind::{EventKind, OtherKind};
pub use noun::{Noun, OtherNoun};

#[cfg(test)]
mod samples;
