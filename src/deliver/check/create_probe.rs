//! The checks of how zones are made, up to a real creation where that is wanted.

use tokio::time::Instant;

use crate::deliver::check::context::Asker;
use crate::deliver::check::remedy::Home;
use crate::deliver::check::report::{
    Bad, Check, CheckSettings, Checked, Doubt, Fact, Trouble, Verdict,
};
use crate::deliver::check::update_probe::{check_new_zone, check_updates};
use crate::deliver::create::{await_gone, create_by_catalog, idle};
use crate::deliver::error::Failure;
use crate::deliver::ownership::{Mark, marked};
use crate::deliver::policy::UnownedZones;
use crate::deliver::server::query::{Serving, serving};
use crate::deliver::server::{Catalog, Primary, Session, open};
use crate::deliver::state::Provenance;
use crate::model::{InitialZone, Name, Rdata, Record, RecordType, RrSets, Serial, Soa, ZoneName};
use crate::plan::Membership;
use crate::provision::{self, Created, Deleted, Provisioner, RemovalScope, Subject};

/// Longest part of an instance's name in the zone of [`probe_zone`], so that a label holds it.
const INSTANCE_CHARACTERS_MAX: usize = 48;

/// Checks the making of zones.
pub(super) async fn check_making(
    primary: &Primary,
    provisioner: &Provisioner,
    policy: &CheckSettings,
    deadline: Instant,
) -> Vec<Checked> {
    let zone = probe_zone(&policy.instance);
    let asker = Asker::new(primary).about(&zone.name, Home::Section);
    let findings = provisioner.check(&zone, deadline).await;
    let is_clean = |verdict: &provision::Verdict<_>| match verdict {
        provision::Verdict::Good | provision::Verdict::Open(_) => true,
        provision::Verdict::Bad { .. } | provision::Verdict::Untried(_) => false,
    };
    if policy.create && findings.iter().all(|finding| is_clean(&finding.verdict)) {
        let clock = policy.clock;
        let created = create_and_remove(primary, provisioner, &zone, clock, deadline).await;
        return with_creation(&asker, findings, created);
    }
    let checked = |finding| checked(&asker, finding);
    findings.into_iter().map(checked).collect()
}

fn checked(asker: &Asker<'_>, finding: provision::Finding<provision::ProvisionError>) -> Checked {
    let verdict = match finding.verdict {
        provision::Verdict::Good => Verdict::Good(Fact::Plain),
        provision::Verdict::Bad {
            error,
            remedy: None,
        } => asker.bad(Failure::from(error)),
        provision::Verdict::Bad { error, remedy } => {
            let trouble = Trouble::Failure(error.into());
            let hint = trouble.hint();
            Verdict::Bad(Box::new(Bad {
                trouble,
                hint,
                remedy,
            }))
        }
        provision::Verdict::Open(gap) => Verdict::Open(Doubt::Creation(gap)),
        provision::Verdict::Untried(subject) => Verdict::Untried(Check::Provision(subject)),
    };
    Checked {
        check: Check::Provision(finding.subject),
        verdict,
    }
}

/// The findings, with what a real creation told in place of what was not known.
fn with_creation(
    asker: &Asker<'_>,
    findings: Vec<provision::Finding<provision::ProvisionError>>,
    created: Verdict,
) -> Vec<Checked> {
    let is_good = matches!(created, Verdict::Good(_));
    let mut created = Some(created);
    let creation = |finding: provision::Finding<_>| {
        let is_open = matches!(finding.verdict, provision::Verdict::Open(_));
        let check = Check::Provision(finding.subject);
        let verdict = match finding.subject {
            Subject::Creation => created.take(),
            Subject::Contents if is_open && is_good => Some(Verdict::Good(Fact::Plain)),
            Subject::Contents if is_open => {
                Some(Verdict::Untried(Check::Provision(Subject::Creation)))
            }
            Subject::Channel | Subject::Contents => None,
        };
        match verdict {
            Some(verdict) => Checked { check, verdict },
            None => checked(asker, finding),
        }
    };
    findings.into_iter().map(creation).collect()
}

/// Checks whose each zone is, where no catalog tells and `is_reachable` says that marks can be asked for.
pub(super) async fn check_marks(
    primary: &Primary,
    zones: &[ZoneName],
    policy: &CheckSettings,
    is_reachable: bool,
    deadline: Instant,
) -> Vec<Checked> {
    let mut checked = Vec::new();
    for zone in zones {
        let verdict = if is_reachable {
            match open(primary, policy.clock, deadline).await {
                Ok(session) => check_mark(&session, zone, policy).await,
                Err(failure) => Asker::new(primary).bad(failure),
            }
        } else {
            Verdict::Untried(Check::Provision(Subject::Channel))
        };
        let check = Check::Owner(zone.clone());
        checked.push(Checked { check, verdict });
    }
    checked
}

/// Checks whose a zone is, by the mark of who made it. One that was adopted is this instance's whatever its
/// mark, which not every server can change.
pub(super) async fn check_mark(
    session: &Session<'_>,
    zone: &ZoneName,
    policy: &CheckSettings,
) -> Verdict {
    let held = policy.held.get(&session.zone_key(zone));
    if held == Some(&Provenance::Adopted) {
        return Verdict::Good(Fact::Ours);
    }
    let asker = Asker::new(session.primary).about(zone, Home::Section);
    match marked(session, zone, session.deadline).await {
        Ok(Mark::None) if held.is_none() => Verdict::Good(Fact::Nobodys),
        Ok(Mark::Ours | Mark::None) => Verdict::Good(Fact::Ours),
        Ok(Mark::Another(instance)) => {
            let zone = zone.clone();
            asker.bad(Failure::OthersZone { zone, instance })
        }
        Err(failure) => asker.bad(failure),
    }
}

