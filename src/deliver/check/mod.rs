//! Checks whether deliveries to a primary can succeed. It must never change anything there, but for
//! a zone of its own that it creates and deletes if the operator asks for that.
//!
//! Each check needs some before it. One that cannot be tried is reported as untried, so that every
//! check is in the result whatever happens. The provisioner is checked at the same time as the
//! rest, since it has a connection of its own.

mod context;
mod create_probe;
mod remedy;
mod report;
mod update_probe;

use futures_util::future::join;
use tokio::time::Instant;

use crate::deliver::error::Failure;
use crate::deliver::server::query::authentic;
use crate::deliver::server::transfer::{Found, read_zone};
use crate::deliver::server::{Catalog, Primary, Provisioning, Read, Session, open};
use crate::model::{Name, RecordType, ZoneName};
use crate::plan::Membership;
use crate::provision::{Provisioner, Software, Subject};
use crate::wire::{Forgery, Rcode, Reply};
use context::{CheckContext, software};
use create_probe::{check_mark, check_marks, check_provisioner, create_and_delete_by_catalog};
use remedy::SettingsLocation;
use update_probe::{check_updates, try_update};

use report::{Check, Doubt, Trouble};
pub(crate) use report::{CheckSettings, Checked, Fact, Verdict};

/// Largest offset of a clock, in seconds, that needs no warning: signatures fail from 300 on.
const OFFSET_GOOD_SECONDS_MAX: u64 = 60;

/// Checks a primary and these zones of it.
pub(crate) async fn check(
    primary: &Primary,
    zones: &[ZoneName],
    settings: &CheckSettings,
    deadline: Instant,
) -> Vec<Checked> {
    let dns = check_dns(primary, zones, settings, deadline);
    let Some(Provisioning::Provisioner(provisioner)) = &primary.provisioning else {
        return dns.await;
    };
    let provisioner_checks = check_provisioner(primary, provisioner, settings, deadline);
    let (mut checked, of_provisioner) = join(dns, provisioner_checks).await;
    let is_reachable = of_provisioner.iter().any(|it| {
        it.check == Check::Provision(Subject::Channel) && matches!(it.verdict, Verdict::Good(_))
    });
    checked.extend(of_provisioner);
    if primary.catalog.is_none() && provisioner.marks_zones() {
        checked.extend(check_marks(primary, zones, settings, is_reachable, deadline).await);
    }
    checked
}

/// Checks everything that needs only DNS.
async fn check_dns(
    primary: &Primary,
    zones: &[ZoneName],
    settings: &CheckSettings,
    deadline: Instant,
) -> Vec<Checked> {
    let key = Check::Key(primary.key.name().clone());
    let mut checked = Vec::new();
    let mut add = |check, verdict| checked.push(Checked { check, verdict });
    let connected = async {
        let mut session = open(primary, settings.clock, deadline).await?;
        let peer = session.try_connecting().await?;
        Ok::<_, Failure>((session, peer))
    };
    let cx = CheckContext::new(primary);
    let (mut session, peer) = match connected.await {
        Ok(connected) => connected,
        Err(failure) => {
            add(Check::Reachable, cx.bad(failure));
            add(key, Verdict::Untried(Check::Reachable));
            add(Check::Clock, Verdict::Untried(Check::Reachable));
            for check in zone_checks(primary, zones, settings) {
                add(check, Verdict::Untried(Check::Reachable));
            }
            return checked;
        }
    };
    add(Check::Reachable, Verdict::Good(Fact::Connected(peer)));
    let key_verdicts = match check_key(&mut session, zones).await {
        Ok(key_verdicts) => key_verdicts,
        Err(failure) => KeyVerdicts {
            key: with_first_zone(cx, zones).bad(failure),
            clock: Verdict::Untried(key.clone()),
            obstacle: Some(key.clone()),
        },
    };
    let is_key_known = matches!(key_verdicts.key, Verdict::Good(_));
    add(key, key_verdicts.key);
    add(Check::Clock, key_verdicts.clock);
    if let Some(obstacle) = key_verdicts.obstacle {
        for check in zone_checks(primary, zones, settings) {
            add(check, Verdict::Untried(obstacle.clone()));
        }
        return checked;
    }
    let cx = cx.with_known_key(is_key_known);
    if zones.is_empty() {
        add(Check::Transfer(None), transfers_without_zone(primary));
        add(Check::Update(None), Verdict::Open(Doubt::NoZone));
    }
    // Before the zones, since their membership shows where their settings are.
    let catalog = match &primary.catalog {
        Some(catalog) => Some(check_catalog(&mut session, &cx, catalog, zones, settings).await),
        None => None,
    };
    for (index, zone) in zones.iter().enumerate() {
        let location = catalog
            .as_ref()
            .map_or(SettingsLocation::Section, |it| it.locations[index]);
        let cx = cx.with_zone(zone, location);
        let (transfer, update) = check_zone(&mut session, &cx, zone).await;
        add(Check::Transfer(Some(zone.clone())), transfer);
        add(Check::Update(Some(zone.clone())), update);
    }
    if let (Some(catalog), Some(verdicts)) = (&primary.catalog, catalog) {
        let may_list = matches!(verdicts.update, Verdict::Good(_));
        for (check, verdict) in verdicts.into_checks(catalog, zones) {
            add(check, verdict);
        }
        if is_creation_tried(primary, settings) {
            let creation = if may_list {
                create_and_delete_by_catalog(&mut session, &cx, catalog, settings).await
            } else {
                Verdict::Untried(Check::Members(catalog.zone().clone()))
            };
            add(Check::Provision(Subject::Creation), creation);
        }
    }
    session.release();
    checked
}

