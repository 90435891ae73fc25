//! The commands of docs/panels.md, run with the directories of a test in place of the system's.

use std::fs;
use std::path::Path;

use pretty_assertions::assert_eq;
use tempfile::TempDir;

use super::set_up::{change, five_minutes_bind, five_minutes_nsbridge, write};
use super::shell::{changed, run, shell_of};
use crate::support::dig;
use crate::support::panel::packaging;
use crate::support::ports::Port;

const DOCUMENT: &str = include_str!("../../../docs/panels.md");

/// A zone as a panel writes it.
const ZONE: &str = "$TTL 3600\n@ SOA ns1.example.net. hostmaster.example.net. 1 3600 600 86400 300\n\
                    @ NS ns1.example.net.\nwww A 192.0.2.7\n";

/// The blocks of the document: the user, the shared piece, and one for each panel.
#[track_caller]
fn commands() -> [String; 6] {
    let [user, shared, directadmin, froxlor, hestiacp, ispconfig, _] =
        &shell_of("docs/panels.md")[..]
    else {
        panic!("panels.md has other commands");
    };
    [user, shared, directadmin, froxlor, hestiacp, ispconfig].map(Clone::clone)
}

fn directory() -> TempDir {
    TempDir::with_prefix("nsbridge-panels-").expect("a temporary directory")
}

/// A path in the directory.
fn at(here: &TempDir, name: &str) -> String {
    here.path().join(name).display().to_string()
}

/// Where the checkout has `packaging`.
fn packages() -> String {
    packaging("..").display().to_string()
}

#[track_caller]
fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_machine_of_a_panel_is_set_up() {
    let here = directory();
    for name in ["bin", "units", "root"] {
        fs::create_dir(here.path().join(name)).expect("our own directory");
    }
    for key in ["plesk", "plesk-rndc"] {
        write(&here.path().join(format!("root/{key}.key")), "a key\n");
    }
    let [user, shared, ..] = commands();
    let (useradd, directories) = user.split_once('\n').expect("several lines");
    assert!(useradd.starts_with("useradd --system "), "{useradd}");
    let changes = [
        ("-o root -g nsbridge ", ""),
        ("-o nsbridge -g nsbridge ", ""),
        ("/etc/nsbridge", &at(&here, "etc")),
        ("/var/lib/nsbridge", &at(&here, "queue")),
        ("~", &at(&here, "root")),
    ];
    run(here.path(), &changed(directories, &changes));
    let modes = run(here.path(), "stat -c '%a %n' etc queue etc/*");
    let expected = "750 etc\n750 queue\n600 etc/plesk-rndc.key\n600 etc/plesk.key\n";
    assert_eq!(modes, expected);

    let (install, check) = shared.split_once("nsbridge check").expect("a check");
    let enable = "systemctl daemon-reload && systemctl enable --now nsbridge\n";
    let changes = [
        ("packaging", &*packages()),
        ("/usr/local/bin/", &at(&here, "bin/")),
        ("/etc/systemd/system/", &at(&here, "units/")),
        (enable, ""),
    ];
    run(here.path(), &changed(install, &changes));
    let unit = read(at(&here, "units/nsbridge.service"));
    let users: Vec<&str> = unit.lines().filter(|it| it.starts_with("User=")).collect();
    assert_eq!(users, ["User=nsbridge"]);
    run(here.path(), "test -x bin/nsbridge-panel");

    let named = five_minutes_bind(&[]);
    let seed_port = Port::claim();
    let nsbridge = five_minutes_nsbridge(&named, here.path(), &seed_port);
    let said = nsbridge.shell(&format!("nsbridge check{check}"));
    assert_eq!((said.status, said.stderr().as_str()), (Some(0), ""));
}

#[test]
fn the_hook_of_directadmin_is_installed_and_delivers_a_zone() {
    let here = directory();
    fs::create_dir(here.path().join("zones")).expect("our own directory");
    let [_, _, install, ..] = commands();
    let changes = [
        ("packaging", &*packages()),
        ("/usr/local/directadmin", &at(&here, "da")),
    ];
    run(here.path(), &changed(&install, &changes));
    let hooks = run(here.path(), "ls da/scripts/custom/*/nsbridge.sh | wc -l");
    assert_eq!(hooks, "5\n");

    let named = five_minutes_bind(&[]);
    let seed_port = Port::claim();
    let nsbridge = five_minutes_nsbridge(&named, here.path(), &seed_port);
    let hook = at(&here, "da/scripts/custom/dns_write_post/nsbridge.sh");
    let programs = env!("CARGO_BIN_EXE_nsbridge").trim_end_matches("/nsbridge");
    let changes = [
        (
            "/usr/local/sbin",
            &*format!("{}/panels:{programs}", packages()),
        ),
        ("/etc/nsbridge/nsbridge.toml", &at(&here, "nsbridge.toml")),
        ("'/etc/bind ", &format!("'{} ", at(&here, "zones"))),
    ];
    write(hook.as_ref(), &changed(&read(&hook), &changes));
    write(&here.path().join("zones/example.com.db"), ZONE);
    let said = nsbridge.shell(&format!("DOMAIN=example.com {hook}"));
    assert_eq!((said.status, said.stdout().as_str()), (Some(0), ""));
    assert_eq!(dig::short(&named, "www.example.com", "A"), ["192.0.2.7"]);
}

/// The first fill of the document is the command of the drop-in.
#[test]
fn each_drop_in_is_installed_and_a_first_fill_delivers_zones() {
    let here = directory();
    let named = five_minutes_bind(&[]);
    let seed_port = Port::claim();
    let nsbridge = five_minutes_nsbridge(&named, here.path(), &seed_port);
    let [_, _, _, froxlor, hestiacp, ispconfig] = commands();
    let panels = [
        ("froxlor", froxlor),
        ("hestiacp", hestiacp),
        ("ispconfig", ispconfig),
    ];
    for (panel, commands) in panels {
        let (install, reload) = commands.split_once('\n').expect("two lines");
        assert_eq!(reload, "systemctl daemon-reload\n");
        let units = at(&here, panel);
        let changes = [
            ("packaging", &*packages()),
            ("/etc/systemd/system", &*units),
        ];
        run(here.path(), &changed(install, &changes));
        let drop_in = read(format!("{units}/named.service.d/nsbridge.conf"));
        assert_eq!(drop_in, read(packaging(panel).join("nsbridge.conf")));

        let command = drop_in
            .lines()
            .find_map(|it| it.strip_prefix("ExecReload=-"));
        let command = command.and_then(|it| it.split_once(&format!(" {panel} ")));
        let (_, command) = command.expect("a command");
        let fill = format!("nsbridge {command}");
        let row = format!("| first fill | `{fill}` |");
        assert!(DOCUMENT.contains(&row), "{row}");
        let (zone, list) = (
            format!("{panel}.example"),
            at(&here, &format!("{panel}.conf")),
        );
        let file = at(&here, &format!("{zone}.zone"));
        write(file.as_ref(), ZONE);
        let line = format!("zone \"{zone}\" {{ type master; file \"{file}\"; }};\n");
        write(list.as_ref(), &line);
        let documented = command.rsplit(' ').next().unwrap_or_default();
        let said = nsbridge.shell(&change(&fill, documented, &list));
        assert_eq!((said.status, said.stderr().as_str()), (Some(0), ""));
        let address = dig::short(&named, &format!("www.{zone}"), "A");
        assert_eq!(address, ["192.0.2.7"]);
    }
}
