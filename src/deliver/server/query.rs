//! Queries a primary about a name: its records, and the zone that it is in.
//!
//! Only a signed response counts; if a primary signs no such response, one that it gives without a key as well.

use tokio::time::Instant;

use super::primary::MARK_TIME;
use super::session::Session;
use crate::deliver::error::Failure;
use crate::model::{Name, Record, RecordType, Soa, ZoneName};
use crate::plan::{Batch, Prerequisite};
use crate::wire::{KeyList, Rcode, Reply, Response};

/// Queries an RRset. `None` if the primary answers without authority over the name.
///
/// # Errors
/// [`Failure`]; one that [`Failure::is_refused_question`] may also mean that the primary has no zone for the name.
pub(crate) async fn ask(
    session: &mut Session<'_>,
    owner: &Name,
    rtype: RecordType,
) -> Result<Option<Response>, Failure> {
    let key = &session.keys.update;
    ask_with(session, owner, rtype, key).await
}

/// Queries an RRset as [`ask`], with the key of its name: it may be in another zone than that of the session.
pub(crate) async fn ask_by_name(
    session: &mut Session<'_>,
    owner: &Name,
    rtype: RecordType,
) -> Result<Option<Response>, Failure> {
    let key = &session.primary.keys_of(owner).update;
    ask_with(session, owner, rtype, key).await
}

async fn ask_with(
    session: &mut Session<'_>,
    owner: &Name,
    rtype: RecordType,
    key: &KeyList,
) -> Result<Option<Response>, Failure> {
    let reply = session.query_with(owner, rtype, Some(key)).await?;
    let response = authentic(reply, key.name())?;
    match response.rcode {
        Rcode::NOERROR | Rcode::NXDOMAIN => Ok(Some(response).filter(|it| it.authoritative)),
        rcode @ (Rcode::REFUSED | Rcode::NOTAUTH) => Err(refused(owner, rcode)),
        _ => Err(unanswered(response)),
    }
}

/// Returns the failure of a question that the primary answers with an error.
pub(crate) fn unanswered(response: Response) -> Failure {
    match response.rcode {
        rcode @ Rcode::NOTIMP => Failure::QueriesUnsupported { rcode },
        rcode => Failure::ServerFailure {
            rcode,
            extended: response.extended_error,
        },
    }
}

/// Queries an RRset as [`ask_by_name`], if nothing depends on why the primary does not answer for the name.
pub(crate) async fn ask_if_served(
    session: &mut Session<'_>,
    owner: &Name,
    rtype: RecordType,
) -> Result<Option<Response>, Failure> {
    match ask_by_name(session, owner, rtype).await {
        Err(failure) if failure.is_refused_question() => Ok(None),
        asked => asked,
    }
}

/// Returns the failure of a question that the primary refuses with a signature.
pub(crate) fn refused(owner: &Name, rcode: Rcode) -> Failure {
    let owner = owner.clone();
    Failure::QuestionRefused { owner, rcode }
}

/// Returns whether prerequisites hold, by an UPDATE that changes nothing.
pub(crate) async fn holds(
    session: &mut Session<'_>,
    zone: &ZoneName,
    prerequisites: Vec<Prerequisite>,
) -> Result<bool, Failure> {
    let batch = Batch {
        zone: zone.clone(),
        prerequisites,
        updates: Vec::new(),
    };
    let key = &session.keys.update;
    let reply = session.update(&batch, key).await?;
    is_applied(reply, zone, key.name())
}

/// Returns whether the primary refuses a query without a signature, and refuses it without a key, too.
/// Knot: does so for a zone that it does not have. If it answers without a key, it refuses the key.
pub(crate) async fn is_denied_to_all(
    session: &mut Session<'_>,
    answer: &Reply,
    name: &Name,
    rtype: RecordType,
) -> Result<bool, Failure> {
    if *answer != Reply::Unsigned(Rcode::REFUSED) {
        return Ok(false);
    }
    let reply = session.query_with(name, rtype, None).await?;
    // A response to an unsigned query has no signature, and an unusable one proves nothing.
    Ok(reply
        .into_response()
        .is_some_and(|response| response.rcode == Rcode::REFUSED))
}

