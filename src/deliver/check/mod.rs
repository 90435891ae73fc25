//! Whether deliveries to a primary can succeed, found out without changing anything there.
//!
//! Each check presupposes some before it; one whose presupposition does not hold is said to be
//! untried, so that every check is in the result whatever happens. The making of zones is checked
//! beside the rest, since it goes another way.
//!
//! Whether a key may update a zone is asked by an UPDATE of records that are not there, guarded by two
//! prerequisites that contradict each other: it is never carried out. An empty UPDATE would not do:
//! BIND applies `update-policy` to the records of the update section, before it looks at
//! prerequisites, and its NOERROR to an empty one says nothing. PowerDNS and Knot look at the key
//! before both.

mod making;
mod remedy;
mod verdict;

use futures_util::future::join;
use tokio::time::Instant;

use super::outcome::Failure;
use super::session::{Catalog, Maker, Primary, Read, Session, open};
use super::steps::{Found, authentic, is_applied, read_zone};
use crate::model::{Name, Rdata, RecordType, ZoneName};
use crate::plan::{Batch, Holding, Prerequisite, Update};
use crate::provision::{Software, Subject};
use crate::wire::{Forgery, Key, Rcode, Reply};
use making::{check_making, create_and_remove_by_catalog};
use remedy::remedy;

pub use verdict::{Bad, Check, CheckSettings, Checked, Doubt, Fact, Trouble, Verdict};

/// From this offset on, in seconds, a clock is worth a look: signatures fail from 300 on.
const OFFSET_ODD_SECONDS: u64 = 60;

/// The types that zones mostly have.
const FORWARD_TYPES: [RecordType; 9] = [
    RecordType::SOA,
    RecordType::NS,
    RecordType::A,
    RecordType::AAAA,
    RecordType::CNAME,
    RecordType::MX,
    RecordType::TXT,
    RecordType::SRV,
    RecordType::CAA,
];
/// The types that reverse zones have.
const REVERSE_TYPES: [RecordType; 3] = [RecordType::SOA, RecordType::NS, RecordType::PTR];

/// Checks a primary with these zones of it.
pub async fn check(
    primary: &Primary,
    zones: &[ZoneName],
    settings: &CheckSettings,
    deadline: Instant,
) -> Vec<Checked> {
    let dns = check_dns(primary, zones, settings, deadline);
    let Some(Maker::Provisioner(provisioner)) = &primary.maker else {
        return dns.await;
    };
    let making = check_making(provisioner, settings, deadline);
    let (mut checked, made) = join(dns, making).await;
    checked.extend(made);
    checked
}

/// Checks all that goes over DNS.
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
        Ok((session, peer))
    };
    let (mut session, peer) = match connected.await {
        Ok(connected) => connected,
        Err(failure) => {
            add(Check::Reachable, bad(failure, primary, None));
            add(key, Verdict::Untried(Check::Reachable));
            add(Check::Clock, Verdict::Untried(Check::Reachable));
            for check in zone_checks(primary, zones, settings) {
                add(check, Verdict::Untried(Check::Reachable));
            }
            return checked;
        }
    };
    add(Check::Reachable, Verdict::Good(Fact::Connected(peer)));
    let signing = match check_signing(&mut session, zones).await {
        Ok(signing) => signing,
        Err(failure) => Signing {
            key: bad(failure, primary, None),
            clock: Verdict::Untried(key.clone()),
            obstacle: Some(key.clone()),
        },
    };
    add(key, signing.key);
    add(Check::Clock, signing.clock);
    if let Some(obstacle) = signing.obstacle {
        for check in zone_checks(primary, zones, settings) {
            add(check, Verdict::Untried(obstacle.clone()));
        }
        return checked;
    }
    if zones.is_empty() {
        add(Check::Transfer(None), transfers_without_zone(primary));
        add(Check::Update(None), Verdict::Open(Doubt::NoZone));
    }
    for zone in zones {
        let (transfer, update) = check_zone(&mut session, zone).await;
        add(Check::Transfer(Some(zone.clone())), transfer);
        add(Check::Update(Some(zone.clone())), update);
    }
    if let Some(catalog) = &primary.catalog {
        let (contents, update) = check_catalog(&mut session, catalog).await;
        let members = Check::Members(catalog.zone().clone());
        let may_list = matches!(update, Verdict::Good(_));
        add(Check::Catalog(catalog.zone().clone()), contents);
        add(members.clone(), update);
        for zone in zones {
            let owner = check_owner(&mut session, catalog, zone).await;
            add(Check::Owner(zone.clone()), owner);
        }
        if is_creation_tried(primary, settings) {
            let creation = if may_list {
                create_and_remove_by_catalog(&mut session, catalog, settings).await
            } else {
                Verdict::Untried(members)
            };
            add(Check::Provision(Subject::Creation), creation);
        }
    }
    session.release();
    checked
}

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
        checks.extend(zones.iter().cloned().map(Check::Owner));
        if is_creation_tried(primary, settings) {
            checks.push(Check::Provision(Subject::Creation));
        }
    }
    checks
}

