//! A primary that was restored from an older copy: its catalog gets a serial that secondaries follow.

use super::secondaries::bind_behind;
use crate::support::bridge::Bridge;
use crate::support::control::clock;
use crate::support::daemon::Release;
use crate::support::dig;
use crate::support::jobs::wanted_at;
use crate::support::knot::{CATALOG, EMPTY_CATALOG, Knot};
use crate::support::members::{FORMAT, rights};
use crate::support::named::{Named, Zone};
use crate::support::nsupdate::nsupdate;
use crate::support::older_copy::OlderCopy;
use crate::support::pdns::Pdns;
use crate::support::ports::Port;
use crate::support::server::Server;
use crate::support::wanted::zone;
use crate::support::{payload, wait, worker};

/// A serial that is ahead of the time, as PowerDNS makes them of the date.
const AHEAD: u32 = 3_000_000_000;
/// A serial that is ahead of the time, and before each of the date.
const YESTERDAY: u32 = 2_000_000_000;

fn serial(server: &dyn Server) -> u32 {
    dig::soa(server, CATALOG).serial
}

/// Whether a serial is after another one (RFC 1982 section 3.2).
fn is_after(serial: u32, other: u32) -> bool {
    (1..1 << 31).contains(&serial.wrapping_sub(other))
}

/// Creates a zone, which changes the catalog.
#[track_caller]
fn create(bridge: &Bridge, name: &str) {
    let run = bridge.plesk(zone(name, "@ NS ns1.example.net. | www A 192.0.2.7").call());
    run.assert_status(0).assert_stderr("");
}

/// A BIND with a catalog that secondaries without a key may transfer.
fn bind(serial: u32) -> (Named, Bridge) {
    let contents = EMPTY_CATALOG.replace("invalid. 1 3600", &format!("invalid. {serial} 3600"));
    let named = Named::builder()
        .zone(Zone::with_policy(CATALOG, &contents, &rights()))
        .options("allow-transfer { 127.0.0.1; key plesk; };")
        .start();
    let bridge = Bridge::of(&named).catalog(CATALOG).seed(&named);
    (named, bridge)
}

#[track_caller]
fn set_serial(server: &dyn Server, serial: u32) {
    let soa = format!("{CATALOG}. 0 SOA invalid. invalid. {serial} 3600 600 2147483646 0");
    nsupdate(server, &format!("zone {CATALOG}\nupdate add {soa}"));
}

/// Changes the catalog, restores the server, and asserts that the next change passes the serial. A secondary has every
/// one of these serials.
#[track_caller]
fn assert_passes(server: &mut dyn Server, bridge: &Bridge) {
    create(bridge, "a.test");
    let copy = OlderCopy::of(server);
    for name in ["b.test", "c.test"] {
        create(bridge, name);
    }
    let last = serial(server);
    copy.put_back(server);
    assert!(is_after(last, serial(server)), "this is no older copy");
    create(bridge, "d.test");
    let now = serial(server);
    assert!(is_after(now, last), "{last} to {now}");
    // Once.
    create(bridge, "e.test");
    let next = serial(server);
    assert!(is_after(next, now) && next - now < 4, "{now} to {next}");
}

#[test]
fn a_restored_catalog_gets_a_serial_after_the_last_one_of_it() {
    let (mut named, bridge) = bind(AHEAD);
    assert_passes(&mut named, &bridge);
    let mut knot = Knot::builder().start();
    set_serial(&knot, AHEAD);
    let bridge = knot.provisioning(Bridge::of(&knot));
    assert_passes(&mut knot, &bridge);
}

/// PowerDNS makes serials of the date, so only its answer shows which one a change has made.
#[test]
fn a_restored_catalog_of_powerdns_gets_a_serial_after_that_of_the_date() {
    for release in Release::stable() {
        let soa = format!("@ 0 SOA invalid. invalid. {YESTERDAY} 3600 600 2147483646 0");
        let contents = format!("{soa}\n@ 0 NS invalid.\nversion 0 TXT \"2\"\n{FORMAT}");
        let mut pdns = Pdns::of(release).zone(CATALOG, &contents).start();
        let bridge = pdns.provisioning(Bridge::of(&pdns)).catalog(CATALOG);
        let copy = OlderCopy::of(&mut pdns);
        create(&bridge, "first.test");
        let last = serial(&pdns);
        assert!(is_after(last, YESTERDAY + 1_000), "{last} is of the date");
        copy.put_back(&mut pdns);
        create(&bridge, "second.test");
        let now = serial(&pdns);
        assert!(is_after(now, last), "{last} to {now}");
        assert_passes(&mut pdns, &bridge);
    }
}

