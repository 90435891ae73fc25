//! A real Knot DNS for one test: fresh directory, a free port of 127.0.0.1, new keys, and a catalog of
//! whose members it makes primary zones.
//!
//! `start` returns when the server serves the catalog. It is killed and waited for when the value is
//! dropped; if the test is failing then, its log is shown. Nothing of a system-wide Knot is used but its
//! programs.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::bridge::Bridge;
use crate::support::daemon::{Daemon, Release};
use crate::support::dig::Asker;
use crate::support::keys::Key;
use crate::support::members::entries;
use crate::support::named_conf::zone_file;
use crate::support::ports::Port;
use crate::support::server::Server;
use crate::support::wait;

/// How often new ports are tried when another program takes one first.
const PORT_TRIES: u32 = 5;

/// The catalog that every server has.
pub(crate) const CATALOG: &str = "catalog.example";

/// The catalog before anybody wrote to it (RFC 9432 section 4).
pub(crate) const EMPTY_CATALOG: &str = "\
@ 0 SOA invalid. invalid. 1 3600 600 2147483646 0
@ 0 NS invalid.
version 0 TXT \"2\"
";

/// What every zone begins with that is made from a seed.
const SEED: &str = "\
@ 300 SOA ns1.invalid. hostmaster.invalid. 1 3600 600 86400 300
@ 300 NS ns1.invalid.
";

/// How a server shall be. Without further calls: one key `plesk`, a catalog with a template of the kind
/// that the release is best with, no zone.
#[derive(Debug)]
pub(crate) struct Builder {
    release: Release,
    zones: Vec<(String, String)>,
    /// The names of those of them that are signed.
    signed: Vec<String>,
    /// The names of those of them that the key may not update.
    closed: Vec<String>,
    written: Option<[String; 3]>,
    /// What stands in place of what in the usual `knot.conf`.
    edits: Vec<(String, String)>,
    /// What the zone file of the catalog holds besides.
    members: String,
    template: String,
    /// Who is told of changes and may transfer: ports of 127.0.0.1.
    secondaries: Vec<u16>,
}

impl Builder {
    /// Adds a zone that is configured by hand, and that its key may update and transfer.
    pub(crate) fn zone(mut self, name: &str, records: &str) -> Self {
        self.zones.push((name.to_owned(), records.to_owned()));
        self
    }

    /// Adds a zone that the key may transfer only.
    pub(crate) fn closed_zone(mut self, name: &str, records: &str) -> Self {
        self.closed.push(name.to_owned());
        self.zone(name, records)
    }

    /// Adds a zone as [`Self::zone`] does, and signs it.
    pub(crate) fn signed_zone(mut self, name: &str, records: &str) -> Self {
        self.signed.push(name.to_owned());
        self.zone(name, records)
    }

    /// Members are made from a shared seed, as Knot before 3.4.5 needs it.
    pub(crate) fn seeded(mut self) -> Self {
        "seeded".clone_into(&mut self.template);
        self
    }

    /// Takes this for the whole `knot.conf`, and these for the zone file of the catalog and for `seed.zone`.
    /// In it, `{port}`, `{dir}` and `{secret}` stand for what the test has.
    pub(crate) fn written(mut self, conf: &str, catalog: &str, seed: &str) -> Self {
        self.written = Some([conf, catalog, seed].map(str::to_owned));
        self
    }

    /// Puts a text in place of a part of the usual `knot.conf`.
    pub(crate) fn edit(mut self, from: &str, to: &str) -> Self {
        self.edits.push((from.to_owned(), to.to_owned()));
        self
    }

    /// Adds records to the zone file of the catalog.
    pub(crate) fn members(mut self, records: &str) -> Self {
        self.members.push_str(records);
        self
    }

