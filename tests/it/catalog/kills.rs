//! Killed at each step of what is done to a catalog and by it: the next process repairs it.

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::daemon::Release;
use crate::support::dig;
use crate::support::kills::Barrier;
use crate::support::knot::{CATALOG, EMPTY_CATALOG, Knot};
use crate::support::members::{assert_only_member, entries_of, rights};
use crate::support::named::{Named, Zone};
use crate::support::payload;
use crate::support::pdns::Pdns;
use crate::support::server::Server;
use crate::support::wanted::zone;

/// Kills creations and deletions of a zone after each answer, and runs them again.
fn assert_repaired_at_every_step(
    barrier: &mut Barrier,
    server: &dyn Server,
    provisioning: impl Fn(Bridge) -> Bridge,
) {
    let bridge = provisioning(Bridge::at(barrier.before(server.port()), server.key_file()));
    let wanted = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
    let delete = payload::call(&[payload::delete("example.com")]);
    let assert_gone = |step: usize| {
        assert!(
            !dig::has_zone(server, "example.com"),
            "after {step} answers"
        );
        assert_eq!(entries_of(server), <[&str; 0]>::default());
    };
    let created = barrier.kill_at_each_step(
        |_| &bridge,
        |_| wanted.call(),
        |step| {
            let run = bridge.plesk(wanted.call());
            run.assert_status(0).assert_stderr("");
            wanted.assert_on(server);
            assert_only_member("example.com", "plesk01", &entries_of(server));
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
    assert_repaired_at_every_step(&mut Barrier::default(), &knot, |bridge| {
        knot.provisioning(bridge)
    });
}

#[test]
fn the_same_where_knot_makes_members_from_nothing() {
    if Release::Debian13.is_here() {
        let knot = Knot::of(Release::Debian13).start();
        assert_repaired_at_every_step(&mut Barrier::default(), &knot, |bridge| {
            knot.provisioning(bridge)
        });
    }
}

#[test]
fn the_same_where_bind_keeps_the_catalog_beside_its_control_channel() {
    let named = Named::builder()
        .zone(Zone::with_policy(CATALOG, EMPTY_CATALOG, &rights()))
        .start();
    assert_repaired_at_every_step(&mut Barrier::default(), &named, |bridge| {
        bridge.catalog(CATALOG).seed(&named)
    });
}

#[test]
fn the_same_where_powerdns_keeps_the_catalog_beside_its_api() {
    let pdns = Pdns::of(Release::Installed)
        .zone(CATALOG, "version 0 TXT \"2\"")
        .start();
    let mut barrier = Barrier::default();
    let api = barrier.before(pdns.api_port());
    let provisioning = |bridge: Bridge| {
        let bridge = bridge.powerdns(api, &pdns.api_key_file());
        bridge.catalog(CATALOG)
    };
    assert_repaired_at_every_step(&mut barrier, &pdns, provisioning);
}

/// Kills the creation of a zone after every third answer, and the next process after each of its own.
#[test]
fn a_knot_zone_is_whole_whose_creation_was_killed_and_the_repair_of_it_as_well() {
    let knot = Knot::builder().start();
    let mut barrier = Barrier::default();
    let bridge = Bridge::at(barrier.before(knot.port()), knot.key_file());
    let bridge = knot.provisioning(bridge);
    let wanted = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
    let delete = payload::call(&[payload::delete("example.com")]);
    let mut kills = 0;
    for first in (0..).step_by(3) {
        let mut is_killed = false;
        for second in 0.. {
            is_killed = barrier.kill_after(first, &bridge, &wanted.call());
            let is_killed_again = is_killed && barrier.kill_after(second, &bridge, &wanted.call());
            let run = bridge.plesk(wanted.call());
            run.assert_status(0).assert_stderr("");
            let found = dig::content(&knot, "example.com");
            assert_eq!(
                found,
                wanted.content(),
                "after {first} and {second} answers"
            );
            bridge.plesk(&delete).assert_status(0);
            if !is_killed_again {
                break;
            }
            kills += 1;
        }
        if !is_killed {
            break;
        }
    }
    assert!(kills > 20, "{kills} kills");
}
