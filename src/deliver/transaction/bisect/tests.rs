//! Tests of the bisection against simulated primaries.

use proptest::prelude::*;

use super::*;
use crate::model::{Name, Rdata, RecordType, RrSets, Serial, Soa, ZoneName};
use crate::plan::Action;

fn name(index: usize) -> Name {
    format!("h{index:03}.example.").parse().unwrap()
}

/// Returns a plan that adds an address at each of these names.
fn plan(names: &[Name]) -> Plan {
    let changes = names.iter().map(|owner| Change {
        owner: owner.clone(),
        rtype: RecordType::A,
        rdata: Rdata::from_canonical([192, 0, 2, 1]),
        action: Action::Add { ttl: 60 },
    });
    Plan {
        zone: ZoneName::new(&"example.".parse().unwrap()),
        changes: changes.collect(),
        soa: None,
        conflicts: Vec::new(),
        kept: Vec::new(),
        protected: Vec::new(),
        frozen: Vec::new(),
    }
}

/// Returns an empty zone.
fn current() -> CurrentZone {
    CurrentZone {
        name: ZoneName::new(&"example.".parse().unwrap()),
        soa: Soa {
            mname: Name::root(),
            rname: Name::root(),
            serial: Serial(1),
            refresh: 1,
            retry: 1,
            expire: 1,
            minimum: 1,
        },
        soa_ttl: 1,
        records: RrSets::default(),
    }
}

fn refusal() -> Failure {
    Failure::UpdateRefused {
        rcode: Rcode::REFUSED,
        extended: None,
        zone: ZoneName::new(&Name::root()),
        key: Name::root(),
    }
}

/// Bisects this number of names on a primary that refuses a message if `is_bad` of the sent and the
/// existing names. Returns the existing names, the refused names and the number of messages.
fn bisect(
    count: usize,
    is_bad: impl Fn(&[Name], &[Name]) -> bool,
) -> Result<(Vec<Name>, Vec<Name>, u32), Failure> {
    let (mut bisection, mut existing, mut messages) = (Bisection::default(), Vec::new(), 0);
    loop {
        let missing: Vec<Name> = (0..count)
            .map(name)
            .filter(|it| !existing.contains(it))
            .collect();
        let mut plan = plan(&missing);
        bisection.restrict_plan(&mut plan, &current());
        let sent: Vec<Name> = plan.parts().into_iter().map(|part| part.owner).collect();
        let is_searching = bisection.is_searching();
        if !sent.is_empty() {
            messages += 1;
            if is_bad(&sent, &existing) {
                bisection.divide(&mut Lengths::default(), &plan, &current(), refusal())?;
                continue;
            }
            existing.extend(sent.iter().cloned());
        }
        if is_searching {
            bisection.passed(usize::from(!sent.is_empty()));
            continue;
        }
        existing.sort();
        let refused = bisection
            .into_left_out()
            .into_iter()
            .flat_map(|it| it.refused());
        let refused = refused.map(|(part, _)| part.owner);
        let mut refused: Vec<Name> = refused.collect();
        refused.sort();
        return Ok((existing, refused, messages));
    }
}

#[test]
fn each_refused_name_is_found_and_all_others_are_applied() {
    for bad in [vec![0], vec![99], vec![0, 1, 2], vec![7, 50, 51, 93]] {
        let bad: Vec<Name> = bad.into_iter().map(name).collect();
        let is_bad = |sent: &[Name], _: &[Name]| sent.iter().any(|owner| bad.contains(owner));
        let (existing, refused, messages) = bisect(100, is_bad).unwrap();
        assert_eq!(refused, bad);
        assert_eq!(existing.len(), 100 - bad.len());
        assert!(messages <= 80, "{messages} messages for {bad:?}");
    }
}

