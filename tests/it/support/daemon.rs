//! A name server's process: the program of a package of this machine, or of an image with later ones.
//!
//! It writes its log to a file in the test's own directory, and is killed and waited for when the value
//! is dropped; if the test is failing then, the end of the log is shown. `container` says what a
//! container shares with this machine.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use crate::support::container::{Container, Guest};
use crate::support::docker;
use crate::support::process::{self, Said};
use crate::support::wait;

/// Set where the servers of this machine are tested alone, as by `testenv/test quick`.
const INSTALLED_ONLY: &str = "NSBRIDGE_TEST_INSTALLED_ONLY";

/// Lines of the log that are shown when a test fails.
const LOG_LINES_SHOWN: usize = 60;

/// Where a server's programs are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Release {
    /// The packages of this machine.
    Installed,
    /// A container with those of Debian 13.
    Debian13,
    /// A container with the BIND of Debian's experimental suite, 9.21.9 or later.
    Experimental,
}

impl Release {
    /// Those that are here of the ones that every kind of server comes in.
    pub(crate) fn stable() -> impl Iterator<Item = Self> {
        let all = [Self::Installed, Self::Debian13];
        all.into_iter().filter(|release| release.is_here())
    }

    /// Whether its programs can be run here.
    ///
    /// # Panics
    ///
    /// When they need Docker, and there is none although nobody has said that there need not be one.
    #[track_caller]
    pub(crate) fn is_here(self) -> bool {
        static DEBIAN_13: OnceLock<bool> = OnceLock::new();
        static EXPERIMENTAL: OnceLock<bool> = OnceLock::new();
        match self {
            Self::Installed => true,
            Self::Debian13 | Self::Experimental if installed_only() => false,
            Self::Debian13 => *DEBIAN_13.get_or_init(|| {
                docker::can_use_docker() && {
                    docker::make_base_image("trixie");
                    self.build();
                    true
                }
            }),
            Self::Experimental => *EXPERIMENTAL.get_or_init(|| {
                Self::Debian13.is_here() && {
                    self.build();
                    true
                }
            }),
        }
    }

    /// The directory of `testenv/docker` that its image is made from, where it has one.
    fn suite(self) -> Option<&'static str> {
        match self {
            Self::Installed => None,
            Self::Debian13 => Some("trixie"),
            Self::Experimental => Some("experimental"),
        }
    }

    fn image(self) -> Option<String> {
        self.suite().map(|suite| format!("nsbridge-test-{suite}"))
    }

    /// The container of its image, where it has one; started when it is first asked for.
    #[track_caller]
    fn container(self) -> Option<&'static Container> {
        static DEBIAN_13: OnceLock<Container> = OnceLock::new();
        static EXPERIMENTAL: OnceLock<Container> = OnceLock::new();
        let container = match self {
            Self::Installed => return None,
            Self::Debian13 => &DEBIAN_13,
            Self::Experimental => &EXPERIMENTAL,
        };
        let image = self.image()?;
        Some(container.get_or_init(|| Container::of(&image)))
    }

    #[track_caller]
    fn build(self) {
        if let (Some(suite), Some(image)) = (self.suite(), self.image()) {
            docker::build(suite, &image);
        }
    }
}

/// Whether this run is about the installed servers alone, and says so.
#[expect(clippy::print_stderr, reason = "what is not run is never silent")]
#[expect(
    clippy::disallowed_methods,
    reason = "the environment of the test, not of nsbridge, says what is tested"
)]
fn installed_only() -> bool {
    let is_set = std::env::var_os(INSTALLED_ONLY).is_some();
    if is_set {
        eprintln!("NOT RUN: other releases than the installed one, for {INSTALLED_ONLY} is set");
    }
    is_set
}

/// A server's process.
#[derive(Debug)]
pub(crate) struct Daemon {
    /// What people call it.
    name: &'static str,
    release: Release,
    /// Its directory, which a container shares.
    directory: PathBuf,
    running: Option<Running>,
    /// Octets of the log that were there before the latest start.
    log_seen: usize,
}

