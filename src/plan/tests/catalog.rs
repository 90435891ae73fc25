//! Tests of catalogs, and the law of several instances that share one.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::server::{OnBadUpdate, Server};
use crate::model::{CurrentZone, Name, Rdata, Record, RecordType, RrSets, Serial, Soa, ZoneName};
use crate::plan::{
    Batch, CATALOG_OCTETS_MAX, CatalogName, CatalogProblem, CatalogView, Membership, Update,
};

const CATALOG: &str = "catalog.example.";
const VERSION: (&str, &str, &str) = ("version", "TXT", "2");

fn catalog() -> CatalogName {
    CatalogName::new(&CATALOG.parse().unwrap()).unwrap()
}

fn zone(name: &str) -> ZoneName {
    ZoneName::new(&name.parse().unwrap())
}

/// Returns a catalog with these records: owner name relative to the catalog, type, value.
fn current(records: &[(&str, &str, &str)]) -> CurrentZone {
    let invalid: Name = "invalid.".parse().unwrap();
    let record = |(owner, rtype, value): &(&str, &str, &str)| {
        let (rtype, rdata) = match *rtype {
            "TXT" => (RecordType::TXT, text(value)),
            "PTR" => (RecordType::PTR, Rdata::from_name(&value.parse().unwrap())),
            _ => (RecordType::A, Rdata::from_canonical([192, 0, 2, 1])),
        };
        Record {
            owner: format!("{owner}.{CATALOG}").parse().unwrap(),
            rtype,
            ttl: 0,
            rdata,
        }
    };
    let ns = Record {
        owner: CATALOG.parse().unwrap(),
        rtype: RecordType::NS,
        ttl: 0,
        rdata: Rdata::from_name(&invalid),
    };
    CurrentZone {
        name: zone(CATALOG),
        soa: Soa {
            mname: invalid.clone(),
            rname: invalid,
            serial: Serial(1),
            refresh: 3600,
            retry: 600,
            expire: 2_147_483_646,
            minimum: 0,
        },
        soa_ttl: 0,
        records: RrSets::from_records(records.iter().map(record).chain([ns])),
    }
}

fn text(value: &str) -> Rdata {
    let length = u8::try_from(value.len()).unwrap();
    let octets = std::iter::once(length).chain(value.bytes());
    Rdata::from_canonical(octets.collect::<Vec<u8>>())
}

fn view(records: &[(&str, &str, &str)]) -> CatalogView {
    CatalogView::read(&catalog(), &current(records))
}

/// Returns the server's zone as a transfer reads it.
fn transferred(server: &Server) -> CurrentZone {
    let records = server
        .sets
        .iter()
        .flat_map(|((owner, rtype), (ttl, values))| {
            values.iter().map(|value| Record {
                owner: Name::from_wire(owner).unwrap(),
                rtype: RecordType(*rtype),
                ttl: *ttl,
                rdata: Rdata::from_canonical(value.clone()),
            })
        });
    CurrentZone {
        records: RrSets::from_records(records.filter(|record| record.rtype != RecordType::SOA)),
        ..current(&[])
    }
}

#[test]
fn a_catalog_lists_zones_and_their_instances() {
    let view = view(&[
        VERSION,
        ("u1.zones", "PTR", "a.test."),
        ("instance.ext.U1.zones", "TXT", "plesk01"),
        ("u2.zones", "PTR", "B.test."),
        ("group.u2.zones", "TXT", "member"),
        ("instance.ext.u2.zones", "TXT", "plesk02"),
        ("origin.ext.u2.zones", "TXT", "found"),
        ("u3.zones", "PTR", "c.test."),
        ("coo.u3.zones", "PTR", "other.example."),
        ("primaries.ext.u3.zones", "A", ""),
    ]);
    assert_eq!(view.problems(), []);
    let mut zones: Vec<String> = view.zones().map(ToString::to_string).collect();
    zones.sort();
    assert_eq!(zones, ["a.test.", "b.test.", "c.test."]);
    let Membership::Ours(member) = view.membership(&zone("A.test."), "plesk01") else {
        panic!("a.test. is ours");
    };
    assert!(member.is_listed && !member.is_preexisting);
    let Membership::Other { instance, member } = view.membership(&zone("b.test."), "plesk01")
    else {
        panic!("b.test. is another instance's");
    };
    assert_eq!(instance, "plesk02");
    assert!(member.is_listed && member.is_preexisting);
    assert!(matches!(
        view.membership(&zone("c.test."), "plesk01"),
        Membership::Unclaimed(_)
    ));
    assert_eq!(
        view.membership(&zone("d.test."), "plesk01"),
        Membership::Absent
    );
}

