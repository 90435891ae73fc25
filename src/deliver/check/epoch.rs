//! The epoch of this instance in the catalog, which shows whether another machine delivers in its name.
//!
//! Each epoch is durable in the state before it is written, and the state keeps those from before. So wherever a process is
//! killed, and whichever older copy of the catalog a primary gets, the catalog has one that the state knows. An epoch that
//! it does not know was written by another machine, or from a newer copy of the state than this.

use std::time::Duration;

use tokio::time::Instant;

use crate::deliver::error::Failure;
use crate::deliver::ownership::Form;
use crate::deliver::server::query::is_applied;
use crate::deliver::server::{Catalog, Session};
use crate::deliver::state::StateStore;
use crate::model::RecordType;
use crate::plan::Epoch;

/// For how long an epoch that was found to be this instance's counts.
const EPOCH_AGE_MAX: Duration = Duration::from_secs(10);

/// How often an epoch is written while the catalog changes.
const ATTEMPTS_MAX: u32 = 5;

/// Which epoch of another machine gives way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Renewal {
    /// None.
    Own,
    /// Each: the operator says that this machine is the right one.
    TakeOver,
}

/// Refuses to change anything on a primary whose catalog shows that another machine delivers in the name of this instance.
/// Asks once in a while; not at all if no worker has written an epoch from this state.
pub(crate) async fn check_epoch(
    session: &mut Session<'_>,
    store: &dyn StateStore,
) -> Result<(), Failure> {
    let primary = session.primary;
    let Some(catalog) = &primary.catalog else {
        return Ok(());
    };
    if catalog
        .own_epoch_at
        .get()
        .is_some_and(|at| at.elapsed() < EPOCH_AGE_MAX)
    {
        return Ok(());
    }
    let key = session.zone_key(catalog.zone());
    if store.epochs(&key).await?.is_empty() {
        return Ok(());
    }
    let asked_at = Instant::now();
    let found = catalog.epochs(session).await?;
    judge(session, store, catalog, &found).await?;
    catalog.own_epoch_at.set(Some(asked_at));
    Ok(())
}

/// Refuses epochs that the state does not know, and notes what was found.
async fn judge(
    session: &Session<'_>,
    store: &dyn StateStore,
    catalog: &Catalog,
    found: &[Epoch],
) -> Result<(), Failure> {
    let key = session.zone_key(catalog.zone());
    // After the question: another process may have written one meanwhile.
    let known = store.epochs(&key).await?;
    let stranger = found.iter().find(|it| !known.contains(it));
    store.note_stranger(key, stranger.cloned())?;
    match stranger {
        None => Ok(()),
        Some(_) => Err(Failure::InstanceCloned {
            instance: catalog.instance.clone(),
        }),
    }
}

/// Writes a new epoch of this instance to the catalog. Returns the one of another machine that gave way, if any did.
///
/// # Errors
/// [`Failure::InstanceCloned`] if the catalog has the epoch of another machine, which must not give way.
pub(crate) async fn renew_epoch(
    session: &mut Session<'_>,
    store: &dyn StateStore,
    renewal: Renewal,
) -> Result<Option<Epoch>, Failure> {
    let primary = session.primary;
    let Some(catalog) = &primary.catalog else {
        return Ok(None);
    };
    let mut gave_way = None;
    for attempt in 0..ATTEMPTS_MAX {
        session.pause(attempt).await?;
        // An empty catalog has nothing to lose, and gets its form with its first entry.
        if catalog.form(session).await? == Form::Empty {
            return Ok(None);
        }
        let key = session.zone_key(catalog.zone());
        let random = || getrandom::u64().map_err(Failure::Random);
        let (random, now) = ([random()?, random()?], (session.clock)());
        let epoch = Epoch::new(&catalog.instance, random, now);
        let before = catalog.epochs(session).await?;
        let known = store.epochs(&key).await?;
        let stranger = before.iter().find(|it| !known.contains(it)).cloned();
        match renewal {
            Renewal::Own if stranger.is_some() => {
                if known.is_empty() {
                    // A new queue file: so calls ask, too.
                    store.add_epoch(key, epoch).await?;
                }
                judge(session, store, catalog, &before).await?;
                continue;
            }
            Renewal::Own => {}
            Renewal::TakeOver => gave_way = gave_way.or(stranger),
        }
        store.add_epoch(key.clone(), epoch.clone()).await?;
        if catalog.swap_epoch(session, &before, &epoch).await? {
            store.note_stranger(key, None)?;
            catalog.own_epoch_at.set(Some(Instant::now()));
            return Ok(gave_way);
        }
    }
    Err(catalog.in_context(Failure::ChangedMeanwhile {
        attempts: ATTEMPTS_MAX,
    }))
}

/// Checks that the catalog has no other epochs of this instance than these, if there are any.
pub(super) async fn check_known(
    session: &mut Session<'_>,
    catalog: &Catalog,
    known: &[Epoch],
) -> Result<(), Failure> {
    if known.is_empty()
        || catalog
            .epochs(session)
            .await?
            .iter()
            .all(|it| known.contains(it))
    {
        return Ok(());
    }
    Err(Failure::InstanceCloned {
        instance: catalog.instance.clone(),
    })
}

impl Catalog {
    /// Returns the epochs of this instance that the catalog has: one, if only nsbridge wrote there.
    pub(crate) async fn epochs(&self, session: &mut Session<'_>) -> Result<Vec<Epoch>, Failure> {
        let owner = self.name.epoch_owner(&self.instance);
        let found = self.ask(session, &owner, RecordType::ZONEMD).await;
        let found = found.map_err(|failure| self.in_context(failure))?;
        Ok(found.into_iter().map(Epoch).collect())
    }

    /// Puts an epoch in the place of others. Returns whether they were still there.
    async fn swap_epoch(
        &self,
        session: &mut Session<'_>,
        before: &[Epoch],
        after: &Epoch,
    ) -> Result<bool, Failure> {
        let swap = async |session: &mut Session<'_>| {
            let serial = self.move_serial(session).await?;
            let batch = self.name.swap_epoch(&self.instance, before, after);
            let reply = session.update(&batch, &self.key).await?;
            let is_applied = is_applied(reply, self.zone(), self.key.name())?;
            if is_applied {
                let joins_updates = session.joins_updates().await.unwrap_or(true);
                self.count_change(serial, joins_updates);
            } else {
                self.is_complete.set(false);
            }
            Ok(is_applied)
        };
        swap(session)
            .await
            .map_err(|failure| self.in_context(failure))
    }
}
