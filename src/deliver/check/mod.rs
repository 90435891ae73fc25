//! Checks whether deliveries to a primary can succeed. It must never change anything there, but for
//! a zone or a name of its own that it creates and deletes if the operator asks for that.
//!
//! Each check needs some before it. One that cannot be tried is reported as untried, so that every
//! check is in the result whatever happens. The provisioner is checked at the same time as the
//! rest, since it has a connection of its own.

mod catalog_audit;
mod catalog_upgrade;
mod census;
mod context;
mod create_probe;
mod epoch;
mod key;
mod remedy;
mod report;
mod reverse;
mod secondaries;
mod update_probe;
pub(super) mod write_probe;

use std::net::SocketAddr;

use futures_util::future::join;
use tokio::time::Instant;

use crate::deliver::error::Failure;
use crate::deliver::server::query::served_soa;
use crate::deliver::server::transfer::{Found, read_zone};
use crate::deliver::server::{Catalog, Primary, Provisioning, Session, SigningKeys, open};
use crate::deliver::state::Provenance;
use crate::deliver::transaction::explain_refusal;
use crate::deliver::transaction::learn::learn_software;
use crate::deliver::transaction::probe::try_update;
use crate::model::{Network, RecordType, ZoneName};
use crate::plan::{Membership, Shown};
use crate::provision::{PowerDns, Provisioner, Remedy, ZoneStatus};
use census::census;
use context::{CheckContext, SettingsLocation, settings_location};
use create_probe::{check_mark, check_marks, check_provisioner, create_and_delete_by_catalog};
use key::{check_keys, first_name, obstacle, single_keys, spare_for_zone};
use reverse::{bad_built_in, check_reverse_zones};
use secondaries::check_secondaries;
pub(crate) use secondaries::secondaries_behind;
use update_probe::check_updates;

pub(crate) use catalog_audit::audit_catalog;
pub use catalog_audit::{CatalogAudit, CatalogRepair};
pub use epoch::Renewal;
use epoch::check_known;
pub(crate) use epoch::{check_epoch, renew_epoch};
pub(crate) use report::{Check, CheckSettings, Checked, Fact, Verdict};
use report::{Doubt, Trouble};

/// The items that are checked on a primary, beside the primary itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Targets {
    pub(crate) zones: Vec<ZoneName>,
    /// Whether the operator named the zones, so that their secondaries are checked, too.
    pub(crate) are_named: bool,
    /// The networks of PTR records, each with its reverse zones that this primary serves.
    pub(crate) networks: Vec<(Network, Vec<ZoneName>)>,
}

/// Checks a primary, and these zones and networks of it.
pub(crate) async fn check(
    primary: &Primary,
    targets: &Targets,
    settings: &CheckSettings,
    deadline: Instant,
) -> Vec<Checked> {
    let zones = &targets.zones;
    let dns = check_dns(primary, targets, settings, deadline);
    let Some(Provisioning::Provisioner(provisioner)) = &primary.provisioning else {
        return dns.await;
    };
    let provisioner_checks = check_provisioner(primary, provisioner, settings, deadline);
    let (mut checked, mut of_provisioner) = join(dns, provisioner_checks).await;
    let access = Check::Access(provisioner.access());
    let is_clock_bad =
        |it: &Checked| it.check == Check::Clock && matches!(it.verdict, Verdict::Bad(_));
    if let Provisioner::Rndc(_) = provisioner
        && checked.iter().any(is_clock_bad)
        && let Some(it) = of_provisioner.iter_mut().find(|it| it.check == access)
        && let Verdict::Bad(_) = it.verdict
    {
        // named gives no other reason.
        it.verdict = Verdict::Untried(Check::Clock);
    }
    let obstacle = (!is_good(&of_provisioner, &access)).then_some(&access);
    checked.extend(of_provisioner);
    if primary.catalog.is_none() && provisioner.marks_zones() {
        checked.extend(check_marks(primary, zones, settings, obstacle, deadline).await);
    }
    checked
}

fn is_good(checked: &[Checked], check: &Check) -> bool {
    let mut checked = checked.iter();
    checked.any(|it| it.check == *check && matches!(it.verdict, Verdict::Good(_)))
}