#[derive(Debug)]
enum Running {
    Child(Child),
    Guest(Guest),
}

impl Running {
    fn number(&self) -> u32 {
        match self {
            Self::Child(child) => child.id(),
            Self::Guest(guest) => guest.number(),
        }
    }

    /// How it ended; `None` while it runs.
    fn ended(&mut self) -> Option<String> {
        match self {
            Self::Child(child) => {
                let status = child.try_wait().ok().flatten();
                status.map(|status| status.to_string())
            }
            Self::Guest(guest) => guest.ended(),
        }
    }
}

impl Daemon {
    /// A server that works in `directory` and does not run yet.
    pub(crate) fn new(name: &'static str, release: Release, directory: &Path) -> Self {
        Self {
            name,
            release,
            directory: directory.to_owned(),
            running: None,
            log_seen: 0,
        }
    }

    /// Where its programs are from.
    pub(crate) fn release(&self) -> Release {
        self.release
    }

    /// Everything it has logged.
    pub(crate) fn log(&self) -> String {
        let log = fs::read(self.log_file()).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// What it has logged since the latest start.
    pub(crate) fn fresh_log(&self) -> String {
        self.log().get(self.log_seen..).unwrap_or_default().into()
    }

    /// Starts the program, whose messages on both outputs go to the log.
    #[track_caller]
    pub(crate) fn start(&mut self, program: &Path, arguments: &[&str]) {
        self.log_seen = self.log().len();
        let log = self.log_file();
        let started = match self.release.container() {
            Some(container) => Running::Guest(container.start(program, arguments, &log)),
            None => Running::Child(self.start_here(program, arguments, &log)),
        };
        self.running = Some(started);
    }

    #[track_caller]
    fn start_here(&self, program: &Path, arguments: &[&str], log: &Path) -> Child {
        let output = OpenOptions::new().create(true).append(true).open(log);
        let output = output.unwrap_or_else(|error| panic!("{}: {error}", log.display()));
        let second = output.try_clone().expect("a file can be opened twice");
        let mut command = Command::new(program);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(second)
            .stderr(output);
        let child = command.spawn();
        child.unwrap_or_else(|error| process::cannot_start(self.name, &error))
    }

    /// Runs a tool of the same release, which must end by itself.
    #[track_caller]
    pub(crate) fn run_tool(&self, program: &str, arguments: &[&str]) -> Said {
        match self.release.container() {
            None => process::run(program, arguments, b""),
            Some(container) => container.run(program, arguments),
        }
    }

    /// How it ended, where it has been started and runs no more.
    pub(crate) fn ended(&mut self) -> Option<String> {
        self.running.as_mut()?.ended()
    }

    /// Sends it a signal, such as `STOP`.
    pub(crate) fn signal(&self, signal: &str) {
        if let Some(running) = &self.running {
            process::send_signal(running.number(), signal);
        }
    }

    /// Ends it in good order, and waits for the end.
    #[track_caller]
    pub(crate) fn stop(&mut self) {
        if self.running.is_none() {
            return;
        }
        self.signal("TERM");
        let ended = wait::until_some(wait::PATIENCE, || self.ended());
        self.kill();
        assert!(ended.is_some(), "{} did not end when asked to", self.name);
    }

    /// Ends it at once, as a crash does, and waits for the end.
    pub(crate) fn kill(&mut self) {
        if let Some(mut running) = self.running.take()
            && running.ended().is_none()
        {
            process::send_signal(running.number(), "KILL");
            wait::until_some(wait::PATIENCE, || running.ended());
        }
    }

    fn log_file(&self) -> PathBuf {
        self.directory.join("server.log")
    }
}

impl Drop for Daemon {
    #[expect(
        clippy::print_stderr,
        reason = "the test fails; libtest shows this with its message"
    )]
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let shown = lines.len().saturating_sub(LOG_LINES_SHOWN);
            eprintln!(
                "--- the log of {}, its last lines:\n{}\n---",
                self.name,
                lines[shown..].join("\n")
            );
        }
    }
}
