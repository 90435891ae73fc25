//! Configuration that cannot be used: status 78 with file, place and remedy, and nothing attempted.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use pretty_assertions::assert_eq;

use crate::support::bridge::{Bridge, Run};
use crate::support::dig;
use crate::support::hostile::{call, server};
use crate::support::keys::Key;
use crate::support::keys::restrict;
use crate::support::named::Named;
use crate::support::scripted::{Conversation, Scripted};
use crate::support::server::Server as _;

/// Runs the call with a configuration that `spoil` has altered; no primary may see a connection.
#[track_caller]
fn spoiled(code: &str, spoil: impl FnOnce(Bridge) -> Bridge) -> Run {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let key = Key::new("plesk").write(directory.path());
    let peer = Scripted::start(Conversation::stall);
    let run = spoil(Bridge::at(peer.port(), &key)).plesk(call());
    assert_eq!(peer.connections(), 0, "{}{}", run.stdout, run.stderr);
    run.assert_status(78)
        .assert_stdout("")
        .assert_codes(&[code])
        .assert_says("; nothing was attempted");
    run
}

#[test]
fn an_unknown_key_is_told_with_its_place_and_the_nearest_one() {
    let run = spoiled("NB-CONFIG-MISSPELT-KEY", |bridge| {
        bridge.set("queue", "deadline-second", "5")
    });
    run.assert_says("DIR/nsbridge.toml:")
        .assert_says("`deadline-second`");
    run.assert_says("`deadline-seconds`");
    let run = spoiled("NB-CONFIG-MISSPELT-KEY", |bridge| {
        bridge.set_text("primaries.main", "adress", "127.0.0.1")
    });
    run.assert_says("`adress`").assert_says("`address`");
    let run = spoiled("NB-CONFIG-MISSPELT-KEY", |bridge| {
        bridge.raw("[polizy]\nkeep = []")
    });
    run.assert_says("`polizy`").assert_says("`policy`");
}

#[test]
fn the_place_of_an_unknown_key_is_its_line_and_column() {
    let file = |bridge: &Bridge| bridge.toml().lines().count();
    let mut line = 0;
    let run = spoiled("NB-CONFIG-MISSPELT-KEY", |bridge| {
        let bridge = bridge.raw("[ptr]\n  network = []");
        line = file(&bridge);
        bridge
    });
    run.assert_says(&format!("DIR/nsbridge.toml:{line}:3"))
        .assert_says("`networks`");
}

#[test]
fn what_is_not_toml_is_told_with_its_place() {
    let run = spoiled("NB-CONFIG-SYNTAX", |bridge| {
        bridge.raw("[ptr\nnetworks = []")
    });
    run.assert_says("DIR/nsbridge.toml:");
}

#[test]
fn values_of_the_wrong_kind_are_told() {
    spoiled("NB-CONFIG-WRONG-TYPE", |bridge| {
        bridge.set_text("queue", "deadline-seconds", "soon")
    })
    .assert_says("deadline-seconds");
    spoiled("NB-CONFIG-BAD-VALUE", |bridge| {
        bridge.set_text("policy", "foreign-records", "burn")
    })
    .assert_says("burn");
    spoiled("NB-CONFIG-BAD-VALUE", |bridge| {
        bridge.set_text("primaries.main", "transport", "quic")
    })
    .assert_says("quic");
    spoiled("NB-CONFIG-BAD-VALUE", |bridge| {
        bridge.ptr_networks(&["192.0.2.0/33"])
    })
    .assert_says("192.0.2.0/33");
    spoiled("NB-CONFIG-BAD-VALUE", |bridge| {
        bridge.set("policy", "deny-zones", "[\"a..b\"]")
    })
    .assert_says("a..b");
    spoiled("NB-CONFIG-BAD-VALUE", |bridge| {
        bridge.set("", "version", "2")
    })
    .assert_says("version");
}

#[test]
fn names_that_lead_nowhere_are_told() {
    spoiled("NB-CONFIG-MISSPELT-VALUE", |bridge| {
        bridge.set_text("primaries.main", "key", "plesc")
    })
    .assert_says("plesc");
    spoiled("NB-CONFIG-MISSPELT-VALUE", |bridge| {
        bridge.route("example.org", "mian")
    })
    .assert_says("mian");
}

#[test]
fn a_key_file_that_others_can_read_is_refused_with_the_line_that_mends_it() {
    for mode in [0o640, 0o604, 0o644, 0o660] {
        let run = spoiled("NB-SECRET-FILE-EXPOSED", |bridge| {
            let file = Key::new("open").write(&bridge.file("."));
            std::fs::set_permissions(&file, Permissions::from_mode(mode)).expect("our own file");
            bridge.set_text("keys.plesk", "file", &file.to_string_lossy())
        });
        run.assert_says("open.key").assert_says("chmod ");
    }
}

#[test]
fn a_key_file_that_is_missing_is_named() {
    let run = spoiled("NB-KEY-FILE-MISSING", |bridge| {
        bridge.set_text("keys.plesk", "file", "/no/such/plesk.key")
    });
    run.assert_says("/no/such/plesk.key");
}

