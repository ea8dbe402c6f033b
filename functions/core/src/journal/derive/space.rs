//! The events of spaces: made, and each change of the settings by its version.

use super::super::{Event, EventError, EventKind, Facts, Noun, Ordinal};
use crate::{space::Space, time::Time};

/// A space is made once. Its first version may be the first change of one that was made before there were versions: so its
/// making has an ordinal of its own.
const CREATED: Ordinal = Ordinal::fixed(0);

/// The first version that is surely a change.
const CHANGED: i64 = 2;

/// What a change of a space's item tells: that the space was made, or that its settings changed. `at` is when the stream
/// recorded it, for an item that does not say when it was changed.
pub fn derive(old: Option<&Space>, new: Option<&Space>, at: Time) -> Result<Vec<Event>, EventError> {
    Ok(match (old, new) {
        (None, Some(new)) => vec![created(new)],
        (Some(old), Some(new)) if (old.version, old.changed_at) != (new.version, new.changed_at) => {
            // A writer of an earlier version leaves what the version before bore.
            let is_left = old.changed_at == new.changed_at;
            let left = || Space { changed_at: None, changed_by: None, ..new.clone() };
            vec![if is_left { changed(&left(), at)? } else { changed(new, at)? }]
        }
        _ => Vec::new(),
    })
}

/// What a space's item tells: that it was made, and its last change.
pub fn of_item(space: &Space, at: Time) -> Result<Vec<Event>, EventError> {
    let last = (space.version >= CHANGED).then(|| changed(space, at)).transpose()?;
    Ok([created(space)].into_iter().chain(last).collect())
}

fn created(space: &Space) -> Event {
    Event::new(Noun::Space, CREATED, EventKind::SpaceCreated, space.created_at)
}

fn changed(space: &Space, at: Time) -> Result<Event, EventError> {
    let (version, time) = (Ordinal::try_from(space.version)?, space.changed_at.unwrap_or(at));
    let facts = Facts { token_id: space.changed_by.clone(), ..Facts::default() };
    Ok(Event { facts, ..Event::new(Noun::Space, version, EventKind::SpaceChanged, time) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        deletion::tests::at,
        journal::samples::{told, told_as},
    };

    fn space(version: i64) -> Space {
        Space { version, changed_at: None, ..Space::new(at(1)) }
    }

    fn dated(second: i64, version: i64) -> Space {
        Space { changed_at: Some(at(second)), ..space(version) }
    }

    #[test]
    fn what_a_change_tells() {
        for (old, new, expected) in [
            (None, None, &[][..]),
            (Some(space(1)), None, &[]),
            (None, Some(space(1)), &[("0#space.created", 1)]),
            (Some(space(1)), Some(space(1)), &[]),
            (Some(space(1)), Some(space(2)), &[("2#space.changed", 500)]),
            (Some(space(1)), Some(dated(90, 2)), &[("2#space.changed", 90)]),
            (Some(dated(90, 2)), Some(dated(95, 2)), &[("2#space.changed", 95)]),
            (Some(dated(90, 2)), Some(dated(90, 3)), &[("3#space.changed", 500)]),
            // Of before there were versions.
            (Some(space(0)), Some(space(1)), &[("1#space.changed", 500)]),
        ] {
            let events = derive(old.as_ref(), new.as_ref(), at(500)).unwrap();
            assert_eq!(told(&events), told_as(expected), "{old:?} {new:?}");
        }
        assert!(derive(Some(&space(1)), Some(&space(-1)), at(500)).is_err());
    }

    #[test]
    fn a_change_says_by_whom() {
        let changed = Space { changed_by: Some("tok_1".parse().unwrap()), ..dated(90, 2) };
        let by = |old: &Space, new: &Space| derive(Some(old), Some(new), at(500)).unwrap()[0].facts.token_id.clone();
        assert_eq!(by(&space(1), &changed), changed.changed_by);
        assert_eq!(by(&changed, &Space { version: 3, ..changed.clone() }), None);
    }

    #[test]
    fn what_an_item_tells() {
        for (version, expected) in [
            (0, &[("0#space.created", 1)][..]),
            (1, &[("0#space.created", 1)]),
            (2, &[("0#space.created", 1), ("2#space.changed", 500)]),
        ] {
            assert_eq!(told(&of_item(&space(version), at(500)).unwrap()), told_as(expected), "{version}");
        }
    }
}
