//! The container of a release: one for all tests of this process, in which a shell starts what it is sent.
//!
//! It has the network, the processes and the temporary directory of this machine, so that nothing else
//! differs: a process in it has its number here, too, and is signalled by that. It ends with this process,
//! however that ends, because the shell's input ends then. A container for each server took half a second
//! of start-up for each, and as much for each run of a tool.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use tempfile::TempDir;

use crate::support::process::{self, Said};
use crate::support::wait;

/// Carries out each line of its input.
const SHELL: &str = "while IFS= read -r line; do eval \"$line\"; done";

/// A container that runs.
#[derive(Debug)]
pub(crate) struct Container {
    image: String,
    /// Docker's client; its input is that of the shell.
    client: Mutex<Child>,
}

impl Container {
    /// Starts the container of an image.
    #[track_caller]
    pub(crate) fn of(image: &str) -> Self {
        let directory = std::env::temp_dir();
        let volume = format!("{0}:{0}", directory.display());
        let mut command = Command::new("docker");
        command
            .args(["run", "--rm", "--interactive"])
            .args(["--network", "host", "--pid", "host"])
            .args(["--user", &owner(), "--volume", &volume])
            .args(["--entrypoint", "bash", image, "-c", SHELL])
            .stdin(Stdio::piped())
            .stdout(Stdio::null());
        let client = command.spawn();
        let client = client.unwrap_or_else(|error| process::cannot_start("docker", &error));
        Self {
            image: image.to_owned(),
            client: Mutex::new(client),
        }
    }

    /// Starts a program whose messages on both outputs go to the end of `log`. That it was killed, which the
    /// shell would say, goes nowhere.
    #[track_caller]
    pub(crate) fn start(&self, program: &Path, arguments: &[&str], log: &Path) -> Guest {
        let files = TempDir::with_prefix("nsbridge-guest-").expect("a temporary directory");
        let [number, status] = ["number", "status"].map(|name| quoted_path(&files, name));
        let (line, log) = (line_of(program, arguments), quoted(&log.to_string_lossy()));
        self.send(&format!(
            "{{ {line} </dev/null >>{log} 2>&1 & echo $! >{number}; wait $!; echo $? >{status}; }} \
             2>/dev/null &"
        ));
        let number = wait::until_some(wait::PATIENCE, || read(&files, "number")?.parse().ok());
        let Some(number) = number else {
            panic!("the container of `{}` starts nothing", self.image);
        };
        Guest { files, number }
    }

    /// Runs a program to its end.
    #[track_caller]
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> Said {
        let files = TempDir::with_prefix("nsbridge-guest-").expect("a temporary directory");
        let [output, errors, status] =
            ["output", "errors", "status"].map(|name| quoted_path(&files, name));
        let line = line_of(Path::new(program), arguments);
        self.send(&format!(
            "{{ {line} </dev/null >{output} 2>{errors}; echo $? >{status}; }} &"
        ));
        let status = wait::until_some(wait::PATIENCE, || read(&files, "status"));
        let Some(status) = status else {
            panic!("`{line}` does not end in the container of `{}`", self.image);
        };
        let content = |name: &str| fs::read(files.path().join(name)).unwrap_or_default();
        Said {
            status: status.parse().ok(),
            stdout: content("output"),
            stderr: content("errors"),
        }
    }

    #[track_caller]
    fn send(&self, line: &str) {
        assert!(!line.contains('\n'), "a line for the shell: {line}");
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        let input = client.stdin.as_mut().expect("its input is piped");
        let sent = writeln!(input, "{line}").and_then(|()| input.flush());
        sent.unwrap_or_else(|error| panic!("the container of `{}`: {error}", self.image));
    }
}

/// A process in a container.
#[derive(Debug)]
pub(crate) struct Guest {
    /// Holds its number and, once it has ended, its status.
    files: TempDir,
    number: u32,
}

impl Guest {
    /// Its number, inside and outside.
    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    /// How it ended, in the shell's words; `None` while it runs.
    pub(crate) fn ended(&self) -> Option<String> {
        read(&self.files, "status")
    }
}

/// The first line of a file that the shell writes, once it is there.
fn read(files: &TempDir, name: &str) -> Option<String> {
    let text = fs::read_to_string(files.path().join(name)).ok()?;
    text.strip_suffix('\n').map(str::to_owned)
}

fn line_of(program: &Path, arguments: &[&str]) -> String {
    let program = program.to_string_lossy();
    let words = [&*program].into_iter().chain(arguments.iter().copied());
    words.map(quoted).collect::<Vec<_>>().join(" ")
}

fn quoted_path(files: &TempDir, name: &str) -> String {
    quoted(&files.path().join(name).to_string_lossy())
}

/// A word for the shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// User and group of this process, as Docker takes them: files in the directories stay ours.
fn owner() -> String {
    let id = |which| process::run_ok("id", &[which]).trim().to_owned();
    format!("{}:{}", id("-u"), id("-g"))
}
