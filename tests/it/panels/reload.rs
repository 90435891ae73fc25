//! Panels that write zones and a list of them, and then let BIND reload: the drop-ins for BIND's service, and the
//! setting of Froxlor.

use std::fs;
use std::process::Command;

use pretty_assertions::assert_eq;
use tempfile::TempDir;

use super::froxlor::FROXLOR;
use super::hestiacp::HESTIACP;
use super::ispconfig::{self, ISPCONFIG};
use super::{Reloading, SHELL_NAMES};
use crate::support::bridge::Bridge;
use crate::support::dig;
use crate::support::jobs::jobs;
use crate::support::named::Named;
use crate::support::panel::{Panel, assert_quiet, assert_shown, packaging};
use crate::support::process::{self, Said, as_root};
use crate::support::server::Server as _;
use crate::support::{wait, worker};

/// Makes a test of a case for each panel.
macro_rules! panels {
    ($case:ident) => {
        mod $case {
            #[test]
            fn of_froxlor() {
                super::$case(super::FROXLOR);
            }

            #[test]
            fn of_hestiacp() {
                super::$case(super::HESTIACP);
            }

            #[test]
            fn of_ispconfig() {
                super::$case(super::ISPCONFIG);
            }
        }
    };
}

/// The command of an option of the drop-in, which systemd runs without a shell and whose status it ignores.
#[track_caller]
fn command_of(reloading: &Reloading, option: &str) -> Vec<String> {
    let drop_in = packaging(&format!("{}/nsbridge.conf", reloading.panel));
    let drop_in = fs::read_to_string(drop_in).expect("a drop-in");
    let start = format!("{option}=-");
    let lines: Vec<&str> = drop_in
        .lines()
        .filter_map(|it| it.strip_prefix(&start))
        .collect();
    let [line] = lines[..] else {
        panic!("not one {option}: {drop_in}");
    };
    line.split(' ').map(str::to_owned).collect()
}

/// Does what systemd does when BIND is to reload.
#[track_caller]
fn reload(panel: &Panel<'_>, reloading: &Reloading) -> Said {
    let words = command_of(reloading, "ExecReload");
    assert_eq!(words, command_of(reloading, "ExecStartPost"));
    let (Some((program, arguments)), Some(list)) = (words.split_first(), words.last()) else {
        panic!("no command");
    };
    assert_eq!(
        (program.as_str(), list.as_str()),
        ("/usr/local/bin/nsbridge-panel", reloading.documented)
    );
    let list = panel.file(reloading.configuration).display().to_string();
    let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    arguments.pop();
    arguments.push(&list);
    let (path, configuration) = (panel.path(), panel.configuration());
    let variables = [("PATH", &*path), ("NSBRIDGE_CONFIG", &*configuration)];
    panel.run(&packaging("nsbridge-panel"), &arguments, &variables)
}

fn fresh() -> (Named, Bridge) {
    let named = Named::builder().start();
    let bridge = Bridge::of(&named).seed(&named);
    (named, bridge)
}

#[track_caller]
fn assert_has(named: &Named, reloading: &Reloading, zone: &str, address: &str) {
    assert_eq!(
        dig::content(named, zone),
        (reloading.records)(zone, address),
        "{zone}"
    );
}

