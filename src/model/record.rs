//! Records: a type, RDATA in canonical wire form, and RRsets (RFC 2181 section 5).
//!
//! RDATA is octets, whatever the type (RFC 3597): uncompressed, and with the names inside the
//! types of RFC 4034 section 6.2 in lower case, so that equal data are equal octets. Which octets
//! are names is told by [`fields`], the one table of layouts that the readers of master files and
//! of messages share.

use std::borrow::Cow;
use std::net::IpAddr;

use super::name::{Name, NameError};

/// Largest TTL, and largest time in an SOA, in seconds (RFC 2181 section 8).
pub const TTL_MAX: u32 = (1 << 31) - 1;

/// A record's type code (RFC 1035 section 3.2.2, RFC 3597).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RecordType(pub u16);

#[expect(
    missing_docs,
    reason = "each is the type of that mnemonic in the IANA registry"
)]
impl RecordType {
    pub const A: Self = Self(1);
    pub const NS: Self = Self(2);
    pub const CNAME: Self = Self(5);
    pub const SOA: Self = Self(6);
    pub const MB: Self = Self(7);
    pub const MG: Self = Self(8);
    pub const PTR: Self = Self(12);
    pub const MINFO: Self = Self(14);
    pub const MX: Self = Self(15);
    pub const TXT: Self = Self(16);
    pub const RP: Self = Self(17);
    pub const AFSDB: Self = Self(18);
    pub const X25: Self = Self(19);
    pub const RT: Self = Self(21);
    pub const SIG: Self = Self(24);
    pub const KEY: Self = Self(25);
    pub const AAAA: Self = Self(28);
    pub const SRV: Self = Self(33);
    pub const DNAME: Self = Self(39);
    pub const OPT: Self = Self(41);
    pub const DS: Self = Self(43);
    pub const IPSECKEY: Self = Self(45);
    pub const RRSIG: Self = Self(46);
    pub const NSEC: Self = Self(47);
    pub const DNSKEY: Self = Self(48);
    pub const NSEC3: Self = Self(50);
    pub const NSEC3PARAM: Self = Self(51);
    pub const TLSA: Self = Self(52);
    pub const CDS: Self = Self(59);
    pub const CDNSKEY: Self = Self(60);
    pub const SVCB: Self = Self(64);
    pub const HTTPS: Self = Self(65);
    pub const SPF: Self = Self(99);
    pub const EUI48: Self = Self(108);
    pub const EUI64: Self = Self(109);
    pub const TKEY: Self = Self(249);
    pub const TSIG: Self = Self(250);
    pub const IXFR: Self = Self(251);
    pub const AXFR: Self = Self(252);
    pub const ANY: Self = Self(255);
    pub const URI: Self = Self(256);
    pub const CAA: Self = Self(257);
    /// BIND's private record of signing in progress.
    pub const SIGNING: Self = Self(65534);
}

impl RecordType {
    /// Whether a signing primary makes records of this type by itself, so that no plan touches
    /// them.
    pub fn is_made_by_signer(self) -> bool {
        const MADE: [RecordType; 8] = [
            RecordType::RRSIG,
            RecordType::NSEC,
            RecordType::NSEC3,
            RecordType::NSEC3PARAM,
            RecordType::DNSKEY,
            RecordType::CDS,
            RecordType::CDNSKEY,
            RecordType::SIGNING,
        ];
        MADE.contains(&self)
    }
}

/// One field of an RDATA layout.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Field {
    /// So many octets as they are.
    Octets(usize),
    /// A domain name, lower-cased in the canonical form and possibly compressed in a message.
    Name,
    /// A character string: an octet of length, then as many (RFC 1035 section 3.3).
    CharacterString,
}

/// The layout of the types whose RDATA holds names that are compressed in messages (RFC 1035
/// section 3.3, RFC 3597 section 4) or lower-cased in the canonical form (RFC 4034 section 6.2 as
/// amended by RFC 6840 section 5.1). What follows the listed fields is octets; a type that is not
/// listed is octets altogether.
pub fn fields(rtype: RecordType) -> &'static [Field] {
    use Field::{CharacterString, Name, Octets};
    match rtype.0 {
        // NS MD MF CNAME MB MG MR PTR NSAP-PTR NXT DNAME
        2 | 3 | 4 | 5 | 7 | 8 | 9 | 12 | 23 | 30 | 39 => &[Name],
        // SOA MINFO RP
        6 | 14 | 17 => &[Name, Name],
        // MX AFSDB RT KX
        15 | 18 | 21 | 36 => &[Octets(2), Name],
        // SIG
        24 => &[Octets(18), Name],
        // PX
        26 => &[Octets(2), Name, Name],
        // SRV
        33 => &[Octets(6), Name],
        // NAPTR
        35 => &[
            Octets(4),
            CharacterString,
            CharacterString,
            CharacterString,
            Name,
        ],
        _ => &[],
    }
}

