//! Tests of messages: how plans are packed, and their prerequisites.

use super::*;

fn batches_of(
    prerequisites: Prerequisites,
    octets_max: usize,
    plan: &Plan,
) -> Result<Vec<Batch>, BatchError> {
    batches(
        plan,
        &current("@ NS 300 ns1\na TLSA 300 1\na TLSA 300 2"),
        prerequisites,
        &Abilities::default(),
        octets_max,
    )
}

fn three_owners() -> Plan {
    let before = "@ NS 300 ns1\na TLSA 300 1\na TLSA 300 2";
    plan_of(
        Remove,
        "",
        before,
        "@ NS 300 ns1\nb TLSA 300 1\nb TLSA 300 2\nb TLSA 300 3\nb TLSA 300 4\n\
                    c TLSA 300 1\nc TLSA 300 2\nc TLSA 300 3\nc TLSA 300 4",
    )
}

fn soa_prerequisite(serial: u32) -> Prerequisite {
    Prerequisite::Equals {
        owner: owner("@"),
        rtype: RecordType::SOA,
        rdata: soa(serial).to_rdata(),
    }
}

fn set_soa(soa: &Soa, ttl: u32) -> Update {
    Update::Add {
        owner: owner("@"),
        rtype: RecordType::SOA,
        ttl,
        rdata: soa.to_rdata(),
    }
}

#[test]
fn one_message_requires_the_soa_and_sets_it_only_if_it_changes() {
    let mut plan = three_owners();
    let one = batches_of(Prerequisites::Soa, 65_535, &plan).unwrap();
    assert_eq!(one.len(), 1);
    assert_eq!(
        (&*one[0].prerequisites, one[0].updates.len()),
        (&[soa_prerequisite(7)][..], 10)
    );
    plan.soa = Some((soa(9), 60));
    let one = batches_of(Prerequisites::Soa, 65_535, &plan).unwrap();
    assert_eq!((one.len(), &one[0].updates[0]), (1, &set_soa(&soa(9), 60)));
    plan.changes.clear();
    let soa_alone = batches_of(Prerequisites::Soa, 65_535, &plan).unwrap();
    assert_eq!(soa_alone[0].updates, [set_soa(&soa(9), 60)]);
    plan.soa = None;
    assert_eq!(batches_of(Prerequisites::Soa, 65_535, &plan), Ok(vec![]));
}

#[test]
fn each_of_several_messages_sets_the_soa_that_the_next_requires() {
    // Header and zone 25, prerequisite and SOA 19 + 57 each; one record 11 + 10 + 1.
    let (frame, soa_octets) = (25, 9 + 10 + 13 + 20 + 20);
    let octets_max = frame + 2 * soa_octets + 6 * 22;
    let mut plan = three_owners();
    let serials = |batches: &[Batch]| -> Vec<(Prerequisite, Update)> {
        let both = |batch: &Batch| (batch.prerequisites[0].clone(), batch.updates[0].clone());
        batches.iter().map(both).collect()
    };
    let two = batches_of(Prerequisites::Soa, octets_max, &plan).unwrap();
    let chain = [
        (soa_prerequisite(7), set_soa(&soa(8), 900)),
        (soa_prerequisite(8), set_soa(&soa(9), 900)),
    ];
    assert_eq!(serials(&two), chain);
    assert_eq!(
        two[0].octets(),
        octets_max,
        "a message is filled to the last octet"
    );
    // The last message sets the new fields, with the plan's serial only if that is still ahead.
    for (planned, sent) in [(8, 9), (50, 50)] {
        let fields = |serial| Soa {
            refresh: 99,
            ..soa(serial)
        };
        plan.soa = Some((fields(planned), 60));
        let two = batches_of(Prerequisites::Soa, octets_max, &plan).unwrap();
        let chain = [
            (soa_prerequisite(7), set_soa(&soa(8), 900)),
            (soa_prerequisite(8), set_soa(&fields(sent), 60)),
        ];
        assert_eq!(serials(&two), chain);
    }
}

#[test]
fn addresses_are_added_before_the_records_that_name_their_hosts_and_removed_after() {
    let before = "@ NS 60 ns1\n@ MX 60 old\nold A 60 1\nns1 A 60 1";
    let after = "@ NS 60 ns1\n@ MX 60 mail\nmail A 60 1\nns1 A 60 1\nz A 60 1\nz2 A 60 1";
    let plan = plan_of(Remove, "", before, after);
    // Room for one or two owner names in a message.
    let batches = batches(
        &plan,
        &current(before),
        Prerequisites::Soa,
        &Abilities::default(),
        25 + 144 + 45,
    )
    .unwrap();
    let owners: Vec<String> = batches
        .iter()
        .map(|batch| match batch.updates.last().unwrap() {
            Update::Add { owner, .. }
            | Update::Remove { owner, .. }
            | Update::RemoveSet { owner, .. }
            | Update::RemoveName { owner } => short(owner),
        })
        .collect();
    assert_eq!(owners, ["mail", "z2", "@", "old"]);
}

#[test]
fn a_message_may_require_the_rrsets_that_it_changes() {
    let mut plan = three_owners();
    plan.soa = Some((soa(8), 60));
    let messages = batches_of(Prerequisites::RrSets, 65_535, &plan).unwrap();
    let equals = |value| Prerequisite::Equals {
        owner: owner("a"),
        rtype: RecordType::TLSA,
        rdata: rdata(RecordType::TLSA, value),
    };
    let absent = |name| Prerequisite::Absent {
        owner: owner(name),
        rtype: RecordType::TLSA,
    };
    let prerequisites = [equals("1"), equals("2"), absent("b"), absent("c")];
    assert_eq!(messages[0].prerequisites, prerequisites);
    assert_eq!(messages[0].updates[0], set_soa(&soa(8), 60));
    // Small messages: only the first sets the SOA; in later ones it would be behind the server's.
    let messages = batches_of(Prerequisites::RrSets, 25 + 72 + 88 + 109, &plan).unwrap();
    let firsts = messages.iter().map(
        |batch| matches!(&batch.updates[0], Update::Add { rtype, .. } if *rtype == RecordType::SOA),
    );
    assert_eq!(firsts.collect::<Vec<_>>(), [true, false]);
}

#[test]
fn changes_of_an_owner_name_that_do_not_fit_and_too_many_messages_are_errors() {
    let plan = three_owners();
    let too_large = BatchError::OwnerTooLarge {
        owner: owner("a"),
        octets: 25 + 72 + 72 + 44,
        limit: 212,
    };
    assert_eq!(batches_of(Prerequisites::Soa, 212, &plan), Err(too_large));
    let mut flood = Plan::empty(zone_name());
    flood.changes = (0..=PLAN_MESSAGES_MAX)
        .map(|count| Change {
            owner: owner(&format!("h{count:05}")),
            rtype: RecordType::A,
            rdata: rdata(RecordType::A, "1"),
            action: Action::Remove,
        })
        .collect();
    let error = BatchError::TooManyMessages {
        zone: zone_name(),
        limit: PLAN_MESSAGES_MAX,
    };
    assert_eq!(batches_of(Prerequisites::RrSets, 78, &flood), Err(error));
    flood.changes.pop();
    assert_eq!(
        batches_of(Prerequisites::RrSets, 78, &flood).map(|all| all.len()),
        Ok(PLAN_MESSAGES_MAX)
    );
}
