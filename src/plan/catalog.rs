//! Catalog zones (RFC 9432): which zones a catalog lists, whose they are, and the UPDATEs that
//! change that.
//!
//! A member is a PTR at a node `<unique>.zones.<catalog>`. Whose it is stands beside it, as a custom
//! property (section 4.4): `instance.ext.<unique>.zones.<catalog> TXT "plesk01"`. A second one,
//! `origin.ext.<unique>… TXT "found"`, says that the zone was there before its instance came upon it,
//! so that a deletion must leave it.
//!
//! Any number of instances share a catalog without knowing each other: the unique label of a member
//! is a hash of its zone's name, so that all who claim a zone write to the same node, and each UPDATE
//! has prerequisites on what it was computed from. The first wins, the others are told by a
//! prerequisite. Members that somebody else wrote under other labels are respected as they are.
//!
//! Removals are by RRset, never by name, and only PTR and TXT are ever touched: an ACL for these two
//! types below `zones.<catalog>` suffices.
//!
//! A node with an `instance` and no PTR is a zone that is reserved: its maker makes it first and
//! lists it then, so that no secondary asks for a zone that is not there yet. Consumers ignore it
//! (section 5.1).

use std::collections::{BTreeMap, HashMap};

use sha2::{Digest as _, Sha256};

use super::batch::{Batch, Prerequisite, Update};
use crate::model::{CurrentZone, Name, Rdata, RecordType, RrSet, ZoneName};

/// Longest catalog name in octets, so that the longest of names below it, `instance.ext.` and a
/// label of 63 octets under `zones`, is still a name.
pub const CATALOG_OCTETS_MAX: usize = 172;
/// Octets of the hash that a unique label is made of, written in hexadecimal: of a million zones no
/// two ever share one.
const UNIQUE_OCTETS: usize = 16;
/// TTL of what is written; it means nothing in a catalog (RFC 9432 section 4).
const TTL: u32 = 0;
/// The version of the schema that is known (RFC 9432 section 4.2.1).
const VERSION: &[u8] = b"2";
/// The value of `origin` for zones that were there before.
const FOUND: &[u8] = b"found";
/// Where a mark is a property that is nobody's standard (RFC 9432 section 4.4).
const EXT: &[u8] = b"ext";
const INSTANCE: &[u8] = b"instance";
const ORIGIN: &[u8] = b"origin";
const GROUP: &[u8] = b"group";
const COO: &[u8] = b"coo";

/// The name of a catalog zone, short enough for all names below it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CatalogName(ZoneName);

/// What a catalog lists, and whose.
#[derive(Clone, Debug)]
pub struct CatalogView {
    catalog: CatalogName,
    /// By their names `<unique>.zones.<catalog>`.
    nodes: HashMap<Name, Node>,
    /// The nodes of a listed zone; more than one where the catalog has a duplicate.
    listed: HashMap<ZoneName, Vec<Name>>,
    problems: Vec<CatalogProblem>,
}

/// A member node: the values of every RRset at and below it.
#[derive(Clone, Debug, Default)]
struct Node(BTreeMap<(Name, RecordType), Vec<Rdata>>);

/// What is wrong with a catalog.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CatalogProblem {
    /// There is no version (RFC 9432 section 4.2.1).
    #[error("it has no TXT record at `{owner}`")]
    NoVersion {
        /// Where it shall stand.
        owner: Name,
    },
    /// There are several versions (RFC 9432 section 4.2.1).
    #[error("it has {count} TXT records at `{owner}`")]
    SeveralVersions {
        /// Where one shall stand.
        owner: Name,
        /// How many stand there.
        count: usize,
    },
    /// The version is another one (RFC 9432 section 4.2.1).
    #[error("its version is `{version}`, and `2` is the one that is known")]
    UnknownVersion {
        /// The version, escaped.
        version: String,
    },
    /// A member node has several PTR records (RFC 9432 section 4.1).
    #[error("`{node}` has {count} PTR records")]
    SeveralZones {
        /// The node.
        node: Name,
        /// How many there are.
        count: usize,
    },
    /// A zone is listed more than once (RFC 9432 section 4.1).
    #[error("it lists `{zone}` {count} times")]
    DuplicateZone {
        /// The zone.
        zone: ZoneName,
        /// How often.
        count: usize,
    },
    /// A PTR stands where no member and no known property is.
    #[error("the PTR record at `{owner}` means nothing there")]
    StrayPtr {
        /// Its name.
        owner: Name,
    },
}

