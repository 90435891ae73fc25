//! Tests of arguments, of first contents, and of each way in which a program can end.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use pretty_assertions::assert_eq;
use tempfile::TempDir;

use super::*;
use crate::diagnostic::{Class, Diagnose as _};
use crate::model::{Name, Rdata, Record, RrSets, Serial, Soa};

/// A directory with a program in it.
struct Programs(TempDir);

impl Programs {
    fn new(body: &str) -> Self {
        let programs = Self(tempfile::tempdir().unwrap());
        let path = programs.path("program");
        // Another process writes the program: a file that is open for writing cannot be run, and
        // the process of another test may have inherited the open file.
        let script = format!("#!/bin/sh\ncd {}\n{body}\n", programs.0.path().display());
        let status = std::process::Command::new("sh")
            .args(["-c", "printf %s \"$1\" >\"$2\"; chmod 755 \"$2\"", "sh"])
            .arg(script)
            .arg(&path)
            .status();
        assert!(status.unwrap().success());
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o755
        );
        programs
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn command(&self) -> Command {
        let arguments = ["{action}", "zone={zone}", "a b", "{{}}"];
        Command::new(CommandSettings {
            program: self.path("program"),
            arguments: arguments.map(|text| text.parse().unwrap()).into(),
        })
    }

    fn create_within(&self, time: Duration) -> Result<Created, CommandError> {
        let deadline = Instant::now() + time;
        block_on(self.command().create(&initial("example.com."), deadline))
    }
}

fn zone_name(text: &str) -> ZoneName {
    ZoneName::new(&text.parse().unwrap())
}

fn initial(text: &str) -> InitialZone {
    let name = zone_name(text);
    let apex = name.apex().clone();
    let ns1: Name = "ns1.example.net.".parse().unwrap();
    let record = |rtype, rdata| Record {
        owner: apex.clone(),
        rtype,
        ttl: 300,
        rdata,
    };
    let records = [
        record(RecordType::NS, Rdata::from_name(&ns1)),
        record(RecordType::TXT, zonefile::txt_rdata(b"a \"b\"")),
    ];
    InitialZone {
        soa: Soa {
            mname: ns1,
            rname: r"a\.b.example.net.".parse().unwrap(),
            serial: Serial(7),
            refresh: 1,
            retry: 2,
            expire: 3,
            minimum: 4,
        },
        soa_ttl: 60,
        records: RrSets::from_records(records),
        name,
    }
}

fn is_transient(error: &CommandError) -> bool {
    error.diagnostic().class() == Class::Transient
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(future)
}

/// Runs `create` with a program that has this body.
fn create(body: &str) -> Result<Created, String> {
    let programs = Programs::new(body);
    let created = block_on(programs.command().create(&initial("example.com."), soon()));
    created.map_err(|error| {
        let directory = format!("{}/", programs.0.path().display());
        let facts = (error.made_nothing(), is_transient(&error));
        format!("{error} {facts:?}").replace(&directory, "")
    })
}

#[test]
fn placeholders_are_replaced_and_unknown_ones_are_errors() {
    let fill = |text: &str| {
        let argument: Argument = text.parse()?;
        Ok::<_, ArgumentError>(argument.fill(Action::Delete, "example.com"))
    };
    for (text, filled) in [
        ("", ""),
        ("{action}", "delete"),
        ("-z{zone}:{action}!", "-zexample.com:delete!"),
        ("{{zone}} {{}}", "{zone} {}"),
        ("{{{zone}}}", "{example.com}"),
    ] {
        assert_eq!(fill(text).as_deref(), Ok(filled));
    }
    let unknown = |name: &str| Err(ArgumentError::Unknown { name: name.into() });
    assert_eq!(fill("{view}"), unknown("view"));
    assert_eq!(fill("{}"), unknown(""));
    assert_eq!(fill("{Zone}"), unknown("Zone"));
    assert_eq!(fill("a{zone"), Err(ArgumentError::Brace));
    assert_eq!(fill("zone}"), Err(ArgumentError::Brace));
    assert_eq!(fill("\0"), Err(ArgumentError::Nul));
}

#[test]
fn a_zone_name_that_a_program_could_misread_is_not_passed() {
    let word = |text: &str| argument::zone_word(&zone_name(text));
    for good in [
        "example.com",
        "0/25.2.0.192.in-addr.arpa",
        "_a.b-c",
        "xn--a",
    ] {
        assert_eq!(word(&format!("{good}.")).as_deref(), Some(good));
    }
    for bad in [
        ".",
        "-rf.example.",
        "/etc/passwd.",
        r"a\.b.example.",
        r"a\032b.example.",
        r"\000.example.",
        "a*.example.",
        r"\$x.example.",
        r"a\;b.example.",
        "{zone}.example.",
        r"\195\164.example.",
    ] {
        assert_eq!(word(bad), None, "{bad}");
    }
}

