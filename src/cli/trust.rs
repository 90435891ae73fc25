//! `--trust`: whose words the names of a command are.

use clap::ValueEnum;

use crate::model::Trust;

/// Whose words the names of a command are.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct By {
    /// Whose words the names are: those of an operator, or those that customers of a panel may choose. With `panel` the
    /// command is refused what `nsbridge plesk` is refused. By default `operator`; with `sync --all`, `panel`.
    #[arg(long, value_enum)]
    trust: Option<Word>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Word {
    Panel,
    Operator,
}

impl By {
    /// Returns the trust that was given, or that of an operator.
    pub(super) fn trust(self) -> Trust {
        self.trust_or(Trust::Operator)
    }

    /// Returns the trust that was given, or this one.
    pub(super) fn trust_or(self, default: Trust) -> Trust {
        match self.trust {
            Some(Word::Panel) => Trust::Panel,
            Some(Word::Operator) => Trust::Operator,
            None => default,
        }
    }
}
