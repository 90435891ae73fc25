//! The catalogs as they were last seen, in SQL. A member whose check sum does not match counts as unknown.

use rusqlite::{Transaction, params};

use super::error::{StoreError, corrupt};
use super::file::Store;
use super::sql::{all, execute, first};
use crate::deliver::ZoneKey;
use crate::model::{Name, Rdata, ZoneName};
use crate::plan::SeenEntry;

impl Store {
    /// Returns a catalog as it was last seen.
    pub(crate) fn catalog_entries(&self, catalog: &ZoneKey) -> Result<Vec<SeenEntry>, StoreError> {
        let find = "SELECT zone, claim, listed FROM member
                    WHERE primary_ = ? AND catalog = ?
                        AND own_sum IS check_sum(primary_, catalog, zone, claim, listed)";
        let row = params![catalog.primary, catalog.zone.to_string()];
        self.read(|connection| {
            all(connection, find, row, |row| {
                let zone = row.get_ref(0)?.as_str()?.parse();
                let zone: Name = zone.map_err(|error| corrupt(0, error))?;
                Ok(SeenEntry {
                    zone: ZoneName::new(&zone),
                    claim: Rdata::from_canonical(row.get_ref(1)?.as_blob()?),
                    is_listed: row.get(2)?,
                })
            })
        })
    }

    /// Returns the claim of a zone that a catalog listed when it was last seen.
    pub(crate) fn seen_claim(
        &self,
        catalog: &ZoneKey,
        zone: &ZoneName,
    ) -> Result<Option<Rdata>, StoreError> {
        let find =
            "SELECT claim FROM member WHERE primary_ = ? AND catalog = ? AND zone = ? AND listed
                        AND own_sum IS check_sum(primary_, catalog, zone, claim, listed)";
        let row = params![catalog.primary, catalog.zone.to_string(), zone.to_string()];
        self.read(|connection| {
            first(connection, find, row, |row| {
                Ok(Rdata::from_canonical(row.get_ref(0)?.as_blob()?))
            })
        })
    }
}

/// Notes the entries of a catalog that were seen, and the zones that have none any more.
pub(super) fn note(
    transaction: &Transaction<'_>,
    catalog: &ZoneKey,
    seen: &[SeenEntry],
    gone: &[ZoneName],
) -> rusqlite::Result<()> {
    let put = "INSERT INTO member (primary_, catalog, zone, claim, listed, own_sum)
               VALUES (?1, ?2, ?3, ?4, ?5, check_sum(?1, ?2, ?3, ?4, ?5))
               ON CONFLICT DO UPDATE SET claim = excluded.claim, listed = excluded.listed, own_sum = excluded.own_sum
               WHERE own_sum IS NOT excluded.own_sum";
    let forget = "DELETE FROM member WHERE primary_ = ? AND catalog = ? AND zone = ?";
    let (primary, catalog) = (&catalog.primary, catalog.zone.to_string());
    for entry in seen {
        let (zone, claim) = (entry.zone.to_string(), entry.claim.as_wire());
        let row = params![primary, catalog, zone, claim, entry.is_listed];
        execute(transaction, put, row)?;
    }
    gone.iter().try_for_each(|zone| {
        execute(
            transaction,
            forget,
            params![primary, catalog, zone.to_string()],
        )
    })
}