#[test]
fn another_instance_takes_precedence_over_this_one() {
    let several = view(&[
        VERSION,
        ("u1.zones", "PTR", "a.test."),
        ("instance.ext.u1.zones", "TXT", "plesk01"),
        ("instance.ext.u1.zones", "TXT", "ple\"sk\n"),
    ]);
    let Membership::Other { instance, .. } = several.membership(&zone("a.test."), "plesk01") else {
        panic!("another instance is named too");
    };
    assert_eq!(instance, "ple\\\"sk\\n");
    let twice = view(&[
        VERSION,
        ("u1.zones", "PTR", "a.test."),
        ("instance.ext.u1.zones", "TXT", "plesk01"),
        ("u2.zones", "PTR", "a.test."),
        ("instance.ext.u2.zones", "TXT", "plesk02"),
    ]);
    for (instance, other) in [("plesk01", "plesk02"), ("plesk02", "plesk01")] {
        let membership = twice.membership(&zone("a.test."), instance);
        assert!(matches!(membership, Membership::Other { instance, .. } if instance == other));
    }
}

#[test]
fn problems_of_a_catalog_are_reported() {
    let owner: Name = format!("version.{CATALOG}").parse().unwrap();
    let twice_at: Name = format!("u1.zones.{CATALOG}").parse().unwrap();
    let missing = CatalogProblem::NoVersion {
        owner: owner.clone(),
    };
    assert_eq!(view(&[]).problems(), [missing]);
    let old = CatalogProblem::UnknownVersion {
        version: "1".into(),
    };
    assert_eq!(view(&[("version", "TXT", "1")]).problems(), [old]);
    let two = CatalogProblem::SeveralVersions { owner, count: 2 };
    assert_eq!(view(&[VERSION, ("version", "TXT", "1")]).problems(), [two]);
    let two_zones = view(&[
        VERSION,
        ("u1.zones", "PTR", "a.test."),
        ("u1.zones", "PTR", "b.test."),
    ]);
    let problem = CatalogProblem::SeveralZones {
        node: twice_at,
        count: 2,
    };
    assert_eq!(two_zones.problems(), [problem]);
    assert!(two_zones.problems().iter().all(CatalogProblem::breaks));
    let duplicate = view(&[
        VERSION,
        ("u1.zones", "PTR", "a.test."),
        ("u2.zones", "PTR", "a.test."),
    ]);
    let problem = CatalogProblem::DuplicateZone {
        zone: zone("a.test."),
        count: 2,
    };
    assert_eq!(duplicate.problems(), [problem]);
    for stray in ["zones", "x", "a.u1.zones"] {
        let found = view(&[VERSION, (stray, "PTR", "a.test.")]);
        let owner = format!("{stray}.{CATALOG}").parse().unwrap();
        assert_eq!(found.problems(), [CatalogProblem::StrayPtr { owner }]);
        assert!(!found.problems()[0].breaks());
        assert_eq!(found.zones().count(), 0);
    }
    let custom = view(&[
        VERSION,
        ("x.ext", "PTR", "a.test."),
        ("x.ext.u1.zones", "PTR", "a.test."),
    ]);
    assert_eq!(custom.problems(), []);
}

#[test]
fn the_longest_catalog_name_leaves_room_for_every_name_below_it() {
    let label = "x".repeat(63);
    let long: Name = format!("{label}.{label}.{}.", "x".repeat(CATALOG_OCTETS_MAX - 130))
        .parse()
        .unwrap();
    assert_eq!(long.as_wire().len(), CATALOG_OCTETS_MAX);
    let name = CatalogName::new(&long).unwrap();
    let node: Name = format!("{label}.zones.{long}").parse().unwrap();
    let records = RrSets::from_records([Record {
        owner: node,
        rtype: RecordType::PTR,
        ttl: 0,
        rdata: Rdata::from_name(&"a.test.".parse().unwrap()),
    }]);
    let current = CurrentZone {
        name: zone(&long.to_string()),
        records,
        ..current(&[])
    };
    let view = CatalogView::read(&name, &current);
    assert!(matches!(
        view.membership(&zone("a.test."), "plesk01"),
        Membership::Unclaimed(_)
    ));
    assert_eq!(CatalogName::new(&long.child(b"x").unwrap()), None);
}

