//! Opens or examines the file and migrates its schema; the errors of the file.
//!
//! WAL with `synchronous=FULL`: a reservation and an accepted intent must survive a power cut. If a
//! reservation did not, a record of this instance would count as foreign.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use crate::queue::locks::ProcessLock;

/// The longest wait for the transactions of other processes.
const BUSY_TIME_MAX: Duration = Duration::from_secs(10);

/// The attempts to set the WAL mode of a new file, and the pause between them: [`BUSY_TIME_MAX`] in
/// total.
const WAL_TRIES: u32 = 1_000;
const WAL_INTERVAL: Duration = Duration::from_millis(10);

/// The pages of SQLite's log from which on a commit merges it into the file. A process that opens
/// the file alone reads the whole log, some 3 µs a page, and most calls add ten pages.
pub(super) const LOG_PAGES: u32 = 200;

/// The pages of the file to copy in one step.
const COPIED_PAGES: i32 = 1_000;

/// The steps of the schema, one for each version; steps are only ever appended.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE zone (
        id         INTEGER PRIMARY KEY,
        primary_   TEXT NOT NULL,    -- its name in the configuration
        name       TEXT NOT NULL,    -- lower case, with the final dot
        origin     INTEGER NOT NULL, -- 0 found, 1 being made, 2 made by this instance
        guard      INTEGER NOT NULL, -- 0 by SOA, 1 by RRsets
        generation INTEGER NOT NULL, -- moves on with every change
        UNIQUE (primary_, name)
    ) STRICT;
    CREATE TABLE delivered (
        zone  INTEGER NOT NULL REFERENCES zone (id) ON DELETE CASCADE,
        owner BLOB NOT NULL,         -- wire form, lower case
        type  INTEGER NOT NULL,
        rdata BLOB NOT NULL,         -- canonical wire form
        PRIMARY KEY (zone, owner, type, rdata)
    ) STRICT, WITHOUT ROWID;
",
    "
    -- In seconds, where the record is known to have arrived and the zone is read from here.
    ALTER TABLE delivered ADD COLUMN ttl INTEGER;
",
    "
    -- Of the SOA: 0 can be set, 1 stays what it is.
    ALTER TABLE zone ADD COLUMN soa_ttl INTEGER NOT NULL DEFAULT 0;
",
    "
    CREATE TABLE job (
        id          INTEGER PRIMARY KEY AUTOINCREMENT, -- another one with each newer intent
        key         TEXT NOT NULL UNIQUE,              -- a zone; an address with its host name
        primary_    TEXT NOT NULL,    -- by whose name it waits; empty where no route leads
        stage       INTEGER NOT NULL, -- 0 zones, 1 PTR values, which may need the zones
        intent      TEXT NOT NULL,    -- JSON
        octets      INTEGER NOT NULL, -- of the intent
        state       INTEGER NOT NULL, -- 0 waiting, 1 held
        forced      INTEGER NOT NULL, -- 1 where a person lets it pass the guard against mass loss
        enqueued_at INTEGER NOT NULL, -- seconds since 1970, as all times
        attempts    INTEGER NOT NULL,
        next_at     INTEGER NOT NULL,
        updated_at  INTEGER NOT NULL,
        cause       TEXT,             -- of the last failure
        hint        TEXT,
        claim       TEXT              -- of the process that delivers it
    ) STRICT;
    CREATE INDEX job_waiting ON job (primary_, stage, id, next_at, updated_at)
        WHERE state = 0 AND claim IS NULL;
    CREATE INDEX job_claimed ON job (claim) WHERE claim IS NOT NULL;
    CREATE TABLE accepted (
        zone        TEXT PRIMARY KEY,
        serial      INTEGER NOT NULL, -- of the newest intent
        accepted_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
",
    "
    -- PTR values that were added here. They are kept apart from `delivered`: who delivers a whole reverse
    -- zone shall not take them away.
    CREATE TABLE ptr (
        primary_ TEXT NOT NULL,
        address  TEXT NOT NULL,
        hostname TEXT NOT NULL, -- lower case
        PRIMARY KEY (primary_, address, hostname)
    ) STRICT, WITHOUT ROWID;
",
];

