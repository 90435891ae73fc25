//! Tests of what a refused plan becomes: the order of its parts, what is frozen, and what a refusal depends on.

use std::collections::HashSet;

use super::*;

/// Shows parts as lines of owner name, type and value, as far as they have them.
fn show_parts(parts: &[Part]) -> Vec<String> {
    let line = |part: &Part| {
        let rtype = part.rtype.map(mnemonic);
        let data = part.rtype.zip(part.rdata.as_ref());
        let data = data.map(|(rtype, rdata)| value(rtype, rdata));
        let words = [Some(short(&part.owner)), rtype.map(str::to_owned), data];
        words.into_iter().flatten().collect::<Vec<_>>().join(" ")
    };
    parts.iter().map(line).collect()
}

fn groups(managed: &str, before: &str, after: &str) -> Vec<Vec<String>> {
    let plan = plan_of(Keep, managed, before, after);
    let groups = plan.parts_by_risk(&current(before));
    groups.iter().map(|group| show_parts(group)).collect()
}

#[test]
fn what_servers_are_known_to_refuse_goes_after_the_rest() {
    let before = "@ NS 300 ns1\nns1 A 300 1";
    let after = "@ NS 300 ns1\nns1 A 300 1\na A 300 1\n_b TXT 300 x\n_c A 300 1\n_c TXT 300 x\n*.d A 300 1\n\
                 e NS 300 gone\nf NS 300 a\ng CNAME 300 _h";
    assert_eq!(
        groups("", before, after),
        [
            vec!["_b", "_c TXT", "a", "*.d", "f", "g"],
            vec!["_c A", "e"]
        ]
    );
}

#[test]
fn what_exceeds_the_size_of_a_set_goes_after_the_rest() {
    let before = "@ NS 300 ns1";
    let set: Vec<String> = (0..102).map(|n| format!("a A 300 {n:03}")).collect();
    let after = format!("{before}\n{}", set.join("\n"));
    let found = groups("", before, &after);
    assert_eq!(found[0].len(), 100);
    assert_eq!(found[1], ["a A 100", "a A 101"]);
}

#[test]
fn an_address_goes_after_the_records_that_name_its_host() {
    let before = "@ NS 300 ns1\nsub NS 300 b\na A 300 1\nb A 300 1\nc A 300 1";
    let managed = before;
    let after = "@ NS 300 ns1\nsub NS 300 c\nc A 300 1";
    assert_eq!(
        groups(managed, before, after),
        [vec!["a", "sub"], vec!["b"]]
    );
}

#[test]
fn a_host_keeps_its_last_address_while_a_frozen_record_names_it() {
    let before = "@ NS 300 ns1\nsub NS 300 b\na A 300 1\nb A 300 1\nd CNAME 300 e\ne A 300 1";
    let after = "@ NS 300 ns1\nsub NS 300 c\nc A 300 1\nd CNAME 300 c";
    let frozen = |name: &str, after: &str| {
        let mut plan = plan_of(Keep, before, before, after);
        let part = Part {
            owner: owner(name),
            rtype: None,
            rdata: None,
        };
        plan.freeze([part].iter(), &current(before));
        (show(&plan), show_parts(&plan.frozen[1..]))
    };
    let (changes, kept) = frozen("sub", after);
    assert_eq!(
        changes,
        [
            "- a A 1",
            "+ c A 300 1",
            "- d CNAME e",
            "+ d CNAME 300 c",
            "- e A 1"
        ]
    );
    assert_eq!(kept, ["b A 1"]);
    let (_, kept) = frozen("d", after);
    assert_eq!(kept, ["e A 1"]);
    let (_, kept) = frozen("a", after);
    assert!(kept.is_empty());
    // With another address the host goes on working.
    let (changes, kept) = frozen("sub", &format!("{after}\nb A 300 2"));
    assert!(kept.is_empty());
    assert!(changes.contains(&"- b A 1".to_owned()));
}

/// A change is refused; what is in place of it is of another type.
#[test]
fn an_address_goes_after_that_of_the_other_family_and_stays_if_it_is_refused() {
    let before = "@ NS 300 ns1\na A 300 1\nb AAAA 300 1\nc A 300 1\nc AAAA 300 1";
    let after = "@ NS 300 ns1\na AAAA 300 1\nb A 300 1\nc AAAA 300 1";
    assert_eq!(
        groups(before, before, after),
        [vec!["a AAAA", "b A", "c"], vec!["a A", "b AAAA"]]
    );
    let mut plan = plan_of(Keep, before, before, after);
    let added = |name, rtype| Part {
        owner: owner(name),
        rtype: Some(rtype),
        rdata: None,
    };
    let refused = [added("a", RecordType::AAAA), added("b", RecordType::A)];
    plan.freeze(refused.iter(), &current(before));
    assert_eq!(show(&plan), ["- c A 1"]);
}

