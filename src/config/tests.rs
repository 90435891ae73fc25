//! What a configuration says, and every way in which it can be wrong.

mod template;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use pretty_assertions::assert_eq;
use tempfile::TempDir;

use super::*;
use crate::deliver::{EmptyZone, ExistingPtr};
use crate::model::ForeignRecords;
use crate::provision::rndc::Way;
use crate::transport::Security;

const SECRET: &str = "c2VjcmV0LW9mLXRoZS10ZXN0LWtleS1vbmx5ISEhISE=";

/// The smallest configuration.
const SMALLEST: &str = "version = 1
[keys.plesk]
file = \"plesk.key\"
[primaries.main]
address = \"192.0.2.53\"
key = \"plesk\"
";

/// Options of the template that are worth nothing with the way and the method that stand there.
const FOR_OTHERS: [&str; 6] = [
    "template",
    "program",
    "arguments",
    "url",
    "api-key-file",
    "group",
];

/// A directory as /etc/nsbridge is.
struct Etc(TempDir);

impl Etc {
    fn new() -> Self {
        let etc = Self(tempfile::tempdir().unwrap());
        let key = format!("key plesk {{ algorithm hmac-sha256; secret \"{SECRET}\"; }};\n");
        etc.write("plesk.key", &key);
        let command = "req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN=x";
        let made = Command::new("openssl")
            .args(command.split(' '))
            .args(["-out", "ca.pem", "-keyout", "client.key"])
            .current_dir(etc.0.path())
            .output()
            .expect("openssl is needed: apt-get install openssl");
        assert!(made.status.success(), "{made:?}");
        etc.write(
            "client.pem",
            &fs::read_to_string(etc.path("ca.pem")).unwrap(),
        );
        etc.write("powerdns.key", "the-key-of-the-api\n");
        etc.write("knotc", "#!/bin/sh\n");
        fs::set_permissions(etc.path("knotc"), fs::Permissions::from_mode(0o755)).unwrap();
        etc
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.path(file), text).unwrap();
        fs::set_permissions(self.path(file), fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn parse(&self, text: &str) -> Result<Config, ConfigError> {
        let directory = self.0.path().to_str().unwrap();
        let text = text.replace("/etc/nsbridge", directory);
        let text = text.replace("/usr/local/lib/nsbridge", directory);
        Config::parse(&text, &self.path("nsbridge.toml"), "host.example")
    }

    /// The error of a text, without the directory.
    fn error(&self, text: &str) -> String {
        let error = self.parse(text).unwrap_err();
        let hint = error.hint().map(|hint| format!(" hint: {hint}"));
        let shown = format!("{error}{}", hint.unwrap_or_default());
        shown.replace(&format!("{}/", self.0.path().display()), "")
    }
}

/// The template's lines, with those uncommented that `choose` takes; it is given the option.
fn template(choose: impl Fn(&str) -> bool) -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(option) if !option.starts_with(' ') && choose(option) => format!("{option}\n"),
        Some(_) => "\n".to_owned(),
        None => format!("{line}\n"),
    };
    TEMPLATE.lines().map(line).collect()
}

