//! No secret of a key is ever printed or stored, whatever goes wrong with it.

use crate::support::bridge::Bridge;
use crate::support::hostile::{call, server, untouched};
use crate::support::keys::Key;
use crate::support::keys::restrict;
use crate::support::server::Server as _;

/// The most that can be made to be said.
const EVERYTHING: [&str; 6] = ["-vvv", "--log-format", "json", "--output", "json", "plesk"];

/// The searching is done by the harness after each run (`record`).
#[test]
fn a_key_that_fails_is_not_shown_however_much_is_said() {
    let named = server();
    let stranger = Key::new("stranger");
    let stale = named.key().with_other_secret();
    let other = named.key().with_same_secret("hmac-sha512");
    for key in [&stranger, &stale, &other] {
        let bridge = Bridge::of(&named).key(key);
        untouched(&named, || bridge.run(&EVERYTHING, call())).assert_status(75);
        untouched(&named, || bridge.run(&EVERYTHING[..1], "")).assert_status(64);
        bridge.run(&["-vv", "plesk"], call()).assert_status(75);
    }
}

#[test]
fn a_key_file_that_cannot_be_read_as_one_is_not_shown() {
    let named = server();
    for (from, to) in [
        ("secret", "sekret"),
        ("hmac-sha256", "hmac-sha257"),
        ("\";", "\""),
        ("secret \"", "secret \"%"),
        ("key \"plesk\"", ""),
        ("plesk", "a..b"),
    ] {
        let spoiled = named.key().statement().replacen(from, to, 1);
        let bridge = Bridge::of(&named);
        let file = bridge.file("spoiled.key");
        std::fs::write(&file, spoiled).expect("a file of the run");
        restrict(&file);
        let bridge = bridge.set_text("keys.plesk", "file", &file.to_string_lossy());
        let run = bridge.run(&EVERYTHING, call());
        run.assert_status(78).assert_says("spoiled.key");
    }
}

#[test]
fn a_key_file_given_as_configuration_or_as_input_is_not_shown() {
    let named = server();
    let file = named.key_file().to_string_lossy().into_owned();
    let bridge = Bridge::of(&named);
    bridge
        .run_bare(&[], &["--config", &file, "plesk"], call())
        .assert_status(78);
    bridge.run(&["plesk", &file], "").assert_status(65);
    bridge.plesk(named.key().statement()).assert_status(65);
    let inline = Bridge::of(&named).set_text("keys.plesk", "secret", &secret(named.key()));
    inline.plesk(call()).assert_status(78);
}

#[test]
#[should_panic(expected = "the secret of key `plesk` is in standard error")]
fn a_secret_that_nsbridge_prints_fails_the_test() {
    let named = server();
    // A command of this name makes the argument parser repeat it.
    Bridge::of(&named).run(&[&secret(named.key())], "");
}

#[test]
#[should_panic(expected = "the secret of key `plesk` is in ")]
fn a_secret_in_the_state_fails_the_test() {
    let named = server();
    let bridge = Bridge::of(&named);
    std::fs::write(bridge.file("state/planted"), secret(named.key())).expect("a file of the run");
    bridge.run(&["--version"], "");
}

fn secret(key: &Key) -> String {
    let quoted = key.statement().split('"').nth(3);
    quoted.expect("a statement has a quoted secret").to_owned()
}
