//! Tests of the records of a master file, and of its errors.

mod laws;

use std::io;

use super::source::INCLUDE_DEPTH_MAX;
use super::*;
use crate::diagnostic::Diagnose as _;
use crate::model::{Serial, ZoneName, ZoneSource};
use crate::zonefile::format_record;

pub(super) fn zone() -> ZoneName {
    ZoneName::new(&"example.".parse().unwrap())
}

fn source(name: &str, text: &str) -> Source {
    Source {
        name: name.into(),
        octets: text.as_bytes().to_vec(),
    }
}

/// Reads the text as the file `zone.db` of `example.`, which may include `files`.
fn parse_with(text: &str, files: &[(&str, &str)]) -> Result<Vec<String>, Vec<MasterFileError>> {
    let include = |name: &str, _: &str| {
        let found = files.iter().find(|(file, _)| *file == name);
        let (name, text) = found.ok_or(io::ErrorKind::NotFound)?;
        Ok(source(name, text))
    };
    let file = MasterFile::parse(&source("zone.db", text), &zone(), include)?;
    let lines = file.records.iter().map(|record| {
        let text = format_record(&record.owner, record.ttl, record.rtype, &record.rdata);
        text.replace(" IN ", " ")
    });
    Ok(lines.collect())
}

#[track_caller]
fn assert_records(text: &str, expected: &[&str]) {
    pretty_assertions::assert_eq!(parse_with(text, &[]).unwrap(), expected);
}

/// Returns the errors without the name of the file.
fn errors(text: &str) -> Vec<String> {
    let errors = parse_with(text, &[]).unwrap_err();
    let texts = errors.iter().map(|error| {
        assert!(error.diagnostic().hint().is_some());
        error.to_string().replace("zone.db:", "")
    });
    texts.collect()
}

#[track_caller]
fn assert_error(text: &str, error: &str) {
    assert_eq!(errors(text), [error]);
}

#[test]
fn the_example_of_rfc_1035_gives_its_records() {
    let text = "
@   IN  SOA     VENERA      Action\\.domains (
                                 20     ; SERIAL
                                 7200   ; REFRESH
                                 600    ; RETRY
                                 3600000; EXPIRE
                                 60)    ; MINIMUM

        NS      A.ISI.EDU.
        NS      VENERA
        MX      10      VENERA
A       A       26.3.0.103
VENERA  A       10.1.0.52
        A       128.9.0.32
";
    assert_records(
        text,
        &[
            r"example. 60 SOA venera.example. action\.domains.example. 20 7200 600 3600000 60",
            "example. 60 NS a.isi.edu.",
            "example. 60 NS venera.example.",
            "example. 60 MX 10 venera.example.",
            "A.example. 60 A 26.3.0.103",
            "VENERA.example. 60 A 10.1.0.52",
            "VENERA.example. 60 A 128.9.0.32",
        ],
    );
}

#[test]
fn a_ttl_is_stated_or_the_default_or_the_last_one() {
    assert_records(
        "a 5 A 192.0.2.1\nb A 192.0.2.2\n$TTL 1h30m\nc A 192.0.2.3\nd 1D A 192.0.2.4\ne A 192.0.2.5\n",
        &[
            "a.example. 5 A 192.0.2.1",
            "b.example. 5 A 192.0.2.2",
            "c.example. 5400 A 192.0.2.3",
            "d.example. 86400 A 192.0.2.4",
            "e.example. 5400 A 192.0.2.5",
        ],
    );
    assert_error(
        "a A 192.0.2.1\n",
        "1:3: the record has no TTL, and neither `$TTL` nor a record before it says one",
    );
    assert_error(
        "a 2147483648 A 192.0.2.1\n",
        "1:3: `2147483648` is no TTL: seconds up to 2147483647, or a period such as `1h30m`",
    );
}

#[test]
fn class_and_ttl_stand_in_either_order() {
    assert_records(
        "a 5 IN A 192.0.2.1\na in 6 a 192.0.2.2\na CLASS1 7 TYPE1 192.0.2.3\n 8 A 192.0.2.4",
        &[
            "a.example. 5 A 192.0.2.1",
            "a.example. 6 A 192.0.2.2",
            "a.example. 7 A 192.0.2.3",
            "a.example. 8 A 192.0.2.4",
        ],
    );
    assert_error(
        "a 5 CH A 192.0.2.1",
        "1:5: class `CH` is not served, only IN",
    );
    assert_error(
        "a 5 CLASS3 A 1",
        "1:5: class `CLASS3` is not served, only IN",
    );
}

