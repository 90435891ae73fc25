//! Checks the key for updates and the clock of a primary.

use super::context::CheckContext;
use super::report::{Check, Doubt, Fact, Verdict};
use super::update_probe::update_nothing;
use crate::deliver::error::Failure;
use crate::deliver::server::Session;
use crate::deliver::server::query::authentic;
use crate::diagnostic::Software;
use crate::model::{Name, RecordType, ZoneName};
use crate::wire::{Forgery, Rcode, Reply};

/// Largest offset of a clock, in seconds, that needs no warning: signatures fail from 300 on.
const OFFSET_GOOD_SECONDS_MAX: u64 = 60;

/// Checks the key and the clock with one signed query, or with an UPDATE of nothing if the primary answers no queries.
/// Returns their verdicts.
pub(super) async fn check_key(
    session: &mut Session<'_>,
    zones: &[ZoneName],
) -> Result<(Verdict, Verdict), Failure> {
    let primary = session.primary;
    if zones.is_empty() && !primary.abilities.answers_queries() {
        let open = || Verdict::Open(Doubt::NoZone);
        return Ok((open(), open()));
    }
    let reply = reply_about_key(session, zones).await?;
    if let Reply::BadTime { offset_seconds, .. }
    | Reply::Forged(Forgery::Time { offset_seconds, .. }) = reply
    {
        let is_unverified = matches!(reply, Reply::BadTime { verified, .. } if !verified);
        let key = if is_unverified {
            Verdict::Untried(Check::Clock)
        } else {
            // The MAC was verified before the time.
            Verdict::Good(Fact::Plain)
        };
        let clock = CheckContext::new(primary).bad(Failure::BadTime { offset_seconds });
        return Ok((key, clock));
    }
    // PowerDNS: it also signs the response that it does not have a zone.
    if let Reply::Unsigned(rcode) = reply
        && (rcode == Rcode::REFUSED || zones.is_empty() && primary.software() != Software::PowerDns)
    {
        let open = || Verdict::Open(Doubt::Unsigned(rcode));
        return Ok((open(), open()));
    }
    let offset = authentic(reply, session.keys.update.name())?.offset_seconds;
    let fact = Fact::Offset(offset.unwrap_or_default());
    let clock = if offset.is_some_and(|it| it.unsigned_abs() > OFFSET_GOOD_SECONDS_MAX) {
        Verdict::Odd(fact)
    } else {
        Verdict::Good(fact)
    };
    Ok((Verdict::Good(Fact::Plain), clock))
}

/// Returns the apex of the first of these zones, or the root.
pub(super) fn first_name(zones: &[ZoneName]) -> Name {
    zones
        .first()
        .map_or_else(Name::root, |zone| zone.apex().clone())
}

/// Queries the first of these zones. Queries the catalog if that reply shows nothing about the key.
async fn reply_about_key(session: &mut Session<'_>, zones: &[ZoneName]) -> Result<Reply, Failure> {
    let primary = session.primary;
    if !primary.abilities.answers_queries() {
        return update_nothing(session, &ZoneName::new(&first_name(zones))).await;
    }
    let reply = session.query(&first_name(zones), RecordType::SOA).await?;
    // Knot: it checks no key if it does not have the zone, and reports a key as unknown if it knows
    // the key but does not show the zone to it.
    let is_inconclusive = |reply: &Reply| matches!(reply, Reply::Unsigned(_) | Reply::BadKey);
    if is_inconclusive(&reply)
        && let Some(catalog) = &primary.catalog
        && catalog.key.name() == session.keys.update.name()
    {
        let zone = catalog.zone().apex();
        let of_catalog = session.query(zone, RecordType::SOA).await?;
        if !is_inconclusive(&of_catalog) {
            return Ok(of_catalog);
        }
    }
    Ok(reply)
}
