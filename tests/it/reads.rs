//! Reading profiles and deletion records: pages, filters, errors.

use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use efface_api::{App, event::EventSource};
use efface_core::role::Role;
use efface_tests::{
    Req, TestApp, Via,
    app::{self, SPACE},
    store::TABLE,
};
use serde_json::{Value, json};

async fn get(app: &TestApp, what: &str) -> Value {
    let reply = app.send(Req::read(SPACE, "user_id", "u", what)).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.body
}

#[tokio::test]
async fn external_ids_have_the_documented_shape() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u", "email:e@x"]).await;
    let body = get(&app, "external_ids").await;
    assert_eq!(
        body["data"][0],
        json!({
            "source_id": null, "collection": "users", "id": "e@x", "type": "email",
            "created_at": body["data"][0]["created_at"], "encoding": "none", "first_message_id": null
        })
    );
    assert!(body["data"][0]["created_at"].as_str().unwrap().ends_with('Z'));
    let url = "/v1/spaces/spa_demo/collections/users/profiles/user_id:u/external_ids";
    assert_eq!(body["cursor"], json!({ "url": url, "has_more": false, "next": "" }));
    let verbose = get(&app, "external_ids?verbose=true").await;
    assert!(verbose["data"][0]["segment_id"].as_str().unwrap().starts_with("use_"));
}

