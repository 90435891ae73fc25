//! The hook for DirectAdmin, called with the variables that its documents name.

use std::fs;
use std::path::{Path, PathBuf};

use pretty_assertions::assert_eq;

use super::SHELL_NAMES;
use crate::support::bridge::Bridge;
use crate::support::daemon::Release;
use crate::support::dig;
use crate::support::jobs::jobs;
use crate::support::named::{Named, Zone};
use crate::support::panel::{Panel, assert_quiet, assert_shown, dkim, packaging};
use crate::support::process::Said;
use crate::support::server::{Kind, Server as _};
use crate::support::{wait, worker};

const HOOKS: [&str; 5] = [
    "dns_create_post",
    "dns_write_post",
    "dns_raw_save_post",
    "dns_delete_post",
    "domain_change_post",
];

/// The hook, installed in the directory of this name, with its settings for the test.
#[track_caller]
fn installed(panel: &Panel<'_>, hook: &str) -> PathBuf {
    installed_with(panel, hook, &panel.path(), &panel.configuration())
}

/// The hook as [`installed`] makes it, with this path and this configuration.
#[track_caller]
fn installed_with(panel: &Panel<'_>, hook: &str, path: &str, configuration: &str) -> PathBuf {
    let script = fs::read_to_string(packaging("directadmin/nsbridge.sh")).expect("the hook");
    let directories = format!("/nonexistent {}", panel.file("").display());
    let settings = [
        (
            "path",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            path,
        ),
        ("config", "/etc/nsbridge/nsbridge.toml", configuration),
        (
            "directories",
            "'/etc/bind /var/named /etc/namedb'",
            &format!("'{directories}'"),
        ),
    ];
    let script = settings
        .iter()
        .fold(script, |script, (setting, there, here)| {
            let line = format!("\n{setting}={there}\n");
            assert!(script.contains(&line), "no {setting}");
            script.replace(&line, &format!("\n{setting}={here}\n"))
        });
    panel.put_program(&format!("custom/{hook}/nsbridge.sh"), &script)
}

/// Calls a hook for a zone. DirectAdmin passes the records on, and perhaps variables of the request.
#[track_caller]
fn call(panel: &Panel<'_>, hook: &str, zone: &str) -> Said {
    call_installed(panel, &installed(panel, hook), zone)
}

#[track_caller]
fn call_installed(panel: &Panel<'_>, hook: &Path, zone: &str) -> Said {
    let is_write = hook.to_string_lossy().contains("dns_write_post");
    let variables = [
        (if is_write { "DOMAIN" } else { "domain" }, zone),
        ("newdomain", zone),
        ("caller", "create:domain"),
        ("SERVER_IP", "192.0.2.10"),
        (
            "TXT",
            "example.com.=\"v=spf1 $(touch run) ~all\"&x=`touch run`",
        ),
        ("PATH", "/nonexistent"),
        ("NSBRIDGE_CONFIG", "/nonexistent"),
        ("directories", "/nonexistent"),
        ("file", "/etc/passwd"),
    ];
    panel.run(hook, &[], &variables)
}

/// A zone as DirectAdmin writes it: blanks and tabs, the SOA on six lines, absolute and relative names, a long
/// value of TXT in parentheses.
fn zone_file(zone: &str, address: &str) -> String {
    let dkim = dkim();
    let (first, rest) = dkim.split_at(255);
    format!(
        "$TTL 3600\n@       IN      SOA     ns1.example.net.      hostmaster.{zone}. (\n\
         {pad}2026113001\n{pad}3600\n{pad}3600\n{pad}1209600\n{pad}86400 )\n\n\
         {zone}.\t3600\tIN\tNS\tns1.example.net.\n{zone}.\t3600\tIN\tNS\tns2.example.net.\n\n\
         {zone}.\t3600\tIN\tA\t{address}\nftp\t3600\tIN\tA\t{address}\nwww\t3600\tIN\tA\t{address}\n\n\
         {zone}.\t3600\tIN\tMX\t10 mail\nmail\t3600\tIN\tA\t{address}\n\n\
         _dmarc\t3600\tIN\tTXT\t\"v=DMARC1; p=none; sp=none; rua=mailto:spam@{zone}\"\n\
         {zone}.\t3600\tIN\tTXT\t\"v=spf1 a mx ip4:{address} ~all\"\n\
         x._domainkey\t3600\tIN\tTXT\t( \"{first}\"\n\t\t\t\"{rest}\" )\n",
        pad = " ".repeat(48),
    )
}

