//! The file: what was delivered to which zone, in SQLite.
//!
//! The one module that knows SQL. WAL with `synchronous=FULL`, so that a widening that was
//! committed survives a power cut: if it did not, records of ours would be taken for foreign ones.
//! Each public call is one transaction.

use std::fs::File;
use std::os::unix::fs::{MetadataExt as _, fchown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{
    Connection, ErrorCode, OptionalExtension, Transaction, TransactionBehavior, params,
};

use crate::deliver::{MemoryChange, Origin, SoaTtl, ZoneKey, ZoneMemory, ZoneSummary};
use crate::model::{Name, Rdata, Record, RecordType, RrSets, ZoneName};
use crate::plan::Guard;

/// How long a call waits for other processes' transactions.
const BUSY_TIME_MAX: Duration = Duration::from_secs(10);

/// How often and in which intervals a new file is taken into WAL mode: together, as long as
/// [`BUSY_TIME_MAX`].
const WAL_TRIES: u32 = 1_000;
const WAL_INTERVAL: Duration = Duration::from_millis(10);

/// Each step takes the schema one version on; steps are only ever appended.
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
];

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Its directory cannot be made.
    #[error("cannot create the directory `{}`: {source}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// No file can be made in its directory.
    #[error("cannot create a file in `{}`: {source}", path.display())]
    Unwritable {
        /// The directory, or the nearest one above it that is there.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// SQLite failed.
    #[error("cannot {step} `{}`: {source}", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What was being done.
        step: &'static str,
        /// Why.
        source: rusqlite::Error,
    },
    /// A later version of nsbridge wrote it.
    #[error("`{}` has schema version {found}; this nsbridge knows up to {known}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: usize,
        /// Ours.
        known: usize,
    },
}

impl StoreError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unwritable { .. } => {
                "give the directory to the user that nsbridge runs as, or set `queue.path`"
            }
            Self::Directory { .. } => {
                "create it and give it to the user that nsbridge runs as, or set `queue.path`"
            }
            Self::Sqlite { .. } => {
                "check the permissions and the free space of the file and of its directory"
            }
            Self::Newer { .. } => "install the newer nsbridge again, or set another `queue.path`",
        }
    }
}

/// The open file.
#[derive(Debug)]
pub(super) struct Store {
    path: PathBuf,
    connection: Connection,
}

