//! A law of lost catalogs: whatever is lost of one, the UPDATEs bring back what is remembered, with its labels, and a
//! second look finds nothing.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::catalog::{VERSION, begun, catalog, current, transferred, zone};
use super::server::{OnBadUpdate, Server};
use crate::model::ZoneName;
use crate::plan::{
    CatalogProblem, CatalogView, Claim, ClaimState, EntryDrift, NodeChange, SeenEntry, Terms, Whose,
};

/// What becomes of the entry of a zone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fate {
    Stays,
    Vanishes,
    /// The PTR record alone goes.
    IsUnlisted,
    /// The claim alone goes.
    LosesItsClaim,
    /// Another zone is listed at its node as well.
    IsDoubled,
}

fn fates() -> impl Strategy<Value = Vec<(bool, Fate)>> {
    let fate = prop_oneof![
        Just(Fate::Stays),
        Just(Fate::Vanishes),
        Just(Fate::IsUnlisted),
        Just(Fate::LosesItsClaim),
        Just(Fate::IsDoubled),
    ];
    prop::collection::vec((any::<bool>(), fate), 0..12)
}

fn claim(number: usize, is_ours: bool) -> Claim {
    Claim {
        instance: if is_ours { "us" } else { "them" }.into(),
        label: format!("label{number}").into_bytes(),
        state: ClaimState::Made,
    }
}

fn name(number: usize) -> ZoneName {
    zone(&format!("z{number}.test."))
}

fn terms() -> Terms<'static> {
    Terms {
        instance: "us",
        new_label: String::new(),
        group: None,
    }
}

/// Returns the catalog with the entries of all zones, and after each of them met its fate.
fn catalogs(fates: &[(bool, Fate)]) -> (Server, Server) {
    let name_of = catalog();
    let mut whole = begun();
    let mut left = begun();
    for (number, (is_ours, fate)) in fates.iter().enumerate() {
        let claim = claim(number, *is_ours);
        let list = name_of.update(&name(number), None, Some(&claim), NodeChange::List(None));
        whole.apply(&list).unwrap();
        left.apply(&list).unwrap();
        let owner = name_of.claim_owner(&name(number)).to_lowercase();
        let node = name_of.node(&claim.label);
        let mut forget = |owner: &crate::model::Name, rtype: u16| {
            left.sets.remove(&(owner.as_wire().to_vec(), rtype));
        };
        let (ptr, zonemd) = (12, 63);
        match fate {
            Fate::Stays => {}
            Fate::Vanishes => {
                forget(&owner, zonemd);
                forget(&node, ptr);
            }
            Fate::IsUnlisted => forget(&node, ptr),
            Fate::LosesItsClaim => forget(&owner, zonemd),
            Fate::IsDoubled => {
                let set = left.sets.get_mut(&(node.as_wire().to_vec(), ptr)).unwrap();
                let other = name(1_000 + number);
                set.1.insert(other.apex().as_wire().to_vec());
            }
        }
    }
    (whole, left)
}

fn view(server: &Server) -> CatalogView {
    CatalogView::read(&catalog(), &transferred(server))
}

fn seen(server: &Server) -> Vec<SeenEntry> {
    let mut seen = view(server).seen();
    seen.sort_by(|a, b| a.zone.cmp(&b.zone));
    seen
}

