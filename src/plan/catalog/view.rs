//! Reads a transferred catalog: its member zones, their claims, and its problems.

use std::collections::HashMap;

use super::claim::{Claim, ClaimState, Listing, Member, Membership};
use super::name::{CatalogName, EXT, hash_label, prefixed};
use super::update::COO;
use crate::diagnostic::{Diagnose, Diagnostic, case, displayed, ownership as entries};
use crate::model::{CurrentZone, Name, Rdata, RecordType, RrSet, ZoneName};

/// The supported version of the schema (RFC 9432 section 4.2.1).
pub(super) const VERSION: &[u8] = b"2";
/// The property that named the instance of a member in the first form of nsbridge's catalogs.
pub(super) const INSTANCE: &[u8] = b"instance";
/// The property that marked a member as found in the first form.
pub(super) const ORIGIN: &[u8] = b"origin";

/// The member zones of a catalog and their claims.
#[derive(Clone, Debug)]
pub struct CatalogView {
    pub(super) catalog: CatalogName,
    /// The member nodes by their labels, in lower case.
    pub(super) nodes: HashMap<Vec<u8>, Node>,
    /// The labels of each listed zone; more than one if the catalog lists it twice.
    pub(super) listed: HashMap<ZoneName, Vec<Vec<u8>>>,
    /// The records at the names of claims, by their labels in lower case.
    pub(super) claims: HashMap<Vec<u8>, Vec<Rdata>>,
    /// Whether the catalog has the record of the format.
    pub(super) has_format: bool,
    is_signed: bool,
    problems: Vec<CatalogProblem>,
}

/// A member node.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    pub(super) ptrs: Vec<Rdata>,
    /// The values of `instance`, in the first form.
    pub(super) instances: Vec<Rdata>,
    /// The values of `origin`, in the first form.
    pub(super) origins: Vec<Rdata>,
}

impl Node {
    /// Returns whether an instance has reserved its zone, in the first form.
    pub(super) fn is_reserved(&self) -> bool {
        self.ptrs.is_empty() && !self.instances.is_empty()
    }
}

/// A problem of a catalog.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CatalogProblem {
    /// The version is missing (RFC 9432 section 4.2.1).
    NoVersion {
        /// The owner name of the version.
        owner: Name,
    },
    /// The catalog has several versions (RFC 9432 section 4.2.1).
    SeveralVersions {
        /// The owner name of the version.
        owner: Name,
        /// The number of versions.
        count: usize,
    },
    /// The version is not supported (RFC 9432 section 4.2.1).
    UnknownVersion {
        /// The version, escaped.
        version: String,
    },
    /// A member node has several PTR records (RFC 9432 section 4.1).
    SeveralZones {
        /// The member node.
        node: Name,
        /// The number of PTR records.
        count: usize,
    },
    /// A zone is listed more than once (RFC 9432 section 4.1).
    DuplicateZone {
        /// The zone.
        zone: ZoneName,
        /// The number of member nodes.
        count: usize,
    },
    /// A PTR belongs neither to a member nor to a known property.
    StrayPtr {
        /// The owner name.
        owner: Name,
    },
    /// The records at the name of a claim are no claim, or several.
    DamagedClaim {
        /// The owner name.
        owner: Name,
    },
    /// A listed zone has no claim: another program listed it.
    Unclaimed {
        /// The zone.
        zone: ZoneName,
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
            Self::DuplicateZone { .. }
            | Self::StrayPtr { .. }
            | Self::DamagedClaim { .. }
            | Self::Unclaimed { .. } => false,
        }
    }
}

displayed!(CatalogProblem);

impl Diagnose for CatalogProblem {
    fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::NoVersion { owner } => case!(entries::CATALOG_WITHOUT_VERSION, owner),
            Self::SeveralVersions { owner, count } => {
                case!(entries::CATALOG_VERSIONS, owner, count)
            }
            Self::UnknownVersion { version } => case!(entries::CATALOG_VERSION_UNKNOWN, version),
            Self::SeveralZones { node, count } => {
                case!(entries::CATALOG_NODE_AMBIGUOUS, node, count)
            }
            Self::DuplicateZone { zone, count } => case!(entries::CATALOG_ZONE_TWICE, zone, count),
            Self::StrayPtr { owner } => case!(entries::CATALOG_STRAY_PTR, owner),
            Self::DamagedClaim { owner } => case!(entries::CATALOG_CLAIM_DAMAGED, owner),
            Self::Unclaimed { zone } => case!(entries::CATALOG_ZONE_UNCLAIMED, zone),
        }
    }
}

impl CatalogName {
    /// Checks the values of the version of the catalog.
    pub fn version_problem(&self, values: &[Rdata]) -> Option<CatalogProblem> {
        version_problem(self.version_owner(), values)
    }
}

