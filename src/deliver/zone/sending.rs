//! What an update of a zone keeps between its steps.

use std::borrow::Cow;

use crate::deliver::outcome::LeftOut;
use crate::deliver::state::{Refusal, StateChange, ZoneState};
use crate::model::{CurrentZone, RrSets};
use crate::plan::Plan;

/// The phases of the reservation of what the UPDATEs add.
///
/// ```text
/// None ──reserve──▶ Reserved ──an UPDATE may have been applied──▶ Sent
///   ▲                  │
///   └──── roll back ◀──┘ a permanent failure
/// ```
pub(super) enum Reservation {
    None,
    /// Nothing was applied; with the change that rolls the reservation back.
    Reserved(StateChange),
    Sent,
}

/// An update that is being sent.
pub(super) struct Sending<'c> {
    pub(super) current: CurrentZone,
    pub(super) state: ZoneState,
    pub(super) plan: Plan,
    /// The records that are managed once the plan is applied.
    pub(super) managed: Cow<'c, RrSets>,
    /// The parts of the desired zone that are left out.
    pub(super) left_out: Vec<LeftOut>,
    /// The parts among them that the primary has not taken lately.
    pub(super) refusals: Vec<Refusal>,
    /// Records to manage that were not reserved, since nothing is sent.
    pub(super) unreserved: RrSets,
}
