//! The reader of master files beside BIND's own: what the one reads and prints again is, by the text that
//! `named-compilezone` makes of it, what the other reads.

use std::io;
use std::path::Path;

use pretty_assertions::assert_eq;
use tempfile::TempDir;

use nsbridge::masterfile::{MasterFile, Source};
use nsbridge::model::ZoneName;
use nsbridge::zonefile::format_record;

use crate::support::process;

const ZONE: &str = "example.com";

/// What BIND makes of a file.
#[track_caller]
fn by_bind(directory: &Path, file: &str, style: &str) -> String {
    let place = directory.to_string_lossy();
    let checks = ["-k", "ignore", "-i", "none", "-w", &*place];
    let output = ["-F", "text", "-s", style, "-o", "-", ZONE, file];
    let said = process::run("named-compilezone", &[&checks[..], &output].concat(), b"");
    assert_eq!(said.status, Some(0), "{}", said.stdout() + &said.stderr());
    said.stdout()
}

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

fn parse(directory: &Path, file: &str) -> MasterFile {
    let read = |name: &str| -> io::Result<Source> {
        Ok(Source {
            name: name.to_owned(),
            octets: std::fs::read(directory.join(name))?,
        })
    };
    let zone = ZoneName::new(&ZONE.parse().unwrap());
    let parsed = MasterFile::parse(&read(file).unwrap(), &zone, |name, _| read(name));
    parsed.unwrap_or_else(|errors| panic!("{errors:?}"))
}

/// Asserts that both read the same in the file, which may include the others. No name in its data is in upper
/// case, since ours are canonical.
#[track_caller]
fn reads_alike(text: &str, others: &[(&str, &str)]) {
    let directory = TempDir::with_prefix("nsbridge-master-").unwrap();
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    write("zone.db", text);
    for (name, text) in others {
        write(name, text);
    }
    let place = directory.path();
    let printed = |file: &str| {
        let records = parse(place, file).records;
        let mut lines: Vec<String> = records
            .iter()
            .map(|it| format_record(&it.owner, it.ttl, it.rtype, &it.rdata))
            .collect();
        lines.sort();
        lines
    };
    let ours = printed("zone.db");
    write("ours.db", &ours.join("\n"));
    let theirs = by_bind(place, "zone.db", "full");
    assert_eq!(sorted(&by_bind(place, "ours.db", "full")), sorted(&theirs));
    assert!(ours.len() > 1);
    // And what BIND prints, in both of its styles, is read as the same.
    for style in ["full", "relative"] {
        write("theirs.db", &by_bind(place, "zone.db", style));
        let lines = printed("theirs.db");
        let lower = |lines: &[String]| lines.iter().map(|it| it.to_lowercase()).collect::<Vec<_>>();
        assert_eq!(lower(&lines), lower(&ours), "{style}");
    }
}

#[test]
fn directives_names_and_ttls_are_read_as_bind_reads_them() {
    reads_alike(
        "$TTL 1h30m\n@ 1d IN SOA ns1 host\\.master ( 2026112401 3h ; c\n 1H 1w2d 10m )\n\
         \tNS ns1\n NS ns2.example.net.\nt 5 TXT x\nns1 IN 60 A 192.0.2.1\n    60 IN A 192.0.2.2\n\
         $ORIGIN sub\n@ MX 10 mail\nmail A 192.0.2.3\n AAAA 2001:DB8::3\n$TTL 7\n\\@ TXT at \"s i g n\"\n\
         $INCLUDE b.db deep\nafter CNAME mail\n$INCLUDE b.db\n$ORIGIN example.com.\n* TXT \"\\\"\\065\\\\ ;()\" un\\;quoted\n\
         a\\.b\\200 A 192.0.2.4\n",
        &[(
            "b.db",
            "x A 192.0.2.9\n$ORIGIN y\nz A 192.0.2.10\n$TTL 8\nw A 192.0.2.11\n",
        )],
    );
}