/// The records of [`zone_file`] as dig shows them.
fn records(zone: &str, address: &str) -> Vec<String> {
    let dkim = dkim();
    let (first, rest) = dkim.split_at(255);
    let mut lines = [
        format!("{zone}. 3600 IN A {address}"),
        format!("{zone}. 3600 IN MX 10 mail.{zone}."),
        format!("{zone}. 3600 IN NS ns1.example.net."),
        format!("{zone}. 3600 IN NS ns2.example.net."),
        format!("{zone}. 3600 IN TXT \"v=spf1 a mx ip4:{address} ~all\""),
        format!("_dmarc.{zone}. 3600 IN TXT \"v=DMARC1; p=none; sp=none; rua=mailto:spam@{zone}\""),
        format!("ftp.{zone}. 3600 IN A {address}"),
        format!("mail.{zone}. 3600 IN A {address}"),
        format!("www.{zone}. 3600 IN A {address}"),
        format!("x._domainkey.{zone}. 3600 IN TXT \"{first}\" \"{rest}\""),
    ];
    lines.sort_unstable();
    lines.to_vec()
}

fn fresh() -> (Named, Bridge) {
    let named = Named::builder().start();
    let bridge = Bridge::of(&named).seed(&named);
    (named, bridge)
}

#[test]
fn a_zone_is_created_changed_and_deleted() {
    let (named, bridge) = fresh();
    let panel = Panel::new(&bridge);
    panel.write("example.com.db", &zone_file("example.com", "192.0.2.10"));
    assert_quiet(&call(&panel, "dns_write_post", "example.com"));
    assert_eq!(
        dig::content(&named, "example.com"),
        records("example.com", "192.0.2.10")
    );
    let created = "logger -t nsbridge-directadmin -p daemon.info\nexample.com.: created with 11 records on main";
    let log = panel.take_log();
    assert!(log.starts_with(created), "{log}");

    // After the file is written, the zone gets into named.conf.
    assert_quiet(&call(&panel, "dns_create_post", "example.com"));
    let log = panel.take_log();
    assert!(log.contains("example.com.: unchanged on main"), "{log}");

    panel.write("example.com.db", &zone_file("example.com", "192.0.2.11"));
    assert_quiet(&call(&panel, "dns_raw_save_post", "example.com"));
    assert_eq!(
        dig::content(&named, "example.com"),
        records("example.com", "192.0.2.11")
    );

    panel.remove("example.com.db");
    assert_quiet(&call(&panel, "dns_delete_post", "example.com"));
    assert!(!dig::has_zone(&named, "example.com"));
    // Once more: it is gone, as it was to be.
    assert_quiet(&call(&panel, "dns_delete_post", "example.com"));
}

#[test]
fn a_renamed_zone_is_created_and_the_old_one_deleted_unless_it_has_a_file_again() {
    let (named, bridge) = fresh();
    let panel = Panel::new(&bridge);
    panel.write("old.example.db", &zone_file("old.example", "192.0.2.10"));
    assert_quiet(&call(&panel, "dns_write_post", "old.example"));
    let hook = installed(&panel, "domain_change_post");
    let rename = || {
        let variables = [("domain", "old.example"), ("newdomain", "new.example")];
        panel.run(&hook, &[], &variables)
    };

    panel.write("new.example.db", &zone_file("new.example", "192.0.2.10"));
    assert_quiet(&rename());
    assert!(dig::has_zone(&named, "old.example"));
    assert_eq!(
        dig::content(&named, "new.example"),
        records("new.example", "192.0.2.10")
    );
    panel.remove("old.example.db");
    assert_quiet(&rename());
    assert!(!dig::has_zone(&named, "old.example"));
    assert!(dig::has_zone(&named, "new.example"));
}