impl CatalogProblem {
    /// Whether consumers must not process such a catalog (RFC 9432 section 5.1).
    pub fn breaks(&self) -> bool {
        match self {
            Self::NoVersion { .. }
            | Self::SeveralVersions { .. }
            | Self::UnknownVersion { .. }
            | Self::SeveralZones { .. } => true,
            Self::DuplicateZone { .. } | Self::StrayPtr { .. } => false,
        }
    }
}

/// A zone's entry in a catalog.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Member {
    /// The zone.
    pub zone: ZoneName,
    /// The member node.
    pub node: Name,
    /// Whether its PTR is there; without one the zone is reserved.
    pub is_listed: bool,
    /// Whether the zone was there before its instance came upon it.
    pub is_found: bool,
    /// The values of `instance`.
    marks: Vec<Rdata>,
    /// The RRsets of the types PTR and TXT at and below the node.
    sets: Vec<(Name, RecordType)>,
}

/// Whose a zone is, as far as a catalog tells.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Holding {
    /// The catalog does not have it.
    Nobodys,
    /// The catalog lists it, and no instance is named.
    Unmarked(Member),
    /// This instance's.
    Ours(Member),
    /// Another instance's.
    Others {
        /// That instance, escaped.
        instance: String,
        /// The entry.
        member: Member,
    },
}

/// How a zone that is claimed came to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Making {
    /// The claim, or what follows it, makes it.
    Made,
    /// It was there before.
    Found,
}

impl CatalogName {
    /// The catalog of that name; none where it is longer than [`CATALOG_OCTETS_MAX`].
    pub fn new(apex: &Name) -> Option<Self> {
        (apex.as_wire().len() <= CATALOG_OCTETS_MAX).then(|| Self(ZoneName::new(apex)))
    }

    /// The zone that the catalog is.
    pub fn zone(&self) -> &ZoneName {
        &self.0
    }

    /// The node under which every instance claims a zone.
    fn node(&self, zone: &ZoneName) -> Name {
        let hash = Sha256::digest(zone.apex().to_lowercase().as_wire());
        let digits = hash[..UNIQUE_OCTETS]
            .iter()
            .flat_map(|octet| [octet >> 4, octet & 0xf]);
        let unique: String = digits
            .filter_map(|digit| char::from_digit(digit.into(), 16))
            .collect();
        below(&self.members(), &[unique.as_bytes()])
    }

    /// The name that all members are below.
    fn members(&self) -> Name {
        below(self.0.apex(), &[b"zones"])
    }

    /// Reserves a zone that is about to be made, unless it is listed or reserved by then.
    pub fn reserve(&self, zone: &ZoneName, instance: &str) -> Batch {
        let node = self.node(zone);
        let mark = mark(&node);
        self.batch(
            vec![
                absent(node, RecordType::PTR),
                absent(mark.clone(), RecordType::TXT),
            ],
            vec![add(mark, RecordType::TXT, text(instance.as_bytes()))],
        )
    }

    /// Lists a zone as this instance's, unless it is listed, or reserved by another, by then.
    /// `reserved` is this instance's reservation.
    pub fn claim(
        &self,
        zone: &ZoneName,
        instance: &str,
        making: Making,
        group: Option<&str>,
        reserved: Option<&Member>,
    ) -> Batch {
        let node = self.node(zone);
        let (mark, origin) = (mark(&node), origin(&node));
        let group_owner = below(&node, &[GROUP]);
        let mut prerequisites = vec![absent(node.clone(), RecordType::PTR)];
        prerequisites.extend(texts_hold(
            mark.clone(),
            reserved.map_or(&[], |own| &own.marks),
        ));
        // What a member that was removed by hand may have left there.
        let mut updates = vec![
            remove_set(origin.clone(), RecordType::TXT),
            remove_set(group_owner.clone(), RecordType::TXT),
            add(node, RecordType::PTR, Rdata::from_name(zone.apex())),
            add(mark, RecordType::TXT, text(instance.as_bytes())),
        ];
        if making == Making::Found {
            updates.push(add(origin, RecordType::TXT, text(FOUND)));
        }
        if let Some(group) = group {
            updates.push(add(group_owner, RecordType::TXT, text(group.as_bytes())));
        }
        self.batch(prerequisites, updates)
    }