#[test]
fn a_misspelt_table_is_found_too() {
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

/// Adds a line to a table of the smallest configuration, or a table at its end.
fn smallest_with(line: &str) -> String {
    format!("{SMALLEST}{line}\n")
}

/// Lines added to the smallest configuration, and how the error begins.
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

/// What is replaced in it, by what, and the error.
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
fn a_wrong_value_says_where_it_is_and_what_is_allowed() {
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

/// How a primary's zones are made, by rndc.
fn rndc(primary: &PrimarySettings) -> &RndcProvision {
    match &primary.provision {
        Some(ProvisionSettings::Rndc(rndc)) => rndc,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_program_with_its_arguments_is_read() {
    let etc = Etc::new();
    let program = etc.path("knotc").to_str().unwrap().to_owned();
    let parse = |program: &str, arguments: &str| {
        let text = format!(
            "[primaries.main.provision]\nmethod = \"command\"\nprogram = \"{program}\"\n{arguments}"
        );
        let text = smallest_with(&text);
        let config = etc.parse(&text).map_err(|_| etc.error(&text))?;
        match config.primaries["main"].provision.clone() {
            Some(ProvisionSettings::Command(settings)) => Ok::<_, String>(settings),
            other => panic!("{other:?}"),
        }
    };
    let arguments = ["-s", "{action}", "{zone}"];
    let settings = parse(&program, &format!("arguments = {arguments:?}")).unwrap();
    assert_eq!(settings.program, etc.path("knotc"));
    assert_eq!(
        settings.arguments,
        arguments.map(|text| text.parse().unwrap())
    );

    let both = "arguments = [\"{action}\", \"{zone}\"]";
    for (rest, expected) in [
        (
            "control = \"::1\"",
            "10:1: `control` is for method = \"rndc\"",
        ),
        ("", "7:17: [primaries.main.provision] needs `arguments`"),
        (
            "arguments = [\"{action}\"]",
            "10:14: `{action}` cannot be `arguments`: allowed is a list with `{zone}` in it",
        ),
        (
            "arguments = [\"{{action}}\", \"{zone}\"]",
            "10:14: `{{action}}` cannot be `arguments`: allowed is a list with `{action}` in it",
        ),
        (
            "arguments = [\"{action}\", \"{zone}\", \"{view}\"]",
            "10:36: `{view}` cannot be `arguments`: allowed is text with `{action}` and `{zone}` in it; \
             `{{` and `}}` stand for braces",
        ),
    ] {
        let error = parse(&program, rest).unwrap_err();
        assert_eq!(error, format!("nsbridge.toml:{expected}"));
    }
    etc.write("plain", "");
    etc.write("open", "");
    fs::set_permissions(etc.path("open"), fs::Permissions::from_mode(0o777)).unwrap();
    let directory = etc.0.path().display();
    for (program, expected) in [
        (
            "make-zone".to_owned(),
            "`make-zone` cannot be `program`: allowed is the absolute path of a program",
        ),
        (
            format!("{directory}/no"),
            "cannot read `no`: No such file or directory (os error 2)",
        ),
        (
            format!("{directory}/plain"),
            "`plain` is not an executable file hint: run `chmod a+rx plain`",
        ),
        (
            format!("{directory}/open"),
            "everybody can write to the program `open` hint: run `chmod o-w open`",
        ),
    ] {
        let error = parse(&program, both).unwrap_err();
        assert_eq!(error, format!("nsbridge.toml:9:11: {expected}"));
    }
    let rndc = format!("[primaries.main.provision]\nmethod = \"rndc\"\n{both}");
    assert_eq!(
        etc.error(&smallest_with(&rndc)),
        "nsbridge.toml:9:1: `arguments` is for method = \"command\""
    );
}

#[test]
fn a_catalog_with_its_key_is_read() {
    let etc = Etc::new();
    let other = "key other { algorithm hmac-sha256; secret \"AAAA\"; };\n";
    etc.write("other.key", other);
    let text = SMALLEST.replace(
        "[keys.plesk]",
        "[keys.other]\nfile = \"other.key\"\n[keys.plesk]",
    );
    let parse = |lines: &str| {
        let config = etc.parse(&format!("{text}{lines}\n")).unwrap();
        config.primaries["main"].clone()
    };
    let primary = parse("catalog = \"\"\ncatalog-key = \"other\"");
    assert!(primary.catalog.is_none());
    let catalog = parse("catalog = \"Catalog.Example\"").catalog.unwrap();
    assert_eq!(catalog.name.zone().to_string(), "catalog.example.");
    assert_eq!(catalog.key.name().to_string(), "plesk.");
    let provision = "[primaries.main.provision]\nmethod = \"catalog\"";
    let both = "catalog = \"c.example\"\ncatalog-key = \"other\"";
    let primary = parse(&format!("{both}\n{provision}\ngroup = \"member\""));
    assert_eq!(primary.catalog.unwrap().key.name().to_string(), "other.");
    let Some(ProvisionSettings::Catalog { group }) = primary.provision else {
        panic!("the method is the catalog");
    };
    assert_eq!(group.as_deref(), Some("member"));

    let long = format!("{0}.{0}.{0}", "x".repeat(60));
    for (lines, expected) in [
        (
            provision.to_owned(),
            "4:12: [primaries.main] needs `catalog`".to_owned(),
        ),
        (
            format!("catalog = \"\"\n{provision}"),
            "4:12: [primaries.main] needs `catalog`".to_owned(),
        ),
        (
            format!("catalog = \"c\"\n{provision}\ncontrol = \"::1\""),
            "10:1: `control` is for method = \"rndc\"".to_owned(),
        ),
        (
            "[primaries.main.provision]\nmethod = \"rndc\"\ngroup = \"a\"".to_owned(),
            "9:1: `group` is for method = \"catalog\"".to_owned(),
        ),
        (
            format!("catalog = \"{long}\""),
            format!(
                "7:11: `{}…` cannot be `catalog`: allowed is a domain name in ASCII of at most 172 \
                 octets",
                &long[..60]
            ),
        ),
        (
            "catalog-key = \"plsk\"".to_owned(),
            "7:15: `plsk` cannot be `catalog-key`: allowed is a name under [keys]: `plesk`"
                .to_owned(),
        ),
    ] {
        assert_eq!(
            etc.error(&smallest_with(&lines)),
            format!("nsbridge.toml:{expected}")
        );
    }
}

#[test]
fn addresses_have_their_ports() {
    let etc = Etc::new();
    let address = |address: &str, rest: &str| {
        let text = SMALLEST.replace("192.0.2.53", address) + rest;
        let endpoint = etc.parse(&text).ok()?.primaries["main"].endpoint.clone();
        Some(format!("{} {}", endpoint.host, endpoint.port))
    };
    let tls = "transport = \"tls\"\ntls-ca-file = \"ca.pem\"";
    for (text, expected) in [
        ("192.0.2.53", "192.0.2.53 53"),
        ("192.0.2.53:5353", "192.0.2.53 5353"),
        ("2001:db8::53", "2001:db8::53 53"),
        ("[2001:db8::53]", "2001:db8::53 53"),
        ("[2001:db8::53]:5353", "2001:db8::53 5353"),
        ("fe80::1%eth0", "fe80::1%eth0 53"),
        ("ns1.example", "ns1.example 53"),
        ("ns1.example.:5353", "ns1.example. 5353"),
    ] {
        assert_eq!(address(text, "").as_deref(), Some(expected));
    }
    assert_eq!(
        address("ns1.example", tls).as_deref(),
        Some("ns1.example 853")
    );
    assert_eq!(
        address("ns1.example:53", tls).as_deref(),
        Some("ns1.example 53")
    );
    for bad in [
        "",
        ":53",
        "192.0.2",
        "192.0.2.256",
        "a:",
        "a:0",
        "a:65536",
        "a:+53",
        "a b",
        "[::1",
        "[::1]53",
        "[a]:53",
        "http://a",
        "a..b",
        "ä.example",
        "::1%",
    ] {
        assert_eq!(address(bad, ""), None, "{bad}");
    }
}

#[test]
fn settings_are_what_the_file_says() {
    let etc = Etc::new();
    let text = template(|option| !FOR_OTHERS.iter().any(|other| option.starts_with(other)))
        .replace("transport = \"tcp\"", "transport = \"tls\"")
        .replace("keep = []", "keep = [\"_acme-challenge.*\"]")
        .replace("deny-zones = []", "deny-zones = [\"example\"]")
        .replace("nameservers = []", "nameservers = [\"ns1.example\"]")
        .replace(
            "networks = []",
            "networks = [\"192.0.2.0/24\", \"2001:db8::1\"]",
        )
        .replace("\"keep\"\n", "\"remove\"\n")
        .replace("deadline-seconds = 20", "deadline-seconds = 5");
    let config = etc.parse(&text).unwrap();
    assert_eq!(config.instance, "plesk01");
    let path = PathBuf::from("/var/lib/nsbridge/queue.db");
    let deadline = Duration::from_secs(5);
    assert_eq!(config.queue, QueueSettings { path, deadline });

    let primary = &config.primaries["main"];
    assert!(matches!(primary.endpoint.security, Security::Tls(_)));
    assert_eq!(primary.nameservers[0].to_string(), "ns1.example.");
    let provision = rndc(primary);
    assert_eq!(provision.control, ("192.0.2.53".to_owned(), 953));
    assert_eq!(provision.view.as_deref(), Some("external"));
    let listen = Some("198.51.100.7:5300".parse().unwrap());
    assert_eq!(provision.way, Way::Seed { listen });

    assert_eq!(config.policy.foreign_records, ForeignRecords::Remove);
    assert_eq!(config.policy.keep[0].to_string(), "_acme-challenge.*");
    assert_eq!(config.policy.deny_zones[0].to_string(), "example.");
    assert_eq!(config.policy.empty_zone, EmptyZone::Refuse);
    assert_eq!(config.policy.removals_percent_max, Some(50));
    let networks = ["192.0.2.0/24", "2001:db8::1/128"].map(|text| text.parse().unwrap());
    assert_eq!(config.ptr.networks, networks);
    assert_eq!(
        (config.ptr.existing, config.ptr.ttl),
        (ExistingPtr::Add, 3600)
    );
    assert_eq!(etc.parse(SMALLEST).unwrap().instance, "host.example");
}

#[test]
fn the_way_follows_from_the_template_unless_it_is_said() {
    let etc = Etc::new();
    let way = |rest: &str| {
        let text = format!(
            "{SMALLEST}[primaries.main.provision]\nmethod = \"rndc\"\ncontrol = \"::1\"\ncontrol-key = \"plesk\"\n{rest}"
        );
        let config = etc.parse(&text).map_err(|_| etc.error(&text))?;
        Ok::<_, String>(rndc(&config.primaries["main"]).way.clone())
    };
    let name = "plesk".to_owned();
    assert_eq!(way(""), Ok(Way::Seed { listen: None }));
    assert_eq!(way("template = \"plesk\""), Ok(Way::Template { name }));
    assert_eq!(way("way = \"file\""), Ok(Way::File));
    for (rest, expected) in [
        (
            "way = \"template\"",
            "7:17: [primaries.main.provision] needs `template`",
        ),
        (
            "template = \"a; }\"",
            "11:12: `a; }` cannot be `template`: allowed is a word of letters, digits, `-`, `_` and `.`",
        ),
        (
            "listen = \"localhost\"",
            "11:10: `localhost` cannot be `listen`: allowed is an IP address and a port, such as 198.51.100.7:5300",
        ),
    ] {
        assert_eq!(way(rest).unwrap_err(), format!("nsbridge.toml:{expected}"));
    }
}

#[test]
fn routes_are_read_or_lead_to_the_only_primary() {
    let etc = Etc::new();
    let second = "[primaries.second]\naddress = \"a\"\nkey = \"plesk\"\n";
    let route = |suffix: &str, primary: &str| {
        format!("[[routes]]\nsuffix = \"{suffix}\"\nprimary = \"{primary}\"\n")
    };
    let text = format!(
        "{SMALLEST}{second}{}{}",
        route("example", "main"),
        route("a.example", "second")
    );
    let config = etc.parse(&text).unwrap();
    let suffixes = |config: &Config| -> Vec<String> {
        config
            .routes
            .iter()
            .map(|route| route.suffix.to_string())
            .collect()
    };
    assert_eq!(suffixes(&config), ["example.", "a.example."]);
    assert_eq!(suffixes(&etc.parse(SMALLEST).unwrap()), ["."]);
}

#[test]
fn a_file_is_read_and_a_missing_one_leads_to_the_template() {
    let etc = Etc::new();
    etc.write("nsbridge.toml", SMALLEST);
    let config = Config::load(&etc.path("nsbridge.toml"), "host.example").unwrap();
    assert_eq!(config.primaries.len(), 1);

    let error = Config::load(Path::new("/nowhere/nsbridge.toml"), "h").unwrap_err();
    assert_eq!(
        error.hint().unwrap(),
        "write one: `nsbridge config template > /nowhere/nsbridge.toml`, or name another by `--config`"
    );
}

#[test]
fn no_secret_is_shown_by_settings_or_errors() {
    let etc = Etc::new();
    let config = etc
        .parse(&template(|option| option.starts_with("transfer-key")))
        .unwrap();
    let octets = BASE64.decode(SECRET).unwrap();
    let shown = format!("{config:?} {config:#?}");
    assert!(!shown.contains(SECRET) && !shown.contains(&format!("{}, {}", octets[0], octets[1])));

    let private = fs::read_to_string(etc.path("client.key")).unwrap();
    let private = private.lines().nth(1).unwrap().to_owned();
    let tls = smallest_with(
        "transport = \"tls\"\ntls-ca-file = \"ca.pem\"\ntls-certificate-file = \"client.pem\"\ntls-key-file = \"client.key\"",
    );
    let config = etc.parse(&tls).unwrap();
    assert!(!format!("{config:?}").contains(&private));

    let key = format!("key plesk {{ algorithm \"{SECRET}\"; secret \"{SECRET}*\"; }};");
    etc.write("plesk.key", &key);
    let error = etc.parse(SMALLEST).unwrap_err();
    let shown = format!("{error} {error:?} {:?}", error.hint());
    assert!(shown.contains("plesk.key:1: unknown algorithm"), "{shown}");
    assert!(!shown.contains(&SECRET[..8]), "{shown}");

    etc.write("plesk.key", "");
    fs::set_permissions(etc.path("plesk.key"), fs::Permissions::from_mode(0o644)).unwrap();
    let error = etc.error(SMALLEST);
    assert!(
        error.starts_with("nsbridge.toml:3:8: `plesk.key` has mode 0644"),
        "{error}"
    );
    assert!(
        error.ends_with("hint: run `chmod 600 plesk.key`"),
        "{error}"
    );
}

/// [`SMALLEST`] with PowerDNS's API and these lines.
fn with_powerdns(lines: &str) -> String {
    let provision = "[primaries.main.provision]\nmethod = \"powerdns\"\n";
    smallest_with(&format!("{provision}{lines}"))
}

#[test]
fn the_api_of_powerdns_is_a_url_and_a_key_file() {
    let etc = Etc::new();
    let key = "api-key-file = \"powerdns.key\"\n";
    for (url, host, port, path) in [
        ("http://192.0.2.53:8081", "192.0.2.53", 8081, ""),
        ("http://[2001:db8::53]:8081/", "2001:db8::53", 8081, ""),
        ("http://ns.example/pdns/", "ns.example", 80, "/pdns"),
    ] {
        let config = etc
            .parse(&with_powerdns(&format!("{key}url = {url:?}")))
            .unwrap();
        let provision = config.primaries["main"].provision.clone();
        let Some(ProvisionSettings::PowerDns(powerdns)) = provision else {
            panic!("{provision:?}");
        };
        let endpoint = &powerdns.endpoint;
        assert_eq!((&*endpoint.host, endpoint.port), (host, port));
        assert_eq!(powerdns.path, path);
        assert_eq!(powerdns.api_key.expose(), "the-key-of-the-api");
        assert!(!format!("{powerdns:?}").contains("the-key"));
    }
    for url in [
        "192.0.2.53:8081",
        "ftp://192.0.2.53",
        "http://",
        "http://user:word@192.0.2.53",
        "http://192.0.2.53/?a",
        "http://2001:db8::53",
    ] {
        let error = etc.error(&with_powerdns(&format!("{key}url = {url:?}")));
        assert!(
            error.contains(&format!("`{url}` cannot be `url`")),
            "{error}"
        );
    }
}

#[test]
fn what_is_wrong_with_the_api_of_powerdns_is_said() {
    let etc = Etc::new();
    etc.write("empty.key", "\n");
    etc.write("open.key", "the-key\n");
    fs::set_permissions(etc.path("open.key"), fs::Permissions::from_mode(0o644)).unwrap();
    let url = "url = \"http://192.0.2.53:8081\"\n";
    let key = "api-key-file = \"powerdns.key\"\n";
    for (lines, start) in [
        (
            key.to_owned(),
            "nsbridge.toml:7:17: [primaries.main.provision] needs `url`",
        ),
        (
            url.to_owned(),
            "nsbridge.toml:7:17: [primaries.main.provision] needs `api-key-file`",
        ),
        (
            format!("{url}api-key-file = \"empty.key\""),
            "nsbridge.toml:10:16: `empty.key` does not hold one line of visible ASCII characters",
        ),
        (
            format!("{url}api-key-file = \"open.key\""),
            "nsbridge.toml:10:16: `open.key` has mode 0644: ",
        ),
        (
            format!("{url}{key}tls-name = \"api.example\""),
            "nsbridge.toml:11:1: `tls-name` is for an `url` with https",
        ),
        (
            format!("{url}{key}way = \"seed\""),
            "nsbridge.toml:11:1: `way` is for method = \"rndc\"",
        ),
        (
            format!("url = \"https://192.0.2.53:8081\"\n{key}"),
            "nsbridge.toml:7:17: TLS needs `tls-ca-file` or `tls-pins`",
        ),
    ] {
        let error = etc.error(&with_powerdns(&lines));
        assert!(error.starts_with(start), "{error}");
    }
}
