//! Zones: apex, SOA, the current state and the desired state.
//!
//! [`DesiredZone`] and [`CurrentZone`] are different types on purpose: a plan that confused the two
//! would undo a zone.

use std::fmt;

use super::name::Name;
use super::record::{Rdata, RdataError, Record, RrSet, RrSets, name_octets};
use super::record_type::RecordType;
use super::rejected::RejectedRecords;
use super::trust::Trust;

/// The name of a zone, which is its apex.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ZoneName(Name);

impl ZoneName {
    /// Names the zone with this apex, in lower case so that each zone has one spelling.
    pub fn new(apex: &Name) -> Self {
        Self(apex.to_lowercase())
    }

    /// Returns the name of the apex.
    pub fn apex(&self) -> &Name {
        &self.0
    }

    /// Returns `name` as an owner name of this zone; `None` if it is not at or below the apex.
    pub fn owner(&self, name: Name) -> Option<OwnerName> {
        name.is_at_or_below(&self.0).then_some(OwnerName(name))
    }

    /// Returns the NS records of the apex among RRsets.
    pub fn apex_ns_of(&self, sets: &RrSets) -> RrSets {
        RrSets::from_sets(sets.get(self.apex(), RecordType::NS).cloned())
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

/// An owner name that lies in its zone.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct OwnerName(Name);

impl OwnerName {
    /// Returns the name by value.
    pub fn into_name(self) -> Name {
        self.0
    }

    /// Returns the name.
    pub fn name(&self) -> &Name {
        &self.0
    }
}

/// A zone's serial number, with the arithmetic of RFC 1982.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Serial(pub u32);

impl Serial {
    /// Returns whether this serial is after `other` (RFC 1982 section 3.2). Of two serials, at most
    /// one is after the other.
    pub fn is_after(self, other: Self) -> bool {
        let distance = self.0.wrapping_sub(other.0);
        distance != 0 && distance < 1 << 31
    }

    /// Returns the serial `count` steps later.
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
    /// The name of the primary server.
    pub mname: Name,
    /// The mailbox of the responsible person, as a name.
    pub rname: Name,
    /// The version of the zone.
    pub serial: Serial,
    /// The interval after which a secondary asks for a newer version.
    pub refresh: u32,
    /// The interval after which a secondary retries a failed refresh.
    pub retry: u32,
    /// The time without a refresh after which a secondary stops serving the zone.
    pub expire: u32,
    /// The TTL of negative responses (RFC 2308).
    pub minimum: u32,
}

impl Soa {
    /// Returns the SOA record of a zone, with a TTL in seconds.
    pub fn to_record(&self, zone: &ZoneName, ttl: u32) -> Record {
        Record {
            owner: zone.apex().clone(),
            rtype: RecordType::SOA,
            ttl,
            rdata: self.to_rdata(),
        }
    }

    /// Reads the fields of SOA data.
    ///
    /// # Errors
    /// [`RdataError`] if the data are not those of an SOA record.
    pub fn from_rdata(rdata: &Rdata) -> Result<Self, RdataError> {
        let split = rdata.as_wire().split_last_chunk::<20>();
        let (names, numbers) = split.ok_or(RdataError::Short)?;
        let (mname, rname) = names.split_at(name_octets(names)?);
        let (numbers, _) = numbers.as_chunks::<4>();
        let number = |index: usize| u32::from_be_bytes(numbers[index]);
        Ok(Self {
            mname: Name::from_wire(mname)?,
            rname: Name::from_wire(rname)?,
            serial: Serial(number(0)),
            refresh: number(1),
            retry: number(2),
            expire: number(3),
            minimum: number(4),
        })
    }

    /// Returns whether an SOA record is that of one of BIND's built-in empty zones (RFC 6303): its own name as
    /// primary, and the root as mailbox.
    pub(crate) fn is_built_in(record: &Record) -> bool {
        let soa = Self::from_rdata(&record.rdata);
        soa.is_ok_and(|soa| soa.rname.is_root() && soa.mname == record.owner)
    }

    /// Returns the canonical data with these fields.
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

/// The desired fields of an SOA; `None` keeps the current value.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct DesiredSoa {
    /// The name of the primary server; usually `None`.
    pub mname: Option<Name>,
    /// The mailbox of the responsible person, as a name.
    pub rname: Option<Name>,
    /// The version to move to, if it is after the current one.
    pub serial: Option<Serial>,
    /// In seconds.
    pub refresh: Option<u32>,
    /// In seconds.
    pub retry: Option<u32>,
    /// In seconds.
    pub expire: Option<u32>,
    /// In seconds.
    pub minimum: Option<u32>,
    /// The TTL of the SOA record in seconds.
    pub ttl: Option<u32>,
}

/// The desired state of a zone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DesiredZone {
    /// The name of the zone.
    pub name: ZoneName,
    /// The desired SOA.
    pub soa: DesiredSoa,
    /// All other records; every owner name is in the zone.
    pub records: RrSets,
    /// The records that were sent, too, and are wrong.
    pub rejected: RejectedRecords,
    /// The source of this state.
    pub source: ZoneSource,
    /// Whose words the names are.
    pub trust: Trust,
}

/// The source of a desired zone, which decides the meaning of its serial.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ZoneSource {
    /// A call of a panel: the serial is the time of the call, and shows whether a newer call
    /// overtook it.
    #[default]
    Call,
    /// A master file: the serial is a version of the file, not the time when it was handed over.
    File {
        /// Whether to remove unmanaged records, whatever the settings are.
        prunes: bool,
    },
}

