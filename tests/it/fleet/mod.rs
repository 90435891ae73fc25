//! Panels and primaries that were restored or copied, in a fleet of several servers.

mod cloned;
mod restored;
mod restored_primary;

use std::fs;
use std::path::Path;

use crate::support::bridge::Bridge;
use crate::support::knot::{CATALOG, EMPTY_CATALOG, Knot};
use crate::support::members::rights;
use crate::support::named::{Named, Zone};
use crate::support::payload;
use crate::support::pdns::Pdns;
use crate::support::process;
use crate::support::server::{Kind, Server as _, Started};
use crate::support::wanted::{Wanted, zone};

/// A server of a kind, with an empty catalog that secondaries may transfer without a key.
fn primary(kind: Kind) -> Started {
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
        Kind::Knot(release) => Box::new(Knot::of(release).start()),
    }
}

/// An installation before it, which creates zones. What it does is not compared with dry runs: others change the
/// server as well.
fn panel(server: &Started) -> Bridge {
    server
        .provisioning(Bridge::of(server))
        .catalog(CATALOG)
        .without_dry_run("servers and queue files are put back")
}

/// A zone with this last octet in its address, sent in that second.
fn wanted(name: &str, last: u8, second: u32) -> Wanted {
    zone(name, &format!("@ NS ns1.example.net. | www A 192.0.2.{last}")).sent(second)
}

#[track_caller]
fn deliver(bridge: &Bridge, wanted: &Wanted) {
    bridge.plesk(wanted.call()).assert_status(0).assert_stderr("");
}

fn deletion(name: &str) -> String {
    payload::call(&[payload::delete(name)])
}

/// Puts a copy of all files of an installation's state in the place of another's.
#[track_caller]
fn put_state(from: &Path, to: &Path) {
    for file in fs::read_dir(to).expect("a directory") {
        fs::remove_file(file.expect("a file").path()).expect("it is removed");
    }
    let from = format!("{}/.", from.display());
    process::run_ok("cp", &["-a", &from, &to.to_string_lossy()]);
}

/// Puts a backup in the place of the queue, as docs/operations.md says.
#[track_caller]
fn put_backup(bridge: &Bridge, backup: &str) {
    let state = bridge.file("state");
    for file in fs::read_dir(&state).expect("a directory") {
        fs::remove_file(file.expect("a file").path()).expect("it is removed");
    }
    fs::copy(bridge.file(backup), state.join("queue.db")).expect("a copy");
}

/// Backs the queue up to a file of the run's directory.
#[track_caller]
fn back_up(bridge: &Bridge, file: &str) {
    let file = bridge.file(file);
    let run = bridge.run(&["queue", "backup", &file.to_string_lossy()], "");
    run.assert_status(0);
}
