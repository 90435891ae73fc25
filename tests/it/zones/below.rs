//! Whose a name is: a panel, whose customers choose the names of zones, has nothing below a zone of another instance or
//! of nobody, and nothing in the trees of addresses but what the operator gives it.

use std::sync::atomic::{AtomicBool, Ordering};

use pretty_assertions::assert_eq;
use serde_json::Value;

use crate::support::bridge::{Bridge, Run};
use crate::support::dig;
use crate::support::jobs::edit;
use crate::support::knot::{CATALOG, EMPTY_CATALOG};
use crate::support::payload;
use crate::support::scripted::Scripted;
use crate::support::server::{Kind, Server as _, Started, scenario};
use crate::support::wait;
use crate::support::wanted::{Wanted, zone};

/// Names below a zone that speak for its owner.
const LABELS: [&str; 4] = ["www", "_dmarc", "_acme-challenge", "a.b"];

/// A server, and two instances that make zones on it, with a catalog of their own or without one.
pub(super) fn two_instances(
    kind: Kind,
    has_catalog: bool,
    zones: &[(&str, &str)],
) -> (Started, [Bridge; 2]) {
    let mut all = zones.to_vec();
    if has_catalog && !matches!(kind, Kind::Knot(_)) {
        all.push((CATALOG, EMPTY_CATALOG));
    }
    let server = kind.start(&all);
    let bridges = ["lab", "shop"].map(|name| {
        let bridge = server.provisioning(Bridge::of(&server)).instance(name);
        with_catalog(kind, has_catalog, bridge)
    });
    (server, bridges)
}

/// Lets a bridge keep the catalog. Knot makes zones by one alone, which it has always.
fn with_catalog(kind: Kind, has_catalog: bool, bridge: Bridge) -> Bridge {
    if has_catalog && !matches!(kind, Kind::Knot(_)) {
        bridge.catalog(CATALOG)
    } else {
        bridge
    }
}

pub(super) fn wanted(name: &str, address: &str) -> Wanted {
    zone(
        name,
        &format!("@ 3600 NS ns1.example.net. | @ 3600 A {address} | www 3600 A {address}"),
    )
}

fn delete(name: &str) -> String {
    payload::call(&[payload::delete(name)])
}

/// Asserts that a panel is refused a zone, by a dry run and by a run, and that nothing is made.
#[track_caller]
fn assert_refused(server: &Started, bridge: &Bridge, zone: &Wanted, name: &str, code: &str) -> Run {
    bridge
        .run(&["plesk", "--dry-run"], zone.call())
        .assert_status(69)
        .assert_code(code);
    let run = bridge.plesk(zone.call());
    run.assert_status(69)
        .assert_error(&format!("{name}."), code);
    assert!(!dig::has_zone(server, name), "{name} is there");
    run
}

