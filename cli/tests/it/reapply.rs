//! `efface admin reapply`: what the command says and refuses. What it does is tested with the API, in `tests/it`.

use efface_cli::Interrupts;
use serde_json::json;
use tokio::sync::watch;

use crate::site::Site;

const SINCE: &str = "2020-01-01T00:00:00Z";

/// A table with a space and a token, and a restored one with the same, whose token was revoked since.
async fn site() -> Site {
    let site = Site::start().await;
    site.run(&["admin", "space", "create", "spa_a"]).await.unwrap();
    let made = site.run(&["admin", "token", "create", "spa_a", "--role", "auditor"]).await.unwrap();
    site.restore("restored").await;
    let token_id = made.json["token_id"].as_str().unwrap();
    site.run(&["admin", "token", "revoke", "spa_a", token_id]).await.unwrap();
    site
}

fn line<'a>(from: &'a str, to: &'a str, since: &'a str, option: &'a str) -> [&'a str; 9] {
    ["admin", "reapply", "--from", from, "--to", to, "--since", since, option]
}

#[tokio::test]
async fn it_shows_what_it_would_do_does_it_and_says_so() {
    let site = site().await;
    let dry = site.run(&line("efface", "restored", SINCE, "--dry-run")).await.unwrap();
    let done = site.run(&line("efface", "restored", SINCE, "--yes")).await.unwrap();
    assert_eq!((&dry.json["counts"], &dry.json["dry_run"]), (&done.json["counts"], &json!(true)));
    assert_eq!((&done.json["counts"]["revocations"], &done.json["first_run"]), (&json!(2), &json!(true)));
    assert!(done.text.contains("items of tokens revoked  2"), "{}", done.text);
    // The emulator has no backups.
    let backups = json!({"setting": "backups", "change": "unsupported"});
    assert!(done.json["settings"].as_array().unwrap().contains(&backups), "{}", done.json);
    let again = site.run(&line("efface", "restored", SINCE, "--yes")).await.unwrap();
    assert_eq!((&again.json["counts"]["revocations"], &again.json["first_run"]), (&json!(0), &json!(false)));
    let list = site.run(&["admin", "token", "list", "spa_a", "--table", "restored"]).await.unwrap();
    assert!(list.json["tokens"][0]["revoked_at"].is_string());
}

#[tokio::test]
async fn tables_and_times_that_cannot_be_meant_are_rejected() {
    let site = site().await;
    for (from, to, since, message) in [
        ("efface", "efface", SINCE, "--from and --to are the same table"),
        ("efface", "restored", "2999-01-01T00:00:00Z", "--since is in the future"),
    ] {
        let error = site.run(&line(from, to, since, "--yes")).await.unwrap_err();
        assert_eq!((error.exit_code(), error.code()), (2, "usage"));
        assert!(error.to_string().starts_with(message), "{error}");
    }
    let error = site.run(&line("efface", "nowhere", SINCE, "--yes")).await.unwrap_err();
    assert!(error.to_string().contains("there is no such table"), "{error}");
}

#[tokio::test]
async fn after_ctrl_c_the_same_command_goes_on() {
    let site = site().await;
    let (_sender, receiver) = watch::channel(1);
    let stopped =
        site.run_until(&line("efface", "restored", SINCE, "--yes"), &Interrupts::from_channel(receiver)).await;
    let stopped = stopped.unwrap();
    assert_eq!((stopped.exit, &stopped.json["interrupted"]), (130, &json!(true)));
    let done = site.run(&line("efface", "restored", SINCE, "--yes")).await.unwrap();
    assert_eq!((done.exit, &done.json["first_run"], &done.json["counts"]["revocations"]), (0, &json!(true), &json!(2)));
}
