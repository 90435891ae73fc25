//! A real PowerDNS for one test: fresh directory and database, free ports of 127.0.0.1, new keys.
//!
//! `start` returns when the server answers on ports that it has for itself. It is killed and waited
//! for when the value is dropped; if the test is failing then, its log is shown. Nothing of a
//! system-wide PowerDNS is used but its programs.

use std::fs::{self, OpenOptions, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rusqlite::Connection;
use tempfile::TempDir;

use crate::bridge::Bridge;
use crate::keys::Key;
use crate::named_conf::zone_file;
use crate::ports::Port;
use crate::process::{self, Said};
use crate::server::Server;
use crate::wait;

/// How often new ports are tried when another program takes one first.
const PORT_TRIES: u32 = 5;

/// Lines of the log that are shown when a test fails.
const LOG_LINES_SHOWN: usize = 60;

/// The tables of the database, as the package brings them.
const SCHEMA: &str = "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql";

/// How a server shall be. Without further calls: one key `plesk`, the API on, no zone.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    zones: Vec<(String, String)>,
}

impl Builder {
    /// Adds a zone that the key `plesk` may update and transfer. `records` is master-file text with
    /// relative names; without an SOA of its own it gets one (serial 1), an NS and the NS's address.
    pub(crate) fn zone(mut self, name: &str, records: &str) -> Self {
        self.zones.push((name.to_owned(), records.to_owned()));
        self
    }

    /// Starts it and waits until it answers.
    #[track_caller]
    pub(crate) fn start(self) -> Pdns {
        let directory = TempDir::with_prefix("nsbridge-pdns-").expect("a temporary directory");
        let key = Key::new("plesk");
        let api_key = STANDARD.encode(Key::new("api").secret());
        let mut pdns = Pdns {
            key_file: key.write(directory.path()),
            directory,
            key,
            api_key,
            ports: (Port::claim(), Port::claim()),
            child: None,
            log_seen: 0,
        };
        pdns.make_database();
        write(&pdns.api_key_file(), &pdns.api_key);
        fs::set_permissions(pdns.api_key_file(), Permissions::from_mode(0o600))
            .expect("the file is ours");
        write(&pdns.file("pdns.conf"), &pdns.conf());
        pdns.import_key();
        for (name, records) in &self.zones {
            pdns.load_zone(name, records);
        }
        for _ in 0..PORT_TRIES {
            write(&pdns.file("pdns.conf"), &pdns.conf());
            if pdns.launch() == Launch::Runs {
                return pdns;
            }
            pdns.kill();
            pdns.ports = (Port::claim(), Port::claim());
        }
        panic!("other programs took the ports of {PORT_TRIES} tries");
    }
}

/// What came of starting the program.
#[derive(Debug, PartialEq, Eq)]
enum Launch {
    Runs,
    PortTaken,
}

/// A running PowerDNS.
#[derive(Debug)]
pub(crate) struct Pdns {
    directory: TempDir,
    key: Key,
    key_file: PathBuf,
    api_key: String,
    /// For DNS, and for the API.
    ports: (Port, Port),
    child: Option<Child>,
    /// Octets of the log that were there before the latest start.
    log_seen: usize,
}

impl Pdns {
    /// A server to describe.
    pub(crate) fn builder() -> Builder {
        Builder::default()
    }

    /// The port of the API.
    pub(crate) fn api_port(&self) -> u16 {
        self.ports.1.number()
    }

    /// The file of the key of the API, readable by its owner only.
    pub(crate) fn api_key_file(&self) -> PathBuf {
        self.file("api.key")
    }

    /// Runs `pdnsutil` with a command, such as `get-meta example.com`; it must succeed.
    #[track_caller]
    pub(crate) fn pdnsutil(&self, command: &[&str]) -> String {
        let said = self.run("pdnsutil", command);
        assert!(
            said.status == Some(0),
            "`pdnsutil {}` ended with {:?}:\n{}{}",
            command.join(" "),
            said.status,
            said.stdout(),
            said.stderr()
        );
        said.stdout()
    }

