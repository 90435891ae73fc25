//! Whether deliveries to a primary can succeed, found out without changing anything there.
//!
//! Each check presupposes some before it; one whose presupposition does not hold is said to be
//! untried, so that every check is in the result whatever happens. The making of zones is checked
//! beside the rest, since it goes another way.

mod api;
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
use context::{Asker, software};
use create_probe::{check_making, check_mark, check_marks, create_and_remove_by_catalog};
use remedy::Home;
use update_probe::{check_updates, try_update};

pub use report::{Bad, Check, CheckSettings, Checked, Doubt, Fact, Trouble, Verdict};

/// From this offset on, in seconds, a clock is worth a look: signatures fail from 300 on.
const OFFSET_ODD_SECONDS: u64 = 60;

/// Checks a primary with these zones of it.
pub async fn check(
    primary: &Primary,
    zones: &[ZoneName],
    policy: &CheckSettings,
    deadline: Instant,
) -> Vec<Checked> {
    let dns = check_dns(primary, zones, policy, deadline);
    let Some(Provisioning::Provisioner(provisioner)) = &primary.provisioning else {
        return dns.await;
    };
    let making = check_making(primary, provisioner, policy, deadline);
    let (mut checked, made) = join(dns, making).await;
    let is_reachable = made.iter().any(|made| {
        made.check == Check::Provision(Subject::Channel) && matches!(made.verdict, Verdict::Good(_))
    });
    checked.extend(made);
    if primary.catalog.is_none() && provisioner.marks_zones() {
        checked.extend(check_marks(primary, zones, policy, is_reachable, deadline).await);
    }
    checked
}

/// Checks all that goes over DNS.
async fn check_dns(
    primary: &Primary,
    zones: &[ZoneName],
    policy: &CheckSettings,
    deadline: Instant,
) -> Vec<Checked> {
    let key = Check::Key(primary.key.name().clone());
    let mut checked = Vec::new();
    let mut add = |check, verdict| checked.push(Checked { check, verdict });
    let connected = async {
        let mut session = open(primary, policy.clock, deadline).await?;
        let peer = session.try_connecting().await?;
        Ok::<_, Failure>((session, peer))
    };
    let asker = Asker::new(primary);
    let (mut session, peer) = match connected.await {
        Ok(connected) => connected,
        Err(failure) => {
            add(Check::Reachable, asker.bad(failure));
            add(key, Verdict::Untried(Check::Reachable));
            add(Check::Clock, Verdict::Untried(Check::Reachable));
            for check in zone_checks(primary, zones, policy) {
                add(check, Verdict::Untried(Check::Reachable));
            }
            return checked;
        }
    };
    add(Check::Reachable, Verdict::Good(Fact::Connected(peer)));
    let signing = match check_signing(&mut session, zones).await {
        Ok(signing) => signing,
        Err(failure) => Signing {
            key: about_first(asker, zones).bad(failure),
            clock: Verdict::Untried(key.clone()),
            obstacle: Some(key.clone()),
        },
    };
    let is_key_known = matches!(signing.key, Verdict::Good(_));
    add(key, signing.key);
    add(Check::Clock, signing.clock);
    if let Some(obstacle) = signing.obstacle {
        for check in zone_checks(primary, zones, policy) {
            add(check, Verdict::Untried(obstacle.clone()));
        }
        return checked;
    }
    let asker = asker.knowing_key(is_key_known);
    if zones.is_empty() {
        add(Check::Transfer(None), transfers_without_zone(primary));
        add(Check::Update(None), Verdict::Open(Doubt::NoZone));
    }
    // First, since it tells where a zone's settings are.
    let catalog = match &primary.catalog {
        Some(catalog) => Some(check_catalog(&mut session, &asker, catalog, zones, policy).await),
        None => None,
    };
    for (index, zone) in zones.iter().enumerate() {
        let home = catalog.as_ref().map_or(Home::Section, |it| it.homes[index]);
        let asker = asker.about(zone, home);
        let (transfer, update) = check_zone(&mut session, &asker, zone).await;
        add(Check::Transfer(Some(zone.clone())), transfer);
        add(Check::Update(Some(zone.clone())), update);
    }
    if let (Some(catalog), Some(found)) = (&primary.catalog, catalog) {
        let may_list = matches!(found.update, Verdict::Good(_));
        for (check, verdict) in found.into_verdicts(catalog, zones) {
            add(check, verdict);
        }
        if is_creation_tried(primary, policy) {
            let creation = if may_list {
                create_and_remove_by_catalog(&mut session, &asker, catalog, policy).await
            } else {
                Verdict::Untried(Check::Members(catalog.zone().clone()))
            };
            add(Check::Provision(Subject::Creation), creation);
        }
    }
    session.release();
    checked
}