    /// Says no longer of an entry that its zone was there before, unless it changed by then.
    pub fn made(&self, member: &Member) -> Batch {
        let updates = vec![remove_set(origin(&member.node), RecordType::TXT)];
        self.batch(member.holds(), updates)
    }

    /// Writes this instance's name to an entry, unless it changed by then. A zone without an owner
    /// counts as found; one of another instance stays what it was.
    pub fn adopt(&self, member: &Member, instance: &str) -> Batch {
        let mark = mark(&member.node);
        let mut updates = vec![
            remove_set(mark.clone(), RecordType::TXT),
            add(mark, RecordType::TXT, text(instance.as_bytes())),
        ];
        if member.marks.is_empty() {
            let origin = origin(&member.node);
            updates.push(add(origin, RecordType::TXT, text(FOUND)));
        }
        self.batch(member.holds(), updates)
    }

    /// Takes an entry out, unless it changed by then. Of one that somebody else listed only what
    /// this instance added goes.
    pub fn release(&self, member: &Member) -> Batch {
        let is_listed_by_us = member.node == self.node(&member.zone);
        let marks = [mark(&member.node), origin(&member.node)];
        let goes = |set: &&(Name, RecordType)| {
            is_listed_by_us
                || !member.is_found
                || set.1 == RecordType::TXT && marks.contains(&set.0)
        };
        let removals = member.sets.iter().filter(goes).cloned();
        let updates = removals.map(|(owner, rtype)| remove_set(owner, rtype));
        self.batch(member.holds(), updates.collect())
    }

    fn batch(&self, prerequisites: Vec<Prerequisite>, updates: Vec<Update>) -> Batch {
        Batch {
            zone: self.0.clone(),
            prerequisites,
            updates,
        }
    }
}

impl Member {
    /// That the entry is as it was read.
    fn holds(&self) -> Vec<Prerequisite> {
        let (owner, rtype) = (self.node.clone(), RecordType::PTR);
        let ptr = if self.is_listed {
            let rdata = Rdata::from_name(self.zone.apex());
            Prerequisite::Equals {
                owner,
                rtype,
                rdata,
            }
        } else {
            absent(owner, rtype)
        };
        let origin = if self.is_found {
            vec![text(FOUND)]
        } else {
            Vec::new()
        };
        let mut all = vec![ptr];
        all.extend(texts_hold(mark(&self.node), &self.marks));
        all.extend(texts_hold(self::origin(&self.node), &origin));
        all
    }
}

impl CatalogView {
    /// What a transferred catalog says.
    pub fn read(catalog: &CatalogName, current: &CurrentZone) -> Self {
        let mut view = Self {
            catalog: catalog.clone(),
            nodes: HashMap::new(),
            listed: HashMap::new(),
            problems: version_problem(current).into_iter().collect(),
        };
        for set in &current.records {
            view.take(set);
        }
        for (zone, nodes) in view.listed.iter().filter(|(_, nodes)| nodes.len() > 1) {
            view.problems.push(CatalogProblem::DuplicateZone {
                zone: zone.clone(),
                count: nodes.len(),
            });
        }
        view
    }

    /// What is wrong with the catalog.
    pub fn problems(&self) -> &[CatalogProblem] {
        &self.problems
    }

    /// All zones that the catalog lists, in no order.
    pub fn zones(&self) -> impl Iterator<Item = &ZoneName> {
        self.listed.keys()
    }

