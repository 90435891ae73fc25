//! Reads a transferred catalog: its member zones, their instances, and its problems.

use std::collections::{BTreeMap, HashMap};

use super::name::{CatalogName, EXT, FOUND, instance_owner, origin_owner, prefixed};
use crate::model::{CurrentZone, Name, Rdata, RecordType, RrSet, ZoneName};
use crate::plan::batch::{Batch, Update};

/// The supported version of the schema (RFC 9432 section 4.2.1).
const VERSION: &[u8] = b"2";
/// The change of ownership property (RFC 9432 section 4.3.1).
const COO: &[u8] = b"coo";

/// The member zones of a catalog and their instances.
#[derive(Clone, Debug)]
pub struct CatalogView {
    catalog: CatalogName,
    /// The member nodes by their names `<unique>.zones.<catalog>`.
    nodes: HashMap<Name, Node>,
    /// The member nodes of each listed zone; more than one if the catalog lists it twice.
    listed: HashMap<ZoneName, Vec<Name>>,
    problems: Vec<CatalogProblem>,
}

/// A member node: the values of every RRset at and below it.
#[derive(Clone, Debug, Default)]
struct Node(BTreeMap<(Name, RecordType), Vec<Rdata>>);

/// A problem of a catalog.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CatalogProblem {
    /// The version is missing (RFC 9432 section 4.2.1).
    #[error("it has no TXT record at `{owner}`")]
    NoVersion {
        /// The owner name of the version.
        owner: Name,
    },
    /// The catalog has several versions (RFC 9432 section 4.2.1).
    #[error("it has {count} TXT records at `{owner}`")]
    SeveralVersions {
        /// The owner name of the version.
        owner: Name,
        /// The number of versions.
        count: usize,
    },
    /// The version is not supported (RFC 9432 section 4.2.1).
    #[error("its version is `{version}`, and `2` is the one that is known")]
    UnknownVersion {
        /// The version, escaped.
        version: String,
    },
    /// A member node has several PTR records (RFC 9432 section 4.1).
    #[error("`{node}` has {count} PTR records")]
    SeveralZones {
        /// The member node.
        node: Name,
        /// The number of PTR records.
        count: usize,
    },
    /// A zone is listed more than once (RFC 9432 section 4.1).
    #[error("it lists `{zone}` {count} times")]
    DuplicateZone {
        /// The zone.
        zone: ZoneName,
        /// The number of member nodes.
        count: usize,
    },
    /// A PTR belongs neither to a member nor to a known property.
    #[error("the PTR record at `{owner}` means nothing there")]
    StrayPtr {
        /// The owner name.
        owner: Name,
    },
}

impl CatalogProblem {
    /// Returns whether consumers must not process such a catalog (RFC 9432 section 5.1).
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

/// A member of a catalog.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Member {
    /// The zone.
    pub zone: ZoneName,
    /// The member node.
    pub node: Name,
    /// Whether the member node has the PTR of the zone; if not, the zone is reserved.
    pub is_listed: bool,
    /// Whether the zone existed before its instance claimed it.
    pub is_preexisting: bool,
    /// The values of `instance`.
    pub(super) instances: Vec<Rdata>,
    /// The RRsets of the types PTR and TXT at and below the member node.
    pub(super) sets: Vec<(Name, RecordType)>,
}

/// The membership of a zone in a catalog, as one instance sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Membership {
    /// The catalog does not have the zone.
    Absent,
    /// The catalog lists the zone without an instance.
    Unclaimed(Member),
    /// The zone is this instance's.
    Ours(Member),
    /// The zone is another instance's.
    Other {
        /// The other instance, escaped.
        instance: String,
        /// The member.
        member: Member,
    },
}

impl CatalogView {
    /// Reads a transferred catalog.
    pub fn read(catalog: &CatalogName, current: &CurrentZone) -> Self {
        let mut view = Self {
            catalog: catalog.clone(),
            nodes: HashMap::new(),
            listed: HashMap::new(),
            problems: version_problem(current).into_iter().collect(),
        };
        for set in &current.records {
            view.add_set(set);
        }
        for (zone, nodes) in view.listed.iter().filter(|(_, nodes)| nodes.len() > 1) {
            view.problems.push(CatalogProblem::DuplicateZone {
                zone: zone.clone(),
                count: nodes.len(),
            });
        }
        view
    }