/// Checks everything that needs only DNS.
async fn check_dns(
    primary: &Primary,
    targets: &Targets,
    settings: &CheckSettings,
    deadline: Instant,
) -> Vec<Checked> {
    let first = first_name(&targets.zones);
    let singles = Singles {
        first: single_keys(primary.keys_of(&first)),
        zones: targets
            .zones
            .iter()
            .map(|zone| single_keys(primary.keys_of(zone.apex())))
            .collect(),
    };
    let connected = async {
        let mut session = open(primary, &first, settings.clock, deadline);
        let peer = session.try_connecting().await?;
        learn_software(&mut session).await;
        Ok::<_, Failure>((session, peer))
    };
    let mut checked = Vec::new();
    let tried = match connected.await {
        Ok((session, peer)) => {
            let connected = Verdict::Good(Fact::Connected(peer));
            checked.push(Checked::new(Check::Reachable, connected));
            check_connected(session, peer, targets, &singles, settings, &mut checked).await
        }
        Err(failure) => {
            let bad = CheckContext::new(primary).bad(failure);
            checked.push(Checked::new(Check::Reachable, bad));
            Err(Check::Reachable)
        }
    };
    if let Err(obstacle) = tried {
        for check in dns_checks(primary, targets, settings) {
            if checked.iter().all(|it| it.check != check) {
                checked.push(Checked::new(check, Verdict::Untried(obstacle.clone())));
            }
        }
    }
    checked
}

/// Checks everything that needs only DNS, once a connection was opened.
///
/// # Errors
/// The check that must succeed before the rest can be tried.
async fn check_connected<'a>(
    mut session: Session<'a>,
    peer: SocketAddr,
    targets: &Targets,
    singles: &'a Singles,
    settings: &CheckSettings,
    checked: &mut Vec<Checked>,
) -> Result<(), Check> {
    let (primary, zones) = (session.primary, &targets.zones);
    let cx = CheckContext::new(primary);
    let (keys, clock) = check_keys(&mut session, &singles.first, zones).await;
    let obstacle = obstacle(&keys, &clock);
    let is_key_known = keys.iter().any(|it| matches!(it.1, Verdict::Good(_)));
    let is_first_known = matches!(keys.first(), Some((_, Verdict::Good(_))));
    checked.extend(
        keys.into_iter()
            .map(|(check, key)| Checked::new(check, key)),
    );
    checked.push(Checked::new(Check::Clock, clock));
    if let Some(obstacle) = obstacle {
        return Err(obstacle);
    }
    let cx = CheckContext { is_key_known, ..cx };
    if zones.is_empty() {
        let transfers = transfers_without_zone(primary);
        checked.push(Checked::new(Check::Transfer(None), transfers));
        let updates = Verdict::Open(Doubt::NoZone);
        checked.push(Checked::new(Check::Update(None), updates));
    }
    // Before the zones, since their membership shows where their settings are.
    let mut of_catalog = check_own_catalog(&mut session, &cx, settings).await;
    let is_untried = |it: &Checked| matches!(it.verdict, Verdict::Untried(_));
    let is_catalog_read = !of_catalog.is_empty() && !of_catalog.iter().any(is_untried);
    for (zone, singles) in zones.iter().zip(&singles.zones) {
        let mut membership = None;
        if let Some(catalog) = &primary.catalog {
            if is_catalog_read {
                membership = catalog.membership(&mut session, zone).await.ok();
            }
            let owner = match &membership {
                Some(membership) => check_membership(&session, zone, membership, settings).await,
                None => Verdict::Untried(Check::Catalog(catalog.zone().clone())),
            };
            of_catalog.push(Checked::new(Check::Ownership(zone.clone()), owner));
        }
        let cx = cx.with_zone(zone, settings_location(primary, membership.as_ref()));
        let keys = primary.keys_of(zone.apex());
        let (mut transfer, update) = check_zone(&mut session, &cx, zone, keys).await;
        let is_well = matches!(update, Verdict::Good(_));
        if is_gone(&session, settings, zone, &transfer) {
            transfer = cx.bad(Trouble::ZoneGone { zone: zone.clone() });
        }
        checked.push(Checked::new(Check::Transfer(Some(zone.clone())), transfer));
        checked.push(Checked::new(Check::Update(Some(zone.clone())), update));
        // The first key stays after a rollover: the others need no rights then.
        if let Some(keys) = singles.first().filter(|_| is_well && is_first_known) {
            checked.push(check_first_key(&mut session, &cx, zone, keys).await);
        }
        if targets.are_named
            && let Some(verdict) = check_secondaries(&mut session, zone, peer.ip()).await
        {
            checked.push(Checked::new(Check::Secondaries(zone.clone()), verdict));
        }
    }
    checked.extend(of_catalog);
    for (network, zones) in &targets.networks {
        let verdict = check_reverse_zones(&mut session, &cx, zones).await;
        checked.push(Checked::new(Check::ReverseZones(*network), verdict));
    }
    if let Some(catalog) = &primary.catalog
        && is_creation_tried(primary, settings)
    {
        let members = Check::Members(catalog.zone().clone());
        let creation = if is_good(checked, &members) {
            create_and_delete_by_catalog(&mut session, &cx, catalog, settings).await
        } else {
            Verdict::Untried(members)
        };
        checked.push(Checked::new(Check::Creation, creation));
    }
    session.release();
    Ok(())
}