    /// Whose a zone is, seen from an instance.
    pub fn holding(&self, zone: &ZoneName, instance: &str) -> Holding {
        let own = self.catalog.node(zone);
        let listed = self.listed.get(zone).into_iter().flatten();
        let nodes = listed.chain(self.nodes.contains_key(&own).then_some(&own));
        let mut members: Vec<Member> = nodes.filter_map(|node| self.member(zone, node)).collect();
        // Where a zone is listed twice, a mark of another counts first, and then ours.
        let is_ours = |member: &Member| {
            let ours = text(instance.as_bytes());
            let same = |mark: &Rdata| content(mark) == content(&ours);
            !member.marks.is_empty() && member.marks.iter().all(same)
        };
        let others = members
            .iter()
            .position(|member| !member.marks.is_empty() && !is_ours(member));
        if let Some(at) = others {
            let member = members.swap_remove(at);
            let ours = instance.as_bytes();
            let theirs = member.marks.iter().map(content);
            let theirs = theirs.filter(|mark| mark != ours).min();
            return Holding::Others {
                instance: theirs.unwrap_or_default().escape_ascii().to_string(),
                member,
            };
        }
        if let Some(at) = members.iter().position(is_ours) {
            return Holding::Ours(members.swap_remove(at));
        }
        match members.into_iter().find(|member| member.is_listed) {
            Some(member) => Holding::Unmarked(member),
            None => Holding::Nobodys,
        }
    }

    /// Takes over what an UPDATE of ours changed.
    pub fn apply(&mut self, batch: &Batch) {
        for update in &batch.updates {
            match update {
                Update::Add {
                    owner,
                    rtype,
                    ttl,
                    rdata,
                } => self.take(&RrSet {
                    owner: owner.clone(),
                    rtype: *rtype,
                    ttl: *ttl,
                    rdatas: vec![rdata.clone()],
                }),
                Update::RemoveSet { owner, rtype } => self.drop_set(owner, *rtype),
                // No batch of a catalog has these.
                Update::Remove { .. } | Update::RemoveName { .. } => {}
            }
        }
    }

    fn take(&mut self, set: &RrSet) {
        let (apex, members) = (self.catalog.zone().apex(), self.catalog.members());
        let Some((node, property)) = split(&set.owner, &members) else {
            if set.rtype == RecordType::PTR && !set.owner.is_below(&below(apex, &[EXT])) {
                let owner = set.owner.clone();
                self.problems.push(CatalogProblem::StrayPtr { owner });
            }
            return;
        };
        if set.rtype == RecordType::PTR {
            let is_known = |labels: &[Vec<u8>]| {
                labels.is_empty() || labels == [COO] || labels.ends_with(&[EXT.to_vec()])
            };
            if !is_known(&property) {
                let owner = set.owner.clone();
                self.problems.push(CatalogProblem::StrayPtr { owner });
            } else if property.is_empty() && set.rdatas.len() > 1 {
                self.problems.push(CatalogProblem::SeveralZones {
                    node: node.clone(),
                    count: set.rdatas.len(),
                });
            }
            for zone in set.rdatas.iter().filter_map(Rdata::to_name) {
                if property.is_empty() {
                    let nodes = self.listed.entry(ZoneName::new(&zone)).or_default();
                    nodes.push(node.clone());
                }
            }
        }
        let sets = &mut self.nodes.entry(node).or_default().0;
        let values = sets.entry((set.owner.clone(), set.rtype)).or_default();
        values.extend(set.rdatas.iter().cloned());
        values.sort();
        values.dedup();
    }

    fn drop_set(&mut self, owner: &Name, rtype: RecordType) {
        let Some((node, property)) = split(owner, &self.catalog.members()) else {
            return;
        };
        if property.is_empty() && rtype == RecordType::PTR {
            self.listed.retain(|_, nodes| {
                nodes.retain(|listed| *listed != node);
                !nodes.is_empty()
            });
        }
        if let Some(Node(sets)) = self.nodes.get_mut(&node) {
            sets.remove(&(owner.clone(), rtype));
            if sets.is_empty() {
                self.nodes.remove(&node);
            }
        }
    }

