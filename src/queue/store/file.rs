//! Opens or examines the file and migrates its schema.
//!
//! In WAL mode, a commit appends to the log, and a wait for the disk covers all of the log that was written before. So a
//! power cut takes the newest commits, and never an older one without those after it. [`Durability`] tells which commits
//! wait:
//!
//! * An accepted intent and a reservation must be on the disk before the message that they are about, and before the call
//!   ends. An intent is written without a wait. The reservation, which waits, makes both durable; where no reservation
//!   follows, [`Store::make_durable`] does.
//! * What an attempt came to does not wait. If a power cut takes it, the job is there again with the state of its
//!   reservation, and is delivered once more. That changes nothing, since a job says what a zone must be. A newer intent of
//!   the same key cannot be undone so: its own wait covers all that was written before it.
//! * What tells a file that was put back from a live one moves on with durable commits alone: see `progress`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::backup::Backup;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use super::changes::Untold;
use super::check_sum;
use super::error::{StoreError, barrier, damage, failed, files_of};
use super::progress::{Durability, Progress, commit, is_known, known};
use super::schema::{MIGRATIONS, check_schema, schema_version, without_comments};
use crate::permission::{directory_of, shared_file};
use crate::queue::locks::ProcessLock;

/// The longest wait for the transactions of other processes.
pub(crate) const BUSY_TIME_MAX: Duration = Duration::from_secs(10);

/// The pause between attempts to set the WAL mode of a new file.
const WAL_INTERVAL: Duration = Duration::from_millis(10);

/// The octets of SQLite's log from which on a process merges it into the file at its end. A process that opens the file
/// alone reads the whole log, some 3 µs a page of 4 KiB, and most calls add twenty pages.
pub(in crate::queue) const LOG_OCTETS: u64 = 800 << 10;

/// The same while the process goes on.
pub(in crate::queue) const LOG_OCTETS_MEANWHILE: u64 = 4 << 20;

/// The first version of the schema whose files have `.known` beside them.
const KNOWN_SINCE: usize = 7;

/// The pages of the file to copy in one step.
const COPIED_PAGES: i32 = 1_000;

/// The open file.
#[derive(Debug)]
pub(crate) struct Store {
    pub(super) path: PathBuf,
    pub(super) connection: Connection,
    /// What the connection is set to.
    durability: Durability,
    /// The longest wait for the transactions of other processes.
    wait: Duration,
    /// Whether jobs were accepted that may not be on the disk.
    pub(in crate::queue) is_behind: Arc<AtomicBool>,
    /// Created when this process takes its first job.
    pub(super) process_lock: Option<ProcessLock>,
    /// If this is a store in memory in place of a file that failed.
    pub(super) untold: Option<Untold>,
}

impl Store {
    /// Opens the file, and creates it and its directory if they are absent. `wait` is the longest wait for
    /// the transactions of other processes.
    pub(crate) fn open(path: &Path, wait: Duration) -> Result<Self, StoreError> {
        let directory = directory_of(path);
        if !directory.exists() {
            shared_file::create_directory(directory).map_err(|source| StoreError::Directory {
                path: directory.into(),
                barrier: barrier(&source, directory),
                source,
            })?;
        }
        inspect(path)?;
        // A failure is not reported here: opening the file reports it with more detail. (SQLite gives the files that it
        // creates beside this one the mode, and as root the owner, of this one.)
        shared_file::create_new(path).ok();
        let files = files_of(path);
        for file in &files {
            shared_file::close_to_others(file);
        }
        let [_, log, _] = files;
        let has_log = log.exists();
        let progress = Progress::read(path);
        let mut store = Self::connect(path, OpenFlags::default(), wait)?;
        let version = store.version()?;
        let is_older = (1..KNOWN_SINCE).contains(&version);
        store.prepare(version, wait)?;
        if !has_log {
            // What is in a file is durable only if its name is. Not every system can wait for a directory.
            fs::File::open(directory).and_then(|it| it.sync_all()).ok();
        }
        progress.check(&store.connection, path)?;
        if !is_known(path) {
            if !is_older {
                store.forget_as_restored(false)?;
            }
            // The first process that has set the file up creates this one. If it fails, an empty file counts as a new one.
            shared_file::create_new(&known(path)).ok();
        }
        Ok(store)
    }

