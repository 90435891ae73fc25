//! Scripts for the comparison of both nsupdates: every command, data of every type, and what a careless or
//! hostile hand makes of them.

use std::fmt::Write as _;

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
const DATA: &[&str] = &[
    "A 192.0.2.1",
    "A 192.0.2.2",
    "A 192.0.2.300",
    "AAAA 2001:db8::1",
    "AAAA ::ffff:192.0.2.1",
    "TXT a",
    r#"TXT "a b" c"#,
    r#"TXT "a\"b""#,
    r"TXT a\255b",
    "TXT (a ;b)",
    r#"TXT """#,
    r#"TXT "open"#,
    "MX 10 Mail.example.com",
    "MX 10 a_b.example.com",
    "MX 70000 a",
    "CNAME www.example.com",
    "CNAME @",
    "NS ns2.example.com",
    "NS ns1.sub.example.com",
    "SRV 1 2 3 www.example.com",
    "PTR www.example.com",
    r#"CAA 0 issue "ca.test; a=b""#,
    "CAA 256 issue x",
    "SSHFP 1 1 00112233445566778899aabbccddeeff00112233",
    "SSHFP 4 2 0011 2233",
    "SOA ns1.example.com. h.example.com. 999 1 2 3 4",
    "SOA ns1.example.com. h.example.com. 1h 1 2 3 4",
    r"SOA ns1.example.com. a\.b.example.com. 4294967295 1d 2h 3w 4m",
    r#"NAPTR 1 2 "u" "E2U+sip" "!^.*$!sip:x@y!" ."#,
    r"TYPE65280 \# 4 0a000001",
    r"TYPE1 \# 4 c0000201",
    r"TYPE0 \# 0",
    r"TYPE65535 \# 1 00",
    r"A \# 4 c0000201",
    r"A \# 3 c00002",
    r"MX \# 6 000a 01 61 00",
    "DNAME example.org",
    "HINFO a b",
    r#"HINFO "a b""#,
    "RP a.b. c.d.",
    r#"URI 1 2 "https://a.test/""#,
    "HTTPS 1 . alpn=h2,h3 ipv4hint=192.0.2.1",
    r#"HTTPS 1 . mandatory=alpn alpn="h2" port=443 ech=AAAA ipv6hint=::1 key65280=a"#,
    "HTTPS 0 a.test",
    "SVCB 1 foo. alpn=h2 no-default-alpn",
    "DS 1 8 1 0000000000000000000000000000000000000000",
    "DS 1 RSASHA256 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
    "CDS 0 0 0 00",
    "CDNSKEY 0 3 0 AA==",
    "DNSKEY 256 3 13 AwEAAQ==",
    "KEY 512 3 163 AAAA",
    "TLSA 3 1 1 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
    "SMIMEA 3 1 0 00ff",
    "LOC 52 22 23.000 N 4 53 32.000 E 1.00m",
    "LOC 52 N 4 E -2m 1m 10000m 10m",
    r#"SPF "v=spf1 -all""#,
    "AFSDB 1 a.test",
    "RT 1 a.test",
    "KX 1 a.test",
    "PX 1 a.test b.test",
    "X25 311061700956",
    "ISDN 150862028003217 004",
    "GPOS -32.6882 116.8652 10.0",
    "APL 1:192.0.2.0/24 !2:2001:db8::/32",
    "IPSECKEY 10 1 2 192.0.2.38 AQNR",
    "IPSECKEY 10 0 2 . AQNR",
    "IPSECKEY 10 3 2 gw.example.com AQNR",
    "DHCID AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=",
    "HIP 2 200100107B1A74DF365639CC39F1D578 AwEAAbdxyhNuSutc5EMzxTs9LBPCIkOFH8cI rvs.example.com.",
    "NID 10 0014:4fff:ff20:ee64",
    "L32 10 10.1.2.0",
    "L64 10 2001:0db8:1140:1000",
    "LP 10 l64.example.com.",
    "EUI48 00-00-5e-00-53-2a",
    "EUI64 00-00-5e-ef-10-00-00-2a",
    "OPENPGPKEY AAAA",
    "CSYNC 66 3 A NS AAAA",
    "ZONEMD 2018031500 1 1 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff0011223344556677889900112233445566",
    "NSEC a.example.com A TXT",
    "NSEC3PARAM 1 0 10 -",
    "RRSIG A 8 3 3600 20300101000000 20200101000000 1 example.com. AAAA",
    r#"AVC "a:b""#,
    "NINFO a b",
    "AMTRELAY 10 0 1 203.0.113.15",
    "AMTRELAY 10 1 3 amt.example.com.",
    "MINFO a.test b.test",
    "MB a.test",
    "MG a.test",
    "MR a.test",
    "TALINK a.test b.test",
    "RKEY 0 1 1 AAAA",
    "EID 00ff",
    "NIMLOC 00ff",
    "SINK 1 2 AAAA",
    "TA 1 8 1 0000000000000000000000000000000000000000",
    "DLV 1 8 1 0000000000000000000000000000000000000000",
    "NSAP-PTR a.test",
    "UNSPEC abc",
    r"UID \# 1 00",
    "ANY",
    "AXFR",
    "NOTYPE x",
    "A",
    "",
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
/// Words that are put in the place of one of the data.
const ODD: &[&str] = &[
    "",
    "0",
    "-1",
    "255",
    "256",
    "65536",
    "4294967296",
    "1h",
    "+1",
    "1.5",
    "a",
    "\"q\"",
    "\"a b\"",
    r"\",
    r"\065",
    r"\300",
    r"\0",
    "@",
    ".",
    "..",
    "(",
    ")",
    "( )",
    ";",
    "; note",
    "*",
    "a..b",
    "a_b.test.",
    "-",
    "=",
    r"\# 0",
    r"\# 2 00",
    r"\# 1 00",
    "AA==",
    "A=",
    "zz",
    "::",
    "::1",
    "192.0.2.1",
    "TYPE1",
    "ANY",
    "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg",
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

/// Data as they are, or with one fault.
fn changed(data: &str, numbers: &mut Numbers) -> String {
    let mut words: Vec<&str> = data.split(' ').collect();
    // Of these we take more, or less, than the original.
    if ["LOC", "NAPTR", "KEY", "IPSECKEY"].contains(&words[0]) {
        return data.to_owned();
    }
    match numbers.below(10) {
        0 => {
            words.pop();
        }
        1 => words.push(numbers.of(ODD)),
        2 | 3 if words.len() > 1 => {
            let at = 1 + numbers.below(words.len() - 1);
            words[at] = numbers.of(ODD);
        }
        4 => return data.to_ascii_uppercase(),
        5 => return data.to_ascii_lowercase(),
        _ => {}
    }
    words.join(" ")
}
