//! What a transferred catalog says: which zones it lists, whose they are, and what is wrong with it.

use std::collections::{BTreeMap, HashMap};

use super::name::{CatalogName, EXT, FOUND, below, mark, origin};
use crate::model::{CurrentZone, Name, Rdata, RecordType, RrSet, ZoneName};
use crate::plan::batch::{Batch, Update};
use crate::zonefile::txt_rdata;

/// The version of the schema that is known (RFC 9432 section 4.2.1).
const VERSION: &[u8] = b"2";
/// The property of a change of ownership (RFC 9432 section 4.3.1).
const COO: &[u8] = b"coo";

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
    pub(super) marks: Vec<Rdata>,
    /// The RRsets of the types PTR and TXT at and below the node.
    pub(super) sets: Vec<(Name, RecordType)>,
}

/// Whose a zone is, as far as a catalog tells.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Membership {
    /// The catalog does not have it.
    Absent,
    /// The catalog lists it, and no instance is named.
    Unclaimed(Member),
    /// This instance's.
    Ours(Member),
    /// Another instance's.
    Other {
        /// That instance, escaped.
        instance: String,
        /// The entry.
        member: Member,
    },
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
    pub fn membership(&self, zone: &ZoneName, instance: &str) -> Membership {
        let own = self.catalog.node(zone);
        let listed = self.listed.get(zone).into_iter().flatten();
        let nodes = listed.chain(self.nodes.contains_key(&own).then_some(&own));
        let mut members: Vec<Member> = nodes.filter_map(|node| self.member(zone, node)).collect();
        // Where a zone is listed twice, a mark of another counts first, and then ours.
        let is_ours = |member: &Member| {
            let ours = txt_rdata(instance.as_bytes());
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
            return Membership::Other {
                instance: theirs.unwrap_or_default().escape_ascii().to_string(),
                member,
            };
        }
        if let Some(at) = members.iter().position(is_ours) {
            return Membership::Ours(members.swap_remove(at));
        }
        match members.into_iter().find(|member| member.is_listed) {
            Some(member) => Membership::Unclaimed(member),
            None => Membership::Absent,
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

    /// Whether it has something at any of the places where an UPDATE of ours added something.
    pub fn has_any_added(&self, batch: &Batch) -> bool {
        batch.updates.iter().any(|update| match update {
            Update::Add { owner, rtype, .. } => {
                let place = (owner.clone(), *rtype);
                let mut nodes = self.nodes.values();
                nodes.any(|Node(sets)| sets.contains_key(&place))
            }
            Update::RemoveSet { .. } | Update::Remove { .. } | Update::RemoveName { .. } => false,
        })
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

fn content(value: &Rdata) -> Vec<u8> {
    value.content(RecordType::TXT).into_owned()
}
