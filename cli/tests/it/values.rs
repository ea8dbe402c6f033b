//! Any value of an identifier reaches the API whole: nothing in it ends a path, or stands for something else.

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::fake_api::FakeApi;

/// Values that an URL, a shell or a line could take for something else.
const VALUES: [&str; 11] =
    ["abc#def", "abc?def", "a/b/../c", "100%", "%23", "a+b", "a b ", "a&b=c;d", "naïve-\u{1f9d1}", "a:b:c", "-x"];

/// The path of the last request, decoded, if it has no character that a client or a gateway could take for another part.
fn path(api: &FakeApi) -> String {
    let line = api.state().received.last().unwrap().line.clone();
    let path = line.split_once(' ').unwrap().1;
    assert!(!path.contains(['?', '#', '+', '&', ';']), "{path}");
    percent_decode_str(path).decode_utf8().unwrap().into_owned()
}

#[tokio::test]
async fn a_profile_is_deleted_by_any_value() {
    let api = FakeApi::start().await;
    for value in VALUES {
        api.run(&["profile", "delete", &format!("user_id:{value}"), "--yes"]).await.unwrap();
        assert_eq!(path(&api), format!("/v1/spaces/spa_demo/collections/users/profiles/user_id:{value}"));
    }
}

#[tokio::test]
async fn an_identifier_is_deleted_by_any_value() {
    let api = FakeApi::start().await;
    for value in VALUES {
        let line = ["delete", "--user-id", value, "--type", "email", "--id", value, "--yes"];
        // The fake has no such endpoint, and what was received counts.
        _ = api.run(&line).await;
        let expected = format!("/v1/spaces/spa_demo/collections/users/profiles/user_id:{value}/external_ids/delete");
        assert_eq!(path(&api), expected);
        let body = api.state().received.last().unwrap().body.clone();
        assert_eq!(body, json!({"delete_external_ids": [{"id": value, "type": "email"}]}));
    }
}

#[tokio::test]
async fn a_segment_is_named_by_any_value() {
    let api = FakeApi::start().await;
    for value in VALUES {
        _ = api.run(&["segments", "delete", "--yes", "--", value]).await;
        assert_eq!(path(&api), format!("/v1/spaces/spa_demo/segments/{value}"));
        for (verb, rest) in [("enable", "/enable"), ("disable", "/disable")] {
            _ = api.run(&["segments", verb, "--", value]).await;
            assert_eq!(path(&api), format!("/v1/spaces/spa_demo/segments/{value}{rest}"), "{verb}");
        }
        _ = api.run(&["segments", "rename", "--", value, value]).await;
        assert_eq!(path(&api), format!("/v1/spaces/spa_demo/segments/{value}"));
        assert_eq!(api.state().received.last().unwrap().body["name"], value);
    }
}

/// What members are added by, from a file.
#[tokio::test]
async fn members_are_added_by_any_value() {
    let api = FakeApi::start().await;
    let rows: Vec<Value> = VALUES.iter().map(|value| json!(format!("user_id:{value}"))).collect();
    let file = api.file("rows.json", json!(rows).to_string());
    _ = api.run(&["segments", "add", "seg_vip", &file]).await;
    let received = api.state().received.clone();
    assert!(received.iter().any(|request| request.body["rows"] == json!(rows)), "{received:?}");
}

/// A job's id is a value, too.
#[tokio::test]
async fn a_job_is_named_by_any_value() {
    let api = FakeApi::start().await;
    for value in VALUES {
        _ = api.run(&["jobs", "pause", "--", value]).await;
        assert_eq!(path(&api), format!("/v1/spaces/spa_demo/deletion_jobs/{value}/pause"));
    }
}
