//! Where an address's PTR records stand: the primary is asked, aliases are followed (RFC 2317), and
//! the zone is the one that encloses the last name.
//!
//! The odd case is a wildcard: the answer for a name that is not there looks like that for one that
//! is. An alias that a wildcard makes up leads all unused addresses to one name, so it is not
//! followed; what a wildcard makes up of PTR records shows by a prerequisite that fails.

use std::net::IpAddr;

use crate::deliver::error::Failure;
use crate::deliver::server::Session;
use crate::deliver::server::query::{ALIASES_MAX, alias, ask, is_made_up, records, soa_of};
use crate::model::reverse_name;
use crate::model::{Name, Rdata, Record, RecordType, Soa, ZoneName};

/// Where an address's PTR records stand, and which they are.
pub(crate) struct Place {
    /// The reverse name, after aliases.
    pub(crate) owner: Name,
    /// None where the primary serves no zone for the owner.
    pub(crate) zone: Option<ZoneName>,
    /// The host names that the primary answers.
    pub(crate) values: Vec<Rdata>,
    /// Their TTL, in seconds.
    pub(crate) ttl: Option<u32>,
    /// The owner has an alias that was taken for one that a wildcard makes up.
    pub(crate) is_below_alias: bool,
}

/// Which aliases are followed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Follow {
    /// Those that no wildcard makes up.
    Standing,
    /// All.
    All,
}

/// Asks the primary for the PTR records of an address, and for their zone.
pub(crate) async fn find(
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

/// Whether an SOA is that of one of BIND's built-in empty zones (RFC 6303): its own name as
/// primary, and the root as mailbox.
fn is_built_in(record: &Record) -> bool {
    Soa::from_rdata(&record.rdata).is_ok_and(|soa| soa.rname.is_root() && soa.mname == record.owner)
}