/// Whether a zone is really made by an entry of the catalog; other makers are checked beside DNS.
fn is_creation_tried(primary: &Primary, settings: &CheckSettings) -> bool {
    settings.create && matches!(primary.maker, Some(Maker::Catalog { .. }))
}

/// Checks the catalog that the primary keeps: what it holds, and whether members may be added.
async fn check_catalog(session: &mut Session<'_>, catalog: &Catalog) -> (Verdict, Verdict) {
    let (primary, zone) = (session.primary, catalog.zone());
    let contents = match catalog.census(session).await {
        Ok(census) if census.problems.is_empty() => Verdict::Good(Fact::Members(census)),
        Ok(census) => Verdict::Odd(Fact::Members(census)),
        Err(failure) => {
            let bad = bad_with_key(failure.into(), primary, &catalog.key, Some(zone));
            return (bad, Verdict::Untried(Check::Catalog(zone.clone())));
        }
    };
    let below = zone.apex().child(b"zones");
    let below = below.expect("a catalog's name leaves room for its members");
    let types = [RecordType::PTR, RecordType::TXT];
    let update = match try_update(session, zone, (&below, &catalog.key), &types).await {
        Ok(None) => Verdict::Good(Fact::Plain),
        Ok(Some(failure)) | Err(failure) => {
            let failure = catalog.in_context(failure);
            bad_with_key(failure.into(), primary, &catalog.key, Some(zone))
        }
    };
    (contents, update)
}

