//! The state: what this instance manages in each zone, and the steps by which that changes.
//!
//! [`StateStore`] is implemented in `queue` by the handle to the store thread, which owns the file:
//! no SQL is known here, and the thread writes the changes of many zones in one transaction. The
//! order of the steps keeps a record managed, whenever the process dies:
//!
//! ```text
//!   read the zone ──▶ 1 load ──▶ plan ──▶ 2 reserve ──▶ 3 send ──▶ 4 commit
//!                                          (durable)    (UPDATE)    (written later)
//! ```
//!
//! 1. Load the state after the zone was read. Another process reserves its records before it sends
//!    them, so the state then includes each of its records that the read has shown. A load may
//!    begin with the read, since loading a large zone takes long: `finish_load` repeats it if the
//!    generation has changed by the end of the read.
//! 2. Reserve the records to send. The step ends when they and the records managed before are on
//!    disk together.
//! 3. Send the UPDATE messages.
//! 4. Commit what the responses show. A crash may lose this step: a state that lists too many
//!    records does no harm.

use std::collections::BTreeSet;
use std::net::IpAddr;

use futures_util::future::MapErr;
use tokio::sync::oneshot::{self, error::RecvError};

use crate::deliver::error::Failure;
use crate::model::{Name, RrSets, ZoneName};
use crate::plan::Prerequisites;

/// The way in which a zone came to be on its primary.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Provenance {
    /// The zone existed before, or nothing is known.
    #[default]
    Preexisting,
    /// The zone was absent, and this instance was about to create it.
    Creating,
    /// This instance created the zone.
    Created,
    /// The zone existed before, and an operator gave it to this instance.
    Adopted,
}

impl Provenance {
    /// Returns whether another party created the zone, as far as this instance knows.
    pub(crate) fn is_not_ours(self) -> bool {
        matches!(self, Self::Preexisting | Self::Adopted)
    }
}

/// The effect of an UPDATE on the TTL of a zone's SOA. PowerDNS keeps the TTL without an error.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum SoaTtl {
    /// No UPDATE has failed to set it.
    #[default]
    Settable,
    /// An UPDATE left it as it was.
    Fixed,
}

/// The state of a zone on a primary.
#[derive(Clone, Debug, Default)]
pub struct ZoneState {
    /// The way in which the zone came to be.
    pub provenance: Provenance,
    /// The prerequisites of its UPDATEs.
    pub prerequisites: Prerequisites,
    /// Whether its primary accepts another TTL for the SOA.
    pub soa_ttl: SoaTtl,
    /// The records that this instance has sent, or was about to send; their TTLs have no meaning.
    pub managed: RrSets,
    /// The managed records that are known to be in the zone, with their TTLs. Kept only for a
    /// primary with `read = "memory"`.
    pub verified: RrSets,
    /// A number that differs after each change of the state, by any process; 0 without a state.
    pub generation: i64,
}

impl ZoneState {
    /// Returns a change that adds and drops records, and leaves the rest as it is.
    pub(crate) fn change(&self, key: ZoneKey, add: RrSets, drop: RrSets) -> StateChange {
        StateChange {
            key,
            generation: self.generation,
            provenance: self.provenance,
            prerequisites: self.prerequisites,
            soa_ttl: self.soa_ttl,
            add,
            drop,
            verify: RrSets::default(),
        }
    }

    /// Returns whether this instance has created or adopted the zone, or manages records in it.
    pub(crate) fn is_known(&self) -> bool {
        self.provenance != Provenance::Preexisting || !self.managed.is_empty()
    }

    /// Returns whether another party created the zone, and this instance manages no record in it.
    pub(crate) fn manages_nothing(&self) -> bool {
        self.provenance.is_not_ours() && self.managed.is_empty()
    }
}

/// A zone on a primary.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ZoneKey {
    /// The primary's name in the configuration.
    pub primary: String,
    /// The zone.
    pub zone: ZoneName,
}

