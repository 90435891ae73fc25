//! Zones that are deleted: with all that is theirs where they are ours, and of others just what was delivered.

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::named::{Named, Zone};
use crate::support::nsupdate::nsupdate;
use crate::support::server::{Kind, Server as _, scenario};
use crate::support::wanted::{fresh, zone};
use crate::support::{dig, payload};

#[test]
fn a_zone_made_by_hand_after_a_refusal_is_not_ours_to_delete() {
    let named = Named::builder().start();
    let bridge = Bridge::of(&named).rndc(&named, "file").adopting();
    let wanted = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
    bridge.plesk(wanted.call()).assert_status(69);
    add_by_hand(&named, "hand A 192.0.2.100\n");
    bridge.plesk(wanted.call()).assert_status(0);
    let run = bridge.plesk(payload::call(&[payload::delete("example.com")]));
    run.assert_status(0);
    run.assert_prints("is not nsbridge's alone");
    let stays = dig::content(&named, "example.com");
    assert!(
        stays.contains(&"hand.example.com. 60 IN A 192.0.2.100".to_owned()),
        "{stays:?}"
    );
}

/// Makes `example.com`, as a person may do it.
#[track_caller]
fn add_by_hand(named: &Named, records: &str) {
    named.put_zone_file("example.com", records);
    let options = "{ type primary; file \"example.com.db\"; \
                   update-policy { grant \"plesk\" zonesub ANY; }; };";
    let added = named.rndc(&["addzone", "example.com", options]);
    assert_eq!(added.status, Some(0));
}

#[test]
fn a_broken_zone_of_named_conf_is_not_ours_once_it_is_repaired() {
    let named = Named::builder()
        .zone(Zone::dynamic("example.com", "hand A nonsense"))
        .start();
    let bridge = Bridge::of(&named).seed(&named).deadline_seconds(2);
    let wanted = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
    bridge.plesk(wanted.call()).assert_status(75);
    let file = named.file("example.com.db");
    let broken = std::fs::read_to_string(&file).expect("the zone's file");
    let repaired = broken.replace("nonsense", "192.0.2.100");
    std::fs::write(&file, repaired).expect("the file is written");
    assert_eq!(named.rndc(&["reload", "example.com"]).status, Some(0));
    crate::support::wait::until("the zone is loaded", || {
        dig::has_zone(&named, "example.com")
    });
    bridge.plesk(wanted.call()).assert_status(0);
    let run = bridge.plesk(payload::call(&[payload::delete("example.com")]));
    run.assert_status(0);
    let stays = dig::content(&named, "example.com");
    assert!(
        stays.contains(&"hand.example.com. 3600 IN A 192.0.2.100".to_owned()),
        "{stays:?}"
    );
}

#[test]
fn a_zone_made_here_is_deleted_with_its_files() {
    let (named, bridge) = fresh();
    let wanted = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
    bridge.plesk(wanted.call()).assert_status(0);
    let more = zone("example.com", "@ NS ns1.example.net. | ftp A 192.0.2.7").sent(1);
    bridge.plesk(more.call()).assert_status(0);
    assert!(!named.zone_files("example.com").is_empty());
    let delete = payload::call(&[payload::delete("example.com")]);
    let gone = "example.com.: deleted on main (127.0.0.1:PORT)\n";
    bridge
        .plesk(&delete)
        .assert_status(0)
        .assert_stdout(gone)
        .assert_stderr("");
    assert!(!dig::has_zone(&named, "example.com"));
    crate::support::wait::until("named removes the zone's files", || {
        named.zone_files("example.com").is_empty()
    });
    let again = "example.com.: already gone on main (127.0.0.1:PORT)\n";
    bridge
        .plesk(&delete)
        .assert_status(0)
        .assert_stdout(again)
        .assert_stderr("");
    // Nothing of the first life is left in the second.
    bridge.plesk(wanted.clone().sent(2).call()).assert_status(0);
    wanted.assert_on(&named);
}

