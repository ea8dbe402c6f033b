//! Authentication and authorisation: the forms of tokens, wrong tokens, roles, and what endpoints declare.

use base64::{Engine, engine::general_purpose::STANDARD};
use efface_api::{
    BodyRule, ENDPOINTS, Endpoint, PermissionRule,
    endpoint::{Method, Spec},
    event::EventSource,
};
use efface_core::{
    role::{Permission, Role},
    space::SpaceId,
    token::Token,
};
use efface_tests::{Reply, Req, TestApp, Via, app, app::SPACE};
use futures::{StreamExt, stream};
use serde_json::{Value, json};

use crate::dataset;

const INVALID: &str = "401 unauthorized The specified token is invalid.";

#[tokio::test]
async fn one_token_in_every_form() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u"]).await;
    let token = app.token(Role::WorkspaceOwner);
    let basic = |text: String| format!("Basic {}", STANDARD.encode(text));
    for header in [
        basic(format!("{token}:")),
        basic(format!("{token}:a password")),
        basic(format!("tok_0123456789abcdef:{token}")),
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
        basic(&format!("user:{token}")),
        basic("tok_0123456789abcdef:password"),
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
    assert_eq!(app.db.proxy.take().len(), 0);
}

/// An unknown token, another space's token and an unknown space have the same response.
#[tokio::test]
async fn a_wrong_token_tells_nothing() {
    let app = TestApp::start().await;
    app.space("spa_other", json!({})).await;
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

    let revoked = app.db.store.revoke_token(&space, record.token_id.as_str(), app.clock.peek()).await.unwrap().unwrap();
    let again = app.db.store.revoke_token(&space, record.token_id.as_str(), app.clock.peek()).await.unwrap().unwrap();
    assert_eq!(revoked.revoked_at, again.revoked_at, "revoking twice keeps the first time");
    app.clock.advance(60_000);
    assert_eq!(app.send_raw(&read).await.line(), INVALID);
    let stranger = app.another(EventSource::Rest);
    let fresh = app::send(&stranger, &read, Via::Rest).await;
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

/// Who created a job may read and control it. Others control the jobs that their role may create.
#[tokio::test]
async fn a_job_is_its_makers() {
    let app = TestApp::start().await;
    app.leave_messages();
    let rows = json!([{ "user_id": "u", "type": "email", "id": "e" }]);
    let body = json!({ "action": "delete_identifier", "rows": rows, "open": true });
    let create = |action: &str| {
        let mut body = body.clone();
        body["action"] = action.into();
        Req::post(format!("/v1/spaces/{SPACE}/deletion_jobs"), &body)
    };
    let as_role = |request: &Req, role| request.clone().token(app.token(role));
    let own = app.send_raw(&as_role(&create("delete_identifier"), Role::IdentityAdmin)).await;
    let path = format!("/v1/spaces/{SPACE}/deletion_jobs/{}", own.body["job"]["id"].as_str().unwrap());
    for (role, read, control) in [
        (Role::IdentityAdmin, 200, 202),
        (Role::UnifyEngageAdmin, 200, 202),
        (Role::WorkspaceOwner, 200, 202),
        (Role::PrivacyAdmin, 200, 403),
        (Role::Auditor, 200, 403),
        (Role::ProfileReader, 403, 403),
        (Role::Administrator, 403, 403),
    ] {
        assert_eq!(app.send_raw(&as_role(&Req::get(&path), role)).await.status, read, "{role}");
        let start = Req::post(format!("{path}/start"), &json!({}));
        assert_eq!(app.send_raw(&as_role(&start, role)).await.status, control, "{role}");
    }
    for (role, identifiers, profiles) in
        [(Role::IdentityAdmin, 202, 403), (Role::PrivacyAdmin, 403, 202), (Role::Auditor, 403, 403)]
    {
        assert_eq!(app.send_raw(&as_role(&create("delete_identifier"), role)).await.status, identifiers, "{role}");
        assert_eq!(app.send_raw(&as_role(&create("delete_profile"), role)).await.status, profiles, "{role}");
    }
}

/// What a role needs for the request that [`request_of`] sends to an endpoint.
fn needed(rule: PermissionRule) -> Option<Permission> {
    match rule {
        PermissionRule::Open | PermissionRule::AnyToken => None,
        PermissionRule::Fixed(permission) => Some(permission),
        PermissionRule::OfAction | PermissionRule::OfJob { control: true } => Some(Permission::DeleteProfiles),
        PermissionRule::OfJobs | PermissionRule::OfJob { control: false } => Some(Permission::ReadJobs),
    }
}

/// A valid request to an endpoint. Jobs delete profiles.
fn request_of(spec: &Spec, job: &str, body: &Value) -> Req {
    let path = spec.path.replace("{space_id}", SPACE).replace("{dataset}", SPACE).replace("{user}", "u");
    let path = path.replace("{collection}", "users").replace("{job_id}", job).replace("{segment_id}", "seg");
    match spec.id {
        "delete_identifier" => Req::delete(SPACE, "u", "email", "nobody"),
        "get_deletion" => Req::deletion(SPACE, "email", "nobody"),
        "get_receipt" => Req::get(path.replace("{identifier}", "email:nobody")),
        "get_log_tile" => Req::get(path.replace("{tile}", "0/000")),
        "delete_profile" => Req::delete_profile(SPACE, "user_id", "nobody"),
        "plan_profile" => Req::post(path.replace("{profile}", "user_id:u"), &json!({})),
        "bulk_delete" => Req::post(path, &json!([])),
        "create_job" => Req::post(path, body),
        "delete_users" => dataset::form("name\nnobody\n"),
        "add_rows" => Req::post(path, &json!({ "page": 1, "rows": [] })),
        "create_segment" => Req::post(path, &json!({ "id": "seg", "name": "Seg", "kind": "manual_segment" })),
        "rename_segment" => Req::post(path, &json!({ "name": "Seg" })).method("PATCH"),
        "delete_segment" => Req::get(path).method("DELETE"),
        "add_members" | "remove_members" => Req::post(path, &json!({ "rows": [] })),
        _ if spec.method == Method::Get => Req::get(path.replace("{profile}", "user_id:u")),
        _ => Req::post(path, &json!({})),
    }
}

/// Every endpoint against every role, and without a token. No endpoint is forgotten, because the list is the router's.
#[tokio::test]
async fn every_endpoint_is_authorised_as_it_declares() {
    let app = TestApp::start().await;
    app.leave_messages();
    app.profile(&["user_id:u", "email:e@x"]).await;
    let body = json!({ "action": "delete_profile", "rows": ["user_id:nobody"] });
    let job = app.job(body.clone()).await;
    for Endpoint { spec, .. } in &ENDPOINTS {
        let request = request_of(spec, &job, &body);
        if spec.permission == PermissionRule::AnyToken {
            assert_eq!(spec.id, "get_token", "only this one is for every role");
            assert_eq!(app.send_raw(&request).await.line(), INVALID);
            for role in Role::ALL {
                assert_eq!(app.send_raw(&request.clone().token(app.token(role))).await.status, 200, "{role}");
            }
            continue;
        }
        let Some(permission) = needed(spec.permission) else {
            assert_eq!(spec.id, "get_health", "only this one is open");
            assert_eq!(app.send_raw(&request).await.status, 200);
            continue;
        };
        assert_eq!(app.send_raw(&request).await.line(), INVALID, "{}", spec.id);
        for role in Role::ALL {
            let reply = app.send_raw(&request.clone().token(app.token(role))).await;
            let rejected = format!("403 forbidden The token's role may not {}.", permission.as_words());
            assert_eq!(reply.line() == rejected, !role.may(permission), "{} {role}: {}", spec.id, reply.line());
        }
    }
}

/// The declaration also says what deletes: where deletions are switched off or the source is detached, it is rejected
/// after the role is known, and before any effect.
#[tokio::test]
async fn every_endpoint_that_deletes_looks_at_activation_and_source() {
    let app = TestApp::start().await;
    app.leave_messages();
    let body = json!({ "action": "delete_profile", "rows": ["user_id:nobody"] });
    let job = app.job(body.clone()).await;
    let segment = json!({ "id": "seg", "name": "Seg", "kind": "manual_segment" });
    assert_eq!(app.send(Req::post(format!("/v1/spaces/{SPACE}/segments"), &segment)).await.status, 201);
    for (change, rejected) in [
        (
            json!({ "activated": false, "source": "detached" }),
            "403 forbidden Deleted identifier not activated for space_id `spa_demo`.",
        ),
        (json!({ "activated": true }), "404 source_id_not_found No source attached to space_id `spa_demo`."),
    ] {
        app.space(SPACE, change).await;
        app.clock.advance(60_000);
        let before = app.db.dump().await;
        for Endpoint { spec, .. } in ENDPOINTS.iter().filter(|endpoint| endpoint.spec.deletes) {
            let request = request_of(spec, &job, &body);
            let reader = app.send_raw(&request.clone().token(app.token(Role::ProfileReader))).await;
            assert_eq!(reply_code(&reader), "forbidden", "{}", spec.id);
            assert!(reader.line().contains("role"), "{}: the role is decided first", spec.id);
            assert_eq!(app.send(request).await.line(), rejected, "{}", spec.id);
        }
        assert_eq!(app.db.dump().await, before, "nothing was changed");
        for Endpoint { spec, .. } in ENDPOINTS.iter().filter(|endpoint| !endpoint.spec.deletes) {
            let line = app.send(request_of(spec, &job, &body)).await.line();
            assert_ne!(line, rejected, "{}", spec.id);
        }
    }
}

fn reply_code(reply: &Reply) -> &str {
    reply.body["error"]["code"].as_str().unwrap_or_default()
}

/// Bodies are checked by the declaration, after the token and before anything else, an empty space included.
#[tokio::test]
async fn every_endpoint_checks_the_body_as_it_declares() {
    let app = TestApp::start().await;
    app.leave_messages();
    let job = app.job(json!({ "action": "delete_profile", "rows": ["user_id:nobody"] })).await;
    for Endpoint { spec, .. } in &ENDPOINTS {
        let BodyRule::Checked(limits) = spec.body else { continue };
        for space in [SPACE, ""] {
            let path = spec.path.replace("{space_id}", space).replace("{dataset}", space).replace("{job_id}", &job);
            let path = path.replace("{collection}", "users").replace("{profile}", "user_id:u");
            let request = Req::post(path, &Value::Null).method(spec.method.as_str());
            let large = Req { body: vec![b' '; limits.most + 1], ..request.clone() };
            let other = Req { headers: vec![], ..request }.header("Content-Type", "image/png");
            assert_eq!(app.send_raw(&large).await.status, 401, "{}", spec.id);
            let reader = app.token(Role::ProfileReader);
            assert_eq!(app.send_raw(&large.token(reader)).await.status, 413, "{}", spec.id);
            assert_eq!(app.send_raw(&other.token(reader)).await.status, 415, "{}", spec.id);
        }
    }
}

/// One token more than an instance remembers makes it forget some, not all.
#[tokio::test]
async fn one_token_too_many_does_not_evict_all() {
    let app = TestApp::start().await;
    app.clock.step(0);
    app.space(SPACE, json!({ "reads_per_second": 100_000 })).await;
    let tokens: Vec<String> =
        stream::iter(0..1_025).map(|_| app.new_token(SPACE, Role::ProfileReader)).buffered(16).collect().await;
    let reads = async |tokens: &[String]| {
        app.db.proxy.take();
        for token in tokens {
            let reply = app.send_raw(&Req::read(SPACE, "user_id", "nobody", "traits").token(token)).await;
            assert_eq!(reply.status, 404);
        }
        app.db.proxy.take().iter().filter(|passed| passed.operation == "BatchGetItem").count()
    };
    assert_eq!(reads(&tokens).await, 1_025, "each token is read once");
    let again = reads(&tokens).await;
    assert!(again < 256, "{again} of 1,025 tokens were forgotten");
}
