//! The memory of what was delivered, where processes overlap and creations fail: it forgets nothing
//! of ours and takes nothing of others.

use std::net::TcpListener;

use pretty_assertions::assert_eq;

use crate::support::bridge::{Bridge, Going};
use crate::support::named::{Named, View, Zone};
use crate::support::server::{Kind, Server, scenario};
use crate::support::wanted::make_by_hand;
use crate::support::wanted::{fresh, zone};
use crate::support::{dig, payload, wait};

const APEX: &str = "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1";

/// Sends zones below `slow.test` to a primary that never answers.
fn with_silent_primary(server: &dyn Server, bridge: Bridge) -> (Bridge, TcpListener) {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let bridge = bridge
        .primary("silent", port, "plesk", server.key_file())
        .route("slow.test", "silent")
        .deadline_seconds(6);
    (bridge, silent)
}

/// Starts a call with this command and a zone whose primary is silent, so that the process stays
/// after it has carried out the command.
fn start_lingering(bridge: &Bridge, command: serde_json::Value) -> Going {
    let slow = zone("z.slow.test", "@ NS ns1.example.net.").update();
    bridge.start(&["plesk"], payload::call(&[command, slow]))
}

scenario!(a_record_that_another_process_brings_back_stays_ours);
fn a_record_that_another_process_brings_back_stays_ours(kind: Kind) {
    let (server, bridge) = kind.by_hand("");
    let (bridge, _silent) = with_silent_primary(&server, bridge);
    let with = zone("example.com", &format!("{APEX} | www A 192.0.2.7"));
    let without = zone("example.com", APEX);
    bridge.plesk(with.call()).assert_status(0);
    let mut lingering = start_lingering(&bridge, without.update());
    wait::until("the record is gone", || {
        dig::short(&server, "www.example.com", "A").is_empty()
    });
    bridge.plesk(with.call()).assert_status(0);
    assert!(lingering.is_running());
    lingering.finish().assert_status(75);
    with.assert_on(&server);
    bridge.plesk(without.call()).assert_status(0);
    without.assert_on(&server);
}

scenario!(a_zone_that_another_process_makes_anew_stays_ours);
fn a_zone_that_another_process_makes_anew_stays_ours(kind: Kind) {
    let (server, bridge) = kind.fresh();
    let (bridge, _silent) = with_silent_primary(&server, bridge);
    let wanted = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
    bridge.plesk(wanted.call()).assert_status(0);
    let mut lingering = start_lingering(&bridge, payload::delete("example.com"));
    wait::until("the zone is gone", || {
        !dig::has_zone(&server, "example.com")
    });
    bridge.plesk(wanted.call()).assert_status(0);
    assert!(lingering.is_running());
    lingering.finish().assert_status(75);
    wanted.assert_on(&server);
    bridge
        .plesk(payload::call(&[payload::delete("example.com")]))
        .assert_status(0)
        .assert_stdout("example.com.: deleted on main (127.0.0.1:PORT)\n");
    assert!(!dig::has_zone(&server, "example.com"));
}

#[test]
fn a_zone_that_could_not_be_loaded_and_was_repaired_by_hand_is_not_ours() {
    let mut named = Named::builder()
        .zone(Zone::dynamic("example.com", "bad A 192.0.2.300"))
        .start();
    let bridge = Bridge::of(&named).seed(&named).deadline_seconds(2);
    let wanted = zone("example.com", APEX);
    bridge.plesk(wanted.call()).assert_status(75);
    let file = named.file("example.com.db");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("192.0.2.300", "192.0.2.30")).unwrap();
    named.restart();
    bridge.plesk(wanted.call()).assert_status(0);
    bridge
        .plesk(payload::call(&[payload::delete("example.com")]))
        .assert_status(0);
    assert_eq!(dig::short(&named, "bad.example.com", "A"), ["192.0.2.30"]);
}

#[test]
fn a_zone_that_nsbridge_could_not_make_and_that_was_made_by_hand_is_not_ours() {
    let named = Named::builder().closed_to_new_zones().start();
    let bridge = Bridge::of(&named).seed(&named).adopting();
    let wanted = zone("example.com", APEX);
    bridge.plesk(wanted.call()).assert_status(69);
    // The operator makes it, on a server that has it in its named.conf.
    let other = Named::builder()
        .key(named.key().clone())
        .zone(Zone::dynamic("example.com", "hand A 192.0.2.30"))
        .start();
    let bridge = bridge
        .primary("main", other.port(), "plesk", other.key_file())
        .seed(&other);
    bridge.plesk(wanted.call()).assert_status(0);
    bridge
        .plesk(payload::call(&[payload::delete("example.com")]))
        .assert_status(0);
    assert_eq!(dig::short(&other, "hand.example.com", "A"), ["192.0.2.30"]);
}

#[test]
fn a_zone_of_ours_that_is_loaded_late_stays_ours() {
    let (mut named, bridge) = fresh();
    let wanted = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
    bridge.plesk(wanted.call()).assert_status(0);
    named.stop();
    let files = std::fs::read_dir(named.file("")).unwrap();
    let mut names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let is_zone = |name: &String| name.starts_with("example.com.nsbridge-");
    let name = names.find(is_zone).unwrap();
    let (file, away) = (named.file(&name), named.file("away"));
    std::fs::rename(&file, &away).unwrap();
    named.restart();
    let going = bridge.start(&["plesk"], wanted.call());
    wait::until("the zone is asked for", || {
        let commands = named.control_commands();
        commands
            .iter()
            .any(|command| command.starts_with("zonestatus"))
    });
    std::fs::rename(&away, &file).unwrap();
    named.rndc(&["reload", "example.com"]);
    going.finish().assert_status(0).assert_stderr("");
    bridge
        .plesk(payload::call(&[payload::delete("example.com")]))
        .assert_status(0)
        .assert_stdout("example.com.: deleted on main (127.0.0.1:PORT)\n");
}