/// Adds the first of these zones to a context. Its membership is not known.
fn with_first_zone<'a>(cx: CheckContext<'a>, zones: &'a [ZoneName]) -> CheckContext<'a> {
    let location = match cx.primary.provisioning {
        Some(Provisioning::Catalog { .. }) => SettingsLocation::Either,
        Some(Provisioning::Provisioner(_)) | None => SettingsLocation::Section,
    };
    let first = zones.first();
    first.map_or(cx, |zone| cx.with_zone(zone, location))
}

/// Returns the checks of zones, the catalog and creation, in the order of the result.
fn zone_checks(primary: &Primary, zones: &[ZoneName], settings: &CheckSettings) -> Vec<Check> {
    let both = |zone: Option<ZoneName>| [Check::Transfer(zone.clone()), Check::Update(zone)];
    let mut checks: Vec<Check> = if zones.is_empty() {
        both(None).into()
    } else {
        zones.iter().cloned().map(Some).flat_map(both).collect()
    };
    if let Some(catalog) = &primary.catalog {
        let zone = catalog.zone();
        checks.extend([Check::Catalog(zone.clone()), Check::Members(zone.clone())]);
        checks.extend(zones.iter().cloned().map(Check::Ownership));
        if is_creation_tried(primary, settings) {
            checks.push(Check::Provision(Subject::Creation));
        }
    }
    checks
}

/// Returns whether to create a zone through the catalog. [`check_provisioner`] covers other ways.
fn is_creation_tried(primary: &Primary, settings: &CheckSettings) -> bool {
    settings.create && matches!(primary.provisioning, Some(Provisioning::Catalog { .. }))
}

/// The verdicts on a catalog and on the ownership of zones.
struct CatalogVerdicts {
    contents: Verdict,
    update: Verdict,
    owners: Vec<Verdict>,
    locations: Vec<SettingsLocation>,
}

impl CatalogVerdicts {
    fn into_checks(
        self,
        catalog: &Catalog,
        zones: &[ZoneName],
    ) -> impl Iterator<Item = (Check, Verdict)> {
        let zone = catalog.zone();
        let of_catalog = [
            (Check::Catalog(zone.clone()), self.contents),
            (Check::Members(zone.clone()), self.update),
        ];
        let owners = zones.iter().cloned().map(Check::Ownership).zip(self.owners);
        of_catalog.into_iter().chain(owners)
    }
}

