//! A real BIND for one test: fresh directory, free ports of 127.0.0.1, new keys.
//!
//! `start` returns when the server says that it runs, on ports that it has for itself. Nothing of a
//! system-wide BIND is used but its programs.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::authority::Authority;
use crate::support::bridge::Bridge;
use crate::support::daemon::{Daemon, Release};
use crate::support::keys::Key;
use crate::support::named_conf::{Choices, INITIAL_ZONE};
pub(crate) use crate::support::named_conf::{View, Zone};
use crate::support::ports::Port;
use crate::support::process::{self, Said};
use crate::support::server::Server;
use crate::support::wait;

/// How often new ports are tried when another program takes one first.
const PORT_TRIES: u32 = 5;

/// The template that a server has whose release knows templates.
pub(crate) const TEMPLATE: &str = "made-here";

/// How a server shall be. Without further calls: one key `plesk`, a control channel with the key
/// `rndc`, new zones allowed, no zone.
#[derive(Debug)]
pub(crate) struct Builder {
    release: Release,
    keys: Vec<Key>,
    choices: Choices,
    written: Option<String>,
    tls: Tls,
    octets_free: Option<u32>,
}

/// Whether a server listens for DNS over TLS.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Tls {
    #[default]
    Off,
    On,
    /// Clients must show a certificate of the server's authority.
    Mutual,
}

impl Builder {
    /// Adds a key. The first one is the one that `{key}` stands for; without any, it is `plesk`.
    pub(crate) fn key(mut self, key: Key) -> Self {
        self.keys.push(key);
        self
    }

    /// Adds a zone. A server with views has zones in its views only.
    pub(crate) fn zone(mut self, zone: Zone) -> Self {
        self.choices.zones.push(zone);
        self
    }

    /// Adds a view.
    pub(crate) fn view(mut self, view: View) -> Self {
        self.choices.views.push(view);
        self
    }

    /// Adds text to `options`. An `allow-transfer` takes the place of the first key's.
    pub(crate) fn options(mut self, text: &str) -> Self {
        self.choices.options.push_str(text);
        self.choices.options.push('\n');
        self
    }

    /// Adds statements beside `options`, such as a `dnssec-policy`.
    pub(crate) fn statements(mut self, text: &str) -> Self {
        self.choices.statements.push_str(text);
        self.choices.statements.push('\n');
        self
    }

    /// Bounds every journal, such as `64k`: the server forgets old differences early.
    pub(crate) fn max_journal(self, size: &str) -> Self {
        self.options(&format!("max-journal-size {size};"))
    }

    /// `allow-new-zones no`.
    pub(crate) fn closed_to_new_zones(mut self) -> Self {
        self.choices.closed_to_new_zones = true;
        self
    }

    /// Also listens for DNS over TLS, with a certificate for `ns.test` and 127.0.0.1 from an
    /// authority of its own.
    pub(crate) fn tls(mut self) -> Self {
        self.tls = Tls::On;
        self
    }

    /// The same, and asks clients for a certificate from that authority.
    pub(crate) fn mutual_tls(mut self) -> Self {
        self.tls = Tls::Mutual;
        self
    }

    /// Takes this for the whole `named.conf`. In it, `{port}`, `{control}` and `{spare}` stand for three
    /// ports, and `{dir}` for the directory, which holds the keys as `NAME.key` and the zones' files.
    pub(crate) fn written(mut self, conf: &str) -> Self {
        self.written = Some(conf.to_owned());
        self
    }

    /// Gives the installed server a disk of its own with only so many octets free, which a container of its own shows.
    pub(crate) fn octets_free(mut self, octets: u32) -> Self {
        self.octets_free = Some(octets);
        self
    }

