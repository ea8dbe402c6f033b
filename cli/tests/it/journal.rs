//! `efface admin journal reconcile`: what the command says. What it does is tested in `tests/it`.

use base64::{Engine, engine::general_purpose::STANDARD};
use efface_cli::Interrupts;
use efface_core::log::LogKey;
use serde_json::json;
use tokio::sync::watch;

use crate::site::Site;

/// A table with a space and a token, and an empty journal.
async fn site() -> Site {
    let site = Site::start().await;
    site.run(&["admin", "space", "create", "spa_a"]).await.unwrap();
    site.run(&["admin", "token", "create", "spa_a", "--role", "auditor"]).await.unwrap();
    site.create_table("journal").await;
    site
}

const LINE: [&str; 5] = ["admin", "journal", "reconcile", "--journal", "journal"];

#[tokio::test]
async fn it_says_what_it_looked_at_and_found() {
    let site = site().await;
    let done = site.run(&LINE).await.unwrap();
    assert_eq!((done.exit, &done.json["finished"], &done.json["dry_run"]), (0, &json!(true), &json!(false)));
    // They were made just now.
    assert_eq!((&done.json["counts"]["recent"], &done.json["counts"]["rebuilt"]), (&json!(2), &json!(0)));
    assert!(done.text.contains("left to the stream  2"), "{}", done.text);
    assert!(done.text.starts_with("done, but for what the lines below count."), "{}", done.text);
    let dry = site.run(&[&LINE[..], &["--dry-run", "--rate", "100000", "--space", "spa_b"]].concat()).await.unwrap();
    assert_eq!((&dry.json["counts"]["items"], &dry.json["dry_run"]), (&json!(0), &json!(true)));
}

#[tokio::test]
async fn after_ctrl_c_the_same_command_goes_on() {
    let site = site().await;
    let (_sender, receiver) = watch::channel(1);
    let stopped = site.run_until(&LINE, &Interrupts::from_channel(receiver)).await.unwrap();
    assert_eq!((stopped.exit, &stopped.json["finished"]), (130, &json!(false)));
    let done = site.run(&LINE).await.unwrap();
    assert_eq!((done.exit, &done.json["finished"]), (0, &json!(true)));
}

#[tokio::test]
async fn a_log_key_may_be_in_a_file_and_must_be_the_tables() {
    let site = site().await;
    let file = std::env::temp_dir().join(format!("efface-log-key-{}", std::process::id()));
    let run = async |text: &str| {
        std::fs::write(&file, text).unwrap();
        let line = [&LINE[..], &["--dry-run", "--log-key-file", file.to_str().unwrap()]].concat();
        site.run(&line).await.map(|done| done.exit).map_err(|error| error.exit_code())
    };
    let [key, other] = [7, 8].map(|seed| STANDARD.encode([seed; 32]));
    assert_eq!(run("short").await, Err(2));
    assert_eq!(run(&key).await, Ok(0), "nothing in the table was made with a log key");
    site.store().set_or_verify_log_key(&LogKey::from_base64(&key).unwrap()).await.unwrap();
    assert_eq!((run(&key).await, run(&other).await), (Ok(0), Err(2)));
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn a_run_is_not_begun_anew_and_continued() {
    for (other, is_taken) in [("--restart", false), ("--dry-run", false), ("--json", true)] {
        assert_eq!(Site::parse(&[&LINE[..], &["--continue", other]].concat()).is_ok(), is_taken, "{other}");
    }
}

#[tokio::test]
async fn a_journal_must_be_named() {
    let site = site().await;
    let error = site.run(&LINE[..3]).await.unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains("EFFACE_JOURNAL"), "{error}");
}