/// A change of a zone's state.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names of the fields say what they hold")]
pub struct StateChange {
    pub key: ZoneKey,
    /// The generation of the state that the change was computed from.
    pub generation: i64,
    pub provenance: Provenance,
    pub prerequisites: Prerequisites,
    pub soa_ttl: SoaTtl,
    pub add: RrSets,
    /// The records to drop, if the generation is still current.
    pub drop: RrSets,
    /// The records to mark as verified, with their TTLs, if the generation is still current.
    /// Records of `add` lose that mark.
    pub verify: RrSets,
}

/// A PTR value that this instance added on a primary.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[expect(missing_docs, reason = "the names of the fields say what they hold")]
pub struct PtrValue {
    /// The primary's name in the configuration.
    pub primary: String,
    pub address: IpAddr,
    pub hostname: Name,
}

/// The state of a zone, without its records.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the names of the fields say what they hold")]
pub struct ZoneSummary {
    pub key: ZoneKey,
    pub provenance: Provenance,
    /// The number of managed records.
    pub managed: u32,
}

/// The state of all zones, and the PTR values that this instance added.
///
/// A request is under way when its method returns, whether its [`Answer`] is awaited or not. A read
/// of a zone sees each change of the zone that was requested before.
pub trait StateStore {
    /// Step 1: loads the state of a zone.
    fn load(&self, key: &ZoneKey) -> Answer<ZoneState>;

    /// Step 1, at the end of the read: returns the generation of a zone's state.
    fn generation(&self, key: &ZoneKey) -> Answer<i64>;

    /// Step 2: makes a change durable, and returns the new generation.
    fn persist(&self, change: StateChange) -> Answer<i64>;

    /// Step 4: makes a change, which is written with the next durable one or at the end.
    ///
    /// # Errors
    /// [`Failure::State`].
    fn commit(&self, change: StateChange) -> Result<(), Failure>;

    /// In place of step 4, for an absent zone: deletes the state if the generation is still
    /// current.
    ///
    /// # Errors
    /// [`Failure::State`].
    fn forget(&self, key: ZoneKey, generation: i64) -> Result<(), Failure>;

    /// In place of step 1: returns whether a zone is known, without its records.
    fn knows(&self, key: &ZoneKey) -> Answer<bool>;

    /// Outside the steps: returns the known zones, in ascending order.
    fn list(&self) -> Answer<Vec<ZoneSummary>>;

    /// Step 2 of a PTR value: adds it, and answers when that is durable.
    fn add_ptr(&self, value: PtrValue) -> Answer<()>;

    /// Step 4 of a PTR value that an UPDATE has removed: drops it, written as [`commit`] is.
    ///
    /// # Errors
    /// [`Failure::State`].
    ///
    /// [`commit`]: StateStore::commit
    fn drop_ptr(&self, value: PtrValue) -> Result<(), Failure>;

    /// Outside the steps: returns the PTR values that this instance added.
    fn ptrs(&self) -> Answer<BTreeSet<PtrValue>>;
}

impl dyn StateStore + '_ {
    /// Step 1, at the end of the read: ends a load that began with the read, and loads again if the
    /// generation has changed since.
    pub(crate) async fn finish_load(
        &self,
        key: &ZoneKey,
        begun: Answer<ZoneState>,
    ) -> Result<ZoneState, Failure> {
        let state = begun.await?;
        if self.generation(key).await? == state.generation {
            Ok(state)
        } else {
            self.load(key).await
        }
    }

    /// Step 2: makes it durable that this instance manages these records, before it sends them.
    pub(crate) async fn reserve(
        &self,
        key: &ZoneKey,
        state: &mut ZoneState,
        add: &RrSets,
    ) -> Result<(), Failure> {
        let change = state.change(key.clone(), add.clone(), RrSets::default());
        state.generation = self.persist(change).await?;
        Ok(())
    }
}

/// The answer to a request; [`Failure::State`] if the file fails before the request is done.
pub type Answer<T> = MapErr<oneshot::Receiver<T>, fn(RecvError) -> Failure>;