/// Makes a zone, tries to update it and removes it; before that, one that an earlier check was killed over.
async fn create_and_remove(
    primary: &Primary,
    provisioner: &Provisioner,
    zone: &InitialZone,
    clock: fn() -> u64,
    deadline: Instant,
) -> Verdict {
    let name = &zone.name;
    let asker = Asker::new(primary).about(name, Home::Section);
    // The name is used for nothing else, so one without a mark was made by a check.
    let remove = || provisioner.delete(name, RemovalScope::Recorded, deadline);
    match remove().await {
        Ok(Deleted::Removed | Deleted::WasAbsent) => {}
        Ok(Deleted::NotOurs(_)) => return Verdict::Open(Doubt::Taken(name.clone())),
        Err(error) => return asker.bad(Failure::from(error)),
    }
    match provisioner.create(zone, deadline).await {
        Ok(Created::Full | Created::Placeholder) => {}
        Ok(Created::AlreadyThere(_)) => return Verdict::Open(Doubt::Taken(name.clone())),
        Err(error) => return asker.bad(Failure::from(error)),
    }
    let updated = async {
        let mut session = open(primary, clock, deadline).await?;
        let updated = check_new_zone(&mut session, name).await;
        session.release();
        updated
    };
    let updated = updated.await;
    match remove().await {
        Ok(Deleted::Removed | Deleted::WasAbsent) => made_and_removed(&asker, name, updated),
        Ok(Deleted::NotOurs(_)) => Verdict::Open(Doubt::Taken(name.clone())),
        Err(error) => asker.bad(Trouble::LeftBehind {
            zone: name.clone(),
            failure: error.into(),
        }),
    }
}

fn made_and_removed(asker: &Asker<'_>, zone: &ZoneName, updated: Result<(), Trouble>) -> Verdict {
    let zone = zone.clone();
    match updated {
        Ok(()) => Verdict::Good(Fact::MadeAndRemoved(zone)),
        Err(trouble) => asker.bad(Trouble::NotUpdatable {
            zone,
            trouble: Box::new(trouble),
        }),
    }
}

/// Makes a zone by an entry of the catalog, tries to update it and removes it with that; before that, one
/// that an earlier check was killed over. Whatever comes of it, the entry is taken out again.
pub(super) async fn create_and_remove_by_catalog(
    session: &mut Session<'_>,
    asker: &Asker<'_>,
    catalog: &Catalog,
    policy: &CheckSettings,
) -> Verdict {
    let zone = probe_zone(&policy.instance);
    let name = zone.name.clone();
    let asker = asker.about(&name, Home::Template);
    match remove_by_catalog(session, catalog, &name).await {
        Ok(true) => {}
        // It is no member, or no longer: what is served comes from elsewhere.
        Ok(false) => return Verdict::Open(Doubt::Taken(name)),
        Err(failure) => return asker.bad(failure),
    }
    let created = create_by_catalog(session, &zone, UnownedZones::Refuse).await;
    let updated = match created {
        Ok(Created::Full | Created::Placeholder) => check_updates(session, &name).await,
        Ok(Created::AlreadyThere(_)) | Err(_) => Ok(()),
    };
    let removed = remove_by_catalog(session, catalog, &name).await;
    let removed = removed.and_then(|is_gone| if is_gone { Ok(()) } else { Err(idle(catalog)) });
    match (created, removed) {
        (Ok(Created::AlreadyThere(_)) | Err(Failure::UnownedZone { .. }), _) => {
            Verdict::Open(Doubt::Taken(name.clone()))
        }
        (Err(failure), _) => asker.bad(failure),
        (Ok(Created::Full | Created::Placeholder), Err(failure)) => {
            let zone = name.clone();
            asker.bad(Trouble::LeftBehind { zone, failure })
        }
        (Ok(Created::Full | Created::Placeholder), Ok(())) => {
            made_and_removed(&asker, &name, updated)
        }
    }
}

/// Takes the entry of this instance out, and says whether nobody serves the zone then.
async fn remove_by_catalog(
    session: &mut Session<'_>,
    catalog: &Catalog,
    zone: &ZoneName,
) -> Result<bool, Failure> {
    match catalog.release(session, zone).await? {
        Membership::Ours(_) => await_gone(session, zone).await,
        Membership::Absent => Ok(serving(session, zone).await? == Serving::No),
        Membership::Unclaimed(_) | Membership::Other { .. } => Ok(false),
    }
}

/// The zone that an instance's checks may make: always the same, so that one that was killed is
/// repaired by the next, and below a name that is never delegated (RFC 6761 section 6.4).
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
    fn every_instance_has_a_zone_to_try_with() {
        let name = |instance: &str| probe_zone(instance).name.to_string();
        assert_eq!(name("plesk01"), "nsbridge-check-plesk01.invalid.");
        assert_eq!(name("a_b.example"), "nsbridge-check-a-b-example.invalid.");
        let long = name(&"h".repeat(64));
        assert_eq!(long, format!("nsbridge-check-{}.invalid.", "h".repeat(48)));
        assert_eq!(name(".."), "nsbridge-check---.invalid.");
    }
}