impl Store {
    /// Opens the file, creating it and its directory where they are missing.
    ///
    /// # Errors
    /// [`StoreError`], also where a later version wrote the file.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        if let Some(directory) = path.parent().filter(|directory| !directory.exists()) {
            std::fs::create_dir_all(directory).map_err(|source| StoreError::Directory {
                path: directory.into(),
                source,
            })?;
        }
        create_for_directory_owner(path);
        let connection = Connection::open(path).map_err(failed(path, "open"))?;
        let mut store = Self {
            path: path.into(),
            connection,
        };
        store.prepare()?;
        Ok(store)
    }

    /// Opens the file for reading only; a file that is not there is an empty memory.
    ///
    /// # Errors
    /// [`StoreError`], as [`Store::open`].
    pub(super) fn open_read_only(path: &Path) -> Result<Self, StoreError> {
        if !path.exists() {
            return Self::empty(path);
        }
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let connection = Connection::open_with_flags(path, flags).map_err(failed(path, "open"))?;
        connection
            .busy_timeout(BUSY_TIME_MAX)
            .map_err(failed(path, "open"))?;
        let store = Self {
            path: path.into(),
            connection,
        };
        match store.version()? {
            // Another process has made the file, and is about to fill it.
            0 => Self::empty(path),
            _ => Ok(store),
        }
    }

    /// Opens a file that is there, takes its lock for writing and changes nothing: its schema version
    /// and the one that it would be brought to.
    ///
    /// # Errors
    /// [`StoreError`], also where the file or its directory can only be read.
    pub(super) fn try_out(path: &Path) -> Result<(usize, usize), StoreError> {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
        let connection = Connection::open_with_flags(path, flags).map_err(failed(path, "open"))?;
        let set_up = || {
            connection.busy_timeout(BUSY_TIME_MAX)?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
        };
        set_up().map_err(failed(path, "open"))?;
        let mut store = Self {
            path: path.into(),
            connection,
        };
        let version = store.version()?;
        let transaction = store
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate);
        transaction
            .and_then(Transaction::rollback)
            .map_err(failed(path, "write"))?;
        Ok((version, MIGRATIONS.len()))
    }

    /// An empty memory in place of the file.
    fn empty(path: &Path) -> Result<Self, StoreError> {
        let connection = Connection::open_in_memory().map_err(failed(path, "open"))?;
        let mut store = Self {
            path: path.into(),
            connection,
        };
        store.prepare()?;
        Ok(store)
    }

    /// What is remembered of a zone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) fn load(&self, key: &ZoneKey) -> Result<ZoneMemory, StoreError> {
        self.load_zone(key).map_err(failed(&self.path, "read"))
    }

    /// The zones that were made or delivered to, in ascending order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) fn list(&self) -> Result<Vec<ZoneSummary>, StoreError> {
        let mut zones = self.list_zones().map_err(failed(&self.path, "read"))?;
        zones.retain(|zone| zone.origin != Origin::Found || zone.delivered > 0);
        zones.sort_by(|a, b| {
            let names = a.key.zone.cmp(&b.key.zone);
            names.then_with(|| a.key.primary.cmp(&b.key.primary))
        });
        Ok(zones)
    }

    /// The generation that a zone's memory is at; zero where nothing is remembered.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) fn generation(&self, key: &ZoneKey) -> Result<i64, StoreError> {
        let read = || {
            let mut zone = self
                .connection
                .prepare_cached("SELECT generation FROM zone WHERE primary_ = ? AND name = ?")?;
            let row = params![key.primary, key.zone.to_string()];
            zone.query_row(row, |row| row.get(0)).optional()
        };
        let generation = read().map_err(failed(&self.path, "read"))?;
        Ok(generation.unwrap_or_default())
    }

    /// Makes changes durable, all in one transaction; the new generation of each.
    ///
    /// # Errors
    /// [`StoreError`]; then none was made.
    pub(super) fn apply(&mut self, changes: &[StoreChange]) -> Result<Vec<i64>, StoreError> {
        let path = &self.path;
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed(path, "lock"))?;
        let applied: rusqlite::Result<Vec<i64>> = changes
            .iter()
            .map(|change| apply_change(&transaction, change))
            .collect();
        let generations = applied.map_err(failed(path, "write"))?;
        transaction.commit().map_err(failed(path, "write"))?;
        Ok(generations)
    }

    fn prepare(&mut self) -> Result<(), StoreError> {
        let connection = &self.connection;
        let settings = || {
            connection.busy_timeout(BUSY_TIME_MAX)?;
            enter_wal(connection)?;
            connection.pragma_update(None, "synchronous", "full")?;
            connection.pragma_update(None, "foreign_keys", true)?;
            // The log is merged when it has grown, not whenever a short-lived process ends.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
            rusqlite::Result::Ok(())
        };
        settings().map_err(failed(&self.path, "open"))?;
        if self.version()? == MIGRATIONS.len() {
            return Ok(());
        }
        self.migrate()
    }

    fn version(&self) -> Result<usize, StoreError> {
        let version = self
            .connection
            .pragma_query_value(None, "user_version", |row| row.get(0));
        let found: u32 = version.map_err(failed(&self.path, "read"))?;
        let (found, known) = (found as usize, MIGRATIONS.len());
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
        let path = self.path.clone();
        let migrate = |connection: &mut Connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            // Read under the lock: another process may have migrated in between.
            let version: u32 =
                transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
            for step in &MIGRATIONS[(version as usize).min(MIGRATIONS.len())..] {
                transaction.execute_batch(step)?;
            }
            let version = u32::try_from(MIGRATIONS.len()).expect("a handful of migrations");
            transaction.pragma_update(None, "user_version", version)?;
            transaction.commit()
        };
        migrate(&mut self.connection).map_err(failed(&path, "set up"))
    }

    fn list_zones(&self) -> rusqlite::Result<Vec<ZoneSummary>> {
        let mut zones = self.connection.prepare_cached(
            "SELECT primary_, name, origin,
                (SELECT count(*) FROM delivered WHERE delivered.zone = zone.id)
             FROM zone",
        )?;
        let zones = zones.query_map([], |row| {
            let name: Name = row
                .get_ref(1)?
                .as_str()?
                .parse()
                .map_err(|error| corrupt(1, error))?;
            Ok(ZoneSummary {
                key: ZoneKey {
                    primary: row.get(0)?,
                    zone: ZoneName::new(&name),
                },
                origin: origin_from(row.get(2)?),
                delivered: row.get(3)?,
            })
        })?;
        zones.collect()
    }

    fn load_zone(&self, key: &ZoneKey) -> rusqlite::Result<ZoneMemory> {
        let mut zone = self.connection.prepare_cached(
            "SELECT id, origin, guard, soa_ttl, generation FROM zone
             WHERE primary_ = ? AND name = ?",
        )?;
        let found = zone
            .query_row(params![key.primary, key.zone.to_string()], |row| {
                let id: i64 = row.get(0)?;
                Ok((
                    id,
                    origin_from(row.get(1)?),
                    guard_from(row.get(2)?),
                    soa_ttl_from(row.get(3)?),
                    row.get(4)?,
                ))
            })
            .optional()?;
        let Some((id, origin, guard, soa_ttl, generation)) = found else {
            return Ok(ZoneMemory::default());
        };
        let mut records = self
            .connection
            .prepare_cached("SELECT owner, type, rdata, ttl FROM delivered WHERE zone = ?")?;
        let records = records.query_map([id], |row| {
            let owner =
                Name::from_wire(row.get_ref(0)?.as_blob()?).map_err(|error| corrupt(0, error))?;
            let rdata = Rdata::from_canonical(row.get_ref(2)?.as_blob()?);
            let ttl: Option<u32> = row.get(3)?;
            let record = Record {
                owner,
                rtype: RecordType(row.get(1)?),
                ttl: ttl.unwrap_or_default(),
                rdata,
            };
            Ok((record, ttl.is_some()))
        })?;
        let (mut delivered, mut confirmed) = (Vec::new(), Vec::new());
        for record in records {
            let (record, is_confirmed) = record?;
            if is_confirmed {
                confirmed.push(record.clone());
            }
            delivered.push(Record { ttl: 0, ..record });
        }
        Ok(ZoneMemory {
            origin,
            guard,
            soa_ttl,
            delivered: RrSets::from_records(delivered),
            confirmed: RrSets::from_records(confirmed),
            generation,
        })
    }
}