/// The same about the first of these zones, of which nothing is known.
fn about_first<'a>(asker: Asker<'a>, zones: &'a [ZoneName]) -> Asker<'a> {
    let home = match asker.primary.provisioning {
        Some(Provisioning::Catalog { .. }) => Home::Either,
        Some(Provisioning::Provisioner(_)) | None => Home::Section,
    };
    let first = zones.first();
    first.map_or(asker, |zone| asker.about(zone, home))
}

fn zone_checks(primary: &Primary, zones: &[ZoneName], policy: &CheckSettings) -> Vec<Check> {
    let both = |zone: Option<ZoneName>| [Check::Transfer(zone.clone()), Check::Update(zone)];
    let mut checks: Vec<Check> = if zones.is_empty() {
        both(None).into()
    } else {
        zones.iter().cloned().map(Some).flat_map(both).collect()
    };
    if let Some(catalog) = &primary.catalog {
        let zone = catalog.zone();
        checks.extend([Check::Catalog(zone.clone()), Check::Members(zone.clone())]);
        checks.extend(zones.iter().cloned().map(Check::Owner));
        if is_creation_tried(primary, policy) {
            checks.push(Check::Provision(Subject::Creation));
        }
    }
    checks
}

/// Whether a zone is really made by an entry of the catalog; other makers are checked beside DNS.
fn is_creation_tried(primary: &Primary, policy: &CheckSettings) -> bool {
    policy.create && matches!(primary.provisioning, Some(Provisioning::Catalog { .. }))
}

/// What was found out about a catalog, and by it about zones.
struct CatalogFound {
    contents: Verdict,
    update: Verdict,
    /// Whose each zone is.
    owners: Vec<Verdict>,
    /// Where the settings of each zone are.
    homes: Vec<Home>,
}

impl CatalogFound {
    /// What was checked of the catalog, and by it of these zones.
    fn into_verdicts(
        self,
        catalog: &Catalog,
        zones: &[ZoneName],
    ) -> impl Iterator<Item = (Check, Verdict)> {
        let zone = catalog.zone();
        let of_catalog = [
            (Check::Catalog(zone.clone()), self.contents),
            (Check::Members(zone.clone()), self.update),
        ];
        let owners = zones.iter().cloned().map(Check::Owner).zip(self.owners);
        of_catalog.into_iter().chain(owners)
    }
}

