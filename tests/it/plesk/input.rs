//! What comes in: input that is none touches no primary; input that is wrong in part costs that part.

use pretty_assertions::assert_eq;
use serde_json::json;

use crate::support::bridge::{Bridge, Run};
use crate::support::dig;
use crate::support::hostile::{ZONE, call, server};
use crate::support::keys::Key;
use crate::support::named::{Named, Zone};
use crate::support::payload;
use crate::support::scripted::{Conversation, Scripted};

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
fn assert_unreadable(input: impl AsRef<[u8]>, cause: &str) {
    let run = run_unattempted(&["plesk"], input);
    run.assert_status(65)
        .assert_stdout("")
        .assert_says(&format!("error: {cause}"))
        .assert_says("; nothing was attempted; hint: ");
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
}

#[test]
fn input_that_is_not_json_is_told_with_its_place() {
    assert_unreadable(
        "create example.com",
        "the payload is not JSON (line 1, column 1)",
    );
    assert_unreadable(
        "[\n {\"command\": }\n]",
        "the payload is not JSON (line 2, column 14)",
    );
    assert_unreadable(
        "[] []",
        "the payload is not JSON (line 1, column 4): trailing characters;",
    );
}

#[test]
fn empty_input_is_not_json() {
    assert_unreadable(
        "",
        "the payload is not JSON (line 1, column 0): EOF while parsing a value;",
    );
    assert_unreadable("\n\n", "the payload is not JSON (line ");
}

#[test]
fn input_that_is_cut_off_delivers_nothing() {
    let whole = call();
    for length in [1, whole.len() / 2, whole.len() - 1] {
        assert_unreadable(&whole[..length], "the payload is not JSON (line 1, column ");
    }
}

#[test]
fn input_that_is_not_utf_8_is_told_with_its_place() {
    let mut octets = call().into_bytes();
    octets[9] = 0xff;
    assert_unreadable(octets, "the payload is not JSON (line 1, column ");
}

#[test]
fn input_beyond_the_limit_is_refused_and_named() {
    let cause = format!(
        "the payload has {} octets, more than the {OCTETS_MAX}",
        OCTETS_MAX + 1
    );
    assert_unreadable(vec![b' '; OCTETS_MAX + 1], &cause);
    assert_unreadable(vec![b'['; OCTETS_MAX + 1000], &cause);
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
        .assert_stderr(&format!(
            "error: `{name}.`: the name is longer than 255 octets; nothing was attempted; hint: with \
             `--exact` nothing is put in front of the name\n"
        ));
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let run = run_unattempted(&["plesk", "no-such-file.json"], "");
    run.assert_status(65).assert_stdout("").assert_stderr(
        "error: cannot read `no-such-file.json`: No such file or directory (os error 2); nothing \
         was attempted; hint: name a file that can be read, or `-` for standard input\n",
    );
    run_unattempted(&["plesk", "/"], "")
        .assert_status(65)
        .assert_says("cannot read `/`: ");
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
        .assert_says("error: example.com.: [0].zone.rr[1].value left out: ")
        .assert_says("`192.0.2.999`; hint: correct the value of the record in Plesk")
        .assert_says("[0].zone.rr[2].host left out: the name is not in the zone `example.com.`")
        .assert_says("[0].zone.rr[3] left out: preference `ten` is not a number from 0 to 65535")
        .assert_says("[0].zone.rr[5] left out: a text stands where an object belongs");
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
        .assert_says("[0].command left out: the command is unknown: `rename`");
    run.assert_says("[3] left out: a number stands where an object belongs: `7`");
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
    bridge.plesk(&empty).assert_status(69).assert_error(
        "example.com.",
        "the zone would be left without any record",
        "if that is meant, set `empty-zone = \"apply\"` under [policy]",
    );
    assert_eq!(dig::short(&named, "new.example.com", "A"), ["192.0.2.99"]);
    bridge
        .set_text("policy", "empty-zone", "apply")
        .plesk(&empty)
        .assert_status(0);
    assert_eq!(dig::status(&named, "new.example.com", "A"), "NXDOMAIN");
    assert_eq!(dig::short(&named, "www.example.com", "A"), ["192.0.2.7"]);
}
