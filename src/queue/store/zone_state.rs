//! The state of zones and the PTR values, in SQL.

use std::collections::BTreeSet;
use std::net::AddrParseError;

use rusqlite::{Connection, Transaction, params};

use super::file::{Store, StoreError};
use super::sql::{all, execute, first};
use crate::deliver::{Provenance, PtrValue, SoaTtl, StateChange, ZoneKey, ZoneState, ZoneSummary};
use crate::model::{Name, Rdata, Record, RecordType, RrSet, RrSets, ZoneName};
use crate::plan::Prerequisites;

/// A row of the table `zone`, with its codes.
struct ZoneRow {
    id: i64,
    provenance: u8,
    prerequisites: u8,
    soa_ttl: u8,
    generation: i64,
}

fn find_zone(connection: &Connection, key: &ZoneKey) -> rusqlite::Result<Option<ZoneRow>> {
    let find = "SELECT id, origin, guard, soa_ttl, generation FROM zone
                WHERE primary_ = ? AND name = ?";
    let row = params![key.primary, key.zone.to_string()];
    first(connection, find, row, |row| {
        Ok(ZoneRow {
            id: row.get(0)?,
            provenance: row.get(1)?,
            prerequisites: row.get(2)?,
            soa_ttl: row.get(3)?,
            generation: row.get(4)?,
        })
    })
}

impl Store {
    /// Loads the state of a zone.
    pub(crate) fn load(&self, key: &ZoneKey) -> Result<ZoneState, StoreError> {
        self.read(|connection| {
            let Some(zone) = find_zone(connection, key)? else {
                return Ok(ZoneState::default());
            };
            let (mut managed, mut verified) = (Vec::new(), Vec::new());
            let mut find = connection
                .prepare_cached("SELECT owner, type, rdata, ttl FROM delivered WHERE zone = ?")?;
            let mut rows = find.query([zone.id])?;
            while let Some(row) = rows.next()? {
                let owner = row.get_ref(0)?.as_blob()?;
                let record = Record {
                    owner: Name::from_wire(owner).map_err(|error| corrupt(0, error))?,
                    rtype: RecordType(row.get(1)?),
                    ttl: 0,
                    rdata: Rdata::from_canonical(row.get_ref(2)?.as_blob()?),
                };
                if let Some(ttl) = row.get(3)? {
                    let record = record.clone();
                    verified.push(Record { ttl, ..record });
                }
                managed.push(record);
            }
            Ok(ZoneState {
                provenance: provenance_from(zone.provenance),
                prerequisites: prerequisites_from(zone.prerequisites),
                soa_ttl: soa_ttl_from(zone.soa_ttl),
                generation: zone.generation,
                managed: RrSets::from_records(managed),
                verified: RrSets::from_records(verified),
            })
        })
    }

    /// Returns whether this instance has created or adopted a zone, or manages records in it.
    pub(crate) fn knows(&self, key: &ZoneKey) -> Result<bool, StoreError> {
        self.read(|connection| {
            let Some(zone) = find_zone(connection, key)? else {
                return Ok(false);
            };
            let find = "SELECT 1 FROM delivered WHERE zone = ?";
            Ok(provenance_from(zone.provenance) != Provenance::Preexisting
                || first(connection, find, [zone.id], |_| Ok(()))?.is_some())
        })
    }

    /// Returns the known zones, in ascending order.
    pub(crate) fn list(&self) -> Result<Vec<ZoneSummary>, StoreError> {
        let mut zones: Vec<ZoneSummary> = self.read(|connection| {
            let find = "SELECT primary_, name, origin,
                            (SELECT count(*) FROM delivered WHERE delivered.zone = zone.id)
                        FROM zone";
            all(connection, find, [], |row| {
                let name = row.get_ref(1)?.as_str()?.parse();
                let name: Name = name.map_err(|error| corrupt(1, error))?;
                Ok(ZoneSummary {
                    key: ZoneKey {
                        primary: row.get(0)?,
                        zone: ZoneName::new(&name),
                    },
                    provenance: provenance_from(row.get(2)?),
                    managed: row.get(3)?,
                })
            })
        })?;
        zones.retain(|zone| zone.provenance != Provenance::Preexisting || zone.managed > 0);
        zones.sort_by(|a, b| {
            let names = a.key.zone.cmp(&b.key.zone);
            names.then_with(|| a.key.primary.cmp(&b.key.primary))
        });
        Ok(zones)
    }

    /// Returns the generation of a zone's state; 0 if the zone has none.
    pub(crate) fn generation(&self, key: &ZoneKey) -> Result<i64, StoreError> {
        let zone = self.read(|connection| find_zone(connection, key))?;
        Ok(zone.map_or(0, |zone| zone.generation))
    }

    /// Returns the PTR values that this instance added.
    pub(crate) fn ptrs(&self) -> Result<BTreeSet<PtrValue>, StoreError> {
        self.read(|connection| {
            let find = "SELECT primary_, address, hostname FROM ptr";
            all(connection, find, [], |row| {
                let address = row.get_ref(1)?.as_str()?.parse();
                let hostname = row.get_ref(2)?.as_str()?.parse();
                Ok(PtrValue {
                    primary: row.get(0)?,
                    address: address.map_err(|error: AddrParseError| corrupt(1, error))?,
                    hostname: hostname.map_err(|error| corrupt(2, error))?,
                })
            })
        })
    }
}

pub(super) const ADD_PTR: &str =
    "INSERT INTO ptr (primary_, address, hostname) VALUES (?, ?, ?) ON CONFLICT DO NOTHING";

pub(super) const DROP_PTR: &str =
    "DELETE FROM ptr WHERE primary_ = ? AND address = ? AND hostname = ?";

