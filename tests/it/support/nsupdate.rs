//! The real `nsupdate`: how a test changes a server behind nsbridge's back.

use std::path::Path;

use crate::support::process::{self, Said};
use crate::support::server::Server;
use crate::support::wait;

/// Runs `script` (such as `update add www.example.com 300 A 192.0.2.9`) on `server` with its first
/// key; `server` and `send` are added. Its own name checks are off: the server decides.
#[track_caller]
pub(crate) fn nsupdate(server: &dyn Server, script: &str) {
    // PowerDNS on SQLite answers SERVFAIL while its database is locked.
    let done = wait::until_some(wait::PATIENCE, || {
        let said = try_nsupdate(server, script);
        let is_busy = said.stderr().contains("update failed: SERVFAIL");
        (!is_busy).then_some(said)
    });
    let said = done.unwrap_or_else(|| try_nsupdate(server, script));
    assert!(
        said.status == Some(0),
        "nsupdate ended with {:?}:\n{}{}",
        said.status,
        said.stdout(),
        said.stderr()
    );
}

/// The same, for a script that may be refused.
#[track_caller]
pub(crate) fn try_nsupdate(server: &dyn Server, script: &str) -> Said {
    try_nsupdate_at(server.port(), server.key_file(), script)
}

/// The same, to whatever listens on a port of 127.0.0.1.
#[track_caller]
pub(crate) fn try_nsupdate_at(port: u16, key_file: &Path, script: &str) -> Said {
    run(port, script, &["-v", "-k", &*key_file.to_string_lossy()])
}

/// The same, of somebody without a key.
#[track_caller]
pub(crate) fn unsigned_nsupdate(server: &dyn Server, script: &str) -> Said {
    run(server.port(), script, &["-v"])
}

#[track_caller]
fn run(port: u16, script: &str, arguments: &[&str]) -> Said {
    let input = format!(
        "server 127.0.0.1 {port}\ncheck-names off\n{}\nsend\n",
        script.trim()
    );
    process::run("nsupdate", arguments, input.as_bytes())
}