    /// Opens the file for reading only; an absent file is an empty one.
    pub(crate) fn open_read_only(path: &Path, wait: Duration) -> Result<Self, StoreError> {
        inspect(path)?;
        if path.symlink_metadata().is_err() {
            return Self::empty(path);
        }
        let progress = Progress::read(path);
        let store = Self::connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY, wait)?;
        match store.version()? {
            // Another process has created the file, and has not filled it yet.
            0 => Self::empty(path),
            version if version == MIGRATIONS.len() => {
                progress.check(&store.connection, path)?;
                if is_known(path) {
                    return Ok(store);
                }
                let mut copy = store.copy()?;
                copy.forget_as_restored(true)?;
                Ok(copy)
            }
            _ => store.copy(),
        }
    }

    /// Returns a copy in memory with the newest schema.
    pub(super) fn copy(&self) -> Result<Self, StoreError> {
        let mut copy = Self::empty(&self.path)?;
        Backup::new(&self.connection, &mut copy.connection)
            .and_then(|backup| backup.run_to_completion(COPIED_PAGES, Duration::ZERO, None))
            .map_err(failed(&self.path, "copy"))?;
        copy.migrate()?;
        Ok(copy)
    }

    /// Returns an empty file in memory.
    pub(crate) fn empty(path: &Path) -> Result<Self, StoreError> {
        let flags = OpenFlags::default() | OpenFlags::SQLITE_OPEN_MEMORY;
        let mut store = Self::connect(path, flags, Duration::ZERO)?;
        store.process_lock = Some(ProcessLock::without_file());
        store.prepare(0, Duration::ZERO)?;
        Ok(store)
    }

    pub(super) fn connect(
        path: &Path,
        flags: OpenFlags,
        wait: Duration,
    ) -> Result<Self, StoreError> {
        let is_file = !flags.contains(OpenFlags::SQLITE_OPEN_MEMORY);
        let connect = || {
            // SQLite: this flag refuses links in the directory's path as well, which are the operator's.
            let resolved = directory_of(path).canonicalize().ok();
            let resolved = resolved.zip(path.file_name()).filter(|_| is_file);
            let resolved = resolved.map(|(directory, name)| directory.join(name));
            // One thread uses a connection at a time.
            let flags = flags | OpenFlags::SQLITE_OPEN_NOFOLLOW | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection =
                Connection::open_with_flags(resolved.as_deref().unwrap_or(path), flags)?;
            connection.busy_timeout(wait)?;
            // The end of a process merges a log that has grown, and no other one.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true)?;
            // What another user has put into the schema does nothing.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
            check_sum::define(&connection)?;
            check_schema(&connection)?;
            Ok(connection)
        };
        Ok(Self {
            path: path.into(),
            connection: connect().map_err(failed(path, "open"))?,
            // SQLite: so each connection begins.
            durability: Durability::Now,
            is_behind: Arc::default(),
            wait,
            process_lock: None,
            untold: None,
        })
    }

    /// Sets up a file that had this version of the schema.
    fn prepare(&mut self, version: usize, wait: Duration) -> Result<(), StoreError> {
        enter_wal(&self.connection, wait).map_err(failed(&self.path, "open"))?;
        if version == MIGRATIONS.len() {
            return Ok(());
        }
        self.migrate()
    }

    /// Reads from the file.
    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        work(&self.connection).map_err(failed(&self.path, "read"))
    }

    /// Does work in one transaction, and waits until it is on the disk.
    pub(super) fn write<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        self.write_with(Durability::Now, work)
    }

    /// Does work in one transaction.
    pub(super) fn write_with<T>(
        &mut self,
        durability: Durability,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let (transaction, path) = self.transaction(durability)?;
        let done = work(&transaction).map_err(failed(path, "write"))?;
        commit(transaction, path, durability)?;
        if durability == Durability::Now {
            self.is_behind.store(false, Ordering::Release);
        }
        Ok(done)
    }

    /// Begins a transaction that holds the lock for writing, and returns it with the file's path.
    pub(super) fn transaction(
        &mut self,
        durability: Durability,
    ) -> Result<(Transaction<'_>, &Path), StoreError> {
        if self.durability != durability {
            // SQLite: it cannot be changed within a transaction.
            self.connection
                .pragma_update(None, "synchronous", durability.synchronous())
                .map_err(failed(&self.path, "open"))?;
            self.durability = durability;
        }
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed(&self.path, "lock"))?;
        Ok((transaction, &self.path))
    }

    /// Waits until all that was accepted is on the disk.
    pub(in crate::queue) fn make_durable(&mut self) -> Result<(), StoreError> {
        if self.is_behind.load(Ordering::Acquire) {
            self.write(|_| Ok(()))?;
        }
        Ok(())
    }

    /// Merges the log into the file, except for what other processes still read, and empties it if they read none of it. If
    /// that fails, the log stays for the next process.
    pub(super) fn merge(&mut self) {
        // SQLite: with a time to wait, it would wait for readers, too.
        self.connection.busy_timeout(Duration::ZERO).ok();
        self.connection
            .pragma_update(None, "wal_checkpoint", "truncate")
            .ok();
        self.connection.busy_timeout(self.wait).ok();
    }

    /// Returns the octets of the file and its log, used or not; 0 in memory.
    pub(super) fn octets(&self) -> u64 {
        let octets = files_of(&self.path).map(|it| it.metadata().map_or(0, |it| it.len()));
        octets[..2].iter().sum()
    }

    /// Merges the log if it has so many octets.
    pub(in crate::queue) fn merge_from(&mut self, octets: u64) {
        let [_, log, _] = files_of(&self.path);
        let is_large = log.metadata().is_ok_and(|it| it.len() >= octets);
        if is_large && self.connection.is_readonly(rusqlite::MAIN_DB) == Ok(false) {
            self.merge();
        }
    }

    /// Returns the version of the schema. A newer one than this program knows is an error.
    pub(super) fn version(&self) -> Result<usize, StoreError> {
        let (found, known) = (self.read(schema_version)?, MIGRATIONS.len());
        if found > known {
            return Err(StoreError::Newer {
                path: self.path.clone(),
                found,
                known,
            });
        }
        Ok(found)
    }

    fn migrate(&mut self) -> Result<(), StoreError> {
        let connection = &mut self.connection;
        let mut migrate = || {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            // Read under the lock: another process may have migrated in between.
            for step in MIGRATIONS.iter().skip(schema_version(&transaction)?) {
                transaction.execute_batch(&without_comments(step))?;
            }
            transaction.pragma_update(None, "user_version", MIGRATIONS.len())?;
            transaction.commit()
        };
        migrate().map_err(failed(&self.path, "set up"))
    }
}

