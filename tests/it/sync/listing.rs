//! The reader of configurations beside `named-checkconf -p`, which prints what BIND has read in its own form.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use nsbridge::masterfile::listing::{NamedConf, Opened, Role};
use pretty_assertions::assert_eq;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use tempfile::TempDir;

use crate::support::process;

/// What stands between two words. BIND: a word ends at a blank before a comment.
const BLANKS: [&str; 8] = [
    " ",
    "\n",
    "\t\r\n",
    " /* } ; \" zone \"no.test\" { */ ",
    " // zone \"no.test\" { type master; file \"no\"; };\n",
    " # } \" {\n",
    " /**/ ",
    "\n\n",
];

/// The zones of class IN, each with its file if the server is the primary.
fn zones(read: &NamedConf) -> BTreeSet<(String, Option<String>)> {
    let zones = read.zones.iter();
    zones
        .map(|zone| match &zone.role {
            Role::Primary(file) => (zone.name.clone(), Some(file.display().to_string())),
            Role::Other => (zone.name.clone(), None),
            Role::Lacking(option) => panic!("{} lacks {option}", zone.name),
        })
        .collect()
}

fn open(path: &Path) -> io::Result<Vec<Opened>> {
    let octets = fs::read(path)?;
    let path = path.to_owned();
    Ok(vec![Opened { path, octets }])
}

/// Reads a file as nsbridge does, and then what BIND prints of it.
#[track_caller]
fn both(path: &Path) -> [BTreeSet<(String, Option<String>)>; 2] {
    let text = || fs::read_to_string(path).unwrap_or_default();
    let own = NamedConf::read(path, &mut open);
    let own = own.unwrap_or_else(|error| panic!("{error}: {}", text()));
    let said = process::run("named-checkconf", &["-p", &path.display().to_string()], b"");
    let printed = String::from_utf8_lossy(&said.stdout);
    assert_eq!(said.status, Some(0), "{printed}\n{}", text());
    let normal = path.with_extension("normal");
    fs::write(&normal, &said.stdout).unwrap();
    let normal = NamedConf::read(&normal, &mut open).expect("the form of BIND");
    [zones(&own), zones(&normal)]
}

/// A zone: its name, type, and what else is written of it.
type Zone = (
    String,
    &'static str,
    Vec<&'static str>,
    Option<&'static str>,
);

/// The options of a zone that any type has.
const OPTIONS: [&str; 4] = [
    "notify no ;",
    "allow-query { 127.0.0.1 ; ! { 192.0.2.0/24 ; } ; } ;",
    "zone-statistics yes ;",
    "also-notify { 192.0.2.1 port 53 ; } ;",
];

fn zone() -> impl Strategy<Value = Zone> {
    let kind = select(vec![
        "master",
        "primary",
        "MASTER",
        "Primary",
        "slave",
        "secondary",
        "forward",
    ]);
    let options = vec(select(OPTIONS.to_vec()), 0..3);
    let class = select(vec![None, Some("IN"), Some("in")]);
    ("[a-z]{1,3}(\\.|-|/)?[A-Z0-9]{1,2}", kind, options, class)
        .prop_map(|(label, kind, options, class)| (format!("{label}.test"), kind, options, class))
}

