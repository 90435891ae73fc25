//! PTR values that were added here: they are known as ours whatever became of the answers, and whoever
//! else of ours is at work.

use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use pretty_assertions::assert_eq;
use rusqlite::Connection;

use crate::support::bridge::Bridge;
use crate::support::dig;
use crate::support::jobs::{edit, jobs};
use crate::support::keys::Key;
use crate::support::message::{is_update, with_other_mac};
use crate::support::named::{Named, Zone};
use crate::support::nsupdate::nsupdate;
use crate::support::payload::{call, create_ptr, delete_ptr};
use crate::support::reverse::ptr;
use crate::support::scripted::{Scripted, Upstream};
use crate::support::server::Server as _;
use crate::support::wait;
use crate::support::wanted::zone;

const REVERSE: &str = "2.0.192.in-addr.arpa";
const OWNER: &str = "5.2.0.192.in-addr.arpa";

/// A server with a host in `example.com`, which has an address, and the reverse zone of that.
fn server() -> Named {
    Named::builder()
        .zone(Zone::dynamic("example.com", "www A 192.0.2.5"))
        .zone(Zone::dynamic(REVERSE, ""))
        .start()
}

/// nsbridge before whatever listens on a port.
fn bridge(named: &Named, port: u16) -> Bridge {
    Bridge::at(port, named.key_file()).ptr_networks(&["192.0.2.0/24"])
}

/// Asserts that the value is known as ours: it goes when its host has the address no more.
#[track_caller]
fn assert_ours(named: &Named, bridge: &Bridge, host: &str) {
    assert_eq!(dig::short(named, OWNER, "PTR"), [format!("{host}.")]);
    nsupdate(named, &format!("update delete {host} A"));
    ptr(bridge, "sync example.com")
        .assert_status(0)
        .assert_stderr("");
    assert!(dig::short(named, OWNER, "PTR").is_empty());
}

#[test]
fn a_value_whose_answer_is_not_to_be_trusted_is_ours() {
    let named = server();
    let is_spoiled = AtomicBool::new(false);
    let proxy = Scripted::proxy(named.port(), move |question, answer| {
        let spoil = is_update(question) && !is_spoiled.swap(true, Ordering::SeqCst);
        Some(if spoil {
            with_other_mac(answer)
        } else {
            answer
        })
    });
    let bridge = bridge(&named, proxy.port());
    ptr(&bridge, "add 192.0.2.5 www.example.com")
        .assert_status(75)
        .assert_code("NB-RESPONSE-FORGED");
    bridge
        .run(&["queue", "retry", "--all"], "")
        .assert_status(0);
    assert_ours(&named, &bridge, "www.example.com");
}

#[test]
fn a_value_that_comes_late_by_an_update_without_an_answer_is_ours() {
    let named = server();
    let port = named.port();
    let held = Mutex::new(None);
    let is_over = AtomicBool::new(false);
    let peer = Scripted::start(move |conversation| {
        let mut upstream = Upstream::connect(port);
        while let Some(request) = conversation.read() {
            if is_update(&request) && !is_over.load(Ordering::SeqCst) {
                let before = held.lock().unwrap().take();
                let Some(before) = before else {
                    *held.lock().unwrap() = Some(request);
                    return; // closes; the server has not got it yet
                };
                is_over.store(true, Ordering::SeqCst);
                upstream.exchange(&before);
            }
            let answer = upstream.exchange(&request);
            conversation.write(&answer);
        }
    });
    // Read from the server itself, since a transfer has several answers.
    let bridge = bridge(&named, peer.port());
    ptr(&bridge, "add 192.0.2.5 www.example.com")
        .assert_status(0)
        .assert_stderr("");
    let bridge = bridge.primary("main", port, "plesk", named.key_file());
    assert_ours(&named, &bridge, "www.example.com");
}