#[test]
fn names_are_relative_to_the_origin_in_owners_and_in_data() {
    assert_records(
        "$ORIGIN sub\n@ 1 MX 5 @\n$ORIGIN deep\na 1 CNAME b\n\\@ 1 SRV 1 2 3 x.\n$ORIGIN example.\nc 1 NS ns1.sub\n",
        &[
            "sub.example. 1 MX 5 sub.example.",
            "a.deep.sub.example. 1 CNAME b.deep.sub.example.",
            r"\@.deep.sub.example. 1 SRV 1 2 3 x.",
            "c.example. 1 NS ns1.sub.example.",
        ],
    );
}

#[test]
fn quotes_escapes_comments_and_parentheses_are_as_in_rfc_1035() {
    assert_records(
        "$TTL 1\n;c\n \t ; only a comment\na TXT \"x;y\" a\\;b ; c\na TXT ( \"(\" ; )\n\t\"two\" \n)\r\n\
         a\\.b TXT \"\\\"\\065\\\\\"\r\n* HTTPS 1 . alpn=\"h2,h3\" port=443 ; c\n",
        &[
            r#"a.example. 1 TXT "x;y" "a;b""#,
            r#"a.example. 1 TXT "(" "two""#,
            r#"a\.b.example. 1 TXT "\"A\\""#,
            "*.example. 1 HTTPS 1 . alpn=\"h2,h3\" port=443",
        ],
    );
}

#[test]
fn unknown_types_are_as_exact_as_known_ones() {
    assert_records(
        "$TTL 1\na TYPE65280 \\# 3 ( ab\ncd 01 )\na A \\# 4 c0000201\na TYPE16 hello\na TYPE731 \\# 0\n",
        &[
            r"a.example. 1 TYPE65280 \# 3 ABCD01",
            "a.example. 1 A 192.0.2.1",
            r#"a.example. 1 TXT "hello""#,
            r"a.example. 1 TYPE731 \# 0",
        ],
    );
}

#[test]
fn an_included_file_has_its_own_origin_and_restores_the_previous_one() {
    let files = [
        (
            "b.db",
            "@ A 192.0.2.2\n$ORIGIN other.example.\nx A 192.0.2.3\n$TTL 7\n",
        ),
        ("c.db", " A 192.0.2.4\n"),
    ];
    let text = "$TTL 1\na A 192.0.2.1\n$INCLUDE \"b.db\" sub\n A 192.0.2.5\n$INCLUDE c.db ; c\nd A 192.0.2.6\n";
    pretty_assertions::assert_eq!(
        parse_with(text, &files).unwrap(),
        [
            "a.example. 1 A 192.0.2.1",
            "sub.example. 1 A 192.0.2.2",
            "x.other.example. 1 A 192.0.2.3",
            "a.example. 7 A 192.0.2.5",
            "a.example. 7 A 192.0.2.4",
            "d.example. 7 A 192.0.2.6",
        ]
    );
}

#[test]
fn an_error_in_an_included_file_has_the_name_of_that_file() {
    let errors = |text, files: &[(&str, &str)]| {
        let errors = parse_with(text, files).unwrap_err();
        errors.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        errors("$INCLUDE b.db\n", &[("b.db", "\nx 1 A 1\n")]),
        ["b.db:2:7: address `1` is not an IPv4 address"]
    );
    assert_eq!(
        errors("$TTL 1\n  $INCLUDE b.db\n$INCLUDE c.db\n", &[]),
        [
            "zone.db:2:3: `$INCLUDE` is no record type",
            "zone.db:3:10: cannot read `c.db`: entity not found"
        ]
    );
    let mut included = 0;
    let include = |_: &str, _: &str| {
        included += 1;
        Ok(source("a.db", "$INCLUDE a.db"))
    };
    MasterFile::parse(&source("a.db", "$INCLUDE a.db"), &zone(), include).unwrap_err();
    assert_eq!(included, INCLUDE_DEPTH_MAX);
    assert_eq!(
        errors("$INCLUDE a.db", &[("a.db", "$INCLUDE a.db")]),
        ["a.db:1:10: files are included more than 10 deep"]
    );
}

