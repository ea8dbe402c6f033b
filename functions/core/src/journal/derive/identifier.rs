//! The events of identifiers: each activation and each deletion, by the generation that it made.

use super::super::{Details, Event, EventError, EventKind, Facts, Noun, Ordinal, Subject, Word};
use crate::{
    deletion::{Identifier, IdentifierState},
    job::JobId,
    key::IdHash,
    log::Commitment,
    time::Time,
};

/// What a change of an identifier's item tells: that it became active, or a tombstone. A later event that named an active
/// identifier changes its item and tells nothing.
pub fn derive(id: IdHash, old: Option<&Identifier>, new: Option<&Identifier>) -> Result<Vec<Event>, EventError> {
    let Some(new) = new else { return Ok(Vec::new()) };
    let event = present(id, new)?;
    // What was there may be damaged; the change is told by what is there now, and what was told before is known by its id.
    let before = old.and_then(|old| present(id, old).ok());
    Ok(if before.is_some_and(|before| before.id == event.id) { Vec::new() } else { vec![event] })
}

/// What an identifier's item tells, oldest first: how it came to be as it is, and what was before that.
///
/// An item of generation 0 is from a version that did not count: what it tells has the ordinal 0, and only the times say in
/// which order it happened. Of the deletion that an active identifier still bears, the commitment, the profile and the
/// event are forgotten. The commitment can be made again, as the value is the same: `ended` is that of the life which the
/// deletion ended, if the caller has the log key and that life had one.
pub fn of_item(id: IdHash, item: &Identifier, ended: Option<Commitment>) -> Result<Vec<Event>, EventError> {
    let (generation, event) = (Ordinal::try_from(item.generation)?, present(id, item)?);
    let earlier = match (item.state, item.deleted_at) {
        (IdentifierState::Deleted, _) => Some(created(id, item, generation.before())?),
        (IdentifierState::Active, Some(at)) => {
            let then = Identifier { commitment: ended, ..item.clone() };
            let mut event = removed(id, &then, generation.before(), at)?;
            event.details = Details { profile_id: None, created_at: None, event_time: None, ..event.details };
            Some(event)
        }
        (IdentifierState::Active, None) => None,
    };
    Ok(earlier.into_iter().chain([event]).collect())
}

/// What is told in the place of a generation of which nothing is known. Its time is that of the item's last change: what is
/// missing happened before, and whoever notices it again makes the same event. It has no subject: the keyed hash would tie
/// the lives of an identifier together.
pub fn gap(id: IdHash, item: &Identifier, generation: Ordinal) -> Result<Event, EventError> {
    let last = present(id, item)?;
    let facts = Facts { id_type: last.facts.id_type, ..Facts::default() };
    Ok(Event { facts, ..Event::new(Noun::Identifier(id), generation, EventKind::JournalGap, last.id.time) })
}

/// How the item came to be as it is.
fn present(id: IdHash, item: &Identifier) -> Result<Event, EventError> {
    let generation = Ordinal::try_from(item.generation)?;
    match (item.state, item.deleted_at) {
        (IdentifierState::Active, _) => created(id, item, generation),
        (IdentifierState::Deleted, Some(at)) => removed(id, item, generation, at),
        (IdentifierState::Deleted, None) => Err(EventError::NoDeletionTime),
    }
}

fn created(id: IdHash, item: &Identifier, generation: Ordinal) -> Result<Event, EventError> {
    let facts = Facts { subject: Some(subject(id, item)?), id_type: Some(item.r#type.clone()), ..Facts::default() };
    let details = Details { profile_id: Some(item.profile_id), event_time: item.event_time, ..Details::default() };
    let event = Event::new(Noun::Identifier(id), generation, EventKind::IdentifierCreated, item.created_at);
    Ok(Event { facts, details, ..event })
}

fn removed(id: IdHash, item: &Identifier, generation: Ordinal, deleted_at: Time) -> Result<Event, EventError> {
    let facts = Facts {
        subject: Some(subject(id, item)?),
        token_id: item.token_id.clone(),
        request_id: item.request_id.or(item.job_id.map(JobId::request)),
        job_id: item.job_id,
        reason: item.reason.map(|reason| Word::of(reason.as_str())),
        id_type: Some(item.r#type.clone()),
        ..Facts::default()
    };
    let details = Details {
        profile_id: Some(item.profile_id),
        created_at: Some(item.created_at),
        event_time: item.event_time,
        deleted_at: Some(deleted_at),
        job_group: item.job_group,
        job_row: item.job_row,
        ..Details::default()
    };
    let event = Event::new(Noun::Identifier(id), generation, EventKind::IdentifierRemoved, deleted_at);
    Ok(Event { facts, details, ..event })
}

fn subject(id: IdHash, item: &Identifier) -> Result<Subject, EventError> {
    let Some(commitment) = item.commitment else { return Ok(Subject::Keyed(id)) };
    item.normalisation.map(|rule| Subject::Commitment(commitment, rule)).ok_or(EventError::NoNormalisation)
}

#[cfg(test)]
mod tests;
