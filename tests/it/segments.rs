//! Segments over HTTP: made, listed, renamed, switched, given members, deleted.

use efface_core::{
    role::Role,
    segment::{Segment, SegmentState},
    space::SpaceId,
};
use efface_engine::load::{Loaded, Loader};
use efface_tests::{
    Reply, Req, TestApp,
    app::{SPACE, log_key, profile_line},
};
use serde_json::{Value, json};

pub(crate) fn path(rest: &str) -> String {
    format!("/v1/spaces/{SPACE}/segments{rest}")
}

pub(crate) async fn create(app: &TestApp, id: &str) -> Reply {
    let body = json!({ "id": id, "name": format!("Name of {id}"), "kind": "user_segment" });
    app.send(Req::post(path(""), &body)).await
}

pub(crate) async fn get(app: &TestApp, id: &str) -> Value {
    let reply = app.send(Req::get(path(&format!("/{id}?count=true")))).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.body["segment"].clone()
}

pub(crate) async fn post(app: &TestApp, rest: &str, body: &Value) -> Reply {
    app.send(Req::post(path(rest), body)).await
}

/// Loads a profile that a line makes a member of a segment.
pub(crate) async fn load_member(app: &TestApp, user: &str, segment: &str) -> Loaded {
    let mut line = profile_line(SPACE, &[&format!("user_id:{user}")]);
    line["segments"] = json!([segment]);
    app.try_load(&line).await.unwrap()
}

/// All members of a segment, by every page of the list.
pub(crate) async fn members(app: &TestApp, id: &str, limit: usize) -> Vec<String> {
    let (mut all, mut next) = (Vec::new(), String::new());
    loop {
        let reply = app.send(Req::get(path(&format!("/{id}/members?limit={limit}&next={next}")))).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        let page = reply.body["data"].as_array().unwrap();
        all.extend(page.iter().map(|id| id.as_str().unwrap().to_owned()));
        reply.body["cursor"]["next"].as_str().unwrap().clone_into(&mut next);
        if reply.body["cursor"]["has_more"] == json!(false) {
            return all;
        }
        assert_eq!(page.len(), limit, "no page but the last is short");
    }
}

#[tokio::test]
async fn a_segment_is_made_once() {
    let app = TestApp::start().await;
    let made = create(&app, "seg_vip").await;
    assert_eq!(made.status, 201, "{}", made.body);
    let segment = &made.body["segment"];
    assert_eq!(
        (&segment["name"], &segment["kind"], &segment["state"], &segment["job"], &segment["members"]),
        (&json!("Name of seg_vip"), &json!("user_segment"), &json!("enabled"), &Value::Null, &Value::Null)
    );
    assert_eq!(create(&app, "seg_vip").await.status, 200);
    for other in [
        json!({ "id": "seg_vip", "name": "Other", "kind": "user_segment" }),
        json!({ "id": "seg_vip", "name": "Name of seg_vip", "kind": "subscriber_list" }),
    ] {
        assert_eq!(post(&app, "", &other).await.body["error"]["code"], "segment_exists");
    }
    let unnamed = Req::post(path(""), &json!({ "name": "No id", "kind": "manual_segment" })).key("k");
    let (first, again) = (app.send(unnamed.clone()).await, app.send(unnamed).await);
    assert_eq!((first.status, again.status), (201, 200));
    assert_eq!(first.body["segment"]["id"], again.body["segment"]["id"], "a repeated request makes one");
    let rename = Req::post(path("/seg_vip"), &json!({ "name": "VIP" })).method("PATCH");
    assert_eq!(app.send(rename).await.body["segment"]["name"], "VIP");
    assert_eq!(get(&app, "seg_vip").await["name"], "VIP");
    for (bad, field) in [
        (json!({ "name": "x" }), "kind"),
        (json!({ "name": " x", "kind": "user_segment" }), "name"),
        (json!({ "id": "a b", "name": "x", "kind": "user_segment" }), "id"),
        (json!({ "name": "x", "kind": "list" }), "kind"),
        (json!({ "name": "x", "kind": "user_segment", "more": 1 }), "more"),
    ] {
        let reply = post(&app, "", &bad).await;
        assert_eq!(reply.status, 400);
        assert!(reply.line().contains(field), "{}", reply.line());
    }
    for missing in ["/other", "/a%20b", "/%23", "/other/members"] {
        assert_eq!(app.send(Req::get(path(missing))).await.line(), "404 not_found Segment was not found.", "{missing}");
    }
}