/// Checks the contents of the catalog and the right to add members, and the ownership of zones.
async fn check_catalog(
    session: &mut Session<'_>,
    cx: &CheckContext<'_>,
    catalog: &Catalog,
    zones: &[ZoneName],
    settings: &CheckSettings,
) -> CatalogVerdicts {
    let cx = cx
        .with_zone(catalog.zone(), SettingsLocation::Section)
        .with_key(&catalog.key);
    let contents = match catalog.census(session).await {
        Ok(_) if is_producer(session, catalog.zone()).await => cx.bad(catalog.not_shown()),
        Ok(census) if census.problems.is_empty() => Verdict::Good(Fact::Members(census)),
        Ok(census) => Verdict::Odd(Fact::Members(census)),
        Err(failure) => {
            let untried = || Verdict::Untried(Check::Catalog(catalog.zone().clone()));
            return CatalogVerdicts {
                contents: cx.bad(cx.refused_transfer(failure)),
                update: untried(),
                owners: zones.iter().map(|_| untried()).collect(),
                locations: vec![SettingsLocation::Either; zones.len()],
            };
        }
    };
    let below = catalog.zone().apex().child(b"zones");
    let below = below.expect("a catalog's name leaves room for its members");
    let types = [RecordType::PTR, RecordType::TXT];
    let update = try_update(session, catalog.zone(), &below, &catalog.key, &types).await;
    let update = match update {
        Ok(None) => Verdict::Good(Fact::Plain),
        Ok(Some(failure)) | Err(failure) => cx.bad(catalog.in_context(failure)),
    };
    let (mut owners, mut locations) = (Vec::new(), Vec::new());
    for zone in zones {
        let (owner, location) = check_membership(session, catalog, zone, settings).await;
        owners.push(owner);
        locations.push(location);
    }
    CatalogVerdicts {
        contents,
        update,
        owners,
        locations,
    }
}

fn transfers_without_zone(primary: &Primary) -> Verdict {
    match primary.read {
        Read::State => Verdict::Good(Fact::ReadFromState),
        Read::Transfer => Verdict::Open(Doubt::NoZone),
    }
}

/// The verdicts that one signed query gives.
struct KeyVerdicts {
    key: Verdict,
    clock: Verdict,
    /// The check that must succeed before others can be tried.
    obstacle: Option<Check>,
}

/// Checks the key and the clock with one signed query.
async fn check_key(session: &mut Session<'_>, zones: &[ZoneName]) -> Result<KeyVerdicts, Failure> {
    let primary = session.primary;
    let reply = reply_about_key(session, zones).await?;
    let key_check = Check::Key(primary.key.name().clone());
    let cx = CheckContext::new(primary);
    let wrong_clock = |offset_seconds| cx.bad(Failure::BadTime { offset_seconds });
    Ok(match reply {
        Reply::Authentic(response) => {
            let offset = response.offset_seconds.unwrap_or_default();
            let is_odd = offset.unsigned_abs() > OFFSET_GOOD_SECONDS_MAX;
            let fact = Fact::Offset(offset);
            KeyVerdicts {
                key: Verdict::Good(Fact::Plain),
                clock: if is_odd {
                    Verdict::Odd(fact)
                } else {
                    Verdict::Good(fact)
                },
                obstacle: None,
            }
        }
        // The MAC was verified before the time.
        Reply::Forged(Forgery::Time { offset_seconds, .. })
        | Reply::BadTime {
            offset_seconds,
            verified: true,
        } => KeyVerdicts {
            key: Verdict::Good(Fact::Plain),
            clock: wrong_clock(offset_seconds),
            obstacle: Some(Check::Clock),
        },
        Reply::BadTime { offset_seconds, .. } => KeyVerdicts {
            key: Verdict::Untried(Check::Clock),
            clock: wrong_clock(offset_seconds),
            obstacle: Some(Check::Clock),
        },
        // PowerDNS: it also signs the response that it does not have a zone.
        Reply::Unsigned(rcode)
            if rcode == Rcode::REFUSED
                || zones.is_empty() && software(primary) != Software::PowerDns =>
        {
            KeyVerdicts {
                key: Verdict::Open(Doubt::Unsigned(rcode)),
                clock: Verdict::Open(Doubt::Unsigned(rcode)),
                obstacle: None,
            }
        }
        reply @ (Reply::BadKey
        | Reply::BadSig
        | Reply::BadTrunc
        | Reply::Unsigned(_)
        | Reply::Forged(_)
        | Reply::Malformed(_)) => {
            authentic(reply, primary.key.name())?;
            KeyVerdicts {
                key: Verdict::Good(Fact::Plain),
                clock: Verdict::Untried(key_check.clone()),
                obstacle: Some(key_check),
            }
        }
    })
}

/// Queries the first of these zones. Queries the catalog if that reply shows nothing about the key.
async fn reply_about_key(session: &mut Session<'_>, zones: &[ZoneName]) -> Result<Reply, Failure> {
    let root = Name::root();
    let primary = session.primary;
    let first = zones.first().map_or(&root, ZoneName::apex);
    let reply = session.query(first, RecordType::SOA).await?;
    // Knot: it checks no key if it does not have the zone, and reports a key as unknown if it knows
    // the key but does not show the zone to it.
    let is_inconclusive = |reply: &Reply| matches!(reply, Reply::Unsigned(_) | Reply::BadKey);
    if is_inconclusive(&reply)
        && let Some(catalog) = &primary.catalog
        && catalog.key.name() == primary.key.name()
    {
        let zone = catalog.zone().apex();
        let of_catalog = session.query(zone, RecordType::SOA).await?;
        if !is_inconclusive(&of_catalog) {
            return Ok(of_catalog);
        }
    }
    Ok(reply)
}