    /// Starts it and waits until it runs.
    #[track_caller]
    pub(crate) fn start(mut self) -> Named {
        if self.keys.is_empty() {
            self.keys.push(Key::new("plesk"));
        }
        let directory = TempDir::with_prefix("nsbridge-named-").expect("a temporary directory");
        let control_key = Key::new("rndc");
        let mut named = Named {
            daemon: Daemon::new("named", self.release, directory.path()),
            key_files: self
                .keys
                .iter()
                .map(|key| key.write(directory.path()))
                .collect(),
            control_key_file: control_key.write(directory.path()),
            directory,
            keys: self.keys,
            control_key,
            choices: self.choices,
            written: self.written,
            ports: Ports::claim(),
            tls: self.tls,
            octets_free: self.octets_free,
        };
        if self.release == Release::Experimental {
            write(&named.file("initial.db"), INITIAL_ZONE);
            let template = format!(
                "template {TEMPLATE} {{ type primary; file \"$name.db\"; \
                 initial-file \"{{dir}}/initial.db\"; check-names ignore; check-integrity no; \
                 update-policy {{ grant {{key}} zonesub ANY; }}; }};\n"
            );
            named.choices.statements.push_str(&template);
        }
        for (file, contents) in named.choices.files() {
            write(&named.file(&file), contents);
        }
        if named.tls != Tls::Off {
            let authority = Authority::new(named.directory.path(), "authority");
            authority.issue("tls", "DNS:ns.test,IP:127.0.0.1");
        }
        for _ in 0..PORT_TRIES {
            write(&named.file("named.conf"), &named.conf());
            if named.launch() == Launch::Runs {
                return named;
            }
            named.daemon.kill();
            named.ports = Ports::claim();
        }
        panic!("other programs took the ports of {PORT_TRIES} tries");
    }
}

/// The ports of one server.
#[derive(Debug)]
struct Ports {
    dns: Port,
    tls: Port,
    control: Port,
}

impl Ports {
    fn claim() -> Self {
        Self {
            dns: Port::claim(),
            tls: Port::claim(),
            control: Port::claim(),
        }
    }
}

/// What came of starting the program.
#[derive(Debug, PartialEq, Eq)]
enum Launch {
    Runs,
    PortTaken,
}

/// A running BIND.
#[derive(Debug)]
pub(crate) struct Named {
    // Dropped first: the server ends before its directory.
    daemon: Daemon,
    directory: TempDir,
    keys: Vec<Key>,
    key_files: Vec<PathBuf>,
    control_key: Key,
    control_key_file: PathBuf,
    choices: Choices,
    written: Option<String>,
    ports: Ports,
    tls: Tls,
    octets_free: Option<u32>,
}

impl Named {
    /// A server to describe.
    pub(crate) fn builder() -> Builder {
        Self::of(Release::Installed)
    }

    /// A server of a release to describe.
    pub(crate) fn of(release: Release) -> Builder {
        Builder {
            release,
            keys: Vec::new(),
            choices: Choices::default(),
            written: None,
            tls: Tls::Off,
            octets_free: None,
        }
    }

    /// The port for DNS over TLS.
    pub(crate) fn tls_port(&self) -> u16 {
        self.ports.tls.number()
    }

    /// The port that nothing but a written configuration uses, where there is no TLS.
    pub(crate) fn spare_port(&self) -> u16 {
        self.ports.tls.number()
    }

    /// The port of the control channel.
    pub(crate) fn control_port(&self) -> u16 {
        self.ports.control.number()
    }

    /// The first key.
    pub(crate) fn key(&self) -> &Key {
        self.keys.first().expect("a server has a key")
    }

    /// The file of the key called `name`.
    #[track_caller]
    pub(crate) fn key_file_of(&self, name: &str) -> &Path {
        let index = self.keys.iter().position(|key| key.name() == name);
        let index = index.unwrap_or_else(|| panic!("this server has no key `{name}`"));
        &self.key_files[index]
    }

    /// The control channel's key file.
    pub(crate) fn control_key_file(&self) -> &Path {
        &self.control_key_file
    }

    /// The authority that the certificate for DNS over TLS is from.
    pub(crate) fn authority(&self) -> Authority {
        Authority::at(self.directory.path(), "authority")
    }

