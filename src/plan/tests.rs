//! Tests of the plan, one rule each. A zone is written as lines of owner name, type, TTL and value.

pub(crate) mod cases;
pub(crate) mod catalog;
mod drift;
mod laws;
mod packer;
mod refusals;
mod rejected;
mod serial;
pub(crate) mod server;

use super::*;
use crate::model::{DesiredSoa, NamePattern, Record, Serial};
use crate::model::{Name, Rdata, RecordType, Soa, Trust, ZoneName, ZoneSource};

const KNOWN_TYPE: &str = "the type is in `TYPES`";

pub(super) fn zone_name() -> ZoneName {
    ZoneName::new(&"example.".parse().unwrap())
}

pub(super) fn owner(text: &str) -> Name {
    match text {
        "@" => "example.".parse().unwrap(),
        _ => format!("{text}.example.").parse().unwrap(),
    }
}

pub(super) const TYPES: [(&str, RecordType); 14] = [
    ("A", RecordType::A),
    ("AAAA", RecordType::AAAA),
    ("NS", RecordType::NS),
    ("CNAME", RecordType::CNAME),
    ("MX", RecordType::MX),
    ("TXT", RecordType::TXT),
    ("DNAME", RecordType::DNAME),
    ("DS", RecordType::DS),
    ("RRSIG", RecordType::RRSIG),
    ("NSEC", RecordType::NSEC),
    ("DNSKEY", RecordType::DNSKEY),
    ("CDS", RecordType::CDS),
    ("TYPE65534", RecordType::SIGNING),
    ("TLSA", RecordType::TLSA),
];

/// Returns the data of a short value; commas separate the strings of a TXT.
pub(super) fn rdata(rtype: RecordType, value: &str) -> Rdata {
    match rtype {
        RecordType::NS | RecordType::CNAME | RecordType::DNAME => Rdata::from_name(&owner(value)),
        RecordType::TXT => {
            let strings = value.split(',').flat_map(|string| {
                let length = u8::try_from(string.len()).unwrap();
                std::iter::once(length).chain(string.bytes())
            });
            Rdata::from_canonical(strings.collect::<Vec<u8>>())
        }
        _ => Rdata::from_canonical(value.as_bytes()),
    }
}

fn value(rtype: RecordType, rdata: &Rdata) -> String {
    let octets = rdata.as_wire();
    match rtype {
        RecordType::NS | RecordType::CNAME | RecordType::DNAME => short(&rdata.to_name().unwrap()),
        RecordType::TXT => {
            let mut rest = octets;
            let mut strings = Vec::new();
            while let Some((&length, tail)) = rest.split_first() {
                let (string, tail) = tail.split_at(usize::from(length));
                strings.push(String::from_utf8(string.to_vec()).unwrap());
                rest = tail;
            }
            strings.join(",")
        }
        _ => String::from_utf8(octets.to_vec()).unwrap(),
    }
}

fn short(name: &Name) -> String {
    let text = name.to_string();
    let relative = text.strip_suffix(".example.");
    relative.unwrap_or("@").to_owned()
}

fn mnemonic(rtype: RecordType) -> &'static str {
    let found = TYPES.iter().find(|(_, known)| *known == rtype);
    found.expect(KNOWN_TYPE).0
}

fn records(text: &str) -> RrSets {
    RrSets::from_records(
        text.lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(|line| {
                let [name, mnemonic, ttl, value] = line.split(' ').collect::<Vec<_>>()[..] else {
                    panic!("`{line}` is no record");
                };
                let rtype = TYPES
                    .iter()
                    .find(|(known, _)| *known == mnemonic)
                    .expect(KNOWN_TYPE)
                    .1;
                Record {
                    owner: owner(name),
                    rtype,
                    ttl: ttl.parse().unwrap(),
                    rdata: rdata(rtype, value),
                }
            }),
    )
}

pub(super) fn soa(serial: u32) -> Soa {
    Soa {
        mname: "ns1.example.".parse().unwrap(),
        rname: "hostmaster.example.".parse().unwrap(),
        serial: Serial(serial),
        refresh: 1,
        retry: 2,
        expire: 3,
        minimum: 4,
    }
}

