//! Creates a zone by the interface of its primary, or by an entry of the primary's catalog.
//!
//! Knot creates a primary zone of each member zone, by a template that names no master, some milliseconds
//! after the entry was written. Knot up to 3.4.4 loads a seed that all such zones share; Knot from 3.4.5 may
//! also load nothing, and then the first UPDATE adds the SOA. Meanwhile it answers as for a zone that it does
//! not have, or SERVFAIL.

mod adopt;
mod moved;
pub(super) mod rekey;

use std::time::Duration;

use tokio::time::Instant;

pub(crate) use adopt::adopt;
pub use adopt::{Adopted, AdoptedFrom, Adoption, FormerOwner};
pub(crate) use moved::{
    FOLLOW_SECONDS, Wanted, announce, check_moved, elsewhere, have_two_catalogs, relabel,
};

use crate::deliver::context::Context;
use crate::deliver::error::{Failure, Retry};
use crate::deliver::ownership::{self, UnownedZones, catalog};
use crate::deliver::server::query::is_applied;
use crate::deliver::server::serving::{Serving, serving};
use crate::deliver::server::{Catalog, Primary, Provisioning, Session};
use crate::deliver::state::{Provenance, StateChange, ZoneKey, ZoneState};
use crate::model::{InitialZone, RecordType, RrSet, RrSets, ZoneName};
use crate::plan::{Batch, EntryChange, Membership, Prerequisite, Update};
use crate::provision::{Created, Creator, RemovalScope, ZoneStatus};
use crate::wire::{MESSAGE_OCTETS_MAX, Rcode, Reply};

/// How long a primary may take to create a member zone, or to drop it: three hundred times what Knot takes.
const CATALOG_TIME_MAX: Duration = Duration::from_secs(10);
/// The first pause between two looks; each is twice as long as the one before.
const PAUSE_MIN: Duration = Duration::from_millis(5);
/// The longest pause between two looks.
const PAUSE_MAX: Duration = Duration::from_millis(160);

/// Refuses to create a zone whose name the provisioner cannot write.
pub(crate) fn check_name(primary: &Primary, zone: &ZoneName) -> Result<(), Failure> {
    match &primary.provisioning {
        Some(Provisioning::Provisioner(provisioner)) => Ok(provisioner.check_name(zone)?),
        Some(Provisioning::Catalog { .. }) | None => Ok(()),
    }
}

/// Creates the zone, and reserves its records before.
///
/// `is_absent` is false for a zone that is there and not loaded: it may belong to another instance, and this
/// instance must never claim it. The state keeps a zone that is yet to be filled as being created.
pub(crate) async fn create(
    cx: &mut Context<'_>,
    initial: &InitialZone,
    is_absent: bool,
    mut state: ZoneState,
) -> Result<Created, Failure> {
    cx.session.take_permit().await?;
    let zone = &initial.name;
    let key = cx.session.zone_key(zone);
    let before = state.provenance;
    let was_known = state.is_known() && before != Provenance::Creating;
    // A zone that vanished: its entry stays, so that no consumer drops what it has before the zone is back with a later
    // serial.
    let is_new = is_absent && !(was_known && state.serial.is_some());
    let is_reserved = reserve(cx, zone, is_new, was_known).await?;
    if is_absent {
        state.provenance = Provenance::Creating;
        state.key_tags.clear();
    }
    let new = initial.records.minus(&state.managed);
    cx.store.reserve(&key, &mut state, new.clone()).await?;
    let created = match create_on_primary(cx, initial).await {
        Ok(created) => created,
        Err(failure) => {
            if is_absent && is_certainly_absent(&failure) {
                // Another instance may create the zone now, unless an earlier creation came to an unknown end.
                if before != Provenance::Creating {
                    state.provenance = Provenance::Preexisting;
                }
                roll_back(cx, key, &state, new)?;
                if is_reserved
                    && before == Provenance::Preexisting
                    && failure.retry() == Retry::Permanent
                {
                    ownership::give_up(&mut cx.session, zone).await;
                }
            }
            return Err(failure);
        }
    };
    let checked = check_created(cx, zone, &created, before, was_known).await;
    if let Err(failure) = checked {
        // After another failure the zone may be there: the next attempt finds it being created.
        if failure.is_of_owner() {
            state.provenance = Provenance::Preexisting;
            roll_back(cx, key, &state, new)?;
            if is_reserved {
                ownership::give_up(&mut cx.session, zone).await;
            }
        }
        return Err(failure);
    }
    if let Some(Provisioning::Provisioner(_)) = cx.session.primary.provisioning {
        ownership::list_created(&mut cx.session, zone, &created).await?;
    }
    let (mut add, mut drop) = (RrSets::default(), RrSets::default());
    let mut serial = None;
    match &created {
        Created::Full => {
            serial = Some(initial.soa.serial);
            state.provenance = Provenance::Created;
            // Added again, since a deletion by another process may have dropped them.
            add = initial.records.clone();
            drop = state.managed.minus(&add);
        }
        Created::Placeholder => {}
        Created::AlreadyThere(status) => {
            let provenance = provenance_of(status, before, is_absent);
            // `Created` is final with the update that fills the zone: a process that is killed before it leaves a zone
            // whose first contents are placeholders.
            state.provenance = if provenance == Provenance::Created {
                Provenance::Creating
            } else {
                provenance
            };
        }
    }
    let verify = if cx.session.abilities.shows_zones() {
        RrSets::default()
    } else {
        add.clone()
    };
    cx.store.commit(StateChange {
        verify,
        serial,
        ..state.change(key, add, drop)
    })?;
    Ok(created)
}

