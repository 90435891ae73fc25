//! Tests of lines and their commands; the error texts come from the output of nsupdate itself.

use std::net::{IpAddr, Ipv4Addr};

use pretty_assertions::assert_eq;

use super::{Command, Parser};
use crate::model::RecordType;
use crate::wire::{Class, Lease, WireRecord};

fn read(line: &str) -> Result<Command, String> {
    let read = Parser::new(false).read(line.as_bytes());
    read.map_err(|error| error.to_string())
}

fn error_of(line: &str) -> String {
    match read(line) {
        Ok(command) => panic!("`{line}` is read as {command:?}"),
        Err(text) => text,
    }
}

fn record(owner: &str, ttl: u32, class: Class, rtype: RecordType, rdata: &[u8]) -> WireRecord {
    WireRecord {
        owner: owner.parse().unwrap(),
        rtype,
        class,
        ttl,
        rdata: rdata.to_vec(),
    }
}

#[test]
fn updates_are_parsed_with_and_without_their_first_word() {
    let (any, none, www) = (Class::ANY, Class::NONE, "www.example.com.");
    let address = [192, 0, 2, 1];
    let added = record(www, 300, Class::IN, RecordType::A, &address);
    for line in [
        "update add www.example.com 300 A 192.0.2.1",
        "add www.example.com. 300 IN A 192.0.2.1",
        "  Update\tADD   www.example.com 300  in a   192.0.2.1 \r\n",
        r"add www.example.com 300 A \# 4 c0000201",
    ] {
        assert_eq!(read(line), Ok(Command::Update(added.clone())), "{line}");
    }
    let cases = [
        (
            "del www.example.com",
            record(www, 0, any, RecordType::ANY, &[]),
        ),
        (
            "delete www.example.com 300",
            record(www, 0, any, RecordType::ANY, &[]),
        ),
        (
            "update del www.example.com IN",
            record(www, 0, any, RecordType::ANY, &[]),
        ),
        (
            "update delete www.example.com. TXT",
            record(www, 0, any, RecordType::TXT, &[]),
        ),
        (
            "del www.example.com ANY",
            record(www, 0, any, RecordType::ANY, &[]),
        ),
        (
            "del www.example.com 60 IN A 192.0.2.1",
            record(www, 0, none, RecordType::A, &address),
        ),
        (
            r"del www.example.com TYPE65280 \# 0",
            record(www, 0, none, RecordType(65_280), &[]),
        ),
    ];
    for (line, update) in cases {
        assert_eq!(read(line), Ok(Command::Update(update)), "{line}");
    }
}

#[test]
fn prerequisites_are_parsed_with_and_without_their_first_word() {
    let (any, none, www) = (Class::ANY, Class::NONE, "www.example.com.");
    let cases = [
        (
            "prereq nxdomain www.example.com",
            record(www, 0, none, RecordType::ANY, &[]),
        ),
        (
            "yxdomain www.example.com",
            record(www, 0, any, RecordType::ANY, &[]),
        ),
        (
            "prereq nxrrset www.example.com IN A",
            record(www, 0, none, RecordType::A, &[]),
        ),
        (
            "nxrrset www.example.com A 192.0.2.1",
            record(www, 0, none, RecordType::A, &[]),
        ),
        (
            "yxrrset www.example.com A",
            record(www, 0, any, RecordType::A, &[]),
        ),
        (
            "prereq yxrrset www.example.com A 192.0.2.1",
            record(www, 0, Class::IN, RecordType::A, &[192, 0, 2, 1]),
        ),
    ];
    for (line, prerequisite) in cases {
        assert_eq!(
            read(line),
            Ok(Command::Prerequisite(prerequisite)),
            "{line}"
        );
    }
}

