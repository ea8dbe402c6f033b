//! The command line with its help pages: each shows the settings that its command uses, wrapped to the terminal.

use std::{ffi::OsString, fmt::Write as _};

use clap::{
    Arg, ArgMatches, ColorChoice, Command, CommandFactory, FromArgMatches, error::ErrorKind, parser::ValueSource,
};

use crate::{args::Cli, exit, global::Color, output};

/// The settings of the table, by the names of the options.
const TABLE: [&str; 6] = ["table", "identifier_key_file", "log_key_file", "region", "endpoint_url", "profile"];

/// Those of a command that is told its tables otherwise.
const NAMED_TABLES: [&str; 3] = ["table", "identifier_key_file", "log_key_file"];

/// That of commands which make commitments: those that make identifiers active, and those that tell the journal of them.
const OF_LOADS: [&str; 1] = ["log_key_file"];

/// The settings of commands that only tell of the command itself.
const NONE: [&str; 8] =
    ["local", "env_file", "table", "identifier_key_file", "log_key_file", "region", "endpoint_url", "profile"];

/// The width of a help page that is not shown on a terminal, and the largest one.
const WIDTH: usize = 100;
const MAX_WIDTH: usize = 120;

/// The settings that a command does not use.
fn unused(path: &[&str]) -> &'static [&'static str] {
    match path {
        ["admin", "reapply"] => &NAMED_TABLES,
        ["load"] | ["admin", "journal" | "log", ..] => &[],
        ["admin", ..] => &OF_LOADS,
        ["completions" | "man" | "help", ..] => &NONE,
        _ => &TABLE,
    }
}

/// The command line.
pub fn command() -> Command {
    command_of_width(width())
}

/// The same for a terminal of so many columns.
fn command_of_width(width: usize) -> Command {
    let root = exit::listed(Cli::command()).term_width(width);
    let globals: Vec<Arg> = root.get_arguments().filter(|argument| argument.is_global_set()).cloned().collect();
    with_pages(root, &globals, &mut Vec::new(), width)
}

fn with_pages(mut command: Command, globals: &[Arg], path: &mut Vec<String>, width: usize) -> Command {
    if let Some(text) = command.get_after_help() {
        let text = reflow(&text.to_string(), width);
        command = command.after_help(text);
    }
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    for name in &names {
        path.push(name.clone());
        command = command.mut_subcommand(name, |sub| with_pages(sub, globals, path, width));
        path.pop();
    }
    // A command that has an option of this name itself hides the one that it would inherit.
    let hidden = globals.iter().filter(|global| !path.is_empty() && !is_used(&command, global.get_id().as_str(), path));
    let hidden: Vec<Arg> = hidden.map(|global| global.clone().hide(true)).collect();
    command.args(hidden)
}

/// Whether a command, or one below it, uses a setting.
fn is_used(command: &Command, setting: &str, path: &[String]) -> bool {
    if command.has_subcommands() {
        return command.get_subcommands().any(|sub| {
            let path: Vec<String> = path.iter().cloned().chain([sub.get_name().to_owned()]).collect();
            is_used(sub, setting, &path)
        });
    }
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    !unused(&path).contains(&setting)
}

