//! Event sources: the same request has the same result from each, and events of HTTP APIs are rejected.

use std::collections::BTreeMap;

use efface_api::event::{EventSource, HttpEvent};
use efface_core::role::Role;
use efface_tests::{Reply, Req, TestApp, Via, app, app::SPACE};
use serde_json::{Value, json};

const SOURCES: [(EventSource, Via); 4] = [
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
    for (source, via) in SOURCES {
        let instance = app.another(source);
        for (i, value) in VALUES.iter().enumerate() {
            let user = format!("{value}{i}{source:?}");
            app.profile(&[&format!("user_id:{user}"), &format!("email:{user}")]).await;
            let send = async |request: Req| app::send(&instance, &request.token(&token), via).await;
            let deleted = send(Req::delete(SPACE, &user, "email", &user)).await;
            assert_eq!(deleted.line(), "200 success", "{source:?} {value:?}");
            let record = send(Req::deletion(SPACE, "email", &user)).await;
            assert_eq!(record.status, 200, "{source:?} {value:?}");
            let listed = send(Req::read(SPACE, "user_id", &user, "external_ids?limit=5")).await;
            assert_eq!(listed.body["data"][0]["id"], user.as_str(), "{source:?} {value:?}");
        }
        let request = Req::delete(SPACE, "nobody", "email", "e@x").key("one-key-for-all-sources");
        assert_eq!(app::send(&instance, &request.token(&token), via).await.status, 404, "{source:?}: no conflict");
        let response = instance.handle(serde_json::from_value(Req::get("/health").event(via)).unwrap()).await;
        let mut fields: Vec<&str> = response.as_object().unwrap().keys().map(String::as_str).collect();
        fields.sort_unstable();
        let plain = ["body", "headers", "isBase64Encoded", "statusCode"];
        let with_cookies = ["body", "cookies", "headers", "isBase64Encoded", "statusCode"];
        let is_v2 = matches!(via, Via::FunctionUrl | Via::Watch);
        assert_eq!(fields, if is_v2 { &with_cookies[..] } else { &plain[..] }, "{source:?}");
        let unknown = app::send(&instance, &Req::get("/nowhere"), via).await;
        assert_eq!(unknown.line(), "404 not_found There is nothing at this path.");
    }
}

/// An HTTP API would turn the second request into one for the profile `x`.
#[tokio::test]
async fn http_apis_are_rejected_with_the_reason() {
    let app = TestApp::start().await;
    app.profile(&["user_id:x", "email:e@x"]).await;
    let token = app.token(Role::WorkspaceOwner).to_owned();
    for (source, _) in SOURCES {
        let instance = app.another(source);
        for via in [Via::HttpApi, Via::HttpApiV1] {
            for user in ["x", "x/external_ids/delete?"] {
                let request = Req::delete(SPACE, user, "email", "e@x").token(&token);
                let reply = app::send(&instance, &request, via).await;
                assert_eq!((reply.status, &reply.body["error"]["code"]), (400, &"bad_request".into()));
                let message = reply.body["error"]["message"].as_str().unwrap();
                assert!(message.contains("HTTP API") && message.contains("decodes paths"), "{message}");
            }
        }
    }
    assert_eq!(app.external_ids("user_id:x").await.len(), 2);
}

#[tokio::test]
async fn events_of_another_source_are_rejected() {
    let app = TestApp::start().await;
    for (source, own) in SOURCES {
        let instance = app.another(source);
        for via in [Via::Rest, Via::FunctionUrl, Via::Watch, Via::Decoding, Via::LoadBalancer] {
            let same_format = matches!((own, via), (Via::Rest | Via::Decoding, Via::Rest | Via::Decoding))
                || matches!((own, via), (Via::Watch, Via::FunctionUrl));
            let status = app::send(&instance, &Req::get("/health"), via).await.status;
            assert_eq!(status, if own == via || same_format { 200 } else { 400 }, "{source:?} {via:?}");
        }
    }
}