panels!(zones_are_created_changed_and_deleted);
fn zones_are_created_changed_and_deleted(reloading: Reloading) {
    let (named, bridge) = fresh();
    let panel = Panel::new(&bridge);
    let write = |zones: &[(&str, &str)]| (reloading.write)(&panel, zones);
    write(&[("example.com", "192.0.2.10"), ("example.org", "192.0.2.20")]);
    assert_quiet(&reload(&panel, &reloading));
    assert_has(&named, &reloading, "example.com", "192.0.2.10");
    assert_has(&named, &reloading, "example.org", "192.0.2.20");
    let log = panel.take_log();
    let head = format!("logger -t nsbridge-{} -p daemon.info\n", reloading.panel);
    assert!(log.starts_with(&head), "{log}");
    assert!(log.contains("\nexample.com.: created with "), "{log}");
    let updates = named.updates_received();

    // Nothing has changed but dates: nothing is sent.
    write(&[("example.com", "192.0.2.10"), ("example.org", "192.0.2.20")]);
    assert_quiet(&reload(&panel, &reloading));
    assert_eq!(named.updates_received(), updates);

    write(&[("example.com", "192.0.2.11"), ("example.org", "192.0.2.20")]);
    assert_quiet(&reload(&panel, &reloading));
    assert_has(&named, &reloading, "example.com", "192.0.2.11");
    assert_has(&named, &reloading, "example.org", "192.0.2.20");

    write(&[("example.com", "192.0.2.11")]);
    assert_quiet(&reload(&panel, &reloading));
    assert!(!dig::has_zone(&named, "example.org"));
    assert_has(&named, &reloading, "example.com", "192.0.2.11");
    assert!(!dig::has_zone(&named, "localhost") && !dig::has_zone(&named, "elsewhere.example"));
}

panels!(a_name_with_shell_signs_runs_nothing_and_costs_no_other_zone);
fn a_name_with_shell_signs_runs_nothing_and_costs_no_other_zone(reloading: Reloading) {
    let (named, bridge) = fresh();
    let panel = Panel::new(&bridge);
    for (name, last) in SHELL_NAMES.into_iter().zip(10..) {
        let address = format!("192.0.2.{last}");
        (reloading.write)(&panel, &[(name, "192.0.2.66"), ("example.com", &address)]);
        let said = reload(&panel, &reloading);
        let log = panel.take_log();
        let status = said.status.expect("it ends by itself");
        assert!([65, 69].contains(&status), "{name:?}: {status}: {log}");
        assert_shown(&said, status, reloading.panel);
        assert!(!log.contains('\u{1b}'), "{log:?}");
        assert_has(&named, &reloading, "example.com", &address);
    }
    assert!(!panel.file("run").exists());
    let zones = bridge.run(&["zone", "list"], "").stdout;
    assert!(
        zones.starts_with("example.com.: created by nsbridge, "),
        "{zones}"
    );
    assert_eq!(zones.lines().count(), 1, "{zones}");
}

panels!(while_the_primary_is_down_the_reload_succeeds_and_the_queue_keeps_the_zones);
fn while_the_primary_is_down_the_reload_succeeds_and_the_queue_keeps_the_zones(
    reloading: Reloading,
) {
    let (mut named, bridge) = fresh();
    let panel = Panel::new(&bridge);
    let write = |zones: &[(&str, &str)]| (reloading.write)(&panel, zones);
    write(&[
        ("example.com", "192.0.2.10"),
        ("gone.example", "192.0.2.20"),
    ]);
    assert_quiet(&reload(&panel, &reloading));
    panel.take_log();
    named.stop();
    write(&[("example.com", "192.0.2.11"), ("example.org", "192.0.2.30")]);
    assert_quiet(&reload(&panel, &reloading));
    let log = panel.take_log();
    assert!(log.contains("-p daemon.warning\n"), "{log}");
    assert_eq!(jobs(&bridge).len(), 3);

    named.restart();
    let worker = worker::start(&bridge);
    wait::until("nothing waits any more", || jobs(&bridge).is_empty());
    worker::stop(worker);
    assert_has(&named, &reloading, "example.com", "192.0.2.11");
    assert_has(&named, &reloading, "example.org", "192.0.2.30");
    assert!(!dig::has_zone(&named, "gone.example"));
}

panels!(a_list_that_is_empty_broken_or_away_deletes_nothing);
fn a_list_that_is_empty_broken_or_away_deletes_nothing(reloading: Reloading) {
    let (named, bridge) = fresh();
    let panel = Panel::new(&bridge);
    (reloading.write)(
        &panel,
        &[("example.com", "192.0.2.10"), ("example.org", "192.0.2.20")],
    );
    assert_quiet(&reload(&panel, &reloading));
    let shown = |code: &str| {
        panel.take_log();
        assert_shown(&reload(&panel, &reloading), 65, reloading.panel);
        let log = panel.take_log();
        assert!(log.contains(code), "{log}");
        assert!(dig::has_zone(&named, "example.com") && dig::has_zone(&named, "example.org"));
    };
    let list = fs::read_to_string(panel.file(reloading.configuration)).expect("the list");
    panel.write(reloading.configuration, "\n");
    shown("NB-SOURCE-EMPTY");
    // As somebody sees it who reads while the panel writes.
    let cut = list.rfind("example.org\"").expect("the last zone");
    panel.write(reloading.configuration, &list[..cut]);
    shown("NB-NAMED-CONF-INVALID");
    panel.remove(reloading.configuration);
    shown("NB-SOURCE-UNREADABLE");
}

