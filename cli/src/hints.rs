//! Commands that messages suggest. They repeat the settings that the user gave, so that they can be pasted.

use std::{borrow::Cow, cell::RefCell, fmt::Display, path::Path};

use crate::global::Global;

tokio::task_local! {
    static GIVEN: RefCell<Given>;
}

/// The settings of the command that runs, as options with a blank before each.
#[derive(Default)]
struct Given {
    global: String,
    api: String,
    /// Only a load has it.
    log_key: String,
}

/// Runs a command. What it suggests has its settings.
pub(crate) async fn scope<T>(global: &Global, work: impl Future<Output = T>) -> T {
    if GIVEN.try_with(|_| ()).is_ok() {
        return work.await;
    }
    GIVEN.scope(RefCell::new(Given { global: given(global), api: String::new(), log_key: log_key(global) }), work).await
}

/// Notes the options for the API that the command uses.
pub(crate) fn use_api(options: &[(&str, Option<String>)]) {
    let options: String = options.iter().filter_map(|(name, value)| Some(option(name, value.as_deref()?))).collect();
    _ = GIVEN.try_with(|given| given.borrow_mut().api = options);
}

/// A command that uses the HTTP API, with the same space, API and token as the one that runs.
pub(crate) fn api_command(line: impl Display) -> String {
    let given = GIVEN.try_with(|given| format!("{}{}", given.borrow().api, given.borrow().global));
    format!("efface {line}{}", given.unwrap_or_default())
}

/// A load, with the same table and keys as the one that runs.
pub(crate) fn load_command(line: impl Display) -> String {
    let given = GIVEN.try_with(|given| given.borrow().log_key.clone());
    format!("{}{}", table_command(format_args!("load {line}")), given.unwrap_or_default())
}

/// A command that uses the table, with the same one as the one that runs.
pub(crate) fn table_command(line: impl Display) -> String {
    let given = GIVEN.try_with(|given| given.borrow().global.clone());
    format!("efface {line}{}", given.unwrap_or_default())
}

fn log_key(global: &Global) -> String {
    let path = global.log_key_file.as_ref().map(|path| option("--log-key-file", &path.to_string_lossy()));
    path.unwrap_or_default()
}

fn given(global: &Global) -> String {
    let local = global.local.map(|port| port.map_or(" --local".to_owned(), |port| format!(" --local={port}")));
    let path = |path: &Option<_>| path.as_deref().map(|path: &Path| path.to_string_lossy().into_owned());
    let named = [
        ("--env-file", path(&global.env_file)),
        ("--table", global.table.clone()),
        ("--identifier-key-file", path(&global.identifier_key_file)),
        ("--region", global.region.clone()),
        ("--endpoint-url", global.endpoint_url.clone()),
        ("--profile", global.profile.clone()),
    ];
    let named = named.iter().filter_map(|(name, value)| Some(option(name, value.as_deref()?)));
    local.into_iter().chain(named).collect()
}

fn option(name: &str, value: &str) -> String {
    format!(" {name} {}", quoted(value))
}

/// A value as a word of a POSIX shell.
pub(crate) fn quoted(value: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !value.is_empty() && value.chars().all(is_plain) {
        return value.into();
    }
    format!("'{}'", value.replace('\'', "'\\''")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_a_quoted_value_as_it_is() {
        for (value, word) in
            [("a/b.csv", "a/b.csv"), ("a b", "'a b'"), ("it's", "'it'\\''s'"), ("$x", "'$x'"), ("", "''")]
        {
            assert_eq!(quoted(value), word);
        }
    }

    #[tokio::test]
    async fn a_suggestion_has_the_settings_that_were_given() {
        assert_eq!(api_command("jobs status j"), "efface jobs status j", "no command runs");
        let table = Some("my table".to_owned());
        let log_key_file = Some("log.key".into());
        let global = Global { local: Some(Some(9001)), table, log_key_file, ..Global::default() };
        let line = scope(&global, async {
            use_api(&[("--space", Some("spa_x".to_owned())), ("--token-file", None)]);
            (api_command("jobs status j"), table_command("admin space list"), load_command("a.jsonl"))
        });
        let (api, table, load) = line.await;
        assert_eq!(api, "efface jobs status j --space spa_x --local=9001 --table 'my table'");
        assert_eq!(table, "efface admin space list --local=9001 --table 'my table'");
        assert_eq!(load, "efface load a.jsonl --local=9001 --table 'my table' --log-key-file log.key");
    }
}
