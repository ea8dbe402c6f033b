//! The HTTP contract of deleting one identifier: each error of its table, their order, and the errors that any route
//! can give. `docs/api.md` holds the table.

use std::io::Write as _;

use efface_core::role::Role;
use efface_tests::{Req, TestApp, app::SPACE, events::encode};
use serde_json::{Value, json};

const BASE: &str = "/v1/spaces/spa_demo/collections";

/// The body of a valid deletion.
fn body() -> Value {
    json!({ "delete_external_ids": [{ "id": "e@x", "type": "email" }] })
}

/// An app with the profile that [`body`] deletes from.
async fn app() -> TestApp {
    let app = TestApp::start().await;
    app.profile(&["user_id:u", "email:e@x"]).await;
    app
}

/// Sends a request as the workspace owner and asserts its status, code and message.
async fn check(app: &TestApp, request: Req, expected: &str) {
    let shown = format!("{} {}", request.method, request.target);
    let reply = app.send(request).await;
    assert_eq!(reply.line(), expected, "{shown}");
    assert_eq!(reply.headers["content-type"], "application/json");
    assert_eq!(reply.headers["request-id"].len(), 36);
}

#[tokio::test]
async fn urls_with_a_missing_part() {
    let app = app().await;
    for path in [
        "/v1/spaces//collections/users/profiles/user_id:u/external_ids/delete".to_owned(),
        format!("{BASE}//profiles/user_id:u/external_ids/delete"),
        format!("{BASE}/users/profiles//external_ids/delete"),
        format!("{BASE}/users/profiles/user_id/external_ids/delete"),
        format!("{BASE}/users/profiles/user_id:/external_ids/delete"),
        format!("{BASE}/users/profiles/:u/external_ids/delete"),
    ] {
        check(&app, Req::post(path, &body()), "400 bad_request Missing required parameters in URL.").await;
    }
}

#[tokio::test]
async fn invalid_urls() {
    let app = app().await;
    let delete = |collection: &str, selector: &str| {
        Req::post(format!("{BASE}/{collection}/profiles/{selector}/external_ids/delete"), &json!("not even an object"))
    };
    check(
        &app,
        delete("users", "user_id:%zz"),
        "400 bad_request The URL has a `%` that two hexadecimal digits do not follow; send a literal percent sign as \
         `%25`.",
    )
    .await;
    check(
        &app,
        delete("users", "user_id:%ff"),
        "400 bad_request The URL is not valid UTF-8 once it is percent-decoded.",
    )
    .await;
    check(
        &app,
        delete("users", &format!("user_id:{}", "x".repeat(2_049))),
        "400 bad_request The id value in the URL must be at most 2048 bytes of UTF-8.",
    )
    .await;
    check(&app, delete("accounts", "user_id:u"), "400 bad_request Invalid collection: `accounts`.").await;
    check(
        &app,
        delete("users", "email:e@x"),
        "400 bad_request Invalid URL: valid `user_id` is required. Unsupported `email`.",
    )
    .await;
    let long = "t".repeat(70);
    check(
        &app,
        delete("users", &format!("{long}:u")),
        &format!("400 bad_request Invalid URL: valid `user_id` is required. Unsupported `{}`.", &long[..64]),
    )
    .await;
}

