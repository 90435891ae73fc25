//! Tests of the bisection against simulated primaries.

use super::*;
use crate::model::{Rdata, RecordType, ZoneName};
use crate::plan::{Action, Change};

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
        frozen: Vec::new(),
    }
}

fn refusal() -> Failure {
    Failure::UpdateRefused {
        rcode: Rcode::REFUSED,
        extended: None,
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
        bisection.restrict(&mut plan);
        let sent = plan.owners();
        let is_searching = bisection.is_searching();
        if !sent.is_empty() {
            messages += 1;
            if is_bad(&sent, &existing) {
                bisection.refused(&plan, refusal())?;
                continue;
            }
            existing.extend(sent.iter().cloned());
        }
        if is_searching {
            bisection.passed(usize::from(!sent.is_empty()));
            continue;
        }
        existing.sort();
        let refused = bisection.into_left_out().map(|left_out| match left_out {
            LeftOut::Refused { owner, .. } => owner,
            LeftOut::Conflict(_) | LeftOut::Kept(_) | LeftOut::Ignored { .. } => {
                panic!("not refused")
            }
        });
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
    let failure = bisection.refused(&plan(&[name(1), name(2)]), Failure::DeadlinePassed);
    assert!(matches!(failure, Err(Failure::DeadlinePassed)));
    assert!(!bisection.is_searching());
}
