//! Laws of the plan on generated zones, checked against a server and a model that share no code
//! with it.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::cases::{Case, cases};
use super::server::{
    Key, OnBadUpdate, PrerequisiteFailed, SIGNER, Server, Set, encode, is_after, octets,
};
use super::zone_name;
use crate::model::{
    CurrentZone, ForeignRecords, Name, NamePattern, Record, RecordType, RejectedRecords, RrSet,
    RrSets, Scope, Serial, Soa,
};
use crate::plan::{
    Abilities, Batch, BatchError, Plan, Prerequisite, Prerequisites, RrSetUpdates, Update, batches,
    plan, plan_removal,
};

const KEEP: &str = "_acme-challenge.*";

/// The values of an RRset, without regard to spelling.
type Contents = BTreeSet<Vec<u8>>;

fn content(rtype: u16, octets: &[u8]) -> Vec<u8> {
    if rtype != 16 {
        return octets.to_vec();
    }
    let mut rest = octets;
    let mut content = vec![];
    while !rest.is_empty() {
        let end = 1 + usize::from(rest[0]);
        content.extend(&rest[1..end]);
        rest = &rest[end..];
    }
    content
}

fn contents(sets: &RrSets) -> BTreeMap<Key, (u32, Contents)> {
    let each = sets.iter().map(|set: &RrSet| {
        let values = set
            .rdatas
            .iter()
            .map(|rdata| content(set.rtype.0, rdata.as_wire()));
        (
            (octets(&set.owner), set.rtype.0),
            (set.ttl, values.collect()),
        )
    });
    each.collect()
}

fn server_contents(sets: &BTreeMap<Key, Set>) -> BTreeMap<Key, (u32, Contents)> {
    let each = sets
        .iter()
        .filter(|(key, _)| key.1 != 6)
        .map(|(key, (ttl, values))| {
            let values = values.iter().map(|value| content(key.1, value)).collect();
            (key.clone(), (*ttl, values))
        });
    each.collect()
}

/// Computes the RRsets after a plan: the records that it may not change, and the desired ones among
/// the rest.
fn model(case: &Case) -> BTreeMap<Key, (u32, Contents)> {
    let (before, desired) = (
        contents(&case.current.records),
        contents(&case.desired.records),
    );
    let managed = contents(&case.managed);
    let owners: BTreeSet<Vec<u8>> = before
        .keys()
        .chain(desired.keys())
        .map(|key| key.0.clone())
        .collect();
    let mut end = BTreeMap::new();
    for name in owners {
        let at = |zone: &BTreeMap<Key, (u32, Contents)>| -> BTreeMap<u16, (u32, Contents)> {
            let sets = zone.iter().filter(|(key, _)| key.0 == name);
            sets.map(|(key, set)| (key.1, set.clone())).collect()
        };
        let before = at(&before);
        let is_kept = name.starts_with(b"\x0f_acme-challenge");
        let records = if is_kept {
            before
        } else {
            let is_apex = name == octets(zone_name().apex());
            let is_protected = |rtype: u16, is_desired: bool| {
                case.desired.rejected.as_slice().iter().any(|rejected| {
                    let owner = rejected.owner.as_ref().map(octets);
                    owner.as_ref().is_none_or(|owner| *owner == name)
                        && rejected.rtype.is_none_or(|it| it.0 == rtype)
                        && (!is_desired || owner.is_none() || rejected.rtype.is_none())
                })
            };
            let (desired, managed) = (at(&desired), at(&managed));
            owner_after(
                case.foreign,
                is_apex,
                &before,
                &desired,
                &managed,
                is_protected,
            )
        };
        end.extend(
            records
                .into_iter()
                .map(|(rtype, set)| ((name.clone(), rtype), set)),
        );
    }
    end
}

type OwnerRecords = BTreeMap<u16, (u32, Contents)>;

