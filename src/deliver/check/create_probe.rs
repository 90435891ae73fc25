//! Checks the ways to create zones, and creates one if the operator asks for that.

use tokio::time::Instant;

use crate::deliver::check::context::{CheckContext, SettingsLocation};
use crate::deliver::check::report::{
    Bad, Check, CheckSettings, Checked, Doubt, Fact, Trouble, Verdict,
};
use crate::deliver::check::update_probe::{check_new_zone, check_updates};
use crate::deliver::create::{await_absence, create_by_catalog, idle};
use crate::deliver::error::Failure;
use crate::deliver::ownership::UnownedZones;
use crate::deliver::ownership::{Mark, marked};
use crate::deliver::server::serving::{Serving, serving};
use crate::deliver::server::{Catalog, Primary, Provisioning, Session, open};
use crate::deliver::state::Provenance;
use crate::deliver::transaction::hidden;
use crate::model::{InitialZone, Name, Rdata, Record, RecordType, RrSets, Serial, Soa, ZoneName};
use crate::plan::{EntryChange, Membership};
use crate::provision::rndc::RndcError;
use crate::provision::{Created, Deleted, ProvisionError, Provisioner, RemovalScope};

/// Longest part of an instance's name in the zone of [`probe_zone`]: a label holds 63 octets.
const INSTANCE_CHARACTERS_MAX: usize = 48;

/// Checks a provisioner.
pub(super) async fn check_provisioner(
    primary: &Primary,
    provisioner: &Provisioner,
    settings: &CheckSettings,
    deadline: Instant,
) -> Vec<Checked> {
    let zone = probe_zone(&settings.instance);
    let cx = CheckContext::new(primary).with_zone(&zone.name, SettingsLocation::Section);
    let access = Check::Access(provisioner.access());
    let mut checks = vec![access.clone(), Check::Creation];
    if let Provisioner::Rndc(_) = provisioner {
        checks.push(Check::Contents);
    }
    let mut findings = provisioner.check(&zone, deadline).await.into_iter();
    let (mut checked, mut obstacle) = (Vec::new(), access);
    for check in checks {
        let verdict = match findings.next() {
            Some(Ok(None)) => Verdict::Good(Fact::Plain),
            Some(Ok(Some(gap))) => Verdict::Open(Doubt::Creation(gap)),
            Some(Err(error)) => {
                obstacle = check.clone();
                bad_provisioner(primary, &cx, error, deadline).await
            }
            None => Verdict::Untried(obstacle.clone()),
        };
        checked.push(Checked::new(check, verdict));
    }
    let is_clean = |it: &Checked| matches!(it.verdict, Verdict::Good(_) | Verdict::Open(_));
    if settings.create && checked.iter().all(is_clean) {
        let clock = settings.clock;
        let created = create_and_delete(primary, provisioner, &zone, clock, deadline).await;
        let is_created = matches!(created, Verdict::Good(_));
        for it in &mut checked {
            if it.check == Check::Contents && matches!(it.verdict, Verdict::Open(_)) {
                it.verdict = if is_created {
                    Verdict::Good(Fact::Plain)
                } else {
                    Verdict::Untried(Check::Creation)
                };
            }
        }
        if let Some(it) = checked.iter_mut().find(|it| it.check == Check::Creation) {
            it.verdict = created;
        }
    }
    checked
}

/// Returns the verdict on an error of a provisioner's check.
async fn bad_provisioner(
    primary: &Primary,
    cx: &CheckContext<'_>,
    error: ProvisionError,
    deadline: Instant,
) -> Verdict {
    let remedy = match (&primary.provisioning, &error) {
        // No `controls` can be at the port of DNS.
        (_, ProvisionError::Rndc(RndcError::Unanswered { server }))
            if *server == primary.endpoint.to_string() =>
        {
            None
        }
        (Some(Provisioning::Provisioner(Provisioner::Rndc(rndc))), ProvisionError::Rndc(error)) => {
            rndc.remedy(error, deadline).await
        }
        _ => None,
    };
    let bad = cx.explain(Failure::from(error));
    let remedy = remedy.or(bad.remedy);
    Verdict::Bad(Box::new(Bad { remedy, ..bad }))
}

