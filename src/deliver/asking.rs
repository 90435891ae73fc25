//! Questions to a primary about a name, and what their answers tell: the records there, where an alias leads, and the
//! zone that the name is in.
//!
//! Only what is signed is believed, or what everybody is told alike where a primary signs no such answer. The odd case
//! is a wildcard: the answer for a name that is not there looks like that for one that is.

use super::outcome::Failure;
use super::session::Session;
use super::steps::{authentic, is_denied_to_all};
use crate::model::{Name, Record, RecordType};
use crate::wire::{Rcode, Response};

/// One question; nothing where the primary has no authority over the name.
pub(super) async fn ask(
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

/// The SOA of the zone that a name is in, as the answer about the name shows it: as the answer at an
/// apex, else in the authority section (RFC 2308 section 3).
pub(super) fn enclosing_soa<'a>(response: &'a Response, owner: &Name) -> Option<&'a Record> {
    let mut records = response.answers.iter().chain(&response.authorities);
    records.find(|record| record.rtype == RecordType::SOA && owner.is_at_or_below(&record.owner))
}

/// The records of an answer that stand at the name that was asked for.
pub(super) fn records<'a>(
    response: &'a Response,
    owner: &Name,
    rtype: RecordType,
) -> impl Iterator<Item = &'a Record> {
    let answers = response.answers.iter();
    answers.filter(move |record| record.owner == *owner && record.rtype == rtype)
}

/// Where the name leads as an alias.
pub(super) fn alias(response: &Response, owner: &Name) -> Option<Name> {
    let record = records(response, owner, RecordType::CNAME).next();
    record.and_then(|record| record.rdata.to_name())
}

/// Whether a wildcard makes up the alias (RFC 4592): it would then make up the same beside it. An
/// alias that says the same as the wildcard looks like that, too.
pub(super) async fn is_made_up(
    session: &mut Session<'_>,
    owner: &Name,
    target: &Name,
) -> Result<bool, Failure> {
    let Some(Ok(beside)) = owner.parent().map(|parent| parent.child(b"*")) else {
        return Ok(false);
    };
    let response = ask(session, &beside, RecordType::CNAME).await?;
    Ok(response.is_some_and(|response| alias(&response, &beside).as_ref() == Some(target)))
}

/// The SOA of the zone that a name is in, which may have an alias that a wildcard makes up.
pub(super) async fn soa_of(
    session: &mut Session<'_>,
    owner: &Name,
    is_below_alias: bool,
) -> Result<Option<Record>, Failure> {
    let mut name = Some(owner.clone());
    if is_below_alias {
        // What is asked there is answered for the alias's target; the apex at last answers for itself.
        name = owner.parent();
    }
    while let Some(here) = name {
        let Some(response) = ask(session, &here, RecordType::SOA).await? else {
            return Ok(None);
        };
        let soa = enclosing_soa(&response, owner);
        if soa.is_some() || !is_below_alias {
            return Ok(soa.cloned());
        }
        name = here.parent();
    }
    Ok(None)
}
