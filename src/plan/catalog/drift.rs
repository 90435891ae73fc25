//! How a catalog differs from what is remembered of it, and the UPDATEs that bring it back.
//!
//! An entry comes back with its label: consumers then keep what they have of the zone (RFC 9432 section 5.6). A catalog
//! that must be written in several UPDATEs has another version meanwhile, where the key may change that: consumers do
//! not process such a catalog (RFC 9432 section 4.2.1), so none drops a zone whose entry is yet to come.

use std::collections::{BTreeMap, HashMap};

use super::claim::{Claim, ClaimState, Listing, Member, format_rdata};
use super::entry::Terms;
use super::name::{CatalogName, hash_label};
use super::update::{NodeChange, absent, add, equals, remove_set};
use super::view::{CatalogProblem, CatalogView, VERSION};
use crate::model::{Rdata, RecordType, ZoneName};
use crate::plan::batch::{Batch, Prerequisite, Update};
use crate::zonefile::txt_rdata;

/// The version of a catalog that is being brought back.
const GATE: &[u8] = b"3";

/// An entry of a catalog, as it was last seen.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SeenEntry {
    /// The zone.
    pub zone: ZoneName,
    /// The data of its claim.
    pub claim: Rdata,
    /// Whether consumers see the zone.
    pub is_listed: bool,
}

/// How the entry of a zone differs from what is remembered of it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum EntryDrift {
    /// It is gone, consumers do not see the zone any more, or they see it under an older label.
    Unlisted,
    /// Its member node has several PTR records, so no consumer processes the catalog (RFC 9432 section 4.1).
    Ambiguous,
    /// The claim says that the zone is this instance's, which does not know it.
    Orphaned,
    /// Another instance has claimed the zone.
    Taken,
}

/// The difference between a catalog and what is remembered of it.
#[derive(Clone, Debug, Default)]
pub struct CatalogDrift {
    /// The entries that differ.
    pub entries: BTreeMap<ZoneName, EntryDrift>,
    /// The UPDATEs that bring back what is gone. The first of several may have [a gate](CatalogName::close_gate).
    pub batches: Vec<Batch>,
}

/// Whose entries are brought back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Whose {
    /// Those of this instance.
    Ours,
    /// Those of all instances: the primary lost the catalog.
    All,
}

/// Prerequisites and updates that belong together.
type Part = (Vec<Prerequisite>, Vec<Update>);

impl CatalogName {
    /// Returns the updates that make one version of the catalog the other, with their prerequisite.
    fn version_change(&self, from: &[u8], to: &[u8]) -> Part {
        let owner = self.version_owner();
        (
            vec![equals(owner.clone(), RecordType::TXT, txt_rdata(from))],
            vec![
                remove_set(owner.clone(), RecordType::TXT),
                add(owner, RecordType::TXT, txt_rdata(to)),
            ],
        )
    }

    /// Returns the UPDATE that lets consumers process a catalog again that is brought back.
    pub fn open_gate(&self) -> Batch {
        let (prerequisites, updates) = self.version_change(GATE, VERSION);
        self.batch(prerequisites, updates)
    }

    /// Lets consumers not process the catalog from this UPDATE on, until the gate is opened.
    pub fn close_gate(&self, batch: &mut Batch) {
        let (prerequisites, updates) = self.version_change(VERSION, GATE);
        batch.prerequisites.extend(prerequisites);
        batch.updates.extend(updates);
    }
}

impl Member {
    /// Returns the entry as it is remembered.
    pub fn seen(&self) -> SeenEntry {
        SeenEntry {
            zone: self.zone.clone(),
            claim: self.claim.to_rdata(),
            is_listed: self.is_listed(),
        }
    }
}

impl CatalogProblem {
    /// Returns whether the version is that of a catalog that an instance is bringing back.
    pub fn is_gate(&self) -> bool {
        matches!(self, Self::UnknownVersion { version } if version.as_bytes() == GATE)
    }
}

impl CatalogDrift {
    /// Returns how many of the entries that differed first do not differ any more.
    pub fn count_repaired(
        first: &BTreeMap<ZoneName, EntryDrift>,
        left: &BTreeMap<ZoneName, EntryDrift>,
    ) -> usize {
        first.keys().filter(|zone| !left.contains_key(zone)).count()
    }
}

impl CatalogView {
    /// Returns whether an instance is bringing the catalog back, or was ended while it did.
    pub fn is_gated(&self) -> bool {
        self.has_format && self.problems().iter().any(CatalogProblem::is_gate)
    }

    /// Returns whether a zone has a claim.
    pub fn has_claim(&self, zone: &ZoneName) -> bool {
        self.claims.contains_key(hash_label(zone).as_bytes())
    }

    /// Returns all entries with a claim whose zone is known.
    pub fn seen(&self) -> Vec<SeenEntry> {
        let mut seen = Vec::new();
        for (zone, labels) in &self.listed {
            let claims = self.claims.get(hash_label(zone).as_bytes());
            let Some([rdata]) = claims.map(Vec::as_slice) else {
                continue;
            };
            if let Some(claim) = Claim::from_rdata(rdata)
                && labels.contains(&claim.label.to_ascii_lowercase())
            {
                seen.push(SeenEntry {
                    zone: zone.clone(),
                    claim: rdata.clone(),
                    is_listed: true,
                });
            }
        }
        seen
    }

