//! Zones that move between two instances, in all orders and gaps, while other zones come and go: each consumer of the
//! catalog has what is new, and drops what it had once for each making.

use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;

use super::secondaries::{bind_before, bind_behind, knot_behind, notify, powerdns_behind, world};
use crate::support::bridge::Bridge;
use crate::support::dig::Asker;
use crate::support::knot::CATALOG;
use crate::support::nsupdate_scripts::Numbers;
use crate::support::refused_zone::number_of;
use crate::support::server::Server;
use crate::support::wanted::zone;
use crate::support::{payload, wait};

/// The environment variable for the number of moves.
const MOVES_VARIABLE: &str = "NSBRIDGE_TEST_CATALOG_MOVES";
/// Zones that move.
const ZONES: usize = 4;
/// Serials of a zone that is made: the next one may be lower.
const SERIALS: [u32; 3] = [2_000_000_000, 7, 1_000_000_000];
/// Milliseconds between a deletion and the making after it.
const GAPS: [u64; 6] = [0, 0, 50, 300, 1_500, 2_500];

/// What a zone is, and how often it was made.
struct Moving {
    name: String,
    /// Which of both instances has it.
    owner: usize,
    /// The last number of its address.
    last: u8,
    makings: usize,
}

fn deliver(bridge: &Bridge, name: &str, last: u8, serial: u32) {
    let lines = format!("@ NS ns1.example.net. | www A 192.0.2.{last}");
    let wanted = zone(name, &lines).soa("serial", serial);
    // A serial far behind that of an earlier call is a warning.
    bridge.plesk(wanted.call()).assert_status(0);
}

fn delete(bridge: &Bridge, name: &str) {
    let call = payload::call(&[payload::delete(name)]);
    bridge.plesk(call).assert_status(0);
}

/// Two instances before one primary, and the number of another zone, which comes or goes with each call.
struct Instances {
    bridges: [Bridge; 2],
    others: usize,
}

impl Instances {
    /// Changes the catalog beside the zones that move.
    fn change_another(&mut self) {
        let name = format!("other{}.test", self.others / 2);
        let bridge = &self.bridges[self.others / 2 % 2];
        if self.others.is_multiple_of(2) {
            deliver(bridge, &name, 1, 7);
        } else {
            delete(bridge, &name);
        }
        self.others += 1;
    }

    /// Makes a zone another instance's, or makes it again, in some order.
    fn move_zone(&mut self, numbers: &mut Numbers, zone: &mut Moving, named: &impl Fn(&str)) {
        let next = (zone.owner + numbers.below(3).min(1)) % 2;
        let (was, serial) = (zone.owner, SERIALS[numbers.below(SERIALS.len())]);
        let gap = Duration::from_millis(GAPS[numbers.below(GAPS.len())]);
        zone.last = zone.last % 250 + 1;
        match numbers.below(6) {
            // It only gets another owner, and its label stays.
            0 if next != was => {
                let run = self.bridges[next].run(&["zone", "adopt", &zone.name], "");
                run.assert_status(0);
                let lines = format!("@ NS ns1.example.net. | www A 192.0.2.{}", zone.last);
                let wanted = crate::support::wanted::zone(&zone.name, &lines);
                self.bridges[next].plesk(wanted.call()).assert_status(0);
            }
            // Somebody removes it at the server.
            1 => {
                named(&zone.name);
                // Consumers keep what they have until the new zone is there.
                deliver(&self.bridges[was], &zone.name, zone.last, serial);
                return;
            }
            order => {
                if order == 2 {
                    self.change_another();
                }
                delete(&self.bridges[was], &zone.name);
                std::thread::park_timeout(gap);
                if order >= 4 {
                    self.change_another();
                }
                deliver(&self.bridges[next], &zone.name, zone.last, serial);
                zone.makings += 1;
            }
        }
        zone.owner = next;
    }
}

#[test]
fn zones_that_move_between_instances_are_stale_on_no_consumer() {
    let moves = number_of(MOVES_VARIABLE, 8);
    let mut named = bind_before();
    let port = named.port();
    let (bind, knot, powerdns) = (bind_behind(port), knot_behind(port), powerdns_behind(port));
    notify(&mut named, &[bind.port(), knot.port(), powerdns.port()]);
    let bridge = |instance: &str| {
        let bridge = Bridge::of(&named).catalog(CATALOG).seed(&named);
        let bridge = bridge.instance(instance).deadline_seconds(55);
        // What the earlier owner of an adopted zone has put into it goes.
        bridge.foreign_records("remove")
    };
    let mut instances = Instances {
        bridges: [bridge("plesk01"), bridge("plesk02")],
        others: 0,
    };
    let consumers: [(&str, Asker); 3] = [
        ("BIND", world(&bind)),
        ("Knot", world(&knot)),
        ("PowerDNS", world(&powerdns)),
    ];
    let remove = |name: &str| {
        assert_eq!(named.rndc(&["delzone", "-clean", name]).status, Some(0));
    };
    let (mut nudges, mut slowest) = (0, Duration::ZERO);
    let mut settle = |instances: &mut Instances, zone: &Moving| {
        let (began, mut changed) = (Instant::now(), Instant::now());
        for (consumer, asker) in &consumers {
            wait::until(&format!("{consumer} has the new {}", zone.name), || {
                let answer = asker.short(&format!("www.{}", zone.name), "A");
                let shows = answer == [format!("192.0.2.{}", zone.last)];
                // PowerDNS with SQLite skips a change of the catalog while its database is locked, and makes up for it
                // with the next one.
                if !shows && changed.elapsed() > Duration::from_secs(4) {
                    instances.change_another();
                    nudges += 1;
                    changed = Instant::now();
                }
                shows
            });
        }
        slowest = slowest.max(began.elapsed());
    };
    let mut zones: Vec<Moving> = (0..ZONES)
        .map(|number| Moving {
            name: format!("move{number}.test"),
            owner: number % 2,
            last: 7,
            makings: 0,
        })
        .collect();
    for zone in &zones {
        deliver(
            &instances.bridges[zone.owner],
            &zone.name,
            zone.last,
            SERIALS[0],
        );
        settle(&mut instances, zone);
    }
    let mut numbers = Numbers(1);
    for number in 0..moves {
        let zone = &mut zones[number % ZONES];
        instances.move_zone(&mut numbers, zone, &remove);
        settle(&mut instances, zone);
    }
    let makings: usize = zones.iter().map(|zone| zone.makings).sum();
    println!(
        "{moves} moves, {makings} makings, {} changes of other zones, {nudges} of them for PowerDNS, {slowest:?} at most",
        instances.others
    );
    for zone in &zones {
        let makings = zone.makings;
        assert_eq!(
            drops(&zone.name, &bind.log(), &knot.log(), &powerdns.log()),
            [("BIND", makings), ("Knot", makings), ("PowerDNS", makings)],
            "{}",
            zone.name
        );
    }
}

/// How often each consumer has dropped what it had of a zone, by its log.
fn drops(zone: &str, bind: &str, knot: &str, powerdns: &str) -> [(&'static str, usize); 3] {
    let deleted = format!("catz: deleting zone '{zone}' from catalog '{CATALOG}' - success");
    let purged = format!("[{zone}.] zone purged");
    // A deletion that finds the database locked is made once more.
    let created = format!("Catalog-Zone create zone '{zone}'");
    [
        ("BIND", bind.matches(&deleted).count()),
        ("Knot", knot.matches(&purged).count()),
        ("PowerDNS", powerdns.matches(&created).count() - 1),
    ]
}
