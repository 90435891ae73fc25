//! What a check can come to: closed enums, whose text is made here and nowhere read.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;

use crate::deliver::error::{Failure, Retry};
use crate::deliver::server::CatalogCensus;
use crate::deliver::state::{Provenance, ZoneKey};
use crate::model::{Name, RecordType, ZoneName};
use crate::provision::{Gap, Remedy, Subject};
use crate::wire::Rcode;
use crate::zonefile;

/// What is checked, and how.
#[derive(Clone, Debug)]
pub struct CheckSettings {
    /// The name of this installation.
    pub instance: String,
    /// Whether a zone is really made, and removed.
    pub create: bool,
    /// Zones that are remembered as this instance's (made, adopted or delivered to), and how they came to be.
    pub held: HashMap<ZoneKey, Provenance>,
    /// Seconds since 1970, for signatures.
    pub clock: fn() -> u64,
}

/// One thing that was checked on a primary.
#[derive(Debug)]
pub struct Checked {
    /// What was checked.
    pub check: Check,
    /// How it is.
    pub verdict: Verdict,
}

/// What is checked on a primary, in this order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Check {
    /// A connection, over TLS where that is configured.
    Reachable,
    /// The key that signs updates and queries.
    Key(Name),
    /// How far its clock is from ours.
    Clock,
    /// The transfer of a zone; of any, where none is known.
    Transfer(Option<ZoneName>),
    /// Updates of a zone; of any, where none is known.
    Update(Option<ZoneName>),
    /// The catalog that it keeps.
    Catalog(ZoneName),
    /// Adding members to that catalog.
    Members(ZoneName),
    /// Whose a zone is, by that catalog or by the mark of who made it.
    Owner(ZoneName),
    /// How zones are made there.
    Provision(Subject),
}

/// How something is.
#[derive(Debug)]
pub enum Verdict {
    /// As it must be.
    Good(Fact),
    /// It works, and not for long.
    Odd(Fact),
    /// Not as it must be.
    Bad(Box<Bad>),
    /// Not known.
    Open(Doubt),
    /// Not tried, since this is not as it must be.
    Untried(Check),
}

/// Something that is not as it must be.
#[derive(Debug)]
pub struct Bad {
    /// Why.
    pub trouble: Trouble,
    /// What to do about it.
    pub hint: String,
    /// The lines to write, where they are known.
    pub remedy: Option<Remedy>,
}

/// What there is to say of something that works.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fact {
    /// Nothing more.
    Plain,
    /// The address that was connected to.
    Connected(SocketAddr),
    /// The primary's clock less ours, in seconds.
    Offset(i64),
    /// The primary's zones are not read by transfer.
    ReadFromMemory,
    /// It is this instance's.
    Ours,
    /// It is nobody's.
    Nobodys,
    /// Whose the catalog's members are, and what is wrong with some.
    Members(CatalogCensus),
    /// This zone was made and removed.
    MadeAndRemoved(ZoneName),
}

/// Why something does not work.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// As a delivery would fail.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// Some types of records may be updated and others not.
    #[error("the primary refuses updates of the types {}", words(types))]
    TypesRefused {
        /// Those that may not.
        types: Vec<RecordType>,
        /// The key that the requests were signed with.
        key: Name,
    },
    /// A zone that was made for the check is still there.
    #[error("the zone `{zone}` was created and could not be removed: {failure}")]
    LeftBehind {
        /// The zone.
        zone: ZoneName,
        /// Why.
        failure: Failure,
    },
    /// A zone that was made for the check takes no updates.
    #[error("the zone `{zone}` was created and removed, and could not be updated: {trouble}")]
    NotUpdatable {
        /// The zone.
        zone: ZoneName,
        /// Why.
        trouble: Box<Self>,
    },
}

/// Why something is not known.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Doubt {
    /// No zone of the primary is named or remembered.
    NoZone,
    /// The zone is not there yet; it would be made.
    ZoneAbsent,
    /// A question that may be about no zone of the primary's was answered without a signature.
    Unsigned(Rcode),
    /// Only a creation tells.
    Creation(Gap),
    /// Somebody else has the zone that would be made.
    Taken(ZoneName),
}

