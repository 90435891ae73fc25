//! The plan: the changes that turn a zone into the desired one, and the UPDATE messages that make
//! them.
//!
//! A [`Plan`] is a pure function of three inputs: the zone at the primary ([`CurrentZone`]), the
//! desired zone ([`DesiredZone`]) and the records that nsbridge may change ([`Scope`]). [`batches`]
//! packs a plan into messages of exactly counted size. Nothing here reads a clock, waits or logs,
//! and a plan is never stored: each attempt computes a new one.
//!
//! In every mode, a plan never changes the records that a signing primary generates, names under
//! `keep`, the last apex NS, the address of a name server that stays, and what a rejected record
//! protects ([`RejectedRecords`]). Values are compared by
//! [`Rdata::content`](crate::model::Rdata::content); a removal names the octets in the zone,
//! because a server compares octets.
//!
//! The odd case is the CNAME: a name with a CNAME has no other data (RFC 1034 section 3.6.2), and a
//! server silently ignores, refuses or replaces records that break this rule (RFC 2136 section
//! 3.4.2.2). So the plan looks at the final records of each owner name, and reports a desired
//! record that cannot be among them as a [`Conflict`] instead of a change.

mod abilities;
mod batch;
mod catalog;
mod change;
mod comparison;
mod conflicts;
mod diff;
mod digest;
mod frozen;
mod learnt;
mod packer;
mod risk;
mod rrset_diff;
mod send_order;
mod soa;
mod surroundings;
#[cfg(test)]
pub(crate) mod tests;
mod trial;

pub use abilities::{Abilities, Apex, Prerequisites, RrSetUpdates, Serials, Shown};
pub use batch::{Batch, HEADER_OCTETS, Prerequisite, Update};
pub use catalog::{
    CATALOG_OCTETS_MAX, CatalogCensus, CatalogDrift, CatalogName, CatalogProblem, CatalogView,
    Claim, ClaimState, DamagedClaim, Entry, EntryChange, EntryDrift, Epoch, Listing, Member,
    Membership, NodeChange, SeenEntry, Terms, Upgrade, Whose, next_serial,
};
pub use change::{Action, Change, Conflict, ConflictReason, Part, Parts, Plan};
pub use comparison::{Comparison, RrSetChanges};
pub use digest::{WantedDigest, digest_wanted};
pub(crate) use learnt::Lengths;
pub use learnt::{Habit, LEARNT_SECONDS, Learnt};
pub use packer::{BatchError, Octets, PLAN_MESSAGES_MAX, batches};
pub use soa::{FirstContents, InitialZoneError, initial_zone};
pub use surroundings::Surroundings;

use crate::model::{
    CurrentZone, DesiredZone, ForeignRecords, RejectedRecords, RrSet, RrSets, Scope,
};

/// Plans the changes that turn `current` into `desired`, within `scope`.
///
/// The SOA changes too, but a serial that differs alone is no change.
pub fn plan(current: &CurrentZone, desired: &DesiredZone, scope: &Scope<'_>) -> Plan {
    debug_assert_eq!(current.name, desired.name, "two states of one zone");
    let retained = diff::retained_ns_hosts(current, &desired.records, &desired.rejected, scope);
    let mut plan = diff::diff(
        current,
        &desired.records,
        &desired.rejected,
        scope,
        &retained,
    );
    plan.soa =
        soa::change(current, &desired.soa).filter(|_| !diff::is_kept(scope, current.name.apex()));
    plan
}

/// Plans the removal of all managed records from a zone that stays.
///
/// The SOA stays, and so do the apex NS that are not managed, or all of them if none else would be left. Foreign records stay too, whatever the scope says of them: the
/// zone belongs to another.
pub fn plan_removal(current: &CurrentZone, scope: &Scope<'_>) -> Plan {
    let scope = Scope {
        foreign: ForeignRecords::Keep,
        ..*scope
    };
    let apex_ns = |set: &&RrSet| current.name.is_apex_ns(set);
    let managed_ns = scope.managed.iter().filter(apex_ns).cloned();
    let current_ns = RrSets::from_sets(current.apex_ns().cloned());
    // None are desired if all are managed: then all stay, since a zone without them is broken.
    let desired = current_ns.minus(&RrSets::from_sets(managed_ns));
    let staying = if desired.is_empty() {
        &current_ns
    } else {
        &desired
    };
    let rejected = RejectedRecords::default();
    let retained = diff::ns_hosts(&current.name, staying.iter().flat_map(|set| &set.rdatas));
    diff::diff(current, &desired, &rejected, &scope, &retained)
}