#[test]
fn a_program_gets_its_arguments_the_contents_and_a_small_environment() {
    let programs = Programs::new(
        "for a in \"$@\"; do echo \"[$a]\"; done >arguments; cat >contents; env | sort >environment",
    );
    let command = programs.command();
    let created = block_on(command.create(&initial("example.com."), soon()));
    assert_eq!(created.unwrap(), Created::Placeholder);
    assert_eq!(
        programs.read("arguments"),
        "[create]\n[zone=example.com]\n[a b]\n[{}]\n"
    );
    assert_eq!(
        programs.read("contents"),
        "example.com. 60 IN SOA ns1.example.net. a\\.b.example.net. 7 1 2 3 4\n\
         example.com. 300 IN NS ns1.example.net.\n\
         example.com. 300 IN TXT \"a \\\"b\\\"\"\n"
    );
    let environment = programs.read("environment");
    let names: Vec<&str> = environment
        .lines()
        .filter_map(|l| Some(l.split_once('=')?.0))
        .collect();
    // The shell itself adds PWD, OLDPWD, SHLVL and `_`.
    assert_eq!(
        names
            .iter()
            .filter(|name| !["_", "OLDPWD", "PWD", "SHLVL"].contains(name))
            .collect::<Vec<_>>(),
        [&"LC_ALL", &"PATH"]
    );
}

#[test]
fn each_exit_status_has_its_meaning() {
    assert_eq!(create("exit 0"), Ok(Created::Placeholder));
    assert_eq!(
        create("exit 10"),
        Ok(Created::AlreadyThere(ZoneStatus::Unmarked))
    );
    for (body, error) in [
        (
            "echo no >&2; exit 69",
            "`program` refuses to create the zone (exit status 69): no (true, false)",
        ),
        (
            "echo busy; exit 75",
            "`program` cannot create it now (exit status 75): busy (false, true)",
        ),
        (
            "exit 1",
            "`program` failed at `create` (exit status: 1) (false, false)",
        ),
        (
            "kill -9 $$",
            "`program` failed at `create` (signal: 9 (SIGKILL)) (false, false)",
        ),
    ] {
        assert_eq!(create(body), Err(error.into()));
    }
}

#[test]
fn only_a_recorded_zone_is_deleted() {
    let programs =
        Programs::new("echo \"$1\" >>calls; cat >input; [ ! -e \"$1.absent\" ] || exit 10");
    let command = programs.command();
    let zone = zone_name("example.com.");
    let delete = |scope| block_on(command.delete(&zone, scope, soon())).unwrap();
    assert_eq!(
        block_on(command.status(&zone, soon())).unwrap(),
        ZoneStatus::Unmarked
    );
    assert_eq!(
        delete(RemovalScope::Marked),
        Deleted::NotOurs(ZoneStatus::Unmarked)
    );
    assert_eq!(delete(RemovalScope::Recorded), Deleted::Removed);
    assert_eq!(programs.read("calls"), "exists\nexists\ndelete\n");
    assert_eq!(programs.read("input"), "");
    fs::write(programs.path("exists.absent"), "").unwrap();
    fs::write(programs.path("delete.absent"), "").unwrap();
    assert_eq!(
        block_on(command.status(&zone, soon())).unwrap(),
        ZoneStatus::Absent
    );
    assert_eq!(delete(RemovalScope::Marked), Deleted::WasAbsent);
    assert_eq!(delete(RemovalScope::Recorded), Deleted::WasAbsent);
}

#[test]
fn the_output_in_a_message_is_one_short_line_without_control_characters() {
    let error = create("printf 'a\\n\\033[31mb\\tc \"d\"\\r\\n'; exit 69").unwrap_err();
    assert!(error.contains(": a \\u{1b}[31mb c \"d\" ("), "{error}");
    let error = create("yes abcdefg | head -c 1000000; echo the end >&2; exit 69").unwrap_err();
    assert!(error.contains(": …"), "{error}");
    assert!(error.contains(" abcdefg the end ("), "{error}");
    assert!(error.chars().count() < 400, "{error}");
}

#[test]
fn of_endless_output_only_the_end_is_kept() {
    let programs = Programs::new("yes | head -c 1000000; echo the end >&2");
    let program = programs.path("program");
    let ended = block_on(process::run(&program, &[""; 0], b"", soon())).unwrap();
    assert!(ended.output.ends_with(b"y\nthe end\n"));
    assert!(ended.output.len() < 10_000, "{} octets", ended.output.len());
}

#[test]
fn a_program_need_not_read_its_input() {
    let mut zone = initial("example.com.");
    let record = |number: u32| Record {
        owner: zone
            .name
            .apex()
            .child(number.to_string().as_bytes())
            .unwrap(),
        rtype: RecordType::TXT,
        ttl: 1,
        rdata: zonefile::txt_rdata(&[b'x'; 200]),
    };
    // More than a pipe holds.
    zone.records = RrSets::from_records((0..2000).map(record));
    let programs = Programs::new("exit 0");
    assert_eq!(
        block_on(programs.command().create(&zone, soon())).unwrap(),
        Created::Placeholder
    );
    let programs = Programs::new("wc -l >count");
    assert_eq!(
        block_on(programs.command().create(&zone, soon())).unwrap(),
        Created::Placeholder
    );
    assert_eq!(programs.read("count").trim(), "2001");
}