/// Checks the catalog that the primary keeps: what it holds, and whether members may be added.
async fn check_catalog(
    session: &mut Session<'_>,
    asker: &Asker<'_>,
    catalog: &Catalog,
    zones: &[ZoneName],
    policy: &CheckSettings,
) -> CatalogFound {
    let asker = asker
        .about(catalog.zone(), Home::Section)
        .with_key(&catalog.key);
    let contents = match catalog.census(session).await {
        Ok(_) if is_producer(session, catalog.zone()).await => asker.bad(catalog.not_shown()),
        Ok(census) if census.problems.is_empty() => Verdict::Good(Fact::Members(census)),
        Ok(census) => Verdict::Odd(Fact::Members(census)),
        Err(failure) => {
            let untried = Verdict::Untried(Check::Catalog(catalog.zone().clone()));
            let owner = |_| Verdict::Untried(Check::Catalog(catalog.zone().clone()));
            return CatalogFound {
                contents: asker.bad(asker.refused_transfer(failure)),
                update: untried,
                owners: zones.iter().map(owner).collect(),
                homes: vec![Home::Either; zones.len()],
            };
        }
    };
    let below = catalog.zone().apex().child(b"zones");
    let below = below.expect("a catalog's name leaves room for its members");
    let types = [RecordType::PTR, RecordType::TXT];
    let update = match try_update(session, catalog.zone(), (&below, &catalog.key), &types).await {
        Ok(None) => Verdict::Good(Fact::Plain),
        Ok(Some(failure)) | Err(failure) => asker.bad(catalog.in_context(failure)),
    };
    let (mut owners, mut homes) = (Vec::new(), Vec::new());
    for zone in zones {
        let (owner, home) = check_owner(session, catalog, zone, policy).await;
        owners.push(owner);
        homes.push(home);
    }
    CatalogFound {
        contents,
        update,
        owners,
        homes,
    }
}

fn transfers_without_zone(primary: &Primary) -> Verdict {
    match primary.read {
        Read::State => Verdict::Good(Fact::ReadFromMemory),
        Read::Transfer => Verdict::Open(Doubt::NoZone),
    }
}

/// What one signed question tells.
struct Signing {
    key: Verdict,
    clock: Verdict,
    /// What has to be repaired before anything else can be asked.
    obstacle: Option<Check>,
}

