//! Sets the apex NS records of zones whose name servers the operator names.

use std::borrow::Cow;

use super::update::ensure_zone;
use crate::deliver::context::Context;
use crate::deliver::error::Failure;
use crate::deliver::outcome::Delivered;
use crate::model::{
    DesiredSoa, DesiredZone, Name, Rdata, RecordType, RrSet, RrSets, ZoneName, ZoneSource,
};
use crate::plan::InitialZoneError;

/// TTL of apex NS records if the payload gives none, in seconds.
pub(crate) const NS_TTL: u32 = 86_400;

/// Returns the zone with the configured name servers at its apex, or unchanged if there are none.
pub(crate) fn with_nameservers<'a>(
    desired: &'a DesiredZone,
    nameservers: &[Name],
) -> Cow<'a, DesiredZone> {
    if nameservers.is_empty() {
        return Cow::Borrowed(desired);
    }
    let apex = desired.name.apex();
    let payload_set = desired.records.get(apex, RecordType::NS);
    let ttl = payload_set
        .map(|set| set.ttl)
        .or(desired.soa.ttl)
        .unwrap_or(NS_TTL);
    let others = desired
        .records
        .iter()
        .filter(|set| !desired.name.is_apex_ns(set))
        .cloned();
    let records = RrSets::from_sets(others.chain([ns_set(&desired.name, ttl, nameservers)]));
    Cow::Owned(DesiredZone {
        records,
        ..desired.clone()
    })
}

/// Creates a zone with an SOA and these name servers, or those of the primary if none are given. Changes
/// nothing in a zone that is there.
pub(crate) async fn create_zone(
    cx: &mut Context<'_>,
    name: &ZoneName,
    nameservers: &[Name],
) -> Result<Delivered, Failure> {
    let given = [nameservers, &cx.session.primary.nameservers]
        .into_iter()
        .find(|it| !it.is_empty());
    let desired = DesiredZone {
        name: name.clone(),
        soa: DesiredSoa::default(),
        records: RrSets::from_sets(given.map(|given| ns_set(name, NS_TTL, given))),
        source: ZoneSource::Call,
    };
    match ensure_zone(cx, &desired).await {
        Err(Failure::InitialZone(InitialZoneError::NoApexNs { zone })) => {
            Err(Failure::NoNameservers { zone })
        }
        created => created,
    }
}

/// Returns the apex NS RRset of a zone.
pub(crate) fn ns_set(zone: &ZoneName, ttl: u32, nameservers: &[Name]) -> RrSet {
    let mut rdatas: Vec<Rdata> = nameservers.iter().map(Rdata::from_name).collect();
    rdatas.sort();
    RrSet {
        owner: zone.apex().clone(),
        rtype: RecordType::NS,
        ttl,
        rdatas,
    }
}