#[tokio::test]
async fn invalid_bodies() {
    let app = app().await;
    let path = format!("{BASE}/users/profiles/user_id:u/external_ids/delete");
    let id = |id: &str, id_type: &str| json!({ "delete_external_ids": [{ "id": id, "type": id_type }] });
    for (body, expected) in [
        (json!([]), "400 bad_request The request body: expected an object."),
        (json!({}), "400 bad_request The request body: missing field `delete_external_ids`."),
        (
            json!({ "delete_external_ids": [], "x": 1 }),
            "400 bad_request The request body at `x`: unknown field `x`, expected `delete_external_ids`.",
        ),
        (
            json!({ "delete_external_ids": [["e@x", "email"]] }),
            "400 bad_request The request body at `delete_external_ids[0]`: expected an object.",
        ),
        (id("", "email"), "400 bad_request `delete_external_ids[0].id`: an identifier value must not be empty."),
        (
            id(&"x".repeat(2_049), "email"),
            "400 bad_request `delete_external_ids[0].id`: an identifier value must be at most 2,048 bytes of UTF-8, \
             this one has 2049.",
        ),
        (json!({ "delete_external_ids": [] }), "400 bad_request Only one external_id can be deleted at a time."),
        (
            json!({ "delete_external_ids": [{ "id": "a", "type": "email" }, { "id": "b", "type": "email" }] }),
            "400 bad_request Only one external_id can be deleted at a time.",
        ),
        (id("g", "group_id"), "400 unsupported_eid_type Unsupported external id type."),
        (id("s", "shoe_size"), "400 unsupported_eid_type Unsupported external id type."),
        (id("u", "user_id"), "400 bad_request External id specification must differ from lookup id."),
    ] {
        check(&app, Req::post(path.clone(), &body), expected).await;
    }
    let raw = |text: &str| Req { body: text.as_bytes().to_vec(), ..Req::post(path.clone(), &json!(null)) };
    for (text, expected) in [
        ("", "400 bad_request The request body is not valid JSON (line 1, column 0)."),
        ("\u{feff}{}", "400 bad_request The request body: missing field `delete_external_ids`."),
        (
            r#"{"delete_external_ids":[{"id":"e@x","id":"f","type":"email"}]}"#,
            "400 bad_request The request body at `delete_external_ids[0]`: duplicate field `id`.",
        ),
    ] {
        check(&app, raw(text), expected).await;
    }
    let deep = raw(&"[".repeat(16_000));
    assert_eq!(app.send(deep).await.status, 400);
    let binary = Req { body: vec![0xff, 0xfe, 0x00], ..raw("") };
    assert_eq!(app.send(binary).await.status, 400);
}

#[tokio::test]
async fn sizes_and_media_types() {
    let app = app().await;
    let path = format!("{BASE}/users/profiles/user_id:u/external_ids/delete");
    let large = Req::post(path.clone(), &json!("x".repeat(16 * 1_024)));
    let large = Req { headers: vec![], ..large };
    check(&app, large.clone(), "413 payload_too_large The request body must be at most 16384 bytes.").await;
    check(
        &app,
        large.header("Content-Type", "text/plain"),
        "413 payload_too_large The request body must be at most 16384 bytes.",
    )
    .await;
    let plain = |headers: &[(&str, &str)]| {
        let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Req { headers, ..Req::post(path.clone(), &body()) }
    };
    let unsupported = "415 unsupported_media_type The request body must be sent as application/json.";
    check(&app, plain(&[("Content-Type", "application/x-www-form-urlencoded")]), unsupported).await;
    check(&app, plain(&[("Content-Encoding", "gzip")]), unsupported).await;
    check(&app, plain(&[("content-type", "Application/JSON; charset=utf-8")]), "200 success").await;
    check(&app, plain(&[]), "404 eid_not_found External identifier not found.").await;
}

/// An empty space is a 400 of the table, so 413 and 415 are decided before it.
#[tokio::test]
async fn an_empty_space_is_decided_after_size_and_media_type() {
    let app = app().await;
    let path = "/v1/spaces//collections/users/profiles/user_id:u/external_ids/delete";
    let large = Req::post(path, &json!("x".repeat(16 * 1_024)));
    assert_eq!(app.send(large).await.status, 413);
    let text = Req { headers: vec![], ..Req::post(path, &body()) }.header("Content-Type", "text/plain");
    assert_eq!(app.send(text).await.status, 415);
    assert_eq!(app.send_raw(&Req::post(path, &body())).await.headers["www-authenticate"], "Basic realm=\"efface\"");
}