#[test]
fn a_key_file_without_a_key_is_named() {
    let run = spoiled("NB-KEY-FILE-EMPTY", |bridge| {
        let file = bridge.file("empty.key");
        std::fs::write(&file, "# nothing\n").expect("a file of the run");
        restrict(&file);
        bridge.set_text("keys.plesk", "file", &file.to_string_lossy())
    });
    run.assert_says("empty.key");
}

#[test]
fn a_configuration_that_is_missing_is_told_with_how_to_make_one() {
    let run = Bridge::of(&Named::builder().start()).run_bare(
        &[],
        &["--config", "/no/such/nsbridge.toml", "plesk"],
        call(),
    );
    run.assert_status(78)
        .assert_stdout("")
        .assert_code_with("NB-CONFIG-MISSING", "`/no/such/nsbridge.toml`");
}

#[test]
fn the_configuration_is_found_by_the_variable_and_the_option_wins() {
    let named = server();
    let bridge = Bridge::of(&named);
    let file = bridge.write_configuration().to_string_lossy().into_owned();
    bridge
        .run_bare(&[("NSBRIDGE_CONFIG", &file)], &["plesk"], call())
        .assert_status(0);
    assert_eq!(dig::short(&named, "new.example.com", "A"), ["192.0.2.99"]);
    let wrong = [("NSBRIDGE_CONFIG", "/no/such/nsbridge.toml")];
    bridge
        .run_bare(&wrong, &["plesk"], call())
        .assert_status(78);
    bridge
        .run_bare(&wrong, &["--config", &file, "plesk"], call())
        .assert_status(0);
}

#[test]
fn a_directory_for_the_queue_is_made() {
    let named = server();
    let bridge = Bridge::of(&named);
    let queue = bridge.file("state/deep/er/queue.db");
    let bridge = bridge.set_text("queue", "path", &queue.to_string_lossy());
    bridge.plesk(call()).assert_status(0);
    assert!(queue.exists());
}

/// The template is filled in only where a user must: paths, addresses and names of their own.
#[test]
fn the_template_is_a_configuration() {
    let named = Named::builder().start();
    let bridge = Bridge::of(&named);
    let template = bridge.run_bare(&[], &["config", "template"], "");
    template.assert_status(0).assert_stderr("");
    let key = named.key_file().to_string_lossy();
    let control_key = named.control_key_file().to_string_lossy();
    let mut filled = template.stdout.clone();
    for (from, to) in [
        ("/etc/nsbridge/plesk.key", &*key),
        ("/etc/nsbridge/rndc.key", &*control_key),
        (
            "/var/lib/nsbridge/queue.db",
            &*bridge.file("state/queue.db").to_string_lossy(),
        ),
    ] {
        filled = filled.replace(from, to);
    }
    let file = bridge.file("filled.toml").to_string_lossy().into_owned();
    std::fs::write(&file, filled).expect("a file of the run");
    let run = bridge.run_bare(&[], &["--config", &file, "plesk"], "[]");
    run.assert_status(0).assert_stdout("").assert_stderr("");
}

#[test]
fn a_check_of_the_configuration_says_what_it_holds_and_asks_no_primary() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let key = Key::new("plesk").write(directory.path());
    let peer = Scripted::start(Conversation::stall);
    let bridge = Bridge::at(peer.port(), &key).primary("other", peer.port(), "plesk", &key);
    let run = bridge.run(&["config", "check"], "");
    run.assert_status(0)
        .assert_stderr("")
        .assert_stdout("DIR/nsbridge.toml: valid, instance `plesk01`, 2 primaries, 1 key\n");
    let run = bridge.run(&["--output", "json", "config", "check"], "");
    let document: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    let valid = serde_json::json!({
        "subject": "DIR/nsbridge.toml", "result": "valid", "instance": "plesk01",
        "primaries": ["main", "other"], "keys": ["plesk"],
    });
    assert_eq!(document["results"], serde_json::json!([valid]));
    let files = std::fs::read_dir(bridge.file("state")).expect("a directory");
    assert_eq!((files.count(), peer.connections()), (0, 0));
}

#[test]
fn a_check_of_the_configuration_finds_what_a_call_would_stumble_over() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let key = Key::new("plesk").write(directory.path());
    let bridge = || Bridge::at(1, &key);
    for (bridge, code) in [
        (
            bridge().set("queue", "deadline-second", "5"),
            "NB-CONFIG-MISSPELT-KEY",
        ),
        (
            bridge().raw("[unheard-of]\nkey = 1"),
            "NB-CONFIG-UNKNOWN-KEY",
        ),
        (
            bridge().set_text("keys.plesk", "file", "/no/such/plesk.key"),
            "NB-KEY-FILE-MISSING",
        ),
    ] {
        let run = bridge.run(&["config", "check"], "");
        run.assert_status(78).assert_stdout("").assert_code(code);
    }
}
