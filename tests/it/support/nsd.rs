//! A real NSD for one test: fresh directory, a free port of 127.0.0.1, and the key of the test.
//!
//! It takes no updates, so it is a secondary, or a server that says so. It is killed and waited for when
//! the value is dropped; if the test is failing then, its log is shown.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use tempfile::TempDir;

use crate::support::daemon::{Daemon, Release};
use crate::support::dig::Asker;
use crate::support::keys::Key;
use crate::support::ports::Port;
use crate::support::wait;

/// What every server has. The option `database` went with NSD 4.8, whose predecessors need it empty.
const SERVER: &str = "\
server:
    ip-address: 127.0.0.1@{port}
    username: \"\"
    zonesdir: \"{dir}\"
    pidfile: \"{dir}/nsd.pid\"
    xfrdfile: \"{dir}/xfrd.state\"
    xfrdir: \"{dir}\"
    zonelistfile: \"{dir}/zone.list\"
    verbosity: 2
    {database}
remote-control:
    control-enable: no
";

/// A running NSD.
#[derive(Debug)]
pub(crate) struct Nsd {
    // Dropped first: the server ends before its directory.
    _daemon: Daemon,
    _directory: TempDir,
    key_file: PathBuf,
    port: Port,
}

impl Nsd {
    /// Starts a server with these clauses after its own ones, in which `{secret}` stands for that of the
    /// key, and these files in its directory. It answers once `version.server` is.
    #[track_caller]
    pub(crate) fn start(
        release: Release,
        key: &Key,
        clauses: &str,
        files: &[(&str, &str)],
    ) -> Self {
        let directory = TempDir::with_prefix("nsbridge-nsd-").expect("a temporary directory");
        let (path, port) = (directory.path(), Port::claim());
        let secret = base64::engine::general_purpose::STANDARD.encode(key.secret());
        let database = match release {
            Release::Installed => "database: \"\"",
            Release::Debian13 | Release::Experimental => "",
        };
        let configuration = format!("{SERVER}{clauses}")
            .replace("{database}", database)
            .replace("{port}", &port.number().to_string())
            .replace("{dir}", &path.to_string_lossy())
            .replace("{secret}", &secret);
        let file = path.join("nsd.conf");
        fs::write(&file, configuration).expect("a file of the test");
        for (name, contents) in files {
            fs::write(path.join(name), contents).expect("a file of the test");
        }
        let mut daemon = Daemon::new("nsd", release, path);
        daemon.start(
            Path::new("/usr/sbin/nsd"),
            &["-d", "-c", &file.to_string_lossy()],
        );
        let nsd = Self {
            _daemon: daemon,
            key_file: key.write(path),
            _directory: directory,
            port,
        };
        wait::until("NSD runs", || {
            let said = nsd.asker().ask(&["version.server", "CH", "TXT"]);
            said.stdout().contains("status: ")
        });
        nsd
    }

    pub(crate) fn port(&self) -> u16 {
        self.port.number()
    }

    pub(crate) fn key_file(&self) -> &Path {
        &self.key_file
    }

    pub(crate) fn asker(&self) -> Asker {
        Asker::at(self.port(), &self.key_file)
    }
}