/// Creates the zone; if the primary does not load its contents, with the smallest ones, so that it can be filled by
/// UPDATEs, which tell what the primary refuses.
async fn create_on_primary(
    cx: &mut Context<'_>,
    initial: &InitialZone,
) -> Result<Created, Failure> {
    let transfer = &cx.session.keys.transfer;
    if transfer.keys().len() > 1 {
        // BIND fetches first contents with the key that it takes, which any answer shows.
        let apex = initial.name.apex();
        let asked = cx.session.query_with(apex, RecordType::SOA, Some(transfer));
        asked.await?;
    }
    match create_with(cx, initial).await {
        Err(Failure::Provision(error)) if error.is_of_contents() => {
            let Some(smallest) = initial.smallest() else {
                return Err(error.into());
            };
            Ok(match create_with(cx, &smallest).await? {
                Created::Full | Created::Placeholder => Created::Placeholder,
                there @ Created::AlreadyThere(_) => there,
            })
        }
        created => created,
    }
}

/// Creates the zone by the interface of the primary, or by an entry of its catalog.
async fn create_with(cx: &mut Context<'_>, initial: &InitialZone) -> Result<Created, Failure> {
    let session = &mut cx.session;
    match &session.primary.provisioning {
        Some(Provisioning::Provisioner(provisioner)) => {
            Ok(provisioner.create(initial, session.deadline).await?)
        }
        Some(Provisioning::Catalog { .. }) | None => {
            create_by_catalog(session, initial, cx.policy.unowned_zones).await
        }
    }
}

/// Returns whether it is certain that a creation that failed so created nothing. After most failures, the state
/// of a member zone is unknown.
fn is_certainly_absent(failure: &Failure) -> bool {
    if let Failure::Provision(error) = failure {
        return error.made_nothing();
    }
    failure.is_of_owner()
}

/// Reserves the zone in the catalog. Gives that up if another zone above it appeared meanwhile. Returns whether its entry
/// is nothing but a reservation.
async fn reserve(
    cx: &mut Context<'_>,
    zone: &ZoneName,
    is_absent: bool,
    was_known: bool,
) -> Result<bool, Failure> {
    let is_reserved = ownership::reserve(cx, zone, is_absent).await?;
    if is_reserved
        && !was_known
        && let Err(failure) = ownership::authorize_ancestors(cx, zone).await
    {
        ownership::give_up(&mut cx.session, zone).await;
        return Err(failure);
    }
    Ok(is_reserved)
}

