//! Gives a zone that is there the present key: the first one of the list, in a rollover.
//!
//! The zone is never without a key that the primary takes: the new key is tried before it is written to the zone, and again
//! before the others of the list are taken out.

use std::time::Duration;

use tokio::time::Instant;

use crate::deliver::context::Context;
use crate::deliver::error::Failure;
use crate::deliver::ownership::{Mark, marked, membership, provenance};
use crate::deliver::server::query::{authentic, is_applied};
use crate::deliver::server::{Primary, Provisioning, Session};
use crate::deliver::state::Provenance;
use crate::diagnostic::Software;
use crate::model::{RecordType, ZoneName};
use crate::plan::{Batch, Prerequisites};
use crate::provision::{KeyPlace, Provisioner, Rekeyed, ZoneStatus};
use crate::wire::KeyList;

/// How long a primary may take until it lets the new key update the zone.
const RIGHT_TIME_MAX: Duration = Duration::from_secs(2);
/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(50);

/// Lets the first key of each list update and transfer a zone of this instance, and the others of the list no more.
///
/// # Errors
/// [`Failure`]: the zone takes the keys that it took before. [`Failure::KeysElsewhere`] if a person must name the key.
pub(crate) async fn rekey(cx: &mut Context<'_>, zone: &ZoneName) -> Result<Rekeyed, Failure> {
    let is_made_here = is_made_here(cx, zone).await?;
    let session = &mut cx.session;
    let (keys, deadline) = (session.keys, session.deadline);
    let first = [&keys.update, &keys.transfer].map(|list| KeyList::from(list.first().clone()));
    let made = match &session.primary.provisioning {
        Some(Provisioning::Provisioner(provisioner)) if is_made_here => {
            require(session, provisioner, zone, &first).await?;
            let admitted = provisioner.rekey(zone, false, deadline).await?;
            Some((provisioner, admitted))
        }
        Some(_) | None => None,
    };
    let (provisioner, admitted) = match made {
        Some((_, Rekeyed::Elsewhere(place))) => {
            return elsewhere(session, zone, &first[0], place).await;
        }
        None => {
            let place = place_of(session.primary);
            return elsewhere(session, zone, &first[0], place).await;
        }
        Some(made) => made,
    };
    let until = Instant::now() + RIGHT_TIME_MAX;
    while let Err(failure) = try_key(session, zone, &first[0]).await {
        if Instant::now() > until.min(deadline) || admitted == Rekeyed::Unchanged {
            return Err(failure);
        }
        tokio::time::sleep(PAUSE).await;
    }
    if keys.update.keys().len() == 1 && keys.transfer.keys().len() == 1 {
        return Ok(admitted);
    }
    let retired = provisioner.rekey(zone, true, deadline).await?;
    Ok(if admitted == Rekeyed::Changed {
        admitted
    } else {
        retired
    })
}

/// Returns whether this instance made or adopted the zone. It may also have found it, and deliver to it.
///
/// # Errors
/// [`Failure::OthersZone`] and [`Failure::UnownedZone`] for zones that are not this instance's.
async fn is_made_here(cx: &mut Context<'_>, zone: &ZoneName) -> Result<bool, Failure> {
    let membership = membership(&mut cx.session, zone).await?;
    let state = cx.store.load(&cx.session.zone_key(zone)).await?;
    if provenance(membership.as_ref(), state.provenance) != Provenance::Preexisting {
        return Ok(true);
    }
    match marked(&cx.session, zone, cx.session.deadline).await? {
        Mark::Ours => Ok(true),
        Mark::Another(instance) => Err(Failure::OthersZone {
            zone: zone.clone(),
            instance,
        }),
        Mark::None if state.is_known() => Ok(false),
        Mark::None => Err(Failure::UnownedZone { zone: zone.clone() }),
    }
}

/// Checks that the zone is there, and that the primary takes the keys: one that it does not take would shut the zone.
async fn require(
    session: &mut Session<'_>,
    provisioner: &Provisioner,
    zone: &ZoneName,
    keys: &[KeyList],
) -> Result<(), Failure> {
    provisioner.settle(zone, session.deadline).await?;
    if provisioner.status(zone, session.deadline).await? == ZoneStatus::Absent {
        return Err(Failure::ZoneAbsent);
    }
    for key in keys {
        let reply = session
            .query_with(zone.apex(), RecordType::SOA, Some(key))
            .await?;
        authentic(reply, key.name())?;
    }
    Ok(())
}

/// Returns that the zone has the key, at a place that no command changes.
async fn elsewhere(
    session: &mut Session<'_>,
    zone: &ZoneName,
    key: &KeyList,
    place: KeyPlace,
) -> Result<Rekeyed, Failure> {
    let Err(failure) = try_key(session, zone, key).await else {
        return Ok(Rekeyed::Elsewhere(place));
    };
    Err(if failure.is_of_key() {
        let key = key.name().clone();
        Failure::KeysElsewhere { key, place }
    } else {
        failure
    })
}

/// Tries whether the key may update the zone, by an UPDATE that changes nothing.
async fn try_key(session: &mut Session<'_>, zone: &ZoneName, key: &KeyList) -> Result<(), Failure> {
    let mut batch = Batch::without_effect(zone, zone.apex(), &[RecordType::TXT]);
    if session.abilities.prerequisites == Prerequisites::None {
        batch.prerequisites.clear();
        batch.updates.clear();
    }
    let reply = session.update(&batch, key).await?;
    match is_applied(reply, zone, key.name()) {
        Err(failure) if failure.is_absence() => Err(Failure::ZoneAbsent),
        tried => tried.map(drop),
    }
}

/// Returns where a person sets the keys of a zone on a primary.
fn place_of(primary: &Primary) -> KeyPlace {
    match primary.software() {
        Software::Bind => KeyPlace::NamedConf,
        Software::PowerDns => KeyPlace::Metadata,
        Software::Knot => KeyPlace::Acl,
        Software::Unknown => KeyPlace::Server,
    }
}
