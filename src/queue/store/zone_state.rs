//! What is remembered of zones and PTR values, in SQL.

use std::collections::BTreeSet;
use std::net::AddrParseError;

use rusqlite::{OptionalExtension, Transaction, params};

use super::file::{Store, StoreError, failed};
use crate::deliver::{Provenance, PtrValue, SoaTtl, StateChange, ZoneKey, ZoneState, ZoneSummary};
use crate::model::{Name, Rdata, Record, RecordType, RrSets, ZoneName};
use crate::plan::Prerequisites;

impl Store {
    /// What is remembered of a zone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(in crate::queue) fn load(&self, key: &ZoneKey) -> Result<ZoneState, StoreError> {
        self.load_zone(key).map_err(failed(&self.path, "read"))
    }

    /// Whether a zone was made, adopted or delivered to.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(in crate::queue) fn knows(&self, key: &ZoneKey) -> Result<bool, StoreError> {
        let read = || {
            let mut zone = self.connection.prepare_cached(
                "SELECT origin, EXISTS (SELECT 1 FROM delivered WHERE delivered.zone = zone.id)
                 FROM zone WHERE primary_ = ? AND name = ?",
            )?;
            let row = params![key.primary, key.zone.to_string()];
            zone.query_row(row, |row| {
                Ok(provenance_from(row.get(0)?) != Provenance::Preexisting || row.get(1)?)
            })
            .optional()
        };
        let state = read().map_err(failed(&self.path, "read"))?;
        Ok(state.unwrap_or_default())
    }

    /// The zones that were made or delivered to, in ascending order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(in crate::queue) fn list(&self) -> Result<Vec<ZoneSummary>, StoreError> {
        let mut zones = self.list_zones().map_err(failed(&self.path, "read"))?;
        zones.retain(|zone| zone.provenance != Provenance::Preexisting || zone.managed > 0);
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
    pub(in crate::queue) fn generation(&self, key: &ZoneKey) -> Result<i64, StoreError> {
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

    /// The PTR values that were added here.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(in crate::queue) fn ptrs(&self) -> Result<BTreeSet<PtrValue>, StoreError> {
        let read = || {
            let mut ptrs = self
                .connection
                .prepare_cached("SELECT primary_, address, hostname FROM ptr")?;
            let ptrs = ptrs.query_map([], |row| {
                let address = row.get_ref(1)?.as_str()?;
                let hostname = row.get_ref(2)?.as_str()?;
                Ok(PtrValue {
                    primary: row.get(0)?,
                    address: address
                        .parse()
                        .map_err(|error: AddrParseError| corrupt(1, error))?,
                    hostname: hostname.parse().map_err(|error| corrupt(2, error))?,
                })
            })?;
            ptrs.collect::<rusqlite::Result<_>>()
        };
        read().map_err(failed(&self.path, "read"))
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
                provenance: provenance_from(row.get(2)?),
                managed: row.get(3)?,
            })
        })?;
        zones.collect()
    }

    fn load_zone(&self, key: &ZoneKey) -> rusqlite::Result<ZoneState> {
        let mut zone = self.connection.prepare_cached(
            "SELECT id, origin, guard, soa_ttl, generation FROM zone
             WHERE primary_ = ? AND name = ?",
        )?;
        let found = zone
            .query_row(params![key.primary, key.zone.to_string()], |row| {
                let id: i64 = row.get(0)?;
                Ok((
                    id,
                    provenance_from(row.get(1)?),
                    prerequisites_from(row.get(2)?),
                    soa_ttl_from(row.get(3)?),
                    row.get(4)?,
                ))
            })
            .optional()?;
        let Some((id, provenance, prerequisites, soa_ttl, generation)) = found else {
            return Ok(ZoneState::default());
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
        let (mut managed, mut verified) = (Vec::new(), Vec::new());
        for record in records {
            let (record, is_confirmed) = record?;
            if is_confirmed {
                verified.push(record.clone());
            }
            managed.push(Record { ttl: 0, ..record });
        }
        Ok(ZoneState {
            provenance,
            prerequisites,
            soa_ttl,
            managed: RrSets::from_records(managed),
            verified: RrSets::from_records(verified),
            generation,
        })
    }
}

/// Remembers a PTR value.
pub(super) fn add_ptr(transaction: &Transaction<'_>, value: &PtrValue) -> rusqlite::Result<()> {
    let statement =
        "INSERT INTO ptr (primary_, address, hostname) VALUES (?, ?, ?) ON CONFLICT DO NOTHING";
    execute_ptr(transaction, statement, value)
}

