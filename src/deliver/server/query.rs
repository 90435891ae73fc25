//! Queries a primary about a name: its records, and the zone that it is in.
//!
//! Only a signed response counts; if a primary signs no such response, one that it gives without a
//! key as well.

use super::session::Session;
use crate::deliver::error::Failure;
use crate::model::{Name, Record, RecordType, Soa, ZoneName};
use crate::plan::Batch;
use crate::wire::{Rcode, Reply, Response};

/// Queries an RRset. `None` if the primary has no authority over the name.
pub(crate) async fn ask(
    session: &mut Session<'_>,
    owner: &Name,
    rtype: RecordType,
) -> Result<Option<Response>, Failure> {
    let reply = session.query(owner, rtype).await?;
    if is_denied_to_all(session, &reply, owner, rtype).await? {
        return Ok(None);
    }
    let response = authentic(reply, session.primary.key.name())?;
    match response.rcode {
        Rcode::NOERROR | Rcode::NXDOMAIN if response.authoritative => Ok(Some(response)),
        Rcode::NOERROR | Rcode::NXDOMAIN | Rcode::REFUSED | Rcode::NOTAUTH => Ok(None),
        rcode => Err(Failure::ServerFailure {
            rcode,
            extended: response.extended_error,
        }),
    }
}

/// Returns the SOA of the zone that a name is in: the answer at an apex, else a record of the
/// authority section (RFC 2308 section 3).
pub(crate) fn enclosing_soa<'a>(response: &'a Response, owner: &Name) -> Option<&'a Record> {
    let mut records = response.answers.iter().chain(&response.authorities);
    records.find(|record| record.rtype == RecordType::SOA && owner.is_at_or_below(&record.owner))
}

/// Returns the answers of the queried name and type.
pub(crate) fn records<'a>(
    response: &'a Response,
    owner: &Name,
    rtype: RecordType,
) -> impl Iterator<Item = &'a Record> {
    let answers = response.answers.iter();
    answers.filter(move |record| record.owner == *owner && record.rtype == rtype)
}

/// Returns the CNAME target of the name.
pub(crate) fn cname_target(response: &Response, owner: &Name) -> Option<Name> {
    let record = records(response, owner, RecordType::CNAME).next();
    record.and_then(|record| record.rdata.to_name())
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
    let nothing = Batch {
        zone: zone.clone(),
        prerequisites: Vec::new(),
        updates: Vec::new(),
    };
    let reply = session.update(&nothing, &session.primary.key).await?;
    if let Reply::Unsigned(_) = reply {
        return Ok(false);
    }
    let answer = authentic(reply, session.primary.key.name())?;
    Ok(![Rcode::NOTAUTH, Rcode::NOTZONE].contains(&answer.rcode))
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
    let answer = authentic(answer, session.primary.key.name())?;
    let mut records = answer.answers.iter();
    let Some(record) = records.find(|record| record.rtype == RecordType::SOA) else {
        return Ok(None);
    };
    let soa = Soa::from_rdata(&record.rdata).map_err(Failure::Soa)?;
    Ok(Some((soa, record.ttl)))
}

/// How a primary answers for a name at this moment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Serving {
    /// It serves a zone of that name.
    Yes,
    /// It has such a zone, which is not loaded.
    NotLoaded,
    /// It has no such zone; unauthenticated if the primary signs no such response.
    No,
    /// It refuses the key. Knot: also while it creates or drops a zone.
    KeyDenied,
}

/// Queries how the primary answers for a name at this moment.
pub(crate) async fn serving(
    session: &mut Session<'_>,
    zone: &ZoneName,
) -> Result<Serving, Failure> {
    let answer = session.query(zone.apex(), RecordType::SOA).await?;
    if answer == Reply::BadKey {
        return Ok(Serving::KeyDenied);
    }
    let rcode = if let Reply::Unsigned(rcode) = answer {
        rcode
    } else {
        let answer = authentic(answer, session.primary.key.name())?;
        if is_soa_of(&answer, zone) {
            return Ok(Serving::Yes);
        }
        answer.rcode
    };
    Ok(if rcode == Rcode::SERVFAIL {
        Serving::NotLoaded
    } else {
        Serving::No
    })
}

pub(crate) fn is_soa_of(response: &Response, zone: &ZoneName) -> bool {
    let mut answers = response.answers.iter();
    response.authoritative
        && answers.any(|record| record.rtype == RecordType::SOA && record.owner == *zone.apex())
}

/// Returns whether an UPDATE was applied; `false` if a prerequisite failed.
///
/// # Errors
/// [`Failure`] if the primary refused the UPDATE, or the response is not to be trusted.
pub(crate) fn is_applied(reply: Reply, key: &Name) -> Result<bool, Failure> {
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
            key: key.clone(),
        }),
    }
}