#[test]
fn a_name_that_needs_another_one_is_retried() {
    // The first name needs the last one, and the middle one is bad.
    let is_bad = |sent: &[Name], existing: &[Name]| {
        let has = |index| sent.contains(&name(index));
        has(5) || has(0) && !has(9) && !existing.contains(&name(9))
    };
    let (existing, refused, _) = bisect(10, is_bad).unwrap();
    assert_eq!(refused, [name(5)]);
    assert_eq!(existing.len(), 9);
}

#[test]
fn a_refusal_of_every_name_is_reported_soon() {
    for count in [1, 2, 3, 1_000] {
        let failure = bisect(count, |_, _| true).unwrap_err();
        assert!(
            matches!(failure, Failure::UpdateRefused { .. }),
            "{failure}"
        );
    }
}

#[test]
fn other_failures_are_not_bisected() {
    let mut bisection = Bisection::default();
    let failure = bisection.divide(
        &mut Lengths::default(),
        &plan(&[name(1), name(2)]),
        &current(),
        Failure::DeadlinePassed,
    );
    assert!(matches!(failure, Err(Failure::DeadlinePassed)));
    assert!(!bisection.is_searching());
}

#[test]
fn a_chain_of_names_that_each_need_the_next_one_is_applied() {
    let is_bad = |sent: &[Name], existing: &[Name]| {
        let needed = |index| existing.contains(&name(index + 1)) || sent.contains(&name(index + 1));
        (0..9).any(|index| sent.contains(&name(index)) && !needed(index))
            || sent.contains(&name(20))
    };
    let (existing, refused, _) = bisect(21, is_bad).unwrap();
    assert_eq!(refused, [name(20)]);
    assert_eq!(existing.len(), 20);
}

/// Sends a plan of two names, of which the second fails three times, or twice. Returns of each time whether it went
/// over a new connection, and the result.
fn bisect_doubtful(
    failure: impl Fn() -> Failure,
    is_repeated: bool,
) -> (Vec<bool>, Result<Vec<LeftOut>, Failure>) {
    let (mut bisection, mut connections) = (Bisection::default(), Vec::new());
    let mut missing = vec![name(0), name(1)];
    loop {
        let mut plan = plan(&missing);
        bisection.restrict_plan(&mut plan, &current());
        let is_searching = bisection.is_searching();
        if plan.parts().iter().any(|part| part.owner == name(1)) {
            connections.push(bisection.needs_new_connection());
            if is_repeated || connections.len() < 3 {
                if let Err(failure) =
                    bisection.divide(&mut Lengths::default(), &plan, &current(), failure())
                {
                    return (connections, Err(failure));
                }
                continue;
            }
        }
        missing.retain(|name| plan.parts().iter().all(|part| part.owner != *name));
        if !is_searching {
            return (connections, Ok(bisection.into_left_out()));
        }
        bisection.passed(usize::from(!plan.is_empty()));
    }
}

fn unsigned() -> Failure {
    Failure::Unsigned {
        rcode: Rcode::FORMERR,
        key: Name::root(),
    }
}

fn server_failure() -> Failure {
    Failure::ServerFailure {
        rcode: Rcode::SERVFAIL,
        extended: None,
    }
}

#[test]
fn an_unsigned_refusal_counts_if_it_is_repeated_over_a_new_connection() {
    let (connections, result) = bisect_doubtful(unsigned, true);
    assert_eq!(connections, [false, false, true]);
    let left_out = result.unwrap();
    assert!(
        matches!(&left_out[..], [LeftOut::Refused { part, failure, .. }]
            if part.owner == name(1) && matches!(**failure, Failure::UpdateRefused { .. })),
        "{left_out:?}"
    );
    let (connections, result) = bisect_doubtful(unsigned, false);
    assert_eq!(connections, [false, false, true]);
    assert!(result.unwrap().is_empty());
}

#[test]
fn a_failure_of_the_server_counts_if_it_is_repeated() {
    for (is_repeated, left_out) in [(true, 1), (false, 0)] {
        let (connections, result) = bisect_doubtful(server_failure, is_repeated);
        assert_eq!(connections, [false; 3]);
        assert_eq!(result.unwrap().len(), left_out);
    }
}

