//! Creates zones whose name servers the operator names.

use super::read::read;
use super::update::ensure_zone;
use crate::deliver::context::Context;
use crate::deliver::error::Failure;
use crate::deliver::outcome::{Delivered, Done};
use crate::deliver::server::transfer::Found;
use crate::model::{
    DesiredSoa, DesiredZone, NS_TTL, Name, RejectedRecords, RrSets, Trust, ZoneName, ZoneSource,
};
use crate::plan::InitialZoneError;

/// Creates a zone with an SOA and these name servers, or those of the primary if none are given. Changes
/// nothing in a zone that is there.
pub(crate) async fn create_zone(
    cx: &mut Context<'_>,
    name: &ZoneName,
    nameservers: &[Name],
) -> Result<Delivered, Failure> {
    if !cx.session.abilities.answers_queries() {
        return Err(Failure::NothingShown);
    }
    let given = [nameservers, &cx.session.primary.nameservers]
        .into_iter()
        .find(|it| !it.is_empty());
    let desired = DesiredZone {
        name: name.clone(),
        soa: DesiredSoa::default(),
        records: RrSets::from_sets(given.map(|given| name.ns_set(NS_TTL, given))),
        rejected: RejectedRecords::default(),
        source: ZoneSource::Call,
        trust: Trust::Operator,
    };
    match ensure_zone(cx, &desired).await {
        Err(Failure::InitialZone(InitialZoneError::NoApexNs { zone })) => {
            match read(cx, &zone).await?.0 {
                // It needs no name servers, even if an instance of this name began to create it.
                Found::Zone(_) => Ok(Delivered::all(Done::Unchanged)),
                Found::NotLoaded(rcode) => Err(Failure::ZoneNotLoaded { rcode, zone }),
                Found::Absent | Found::NotShown(_) => Err(Failure::NoNameservers { zone }),
            }
        }
        created => created,
    }
}