#[tokio::test]
async fn roles_activation_and_source() {
    let app = app().await;
    for (role, allowed) in [
        (Role::PrivacyAdmin, false),
        (Role::Administrator, false),
        (Role::ProfileReader, false),
        (Role::Auditor, false),
        (Role::UnifyEngageAdmin, true),
        (Role::IdentityAdmin, true),
        (Role::WorkspaceOwner, true),
    ] {
        let reply = app.send_raw(&Req::delete(SPACE, "u", "email", "nobody").token(app.token(role))).await;
        let expected = if allowed {
            "404 eid_not_found External identifier not found."
        } else {
            "403 forbidden The token's role may not delete identifiers."
        };
        assert_eq!(reply.line(), expected, "{role}");
    }
    app.space(SPACE, json!({ "activated": false, "source": "detached" })).await;
    app.clock.advance(60_000);
    check(
        &app,
        Req::delete(SPACE, "u", "email", "e@x"),
        "403 forbidden Deleted identifier not activated for space_id `spa_demo`.",
    )
    .await;
    app.space(SPACE, json!({ "activated": true })).await;
    app.clock.advance(60_000);
    check(
        &app,
        Req::delete(SPACE, "u", "email", "e@x"),
        "404 source_id_not_found No source attached to space_id `spa_demo`.",
    )
    .await;
    app.space(SPACE, json!({ "source": "attached" })).await;
    app.clock.advance(60_000);
    check(&app, Req::delete(SPACE, "u", "email", "e@x"), "200 success").await;
}

#[tokio::test]
async fn unknown_profiles_and_identifiers() {
    let app = app().await;
    check(&app, Req::delete(SPACE, "nobody", "email", "e@x"), "404 not_found The resource was not found.").await;
    check(&app, Req::delete(SPACE, "u", "email", "nobody"), "404 eid_not_found External identifier not found.").await;
    check(&app, Req::delete(SPACE, "u", "email", "e@x"), "200 success").await;
}

#[tokio::test]
async fn an_unknown_query_parameter() {
    let app = app().await;
    let mut request = Req::delete(SPACE, "u", "email", "e@x");
    request.target.push_str("?force=true");
    check(&app, request, "400 bad_request The query parameter `force` is not known here.").await;
}

/// Unknown routes and methods are decided before the token is checked.
#[tokio::test]
async fn routes_and_methods() {
    let app = app().await;
    for path in
        ["/", "/v1", "/v1/spaces/spa_demo", "/v2/x", "/health/", &format!("{BASE}/users/profiles/user_id:u/events")]
    {
        let reply = app.send_raw(&Req::get(path)).await;
        assert_eq!(reply.line(), "404 not_found There is nothing at this path.", "{path}");
    }
    let path = format!("{BASE}/users/profiles/user_id:u/external_ids/delete");
    for method in ["GET", "DELETE", "PUT", "PATCH", "HEAD", "OPTIONS", "TRACE"] {
        let reply = app.send_raw(&Req::get(path.clone()).method(method)).await;
        let line = "405 method_not_allowed This path answers POST only.";
        assert_eq!(reply.line(), if method == "HEAD" { "405 -" } else { line }, "{method}");
        assert_eq!(reply.headers["allow"], "POST");
    }
    let reply = app.send_raw(&Req::get(path.clone()).method("POST")).await;
    assert_eq!(reply.line(), "401 unauthorized The specified token is invalid.");
    let health = app.send_raw(&Req::get("/health")).await;
    assert_eq!((health.status, &health.body["status"]), (200, &json!("ok")));
}

