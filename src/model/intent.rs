//! Intents: the desired state, never the edits that lead to it.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use super::name::Name;
use super::network::reverse_name;
use super::record::Rdata;
use super::record_type::RecordType;
use super::trust::Trust;
use super::zone::{DesiredZone, ZoneName};

/// The desired state of one subject. A newer intent replaces an older one with an equal
/// [`IntentKey`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Intent {
    /// The zone exists with these contents.
    Zone(DesiredZone),
    /// The zone does not exist, or it has no managed records.
    ZoneAbsent(AbsentZone),
    /// A PTR value exists or does not exist.
    Ptr(PtrIntent),
    /// A record exists or does not exist, whatever else its owner name has.
    Record(RecordIntent),
}

/// A zone that must not exist, or have no managed records.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AbsentZone {
    /// The name of the zone.
    pub name: ZoneName,
    /// Whether a customer of the panel or the operator chose the name.
    pub trust: Trust,
    /// The name in the configuration of the primary that must not have it, because it has moved to another one. `None` for
    /// the primary of its route.
    pub moved_from: Option<String>,
}

/// The desired state of one record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RecordIntent {
    /// The owner name.
    pub owner: Name,
    /// The type.
    pub rtype: RecordType,
    /// The data.
    pub rdata: Rdata,
    /// The TTL in seconds; `None` for that of the records beside it.
    pub ttl: Option<u32>,
    /// Whether the record must exist.
    pub presence: Presence,
    /// Whether to follow a CNAME at the owner name to its target, as for an ACME challenge.
    pub follows_cnames: bool,
    /// Whether a customer of the panel or the operator chose the owner name.
    pub trust: Trust,
}

/// The desired state of one PTR value of an address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PtrIntent {
    /// The address; its reverse name is the owner name.
    pub address: IpAddr,
    /// The host name in the value.
    pub hostname: Name,
    /// Whether the value must exist.
    pub presence: Presence,
    /// All host names that the source of this intent wants at the address, in ascending order.
    /// Their values do not conflict with each other.
    pub wanted: Arc<[Name]>,
}

impl PtrIntent {
    /// Returns whether the source of this intent wants a value at the address.
    pub fn wants(&self, value: &Rdata) -> bool {
        let name = value.to_name();
        name.is_some_and(|name| self.wanted.binary_search(&name).is_ok())
    }
}

/// Whether something must exist.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Presence {
    /// It must exist.
    Present,
    /// It must not exist.
    Absent,
}

/// The subject of an intent.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum IntentKey {
    /// A zone.
    Zone(ZoneName),
    /// A zone on a primary that it has moved from.
    ZoneOn(ZoneName, String),
    /// An address with a host name.
    Ptr(IpAddr, Name),
    /// A record, regardless of its TTL.
    Record(Name, RecordType, Rdata),
}

impl Intent {
    /// Returns the name whose route the intent takes.
    pub fn name(&self) -> Cow<'_, Name> {
        match self {
            Self::Zone(zone) => Cow::Borrowed(zone.name.apex()),
            Self::ZoneAbsent(zone) => Cow::Borrowed(zone.name.apex()),
            Self::Ptr(ptr) => Cow::Owned(reverse_name(ptr.address)),
            Self::Record(record) => Cow::Borrowed(&record.owner),
        }
    }

    /// Returns the primary that the intent is about, whatever the route of its name.
    pub fn moved_from(&self) -> Option<&str> {
        match self {
            Self::ZoneAbsent(zone) => zone.moved_from.as_deref(),
            Self::Zone(_) | Self::Ptr(_) | Self::Record(_) => None,
        }
    }

    /// Returns whether a panel or the operator asks for the intent. PTR values always count as the operator's:
    /// `ptr.networks` limits them.
    pub fn trust(&self) -> Trust {
        match self {
            Self::Zone(zone) => zone.trust,
            Self::ZoneAbsent(zone) => zone.trust,
            Self::Record(record) => record.trust,
            Self::Ptr(_) => Trust::Operator,
        }
    }

    /// Returns the subject of the intent.
    pub fn key(&self) -> IntentKey {
        match self {
            Self::Zone(zone) => IntentKey::Zone(zone.name.clone()),
            Self::ZoneAbsent(zone) => match &zone.moved_from {
                Some(primary) => IntentKey::ZoneOn(zone.name.clone(), primary.clone()),
                None => IntentKey::Zone(zone.name.clone()),
            },
            Self::Ptr(ptr) => IntentKey::Ptr(ptr.address, ptr.hostname.to_lowercase()),
            Self::Record(record) => {
                let owner = record.owner.to_lowercase();
                IntentKey::Record(owner, record.rtype, record.rdata.clone())
            }
        }
    }
}

impl std::fmt::Display for IntentKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Zone(zone) => zone.fmt(f),
            Self::ZoneOn(zone, primary) => write!(f, "{zone} on {primary}"),
            Self::Ptr(address, hostname) => write!(f, "{address} PTR {hostname}"),
            Self::Record(owner, rtype, rdata) => {
                if *rtype == RecordType::TXT {
                    let content = rdata.content(*rtype);
                    return write!(f, "{owner} TXT \"{}\"", content.escape_ascii());
                }
                // RFC 3597 section 5: the form for data of any type.
                let data = rdata.as_wire();
                write!(f, "{owner} TYPE{} \\# {} ", rtype.0, data.len())?;
                data.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
            }
        }
    }
}