#[test]
fn a_name_with_shell_signs_runs_nothing_and_is_refused() {
    let (named, bridge) = fresh();
    let panel = Panel::new(&bridge);
    panel.write("example.com.db", &zone_file("example.com", "192.0.2.10"));
    assert_quiet(&call(&panel, "dns_write_post", "example.com"));
    let others = [
        "a\ntouch run\n.example.com",
        "'\"\\.example.com",
        "?xample.com",
        "example.com\n",
        "example.com example.com",
        "--config=/dev/null",
        "../panel/example.com",
        "/etc/passwd",
        "",
    ];
    for name in SHELL_NAMES.into_iter().chain(others) {
        // Where a file can have this name, the zone has one.
        if !name.contains('/') {
            panel.write(
                &format!("{name}.db"),
                "$TTL 60\n@ NS ns1.example.net.\nrun A 192.0.2.66\n",
            );
        }
        for hook in HOOKS {
            let said = call(&panel, hook, name);
            let log = panel.take_log();
            let is_delete = hook == "dns_delete_post";
            // A zone of such a name is not there: nothing needs to be deleted.
            let expected = if is_delete {
                &[0, 64][..]
            } else {
                &[64, 65, 69][..]
            };
            let status = said.status.expect("it ends by itself");
            assert!(
                expected.contains(&status),
                "{hook} {name:?}: {status}: {log}"
            );
            if status == 0 {
                assert_quiet(&said);
            } else {
                assert_shown(&said, status, "directadmin");
            }
            assert!(!log.contains('\u{1b}'), "{log:?}");
        }
    }
    assert!(!panel.file("run").exists());
    assert_eq!(
        dig::content(&named, "example.com"),
        records("example.com", "192.0.2.10")
    );
    bridge.run(&["zone", "list"], "").assert_stdout(
        "example.com.: created by nsbridge, 10 records delivered, on main (127.0.0.1:PORT)\n",
    );
}

#[test]
fn while_the_primary_is_down_the_panel_sees_no_failure_and_the_queue_keeps_the_calls() {
    let (mut named, bridge) = fresh();
    let panel = Panel::new(&bridge);
    panel.write("gone.example.db", &zone_file("gone.example", "192.0.2.10"));
    assert_quiet(&call(&panel, "dns_write_post", "gone.example"));
    named.stop();
    panel.take_log();

    panel.write("example.com.db", &zone_file("example.com", "192.0.2.10"));
    assert_quiet(&call(&panel, "dns_write_post", "example.com"));
    let log = panel.take_log();
    assert!(
        log.starts_with("logger -t nsbridge-directadmin -p daemon.warning\n"),
        "{log}"
    );
    assert!(
        log.contains("[NB-CONNECTION-REFUSED]: example.com."),
        "{log}"
    );
    assert!(log.contains("job 2 kept"), "{log}");
    panel.write("example.com.db", &zone_file("example.com", "192.0.2.11"));
    assert_quiet(&call(&panel, "dns_write_post", "example.com"));
    panel.remove("gone.example.db");
    assert_quiet(&call(&panel, "dns_delete_post", "gone.example"));
    assert_eq!(jobs(&bridge).len(), 2);

    named.restart();
    let worker = worker::start(&bridge);
    wait::until("nothing waits any more", || jobs(&bridge).is_empty());
    worker::stop(worker);
    assert_eq!(
        dig::content(&named, "example.com"),
        records("example.com", "192.0.2.11")
    );
    assert!(!dig::has_zone(&named, "gone.example"));
}

#[test]
fn the_panel_sees_what_needs_a_person_and_neither_servers_nor_keys() {
    let theirs = Zone::dynamic("theirs.example", "");
    let named = Named::builder().zone(theirs).start();
    let bridge = Bridge::of(&named).seed(&named);
    let panel = Panel::new(&bridge);
    let shows = |said: &Said, status: i32, code: &str| {
        assert_shown(said, status, "directadmin");
        let log = panel.take_log();
        assert!(
            log.starts_with("logger -t nsbridge-directadmin -p daemon.err\n"),
            "{log}"
        );
        assert!(log.contains(code), "{log}");
    };
    panel.write("example.com.db", "$TTL 60\n@ A 192.0.2.700\n");
    shows(
        &call(&panel, "dns_write_post", "example.com"),
        65,
        "NB-MASTER-FILE-DATA",
    );
    shows(
        &call(&panel, "dns_write_post", "absent.example"),
        65,
        "NB-INPUT-UNREADABLE",
    );
    panel.write(
        "theirs.example.db",
        &zone_file("theirs.example", "192.0.2.10"),
    );
    shows(
        &call(&panel, "dns_write_post", "theirs.example"),
        69,
        "NB-ZONE-UNOWNED",
    );
    let hook = "dns_write_post";
    let without = installed_with(&panel, hook, &panel.path(), "/nonexistent/nsbridge.toml");
    let said = call_installed(&panel, &without, "example.com");
    shows(&said, 78, "/nonexistent/nsbridge.toml");
    let nsbridge = Path::new(env!("CARGO_BIN_EXE_nsbridge"));
    let nsbridge = nsbridge.parent().expect("a directory").to_string_lossy();
    let path = panel.path().replace(&*nsbridge, "/nonexistent");
    let without = installed_with(&panel, hook, &path, &panel.configuration());
    let said = call_installed(&panel, &without, "example.com");
    shows(&said, 127, "nsbridge: not found");
    let said = call(&panel, "user_create_post", "example.com");
    assert_eq!(said.status, Some(64));
    assert!(
        said.stdout()
            .ends_with(" is in the directory of no hook that it knows\n")
    );
}

