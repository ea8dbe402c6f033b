//! Loading profiles: a line that is loaded again changes nothing, and an old line does not bring back what was deleted.

use efface_engine::load::{LoadError, Loaded};
use efface_tests::{
    Req, TestApp,
    app::{SPACE, profile_line},
    size::size,
    store::changed,
};
use serde_json::json;

#[tokio::test]
async fn a_line_loaded_again_changes_nothing() {
    let app = TestApp::start().await;
    let mut line = profile_line(SPACE, &["user_id:u", "email:e@x"]);
    line["traits"] = json!({ "plan": "pro" });
    line["segments"] = json!(["seg_vip", "seg_new"]);
    let mut undated = profile_line(SPACE, &["user_id:v"]);
    undated.as_object_mut().unwrap().remove("timestamp");
    undated["traits"] = json!({ "plan": "pro" });
    app.try_load(&undated).await.unwrap();
    let first = app.try_load(&line).await.unwrap();
    assert_eq!(first, Loaded { stored: 2, unchanged: 0, blocked: 0, not_joined: 0 });
    let before = app.db.dump().await;
    app.clock.advance(5_000);
    assert_eq!(app.try_load(&line).await.unwrap(), Loaded { stored: 0, unchanged: 2, blocked: 0, not_joined: 0 });
    assert_eq!(app.try_load(&undated).await.unwrap(), Loaded { stored: 0, unchanged: 1, blocked: 0, not_joined: 0 });
    assert_eq!(changed(&before, &app.db.dump().await), []);
}

#[tokio::test]
async fn a_deleted_identifier_is_not_loaded_again() {
    let app = TestApp::start().await;
    let line = profile_line(SPACE, &["user_id:u", "email:e@x"]);
    app.try_load(&line).await.unwrap();
    app.delete("u", "email:e@x").await;
    assert_eq!(app.try_load(&line).await.unwrap(), Loaded { stored: 0, unchanged: 1, blocked: 1, not_joined: 0 });
    let mut undated = line.clone();
    undated.as_object_mut().unwrap().remove("timestamp");
    assert_eq!(app.try_load(&undated).await.unwrap().blocked, 1, "a line without a timestamp is no later event");
    assert_eq!(app.external_ids("user_id:u").await, ["user_id:u"]);
}

/// A line belongs to the profile that was created with its first identifier, even if that identifier was deleted.
#[tokio::test]
async fn a_deleted_first_identifier_still_leads_to_its_profile() {
    let app = TestApp::start().await;
    app.profile(&["email:e@x", "user_id:u"]).await;
    app.delete("u", "email:e@x").await;
    let more = profile_line(SPACE, &["email:e@x", "anonymous_id:a"]);
    assert_eq!(app.try_load(&more).await.unwrap(), Loaded { stored: 1, unchanged: 0, blocked: 1, not_joined: 0 });
    assert_eq!(app.external_ids("user_id:u").await, ["anonymous_id:a", "user_id:u"]);
}

/// After its deletion an identifier may be loaded into another profile, and the old line does not take it back.
#[tokio::test]
async fn a_deleted_identifier_can_move_to_another_profile() {
    let app = TestApp::start().await;
    let old = profile_line(SPACE, &["user_id:u1", "email:e@x"]);
    app.try_load(&old).await.unwrap();
    let mut new = profile_line(SPACE, &["user_id:u2", "email:e@x"]);
    new["timestamp"] = json!("2026-07-01T00:00:00Z");
    assert!(matches!(app.try_load(&new).await, Err(LoadError::Claimed(1))), "it still belongs to the first profile");
    app.delete("u1", "email:e@x").await;
    app.try_load(&new).await.unwrap();
    assert_eq!(app.external_ids("email:e@x").await, ["email:e@x", "user_id:u2"]);
    assert_eq!(app.try_load(&old).await.unwrap(), Loaded { stored: 0, unchanged: 1, blocked: 1, not_joined: 0 });
    assert_eq!(app.external_ids("user_id:u1").await, ["user_id:u1"]);
    assert_eq!(app.send(Req::deletion(SPACE, "email", "e@x")).await.status, 404, "it is active again");
    assert_eq!(app.delete("u2", "email:e@x").await.status, 200, "it can be deleted again");
}

#[tokio::test]
async fn a_profile_of_401_identifiers_is_loaded() {
    let app = TestApp::start().await;
    let ids: Vec<String> = (0..400).map(|i| format!("anonymous_id:{i}")).collect();
    let mut all: Vec<&str> = ids.iter().map(String::as_str).collect();
    all.push("user_id:u");
    app.profile(&all).await;
    assert_eq!(app.external_ids("user_id:u").await.len(), 401);
}

#[tokio::test]
async fn two_profiles_that_claim_one_identifier() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u1", "email:e@x"]).await;
    let before = app.db.dump().await;
    for ids in [["user_id:u2", "email:e@x"], ["email:e@x", "user_id:u2"]] {
        assert!(matches!(app.try_load(&profile_line(SPACE, &ids)).await, Err(LoadError::Claimed(_))));
    }
    let mut nowhere = profile_line(SPACE, &["user_id:u3"]);
    nowhere["merged_into"] = json!({ "type": "user_id", "id": "nobody" });
    assert!(matches!(app.try_load(&nowhere).await, Err(LoadError::UnknownTarget)));
    assert!(matches!(
        app.try_load(&profile_line(SPACE, &["shoe_size:7"])).await,
        Err(LoadError::UnknownType(name)) if name == "shoe_size"
    ));
    assert_eq!(changed(&before, &app.db.dump().await), []);
}

/// Lines that were loaded before the deletion do not undo it, even if their timestamps are later than the deletion.
#[tokio::test]
async fn lines_loaded_before_a_deletion_do_not_undo_it() {
    let app = TestApp::start().await;
    let at = |time: &str| {
        let mut line = profile_line(SPACE, &["user_id:u", "email:e@x"]);
        line["timestamp"] = json!(time);
        line
    };
    let ahead = ["2027-01-01T00:00:00Z", "2028-01-01T00:00:00Z", "2027-06-01T00:00:00Z"];
    for time in ahead {
        app.try_load(&at(time)).await.unwrap();
    }
    app.delete("u", "email:e@x").await;
    for time in ahead {
        assert_eq!(app.try_load(&at(time)).await.unwrap().blocked, 1, "{time}");
    }
    assert_eq!(app.try_load(&at("2028-01-02T00:00:00Z")).await.unwrap().stored, 1, "a later event does");
}

/// A load that is interrupted at any request is completed by loading the line again: one profile, no orphaned items.
#[tokio::test]
async fn an_interrupted_load_is_completed_by_loading_again() {
    let mut line = profile_line(SPACE, &["user_id:u", "email:e@x"]);
    line["segments"] = (0..60).map(|i| format!("seg_{i}")).collect();
    let mut passes = 0;
    loop {
        let app = TestApp::start().await;
        let died = app.db.proxy.dies_after(passes, true, Box::pin(app.try_load(&line))).await;
        app.try_load(&line).await.unwrap();
        let dump = app.db.dump().await;
        let count = |prefix: &str, sk: &str| {
            dump.keys().filter(|key| key.0.starts_with(prefix) && key.1.starts_with(sk)).count()
        };
        assert_eq!((count("P#", "H"), count("M#", "use_"), count("P#", "M#")), (1, 60, 60), "cut at {passes}");
        passes += size(4, 1);
        if !died {
            assert!(passes > 100, "it was cut before {passes} requests only");
            return;
        }
    }
}