#[test]
fn a_value_stays_only_if_no_other_one_takes_its_place() {
    let before = "@ NS 300 ns1\na A 300 1";
    let after = "@ NS 300 ns1\na A 300 2\na A 300 3";
    let frozen = |values: &[&str]| {
        let mut plan = plan_of(Keep, before, before, after);
        let part = |value: &&str| Part {
            owner: owner("a"),
            rtype: Some(RecordType::A),
            rdata: Some(rdata(RecordType::A, value)),
        };
        let parts: Vec<Part> = values.iter().map(part).collect();
        plan.freeze(parts.iter(), &current(before));
        show(&plan)
    };
    assert_eq!(frozen(&["2"]), ["- a A 1", "+ a A 300 3"]);
    assert!(frozen(&["2", "3"]).is_empty());
}

#[test]
fn a_host_keeps_its_last_address_whatever_type_names_it() {
    let before = "@ NS 300 ns1\nd DNAME 300 e\ne A 300 1";
    let after = "@ NS 300 ns1\nd DNAME 300 c\nc A 300 1";
    let mut plan = plan_of(Keep, before, before, after);
    let part = Part {
        owner: owner("d"),
        rtype: None,
        rdata: None,
    };
    plan.freeze([part].iter(), &current(before));
    assert_eq!(show(&plan), ["+ c A 300 1"]);
}

/// Returns the digest for a change of `www`.
fn digest(desired: &DesiredZone, others: &str, change: (&str, RecordType, &str, Action)) -> i64 {
    let (name, rtype, data, action) = change;
    let change = Change {
        owner: owner(name),
        rtype,
        rdata: rdata(rtype, data),
        action,
    };
    let part = Part {
        owner: owner(name),
        rtype: Some(rtype),
        rdata: Some(change.rdata.clone()),
    };
    let scope = Scope {
        foreign: Keep,
        keep: &[],
        managed: &records("old A 300 1"),
    };
    let current = current(&format!("old A 300 1\n{others}"));
    Surroundings::new(desired, &current, &scope).digest(&part, &[change])
}

#[test]
fn a_refusal_depends_on_its_name_and_on_the_hosts_that_it_names() {
    let add = ("www", RecordType::NS, "host", Action::Add { ttl: 300 });
    let base = "www NS 300 host\nx A 300 1";
    let of = |text: &str, others: &str| digest(&desired(text), others, add);
    let before = of(base, "y A 300 1");
    for (text, others) in [
        ("www NS 300 host\nx A 300 2", "y A 300 1"),
        ("www NS 300 host", "y A 300 2\nz A 300 1"),
        (
            base,
            "y A 300 1\nx A 300 1\nwww NS 300 host\nwww RRSIG 300 1",
        ),
    ] {
        assert_eq!(of(text, others), before, "{text}; {others}");
    }
    for (text, others) in [
        ("www NS 300 host\nwww TXT 300 x", ""),
        ("www NS 60 host", ""),
        ("www NS 300 host\nhost A 300 1", ""),
        (base, "host A 300 1"),
        (base, "www TXT 300 1"),
    ] {
        assert_ne!(of(text, others), before, "{text}; {others}");
    }
}

/// What was refused is a change, not a record: one that another program removed is added again though its TTL was
/// altered.
#[test]
fn a_refusal_counts_for_the_change_that_was_refused() {
    let desired = desired("www NS 300 host");
    let of = |value, action| digest(&desired, "", ("www", RecordType::NS, value, action));
    let ttl = Action::SetTtl { ttl: 300 };
    let changes = [ttl, Action::Remove, Action::Add { ttl: 300 }];
    let digests: HashSet<i64> = changes.map(|action| of("host", action)).into();
    assert_eq!(digests.len(), 3);
    assert_ne!(of("HOST2", ttl), of("host", ttl));
    assert_eq!(of("host", Action::SetTtl { ttl: 60 }), of("host", ttl));
}

#[test]
fn the_refusal_to_remove_an_address_depends_on_the_records_that_name_its_host() {
    let remove = ("host", RecordType::A, "1", Action::Remove);
    let of = |text: &str, others: &str| digest(&desired(text), others, remove);
    let before = of("sub NS 300 host", "");
    assert_eq!(of("sub NS 300 host\nother NS 300 x", ""), before);
    assert_ne!(of("other NS 300 x", ""), before);
    assert_ne!(of("sub NS 300 host", "other NS 300 host"), before);
}

#[test]
fn the_refusal_of_an_soa_depends_on_all_its_fields_but_the_serial() {
    let set = ("@", RecordType::SOA, "", Action::SetTtl { ttl: 300 });
    let with = |serial, refresh| DesiredZone {
        soa: DesiredSoa {
            serial: Some(Serial(serial)),
            refresh,
            ..DesiredSoa::default()
        },
        ..desired("")
    };
    let before = digest(&with(1, Some(1)), "", set);
    assert_eq!(digest(&with(2, Some(1)), "", set), before);
    assert_ne!(digest(&with(1, Some(2)), "", set), before);
    assert_ne!(digest(&with(1, None), "", set), before);
}
