//! The law of several instances that share a catalog, each with what it saw last.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::model::RecordType;
use crate::plan::tests::catalog::{begun, catalog, transferred, zone};
use crate::plan::tests::server::Server;
use crate::plan::{CatalogView, Update};

const INSTANCES: [&str; 3] = ["plesk01", "plesk02", "plesk03"];
const ZONES: [&str; 3] = ["a.test.", "b.test.", "foreign.test."];

/// A step of one of several instances; what it saw may be older than the last step of another.
#[derive(Clone, Debug)]
struct Step {
    instance: usize,
    zone: usize,
    /// Whether the instance asks before.
    asks: bool,
    change: usize,
}

const CHANGES: [EntryChange; 9] = [
    EntryChange::Reserve { is_absent: false },
    EntryChange::Reserve { is_absent: true },
    EntryChange::List {
        is_preexisting: false,
    },
    EntryChange::List {
        is_preexisting: true,
    },
    EntryChange::NoteCreated,
    EntryChange::Leave,
    EntryChange::Release,
    EntryChange::GiveUp,
    EntryChange::TakeOver,
];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (
        0..INSTANCES.len(),
        0..ZONES.len(),
        any::<bool>(),
        0..CHANGES.len(),
    );
    let step = step.prop_map(|(instance, zone, asks, change)| Step {
        instance,
        zone,
        asks,
        change,
    });
    proptest::collection::vec(step, 1..60)
}

/// What the catalog of a server says of each zone, by its records alone.
fn read(server: &Server) -> CatalogView {
    CatalogView::read(&catalog(), &transferred(server))
}

/// Returns the instance of each zone.
fn owners(server: &Server) -> BTreeMap<&'static str, Vec<u8>> {
    let view = read(server);
    let owned = ZONES.iter().filter_map(|name| {
        let membership = view.membership(&zone(name), INSTANCES[0]);
        let member = membership.member()?;
        Some((*name, member.claim.instance.clone()))
    });
    owned.collect()
}

proptest! {
    /// No instance takes a zone of another by accident; each listed zone is listed once, where its claim says; a zone
    /// that is made has a label that no earlier one had; and what was decided from a fresh answer is applied.
    #[test]
    fn instances_that_share_a_catalog_never_take_a_zone_from_each_other_by_accident(
        steps in steps()
    ) {
        let mut server = begun();
        let foreign = Claim {
            instance: Vec::new(),
            label: b"mine".to_vec(),
            state: ClaimState::Listed,
        };
        let listed = catalog().update(
            &zone("foreign.test."), None, Some(&foreign), NodeChange::List(None),
        );
        server.apply(&listed).unwrap();
        let mut seen: BTreeMap<(usize, usize), Membership> = BTreeMap::new();
        let mut labels: BTreeSet<Vec<u8>> = BTreeSet::new();
        for (number, step) in steps.into_iter().enumerate() {
            let (name, instance) = (zone(ZONES[step.zone]), INSTANCES[step.instance]);
            let fresh = read(&server).membership(&name, instance);
            let at = (step.instance, step.zone);
            if step.asks {
                seen.insert(at, fresh.clone());
            }
            let before = seen.get(&at).cloned().unwrap_or(Membership::Absent);
            let change = CHANGES[step.change];
            let claims = matches!(change, EntryChange::Reserve { .. } | EntryChange::List { .. });
            if claims && matches!(before, Membership::Other { .. }) {
                // Whoever makes the change is refused before.
                continue;
            }
            let terms = Terms { instance, new_label: format!("label{number}"), group: Some("g") };
            let Some((claim, node)) = terms.entry(change, &before) else { continue };
            let batch = catalog().update(&name, before.member(), claim.as_ref(), node);
            for update in &batch.updates {
                let (Update::Add { owner, rtype, .. } | Update::RemoveSet { owner, rtype }) = update
                    else { panic!("an ACL for RRsets does not allow {update:?}") };
                let is_granted = if [RecordType::PTR, RecordType::TXT].contains(rtype) {
                    owner.is_below(&catalog().members())
                } else {
                    *rtype == RecordType::ZONEMD && owner.is_below(&catalog().claims())
                };
                prop_assert!(is_granted, "{owner} {rtype:?}");
            }
            let owned = owners(&server);
            if server.apply(&batch).is_err() {
                prop_assert!(before != fresh, "nothing has changed since it asked");
                continue;
            }
            let claim = |it: &Membership| it.member().map(|member| member.claim.clone());
            prop_assert_eq!(claim(&before), claim(&fresh), "the claim is as it was seen");
            if let (EntryChange::GiveUp, Some(member)) = (change, fresh.member()) {
                prop_assert!(!member.is_listed(), "a listed zone is given up");
            }
            let view = read(&server);
            prop_assert_eq!(view.problems(), []);
            let (after, may_take) = (owners(&server), matches!(change, EntryChange::TakeOver));
            for (name, owner) in owned {
                let is_same = after.get(name) == Some(&owner);
                let is_own = owner.is_empty() || owner == instance.as_bytes();
                prop_assert!(is_same || is_own || may_take, "{name} of {owner:?}");
            }
            if let Some(member) = view.membership(&name, instance).member()
                && before.member().is_none_or(|it| it.claim.label != member.claim.label)
            {
                prop_assert!(labels.insert(member.claim.label.clone()), "a label came back");
            }
            seen.insert(at, view.membership(&name, instance));
        }
        // Whoever it is of, each zone can be given up, down to the last record; what another program listed stays.
        let of_others: BTreeSet<String> = ZONES
            .iter()
            .filter(|name| {
                let membership = read(&server).membership(&zone(name), INSTANCES[0]);
                membership.member().is_some_and(|it| it.claim.state == ClaimState::Listed)
            })
            .map(|name| (*name).to_owned())
            .collect();
        for name in ZONES {
            for instance in INSTANCES {
                let membership = read(&server).membership(&zone(name), instance);
                let terms = Terms { instance, new_label: String::new(), group: None };
                if let Some((claim, node)) = terms.entry(EntryChange::Release, &membership) {
                    let batch = catalog().update(
                        &zone(name), membership.member(), claim.as_ref(), node,
                    );
                    server.apply(&batch).unwrap();
                }
            }
        }
        let view = read(&server);
        let listed: BTreeSet<String> = view.zones().map(ToString::to_string).collect();
        prop_assert_eq!(&listed, &of_others);
        let is_nobodys = |name: &String| {
            let membership = view.membership(&zone(name), INSTANCES[0]);
            matches!(membership, Membership::Unclaimed(_))
        };
        prop_assert!(of_others.iter().all(is_nobodys));
    }
}
