//! Records: RDATA in canonical wire form, and RRsets (RFC 2181 section 5).
//!
//! RDATA of every type is octets (RFC 3597): uncompressed, and with the names inside the types of
//! RFC 4034 section 6.2 in lower case, so that equal data are equal octets. [`fields`] states which
//! octets are names: the one table that the readers of master files and of messages share.

use std::borrow::Cow;
use std::net::IpAddr;

use super::name::{Name, NameError};
use super::record_type::RecordType;

/// Maximum TTL, and maximum time in an SOA, in seconds (RFC 2181 section 8).
pub const TTL_MAX: u32 = (1 << 31) - 1;

/// One field of an RDATA layout.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Field {
    /// This number of octets, unchanged.
    Octets(usize),
    /// A domain name: in lower case in the canonical form, possibly compressed in a message.
    Name,
    /// A character string: a length octet and that many octets (RFC 1035 section 3.3).
    CharacterString,
}

/// Returns the layout of a type whose names are compressed in messages (RFC 1035 section 3.3,
/// RFC 3597 section 4) or in lower case in the canonical form (RFC 4034 section 6.2 as amended by
/// RFC 6840 section 5.1). After the listed fields the data are octets; data of a type without a
/// layout are octets only.
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

/// Returns the domain names in well-formed data of a type.
pub fn names_in(rtype: RecordType, rdata: &[u8]) -> Vec<Name> {
    let (mut names, mut rest) = (Vec::new(), rdata);
    let fields = match rtype {
        // The target is never compressed (RFC 9460 section 2.2), so `fields` does not list it.
        RecordType::SVCB | RecordType::HTTPS => &[Field::Octets(2), Field::Name],
        rtype => fields(rtype),
    };
    for field in fields {
        let octets = match field {
            Field::Octets(count) => *count,
            Field::CharacterString => 1 + rest.first().copied().map_or(0, usize::from),
            Field::Name => name_octets(rest).unwrap_or(rest.len()),
        };
        let Some((part, after)) = rest.split_at_checked(octets) else {
            break;
        };
        if *field == Field::Name {
            names.extend(Name::from_wire(part).ok());
        }
        rest = after;
    }
    names
}

/// The data of a record in canonical wire form.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Rdata(Box<[u8]>);

/// The reason why octets are not RDATA of their type.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RdataError {
    /// The octets end inside a field of the type's layout.
    #[error("the data end early")]
    Short,
    /// The octets are more than an RDLENGTH can state.
    #[error("the data are longer than 65535 octets")]
    Long,
    /// A name inside the data is invalid.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl Rdata {
    /// Builds canonical data from uncompressed octets: writes the names that [`fields`] lists in
    /// lower case.
    ///
    /// # Errors
    /// [`RdataError`] if the octets do not fit the type's layout.
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

    /// Wraps octets that are known to be canonical: from an encoder of this crate or its store.
    pub fn from_canonical(octets: impl Into<Box<[u8]>>) -> Self {
        Self(octets.into())
    }

    /// Builds the data of a type that consists of one name: NS, CNAME, PTR, DNAME.
    pub fn from_name(name: &Name) -> Self {
        Self(name.to_lowercase().as_wire().into())
    }

    /// Returns the canonical octets.
    pub fn as_wire(&self) -> &[u8] {
        &self.0
    }

    /// Returns the name, for a type that consists of one name; `None` if the data are not one name.
    pub fn to_name(&self) -> Option<Name> {
        Name::from_wire(&self.0).ok()
    }

    /// Returns the host name or alias that data of a type lead to; `None` if the type has none.
    pub fn target(&self, rtype: RecordType) -> Option<Name> {
        let at = match rtype {
            RecordType::CNAME | RecordType::NS | RecordType::PTR => 0,
            RecordType::MX | RecordType::SVCB | RecordType::HTTPS => 2,
            RecordType::SRV => 6,
            _ => return None,
        };
        let octets = self.0.get(at..)?;
        Name::from_wire(&octets[..name_octets(octets).ok()?]).ok()
    }

    /// Returns the address of an A or AAAA record (RFC 1035 section 3.4.1, RFC 3596 section 2.2);
    /// `None` if the data have another length.
    pub fn to_address(&self) -> Option<IpAddr> {
        let v4 = <[u8; 4]>::try_from(&*self.0).map(IpAddr::from);
        v4.or_else(|_| <[u8; 16]>::try_from(&*self.0).map(IpAddr::from))
            .ok()
    }

    /// Returns the octets by which data of a type are compared: for TXT and SPF the content without
    /// its division into character strings, for every other type the data.
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

/// Returns the length in octets of the uncompressed name at the start of `octets`.
pub(super) fn name_octets(octets: &[u8]) -> Result<usize, RdataError> {
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
    /// The owner name.
    pub owner: Name,
    /// The type.
    pub rtype: RecordType,
    /// The TTL in seconds.
    pub ttl: u32,
    /// The data.
    pub rdata: Rdata,
}