fn owner_after(
    foreign: ForeignRecords,
    is_apex: bool,
    before: &OwnerRecords,
    desired: &OwnerRecords,
    managed: &OwnerRecords,
    is_protected: impl Fn(u16, bool) -> bool,
) -> OwnerRecords {
    let (ns, cname, dname, ds) = (2, 5, 39, 43);
    let none = (0, Contents::new());
    let mut target = desired.clone();
    target.retain(|rtype, _| !SIGNER.contains(rtype));
    let mut unremovable = before.clone();
    for (rtype, (_, values)) in &mut unremovable {
        if is_apex && *rtype == ns && !desired.contains_key(&ns)
            || SIGNER.contains(rtype)
            || is_protected(*rtype, desired.contains_key(rtype))
        {
            continue;
        }
        let managed = &managed.get(rtype).unwrap_or(&none).1;
        values.retain(|value| foreign == ForeignRecords::Keep && !managed.contains(value));
    }
    unremovable.retain(|_, (_, values)| !values.is_empty());

    if !target.contains_key(&ns) && !unremovable.contains_key(&ns) {
        target.remove(&ds);
    }
    for single in [cname, dname] {
        let Some((_, values)) = target.get_mut(&single) else {
            continue;
        };
        if let Some((_, in_zone)) = unremovable.get(&single) {
            values.retain(|value| in_zone.contains(value));
        } else {
            let in_zone = &before.get(&single).unwrap_or(&none).1;
            let chosen = values
                .iter()
                .find(|value| in_zone.contains(*value))
                .or(values.first());
            *values = chosen.cloned().into_iter().collect();
        }
    }
    target.retain(|_, (_, values)| !values.is_empty());
    let others =
        |records: &OwnerRecords| records.keys().any(|t| *t != cname && !SIGNER.contains(t));
    if unremovable.contains_key(&cname) && !target.contains_key(&cname) {
        if others(&target) {
            return before.clone();
        }
    } else if target.contains_key(&cname) {
        if !is_apex && before.contains_key(&cname) {
            target.retain(|rtype, _| *rtype == cname);
        } else if is_apex || others(&target) {
            target.remove(&cname);
        } else if others(&unremovable) {
            return before.clone();
        }
    }
    let mut end = unremovable;
    for (rtype, (_, values)) in &mut end {
        values.extend(target.get(rtype).unwrap_or(&none).1.clone());
    }
    for (rtype, (ttl, values)) in target {
        end.entry(rtype).or_insert((ttl, values)).0 = ttl;
    }
    end
}

/// Removes every DS without an NS, which some servers drop and others keep.
fn without_orphaned_ds(mut sets: BTreeMap<Key, (u32, Contents)>) -> BTreeMap<Key, (u32, Contents)> {
    let owners: BTreeSet<Key> = sets.keys().cloned().collect();
    sets.retain(|key, _| key.1 != 43 || owners.contains(&(key.0.clone(), 2)));
    sets
}

fn current_of(server: &Server, like: &CurrentZone) -> CurrentZone {
    use crate::model::{Name, Rdata, Soa};
    let records = server
        .sets
        .iter()
        .flat_map(|((name, rtype), (ttl, values))| {
            values.iter().map(|value| Record {
                owner: Name::from_wire(name).unwrap(),
                rtype: RecordType(*rtype),
                ttl: *ttl,
                rdata: Rdata::from_canonical(value.clone()),
            })
        });
    let (soa, rest): (Vec<Record>, Vec<Record>) =
        records.partition(|record| record.rtype == RecordType::SOA);
    CurrentZone {
        name: like.name.clone(),
        soa: Soa::from_rdata(&soa[0].rdata).unwrap(),
        soa_ttl: soa[0].ttl,
        records: RrSets::from_records(rest),
    }
}

/// Returns the owner names that a message changes, each with the types.
fn changed_by(batch: &Batch) -> BTreeMap<Vec<u8>, BTreeSet<u16>> {
    let mut changed: BTreeMap<Vec<u8>, BTreeSet<u16>> = BTreeMap::new();
    for update in &batch.updates {
        match update {
            Update::Add { rtype, .. } if *rtype == RecordType::SOA => {}
            Update::Add { owner, rtype, .. } | Update::Remove { owner, rtype, .. } => {
                changed.entry(octets(owner)).or_default().insert(rtype.0);
            }
            Update::RemoveSet { .. } | Update::RemoveName { .. } => {}
        }
    }
    changed
}

/// Returns the owner name of a change; `None` for the SOA.
fn owner_of(update: &Update) -> Option<&Name> {
    match update {
        Update::Add { rtype, .. } if *rtype == RecordType::SOA => None,
        Update::Add { owner, .. }
        | Update::Remove { owner, .. }
        | Update::RemoveSet { owner, .. }
        | Update::RemoveName { owner } => Some(owner),
    }
}

/// Returns the zone after each change by another client that a message must notice.
fn changed_by_another(server: &Server, batch: &Batch, prerequisites: Prerequisites) -> Vec<Server> {
    if prerequisites != Prerequisites::RrSets {
        let mut other = server.clone();
        other.bump();
        return vec![other];
    }
    let changed = batch.updates.iter().map(|update| match update {
        Update::Add { owner, rtype, .. } | Update::Remove { owner, rtype, .. } => {
            (octets(owner), rtype.0)
        }
        Update::RemoveSet { .. } | Update::RemoveName { .. } => panic!("{update:?}"),
    });
    // The values of an RRset that do not fit beside its changes are not required.
    let is_unseen = |key: &Key| {
        let exists = |it: &Prerequisite| matches!(it, Prerequisite::Exists { owner, rtype } if (octets(owner), rtype.0) == *key);
        batch.prerequisites.iter().any(exists)
    };
    let changed = changed.filter(|key| key.1 != 6 && !is_unseen(key));
    let changed: BTreeSet<Key> = changed.collect();
    let change = |key: Key| {
        let mut other = server.clone();
        let values = &mut other.sets.entry(key).or_default().1;
        values.insert(b"by another client".to_vec());
        other
    };
    changed.into_iter().map(change).collect()
}