/// Parses a command line.
///
/// # Errors
/// What is wrong with it; or the help page or the version that it asks for.
pub fn parse(line: impl IntoIterator<Item: Into<OsString>>) -> Result<Cli, clap::Error> {
    let line: Vec<OsString> = line.into_iter().map(Into::into).collect();
    let color = match asked_color(&texts(&line)) {
        Color::Auto if output::is_colour_unwanted() => ColorChoice::Never,
        Color::Auto => ColorChoice::Auto,
        Color::Always => ColorChoice::Always,
        Color::Never => ColorChoice::Never,
    };
    let mut command = command().color(color);
    let matches = command.try_get_matches_from_mut(line)?;
    reject_unused(&mut command, &matches)?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// Rejects a setting that the command does not use: somebody who gives an AWS profile to a command of the HTTP API may
/// believe that it selects the stack.
fn reject_unused(command: &mut Command, matches: &ArgMatches) -> Result<(), clap::Error> {
    let (mut path, mut leaf) = (Vec::new(), matches);
    while let Some((name, below)) = leaf.subcommand() {
        path.push(name);
        leaf = below;
    }
    let is_given = |setting: &&&str| leaf.value_source(setting) == Some(ValueSource::CommandLine);
    let Some(setting) = unused(&path).iter().find(is_given) else { return Ok(()) };
    let (option, path) = (setting.replace('_', "-"), path.join(" "));
    let text = format!("`efface {path}` does not use --{option}; `efface {path} --help` shows its settings");
    Err(command.error(ErrorKind::ArgumentConflict, text))
}

/// The words of a command line, for a look at its options before it is parsed.
pub(crate) fn texts(line: &[OsString]) -> Vec<String> {
    line.iter().map(|word| word.to_string_lossy().into_owned()).collect()
}

/// What `--color` says, before the command line is parsed.
fn asked_color(line: &[String]) -> Color {
    let options = line.iter().take_while(|word| *word != "--");
    let next = line.iter().skip(1);
    let value = options.zip(next.map(Some).chain([None])).find_map(|(word, next)| match word.split_once('=') {
        Some(("--color", value)) => Some(value),
        None if word == "--color" => next.map(String::as_str),
        _ => None,
    });
    match value {
        Some("always") => Color::Always,
        Some("never") => Color::Never,
        _ => Color::Auto,
    }
}

/// Whether a command line asks for JSON, before it is parsed.
pub(crate) fn asks_for_json(line: &[String]) -> bool {
    line.iter().take_while(|word| *word != "--").any(|word| word == "--json")
}

/// The columns of a help page.
fn width() -> usize {
    let terminal = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    let columns = || std::env::var("COLUMNS").ok().and_then(|columns| columns.parse::<usize>().ok());
    columns().or(terminal).filter(|width| *width >= 20).unwrap_or(WIDTH).min(MAX_WIDTH)
}

/// A line of the sources that is at least so long ended because the next word had no room.
const FULL_LINE: usize = 85;

/// Wraps a text, which the sources wrap at 120 columns, to another width. Examples stay as they are, and entries of lists
/// keep their indentation.
fn reflow(text: &str, width: usize) -> String {
    let mut paragraphs: Vec<String> = Vec::new();
    let (mut is_example, mut was_full) = (false, false);
    for line in text.lines() {
        is_example = line.starts_with("Example") || is_example && !line.is_empty();
        let indent = |line: &str| line.len() - line.trim_start().len();
        // What follows a line at the margin stands there, too; what follows an entry of a list is indented further.
        let goes_on = |last: &String| {
            if indent(last) == 0 { indent(line) == 0 } else { indent(line) > indent(last) }
        };
        match paragraphs.last_mut() {
            Some(last) if was_full && !is_example && !line.is_empty() && goes_on(last) => {
                _ = write!(last, " {}", line.trim_start());
            }
            _ => paragraphs.push(line.to_owned()),
        }
        was_full = line.chars().count() >= FULL_LINE && !is_example;
        if is_example {
            paragraphs.last_mut().into_iter().for_each(|last| last.insert(0, EXAMPLE));
        }
    }
    let wrapped = paragraphs.iter().map(|paragraph| match paragraph.strip_prefix(EXAMPLE) {
        Some(example) => continued(example, width),
        None => wrap(paragraph, width),
    });
    wrapped.collect::<Vec<_>>().join("\n")
}

/// Marks a line of an example within [`reflow`].
const EXAMPLE: char = '\0';

/// A line of an example. A long one is continued before an option, as a POSIX shell reads it.
fn continued(example: &str, width: usize) -> String {
    let mut lines = vec![String::new()];
    for (at, part) in example.split(" --").enumerate() {
        let part = if at == 0 { part.to_owned() } else { format!("--{part}") };
        match lines.last_mut() {
            Some(line) if at > 0 && line.chars().count() + part.chars().count() + 3 > width => {
                line.push_str(" \\");
                lines.push(format!("      {part}"));
            }
            Some(line) => {
                line.push_str(if at == 0 { "" } else { " " });
                line.push_str(&part);
            }
            None => {}
        }
    }
    lines.join("\n")
}

/// Wraps one paragraph. Its further lines begin where the text of its first one does.
fn wrap(paragraph: &str, width: usize) -> String {
    let text = paragraph.trim_start();
    let mut hanging = paragraph.len() - text.len();
    if hanging > 0
        && let Some((term, rest)) = text.split_once("  ")
    {
        hanging += term.chars().count() + 2 + rest.len() - rest.trim_start().len();
    }
    let mut lines = vec![paragraph[..paragraph.len() - text.len()].to_owned()];
    let mut is_first = true;
    // Blanks within a line align the entries of a list; they are kept.
    for word in text.split(' ') {
        let line = lines.last().map_or(0, |line| line.chars().count());
        if !is_first && !word.is_empty() && line + 1 + word.chars().count() > width {
            lines.push(" ".repeat(hanging) + word);
        } else if let Some(line) = lines.last_mut() {
            line.push_str(if is_first { "" } else { " " });
            line.push_str(word);
        }
        is_first = false;
    }
    lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_wrapped_and_examples_are_not() {
        let long = "word ".repeat(22);
        let text = format!("{long}\nand more.\n\nExample:\n  {long}\n\nExit codes:\n  0  {long}\n     end\n  1  b");
        for width in [40, 60, 100] {
            let wrapped = reflow(&text, width);
            let lines = wrapped.lines().filter(|line| !line.starts_with("  word"));
            assert!(lines.clone().all(|line| line.chars().count() <= width), "{wrapped}");
            assert!(wrapped.contains(&format!("\n\nExample:\n  {long}\n\nExit codes:\n  0  word word")), "{wrapped}");
            assert!(wrapped.ends_with("end\n  1  b") && wrapped.contains("\n     word"), "{wrapped}");
        }
        let list = format!("{}\n  x  y", "word ".repeat(20).trim_end());
        assert_eq!(reflow(&list, 120), list, "a list is no part of the paragraph before it");
        let example = "Example:\n  efface bulk people.csv --space spa_demo --action delete_identifier";
        let continued =
            "Example:\n  efface bulk people.csv \\\n      --space spa_demo \\\n      --action delete_identifier";
        assert_eq!(reflow(example, 40), continued);
        let short = "a\nb\n\n  x  y\n  z  y";
        assert_eq!(reflow(short, 40), short, "lines that are not full are lines of their own");
    }

    #[test]
    fn the_words_before_parsing_are_options_only() {
        let line = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(asked_color(&line("efface --color=never x")), Color::Never);
        assert_eq!(asked_color(&line("efface x --color always")), Color::Always);
        assert_eq!(asked_color(&line("efface x -- --color always")), Color::Auto);
        assert!(asks_for_json(&line("efface x --json")) && !asks_for_json(&line("efface x -- --json")));
    }
}
