//! Nothing is lost over a bad network: nsbridge in a network namespace of its own, before a real named, with
//! packets that are lost or late, a link that is cut at any time, and connections that are reset.
//!
//! The namespace and its link are made by the test, so this needs root, or sudo without a password. Packets are late
//! where the link is a program that holds them (`delay.py`): netem is a module that not every kernel has.

use std::path::Path;
use std::process::{Child, Command, Stdio, id};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::support::bridge::Bridge;
use crate::support::crashes::{Model, Numbers};
use crate::support::jobs::{assert_empty, jobs, wanted_at};
use crate::support::named::{self, Named};
use crate::support::process::{self, as_root, run_ok};
use crate::support::worker;
use crate::support::{payload, wait};

const ZONES: u32 = 6;
/// The port of named on its end of the link.
const PORT: u16 = 5353;
/// A worker may be in the middle of an exchange that is lost (10 s) and leave the primary alone then (18 s).
const PATIENCE: Duration = Duration::from_secs(90);

#[track_caller]
fn root(line: &str) -> String {
    let words = as_root(line);
    run_ok(words[0], &words[1..])
}

/// How long packets are under way, in milliseconds, and by how much that differs.
#[derive(Clone, Copy)]
struct Delay(u32, u32);

/// A network namespace with a link to where the servers are. It goes when dropped.
struct Network {
    name: String,
    /// The servers' end of the link.
    link: String,
    /// The address of that end.
    address: String,
    /// What holds packets.
    holder: Option<Child>,
}

impl Network {
    #[track_caller]
    fn make(delay: Option<Delay>) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = id() * 2 + COUNT.fetch_add(1, Ordering::Relaxed) % 2;
        let (name, link) = (format!("nsbridge-{number}"), format!("nsb{number}"));
        // Of the range for tests of networks (RFC 2544), a /30 by the process.
        let (third, fourth) = (number / 64 % 256, number % 64 * 4);
        let address = |host: u32| format!("198.18.{third}.{}", fourth + host);
        root(&format!("ip netns add {name}"));
        let mut network = Self {
            name: name.clone(),
            link: link.clone(),
            address: address(1),
            holder: None,
        };
        let peer = format!("{link}-peer");
        match delay {
            None => {
                root(&format!("ip link add {link} type veth peer name {peer}"));
            }
            Some(delay) => network.holder = Some(hold_packets(&link, &peer, delay)),
        }
        root(&format!("ip link set {peer} netns {name}"));
        root(&format!("ip addr add {}/30 dev {link}", address(1)));
        root(&format!("ip link set {link} up"));
        root(&format!(
            "ip -n {name} addr add {}/30 dev {peer}",
            address(2)
        ));
        root(&format!("ip -n {name} link set {peer} up"));
        network
    }

    fn set_link(&self, state: &str) {
        root(&format!("ip link set {} {state}", self.link));
    }

    /// Adds a rule of iptables in the namespace.
    fn rule(&self, rule: &str) {
        root(&format!("ip netns exec {} iptables -A {rule}", self.name));
    }

    /// The network is whole again.
    fn mend(&self) {
        root(&format!("ip netns exec {} iptables -F", self.name));
        self.set_link("up");
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // With the namespace goes its end of the link, and with that the other one.
        root(&format!("ip netns delete {}", self.name));
        if let Some(mut holder) = self.holder.take() {
            // Its input ends, and so does it.
            drop(holder.stdin.take());
            holder.wait().ok();
        }
    }
}

/// Two devices, and a program between them that holds packets.
#[track_caller]
fn hold_packets(one: &str, other: &str, Delay(milliseconds, jitter): Delay) -> Child {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/queue/delay.py");
    let line = format!("python3 {script} {one} {other} {milliseconds} {jitter}");
    let words = as_root(&line);
    let started = Command::new(words[0])
        .args(&words[1..])
        .stdin(Stdio::piped())
        .spawn();
    let holder = started.unwrap_or_else(|error| process::cannot_start("python3", &error));
    wait::until("the devices are there", || {
        let is_there = |name: &str| Path::new("/sys/class/net").join(name).exists();
        is_there(one) && is_there(other)
    });
    holder
}