#[test]
fn a_value_that_another_process_brings_back_stays_ours() {
    let named = server();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_port = silent.local_addr().unwrap().port();
    let bridge = bridge(&named, named.port())
        .ptr_networks(&["192.0.2.0/24", "203.0.113.0/24"])
        .primary("silent", silent_port, "plesk", named.key_file())
        .route("113.0.203.in-addr.arpa", "silent")
        .deadline_seconds(6)
        .set_text("ptr", "existing", "replace");
    let ours = || create_ptr("192.0.2.5", "www.example.com");
    bridge.plesk(call(&[ours()])).assert_status(0);
    // Another host gets the address, in a call that goes on with an address whose primary is silent.
    let other = create_ptr("192.0.2.5", "mail.example.com");
    let lingering = call(&[other, create_ptr("203.0.113.5", "www.example.com")]);
    let mut lingering = bridge.start(&["plesk"], lingering);
    wait::until("the value is replaced", || {
        dig::short(&named, OWNER, "PTR") == ["mail.example.com."]
    });
    bridge.plesk(call(&[ours()])).assert_status(0);
    assert!(lingering.is_running());
    lingering.finish().assert_status(75);
    let bridge = bridge.ptr_networks(&["192.0.2.0/24"]);
    // Else it is tried again by who comes now.
    let waiting = "203.0.113.5 PTR www.example.com.";
    bridge.run(&["queue", "drop", waiting], "").assert_status(0);
    assert_ours(&named, &bridge, "www.example.com");
}

#[test]
fn a_newer_word_on_a_value_takes_the_place_of_an_older_one_however_it_is_written() {
    let mut named = server();
    let bridge = bridge(&named, named.port());
    named.stop();
    let create = call(&[create_ptr("192.0.2.5", "WWW.example.com")]);
    bridge.plesk(create).assert_status(75);
    let delete = call(&[delete_ptr("192.0.2.5", "www.Example.com")]);
    bridge.plesk(delete).assert_status(75);
    let waiting = jobs(&bridge);
    let subjects: Vec<_> = waiting.iter().map(|job| job["subject"].as_str()).collect();
    assert_eq!(subjects, [Some("192.0.2.5 PTR www.example.com.")]);
}

#[test]
fn a_value_that_was_added_on_another_primary_is_not_ours_on_this_one() {
    let named = server();
    let former = Named::builder()
        .key(named.key().clone())
        .zone(Zone::dynamic(REVERSE, ""))
        .start();
    let before = bridge(&named, named.port())
        .primary("former", former.port(), "plesk", named.key_file())
        .route(REVERSE, "former");
    ptr(&before, "add 192.0.2.5 www.example.com").assert_status(0);
    // The zone has moved, and somebody has put the value there, too.
    let queue = before.file("state/queue.db");
    let after = bridge(&named, named.port()).set_text("queue", "path", &queue.to_string_lossy());
    nsupdate(
        &named,
        &format!("zone {REVERSE}\nupdate add {OWNER} 300 PTR www.example.com"),
    );
    nsupdate(&named, "update delete www.example.com A");
    ptr(&after, "sync example.com")
        .assert_status(0)
        .assert_codes(&["NB-PTR-OTHER-ADDRESS"]);
    assert_eq!(dig::short(&named, OWNER, "PTR"), ["www.example.com."]);
    // What a primary has that would not be asked to remove it is not looked at.
    let elsewhere = after
        .primary("former", former.port(), "plesk", named.key_file())
        .route(OWNER, "former");
    ptr(&elsewhere, "sync --prune example.com")
        .assert_status(0)
        .assert_stderr("");
    assert_eq!(dig::short(&named, OWNER, "PTR"), ["www.example.com."]);
}

#[test]
fn a_memory_that_cannot_be_read_is_an_error() {
    let named = server();
    let bridge = bridge(&named, named.port());
    ptr(&bridge, "sync example.com").assert_status(0);
    // As a later version might write it.
    let change = "UPDATE ptr SET address = 'none' WHERE hostname = 'www.example.com.'";
    assert_eq!(edit(&bridge, change, []), 1);
    nsupdate(
        &named,
        "update delete www.example.com A\nupdate add www.example.com 60 A 192.0.2.6",
    );
    for arguments in ["sync example.com", "sync --dry-run example.com"] {
        ptr(&bridge, arguments)
            .assert_status(75)
            .assert_stdout("")
            .assert_codes(&["NB-QUEUE-FILE-DAMAGED"]);
    }
    assert_eq!(dig::short(&named, OWNER, "PTR"), ["www.example.com."]);
}

