//! Records that a primary refuses, and the whole message with them, or passes over in silence.

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::daemon::Release;
use crate::support::dig;
use crate::support::jobs::assert_empty;
use crate::support::knot::Knot;
use crate::support::named::{Named, Zone};
use crate::support::pdns::Pdns;
use crate::support::server::{Kind, Server, Started, scenario};
use crate::support::wanted::{by_hand, zone};

scenario!(a_zone_made_here_takes_an_exchanger_without_an_address);
fn a_zone_made_here_takes_an_exchanger_without_an_address(kind: Kind) {
    let (server, bridge) = kind.fresh();
    let first = zone("example.com", "@ NS ns1.example.net.");
    bridge.plesk(first.call()).assert_status(0);
    let lines = "@ NS ns1.example.net. | @ MX 10 nowhere.example.com. | a MX 10 alias.example.com. \
                 | alias CNAME web.example.org. | under_score A 192.0.2.7";
    let wanted = zone("example.com", lines).sent(1);
    bridge
        .plesk(wanted.call())
        .assert_status(0)
        .assert_stderr("");
    wanted.assert_on(&server);
}

/// A server with `example.com`, records of it that others wrote, and one that it refuses, with its owner.
fn refusing(kind: Kind) -> (Started, [&'static str; 3]) {
    match kind {
        // It takes no address at a name that is no host's.
        Kind::Bind(release) => {
            let zone = Zone::dynamic("example.com", "old A 192.0.2.100");
            let refused = ["", "under_score", "under_score A 192.0.2.9"];
            (Box::new(Named::of(release).zone(zone).start()), refused)
        }
        // It takes nothing below a DNAME.
        Kind::Knot(_) => {
            let records = "old A 192.0.2.100\nsub DNAME elsewhere.test.";
            let others = "sub 3600 DNAME elsewhere.test.";
            let refused = [others, "below.sub", "below.sub A 192.0.2.9"];
            (kind.start(&[("example.com", records)]), refused)
        }
        // It takes every record of a type that it knows.
        Kind::PowerDns(_) => unreachable!("no scenario asks for it"),
    }
}

scenario!(a_record_that_the_primary_refuses_is_left_out_alone: bind, knot);
fn a_record_that_the_primary_refuses_is_left_out_alone(kind: Kind) {
    let (server, [others, owner, line]) = refusing(kind);
    let bridge = Bridge::of(&server).without_dry_run("only the primary knows what it refuses");
    let good = "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1 | a A 192.0.2.7 | b A 192.0.2.8 \
                | c MX 10 z.example.com. | z A 192.0.2.26";
    let wanted = zone("example.com", &format!("{good} | {line}"));
    let run = bridge.plesk(wanted.call());
    if kind == Kind::Knot(Release::Debian13) {
        // From 3.4 on it takes that, too, and serves none of it.
        run.assert_status(69)
            .assert_codes(&["NB-ADDITION-IGNORED"])
            .assert_says(": below.sub.example.com. A 192.0.2.9 is not there");
        return;
    }
    run.assert_status(69).assert_stdout(
        "example.com.: updated, 4 records added, 0 records removed, SOA changed on main (127.0.0.1:PORT)\n",
    );
    run.assert_codes(&["NB-NAME-REFUSED"])
        .assert_says(&format!(": {owner}.example.com. A 192.0.2.9 left out: "));
    // Of the server at hand alone.
    assert_eq!(
        run.stderr.contains("check-names"),
        matches!(kind, Kind::Bind(_))
    );
    assert_eq!(run.jobs, ["held 1"]);
    let rest = zone(
        "example.com",
        &format!("{good} | old 3600 A 192.0.2.100 | {others}"),
    );
    rest.assert_on(&server);
    // Nothing changes as long as the record stays, and without it nothing is held any more.
    let again = bridge.plesk(wanted.call());
    again.assert_status(69);
    assert_eq!(
        again.stderr.contains("check-names"),
        matches!(kind, Kind::Bind(_)),
        "what is remembered has the hint of the server: {}",
        again.stderr
    );
    rest.assert_on(&server);
    let wanted = zone("example.com", good).sent(1);
    let run = bridge.plesk(wanted.call());
    run.assert_status(0)
        .assert_stdout("example.com.: unchanged on main (127.0.0.1:PORT)\n");
    assert_empty(&bridge);
}

#[test]
fn an_exchanger_without_an_address_is_left_out_alone() {
    let (named, bridge) = by_hand("");
    let good = "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1 | a A 192.0.2.7";
    let wanted = zone(
        "example.com",
        &format!("{good} | m MX 10 nowhere.example.com."),
    );
    bridge
        .plesk(wanted.call())
        .assert_status(69)
        .assert_code_with("NB-NAME-REFUSED", ": m.example.com.");
    zone("example.com", good).assert_on(&named);
}

/// Each record that is refused is named by each call, also where the zone lacks nothing else.
#[test]
fn a_refused_record_costs_no_other_one_of_its_name_or_type() {
    let (named, bridge) = by_hand("");
    let bridge = bridge.without_dry_run("only the primary knows what it refuses");
    let good = "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1 | @ A 192.0.2.7 | @ TXT text | \
                @ MX 10 ns1.example.com. | www CNAME example.com. | ftp A 192.0.2.8";
    let refused = [
        "@ MX 20 mail.example.com.",
        "a_0 A 192.0.2.1",
        "a_1 A 192.0.2.1",
        "a_2 A 192.0.2.1",
    ];
    let all = format!("{good} | {}", refused.join(" | "));
    for second in 0..3 {
        let run = bridge.plesk(zone("example.com", &all).sent(second).call());
        run.assert_status(69)
            .assert_codes(&["NB-NAME-REFUSED"; 4])
            .assert_code_with(
                "NB-NAME-REFUSED",
                ": example.com. MX 20 mail.example.com. left out: ",
            );
        for host in ["a_0", "a_1", "a_2"] {
            let record = format!(": {host}.example.com. A 192.0.2.1 left out: ");
            run.assert_code_with("NB-NAME-REFUSED", &record);
        }
        zone("example.com", good).assert_on(&named);
    }
    // What is in place of a refused value stays.
    let changed = all
        .replace("@ A 192.0.2.7", "@ A 192.0.2.9")
        .replace("ftp A 192.0.2.8", "ftp A 192.0.2.9");
    let changed = changed.replace("MX 10 ns1.example.com.", "MX 30 nowhere.example.com.");
    let run = bridge.plesk(zone("example.com", &changed).sent(4).call());
    run.assert_status(69);
    let good = good
        .replace("@ A 192.0.2.7", "@ A 192.0.2.9")
        .replace("ftp A 192.0.2.8", "ftp A 192.0.2.9");
    zone("example.com", &good).assert_on(&named);
}

/// BIND keeps the address that an NS record of the zone needs.
#[test]
fn the_removal_of_an_address_that_is_needed_is_named_as_such() {
    let (named, bridge) = by_hand("");
    let bridge = bridge.without_dry_run("only the primary knows what it refuses");
    let ours = "@ 3600 NS ns2.example.com. | @ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1 | \
                ns2 A 192.0.2.2";
    bridge
        .plesk(zone("example.com", ours).call())
        .assert_status(0);
    let without = ours.replace(" | ns2 A 192.0.2.2", "");
    let run = bridge.plesk(
        zone("example.com", &without)
            .with("www A 192.0.2.7")
            .sent(1)
            .call(),
    );
    run.assert_status(69)
        .assert_codes(&["NB-REMOVAL-REFUSED"])
        .assert_code_with(
            "NB-REMOVAL-REFUSED",
            ": ns2.example.com. removal of A 192.0.2.2 left out: ",
        );
    zone("example.com", ours)
        .with("www A 192.0.2.7")
        .assert_on(&named);
    // As the message says: with the NS record that needs it.
    let without = without.replace("@ 3600 NS ns2.example.com. | ", "");
    let last = zone("example.com", &without).sent(2);
    bridge.plesk(last.call()).assert_status(0).assert_stderr("");
    last.assert_on(&named);
}

const TYPES: &str =
    "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1 | a A 192.0.2.7 | t TXT text";

#[test]
fn types_that_the_key_may_not_change_are_left_out() {
    let policy = "grant {key} zonesub A NS SOA;";
    let named = Named::builder()
        .zone(Zone::with_policy(
            "example.com",
            "gone 3600 TXT old",
            policy,
        ))
        .start();
    let bridge = Bridge::of(&named);
    let run = bridge.plesk(zone("example.com", TYPES).call());
    run.assert_status(69)
        .assert_code_with("NB-NAME-REFUSED", ": t.example.com.");
    assert_eq!(dig::short(&named, "a.example.com", "A"), ["192.0.2.7"]);
    assert_eq!(dig::status(&named, "t.example.com", "TXT"), "NXDOMAIN");
}

#[test]
fn types_that_powerdns_passes_over_are_named() {
    let pdns = Pdns::builder()
        .zone("example.com", "")
        .policy("function updatepolicy(input)\n  return input:getQType() ~= pdns.TXT\nend\n")
        .start();
    let bridge = Bridge::of(&pdns);
    let run = bridge.plesk(zone("example.com", &format!("{TYPES} | u TXT more")).call());
    run.assert_status(69).assert_stdout(
        "example.com.: updated, 1 record added, 0 records removed, SOA changed on main (127.0.0.1:PORT)\n",
    );
    for (owner, text) in [("t", "text"), ("u", "more")] {
        run.assert_code_with(
            "NB-ADDITION-IGNORED",
            &format!("{owner}.example.com. TXT \"{text}\""),
        );
    }
    assert_eq!(dig::short(&pdns, "a.example.com", "A"), ["192.0.2.7"]);
    assert_eq!(run.jobs, ["held 1", "held 1"]);
}

#[test]
fn an_soa_that_powerdns_passes_over_is_named() {
    let pdns = Pdns::builder()
        .zone("example.com", "")
        .policy("function updatepolicy(input)\n  return input:getQType() ~= pdns.SOA\nend\n")
        .start();
    let before = dig::soa(&pdns, "example.com");
    let bridge = Bridge::of(&pdns);
    let wanted = zone("example.com", TYPES).soa("refresh", 12_345);
    let run = bridge.plesk(wanted.call());
    run.assert_status(69).assert_stdout(
        "example.com.: updated, 2 records added, 0 records removed on main (127.0.0.1:PORT)\n",
    );
    run.assert_code_with("NB-ADDITION-IGNORED", "example.com. SOA ")
        .assert_code_with("NB-ADDITION-IGNORED", " 12345 ");
    assert_eq!(dig::soa(&pdns, "example.com").refresh, before.refresh);
}

#[test]
fn what_powerdns_passes_over_is_named_where_zones_are_not_read() {
    let pdns = Pdns::builder()
        .zone("example.com", "")
        .policy("function updatepolicy(input)\n  return input:getQType() ~= pdns.TXT\nend\n")
        .start();
    let bridge = Bridge::of(&pdns).set_text("primaries.main", "read", "memory");
    for second in 0..2 {
        // It is tried again with the next call, and not taken for delivered.
        let run = bridge.plesk(zone("example.com", TYPES).sent(second).call());
        run.assert_status(69)
            .assert_code_with("NB-ADDITION-IGNORED", "t.example.com. TXT \"text\"");
    }
    assert_eq!(dig::short(&pdns, "a.example.com", "A"), ["192.0.2.7"]);
}

#[test]
fn what_powerdns_does_not_remove_is_named_where_zones_are_not_read() {
    let pdns = Pdns::builder()
        .zone("example.com", "a 3600 A 192.0.2.7\nt 3600 TXT text")
        .policy("function updatepolicy(input)\n  return input:getQType() ~= pdns.TXT\nend\n")
        .start();
    let bridge = Bridge::of(&pdns).set_text("primaries.main", "read", "memory");
    // As the zone is: a change of the SOA would have later updates guarded by what they remove.
    let wanted = |lines: &str| {
        zone("example.com", lines)
            .soa("email", "hostmaster@example.com")
            .soa("refresh", 3_600)
            .soa("retry", 600)
            .soa("expire", 86_400)
            .soa("minimum", 300)
            .soa("ttl", 3_600)
    };
    bridge
        .plesk(wanted(TYPES).call())
        .assert_status(0)
        .assert_stderr("");
    let without = TYPES.replace(" | t TXT text", "");
    for second in 1..=2 {
        let run = bridge.plesk(wanted(&without).sent(second).call());
        run.assert_status(69)
            .assert_code_with("NB-REMOVAL-IGNORED", "t.example.com. TXT \"text\"");
    }
}

/// A server with `example.com` that may be transferred with the key, and not updated.
fn closed(kind: Kind) -> Started {
    match kind {
        Kind::Bind(release) => {
            let zone = Zone::with_policy("example.com", "", "grant nobody zonesub ANY;");
            Box::new(Named::of(release).zone(zone).start())
        }
        Kind::PowerDns(release) => {
            Box::new(Pdns::of(release).closed_zone("example.com", "").start())
        }
        Kind::Knot(release) => Box::new(Knot::of(release).closed_zone("example.com", "").start()),
    }
}

scenario!(a_zone_that_refuses_everything_is_said_to_do_so_once);
fn a_zone_that_refuses_everything_is_said_to_do_so_once(kind: Kind) {
    let server = closed(kind);
    let bridge = Bridge::of(&server).without_dry_run("only the primary knows what it refuses");
    let many: Vec<String> = (1..=200).map(|n| format!("h{n} A 192.0.2.{n}")).collect();
    let before = server.updates_received();
    let run = bridge.plesk(zone("example.com", &many.join(" | ")).call());
    // Knot does not sign that it refuses.
    let (status, job) = match kind {
        Kind::Bind(_) | Kind::PowerDns(_) => (69, "held 1"),
        Kind::Knot(_) => (75, "kept 1"),
    };
    run.assert_status(status).assert_stdout("");
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    // A key may have rights to a few names alone, so it is asked for many.
    assert!(server.updates_received() - before < 160);
    assert_eq!(run.jobs, [job]);
    // What was not taken is not ours: somebody else may put it there.
    let remembered = match kind {
        Kind::Bind(_) | Kind::PowerDns(_) => "",
        Kind::Knot(_) => {
            "example.com.: not created by nsbridge, 200 records delivered, on main (127.0.0.1:PORT)\n"
        }
    };
    bridge
        .run(&["zone", "list"], "")
        .assert_status(0)
        .assert_stdout(remembered);
}