#[test]
fn a_generated_range_is_that_of_bind() {
    assert_records(
        "$TTL 1\n$GENERATE 1-3 host$ A 192.0.2.$\n$GENERATE 0-4/2 $.2.0.192 5 IN PTR p-${10,4,d}.x.\n\
         $GENERATE 9-10 \\$${0,2,x}$$ MX \"10 m${-9,0,X}\"\n$GENERATE 18-18 ${0,7,n} CNAME ${0,0,N}.y.\n",
        &[
            "host1.example. 1 A 192.0.2.1",
            "host2.example. 1 A 192.0.2.2",
            "host3.example. 1 A 192.0.2.3",
            "0.2.0.192.example. 5 PTR p-0010.x.",
            "2.2.0.192.example. 5 PTR p-0012.x.",
            "4.2.0.192.example. 5 PTR p-0014.x.",
            r"\$09\$.example. 1 MX 10 m0.example.",
            r"\$0a\$.example. 1 MX 10 m1.example.",
            "2.1.0.0.example. 1 CNAME 2.1.y.",
        ],
    );
    let assert_line = |line: &str, error: &str| assert_error(&format!("$TTL 1\n{line}\n"), error);
    assert_line(
        "$GENERATE 3-1 a$ A 1",
        "2:11: `3-1` is no range such as `1-254` or `0-254/2`",
    );
    assert_line(
        "$GENERATE 1-3/0 a$ A 1",
        "2:11: `1-3/0` is no range such as `1-254` or `0-254/2`",
    );
    assert_line(
        "$GENERATE 0-65536 a$ A 1",
        "2:11: the range has 65537 steps, more than the 65536 that are taken",
    );
    for pattern in [
        "a${x}",
        "a${0,256}",
        "a${0,1,z}",
        "a${0,1,d,2}",
        "a${1",
        "${2147483647}",
    ] {
        let error = format!(
            "2:15: `{pattern}` is no pattern of `$GENERATE`, or its number is out of range"
        );
        let line = format!("$GENERATE 0-1 {pattern} A 192.0.2.1");
        if pattern == "${2147483647}" {
            assert_line(&line, &error);
        } else {
            assert_eq!(errors(&format!("$TTL 1\n{line}\n"))[0], error);
        }
    }
    assert_line(
        "$GENERATE 1-2 a$ MX 10 b$",
        "2:24: `b$` is too much for `$GENERATE`",
    );
    assert_line(
        "$GENERATE 1-2 a$ A 192.0.2.x",
        "2:20: address `192.0.2.x` is not an IPv4 address",
    );
}

#[test]
fn each_error_has_its_line_and_column() {
    let assert_line = |line: &str, error: &str| assert_error(&format!("$TTL 1\n{line}\n"), error);
    assert_line("a MX 10", "2:8: exchange is missing");
    assert_line(
        "a MX ten b",
        "2:6: preference `ten` is not a number from 0 to 65535",
    );
    assert_line("a A 192.0.2.1 x", "2:15: `x` stands after the last field");
    assert_line(
        "  A 192.0.2.1",
        "2:3: the owner of the record before is meant, and there is none",
    );
    assert_line(
        "a..b A 192.0.2.1",
        "2:1: `a..b` is no domain name: the name has an empty label",
    );
    assert_line(
        "ä A 192.0.2.1",
        "2:1: `ä` is no domain name: the name has a character outside ASCII",
    );
    assert_line(
        "a.test. A 192.0.2.1",
        "2:9: `a.test.` is not in the zone `example.`",
    );
    assert_line("a 5", "2:4: the type of the record is missing");
    assert_line("a", "2:2: the type of the record is missing");
    assert_line("a FOO x", "2:3: `FOO` is no record type");
    assert_line("a ANY x", "2:3: there are no records of type ANY in a zone");
    assert_line(
        "@ DS 1 8 2 00",
        "2:12: digest has 1 octets, and its kind has 32",
    );
    assert_line("$FOO x", "2:1: `$FOO` is no directive");
    assert_line("$TTL", "2:5: `$TTL` needs a period");
    assert_line("$ORIGIN a b", "2:11: `b` is too much for `$ORIGIN`");
    assert_line("x TXT \"a", "2:7: a quote is not closed");
    assert_line(
        "x TXT ( a\n\n",
        "2:7: a parenthesis has no partner: quote the text, or write `\\(` and `\\)`",
    );
    assert_line(
        "x TXT a ) b",
        "2:9: a parenthesis has no partner: quote the text, or write `\\(` and `\\)`",
    );
    assert_line("x TXT ä b\"", "2:10: a quote is not closed");
}