/// Function URLs join repeated headers with commas, REST APIs list them.
#[tokio::test]
async fn a_header_that_is_sent_twice_is_rejected() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u", "email:e@x"]).await;
    let token = app.token(Role::WorkspaceOwner).to_owned();
    let delete = || Req::delete(SPACE, "u", "email", "nobody").token(&token);
    let twice = "400 bad_request The header `idempotency-key` must be sent once. Through a function URL it must also have \
                 no comma, because repeated headers arrive with commas between them.";
    let none = "404 eid_not_found External identifier not found.";
    let page = Req::post("/internal/bulk-delete-internal", &json!([])).token(&token);
    for (source, via) in SOURCES {
        let instance = app.another(source);
        let line = async |request: Req| app::send(&instance, &request, via).await.line();
        for keys in [["a", "b"], ["a", "a"], ["a", ""]] {
            assert_eq!(line(delete().key(keys[0]).key(keys[1])).await, twice, "{source:?}");
        }
        assert_eq!(line(delete().key("a b")).await.split(' ').next(), Some("400"), "{source:?}");
        let is_joined = via == Via::FunctionUrl;
        assert_eq!(line(delete().key("a,b")).await, if is_joined { twice } else { none }, "{source:?}");
        assert_eq!(
            line(delete().token(&token)).await,
            "401 unauthorized The specified token is invalid.",
            "{source:?}"
        );
        let types = delete().header("Content-Type", "application/json; charset=utf-8");
        assert_eq!(app::send(&instance, &types, via).await.status, 415, "{source:?}");
        let group = page.clone().header("x-deletion-group", "a").header("x-deletion-group", "b");
        assert_eq!(app::send(&instance, &group, via).await.status, 400, "{source:?}");
    }
}

/// `Accept` is a list, and may be sent in parts.
#[tokio::test]
async fn a_list_of_media_types_may_be_sent_in_parts() {
    let app = TestApp::start().await;
    app.leave_messages();
    let job = app.job(json!({ "action": "delete_profile", "rows": ["user_id:nobody"] })).await;
    let list = Req::get(format!("/v1/spaces/{SPACE}/deletion_jobs/{job}/outcomes"));
    let list = list.header("Accept", "text/html").header("Accept", "text/csv;q=1").token(app.token(Role::Auditor));
    for (source, via) in SOURCES {
        let reply = app::send(&app.another(source), &list, via).await;
        assert_eq!(reply.headers["content-type"], "text/csv; charset=utf-8", "{source:?}");
    }
}

/// Methods that no endpoint has, and paths with a slash at their end.
#[tokio::test]
async fn head_options_and_trailing_slashes() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u", "email:e@x", "email:e@x/"]).await;
    let token = app.token(Role::WorkspaceOwner).to_owned();
    let jobs = format!("/v1/spaces/{SPACE}/deletion_jobs");
    let profile = format!("/v1/spaces/{SPACE}/collections/users/profiles/user_id:u");
    for (source, via) in SOURCES {
        let instance = app.another(source);
        let send = async |method: &str, path: &str| {
            app::send(&instance, &Req::get(path).method(method).token(&token), via).await
        };
        for (path, allow) in [("/health", "GET"), (&jobs, "GET, POST"), (&profile, "DELETE")] {
            let head = send("HEAD", path).await;
            assert_eq!((head.status, head.headers["allow"].as_str()), (405, allow), "{source:?} {path}");
            assert_eq!(head.body, Value::from(""), "{source:?} {path}: the response to HEAD has no body");
            let options = send("OPTIONS", path).await;
            let line = format!("405 method_not_allowed This path answers {allow} only.");
            assert_eq!((options.line(), options.headers["allow"].as_str()), (line, allow), "{source:?} {path}");
            let is_cors = options.headers.keys().any(|name| name.starts_with("access-control-"));
            assert!(!is_cors, "{source:?} {path}: pages of other sites may send nothing");
        }
        assert_eq!(send("HEAD", "/nowhere").await.body, Value::from(""), "{source:?}");
        for path in
            ["/health/", &format!("{profile}/traits/"), &format!("{jobs}/job_0/rows/"), &format!("{jobs}/job_0/")]
        {
            assert_eq!(
                send("GET", path).await.line(),
                "404 not_found There is nothing at this path.",
                "{source:?} {path}"
            );
        }
        assert_eq!(send("GET", &format!("{jobs}/")).await.line(), "404 not_found Job was not found.", "{source:?}");
        let record = send("GET", &format!("/v1/spaces/{SPACE}/deletions/email:e@x/")).await;
        assert_eq!(
            record.line(),
            "404 not_found Deletion was not found.",
            "{source:?}: the slash is part of the value"
        );
        let deleted = send("DELETE", &format!("{profile}/")).await;
        assert_eq!(deleted.line(), "404 not_found Profile was not found.", "{source:?}: there is no profile `u/`");
    }
    assert_eq!(app.external_ids("user_id:u").await.len(), 3);
}

