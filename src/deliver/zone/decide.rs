//! Decides what a zone needs: a pure function of what was read.
//!
//! The run carries the decision out, the dry run prints it.

use std::borrow::Cow;

use super::managed::{is_unused, left_out, unverified};
use crate::deliver::create::permit_name;
use crate::deliver::error::Failure;
use crate::deliver::outcome::LeftOut;
use crate::deliver::policy::Policy;
use crate::deliver::server::transfer::Found;
use crate::deliver::server::{Primary, Read};
use crate::deliver::state::{Provenance, SoaTtl, ZoneState};
use crate::model::{CurrentZone, DesiredZone, RrSets};
use crate::plan::{self, FirstContents, Plan, Prerequisites};
use crate::provision::Created;

/// How often prerequisites on RRsets fail under one SOA until another reason than a change by another
/// program is assumed: such a change moves the serial on.
const PREREQUISITE_FAILURES_MAX: u32 = 3;

/// The reading that a decision about a zone is computed from.
pub(crate) struct View {
    /// The zone as it was read.
    pub(crate) found: Found,
    /// The records that this instance manages in it.
    pub(crate) state: ZoneState,
    /// Whether this instance may change or create it; of a zone that is there, how it came to be.
    pub(crate) permitted: Result<Provenance, Failure>,
}

/// The steps that the transaction has taken before.
#[derive(Default)]
pub(crate) struct Before {
    /// How the transaction created the zone.
    pub(crate) created: Option<Created>,
    /// An earlier process began to create it, and the end of that is not known.
    pub(crate) was_begun: bool,
    /// How often prerequisites failed under the SOA that was read.
    pub(crate) prerequisite_failures: u32,
}

/// The decision about a zone.
pub(crate) enum Decision {
    /// The zone is absent or half-created: it must be created, or its creation be finished.
    Create(Box<Creation>),
    /// The zone is there: this is the difference to what is desired.
    Update(Box<Update>),
}

/// The creation of a zone.
pub(crate) struct Creation {
    /// The first contents of the zone.
    pub(crate) first: FirstContents,
    pub(crate) state: ZoneState,
    /// The zone as it was read.
    pub(crate) found: Found,
    /// An earlier process began to create the zone, and the end of that is not known.
    pub(crate) was_begun: bool,
}

/// The difference between a zone and what is desired.
pub(crate) struct Update {
    pub(crate) current: CurrentZone,
    /// The records that this instance manages, and the placeholders of a new zone.
    pub(crate) state: ZoneState,
    /// The first contents that the primary chose: managed from now on.
    pub(crate) placeholders: RrSets,
    pub(crate) plan: Plan,
    /// The contents of a new zone, if names that are never touched are left out of it.
    pub(crate) first: Option<FirstContents>,
    /// The guard of the policy that holds this update.
    pub(crate) guard: Option<Failure>,
}

/// Decides what the zone needs.
///
/// # Errors
/// [`Failure`] if the zone may not be changed, or is absent and nothing may create it.
pub(crate) fn decide(
    desired: &DesiredZone,
    primary: &Primary,
    policy: &Policy,
    view: View,
    before: &Before,
) -> Result<Decision, Failure> {
    let View {
        found,
        mut state,
        permitted,
    } = view;
    let can_create = primary.provisioning.is_some();
    let was_begun = is_unfinished(primary, &state, before);
    let found = match found {
        Found::Zone(current) => {
            state.provenance = permitted?;
            // A zone that bears this instance's mark and is not in the state may be half-created, too.
            if !is_unfinished(primary, &state, before) {
                let update = update(desired, primary, policy, *current, state, before)?;
                return Ok(Decision::Update(Box::new(update)));
            }
            Found::Zone(current)
        }
        Found::Absent | Found::NotShown(_) if can_create => {
            permitted?;
            permit_name(primary, &desired.name)?;
            found
        }
        Found::NotLoaded(_) if can_create => found,
        Found::Absent | Found::NotShown(_) => return Err(Failure::ZoneAbsent),
        Found::NotLoaded(rcode) => return Err(Failure::ZoneNotLoaded { rcode }),
    };
    Ok(Decision::Create(Box::new(Creation {
        first: plan::initial_zone(desired, &policy.keep)?,
        state,
        found,
        was_begun,
    })))
}

/// Returns whether an earlier process began to create the zone and its creation is yet to be finished.
pub(crate) fn is_unfinished(primary: &Primary, state: &ZoneState, before: &Before) -> bool {
    let is_begun = state.provenance == Provenance::Creating;
    is_begun && primary.provisioning.is_some() && before.created.is_none()
}

/// Computes the difference of a zone that is there.
pub(super) fn update(
    desired: &DesiredZone,
    primary: &Primary,
    policy: &Policy,
    mut current: CurrentZone,
    mut state: ZoneState,
    before: &Before,
) -> Result<Update, Failure> {
    if primary.read == Read::State {
        current.records = current
            .records
            .minus(&unverified(&current.name, &state, desired));
    }
    let is_new = before.created == Some(Created::Placeholder)
        || before.was_begun
            && state.provenance != Provenance::Preexisting
            && is_unused(primary, &current, &state);
    if state.provenance == Provenance::Creating {
        // In doubt the zone is not this instance's.
        state.provenance = if is_new {
            Provenance::Created
        } else {
            Provenance::Preexisting
        };
    }
    let mut placeholders = RrSets::default();
    if is_new {
        placeholders = current.records.minus(&state.managed);
        state.managed = std::mem::take(&mut state.managed).union(placeholders.clone());
    }
    state.prerequisites = prerequisites_after(before.prerequisite_failures, state.prerequisites);
    // A new zone holds in the end what one holds that is created with its contents: without the names that
    // are never touched.
    let first = if is_new && !policy.keep.is_empty() {
        Some(plan::initial_zone(desired, &policy.keep)?)
    } else {
        None
    };
    let mut scope = policy.scope(&state.managed);
    let mut wanted = Cow::Borrowed(desired);
    if let Some(first) = &first {
        scope.keep = &[];
        wanted.to_mut().records = first.zone.records.clone();
    }
    let mut plan = plan::plan(&current, &wanted, &scope);
    if state.soa_ttl == SoaTtl::Fixed {
        plan.keep_soa_ttl(&current);
    }
    let guard = policy.permit_removals(&plan, &current).err();
    Ok(Update {
        current,
        state,
        placeholders,
        plan,
        first,
        guard,
    })
}

impl Update {
    /// Returns what is left out of the desired zone.
    pub(crate) fn left_out(&self) -> Vec<LeftOut> {
        let mut all = left_out(&self.plan.conflicts, &self.plan.kept);
        if let Some(first) = &self.first {
            all.extend(left_out(&first.conflicts, &first.kept));
        }
        all
    }
}

/// Returns the prerequisites of a zone under whose SOA prerequisites failed so often.
fn prerequisites_after(failures: u32, before: Prerequisites) -> Prerequisites {
    match failures {
        0 => before,
        // BIND with inline-signing, and PowerDNS after an UPDATE that set the SOA: prerequisites see another
        // SOA than transfers do.
        1..=PREREQUISITE_FAILURES_MAX => Prerequisites::RrSets,
        // Nor do they see the data that transfers show.
        _ => Prerequisites::Presence,
    }
}

#[cfg(test)]
mod tests;
