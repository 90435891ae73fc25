//! What becomes of a zone that is there already: looked at until it is settled.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::command::Target;
use super::control::{CommandResult, Control, Server};
use super::error::{RndcError, Step};
use super::status::{Found, look};
use crate::provision::status::ZoneStatus;

/// First interval between two questions about the state of a zone; it grows by half each time.
const POLL_MIN: Duration = Duration::from_millis(20);
/// Longest interval between two questions about the state of a zone.
const POLL_MAX: Duration = Duration::from_millis(250);
/// A zone that another process makes is absent between its `delzone` and its `addzone`; longer
/// than it keeps trying the latter.
const ABSENT_MIN: Duration = Duration::from_millis(500);
/// A creation by another process without a step forward for so long was abandoned. BIND spreads
/// the queries for new secondaries over time, twenty a second; a living maker that is overtaken
/// only starts over.
const ABANDONED_AFTER: Duration = Duration::from_secs(5);

/// Finds out about a zone that `addzone` found to be there, until it is a loaded primary or is
/// not there.
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
        let found = look(control, target, deadline).await?;
        if last.as_ref() != Some(&found) {
            since = Instant::now();
        }
        match &found {
            Found::Primary {
                loaded: true,
                status,
            } => return Ok(Settled::There(status.clone())),
            Found::Foreign { kind } => {
                return Err(RndcError::ForeignZone {
                    server: server.to_string(),
                    zone: target.zone().clone(),
                    kind: kind.clone(),
                });
            }
            Found::Absent if since.elapsed() >= ABSENT_MIN => return Ok(Settled::Absent),
            Found::Seed { .. } if since.elapsed() >= ABANDONED_AFTER => {
                tracing::info!(zone = %target.zone(), "removing what a killed creation left");
                remove_seed(control, target, deadline).await?;
                return Ok(Settled::Absent);
            }
            Found::Primary { loaded: false, .. } | Found::Absent | Found::Seed { .. } => {}
        }
        if !poll.wait().await {
            return Err(match found {
                Found::Primary { .. } => RndcError::NotLoaded {
                    server: server.to_string(),
                    zone: target.zone().clone(),
                },
                Found::Absent | Found::Seed { .. } | Found::Foreign { .. } => {
                    server.late(Step::AwaitingOther)
                }
            });
        }
        last = Some(found);
    }
}

/// Waits while another process goes on making a zone, and leaves it as it is.
pub(super) async fn await_creation(
    control: &mut Control<'_>,
    target: &Target<'_>,
    deadline: Instant,
) -> Result<(), RndcError> {
    let mut poll = Poll::until(deadline);
    let (mut last, mut since) = (None, Instant::now());
    loop {
        let found = look(control, target, deadline).await?;
        let patience = match &found {
            Found::Seed { .. } => ABANDONED_AFTER,
            Found::Absent => ABSENT_MIN,
            Found::Primary { .. } | Found::Foreign { .. } => return Ok(()),
        };
        if last.as_ref() != Some(&found) {
            since = Instant::now();
        }
        if since.elapsed() >= patience || !poll.wait().await {
            return Ok(());
        }
        last = Some(found);
    }
}

/// What a zone that was there came to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Settled {
    /// It is a primary and loaded; whose it is.
    There(ZoneStatus),
    /// It is not there, or no longer.
    Absent,
}

/// Removes a secondary of ours with its file; one that is gone by now is as well.
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

/// Growing intervals between two looks at a condition.
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

    /// Waits; false where time would be over then, so that the next look has some.
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
