//! `efface segments`: showing and changing segments and their members.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::{
    efface,
    fake_api::{FakeApi, Fault},
};

async fn api_with(members: &[&str]) -> FakeApi {
    let api = FakeApi::start().await;
    api.state().segments.put("seg_1", "Spring 2026", members);
    api
}

fn members(api: &FakeApi) -> Vec<String> {
    api.state().segments.members["seg_1"].iter().cloned().collect()
}

#[tokio::test]
async fn segments_are_created_changed_and_deleted() {
    let api = FakeApi::start().await;
    let output = api.run(&["segments", "create", "VIPs", "--id", "seg_1"]).await.unwrap();
    assert_eq!((output.exit, &output.json["segment"]["name"]), (0, &json!("VIPs")));
    let output = api.run(&["segments", "create", "News", "--kind", "subscriber_list"]).await.unwrap();
    assert_eq!(output.json["segment"]["kind"], "subscriber_list");
    assert_eq!(api.run(&["segments", "rename", "seg_1", "A"]).await.unwrap().json["segment"]["name"], "A");
    assert_eq!(api.run(&["segments", "disable", "seg_1"]).await.unwrap().json["segment"]["state"], "disabled");
    assert_eq!(api.run(&["segments", "enable", "seg_1"]).await.unwrap().json["segment"]["state"], "enabled");
    assert_eq!(api.run(&["segments", "delete", "seg_1", "--yes"]).await.unwrap().json["segment"]["id"], "seg_1");
    assert_eq!(
        api.lines(),
        [
            "POST segments",
            "POST segments",
            "PATCH segments/seg_1",
            "POST segments/seg_1/disable",
            "POST segments/seg_1/enable",
            "DELETE segments/seg_1"
        ]
    );
    let received = api.state().received.clone();
    assert_eq!(received[0].body, json!({"id": "seg_1", "name": "VIPs", "kind": "manual_segment"}));
    assert_eq!(received[1].body, json!({"name": "News", "kind": "subscriber_list"}));
    assert_eq!(received[2].body, json!({"name": "A"}));
    assert!(received.iter().all(|received| !received.key.is_empty()));
}

#[tokio::test]
async fn segments_and_members_are_listed_from_all_pages() {
    let api = api_with(&["use_a", "use_b", "use_c"]).await;
    api.state().segments.put("seg_2", "B", &[]);
    api.state().segments.put("seg_3", "C", &[]);
    let output = api.run(&["segments", "list", "--show-disabled"]).await.unwrap();
    assert_eq!(output.json["data"].as_array().unwrap().len(), 3);
    assert!(output.text.contains("seg_1    Spring 2026  manual_segment  enabled"), "{}", output.text);
    let output = api.run(&["segments", "members", "seg_1"]).await.unwrap();
    assert_eq!((&*output.text, &output.json["data"][2]), ("use_a\nuse_b\nuse_c", &json!("use_c")));
    let output = api.run(&["segments", "show", "seg_1", "--count"]).await.unwrap();
    assert!(output.text.contains("name     Spring 2026"), "{}", output.text);
    let lines = [
        "GET segments?limit=100&show_disabled=true",
        "GET segments?limit=100&show_disabled=true&next=2",
        "GET segments/seg_1/members?limit=100",
        "GET segments/seg_1/members?limit=100&next=2",
        "GET segments/seg_1?count=true",
    ];
    assert_eq!(api.lines(), lines);
    let error = api.run(&["segments", "show", "a/b"]).await.unwrap_err();
    assert_eq!((error.exit_code(), error.code()), (1, "not_found"));
    assert_eq!(api.lines().last().unwrap(), "GET segments/a%2Fb");
    assert_eq!(api.run(&["segments", "delete", "seg_1", "--yes"]).await.unwrap_err().code(), "segment_not_empty");
}

/// The file has 2,001 rows. Row 2,000 can't be read, and row 2,001 finds nothing.
#[tokio::test]
async fn rows_are_added_in_parts_and_numbered_as_in_the_file() {
    let api = api_with(&["use_1"]).await;
    let mut rows = "key,value\n".to_owned();
    for row in 1..=1_999 {
        api.state().segments.profile(&format!("use_{row}"), &format!("use_{row}"));
        _ = writeln!(rows, "email,{row}");
    }
    let file = api.file("people.csv", format!("{rows}email,\"oops\"x\nemail,nobody\n"));
    api.fail("members", Fault::Lost);
    let output = api.run(&["segments", "add", "seg_1", &file]).await.unwrap();
    assert_eq!(output.exit, 0);
    let json = &output.json;
    assert_eq!((&json["rows"], &json["segment_id"]), (&json!(2_001), &json!("seg_1")));
    assert_eq!((&json["not_found"], &json["rejected_total"]), (&json!(1), &json!(1)));
    // The fake does not remember keys of members, so one part is counted as the repetition that it is.
    assert_eq!(json["added"].as_u64().unwrap() + json["already"].as_u64().unwrap(), 1_999);
    assert_eq!(json["rejected"][0]["row"], 2_000);
    assert!(output.text.contains("line 2001  ") && output.text.contains("quote"), "{}", output.text);
    let received = api.state().received.clone();
    let mut sizes: Vec<usize> = received.iter().map(|part| part.body["rows"].as_array().unwrap().len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes.len(), 4, "three parts, one of them twice");
    assert_eq!((sizes[0], sizes[3]), (1, 1_000));
    let mut keys: Vec<&str> = received.iter().map(|part| &*part.key).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 3, "a repetition has its key");
    assert_eq!(members(&api).len(), 1_999);
}

