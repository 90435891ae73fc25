//! Searches for the parts of a plan that a primary refuses, so that one bad record does not delay the rest of its zone.
//!
//! A primary refuses a message as a whole, and the response does not name the record. So the changes are halved by
//! owner names, then by types, then by records, until each refused part is alone. What servers are known to refuse
//! goes last ([`Plan::parts_by_risk`]). After each message that was applied, the zone is read and planned anew, so
//! that the prerequisites of a part are as good as those of a whole plan.
//!
//! * Some changes are refused only because others are missing (BIND: it checks the addresses of an MX's host), so
//!   refused parts are tried again as long as others were applied after their refusal.
//! * If the key may update no type of the plan, and nothing is applied either, the primary refuses the zone or the
//!   key, and that failure is reported. A key may have rights to some names alone, so that takes many singles.
//! * A SERVFAIL counts as the refusal of a record only if it is repeated and the primary applies another change: a
//!   busy server fails on what it takes a moment later. If it fails on each, the plan is sent again for some seconds.
//! * An unsigned response counts only if it is repeated over a new connection while the primary takes other UPDATEs of
//!   this key: anybody may have sent it (RFC 8945 section 5.3).

use super::learn::learn;
use super::probe;
use crate::deliver::error::Failure;
use crate::deliver::outcome::{Ignored, LeftOut};
use crate::deliver::server::Session;
use crate::model::{CurrentZone, Name, Presence, RecordType, ZoneName};
use crate::plan::{Action, BatchError, Change, Habit, Lengths, Part, Plan};
use crate::wire::Rcode;

/// Number of refused singles, with nothing applied, that make the zone as a whole count as refused if the key may
/// update nothing: more than most zones have.
const SINGLES_MAX: usize = 64;

/// Most refused messages of a search: some thousand refused names.
const REFUSALS_MAX: u32 = 8_192;

/// The types at an apex that a primary may keep, and how that is remembered.
const APEX_HABITS: [(RecordType, Habit); 2] = [
    (RecordType::SOA, Habit::SoaKept),
    (RecordType::NS, Habit::ApexNsKept),
];

/// A part that was refused alone.
struct Refused {
    part: Part,
    changes: Vec<Change>,
    failure: Failure,
    /// The number of messages that were applied before.
    applied_before: usize,
    /// The response is signed and no failure of the server, or it was repeated.
    is_certain: bool,
}

/// A search for the refused parts of a plan.
#[derive(Default)]
pub(crate) struct Bisection {
    /// Groups of parts to send, the next one last; empty if the whole plan is sent at once.
    groups: Vec<Vec<Part>>,
    /// Parts that were refused alone.
    refused: Vec<Refused>,
    /// The part that is tried again, as it was refused before.
    retried: Option<Refused>,
    /// The changes that the primary silently ignored or altered.
    ignored: Vec<LeftOut>,
    /// What another client may have undone has been decided anew.
    was_undone: bool,
    /// Parts that were refused alone, with a signature.
    signed: Vec<Part>,
    /// Types of the records at the apex that were taken.
    taken_at_apex: Vec<RecordType>,
    /// Applied messages.
    applied: usize,
    /// Whether the key may update some type of the plan, so that a refusal is about a record. `None` if not known yet.
    may_update: Option<bool>,
    refusals: u32,
    pub(crate) is_patient: bool,
}

impl Bisection {
    /// Returns whether groups are left to send.
    pub(crate) fn is_searching(&self) -> bool {
        !self.groups.is_empty()
    }

    /// Returns whether it must be known by now whether the key may update anything: nothing is applied, also not by a
    /// smaller message.
    fn needs_rights(&self, plan: &Plan, failure: &Failure) -> bool {
        let is_small = self.is_searching() || plan.parts().len() < 2;
        is_refusal(failure) && self.applied == 0 && self.may_update.is_none() && is_small
    }

    /// Returns whether the next message must go over a new connection.
    fn needs_new_connection(&self) -> bool {
        let doubtful = self.retried.as_ref().filter(|it| !it.is_certain);
        doubtful.is_some_and(|it| !it.failure.is_server_failure())
    }

    /// Restricts a plan to the next group, without the refused parts. The repetition that makes a refusal certain
    /// goes over a new connection.
    pub(crate) fn restrict(
        &self,
        session: &mut Session<'_>,
        plan: &mut Plan,
        current: &CurrentZone,
    ) {
        if self.needs_new_connection() {
            session.drop_connections();
        }
        self.restrict_plan(plan, current);
    }

    fn restrict_plan(&self, plan: &mut Plan, current: &CurrentZone) {
        let ignored = self.ignored.iter().flat_map(LeftOut::refused);
        let ignored: Vec<Part> = ignored.map(|(part, _)| part).collect();
        let refused = self.refused.iter().map(|it| &it.part);
        plan.freeze(refused.chain(&ignored), current);
        if let Some(group) = self.groups.last() {
            plan.restrict(group);
        }
    }

