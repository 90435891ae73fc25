//! Zones: their apex, their SOA, what one is and what one shall be.
//!
//! [`DesiredZone`] and [`CurrentZone`] are different types on purpose: a plan computed from the
//! one in the other's place would undo a zone.

use std::fmt;

use super::name::Name;
use super::record::{Rdata, RdataError, RecordType, RrSet, RrSets};

/// The name of a zone: its apex.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ZoneName(Name);

impl ZoneName {
    /// The zone whose apex is `apex`; in lower case, so that one zone has one spelling.
    pub fn new(apex: &Name) -> Self {
        Self(apex.to_lowercase())
    }

    /// The name of the apex.
    pub fn apex(&self) -> &Name {
        &self.0
    }

    /// `name` as an owner in this zone; none where it is not at or below the apex.
    pub fn owner(&self, name: Name) -> Option<OwnerName> {
        name.is_at_or_below(&self.0).then_some(OwnerName(name))
    }

    /// Returns whether a set is the NS RRset of the apex.
    pub fn is_apex_ns(&self, set: &RrSet) -> bool {
        set.rtype == RecordType::NS && set.owner == self.0
    }
}

impl fmt::Display for ZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An owner name that was found to lie in its zone.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct OwnerName(Name);

impl OwnerName {
    /// The name itself.
    pub fn into_name(self) -> Name {
        self.0
    }

    /// The name itself.
    pub fn name(&self) -> &Name {
        &self.0
    }
}

/// A zone's serial number, with the arithmetic of RFC 1982.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Serial(pub u32);

impl Serial {
    /// Whether this serial is after `other` (RFC 1982 section 3.2); never both ways round.
    pub fn is_after(self, other: Self) -> bool {
        let distance = self.0.wrapping_sub(other.0);
        distance != 0 && distance < 1 << 31
    }

    /// The serial `count` steps later.
    #[must_use]
    pub fn plus(self, count: u32) -> Self {
        Self(self.0.wrapping_add(count))
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The data of an SOA record (RFC 1035 section 3.3.13); times are in seconds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Soa {
    /// The primary server's name.
    pub mname: Name,
    /// The responsible mailbox as a name.
    pub rname: Name,
    /// The version of the zone.
    pub serial: Serial,
    /// How often a secondary asks for a newer version.
    pub refresh: u32,
    /// How soon it asks again after a failure.
    pub retry: u32,
    /// When it gives the zone up.
    pub expire: u32,
    /// The TTL of negative answers (RFC 2308).
    pub minimum: u32,
}

impl Soa {
    /// The fields of SOA data.
    ///
    /// # Errors
    /// [`RdataError`] where the data are no SOA's.
    pub fn from_rdata(rdata: &Rdata) -> Result<Self, RdataError> {
        let octets = rdata.as_wire();
        let split = octets.len().checked_sub(20).ok_or(RdataError::Short)?;
        let (names, numbers) = octets.split_at(split);
        let first = names.iter().enumerate();
        let mut at = 0;
        for (here, &length) in first {
            if here == at {
                at += 1 + usize::from(length);
                if length == 0 {
                    break;
                }
            }
        }
        let mname = Name::from_wire(names.get(..at).ok_or(RdataError::Short)?)?;
        let rname = Name::from_wire(&names[at..])?;
        let number = |index: usize| {
            let octets = &numbers[index * 4..index * 4 + 4];
            octets
                .iter()
                .fold(0, |value, &octet| value << 8 | u32::from(octet))
        };
        Ok(Self {
            mname,
            rname,
            serial: Serial(number(0)),
            refresh: number(1),
            retry: number(2),
            expire: number(3),
            minimum: number(4),
        })
    }

    /// The record data of these fields, canonical.
    pub fn to_rdata(&self) -> Rdata {
        let mut octets = self.mname.to_lowercase().as_wire().to_vec();
        octets.extend_from_slice(self.rname.to_lowercase().as_wire());
        for number in [
            self.serial.0,
            self.refresh,
            self.retry,
            self.expire,
            self.minimum,
        ] {
            octets.extend_from_slice(&number.to_be_bytes());
        }
        Rdata::from_canonical(octets)
    }
}

/// What an SOA shall be; a field that is not given keeps what the zone has.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct DesiredSoa {
    /// The primary server's name; mostly not given.
    pub mname: Option<Name>,
    /// The responsible mailbox as a name.
    pub rname: Option<Name>,
    /// A version to move on to, where that is forward of the present one.
    pub serial: Option<Serial>,
    /// Seconds.
    pub refresh: Option<u32>,
    /// Seconds.
    pub retry: Option<u32>,
    /// Seconds.
    pub expire: Option<u32>,
    /// Seconds.
    pub minimum: Option<u32>,
    /// The TTL of the SOA record itself, in seconds.
    pub ttl: Option<u32>,
}

/// A zone as it shall be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DesiredZone {
    /// Its name.
    pub name: ZoneName,
    /// Its SOA.
    pub soa: DesiredSoa,
    /// All its other records; every owner is in the zone.
    pub records: RrSets,
    /// Where all that comes from.
    pub source: ZoneSource,
}

