//! A real Knot DNS on a configuration database, for one test: fresh directory, a free port of
//! 127.0.0.1, a new key.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::daemon::{Daemon, Release};
use crate::support::keys::Key;
use crate::support::ports::Port;
use crate::support::process::{self, Said};
use crate::support::wait;

/// The configuration that the database is made from. `nsbridge` is the template that
/// `packaging/command/knotc` asks for.
const CONFIGURATION: &str = "\
server:
    listen: 127.0.0.1@{port}
    rundir: {dir}
database:
    storage: {dir}
control:
    listen: {dir}/knot.sock
log:
  - target: stderr
    any: info
key:
  - id: plesk
    algorithm: hmac-sha256
    secret: {secret}
acl:
  - id: plesk
    key: plesk
    action: [update, transfer]
template:
  - id: default
    storage: {dir}
  - id: nsbridge
    zonefile-sync: -1
    zonefile-load: none
    journal-content: all
    acl: plesk
";

/// A running Knot DNS.
#[derive(Debug)]
pub(crate) struct Knot {
    // Dropped first: the server ends before its directory.
    daemon: Daemon,
    directory: TempDir,
    key_file: PathBuf,
    port: Port,
}

impl Knot {
    /// Starts one without zones and waits until it answers on its control socket.
    #[track_caller]
    pub(crate) fn start() -> Self {
        let directory = TempDir::with_prefix("nsbridge-knot-").expect("a temporary directory");
        let key = Key::new("plesk");
        let port = Port::claim();
        let secret = key.statement().split('"').nth(3);
        let configuration = CONFIGURATION
            .replace("{port}", &port.number().to_string())
            .replace("{secret}", secret.expect("a statement has a quoted secret"))
            .replace("{dir}", &directory.path().to_string_lossy());
        let mut knot = Self {
            daemon: Daemon::new("knotd", Release::Installed, directory.path()),
            key_file: key.write(directory.path()),
            directory,
            port,
        };
        let file = knot.file("knot.conf");
        fs::write(&file, configuration).expect("a file of the test");
        let database = knot.file("confdb").to_string_lossy().into_owned();
        let file = file.to_string_lossy().into_owned();
        process::run_ok("knotc", &["-C", &database, "conf-import", &file]);
        knot.launch();
        knot
    }

    /// The port for DNS.
    pub(crate) fn port(&self) -> u16 {
        self.port.number()
    }

    /// The key's file.
    pub(crate) fn key_file(&self) -> &Path {
        &self.key_file
    }

    /// The control socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.file("knot.sock")
    }

    /// Runs `knotc`.
    #[track_caller]
    pub(crate) fn control(&self, command: &[&str]) -> Said {
        let socket = self.socket().to_string_lossy().into_owned();
        process::run("knotc", &[&["-s", &*socket], command].concat(), b"")
    }

    /// Kills it and starts it again.
    #[track_caller]
    pub(crate) fn restart(&mut self) {
        self.daemon.kill();
        self.launch();
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    #[track_caller]
    fn launch(&mut self) {
        let database = self.file("confdb").to_string_lossy().into_owned();
        self.daemon
            .start(Path::new("/usr/sbin/knotd"), &["-C", &database]);
        wait::until("knotd answers", || {
            self.control(&["status"]).status == Some(0)
        });
    }
}
