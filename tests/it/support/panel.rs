//! A panel that calls nsbridge: its directory, its hooks, and a syslog that the test can read.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::process::{Running, Said, as_root};
use crate::support::{record, wait};

/// Stands for syslog: writes each message to a file, after the words that `logger` got.
const LOGGER: &str = "#!/bin/sh\nprintf 'logger %s\\n' \"$*\" >> \"$0.log\"\ncat >> \"$0.log\"\n";

/// The hooks and programs for panels.
pub(crate) fn packaging(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("packaging/panels")
        .join(name)
}

/// A panel that has nsbridge installed.
#[derive(Debug)]
pub(crate) struct Panel<'a> {
    bridge: &'a Bridge,
    is_root: bool,
}

impl<'a> Panel<'a> {
    /// A panel whose zone files are in [`Self::file`].
    pub(crate) fn new(bridge: &'a Bridge) -> Self {
        let panel = Self {
            bridge,
            is_root: false,
        };
        for directory in ["bin", "panel"] {
            fs::create_dir(bridge.file(directory)).expect("our own directory");
        }
        panel.put_program("bin/logger", LOGGER);
        panel
    }

    /// A panel that runs as root, whoever runs the test.
    pub(crate) fn of_root(bridge: &'a Bridge) -> Self {
        Self {
            is_root: true,
            ..Self::new(bridge)
        }
    }

    /// A file of the panel.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.bridge.file("panel").join(name)
    }

    /// Writes a file of the panel.
    #[track_caller]
    pub(crate) fn write(&self, name: &str, contents: &str) {
        let file = self.file(name);
        fs::write(&file, contents).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }

    /// Removes a file of the panel.
    #[track_caller]
    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.file(name)).expect("a file of the panel");
    }

    /// Puts a program into the directory of nsbridge.
    #[track_caller]
    pub(crate) fn put_program(&self, name: &str, contents: &str) -> PathBuf {
        let file = self.bridge.file(name);
        fs::create_dir_all(file.parent().expect("it has a directory")).expect("our own directory");
        fs::write(&file, contents).expect("our own file");
        fs::set_permissions(&file, Permissions::from_mode(0o755)).expect("our own file");
        file
    }

    /// Where the panel finds programs.
    pub(crate) fn path(&self) -> String {
        let nsbridge = Path::new(env!("CARGO_BIN_EXE_nsbridge"));
        let nsbridge = nsbridge.parent().expect("a program is in a directory");
        let directories = [&*self.bridge.file("bin"), nsbridge, &*packaging("")];
        let directories = directories.map(|it| it.to_string_lossy().into_owned());
        format!("{}:/usr/bin:/bin", directories.join(":"))
    }

    /// The configuration of nsbridge.
    pub(crate) fn configuration(&self) -> String {
        let file = self.bridge.write_configuration();
        file.to_string_lossy().into_owned()
    }

    /// Runs a program as the panel does, with these variables, in the directory of the panel.
    #[track_caller]
    pub(crate) fn run(
        &self,
        program: &Path,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Said {
        let env = if self.is_root {
            as_root("env")
        } else {
            vec!["env"]
        };
        let mut command = Command::new(env[0]);
        command.args(&env[1..]).arg("-i");
        command.args(
            variables
                .iter()
                .map(|(name, value)| format!("{name}={value}")),
        );
        command
            .arg(program)
            .args(arguments)
            .current_dir(self.file(""));
        let said = Running::start(&mut command, b"").finish(wait::PATIENCE);
        let line = program.to_string_lossy();
        record::keep_transcript(&line, &said.stdout, &said.stderr);
        record::keep_transcript(&line, self.log().as_bytes(), b"");
        for (place, octets) in [
            ("standard output", &said.stdout[..]),
            ("standard error", &said.stderr),
            ("syslog", self.log().as_bytes()),
        ] {
            record::assert_no_secret(place, octets);
        }
        said
    }

    /// What syslog has got.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.bridge.file("bin/logger.log")).unwrap_or_default()
    }

    /// What syslog has got, which is then forgotten.
    pub(crate) fn take_log(&self) -> String {
        let log = self.log();
        let _ = fs::remove_file(self.bridge.file("bin/logger.log"));
        log
    }
}

/// Asserts that the panel sees no failure and no text.
#[track_caller]
pub(crate) fn assert_quiet(said: &Said) {
    let seen = (said.status, said.stdout(), said.stderr());
    assert_eq!(seen, (Some(0), String::new(), String::new()));
}

/// Asserts that the panel sees this status of nsbridge, and the one line about it.
#[track_caller]
pub(crate) fn assert_shown(said: &Said, status: i32, panel: &str) {
    let line = format!(
        "nsbridge: not in place on the name server (status {status}): see nsbridge-{panel} in the log of \
         this machine\n"
    );
    let seen = (said.status, said.stdout(), said.stderr());
    assert_eq!(seen, (Some(status), line, String::new()));
}

/// A value of a DKIM record for a key of 2048 bits.
pub(crate) fn dkim() -> String {
    format!(
        "v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A{}QIDAQAB",
        "MIIBCgKCAQEA+/".repeat(25)
    )
}