    /// Notes that the group was applied by this number of messages; 0 if it needed none.
    fn passed(&mut self, messages: usize) {
        self.applied += messages;
        self.groups.pop();
        self.retried = None;
        self.retry_single();
    }

    /// Notes that the primary refused the restricted plan, and divides it. Asks first whether the key may update
    /// anything, if that is to be known.
    ///
    /// # Errors
    /// The failure if it is not about single records.
    pub(crate) async fn refused(
        &mut self,
        session: &mut Session<'_>,
        plan: &Plan,
        current: &CurrentZone,
        failure: Failure,
    ) -> Result<(), Failure> {
        if self.needs_rights(plan, &failure) {
            self.may_update = Some(probe::may_update(session, plan).await);
        }
        let divided = self.divide(&mut session.lengths, plan, current, failure);
        let has_failed = divided.as_ref().is_err_and(Failure::is_server_failure);
        if has_failed && self.applied == 0 && !std::mem::replace(&mut self.is_patient, true) {
            (self.groups, self.refused, self.retried) = (Vec::new(), Vec::new(), None);
            return Ok(());
        }
        divided
    }

    /// Leaves out what a plan adds at a name, where a CNAME of others stands.
    pub(crate) fn exclude(&mut self, owner: &Name, plan: &Plan) {
        let changes = plan.changes_in(&Part::whole(owner)).into_iter();
        let added = changes.filter(|change| change.action != Action::Remove);
        self.ignored.extend(added.map(|change| LeftOut::Ignored {
            presence: Presence::Present,
            owner: change.owner,
            rtype: change.rtype,
            rdata: change.rdata,
        }));
    }

    fn divide(
        &mut self,
        lengths: &mut Lengths,
        plan: &Plan,
        current: &CurrentZone,
        failure: Failure,
    ) -> Result<(), Failure> {
        self.refusals += 1;
        if !matches!(failure, Failure::UpdateRefused { .. }) {
            // Only a signed refusal teaches something.
            *lengths = Lengths::default();
        }
        if !is_refusal(&failure) && !is_too_large(&failure) || self.refusals > REFUSALS_MAX {
            return Err(failure);
        }
        if self.groups.is_empty() {
            self.groups = plan.parts_by_risk(current);
            self.groups.reverse();
            if self.groups.len() > 1 {
                lengths.divide(0);
                return Ok(());
            }
        }
        let mut parts = self.groups.pop().unwrap_or_default();
        parts.retain(|part| plan.has(part));
        // A single part with a single type, or a single record, is that.
        while let [part] = &parts[..] {
            let smaller = plan.split(part);
            if smaller == parts {
                break;
            }
            parts = smaller;
        }
        if parts.len() > 1 {
            lengths.divide(self.groups.len());
            let second = parts.split_off(parts.len() / 2);
            self.groups.extend([second, parts]);
            return Ok(());
        }
        lengths.refuse_single();
        let is_hopeless = self.groups.is_empty() || self.refused.len() + 1 >= SINGLES_MAX;
        if self.applied == 0 && is_hopeless {
            // A server that fails on some changes and applies none may fail on all.
            let earlier = self
                .refused
                .iter()
                .position(|it| it.failure.is_server_failure());
            if let Some(earlier) = earlier {
                return Err(self.refused.swap_remove(earlier).failure);
            }
            if self.may_update != Some(true) || failure.is_server_failure() {
                return Err(failure);
            }
        }
        self.signed
            .extend(parts.iter().filter(|_| !failure.is_unsigned()).cloned());
        let is_repeated = self.retried.take().is_some_and(|it| !it.is_certain);
        if let Some(part) = parts.pop() {
            self.refused.push(Refused {
                changes: plan.changes_in(&part),
                part,
                is_certain: is_repeated || !failure.is_unsigned() && !failure.is_server_failure(),
                failure: about_content(failure, plan),
                applied_before: self.applied,
            });
        }
        self.retry_single();
        Ok(())
    }

    /// Takes the result of verifying a plan that was sent in so many messages. If another client may have undone
    /// changes, the next plan makes them again, once; a second time they count as ignored by the primary, which may
    /// count serials in its own way. Returns whether everything is sent.
    pub(crate) fn verified(&mut self, ignored: Ignored, messages: usize) -> bool {
        let is_undone = ignored.may_be_undone && !std::mem::replace(&mut self.was_undone, true);
        if !is_undone {
            self.ignored.extend(ignored.into_left_out());
        }
        let is_all = !self.is_searching() && !is_undone;
        if !is_all {
            self.passed(messages);
        }
        is_all
    }

