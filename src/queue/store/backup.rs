//! A copy of the file for safekeeping, at any time.
//!
//! SQLite's online backup copies the pages of one snapshot. In WAL mode a reader of a snapshot holds up no writer; only
//! the log grows until it ends. (`VACUUM INTO` would hold the snapshot for longer, as it builds all tables and indexes
//! anew, and its copy would hide that an index is damaged.) The copy is a whole file without a log beside it. It is
//! written under another name, and renamed when it is on the disk.

use std::fs::{self, File, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::OpenFlags;
use rusqlite::backup::{Backup, StepResult};

use super::error::{StoreError, damage, failed, reason};
use super::file::{BUSY_TIME_MAX, Store, inspect};
use super::progress::Progress;
use super::schema::MIGRATIONS;
use crate::diagnostic::{Diagnose, Diagnostic, case, displayed, file as files, queue as entries};
use crate::permission::{Unwritten, directory_of, quoted, shared_file};

/// The mode of a backup: it is no file that a group shares.
const BACKUP_MODE: u32 = 0o600;

/// The end of the name of a backup that is not whole yet.
const PART: &str = ".nsbridge-part";

/// All pages in one step: between two steps SQLite would end the snapshot.
const ALL_PAGES: i32 = -1;

/// The reason why there is no backup. A file that was there before is as it was.
#[derive(Debug)]
pub(crate) enum BackupError {
    /// The queue file does not exist.
    Missing { path: PathBuf },
    /// The queue file cannot be read.
    Store(StoreError),
    /// The backup would replace the queue file, or has the name of a file beside it.
    OfQueue { path: PathBuf, queue: PathBuf },
    /// The backup would replace what is no regular file of its own.
    Irregular { path: PathBuf, source: io::Error },
    /// Another process writes a backup to the same place.
    Taken { path: PathBuf },
    /// The backup cannot be written.
    Unwritten(Unwritten),
}

displayed!(BackupError);

impl Diagnose for BackupError {
    fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::Missing { path } => {
                let directory = quoted(directory_of(path));
                case!(files::FILE_MISSING, path = path.display(), directory)
            }
            Self::Store(error) => error.diagnostic(),
            Self::OfQueue { path, queue } => {
                let (path, queue) = (path.display(), queue.display());
                case!(entries::BACKUP_OF_QUEUE, path, queue)
            }
            Self::Irregular { path, source } => {
                case!(entries::BACKUP_IRREGULAR, path = path.display(), source)
            }
            Self::Taken { path } => case!(entries::BACKUP_TAKEN, path = path.display()),
            Self::Unwritten(error) => error.diagnostic(),
        }
    }
}

/// Copies the file `queue`, whatever its schema, to `file`, and returns the octets of the copy. `act_as_owner_of` lets
/// root act as the owner of the directory of a file, in one thread.
///
/// # Errors
/// [`BackupError`]
pub(crate) fn back_up(
    queue: &Path,
    file: &Path,
    act_as_owner_of: fn(&Path),
) -> Result<u64, BackupError> {
    let part = part_of(file);
    for target in [file, &part] {
        check_target(queue, target)?;
    }
    // Another user may own the directory of the queue, and a third one that of the backup. The files of the queue stay
    // open when the first thread ends.
    let snapshot = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().spawn_scoped(scope, || {
            act_as_owner_of(queue);
            snapshot(queue, BUSY_TIME_MAX)
        });
        let thread = thread.map_err(|source| BackupError::Store(StoreError::Thread { source }))?;
        let done = thread.join();
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    act_as_owner_of(file);
    write(&snapshot?, &part, file)
}

/// Checks, before anything is done, that the backup replaces no file that is in use, and nothing but a file.
fn check_target(queue: &Path, file: &Path) -> Result<(), BackupError> {
    let path = file.to_owned();
    let number = |path: &Path| path.metadata().map(|it| (it.dev(), it.ino())).ok();
    let place = |path: &Path| directory_of(path).canonicalize().ok();
    let name = |path: &Path| {
        path.file_name()
            .unwrap_or_default()
            .as_encoded_bytes()
            .to_vec()
    };
    let is_beside = place(file).is_some() && place(file) == place(queue);
    let is_same = number(file).is_some() && number(file) == number(queue);
    if is_same || is_beside && name(file).starts_with(&name(queue)) {
        let queue = queue.to_owned();
        return Err(BackupError::OfQueue { path, queue });
    }
    shared_file::check_path(file).map_err(|source| BackupError::Irregular { path, source })
}

