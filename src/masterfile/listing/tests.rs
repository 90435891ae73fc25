//! Names of files and zones. `tests/it/sync/listing.rs` compares the reader of configurations with BIND.

use std::io;
use std::path::Path;

use proptest::prelude::*;

use super::*;

#[test]
fn a_file_name_shows_its_zone() {
    let zone = |name: &str| FileName::Zone(name.to_owned());
    for (file, expected) in [
        ("example.com.db", zone("example.com")),
        ("example.com.zone", zone("example.com")),
        ("pri.example.com", zone("example.com")),
        ("db.example.com", zone("example.com")),
        // There is no top-level domain `db`.
        ("db.example.com.db", zone("db.example.com")),
        ("pri.example.com.db", zone("pri.example.com")),
        ("2.0.192.in-addr.arpa.db", zone("2.0.192.in-addr.arpa")),
        ("example.zone.db", zone("example.zone")),
        ("example.new", FileName::Other),
        ("pri.example.new", zone("example.new")),
        ("db.127", FileName::Default),
        ("db.local", FileName::Default),
    ] {
        assert_eq!(FileName::read(file), expected, "{file}");
    }
    let two = ["pri.example", "example.zone"].map(str::to_owned);
    assert_eq!(FileName::read("pri.example.zone"), FileName::Ambiguous(two));
    for other in [
        "",
        ".db",
        "db.",
        "pri.",
        ".zone",
        "named.conf",
        "example.com.signed",
        "db.example.com.jnl",
        "pri.example.com.err",
        "db.example.com~",
        ".example.com.db.swp",
        "#db.example.com#",
        "db.example.com.dpkg-old",
        "db.example.com.rpmsave",
        "example.com.db.bak",
        "sec.example.com",
        "no zone.db",
    ] {
        assert_eq!(FileName::read(other), FileName::Other, "{other}");
    }
}

#[test]
fn locally_served_zones_are_those_of_rfc_6303() {
    let nibbles = |rest: &str, count: usize| format!("{rest}{}ip6.arpa", "0.".repeat(count));
    let served = |name: &str| is_served_everywhere(&name.parse().unwrap());
    for zone in [
        ".",
        "LocalHost",
        "10.in-addr.arpa",
        "16.172.in-addr.arpa",
        "31.172.in-addr.arpa",
        "168.192.IN-ADDR.arpa",
        "0.in-addr.arpa",
        "127.in-addr.arpa",
        "255.in-addr.arpa",
        "d.f.ip6.arpa",
        "8.b.d.0.1.0.0.2.ip6.arpa",
        &nibbles("1.", 31),
        &nibbles("0.", 31),
    ] {
        assert!(served(zone), "{zone}");
    }
    for zone in [
        "example.com",
        "15.172.in-addr.arpa",
        "32.172.in-addr.arpa",
        "1.10.in-addr.arpa",
        "172.in-addr.arpa",
        "a.localhost",
        "ip6.arpa",
        &nibbles("1.", 30),
        &nibbles("2.", 31),
        &nibbles("", 1),
    ] {
        assert!(!served(zone), "{zone}");
    }
}

fn read(files: &[(&str, &str)]) -> Result<NamedConf, NamedConfError> {
    let mut open = |path: &Path| {
        let found = files.iter().find(|(name, _)| Path::new(name) == path);
        let (_, text) = found.ok_or(io::ErrorKind::NotFound)?;
        let octets = text.as_bytes().to_vec();
        let path = path.to_owned();
        Ok(vec![Opened { path, octets }])
    };
    NamedConf::read(Path::new("/etc/bind/named.conf"), &mut open)
}

#[test]
fn relative_names_start_from_the_directory_from_where_it_is_read_on() {
    let main = "include \"first\"; options { directory \"/var/x\"; }; include \"second\";";
    let first = "zone \"a.test\" { type master; file \"a.db\"; };";
    let found = read(&[
        ("/etc/bind/named.conf", main),
        ("/etc/bind/first", first),
        ("/var/x/second", "\n\nzone \"b.test\" { type hint; };"),
    ]);
    let found = found.unwrap();
    assert_eq!(found.directory, Path::new("/var/x"));
    let zones: Vec<_> = found.zones.iter().map(|it| (&*it.name, &it.role)).collect();
    let file = Role::Primary("a.db".into());
    assert_eq!(zones, [("a.test", &file), ("b.test", &Role::Other)]);
    assert_eq!(found.zones[1].place, ("/var/x/second".to_owned(), 3));
}

