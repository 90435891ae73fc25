//! `--trust`: whose words the names of a command are.

use clap::ValueEnum;

use crate::model::Trust;

/// Whose words the names of a command are.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct By {
    /// Whose words the names are: those of an operator, or those that customers of a panel may choose. With `panel` the
    /// command is refused what `nsbridge plesk` is refused.
    #[arg(long, value_enum, default_value_t = Word::Operator)]
    trust: Word,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Word {
    Panel,
    Operator,
}

impl By {
    /// Returns the trust that was given.
    pub(super) fn trust(self) -> Trust {
        match self.trust {
            Word::Panel => Trust::Panel,
            Word::Operator => Trust::Operator,
        }
    }
}
