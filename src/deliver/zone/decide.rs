//! Decides what a zone needs: a pure function of what was read.
//!
//! The run carries the decision out, the dry run prints it.

use std::borrow::Cow;

use crate::deliver::create::check_name;
use crate::deliver::error::Failure;
use crate::deliver::outcome::LeftOut;
use crate::deliver::ownership::is_unused;
use crate::deliver::policy::{Policy, Purpose};
use crate::deliver::server::Primary;
use crate::deliver::server::transfer::Found;
use crate::deliver::state::managed::unverified;
use crate::deliver::state::{Provenance, Refusal, ZoneState};
use crate::diagnostic::Class;
use crate::model::{CurrentZone, DesiredZone, RejectedRecords, RrSets, ZoneSource};
use crate::plan::{self, Abilities, Apex, FirstContents, Plan, Surroundings};
use crate::provision::{Created, ZoneStatus};

/// The reading that a decision about a zone is computed from.
pub(crate) struct View {
    /// The zone as it was read.
    pub(crate) found: Found,
    /// The records that this instance manages in it.
    pub(crate) state: ZoneState,
    /// Whether this instance may change or create it; of a zone that is there, how it came to be.
    pub(crate) authorized: Result<Provenance, Failure>,
    /// The time in seconds since 1970.
    pub(crate) now: u64,
}

/// The steps that the transaction has taken before, and what was learnt before it.
#[derive(Default)]
pub(crate) struct Before {
    /// What the primary can do, by the configuration and by what was learnt.
    pub(crate) abilities: Abilities,
    /// How the transaction created the zone.
    pub(crate) created: Option<Created>,
    /// An earlier process began to create it, and the end of that is not known.
    pub(crate) was_begun: bool,
    /// A name of a zone that is not read may have a CNAME of others: a prerequisite failed.
    pub(crate) suspects_cname: bool,
    /// How often prerequisites failed under the SOA that was read.
    pub(crate) prerequisite_failures: u32,
}

/// The decision about a zone.
pub(crate) enum Decision {
    /// The zone is absent or half-created: it must be created, or its creation be finished.
    Create(Box<Creation>),
    /// The zone is there: this is the difference to what is desired.
    Update(Box<DecidedUpdate>),
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
pub(crate) struct DecidedUpdate {
    pub(crate) current: CurrentZone,
    /// The records that this instance manages, and the placeholders of a new zone.
    pub(crate) state: ZoneState,
    /// The first contents that the primary chose: managed from now on.
    pub(crate) placeholders: RrSets,
    pub(crate) plan: Plan,
    /// The parts that the plan leaves out, since the primary has not taken them lately.
    pub(crate) refusals: Vec<Refusal>,
    /// The source of the desired zone.
    pub(crate) source: ZoneSource,
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
        authorized,
        now,
    } = view;
    let can_create = primary.provisioning.is_some();
    let anew = state.allow_anew(&desired.name, policy.creates_signed_anew);
    let was_begun = is_unfinished(primary, &state, before);
    let found = match found {
        Found::Zone(current) => {
            state.provenance = authorized?;
            // A zone that bears this instance's mark and is not in the state may be half-created, too.
            if !is_unfinished(primary, &state, before) {
                let update = update(desired, primary, policy, *current, state, before, now)?;
                return Ok(Decision::Update(Box::new(update)));
            }
            Found::Zone(current)
        }
        Found::Absent | Found::NotShown(_) if can_create => {
            authorized?;
            check_name(primary, &desired.name)?;
            found
        }
        // A zone that was signed is not filled anew: its keys may be gone.
        Found::NotLoaded(_) if can_create && anew.is_ok() => found,
        Found::Absent => return Err(Failure::ZoneAbsent),
        Found::NotShown(failure) => return Err(failure),
        Found::NotLoaded(rcode) => {
            let zone = desired.name.clone();
            return Err(Failure::ZoneNotLoaded { rcode, zone });
        }
    };
    let mut first = plan::initial_zone(desired, &policy.keep)?;
    first.pass_serial(state.serial);
    Ok(Decision::Create(Box::new(Creation {
        first,
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
    now: u64,
) -> Result<DecidedUpdate, Failure> {
    if !primary.abilities.shows_zones() {
        let mut missing = unverified(&state, desired);
        if primary.abilities.answers_queries() {
            missing = missing.minus(&current.name.apex_ns_of(&missing));
        }
        current.records = current.records.minus(&missing);
    }
    let is_new = before.created == Some(Created::Placeholder)
        || before.was_begun
            && state.provenance != Provenance::Preexisting
            && is_unused(primary, &current, &state);
    if state.provenance == Provenance::Creating {
        let is_ours = before.created == Some(Created::AlreadyThere(ZoneStatus::Ours));
        // In doubt the zone is not this instance's.
        state.provenance = if is_new || is_ours {
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
    // A new zone holds in the end what one holds that is created with its contents: without the names that
    // are never touched.
    let first = if is_new && !policy.keep.is_empty() {
        Some(plan::initial_zone(desired, &policy.keep)?)
    } else {
        None
    };
    state.count_returned(&current, policy.purpose != Purpose::Change);
    let mut scope = policy.scope(&state.managed);
    let mut wanted = Cow::Borrowed(desired);
    if is_new && !desired.rejected.is_empty() {
        // What a new zone holds has never been of use.
        wanted.to_mut().rejected = RejectedRecords::default();
    }
    if let Some(first) = &first {
        scope.keep = &[];
        wanted.to_mut().records = first.zone.records.clone();
    }
    let abilities = &before.abilities;
    if abilities.soa_ttl == Apex::Keep && wanted.soa.ttl.is_some_and(|it| it != current.soa_ttl) {
        wanted.to_mut().soa.ttl = None;
    }
    let mut plan = plan::plan(&current, &wanted, &scope);
    if let (Some(remembered), Apex::Set) = (state.serial, abilities.soa) {
        plan.pass_serial(remembered, &current, desired.soa.serial, &scope);
    }
    let mut refusals = Vec::new();
    if !state.refusals.is_empty() && !plan.is_empty() {
        let surroundings = Surroundings::new(desired, &current, &policy.scope(&state.managed));
        refusals = state.freeze_refused(&mut plan, &current, &surroundings, now);
    }
    let guard = policy.allow_removals(&plan, &current).err();
    Ok(DecidedUpdate {
        current,
        state,
        placeholders,
        plan,
        refusals,
        source: desired.source,
        first,
        guard,
    })
}

impl DecidedUpdate {
    /// Returns what is left out of the desired zone.
    pub(crate) fn left_out(&self) -> Vec<LeftOut> {
        let plan = &self.plan;
        let mut all: Vec<LeftOut> =
            LeftOut::of_plan(&plan.conflicts, &plan.kept, self.source).collect();
        all.extend(plan.protected.iter().cloned().map(LeftOut::Protected));
        if let Some(first) = &self.first {
            all.extend(LeftOut::of_plan(&first.conflicts, &first.kept, self.source));
        }
        let reports = self.refusals.iter().map(|it| it.report.clone());
        // An alteration is reported once.
        let reports = reports.filter(|report| report.class() != Class::Remark);
        all.extend(reports.map(LeftOut::Remembered));
        all
    }
}

#[cfg(test)]
mod tests;
