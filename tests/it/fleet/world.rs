//! A BIND, a Knot or a PowerDNS as primary with a catalog, several installations, and a BIND, a Knot and a PowerDNS that
//! follow.

use pretty_assertions::assert_eq;

use crate::catalog::secondaries::{
    bind_before, bind_behind, knot_behind, notify, powerdns_behind, world,
};
use crate::support::bridge::Bridge;
use crate::support::dig::Asker;
use crate::support::knot::{CATALOG, Knot};
use crate::support::named::Named;
use crate::support::pdns::Pdns;
use crate::support::probe::Probe;
use crate::support::server::Server;
use crate::support::wanted::zone;
use crate::support::{payload, wait};

/// The consumers of a catalog.
#[derive(Debug)]
pub(super) struct Consumers {
    bind: Named,
    knot: Knot,
    powerdns: Pdns,
}

impl Consumers {
    /// Starts them behind the primary on this port.
    pub(super) fn behind(port: u16) -> Self {
        Self {
            bind: bind_behind(port),
            knot: knot_behind(port),
            powerdns: powerdns_behind(port),
        }
    }

    /// The ports that a primary notifies.
    pub(super) fn ports(&self) -> [u16; 3] {
        [self.bind.port(), self.knot.port(), self.powerdns.port()]
    }

    fn askers(&self) -> [(&'static str, Asker); 3] {
        [
            ("BIND", world(&self.bind)),
            ("Knot", world(&self.knot)),
            ("PowerDNS", world(&self.powerdns)),
        ]
    }

    /// Waits until each of them answers so. `nudge` changes the catalog: a consumer may miss a NOTIFY, or skip a change
    /// while its database is locked.
    #[track_caller]
    pub(super) fn wait_for(&self, name: &str, answer: &[&str], nudge: impl Fn()) {
        for (consumer, asker) in self.askers() {
            let mut looks = 0;
            wait::until(&format!("{consumer} has {answer:?} at {name}"), || {
                looks += 1;
                if looks % 200 == 0 {
                    nudge();
                }
                asker.short(name, "A") == answer
            });
        }
    }

    /// Asks each of them for names, over and over.
    pub(super) fn probe(&self, names: &[String]) -> Vec<(&'static str, Probe)> {
        let ports = self.ports();
        let probes = ["BIND", "Knot", "PowerDNS"].into_iter().zip(ports);
        probes
            .map(|(consumer, port)| (consumer, Probe::start(port, names.to_vec())))
            .collect()
    }
}

/// Ends probes, and asserts that each name had an answer all the time.
#[track_caller]
#[expect(clippy::print_stdout, reason = "the counts are shown with --nocapture")]
pub(super) fn assert_never_dark(probes: Vec<(&'static str, Probe)>) {
    for (consumer, probe) in probes {
        let (rounds, dark) = probe.end();
        println!(
            "{consumer}: asked {rounds} times for all names, {} dark",
            dark.len()
        );
        assert_eq!(dark, Vec::<String>::new(), "{consumer}");
        assert!(rounds > 0, "{consumer} was asked");
    }
}

/// A BIND with a catalog, and consumers that it notifies.
pub(super) fn bind_with_consumers() -> (Named, Consumers) {
    let mut named = bind_before();
    let consumers = Consumers::behind(named.port());
    notify(&mut named, &consumers.ports());
    (named, consumers)
}

/// An installation on a BIND.
pub(super) fn installation(named: &Named, instance: &str) -> Bridge {
    let bridge = Bridge::of(named).catalog(CATALOG).seed(named);
    bridge
        .instance(instance)
        .deadline_seconds(55)
        .without_dry_run("the log counts what was done")
}

/// The call that makes a zone have `www` at this address.
pub(super) fn call(name: &str, last: u8) -> String {
    zone(
        name,
        &format!("@ NS ns1.example.net. | www A 192.0.2.{last}"),
    )
    .call()
}

/// Makes a zone have `www` at this address.
#[track_caller]
pub(super) fn deliver(bridge: &Bridge, name: &str, last: u8) {
    bridge.plesk(call(name, last)).assert_status(0);
}

/// Deletes a zone.
#[track_caller]
pub(super) fn delete(bridge: &Bridge, name: &str) {
    let call = payload::call(&[payload::delete(name)]);
    bridge.plesk(call).assert_status(0);
}

/// Changes the catalog.
#[track_caller]
pub(super) fn nudge(bridge: &Bridge) {
    deliver(bridge, "nudge.test", 1);
    delete(bridge, "nudge.test");
}
