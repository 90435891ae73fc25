//! The pieces of all documents: configurations are read by the program, pieces of named.conf and zone files by BIND;
//! and the table of options is complete.

use std::fs;
use std::path::Path;

use pretty_assertions::assert_eq;
use tempfile::TempDir;

use super::documents::documents;
use super::set_up::{change, write};
use crate::support::authority::Authority;
use crate::support::documented::{self, Nsbridge};
use crate::support::keys::Key;
use crate::support::process;

const CONFIGURATION: &str = include_str!("../../../docs/configuration.md");

/// The contents of the fenced blocks with this word, of all documents but that of hosted services, whose keys differ.
fn blocks(info: &str) -> Vec<String> {
    let documents = documents();
    let own = documents
        .iter()
        .filter(|(path, _)| !path.ends_with("hosted.md"));
    own.flat_map(|(_, text)| documented::blocks(text, info))
        .collect()
}

#[test]
fn every_configuration_is_accepted() {
    let configurations = blocks("toml");
    assert!(configurations.len() >= 4, "the documents have lost some");
    let directory = TempDir::with_prefix("nsbridge-pieces-").expect("a temporary directory");
    for name in ["ca", "client"] {
        make_certificate(directory.path(), name);
    }
    // Others are a part of one: `plesk` reads it.
    let whole = configurations
        .into_iter()
        .filter(|it| it.starts_with("version = 1\n"));
    for configuration in whole {
        for name in words_ending(&configuration, ".key") {
            Key::new(&name).write(directory.path());
        }
        let configuration = moved(&configuration, directory.path());
        let programs = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/command/");
        let configuration = configuration.replace("/usr/local/lib/nsbridge/", programs);
        let said = Nsbridge::new(directory.path(), &configuration)
            .shell("echo '[]' | nsbridge plesk --dry-run");
        assert_eq!(
            (said.status, said.stderr().as_str()),
            (Some(0), ""),
            "{configuration}"
        );
    }
}

#[test]
fn the_table_of_options_is_complete() {
    let directory = TempDir::with_prefix("nsbridge-pieces-").expect("a temporary directory");
    let said = Nsbridge::new(directory.path(), "").shell("nsbridge config template");
    let template = said.stdout();
    let section = CONFIGURATION.split("\n## Options\n").nth(1).unwrap_or("");
    let section = section.split("\n## ").next().unwrap_or("");
    let described: Vec<&str> = section
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split(" | ").next())
        .flat_map(|cell| cell.split('`').step_by(2))
        .collect();
    let mut known: Vec<&str> = template
        .lines()
        .filter_map(|line| line.trim_start_matches('#').split_once(" = "))
        .map(|(option, _)| option)
        .filter(|option| {
            option
                .bytes()
                .all(|octet| octet.is_ascii_lowercase() || octet == b'-')
        })
        .collect();
    known.dedup();
    assert!(known.len() > 20, "the template has no options: {template}");
    for option in &known {
        assert!(
            described.contains(option),
            "configuration.md does not have `{option}`"
        );
    }
    for option in described {
        assert!(
            known.contains(&option),
            "`{option}` of configuration.md does not exist"
        );
    }
}

#[test]
fn every_piece_of_named_conf_is_valid() {
    let pieces = blocks("named");
    assert!(pieces.len() >= 7, "the documents have lost some");
    for piece in pieces {
        assert_valid_conf(&piece);
    }
    for piece in blocks("named 9.21.9") {
        if version_of_bind() >= vec![9, 21, 9] {
            assert_valid_conf(&piece);
        } else {
            // The same as a zone of its own: all but the statements that this BIND does not know.
            let head = piece.lines().next().expect("a template");
            assert!(head.starts_with("template "), "{head}");
            let zone = change(&piece, head, "zone \"example.com\" {");
            let lines: Vec<&str> = zone
                .lines()
                .filter(|line| !line.contains("initial-file"))
                .collect();
            assert_eq!(lines.len() + 1, zone.lines().count());
            assert_valid_conf(&lines.join("\n"));
        }
    }
}

#[test]
fn the_rights_of_a_key_are_valid() {
    let rights = documented::blocks(include_str!("../../../docs/security.md"), "");
    assert_eq!(rights.len(), 2);
    for right in rights {
        let zone =
            format!("zone \"catalog.example\" {{ type primary; file \"it.db\"; {right} }};\n");
        assert_valid_conf(&zone);
    }
}

#[test]
fn every_zone_file_is_valid() {
    let zones = blocks("dns-zone");
    assert!(!zones.is_empty(), "the documents have lost it");
    for zone in zones {
        let directory = TempDir::with_prefix("nsbridge-pieces-").expect("a temporary directory");
        let file = directory.path().join("zone.db");
        write(&file, &zone);
        process::run_ok(
            "named-checkzone",
            &["example.com", &*file.to_string_lossy()],
        );
    }
}

/// Asserts that `named-checkconf` accepts a piece, among the keys and options that it leaves out.
#[track_caller]
fn assert_valid_conf(piece: &str) {
    let directory = TempDir::with_prefix("nsbridge-pieces-").expect("a temporary directory");
    let mut conf = piece.to_owned();
    for name in ["plesk", "plesk-rndc", "rndc"] {
        let key = Key::new(if name == "rndc" { "rndc-key" } else { name });
        let include = format!("include \"/etc/bind/{name}.key\";\n");
        write(
            &directory.path().join(format!("{name}.key")),
            key.statement(),
        );
        if !conf.contains(&include) {
            conf.insert_str(0, &include);
        }
    }
    if !conf.contains("options {") {
        conf.push_str("\noptions { };\n");
    }
    let conf = if conf.contains("directory \"") {
        change(&conf, "/var/cache/bind", "/etc/bind/")
    } else {
        change(&conf, "options {", "options { directory \"/etc/bind/\";")
    };
    make_certificate(directory.path(), "ns1");
    let conf = moved(&conf, directory.path());
    let file = directory.path().join("named.conf");
    write(&file, &conf);
    let said = process::run("named-checkconf", &[&file], b"");
    assert_eq!(
        (said.status, said.stdout().as_str()),
        (Some(0), ""),
        "{conf}"
    );
}

/// The text with the system's directories moved to one of the test.
fn moved(text: &str, directory: &Path) -> String {
    let directory = format!("{}/", directory.display());
    ["/etc/nsbridge/", "/etc/bind/", "/var/lib/nsbridge/"]
        .iter()
        .fold(text.to_owned(), |text, from| text.replace(from, &directory))
}

/// The last part of each quoted path that ends so, without the ending.
fn words_ending(text: &str, ending: &str) -> Vec<String> {
    text.split('"')
        .filter_map(|word| word.strip_suffix(ending))
        .map(|path| path.rsplit('/').next().unwrap_or(path).to_owned())
        .collect()
}

/// `NAME.pem` and `NAME-key.pem`.
fn make_certificate(directory: &Path, name: &str) {
    Authority::new(directory, name);
    for (from, to) in [(".crt", ".pem"), (".key", "-key.pem")] {
        let file = |end: &str| directory.join(format!("{name}{end}"));
        fs::rename(file(from), file(to)).expect("our own directory");
    }
}

/// The numbers of BIND's version.
fn version_of_bind() -> Vec<u32> {
    let version = process::run_ok("named-checkconf", &["-v"]);
    let numbers = version.split(|c: char| !c.is_ascii_digit());
    numbers
        .map_while(|number| number.parse().ok())
        .take(3)
        .collect()
}