/// The state of the file before it is opened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum FileState {
    /// The file is absent, and can be created.
    Absent,
    /// The file can be written; the next use migrates its schema to the newest version.
    Usable { version: usize, newest: usize },
}

/// Examines the file, or the directory of an absent one, and changes neither. An error says why a delivery could not
/// use the file: it writes to the file, to those that SQLite puts beside it, and creates a lock file.
pub(crate) fn examine(path: &Path) -> Result<FileState, StoreError> {
    inspect(path)?;
    if path.symlink_metadata().is_ok() {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
        let mut store = Store::connect(path, flags, BUSY_TIME_MAX)?;
        let (version, newest) = (store.version()?, MIGRATIONS.len());
        // SQLite: a transaction of a file that may only be read begins without an error, and fails when it writes.
        let write_nothing = |transaction: Transaction<'_>| {
            transaction.pragma_update(None, "user_version", version)?;
            transaction.rollback()
        };
        store
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .and_then(write_nothing)
            .map_err(failed(path, "write"))?;
        store.token()?;
        return Ok(FileState::Usable { version, newest });
    }
    let mut above = path.ancestors().skip(1);
    let directory = above.find(|directory| directory.exists());
    let wanted = path.parent().filter(|_| directory.is_some());
    // The parent of a relative path without a directory is the empty path.
    let directory = directory.unwrap_or(Path::new("."));
    let trial = directory.join(format!(".nsbridge-check-{}", std::process::id()));
    let created = shared_file::create_new(&trial).and_then(|_| fs::remove_file(&trial));
    created.map_err(|source| StoreError::Unwritable {
        path: directory.to_owned(),
        missing: wanted.filter(|it| *it != directory).map(Path::to_owned),
        barrier: barrier(&source, directory),
        source,
    })?;
    Ok(FileState::Absent)
}

/// Checks, before it is opened, that the file and those beside it are regular ones, and that a file which was set up
/// before is neither empty nor absent now: with it jobs and state would be lost in silence.
pub(super) fn inspect(path: &Path) -> Result<(), StoreError> {
    for path in files_of(path) {
        let checked = shared_file::check_path(&path);
        checked.map_err(|source| StoreError::Irregular { path, source })?;
    }
    let is_empty = path.symlink_metadata().map_or(true, |it| it.len() == 0);
    if is_empty && known(path).exists() {
        let lost = damage("it is empty or gone, and was not");
        return Err(failed(path, "open")(lost));
    }
    Ok(())
}

/// Sets the WAL mode of a file that is not in it yet. SQLite calls its busy handler only for a lock
/// that a connection does not hold in part. This lock is an upgrade: it fails at once while another
/// process opens the same new file.
fn enter_wal(connection: &Connection, wait: Duration) -> rusqlite::Result<()> {
    let end = Instant::now() + wait;
    loop {
        match connection.pragma_update(None, "journal_mode", "wal") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && Instant::now() < end =>
            {
                std::thread::park_timeout(WAL_INTERVAL);
            }
            entered => return entered,
        }
    }
}
