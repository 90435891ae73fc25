//! `packaging/command/knotc` as the program, against a real Knot on a configuration database.

use std::process::{Command, Stdio};

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::confdb::Knot;
use crate::support::dig::Asker;
use crate::support::process::Said;
use crate::support::program::packaged;
use crate::support::program::{CONTENT, RECORDS, write_program};
use crate::support::{payload, process, wait};

fn bridge(knot: &Knot) -> Bridge {
    let (socket, directory) = places(knot);
    let arguments = ["-s", &socket, "-d", &directory, "{action}", "{zone}"];
    Bridge::at(knot.port(), knot.key_file()).command(&packaged("knotc"), &arguments)
}

/// Runs the program as nsbridge does.
fn program(knot: &Knot, action: &str, zone: &str, input: &str) -> Option<i32> {
    run_with(knot, &[], action, zone, input).status
}

/// Runs it with these variables.
fn run_with(knot: &Knot, variables: &[String], action: &str, zone: &str, input: &str) -> Said {
    let (socket, directory) = places(knot);
    let mut arguments = variables.to_vec();
    arguments.push(packaged("knotc").to_string_lossy().into_owned());
    arguments.extend(["-s", &socket, "-d", &directory, action, zone].map(str::to_owned));
    process::run("env", &arguments, input.as_bytes())
}

/// The control socket, and where the program may write.
fn places(knot: &Knot) -> (String, String) {
    let socket = knot.socket();
    let directory = socket.parent().expect("it is in a directory");
    (
        socket.to_string_lossy().into_owned(),
        directory.to_string_lossy().into_owned(),
    )
}

/// First contents as nsbridge gives them.
const FIRST: &str = "\
example.com. 60 IN SOA ns1.example.net. a\\.b.example.net. 7 1 2 3 4
example.com. 86400 IN NS ns1.example.net.
example.com. 60 IN TXT \"a \\\"b\\\"\"
www.example.com. 60 IN A 192.0.2.1
";

fn content(knot: &Knot, zone: &str) -> Vec<String> {
    let mut lines = Asker::at(knot.port(), knot.key_file()).axfr(zone);
    lines.retain(|line| line.split(' ').nth(3) != Some("SOA"));
    lines
}

#[test]
fn knot_makes_a_zone_takes_updates_keeps_it_and_removes_it() {
    let mut knot = Knot::start();
    assert_eq!(program(&knot, "exists", "example.com", ""), Some(10));
    assert_eq!(program(&knot, "create", "example.com", FIRST), Some(0));
    assert_eq!(program(&knot, "create", "example.com", FIRST), Some(10));
    assert_eq!(program(&knot, "exists", "example.com", ""), Some(0));
    let first = ["example.com. 86400 IN NS ns1.example.net."];
    assert_eq!(content(&knot, "example.com"), first);
    let soa = Asker::at(knot.port(), knot.key_file()).soa("example.com");
    assert_eq!(
        (soa.ttl, soa.serial, &*soa.rname),
        (60, 7, r"a\.b.example.net.")
    );
    bridge(&knot)
        .adopting()
        .plesk(payload::call(&[payload::create("example.com", &RECORDS)]))
        .assert_status(0)
        .assert_stderr("");
    assert_eq!(content(&knot, "example.com"), CONTENT);
    knot.restart();
    assert_eq!(content(&knot, "example.com"), CONTENT);
    assert_eq!(program(&knot, "delete", "example.com", ""), Some(0));
    assert_eq!(program(&knot, "delete", "example.com", ""), Some(10));
    assert_eq!(program(&knot, "exists", "example.com", ""), Some(10));
    // What the zone held before does not come back from the journal.
    assert_eq!(program(&knot, "create", "example.com", FIRST), Some(0));
    assert_eq!(content(&knot, "example.com"), first);
}

