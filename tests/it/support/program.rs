//! A program that creates and deletes zones of a BIND, and nsbridge that calls it.

use std::fs;
use std::path::{Path, PathBuf};

use pretty_assertions::assert_eq;

use crate::support::bridge::{Bridge, Run};
use crate::support::named::{self, Named};
use crate::support::payload;
use crate::support::process;
use crate::support::server::Server as _;

/// What an operator might write for BIND. Each action leaves a line in `calls`; a file `then-ACTION` is
/// carried out after it has done its work, `before-ACTION` before it.
const PROGRAM: &str = r#"#!/bin/bash
set -euo pipefail
cd '{dir}'
rndc() { command rndc -s 127.0.0.1 -p {control} -k rndc.key "$@"; }
hook() { [[ ! -e $1 ]] || . "./$1"; }
action=$1 zone=$2
echo "$action $zone" >>calls
hook "before-$action"
# One that was started by an nsbridge which was killed may still be at it.
exec 9>lock
flock 9
there=yes
rndc zonestatus "$zone" >/dev/null 2>&1 || there=no
case $action-$there in
create-no)
  cat >"$zone.db"
  rndc addzone "$zone" "{ type primary; file \"$zone.db\"; update-policy { grant plesk zonesub ANY; }; };"
  ;;
delete-yes) rndc delzone -clean "$zone" ;;
exists-yes) ;;
*) exit 10 ;;
esac
hook "then-$action"
"#;

/// A BIND, and nsbridge with the program for it.
pub(crate) struct Made {
    pub(crate) named: Named,
    pub(crate) bridge: Bridge,
}

impl Made {
    pub(crate) fn new() -> Self {
        Self::with(Named::builder())
    }

    pub(crate) fn with(builder: named::Builder) -> Self {
        let named = builder.start();
        let script = PROGRAM
            .replace("{dir}", &named.file("").to_string_lossy())
            .replace("{control}", &named.control_port().to_string());
        let program = named.file("make-zone");
        write_program(&program, &script);
        let bridge = Bridge::of(&named).command(&program, &["{action}", "{zone}"]);
        Self { named, bridge }
    }

    /// Another nsbridge with the program, before a port that leads to the server.
    pub(crate) fn bridge_at(&self, port: u16) -> Bridge {
        let program = self.named.file("make-zone");
        Bridge::at(port, self.named.key_file()).command(&program, &["{action}", "{zone}"])
    }

    /// Does this within every call for the action, such as `then-create`.
    pub(crate) fn hook(&self, when: &str, script: &str) {
        fs::write(self.named.file(when), script).expect("a file of the test");
    }

    pub(crate) fn unhook(&self, when: &str) {
        fs::remove_file(self.named.file(when)).expect("a file of the test");
    }

    pub(crate) fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.named.file("calls")).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }

    #[track_caller]
    /// Runs `zone adopt`.
    pub(crate) fn adopt(&self, zone: &str) {
        self.bridge
            .run(&["zone", "adopt", zone], "")
            .assert_status(0);
    }

    /// Sends one command.
    pub(crate) fn plesk(&self, command: serde_json::Value) -> Run {
        self.bridge.plesk(payload::call(&[command]))
    }
}

/// Writes a program through another process: one that this process has open for writing, or a child of
/// a sibling thread has inherited, cannot be run.
pub(crate) fn write_program(path: &Path, script: &str) {
    let line = "cat >\"$1\" && chmod 755 \"$1\"";
    let path = path.to_string_lossy();
    let said = process::run("sh", &["-c", line, "sh", &*path], script.as_bytes());
    assert_eq!(said.status, Some(0), "{}", said.stderr());
}

/// A zone, and what a server then has.
pub(crate) const RECORDS: [payload::Record<'static>; 3] = [
    ("example.com.", "NS", "", "ns1.example.net."),
    ("example.com.", "TXT", "", "a \"b\" \\c"),
    ("www.example.com.", "A", "", "192.0.2.1"),
];

pub(crate) const CONTENT: [&str; 3] = [
    "example.com. 86400 IN NS ns1.example.net.",
    r#"example.com. 86400 IN TXT "a \"b\" \\c""#,
    "www.example.com. 86400 IN A 192.0.2.1",
];

/// A program of `packaging/command`.
pub(crate) fn packaged(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("packaging/command")
        .join(name)
}
