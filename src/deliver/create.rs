//! Making a zone, by the primary's own interface or by an entry of its catalog.
//!
//! Knot makes zones of its catalog's members, with a template that names no master. The server makes the zone
//! some milliseconds after the entry was written. Up to Knot 3.4.4 it loads a seed that all such zones share;
//! from 3.4.5 it may also have nothing, and then the first UPDATE brings the SOA. Meanwhile it answers as for a
//! zone that it does not have, or SERVFAIL.

use std::time::Duration;

use tokio::time::Instant;

use crate::deliver::error::{Failure, Retry};
use crate::deliver::ownership::{self, catalog, group};
use crate::deliver::policy::{Policy, UnownedZones};
use crate::deliver::server::query::{Serving, serving};
use crate::deliver::server::{Catalog, Provisioning, Read, Session};
use crate::deliver::state::{Provenance, StateChange, StateStore, ZoneKey, ZoneState};
use crate::deliver::update::is_applied;
use crate::model::{InitialZone, Rdata, RecordType, RrSet, RrSets, ZoneName};
use crate::plan::{Batch, Making, Membership, Prerequisite, Update};
use crate::provision::{Created, Creator, ProvisionError, ZoneStatus};
use crate::wire::{self, MESSAGE_OCTETS_MAX, Rcode, Reply};

/// How long a primary may take to make a zone of an entry, or to drop it: three hundred times what
/// Knot takes.
const CATALOG_TIME_MAX: Duration = Duration::from_secs(10);
/// The first pause between two looks; each is twice as long as the one before.
const PAUSE_MIN: Duration = Duration::from_millis(5);
/// The longest pause between two looks.
const PAUSE_MAX: Duration = Duration::from_millis(160);

/// What a zone began with.
enum Beginning {
    /// It is served, with what the primary put into it or what was there before.
    Served,
    /// It was empty, and holds all that it shall.
    Filled,
    /// It was empty, and holds its SOA and name servers: more did not fit a message.
    Founded,
}

/// Makes the zone, remembering before that it is about to be made, where it `is_absent`: one that is
/// there and not loaded may be somebody's, and must never be taken for ours. One that is yet to be
/// filled is still being made.
pub(crate) async fn make(
    session: &mut Session<'_>,
    provisioning: &Provisioning,
    initial: &InitialZone,
    is_absent: bool,
    mut state: ZoneState,
    store: &dyn StateStore,
    policy: &Policy,
) -> Result<Created, Failure> {
    session.take_permit().await?;
    let is_reserved = ownership::reserve(session, provisioning, &initial.name, policy).await?;
    let key = session.zone_key(&initial.name);
    let before = state.provenance;
    if is_absent {
        state.provenance = Provenance::Creating;
    }
    let new = initial.records.minus(&state.managed);
    store.reserve(&key, &mut state, &new).await?;
    let (created, made_nothing) =
        create(session, provisioning, initial, policy.unowned_zones).await;
    let created = match created {
        Ok(created) => created,
        Err(failure) => {
            if is_absent && made_nothing {
                // Whoever makes the zone now is not us, unless an earlier creation came to an unknown
                // end.
                state.provenance = match before {
                    Provenance::Creating => Provenance::Creating,
                    Provenance::Preexisting | Provenance::Created | Provenance::Adopted => {
                        Provenance::Preexisting
                    }
                };
                take_back(store, key, &state, new)?;
                if is_reserved
                    && before == Provenance::Preexisting
                    && failure.retry() == Retry::Permanent
                {
                    ownership::give_up(session, &initial.name).await;
                }
            }
            return Err(failure);
        }
    };
    if let Provisioning::Provisioner(_) = provisioning {
        ownership::list_made(session, &initial.name, &created).await?;
    }
    if let Created::AlreadyThere(ZoneStatus::Other(Creator::Instance(instance))) = &created
        && session.primary.catalog.is_none()
        && before == Provenance::Preexisting
    {
        // Another instance was quicker.
        state.provenance = before;
        take_back(store, key, &state, new)?;
        let (zone, instance) = (initial.name.clone(), instance.clone());
        return Err(Failure::OthersZone { zone, instance });
    }
    match &created {
        Created::Full => state.provenance = Provenance::Created,
        Created::Placeholder => {}
        Created::AlreadyThere(status) => {
            state.provenance = provenance_of(status, before, is_absent);
        }
    }
    let (mut add, mut gone) = (RrSets::default(), RrSets::default());
    if created == Created::Full {
        // Added again, since a deletion by another process may have forgotten them.
        add = initial.records.clone();
        gone = state.managed.minus(&add);
    }
    let verify = if session.primary.read == Read::State {
        add.clone()
    } else {
        RrSets::default()
    };
    store.commit(StateChange {
        verify,
        ..state.change(key, add, gone)
    })?;
    Ok(created)
}