fn transfers_without_zone(primary: &Primary) -> Verdict {
    match primary.read {
        Read::Memory => Verdict::Good(Fact::ReadFromMemory),
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
    let root = Name::root();
    let asked = zones.first().map_or(&root, ZoneName::apex);
    let reply = session.query(asked, RecordType::SOA).await?;
    let primary = session.primary;
    let key_check = Check::Key(primary.key.name().clone());
    let wrong_clock = |offset_seconds| bad(Failure::BadTime { offset_seconds }, primary, None);
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
        // Knot has no other answer for a zone that it does not have; keys it would deny by name.
        Reply::Unsigned(rcode) if zones.is_empty() || rcode == Rcode::REFUSED => Signing {
            key: Verdict::Open(Doubt::Unsigned(rcode)),
            clock: Verdict::Open(Doubt::Unsigned(rcode)),
            obstacle: None,
        },
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

/// Checks whose a zone is, by the catalog.
async fn check_owner(session: &mut Session<'_>, catalog: &Catalog, zone: &ZoneName) -> Verdict {
    let primary = session.primary;
    match catalog.holding(session, zone).await {
        Ok(Holding::Ours(_)) => Verdict::Good(Fact::Ours),
        Ok(Holding::Unmarked(_) | Holding::Nobodys) => Verdict::Good(Fact::Nobodys),
        Ok(Holding::Others { instance, .. }) => {
            let zone_name = zone.clone();
            let failure = Failure::OthersZone {
                zone: zone_name,
                instance,
            };
            bad(failure, primary, Some(zone))
        }
        Err(_) => Verdict::Untried(Check::Catalog(catalog.zone().clone())),
    }
}

/// Checks transfer and updates of one zone.
async fn check_zone(session: &mut Session<'_>, zone: &ZoneName) -> (Verdict, Verdict) {
    let primary = session.primary;
    let transfer_check = Check::Transfer(Some(zone.clone()));
    let transfer = match primary.read {
        Read::Memory => Verdict::Good(Fact::ReadFromMemory),
        Read::Transfer => match read_zone(session, zone).await {
            Ok(Found::Zone(_)) => Verdict::Good(Fact::Plain),
            Ok(Found::Absent | Found::NotShown(_)) => {
                let absent = absent(primary, zone);
                return (absent, Verdict::Untried(transfer_check));
            }
            Ok(Found::NotLoaded(rcode)) => {
                let bad = bad(Failure::ZoneNotLoaded { rcode }, primary, Some(zone));
                return (bad, Verdict::Untried(transfer_check));
            }
            Err(failure) => {
                bad_with_key(failure.into(), primary, &primary.transfer_key, Some(zone))
            }
        },
    };
    let update = match check_updates(session, zone).await {
        Ok(()) => Verdict::Good(Fact::Plain),
        Err(Trouble::Failure(Failure::ZoneAbsent)) => absent(primary, zone),
        Err(trouble) => bad_with_key(trouble, primary, &primary.key, Some(zone)),
    };
    (transfer, update)
}

fn absent(primary: &Primary, zone: &ZoneName) -> Verdict {
    if primary.maker.is_some() {
        Verdict::Open(Doubt::ZoneAbsent)
    } else {
        bad(Failure::ZoneAbsent, primary, Some(zone))
    }
}

/// Asks whether records may be updated: of all types at once, and where that is refused one by one.
async fn check_updates(session: &mut Session<'_>, zone: &ZoneName) -> Result<(), Trouble> {
    let is_reverse = ["in-addr.arpa", "ip6.arpa"].iter().any(|suffix| {
        let suffix: Name = suffix.parse().expect("a constant name");
        zone.apex().is_at_or_below(&suffix)
    });
    let types = if is_reverse {
        REVERSE_TYPES.as_slice()
    } else {
        FORWARD_TYPES.as_slice()
    };
    let primary = session.primary;
    let place = (zone.apex(), &primary.key);
    let Some(refusal) = try_update(session, zone, place, types).await? else {
        return Ok(());
    };
    let mut refused = Vec::new();
    for rtype in types {
        if try_update(session, zone, place, &[*rtype]).await?.is_some() {
            refused.push(*rtype);
        }
    }
    if refused.len() == types.len() {
        return Err(refusal.into());
    }
    Err(Trouble::TypesRefused {
        types: refused,
        key: session.primary.key.name().clone(),
    })
}

/// Sends an UPDATE of records below a name that would change nothing if it were carried out, and is not;
/// the refusal, where these types are refused to the key.
async fn try_update(
    session: &mut Session<'_>,
    zone: &ZoneName,
    (below, key): (&Name, &Key),
    types: &[RecordType],
) -> Result<Option<Failure>, Failure> {
    let random = getrandom::u64().map_err(Failure::Random)?;
    let label = format!("nsbridge-check-{random:016x}");
    // A zone whose name is so long that it leaves no room for the label is asked about by its apex.
    let owner = below.child(label.as_bytes());
    let owner = owner.unwrap_or_else(|_| below.clone());
    let (set, rtype) = (owner.clone(), RecordType::TXT);
    let update = |rtype: &RecordType| {
        let rdata = unlikely_data(*rtype, &owner);
        let owner = if [RecordType::SOA, RecordType::NS].contains(rtype) {
            zone.apex().clone()
        } else {
            owner.clone()
        };
        let (rtype, ttl) = (*rtype, 0);
        // BIND looks for no permission to remove one of these that is not there.
        if [RecordType::SRV, RecordType::PTR].contains(&rtype) {
            Update::Add {
                owner,
                rtype,
                ttl,
                rdata,
            }
        } else {
            Update::Remove {
                owner,
                rtype,
                rdata,
            }
        }
    };
    let batch = Batch {
        zone: zone.clone(),
        // Whatever the zone holds, one of them does not hold.
        prerequisites: vec![
            Prerequisite::Exists {
                owner: set.clone(),
                rtype,
            },
            Prerequisite::Absent { owner: set, rtype },
        ],
        updates: types.iter().map(update).collect(),
    };
    let reply = session.update_signed(&batch, key).await?;
    match is_applied(reply, key.name()) {
        Ok(_) => Ok(None),
        Err(Failure::UpdateRefused { rcode, .. })
            if [Rcode::NOTAUTH, Rcode::NOTZONE].contains(&rcode) =>
        {
            Err(Failure::ZoneAbsent)
        }
        Err(refusal @ Failure::UpdateRefused { .. }) => Ok(Some(refusal)),
        // So Knot says that the key, which it knows, may not.
        Err(
            Failure::BadKey { key }
            | Failure::Unsigned {
                rcode: Rcode::NOTAUTH | Rcode::REFUSED,
                key,
            },
        ) => {
            let (rcode, extended) = (Rcode::NOTAUTH, None);
            Ok(Some(Failure::UpdateRefused {
                rcode,
                extended,
                key,
            }))
        }
        Err(other) => Err(other),
    }
}

/// Well-formed data that no record of the zone has: `owner` is random.
fn unlikely_data(rtype: RecordType, owner: &Name) -> Rdata {
    let name = owner.as_wire();
    Rdata::from_canonical(match rtype {
        RecordType::A => vec![192, 0, 2, 0],
        RecordType::AAAA => [&[0x20, 1, 0xd, 0xb8][..], &[0; 12]].concat(),
        RecordType::MX => [&[0, 0][..], name].concat(),
        RecordType::SRV => [&[0; 6][..], name].concat(),
        RecordType::TXT => b"\x0ensbridge-check".to_vec(),
        RecordType::CAA => b"\0\x05issue;".to_vec(),
        RecordType::SOA => [name, name, &[0; 20]].concat(),
        _ => name.to_vec(),
    })
}

fn bad(failure: Failure, primary: &Primary, zone: Option<&ZoneName>) -> Verdict {
    bad_with_key(failure.into(), primary, &primary.key, zone)
}

fn bad_with_key(
    trouble: Trouble,
    primary: &Primary,
    key: &Key,
    zone: Option<&ZoneName>,
) -> Verdict {
    let software = match &primary.maker {
        Some(Maker::Provisioner(provisioner)) => provisioner.software(),
        // The one server that makes primary zones of a catalog's members.
        Some(Maker::Catalog { .. }) => Software::Knot,
        None => Software::Unknown,
    };
    let remedy = remedy(&trouble, software, key, zone);
    // What failures hint at is written for BIND.
    let hint = match (&remedy, software) {
        (Some(remedy), Software::PowerDns | Software::Knot) => {
            format!("what is missing belongs into {}", remedy.place)
        }
        (None, _) | (Some(_), Software::Bind | Software::Unknown) => trouble.hint(),
    };
    Verdict::Bad(Box::new(Bad {
        trouble,
        hint,
        remedy,
    }))
}
