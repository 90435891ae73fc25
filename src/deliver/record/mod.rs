//! One record at a name: added or removed exactly, beside others.
//!
//! The desired state is that it is present, or absent; so to do it twice, or later, does no harm. The
//! record is not managed afterwards. If the name has a CNAME that may be followed, one step is taken:
//! its target may be on another primary.

pub(crate) mod acme;
pub(crate) mod propagation;

use crate::deliver::context::Context;
use crate::deliver::error::Failure;
use crate::deliver::outcome::{Delivered, Done};
use crate::deliver::ownership;
use crate::deliver::route::cname::{Follow, Here, Reached, look};
use crate::deliver::server::Session;
use crate::deliver::server::query::ask;
use crate::deliver::transaction::{self, Next, Transaction, verify};
use crate::model::{Name, Presence, Record, RecordIntent, RecordType, Trust, ZoneName};
use crate::plan::{Abilities, Batch, Prerequisite, Update};

/// TTL of a record that is alone at its name if none is given, in seconds: it goes soon, and the next one must be
/// seen.
const TTL_SECONDS: u32 = 60;

/// The location of a record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RecordLocation {
    /// The owner name, after CNAMEs.
    pub owner: Name,
    /// Its zone.
    pub zone: ZoneName,
}

/// Adds or removes a record at a name: its owner, or the target of that one's CNAMEs.
pub(crate) async fn deliver_record(
    cx: &mut Context<'_>,
    record: &RecordIntent,
    at: &Name,
) -> Result<Reached<Delivered>, Failure> {
    let mut update = RecordUpdate {
        cx,
        record,
        at,
        follow: Follow::NotSynthesized,
        may_be_applied: false,
    };
    transaction::run(&mut update).await
}

/// Locates a record at a name, as far as its CNAME.
pub(crate) async fn locate(
    cx: &mut Context<'_>,
    at: &Name,
) -> Result<Reached<RecordLocation>, Failure> {
    let found = find(cx, at, Follow::NotSynthesized).await?;
    Ok(match found {
        Reached::Cname(target) => Reached::Cname(target),
        Reached::Here(found) => Reached::Here(RecordLocation {
            owner: at.clone(),
            zone: found.zone,
        }),
    })
}

/// An owner name without a CNAME that is to be followed.
struct Owner {
    zone: ZoneName,
    has_synthesized_cname: bool,
}

async fn find(cx: &mut Context<'_>, at: &Name, follow: Follow) -> Result<Reached<Owner>, Failure> {
    if !cx.session.abilities.answers_queries() {
        return match follow {
            Follow::NotSynthesized => Ok(Reached::Here(Owner {
                zone: cx.zone_of(at).await?,
                has_synthesized_cname: false,
            })),
            // Nothing shows where it leads.
            Follow::All => Err(Failure::CnameInTheWay { owner: at.clone() }),
        };
    }
    let session = &mut cx.session;
    // A server does not follow a CNAME that it is asked for, so that a loop does no harm.
    let found = match look(session, at, RecordType::CNAME, follow).await {
        Err(refusal) if refusal.is_refused_question() => {
            transaction::probe::confirm_no_zone(session, at, refusal).await?;
            Reached::Here(None)
        }
        found => found?,
    };
    match found {
        Reached::Cname(target) => Ok(Reached::Cname(target)),
        Reached::Here(Some(Here {
            soa: Some(soa),
            has_synthesized_cname,
            ..
        })) => Ok(Reached::Here(Owner {
            zone: ZoneName::new(&soa.owner),
            has_synthesized_cname,
        })),
        Reached::Here(_) => Err(Failure::NoZoneFor { owner: at.clone() }),
    }
}

/// The transaction that adds or removes one record.
struct RecordUpdate<'c, 'a> {
    cx: &'c mut Context<'a>,
    record: &'c RecordIntent,
    at: &'c Name,
    follow: Follow,
    /// The response to an UPDATE was lost: if nothing is left to do, it was applied.
    may_be_applied: bool,
}

impl RecordUpdate<'_, '_> {
    /// Returns the records of the type at the name. At a primary that answers no queries, these are the ones that this
    /// instance has sent, and the record itself counts as what it is not to be: so it is sent.
    async fn present(&mut self, found: &Owner) -> Result<Vec<Record>, Failure> {
        let (at, rtype) = (self.at, self.record.rtype);
        let session = &mut self.cx.session;
        if session.abilities.answers_queries() {
            let response = if found.has_synthesized_cname {
                None
            } else {
                ask(session, at, rtype).await?
            };
            let present = response.iter().flat_map(|it| it.records(at, rtype));
            let mut present: Vec<Record> = present.cloned().collect();
            let is_shown = present.iter().any(|it| it.rdata == self.record.rdata);
            // A secondary that forwards updates shows an addition late, and a removal that changes nothing does no harm.
            let may_be_there = self.record.follows_cnames && !is_shown && !self.may_be_applied;
            if self.record.presence == Presence::Absent
                && may_be_there
                && self.may_remove_challenge().await?
            {
                present.push(self.to_record());
            }
            return Ok(present);
        }
        let mut present = self.cx.sent(&found.zone, at, rtype, TTL_SECONDS).await?;
        present.retain(|it| it.rdata != self.record.rdata);
        if self.record.presence == Presence::Absent {
            present.push(self.to_record());
        }
        Ok(present)
    }

    /// Returns the record of the intent at the name.
    fn to_record(&self) -> Record {
        Record {
            owner: self.at.clone(),
            rtype: self.record.rtype,
            ttl: TTL_SECONDS,
            rdata: self.record.rdata.clone(),
        }
    }