/// Makes the zone; and, where it could not be made, whether it is certain that nothing was.
async fn create(
    session: &mut Session<'_>,
    provisioning: &Provisioning,
    initial: &InitialZone,
    unowned: UnownedZones,
) -> (Result<Created, Failure>, bool) {
    match provisioning {
        Provisioning::Provisioner(provisioner) => {
            let created = provisioner.create(initial, session.deadline).await;
            let made_nothing = created.as_ref().is_err_and(ProvisionError::made_nothing);
            (created.map_err(Failure::from), made_nothing)
        }
        // What a catalog's member became is not known where it failed.
        Provisioning::Catalog { .. } => {
            let created = create_by_catalog(session, initial, unowned).await;
            let made_nothing = matches!(created, Err(Failure::OthersZone { .. }));
            (created, made_nothing)
        }
    }
}

/// Remembers what was known before a zone was to be made: nothing, where that was nothing.
fn take_back(
    store: &dyn StateStore,
    key: ZoneKey,
    state: &ZoneState,
    new: RrSets,
) -> Result<(), Failure> {
    if state.provenance == Provenance::Preexisting && state.managed.is_empty() {
        store.forget(key, state.generation)
    } else {
        store.commit(state.change(key, RrSets::default(), new))
    }
}

/// How a zone came to be that was there when it was to be made. In doubt it is not ours: what is ours is
/// removed with all that it holds.
fn provenance_of(status: &ZoneStatus, before: Provenance, is_absent: bool) -> Provenance {
    match (status, before) {
        // Another process of ours made it since it was read.
        (ZoneStatus::Ours, Provenance::Preexisting) if is_absent => Provenance::Created,
        (ZoneStatus::Ours, Provenance::Creating) => Provenance::Created,
        (ZoneStatus::Ours | ZoneStatus::Unmarked, _) => before,
        (ZoneStatus::Absent | ZoneStatus::Other(_), _) => Provenance::Preexisting,
    }
}

/// Lists a zone in the catalog and waits until it is there.
pub(crate) async fn create_by_catalog(
    session: &mut Session<'_>,
    initial: &InitialZone,
    unowned: UnownedZones,
) -> Result<Created, Failure> {
    let (catalog, group) = (catalog(session)?, group(session));
    let zone = &initial.name;
    let before = catalog
        .list(session, zone, Making::Made, group, unowned)
        .await?;
    let beginning = await_zone(session, initial).await?;
    let beginning = beginning.ok_or_else(|| idle(catalog))?;
    Ok(match (beginning, before) {
        (Beginning::Filled, _) => Created::Full,
        (Beginning::Founded, _) | (Beginning::Served, Membership::Absent) => Created::Placeholder,
        (Beginning::Served, Membership::Ours(member)) if !member.is_listed => Created::Placeholder,
        (Beginning::Served, Membership::Ours(_)) => Created::AlreadyThere(ZoneStatus::Ours),
        (Beginning::Served, Membership::Unclaimed(_)) => {
            Created::AlreadyThere(ZoneStatus::Unmarked)
        }
        (Beginning::Served, Membership::Other { instance, .. }) => {
            Created::AlreadyThere(ZoneStatus::Other(Creator::Instance(instance)))
        }
    })
}

/// That the primary has not followed its catalog in time.
pub(crate) fn idle(catalog: &Catalog) -> Failure {
    Failure::CatalogIdle {
        catalog: catalog.zone().clone(),
        seconds: CATALOG_TIME_MAX.as_secs(),
    }
}

