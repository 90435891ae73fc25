//! The mark that a provisioner leaves on a zone that it creates.

use std::time::Duration;

use tokio::time::Instant;

use crate::deliver::error::Failure;
use crate::deliver::server::{Primary, Provisioning, Session};
use crate::deliver::state::{Provenance, ZoneState};
use crate::model::{CurrentZone, ZoneName};
use crate::provision::{Creator, Provisioner, ZoneStatus};

/// The longest wait for the mark of a zone in the state.
const DOUBT_TIME_MAX: Duration = Duration::from_secs(2);

/// The mark of a zone.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Mark {
    None,
    Ours,
    Another(String),
}

impl Mark {
    pub(super) fn of(status: ZoneStatus) -> Self {
        match status {
            ZoneStatus::Other(Creator::Instance(instance)) => Self::Another(instance),
            ZoneStatus::Ours => Self::Ours,
            ZoneStatus::Absent | ZoneStatus::Unmarked | ZoneStatus::Other(Creator::Server) => {
                Self::None
            }
        }
    }

    /// Refuses the zone if it bears the mark of another instance.
    pub(super) fn authorize(&self, zone: &ZoneName) -> Result<(), Failure> {
        match self {
            Self::None | Self::Ours => Ok(()),
            Self::Another(instance) => Err(Failure::OthersZone {
                zone: zone.clone(),
                instance: instance.clone(),
            }),
        }
    }
}

/// Returns the provisioner if it leaves marks on the zones that it creates. A program leaves none.
pub(crate) fn marker<'a>(session: &Session<'a>) -> Option<&'a Provisioner> {
    match &session.primary.provisioning {
        Some(Provisioning::Provisioner(Provisioner::Command(_)) | Provisioning::Catalog { .. })
        | None => None,
        Some(Provisioning::Provisioner(provisioner)) => Some(provisioner),
    }
}

/// Returns the mark of a zone that is there. Waits for another instance that is creating it.
pub(crate) async fn marked(
    session: &Session<'_>,
    zone: &ZoneName,
    deadline: Instant,
) -> Result<Mark, Failure> {
    let Some(provisioner) = marker(session) else {
        return Ok(Mark::None);
    };
    let mut status = provisioner.status(zone, deadline).await?;
    if let ZoneStatus::Other(Creator::Instance(_)) = status {
        provisioner.await_creation(zone, deadline).await?;
        status = provisioner.status(zone, deadline).await?;
        if status == ZoneStatus::Absent {
            // The zone is not there any more.
            return Err(Failure::ChangedMeanwhile { attempts: 1 });
        }
    }
    Ok(Mark::of(status))
}

/// Returns the mark of a zone in the state if managed records are missing: another program may have created
/// the zone anew. `None` if the mark would not show that or cannot be read: then the state decides.
pub(super) async fn mark_in_doubt(
    session: &Session<'_>,
    current: &CurrentZone,
    state: &ZoneState,
) -> Option<Mark> {
    let marker = marker(session)?;
    let would_show = state.provenance != Provenance::Adopted || marker.can_change_marks();
    if !would_show || state.is_as_delivered(current) {
        return None;
    }
    let zone = &current.name;
    let deadline = session.deadline.min(Instant::now() + DOUBT_TIME_MAX);
    let mark = marked(session, zone, deadline).await;
    mark.inspect_err(|failure| tracing::debug!(%zone, %failure, "its mark cannot be seen"))
        .ok()
}

/// Returns whether a zone holds only its SOA, its NS records and what was to be put into it: no other
/// program has used it. One that was not read may hold anything.
pub(crate) fn is_unused(primary: &Primary, current: &CurrentZone, state: &ZoneState) -> bool {
    let rest = current.records.minus(&state.managed);
    primary.abilities.shows_zones() && rest.iter().all(|set| current.name.is_apex_ns(set))
}
