//! What comes in: input that is none touches no primary; input that is wrong in part costs that part.

use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;
use serde_json::json;

use crate::support::bridge::{Bridge, Run};
use crate::support::dig;
use crate::support::hostile::{ZONE, call, server};
use crate::support::keys::Key;
use crate::support::named::{Named, Zone};
use crate::support::payload;
use crate::support::scripted::{Conversation, Scripted};
use crate::support::wanted::{by_hand, zone};

/// The most that is taken, in octets.
const OCTETS_MAX: usize = 64 << 20;

/// Runs `arguments` with an input, and asserts that no primary saw a connection.
#[track_caller]
fn run_unattempted(arguments: &[&str], input: impl AsRef<[u8]>) -> Run {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let key = Key::new("plesk").write(directory.path());
    let peer = Scripted::start(Conversation::stall);
    let run = Bridge::at(peer.port(), &key).run(arguments, input);
    assert_eq!(peer.connections(), 0, "{}{}", run.stdout, run.stderr);
    run
}

#[track_caller]
fn assert_unreadable(input: impl AsRef<[u8]>, code: &str, part: &str) {
    let run = run_unattempted(&["plesk"], input);
    run.assert_status(65)
        .assert_stdout("")
        .assert_codes(&[code])
        .assert_code_with(code, part)
        .assert_says("; nothing was attempted; do: ");
}

#[test]
fn input_that_is_not_json_is_told_with_its_place() {
    assert_unreadable(
        "create example.com",
        "NB-PAYLOAD-NOT-JSON",
        "(line 1, column 1)",
    );
    assert_unreadable(
        "[\n {\"command\": }\n]",
        "NB-PAYLOAD-NOT-JSON",
        "(line 2, column 14)",
    );
    assert_unreadable("[] []", "NB-PAYLOAD-NOT-JSON", "(line 1, column 4)");
}

#[test]
fn empty_input_is_not_json() {
    assert_unreadable("", "NB-PAYLOAD-NOT-JSON", "(line 1, column 0)");
    assert_unreadable("\n\n", "NB-PAYLOAD-NOT-JSON", "(line ");
}

#[test]
fn input_that_is_cut_off_delivers_nothing() {
    let whole = call();
    for length in [1, whole.len() / 2, whole.len() - 1] {
        assert_unreadable(&whole[..length], "NB-PAYLOAD-NOT-JSON", "(line 1, column ");
    }
}

#[test]
fn input_that_is_not_utf_8_is_told_with_its_place() {
    let mut octets = call().into_bytes();
    octets[9] = 0xff;
    assert_unreadable(octets, "NB-PAYLOAD-NOT-JSON", "(line 1, column ");
}

#[test]
fn input_beyond_the_limit_is_refused_and_named() {
    let octets = format!(" {} octets", OCTETS_MAX + 1);
    for input in [vec![b' '; OCTETS_MAX + 1], vec![b'['; OCTETS_MAX + 1000]] {
        assert_unreadable(input, "NB-PAYLOAD-TOO-LARGE", &octets);
    }
}

#[test]
fn so_many_ptr_values_that_no_call_can_deliver_them_are_refused_before_anything_is_written() {
    let ptr = |index: u32| {
        let address = std::net::Ipv4Addr::from(0x0a00_0000 + index);
        json!({ "ip_address": address, "hostname": format!("h{index}.example.com") })
    };
    let ptrs: Vec<_> = (0..600_000).map(ptr).collect();
    let call = json!([{ "command": "createPTRs", "ptr": ptrs }]).to_string();
    assert_unreadable(&call, "NB-PAYLOAD-TOO-MANY-COMMANDS", "600000 commands");
}

/// A customer who names the zone of another one by characters that IDNA maps to its name.
#[test]
fn a_name_outside_ascii_is_never_the_zone_or_host_of_another() {
    let named = Named::builder()
        .zone(Zone::dynamic("victim.test", "www A 192.0.2.7"))
        .zone(Zone::dynamic("own.test", ""))
        .start();
    let bridge = Bridge::of(&named);
    let before = dig::axfr(&named, "victim.test");
    let spellings = [
        "\u{ff56}ictim.test",
        "victim\u{3002}test",
        "victim\u{ff0e}test",
        "victim\u{ff61}test",
        "vic\u{ad}tim.test",
    ];
    for (seconds, spelling) in (0..).zip(spellings) {
        let www = format!("www.{spelling}.");
        let address = format!("192.0.2.{}", 100 + seconds);
        let own = [
            ("www.own.test.", "A", "", address.as_str()),
            ("mail.own.test.", "CNAME", "", www.as_str()),
        ];
        let theirs = [(www.as_str(), "A", "", "192.0.2.66")];
        let call = payload::call(&[
            payload::update(spelling, seconds, &theirs),
            payload::delete(spelling),
            payload::update("own.test", seconds, &own),
        ]);
        let run = bridge.plesk(call);
        run.assert_status(65)
            .assert_code_with("NB-PAYLOAD-ZONE-NAME", "is not ASCII")
            .assert_code_with("NB-PAYLOAD-NAME", "mail.own.test.");
        assert_eq!(dig::axfr(&named, "victim.test"), before, "{spelling}");
        assert_eq!(dig::short(&named, "www.own.test", "A"), [address]);
    }
}