/// Waits until the zone is there; none where that takes too long.
async fn await_zone(
    session: &mut Session<'_>,
    initial: &InitialZone,
) -> Result<Option<Beginning>, Failure> {
    let mut pauses = Pauses::new();
    loop {
        match serving(session, &initial.name).await? {
            Serving::Yes => return Ok(Some(Beginning::Served)),
            Serving::NotLoaded => {
                if let Some(beginning) = fill_empty(session, initial).await? {
                    return Ok(Some(beginning));
                }
            }
            Serving::No | Serving::KeyDenied => {}
        }
        if !pauses.pause(session).await? {
            return Ok(None);
        }
    }
}

/// Waits until the zone is gone; no where that takes too long.
pub(crate) async fn await_gone(
    session: &mut Session<'_>,
    zone: &ZoneName,
) -> Result<bool, Failure> {
    let mut pauses = Pauses::new();
    while serving(session, zone).await? != Serving::No {
        if !pauses.pause(session).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Gives a zone that has no SOA its first contents; none where it cannot take them now.
async fn fill_empty(
    session: &mut Session<'_>,
    initial: &InitialZone,
) -> Result<Option<Beginning>, Failure> {
    let key = &session.primary.key;
    let octets_max = MESSAGE_OCTETS_MAX - wire::tsig_octets(key);
    let whole = first_batch(initial, |_| true);
    let (batch, beginning) = if whole.octets() <= octets_max {
        (whole, Beginning::Filled)
    } else {
        let founding = first_batch(initial, |set| initial.name.is_apex_ns(set));
        (founding, Beginning::Founded)
    };
    let reply = session.update_once(&batch, key).await?;
    let is_early = match &reply {
        // It is not made yet, or it is loading.
        Reply::Unsigned(_) | Reply::BadKey => true,
        Reply::Authentic(response) => response.rcode == Rcode::SERVFAIL,
        Reply::BadSig
        | Reply::BadTime { .. }
        | Reply::BadTrunc
        | Reply::Forged(_)
        | Reply::Malformed(_) => false,
    };
    if is_early {
        return Ok(None);
    }
    // Where it has an SOA by now, somebody else was faster.
    Ok(is_applied(reply, key.name())?.then_some(beginning))
}

/// The SOA and those of the records that are asked for, to a zone without an SOA.
fn first_batch(initial: &InitialZone, takes: impl Fn(&RrSet) -> bool) -> Batch {
    let apex = initial.name.apex();
    let add = |set: &RrSet, rdata: &Rdata| Update::Add {
        owner: set.owner.clone(),
        rtype: set.rtype,
        ttl: set.ttl,
        rdata: rdata.clone(),
    };
    let soa = RrSet {
        owner: apex.clone(),
        rtype: RecordType::SOA,
        ttl: initial.soa_ttl,
        rdatas: vec![initial.soa.to_rdata()],
    };
    let rest = initial.records.iter().filter(|set| takes(set));
    let sets = std::iter::once(&soa).chain(rest);
    let updates = sets.flat_map(|set| set.rdatas.iter().map(|rdata| add(set, rdata)));
    Batch {
        zone: initial.name.clone(),
        prerequisites: vec![Prerequisite::Absent {
            owner: apex.clone(),
            rtype: RecordType::SOA,
        }],
        updates: updates.collect(),
    }
}

/// Pauses that grow, for as long as a primary may take.
struct Pauses {
    next: Duration,
    end: Instant,
}

impl Pauses {
    fn new() -> Self {
        Self {
            next: PAUSE_MIN,
            end: Instant::now() + CATALOG_TIME_MAX,
        }
    }

    /// Waits a little; no where the time is over.
    async fn pause(&mut self, session: &Session<'_>) -> Result<bool, Failure> {
        if Instant::now() + self.next >= session.deadline {
            return Err(Failure::DeadlinePassed);
        }
        tokio::time::sleep(self.next).await;
        self.next = PAUSE_MAX.min(self.next * 2);
        Ok(Instant::now() < self.end)
    }
}
