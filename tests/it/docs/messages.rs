//! Each message about an outcome has its entry in `docs/messages.md`, and each entry its message.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use pretty_assertions::assert_eq;

/// Where the messages are worded: a file and an enum of it.
const ENUMS: &[(&str, &str)] = &[
    ("transport/error.rs", "TransportError"),
    ("deliver/error/failure.rs", "Failure"),
    ("plan/soa.rs", "InitialZoneError"),
    ("plan/packer.rs", "BatchError"),
    ("queue/store/file.rs", "StoreError"),
    ("queue/job.rs", "QueueFull"),
    ("masterfile/error.rs", "MasterFileErrorKind"),
    ("provision/rndc/error.rs", "RndcError"),
    ("provision/powerdns/error.rs", "PowerDnsError"),
    ("provision/command/error.rs", "CommandError"),
];

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The texts of an enum's messages, with `…` for what differs.
fn messages((file, name): (&str, &str)) -> Vec<String> {
    let source = read(&format!("src/{file}"));
    let (_, body) = source
        .split_once(&format!("enum {name} {{"))
        .unwrap_or_else(|| panic!("{name} is not in src/{file}"));
    let body = &body[..body.find("\n}").expect("an enum ends")];
    let attributes = body.split("#[error(").skip(1);
    let texts = attributes.filter_map(|attribute| {
        let text = attribute.trim_start().strip_prefix('"')?;
        Some(with_gaps(&text[..text.find('"').expect("a literal ends")]))
    });
    texts.collect()
}

/// The text with `…` in place of each run of placeholders, and without the breaks of its lines.
fn with_gaps(literal: &str) -> String {
    let (mut text, mut depth) = (String::new(), 0);
    let joined: Vec<&str> = literal.split("\\\n").map(str::trim_start).collect();
    for character in joined.concat().chars() {
        match character {
            '{' => {
                depth += 1;
                if !text.ends_with('…') {
                    text.push('…');
                }
            }
            '}' => depth -= 1,
            _ if depth == 0 => text.push(character),
            _ => {}
        }
    }
    text
}

#[test]
fn each_message_has_its_entry_and_each_entry_its_message() {
    let said: BTreeSet<String> = ENUMS.iter().copied().flat_map(messages).collect();
    let document = read("docs/messages.md");
    let entries: BTreeSet<String> = document
        .lines()
        .filter_map(|line| line.strip_prefix("### `` ")?.strip_suffix(" ``"))
        .map(str::to_owned)
        .collect();
    assert_eq!(entries, said);
    assert!(said.len() > 50, "the sources were not read");
}
