//! A zone with the SOA that the same call left it is not read: one signed answer shows that there is nothing to do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use pretty_assertions::assert_eq;
use rusqlite::Connection;

use crate::support::bridge::Bridge;
use crate::support::dig;
use crate::support::gate;
use crate::support::jobs::{self, edit};
use crate::support::keys::Key;
use crate::support::message;
use crate::support::named::{Named, Zone};
use crate::support::nsupdate::nsupdate;
use crate::support::pdns::Pdns;
use crate::support::ports::Port;
use crate::support::refusal::{Exchanges, Proxy};
use crate::support::scripted::Scripted;
use crate::support::server::{Kind, Server, scenario};
use crate::support::sync;
use crate::support::wait;
use crate::support::wanted::zone;

pub(super) const ZONE: &str = "example.com";
pub(super) const LINES: &str =
    "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1 | www 300 A 192.0.2.7";
const UNCHANGED: &str = "example.com.: unchanged on main (127.0.0.1:PORT)\n";

/// What nsbridge asks about a zone that it does not read.
pub(super) const ONE_QUESTION: Exchanges = Exchanges {
    soa: 1,
    updates: 0,
    transfers: 0,
    others: 0,
};

/// What nsbridge asks about an unchanged zone that it reads.
const ONE_TRANSFER: Exchanges = Exchanges {
    transfers: 1,
    soa: 0,
    updates: 0,
    others: 0,
};

/// A primary with `example.com`, behind a proxy that counts, and the number of calls so far.
pub(super) struct World {
    pub(super) server: Box<dyn Server>,
    pub(super) proxy: Proxy,
    pub(super) bridge: Bridge,
    calls: u32,
}

/// A BIND with `example.com`.
fn named() -> Named {
    let zone = Zone::dynamic(ZONE, "");
    Named::builder().zone(zone).start()
}

impl World {
    fn start(server: impl Server + 'static) -> Self {
        let proxy = Proxy::counting(&server);
        let bridge = proxy.bridge(&server);
        Self {
            server: Box::new(server),
            proxy,
            bridge,
            calls: 0,
        }
    }

    pub(super) fn bind() -> Self {
        Self::start(named())
    }

    /// A BIND whose zone is settled by calls with [`LINES`].
    #[track_caller]
    fn settled() -> Self {
        let mut world = Self::bind();
        world.call(LINES);
        assert_eq!(world.call(LINES), ONE_QUESTION);
        world
    }

    /// Makes a call with these lines, which has another serial than each before.
    #[track_caller]
    fn call(&mut self, lines: &str) -> Exchanges {
        let wanted = zone(ZONE, lines).sent(self.calls);
        self.calls += 1;
        let (run, exchanges) = self.proxy.count(|| self.bridge.plesk(wanted.call()));
        run.assert_status(0).assert_stderr("");
        if exchanges.updates == 0 {
            run.assert_stdout(UNCHANGED);
        }
        exchanges
    }

    /// Asserts that the next call reads the zone, whatever it asks before, and the one after it does not.
    #[track_caller]
    fn assert_is_read(&mut self) {
        let exchanges = self.call(LINES);
        assert_eq!((exchanges.transfers, exchanges.updates), (1, 0));
        assert_eq!(self.call(LINES), ONE_QUESTION);
    }

    #[track_caller]
    fn configure(mut self, configure: impl FnOnce(Bridge) -> Bridge) -> Self {
        self.bridge = configure(self.bridge);
        self
    }

    /// Has another server as the primary.
    #[track_caller]
    fn move_to(self, server: &dyn Server, key: &Key) -> Self {
        let address = format!("127.0.0.1:{}", server.port());
        let change = |it: Bridge| it.set_text("primaries.main", "address", &address).key(key);
        self.configure(change)
    }

    /// Makes a call that waits, since the primary cannot be reached.
    #[track_caller]
    fn call_in_outage(self, lines: &str) -> Self {
        let at = |port| {
            let address = format!("127.0.0.1:{port}");
            move |it: Bridge| it.set_text("primaries.main", "address", &address)
        };
        let (dead, proxy) = (Port::claim(), self.proxy.port());
        let mut world = self.configure(at(dead.number()));
        let wanted = zone(ZONE, lines).sent(world.calls);
        world.calls += 1;
        world.bridge.plesk(wanted.call()).assert_status(75);
        world.configure(at(proxy))
    }

