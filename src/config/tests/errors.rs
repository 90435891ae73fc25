//! Tests of invalid configurations: position, cause and hint of each error.

use pretty_assertions::assert_eq;

use super::*;

#[test]
fn a_misspelt_table_is_an_unknown_key() {
    let etc = Etc::new();
    assert_eq!(
        etc.error(&SMALLEST.replace("[primaries.", "[primary.")),
        "nsbridge.toml:4:2: unknown key `primary` in the top of the file hint: the nearest valid key is `primaries`"
    );
    assert_eq!(
        etc.error(&format!("{SMALLEST}[primaries.main.provisions]\n")),
        "nsbridge.toml:7:17: unknown key `provisions` in [primaries.main] hint: the nearest valid key is `provision`"
    );
    assert_eq!(
        etc.error(&format!("{SMALLEST}[secrets]\n")),
        "nsbridge.toml:7:2: unknown key `secrets` in the top of the file hint: remove it; valid: `version`, `instance`, `queue`, `serve`, `keys`, `primaries`, `routes`, `policy` or `ptr`"
    );
}

/// Lines appended to the smallest configuration, and the start of the error.
const ADDED: &[(&str, &str)] = &[
    (
        "transport = \"quic\"",
        "7:13: `transport` cannot be `quic` hint: allowed is `tcp`, `tls` or `udp`",
    ),
    (
        "transport = \"udp\"\ntls-name = \"a\"",
        "8:1: `tls-name` has no effect without `transport = \"tls\"` hint: remove the line",
    ),
    (
        "transport = \"udp\"\ncatalog = \"catalog.example\"",
        "7:13: `transport` has no effect beside `catalog`",
    ),
    (
        "transport = 1",
        "7:13: `transport` must be a string, not a whole number",
    ),
    (
        "zones-in-flight = 0",
        "7:19: `zones-in-flight` cannot be `0` hint: allowed is a number from 1 to 128",
    ),
    (
        "zones-in-flight = -1",
        "7:19: `zones-in-flight` cannot be `-1` hint: allowed is a number from 1 to 128",
    ),
    (
        "zones-in-flight = 99999999999999999999",
        "7:19: `zones-in-flight` cannot be `99999999999999999999` hint: allowed is a number from 1 to 128",
    ),
    (
        "zones-in-flight = \"8\"",
        "7:19: `zones-in-flight` must be a whole number, not a string",
    ),
    (
        "soa = \"never\"",
        "7:7: `soa` cannot be `never` hint: allowed is `set` or `keep`",
    ),
    (
        "prerequisites = \"rrsets\"",
        "7:17: `prerequisites` cannot be `rrsets` hint: write `prerequisites = \"rrset\"`",
    ),
    (
        "changes-max = 0",
        "7:15: `changes-max` cannot be `0` hint: allowed is a number from 1 to 65535",
    ),
    (
        "rrsets = \"whole\"\nchanges-max = 1",
        "8:15: `changes-max` cannot be `1` hint: allowed is a number from 2 to 65535",
    ),
    (
        "ttl-min = 600\nttl-max = 599",
        "8:11: `ttl-max` cannot be `599` hint: allowed is a number from 600 to 2147483647",
    ),
    (
        "rrsets = \"whole\"\ncatalog = \"catalog.example\"",
        "7:1: `rrsets` has no effect beside `catalog` hint: remove one of the two",
    ),
    (
        "soa = \"keep\"\n[primaries.main.provision]\nmethod = \"rndc\"\ncontrol = \"::1\"\ncontrol-key = \"plesk\"",
        "7:1: `soa` has no effect beside `provision` hint: remove one of the two",
    ),
    (
        "query-address = \"a:b\"",
        "7:17: `query-address` cannot be `a:b` hint: allowed is an address or host name, with a port from 1 to 65535 or none",
    ),
    (
        "nameservers = \"a\"",
        "7:15: `nameservers` must be an array of strings, not a string",
    ),
    (
        "nameservers = [\"a.example\", 1]",
        "7:29: `nameservers` must be an array of strings, not a whole number",
    ),
    (
        "nameservers = [\"a..example\"]",
        "7:16: `nameservers` cannot be `a..example` hint: allowed is a domain name in ASCII",
    ),
    (
        "nameservers = [\"a.example\", \"1.2.3.4\"]",
        "7:29: `nameservers` cannot be `1.2.3.4` hint: allowed is the name of a host, not an address",
    ),
    (
        "nameservers = [\".\"]",
        "7:16: `nameservers` cannot be `.` hint: allowed is the name of a host, not an address",
    ),
    (
        "transfer-key = \"plsk\"",
        "7:16: `transfer-key` cannot be `plsk` hint: write `transfer-key = \"plesk\"`; allowed is a name under [keys]: `plesk`",
    ),
    (
        "provision = 1",
        "7:13: `provision` must be a table, not a whole number",
    ),
    (
        "tls-name = \"a\"",
        "7:1: `tls-name` has no effect without `transport = \"tls\"` hint: remove the line",
    ),
    (
        "transport = \"tls\"\ntls-pins = [\"abc\"]",
        "8:13: `tls-pins` cannot be `abc` hint: allowed is the base64 form of a SHA-256 digest, 44 characters",
    ),
    (
        "transport = \"tls\"",
        "4:12: TLS needs `tls-ca-file` or `tls-pins`",
    ),
    (
        "transport = \"tls\"\ntls-ca-file = \"no.pem\"",
        "8:15: `tls-ca-file`: `no.pem` does not exist hint: `ls ",
    ),
    (
        "transport = \"tls\"\ntls-key-file = \"client.key\"",
        "4:12: [primaries.main] needs `tls-certificate-file`",
    ),
    (
        "[queue]\ndeadline-seconds = 1.5",
        "8:20: `deadline-seconds` must be a whole number, not a fraction",
    ),
    (
        "[queue]\npath = \"\"",
        "8:8: `path` cannot be `` hint: allowed is the path of a file",
    ),
    (
        "[policy]\nforeign-records = \"delete\"",
        "8:19: `foreign-records` cannot be `delete` hint: allowed is `keep` or `remove`",
    ),
    (
        "read = \"memory\"\n[policy]\nforeign-records = \"remove\"",
        "9:19: `foreign-records` cannot be `remove` hint: allowed is `keep`, since `main` has \
         `read = \"memory\"`",
    ),
    (
        "read = \"none\"\n[policy]\nforeign-records = \"remove\"",
        "9:19: `foreign-records` cannot be `remove` hint: allowed is `keep`, since `main` has \
         `read = \"none\"`",
    ),
    (
        "read = \"none\"\ncatalog = \"catalog.example\"",
        "7:8: `read` cannot be `none` hint: allowed is `transfer` or `memory`, since `catalog` needs answers to queries",
    ),
    (
        "read = \"none\"\nquery-address = \"192.0.2.54\"",
        "8:1: `query-address` has no effect beside `read = \"none\"` hint: remove one of the two",
    ),
    (
        "[policy]\nkeep = [\"\"]",
        "8:9: `keep` cannot be `` hint: allowed is a name, in which `*` stands for any characters",
    ),
    (
        "[policy]\nempty-zone = true",
        "8:14: `empty-zone` must be a string, not true or false",
    ),
    (
        "[policy]\nunowned-zones = \"keep\"",
        "8:17: `unowned-zones` cannot be `keep` hint: allowed is `adopt` or `refuse`",
    ),
    (
        "[ptr]\nzones-of-others = \"add\"",
        "8:19: `zones-of-others` cannot be `add` hint: allowed is `refuse` or `change`",
    ),
    (
        "[ptr]\nnetworks = [\"192.0.2.7/24\"]",
        "8:13: `networks` cannot be `192.0.2.7/24` hint: allowed is 192.0.2.0/24, the network that this address is in",
    ),
    (
        "[ptr]\nnetworks = [\"2001:db8::1/0\"]",
        "8:13: `networks` cannot be `2001:db8::1/0` hint: allowed is ::/0, the network that this address is in",
    ),
    (
        "[ptr]\nnetworks = [\"192.0.2.0/33\"]",
        "8:13: `networks` cannot be `192.0.2.0/33` hint: allowed is a network such as 192.0.2.0/24 or 2001:db8::/48",
    ),
    (
        "[ptr]\nttl-seconds = 2147483648",
        "8:15: `ttl-seconds` cannot be `2147483648` hint: allowed is a number from 0 to 2147483647",
    ),
    (
        "[ptr]\nexisting = \"Add\"",
        "8:12: `existing` cannot be `Add` hint: write `existing = \"add\"`; allowed is `add`, `replace` or `keep`",
    ),
    (
        "[[routes]]\nsuffix = \".\"",
        "7:1: [[routes]] needs `primary`",
    ),
    (
        "[[routes]]\nsuffix = \".\"\nprimary = \"mian\"",
        "9:11: `primary` cannot be `mian` hint: write `primary = \"main\"`; allowed is a name under [primaries]: `main`",
    ),
    (
        "[[routes]]\nsuffix = \"a\"\nprimary = \"main\"\n[[routes]]\nsuffix = \"A.\"\nprimary = \"main\"",
        "11:10: `suffix` cannot be `A.` hint: allowed is a suffix that no other route has",
    ),
    (
        "[routes]\nsuffix = \".\"",
        "7:1: `routes` must be an array of tables, not a table",
    ),
    (
        "[primaries.main.provision]\ncontrol = \"a\"",
        "7:17: [primaries.main.provision] needs `method`",
    ),
    (
        "[primaries.main.provision]\nmethod = \"rndc\"\ncontrol = \"a:b\"",
        "9:11: `control` cannot be `a:b` hint: allowed is an address or host name, with a port from 1 to 65535 or none",
    ),
    ("[keys.other]", "7:7: [keys.other] needs `file`"),
    (
        "[keys.other]\nfile = \"other.key\"",
        "8:8: `other.key` does not exist hint: copy it, or `mkdir -p ",
    ),
    (
        "[keys.other]\nsecret = \"a\"",
        "8:1: unknown key `secret` in [keys.other] hint: remove it; valid: `file`",
    ),
    (
        "[primaries.second]\naddress = \"a\"\nkey = \"plesk\"",
        "1:1: the top of the file needs `routes`",
    ),
    ("key = \"plesk\"", "7:1: duplicate key"),
];