async fn check_signing(session: &mut Session<'_>, zones: &[ZoneName]) -> Result<Signing, Failure> {
    let primary = session.primary;
    let reply = telling_reply(session, zones).await?;
    let key_check = Check::Key(primary.key.name().clone());
    let asker = Asker::new(primary);
    let wrong_clock = |offset_seconds| asker.bad(Failure::BadTime { offset_seconds });
    Ok(match reply {
        Reply::Authentic(response) => {
            let offset = response.offset_seconds.unwrap_or_default();
            let is_odd = offset.unsigned_abs() > OFFSET_ODD_SECONDS;
            let fact = Fact::Offset(offset);
            Signing {
                key: Verdict::Good(Fact::Plain),
                clock: if is_odd {
                    Verdict::Odd(fact)
                } else {
                    Verdict::Good(fact)
                },
                obstacle: None,
            }
        }
        // Its MAC was found right before its time was found wrong.
        Reply::Forged(Forgery::Time { offset_seconds, .. })
        | Reply::BadTime {
            offset_seconds,
            verified: true,
        } => Signing {
            key: Verdict::Good(Fact::Plain),
            clock: wrong_clock(offset_seconds),
            obstacle: Some(Check::Clock),
        },
        Reply::BadTime { offset_seconds, .. } => Signing {
            key: Verdict::Untried(Check::Clock),
            clock: wrong_clock(offset_seconds),
            obstacle: Some(Check::Clock),
        },
        // PowerDNS signs also that it does not have a zone.
        Reply::Unsigned(rcode)
            if rcode == Rcode::REFUSED
                || zones.is_empty() && software(primary) != Software::PowerDns =>
        {
            Signing {
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
            Signing {
                key: Verdict::Good(Fact::Plain),
                clock: Verdict::Untried(key_check.clone()),
                obstacle: Some(key_check),
            }
        }
    })
}

/// The reply to a question about the first of these zones, or where that does not tell of the key to one about the
/// catalog.
async fn telling_reply(session: &mut Session<'_>, zones: &[ZoneName]) -> Result<Reply, Failure> {
    let root = Name::root();
    let primary = session.primary;
    let first = zones.first().map_or(&root, ZoneName::apex);
    let reply = session.query(first, RecordType::SOA).await?;
    // Knot looks at no key where it does not have the zone, and says of one that it knows and that may not
    // see the zone that it does not know it.
    let is_silent = |reply: &Reply| matches!(reply, Reply::Unsigned(_) | Reply::BadKey);
    if is_silent(&reply)
        && let Some(catalog) = &primary.catalog
        && catalog.key.name() == primary.key.name()
    {
        let zone = catalog.zone().apex();
        let told = session.query(zone, RecordType::SOA).await?;
        if !is_silent(&told) {
            return Ok(told);
        }
    }
    Ok(reply)
}

/// Checks whose a zone is, by the catalog, and finds out where its settings are.
async fn check_owner(
    session: &mut Session<'_>,
    catalog: &Catalog,
    zone: &ZoneName,
    policy: &CheckSettings,
) -> (Verdict, Home) {
    let asker = Asker::new(session.primary);
    let membership = catalog.membership(session, zone).await;
    let home = match (&membership, &session.primary.provisioning) {
        (Ok(Membership::Absent), _) | (_, Some(Provisioning::Provisioner(_)) | None) => {
            Home::Section
        }
        (Ok(_), Some(Provisioning::Catalog { .. })) => Home::Template,
        (Err(_), Some(Provisioning::Catalog { .. })) => Home::Either,
    };
    let verdict = match membership {
        Ok(Membership::Ours(_)) => Verdict::Good(Fact::Ours),
        Ok(Membership::Unclaimed(_)) => Verdict::Good(Fact::Nobodys),
        Ok(Membership::Absent) => check_mark(session, zone, policy).await,
        Ok(Membership::Other { instance, .. }) => {
            let zone = zone.clone();
            asker.bad(Failure::OthersZone { zone, instance })
        }
        Err(_) => Verdict::Untried(Check::Catalog(catalog.zone().clone())),
    };
    (verdict, home)
}

/// Checks transfer and updates of one zone.
async fn check_zone(
    session: &mut Session<'_>,
    asker: &Asker<'_>,
    zone: &ZoneName,
) -> (Verdict, Verdict) {
    let primary = session.primary;
    let transfer_check = Check::Transfer(Some(zone.clone()));
    let transfer = match primary.read {
        Read::State => Verdict::Good(Fact::ReadFromMemory),
        Read::Transfer => match read_zone(session, zone).await {
            Ok(Found::Zone(_)) => Verdict::Good(Fact::Plain),
            Ok(Found::Absent | Found::NotShown(_)) => {
                return (absent(asker), Verdict::Untried(transfer_check));
            }
            Ok(Found::NotLoaded(rcode)) => {
                let bad = asker.bad(Failure::ZoneNotLoaded { rcode });
                return (bad, Verdict::Untried(transfer_check));
            }
            Err(failure) => {
                let asker = asker.with_key(&primary.transfer_key);
                asker.bad(asker.refused_transfer(failure))
            }
        },
    };
    let update = match check_updates(session, zone).await {
        Ok(()) => Verdict::Good(Fact::Plain),
        Err(Trouble::Failure(Failure::ZoneAbsent)) => absent(asker),
        Err(trouble) => {
            let is_named = names_update_key(session, zone).await;
            asker.naming_key(is_named).bad(trouble)
        }
    };
    (transfer, update)
}

/// Whether a zone is known to be a producer of PowerDNS, which takes updates and does not show them.
async fn is_producer(session: &Session<'_>, zone: &ZoneName) -> bool {
    let Some(Provisioning::Provisioner(Provisioner::PowerDns(powerdns))) =
        &session.primary.provisioning
    else {
        return false;
    };
    let is_producer = powerdns.is_producer(zone, session.deadline).await;
    is_producer.unwrap_or(false)
}

/// Whether the zone's own settings are known to let the key update it.
async fn names_update_key(session: &Session<'_>, zone: &ZoneName) -> bool {
    let Some(Provisioning::Provisioner(Provisioner::PowerDns(powerdns))) =
        &session.primary.provisioning
    else {
        return false;
    };
    let names = powerdns.names_update_key(zone, session.deadline).await;
    names.unwrap_or(false)
}

fn absent(asker: &Asker<'_>) -> Verdict {
    if asker.primary.provisioning.is_some() {
        Verdict::Open(Doubt::ZoneAbsent)
    } else {
        asker.bad(Failure::ZoneAbsent)
    }
}