#[tokio::test]
async fn rows_are_removed_with_yes() {
    let api = api_with(&["use_a", "use_b"]).await;
    let file = api.file("people.txt", "email:a\nuse_b\nemail:nobody\n");
    let error = api.run(&["segments", "remove", "seg_1", &file]).await.unwrap_err();
    assert_eq!((error.exit_code(), api.lines().len()), (2, 0), "there is no terminal to ask on");
    assert!(error.to_string().contains("--yes"), "{error}");
    let output = api.run(&["segments", "remove", "seg_1", &file, "--yes"]).await.unwrap();
    assert_eq!((&output.json["removed"], &output.json["not_found"]), (&json!(2), &json!(1)));
    assert_eq!(api.state().received[0].body, json!({"rows": ["email:a", "use_b", "email:nobody"]}));
    assert_eq!(members(&api), Vec::<String>::new());
}

#[tokio::test]
async fn rows_can_come_from_standard_input() {
    let api = api_with(&[]).await;
    api.state().segments.profile("use_a", "use_a");
    let run = efface(&["segments", "add", "seg_1", "-"], api.settings(), "email:a\n").await;
    assert_eq!(run.status.code(), Some(0), "{run:?}");
    assert_eq!(members(&api), ["use_a"]);
    let run = efface(&["segments", "remove", "seg_1", "-"], api.settings(), "email:a\n").await;
    assert_eq!((run.status.code(), members(&api).len()), (Some(2), 1), "the question could not be answered");
}

#[tokio::test]
async fn a_file_without_a_readable_row_is_an_error() {
    let api = api_with(&[]).await;
    let file = api.file("people.txt", "nobody\nnobody\n");
    let error = api.run(&["segments", "add", "seg_1", &file]).await.unwrap_err();
    assert_eq!(error.exit_code(), 2, "it is no file of rows: {error}");
    let file = api.file("people.json", r#"["nobody","nobody"]"#);
    let error = api.run(&["segments", "add", "seg_1", &file]).await.unwrap_err();
    assert_eq!(error.exit_code(), 5, "{error}");
    let error = api.run(&["segments", "replace", "seg_1", &file, "--yes"]).await.unwrap_err();
    assert_eq!(error.exit_code(), 5, "{error}");
    let file = api.file("empty.csv", "");
    assert_eq!(api.run(&["segments", "add", "seg_1", &file]).await.unwrap_err().exit_code(), 2);
}

/// `use_old` was merged into `use_c`, which the file names: it is the same person, and stays.
#[tokio::test]
async fn replace_adds_the_files_profiles_and_removes_all_others() {
    let api = api_with(&["use_a", "use_b", "use_d", "use_old"]).await;
    api.state().segments.profile("use_c", "use_c");
    api.state().segments.profile("use_old", "use_c");
    let file = api.file("people.txt", "email:a\nemail:c\nemail:nobody\nnobody\n");
    let output = api.run(&["segments", "replace", "seg_1", &file, "--yes"]).await.unwrap();
    assert_eq!(members(&api), ["use_a", "use_c", "use_old"]);
    let counts = ["added", "already", "removed", "not_found", "rejected_total"].map(|name| &output.json[name]);
    assert_eq!(counts, [&json!(1), &json!(1), &json!(2), &json!(1), &json!(1)]);
    assert!(output.text.contains("members that the file does not list"), "{}", output.text);
    let sent = api.state().received.last().unwrap().clone();
    assert_eq!(sent.body, json!({"rows": ["use_b", "use_d"]}));
    let changes: Vec<String> = api.lines().into_iter().filter(|line| line.starts_with("POST")).collect();
    assert_eq!(changes, ["POST segments/seg_1/members", "POST segments/seg_1/members/remove"]);
}

#[tokio::test]
async fn replace_changes_nothing_where_it_cannot_be_meant() {
    let api = api_with(&["use_a"]).await;
    let file = api.file("people.txt", "email:nobody\nuse_nobody\n");
    assert_eq!(api.run(&["segments", "replace", "seg_1", &file]).await.unwrap_err().exit_code(), 2);
    let error = api.run(&["segments", "replace", "seg_1", &file, "--yes"]).await.unwrap_err();
    assert_eq!(error.exit_code(), 1);
    assert!(error.to_string().contains("no row finds a profile"), "{error}");
    // An error that is not about the row is none of a row that finds nothing.
    let request = "GET collections/users/profiles/email:nobody/metadata".to_owned();
    let forbidden: Value = json!({"error": {"code": "forbidden", "message": "No."}, "status": 403});
    api.state().lists.insert(request, forbidden);
    let error = api.run(&["segments", "replace", "seg_1", &file, "--yes"]).await.unwrap_err();
    assert_eq!(error.code(), "forbidden");
    assert_eq!(members(&api), ["use_a"]);
}
