//! The events of tokens: made and revoked. They follow from the item under the token's hash; the list of the space's tokens
//! has the same again.

use super::{
    super::{Details, Event, EventKind, Facts, Noun, Ordinal},
    fresh,
};
use crate::{time::Time, token_record::TokenRecord};

/// Each happens once, in this order.
const CREATED: Ordinal = Ordinal::fixed(1);
const REVOKED: Ordinal = Ordinal::fixed(2);

/// The ordinal of an event of a token: what its leaf does not tell. `None` for the kinds of other nouns.
pub fn ordinal(kind: &EventKind) -> Option<Ordinal> {
    match kind {
        EventKind::TokenCreated => Some(CREATED),
        EventKind::TokenRevoked => Some(REVOKED),
        _ => None,
    }
}

/// What a change of a token's item tells: that the token was made or revoked.
pub fn derive(old: Option<&TokenRecord>, new: Option<&TokenRecord>) -> Vec<Event> {
    let before = old.map(of_item).unwrap_or_default();
    fresh(&before, new.map(of_item).unwrap_or_default())
}

/// What a token's item tells. Its label is people's text and stays out, and its last use is no event.
pub fn of_item(token: &TokenRecord) -> Vec<Event> {
    let created = event(token, CREATED, EventKind::TokenCreated, token.created_at);
    let revoked = token.revoked_at.map(|at| event(token, REVOKED, EventKind::TokenRevoked, at));
    [created].into_iter().chain(revoked).collect()
}

fn event(token: &TokenRecord, ordinal: Ordinal, kind: EventKind, at: Time) -> Event {
    let TokenRecord { token_id, hash, role, expires_at, .. } = token.clone();
    let facts = Facts { token_id: Some(token_id.clone()), ..Facts::default() };
    let details = Details { token_hash: Some(hash), role: Some(role), expires_at, ..Details::default() };
    Event { facts, details, ..Event::new(Noun::Token(token_id), ordinal, kind, at) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        deletion::tests::at,
        journal::samples::{told, told_as},
        role::Role,
        token::Token,
    };

    fn token(revoked_at: Option<i64>) -> TokenRecord {
        let json = serde_json::json!({
            "token_id": "tok_1", "hash": Token::from_random([1; 32]).hash(), "space_id": "spa_demo", "role": "auditor",
            "created_at": at(1), "expires_at": null, "revoked_at": revoked_at.map(at), "label": "Ada's", "last_used_at": at(7),
        });
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn the_item_says_which_space_it_is_of() {
        assert_eq!(token(None).space_id.as_str(), "spa_demo");
    }

    #[test]
    fn what_a_change_tells() {
        let [created, revoked] = [("1#token.created", 1), ("2#token.revoked", 9)];
        for (old, new, expected) in [
            (None, None, &[][..]),
            (Some(token(None)), None, &[]),
            (None, Some(token(None)), &[created]),
            (Some(token(None)), Some(token(None)), &[]),
            (Some(token(None)), Some(token(Some(9))), &[revoked]),
            (Some(token(Some(9))), Some(token(Some(9))), &[]),
            // A table that was restored gets it as it is.
            (None, Some(token(Some(9))), &[created, revoked]),
        ] {
            let events = derive(old.as_ref(), new.as_ref());
            assert_eq!(told(&events), told_as(expected), "{old:?} {new:?}");
            for Event { facts, details, .. } in events {
                assert_eq!(facts.token_id.unwrap().as_str(), "tok_1");
                assert_eq!((details.token_hash, details.role), (Some(token(None).hash), Some(Role::Auditor)));
            }
        }
    }
}