/// A page of another site can send a POST without a declared type unasked, with a token that the browser remembers.
#[tokio::test]
async fn a_page_must_declare_that_it_sends_json() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u"]).await;
    let token = app.token(Role::WorkspaceOwner).to_owned();
    let jobs = format!("/v1/spaces/{SPACE}/deletion_jobs");
    let body = json!({ "action": "delete_profile", "rows": [], "open": true });
    let posts = [
        Req::delete(SPACE, "u", "email", "nobody"),
        Req::post(&jobs, &body),
        Req::post(format!("{jobs}/{}/rows", app.job(body.clone()).await), &json!({ "page": 1, "rows": [] })),
        Req::post(format!("{jobs}/{}/pause", app.job(body.clone()).await), &json!({})),
        Req::post("/internal/bulk-delete-internal", &json!([])).header("x-reactor-instance-name", "demo"),
    ];
    for (source, via) in SOURCES {
        let instance = app.another(source);
        for post in &posts {
            let declared = post.clone().token(&token);
            let mut silent = declared.clone();
            silent.headers.retain(|(name, _)| name != "Content-Type");
            let status = async |request: Req| app::send(&instance, &request, via).await.status;
            let expected = status(declared.clone()).await;
            assert_eq!(status(silent.clone()).await, expected, "{source:?} {}: no page sent it", post.target);
            for (name, value) in [("Origin", "null"), ("Origin", "https://x.example"), ("Sec-Fetch-Site", "cross-site")]
            {
                assert_eq!(status(silent.clone().header(name, value)).await, 415, "{source:?} {}", post.target);
                assert_eq!(status(declared.clone().header(name, value)).await, expected, "{source:?} {}", post.target);
            }
        }
        let health = app::send(&instance, &Req::get("/health"), via).await;
        assert_eq!(health.headers["x-content-type-options"], "nosniff", "{source:?}");
    }
    app.queue.take();
}

/// Events that are no HTTP requests have a response, and do not crash the function.
#[tokio::test]
async fn other_events_have_a_response() {
    let app = TestApp::start().await;
    for event in ["{}", r#"{"Records":[]}"#, r#"{"httpMethod":"GET","path":null,"requestContext":{}}"#] {
        let event: HttpEvent = serde_json::from_str(event).unwrap();
        let reply = Reply::of(&app.app.handle(event).await);
        assert!(matches!(reply.status, 400 | 404));
    }
    let bad_base64: Value = json!({
        "httpMethod": "POST", "path": "/health", "body": "%%%", "isBase64Encoded": true, "requestContext": {}
    });
    let event: HttpEvent = serde_json::from_value(bad_base64).unwrap();
    assert_eq!(Reply::of(&app.app.handle(event).await).status, 400);
}

/// Events that were recorded from `cargo lambda watch` and from the emulator's REST API.
#[tokio::test]
async fn recorded_events_have_the_same_result() {
    let user = "user_id:a/b?c#d%e+f+g \"\0😀ש//h%2Fi:j";
    for (source, name) in [(EventSource::Watch, "watch"), (EventSource::Decoding, "ministack_rest")] {
        let app = TestApp::start().await;
        let instance = app.another(source);
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

/// The events that `cargo local` and these tests build are read as those that were recorded of the same requests.
#[test]
fn built_events_are_read_as_recorded_ones() {
    for what in ["delete", "delete_hostile", "read_query", "bytes"] {
        let (watch, rest) = (recording(&format!("watch_{what}")), recording(&format!("ministack_rest_{what}")));
        // The event of `cargo lambda watch` has path and query as they were sent.
        let [path, query] = ["rawPath", "rawQueryString"].map(|field| watch[field].as_str().unwrap_or_default());
        let target = format!("{path}?{query}");
        for (source, via, event) in
            [(EventSource::Watch, Via::Watch, watch), (EventSource::Decoding, Via::Decoding, rest)]
        {
            let headers: Vec<(String, String)> =
                serde_json::from_value::<BTreeMap<_, _>>(event["headers"].clone()).unwrap().into_iter().collect();
            let expected = open(source, event, &headers);
            let request = Req { method: expected.0.clone(), target: target.clone(), headers, body: expected.3.clone() };
            assert_eq!(open(source, request.event(via), &request.headers), expected, "{what} {via:?}");
        }
    }
}

/// What the function reads of an event: method, path, sorted query, body and these headers.
type Opened = (String, String, Vec<(String, String)>, Vec<u8>, Vec<String>);

fn open(source: EventSource, event: Value, headers: &[(String, String)]) -> Opened {
    let request = serde_json::from_value::<HttpEvent>(event).unwrap().open(source).unwrap();
    let value = |name: &String| request.header(name.clone().leak()).unwrap().unwrap().to_owned();
    let headers = headers.iter().map(|(name, _)| value(name)).collect();
    let mut query = request.query;
    query.sort();
    (request.method, request.path, query, request.body, headers)
}

fn recording(name: &str) -> Value {
    let path = format!("{}/events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A recorded event with a token of this test.
pub(crate) fn recorded(name: &str, token: &str) -> Value {
    let mut event = recording(name);
    event["headers"]["authorization"] = token.into();
    if event["multiValueHeaders"].is_object() {
        event["multiValueHeaders"]["authorization"] = json!([token]);
    }
    event
}