/// Checks the catalog of the primary, if it keeps one, and whether another machine has taken this instance.
async fn check_own_catalog(
    session: &mut Session<'_>,
    cx: &CheckContext<'_>,
    settings: &CheckSettings,
) -> Vec<Checked> {
    let primary = session.primary;
    let Some(catalog) = &primary.catalog else {
        return Vec::new();
    };
    let (mut contents, update) = check_catalog(session, cx, catalog).await;
    if let Verdict::Good(_) | Verdict::Odd(_) = contents
        && let Err(failure) = check_known(session, catalog, settings.epochs_of(primary)).await
    {
        contents = cx.bad(failure);
    }
    let zone = catalog.zone();
    vec![
        Checked::new(Check::Catalog(zone.clone()), contents),
        Checked::new(Check::Members(zone.clone()), update),
    ]
}

/// The keys of the lists, one by one.
struct Singles {
    /// Those that are checked first.
    first: Vec<SigningKeys>,
    /// Those of each zone.
    zones: Vec<Vec<SigningKeys>>,
}

/// Returns the checks that need only DNS, in the order of the result.
fn dns_checks(primary: &Primary, targets: &Targets, settings: &CheckSettings) -> Vec<Check> {
    let zones = &targets.zones;
    let keys = primary.keys_of(&first_name(zones));
    let key = Check::Key(keys.update.name().clone());
    let mut checks = vec![Check::Reachable, key, Check::Clock];
    let both = |zone: Option<ZoneName>| [Check::Transfer(zone.clone()), Check::Update(zone)];
    if zones.is_empty() {
        checks.extend(both(None));
    }
    checks.extend(zones.iter().cloned().map(Some).flat_map(both));
    if let Some(catalog) = &primary.catalog {
        let zone = catalog.zone();
        checks.extend([Check::Catalog(zone.clone()), Check::Members(zone.clone())]);
        checks.extend(zones.iter().cloned().map(Check::Ownership));
        if is_creation_tried(primary, settings) {
            checks.push(Check::Creation);
        }
    }
    let networks = targets.networks.iter();
    checks.extend(networks.map(|(network, _)| Check::ReverseZones(*network)));
    checks
}

/// Returns whether to create a zone through the catalog. [`check_provisioner`] covers other ways.
fn is_creation_tried(primary: &Primary, settings: &CheckSettings) -> bool {
    settings.create && matches!(primary.provisioning, Some(Provisioning::Catalog { .. }))
}