/// Returns whether the process with this number still runs.
fn runs(id: &str) -> bool {
    let state = fs::read_to_string(format!("/proc/{}/stat", id.trim())).unwrap_or_default();
    // A zombie has ended; its parent has not waited for it yet.
    !state.is_empty() && !state.contains(") Z ")
}

fn wait_for_end(id: &str) {
    for _ in 0..1000 {
        if !runs(id) {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(10));
    }
    panic!("process {id} still runs");
}

#[test]
fn a_program_that_takes_too_long_is_ended_with_all_that_it_started() {
    let body = "trap '' TERM; echo begun; sleep 100 & echo $! >child; wait; wait";
    let programs = Programs::new(body);
    let error = programs.create_within(Duration::from_secs(2)).unwrap_err();
    assert!(matches!(error, CommandError::Deadline { .. }), "{error}");
    assert!(
        error
            .to_string()
            .ends_with("took too long at `create`, and was killed: begun"),
        "{error}"
    );
    assert!(!error.made_nothing() && is_transient(&error));
    wait_for_end(&programs.read("child"));
}

#[test]
fn a_program_gets_sigterm_before_sigkill() {
    let programs = Programs::new("trap 'echo undone >undone; exit 0' TERM; sleep 100 & wait");
    let created = programs.create_within(Duration::from_secs(2));
    assert_eq!(created.unwrap(), Created::Placeholder);
    assert_eq!(programs.read("undone"), "undone\n");
    let programs = Programs::new("trap 'exit 75' TERM; sleep 100 & wait");
    let error = programs.create_within(Duration::from_secs(2)).unwrap_err();
    assert!(matches!(error, CommandError::Deadline { .. }), "{error}");
}

#[test]
fn a_dropped_run_leaves_no_process() {
    let programs = Programs::new("sleep 100 & echo $! >child.new; mv child.new child; wait");
    let command = programs.command();
    let zone = initial("example.com.");
    block_on(async {
        let create = command.create(&zone, soon());
        let begun = async {
            while !programs.path("child").exists() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            created = create => panic!("{created:?}"),
            () = begun => {}
        }
    });
    wait_for_end(&programs.read("child"));
}

#[test]
fn a_background_process_is_neither_waited_for_nor_killed() {
    let programs = Programs::new("sleep 100 & echo $! >child; echo no; exit 69");
    let begun = Instant::now();
    let error = block_on(programs.command().create(&initial("example.com."), soon())).unwrap_err();
    assert!(
        error.to_string().ends_with("(exit status 69): no"),
        "{error}"
    );
    assert!(begun.elapsed() < Duration::from_secs(10));
    let child = programs.read("child");
    assert!(runs(&child));
    let killed = std::process::Command::new("kill")
        .arg(child.trim())
        .status();
    assert!(killed.unwrap().success());
}

#[test]
fn a_program_that_is_not_started_has_created_nothing() {
    let programs = Programs::new("exit 0");
    let started = |settings: CommandSettings, deadline| {
        let command = Command::new(settings);
        block_on(command.create(&initial("example.com."), deadline)).unwrap_err()
    };
    let with = |program: PathBuf| CommandSettings {
        program,
        arguments: Vec::new(),
    };
    let error = started(with(programs.path("nothing")), soon());
    assert!(
        error
            .to_string()
            .ends_with("No such file or directory (os error 2)"),
        "{error}"
    );
    assert!(error.made_nothing() && !is_transient(&error));
    fs::write(programs.path("text"), "hello\n").unwrap();
    let error = started(with(programs.path("text")), soon());
    assert_eq!(error.diagnostic().code(), "NB-PROGRAM-FORBIDDEN");
    let run_it = format!("`chmod a+rx {}`", programs.path("text").display());
    let hint = error.diagnostic().hint().unwrap();
    assert!(hint.ends_with(&run_it), "{hint}");
    fs::set_permissions(programs.path("text"), fs::Permissions::from_mode(0o755)).unwrap();
    let error = started(with(programs.path("text")), soon());
    assert_eq!(error.diagnostic().code(), "NB-PROGRAM-WITHOUT-INTERPRETER");
    let error = started(with(programs.path("program")), Instant::now());
    assert!(error.made_nothing() && is_transient(&error), "{error}");
    let error = block_on(programs.command().create(&initial("-rf.example."), soon())).unwrap_err();
    assert!(matches!(error, CommandError::ZoneUnwritable { .. }));
    assert!(error.made_nothing() && !is_transient(&error));
}
