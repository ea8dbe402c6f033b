//! Who may ask: tokens in every form, and in none; roles; what a wrong token tells.

use base64::{Engine, engine::general_purpose::STANDARD};
use efface_api::{door::FrontDoor, route::Endpoint};
use efface_core::{role::Role, space::SpaceId, token::Token};
use efface_tests::{Door, Req, TestApp, app, app::SPACE};

const INVALID: &str = "401 unauthorized The specified token is invalid.";

#[tokio::test]
async fn one_token_in_four_forms() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u"]).await;
    let token = app.token(Role::WorkspaceOwner);
    for header in [
        format!("Basic {}", STANDARD.encode(format!("{token}:"))),
        format!("TD1 {token}"),
        format!("Bearer {token}"),
        token.to_owned(),
    ] {
        let reply = app.send_raw(&Req::read(SPACE, "user_id", "u", "metadata").header("Authorization", header)).await;
        assert_eq!(reply.status, 200);
    }
}

#[tokio::test]
async fn junk_is_refused_without_a_request_to_the_store() {
    let app = TestApp::start().await;
    let token = app.token(Role::WorkspaceOwner);
    let mut swapped = token.to_owned();
    swapped.replace_range(10..11, if &token[10..11] == "A" { "B" } else { "A" });
    let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
    for header in [
        String::new(),
        "Basic".into(),
        "junk".into(),
        basic("junk:"),
        basic(token),
        basic(&format!("{token}:password")),
        format!("Digest {token}"),
        swapped,
        "x".repeat(8_000),
        "Basic \u{7f}\u{e9}".into(),
    ] {
        let request = Req::read(SPACE, "user_id", "u", "traits").header("Authorization", header);
        assert_eq!(app.send_raw(&request).await.line(), INVALID);
    }
    assert_eq!(app.send_raw(&Req::read(SPACE, "user_id", "u", "traits")).await.line(), INVALID);
    let twice = Req::read(SPACE, "user_id", "u", "traits").token(token).token(token);
    assert_eq!(app.send_raw(&twice).await.line(), INVALID, "two tokens are none");
    assert_eq!(app.db.wire.take().len(), 0);
}

/// An unknown token, another space's token and an unknown space are one answer, to the letter.
#[tokio::test]
async fn a_wrong_token_tells_nothing() {
    let app = TestApp::start().await;
    app.space("spa_other", serde_json::json!({})).await;
    let other = app.new_token("spa_other", Role::WorkspaceOwner).await;
    let unknown = Token::from_random([1; 32]);
    let mine = app.token(Role::WorkspaceOwner);
    let mut bodies = Vec::new();
    for (space, token) in [
        (SPACE, other.as_str()),
        (SPACE, unknown.expose()),
        ("spa_other", mine),
        ("spa_nowhere", mine),
        ("not%20a%20space", mine),
        ("%ff", mine),
    ] {
        let reply = app.send_raw(&Req::read(space, "user_id", "u", "traits").token(token)).await;
        assert_eq!(reply.line(), INVALID, "{space}");
        bodies.push(reply.body);
    }
    assert!(bodies.windows(2).all(|two| two[0] == two[1]));
}

#[tokio::test]
async fn a_revoked_token_stops_within_a_minute() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u"]).await;
    let space = SpaceId::parse(SPACE).unwrap();
    let (token, record) = app.db.store.create_token(&space, Role::ProfileReader, app.clock.peek(), None).await.unwrap();
    let read = Req::read(SPACE, "user_id", "u", "metadata").token(token.expose());
    assert_eq!(app.send_raw(&read).await.status, 200);

    let revoked = app.db.store.revoke_token(&space, &record.token_id, app.clock.peek()).await.unwrap().unwrap();
    let again = app.db.store.revoke_token(&space, &record.token_id, app.clock.peek()).await.unwrap().unwrap();
    assert_eq!(revoked.revoked_at, again.revoked_at, "revoking twice keeps the first time");
    app.clock.advance(60_000);
    assert_eq!(app.send_raw(&read).await.line(), INVALID);
    let stranger = app.another(FrontDoor::Rest);
    let fresh = app::send(&stranger, &read, Door::Rest).await;
    assert_eq!(fresh.line(), INVALID, "an instance that did not know it refuses it at once");
    assert!(app.db.store.revoke_token(&space, "tok_unknown", app.clock.peek()).await.unwrap().is_none());
}

#[tokio::test]
async fn an_expired_token_stops_at_its_time() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u"]).await;
    let space = SpaceId::parse(SPACE).unwrap();
    let expires = app.clock.peek().plus_seconds(10);
    let (token, _) =
        app.db.store.create_token(&space, Role::ProfileReader, app.clock.peek(), Some(expires)).await.unwrap();
    let read = Req::read(SPACE, "user_id", "u", "metadata").token(token.expose());
    assert_eq!(app.send_raw(&read).await.status, 200);
    app.clock.advance(10_000);
    assert_eq!(app.send_raw(&read).await.line(), INVALID, "though it is remembered");
}

/// Every endpoint against every role, and without a token: no route is forgotten, because the list is the routes'.
#[tokio::test]
async fn every_endpoint_asks_for_its_permission() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u", "email:e@x"]).await;
    for endpoint in Endpoint::ALL {
        let Some(permission) = endpoint.permission() else {
            assert_eq!(endpoint, Endpoint::Health, "only health is open");
            continue;
        };
        let request = match endpoint {
            Endpoint::DeleteIdentifier => Req::delete(SPACE, "u", "email", "nobody"),
            Endpoint::ReadDeletion => Req::deletion(SPACE, "email", "nobody"),
            Endpoint::ListExternalIds => Req::read(SPACE, "user_id", "u", "external_ids"),
            Endpoint::ListTraits => Req::read(SPACE, "user_id", "u", "traits"),
            Endpoint::ReadMetadata => Req::read(SPACE, "user_id", "u", "metadata"),
            Endpoint::Health => Req::get("/health"),
        };
        assert_eq!(app.send_raw(&request).await.line(), INVALID, "{endpoint:?}");
        for role in Role::ALL {
            let reply = app.send_raw(&request.clone().token(app.token(role))).await;
            let refused = format!("403 forbidden The token's role may not {}.", permission.as_words());
            assert_eq!(reply.line() == refused, !role.may(permission), "{endpoint:?} {role}: {}", reply.line());
        }
    }
}
