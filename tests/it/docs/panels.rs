//! The commands of docs/panels.md, run with the directories of a test in place of the system's.

use std::fs;

use pretty_assertions::assert_eq;
use tempfile::TempDir;

use super::set_up::{change, five_minutes_bind, five_minutes_nsbridge, write};
use super::shell::{changed, run, shell_of};
use crate::support::dig;
use crate::support::panel::packaging;
use crate::support::ports::Port;

/// A zone as a panel writes it.
const ZONE: &str = "$TTL 3600\n@ SOA ns1.example.net. hostmaster.example.net. 1 3600 600 86400 300\n\
                    @ NS ns1.example.net.\nwww A 192.0.2.7\n";

#[test]
fn the_pieces_for_panels_are_installed_and_deliver_zones() {
    let here = TempDir::with_prefix("nsbridge-panels-").expect("a temporary directory");
    let at = |name: &str| here.path().join(name).display().to_string();
    for name in ["bin", "units", "root", "zones", "bind"] {
        fs::create_dir(here.path().join(name)).expect("our own directory");
    }
    let [user, install, directadmin, froxlor, hestiacp, ispconfig, _] =
        &shell_of("docs/panels.md")[..]
    else {
        panic!("panels.md has other commands");
    };

    for key in ["plesk", "plesk-rndc"] {
        write(&here.path().join(format!("root/{key}.key")), "a key\n");
    }
    let (useradd, directories) = user.split_once('\n').expect("several lines");
    assert!(useradd.starts_with("useradd --system "), "{useradd}");
    let directories = changed(
        directories,
        &[
            ("-o root -g nsbridge ", ""),
            ("-o nsbridge -g nsbridge ", ""),
            ("/etc/nsbridge", &at("etc")),
            ("/var/lib/nsbridge", &at("queue")),
            ("~", &at("root")),
        ],
    );
    run(here.path(), &directories);
    let modes = run(here.path(), "stat -c '%a %n' etc queue etc/*");
    assert_eq!(
        modes,
        "750 etc\n750 queue\n600 etc/plesk-rndc.key\n600 etc/plesk.key\n"
    );

    let packages = packaging("..").display().to_string();
    let (install, check) = install.split_once("nsbridge check").expect("a check");
    let install = changed(
        install,
        &[
            ("packaging", &packages),
            ("/usr/local/bin/", &at("bin/")),
            ("/etc/systemd/system/", &at("units/")),
            (
                "systemctl daemon-reload && systemctl enable --now nsbridge\n",
                "",
            ),
        ],
    );
    run(here.path(), &install);
    let unit = fs::read_to_string(here.path().join("units/nsbridge.service")).expect("the unit");
    assert_eq!(
        unit.lines()
            .filter(|it| it.starts_with("User="))
            .collect::<Vec<_>>(),
        ["User=nsbridge"]
    );

    let named = five_minutes_bind(&[]);
    let seed_port = Port::claim();
    let nsbridge = five_minutes_nsbridge(&named, here.path(), &seed_port);
    let succeeds = |line: &str| {
        let said = nsbridge.shell(line);
        assert_eq!(
            (said.status, said.stderr().as_str()),
            (Some(0), ""),
            "{line}"
        );
        said.stdout()
    };
    succeeds(&format!("nsbridge check{check}"));

    let hooks = [
        ("packaging", packages.as_str()),
        ("/usr/local/directadmin", &at("directadmin")),
    ];
    run(here.path(), &changed(directadmin, &hooks));
    let count = run(
        here.path(),
        "ls directadmin/scripts/custom/*/nsbridge.sh | wc -l",
    );
    assert_eq!(count, "5\n");
    write(&here.path().join("zones/example.com.db"), ZONE);
    let hook = here
        .path()
        .join("directadmin/scripts/custom/dns_write_post/nsbridge.sh");
    let nsbridge_directory = env!("CARGO_BIN_EXE_nsbridge").trim_end_matches("/nsbridge");
    let script = changed(
        &fs::read_to_string(&hook).expect("the hook"),
        &[
            (
                "/usr/local/sbin",
                &format!("{}:{nsbridge_directory}", at("bin")),
            ),
            ("/etc/nsbridge/nsbridge.toml", &at("nsbridge.toml")),
            ("'/etc/bind ", &format!("'{} ", at("zones"))),
        ],
    );
    write(&hook, &script);
    nsbridge.shell(&format!("DOMAIN=example.com {}", hook.display()));
    assert_eq!(dig::short(&named, "www.example.com", "A"), ["192.0.2.7"]);

    for (panel, commands) in [
        ("froxlor", froxlor),
        ("hestiacp", hestiacp),
        ("ispconfig", ispconfig),
    ] {
        let moved = [
            ("packaging", packages.as_str()),
            ("/etc/systemd/system", &at(panel)),
        ];
        let (install, reload) = commands.split_once('\n').expect("two lines");
        assert_eq!(reload, "systemctl daemon-reload\n");
        run(here.path(), &changed(install, &moved));
        let installed = fs::read_to_string(
            here.path()
                .join(panel)
                .join("named.service.d/nsbridge.conf"),
        );
        let drop_in = fs::read_to_string(packaging(panel).join("nsbridge.conf"));
        assert_eq!(
            installed.expect("the drop-in"),
            drop_in.expect("the drop-in")
        );

        // The first fill of the document is the command of the drop-in.
        let document = include_str!("../../../docs/panels.md");
        let text = fs::read_to_string(packaging(panel).join("nsbridge.conf")).expect("the drop-in");
        let command = text.lines().find_map(|it| it.strip_prefix("ExecReload=-"));
        let command = command
            .and_then(|it| it.split_once(&format!(" {panel} ")))
            .expect("a command")
            .1;
        assert!(
            document.contains(&format!("| first fill | `nsbridge {command}` |")),
            "{command}"
        );
        let list = command.rsplit(' ').next().unwrap_or_default();
        let zone = format!("{panel}.example");
        let zone_file = at(&format!("zones/{zone}.db"));
        write(zone_file.as_ref(), ZONE);
        let own_list = at(&format!("bind/{panel}.conf"));
        write(
            own_list.as_ref(),
            &format!("zone \"{zone}\" {{ type master; file \"{zone_file}\"; }};\n"),
        );
        succeeds(&change(&format!("nsbridge {command}"), list, &own_list));
        assert_eq!(
            dig::short(&named, &format!("www.{zone}"), "A"),
            ["192.0.2.7"]
        );
    }
}
