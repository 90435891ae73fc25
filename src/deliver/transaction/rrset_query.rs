//! Queries single RRsets of a zone that was changed.

use crate::deliver::error::Failure;
use crate::deliver::server::Session;
use crate::deliver::server::query::{ask, ask_if_served, cname_target};
use crate::model::{Name, Record, RecordType, RrSet};
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
    let values = RrSet::among(&answered, owner, *rtype).rdatas;
    for name in [beside, below].iter().flatten().filter(|it| *it != owner) {
        let response = ask_if_served(session, name, *rtype).await?;
        let given = response.map(|it| RrSet::among(&it.answers, name, *rtype).rdatas);
        if given.unwrap_or_default() != values {
            return Ok(answered);
        }
    }
    Ok(Vec::new())
}