/// HestiaCP takes a zone that it suspends out of named.conf, and ISPConfig one that is not active; the file stays. BIND
/// does not serve the zone then.
#[test]
fn a_suspended_zone_is_deleted_and_comes_back() {
    for reloading in [HESTIACP, ISPCONFIG] {
        let (named, bridge) = fresh();
        let panel = Panel::new(&bridge);
        let write = |zones: &[(&str, &str)]| (reloading.write)(&panel, zones);
        let list = || fs::read_to_string(panel.file(reloading.configuration)).expect("the list");
        write(&[("example.com", "192.0.2.10")]);
        let suspended = list();
        write(&[("example.com", "192.0.2.10"), ("example.org", "192.0.2.20")]);
        let active = list();
        assert_quiet(&reload(&panel, &reloading));
        panel.write(reloading.configuration, &suspended);
        assert_quiet(&reload(&panel, &reloading));
        assert!(!dig::has_zone(&named, "example.org"));
        panel.write(reloading.configuration, &active);
        assert_quiet(&reload(&panel, &reloading));
        assert_has(&named, &reloading, "example.org", "192.0.2.20");
        assert_has(&named, &reloading, "example.com", "192.0.2.10");
    }
}

panels!(root_reads_the_files_and_the_user_of_the_queue_delivers_the_zones);
fn root_reads_the_files_and_the_user_of_the_queue_delivers_the_zones(reloading: Reloading) {
    let (named, bridge) = fresh();
    // The user of the queue can reach the queue, and neither the keys nor the files of the panel.
    let directory = bridge.file("").display().to_string();
    run_as_root(&format!("chmod 711 {directory}"));
    run_as_root(&format!("chown nobody {directory}/state"));
    let panel = Panel::of_root(&bridge);
    (reloading.write)(&panel, &[("example.com", "192.0.2.10")]);
    run_as_root(&format!("chown -R root {directory}/panel"));
    run_as_root(&format!("chmod -R go= {directory}/panel"));
    assert_quiet(&reload(&panel, &reloading));
    assert_has(&named, &reloading, "example.com", "192.0.2.10");
    let owner = run_as_root(&format!("stat -c %U {directory}/state/queue.db"));
    assert_eq!(owner, "nobody\n");
    // So that the directory can be removed.
    run_as_root(&format!(
        "chown -R {} {directory}",
        process::run_ok("id", &["-u"]).trim()
    ));
}

/// Runs a command as root.
#[track_caller]
fn run_as_root(line: &str) -> String {
    let words = as_root(line);
    process::run_ok(words[0], &words[1..])
}