scenario!(a_zone_configured_by_hand_is_emptied_of_what_was_delivered: bind, powerdns, knot, templates);
fn a_zone_configured_by_hand_is_emptied_of_what_was_delivered(kind: Kind) {
    let server = kind.start(&[("example.com", "hand A 192.0.2.100")]);
    let bridge = server.provisioning(Bridge::of(&server)).adopting();
    let wanted = zone(
        "example.com",
        "@ NS ns9.example.net. | www A 192.0.2.7 | ftp A 192.0.2.8",
    );
    bridge.plesk(wanted.call()).assert_status(0);
    nsupdate(&server, "update add late.example.com 60 A 192.0.2.101");
    let delete = payload::call(&[payload::delete("example.com")]);
    bridge
        .plesk(&delete)
        .assert_status(0)
        .assert_stdout(
            "example.com.: 3 records removed; the zone is not nsbridge's alone, so it stays with \
             its SOA and name servers on main (127.0.0.1:PORT)\n",
        )
        .assert_stderr("");
    let stays = [
        "example.com. 86400 IN NS ns1.example.com.",
        "hand.example.com. 3600 IN A 192.0.2.100",
        "late.example.com. 60 IN A 192.0.2.101",
        "ns1.example.com. 3600 IN A 192.0.2.1",
    ];
    assert_eq!(dig::content(&server, "example.com"), stays);
    let run = bridge.plesk(&delete);
    run.assert_status(0);
    assert!(
        run.stdout.starts_with("example.com.: 0 records removed; "),
        "{}",
        run.stdout
    );
    assert_eq!(dig::content(&server, "example.com"), stays);
    // It was only asked whose the zone is.
    assert_eq!(server.commands_that_change(), [""; 0]);
}

scenario!(a_name_server_that_stays_keeps_its_address: bind, powerdns);
fn a_name_server_that_stays_keeps_its_address(kind: Kind) {
    let (server, bridge) = kind.by_hand("");
    // As in Plesk's own template: the name server is in the zone, and so delivered with it.
    let lines = "@ NS ns1.example.com. | ns1 A 192.0.2.1 | www A 192.0.2.7";
    bridge
        .plesk(zone("example.com", lines).call())
        .assert_status(0);
    let run = bridge.plesk(payload::call(&[payload::delete("example.com")]));
    run.assert_status(0).assert_stderr("");
    assert!(
        run.stdout.starts_with("example.com.: 1 record removed; "),
        "{}",
        run.stdout
    );
    zone("example.com", "@ NS ns1.example.com. | ns1 A 192.0.2.1").assert_on(&server);
}

scenario!(deleting_a_zone_that_never_was_is_no_fault: bind, powerdns, knot, templates);
fn deleting_a_zone_that_never_was_is_no_fault(kind: Kind) {
    for provisioned in [false, true] {
        let server = kind.start(&[]);
        let mut bridge = Bridge::of(&server);
        if provisioned {
            bridge = server.provisioning(bridge);
        }
        bridge
            .plesk(payload::call(&[payload::delete("example.com")]))
            .assert_status(0)
            .assert_stdout("example.com.: already gone on main (127.0.0.1:PORT)\n")
            .assert_stderr("");
    }
}

#[test]
fn a_zone_that_is_hidden_from_our_key_is_not_taken_for_gone() {
    let hidden = Zone::dynamic("example.com", "").option("allow-query { none; };");
    let named = Named::builder()
        .zone(hidden.option("allow-transfer { none; };"))
        .start();
    let bridge = Bridge::of(&named);
    bridge
        .plesk(payload::call(&[payload::delete("example.com")]))
        .assert_status(69)
        .assert_error("example.com.", "NB-TRANSFER-REFUSED");
}

