//! The shell commands of the documents, run with the directories of a test in place of the system's.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use pretty_assertions::assert_eq;
use tempfile::TempDir;

use super::documents::documents;
use super::set_up::{change, five_minutes_bind, five_minutes_nsbridge, write};
use crate::support::dig;
use crate::support::documented::{FLEET, KNOT, blocks, documented};
use crate::support::named::{Named, Zone};
use crate::support::nsupdate::try_nsupdate;
use crate::support::ports::Port;
use crate::support::process;

/// A zone whose name server has no address there.
const ZONE: &str = "$TTL 3600\n@ SOA ns1.example.net. hostmaster.example.net. 1 3600 600 86400 300\n\
                    @ NS ns1.example.net.\nwww A 192.0.2.7\n";

/// The blocks of commands of a document.
pub(super) fn shell_of(path: &str) -> Vec<String> {
    let found = documents().into_iter().find(|(it, _)| it == path);
    blocks(&found.expect("the document is there").1, "sh")
}

fn directory() -> TempDir {
    TempDir::with_prefix("nsbridge-shell-").expect("a temporary directory")
}

/// Runs lines of shell, the first that fails being the last, and returns what they print.
#[track_caller]
pub(super) fn run(directory: &Path, lines: &str) -> String {
    let script = format!("set -e; cd {}\n{lines}", directory.display());
    process::run_ok("sh", &["-c", &script])
}

/// A block with each `from` in place of its `to`; both must be there.
#[track_caller]
pub(super) fn changed(block: &str, changes: &[(&str, &str)]) -> String {
    let changes = changes.iter();
    changes.fold(block.to_owned(), |text, (from, to)| change(&text, from, to))
}

#[test]
fn the_commands_of_the_set_up_do_what_readme_says() {
    let here = directory();
    let at = |name: &str| here.path().join(name).display().to_string();
    for name in ["bin", "bind", "root", "target", "units"] {
        fs::create_dir(here.path().join(name)).expect("our own directory");
    }
    let [keys, files, check, drop_in] = &shell_of("README.md")[..] else {
        panic!("README.md has other commands");
    };
    let [.., install] = &shell_of("docs/packages.md")[..] else {
        panic!("packages.md has other commands");
    };
    let units = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/systemd");
    let owner = "\"$(id -un)\"";
    let install = changed(
        install,
        &[
            ("cargo build --release --locked\n", ""),
            ("target/release/nsbridge", env!("CARGO_BIN_EXE_nsbridge")),
            ("/usr/local/bin/", &at("bin/")),
            ("nsbridge man", &format!("{} man", at("bin/nsbridge"))),
            ("/usr/local/share/man/", &at("share/man/")),
            ("packaging/systemd", units),
            ("/etc/systemd/system", &at("units")),
            ("/usr/share/doc", &at("share/doc")),
        ],
    );
    run(here.path(), &install);
    for page in ["man1/nsbridge-queue-backup.1", "man5/nsbridge.toml.5"] {
        let page = here.path().join("share/man").join(page);
        assert_eq!(page.metadata().expect("a page").mode() & 0o777, 0o644);
    }
    let version = process::run_ok(&at("bin/nsbridge"), &["--version"]);
    assert!(version.starts_with("nsbridge "), "{version}");

    let keys = changed(
        keys,
        &[
            ("/etc/bind", &at("bind")),
            ("chown bind", &format!("chown {owner}")),
        ],
    );
    run(here.path(), &keys);
    run(here.path(), "cp bind/*.key root/");
    let files = changed(
        files,
        &[
            ("-o root -g psaadm ", ""),
            ("-o psaadm -g psaadm ", ""),
            ("/etc/nsbridge", &at("etc")),
            ("/var/lib/nsbridge", &at("state")),
            ("~", &at("root")),
        ],
    );
    run(here.path(), &files);
    let modes = run(here.path(), "stat -c '%a %n' etc state etc/*");
    assert_eq!(
        modes,
        "750 etc\n750 state\n600 etc/plesk-rndc.key\n600 etc/plesk.key\n"
    );

    let drop_in = changed(
        drop_in,
        &[
            ("/usr/share/doc", &at("share/doc")),
            ("/etc/systemd/system", &at("units")),
            (
                "systemctl daemon-reload && systemctl enable --now nsbridge\n",
                "",
            ),
        ],
    );
    run(here.path(), &drop_in);
    for unit in ["nsbridge.service", "nsbridge.service.d/plesk.conf"] {
        assert!(here.path().join("units").join(unit).exists(), "{unit}");
    }

    let named = five_minutes_bind(&[]);
    let seed_port = Port::claim();
    let nsbridge = five_minutes_nsbridge(&named, here.path(), &seed_port);
    let said = nsbridge.shell(&change(check, "runuser -u psaadm -- ", ""));
    assert_eq!(
        (said.status, said.stderr().as_str()),
        (Some(0), ""),
        "{}",
        said.stdout()
    );
}

