//! Zones that are created without the records that the primary refuses, by each way.

use std::collections::BTreeSet;

use crate::support::bridge::Bridge;
use crate::support::dig;
use crate::support::program::Made;
use crate::support::refused_zone::{assert_left_out, left_out};
use crate::support::server::{Kind, Server, Started, scenario};
use crate::support::sync;
use crate::support::wanted::{fresh, zone};

const WHY: &str = "only the primary knows what it refuses";
/// BIND: a key of algorithm 253 must begin with a name (RFC 4034 appendix A.1.1).
pub(super) const UNREADABLE: &str = "www A 192.0.2.7\nodd KEY 256 3 253 AQPS\n";
const GOOD: &str = "@ NS ns1.example.com. | ns1 A 192.0.2.1 | www A 192.0.2.7 | @ TXT text";

/// Whether the server looks at the contents of a zone. PowerDNS and Knot take what they can read.
fn looks_at_contents(kind: Kind) -> bool {
    matches!(kind, Kind::Bind(_))
}

fn server(kind: Kind) -> (Started, Bridge) {
    let (server, bridge) = kind.fresh();
    (server, bridge.without_dry_run(WHY))
}

scenario!(a_zone_is_created_without_a_name_server_that_has_no_address: bind, powerdns, knot, templates);
fn a_zone_is_created_without_a_name_server_that_has_no_address(kind: Kind) {
    let (server, bridge) = server(kind);
    let good = zone("example.com", GOOD);
    let all = good.clone().with("@ NS ns2.example.com.");
    if !looks_at_contents(kind) {
        bridge.plesk(all.call()).assert_status(0).assert_stderr("");
        all.assert_on(&server);
        return;
    }
    for second in 0..2 {
        let before = server.updates_received();
        let run = bridge.plesk(all.clone().sent(second).call());
        assert_left_out(&run, &["example.com. NS ns2.example.com."]);
        good.assert_on(&server);
        let updates = server.updates_received() - before;
        assert!(
            second == 0 || updates == 0,
            "{updates} UPDATEs of the second call"
        );
    }
    // With its address it comes.
    let all = all.with("ns2 A 192.0.2.2").sent(2);
    bridge.plesk(all.call()).assert_status(0).assert_stderr("");
    all.assert_on(&server);
}

scenario!(a_zone_is_created_with_the_exchangers_that_fit: bind, templates);
fn a_zone_is_created_with_the_exchangers_that_fit(kind: Kind) {
    let (server, bridge) = server(kind);
    assert_created_with_what_fits(&server, &bridge);
}

#[test]
fn a_zone_of_a_program_has_the_exchangers_that_fit() {
    let made = refusing_program();
    assert_created_with_what_fits(&made.named, &made.bridge);
}

/// A program that says so where BIND does not load a zone, and leaves nothing of it behind.
fn refusing_program() -> Made {
    let mut made = Made::new();
    made.bridge = made.bridge.without_dry_run(WHY);
    let undo = "set -E; trap 'exit 69' ERR";
    made.hook("before-create", undo);
    made
}

/// BIND takes at most 100 records of a type at a name.
#[track_caller]
fn assert_created_with_what_fits(server: &dyn Server, bridge: &Bridge) {
    let good = zone("example.com", GOOD);
    let many: Vec<String> = (1..=101)
        .map(|n| format!("many MX {n} mail.example.net."))
        .collect();
    let run = bridge.plesk(good.clone().with(&many.join(" | ")).call());
    run.assert_status(69);
    let (names, others) = left_out(&run);
    assert!(others.is_empty(), "standard error:\n{}", run.stderr);
    let there = BTreeSet::from_iter(dig::content(server, "example.com"));
    for line in good.content() {
        assert!(
            there.contains(&line),
            "{line} is missing; standard error:\n{}",
            run.stderr
        );
    }
    let all = (1..=101).map(|n| format!("many.example.com. MX {n} mail.example.net."));
    let missing = all.filter(|line| !there.contains(&line.replace(" MX ", " 86400 IN MX ")));
    assert_eq!(names, missing.collect::<Vec<_>>());
    assert_eq!(names.len(), 1);
}

scenario!(a_zone_is_created_without_a_record_that_the_server_cannot_read: bind, powerdns, knot, templates);
fn a_zone_is_created_without_a_record_that_the_server_cannot_read(kind: Kind) {
    let (server, bridge) = server(kind);
    if looks_at_contents(kind) {
        assert_created_without_the_unreadable(&server, &bridge);
    } else {
        assert_created_with_the_unreadable(&bridge);
    }
}

/// BIND: a file may hold what no message may.
#[test]
fn a_zone_of_a_program_has_a_record_that_no_update_can_add() {
    let made = refusing_program();
    assert_created_with_the_unreadable(&made.bridge);
}

/// `dig` does not read the record, either; nsbridge does.
#[track_caller]
fn assert_created_with_the_unreadable(bridge: &Bridge) {
    sync::write(bridge, UNREADABLE);
    sync::sync(bridge, &[])
        .assert_status(0)
        .assert_stdout("example.com.: created with 5 records on main (127.0.0.1:PORT)\n")
        .assert_stderr("");
    sync::sync(bridge, &[])
        .assert_status(0)
        .assert_stdout(sync::UNCHANGED)
        .assert_stderr("");
}

#[track_caller]
fn assert_created_without_the_unreadable(server: &dyn Server, bridge: &Bridge) {
    sync::write(bridge, UNREADABLE);
    for _ in 0..2 {
        sync::sync(bridge, &[])
            .assert_status(69)
            .assert_code_with("NB-NAME-REFUSED", ": odd.example.com. KEY ");
        assert_eq!(dig::short(server, "www.example.com", "A"), ["192.0.2.7"]);
        assert_eq!(
            dig::short(server, "example.com", "NS"),
            ["ns1.example.com."]
        );
    }
}

#[test]
fn a_zone_is_created_without_several_refused_records() {
    let (named, bridge) = fresh();
    let bridge = bridge.without_dry_run(WHY);
    let good = zone("example.com", GOOD);
    let all = good
        .clone()
        .with("@ NS ns2.example.com. | @ NS ns3.example.com. | svc HTTPS 1 . key3=443");
    let run = bridge.plesk(all.call());
    run.assert_status(69);
    let (names, _) = left_out(&run);
    assert_eq!(names.len(), 3, "standard error:\n{}", run.stderr);
    good.assert_on(&named);
}

/// A zone that no name server of the payload can serve is not created at all.
#[test]
fn a_zone_without_any_name_server_that_works_is_not_created() {
    let (named, bridge) = fresh();
    let bridge = bridge.without_dry_run(WHY);
    let wanted = zone("example.com", "@ NS ns1.example.com. | www A 192.0.2.7");
    let run = bridge.plesk(wanted.call());
    run.assert_status(69);
    assert!(!dig::has_zone(&named, "example.com"));
    assert_eq!(run.jobs, ["held 1"]);
}
