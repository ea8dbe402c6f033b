//! Merged profiles: reads and deletions through any member work on the merged profile, however large it is.

use efface_core::role::Role;
use efface_tests::{Req, TestApp, app::SPACE, store::changed};
use serde_json::{Value, json};

fn merged(ids: &[&str], into: (&str, &str)) -> Value {
    let mut line = efface_tests::app::profile_line(SPACE, ids);
    line["merged_into"] = json!({ "type": into.0, "id": into.1 });
    line
}

#[tokio::test]
async fn members_share_reads_and_deletions() {
    let app = TestApp::start().await;
    app.profile(&["user_id:root", "email:root@x"]).await;
    app.try_load(&merged(&["user_id:leaf", "email:leaf@x"], ("user_id", "root"))).await.unwrap();
    app.profile(&["user_id:stranger", "email:stranger@x"]).await;
    let all = ["email:leaf@x", "email:root@x", "user_id:leaf", "user_id:root"];
    for lookup in ["user_id:root", "user_id:leaf", "email:leaf@x"] {
        assert_eq!(app.external_ids(lookup).await, all, "{lookup}");
    }
    let before = app.db.dump().await;
    assert_eq!(app.delete("leaf", "email:root@x").await.status, 200, "a member deletes from the root");
    assert_eq!(app.delete("root", "email:leaf@x").await.status, 200, "the root deletes from a member");
    assert_eq!(app.delete("root", "email:stranger@x").await.status, 404, "not from another profile");
    assert_eq!(app.delete("root", "user_id:leaf").await.status, 200, "a user_id of a member");
    assert_eq!(changed(&before, &app.db.dump().await).len(), 3);
    assert_eq!(app.external_ids("user_id:root").await, ["user_id:root"]);
}

#[tokio::test]
async fn a_merge_into_a_merged_profile_goes_to_the_root() {
    let app = TestApp::start().await;
    app.profile(&["user_id:a"]).await;
    app.try_load(&merged(&["user_id:b"], ("user_id", "a"))).await.unwrap();
    app.try_load(&merged(&["user_id:c"], ("user_id", "b"))).await.unwrap();
    assert_eq!(app.external_ids("user_id:c").await, ["user_id:a", "user_id:b", "user_id:c"]);
    assert_eq!(app.delete("c", "user_id:b").await.status, 200);
}

/// A head tells when it was merged, whatever is added to it later, until it is deleted.
#[tokio::test]
async fn a_merged_head_tells_when_it_was_merged() {
    let app = TestApp::start().await;
    let space = efface_core::space::SpaceId::parse(SPACE).unwrap();
    app.profile(&["user_id:root"]).await;
    app.profile(&["user_id:first"]).await;
    app.clock.advance(5_000);
    let at = app.clock.peek();
    app.try_load(&merged(&["user_id:first"], ("user_id", "root"))).await.unwrap();
    app.try_load(&merged(&["user_id:new"], ("user_id", "root"))).await.unwrap();
    app.clock.advance(5_000);
    let mut later = efface_tests::app::profile_line(SPACE, &["user_id:first", "email:later@x"]);
    later["timestamp"] = json!("2026-02-01T00:00:00Z");
    app.try_load(&later).await.unwrap();
    let head = async |user_id: &str| {
        let id_type = "user_id".parse().unwrap();
        let hash = efface_tests::app::master().space_key(&space).identifier(&id_type, user_id);
        let identifier = app.db.store.identifier(&space, hash).await.unwrap().unwrap();
        app.db.store.head(&space, identifier.profile_id).await.unwrap().unwrap()
    };
    assert_eq!([head("first").await.merged_at, head("new").await.merged_at], [Some(at), Some(at)]);
    assert!(head("first").await.updated_at > Some(at));
    assert_eq!(head("root").await.merged_at, None);
    let merged_heads = [head("first").await, head("new").await];
    let told = |head: &efface_core::profile::Head| {
        let events = efface_core::journal::derive::profile::of_item(head);
        events.iter().map(|event| (event.id.ordinal.number(), event.id.time)).collect::<Vec<_>>()
    };
    assert_eq!(told(&merged_heads[0])[1], (2, at), "the journal tells that time");
    assert_eq!(told(&merged_heads[1]), [(1, at), (2, at)]);
    assert_eq!(app.send(Req::delete_profile(SPACE, "user_id", "root")).await.status, 200);
    assert_eq!(head("first").await.merged_at, None, "a deleted head forgets it with its other times");
}

/// 100 merges and 1,000 identifiers: a deletion costs what it costs in a small merged profile.
#[tokio::test]
async fn a_hundred_merges_and_a_thousand_identifiers() {
    let app = TestApp::start().await;
    for profile in 0..=100 {
        let ids: Vec<String> = (0..10)
            .map(|i| if i == 0 { format!("user_id:u{profile}") } else { format!("anonymous_id:{profile}-{i}") })
            .collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        if profile == 0 {
            app.profile(&ids).await;
        } else {
            app.try_load(&merged(&ids, ("user_id", "u0"))).await.unwrap();
        }
    }
    assert_eq!(app.external_ids("user_id:u57").await.len(), 1_010);

    let token = app.token(Role::WorkspaceOwner).to_owned();
    let deletion = Req::delete(SPACE, "u99", "anonymous_id", "3-7").token(&token);
    let (reply, cost) = app.db.proxy.cost(app.send_raw(&deletion)).await;
    assert_eq!(reply.status, 200);
    assert_eq!((cost.round_trips, cost.writes, cost.reads), (4, 3.0, 3.0), "the cost through one merge: {cost:?}");
    let own = Req::delete(SPACE, "u99", "anonymous_id", "99-7").token(&token);
    let (reply, cost) = app.db.proxy.cost(app.send_raw(&own)).await;
    assert_eq!(reply.status, 200);
    assert_eq!((cost.round_trips, cost.writes, cost.reads), (2, 2.0, 1.0), "the cost without merges: {cost:?}");
    assert_eq!(app.external_ids("user_id:u0").await.len(), 1_008);
}

#[tokio::test]
async fn a_merged_profile_has_the_newest_value_of_each_trait() {
    let app = TestApp::start().await;
    let mut root = efface_tests::app::profile_line(SPACE, &["user_id:root"]);
    root["traits"] = json!({ "plan": "old", "only": "root" });
    app.try_load(&root).await.unwrap();
    let mut leaf = merged(&["user_id:leaf"], ("user_id", "root"));
    leaf["traits"] = json!({ "plan": "new" });
    leaf["timestamp"] = json!("2026-02-01T00:00:00Z");
    app.try_load(&leaf).await.unwrap();
    let reply = app.send(Req::read(SPACE, "user_id", "root", "traits")).await;
    assert_eq!(reply.body["traits"], json!({ "plan": "new", "only": "root" }));
}