    /// Starts it and waits until it answers.
    #[track_caller]
    pub(crate) fn start(self) -> Knot {
        let directory = TempDir::with_prefix("nsbridge-knot-").expect("a temporary directory");
        let path = directory.path();
        let key = Key::new("plesk");
        let mut knot = Knot {
            daemon: Daemon::new("knotd", self.release, path),
            key_file: key.write(path),
            key,
            built: self,
            directory,
            port: Port::claim(),
        };
        let (mut catalog, mut seed) = (EMPTY_CATALOG, SEED);
        if let Some([_, written_catalog, written_seed]) = &knot.built.written {
            (catalog, seed) = (written_catalog, written_seed);
        }
        let catalog = catalog.to_owned() + &knot.built.members;
        write(&knot.file("catalog.zone"), &catalog);
        write(&knot.file("seed.zone"), seed);
        for (name, records) in &knot.built.zones {
            // As `%s` in a template has it.
            let file = format!("{}.zone", name.replace('/', "_"));
            write(&knot.file(&file), &zone_file(records));
        }
        for _ in 0..PORT_TRIES {
            write(&knot.file("knot.conf"), &knot.conf());
            if knot.launch() {
                return knot;
            }
            knot.daemon.kill();
            knot.port = Port::claim();
        }
        panic!("other programs took the ports of {PORT_TRIES} tries");
    }
}

/// A running Knot DNS.
#[derive(Debug)]
pub(crate) struct Knot {
    // Dropped first: the server ends before its directory.
    daemon: Daemon,
    directory: TempDir,
    key: Key,
    key_file: PathBuf,
    built: Builder,
    port: Port,
}

impl Knot {
    /// A server of the packages of this machine to describe.
    pub(crate) fn builder() -> Builder {
        Self::of(Release::Installed)
    }

    /// A server of a release to describe.
    pub(crate) fn of(release: Release) -> Builder {
        let template = match release {
            Release::Installed => "seeded",
            Release::Debian13 | Release::Experimental => "empty",
        };
        Builder {
            release,
            zones: Vec::new(),
            signed: Vec::new(),
            closed: Vec::new(),
            written: None,
            edits: Vec::new(),
            members: String::new(),
            template: template.to_owned(),
            secondaries: Vec::new(),
        }
    }

    /// Tells servers on these ports of 127.0.0.1 of changes, and lets everybody there transfer.
    #[track_caller]
    pub(crate) fn serve_secondaries(&mut self, ports: &[u16]) {
        self.built.secondaries = ports.to_vec();
        self.daemon.stop();
        write(&self.file("knot.conf"), &self.conf());
        assert!(self.launch(), "another program took the port in between");
    }

    /// Puts a text in place of a part of its `knot.conf`, and starts it anew.
    #[track_caller]
    pub(crate) fn amend(&mut self, from: &str, to: &str) {
        self.built.edits.push((from.to_owned(), to.to_owned()));
        self.daemon.stop();
        write(&self.file("knot.conf"), &self.conf());
        assert!(self.launch(), "another program took the port in between");
    }

    /// Runs `knotc` with a command, such as `zone-freeze example.com`; it must succeed.
    #[track_caller]
    pub(crate) fn knotc(&self, command: &[&str]) {
        let socket = self.file("knot.sock").to_string_lossy().into_owned();
        let said = self
            .daemon
            .run_tool("knotc", &[&["-s", &socket], command].concat());
        assert!(
            said.status == Some(0),
            "knotc {command:?}: {}",
            said.stderr()
        );
    }

    /// The key that may do everything.
    pub(crate) fn key(&self) -> &Key {
        &self.key
    }

    /// The claims and members of the catalog, sorted.
    #[track_caller]
    pub(crate) fn catalog(&self) -> Vec<String> {
        entries(Asker::at(self.port(), self.key_file()).axfr(CATALOG))
    }

    fn conf(&self) -> String {
        let secret = self.key.statement().split('"').nth(3);
        let secret = secret.expect("a statement has a quoted secret");
        if let Some([written, ..]) = &self.built.written {
            return self.filled(&written.replace("{secret}", secret));
        }
        let mut text = CONFIGURATION.replace("{secret}", secret);
        let (mut notify, mut to_all) = (String::new(), "");
        if !self.built.secondaries.is_empty() {
            text.push_str("  - id: secondaries\n    address: 127.0.0.1\n    action: transfer\n");
            text.push_str("remote:\n");
            to_all = ", secondaries";
            let ports = self.built.secondaries.iter();
            let names: Vec<String> = ports.map(|port| format!("to{port}")).collect();
            for (name, port) in names.iter().zip(&self.built.secondaries) {
                let _ = writeln!(text, "  - id: {name}\n    address: 127.0.0.1@{port}");
            }
            notify = format!("\n    notify: [{}]", names.join(", "));
        }
        text.push_str(TEMPLATES);
        text = text
            .replace("\n    {notify}", &notify)
            .replace("{to-all}", to_all)
            .replace("{template}", &self.built.template);
        for (name, _) in &self.built.zones {
            let _ = writeln!(text, "  - domain: {name}\n    template: hand");
            if self.built.signed.contains(name) {
                text.push_str("    dnssec-signing: on\n");
            }
            if self.built.closed.contains(name) {
                text.push_str("    acl: catalog-transfers\n");
            }
        }
        for (from, to) in &self.built.edits {
            assert!(text.contains(from), "no `{from}` in\n{text}");
            text = text.replace(from, to);
        }
        self.filled(&text)
    }

