//! A real PowerDNS for one test: fresh directory and database, free ports of 127.0.0.1, new keys.
//!
//! `start` returns when the server answers on ports that it has for itself. Nothing of a system-wide
//! PowerDNS is used but its programs.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rusqlite::Connection;
use tempfile::TempDir;

use crate::support::bridge::Bridge;
use crate::support::daemon::{Daemon, Release};
use crate::support::keys::Key;
use crate::support::named_conf::zone_file;
use crate::support::ports::Port;
use crate::support::process::Said;
use crate::support::server::Server;
use crate::support::wait;

/// How often new ports are tried when another program takes one first.
const PORT_TRIES: u32 = 5;

/// The tables of the database, as the package brings them.
const SCHEMA: &str = "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql";

/// How a server shall be. Without further calls: one key `plesk`, the API on, no zone.
#[derive(Debug)]
pub(crate) struct Builder {
    release: Release,
    zones: Vec<(String, String)>,
    /// The names of those of them that are signed.
    signed: Vec<String>,
    /// The names of those of them that the key may not update.
    closed: Vec<String>,
    policy: Option<String>,
    /// Catalogs, and where each is kept.
    followed: Vec<(String, String)>,
    settings: Vec<(String, String)>,
    without_key: bool,
}

impl Builder {
    /// Sets a setting of `pdns.conf` in place of the usual one.
    pub(crate) fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The server does not know the key `plesk`.
    pub(crate) fn without_key(mut self) -> Self {
        self.without_key = true;
        self
    }

    /// Adds a zone that the key `plesk` may update and transfer. `records` is master-file text with
    /// relative names; without an SOA of its own it gets one (serial 1), an NS and the NS's address.
    pub(crate) fn zone(mut self, name: &str, records: &str) -> Self {
        self.zones.push((name.to_owned(), records.to_owned()));
        self
    }

    /// Adds a zone that the key may transfer only.
    pub(crate) fn closed_zone(mut self, name: &str, records: &str) -> Self {
        self.closed.push(name.to_owned());
        self.zone(name, records)
    }

    /// Asks a script which records of an UPDATE are taken.
    pub(crate) fn policy(mut self, script: &str) -> Self {
        self.policy = Some(script.to_owned());
        self.setting("lua-dnsupdate-policy-script", "{dir}/policy.lua")
    }

    /// Adds a zone as [`Self::zone`] does, and signs what is answered of it.
    pub(crate) fn signed_zone(mut self, name: &str, records: &str) -> Self {
        self.signed.push(name.to_owned());
        self.setting("gsqlite3-dnssec", "yes").zone(name, records)
    }

    /// Follows a catalog of the server on a port of 127.0.0.1, and looks every second what has become of it.
    pub(crate) fn follow(mut self, catalog: &str, primary: u16) -> Self {
        let followed = (catalog.to_owned(), format!("127.0.0.1:{primary}"));
        self.followed.push(followed);
        self.setting("xfr-cycle-interval", "1")
    }