/// Returns whether a zone is there that neither transfers nor queries show: an empty UPDATE of an absent
/// zone is answered NOTAUTH or NOTZONE (RFC 2136 section 3.1.1).
pub(crate) async fn takes_updates(
    session: &mut Session<'_>,
    zone: &ZoneName,
) -> Result<bool, Failure> {
    takes_updates_of(session, zone, &session.keys.update).await
}

/// The same for updates with this key.
pub(crate) async fn takes_updates_of(
    session: &mut Session<'_>,
    zone: &ZoneName,
    key: &KeyList,
) -> Result<bool, Failure> {
    let nothing = Batch {
        zone: zone.clone(),
        prerequisites: Vec::new(),
        updates: Vec::new(),
    };
    let reply = session.update(&nothing, key).await?;
    let answer = authentic(reply, key.name())?;
    Ok(![Rcode::NOTAUTH, Rcode::NOTZONE].contains(&answer.rcode))
}

/// Returns whether the primary has a zone about which it refuses questions. Remembers an absent zone for 30 seconds.
pub(crate) async fn refuses_questions(
    session: &mut Session<'_>,
    zone: &ZoneName,
) -> Result<bool, Failure> {
    // Only one session asks at a time, and may need the permit and connection of this one.
    session.yield_permit();
    let mut absent = session.primary.pool.absent.lock().await;
    absent.retain(|_, seen| seen.elapsed() < MARK_TIME);
    let key = &session.primary.keys_of(zone.apex()).update;
    let is_there = !absent.contains_key(zone) && takes_updates_of(session, zone, key).await?;
    if !is_there {
        absent.entry(zone.clone()).or_insert_with(Instant::now);
    }
    Ok(is_there)
}

/// Returns the response if it is authentic.
pub(crate) fn authentic(reply: Reply, key: &Name) -> Result<Response, Failure> {
    let key = key.clone();
    Err(match reply {
        Reply::Authentic(response) => return Ok(response),
        Reply::BadKey => Failure::BadKey { key },
        Reply::BadSig => Failure::BadSig { key },
        Reply::BadTime { offset_seconds, .. } => Failure::BadTime { offset_seconds },
        Reply::BadTrunc => Failure::BadTrunc { key },
        Reply::Unsigned(rcode) => Failure::Unsigned { rcode, key },
        Reply::Forged(forgery) => Failure::Forged(forgery),
        Reply::Malformed(reason) => Failure::Malformed(reason),
    })
}

/// Returns the SOA that the primary serves, with its TTL. `None` if it serves none.
pub(crate) async fn served_soa(
    session: &mut Session<'_>,
    zone: &ZoneName,
) -> Result<Option<(Soa, u32)>, Failure> {
    let answer = session.query(zone.apex(), RecordType::SOA).await?;
    let answer = authentic(answer, session.keys.update.name())?;
    let read = |it: &Record| Ok((Soa::from_rdata(&it.rdata).map_err(Failure::Soa)?, it.ttl));
    soa_of(&answer, zone)?.map(read).transpose()
}

/// Returns the SOA record of a zone that the primary serves. One of its own is a failure.
pub(crate) fn soa_of<'a>(
    response: &'a Response,
    zone: &ZoneName,
) -> Result<Option<&'a Record>, Failure> {
    let is_soa = |it: &&Record| it.rtype == RecordType::SOA && it.owner == *zone.apex();
    let soa = response.answers.iter().find(is_soa);
    match soa.filter(|_| response.authoritative) {
        Some(soa) if Soa::is_built_in(soa) => Err(Failure::BuiltInZone { zone: zone.clone() }),
        soa => Ok(soa),
    }
}

/// Returns whether an UPDATE was applied; `false` if a prerequisite failed.
///
/// # Errors
/// [`Failure`] if the primary refused the UPDATE, or the response is not to be trusted.
pub(crate) fn is_applied(reply: Reply, zone: &ZoneName, key: &Name) -> Result<bool, Failure> {
    let Response {
        rcode,
        extended_error: extended,
        ..
    } = authentic(reply, key)?;
    match rcode {
        Rcode::NOERROR => Ok(true),
        Rcode::NXDOMAIN | Rcode::YXDOMAIN | Rcode::YXRRSET | Rcode::NXRRSET => Ok(false),
        Rcode::SERVFAIL => Err(Failure::ServerFailure { rcode, extended }),
        _ => Err(Failure::UpdateRefused {
            rcode,
            extended,
            zone: zone.clone(),
            key: key.clone(),
        }),
    }
}
