//! README.md, done as it says: its configurations are read by the program, its pieces of named.conf
//! by BIND, and the set-up in five minutes is carried out and asked with `dig`.

use std::fs;
use std::path::Path;
use std::process::Command;

use pretty_assertions::assert_eq;
use tempfile::TempDir;

use crate::support::bridge::Bridge;
use crate::support::dig;
use crate::support::keys::Key;
use crate::support::named::{Named, Zone};
use crate::support::ports::Port;
use crate::support::process::{self, Running, Said};
use crate::support::server::Server as _;
use crate::support::{record, wait, wanted};

const README: &str = include_str!("../../../README.md");

/// Options of every named.conf here: what differs on a machine of tests, and nothing that nsbridge
/// needs.
const TEST_OPTIONS: &str = "directory \"{dir}\"; pid-file none; session-keyfile none; notify no; \
    listen-on port {port} { 127.0.0.1; }; listen-on-v6 { none; }; automatic-interface-scan no; \
    reuseport no; dnssec-validation no;";

#[test]
fn every_configuration_is_accepted() {
    let configurations = blocks("toml");
    assert!(configurations.len() >= 2, "README.md has lost some");
    let directory = TempDir::with_prefix("nsbridge-readme-").expect("a temporary directory");
    for name in ["ca", "client"] {
        make_certificate(directory.path(), name);
    }
    for configuration in configurations {
        for name in words_ending(&configuration, ".key") {
            Key::new(&name).write(directory.path());
        }
        let configuration = moved(&configuration, directory.path());
        let programs = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/command/");
        let configuration = configuration.replace("/usr/local/lib/nsbridge/", programs);
        let said = Nsbridge::new(directory.path(), &configuration)
            .shell("echo '[]' | nsbridge plesk --dry-run");
        assert_eq!(
            (said.status, said.stderr().as_str()),
            (Some(0), ""),
            "{configuration}"
        );
    }
}

#[test]
fn the_example_of_a_check_has_the_schema_version_that_it_prints() {
    let named = Named::builder()
        .zone(Zone::dynamic("example.com", ""))
        .start();
    let bridge = Bridge::of(&named);
    let wanted = wanted::zone("example.com", "@ NS ns1.example.net.");
    bridge.plesk(wanted.call()).assert_status(0);
    let run = bridge.run(&["check"], "");
    let line = run.stdout.lines().find(|line| line.contains("queue file"));
    let (_, version) = line.and_then(|line| line.split_once(": schema ")).unwrap();
    assert!(
        README.contains(&format!("queue.db: schema {version}\n")),
        "README.md does not have `schema {version}`"
    );
}

#[test]
fn the_table_of_options_is_complete() {
    let directory = TempDir::with_prefix("nsbridge-readme-").expect("a temporary directory");
    let said = Nsbridge::new(directory.path(), "").shell("nsbridge config template");
    let template = said.stdout();
    let section = README.split("\n## Configuration\n").nth(1).unwrap_or("");
    let section = section.split("\n### ").next().unwrap_or("");
    let described: Vec<&str> = section
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split(" | ").next())
        .flat_map(|cell| cell.split('`').step_by(2))
        .collect();
    let mut known: Vec<&str> = template
        .lines()
        .filter_map(|line| line.trim_start_matches('#').split_once(" = "))
        .map(|(option, _)| option)
        .filter(|option| {
            option
                .bytes()
                .all(|octet| octet.is_ascii_lowercase() || octet == b'-')
        })
        .collect();
    known.dedup();
    assert!(known.len() > 20, "the template has no options: {template}");
    for option in &known {
        assert!(
            described.contains(option),
            "README.md does not have `{option}`"
        );
    }
    for option in described {
        assert!(
            known.contains(&option),
            "`{option}` of README.md does not exist"
        );
    }
}

#[test]
fn every_piece_of_named_conf_is_valid() {
    let pieces = blocks("named");
    assert!(pieces.len() >= 4, "README.md has lost some");
    for piece in pieces {
        assert_valid_conf(&piece);
    }
    for piece in blocks("named 9.21.9") {
        if version_of_bind() >= vec![9, 21, 9] {
            assert_valid_conf(&piece);
        } else {
            // The same as a zone of its own: all but the statements that this BIND does not know.
            let zone = change(&piece, "template plesk {", "zone \"example.com\" {");
            let lines: Vec<&str> = zone
                .lines()
                .filter(|line| !line.contains("initial-file"))
                .collect();
            assert_eq!(lines.len() + 1, zone.lines().count());
            assert_valid_conf(&lines.join("\n"));
        }
    }
}

#[test]
fn every_zone_file_is_valid() {
    let zones = blocks("dns-zone");
    assert!(!zones.is_empty(), "README.md has lost it");
    for zone in zones {
        let directory = TempDir::with_prefix("nsbridge-readme-").expect("a temporary directory");
        let file = directory.path().join("zone.db");
        write(&file, &zone);
        process::run_ok(
            "named-checkzone",
            &["example.com", &*file.to_string_lossy()],
        );
    }
}

