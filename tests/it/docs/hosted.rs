//! What docs/servers/hosted.md says, done as it stands there: its configurations are read, each option that a habit
//! needs is named, and one name is tried.

use std::fs;

use tempfile::TempDir;

use crate::primary::switches;
use crate::support::documented::{Nsbridge, blocks};
use crate::support::habits::Habits;
use crate::support::hosted::Hosted;

const HOSTED: &str = include_str!("../../../docs/servers/hosted.md");

/// A directory in place of /etc/nsbridge, with the documented key in these files.
fn etc(key_name: &str, secret: &str, files: &[&str]) -> TempDir {
    let directory = TempDir::with_prefix("nsbridge-documented-").expect("a temporary directory");
    for name in files {
        let file = directory.path().join(name);
        let [key] = &blocks(HOSTED, "named")[..] else {
            panic!("hosted.md has other than one key");
        };
        fs::write(
            &file,
            key.replace("NAME", key_name).replace("SECRET", secret),
        )
        .expect("our own directory");
        crate::support::keys::restrict(&file);
    }
    directory
}

#[test]
fn every_documented_configuration_is_accepted() {
    let directory = etc(
        "hosted",
        "AAAA",
        &["service.key", "example.com.key", "example.net.key"],
    );
    let place = format!("{}/", directory.path().display());
    let configurations = blocks(HOSTED, "toml");
    assert_eq!(configurations.len(), 2);
    for configuration in configurations {
        let configuration = configuration.replace("/etc/nsbridge/", &place);
        let said = Nsbridge::new(directory.path(), &configuration).shell("nsbridge config check");
        let said = (said.status, said.stderr());
        assert_eq!(said, (Some(0), String::new()), "{configuration}");
    }
}

/// The options that the tests of habits use stand in the last cells of the table.
#[test]
fn each_option_for_a_habit_is_documented() {
    let section = HOSTED.split("\n## One line for each habit\n").nth(1);
    let section = section.and_then(|rest| rest.split("\n## ").next());
    let rows = section.unwrap_or_default().lines();
    let lines = rows.filter_map(|row| row.strip_suffix("` |")?.rsplit('`').next());
    let lines: Vec<&str> = lines.collect();
    for (option, value) in switches::options() {
        let is_there = match option {
            "route" => HOSTED.contains(&format!("\nkey = \"{value}\"\n")),
            // Numbers and addresses are those of the test.
            _ if value.contains('{') || value.parse::<u32>().is_ok() => lines
                .iter()
                .any(|line| line.starts_with(&format!("{option} = "))),
            _ => lines.contains(&&*format!("{option} = \"{value}\"")),
        };
        assert!(is_there, "hosted.md does not have `{option}` for {value}");
    }
}

#[test]
fn one_name_is_tried_as_documented() {
    let service = Hosted::start(&["example.com"], &[], Habits::default());
    let key = service.key();
    let secret = key.statement().split('"').nth(3).expect("a secret");
    let directory = etc(key.name(), secret, &["service.key"]);
    let place = format!("{}/", directory.path().display());
    let at = |port: u16| format!("127.0.0.1:{port}");
    let configuration = blocks(HOSTED, "toml").swap_remove(0);
    let configuration = configuration
        .replace("/etc/nsbridge/", &place)
        .replace("192.0.2.53", &at(service.port("updates")));
    let configuration = format!("{configuration}[queue]\npath = \"state/queue.db\"\n");
    let nsbridge = Nsbridge::new(directory.path(), &configuration);
    let there = "$TTL 3600\n@ SOA ns1.test. hostmaster.test. 1 3600 600 86400 300\n\
                 @ NS ns1.host.test.\n@ NS ns2.host.test.\nwww 300 A 192.0.2.7\n";
    fs::write(directory.path().join("example.com.db"), there).expect("our own directory");
    let sessions = blocks(HOSTED, "console");
    let [check, name, dry_run, run] = &sessions[..] else {
        panic!("hosted.md has other sessions than a check, a name, a dry run and a run");
    };
    let port = service.port("updates");
    nsbridge.assert_session(&check.replace("NAME", key.name()), port, 0);
    nsbridge.assert_session(name, port, 0);
    nsbridge.assert_session(dry_run, port, 1);
    nsbridge.assert_session(run, port, 0);
    let there = service.witness().short("www.example.com", "A");
    assert_eq!(there, ["192.0.2.7"]);
}