    /// Returns the problems of the catalog.
    pub fn problems(&self) -> &[CatalogProblem] {
        &self.problems
    }

    /// Returns all zones that the catalog lists, in no order.
    pub fn zones(&self) -> impl Iterator<Item = &ZoneName> {
        self.listed.keys()
    }

    /// Returns the membership of a zone, as `instance` sees it.
    pub fn membership(&self, zone: &ZoneName, instance: &str) -> Membership {
        let own = self.catalog.node(zone);
        let listed = self.listed.get(zone).into_iter().flatten();
        let nodes = listed.chain(self.nodes.contains_key(&own).then_some(&own));
        let mut members: Vec<Member> = nodes.filter_map(|node| self.member(zone, node)).collect();
        // If a zone is listed twice, another instance takes precedence over this one.
        let ours = instance.as_bytes();
        let is_ours = |member: &Member| {
            let instances = &member.instances;
            !instances.is_empty() && instances.iter().all(|value| content(value) == ours)
        };
        let others = members
            .iter()
            .position(|member| !member.instances.is_empty() && !is_ours(member));
        if let Some(at) = others {
            let member = members.swap_remove(at);
            let instances = member.instances.iter().map(content);
            let other = instances.filter(|value| value != ours).min();
            return Membership::Other {
                instance: other.unwrap_or_default().escape_ascii().to_string(),
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

    /// Applies the changes of an UPDATE that this instance made.
    pub fn apply(&mut self, batch: &Batch) {
        for update in &batch.updates {
            match update {
                Update::Add {
                    owner,
                    rtype,
                    ttl,
                    rdata,
                } => self.add_set(&RrSet {
                    owner: owner.clone(),
                    rtype: *rtype,
                    ttl: *ttl,
                    rdatas: vec![rdata.clone()],
                }),
                Update::RemoveSet { owner, rtype } => self.remove_set(owner, *rtype),
                // No batch that changes a catalog has these.
                Update::Remove { .. } | Update::RemoveName { .. } => {}
            }
        }
    }

    /// Returns whether the catalog has any of the RRsets to which an UPDATE added a value.
    pub fn has_any_added(&self, batch: &Batch) -> bool {
        batch.updates.iter().any(|update| match update {
            Update::Add { owner, rtype, .. } => {
                let key = (owner.clone(), *rtype);
                let mut nodes = self.nodes.values();
                nodes.any(|Node(sets)| sets.contains_key(&key))
            }
            Update::RemoveSet { .. } | Update::Remove { .. } | Update::RemoveName { .. } => false,
        })
    }

    fn add_set(&mut self, set: &RrSet) {
        let (apex, members) = (self.catalog.zone().apex(), self.catalog.members());
        let Some((node, property)) = split_owner(&set.owner, &members) else {
            if set.rtype == RecordType::PTR && !set.owner.is_below(&prefixed(apex, &[EXT])) {
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

    fn remove_set(&mut self, owner: &Name, rtype: RecordType) {
        let Some((node, property)) = split_owner(owner, &self.catalog.members()) else {
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
        let texts = |owner: Name| sets.get(&(owner, RecordType::TXT)).cloned();
        let instances = texts(instance_owner(node)).unwrap_or_default();
        let ptrs = sets.get(&(node.clone(), RecordType::PTR));
        let is_removable =
            |(_, rtype): &&(Name, RecordType)| [RecordType::PTR, RecordType::TXT].contains(rtype);
        let origins = texts(origin_owner(node)).unwrap_or_default();
        Some(Member {
            zone: zone.clone(),
            node: node.clone(),
            is_listed: ptrs.is_some_and(|ptrs| ptrs.contains(&Rdata::from_name(zone.apex()))),
            is_preexisting: origins.iter().any(|value| content(value) == FOUND),
            instances,
            sets: sets.keys().filter(is_removable).cloned().collect(),
        })
    }
}

/// Checks the version of a catalog.
fn version_problem(current: &CurrentZone) -> Option<CatalogProblem> {
    let owner = prefixed(current.name.apex(), &[b"version"]);
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

/// Splits the name of a member node, or of a name below one, into the member node and the labels
/// below it. `None` for other names.
fn split_owner(owner: &Name, members: &Name) -> Option<(Name, Vec<Vec<u8>>)> {
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
    Some((prefixed(members, &[&unique]), property))
}

fn content(value: &Rdata) -> Vec<u8> {
    value.content(RecordType::TXT).into_owned()
}
