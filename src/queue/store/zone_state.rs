//! The state of zones and the PTR values, in SQL.

use std::collections::BTreeSet;
use std::net::AddrParseError;

use rusqlite::{Connection, Transaction, params};

use super::file::{Store, StoreError};
use super::sql::{all, execute, first};
use crate::deliver::{Provenance, PtrValue, SoaTtl, StateChange, ZoneKey, ZoneState, ZoneSummary};
use crate::model::{Name, Rdata, Record, RecordType, RrSet, RrSets, ZoneName};
use crate::plan::Prerequisites;

/// Returns the number of a zone's row, and the state without the records.
fn find_zone(connection: &Connection, key: &ZoneKey) -> rusqlite::Result<Option<(i64, ZoneState)>> {
    let find = "SELECT id, origin, guard, soa_ttl, generation FROM zone
                WHERE primary_ = ? AND name = ?";
    let row = params![key.primary, key.zone.to_string()];
    first(connection, find, row, |row| {
        let state = ZoneState {
            provenance: decode(&PROVENANCES, row.get(1)?),
            prerequisites: decode(&PREREQUISITES, row.get(2)?),
            soa_ttl: decode(&SOA_TTLS, row.get(3)?),
            generation: row.get(4)?,
            ..ZoneState::default()
        };
        Ok((row.get(0)?, state))
    })
}

impl Store {
    /// Loads the state of a zone.
    pub(crate) fn load(&self, key: &ZoneKey) -> Result<ZoneState, StoreError> {
        self.read(|connection| {
            let Some((id, state)) = find_zone(connection, key)? else {
                return Ok(ZoneState::default());
            };
            let (mut managed, mut verified) = (Vec::new(), Vec::new());
            let mut find = connection
                .prepare_cached("SELECT owner, type, rdata, ttl FROM delivered WHERE zone = ?")?;
            let mut rows = find.query([id])?;
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
                managed: RrSets::from_records(managed),
                verified: RrSets::from_records(verified),
                ..state
            })
        })
    }

    /// Returns whether this instance has created or adopted a zone, or manages records in it.
    pub(crate) fn knows(&self, key: &ZoneKey) -> Result<bool, StoreError> {
        self.read(|connection| {
            let Some((id, state)) = find_zone(connection, key)? else {
                return Ok(false);
            };
            let find = "SELECT 1 FROM delivered WHERE zone = ?";
            Ok(state.provenance != Provenance::Preexisting
                || first(connection, find, [id], |_| Ok(()))?.is_some())
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
                    provenance: decode(&PROVENANCES, row.get(2)?),
                    managed: row.get(3)?,
                })
            })
        })?;
        zones.retain(|zone| zone.provenance != Provenance::Preexisting || zone.managed > 0);
        zones.sort_by(|a, b| (&a.key.zone, &a.key.primary).cmp(&(&b.key.zone, &b.key.primary)));
        Ok(zones)
    }

    /// Returns the generation of a zone's state; 0 if the zone has none.
    pub(crate) fn generation(&self, key: &ZoneKey) -> Result<i64, StoreError> {
        let zone = self.read(|connection| find_zone(connection, key))?;
        Ok(zone.map_or(0, |(_, state)| state.generation))
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
    let mut provenance = encode(&PROVENANCES, change.provenance);
    let prerequisites = stored_prerequisites(change.prerequisites);
    let mut is_overtaken = false;
    if let Some((_, found)) = find_zone(transaction, &change.key)? {
        // If another process has changed the state since this change was computed, the later of
        // both provenances counts, and no record is dropped, since that process may have added it.
        is_overtaken = found.generation != change.generation;
        let found_provenance = encode(&PROVENANCES, found.provenance);
        if is_overtaken {
            provenance = provenance.max(found_provenance);
        }
        let mut records = [&change.add, &change.drop, &change.verify].into_iter();
        if found_provenance == provenance
            && found.prerequisites == prerequisites
            && found.soa_ttl == change.soa_ttl
            && records.all(RrSets::is_empty)
        {
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
    let guard = encode(&PREREQUISITES, prerequisites);
    let soa_ttl = encode(&SOA_TTLS, change.soa_ttl);
    let row = params![primary, zone.to_string(), provenance, guard, soa_ttl];
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

/// The values of the columns `origin`, `guard` and `soa_ttl`; each is stored as its index here.
const PROVENANCES: [Provenance; 4] = [
    Provenance::Preexisting,
    Provenance::Creating,
    Provenance::Created,
    Provenance::Adopted,
];
const PREREQUISITES: [Prerequisites; 2] = [Prerequisites::Soa, Prerequisites::RrSets];
const SOA_TTLS: [SoaTtl; 2] = [SoaTtl::Settable, SoaTtl::Fixed];

/// Returns the value of a code; the default if this version does not know it.
fn decode<T: Copy + Default>(values: &[T], code: usize) -> T {
    values.get(code).copied().unwrap_or_default()
}

fn encode<T: Copy + PartialEq>(values: &[T], value: T) -> usize {
    let code = values.iter().position(|known| *known == value);
    code.expect("each stored value has a code")
}

/// Returns the prerequisites that are stored in place of these.
fn stored_prerequisites(prerequisites: Prerequisites) -> Prerequisites {
    match prerequisites {
        // The primary decides between the two.
        Prerequisites::Soa | Prerequisites::SoaMovedOn => Prerequisites::Soa,
        // Each attempt finds out again whether the weaker one is needed.
        Prerequisites::RrSets | Prerequisites::Presence => Prerequisites::RrSets,
    }
}