    /// Notes which records of the apex the primary has taken.
    pub(crate) fn note_taken(&mut self, plan: &Plan, ignored: &Ignored) {
        let ignored = [&ignored.missing, &ignored.left];
        let is_taken = |change: &Change| {
            let mut sets = ignored
                .iter()
                .filter_map(|it| it.get(&change.owner, change.rtype));
            APEX_HABITS.iter().any(|(rtype, _)| *rtype == change.rtype)
                && !sets.any(|set| set.contains(&change.rdata))
        };
        let at_apex = plan.changes_in(&Part::whole(plan.zone.apex()));
        let taken = at_apex.into_iter().filter(is_taken);
        self.taken_at_apex.extend(taken.map(|it| it.rtype));
    }

    /// Learns the length of messages that the primary takes, once that is known: the groups that are left go at once, in
    /// messages of that length.
    pub(crate) async fn learn_length(&mut self, session: &mut Session<'_>, zone: &ZoneName) {
        session.lengths.pass(self.groups.len());
        let Some(max) = session.lengths.max() else {
            return;
        };
        let known = session.abilities.records_max;
        if known.is_none_or(|known| max < known)
            && let Ok(value) = u32::try_from(max)
            && learn(session, zone, Habit::RecordsMax, value).await
        {
            let all: Vec<Part> = self.groups.drain(..).rev().flatten().collect();
            self.groups.extend(Some(all).filter(|it| !it.is_empty()));
        }
    }

    /// Learns what the primary keeps at the apex: of a type nothing was taken, and something refused with a signature
    /// or ignored.
    pub(crate) async fn learn_apex(&self, session: &mut Session<'_>, zone: &ZoneName) {
        for (rtype, habit) in APEX_HABITS {
            let is_of = |part: &Part| part.owner == *zone.apex() && part.rtype == Some(rtype);
            let mut ignored = self.ignored.iter().flat_map(LeftOut::refused);
            let is_kept = self.signed.iter().any(is_of) || ignored.any(|(part, _)| is_of(&part));
            if is_kept && !self.taken_at_apex.contains(&rtype) {
                learn(session, zone, habit, 1).await;
            }
        }
    }

    /// Returns the refused parts, by owner name, and the ignored ones once the search is over.
    pub(crate) fn into_left_out(mut self) -> Vec<LeftOut> {
        self.refused.retain(|it| it.is_certain);
        self.refused.sort_by(|a, b| a.part.owner.cmp(&b.part.owner));
        let refused = self.refused.into_iter().map(|it| LeftOut::Refused {
            part: it.part,
            changes: it.changes,
            failure: Box::new(it.failure),
        });
        refused.chain(self.ignored).collect()
    }

    /// Returns the parts that were certainly refused for their records, although the search is cut short.
    pub(crate) fn into_found(mut self) -> Vec<LeftOut> {
        let has_applied = self.applied > 0;
        let has_rights = has_applied || self.may_update == Some(true);
        let counts = |it: &Refused| has_rights && (has_applied || !it.failure.is_server_failure());
        self.refused.retain(counts);
        self.into_left_out()
    }

    /// Once all groups are sent, tries one part again that may pass now, or whose refusal is not certain.
    fn retry_single(&mut self) {
        if !self.groups.is_empty() {
            return;
        }
        let may_pass = |it: &Refused| it.applied_before < self.applied || !it.is_certain;
        if let Some(index) = self.refused.iter().position(may_pass) {
            let single = self.refused.remove(index);
            self.groups.push(vec![single.part.clone()]);
            self.retried = Some(single);
        }
    }
}

/// Returns whether a primary refused, or may have refused, a message for its records.
fn is_refusal(failure: &Failure) -> bool {
    let of_content = [Rcode::REFUSED, Rcode::FORMERR, Rcode::NOTIMP];
    if let Failure::UpdateRefused { rcode, .. } = failure {
        return of_content.contains(rcode);
    }
    if let Failure::Unsigned { rcode, .. } = failure {
        // Knot from 3.4 on: so it refuses what its `acl` does not allow a key.
        return of_content.contains(rcode) || *rcode == Rcode::NOTAUTH;
    }
    // Knot before that.
    matches!(failure, Failure::BadKey { .. }) || failure.is_server_failure()
}

/// Returns whether the changes of a name, or of one of its RRsets, fit into no message.
fn is_too_large(failure: &Failure) -> bool {
    matches!(failure, Failure::Batch(BatchError::OwnerTooLarge { .. }))
}

/// Returns what an unsigned refusal says of the content.
fn about_content(failure: Failure, plan: &Plan) -> Failure {
    let of_content = |rcode, key| Failure::UpdateRefused {
        rcode,
        extended: None,
        zone: plan.zone.clone(),
        key,
    };
    if let Failure::Unsigned { rcode, key } = failure {
        of_content(rcode, key)
    } else if let Failure::BadKey { key } = failure {
        of_content(Rcode::NOTAUTH, key)
    } else {
        failure
    }
}

#[cfg(test)]
mod tests;
