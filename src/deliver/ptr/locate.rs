//! Where an address's PTR records stand: the primary is asked, aliases are followed (RFC 2317), and
//! the zone is the one that encloses the last name.
//!
//! The odd case is a wildcard: the answer for a name that is not there looks like that for one that
//! is. An alias that a wildcard makes up leads all unused addresses to one name, so it is not
//! followed; what a wildcard makes up of PTR records shows by a prerequisite that fails.

use std::net::IpAddr;

use crate::deliver::error::Failure;
use crate::deliver::server::Session;
use crate::deliver::server::query::{
    CNAME_CHAIN_MAX, ask, cname_target, is_synthesized, records, soa_of,
};
use crate::model::reverse_name;
use crate::model::{Name, Rdata, Record, RecordType, Soa, ZoneName};

/// Where an address's PTR records stand, and which they are.
pub(crate) struct PtrLocation {
    /// The reverse name, after aliases.
    pub(crate) owner: Name,
    /// None where the primary serves no zone for the owner.
    pub(crate) zone: Option<ZoneName>,
    /// The host names that the primary answers.
    pub(crate) values: Vec<Rdata>,
    /// Their TTL, in seconds.
    pub(crate) ttl: Option<u32>,
    /// The owner has an alias that was taken for one that a wildcard makes up.
    pub(crate) has_synthesized_cname: bool,
}

impl PtrLocation {
    /// Returns an owner of which nothing is known.
    pub(crate) fn of(owner: Name) -> Self {
        Self {
            owner,
            zone: None,
            values: Vec::new(),
            ttl: None,
            has_synthesized_cname: false,
        }
    }
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
) -> Result<PtrLocation, Failure> {
    let mut location = PtrLocation::of(reverse_name(address));
    for _ in 0..=CNAME_CHAIN_MAX {
        let Some(response) = ask(session, &location.owner, RecordType::PTR).await? else {
            return Ok(location);
        };
        for record in records(&response, &location.owner, RecordType::PTR) {
            location.values.push(record.rdata.clone());
            location.ttl = Some(record.ttl);
        }
        let target = cname_target(&response, &location.owner);
        match target {
            Some(target)
                if follow == Follow::All
                    || !is_synthesized(session, &location.owner, &target).await? =>
            {
                location.owner = target;
            }
            target => {
                location.has_synthesized_cname = target.is_some();
                let soa = soa_of(session, &location.owner, location.has_synthesized_cname).await?;
                if let Some(soa) = soa.as_ref().filter(|soa| is_built_in(soa)) {
                    let zone = ZoneName::new(&soa.owner);
                    return Err(Failure::BuiltInZone { zone });
                }
                location.zone = soa.map(|soa| ZoneName::new(&soa.owner));
                return Ok(location);
            }
        }
    }
    Err(Failure::CnameChainTooLong {
        owner: reverse_name(address),
        rtype: RecordType::PTR,
        limit: CNAME_CHAIN_MAX,
    })
}

/// Whether an SOA is that of one of BIND's built-in empty zones (RFC 6303): its own name as
/// primary, and the root as mailbox.
fn is_built_in(record: &Record) -> bool {
    Soa::from_rdata(&record.rdata).is_ok_and(|soa| soa.rname.is_root() && soa.mname == record.owner)
}
