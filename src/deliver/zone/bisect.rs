//! Finds out which names a primary refuses, so that one bad record does not keep the rest of its zone waiting.
//!
//! A message is refused as a whole, and the answer does not say for what. So the changes are halved by owner
//! names, again and again, until those that are refused stand alone. Between two halves the zone is read and
//! planned anew, so that each half is as well guarded as a whole plan.
//!
//! Some changes are refused only because others are not there yet (BIND looks for the addresses of an MX's
//! host), so what stands alone is tried once more at the end. Where nothing at all gets through, it is the zone
//! or the key that is refused, and that is what is said.

use crate::deliver::error::Failure;
use crate::deliver::outcome::LeftOut;
use crate::model::Name;
use crate::plan::Plan;
use crate::wire::Rcode;

/// How many names are refused alone, with nothing applied, until the zone as such counts as refused.
const ALONE_MAX: usize = 4;

/// Most messages that a search takes: some ten refused names among ten thousand.
const STEPS_MAX: u32 = 256;

/// A search for the names that are refused.
#[derive(Default)]
pub(crate) struct Bisection {
    /// What is still to be sent, the next at the end; empty where all is sent at once.
    groups: Vec<Vec<Name>>,
    /// What was refused alone.
    refused: Vec<(Name, Failure)>,
    /// Something was applied.
    has_passed: bool,
    /// What stands alone has been tried again.
    has_retried_singles: bool,
    steps: u32,
}

impl Bisection {
    /// Whether the search goes on.
    pub(crate) fn is_searching(&self) -> bool {
        !self.groups.is_empty()
    }

    /// Takes out of a plan what is not to be sent now.
    pub(crate) fn restrict(&self, plan: &mut Plan) {
        plan.freeze(self.refused.iter().map(|(owner, _)| owner));
        if let Some(group) = self.groups.last() {
            plan.restrict(group);
        }
    }

    /// The group was applied, or there was nothing to send of it.
    pub(crate) fn passed(&mut self, messages: usize) {
        self.has_passed |= messages > 0;
        self.groups.pop();
        self.retry_singles();
    }

    /// The plan was refused, as it was restricted.
    ///
    /// # Errors
    /// The failure, where it is not about single names.
    pub(crate) fn refused(&mut self, plan: &Plan, failure: Failure) -> Result<(), Failure> {
        self.steps += 1;
        if !is_refusal(&failure) || self.steps > STEPS_MAX {
            return Err(failure);
        }
        self.groups.pop();
        let mut owners = plan.owners();
        if owners.len() > 1 {
            let second = owners.split_off(owners.len() / 2);
            self.groups.extend([second, owners]);
            return Ok(());
        }
        let is_hopeless = self.groups.is_empty() || self.refused.len() + 1 >= ALONE_MAX;
        if !self.has_passed && is_hopeless {
            return Err(failure);
        }
        if let Some(owner) = owners.pop() {
            self.refused.push((owner, failure));
        }
        self.retry_singles();
        Ok(())
    }

    /// What was left out, once the search is over.
    pub(crate) fn into_left_out(self) -> impl Iterator<Item = LeftOut> {
        self.refused
            .into_iter()
            .map(|(owner, failure)| LeftOut::Refused {
                owner,
                failure: Box::new(failure),
            })
    }

    fn retry_singles(&mut self) {
        if self.groups.is_empty() && self.has_passed && !self.has_retried_singles {
            self.has_retried_singles = true;
            let alone = self.refused.drain(..).map(|(owner, _)| vec![owner]);
            self.groups.extend(alone);
        }
    }
}

/// Whether a primary has refused a message for what is in it, or may have.
fn is_refusal(failure: &Failure) -> bool {
    if let Failure::UpdateRefused { rcode, .. } = failure {
        return [Rcode::REFUSED, Rcode::FORMERR, Rcode::NOTIMP].contains(rcode);
    }
    matches!(failure, Failure::ServerFailure { .. })
}

#[cfg(test)]
mod tests;
