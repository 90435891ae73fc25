//! `nsbridge ptr`: PTR records from the command line, on every server.

use pretty_assertions::assert_eq;
use serde_json::Value;

use crate::support::bridge::{Bridge, Run};
use crate::support::dig;
use crate::support::nsupdate::nsupdate;
use crate::support::payload;
use crate::support::reverse::ptr;
use crate::support::server::{Kind, Server as _, Started, scenario};

const REVERSE: &str = "2.0.192.in-addr.arpa";
const REVERSE6: &str = "8.b.d.0.1.0.0.2.ip6.arpa";

/// A server with `example.com`, which holds these records, and its reverse zones, which hold those.
fn start(kind: Kind, records: &str, reverse: &str) -> (Started, Bridge) {
    let server = kind.start(&[("example.com", records), (REVERSE, reverse), (REVERSE6, "")]);
    let bridge = Bridge::of(&server).ptr_networks(&["192.0.2.0/24", "2001:db8::/32"]);
    (server, bridge)
}

/// The same without a configuration.
#[track_caller]
fn ptr_directly(server: &Started, bridge: &Bridge, arguments: &str) -> Run {
    let words = ["ptr"].into_iter().chain(arguments.split(' '));
    bridge.run_directly(server, &words.collect::<Vec<_>>())
}

/// The PTR records of the reverse zones, as `owner host`, without what the zones are called.
fn entries(server: &Started) -> Vec<String> {
    let zones = [REVERSE, REVERSE6].map(|zone| dig::content(server, zone));
    let lines = zones.concat();
    let lines = lines.iter().filter(|line| line.contains(" PTR "));
    let entries = lines.map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        let owner = words[0]
            .split_once(".2.0.192.")
            .or(words[0].split_once(".0."));
        format!("{} {}", owner.unwrap_or_default().0, words[4])
    });
    entries.collect()
}

scenario!(one_value_is_added_and_removed_and_no_other);
fn one_value_is_added_and_removed_and_no_other(kind: Kind) {
    let (server, bridge) = start(kind, "", "7 300 PTR theirs.example.net.\n");
    ptr(&bridge, "add --dry-run 192.0.2.7 www.example.com").assert_status(1);
    assert_eq!(entries(&server), ["7 theirs.example.net."]);
    ptr(&bridge, "add 192.0.2.7 www.example.com")
        .assert_status(0)
        .assert_stdout(
            "192.0.2.7 PTR www.example.com.: added at 7.2.0.192.in-addr.arpa. in 2.0.192.in-addr.arpa. on main \
             (127.0.0.1:PORT)\n",
        )
        .assert_stderr("");
    assert_eq!(
        entries(&server),
        ["7 theirs.example.net.", "7 www.example.com."]
    );
    ptr(&bridge, "add 192.0.2.7 WWW.example.com.")
        .assert_status(0)
        .assert_stdout("192.0.2.7 PTR www.example.com.: unchanged on main (127.0.0.1:PORT)\n");
    ptr(&bridge, "add --dry-run 192.0.2.7 www.example.com").assert_status(0);
    ptr(&bridge, "delete 192.0.2.7 other.example.com").assert_status(0);
    assert_eq!(entries(&server).len(), 2);
    ptr(&bridge, "delete ::ffff:192.0.2.7 www.example.com").assert_status(0).assert_stdout(
        "192.0.2.7 PTR www.example.com.: removed at 7.2.0.192.in-addr.arpa. in 2.0.192.in-addr.arpa. on main \
         (127.0.0.1:PORT)\n",
    );
    ptr(&bridge, "delete 192.0.2.7 www.example.com").assert_status(0);
    assert_eq!(entries(&server), ["7 theirs.example.net."]);
}

// Sends nothing.
scenario!(an_address_outside_of_the_networks_is_refused: law);
fn an_address_outside_of_the_networks_is_refused(kind: Kind) {
    let (server, bridge) = start(kind, "", "");
    let run = ptr(&bridge, "add 198.51.100.7 www.example.com");
    run.assert_status(69).assert_error(
        "198.51.100.7 PTR www.example.com.",
        "NB-ADDRESS-OUTSIDE-NETWORKS",
    );
    let without = Bridge::of(&server);
    for arguments in ["add 192.0.2.7 www.example.com", "sync example.com"] {
        ptr(&without, arguments)
            .assert_status(69)
            .assert_stdout("")
            .assert_codes(&["NB-PTR-NETWORKS-EMPTY"]);
    }
    assert_eq!(entries(&server), <[&str; 0]>::default());
}

