//! Generated scripts: the same lines by the installed nsupdate and by ours, on two like servers, must be said
//! the same of, end the same, and leave the same zone.

use std::fmt::Write as _;

use crate::keys::Key;
use crate::named::{Named, Zone};
use crate::nsupdate_pair::{Pair, ZONE};

/// How many scripts are tried, of some lines each.
const SCRIPTS: u32 = 150;
/// Where the numbers begin, so that each run tries the same scripts.
const SEED: u64 = 0x6e73_7570_6461_7465;

/// Numbers that look random (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let mixed = usize::try_from((mixed ^ (mixed >> 31)) >> 1).expect("63 bits");
        mixed % bound
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }
}

const OWNERS: &[&str] = &[
    "a.example.com",
    "A.Example.com.",
    "b.example.com",
    "c.d.example.com",
    "*.example.com",
    "example.com",
    "www.example.com",
    "_x._tcp.example.com",
    r"e\.f.example.com",
    r"\103.example.com",
    "alias.example.com",
    "outside.test",
    "a..example.com",
    "xn--bcher-kva.example.com",
    "sub.example.com",
    r"g\032h.example.com",
];
const DATA: &[&str] = &[
    "A 192.0.2.1",
    "A 192.0.2.2",
    "a 192.0.2.300",
    "AAAA 2001:db8::1",
    "AAAA ::ffff:192.0.2.1",
    "AAAA x",
    "TXT a",
    "TXT \"a b\" c",
    "TXT \"a\\\"b\"",
    r"TXT a\255b",
    "TXT (a ;b)",
    "TXT \"\"",
    "TXT",
    "txt \"open",
    "MX 10 Mail.example.com",
    "MX 10 a_b.example.com",
    "MX 70000 a",
    "MX x a",
    "CNAME www.example.com",
    "CNAME @",
    "NS ns2.example.com",
    "NS ns1.sub.example.com",
    "SRV 1 2 3 www.example.com",
    "SRV 1 2 3",
    "PTR www.example.com",
    "CAA 0 issue \"ca.test\"",
    "CAA 0 issue \"ca.test; a=b\"",
    "CAA 256 issue x",
    "SSHFP 1 1 00112233445566778899aabbccddeeff00112233",
    "SOA ns1.example.com. h.example.com. 999 1 2 3 4",
    "SOA ns1.example.com. h.example.com. 1h 1 2 3 4",
    "NAPTR 1 2 \"u\" \"E2U+sip\" \"!^.*$!sip:x@y!\" .",
    "TYPE65280 \\# 4 0a000001",
    "TYPE65280 \\# 4 0a",
    "TYPE65280 x",
    "A \\# 4 c0000201",
    "DNAME example.org",
    "HINFO a b",
    "RP a.b. c.d.",
    "URI 1 2 \"https://a.test/\"",
    "HTTPS 1 . alpn=h2,h3 ipv4hint=192.0.2.1",
    "HTTPS 0 a.test",
    "DS 1 8 1 0000000000000000000000000000000000000000",
    "TLSA 3 1 1 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
    "LOC 52 22 23.000 N 4 53 32.000 E 1.00m",
    "SPF \"v=spf1 -all\"",
    "AFSDB 1 a.test",
    "OPENPGPKEY AAAA",
    "ANY",
    "NOTYPE x",
    "A",
    "",
];
const CLASSES: &[&str] = &["", "", "", "IN ", "in "];
const TTLS: &[&str] = &[
    "",
    "0 ",
    "60 ",
    "60 ",
    "3600 ",
    "300 ",
    "2147483648 ",
    "1h ",
];

/// One line, mostly one that means something.
fn line(numbers: &mut Numbers) -> String {
    let owner = numbers.of(OWNERS);
    let (class, ttl, data) = (numbers.of(CLASSES), numbers.of(TTLS), numbers.of(DATA));
    let first = data.split(' ').next().unwrap_or_default();
    match numbers.below(24) {
        0..=8 => format!(
            "{}add {owner} {ttl}{class}{data}",
            numbers.of(&["", "update "])
        ),
        9..=13 => format!(
            "{}{owner} {ttl}{class}{data}",
            numbers.of(&["del ", "update delete ", "update del "])
        ),
        14 | 15 => format!("update delete {owner} {class}{first}"),
        16 => format!("del {owner}"),
        17 => format!(
            "{} {owner}",
            numbers.of(&["prereq nxdomain", "yxdomain", "prereq yxdomain", "nxdomain"])
        ),
        18 => format!(
            "{} {owner} {class}{first}",
            numbers.of(&["nxrrset", "prereq yxrrset", "yxrrset"])
        ),
        19 => format!("prereq yxrrset {owner} {class}{data}"),
        20 => numbers
            .of(&[
                "ttl 30",
                "ttl none",
                "class IN",
                "check-names off",
                "check-names on",
                "; note",
            ])
            .to_owned(),
        21 => numbers
            .of(&["answer", "show", "zone example.com", "zone EXAMPLE.com."])
            .to_owned(),
        _ => numbers.of(&["send", "", "send"]).to_owned(),
    }
}

/// Writes like a script: a line of its data at a time, sent at the end and mostly not before.
fn script(numbers: &mut Numbers) -> String {
    let mut script = "server 127.0.0.1 {port}\n".to_owned();
    if numbers.below(3) > 0 {
        script.push_str("zone example.com\n");
    }
    for _ in 0..=numbers.below(6) {
        writeln!(script, "{}", line(numbers)).expect("a String takes every write");
    }
    script.push_str("send\nanswer\n");
    script
}

#[test]
fn nsupdate_does_what_the_original_does_with_generated_scripts() {
    let key = Key::new("plesk");
    let make = || {
        Named::builder()
            .key(key.clone())
            .zone(Zone::dynamic(ZONE, "www A 192.0.2.7\nalias CNAME www"))
    };
    let mut pair = Pair::of(&make, vec![ZONE]);
    let mut numbers = Numbers(SEED);
    let mut statuses = [0; 3];
    for _ in 0..SCRIPTS {
        let script = script(&mut numbers);
        // `-i` lets a script go on after a wrong line, so that the rest of it is tried, too.
        let arguments: &[&str] = match numbers.below(5) {
            0 => &["-k", "{key}"],
            1 => &["-i", "-d", "-k", "{key}"],
            2 => &["-i", "-v", "-k", "{key}"],
            _ => &["-i", "-k", "{key}"],
        };
        let Some(said) = pair.same_unless_it_crashes(arguments, &script) else {
            pair = Pair::of(&make, vec![ZONE]);
            continue;
        };
        let status = said.status.and_then(|status| usize::try_from(status).ok());
        statuses[status.expect("an exit status")] += 1;
    }
    assert!(statuses.iter().all(|&count| count > 5), "{statuses:?}");
}
