//! Whose words an intent is made of, which decides what it may name.

/// Whose words an intent is made of.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Trust {
    /// A panel sent it, whose customers choose the names.
    #[default]
    Panel,
    /// An operator typed it.
    Operator,
}