    fn member(&self, zone: &ZoneName, node: &Name) -> Option<Member> {
        let Node(sets) = self.nodes.get(node)?;
        let values = |owner: Name| sets.get(&(owner, RecordType::TXT)).cloned();
        let marks = values(mark(node)).unwrap_or_default();
        let ptrs = sets.get(&(node.clone(), RecordType::PTR));
        let is_removable =
            |(_, rtype): &&(Name, RecordType)| [RecordType::PTR, RecordType::TXT].contains(rtype);
        let origins = values(origin(node)).unwrap_or_default();
        Some(Member {
            zone: zone.clone(),
            node: node.clone(),
            is_listed: ptrs.is_some_and(|ptrs| ptrs.contains(&Rdata::from_name(zone.apex()))),
            is_found: origins.iter().any(|value| content(value) == FOUND),
            marks,
            sets: sets.keys().filter(is_removable).cloned().collect(),
        })
    }
}

/// What is wrong with the version of a catalog.
fn version_problem(current: &CurrentZone) -> Option<CatalogProblem> {
    let owner = below(current.name.apex(), &[b"version"]);
    let Some(set) = current.records.get(&owner, RecordType::TXT) else {
        return Some(CatalogProblem::NoVersion { owner });
    };
    match set.rdatas.as_slice() {
        [version] if content(version) == VERSION => None,
        [version] => Some(CatalogProblem::UnknownVersion {
            version: content(version).escape_ascii().to_string(),
        }),
        several => Some(CatalogProblem::SeveralVersions {
            owner,
            count: several.len(),
        }),
    }
}

/// The member node that a name is at or below, and the labels between; none for other names.
fn split(owner: &Name, members: &Name) -> Option<(Name, Vec<Vec<u8>>)> {
    if !owner.is_below(members) {
        return None;
    }
    let depth = owner.label_count() - members.label_count();
    let mut property: Vec<Vec<u8>> = owner
        .labels()
        .take(depth)
        .map(<[u8]>::to_ascii_lowercase)
        .collect();
    let unique = property.pop()?;
    Some((below(members, &[&unique]), property))
}

fn mark(node: &Name) -> Name {
    below(node, &[EXT, INSTANCE])
}

fn origin(node: &Name) -> Name {
    below(node, &[EXT, ORIGIN])
}

/// A name that labels are put in front of, one after the other.
fn below(name: &Name, labels: &[&[u8]]) -> Name {
    labels.iter().fold(name.clone(), |name, label| {
        name.child(label)
            .expect("the name of a catalog leaves room for the names below it")
    })
}

/// The TXT values at a name are these.
fn texts_hold(owner: Name, values: &[Rdata]) -> Vec<Prerequisite> {
    let rtype = RecordType::TXT;
    if values.is_empty() {
        return vec![absent(owner, rtype)];
    }
    let equals = |rdata: &Rdata| Prerequisite::Equals {
        owner: owner.clone(),
        rtype,
        rdata: rdata.clone(),
    };
    values.iter().map(equals).collect()
}

fn absent(owner: Name, rtype: RecordType) -> Prerequisite {
    Prerequisite::Absent { owner, rtype }
}

fn add(owner: Name, rtype: RecordType, rdata: Rdata) -> Update {
    Update::Add {
        owner,
        rtype,
        ttl: TTL,
        rdata,
    }
}

fn remove_set(owner: Name, rtype: RecordType) -> Update {
    Update::RemoveSet { owner, rtype }
}

/// TXT data of one string, which has at most 255 octets (RFC 1035 section 3.3.14).
fn text(value: &[u8]) -> Rdata {
    let strings = value.chunks(usize::from(u8::MAX));
    let octets = strings.flat_map(|string| {
        let length = u8::try_from(string.len()).expect("a chunk is no longer");
        std::iter::once(length).chain(string.iter().copied())
    });
    Rdata::from_canonical(octets.collect::<Vec<u8>>())
}

fn content(value: &Rdata) -> Vec<u8> {
    value.content(RecordType::TXT).into_owned()
}
