//! The real `nsupdate`: how a test changes a server behind nsbridge's back.

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
    let key_file = server.key_file().to_string_lossy();
    run(server, script, &["-v", "-k", &*key_file])
}

/// The same, of somebody without a key.
#[track_caller]
pub(crate) fn unsigned_nsupdate(server: &dyn Server, script: &str) -> Said {
    run(server, script, &["-v"])
}

#[track_caller]
fn run(server: &dyn Server, script: &str, arguments: &[&str]) -> Said {
    let input = format!(
        "server 127.0.0.1 {}\ncheck-names off\n{}\nsend\n",
        server.port(),
        script.trim()
    );
    process::run("nsupdate", arguments, input.as_bytes())
}