fn current(text: &str) -> CurrentZone {
    CurrentZone {
        name: zone_name(),
        soa: soa(7),
        soa_ttl: 900,
        records: records(text),
    }
}

fn desired(text: &str) -> DesiredZone {
    DesiredZone {
        name: zone_name(),
        soa: DesiredSoa::default(),
        records: records(text),
        rejected: RejectedRecords::default(),
        source: ZoneSource::Call,
        trust: Trust::Panel,
    }
}

/// Returns the plan for a zone with the managed records `managed`.
fn plan_of(foreign: ForeignRecords, managed: &str, before: &str, after: &str) -> Plan {
    let scope = Scope {
        foreign,
        keep: &["_acme-challenge.*".parse().unwrap()],
        managed: &records(managed),
    };
    plan(&current(before), &desired(after), &scope)
}

/// Formats the changes as lines: `+` adds, `-` removes, `~` sets another TTL.
fn show(plan: &Plan) -> Vec<String> {
    let line = |change: &Change| {
        let record = |ttl: Option<u32>| {
            let mut words = vec![short(&change.owner), mnemonic(change.rtype).to_owned()];
            words.extend(ttl.map(|ttl| ttl.to_string()));
            words.push(value(change.rtype, &change.rdata));
            words.join(" ")
        };
        match change.action {
            Action::Add { ttl } => format!("+ {}", record(Some(ttl))),
            Action::SetTtl { ttl } => format!("~ {}", record(Some(ttl))),
            Action::Remove => format!("- {}", record(None)),
        }
    };
    plan.changes.iter().map(line).collect()
}

fn reasons(plan: &Plan) -> Vec<(String, ConflictReason)> {
    let conflicts = plan.conflicts.iter();
    conflicts
        .map(|conflict| {
            let set = &conflict.left_out;
            let values: Vec<_> = set
                .rdatas
                .iter()
                .map(|rdata| value(set.rtype, rdata))
                .collect();
            let name = short(&set.owner);
            let text = format!("{name} {} {}", mnemonic(set.rtype), values.join(" "));
            (text, conflict.reason.clone())
        })
        .collect()
}

use ForeignRecords::{Keep, Remove};

#[test]
fn only_managed_records_are_removed_unless_foreign_records_are_too() {
    let before = "@ NS 300 ns1\nwww A 300 1\nwww A 300 2\nx A 300 9";
    let after = "@ NS 300 ns1\nwww A 300 3";
    let kept = plan_of(Keep, "www A 0 1", before, after);
    assert_eq!(show(&kept), ["- www A 1", "+ www A 300 3"]);
    let removed = plan_of(Remove, "", before, after);
    let all = ["- www A 1", "- www A 2", "+ www A 300 3", "- x A 9"];
    assert_eq!(show(&removed), all);
    assert_eq!(
        (removed.added(), removed.removed(), removed.ttl_changed()),
        (1, 3, 0)
    );
}

#[test]
fn names_are_compared_without_case_and_txt_by_content() {
    let before = "@ NS 300 ns1\nWWW A 300 1\nt TXT 300 ab,c\nu TXT 300 a,b";
    let after = "@ NS 300 NS1\nwww A 300 1\nT TXT 300 abc\nu TXT 300 x";
    let plan = plan_of(Keep, "u TXT 0 ab", before, after);
    assert_eq!(show(&plan), ["- u TXT a,b", "+ u TXT 300 x"]);
}

#[test]
fn another_ttl_is_set_on_the_octets_in_the_zone() {
    let before = "@ NS 300 ns1\nt TXT 300 ab,c\nt TXT 300 foreign\nx A 300 1";
    let after = "@ NS 300 ns1\nt TXT 600 abc\nt TXT 600 new";
    let plan = plan_of(Keep, "", before, after);
    assert_eq!(show(&plan), ["~ t TXT 600 ab,c", "+ t TXT 600 new"]);
    assert_eq!(
        (plan.added(), plan.removed(), plan.ttl_changed()),
        (1, 0, 1)
    );
}