/// Refuses a zone that another party created meanwhile, and takes back a creation below a zone of another party that
/// appeared meanwhile. A reservation has seen to that before. After a failure that [is of an owner](Failure::is_of_owner)
/// nothing is left of the creation; after any other, that is unknown.
async fn check_created(
    cx: &mut Context<'_>,
    zone: &ZoneName,
    created: &Created,
    before: Provenance,
    was_known: bool,
) -> Result<(), Failure> {
    let primary = cx.session.primary;
    let has_reservation = primary.catalog.is_some()
        && matches!(primary.provisioning, Some(Provisioning::Provisioner(_)));
    match created {
        Created::AlreadyThere(ZoneStatus::Other(Creator::Instance(instance)))
            if primary.catalog.is_none() && before == Provenance::Preexisting =>
        {
            let (zone, instance) = (zone.clone(), instance.clone());
            Err(Failure::OthersZone { zone, instance })
        }
        Created::AlreadyThere(ZoneStatus::Unmarked)
            if !was_known && before == Provenance::Preexisting && cx.policy.refuses_unowned() =>
        {
            let zone = zone.clone();
            Err(Failure::UnownedZone { zone })
        }
        Created::AlreadyThere(status)
            if *status != ZoneStatus::Ours || before != Provenance::Creating =>
        {
            Ok(())
        }
        Created::Full | Created::Placeholder | Created::AlreadyThere(_) => {
            if !was_known
                && !has_reservation
                && let Err(failure) = ownership::authorize_ancestors(cx, zone).await
            {
                if failure.is_of_owner() {
                    undo(cx, zone).await?;
                }
                return Err(failure);
            }
            Ok(())
        }
    }
}

/// Deletes a zone that was just created, and must not be there.
async fn undo(cx: &mut Context<'_>, zone: &ZoneName) -> Result<(), Failure> {
    let session = &mut cx.session;
    if let Some(Provisioning::Provisioner(provisioner)) = &session.primary.provisioning {
        let deadline = session.deadline;
        provisioner
            .delete(zone, RemovalScope::Recorded, deadline)
            .await?;
    }
    ownership::release(session, zone).await
}

/// Restores the state from before a creation.
fn roll_back(
    cx: &Context<'_>,
    key: ZoneKey,
    state: &ZoneState,
    new: RrSets,
) -> Result<(), Failure> {
    if state.provenance == Provenance::Preexisting && state.managed.is_empty() {
        cx.store.forget(key, state.generation)
    } else {
        cx.store.commit(state.change(key, RrSets::default(), new))
    }
}

/// Returns the provenance of a zone that was there when it was to be created. In doubt this instance did not
/// create it: a zone that it created is deleted with all that the zone holds.
fn provenance_of(status: &ZoneStatus, before: Provenance, is_absent: bool) -> Provenance {
    match (status, before) {
        // Another process of this instance created it since it was read.
        (ZoneStatus::Ours, Provenance::Preexisting) if is_absent => Provenance::Created,
        (ZoneStatus::Ours, Provenance::Creating) => Provenance::Created,
        (ZoneStatus::Ours | ZoneStatus::Unmarked, _) => before,
        (ZoneStatus::Absent | ZoneStatus::Other(_), _) => Provenance::Preexisting,
    }
}

/// Lists a zone in the catalog and waits until the primary serves it.
pub(crate) async fn create_by_catalog(
    session: &mut Session<'_>,
    initial: &InitialZone,
    unowned: UnownedZones,
) -> Result<Created, Failure> {
    let catalog = catalog(session)?;
    let list = EntryChange::List {
        is_preexisting: false,
    };
    let claimed = catalog.claim(session, &initial.name, list, unowned);
    let served = match claimed.await? {
        Membership::Absent => Created::Placeholder,
        Membership::Ours(member) if !member.is_listed() => Created::Placeholder,
        Membership::Ours(_) => Created::AlreadyThere(ZoneStatus::Ours),
        Membership::Unclaimed(_) => Created::AlreadyThere(ZoneStatus::Unmarked),
        Membership::Other { instance, .. } => {
            Created::AlreadyThere(ZoneStatus::Other(Creator::Instance(instance)))
        }
    };
    let (mut pauses, mut has_failed) = (Pauses::new(), false);
    loop {
        match serving(session, &initial.name).await? {
            Serving::Yes => return Ok(served),
            Serving::NotLoaded => {
                if let Some(created) = fill_empty(session, initial, has_failed).await? {
                    return Ok(created);
                }
                has_failed = true;
            }
            Serving::No | Serving::KeyDenied => {}
        }
        if !pauses.pause(session).await? {
            return Err(idle(catalog));
        }
    }
}

