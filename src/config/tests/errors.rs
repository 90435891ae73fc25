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
        "nsbridge.toml:7:2: unknown key `secrets` in the top of the file hint: valid keys here are `version`, `instance`, `queue`, `keys`, `primaries`, `routes`, `policy` or `ptr`"
    );
}

/// Lines appended to the smallest configuration, and the start of the error.
const ADDED: &[(&str, &str)] = &[
    (
        "transport = \"udp\"",
        "7:13: `udp` cannot be `transport`: allowed is `tcp` or `tls`",
    ),
    (
        "transport = 1",
        "7:13: `transport` must be a string, not a whole number",
    ),
    (
        "zones-in-flight = 0",
        "7:19: `0` cannot be `zones-in-flight`: allowed is 1 to 128",
    ),
    (
        "zones-in-flight = -1",
        "7:19: `-1` cannot be `zones-in-flight`: allowed is 1 to 128",
    ),
    (
        "zones-in-flight = 99999999999999999999",
        "7:19: `99999999999999999999` cannot be `zones-in-flight`: allowed is 1 to 128",
    ),
    (
        "zones-in-flight = \"8\"",
        "7:19: `zones-in-flight` must be a whole number, not a string",
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
        "7:16: `a..example` cannot be `nameservers`: allowed is a domain name in ASCII",
    ),
    (
        "nameservers = [\"a.example\", \"1.2.3.4\"]",
        "7:29: `1.2.3.4` cannot be `nameservers`: allowed is the name of a host, not an address",
    ),
    (
        "nameservers = [\".\"]",
        "7:16: `.` cannot be `nameservers`: allowed is the name of a host, not an address",
    ),
    (
        "transfer-key = \"plsk\"",
        "7:16: `plsk` cannot be `transfer-key`: allowed is a name under [keys]: `plesk`",
    ),
    (
        "provision = 1",
        "7:13: `provision` must be a table, not a whole number",
    ),
    (
        "tls-name = \"a\"",
        "7:1: `tls-name` is for transport = \"tls\"",
    ),
    (
        "transport = \"tls\"\ntls-pins = [\"abc\"]",
        "8:13: `abc` cannot be `tls-pins`: allowed is the base64 form of a SHA-256 digest, 44 characters",
    ),
    (
        "transport = \"tls\"",
        "4:12: TLS needs `tls-ca-file` or `tls-pins`: without either any server would do",
    ),
    (
        "transport = \"tls\"\ntls-ca-file = \"no.pem\"",
        "8:15: cannot read `no.pem`: No such file",
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
        "8:8: `` cannot be `path`: allowed is the path of a file",
    ),
    (
        "[policy]\nforeign-records = \"delete\"",
        "8:19: `delete` cannot be `foreign-records`: allowed is `keep` or `remove`",
    ),
    (
        "read = \"memory\"\n[policy]\nforeign-records = \"remove\"",
        "9:19: `remove` cannot be `foreign-records`: allowed is `keep` beside `read = \"memory\"`, for nobody sees \
         what others wrote to the zones of `main`",
    ),
    (
        "[policy]\nkeep = [\"\"]",
        "8:9: `` cannot be `keep`: allowed is a name, in which `*` stands for any characters",
    ),
    (
        "[policy]\nempty-zone = true",
        "8:14: `empty-zone` must be a string, not true or false",
    ),
    (
        "[policy]\nunowned-zones = \"keep\"",
        "8:17: `keep` cannot be `unowned-zones`: allowed is `adopt` or `refuse`",
    ),
    (
        "[ptr]\nzones-of-others = \"add\"",
        "8:19: `add` cannot be `zones-of-others`: allowed is `refuse` or `change`",
    ),
    (
        "[ptr]\nnetworks = [\"192.0.2.7/24\"]",
        "8:13: `192.0.2.7/24` cannot be `networks`: allowed is 192.0.2.0/24, the network that this address is in",
    ),
    (
        "[ptr]\nnetworks = [\"2001:db8::1/0\"]",
        "8:13: `2001:db8::1/0` cannot be `networks`: allowed is ::/0, the network that this address is in",
    ),
    (
        "[ptr]\nnetworks = [\"192.0.2.0/33\"]",
        "8:13: `192.0.2.0/33` cannot be `networks`: allowed is a network such as 192.0.2.0/24 or 2001:db8::/48",
    ),
    (
        "[ptr]\nttl-seconds = 2147483648",
        "8:15: `2147483648` cannot be `ttl-seconds`: allowed is 0 to 2147483647",
    ),
    (
        "[ptr]\nexisting = \"Add\"",
        "8:12: `Add` cannot be `existing`: allowed is `add`, `replace` or `keep`",
    ),
    (
        "[[routes]]\nsuffix = \".\"",
        "7:1: [[routes]] needs `primary`",
    ),
    (
        "[[routes]]\nsuffix = \".\"\nprimary = \"mian\"",
        "9:11: `mian` cannot be `primary`: allowed is a name under [primaries]: `main`",
    ),
    (
        "[[routes]]\nsuffix = \"a\"\nprimary = \"main\"\n[[routes]]\nsuffix = \"A.\"\nprimary = \"main\"",
        "11:10: `A.` cannot be `suffix`: allowed is each suffix once",
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
        "9:11: `a:b` cannot be `control`: allowed is an address or host name with an optional port",
    ),
    ("[keys.other]", "7:7: [keys.other] needs `file`"),
    (
        "[keys.other]\nfile = \"other.key\"",
        "8:8: cannot read `other.key`: No such file",
    ),
    (
        "[keys.other]\nsecret = \"a\"",
        "8:1: unknown key `secret` in [keys.other] hint: valid keys here are `file`",
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
        "1:11: `2` cannot be `version`: allowed is 1",
    ),
    (
        "version = 1",
        "",
        "1:1: the top of the file needs `version`",
    ),
    (
        "version = 1",
        "version = 1\ninstance = \"a b\"",
        "2:12: `a b` cannot be `instance`: allowed is 1 to 64 letters, digits, `-`, `_` and `.`",
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
        "4:7: `plesk` cannot be `key`: allowed is the name of a [keys.NAME] table, of which there is none",
    ),
];

#[test]
fn an_invalid_value_is_reported_with_its_position_and_the_allowed_values() {
    let etc = Etc::new();
    for (line, expected) in ADDED {
        let error = etc.error(&smallest_with(line));
        assert!(
            error.starts_with(&format!("nsbridge.toml:{expected}")),
            "{line}: {error}"
        );
    }
    for (old, new, expected) in CHANGED {
        let error = etc.error(&SMALLEST.replace(old, new));
        assert_eq!(error, format!("nsbridge.toml:{expected}"));
    }
    assert_eq!(
        etc.error("version = 1"),
        "nsbridge.toml:1:1: the top of the file needs `primaries.NAME`"
    );
}
