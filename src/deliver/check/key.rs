//! Checks the key for updates and the clock of a primary.

use super::context::{CheckContext, settings_location};
use super::report::{Check, Doubt, Fact, Verdict};
use super::update_probe::update_nothing;
use crate::deliver::error::Failure;
use crate::deliver::server::query::authentic;
use crate::deliver::server::{Session, SigningKeys};
use crate::diagnostic::Software;
use crate::model::{Name, RecordType, ZoneName};
use crate::wire::{Forgery, Key, Rcode, Reply};

/// Largest offset of a clock, in seconds, that needs no warning: signatures fail from 300 on.
const OFFSET_GOOD_SECONDS_MAX: u64 = 60;

/// Checks the key and the clock with one signed query, or with an UPDATE of nothing if the primary answers no queries.
/// Returns their verdicts.
async fn check_key(
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

/// Returns the lists that these are made of, each with one key for updates, and with the same key for transfers if that is
/// among those. Empty if there is one key alone, which needs no other check.
pub(super) fn single_keys(keys: &SigningKeys) -> Vec<SigningKeys> {
    if keys.update.keys().len() == 1 && keys.transfer.keys().len() == 1 {
        return Vec::new();
    }
    let single = |key: &Key| {
        let transfers = keys.transfer.keys();
        let same = transfers.iter().find(|it| it.name() == key.name());
        SigningKeys {
            update: key.clone().into(),
            transfer: same.map_or_else(|| keys.transfer.clone(), |it| it.clone().into()),
        }
    };
    keys.update.keys().iter().map(single).collect()
}

/// Checks the key for updates, or each key of the list. Returns the verdicts on them and on the clock. A key that does not
/// work is no trouble if another one does.
pub(super) async fn check_keys<'a>(
    session: &mut Session<'a>,
    singles: &'a [SigningKeys],
    zones: &[ZoneName],
) -> (Vec<(Check, Verdict)>, Verdict) {
    let all = session.keys;
    let lists = if singles.is_empty() {
        vec![all]
    } else {
        singles.iter().collect()
    };
    let (mut verdicts, mut clock) = (Vec::new(), None);
    for keys in lists {
        session.keys = keys;
        let check = Check::Key(keys.update.name().clone());
        let (key, its_clock) = match check_key(session, zones).await {
            Ok(checked) => checked,
            Err(failure) => {
                let cx = CheckContext::new(session.primary).with_key(keys.update.first());
                // The membership of a zone is not known yet.
                let location = settings_location(session.primary, None);
                let first = zones.first().map(|zone| cx.with_zone(zone, location));
                let bad = first.unwrap_or(cx).bad(failure);
                (bad, Verdict::Untried(check.clone()))
            }
        };
        if clock.is_none() || matches!(key, Verdict::Good(_)) {
            clock = Some(its_clock);
        }
        verdicts.push((check, key));
    }
    session.keys = all;
    if verdicts
        .iter()
        .any(|(_, key)| matches!(key, Verdict::Good(_)))
    {
        let spare = |(check, key)| (check, spare(key));
        verdicts = verdicts.into_iter().map(spare).collect();
    }
    (verdicts, clock.expect("a list has a key"))
}

/// Returns the check that must succeed before the rest can be tried, by the verdicts on the keys and on the clock.
pub(super) fn obstacle(keys: &[(Check, Verdict)], clock: &Verdict) -> Option<Check> {
    match (clock, keys.first()) {
        (Verdict::Bad(_), _) => Some(Check::Clock),
        (_, Some((check, Verdict::Bad(_)))) => Some(check.clone()),
        _ => None,
    }
}

/// Returns the verdict on one key of a list for a zone, by those on transfer and updates with it.
pub(super) fn spare_for_zone((transfer, update): (Verdict, Verdict)) -> Verdict {
    match (spare(transfer), spare(update)) {
        (_, update @ Verdict::Spare(_)) => update,
        (transfer @ Verdict::Spare(_), _) => transfer,
        (_, update) => update,
    }
}

/// Returns the verdict on a key of a list of which another key works.
fn spare(verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Bad(bad) => Verdict::Spare(bad),
        other @ (Verdict::Good(_)
        | Verdict::Odd(_)
        | Verdict::Spare(_)
        | Verdict::Open(_)
        | Verdict::Untried(_)) => other,
    }
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
