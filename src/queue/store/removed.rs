//! Records that were delivered and removed again, in SQL. One whose check sum does not match is not known.

use rusqlite::{Connection, Transaction, params};

use super::error::corrupt;
use super::sql::{all, execute};
use crate::model::{Name, Rdata, Record, RecordType, RrSets};

/// Returns the records of a zone.
pub(super) fn of_zone(connection: &Connection, zone: i64) -> rusqlite::Result<RrSets> {
    let find = "SELECT owner, type, rdata FROM removed
                WHERE zone = ? AND own_sum IS check_sum(zone, owner, type, rdata)";
    let records: Vec<Record> = all(connection, find, [zone], |row| {
        Ok(Record {
            owner: Name::from_wire(row.get_ref(0)?.as_blob()?)
                .map_err(|error| corrupt(0, error))?,
            rtype: RecordType(row.get(1)?),
            ttl: 0,
            rdata: Rdata::from_canonical(row.get_ref(2)?.as_blob()?),
        })
    })?;
    Ok(RrSets::from_records(records))
}

/// Notes that a record of a zone was removed.
pub(super) fn note(
    transaction: &Transaction<'_>,
    zone: i64,
    owner: &[u8],
    rtype: u16,
    rdata: &[u8],
) -> rusqlite::Result<()> {
    let note = "INSERT INTO removed (zone, owner, type, rdata, own_sum)
                VALUES (?1, ?2, ?3, ?4, check_sum(?1, ?2, ?3, ?4))
                ON CONFLICT DO UPDATE SET removed_at = unixepoch(), own_sum = excluded.own_sum";
    execute(transaction, note, params![zone, owner, rtype, rdata])
}

/// Forgets a record, since it is delivered again.
pub(super) fn forget(
    transaction: &Transaction<'_>,
    zone: i64,
    owner: &[u8],
    rtype: u16,
    rdata: &[u8],
) -> rusqlite::Result<()> {
    let forget = "DELETE FROM removed WHERE zone = ? AND owner = ? AND type = ? AND rdata = ?";
    execute(transaction, forget, params![zone, owner, rtype, rdata])
}