/// Opens a file that is whole, and begins to read.
fn snapshot(path: &Path, wait: Duration) -> Result<Store, BackupError> {
    inspect(path).map_err(BackupError::Store)?;
    if path.symlink_metadata().is_err() {
        let path = path.to_owned();
        return Err(BackupError::Missing { path });
    }
    checked(path, wait).map_err(BackupError::Store)
}

fn checked(path: &Path, wait: Duration) -> Result<Store, StoreError> {
    let progress = Progress::read(path);
    let store = Store::connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY, wait)?;
    store.read(|connection| connection.execute_batch("BEGIN"))?;
    // This reads, and so begins the snapshot.
    match store.version()? {
        0 => return Err(failed(path, "read")(damage("it is empty"))),
        version if version == MIGRATIONS.len() => progress.check(&store.connection, path)?,
        // An earlier version did not count.
        _ => {}
    }
    let check = "PRAGMA integrity_check(1)";
    let found: String =
        store.read(|connection| connection.query_row(check, [], |row| row.get(0)))?;
    if found == "ok" {
        Ok(store)
    } else {
        Err(failed(path, "read")(damage(&found)))
    }
}

/// Returns the file that becomes the backup when it is whole.
fn part_of(file: &Path) -> PathBuf {
    let mut part = file.as_os_str().to_owned();
    part.push(PART);
    part.into()
}

/// Writes the snapshot beside the place of the backup, and puts it there.
fn write(snapshot: &Store, part: &Path, file: &Path) -> Result<u64, BackupError> {
    let unwritten = |source| BackupError::Unwritten(Unwritten::new(file, source));
    let Some(lock) = take(part).map_err(unwritten)? else {
        let path = file.to_owned();
        return Err(BackupError::Taken { path });
    };
    let put = || {
        copy(snapshot, part)?;
        lock.sync_all()?;
        let octets = lock.metadata()?.len();
        fs::rename(part, file)?;
        File::open(directory_of(file))?.sync_all()?;
        Ok(octets)
    };
    let written = put();
    if written.is_err() {
        fs::remove_file(part).ok();
    }
    written.map_err(unwritten)
}

/// Creates the file that becomes the backup, or takes the one that a killed process has left, and locks it. Returns
/// `None` if another process writes to it.
fn take(part: &Path) -> io::Result<Option<File>> {
    loop {
        let file = shared_file::open_or_create(part)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // The process that had the lock may have put the file in its place.
        let own = file.metadata()?.ino();
        if part.symlink_metadata().is_ok_and(|it| it.ino() == own) {
            file.set_len(0)?;
            file.set_permissions(Permissions::from_mode(BACKUP_MODE))?;
            return Ok(Some(file));
        }
    }
}

/// Copies all pages to an empty file. The snapshot is whole, so an error is one of the copy.
fn copy(snapshot: &Store, part: &Path) -> io::Result<()> {
    let copy = Store::connect(part, OpenFlags::SQLITE_OPEN_READ_WRITE, Duration::ZERO);
    let mut copy = copy.map_err(io::Error::other)?;
    let mut pages = || {
        // Nobody uses a copy that is not finished, and all of it is put on the disk at once.
        copy.connection.pragma_update(None, "journal_mode", "off")?;
        copy.connection.pragma_update(None, "synchronous", "off")?;
        Backup::new(&snapshot.connection, &mut copy.connection)?.step(ALL_PAGES)
    };
    let step = pages().map_err(|error| io::Error::other(reason(&error)))?;
    if step == StepResult::Done {
        Ok(())
    } else {
        Err(io::ErrorKind::ResourceBusy.into())
    }
}
