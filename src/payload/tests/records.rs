//! Tests of single records.

use pretty_assertions::assert_eq;

use super::{outcome, parsed, record, update};
use crate::model::{Intent, RecordType};
use crate::payload::NoteKind;

#[track_caller]
fn parses_to(rtype: &str, opt: &str, value: &str, expected: &str) {
    let outcome = outcome(&record("a.z.example.", rtype, opt, value));
    assert_eq!(
        outcome,
        format!("  a.z.example. 300 IN {rtype} {expected}\n")
    );
}

#[track_caller]
fn is_skipped(host: &str, rtype: &str, opt: &str, value: &str, expected: &str) {
    let outcome = outcome(&record(host, rtype, opt, value));
    assert_eq!(outcome, format!("problem [0].zone.rr[0]{expected}\n"));
}

#[test]
fn rdata_are_opt_and_value_or_value_alone() {
    parses_to("MX", "10", "m.example.", "10 m.example.");
    parses_to("MX", "", "010 m.example", "10 m.example.");
    parses_to("SRV", " 1  2\t3 ", "m.example.", "1 2 3 m.example.");
    parses_to("SRV", "", "1 2 3 m.example.", "1 2 3 m.example.");
    parses_to("SVCB", "", "0 m.example.", "0 m.example.");
    parses_to("SVCB", "1", ". port=53", "1 . port=53");
    let digest = "AB".repeat(32);
    parses_to("TLSA", "3 1 1", &digest, &format!("3 1 1 {digest}"));
    parses_to(
        "TLSA",
        "",
        &format!("3 1 1 {digest}"),
        &format!("3 1 1 {digest}"),
    );
}

#[test]
fn names_in_rdata_are_absolute_with_or_without_the_final_dot() {
    parses_to("CNAME", "", "m.example", "m.example.");
    parses_to("NS", "", " m.Example. ", "m.example.");
    parses_to("PTR", "", "m.example", "m.example.");
    parses_to("MX", "5", "m.example", "5 m.example.");
}

