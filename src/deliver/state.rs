//! What is remembered of a zone, and the way to it.
//!
//! [`StateStore`] is a handle: requests go over a channel to whoever keeps the memory (the queue's
//! file), and answers come back. So deliver knows no SQL, and the keeper may write the requests of
//! many zones in one go. The order of calls is what keeps records ours through a crash:
//!
//! ```text
//! read the zone ─▶ load ─▶ plan ─▶ widen (durable) ─▶ first message … last answer ─▶ narrow
//! ```
//!
//! * `load` comes after the zone was read: another process widens before it sends, so whatever of
//!   its records the read shows is in the memory by then. It may begin with the read, which saves
//!   much of the time that a large zone takes, if nobody has changed the memory when the read ends.
//! * `reserve` returns only when old and desired records together are on disk.
//! * `commit` may be lost in a crash: a memory that is too wide harms nobody.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::deliver::error::Failure;
use crate::model::{Name, RrSets, ZoneName};
use crate::plan::Prerequisites;

/// How a zone came to be on its primary.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Provenance {
    /// It was there, or nothing is known.
    #[default]
    Preexisting,
    /// It was absent and this instance was about to make it.
    Creating,
    /// This instance made it.
    Created,
    /// It was there, and a person made it this instance's.
    Adopted,
}

impl Provenance {
    /// Whether the zone was made by somebody else, as far as it is known.
    pub(crate) fn is_not_ours(self) -> bool {
        matches!(self, Self::Preexisting | Self::Adopted)
    }
}

/// Whether an UPDATE can set the TTL of a zone's SOA. PowerDNS keeps the TTL, and says nothing.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum SoaTtl {
    /// As far as it is known.
    #[default]
    Settable,
    /// It stayed what it was.
    Fixed,
}

/// What is remembered of a zone on a primary.
#[derive(Clone, Debug, Default)]
pub struct ZoneState {
    /// How the zone came to be.
    pub provenance: Provenance,
    /// What its UPDATEs are guarded by.
    pub prerequisites: Prerequisites,
    /// Whether its primary takes another TTL of the SOA from an UPDATE.
    pub soa_ttl: SoaTtl,
    /// The records that were delivered, or may have been; their TTLs mean nothing.
    pub managed: RrSets,
    /// Those of them that are known to have arrived, with their TTLs. Kept only where zones are read
    /// from here.
    pub verified: RrSets,
    /// The state of the row that this was read from; a change by another process moves it on.
    pub generation: i64,
}

impl ZoneState {
    /// Returns a change to `add` and `drop` records that leaves everything else as it is.
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

    /// Whether anything is remembered of the zone but how to talk to its primary.
    pub(crate) fn is_known(&self) -> bool {
        self.provenance != Provenance::Preexisting || !self.managed.is_empty()
    }

    /// Whether nothing of the zone is ours, as far as it is known: it was made by somebody else, and nothing was
    /// delivered to it.
    pub(crate) fn manages_nothing(&self) -> bool {
        self.provenance.is_not_ours() && self.managed.is_empty()
    }
}

/// Which zone on which primary.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct ZoneKey {
    /// The primary's name in the configuration.
    pub primary: String,
    /// The zone.
    pub zone: ZoneName,
}

/// A change of a zone's memory.
#[derive(Clone, Debug)]
pub struct StateChange {
    /// Whose memory.
    pub key: ZoneKey,
    /// The generation that the change was computed from.
    pub generation: i64,
    /// The new origin.
    pub provenance: Provenance,
    /// The new guard.
    pub prerequisites: Prerequisites,
    /// What is known of the SOA's TTL.
    pub soa_ttl: SoaTtl,
    /// Records to add.
    pub add: RrSets,
    /// Records to drop, if nobody changed the memory in between.
    pub drop: RrSets,
    /// Records that are known to have arrived, with their TTLs, if nobody changed the memory in between;
    /// those of `add` are not.
    pub verify: RrSets,
}

/// A PTR value that was added here, on a primary.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct PtrValue {
    /// The primary's name in the configuration.
    pub primary: String,
    /// The address.
    pub address: IpAddr,
    /// The host name.
    pub hostname: Name,
}

/// What is remembered of a zone, without its records.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ZoneSummary {
    /// Which zone.
    pub key: ZoneKey,
    /// How the zone came to be.
    pub provenance: Provenance,
    /// How many records were delivered.
    pub managed: u32,
}