scenario!(an_address_and_the_root_are_no_values_but_can_be_removed: bind);
fn an_address_and_the_root_are_no_values_but_can_be_removed(kind: Kind) {
    let reverse = "7 PTR 192.0.2.7.\n7 PTR .\n";
    let (server, bridge) = start(kind, "", reverse);
    for (host, cause) in [
        ("192.0.2.8.", "an address stands"),
        ("192.0.2.8", "an address stands"),
        ("2001:db8::1", "an address stands"),
        (".", "the root stands"),
    ] {
        for arguments in [
            format!("add 192.0.2.8 {host}"),
            format!("add --dry-run 192.0.2.8 {host}"),
        ] {
            ptr(&bridge, &arguments)
                .assert_status(65)
                .assert_stdout("")
                .assert_codes(&["NB-HOST-NAME-INVALID"])
                .assert_code_with("NB-HOST-NAME-INVALID", cause);
        }
    }
    let [good, bad, root] =
        ["www.example.com", "192.0.2.8", "."].map(|host| payload::create_ptr("192.0.2.8", host));
    let run = bridge.plesk(payload::call(&[bad, root, good]));
    run.assert_status(65)
        .assert_codes(&["NB-PAYLOAD-NO-HOST-NAME", "NB-PAYLOAD-NO-HOST-NAME"])
        .assert_code_with("NB-PAYLOAD-NO-HOST-NAME", "[0].ptr.hostname")
        .assert_code_with("NB-PAYLOAD-NO-HOST-NAME", "[1].ptr.hostname");
    assert_eq!(entries(&server).len(), 3);
    ptr(&bridge, "delete 192.0.2.7 192.0.2.7.").assert_status(0);
    bridge
        .plesk(payload::call(&[payload::delete_ptr("192.0.2.7", ".")]))
        .assert_status(0);
    assert_eq!(entries(&server), ["8 www.example.com."]);
}

scenario!(all_addresses_of_a_zone_get_their_values_and_then_nothing_is_to_do);
fn all_addresses_of_a_zone_get_their_values_and_then_nothing_is_to_do(kind: Kind) {
    let records = "www A 192.0.2.7\nmail A 192.0.2.7\n@ A 192.0.2.8\nwww AAAA 2001:db8::7\nout A 198.51.100.1\n\
                   *.wild A 192.0.2.9\nsub NS ns.sub\nns.sub A 192.0.2.10\n";
    let (server, bridge) = start(kind, records, "");
    let run = ptr(&bridge, "sync --dry-run example.com");
    run.assert_status(1).assert_stderr("");
    assert!(
        run.stdout
            .ends_with("total: 5 records to add, 0 records to remove, in 2 zones\n"),
        "{}",
        run.stdout
    );
    ptr(&bridge, "sync example.com")
        .assert_status(0)
        .assert_stderr("");
    let all = [
        "1 ns1.example.com.",
        "7 mail.example.com.",
        "7 www.example.com.",
        "8 example.com.",
        "7.0 www.example.com.",
    ];
    let expected = all.map(|line| line.replace("7.0 ", "7 "));
    assert_eq!(entries(&server), expected);
    let updates = server.updates_received();
    let run = ptr(&bridge, "sync example.com");
    run.assert_status(0).assert_stderr("");
    assert_eq!(
        run.stdout.matches(": unchanged on main").count(),
        5,
        "{}",
        run.stdout
    );
    ptr(&bridge, "sync --dry-run example.com").assert_status(0);
    assert_eq!(server.updates_received(), updates);
}

scenario!(a_value_whose_host_has_moved_is_told_and_removed_when_it_shall_be);
fn a_value_whose_host_has_moved_is_told_and_removed_when_it_shall_be(kind: Kind) {
    let reverse = "6 PTR www.example.com.\n6 PTR theirs.example.net.\n5 PTR gone.example.com.\n4 PTR x.sub.example.com.\n";
    let (server, bridge) = start(kind, "www A 192.0.2.7\nsub NS ns.example.net.\n", reverse);
    ptr(&bridge, "sync example.com")
        .assert_status(0)
        .assert_codes(&["NB-PTR-OTHER-ADDRESS", "NB-PTR-OTHER-ADDRESS"])
        .assert_code_with("NB-PTR-OTHER-ADDRESS", "192.0.2.5 PTR gone.example.com.")
        .assert_code_with("NB-PTR-OTHER-ADDRESS", "192.0.2.6 PTR www.example.com.");
    assert_eq!(entries(&server).len(), 6);
    let run = ptr(&bridge, "sync --prune --dry-run example.com");
    run.assert_status(1).assert_stderr("");
    assert_eq!(entries(&server).len(), 6);
    ptr(&bridge, "sync --prune example.com")
        .assert_status(0)
        .assert_stderr("");
    let left = [
        "1 ns1.example.com.",
        "4 x.sub.example.com.",
        "6 theirs.example.net.",
        "7 www.example.com.",
    ];
    assert_eq!(entries(&server), left);
    // A zone without any address in the networks has values to lose, too.
    nsupdate(
        &server,
        "update delete www.example.com A\nupdate add ns1.example.com 300 A 198.51.100.1\n\
         update delete ns1.example.com A 192.0.2.1",
    );
    let removing = bridge.foreign_records("remove");
    ptr(&removing, "sync example.com")
        .assert_status(0)
        .assert_stderr("");
    assert_eq!(entries(&server), left[1..3]);
    ptr(&removing, "sync example.com")
        .assert_status(0)
        .assert_stdout("example.com.: no address in `ptr.networks`\n");
}