#[test]
fn the_set_up_in_five_minutes_works() {
    let named = five_minutes_bind();
    // The operator's own rndc, which a `controls` statement for nsbridge alone would shut out.
    let (port, key) = (
        named.spare_port().to_string(),
        named.key_file_of("rndc-key").to_string_lossy().into_owned(),
    );
    process::run_ok(
        "rndc",
        &["-s", "127.0.0.1", "-p", &port, "-k", &key, "status"],
    );

    let directory = TempDir::with_prefix("nsbridge-readme-").expect("a temporary directory");
    let seed_port = Port::claim();
    let nsbridge = five_minutes_nsbridge(&named, directory.path(), &seed_port);
    write(&directory.path().join("try.json"), first("json").as_str());
    let sessions = blocks("console");
    let [dry_run, real, removal] = &sessions[..] else {
        panic!("README.md has other sessions than a dry run, the real thing and a removal");
    };

    nsbridge.assert_session(dry_run, &named, 1);
    assert!(!dig::has_zone(&named, "example.com"));
    nsbridge.assert_session(real, &named, 0);
    let mut promised: Vec<&str> = dry_run
        .lines()
        .filter_map(|line| line.strip_prefix("+ "))
        .filter(|line| !line.contains(" SOA "))
        .collect();
    promised.sort_unstable();
    assert_eq!(dig::content(&named, "example.com"), promised);
    nsbridge.assert_session(removal, &named, 0);
    assert!(!dig::has_zone(&named, "example.com"));

    let by_hand = first("json")
        .replace("example.com", "example.org")
        .replace("mail.", "_mail.");
    write(&directory.path().join("try.json"), &by_hand);
    let said = nsbridge.shell("nsbridge plesk try.json");
    assert_eq!((said.status, said.stderr().as_str()), (Some(0), ""));
    assert_eq!(dig::short(&named, "_mail.example.org", "A"), ["192.0.2.11"]);
}

/// The named.conf of the set-up in five minutes and the zone by hand, running here.
fn five_minutes_bind() -> Named {
    let pieces = blocks("named");
    let [conf, zone_by_hand, ..] = &pieces[..] else {
        panic!("README.md has lost the first pieces of named.conf");
    };
    let conf = change(conf, "/etc/bind/rndc.key", "{dir}/rndc-key.key");
    let conf = change(&conf, "/etc/bind/", "{dir}/");
    let conf = change(
        &conf,
        "inet 127.0.0.1 port 953",
        "inet 127.0.0.1 port {spare}",
    );
    let conf = change(
        &conf,
        "inet 192.0.2.53 port 953",
        "inet 127.0.0.1 port {control}",
    );
    let conf = change(&conf, "198.51.100.7;", "127.0.0.1;");
    let conf = change(&conf, "options {", &format!("options {{ {TEST_OPTIONS}"));
    Named::builder()
        .key(Key::new("plesk"))
        .key(Key::new("plesk-rndc"))
        .key(Key::new("rndc-key"))
        // For its file; what named.conf says of it is README's.
        .zone(Zone::fixed("example.org", ""))
        .written(&(conf + zone_by_hand))
        .start()
}

/// The nsbridge.toml of the set-up in five minutes, for that server.
fn five_minutes_nsbridge<'a>(named: &Named, directory: &'a Path, seed_port: &Port) -> Nsbridge<'a> {
    let at = |port: u16| format!("127.0.0.1:{port}");
    let keys = named.file("").to_string_lossy().into_owned();
    let configuration = first("toml");
    let configuration = change(&configuration, "192.0.2.53:953", &at(named.control_port()));
    let configuration = change(&configuration, "192.0.2.53", &at(named.port()));
    let configuration = change(&configuration, "198.51.100.7:5300", &at(seed_port.number()));
    let configuration = change(&configuration, "/etc/nsbridge/", &keys);
    let queue = "\n[queue]\npath = \"state/queue.db\"\n";
    Nsbridge::new(directory, &(configuration + queue))
}

/// nsbridge as the commands of README.md start it: by its name, with its configuration where it
/// looks for it.
struct Nsbridge<'a> {
    directory: &'a Path,
}

impl<'a> Nsbridge<'a> {
    fn new(directory: &'a Path, configuration: &str) -> Self {
        write(&directory.join("nsbridge.toml"), configuration);
        Self { directory }
    }

