//! The state of zones, in SQL.

use rusqlite::{Connection, Row, Transaction, params};

use super::changes::Challenge;
use super::check_sum::{of_record, zone_sum};
use super::error::{StoreError, corrupt, damage};
use super::file::Store;
use super::removed;
use super::sql::{Text, all, execute, first};
use crate::deliver::{Provenance, Refusal, Settled, StateChange, ZoneKey, ZoneState, ZoneSummary};
use crate::diagnostic::stored::{from_json, to_json};
use crate::model::{Name, Rdata, Record, RecordType, RrSet, RrSets, Serial, ZoneName};
use crate::plan::Part;
use crate::queue::job::UnmetPart;

/// The row of a zone.
struct ZoneRow {
    id: i64,
    /// The number of its records.
    records: i64,
    /// The sum of the check sums of its records.
    records_sum: i64,
    /// Without the records.
    state: ZoneState,
}

/// Returns the row of a zone. One whose check sum does not match is an error, and so is one that an index hides.
fn find_zone(connection: &Connection, key: &ZoneKey) -> rusqlite::Result<Option<ZoneRow>> {
    let find = concat!(
        "SELECT id, records, records_sum, own_sum IS ",
        zone_sum!(),
        " AS is_intact, origin, generation, serial, key_tags FROM zone
         WHERE primary_ = ? AND name = ?"
    );
    let row = params![key.primary, key.zone.to_string()];
    let found = first(connection, find, row, |row| {
        if !row.get::<_, bool>("is_intact")? {
            return Err(damage("the check sum of a zone"));
        }
        let state = ZoneState {
            provenance: decode(row.get("origin")?),
            generation: row.get("generation")?,
            serial: row.get::<_, Option<u32>>("serial")?.map(Serial),
            key_tags: decode_tags(row.get_ref("key_tags")?.as_str()?)?,
            ..ZoneState::default()
        };
        Ok(ZoneRow {
            id: row.get("id")?,
            records: row.get("records")?,
            records_sum: row.get("records_sum")?,
            state,
        })
    })?;
    let hidden = "SELECT 1 FROM zone INDEXED BY zone_of_name WHERE name = ?2 AND primary_ = ?1";
    if found.is_none() && first(connection, hidden, row, |_| Ok(()))?.is_some() {
        return Err(damage("an index lacks a zone"));
    }
    Ok(found)
}