#[test]
fn a_foreign_member_is_unchanged_after_its_adoption_and_release() {
    let foreign = [
        VERSION,
        ("u1.zones", "PTR", "a.test."),
        ("group.u1.zones", "TXT", "member"),
    ];
    let mut server = Server::new(&current(&foreign), OnBadUpdate::Panic);
    let before = server.sets.clone();
    let read = |server: &Server| CatalogView::read(&catalog(), &transferred(server));
    let membership = read(&server).membership(&zone("a.test."), "plesk01");
    let Membership::Unclaimed(member) = membership else {
        panic!("it has no instance");
    };
    server.apply(&catalog().adopt(&member, "plesk01")).unwrap();
    let membership = read(&server).membership(&zone("a.test."), "plesk01");
    let Membership::Ours(member) = membership else {
        panic!("it is ours");
    };
    assert!(member.is_preexisting);
    server.apply(&catalog().release(&member)).unwrap();
    server
        .sets
        .retain(|(_, rtype), _| *rtype != RecordType::SOA.0);
    let mut before = before;
    before.retain(|(_, rtype), _| *rtype != RecordType::SOA.0);
    assert_eq!(server.sets, before);
}

#[test]
fn a_found_member_whose_zone_is_created_later_is_no_longer_found() {
    let mut server = Server::new(&current(&[]), OnBadUpdate::Panic);
    let own_member = |server: &Server| {
        let view = CatalogView::read(&catalog(), &transferred(server));
        let Membership::Ours(member) = view.membership(&zone("a.test."), "plesk01") else {
            panic!("it is ours");
        };
        member
    };
    let found = catalog().claim(&zone("a.test."), "plesk01", true, None, None);
    server.apply(&found).unwrap();
    assert!(own_member(&server).is_preexisting);
    server.apply(&catalog().made(&own_member(&server))).unwrap();
    let member = own_member(&server);
    assert!(member.is_listed && !member.is_preexisting);
}

#[test]
fn an_addition_is_taken_back_unless_another_client_changed_it() {
    let claim = |instance| catalog().claim(&zone("a.test."), instance, false, None, None);
    let (ours, theirs) = (claim("plesk01"), claim("plesk02"));
    let mut server = Server::new(&current(&[VERSION]), OnBadUpdate::Panic);
    let read = |server: &Server| CatalogView::read(&catalog(), &transferred(server));
    let before = read(&server);
    assert!(!before.has_any_added(&ours));
    server.apply(&ours).unwrap();
    assert!(read(&server).has_any_added(&ours));
    server.apply(&ours.undo_of_additions()).unwrap();
    assert!(!read(&server).has_any_added(&ours));
    // The records of both instances are at the same names.
    server.apply(&theirs).unwrap();
    assert!(server.apply(&ours.undo_of_additions()).is_err());
    let membership = read(&server).membership(&zone("a.test."), "plesk01");
    assert!(matches!(membership, Membership::Other { instance, .. } if instance == "plesk02"));
}

/// A step of one of several instances; its view may be older than the last step of another.
#[derive(Clone, Debug)]
struct Step {
    instance: usize,
    zone: usize,
    /// Whether the instance reads the catalog before.
    reads: bool,
    operation: Operation,
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    Reserve,
    Claim(bool),
    Adopt,
    Release,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let operation = prop_oneof![
        Just(Operation::Reserve),
        any::<bool>().prop_map(Operation::Claim),
        Just(Operation::Adopt),
        Just(Operation::Release),
    ];
    let step = (0..INSTANCES.len(), 0..ZONES.len(), any::<bool>(), operation);
    let step = step.prop_map(|(instance, zone, reads, operation)| Step {
        instance,
        zone,
        reads,
        operation,
    });
    proptest::collection::vec(step, 1..40)
}

const INSTANCES: [&str; 3] = ["plesk01", "plesk02", "plesk03"];
const ZONES: [&str; 3] = ["a.test.", "b.test.", "foreign.test."];