#[test]
fn the_commands_of_other_documents_work_with_the_set_up_of_readme() {
    let named = five_minutes_bind(&[]);
    let here = directory();
    let seed_port = Port::claim();
    let nsbridge = five_minutes_nsbridge(&named, here.path(), &seed_port);
    write(&here.path().join("example.com.db"), ZONE);
    let succeeds = |line: &str| {
        let said = nsbridge.shell(line);
        assert_eq!(
            (said.status, said.stderr().as_str()),
            (Some(0), ""),
            "{line}"
        );
        said.stdout()
    };

    let [sync, all] = &shell_of("docs/zonefiles.md")[..] else {
        panic!("zonefiles.md has other commands");
    };
    let (dry_run, runs) = sync.split_once('\n').expect("several lines");
    assert_eq!(nsbridge.shell(dry_run).status, Some(1));
    let printed = succeeds(&format!("set -e; {runs}"));
    assert!(
        printed.starts_with("example.com.: created with "),
        "{printed}"
    );

    let folder = here.path().join("zones");
    fs::create_dir(&folder).unwrap();
    write(&folder.join("example.edu.db"), ZONE);
    write(&folder.join("example.info"), ZONE);
    let listed = "zone \"example.info\" { type primary; file \"zones/example.info\"; };\n";
    write(&here.path().join("named.conf"), listed);
    let all = changed(all, &[("/etc/bind/", "")]);
    let (dry_run, runs) = all.split_once('\n').expect("several lines");
    assert_eq!(nsbridge.shell(dry_run).status, Some(1));
    let printed = succeeds(&format!("set -e; {runs}"));
    for zone in ["example.edu", "example.info"] {
        assert!(
            printed.contains(&format!("{zone}.: created with ")),
            "{printed}"
        );
        assert!(dig::has_zone(&named, zone));
    }

    let [acme] = &shell_of("docs/acme.md")[..] else {
        panic!("acme.md has other commands");
    };
    // Nobody finds the name server of the zone.
    succeeds(&change(acme, " --wait", ""));
    assert_eq!(
        dig::short(&named, "_acme-challenge.example.com", "TXT"),
        ["\"-x1yz\""]
    );

    let [backup] = &shell_of("docs/operations.md")[..] else {
        panic!("operations.md has other commands");
    };
    let zones = succeeds("nsbridge zone list");
    succeeds(&change(backup, "/root/queue.db", "backup.db"));
    succeeds("set -e; rm state/queue.db*; cp backup.db state/queue.db");
    assert_eq!(succeeds("nsbridge zone list"), zones);
    assert!(
        zones.starts_with("example.com.: created by nsbridge, 2 records"),
        "{zones}"
    );

    let [.., panel] = &shell_of("docs/panels.md")[..] else {
        panic!("panels.md has other commands");
    };
    succeeds(&format!("set -e; {panel}"));
    assert!(!dig::has_zone(&named, "example.com"));
}

#[test]
fn the_link_is_an_nsupdate() {
    let here = directory();
    let [link] = &shell_of("docs/nsupdate.md")[..] else {
        panic!("nsupdate.md has other commands");
    };
    let program = env!("CARGO_BIN_EXE_nsbridge");
    let link = changed(
        link,
        &[("/usr/bin/nsbridge", program), ("/usr/local/bin/", "./")],
    );
    let printed = run(here.path(), &format!("{link}./nsupdate -V 2>&1"));
    assert!(printed.starts_with("nsupdate of nsbridge "), "{printed}");
}

#[test]
fn the_tables_of_powerdns_are_created() {
    let here = directory();
    let [schema] = &shell_of("docs/servers/powerdns.md")[..] else {
        panic!("powerdns.md has other commands");
    };
    let moved = [("runuser -u pdns -- ", ""), ("/var/lib/powerdns/", "./")];
    run(here.path(), &changed(schema, &moved));
    let tables = run(here.path(), "sqlite3 pdns.sqlite3 .tables");
    assert!(tables.contains("domains"), "{tables}");
}

#[test]
fn the_serial_of_a_catalog_is_set_by_hand() {
    let zone_file = documented(KNOT, "@ 0 SOA invalid.");
    let grants = documented(FLEET, "    update-policy {")
        .split("\n};")
        .next()
        .expect("it ends")
        .to_owned();
    let grants = format!("type primary;\nallow-transfer {{ key \"plesk\"; }};\n{grants}");
    let zone = Zone::fixed("catalog.example", &zone_file).body(&grants);
    let named = Named::builder().zone(zone).start();
    let [script] = &blocks(FLEET, "text")[..] else {
        panic!("fleet.md has other texts than a script");
    };
    let lines = script.lines().filter_map(|line| line.strip_prefix("> "));
    let lines: Vec<&str> = lines.filter(|line| !line.starts_with("server ")).collect();
    let said = try_nsupdate(&named, &change(&lines.join("\n"), "SERIAL", "1900000000"));
    assert_eq!((said.status, said.stderr().as_str()), (Some(0), ""));
    assert_eq!(dig::soa(&named, "catalog.example").serial, 1_900_000_000);
}
