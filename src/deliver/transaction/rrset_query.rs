//! Queries single RRsets, and tells what a response shows about the zone that was changed.

use crate::deliver::error::Failure;
use crate::deliver::server::Session;
use crate::deliver::server::query::{ask, ask_if_served, cname_target};
use crate::model::{Name, Rdata, Record, RecordType, RrSet, ZoneName};
use crate::wire::Response;

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

/// Returns the RRset among the answers to a query.
pub(super) fn set_of(answers: &[Record], owner: &Name, rtype: RecordType) -> RrSet {
    let is_of = |it: &&Record| it.owner == *owner && it.rtype == rtype;
    let own = || answers.iter().filter(is_of);
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

/// Returns the records of an answered RRset that are the name's own: none if a wildcard gives them (RFC 4592). It then
/// gives the same ones beside the name and below it, where it would not reach if the name existed.
pub(crate) async fn own_records(
    session: &mut Session<'_>,
    answered: Vec<Record>,
) -> Result<Vec<Record>, Failure> {
    let Some(Record { owner, rtype, .. }) = answered.first() else {
        return Ok(answered);
    };
    let beside = owner.parent().and_then(|parent| parent.child(b"*").ok());
    let below = owner.child(b"nsbridge-check").ok();
    let values = set_of(&answered, owner, *rtype).rdatas;
    for name in [beside, below].iter().flatten().filter(|it| *it != owner) {
        let response = ask_if_served(session, name, *rtype).await?;
        let given = response.map_or(Vec::new(), |it| set_of(&it.answers, name, *rtype).rdatas);
        if given != values {
            return Ok(answered);
        }
    }
    Ok(Vec::new())
}
