//! Makes an empty catalog one with claims, with its first change.

use crate::deliver::error::Failure;
use crate::deliver::server::query::is_applied;
use crate::deliver::server::{Catalog, Session};
use crate::plan::Batch;

/// How often a new record is looked for.
const LOOKS: u32 = 12;

impl Catalog {
    /// Makes an empty catalog one with claims.
    pub(super) async fn begin(&self, session: &mut Session<'_>) -> Result<(), Failure> {
        let begin = self.name.begin();
        let reply = session.repeat(&begin, &self.key, true).await?;
        if is_applied(reply, self.zone(), self.key.name())? {
            self.check_shown(session, &begin).await?;
        }
        Ok(())
    }

    /// Checks that a transfer shows what was written, and takes it back otherwise. PowerDNS: a catalog of the kind
    /// producer takes changes, and shows the members of its own database instead.
    pub(crate) async fn check_shown(
        &self,
        session: &mut Session<'_>,
        batch: &Batch,
    ) -> Result<(), Failure> {
        for look in 0..LOOKS {
            // BIND: a signed copy comes a little later.
            session.pause(look).await?;
            if self.read(session).await?.has_format() {
                return Ok(());
            }
        }
        let undo = batch.undo_of_additions();
        let reply = session.repeat(&undo, &self.key, true).await;
        let undone = reply.and_then(|reply| is_applied(reply, self.zone(), self.key.name()));
        if let Err(failure) = undone {
            tracing::debug!(%failure, "what does not show was not taken back");
        }
        Err(self.not_shown())
    }
}
