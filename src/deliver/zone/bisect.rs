//! Bisects the owner names that a primary refuses, so that one bad record does not delay the rest
//! of its zone.
//!
//! A primary refuses a message as a whole, and the response does not name the record. So the
//! changes are halved by owner names until each refused name is alone. The zone is read and planned
//! anew before each half, so that the prerequisites of a half are as good as those of a whole plan.
//!
//! Some changes are refused only because others are missing (BIND: it checks the addresses of an
//! MX's host), so refused singles are retried once at the end. If no change at all is applied, the
//! primary refuses the zone or the key, and that failure is reported.

use crate::deliver::error::Failure;
use crate::deliver::outcome::LeftOut;
use crate::model::Name;
use crate::plan::Plan;
use crate::wire::Rcode;

/// Number of refused singles, with nothing applied, that make the zone as a whole count as refused.
const SINGLES_MAX: usize = 4;

/// Most refused messages of a bisection: some ten refused names among ten thousand.
const REFUSALS_MAX: u32 = 256;

/// A search for the refused owner names of a plan.
#[derive(Default)]
pub(crate) struct Bisection {
    /// Groups of names to send, the next one last; empty if the whole plan is sent at once.
    groups: Vec<Vec<Name>>,
    /// Names that were refused alone.
    refused: Vec<(Name, Failure)>,
    has_applied: bool,
    has_retried_singles: bool,
    refusals: u32,
}

impl Bisection {
    /// Returns whether groups are left to send.
    pub(crate) fn is_searching(&self) -> bool {
        !self.groups.is_empty()
    }

    /// Restricts a plan to the next group, without the refused names.
    pub(crate) fn restrict(&self, plan: &mut Plan) {
        plan.freeze(self.refused.iter().map(|(owner, _)| owner));
        if let Some(group) = self.groups.last() {
            plan.restrict(group);
        }
    }

    /// Notes that the group was applied by this number of messages; 0 if it needed none.
    pub(crate) fn passed(&mut self, messages: usize) {
        self.has_applied |= messages > 0;
        self.groups.pop();
        self.retry_singles();
    }

    /// Notes that the primary refused the restricted plan, and halves it.
    ///
    /// # Errors
    /// The failure if it is not about single names.
    pub(crate) fn refused(&mut self, plan: &Plan, failure: Failure) -> Result<(), Failure> {
        self.refusals += 1;
        if !is_refusal(&failure) || self.refusals > REFUSALS_MAX {
            return Err(failure);
        }
        self.groups.pop();
        let mut owners = plan.owners();
        if owners.len() > 1 {
            let second = owners.split_off(owners.len() / 2);
            self.groups.extend([second, owners]);
            return Ok(());
        }
        let is_hopeless = self.groups.is_empty() || self.refused.len() + 1 >= SINGLES_MAX;
        if !self.has_applied && is_hopeless {
            return Err(failure);
        }
        if let Some(owner) = owners.pop() {
            self.refused.push((owner, failure));
        }
        self.retry_singles();
        Ok(())
    }

    /// Returns the refused names once the search is over.
    pub(crate) fn into_left_out(self) -> impl Iterator<Item = LeftOut> {
        self.refused
            .into_iter()
            .map(|(owner, failure)| LeftOut::Refused {
                owner,
                failure: Box::new(failure),
            })
    }

    fn retry_singles(&mut self) {
        if self.groups.is_empty() && self.has_applied && !self.has_retried_singles {
            self.has_retried_singles = true;
            let singles = self.refused.drain(..).map(|(owner, _)| vec![owner]);
            self.groups.extend(singles);
        }
    }
}

/// Returns whether a primary refused, or may have refused, a message for its records.
fn is_refusal(failure: &Failure) -> bool {
    if let Failure::UpdateRefused { rcode, .. } = failure {
        return [Rcode::REFUSED, Rcode::FORMERR, Rcode::NOTIMP].contains(rcode);
    }
    matches!(failure, Failure::ServerFailure { .. })
}

#[cfg(test)]
mod tests;
