//! The status of a zone, and the outcome of a creation, of a deletion or of new keys, for all provisioners.

use std::fmt;

/// The status of a zone on a primary.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ZoneStatus {
    /// The zone does not exist.
    Absent,
    /// The zone bears this instance's mark.
    Ours,
    /// The zone bears no mark, and this instance's own zones may bear none either.
    Unmarked,
    /// The zone has another creator.
    Other(Creator),
}

/// Another creator of a zone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Creator {
    /// The server's own configuration, or another mechanism of the server.
    Server,
    /// Another instance, named by the mark.
    Instance(String),
}

/// The zones that a deletion may remove.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RemovalScope {
    /// Only a zone that bears this instance's mark.
    Marked,
    /// Also a zone without a mark: the state records that this instance created it.
    Recorded,
    /// Also a zone that bears another instance's mark: the operator had this instance adopt it.
    Adopted,
    /// Any zone of an instance, with any mark or none: a catalog lists it as this instance's.
    Listed,
}

impl RemovalScope {
    /// Returns whether a zone with this status may be removed.
    pub fn covers(self, status: &ZoneStatus) -> bool {
        match status {
            ZoneStatus::Ours => true,
            ZoneStatus::Unmarked => matches!(self, Self::Recorded | Self::Listed),
            ZoneStatus::Other(Creator::Instance(_)) => matches!(self, Self::Adopted | Self::Listed),
            ZoneStatus::Absent | ZoneStatus::Other(Creator::Server) => false,
        }
    }
}

/// The outcome of a creation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Created {
    /// The zone was created with the full first contents.
    Full,
    /// The zone was created, possibly with other contents: the caller must still fill it.
    Placeholder,
    /// The zone existed before, with unknown contents.
    AlreadyThere(ZoneStatus),
}

/// The outcome of a deletion.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Deleted {
    /// The zone was removed.
    Removed,
    /// The zone did not exist.
    WasAbsent,
    /// The zone stays: the scope of the deletion does not cover it.
    NotOurs(ZoneStatus),
}

/// The outcome of new keys for a zone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Rekeyed {
    /// The keys of the zone were changed.
    Changed,
    /// The zone had the keys before.
    Unchanged,
    /// No command changes the keys of the zone.
    Elsewhere(KeyPlace),
}

/// Where a person sets the keys of a zone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum KeyPlace {
    /// BIND: named.conf.
    NamedConf,
    /// BIND: this template in named.conf.
    Template(String),
    /// Knot: the `acl` of the zone, or of the template of member zones.
    Acl,
    /// PowerDNS: the metadata of a zone that another program created.
    Metadata,
    /// The server is not known.
    Server,
}

impl fmt::Display for KeyPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NamedConf => f.write_str("named.conf"),
            Self::Template(name) => write!(f, "`template {name}` of named.conf"),
            Self::Acl => f.write_str("an `acl` of knot.conf"),
            Self::Metadata => f.write_str("the zone's metadata"),
            Self::Server => f.write_str("the server's configuration"),
        }
    }
}
