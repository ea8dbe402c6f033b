//! `efface completions` and `efface man`: what a shell and `man` know of the command. Both are made from the command line
//! itself.

use std::{fs, io, path::PathBuf};

use clap::Args;
use clap_complete::{Shell, generate};
use serde_json::json;

use crate::{CliError, Output, help};

const COMPLETIONS_HELP: &str = "\
Example:
  efface completions bash > ~/.local/share/bash-completion/completions/efface
  efface completions zsh > ~/.zfunc/_efface
  efface completions fish > ~/.config/fish/completions/efface.fish";

const MAN_HELP: &str = "\
Example:
  efface man ~/.local/share/man/man1
  man efface-jobs-status";

/// The options of `efface completions`.
#[derive(Args)]
#[command(after_help = COMPLETIONS_HELP)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

/// The options of `efface man`.
#[derive(Args)]
#[command(after_help = MAN_HELP)]
pub struct Man {
    /// The folder to write to. It is made if it does not exist
    folder: PathBuf,
}

pub(crate) fn completions(completions: &Completions) -> Output {
    let mut script = Vec::new();
    generate(completions.shell, &mut help::command(), "efface", &mut script);
    let script = String::from_utf8_lossy(&script).trim_end().to_owned();
    let json = json!({"shell": completions.shell.to_string(), "script": script});
    Output::success(script, json)
}

pub(crate) fn man(man: &Man) -> Result<Output, CliError> {
    let written = write(man).map_err(|source| CliError::File { path: man.folder.clone(), source })?;
    let text = format!("{} pages were written to {}.", written.len(), man.folder.display());
    Ok(Output::success(text, json!({"folder": man.folder, "pages": written})))
}

/// Writes a page for each command. Returns the names of the files.
fn write(man: &Man) -> io::Result<Vec<String>> {
    fs::create_dir_all(&man.folder)?;
    let mut root = help::command().disable_help_subcommand(true);
    root.build();
    let mut names = Vec::new();
    write_page(&root, man, &mut names)?;
    Ok(names)
}

fn write_page(command: &clap::Command, man: &Man, names: &mut Vec<String>) -> io::Result<()> {
    let page = clap_mangen::Man::new(command.clone());
    page.generate_to(&man.folder)?;
    names.push(page.get_filename());
    command.get_subcommands().filter(|sub| !sub.is_hide_set()).try_for_each(|sub| write_page(sub, man, names))
}