#[test]
fn records_of_a_signer_are_never_changed() {
    let before = "@ NS 300 ns1\n@ DNSKEY 300 k\nwww A 300 1\nwww RRSIG 300 s\nwww NSEC 300 n";
    let managed = "@ DNSKEY 0 k\nwww RRSIG 0 s\nwww A 0 1";
    let after = "@ NS 300 ns1\n@ CDS 300 c\n@ DNSKEY 600 other\n@ TYPE65534 1 x";
    let plan = plan_of(Remove, managed, before, after);
    assert_eq!(show(&plan), ["- www A 1"]);
    assert!(plan.conflicts.is_empty());
}

#[test]
fn names_under_keep_stay_unchanged() {
    let before = "@ NS 300 ns1\n_acme-challenge A 300 1\n_acme-challenge.b TXT 300 x";
    let same = "_acme-challenge.b TXT 300 x";
    let after = format!("@ NS 300 ns1\n_ACME-challenge A 300 2\n{same}");
    let plan = plan_of(Remove, "_acme-challenge A 0 1", before, &after);
    assert_eq!(show(&plan), [""; 0]);
    assert_eq!(plan.kept, [owner("_acme-challenge")]);
    let not_desired = plan_of(Remove, "", before, "@ NS 300 ns1");
    assert!(not_desired.is_empty() && not_desired.kept.is_empty());
}

#[test]
fn an_apex_under_keep_keeps_its_soa() {
    let keep: [NamePattern; 1] = ["example".parse().unwrap()];
    let scope = Scope {
        foreign: Keep,
        keep: &keep,
        managed: &RrSets::default(),
    };
    let mut after = desired("@ NS 300 other\nwww A 300 1");
    after.soa.refresh = Some(99);
    let plan = plan(&current("@ NS 300 ns1"), &after, &scope);
    assert_eq!(
        (show(&plan), plan.soa),
        (vec!["+ www A 300 1".to_owned()], None)
    );
}

#[test]
fn apex_ns_are_added_before_others_are_removed_and_one_always_stays() {
    let before = "@ NS 300 ns1\n@ A 300 1";
    let moved = plan_of(Remove, "", before, "@ NS 300 ns2\n@ A 300 2");
    let order = ["- @ A 1", "+ @ A 300 2", "+ @ NS 300 ns2", "- @ NS ns1"];
    assert_eq!(show(&moved), order);
    let without_ns = plan_of(Remove, before, before, "www A 300 1");
    assert_eq!(show(&without_ns), ["- @ A 1", "+ www A 300 1"]);
    let delegation = plan_of(Remove, "", "@ NS 300 ns1\nsub NS 300 ns1", "sub NS 300 ns2");
    assert_eq!(show(&delegation), ["- sub NS ns1", "+ sub NS 300 ns2"]);
}

#[test]
fn a_managed_cname_and_other_managed_data_replace_each_other() {
    let (a, cname) = ("@ NS 300 ns1\nwww A 300 1", "@ NS 300 ns1\nwww CNAME 300 x");
    let to_cname = plan_of(Keep, "www A 0 1", a, cname);
    assert_eq!(show(&to_cname), ["- www A 1", "+ www CNAME 300 x"]);
    let back = plan_of(Keep, "www CNAME 0 x", cname, a);
    assert_eq!(show(&back), ["- www CNAME x", "+ www A 300 1"]);
    let other = plan_of(Keep, "www CNAME 0 x", cname, "www CNAME 300 y");
    assert_eq!(show(&other), ["- www CNAME x", "+ www CNAME 300 y"]);
}

#[test]
fn a_cname_is_not_added_beside_foreign_data() {
    let before = "@ NS 300 ns1\nwww A 300 1\nwww TXT 300 foreign\nwww RRSIG 300 s";
    let plan = plan_of(Keep, "www A 0 1", before, "@ NS 300 ns1\nwww CNAME 300 x");
    let types = vec![RecordType::TXT];
    let reason = ConflictReason::CnameBesideForeign { types };
    assert_eq!(reasons(&plan), [("www CNAME x".to_owned(), reason)]);
    assert_eq!(
        show(&plan),
        [""; 0],
        "the address stays: without it the name would have no records"
    );
    let signed = "@ NS 300 ns1\nwww RRSIG 300 s";
    let beside_signature = plan_of(Keep, "", signed, "www CNAME 300 x");
    assert_eq!(show(&beside_signature), ["+ www CNAME 300 x"]);
}