#[test]
fn an_unsigned_refusal_of_all_is_no_refusal_of_records() {
    let unsigned = Failure::Unsigned {
        rcode: Rcode::REFUSED,
        key: Name::root(),
    };
    let failure = Bisection::default().divide(
        &mut Lengths::default(),
        &plan(&[name(0)]),
        &current(),
        unsigned,
    );
    assert!(matches!(failure, Err(Failure::Unsigned { .. })));
}

/// It is remembered, so it must be sure.
#[test]
fn of_a_search_that_is_cut_short_counts_what_is_certain() {
    let found = |applied, failure| {
        let groups = [0, 1].map(|index| plan(&[name(index)]).parts());
        let mut bisection = Bisection {
            applied,
            groups: groups.into(),
            ..Bisection::default()
        };
        let refused = bisection.divide(
            &mut Lengths::default(),
            &plan(&[name(1)]),
            &current(),
            failure,
        );
        refused.expect("a search that goes on");
        bisection.into_found().len()
    };
    let unsigned = Failure::Unsigned {
        rcode: Rcode::FORMERR,
        key: Name::root(),
    };
    assert_eq!(found(1, refusal()), 1);
    // Perhaps the key may update nothing.
    assert_eq!(found(0, refusal()), 0);
    // Perhaps another than the primary sent it.
    assert_eq!(found(1, unsigned), 0);
}

/// A change of the record with this number: of three names, three types and three values each.
fn numbered(number: usize) -> Change {
    let types = [RecordType::A, RecordType::TXT, RecordType::SRV];
    Change {
        owner: name(number / 9),
        rtype: types[number / 3 % 3],
        rdata: Rdata::from_canonical([192, 0, 2, u8::try_from(number % 3).unwrap()]),
        action: Action::Add { ttl: 60 },
    }
}

proptest! {
    /// Wherever they are, and however few records are healthy.
    #[test]
    fn each_refused_record_is_found_and_nothing_else_is_left_out(
        wanted in prop::collection::btree_set(0_usize..180, 1..60),
        bad in prop::collection::btree_set(0_usize..180, 0..60),
    ) {
        let is_bad = |change: &Change| bad.iter().any(|it| numbered(*it) == *change);
        let (bad_changes, healthy): (Vec<Change>, Vec<Change>) =
            wanted.iter().map(|it| numbered(*it)).partition(is_bad);
        let mut bisection = Bisection { may_update: Some(true), ..Bisection::default() };
        let mut applied: Vec<Change> = Vec::new();
        loop {
            let mut plan = plan(&[]);
            let missing = wanted.iter().map(|it| numbered(*it)).filter(|it| !applied.contains(it));
            plan.changes = missing.collect();
            plan.changes.sort_by(|a, b| (&a.owner, a.rtype).cmp(&(&b.owner, b.rtype)));
            bisection.restrict_plan(&mut plan, &current());
            let is_searching = bisection.is_searching();
            if plan.changes.iter().any(is_bad) {
                prop_assert!(bisection.divide(&mut Lengths::default(), &plan, &current(), refusal()).is_ok());
                continue;
            }
            applied.extend(plan.changes.iter().cloned());
            if !is_searching {
                break;
            }
            bisection.passed(usize::from(!plan.is_empty()));
        }
        let order = |changes: &mut Vec<Change>| {
            changes.sort_by(|a, b| (&a.owner, a.rtype, &a.rdata).cmp(&(&b.owner, b.rtype, &b.rdata)));
        };
        let refused = bisection.into_left_out().into_iter().flat_map(|it| it.refused());
        let refused = refused.flat_map(|(_, changes)| changes);
        let (mut refused, mut expected) = (refused.collect(), bad_changes);
        order(&mut refused);
        order(&mut expected);
        prop_assert_eq!(refused, expected);
        let mut expected = healthy;
        order(&mut applied);
        order(&mut expected);
        prop_assert_eq!(applied, expected);
    }
}