    /// Returns how the catalog differs from what an instance remembers of it, and how to bring back what is gone.
    pub fn drift(
        &self,
        remembered: &[SeenEntry],
        terms: &Terms<'_>,
        whose: Whose,
        octets_max: usize,
    ) -> CatalogDrift {
        let instance = terms.instance;
        let mut drift = CatalogDrift::default();
        let mut parts = Vec::new();
        let mut known: HashMap<String, &ZoneName> = HashMap::new();
        for seen in remembered {
            let Some(claim) = Claim::from_rdata(&seen.claim) else {
                continue;
            };
            let is_ours = claim.instance == instance.as_bytes();
            if is_ours {
                known.insert(hash_label(&seen.zone), &seen.zone);
            }
            if (is_ours || whose == Whose::All)
                && let Some((found, part)) = self.entry_drift(seen, &claim, terms, whose)
            {
                drift.entries.insert(seen.zone.clone(), found);
                parts.extend(part);
            }
        }
        for (zone, labels) in &self.listed {
            let claims = self.claims.get(hash_label(zone).as_bytes());
            let claim = claims.and_then(|it| it.first()).and_then(Claim::from_rdata);
            if claim.is_some_and(|it| {
                it.instance == instance.as_bytes()
                    && it.state == ClaimState::Made
                    && labels.contains(&it.label.to_ascii_lowercase())
            }) && !known.contains_key(&hash_label(zone))
            {
                drift.entries.insert(zone.clone(), EntryDrift::Orphaned);
            }
        }
        drift.batches = self.pack(parts, octets_max);
        drift
    }

    /// Returns how an entry differs, and what brings it back.
    fn entry_drift(
        &self,
        seen: &SeenEntry,
        claim: &Claim,
        terms: &Terms<'_>,
        whose: Whose,
    ) -> Option<(EntryDrift, Option<Part>)> {
        let SeenEntry {
            zone, is_listed, ..
        } = seen;
        if claim.state == ClaimState::Leaving {
            return None;
        }
        let list = if *is_listed {
            NodeChange::List(terms.group)
        } else {
            NodeChange::Keep
        };
        let claims = self.claims.get(hash_label(zone).as_bytes());
        let present = match claims.map_or(&[][..], Vec::as_slice) {
            [] => None,
            [rdata] => Some(Claim::from_rdata(rdata)?),
            // A damaged claim is reported as such.
            _ => return None,
        };
        let Some(present) = present else {
            let label = claim.label.to_ascii_lowercase();
            let node = match self.listed.get(zone).map(Vec::as_slice) {
                None => list,
                Some([listed]) if *listed == label => NodeChange::Keep,
                // Another program lists the zone: a second entry would stop consumers.
                Some(_) => return Some((EntryDrift::Unlisted, None)),
            };
            let batch = self.catalog.update(zone, None, Some(claim), node);
            return Some((EntryDrift::Unlisted, Some(part(batch))));
        };
        if present.instance != claim.instance {
            let is_ours = claim.instance == terms.instance.as_bytes();
            return is_ours.then_some((EntryDrift::Taken, None));
        }
        let node = self.nodes.get(&present.label.to_ascii_lowercase());
        let listing = Listing::of(zone, node.map_or(&[][..], |it| &it.ptrs));
        let member = Member {
            zone: zone.clone(),
            claim: present.clone(),
            listing,
        };
        // The primary has an older copy of the catalog, from before the zone was deleted and created again.
        let is_older = whose == Whose::All && present.label != claim.label;
        let found = match listing {
            _ if is_older => EntryDrift::Unlisted,
            Listing::Listed => return None,
            Listing::Absent if !is_listed || present != *claim => return None,
            Listing::Absent => EntryDrift::Unlisted,
            Listing::Damaged => EntryDrift::Ambiguous,
        };
        let (after, node) = if is_older {
            (claim, list)
        } else {
            (&present, NodeChange::List(terms.group))
        };
        let batch = self.catalog.update(zone, Some(&member), Some(after), node);
        Some((found, Some(part(batch))))
    }

    /// Puts parts into as few UPDATEs as they fit. The first one makes an empty catalog one of this form.
    fn pack(&self, parts: Vec<Part>, octets_max: usize) -> Vec<Batch> {
        let format = self.catalog.format_prerequisite();
        let owner = self.catalog.format_owner();
        let mut current = self.catalog.batch(vec![format.clone()], Vec::new());
        if !self.has_format() {
            current.prerequisites = vec![absent(owner.clone(), RecordType::ZONEMD)];
            current.updates = vec![add(owner, RecordType::ZONEMD, format_rdata())];
        }
        let (mut batches, mut octets) = (Vec::new(), current.octets());
        for (mut prerequisites, updates) in parts {
            prerequisites.retain(|it| *it != format);
            let more = self.catalog.batch(prerequisites, updates);
            let size = more.octets();
            if octets + size > octets_max && !current.updates.is_empty() {
                let next = self.catalog.batch(vec![format.clone()], Vec::new());
                octets = next.octets();
                batches.push(std::mem::replace(&mut current, next));
            }
            octets += size;
            current.prerequisites.extend(more.prerequisites);
            current.updates.extend(more.updates);
        }
        if current.prerequisites.len() > 1 {
            batches.push(current);
        }
        batches
    }
}

/// Returns what stands in an UPDATE.
fn part(batch: Batch) -> Part {
    (batch.prerequisites, batch.updates)
}