/// Checks the contents of the catalog and the right to add members. The second check is untried if
/// the catalog cannot be read.
async fn check_catalog(
    session: &mut Session<'_>,
    cx: &CheckContext<'_>,
    catalog: &Catalog,
) -> (Verdict, Verdict) {
    let cx = cx
        .with_zone(catalog.zone(), SettingsLocation::Section)
        .with_key(catalog.key.present());
    let contents = match census(session, catalog).await {
        Ok(_) if is_producer(session, catalog.zone()).await => cx.bad(catalog.not_shown()),
        Ok(census) if census.is_signed => cx.bad(Failure::CatalogSigned {
            catalog: catalog.zone().clone(),
        }),
        Ok(census) if census.problems.is_empty() => Verdict::Good(Fact::Members(census)),
        Ok(census) => Verdict::Odd(Fact::Members(census)),
        Err(failure) => {
            let untried = Verdict::Untried(Check::Catalog(catalog.zone().clone()));
            return (cx.bad(cx.refused_transfer(failure)), untried);
        }
    };
    let rights: [(_, &[_]); 3] = [
        (catalog.name.members(), &[RecordType::PTR, RecordType::TXT]),
        (catalog.name.claims(), &[RecordType::ZONEMD]),
        (catalog.zone().apex().clone(), &[RecordType::SOA]),
    ];
    for (below, types) in rights {
        let update = try_update(session, catalog.zone(), &below, &catalog.key, types).await;
        if let Ok(Some(failure)) | Err(failure) = update {
            return (contents, cx.bad(catalog.in_context(failure)));
        }
    }
    (contents, Verdict::Good(Fact::Plain))
}

/// Returns whether a zone is not there that this instance created.
fn is_gone(
    session: &Session<'_>,
    settings: &CheckSettings,
    zone: &ZoneName,
    transfer: &Verdict,
) -> bool {
    let held = settings.held.get(&session.zone_key(zone));
    let is_made = matches!(held, Some(Provenance::Created | Provenance::CreatedForPtr));
    is_made && matches!(transfer, Verdict::Open(Doubt::ZoneAbsent))
}

fn transfers_without_zone(primary: &Primary) -> Verdict {
    match primary.abilities.shown {
        Shown::Nothing => Verdict::Open(Doubt::Unseen),
        Shown::RrSets => Verdict::Good(Fact::ReadFromState),
        Shown::Zones => Verdict::Open(Doubt::NoZone),
    }
}

/// Checks the ownership of a zone by its membership in the catalog.
async fn check_membership(
    session: &Session<'_>,
    zone: &ZoneName,
    membership: &Membership,
    settings: &CheckSettings,
) -> Verdict {
    match membership {
        Membership::Ours(_) => Verdict::Good(Fact::Ours),
        Membership::Unclaimed(_) => Verdict::Good(Fact::Unclaimed),
        Membership::Absent => check_mark(session, zone, settings).await,
        Membership::Other { instance, .. } => {
            CheckContext::new(session.primary).bad(Failure::OthersZone {
                zone: zone.clone(),
                instance: instance.clone(),
            })
        }
    }
}

/// Checks the transfer and updates of one zone.
async fn check_zone<'a>(
    session: &mut Session<'a>,
    cx: &CheckContext<'_>,
    zone: &ZoneName,
    keys: &'a SigningKeys,
) -> (Verdict, Verdict) {
    let primary = session.primary;
    session.keys = keys;
    let cx = &cx.with_key(session.keys.update.present());
    let transfer_check = Check::Transfer(Some(zone.clone()));
    if let Err(Failure::BuiltInZone { zone }) = served_soa(session, zone).await {
        return (bad_built_in(&[zone]), Verdict::Untried(transfer_check));
    }
    let transfer = match primary.abilities.shown {
        Shown::Nothing => Verdict::Open(Doubt::Unseen),
        Shown::RrSets => Verdict::Good(Fact::ReadFromState),
        Shown::Zones => match read_zone(session, zone).await {
            Ok(Found::Zone(_)) => Verdict::Good(Fact::Plain),
            Ok(Found::Absent | Found::NotShown(_)) => {
                let absent = absent(session, cx, zone).await;
                return (absent, Verdict::Untried(transfer_check));
            }
            Ok(Found::NotLoaded(rcode)) => {
                let failure = Failure::ZoneNotLoaded {
                    rcode,
                    zone: zone.clone(),
                };
                let failure = explain_refusal(session, zone, failure).await;
                return (cx.bad(failure), Verdict::Untried(transfer_check));
            }
            Err(failure) => {
                let cx = cx.with_key(session.keys.transfer.present());
                cx.bad(cx.refused_transfer(failure))
            }
        },
    };
    let update = match check_updates(session, zone).await {
        Ok(()) => Verdict::Good(Fact::Plain),
        Err(Trouble::Failure(Failure::ZoneAbsent)) => absent(session, cx, zone).await,
        Err(trouble) => {
            let trouble = match trouble {
                Trouble::Failure(failure) => explain_refusal(session, zone, failure).await.into(),
                trouble @ (Trouble::TypesRefused { .. }
                | Trouble::ZoneGone { .. }
                | Trouble::LeftBehind { .. }
                | Trouble::NotUpdatable { .. }) => trouble,
            };
            let is_key_named = names_update_key(session, zone).await;
            let cx = CheckContext {
                is_key_named,
                ..*cx
            };
            let mut bad = cx.explain(trouble);
            if let Some(grant) = grant(session, zone, &bad.trouble).await {
                bad.remedy = Some(grant);
            }
            Verdict::Bad(Box::new(bad))
        }
    };
    (transfer, update)
}