#[test]
fn one_error_does_not_hide_the_next_and_reading_ends_after_many() {
    let text = "$TTL 1\na A 1\nb A (\n2 )\nc A \"\nd A 192.0.2.1\ne A 3\n";
    assert_eq!(
        errors(text),
        [
            "2:5: address `1` is not an IPv4 address",
            "4:1: address `2` is not an IPv4 address",
            "5:5: a quote is not closed",
            "7:5: address `3` is not an IPv4 address",
        ]
    );
    assert_eq!(errors(&"a A 1\n".repeat(100)).len(), ERRORS_MAX);
}

#[test]
fn a_zone_has_one_soa_at_its_apex() {
    let soa = "@ 1 SOA a b 1 1 1 1 1\n";
    assert_eq!(parse_with(&soa.repeat(2), &[]).unwrap().len(), 1);
    assert_eq!(
        errors(&format!(
            "{soa}@ 1 SOA a b 2 1 1 1 1\nx 1 SOA a b 2 1 1 1 1\n"
        )),
        [
            "2:3: another SOA record stands before this one",
            "3:3: an SOA record stands below the apex, at `x.example.`"
        ]
    );
    let digest = "00".repeat(32);
    assert_eq!(
        errors(&format!("@ 1 DS 1 8 2 {digest}\n")),
        ["1:3: a DS record stands at the zone's own apex"]
    );
}

#[test]
fn octets_outside_utf8_are_unchanged() {
    let parse = |octets: &[u8]| {
        let source = Source {
            name: "x".into(),
            octets: octets.to_vec(),
        };
        let include = |_: &str, _: &str| Err(io::ErrorKind::NotFound.into());
        let file = MasterFile::parse(&source, &zone(), include).unwrap();
        file.records[0].rdata.as_wire().to_vec()
    };
    assert_eq!(parse(b"a 1 TXT \"gr\xfc\xdfe\"\n"), b"\x05gr\xfc\xdfe");
    assert_eq!(parse(b"a 1 TXT \\\xfc\\\\\xfc\n"), b"\x03\xfc\\\xfc");
    assert_eq!(
        parse(b"\xef\xbb\xbfa 1 TXT \xc3\xa4 ; \xff\n"),
        b"\x02\xc3\xa4"
    );
}

#[test]
fn errors_of_limits_state_the_limit() {
    let long = " ".repeat(FILE_OCTETS_MAX);
    assert_error(
        &format!("a 1 A 192.0.2.1\n{long}"),
        "1:1: the file has more than 67108864 octets, with what it includes and generates",
    );
    let many = "$GENERATE 0-65535 a$ 1 A 192.0.2.1\n".repeat(8);
    assert_error(&many, "8:19: the file has more than 500000 records");
    let text = "x".repeat(250);
    let long = format!("$GENERATE 0-65535 a$ 1 TXT \"{text} {text} {text} {text} {text}\"\n");
    assert_error(
        &long,
        "1:11: the file has more than 67108864 octets, with what it includes and generates",
    );
}

#[test]
fn a_wanted_zone_is_the_file_without_the_records_of_a_signer() {
    let text = "$TTL 9\n@ 5 SOA ns1 host\\.master 7 1 2 3 4\n@ NS ns1\n@ 3 NS ns2\n\
                @ DNSKEY 257 3 13 AAAA\n@ NSEC a A NSEC\nb DS 1 8 1 0000000000000000000000000000000000000000\n";
    let include = |_: &str, _: &str| Err(io::ErrorKind::NotFound.into());
    let file = MasterFile::parse(&source("x", text), &zone(), include).unwrap();
    let wanted = file.into_wanted(true);
    assert_eq!(wanted.zone.source, ZoneSource::File { prunes: true });
    assert_eq!(wanted.zone.soa.serial, Some(Serial(7)));
    assert_eq!(
        (wanted.zone.soa.ttl, wanted.zone.soa.minimum),
        (Some(5), Some(4))
    );
    assert_eq!(wanted.zone.records.record_count(), 3);
    let notes: Vec<String> = wanted
        .notes
        .iter()
        .map(|note| note.diagnostic().to_string())
        .collect();
    assert_eq!(
        notes,
        [
            "DNSSEC records left out: 2; those of the primary stay as they are",
            "the NS records of example. have different TTLs; 3 is taken for all"
        ]
    );
}
