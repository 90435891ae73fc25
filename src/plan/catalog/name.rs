//! The names in a catalog: of itself, of its members and of their properties.

use sha2::{Digest as _, Sha256};

use crate::model::{Name, ZoneName};

/// Longest catalog name in octets, so that the longest of names below it, `instance.ext.` and a
/// label of 63 octets under `zones`, is still a name.
pub const CATALOG_OCTETS_MAX: usize = 172;
/// Octets of the hash that a unique label is made of, written in hexadecimal: of a million zones no
/// two ever share one.
const UNIQUE_OCTETS: usize = 16;
/// The value of `origin` for zones that were there before.
pub(super) const FOUND: &[u8] = b"found";
/// Where a mark is a property that is nobody's standard (RFC 9432 section 4.4).
pub(super) const EXT: &[u8] = b"ext";
const INSTANCE: &[u8] = b"instance";
const ORIGIN: &[u8] = b"origin";

/// The name of a catalog zone, short enough for all names below it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CatalogName(ZoneName);

impl CatalogName {
    /// The catalog of that name; none where it is longer than [`CATALOG_OCTETS_MAX`].
    pub fn new(apex: &Name) -> Option<Self> {
        (apex.as_wire().len() <= CATALOG_OCTETS_MAX).then(|| Self(ZoneName::new(apex)))
    }

    /// The zone that the catalog is.
    pub fn zone(&self) -> &ZoneName {
        &self.0
    }

    /// The node under which every instance claims a zone.
    pub(super) fn node(&self, zone: &ZoneName) -> Name {
        let hash = Sha256::digest(zone.apex().to_lowercase().as_wire());
        let digits = hash[..UNIQUE_OCTETS]
            .iter()
            .flat_map(|octet| [octet >> 4, octet & 0xf]);
        let unique: String = digits
            .filter_map(|digit| char::from_digit(digit.into(), 16))
            .collect();
        below(&self.members(), &[unique.as_bytes()])
    }

    /// The name that all members are below.
    pub(super) fn members(&self) -> Name {
        below(self.0.apex(), &[b"zones"])
    }
}

/// Where the instance of a member stands.
pub(super) fn mark(node: &Name) -> Name {
    below(node, &[EXT, INSTANCE])
}

/// Where it stands that a member was there before its instance came upon it.
pub(super) fn origin(node: &Name) -> Name {
    below(node, &[EXT, ORIGIN])
}

/// A name that labels are put in front of, one after the other.
pub(super) fn below(name: &Name, labels: &[&[u8]]) -> Name {
    labels.iter().fold(name.clone(), |name, label| {
        name.child(label)
            .expect("the name of a catalog leaves room for the names below it")
    })
}
