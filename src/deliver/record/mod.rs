//! One record at a name: added or removed exactly, beside others, and nothing else is touched.
//!
//! What is asked for is that it is there, or is gone; so doing it twice, or later, is no harm. The record is not
//! remembered as delivered. Where the name is an alias that may be followed, one step is taken here: the record
//! is placed, or it is said where the alias leads, which may be on another primary.

pub(crate) mod acme;
pub(crate) mod propagation;

use tokio::time::Instant;

use crate::deliver::context::Context;
use crate::deliver::error::Failure;
use crate::deliver::outcome::{Delivered, Done};
use crate::deliver::ownership;
use crate::deliver::policy::Policy;
use crate::deliver::server::query::{
    CNAME_CHAIN_MAX, ask, cname_target, is_applied, is_synthesized, records, soa_of,
};
use crate::deliver::server::{Primary, Session, open};
use crate::deliver::state::StateStore;
use crate::model::{Name, Presence, Rdata, Record, RecordIntent, RecordType, ZoneName};
use crate::plan::{Batch, Prerequisite, Update};

/// How often the change is tried anew because the name changed between question and update, or an answer was
/// lost.
const ATTEMPTS_MAX: u32 = 10;
/// TTL of a record that stands alone where none is given, in seconds: it is gone soon, and the next one shall be
/// seen.
const TTL_SECONDS: u32 = 60;

/// How far a step came.
#[derive(Debug)]
pub enum Reached {
    /// The record is as it shall be.
    Placed(Done),
    /// The name is an alias of this one.
    Alias(Name),
}

/// Where a record stands, or would.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Stands {
    /// At the name that was asked for, in this zone.
    Here(ZoneName),
    /// Where this alias of it leads.
    Behind(Name),
}

/// What is made of an alias at the name of a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum OnCname {
    /// An alias is in the way.
    Refuse,
    /// One that stands there is said to lead on. One that a wildcard makes up gives way to a record of the name's own.
    Follow,
}

/// What is known of where aliases come from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Synthesis {
    /// An alias that says the same as a wildcard beside it is taken to be made up by that.
    Possible,
    /// The primary has shown that the alias of this name stands there, and only says the same as a wildcard.
    RuledOut,
}

/// Adds or removes a record at `at`, its owner or what that is an alias of, unless that is an alias itself.
///
/// # Errors
/// [`Failure`], as [`deliver`](super::deliver()); [`Failure::NoZoneFor`] where the primary has no zone for the name.
pub async fn place_record(
    record: &RecordIntent,
    at: &Name,
    primary: &Primary,
    store: &dyn StateStore,
    policy: &Policy,
    deadline: Instant,
) -> Result<Reached, Failure> {
    policy.permit_name(at, primary.catalog_zone())?;
    let mut session = open(primary, policy.clock, deadline).await?;
    let reached = place(&mut session, record, at, store).await;
    session.release();
    reached
}

/// Finds the zone of a name, or where its alias leads.
///
/// # Errors
/// As [`place_record`].
pub async fn find_record(
    at: &Name,
    primary: &Primary,
    policy: &Policy,
    deadline: Instant,
) -> Result<Stands, Failure> {
    let mut session = open(primary, policy.clock, deadline).await?;
    let (found, _) = stands(&mut session, at, OnCname::Follow, Synthesis::Possible).await?;
    session.release();
    Ok(found)
}

/// The record at its own name, whatever that is an alias of.
pub(crate) async fn deliver_record(
    cx: &mut Context<'_>,
    record: &RecordIntent,
) -> Result<Delivered, Failure> {
    let (session, store) = (&mut cx.session, cx.store);
    let record = RecordIntent {
        follows_aliases: false,
        ..record.clone()
    };
    match place(session, &record, &record.owner, store).await? {
        Reached::Placed(done) => Ok(Delivered::all(done)),
        Reached::Alias(_) => Err(Failure::CnameInTheWay {
            owner: record.owner,
        }),
    }
}

/// One more name behind an alias.
///
/// # Errors
/// [`Failure::CnameChainTooLong`].
pub fn follow(record: &RecordIntent, steps: usize, target: Name) -> Result<Name, Failure> {
    if steps < CNAME_CHAIN_MAX {
        return Ok(target);
    }
    Err(Failure::CnameChainTooLong {
        owner: record.owner.clone(),
        rtype: record.rtype,
        limit: CNAME_CHAIN_MAX,
    })
}

/// A failure at a name that an alias leads to, which is told from one of the `first` primary where it is another's.
pub fn in_context_of_cname(
    failure: Failure,
    owner: &Name,
    primary: &Primary,
    first: &Primary,
) -> Failure {
    if primary.name == first.name || matches!(failure, Failure::DeadlinePassed) {
        return failure;
    }
    Failure::BehindCname {
        owner: owner.clone(),
        primary: primary.name.clone(),
        source: Box::new(failure),
    }
}

