//! Decides which instance a zone belongs to, before anything in it is changed.
//!
//! Ownership is decided by, in this order: the catalog of the primary, the local state, the mark that a
//! provisioner left on the zone. The mark also decides if managed records are missing: another program may
//! have created the zone anew.
//!
//! ```text
//! absent ──reserve──▶ ours, not listed ──(it is created)──▶ list ──▶ ours, listed ──leave──▶ ours, leaving
//!    ▲◀─────give up────────────┘                                          ▲ │                      │
//!    ├──────────── list: the primary creates the member zone ─────────────┘ └──release──▶ absent   │
//!    └◀────────────────────── release ◀──(it is deleted)───────────────────────────────────────────┘
//! there, unclaimed ──adopt, or list as found──▶ ours, listed, found ──release──▶ as it was before
//! ```
//!
//! A panel also needs the zones above: see `ancestors`. Its deletions spare the zones of PTR records: see `spared`.
//!
//! Each arrow is one UPDATE. A process that is killed between two leaves a state from which the next
//! delivery of the same intent goes on.
//!
//! | before | `authorize` decides by |
//! | --- | --- |
//! | a zone is updated | `authorize_update` |
//! | an absent zone is created | `authorize_creation` |
//! | a zone is deleted | `membership`, then `authorize_removal` by its mark |
//! | its managed records are removed instead | `membership`, then `authorize_emptying` by its mark |
//! | a record or PTR value is changed beside others | `authorize_record` |

mod ancestors;
mod authorize;
mod begin;
pub(crate) mod catalog;
mod claim;
mod entry;
mod mark;
mod serial;
mod spared;

pub(crate) use super::policy::UnownedZones;
pub(crate) use ancestors::{authorize_ancestors, authorize_panel, zones_that_hide};
pub(crate) use authorize::{
    authorize_creation, authorize_emptying, authorize_record, authorize_removal, authorize_update,
    is_absent, is_listed, membership, provenance,
};
pub(crate) use catalog::{Form, catalog, view as catalog_view};
pub(crate) use claim::{give_up, leave, list_created, list_found, release, reserve};
pub(crate) use mark::{Mark, is_unused, marked, marker};
pub(crate) use serial::note_serial;
pub(crate) use spared::is_spared;
