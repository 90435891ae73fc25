//! What becomes of zones, whatever the way.

/// What became of a zone that shall exist.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Created {
    /// It was made and holds the full first contents.
    Full,
    /// It was made with contents that the primary chose: it is still to be filled.
    Placeholder,
    /// It was there before, with contents that are not known here.
    AlreadyThere,
}

/// What became of a zone that shall not exist.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Deleted {
    /// It was there and is gone.
    Removed,
    /// It was not there.
    WasAbsent,
}
