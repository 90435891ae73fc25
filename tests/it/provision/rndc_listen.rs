//! The address at which BIND fetches a new zone's first contents, where others keep it busy or BIND believes that it
//! is unreachable.

use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::bridge::Bridge;
use crate::support::named::Named;
use crate::support::payload;
use crate::support::ports::Port;
use crate::support::server::Server as _;
use crate::support::wanted::{Wanted, zone};
use crate::support::{message, wait};

const PROVISION: &str = "primaries.main.provision";

/// Connections that one stranger holds at a time.
const HELD: usize = 400;

fn wanted(name: &str) -> Wanted {
    zone(name, "@ NS ns1.example.net. | www A 192.0.2.7")
}

fn listening(named: &Named, ports: &str) -> Bridge {
    let listen = format!("127.0.0.1:{ports}");
    Bridge::of(named)
        .seed(named)
        .set_text(PROVISION, "listen", &listen)
}

/// Two ports beside each other, as a range.
fn range() -> ([Port; 2], String) {
    let ports = Port::claim_pair();
    let range = format!("{}-{}", ports[0].number(), ports[1].number());
    (ports, range)
}

/// Makes BIND believe that this port is unreachable: it answers over UDP and refuses connections.
#[track_caller]
fn make_unreachable(named: &Named, port: u16) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).expect("the port is free");
    let limit = Some(Duration::from_millis(50));
    socket.set_read_timeout(limit).expect("a socket");
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut query = [0; 4096];
            while !is_over.load(Ordering::Relaxed) {
                if let Ok((octets, peer)) = socket.recv_from(&mut query) {
                    let soa = message::soa("lost.test", 7);
                    let answer = message::answer(&query[..octets], 0, &[soa]);
                    socket.send_to(&answer, peer).expect("a datagram");
                }
            }
        });
        let secondary = format!(
            "{{ type secondary; file \"lost.db\"; primaries {{ 127.0.0.1 port {port}; }}; }};"
        );
        named.rndc(&["addzone", "lost.test", &secondary]);
        wait::until("BIND knows that it cannot connect", || {
            named.rndc(&["retransfer", "lost.test"]);
            named.log().contains("is unreachable (cached)")
        });
        named.rndc(&["delzone", "-clean", "lost.test"]);
        is_over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn those_who_connect_and_say_nothing_do_not_keep_bind_away() {
    let named = Named::builder().start();
    let [port, _] = Port::claim_pair();
    let bridge = listening(&named, &port.number().to_string());
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut held = std::collections::VecDeque::new();
                while !is_over.load(Ordering::Relaxed) {
                    let connection = TcpStream::connect((Ipv4Addr::LOCALHOST, port.number()));
                    held.extend(connection);
                    if held.len() > HELD {
                        held.pop_front();
                    }
                }
            });
        }
        let runs = ["a.test", "b.test", "c.test"].map(|name| bridge.plesk(wanted(name).call()));
        is_over.store(true, Ordering::Relaxed);
        for run in runs {
            run.assert_status(0).assert_stderr("");
        }
    });
    wanted("c.test").assert_on(&named);
}

#[test]
fn a_call_with_few_file_descriptors_leaves_the_port_usable() {
    let named = Named::builder().start();
    let [port, _] = Port::claim_pair();
    let bridge = listening(&named, &port.number().to_string())
        .without_dry_run("a run with few file descriptors may fail");
    for count in [16, 20, 22, 24, 26, 28, 30, 34] {
        let few = listening(&named, &port.number().to_string())
            .without_dry_run("a run with few file descriptors may fail")
            .deadline_seconds(4)
            .within(&["prlimit", &format!("--nofile={count}")]);
        let names = (0..8).map(|index| format!("z{index}.few{count}.test"));
        let zones: Vec<_> = names.map(|name| wanted(&name).update()).collect();
        few.run(&["plesk"], payload::call(&zones));
    }
    assert!(
        !named.log().contains("is unreachable (cached)"),
        "BIND holds the port for unreachable"
    );
    bridge
        .plesk(wanted("many.test").call())
        .assert_status(0)
        .assert_stderr("");
    wanted("many.test").assert_on(&named);
}

#[test]
fn another_port_of_the_range_is_used_while_one_is_taken() {
    let named = Named::builder().start();
    let (ports, range) = range();
    let bridge = listening(&named, &range);
    for taken in &ports {
        let address = (Ipv4Addr::LOCALHOST, taken.number());
        let _tcp = TcpListener::bind(address).expect("the port is free");
        let name = format!("without{}.test", taken.number());
        let run = bridge.plesk(wanted(&name).call());
        run.assert_status(0).assert_stderr("");
        wanted(&name).assert_on(&named);
    }
}

#[test]
fn a_port_that_bind_holds_for_unreachable_is_named_and_another_of_the_range_is_used() {
    let named = Named::builder().start();
    let (ports, range) = range();
    make_unreachable(&named, ports[0].number());
    let port = ports[0].number().to_string();
    let single = listening(&named, &port).without_dry_run("a dry run asks BIND for nothing");
    single
        .plesk(wanted("single.test").call())
        .assert_status(75)
        .assert_code("NB-CONTENTS-NOT-TRANSFERRED");
    let bridge = listening(&named, &range);
    // One of two processes begins with the port that is lost.
    for name in ["a.test", "b.test", "c.test"] {
        bridge
            .plesk(wanted(name).call())
            .assert_status(0)
            .assert_stderr("");
        wanted(name).assert_on(&named);
    }
}