/// Forgets a PTR value.
pub(super) fn drop_ptr(transaction: &Transaction<'_>, value: &PtrValue) -> rusqlite::Result<()> {
    let statement = "DELETE FROM ptr WHERE primary_ = ? AND address = ? AND hostname = ?";
    execute_ptr(transaction, statement, value)
}

fn execute_ptr(
    transaction: &Transaction<'_>,
    statement: &str,
    value: &PtrValue,
) -> rusqlite::Result<()> {
    let (address, hostname) = (value.address.to_string(), value.hostname.to_lowercase());
    let row = params![value.primary, address, hostname.to_string()];
    transaction.prepare_cached(statement)?.execute(row)?;
    Ok(())
}

/// Forgets a zone if its memory is still of this generation.
pub(super) fn forget(
    transaction: &Transaction<'_>,
    key: &ZoneKey,
    generation: i64,
) -> rusqlite::Result<()> {
    let mut forget = transaction
        .prepare_cached("DELETE FROM zone WHERE primary_ = ? AND name = ? AND generation = ?")?;
    forget.execute(params![key.primary, key.zone.to_string(), generation])?;
    Ok(())
}

/// Adds records, and drops others if nobody changed the memory in between; the new generation.
pub(super) fn change(transaction: &Transaction<'_>, change: &StateChange) -> rusqlite::Result<i64> {
    let (provenance, prerequisites) = (
        provenance_code(change.provenance),
        prerequisites_code(change.prerequisites),
    );
    let soa_ttl = soa_ttl_code(change.soa_ttl);
    let zone = params![change.key.primary, change.key.zone.to_string()];
    let mut find = transaction.prepare_cached(
        "SELECT origin, guard, soa_ttl, generation FROM zone WHERE primary_ = ? AND name = ?",
    )?;
    let found: Option<((u8, u8, u8), i64)> = find
        .query_row(zone, |row| {
            let state = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok((state, row.get(3)?))
        })
        .optional()?;
    // Where another process changed the memory since it was read, what that process found out
    // stays, and nothing is dropped that it may have added.
    let is_overtaken = found.is_some_and(|(_, generation)| generation != change.generation);
    let provenance = match found {
        Some(((other, _, _), _)) if is_overtaken => provenance.max(other),
        Some(_) | None => provenance,
    };
    if let Some((_, generation)) =
        found.filter(|found| found.0 == (provenance, prerequisites, soa_ttl))
        && change.add.is_empty()
        && change.drop.is_empty()
        && change.verify.is_empty()
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
        provenance,
        prerequisites,
        soa_ttl
    ];
    let (id, generation): (i64, i64) = put.query_row(row, |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut add = transaction.prepare_cached(
        "INSERT INTO delivered (zone, owner, type, rdata) VALUES (?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET ttl = NULL WHERE ttl IS NOT NULL",
    )?;
    execute_each(&mut add, id, &change.add)?;
    if !is_overtaken {
        let mut verify = transaction.prepare_cached(
            "UPDATE delivered SET ttl = ?5
             WHERE zone = ?1 AND owner = ?2 AND type = ?3 AND rdata = ?4",
        )?;
        for set in &change.verify {
            let owner = set.owner.to_lowercase();
            for rdata in &set.rdatas {
                let row = params![id, owner.as_wire(), set.rtype.0, rdata.as_wire(), set.ttl];
                verify.execute(row)?;
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

fn corrupt(
    column: usize,
    error: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Blob, error.into())
}

/// What a version that does not know a code takes for [`Provenance::Preexisting`] is one that was made elsewhere.
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
        3 => Provenance::Adopted,
        2 => Provenance::Created,
        1 => Provenance::Creating,
        _ => Provenance::Preexisting,
    }
}

fn prerequisites_code(prerequisites: Prerequisites) -> u8 {
    match prerequisites {
        // Which of the two is up to the primary.
        Prerequisites::Soa | Prerequisites::SoaMovedOn => 0,
        // The weaker one is found out anew each time.
        Prerequisites::RrSets | Prerequisites::Presence => 1,
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

fn prerequisites_from(code: u8) -> Prerequisites {
    if code == 1 {
        Prerequisites::RrSets
    } else {
        Prerequisites::Soa
    }
}
