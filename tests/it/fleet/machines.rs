//! Servers of each kind with a catalog, and the machines of panels: their files are put back and copied.

use std::fs;
use std::path::Path;

use crate::catalog::secondaries::{bind_behind, knot_behind, powerdns_behind, world};
use crate::support::bridge::Bridge;
use crate::support::dig::{self, Asker};
use crate::support::knot::{CATALOG, EMPTY_CATALOG, Knot};
use crate::support::members::rights;
use crate::support::named::{Named, Zone};
use crate::support::payload;
use crate::support::pdns::Pdns;
use crate::support::process;
use crate::support::server::{Kind, Server as _, Started};
use crate::support::wait;
use crate::support::wanted::{Wanted, zone};

/// A port on which nobody listens (RFC 863).
const DISCARD: u16 = 9;

/// A server of a kind, with an empty catalog that secondaries may transfer without a key.
pub(super) fn primary(kind: Kind) -> Started {
    match kind {
        Kind::Bind(release) => Box::new(
            Named::of(release)
                .zone(Zone::with_policy(CATALOG, EMPTY_CATALOG, &rights()))
                .options("allow-transfer { 127.0.0.1; key plesk; };")
                .start(),
        ),
        Kind::PowerDns(release) => Box::new(
            Pdns::of(release)
                .setting("allow-axfr-ips", "127.0.0.0/8")
                .zone(CATALOG, EMPTY_CATALOG)
                .start(),
        ),
        Kind::Knot(release) => {
            let mut knot = Knot::of(release).start();
            // It tells nobody of changes: tests let secondaries ask.
            knot.serve_secondaries(&[DISCARD]);
            Box::new(knot)
        }
    }
}

/// Secondaries of three kinds, which follow a catalog.
pub(super) struct Followers {
    bind: Named,
    knot: Knot,
    pdns: Pdns,
}

impl Followers {
    pub(super) fn of(server: &Started) -> Self {
        Self {
            bind: bind_behind(server.port()),
            knot: knot_behind(server.port()),
            pdns: powerdns_behind(server.port()),
        }
    }

    /// What each of them has logged.
    pub(super) fn logs(&self) -> [String; 3] {
        [self.bind.log(), self.knot.log(), self.pdns.log()]
    }

    /// Lets them ask for the serials of the catalog and of these zones.
    fn refresh(&self, zones: &[&str]) {
        self.bind.rndc(&["refresh", CATALOG]);
        self.knot.knotc(&["zone-refresh"]);
        self.pdns.pdns_control(&["retrieve", CATALOG]);
        for zone in zones {
            if dig::has_zone(&self.bind, zone) {
                self.bind.rndc(&["refresh", zone]);
            }
            if world(&self.pdns).has_zone(zone) {
                self.pdns.pdns_control(&["retrieve", zone]);
            }
        }
    }

    /// Waits until each of them shows these values at `www` of zones, and has no zone without one.
    #[track_caller]
    pub(super) fn assert_show(&self, zones: &[(&str, Option<u8>)]) {
        let askers = [world(&self.bind), world(&self.knot), world(&self.pdns)];
        let names: Vec<&str> = zones.iter().map(|(zone, _)| *zone).collect();
        for (asker, kind) in askers.iter().zip(["BIND", "Knot", "PowerDNS"]) {
            wait::until(&format!("{kind} shows {zones:?}"), || {
                let shows = zones.iter().all(|it| shows(asker, it));
                if !shows {
                    self.refresh(&names);
                }
                shows
            });
        }
    }
}

pub(super) fn shows(asker: &Asker, (zone, last): &(&str, Option<u8>)) -> bool {
    match last {
        Some(last) => asker.short(&format!("www.{zone}"), "A") == [format!("192.0.2.{last}")],
        None => !asker.has_zone(zone),
    }
}

/// An installation before it, which creates zones. What it does is not compared with dry runs: others change the
/// server as well.
pub(super) fn panel(server: &Started) -> Bridge {
    server
        .provisioning(Bridge::of(server))
        .catalog(CATALOG)
        .without_dry_run("servers and queue files are put back")
}

/// A zone with this last octet in its address, sent in that second.
pub(super) fn wanted(name: &str, last: u8, second: u32) -> Wanted {
    zone(
        name,
        &format!("@ NS ns1.example.net. | www A 192.0.2.{last}"),
    )
    .sent(second)
}

#[track_caller]
pub(super) fn deliver(bridge: &Bridge, wanted: &Wanted) {
    bridge
        .plesk(wanted.call())
        .assert_status(0)
        .assert_stderr("");
}

pub(super) fn deletion(name: &str) -> String {
    payload::call(&[payload::delete(name)])
}

/// Puts a copy of all files of an installation's state in the place of another's.
#[track_caller]
pub(super) fn put_state(from: &Path, to: &Path) {
    for file in fs::read_dir(to).expect("a directory") {
        fs::remove_file(file.expect("a file").path()).expect("it is removed");
    }
    let from = format!("{}/.", from.display());
    process::run_ok("cp", &["-a", &from, &to.to_string_lossy()]);
}

/// Puts a backup in the place of the queue, as docs/operations.md says.
#[track_caller]
pub(super) fn put_backup(bridge: &Bridge, backup: &str) {
    let state = bridge.file("state");
    for file in fs::read_dir(&state).expect("a directory") {
        fs::remove_file(file.expect("a file").path()).expect("it is removed");
    }
    fs::copy(bridge.file(backup), state.join("queue.db")).expect("a copy");
}

/// Backs the queue up to a file of the run's directory.
#[track_caller]
pub(super) fn back_up(bridge: &Bridge, file: &str) {
    let file = bridge.file(file);
    let run = bridge.run(&["queue", "backup", &file.to_string_lossy()], "");
    run.assert_status(0);
}