/// Executes [`ADD_PTR`] or [`DROP_PTR`] for a value.
pub(super) fn change_ptr(
    transaction: &Transaction<'_>,
    statement: &str,
    value: &PtrValue,
) -> rusqlite::Result<()> {
    let (address, hostname) = (value.address.to_string(), value.hostname.to_lowercase());
    let row = params![value.primary, address, hostname.to_string()];
    execute(transaction, statement, row)
}

/// Deletes the state of a zone if this generation is still current.
pub(super) fn forget(
    transaction: &Transaction<'_>,
    key: &ZoneKey,
    generation: i64,
) -> rusqlite::Result<()> {
    let forget = "DELETE FROM zone WHERE primary_ = ? AND name = ? AND generation = ?";
    let row = params![key.primary, key.zone.to_string(), generation];
    execute(transaction, forget, row)
}

/// Changes the state of a zone, and returns its new generation. Records are dropped and marked as
/// verified only if the generation of the change is still current.
pub(super) fn change(transaction: &Transaction<'_>, change: &StateChange) -> rusqlite::Result<i64> {
    let mut provenance = provenance_code(change.provenance);
    let prerequisites = prerequisites_code(change.prerequisites);
    let soa_ttl = soa_ttl_code(change.soa_ttl);
    let mut is_overtaken = false;
    if let Some(found) = find_zone(transaction, &change.key)? {
        // If another process has changed the state since this change was computed, the provenance
        // that it found stays, and no record is dropped, since that process may have added it.
        is_overtaken = found.generation != change.generation;
        if is_overtaken {
            provenance = provenance.max(found.provenance);
        }
        let codes = (found.provenance, found.prerequisites, found.soa_ttl);
        let mut records = [&change.add, &change.drop, &change.verify].into_iter();
        if codes == (provenance, prerequisites, soa_ttl) && records.all(RrSets::is_empty) {
            return Ok(found.generation);
        }
    }
    // The first generation is random: no generation of a zone that was forgotten comes again.
    let mut put = transaction.prepare_cached(
        "INSERT INTO zone (primary_, name, origin, guard, soa_ttl, generation)
         VALUES (?, ?, ?, ?, ?, 1 + (random() & 0x3fffffffffffffff))
         ON CONFLICT DO UPDATE SET
            origin = excluded.origin, guard = excluded.guard, soa_ttl = excluded.soa_ttl,
            generation = generation + 1
         RETURNING id, generation",
    )?;
    let ZoneKey { primary, zone } = &change.key;
    let row = params![
        primary,
        zone.to_string(),
        provenance,
        prerequisites,
        soa_ttl
    ];
    let (id, generation): (i64, i64) = put.query_row(row, |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut add = transaction.prepare_cached(
        "INSERT INTO delivered (zone, owner, type, rdata) VALUES (?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET ttl = NULL WHERE ttl IS NOT NULL",
    )?;
    for_each_record(&change.add, |owner, set, rdata| {
        add.execute(params![id, owner, set.rtype.0, rdata])
    })?;
    if !is_overtaken {
        let mut verify = transaction.prepare_cached(
            "UPDATE delivered SET ttl = ? WHERE zone = ? AND owner = ? AND type = ? AND rdata = ?",
        )?;
        for_each_record(&change.verify, |owner, set, rdata| {
            verify.execute(params![set.ttl, id, owner, set.rtype.0, rdata])
        })?;
        let mut drop = transaction.prepare_cached(
            "DELETE FROM delivered WHERE zone = ? AND owner = ? AND type = ? AND rdata = ?",
        )?;
        for_each_record(&change.drop, |owner, set, rdata| {
            drop.execute(params![id, owner, set.rtype.0, rdata])
        })?;
    }
    Ok(generation)
}

/// Does work for each record, with its owner name in lower case and its data, both in wire form.
fn for_each_record(
    records: &RrSets,
    mut work: impl FnMut(&[u8], &RrSet, &[u8]) -> rusqlite::Result<usize>,
) -> rusqlite::Result<()> {
    for set in records {
        let owner = set.owner.to_lowercase();
        for rdata in &set.rdatas {
            work(owner.as_wire(), set, rdata.as_wire())?;
        }
    }
    Ok(())
}

fn corrupt(
    column: usize,
    error: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Blob, error.into())
}

/// A version that does not know a code reads it as [`Provenance::Preexisting`].
fn provenance_code(provenance: Provenance) -> u8 {
    match provenance {
        Provenance::Preexisting => 0,
        Provenance::Creating => 1,
        Provenance::Created => 2,
        Provenance::Adopted => 3,
    }
}

fn provenance_from(code: u8) -> Provenance {
    match code {
        1 => Provenance::Creating,
        2 => Provenance::Created,
        3 => Provenance::Adopted,
        _ => Provenance::Preexisting,
    }
}

fn prerequisites_code(prerequisites: Prerequisites) -> u8 {
    match prerequisites {
        // The primary decides between the two.
        Prerequisites::Soa | Prerequisites::SoaMovedOn => 0,
        // Each attempt finds out again whether the weaker one is needed.
        Prerequisites::RrSets | Prerequisites::Presence => 1,
    }
}

fn prerequisites_from(code: u8) -> Prerequisites {
    if code == 1 {
        Prerequisites::RrSets
    } else {
        Prerequisites::Soa
    }
}

fn soa_ttl_code(soa_ttl: SoaTtl) -> u8 {
    u8::from(soa_ttl == SoaTtl::Fixed)
}

fn soa_ttl_from(code: u8) -> SoaTtl {
    if code == 1 {
        SoaTtl::Fixed
    } else {
        SoaTtl::Settable
    }
}
