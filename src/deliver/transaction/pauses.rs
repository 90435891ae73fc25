//! The pauses before a primary is asked again whether it serves a change.

use std::time::Duration;

use tokio::time::Instant;

use crate::deliver::error::Failure;
use crate::deliver::server::Session;

/// The pauses before a zone whose serial has not changed is verified again, in milliseconds. BIND: with
/// inline-signing, it signs a copy of the zone that takes the updates, so changes show a little
/// later.
const PAUSES: [u64; 6] = [20, 60, 140, 300, 600, 1_200];
/// The pause between two looks after those, if the primary takes its time to serve a change.
const PAUSE_LONG: Duration = Duration::from_secs(2);

/// The pauses before a change that is not shown is looked at again.
pub(super) struct Pauses {
    short: std::array::IntoIter<u64, 6>,
    /// When the change is served at the latest, if the primary takes its time.
    visible_at: Instant,
    deadline: Instant,
}

impl Pauses {
    pub(super) fn of(session: &Session<'_>) -> Self {
        Self {
            short: PAUSES.into_iter(),
            visible_at: Instant::now() + session.abilities.visible_within,
            deadline: session.deadline,
        }
    }

    /// Pauses. Returns `false` if another look would show no more.
    ///
    /// # Errors
    /// [`Failure::DeadlinePassed`] if the primary may still come to serve the change.
    pub(super) async fn pause(&mut self) -> Result<bool, Failure> {
        let now = Instant::now();
        let pause = match self.short.next() {
            Some(pause) => Duration::from_millis(pause),
            None if now < self.visible_at => PAUSE_LONG,
            None => return Ok(false),
        };
        if now + pause >= self.deadline && now < self.visible_at {
            return Err(Failure::DeadlinePassed);
        }
        tokio::time::sleep(pause).await;
        Ok(true)
    }
}
