//! Tests of the type table in both directions, of the errors, and of laws on generated data.

mod laws;
mod samples;

use super::*;
use samples::{ERRORS, SAMPLES};

fn rdata(rtype: &str, text: &str) -> Rdata {
    parse_rdata(parse_type(rtype).unwrap(), text).unwrap()
}

fn error(rtype: &str, text: &str) -> String {
    let result = parse_rdata(parse_type(rtype).unwrap(), text);
    result.expect_err(text).to_string()
}

#[test]
fn text_reads_as_the_octets_that_bind_writes() {
    for (rtype, text, hex, _) in SAMPLES {
        let read = parse_rdata(parse_type(rtype).unwrap(), text);
        let read = read.map(|rdata| digits::format_hex(rdata.as_wire()));
        assert_eq!(read.as_deref(), Ok(*hex), "{rtype} {text}");
    }
}

#[test]
fn octets_are_printed_in_the_form_of_their_type() {
    for (rtype, text, hex, printed) in SAMPLES {
        let code = parse_type(rtype).unwrap();
        let octets = digits::parse_hex(hex).unwrap();
        let expected = if printed.is_empty() { text } else { printed };
        let rdata = Rdata::from_wire(code, &octets).unwrap();
        assert_eq!(format_rdata(code, &rdata), *expected, "{rtype} {text}");
    }
}

#[test]
fn octets_that_do_not_fit_their_type_are_printed_in_the_generic_form() {
    let generic =
        |rtype: u16, octets: &[u8]| format_rdata(RecordType(rtype), &Rdata::from_canonical(octets));
    assert_eq!(generic(1, &[1, 2, 3]), r"\# 3 010203");
    assert_eq!(generic(16, &[]), r"\# 0");
    assert_eq!(generic(16, &[5, 65]), r"\# 2 0541");
    assert_eq!(generic(15, &[0, 1, 0, 9]), r"\# 4 00010009");
    // An APL address with a trailing zero octet, a short DS hash, a LOC size with the digit eleven.
    assert_eq!(generic(42, &[0, 1, 8, 2, 10, 0]), r"\# 6 000108020A00");
    assert_eq!(generic(43, &[0, 1, 8, 2, 10, 0]), r"\# 6 000108020A00");
    assert!(
        generic(29, &[0, 0xb2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).starts_with(r"\# 16 ")
    );
    // Service parameters out of order.
    assert!(generic(65, &[0, 1, 0, 0, 4, 0, 0, 0, 3, 0, 0]).starts_with(r"\# 11 "));
}

#[test]
fn an_error_names_the_field_and_the_reason() {
    for (rtype, text, expected) in ERRORS {
        assert_eq!(error(rtype, text), *expected, "{rtype} {text}");
    }
}

#[test]
fn an_error_shows_little_of_the_input_and_no_control_character() {
    assert_eq!(
        error("A", "\"\u{1b}[2J\""),
        r"address `\u{1b}[2J` is not written without quotes"
    );
    let long = error("A", &"1".repeat(5000));
    assert_eq!(
        long,
        format!("address `{}…` is not an IPv4 address", "1".repeat(60))
    );
}

#[test]
fn strings_are_at_most_255_octets_long() {
    let fits = format!("\"{}\"", "a".repeat(255));
    assert_eq!(rdata("TXT", &fits).as_wire().len(), 256);
    let longer = format!("\"{}\"", "ä".repeat(128));
    assert_eq!(
        error("TXT", &longer),
        "text has 256 octets, and at most 255 fit"
    );
}

#[test]
fn txt_content_is_split_into_strings() {
    assert_eq!(txt_rdata(b"").as_wire(), b"\0");
    assert_eq!(txt_rdata(b"ab").as_wire(), b"\x02ab");
    let content = [b'x'; 511];
    let rdata = txt_rdata(&content);
    assert_eq!(rdata.as_wire().len(), 514);
    assert_eq!(
        [
            rdata.as_wire()[0],
            rdata.as_wire()[256],
            rdata.as_wire()[512]
        ],
        [255, 255, 1]
    );
    assert_eq!(&*rdata.content(RecordType::TXT), content);
}

#[test]
fn data_in_parentheses_continue_over_lines() {
    let spread = rdata("SOA", "ns. h. (\n\t1\r\n\t2 (3) 4\n5 )\n\n");
    assert_eq!(spread, rdata("SOA", "ns. h. 1 2 3 4 5"));
}

#[test]
fn times_are_valid_dates() {
    let signature = |time: &str| format!("A 8 2 60 {time} 0 1 a. AQID");
    let printed = |time: &str| {
        let text = format_rdata(RecordType::RRSIG, &rdata("RRSIG", &signature(time)));
        text.split(' ').nth(4).unwrap().to_owned()
    };
    assert_eq!(printed("0"), "19700101000000");
    assert_eq!(printed("951782400"), "20000229000000");
    assert_eq!(printed("4294967295"), "21060207062815");
    for time in ["20250229000000", "20251301000000", "20250100000000"] {
        let expected = format!(
            "expiration `{time}` is not a time such as `20260131235959`, or seconds since 1970"
        );
        assert_eq!(error("RRSIG", &signature(time)), expected);
    }
}

#[test]
fn types_are_read_in_any_case_and_by_number() {
    assert_eq!(parse_type("cname"), Some(RecordType::CNAME));
    assert_eq!(parse_type("type65280"), Some(RecordType(65280)));
    assert_eq!(parse_type("TYPE1"), Some(RecordType::A));
    assert_eq!(format_type(RecordType(1)), "A");
    assert_eq!(format_type(RecordType(65280)), "TYPE65280");
    for text in [
        "",
        "TYPE",
        "TYPE65536",
        "TYPE+1",
        "TYPE-1",
        "BOGUS",
        "ÄÄÄ1",
        "TYPE1 ",
    ] {
        assert_eq!(parse_type(text), None, "{text}");
    }
}

#[test]
fn a_record_is_printed_as_a_line_of_a_master_file() {
    let owner = r#"w\"w.example."#.parse().unwrap();
    let line = format_record(&owner, 300, RecordType::MX, &rdata("MX", "10 Mail.example"));
    assert_eq!(line, r#"w\"w.example. 300 IN MX 10 mail.example."#);
}