#[test]
fn nothing_is_added_beside_or_instead_of_a_foreign_cname() {
    let before = "@ NS 300 ns1\nwww CNAME 300 x";
    let plan = plan_of(Keep, "", before, "www A 300 1\nwww CNAME 300 y");
    let left_out = [
        ("www A 1".to_owned(), ConflictReason::BesideForeignCname),
        ("www CNAME y".to_owned(), ConflictReason::ForeignValue),
    ];
    assert_eq!((reasons(&plan), show(&plan)), (left_out.to_vec(), vec![]));
    let same = plan_of(Keep, "", before, "www CNAME 600 x");
    assert_eq!(show(&same), ["~ www CNAME 600 x"]);
}

#[test]
fn desired_records_that_exclude_each_other_are_conflicts() {
    let before = "@ NS 300 ns1\nwww CNAME 300 x\nd CNAME 300 y";
    let after = "@ NS 300 ns1\n@ CNAME 300 x\nwww CNAME 300 x\nwww A 300 1\n\
                    d CNAME 300 x\nd CNAME 300 y";
    let plan = plan_of(Remove, "", before, after);
    let left_out = [
        ("@ CNAME x".to_owned(), ConflictReason::CnameAtApex),
        ("d CNAME x".to_owned(), ConflictReason::SecondValue),
        ("www A 1".to_owned(), ConflictReason::BesideCname),
    ];
    assert_eq!(reasons(&plan), left_out);
    assert_eq!(show(&plan), [""; 0]);
}

#[test]
fn of_a_cname_and_other_data_what_is_in_place_wins() {
    let ns = "@ NS 300 ns1";
    let both = format!("{ns}\nwww CNAME 300 x\nwww A 300 1");
    let cname = || ConflictReason::CnameBesideDesired {
        types: vec![RecordType::A],
    };
    let (a, x) = ("www A 1".to_owned(), "www CNAME x".to_owned());
    for (managed, before, changes, left_out) in [
        ("", "", &["+ www A 300 1"][..], (&x, cname())),
        ("www A 0 1", "www A 300 1", &[], (&x, cname())),
        (
            "www A 0 2",
            "www A 300 2",
            &["- www A 2", "+ www A 300 1"],
            (&x, cname()),
        ),
        (
            "www CNAME 0 x",
            "www CNAME 300 x",
            &[],
            (&a, ConflictReason::BesideCname),
        ),
        (
            "www CNAME 0 y",
            "www CNAME 300 y",
            &["- www CNAME y", "+ www CNAME 300 x"],
            (&a, ConflictReason::BesideCname),
        ),
    ] {
        let plan = plan_of(Keep, managed, &format!("{ns}\n{before}"), &both);
        assert_eq!(show(&plan), changes, "{before}");
        let (record, reason) = left_out;
        assert_eq!(reasons(&plan), [(record.clone(), reason)], "{before}");
    }
}

#[test]
fn a_ds_needs_a_delegation() {
    let ns1 = "@ NS 300 ns1\nsub NS 300 ns1";
    let with_ns = plan_of(Keep, "", ns1, "sub DS 300 k");
    assert_eq!(show(&with_ns), ["+ sub DS 300 k"]);
    let before = "@ NS 300 ns1\nsub NS 300 ns1\nsub DS 300 k";
    let ns_goes = plan_of(Remove, "", before, "sub DS 300 k");
    assert_eq!(show(&ns_goes), ["- sub NS ns1", "- sub DS k"]);
    assert_eq!(
        reasons(&ns_goes),
        [("sub DS k".to_owned(), ConflictReason::DsWithoutNs)]
    );
}

