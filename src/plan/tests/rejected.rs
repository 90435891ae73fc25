//! Tests of what rejected records protect.

use super::*;
use crate::model::Rejected;

/// Plans an update to `after` with rejected records, each an owner name and a type, `?` where it cannot be read.
fn plan_with_rejected(managed: &str, before: &str, after: &str, rejected: &str) -> Plan {
    let mut desired = desired(after);
    desired.rejected = rejected
        .lines()
        .map(|line| {
            let (name, rtype) = line.split_once(' ').unwrap();
            let known = TYPES.iter().find(|(known, _)| *known == rtype);
            Rejected {
                owner: (name != "?").then(|| owner(name)),
                rtype: known.map(|(_, rtype)| *rtype),
            }
        })
        .collect();
    let scope = Scope {
        foreign: Keep,
        keep: &[],
        managed: &records(managed),
    };
    plan(&current(before), &desired, &scope)
}

#[test]
fn what_a_rejected_record_may_mean_stays() {
    let managed = "@ NS 0 ns1\nwww A 0 1\nwww MX 0 m\nx A 0 1\nx MX 0 m";
    let before = managed.replace(" 0 ", " 300 ");
    for (rejected, after, changes) in [
        ("www A", "", &["- www MX m", "- x A 1", "- x MX m"][..]),
        (
            "www A",
            "www A 300 2",
            &[
                "- www A 1",
                "+ www A 300 2",
                "- www MX m",
                "- x A 1",
                "- x MX m",
            ],
        ),
        ("www ?", "", &["- x A 1", "- x MX m"]),
        (
            "www ?",
            "www A 300 2",
            &["+ www A 300 2", "- x A 1", "- x MX m"],
        ),
        ("? A", "", &["- www MX m", "- x MX m"]),
        ("? A\n? MX", "", &[]),
        ("? ?", "x A 300 2", &["+ x A 300 2"]),
    ] {
        let after = format!("@ NS 300 ns1\n{after}");
        let plan = plan_with_rejected(managed, &before, &after, rejected);
        let mut changes: Vec<&str> = changes.to_vec();
        // The removals at a name come first.
        changes.sort_by_key(|line| (line[2..3].to_owned(), line.starts_with('+')));
        assert_eq!(show(&plan), changes, "{rejected}, {after}");
        assert!(plan.conflicts.is_empty());
        let protected = RrSets::from_sets(plan.protected.clone());
        let is_removed = |change: &&Change| change.action == Action::Remove;
        let removed = plan.changes.iter().filter(is_removed);
        let removed = RrSets::from_records(removed.map(|change| change.to_record(0)));
        let gone = records(managed).minus(&records(&after));
        assert_eq!(protected.minus(&gone), RrSets::default());
        assert_eq!(gone.minus(&removed).minus(&protected), RrSets::default());
    }
}

#[test]
fn what_is_protected_wins_over_what_cannot_stand_beside_it() {
    let before = "@ NS 300 ns1\nwww CNAME 300 x\nm MX 300 m";
    let managed = "www CNAME 0 x\nm MX 0 m";
    let after = "@ NS 300 ns1\nwww A 300 1\nm CNAME 300 x";
    let plan = plan_with_rejected(managed, before, after, "www CNAME\nm MX");
    let types = vec![RecordType::MX];
    let left_out = [
        (
            "m CNAME x".to_owned(),
            ConflictReason::CnameBesideDesired { types },
        ),
        ("www A 1".to_owned(), ConflictReason::BesideCname),
    ];
    assert_eq!((reasons(&plan), show(&plan)), (left_out.to_vec(), vec![]));
}

#[test]
fn the_address_of_a_protected_name_server_stays() {
    let before = "@ NS 300 ns1\nns1 A 300 1";
    let managed = "@ NS 0 ns1\nns1 A 0 1";
    let plan = plan_with_rejected(managed, before, "@ NS 300 ns2\nns2 A 300 2", "? NS");
    assert_eq!(show(&plan), ["+ @ NS 300 ns2", "+ ns2 A 300 2"]);
}