/// Sends the messages of a plan in order, and checks the laws of each.
fn send(server: &mut Server, case: &Case, messages: &[Batch], plan: &Plan) {
    let mut seen: BTreeMap<Vec<u8>, BTreeSet<u16>> = BTreeMap::new();
    for batch in messages {
        assert_eq!(batch.octets(), encode(batch).len());
        assert!(batch.octets() <= case.octets_max);
        for (owner, types) in changed_by(batch) {
            let earlier = seen.entry(owner).or_default();
            assert!(earlier.is_disjoint(&types), "an RRset is in two messages");
            earlier.extend(types);
        }
        for mut other in changed_by_another(server, batch, case.prerequisites) {
            let before = other.sets.clone();
            assert_eq!(other.apply(batch), Err(PrerequisiteFailed));
            assert_eq!(other.sets, before);
        }
        let (soa, serial) = (
            server.sets[&(server.apex.clone(), 6)].clone(),
            server.serial(),
        );
        assert_eq!(server.apply(batch), Ok(()));
        if server.sets[&(server.apex.clone(), 6)] != soa {
            assert!(is_after(server.serial(), serial), "the serial moved back");
        }
    }
    let planned: BTreeSet<Vec<u8>> = plan.changes.iter().map(|c| octets(&c.owner)).collect();
    let seen: BTreeSet<Vec<u8>> = seen.into_keys().collect();
    assert_eq!(seen, planned, "all owners are sent");
}

fn scope<'a>(case: &Case, keep: &'a [NamePattern], managed: &'a RrSets) -> Scope<'a> {
    Scope {
        foreign: case.foreign,
        keep,
        managed,
    }
}

fn check_plan(case: &Case, on_bad_update: OnBadUpdate) {
    let keep = [KEEP.parse().unwrap()];
    let scope = scope(case, &keep, &case.managed);
    let plan = plan(&case.current, &case.desired, &scope);
    let messages = match batches(
        &plan,
        &case.current,
        case.prerequisites,
        &Abilities::default(),
        case.octets_max,
    ) {
        Ok(messages) => messages,
        Err(BatchError::OwnerTooLarge {
            owner,
            octets,
            limit,
        }) => {
            assert!(octets > limit && limit == case.octets_max);
            assert!(plan.changes.iter().any(|change| change.owner == owner));
            return;
        }
        Err(error @ BatchError::TooManyMessages { .. }) => panic!("{error}"),
    };
    let mut server = Server::new(&case.current, on_bad_update);
    send(&mut server, case, &messages, &plan);

    let end = server_contents(&server.sets);
    assert_eq!(without_orphaned_ds(end), without_orphaned_ds(model(case)));
    let after = current_of(&server, &case.current);
    check_soa(case, &plan, &after);
    check_nothing_is_lost(case, &plan, &after);

    let second = super::super::plan(&after, &case.desired, &scope);
    assert_eq!(
        (&second.changes, &second.soa),
        (&vec![], &None),
        "a second plan is empty"
    );
    assert_eq!(
        (&second.conflicts, &second.kept),
        (&plan.conflicts, &plan.kept)
    );
    if plan.conflicts.is_empty() {
        let managed = Scope {
            managed: &case.desired.records,
            ..scope
        };
        let again = super::super::plan(&after, &case.desired, &managed);
        assert_eq!((&again.changes, &again.soa), (&vec![], &None));
    }
}

fn check_soa(case: &Case, plan: &Plan, after: &CurrentZone) {
    let (desired, was) = (&case.desired.soa, &case.current.soa);
    assert_eq!(
        after.soa.mname,
        *desired.mname.as_ref().unwrap_or(&was.mname)
    );
    assert_eq!(after.soa.refresh, desired.refresh.unwrap_or(was.refresh));
    assert_eq!(after.soa_ttl, desired.ttl.unwrap_or(case.current.soa_ttl));
    assert_eq!(
        (&after.soa.rname, after.soa.expire),
        (&was.rname, was.expire)
    );
    if let Some((soa, ttl)) = &plan.soa {
        let with_its_serial = Soa {
            serial: was.serial,
            ..soa.clone()
        };
        assert!(
            with_its_serial != *was || *ttl != case.current.soa_ttl,
            "a serial that is new alone is no change"
        );
        let ahead = desired.serial.filter(|it| is_after(it.0, was.serial.0));
        let greatest = ahead.unwrap_or(Serial(was.serial.0.wrapping_add(1)));
        assert_eq!(soa.serial, greatest, "the greatest by RFC 1982");
    }
    let is_unchanged = after.soa == *was && after.soa_ttl == case.current.soa_ttl;
    assert_eq!(is_unchanged, plan.is_empty());
}

