//! `nsbridge nsupdate --split-zones` where a route ends within a zone, and names that are looked for side by side.

use std::sync::atomic::{AtomicUsize, Ordering};

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::dig;
use crate::support::keys::Key;
use crate::support::message::is_update;
use crate::support::named::{Named, Zone};
use crate::support::scripted::{Scripted, Upstream};
use crate::support::server::Server as _;
use crate::support::wait;

/// Two servers with the same zone, each with a key of its own; names below `customers.a.test` are for the second.
fn two() -> (Named, Named, Bridge) {
    let zone = || Zone::dynamic("a.test", "");
    let first = Named::builder()
        .zone(zone())
        .zone(Zone::dynamic("b.test", ""))
        .start();
    let second = Named::builder().key(Key::new("two")).zone(zone()).start();
    let bridge = Bridge::of(&first)
        .primary("second", second.port(), "two", second.key_file())
        .route("customers.a.test", "second")
        // The same server by another route: the zone gets one message from it all the same.
        .route("z.a.test", "main");
    (first, second, bridge)
}

#[test]
fn nsupdate_asks_the_server_of_each_name_also_where_a_zone_has_several() {
    let (first, second, bridge) = two();
    let script = "add x.a.test 60 TXT 1\nadd y.customers.a.test 60 TXT 2\nadd z.a.test 60 TXT 3\n\
                  add customers.a.test 60 TXT 4\nadd z.b.test 60 TXT 5\nsend\n";
    for options in [&["--split-zones", "--output=json"][..], &["--durable"]] {
        let run = bridge.run(&[&["nsupdate"][..], options].concat(), script);
        run.assert_status(0).assert_stderr("");
        if options.len() == 2 {
            let line = |zone: &str, port: &str| {
                format!(
                    "{{\"line\":6,\"rcode\":\"NOERROR\",\"result\":\"done\",\"server\":\"127.0.0.1:{port}\",\
                     \"zone\":\"{zone}.\"}}\n"
                )
            };
            let lines = [
                line("a.test", "PORT"),
                line("a.test", "PORT-second"),
                line("b.test", "PORT"),
            ];
            run.assert_stdout(&lines.concat());
            // One message for each zone and server.
            assert_eq!(
                (first.updates_received(), second.updates_received()),
                (2, 1)
            );
        } else {
            // What goes through the queue goes the same ways.
            assert_eq!(run.stdout.matches("unchanged, there already").count(), 5);
        }
    }
    for (name, value) in [("x.a.test", "\"1\""), ("z.a.test", "\"3\"")] {
        assert_eq!(dig::short(&first, name, "TXT"), [value]);
        assert!(dig::short(&second, name, "TXT").is_empty());
    }
    for (name, value) in [
        ("y.customers.a.test", "\"2\""),
        ("customers.a.test", "\"4\""),
    ] {
        assert_eq!(dig::short(&second, name, "TXT"), [value]);
        assert!(dig::short(&first, name, "TXT").is_empty());
    }
    // A prerequisite guards nothing on another server, though the zone has the same name there.
    let script = "nxdomain n.a.test\nadd n.customers.a.test 60 TXT 1\nsend\n";
    bridge
        .run(&["nsupdate", "--split-zones"], script)
        .assert_status(2)
        .assert_stderr(
            "no update lies in a.test. on main, whose prerequisites guard no other zone; nothing was sent\n",
        );
    // A script that names its zone sends one message, to the server of the zone.
    let script = "zone a.test\nadd n.customers.a.test 60 TXT 1\nsend\n";
    let run = bridge.run(&["nsupdate", "--split-zones"], script);
    run.assert_status(0).assert_stderr("");
    assert_eq!(dig::short(&first, "n.customers.a.test", "TXT"), ["\"1\""]);
}

#[test]
fn nsupdate_keeps_the_names_of_each_key_apart_though_the_server_is_the_same() {
    let policy = "grant two subdomain customers.a.test ANY; grant plesk name x.a.test ANY;";
    let named = Named::builder()
        .key(Key::new("plesk"))
        .key(Key::new("two"))
        .zone(Zone::with_policy("a.test", "", policy))
        .start();
    let bridge = Bridge::at(named.port(), named.key_file_of("plesk"))
        .primary("second", named.port(), "two", named.key_file_of("two"))
        .route("customers.a.test", "second");
    let script = "add x.a.test 60 TXT 1\nadd y.customers.a.test 60 TXT 2\nsend\n";
    let run = bridge.run(&["nsupdate", "--split-zones"], script);
    run.assert_status(0).assert_stderr("");
    for (name, value) in [("x.a.test", "\"1\""), ("y.customers.a.test", "\"2\"")] {
        assert_eq!(dig::short(&named, name, "TXT"), [value]);
    }
}

/// A server that answers the questions about zones of so many at the same time, and not before.
fn behind_crowd(named: &Named, crowd: usize) -> Scripted {
    let (port, waiting) = (named.port(), AtomicUsize::new(0));
    Scripted::start(move |conversation| {
        let mut upstream = Upstream::connect(port);
        while let Some(request) = conversation.read() {
            if !is_update(&request) {
                waiting.fetch_add(1, Ordering::SeqCst);
                wait::until("all ask at once", || {
                    waiting.load(Ordering::SeqCst) >= crowd
                });
            }
            let answer = upstream.exchange(&request);
            conversation.write(&answer);
        }
    })
}

#[test]
fn nsupdate_looks_for_the_names_of_a_batch_side_by_side_and_speaks_in_their_order() {
    let zones = ["a.test", "b.test", "c.test", "d.test"];
    let mut builder = Named::builder();
    for zone in zones {
        builder = builder.zone(Zone::dynamic(zone, ""));
    }
    let named = builder.start();
    let peer = behind_crowd(&named, 8);
    let bridge = Bridge::at(peer.port(), named.key_file());
    let names: Vec<String> = (0..8).map(|n| format!("x{n}.{}", zones[n % 4])).collect();
    let lines = names.iter().map(|name| format!("add {name} 60 TXT 1\n"));
    let script = lines.collect::<String>() + "send\n";
    let run = bridge.run(&["nsupdate", "--split-zones", "-d"], &script);
    run.assert_status(0);
    let found = run
        .stderr
        .lines()
        .filter_map(|line| line.strip_prefix("Found zone name: "));
    assert_eq!(found.collect::<Vec<_>>(), [zones, zones].concat());
    for name in &names {
        assert_eq!(dig::short(&named, name, "TXT"), ["\"1\""], "{name}");
    }
    assert_eq!(named.updates_received(), 4);
}
