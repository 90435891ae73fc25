//! A server's data at an earlier time, put back as from a backup.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::support::process;
use crate::support::server::Server;

/// The file that the server goes on to write.
const LOG: &str = "server.log";

/// A copy of all files of a server.
#[derive(Debug)]
pub(crate) struct OlderCopy(TempDir);

impl OlderCopy {
    /// Copies the files while the server is stopped.
    #[track_caller]
    pub(crate) fn of(server: &mut dyn Server) -> Self {
        let copy = TempDir::with_prefix("nsbridge-copy-").expect("a temporary directory");
        server.stop();
        copy_files(&server.file(""), copy.path());
        fs::remove_file(copy.path().join(LOG)).expect("a server has a log");
        server.restart();
        Self(copy)
    }

    /// Puts the files back in place of those that are there now.
    #[track_caller]
    pub(crate) fn put_back(&self, server: &mut dyn Server) {
        server.stop();
        let directory = server.file("");
        for entry in fs::read_dir(&directory).expect("the server's directory") {
            let entry = entry.expect("an entry");
            if entry.file_name() == LOG {
                continue;
            }
            let is_directory = entry.file_type().is_ok_and(|it| it.is_dir());
            let removed = if is_directory {
                fs::remove_dir_all(entry.path())
            } else {
                fs::remove_file(entry.path())
            };
            removed.expect("it is removed");
        }
        copy_files(self.0.path(), &directory);
        server.restart();
    }
}

#[track_caller]
fn copy_files(from: &Path, to: &Path) {
    let from = format!("{}/.", from.display());
    let said = process::run("cp", &["-a", &from, &to.to_string_lossy()], b"");
    assert_eq!(said.status, Some(0), "{}", said.stderr());
}
