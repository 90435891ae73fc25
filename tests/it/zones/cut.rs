//! The network ends after each answer of the creation or deletion of a zone: the next process goes on from there.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::bridge::Bridge;
use crate::support::daemon::Release;
use crate::support::dig;
use crate::support::kills::Barrier;
use crate::support::knot::{CATALOG, EMPTY_CATALOG, Knot};
use crate::support::members::{entries_of, owners, rights};
use crate::support::named::{Named, Zone};
use crate::support::payload;
use crate::support::pdns::Pdns;
use crate::support::server::Server;
use crate::support::wanted::zone;

/// More answers than a creation has, and how many of them are tried at once.
const STEPS: usize = 40;
const AT_ONCE: usize = 8;

/// Ends the network after each answer of a creation, of zones of their own. The next call has other contents: no record
/// of the first one stays, and none of those that the primary chose. Does so with a deletion as well.
fn assert_goes_on_at_every_step(
    server: &(impl Server + Sync),
    has_catalog: bool,
    before: impl Fn(&mut Barrier) -> Bridge,
) {
    let (created, deleted) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let create = |(step, barrier, bridge): &(usize, Barrier, Bridge)| {
        let name = format!("z{step}.test");
        let first = zone(&name, "@ NS ns1.example.net. | www A 192.0.2.7 | old TXT t");
        let second = zone(
            &name,
            "@ NS ns1.example.net. | www A 192.0.2.8 | ftp A 192.0.2.8",
        );
        let is_cut = barrier.cut_after(*step, bridge, &first.call());
        created.fetch_add(is_cut.into(), Ordering::SeqCst);
        bridge.plesk(second.call()).assert_status(0);
        second.assert_on(server);
    };
    let delete = |(step, barrier, bridge): &(usize, Barrier, Bridge)| {
        let name = format!("z{step}.test");
        let call = payload::call(&[payload::delete(&name)]);
        let is_cut = barrier.cut_after(*step, bridge, &call);
        deleted.fetch_add(is_cut.into(), Ordering::SeqCst);
        bridge.plesk(&call).assert_status(0);
        assert!(!dig::has_zone(server, &name), "after {step} answers");
    };
    for first in (0..STEPS).step_by(AT_ONCE) {
        let steps: Vec<(usize, Barrier, Bridge)> = (first..first + AT_ONCE)
            .map(|step| {
                let mut barrier = Barrier::default();
                let bridge = before(&mut barrier).without_dry_run("the network is cut");
                (step, barrier, bridge)
            })
            .collect();
        at_once(&steps, create);
        if has_catalog {
            let owners = owners(server);
            let mut parties = owners.values();
            assert!(parties.all(|it| it == "plesk01"), "{owners:?}");
            assert_eq!(owners.len(), AT_ONCE, "{owners:?}");
        }
        at_once(&steps, delete);
        if has_catalog {
            assert_eq!(entries_of(server), <[&str; 0]>::default());
        }
    }
    let (created, deleted) = (created.into_inner(), deleted.into_inner());
    assert!((4..STEPS).contains(&created), "answers: {created}");
    assert!((2..STEPS).contains(&deleted), "answers: {deleted}");
}

/// Does the same to each at once.
fn at_once<T: Sync>(all: &[T], work: impl Fn(&T) + Sync) {
    std::thread::scope(|threads| {
        for one in all {
            threads.spawn(|| work(one));
        }
    });
}

fn assert_goes_on_at(knot: &Knot) {
    assert_goes_on_at_every_step(knot, true, |barrier| {
        let port = barrier.cutting_before(knot.port());
        knot.provisioning(Bridge::at(port, knot.key_file()))
    });
}

#[test]
fn a_knot_zone_is_whole_after_whichever_answer_the_network_ends() {
    assert_goes_on_at(&Knot::builder().start());
}

#[test]
fn the_same_where_knot_makes_members_from_nothing() {
    if Release::Debian13.is_here() {
        assert_goes_on_at(&Knot::of(Release::Debian13).start());
    }
}

fn assert_goes_on_at_bind(named: &Named, has_catalog: bool) {
    assert_goes_on_at_every_step(named, has_catalog, |barrier| {
        let control = barrier.cutting_before(named.control_port());
        let bridge = Bridge::at(barrier.cutting_before(named.port()), named.key_file());
        let bridge = bridge.seed(named).control_port(control);
        if has_catalog {
            bridge.catalog(CATALOG)
        } else {
            bridge
        }
    });
}

#[test]
fn the_same_where_bind_keeps_the_catalog_beside_its_control_channel() {
    let catalog = Zone::with_policy(CATALOG, EMPTY_CATALOG, &rights());
    assert_goes_on_at_bind(&Named::builder().zone(catalog).start(), true);
}

#[test]
fn the_same_where_bind_keeps_no_catalog() {
    assert_goes_on_at_bind(&Named::builder().start(), false);
}

fn assert_goes_on_at_powerdns(pdns: &Pdns, has_catalog: bool) {
    assert_goes_on_at_every_step(pdns, has_catalog, |barrier| {
        let api = barrier.cutting_before(pdns.api_port());
        let bridge = Bridge::at(barrier.cutting_before(pdns.port()), pdns.key_file());
        let bridge = bridge.powerdns(api, &pdns.api_key_file());
        if has_catalog {
            bridge.catalog(CATALOG)
        } else {
            bridge
        }
    });
}

#[test]
fn the_same_where_powerdns_keeps_the_catalog_beside_its_api() {
    let builder = Pdns::of(Release::Installed);
    let pdns = builder.zone(CATALOG, "version 0 TXT \"2\"").start();
    assert_goes_on_at_powerdns(&pdns, true);
}

#[test]
fn the_same_where_powerdns_keeps_no_catalog() {
    assert_goes_on_at_powerdns(&Pdns::of(Release::Installed).start(), false);
}
