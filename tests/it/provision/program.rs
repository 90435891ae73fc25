//! Zones made and removed by a program, here one that writes a zone file and calls `rndc`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::dig;
use crate::support::named::{Named, Zone};
use crate::support::nsupdate::nsupdate;
use crate::support::payload;
use crate::support::process;
use crate::support::program::{CONTENT, Made, RECORDS};
use crate::support::server::Server as _;
use crate::support::wait;

fn create() -> serde_json::Value {
    payload::create("example.com", &RECORDS)
}

#[test]
fn a_program_makes_a_zone_from_its_first_contents_and_removes_it() {
    let made = Made::new();
    made.plesk(create())
        .assert_status(0)
        .assert_stdout("example.com.: created with 4 records on main (127.0.0.1:PORT)\n")
        .assert_stderr("");
    assert_eq!(dig::content(&made.named, "example.com"), CONTENT);
    // The program used the contents, so there was nothing left to send.
    assert_eq!(made.named.updates_received(), 0);
    made.plesk(create())
        .assert_status(0)
        .assert_stdout("example.com.: unchanged on main (127.0.0.1:PORT)\n");
    let changed = [RECORDS[0], ("www.example.com.", "A", "", "192.0.2.2")];
    made.plesk(payload::update("example.com", 1, &changed))
        .assert_status(0)
        .assert_stdout(
            "example.com.: updated, 1 record added, 2 records removed on main (127.0.0.1:PORT)\n",
        );
    assert_eq!(
        dig::short(&made.named, "www.example.com", "A"),
        ["192.0.2.2"]
    );
    made.plesk(payload::delete("example.com"))
        .assert_status(0)
        .assert_stdout("example.com.: deleted on main (127.0.0.1:PORT)\n");
    assert!(!dig::has_zone(&made.named, "example.com"));
    made.plesk(payload::delete("example.com"))
        .assert_status(0)
        .assert_stdout("example.com.: already gone on main (127.0.0.1:PORT)\n");
}

#[test]
fn a_program_that_ignores_the_contents_leaves_the_rest_to_updates() {
    let made = Made::new();
    let own = "exec < <(printf '$TTL 60\n@ SOA a. b. 1 2 3 4 5\n@ NS a.\nold A 192.0.2.9\n')";
    made.hook("before-create", own);
    made.plesk(create())
        .assert_status(0)
        .assert_stdout("example.com.: created with 4 records on main (127.0.0.1:PORT)\n");
    let mut expected = CONTENT.to_vec();
    expected.sort_unstable();
    assert_eq!(dig::content(&made.named, "example.com"), expected);
}

#[test]
fn a_zone_that_the_program_did_not_make_is_emptied_and_stays() {
    let made = Made::with(Named::builder().zone(Zone::dynamic("example.com", "")));
    made.adopt("example.com");
    made.plesk(create()).assert_status(0);
    made.plesk(payload::delete("example.com")).assert_status(0);
    assert!(dig::has_zone(&made.named, "example.com"));
    assert!(!made.calls().contains(&"delete example.com".to_owned()));
}

#[test]
fn a_refusal_needs_a_person_and_shows_what_the_program_said() {
    let made = Made::new();
    made.hook(
        "before-create",
        "echo 'no more zones, says \"ops\"' >&2; printf 'ask\\033[1m them'; exit 69",
    );
    made.plesk(create())
        .assert_status(69)
        .assert_error("example.com.", "NB-PROGRAM-REFUSED")
        .assert_code_with(
            "NB-PROGRAM-REFUSED",
            "no more zones, says \"ops\" ask\\u{1b}[1m them",
        );
    // Nothing was made, so a zone that comes up now is somebody else's.
    made.unhook("before-create");
    let program = made.named.file("make-zone").to_string_lossy().into_owned();
    let theirs = b"@ 60 SOA a. b. 1 2 3 4 5\n@ 60 NS a.\n";
    let said = process::run(&program, &["create", "example.com"], theirs);
    assert_eq!(said.status, Some(0), "{}", said.stderr());
    made.plesk(create())
        .assert_status(69)
        .assert_code("NB-ZONE-UNOWNED");
    made.adopt("example.com");
    made.plesk(create()).assert_status(0);
    made.plesk(payload::delete("example.com")).assert_status(0);
    assert!(dig::has_zone(&made.named, "example.com"));
}

#[test]
fn a_program_that_asks_for_patience_gets_it() {
    let made = Made::new();
    made.hook("before-create", "echo 'the server restarts'; exit 75");
    let run = made.plesk(create());
    run.assert_status(75).assert_stdout("");
    run.assert_code_with("NB-PROGRAM-BUSY", ": the server restarts");
    made.unhook("before-create");
    made.plesk(create()).assert_status(0);
    assert_eq!(dig::content(&made.named, "example.com"), CONTENT);
}

#[test]
fn a_program_that_fails_otherwise_needs_a_person() {
    let made = Made::new();
    made.hook("before-create", "rm -- /no/such/file 2>/dev/null; exit 3");
    let run = made.plesk(create());
    run.assert_status(69)
        .assert_code_with("NB-PROGRAM-FAILED", "`create` (exit status: 1)");
}

#[test]
fn a_program_that_makes_nothing_and_says_so_to_nobody_is_told() {
    let made = Made::new();
    made.hook("before-create", "exit 0");
    let bridge = made.bridge.deadline_seconds(10);
    let bridge = bridge.without_dry_run("only a run starts the program");
    bridge
        .plesk(payload::call(&[create()]))
        .assert_status(69)
        .assert_code_with("NB-ZONE-NOT-MADE", "example.com.");
}