/// Returns the UPDATE of a step, and whether it may take the zone from another instance.
fn batch(step: &Step, view: &CatalogView) -> Option<(Batch, bool)> {
    let (catalog, instance) = (catalog(), INSTANCES[step.instance]);
    let zone = zone(ZONES[step.zone]);
    match (step.operation, view.membership(&zone, instance)) {
        (Operation::Reserve, Membership::Absent) => Some((catalog.reserve(&zone, instance), false)),
        // A listed zone needs no claim.
        (Operation::Claim(_), Membership::Ours(member)) if member.is_listed => None,
        (Operation::Claim(is_found), membership @ (Membership::Absent | Membership::Ours(_))) => {
            let reserved = if let Membership::Ours(member) = &membership {
                Some(member)
            } else {
                None
            };
            let group = is_found.then_some("member");
            let batch = catalog.claim(&zone, instance, is_found, group, reserved);
            Some((batch, false))
        }
        (Operation::Adopt, Membership::Unclaimed(member)) => {
            Some((catalog.adopt(&member, instance), false))
        }
        (Operation::Adopt, Membership::Other { member, .. }) => {
            Some((catalog.adopt(&member, instance), true))
        }
        (Operation::Release, Membership::Ours(member)) => Some((catalog.release(&member), false)),
        _ => None,
    }
}

/// Summarizes a membership: its kind, whether the zone is listed, and whether it was found.
fn summary(membership: &Membership) -> (&'static str, bool, bool) {
    match membership {
        Membership::Absent => ("absent", false, false),
        Membership::Unclaimed(member) => ("unclaimed", member.is_listed, member.is_preexisting),
        Membership::Ours(member) => ("ours", member.is_listed, member.is_preexisting),
        Membership::Other { member, .. } => ("other", member.is_listed, member.is_preexisting),
    }
}

/// Returns the instance of each zone, computed from the server's records alone.
fn instances(server: &Server) -> BTreeMap<&'static str, &'static str> {
    let view = CatalogView::read(&catalog(), &transferred(server));
    let mut instances = BTreeMap::new();
    for name in ZONES {
        for instance in INSTANCES {
            if let Membership::Ours(_) = view.membership(&zone(name), instance) {
                assert_eq!(
                    instances.insert(name, instance),
                    None,
                    "two instances have {name}"
                );
            }
        }
    }
    instances
}

proptest! {
    #[test]
    fn instances_that_share_a_catalog_never_take_a_zone_from_each_other_by_accident(
        steps in steps()
    ) {
        let foreign = [VERSION, ("u1.zones", "PTR", "foreign.test.")];
        let mut server = Server::new(&current(&foreign), OnBadUpdate::Panic);
        let fresh = CatalogView::read(&catalog(), &transferred(&server));
        let mut views = vec![fresh; INSTANCES.len()];
        for step in steps {
            let view = &mut views[step.instance];
            if step.reads {
                *view = CatalogView::read(&catalog(), &transferred(&server));
            }
            let Some((batch, may_take_over)) = batch(&step, view) else { continue };
            let below = format!("zones.{CATALOG}").parse().unwrap();
            for update in &batch.updates {
                let (Update::Add { owner, rtype, .. } | Update::RemoveSet { owner, rtype }) = update
                    else { panic!("an ACL for RRsets does not allow {update:?}") };
                prop_assert!([RecordType::PTR, RecordType::TXT].contains(rtype));
                prop_assert!(owner.is_below(&below));
            }
            let before = instances(&server);
            let instance = INSTANCES[step.instance];
            if server.apply(&batch).is_ok() {
                view.apply(&batch);
                let (zone, after) = (zone(ZONES[step.zone]), instances(&server));
                let truth = CatalogView::read(&catalog(), &transferred(&server));
                let seen = |view: &CatalogView| summary(&view.membership(&zone, instance));
                prop_assert_eq!(seen(view), seen(&truth));
                prop_assert!(truth.problems().is_empty());
                for (name, holder) in before {
                    let stays = after.get(name) == Some(&holder);
                    let is_allowed = stays || holder == instance || may_take_over;
                    prop_assert!(is_allowed, "{name} of {holder}");
                }
            } else {
                prop_assert!(!step.reads, "nothing changed since the catalog was read");
            }
        }
    }
}
