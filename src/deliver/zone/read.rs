//! Reads a zone and what this instance manages in it.

use crate::deliver::context::Context;
use crate::deliver::error::Failure;
use crate::deliver::server::query::{authentic, is_denied_to_all, is_soa_of, takes_updates};
use crate::deliver::server::transfer::{Found, read_zone};
use crate::deliver::server::{Read, Session};
use crate::deliver::state::ZoneState;
use crate::model::{CurrentZone, Record, RecordType, RrSet, RrSets, Soa, ZoneName};
use crate::wire::Rcode;

/// Reads a zone, and loads what this instance manages in it.
pub(crate) async fn read(
    cx: &mut Context<'_>,
    zone: &ZoneName,
) -> Result<(Found, ZoneState), Failure> {
    let (session, store) = (&mut cx.session, cx.store);
    let key = session.zone_key(zone);
    if session.primary.read == Read::State {
        // The SOA comes first: a process that changes the zone after that makes a prerequisite fail, and one
        // that changed it before has said so in the state.
        let mut found = ask_for_zone(session, zone).await?;
        let state = store.load(&key).await?;
        if let Found::Zone(current) = &mut found {
            let asked = std::mem::take(&mut current.records);
            current.records = asked.union(believed(zone, &state));
        }
        return Ok((found, state));
    }
    let begun = store.load(&key);
    let found = read_zone(session, zone).await?;
    if matches!(found, Found::Zone(_)) {
        // A zone that must be created keeps its permit, so that its state still holds then.
        session.yield_permit();
    }
    Ok((found, store.finish_load(&key, begun).await?))
}

/// Reads a zone as [`read`]; a zone that is not there is a failure.
pub(crate) async fn read_present(
    cx: &mut Context<'_>,
    zone: &ZoneName,
) -> Result<(CurrentZone, ZoneState), Failure> {
    let (found, state) = read(cx, zone).await?;
    Ok((found.into_zone()?, state))
}

/// Asks for what can be asked for of a zone: the SOA and the apex NS records.
async fn ask_for_zone(session: &mut Session<'_>, zone: &ZoneName) -> Result<Found, Failure> {
    let answer = session.query(zone.apex(), RecordType::SOA).await?;
    let key = session.primary.key.name();
    if is_denied_to_all(session, &answer, zone.apex(), RecordType::SOA).await? {
        let (rcode, key) = (Rcode::REFUSED, key.clone());
        return Ok(Found::NotShown(Failure::Unsigned { rcode, key }));
    }
    let answer = authentic(answer, key)?;
    if !is_soa_of(&answer, zone) {
        return match answer.rcode {
            rcode @ Rcode::SERVFAIL => Ok(Found::NotLoaded(rcode)),
            Rcode::REFUSED if takes_updates(session, zone).await? => Err(Failure::ZoneHidden),
            _ => Ok(Found::Absent),
        };
    }
    let record = answer.answers.iter().find(|it| it.rtype == RecordType::SOA);
    let record = record.expect("the answer has the zone's SOA");
    let soa = Soa::from_rdata(&record.rdata).map_err(Failure::Soa)?;
    let soa_ttl = record.ttl;
    let answer = session.query(zone.apex(), RecordType::NS).await?;
    let answer = authentic(answer, session.primary.key.name())?;
    let is_ns = |it: &Record| it.rtype == RecordType::NS && it.owner == *zone.apex();
    let ns = answer.answers.into_iter().filter(is_ns);
    Ok(Found::Zone(Box::new(CurrentZone {
        name: zone.clone(),
        soa,
        soa_ttl,
        records: RrSets::from_records(ns),
    })))
}

/// Returns what the zone holds by the state, but for the apex NS records, which were asked for. What may
/// have arrived counts as there, so that it is removed if it must go.
fn believed(zone: &ZoneName, state: &ZoneState) -> RrSets {
    let sets = state.managed.iter();
    RrSets::from_sets(sets.filter(|set| !zone.is_apex_ns(set)).map(|set| {
        let verified = state.verified.get(&set.owner, set.rtype);
        RrSet {
            ttl: verified.map_or(set.ttl, |set| set.ttl),
            ..set.clone()
        }
    }))
}
