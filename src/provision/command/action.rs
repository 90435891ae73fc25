//! What a program can be asked to do.

/// What a program is asked to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Action {
    /// To make the zone exist.
    Create,
    /// To make it not exist.
    Delete,
    /// To say whether it exists.
    Exists,
}

impl Action {
    /// The word that stands for `{action}`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Delete => "delete",
            Self::Exists => "exists",
        }
    }
}
