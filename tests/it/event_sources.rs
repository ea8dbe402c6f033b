//! Front doors: the same request has the same result through each, and the HTTP API is refused.

use efface_api::event::{EventSource, HttpEvent};
use efface_core::role::Role;
use efface_tests::{Reply, Req, TestApp, Via, app, app::SPACE};
use serde_json::Value;

const DOORS: [(EventSource, Via); 4] = [
    (EventSource::Rest, Via::Rest),
    (EventSource::FunctionUrl, Via::FunctionUrl),
    (EventSource::Watch, Via::Watch),
    (EventSource::Decoding, Via::Decoding),
];

/// Identifiers that a path can get wrong.
const VALUES: [&str; 14] = [
    "plain",
    "a:b",
    "a/b",
    "a?b=c",
    "a#b",
    "100%",
    "%2F",
    "a+b c",
    "\"quoted\"",
    "🦀 שלום\u{202e}",
    "nul\0nul",
    "x/external_ids/delete",
    "x/external_ids/delete?",
    "..",
];

#[tokio::test]
async fn the_same_request_has_the_same_result() {
    let app = TestApp::start().await;
    let token = app.token(Role::WorkspaceOwner).to_owned();
    for (front_door, door) in DOORS {
        let instance = app.another(front_door);
        for (i, value) in VALUES.iter().enumerate() {
            let user = format!("{value}{i}{front_door:?}");
            app.profile(&[&format!("user_id:{user}"), &format!("email:{user}")]).await;
            let send = async |request: Req| app::send(&instance, &request.token(&token), door).await;
            let deleted = send(Req::delete(SPACE, &user, "email", &user)).await;
            assert_eq!(deleted.line(), "200 success", "{front_door:?} {value:?}");
            let record = send(Req::deletion(SPACE, "email", &user)).await;
            assert_eq!(record.status, 200, "{front_door:?} {value:?}");
            let listed = send(Req::read(SPACE, "user_id", &user, "external_ids?limit=5")).await;
            assert_eq!(listed.body["data"][0]["id"], user.as_str(), "{front_door:?} {value:?}");
        }
        let request = Req::delete(SPACE, "nobody", "email", "e@x").key("one-key-for-all-doors");
        assert_eq!(app::send(&instance, &request.token(&token), door).await.status, 404, "{front_door:?}: no conflict");
        let answer = instance.handle(serde_json::from_value(Req::get("/health").event(door)).unwrap()).await;
        let mut fields: Vec<&str> = answer.as_object().unwrap().keys().map(String::as_str).collect();
        fields.sort_unstable();
        let plain = ["body", "headers", "isBase64Encoded", "statusCode"];
        let with_cookies = ["body", "cookies", "headers", "isBase64Encoded", "statusCode"];
        let is_v2 = matches!(door, Via::FunctionUrl | Via::Watch);
        assert_eq!(fields, if is_v2 { &with_cookies[..] } else { &plain[..] }, "{front_door:?}");
        let unknown = app::send(&instance, &Req::get("/nowhere"), door).await;
        assert_eq!(unknown.line(), "404 not_found There is nothing at this path.");
    }
}

/// An HTTP API would turn the second request into one for the profile `x`.
#[tokio::test]
async fn the_http_api_is_refused_with_the_reason() {
    let app = TestApp::start().await;
    app.profile(&["user_id:x", "email:e@x"]).await;
    let token = app.token(Role::WorkspaceOwner).to_owned();
    for (front_door, _) in DOORS {
        let instance = app.another(front_door);
        for door in [Via::HttpApi, Via::HttpApiV1] {
            for user in ["x", "x/external_ids/delete?"] {
                let request = Req::delete(SPACE, user, "email", "e@x").token(&token);
                let reply = app::send(&instance, &request, door).await;
                assert_eq!((reply.status, &reply.body["error"]["code"]), (400, &"bad_request".into()));
                let message = reply.body["error"]["message"].as_str().unwrap();
                assert!(message.contains("HTTP API") && message.contains("decodes paths"), "{message}");
            }
        }
    }
    assert_eq!(app.external_ids("user_id:x").await.len(), 2);
}

#[tokio::test]
async fn events_of_another_door_are_refused() {
    let app = TestApp::start().await;
    for (front_door, own) in DOORS {
        let instance = app.another(front_door);
        for door in [Via::Rest, Via::FunctionUrl, Via::Watch, Via::Decoding, Via::LoadBalancer] {
            let same_format = matches!((own, door), (Via::Rest | Via::Decoding, Via::Rest | Via::Decoding))
                || matches!((own, door), (Via::Watch, Via::FunctionUrl));
            let status = app::send(&instance, &Req::get("/health"), door).await.status;
            assert_eq!(status, if own == door || same_format { 200 } else { 400 }, "{front_door:?} {door:?}");
        }
    }
}

/// Events that are no HTTP requests at all: an answer, not a crash.
#[tokio::test]
async fn junk_events_are_answered() {
    let app = TestApp::start().await;
    for event in ["{}", r#"{"Records":[]}"#, r#"{"httpMethod":"GET","path":null,"requestContext":{}}"#] {
        let event: HttpEvent = serde_json::from_str(event).unwrap();
        let reply = Reply::of(&app.app.handle(event).await);
        assert!(matches!(reply.status, 400 | 404));
    }
    let bad_base64: Value = serde_json::json!({
        "httpMethod": "POST", "path": "/health", "body": "%%%", "isBase64Encoded": true, "requestContext": {}
    });
    let event: HttpEvent = serde_json::from_value(bad_base64).unwrap();
    assert_eq!(Reply::of(&app.app.handle(event).await).status, 400);
}

/// Events as they were recorded: from `cargo lambda watch` and from the emulator's REST API, one request each.
#[tokio::test]
async fn recorded_events_have_the_same_result() {
    let user = "user_id:a/b?c#d%e+f+g \"\0😀ש//h%2Fi:j";
    for (front_door, name) in [(EventSource::Watch, "watch"), (EventSource::Decoding, "ministack_rest")] {
        let app = TestApp::start().await;
        let instance = app.another(front_door);
        let replay = async |what: &str| {
            let event = recorded(&format!("{name}_{what}"), app.token(Role::WorkspaceOwner));
            Reply::of(&instance.handle(serde_json::from_value(event).unwrap()).await)
        };
        app.profile(&["user_id:user_001", "email:example@gmail.com"]).await;
        assert_eq!(replay("delete").await.line(), "200 success", "{name}");
        assert_eq!(replay("delete").await.line(), "404 eid_not_found External identifier not found.", "{name}");
        let mut line = app::profile_line(SPACE, &[user, "email:example@gmail.com"]);
        line["timestamp"] = "2026-07-01T00:00:00Z".into();
        app.try_load(&line).await.unwrap();
        assert_eq!(replay("delete_hostile").await.line(), "200 success", "{name}");
        assert_eq!(app.external_ids(user).await, [user], "{name}");
        let query = replay("read_query").await;
        assert_eq!(query.body["error"]["code"], "bad_request", "{name}: a parameter twice");
        assert_eq!(replay("bytes").await.status, 415, "{name}");
    }
}

/// A recorded event with a token of this test.
fn recorded(name: &str, token: &str) -> Value {
    let path = format!("{}/events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let mut event: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    event["headers"]["authorization"] = token.into();
    if event["multiValueHeaders"].is_object() {
        event["multiValueHeaders"]["authorization"] = serde_json::json!([token]);
    }
    event
}
