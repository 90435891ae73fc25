//! What an update of a zone keeps between its steps.

use std::borrow::Cow;

use crate::deliver::outcome::LeftOut;
use crate::deliver::state::{Provenance, Refusal, StateChange, ZoneState};
use crate::model::{CurrentZone, RrSets, Soa};
use crate::plan::{Plan, Prerequisites, Serials};

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
    Reserved(Box<StateChange>),
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

impl Sending<'_> {
    /// Returns the SOA that these messages leave if nobody else has changed the zone since it was read. `None` if others may
    /// have changed the zone under the same SOA, or if this instance does not manage it: each delivery must look whose it is.
    pub(super) fn soa_left(
        &self,
        messages: usize,
        prerequisites: Prerequisites,
        serials: Serials,
    ) -> Option<(Soa, u32)> {
        let (soa, ttl) = (&self.current.soa, self.current.soa_ttl);
        if self.state.provenance == Provenance::Preexisting && self.managed.is_empty() {
            return None;
        }
        match (messages, serials) {
            (0, Serials::Joined | Serials::Strict) => Some((soa.clone(), ttl)),
            // Each message required the SOA that the zone had before it. BIND: signs under serials of its own.
            (_, Serials::Strict)
                if prerequisites == Prerequisites::Soa && self.state.key_tags.is_empty() =>
            {
                let others = u32::try_from(messages - 1).ok()?;
                let before_last = soa.serial.plus(others);
                let set = self.plan.soa.clone();
                let (mut left, ttl) = set.unwrap_or_else(|| (soa.clone(), ttl));
                if !left.serial.is_after(before_last) {
                    left.serial = before_last.plus(1);
                }
                Some((left, ttl))
            }
            (_, Serials::Unknown | Serials::Loose | Serials::Joined | Serials::Strict) => None,
        }
    }
}