/// Checks that every desired record is in the zone, or is reported as left out, or is outside of
/// the plan.
fn check_nothing_is_lost(case: &Case, plan: &Plan, after: &CurrentZone) {
    for set in &case.desired.records {
        let is_signers = SIGNER.contains(&set.rtype.0);
        if is_signers || plan.kept.contains(&set.owner) {
            continue;
        }
        for value in &set.rdatas {
            let in_zone = after.records.get(&set.owner, set.rtype);
            let is_in_zone = in_zone.is_some_and(|set| set.contains(value));
            let is_reported = plan.conflicts.iter().any(|conflict| {
                let out = &conflict.left_out;
                out.owner == set.owner && out.rtype == set.rtype && out.contains(value)
            });
            assert!(is_in_zone || is_reported, "{set:?}");
        }
    }
}

fn check_removal(case: &Case) {
    let keep = [KEEP.parse().unwrap()];
    let plan = plan_removal(&case.current, &scope(case, &keep, &case.managed));
    let Ok(messages) = batches(
        &plan,
        &case.current,
        case.prerequisites,
        &Abilities::default(),
        case.octets_max,
    ) else {
        return;
    };
    let mut server = Server::new(&case.current, OnBadUpdate::Panic);
    send(&mut server, case, &messages, &plan);
    let mut nothing = case.clone();
    // Of the name servers those that others put there stay, or all if there are no others.
    let ns = RrSets::from_sets(case.current.apex_ns().cloned());
    nothing.desired.records = ns.minus(&case.managed);
    nothing.desired.rejected = RejectedRecords::default();
    nothing.foreign = ForeignRecords::Keep;
    assert_eq!(server_contents(&server.sets), model(&nothing));
}

/// Checks that a primary with few abilities ends with what any other one ends with.
fn check_abilities(case: &Case, abilities: &Abilities, prerequisites: Prerequisites) {
    let keep = [KEEP.parse().unwrap()];
    let scope = scope(case, &keep, &case.managed);
    let plan = plan(&case.current, &case.desired, &scope);
    let messages = batches(&plan, &case.current, prerequisites, abilities, 65_000).unwrap();
    let mut server = Server::new(&case.current, OnBadUpdate::Ignore);
    server.replaces = abilities.rrsets == RrSetUpdates::Whole;
    for batch in &messages {
        let owners: Vec<&Name> = batch.updates.iter().filter_map(owner_of).collect();
        let changes = owners.len();
        let is_whole = |rtype: &RecordType| matches!(*rtype, RecordType::DNAME | RecordType::DS);
        let types = changed_by(batch).into_values().flatten().map(RecordType);
        let is_divisible = if server.replaces {
            owners.iter().any(|owner| *owner != owners[0])
        } else {
            !types.collect::<Vec<_>>().iter().any(is_whole)
        };
        let most = abilities.changes_max.unwrap_or(usize::MAX);
        assert!(
            changes <= most || !is_divisible,
            "{changes} changes in a message"
        );
        assert_eq!(server.apply(batch), Ok(()));
    }
    let end = server_contents(&server.sets);
    assert_eq!(without_orphaned_ds(end), without_orphaned_ds(model(case)));
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1_500,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_plan_makes_the_desired_changes_and_no_others(case in cases()) {
        check_plan(&case, OnBadUpdate::Ignore);
    }

    #[test]
    fn a_plan_never_sends_an_update_that_a_server_ignores_or_refuses(case in cases()) {
        check_plan(&case, OnBadUpdate::Panic);
    }

    #[test]
    fn a_primary_with_few_abilities_gets_the_same_zone(
        case in cases(),
        rrsets in prop_oneof![Just(RrSetUpdates::ByValue), Just(RrSetUpdates::Whole)],
        changes_max in proptest::option::of(1..6_usize),
        prerequisites in prop_oneof![
            Just(Prerequisites::Soa), Just(Prerequisites::RrSets), Just(Prerequisites::Presence), Just(Prerequisites::None),
        ],
    ) {
        let abilities = Abilities { rrsets, changes_max, ..Abilities::default() };
        check_abilities(&case, &abilities, prerequisites);
    }

    #[test]
    fn a_removal_leaves_all_foreign_records(case in cases()) {
        check_removal(&case);
    }
}