#[test]
fn names_keep_their_spelling_and_quotes_delimit_strings() {
    let Ok(Command::Update(mx)) = read("add WWW.example.com 5 MX 10 Mail.EXAMPLE.com") else {
        panic!("the line is an update");
    };
    assert_eq!(mx.owner.to_string(), "WWW.example.com.");
    assert_eq!(mx.rdata, b"\0\x0a\x04Mail\x07EXAMPLE\x03com\0");
    for (text, rdata) in [
        (r#""a;b" c;d ;"#, &b"\x03a;b\x03c;d\x01;"[..]),
        (r#"("a" b)"#, b"\x04(\"a\"\x02b)"),
        (r#""a""b"c"#, b"\x01a\x01b\x01c"),
        (r#""a\"\195""#, b"\x03a\"\xc3"),
        (r"a\;b\ c @", b"\x05a;b c\x01@"),
    ] {
        let line = format!("add a.test 5 TXT {text}");
        let Ok(Command::Update(txt)) = read(&line) else {
            panic!("`{line}` is an update");
        };
        assert_eq!(txt.rdata, rdata, "{line}");
    }
    let raw = Parser::new(false).read(b"add a.test 5 TXT \xfc\n");
    assert!(matches!(raw, Ok(Command::Update(txt)) if txt.rdata == b"\x01\xfc"));
}

#[test]
fn errors_have_nsupdates_texts() {
    let cases = include_str!("tests/errors.txt").lines();
    let mut count = 0;
    for case in cases.filter(|line| !line.starts_with('#')) {
        let (line, text) = case.split_once(" => ").expect("a case has two sides");
        assert_eq!(error_of(line), text, "{line}");
        count += 1;
    }
    assert!(count > 60);
}

#[test]
fn settings_apply_to_later_lines() {
    let mut parser = Parser::new(false);
    let mut read = |line: &str| {
        parser
            .read(line.as_bytes())
            .map_err(|error| error.to_string())
    };
    assert_eq!(read("ttl 60"), Ok(Command::Nothing));
    assert!(matches!(read("add a.test A 192.0.2.1"), Ok(Command::Update(it)) if it.ttl == 60));
    assert!(matches!(read("add a.test 5 A 192.0.2.1"), Ok(Command::Update(it)) if it.ttl == 5));
    assert_eq!(read("ttl none"), Ok(Command::Nothing));
    assert!(read("add a.test A 192.0.2.1").is_err());
    assert!(read("add a_b.test 5 A 192.0.2.1").is_err());
    assert_eq!(read("check-names off"), Ok(Command::Nothing));
    assert!(read("add a_b.test 5 A 192.0.2.1").is_ok());
    assert!(read("add _dns.test 5 SVCB 1 x").is_err());
    assert_eq!(read("checksvcb NO"), Ok(Command::Nothing));
    assert!(read("add _dns.test 5 SVCB 1 x").is_ok());
    assert_eq!(
        read("del a.test CH TXT"),
        Err("class mismatch: CH".to_owned())
    );
    parser.clear_class();
    let mut read = |line: &str| {
        parser
            .read(line.as_bytes())
            .map_err(|error| error.to_string())
    };
    assert!(read("del a.test CH TXT").is_ok());
    assert_eq!(
        read("del a.test IN TXT"),
        Err("class mismatch: IN".to_owned())
    );
    assert_eq!(parser.fix_class(), Class::CH);
}

#[test]
fn the_other_commands_are_parsed() {
    let key = read("key hmac-sha256-128:foo.bar Zm 9v\tYmFy");
    assert!(matches!(key, Ok(Command::Key(key))
        if key.algorithm().to_string() == "hmac-sha256-128" && key.name().to_string() == "foo.bar."));
    let plain = read("key foo Zm9vYmFy");
    assert!(matches!(plain, Ok(Command::Key(key)) if key.algorithm().to_string() == "hmac-md5"));
    let whole = read("key hmac-sha1-0:foo Zm9vYmFy");
    assert!(matches!(whole, Ok(Command::Key(key)) if key.algorithm().to_string() == "hmac-sha1"));
    let lease = |seconds, key_seconds| {
        Ok(Command::Lease(Some(Lease {
            seconds,
            key_seconds,
        })))
    };
    assert_eq!(read("lease 30"), lease(30, None));
    assert_eq!(read("lease 30 60"), lease(30, Some(60)));
    assert_eq!(read("lease none"), Ok(Command::Lease(None)));
    let server = |host: &str, port| {
        Ok(Command::Server {
            host: host.to_owned(),
            port,
        })
    };
    assert_eq!(read("server ns.test"), server("ns.test", None));
    assert_eq!(
        read("SERVER 127.0.0.1  5300 x"),
        server("127.0.0.1", Some(5300))
    );
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    assert_eq!(
        read("local 127.0.0.1 77"),
        Ok(Command::Local { address, port: 77 })
    );
    for line in ["", " \t\r\n", "send", "SEND now"] {
        assert_eq!(read(line), Ok(Command::Send), "{line:?}");
    }
    assert_eq!(read(";send"), Ok(Command::Nothing));
    assert_eq!(read("quit"), Ok(Command::Quit));
    assert_eq!(read("debug no"), Ok(Command::Debug));
    assert_eq!(read("zone ."), Ok(Command::Zone(".".parse().unwrap())));
    let closed = Parser::new(true).read(b"server ns.test");
    let closed = closed.map_err(|error| error.to_string());
    assert_eq!(
        closed,
        Err("cannot reset server in localhost-only mode".to_owned())
    );
}

#[test]
fn exceptions_from_the_checks_are_accepted() {
    for line in [
        "add *.test 5 A 192.0.2.1",
        "add gc._msdcs.test 5 A 192.0.2.1",
        "add a_b.test 5 TXT x",
        "add a.test 5 CNAME a_b.test",
        "add a.test 5 SRV 0 0 0 .",
        "add a.test 5 SOA ns.test a_b.test 1 2 3 4 5",
        "add a.test 5 PTR a_b.test",
        "add _dns.test 5 SVCB 0 x",
        "add _53._dns.test 5 SVCB 1 x alpn=dot",
        "add _dns.test 5 SVCB 1 x alpn=h2 dohpath=/q{?dns}",
        "add a.test 5 NSEC3PARAM 1 0 50 -",
        "del a_b.test A",
    ] {
        assert!(read(line).is_ok(), "{line}: {:?}", read(line));
    }
}

proptest::proptest! {
    #[test]
    fn errors_are_single_lines_for_any_octets(lines in proptest::collection::vec(any_line(), 1..6)) {
        let mut parser = Parser::new(false);
        for line in lines {
            if let Err(error) = parser.read(&line) {
                proptest::prop_assert!(!error.to_string().contains('\n'), "{error}");
            }
        }
    }
}

/// Generates any octets, mostly after words that lead far into the parser.
fn any_line() -> impl proptest::strategy::Strategy<Value = Vec<u8>> {
    use proptest::strategy::Strategy as _;
    let starts = [
        "",
        "add a.test 60 ",
        "del a.test ",
        "yxrrset a.test ",
        "add a.test 5 SVCB 1 . ",
        "key a ",
        "zone ",
        "add _dns.a 5 SVCB 1 . alpn=",
        "add a 5 TXT ",
        "add a 5 SOA ",
        "local ",
        "server ",
        "lease ",
        "class ",
    ];
    let start = proptest::sample::select(starts.to_vec());
    let word =
        proptest::string::bytes_regex(r#"(?s-u:[ -~]|[@();"\\ ]|.){0,24}"#).expect("a pattern");
    (start, word).prop_map(|(start, word)| [start.as_bytes(), &word].concat())
}

#[test]
fn rdata_that_only_nsupdate_accepts_or_rejects() {
    let cases = [
        ("tkey a. 1 2 1 0 4 AAAAAA== 0", None),
        ("tkey a. 1 2 1 0 0 4 AAAAAA==", None),
        ("tkey a. 1 2 1 0 5 AAAAAA== 0", Some("syntax error")),
        ("tkey a. 1 2 1 0", Some("unexpected end of input")),
        ("type0 \"\"", Some("unknown class/type")),
        (r"TYPE0 \# 0", Some("invalid use of a meta type")),
        (r"TYPE200 \# 0", Some("invalid use of a meta type")),
        (r"OPT \# 0", Some("invalid use of a meta type")),
        ("URI 1 2 \"https://a.test/\"", None),
        ("URI 1 2 https://a.test/", Some("syntax error")),
        ("X25 311061700956", None),
        ("X25 31a1", Some("out of range")),
        ("X25 311", Some("syntax error")),
        (r"A \# 5 0000000000", Some("extra input data")),
        (r"A \# 3 000000", Some("unexpected end of input")),
        ("KEY 0 0 0", Some("unexpected end of input")),
        (
            "IPSECKEY 10 1 2 192.0.2.38",
            Some("unexpected end of input"),
        ),
        ("PTR \"a\"", None),
        (r"PTR a\  ", None),
        (r"PTR a\", Some("unexpected end of input")),
        ("CH AAAA ::1", Some("unknown class/type")),
    ];
    for (data, wrong) in cases {
        let read = read(&format!("add a.example.com 60 {data}"));
        let expected = wrong.map(|wrong| format!("invalid rdata format: {wrong}"));
        assert_eq!(read.err(), expected, "{data}");
    }
    let Ok(Command::Update(quoted)) = read("add a 60 PTR \"a\"") else {
        panic!("it is read");
    };
    assert_eq!(quoted.rdata, b"\x03\"a\"\0");
}

#[test]
fn names_are_checked_in_types_that_require_host_names_or_hashes() {
    for data in ["HTTPS 1 a_b.test.", "SVCB 1 a_b.test.", "CH MX 1 a_b.test."] {
        let text = error_of(&format!("add a.example.com 60 {data}"));
        assert_eq!(text, "check-names failed: bad name 'a_b.test'");
    }
    let hash = "NSEC3 1 1 12 aa 2t7b4g4vsa5smi47k61mv5bv1a22bojr A";
    let text = error_of(&format!("add a.example.com 60 {hash}"));
    assert_eq!(text, "check-names failed: bad owner 'a.example.com'");
    for line in [
        "add a.example.com 60 HTTPS 0 a_b.test.".to_owned(),
        format!("add 2t7b4g4vsa5smi47k61mv5bv1a22bojr.example.com 60 {hash}"),
    ] {
        assert!(read(&line).is_ok(), "{line}");
    }
    assert_eq!(
        error_of(r"add a\ 60 A 192.0.2.1"),
        "invalid owner name: unexpected end of input"
    );
    assert_eq!(
        error_of(r"add a\300 60 A 192.0.2.1"),
        "invalid owner name: bad escape"
    );
}

#[test]
fn a_message_has_one_class_and_none_conflicts_with_no_class() {
    let mut parser = Parser::new(false);
    let mut read = |line: &str| {
        let read = parser.read(line.as_bytes());
        read.map_err(|error| error.to_string())
    };
    assert!(read("add a.example.com 60 TXT a").is_ok());
    let mismatch = read("add a.example.com 60 CH TXT a");
    assert_eq!(mismatch, Err("class mismatch: CH".to_owned()));
    let none = read("add a.example.com 60 NONE TXT a");
    let Ok(Command::Update(none)) = none else {
        panic!("it is read");
    };
    assert_eq!(none.class, Class::NONE);
    assert!(read("add a.example.com 60 CH TXT a\rfoo").is_ok());
    // The class is fixed before the type is parsed.
    assert_eq!(
        Parser::new(false)
            .read(b"nxrrset a NOTYPE")
            .unwrap_err()
            .to_string(),
        "invalid type: NOTYPE"
    );
}