/// ISPConfig signs a zone into a file beside the unsigned one, with `dnssec-signzone`, and lists that.
#[test]
fn of_a_zone_that_ispconfig_has_signed_the_unsigned_records_are_delivered() {
    let (named, bridge) = fresh();
    let panel = Panel::new(&bridge);
    let zones = [("example.com", "192.0.2.10")];
    ispconfig::write_with(&panel, &zones, ".signed");
    let sign = || {
        let directory = panel.file("").display().to_string();
        let keys = "dnssec-keygen -3 -a ECDSAP256SHA256 -n ZONE example.com; \
                    dnssec-keygen -f KSK -3 -a ECDSAP256SHA256 -n ZONE example.com";
        let include =
            "for key in Kexample.com.+013*.key; do printf '\\n$INCLUDE %s\\n' \"$PWD/$key\"; done";
        let line = format!(
            "set -e; PATH=$PATH:/usr/sbin; cd {directory}; ls K* 2> /dev/null || {{ {keys}; }}; \
             {include} >> pri.example.com; dnssec-signzone -A -e +1382400 -3 0123456789abcdef -N increment \
             -o example.com -K . -t pri.example.com"
        );
        process::run_ok("sh", &["-c", &line]);
    };
    sign();
    let signed = fs::read_to_string(panel.file("pri.example.com.signed")).expect("a signed file");
    assert!(
        signed.contains("RRSIG") && signed.contains("NSEC3"),
        "{signed}"
    );
    assert_quiet(&reload(&panel, &ISPCONFIG));
    let log = panel.take_log();
    assert!(log.contains("warning[NB-MASTER-FILE-SIGNED]"), "{log}");
    assert_has(&named, &ISPCONFIG, "example.com", "192.0.2.10");
    for rtype in dig::DNSSEC_TYPES {
        assert_eq!(
            dig::short(&named, "example.com", rtype),
            <[&str; 0]>::default(),
            "{rtype}"
        );
    }

    // After five days ISPConfig signs it again.
    let updates = named.updates_received();
    ispconfig::write_with(&panel, &zones, ".signed");
    sign();
    assert_quiet(&reload(&panel, &ISPCONFIG));
    assert_eq!(named.updates_received(), updates);
    // The zone is no longer signed: its other file is listed.
    fs::remove_file(panel.file("pri.example.com.signed")).expect("a file");
    ispconfig::write_with(&panel, &[("example.com", "192.0.2.11")], "");
    assert_quiet(&reload(&panel, &ISPCONFIG));
    assert_has(&named, &ISPCONFIG, "example.com", "192.0.2.11");
}

/// Without BIND on its machine, Froxlor runs nsbridge in place of a reload. It escapes the command, and takes none with
/// other signs than these (`actions/admin/settings/160.nameserver.php`, `lib/Froxlor/FileDir.php`).
#[test]
fn the_command_that_froxlor_runs_in_place_of_a_reload_is_one_that_it_takes() {
    let words = command_of(&FROXLOR, "ExecReload");
    let command = words.join(" ");
    let takes = |sign: char| sign.is_ascii_alphanumeric() || "/._- ".contains(sign);
    assert!(command.chars().all(takes), "{command}");
    let documents = include_str!("../../../docs/panels.md");
    assert!(documents.contains(&format!("`{command}`")), "{command}");
}

#[test]
fn systemd_takes_each_drop_in() {
    if Command::new("systemd-analyze")
        .arg("--version")
        .output()
        .is_err()
    {
        // Not where tests run in a container without systemd; `command_of` reads the options all the same.
        return;
    }
    for reloading in [FROXLOR, HESTIACP, ISPCONFIG] {
        let directory = TempDir::with_prefix("nsbridge-units-").expect("a temporary directory");
        let unit = directory.path().join("named.service");
        let service = "[Unit]\nDescription=BIND\n[Service]\nType=notify\nExecStart=/bin/sh -c true\nExecReload=/bin/true\n";
        fs::write(&unit, service).expect("our own file");
        let drop_ins = directory.path().join("named.service.d");
        fs::create_dir(&drop_ins).expect("our own directory");
        let verify = |text: &str| {
            fs::write(drop_ins.join("nsbridge.conf"), text).expect("our own file");
            let unit = unit.to_string_lossy();
            let said = process::run("systemd-analyze", &["verify", "--man=no", &*unit], b"");
            (said.status, said.stderr())
        };
        let text = fs::read_to_string(packaging(&format!("{}/nsbridge.conf", reloading.panel)));
        let text = text.expect("a drop-in");
        let program = packaging("nsbridge-panel").display().to_string();
        let here = text.replace("/usr/local/bin/nsbridge-panel", &program);
        assert_eq!(
            verify(&here),
            (Some(0), String::new()),
            "{}",
            reloading.panel
        );
        let (_, wrong) = verify(&here.replace("ExecReload", "ExecRelaod"));
        assert!(wrong.contains("ExecRelaod"), "{wrong}");
    }
}
