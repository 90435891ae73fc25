//! What `--help` and the manual page of a command have beside its definition: exit statuses, files, examples.

use std::fmt::Write as _;

/// What a command has beside its definition.
#[derive(Debug)]
pub(super) struct Facts {
    /// Its words after `nsbridge`.
    pub(super) command: &'static str,
    /// Its exit statuses, each with its meaning, besides those that all commands have.
    pub(super) statuses: &'static [(u8, &'static str)],
    pub(super) uses: Uses,
    /// Command lines, each with what it is for. Tests run them.
    pub(super) examples: &'static [(&'static str, &'static str)],
    /// Other pages that help, besides those of its commands and its siblings.
    pub(super) see_also: &'static [&'static str],
}

/// The files that a command uses.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Uses {
    Nothing,
    Configuration,
    /// The configuration and the queue file.
    Queue,
    /// Those that nsupdate uses, and the configuration if an option asks for it.
    OfNsupdate,
}

impl Facts {
    /// Returns the facts of a command that is only the first word of others, which have the examples.
    pub(super) const fn of_group(
        command: &'static str,
        statuses: &'static [(u8, &'static str)],
        uses: Uses,
    ) -> Self {
        Self {
            command,
            statuses,
            uses,
            examples: &[],
            see_also: &[],
        }
    }

    /// Returns the exit statuses, each with its meaning, in order.
    pub(super) fn statuses(&self) -> Vec<(u8, &'static str)> {
        let configuration = "the configuration or a key file cannot be used";
        let queue = "the configuration, a key file or the queue file cannot be used";
        let usage = [(64, "wrong usage"), (70, "internal error")];
        let common = match self.uses {
            Uses::OfNsupdate => vec![],
            Uses::Nothing => usage.to_vec(),
            Uses::Configuration => [&usage[..], &[(78, configuration)]].concat(),
            Uses::Queue => [&usage[..], &[(78, queue)]].concat(),
        };
        let mut statuses = self.statuses.to_vec();
        let is_own = |code| self.statuses.iter().any(|(own, _)| *own == code);
        statuses.extend(common.into_iter().filter(|(code, _)| !is_own(*code)));
        statuses.sort_by_key(|(code, _)| *code);
        statuses
    }

    /// Returns the end of the long help.
    pub(super) fn help(&self) -> String {
        let mut help = String::from("Exit status:\n");
        for (code, meaning) in self.statuses() {
            writeln!(help, "  {code:>2}  {meaning}").expect("a string takes all");
        }
        if !self.examples.is_empty() {
            help.push_str("\nExamples:\n");
        }
        for (purpose, line) in self.examples {
            writeln!(help, "  {purpose}\n    {line}").expect("a string takes all");
        }
        help.trim_end().to_owned()
    }
}
