//! A server with reverse zones and nsbridge before it, and what is asked of it and shows in them.

use crate::support::bridge::{Bridge, Run};
use crate::support::dig;
use crate::support::payload::{call, create_ptr, delete_ptr};
use crate::support::server::{Kind, Server, Started};

/// The networks of the addresses that tests use.
pub(crate) const NETWORKS: [&str; 3] = ["192.0.2.0/24", "198.51.100.0/24", "2001:db8::/48"];

/// The reverse zone of the first network.
pub(crate) const V4: &str = "2.0.192.in-addr.arpa";
/// The owner of the PTR records of 192.0.2.5.
pub(crate) const V4_HOST: &str = "5.2.0.192.in-addr.arpa";
/// The reverse zone of the IPv6 network.
pub(crate) const V6: &str = "0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
/// The owner of the PTR records of `2001:db8::21`.
pub(crate) const V6_HOST: &str =
    "1.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";

/// A server with both reverse zones, the v4 one with `records`, and nsbridge before it.
pub(crate) fn reverse(kind: Kind, records: &str) -> (Started, Bridge) {
    let server = kind.start(&[(V4, records), (V6, "")]);
    let bridge = Bridge::of(&server).ptr_networks(&NETWORKS);
    (server, bridge)
}

/// Adds one PTR.
#[track_caller]
pub(crate) fn create(bridge: &Bridge, address: &str, host: &str) -> Run {
    bridge.plesk(call(&[create_ptr(address, host)]))
}

/// Removes one PTR.
#[track_caller]
pub(crate) fn delete(bridge: &Bridge, address: &str, host: &str) -> Run {
    bridge.plesk(call(&[delete_ptr(address, host)]))
}

/// The hosts that the PTR records of an owner name.
pub(crate) fn ptrs(server: &dyn Server, owner: &str) -> Vec<String> {
    dig::short(server, owner, "PTR")
}

#[track_caller]
pub(crate) fn dry_run(bridge: &Bridge, payload: &str) -> Run {
    bridge.run(&["plesk", "--dry-run"], payload)
}

/// The records that a dry run would add.
pub(crate) fn would_add(run: &Run) -> Vec<String> {
    let lines = run
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("+ "));
    let mut lines: Vec<String> = lines.map(str::to_owned).collect();
    lines.sort();
    lines
}

#[track_caller]
pub(crate) fn ptr(bridge: &Bridge, arguments: &str) -> Run {
    let words = arguments.split(' ');
    bridge.run(&["ptr"].into_iter().chain(words).collect::<Vec<_>>(), "")
}