/// A text of the smallest configuration, its replacement, and the error.
const CHANGED: &[(&str, &str, &str)] = &[
    (
        "version = 1",
        "version = 2",
        "1:11: `version` cannot be `2` hint: allowed is 1",
    ),
    (
        "version = 1",
        "",
        "1:1: the top of the file needs `version`",
    ),
    (
        "version = 1",
        "version = 1\ninstance = \"a b\"",
        "2:12: `instance` cannot be `a b` hint: allowed is 1 to 64 letters, digits, `-`, `_` and `.`",
    ),
    (
        "address = \"192.0.2.53\"\n",
        "",
        "4:12: [primaries.main] needs `address`",
    ),
    (
        "key = \"plesk\"\n",
        "",
        "4:12: [primaries.main] needs `key`",
    ),
    (
        "[keys.plesk]\nfile = \"plesk.key\"\n",
        "",
        "4:7: `key` cannot be `plesk` hint: allowed is the name of a table [keys.NAME]; there is none",
    ),
];

#[test]
fn an_invalid_value_is_reported_with_its_position_and_the_allowed_values() {
    let etc = Etc::new();
    for (line, expected) in ADDED {
        let error = etc.error(&smallest_with(line));
        assert!(
            is_as_expected(&error, &format!("nsbridge.toml:{expected}")),
            "{line}: {error}"
        );
    }
    for (old, new, expected) in CHANGED {
        let error = etc.error(&SMALLEST.replace(old, new));
        assert!(
            is_as_expected(&error, &format!("nsbridge.toml:{expected}")),
            "{error}"
        );
    }
    assert_eq!(
        etc.error("version = 1"),
        "nsbridge.toml:1:1: the top of the file needs `primaries.NAME` hint: add a line such as `[primaries.main]`"
    );
}