    /// Makes the key `plesk` known to the server.
    #[track_caller]
    fn import_key(&self) {
        let secret = STANDARD.encode(self.key.secret());
        self.pdnsutil(&["import-tsig-key", self.key.name(), "hmac-sha256", &secret]);
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Said {
        let directory = format!("--config-dir={}", self.directory.path().display());
        process::run(program, &[&[&*directory], arguments].concat(), b"")
    }

    #[track_caller]
    fn make_database(&self) {
        let schema = fs::read_to_string(SCHEMA);
        let schema = schema.unwrap_or_else(|error| {
            panic!("`pdns-backend-sqlite3` is not installed: {error}\nhint: testenv/install")
        });
        let made = Connection::open(self.file("pdns.sqlite3"))
            .and_then(|database| database.execute_batch(&schema));
        made.unwrap_or_else(|error| panic!("the schema of PowerDNS: {error}"));
    }

    #[track_caller]
    fn load_zone(&self, name: &str, records: &str) {
        let file = self.file("loaded.zone");
        write(&file, &format!("$ORIGIN {name}.\n{}", zone_file(records)));
        self.pdnsutil(&["load-zone", name, &file.to_string_lossy()]);
        self.pdnsutil(&["set-kind", name, "primary"]);
        for permission in ["TSIG-ALLOW-AXFR", "TSIG-ALLOW-DNSUPDATE"] {
            self.pdnsutil(&["set-meta", name, permission, self.key.name()]);
        }
    }

    /// Ends it at once, as a crash does, and waits for the end.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts the program and waits until it runs or has met a port in use.
    #[track_caller]
    fn launch(&mut self) -> Launch {
        self.log_seen = self.log().len();
        let log = self.file("pdns.log");
        let output = OpenOptions::new().create(true).append(true).open(&log);
        let output = output.unwrap_or_else(|error| panic!("{}: {error}", log.display()));
        let mut command = Command::new("/usr/sbin/pdns_server");
        command.arg(format!("--config-dir={}", self.directory.path().display()));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(output);
        let child = command.spawn();
        let child = child.unwrap_or_else(|error| process::cannot_start("pdns_server", &error));
        self.child = Some(child);
        let launched = wait::until_some(wait::PATIENCE, || self.look());
        launched.unwrap_or_else(|| panic!("PowerDNS does not run after {:?}", wait::PATIENCE))
    }

    /// Whether it runs, or why it never will; `None` while neither is known.
    fn look(&mut self) -> Option<Launch> {
        let ended = self
            .child
            .as_mut()
            .and_then(|child| child.try_wait().ok().flatten());
        let log = self.log();
        let log = log.get(self.log_seen..).unwrap_or_default();
        if log.contains("Address already in use") {
            return Some(Launch::PortTaken);
        }
        if log.contains("ready to distribute questions") {
            return Some(Launch::Runs);
        }
        assert!(ended.is_none(), "PowerDNS ended with {ended:?}");
        None
    }

    fn conf(&self) -> String {
        let usual = "launch=gsqlite3\ngsqlite3-database={dir}/pdns.sqlite3\nsocket-dir={dir}\n\
                     local-address=127.0.0.1\nlocal-port={port}\nprimary=yes\ndnsupdate=yes\n\
                     api=yes\napi-key={api-key}\nwebserver-address=127.0.0.1\nwebserver-port={api}\n\
                     only-notify=\nloglevel=6\nlog-dns-queries=no\nsecurity-poll-suffix=\n";
        usual
            .replace("{port}", &self.port().to_string())
            .replace("{api}", &self.api_port().to_string())
            .replace("{api-key}", &self.api_key)
            .replace("{dir}", &self.directory.path().to_string_lossy())
    }
}

impl Server for Pdns {
    fn port(&self) -> u16 {
        self.ports.0.number()
    }

    fn key_file(&self) -> &Path {
        &self.key_file
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn log(&self) -> String {
        let log = fs::read(self.file("pdns.log")).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    #[track_caller]
    fn updates_received(&self) -> u32 {
        let said = self.run("pdns_control", &["show", "dnsupdate-queries"]);
        let count = said.stdout().trim().parse();
        count.unwrap_or_else(|error| panic!("{error}: {}{}", said.stdout(), said.stderr()))
    }

    fn provisioning(&self, bridge: Bridge) -> Bridge {
        bridge.powerdns(self.api_port(), &self.api_key_file())
    }

    fn stop(&mut self) {
        let Some(mut child) = self.child.take() else {
            return;
        };
        process::send_signal(child.id(), "TERM");
        let ended = wait::until_some(wait::PATIENCE, || child.try_wait().ok().flatten());
        self.child = Some(child);
        self.kill();
        assert!(ended.is_some(), "PowerDNS did not end when asked to");
    }

    #[track_caller]
    fn restart(&mut self) {
        self.stop();
        let launched = self.launch();
        assert!(
            launched == Launch::Runs,
            "another program took a port in between"
        );
    }
}

impl Drop for Pdns {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            show_log(&self.log());
        }
    }
}

#[expect(
    clippy::print_stderr,
    reason = "the test fails; libtest shows this with its message"
)]
fn show_log(log: &str) {
    let lines: Vec<&str> = log.lines().collect();
    let shown = lines.len().saturating_sub(LOG_LINES_SHOWN);
    eprintln!(
        "--- the log of PowerDNS, its last lines:\n{}\n---",
        lines[shown..].join("\n")
    );
}

#[track_caller]
fn write(path: &Path, contents: &str) {
    fs::write(path, contents).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