/// A call that gives these hosts an address, and `www.example.com` another one.
fn hosts_call(hosts: &[String], seconds: u32, address: &str, www: &str) -> String {
    let hosts = hosts.iter().map(|host| (host.as_str(), "A", "", address));
    let records: Vec<_> = hosts.chain([("www.example.com.", "A", "", www)]).collect();
    payload::call(&[payload::update("example.com", seconds, &records)])
}

/// As many records as fit a payload, nearly all of them wrong, and those in place are protected.
#[test]
fn a_payload_of_wrong_records_gives_a_log_of_bounded_size_in_time() {
    const RECORDS: usize = 280_000;
    const IN_PLACE: usize = 2_000;
    let (named, bridge) = by_hand("old A 192.0.2.7");
    let bridge = bridge.without_dry_run("the time of a run is measured");
    let hosts: Vec<String> = (0..RECORDS)
        .map(|it| format!("h{it}.example.com."))
        .collect();
    let good = hosts_call(&hosts[..IN_PLACE], 0, "192.0.2.1", "192.0.2.1");
    bridge.plesk(good).assert_status(0);
    for (seconds, format) in [(1, "text"), (2, "json")] {
        let address = format!("192.0.2.{seconds}");
        let call = hosts_call(&hosts, seconds, "192.0.2.1000", &address);
        let began = Instant::now();
        let run = bridge.run(&["--log-format", format, "plesk"], &call);
        let taken = began.elapsed();
        assert!(taken < Duration::from_secs(20), "{taken:?}");
        run.assert_status(65);
        let (lines, octets) = (run.stderr.lines().count(), run.stderr.len());
        assert!(
            lines < 1010 && octets < 500_000,
            "{lines} lines, {octets} octets"
        );
        for count in [RECORDS - 500, IN_PLACE - 500] {
            assert!(
                run.stderr.contains(&format!("{count} more messages")),
                "{count}"
            );
        }
        assert_eq!(dig::short(&named, "www.example.com", "A"), [address]);
        assert_eq!(dig::short(&named, "h1.example.com", "A"), ["192.0.2.1"]);
    }
}

#[test]
fn deeply_nested_input_is_an_error_and_no_crash() {
    let nested = "[".repeat(100_000);
    let run = run_unattempted(&["plesk"], nested);
    run.assert_status(65).assert_stdout("");
}

#[test]
fn an_empty_array_is_silent_success() {
    run_unattempted(&["plesk"], "[]")
        .assert_status(0)
        .assert_stdout("")
        .assert_stderr("");
    run_unattempted(&["plesk", "-v"], "[]")
        .assert_status(0)
        .assert_stdout("");
}

/// Whatever `empty-zone` says: nobody wants that zone to be empty.
#[test]
fn a_zone_whose_records_are_all_wrong_stays_as_it_is() {
    let (named, bridge) = by_hand("www A 192.0.2.7");
    let bridge = bridge.set_text("policy", "empty-zone", "apply");
    let good = zone("example.com", "www A 192.0.2.7");
    bridge.plesk(good.call()).assert_status(0);
    let before = dig::axfr(&named, "example.com");
    for wrong in [
        "www A 192.0.2.1000",
        "www A x | mail AAAA y",
        "a..b A 192.0.2.1",
    ] {
        let run = bridge.plesk(zone("example.com", wrong).sent(1).call());
        run.assert_status(65)
            .assert_code_with("NB-PAYLOAD-NO-RECORD-LEFT", "example.com.");
        assert_eq!(dig::axfr(&named, "example.com"), before);
    }
}

/// Plesk sends it for a domain whose DNS is off.
#[test]
fn an_element_that_asks_for_nothing_is_success_and_named() {
    let run = run_unattempted(&["plesk"], "{}");
    run.assert_status(0)
        .assert_stdout("")
        .assert_code_with("NB-PAYLOAD-NO-COMMAND", "[0]");
}

#[test]
fn input_comes_from_a_file_or_from_standard_input() {
    let named = server();
    for (arguments, input) in [
        (&["plesk", "payload.json"][..], ""),
        (&["plesk", "-"], &*call()),
        (&["plesk"], &*call()),
    ] {
        let bridge = Bridge::of(&named);
        std::fs::write(bridge.file("payload.json"), call()).expect("a file of the run");
        bridge
            .run(arguments, input)
            .assert_status(0)
            .assert_stderr("");
        assert_eq!(dig::short(&named, "new.example.com", "A"), ["192.0.2.99"]);
        bridge
            .plesk(payload::call(&[payload::delete(ZONE)]))
            .assert_status(0);
        assert_eq!(dig::status(&named, "new.example.com", "A"), "NXDOMAIN");
    }
}

