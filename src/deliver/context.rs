//! What the work on one intent needs: the conversation with the primary, the state and the policy.

use tokio::time::Instant;

use super::error::Failure;
use super::policy::Policy;
use super::server::{Primary, Session, open};
use super::state::StateStore;

/// The work on one intent at one primary.
pub(crate) struct Context<'a> {
    /// The conversation with the primary; it also holds the deadline and the clock.
    pub(crate) session: Session<'a>,
    /// What this instance manages.
    pub(crate) store: &'a dyn StateStore,
    /// What the operator allows.
    pub(crate) policy: &'a Policy,
}

impl<'a> Context<'a> {
    /// Opens a session with the primary.
    ///
    /// # Errors
    /// [`Failure::DeadlinePassed`].
    pub(crate) async fn open(
        primary: &'a Primary,
        store: &'a dyn StateStore,
        policy: &'a Policy,
        deadline: Instant,
    ) -> Result<Self, Failure> {
        Ok(Self {
            session: open(primary, policy.clock, deadline).await?,
            store,
            policy,
        })
    }

    /// Gives the connection back for the next session.
    pub(crate) fn close(self) {
        self.session.release();
    }
}
