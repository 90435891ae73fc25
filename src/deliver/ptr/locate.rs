//! Locates the PTR records of an address: the primary is queried, CNAMEs are followed (RFC 2317), and
//! the zone is the one that encloses the last name.
//!
//! A wildcard may synthesize PTR records (RFC 4592), which a failed prerequisite shows.

use std::net::IpAddr;

use crate::deliver::context::Context;
use crate::deliver::error::Failure;
use crate::deliver::route::cname::{Chain, Follow, Reached, look};
use crate::deliver::server::Session;
use crate::deliver::server::query::ask;
use crate::deliver::transaction::probe::confirm_no_zone;
use crate::model::{
    Name, Presence, PtrIntent, Rdata, Record, RecordType, Soa, ZoneName, reverse_name,
};

/// The PTR records of an address, and their location.
pub(crate) struct PtrLocation {
    /// The reverse name, after CNAMEs.
    pub(crate) owner: Name,
    /// `None` if the primary serves no zone for the owner.
    pub(crate) zone: Option<ZoneName>,
    pub(crate) records: Vec<Record>,
    /// A wildcard seems to synthesize a CNAME at the owner.
    pub(crate) has_synthesized_cname: bool,
    /// The refusal of the question about the owner, which may mean that the primary has no zone for it.
    pub(crate) refusal: Option<Failure>,
}

impl PtrLocation {
    /// Returns the location of an owner without PTR records, in no zone.
    pub(crate) fn of(owner: Name) -> Self {
        Self {
            owner,
            zone: None,
            records: Vec::new(),
            has_synthesized_cname: false,
            refusal: None,
        }
    }
}

/// Queries the PTR records of an address, and their zone.
pub(crate) async fn find(
    session: &mut Session<'_>,
    address: IpAddr,
    follow: Follow,
) -> Result<PtrLocation, Failure> {
    let mut chain = Chain::new(reverse_name(address), RecordType::PTR);
    loop {
        let here = match look(session, &chain.at, RecordType::PTR, follow).await {
            Ok(Reached::Cname(target)) => {
                chain.follow(target)?;
                continue;
            }
            Ok(Reached::Here(Some(here))) => here,
            Ok(Reached::Here(None)) => return Ok(PtrLocation::of(chain.at)),
            Err(refusal) if refusal.is_refused_question() => {
                return Ok(PtrLocation {
                    refusal: Some(refusal),
                    ..PtrLocation::of(chain.at)
                });
            }
            Err(failure) => return Err(failure),
        };
        let mut zone = None;
        if let Some(soa) = here.soa {
            let enclosing = ZoneName::new(&soa.owner);
            if Soa::is_built_in(&soa) {
                return Err(Failure::BuiltInZone { zone: enclosing });
            }
            zone = Some(enclosing);
        }
        let found = here.response.records(&chain.at, RecordType::PTR);
        return Ok(PtrLocation {
            zone,
            records: found.cloned().collect(),
            has_synthesized_cname: here.has_synthesized_cname,
            refusal: None,
            owner: chain.at,
        });
    }
}

/// Returns the location of the PTR records at a primary that answers no queries, with those that this instance has sent.
/// The value of the intent counts as what it is not to be: so it is sent. The zone is the implied one if no other is known.
///
/// # Errors
/// [`Failure::CnameInTheWay`] if a CNAME is at the reverse name: nothing shows where it leads.
pub(crate) async fn recall(
    cx: &Context<'_>,
    intent: &PtrIntent,
    implied: &ZoneName,
    has_cname: bool,
) -> Result<PtrLocation, Failure> {
    let owner = reverse_name(intent.address);
    if has_cname {
        return Err(Failure::CnameInTheWay { owner });
    }
    let zone = match cx.zone_of(&owner).await {
        Err(Failure::ZoneUnknown { .. }) => implied.clone(),
        zone => zone?,
    };
    let (rtype, ttl) = (RecordType::PTR, cx.policy.ptr.ttl);
    let mut records = cx.sent(&zone, &owner, rtype, ttl).await?;
    let rdata = Rdata::from_name(&intent.hostname);
    records.retain(|it| it.rdata != rdata);
    if intent.presence == Presence::Absent {
        records.push(Record {
            owner: owner.clone(),
            rtype,
            ttl,
            rdata,
        });
    }
    Ok(PtrLocation {
        zone: Some(zone),
        records,
        ..PtrLocation::of(owner)
    })
}

/// Returns the zone of the primary that a name is in. A built-in empty zone, which has no records to read, is none.
pub(crate) async fn enclosing_zone(
    cx: &mut Context<'_>,
    name: &Name,
) -> Result<Option<ZoneName>, Failure> {
    if !cx.session.abilities.answers_queries() {
        return match cx.zone_of(name).await {
            Err(Failure::ZoneUnknown { .. }) => Ok(None),
            zone => zone.map(Some),
        };
    }
    let response = match ask(&mut cx.session, name, RecordType::SOA).await {
        Err(refusal @ Failure::QuestionRefused { .. }) => {
            confirm_no_zone(&mut cx.session, name, refusal).await?;
            None
        }
        Err(refusal) if refusal.is_refused_question() => None,
        asked => asked?,
    };
    let soa = response.and_then(|response| response.enclosing_soa(name).cloned());
    let soa = soa.filter(|soa| !Soa::is_built_in(soa));
    Ok(soa.map(|soa| ZoneName::new(&soa.owner)))
}
