//! Queries single RRsets, and tells what a response shows about the zone that was changed.

use crate::deliver::error::Failure;
use crate::deliver::server::Session;
use crate::deliver::server::query::{ask, cname_target, records};
use crate::model::{Name, Rdata, Record, RecordType, RrSet, ZoneName};
use crate::wire::Response;

/// Queries an RRset.
pub(super) async fn query_set(
    session: &mut Session<'_>,
    owner: &Name,
    rtype: RecordType,
) -> Result<Option<RrSet>, Failure> {
    let response = ask_about(session, owner, rtype).await?;
    Ok(response.map(|response| set_of(&response, owner, rtype)))
}

/// Asks for an RRset. `None` if the response shows nothing about the name itself: below a delegation
/// or a DNAME. A CNAME at the name shows that no other record exists, even if it is synthesized
/// (RFC 1034 section 4.3.2).
pub(super) async fn ask_about(
    session: &mut Session<'_>,
    owner: &Name,
    rtype: RecordType,
) -> Result<Option<Response>, Failure> {
    let response = ask(session, owner, rtype).await?;
    let is_own = |record: &Record| record.owner == *owner && record.rtype == rtype;
    let is_dname = |record: &Record| record.rtype == RecordType::DNAME;
    Ok(response.filter(|response| {
        let mut answers = response.answers.iter();
        answers.clone().all(is_own)
            || cname_target(response, owner).is_some() && !answers.any(is_dname)
    }))
}

/// Returns the RRset of a response.
pub(super) fn set_of(response: &Response, owner: &Name, rtype: RecordType) -> RrSet {
    let own = || records(response, owner, rtype);
    let mut rdatas: Vec<Rdata> = own().map(|record| record.rdata.clone()).collect();
    rdatas.sort();
    RrSet {
        owner: owner.clone(),
        rtype,
        ttl: own().map(|record| record.ttl).min().unwrap_or_default(),
        rdatas,
    }
}

/// Returns whether a response is about a zone of its own below a zone, as its authority section shows.
pub(super) fn is_from_below(response: &Response, owner: &Name, zone: &ZoneName) -> bool {
    response.authorities.iter().any(|record| {
        let is_of_zone = [RecordType::SOA, RecordType::NS].contains(&record.rtype);
        is_of_zone && record.owner.is_below(zone.apex()) && owner.is_at_or_below(&record.owner)
    })
}

/// Returns whether a wildcard above the name has the same data, so that the response may be
/// synthesized (RFC 4592).
pub(super) async fn is_synthesized_by_wildcard(
    session: &mut Session<'_>,
    zone: &ZoneName,
    set: &RrSet,
) -> Result<bool, Failure> {
    let above = set.owner.and_above().skip(1);
    for name in above.take_while(|name| name.is_at_or_below(zone.apex())) {
        if let Ok(wildcard) = name.child(b"*")
            && wildcard != set.owner
            && let Some(response) = query_set(session, &wildcard, set.rtype).await?
            && set.rdatas.iter().any(|rdata| response.contains(rdata))
        {
            return Ok(true);
        }
    }
    Ok(false)
}