#[test]
fn without_a_default_the_ttl_is_that_of_the_soa_or_of_the_record_before() {
    reads_alike(
        "@ SOA a b 1 2 3 4 55\n NS a\na A 192.0.2.1\nb 9 A 192.0.2.1\nc A 192.0.2.1\n",
        &[],
    );
    reads_alike(
        "@ 77 SOA a b 1 2 3 4 55\n NS a\na A 192.0.2.1\nb 9 A 192.0.2.1\nc A 192.0.2.1\n",
        &[],
    );
}

#[test]
fn a_ttl_of_a_generated_range_is_stated_for_what_follows() {
    reads_alike(
        "@ 77 SOA a b 1 2 3 4 55\n NS a.example.net.\n$GENERATE 1-2 a$ 9 A 192.0.2.$\nc A 192.0.2.1\n",
        &[],
    );
}

#[test]
fn generated_ranges_are_those_of_bind() {
    reads_alike(
        "$TTL 1\n@ SOA a b 1 2 3 4 5\n NS a.example.net.\n$GENERATE 1-20 host$ A 192.0.2.$\n\
         $GENERATE 0-40/10 ${1,3,d}.rev 5 IN PTR h-${0,4,x}-${-0,2,o}.example.net.\n\
         $GENERATE 0-300/100 ${0,7,N}.${250,1,N}-${16,0,X}.v6 PTR ${0,0,n}.example.net.\n\
         $GENERATE 1-2 a$ TXT \"\\\"a $ b\\\" c\\$ d\"\n$GENERATE 1-2 m$ IN 3 MX \"1$ mx\"\n",
        &[],
    );
}

#[test]
fn types_of_all_kinds_are_read_as_bind_reads_them() {
    reads_alike(
        "$TTL 1h\n@ SOA a b 1 2 3 4 5\n NS a.example.net.\n\
         @ CAA 0 issue \"ca.example.net; policy=ev\"\n@ HTTPS 1 . alpn=\"h2,h3\" port=8443 ipv4hint=192.0.2.1\n\
         _s._tcp SRV 1 2 3 host\n_25._tcp.mx TLSA 3 1 1 ( 0123456789abcdef0123456789abcdef\n 0123456789abcdef0123456789abcdef )\n\
         sub NS ns.sub\nns.sub A 192.0.2.8\nsub DS 60485 5 1 ( 2BB183AF5F22588179A53B0A\n 98631FAD1A292118 )\n\
         n NAPTR 100 50 \"s\" \"http+I2L+I2C+I2R\" \"\" _http._tcp\nl LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m\n\
         k SSHFP 1 1 dd465c09cfa51fb45020cc83316fff21b9ec74ac\nr RP mb.example.net. txt\nd DNAME other.example.net.\n\
         u TYPE65280 \\# 4 ( 0a00 0001 )\nv A \\# 4 c0000201\nh HINFO \"PC\" Linux\nuri URI 10 1 \"https://example.net/\"\n\
         o OPENPGPKEY AQIDBAUGBwg=\n\
         p TXT \\# text\nq NXT a. 127 NS\ns WKS 192.0.2.1 tcp tcpmux www 26\n",
        &[],
    );
}

