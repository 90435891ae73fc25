//! The checks of how zones are made, up to a real creation where that is wanted.

use tokio::time::Instant;

use super::verdict::{Bad, Check, CheckSettings, Checked, Doubt, Fact, Trouble, Verdict};
use crate::deliver::making::{await_gone, create_by_catalog, idle};
use crate::deliver::outcome::Failure;
use crate::deliver::session::{Catalog, Session};
use crate::deliver::settings::UnownedZones;
use crate::deliver::steps::{Serving, serving};
use crate::model::{InitialZone, Name, Rdata, Record, RecordType, RrSets, Serial, Soa, ZoneName};
use crate::plan::Holding;
use crate::provision::{self, Claim, Created, Deleted, Provisioner, Subject};

/// Longest part of an instance's name in the zone of [`probe_zone`], so that a label holds it.
const INSTANCE_CHARACTERS_MAX: usize = 48;

/// Checks the making of zones.
pub(super) async fn check_making(
    provisioner: &Provisioner,
    settings: &CheckSettings,
    deadline: Instant,
) -> Vec<Checked> {
    let zone = probe_zone(&settings.instance);
    let findings = provisioner.check(&zone, deadline).await;
    let is_clean = |verdict: &provision::Verdict<_>| match verdict {
        provision::Verdict::Good | provision::Verdict::Open(_) => true,
        provision::Verdict::Bad { .. } | provision::Verdict::Untried(_) => false,
    };
    if settings.create && findings.iter().all(|finding| is_clean(&finding.verdict)) {
        let created = create_and_remove(provisioner, &zone, deadline).await;
        return with_creation(findings, created);
    }
    findings.into_iter().map(checked).collect()
}

fn checked(finding: provision::Finding<provision::ProvisionError>) -> Checked {
    let verdict = match finding.verdict {
        provision::Verdict::Good => Verdict::Good(Fact::Plain),
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
            None => checked(finding),
        }
    };
    findings.into_iter().map(creation).collect()
}

/// Makes a zone and removes it; before that, one that an earlier check was killed over.
async fn create_and_remove(
    provisioner: &Provisioner,
    zone: &InitialZone,
    deadline: Instant,
) -> Verdict {
    let name = &zone.name;
    // The name is used for nothing else, so one without a mark was made by a check.
    let remove = || provisioner.delete(name, Claim::Remembered, deadline);
    match remove().await {
        Ok(Deleted::Removed | Deleted::WasAbsent) => {}
        Ok(Deleted::NotOurs(_)) => return Verdict::Open(Doubt::Taken(name.clone())),
        Err(error) => return failed(Trouble::Failure(error.into())),
    }
    match provisioner.create(zone, deadline).await {
        Ok(Created::Full | Created::Placeholder) => {}
        Ok(Created::AlreadyThere(_)) => return Verdict::Open(Doubt::Taken(name.clone())),
        Err(error) => return failed(Trouble::Failure(error.into())),
    }
    match remove().await {
        Ok(Deleted::Removed | Deleted::WasAbsent) => {
            Verdict::Good(Fact::MadeAndRemoved(name.clone()))
        }
        Ok(Deleted::NotOurs(_)) => Verdict::Open(Doubt::Taken(name.clone())),
        Err(error) => failed(Trouble::LeftBehind {
            zone: name.clone(),
            failure: error.into(),
        }),
    }
}

/// Makes a zone by an entry of the catalog and removes it with that; before that, one that an earlier
/// check was killed over. Whatever comes of it, the entry is taken out again.
pub(super) async fn create_and_remove_by_catalog(
    session: &mut Session<'_>,
    catalog: &Catalog,
    settings: &CheckSettings,
) -> Verdict {
    let zone = probe_zone(&settings.instance);
    let name = zone.name.clone();
    match remove_by_catalog(session, catalog, &name).await {
        Ok(true) => {}
        // It is no member, or no longer: what is served comes from elsewhere.
        Ok(false) => return Verdict::Open(Doubt::Taken(name)),
        Err(failure) => return failed(failure.into()),
    }
    let created = create_by_catalog(session, &zone, UnownedZones::Refuse).await;
    let removed = remove_by_catalog(session, catalog, &name).await;
    let removed = removed.and_then(|is_gone| if is_gone { Ok(()) } else { Err(idle(catalog)) });
    match (created, removed) {
        (Ok(Created::AlreadyThere(_)) | Err(Failure::UnownedZone { .. }), _) => {
            Verdict::Open(Doubt::Taken(name))
        }
        (Err(failure), _) => failed(failure.into()),
        (Ok(Created::Full | Created::Placeholder), Err(failure)) => {
            let zone = name;
            failed(Trouble::LeftBehind { zone, failure })
        }
        (Ok(Created::Full | Created::Placeholder), Ok(())) => {
            Verdict::Good(Fact::MadeAndRemoved(name))
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
        Holding::Ours(_) => await_gone(session, zone).await,
        Holding::Nobodys => Ok(serving(session, zone).await? == Serving::No),
        Holding::Unmarked(_) | Holding::Others { .. } => Ok(false),
    }
}

fn failed(trouble: Trouble) -> Verdict {
    let hint = trouble.hint();
    Verdict::Bad(Box::new(Bad {
        trouble,
        hint,
        remedy: None,
    }))
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