    fn filled(&self, text: &str) -> String {
        text.replace("{port}", &self.port().to_string())
            .replace("{dir}", &self.directory.path().to_string_lossy())
    }

    /// Starts it; no where another program took the port.
    #[track_caller]
    fn launch(&mut self) -> bool {
        let file = self.file("knot.conf").to_string_lossy().into_owned();
        self.daemon
            .start(Path::new("/usr/sbin/knotd"), &["-c", &file]);
        let started = wait::until_some(wait::PATIENCE, || {
            let ended = self.daemon.ended();
            let log = self.daemon.fresh_log();
            if log.contains("cannot bind") || log.contains("address already in use") {
                return Some(false);
            }
            assert!(ended.is_none(), "knotd ended with {ended:?}");
            let serves = |zone: &str| log.contains(&format!("[{zone}.] loaded"));
            let zones = self.built.zones.iter().map(|(name, _)| &**name);
            let is_up = log.contains("server started");
            (is_up && zones.chain([CATALOG]).all(serves)).then_some(true)
        });
        started.unwrap_or_else(|| panic!("knotd does not run after {:?}", wait::PATIENCE))
    }
}

impl Server for Knot {
    fn port(&self) -> u16 {
        self.port.number()
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

    fn updates_received(&self) -> u32 {
        let log = self.daemon.log();
        let counts = log.split("DDNS, processing ").skip(1);
        counts
            .filter_map(|rest| rest.split(' ').next()?.parse::<u32>().ok())
            .sum()
    }

    fn commands_that_change(&self) -> Vec<String> {
        Vec::new()
    }

    fn provisioning(&self, bridge: Bridge) -> Bridge {
        bridge.by_catalog(CATALOG)
    }

    fn stop(&mut self) {
        self.daemon.stop();
    }

    fn kill(&mut self) {
        self.daemon.kill();
    }

    #[track_caller]
    fn restart(&mut self) {
        self.daemon.stop();
        assert!(self.launch(), "another program took the port in between");
    }
}

#[track_caller]
fn write(path: &Path, contents: &str) {
    fs::write(path, contents).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// `catalog-transfers` and `catalog-changes` are all that nsbridge needs of the catalog, and `zones` is all
/// that it needs of members.
const CONFIGURATION: &str = "\
server:
    listen: 127.0.0.1@{port}
    rundir: {dir}
database:
    storage: {dir}
log:
  - target: stderr
    any: debug
key:
  - id: plesk
    algorithm: hmac-sha256
    secret: {secret}
acl:
  - id: zones
    key: plesk
    action: [update, transfer]
  - id: catalog-transfers
    key: plesk
    action: transfer
  - id: catalog-changes
    key: plesk
    action: update
    update-type: [PTR, TXT, ZONEMD]
    update-owner: name
    update-owner-match: sub
    update-owner-name: [zones, nsbridge.ext]
  - id: catalog-serial
    key: plesk
    action: update
    update-type: SOA
    update-owner: zone
    update-owner-match: equal
";

/// A template takes nothing from `default`, so each says again that no zone file is ever written: the
/// seed is one, and it would go with the first zone that is removed.
const TEMPLATES: &str = "\
template:
  - id: default
    storage: {dir}
  - id: hand
    storage: {dir}
    file: \"%s.zone\"
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: changes
    acl: [zones{to-all}]
    {notify}
  - id: seeded
    storage: {dir}
    file: seed.zone
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: changes
    acl: [zones{to-all}]
    {notify}
  - id: empty
    storage: {dir}
    zonefile-sync: -1
    zonefile-load: none
    journal-content: all
    acl: [zones{to-all}]
    {notify}
zone:
  - domain: catalog.example
    file: catalog.zone
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: changes
    acl: [catalog-transfers, catalog-changes, catalog-serial{to-all}]
    catalog-role: interpret
    catalog-template: [{template}]
    {notify}
";