#[tokio::test]
async fn pages_add_up_and_none_is_empty() {
    let app = TestApp::start().await;
    let ids: Vec<String> = (0..7).map(|i| format!("anonymous_id:{i}")).chain(["user_id:u".to_owned()]).collect();
    app.profile(&ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut seen = Vec::new();
    let mut next = String::new();
    loop {
        let page = get(&app, &format!("external_ids?limit=2&next={next}")).await;
        let data = page["data"].as_array().unwrap();
        assert!(!data.is_empty());
        seen.extend(data.iter().map(|entry| entry["id"].as_str().unwrap().to_owned()));
        if page["cursor"]["has_more"] == json!(false) {
            assert_eq!(page["cursor"]["next"], "");
            break;
        }
        page["cursor"]["next"].as_str().unwrap().clone_into(&mut next);
    }
    seen.sort();
    assert_eq!(seen, ["0", "1", "2", "3", "4", "5", "6", "u"]);
    let some = get(&app, "external_ids?include=user_id,email").await;
    assert_eq!(some["data"].as_array().unwrap().len(), 1);
    for id in ["2", "3", "4", "5", "6"] {
        assert_eq!(app.delete("u", &format!("anonymous_id:{id}")).await.status, 200);
    }
    let first = get(&app, "external_ids?limit=3").await;
    assert_eq!(first["cursor"]["has_more"], false, "deleted identifiers leave no empty page");
}

#[tokio::test]
async fn traits_keep_every_number_and_page_by_name() {
    let app = TestApp::start().await;
    let mut line = app::profile_line(SPACE, &["user_id:u"]).to_string();
    line.truncate(line.len() - 1);
    line.push_str(r#","traits":{"b":12345678901234567890123,"a":{"x":[1.50,null]},"c":1e400,"d":"é"}}"#);
    let Ok(Some(efface_core::load::LoadLine::Profile(profile))) = efface_core::load::parse_line(&line) else {
        panic!("a profile")
    };
    let space = app.db.store.space(&profile.space_id).await.unwrap().unwrap();
    let key = app::master().space_key(&profile.space_id);
    let loader = efface_engine::load::Loader::new(app.db.store.clone(), app::log_key());
    loader.load(&space, &key, &profile, app.clock.peek()).await.unwrap();

    let event =
        Req::read(SPACE, "user_id", "u", "traits?limit=3").token(app.token(Role::WorkspaceOwner)).event(Via::Rest);
    let response = app.app.handle(serde_json::from_value(event).unwrap()).await;
    let text = response["body"].as_str().unwrap();
    assert!(text.starts_with(r#"{"traits":{"a":{"x":[1.50,null]},"b":12345678901234567890123,"c":1e400},"#), "{text}");
    let cursor: Value = serde_json::from_str(&text[text.find(r#""cursor":"#).unwrap() + 9..text.len() - 1]).unwrap();
    assert_eq!(cursor["has_more"], true);
    let next = cursor["next"].as_str().unwrap();
    let last = get(&app, &format!("traits?limit=3&next={next}")).await;
    assert_eq!((&last["traits"], &last["cursor"]["has_more"]), (&json!({ "d": "é" }), &json!(false)));
    let verbose = get(&app, "traits?include=d&verbose=true").await;
    assert_eq!(
        verbose["traits"]["d"],
        json!({ "value": "é", "source_id": null, "updated_at": "2026-01-01T00:00:00.000Z" })
    );
}

#[tokio::test]
async fn unknown_metadata_is_null() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u"]).await;
    let metadata = get(&app, "metadata").await;
    let created = metadata["metadata"]["created_at"].as_str().unwrap();
    assert!(created.starts_with("2026-06-01T12:00:") && created.ends_with('Z'), "{created}");
    assert_eq!(metadata["metadata"]["expires_at"], json!(null));
}

#[tokio::test]
async fn a_profile_is_found_by_any_identifier_and_by_its_id() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u", "email:e@x"]).await;
    let body = get(&app, "external_ids?verbose=true").await;
    let id = body["data"][0]["segment_id"].as_str().unwrap().to_owned();
    for (id_type, value) in [("email", "e@x"), ("segment_id", id.as_str())] {
        assert_eq!(app.send(Req::read(SPACE, id_type, value, "traits")).await.status, 200, "{id_type}");
    }
    for (id_type, value) in [
        ("email", "nobody"),
        ("shoe_size", "7"),
        ("segment_id", "use_junk"),
        ("segment_id", "use_00000000000000000000000000000000"),
        ("Email", "e@x"),
    ] {
        let reply = app.send(Req::read(SPACE, id_type, value, "traits")).await;
        assert_eq!(reply.line(), "404 not_found Profile was not found.", "{id_type}");
    }
    app.delete("u", "email:e@x").await;
    assert_eq!(
        app.send(Req::read(SPACE, "email", "e@x", "traits")).await.status,
        404,
        "a deleted identifier finds no profile"
    );
}

/// Gives the only profile 10,000 more edges, to identifiers of one type.
async fn add_edges(app: &TestApp) {
    let dump = app.db.dump().await;
    let (profile, _) = dump.keys().find(|(pk, sk)| pk.starts_with("P#") && sk == "H").unwrap();
    let (key, id_type) = (app::master().space_key(&SPACE.parse().unwrap()), "anonymous_id".parse().unwrap());
    for batch in 0..400 {
        let put = |n: usize| {
            let edge = format!("E#anonymous_id#{}", key.identifier(&id_type, &format!("{batch}-{n}")));
            let item =
                [("pk", profile), ("sk", &edge)].map(|(name, text)| (name.to_owned(), AttributeValue::S(text.clone())));
            let put = PutRequest::builder().set_item(Some(item.into())).build().unwrap();
            WriteRequest::builder().put_request(put).build()
        };
        let writes = app.db.client.batch_write_item().request_items(TABLE, (0..25).map(put).collect());
        assert!(writes.send().await.unwrap().unprocessed_items.is_none_or(|left| left.is_empty()));
    }
}

/// A profile of 10,000 identifiers, of which some types have few.
#[tokio::test]
async fn types_are_looked_for_by_their_keys() {
    let app = TestApp::start_patient().await;
    let few = (0..5).flat_map(|i| [format!("user_id:u{i}"), format!("ios.id:{i}")]);
    let few: Vec<String> = few.chain(["user_id:u".to_owned()]).collect();
    app.profile(&few.iter().map(String::as_str).collect::<Vec<_>>()).await;
    add_edges(&app).await;
    let get = async |query: &str| {
        let body = get(&app, &format!("external_ids?{query}")).await;
        let data = body["data"].as_array().unwrap();
        let ids: Vec<String> = data.iter().map(|id| format!("{}:{}", id["type"], id["id"]).replace('"', "")).collect();
        (ids, body["cursor"]["next"].as_str().unwrap().to_owned())
    };
    get("include=email").await;
    app.db.proxy.take();
    let (mut ids, next) = get("include=user_id,email,shoe_size,ios.id&limit=100").await;
    ids.sort();
    assert_eq!((ids.len(), ids[0].as_str(), ids[10].as_str(), next.as_str()), (11, "ios.id:0", "user_id:u4", ""));
    let requests = app.db.proxy.take().len();
    assert!(requests <= 7, "lookup, head, three types and two of identifiers, not {requests}");

    // Page by page, also where the types change on the way: the list goes on after the place where it ended.
    let (first, next) = get("include=user_id,ios.id&limit=4").await;
    let (second, next) = get(&format!("include=user_id,ios.id&limit=4&next={next}")).await;
    let (third, last) = get(&format!("include=user_id,ios.id&limit=4&next={next}")).await;
    assert_eq!([first.len(), second.len(), third.len(), last.len()], [4, 4, 3, 0]);
    let mut paged = [first, second, third].concat();
    assert!(paged.is_sorted_by_key(|id| id.split(':').next().unwrap().to_owned()), "by type");
    paged.sort();
    assert_eq!(paged, ids);
    let (rest, _) = get(&format!("include=anonymous_id,user_id&limit=100&next={next}")).await;
    assert_eq!(rest.len(), 3, "nothing before the cursor: {rest:?}");
    assert_eq!(get(&format!("include=anonymous_id&next={next}")).await, (Vec::new(), String::new()));
}

/// A list whose time has ended returns what it has, and a cursor that goes on behind all that was looked at.
#[tokio::test]
async fn a_list_ends_when_its_time_does() {
    let app = TestApp::start().await;
    let members = ["a", "b", "c"].map(|name| format!("anonymous_id:{name}"));
    app.profile(&["user_id:u", "email:e@x"]).await;
    for member in &members {
        let mut line = app::profile_line(SPACE, &[member]);
        line["merged_into"] = json!({ "type": "user_id", "id": "u" });
        app.try_load(&line).await.unwrap();
    }
    let hasty = App::new(app.db.store.clone(), app.queue.queue(), app::keys(), app.clock.clock(), EventSource::Rest)
        .with_list_time(Duration::ZERO);
    let mut seen = Vec::new();
    let mut next = String::new();
    loop {
        let list = Req::read(SPACE, "user_id", "u", &format!("external_ids?next={next}"));
        let page = app::send(&hasty, &list.token(app.token(Role::WorkspaceOwner)), Via::Rest).await.body;
        let data = page["data"].as_array().unwrap();
        assert!(!data.is_empty() || page["cursor"]["has_more"] == json!(false), "{page}");
        seen.push(data.len());
        if page["cursor"]["has_more"] == json!(false) {
            break;
        }
        page["cursor"]["next"].as_str().unwrap().clone_into(&mut next);
    }
    assert_eq!(seen, [2, 1, 1, 1], "a member at a time");
}

/// As `docs/api.md` orders them: the query before the profile.
#[tokio::test]
async fn a_bad_cursor_comes_before_an_unknown_profile() {
    let app = TestApp::start().await;
    let edge = efface_core::list::encode_cursor(&json!({ "profile": format!("use_{:032}", 0), "edge": "H" }));
    for what in ["external_ids?next=junk", "traits?next=junk", &format!("external_ids?next={edge}")] {
        let reply = app.send(Req::read(SPACE, "user_id", "nobody", what)).await;
        assert!(reply.line().starts_with("400 bad_request The query parameter `next` is not one"), "{what}");
    }
}

#[tokio::test]
async fn bad_queries_are_rejected() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u"]).await;
    app.profile(&["user_id:other", "email:o@x", "email:o2@x"]).await;
    let own = app.send(Req::read(SPACE, "user_id", "u", "external_ids?verbose=true")).await;
    let profile = own.body["data"][0]["segment_id"].as_str().unwrap().to_owned();
    let forged = |edge: &str| {
        let cursor =
            efface_aws::store::profile::IdentifierCursor { profile: profile.parse().unwrap(), edge: edge.to_owned() };
        format!("external_ids?next={}", efface_core::list::encode_cursor(&cursor))
    };
    let other = app.send(Req::read(SPACE, "user_id", "other", "external_ids?limit=1")).await;
    let foreign = other.body["cursor"]["next"].as_str().unwrap().to_owned();
    for what in [
        "external_ids?limit=0",
        "external_ids?limit=101",
        "external_ids?limit=x",
        "external_ids?next=junk",
        &forged(""),
        &forged("H"),
        &forged("E#email#short"),
        &forged(&"E#".repeat(1_000)),
        &format!("external_ids?next={foreign}"),
        "external_ids?limit=1&limit=2",
        "external_ids?colour=red",
        "traits?next=%00",
        "traits?verbose=perhaps",
        "metadata?limit=1",
        "metadata?verbose=true",
    ] {
        let reply = app.send(Req::read(SPACE, "user_id", "u", what)).await;
        assert_eq!((reply.status, &reply.body["error"]["code"]), (400, &json!("bad_request")), "{what}");
    }
    let reply = app.send(Req::get("/v1/spaces/spa_demo/collections/accounts/profiles/user_id:u/traits")).await;
    assert_eq!(reply.line(), "400 bad_request Invalid collection: `accounts`.");
}

#[tokio::test]
async fn only_deleted_identifiers_have_a_record() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u", "email:e@x"]).await;
    for (id_type, value) in [("email", "e@x"), ("email", "nobody"), ("shoe_size", "7")] {
        let reply = app.send(Req::deletion(SPACE, id_type, value)).await;
        assert_eq!(reply.line(), "404 not_found Deletion was not found.");
    }
    let bad = app.send(Req::get("/v1/spaces/spa_demo/deletions/email")).await;
    assert_eq!(bad.line(), "400 bad_request Missing required parameters in URL.");
}
