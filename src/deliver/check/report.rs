//! The results of checks: closed enums. Code must never read their text, which is worded here.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

use crate::deliver::error::Failure;
use crate::deliver::server::CatalogCensus;
use crate::deliver::state::{Provenance, ZoneKey};
use crate::diagnostic::{Diagnose, Diagnostic, case, check as entries, count, displayed};
use crate::model::{Name, Network, RecordType, Serial, ZoneName};
use crate::provision::{Access, Gap, Remedy};
use crate::wire::Rcode;
use crate::zonefile;

/// Most zones that a line names.
const ZONES_MAX: usize = 3;

/// The settings of a check.
#[derive(Clone, Debug)]
pub(crate) struct CheckSettings {
    pub(crate) instance: String,
    /// Whether to create and delete a zone.
    pub(crate) create: bool,
    /// The zones in the state file that this instance created, adopted or manages records in, with
    /// their provenance.
    pub(crate) held: HashMap<ZoneKey, Provenance>,
    /// Seconds since 1970, for signatures.
    pub(crate) clock: fn() -> u64,
}

/// A check and its verdict.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) check: Check,
    pub(crate) verdict: Verdict,
}

impl Checked {
    pub(super) fn new(check: Check, verdict: Verdict) -> Self {
        Self { check, verdict }
    }
}

/// A check of a primary, in the order in which they run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Check {
    /// The connection, over TLS if that is configured.
    Reachable,
    /// The key that signs updates and queries.
    Key(Name),
    /// The offset of the primary's clock.
    Clock,
    /// The transfer of a zone; of any zone if none is known.
    Transfer(Option<ZoneName>),
    /// Updates of a zone; of any zone if none is known.
    Update(Option<ZoneName>),
    /// The contents of the catalog.
    Catalog(ZoneName),
    /// The right to add members to the catalog.
    Members(ZoneName),
    /// The ownership of a zone, by the catalog or by its mark.
    Ownership(ZoneName),
    /// The access to the provisioner, with the key or password for it.
    Access(Access),
    /// The other name servers of a zone.
    Secondaries(ZoneName),
    /// The reverse zones of a network of `ptr.networks`.
    ReverseZones(Network),
    /// The creation of zones.
    Creation,
    /// The first contents of new zones.
    Contents,
}

/// The result of a check.
#[derive(Debug)]
pub(crate) enum Verdict {
    Good(Fact),
    /// It works, but may soon stop to.
    Odd(Fact),
    Bad(Box<Bad>),
    /// The check cannot decide.
    Open(Doubt),
    /// Not tried, since it needs this check to succeed.
    Untried(Check),
}

/// A trouble, and the lines that repair it.
#[derive(Debug)]
pub(crate) struct Bad {
    pub(crate) trouble: Trouble,
    /// The lines that the configuration of the server lacks, if they are known.
    pub(crate) remedy: Option<Remedy>,
}

/// A detail of a check that succeeded.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Fact {
    /// No detail.
    Plain,
    Connected(SocketAddr),
    /// The primary's clock less ours, in seconds.
    Offset(i64),
    /// The primary needs no transfers: zones are read from the state file.
    ReadFromState,
    /// The zone belongs to this instance.
    Ours,
    /// The zone belongs to no instance.
    Unclaimed,
    /// The owners of the catalog's member zones, and the problems of some.
    Members(CatalogCensus),
    /// The check created and deleted this zone.
    CreatedAndDeleted(ZoneName),
    /// So many other name servers have this serial, as the primary.
    Secondaries {
        number: usize,
        serial: Serial,
    },
    /// Name servers have another serial than the primary, or do not answer.
    SecondariesDiffer {
        zone: ZoneName,
        serial: Serial,
        differing: Vec<Secondary>,
    },
    /// The primary serves these zones for the addresses of the network.
    ReverseZones(Vec<ZoneName>),
    /// These reverse zones are absent, and nsbridge can create them.
    ReverseZonesToCreate(Vec<ZoneName>),
}

/// A name server that differs from the primary.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Secondary {
    pub(crate) name: String,
    pub(crate) address: IpAddr,
    pub(crate) serial: Result<Serial, NoSerial>,
}

/// Why a name server gives no serial.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum NoSerial {
    Silent,
    NotServing(Rcode),
}

/// A reason why a check failed.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// A failure that a delivery would have, too.
    Failure(Failure),
    /// The key may update some types of records only.
    TypesRefused { types: Vec<RecordType>, key: Name },
    /// The check could not delete the zone that it created.
    LeftBehind { zone: ZoneName, failure: Failure },
    /// This instance created the zone, and the primary does not have it.
    ZoneGone { zone: ZoneName },
    /// The primary takes no updates of the zone that the check created.
    NotUpdatable { zone: ZoneName, trouble: Box<Self> },
}

/// A reason why a check cannot decide.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Doubt {
    /// The operator named no zone of the primary, and the state file has none.
    NoZone,
    /// The primary answers no queries.
    Unseen,
    /// The zone is absent, and nsbridge would create it.
    ZoneAbsent,
    /// The response was not signed, and the query may have been about a zone of another primary.
    Unsigned(Rcode),
    /// Only a creation would show it.
    Creation(Gap),
    /// Another source serves the zone that the check would create.
    NameTaken(ZoneName),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

displayed!(Trouble);