/// What a loop in a panel, or somebody who has taken it over, deletes is bounded, whichever process does it.
#[test]
fn more_deletions_within_an_hour_than_allowed_are_held() {
    let named = Named::builder()
        .zone(Zone::dynamic("hand.example", ""))
        .start();
    let bridge = Bridge::of(&named)
        .seed(&named)
        .set_text("policy", "unowned-zones", "adopt")
        .set("policy", "deletions-max-per-hour", "2")
        .without_dry_run("which deletions of a call pass depends on their order");
    let names = ["a.example", "b.example", "c.example", "hand.example"];
    let lines = "@ 3600 NS ns1.hand.example. | ns1 3600 A 192.0.2.1 | www A 192.0.2.7";
    for name in names {
        bridge.plesk(zone(name, lines).call()).assert_status(0);
    }
    let delete = |names: &[&str]| {
        let commands: Vec<_> = names.iter().map(|name| payload::delete(name)).collect();
        payload::call(&commands)
    };
    bridge.plesk(delete(&names[..1])).assert_status(0);
    // One that is gone, or never was ours, counts for nothing.
    bridge
        .plesk(delete(&["a.example", "gone.example"]))
        .assert_status(0);
    let run = bridge.plesk(delete(&names[1..]));
    run.assert_status(69)
        .assert_codes(&["NB-MASS-DELETION", "NB-MASS-DELETION"]);
    let is_there = |name: &str| !dig::short(&named, &format!("www.{name}"), "A").is_empty();
    let left: Vec<&str> = names.into_iter().filter(|name| is_there(name)).collect();
    assert_eq!(left.len(), 2, "{left:?}");
    for name in &left {
        let run = bridge.run(&["plesk", "--dry-run"], delete(&[name]));
        run.assert_status(69).assert_prints("would be held");
    }
    // The worker does no more, and an operator lets them pass.
    bridge
        .run(&["queue", "retry", "--all"], "")
        .assert_status(69);
    assert!(left.iter().all(|name| is_there(name)));
    bridge
        .run(&["queue", "retry", "--all", "--force"], "")
        .assert_status(0);
    assert!(!left.iter().any(|name| is_there(name)));
    // An hour later there is room again.
    bridge
        .plesk(zone("c.example", lines).sent(1).call())
        .assert_status(0);
    let again = zone("d.example", lines).sent(1);
    bridge.plesk(again.call()).assert_status(0);
    bridge.plesk(delete(&["d.example"])).assert_status(69);
    let queue = rusqlite::Connection::open(bridge.file("state/queue.db")).expect("a queue");
    let aged = queue.execute("UPDATE deletion SET at = at - 3600", []);
    assert!(aged.is_ok_and(|zones| zones > 0));
    bridge
        .run(&["queue", "retry", "--all"], "")
        .assert_status(0);
    assert!(!is_there("d.example"));
}

/// An update that takes most records of a zone is as good as its deletion.
#[test]
fn more_zones_that_lose_most_records_within_an_hour_than_allowed_are_held() {
    let named = Named::builder().start();
    let bridge = Bridge::of(&named)
        .seed(&named)
        .set("policy", "deletions-max-per-hour", "1")
        .without_dry_run("which updates of a call pass depends on their order");
    let full = "@ 3600 NS ns1.hand.example. | www A 192.0.2.7 | mail A 192.0.2.8 | ftp A 192.0.2.9";
    let names = ["a.example", "b.example", "c.example"];
    for name in names {
        bridge.plesk(zone(name, full).call()).assert_status(0);
    }
    // Half of them may go, and all may be replaced, in any number of zones.
    let half = "@ 3600 NS ns1.hand.example. | www A 192.0.2.7";
    let other = "@ 3600 NS ns1.hand.example. | w A 192.0.2.7 | m A 192.0.2.8 | f A 192.0.2.9";
    for (serial, lines) in (1..).zip([half, full, other, full]) {
        for name in names {
            let run = bridge.plesk(zone(name, lines).sent(serial).call());
            run.assert_status(0).assert_stderr("");
        }
    }
    let little = zone("a.example", "@ 3600 NS ns1.hand.example.").sent(9);
    bridge.plesk(little.call()).assert_status(0);
    let less = |name: &str| zone(name, "@ 3600 NS ns1.hand.example.").sent(9).call();
    for name in &names[1..] {
        let run = bridge.run(&["plesk", "--dry-run"], less(name));
        run.assert_status(69).assert_prints("would be held");
        let run = bridge.plesk(less(name));
        run.assert_status(69).assert_code("NB-MASS-DELETION");
        assert_eq!(dig::short(&named, &format!("ftp.{name}"), "A").len(), 1);
    }
    // The same zone may lose more.
    let bare = zone("a.example", "@ 3600 NS ns2.hand.example.").sent(10);
    bridge.plesk(bare.call()).assert_status(0);
    bridge
        .run(&["queue", "retry", "--force", "b.example."], "")
        .assert_status(0);
    assert!(dig::short(&named, "ftp.b.example", "A").is_empty());
    // A file is no other matter, and an operator may say so.
    let file = "$TTL 3600\n@ NS ns1.hand.example.\n";
    let run = bridge.run(&["sync", "c.example", "-"], file);
    run.assert_status(69).assert_code("NB-MASS-DELETION");
    bridge
        .run(&["sync", "--force", "c.example", "-"], file)
        .assert_status(0);
    assert!(dig::short(&named, "ftp.c.example", "A").is_empty());
}