proptest! {
    #[test]
    fn what_is_lost_comes_back_as_it_was(fates in fates(), octets_max in 400_usize..3_000) {
        let (whole, mut left) = catalogs(&fates);
        let remembered = seen(&whole);
        prop_assert_eq!(remembered.len(), fates.len());
        let drift = view(&left).drift(&remembered, &terms(), Whose::Ours, octets_max);
        let ours = |(number, (is_ours, fate)): (usize, &(bool, Fate))| {
            (*is_ours && *fate != Fate::Stays).then(|| name(number))
        };
        let lost: BTreeSet<ZoneName> = fates.iter().enumerate().filter_map(ours).collect();
        prop_assert_eq!(&drift.entries.keys().cloned().collect::<BTreeSet<_>>(), &lost);
        for batch in &drift.batches {
            prop_assert!(batch.octets() <= octets_max + 1_000, "one entry more at most");
            left.apply(batch).unwrap();
        }
        // Ours are as before, and those of others as they were left.
        let back = seen(&left);
        let is_ours = |it: &&SeenEntry| fates[number_of(&it.zone)].0;
        prop_assert_eq!(
            back.iter().filter(is_ours).collect::<Vec<_>>(),
            remembered.iter().filter(is_ours).collect::<Vec<_>>()
        );
        let again = view(&left).drift(&remembered, &terms(), Whose::Ours, octets_max);
        prop_assert!(again.batches.is_empty() && again.entries.is_empty(), "{:?}", again);
        // Of a primary that lost the catalog, all come back.
        let mut empty = Server::new(&current(&[VERSION]), OnBadUpdate::Panic);
        let drift = view(&empty).drift(&remembered, &terms(), Whose::All, octets_max);
        for batch in &drift.batches {
            empty.apply(batch).unwrap();
        }
        prop_assert_eq!(seen(&empty), if fates.is_empty() { Vec::new() } else { remembered });
    }
}

proptest! {
    /// The primary has an older copy of the catalog: zones that were created anew since have the labels of before.
    #[test]
    fn an_older_catalog_gets_the_labels_that_consumers_know(
        zones in prop::collection::vec((any::<bool>(), any::<bool>(), any::<bool>()), 0..12),
        octets_max in 400_usize..3_000,
    ) {
        let (mut whole, mut older) = (begun(), begun());
        for (number, (is_ours, is_anew, is_listed)) in zones.iter().enumerate() {
            let claim = claim(number, *is_ours);
            let before = Claim {
                label: if *is_anew { b"older".to_vec() } else { claim.label.clone() },
                ..claim.clone()
            };
            let before = Claim { label: [before.label, number.to_string().into()].concat(), ..before };
            let claim = if *is_anew { claim } else { before.clone() };
            let (zone, list) = (name(number), NodeChange::List(None));
            whole.apply(&catalog().update(&zone, None, Some(&claim), list)).unwrap();
            let node = if *is_listed { list } else { NodeChange::Keep };
            older.apply(&catalog().update(&zone, None, Some(&before), node)).unwrap();
        }
        let remembered = seen(&whole);
        for batch in &view(&older).drift(&remembered, &terms(), Whose::All, octets_max).batches {
            older.apply(batch).unwrap();
        }
        prop_assert_eq!(seen(&older), remembered);
    }
}

fn number_of(zone: &ZoneName) -> usize {
    let text = zone.to_string();
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

#[test]
fn a_closed_catalog_is_no_catalog_until_it_is_opened() {
    let mut server = Server::new(&current(&[VERSION]), OnBadUpdate::Panic);
    let mut begin = catalog().begin();
    catalog().close_gate(&mut begin);
    server.apply(&begin).unwrap();
    assert!(view(&server).is_gated());
    assert!(view(&server).problems().iter().any(CatalogProblem::breaks));
    server.apply(&catalog().open_gate()).unwrap();
    assert!(!view(&server).is_gated());
    assert!(view(&server).problems().is_empty());
    // A catalog of a later version that nsbridge has not written to is none that it brings back.
    let later = CatalogView::read(&catalog(), &current(&[("version", "TXT", "3")]));
    assert!(!later.is_gated());
}

#[test]
fn an_entry_that_nobody_remembers_is_an_orphan_and_one_of_others_is_taken() {
    let mut server = begun();
    for (number, is_ours) in [(0, true), (1, false)] {
        let claim = claim(number, is_ours);
        let list = NodeChange::List(None);
        let update = catalog().update(&name(number), None, Some(&claim), list);
        server.apply(&update).unwrap();
    }
    let mut remembered = seen(&server);
    remembered.retain(|it| it.zone == name(1));
    // It was ours.
    let mut before = begun();
    let list = NodeChange::List(None);
    let update = catalog().update(&name(1), None, Some(&claim(1, true)), list);
    before.apply(&update).unwrap();
    let drift = view(&server).drift(&seen(&before), &terms(), Whose::Ours, 1_000);
    let expected = [
        (name(0), EntryDrift::Orphaned),
        (name(1), EntryDrift::Taken),
    ];
    assert_eq!(drift.entries, expected.into());
    assert!(drift.batches.is_empty());
}
