//! The state of catalogs, in SQL. A serial whose check sum does not match counts as unknown: it would move a catalog,
//! which all instances share, far ahead of the time.

use rusqlite::{Connection, Transaction, params};

use super::error::StoreError;
use super::file::Store;
use super::sql::{execute, first};
use crate::deliver::ZoneKey;
use crate::model::Serial;

impl Store {
    /// Returns the latest serial that a catalog is known to have had.
    pub(crate) fn catalog_serial(&self, catalog: &ZoneKey) -> Result<Option<Serial>, StoreError> {
        self.read(|connection| find_serial(connection, catalog))
    }
}

fn find_serial(connection: &Connection, catalog: &ZoneKey) -> rusqlite::Result<Option<Serial>> {
    let find = "SELECT serial FROM catalog
                WHERE primary_ = ? AND zone = ? AND own_sum IS check_sum(primary_, zone, serial)";
    let row = params![catalog.primary, catalog.zone.to_string()];
    first(connection, find, row, |row| row.get(0).map(Serial))
}

/// Notes a serial that a catalog has had, unless a later one is known.
pub(super) fn note_serial(
    transaction: &Transaction<'_>,
    catalog: &ZoneKey,
    serial: Serial,
) -> rusqlite::Result<()> {
    if find_serial(transaction, catalog)?.is_some_and(|known| !serial.is_after(known)) {
        return Ok(());
    }
    let note = "INSERT INTO catalog (primary_, zone, serial, own_sum)
                VALUES (?1, ?2, ?3, check_sum(?1, ?2, ?3))
                ON CONFLICT DO UPDATE SET serial = excluded.serial, own_sum = excluded.own_sum";
    let row = params![catalog.primary, catalog.zone.to_string(), serial.0];
    execute(transaction, note, row)
}