    #[track_caller]
    fn assert_holds(&self, lines: &str) {
        zone(ZONE, lines).assert_on(&*self.server);
    }
}

scenario!(an_unchanged_zone_costs_one_question: bind, knot);
fn an_unchanged_zone_costs_one_question(kind: Kind) {
    let mut world = World::start(kind.start(&[(ZONE, "")]));
    world.call(LINES);
    if let Kind::Knot(_) = kind {
        // What another client changed at the same time may be under the same serial there.
        assert_eq!(world.call(LINES), ONE_TRANSFER);
    }
    for _ in 0..2 {
        assert_eq!(world.call(LINES), ONE_QUESTION);
    }
    let more = &format!("{LINES} | more A 192.0.2.8");
    let exchanges = world.call(more);
    assert_eq!((exchanges.transfers > 0, exchanges.updates), (true, 1));
    world.assert_holds(more);
    // Another client changes what was delivered.
    nsupdate(
        &*world.server,
        "update delete www.example.com A\nupdate add www.example.com 300 A 192.0.2.66",
    );
    assert_eq!(world.call(more).updates, 1);
    let addresses = dig::short(&*world.server, "www.example.com", "A");
    assert!(addresses.contains(&"192.0.2.7".to_owned()), "{addresses:?}");
}

// The serial of PowerDNS stays.
#[test]
fn rows_that_others_edit_are_seen() {
    let pdns = Pdns::builder().zone(ZONE, "").start();
    let bridge = Bridge::of(&pdns);
    let wanted = zone(ZONE, LINES);
    for second in 0..3 {
        let run = bridge.plesk(wanted.clone().sent(second).call());
        run.assert_status(0).assert_stderr("");
    }
    let soa = dig::soa(&pdns, ZONE).serial;
    pdns.sql("DELETE FROM records WHERE name = 'www.example.com'");
    assert_eq!(dig::soa(&pdns, ZONE).serial, soa);
    bridge.plesk(wanted.clone().sent(3).call()).assert_status(0);
    wanted.assert_on(&pdns);
}

/// Makes the last reading so many seconds older.
#[track_caller]
fn make_older(bridge: &Bridge, seconds: u64) {
    let queue = Connection::open(bridge.file("state/queue.db")).expect("a queue");
    let find = "SELECT settled FROM zone WHERE settled IS NOT NULL";
    let found = queue.query_row(find, [], |row| row.get(0));
    let mut settled: Vec<u8> = found.expect("a settled zone");
    let read_at = settled[32..40].first_chunk().expect("eight octets");
    let at = u64::from_be_bytes(*read_at) - seconds;
    settled[32..40].copy_from_slice(&at.to_be_bytes());
    assert_eq!(edit(bridge, "UPDATE zone SET settled = ?", [settled]), 1);
}

#[test]
fn a_zone_is_read_once_a_day() {
    let mut world = World::settled();
    make_older(&world.bridge, 86_000);
    // That is no reading.
    assert_eq!(world.call(LINES), ONE_QUESTION);
    make_older(&world.bridge, 400);
    world.assert_is_read();
}

#[test]
fn the_server_is_asked_what_it_is_once_a_day() {
    let named = named();
    let asked = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&asked);
    let proxy = Scripted::before(named.port(), move |request| {
        let is_version = message::is_version_query(request);
        counted.fetch_add(is_version.into(), Ordering::SeqCst);
        None
    });
    let bridge = Bridge::at(proxy.port(), named.key_file());
    let call = |second: u32| {
        let wanted = zone(ZONE, LINES).with(&format!("s A 192.0.2.{second}"));
        let run = bridge.plesk(wanted.sent(second).call());
        run.assert_status(0).assert_stderr("");
        asked.load(Ordering::SeqCst)
    };
    assert_eq!([call(1), call(2), call(3)], [1; 3]);
    let sql = "UPDATE learnt SET at = at - 86400";
    assert_eq!(edit(&bridge, sql, []), 1);
    assert_eq!([call(4), call(5)], [2; 2]);
}

