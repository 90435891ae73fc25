//! What a catalog says, and the law of many instances that write to one.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::server::{Manner, Server};
use crate::model::{CurrentZone, Name, Rdata, Record, RecordType, RrSets, Serial, Soa, ZoneName};
use crate::plan::{
    Batch, CATALOG_OCTETS_MAX, CatalogName, CatalogProblem, CatalogView, Making, Membership, Update,
};

const CATALOG: &str = "catalog.example.";
const VERSION: (&str, &str, &str) = ("version", "TXT", "2");

fn catalog() -> CatalogName {
    CatalogName::new(&CATALOG.parse().unwrap()).unwrap()
}

fn zone(name: &str) -> ZoneName {
    ZoneName::new(&name.parse().unwrap())
}

/// A catalog of records: owner below it, type, value.
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

/// What a server holds, as a transfer brings it.
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
fn a_catalog_says_which_zones_it_has_and_whose_they_are() {
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
    assert!(member.is_listed && !member.is_found);
    let Membership::Other { instance, member } = view.membership(&zone("b.test."), "plesk01")
    else {
        panic!("b.test. is another's");
    };
    assert_eq!(instance, "plesk02");
    assert!(member.is_listed && member.is_found);
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
fn a_mark_of_another_counts_before_ours() {
    let several = view(&[
        VERSION,
        ("u1.zones", "PTR", "a.test."),
        ("instance.ext.u1.zones", "TXT", "plesk01"),
        ("instance.ext.u1.zones", "TXT", "ple\"sk\n"),
    ]);
    let Membership::Other { instance, .. } = several.membership(&zone("a.test."), "plesk01") else {
        panic!("it is not ours alone");
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
fn what_is_wrong_with_a_catalog_is_named() {
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
fn a_foreign_entry_that_was_adopted_is_left_as_it_was_found() {
    let foreign = [
        VERSION,
        ("u1.zones", "PTR", "a.test."),
        ("group.u1.zones", "TXT", "member"),
    ];
    let mut server = Server::new(&current(&foreign), Manner::Panic);
    let before = server.sets.clone();
    let read = |server: &Server| CatalogView::read(&catalog(), &transferred(server));
    let membership = read(&server).membership(&zone("a.test."), "plesk01");
    let Membership::Unclaimed(member) = membership else {
        panic!("it is nobody's");
    };
    server.apply(&catalog().adopt(&member, "plesk01")).unwrap();
    let membership = read(&server).membership(&zone("a.test."), "plesk01");
    let Membership::Ours(member) = membership else {
        panic!("it is ours");
    };
    assert!(member.is_found);
    server.apply(&catalog().release(&member)).unwrap();
    server
        .sets
        .retain(|(_, rtype), _| *rtype != RecordType::SOA.0);
    let mut before = before;
    before.retain(|(_, rtype), _| *rtype != RecordType::SOA.0);
    assert_eq!(server.sets, before);
}

#[test]
fn an_entry_of_a_zone_that_was_made_after_all_is_no_longer_one_of_a_found_zone() {
    let mut server = Server::new(&current(&[]), Manner::Panic);
    let held = |server: &Server| {
        let view = CatalogView::read(&catalog(), &transferred(server));
        let Membership::Ours(member) = view.membership(&zone("a.test."), "plesk01") else {
            panic!("it is ours");
        };
        member
    };
    let found = catalog().claim(&zone("a.test."), "plesk01", Making::Found, None, None);
    server.apply(&found).unwrap();
    assert!(held(&server).is_found);
    server.apply(&catalog().made(&held(&server))).unwrap();
    let member = held(&server);
    assert!(member.is_listed && !member.is_found);
}

#[test]
fn what_does_not_show_is_taken_back_unless_somebody_changed_it() {
    let claim = |instance| catalog().claim(&zone("a.test."), instance, Making::Made, None, None);
    let (ours, theirs) = (claim("plesk01"), claim("plesk02"));
    let mut server = Server::new(&current(&[VERSION]), Manner::Panic);
    let read = |server: &Server| CatalogView::read(&catalog(), &transferred(server));
    let before = read(&server);
    assert!(!before.has_any_added(&ours));
    server.apply(&ours).unwrap();
    assert!(read(&server).has_any_added(&ours));
    server.apply(&ours.undo_of_additions()).unwrap();
    assert!(!read(&server).has_any_added(&ours));
    // The entries of both are at the same names.
    server.apply(&theirs).unwrap();
    assert!(server.apply(&ours.undo_of_additions()).is_err());
    let membership = read(&server).membership(&zone("a.test."), "plesk01");
    assert!(matches!(membership, Membership::Other { instance, .. } if instance == "plesk02"));
}

/// What one of several instances does, by a view that may be older than what others did since.
#[derive(Clone, Debug)]
struct Deed {
    instance: usize,
    zone: usize,
    /// Whether it reads the catalog before.
    reads: bool,
    verb: Verb,
}

#[derive(Clone, Copy, Debug)]
enum Verb {
    Reserve,
    Claim(bool),
    Adopt,
    Release,
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let verb = prop_oneof![
        Just(Verb::Reserve),
        any::<bool>().prop_map(Verb::Claim),
        Just(Verb::Adopt),
        Just(Verb::Release),
    ];
    let deed = (0..INSTANCES.len(), 0..ZONES.len(), any::<bool>(), verb);
    let deed = deed.prop_map(|(instance, zone, reads, verb)| Deed {
        instance,
        zone,
        reads,
        verb,
    });
    proptest::collection::vec(deed, 1..40)
}

const INSTANCES: [&str; 3] = ["plesk01", "plesk02", "plesk03"];
const ZONES: [&str; 3] = ["a.test.", "b.test.", "foreign.test."];

/// The UPDATE of a deed, and whether it may take the zone from another instance.
fn batch(deed: &Deed, view: &CatalogView) -> Option<(Batch, bool)> {
    let (catalog, instance) = (catalog(), INSTANCES[deed.instance]);
    let zone = zone(ZONES[deed.zone]);
    match (deed.verb, view.membership(&zone, instance)) {
        (Verb::Reserve, Membership::Absent) => Some((catalog.reserve(&zone, instance), false)),
        // What is listed already needs no claim.
        (Verb::Claim(_), Membership::Ours(member)) if member.is_listed => None,
        (Verb::Claim(is_found), membership @ (Membership::Absent | Membership::Ours(_))) => {
            let making = if is_found {
                Making::Found
            } else {
                Making::Made
            };
            let reserved = if let Membership::Ours(member) = &membership {
                Some(member)
            } else {
                None
            };
            let group = is_found.then_some("member");
            let batch = catalog.claim(&zone, instance, making, group, reserved);
            Some((batch, false))
        }
        (Verb::Adopt, Membership::Unclaimed(member)) => {
            Some((catalog.adopt(&member, instance), false))
        }
        (Verb::Adopt, Membership::Other { member, .. }) => {
            Some((catalog.adopt(&member, instance), true))
        }
        (Verb::Release, Membership::Ours(member)) => Some((catalog.release(&member), false)),
        _ => None,
    }
}

/// Whose a zone is, whether it is listed, and whether it was found.
fn summary(membership: &Membership) -> (&'static str, bool, bool) {
    match membership {
        Membership::Absent => ("nobody's", false, false),
        Membership::Unclaimed(member) => ("unmarked", member.is_listed, member.is_found),
        Membership::Ours(member) => ("ours", member.is_listed, member.is_found),
        Membership::Other { member, .. } => ("other's", member.is_listed, member.is_found),
    }
}

/// Who holds what, from the server's records alone.
fn owners(server: &Server) -> BTreeMap<&'static str, &'static str> {
    let view = CatalogView::read(&catalog(), &transferred(server));
    let mut owners = BTreeMap::new();
    for name in ZONES {
        for instance in INSTANCES {
            if let Membership::Ours(_) = view.membership(&zone(name), instance) {
                assert_eq!(owners.insert(name, instance), None, "two owners of {name}");
            }
        }
    }
    owners
}

proptest! {
    #[test]
    fn instances_that_share_a_catalog_never_take_a_zone_from_each_other_by_accident(
        deeds in deeds()
    ) {
        let foreign = [VERSION, ("u1.zones", "PTR", "foreign.test.")];
        let mut server = Server::new(&current(&foreign), Manner::Panic);
        let fresh = CatalogView::read(&catalog(), &transferred(&server));
        let mut views = vec![fresh; INSTANCES.len()];
        for deed in deeds {
            let view = &mut views[deed.instance];
            if deed.reads {
                *view = CatalogView::read(&catalog(), &transferred(&server));
            }
            let Some((batch, takes)) = batch(&deed, view) else { continue };
            let below = format!("zones.{CATALOG}").parse().unwrap();
            for update in &batch.updates {
                let (Update::Add { owner, rtype, .. } | Update::RemoveSet { owner, rtype }) = update
                    else { panic!("an ACL for RRsets does not allow {update:?}") };
                prop_assert!([RecordType::PTR, RecordType::TXT].contains(rtype));
                prop_assert!(owner.is_below(&below));
            }
            let before = owners(&server);
            let instance = INSTANCES[deed.instance];
            if server.apply(&batch).is_ok() {
                view.apply(&batch);
                let (zone, after) = (zone(ZONES[deed.zone]), owners(&server));
                let truth = CatalogView::read(&catalog(), &transferred(&server));
                let seen = |view: &CatalogView| summary(&view.membership(&zone, instance));
                prop_assert_eq!(seen(view), seen(&truth));
                prop_assert!(truth.problems().is_empty());
                for (name, owner) in before {
                    let stays = after.get(name) == Some(&owner);
                    prop_assert!(stays || owner == instance || takes, "{name} of {owner}");
                }
            } else {
                prop_assert!(!deed.reads, "nothing changed since the catalog was read");
            }
        }
    }
}