#[test]
fn a_name_with_no_room_for_a_challenge_is_told_with_a_way_out() {
    let name = format!("{0}.{0}.{0}.{1}", "a".repeat(63), "a".repeat(50));
    run_unattempted(&["acme", "add", &name, "value"], "")
        .assert_status(65)
        .assert_stdout("")
        .assert_codes(&["NB-CHALLENGE-NAME-INVALID"]);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let run = run_unattempted(&["plesk", "no-such-file.json"], "");
    run.assert_status(65)
        .assert_stdout("")
        .assert_codes(&["NB-INPUT-UNREADABLE"]);
    run_unattempted(&["plesk", "/"], "")
        .assert_status(65)
        .assert_code("NB-INPUT-UNREADABLE");
}

#[test]
fn a_wrong_record_costs_itself_and_not_its_neighbours() {
    let named = server();
    let mut update = payload::update(
        ZONE,
        0,
        &[
            ("new.example.com.", "A", "", "192.0.2.99"),
            ("bad.example.com.", "A", "", "192.0.2.999"),
            ("www.example.net.", "A", "", "192.0.2.66"),
            ("mail.example.com.", "MX", "ten", "mx.example.com."),
            ("also.example.com.", "A", "", "192.0.2.98"),
        ],
    );
    update["zone"]["rr"]
        .as_array_mut()
        .expect("an array")
        .push(json!("not a record"));
    let run = Bridge::of(&named).plesk(payload::call(&[update]));
    run.assert_status(65)
        .assert_code_with("NB-PAYLOAD-DATA", ": bad.example.com. A left out: ")
        .assert_code_with("NB-PAYLOAD-DATA", ": `192.0.2.999`; do: ")
        .assert_code_with("NB-PAYLOAD-OUT-OF-ZONE", ": www.example.net. A left out: ")
        .assert_code_with("NB-PAYLOAD-TEXT", ": mail.example.com. MX left out: ")
        .assert_code_with("NB-PAYLOAD-WRONG-SHAPE", "[0].zone.rr[5]");
    assert_eq!(run.stderr.lines().count(), 4, "{}", run.stderr);
    assert_eq!(dig::short(&named, "new.example.com", "A"), ["192.0.2.99"]);
    assert_eq!(dig::short(&named, "also.example.com", "A"), ["192.0.2.98"]);
    assert_eq!(dig::short(&named, "bad.example.com", "A"), [""; 0]);
}

#[test]
fn a_wrong_command_costs_itself_and_not_its_neighbours() {
    let named = server();
    let known = payload::update(ZONE, 0, &[("new.example.com.", "A", "", "192.0.2.99")]);
    let unknown = json!({ "command": "rename", "zone": { "name": "example.com." } });
    let run = Bridge::of(&named).plesk(payload::call(&[unknown, known, json!(null), json!(7)]));
    run.assert_status(65)
        .assert_code_with("NB-PAYLOAD-UNKNOWN-COMMAND", "[0].command");
    run.assert_code_with("NB-PAYLOAD-WRONG-SHAPE", "[3]");
    assert_eq!(dig::short(&named, "new.example.com", "A"), ["192.0.2.99"]);
}

#[test]
fn foreign_text_forges_no_line_of_the_log() {
    let host = "x\nerror: forged\u{1b}[2J\u{2028}y.example.com.";
    let good = ("new.example.com.", "A", "", "192.0.2.99");
    let forging = (host, "NOPE\r\nerror: forged", "", "a\nb");
    let update = payload::update(ZONE, 0, &[good, forging]);
    let named = server();
    let bridge = Bridge::of(&named);
    let run = bridge.plesk(payload::call(&[update]));
    run.assert_status(65);
    assert_eq!(
        run.stderr
            .lines()
            .filter(|line| line.starts_with("error: forged"))
            .count(),
        0
    );
    assert!(
        !run.stderr.contains(['\u{1b}', '\r', '\u{2028}']),
        "{}",
        run.stderr
    );
    let run = bridge.run(&["plesk", "x\nerror: forged\u{1b}[2J"], "");
    run.assert_status(65);
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    assert!(!run.stderr.contains('\u{1b}'), "{}", run.stderr);
}

#[test]
fn a_zone_without_records_is_refused_unless_that_is_meant() {
    let named = Named::builder()
        .zone(Zone::dynamic(ZONE, "www A 192.0.2.7"))
        .start();
    let empty = payload::call(&[payload::update(ZONE, 0, &[])]);
    let bridge = Bridge::of(&named);
    bridge.plesk(call()).assert_status(0);
    bridge
        .plesk(&empty)
        .assert_status(69)
        .assert_error("example.com.", "NB-ZONE-EMPTY");
    assert_eq!(dig::short(&named, "new.example.com", "A"), ["192.0.2.99"]);
    bridge
        .set_text("policy", "empty-zone", "apply")
        .plesk(&empty)
        .assert_status(0);
    assert_eq!(dig::status(&named, "new.example.com", "A"), "NXDOMAIN");
    assert_eq!(dig::short(&named, "www.example.com", "A"), ["192.0.2.7"]);
}