#[test]
fn an_error_names_its_line() {
    for (text, line, problem) in [
        ("\nzone {", 2, Problem::Expected("the name of a zone")),
        (
            "zone \"a\" {\n type master;",
            2,
            Problem::Expected("a statement"),
        ),
        ("\n\nfile \"a\n", 3, Problem::Unclosed("\"")),
        ("\n/* \n", 2, Problem::Unclosed("/*")),
        ("acl x { any; }", 1, Problem::Expected("`;`")),
        ("acl x { any; }; }", 1, Problem::Expected("a statement")),
        (
            "zone \"a\" { type master; }\nzone",
            2,
            Problem::Expected("`;`"),
        ),
        (";", 1, Problem::Expected("a statement")),
    ] {
        match read(&[("/etc/bind/named.conf", text)]) {
            Err(NamedConfError::Line {
                line: at,
                problem: found,
                ..
            }) => {
                assert_eq!((at, found), (line, problem), "{text}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
    let gone = read(&[("/etc/bind/named.conf", "include \"gone\";")]);
    assert!(matches!(gone, Err(NamedConfError::Unreadable { .. })));
    let endless = read(&[("/etc/bind/named.conf", "include \"named.conf\";")]);
    let Err(NamedConfError::Line { problem, .. }) = endless else {
        panic!("{endless:?}");
    };
    assert_eq!(problem, Problem::TooDeep);
}

#[test]
fn files_of_a_pattern_are_not_included_by_each_other() {
    let mut open = |path: &Path| {
        let opened = |name: &str, text: &str| Opened {
            path: name.into(),
            octets: text.as_bytes().to_vec(),
        };
        Ok(match path.to_str() {
            Some("/x/named.conf") => vec![opened("named.conf", "include \"*.conf\";")],
            Some("/x/*.conf") => vec![opened("part", "include \"one\";"); 200],
            _ => vec![opened("one", "zone \"a.test\" { type hint; };")],
        })
    };
    let found = NamedConf::read(Path::new("/x/named.conf"), &mut open).unwrap();
    assert_eq!(found.zones.len(), 200);
}

#[test]
fn a_configuration_that_is_too_large_is_not_read_in_part() {
    let mut open = |path: &Path| {
        let octets = vec![0; CONFIGURATION_OCTETS_MAX + 1];
        let path = path.to_owned();
        Ok(vec![Opened { path, octets }])
    };
    let found = NamedConf::read(Path::new("/x/named.conf"), &mut open);
    let Err(NamedConfError::Line { problem, .. }) = found else {
        panic!("it is read");
    };
    assert_eq!(problem, Problem::TooLarge);
}

proptest! {
    /// Any text has an end: zones, or an error on one of its lines.
    #[test]
    fn any_text_is_read_to_its_end(pieces in proptest::collection::vec(prop::sample::select(vec![
        "zone ", "view ", "options ", "include ", "type ", "master", "file ", "directory ", "\"", "{", "}", ";", " ",
        "\n", "\\", "#", "//", "/*", "*/", "a", "IN ", "\u{0}", "é", "\"x\" ",
    ]), 0..60)) {
        let text = pieces.concat();
        match read(&[("/etc/bind/named.conf", &text)]) {
            Err(NamedConfError::Line { line, .. }) => {
                let lines = text.matches('\n').count() + 1;
                prop_assert!((1..=lines).contains(&line), "{line}: {text}");
            }
            // It includes a file that there is not.
            Err(NamedConfError::Unreadable { .. }) => prop_assert!(text.contains("include")),
            Ok(found) => prop_assert!(found.zones.len() <= text.matches("zone").count()),
        }
    }
}
