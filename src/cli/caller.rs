//! The command that runs in this process, as the log of what was done names it.

use std::sync::OnceLock;

static COMMAND: OnceLock<String> = OnceLock::new();

/// Notes the words of the command, without its arguments.
pub(super) fn set(matches: &clap::ArgMatches) {
    let mut words = Vec::new();
    let mut level = Some(matches);
    while let Some((word, below)) = level.and_then(clap::ArgMatches::subcommand) {
        words.push(word);
        level = Some(below);
    }
    // Only the first command of a process counts.
    COMMAND.set(words.join(" ")).ok();
}

/// Returns the command and the number of its process, as in `plesk[4711]`.
pub(super) fn name() -> String {
    let command = COMMAND.get().map_or("nsupdate", String::as_str);
    format!("{command}[{}]", std::process::id())
}