scenario!(a_value_that_was_added_here_goes_when_its_host_has_moved_and_those_of_others_stay);
fn a_value_that_was_added_here_goes_when_its_host_has_moved_and_those_of_others_stay(kind: Kind) {
    let records = "www A 192.0.2.7\nmail A 192.0.2.8\nold A 192.0.2.5\n";
    let (server, bridge) = start(kind, records, "9 PTR mail.example.com.\n");
    let plesk = payload::call(&[payload::create_ptr("192.0.2.5", "old.example.com")]);
    bridge.plesk(plesk).assert_status(0);
    ptr(&bridge, "sync example.com").assert_status(0);
    // What is removed by name is forgotten: who adds it again is another one.
    ptr(&bridge, "delete 192.0.2.8 mail.example.com").assert_status(0);
    nsupdate(
        &server,
        &format!("zone {REVERSE}\nupdate add 8.{REVERSE} 300 PTR mail.example.com"),
    );
    nsupdate(
        &server,
        "update delete www.example.com A\nupdate add www.example.com 300 A 192.0.2.6\n\
         update delete mail.example.com A\nupdate delete old.example.com A",
    );
    let told = |run: &Run| {
        let lines = run
            .stderr
            .lines()
            .filter(|line| line.starts_with("warning"));
        let words = lines.map(|line| line.split(' ').nth(1).unwrap().to_owned());
        words.collect::<Vec<_>>()
    };
    let run = ptr(&bridge, "sync --dry-run example.com");
    run.assert_status(1);
    assert_eq!(run.stdout.matches("\n- ").count(), 2, "{}", run.stdout);
    let run = ptr(&bridge, "sync example.com");
    run.assert_status(0);
    assert_eq!(told(&run), ["192.0.2.8", "192.0.2.9"]);
    let left = [
        "1 ns1.example.com.",
        "6 www.example.com.",
        "8 mail.example.com.",
        "9 mail.example.com.",
    ];
    assert_eq!(entries(&server), left);
}

scenario!(hosts_that_share_an_address_do_not_replace_each_other);
fn hosts_that_share_an_address_do_not_replace_each_other(kind: Kind) {
    let records = "www A 192.0.2.7\nmail A 192.0.2.7\n";
    let (server, bridge) = start(kind, records, "7 PTR theirs.example.net.\n");
    let bridge = bridge.set_text("ptr", "existing", "replace");
    ptr(&bridge, "sync example.com").assert_status(0);
    let all = [
        "1 ns1.example.com.",
        "7 mail.example.com.",
        "7 www.example.com.",
    ];
    assert_eq!(entries(&server), all);
}

scenario!(a_server_of_the_command_line_is_enough);
fn a_server_of_the_command_line_is_enough(kind: Kind) {
    let (mut server, bridge) = start(kind, "www A 192.0.2.7\n", "9 PTR www.example.com.\n");
    let directly = |arguments: &str| ptr_directly(&server, &bridge, arguments);
    directly("add 2001:db8::5 www.example.com")
        .assert_status(0)
        .assert_stderr("");
    directly("add 2001:db8::5 www.example.com").assert_status(0);
    directly("sync --prune example.com")
        .assert_status(0)
        .assert_stderr("");
    let all = [
        "1 ns1.example.com.",
        "7 www.example.com.",
        "5 www.example.com.",
    ];
    assert_eq!(entries(&server), all);
    directly("delete 2001:db8::5 www.example.com").assert_status(0);
    assert_eq!(entries(&server), all[..2]);
    let run = directly("add 198.51.100.7 www.example.com");
    match kind {
        Kind::Bind(_) | Kind::PowerDns(_) => run
            .assert_status(69)
            .assert_code_with("NB-REVERSE-ZONE-ABSENT", "`100.51.198.in-addr.arpa.`"),
        // It does not sign that it has no zone.
        Kind::Knot(_) => run.assert_status(75).assert_code("NB-UNSIGNED-REFUSAL"),
    };
    assert!(!bridge.file("state/queue.db").exists());
    server.stop();
    let run = ptr_directly(&server, &bridge, "add 192.0.2.8 www.example.com");
    run.assert_status(75);
    assert_eq!(run.jobs, <[&str; 0]>::default());
}

scenario!(what_cannot_be_delivered_waits_in_the_queue: bind);
fn what_cannot_be_delivered_waits_in_the_queue(kind: Kind) {
    let (mut server, bridge) = start(kind, "www A 192.0.2.7\n", "");
    server.stop();
    let run = ptr(&bridge, "add 192.0.2.7 www.example.com");
    run.assert_status(75);
    assert_eq!(run.jobs, ["kept 1"]);
    ptr(&bridge, "sync example.com")
        .assert_status(75)
        .assert_code("NB-CONNECTION-REFUSED");
    server.restart();
    bridge
        .run(&["queue", "retry", "--all"], "")
        .assert_status(0);
    assert_eq!(entries(&server), ["7 www.example.com."]);
    let run = ptr(&bridge, "sync example.com --output json");
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    let results: Vec<&Value> = document["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["result"])
        .collect();
    assert_eq!(results, ["added", "unchanged"]);
    ptr(&bridge, "sync absent.test")
        .assert_status(69)
        .assert_code("NB-ZONE-ABSENT");
}