/// The records of one owner name and type: one TTL, no duplicates.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RrSet {
    /// The owner name.
    pub owner: Name,
    /// The type.
    pub rtype: RecordType,
    /// The TTL in seconds.
    pub ttl: u32,
    /// The data of the records, in ascending order.
    pub rdatas: Vec<Rdata>,
}

impl RrSet {
    /// Returns the RRset of an owner and a type among records; it may be empty.
    pub fn among(records: &[Record], owner: &Name, rtype: RecordType) -> Self {
        let is_of = |it: &&Record| it.owner == *owner && it.rtype == rtype;
        let own = || records.iter().filter(is_of);
        let mut rdatas: Vec<Rdata> = own().map(|record| record.rdata.clone()).collect();
        rdatas.sort();
        Self {
            owner: owner.clone(),
            rtype,
            ttl: own().map(|record| record.ttl).min().unwrap_or_default(),
            rdatas,
        }
    }

    /// Returns the records of the set.
    pub fn records(&self) -> impl Iterator<Item = Record> {
        self.rdatas.iter().map(|rdata| Record {
            owner: self.owner.clone(),
            rtype: self.rtype,
            ttl: self.ttl,
            rdata: rdata.clone(),
        })
    }

    /// Returns some records of the set, perhaps none.
    #[must_use]
    pub fn part(&self, is_in: impl Fn(&Rdata) -> bool) -> Self {
        let rdatas = self.rdatas.iter().filter(|rdata| is_in(rdata));
        Self {
            owner: self.owner.clone(),
            rdatas: rdatas.cloned().collect(),
            ..*self
        }
    }

    /// Returns whether the set has data with the content of `rdata`.
    pub fn contains(&self, rdata: &Rdata) -> bool {
        if self.rdatas.binary_search(rdata).is_ok() {
            return true;
        }
        let content = rdata.content(self.rtype);
        matches!(content, Cow::Owned(_))
            && self
                .rdatas
                .iter()
                .any(|own| own.content(self.rtype) == content)
    }
}

/// RRsets in ascending order of owner name and type, at most one for each pair.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RrSets(Vec<RrSet>);

impl RrSets {
    /// Groups records by owner name and type, removes duplicates (of TXT and SPF: equal content)
    /// and gives each set its smallest TTL (RFC 2181 section 5.2).
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

    /// Merges sets by owner name and type, removes equal data and gives each set its smallest TTL.
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

    /// Returns the set of an owner name and type.
    pub fn get(&self, owner: &Name, rtype: RecordType) -> Option<&RrSet> {
        let found = self
            .0
            .binary_search_by(|set| set.owner.cmp(owner).then_with(|| set.rtype.cmp(&rtype)));
        found.ok().map(|at| &self.0[at])
    }

    /// Returns all sets of an owner name.
    pub fn at(&self, owner: &Name) -> &[RrSet] {
        let start = self.0.partition_point(|set| set.owner < *owner);
        let count = self.0[start..]
            .iter()
            .take_while(|set| set.owner == *owner)
            .count();
        &self.0[start..start + count]
    }

    /// Iterates over the sets in order.
    pub fn iter(&self) -> std::slice::Iter<'_, RrSet> {
        self.0.iter()
    }

    /// Returns the sets in order.
    pub fn as_slice(&self) -> &[RrSet] {
        &self.0
    }

    /// Returns the sets in order, by value.
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

    /// Returns the records that `other` does not contain. Ignores TTLs and compares TXT by content.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        let mut rest = other.0.as_slice();
        let mut difference = Vec::new();
        for set in &self.0 {
            let is_same = |theirs: &RrSet| theirs.rtype == set.rtype && theirs.owner == set.owner;
            let is_before = |theirs: &RrSet| {
                let order = theirs.owner.cmp(&set.owner);
                order.then_with(|| theirs.rtype.cmp(&set.rtype)).is_lt()
            };
            // Equality is much cheaper than order, and the usual case.
            while let Some((first, others)) = rest.split_first()
                && !is_same(first)
                && is_before(first)
            {
                rest = others;
            }
            let Some((theirs, others)) = rest.split_first().filter(|(first, _)| is_same(first))
            else {
                difference.push(set.clone());
                continue;
            };
            rest = others;
            if theirs.rdatas != set.rdatas {
                let missing = set.part(|rdata| !theirs.contains(rdata));
                difference.extend(Some(missing).filter(|set| !set.rdatas.is_empty()));
            }
        }
        Self(difference)
    }

    /// Counts the records of all sets.
    pub fn record_count(&self) -> usize {
        self.0.iter().map(|set| set.rdatas.len()).sum()
    }

    /// Returns whether there are no sets.
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
