//! A primary that was restored from an older copy: the zone gets what is missing, and a serial that secondaries take.

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::dig;
use crate::support::named::{Named, Zone};
use crate::support::nsupdate::nsupdate;
use crate::support::older_copy::OlderCopy;
use crate::support::server::{Kind, Server, Started, scenario};
use crate::support::wait;
use crate::support::wanted::{Wanted, zone};

const ZONE: &str = "example.com";
const APEX: &str = "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1";
const UNCHANGED: &str = "example.com.: unchanged on main (127.0.0.1:PORT)\n";

fn serial(server: &dyn Server) -> u32 {
    dig::soa(server, ZONE).serial
}

/// Returns whether a serial is after another one (RFC 1982 section 3.2).
fn is_after(serial: u32, other: u32) -> bool {
    (1..1 << 31).contains(&serial.wrapping_sub(other))
}

/// Returns the zone with so many hosts.
fn with_hosts(count: u32, second: u32) -> Wanted {
    let hosts: Vec<String> = (0..count).map(|n| format!("h{n} A 192.0.2.{n}")).collect();
    zone(ZONE, APEX).with(&hosts.join(" | ")).sent(second)
}

#[track_caller]
fn deliver(bridge: &Bridge, wanted: &Wanted) {
    let run = bridge.plesk(wanted.call());
    run.assert_status(0).assert_stderr("");
}

/// Asserts that a call makes an older zone what it was, with the serial that the dry run shows.
#[track_caller]
fn assert_passes(server: &dyn Server, bridge: &Bridge, wanted: &Wanted, last: u32) {
    assert!(is_after(last, serial(server)), "this is no older copy");
    let dry = bridge.run(&["plesk", "--dry-run"], wanted.call());
    let next = format!(" {} ", last.wrapping_add(1));
    let is_new = |line: &str| line.starts_with("+ ") && line.contains(" SOA ");
    let soa = dry.stdout.lines().find(|line| is_new(line));
    assert!(
        soa.is_some_and(|it| it.contains(&next)),
        "{next} in {}",
        dry.stdout
    );
    dry.assert_status(1);
    deliver(bridge, wanted);
    wanted.assert_on(server);
    let now = serial(server);
    assert!(is_after(now, last), "{last} to {now}");
    // It is passed once.
    let run = bridge.plesk(wanted.call());
    run.assert_status(0)
        .assert_stderr("")
        .assert_stdout(UNCHANGED);
    assert_eq!(serial(server), now);
}

/// Delivers the zone with these numbers of hosts, puts back the copy from after the first delivery, and asserts that a call
/// with the last one passes the serial.
#[track_caller]
fn assert_passes_after(hosts: &[u32], (mut server, bridge): (Started, Bridge)) {
    let zones = (0..).zip(hosts);
    let mut zones = zones.map(|(second, &count)| with_hosts(count, second));
    let mut wanted = zones.next().expect("a zone");
    deliver(&bridge, &wanted);
    let copy = OlderCopy::of(&mut server);
    for next in zones {
        deliver(&bridge, &next);
        wanted = next;
    }
    let last = serial(&server);
    copy.put_back(&mut server);
    assert_passes(&server, &bridge, &wanted, last);
}

scenario!(a_restored_zone_gets_what_is_missing_and_a_later_serial);
fn a_restored_zone_gets_what_is_missing_and_a_later_serial(kind: Kind) {
    assert_passes_after(&[1, 2, 3, 40], kind.by_hand(""));
    assert_passes_after(&[1, 2], kind.by_hand(""));
}

// Secondaries hold the zone with the later serial, and would take no change for a while.
scenario!(a_restored_zone_with_the_same_records_gets_a_later_serial);
fn a_restored_zone_with_the_same_records_gets_a_later_serial(kind: Kind) {
    assert_passes_after(&[1, 2, 1], kind.by_hand(""));
}

scenario!(a_restored_zone_that_was_created_here_gets_a_later_serial);
fn a_restored_zone_that_was_created_here_gets_a_later_serial(kind: Kind) {
    assert_passes_after(&[1, 2, 3], kind.fresh());
}

// What an older copy has beside is of others, unless none of theirs is kept.
scenario!(what_an_older_copy_brings_back_goes_where_nothing_foreign_is_kept);
fn what_an_older_copy_brings_back_goes_where_nothing_foreign_is_kept(kind: Kind) {
    let (server, bridge) = kind.by_hand("");
    assert_passes_after(&[3, 2, 1], (server, bridge.foreign_records("remove")));
}

// A call has seen it.
scenario!(a_serial_that_another_program_set_is_passed);
fn a_serial_that_another_program_set_is_passed(kind: Kind) {
    let (mut server, bridge) = kind.by_hand("");
    deliver(&bridge, &with_hosts(1, 0));
    let copy = OlderCopy::of(&mut server);
    for number in 1..=3 {
        nsupdate(
            &server,
            &format!("update add foreign.{ZONE} 300 TXT {number}"),
        );
    }
    let wanted = with_hosts(1, 1);
    bridge.plesk(wanted.call()).assert_stdout(UNCHANGED);
    let last = serial(&server);
    copy.put_back(&mut server);
    assert_passes(&server, &bridge, &wanted, last);
}

// The signed copy has serials of its own, and follows a little later.
scenario!(a_restored_signed_zone_gets_a_later_serial: bind);
fn a_restored_signed_zone_gets_a_later_serial(kind: Kind) {
    let Kind::Bind(release) = kind else {
        panic!("no BIND");
    };
    for is_inline in [false, true] {
        let zone = Zone::signed(ZONE, "", is_inline);
        let mut server: Started = Box::new(Named::of(release).zone(zone).start());
        let bridge = Bridge::of(&server);
        let settled = |server: &Started, wanted: &Wanted| {
            wait::until("the serial stays", || {
                let before = serial(server);
                let run = bridge.plesk(wanted.call());
                run.assert_status(0).assert_stderr("");
                run.stdout == UNCHANGED && serial(server) == before
            });
            serial(server)
        };
        settled(&server, &with_hosts(1, 0));
        let copy = OlderCopy::of(&mut server);
        let wanted = with_hosts(3, 1);
        let last = settled(&server, &wanted);
        copy.put_back(&mut server);
        assert!(is_after(last, serial(&server)), "this is no older copy");
        let now = settled(&server, &wanted);
        assert!(is_after(now, last), "{last} to {now}");
        wanted.assert_on(&server);
    }
}