    /// Returns whether this instance added the challenge, or may remove those of others.
    async fn may_remove_challenge(&self) -> Result<bool, Failure> {
        let (primary, value) = (&self.cx.session.primary.name, &self.record.rdata);
        Ok(self.cx.policy.removes_any_challenge
            || self
                .cx
                .store
                .challenges(primary, self.at)
                .await?
                .contains(value))
    }

    /// Notes a challenge before it is added.
    ///
    /// # Errors
    /// [`Failure::ChallengeOfOthers`] if one is to be removed that this instance did not add.
    async fn note_challenge(&self) -> Result<(), Failure> {
        let (primary, value) = (&self.cx.session.primary.name, &self.record.rdata);
        let (store, owner) = (self.cx.store, self.at);
        match self.record.presence {
            Presence::Present => store.add_challenge(primary, owner, value).await,
            Presence::Absent if self.may_remove_challenge().await? => Ok(()),
            Presence::Absent => Err(Failure::ChallengeOfOthers {
                owner: owner.clone(),
            }),
        }
    }

    /// Drops a removed challenge from the state.
    fn drop_removed(&self) -> Result<(), Failure> {
        let (primary, value) = (&self.cx.session.primary.name, &self.record.rdata);
        match self.record.presence {
            Presence::Absent if self.record.follows_cnames => {
                self.cx.store.drop_challenge(primary, self.at, value)
            }
            Presence::Absent | Presence::Present => Ok(()),
        }
    }
}

impl<'a> Transaction<'a> for RecordUpdate<'_, 'a> {
    type Outcome = Reached<Delivered>;
    type Change = (Done, Batch);

    fn session(&mut self) -> &mut Session<'a> {
        &mut self.cx.session
    }

    async fn decide(&mut self) -> Result<Next<Self::Outcome, Self::Change>, Failure> {
        let (record, at) = (self.record, self.at);
        let found = match find(self.cx, at, self.follow).await? {
            Reached::Here(found) => found,
            Reached::Cname(target) if record.follows_cnames => {
                return Ok(Next::Done(Reached::Cname(target)));
            }
            Reached::Cname(_) => return Err(Failure::CnameInTheWay { owner: at.clone() }),
        };
        if record.trust == Trust::Panel || record.follows_cnames && *at != record.owner {
            self.cx.policy.allow_challenge(&record.owner, at)?;
        }
        let session = &mut self.cx.session;
        ownership::authorize_record(session, &found.zone, self.cx.store).await?;
        ownership::authorize_panel(self.cx, &found.zone).await?;
        let present = self.present(&found).await?;
        let updates = updates(record, at, &present, &self.cx.session.abilities);
        let done = Done::Record {
            asked: record.owner.clone(),
            owner: at.clone(),
            zone: found.zone.clone(),
            presence: record.presence,
            is_changed: !updates.is_empty() || self.may_be_applied,
        };
        if updates.is_empty() {
            self.drop_removed()?;
            return Ok(Next::Done(Reached::Here(Delivered::all(done))));
        }
        if record.follows_cnames {
            self.note_challenge().await?;
        }
        let batch = Batch {
            zone: found.zone,
            // Beside a CNAME the addition would be silently ignored (RFC 2136 section 3.4.2.2).
            prerequisites: vec![Prerequisite::Absent {
                owner: at.clone(),
                rtype: RecordType::CNAME,
            }],
            updates,
        };
        let session = &mut self.cx.session;
        let fitting = transaction::fit_batch(session, batch.clone(), present).await?;
        Ok(Next::Send {
            batches: vec![fitting],
            change: (done, batch),
        })
    }

    async fn settle(
        &mut self,
        (done, sent): (Done, Batch),
        _messages: usize,
    ) -> Result<Option<Self::Outcome>, Failure> {
        let ignored = verify::ignored_of(&mut self.cx.session, &sent).await?;
        if ignored.left.is_empty() {
            self.drop_removed()?;
        }
        Ok(Some(Reached::Here(ignored.delivered(done))))
    }

    fn prerequisite_failed(&mut self, _change: Self::Change) {
        // The name has a CNAME of its own, whose target is that of the wildcard.
        self.follow = Follow::All;
        self.may_be_applied = false;
    }

    fn response_lost(&mut self, _change: Self::Change) {
        self.may_be_applied = true;
    }

    fn in_context(&self, failure: Failure) -> Failure {
        self.cx.session.without_zone(failure, self.at.clone())
    }
}

/// Returns the changes that add a record, or remove it, and leave the other present ones alone. Empty if the record is as desired.
fn updates(
    record: &RecordIntent,
    at: &Name,
    present: &[Record],
    abilities: &Abilities,
) -> Vec<Update> {
    let wanted_ttl = record.ttl.map(|ttl| abilities.ttl(ttl));
    let (rtype, content) = (record.rtype, record.rdata.content(record.rtype));
    let same = present.iter().find(|it| it.rdata.content(rtype) == content);
    let beside = present.first().map(|it| it.ttl);
    let is_as_desired = same.is_some_and(|it| wanted_ttl.is_none_or(|ttl| ttl == it.ttl));
    let is_added = record.presence == Presence::Present && !is_as_desired;
    // To change the TTL, the record is removed and added: Knot ignores an addition of a record that is present. Not
    // so an NS record, which may be the last one of a zone.
    let is_removed = record.presence == Presence::Absent || is_added && rtype != RecordType::NS;
    let removed = same.filter(|_| is_removed).map(|it| Update::Remove {
        owner: at.clone(),
        rtype,
        rdata: it.rdata.clone(),
    });
    let added = is_added.then(|| Update::Add {
        owner: at.clone(),
        rtype,
        ttl: wanted_ttl.or(beside).unwrap_or(TTL_SECONDS),
        rdata: record.rdata.clone(),
    });
    removed.into_iter().chain(added).collect()
}
