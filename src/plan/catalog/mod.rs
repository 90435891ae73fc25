//! Catalog zones (RFC 9432): the claims of the instances that share a catalog, the UPDATEs that
//! change them ([`CatalogName`]), and the contents of a transferred catalog ([`CatalogView`]).
//!
//! ```text
//! format.nsbridge.ext.CATALOG   ZONEMD  "ns2" "complete"
//! <hash>.nsbridge.ext.CATALOG   ZONEMD  "ns2" instance label state     the claim of a zone
//! <label>.zones.CATALOG         PTR     the zone                       its member node, once it is listed
//! ```
//!
//! Any number of instances share a catalog without knowing each other. The claim of a zone is one
//! record at a name that is computed from the zone's name, so that one question finds it, and one
//! prerequisite compares all of it: of two instances that claim a zone at once, the first one wins.
//! A claim without a member node reserves a zone: its instance first creates the zone and then
//! lists it, so that no secondary asks for a zone that does not exist yet.
//!
//! The label of the member node is new for each creation of a zone, so that consumers drop what
//! they have of the one before (RFC 9432 section 5.6), and stays otherwise.
//!
//! A claim is a ZONEMD record (RFC 8976) with a scheme and a hash algorithm of private use (sections
//! 5.2 and 5.3), away from the apex, where it digests nothing. BIND logs a warning for each record
//! of other types that a catalog has and that it does not know, at each change of the catalog.
//!
//! Each UPDATE has the record of the format as a prerequisite: a catalog that is not in this form,
//! or in a later one, is not changed. Removals are by RRset, never by name.

mod claim;
mod drift;
mod entry;
mod name;
mod serial;
mod update;
mod upgrade;
mod view;

pub use claim::{Claim, ClaimState, Listing, Member, Membership};
pub use drift::{CatalogDrift, EntryDrift, SeenEntry, Whose};
pub use entry::{Entry, EntryChange, Terms};
pub use name::{CATALOG_OCTETS_MAX, CatalogName, DamagedClaim};
pub use serial::next_serial;
pub use update::NodeChange;
pub use upgrade::Upgrade;
pub use view::{CatalogProblem, CatalogView};