#[test]
fn a_key_of_another_table_is_to_be_moved_there() {
    let etc = Etc::new();
    for (line, expected) in [
        ("deadline-seconds = 5", "move it under [queue]"),
        ("way = \"seed\"", "move it under [primaries.NAME.provision]"),
        ("[queue]\nkeep = []", "move it under [policy]"),
        (
            "[policy]\naddress = \"a\"",
            "move it under [primaries.NAME]",
        ),
        ("[policy]\nsuffix = \"a\"", "move it under [[routes]]"),
    ] {
        let error = etc.parse(&smallest_with(line)).unwrap_err().diagnostic();
        assert_eq!(error.code(), "NB-CONFIG-MISPLACED-KEY", "{line}");
        assert_eq!(error.hint().as_deref(), Some(expected));
    }
}

/// Returns the line that the hint of an error shows.
fn line_of_hint(etc: &Etc, text: &str, code: &str) -> String {
    let error = etc.parse(text).unwrap_err().diagnostic();
    assert_eq!(error.code(), code, "{text}");
    let hint = error.hint().unwrap();
    let line = hint.split('`').nth(1);
    line.unwrap_or_else(|| panic!("{hint}")).to_owned()
}

#[test]
fn the_line_of_a_hint_is_accepted_in_place_of_a_value_of_another_type() {
    let etc = Etc::new();
    for (line, expected) in [
        ("zones-in-flight = \"12\"", "zones-in-flight = 12"),
        ("zones-in-flight = true", "zones-in-flight = 8"),
        (
            "nameservers = \"ns.example\"",
            "nameservers = [\"ns.example\"]",
        ),
        ("transport = 1", "transport = \"tcp\""),
        ("[ptr]\nnetworks = \"::/64\"", "networks = [\"::/64\"]"),
        ("[policy]\nempty-zone = true", "empty-zone = \"refuse\""),
        ("provision = 1", "[primaries.main.provision]"),
        ("[queue]\npath = 1", "path = \"/var/lib/nsbridge/queue.db\""),
    ] {
        let text = smallest_with(line);
        let shown = line_of_hint(&etc, &text, "NB-CONFIG-WRONG-TYPE");
        assert_eq!(shown, expected);
        let (before, _) = text.trim_end().rsplit_once('\n').unwrap();
        let is_table = expected.starts_with('[');
        let mended = format!(
            "{before}\n{shown}\n{}",
            if is_table { "method = \"x\"" } else { "" }
        );
        assert_eq!(etc.parse(&mended).is_ok(), !is_table, "{mended}");
    }
}

#[test]
fn the_line_of_a_hint_adds_what_is_missing() {
    let etc = Etc::new();
    let missing = |text: &str| line_of_hint(&etc, text, "NB-CONFIG-KEY-MISSING");
    for line in [
        "address = \"192.0.2.53\"\n",
        "key = \"plesk\"\n",
        "version = 1\n",
    ] {
        let shown = missing(&SMALLEST.replace(line, ""));
        assert_eq!(shown, line.trim_end());
    }
    let table = "[primaries.main.provision]\n";
    for (lines, expected) in [
        ("", "method = \"rndc\""),
        ("method = \"rndc\"", "control = \"192.0.2.53:953\""),
        (
            "method = \"rndc\"\ncontrol = \"192.0.2.53:953\"",
            "control-key = \"plesk\"",
        ),
        ("method = \"catalog\"", "catalog = \"catalog.example\""),
        ("method = \"powerdns\"", "url = \"https://192.0.2.53:8081\""),
    ] {
        let shown = missing(&smallest_with(&format!("{table}{lines}")));
        assert_eq!(shown, expected);
    }
}