#[test]
fn a_program_that_hangs_is_killed_and_what_it_did_is_found_the_next_time() {
    let made = Made::new();
    let made = Made {
        bridge: made.bridge.deadline_seconds(3),
        ..made
    };
    made.hook("then-create", "echo $$ >hanging; trap '' TERM; sleep 300");
    let run = made.plesk(create());
    run.assert_status(75).assert_stdout("");
    run.assert_code_with("NB-PROGRAM-TIMED-OUT", "`create`");
    let hanging = fs::read_to_string(made.named.file("hanging")).expect("the program got there");
    wait::until("the program is gone", || {
        let state = fs::read_to_string(format!("/proc/{}/stat", hanging.trim()));
        state.is_ok_and(|state| state.contains(") Z "))
            || !fs::exists(format!("/proc/{}", hanging.trim())).unwrap()
    });
    made.unhook("then-create");
    // It holds nothing but what was to be delivered, so it was made here.
    made.plesk(create())
        .assert_status(0)
        .assert_stdout("example.com.: unchanged on main (127.0.0.1:PORT)\n");
    assert_eq!(dig::content(&made.named, "example.com"), CONTENT);
    made.plesk(payload::delete("example.com"))
        .assert_status(0)
        .assert_stdout("example.com.: deleted on main (127.0.0.1:PORT)\n");
}

#[test]
fn a_zone_that_somebody_uses_who_found_it_half_made_stays() {
    let made = Made::new();
    made.hook("then-create", "exit 75");
    made.plesk(create()).assert_status(75);
    made.unhook("then-create");
    nsupdate(&made.named, "update add hand.example.com 60 A 192.0.2.9");
    made.plesk(create()).assert_status(0);
    made.plesk(payload::delete("example.com"))
        .assert_status(0)
        .assert_stdout(
            "example.com.: 2 records removed; the zone is not nsbridge's alone, so it stays with its \
             SOA and name servers on main (127.0.0.1:PORT)\n",
        );
    let hand = dig::short(&made.named, "hand.example.com", "A");
    assert_eq!(hand, ["192.0.2.9"]);
}

#[test]
fn a_name_that_could_be_an_option_never_reaches_the_program() {
    let made = Made::new();
    for name in ["-rf.example", "/etc.example", "a\\;b.example"] {
        let records = [("@", "NS", "", "ns1.example.net.")];
        let owner = format!("{name}.");
        let records = [(&*owner, records[0].1, "", records[0].3)];
        let run = made.plesk(payload::create(name, &records));
        assert!(matches!(run.status, Some(65 | 69)), "{}", run.stderr);
    }
    assert_eq!(made.calls(), [""; 0]);
}

#[test]
fn a_program_that_is_not_there_is_found_before_anything_is_attempted() {
    let made = Made::new();
    fs::set_permissions(
        made.named.file("make-zone"),
        fs::Permissions::from_mode(0o644),
    )
    .unwrap();
    let run = made.plesk(create());
    let program = made.named.file("make-zone");
    run.assert_status(78)
        .assert_stdout("")
        .assert_code("NB-CONFIG-NOT-EXECUTABLE");
    fs::remove_file(program).unwrap();
    made.plesk(create())
        .assert_status(78)
        .assert_code_with("NB-FILE-MISSING", "make-zone`");
}

#[test]
fn root_runs_no_program_that_others_may_change() {
    let made = Made::new();
    let (named, bridge) = (&made.named, &made.bridge);
    let root = |bridge: Bridge| bridge.within(&process::as_root("env"));
    let program = named.file("sub/make-zone");
    fs::create_dir(named.file("sub")).expect("a directory");
    fs::copy(named.file("make-zone"), &program).expect("a copy");
    let config = bridge.file("etc/nsbridge.toml");
    fs::create_dir(bridge.file("etc")).expect("a directory");
    let text = bridge.toml().replace(
        &*named.file("make-zone").to_string_lossy(),
        &program.to_string_lossy(),
    );
    fs::write(&config, text).expect("a configuration");
    let config_text = config.to_string_lossy();
    let run = || {
        let bridge = root(Bridge::of(named));
        let arguments = ["--config", &*config_text, "config", "check"];
        bridge.run_bare(&[], &arguments, "")
    };
    run().assert_status(0);
    let sub = named.file("sub");
    let etc = bridge.file("etc");
    for place in [&program, &sub, &config, &etc] {
        for change in ["chown nobody", "chmod g+w", "chmod o+w"] {
            let quoted = place.display();
            let by_group = format!("chgrp nogroup {quoted}");
            for line in [&*by_group, &format!("{change} {quoted}")] {
                let words = process::as_root(line);
                process::run_ok(words[0], &words[1..]);
            }
            let refused = run();
            refused.assert_status(78);
            let code = refused.codes()[0].to_owned();
            if code == "NB-CONFIG-WRITABLE-PROGRAM" {
                assert!(*place == program && change == "chmod o+w", "{refused:#?}");
            } else {
                refused
                    .assert_code_with("NB-CONFIG-OPEN-PROGRAM", &format!("`{quoted}` has owner "));
            }
            // As the message says.
            let hint = refused.stderr.split("do: run `").nth(1);
            let hint = hint.and_then(|it| it.split('`').next()).expect("a command");
            let words = [&process::as_root("sh -c")[..], &[hint]].concat();
            process::run_ok(words[0], &words[1..]);
            run().assert_status(0);
        }
    }
}