#[test]
fn a_damaged_value_is_named_until_prune_forgets_it_and_nothing_goes_because_of_it() {
    let named = Named::builder()
        .zone(Zone::dynamic(
            "example.com",
            "www A 192.0.2.5\nmail A 192.0.2.9",
        ))
        .zone(Zone::dynamic(REVERSE, ""))
        .start();
    let bridge = bridge(&named, named.port());
    ptr(&bridge, "sync example.com").assert_status(0);
    let file = Connection::open(bridge.file("state/queue.db")).expect("the queue's file");
    // The value of somebody else.
    let damage = "UPDATE ptr SET address = '192.0.2.4' WHERE hostname = 'www.example.com.'";
    assert_eq!(file.execute(damage, []).unwrap(), 1);
    let foreign = format!("zone {REVERSE}\nupdate add 4.{REVERSE} 60 PTR www.example.com");
    nsupdate(&named, &foreign);
    nsupdate(
        &named,
        "update delete www.example.com A\nupdate add www.example.com 60 A 192.0.2.6",
    );
    nsupdate(&named, "update delete mail.example.com A");
    let values =
        || ["4", "5", "6", "9"].map(|it| dig::short(&named, &format!("{it}.{REVERSE}"), "PTR"));
    let host = || vec!["www.example.com.".to_owned()];
    for arguments in ["sync --dry-run example.com", "sync example.com"] {
        let run = ptr(&bridge, arguments);
        run.assert_code_with(
            "NB-PTR-VALUE-DAMAGED",
            "1 PTR value, such as `192.0.2.4 www.example.com. main`",
        );
        run.assert_codes(&[
            "NB-PTR-VALUE-DAMAGED",
            "NB-PTR-OTHER-ADDRESS",
            "NB-PTR-OTHER-ADDRESS",
        ]);
    }
    // The other value went, as it should.
    assert_eq!(values(), [host(), host(), host(), vec![]]);
    let page = bridge.run(&["status"], "");
    page.assert_status(1)
        .assert_prints("! damaged in the queue file: 1 PTR value");
    ptr(&bridge, "sync --dry-run --prune example.com").assert_code("NB-PTR-VALUE-DAMAGED");
    ptr(&bridge, "sync --prune example.com")
        .assert_status(0)
        .assert_codes(&["NB-PTR-VALUE-DAMAGED"]);
    assert_eq!(values(), [vec![], vec![], host(), vec![]]);
    bridge.run(&["status"], "").assert_codes(&[]);
    ptr(&bridge, "sync --prune example.com")
        .assert_status(0)
        .assert_codes(&[]);
}

#[test]
fn a_value_that_was_added_here_goes_without_a_transfer() {
    let policy = "grant plesk zonesub ANY; grant witness zonesub ANY;";
    let named = Named::builder()
        .key(Key::new("witness"))
        .key(Key::new("plesk"))
        .zone(Zone::with_policy("example.com", "", policy))
        .zone(Zone::with_policy(REVERSE, "7 PTR www.example.com.", policy))
        .start();
    let bridge = Bridge::at(named.port(), named.key_file_of("plesk"))
        .ptr_networks(&["192.0.2.0/24"])
        .set_text("primaries.main", "read", "memory");
    let deliver = |address: &str| {
        let records = format!("@ NS ns1.example.net. | www A {address}");
        bridge
            .plesk(zone("example.com", &records).call())
            .assert_status(0);
    };
    deliver("192.0.2.5");
    ptr(&bridge, "sync example.com")
        .assert_status(0)
        .assert_codes(&["NB-PTR-ZONE-FROM-MEMORY"])
        .assert_code_with("NB-PTR-ZONE-FROM-MEMORY", "2.0.192.in-addr.arpa.");
    assert_eq!(dig::short(&named, OWNER, "PTR"), ["www.example.com."]);
    deliver("192.0.2.6");
    let run = ptr(&bridge, "sync --dry-run example.com");
    run.assert_status(1)
        .assert_codes(&["NB-PTR-ZONE-FROM-MEMORY"]);
    assert_eq!(run.stdout.matches("\n- ").count(), 1, "{}", run.stdout);
    ptr(&bridge, "sync example.com")
        .assert_status(0)
        .assert_codes(&["NB-PTR-ZONE-FROM-MEMORY"]);
    assert!(dig::short(&named, OWNER, "PTR").is_empty());
    let six = "6.2.0.192.in-addr.arpa";
    assert_eq!(dig::short(&named, six, "PTR"), ["www.example.com."]);
    // That of somebody else is not known, and stays.
    let seven = "7.2.0.192.in-addr.arpa";
    ptr(&bridge, "sync --prune example.com").assert_status(0);
    assert_eq!(dig::short(&named, seven, "PTR"), ["www.example.com."]);
}