/// The first fill reads named.conf; the hooks then deliver zone by zone.
#[test]
fn the_first_fill_and_the_hooks_go_together() {
    let (named, bridge) = fresh();
    let panel = Panel::new(&bridge);
    let list = |zones: &[&str]| {
        let lines = zones.iter().map(|zone| {
            let file = panel.file(&format!("{zone}.db")).display().to_string();
            format!("zone \"{zone}\" {{ type master; file \"{file}\"; }};\n")
        });
        panel.write("named.conf", &lines.collect::<String>());
    };
    let fill = || {
        let file = panel.file("named.conf").display().to_string();
        let run = bridge.start(&["sync", "--all", &file], "").finish();
        run.assert_status(0).assert_stderr("");
        run.stdout
    };
    for zone in ["example.com", "example.org"] {
        panel.write(&format!("{zone}.db"), &zone_file(zone, "192.0.2.10"));
    }
    list(&["example.com", "example.org"]);
    fill();
    for zone in ["example.com", "example.org"] {
        assert_eq!(dig::content(&named, zone), records(zone, "192.0.2.10"));
    }
    assert_quiet(&call(&panel, "dns_write_post", "example.com"));
    let log = panel.take_log();
    assert!(log.contains("example.com.: unchanged on main"), "{log}");

    panel.write("example.com.db", &zone_file("example.com", "192.0.2.11"));
    assert_quiet(&call(&panel, "dns_write_post", "example.com"));
    list(&["example.com"]);
    panel.remove("example.org.db");
    assert_quiet(&call(&panel, "dns_delete_post", "example.org"));
    let updates = named.updates_received();
    fill();
    assert_eq!(named.updates_received(), updates);
    assert!(!dig::has_zone(&named, "example.org"));
    assert_eq!(
        dig::content(&named, "example.com"),
        records("example.com", "192.0.2.11")
    );
    // A file of before: the hook delivers it, and so does the fill if the hook could not.
    panel.write("example.com.db", &zone_file("example.com", "192.0.2.10"));
    fill();
    assert_eq!(
        dig::content(&named, "example.com"),
        records("example.com", "192.0.2.10")
    );
}

/// DirectAdmin keeps the signed zone in a file beside the unsigned one, and includes the public keys in the latter.
#[test]
fn of_a_signed_zone_the_unsigned_records_are_delivered() {
    let (server, bridge) = Kind::Bind(Release::Installed).fresh();
    let panel = Panel::new(&bridge);
    let key = "example.com. IN DNSKEY 257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxIL\
               fDLUT0rAK9iUzy1L53eKGQ==\n";
    panel.write("Kexample.com.+013+00001.key", key);
    let path = panel.file("Kexample.com.+013+00001.key");
    let include = format!("$include {}\n", Path::new(&path).display());
    let text = zone_file("example.com", "192.0.2.10") + &include;
    panel.write("example.com.db", &text);
    panel.write("example.com.db.signed", "no master file (\n");
    assert_quiet(&call(&panel, "dns_create_post", "example.com"));
    assert_eq!(
        dig::content(&server, "example.com"),
        records("example.com", "192.0.2.10")
    );
    assert_eq!(
        dig::short(&server, "example.com", "DNSKEY"),
        <[&str; 0]>::default()
    );
    let log = panel.take_log();
    assert!(log.contains("warning[NB-MASTER-FILE-SIGNED]"), "{log}");
}
