//! Tests of valid configurations; `errors` has the invalid ones.

mod errors;
mod files;
mod provision;
mod routes;
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

use super::error::ConfigError;
use super::settings::{QueueSettings, RndcProvision};
use super::*;
use crate::deliver::{EmptyZone, ExistingPtr};
use crate::diagnostic::Diagnose as _;
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

/// Options of the template that do not apply to its `way` and `method`.
const NOT_APPLICABLE: [&str; 11] = [
    "template",
    "program",
    "arguments",
    "url",
    "api-key-file",
    "group",
    "soa",
    "apex-ns",
    "prerequisites",
    "rrsets",
    "key = ",
];

/// A directory in place of /etc/nsbridge.
struct Etc(TempDir);

impl Etc {
    fn new() -> Self {
        let etc = Self(tempfile::tempdir().unwrap());
        let key = format!("key plesk {{ algorithm hmac-sha256; secret \"{SECRET}\"; }};\n");
        etc.write("plesk.key", &key);
        let command = "req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN=x";
        let output = Command::new("openssl")
            .args(command.split(' '))
            .args(["-out", "ca.pem", "-keyout", "client.key"])
            .current_dir(etc.0.path())
            .output()
            .expect("openssl is needed: apt-get install openssl");
        assert!(output.status.success(), "{output:?}");
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

    /// Returns the error of a text with its hint, without the directory.
    fn error(&self, text: &str) -> String {
        let error = self.parse(text).unwrap_err();
        let hint = error.diagnostic().hint();
        let hint = hint.map(|hint| format!(" hint: {hint}"));
        let shown = format!("{error}{}", hint.unwrap_or_default());
        shown.replace(&format!("{}/", self.0.path().display()), "")
    }
}

/// Returns the template with those options uncommented for which `choose` returns `true`.
fn template(choose: impl Fn(&str) -> bool) -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(option) if !option.starts_with(' ') && choose(option) => format!("{option}\n"),
        Some(_) => "\n".to_owned(),
        None => format!("{line}\n"),
    };
    TEMPLATE.lines().map(line).collect()
}

/// Appends a line, or a table, to the smallest configuration.
fn smallest_with(line: &str) -> String {
    format!("{SMALLEST}{line}\n")
}

/// Returns the rndc settings of a primary.
fn rndc(primary: &PrimarySettings) -> &RndcProvision {
    match &primary.provision {
        Some(ProvisionSettings::Rndc(rndc)) => rndc,
        other => panic!("{other:?}"),
    }
}

/// Returns whether an error is as expected: the whole text, or also the beginning of its hint.
fn is_as_expected(error: &str, expected: &str) -> bool {
    let rest = error.strip_prefix(expected);
    rest.is_some_and(|rest| {
        rest.is_empty() || rest.starts_with(" hint: ") || expected.contains(" hint: ")
    })
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
            "10:1: `control` has no effect without `method = \"rndc\"`".to_owned(),
        ),
        (
            "[primaries.main.provision]\nmethod = \"rndc\"\ngroup = \"a\"".to_owned(),
            "9:1: `group` has no effect without `method = \"catalog\"`".to_owned(),
        ),
        (
            format!("catalog = \"{long}\""),
            format!(
                "7:11: `catalog` cannot be `{}…` hint: allowed is a domain name in ASCII of at most 172 \
                 octets",
                &long[..60]
            ),
        ),
        (
            "catalog-key = \"plsk\"".to_owned(),
            "7:15: `catalog-key` cannot be `plsk` hint: write `catalog-key = \"plesk\"`; allowed is a name under [keys]: `plesk`"
                .to_owned(),
        ),
    ] {
        let error = etc.error(&smallest_with(&lines));
        assert!(
            error.starts_with(&format!("nsbridge.toml:{expected}")),
            "{error}"
        );
    }
}

#[test]
fn addresses_have_explicit_or_default_ports() {
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
fn settings_have_the_values_of_the_file() {
    let etc = Etc::new();
    let text = template(|option| !NOT_APPLICABLE.iter().any(|other| option.starts_with(other)))
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
    let history_days = 30;
    let queue = QueueSettings {
        path,
        deadline,
        history_days,
    };
    assert_eq!(config.queue, queue);

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
fn routes_are_read_and_default_to_the_only_primary() {
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
fn a_file_is_read_and_the_hint_for_a_missing_one_names_the_template() {
    let etc = Etc::new();
    etc.write("nsbridge.toml", SMALLEST);
    let config = Config::load(&etc.path("nsbridge.toml"), "host.example").unwrap();
    assert_eq!(config.primaries.len(), 1);

    let error = Config::load(Path::new("/nowhere/nsbridge.toml"), "h").unwrap_err();
    let missing = error.diagnostic();
    assert_eq!(missing.code(), "NB-CONFIG-MISSING");
    assert_eq!(
        missing.hint().unwrap(),
        "`mkdir -p /nowhere; nsbridge config template > /nowhere/nsbridge.toml`, or `--config`"
    );
}

#[test]
fn settings_and_errors_contain_no_secret() {
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
    let diagnostic = error.diagnostic();
    assert_eq!(diagnostic.code(), "NB-KEY-ALGORITHM-UNKNOWN");
    let shown = format!("{error} {error:?} {diagnostic:?}");
    assert!(shown.contains("plesk.key:1: unknown algorithm"), "{shown}");
    assert!(!shown.contains(&SECRET[..8]), "{shown}");

    etc.write("plesk.key", "");
    fs::set_permissions(etc.path("plesk.key"), fs::Permissions::from_mode(0o644)).unwrap();
    let error = etc.error(SMALLEST);
    assert!(
        error.starts_with("nsbridge.toml:3:8: `plesk.key` is too open: "),
        "{error}"
    );
    assert!(
        error.ends_with("hint: run `chmod 600 plesk.key`"),
        "{error}"
    );
}