/// Checks the ownership of zones by their marks, on a primary without a catalog. Marks cannot be read
/// if there is an `obstacle`.
pub(super) async fn check_marks(
    primary: &Primary,
    zones: &[ZoneName],
    settings: &CheckSettings,
    obstacle: Option<&Check>,
    deadline: Instant,
) -> Vec<Checked> {
    let mut checked = Vec::new();
    for zone in zones {
        let verdict = if let Some(obstacle) = obstacle {
            Verdict::Untried(obstacle.clone())
        } else {
            let session = open(primary, zone.apex(), settings.clock, deadline);
            check_mark(&session, zone, settings).await
        };
        checked.push(Checked::new(Check::Ownership(zone.clone()), verdict));
    }
    checked
}

/// Checks the ownership of a zone by its mark. An adopted zone belongs to this instance whatever
/// its mark, which not every server can change.
pub(super) async fn check_mark(
    session: &Session<'_>,
    zone: &ZoneName,
    settings: &CheckSettings,
) -> Verdict {
    let held = settings.held.get(&session.zone_key(zone));
    if held == Some(&Provenance::Adopted) {
        return Verdict::Good(Fact::Ours);
    }
    let cx = CheckContext::new(session.primary).with_zone(zone, SettingsLocation::Section);
    match marked(session, zone, session.deadline).await {
        Ok(Mark::None) if held.is_none() => Verdict::Good(Fact::Unclaimed),
        Ok(Mark::Ours | Mark::None) => Verdict::Good(Fact::Ours),
        Ok(Mark::Another(instance)) => {
            let zone = zone.clone();
            cx.bad(Failure::OthersZone { zone, instance })
        }
        Err(failure) => cx.bad(failure),
    }
}

/// Deletes the zone that a killed check may have left, then creates it, tries to update it and
/// deletes it.
async fn create_and_delete(
    primary: &Primary,
    provisioner: &Provisioner,
    zone: &InitialZone,
    clock: fn() -> u64,
    deadline: Instant,
) -> Verdict {
    let name = &zone.name;
    let cx = CheckContext::new(primary).with_zone(name, SettingsLocation::Section);
    // Only checks use the name, so a check created even a zone without a mark.
    let delete = || provisioner.delete(name, RemovalScope::Recorded, deadline);
    match delete().await {
        Ok(Deleted::Removed | Deleted::WasAbsent) => {}
        Ok(Deleted::NotOurs(_)) => return Verdict::Open(Doubt::NameTaken(name.clone())),
        Err(error) => return cx.bad(Failure::from(error)),
    }
    match provisioner.create(zone, deadline).await {
        Ok(Created::Full | Created::Placeholder) => {}
        Ok(Created::AlreadyThere(_)) => return Verdict::Open(Doubt::NameTaken(name.clone())),
        Err(error) => return cx.bad(Failure::from(error)),
    }
    let updated = async {
        let mut session = open(primary, name.apex(), clock, deadline);
        let updated = check_new_zone(&mut session, name).await;
        session.release();
        updated
    };
    let updated = updated.await;
    match delete().await {
        Ok(Deleted::Removed | Deleted::WasAbsent) => {
            created_and_deleted(&cx, primary, name, updated)
        }
        Ok(Deleted::NotOurs(_)) => Verdict::Open(Doubt::NameTaken(name.clone())),
        Err(error) => cx.bad(Trouble::LeftBehind {
            zone: name.clone(),
            failure: error.into(),
        }),
    }
}

/// Returns the verdict on a zone that was created and deleted.
fn created_and_deleted(
    cx: &CheckContext<'_>,
    primary: &Primary,
    zone: &ZoneName,
    updated: Result<(), Trouble>,
) -> Verdict {
    let zone = zone.clone();
    match updated {
        Ok(()) => Verdict::Good(Fact::CreatedAndDeleted(zone)),
        Err(trouble) => {
            let trouble = match trouble {
                // It was created.
                Trouble::Failure(Failure::ZoneAbsent) => hidden(primary).into(),
                trouble @ (Trouble::Failure(_)
                | Trouble::TypesRefused { .. }
                | Trouble::ZoneGone { .. }
                | Trouble::LeftBehind { .. }
                | Trouble::NotUpdatable { .. }) => trouble,
            };
            let trouble = Box::new(trouble);
            cx.bad(Trouble::NotUpdatable { zone, trouble })
        }
    }
}