/// A record's data in canonical wire form.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Rdata(Box<[u8]>);

/// Why octets are no RDATA of their type.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RdataError {
    /// The octets end inside a field of the type's layout.
    #[error("the data end early")]
    Short,
    /// More than an RDLENGTH can say.
    #[error("the data are longer than 65535 octets")]
    Long,
    /// A name inside the data is bad.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl Rdata {
    /// Canonical data from uncompressed octets: names in the types of [`fields`] go to lower case.
    ///
    /// # Errors
    /// [`RdataError`] where the octets do not fit the type's layout.
    pub fn from_wire(rtype: RecordType, octets: &[u8]) -> Result<Self, RdataError> {
        if octets.len() > usize::from(u16::MAX) {
            return Err(RdataError::Long);
        }
        let layout = fields(rtype);
        if layout.is_empty() {
            return Ok(Self(octets.into()));
        }
        let mut canonical = octets.to_vec();
        let mut at = 0;
        for field in layout {
            let end = match field {
                Field::Octets(count) => at + count,
                Field::CharacterString => {
                    at + 1 + usize::from(*octets.get(at).ok_or(RdataError::Short)?)
                }
                Field::Name => at + name_octets(octets.get(at..).ok_or(RdataError::Short)?)?,
            };
            let part = canonical.get_mut(at..end).ok_or(RdataError::Short)?;
            if *field == Field::Name {
                part.make_ascii_lowercase();
            }
            at = end;
        }
        Ok(Self(canonical.into()))
    }

    /// Data that are known to be canonical: built by our own encoders or read back from our store.
    pub fn from_canonical(octets: impl Into<Box<[u8]>>) -> Self {
        Self(octets.into())
    }

    /// The data of a type that is one name: NS, CNAME, PTR, DNAME.
    pub fn from_name(name: &Name) -> Self {
        Self(name.to_lowercase().as_wire().into())
    }

    /// The canonical octets.
    pub fn as_wire(&self) -> &[u8] {
        &self.0
    }

    /// The name at the start of the data, for the types that are one name.
    pub fn to_name(&self) -> Option<Name> {
        Name::from_wire(&self.0).ok()
    }

    /// The address, of an A or AAAA record (RFC 1035 section 3.4.1, RFC 3596 section 2.2); none of data that have
    /// another length.
    pub fn to_address(&self) -> Option<IpAddr> {
        let v4 = <[u8; 4]>::try_from(&*self.0).map(IpAddr::from);
        v4.or_else(|_| <[u8; 16]>::try_from(&*self.0).map(IpAddr::from))
            .ok()
    }

    /// What two data of a type are compared by: the content of TXT and SPF without regard to how
    /// it is cut into character strings, the octets of all others.
    pub fn content(&self, rtype: RecordType) -> Cow<'_, [u8]> {
        if rtype != RecordType::TXT && rtype != RecordType::SPF {
            return Cow::Borrowed(&self.0);
        }
        let mut content = Vec::with_capacity(self.0.len());
        let mut rest = &*self.0;
        while let Some((&length, tail)) = rest.split_first() {
            let (string, tail) = tail.split_at(usize::from(length).min(tail.len()));
            content.extend_from_slice(string);
            rest = tail;
        }
        Cow::Owned(content)
    }
}

/// The length in octets of the uncompressed name at the front of `octets`.
fn name_octets(octets: &[u8]) -> Result<usize, RdataError> {
    let mut at = 0;
    loop {
        match *octets.get(at).ok_or(RdataError::Short)? {
            0 => return Ok(at + 1),
            length @ 1..=63 => at += 1 + usize::from(length),
            64.. => return Err(NameError::BadWire.into()),
        }
        if at >= super::name::NAME_OCTETS_MAX {
            return Err(NameError::NameTooLong.into());
        }
    }
}

/// One record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record {
    /// The name that it stands at.
    pub owner: Name,
    /// Its type.
    pub rtype: RecordType,
    /// Its time to live, in seconds.
    pub ttl: u32,
    /// Its data.
    pub rdata: Rdata,
}

/// The records of one owner and type: one TTL, no duplicates.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RrSet {
    /// The name that they stand at.
    pub owner: Name,
    /// Their type.
    pub rtype: RecordType,
    /// Their time to live, in seconds.
    pub ttl: u32,
    /// Their data, in ascending order.
    pub rdatas: Vec<Rdata>,
}

