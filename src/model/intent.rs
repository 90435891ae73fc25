//! Intents: what shall be, never which edits to make.

use std::net::IpAddr;
use std::sync::Arc;

use super::name::Name;
use super::record::{Rdata, RecordType};
use super::zone::{DesiredZone, ZoneName};

/// One thing that shall be so. A newer intent of the same [`IntentKey`] replaces an older one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Intent {
    /// The zone exists and looks like this.
    Zone(DesiredZone),
    /// The zone, or what was delivered to it, is gone.
    ZoneGone(ZoneName),
    /// A PTR value is there or is gone.
    Ptr(PtrIntent),
    /// A record is there or is gone, whatever else stands at its name.
    Record(RecordIntent),
}

/// One record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RecordIntent {
    /// The name that it stands at.
    pub owner: Name,
    /// Its type.
    pub rtype: RecordType,
    /// Its data.
    pub rdata: Rdata,
    /// Its TTL in seconds; none for that of the records beside it.
    pub ttl: Option<u32>,
    /// Whether it shall be there.
    pub presence: Presence,
    /// Whether the name may be an alias of the one that is meant, as those of ACME challenges are.
    pub follows_aliases: bool,
}

/// One PTR value of an address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PtrIntent {
    /// The address whose reverse name has the value.
    pub address: IpAddr,
    /// The host name that the value is.
    pub hostname: Name,
    /// Whether the value shall be there.
    pub presence: Presence,
    /// All host names that shall stand at the address by the word of the same source, in order; none of
    /// them is in the way of another.
    pub wanted: Arc<[Name]>,
}

impl PtrIntent {
    /// Whether the same source wants a value at the address.
    pub fn wants(&self, value: &Rdata) -> bool {
        let name = value.to_name();
        name.is_some_and(|name| self.wanted.binary_search(&name).is_ok())
    }
}

/// Whether a thing shall be there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Presence {
    /// It shall be there.
    Present,
    /// It shall be gone.
    Gone,
}

/// What an intent is about.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum IntentKey {
    /// A zone.
    Zone(ZoneName),
    /// An address with a host name.
    Ptr(IpAddr, Name),
    /// A record.
    Record(Name, RecordType, Rdata),
}

impl Intent {
    /// What the intent is about.
    pub fn key(&self) -> IntentKey {
        match self {
            Self::Zone(zone) => IntentKey::Zone(zone.name.clone()),
            Self::ZoneGone(name) => IntentKey::Zone(name.clone()),
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
            Self::Ptr(address, hostname) => write!(f, "{address} PTR {hostname}"),
            Self::Record(owner, rtype, rdata) => {
                if *rtype == RecordType::TXT {
                    let content = rdata.content(*rtype);
                    return write!(f, "{owner} TXT \"{}\"", content.escape_ascii());
                }
                // As RFC 3597 section 5 writes the data of any type.
                let data = rdata.as_wire();
                write!(f, "{owner} TYPE{} \\# {} ", rtype.0, data.len())?;
                data.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
            }
        }
    }
}