#[test]
fn knot_makes_many_zones_at_a_time() {
    let knot = Knot::start();
    let made: Vec<_> = std::thread::scope(|scope| {
        let make = |number: usize| {
            let zone = format!("z{}.example", number % 8);
            let first = FIRST.replace("example.com", &zone);
            program(&knot, "create", &zone, &first)
        };
        // Each zone by two at a time.
        let threads: Vec<_> = (0..16)
            .map(|number| scope.spawn(move || make(number)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(
        made.iter()
            .all(|status| [Some(0), Some(10)].contains(status)),
        "{made:?}"
    );
    for number in 0..8 {
        let zone = format!("z{number}.example");
        assert_eq!(
            content(&knot, &zone),
            [format!("{zone}. 86400 IN NS ns1.example.net.")]
        );
    }
}

#[test]
fn knot_finishes_a_zone_that_was_left_half_made() {
    let knot = Knot::start();
    for command in [
        &["conf-begin"][..],
        &["conf-set", "zone[example.com]"],
        &["conf-set", "zone[example.com].template", "nsbridge"],
        &["conf-commit"],
    ] {
        assert_eq!(knot.control(command).status, Some(0));
    }
    assert_eq!(program(&knot, "create", "example.com", FIRST), Some(0));
    assert_eq!(
        content(&knot, "example.com"),
        ["example.com. 86400 IN NS ns1.example.net."]
    );
    assert_eq!(program(&knot, "create", "example.com", FIRST), Some(10));
    // Half removed: without contents, and still configured.
    assert_eq!(
        knot.control(&["-f", "zone-purge", "example.com"]).status,
        Some(0)
    );
    assert_eq!(program(&knot, "delete", "example.com", ""), Some(0));
    assert_eq!(program(&knot, "exists", "example.com", ""), Some(10));
}

#[test]
fn knots_own_zones_are_neither_changed_nor_removed() {
    let knot = Knot::start();
    for command in [
        &["conf-begin"][..],
        &["conf-set", "zone[example.com]"],
        &["conf-commit"],
    ] {
        assert_eq!(knot.control(command).status, Some(0));
    }
    assert_eq!(program(&knot, "exists", "example.com", ""), Some(0));
    assert_eq!(program(&knot, "create", "example.com", ""), Some(10));
    assert_eq!(program(&knot, "delete", "example.com", ""), Some(69));
    assert_eq!(program(&knot, "exists", "example.com", ""), Some(0));
}

/// A `knotc` that kills the program which calls it with SIGNAL, before or after it does what KILL says.
const KILLER: &str = r#"#!/bin/bash
kill_caller() {
  local pid=$PPID pids=()
  while grep -q packaging/command/knotc "/proc/$pid/cmdline"; do
    pids=("$pid" "${pids[@]}")
    pid=$(ps -o ppid= -p "$pid")
    pid=${pid// /}
  done
  kill -"$SIGNAL" "${pids[@]}"
}
for word in "${@:3}"; do [[ $word == -* ]] || break; done
[[ $KILL != "before $word" ]] || { kill_caller; exit; }
/usr/sbin/knotc "$@"
status=$?
[[ $KILL != "after $word" ]] || kill_caller
exit $status
"#;

/// Has the program make another zone.
fn create_other(knot: &Knot) -> Option<i32> {
    let first = FIRST.replace("example.com", "other.example");
    program(knot, "create", "other.example", &first)
}

/// Runs the program and has it killed at a step, such as `after conf-begin`.
#[track_caller]
fn killed(knot: &Knot, step: &str, action: &str, zone: &str) {
    let said = stopped(knot, "KILL", step, action, zone);
    assert_eq!(said.status, None, "{step}: {}", said.stderr());
}

/// The same with any signal.
#[track_caller]
fn stopped(knot: &Knot, signal: &str, step: &str, action: &str, zone: &str) -> Said {
    let bin = knot.socket().with_file_name("bin");
    std::fs::create_dir_all(&bin).expect("a directory of the test");
    write_program(&bin.join("knotc"), KILLER);
    let path = format!("PATH={}:/usr/bin:/bin", bin.display());
    let variables = [path, format!("KILL={step}"), format!("SIGNAL={signal}")];
    run_with(knot, &variables, action, zone, FIRST)
}

#[test]
fn what_a_killed_run_left_open_is_given_up_by_the_next_one() {
    let knot = Knot::start();
    let at_create = [
        "before conf-begin",
        "after conf-begin",
        "after conf-set",
        "after zone-purge",
        "before conf-commit",
        "after conf-commit",
        "before zone-begin",
        "after zone-begin",
        "after zone-set",
        "before zone-commit",
        "after zone-commit",
    ];
    for (number, step) in at_create.into_iter().enumerate() {
        killed(&knot, step, "create", "example.com");
        if number % 2 == 0 {
            // Whichever zone it is for.
            assert_eq!(create_other(&knot), Some(0), "{step}");
            assert_eq!(
                program(&knot, "delete", "other.example", ""),
                Some(0),
                "{step}"
            );
        }
        let is_made = step == "after zone-commit";
        let expected = if is_made { Some(10) } else { Some(0) };
        assert_eq!(
            program(&knot, "create", "example.com", FIRST),
            expected,
            "{step}"
        );
        assert_eq!(content(&knot, "example.com"), CONTENT[..1], "{step}");
        assert_eq!(
            program(&knot, "delete", "example.com", ""),
            Some(0),
            "{step}"
        );
    }
    let at_delete = [
        "after zone-purge",
        "before conf-begin",
        "after conf-begin",
        "after conf-unset",
        "before conf-commit",
        "after conf-commit",
    ];
    for step in at_delete {
        assert_eq!(
            program(&knot, "create", "example.com", FIRST),
            Some(0),
            "{step}"
        );
        killed(&knot, step, "delete", "example.com");
        let is_gone = step == "after conf-commit";
        let expected = if is_gone { Some(10) } else { Some(0) };
        assert_eq!(
            program(&knot, "delete", "example.com", ""),
            expected,
            "{step}"
        );
        assert_eq!(
            program(&knot, "exists", "example.com", ""),
            Some(10),
            "{step}"
        );
    }
}

/// What the configuration's open transaction changes.
#[track_caller]
fn open_changes(knot: &Knot) -> String {
    let said = knot.control(&["conf-diff"]);
    assert_eq!(said.status, Some(0), "no transaction is open");
    said.stdout()
}

#[test]
fn a_transaction_of_a_person_stays_whatever_a_killed_run_left() {
    let mut knot = Knot::start();
    // It had ended, and could not say so.
    killed(&knot, "after conf-commit", "create", "example.com");
    assert_eq!(knot.control(&["conf-begin"]).status, Some(0));
    let set = knot.control(&["conf-set", "server.version", "theirs"]);
    assert_eq!(set.status, Some(0));
    assert_eq!(create_other(&knot), Some(75));
    assert_eq!(open_changes(&knot), "+server.version = theirs\n");
    assert_eq!(knot.control(&["conf-abort"]).status, Some(0));
    killed(&knot, "after conf-commit", "delete", "example.com");
    assert_eq!(knot.control(&["conf-begin"]).status, Some(0));
    assert_eq!(create_other(&knot), Some(75));
    assert_eq!(open_changes(&knot), "");
    assert_eq!(knot.control(&["conf-abort"]).status, Some(0));
    // It was open in a knotd that runs no more.
    killed(&knot, "after conf-begin", "create", "other.example");
    knot.restart();
    assert_eq!(knot.control(&["conf-begin"]).status, Some(0));
    assert_eq!(create_other(&knot), Some(75));
    assert_eq!(open_changes(&knot), "");
}

#[test]
fn a_transaction_of_a_person_in_a_zone_stays() {
    let knot = Knot::start();
    killed(&knot, "after conf-commit", "create", "example.com");
    assert_eq!(create_other(&knot), Some(0));
    assert_eq!(knot.control(&["zone-begin", "example.com"]).status, Some(0));
    assert_eq!(program(&knot, "create", "example.com", FIRST), Some(75));
    assert_eq!(knot.control(&["zone-abort", "example.com"]).status, Some(0));
    // A run that had ended, and could not say so.
    killed(&knot, "after zone-commit", "create", "example.com");
    assert_eq!(knot.control(&["zone-begin", "example.com"]).status, Some(0));
    assert_eq!(program(&knot, "create", "example.com", FIRST), Some(10));
    assert_eq!(knot.control(&["zone-diff", "example.com"]).status, Some(0));
}

#[test]
fn a_run_that_is_ended_gives_up_what_it_began_and_nothing_else() {
    let knot = Knot::start();
    for step in ["after conf-begin", "after zone-begin"] {
        let said = stopped(&knot, "TERM", step, "create", "example.com");
        assert_eq!(said.status, Some(75), "{step}: {}", said.stderr());
        let begun = knot.control(&["conf-begin"]);
        assert_eq!(begun.status, Some(0), "{step}");
        assert_eq!(knot.control(&["conf-abort"]).status, Some(0));
    }
    assert_eq!(knot.control(&["zone-begin", "example.com"]).status, Some(0));
    // While it waits for somebody else.
    assert_eq!(knot.control(&["conf-begin"]).status, Some(0));
    let (socket, directory) = places(&knot);
    let mut command = Command::new(packaged("knotc"));
    command.args(["-s", &socket, "-d", &directory, "create", "other.example"]);
    let child = command.stdin(Stdio::null()).spawn();
    let mut child = child.expect("a program of the project");
    wait::until("it has its turn", || {
        process::run("flock", &["-n", &directory, "true"], b"").status == Some(1)
    });
    process::send_signal(child.id(), "TERM");
    let ended = wait::until_some(wait::PATIENCE, || child.try_wait().ok().flatten());
    assert_eq!(ended.and_then(|status| status.code()), Some(75));
    assert_eq!(open_changes(&knot), "");
}

#[test]
fn the_program_finds_knotc_with_the_path_that_sshd_gives_and_says_what_needs_a_person() {
    let knot = Knot::start();
    let (socket, directory) = places(&knot);
    let server = packaged("ssh-server").to_string_lossy().into_owned();
    let program = packaged("knotc").to_string_lossy().into_owned();
    let as_sshd = |directory: &str, command: &str, program: &str| {
        let command = format!("SSH_ORIGINAL_COMMAND={command}");
        let path = "PATH=/usr/local/bin:/usr/bin:/bin";
        let arguments = [
            "-i", path, &command, &server, program, "-s", &socket, "-d", directory,
        ];
        process::run("env", &arguments, FIRST.as_bytes())
    };
    let said = as_sshd(&directory, "create example.com", &program);
    assert_eq!(said.status, Some(0), "{}", said.stderr());
    assert_eq!(content(&knot, "example.com"), CONTENT[..1]);
    // A directory that is not there.
    let said = as_sshd("/nonexistent", "exists example.com", &program);
    assert_eq!(said.status, Some(69));
    assert!(
        said.stderr()
            .contains("cannot write to the directory `/nonexistent`")
    );
    // A program that is not there, which nsbridge holds for a person.
    assert_eq!(
        as_sshd(&directory, "exists example.com", "/nonexistent").status,
        Some(127)
    );
}