/// What happened to a network, and how many calls it made late.
#[derive(Debug, Default)]
struct Troubles {
    cuts: u32,
    losses: u32,
    resets: u32,
    late: u32,
}

/// Makes calls over a network that has trouble, each within `moment` of the beginning of a call, and asserts that in the
/// end the newest payloads are there and nothing waits.
#[track_caller]
fn endure(network: &Network, calls: u32, deadline_seconds: u32, moment: Duration) -> Troubles {
    let zones = (1..=ZONES).map(|number| named::Zone::dynamic(&format!("z{number}.test"), ""));
    let listen = format!("listen-on port {PORT} {{ {}; }};", network.address);
    let builder = Named::builder().options(&listen);
    let named = zones.fold(builder, named::Builder::zone).start();
    let address = format!("{}:{PORT}", network.address);
    let inside = format!("ip netns exec {}", network.name);
    let bridge = Bridge::of(&named)
        .deadline_seconds(deadline_seconds)
        .set_text("primaries.main", "address", &address)
        .within(&as_root(&inside));
    let worker = worker::start(&bridge);

    let (mut numbers, mut model) = (Numbers(7), Model::default());
    let mut troubles = Troubles::default();
    for second in 1..=calls {
        let first = 1 + u32::try_from(numbers.below(ZONES.into())).expect("a small number");
        let zones = [first, 1 + first % ZONES];
        let commands = zones.map(|zone| wanted_at(zone, second).update());
        let call = bridge.start(&["plesk"], payload::call(&commands));
        let microseconds = u64::try_from(moment.as_micros()).expect("a short time");
        std::thread::park_timeout(Duration::from_micros(numbers.below(microseconds)));
        match numbers.below(8) {
            0 => {
                network.set_link("down");
                troubles.cuts += 1;
            }
            1 => {
                let lose = "-m statistic --mode random --probability 0.3 -j DROP";
                network.rule(&format!("INPUT {lose}"));
                network.rule(&format!("OUTPUT {lose}"));
                troubles.losses += 1;
            }
            2 => {
                network.rule(&format!(
                    "OUTPUT -p tcp --dport {PORT} -j REJECT --reject-with tcp-reset"
                ));
                troubles.resets += 1;
            }
            3..6 => network.mend(),
            _ => {}
        }
        let run = call.end();
        match run.status {
            Some(0) => {}
            Some(75) => troubles.late += 1,
            status => panic!("status {status:?}: {run:#?}"),
        }
        for zone in zones {
            model.handed_over(zone, second);
        }
    }
    network.mend();
    let done = wait::until_some(PATIENCE, || jobs(&bridge).is_empty().then_some(()));
    assert!(done.is_some(), "what waits: {:#?}", jobs(&bridge));
    worker::stop(worker);
    model.assert_on(&named);
    assert_empty(&bridge);
    troubles
}

impl Troubles {
    /// Asserts that there were so many of each.
    #[track_caller]
    fn assert_each(&self, least: u32) {
        let each = [self.cuts, self.losses, self.resets, self.late];
        assert!(each.iter().all(|count| *count >= least), "{self:?}");
    }
}

#[test]
fn over_a_network_that_loses_cuts_and_resets_the_newest_payloads_arrive() {
    const CALLS: u32 = 60;
    let network = Network::make(None);
    // A call takes some ten milliseconds: what happens meets its transfer or its update.
    let troubles = endure(&network, CALLS, 1, Duration::from_millis(20));
    println!("{CALLS} calls; {troubles:?}");
    troubles.assert_each(3);
}

#[test]
fn over_a_network_that_is_slow_and_bad_the_newest_payloads_arrive() {
    const CALLS: u32 = 24;
    let network = Network::make(Some(Delay(15, 10)));
    // The way there and back takes 30 ms; a call goes it some five times.
    let troubles = endure(&network, CALLS, 2, Duration::from_millis(200));
    println!("{CALLS} calls; {troubles:?}");
    troubles.assert_each(1);
}