impl Diagnose for Trouble {
    fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::Failure(failure) => failure.diagnostic(),
            Self::TypesRefused { types, key } => {
                let types = words(types.iter().map(|it| zonefile::format_type(*it)));
                let key = key.to_text_without_dot();
                case!(entries::TYPES_REFUSED, types, key)
            }
            Self::ZoneGone { zone } => case!(entries::ZONE_GONE, zone),
            Self::LeftBehind { zone, failure } => {
                case!(entries::CHECK_ZONE_NOT_REMOVED, zone).because(failure)
            }
            Self::NotUpdatable { zone, trouble } => {
                case!(entries::CHECK_ZONE_NOT_UPDATED, zone).because(&**trouble)
            }
        }
    }
}

impl Diagnose for Doubt {
    fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::NoZone => case!(entries::CHECK_NEEDS_ZONE),
            Self::Unseen => case!(entries::CHECK_UNSEEN),
            Self::ZoneAbsent => case!(entries::CHECK_ZONE_ABSENT),
            Self::Unsigned(rcode) => case!(entries::CHECK_UNSIGNED, rcode),
            Self::Creation(gap) => gap.diagnostic(),
            Self::NameTaken(zone) => case!(entries::CHECK_NAME_TAKEN, zone),
        }
    }
}

impl Fact {
    /// Returns the remark on a fact that is odd.
    pub(crate) fn remark(&self) -> Option<Diagnostic> {
        match self {
            Self::Offset(seconds) => Some(drift(*seconds)),
            Self::Members(census) => census.problems.first().map(Diagnose::diagnostic),
            Self::SecondariesDiffer {
                zone,
                serial,
                differing,
            } => Some(case!(
                entries::SECONDARIES_DIFFER,
                zone,
                serial = serial.0,
                servers = words(differing)
            )),
            Self::Plain
            | Self::Connected(_)
            | Self::ReadFromState
            | Self::Ours
            | Self::Unclaimed
            | Self::Secondaries { .. }
            | Self::ReverseZones(_)
            | Self::ReverseZonesToCreate(_)
            | Self::CreatedAndDeleted(_) => None,
        }
    }
}

fn drift(seconds: i64) -> Diagnostic {
    let direction = if seconds < 0 { "behind" } else { "ahead of" };
    case!(
        entries::CLOCKS_DRIFT,
        seconds = seconds.unsigned_abs(),
        direction
    )
}

impl Check {
    pub(crate) fn zone(&self) -> Option<&ZoneName> {
        match self {
            Self::Transfer(zone) | Self::Update(zone) => zone.as_ref(),
            Self::Catalog(zone)
            | Self::Members(zone)
            | Self::Ownership(zone)
            | Self::Secondaries(zone) => Some(zone),
            Self::ReverseZones(_)
            | Self::Reachable
            | Self::Key(_)
            | Self::Clock
            | Self::Access(_)
            | Self::Creation
            | Self::Contents => None,
        }
    }

    /// Returns the name of the check in JSON.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Reachable => "reachable",
            Self::Key(_) => "key",
            Self::Clock => "clock",
            Self::Transfer(_) => "transfer",
            Self::Update(_) => "update",
            Self::Catalog(_) => "catalog",
            Self::Members(_) => "catalog-update",
            Self::Ownership(_) => "owner",
            Self::Access(Access::ControlChannel) => "control-channel",
            Self::Access(Access::Api) => "api",
            Self::Access(Access::Program) => "program",
            Self::Secondaries(_) => "secondaries",
            Self::ReverseZones(_) => "reverse-zones",
            Self::Creation => "zone-creation",
            Self::Contents => "first-contents",
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
            Self::Ownership(zone) => write!(f, "owner of {zone}"),
            Self::Access(access) => access.fmt(f),
            Self::Secondaries(zone) => write!(f, "other name servers of {zone}"),
            Self::ReverseZones(network) => write!(f, "reverse zones of {network}"),
            Self::Creation => f.write_str("zone creation"),
            Self::Contents => f.write_str("first contents of new zones"),
        }
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain => Ok(()),
            Self::Connected(peer) => write!(f, "to {peer}"),
            // Signatures count whole seconds, and a second may begin on the way.
            Self::Offset(-1..=1) => f.write_str("the same as ours"),
            Self::Offset(seconds) => drift(*seconds).fmt(f),
            Self::ReadFromState => f.write_str("not needed (`read = \"memory\"`)"),
            Self::Ours => f.write_str("this instance"),
            Self::Unclaimed => f.write_str("nobody"),
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
            Self::CreatedAndDeleted(zone) => write!(f, "`{zone}` was created and removed"),
            Self::Secondaries { number, serial } => {
                write!(
                    f,
                    "{} with the serial {}",
                    count(*number, "server"),
                    serial.0
                )
            }
            Self::SecondariesDiffer { .. } => self.remark().map_or(Ok(()), |remark| remark.fmt(f)),
            Self::ReverseZones(zones) => write!(f, "{}", some(zones)),
            Self::ReverseZonesToCreate(zones) => {
                write!(
                    f,
                    "{}: absent, created with the first PTR record",
                    some(zones)
                )
            }
        }
    }
}

fn words<T: fmt::Display>(all: impl IntoIterator<Item = T>) -> String {
    let words: Vec<String> = all.into_iter().map(|it| it.to_string()).collect();
    words.join(", ")
}

/// Names the first zones, and counts the others.
fn some(zones: &[ZoneName]) -> String {
    let named = words(zones.iter().take(ZONES_MAX));
    match zones.len().saturating_sub(ZONES_MAX) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

impl fmt::Display for Secondary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}) ", self.name, self.address)?;
        match &self.serial {
            Ok(serial) => write!(f, "has {}", serial.0),
            Err(NoSerial::Silent) => f.write_str("does not answer"),
            Err(NoSerial::NotServing(rcode)) => write!(f, "does not serve the zone ({rcode})"),
        }
    }
}
