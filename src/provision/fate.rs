//! What becomes of zones, whatever the way, and whose they are.

/// What a primary has under a zone's name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Standing {
    /// Nothing.
    Absent,
    /// A zone that bears this instance's mark.
    Ours,
    /// A zone of which nothing tells who made it, where zones are made without a mark.
    Unmarked,
    /// A zone that somebody else made.
    Others(Owner),
}

/// Somebody else who made a zone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Owner {
    /// It stands in the server's own configuration, or came by another mechanism of it.
    Server,
    /// It bears the mark of another instance.
    Instance(String),
}

/// Which zones a deletion may remove.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Claim {
    /// Only one that bears this instance's mark.
    Marked,
    /// Also one without any mark: it is remembered to have been made here.
    Remembered,
    /// One that bears the mark of an instance, whichever: a person took it over.
    Adopted,
    /// Any that an instance made, whatever its mark: a catalog says that it is this instance's now.
    Held,
}

impl Claim {
    /// Whether a zone that stands so may be removed.
    pub fn covers(self, standing: &Standing) -> bool {
        match standing {
            Standing::Ours => true,
            Standing::Unmarked => matches!(self, Self::Remembered | Self::Held),
            Standing::Others(Owner::Instance(_)) => matches!(self, Self::Adopted | Self::Held),
            Standing::Absent | Standing::Others(Owner::Server) => false,
        }
    }
}

/// What became of a zone that shall exist.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Created {
    /// It was made and holds the full first contents.
    Full,
    /// It was made with contents that the primary chose: it is still to be filled.
    Placeholder,
    /// It was there before, with contents that are not known here.
    AlreadyThere(Standing),
}

/// What became of a zone that shall not exist.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Deleted {
    /// It was there and is gone.
    Removed,
    /// It was not there.
    WasAbsent,
    /// It is there and the claim does not cover it: it was left alone.
    NotOurs(Standing),
}
