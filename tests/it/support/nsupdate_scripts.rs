//! Scripts for the comparison of both nsupdates: every command, data of every type, and what a careless or
//! hostile hand makes of them.

use std::fmt::Write as _;

use super::generated_data::{DATA, changed};

/// Numbers that look random (splitmix64).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let mixed = usize::try_from((mixed ^ (mixed >> 31)) >> 1).expect("63 bits");
        mixed % bound
    }

    pub(crate) fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
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
    r"\",
    r"\300.example.com",
    "@",
    ".",
    "com",
    "\"q\".example.com",
    ".a.example.com",
    "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg.example.com",
    "_dmarc.example.com",
    "1.2.0.192.in-addr.arpa",
];
const CLASSES: &[&str] = &[
    "", "", "", "", "IN ", "in ", "CH ", "ANY ", "NONE ", "CLASS1 ",
];
const TTLS: &[&str] = &[
    "",
    "0 ",
    "60 ",
    "60 ",
    "3600 ",
    "300 ",
    "2147483647 ",
    "2147483648 ",
    "4294967296 ",
    "1h ",
    "-1 ",
    "+60 ",
    "0060 ",
];
const SETTINGS: &[&str] = &[
    "ttl 30",
    "ttl none",
    "ttl 2147483648",
    "ttl x",
    "ttl",
    "TTL 0",
    "class IN",
    "class CH",
    "class ANY",
    "class x",
    "class",
    "check-names off",
    "checknames no",
    "check-names on",
    "check-names x",
    "check-names",
    "; note",
    ";",
    "local 127.0.0.1",
    "local 127.0.0.1 0",
    "local ::1",
    "local",
    "local 127.0.0.1 x",
    "zone example.com",
    "zone EXAMPLE.com.",
    "zone sub.example.com",
    "zone nowhere.test",
    "zone .",
    "zone",
    "zone a..b",
    "key hmac-sha256:plesk {secret}",
    "key hmac-sha256:other {secret}",
    "key hmac-sha256:plesk AAAA",
    "key hmac-sha256-128:plesk {secret}",
    "key hmac-sha1:plesk {secret}",
    "key sha:plesk {secret}",
    "key",
    "server 127.0.0.1 {port}",
    "server 127.0.0.1 x",
    "server 127.0.0.1 70000",
    "server",
    "server 127.0.0.1 {port} more",
    "prereq",
    "update",
    "prereq x",
    "update x",
    "foo",
    "add",
    "del",
    "send now",
    "answer",
    "show",
    "show x",
    "SHOW",
    "Update Add big.example.com 60 TXT a",
];

/// The options of a script. `-i` lets it go on after a wrong line, so that the rest of it is tried, too.
const OPTIONS: &[&[&str]] = &[
    &["-k", "{key}"],
    &["-i", "-d", "-k", "{key}"],
    &["-i", "-v", "-k", "{key}"],
    &["-i", "-y", "hmac-sha256:plesk:{secret}"],
    &["-i", "-k", "{key}"],
    &["-i", "-k", "{key}"],
];

/// Options, and a script of some lines, sent at the end and mostly not before.
pub(crate) fn script(numbers: &mut Numbers) -> (&'static [&'static str], String) {
    let options = OPTIONS[numbers.below(OPTIONS.len())];
    let mut script = "server 127.0.0.1 {port}\n".to_owned();
    if numbers.below(3) > 0 {
        script.push_str("zone example.com\n");
    }
    for _ in 0..=numbers.below(8) {
        writeln!(script, "{}", line(numbers)).expect("a String takes every write");
    }
    script.push_str(numbers.of(&[
        "send\nanswer\n",
        "show\n\nanswer\n",
        "send\nquit\nfoo\n",
        "send",
    ]));
    // With `-i` the original reads lines by an editor, for which these are keys.
    if !options.contains(&"-i") {
        match numbers.below(4) {
            0 => script = script.replace(' ', " \t "),
            1 => script = script.replace('\n', " \r\n"),
            _ => {}
        }
    }
    (options, script)
}

/// One line, mostly one that means something.
fn line(numbers: &mut Numbers) -> String {
    let owner = numbers.of(OWNERS);
    let (class, ttl) = (numbers.of(CLASSES), numbers.of(TTLS));
    let data = numbers.of(DATA);
    let first = data.split(' ').next().unwrap_or_default();
    // In these classes an address has another form, which ours does not read, and none.
    let class = if ["A", "a", "TYPE1"].contains(&first) && ["CH ", "NONE "].contains(&class) {
        "IN "
    } else {
        class
    };
    let data = changed(data, numbers);
    let line = match numbers.below(26) {
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
        20..=22 => numbers.of(SETTINGS).to_owned(),
        23 => format!("add {owner} 60 TXT {}", "x".repeat(250 + numbers.below(10))),
        _ => numbers.of(&["send", "", "  ", "send"]).to_owned(),
    };
    if numbers.below(8) == 0 {
        format!("  {}  ", line.replace(' ', "   "))
    } else {
        line
    }
}