/// What a client sends for a value with `?`, `#` or `/` that it has not encoded: the path ends there. Each response says so,
/// and nothing is deleted.
#[tokio::test]
async fn a_path_that_ends_within_a_value() {
    let app = app().await;
    let before = app.db.dump().await;
    let cut = "Percent-encode the value in the path: a `?`, `#` or `/` in it that is not encoded ends it.";
    let profiles = format!("{BASE}/users/profiles");
    let rest = "external_ids/delete";
    let post = |path: String| Req::post(path, &body());
    let not_allowed = format!("405 method_not_allowed This path answers DELETE only. {cut}");
    for request in [
        post(format!("{profiles}/user_id:u?x/{rest}")),
        post(format!("{profiles}/user_id:u")), // of `user_id:u#x/external_ids/delete`
        Req::get(format!("{profiles}/user_id:u?x/traits")),
    ] {
        let reply = app.send(request.clone()).await;
        assert_eq!((reply.line().as_str(), reply.headers["allow"].as_str()), (not_allowed.as_str(), "DELETE"));
    }
    let reply = app.send(Req::get(format!("{profiles}/user_id:u/v?x/traits"))).await;
    assert_eq!(reply.line(), format!("404 not_found There is nothing at this path. {cut}"));
    for request in [
        Req::get(format!("{profiles}/user_id:u?x%20y")).method("DELETE"),
        Req::get(format!("/v1/spaces/{SPACE}/deletions/user_id:u?x%20y")),
    ] {
        let cut = "Percent-encode the value in the path: a `?` in it that is not encoded ends it.";
        let line = format!("400 bad_request The query parameter `x y` is not known here. {cut}");
        assert_eq!(app.send(request.clone()).await.line(), line, "{}", request.target);
    }
    assert_eq!(app.db.dump().await, before, "nothing was deleted");
}

/// A request with every error gets the first one of the table; each step corrects one error and gets the next one.
#[tokio::test]
async fn errors_are_decided_in_the_order_of_the_table() {
    let app = app().await;
    app.space(SPACE, json!({ "activated": false, "source": "detached" })).await;
    let reader = app.token(Role::ProfileReader).to_owned();
    let owner = app.token(Role::WorkspaceOwner).to_owned();
    let two = json!({ "delete_external_ids": [{ "id": "a", "type": "x" }, { "id": "b", "type": "x" }] });
    let unknown = json!({ "delete_external_ids": [{ "id": "u", "type": "x" }] });
    let same = json!({ "delete_external_ids": [{ "id": "u", "type": "user_id" }] });
    let steps = [
        (None, "accounts", "email:u", json!(1), 401),
        (Some(&reader), "", "email:u", json!(1), 400),
        (Some(&reader), "accounts", "email:%zz", json!(1), 400),
        (Some(&reader), "accounts", "email:u", json!(1), 400),
        (Some(&reader), "users", "email:u", json!(1), 400),
        (Some(&reader), "users", "user_id:u", json!(1), 400),
        (Some(&reader), "users", "user_id:u", two, 400),
        (Some(&reader), "users", "user_id:u", unknown, 400),
        (Some(&reader), "users", "user_id:u", same, 400),
        (Some(&reader), "users", "user_id:u", body(), 403),
        (Some(&owner), "users", "user_id:u", body(), 403),
    ];
    let mut seen = Vec::new();
    for (token, collection, selector, body, status) in steps {
        let request = Req::post(format!("{BASE}/{collection}/profiles/{selector}/external_ids/delete"), &body);
        let request = token.map_or(request.clone(), |token| request.token(token));
        let reply = app.send_raw(&request).await;
        assert_eq!(reply.status, status, "{}", reply.line());
        assert!(!seen.contains(&reply.line()), "each step gives another error: {}", reply.line());
        seen.push(reply.line());
    }
}

fn gzip(text: &str) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(text.as_bytes()).unwrap();
    gzip.finish().unwrap()
}

