//! Killed at each step of what is done to a catalog and by it: the next process repairs it.

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::daemon::Release;
use crate::support::dig::{self, Asker};
use crate::support::kills::Barrier;
use crate::support::knot::{CATALOG, EMPTY_CATALOG, Knot};
use crate::support::members::assert_only_member;
use crate::support::named::{Named, Zone};
use crate::support::payload;
use crate::support::server::Server;
use crate::support::wanted::zone;

/// What of a catalog nsbridge writes, sorted.
fn members(server: &dyn Server) -> Vec<String> {
    let mut lines = Asker::of(server).axfr(CATALOG);
    lines.retain(|line| line.contains(&format!(".zones.{CATALOG}.")));
    lines
}

/// Kills creations and deletions of a zone after each answer, and runs them again.
fn assert_repaired_at_every_step(server: &dyn Server, provisioning: impl Fn(Bridge) -> Bridge) {
    let mut barrier = Barrier::default();
    let bridge = provisioning(Bridge::at(barrier.before(server.port()), server.key_file()));
    let wanted = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
    let delete = payload::call(&[payload::delete("example.com")]);
    let assert_gone = |step: usize| {
        assert!(
            !dig::has_zone(server, "example.com"),
            "after {step} answers"
        );
        assert_eq!(members(server), <[&str; 0]>::default());
    };
    let created = barrier.kill_at_each_step(
        |_| &bridge,
        |_| wanted.call(),
        |step| {
            let run = bridge.plesk(wanted.call());
            run.assert_status(0).assert_stderr("");
            wanted.assert_on(server);
            assert_only_member("example.com", "plesk01", &members(server));
            // It is known as ours, down to the last record.
            let more = zone("example.com", "@ NS ns1.example.net. | ftp A 192.0.2.8");
            bridge.plesk(more.call()).assert_status(0).assert_stderr("");
            more.assert_on(server);
            let run = bridge.plesk(&delete);
            run.assert_status(0)
                .assert_stdout("example.com.: deleted on main (127.0.0.1:PORT)\n");
            assert_gone(step);
        },
    );
    assert!(created > 3, "a creation has more than {created} answers");
    let deleted = barrier.kill_at_each_step(
        |_| &bridge,
        |_| delete.clone(),
        |step| {
            bridge.plesk(&delete).assert_status(0).assert_stderr("");
            assert_gone(step);
            let run = bridge.plesk(wanted.call());
            run.assert_status(0).assert_stderr("");
            wanted.assert_on(server);
        },
    );
    assert!(deleted > 1, "a deletion has more than {deleted} answers");
}

#[test]
fn a_process_that_is_killed_at_any_step_of_a_knot_zone_leaves_nothing_that_the_next_cannot_repair()
{
    let knot = Knot::builder().start();
    assert_repaired_at_every_step(&knot, |bridge| knot.provisioning(bridge));
}

#[test]
fn the_same_where_knot_makes_members_from_nothing() {
    if Release::Debian13.is_here() {
        let knot = Knot::of(Release::Debian13).start();
        assert_repaired_at_every_step(&knot, |bridge| knot.provisioning(bridge));
    }
}

#[test]
fn the_same_where_bind_keeps_the_catalog_beside_its_control_channel() {
    let named = Named::builder()
        .zone(Zone::with_policy(
            CATALOG,
            EMPTY_CATALOG,
            &format!("grant {{key}} subdomain zones.{CATALOG} PTR TXT;"),
        ))
        .start();
    assert_repaired_at_every_step(&named, |bridge| bridge.catalog(CATALOG).seed(&named));
}
