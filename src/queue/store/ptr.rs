//! The PTR values that this instance added, in SQL. Each has a check sum of its own: a value that is damaged counts as
//! one that this instance did not add, and costs no other one.

use std::collections::BTreeSet;
use std::net::AddrParseError;

use rusqlite::types::ValueRef;
use rusqlite::{Row, Transaction, params};

use super::check_sum::ptr_sum;
use super::error::{StoreError, corrupt};
use super::file::Store;
use super::sql::{all, execute};
use crate::deliver::PtrValue;

/// Gives a value that is there its check sum anew: it may be damaged.
pub(super) const ADD_PTR: &str =
    "INSERT INTO ptr (primary_, address, hostname, own_sum) VALUES (?1, ?2, ?3, check_sum(?1, ?2, ?3))
     ON CONFLICT DO UPDATE SET own_sum = excluded.own_sum";

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

impl Store {
    /// Returns the PTR values that this instance added, without the damaged ones.
    pub(crate) fn ptrs(&self) -> Result<BTreeSet<PtrValue>, StoreError> {
        self.read(|connection| {
            let find = concat!(
                "SELECT primary_, address, hostname FROM ptr WHERE own_sum IS ",
                ptr_sum!()
            );
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

    /// Returns the damaged PTR values as they are, each as address, host name and primary.
    pub(crate) fn damaged_ptrs(&self) -> Result<Vec<String>, StoreError> {
        self.read(|connection| {
            let find = concat!(
                "SELECT address, hostname, primary_ FROM ptr WHERE own_sum IS NOT ",
                ptr_sum!()
            );
            all(connection, find, [], |row| {
                let words: [String; 3] = [shown(row, 0)?, shown(row, 1)?, shown(row, 2)?];
                Ok(words.join(" "))
            })
        })
    }

    /// Deletes the damaged PTR values.
    pub(crate) fn forget_damaged_ptrs(&mut self) -> Result<(), StoreError> {
        let forget = concat!("DELETE FROM ptr WHERE own_sum IS NOT ", ptr_sum!());
        self.write(|transaction| execute(transaction, forget, []))
    }
}

/// Returns a column as text, whatever is in it.
fn shown(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    Ok(match row.get_ref(column)? {
        ValueRef::Text(octets) | ValueRef::Blob(octets) => {
            String::from_utf8_lossy(octets).into_owned()
        }
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(_) | ValueRef::Null => "?".to_owned(),
    })
}
