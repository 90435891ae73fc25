//! Running other programs: with input, with a time limit, and killed when the test is over.

use std::ffi::OsStr;
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::support::wait;

/// What a program said and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    /// Exit status; `None` when a signal ended it.
    pub(crate) status: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

impl Said {
    /// Standard output as text.
    pub(crate) fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error as text.
    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

/// A program that runs; killed when dropped.
#[derive(Debug)]
pub(crate) struct Running {
    name: String,
    child: Child,
    stdout: Option<JoinHandle<Vec<u8>>>,
    stderr: Option<JoinHandle<Vec<u8>>>,
}

impl Running {
    /// Starts `command` with `input` on its standard input.
    ///
    /// # Panics
    ///
    /// When it cannot be started; where the program is missing, with the line that installs it.
    #[track_caller]
    pub(crate) fn start(command: &mut Command, input: &[u8]) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let started = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = started.unwrap_or_else(|error| cannot_start(&name, &error));
        let stdout = child.stdout.take().map(drain);
        let stderr = child.stderr.take().map(drain);
        if let Some(mut stdin) = child.stdin.take() {
            let input = input.to_vec();
            // A program may end without reading its input; that is for the test to judge.
            std::thread::spawn(move || drop(stdin.write_all(&input)));
        }
        Self {
            name,
            child,
            stdout,
            stderr,
        }
    }

    /// Sends a signal, such as `TERM`.
    pub(crate) fn signal(&self, signal: &str) {
        send_signal(self.child.id(), signal);
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The most memory that it has had so far, in KiB.
    ///
    /// # Panics
    ///
    /// When it has ended.
    #[track_caller]
    pub(crate) fn peak_memory_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("it is running");
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:")?.strip_suffix(" kB"));
        let peak = peak.expect("the kernel counts it").trim();
        peak.parse().expect("it is a number")
    }

    /// Whether it is still running.
    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until it has ended by itself.
    ///
    /// # Panics
    ///
    /// When that takes longer than `limit`; it is killed then.
    #[track_caller]
    pub(crate) fn finish(mut self, limit: Duration) -> Said {
        let status = wait::until_some(limit, || self.child.try_wait().ok().flatten());
        if status.is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        let stdout = collect(self.stdout.take());
        let stderr = collect(self.stderr.take());
        let Some(status) = status else {
            panic!(
                "`{}` was killed after {} s; stdout:\n{}\nstderr:\n{}",
                self.name,
                limit.as_secs(),
                String::from_utf8_lossy(&stdout),
                String::from_utf8_lossy(&stderr)
            );
        };
        Said {
            status: status.code(),
            stdout,
            stderr,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The words of a command that is run as root, by sudo where the tests are not.
pub(crate) fn as_root(line: &str) -> Vec<&str> {
    let is_root = run_ok("id", &["-u"]).trim() == "0";
    let sudo = if is_root { "" } else { "sudo -n" };
    sudo.split_whitespace().chain(line.split(' ')).collect()
}

/// Runs a tool to its end.
#[track_caller]
pub(crate) fn run<S: AsRef<OsStr>>(program: &str, arguments: &[S], input: &[u8]) -> Said {
    // Some of BIND's tools are where a user's PATH does not lead.
    let installed = Path::new("/usr/sbin").join(program);
    let mut command = if installed.exists() {
        Command::new(installed)
    } else {
        Command::new(program)
    };
    Running::start(command.args(arguments), input).finish(wait::PATIENCE)
}

/// Runs a tool that must succeed and gives its standard output.
#[track_caller]
pub(crate) fn run_ok<S: AsRef<OsStr>>(program: &str, arguments: &[S]) -> String {
    let said = run(program, arguments, b"");
    assert!(
        said.status == Some(0),
        "`{program}` ended with {:?}:\n{}{}",
        said.status,
        said.stdout(),
        said.stderr()
    );
    said.stdout()
}

/// Sends a signal to a process that this test started.
pub(crate) fn send_signal(process: u32, signal: &str) {
    // std knows only SIGKILL, and the crate forbids unsafe code.
    let line = format!("kill -s {signal} {process}");
    let _ = Command::new("sh")
        .args(["-c", &line])
        .stderr(Stdio::null())
        .status();
}

/// Panics with the cause, and for a missing program with its remedy.
#[track_caller]
pub(crate) fn cannot_start(program: &str, error: &std::io::Error) -> ! {
    assert!(
        // A directory of PATH that may not be looked into counts as one without the program.
        !matches!(
            error.kind(),
            ErrorKind::NotFound | ErrorKind::PermissionDenied
        ),
        "`{program}` is not installed\nhint: testenv/install servers"
    );
    panic!("`{program}` cannot be started: {error}");
}

fn drain(mut stream: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut content = Vec::new();
        let _ = stream.read_to_end(&mut content);
        content
    })
}

fn collect(reader: Option<JoinHandle<Vec<u8>>>) -> Vec<u8> {
    reader
        .and_then(|thread| thread.join().ok())
        .unwrap_or_default()
}
