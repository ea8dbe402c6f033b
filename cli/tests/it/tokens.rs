//! `efface admin token`: labels, ends, last uses, and tokens that are revoked by themselves.

use efface_aws::clock::Clock;
use efface_cli::Output;
use efface_core::{time::Time, token::Token};
use serde_json::json;

use crate::{efface, site::Site, terminal::on_terminal};

async fn site() -> Site {
    let site = Site::start().await;
    site.run(&["admin", "space", "create", "spa_a"]).await.unwrap();
    site
}

async fn create(site: &Site, options: &[&str]) -> Output {
    let line = ["admin", "token", "create", "spa_a", "--role", "identity_admin"];
    site.run(&[&line[..], options].concat()).await.unwrap()
}

/// Days from now to the end of a token.
fn days(made: &Output) -> Option<i64> {
    let expires = Time::parse(made.json["expires_at"].as_str()?).unwrap();
    let created = Time::parse(made.json["created_at"].as_str().unwrap()).unwrap();
    Some((expires.second() - created.second()) / 86_400)
}

#[tokio::test]
async fn a_token_ends_after_90_days_unless_another_end_is_given() {
    let site = site().await;
    for (options, expected) in [(&[][..], Some(90)), (&["--expires-in", "7d"], Some(7)), (&["--no-expiry"], None)] {
        assert_eq!(days(&create(&site, options).await), expected, "{options:?}");
    }
    let at = create(&site, &["--expires-at", "2099-01-01T00:00:00Z"]).await;
    assert_eq!(at.json["expires_at"], "2099-01-01T00:00:00.000Z");
}

#[tokio::test]
async fn labels_last_uses_and_ends_are_listed() {
    let site = site().await;
    let made = create(&site, &["--label", "-nightly cleanup"]).await;
    create(&site, &["--no-expiry"]).await;
    let token = Token::parse(made.json["token"].as_str().unwrap()).unwrap();
    let used = Clock::system().now();
    site.store().keep_token_use(&token.hash(), used).await.unwrap();
    let list = site.run(&["admin", "token", "list", "spa_a"]).await.unwrap();
    let tokens = list.json["tokens"].as_array().unwrap();
    assert_eq!((&tokens[0]["label"], &tokens[0]["last_used_at"]), (&json!("-nightly cleanup"), &json!(used)));
    assert_eq!((&tokens[1]["label"], &tokens[1]["last_used_at"]), (&json!(null), &json!(null)));
    let lines: Vec<&str> = list.text.lines().collect();
    assert!(
        lines[0].starts_with("id ") && lines[0].contains("label") && lines[0].contains("last use"),
        "{}",
        list.text
    );
    assert!(lines[1].contains("-nightly cleanup") && lines[1].contains(&used.to_string()), "{}", list.text);
    assert!(lines[1].contains("expires ") && lines[2].ends_with("never expires"), "{}", list.text);
}

#[tokio::test]
async fn a_token_is_revoked_by_itself_and_never_shown() {
    let site = site().await;
    let made = create(&site, &["--label", "leaked"]).await;
    let (secret, id) = (made.json["token"].as_str().unwrap(), made.json["token_id"].as_str().unwrap());
    let file = site.file("leaked.txt", &format!("{secret}\n"));
    let revoke = ["admin", "token", "revoke"];
    let error = site.run(&[&revoke[..], &["spa_b", "--token-file", &file]].concat()).await.unwrap_err();
    assert_eq!((error.code(), error.exit_code()), ("not_found", 1), "another space's");
    let revoked = site.run(&[&revoke[..], &["--token-file", &file]].concat()).await.unwrap();
    assert_eq!((&revoked.json["token_id"], &revoked.json["space_id"]), (&json!(id), &json!("spa_a")));
    assert!(revoked.json["revoked_at"].is_string() && revoked.text.contains(id), "{}", revoked.text);
    assert!(!format!("{}{}", revoked.text, revoked.json).contains("eff_"));
    let unknown = site.file("unknown.txt", efface_aws::clock::token().expose());
    let error = site.run(&[&revoke[..], &["--token-file", &unknown]].concat()).await.unwrap_err();
    assert_eq!((error.code(), error.exit_code()), ("not_found", 1));
    let cut = site.file("cut.txt", &secret[..40]);
    let error = site.run(&[&revoke[..], &["--token-file", &cut]].concat()).await.unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(!error.to_string().contains(&secret[4..40]), "{error}");
}

#[tokio::test]
async fn a_token_is_revoked_from_standard_input() {
    let site = site().await;
    let made = create(&site, &[]).await;
    let secret: &'static str = made.json["token"].as_str().unwrap().to_owned().leak();
    let env_file = site.path("env");
    let line = ["--env-file", env_file.to_str().unwrap(), "admin", "token", "revoke", "--token-file", "-"];
    let run = efface(&line, [("A", String::new()), ("B", String::new()), ("C", String::new())], secret).await;
    assert_eq!(run.status.code(), Some(0), "{run:?}");
    assert!(!format!("{run:?}").contains("eff_"), "{run:?}");
    // Pasted on a terminal: it does not show it either.
    let made = create(&site, &[]).await;
    let secret = made.json["token"].as_str().unwrap();
    let typed: &'static str = format!("{secret}\n").leak();
    let run = on_terminal(&line, Vec::new(), typed).await;
    assert_eq!(run.exit, Some(0), "{run:?}");
    assert!(run.output.contains("revoked at") && !run.screen.contains("eff_"), "{run:?}");
    let list = site.run(&["admin", "token", "list", "spa_a"]).await.unwrap();
    let tokens = list.json["tokens"].as_array().unwrap();
    assert!(tokens.iter().all(|token| token["revoked_at"].is_string()), "{}", list.text);
}

#[tokio::test]
async fn a_token_is_named_in_one_way() {
    let site = site().await;
    let file = site.file("t", "x");
    let cases = [
        &["admin", "token", "revoke"][..],
        &["admin", "token", "revoke", "spa_a"],
        &["admin", "token", "revoke", "spa_a", "tok_1", "--token-file", &file],
        &["admin", "token", "create", "spa_a", "--role", "auditor", "--no-expiry", "--expires-in", "1d"],
        &["admin", "token", "create", "spa_a", "--role", "auditor", "--label", " x"],
    ];
    for line in cases {
        let run = efface(line, [("A", String::new()), ("B", String::new()), ("C", String::new())], "").await;
        assert_eq!(run.status.code(), Some(2), "{line:?}");
    }
}
