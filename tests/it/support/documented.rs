//! The texts of documents that tests run as they stand there, and nsbridge as a reader of them starts it.

use std::fs;
use std::path::Path;
use std::process::Command;

use pretty_assertions::assert_eq;

use crate::support::process::{Running, Said};
use crate::support::{record, wait};

pub(crate) const BIND: &str = include_str!("../../../docs/servers/bind.md");
pub(crate) const POWERDNS: &str = include_str!("../../../docs/servers/powerdns.md");
pub(crate) const KNOT: &str = include_str!("../../../docs/servers/knot.md");
pub(crate) const FLEET: &str = include_str!("../../../docs/fleet.md");

/// The block of a document that begins with this line.
#[track_caller]
pub(crate) fn documented(document: &str, first: &str) -> String {
    let start = document
        .find(&format!("\n{first}"))
        .unwrap_or_else(|| panic!("no block `{first}`"));
    let block = document[start + 1..].split("```").next();
    block.unwrap_or_default().to_owned()
}

/// The contents of the fenced blocks of a document with this word after the fence.
pub(crate) fn blocks(document: &str, info: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = document.lines();
    while let Some(line) = lines.next() {
        let Some((indent, found)) = line.split_once("```") else {
            continue;
        };
        let content: Vec<&str> = lines
            .by_ref()
            .take_while(|line| line.trim_start() != "```")
            .map(|line| line.strip_prefix(indent).unwrap_or(line))
            .collect();
        if found == info {
            blocks.push(content.join("\n") + "\n");
        }
    }
    blocks
}

/// nsbridge as the commands of a document start it: by its name, with its configuration where it
/// looks for it.
pub(crate) struct Nsbridge<'a> {
    directory: &'a Path,
}

impl<'a> Nsbridge<'a> {
    pub(crate) fn new(directory: &'a Path, configuration: &str) -> Self {
        let file = directory.join("nsbridge.toml");
        fs::write(&file, configuration)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        Self { directory }
    }

    /// The command that runs a line of shell.
    pub(crate) fn command(&self, line: &str) -> Command {
        let program = Path::new(env!("CARGO_BIN_EXE_nsbridge"));
        let programs = program.parent().expect("a program is in a directory");
        let path = format!("{}:/usr/bin:/bin", programs.display());
        let mut command = Command::new("sh");
        command.args(["-c", line]).current_dir(self.directory);
        command.env("PATH", path);
        command.env("NSBRIDGE_CONFIG", self.directory.join("nsbridge.toml"));
        command
    }

    /// Runs a line of shell.
    #[track_caller]
    pub(crate) fn shell(&self, line: &str) -> Said {
        let said = Running::start(&mut self.command(line), b"").finish(wait::PATIENCE);
        record::keep_transcript(line, &said.stdout, &said.stderr);
        record::assert_no_secret("standard output", &said.stdout);
        record::assert_no_secret("standard error", &said.stderr);
        said
    }

    /// Types what follows each `# ` and asserts that what follows that is printed.
    #[track_caller]
    pub(crate) fn assert_session(&self, session: &str, port: u16, status: i32) {
        let mut printed = String::new();
        for line in session.lines() {
            let Some(command) = line.strip_prefix("# ") else {
                continue;
            };
            let said = self.shell(command);
            assert_eq!((said.status, said.stderr().as_str()), (Some(status), ""));
            let here = format!("127.0.0.1:{port}");
            let stdout = said.stdout().replace(&here, "192.0.2.53:53");
            printed.extend([line, "\n", &stdout]);
        }
        assert_eq!(printed, session);
    }
}