#[test]
fn a_zone_in_a_view_that_our_key_does_not_reach_is_named_as_such() {
    let named = Named::builder()
        .view(View::new("inside", "match-clients { key {key}; };"))
        .view(View::new("outside", "match-clients { any; };"))
        .start();
    let bridge =
        Bridge::of(&named)
            .seed(&named)
            .set_text("primaries.main.provision", "view", "outside");
    let wanted = zone("example.com", "@ NS ns1.example.net.");
    bridge
        .plesk(wanted.call())
        .assert_status(69)
        .assert_error("example.com.", "NB-ZONE-HIDDEN");
}

#[test]
fn a_zone_of_ours_that_cannot_be_loaded_would_be_deleted_and_is() {
    let (mut named, bridge) = fresh();
    let wanted = zone("example.com", "@ NS ns1.example.net.");
    bridge.plesk(wanted.call()).assert_status(0);
    named.stop();
    for file in std::fs::read_dir(named.file("")).unwrap() {
        let file = file.unwrap();
        if file
            .file_name()
            .to_string_lossy()
            .starts_with("example.com.nsbridge-")
        {
            std::fs::remove_file(file.path()).unwrap();
        }
    }
    named.restart();
    let delete = payload::call(&[payload::delete("example.com")]);
    bridge
        .run(&["plesk", "--dry-run"], &delete)
        .assert_status(1)
        .assert_stdout(
            "example.com.: would be deleted on main (127.0.0.1:PORT)\n\
             total: 0 records to add, 0 records to remove, in 1 zone\n",
        );
    bridge
        .plesk(&delete)
        .assert_status(0)
        .assert_stdout("example.com.: deleted on main (127.0.0.1:PORT)\n");
}

#[test]
fn a_zone_made_by_hand_after_a_creation_was_killed_is_not_ours() {
    let (named, bridge) = fresh();
    let wanted = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
    let going = bridge.start(&["plesk"], wanted.call());
    wait::until("the creation has begun", || {
        let commands = named.control_commands();
        commands
            .iter()
            .any(|command| command.starts_with("addzone"))
    });
    going.signal("KILL");
    going.finish();
    wait::until("nothing is left of it", || {
        named.rndc(&["delzone", "-clean", "example.com"]);
        !dig::has_zone(&named, "example.com")
    });
    make_by_hand(&named, "example.com");
    bridge.plesk(wanted.call()).assert_status(0);
    let delete = payload::call(&[payload::delete("example.com")]);
    let emptied = "example.com.: 1 record removed; the zone is not nsbridge's alone, so it stays with its \
                   SOA and name servers on main (127.0.0.1:PORT)\n";
    bridge
        .plesk(&delete)
        .assert_status(0)
        .assert_stdout(emptied);
    assert_eq!(dig::short(&named, "hand.example.com", "A"), ["192.0.2.30"]);
}

#[test]
fn a_zone_made_by_hand_in_the_place_of_ours_is_not_ours() {
    let (named, bridge) = fresh();
    let wanted = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
    bridge.plesk(wanted.call()).assert_status(0);
    named.rndc(&["delzone", "-clean", "example.com"]);
    wait::until("the zone is gone", || !dig::has_zone(&named, "example.com"));
    make_by_hand(&named, "example.com");
    let delete = payload::call(&[payload::delete("example.com")]);
    bridge
        .run(&["plesk", "--dry-run"], &delete)
        .assert_status(0)
        .assert_stdout(
            "example.com.: no difference on main (127.0.0.1:PORT)\n\
             total: 0 records to add, 0 records to remove, in 0 zones\n",
        );
    bridge.plesk(&delete).assert_status(0);
    assert_eq!(dig::short(&named, "hand.example.com", "A"), ["192.0.2.30"]);
}

#[test]
fn an_update_that_meets_a_zone_in_the_making_waits_for_it() {
    let origin = Named::builder()
        .zone(Zone::dynamic("example.com", "old A 192.0.2.1"))
        .start();
    let named = Named::builder().key(origin.key().clone()).start();
    let bridge = Bridge::of(&named).seed(&named);
    // What another process of ours makes is a secondary for a moment; this one's maker was killed.
    let body = format!(
        "{{ type secondary; file \"example.com.nsbridge-plesk01-0000000000000001.db\"; \
         masterfile-format text; primaries {{ 127.0.0.1 port {} key \"plesk\"; }}; }};",
        origin.port()
    );
    let added = named.rndc(&["addzone", "example.com", &body]);
    assert_eq!(added.status, Some(0));
    wait::until("it has its contents", || {
        dig::has_zone(&named, "example.com")
    });
    let wanted = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
    bridge
        .plesk(wanted.call())
        .assert_status(0)
        .assert_stdout("example.com.: created with 3 records on main (127.0.0.1:PORT)\n");
    wanted.assert_on(&named);
}
