//! The plan of the deletion of one profile, or of one identifier of it.

use efface_core::role::Role;
use efface_tests::{
    Reply, Req, TestApp,
    app::{SPACE, profile_line},
    store::changed,
};
use serde_json::{Value, json};

fn plan(lookup: &str, body: &Value) -> Req {
    let (id_type, value) = lookup.split_once(':').unwrap();
    let value = efface_tests::events::encode(value);
    Req::post(format!("/v1/spaces/{SPACE}/collections/users/profiles/{id_type}:{value}/plan"), body)
}

fn of(target: &str) -> Value {
    let (id_type, id) = target.split_once(':').unwrap();
    json!({ "delete_external_ids": [{ "type": id_type, "id": id }] })
}

/// A merged profile with traits and segments.
async fn ada(app: &TestApp) {
    let mut root = profile_line(SPACE, &["user_id:ada", "email:ada@example.com"]);
    root["traits"] = json!({ "contact": { "mail": ["Ada@Example.com"] }, "plan": "pro", "shoe": 41 });
    root["segments"] = json!(["seg_vip"]);
    app.try_load(&root).await.unwrap();
    let mut leaf = profile_line(SPACE, &["anonymous_id:41", "email:a@b"]);
    leaf["segments"] = json!(["seg_new", "seg_vip"]);
    leaf["merged_into"] = json!({ "type": "user_id", "id": "ada" });
    app.try_load(&leaf).await.unwrap();
}

fn ids(part: &Value) -> Vec<String> {
    let ids = part["external_ids"].as_array().unwrap().iter();
    let mut ids: Vec<String> =
        ids.map(|id| format!("{}:{}", id["type"].as_str().unwrap(), id["id"].as_str().unwrap())).collect();
    ids.sort();
    ids
}

async fn planned(app: &TestApp, lookup: &str, body: &Value) -> Value {
    let Reply { status, body, .. } = app.send(plan(lookup, body)).await;
    assert_eq!(status, 200, "{body}");
    body["plan"].clone()
}

#[tokio::test]
async fn a_profile_goes_with_all_that_was_merged_into_it() {
    let app = TestApp::start().await;
    ada(&app).await;
    app.profile(&["user_id:stranger"]).await;
    let before = app.db.dump().await;
    let by_any = [
        planned(&app, "user_id:ada", &json!({})).await,
        planned(&app, "email:a@b", &json!({})).await,
        planned(&app, "user_id:ada", &json!({})).await,
    ];
    let plan = &by_any[0];
    assert!(by_any.iter().all(|other| other == plan), "whichever identifier finds it");
    for body in ["", " ", "{ }", "\r\n{\n}\n"] {
        let request = Req { body: body.into(), ..self::plan("user_id:ada", &json!({})) };
        assert_eq!(app.send(request).await.body["plan"], *plan, "{body:?}");
    }
    assert_eq!(plan["action"], "delete_profile");
    assert_eq!(ids(&plan["goes"]), ["anonymous_id:41", "email:a@b", "email:ada@example.com", "user_id:ada"]);
    assert_eq!(plan["goes"]["traits"], json!(["contact", "plan", "shoe"]));
    assert_eq!(plan["goes"]["segments"], json!(["seg_new", "seg_vip"]));
    let root = plan["profile_id"].as_str().unwrap();
    let profiles = plan["goes"]["profiles"].as_array().unwrap();
    assert_eq!((profiles.len(), &profiles[0]), (2, &json!({ "id": root, "merged_into": null })));
    assert_eq!(profiles[1]["merged_into"], root);
    assert_eq!(plan["stays"], json!({ "external_ids": [], "traits": [], "segments": [], "profiles": [] }));
    assert_eq!((&plan["repeats"], &plan["is_complete"]), (&json!([]), &json!(true)));
    assert_eq!(planned(&app, &format!("segment_id:{root}"), &json!({})).await, *plan, "by its own id");
    // The deletion counts what the plan has told.
    assert_eq!(changed(&before, &app.db.dump().await), [], "it has changed nothing");
    let receipt = app.send(Req::delete_profile(SPACE, "user_id", "ada")).await.body["receipt"]["counts"].clone();
    assert_eq!(receipt, json!({ "external_ids": 4, "memberships": 3, "merges": 1, "traits": 3 }));
}

