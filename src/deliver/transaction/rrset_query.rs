//! Queries single RRsets of a zone that was changed.

use crate::deliver::error::Failure;
use crate::deliver::server::Session;
use crate::deliver::server::query::{ask, ask_if_served};
use crate::model::{Name, Record, RecordType, RrSet};
use crate::wire::Response;

/// Asks for an RRset. `None` if the response shows nothing about the name itself.
pub(super) async fn ask_about(
    session: &mut Session<'_>,
    owner: &Name,
    rtype: RecordType,
) -> Result<Option<Response>, Failure> {
    let response = ask(session, owner, rtype).await?;
    Ok(response.filter(|it| it.is_about(owner, rtype)))
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
