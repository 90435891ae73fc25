//! Catalog zones (RFC 9432): the member zones of a catalog and their instances ([`CatalogView`]),
//! and the UPDATEs that change them ([`CatalogName`]).
//!
//! A member zone is a PTR at a member node `<unique>.zones.<catalog>`. A custom property (section
//! 4.4) names its instance: `instance.ext.<unique>.zones.<catalog> TXT "plesk01"`. A second one,
//! `origin.ext.<unique>… TXT "found"`, marks a zone that existed before its instance claimed it, so
//! that a deletion must leave the zone.
//!
//! Any number of instances share a catalog without knowing each other. The unique label of a member
//! zone is a hash of its name, so that all instances that claim a zone write to one node, and each
//! UPDATE has prerequisites on the records from which it was computed. The first instance wins; for
//! the others a prerequisite fails. Members that another program wrote under other labels stay as
//! they are.
//!
//! Removals are by RRset, never by name, and an UPDATE only changes PTR and TXT records: an ACL for
//! these two types below `zones.<catalog>` suffices.
//!
//! A node with an `instance` and no PTR reserves a zone: its instance first creates the zone and
//! then lists it, so that no secondary asks for a zone that does not exist yet. Consumers ignore
//! such a node (section 5.1).

mod name;
mod update;
mod view;

pub use name::{CATALOG_OCTETS_MAX, CatalogName};
pub use view::{CatalogProblem, CatalogView, Member, Membership};
