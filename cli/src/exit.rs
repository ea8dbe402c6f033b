//! The exit codes of all commands. Each is defined here and nowhere else; docs/operations.md has the same table.

use clap::Command;

/// The command failed: rows failed, the API rejected a request, or the user did not confirm.
pub(crate) const FAILED: u8 = 1;
/// The command line, a setting or the file as a whole is wrong; nothing was done. clap exits with it, too.
pub(crate) const USAGE: u8 = 2;
/// There was no response, or the service is busy: the command can be repeated.
pub(crate) const UNAVAILABLE: u8 = 3;
/// Rows have an outcome that `--fail-on` names.
pub(crate) const MATCHED: u8 = 4;
/// Too many rows of the file are invalid; nothing was deleted or changed.
pub(crate) const INVALID: u8 = 5;
/// The job was paused or cancelled, or awaits its approval: it goes on only if a person lets it.
pub(crate) const HELD: u8 = 6;
/// Stopped by Ctrl-C: 128 and the number of SIGINT, as shells have it.
pub(crate) const INTERRUPTED: u8 = 130;
/// Stopped by SIGTERM: 128 and its number.
pub(crate) const TERMINATED: u8 = 143;

/// What begins a list of exit codes on a help page.
const TITLE: &str = "Exit codes:";

/// The codes that a command has that lists no others.
const USUAL: &str = "  0    success
  1    the command failed, or the API rejected it; the message says why
  2    the command line or a setting is wrong; nothing was done
  3    no response, or the service is busy; the command can safely be repeated
  130  stopped by Ctrl-C; 143: by SIGTERM";

/// Adds the usual exit codes to the help page of each command without subcommands that lists none itself.
pub(crate) fn listed(command: Command) -> Command {
    if command.has_subcommands() {
        return command.mut_subcommands(listed);
    }
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    if after.contains(TITLE) { command } else { command.after_help(format!("{after}\n\n{TITLE}\n{USUAL}")) }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::Cli;

    fn check(command: &Command) {
        command.get_subcommands().for_each(check);
        let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        if command.has_subcommands() {
            return;
        }
        assert!(after.contains(TITLE), "{}", command.get_name());
        let listed = after.split(TITLE).last().unwrap_or_default();
        let codes: Vec<u8> =
            listed.split_whitespace().filter_map(|word| word.trim_end_matches(':').parse().ok()).collect();
        assert!(codes.contains(&INTERRUPTED) && codes.contains(&TERMINATED), "{}: {codes:?}", command.get_name());
        for (option, code) in [("fail_on", MATCHED), ("max_invalid", INVALID)] {
            let has_option = command.get_arguments().any(|argument| argument.get_id() == option);
            assert_eq!(codes.contains(&code), has_option, "{}: {option}", command.get_name());
        }
    }

    #[test]
    fn every_help_page_lists_the_exit_codes_that_its_options_need() {
        check(&listed(Cli::command()));
    }
}
