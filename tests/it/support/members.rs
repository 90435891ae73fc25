//! Members of a Knot's catalog, and two instances that share it.

use crate::support::bridge::Bridge;
use crate::support::daemon::Release;
use crate::support::knot::Knot;
use crate::support::server::Server as _;

/// The records of a member that an instance made, and nothing else.
#[track_caller]
pub(crate) fn assert_only_member(zone: &str, instance: &str, catalog: &[String]) {
    let [first, second] = catalog else {
        panic!("`{zone}` has a PTR and a TXT: {catalog:#?}");
    };
    let (ptr, txt) = if first.contains(" PTR ") {
        (first, second)
    } else {
        (second, first)
    };
    let node = ptr.split(' ').next().unwrap_or_default();
    assert_eq!(ptr, &format!("{node} 0 IN PTR {zone}."));
    assert_eq!(txt, &format!("instance.ext.{node} 0 IN TXT \"{instance}\""));
}

/// Two instances before one server.
pub(crate) fn two_instances(knot: &Knot) -> (Bridge, Bridge) {
    let bridge = || knot.provisioning(Bridge::of(knot));
    (bridge(), bridge().instance("plesk02"))
}

/// Runs a test on Knot of this machine, with a seed, and on that of Debian 13, with one and with nothing.
pub(crate) fn on_every_knot(test: impl Fn(Knot)) {
    test(Knot::builder().start());
    if Release::Debian13.is_here() {
        test(Knot::of(Release::Debian13).start());
        test(Knot::of(Release::Debian13).seeded().start());
    }
}

pub(crate) const NOTHING: [&str; 0] = [];