impl RrSet {
    /// Whether data of the same content are in the set.
    pub fn contains(&self, rdata: &Rdata) -> bool {
        if self.rdatas.binary_search(rdata).is_ok() {
            return true;
        }
        let content = rdata.content(self.rtype);
        matches!(content, Cow::Owned(_))
            && self
                .rdatas
                .iter()
                .any(|mine| mine.content(self.rtype) == content)
    }
}

/// RRsets in ascending order of owner and type, one for each pair.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RrSets(Vec<RrSet>);

impl RrSets {
    /// The union of records by owner and type: duplicates merged (TXT by content), the smallest
    /// TTL of each set (RFC 2181 section 5.2).
    pub fn from_records(records: impl IntoIterator<Item = Record>) -> Self {
        let sets = records.into_iter().map(|record| RrSet {
            owner: record.owner,
            rtype: record.rtype,
            ttl: record.ttl,
            rdatas: vec![record.rdata],
        });
        let mut union = Self::from_sets(sets);
        for set in union.0.iter_mut().filter(|set| set.rdatas.len() > 1) {
            merge_by_content(set);
        }
        union
    }

    /// The union of sets as they are: equal data merged, and the smallest TTL of each set.
    pub fn from_sets(sets: impl IntoIterator<Item = RrSet>) -> Self {
        let mut sets: Vec<RrSet> = sets.into_iter().collect();
        sets.sort_by(|a, b| a.owner.cmp(&b.owner).then(a.rtype.cmp(&b.rtype)));
        sets.dedup_by(|next, kept| {
            let same = next.rtype == kept.rtype && next.owner == kept.owner;
            if same {
                kept.ttl = kept.ttl.min(next.ttl);
                kept.rdatas.append(&mut next.rdatas);
            }
            same
        });
        for set in sets.iter_mut().filter(|set| set.rdatas.len() > 1) {
            set.rdatas.sort();
            set.rdatas.dedup();
        }
        Self(sets)
    }

    /// The set of an owner and type.
    pub fn get(&self, owner: &Name, rtype: RecordType) -> Option<&RrSet> {
        let found = self
            .0
            .binary_search_by(|set| set.owner.cmp(owner).then_with(|| set.rtype.cmp(&rtype)));
        found.ok().map(|at| &self.0[at])
    }

    /// All sets of an owner.
    pub fn at(&self, owner: &Name) -> &[RrSet] {
        let start = self.0.partition_point(|set| set.owner < *owner);
        let count = self.0[start..]
            .iter()
            .take_while(|set| set.owner == *owner)
            .count();
        &self.0[start..start + count]
    }

    /// The sets in order.
    pub fn iter(&self) -> std::slice::Iter<'_, RrSet> {
        self.0.iter()
    }

    /// The sets in order, as a slice.
    pub fn as_slice(&self) -> &[RrSet] {
        &self.0
    }

    /// The sets in order, for taking apart.
    pub fn into_sets(self) -> Vec<RrSet> {
        self.0
    }

    /// Returns the records of both; an RRset of both takes the smaller TTL.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        if other.is_empty() {
            return self;
        }
        Self::from_sets(self.into_sets().into_iter().chain(other.into_sets()))
    }

    /// The records of this that are not in `other`; TTLs mean nothing, TXT goes by content.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        let mut rest = other.0.as_slice();
        let mut left = Vec::new();
        for set in &self.0 {
            let order = |theirs: &RrSet| {
                theirs
                    .owner
                    .cmp(&set.owner)
                    .then_with(|| theirs.rtype.cmp(&set.rtype))
            };
            while rest.first().is_some_and(|theirs| order(theirs).is_lt()) {
                rest = &rest[1..];
            }
            match rest.first().filter(|theirs| order(theirs).is_eq()) {
                None => left.push(set.clone()),
                Some(theirs) if theirs.rdatas == set.rdatas => {}
                Some(theirs) => {
                    let missing = set.rdatas.iter().filter(|rdata| !theirs.contains(rdata));
                    let rdatas: Vec<Rdata> = missing.cloned().collect();
                    if !rdatas.is_empty() {
                        left.push(RrSet {
                            rdatas,
                            owner: set.owner.clone(),
                            ..*set
                        });
                    }
                }
            }
        }
        Self(left)
    }

    /// How many records the sets hold together.
    pub fn record_count(&self) -> usize {
        self.0.iter().map(|set| set.rdatas.len()).sum()
    }

    /// Whether there is no set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn merge_by_content(set: &mut RrSet) {
    let rtype = set.rtype;
    if rtype == RecordType::TXT || rtype == RecordType::SPF {
        let mut seen = std::collections::HashSet::new();
        set.rdatas
            .retain(|rdata| seen.insert(rdata.content(rtype).into_owned()));
    }
}

impl<'a> IntoIterator for &'a RrSets {
    type Item = &'a RrSet;
    type IntoIter = std::slice::Iter<'a, RrSet>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests;
