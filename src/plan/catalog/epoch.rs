//! The epoch of an instance: a random value that its worker writes to the catalog, and writes anew from time to time.
//!
//! The queue file has all values that were written from it. If the catalog has another one, another machine has written it
//! in the name of the instance since: with a copy of the file, or with a newer one than this.

use super::claim::{decode, encode};
use super::name::{CatalogName, hash_of, prefixed};
use super::update::{absent, add, equals, remove_set};
use crate::model::{Name, Rdata, RecordType};
use crate::plan::batch::Batch;

/// The label above the epochs of all instances. It is one more than claims have, so no view of a catalog shows them.
const EPOCHS: &[u8] = b"epochs";

/// The first string of the record of an epoch.
const FORM: &[u8] = b"epoch1";

/// An epoch, as the data of its record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Epoch(pub Rdata);

impl Epoch {
    /// Returns an epoch of an instance, made of random numbers at a time, in seconds since 1970.
    pub fn new(instance: &str, random: [u64; 2], now: u64) -> Self {
        let value = format!("{:016x}{:016x}", random[0], random[1]);
        let now = now.to_string();
        let [instance, value, now] = [instance, &value, &now].map(str::as_bytes);
        Self(encode(&[FORM, instance, value, now]))
    }

    /// Returns when it was made, in seconds since 1970. `None` if the record is no epoch.
    pub fn made_at(&self) -> Option<u64> {
        match decode(&self.0)?[..] {
            [FORM, _, _, at] => std::str::from_utf8(at).ok()?.parse().ok(),
            _ => None,
        }
    }
}

impl CatalogName {
    /// Returns the owner name of the epoch of an instance.
    pub fn epoch_owner(&self, instance: &str) -> Name {
        let hash = hash_of(instance.as_bytes());
        prefixed(&self.claims(), &[EPOCHS, hash.as_bytes()])
    }

    /// Returns the UPDATE that puts an epoch of an instance in the place of these. Fails if others are there by then.
    pub fn swap_epoch(&self, instance: &str, before: &[Epoch], after: &Epoch) -> Batch {
        let (owner, rtype) = (self.epoch_owner(instance), RecordType::ZONEMD);
        let mut prerequisites = vec![self.format_prerequisite()];
        prerequisites.extend(
            before
                .iter()
                .map(|it| equals(owner.clone(), rtype, it.0.clone())),
        );
        let mut updates = vec![add(owner.clone(), rtype, after.0.clone())];
        if before.is_empty() {
            prerequisites.push(absent(owner, rtype));
        } else {
            updates.insert(0, remove_set(owner, rtype));
        }
        self.batch(prerequisites, updates)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_tells_when_it_was_made_and_has_the_octets_that_zonemd_needs() {
        let epoch = Epoch::new("a", [1, 2], 1_800_000_000);
        assert_eq!(epoch.made_at(), Some(1_800_000_000));
        assert_ne!(epoch, Epoch::new("a", [1, 3], 1_800_000_000));
        // Serial, scheme, algorithm, and at least 12 octets (RFC 8976 section 2.2.4).
        assert!(epoch.0.as_wire().len() >= 18);
        assert_eq!(Epoch(Rdata::from_canonical([0; 20])).made_at(), None);
    }

    #[test]
    fn an_epoch_stands_one_label_below_the_claims() {
        let catalog = CatalogName::new(&"catalog.example.".parse().unwrap()).unwrap();
        let owner = catalog.epoch_owner("plesk01");
        assert_eq!(owner.label_count(), catalog.claims().label_count() + 2);
        assert!(
            owner
                .to_string()
                .ends_with(".epochs.nsbridge.ext.catalog.example.")
        );
        assert_ne!(owner, catalog.epoch_owner("plesk02"));
    }
}