    /// Runs a line of shell.
    #[track_caller]
    fn shell(&self, line: &str) -> Said {
        let program = Path::new(env!("CARGO_BIN_EXE_nsbridge"));
        let programs = program.parent().expect("a program is in a directory");
        let path = format!("{}:/usr/bin:/bin", programs.display());
        let mut command = Command::new("sh");
        command.args(["-c", line]).current_dir(self.directory);
        command.env("PATH", path);
        command.env("NSBRIDGE_CONFIG", self.directory.join("nsbridge.toml"));
        let said = Running::start(&mut command, b"").finish(wait::PATIENCE);
        record::keep_transcript(line, &said.stdout, &said.stderr);
        record::assert_no_secret("standard output", &said.stdout);
        record::assert_no_secret("standard error", &said.stderr);
        said
    }

    /// Types what follows each `# ` and asserts that what follows that is printed.
    #[track_caller]
    fn assert_session(&self, session: &str, named: &Named, status: i32) {
        let mut printed = String::new();
        for line in session.lines() {
            let Some(command) = line.strip_prefix("# ") else {
                continue;
            };
            let said = self.shell(command);
            assert_eq!((said.status, said.stderr().as_str()), (Some(status), ""));
            let here = format!("127.0.0.1:{}", named.port());
            let stdout = said.stdout().replace(&here, "192.0.2.53:53");
            printed.extend([line, "\n", &stdout]);
        }
        assert_eq!(printed, session);
    }
}

/// Asserts that `named-checkconf` accepts a piece, among the keys and options that it leaves out.
#[track_caller]
fn assert_valid_conf(piece: &str) {
    let directory = TempDir::with_prefix("nsbridge-readme-").expect("a temporary directory");
    let mut conf = piece.to_owned();
    for name in ["plesk", "plesk-rndc", "rndc"] {
        let key = Key::new(if name == "rndc" { "rndc-key" } else { name });
        let include = format!("include \"/etc/bind/{name}.key\";\n");
        write(
            &directory.path().join(format!("{name}.key")),
            key.statement(),
        );
        if !conf.contains(&include) {
            conf.insert_str(0, &include);
        }
    }
    if !conf.contains("options {") {
        conf.push_str("\noptions { };\n");
    }
    let options = "options { directory \"/etc/bind/\";";
    let conf = change(&conf, "options {", options);
    make_certificate(directory.path(), "ns1");
    let conf = moved(&conf, directory.path());
    let file = directory.path().join("named.conf");
    write(&file, &conf);
    let said = process::run("named-checkconf", &[&file], b"");
    assert_eq!(
        (said.status, said.stdout().as_str()),
        (Some(0), ""),
        "{conf}"
    );
}

/// The contents of the fenced blocks with this word after the fence.
fn blocks(info: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = README.lines();
    while let Some(line) = lines.next() {
        let Some((indent, found)) = line.split_once("```") else {
            continue;
        };
        let content: Vec<&str> = lines
            .by_ref()
            .take_while(|line| line.trim_start() != "```")
            .map(|line| line.strip_prefix(indent).unwrap_or(line))
            .collect();
        if found == info {
            blocks.push(content.join("\n") + "\n");
        }
    }
    blocks
}

#[track_caller]
fn first(info: &str) -> String {
    let mut blocks = blocks(info).into_iter();
    blocks
        .next()
        .unwrap_or_else(|| panic!("README.md has no block of {info}"))
}

/// The text with every `from` made `to`; there must be one, or README.md has moved on.
#[track_caller]
fn change(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "no `{from}` in:\n{text}");
    text.replace(from, to)
}

/// The text with the system's directories moved to one of the test.
fn moved(text: &str, directory: &Path) -> String {
    let directory = format!("{}/", directory.display());
    ["/etc/nsbridge/", "/etc/bind/", "/var/lib/nsbridge/"]
        .iter()
        .fold(text.to_owned(), |text, from| text.replace(from, &directory))
}

/// The last part of each quoted path that ends so, without the ending.
fn words_ending(text: &str, ending: &str) -> Vec<String> {
    text.split('"')
        .filter_map(|word| word.strip_suffix(ending))
        .map(|path| path.rsplit('/').next().unwrap_or(path).to_owned())
        .collect()
}

/// `NAME.pem` and `NAME-key.pem`.
fn make_certificate(directory: &Path, name: &str) {
    let path = |end: &str| {
        directory
            .join(format!("{name}{end}"))
            .to_string_lossy()
            .into_owned()
    };
    let (key, certificate) = (path("-key.pem"), path(".pem"));
    let request =
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test";
    let mut arguments: Vec<&str> = request.split(' ').collect();
    arguments.extend(["-keyout", &key, "-out", &certificate]);
    process::run_ok("openssl", &arguments);
}

/// The numbers of BIND's version.
fn version_of_bind() -> Vec<u32> {
    let version = process::run_ok("named-checkconf", &["-v"]);
    let numbers = version.split(|c: char| !c.is_ascii_digit());
    numbers
        .map_while(|number| number.parse().ok())
        .take(3)
        .collect()
}

#[track_caller]
fn write(path: &Path, contents: &str) {
    fs::write(path, contents).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
