//! What a change tells, and what an item tells, as entries: the rules are in `efface_core::journal::derive`.

use efface_aws::store::{
    journaled::Journaled,
    stream::{PutAside, StreamRecord},
};
use efface_core::{
    journal::{
        Entry, Event, EventError,
        derive::{identifier, job, profile, segment, space, token},
    },
    space::SpaceId,
    time::Time,
};
use serde_json::Value;

/// The entries that follow from a record of the stream, and when its change was made.
pub fn entries(record: &Value) -> Result<(Vec<Entry>, Time), PutAside> {
    let StreamRecord { at, change } = StreamRecord::read(record)?;
    let Some((space, events)) = change.map(|change| derive(&change, at)).transpose().map_err(senseless)?.flatten()
    else {
        return Ok((Vec::new(), at));
    };
    let entries = events.iter().map(|event| Entry::captured(&space, event)).collect::<Result<_, _>>();
    Ok((entries.map_err(|_| PutAside::SenselessItem)?, at))
}

fn senseless(_: EventError) -> PutAside {
    PutAside::SenselessItem
}

/// The events of a change that the stream recorded at `at`, and their space; `None` where there is nothing any more.
fn derive(change: &Journaled, at: Time) -> Result<Option<(SpaceId, Vec<Event>)>, EventError> {
    let (space, events) = match change {
        Journaled::Identifier(space, hash, images) => {
            (space, identifier::derive(*hash, images.old.as_deref(), images.new.as_deref())?)
        }
        Journaled::Profile(space, images) => (space, profile::derive(images.old.as_deref(), images.new.as_deref())),
        Journaled::Job(space, images) => (space, job::derive_head(images.old.as_deref(), images.new.as_deref())?),
        Journaled::JobEvent(space, of, version, images) => {
            (space, job::derive_stored(*of, *version, images.old.as_deref(), images.new.as_deref())?)
        }
        Journaled::Segment(space, images) => {
            (space, segment::derive(images.old.as_deref(), images.new.as_deref(), at)?)
        }
        Journaled::Token(images) => {
            let Some(token) = &images.new else { return Ok(None) };
            (&token.space_id, token::derive(images.old.as_deref(), images.new.as_deref()))
        }
        Journaled::Space(space, images) => (space, space::derive(images.old.as_deref(), images.new.as_deref(), at)?),
    };
    Ok(Some((space.clone(), events)))
}
