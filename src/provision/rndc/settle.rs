//! Waits until the state of an existing zone is final.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::command::Target;
use super::control::{CommandResult, Control, Server};
use super::error::{RndcError, Step};
use super::status::{ServerZone, read_zone};
use crate::provision::status::ZoneStatus;

/// First pause between two reads of a zone; each pause is half as long again as the one before.
const POLL_MIN: Duration = Duration::from_millis(20);
/// Longest pause between two reads of a zone.
const POLL_MAX: Duration = Duration::from_millis(250);
/// Time after which an absent zone counts as absent. A zone that another process creates is absent
/// between `delzone` and `addzone`, for less than this.
const ABSENT_MIN: Duration = Duration::from_millis(500);
/// Time after which a creation by another process without progress counts as abandoned. BIND:
/// spreads the queries for new secondaries over time, twenty a second. If the other process still
/// runs, it only starts over.
const ABANDONED_AFTER: Duration = Duration::from_secs(5);

/// Waits until a zone for which `addzone` reported that it exists is a loaded primary or is absent.
/// Removes an abandoned secondary of a creation.
pub(super) async fn settle(
    server: &Server,
    control: &mut Control<'_>,
    target: &Target<'_>,
    deadline: Instant,
) -> Result<Settled, RndcError> {
    let mut poll = Poll::until(deadline);
    let mut last = None;
    let mut since = Instant::now();
    loop {
        let found = read_zone(control, target, deadline).await?;
        if last.as_ref() != Some(&found) {
            since = Instant::now();
        }
        match &found {
            ServerZone::Primary {
                loaded: true,
                status,
                ..
            } => return Ok(Settled::Exists(status.clone())),
            ServerZone::Foreign { kind } => {
                return Err(RndcError::ForeignZone {
                    server: server.to_string(),
                    zone: target.zone().clone(),
                    kind: kind.clone(),
                });
            }
            ServerZone::Absent if since.elapsed() >= ABSENT_MIN => return Ok(Settled::Absent),
            ServerZone::Seed { .. } if since.elapsed() >= ABANDONED_AFTER => {
                tracing::info!(zone = %target.zone(), "removing what a killed creation left");
                remove_seed(control, target, deadline).await?;
                return Ok(Settled::Absent);
            }
            ServerZone::Primary { loaded: false, .. }
            | ServerZone::Absent
            | ServerZone::Seed { .. } => {}
        }
        if !poll.wait().await {
            return Err(match found {
                ServerZone::Primary { .. } => RndcError::NotLoaded {
                    server: server.to_string(),
                    zone: target.zone().clone(),
                },
                ServerZone::Absent | ServerZone::Seed { .. } | ServerZone::Foreign { .. } => {
                    server.deadline_error(Step::AwaitingOther)
                }
            });
        }
        last = Some(found);
    }
}

/// Waits while another process makes progress with the creation of a zone. Never changes the zone.
pub(super) async fn await_creation(
    control: &mut Control<'_>,
    target: &Target<'_>,
    deadline: Instant,
) -> Result<(), RndcError> {
    let mut poll = Poll::until(deadline);
    let (mut last, mut since) = (None, Instant::now());
    loop {
        let found = read_zone(control, target, deadline).await?;
        let wait_max = match &found {
            ServerZone::Seed { .. } => ABANDONED_AFTER,
            ServerZone::Absent => ABSENT_MIN,
            ServerZone::Primary { .. } | ServerZone::Foreign { .. } => return Ok(()),
        };
        if last.as_ref() != Some(&found) {
            since = Instant::now();
        }
        if since.elapsed() >= wait_max || !poll.wait().await {
            return Ok(());
        }
        last = Some(found);
    }
}

/// The final state of a zone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Settled {
    /// The zone is a loaded primary, with this status.
    Exists(ZoneStatus),
    /// The zone does not exist.
    Absent,
}

/// Deletes a secondary of ours with its file. A zone that is absent already is no error.
pub(super) async fn remove_seed(
    control: &mut Control<'_>,
    target: &Target<'_>,
    deadline: Instant,
) -> Result<(), RndcError> {
    let answer = control.command(&target.delzone_clean(), deadline).await?;
    if matches!(
        answer.result,
        CommandResult::Success | CommandResult::NotFound
    ) {
        Ok(())
    } else {
        Err(control.failed(target, "delzone", &answer))
    }
}

/// Growing pauses between two reads, until a deadline.
pub(super) struct Poll {
    interval: Duration,
    deadline: Instant,
}

impl Poll {
    pub(super) fn until(deadline: Instant) -> Self {
        Self {
            interval: POLL_MIN,
            deadline,
        }
    }

    /// Waits; returns `false` at once if the pause would end after the deadline, so that every read
    /// has some time.
    pub(super) async fn wait(&mut self) -> bool {
        let next = Instant::now() + self.interval;
        if next >= self.deadline {
            return false;
        }
        sleep_until(next).await;
        self.interval = POLL_MAX.min(self.interval * 3 / 2);
        true
    }
}