/// The words of a zone, with a space where any blank may stand.
fn words((name, kind, options, class): &Zone, is_quoted: bool) -> String {
    let name = if is_quoted || name.contains('/') {
        format!("\"{name}\"")
    } else {
        name.clone()
    };
    let mut options: BTreeSet<&str> = options.iter().copied().collect();
    let file = format!("file \"x/{}.\\\"db\" ;", kind.to_lowercase());
    match kind.to_lowercase().as_str() {
        "master" | "primary" => drop(options.insert(&file)),
        "forward" => options = BTreeSet::from(["forwarders { 192.0.2.1 ; } ;"]),
        _ => {
            options.insert("masters { 192.0.2.1 ; } ;");
        }
    }
    let options: Vec<&str> = options.into_iter().collect();
    let class = class.unwrap_or_default();
    format!(
        "zone {name} {class} {{ {} type {kind} ; }} ;",
        options.join(" ")
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Zones are read alike, whatever stands between words, in views or not, in included files or not.
    #[test]
    fn the_zones_of_a_configuration_are_those_that_bind_reads(
        found in vec((zone(), any::<bool>(), 0..3_u8, any::<bool>()), 1..8),
        has_views in any::<bool>(),
        blanks in vec(select(BLANKS.to_vec()), 40),
    ) {
        let directory = TempDir::with_prefix("nsbridge-listing-").unwrap();
        let mut blanks = blanks.iter().cycle();
        let mut spaced = |words: &str| -> String {
            let mut text = String::new();
            let mut is_inside = false;
            for part in words.split(' ').filter(|it| !it.is_empty()) {
                text.push_str(part);
                is_inside ^= part.replace("\\\"", "").matches('"').count() % 2 == 1;
                text.push_str(if is_inside { " " } else { blanks.next().unwrap() });
            }
            text
        };
        let (mut names, mut written) = (BTreeSet::new(), BTreeSet::new());
        let mut views = [String::new(), String::new(), String::new()];
        for (index, (zone, is_quoted, view, is_included)) in found.iter().enumerate() {
            let view = if has_views { usize::from(*view) } else { 0 };
            if !names.insert((view, zone.0.to_lowercase())) {
                continue;
            }
            written.insert(zone.0.clone());
            let text = spaced(&words(zone, *is_quoted));
            if *is_included {
                let file = directory.path().join(format!("part{index}"));
                fs::write(&file, text).unwrap();
                views[view] += &spaced(&format!("include \"{}\" ;", file.display()));
            } else {
                views[view] += &text;
            }
        }
        let mut text = spaced("acl some { 192.0.2.0/24 ; } ; options { recursion no ; } ;");
        if has_views {
            for (index, view) in views.iter().enumerate() {
                text += &spaced(&format!("view v{index} {{ recursion no ;"));
                text += view;
                text += &spaced("} ;");
            }
        } else {
            text += &views[0];
        }
        let path = directory.path().join("named.conf");
        fs::write(&path, &text).unwrap();
        let [own, normal] = both(&path);
        let read: BTreeSet<String> = own.iter().map(|(name, _)| name.clone()).collect();
        prop_assert_eq!(read, written);
        prop_assert_eq!(own, normal, "{}", text);
    }
}

#[test]
fn the_oddities_of_a_configuration_are_read_as_bind_reads_them() {
    let directory = TempDir::with_prefix("nsbridge-listing-").unwrap();
    let path = directory.path().join("named.conf");
    fs::write(
        directory.path().join("half"),
        "type master; file \"half.db\"; allow-query { any;",
    )
    .unwrap();
    fs::write(
        directory.path().join("no-end"),
        "acl x { any; }; # without an end of the line",
    )
    .unwrap();
    let here = directory.path().display();
    let text = format!(
        r#"
ZONE "upper.test" {{ TYPE MASTER; FILE "upper.db"; }};
zone "comment/*.test" {{ type master# after a word
    ; file "a//b#c.db"; }};
zone "escape.test" {{ type master; file "a\\\"b\c.db"; }};
zone "include.test" {{ include "{here}/half"; }}; }};
include "{here}/no-end";
zone"tight.test"{{type master;file"tight.db";}};
zone "class.test" IN {{ type primary; file "class.db"; }};
zone "database.test" {{ type primary; database "_builtin empty"; }};
key "zone" {{ algorithm hmac-sha256; secret "AAAA"; }};
"#
    );
    fs::write(&path, text).unwrap();
    let [own, normal] = both(&path);
    assert_eq!(own, normal);
    let files: Vec<_> = own
        .into_iter()
        .map(|(name, file)| (name, file.unwrap_or_default()))
        .collect();
    let expected = [
        ("class.test", "class.db"),
        ("comment/*.test", "a//b#c.db"),
        ("database.test", ""),
        ("escape.test", "a\\\\\"b\\c.db"),
        ("include.test", "half.db"),
        ("tight.test", "tight.db"),
        ("upper.test", "upper.db"),
    ];
    let files: Vec<_> = files
        .iter()
        .map(|(name, file)| (&**name, &**file))
        .collect();
    assert_eq!(files, expected);
}