#[test]
fn names_are_taken_as_sent_and_those_outside_ascii_are_refused() {
    for (character, text) in [
        ('\u{df}', "stra\u{df}e.z.example."),
        ('\u{fc}', "b\u{fc}cher.z.example"),
        ('\u{ff45}', "www.z.\u{ff45}xample."),
        ('\u{3002}', "www\u{3002}z.example."),
        ('\u{ff0e}', "www\u{ff0e}z.example."),
        ('\u{ff61}', "www\u{ff61}z.example."),
        ('\u{ad}', "w\u{ad}ww.z.example."),
        ('\u{430}', "\u{430}dmin.z.example."),
        ('\u{212a}', "\u{212a}.z.example."),
    ] {
        let expected = format!(
            "U+{:04X} is not ASCII; Plesk sends such a name as `xn--…`\n",
            u32::from(character)
        );
        for record in [
            record(text, "A", "", "192.0.2.1"),
            record("a.z.example.", "CNAME", "", text),
            record("a.z.example.", "NS", "", text),
            record("a.z.example.", "PTR", "", text),
            record("a.z.example.", "MX", "10", text),
            record("a.z.example.", "MX", "", text),
            record("a.z.example.", "SRV", "0 0 5060", text),
            record("a.z.example.", "HTTPS", "1", text),
        ] {
            let outcome = outcome(&record);
            assert!(outcome.contains("problem"), "{outcome}");
            assert!(outcome.ends_with(&expected), "{outcome}");
        }
        let zone = format!(r#"[{{"command":"delete","zone":{{"name":"{text}"}}}}]"#);
        let payload = parsed(&zone);
        assert_eq!(payload.commands, [], "{text}");
        let ptr = format!(
            r#"[{{"command":"createPTRs","ptr":{{"ip_address":"192.0.2.1","hostname":"{text}"}}}}]"#
        );
        assert_eq!(parsed(&ptr).commands, [], "{text}");
    }
    // IDNA would reject these labels.
    let host = record("*.-a_--b.xn--zzz.z.example.", "A", "", "192.0.2.1");
    assert_eq!(
        outcome(&host),
        "  *.-a_--b.xn--zzz.z.example. 300 IN A 192.0.2.1\n"
    );
}

#[test]
fn addresses_are_accepted_in_any_spelling_and_other_text_is_not() {
    parses_to("A", "", " 192.0.2.1\n", "192.0.2.1");
    parses_to(
        "AAAA",
        "",
        "2001:0DB8:0000:0000:0000:0000:0000:0001",
        "2001:db8::1",
    );
    for value in ["192.0.2", "192.0.2.256", "2001:db8::1", "a.example.", ""] {
        let expected = format!(".value z.example. `{value}`: this is not an IPv4 address");
        is_skipped("a.z.example.", "A", "", value, &expected);
    }
    for value in ["192.0.2.1", "fe80::1%eth0", "2001:db8::1::"] {
        let expected = format!(".value z.example. `{value}`: this is not an IPv6 address");
        is_skipped("a.z.example.", "AAAA", "", value, &expected);
    }
}

#[test]
fn txt_is_taken_to_the_letter() {
    let long = "x".repeat(256);
    for content in [
        "",
        "\"quoted\"",
        r"back\slash \065 \\",
        " blanks ",
        "tab\tand\nline\u{0}",
        "a;b",
        "Köln",
        &long,
    ] {
        let payload = parsed(&update(&record("a.z.example.", "TXT", "", content)));
        let Intent::Zone(zone) = &payload.commands[0].intent else {
            panic!("an update is about a zone");
        };
        let rdata = &zone.records.as_slice()[0].rdatas[0];
        assert_eq!(&*rdata.content(RecordType::TXT), content.as_bytes());
    }
    // With 23 octets of owner name and fixed fields, and a length octet for each 255.
    let most = "x".repeat(30_855);
    assert!(!outcome(&record("a.z.example.", "TXT", "", &most)).contains("problem"));
    for text in [most + "x", "x".repeat(65_279), "x".repeat(65_280)] {
        let outcome = outcome(&record("a.z.example.", "TXT", "", &text));
        assert!(
            outcome.ends_with(", over the 31000 of a name and type\n"),
            "{outcome}"
        );
    }
}

#[test]
fn caa_values_are_bare_or_quoted() {
    parses_to(
        "CAA",
        "0 issue",
        "a.example; b=c",
        r#"0 issue "a.example; b=c""#,
    );
    parses_to("CAA", " 0  tag ", "a(b", r#"0 tag "a(b""#);
    parses_to("CAA", "0 issue", "", r#"0 issue """#);
    parses_to("CAA", "0 tag", r"a\b", r#"0 tag "a\\b""#);
    parses_to(
        "CAA",
        "0 tag",
        "a\"b\u{e9}\n",
        r#"0 tag "a\"b\195\169\010""#,
    );
    parses_to("CAA", "0 tag", r#" "a\"b" "#, r#"0 tag "a\"b""#);
    parses_to(
        "CAA",
        "",
        "0 issue a.example ; b",
        r#"0 issue "a.example ; b""#,
    );
    parses_to("CAA", "0", "issue a.example", r#"0 issue "a.example""#);
    is_skipped(
        "a.z.example.",
        "CAA",
        "256 issue",
        "a",
        " z.example. `256 issue \"a\"`: flags `256` is not a number from 0 to 255",
    );
}

#[test]
fn the_issuer_of_a_caa_record_is_a_domain_name_or_nothing() {
    for value in [
        ";",
        " ; ",
        "; policy=none",
        "ca.example",
        " ca.example ",
        "CA.Example;x=\u{201c}y\u{201d} (z)",
        "1-2.example ; account=1; validationmethods=dns-01",
        "ca",
    ] {
        for tag in ["issue", "issuewild", "issuemail", "Issue"] {
            let outcome = outcome(&record("z.example.", "CAA", &format!("0 {tag}"), value));
            let bare: String = value.chars().filter(char::is_ascii_alphanumeric).collect();
            assert!(
                outcome.starts_with("  z.example. 300 IN CAA 0 "),
                "{outcome}"
            );
            assert!(bare.len() < outcome.len());
        }
    }
    parses_to(
        "CAA",
        "0 issue",
        " ca.example ;x (",
        r#"0 issue " ca.example ;x (""#,
    );
    for value in [
        "\u{201c}ca.example\u{201d}",
        "lets encrypt.org",
        "ca.example.",
        "-ca.example",
        "ca-.example",
        "ca..example",
        ".",
        "https://ca.example/",
        "ca.example account=1",
        "ca_x.example",
        "'ca.example'",
        "ca.example, ca.example.net",
    ] {
        for tag in ["issue", "issuewild", "ISSUEMAIL"] {
            let caa = record("a.z.example.", "CAA", &format!("0 {tag}"), value);
            let expected = "the issuer is no domain name\n";
            let outcome = outcome(&caa);
            assert!(
                outcome.starts_with("problem ") && outcome.ends_with(expected),
                "{outcome}"
            );
        }
    }
    // Other tags have values of other forms.
    parses_to(
        "CAA",
        "0 iodef",
        "mailto:a@b.example",
        r#"0 iodef "mailto:a@b.example""#,
    );
}

#[test]
fn a_target_is_no_address_no_url_and_no_at() {
    let address = "an address stands where the name of a host belongs";
    let url = "a URL stands where the name of a host belongs";
    let at = "`@` stands in the name of a host";
    for (value, cause) in [
        ("192.0.2.1", address),
        ("192.0.2.1.", address),
        ("2001:db8::1", address),
        ("https://www.example.com/", url),
        ("www.example.com:443", url),
        ("@", at),
        ("mail@example.com", at),
    ] {
        for (rtype, opt) in [
            ("CNAME", ""),
            ("NS", ""),
            ("PTR", ""),
            ("MX", "10"),
            ("SRV", "1 2 3"),
            ("HTTPS", "1"),
            ("SVCB", "1"),
        ] {
            // A target of SVCB in presentation format is absolute.
            let is_service = ["HTTPS", "SVCB"].contains(&rtype);
            let value = match value {
                _ if is_service => format!("{}.", value.trim_end_matches('.')),
                _ => value.to_owned(),
            };
            let expected = format!(".value z.example. `{value}`: {cause}");
            is_skipped("a.z.example.", rtype, opt, &value, &expected);
        }
    }
    parses_to("MX", "0", ".", "0 .");
    parses_to("SRV", "0 0 0", ".", "0 0 0 .");
    parses_to(
        "CNAME",
        "",
        "1.0/25.2.0.192.in-addr.arpa",
        "1.0/25.2.0.192.in-addr.arpa.",
    );
}

#[test]
fn text_that_was_meant_for_a_master_file_is_noted() {
    let noted = |content: &str| {
        let payload = parsed(&update(&record("a.z.example.", "TXT", "", content)));
        assert_eq!(payload.problems, []);
        let notes = payload.notes.iter();
        notes.map(|note| note.kind.clone()).collect::<Vec<_>>()
    };
    for content in [
        r#""v=DMARC1; p=none""#,
        r#" "v=DKIM1; " "p=AAAA" "#,
        r#"("v=DKIM1; " "p=AAAA")"#,
        "( v=spf1 -all )",
        r"v=DMARC1\; p=none",
    ] {
        assert_eq!(noted(content), [NoteKind::MasterFileText], "{content}");
    }
    for content in ["v=spf1\n-all", "v=spf1 -all\r", "\"a\nb\""] {
        assert_eq!(noted(content), [NoteKind::LineBreak], "{content:?}");
    }
    for content in [
        "v=spf1 include:a.example -all",
        "v=DKIM1; k=rsa; p=MIGf+/MA==",
        r#"say "x""#,
        r#"""#,
        "a (b)",
        r"back\slash",
        "",
    ] {
        assert_eq!(noted(content), [], "{content}");
    }
}

#[test]
fn a_value_is_one_record_and_never_two() {
    let value = "m.example.\nevil.z.example. 300 IN A 192.0.2.66";
    for (rtype, opt) in [("MX", "10"), ("SRV", "1 2 3"), ("HTTPS", "1"), ("NS", "")] {
        let outcome = outcome(&record("a.z.example.", rtype, opt, value));
        assert!(outcome.starts_with("problem [0].zone.rr[0]"), "{outcome}");
        assert_eq!(outcome.lines().count(), 1, "{outcome}");
        assert!(outcome.contains(r"m.example.\nevil"), "{outcome}");
    }
}

#[test]
fn owner_names_outside_the_zone_are_skipped() {
    let out = "the name is not in the zone `z.example.`";
    for host in [
        "example.",
        "y.example.",
        "az.example.",
        "z.example.net.",
        "a",
    ] {
        let expected = format!(".host z.example. `{host}`: {out}");
        is_skipped(host, "A", "", "192.0.2.1", &expected);
    }
    let bad = ".host z.example. `a..z.example.`: the name has an empty label";
    is_skipped("a..z.example.", "A", "", "192.0.2.1", bad);
    let blank =
        ".host z.example. `a b.z.example.`: the name has a blank or control character in it";
    is_skipped("a b.z.example.", "A", "", "192.0.2.1", blank);
    let empty = ".host z.example. ``: the name is empty";
    is_skipped("", "A", "", "192.0.2.1", empty);
    let ascii = ".host z.example. `\u{2488}a.z.example.`: U+2488 is not ASCII; Plesk sends such a name as `xn--…`";
    is_skipped("\u{2488}a.z.example.", "A", "", "192.0.2.1", ascii);
    assert_eq!(
        outcome(&record("A.Z.EXAMPLE", "A", "", "192.0.2.1")),
        "  A.Z.EXAMPLE. 300 IN A 192.0.2.1\n"
    );
}

#[test]
fn ptr_records_of_addresses_are_skipped_silently() {
    for host in ["192.0.2.1", "192.0.2.1.", "2001:db8::1", "2001:db8::/64"] {
        assert_eq!(outcome(&record(host, "PTR", "24", "a.z.example.")), "");
    }
}

#[test]
fn pseudo_types_are_skipped_silently_and_unmanaged_types_are_reported() {
    for rtype in ["AXFR", "axfr", "master", "MASTER", "none", " None "] {
        assert_eq!(outcome(&record("", rtype, "", "192.0.2.1")), "");
    }
    let txt = ".type z.example. `spf`: type SPF is obsolete";
    is_skipped("z.example.", "spf", "", "v=spf1", txt);
    for rtype in ["NAPTR", "DNSKEY", "TYPE1", "", "ANY"] {
        let expected = format!(".type z.example. `{rtype}`: Plesk manages no such type");
        is_skipped("z.example.", rtype, "", "x", &expected);
    }
    let lower = record("a.z.example.", " a ", "", "192.0.2.1");
    assert_eq!(outcome(&lower), "  a.z.example. 300 IN A 192.0.2.1\n");
}

#[test]
fn ttls_are_numbers_or_strings_and_default_to_the_ttl_of_the_zone() {
    let with_ttl = |ttl: &str| {
        outcome(&format!(
            r#"{{"host":"z.example.","type":"A","value":"192.0.2.1","ttl":{ttl}}}"#
        ))
    };
    for (ttl, expected) in [
        ("0", "0"),
        (r#""020""#, "20"),
        ("2147483647", "2147483647"),
        ("null", "300"),
        (r#""""#, "300"),
        (r#"" ""#, "300"),
    ] {
        let expected = format!("  z.example. {expected} IN A 192.0.2.1\n");
        assert_eq!(with_ttl(ttl), expected);
    }
    for ttl in [
        "-1",
        "2147483648",
        "1.5",
        "1e999",
        "+5",
        "99999999999999999999",
        "a day",
    ] {
        let text = if ttl.contains(['+', ' ']) {
            format!("{ttl:?}")
        } else {
            ttl.to_owned()
        };
        let expected = format!(
            "  z.example. 300 IN A 192.0.2.1\n\
             problem [0].zone.rr[0].ttl z.example. `{ttl}`: the TTL is no whole number from 0 to 2147483647; 300 is taken\n"
        );
        assert_eq!(with_ttl(&text), expected);
    }
}

#[test]
fn a_record_of_the_wrong_shape_affects_no_other() {
    let good = record("z.example.", "A", "", "192.0.2.1");
    let kept = "  z.example. 300 IN A 192.0.2.1\n";
    for (bad, expected) in [
        (
            "5",
            " z.example. `5`: a number stands where an object belongs",
        ),
        (
            "null",
            " z.example. `null`: null stands where an object belongs",
        ),
        (
            "[ 1,2]",
            " z.example. `[ 1,2]`: an array stands where an object belongs",
        ),
        ("{}", ".type z.example. ``: `type` is missing"),
        (
            r#"{"type":"A","host":{ }}"#,
            ".host z.example. `{ }`: an object stands where a text belongs",
        ),
        (
            r#"{"type":"A","host":"z.example.","value":true}"#,
            ".value z.example. `true`: a truth value stands where a text belongs",
        ),
        (
            r#"{"type":"A","host":"z.example."}"#,
            ".value z.example. ``: `value` is missing",
        ),
        (
            r#"{"type":"TXT","host":"z.example.","value":"\ud800"}"#,
            ".value z.example. `\"\\ud800\"`: a string has a `\\u` escape that is no character",
        ),
        (
            r#"{"type":"MX","host":"z.example.","opt":[],"value":"a.example."}"#,
            ".opt z.example. `[]`: an array stands where a text belongs",
        ),
    ] {
        let outcome = outcome(&format!("{good},{bad},{good}"));
        assert_eq!(outcome, format!("{kept}problem [0].zone.rr[1]{expected}\n"));
    }
}

#[test]
fn escapes_and_repeated_and_unknown_keys_are_accepted() {
    let text = r#"{"x":[[[{}]]],"h\u006fst":"www\u002Ez.example.","type":"A","type":"CNAME",
        "value":"b\u0075cher.example\/x","value":"b\u0075cher.example.","\/":1e999}"#;
    assert_eq!(
        outcome(text),
        "  www.z.example. 300 IN CNAME bucher.example.\n"
    );
}

#[test]
fn an_excerpt_is_short_and_cannot_forge_a_line() {
    let value = format!("\n2026 ok\r\u{1b}[31m\u{202e}{}", "x".repeat(200));
    let outcome = outcome(&record("z.example.", "A", "", &value));
    let start = r"\n2026 ok\r\u{1b}[31m\u{202e}";
    let shown = format!("{start}{}…", "x".repeat(80 - start.len()));
    assert_eq!(
        outcome,
        format!("problem [0].zone.rr[0].value z.example. `{shown}`: this is not an IPv4 address\n")
    );
}
