//! Names: forms, order and limits.

use super::*;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

#[test]
fn text_and_wire_are_two_forms_of_one_name() {
    let parsed = name(r"a\.b\032c.Example");
    assert_eq!(parsed.as_wire(), b"\x05a.b c\x07Example\0");
    assert_eq!(parsed.to_string(), r"a\.b\032c.Example.");
    assert_eq!(Name::from_wire(parsed.as_wire()), Ok(parsed));
}

#[test]
fn names_are_compared_without_case_and_keep_their_spelling() {
    assert_eq!(name("WWW.Example."), name("www.example"));
    assert_eq!(name("WWW.Example.").to_string(), "WWW.Example.");
}

#[test]
fn a_suffix_counts_only_where_a_label_starts() {
    assert!(name("a.example.").is_at_or_below(&name("EXAMPLE.")));
    assert!(!name("aexample.").is_at_or_below(&name("example.")));
    // The octets of `x\007example.` end in those of `example.`, but the name is not below it.
    assert!(!name(r"x\007example.").is_at_or_below(&name("example.")));
    assert!(name("example.").is_at_or_below(&Name::root()));
    assert!(!name("example.").is_below(&name("example.")));
}

#[test]
fn the_order_is_canonical() {
    // The example of RFC 4034 section 6.1.
    let sorted = [
        "example.",
        "a.example.",
        "yljkjljk.a.example.",
        "Z.a.example.",
        "zABC.a.EXAMPLE.",
        "z.example.",
        r"\001.z.example.",
        "*.z.example.",
        r"\200.z.example.",
    ];
    let names: Vec<Name> = sorted.iter().map(|text| name(text)).collect();
    assert!(names.is_sorted());
}

#[test]
fn limits_are_those_of_the_protocol() {
    assert_eq!("a..b".parse::<Name>(), Err(NameError::EmptyLabel));
    assert_eq!(".a".parse::<Name>(), Err(NameError::EmptyLabel));
    assert_eq!("".parse::<Name>(), Err(NameError::Empty));
    assert_eq!("a".repeat(64).parse::<Name>(), Err(NameError::LabelTooLong));
    assert!("a".repeat(63).parse::<Name>().is_ok());
    let longest = format!("{}{}", "a.".repeat(126), "a");
    assert_eq!(name(&longest).as_wire().len(), 255);
    assert_eq!(
        format!("a.{longest}").parse::<Name>(),
        Err(NameError::NameTooLong)
    );
    assert_eq!(r"a\25".parse::<Name>(), Err(NameError::BadEscape));
    assert_eq!(r"a\256".parse::<Name>(), Err(NameError::BadEscape));
    assert_eq!("ä".parse::<Name>(), Err(NameError::NotAscii));
    assert_eq!(Name::from_wire(b"\xc0\x0c"), Err(NameError::BadWire));
    assert_eq!(Name::from_wire(b"\x01a\0\0"), Err(NameError::BadWire));
}

#[test]
fn an_address_and_the_root_are_no_hosts() {
    let problem = |text: &str| {
        let name: Name = text.parse().unwrap();
        name.check_host().err().map(|error| error.to_string())
    };
    let address = "an address stands where the name of a host belongs";
    for text in ["192.0.2.3", "192.0.2.3.", "2001:DB8::1", "::ffff:192.0.2.3"] {
        assert_eq!(problem(text), Some(address.into()), "{text}");
    }
    for text in [
        "https://www.example.com/",
        "//www.example.com/x",
        "www.example.com/",
        "www.example.com:8080",
        "[2001:db8::1]",
    ] {
        let url = "a URL stands where the name of a host belongs";
        assert_eq!(problem(text), Some(url.into()), "{text}");
    }
    for text in ["@", "@.", "m@example.com.", r"\@"] {
        let at = "`@` stands in the name of a host";
        assert_eq!(problem(text), Some(at.into()), "{text}");
    }
    let root = "the root stands where the name of a host belongs";
    assert_eq!(problem("."), Some(root.into()));
    // Names in real use: reverse names, single labels, and names that only resemble an address.
    for text in [
        "localhost",
        "7.0/25.2.0.192.in-addr.arpa",
        "192.0.2",
        "192.0.2.300",
        "1.192.0.2.3",
        "3.2.0.192.in-addr.arpa",
        "192-0-2-3.example",
        "192.0.2.3.example",
        "_under.score",
        "*.example",
    ] {
        assert_eq!(problem(text), None, "{text}");
    }
}