    /// The certificate for DNS over TLS, in PEM.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.file("tls.crt")
    }

    /// Puts the file in place of a zone that is yet to be made, as whoever makes zones of files does: with an
    /// SOA, an NS and these records.
    #[track_caller]
    pub(crate) fn put_zone_file(&self, zone: &str, records: &str) {
        let start = "$TTL 60\n@ SOA localhost. nobody.invalid. 1 1 1 1 1\n@ NS localhost.\n";
        let file = self.file(&format!("{zone}.db"));
        fs::write(file, format!("{start}{records}")).expect("the file is written");
    }

    /// The names of the files that belong to a zone.
    #[track_caller]
    pub(crate) fn zone_files(&self, zone: &str) -> Vec<String> {
        let entries = fs::read_dir(self.file("")).expect("the server's directory");
        let names = entries
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.filter(|name| name.starts_with(zone)).collect()
    }

    /// Runs `rndc` with a command, such as `zonestatus example.com`.
    #[track_caller]
    pub(crate) fn rndc(&self, command: &[&str]) -> Said {
        let port = self.control_port().to_string();
        let key = self.control_key_file.to_string_lossy();
        let connection = ["-s", "127.0.0.1", "-p", &port, "-k", &*key];
        process::run("rndc", &[&connection, command].concat(), b"")
    }

    /// The commands that its control channel has received, without their arguments.
    pub(crate) fn control_commands(&self) -> Vec<String> {
        let log = self.log();
        let commands = log.split("received control channel command '").skip(1);
        let words = commands.filter_map(|rest| rest.split(['\'', ' ', '\n']).next());
        words
            .filter(|word| *word != "null")
            .map(str::to_owned)
            .collect()
    }

    /// Starts the program and waits until it runs or has met a port in use.
    #[track_caller]
    fn launch(&mut self) -> Launch {
        let conf = self.file("named.conf");
        let program = match self.daemon.release() {
            Release::Installed => program_for(self.directory.path()),
            Release::Debian13 | Release::Experimental => "/usr/sbin/named".into(),
        };
        let program = match self.octets_free {
            Some(octets) => self.on_nearly_full_disk(&program, octets),
            None => program,
        };
        let arguments = ["-g", "-c", &*conf.to_string_lossy(), "-4", "-n", "2"];
        self.daemon.start(&program, &arguments);
        let launched = wait::until_some(wait::PATIENCE, || self.look());
        launched.unwrap_or_else(|| panic!("named does not run after {:?}", wait::PATIENCE))
    }

    /// Writes a script that runs the program with a nearly full file system in the place of the directory.
    fn on_nearly_full_disk(&self, program: &Path, octets_free: u32) -> PathBuf {
        let (directory, program) = (self.directory.path().display(), program.display());
        let inner = format!(
            "cp -a {directory} {directory}.whole && mount -t tmpfs -o size=4m tmpfs {directory} && \
             cp -a {directory}.whole/. {directory} && rm -r {directory}.whole && \
             (cat /dev/zero > {directory}/filler; true) 2> /dev/null; \
             truncate -s -{octets_free} {directory}/filler; exec {program} \"$@\""
        );
        let script = format!(
            "#!/bin/sh\nexec unshare --user --map-root-user --mount sh -c '{inner}' sh \"$@\"\n"
        );
        let file = self.file("named-on-a-full-disk");
        write(&file, &script);
        fs::set_permissions(&file, Permissions::from_mode(0o700)).expect("our own file");
        file
    }

    /// Whether it runs, or why it never will; `None` while neither is known.
    fn look(&mut self) -> Option<Launch> {
        // First the process, then the log: so the log is whole when the process has ended.
        let ended = self.daemon.ended();
        let log = self.daemon.fresh_log();
        // The first is said of a TCP port, the second of a UDP port.
        if log.contains("address in use") || log.contains("interface ignored") {
            return Some(Launch::PortTaken);
        }
        if log.lines().any(|line| line.ends_with(" running")) {
            return Some(Launch::Runs);
        }
        assert!(ended.is_none(), "named ended with {ended:?}");
        None
    }

    fn conf(&self) -> String {
        match &self.written {
            Some(written) => written
                .replace("{port}", &self.port().to_string())
                .replace("{control}", &self.control_port().to_string())
                .replace("{spare}", &self.spare_port().to_string())
                .replace("{dir}", &self.directory.path().to_string_lossy()),
            None => self.described_conf(),
        }
    }

    fn described_conf(&self) -> String {
        let mut listen = format!("listen-on port {} {{ 127.0.0.1; }};", self.port());
        let mut text = String::new();
        for key in self.keys.iter().chain([&self.control_key]) {
            text.push_str(key.statement());
        }
        if self.tls != Tls::Off {
            let tls = format!(
                "\nlisten-on port {} tls test {{ 127.0.0.1; }};",
                self.tls_port()
            );
            listen.push_str(&tls);
            let ask_clients = match self.tls {
                Tls::Mutual => "ca-file \"{dir}/authority.crt\";",
                Tls::On | Tls::Off => "",
            };
            text.push_str("tls test { cert-file \"{dir}/tls.crt\"; key-file \"{dir}/tls.key\"; ");
            text.push_str(ask_clients);
            text.push_str(" };\n");
        }
        let controls = format!(
            "controls {{ inet 127.0.0.1 port {} allow {{ 127.0.0.1; }} keys {{ rndc; }}; }};\n",
            self.control_port()
        );
        text.push_str(&controls);
        text.push_str(&self.choices.render(&listen));
        text.replace("{key}", self.key().name())
            .replace("{spare}", &self.spare_port().to_string())
            .replace("{dir}", &self.directory.path().to_string_lossy())
    }
}

