//! The state of zones and the PTR values, in SQL.

use std::collections::BTreeSet;
use std::net::AddrParseError;

use rusqlite::{OptionalExtension, Transaction, params};

use super::file::{Store, StoreError};
use crate::deliver::{Provenance, PtrValue, SoaTtl, StateChange, ZoneKey, ZoneState, ZoneSummary};
use crate::model::{Name, Rdata, Record, RecordType, RrSets, ZoneName};
use crate::plan::Prerequisites;

impl Store {
    /// Loads the state of a zone.
    pub(in crate::queue) fn load(&self, key: &ZoneKey) -> Result<ZoneState, StoreError> {
        self.read(|connection| {
            let mut zone = connection.prepare_cached(
                "SELECT id, origin, guard, soa_ttl, generation FROM zone
                 WHERE primary_ = ? AND name = ?",
            )?;
            let found = zone
                .query_row(params![key.primary, key.zone.to_string()], |row| {
                    let id: i64 = row.get(0)?;
                    let state = ZoneState {
                        provenance: provenance_from(row.get(1)?),
                        prerequisites: prerequisites_from(row.get(2)?),
                        soa_ttl: soa_ttl_from(row.get(3)?),
                        generation: row.get(4)?,
                        ..ZoneState::default()
                    };
                    Ok((id, state))
                })
                .optional()?;
            let Some((id, state)) = found else {
                return Ok(ZoneState::default());
            };
            let mut records = connection
                .prepare_cached("SELECT owner, type, rdata, ttl FROM delivered WHERE zone = ?")?;
            let records = records.query_map([id], |row| {
                let owner = row.get_ref(0)?.as_blob()?;
                let ttl: Option<u32> = row.get(3)?;
                let record = Record {
                    owner: Name::from_wire(owner).map_err(|error| corrupt(0, error))?,
                    rtype: RecordType(row.get(1)?),
                    ttl: ttl.unwrap_or_default(),
                    rdata: Rdata::from_canonical(row.get_ref(2)?.as_blob()?),
                };
                Ok((record, ttl.is_some()))
            })?;
            let (mut managed, mut verified) = (Vec::new(), Vec::new());
            for record in records {
                let (record, is_verified) = record?;
                if is_verified {
                    verified.push(record.clone());
                }
                managed.push(Record { ttl: 0, ..record });
            }
            Ok(ZoneState {
                managed: RrSets::from_records(managed),
                verified: RrSets::from_records(verified),
                ..state
            })
        })
    }

    /// Returns whether this instance has created or adopted a zone, or manages records in it.
    pub(in crate::queue) fn knows(&self, key: &ZoneKey) -> Result<bool, StoreError> {
        let known = self.read(|connection| {
            let mut zone = connection.prepare_cached(
                "SELECT origin, EXISTS (SELECT 1 FROM delivered WHERE delivered.zone = zone.id)
                 FROM zone WHERE primary_ = ? AND name = ?",
            )?;
            let row = params![key.primary, key.zone.to_string()];
            zone.query_row(row, |row| {
                Ok(provenance_from(row.get(0)?) != Provenance::Preexisting || row.get(1)?)
            })
            .optional()
        })?;
        Ok(known.unwrap_or_default())
    }

    /// Returns the known zones, in ascending order.
    pub(in crate::queue) fn list(&self) -> Result<Vec<ZoneSummary>, StoreError> {
        let mut zones: Vec<ZoneSummary> = self.read(|connection| {
            let mut zones = connection.prepare_cached(
                "SELECT primary_, name, origin,
                    (SELECT count(*) FROM delivered WHERE delivered.zone = zone.id)
                 FROM zone",
            )?;
            let zones = zones.query_map([], |row| {
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
            })?;
            zones.collect()
        })?;
        zones.retain(|zone| zone.provenance != Provenance::Preexisting || zone.managed > 0);
        zones.sort_by(|a, b| {
            let names = a.key.zone.cmp(&b.key.zone);
            names.then_with(|| a.key.primary.cmp(&b.key.primary))
        });
        Ok(zones)
    }

    /// Returns the generation of a zone's state; 0 if the zone has none.
    pub(in crate::queue) fn generation(&self, key: &ZoneKey) -> Result<i64, StoreError> {
        let generation = self.read(|connection| {
            let mut zone = connection
                .prepare_cached("SELECT generation FROM zone WHERE primary_ = ? AND name = ?")?;
            let row = params![key.primary, key.zone.to_string()];
            zone.query_row(row, |row| row.get(0)).optional()
        })?;
        Ok(generation.unwrap_or_default())
    }

    /// Returns the PTR values that this instance added.
    pub(in crate::queue) fn ptrs(&self) -> Result<BTreeSet<PtrValue>, StoreError> {
        self.read(|connection| {
            let mut ptrs =
                connection.prepare_cached("SELECT primary_, address, hostname FROM ptr")?;
            let ptrs = ptrs.query_map([], |row| {
                let address = row.get_ref(1)?.as_str()?.parse();
                let hostname = row.get_ref(2)?.as_str()?.parse();
                Ok(PtrValue {
                    primary: row.get(0)?,
                    address: address.map_err(|error: AddrParseError| corrupt(1, error))?,
                    hostname: hostname.map_err(|error| corrupt(2, error))?,
                })
            })?;
            ptrs.collect()
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
    transaction.prepare_cached(statement)?.execute(row)?;
    Ok(())
}

/// Deletes the state of a zone if this generation is still current.
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

/// Changes the state of a zone, and returns its new generation. Records are dropped and marked as
/// verified only if the generation of the change is still current.
pub(super) fn change(transaction: &Transaction<'_>, change: &StateChange) -> rusqlite::Result<i64> {
    let mut provenance = provenance_code(change.provenance);
    let prerequisites = prerequisites_code(change.prerequisites);
    let soa_ttl = soa_ttl_code(change.soa_ttl);
    let name = change.key.zone.to_string();
    let mut find = transaction.prepare_cached(
        "SELECT origin, guard, soa_ttl, generation FROM zone WHERE primary_ = ? AND name = ?",
    )?;
    let found: Option<((u8, u8, u8), i64)> = find
        .query_row(params![change.key.primary, name], |row| {
            let state = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok((state, row.get(3)?))
        })
        .optional()?;
    // If another process has changed the state since this change was computed, the provenance that
    // it found stays, and no record is dropped, since that process may have added it.
    let is_overtaken = found.is_some_and(|(_, generation)| generation != change.generation);
    if let Some(((other, _, _), _)) = found.filter(|_| is_overtaken) {
        provenance = provenance.max(other);
    }
    if let Some((_, generation)) =
        found.filter(|found| found.0 == (provenance, prerequisites, soa_ttl))
        && change.add.is_empty()
        && change.drop.is_empty()
        && change.verify.is_empty()
    {
        return Ok(generation);
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
    let row = params![change.key.primary, name, provenance, prerequisites, soa_ttl];
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
        3 => Provenance::Adopted,
        2 => Provenance::Created,
        1 => Provenance::Creating,
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