/// Returns the failure of a primary that does not follow its catalog in time.
pub(crate) fn idle(catalog: &Catalog) -> Failure {
    Failure::CatalogIdle {
        catalog: catalog.zone().clone(),
        seconds: CATALOG_TIME_MAX.as_secs(),
    }
}

/// Waits until the primary has dropped the zone. `false` if that takes too long.
pub(crate) async fn await_absence(
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

/// Gives a zone without SOA its first contents, or its smallest ones if they do not fit a message or it may have
/// refused the whole before. `None` if the zone cannot take them now.
async fn fill_empty(
    session: &mut Session<'_>,
    initial: &InitialZone,
    has_failed: bool,
) -> Result<Option<Created>, Failure> {
    let octets_max = MESSAGE_OCTETS_MAX - session.keys.update.tsig_octets();
    let whole = first_batch(initial);
    let fits = whole.octets() <= octets_max;
    let smallest = initial
        .smallest()
        .filter(|_| has_failed || !fits)
        .map(|smallest| (first_batch(&smallest), Created::Placeholder));
    let whole = Some((whole, Created::Full)).filter(|_| fits);
    let mut refusal = None;
    for (batch, created) in whole.into_iter().chain(smallest) {
        match fill(session, &batch).await {
            // If the zone has an SOA by now, another process was faster.
            Ok(is_filled) if is_filled => return Ok(Some(created)),
            Ok(_) => refusal = None,
            Err(failure) => refusal = Some(failure),
        }
    }
    // The smallest contents may be taken the next time.
    refusal.filter(|_| has_failed).map_or(Ok(None), Err)
}

/// Sends the UPDATE that fills a zone. Returns whether it was applied.
async fn fill(session: &mut Session<'_>, batch: &Batch) -> Result<bool, Failure> {
    let key = &session.keys.update;
    let reply = session.update_once(batch, key).await?;
    let is_early = match &reply {
        // The zone is not created yet, or is loading.
        Reply::Unsigned(_) | Reply::BadKey => true,
        Reply::Authentic(response) => response.rcode == Rcode::SERVFAIL,
        Reply::BadSig
        | Reply::BadTime { .. }
        | Reply::BadTrunc
        | Reply::Forged(_)
        | Reply::Malformed(_) => false,
    };
    Ok(!is_early && is_applied(reply, &batch.zone, key.name())?)
}

/// Returns the UPDATE that fills a zone without SOA.
fn first_batch(initial: &InitialZone) -> Batch {
    let soa = initial.soa.to_record(&initial.name, initial.soa_ttl);
    let rest = initial.records.iter().flat_map(RrSet::records);
    let records = std::iter::once(soa).chain(rest);
    Batch {
        zone: initial.name.clone(),
        prerequisites: vec![Prerequisite::Absent {
            owner: initial.name.apex().clone(),
            rtype: RecordType::SOA,
        }],
        updates: records.map(Update::add).collect(),
    }
}

/// Pauses that grow until [`CATALOG_TIME_MAX`] has passed.
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

    /// Waits a little. Returns whether time is left.
    async fn pause(&mut self, session: &Session<'_>) -> Result<bool, Failure> {
        if Instant::now() + self.next >= session.deadline {
            return Err(Failure::DeadlinePassed);
        }
        tokio::time::sleep(self.next).await;
        self.next = PAUSE_MAX.min(self.next * 2);
        Ok(Instant::now() < self.end)
    }
}