impl Store {
    /// Loads the state of a zone.
    pub(crate) fn load(&self, key: &ZoneKey) -> Result<ZoneState, StoreError> {
        self.read(|connection| {
            let Some(ZoneRow {
                id,
                records_sum,
                state,
                ..
            }) = find_zone(connection, key)?
            else {
                return Ok(ZoneState::default());
            };
            let (mut managed, mut verified, mut sum) = (Vec::new(), Vec::new(), 0_i64);
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
                let rdata = record.rdata.as_wire();
                sum = sum.wrapping_add(of_record(owner, record.rtype.0, rdata));
                if let Some(ttl) = row.get(3)? {
                    let record = record.clone();
                    verified.push(Record { ttl, ..record });
                }
                managed.push(record);
            }
            if sum != records_sum {
                return Err(damage("the check sum of records"));
            }
            Ok(ZoneState {
                refusals: refusals(connection, id)?,
                removed: removed::of_zone(connection, id)?,
                managed: RrSets::from_records(managed),
                verified: RrSets::from_records(verified),
                ..state
            })
        })
    }

    /// Returns whether this instance has created or adopted a zone, or manages records in it.
    pub(crate) fn knows(&self, key: &ZoneKey) -> Result<bool, StoreError> {
        self.read(|connection| {
            let zone = find_zone(connection, key)?;
            Ok(zone
                .is_some_and(|it| it.records > 0 || it.state.provenance != Provenance::Preexisting))
        })
    }

    /// Returns the known zones, in ascending order.
    pub(crate) fn list(&self) -> Result<Vec<ZoneSummary>, StoreError> {
        let mut zones: Vec<ZoneSummary> = self.read(|connection| {
            let find = "SELECT primary_, name, origin, records FROM zone";
            all(connection, find, [], |row| {
                let name = row.get_ref(1)?.as_str()?.parse();
                let name: Name = name.map_err(|error| corrupt(1, error))?;
                Ok(ZoneSummary {
                    key: ZoneKey {
                        primary: row.get(0)?,
                        zone: ZoneName::new(&name),
                    },
                    provenance: decode(row.get(2)?),
                    managed: row.get(3)?,
                })
            })
        })?;
        zones.retain(|zone| zone.provenance != Provenance::Preexisting || zone.managed > 0);
        zones.sort_by(|a, b| (&a.key.zone, &a.key.primary).cmp(&(&b.key.zone, &b.key.primary)));
        Ok(zones)
    }

    /// Returns the parts of all zones that are not as they were sent.
    pub(crate) fn unmet(&self) -> Result<Vec<UnmetPart>, StoreError> {
        self.read(|connection| {
            let find = "SELECT owner, type, rdata, report, name
                        FROM refused JOIN zone ON zone.id = refused.zone ORDER BY refused.rowid";
            all(connection, find, [], |row| {
                let zone = row.get_ref(4)?.as_str()?.parse();
                Ok(UnmetPart {
                    zone: ZoneName::new(&zone.map_err(|error| corrupt(4, error))?),
                    part: refused_part(row)?,
                    report: from_json(&row.get::<_, Text>(3)?.0),
                })
            })
        })
    }

    /// Returns the generation of a zone's state; 0 if the zone has none.
    pub(crate) fn generation(&self, key: &ZoneKey) -> Result<i64, StoreError> {
        let zone = self.read(|connection| find_zone(connection, key))?;
        Ok(zone.map_or(0, |zone| zone.state.generation))
    }

    /// Returns a zone as the last delivery left it.
    pub(crate) fn settled(&self, key: &ZoneKey) -> Result<Option<Settled>, StoreError> {
        self.read(|connection| {
            let find = concat!(
                "SELECT settled FROM zone WHERE primary_ = ? AND name = ? AND own_sum IS ",
                zone_sum!()
            );
            let row = params![key.primary, key.zone.to_string()];
            let found = first(connection, find, row, |row| {
                Ok(row.get_ref(0)?.as_blob().ok().and_then(Settled::decode))
            })?;
            Ok(found.flatten())
        })
    }

    /// Returns the values of challenges that this instance added at an owner name.
    pub(crate) fn challenges(&self, primary: &str, owner: &Name) -> Result<Vec<Rdata>, StoreError> {
        self.read(|connection| {
            let find = "SELECT value FROM challenge WHERE primary_ = ? AND owner = ?";
            let row = params![primary, owner.to_lowercase().to_string()];
            all(connection, find, row, |row| {
                Ok(Rdata::from_canonical(row.get_ref(0)?.as_blob()?))
            })
        })
    }
}

pub(super) const ADD_CHALLENGE: &str =
    "INSERT OR REPLACE INTO challenge (primary_, owner, value) VALUES (?, ?, ?)";

/// Forgets challenges after 30 days, and all but the newest 10,000: a validation takes minutes, and not every client
/// removes its values.
pub(super) const FORGET_CHALLENGES: &str = "DELETE FROM challenge
    WHERE added_at <= unixepoch() - 2592000 OR id <= (SELECT max(id) FROM challenge) - 10000";

pub(super) const DROP_CHALLENGE: &str =
    "DELETE FROM challenge WHERE primary_ = ? AND owner = ? AND value = ?";

