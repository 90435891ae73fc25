//! `nsbridge check` in a rollover: which keys of a list the primary takes, and what is to be done.

use crate::support::bridge::Run;
use crate::support::checks::{ZONE, assert_begins};
use crate::support::rollover::{MAIN, Rolling};
use crate::support::server::{Kind, scenario};
use crate::support::wanted::zone;

/// Asserts that no line about a key begins with this word.
#[track_caller]
fn assert_no_key_is(word: &str, run: &Run) {
    let start = format!("{word}: main (127.0.0.1:PORT): key `");
    let mut lines = run.stdout.lines();
    assert!(
        !lines.any(|line| line.starts_with(&start)),
        "{}",
        run.stdout
    );
}

scenario!(each_key_of_a_list_is_tried_and_the_next_step_is_named: bind, powerdns);
fn each_key_of_a_list_is_tried_and_the_next_step_is_named(kind: Kind) {
    let rolling = Rolling::start(kind);
    let bridge = rolling.bridge();
    let wanted = zone(ZONE, "@ 3600 NS ns1.example.com. | ns1 3600 A 127.0.0.1");
    bridge.plesk(wanted.call()).assert_status(0);
    let bridge = bridge.set(MAIN, "key", "[\"plesk-2027\", \"plesk\"]");
    let well = [
        "ok: clock: ",
        "ok: transfer of example.com.",
        "ok: updates of example.com.",
    ];
    // The server does not know the new key, and all goes on with the old one.
    let run = bridge.run(&["check", ZONE], "");
    run.assert_status(0).assert_stderr("");
    assert_begins(&run, &["warning: key `plesk-2027`: NB-", "ok: key `plesk`"]);
    assert_begins(&run, &well);
    match kind {
        Kind::Bind(_) => {
            run.assert_prints("    key \"plesk-2027\" { algorithm hmac-sha256; secret ")
        }
        Kind::PowerDns(_) | Kind::Knot(_) => {
            run.assert_prints("    pdnsutil import-tsig-key plesk-2027 ")
        }
    };
    // It knows both, and the zone takes the old one alone.
    rolling.add_new();
    let run = bridge.run(&["check", ZONE], "");
    run.assert_status(0)
        .assert_stderr("")
        .assert_prints("    nsbridge zone rekey example.com\n");
    assert_begins(&run, &["ok: key `plesk-2027`", "ok: key `plesk`"]);
    assert_begins(&run, &["warning: key `plesk-2027` for example.com.: NB-"]);
    assert_begins(&run, &well);
    bridge
        .run(&["zone", "rekey", ZONE], "")
        .assert_status(0)
        .assert_stderr("");
    let run = bridge.run(&["check", ZONE], "");
    run.assert_status(0).assert_stderr("");
    assert_no_key_is("warning", &run);
    assert_begins(&run, &["ok: key `plesk-2027` for example.com."]);
    // Without any key that the server takes, the first one is the trouble.
    rolling.remove_old();
    let bridge = bridge.set(MAIN, "key", "[\"plesk\"]");
    let run = bridge.run(&["check", ZONE], "");
    // PowerDNS's API says for sure that it does not have the key.
    run.assert_status(match kind {
        Kind::PowerDns(_) => 69,
        Kind::Bind(_) | Kind::Knot(_) => 75,
    });
    assert_no_key_is("warning", &run);
    assert_begins(&run, &["failed: key `plesk`: NB-"]);
}
