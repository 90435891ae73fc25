//! Where an address's PTR records stand: the primary is asked, aliases are followed (RFC 2317), and
//! the zone is the one that encloses the last name.

use std::net::IpAddr;

use super::outcome::Failure;
use super::reverse::reverse_name;
use super::session::Session;
use super::steps::authentic;
use crate::model::{Name, Rdata, Record, RecordType, Soa, ZoneName};
use crate::wire::{Rcode, Response};

/// Longest chain of aliases that is followed.
const ALIASES_MAX: usize = 8;

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
}

/// Asks the primary for the PTR records of an address, and for their zone.
pub(super) async fn find(session: &mut Session<'_>, address: IpAddr) -> Result<Place, Failure> {
    let mut place = Place {
        owner: reverse_name(address),
        zone: None,
        values: Vec::new(),
        ttl: None,
    };
    for _ in 0..=ALIASES_MAX {
        let Some(response) = ask(session, &place.owner, RecordType::PTR).await? else {
            return Ok(place);
        };
        for record in records(&response, &place.owner, RecordType::PTR) {
            place.values.push(record.rdata.clone());
            place.ttl = Some(record.ttl);
        }
        if let Some(target) = alias(&response, &place.owner) {
            place.owner = target;
            continue;
        }
        let response = ask(session, &place.owner, RecordType::SOA).await?;
        let soa = response.and_then(|response| enclosing_soa(&response, &place.owner).cloned());
        if let Some(soa) = soa.as_ref().filter(|soa| is_built_in(soa)) {
            let zone = ZoneName::new(&soa.owner);
            return Err(Failure::BuiltInZone { zone });
        }
        place.zone = soa.map(|soa| ZoneName::new(&soa.owner));
        return Ok(place);
    }
    Err(Failure::AliasesTooMany {
        owner: reverse_name(address),
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
fn alias(response: &Response, owner: &Name) -> Option<Name> {
    let record = records(response, owner, RecordType::CNAME).next();
    record.and_then(|record| record.rdata.to_name())
}

/// Whether an SOA is that of one of BIND's built-in empty zones (RFC 6303): its own name as
/// primary, and the root as mailbox.
fn is_built_in(record: &Record) -> bool {
    Soa::from_rdata(&record.rdata).is_ok_and(|soa| soa.rname.is_root() && soa.mname == record.owner)
}
