//! What becomes of the entry of a zone in the catalog, by what it was: a pure function.

use super::claim::{Claim, ClaimState, Listing, Member, Membership};
use super::update::NodeChange;
use crate::model::ZoneName;

/// A change of the entry of a zone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EntryChange {
    /// Claims a zone that is about to be created, before it is listed.
    Reserve {
        /// The primary does not have the zone: what consumers have of an earlier one is to go.
        is_absent: bool,
    },
    /// Claims and lists a zone.
    List {
        /// The zone was there before.
        is_preexisting: bool,
    },
    /// Notes that this instance created a listed zone: one that was there before was deleted at the
    /// same moment.
    NoteCreated,
    /// Takes a zone of this instance from the list, before it is deleted.
    Leave,
    /// Removes the entry of a zone of this instance.
    Release,
    /// Gives up the reservation of a zone that was not created. One that was created meanwhile
    /// stays listed.
    GiveUp,
    /// Claims a zone, whatever its membership.
    TakeOver,
    /// Lists a zone of this instance under another label, so that consumers take it up anew.
    Relabel,
}

/// What becomes of an entry: its claim, and its member node.
pub type Entry<'g> = (Option<Claim>, NodeChange<'g>);

/// What a claim that is written may have.
pub struct Terms<'g> {
    /// The instance that makes the change.
    pub instance: &'g str,
    /// The label of a zone that is made.
    pub new_label: String,
    /// The group of a zone that is listed.
    pub group: Option<&'g str>,
}

impl<'g> Terms<'g> {
    /// Returns what an entry becomes by a change. `None` if nothing is left to do.
    pub fn entry(&self, change: EntryChange, membership: &Membership) -> Option<Entry<'g>> {
        let list = NodeChange::List(self.group);
        match (change, membership) {
            (EntryChange::Reserve { .. }, Membership::Absent) => {
                Some((Some(self.new_claim(ClaimState::Made)), NodeChange::Keep))
            }
            // With another label, consumers drop what they have of the zone that was there before.
            (EntryChange::Reserve { is_absent: true }, Membership::Ours(member))
                if member.listing != Listing::Absent || is_leaving(member) =>
            {
                Some((Some(self.new_claim(ClaimState::Made)), NodeChange::Keep))
            }
            (EntryChange::List { is_preexisting }, Membership::Absent) => {
                let state = if is_preexisting {
                    ClaimState::Found
                } else {
                    ClaimState::Made
                };
                Some((Some(self.new_claim(state)), list))
            }
            (EntryChange::List { .. }, Membership::Ours(member)) if is_leaving(member) => {
                Some((Some(self.new_claim(ClaimState::Made)), list))
            }
            (EntryChange::List { .. }, Membership::Ours(member)) if !member.is_listed() => {
                Some((Some(member.claim.clone()), list))
            }
            (EntryChange::TakeOver, Membership::Absent) => Some((
                Some(self.new_claim(ClaimState::Found)),
                NodeChange::List(None),
            )),
            (
                EntryChange::Reserve { .. } | EntryChange::List { .. } | EntryChange::TakeOver,
                Membership::Unclaimed(member),
            )
            | (EntryChange::TakeOver, Membership::Other { member, .. }) => {
                // Its label stays, so no consumer notices.
                let instance = self.instance.into();
                let claim = Claim {
                    instance,
                    ..member.claim.clone()
                };
                Some((Some(claim), NodeChange::Keep))
            }
            (EntryChange::Relabel, Membership::Ours(member)) if member.is_listed() => {
                let claim = self.new_claim(member.claim.state);
                Some((Some(claim), list))
            }
            (EntryChange::NoteCreated, Membership::Ours(member)) if member.is_preexisting() => {
                Some((Some(in_state(member, ClaimState::Made)), NodeChange::Keep))
            }
            (EntryChange::Leave, Membership::Ours(member))
                if member.claim.state == ClaimState::Made =>
            {
                Some((
                    Some(in_state(member, ClaimState::Leaving)),
                    NodeChange::Remove,
                ))
            }
            (EntryChange::GiveUp, Membership::Ours(member)) if member.is_listed() => None,
            (EntryChange::GiveUp | EntryChange::Release, Membership::Ours(member)) => {
                Some(released(member))
            }
            _ => None,
        }
    }

    /// Returns a claim of this instance with the new label.
    fn new_claim(&self, state: ClaimState) -> Claim {
        Claim {
            instance: self.instance.into(),
            label: self.new_label.clone().into_bytes(),
            state,
        }
    }
}

fn is_leaving(member: &Member) -> bool {
    member.claim.state == ClaimState::Leaving
}

fn in_state(member: &Member, state: ClaimState) -> Claim {
    Claim {
        state,
        ..member.claim.clone()
    }
}

/// Returns what becomes of the entry of a member that its instance gives up: one that another program listed is
/// nobody's again.
fn released(member: &Member) -> Entry<'static> {
    if member.claim.state == ClaimState::Listed {
        let claim = Claim {
            instance: Vec::new(),
            ..member.claim.clone()
        };
        (Some(claim), NodeChange::Keep)
    } else {
        (None, NodeChange::Remove)
    }
}

impl Membership {
    /// Returns the membership once the entry has this claim and its node was changed so.
    #[must_use]
    pub fn after(
        &self,
        zone: &ZoneName,
        claim: Option<Claim>,
        node: NodeChange<'_>,
        instance: &str,
    ) -> Self {
        let Some(claim) = claim else {
            return Self::Absent;
        };
        let before = self.member().filter(|it| it.claim.label == claim.label);
        let listing = match node {
            NodeChange::List(_) => Listing::Listed,
            NodeChange::Remove => Listing::Absent,
            NodeChange::Keep => before.map_or(Listing::Absent, |it| it.listing),
        };
        let member = Member {
            zone: zone.clone(),
            claim,
            listing,
        };
        Self::of(member, instance)
    }
}

#[cfg(test)]
mod tests;