#[test]
fn a_file_that_bind_refuses_is_refused() {
    for text in [
        "@ SOA a b 1 2 3 4\n",
        "a A 192.0.2.1\n",
        "$TTL 1\n@ SOA a b 1 2 3 4 5\n@ NS a.x.\nx A 192.0.2.256\n",
        "$TTL 1\n@ SOA a b 1 2 3 4 5\n@ NS a.x.\nx TXT \"open\n",
        "$TTL 1\n@ SOA a b 1 2 3 4 5\n@ NS a.x.\nx TXT ( open\n",
        "$TTL 1\n@ SOA a b 1 2 3 4 5\n@ NS a.x.\n$NOSUCH x\n",
        "$TTL 1\n@ SOA a b 1 2 3 4 5\n@ NS a.x.\nx MD a.x.\n",
        "$TTL 1\n@ SOA a b 1 2 3 4 5\n@ NS a.x.\nx NSEC3 1 0 0 - 2t7b4g4vsa5smi47k61mv5bv A\n",
        "$TTL 1\n@ SOA a b 1 2 3 4 5\n@ NS a.x.\nx RRSIG A 8 2 60 20200101000100 20200101000000 1 a.b.x. AQID\n",
        "$TTL 1\n@ SOA a b 1 2 3 4 5\n@ NS a.x.\n$GENERATE 5-1 a$ A 192.0.2.1\n",
        "$TTL 1\n@ SOA a b 1 2 3 4 5\n@ NS a.x.\n$GENERATE 1-2 a$ MX 1 b$\n",
        "$TTL 1\n@ SOA a b 1 2 3 4 5\n@ NS a.x.\n$INCLUDE no-such-file\n",
    ] {
        let directory = TempDir::with_prefix("nsbridge-master-").unwrap();
        let file = directory.path().join("zone.db");
        std::fs::write(&file, text).unwrap();
        let file = file.to_string_lossy();
        let said = process::run("named-checkzone", &["-i", "none", ZONE, &*file], b"");
        assert!(said.status != Some(0), "BIND takes this:\n{text}");
        let source = Source {
            name: "zone.db".to_owned(),
            octets: text.as_bytes().to_vec(),
        };
        let zone = ZoneName::new(&ZONE.parse().unwrap());
        let parsed = MasterFile::parse(&source, &zone, |_, _| Err(io::ErrorKind::NotFound.into()));
        assert!(parsed.is_err(), "{text}");
    }
}

/// What a generated line is made of; odd ones among them.
const OWNERS: [&str; 15] = [
    "\\256",
    "a..b",
    "(a)",
    "a",
    "b.c",
    "@",
    "*",
    "",
    "  ",
    "\"q\"",
    "x\\.y",
    "\\097b",
    "a.example.com.",
    "A",
    "-_",
];
const MIDDLES: [&str; 30] = [
    "300 300 A 192.0.2.1",
    "2147483647 A 192.0.2.1",
    "1H1h A 192.0.2.1",
    "CLASS1 A 192.0.2.1",
    "HS A 192.0.2.1",
    "TXT",
    "TXT \"\"",
    "A 192.0.2.1;c",
    "TXT \"a\"b",
    "TXT a\\",
    "TXT a\"b;c\"d",
    "TXT \\# 0",
    "TYPE65280 \\# 0",
    "TYPE1 192.0.2.1",
    "A \\# 4 (c0 00\n0201)",
    "MX 10 .",
    "MX 70000 a",
    "in a 192.0.2.77",
    "A 192.0.2.1",
    "IN A 192.0.2.2",
    "300 A 192.0.2.3",
    "1h IN A 192.0.2.4",
    "IN 1w2d A ( 192.0.2.5 )",
    "MX 10 ( ; a comment (\n mail )",
    "TXT \"a;b\" c\\;d \"e\\\"f\"",
    "TXT ( \"x\"\n\"y\" )",
    "TYPE65280 \\# 4 0a000001",
    "SRV 0 0 5060 sip",
    "CAA 0 issue \"ca.example;x=1\"",
    "AAAA 2001:db8::1",
];
const DIRECTIVES: [&str; 14] = [
    "$TTL 1h30m",
    "$TTL 60",
    "$ORIGIN sub",
    "$ORIGIN example.com.",
    "$origin @",
    "$GENERATE 1-3 h$ A 192.0.2.$",
    "$GENERATE 2-8/3 g${0,3,d} 60 CNAME t${-1,2,x}.${1}",
    "$GENERATE 1-2 n${0,3,n} TXT \"v$ \\$\"",
    "$GENERATE 1-3 h${-2,4,d}-${-2,0,x}-${-3,5,o} A 192.0.2.$",
    "$GENERATE 1-2 h${-2,3,n} 60 CNAME t${+2}",
    "$DATE 20200101000000",
    "$DATE 20201301000000",
    "; nothing",
    "",
];

/// The next of some numbers that look like random ones (Knuth's multiplier for 64 bits).
fn next(state: &mut u64) -> usize {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*state >> 33).unwrap()
}