fn nothing_is_created_below_a_zone_of_another_instance(kind: Kind, has_catalog: bool) {
    let (server, [lab, shop]) = two_instances(kind, has_catalog, &[]);
    let victim = wanted("victim.example", "192.0.2.1");
    lab.plesk(victim.call()).assert_status(0).assert_stderr("");
    for label in LABELS {
        let name = format!("{label}.victim.example");
        let below = wanted(&name, "192.0.2.2");
        assert_refused(&server, &shop, &below, &name, "NB-BELOW-ZONE-OF-OTHER")
            .assert_code_with("NB-BELOW-ZONE-OF-OTHER", "`lab`");
        shop.run(&["zone", "create", "--trust", "panel", &name], "")
            .assert_status(69)
            .assert_code("NB-BELOW-ZONE-OF-OTHER");
    }
    victim.assert_on(&server);
    // Its own instance divides it as it likes, and what is divided stays its own.
    let own = wanted("own.victim.example", "192.0.2.3");
    lab.plesk(own.call()).assert_status(0).assert_stderr("");
    let deeper = wanted("www.own.victim.example", "192.0.2.4");
    assert_refused(
        &server,
        &shop,
        &deeper,
        "www.own.victim.example",
        "NB-BELOW-ZONE-OF-OTHER",
    );
    // The operator may say so, by suffix or by typing the name.
    let allowing = server.provisioning(Bridge::of(&server)).instance("shop");
    let allowing = with_catalog(kind, has_catalog, allowing);
    let allowing = allowing.set("policy", "allow-zones", r#"["www.victim.example"]"#);
    let www = wanted("www.victim.example", "192.0.2.2");
    allowing
        .plesk(www.call())
        .assert_status(0)
        .assert_stderr("");
    www.assert_on(&server);
    // A zone that is ours already stays ours.
    let changed = www.clone().with("more 3600 A 192.0.2.9").sent(1);
    allowing
        .set("policy", "allow-zones", "[]")
        .plesk(changed.call())
        .assert_status(0)
        .assert_stderr("");
    changed.assert_on(&server);
    shop.run(
        &[
            "zone",
            "create",
            "typed.victim.example",
            "--nameserver",
            "ns1.example.net",
        ],
        "",
    )
    .assert_status(0);
    assert!(dig::has_zone(&server, "typed.victim.example"));
}

scenario!(below_another_instance_nothing_is_created: bind, powerdns);
fn below_another_instance_nothing_is_created(kind: Kind) {
    nothing_is_created_below_a_zone_of_another_instance(kind, false);
}

scenario!(below_another_instance_nothing_is_created_with_a_catalog: bind, powerdns, knot);
fn below_another_instance_nothing_is_created_with_a_catalog(kind: Kind) {
    nothing_is_created_below_a_zone_of_another_instance(kind, true);
}

scenario!(below_a_zone_of_nobody_nothing_is_created_until_it_is_adopted: bind, powerdns, knot);
fn below_a_zone_of_nobody_nothing_is_created_until_it_is_adopted(kind: Kind) {
    let by_hand = [("example.com", "hand A 192.0.2.100")];
    let has_catalog = matches!(kind, Kind::Knot(_));
    let (server, [lab, _]) = two_instances(kind, has_catalog, &by_hand);
    let before = dig::axfr(&server, "example.com");
    let name = "www.example.com";
    let below = wanted(name, "192.0.2.2");
    assert_refused(&server, &lab, &below, name, "NB-BELOW-ZONE-UNOWNED").assert_says("`nsbridge");
    assert_eq!(dig::axfr(&server, "example.com"), before);
    lab.run(&["zone", "adopt", "example.com"], "")
        .assert_status(0);
    lab.plesk(below.call()).assert_status(0).assert_stderr("");
    below.assert_on(&server);
}

scenario!(a_zone_by_hand_below_another_is_not_adopted: bind, powerdns, knot);
fn a_zone_by_hand_below_another_is_not_adopted(kind: Kind) {
    // No zone can be made there: so all are adopted that are the customers' by their names.
    let server = kind.start(&[("example.com", ""), ("www.example.com", "")]);
    let bridge = Bridge::of(&server);
    let below = wanted("www.example.com", "192.0.2.2");
    bridge
        .plesk(below.call())
        .assert_status(69)
        .assert_code("NB-BELOW-ZONE-UNOWNED");
    let above = wanted("example.com", "192.0.2.1");
    bridge.plesk(above.call()).assert_status(0);
    bridge.plesk(below.call()).assert_status(0);
    assert_eq!(
        dig::short(&server, "www.www.example.com", "A"),
        ["192.0.2.2"]
    );
}

scenario!(no_panel_has_a_zone_of_one_label_or_a_name_of_arpa: law);
fn no_panel_has_a_zone_of_one_label_or_a_name_of_arpa(kind: Kind) {
    let (server, [lab, _]) = two_instances(kind, false, &[]);
    let lab = lab.ptr_networks(&["192.0.2.0/24", "2001:db8::/32"]);
    for (name, code) in [
        ("customer", "NB-ZONE-OF-ONE-LABEL"),
        ("arpa", "NB-REVERSE-ZONE-OUTSIDE"),
        ("home.arpa", "NB-REVERSE-ZONE-OUTSIDE"),
        ("in-addr.arpa", "NB-REVERSE-ZONE-OUTSIDE"),
        ("192.in-addr.arpa", "NB-REVERSE-ZONE-OUTSIDE"),
        ("0.192.IN-ADDR.arpa", "NB-REVERSE-ZONE-OUTSIDE"),
        ("3.0.192.in-addr.arpa", "NB-REVERSE-ZONE-OUTSIDE"),
        ("0/25.3.0.192.in-addr.arpa", "NB-REVERSE-ZONE-OUTSIDE"),
        ("02.0.192.in-addr.arpa", "NB-REVERSE-ZONE-OUTSIDE"),
        ("d.0.1.0.0.2.ip6.arpa", "NB-REVERSE-ZONE-OUTSIDE"),
        ("9.b.d.0.1.0.0.2.ip6.arpa", "NB-REVERSE-ZONE-OUTSIDE"),
    ] {
        let lower = name.to_lowercase();
        assert_refused(&server, &lab, &wanted(name, "192.0.2.2"), &lower, code);
        // Nothing of it was ever there.
        lab.plesk(delete(name)).assert_status(0).assert_stderr("");
    }
    for name in ["2.0.192.in-addr.arpa", "8.b.d.0.1.0.0.2.ip6.arpa"] {
        let allowed = zone(name, "@ NS ns1.example.net.");
        lab.plesk(allowed.call()).assert_status(0).assert_stderr("");
        lab.plesk(delete(name)).assert_status(0).assert_stderr("");
        assert!(!dig::has_zone(&server, name));
    }
}

scenario!(zones_that_hide_names_of_a_new_one_are_reported: bind, powerdns, knot);
fn zones_that_hide_names_of_a_new_one_are_reported(kind: Kind) {
    let has_catalog = matches!(kind, Kind::Knot(_));
    let by_hand = [("_dmarc.victim.example", "hand A 192.0.2.100")];
    let (server, [lab, shop]) = two_instances(kind, has_catalog, &by_hand);
    for name in ["shop.victim.example", "_acme-challenge.victim.example"] {
        shop.plesk(wanted(name, "192.0.2.2").call())
            .assert_status(0);
    }
    lab.plesk(wanted("own.victim.example", "192.0.2.3").call())
        .assert_status(0);
    let victim = wanted("victim.example", "192.0.2.1")
        .with("x.shop 3600 A 192.0.2.1 | a.own 3600 A 192.0.2.1");
    let run = lab.plesk(victim.call());
    run.assert_status(0).assert_codes(&[
        "NB-NAMES-HIDDEN-BY-OTHER",
        "NB-NAMES-HIDDEN",
        "NB-NAMES-HIDDEN-BY-OTHER",
    ]);
    for part in [
        "`_acme-challenge.victim.example.`",
        "`shop.victim.example.`",
    ] {
        run.assert_code_with("NB-NAMES-HIDDEN-BY-OTHER", part);
    }
    run.assert_code_with("NB-NAMES-HIDDEN", "`_dmarc.victim.example.`");
    victim.assert_on(&server);
    // Once.
    lab.plesk(victim.clone().sent(1).call())
        .assert_status(0)
        .assert_stderr("");
}

/// Another instance creates the zone above between the look at it and the creation.
fn a_zone_above_that_appears_meanwhile_is_seen(kind: Kind, has_catalog: bool) {
    let (server, [lab, _]) = two_instances(kind, has_catalog, &[]);
    let reason = "another process creates a zone meanwhile";
    let lab = lab.without_dry_run(reason);
    let victim = wanted("victim.example", "192.0.2.1");
    let (call, is_asked) = (victim.call(), AtomicBool::new(false));
    let proxy = Scripted::proxy(server.port(), move |question, answer| {
        let soa_of_victim = b"\x06victim\x07example\x00\x00\x06";
        if question[12..].starts_with(soa_of_victim) && !is_asked.swap(true, Ordering::SeqCst) {
            lab.plesk(&call).assert_status(0);
        }
        Some(answer)
    });
    let shop = Bridge::at(proxy.port(), server.key_file()).instance("shop");
    let shop = with_catalog(kind, has_catalog, server.provisioning(shop));
    let name = "www.victim.example";
    let run = shop.plesk(wanted(name, "192.0.2.2").call());
    run.assert_status(69);
    let [code] = run.codes()[..] else {
        panic!("{run:?}");
    };
    assert!(code.starts_with("NB-BELOW-ZONE-"), "{code}");
    // Knot drops a member zone some milliseconds after its entry.
    wait::until("it is gone", || !dig::has_zone(&server, name));
    victim.assert_on(&server);
    // Nothing of it is left: its name is free for its owner.
    let lab = server.provisioning(Bridge::of(&server)).instance("lab");
    let lab = with_catalog(kind, has_catalog, lab);
    let own = wanted(name, "192.0.2.3");
    // With a memory of nothing the zone above is known by the catalog or its mark.
    lab.plesk(own.call()).assert_status(0).assert_stderr("");
    own.assert_on(&server);
}

scenario!(a_zone_above_that_appears_before_a_creation_is_seen_after_it: bind, powerdns);
fn a_zone_above_that_appears_before_a_creation_is_seen_after_it(kind: Kind) {
    a_zone_above_that_appears_meanwhile_is_seen(kind, false);
}

scenario!(a_zone_above_that_appears_before_a_creation_is_seen_after_the_claim: bind, powerdns, knot);
fn a_zone_above_that_appears_before_a_creation_is_seen_after_the_claim(kind: Kind) {
    a_zone_above_that_appears_meanwhile_is_seen(kind, true);
}

scenario!(a_deletion_by_a_panel_spares_the_zones_of_ptr_records: bind, powerdns, knot);
fn a_deletion_by_a_panel_spares_the_zones_of_ptr_records(kind: Kind) {
    let has_catalog = matches!(kind, Kind::Knot(_));
    let (server, [lab, _]) = two_instances(kind, has_catalog, &[]);
    let lab = lab
        .ptr_networks(&["192.0.2.0/24"])
        .foreign_records("remove")
        .set("primaries.main", "nameservers", r#"["ns1.example.net"]"#);
    let reverse = "2.0.192.in-addr.arpa";
    let ptr = |last: u8, host: &str| {
        let call = payload::call(&[payload::create_ptr(&format!("192.0.2.{last}"), host)]);
        lab.plesk(call).assert_status(0);
    };
    ptr(1, "one.example");
    ptr(2, "two.example");
    let made = dig::content(&server, reverse);
    // A customer's domain of that name neither empties nor deletes it.
    lab.plesk(delete(reverse)).assert_status(0);
    assert_eq!(dig::content(&server, reverse), made);
    let evil = zone(reverse, "@ NS ns1.example.net. | 7 PTR evil.example.");
    lab.plesk(evil.call()).assert_status(0);
    for (owner, host) in [("1", "one.example."), ("2", "two.example.")] {
        let owner = format!("{owner}.{reverse}");
        assert_eq!(dig::short(&server, &owner, "PTR"), [host]);
    }
    lab.plesk(delete(reverse)).assert_status(0);
    assert_eq!(dig::content(&server, reverse), made);
    // Nor does one for a single address, or by a delegation without classes, answer in its place.
    for name in [
        format!("1.{reverse}"),
        format!("0/25.{reverse}"),
        format!("x.1.{reverse}"),
    ] {
        let below = zone(&name, "@ NS ns1.example.net. | @ PTR evil.example.");
        assert_refused(&server, &lab, &below, &name, "NB-BELOW-REVERSE-ZONE");
    }
    // It is still known as ours: its records go, and so does the zone if the operator says so.
    let call = payload::call(&[payload::delete_ptr("192.0.2.1", "one.example")]);
    lab.plesk(call).assert_status(0);
    assert!(dig::short(&server, &format!("1.{reverse}"), "PTR").is_empty());
    lab.run(&["zone", "delete", reverse], "").assert_status(0);
    assert!(!dig::has_zone(&server, reverse));
}

scenario!(a_deletion_by_a_panel_spares_ptr_records_in_its_own_zone: bind, powerdns, knot);
fn a_deletion_by_a_panel_spares_ptr_records_in_its_own_zone(kind: Kind) {
    let has_catalog = matches!(kind, Kind::Knot(_));
    let (server, [lab, _]) = two_instances(kind, has_catalog, &[]);
    let lab = lab.ptr_networks(&["192.0.2.0/24"]);
    let reverse = "2.0.192.in-addr.arpa";
    // A customer was there first.
    let first = zone(
        reverse,
        "@ 3600 NS ns1.example.net. | 7 3600 PTR evil.example.",
    );
    lab.plesk(first.call()).assert_status(0);
    let call = payload::call(&[payload::create_ptr("192.0.2.1", "one.example")]);
    lab.plesk(call).assert_status(0);
    let owner = format!("1.{reverse}");
    for _ in 0..2 {
        lab.plesk(delete(reverse)).assert_status(0);
        assert_eq!(dig::short(&server, &owner, "PTR"), ["one.example."]);
        assert!(dig::short(&server, &format!("7.{reverse}"), "PTR").is_empty());
    }
    let other = wanted(&owner, "192.0.2.2");
    assert_refused(&server, &lab, &other, &owner, "NB-BELOW-REVERSE-ZONE");
}

scenario!(a_panel_adopts_no_zone_where_zones_can_be_made: bind, powerdns, knot);
fn a_panel_adopts_no_zone_where_zones_can_be_made(kind: Kind) {
    let by_hand = [("example.com", "hand A 192.0.2.100")];
    let has_catalog = matches!(kind, Kind::Knot(_));
    let (server, [lab, shop]) = two_instances(kind, has_catalog, &by_hand);
    let before = dig::axfr(&server, "example.com");
    // The name server of the provider, and one of the customer.
    let lines = "@ 3600 NS ns1.example.com. | @ 3600 NS ns9.example.net. | www 3600 A 192.0.2.7";
    let payload = zone("example.com", lines);
    for arguments in [&["plesk", "--dry-run"][..], &["plesk"]] {
        lab.run(arguments, payload.call())
            .assert_status(69)
            .assert_code("NB-ZONE-UNOWNED")
            .assert_says("zone adopt example.com");
    }
    lab.plesk(delete("example.com")).assert_status(0);
    assert_eq!(dig::axfr(&server, "example.com"), before);
    lab.run(&["zone", "adopt", "example.com"], "")
        .assert_status(0);
    lab.plesk(payload.sent(1).call())
        .assert_status(0)
        .assert_stderr("");
    let ns = |expected: &[&str]| {
        let mut ns = dig::short(&server, "example.com", "NS");
        ns.sort();
        assert_eq!(ns, expected);
    };
    ns(&["ns1.example.com.", "ns9.example.net."]);
    lab.plesk(delete("example.com")).assert_status(0);
    // The customer's name server goes with the customer, and the provider's stays.
    ns(&["ns1.example.com."]);
    assert!(dig::short(&server, "www.example.com", "A").is_empty());
    assert_eq!(
        dig::short(&server, "hand.example.com", "A"),
        ["192.0.2.100"]
    );
    // What an operator types adopts.
    let file = shop.file("zone");
    std::fs::write(
        &file,
        "$TTL 3600\n@ NS ns1.example.com.\ntyped A 192.0.2.8\n",
    )
    .unwrap();
    shop.run(
        &[
            "sync",
            "--trust",
            "panel",
            "example.com",
            &file.to_string_lossy(),
        ],
        "",
    )
    .assert_status(69)
    .assert_code("NB-ZONE-UNOWNED");
    shop.run(&["sync", "example.com", &file.to_string_lossy()], "")
        .assert_status(0);
    assert_eq!(dig::short(&server, "typed.example.com", "A"), ["192.0.2.8"]);
}

/// The jobs of an instance: key, state and code.
fn jobs(bridge: &Bridge) -> Vec<(String, String, String)> {
    let jobs = crate::support::jobs::jobs(bridge);
    let text = |job: &Value, key: &str| job[key].as_str().unwrap_or_default().to_owned();
    jobs.iter()
        .map(|job| (text(job, "subject"), text(job, "state"), text(job, "code")))
        .collect()
}

scenario!(a_zone_of_another_instance_is_waited_for_two_days: bind, powerdns, knot);
fn a_zone_of_another_instance_is_waited_for_two_days(kind: Kind) {
    let has_catalog = matches!(kind, Kind::Knot(_));
    let (server, [lab, shop]) = two_instances(kind, has_catalog, &[]);
    let names = ["moved.example", "kept.example"];
    let there = names.map(|name| wanted(name, "192.0.2.1"));
    lab.plesk(payload::call(&there.each_ref().map(Wanted::create)))
        .assert_status(0);
    let new = names.map(|name| wanted(name, "192.0.2.2"));
    shop.plesk(payload::call(&new.each_ref().map(Wanted::create)))
        .assert_status(75)
        .assert_codes(&["NB-ZONE-AWAITED"; 2]);
    let waits =
        |name: &str, code: &str| (format!("{name}."), "waiting".to_owned(), code.to_owned());
    let expected = names.map(|name| waits(name, "NB-ZONE-AWAITED"));
    assert_eq!(jobs(&shop), expected);
    lab.plesk(delete(names[0])).assert_status(0);
    // It is free: not yet for a minute.
    shop.run(&["queue", "retry", "--all"], "").assert_status(75);
    assert!(!dig::has_zone(&server, names[0]));
    let codes: Vec<String> = jobs(&shop).into_iter().map(|job| job.2).collect();
    assert_eq!(codes, ["NB-ZONE-JUST-FREED", "NB-ZONE-AWAITED"]);
    shop.run(&["queue", "retry", "--all"], "").assert_status(75);
    new[0].assert_on(&server);
    assert_eq!(jobs(&shop), [waits(names[1], "NB-ZONE-AWAITED")]);
    there[1].assert_on(&server);
    // Two days later.
    let aged = "UPDATE job SET enqueued_at = enqueued_at - 172800";
    assert_eq!(edit(&shop, aged, []), 1);
    shop.run(&["queue", "retry", "--all"], "")
        .assert_status(69)
        .assert_code_with("NB-ZONE-OF-OTHER", "`lab`");
    there[1].assert_on(&server);
}