/// One request to the keeper of the memory.
#[derive(Debug)]
pub enum StateRequest {
    /// What is remembered of a zone.
    Load {
        /// Which zone.
        key: ZoneKey,
        /// Where the answer goes.
        answer: oneshot::Sender<ZoneState>,
    },
    /// What is remembered of all zones.
    List {
        /// Where the answer goes.
        answer: oneshot::Sender<Vec<ZoneSummary>>,
    },
    /// Whether a zone was made, adopted or delivered to.
    Knows {
        /// Which zone.
        key: ZoneKey,
        /// Where the answer goes.
        answer: oneshot::Sender<bool>,
    },
    /// The generation that a zone's memory is at.
    Generation {
        /// Which zone.
        key: ZoneKey,
        /// Where the answer goes.
        answer: oneshot::Sender<i64>,
    },
    /// Make a change durable and answer with the new generation.
    Reserve {
        /// The change; `drop` is empty.
        change: StateChange,
        /// Where the answer goes.
        answer: oneshot::Sender<i64>,
    },
    /// Remember a PTR value, durably, and answer then.
    AddPtr {
        /// The value.
        value: PtrValue,
        /// Where the answer goes; the number means nothing.
        answer: oneshot::Sender<i64>,
    },
    /// Forget a PTR value when convenient.
    DropPtr {
        /// The value.
        value: PtrValue,
    },
    /// The PTR values that were added here.
    Ptrs {
        /// Where the answer goes.
        answer: oneshot::Sender<BTreeSet<PtrValue>>,
    },
    /// Make a change when convenient, at the latest before the keeper ends.
    Commit {
        /// The change.
        change: StateChange,
    },
    /// Forget a zone when convenient, if nobody changed the memory in between.
    Forget {
        /// Which zone.
        key: ZoneKey,
        /// The generation that it was found to be gone from.
        generation: i64,
    },
}

/// A load that began before its answer was needed.
pub(crate) struct BegunLoad(oneshot::Receiver<ZoneState>);

/// The way to the memory.
#[derive(Clone)]
pub struct StateStore {
    send: Arc<dyn Fn(StateRequest) -> bool + Send + Sync>,
}

impl fmt::Debug for StateStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateStore").finish_non_exhaustive()
    }
}

impl StateStore {
    /// A handle whose requests go to `send`, which says whether somebody takes them.
    pub fn new(send: impl Fn(StateRequest) -> bool + Send + Sync + 'static) -> Self {
        Self {
            send: Arc::new(send),
        }
    }

    /// The zones that were made or delivered to, in ascending order.
    ///
    /// # Errors
    /// [`Failure::State`].
    pub async fn list(&self) -> Result<Vec<ZoneSummary>, Failure> {
        self.ask(|answer| StateRequest::List { answer }).await
    }

    /// The PTR values that were added here.
    ///
    /// # Errors
    /// [`Failure::State`].
    pub async fn ptrs(&self) -> Result<BTreeSet<PtrValue>, Failure> {
        self.ask(|answer| StateRequest::Ptrs { answer }).await
    }

    /// Whether a zone was made, adopted or delivered to; cheaper than to load what is remembered of it.
    pub(crate) async fn knows(&self, key: &ZoneKey) -> Result<bool, Failure> {
        let key = key.clone();
        self.ask(|answer| StateRequest::Knows { key, answer }).await
    }

    pub(crate) async fn add_ptr(&self, value: PtrValue) -> Result<(), Failure> {
        let remembered = self.ask(|answer| StateRequest::AddPtr { value, answer });
        remembered.await.map(|_| ())
    }

    pub(crate) fn drop_ptr(&self, value: PtrValue) -> Result<(), Failure> {
        self.send(StateRequest::DropPtr { value })
    }

    pub(crate) async fn load(&self, key: &ZoneKey) -> Result<ZoneState, Failure> {
        self.begin_load(key)?.0.await.map_err(|_| Failure::State)
    }

    /// Begins to load what is remembered now.
    pub(crate) fn begin_load(&self, key: &ZoneKey) -> Result<BegunLoad, Failure> {
        let (answer, answered) = oneshot::channel();
        let key = key.clone();
        self.send(StateRequest::Load { key, answer })?;
        Ok(BegunLoad(answered))
    }

    /// What is remembered now, which is what was loaded unless the generation has moved on.
    pub(crate) async fn finish_load(
        &self,
        key: &ZoneKey,
        begun: BegunLoad,
    ) -> Result<ZoneState, Failure> {
        let state = begun.0.await.map_err(|_| Failure::State)?;
        let of = key.clone();
        let generation = self.ask(|answer| StateRequest::Generation { key: of, answer });
        if generation.await? == state.generation {
            Ok(state)
        } else {
            self.load(key).await
        }
    }

    /// Reserves records: makes it durable that this instance may manage them from now on.
    pub(crate) async fn reserve(
        &self,
        key: &ZoneKey,
        state: &mut ZoneState,
        add: &RrSets,
    ) -> Result<(), Failure> {
        let change = state.change(key.clone(), add.clone(), RrSets::default());
        let reserved = self.ask(|answer| StateRequest::Reserve { change, answer });
        state.generation = reserved.await?;
        Ok(())
    }

    pub(crate) fn commit(&self, change: StateChange) -> Result<(), Failure> {
        self.send(StateRequest::Commit { change })
    }

    pub(crate) fn forget(&self, key: ZoneKey, generation: i64) -> Result<(), Failure> {
        self.send(StateRequest::Forget { key, generation })
    }

    /// Sends a request and waits for its answer.
    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<T>) -> StateRequest,
    ) -> Result<T, Failure> {
        let (answer, answered) = oneshot::channel();
        self.send(request(answer))?;
        answered.await.map_err(|_| Failure::State)
    }

    /// The keeper drops its end, or an answer, only when its file failed; it says why itself.
    fn send(&self, request: StateRequest) -> Result<(), Failure> {
        if (self.send)(request) {
            Ok(())
        } else {
            Err(Failure::State)
        }
    }
}
