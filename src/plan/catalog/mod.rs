//! Catalog zones (RFC 9432): which zones a catalog lists, whose they are ([`CatalogView`]), and the
//! UPDATEs that change that ([`CatalogName`]).
//!
//! A member is a PTR at a node `<unique>.zones.<catalog>`. Whose it is stands beside it, as a custom
//! property (section 4.4): `instance.ext.<unique>.zones.<catalog> TXT "plesk01"`. A second one,
//! `origin.ext.<unique>… TXT "found"`, says that the zone was there before its instance came upon it,
//! so that a deletion must leave it.
//!
//! Any number of instances share a catalog without knowing each other: the unique label of a member
//! is a hash of its zone's name, so that all who claim a zone write to the same node, and each UPDATE
//! has prerequisites on what it was computed from. The first wins, the others are told by a
//! prerequisite. Members that somebody else wrote under other labels are respected as they are.
//!
//! Removals are by RRset, never by name, and only PTR and TXT are ever touched: an ACL for these two
//! types below `zones.<catalog>` suffices.
//!
//! A node with an `instance` and no PTR is a zone that is reserved: its maker makes it first and
//! lists it then, so that no secondary asks for a zone that is not there yet. Consumers ignore it
//! (section 5.1).

mod name;
mod update;
mod view;

pub use name::{CATALOG_OCTETS_MAX, CatalogName};
pub use update::Making;
pub use view::{CatalogProblem, CatalogView, Member, Membership};