/// No text of the client is quoted at length, wherever it stands: a small request cannot ask for a large response.
#[tokio::test]
async fn a_response_quotes_64_characters_at_most() {
    let app = app().await;
    let long = "\u{1}".repeat(2_000);
    let encoded = encode(&long);
    let path = format!("{BASE}/users/profiles/user_id:u/external_ids/delete");
    let jobs = "/v1/spaces/spa_demo/deletion_jobs";
    let page = |body: String| Req { body: gzip(&body), ..Req::post(jobs, &json!(null)) };
    let huge = "\\u0001".repeat(1 << 20);
    let rows = vec![json!({ "x": "y", "z": "w" }); 2_000];
    let requests = [
        Req::post(path.clone(), &json!({ long.clone(): 1 })),
        Req::post(path.clone(), &json!({ "delete_external_ids": [{ "id": "e", "type": "email", long.clone(): 1 }] })),
        Req::post(path.clone(), &json!({ "delete_external_ids": [{ "id": "e", "type": long }] })),
        Req::post(format!("{BASE}/{encoded}/profiles/user_id:u/external_ids/delete"), &body()),
        Req::post(format!("{BASE}/users/profiles/{encoded}:u/external_ids/delete"), &body()),
        Req::post(format!("{path}?{encoded}=1"), &body()),
        Req::post(path.clone(), &body()).key(&"k".repeat(3_000)),
        Req::read(SPACE, "user_id", "u", &format!("traits?{encoded}=1")),
        Req::read(SPACE, "user_id", "u", &format!("traits?limit={encoded}&next={encoded}")),
        Req::get(format!("{jobs}?state={encoded}")),
        Req::get(format!("{jobs}/{encoded}")),
        Req::get(format!("/{encoded}")).method(&long),
        page(format!(r#"{{"action":"delete_profile","rows":[],"{huge}":1}}"#)),
        page(format!(r#"{{"action":"{huge}","rows":[]}}"#)),
        page(format!(r#"{{"action":"delete_profile","group":"{huge}"}}"#)),
        page(format!(r#"{{"action":"delete_profile","rows":"{huge}"}}"#)),
        Req::post("/internal/bulk-delete-internal", &json!({ long.clone(): long })),
    ];
    for request in requests {
        assert!(request.body.len() < 30_000, "a small request");
        let shown = format!("{} {:.100}", request.method, request.target);
        let reply = app.send(request).await;
        assert!((400..500).contains(&reply.status), "{shown}: {}", reply.status);
        let message = reply.body["error"]["message"].as_str().unwrap();
        let longest = message.split(|c| c != '\u{1}' && c != 'k').map(str::len).max();
        assert!(longest <= Some(64) && message.len() < 500, "{shown}: {} bytes", message.len());
    }
    let rejected = app.create_job(json!({ "action": "delete_identifier", "rows": rows, "open": true })).await;
    assert_eq!((rejected.status, rejected.body["rejected"].as_array().unwrap().len()), (202, 1_000));
    assert!(rejected.body.to_string().len() < 1_000_000);
}

/// A page may have 32 MiB once inflated: who may not send it is told so before.
#[tokio::test]
async fn a_page_is_inflated_only_for_those_who_may_send_it() {
    let app = app().await;
    let job = app.job(json!({ "action": "delete_profile", "rows": [], "open": true })).await;
    let jobs = "/v1/spaces/spa_demo/deletion_jobs";
    let damaged = |path: &str| Req { body: vec![0x1f, 0x8b, 0], ..Req::post(path, &json!(null)) };
    let paths = ["/internal/bulk-delete-internal", jobs, &format!("{jobs}/{job}/rows")];
    for path in paths {
        for (role, status) in [(Role::Auditor, 403), (Role::ProfileReader, 403), (Role::PrivacyAdmin, 400)] {
            let reply = app.send_raw(&damaged(path).token(app.token(role))).await;
            assert_eq!(reply.status, status, "{path} {role}: {}", reply.line());
        }
    }
    let unknown = app.send(damaged(&format!("{jobs}/job_0/rows"))).await;
    assert_eq!(unknown.line(), "404 not_found Job was not found.");
    app.space(SPACE, json!({ "activated": false })).await;
    app.clock.advance(60_000);
    for path in paths {
        let reply = app.send(damaged(path)).await;
        assert_eq!(reply.line(), "403 forbidden Deleted identifier not activated for space_id `spa_demo`.", "{path}");
    }
}
