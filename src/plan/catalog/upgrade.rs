//! The upgrade of a catalog to the form with claims: of one that an earlier version of nsbridge
//! wrote to, and of one in which other programs listed zones.

use std::collections::BTreeMap;

use super::claim::{Claim, ClaimState, format_rdata};
use super::name::{EXT, hash_label, prefixed};
use super::update::{absent, add, equals, remove_set};
use super::view::{CatalogView, INSTANCE, ORIGIN, content};
use crate::model::{Rdata, RecordType, ZoneName};
use crate::plan::batch::{Batch, Prerequisite, Update};

/// The value of `origin` of a zone that was there before, in the first form.
const FOUND: &[u8] = b"found";

/// What an upgrade of a catalog does.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Upgrade {
    /// The UPDATEs, in the order of sending.
    pub batches: Vec<Batch>,
    /// The number of claims for each instance, escaped; without a name for nobody's.
    pub claims: BTreeMap<String, usize>,
}

impl CatalogView {
    /// Returns the UPDATEs, each of at most so many octets, that give each listed or reserved zone a claim, remove the
    /// marks of the first form, and at last say that the catalog has the form. All labels stay, so no consumer
    /// notices. If some fail for a prerequisite, another program has changed the catalog since it was read.
    pub fn upgrade(&self, octets_max: usize) -> Upgrade {
        let mut upgrade = Upgrade::default();
        let mut current = self.catalog.batch(Vec::new(), Vec::new());
        let mut entries: Vec<(Vec<Prerequisite>, Vec<Update>)> = Vec::new();
        for (hash, claim) in self.missing_claims() {
            let instance = claim.instance.escape_ascii().to_string();
            *upgrade.claims.entry(instance).or_default() += 1;
            entries.push(self.entry(&hash, &claim));
        }
        if !self.has_format {
            let owner = self.catalog.format_owner();
            entries.push((
                vec![absent(owner.clone(), RecordType::ZONEMD)],
                vec![add(owner, RecordType::ZONEMD, format_rdata())],
            ));
        }
        for (prerequisites, updates) in entries {
            let mut with = current.clone();
            with.prerequisites.extend(prerequisites.clone());
            with.updates.extend(updates.clone());
            if with.octets() > octets_max {
                upgrade.batches.push(current);
                with = self.catalog.batch(prerequisites, updates);
            }
            current = with;
        }
        if !current.updates.is_empty() {
            upgrade.batches.push(current);
        }
        upgrade
    }

    /// Returns the claims to write, each with the label at whose name it stands.
    fn missing_claims(&self) -> BTreeMap<Vec<u8>, Claim> {
        let mut missing = BTreeMap::new();
        let mut listed: Vec<(&ZoneName, &Vec<Vec<u8>>)> = self.listed.iter().collect();
        listed.sort();
        for (zone, labels) in listed {
            let hash = hash_label(zone).into_bytes();
            // Of a zone that is listed twice, the entry of an instance counts.
            let has_instance = |label: &&Vec<u8>| {
                let node = self.nodes.get(*label);
                node.is_some_and(|node| !node.instances.is_empty())
            };
            let label = labels.iter().find(has_instance).or(labels.first());
            if let Some(label) = label
                && !self.claims.contains_key(&hash)
            {
                missing.insert(hash.clone(), self.claim_of_node(label, *label == hash));
            }
        }
        // Reservations, at the label that is computed from the zone's name.
        for (label, node) in &self.nodes {
            if node.is_reserved() && !self.claims.contains_key(label) {
                let claim = self.claim_of_node(label, true);
                missing.entry(label.clone()).or_insert(claim);
            }
        }
        missing
    }

    /// Returns the claim that the marks at a node mean. `is_ours` says that nsbridge chose the label.
    fn claim_of_node(&self, label: &[u8], is_ours: bool) -> Claim {
        let node = self.nodes.get(label);
        let instances = node.map_or(&[][..], |node| &node.instances);
        let origins = node.map_or(&[][..], |node| &node.origins);
        let is_found = origins.iter().any(|value| content(value) == FOUND);
        let state = match (instances, is_found, is_ours) {
            ([], ..) | (_, true, false) => ClaimState::Listed,
            (_, true, true) => ClaimState::Found,
            (_, false, _) => ClaimState::Made,
        };
        Claim {
            instance: instances.first().map(content).unwrap_or_default(),
            label: label.to_vec(),
            state,
        }
    }

    /// Returns the prerequisites and updates that write a claim in place of the marks of its node.
    fn entry(&self, hash: &[u8], claim: &Claim) -> (Vec<Prerequisite>, Vec<Update>) {
        let owner = prefixed(&self.catalog.claims(), &[hash]);
        let node = self.catalog.node(&claim.label);
        let marks = self.nodes.get(&claim.label);
        let marked: [(_, &[Rdata]); 2] = [
            (
                prefixed(&node, &[EXT, INSTANCE]),
                marks.map_or(&[], |it| &it.instances),
            ),
            (
                prefixed(&node, &[EXT, ORIGIN]),
                marks.map_or(&[], |it| &it.origins),
            ),
        ];
        let mut prerequisites = vec![absent(owner.clone(), RecordType::ZONEMD)];
        let mut updates = vec![add(owner, RecordType::ZONEMD, claim.to_rdata())];
        for (mark, values) in marked {
            let exactly = values
                .iter()
                .map(|it| equals(mark.clone(), RecordType::TXT, it.clone()));
            prerequisites.extend(exactly);
            if !values.is_empty() {
                updates.push(remove_set(mark, RecordType::TXT));
            }
        }
        (prerequisites, updates)
    }
}
