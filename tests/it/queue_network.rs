//! Nothing is lost over a bad network: nsbridge in a network namespace of its own, before a real named, with
//! packets that are lost, a link that is cut at any time, and connections that are reset.
//!
//! The namespace and its link are made by the test, so this needs root, or sudo without a password.

use std::process::id;
use std::time::Duration;

use crate::bridge::Bridge;
use crate::named::{self, Named};
use crate::process::{as_root, run_ok};
use crate::queue::{assert_empty, jobs, wanted_at};
use crate::queue_crash::{Model, Numbers};
use crate::serve;
use crate::{payload, wait};

const ZONES: u32 = 6;
const CALLS: u32 = 60;
/// The port of named on its end of the link.
const PORT: u16 = 5353;
/// A worker may be in the middle of an exchange that is lost (10 s) and leave the primary alone then (18 s).
const PATIENCE: Duration = Duration::from_secs(90);

#[track_caller]
fn root(line: &str) -> String {
    let words = as_root(line);
    run_ok(words[0], &words[1..])
}

/// A network namespace with a link to where the servers are. It goes when dropped.
struct Network {
    name: String,
    /// The servers' end of the link.
    link: String,
    /// The address of that end.
    address: String,
}

impl Network {
    #[track_caller]
    fn make() -> Self {
        let (name, link) = (format!("nsbridge-{}", id()), format!("nsb{}", id()));
        // Of the range for tests of networks (RFC 2544), a /30 by the process.
        let (third, fourth) = (id() / 64 % 256, id() % 64 * 4);
        let address = |host: u32| format!("198.18.{third}.{}", fourth + host);
        let network = Self {
            name: name.clone(),
            link: link.clone(),
            address: address(1),
        };
        root(&format!("ip netns add {name}"));
        root(&format!(
            "ip link add {link} type veth peer name peer netns {name}"
        ));
        root(&format!("ip addr add {}/30 dev {link}", address(1)));
        root(&format!("ip link set {link} up"));
        root(&format!("ip -n {name} addr add {}/30 dev peer", address(2)));
        root(&format!("ip -n {name} link set peer up"));
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
    }
}

#[test]
fn over_a_network_that_loses_cuts_and_resets_the_newest_payloads_arrive() {
    let network = Network::make();
    let zones = (1..=ZONES).map(|number| named::Zone::dynamic(&format!("z{number}.test"), ""));
    let listen = format!("listen-on port {PORT} {{ {}; }};", network.address);
    let builder = Named::builder().options(&listen);
    let named = zones.fold(builder, named::Builder::zone).start();
    let address = format!("{}:{PORT}", network.address);
    let inside = format!("ip netns exec {}", network.name);
    let bridge = Bridge::of(&named)
        .deadline_seconds(1)
        .set_text("primaries.main", "address", &address)
        .within(&as_root(&inside));
    let worker = serve::start(&bridge);

    let (mut numbers, mut model) = (Numbers(7), Model::default());
    let (mut cuts, mut losses, mut resets, mut late) = (0, 0, 0, 0);
    for second in 1..=CALLS {
        let first = 1 + u32::try_from(numbers.below(ZONES.into())).expect("a small number");
        let zones = [first, 1 + first % ZONES];
        let commands = zones.map(|zone| wanted_at(zone, second).update());
        let call = bridge.start(&["plesk"], payload::call(&commands));
        // A call takes some ten milliseconds: what happens now meets its transfer or its update.
        std::thread::park_timeout(Duration::from_micros(numbers.below(20_000)));
        match numbers.below(8) {
            0 => {
                network.set_link("down");
                cuts += 1;
            }
            1 => {
                let lose = "-m statistic --mode random --probability 0.3 -j DROP";
                network.rule(&format!("INPUT {lose}"));
                network.rule(&format!("OUTPUT {lose}"));
                losses += 1;
            }
            2 => {
                network.rule(&format!(
                    "OUTPUT -p tcp --dport {PORT} -j REJECT --reject-with tcp-reset"
                ));
                resets += 1;
            }
            3..6 => network.mend(),
            _ => {}
        }
        let run = call.end();
        match run.status {
            Some(0) => {}
            Some(75) => late += 1,
            status => panic!("status {status:?}: {run:#?}"),
        }
        for zone in zones {
            model.handed_over(zone, second);
        }
    }
    network.mend();
    let done = wait::until_some(PATIENCE, || jobs(&bridge).is_empty().then_some(()));
    assert!(done.is_some(), "what waits: {:#?}", jobs(&bridge));
    serve::stop(worker);
    model.assert_on(&named);
    assert_empty(&bridge);
    println!("{CALLS} calls, {late} of them late; {cuts} cuts, {losses} losses, {resets} resets");
    assert!(cuts > 2 && losses > 2 && resets > 2 && late > 2);
}