/// Creates a missing file, empty, for the owner of its directory. Plesk calls as `psaadm` and as
/// root, and what root made first, `psaadm` could not write. (SQLite gives the files that root makes
/// beside this one to this one's owner by itself.)
///
/// A failure is not reported here: opening the file tells the same with more detail.
fn create_for_directory_owner(path: &Path) {
    let Ok(file) = File::create_new(path) else {
        return;
    };
    if let Some(Ok(directory)) = path.parent().map(Path::metadata) {
        // Nobody but root may give files away, and nobody else needs to.
        fchown(file, Some(directory.uid()), Some(directory.gid())).ok();
    }
}

/// A change of the file.
#[derive(Debug)]
pub(super) enum StoreChange {
    /// Add records, and drop others if nobody changed the memory in between.
    Change(MemoryChange),
    /// Forget a zone if its memory is still of this generation.
    Forget(ZoneKey, i64),
}

impl StoreChange {
    /// Whose memory changes.
    pub(super) fn key(&self) -> &ZoneKey {
        match self {
            Self::Change(change) => &change.key,
            Self::Forget(key, _) => key,
        }
    }
}

/// Takes the file into WAL mode, where it is not yet. SQLite asks its busy handler only for locks
/// that a connection takes from scratch; this one is an upgrade, and fails at once while another
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