#[test]
fn what_an_older_queue_file_remembers_does_not_count() {
    let mut world = World::settled();
    std::fs::remove_file(world.bridge.file("state/queue.db.known")).expect("a file that marks it");
    world.assert_is_read();
}

#[test]
fn a_resync_a_retry_and_a_sync_read_the_zone() {
    let mut world = World::settled();
    let bridge = &world.bridge;
    let resync = || bridge.start(&["resync"], "").end();
    let (run, exchanges) = world.proxy.count(resync);
    run.assert_status(0);
    assert!(exchanges.transfers > 0, "{exchanges:?}");
    let audit = || bridge.start(&["audit"], "").end();
    let (run, exchanges) = world.proxy.count(audit);
    run.assert_status(0);
    assert!(exchanges.transfers > 0, "{exchanges:?}");
    world.call(LINES);
    assert_eq!(world.call(LINES), ONE_QUESTION);
    // A call that waits is delivered by an operator.
    world = world.call_in_outage(LINES);
    let bridge = &world.bridge;
    let retry = || bridge.run(&["queue", "retry", "--all"], "");
    let (run, exchanges) = world.proxy.count(retry);
    run.assert_status(0);
    assert!(exchanges.transfers > 0, "{exchanges:?}");
    assert_eq!(world.call(LINES), ONE_QUESTION);
    // Another call replaces it.
    world = world.call_in_outage(&format!("{LINES} | more A 192.0.2.8"));
    assert_eq!(world.call(LINES), ONE_QUESTION);
    jobs::assert_empty(&world.bridge);
    world.assert_holds(LINES);
    sync::write(&world.bridge, "www 300 A 192.0.2.7\n");
    for _ in 0..2 {
        let (_, exchanges) = world.proxy.count(|| sync::sync(&world.bridge, &[]));
        assert!(exchanges.transfers > 0, "{exchanges:?}");
    }
}