/// The reason why the file cannot be used.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the names of the fields say what they hold")]
pub enum StoreError {
    /// Its directory cannot be created.
    #[error("cannot create the directory `{}`: {source}", path.display())]
    Directory { path: PathBuf, source: io::Error },
    /// No file can be created in its directory.
    #[error("cannot create a file in `{}`: {source}", path.display())]
    Unwritable {
        /// The directory, or the nearest existing one above it.
        path: PathBuf,
        source: io::Error,
    },
    /// SQLite failed.
    #[error("cannot {step} `{}`: {source}", path.display())]
    Sqlite {
        path: PathBuf,
        /// The action that failed, as a verb.
        step: &'static str,
        source: rusqlite::Error,
    },
    /// The file that shows whether this process lives cannot be created.
    #[error("cannot create `{}`, which marks what this process delivers: {source}", path.display())]
    ProcessLock { path: PathBuf, source: io::Error },
    /// A later version of nsbridge wrote it.
    #[error("`{}` has schema version {found}; this nsbridge knows up to {known}", path.display())]
    Newer {
        path: PathBuf,
        /// The version of its schema.
        found: usize,
        /// The newest version that this nsbridge knows.
        known: usize,
    },
}

impl StoreError {
    /// Returns the remedy.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unwritable { .. } | Self::ProcessLock { .. } => {
                "give the directory to the user that nsbridge runs as, or set `queue.path`"
            }
            Self::Directory { .. } => {
                "create it and give it to the user that nsbridge runs as, or set `queue.path`"
            }
            Self::Sqlite { source, .. } if is_damage(source) => {
                "the file is damaged: put it aside, with those whose names go on with `-wal` and `-shm`, and sync all \
                 zones (`plesk bin dns --sync-all-zones`); what was delivered before counts as foreign then"
            }
            Self::Sqlite { .. } => {
                "check the permissions and the free space of the file and of its directory"
            }
            Self::Newer { .. } => "install the newer nsbridge again, or set another `queue.path`",
        }
    }
}

/// Returns whether the file's content is not what nsbridge has written.
fn is_damage(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(error, rusqlite::Error::FromSqlConversionFailure(..))
        || matches!(
            code,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        )
}

/// The open file.
#[derive(Debug)]
pub(crate) struct Store {
    pub(super) path: PathBuf,
    pub(super) connection: Connection,
    /// Created when this process takes its first job.
    pub(super) process_lock: Option<ProcessLock>,
}