#[test]
fn desired_soa_fields_are_set_and_the_serial_only_rises() {
    let change = |edit: fn(&mut DesiredSoa)| {
        let mut desired = DesiredSoa::default();
        edit(&mut desired);
        soa::change(&current(""), &desired)
    };
    assert_eq!(change(|_| {}), None);
    assert_eq!(change(|soa| soa.serial = Some(Serial(2_024_010_101))), None);
    assert_eq!(
        change(|soa| soa.rname = Some("HOSTMASTER.example.".parse().unwrap())),
        None
    );
    let refresh = Soa {
        refresh: 99,
        ..soa(8)
    };
    assert_eq!(
        change(|soa| soa.refresh = Some(99)),
        Some((refresh.clone(), 900))
    );
    let back = change(|soa| (soa.refresh, soa.serial) = (Some(99), Some(Serial(6))));
    assert_eq!(back, Some((refresh, 900)));
    let forward = change(|soa| (soa.ttl, soa.serial) = (Some(1), Some(Serial(50))));
    assert_eq!(forward, Some((soa(50), 1)));
}

#[test]
fn a_removal_removes_managed_records_and_leaves_the_zone() {
    let before = "@ NS 300 ns1\n@ A 300 1\nwww A 300 1\nx A 300 9\n_acme-challenge.a TXT 300 t";
    let scope = Scope {
        foreign: Remove,
        keep: &["_acme-challenge.*".parse().unwrap()],
        managed: &records("@ NS 0 ns1\n@ A 0 1\nwww A 0 1\n_acme-challenge.a TXT 0 t"),
    };
    let plan = plan_removal(&current(before), &scope);
    assert_eq!(show(&plan), ["- @ A 1", "- www A 1"]);
    assert_eq!(plan.soa, None);
}

#[test]
fn a_name_server_that_stays_keeps_its_address() {
    let scope = Scope {
        foreign: Keep,
        keep: &[],
        managed: &records("@ NS 0 ns1\nns1 A 0 1\nns2 A 0 2\nns3 A 0 3"),
    };
    let before = "@ NS 300 ns1\n@ NS 300 ns2\nns1 A 300 1\nns2 A 300 2\nns3 A 300 3";
    let removal = plan_removal(&current(before), &scope);
    assert_eq!(show(&removal), ["- @ NS ns1", "- ns1 A 1", "- ns3 A 3"]);
    // All stay if all are managed.
    let all = Scope {
        managed: &records("@ NS 0 ns1\n@ NS 0 ns2\nns1 A 0 1\nns2 A 0 2\nns3 A 0 3"),
        ..scope
    };
    let removal = plan_removal(&current(before), &all);
    assert_eq!(show(&removal), ["- ns3 A 3"]);
    // Another address may replace it; the address of a removed managed name server is removed too.
    let wanted = desired("@ NS 300 x\nns2 A 300 9");
    let plan = plan(&current(before), &wanted, &scope);
    assert_eq!(
        show(&plan),
        [
            "+ @ NS 300 x",
            "- @ NS ns1",
            "- ns1 A 1",
            "- ns2 A 2",
            "+ ns2 A 300 9",
            "- ns3 A 3"
        ]
    );
}

#[test]
fn a_new_zone_has_no_conflicting_records_and_an_soa_with_defaults() {
    let zone = desired("@ NS 300 b\n@ NS 300 a\nwww A 300 1\nwww CNAME 300 x\n@ DNSKEY 300 k");
    let initial = initial_zone(&zone, &[]).unwrap().zone;
    assert_eq!(
        initial.records,
        records("@ NS 300 a\n@ NS 300 b\nwww A 300 1")
    );
    let expected = Soa {
        mname: owner("a"),
        refresh: 10_800,
        retry: 3_600,
        expire: 604_800,
        minimum: 10_800,
        ..soa(1)
    };
    assert_eq!((initial.soa, initial.soa_ttl), (expected, 86_400));
    let error = initial_zone(&desired("sub NS 300 a"), &[]).unwrap_err();
    assert_eq!(error, InitialZoneError::NoApexNs { zone: zone_name() });
}