/// Where a record stands, and whether a wildcard makes an alias of the name, which gives way to a record of its
/// own.
async fn stands(
    session: &mut Session<'_>,
    at: &Name,
    on_alias: OnCname,
    wildcards: Synthesis,
) -> Result<(Stands, bool), Failure> {
    let no_zone = || Failure::NoZoneFor { owner: at.clone() };
    // Asked for the alias itself, a server does not follow it, and a loop is no fault of its.
    let response = ask(session, at, RecordType::CNAME).await?;
    let target = cname_target(&response.ok_or_else(no_zone)?, at);
    if let Some(target) = &target
        && (wildcards == Synthesis::RuledOut || !is_synthesized(session, at, target).await?)
    {
        return match on_alias {
            OnCname::Follow => Ok((Stands::Behind(target.clone()), false)),
            OnCname::Refuse => Err(Failure::CnameInTheWay { owner: at.clone() }),
        };
    }
    let soa = soa_of(session, at, target.is_some()).await?;
    let zone = ZoneName::new(&soa.ok_or_else(no_zone)?.owner);
    Ok((Stands::Here(zone), target.is_some()))
}

async fn place(
    session: &mut Session<'_>,
    record: &RecordIntent,
    at: &Name,
    store: &dyn StateStore,
) -> Result<Reached, Failure> {
    let on_alias = if record.follows_aliases {
        OnCname::Follow
    } else {
        OnCname::Refuse
    };
    let mut wildcards = Synthesis::Possible;
    // Whether something was sent that has no answer: where nothing is left to do then, it was done.
    let mut is_unanswered = false;
    for attempt in 0..ATTEMPTS_MAX {
        session.pause(attempt).await?;
        let (zone, is_synthesized) = match stands(session, at, on_alias, wildcards).await? {
            (Stands::Behind(target), _) => return Ok(Reached::Alias(target)),
            (Stands::Here(zone), is_synthesized) => (zone, is_synthesized),
        };
        ownership::permit_record(session, &zone, store).await?;
        let response = if is_synthesized {
            None
        } else {
            ask(session, at, record.rtype).await?
        };
        let there = response.iter().flat_map(|it| records(it, at, record.rtype));
        let updates = updates(record, at, &there.collect::<Vec<_>>());
        let done = Done::Record {
            asked: record.owner.clone(),
            owner: at.clone(),
            zone: zone.clone(),
            presence: record.presence,
            is_changed: !updates.is_empty() || is_unanswered,
        };
        if updates.is_empty() {
            return Ok(Reached::Placed(done));
        }
        let batch = Batch {
            zone,
            // Beside an alias the addition would be passed over without a word (RFC 2136 section 3.4.2.2).
            prerequisites: vec![Prerequisite::Absent {
                owner: at.clone(),
                rtype: RecordType::CNAME,
            }],
            updates,
        };
        match session.update(&batch).await {
            Ok(reply) => {
                if is_applied(reply, session.primary.key.name())? {
                    return Ok(Reached::Placed(done));
                }
                // The alias stands there, and not only below a wildcard that says the same.
                wildcards = Synthesis::RuledOut;
                is_unanswered = false;
            }
            // To do it twice does no harm.
            Err(Failure::Unknown { .. }) if attempt + 1 < ATTEMPTS_MAX => is_unanswered = true,
            Err(failure) => return Err(failure),
        }
    }
    Err(Failure::ChangedMeanwhile {
        attempts: ATTEMPTS_MAX,
    })
}

/// What makes a record as it shall be beside those that are there; nothing where it is so.
fn updates(record: &RecordIntent, at: &Name, there: &[&Record]) -> Vec<Update> {
    let content = record.rdata.content(record.rtype);
    let same = there
        .iter()
        .find(|it| it.rdata.content(record.rtype) == content);
    let beside = there.first().map(|it| it.ttl);
    let ttl = record.ttl.or(beside).unwrap_or(TTL_SECONDS);
    let is_as_wanted = same.is_some_and(|it| record.ttl.is_none_or(|ttl| ttl == it.ttl));
    let comes = record.presence == Presence::Present && !is_as_wanted;
    // One that gets another TTL goes and comes back: Knot ignores an addition of what is there. Not so an NS record,
    // which may be the last one of a zone.
    let goes = record.presence == Presence::Gone || comes && record.rtype != RecordType::NS;
    let gone = same.filter(|_| goes);
    let gone = gone.map(|it| remove(at, record.rtype, it.rdata.clone()));
    let added = comes.then(|| add(at, record, ttl));
    gone.into_iter().chain(added).collect()
}

fn add(owner: &Name, record: &RecordIntent, ttl: u32) -> Update {
    Update::Add {
        owner: owner.clone(),
        rtype: record.rtype,
        ttl,
        rdata: record.rdata.clone(),
    }
}

fn remove(owner: &Name, rtype: RecordType, rdata: Rdata) -> Update {
    Update::Remove {
        owner: owner.clone(),
        rtype,
        rdata,
    }
}
