//! Gives each zone of a catalog a claim, on the operator's command.

use std::collections::BTreeMap;

use tokio::time::Instant;

use crate::deliver::error::Failure;
use crate::deliver::server::query::is_applied;
use crate::deliver::server::{Catalog, Primary, Session, open};
use crate::wire::MESSAGE_OCTETS_MAX;

/// How often an upgrade is tried while other programs change the catalog.
const UPGRADES_MAX: u32 = 5;

impl Primary {
    /// Gives each zone of the catalog a claim: those that an earlier version of nsbridge marked the claim of their
    /// instance, all others one of nobody. Returns the number of new claims of each instance, without a name for
    /// nobody's; `None` if the primary keeps no catalog.
    ///
    /// # Errors
    /// [`Failure`] if the catalog cannot be read or changed.
    pub async fn upgrade_catalog(
        &self,
        clock: fn() -> u64,
        deadline: Instant,
    ) -> Result<Option<BTreeMap<String, usize>>, Failure> {
        let Some(catalog) = &self.catalog else {
            return Ok(None);
        };
        let mut session = open(self, catalog.zone().apex(), clock, deadline);
        let upgraded = catalog.upgrade(&mut session).await;
        session.release();
        upgraded.map(Some)
    }
}

impl Catalog {
    async fn upgrade(&self, session: &mut Session<'_>) -> Result<BTreeMap<String, usize>, Failure> {
        let octets_max = MESSAGE_OCTETS_MAX - self.key.tsig_octets();
        let mut claims: BTreeMap<String, usize> = BTreeMap::new();
        for attempt in 0..UPGRADES_MAX {
            session.pause(attempt).await?;
            let upgrade = self.read(session).await?.upgrade(octets_max);
            let mut is_whole = true;
            for batch in &upgrade.batches {
                let reply = session.repeat(batch, &self.key, true).await;
                let applied = reply.and_then(|it| is_applied(it, self.zone(), self.key.name()));
                is_whole &= applied.map_err(|failure| self.in_context(failure))?;
            }
            if is_whole {
                for (instance, count) in upgrade.claims {
                    *claims.entry(instance).or_default() += count;
                }
                if let Some(last) = upgrade.batches.last() {
                    self.check_shown(session, last).await?;
                }
                return Ok(claims);
            }
        }
        Err(self.in_context(Failure::ChangedMeanwhile {
            attempts: UPGRADES_MAX,
        }))
    }
}