/// The current state of a zone on its primary.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CurrentZone {
    /// The name of the zone.
    pub name: ZoneName,
    /// The current SOA.
    pub soa: Soa,
    /// The TTL of the SOA record in seconds.
    pub soa_ttl: u32,
    /// All other records.
    pub records: RrSets,
}

/// The first contents of a zone that is about to be created.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct InitialZone {
    /// The name of the zone.
    pub name: ZoneName,
    /// The first SOA.
    pub soa: Soa,
    /// The TTL of the SOA record in seconds.
    pub soa_ttl: u32,
    /// All other records, with at least one NS record at the apex.
    pub records: RrSets,
}

impl InitialZone {
    /// Returns the names of apex NS records that are in the zone and have no address in it. BIND
    /// loads no primary zone with one.
    pub fn ns_without_address(&self) -> Vec<Name> {
        let apex = self.name.apex();
        let ns = self.records.get(apex, RecordType::NS);
        let hosts = ns.into_iter().flat_map(|set| &set.rdatas);
        let hosts = hosts.filter_map(Rdata::to_name);
        let has_address = |host: &Name| {
            let mut sets = self.records.at(host).iter();
            sets.any(|set| set.rtype.is_address())
        };
        let lacks_one = |host: &Name| host.is_at_or_below(apex) && !has_address(host);
        hosts.filter(lacks_one).collect()
    }

    /// Returns the zone with its SOA, the apex NS records that can be served, and the addresses of
    /// those alone. `None` if the zone has nothing else, or no such NS record.
    pub fn smallest(&self) -> Option<Self> {
        let apex = self.name.apex();
        let unserved = self.ns_without_address();
        let mut ns = self.records.get(apex, RecordType::NS)?.clone();
        let host_of = |rdata: &Rdata| rdata.to_name().filter(|host| !unserved.contains(host));
        ns.rdatas.retain(|rdata| host_of(rdata).is_some());
        let mut hosts: Vec<Name> = ns.rdatas.iter().filter_map(host_of).collect();
        hosts.sort();
        hosts.dedup();
        let sets = hosts.iter().flat_map(|host| self.records.at(host));
        let addresses = sets.filter(|set| set.rtype.is_address()).cloned();
        let has_ns = !ns.rdatas.is_empty();
        let records = RrSets::from_sets(addresses.chain([ns]));
        let is_smaller = records != self.records;
        (has_ns && is_smaller).then(|| Self {
            records,
            ..self.clone()
        })
    }
}

impl CurrentZone {
    /// Returns a zone whose SOA cannot be seen, with these other records. The SOA is a placeholder.
    pub fn unseen(name: ZoneName, records: RrSets) -> Self {
        let soa = Soa {
            mname: Name::root(),
            rname: Name::root(),
            serial: Serial(0),
            refresh: 0,
            retry: 0,
            expire: 0,
            minimum: 0,
        };
        let soa_ttl = 0;
        Self {
            name,
            soa,
            soa_ttl,
            records,
        }
    }

    /// Returns whether a delegation or a DNAME of the zone is at or above a name.
    pub fn is_delegated(&self, owner: &Name) -> bool {
        let below = |name: &Name| name.is_below(self.name.apex());
        owner.and_above().take_while(below).any(|name| {
            let cuts = [RecordType::NS, RecordType::DNAME];
            cuts.iter().any(|it| self.records.get(&name, *it).is_some())
        })
    }

    /// Returns the NS set of the apex, if there is one.
    pub fn apex_ns(&self) -> Option<&RrSet> {
        self.records.get(self.name.apex(), RecordType::NS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serials_wrap_around_by_rfc_1982() {
        assert!(Serial(1).is_after(Serial(0)));
        assert!(Serial(0).is_after(Serial(u32::MAX)));
        assert!(!Serial(5).is_after(Serial(5)));
        assert!(!Serial(0).is_after(Serial(1)));
        assert!(!Serial(1 << 31).is_after(Serial(0)) && !Serial(0).is_after(Serial(1 << 31)));
        assert_eq!(Serial(u32::MAX).plus(2), Serial(1));
    }

    #[test]
    fn soa_fields_become_data_and_are_read_back() {
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
    fn an_owner_name_cannot_be_built_outside_its_zone() {
        let zone = ZoneName::new(&"Example.".parse().unwrap());
        assert!(zone.owner("www.EXAMPLE.".parse().unwrap()).is_some());
        assert!(zone.owner("example.net.".parse().unwrap()).is_none());
        assert_eq!(zone.to_string(), "example.");
    }
}
