//! The largest RRsets: up to the documented limit they are delivered, beyond it they are left out and named.

use std::fmt::Write as _;

use crate::support::bridge::Bridge;
use crate::support::server::{Kind, Server as _, scenario};
use crate::support::wanted::zone;

/// The text whose TXT record at `www.example.com` has 31,000 octets: 30,852, a length octet for each 255, ten, and 17 of
/// the owner name.
const TEXT_OCTETS: usize = 30_852;

/// Records `www TXT` with a text of so many letters.
fn text(letter: &str, octets: usize) -> String {
    format!("www TXT {}", letter.repeat(octets))
}

/// So many records `www MX`, of which each has some 260 octets in a message; each target begins with this letter. BIND:
/// takes at most a hundred records of one name and type.
fn exchangers(letter: &str, count: usize) -> String {
    let mut lines = String::new();
    let label = letter.repeat(60);
    for index in 0..count {
        let separator = if index == 0 { "" } else { " | " };
        let _ = write!(
            lines,
            "{separator}www MX 10 {letter}{index:012}.{label}.{label}.{label}.example.org."
        );
    }
    lines
}

scenario!(what_fits_one_rrset_is_delivered_and_one_octet_more_is_left_out_and_named);
fn what_fits_one_rrset_is_delivered_and_one_octet_more_is_left_out_and_named(kind: Kind) {
    let server = kind.start(&[]);
    let bridge = server.provisioning(Bridge::of(&server));
    let largest = |letter, address: &str| {
        let apex = zone("example.com", "@ NS ns1.example.net.");
        let apex = apex.with(&text(letter, TEXT_OCTETS));
        let www = apex.with(&exchangers(letter, 100));
        www.with(&format!("www A {address}"))
    };
    for (seconds, letter) in [(0, "a"), (1, "b")] {
        let wanted = largest(letter, "192.0.2.1").sent(seconds);
        bridge
            .plesk(wanted.call())
            .assert_status(0)
            .assert_stderr("");
        wanted.assert_on(&server);
    }
    let more = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.2")
        .with(&text("c", TEXT_OCTETS + 1))
        .with(&exchangers("c", 1_000))
        .sent(2);
    let run = bridge.plesk(more.call());
    run.assert_status(65)
        .assert_code_with("NB-PAYLOAD-TOO-LARGE-TO-SEND", "www.example.com. TXT")
        .assert_code_with("NB-PAYLOAD-TOO-LARGE-TO-SEND", "www.example.com. MX")
        .assert_code_with("NB-PAYLOAD-TOO-LARGE-TO-SEND", "1000 records");
    assert_eq!(run.stderr.lines().count(), 4, "{}", run.stderr);
    // What is in place stays, and the rest is delivered.
    largest("b", "192.0.2.2").assert_on(&server);
}

scenario!(what_does_not_fit_is_left_out_of_a_master_file: law);
fn what_does_not_fit_is_left_out_of_a_master_file(kind: Kind) {
    let (server, bridge) = kind.by_hand("@ NS ns1.example.net.");
    let strings = |count: usize| vec![format!("\"{}\"", "a".repeat(255)); count].join(" ");
    let file = |count: usize| {
        format!(
            "$TTL 300\n@ NS ns1.example.net.\nwww A 192.0.2.1\nwww TXT {}\nwww TXT small\n",
            strings(count)
        )
    };
    let arguments = ["sync", "example.com", "-"];
    bridge.run(&arguments, file(120)).assert_status(0);
    let run = bridge.run(&arguments, file(122));
    run.assert_status(65)
        .assert_codes(&["NB-MASTER-FILE-TOO-LARGE-TO-SEND"])
        .assert_code_with("NB-MASTER-FILE-TOO-LARGE-TO-SEND", "www.example.com. TXT");
    let texts = crate::support::dig::short(&server, "www.example.com", "TXT");
    assert_eq!(texts, ["\"small\""]);
}
