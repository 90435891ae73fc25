//! Tests of catalogs: what a transfer shows, and the upgrade of earlier ones.

use proptest::prelude::*;

use super::server::{OnBadUpdate, Server};
use crate::model::{CurrentZone, Name, Rdata, Record, RecordType, RrSets, Serial, Soa, ZoneName};
use crate::plan::{
    CATALOG_OCTETS_MAX, CatalogName, CatalogProblem, CatalogView, Claim, ClaimState, Membership,
    NodeChange,
};

const CATALOG: &str = "catalog.example.";
pub(crate) const VERSION: (&str, &str, &str) = ("version", "TXT", "2");

pub(crate) fn catalog() -> CatalogName {
    CatalogName::new(&CATALOG.parse().unwrap()).unwrap()
}

pub(crate) fn zone(name: &str) -> ZoneName {
    ZoneName::new(&name.parse().unwrap())
}

/// Returns a catalog with these records: owner name relative to the catalog, type, value.
pub(crate) fn current(records: &[(&str, &str, &str)]) -> CurrentZone {
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
pub(crate) fn transferred(server: &Server) -> CurrentZone {
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

/// Returns the UPDATE that claims a zone that the catalog does not have, and lists it.
fn list(name: &str, instance: &str, label: &str, state: ClaimState) -> crate::plan::Batch {
    let claim = Claim {
        instance: instance.into(),
        label: label.into(),
        state,
    };
    catalog().update(&zone(name), None, Some(&claim), NodeChange::List(None))
}

/// Returns an empty catalog with claims.
pub(crate) fn begun() -> Server {
    let mut server = Server::new(&current(&[VERSION]), OnBadUpdate::Panic);
    server.apply(&catalog().begin()).unwrap();
    server
}

fn read(server: &Server) -> CatalogView {
    CatalogView::read(&catalog(), &transferred(server))
}

#[test]
fn a_catalog_lists_zones_and_their_instances() {
    let mut server = begun();
    for batch in [
        list("a.test.", "plesk01", "l1", ClaimState::Made),
        list("B.test.", "ple\"sk\n", "l2", ClaimState::Found),
        list("c.test.", "", "l3", ClaimState::Listed),
    ] {
        server.apply(&batch).unwrap();
    }
    let view = read(&server);
    assert_eq!(view.problems(), []);
    assert!(view.has_format() && !view.is_empty());
    let mut zones: Vec<String> = view.zones().map(ToString::to_string).collect();
    zones.sort();
    assert_eq!(zones, ["a.test.", "b.test.", "c.test."]);
    let Membership::Ours(member) = view.membership(&zone("A.test."), "plesk01") else {
        panic!("a.test. is ours");
    };
    assert!(member.is_listed() && !member.is_preexisting() && member.was_created());
    let Membership::Other { instance, member } = view.membership(&zone("b.test."), "plesk01")
    else {
        panic!("b.test. is another instance's");
    };
    assert_eq!(instance, "ple\\\"sk\\n");
    assert!(member.is_listed() && member.is_preexisting());
    let is_unclaimed = |name| {
        let membership = view.membership(&zone(name), "plesk01");
        matches!(membership, Membership::Unclaimed(_))
    };
    assert!(is_unclaimed("c.test."));
    let absent = view.membership(&zone("d.test."), "plesk01");
    assert_eq!(absent, Membership::Absent);
}

#[test]
fn of_two_claims_of_a_zone_the_first_one_stands() {
    let mut server = begun();
    let first = list("a.test.", "plesk01", "l1", ClaimState::Made);
    let second = list("a.test.", "plesk02", "l2", ClaimState::Made);
    server.apply(&first).unwrap();
    let before = server.sets.clone();
    assert!(server.apply(&second).is_err());
    assert_eq!(server.sets, before);
}

#[test]
fn a_catalog_of_another_form_is_not_changed() {
    let mut server = Server::new(&current(&[VERSION]), OnBadUpdate::Panic);
    let claim = list("a.test.", "plesk01", "l1", ClaimState::Made);
    assert!(server.apply(&claim).is_err());
    server.apply(&catalog().begin()).unwrap();
    assert!(server.apply(&catalog().begin()).is_err());
    server.apply(&claim).unwrap();
}

#[test]
fn a_damaged_claim_costs_only_its_zone() {
    let mut server = begun();
    for name in ["a.test.", "b.test."] {
        let label = &name[..1];
        server
            .apply(&list(name, "plesk01", label, ClaimState::Made))
            .unwrap();
    }
    let owner = catalog().claim_owner(&zone("a.test."));
    let key = (owner.as_wire().to_vec(), RecordType::ZONEMD.0);
    let good = server.sets[&key].1.clone();
    let damaged = [
        vec![
            0, 0, 0, 1, 240, 240, 3, b'n', b's', b'3', 1, b'x', 1, b'y', 4,
        ],
        [good.first().unwrap().as_slice(), b"\x01x"].concat(),
        vec![0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ];
    for octets in damaged {
        server.sets.get_mut(&key).unwrap().1 = [octets].into();
        let problem = CatalogProblem::DamagedClaim {
            owner: owner.clone(),
        };
        assert_eq!(read(&server).problems(), std::slice::from_ref(&problem));
        assert!(!problem.breaks());
        let other = read(&server).membership(&zone("b.test."), "plesk01");
        assert!(matches!(other, Membership::Ours(_)));
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

/// The records of a catalog of the first form, in which the label of a zone of nsbridge is a hash of its name.
fn first_form(name: &str, instance: &str, is_found: bool) -> Vec<(String, String)> {
    let owner = catalog().claim_owner(&zone(name)).to_string();
    let label = owner.split('.').next().unwrap().to_owned();
    let mut records = vec![(format!("instance.ext.{label}.zones"), instance.to_owned())];
    if is_found {
        records.push((format!("origin.ext.{label}.zones"), "found".into()));
    }
    records.push((format!("{label}.zones"), name.to_owned()));
    records
}

proptest! {
    /// Each listed zone gets a claim of who had marked it, under the label that it has, and nothing else changes that
    /// consumers see. It is the same after an upgrade that was cut short, and in messages of any size.
    #[test]
    fn an_upgrade_keeps_labels_and_owners(
        zones in proptest::collection::btree_map("[a-f]\\.test\\.", (0..3_usize, any::<bool>()), 0..6),
        octets_max in 400..2_000_usize,
        cut in 0..4_usize,
    ) {
        let instances = ["", "plesk01", "plesk02"];
        let mut records = vec![VERSION.0.to_owned()];
        let mut values = vec![("TXT", VERSION.2.to_owned())];
        for (name, (owner, is_found)) in &zones {
            for (at, value) in first_form(name, instances[*owner], *is_found) {
                let is_mark = at.contains(".ext.");
                if *owner > 0 || !is_mark {
                    records.push(at);
                    values.push((if is_mark { "TXT" } else { "PTR" }, value));
                }
            }
        }
        let all: Vec<(&str, &str, &str)> = records
            .iter()
            .zip(&values)
            .map(|(owner, (rtype, value))| (&owner[..], *rtype, &value[..]))
            .collect();
        let mut server = Server::new(&current(&all), OnBadUpdate::Panic);
        let listed = |server: &Server| {
            let mut zones: Vec<(ZoneName, Vec<u8>)> = server
                .sets
                .iter()
                .filter(|((_, rtype), _)| *rtype == RecordType::PTR.0)
                .map(|((owner, _), (_, values))| {
                    let target = Rdata::from_canonical(values.first().unwrap().clone());
                    (ZoneName::new(&target.to_name().unwrap()), owner.clone())
                })
                .collect();
            zones.sort();
            zones
        };
        let before = listed(&server);
        // One that is cut short, and one to the end.
        for batch in read(&server).upgrade(octets_max).batches.iter().take(cut) {
            server.apply(batch).unwrap();
        }
        for batch in read(&server).upgrade(octets_max).batches {
            prop_assert!(batch.octets() <= octets_max || batch.updates.len() <= 3);
            server.apply(&batch).unwrap();
        }
        prop_assert_eq!(listed(&server), before);
        let view = read(&server);
        prop_assert!(view.has_format());
        prop_assert_eq!(view.problems(), []);
        for (name, (owner, is_found)) in &zones {
            let membership = view.membership(&zone(name), "plesk01");
            let member = membership.member().expect("it is listed");
            prop_assert!(member.is_listed());
            prop_assert_eq!(&member.claim.instance[..], instances[*owner].as_bytes());
            prop_assert_eq!(member.is_preexisting(), *is_found || *owner == 0);
        }
        let marks = server.sets.keys().filter(|(owner, rtype)| {
            *rtype == RecordType::TXT.0 && owner.windows(4).any(|it| it == b"\x03ext")
        });
        prop_assert_eq!(marks.count(), 0);
        prop_assert_eq!(view.upgrade(octets_max).batches, []);
    }
}
