//! `efface admin log rebuild`: what the command says. What it does is tested in `tests/it`.

use std::fs;

use serde_json::json;

use crate::site::Site;

const LINE: [&str; 3] = ["admin", "log", "rebuild"];

/// A table with a space, an empty journal, and buckets that nobody reaches.
async fn site() -> Site {
    let site = Site::start().await;
    site.run(&["admin", "space", "create", "spa_a"]).await.unwrap();
    site.create_table("journal").await;
    let settings = fs::read_to_string(site.env_file()).unwrap();
    let log = "AWS_ENDPOINT_URL_S3=http://127.0.0.1:9\nEFFACE_JOURNAL=journal\nEFFACE_LOG_BUCKET=log\n\
               EFFACE_LOG_PARTIAL_BUCKET=partial\nEFFACE_LOG_ORIGIN=logs.example.com/x\n";
    site.file("env", &format!("{settings}{log}"));
    site
}

#[test]
fn it_is_said_which_journals() {
    for (scope, is_taken) in [
        (&[][..], false),
        (&["--all"], true),
        (&["--space", "spa_a"], true),
        (&["--all", "--space", "spa_a"], false),
        (&["--space", "a b"], false),
    ] {
        assert_eq!(Site::parse(&[&LINE[..], scope].concat()).is_ok(), is_taken, "{scope:?}");
    }
}

#[tokio::test]
async fn each_setting_is_named_where_it_is_missing() {
    let site = site().await;
    let settings = fs::read_to_string(site.env_file()).unwrap();
    for name in ["EFFACE_JOURNAL", "EFFACE_LOG_BUCKET", "EFFACE_LOG_PARTIAL_BUCKET", "EFFACE_LOG_ORIGIN"] {
        let rest: Vec<&str> = settings.lines().filter(|line| !line.starts_with(&format!("{name}="))).collect();
        site.file("env", &rest.join("\n"));
        let error = site.run(&[&LINE[..], &["--all"]].concat()).await.unwrap_err();
        assert_eq!(error.exit_code(), 2, "{name}");
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[tokio::test]
async fn buckets_that_nobody_reaches_can_be_tried_again() {
    let site = site().await;
    for scope in [&["--all"][..], &["--space", "spa_a", "--dry-run"]] {
        let error = site.run(&[&LINE[..], scope].concat()).await.unwrap_err();
        assert_eq!((error.exit_code(), error.code()), (3, "unavailable"), "{error}");
    }
    let wrong = [&LINE[..], &["--all", "--origin", "a b"]].concat();
    assert_eq!(site.run(&wrong).await.unwrap_err().exit_code(), 2);
}

/// A stack without spaces: nothing is asked of the buckets.
#[tokio::test]
async fn it_says_what_it_looked_at() {
    let site = site().await;
    site.remove("Z#spaces").await;
    let done = site.run(&[&LINE[..], &["--all", "--dry-run"]].concat()).await.unwrap();
    assert_eq!((done.exit, &done.json["spaces"], &done.json["spaces_total"]), (0, &json!([]), &json!(0)));
    assert!(done.text.starts_with("dry run, nothing was written."), "{}", done.text);
}