    /// Starts it and waits until it answers.
    #[track_caller]
    pub(crate) fn start(self) -> Pdns {
        let directory = TempDir::with_prefix("nsbridge-pdns-").expect("a temporary directory");
        let key = Key::new("plesk");
        let api_key = STANDARD.encode(Key::new("api").secret());
        let mut pdns = Pdns {
            daemon: Daemon::new("PowerDNS", self.release, directory.path()),
            key_file: key.write(directory.path()),
            directory,
            key,
            api_key,
            settings: self.settings,
            ports: (Port::claim(), Port::claim()),
        };
        pdns.make_database();
        write(&pdns.api_key_file(), &pdns.api_key);
        fs::set_permissions(pdns.api_key_file(), Permissions::from_mode(0o600))
            .expect("the file is ours");
        write(&pdns.file("pdns.conf"), &pdns.conf());
        if !self.without_key {
            pdns.import_key();
        }
        for (name, records) in &self.zones {
            pdns.load_zone(name, records);
        }
        for name in &self.closed {
            pdns.pdnsutil(&["set-meta", name, "TSIG-ALLOW-DNSUPDATE", "nobody"]);
        }
        if let Some(script) = &self.policy {
            write(&pdns.file("policy.lua"), script);
        }
        for name in &self.signed {
            pdns.pdnsutil(&["secure-zone", name]);
        }
        for (catalog, primary) in &self.followed {
            pdns.pdnsutil(&["create-secondary-zone", catalog, primary]);
            pdns.pdnsutil(&["set-kind", catalog, "consumer"]);
        }
        for _ in 0..PORT_TRIES {
            write(&pdns.file("pdns.conf"), &pdns.conf());
            if pdns.launch() == Launch::Runs {
                return pdns;
            }
            pdns.daemon.kill();
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
    // Dropped first: the server ends before its directory.
    daemon: Daemon,
    directory: TempDir,
    key: Key,
    key_file: PathBuf,
    api_key: String,
    settings: Vec<(String, String)>,
    /// For DNS, and for the API.
    ports: (Port, Port),
}

impl Pdns {
    /// A server of a release to describe.
    pub(crate) fn of(release: Release) -> Builder {
        Builder {
            release,
            zones: Vec::new(),
            signed: Vec::new(),
            closed: Vec::new(),
            policy: None,
            followed: Vec::new(),
            settings: Vec::new(),
            without_key: false,
        }
    }

    /// The server that is installed, to describe.
    pub(crate) fn builder() -> Builder {
        Self::of(Release::Installed)
    }

    /// The key that may do everything.
    pub(crate) fn key(&self) -> &Key {
        &self.key
    }

    /// The port of the API.
    pub(crate) fn api_port(&self) -> u16 {
        self.ports.1.number()
    }

    /// The file of the key of the API, readable by its owner only.
    pub(crate) fn api_key_file(&self) -> PathBuf {
        self.file("api.key")
    }

    /// Sets a setting of its `pdns.conf`, and starts it anew.
    #[track_caller]
    pub(crate) fn amend(&mut self, name: &str, value: &str) {
        self.settings.push((name.to_owned(), value.to_owned()));
        write(&self.file("pdns.conf"), &self.conf());
        self.restart();
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

    /// Changes what it has stored, behind its back.
    #[track_caller]
    pub(crate) fn sql(&self, statement: &str) {
        let changed = Connection::open(self.file("pdns.sqlite3"))
            .and_then(|database| database.execute(statement, []));
        assert!(
            changed.is_ok_and(|rows| rows > 0),
            "`{statement}` changed nothing"
        );
    }

    /// Runs statements on its database behind its back.
    #[track_caller]
    pub(crate) fn sql_batch(&self, statements: &str) {
        let ran = Connection::open(self.file("pdns.sqlite3"))
            .and_then(|database| database.execute_batch(statements));
        ran.unwrap_or_else(|error| panic!("`{statements}`: {error}"));
    }

    /// Writes to its database, and holds that as long.
    #[track_caller]
    #[expect(
        clippy::disallowed_methods,
        reason = "there is nothing to wait for but the time"
    )]
    pub(crate) fn hold_database(&self, time: Duration) {
        let write = "BEGIN IMMEDIATE; UPDATE domains SET notified_serial = notified_serial;";
        let database = Connection::open(self.file("pdns.sqlite3")).expect("it has a database");
        database.execute_batch(write).expect("it waits for others");
        std::thread::sleep(time);
        database.execute_batch("COMMIT").expect("it is ours");
    }

    /// Runs `pdns_control` with a command, such as `purge`.
    #[track_caller]
    pub(crate) fn pdns_control(&self, command: &[&str]) {
        let said = self.run("pdns_control", command);
        assert!(said.status == Some(0), "{}{}", said.stdout(), said.stderr());
    }

    /// What it has stored, by a query of one column of text; sorted.
    #[track_caller]
    pub(crate) fn stored(&self, query: &str) -> Vec<String> {
        let database = Connection::open(self.file("pdns.sqlite3")).expect("it has a database");
        let mut statement = database.prepare(query).expect("a query");
        let rows = statement.query_map([], |row| row.get(0));
        let mut rows: Vec<String> = rows.unwrap().map(Result::unwrap).collect();
        rows.sort();
        rows
    }

    /// Makes the key `plesk` known to the server.
    #[track_caller]
    fn import_key(&self) {
        let secret = STANDARD.encode(self.key.secret());
        self.pdnsutil(&["import-tsig-key", self.key.name(), "hmac-sha256", &secret]);
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Said {
        let directory = format!("--config-dir={}", self.directory.path().display());
        self.daemon
            .run_tool(program, &[&[&*directory], arguments].concat())
    }

    #[track_caller]
    fn make_database(&self) {
        let schema = fs::read_to_string(SCHEMA);
        let schema = schema.unwrap_or_else(|error| {
            panic!(
                "`pdns-backend-sqlite3` is not installed: {error}\nhint: testenv/install servers"
            )
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

    /// Starts the program and waits until it runs or has met a port in use.
    #[track_caller]
    fn launch(&mut self) -> Launch {
        let config = format!("--config-dir={}", self.directory.path().display());
        self.daemon
            .start(Path::new("/usr/sbin/pdns_server"), &[&config]);
        let launched = wait::until_some(wait::PATIENCE, || self.look());
        launched.unwrap_or_else(|| panic!("PowerDNS does not run after {:?}", wait::PATIENCE))
    }

    /// Whether it runs, or why it never will; `None` while neither is known.
    fn look(&mut self) -> Option<Launch> {
        let ended = self.daemon.ended();
        let log = self.daemon.fresh_log();
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
                     local-address=127.0.0.1\nlocal-port={port}\nprimary=yes\nsecondary=yes\n\
                     dnsupdate=yes\n\
                     api=yes\napi-key={api-key}\nwebserver-address=127.0.0.1\nwebserver-port={api}\n\
                     only-notify=\nloglevel=6\nlog-dns-queries=no\nsecurity-poll-suffix=\n";
        let mut text = usual.to_owned();
        for (name, value) in &self.settings {
            let others = text.lines().filter(|line| {
                let (key, _) = line.split_once('=').unwrap_or((line, ""));
                key != name
            });
            let line = format!("{name}={value}");
            text = others.chain([&*line]).collect::<Vec<_>>().join("\n");
        }
        text.replace("{port}", &self.port().to_string())
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
        self.daemon.log()
    }

    #[track_caller]
    fn updates_received(&self) -> u32 {
        let said = self.run("pdns_control", &["show", "dnsupdate-queries"]);
        let count = said.stdout().trim().parse();
        count.unwrap_or_else(|error| panic!("{error}: {}{}", said.stdout(), said.stderr()))
    }

    fn commands_that_change(&self) -> Vec<String> {
        let log = self.log();
        let requests = log.lines().filter(|line| line.contains("HTTP/1.1\""));
        let changing = requests.filter(|line| !line.contains("\"GET "));
        changing.map(str::to_owned).collect()
    }

    fn keeps_soa_ttl(&self) -> bool {
        true
    }

    fn provisioning(&self, bridge: Bridge) -> Bridge {
        bridge.powerdns(self.api_port(), &self.api_key_file())
    }

    fn stop(&mut self) {
        // It has no handler for TERM.
        self.run("pdns_control", &["quit"]);
        self.daemon.stop();
    }

    fn kill(&mut self) {
        self.daemon.kill();
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

#[track_caller]
fn write(path: &Path, contents: &str) {
    fs::write(path, contents).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
