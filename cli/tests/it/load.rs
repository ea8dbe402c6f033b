//! `efface load`: repeated, in order, with bad lines, and interrupted.

use std::time::Duration;

use efface_cli::Interrupts;
use serde_json::json;
use tokio::sync::watch;

use crate::site::Site;

const SPACE: &str = r#"{"space":{"id":"spa_demo","identifier_types":["shoe_size"]}}"#;

fn profile(ids: &[(&str, &str)], more: &str) -> String {
    let ids: Vec<_> = ids.iter().map(|(id_type, id)| json!({"type": id_type, "id": id})).collect();
    format!(r#"{{"space_id":"spa_demo","external_ids":{}{more}}}"#, serde_json::to_string(&ids).unwrap())
}

#[tokio::test]
async fn loading_again_changes_nothing() {
    let site = Site::start().await;
    let lines = [
        SPACE.to_owned(),
        profile(&[("user_id", "u1"), ("email", "a@example.com")], r#","traits":{"n":1},"segments":["seg_vip"]"#),
        profile(&[("user_id", "u2"), ("shoe_size", "44")], ""),
        String::new(),
        profile(&[("user_id", "u1"), ("email", "b@example.com")], r#","traits":{"n":2}"#),
        profile(&[("anonymous_id", "x")], r#","merged_into":{"type":"user_id","id":"u1"}"#),
    ];
    let file = site.file("profiles.jsonl", &lines.join("\n"));
    let first = site.run(&["load", &file]).await.unwrap();
    assert_eq!(first.exit, 0, "{}", first.json);
    assert_eq!(first.json["identifiers"], json!({"stored": 6, "unchanged": 1, "blocked": 0}));
    assert_eq!((&first.json["lines"], &first.json["spaces"]), (&json!(5), &json!(1)));
    let before = site.items().await;
    let second = site.run(&["load", &file, "--from-line", "3"]).await.unwrap();
    assert_eq!(second.json["identifiers"], json!({"stored": 0, "unchanged": 5, "blocked": 0}));
    let third = site.run(&["load", &file]).await.unwrap();
    assert_eq!(third.json["identifiers"], json!({"stored": 0, "unchanged": 7, "blocked": 0}));
    assert_eq!(before.len(), site.items().await.len());
}

#[tokio::test]
async fn a_table_after_loading_timed_lines_again_is_the_same_to_the_byte() {
    let site = Site::start().await;
    let at = r#","timestamp":"2026-01-01T00:00:00Z","traits":{"plan":"pro"},"segments":["seg_vip"]"#;
    let lines: Vec<String> = std::iter::once(SPACE.to_owned())
        .chain((0..200).map(|i| profile(&[("user_id", &format!("u{i}")), ("email", &format!("e{i}"))], at)))
        .collect();
    let file = site.file("profiles.jsonl", &lines.join("\n"));
    assert_eq!(site.run(&["load", &file]).await.unwrap().json["identifiers"]["stored"], 400);
    let before = site.items().await;
    assert_eq!(site.run(&["load", &file]).await.unwrap().json["identifiers"]["unchanged"], 400);
    assert_eq!(site.items().await, before);
}

#[tokio::test]
async fn a_profile_may_be_merged_by_a_later_line() {
    let site = Site::start().await;
    let merged = r#","merged_into":{"type":"user_id","id":"root"}"#;
    let lines = [
        SPACE.to_owned(),
        profile(&[("user_id", "root")], ""),
        profile(&[("user_id", "u1")], ""),
        profile(&[("user_id", "u1")], merged),
    ];
    let file = site.file("profiles.jsonl", &lines.join("\n"));
    let output = site.run(&["load", &file]).await.unwrap();
    assert_eq!(output.exit, 0, "{}", output.json);
}

#[tokio::test]
async fn loading_stops_at_the_first_bad_line_and_says_how_to_resume() {
    let site = Site::start().await;
    let good = |i: u32| profile(&[("user_id", &format!("u{i}"))], "");
    let claimed = profile(&[("user_id", "u9"), ("user_id", "u1")], "");
    let lines = [SPACE.to_owned(), good(1), claimed, "{".to_owned(), good(2)];
    let file = site.file("profiles.jsonl", &lines.join("\n"));
    let output = site.run(&["load", &file]).await.unwrap();
    assert_eq!((output.exit, &output.json["from_line"]), (1, &json!(3)));
    let message = "external_ids[1]: another profile has this identifier";
    assert_eq!(output.json["errors"][0], json!({"line": 3, "message": message}));
    assert!(output.text.contains("--from-line 3"));

    let output = site.run(&["load", &file, "--keep-going"]).await.unwrap();
    assert_eq!((output.exit, &output.json["failed"], &output.json["from_line"]), (1, &json!(2), &json!(null)));
    assert_eq!(output.json["errors"][1], json!({"line": 4, "message": "not valid JSON at column 1"}));
    let output = site.run(&["load", &file, "--from-line", "5"]).await.unwrap();
    assert_eq!((output.exit, &output.json["identifiers"]["unchanged"]), (0, &json!(1)), "the last line was loaded");
}

#[tokio::test]
async fn an_unknown_space_or_type_is_named() {
    let site = Site::start().await;
    let file = site.file("profiles.jsonl", &profile(&[("user_id", "u1")], ""));
    let output = site.run(&["load", &file]).await.unwrap();
    assert!(output.json["errors"][0]["message"].as_str().unwrap().contains("no space `spa_demo`"));
    let file = site.file("profiles.jsonl", &[SPACE, &profile(&[("hat_size", "7")], "")].join("\n"));
    let output = site.run(&["load", &file]).await.unwrap();
    assert!(output.json["errors"][0]["message"].as_str().unwrap().contains("`hat_size`"));
}

#[tokio::test]
async fn an_interrupted_load_finishes_the_lines_in_flight() {
    let site = Site::start().await;
    let lines: Vec<String> = std::iter::once(SPACE.to_owned())
        .chain((0..300).map(|i| profile(&[("user_id", &format!("u{i}"))], "")))
        .collect();
    let file = site.file("profiles.jsonl", &lines.join("\n"));
    let (sender, receiver) = watch::channel(0);
    let stop = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        sender.send(1).unwrap();
    };
    let interrupts = Interrupts::from_channel(receiver);
    let line = ["load", file.as_str()];
    let (output, ()) = tokio::join!(site.run_until(&line, &interrupts), stop);
    let output = output.unwrap();
    let next = output.json["from_line"].as_u64().unwrap();
    assert_eq!((output.exit, output.json["interrupted"].as_bool()), (130, Some(true)));
    assert_eq!(output.json["lines"], next - 1, "exactly the lines before the line to resume at are loaded");
    let output = site.run(&["load", &file, "--from-line", &next.to_string()]).await.unwrap();
    assert_eq!((output.exit, &output.json["lines"]), (0, &json!(302 - next)));
}