fn generated(state: &mut u64) -> String {
    let mut text = "$TTL 300\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.9\n".to_owned();
    for _ in 0..=next(state) % 8 {
        if next(state).is_multiple_of(3) {
            text.push_str(DIRECTIVES[next(state) % DIRECTIVES.len()]);
        } else {
            text.push_str(OWNERS[next(state) % OWNERS.len()]);
            text.push(if next(state).is_multiple_of(2) {
                ' '
            } else {
                '\t'
            });
            text.push_str(MIDDLES[next(state) % MIDDLES.len()]);
        }
        // Now and then a mark in a wrong place.
        if next(state).is_multiple_of(9) {
            text.push_str([" ;x", " (", ")", " extra", "\"", "\\", " ( )", "\r"][next(state) % 8]);
        }
        text.push('\n');
    }
    text
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "more files than CI has time for can be asked for by `NSBRIDGE_MASTER_FILES`"
)]
fn generated_master_files_are_read_or_refused_as_named_does() {
    let count = std::env::var("NSBRIDGE_MASTER_FILES").ok();
    let count: u64 = count.map_or(150, |count| count.parse().unwrap());
    let directory = TempDir::with_prefix("nsbridge-master-").unwrap();
    let place = directory.path().to_string_lossy().into_owned();
    let (mut read, mut differences) = (0, Vec::new());
    for seed in 0..count {
        let mut state = seed * 7_919 + 1;
        let text = generated(&mut state);
        std::fs::write(directory.path().join("zone.db"), &text).unwrap();
        let checks = ["-k", "ignore", "-i", "none", "-w", &*place];
        let output = ["-F", "text", "-s", "full", "-o", "-", ZONE, "zone.db"];
        let said = process::run("named-compilezone", &[&checks[..], &output].concat(), b"");
        let source = Source {
            name: "zone.db".to_owned(),
            octets: text.clone().into_bytes(),
        };
        let zone = ZoneName::new(&ZONE.parse().unwrap());
        let ours = MasterFile::parse(&source, &zone, |_, _| Err(io::ErrorKind::NotFound.into()));
        match (said.status == Some(0), ours) {
            (true, Ok(ours)) => {
                read += 1;
                let theirs = Source {
                    name: "bind".to_owned(),
                    octets: said.stdout,
                };
                let theirs =
                    MasterFile::parse(&theirs, &zone, |_, _| Err(io::ErrorKind::NotFound.into()));
                // Where TTLs differ within a set, ours is the smallest and theirs the last.
                let wanted = |file: MasterFile| {
                    let wanted = file.into_wanted(false);
                    let is_even = wanted.notes.is_empty();
                    let records = wanted.zone.records.iter();
                    let records = records.map(|set| {
                        let ttl = if is_even { set.ttl } else { 0 };
                        (set.owner.to_string(), set.rtype, ttl, set.rdatas.clone())
                    });
                    (is_even, records.collect::<Vec<_>>())
                };
                let ours = wanted(ours);
                let mut theirs = wanted(theirs.unwrap());
                if !ours.0 {
                    theirs.1.iter_mut().for_each(|set| set.2 = 0);
                }
                let (ours, theirs) = (ours.1, theirs.1);
                if ours != theirs {
                    differences.push(format!("{text}\n--- {ours:?}\n--- {theirs:?}"));
                }
            }
            (false, Err(_)) => {}
            (true, Err(errors)) => differences.push(format!("only we refuse\n{text}\n{errors:?}")),
            (false, Ok(_)) => {
                let why = String::from_utf8_lossy(&said.stderr).into_owned()
                    + &String::from_utf8_lossy(&said.stdout);
                differences.push(format!("only BIND refuses\n{text}\n{why}"));
            }
        }
    }
    assert!(
        differences.is_empty(),
        "{} differ:\n{}",
        differences.len(),
        differences.join("\n=====\n")
    );
    assert!(read * 5 > count, "{read} of {count} were read");
    assert!(read < count, "none was refused");
}
