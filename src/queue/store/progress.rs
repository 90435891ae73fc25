//! How far the file has come, noted in the file `.known` beside it.
//!
//! SQLite: a bit that flips in the log ends the log there if all processes that used the file were killed, and the
//! transactions after it are lost without an error. So is what came after a copy of the file that somebody has put back.
//! Each transaction counts, and `.known` gets the count after a commit that waited for the disk: a file with a smaller
//! count is damaged. A power cut may take the note, and commits that did not wait; it never takes a commit that was noted.

use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, Transaction};

use super::error::{StoreError, damage, failed};
use super::sql::first;
use crate::permission::shared_file;

/// The digits of the largest count.
const DIGITS: u64 = 20;

/// Whether a commit waits for the disk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Durability {
    /// It ends when it is on the disk, with all commits before it.
    Now,
    /// It is on the disk with the next one that waits, or when the system writes it.
    Later,
}

impl Durability {
    /// Returns the value of `PRAGMA synchronous`. SQLite: in WAL mode, NORMAL waits for the disk only when the log is merged.
    pub(super) fn synchronous(self) -> &'static str {
        match self {
            Self::Now => "full",
            Self::Later => "normal",
        }
    }
}

/// Returns the file whose existence tells that the queue file was set up, and whose content tells how far it came.
pub(super) fn known(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".known");
    name.into()
}

/// Returns whether the file was set up in this place. One that was not is new, or somebody has put back a copy of it.
pub(super) fn is_known(path: &Path) -> bool {
    known(path).symlink_metadata().is_ok()
}

/// The count that `.known` had before the file was opened: another process may count on afterwards.
pub(super) struct Progress(u64);

impl Progress {
    /// Reads the count. What is no count is none.
    pub(super) fn read(path: &Path) -> Self {
        let mut text = String::new();
        let file = shared_file::open(&known(path), OpenOptions::new().read(true));
        let read = file.and_then(|file| file.take(DIGITS).read_to_string(&mut text));
        let count = read.ok().and_then(|_| text.parse().ok());
        Self(count.unwrap_or_default())
    }

    /// Checks that the file has come as far.
    pub(super) fn check(&self, connection: &Connection, path: &Path) -> Result<(), StoreError> {
        let commits = connection.query_row("SELECT commits FROM progress", [], |row| row.get(0));
        let commits: u64 = commits.map_err(failed(path, "read"))?;
        if commits < self.0 {
            return Err(failed(path, "open")(damage("it lacks its last changes")));
        }
        Ok(())
    }
}

/// Counts a transaction, commits it, and notes the count if the commit is on the disk.
pub(super) fn commit(
    transaction: Transaction<'_>,
    path: &Path,
    durability: Durability,
) -> Result<(), StoreError> {
    let is_file = transaction.path().is_some_and(|path| !path.is_empty());
    let count = "UPDATE progress SET commits = commits + 1 RETURNING commits";
    let counted = first(&transaction, count, [], |row| row.get(0));
    let commits: u64 = counted
        .and_then(|commits| transaction.commit().map(|()| commits.unwrap_or_default()))
        .map_err(failed(path, "write"))?;
    if is_file && durability == Durability::Now {
        // A failure costs no more than that a loss is not noticed.
        let file = shared_file::open(&known(path), OpenOptions::new().write(true));
        // By one system call: two processes may write at once, and each may be killed.
        file.and_then(|mut file| file.write_all(format!("{commits:020}").as_bytes()))
            .ok();
    }
    Ok(())
}