/// Checks the first key of a list alone for a zone that takes another one.
async fn check_first_key<'a>(
    session: &mut Session<'a>,
    cx: &CheckContext<'_>,
    zone: &ZoneName,
    first: &'a SigningKeys,
) -> Checked {
    let all = session.keys;
    let verdict = spare_for_zone(check_zone(session, cx, zone, first).await);
    session.keys = all;
    let check = Check::ZoneKey(first.update.name().clone(), zone.clone());
    Checked::new(check, verdict)
}

/// Returns whether a zone is known to be a producer. PowerDNS: it takes updates of one and does not
/// show them.
async fn is_producer(session: &Session<'_>, zone: &ZoneName) -> bool {
    let Some(server) = powerdns(session.primary) else {
        return false;
    };
    let is_producer = server.is_producer(zone, session.deadline).await;
    is_producer.unwrap_or(false)
}

/// Returns whether the zone's own settings are known to let the key update it.
async fn names_update_key(session: &Session<'_>, zone: &ZoneName) -> bool {
    let Some(server) = powerdns(session.primary) else {
        return false;
    };
    let key = session.keys.update.name();
    let names = server.names_update_key(zone, key, session.deadline).await;
    names.unwrap_or(false)
}

/// Returns what lets BIND's key update a zone that was made at run time, which no line of named.conf does; for the first key
/// of a list, the command of nsbridge.
async fn grant(session: &Session<'_>, zone: &ZoneName, trouble: &Trouble) -> Option<Remedy> {
    let is_of_key = matches!(
        trouble,
        Trouble::Failure(Failure::UpdateRefused { .. }) | Trouble::TypesRefused { .. }
    );
    let keys = session.primary.keys_of(zone.apex());
    let rekey = (!std::ptr::eq(session.keys, keys)).then(|| Remedy {
        place: "a shell of this host",
        lines: vec![format!(
            "nsbridge zone rekey {}",
            zone.apex().to_text_without_dot()
        )],
    });
    match &session.primary.provisioning {
        Some(Provisioning::Provisioner(Provisioner::Rndc(rndc))) if is_of_key => {
            let grant = rndc.grant(zone, session.deadline).await.ok()??;
            Some(rekey.unwrap_or(grant))
        }
        Some(Provisioning::Provisioner(Provisioner::PowerDns(_))) if is_of_key => rekey,
        Some(_) | None => None,
    }
}

fn powerdns(primary: &Primary) -> Option<&PowerDns> {
    match &primary.provisioning {
        Some(Provisioning::Provisioner(Provisioner::PowerDns(server))) => Some(server),
        Some(_) | None => None,
    }
}

/// Returns the verdict on a zone that the primary does not show, which is no trouble if nsbridge can create it.
async fn absent(session: &Session<'_>, cx: &CheckContext<'_>, zone: &ZoneName) -> Verdict {
    let Some(provisioning) = &session.primary.provisioning else {
        return cx.bad(Failure::ZoneAbsent);
    };
    if let Provisioning::Provisioner(provisioner @ Provisioner::Rndc(_)) = provisioning
        && let Ok(status) = provisioner.status(zone, session.deadline).await
        && status != ZoneStatus::Absent
    {
        return cx.bad(Failure::ZoneHidden);
    }
    Verdict::Open(Doubt::ZoneAbsent)
}