/// Executes [`ADD_CHALLENGE`] or [`DROP_CHALLENGE`] for a value.
pub(super) fn change_challenge(
    transaction: &Transaction<'_>,
    statement: &str,
    value: &Challenge,
) -> rusqlite::Result<()> {
    let row = params![value.primary, value.owner, value.value];
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

/// Changes the state of a zone, and returns its new generation. Records are dropped and marked as verified, and
/// refusals and the serial are stored, only if the generation of the change is still current.
pub(super) fn change(transaction: &Transaction<'_>, change: &StateChange) -> rusqlite::Result<i64> {
    let mut provenance = encode(change.provenance);
    let (mut is_overtaken, mut serial) = (false, change.serial);
    let mut key_tags = change.key_tags.clone();
    let mut settled = change.settled.as_ref().map(Settled::encode);
    let (mut records, mut records_sum) = (0_i64, 0_i64);
    if let Some(zone) = find_zone(transaction, &change.key)? {
        let found = zone.state;
        (records, records_sum) = (zone.records, zone.records_sum);
        // If another process has changed the state since this change was computed, the later of
        // both provenances counts, and no record is dropped, since that process may have added it.
        is_overtaken = found.generation != change.generation;
        let found_provenance = encode(found.provenance);
        if is_overtaken {
            provenance = provenance.max(found_provenance);
            serial = None;
            settled = None;
            key_tags.clone_from(&found.key_tags);
        }
        let mut records = [&change.add, &change.drop, &change.verify].into_iter();
        if found_provenance == provenance
            && change.refusals.is_none()
            && (serial.is_none() || serial == found.serial)
            && key_tags == found.key_tags
            && records.all(RrSets::is_empty)
        {
            if settled.is_some() {
                let settle = "UPDATE zone SET settled = ? WHERE id = ?";
                execute(transaction, settle, params![settled, zone.id])?;
            }
            return Ok(found.generation);
        }
    }
    // The first generation is random: no generation of a zone that was forgotten comes again.
    let mut put = transaction.prepare_cached(
        "INSERT INTO zone (primary_, name, origin, serial, key_tags, settled, generation)
         VALUES (?, ?, ?, ?, ?, ?, 1 + (random() & 0x3fffffffffffffff))
         ON CONFLICT DO UPDATE SET
            origin = excluded.origin, serial = coalesce(excluded.serial, serial), key_tags = excluded.key_tags,
            settled = excluded.settled, generation = generation + 1
         RETURNING id, generation",
    )?;
    let ZoneKey { primary, zone } = &change.key;
    let serial = serial.map(|serial| serial.0);
    let row = params![
        primary,
        zone.to_string(),
        provenance,
        serial,
        encode_tags(&key_tags),
        settled
    ];
    let (id, generation): (i64, i64) = put.query_row(row, |row| Ok((row.get(0)?, row.get(1)?)))?;
    let changed = change_records(transaction, id, change, is_overtaken)?;
    let records_sum = records_sum.wrapping_add(changed.sum);
    let records = records.wrapping_add(changed.count);
    let seal = "UPDATE zone SET records = ?2, records_sum = ?3,
                    own_sum = check_sum(id, primary_, name, origin, generation, serial, key_tags, ?3, ?2)
                WHERE id = ?1";
    execute(transaction, seal, [id, records, records_sum])?;
    Ok(generation)
}

/// By how much the records of a zone change.
#[derive(Default)]
struct Changed {
    count: i64,
    /// The sum of their check sums.
    sum: i64,
}

/// Changes the records of a zone.
fn change_records(
    transaction: &Transaction<'_>,
    id: i64,
    change: &StateChange,
    is_overtaken: bool,
) -> rusqlite::Result<Changed> {
    let mut changed = Changed::default();
    let add = "INSERT INTO delivered (zone, owner, type, rdata) VALUES (?, ?, ?, ?)
               ON CONFLICT DO NOTHING";
    let forget_ttl =
        "UPDATE delivered SET ttl = NULL WHERE zone = ? AND owner = ? AND type = ? AND rdata = ?";
    for_each_record(&change.add, |owner, set, rdata| {
        let row = params![id, owner, set.rtype.0, rdata];
        if transaction.prepare_cached(add)?.execute(row)? == 0 {
            return execute(transaction, forget_ttl, row);
        }
        changed.count += 1;
        changed.sum = changed
            .sum
            .wrapping_add(of_record(owner, set.rtype.0, rdata));
        removed::forget(transaction, id, owner, set.rtype.0, rdata)
    })?;
    if is_overtaken {
        return Ok(changed);
    }
    if let Some(refusals) = &change.refusals {
        replace_refusals(transaction, id, refusals)?;
    }
    let verify =
        "UPDATE delivered SET ttl = ? WHERE zone = ? AND owner = ? AND type = ? AND rdata = ?";
    for_each_record(&change.verify, |owner, set, rdata| {
        let row = params![set.ttl, id, owner, set.rtype.0, rdata];
        execute(transaction, verify, row)
    })?;
    let drop = "DELETE FROM delivered WHERE zone = ? AND owner = ? AND type = ? AND rdata = ?";
    for_each_record(&change.drop, |owner, set, rdata| {
        let row = params![id, owner, set.rtype.0, rdata];
        if transaction.prepare_cached(drop)?.execute(row)? == 0 {
            return Ok(());
        }
        changed.count -= 1;
        changed.sum = changed
            .sum
            .wrapping_sub(of_record(owner, set.rtype.0, rdata));
        removed::note(transaction, id, owner, set.rtype.0, rdata)
    })?;
    Ok(changed)
}

/// Returns the refusals of a zone.
fn refusals(connection: &Connection, zone: i64) -> rusqlite::Result<Vec<Refusal>> {
    let find = "SELECT owner, type, rdata, report, context, tried_at FROM refused WHERE zone = ?";
    all(connection, find, [zone], |row| {
        Ok(Refusal {
            part: refused_part(row)?,
            report: from_json(&row.get::<_, Text>(3)?.0),
            context: row.get(4)?,
            tried_at: row.get(5)?,
        })
    })
}

/// Returns the part of a row that begins with its owner, type and data.
fn refused_part(row: &Row<'_>) -> rusqlite::Result<Part> {
    let owner = row.get_ref(0)?.as_blob()?;
    let rdata = row.get_ref(2)?.as_blob_or_null()?;
    Ok(Part {
        owner: Name::from_wire(owner).map_err(|error| corrupt(0, error))?,
        rtype: row.get::<_, Option<u16>>(1)?.map(RecordType),
        rdata: rdata.map(Rdata::from_canonical),
    })
}

fn replace_refusals(
    transaction: &Transaction<'_>,
    zone: i64,
    refusals: &[Refusal],
) -> rusqlite::Result<()> {
    execute(transaction, "DELETE FROM refused WHERE zone = ?", [zone])?;
    let add = "INSERT INTO refused (zone, owner, type, rdata, context, report, tried_at)
               VALUES (?, ?, ?, ?, ?, ?, ?)";
    refusals.iter().try_for_each(|refusal| {
        let Part {
            owner,
            rtype,
            rdata,
        } = &refusal.part;
        let (rtype, rdata) = (rtype.map(|it| it.0), rdata.as_ref().map(Rdata::as_wire));
        let report = to_json(&refusal.report);
        let tried_at = refusal.tried_at;
        let row = params![
            zone,
            owner.as_wire(),
            rtype,
            rdata,
            refusal.context,
            report,
            tried_at
        ];
        execute(transaction, add, row)
    })
}

/// Does work for each record, with its owner name in lower case and its data, both in wire form.
fn for_each_record(
    records: &RrSets,
    mut work: impl FnMut(&[u8], &RrSet, &[u8]) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    for set in records {
        let owner = set.owner.to_lowercase();
        for rdata in &set.rdatas {
            work(owner.as_wire(), set, rdata.as_wire())?;
        }
    }
    Ok(())
}

/// The values of the column `origin`; each is stored as its index here.
const PROVENANCES: [Provenance; 5] = [
    Provenance::Preexisting,
    Provenance::Creating,
    Provenance::Created,
    Provenance::Adopted,
    Provenance::CreatedForPtr,
];

/// Returns the value of a code; the default if this version does not know it.
fn decode(code: usize) -> Provenance {
    PROVENANCES.get(code).copied().unwrap_or_default()
}

fn encode(value: Provenance) -> usize {
    let code = PROVENANCES.iter().position(|known| *known == value);
    code.expect("each stored value has a code")
}

fn encode_tags(key_tags: &[u16]) -> String {
    let tags: Vec<String> = key_tags.iter().map(u16::to_string).collect();
    tags.join(" ")
}

fn decode_tags(text: &str) -> rusqlite::Result<Vec<u16>> {
    let tags = text.split_ascii_whitespace().map(str::parse);
    tags.collect::<Result<_, _>>()
        .map_err(|error| corrupt(6, error))
}