impl Trouble {
    /// Whether waiting helps or a person must act.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Failure(failure) => failure.retry(),
            Self::TypesRefused { .. } | Self::LeftBehind { .. } => Retry::Permanent,
            Self::NotUpdatable { trouble, .. } => trouble.retry(),
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Failure(failure) => failure.hint(),
            Self::TypesRefused { key, .. } => format!(
                "allow them in the zone's configuration, or all types: `update-policy {{ grant \
                 \"{}\" zonesub ANY; }};`",
                key.to_text_without_dot()
            ),
            Self::NotUpdatable { trouble, .. } => trouble.hint(),
            Self::LeftBehind { zone, .. } => format!(
                "the next `nsbridge check --create` removes it, or remove it by hand: `rndc \
                 delzone -clean {}` on BIND",
                zone.apex().to_text_without_dot()
            ),
        }
    }
}

impl Doubt {
    /// What to do to know it.
    pub fn hint(&self) -> String {
        match self {
            Self::NoZone | Self::Unsigned(_) => {
                "name a zone that this primary has: `nsbridge check ZONE`".to_owned()
            }
            Self::ZoneAbsent => "check it again when it is there".to_owned(),
            Self::Creation(gap) => gap.hint(),
            Self::Taken(zone) => format!(
                "remove the zone `{zone}` from the server: its name is reserved for this check"
            ),
        }
    }
}

impl Check {
    /// The zone that it is about.
    pub fn zone(&self) -> Option<&ZoneName> {
        match self {
            Self::Transfer(zone) | Self::Update(zone) => zone.as_ref(),
            Self::Catalog(zone) | Self::Members(zone) | Self::Owner(zone) => Some(zone),
            Self::Reachable | Self::Key(_) | Self::Clock | Self::Provision(_) => None,
        }
    }

    /// A word for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Reachable => "reachable",
            Self::Key(_) => "key",
            Self::Clock => "clock",
            Self::Transfer(_) => "transfer",
            Self::Update(_) => "update",
            Self::Catalog(_) => "catalog",
            Self::Members(_) => "catalog-update",
            Self::Owner(_) => "owner",
            Self::Provision(Subject::Channel) => "control-channel",
            Self::Provision(Subject::Creation) => "zone-creation",
            Self::Provision(Subject::Contents) => "first-contents",
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reachable => f.write_str("connection"),
            Self::Key(name) => write!(f, "key `{}`", name.to_text_without_dot()),
            Self::Clock => f.write_str("clock"),
            Self::Transfer(Some(zone)) => write!(f, "transfer of {zone}"),
            Self::Transfer(None) => f.write_str("transfers"),
            Self::Update(Some(zone)) => write!(f, "updates of {zone}"),
            Self::Update(None) => f.write_str("updates"),
            Self::Catalog(zone) => write!(f, "catalog {zone}"),
            Self::Members(zone) => write!(f, "updates of the catalog {zone}"),
            Self::Owner(zone) => write!(f, "owner of {zone}"),
            Self::Provision(subject) => subject.fmt(f),
        }
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain => Ok(()),
            Self::Connected(peer) => write!(f, "to {peer}"),
            // Signatures count whole seconds, and one may begin on the way.
            Self::Offset(-1..=1) => f.write_str("the same as ours"),
            Self::Offset(seconds) => {
                let where_to = if *seconds < 0 { "behind" } else { "ahead of" };
                write!(f, "{} s {where_to} ours", seconds.unsigned_abs())
            }
            Self::ReadFromMemory => f.write_str("not needed (`read = \"memory\"`)"),
            Self::Ours => f.write_str("this instance"),
            Self::Nobodys => f.write_str("nobody"),
            Self::Members(census) => {
                write!(f, "{} of this instance", count(census.ours, "zone"))?;
                for (instance, zones) in &census.others {
                    write!(f, ", {} of `{instance}`", count(*zones, "zone"))?;
                }
                if census.unmarked > 0 {
                    write!(f, ", {} of nobody", count(census.unmarked, "zone"))?;
                }
                for problem in &census.problems {
                    write!(f, "; {problem}")?;
                }
                Ok(())
            }
            Self::MadeAndRemoved(zone) => write!(f, "`{zone}` was created and removed"),
        }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoZone => f.write_str("no zone of this primary is known"),
            Self::ZoneAbsent => f.write_str("the zone is not on the primary yet"),
            Self::Unsigned(rcode) => write!(
                f,
                "the primary answers {rcode} without a signature, as some do where they do not \
                 have the zone"
            ),
            Self::Creation(gap) => gap.fmt(f),
            Self::Taken(zone) => write!(f, "somebody else has the zone `{zone}`"),
        }
    }
}

fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

fn words(types: &[RecordType]) -> String {
    let words: Vec<String> = types.iter().map(|it| zonefile::format_type(*it)).collect();
    words.join(", ")
}
