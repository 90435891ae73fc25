//! The names in a catalog: the catalog's own, and those of claims and members.

use sha2::{Digest as _, Sha256};

use super::claim::{Claim, Listing, Member, Membership, format_rdata};
use crate::model::{Name, Rdata, ZoneName};

/// Longest catalog name in octets. It leaves room for the longest name below it: a property and a
/// label of 63 octets under `zones`.
pub const CATALOG_OCTETS_MAX: usize = 172;
/// Octets of the hash in the name of a claim, which is written in hexadecimal: enough that no two
/// of a million zones share a name.
const HASH_OCTETS: usize = 16;
/// The label above custom properties (RFC 9432 section 4.4).
pub(super) const EXT: &[u8] = b"ext";
/// The label above member nodes (RFC 9432 section 4.1).
const ZONES: &[u8] = b"zones";
/// The custom property of nsbridge, above all claims.
const PROPERTY: &[u8] = b"nsbridge";
const FORMAT: &[u8] = b"format";
const VERSION: &[u8] = b"version";

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

    /// Returns the owner name of the version (RFC 9432 section 4.2.1).
    pub fn version_owner(&self) -> Name {
        prefixed(self.0.apex(), &[VERSION])
    }

    /// Returns the owner name of the record of the format.
    pub fn format_owner(&self) -> Name {
        prefixed(&self.claims(), &[FORMAT])
    }

    /// Returns whether this is the record of the format, as it must be.
    pub fn is_format(&self, rdata: &Rdata) -> bool {
        *rdata == format_rdata()
    }

    /// Returns the owner name of the claim of a zone.
    pub fn claim_owner(&self, zone: &ZoneName) -> Name {
        prefixed(&self.claims(), &[hash_label(zone).as_bytes()])
    }

    /// Returns the member node with a label.
    pub fn node(&self, label: &[u8]) -> Name {
        prefixed(&self.members(), &[label])
    }

    /// Returns the name above all member nodes.
    pub fn members(&self) -> Name {
        prefixed(self.0.apex(), &[ZONES])
    }

    /// Returns the name above all claims.
    pub fn claims(&self) -> Name {
        prefixed(self.0.apex(), &[EXT, PROPERTY])
    }

    /// Reads the records at the name of a zone's claim. `None` if there is none.
    ///
    /// # Errors
    /// [`DamagedClaim`] if they are no claim.
    pub fn claim(&self, rdatas: &[Rdata]) -> Result<Option<Claim>, DamagedClaim> {
        match rdatas {
            [] => Ok(None),
            [rdata] => Claim::from_rdata(rdata).map(Some).ok_or(DamagedClaim),
            _ => Err(DamagedClaim),
        }
    }

    /// Returns the membership of a zone with a claim, as `instance` sees it, by the PTR records at its member node.
    pub fn membership(
        &self,
        zone: &ZoneName,
        claim: Claim,
        ptrs: &[Rdata],
        instance: &str,
    ) -> Membership {
        let member = Member {
            zone: zone.clone(),
            listing: Listing::of(zone, ptrs),
            claim,
        };
        Membership::of(member, instance)
    }
}

/// The records at the name of a claim are no claim, or several.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DamagedClaim;

/// Returns the label that is computed from a zone's name.
pub(super) fn hash_label(zone: &ZoneName) -> String {
    hash_of(zone.apex().to_lowercase().as_wire())
}

/// Returns a label that is computed from octets.
pub(super) fn hash_of(octets: &[u8]) -> String {
    let hash = Sha256::digest(octets);
    hex(&hash[..HASH_OCTETS])
}

/// Writes octets in hexadecimal.
pub(super) fn hex(octets: &[u8]) -> String {
    let digits = octets.iter().flat_map(|octet| [octet >> 4, octet & 0xf]);
    digits
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

/// Puts labels in front of a name, one after the other.
pub(super) fn prefixed(name: &Name, labels: &[&[u8]]) -> Name {
    labels.iter().fold(name.clone(), |name, label| {
        name.child(label)
            .expect("the name of a catalog leaves room for the names below it")
    })
}
