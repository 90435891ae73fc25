//! The plan: the changes that turn a zone into the desired one, and the UPDATE messages that make
//! them.
//!
//! A [`Plan`] is a pure function of three inputs: the zone at the primary ([`CurrentZone`]), the
//! desired zone ([`DesiredZone`]) and the records that nsbridge may change ([`Scope`]). [`batches`]
//! packs a plan into messages of exactly counted size. Nothing here reads a clock, waits or logs,
//! and a plan is never stored: each attempt computes a new one.
//!
//! In every mode, a plan never changes the records that a signing primary generates, names under
//! `keep`, the last apex NS, and the address of a name server that stays. Values are compared by
//! [`Rdata::content`](crate::model::Rdata::content); a removal names the octets in the zone,
//! because a server compares octets.
//!
//! The odd case is the CNAME: a name with a CNAME has no other data (RFC 1034 section 3.6.2), and a
//! server silently ignores, refuses or replaces records that break this rule (RFC 2136 section
//! 3.4.2.2). So the plan looks at the final records of each owner name, and reports a desired
//! record that cannot be among them as a [`Conflict`] instead of a change.

mod batch;
mod catalog;
mod change;
mod conflicts;
mod diff;
mod packer;
mod rrset_diff;
mod soa;
#[cfg(test)]
pub(crate) mod tests;

pub use batch::{Batch, HEADER_OCTETS, Prerequisite, RECORD_FIXED_OCTETS, Update};
pub use catalog::{
    CATALOG_OCTETS_MAX, CatalogName, CatalogProblem, CatalogView, Member, Membership,
};
pub use change::{Action, Change, Conflict, ConflictReason, Plan};
pub use packer::{BatchError, PLAN_MESSAGES_MAX, Prerequisites, batches};
pub use soa::{FirstContents, InitialZoneError, initial_zone};

use crate::model::{CurrentZone, DesiredZone, ForeignRecords, RrSets, Scope};

/// Plans the changes that turn `current` into `desired`, within `scope`.
///
/// The SOA changes too, but a serial that differs alone is no change.
pub fn plan(current: &CurrentZone, desired: &DesiredZone, scope: &Scope<'_>) -> Plan {
    debug_assert_eq!(current.name, desired.name, "two states of one zone");
    let mut plan = diff::diff(current, &desired.records, scope);
    plan.soa =
        soa::change(current, &desired.soa).filter(|_| !diff::is_kept(scope, current.name.apex()));
    plan
}

/// Plans the removal of all managed records from a zone that stays.
///
/// The SOA and the apex NS stay. Foreign records stay too, whatever the scope says of them: the
/// zone belongs to another.
pub fn plan_removal(current: &CurrentZone, scope: &Scope<'_>) -> Plan {
    let scope = Scope {
        foreign: ForeignRecords::Keep,
        ..*scope
    };
    diff::diff(current, &RrSets::default(), &scope)
}
