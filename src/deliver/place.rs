//! Where an address's PTR records stand: the primary is asked, aliases are followed (RFC 2317), and
//! the zone is the one that encloses the last name.
//!
//! The odd case is a wildcard: the answer for a name that is not there looks like that for one that
//! is. An alias that a wildcard makes up leads all unused addresses to one name, so it is not
//! followed; what a wildcard makes up of PTR records shows by a prerequisite that fails.

use std::net::IpAddr;

use super::outcome::Failure;
use super::reverse::reverse_name;
use super::session::Session;
use super::steps::{authentic, is_denied_to_all};
use crate::model::{Name, Rdata, Record, RecordType, Soa, ZoneName};
use crate::wire::{Rcode, Response};

/// Longest chain of aliases that is followed.
pub(super) const ALIASES_MAX: usize = 8;

/// Where an address's PTR records stand, and which they are.
pub(super) struct Place {
    /// The reverse name, after aliases.
    pub(super) owner: Name,
    /// None where the primary serves no zone for the owner.
    pub(super) zone: Option<ZoneName>,
    /// The host names that the primary answers.
    pub(super) values: Vec<Rdata>,
    /// Their TTL, in seconds.
    pub(super) ttl: Option<u32>,
    /// The owner has an alias that was taken for one that a wildcard makes up.
    pub(super) is_below_alias: bool,
}

/// Which aliases are followed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Follow {
    /// Those that no wildcard makes up.
    Standing,
    /// All.
    All,
}

/// Asks the primary for the PTR records of an address, and for their zone.
pub(super) async fn find(
    session: &mut Session<'_>,
    address: IpAddr,
    follow: Follow,
) -> Result<Place, Failure> {
    let mut place = Place {
        owner: reverse_name(address),
        zone: None,
        values: Vec::new(),
        ttl: None,
        is_below_alias: false,
    };
    for _ in 0..=ALIASES_MAX {
        let Some(response) = ask(session, &place.owner, RecordType::PTR).await? else {
            return Ok(place);
        };
        for record in records(&response, &place.owner, RecordType::PTR) {
            place.values.push(record.rdata.clone());
            place.ttl = Some(record.ttl);
        }
        let target = alias(&response, &place.owner);
        match target {
            Some(target)
                if follow == Follow::All || !is_made_up(session, &place.owner, &target).await? =>
            {
                place.owner = target;
            }
            target => {
                place.is_below_alias = target.is_some();
                let soa = soa_of(session, &place.owner, place.is_below_alias).await?;
                if let Some(soa) = soa.as_ref().filter(|soa| is_built_in(soa)) {
                    let zone = ZoneName::new(&soa.owner);
                    return Err(Failure::BuiltInZone { zone });
                }
                place.zone = soa.map(|soa| ZoneName::new(&soa.owner));
                return Ok(place);
            }
        }
    }
    Err(Failure::AliasesTooMany {
        owner: reverse_name(address),
        rtype: RecordType::PTR,
        limit: ALIASES_MAX,
    })
}

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

/// Whether an SOA is that of one of BIND's built-in empty zones (RFC 6303): its own name as
/// primary, and the root as mailbox.
fn is_built_in(record: &Record) -> bool {
    Soa::from_rdata(&record.rdata).is_ok_and(|soa| soa.rname.is_root() && soa.mname == record.owner)
}
