//! Tests of the serial after one that is remembered.

use proptest::prelude::*;

use super::*;

const ALL: &str = "@ NS 300 ns1";

/// Returns the SOA and its TTL in a plan from a zone with a serial, after a remembered one.
fn passed(
    present: u32,
    remembered: u32,
    desired: &DesiredSoa,
    keep: &[NamePattern],
) -> Option<(Soa, u32)> {
    let mut current = current(ALL);
    current.soa.serial = Serial(present);
    let scope = Scope {
        foreign: Keep,
        keep,
        managed: &RrSets::default(),
    };
    let mut plan = Plan {
        soa: soa::change(&current, desired),
        ..plan_of(Keep, "", ALL, ALL)
    };
    plan.pass_serial(Serial(remembered), &current, desired.serial, &scope);
    assert!(plan.changes.is_empty());
    plan.soa
}

/// Returns serials near each other, near half of all serials apart, and any.
fn serials() -> impl Strategy<Value = [u32; 3]> {
    let step = || prop_oneof![0..4_u32, (1_u32 << 31) - 3..(1 << 31) + 3, any::<u32>()];
    (any::<u32>(), step(), step()).prop_map(|(present, to_remembered, to_desired)| {
        let remembered = present.wrapping_add(to_remembered);
        [present, remembered, present.wrapping_add(to_desired)]
    })
}

proptest! {
    #[test]
    fn the_serial_passes_a_remembered_one(
        [present, remembered, desired] in serials(),
        has_desired: bool,
        refresh in proptest::option::of(Just(99)),
    ) {
        let after = |a: u32, b: u32| server::is_after(a, b);
        let desired_serial = has_desired.then_some(desired);
        let desired = DesiredSoa {
            serial: desired_serial.map(Serial),
            refresh,
            ..DesiredSoa::default()
        };
        let mut start = current(ALL);
        start.soa.serial = Serial(present);
        let without = soa::change(&start, &desired);
        let found = passed(present, remembered, &desired, &[]);
        let distance = remembered.wrapping_sub(present);
        if distance == 0 || distance >= (1 << 31) - 1 {
            prop_assert_eq!(found, without, "the primary is not behind, or no serial is after both");
            return Ok(());
        }
        let (soa, ttl) = found.expect("an SOA");
        let serial = soa.serial.0;
        prop_assert!(after(serial, present) && after(serial, remembered), "{}", serial);
        let ahead = desired_serial.filter(|it| after(*it, present));
        prop_assert!(ahead.is_none_or(|it| !after(it, serial)), "{} is behind {:?}", serial, ahead);
        prop_assert!(serial == remembered.wrapping_add(1) || Some(serial) == ahead);
        // Nothing else is changed by it.
        let (expected, expected_ttl) = without.unwrap_or((start.soa, start.soa_ttl));
        prop_assert_eq!((Soa { serial: soa.serial, ..expected }, expected_ttl), (soa, ttl));
    }
}

#[test]
fn the_serial_of_a_kept_apex_stays() {
    let nothing = DesiredSoa::default();
    assert!(passed(7, 9, &nothing, &[]).is_some());
    let keep = ["example".parse().unwrap()];
    assert_eq!(passed(7, 9, &nothing, &keep), None);
}
