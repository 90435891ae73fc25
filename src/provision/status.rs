//! What becomes of zones, whatever the way, and whose they are.

/// What a primary has under a zone's name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ZoneStatus {
    /// Nothing.
    Absent,
    /// A zone that bears this instance's mark.
    Ours,
    /// A zone of which nothing tells who made it, where zones are made without a mark.
    Unmarked,
    /// A zone that somebody else made.
    Other(Creator),
}

/// Somebody else who made a zone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Creator {
    /// It stands in the server's own configuration, or came by another mechanism of it.
    Server,
    /// It bears the mark of another instance.
    Instance(String),
}

/// Which zones a deletion may remove.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RemovalScope {
    /// Only one that bears this instance's mark.
    Marked,
    /// Also one without any mark: it is remembered to have been made here.
    Recorded,
    /// One that bears the mark of an instance, whichever: a person took it over.
    Adopted,
    /// Any that an instance made, whatever its mark: a catalog says that it is this instance's now.
    Listed,
}

impl RemovalScope {
    /// Whether a zone that stands so may be removed.
    pub fn covers(self, status: &ZoneStatus) -> bool {
        match status {
            ZoneStatus::Ours => true,
            ZoneStatus::Unmarked => matches!(self, Self::Recorded | Self::Listed),
            ZoneStatus::Other(Creator::Instance(_)) => matches!(self, Self::Adopted | Self::Listed),
            ZoneStatus::Absent | ZoneStatus::Other(Creator::Server) => false,
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
    AlreadyThere(ZoneStatus),
}

/// What became of a zone that shall not exist.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Deleted {
    /// It was there and is gone.
    Removed,
    /// It was not there.
    WasAbsent,
    /// It is there and the claim does not cover it: it was left alone.
    NotOurs(ZoneStatus),
}