impl CatalogView {
    /// Reads a transferred catalog.
    pub fn read(catalog: &CatalogName, current: &CurrentZone) -> Self {
        let versions = current
            .records
            .get(&catalog.version_owner(), RecordType::TXT);
        let versions = versions.map_or(&[][..], |set| &set.rdatas);
        let mut view = Self {
            catalog: catalog.clone(),
            nodes: HashMap::new(),
            listed: HashMap::new(),
            claims: HashMap::new(),
            has_format: false,
            is_signed: false,
            problems: catalog.version_problem(versions).into_iter().collect(),
        };
        for set in &current.records {
            view.add_set(set);
            view.is_signed |= set.rtype.is_made_by_signer();
        }
        for (zone, labels) in &view.listed {
            if labels.len() > 1 {
                view.problems.push(CatalogProblem::DuplicateZone {
                    zone: zone.clone(),
                    count: labels.len(),
                });
            }
            if view.has_format && !view.claims.contains_key(hash_label(zone).as_bytes()) {
                let zone = zone.clone();
                view.problems.push(CatalogProblem::Unclaimed { zone });
            }
        }
        for (label, rdatas) in &view.claims {
            if catalog.claim(rdatas).is_err() {
                let owner = prefixed(&catalog.claims(), &[label]);
                view.problems.push(CatalogProblem::DamagedClaim { owner });
            }
        }
        view
    }

    /// Returns the problems of the catalog.
    pub fn problems(&self) -> &[CatalogProblem] {
        &self.problems
    }

    /// Returns whether the catalog has records of DNSSEC.
    pub fn is_signed(&self) -> bool {
        self.is_signed
    }

    /// Returns whether the catalog is in this form.
    pub fn has_format(&self) -> bool {
        self.has_format
    }

    /// Returns whether the catalog lists no zone and has no claim.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.claims.is_empty()
    }

    /// Returns all zones that the catalog lists, in no order.
    pub fn zones(&self) -> impl Iterator<Item = &ZoneName> {
        self.listed.keys()
    }

    /// Returns the membership of a zone, as `instance` sees it. A listed zone with no claim, or a damaged one, is
    /// unclaimed.
    pub fn membership(&self, zone: &ZoneName, instance: &str) -> Membership {
        let claims = self.claims.get(hash_label(zone).as_bytes());
        let claim = self.catalog.claim(claims.map_or(&[][..], |it| it));
        if let Ok(Some(claim)) = claim {
            let node = self.nodes.get(&claim.label.to_ascii_lowercase());
            let ptrs = node.map_or(&[][..], |node| &node.ptrs);
            return self.catalog.membership(zone, claim, ptrs, instance);
        }
        let label = self.listed.get(zone).and_then(|labels| labels.first());
        label.map_or(Membership::Absent, |label| {
            Membership::Unclaimed(Member {
                zone: zone.clone(),
                claim: Claim {
                    instance: Vec::new(),
                    label: label.clone(),
                    state: ClaimState::Listed,
                },
                listing: Listing::Listed,
            })
        })
    }

    fn add_set(&mut self, set: &RrSet) {
        let (apex, members) = (self.catalog.zone().apex(), self.catalog.members());
        if let Some((label, property)) = split_owner(&set.owner, &self.catalog.claims()) {
            if property.is_empty() && set.rtype == RecordType::ZONEMD {
                if set.owner == self.catalog.format_owner() {
                    self.has_format = true;
                } else {
                    self.claims.insert(label, set.rdatas.clone());
                }
            }
            return;
        }
        let Some((label, property)) = split_owner(&set.owner, &members) else {
            if set.rtype == RecordType::PTR && !set.owner.is_below(&prefixed(apex, &[EXT])) {
                let owner = set.owner.clone();
                self.problems.push(CatalogProblem::StrayPtr { owner });
            }
            return;
        };
        let property: Vec<&[u8]> = property.iter().map(Vec::as_slice).collect();
        match (&property[..], set.rtype) {
            ([], RecordType::PTR) => self.add_member(label, set),
            ([INSTANCE, EXT], RecordType::TXT) => {
                let node = self.nodes.entry(label).or_default();
                node.instances.clone_from(&set.rdatas);
            }
            ([ORIGIN, EXT], RecordType::TXT) => {
                let node = self.nodes.entry(label).or_default();
                node.origins.clone_from(&set.rdatas);
            }
            ([COO] | [.., EXT], RecordType::PTR) => {}
            (_, RecordType::PTR) => {
                let owner = set.owner.clone();
                self.problems.push(CatalogProblem::StrayPtr { owner });
            }
            _ => {}
        }
    }

    fn add_member(&mut self, label: Vec<u8>, set: &RrSet) {
        if set.rdatas.len() > 1 {
            self.problems.push(CatalogProblem::SeveralZones {
                node: set.owner.clone(),
                count: set.rdatas.len(),
            });
        }
        for zone in set.rdatas.iter().filter_map(Rdata::to_name) {
            let labels = self.listed.entry(ZoneName::new(&zone)).or_default();
            labels.push(label.clone());
        }
        let node = self.nodes.entry(label).or_default();
        node.ptrs.clone_from(&set.rdatas);
    }
}

/// Checks the values of the version of a catalog.
fn version_problem(owner: Name, values: &[Rdata]) -> Option<CatalogProblem> {
    match values {
        [] => Some(CatalogProblem::NoVersion { owner }),
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

/// Splits a name below another one into its last label above that, and the labels below that. `None` for other
/// names.
fn split_owner(owner: &Name, above: &Name) -> Option<(Vec<u8>, Vec<Vec<u8>>)> {
    if !owner.is_below(above) {
        return None;
    }
    let depth = owner.label_count() - above.label_count();
    let mut property: Vec<Vec<u8>> = owner
        .labels()
        .take(depth)
        .map(<[u8]>::to_ascii_lowercase)
        .collect();
    let label = property.pop()?;
    Some((label, property))
}

pub(super) fn content(value: &Rdata) -> Vec<u8> {
    value.content(RecordType::TXT).into_owned()
}