impl Server for Named {
    fn port(&self) -> u16 {
        self.ports.dns.number()
    }

    fn key_file(&self) -> &Path {
        self.key_files.first().expect("a server has a key")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn log(&self) -> String {
        self.daemon.log()
    }

    #[track_caller]
    fn updates_received(&self) -> u32 {
        let file = self.file("named.stats");
        let _ = fs::remove_file(&file);
        assert_eq!(self.rndc(&["stats"]).status, Some(0));
        let statistics = fs::read_to_string(&file).unwrap_or_default();
        let counter = statistics
            .lines()
            .find_map(|line| line.strip_suffix(" UPDATE"));
        counter.map_or(0, |count| {
            count.trim().parse().expect("a counter is a number")
        })
    }

    fn commands_that_change(&self) -> Vec<String> {
        let mut commands = self.control_commands();
        // And what the harness asks; named may log it late.
        let asks = ["zonestatus", "showzone", "stats"];
        commands.retain(|command| !asks.iter().any(|word| command.starts_with(word)));
        commands
    }

    fn provisioning(&self, bridge: Bridge) -> Bridge {
        match self.daemon.release() {
            Release::Installed | Release::Debian13 => bridge.seed(self),
            Release::Experimental => bridge.template(self, TEMPLATE),
        }
    }

    fn stop(&mut self) {
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

/// The program to run. Where `AppArmor` confines the installed one to the system's own directories, a
/// copy of it is run: the profile goes by path.
fn program_for(directory: &Path) -> PathBuf {
    let installed = ["/usr/sbin/named", "/usr/local/sbin/named", "/usr/bin/named"];
    let installed = installed.iter().map(Path::new).find(|path| path.exists());
    let Some(installed) = installed else {
        panic!("`named` is not installed\nhint: testenv/install servers");
    };
    let enabled = fs::read_to_string("/sys/module/apparmor/parameters/enabled");
    if !enabled.is_ok_and(|answer| answer.starts_with('Y')) {
        return installed.to_owned();
    }
    let copy = directory.join("named");
    fs::copy(installed, &copy).unwrap_or_else(|error| panic!("{}: {error}", copy.display()));
    copy
}

#[track_caller]
fn write(path: &Path, contents: &str) {
    fs::write(path, contents).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