/// Where a desired zone comes from, and so what its serial means.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ZoneSource {
    /// A call of a panel: the serial is the time of the call, which tells one that was overtaken.
    #[default]
    Call,
    /// A master file: the serial is a version of the file, and says nothing of when it was handed over.
    File {
        /// Whether records go that were never delivered, whatever the settings say.
        prunes: bool,
    },
}

/// A zone as a primary has it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CurrentZone {
    /// Its name.
    pub name: ZoneName,
    /// Its SOA.
    pub soa: Soa,
    /// The TTL of the SOA record, in seconds.
    pub soa_ttl: u32,
    /// All its other records.
    pub records: RrSets,
}

/// The first contents of a zone that is about to be made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct InitialZone {
    /// Its name.
    pub name: ZoneName,
    /// Its SOA.
    pub soa: Soa,
    /// The TTL of the SOA record, in seconds.
    pub soa_ttl: u32,
    /// All its other records, at least one apex NS among them.
    pub records: RrSets,
}

impl CurrentZone {
    /// The apex NS set, if there is one.
    pub fn apex_ns(&self) -> Option<&RrSet> {
        self.records.get(self.name.apex(), RecordType::NS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serials_move_as_rfc_1982_says() {
        assert!(Serial(1).is_after(Serial(0)));
        assert!(Serial(0).is_after(Serial(u32::MAX)));
        assert!(!Serial(5).is_after(Serial(5)));
        assert!(!Serial(0).is_after(Serial(1)));
        assert!(!Serial(1 << 31).is_after(Serial(0)) && !Serial(0).is_after(Serial(1 << 31)));
        assert_eq!(Serial(u32::MAX).plus(2), Serial(1));
    }

    #[test]
    fn soa_fields_and_data_are_two_forms_of_one_thing() {
        let soa = Soa {
            mname: "ns1.Example.".parse().unwrap(),
            rname: r"a\.b.example.".parse().unwrap(),
            serial: Serial(7),
            refresh: 1,
            retry: 2,
            expire: 3,
            minimum: 0xffff_ffff,
        };
        assert_eq!(Soa::from_rdata(&soa.to_rdata()), Ok(soa));
        let short = Rdata::from_canonical(vec![0; 21]);
        assert!(Soa::from_rdata(&short).is_err());
    }

    #[test]
    fn an_owner_cannot_be_built_outside_its_zone() {
        let zone = ZoneName::new(&"Example.".parse().unwrap());
        assert!(zone.owner("www.EXAMPLE.".parse().unwrap()).is_some());
        assert!(zone.owner("example.net.".parse().unwrap()).is_none());
        assert_eq!(zone.to_string(), "example.");
    }
}