/// Calls that claim a zone which the server cannot create have changed the catalog all the same.
#[test]
fn the_serial_of_calls_that_fail_is_passed_as_well() {
    let (mut named, bridge) = bind(AHEAD);
    create(&bridge, "a.test");
    let copy = OlderCopy::of(&mut named);
    let closed = Port::claim();
    let bridge = bridge.control_port(closed.number());
    for name in ["b.test", "c.test", "d.test", "e.test"] {
        let call = zone(name, "@ NS ns1.example.net. | www A 192.0.2.7").call();
        bridge.plesk(call).assert_status(75);
    }
    let last = serial(&named);
    copy.put_back(&mut named);
    assert!(
        last - serial(&named) > 3,
        "each call has changed the catalog"
    );
    create(&bridge.control_port(named.control_port()), "f.test");
    let now = serial(&named);
    assert!(is_after(now, last), "{last} to {now}");
}

/// Another program has moved the serial on, and a call has seen it.
#[test]
fn a_serial_that_another_program_set_is_passed() {
    let (mut named, bridge) = bind(1);
    create(&bridge, "a.test");
    let copy = OlderCopy::of(&mut named);
    set_serial(&named, AHEAD);
    create(&bridge, "b.test");
    let last = serial(&named);
    copy.put_back(&mut named);
    create(&bridge, "c.test");
    assert!(is_after(serial(&named), last));
}

#[test]
fn a_worker_passes_the_serial_of_a_primary_that_is_restored_meanwhile() {
    let (mut named, bridge) = bind(AHEAD);
    let going = worker::start(&bridge);
    let queued = |name: &str| {
        let call = zone(name, "@ NS ns1.example.net. | www A 192.0.2.7").call();
        bridge.plesk(call).assert_status(0);
    };
    queued("a.test");
    let copy = OlderCopy::of(&mut named);
    queued("b.test");
    let last = serial(&named);
    copy.put_back(&mut named);
    queued("c.test");
    let now = serial(&named);
    worker::stop(going);
    assert!(is_after(now, last), "{last} to {now}");
}

#[test]
fn a_secondary_follows_a_restored_primary_whose_serials_are_ahead_of_the_time() {
    let (mut named, bridge) = bind(AHEAD);
    let follower = bind_behind(named.port());
    let follows = |named: &Named, name: &str| {
        wait::until("the secondary follows", || {
            follower.rndc(&["refresh", CATALOG]);
            serial(&follower) == serial(named) && dig::has_zone(&follower, name)
        });
    };
    create(&bridge, "a.test");
    let copy = OlderCopy::of(&mut named);
    create(&bridge, "b.test");
    follows(&named, "b.test");
    copy.put_back(&mut named);
    create(&bridge, "c.test");
    follows(&named, "c.test");
}

/// Knot: moves the serial on once for several UPDATEs that come close together.
#[test]
fn changes_that_a_knot_joins_are_not_counted_as_serials() {
    let knot = Knot::builder().start();
    // Ahead of the time, so that no change moves it on to that.
    let ahead = u32::try_from(clock()).expect("before 2106") + 1_000;
    set_serial(&knot, ahead);
    let bridge = knot.provisioning(Bridge::of(&knot));
    let zones = (1..=30).map(|number| wanted_at(number, 0).update());
    bridge
        .plesk(payload::call(&zones.collect::<Vec<_>>()))
        .assert_status(0);
    let before = serial(&knot);
    assert!(before - ahead < 30, "no changes were joined");
    create(&bridge, "last.test");
    // Its claim and its entry are one change.
    assert_eq!(serial(&knot) - before, 1);
}