/// Deletes the member zone that a killed check may have left, then creates it through the catalog,
/// tries to update it and deletes it. The entry is removed even if a step fails.
pub(super) async fn create_and_delete_by_catalog(
    session: &mut Session<'_>,
    cx: &CheckContext<'_>,
    catalog: &Catalog,
    settings: &CheckSettings,
) -> Verdict {
    let zone = probe_zone(&settings.instance);
    let name = zone.name.clone();
    let cx = cx.with_zone(&name, SettingsLocation::Template);
    match delete_by_catalog(session, catalog, &name).await {
        Ok(true) => {}
        // It is not a member (any more), so another source serves it.
        Ok(false) => return Verdict::Open(Doubt::NameTaken(name)),
        Err(failure) => return cx.bad(failure),
    }
    let updated = match create_by_catalog(session, &zone, UnownedZones::Refuse).await {
        Ok(Created::Full | Created::Placeholder) => Ok(check_updates(session, &name).await),
        Ok(Created::AlreadyThere(_)) | Err(Failure::UnownedZone { .. }) => {
            Err(Verdict::Open(Doubt::NameTaken(name.clone())))
        }
        Err(failure) => Err(cx.bad(failure)),
    };
    let deleted = delete_by_catalog(session, catalog, &name).await;
    let updated = match updated {
        Ok(updated) => updated,
        Err(verdict) => return verdict,
    };
    let failure = match deleted {
        Ok(true) => return created_and_deleted(&cx, session.primary, &name, updated),
        Ok(false) => idle(catalog),
        Err(failure) => failure,
    };
    let zone = name.clone();
    cx.bad(Trouble::LeftBehind { zone, failure })
}

/// Removes this instance's entry from the catalog. Returns whether the zone is absent then.
async fn delete_by_catalog(
    session: &mut Session<'_>,
    catalog: &Catalog,
    zone: &ZoneName,
) -> Result<bool, Failure> {
    match catalog.change(session, zone, EntryChange::Release).await? {
        Membership::Ours(_) => await_absence(session, zone).await,
        Membership::Absent => Ok(serving(session, zone).await? == Serving::No),
        Membership::Unclaimed(_) | Membership::Other { .. } => Ok(false),
    }
}

/// Returns the zone that an instance's checks may create: always one name, so that the next check
/// repairs a killed one, and below a name that is never delegated (RFC 6761 section 6.4).
fn probe_zone(instance: &str) -> InitialZone {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() { c } else { '-' }
    };
    let instance = instance.chars().map(plain).take(INSTANCE_CHARACTERS_MAX);
    let name = format!("nsbridge-check-{}.invalid", instance.collect::<String>());
    let name = ZoneName::new(&name.parse().expect("plain labels of at most 63 octets"));
    let server: Name = "ns.invalid".parse().expect("a constant name");
    let ns = Record {
        owner: name.apex().clone(),
        rtype: RecordType::NS,
        ttl: 0,
        rdata: Rdata::from_name(&server),
    };
    InitialZone {
        soa: Soa {
            mname: server.clone(),
            rname: server,
            serial: Serial(1),
            refresh: 3600,
            retry: 600,
            expire: 86400,
            minimum: 0,
        },
        name,
        soa_ttl: 0,
        records: RrSets::from_records([ns]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instance_has_a_probe_zone() {
        let name = |instance: &str| probe_zone(instance).name.to_string();
        assert_eq!(name("plesk01"), "nsbridge-check-plesk01.invalid.");
        assert_eq!(name("a_b.example"), "nsbridge-check-a-b-example.invalid.");
        let long = name(&"h".repeat(64));
        assert_eq!(long, format!("nsbridge-check-{}.invalid.", "h".repeat(48)));
        assert_eq!(name(".."), "nsbridge-check---.invalid.");
    }
}