#[tokio::test]
async fn an_identifier_goes_alone_and_traits_that_repeat_it_are_named() {
    let app = TestApp::start().await;
    ada(&app).await;
    let plan = planned(&app, "user_id:ada", &of("email:ada@example.com")).await;
    assert_eq!(plan["action"], "delete_identifier");
    assert_eq!(ids(&plan["goes"]), ["email:ada@example.com"]);
    assert_eq!(ids(&plan["stays"]), ["anonymous_id:41", "email:a@b", "user_id:ada"]);
    assert_eq!(plan["stays"]["traits"], json!(["contact", "plan", "shoe"]));
    assert_eq!(plan["stays"]["segments"], json!(["seg_new", "seg_vip"]));
    assert_eq!(plan["repeats"], json!([{ "trait": "contact", "type": "email", "id": "ada@example.com" }]));
    assert_eq!(plan["is_last_user_id"], false);
    let number = planned(&app, "user_id:ada", &of("anonymous_id:41")).await;
    assert_eq!(number["repeats"], json!([{ "trait": "shoe", "type": "anonymous_id", "id": "41" }]));
    let last = planned(&app, "email:a@b", &of("user_id:ada")).await;
    assert_eq!(last["is_last_user_id"], true, "no other user_id stays");
    app.try_load(&profile_line(SPACE, &["user_id:ada", "user_id:more"])).await.unwrap();
    assert_eq!(planned(&app, "email:a@b", &of("user_id:ada")).await["is_last_user_id"], false);
}

#[tokio::test]
async fn its_errors_are_those_of_the_deletions() {
    let app = TestApp::start().await;
    ada(&app).await;
    app.profile(&["user_id:stranger", "email:s@x"]).await;
    for (lookup, body, expected) in [
        ("user_id:nobody", json!({}), "404 not_found Profile was not found."),
        ("segment_id:use_x", json!({}), "404 not_found Profile was not found."),
        ("group_id:g", json!({}), "400 unsupported_eid_type Unsupported external id type."),
        ("user_id:ada", of("email:s@x"), "404 eid_not_found External identifier not found."),
        ("user_id:ada", of("email:nobody"), "404 eid_not_found External identifier not found."),
        ("user_id:ada", of("planet:x"), "400 unsupported_eid_type Unsupported external id type."),
        ("user_id:ada", of("user_id:ada"), "400 bad_request External id specification must differ from lookup id."),
        (
            "user_id:ada",
            json!({ "delete_external_ids": [] }),
            "400 bad_request Only one external_id can be deleted at a time.",
        ),
    ] {
        assert_eq!(app.send(plan(lookup, &body)).await.line(), expected, "{lookup} {body}");
    }
    assert_eq!(app.delete("ada", "email:a@b").await.status, 200);
    assert_eq!(app.send(plan("user_id:ada", &of("email:a@b"))).await.status, 404, "it is deleted already");
    let auditor = app.token(Role::Auditor).to_owned();
    let reply = app.send_raw(&plan("user_id:ada", &json!({})).token(&auditor)).await;
    assert_eq!(reply.line(), "403 forbidden The token's role may not read profiles.");
    let key = |body: &Value| plan("user_id:ada", body).key("once");
    assert_eq!(app.send(key(&json!({}))).await.status, 200);
    assert_eq!(app.send(key(&json!({}))).await.status, 200);
    assert_eq!(app.send(key(&of("email:ada@example.com"))).await.status, 409, "the key stands for another request");
}

/// Values of 2 KiB in whatever letters, more than a response could hold: the plan says that it is cut.
#[tokio::test]
async fn a_very_large_profile_is_cut_and_says_so() {
    let app = TestApp::start().await;
    let values: Vec<String> = (0..300).map(|n| format!("anonymous_id:{n:04}{}", "\"".repeat(2_044))).collect();
    for part in values.chunks(50) {
        let ids: Vec<&str> = ["user_id:big"].into_iter().chain(part.iter().map(String::as_str)).collect();
        app.try_load(&profile_line(SPACE, &ids)).await.unwrap();
    }
    let plan = planned(&app, "user_id:big", &json!({})).await;
    assert_eq!((plan["goes"]["external_ids"].as_array().unwrap().len(), &plan["is_complete"]), (250, &json!(false)));
    assert!(plan.to_string().len() < 5_900_000);
}
