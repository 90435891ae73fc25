//! The results of checks: closed enums. Code must never read their text, which is worded here.

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
    /// The creation of zones.
    Provision(Subject),
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

/// A trouble, and what to do about it.
#[derive(Debug)]
pub(crate) struct Bad {
    pub(crate) trouble: Trouble,
    pub(crate) hint: String,
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
}

/// A reason why a check failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// A failure that a delivery would have, too.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// The key may update some types of records only.
    #[error("the primary refuses updates of the types {}", words(types))]
    TypesRefused { types: Vec<RecordType>, key: Name },
    /// The check could not delete the zone that it created.
    #[error("the zone `{zone}` was created and could not be removed: {failure}")]
    LeftBehind { zone: ZoneName, failure: Failure },
    /// The primary takes no updates of the zone that the check created.
    #[error("the zone `{zone}` was created and removed, and could not be updated: {trouble}")]
    NotUpdatable { zone: ZoneName, trouble: Box<Self> },
}

/// A reason why a check cannot decide.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Doubt {
    /// The operator named no zone of the primary, and the state file has none.
    NoZone,
    /// The zone is absent, and nsbridge would create it.
    ZoneAbsent,
    /// The response was not signed, and the query may have been about a zone of another primary.
    Unsigned(Rcode),
    /// Only a creation would show it.
    Creation(Gap),
    /// Another source serves the zone that the check would create.
    NameTaken(ZoneName),
}

impl Trouble {
    /// Returns whether a retry helps or an operator must act.
    pub(crate) fn retry(&self) -> Retry {
        match self {
            Self::Failure(failure) => failure.retry(),
            Self::TypesRefused { .. } | Self::LeftBehind { .. } => Retry::Permanent,
            Self::NotUpdatable { trouble, .. } => trouble.retry(),
        }
    }

    pub(crate) fn hint(&self) -> String {
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
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::NoZone | Self::Unsigned(_) => {
                "name a zone that this primary has: `nsbridge check ZONE`".to_owned()
            }
            Self::ZoneAbsent => "check it again when it is there".to_owned(),
            Self::Creation(gap) => gap.hint(),
            Self::NameTaken(zone) => format!(
                "remove the zone `{zone}` from the server: its name is reserved for this check"
            ),
        }
    }
}

impl Check {
    pub(crate) fn zone(&self) -> Option<&ZoneName> {
        match self {
            Self::Transfer(zone) | Self::Update(zone) => zone.as_ref(),
            Self::Catalog(zone) | Self::Members(zone) | Self::Ownership(zone) => Some(zone),
            Self::Reachable | Self::Key(_) | Self::Clock | Self::Provision(_) => None,
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
            Self::Ownership(zone) => write!(f, "owner of {zone}"),
            Self::Provision(subject) => subject.fmt(f),
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
            Self::Offset(seconds) => {
                let where_to = if *seconds < 0 { "behind" } else { "ahead of" };
                write!(f, "{} s {where_to} ours", seconds.unsigned_abs())
            }
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
            Self::NameTaken(zone) => write!(f, "somebody else has the zone `{zone}`"),
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