fn apply_change(transaction: &Transaction<'_>, change: &StoreChange) -> rusqlite::Result<i64> {
    let change = match change {
        StoreChange::Change(change) => change,
        StoreChange::Forget(key, generation) => {
            let mut forget = transaction.prepare_cached(
                "DELETE FROM zone WHERE primary_ = ? AND name = ? AND generation = ?",
            )?;
            forget.execute(params![key.primary, key.zone.to_string(), generation])?;
            return Ok(0);
        }
    };
    let (origin, guard) = (origin_code(change.origin), guard_code(change.guard));
    let soa_ttl = soa_ttl_code(change.soa_ttl);
    let zone = params![change.key.primary, change.key.zone.to_string()];
    let mut find = transaction.prepare_cached(
        "SELECT origin, guard, soa_ttl, generation FROM zone WHERE primary_ = ? AND name = ?",
    )?;
    let found: Option<((u8, u8, u8), i64)> = find
        .query_row(zone, |row| {
            let known = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok((known, row.get(3)?))
        })
        .optional()?;
    // Where another process changed the memory since it was read, what that process found out
    // stays, and nothing is dropped that it may have added.
    let is_overtaken = found.is_some_and(|(_, generation)| generation != change.generation);
    let origin = match found {
        Some(((other, _, _), _)) if is_overtaken => origin.max(other),
        Some(_) | None => origin,
    };
    if let Some((_, generation)) = found.filter(|found| found.0 == (origin, guard, soa_ttl))
        && change.add.is_empty()
        && change.drop.is_empty()
        && change.confirm.is_empty()
    {
        return Ok(generation);
    }
    // The first generation is a random one, so that none of a zone that was forgotten comes again.
    let mut put = transaction.prepare_cached(
        "INSERT INTO zone (primary_, name, origin, guard, soa_ttl, generation)
         VALUES (?, ?, ?, ?, ?, 1 + (random() & 0x3fffffffffffffff))
         ON CONFLICT DO UPDATE SET
            origin = excluded.origin, guard = excluded.guard, soa_ttl = excluded.soa_ttl,
            generation = generation + 1
         RETURNING id, generation",
    )?;
    let row = params![
        change.key.primary,
        change.key.zone.to_string(),
        origin,
        guard,
        soa_ttl
    ];
    let (id, generation): (i64, i64) = put.query_row(row, |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut add = transaction.prepare_cached(
        "INSERT INTO delivered (zone, owner, type, rdata) VALUES (?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET ttl = NULL WHERE ttl IS NOT NULL",
    )?;
    execute_each(&mut add, id, &change.add)?;
    if !is_overtaken {
        let mut confirm = transaction.prepare_cached(
            "UPDATE delivered SET ttl = ?5
             WHERE zone = ?1 AND owner = ?2 AND type = ?3 AND rdata = ?4",
        )?;
        for set in &change.confirm {
            let owner = set.owner.to_lowercase();
            for rdata in &set.rdatas {
                let row = params![id, owner.as_wire(), set.rtype.0, rdata.as_wire(), set.ttl];
                confirm.execute(row)?;
            }
        }
        let mut drop = transaction.prepare_cached(
            "DELETE FROM delivered WHERE zone = ? AND owner = ? AND type = ? AND rdata = ?",
        )?;
        execute_each(&mut drop, id, &change.drop)?;
    }
    Ok(generation)
}

fn execute_each(
    statement: &mut rusqlite::Statement<'_>,
    zone: i64,
    records: &RrSets,
) -> rusqlite::Result<()> {
    for set in records {
        let owner = set.owner.to_lowercase();
        for rdata in &set.rdatas {
            statement.execute(params![zone, owner.as_wire(), set.rtype.0, rdata.as_wire()])?;
        }
    }
    Ok(())
}

fn failed<'a>(
    path: &'a Path,
    step: &'static str,
) -> impl FnOnce(rusqlite::Error) -> StoreError + use<'a> {
    move |source| StoreError::Sqlite {
        path: path.into(),
        step,
        source,
    }
}

fn corrupt(column: usize, error: crate::model::NameError) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Blob, error.into())
}

fn origin_code(origin: Origin) -> u8 {
    match origin {
        Origin::Found => 0,
        Origin::Making => 1,
        Origin::Made => 2,
    }
}

fn origin_from(code: u8) -> Origin {
    match code {
        2 => Origin::Made,
        1 => Origin::Making,
        _ => Origin::Found,
    }
}

fn guard_code(guard: Guard) -> u8 {
    match guard {
        // Which of the two is up to the primary.
        Guard::Soa | Guard::SoaMovedOn => 0,
        Guard::RrSets => 1,
    }
}

fn soa_ttl_code(soa_ttl: SoaTtl) -> u8 {
    match soa_ttl {
        SoaTtl::Settable => 0,
        SoaTtl::Fixed => 1,
    }
}

fn soa_ttl_from(code: u8) -> SoaTtl {
    if code == 1 {
        SoaTtl::Fixed
    } else {
        SoaTtl::Settable
    }
}

fn guard_from(code: u8) -> Guard {
    if code == 1 { Guard::RrSets } else { Guard::Soa }
}

#[cfg(test)]
mod tests;
