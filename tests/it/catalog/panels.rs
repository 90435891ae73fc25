//! Domains that change between two panels, and a damaged member: what secondaries serve.

use std::time::{Duration, Instant};

use super::secondaries::{bind_before, bind_behind, knot_behind, notify, powerdns_behind, world};
use crate::support::bridge::Bridge;
use crate::support::dig::{self, Asker};
use crate::support::knot::{CATALOG, Knot};
use crate::support::members::{entries_of, owners};
use crate::support::named::Named;
use crate::support::nsupdate::nsupdate;
use crate::support::payload;
use crate::support::pdns::Pdns;
use crate::support::server::Server;
use crate::support::wait;
use crate::support::wanted::zone;

/// A BIND with a catalog, and one secondary of each kind behind it.
struct Fleet {
    named: Named,
    bind: Named,
    knot: Knot,
    powerdns: Pdns,
}

impl Fleet {
    fn start() -> Self {
        let mut named = bind_before();
        let port = named.port();
        let (bind, knot, powerdns) = (bind_behind(port), knot_behind(port), powerdns_behind(port));
        notify(&mut named, &[bind.port(), knot.port(), powerdns.port()]);
        Self {
            named,
            bind,
            knot,
            powerdns,
        }
    }

    fn instance(&self, name: &str) -> Bridge {
        let bridge = Bridge::of(&self.named).catalog(CATALOG).seed(&self.named);
        bridge.instance(name)
    }

    fn secondaries(&self) -> [(&'static str, Asker); 3] {
        [
            ("BIND", world(&self.bind)),
            ("Knot", world(&self.knot)),
            ("PowerDNS", world(&self.powerdns)),
        ]
    }

    /// Waits until all secondaries give this answer, and no other one.
    fn await_answer(&self, by: &Bridge, name: &str, answer: &[&str]) {
        let (mut others, mut changed) = (0, Instant::now());
        for (server, asker) in self.secondaries() {
            wait::until(&format!("{server} answers {answer:?} for {name}"), || {
                let gives = asker.short(name, "A") == answer;
                // PowerDNS with SQLite skips a change of the catalog while its database is locked.
                if !gives && changed.elapsed() > Duration::from_secs(4) {
                    let other = format!("o{others}.{name}");
                    let other = zone(&other, "@ NS ns1.example.net.");
                    by.run(&["plesk"], other.call()).assert_status(0);
                    (others, changed) = (others + 1, Instant::now());
                }
                gives
            });
        }
    }
}

/// As Plesk Migrator works: the new panel sends the domain while the earlier one still has it.
#[test]
fn a_zone_that_the_earlier_panel_still_has_goes_to_the_new_one_when_that_gives_it_up() {
    let fleet = Fleet::start();
    let (a, b) = (fleet.instance("a"), fleet.instance("b"));
    let of = |last: u8| {
        zone(
            "moved.test",
            &format!("@ NS ns1.example.net. | www A 192.0.2.{last}"),
        )
    };
    a.plesk(of(1).call()).assert_status(0);
    fleet.await_answer(&a, "www.moved.test", &["192.0.2.1"]);
    // Its serial is not above that of the other panel.
    let of_b = of(2).soa("serial", 7);
    b.plesk(of_b.call())
        .assert_status(75)
        .assert_code_with("NB-ZONE-AWAITED", "`a`");
    a.plesk(payload::call(&[payload::delete("moved.test")]))
        .assert_status(0)
        .assert_stderr("");
    let b = b.clock_ahead_by(30);
    b.run(&["serve", "--once"], "")
        .assert_code("NB-ZONE-JUST-FREED");
    assert!(!dig::has_zone(&fleet.named, "moved.test"));
    let b = b.clock_ahead_by(150);
    b.run(&["serve", "--once"], "").assert_status(0);
    of_b.assert_on(&fleet.named);
    assert_eq!(owners(&fleet.named)["moved.test."], "b");
    let b = b.within(&[]);
    b.run(&["queue", "list"], "")
        .assert_stdout("total: 0 jobs, 0 held\n");
    fleet.await_answer(&b, "www.moved.test", &["192.0.2.2"]);
}

/// No consumer takes up any later change of such a catalog. Its owner repairs it when it touches the zone.
#[test]
fn a_member_with_two_zones_costs_no_other_and_secondaries_go_on_after_its_repair() {
    let fleet = Fleet::start();
    let (a, b) = (fleet.instance("a"), fleet.instance("b"));
    let of = |name: &str, last: u8| {
        zone(
            name,
            &format!("@ NS ns1.example.net. | www A 192.0.2.{last}"),
        )
    };
    a.plesk(of("a.test", 1).call()).assert_status(0);
    fleet.await_answer(&a, "www.a.test", &["192.0.2.1"]);
    let entries = entries_of(&fleet.named);
    let node = entries.iter().find(|line| line.contains(" PTR a.test."));
    let node = node
        .and_then(|line| line.split(' ').next())
        .expect("it is listed");
    nsupdate(
        &fleet.named,
        &format!("zone {CATALOG}\nupdate add {node} 0 PTR second.test."),
    );
    // That zone alone is affected: others are created, changed and deleted.
    b.plesk(of("b.test", 1).call())
        .assert_status(0)
        .assert_stderr("");
    b.plesk(of("b.test", 2).sent(1).call())
        .assert_status(0)
        .assert_stderr("");
    b.plesk(of("gone.test", 2).call()).assert_status(0);
    b.plesk(payload::call(&[payload::delete("gone.test")]))
        .assert_status(0)
        .assert_stderr("");
    for (server, asker) in fleet.secondaries() {
        assert_eq!(asker.short("www.a.test", "A"), ["192.0.2.1"], "{server}");
    }
    a.plesk(of("a.test", 3).sent(1).call()).assert_status(0);
    fleet.await_answer(&a, "www.b.test", &["192.0.2.2"]);
    fleet.await_answer(&a, "www.a.test", &["192.0.2.3"]);
}

/// The deletion of a zone that was never the panel's is done: nothing of it is there.
#[test]
fn a_panel_that_deletes_the_zone_of_another_has_nothing_to_do() {
    let fleet = Fleet::start();
    let (a, b) = (fleet.instance("a"), fleet.instance("b"));
    let wanted = zone("a.test", "@ NS ns1.example.net. | www A 192.0.2.1");
    a.plesk(wanted.call()).assert_status(0);
    fleet.await_answer(&a, "www.a.test", &["192.0.2.1"]);
    let before = dig::axfr(&fleet.named, CATALOG);
    let delete = payload::call(&[payload::delete("a.test")]);
    for arguments in [&["plesk", "--dry-run"][..], &["plesk"], &["plesk"]] {
        b.run(arguments, &delete)
            .assert_status(0)
            .assert_codes(&["NB-ZONE-OF-OTHER-STAYS"])
            .assert_code_with("NB-ZONE-OF-OTHER-STAYS", "`a`");
    }
    b.run(&["queue", "list"], "")
        .assert_stdout("total: 0 jobs, 0 held\n");
    assert_eq!(dig::axfr(&fleet.named, CATALOG), before);
    wanted.assert_on(&fleet.named);
    fleet.await_answer(&a, "www.a.test", &["192.0.2.1"]);
}
