//! The plan: what must change for a zone to be as desired, and the UPDATE messages that change it.
//!
//! A pure function of data: what the primary has ([`CurrentZone`]), what shall be
//! ([`DesiredZone`]) and what is ours to change ([`Scope`]) give a [`Plan`]; [`batches`] packs it
//! into messages of exactly counted size. Nothing here reads a clock, waits or logs, and a plan is
//! never stored: each attempt computes it anew.
//!
//! What a plan never touches, whatever the mode: records that a signing primary makes, names under
//! `keep`, the last apex NS, and the address of a name server that stays. Data are compared by
//! [`Rdata::content`](crate::model::Rdata::content), and a removal names the octets that stand in
//! the zone, since a server compares those.
//!
//! The odd case is the CNAME: no other data may stand beside it (RFC 1034 section 3.6.2), and
//! servers ignore, refuse or replace what would (RFC 2136 section 3.4.2.2). So each owner is judged
//! by what it will hold in the end, and what cannot stand there is a [`Conflict`], not a change.

mod batch;
mod catalog;
mod change;
mod diff;
mod judge;
mod packer;
mod slot;
mod soa;
#[cfg(test)]
mod tests;

pub use batch::{Batch, HEADER_OCTETS, Prerequisite, RECORD_FIXED_OCTETS, Update};
pub use catalog::{
    CATALOG_OCTETS_MAX, CatalogName, CatalogProblem, CatalogView, Making, Member, Membership,
};
pub use change::{Action, Change, Conflict, ConflictReason, Plan};
pub use packer::{BatchError, PLAN_MESSAGES_MAX, Prerequisites, batches};
pub use soa::{FirstContents, InitialZoneError, initial_zone};

use crate::model::{CurrentZone, DesiredZone, ForeignRecords, RrSets, Scope};

/// The plan that makes `current` as `desired`, within `scope`.
///
/// The SOA follows too, but for the serial: one that alone differs is no change.
pub fn plan(current: &CurrentZone, desired: &DesiredZone, scope: &Scope<'_>) -> Plan {
    debug_assert_eq!(current.name, desired.name, "two states of one zone");
    let mut plan = diff::diff(current, &desired.records, scope);
    plan.soa =
        soa::change(current, &desired.soa).filter(|_| !diff::is_kept(scope, current.name.apex()));
    plan
}

/// The plan that takes what was delivered out of a zone that stays.
///
/// The SOA and the apex NS stay. So does all that was never delivered, whatever the scope says of
/// foreign records: the zone is somebody else's.
pub fn plan_removal(current: &CurrentZone, scope: &Scope<'_>) -> Plan {
    let scope = Scope {
        foreign: ForeignRecords::Keep,
        ..*scope
    };
    diff::diff(current, &RrSets::default(), &scope)
}
