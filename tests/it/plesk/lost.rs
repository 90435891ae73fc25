//! Answers to updates that are lost on their way, after the server has done what it was asked for.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::bridge::Bridge;
use crate::support::dig;
use crate::support::message::{is_transfer, is_update};
use crate::support::payload::{self, create_ptr, delete_ptr};
use crate::support::scripted::{Scripted, Upstream};
use crate::support::server::{Kind, Server, scenario};
use crate::support::wanted::zone;

const GOOD: &str = "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1 | www A 192.0.2.7";

/// A relay that closes the connection in place of the first answer to an update, and from then on
/// any new one too where the server shall seem to be gone.
fn losing_an_answer(server: &dyn Server, is_gone_then: bool) -> Scripted {
    let port = server.port();
    let updates = AtomicUsize::new(0);
    Scripted::start(move |conversation| {
        let mut upstream = Upstream::connect(port);
        while let Some(request) = conversation.read() {
            let has_lost = updates.load(Ordering::SeqCst) > 0;
            if has_lost && is_gone_then {
                return;
            }
            let answer = upstream.exchange(&request);
            if is_update(&request) && updates.fetch_add(1, Ordering::SeqCst) == 0 {
                return;
            }
            conversation.write(&answer);
            // A transfer has several answers; the first pause after one ends them.
            while is_transfer(&request)
                && let Some(more) = upstream.receive(Duration::from_millis(200))
            {
                conversation.write(&more);
            }
        }
    })
}

fn an_update_whose_answer_is_lost_is_found_in_place(kind: Kind) {
    let (server, _) = kind.by_hand("old A 192.0.2.100");
    let relay = losing_an_answer(&server, false);
    let bridge = Bridge::at(relay.port(), server.key_file());
    let wanted = zone("example.com", GOOD);
    let run = bridge.plesk(wanted.call());
    run.assert_status(0).assert_stderr("");
    assert!(
        run.stdout
            .starts_with("example.com.: updated, 1 record added, 0 records removed"),
        "{}",
        run.stdout
    );
    match kind {
        // Once more over a new connection, where its prerequisites fail: it is in place.
        Kind::Bind(_) | Kind::Knot(_) => assert_eq!(server.updates_received(), 2),
        // It keeps the TTL of the SOA, which is found out with a second update.
        Kind::PowerDns(_) => assert!(server.updates_received() > 1),
    }
    assert_eq!(dig::short(&server, "www.example.com", "A"), ["192.0.2.7"]);
    // It is known as ours, so that it goes when Plesk says so; what others wrote stays.
    let less = zone(
        "example.com",
        "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1",
    );
    bridge.plesk(less.call()).assert_status(0).assert_stderr("");
    assert_eq!(dig::status(&server, "www.example.com", "A"), "NXDOMAIN");
    assert_eq!(dig::short(&server, "old.example.com", "A"), ["192.0.2.100"]);
}
scenario!(an_update_whose_answer_is_lost_is_found_in_place);

fn a_primary_that_is_gone_after_an_update_leaves_it_in_doubt(kind: Kind) {
    let (server, direct) = kind.by_hand("");
    let relay = losing_an_answer(&server, true);
    let bridge = Bridge::at(relay.port(), server.key_file()).deadline_seconds(5);
    let wanted = zone("example.com", GOOD);
    bridge
        .plesk(wanted.call())
        .assert_status(75)
        .assert_error("example.com.", "NB-RESPONSE-LOST");
    assert_eq!(dig::short(&server, "www.example.com", "A"), ["192.0.2.7"]);
    direct
        .plesk(wanted.sent(1).call())
        .assert_status(0)
        .assert_stderr("");
    assert_eq!(dig::short(&server, "www.example.com", "A"), ["192.0.2.7"]);
}
scenario!(a_primary_that_is_gone_after_an_update_leaves_it_in_doubt);

fn a_removal_whose_answer_is_lost_is_found_done(kind: Kind) {
    let (server, direct) = kind.by_hand("old A 192.0.2.100");
    direct
        .plesk(zone("example.com", GOOD).call())
        .assert_status(0);
    let before = server.updates_received();
    let relay = losing_an_answer(&server, false);
    let queue = direct.file("state/queue.db").to_string_lossy().into_owned();
    let bridge = Bridge::at(relay.port(), server.key_file()).set_text("queue", "path", &queue);
    let run = bridge.plesk(payload::call(&[payload::delete("example.com")]));
    run.assert_status(0).assert_stderr("").assert_stdout(
        "example.com.: 1 record removed; the zone is not nsbridge's alone, so it stays with its SOA and name \
         servers on main (127.0.0.1:PORT)\n",
    );
    let updates = server.updates_received() - before;
    match kind {
        Kind::Bind(_) | Kind::Knot(_) => assert_eq!(updates, 2),
        // Its prerequisites see another SOA than transfers do.
        Kind::PowerDns(_) => assert!(updates > 1),
    }
    assert_eq!(dig::status(&server, "www.example.com", "A"), "NXDOMAIN");
    assert_eq!(dig::short(&server, "old.example.com", "A"), ["192.0.2.100"]);
}
scenario!(a_removal_whose_answer_is_lost_is_found_done);

fn a_ptr_whose_answer_is_lost_is_found_in_place(kind: Kind) {
    let server = kind.start(&[("2.0.192.in-addr.arpa", "6 PTR old.example.org.")]);
    let commands = [
        (create_ptr("192.0.2.5", "www.example.com"), "added"),
        (delete_ptr("192.0.2.6", "old.example.org"), "removed"),
    ];
    for (command, word) in commands {
        let before = server.updates_received();
        let relay = losing_an_answer(&server, false);
        let bridge = Bridge::at(relay.port(), server.key_file()).ptr_networks(&["192.0.2.0/24"]);
        let run = bridge.plesk(payload::call(&[command]));
        run.assert_status(0).assert_stderr("");
        run.assert_prints(&format!(".: {word} at "));
        assert_eq!(server.updates_received(), before + 2);
    }
    let ptrs = |name| dig::short(&server, name, "PTR");
    assert_eq!(ptrs("5.2.0.192.in-addr.arpa"), ["www.example.com."]);
    assert_eq!(ptrs("6.2.0.192.in-addr.arpa"), [""; 0]);
}
scenario!(a_ptr_whose_answer_is_lost_is_found_in_place);

fn a_challenge_whose_answer_is_lost_is_told_as_added_and_removed(kind: Kind) {
    let (server, direct) = kind.by_hand("");
    let queue = direct.file("state/queue.db").to_string_lossy().into_owned();
    for (command, word) in [("add", "added"), ("delete", "removed")] {
        let relay = losing_an_answer(&server, false);
        let bridge = Bridge::at(relay.port(), server.key_file()).set_text("queue", "path", &queue);
        let run = bridge.run(&["acme", command, "example.com", "one"], "");
        run.assert_status(0)
            .assert_stderr("")
            .assert_stdout(&format!(
                "_acme-challenge.example.com.: {word} in example.com. on main (127.0.0.1:PORT)\n"
            ));
    }
}
scenario!(a_challenge_whose_answer_is_lost_is_told_as_added_and_removed);