/// Checks the ownership of a zone by the catalog, and locates its settings.
async fn check_membership(
    session: &mut Session<'_>,
    catalog: &Catalog,
    zone: &ZoneName,
    settings: &CheckSettings,
) -> (Verdict, SettingsLocation) {
    let cx = CheckContext::new(session.primary);
    let membership = catalog.membership(session, zone).await;
    let location = match (&membership, &session.primary.provisioning) {
        (Ok(Membership::Absent), _) | (_, Some(Provisioning::Provisioner(_)) | None) => {
            SettingsLocation::Section
        }
        (Ok(_), Some(Provisioning::Catalog { .. })) => SettingsLocation::Template,
        (Err(_), Some(Provisioning::Catalog { .. })) => SettingsLocation::Either,
    };
    let verdict = match membership {
        Ok(Membership::Ours(_)) => Verdict::Good(Fact::Ours),
        Ok(Membership::Unclaimed(_)) => Verdict::Good(Fact::Unclaimed),
        Ok(Membership::Absent) => check_mark(session, zone, settings).await,
        Ok(Membership::Other { instance, .. }) => {
            let zone = zone.clone();
            cx.bad(Failure::OthersZone { zone, instance })
        }
        Err(_) => Verdict::Untried(Check::Catalog(catalog.zone().clone())),
    };
    (verdict, location)
}

/// Checks the transfer and updates of one zone.
async fn check_zone(
    session: &mut Session<'_>,
    cx: &CheckContext<'_>,
    zone: &ZoneName,
) -> (Verdict, Verdict) {
    let primary = session.primary;
    let transfer_check = Check::Transfer(Some(zone.clone()));
    let transfer = match primary.read {
        Read::State => Verdict::Good(Fact::ReadFromState),
        Read::Transfer => match read_zone(session, zone).await {
            Ok(Found::Zone(_)) => Verdict::Good(Fact::Plain),
            Ok(Found::Absent | Found::NotShown(_)) => {
                return (absent(cx), Verdict::Untried(transfer_check));
            }
            Ok(Found::NotLoaded(rcode)) => {
                let bad = cx.bad(Failure::ZoneNotLoaded { rcode });
                return (bad, Verdict::Untried(transfer_check));
            }
            Err(failure) => {
                let cx = cx.with_key(&primary.transfer_key);
                cx.bad(cx.refused_transfer(failure))
            }
        },
    };
    let update = match check_updates(session, zone).await {
        Ok(()) => Verdict::Good(Fact::Plain),
        Err(Trouble::Failure(Failure::ZoneAbsent)) => absent(cx),
        Err(trouble) => {
            let is_named = names_update_key(session, zone).await;
            cx.with_named_key(is_named).bad(trouble)
        }
    };
    (transfer, update)
}

/// Returns whether a zone is known to be a producer. PowerDNS: it takes updates of one and does not
/// show them.
async fn is_producer(session: &Session<'_>, zone: &ZoneName) -> bool {
    let Some(Provisioning::Provisioner(Provisioner::PowerDns(powerdns))) =
        &session.primary.provisioning
    else {
        return false;
    };
    let is_producer = powerdns.is_producer(zone, session.deadline).await;
    is_producer.unwrap_or(false)
}

/// Returns whether the zone's own settings are known to let the key update it.
async fn names_update_key(session: &Session<'_>, zone: &ZoneName) -> bool {
    let Some(Provisioning::Provisioner(Provisioner::PowerDns(powerdns))) =
        &session.primary.provisioning
    else {
        return false;
    };
    let names = powerdns.names_update_key(zone, session.deadline).await;
    names.unwrap_or(false)
}

/// Returns the verdict on an absent zone, which is no trouble if nsbridge can create it.
fn absent(cx: &CheckContext<'_>) -> Verdict {
    if cx.primary.provisioning.is_some() {
        Verdict::Open(Doubt::ZoneAbsent)
    } else {
        cx.bad(Failure::ZoneAbsent)
    }
}
