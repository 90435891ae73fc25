//! The actions of a program.

/// An action of a program.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Action {
    /// Creates the zone.
    Create,
    /// Deletes the zone.
    Delete,
    /// Reports whether the zone exists.
    Exists,
}

impl Action {
    /// Returns the word that replaces `{action}`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Delete => "delete",
            Self::Exists => "exists",
        }
    }
}
