//! The names in a catalog: the catalog's own, and those of its members and their properties.

use sha2::{Digest as _, Sha256};

use crate::model::{Name, ZoneName};

/// Longest catalog name in octets. It leaves room for the longest name below it: `instance.ext.`
/// and a label of 63 octets under `zones`.
pub const CATALOG_OCTETS_MAX: usize = 172;
/// Octets of the hash in a unique label, which is written in hexadecimal: enough that no two of a
/// million zones share a label.
const UNIQUE_OCTETS: usize = 16;
/// The value of `origin` for zones that existed before their instance claimed them.
pub(super) const FOUND: &[u8] = b"found";
/// The label above custom properties (RFC 9432 section 4.4).
pub(super) const EXT: &[u8] = b"ext";
const INSTANCE: &[u8] = b"instance";
const ORIGIN: &[u8] = b"origin";

/// The name of a catalog zone, short enough for all names below it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CatalogName(ZoneName);

impl CatalogName {
    /// Returns the catalog of that name; `None` if it is longer than [`CATALOG_OCTETS_MAX`].
    pub fn new(apex: &Name) -> Option<Self> {
        (apex.as_wire().len() <= CATALOG_OCTETS_MAX).then(|| Self(ZoneName::new(apex)))
    }

    /// Returns the catalog's name as a zone.
    pub fn zone(&self) -> &ZoneName {
        &self.0
    }

    /// Returns the member node at which every instance claims the zone.
    pub(super) fn node(&self, zone: &ZoneName) -> Name {
        let hash = Sha256::digest(zone.apex().to_lowercase().as_wire());
        let digits = hash[..UNIQUE_OCTETS]
            .iter()
            .flat_map(|octet| [octet >> 4, octet & 0xf]);
        let unique: String = digits
            .filter_map(|digit| char::from_digit(digit.into(), 16))
            .collect();
        prefixed(&self.members(), &[unique.as_bytes()])
    }

    /// Returns the name above all member nodes.
    pub(super) fn members(&self) -> Name {
        prefixed(self.0.apex(), &[b"zones"])
    }
}

/// Returns the owner name of the property that names the instance of a member.
pub(super) fn instance_owner(node: &Name) -> Name {
    prefixed(node, &[EXT, INSTANCE])
}

/// Returns the owner name of the property that marks a member as found.
pub(super) fn origin_owner(node: &Name) -> Name {
    prefixed(node, &[EXT, ORIGIN])
}

/// Puts labels in front of a name, one after the other.
pub(super) fn prefixed(name: &Name, labels: &[&[u8]]) -> Name {
    labels.iter().fold(name.clone(), |name, label| {
        name.child(label)
            .expect("the name of a catalog leaves room for the names below it")
    })
}
