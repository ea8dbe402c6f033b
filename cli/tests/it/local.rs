//! `--local` with none, one and two running `cargo local`s, whose settings files are locked.

use std::{
    fs::{self, File},
    path::Path,
};

use clap::Parser;
use efface_cli::{Cli, Interrupts};

use crate::site::Site;

/// The settings file of a `cargo local` that runs until this is dropped.
fn started(target: &Path, port: u16, settings: &str) -> File {
    let folder = target.join(format!("local/{port}"));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("env"), settings).unwrap();
    let file = File::open(folder.join("env")).unwrap();
    file.lock().unwrap();
    file
}

/// Creates a space. The error's message, or nothing.
async fn create(target: &Path, option: &str, space: &str) -> String {
    let cli = Cli::try_parse_from(["efface", option, "--json", "admin", "space", "create", space]).unwrap();
    let env = |name: &str| (name == "CARGO_TARGET_DIR").then(|| target.display().to_string());
    let ran = efface_cli::run(&cli, &env, &Interrupts::never()).await;
    ran.err().map(|error| error.to_string()).unwrap_or_default()
}

#[tokio::test]
async fn the_only_running_one_is_used_and_several_need_a_port() {
    let (site, other) = (Site::start().await, Site::start().await);
    let target = site.path("target");
    assert!(create(&target, "--local", "spa_a").await.starts_with("`cargo local` does not run"));
    let first = started(&target, 9000, &fs::read_to_string(site.path("env")).unwrap());
    assert_eq!(create(&target, "--local", "spa_a").await, "");
    assert!(site.items().await.iter().any(|item| item.contains("S#spa_a")));

    let second = started(&target, 9001, &fs::read_to_string(other.path("env")).unwrap());
    let several = "several `cargo local` run, on ports 9000, 9001: choose one with --local=PORT";
    assert_eq!(create(&target, "--local", "spa_b").await, several);
    assert_eq!(create(&target, "--local=9001", "spa_b").await, "");
    assert!(other.items().await.iter().any(|item| item.contains("S#spa_b")));
    assert_eq!(
        create(&target, "--local=1", "spa_b").await,
        "no `cargo local` runs on port 1; those that run are on: 9000, 9001"
    );

    // A killed one leaves its file, which is locked no longer.
    drop(first);
    assert_eq!(create(&target, "--local", "spa_c").await, "");
    assert!(other.items().await.iter().any(|item| item.contains("S#spa_c")));
    drop(second);
    assert!(create(&target, "--local", "spa_d").await.starts_with("`cargo local` does not run"));
}