#[test]
fn settings_that_a_plan_depends_on_count() {
    let mut world = World::settled();
    nsupdate(&*world.server, "update add foreign.example.com 300 TXT t");
    world.assert_is_read();
    let keep = r#"["foreign.*"]"#;
    world = world.configure(|it| it.foreign_records("remove").set("policy", "keep", keep));
    world.assert_is_read();
    let foreign = format!("{LINES} | foreign 300 TXT t");
    world.assert_holds(&foreign);
    world = world.configure(|it| it.set("policy", "keep", "[]"));
    assert_eq!(world.call(LINES).updates, 1);
    world.assert_holds(LINES);
    world = world.configure(|it| it.set("primaries.main", "ttl-min", "600"));
    assert_eq!(world.call(LINES).updates, 1);
    world.assert_holds(&LINES.replace("www 300", "www 600"));
    world = world.configure(|it| it.set("primaries.main", "nameservers", r#"["ns9.example.net"]"#));
    assert_eq!(world.call(LINES).updates, 1);
    let ns = dig::short(&*world.server, ZONE, "NS");
    assert_eq!(ns, ["ns9.example.net."]);
}

// What one server shows, another one may not have.
#[test]
fn a_zone_that_several_servers_answer_for_is_read() {
    for option in ["query-address", "transfer-address"] {
        let world = World::settled();
        let address = format!("127.0.0.1:{}", world.proxy.port());
        let mut world = world.configure(|it| it.set_text("primaries.main", option, &address));
        for _ in 0..2 {
            assert_eq!(world.call(LINES), ONE_TRANSFER);
        }
    }
}

// By the address of the primary, not by its name, it is known how its serials move on.
#[test]
fn a_primary_that_becomes_a_powerdns_is_read() {
    let pdns = Pdns::builder().zone(ZONE, "").start();
    // With the TTL that it keeps.
    let wanted = |second| zone(ZONE, LINES).soa("ttl", 3600).sent(second);
    Bridge::of(&pdns).plesk(wanted(0).call()).assert_status(0);
    let world = World::settled().move_to(&pdns, pdns.key());
    for second in 1..3 {
        let run = world.bridge.plesk(wanted(second).call());
        run.assert_status(0);
        assert!(run.stdout.contains(": unchanged on "), "{}", run.stdout);
    }
    pdns.sql("DELETE FROM records WHERE name = 'www.example.com'");
    world.bridge.plesk(wanted(3).call()).assert_status(0);
    wanted(3).assert_on(&pdns);
}

#[test]
fn another_primary_with_the_same_soa_is_read() {
    let other = named();
    let less = zone(ZONE, "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1");
    Bridge::of(&other).plesk(less.call()).assert_status(0);
    let world = World::settled();
    assert_eq!(dig::soa(&other, ZONE), dig::soa(&*world.server, ZONE));
    let world = world.move_to(&other, other.key());
    // As if another zone had been delivered to it before.
    let address = format!("127.0.0.1:{}", other.port());
    edit(&world.bridge, "UPDATE learnt SET server = ?", [address]);
    let wanted = zone(ZONE, LINES).sent(world.calls);
    world.bridge.plesk(wanted.call()).assert_status(0);
    wanted.assert_on(&other);
}

// The change of another client may come under the serial that an own one has in the copy that is signed.
#[test]
fn a_signed_zone_is_read_after_a_change() {
    let signed = Zone::signed(ZONE, "", false);
    let mut world = World::start(Named::builder().zone(signed).start());
    wait::until("the zone is signed", || {
        let lines = dig::axfr(&*world.server, ZONE);
        lines.iter().any(|line| line.contains(" RRSIG NS "))
    });
    world.call(LINES);
    world.assert_is_read();
}

#[test]
fn an_answer_without_a_signature_shows_nothing() {
    let named = named();
    let wanted = |second| zone(ZONE, LINES).sent(second);
    let transfers = Arc::new(AtomicU32::new(0));
    let is_cut = Arc::new(AtomicBool::new(false));
    let (read, cuts) = (Arc::clone(&transfers), Arc::clone(&is_cut));
    let proxy = Scripted::proxy(named.port(), move |question, answer| {
        if message::is_transfer(question) {
            read.fetch_add(1, Ordering::SeqCst);
        }
        let is_cut = message::is_soa_query(question) && cuts.load(Ordering::SeqCst);
        Some(if is_cut {
            message::without_tsig(&answer)
        } else {
            answer
        })
    });
    let bridge = Bridge::at(proxy.port(), named.key_file());
    let call = |second| {
        let before = transfers.load(Ordering::SeqCst);
        bridge.plesk(wanted(second).call()).assert_status(0);
        transfers.load(Ordering::SeqCst) - before
    };
    call(0);
    assert_eq!(call(1), 0);
    is_cut.store(true, Ordering::SeqCst);
    assert_eq!(call(2), 1);
}

// With them, whose it is must be looked at.
#[test]
fn a_zone_of_which_nothing_is_managed_is_read() {
    let mut world = World::bind();
    let lines = "@ 3600 NS ns1.example.com.";
    world.call(lines);
    for _ in 0..2 {
        assert_eq!(world.call(lines).transfers, 1);
    }
}

// An UPDATE without a prerequisite of the SOA takes no note of a change since the zone was read.
#[test]
fn a_change_between_the_reading_and_the_update_is_seen() {
    let named = named();
    let (proxy, gate) = gate::holding_back(named.port(), message::is_transfer);
    let bridge = Bridge::at(proxy.port(), named.key_file()).set_text(
        "primaries.main",
        "prerequisites",
        "rrset",
    );
    let wanted = zone(ZONE, LINES);
    let going = bridge.start(&["plesk"], wanted.clone().sent(0).call());
    wait::until("the zone is read", || gate.is_reached());
    let change = "update delete ns1.example.com A\nupdate add ns1.example.com 3600 A 192.0.2.66";
    nsupdate(&named, change);
    gate.open();
    going.end().assert_status(0);
    let run = bridge.plesk(wanted.clone().sent(1).call());
    run.assert_status(0);
    let addresses = dig::short(&named, "ns1.example.com", "A");
    assert!(addresses.contains(&"192.0.2.1".to_owned()), "{addresses:?}");
}