#[tokio::test]
async fn a_load_makes_the_segment_that_it_names() {
    let app = TestApp::start().await;
    for i in 0..3 {
        load_member(&app, &format!("u{i}"), "seg_loaded").await;
    }
    let segment = get(&app, "seg_loaded").await;
    assert_eq!(
        (&segment["name"], &segment["kind"], &segment["members"]),
        (&json!("seg_loaded"), &json!("manual_segment"), &json!(3))
    );
    assert!(segment["counted_at"].is_string());
    assert_eq!(members(&app, "seg_loaded", 2).await.len(), 3);
    assert_eq!(members(&app, "seg_loaded", 3).await.len(), 3);
}

#[tokio::test]
async fn segments_are_listed_page_by_page() {
    let app = TestApp::start().await;
    for i in 0..5 {
        create(&app, &format!("seg_{i}")).await;
    }
    assert_eq!(post(&app, "/seg_1/disable", &json!({})).await.body["segment"]["state"], "disabled");
    let list = async |query: &str| {
        let reply = app.send(Req::get(path(query))).await;
        let ids = reply.body["data"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned());
        (ids.collect::<Vec<_>>().join(" "), reply.body["cursor"]["next"].as_str().unwrap().to_owned())
    };
    let (first, next) = list("?limit=2").await;
    let (second, end) = list(&format!("?limit=2&next={next}")).await;
    assert_eq!((first.as_str(), second.as_str(), end.as_str()), ("seg_0 seg_2", "seg_3 seg_4", ""));
    assert_eq!(list("?show_disabled=true").await.0, "seg_0 seg_1 seg_2 seg_3 seg_4");
    for bad in ["?show_disabled=1", "?limit=0", "?next=x", "?more=1"] {
        assert_eq!(app.send(Req::get(path(bad))).await.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn members_join_and_leave() {
    let app = TestApp::start().await;
    create(&app, "seg").await;
    for i in 0..4 {
        app.profile(&[&format!("user_id:u{i}"), &format!("email:e{i}@x")]).await;
    }
    let rows = json!({ "rows": ["user_id:u0", "email:e0@x", "email:e1@x", "user_id:nobody", "junk", "use_00000000000000000000000000000000"] });
    let added = post(&app, "/seg/members", &rows).await;
    assert_eq!(added.status, 200, "{}", added.body);
    let counts = |reply: &Reply, names: [&str; 4]| {
        names.map(|name| reply.body[name].as_u64().unwrap_or_else(|| panic!("{}", reply.body)))
    };
    let names = ["added", "already", "not_found", "rejected_total"];
    assert_eq!(counts(&added, names), [2, 1, 2, 1]);
    assert_eq!((&added.body["rejected"][0]["row"], &added.body["profiles"][3]), (&json!(4), &Value::Null));
    assert_eq!(added.body["profiles"][0], added.body["profiles"][1]);
    assert_eq!(counts(&post(&app, "/seg/members", &rows).await, names), [0, 3, 2, 1]);
    let own = added.body["profiles"][0].as_str().unwrap();
    let own = post(&app, "/seg/members", &json!({ "rows": [own] })).await;
    assert_eq!(counts(&own, names), [0, 1, 0, 0], "a profile's own id is a row, too");
    let csv = Req { body: b"user_id:u2\nuser_id:u3\n".to_vec(), ..Req::post(path("/seg/members"), &json!({})) };
    let csv = Req { headers: vec![], ..csv }.header("Content-Type", "text/csv");
    assert_eq!(counts(&app.send(csv).await, names), [2, 0, 0, 0]);
    assert_eq!(get(&app, "seg").await["members"], 4);
    let rows = json!({ "rows": ["user_id:u2", "user_id:u2", "user_id:nobody", "email:e0@x"] });
    let removed = post(&app, "/seg/members/remove", &rows).await;
    assert_eq!(counts(&removed, ["removed", "absent", "not_found", "rejected_total"]), [2, 1, 1, 0]);
    assert_eq!(members(&app, "seg", 100).await.len(), 2);
    let many: Vec<String> = (0..1_001).map(|i| format!("user_id:x{i}")).collect();
    assert_eq!(post(&app, "/seg/members", &json!({ "rows": many })).await.status, 413);
    app.send(Req::delete_profile(SPACE, "user_id", "u3")).await;
    assert_eq!(get(&app, "seg").await["members"], 1, "a deleted profile leaves its segments");
}

#[tokio::test]
async fn rows_can_be_checked_before_anybody_joins_or_leaves() {
    let app = TestApp::start().await;
    create(&app, "seg_vip").await;
    load_member(&app, "u0", "seg_vip").await;
    app.profile(&["user_id:u1"]).await;
    let rows = json!({ "rows": ["user_id:u0", "user_id:u1", "emial:x", "junk"] });
    for (verb, counts) in [("", ["added", "already"]), ("/remove", ["removed", "absent"])] {
        let mut before = app.db.dump().await;
        let checked = post(&app, &format!("/seg_vip/members{verb}?check=true"), &rows).await;
        assert_eq!((checked.status, &checked.body["rejected_total"]), (200, &json!(2)), "{}", checked.body);
        let rejected: Vec<&Value> =
            checked.body["rejected"].as_array().unwrap().iter().map(|row| &row["row"]).collect();
        assert_eq!(rejected, [&json!(2), &json!(3)]);
        assert_eq!(counts.map(|count| &checked.body[count]), [&json!(0), &json!(0)]);
        let mut after = app.db.dump().await;
        for dump in [&mut before, &mut after] {
            dump.retain(|(pk, _), _| !pk.starts_with("R#"));
        }
        assert_eq!(before, after, "nothing but the limit's counter is written");
    }
    assert_eq!(members(&app, "seg_vip", 10).await.len(), 1);
    let reply = post(&app, "/seg_vip/members?check=no", &rows).await;
    assert_eq!(reply.line(), "400 bad_request The query parameter `check` must be `true`.");
    assert_eq!(post(&app, "/seg_none/members?check=true", &rows).await.status, 404);
}

#[tokio::test]
async fn nobody_joins_or_leaves_a_disabled_segment() {
    let mut app = TestApp::start().await;
    load_member(&app, "u0", "seg").await;
    app.profile(&["user_id:u1"]).await;
    let disabled = post(&app, "/seg/disable", &json!({})).await.body["segment"].clone();
    assert!(disabled["disabled_at"].is_string());
    assert_eq!(post(&app, "/seg/disable", &json!({})).await.body["segment"]["disabled_at"], disabled["disabled_at"]);
    for (rest, row) in [("members", "user_id:u1"), ("members/remove", "user_id:u0")] {
        let reply = post(&app, &format!("/seg/{rest}"), &json!({ "rows": [row] })).await;
        assert_eq!((reply.status, &reply.body["error"]["code"]), (409, &json!("segment_disabled")));
    }
    // This loader has seen the segment enabled, another one has not.
    let known = app.loader.clone();
    for loader in [known.clone(), Loader::new(app.db.store.clone(), log_key())] {
        app.loader = loader;
        let loaded = load_member(&app, "u2", "seg").await;
        assert_eq!(loaded.not_joined, 1, "the line is loaded without the membership");
    }
    app.loader = known;
    assert_eq!(get(&app, "seg").await["members"], 1);
    let enabled = post(&app, "/seg/enable", &json!({})).await.body["segment"].clone();
    assert_eq!((&enabled["state"], &enabled["disabled_at"]), (&json!("enabled"), &Value::Null));
    assert_eq!(load_member(&app, "u2", "seg").await.not_joined, 0);
    assert_eq!(get(&app, "seg").await["members"], 2);
}

#[tokio::test]
async fn a_segment_without_members_is_deleted() {
    let app = TestApp::start().await;
    load_member(&app, "u0", "seg").await;
    let delete = Req::get(path("/seg")).method("DELETE");
    assert_eq!(app.send(delete.clone()).await.body["error"]["code"], "segment_not_empty");
    assert_eq!(get(&app, "seg").await["state"], "enabled");
    post(&app, "/seg/members/remove", &json!({ "rows": ["user_id:u0"] })).await;
    assert_eq!(app.send(delete.clone()).await.status, 200);
    assert_eq!(app.send(delete).await.status, 404);
    assert_eq!(app.send(Req::get(path("?show_disabled=true"))).await.body["data"], json!([]));
    // The loader still believes in it.
    assert_eq!(load_member(&app, "u1", "seg").await.not_joined, 0);
    let anew = get(&app, "seg").await;
    assert_eq!((&anew["kind"], &anew["members"]), (&json!("manual_segment"), &json!(1)));
    for i in 2..40 {
        load_member(&app, &format!("u{i}"), "seg").await;
    }
    assert_eq!(get(&app, "seg").await["members"], 39, "all gates are open");
    assert_eq!(create(&app, "seg").await.body["error"]["code"], "segment_exists");
}

#[tokio::test]
async fn readers_read_and_administrators_change() {
    let app = TestApp::start().await;
    create(&app, "seg").await;
    for role in Role::ALL {
        let as_role = |request: Req| request.token(app.token(role));
        let reads = matches!(role, Role::WorkspaceOwner | Role::Administrator | Role::ProfileReader);
        let changes = matches!(role, Role::WorkspaceOwner | Role::Administrator);
        let read = if reads { 200 } else { 403 };
        for rest in ["", "/seg", "/seg/members"] {
            assert_eq!(app.send_raw(&as_role(Req::get(path(rest)))).await.status, read, "{role} {rest}");
        }
        let disable = as_role(Req::post(path("/seg/disable"), &json!({})));
        assert_eq!(app.send_raw(&disable).await.status, if changes { 200 } else { 403 }, "{role}");
    }
}

/// The versions of the segment's record that requests have written since the last call, with what each bears of its
/// change.
fn written_versions(app: &TestApp) -> Vec<(i64, String, Option<String>)> {
    let passed = app.db.proxy.take();
    let puts = passed.iter().flat_map(|passed| match passed.request["TransactItems"].as_array() {
        Some(parts) if passed.reply["__type"].is_null() => parts.iter().map(|part| &part["Put"]["Item"]).collect(),
        None if passed.operation == "PutItem" && passed.reply["__type"].is_null() => vec![&passed.request["Item"]],
        _ => Vec::new(),
    });
    let is_record = |item: &&Value| item["pk"]["S"] == format!("G#{SPACE}") && item["sk"]["S"] == "seg";
    let version = |item: &Value| {
        let text = |name: &str| item[name]["S"].as_str().map(str::to_owned);
        let number = item["version"]["N"].as_str().unwrap().parse().unwrap();
        (number, text("changed_at").unwrap_or_else(|| panic!("no changed_at: {item}")), text("changed_by"))
    };
    puts.filter(is_record).map(version).collect()
}

/// Whoever changes a segment's record, and why: each version is written once, bears a later time than the one before,
/// and the token of the request that asked for it. What a job does by itself has none.
#[tokio::test]
async fn each_version_of_a_segment_bears_its_time_and_its_token() {
    let app = TestApp::start().await;
    // The clock stands still: times differ even so.
    app.clock.step(0);
    let space = SpaceId::parse(SPACE).unwrap();
    let tokens = app.db.store.list_tokens(&space).await.unwrap();
    let owner = tokens.iter().find(|token| token.role == Role::WorkspaceOwner).unwrap().token_id.to_string();
    let mut all: Vec<(i64, String, Option<String>)> = Vec::new();
    let mut wrote = |app: &TestApp, expected: &[bool], what: &str| {
        let versions = written_versions(app);
        let by: Vec<bool> = versions.iter().map(|(_, _, by)| by.is_some()).collect();
        assert_eq!(by, expected, "{what}: {versions:?}");
        assert!(versions.iter().all(|(_, _, by)| by.as_ref().is_none_or(|by| *by == owner)), "{what}");
        all.extend(versions);
    };
    app.db.proxy.take();
    create(&app, "seg").await;
    wrote(&app, &[true], "made");
    let rename = Req::post(path("/seg"), &json!({ "name": "VIP" })).method("PATCH");
    assert_eq!(app.send(rename).await.status, 200);
    wrote(&app, &[true], "renamed");
    assert_eq!(post(&app, "/seg/disable", &json!({})).await.status, 200);
    wrote(&app, &[true, true], "disabling, disabled");
    assert_eq!(post(&app, "/seg/enable", &json!({})).await.status, 200);
    wrote(&app, &[true, true], "enabling, enabled");
    load_member(&app, "u1", "seg").await;
    wrote(&app, &[], "a member is no change");
    let empty = json!({ "confirm": true, "expected_members": 1, "auto_enable": true });
    assert_eq!(post(&app, "/seg/delete_users", &empty).await.status, 202);
    wrote(&app, &[true], "a request makes a job its own");
    app.clock.step(20);
    for _ in 0..4 {
        app.work().await;
        app.clock.advance(400_000);
        app.reconcile().await;
    }
    wrote(&app, &[false, false, false, false, false], "claimed, disabling, disabled, let go and enabling, enabled");
    app.clock.step(0);
    assert_eq!(app.send(Req::get(path("/seg")).method("DELETE")).await.status, 200);
    wrote(&app, &[true, true, true], "disabling, disabled, deleted");
    load_member(&app, "u2", "seg").await;
    wrote(&app, &[false, false], "a load makes it anew: enabling, enabled");
    let versions: Vec<i64> = all.iter().map(|(version, _, _)| *version).collect();
    let expected: Vec<i64> = (1..=i64::try_from(all.len()).unwrap()).collect();
    assert_eq!(versions, expected, "none is missing");
    assert!(all.is_sorted_by(|(_, a, _), (_, b, _)| a < b), "{all:?}");
}

async fn stored(app: &TestApp) -> Segment {
    app.db.store.segment(&SpaceId::parse(SPACE).unwrap(), &"seg".parse().unwrap()).await.unwrap().unwrap()
}

/// The id of the token of a role, which is in use already: its next request does not note that.
async fn used_token(app: &TestApp, role: Role) -> String {
    assert_eq!(app.send_raw(&Req::get(path("/seg")).token(app.token(role))).await.status, 200);
    let tokens = app.db.store.list_tokens(&SpaceId::parse(SPACE).unwrap()).await.unwrap();
    tokens.iter().find(|token| token.role == role).unwrap().token_id.to_string()
}

/// Begins to switch the segment as an administrator. The process dies before the gates are closed or opened.
async fn begin(app: &TestApp, verb: &str) {
    let request = Req::post(path(&format!("/seg/{verb}")), &json!({})).token(app.token(Role::Administrator));
    for writes in 1..5 {
        assert!(app.db.proxy.dies_after_writes(writes, false, app.send_raw(&request)).await);
        if stored(app).await.state.is_unfinished() {
            return;
        }
    }
    panic!("the segment's record is not written");
}

/// Where one token begins to switch a segment and dies, and another one finishes that, both versions are the first
/// one's.
#[tokio::test]
async fn a_change_that_another_finishes_is_that_of_who_began_it() {
    let app = TestApp::start().await;
    create(&app, "seg").await;
    let administrator = used_token(&app, Role::Administrator).await;
    let owner = used_token(&app, Role::WorkspaceOwner).await;
    for (verb, begun, done) in [
        ("disable", SegmentState::Disabling, SegmentState::Disabled),
        ("enable", SegmentState::Enabling, SegmentState::Enabled),
    ] {
        begin(&app, verb).await;
        let segment = stored(&app).await;
        assert_eq!((segment.state, segment.changed_by.unwrap().as_str()), (begun, administrator.as_str()));
        assert_eq!(post(&app, &format!("/seg/{verb}"), &json!({})).await.status, 200);
        let finished = stored(&app).await;
        assert_eq!((finished.state, finished.changed_by.unwrap().as_str()), (done, administrator.as_str()));
        assert_eq!(finished.version, segment.version + 1);
    }
    // A job of the owner ends in between: what the administrator began stays the administrator's.
    load_member(&app, "u1", "seg").await;
    let scheduled = json!({ "confirm": true, "start_at": app.clock.peek().plus_seconds(3_600).to_string() });
    let job = post(&app, "/seg/delete_users", &scheduled).await.body["job"]["id"].as_str().unwrap().to_owned();
    app.work().await;
    assert_eq!(stored(&app).await.changed_by.unwrap().as_str(), owner);
    begin(&app, "disable").await;
    app.db.proxy.take();
    assert_eq!(app.control(&job, "cancel").await.status, 202);
    app.work().await;
    app.reconcile().await;
    let by: Vec<_> = written_versions(&app).into_iter().map(|(_, _, by)| by).collect();
    assert_eq!(by, [Some(administrator.clone()), Some(administrator)], "without its job, disabled");
    let segment = stored(&app).await;
    assert_eq!((segment.state, segment.active_job), (SegmentState::Disabled, None));
}