impl Store {
    /// Opens the file, and creates it and its directory if they are absent.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        if let Some(directory) = path.parent().filter(|directory| !directory.exists()) {
            fs::create_dir_all(directory).map_err(|source| StoreError::Directory {
                path: directory.into(),
                source,
            })?;
        }
        create_for_directory_owner(path);
        let mut store = Self::connect(path, OpenFlags::default())?;
        store.prepare()?;
        Ok(store)
    }

    /// Opens the file for reading only; an absent file is an empty one.
    pub(crate) fn open_read_only(path: &Path) -> Result<Self, StoreError> {
        if !path.exists() {
            return Self::empty(path);
        }
        let store = Self::connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        match store.version()? {
            // Another process has created the file, and has not filled it yet.
            0 => Self::empty(path),
            version if version == MIGRATIONS.len() => Ok(store),
            _ => store.copy(),
        }
    }

    /// Returns a copy in memory of the state in the file, as far as it can be read, without the
    /// jobs.
    pub(crate) fn detached(path: &Path) -> Result<Self, StoreError> {
        let state = Self::open_read_only(path).and_then(|state| state.copy());
        // An empty state is safe: with it no record is removed that was delivered before.
        let store = state.or_else(|_| Self::empty(path))?;
        let forgotten = store.connection.execute("DELETE FROM job", []);
        forgotten.map_err(failed(path, "copy"))?;
        Ok(store)
    }

    /// Returns a copy in memory with the newest schema.
    fn copy(&self) -> Result<Self, StoreError> {
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
        let mut store = Self::connect(path, flags)?;
        store.process_lock = Some(ProcessLock::without_file());
        store.prepare()?;
        Ok(store)
    }

    fn connect(path: &Path, flags: OpenFlags) -> Result<Self, StoreError> {
        let connect = || {
            let connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(BUSY_TIME_MAX)?;
            // A commit merges a log that has grown; the end of a short-lived process does not.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
            Ok(connection)
        };
        Ok(Self {
            path: path.into(),
            connection: connect().map_err(failed(path, "open"))?,
            process_lock: None,
        })
    }

    fn prepare(&mut self) -> Result<(), StoreError> {
        let connection = &self.connection;
        let set_up = || {
            enter_wal(connection)?;
            connection.pragma_update(None, "synchronous", "full")?;
            connection.pragma_update(None, "foreign_keys", true)?;
            connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)
        };
        set_up().map_err(failed(&self.path, "open"))?;
        if self.version()? == MIGRATIONS.len() {
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

    /// Does work in one transaction.
    pub(super) fn write<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let (transaction, path) = self.transaction()?;
        let done = work(&transaction).map_err(failed(path, "write"))?;
        transaction.commit().map_err(failed(path, "write"))?;
        Ok(done)
    }

    /// Begins a transaction that holds the lock for writing, and returns it with the file's path.
    pub(super) fn transaction(&mut self) -> Result<(Transaction<'_>, &Path), StoreError> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed(&self.path, "lock"))?;
        Ok((transaction, &self.path))
    }

    /// Merges the log into the file, except for what other processes still read.
    pub(crate) fn merge(&mut self) -> Result<(), StoreError> {
        self.connection
            .pragma_update(None, "wal_checkpoint", "passive")
            .map_err(failed(&self.path, "write"))
    }

    /// Sets the pages of the log from which on a commit merges it into the file; 0 for never.
    pub(super) fn set_log_pages(&self, pages: u32) -> Result<(), StoreError> {
        self.connection
            .pragma_update(None, "wal_autocheckpoint", pages)
            .map_err(failed(&self.path, "open"))
    }

    fn version(&self) -> Result<usize, StoreError> {
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
                transaction.execute_batch(step)?;
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

/// Examines the file, or the directory of an absent one, and changes neither. An error says why the
/// file cannot be used.
pub(crate) fn examine(path: &Path) -> Result<FileState, StoreError> {
    if path.exists() {
        let mut store = Store::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let (version, newest) = (store.version()?, MIGRATIONS.len());
        store
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .and_then(Transaction::rollback)
            .map_err(failed(path, "write"))?;
        return Ok(FileState::Usable { version, newest });
    }
    let mut above = path.ancestors().skip(1);
    let directory = above.find(|directory| directory.exists());
    // The parent of a relative path without a directory is the empty path.
    let directory = directory.unwrap_or(Path::new("."));
    let trial = directory.join(format!(".nsbridge-check-{}", std::process::id()));
    let created = File::create_new(&trial).and_then(|_| fs::remove_file(&trial));
    created.map_err(|source| StoreError::Unwritable {
        path: directory.to_owned(),
        source,
    })?;
    Ok(FileState::Absent)
}

/// Creates an empty file for the owner of its directory, if it is absent. Plesk calls as `psaadm`
/// and as root, and `psaadm` cannot write a file that root has created. (SQLite gives the files
/// that root creates beside this one to this one's owner by itself.)
///
/// A failure is not reported here: opening the file reports it with more detail.
fn create_for_directory_owner(path: &Path) {
    let Ok(file) = File::create_new(path) else {
        return;
    };
    if let Some(Ok(directory)) = path.parent().map(Path::metadata) {
        // Only root may give files away, and only root needs to.
        fchown(&file, Some(directory.uid()), Some(directory.gid())).ok();
        if directory.mode() & 0o020 != 0 {
            // A group shares the directory, so it shares the file and those that SQLite creates
            // beside it.
            file.set_permissions(Permissions::from_mode(0o660)).ok();
        }
    }
}

fn schema_version(connection: &Connection) -> rusqlite::Result<usize> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Returns the conversion of an SQL error.
pub(super) fn failed<'a>(
    path: &'a Path,
    step: &'static str,
) -> impl FnOnce(rusqlite::Error) -> StoreError + use<'a> {
    move |source| StoreError::Sqlite {
        path: path.into(),
        step,
        source,
    }
}

/// Sets the WAL mode of a file that is not in it yet. SQLite calls its busy handler only for a lock
/// that a connection does not hold in part. This lock is an upgrade: it fails at once while another
/// process opens the same new file.
fn enter_wal(connection: &Connection) -> rusqlite::Result<()> {
    for _ in 1..WAL_TRIES {
        match connection.pragma_update(None, "journal_mode", "wal") {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                std::thread::park_timeout(WAL_INTERVAL);
            }
            entered => return entered,
        }
    }
    connection.pragma_update(None, "journal_mode", "wal")
}
