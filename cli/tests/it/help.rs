//! Help pages, usage errors, completions and manual pages.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    fs,
    path::PathBuf,
    process::{Command, Output},
};

use efface_cli::Interrupts;
use futures::future::join_all;
use serde_json::Value;

use crate::site::Site;

/// The settings of the table with the variables that they stand for.
const TABLE: [(&str, &str); 3] =
    [("table", "EFFACE_TABLE"), ("identifier_key_file", "EFFACE_IDENTIFIER_KEY"), ("log_key_file", "EFFACE_LOG_KEY")];

/// Runs the program without any setting in its environment.
fn efface(line: &[&str], env: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_efface"));
    command.args(line).env_clear().envs(env.iter().copied()).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// All commands that do something, with their paths.
fn leaves(command: &clap::Command, path: &str) -> Vec<(String, clap::Command)> {
    let below: Vec<_> =
        command.get_subcommands().filter(|sub| sub.get_name() != "help" && !sub.is_hide_set()).collect();
    if below.is_empty() {
        return vec![(path.to_owned(), command.clone())];
    }
    below.iter().flat_map(|sub| leaves(sub, format!("{path} {}", sub.get_name()).trim())).collect()
}

/// The command line with what commands inherit.
fn built() -> clap::Command {
    let mut command = efface_cli::command();
    command.build();
    command
}

/// The settings that a page shows.
fn shown(command: &clap::Command) -> BTreeSet<String> {
    let arguments = command.get_arguments().filter(|argument| !argument.is_hide_set());
    arguments.map(|argument| argument.get_id().to_string()).collect()
}

/// The first example of a command's page, as words. Files are replaced by one that exists, and questions are left out.
fn example(path: &str, command: &clap::Command, site: &Site) -> Vec<String> {
    let page = command.get_after_help().unwrap().to_string().replace(" \\\n      ", " ");
    let mut lines = page.lines().filter_map(|line| line.trim().strip_prefix("efface "));
    let line = lines.find(|line| line.starts_with(path)).unwrap_or_default();
    let line = line.split_once("  ").map_or(line, |(line, _)| line);
    // A quoted word stays one.
    let parts = line.split('\'').enumerate();
    let line: String =
        parts.map(|(at, part)| if at % 2 == 1 { part.replace(' ', "-") } else { part.to_owned() }).collect();
    let line = line.split(" > ").next().unwrap().split(" < ").next().unwrap();
    let file = site.file("rows.jsonl", "\"email:nobody@example.com\"\n");
    let is_file = |word: &str| [".csv", ".jsonl", ".json", ".txt"].iter().any(|end| word.ends_with(end));
    let mut words: Vec<String> =
        line.split(' ').map(|word| if is_file(word) { file.clone() } else { word.to_owned() }).collect();
    if command.get_arguments().any(|argument| argument.get_id() == "yes") && !line.contains("--yes") {
        words.push("--yes".to_owned());
    }
    if path == "admin stop" {
        words.push("--no-wait".to_owned());
    }
    words
}

/// Runs the example of every command, and compares the settings that it reads with those that its page shows. All at once:
/// most of them try for seconds to reach an API that is not there.
#[tokio::test]
async fn every_page_shows_the_settings_that_its_command_uses_and_no_others() {
    let site = Site::start().await;
    let env_file = site.path("env");
    let settings = fs::read_to_string(&env_file).unwrap();
    let in_env = |line: &&str| !line.starts_with("AWS_");
    let (env, file): (Vec<&str>, Vec<&str>) = settings.lines().partition(in_env);
    fs::write(&env_file, file.join("\n")).unwrap();
    let commands = leaves(&built(), "").into_iter().filter(|(path, _)| path != "completions" && path != "man");
    let checks = commands.map(async |(path, command)| {
        let words = example(&path, &command, &site);
        assert!(words.join(" ").starts_with(&path), "{path}: its example is `{}`", words.join(" "));
        let start = ["efface", "--env-file", env_file.to_str().unwrap()].map(str::to_owned);
        let cli = efface_cli::parse(start.into_iter().chain(words)).unwrap_or_else(|error| panic!("{path}: {error}"));
        let read = RefCell::new(BTreeSet::new());
        let token = efface_aws::clock::token().expose().to_owned();
        let lookup = |name: &str| {
            read.borrow_mut().insert(name.to_owned());
            match name {
                // Nothing listens there.
                "EFFACE_API_URL" => Some("http://127.0.0.1:9".to_owned()),
                "EFFACE_TOKEN" => Some(token.clone()),
                _ => env.iter().find_map(|line| line.strip_prefix(&format!("{name}="))).map(str::to_owned),
            }
        };
        _ = Box::pin(efface_cli::run(&cli, &lookup, &Interrupts::never())).await;
        let shown = shown(&command);
        let read = read.into_inner();
        for (setting, variable) in TABLE {
            assert_eq!(shown.contains(setting), read.contains(variable), "{path}: {setting}");
        }
        let uses_api = read.contains("EFFACE_API_URL");
        assert_eq!(shown.contains("api_url"), uses_api, "{path}: --api-url");
        for setting in ["region", "endpoint_url", "profile"] {
            let uses_table = read.contains("EFFACE_TABLE") || path == "admin reapply";
            assert_eq!(shown.contains(setting), uses_table, "{path}: --{setting}");
        }
        for setting in ["local", "env_file", "json", "quiet", "verbose", "color"] {
            assert!(shown.contains(setting), "{path}: --{setting}");
        }
    });
    let checked = join_all(checks).await.len();
    assert!(checked > 30, "{checked}");
}

/// An AWS profile does not select the stack of a command of the HTTP API.
#[test]
fn a_setting_that_a_command_does_not_use_is_rejected() {
    for line in [["--profile", "prod", "jobs", "list"], ["jobs", "list", "--region", "eu-west-1"]] {
        let output = efface(&line, &[]);
        assert_eq!(output.status.code(), Some(2), "{line:?}");
        assert!(stderr(&output).contains("`efface jobs list` does not use --"), "{}", stderr(&output));
    }
    let page = stdout(&efface(&["jobs", "list", "--help"], &[]));
    assert!(!page.contains("--table") && page.contains("--api-url") && page.contains("--local"), "{page}");
    let page = stdout(&efface(&["completions", "--help"], &[]));
    assert!(!page.contains("--local") && page.contains("--color"), "{page}");
}

#[test]
fn pages_are_as_wide_as_the_terminal() {
    for columns in ["60", "80", "100"] {
        let width: usize = columns.parse().unwrap();
        let page = stdout(&efface(&["bulk", "--help"], &[("COLUMNS", columns)]));
        let is_text = |line: &&str| !line.contains("efface ") && !line.contains("possible values");
        let longest = page.lines().filter(is_text).map(|line| line.chars().count()).max();
        assert!(longest <= Some(width) && longest > Some(width - 15), "{columns}: {longest:?}\n{page}");
        assert!(page.contains("\n  130  stopped by Ctrl-C"), "{page}");
    }
}

#[test]
fn a_usage_error_is_json_where_json_is_asked_for() {
    for line in [
        &["jobs", "list", "--json", "--state", "sleeping"][..],
        &["--json", "jobs", "lst"],
        &["--json"],
        &["--json", "--table", "t", "jobs", "list"],
    ] {
        let output = efface(line, &[]);
        assert_eq!(output.status.code(), Some(2), "{line:?}");
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(document["error"]["code"], "usage", "{document}");
        let message = document["error"]["message"].as_str().unwrap();
        assert!(!message.is_empty() && !message.contains("Usage:") && !message.starts_with("error"), "{message}");
        assert_eq!(stderr(&output), "");
    }
    let output = efface(&["jobs", "lst"], &[]);
    assert!(output.stdout.is_empty() && stderr(&output).contains("Usage:"));
}

#[test]
fn colour_is_as_asked() {
    let is_coloured = |line: &[&str], env: &[(&str, &str)]| stderr(&efface(line, env)).contains('\u{1b}');
    assert!(!is_coloured(&["jobs", "list"], &[]), "stderr is no terminal");
    for (line, of_usage) in [(["jobs", "list"], false), (["jobs", "lst"], true)] {
        let [group, verb] = line;
        assert!(is_coloured(&["--color", "always", group, verb], &[("NO_COLOR", "1")]), "usage: {of_usage}");
        assert!(!is_coloured(&["--color=never", group, verb], &[]), "usage: {of_usage}");
        assert!(!is_coloured(&[group, verb], &[("NO_COLOR", "1")]), "usage: {of_usage}");
    }
}

#[test]
fn the_version_names_the_commit() {
    let version = stdout(&efface(&["--version"], &[]));
    assert_eq!(version.trim(), format!("efface {}", efface_aws::version::TEXT));
    assert!(version.contains("(commit "), "{version}");
}

#[test]
fn shells_complete_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = stdout(&efface(&["completions", shell], &[]));
        for word in ["segments", "delete-users", "api-url", "completions"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("man-{}", std::process::id()));
    let output = efface(&["--json", "man", folder.to_str().unwrap()], &[]);
    let written: Value = serde_json::from_slice(&output.stdout).unwrap();
    let pages: BTreeSet<String> =
        fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(written["pages"].as_array().unwrap().len(), pages.len());
    for (path, _) in leaves(&built(), "") {
        assert!(pages.contains(&format!("efface-{}.1", path.replace(' ', "-"))), "{path}: {pages:?}");
    }
    let page = fs::read_to_string(folder.join("efface-jobs-list.1")).unwrap();
    assert!(page.contains("api\\-url") && !page.contains("identifier\\-key"), "{page}");
    fs::remove_dir_all(&folder).unwrap();
}
